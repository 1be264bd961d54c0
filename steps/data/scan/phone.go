package scan

import "bytes"

// Telephone numbers have no check digit: what speaks for one is its country
// code, the way its groups are written, or a word nearby.

// callingCodes are the country codes of the international numbering plan: one
// digit, two, or three where two are not enough.
var callingCodes = func() (t [1000]bool) {
	one := "1 7"
	two := "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98"
	for _, list := range []string{one, two} {
		n := 0
		for i := 0; i <= len(list); i++ {
			if i == len(list) || list[i] == ' ' {
				t[n] = true
				n = 0
				continue
			}
			n = n*10 + int(list[i]-'0')
		}
	}
	for n := 210; n < 1000; n++ {
		switch n / 10 {
		case 21, 22, 23, 24, 25, 26, 29, 35, 37, 38, 42, 50, 59, 67, 68, 69, 85, 88, 96, 97, 99, 80, 87:
			t[n] = true
		}
	}
	return t
}()

// number is a telephone number as it was written.
type number struct {
	start, end int
	digits     [18]byte
	n          int
	groups     [9]int // lengths, without a country code's plus
	ng         int
	plus       bool // a plus, or nothing but digits behind a country code
	paren      bool
	seps       int
	sep        byte // the separator, if all are the same
	mixed      bool
	extension  bool
}

// phone reads a telephone number at a chunk and weighs it.
func (r *run) phone(c *chunk) (start, end int, score float64, reason string) {
	if c.kinds&isLet != 0 && !extended(r.b, c) {
		return 0, 0, 0, ""
	}
	if c.e-c.s < 6 && c.next != ' ' && c.next != '-' && c.next != '.' && c.next != '/' && c.next != ')' && c.next != '(' {
		return 0, 0, 0, "" // too short, and nothing follows
	}
	p, ok := r.number(c)
	if !ok || p.n < 5 || p.n > 15 || c.inside && !p.plus {
		return 0, 0, 0, ""
	}
	if p.end < len(r.b) {
		switch x := r.b[p.end]; {
		case is(x, isAlnum) || x == '_' || x == '%' || x == '@':
			return 0, 0, 0, ""
		case (x == '/' || x == '-' || x == ':' || x == ',') && p.end+1 < len(r.b) && is(r.b[p.end+1], isDig) && !p.plus && x != ',':
			return 0, 0, 0, ""
		}
	}
	if p.plus {
		score, reason = p.form(p.digits[:p.n]), byForm
	} else {
		set, negative := r.context(c.s)
		spoken := set.has(placePhone)
		if spoken && p.seps == 0 && !r.base.has(placePhone) {
			spoken = r.onLine(placePhone, c.s)
		}
		score, reason = p.weigh(spoken || r.labelled(p.end), negative)
	}
	return p.start, p.end, score, reason
}

// onLine reports whether a word of the same line, before place p, speaks for an
// entity: for a bare run of digits a word of the line before is not enough.
func (r *run) onLine(entity, p int) bool {
	from := max(0, p-window)
	if i := bytes.LastIndexByte(r.b[from:p], '\n'); i >= 0 {
		from += i
	}
	found := false
	readWords(r.b, from, p, r.s.words, func(h uint32, _ int) {
		if set := r.s.words.get(h); set != nil {
			found = found || set.has(entity)
		}
	})
	return found
}

// labelled reports whether the word right behind a number says that it is a
// telephone's: 555-0132 (mobile).
func (r *run) labelled(end int) bool {
	i := end
	for i < len(r.b) && i < end+2 && (r.b[i] == ' ' || r.b[i] == '-' || r.b[i] == '(') {
		i++
	}
	if i == end {
		return false
	}
	found := false
	readWords(r.b, i, min(len(r.b), i+12), nil, func(h uint32, _ int) {
		if set := r.s.words.get(h); set != nil && i >= 0 {
			found = set.has(placePhone)
		}
		i = -1 // the first word only
	})
	return found
}

// extended reports whether the letters of a chunk are an extension's x, as in
// 345-899-3560x4587; the first chunk never holds it, being a group of digits.
func extended(b []byte, c *chunk) bool {
	i := c.s
	for i < c.e && is(b[i], isDig) {
		i++
	}
	if i == c.s || i+1 >= c.e || b[i]|0x20 != 'x' {
		return false
	}
	for j := i + 1; j < c.e; j++ {
		if !is(b[j], isDig) {
			return false
		}
	}
	return i-c.s >= 4
}

// number gathers digits and the separators people write between them.
func (r *run) number(c *chunk) (p *number, ok bool) {
	b := r.b
	p = &r.phoneNumber
	*p = number{}
	p.start = c.s
	if c.prev == '+' || c.prev == '(' {
		p.start--
		p.plus, p.paren = c.prev == '+', c.prev == '('
		if p.paren && p.start > r.floor && b[p.start-1] == '+' {
			p.start--
			p.plus = true
		}
	}
	if p.start < r.floor {
		return p, false
	}
	group := 0
	i := c.s
	for i < len(b) {
		x := b[i]
		if is(x, isDig) {
			if p.n >= len(p.digits) {
				return p, false
			}
			p.digits[p.n] = x
			p.n++
			group++
			i++
			p.end = i
			continue
		}
		j, last := gap(b, i)
		if j == 0 {
			break
		}
		if p.ng < len(p.groups) {
			p.groups[p.ng] = group
			p.ng++
		}
		group = 0
		p.seps++
		if p.sep == 0 {
			p.sep = last
		}
		p.mixed = p.mixed || p.sep != last
		p.paren = p.paren || b[i] == '(' || b[i] == ')' || j > i+1
		i = j
	}
	if p.ng < len(p.groups) {
		p.groups[p.ng] = group
		p.ng++
	}
	p.tail(b)
	return p, p.n > 0
}

// gap reads what may stand between two groups: one separator, or a parenthesis
// with a space or hyphen. It returns the place of the next digit, or 0.
func gap(b []byte, i int) (next int, sep byte) {
	if i+1 < len(b) && is(b[i+1], isDig) { // one sign, as in most
		if c := b[i]; c == '-' || c == ' ' || c == '.' || c == '/' || c == '(' || c == ')' {
			return i + 1, c
		}
		return 0, 0
	}
	j := i
	for j < len(b) && j < i+3 {
		switch b[j] {
		case ' ', '-', '.', '/':
			if j > i && b[j-1] != '(' && b[j-1] != ')' && b[j] != '(' && !(b[j] == '-' && b[j-1] == ' ') && !(b[j] == ' ' && b[j-1] == '-') {
				return 0, 0
			}
		case '(', ')':
		default:
			if j > i && is(b[j], isDig) {
				return j, b[i]
			}
			return 0, 0
		}
		j++
	}
	if j > i && j < len(b) && is(b[j], isDig) {
		return j, b[i]
	}
	return 0, 0
}

// tail takes an extension into the number: x123, ext. 123.
func (p *number) tail(b []byte) {
	i := p.end
	if i < len(b) && b[i] == ' ' {
		i++
	}
	switch {
	case i < len(b) && b[i]|0x20 == 'x':
		i++
	case i+3 < len(b) && (string(b[i:i+3]) == "ext" || string(b[i:i+3]) == "Ext"):
		i += 3
		if b[i] == '.' {
			i++
		}
	default:
		return
	}
	if i < len(b) && b[i] == ' ' {
		i++
	}
	j := i
	for j < len(b) && is(b[j], isDig) && j < i+7 {
		j++
	}
	if j > i {
		p.end, p.extension = j, true
	}
}

// countryCode is the length of the country code the digits begin with, or 0.
func countryCode(d []byte) int {
	n := 0
	for i := 0; i < 3 && i < len(d); i++ {
		n = n*10 + int(d[i]-'0')
		if callingCodes[n] && (i > 0 || n == 1 || n == 7) {
			return i + 1
		}
	}
	return 0
}

func (p *number) weigh(spoken, negative bool) (float64, string) {
	d := p.digits[:p.n]
	form := p.form(d)
	switch {
	case spoken && form > 0:
		return .9, byFormAndWord
	case spoken && p.plausible(d):
		return .75, byFormAndWord
	case negative:
		return form - .4, byForm
	}
	return form, byForm
}

// form is the score of a number by the way it is written alone.
func (p *number) form(d []byte) float64 {
	n := len(d)
	if p.plus {
		if cc := countryCode(d); cc > 0 && n-cc >= 6 && n <= 15 {
			return .9
		}
		return 0
	}
	g := p.groups[:p.ng]
	switch {
	case n > 10 && d[0] == '0' && d[1] == '0' && p.seps > 1:
		if cc := countryCode(d[2:]); cc > 0 && n-2-cc >= 6 && n <= 15 {
			return .7
		}
	case northAmerican(d, g) && (!p.mixed || p.paren) && p.seps > 0:
		if p.sep == ' ' && !p.paren {
			return .6
		}
		return .8
	case p.ng == 5 && d[0] == '0' && n == 10 && !p.mixed && twos(g):
		return .75 // France and its neighbours
	case d[0] == '0' && p.seps >= 1 && (n == 10 || n == 11) && p.sep != '.' && p.sep != '/' && p.ng <= 4 && g[0] >= 3:
		return .6 // trunk zero, area, subscriber
	}
	return 0
}

// northAmerican reports whether digits and groups are area, exchange, line,
// perhaps with a 1 before.
func northAmerican(d []byte, g []int) bool {
	if len(d) == 11 && d[0] == '1' && len(g) == 4 && g[0] == 1 {
		d, g = d[1:], g[1:]
	}
	if len(d) != 10 || len(g) != 3 || g[0] != 3 || g[1] != 3 {
		return false
	}
	return d[0] >= '2' && d[3] >= '2' && string(d[:3]) != "000"
}

func twos(g []int) bool {
	for _, n := range g {
		if n != 2 {
			return false
		}
	}
	return true
}

// plausible is what a word nearby is enough for: a number of the length of
// telephone numbers that is no date and no amount.
func (p *number) plausible(d []byte) bool {
	n := len(d)
	if n < 6 || n > 15 || n > 13 && p.seps == 0 {
		return false
	}
	for _, g := range p.groups[:p.ng] {
		if g == 0 || g == 1 && p.ng > 5 {
			return false
		}
	}
	return !same(d)
}

func same(b []byte) bool {
	for _, c := range b {
		if c != b[0] {
			return false
		}
	}
	return true
}
