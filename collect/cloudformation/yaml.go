package cloudformation

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// yamlReader turns YAML's nodes into ours.
type yamlReader struct {
	path  string
	count int
	// within holds the anchors being expanded: one that holds itself never ends.
	within map[*yaml.Node]bool
}

var yamlLine = regexp.MustCompile(`line (\d+): `)

func parseYAML(path string, text []byte) (*node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc, next yaml.Node
	fail := func(err error) error {
		e := &Error{Path: path, What: "not YAML: " + strings.TrimPrefix(err.Error(), "yaml: "), Mend: "mend the syntax (aws cloudformation validate-template names the place, too)"}
		if m := yamlLine.FindStringSubmatch(e.What); m != nil {
			e.Line, _ = strconv.Atoi(m[1])
			e.What = strings.Replace(e.What, m[0], "", 1)
		}
		return e
	}
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, &Error{Path: path, What: "the file is empty", Mend: "give the template as deployed"}
	} else if err != nil {
		return nil, fail(err)
	}
	if err := dec.Decode(&next); err == nil {
		return nil, &Error{Path: path, Line: next.Line, What: "a second document begins here", Mend: "give one template a file"}
	} else if !errors.Is(err, io.EOF) {
		return nil, fail(err)
	}
	r := &yamlReader{path: path, within: map[*yaml.Node]bool{}}
	return r.value(&doc, 0)
}

func (r *yamlReader) fail(y *yaml.Node, what, mend string) error {
	return &Error{Path: r.path, Line: y.Line, What: what, Mend: mend}
}

func (r *yamlReader) value(y *yaml.Node, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, r.fail(y, fmt.Sprintf("nested deeper than %d", maxDepth), "no template needs that: look for what repeats itself")
	}
	if r.count++; r.count > maxNodes {
		return nil, r.fail(y, fmt.Sprintf("more than %d values once its anchors are written out", maxNodes), "take the repetition out of the anchors")
	}
	n := &node{line: y.Line}
	switch y.Kind {
	case yaml.DocumentNode:
		return r.value(y.Content[0], depth)
	case yaml.AliasNode:
		if r.within[y.Alias] {
			return nil, r.fail(y, "the anchor "+y.Value+" holds itself", "write out what is meant")
		}
		r.within[y.Alias] = true
		defer delete(r.within, y.Alias)
		return r.value(y.Alias, depth+1)
	case yaml.ScalarNode:
		scalar(n, y)
	case yaml.SequenceNode:
		n.kind = list
		for _, e := range y.Content {
			k, err := r.value(e, depth+1)
			if err != nil {
				return nil, err
			}
			n.kids = append(n.kids, k)
		}
	case yaml.MappingNode:
		n.kind = object
		if err := r.members(n, y, depth); err != nil {
			return nil, err
		}
	}
	return function(n, y.Tag), nil
}

// jsonNumber is a number as JSON spells it; a number with a leading zero is an
// account id.
var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// scalar takes a value as YAML resolves it, but dates, which stay the text they
// are ("2012-10-17").
func scalar(n *node, y *yaml.Node) {
	n.kind, n.text = text, y.Value
	switch y.ShortTag() {
	case "!!null":
		if y.Style == 0 {
			n.kind, n.text = null, ""
		}
	case "!!bool":
		n.kind, n.text = boolean, strings.ToLower(y.Value)
	case "!!int", "!!float":
		if jsonNumber.MatchString(y.Value) {
			n.kind = number
		}
	}
}

// function writes out the short form of a function: !Ref, !GetAtt and the rest.
func function(n *node, tag string) *node {
	name, short := strings.CutPrefix(tag, "!")
	if !short || name == "" || strings.HasPrefix(name, "!") {
		return n
	}
	switch name {
	case "Ref", "Condition":
	default:
		name = "Fn::" + name
	}
	if n.kind == null { // "!GetAZs" with nothing behind it
		n.kind, n.text = text, ""
	}
	return &node{kind: object, line: n.line, keys: []string{name}, kids: []*node{n}}
}

func (r *yamlReader) members(n *node, y *yaml.Node, depth int) error {
	seen := map[string]int{}
	var merged []*node
	for i := 0; i+1 < len(y.Content); i += 2 {
		k, v := y.Content[i], y.Content[i+1]
		if k.Kind == yaml.AliasNode {
			k = k.Alias
		}
		if k.Kind != yaml.ScalarNode {
			return r.fail(k, "a key that is no text", "write the key as a word")
		}
		inner, err := r.value(v, depth+1)
		if err != nil {
			return err
		}
		if k.Tag == "!!merge" {
			if inner.kind == list {
				merged = append(merged, inner.kids...)
			} else {
				merged = append(merged, inner)
			}
			continue
		}
		if _, dup := seen[k.Value]; dup {
			n.seenTwice(k.Value, &node{line: k.Line})
			continue
		}
		seen[k.Value] = k.Line
		n.keys, n.kids = append(n.keys, k.Value), append(n.kids, inner)
	}
	for _, m := range merged {
		for i, k := range m.keys {
			if _, set := seen[k]; !set {
				seen[k] = m.line
				n.keys, n.kids = append(n.keys, k), append(n.kids, m.kids[i])
			}
		}
	}
	return nil
}
