package scan

import (
	"math"
	"unicode/utf8"
)

// Span is a value found in a text: its type and place, never the value.
type Span struct {
	Type  string
	Start int     // byte offset of its first byte
	End   int     // byte offset after its last byte
	Score float64 // from 0 to 1; see the package's comment
	// Reason says in a few words what the score rests on.
	Reason string
}

// Options are what a scanner may be told. The zero value is usable.
type Options struct {
	// MinScore is the least score reported, 0.5 if zero.
	MinScore float64
	// Custom are types of the user's own, each with its proofs.
	Custom []Rule
	// Names finds persons, places and organisations in free text; without it
	// those are unknown, which Object says.
	Names Namer
}

// Namer finds names in free text, as a neural model does.
type Namer interface {
	// Names appends to spans the persons, places and organisations of text, in
	// order of their start, as byte offsets.
	Names(spans []Span, text []byte) []Span
}

// Scanner finds values. It may be used from many goroutines.
type Scanner struct {
	least  float64
	custom []compiledRule
	names  Namer
	rows   []Entity
	shapes *index
	words  *lexicon
	rules  *secretIndex
	// long makes every field go the whole way, for the test that this finds the same.
	long bool
}

// New makes a scanner. The error names the custom rule whose proof fails.
func New(o Options) (*Scanner, error) {
	custom, err := compileRules(o.Custom)
	if err != nil {
		return nil, err
	}
	if o.MinScore == 0 {
		o.MinScore = .5
	}
	return &Scanner{least: o.MinScore, custom: custom, names: o.Names, rows: catalogue(), shapes: shapes(),
		words: words(), rules: secrets()}, nil
}

// Text finds the values in a text, in order of their start and without
// overlap. Names of persons and places are among them only if the scanner was
// given a Namer.
func (s *Scanner) Text(text []byte) []Span {
	spans := s.Append(nil, text)
	if s.names != nil {
		spans = merge(spans, s.names.Names(nil, text))
	}
	return spans
}

// Append is Text without names, into a slice that the caller may use again.
func (s *Scanner) Append(spans []Span, text []byte) []Span {
	spans, _ = s.scan(spans, text, bits{})
	return spans
}

// scan runs over one text. What base holds is spoken for by something outside
// the text: the name of its column or key. It says too how many files of a kind that is
// not text stand encoded in it, which are not looked into.
func (s *Scanner) scan(spans []Span, text []byte, base bits) (out []Span, opaque int) {
	first := len(spans)
	text, shifts := plainly(text)
	r := run{s: s, b: text, out: spans, base: base, first: len(spans)}
	r.whole()
	spans = r.out
	if shifts != nil {
		for i := first; i < len(spans); i++ {
			spans[i].Start, spans[i].End = back(shifts, spans[i].Start), back(shifts, spans[i].End)
		}
	}
	return spans, r.opaque
}

// whole runs over all of a text.
func (r *run) whole() {
	r.all(trigger(r.b, 0))
	r.keys()
	keys, options := r.s.rules.hyphens(r.b)
	r.accessKeys(keys)
	r.commands(options)
	if len(r.b) >= chanceBytes {
		r.againstChance()
	}
	if len(r.s.custom) > 0 {
		r.out = append(r.out[:r.first:r.first], merge(r.out[r.first:], r.s.customSpans(r.b))...)
	}
}

// Runes turns the byte offsets of spans into offsets of Unicode code points,
// in place. An invalid byte counts as one.
func Runes(text []byte, spans []Span) {
	at, runes := 0, 0
	place := func(offset int) int {
		if offset < at { // spans that overlap begin again
			at, runes = 0, 0
		}
		for at < offset {
			_, n := utf8.DecodeRune(text[at:])
			at += n
			runes++
		}
		return runes
	}
	for i := range spans {
		spans[i].Start, spans[i].End = place(spans[i].Start), place(spans[i].End)
	}
}

// Texts shorter than this hold too few numbers for the test against chance.
const chanceBytes = 2048

// run is the state of one pass.
type run struct {
	s     *Scanner
	b     []byte
	out   []Span
	first int // out before it is the caller's
	floor int // nothing before it is part of a further value
	// within is the end of the last address of a page: what stands in its query is no
	// further one.
	within int
	base   bits
	near   nearby
	// triedTo is the end of the last run that was tried as base 64, depth how often this
	// text was encoded, and opaque how many files it holds in base 64.
	triedTo, depth, opaque int

	cur         chunk // the one being read
	phoneNumber number
	best        candidate
	contextAt   int // the place, plus one, that said and negative are of
	said        bits
	negative    bool

	// What is checked, without separators. It lies here since checks are called
	// through the catalogue, which would move it to the heap at each call.
	compact [64]byte
	items   [maxItems]item
	n, at   int  // items read; the one that the next chunk may be
	dirty   bool // trials or found hold something
	trials  [192]uint32
	found   [192]uint32
}

// reset makes a run ready for another text without giving up its memory.
func (r *run) reset(s *Scanner, text []byte, base bits) {
	r.s, r.b, r.out, r.first, r.floor, r.within, r.base = s, text, r.out[:0], 0, 0, 0, base
	r.triedTo = 0
	r.near.n, r.near.pos, r.contextAt, r.n, r.at = 0, 0, 0, 0, 0
	if r.dirty {
		r.trials, r.found, r.dirty = [192]uint32{}, [192]uint32{}, false
	}
}

// all is the pass, from the first byte at which it stops.
func (r *run) all(i int) {
	for ; i >= 0; i = trigger(r.b, i) {
		switch c := r.b[i]; {
		case c <= '/':
			i++
		case c <= '9':
			i = r.digit(i)
		case c == '@':
			i = r.mail(i)
		case c == ':':
			if end := r.assigned(i); end > 0 {
				i = end
			} else {
				i = r.colon(i)
			}
		case c == '=':
			i = r.equals(i)
		case c == '>':
			i = max(i+1, r.assigned(i))
		case c == '<':
			i = r.angle(i)
		default:
			i++
		}
	}
}

// emit adds a span if its score is enough. It returns the end, from which the
// pass goes on.
func (r *run) emit(kind string, start, end int, score float64, reason string) int {
	if score >= r.s.least {
		// A longer value found later (an address around a number) takes the
		// place of what it holds, and a value in the address of a page that of the
		// address.
		for len(r.out) > r.first {
			last := &r.out[len(r.out)-1]
			if last.Start < start && (last.End <= start || last.Type != "URL") {
				break
			}
			r.out = r.out[:len(r.out)-1]
		}
		r.out = append(r.out, Span{kind, start, end, score, reason})
		r.floor = end
	}
	return end
}

// The reasons of scores.
const (
	byCheckAndWord  = "check digits, and a word nearby"
	byCheck         = "check digits and form"
	byFormAndWord   = "form, and a word nearby"
	byForm          = "form"
	byIBAN          = "country, length and check digits"
	byPrefix        = "a prefix its issuer gives out"
	byWordAndRandom = "as random as a key, and a word nearby"
	byCommand       = "a command is given it as a password"
	byRule          = "a rule of yours"
)

// weigh is the score of a claim whose check has passed.
func (cl *claim) weigh(spoken, negative, inside bool) (float64, string) {
	switch {
	case spoken && cl.check != nil && cl.chance < .5:
		return .95, byCheckAndWord
	case spoken && (cl.check != nil || !negative):
		return .8, byFormAndWord
	case cl.alone > 0:
		score := cl.alone
		if negative {
			score -= .4
		}
		if inside {
			score -= .4
		}
		return score, byCheck
	}
	return .2, byCheck
}

// againstChance takes back what chance explains: where a text holds many
// numbers of a shape and about as many pass the check as random ones would,
// those without a word nearby are no finds.
func (r *run) againstChance() {
	drop := [192]bool{}
	some := false
	for e := range r.found {
		if r.found[e] > 0 && r.trials[e] >= 20 && r.s.rows[e].Chance < .5 &&
			binomialTail(int(r.trials[e]), int(r.found[e]), r.s.rows[e].Chance) > 1e-4 {
			drop[e], some = true, true
		}
	}
	if !some {
		return
	}
	kept := r.out[:r.first]
	for _, s := range r.out[r.first:] {
		if s.Reason == byCheck {
			if e, ok := places()[s.Type]; ok && drop[e] {
				continue
			}
		}
		kept = append(kept, s)
	}
	r.out = kept
}

// binomialTail is the probability of k or more passes in n trials that each
// pass with probability p.
func binomialTail(n, k int, p float64) float64 {
	switch {
	case k <= 0 || p >= 1:
		return 1
	case k > n || p <= 0:
		return 0
	}
	if float64(k) <= float64(n)*p {
		return 1 // no more than expected: at least about a half, which is all that callers ask
	}
	lg := func(x int) float64 { v, _ := math.Lgamma(float64(x) + 1); return v }
	term := math.Exp(lg(n) - lg(k) - lg(n-k) + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
	total := 0.0
	for i := k; i <= n && term > total*1e-12; i++ {
		total += term
		term *= float64(n-i) / float64(i+1) * p / (1 - p)
	}
	return min(total, 1)
}
