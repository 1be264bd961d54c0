package pipelines

import (
	"fmt"
	"strings"
)

// The kinds of a token of Python's.
const (
	word = iota
	text
	number
	sign // an operator or a bracket, of one character
	end  // of a logical line
)

// token is one token; of a text the pieces that are known and those that are not.
type token struct {
	kind   int
	s      string // of a text what is known of it: see scrap
	whole  bool   // of a text: nothing in it is computed
	holes  []hole // of a text: what is put into it
	line   int
	indent bool // the first of a logical line
	column int  // of one that is: how far in it stands, in bytes
}

// hole is a place in a text at which a name's value is put.
type hole struct {
	at   int
	name string // "" for anything but a name
}

// maxTokens bounds what one file holds.
const maxTokens = 2_000_000

// tokens splits a program. An error is of a text or bracket that does not end.
func tokens(src string) ([]token, error) {
	var out []token
	line, depth, fresh := 1, 0, true
	begin, at := 0, 0 // of the line, and where the token stands
	add := func(t token) {
		if t.indent = fresh; fresh {
			t.column = at - begin
		}
		fresh = false
		out = append(out, t)
	}
	for i := 0; i < len(src); {
		if len(out) > maxTokens {
			return nil, fmt.Errorf("line %d: it holds more than %d words", line, maxTokens)
		}
		c := src[i]
		at = i
		switch {
		case c == '\n':
			line++
			i++
			begin = i
			if depth == 0 && len(out) > 0 && out[len(out)-1].kind != end {
				out = append(out, token{kind: end, line: line - 1})
			}
			fresh = fresh || depth == 0
		case c == ' ' || c == '\t' || c == '\r' || c == '\f':
			i++
		case c == '\\' && i+1 < len(src) && (src[i+1] == '\n' || src[i+1] == '\r'):
			i += 2
			if src[i-1] == '\r' && i < len(src) && src[i] == '\n' {
				i++
			}
			line++
		case c == '#':
			for i < len(src) && src[i] != '\n' {
				i++
			}
		case c == ';' && depth == 0:
			i++
			out = append(out, token{kind: end, line: line})
			fresh = true
		case isQuote(src, i):
			t, next, lines, ok := quoted(src, i, line)
			if !ok {
				return nil, fmt.Errorf("line %d: a text begins there and does not end", line)
			}
			add(t)
			i, line = next, line+lines
		case isLetter(c):
			j := i
			for j < len(src) && (isLetter(src[j]) || src[j] >= '0' && src[j] <= '9') {
				j++
			}
			add(token{kind: word, s: src[i:j], line: line})
			i = j
		case c >= '0' && c <= '9':
			j := i
			for j < len(src) && (isLetter(src[j]) || src[j] >= '0' && src[j] <= '9' || src[j] == '.') {
				j++
			}
			add(token{kind: number, s: src[i:j], line: line})
			i = j
		default:
			switch c {
			case '(', '[', '{':
				depth++
			case ')', ']', '}':
				depth = max(0, depth-1)
			}
			add(token{kind: sign, s: src[i : i+1], line: line})
			i++
		}
	}
	if depth > 0 {
		return nil, fmt.Errorf("line %d: a bracket is open at the end", line)
	}
	return append(out, token{kind: end, line: line}), nil
}

func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}

// prefixOf is how many letters stand before a text's quote: r, b, f, u, t and pairs of them.
func prefixOf(src string, i int) int {
	n := 0
	for n < 3 && i+n < len(src) && strings.IndexByte("rbfutRBFUT", src[i+n]) >= 0 {
		n++
	}
	return n
}

func isQuote(src string, i int) bool {
	n := prefixOf(src, i)
	return i+n < len(src) && (src[i+n] == '"' || src[i+n] == '\'')
}

// quoted reads a text. Of one with values put in, the places are holes.
func quoted(src string, i, line int) (t token, next, lines int, ok bool) {
	n := prefixOf(src, i)
	prefix := strings.ToLower(src[i : i+n])
	raw, filled := strings.Contains(prefix, "r"), strings.ContainsAny(prefix, "ft")
	i += n
	q := src[i : i+1]
	if strings.HasPrefix(src[i:], strings.Repeat(q, 3)) {
		q = strings.Repeat(q, 3)
	}
	i += len(q)
	var b strings.Builder
	t = token{kind: text, line: line, whole: true}
	for i < len(src) {
		c := src[i]
		switch {
		case strings.HasPrefix(src[i:], q):
			t.s = b.String()
			return t, i + len(q), lines, true
		case c == '\n' && len(q) == 1:
			return t, i, lines, false
		case c == '\\' && i+1 < len(src):
			if src[i+1] == '\n' {
				lines++
			} else if raw {
				b.WriteString(src[i : i+2])
			} else {
				b.WriteByte(unescaped(src[i+1]))
			}
			i += 2
		case filled && c == '{' && i+1 < len(src) && src[i+1] == '{', filled && c == '}' && i+1 < len(src) && src[i+1] == '}':
			b.WriteByte(c)
			i += 2
		case filled && c == '{':
			inner, after, more, closed := braced(src, i)
			if !closed {
				return t, i, lines, false
			}
			t.holes = append(t.holes, hole{b.Len(), name(inner)})
			i, lines = after, lines+more
		default:
			if c == '\n' {
				lines++
			}
			b.WriteByte(c)
			i++
		}
	}
	return t, i, lines, false
}

func unescaped(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 't':
		return '\t'
	}
	return c
}

// braced is what stands in the braces of a text, over quotes and braces within.
func braced(src string, i int) (inner string, next, lines int, ok bool) {
	depth, from := 0, i+1
	for i < len(src) {
		switch c := src[i]; {
		case c == '\n':
			lines++
			i++
		case c == '{' || c == '[' || c == '(':
			depth++
			i++
		case c == '}' || c == ']' || c == ')':
			depth--
			i++
			if depth == 0 {
				return src[from : i-1], i, lines, true
			}
		case c == '"' || c == '\'':
			j := strings.IndexByte(src[i+1:], c)
			if j < 0 {
				return "", i, lines, false
			}
			lines += strings.Count(src[i+1:i+1+j], "\n")
			i += j + 2
		default:
			i++
		}
	}
	return "", i, lines, false
}

// name is an expression that is a name and no more, else "".
func name(s string) string {
	s = strings.TrimSpace(s)
	for i := range len(s) {
		if !isLetter(s[i]) && (i == 0 || s[i] < '0' || s[i] > '9') {
			return ""
		}
	}
	return s
}

// The kinds of an expression.
const (
	isText  = iota // a text, or several put together
	isList         // a list, tuple or set
	isDict         // a mapping
	isName         // a name, with dots perhaps
	isCall         // a call
	isOther        // anything else: computed
)

// expr is an expression of Python's, as far as it is read.
type expr struct {
	kind  int
	s     string  // the name of a name or a call
	parts []token // of a text: texts, and words for names, put together
	items []*expr // of a list, or the values of a mapping or call without names
	keys  []*expr // of a mapping, beside items
	args  []named // of a call, those with names
	star  bool    // of a call: further arguments come from elsewhere
	line  int
}

type named struct {
	name string
	v    *expr
}

// reader parses expressions from tokens.
type reader struct {
	t     []token
	i     int
	depth int
	left  *int // tokens that may still be read
}

// Bounds of how many tokens are read of one file: calls within calls are read once for each
// of them, so a few times as many as it has.
const (
	leastRead = 100_000
	timesRead = 30
)

// maxNested bounds how deep expressions go.
const maxNested = 200

func (r *reader) peek() token {
	if *r.left--; *r.left > 0 && r.i < len(r.t) {
		return r.t[r.i]
	}
	return token{kind: end}
}

func (r *reader) is(s string) bool {
	t := r.peek()
	return t.kind == sign && t.s == s
}

// expr reads one expression, up to a comma, bracket, colon or line end outside brackets.
func (r *reader) expr() *expr {
	r.depth++
	defer func() { r.depth-- }()
	line := r.peek().line
	if r.depth > maxNested {
		r.skip()
		return &expr{kind: isOther, line: line}
	}
	e := r.term()
	for {
		t := r.peek()
		switch {
		case t.kind == end, t.kind == sign && strings.Contains(",)]}:", t.s), t.kind == sign && t.s == "=":
			return e
		case t.kind == sign && t.s == "+" && (e.kind == isText || e.kind == isName):
			r.i++
			next := r.term()
			if next.kind != isText && next.kind != isName {
				next = &expr{kind: isText, parts: []token{{kind: word}}}
			}
			e = &expr{kind: isText, parts: append(textParts(e), textParts(next)...), line: line}
		case t.kind == sign && t.s == "%" && e.kind == isText: // what stands before the first place that is filled is known
			r.skip()
			return &expr{kind: isText, parts: cutAt(e.parts, "%"), line: line}
		default: // an operator, a comparison, a comprehension: computed
			r.skip()
			return &expr{kind: isOther, line: line}
		}
	}
}

// textParts are the parts of an expression within a text: a name is one.
func textParts(e *expr) []token {
	if e.kind == isName {
		return []token{{kind: word, s: e.s, line: e.line}}
	}
	return e.parts
}

// cutAt ends a text at a mark: what follows is computed.
func cutAt(parts []token, mark string) []token {
	var out []token
	for _, p := range parts {
		if i := strings.Index(p.s, mark); p.kind == text && i >= 0 {
			p.s, p.whole, p.holes = p.s[:i], false, nil
			return append(out, p)
		}
		out = append(out, p)
	}
	return out
}

// skip passes over the rest of an expression.
func (r *reader) skip() {
	depth := 0
	for ; r.i < len(r.t); r.i++ {
		t := r.peek()
		if t.kind == end {
			return
		}
		if t.kind != sign {
			continue
		}
		switch t.s {
		case "(", "[", "{":
			depth++
		case ")", "]", "}":
			if depth == 0 {
				return
			}
			depth--
		case ",":
			if depth == 0 {
				return
			}
		}
	}
}

// term reads what stands between operators.
func (r *reader) term() *expr {
	t := r.peek()
	switch {
	case t.kind == text:
		e := &expr{kind: isText, line: t.line}
		for r.peek().kind == text {
			e.parts = append(e.parts, r.peek())
			r.i++
		}
		return r.after(e)
	case t.kind == sign && (t.s == "[" || t.s == "(" || t.s == "{"):
		return r.after(r.bracket())
	case t.kind == word && (t.s == "lambda" || t.s == "not" || t.s == "await" || t.s == "yield"):
		r.skip()
		return &expr{kind: isOther, line: t.line}
	case t.kind == word:
		e := &expr{kind: isName, s: t.s, line: t.line}
		r.i++
		for r.is(".") && r.i+1 < len(r.t) && r.t[r.i+1].kind == word {
			e.s += "." + r.t[r.i+1].s
			r.i += 2
		}
		return r.after(e)
	}
	if t.kind != end {
		r.i++
	}
	return &expr{kind: isOther, line: t.line}
}

// after reads calls, members and subscripts behind a term.
func (r *reader) after(e *expr) *expr {
	for {
		switch {
		case r.is("(") && e.kind == isName:
			e = r.call(e.s, e.line)
		case r.is("."):
			line := r.peek().line
			r.i++
			member := r.peek().s
			r.i++
			if r.is("(") {
				c := r.call(member, line)
				switch {
				case e.kind == isText && member == "format": // the same as for %
					e = &expr{kind: isText, parts: cutAt(e.parts, "{"), line: e.line}
					continue
				case e.kind == isCall && (member == "expand" || member == "expand_kwargs" || member == "override" || member == "partial"):
					e.args = append(e.args, c.args...)
					e.star = true
					continue
				case e.kind == isCall && (member == "as_setup" || member == "as_teardown"):
					continue
				}
			}
			e = &expr{kind: isOther, line: line}
		case r.is("["), r.is("("):
			line := r.peek().line
			r.bracket()
			e = &expr{kind: isOther, line: line}
		default:
			return e
		}
	}
}

// call reads the arguments of a call.
func (r *reader) call(callee string, line int) *expr {
	e := &expr{kind: isCall, s: callee, line: line}
	r.i++
	for !r.is(")") && r.peek().kind != end {
		t := r.peek()
		switch {
		case r.is(","):
			r.i++
		case r.is("*"):
			r.skip()
			e.star = true
		case t.kind == word && r.i+1 < len(r.t) && r.t[r.i+1].kind == sign && r.t[r.i+1].s == "=" && !(r.i+2 < len(r.t) && r.t[r.i+2].s == "=" && r.t[r.i+2].kind == sign):
			r.i += 2
			e.args = append(e.args, named{t.s, r.expr()})
		default:
			before := r.i
			e.items = append(e.items, r.expr())
			r.past(before)
		}
	}
	if r.is(")") {
		r.i++
	}
	return e
}

// past steps over what no expression can begin with, so that reading always goes on.
func (r *reader) past(before int) {
	if r.i == before || r.is(":") || r.is("=") {
		r.i++
	}
}

// bracket reads a list, a tuple, a mapping, a set or one expression in brackets.
func (r *reader) bracket() *expr {
	open := r.peek()
	closing := map[string]string{"(": ")", "[": "]", "{": "}"}[open.s]
	e := &expr{kind: isList, line: open.line}
	r.i++
	commas := 0
	for !r.is(closing) && r.peek().kind != end {
		before := r.i
		switch {
		case r.is(","):
			commas++
			r.i++
			continue
		case r.is("*"):
			r.skip()
			e.star = true
			continue
		case r.is(")"), r.is("]"), r.is("}"):
			r.i++ // of another kind than was opened: the program is damaged there
			e.kind = isOther
			continue
		}
		v := r.expr()
		if open.s == "{" && r.is(":") {
			r.i++
			e.kind = isDict
			e.keys = append(e.keys, v)
			v = r.expr()
		}
		e.items = append(e.items, v)
		r.past(before)
	}
	if r.is(closing) {
		r.i++
	}
	if open.s == "(" && commas == 0 && len(e.items) == 1 && !e.star {
		return e.items[0]
	}
	return e
}
