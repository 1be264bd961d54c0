package files

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// yamlPieces converts every document of a YAML stream to JSON and gives it
// out. An error names the line; documents before it have been given out.
func yamlPieces(text []byte, lim limits, emit func(piece) error, note func(trouble)) error {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	for index := 0; ; {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s (documents before it were read: %d)", strings.TrimPrefix(err.Error(), "yaml: "), index)
		}
		c := converter{budget: max(lim.expand, 16*len(text))}
		if err := c.node(&doc, 0); err != nil {
			return err
		}
		body := c.out.Bytes()
		switch {
		case len(body) == 0 || bytes.Equal(body, []byte("null")): // an empty document between two ---
			continue
		case body[0] != '{' && body[0] != '[':
			note(trouble{at: place{line: doc.Line}, what: "a bare value where an object or list should stand"})
			continue
		}
		if err := emit(piece{index: index, body: body}); err != nil {
			return &stopped{err}
		}
		index++
	}
}

// crowded reports whether text may hold more values than lim allows: the
// parser's tree takes some 200 bytes a value, so that 16 MiB of "a,a,a" would
// cost gigabytes. Separators are counted, not parsed; real exports have one in
// ten bytes.
func crowded(text []byte, lim limits) bool {
	n := 0
	for _, c := range text {
		switch c {
		case '\n', ',', ':', '[', '{', '?':
			n++
		}
	}
	return n > lim.nodes
}

// stopped wraps an error of the receiver, so that it is not taken for one of
// the file.
type stopped struct{ error }

func (s *stopped) Unwrap() error { return s.error }

// converter writes a YAML node as JSON. Aliases are written out where they
// stand; a budget of bytes ends a document that multiplies by them.
type converter struct {
	out    bytes.Buffer
	budget int
}

func (c *converter) node(n *yaml.Node, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("line %d: nested deeper than %d levels", n.Line, maxDepth)
	}
	if c.out.Len() > c.budget {
		return fmt.Errorf("line %d: aliases multiply the document beyond %s", n.Line, size(c.budget))
	}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) == 0 {
			return nil
		}
		return c.node(n.Content[0], depth)
	case yaml.AliasNode:
		return c.node(n.Alias, depth+1)
	}
	if name, ok := customTag(n); ok {
		return c.tagged(n, name, depth)
	}
	switch n.Kind {
	case yaml.MappingNode:
		return c.mapping(n, depth)
	case yaml.SequenceNode:
		return c.sequence(n, depth)
	case yaml.ScalarNode:
		return c.scalar(n)
	}
	c.out.WriteString("null")
	return nil
}

// customTag is a tag of the file's own language (CloudFormation's !Ref): the
// value alone would mean something else.
func customTag(n *yaml.Node) (string, bool) {
	tag := n.ShortTag()
	return tag, strings.HasPrefix(tag, "!") && !strings.HasPrefix(tag, "!!") && len(tag) > 1
}

// tagged writes {"!Tag": value}.
func (c *converter) tagged(n *yaml.Node, name string, depth int) error {
	plain := *n
	plain.Tag = ""
	if n.Kind == yaml.ScalarNode {
		plain.Tag = "!!str"
	}
	c.out.WriteByte('{')
	c.text(name)
	c.out.WriteByte(':')
	if err := c.node(&plain, depth+1); err != nil {
		return err
	}
	c.out.WriteByte('}')
	return nil
}

func (c *converter) sequence(n *yaml.Node, depth int) error {
	c.out.WriteByte('[')
	for i, item := range n.Content {
		if i > 0 {
			c.out.WriteByte(',')
		}
		if err := c.node(item, depth+1); err != nil {
			return err
		}
	}
	c.out.WriteByte(']')
	return nil
}

func (c *converter) mapping(n *yaml.Node, depth int) error {
	seen := make(map[string]bool, len(n.Content)/2)
	var merged []*yaml.Node
	c.out.WriteByte('{')
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.ShortTag() == "!!merge" {
			merged = append(merged, value)
			continue
		}
		name, err := keyName(key)
		if err != nil {
			return err
		}
		if seen[name] {
			return fmt.Errorf("line %d: member %q stands twice in one mapping", key.Line, clip(name, 80))
		}
		if err := c.pair(name, value, len(seen) == 0, depth); err != nil {
			return err
		}
		seen[name] = true
	}
	for _, m := range merged {
		if err := c.merge(m, seen, depth); err != nil {
			return err
		}
	}
	c.out.WriteByte('}')
	return nil
}

// merge writes the members of a "<<" value that are not set yet.
func (c *converter) merge(n *yaml.Node, seen map[string]bool, depth int) error {
	if depth > maxDepth || c.out.Len() > c.budget {
		return fmt.Errorf("line %d: merged mappings multiply the document", n.Line)
	}
	switch n.Kind {
	case yaml.AliasNode:
		return c.merge(n.Alias, seen, depth+1)
	case yaml.SequenceNode:
		for _, item := range n.Content {
			if err := c.merge(item, seen, depth+1); err != nil {
				return err
			}
		}
		return nil
	case yaml.MappingNode:
	default:
		return fmt.Errorf("line %d: << needs a mapping", n.Line)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.ShortTag() == "!!merge" {
			if err := c.merge(value, seen, depth+1); err != nil {
				return err
			}
			continue
		}
		name, err := keyName(key)
		if err != nil {
			return err
		}
		if seen[name] {
			continue
		}
		if err := c.pair(name, value, len(seen) == 0, depth); err != nil {
			return err
		}
		seen[name] = true
	}
	return nil
}

func (c *converter) pair(name string, value *yaml.Node, first bool, depth int) error {
	if !first {
		c.out.WriteByte(',')
	}
	c.text(name)
	c.out.WriteByte(':')
	return c.node(value, depth+1)
}

// keyName is the member name of a mapping's key: JSON has only strings there.
func keyName(key *yaml.Node) (string, error) {
	if key.Kind == yaml.AliasNode {
		key = key.Alias
	}
	if key.Kind != yaml.ScalarNode {
		return "", fmt.Errorf("line %d: a mapping's key must be a plain value", key.Line)
	}
	return key.Value, nil
}

func (c *converter) scalar(n *yaml.Node) error {
	switch n.ShortTag() {
	case "!!null":
		c.out.WriteString("null")
	case "!!bool":
		var b bool
		if err := n.Decode(&b); err != nil {
			return fmt.Errorf("line %d: %q is not a boolean", n.Line, clip(n.Value, 40))
		}
		c.out.WriteString(strconv.FormatBool(b))
	case "!!int", "!!float":
		return c.numeral(n)
	default: // strings; times and binary stay as they are written
		c.text(n.Value)
	}
	return nil
}

// numeral writes a number as JSON spells it: YAML also knows 0x10, 0o17,
// 1_000, .5 and .nan.
func (c *converter) numeral(n *yaml.Node) error {
	if json.Valid([]byte(n.Value)) {
		if f, err := strconv.ParseFloat(n.Value, 64); err == nil && !math.IsInf(f, 0) {
			c.out.WriteString(n.Value)
			return nil
		}
		return fmt.Errorf("line %d: number %s is too large for a double", n.Line, clip(n.Value, 40))
	}
	var i int64
	if n.ShortTag() == "!!int" && n.Decode(&i) == nil {
		c.out.WriteString(strconv.FormatInt(i, 10))
		return nil
	}
	var f float64
	if err := n.Decode(&f); err != nil {
		return fmt.Errorf("line %d: %q is not a number", n.Line, clip(n.Value, 40))
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return fmt.Errorf("line %d: %s has no JSON spelling", n.Line, n.Value)
	}
	c.out.WriteString(strconv.FormatFloat(f, 'g', -1, 64))
	return nil
}

// text writes a JSON string.
func (c *converter) text(s string) {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = !stringStop[s[i]] && s[i] < 0x7f
	}
	if plain {
		c.out.WriteByte('"')
		c.out.WriteString(s)
		c.out.WriteByte('"')
		return
	}
	enc := json.NewEncoder(&c.out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes; the buffer never fails
	c.out.Truncate(c.out.Len() - 1)
}
