package playbook

import (
	"fmt"
	"strconv"
	"strings"
)

// maxDepth bounds the nesting of a condition.
const maxDepth = 50

// Condition is a question about variables: comparisons (== != < <= > >=) of
// variables, texts in quotes, whole numbers, true and false, joined by and, or, not and
// parentheses. CACAO's spelling (__name__:value = 'x' AND …) is read too.
type Condition struct {
	Text string
	root node
}

// node is one part of a condition.
type node struct {
	op          string // "or", "and", "not", a comparison, "var", "text", "number", "bool"
	value       string
	left, right *node
}

// ParseCondition reads a condition. The error says at which character it stops.
func ParseCondition(text string) (*Condition, error) {
	p := &conditionParser{in: text}
	p.next()
	n, err := p.or(0)
	if err == nil && p.tok != "" {
		err = p.bad("unexpected " + strconv.Quote(p.tok))
	}
	if err != nil {
		return nil, err
	}
	return &Condition{Text: text, root: *n}, nil
}

// Variables are those the condition asks of.
func (c *Condition) Variables() []string {
	var out []string
	c.root.each(func(n *node) {
		if n.op == "var" {
			out = append(out, n.value)
		}
	})
	return out
}

func (n *node) each(fn func(*node)) {
	if n == nil {
		return
	}
	fn(n)
	n.left.each(fn)
	n.right.each(fn)
}

// Holds answers the question. A variable without a value, and a comparison of a text
// with a number, are errors: what cannot be told is not false.
func (c *Condition) Holds(vars map[string]string) (bool, error) { return c.root.holds(vars) }

func (n *node) holds(vars map[string]string) (bool, error) {
	switch n.op {
	case "and", "or":
		l, err := n.left.holds(vars)
		if err != nil || l == (n.op == "or") {
			return l, err
		}
		return n.right.holds(vars)
	case "not":
		v, err := n.left.holds(vars)
		return !v, err
	case "var", "bool":
		v, err := n.get(vars)
		if err != nil {
			return false, err
		}
		b, err := strconv.ParseBool(v)
		if err != nil {
			return false, fmt.Errorf("%q is neither true nor false", v)
		}
		return b, nil
	case "text", "number":
		return false, fmt.Errorf("%q is no question", n.value)
	}
	return n.compare(vars)
}

func (n *node) compare(vars map[string]string) (bool, error) {
	l, err := n.left.get(vars)
	if err != nil {
		return false, err
	}
	r, err := n.right.get(vars)
	if err != nil {
		return false, err
	}
	a, aerr := strconv.ParseInt(l, 10, 64)
	b, berr := strconv.ParseInt(r, 10, 64)
	numbers := aerr == nil && berr == nil
	switch n.op {
	case "==":
		return l == r || numbers && a == b, nil
	case "!=":
		return l != r && !(numbers && a == b), nil
	}
	if !numbers {
		return false, fmt.Errorf("%q %s %q compares what is no whole number", l, n.op, r)
	}
	switch n.op {
	case "<":
		return a < b, nil
	case "<=":
		return a <= b, nil
	case ">":
		return a > b, nil
	}
	return a >= b, nil
}

func (n *node) get(vars map[string]string) (string, error) {
	if n.op != "var" {
		return n.value, nil
	}
	v, ok := vars[n.value]
	if !ok {
		return "", fmt.Errorf("variable %s has no value yet", n.value)
	}
	return v, nil
}

// cacao writes a node as CACAO spells conditions.
func (n *node) cacao() string {
	switch n.op {
	case "and", "or":
		return "(" + n.left.cacao() + " " + strings.ToUpper(n.op) + " " + n.right.cacao() + ")"
	case "not":
		return "NOT (" + n.left.cacao() + ")"
	case "var":
		return "__" + n.value + "__:value"
	case "text":
		return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(n.value) + "'"
	case "number", "bool":
		return n.value
	case "==":
		return n.left.cacao() + " = " + n.right.cacao()
	}
	return n.left.cacao() + " " + n.op + " " + n.right.cacao()
}

// conditionParser reads a condition by descent.
type conditionParser struct {
	in   string
	at   int // after the current token
	from int // its start
	tok  string
	kind byte // 'w' word, 's' text, 'n' number, 'o' operator, 0 end
	err  error
}

func (p *conditionParser) bad(what string) error {
	if p.err != nil {
		return p.err
	}
	return fmt.Errorf("condition %q: %s at character %d", p.in, what, p.from+1)
}

func (p *conditionParser) next() {
	for p.at < len(p.in) && strings.ContainsRune(" \t\r\n", rune(p.in[p.at])) {
		p.at++
	}
	p.from, p.tok, p.kind = p.at, "", 0
	if p.at == len(p.in) {
		return
	}
	rest := p.in[p.at:]
	switch c := rest[0]; {
	case c == '"' || c == '\'':
		p.quoted(c)
		return
	case c >= '0' && c <= '9' || c == '-' && len(rest) > 1 && rest[1] >= '0' && rest[1] <= '9':
		p.take('n', func(b byte) bool { return b == '-' && p.at == p.from || b >= '0' && b <= '9' })
		return
	case letter(c) || c == '$':
		p.take('w', func(b byte) bool { return letter(b) || b >= '0' && b <= '9' || b == '-' || b == '$' || b == ':' })
		return
	}
	for _, op := range []string{"==", "!=", "<>", "<=", ">=", "&&", "||", "=", "<", ">", "(", ")", "!"} {
		if strings.HasPrefix(rest, op) {
			p.tok, p.kind = op, 'o'
			p.at += len(op)
			return
		}
	}
	p.err = p.bad("a character that means nothing")
	p.at = len(p.in)
}

func letter(c byte) bool { return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func (p *conditionParser) take(kind byte, while func(byte) bool) {
	for p.at < len(p.in) && while(p.in[p.at]) {
		p.at++
	}
	p.tok, p.kind = p.in[p.from:p.at], kind
}

func (p *conditionParser) quoted(quote byte) {
	var b strings.Builder
	for i := p.at + 1; i < len(p.in); i++ {
		switch c := p.in[i]; {
		case c == '\\' && i+1 < len(p.in):
			i++
			b.WriteByte(p.in[i])
		case c == quote:
			p.tok, p.kind, p.at = b.String(), 's', i+1
			return
		default:
			b.WriteByte(c)
		}
	}
	p.err = p.bad("a text that does not end")
	p.at = len(p.in)
}

// word reports whether the current token is one of some words, and steps over it.
func (p *conditionParser) word(kind byte, words ...string) bool {
	for _, w := range words {
		if p.kind == kind && strings.EqualFold(p.tok, w) {
			p.next()
			return true
		}
	}
	return false
}

func (p *conditionParser) or(depth int) (*node, error) {
	l, err := p.and(depth)
	for err == nil && (p.word('w', "or") || p.word('o', "||")) {
		var r *node
		if r, err = p.and(depth); err == nil {
			l = &node{op: "or", left: l, right: r}
		}
	}
	return l, err
}

func (p *conditionParser) and(depth int) (*node, error) {
	l, err := p.not(depth)
	for err == nil && (p.word('w', "and") || p.word('o', "&&")) {
		var r *node
		if r, err = p.not(depth); err == nil {
			l = &node{op: "and", left: l, right: r}
		}
	}
	return l, err
}

func (p *conditionParser) not(depth int) (*node, error) {
	if depth > maxDepth {
		return nil, p.bad("too deeply nested")
	}
	if p.word('w', "not") || p.word('o', "!") {
		n, err := p.not(depth + 1)
		return &node{op: "not", left: n}, err
	}
	if p.word('o', "(") {
		n, err := p.or(depth + 1)
		if err == nil && !p.word('o', ")") {
			err = p.bad("a parenthesis that does not close")
		}
		return n, err
	}
	l, err := p.operand()
	if err != nil || p.kind != 'o' {
		return l, err
	}
	op := p.tok
	switch op {
	case "=":
		op = "=="
	case "<>":
		op = "!="
	case "==", "!=", "<", "<=", ">", ">=":
	default:
		return l, nil
	}
	p.next()
	r, err := p.operand()
	return &node{op: op, left: l, right: r}, err
}

func (p *conditionParser) operand() (*node, error) {
	n := &node{value: p.tok}
	switch {
	case p.err != nil:
		return nil, p.err
	case p.kind == 's':
		n.op = "text"
	case p.kind == 'n':
		n.op = "number"
	case p.kind == 'w' && (strings.EqualFold(p.tok, "true") || strings.EqualFold(p.tok, "false")):
		n.op, n.value = "bool", strings.ToLower(p.tok)
	case p.kind == 'w':
		n.op, n.value = "var", plainName(p.tok)
	default:
		return nil, p.bad("a variable, a text or a number is missing")
	}
	p.next()
	return n, p.err
}

// plainName is a variable's name however it is spelt: $name, __name__:value.
func plainName(s string) string {
	s = strings.TrimSuffix(strings.TrimPrefix(s, "$"), ":value")
	if strings.HasPrefix(s, "__") && strings.HasSuffix(s, "__") && len(s) > 4 {
		s = s[2 : len(s)-2]
	}
	return s
}
