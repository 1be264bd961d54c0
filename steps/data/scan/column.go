package scan

import (
	"bytes"
	"math"
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
	base       bits
	run        run
	values     int64 // that were not empty
	tested     int64 // of them, those that count for the test
	words      int64 // of them, those that are free text
	ways       []way
	spans      []tally    // by type, in the order found
	digits     [20]length // by number of digits
	nameLike   int64      // values of a few capitalized words
	shortNames [][]byte   // some different ones of them
	sample     [][]byte   // some values of free text, for the neural model
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
func (c *Column) Add(value []byte) {
	value = bytes.TrimSpace(value)
	if len(value) == 0 {
		return
	}
	c.values++
	if c.sampled() {
		c.tested++
	}
	if c.number(value) {
		return
	}
	if trigger(value, 0) >= 0 || len(value) == 8 || len(value) == 11 {
		// Values without a digit or mark have no shape, but for banks' codes.
		if len(value) < 64 && c.sampled() {
			c.whole(value)
		}
		c.run.reset(c.s, value, c.base)
		c.run.all()
	} else {
		c.run.reset(c.s, value, c.base)
	}
	if len(value) >= 20 {
		c.run.accessKeys()
	}
	if len(value) > 64 {
		c.run.keys()
		if len(value) >= chanceBytes {
			c.run.againstChance()
		}
	}
	spans := c.run.out
	if len(c.s.custom) > 0 {
		spans = merge(slices.Clone(spans), c.s.customSpans(value))
	}
	for _, sp := range spans {
		t := c.tally(sp)
		if sp.End-sp.Start == len(value) {
			t.whole++
		}
	}
	c.wording(value)
}

// wording takes note of words in which names could be.
func (c *Column) wording(value []byte) {
	switch {
	case freeText(value):
		c.words++
		c.keep(value)
	case nameLike(value):
		c.nameLike++
		if len(c.shortNames) < maxShort && c.values < 4096 &&
			!slices.ContainsFunc(c.shortNames, func(v []byte) bool { return bytes.Equal(v, value) }) {
			c.shortNames = append(c.shortNames, bytes.Clone(value))
		}
	}
}

// maxShort is how many different cells that look like names are kept. A column of
// fewer than fewShort, each often repeated, is a list of kinds: open, closed.
const maxShort, fewShort, often = 48, 12, 5

// maybeNames reports whether the column may hold names of people or places in
// short cells, which only a model can tell from other words.
func (c *Column) maybeNames() bool {
	kinds := int64(len(c.shortNames))
	return c.nameLike*2 > c.values && (kinds >= fewShort || c.nameLike < often*kinds)
}

// nameLike reports whether a cell is one to four words of letters that begin
// with a capital.
func nameLike(b []byte) bool {
	if len(b) < 2 || len(b) > 40 {
		return false
	}
	words, small, start := 0, false, true
	for _, c := range b {
		switch {
		case c == ' ' || c == '-' || c == '\'' || c == '.':
			start = true
			continue
		case !is(c, isLet) && c < 0x80:
			return false
		case start && !is(c, isUp) && c < 0x80:
			return false
		case start:
			words++
		case !is(c, isUp):
			small = true
		}
		start = false
	}
	return small && words <= 4
}

// tally counts a span. A column holds few types, so that a list is faster than
// a map.
func (c *Column) tally(sp Span) *tally {
	i := 0
	for i < len(c.spans) && c.spans[i].kind != sp.Type {
		i++
	}
	if i == len(c.spans) {
		c.spans = append(c.spans, tally{kind: sp.Type})
	}
	t := &c.spans[i]
	t.count++
	t.score = max(t.score, sp.Score)
	return t
}

// sampled reports whether a value counts for the column test, which needs no
// more than some thousands of them: the first, then one in sixteen.
func (c *Column) sampled() bool { return c.values <= 4096 || c.values&15 == 0 }

// number takes in a value that is nothing but digits, if no number of its length
// could be found in the column without the test: it reports whether that is so.
func (c *Column) number(value []byte) bool {
	n := len(value)
	if n >= len(c.digits) {
		return false
	}
	for _, x := range value {
		if !is(x, isDig) {
			return false
		}
	}
	l := &c.digits[n]
	if !l.known {
		l.known = true
		l.claims = c.s.shapes.find(seed.add('9', n))
		l.found = n >= 5 && n <= 15 && c.base.has(placePhone)
		for _, cl := range l.claims {
			l.found = l.found || cl.alone > 0 || c.base.has(int(cl.entity))
		}
		l.found = l.found || len(c.s.custom) > 0
	}
	if l.found {
		return false
	}
	if len(l.claims) > 0 && c.sampled() {
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
	h, k := seed, 0
	var compact [64]byte
	for _, it := range r.items[:n] {
		h = h.add(it.kind, int(it.end-it.start))
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
	c.count(c.s.shapes.find(h), compact[:k], value)
	if n := len(value); k == n && n < len(c.s.shapes.chunks) {
		c.count(c.s.shapes.chunks[n], compact[:k], value)
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

// The column test. A column is of a type if most of its values have the type's
// shape, more pass its check than chance allows by the probability below, and
// most of them do: a column of real identifiers is not half wrong.
const (
	columnValues = 10
	columnChance = 1e-6
	columnShare  = .8
)

// Labels judges the column.
func (c *Column) Labels() []Label {
	labels := map[string]Label{}
	put := func(kind string, count int64, confidence float64, reason string) {
		if old, ok := labels[kind]; ok && old.Confidence >= confidence {
			return
		}
		l := c.label(kind, count, reason)
		l.Confidence = math.Round(confidence*100) / 100
		labels[kind] = l
	}
	for i := range c.spans {
		t := &c.spans[i]
		if c.unlikely(t) {
			continue
		}
		confidence := t.score
		if share := float64(t.whole) / float64(c.values); share > .9 && c.values >= columnValues {
			confidence = max(confidence, .97)
		}
		put(t.kind, t.count, confidence, "values found in it")
	}
	if best, ok := c.proven(); ok {
		put(c.s.rows[best.entity].Name, best.hits*c.values/c.tested, .9, "more of its values pass the check than chance allows")
	}
	c.byName(put)
	all := make([]Label, 0, len(labels))
	for _, l := range labels {
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b Label) int { return strings.Compare(a.Type, b.Type) })
	return all
}

func (c *Column) label(kind string, count int64, reason string) Label {
	e, ok := EntityOf(kind)
	if !ok {
		e = Entity{Name: kind, Group: PII, Sensitivity: High}
		for _, r := range c.s.custom {
			if r.Name == kind && r.Group != "" {
				e.Group = r.Group
			}
			if r.Name == kind && r.Sensitivity != "" {
				e.Sensitivity = r.Sensitivity
			}
		}
	}
	return Label{Type: kind, Column: c.name, Count: count, Sensitivity: e.Sensitivity, Group: e.Group, Country: e.Country, Reason: reason}
}

// unlikely reports whether what was found in a column is what chance would find
// there: of many values of the shape, about as many pass as random ones would,
// whatever the column's name says.
func (c *Column) unlikely(t *tally) bool {
	e, ok := places()[t.kind]
	if !ok {
		return false
	}
	i := slices.IndexFunc(c.ways, func(w way) bool { return int(w.entity) == e })
	if i < 0 || t.whole == 0 {
		return false
	}
	w, chance := c.ways[i], c.s.rows[e].Chance
	if chance >= .5 || w.trials < columnValues {
		return false
	}
	return binomialTail(int(w.trials), int(w.hits), chance) > 1e-3
}

// proven is the entity the column's values are by the test, if one stands out:
// the one whose passing by chance is least likely.
func (c *Column) proven() (way, bool) {
	best, least := way{}, math.Inf(1)
	for _, w := range c.ways {
		e := &c.s.rows[w.entity]
		if e.check == nil || e.Chance >= .5 || w.trials < columnValues || w.trials*10 < c.tested*9 ||
			float64(w.hits) < columnShare*float64(w.trials) {
			continue
		}
		if binomialTail(int(w.trials), int(w.hits), e.Chance) > columnChance {
			continue
		}
		// The tail is too small to compare; the chance of one value, and a name
		// that speaks for the type, tell types of one shape apart.
		rank := e.Chance
		if c.base.has(int(w.entity)) {
			rank /= 1000
		}
		if rank < least {
			best, least = w, rank
		}
	}
	return best, !math.IsInf(least, 1)
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
	}
}

// freeText reports whether a value is prose: several words of letters.
func freeText(b []byte) bool {
	if len(b) < 20 {
		return false
	}
	spaces, letters := 0, 0
	for _, c := range b[:min(len(b), 400)] {
		switch {
		case c == ' ' || c == '\n':
			spaces++
		case is(c, isLet) || c >= 0x80:
			letters++
		}
	}
	return spaces >= 3 && letters*10 > 6*min(len(b), 400)
}

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
