package scan

import (
	_ "embed"
	"math"
	"strconv"
	"strings"
	"sync"
)

//go:embed secrets.txt
var secretTable string

// secretRule is one line of secrets.txt.
type secretRule struct {
	entity      string
	prefix      string
	class       byte
	least, most int
	bits        float64 // least entropy a character
	words       string
}

var secretRules = sync.OnceValue(func() []secretRule {
	all := []secretRule{
		{entity: "SECRET_JWT"}, {entity: "SECRET_PRIVATE_KEY"}, {entity: "SECRET_GENERIC"}, {entity: "SECRET_URL_PASSWORD"},
		{entity: "SECRET_SLACK_WEBHOOK"}, {entity: "SECRET_TEAMS_WEBHOOK"}, {entity: "SECRET_AZURE_SAS"}, {entity: "SECRET_TELEGRAM_BOT"},
	}
	for line := range strings.Lines(secretTable) {
		f := strings.Fields(line)
		if len(f) < 5 || f[0] == "#" {
			continue
		}
		r := secretRule{entity: "SECRET_" + strings.ToUpper(strings.ReplaceAll(f[0], "-", "_")), prefix: f[1], class: f[2][0]}
		least, most, _ := strings.Cut(f[3], "-")
		r.least, _ = strconv.Atoi(least)
		r.most, _ = strconv.Atoi(most)
		r.bits, _ = strconv.ParseFloat(f[4], 64)
		if r.prefix == "~" {
			r.prefix = ""
		}
		r.words = strings.Join(f[5:], " ")
		all = append(all, r)
	}
	return all
})

// secretIndex finds the rules a token's first two characters allow, and those a
// word nearby announces.
type secretIndex struct {
	byStart [256][]*secretRule
	byWord  map[uint32][]*secretRule
	// byEnd are the rules whose prefix ends in a mark and holds no digit, by the letter
	// before that mark: many keys of theirs hold no digit either (all of Hugging Face's,
	// one in thirty of GitLab's, one in seventy of Stripe's).
	byEnd [256][]*secretRule
	ends  [256]bool // where byEnd has any
}

var secrets = sync.OnceValue(func() *secretIndex {
	x := &secretIndex{byWord: map[uint32][]*secretRule{}}
	for i := range secretRules() {
		r := &secretRules()[i]
		if r.class == 0 {
			continue
		}
		if r.prefix != "" {
			x.byStart[r.prefix[0]] = append(x.byStart[r.prefix[0]], r)
			n := len(r.prefix)
			if n > 2 && (r.prefix[n-1] == '_' || r.prefix[n-1] == '-') && !strings.ContainsAny(r.prefix, "0123456789") && strings.IndexByte("awdjb", r.class) >= 0 {
				x.byEnd[r.prefix[n-2]] = append(x.byEnd[r.prefix[n-2]], r)
				x.ends[r.prefix[n-2]] = true
			}
			continue
		}
		eachWord([]byte(r.words), func(h uint32) { x.byWord[h] = append(x.byWord[h], r) })
	}
	return x
})

// inClass reports whether a character may stand in a token of the class.
func inClass(c, class byte) bool {
	switch class {
	case 'a':
		return is(c, isAlnum)
	case 'w':
		return is(c, isAlnum) || c == '_'
	case 'd':
		return is(c, isTok)
	case 'j':
		return is(c, isTok) || c == '.' || c == '~'
	case 'h':
		return is(c, isHex)
	case 'n':
		return is(c, isDig)
	case 'u':
		return is(c, isDig|isUp)
	case 'l':
		return is(c, isDig) || c-'a' < 26
	case 'b':
		return is(c, isB64)
	}
	return is(c, isLet)
}

// secret reads the token around a chunk. Its start is that of the characters
// tokens are made of; a prefix must begin there.
func (r *run) secret(c *chunk) int {
	b := r.b
	s := c.s
	for s > r.floor && c.s-s < 24 && (is(b[s-1], isTok) || b[s-1] == '.' || b[s-1] == '$' || b[s-1] == '~') {
		s--
	}
	if s > 0 && is(b[s-1], isTok) {
		return 0
	}
	for _, rule := range r.s.rules.byStart[b[s]] {
		if e := rule.match(b, s); e > 0 {
			return r.emit(rule.entity, s, e, .95, byPrefix)
		}
	}
	if c.s-s < 3 && c.e-c.s >= 8 && b[s] == 'e' && len(b) > s+3 && b[s+1] == 'y' && b[s+2] == 'J' {
		if e := jwt(b, s); e > 0 {
			return r.emit("SECRET_JWT", s, e, .95, byPrefix)
		}
	}
	if c.next == ':' && c.kinds&isLet == 0 && c.e-c.s >= 8 && c.e-c.s <= 10 {
		if e := telegram(b, c.e+1); e > 0 {
			return r.emit("SECRET_TELEGRAM_BOT", c.s, e, .95, byPrefix)
		}
	}
	if c.e-s >= 8 {
		return r.generic(s)
	}
	return 0
}

// match reads a token with the rule's prefix at s and returns its end, or 0.
func (rule *secretRule) match(b []byte, s int) int {
	p := rule.prefix
	if len(b)-s < len(p)+rule.least || string(b[s:s+len(p)]) != p {
		return 0
	}
	e := s + len(p)
	for e < len(b) && e-s-len(p) <= rule.most && inClass(b[e], rule.class) {
		e++
	}
	n := e - s - len(p)
	if rule.class == 'j' && n > 0 && b[e-1] == '.' {
		n, e = n-1, e-1
	}
	if n < rule.least || n > rule.most || e < len(b) && is(b[e], isAlnum) {
		return 0
	}
	if e-s > 7 && string(b[e-7:e]) == "EXAMPLE" {
		return 0 // as documentation writes them
	}
	if entropy(b[s+len(p):e]) < min(rule.bits, mostEntropy(n)*.8) {
		return 0
	}
	return e
}

func mostEntropy(n int) float64 { return math.Log2(float64(n)) }

// entropy is the bits a character of b carries by the frequencies within b.
func entropy(b []byte) float64 {
	if len(b) == 0 {
		return 0
	}
	var count [256]uint16
	for _, c := range b {
		count[c]++
	}
	e, n := 0.0, float64(len(b))
	for _, k := range count {
		if k > 0 {
			p := float64(k) / n
			e -= p * math.Log2(p)
		}
	}
	return e
}

// jwt reads three parts of base 64 joined by points, the second of which also
// begins as an encoded object does. An unsigned one may lack the third.
func jwt(b []byte, s int) int {
	part := func(i int) int {
		for i < len(b) && is(b[i], isTok) {
			i++
		}
		return i
	}
	one := part(s)
	if one-s < 16 || one+4 > len(b) || b[one] != '.' || b[one+1] != 'e' || b[one+2] != 'y' {
		return 0
	}
	two := part(one + 1)
	if two-one < 16 {
		return 0
	}
	if two < len(b) && b[two] == '.' {
		return part(two + 1)
	}
	return 0
}

// telegram reads the second half of a bot's token: AA and 33 characters.
func telegram(b []byte, i int) int {
	if i+35 > len(b) || b[i] != 'A' {
		return 0
	}
	e := i
	for e < len(b) && e-i < 40 && is(b[e], isTok) {
		e++
	}
	if e-i < 34 || e-i > 35 || entropy(b[i:e]) < 3.5 {
		return 0
	}
	return e
}

// generic reads a token that is assigned to something a word calls a secret,
// and is as random as one; the words may also name whose secret it is.
func (r *run) generic(s int) int {
	b := r.b
	if s == 0 {
		return 0
	}
	quote := b[s-1]
	k := s - 1
	if quote == '"' || quote == '\'' || quote == '`' {
		k--
	}
	for k >= 0 && s-k < 6 && (b[k] == ' ' || b[k] == '\t' || b[k] == '\\' || b[k] == '"') {
		k--
	}
	if k < 0 || b[k] != '=' && b[k] != ':' && b[k] != '>' && !bearer(b, k) {
		return 0
	}
	e := s
	for e < len(b) && e-s < 300 && (is(b[e], isB64) || b[e] == '.' || b[e] == '~' || b[e] == '!' || b[e] == '@' || b[e] == '#' || b[e] == '$') {
		e++
	}
	for e > s && (b[e-1] == '.' || b[e-1] == '!') {
		e--
	}
	if rule, end := r.announced(s, k); rule != nil {
		return r.emit(rule.entity, s, end, .85, byWordAndRandom)
	}
	if !r.spoken(markSecret, s) || !lastWordIsSecret(b, k, r.s.words) {
		return 0
	}
	v := b[s:e]
	if len(v) == 36 && uuid(v) {
		return 0 // a name of something, unless a service is known to give them out
	}
	if e-s < 10 || e-s > 200 || entropy(v) < 3.3 || !random(v) || e < len(b) && (b[e] == '(' || b[e] == '[') {
		return 0
	}
	return r.emit("SECRET_GENERIC", s, e, .7, byWordAndRandom)
}

// bearer reports whether the word that ends at k announces a token.
func bearer(b []byte, k int) bool { return k >= 5 && string(b[k-5:k+1]) == "Bearer" }

// lastWordIsSecret reports whether the name assigned to, which ends at k or
// before it, speaks of a secret in its last or second last word.
func lastWordIsSecret(b []byte, k int, x *lexicon) bool {
	if bearer(b, k) {
		return true
	}
	for k > 0 && !is(b[k], isAlnum) {
		k--
	}
	s := k
	for s > 0 && k-s < 48 && (is(b[s-1], isTok) || b[s-1] == '.') {
		s--
	}
	found := false
	eachWord(b[s:k+1], func(h uint32) {
		if set := x.get(h); set != nil {
			found = found || set.has(markSecret)
		}
	})
	return found
}

// announced finds a rule without a prefix that a word before the token calls
// for: the name of the service whose key it is.
func (r *run) announced(s, k int) (*secretRule, int) {
	from := max(r.floor, k-40)
	var hit *secretRule
	end := 0
	eachWord(r.b[from:k+1], func(h uint32) {
		for _, rule := range r.s.rules.byWord[h] {
			if e := rule.match(r.b, s); e > 0 && random(r.b[s:e]) {
				hit, end = rule, e
			}
		}
	})
	if hit != nil && !lastWordIsSecret(r.b, k, r.s.words) {
		return nil, 0
	}
	return hit, end
}

// random reports whether a value mixes letters and digits as keys do, and is no
// name, path, number, placeholder or date.
func random(v []byte) bool {
	digits, letters, turns, others := 0, 0, 0, 0
	last := uint8(0)
	for _, c := range v {
		k := class[c] & (isDig | isLet)
		switch {
		case k == isDig:
			digits++
		case k == isLet:
			letters++
		default:
			others++
		}
		if k != last {
			turns++
		}
		last = k
	}
	if digits < 2 || letters < 2 || others*4 > len(v) || turns*8 < len(v) {
		return false
	}
	low := strings.ToLower(string(v))
	for _, w := range []string{"example", "xxxx", "your", "test", "dummy", "sample", "placeholder", "1234567890", "abcdef", "changeme", "redacted"} {
		if strings.Contains(low, w) {
			return false
		}
	}
	return true
}

// keyInURL finds webhooks and signed addresses, whose path or query is itself
// the key.
func (r *run) keyInURL(host, end int) int {
	u := r.b[host:end]
	s := string(u[:min(len(u), 40)])
	switch {
	case strings.HasPrefix(s, "hooks.slack.com/services/") && len(u) > 60, strings.HasPrefix(s, "hooks.slack.com/workflows/") && len(u) > 60:
		return r.emit("SECRET_SLACK_WEBHOOK", r.urlStart(host), end, .95, byPrefix)
	case strings.Contains(s, ".webhook.office.com/webhookb2/"):
		return r.emit("SECRET_TEAMS_WEBHOOK", r.urlStart(host), end, .95, byPrefix)
	}
	if len(u) > 60 && strings.Contains(string(u), "sig=") && strings.Contains(string(u), "sv=20") {
		return r.emit("SECRET_AZURE_SAS", r.urlStart(host), end, .9, byPrefix)
	}
	return 0
}

// urlStart is where the address begins whose host begins at the place given.
func (r *run) urlStart(host int) int {
	s := host - 3
	for s > r.floor && host-s < 16 && is(r.b[s-1], isAlnum) {
		s--
	}
	return s
}
