package sigma

import (
	"fmt"
	"slices"
	"strings"
)

// node is a condition over atoms, as a tree.
type node struct {
	op   op
	kids []*node
	atom *atom
}

type op uint8

const (
	opAtom op = iota
	opAnd
	opOr
	opNot
)

func and(kids ...*node) *node { return join(opAnd, kids) }
func or(kids ...*node) *node  { return join(opOr, kids) }

// join makes one node of several; none of an "and" is always true, of an "or"
// never, and conditions make neither.
func join(o op, kids []*node) *node {
	if len(kids) == 1 {
		return kids[0]
	}
	return &node{op: o, kids: kids}
}

func not(n *node) *node { return &node{op: opNot, kids: []*node{n}} }

// condition parses a condition; find gives the node of a search identifier,
// names lists them all.
//
//	or   := and { "or" and }
//	and  := not { "and" not }
//	not  := "not" not | x of … | "(" or ")" | identifier
func condition(text string, names []string, find func(name string) (*node, error)) (*node, error) {
	p := &conditionParser{words: conditionWords(text), names: names, find: find}
	if len(p.words) > 10_000 {
		return nil, fmt.Errorf("the condition has %d words", len(p.words))
	}
	n, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.i < len(p.words) {
		return nil, p.unexpected()
	}
	return n, nil
}

type conditionParser struct {
	words []string
	i     int
	depth int
	names []string
	find  func(string) (*node, error)
}

func conditionWords(s string) []string {
	s = strings.NewReplacer("(", " ( ", ")", " ) ", "|", " | ").Replace(s)
	return strings.Fields(s)
}

// peek is the next word in lower case if it is one of the language's.
func (p *conditionParser) is(word string) bool {
	return p.i < len(p.words) && strings.EqualFold(p.words[p.i], word)
}

func (p *conditionParser) unexpected() error {
	if p.i >= len(p.words) {
		return fmt.Errorf("the condition ends too early")
	}
	if p.words[p.i] == "|" {
		return fmt.Errorf("the condition counts with |, the old way, which a correlation replaced")
	}
	return fmt.Errorf("the condition has %q where it cannot stand", p.words[p.i])
}

func (p *conditionParser) or() (*node, error) { return p.chain("or", opOr, p.and) }

func (p *conditionParser) and() (*node, error) { return p.chain("and", opAnd, p.not) }

func (p *conditionParser) chain(word string, o op, next func() (*node, error)) (*node, error) {
	first, err := next()
	kids := []*node{first}
	for err == nil && p.is(word) {
		p.i++
		var n *node
		n, err = next()
		kids = append(kids, n)
	}
	if err != nil {
		return nil, err
	}
	return join(o, kids), nil
}

func (p *conditionParser) not() (*node, error) {
	if p.depth++; p.depth > maxDepth*4 {
		return nil, fmt.Errorf("the condition is nested too deep")
	}
	defer func() { p.depth-- }()
	switch {
	case p.is("not"):
		p.i++
		n, err := p.not()
		if err != nil {
			return nil, err
		}
		return not(n), nil
	case p.is("("):
		p.i++
		n, err := p.or()
		if err != nil {
			return nil, err
		}
		if !p.is(")") {
			return nil, p.unexpected()
		}
		p.i++
		return n, nil
	case p.i+1 < len(p.words) && strings.EqualFold(p.words[p.i+1], "of"):
		return p.of()
	case p.i >= len(p.words) || slices.Contains([]string{")", "|", "and", "or"}, strings.ToLower(p.words[p.i])):
		return nil, p.unexpected()
	}
	name := p.words[p.i]
	p.i++
	if !slices.Contains(p.names, name) {
		return nil, fmt.Errorf("the condition names %q, which is no search identifier", name)
	}
	return p.find(name)
}

// of reads "1 of them", "all of sel*", "2 of sel*".
func (p *conditionParser) of() (*node, error) {
	quantity, pattern := strings.ToLower(p.words[p.i]), ""
	p.i += 2
	if p.i < len(p.words) {
		pattern = p.words[p.i]
		p.i++
	}
	var kids []*node
	for _, name := range p.names {
		if strings.EqualFold(pattern, "them") && !strings.HasPrefix(name, "_") || !strings.EqualFold(pattern, "them") && star(pattern, name) {
			n, err := p.find(name)
			if err != nil {
				return nil, err
			}
			kids = append(kids, n)
		}
	}
	if len(kids) == 0 {
		return nil, fmt.Errorf("no search identifier is one of %q", pattern)
	}
	switch quantity {
	case "1", "any":
		return or(kids...), nil
	case "all":
		return and(kids...), nil
	}
	return nil, fmt.Errorf("%q of is neither 1 of, any of nor all of", quantity)
}

// star matches a pattern of * against a name.
func star(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	if !strings.HasPrefix(name, parts[0]) {
		return false
	}
	name = name[len(parts[0]):]
	last := parts[len(parts)-1]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(name, p)
		if i < 0 {
			return false
		}
		name = name[i+len(p):]
	}
	return strings.HasSuffix(name, last)
}
