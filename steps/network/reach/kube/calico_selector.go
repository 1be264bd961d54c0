package kube

import (
	"regexp"
	"slices"
	"strings"
)

// expression is a selector in Calico's language that is more than one
// condition and another.
//
// https://docs.tigera.io/calico/latest/reference/resources/networkpolicy#selectors
type expression struct {
	op    string // "||", "&&", "!", or a test: "==", "!=", "in", "not in", "has", "contains", "starts with", "ends with", "all", "global"
	key   string
	words []string
	args  []*expression
}

const calicoSpace = "projectcalico.org/namespace"

// holds says whether labels satisfy the expression, in a namespace, which is a
// label too; what is in none has the empty one.
func (x *expression) holds(labels map[string]string, ns string) bool {
	value, has := labels[x.key]
	if x.key == calicoSpace || x.key == "projectcalico.org/name" {
		value, has = ns, ns != ""
	}
	switch x.op {
	case "||":
		return slices.ContainsFunc(x.args, func(a *expression) bool { return a.holds(labels, ns) })
	case "&&":
		return !slices.ContainsFunc(x.args, func(a *expression) bool { return !a.holds(labels, ns) })
	case "!":
		return !x.args[0].holds(labels, ns)
	case "all":
		return true
	case "global":
		return ns == ""
	case "has":
		return has
	case "==", "in":
		return has && slices.Contains(x.words, value)
	case "!=", "not in":
		return !has || !slices.Contains(x.words, value)
	case "contains":
		return has && strings.Contains(value, x.words[0])
	case "starts with":
		return has && strings.HasPrefix(value, x.words[0])
	case "ends with":
		return has && strings.HasSuffix(value, x.words[0])
	}
	return false
}

func (x *expression) keys(yield func(string)) {
	if x == nil {
		return
	}
	if x.key != "" {
		yield(x.key)
	}
	for _, a := range x.args {
		a.keys(yield)
	}
}

var (
	calicoSpaces = regexp.MustCompile(`^\s+`)
	calicoTest   = regexp.MustCompile(`^([\w./-]+)\s*(==|!=|contains|starts\s+with|ends\s+with)\s*(?:'([^']*)'|"([^"]*)")`)
	calicoSet    = regexp.MustCompile(`^([\w./-]+)\s+(in|not\s+in)\s*\{([^{}]*)\}`)
	calicoCall   = regexp.MustCompile(`^(has|all|global)\(\s*([\w./-]*)\s*\)`)
	calicoWord   = regexp.MustCompile(`^\s*(?:'([^']*)'|"([^"]*)")\s*$`)
)

// deepest is how far brackets may be nested in a selector.
const deepest = 100

// parseCalico reads a selector; ok is false if it is not understood.
func parseCalico(text string) (x *expression, ok bool) {
	p := &calicoParser{rest: text}
	x = p.either(0)
	p.space()
	return x, x != nil && p.rest == ""
}

type calicoParser struct{ rest string }

func (p *calicoParser) space() { p.rest = p.rest[len(calicoSpaces.FindString(p.rest)):] }

func (p *calicoParser) take(word string) bool {
	p.space()
	rest, ok := strings.CutPrefix(p.rest, word)
	if ok {
		p.rest = rest
	}
	return ok
}

// either reads terms joined by "||"; each way returns nil for what it cannot
// read.
func (p *calicoParser) either(depth int) *expression {
	return p.joined("||", func() *expression {
		return p.joined("&&", func() *expression { return p.term(depth) })
	})
}

func (p *calicoParser) joined(op string, next func() *expression) *expression {
	x := next()
	if x == nil {
		return nil
	}
	args := []*expression{x}
	for p.take(op) {
		if x = next(); x == nil {
			return nil
		}
		args = append(args, x)
	}
	if len(args) == 1 {
		return args[0]
	}
	return &expression{op: op, args: args}
}

func (p *calicoParser) term(depth int) *expression {
	if depth > deepest {
		return nil
	}
	switch {
	case p.take("!"):
		if x := p.term(depth + 1); x != nil {
			return &expression{op: "!", args: []*expression{x}}
		}
		return nil
	case p.take("("):
		x := p.either(depth + 1)
		if x == nil || !p.take(")") {
			return nil
		}
		return x
	}
	if m := calicoCall.FindStringSubmatch(p.rest); m != nil && (m[1] == "has") == (m[2] != "") {
		p.rest = p.rest[len(m[0]):]
		return &expression{op: m[1], key: m[2]}
	}
	if m := calicoTest.FindStringSubmatch(p.rest); m != nil {
		p.rest = p.rest[len(m[0]):]
		return &expression{op: strings.Join(strings.Fields(m[2]), " "), key: m[1], words: []string{m[3] + m[4]}}
	}
	m := calicoSet.FindStringSubmatch(p.rest)
	if m == nil {
		return nil
	}
	x := &expression{op: strings.Join(strings.Fields(m[2]), " "), key: m[1]}
	for _, v := range strings.Split(m[3], ",") {
		w := calicoWord.FindStringSubmatch(v)
		if w == nil {
			return nil
		}
		x.words = append(x.words, w[1]+w[2])
	}
	p.rest = p.rest[len(m[0]):]
	return x
}

// requirement is the condition an expression is, if it is one of those that
// pods are sorted by.
func (x *expression) requirement() (requirement, bool) {
	switch {
	case x.op == "all":
		return requirement{}, true
	case x.op == "!" && x.args[0].op == "has":
		return requirement{key: x.args[0].key, op: "DoesNotExist"}, true
	case x.op == "has":
		return requirement{key: x.key, op: "Exists"}, true
	case x.op == "==" || x.op == "in":
		return requirement{x.key, "In", x.words}, true
	case x.op == "!=" || x.op == "not in":
		return requirement{x.key, "NotIn", x.words}, true
	}
	return requirement{}, false
}

// conditions are the parts of an expression that must all hold.
func (x *expression) conditions() []*expression {
	if x.op == "&&" {
		return x.args
	}
	return []*expression{x}
}
