package cloudformation

import (
	"bytes"
	"fmt"
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
	// twice is a value whose key stands a second time in its object: text is the
	// key, line where it stands first, kids[0] where it stands again.
	twice
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
	if n == nil || n.kind == list || n.kind == object || n.kind == twice {
		return ""
	}
	return n.text
}

// seenTwice puts what stands twice in place of the value that stood first.
func (n *node) seenTwice(key string, again *node) {
	for i, k := range n.keys {
		if k == key {
			n.kids[i] = &node{kind: twice, text: key, line: n.kids[i].line, kids: []*node{{line: again.line}}}
			return
		}
	}
}

// noTwice refuses keys that stand twice in the first levels of a file: one of two
// resources of a name would be lost. Deeper down it is one value that is open.
func (n *node) noTwice(path string, levels int) error {
	if n == nil || levels == 0 || n.kind != object {
		return nil
	}
	for _, k := range n.kids {
		if k.kind == twice {
			return &Error{Path: path, Line: k.kids[0].line, What: fmt.Sprintf("%q stands here and on line %d: one of the two would be lost", k.text, k.line), Mend: "keep one of the two"}
		}
		if err := k.noTwice(path, levels-1); err != nil {
			return err
		}
	}
	return nil
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
