package cloudformation

import (
	"bytes"
)

// Bounds of one file. CloudFormation takes 500 resources in a megabyte.
const (
	maxDepth = 200
	maxNodes = 1 << 20
)

// kind is what a node of a template is.
type kind byte

const (
	null kind = iota
	boolean
	number
	text
	list
	object
)

// node is one value of a template, with the line it stands on.
type node struct {
	kind kind
	text string // of scalars, as written
	keys []string
	kids []*node // values of an object, elements of a list
	line int
}

// get is the value of a key of an object; nil if there is none, or n is none.
func (n *node) get(key string) *node {
	if n == nil || n.kind != object {
		return nil
	}
	for i, k := range n.keys {
		if k == key {
			return n.kids[i]
		}
	}
	return nil
}

// str is the text of a scalar; "" if n is none.
func (n *node) str() string {
	if n == nil || n.kind == list || n.kind == object {
		return ""
	}
	return n.text
}

// is reports whether n is of a kind; nil is of none.
func (n *node) is(k kind) bool { return n != nil && n.kind == k }

// words are the texts of a list, or of one scalar.
func (n *node) words() []string {
	if n == nil {
		return nil
	}
	if n.kind != list {
		return []string{n.str()}
	}
	out := make([]string, len(n.kids))
	for i, k := range n.kids {
		out[i] = k.str()
	}
	return out
}

// put sets a key of an object.
func (n *node) put(key string, v *node) *node {
	if v == nil {
		return n
	}
	for i, k := range n.keys {
		if k == key {
			n.kids[i] = v
			return n
		}
	}
	n.keys, n.kids = append(n.keys, key), append(n.kids, v)
	return n
}

// without is a copy of an object that lacks keys.
func (n *node) without(keys ...string) *node {
	out := &node{kind: object, line: n.line}
	for i, k := range n.keys {
		drop := false
		for _, gone := range keys {
			drop = drop || k == gone
		}
		if !drop {
			out.put(k, n.kids[i])
		}
	}
	return out
}

// parse reads a file's text.
func parse(path string, text []byte) (*node, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	trimmed := bytes.TrimLeft(text, " \t\r\n")
	if len(trimmed) == 0 {
		return nil, &Error{Path: path, What: "the file is empty", Mend: "give the template as deployed"}
	}
	if trimmed[0] != '{' {
		return parseYAML(path, text)
	}
	n, err := parseJSON(path, text)
	if err != nil { // YAML has braces too
		if y, second := parseYAML(path, text); second == nil {
			return y, nil
		}
	}
	return n, err
}
