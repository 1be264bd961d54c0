package iam

import (
	"math/bits"
	"strings"
	"unicode/utf8"
)

// element is one step of a pattern: the character of a literal, or a wildcard,
// which is less than zero. A large estate's policies have millions.
type element int32

const (
	one        element = -1 - iota // `?`: any one character
	many                           // `*`: any number of characters
	oneInPart                      // `?` within one part of an ARN: any character but a colon
	manyInPart                     // `*` within one part of an ARN
)

// shape says which way of matching a pattern needs, cheapest first.
type shape uint8

const (
	exact   shape = iota // no wildcard
	any_                 // `*` alone
	prefix               // text and a last `*`
	general              // anything else
	inParts              // an ARN, matched part by part
)

// Pattern is a compiled wildcard pattern of the policy language: `*` stands
// for any number of characters and `?` for one. The zero value matches the
// empty string only.
type Pattern struct {
	text     string // as matched: folded if fold is set
	elements []element
	shape    shape
	fold     bool  // letter case does not count
	ends     []int // of an ARN: where the elements of each of its first five parts end
}

// lower is s with the letters A to Z in lower case. Names of the policy
// language are ASCII: folding by Unicode would take the Kelvin sign for a k.
func lower(s string) string {
	for i := range len(s) {
		if c := s[i]; 'A' <= c && c <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if c := b[i]; 'A' <= c && c <= 'Z' {
					b[i] = c + ('a' - 'A')
				}
			}
			return string(b)
		}
	}
	return s
}

func lowerRune(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + ('a' - 'A')
	}
	return r
}

func upperRune(r rune) rune {
	if 'a' <= r && r <= 'z' {
		return r - ('a' - 'A')
	}
	return r
}

// NewPattern compiles a wildcard pattern. With fold, letter case does not
// count, as in action names.
func NewPattern(s string, fold bool) Pattern {
	b := maker{Pattern: Pattern{fold: fold}, wild: true}
	b.write(s)
	return b.done()
}

// newLiteral is the pattern of one string, in which no character is special.
func newLiteral(s string, fold bool) Pattern {
	b := maker{Pattern: Pattern{fold: fold}}
	b.write(s)
	return b.done()
}

// arnParts is how many parts an ARN has; the last may hold colons itself.
const arnParts = 6

// newARNPattern compiles a pattern whose first five parts are matched one by
// one, as ArnEquals and ArnLike do: a wildcard does not reach over a colon
// there. ok is false if the text has fewer parts and is not `*` alone.
func newARNPattern(s string) (p Pattern, ok bool) {
	b := maker{wild: true, arn: true}
	b.write(s)
	return b.arnDone()
}

// maker builds a pattern piece by piece, so that the value of a variable can
// stand between wildcards without having any itself.
type maker struct {
	Pattern
	wild bool // * and ? are special in what is written
	arn  bool
}

// write adds text of the policy.
func (b *maker) write(s string) {
	s = b.take(s)
	for _, r := range s {
		inPart := b.arn && len(b.ends) < arnParts-1
		switch {
		case r == '*' && b.wild && inPart:
			b.star(manyInPart)
		case r == '*' && b.wild:
			b.star(many)
		case r == '?' && b.wild && inPart:
			b.elements = append(b.elements, oneInPart)
		case r == '?' && b.wild:
			b.elements = append(b.elements, one)
		default:
			b.rune(r)
		}
	}
}

// literal adds text in which no character is special.
func (b *maker) literal(s string) {
	for _, r := range b.take(s) {
		b.rune(r)
	}
}

// take adds to the text, and makes room.
func (b *maker) take(s string) string {
	if b.fold {
		s = lower(s)
	}
	if !utf8.ValidString(s) {
		s = string([]rune(s))
	}
	b.text += s // the same memory, where it is the first piece
	if b.elements == nil {
		b.elements = make([]element, 0, len(s))
	}
	return s
}

func (b *maker) rune(r rune) {
	if b.arn && r == ':' && len(b.ends) < arnParts-1 {
		b.ends = append(b.ends, len(b.elements))
	}
	b.elements = append(b.elements, element(r))
}

func (b *maker) done() Pattern {
	b.classify()
	return b.Pattern
}

// arnDone is done for an ARN; ok is false if it has too few parts.
func (b *maker) arnDone() (p Pattern, ok bool) {
	if len(b.elements) == 1 && b.elements[0] == manyInPart && b.text == "*" {
		return NewPattern("*", false), true
	}
	if len(b.ends) < arnParts-1 {
		return Pattern{}, false
	}
	b.classify()
	if b.shape == general {
		b.shape = inParts
	}
	return b.Pattern, true
}

// star adds a wildcard for many, but none after itself: `**` says no more.
func (p *Pattern) star(e element) {
	if n := len(p.elements); n > 0 && p.elements[n-1] == e {
		return
	}
	p.elements = append(p.elements, e)
}

// classify finds the cheapest way of matching and puts the text in its form.
func (p *Pattern) classify() {
	wild := -1
	for i, e := range p.elements {
		if e < 0 {
			wild = i
			break
		}
	}
	switch {
	case wild < 0:
		p.shape = exact
	case wild == len(p.elements)-1 && p.elements[wild] == many:
		p.shape = prefix
		size := 0
		for _, e := range p.elements[:wild] {
			size += utf8.RuneLen(rune(e))
		}
		p.text = p.text[:size]
		if wild == 0 {
			p.shape = any_
		}
	default:
		p.shape = general
	}
}

// Match reports whether the pattern covers s.
func (p *Pattern) Match(s string) bool {
	if p.fold {
		s = lower(s)
	}
	return p.match(s)
}

// match is Match for a string that is folded already if the pattern is.
func (p *Pattern) match(s string) bool {
	switch p.shape {
	case exact:
		return s == p.text
	case any_:
		return true
	case prefix:
		return strings.HasPrefix(s, p.text)
	}
	if p.shape == inParts {
		return p.matchParts(s)
	}
	return matchElements(p.elements, s)
}

// matchParts matches an ARN part by part, so that the time stays that of
// ordinary wildcards whatever stars its parts hold.
func (p *Pattern) matchParts(s string) bool {
	from := 0
	for _, end := range p.ends {
		at := strings.IndexByte(s, ':')
		if at < 0 || !matchElements(p.elements[from:end], s[:at]) {
			return false
		}
		from, s = end+1, s[at+1:]
	}
	return matchElements(p.elements[from:], s)
}

// matchElements matches by remembering the last wildcard only, which is enough
// for wildcards that take anything. Those that stop at a colon are given one
// part at a time, in which there is none.
func matchElements(es []element, s string) bool {
	e, i := 0, 0
	backE, backI := -1, 0
	for i < len(s) {
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
		}
		if e < len(es) {
			switch k := es[e]; k {
			case many, manyInPart:
				backE, backI = e+1, i
				e++
				continue
			case one, oneInPart, element(r):
				e++
				i += size
				continue
			}
		}
		if backE < 0 {
			return false
		}
		_, n := utf8.DecodeRuneInString(s[backI:])
		backI += n
		e, i = backE, backI
	}
	for e < len(es) && (es[e] == many || es[e] == manyInPart) {
		e++
	}
	return e == len(es)
}

// begins reports whether some string that begins with s is matched. What was
// not taken up by then can always be.
func (p *Pattern) begins(s string) bool {
	var room [2][8]uint64
	from, to := room[0][:], room[1][:]
	if n := len(p.elements)/64 + 1; n > len(from) {
		from, to = make([]uint64, n), make([]uint64, n)
	}
	put := func(state []uint64, i int) {
		state[i/64] |= 1 << (i % 64)
		for i < len(p.elements) && p.elements[i] == many {
			i++
			state[i/64] |= 1 << (i % 64)
		}
	}
	put(from, 0)
	for _, r := range s {
		clear(to)
		alive := false
		for w, left := range from {
			for ; left != 0; left &= left - 1 {
				i := w*64 + bits.TrailingZeros64(left)
				if i == len(p.elements) {
					break
				}
				switch p.elements[i] {
				case many:
					put(to, i)
				case one, element(r):
					put(to, i+1)
				default:
					continue
				}
				alive = true
			}
		}
		if !alive {
			return false
		}
		from, to = to, from
	}
	return true
}

// String is the pattern as text, for messages.
func (p *Pattern) String() string {
	var b strings.Builder
	for _, e := range p.elements {
		switch e {
		case one, oneInPart:
			b.WriteByte('?')
		case many, manyInPart:
			b.WriteByte('*')
		default:
			b.WriteRune(rune(e))
		}
	}
	return b.String()
}

// Covers reports whether every string that q matches is matched by p too. It
// says no of patterns that are too entangled to tell.
func (p *Pattern) Covers(q *Pattern) bool {
	budget := maxWork
	return p.covers(q, &budget)
}

func (p *Pattern) covers(q *Pattern, budget *int) bool {
	switch {
	case p.shape == any_:
		return true
	case q.shape == exact && (p.fold || !q.fold):
		return p.Match(q.text)
	case p.shape == exact:
		if q.shape == any_ || q.shape == prefix {
			return false
		}
	case q.shape != prefix || q.fold != p.fold:
	case p.shape == prefix:
		return strings.HasPrefix(q.text, p.text)
	case p.elements[len(p.elements)-1] == many && p.shape == general:
		// The last star takes whatever follows what q begins with; and that alone
		// is matched by q too.
		return p.match(q.text)
	}
	_, found, err := search([]set{{*q}}, []set{{*p}}, budget)
	return err == nil && !found
}

// Meets reports whether some string is matched by both. It says yes of
// patterns that are too entangled to tell.
func (p *Pattern) Meets(q *Pattern) bool {
	budget := maxWork
	return p.meets(q, &budget)
}

func (p *Pattern) meets(q *Pattern, budget *int) bool {
	switch {
	case p.shape == any_ || q.shape == any_:
		return true
	case q.shape == exact && (p.fold || !q.fold):
		return p.Match(q.text)
	case p.shape == exact && (q.fold || !p.fold):
		return q.Match(p.text)
	case p.fold != q.fold:
	case q.shape == prefix && p.shape != inParts:
		return p.begins(q.text)
	case p.shape == prefix && q.shape != inParts:
		return q.begins(p.text)
	}
	_, found, err := search([]set{{*p}, {*q}}, nil, budget)
	return err != nil || found
}
