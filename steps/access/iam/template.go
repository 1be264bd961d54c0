package iam

import (
	"fmt"
	"strings"
)

// template is text of a policy in which variables may stand: a resource, or
// the value of a string or ARN condition.
type template struct {
	text  string
	parts []part // nil: no variable; pattern holds it compiled
	// pattern is the compiled text of a template without variables.
	pattern Pattern
	how     reading
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
	if variables && strings.Contains(text, "${") {
		parts, err := cutVariables(text, n)
		if err != nil {
			return t, err
		}
		t.parts = parts
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
			return p, fmt.Errorf("%q is no ARN: it has fewer than six parts", text)
		}
		return p, nil
	default:
		return NewPattern(text, false), nil
	}
}

// quoted wraps a character that stands for itself although it is special. It
// is of the Unicode private use area, which no name of the provider holds.
const quoteBase = 0xE000

func quote(s string) string {
	if !strings.ContainsAny(s, "*?") {
		return s
	}
	return strings.NewReplacer("*", string(rune(quoteBase+'*')), "?", string(rune(quoteBase+'?'))).Replace(s)
}

// unquote puts the special characters of a compiled pattern back as literals.
func (p *Pattern) unquote() {
	changed := false
	for i, e := range p.elements {
		if e.kind == literal && (e.r == quoteBase+'*' || e.r == quoteBase+'?') {
			p.elements[i].r = e.r - quoteBase
			changed = true
		}
	}
	if !changed {
		return
	}
	p.text = strings.NewReplacer(string(rune(quoteBase+'*')), "*", string(rune(quoteBase+'?')), "?").Replace(p.text)
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
		case "*", "?":
			parts = append(parts, part{text: quote(body)})
			continue
		case "$":
			parts = append(parts, part{text: "$"})
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
			p.fallback, p.hasFallback = quote(f[1:len(f)-1]), true
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// build compiles the template with its variables' values, of which there is one
// for each variable part in order.
func (t *template) build(values []string) (Pattern, error) {
	var b strings.Builder
	v := 0
	for _, p := range t.parts {
		if !p.variable {
			b.WriteString(p.text)
			continue
		}
		b.WriteString(quote(values[v]))
		v++
	}
	s := b.String()
	if t.how == asLiteral || t.how == asFolded {
		s = strings.NewReplacer(string(rune(quoteBase+'*')), "*", string(rune(quoteBase+'?')), "?").Replace(s)
		return compile(s, t.how)
	}
	p, err := compile(s, t.how)
	p.unquote()
	return p, err
}
