package cloudformation

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
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

// jsonReader reads JSON into nodes.
type jsonReader struct {
	path  string
	dec   *json.Decoder
	lines []int // offsets at which lines begin
	count int
}

func parseJSON(path string, text []byte) (*node, error) {
	r := &jsonReader{path: path, dec: json.NewDecoder(bytes.NewReader(text)), lines: []int{0}}
	r.dec.UseNumber()
	for i, b := range text {
		if b == '\n' {
			r.lines = append(r.lines, i+1)
		}
	}
	n, err := r.value(0)
	if err != nil {
		return nil, err
	}
	if _, err := r.dec.Token(); !errors.Is(err, io.EOF) {
		return nil, r.fail("more stands after the template's end", "give one template a file")
	}
	return n, nil
}

// line is that of the decoder's place.
func (r *jsonReader) line() int {
	at := int(r.dec.InputOffset())
	return sort.Search(len(r.lines), func(i int) bool { return r.lines[i] > at })
}

func (r *jsonReader) fail(what, mend string) error {
	return &Error{Path: r.path, Line: r.line(), What: what, Mend: mend}
}

func (r *jsonReader) token() (json.Token, error) {
	t, err := r.dec.Token()
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, r.fail("the file ends in the middle of the template", "copy it again, whole")
	case err != nil:
		return nil, r.fail("not JSON: "+err.Error(), "mend the syntax (aws cloudformation validate-template names the place, too)")
	}
	return t, nil
}

func (r *jsonReader) value(depth int) (*node, error) {
	t, err := r.token()
	if err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, r.fail(fmt.Sprintf("nested deeper than %d", maxDepth), "no template needs that: look for what repeats itself")
	}
	if r.count++; r.count > maxNodes {
		return nil, r.fail(fmt.Sprintf("more than %d values", maxNodes), "split the template into nested stacks")
	}
	n := &node{line: r.line()}
	switch t := t.(type) {
	case nil:
	case bool:
		n.kind, n.text = boolean, strconv.FormatBool(t)
	case json.Number:
		n.kind, n.text = number, t.String()
	case string:
		n.kind, n.text = text, t
	case json.Delim:
		if t == '{' {
			n.kind = object
			return n, r.members(n, depth)
		}
		n.kind = list
		for r.dec.More() {
			k, err := r.value(depth + 1)
			if err != nil {
				return nil, err
			}
			n.kids = append(n.kids, k)
		}
		_, err := r.token()
		return n, err
	}
	return n, nil
}

func (r *jsonReader) members(n *node, depth int) error {
	seen := map[string]int{}
	for r.dec.More() {
		t, err := r.token()
		if err != nil {
			return err
		}
		key, _ := t.(string)
		if first, dup := seen[key]; dup {
			return r.fail(duplicate(key, first), "keep one of the two")
		}
		seen[key] = r.line()
		v, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		n.keys, n.kids = append(n.keys, key), append(n.kids, v)
	}
	_, err := r.token()
	return err
}

func duplicate(key string, first int) string {
	return fmt.Sprintf("%q stands here and on line %d: one of the two would be lost", key, first)
}

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
		if first, dup := seen[k.Value]; dup {
			return r.fail(k, duplicate(k.Value, first), "keep one of the two")
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
