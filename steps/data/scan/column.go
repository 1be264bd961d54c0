package scan

import (
	"bytes"
	mathbits "math/bits"
	"slices"
	"strings"
)

// Label says that an object, or a column of it, holds a type of value.
type Label struct {
	Type        string      `json:"type"`
	Column      string      `json:"column,omitempty"` // its name or path; "" for free text
	Count       int64       `json:"count"`            // values found in what was examined
	Confidence  float64     `json:"confidence"`       // from 0 to 1
	Sensitivity Sensitivity `json:"sensitivity"`
	Group       Group       `json:"group"`
	Country     string      `json:"country,omitempty"` // that issues the values: the subject region
	Reason      string      `json:"reason"`
}

// Column gathers what the values of one column are, and judges them together: a
// value that passes a digit's check proves little, a thousand that do prove
// much.
type Column struct {
	s          *Scanner
	name       string
	at         int // its place among an object's
	base       bits
	run        run
	values     int64 // that were not empty
	calls      int64 // in which they came: a value that repeats may come once
	tested     int64 // of them, those that count for the test, each different one once
	tried      []uint64
	words      int64 // of them, those that are free text
	ways       []way
	spans      []tally    // by type, in the order found
	mails      bool       // an address was a whole value
	mailsAt    int        // the place of their tally among spans
	digits     [20]length // by number of digits
	nameLike   int64      // values of a few capitalized words
	chat       int64      // values of some words that are neither
	chats      [][]byte   // some different ones of them
	foreign    string     // the script of values in letters that are not Latin; empty if there are none
	secret     bool       // its name is that of passwords
	key        bool       // or of keys
	set        int64      // values of it that are no stand-ins
	shortNames [][]byte   // some different ones of them
	sample     [][]byte   // some values of free text, for the neural model
	held       []byte     // values that wait to be taken in many at once
	ends       []uint32   // where each of them ends, behind a 0
}

// way is an entity that whole values of the column could be.
type way struct {
	entity       uint8
	trials, hits int64
}

type tally struct {
	kind  string
	count int64
	score float64 // of the best
	whole int64   // found as whole values
}

// Column begins a column of the name given, "" if it has none. It is not for
// use from several goroutines.
func (s *Scanner) Column(name string) *Column {
	c := &Column{s: s, name: name}
	eachWord([]byte(name), func(h uint32) {
		if set := s.words.get(h); set != nil {
			c.base.or(set)
		}
	})
	if set := s.words.get(joinedHash(name)); set != nil {
		c.base.or(set)
	}
	last := strings.TrimRight(name, "[]0123456789")
	c.secret = endsInPassword([]byte(last), len(last)) >= 0
	c.key = namesKey(last)
	return c
}

// joinedHash is the hash of a name's words written together: credit_card and
// creditcard mean the same.
func joinedHash(name string) uint32 {
	if i := strings.LastIndexAny(name, ".]"); i >= 0 && i+1 < len(name) {
		name = name[i+1:]
	}
	joined := strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == ' ' {
			return -1
		}
		return r
	}, strings.ToLower(name))
	var h uint32
	eachWord([]byte(joined), func(w uint32) { h = w })
	return h
}

// Add takes a value in. The bytes are not kept, except a few of free text until
// the column is judged.
func (c *Column) Add(value []byte) { c.Repeated(value, 1) }

// Repeated takes in a value that stands so many times in the column.
func (c *Column) Repeated(value []byte, times int64) {
	c.take(value, times, trigger(value, 0), unasked)
}

// take takes a value in. Stop is the place of the first byte of it at which the pass
// stops, -1 for none.
func (c *Column) take(value []byte, times int64, stop int, known asked) {
	if !digitsOnly(value) {
		was := value
		if known&isPlain == 0 {
			value, _ = plainly(value)
		}
		if n := len(value); n > 0 && (value[0] <= ' ' || value[0] >= 0x80 || value[n-1] <= ' ' || value[n-1] >= 0x80) {
			value = bytes.TrimSpace(value)
		}
		value = unpointed(value)
		if len(value) != len(was) || len(value) > 0 && &value[0] != &was[0] {
			stop = trigger(value, 0)
		}
	}
	if len(value) == 0 {
		return
	}
	c.values += times
	c.calls++
	tested := c.sampled() && c.fresh(value)
	if tested {
		c.tested++
	}
	if (c.secret || c.key) && len(value) >= 4 && !standsIn(value) {
		c.setTo(value, times)
	}
	if is(value[0], isDig) && c.number(value, tested) {
		return
	}
	if c.mails && len(c.s.custom) == 0 && wholeMail(value) { // such a value is no words
		c.mail(value, times, tested)
		return
	}
	c.run.out = c.run.out[:0]
	if stop >= 0 || known&isKeyless == 0 || len(value) >= chanceBytes || len(value) == 8 || len(value) == 11 {
		c.find(value, tested, stop, known)
	}
	spans := c.run.out
	if len(c.s.custom) > 0 {
		spans = merge(slices.Clone(spans), c.s.customSpans(value))
	}
	for i := range spans {
		sp := &spans[i]
		t := c.tally(sp, times)
		if sp.End-sp.Start == len(value) {
			t.whole += times
			if sp.Type == "EMAIL_ADDRESS" && !c.mails {
				c.mails = true
				c.mailsAt = slices.IndexFunc(c.spans, func(t tally) bool { return t.kind == sp.Type })
			}
		}
	}
	c.wording(value, times, known)
}

// mail takes in a value that is an address.
func (c *Column) mail(value []byte, times int64, tested bool) {
	if tested && len(value) < 64 {
		c.whole(value)
	}
	t := &c.spans[c.mailsAt]
	t.count += times
	t.whole += times
}

// wholeMail reports whether a value is one plain address and nothing else, so that the
// pass, which is slower, would find just that. It errs to the side of no.
func wholeMail(b []byte) bool {
	at, dot := 0, 0
	for from := 0; from < len(b); from += 8 {
		// Letters and digits are passed over eight at a step.
		others := ^alnumMask(load(b, from)) & highBits
		if left := len(b) - from; left < 8 {
			others &= 1<<(8*left) - 1
		}
		for ; others != 0; others &= others - 1 {
			i := from + mathbits.TrailingZeros64(others)>>3
			switch c := b[i]; {
			case c == '@':
				if at > 0 || i == 0 || i > 60 || b[i-1] == '.' {
					return false
				}
				at, dot = i, i
			case c == '.':
				if i == 0 || class[b[i-1]]&isAlnum == 0 {
					return false
				}
				dot = i
			case c == '-' || c == '_' && at == 0 || c == '+' && at == 0:
				if i == 0 || class[b[i-1]]&isAlnum == 0 {
					return false
				}
			default:
				return false
			}
		}
	}
	if n := len(b) - dot; at == 0 || dot <= at+1 || n < 3 || n > 25 || len(b)-at > 200 {
		return false
	}
	for _, c := range b[dot+1:] {
		if class[c]&isLet == 0 {
			return false
		}
	}
	return true
}

// find runs over a value. Values without a digit or mark have no shape, but for banks'
// codes.
func (c *Column) find(value []byte, tested bool, stop int, known asked) {
	c.run.reset(c.s, value, c.base)
	if stop >= 0 || len(value) == 8 || len(value) == 11 {
		if len(value) < 64 && tested {
			c.whole(value)
		}
		if stop >= 0 {
			c.run.all(stop)
		}
	}
	if known&isKeyless == 0 {
		if len(value) >= 20 {
			c.run.accessKeys(true)
		}
		if len(value) >= 12 {
			c.run.commands(true)
		}
		if len(value) > 64 {
			c.run.keys()
		}
	}
	if len(value) >= chanceBytes {
		c.run.againstChance()
	}
}

// digitsOnly reports whether a value is a short number, as most cells of numbers are.
func digitsOnly(b []byte) bool {
	if len(b) == 0 || len(b) > 19 {
		return false
	}
	for _, x := range b {
		if x-'0' > 9 {
			return false
		}
	}
	return true
}

// unpointed takes the point off a whole number that was stored as a fraction, as tools
// do with columns in which some are missing.
func unpointed(b []byte) []byte {
	n := len(b)
	if n < 7 || b[n-1] != '0' || b[n-2] != '.' {
		return b
	}
	for _, c := range b[:n-2] {
		if !is(c, isDig) {
			return b
		}
	}
	return b[:n-2]
}

// tally counts a span. A column holds few types, so that a list is faster than
// a map.
func (c *Column) tally(sp *Span, times int64) *tally {
	i := 0
	for i < len(c.spans) && c.spans[i].kind != sp.Type {
		i++
	}
	if i == len(c.spans) {
		c.spans = append(c.spans, tally{kind: sp.Type})
	}
	t := &c.spans[i]
	t.count += times
	t.score = max(t.score, sp.Score)
	return t
}

// sampled reports whether a value counts for the column test, which needs no
// more than some thousands of them: the first, then one in sixteen.
func (c *Column) sampled() bool { return c.calls <= sampledWhole || c.calls&15 == 0 }

// sampledWhole is how many of the first values all count for the column test.
const sampledWhole = 4096

// fresh reports whether a value was not tested before: one number that passes a check
// and stands in every row proves no more than it does once. A few different ones are
// taken for the same.
func (c *Column) fresh(value []byte) bool {
	if c.tried == nil {
		c.tried = make([]uint64, triedBits/64)
	}
	h := uint64(len(value))
	for i := 0; i < len(value); i += 8 {
		h = mixWord(h, load(value, i))
	}
	h %= triedBits
	was := c.tried[h>>6]&(1<<(h&63)) != 0
	c.tried[h>>6] |= 1 << (h & 63)
	return !was
}

// triedBits is the number of places that values of the test are told apart by.
const triedBits = 1 << 15

// number takes in a value that is nothing but digits, if no number of its length
// could be found in the column without the test: it reports whether that is so.
func (c *Column) number(value []byte, tested bool) bool {
	n := len(value)
	if n >= len(c.digits) || !digitsOnly(value) {
		return false
	}
	l := &c.digits[n]
	if !l.known {
		l.known = true
		l.claims = c.s.shapes.digits(n)
		l.found = n >= 5 && n <= 15 && c.base.has(placePhone)
		for _, cl := range l.claims {
			l.found = l.found || cl.alone > 0 || c.base.has(int(cl.entity))
		}
		l.found = l.found || len(c.s.custom) > 0
	}
	if l.found {
		return false
	}
	if len(l.claims) > 0 && tested {
		c.count(l.claims, value, value)
	}
	return true
}

// length is what numbers of one length could be.
type length struct {
	known, found bool
	claims       []claim
}

// whole counts, for every entity of the value's shape, whether it passes.
func (c *Column) whole(value []byte) {
	r := &c.run
	r.s, r.b = c.s, value
	n := r.phrase(0)
	if n == 0 || int(r.items[n-1].end) != len(value) {
		return
	}
	k, at, ok := 0, &c.s.shapes.nodes[0], true
	var compact [64]byte
	for _, it := range r.items[:n] {
		if ok {
			at, ok = c.s.shapes.step(at, it.symbol)
		}
		if it.kind == '9' || it.kind == 'A' {
			for _, x := range value[it.start:it.end] {
				if x >= 'a' {
					x -= 'a' - 'A'
				}
				compact[k] = x
				k++
			}
		}
	}
	if ok && at.shape > 0 {
		c.count(c.s.shapes.claims[at.shape-1].all, compact[:k], value)
	}
	if n := len(value); k == n && n < len(c.s.shapes.chunks) {
		c.count(c.s.shapes.chunks[n].all, compact[:k], value)
	}
}

func (c *Column) count(claims []claim, compact, value []byte) {
	for _, cl := range claims {
		i := slices.IndexFunc(c.ways, func(w way) bool { return w.entity == cl.entity })
		if i < 0 {
			c.ways = append(c.ways, way{entity: cl.entity})
			i = len(c.ways) - 1
		}
		c.ways[i].trials++
		v := compact
		if cl.raw {
			v = bytes.ToUpper(value)
		}
		if cl.check == nil || cl.check(v) {
			c.ways[i].hits++
		}
	}
}

// declared are the names of columns whose values have no form: what such a
// column holds is what its name says.
var declared = map[string]string{
	"firstname": "PERSON", "lastname": "PERSON", "fullname": "PERSON", "surname": "PERSON", "givenname": "PERSON", "familyname": "PERSON",
	"middlename": "PERSON", "customername": "PERSON", "patientname": "PERSON", "employeename": "PERSON", "vorname": "PERSON",
	"nachname": "PERSON", "nombre": "PERSON", "apellido": "PERSON", "prenom": "PERSON", "contactname": "PERSON", "cardholder": "PERSON",
	"maidenname": "PERSON", "fname": "PERSON", "lname": "PERSON", "cardholdername": "PERSON", "nameoncard": "PERSON",
	"address": "LOCATION", "street": "LOCATION", "streetaddress": "LOCATION", "addressline": "LOCATION", "homeaddress": "LOCATION",
	"city": "LOCATION", "zip": "LOCATION", "zipcode": "LOCATION", "postcode": "LOCATION", "postalcode": "LOCATION", "addr": "LOCATION",
	"billingaddress": "LOCATION", "shippingaddress": "LOCATION", "birthplace": "LOCATION", "placeofbirth": "LOCATION",
	"company": "ORGANIZATION", "companyname": "ORGANIZATION", "employer": "ORGANIZATION", "organization": "ORGANIZATION", "organisation": "ORGANIZATION",
	"password": "PASSWORD", "passwd": "PASSWORD", "pwd": "PASSWORD", "passphrase": "PASSWORD", "passwordhash": "PASSWORD",
	"dob": "DATE_OF_BIRTH", "dateofbirth": "DATE_OF_BIRTH", "birthdate": "DATE_OF_BIRTH", "birthday": "DATE_OF_BIRTH", "geburtsdatum": "DATE_OF_BIRTH",
	"mrn": "MEDICAL_RECORD_NUMBER", "patientid": "MEDICAL_RECORD_NUMBER", "diagnosis": "ICD10_CODE", "icd10": "ICD10_CODE",
}

// setTo takes note of what a column of passwords or keys holds.
func (c *Column) setTo(value []byte, times int64) {
	if c.secret {
		if !is(value[0], isDig) || !digitsOnly(value) || len(value) <= 8 {
			c.set += times
		}
		return
	}
	if len(value) >= 10 && len(value) <= 200 && bytes.IndexByte(value, ' ') < 0 && entropy(value) >= 3 && random(value) && !(len(value) == 36 && uuid(value)) {
		c.tally(&Span{Type: "SECRET_GENERIC", Score: .7}, times)
	}
}

// namesKey reports whether a column is called as those of keys and tokens are.
func namesKey(name string) bool {
	name = strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		if r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, name[strings.LastIndexAny(name, ".]")+1:])
	for _, w := range []string{"apikey", "accesskey", "secretkey", "privatekey", "signingkey", "encryptionkey", "servicekey", "accountkey", "sharedkey", "secret",
		"authtoken", "accesstoken", "refreshtoken", "apitoken", "bearertoken", "credential", "credentials"} {
		if strings.HasSuffix(name, w) {
			return true
		}
	}
	return false
}

// byName labels a column by its name alone.
func (c *Column) byName(put func(string, int64, float64, string)) {
	name := c.name
	if i := strings.LastIndexAny(strings.TrimRight(name, "[]"), ".]"); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z' || r > 0x7f:
			return r
		}
		return -1
	}, name)
	if kind, ok := declared[name]; ok && c.values > 0 {
		put(kind, c.values, .6, "the column's name")
	} else if c.secret && c.set > 0 {
		put("PASSWORD", c.set, .6, "the column's name")
	}
}

// freeText reports whether a value is prose: several words, whatever numbers stand among
// them.
func freeText(b []byte) bool {
	if len(b) < 20 {
		return false
	}
	b = b[:min(len(b), 400)]
	if n := bytes.Count(b, space); n < 3 && n+bytes.Count(b, newline) < 3 {
		return false
	}
	letters, words, last := 0, 0, uint64(0)
	for i := 0; i < len(b); i += 8 {
		// A bit for each byte that is a letter, and the last two of those before.
		m := letterMask(load(b, i)) >> 7 * 0x0102040810204080 >> 56
		letters += mathbits.OnesCount8(uint8(m))
		all := m<<2 | last
		words += mathbits.OnesCount8(uint8(all >> 2 & (all >> 1) &^ all)) // the second letters of words
		last = m >> 6
	}
	// The parts of an address are no words.
	return words >= 4 && letters*10 > 4*len(b)
}

var space, newline = []byte(" "), []byte("\n")

// maxSample is how many values of free text are kept for the model, and
// maxSampleBytes how much of each.
const maxSample, maxSampleBytes = 200, 2000

// keep keeps a few values, the first ones and then ever rarer ones, so that a
// long column is not judged by its beginning and two runs keep the same.
func (c *Column) keep(value []byte) {
	if len(c.sample) < maxSample {
		c.sample = append(c.sample, bytes.Clone(value[:min(len(value), maxSampleBytes)]))
		return
	}
	// Multiplying by an odd constant spreads the counter evenly; a value is kept
	// with probability sample/seen.
	if p := uint64(c.words) * 0x9E3779B97F4A7C15 >> 11 % uint64(c.words); p < maxSample {
		c.sample[p] = append(c.sample[p][:0], value[:min(len(value), maxSampleBytes)]...)
	}
}
