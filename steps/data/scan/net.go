package scan

import (
	"bytes"
	mathbits "math/bits"
	"net/netip"
)

// machine reads addresses of machines and places on the map: IPv4, IPv6, MAC,
// coordinates.
func (r *run) machine(c *chunk, letters bool) int {
	n := c.e - c.s
	switch {
	case !letters && n <= 3 && c.next == '.':
		if end := r.ipv4(c); end > 0 {
			return end
		}
		return r.coordinates(c)
	case n <= 4 && (c.next == ':' || c.prev == ':') && c.kinds&isLet == 0 || n <= 4 && letters && (c.next == ':' || c.prev == ':') && allHex(r.b[c.s:c.e]):
		return r.colons(c)
	case n == 2 && c.next == '-' && allHex(r.b[c.s:c.e]):
		s := c.s
		for s >= r.floor+3 && c.s-s < 15 && r.b[s-1] == '-' && allHex(r.b[s-3:s-1]) {
			s -= 3 // pairs without a digit, which the pass did not stop at
		}
		if s > 0 && is(r.b[s-1], isTok) {
			return 0
		}
		return r.mac(s, '-')
	}
	return 0
}

func allHex(b []byte) bool {
	for _, c := range b {
		if !is(c, isHex) {
			return false
		}
	}
	return true
}

func (r *run) ipv4(c *chunk) int {
	b, i := r.b, c.s
	if c.inside || c.prev == '-' || c.prev == '.' || c.prev == '+' {
		return 0
	}
	first := 0
	for part := range 4 {
		v, j := 0, i
		for ; j < len(b) && j < i+4; j++ {
			d := b[j] - '0'
			if d > 9 {
				break
			}
			v = v*10 + int(d)
		}
		if j == i || v > 255 || j-i > 1 && b[i] == '0' || j-i > 3 {
			return 0
		}
		if part == 0 {
			first = v
		}
		if part < 3 {
			if j >= len(b) || b[j] != '.' {
				return 0
			}
			j++
		}
		i = j
	}
	if i < len(b) {
		if is(b[i], isAlnum) || b[i] == '_' || b[i] == '-' && i+1 < len(b) && is(b[i+1], isAlnum) ||
			b[i] == '.' && i+1 < len(b) && is(b[i+1], isAlnum) {
			return 0
		}
	}
	score := .9
	if first == 0 || first >= 224 {
		score = .3 // no host's address; as often a version
	}
	if first < 10 {
		if set, negative := r.context(c.s); negative && !set.has(placeIP) {
			score -= .5
		}
	}
	return r.emit("IP_ADDRESS", c.s, i, score, byForm)
}

// colons reads groups between colons: six pairs are a MAC address, others
// perhaps an IPv6 address. Times of day and scopes of programs are neither.
func (r *run) colons(c *chunk) int {
	b := r.b
	s := c.s
	for s > r.floor && c.s-s < 40 && (is(b[s-1], isHex) || b[s-1] == ':') {
		s--
	}
	if s > 0 && (is(b[s-1], isAlnum) || b[s-1] == '_') {
		return 0
	}
	e, groups, double := s, 1, false
	for e < len(b) && e-s < 46 && (is(b[e], isHex) || b[e] == ':' || b[e] == '.' && double) {
		if b[e] == ':' {
			groups++
			double = double || e > s && b[e-1] == ':'
		}
		e++
	}
	for e > s && (b[e-1] == '.' || b[e-1] == ':' && (e-s < 2 || b[e-2] != ':')) {
		e--
	}
	if e < len(b) && (is(b[e], isAlnum) || b[e] == '_' || e <= c.s) {
		return 0
	}
	if groups == 6 && e-s == 17 && !double {
		return r.mac(s, ':')
	}
	if !double && groups < 8 || double && groups < 4 || e-s > 45 || e <= c.s {
		return 0
	}
	a, err := netip.ParseAddr(string(b[s:e]))
	if err != nil || !a.Is6() || a.IsUnspecified() {
		return 0
	}
	return r.emit("IP_ADDRESS", s, e, .9, byForm)
}

// mac reads six pairs of hexadecimal digits.
func (r *run) mac(s int, sep byte) int {
	b := r.b
	if s+17 > len(b) || s+17 < len(b) && (is(b[s+17], isAlnum) || b[s+17] == sep) {
		return 0
	}
	for i := range 17 {
		if i%3 == 2 && b[s+i] != sep || i%3 != 2 && !is(b[s+i], isHex) {
			return 0
		}
	}
	return r.emit("MAC_ADDRESS", s, s+17, .9, byForm)
}

// coordinates reads a latitude or longitude with four decimals or more, which
// tell a house.
func (r *run) coordinates(c *chunk) int {
	b := r.b
	e := c.e + 1
	for e < len(b) && e-c.e < 20 && is(b[e], isDig) {
		e++
	}
	if e-c.e < 5 || c.inside || e < len(b) && (is(b[e], isAlnum) || b[e] == '.' && e+1 < len(b) && is(b[e+1], isDig)) {
		return 0
	}
	v, _ := digitsAt(b, c.s, 3)
	if v > 180 || !r.spoken(placeCoordinates, c.s) {
		return 0
	}
	s := c.s
	if c.prev == '-' {
		s--
	}
	return r.emit("COORDINATES", s, e, .85, byFormAndWord)
}

// mail reads an address around the @ at i.
func (r *run) mail(i int) int { return r.mailAround(i, 1) }

// mailAround reads an address around an @ that is written with n bytes: one, or three in
// the query of an address of a page.
func (r *run) mailAround(i, n int) int {
	b := r.b
	s := i
	for least := max(0, i-64); s > least && class[b[s-1]]&isMail != 0; {
		s--
	}
	for s < i && (b[s] == '.' || b[s] == '-' || b[s] == '%') {
		s++
	}
	host := i + n
	e, dot := host, 0
	for most := min(len(b), i+255); e < most; e++ {
		if e += mathbits.TrailingZeros64(^alnumMask(load(b, e))&highBits) >> 3; e >= most {
			e = most
			break
		}
		if c := b[e]; c == '.' {
			if b[e-1] == '.' {
				break
			}
			dot = e
		} else if class[c]&isHost == 0 {
			break
		}
	}
	for e > host && (b[e-1] == '.' || b[e-1] == '-') {
		e--
	}
	if dot >= e-1 {
		dot = 0
		for k := host; k < e; k++ {
			if b[k] == '.' {
				dot = k
			}
		}
	}
	if s == i || dot <= host || e-dot < 3 || e-dot > 25 || b[i-1] == '.' {
		return host
	}
	for _, c := range b[dot+1 : e] {
		if class[c]&isLet == 0 && c < 0x80 {
			return host
		}
	}
	if e < len(b) && b[e] == '(' {
		return e // a call, as in x@pkg.Func()
	}
	return r.emit("EMAIL_ADDRESS", s, e, .95, byForm)
}

// colon reads a URL around "://".
func (r *run) colon(i int) int {
	b := r.b
	if i+3 >= len(b) || b[i+1] != '/' || b[i+2] != '/' || i < r.within {
		return i + 1
	}
	s := i
	for s > r.floor && i-s < 16 && (is(b[s-1], isAlnum) || b[s-1] == '+' || b[s-1] == '-' || b[s-1] == '.') {
		s--
	}
	e, user, colon := i+3, -1, -1
	slash := false
	for e < len(b) && b[e] > ' ' && b[e] != '"' && b[e] != '\'' && b[e] != '<' && b[e] != '>' && b[e] != '`' && b[e] != '\\' && b[e] != '{' && b[e] != '}' && b[e] != '|' && e-i < 2048 {
		switch b[e] {
		case '/', '?', '#':
			slash = true
		case '@':
			if !slash {
				user = e
			}
		case ':':
			if !slash && user < 0 && colon < 0 {
				colon = e
			}
		}
		e++
	}
	for e > i+3 && (b[e-1] == '.' || b[e-1] == ',' || b[e-1] == ')' || b[e-1] == ';' || b[e-1] == ']' || b[e-1] == ':' || b[e-1] == '!' || b[e-1] == '*') {
		e--
	}
	if s == i || e < i+6 || !is(b[s], isLet) {
		return i + 3
	}
	if user > 0 && colon > 0 && colon < user-3 && secretPart(b[colon+1:user]) {
		return r.emit("SECRET_URL_PASSWORD", s, e, .9, "a password inside an address")
	}
	if end := r.keyInURL(i+3, e); end > 0 {
		return end
	}
	r.emit("URL", s, e, .9, byForm)
	if q := bytes.IndexByte(b[i:e], '?'); q >= 0 {
		// What a query holds may be somebody's.
		r.floor, r.within = i+q+1, e
		return r.floor
	}
	return e
}

// secretPart reports whether the password of an address is one, and no
// placeholder such as ${PASSWORD}, xxxx or <password>.
func secretPart(b []byte) bool {
	for _, c := range b {
		switch c {
		case '$', '<', '{', '*', '%', '[':
			return false
		}
	}
	switch string(b) {
	case "password", "pass", "PASSWORD", "secret", "changeme", "example":
		return false
	}
	return !same(b)
}
