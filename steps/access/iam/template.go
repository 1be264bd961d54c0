package iam

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// template is text of a policy in which variables may stand: a resource, or
// the value of a string or ARN condition.
type template struct {
	text  string
	parts []part // nil: no variable; pattern holds it compiled
	// pattern is the compiled text of a template without variables.
	pattern Pattern
	how     reading
	head    string // what every text begins with that a template with variables covers
}

// reading says how a template's text is matched.
type reading uint8

const (
	asLiteral  reading = iota // StringEquals
	asFolded                  // StringEqualsIgnoreCase
	asWildcard                // StringLike, Resource
	asARN                     // ArnLike, ArnEquals
)

// part is a stretch of text or a variable.
type part struct {
	text     string
	verbatim bool // the text is of an escape: no character is special
	key      key32
	variable bool
	// fallback is the variable's default, if it has one.
	fallback    string
	hasFallback bool
}

// newTemplate compiles text. Without variables set, `${` is text: the policy
// language knows variables since Version 2012-10-17.
func newTemplate(text string, how reading, variables bool, n *names) (template, error) {
	t := template{text: text, how: how}
	if how == asFolded && strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf && unicode.IsLetter(r) }) {
		return t, fmt.Errorf("%q holds letters beyond A to Z, and the service does not say how it compares their case", text)
	}
	if variables && strings.Contains(text, "${") {
		parts, err := cutVariables(text, n)
		if err != nil {
			return t, err
		}
		t.parts = parts
		if how == asWildcard && !parts[0].variable {
			t.head = parts[0].text
			if at := strings.IndexAny(t.head, "*?"); at >= 0 && !parts[0].verbatim {
				t.head = t.head[:at]
			}
		}
		hasVariable := false
		for _, p := range parts {
			hasVariable = hasVariable || p.variable
		}
		if hasVariable {
			return t, nil
		}
		t.pattern, err = t.build(nil)
		t.parts = nil
		return t, err
	}
	var err error
	t.pattern, err = compile(text, how)
	return t, err
}

func compile(text string, how reading) (Pattern, error) {
	switch how {
	case asLiteral:
		return newLiteral(text, false), nil
	case asFolded:
		return newLiteral(text, true), nil
	case asARN:
		p, ok := newARNPattern(text)
		if !ok {
			return p, errNoARN(text)
		}
		return p, nil
	default:
		return NewPattern(text, false), nil
	}
}

// cutVariables splits text at its variables. The three escapes ${*}, ${?} and
// ${$} are text.
func cutVariables(text string, n *names) ([]part, error) {
	var parts []part
	rest := text
	for rest != "" {
		at := strings.Index(rest, "${")
		if at < 0 {
			parts = append(parts, part{text: rest})
			break
		}
		if at > 0 {
			parts = append(parts, part{text: rest[:at]})
		}
		end := strings.IndexByte(rest[at:], '}')
		if end < 0 {
			return nil, fmt.Errorf("%q opens a variable and does not close it", text)
		}
		body := rest[at+2 : at+end]
		rest = rest[at+end+1:]
		switch body {
		case "*", "?", "$":
			parts = append(parts, part{text: body, verbatim: true})
			continue
		}
		name, fallback, has := strings.Cut(body, ",")
		name = strings.TrimSpace(name)
		if name == "" || strings.ContainsAny(name, "${") {
			return nil, fmt.Errorf("%q holds no name between ${ and }", text)
		}
		p := part{variable: true, key: n.id(name)}
		if has {
			f := strings.TrimSpace(fallback)
			if len(f) < 2 || f[0] != '\'' || f[len(f)-1] != '\'' {
				return nil, fmt.Errorf("the default in %q is not between single quotes", text)
			}
			p.fallback, p.hasFallback = f[1:len(f)-1], true
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// build compiles the template with its variables' values, of which there is one
// for each variable part in order. No character of a value is special.
func (t *template) build(values []string) (Pattern, error) {
	b := maker{Pattern: Pattern{fold: t.how == asFolded}, wild: t.how == asWildcard || t.how == asARN, arn: t.how == asARN}
	v := 0
	for i := range t.parts {
		p := &t.parts[i]
		switch {
		case p.variable:
			b.literal(values[v])
			v++
		case p.verbatim:
			b.literal(p.text)
		default:
			b.write(p.text)
		}
	}
	if t.how == asARN {
		p, ok := b.arnDone()
		if !ok {
			return p, errNoARN(t.text)
		}
		return p, nil
	}
	return b.done(), nil
}

// widest is the template with any text for each variable.
func (t *template) widest() Pattern {
	b := maker{Pattern: Pattern{fold: t.how == asFolded}, wild: t.how == asWildcard || t.how == asARN}
	for i := range t.parts {
		p := &t.parts[i]
		switch {
		case p.variable:
			b.star(many)
		case p.verbatim:
			b.literal(p.text)
		default:
			b.write(p.text)
		}
	}
	return b.done()
}

// covers says whether the template covers a string with some values of its
// variables.
func (t *template) covers(s string) bool {
	p := t.widest()
	return p.Match(s)
}

// unlike says that no variable stands in the template twice, so that any text
// can be each one's value.
func (t *template) unlike() bool {
	for i := range t.parts {
		for j := range i {
			if t.parts[i].variable && t.parts[j].variable && t.parts[i].key == t.parts[j].key {
				return false
			}
		}
	}
	return true
}

func errNoARN(text string) error {
	return fmt.Errorf("%q is no ARN: it has fewer than six parts, and the service does not say what it does with those", text)
}
