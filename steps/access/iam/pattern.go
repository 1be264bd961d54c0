package iam

import (
	"strings"
	"unicode/utf8"
)

// element is one step of a pattern.
type element struct {
	kind elementKind
	r    rune // of a literal
}

type elementKind uint8

const (
	literal    elementKind = iota
	one                    // `?`: any one character
	many                   // `*`: any number of characters
	oneInPart              // `?` within one part of an ARN: any character but a colon
	manyInPart             // `*` within one part of an ARN
)

// shape says which way of matching a pattern needs, cheapest first.
type shape uint8

const (
	exact   shape = iota // no wildcard
	any_                 // `*` alone
	prefix               // text and a last `*`
	general              // anything else
)

// Pattern is a compiled wildcard pattern of the policy language: `*` stands
// for any number of characters and `?` for one. The zero value matches the
// empty string only.
type Pattern struct {
	text     string // as matched: folded if fold is set
	elements []element
	shape    shape
	fold     bool // letter case does not count
}

// NewPattern compiles a wildcard pattern. With fold, letter case does not
// count, as in action names.
func NewPattern(s string, fold bool) Pattern {
	if fold {
		s = strings.ToLower(s)
	}
	p := Pattern{text: s, fold: fold}
	for _, r := range s {
		switch r {
		case '*':
			p.star(many)
		case '?':
			p.elements = append(p.elements, element{kind: one})
		default:
			p.elements = append(p.elements, element{kind: literal, r: r})
		}
	}
	p.classify()
	return p
}

// newLiteral is the pattern of one string, in which no character is special.
func newLiteral(s string, fold bool) Pattern {
	if fold {
		s = strings.ToLower(s)
	}
	p := Pattern{text: s, fold: fold}
	for _, r := range s {
		p.elements = append(p.elements, element{kind: literal, r: r})
	}
	return p
}

// arnParts is how many parts an ARN has; the last may hold colons itself.
const arnParts = 6

// newARNPattern compiles a pattern whose first five parts are matched one by
// one, as ArnEquals and ArnLike do: a wildcard does not reach over a colon
// there. ok is false if the text has fewer parts and is not `*` alone.
func newARNPattern(s string) (p Pattern, ok bool) {
	if s == "*" {
		return NewPattern(s, false), true
	}
	if strings.Count(s, ":") < arnParts-1 {
		return Pattern{}, false
	}
	p = Pattern{text: s}
	part := 0
	for _, r := range s {
		inPart := part < arnParts-1
		switch {
		case r == '*' && inPart:
			p.star(manyInPart)
		case r == '*':
			p.star(many)
		case r == '?' && inPart:
			p.elements = append(p.elements, element{kind: oneInPart})
		case r == '?':
			p.elements = append(p.elements, element{kind: one})
		default:
			if r == ':' {
				part++
			}
			p.elements = append(p.elements, element{kind: literal, r: r})
		}
	}
	p.classify()
	return p, true
}

// star adds a wildcard for many, but none after itself: `**` says no more.
func (p *Pattern) star(kind elementKind) {
	if n := len(p.elements); n > 0 && p.elements[n-1].kind == kind {
		return
	}
	p.elements = append(p.elements, element{kind: kind})
}

// classify finds the cheapest way of matching and puts the text in its form.
func (p *Pattern) classify() {
	wild := -1
	for i, e := range p.elements {
		if e.kind != literal {
			wild = i
			break
		}
	}
	switch {
	case wild < 0:
		p.shape = exact
	case wild == len(p.elements)-1 && p.elements[wild].kind == many:
		p.shape = prefix
		p.text = strings.TrimRight(p.text, "*")
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
		s = strings.ToLower(s)
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
	return matchElements(p.elements, s)
}

// matchElements matches by remembering the last wildcard only, which is enough
// for wildcards that take anything. One that stops at a colon is met with the
// colon itself as the next literal, so going back to an earlier one is needed
// only if the part ends differently; that case recurses.
func matchElements(es []element, s string) bool {
	e, i := 0, 0
	backE, backI := -1, 0
	for i < len(s) {
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
		}
		if e < len(es) {
			switch k := es[e]; k.kind {
			case many:
				backE, backI = e+1, i
				e++
				continue
			case manyInPart:
				for {
					if matchElements(es[e+1:], s[i:]) {
						return true
					}
					if i >= len(s) || s[i] == ':' {
						break
					}
					_, n := utf8.DecodeRuneInString(s[i:])
					i += n
				}
				// Without a wildcard before it nothing else can match; those of
				// one ARN pattern all stand after it or stop at a colon too.
				return false
			case one:
				e++
				i += size
				continue
			case oneInPart:
				if r != ':' {
					e++
					i += size
					continue
				}
			case literal:
				if k.r == r {
					e++
					i += size
					continue
				}
			}
		}
		if backE < 0 {
			return false
		}
		_, n := utf8.DecodeRuneInString(s[backI:])
		backI += n
		e, i = backE, backI
	}
	for e < len(es) && (es[e].kind == many || es[e].kind == manyInPart) {
		e++
	}
	return e == len(es)
}

// String is the pattern as text, for messages.
func (p *Pattern) String() string {
	var b strings.Builder
	for _, e := range p.elements {
		switch e.kind {
		case literal:
			b.WriteRune(e.r)
		case one, oneInPart:
			b.WriteByte('?')
		default:
			b.WriteByte('*')
		}
	}
	return b.String()
}

// Covers reports whether every string that q matches is matched by p too.
func (p *Pattern) Covers(q *Pattern) bool {
	_, found, err := search([]set{{*q}}, []set{{*p}})
	return err == nil && !found
}

// Meets reports whether some string is matched by both.
func (p *Pattern) Meets(q *Pattern) bool {
	_, found, err := search([]set{{*p}, {*q}}, nil)
	return err != nil || found
}
