package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// node is a member of a body: an attribute or a block.
type node struct {
	name, kind, how string
	same            string // path of the body that stands here too
	kids            []*node
}

// maxDepth bounds bodies that hold themselves.
const maxDepth = 9

// readSchemas reads the schemas of the types that begin with prefix.
func readSchemas(path, prefix string) (map[string]*tfprotov5.Schema, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	bodies, types := map[string]*node{}, [][]string{}
	var at []*node
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if list, ok := strings.CutPrefix(line, "= "); ok {
			names := strings.Fields(list)
			at = []*node{{name: names[0]}}
			bodies[names[0]] = at[0]
			types = append(types, names)
			continue
		}
		words := strings.Fields(line)
		if len(words) < 2 || words[0] == "#" {
			continue
		}
		depth := len(line) - len(strings.TrimLeft(line, "\t"))
		kind := strings.TrimRight(words[1], "!-~")
		n := &node{name: words[0], kind: kind, how: words[1][len(kind):]}
		if len(words) > 2 {
			n.same = strings.TrimPrefix(words[2], "@")
		}
		at = append(at[:depth+1:depth+1], n)
		at[depth].kids = append(at[depth].kids, n)
	}
	out := map[string]*tfprotov5.Schema{}
	for _, names := range types {
		for _, name := range names {
			if !strings.HasPrefix(name, prefix) {
				continue
			}
			b, err := block(bodies, bodies[names[0]], 0)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", path, name, err)
			}
			out[name] = &tfprotov5.Schema{Block: b}
		}
	}
	return out, nil
}

// find is the body at a path of names joined by dots.
func find(bodies map[string]*node, path string) *node {
	parts := strings.Split(path, ".")
	at := bodies[parts[0]]
	for _, p := range parts[1:] {
		if at == nil {
			return nil
		}
		var next *node
		for _, k := range at.kids {
			if k.name == p {
				next = k
			}
		}
		at = next
	}
	return at
}

func block(bodies map[string]*node, body *node, depth int) (*tfprotov5.SchemaBlock, error) {
	if body.same != "" {
		if body = find(bodies, body.same); body == nil {
			return nil, fmt.Errorf("a body is missing")
		}
	}
	out := &tfprotov5.SchemaBlock{}
	for _, k := range body.kids {
		shape := strings.TrimRight(k.kind, "{")
		if !strings.HasSuffix(k.kind, "{") && k.kind != "o" || k.how == "-" {
			typ, err := typeOf(k)
			if err != nil {
				return nil, err
			}
			a := &tfprotov5.SchemaAttribute{Name: k.name, Type: typ, Required: k.how == "!", Computed: k.how == "-", Optional: k.how == ""}
			if k.name == "id" && depth == 0 {
				a.Optional, a.Computed = true, true
			}
			out.Attributes = append(out.Attributes, a)
			continue
		}
		if depth > maxDepth {
			continue
		}
		inner, err := block(bodies, k, depth+1)
		if err != nil {
			return nil, err
		}
		b := &tfprotov5.SchemaNestedBlock{TypeName: k.name, Block: inner, Nesting: tfprotov5.SchemaNestedBlockNestingModeList}
		switch {
		case k.kind == "o":
			b.Nesting = tfprotov5.SchemaNestedBlockNestingModeSingle
		case shape == "<":
			b.Nesting = tfprotov5.SchemaNestedBlockNestingModeSet
		case shape == "":
			b.MaxItems = 1
		}
		if k.how == "!" && k.kind != "o" {
			b.MinItems = 1
		}
		out.BlockTypes = append(out.BlockTypes, b)
	}
	return out, nil
}

// typeOf is the type of an attribute.
func typeOf(k *node) (tftypes.Type, error) {
	if k.kind == "" {
		return nil, fmt.Errorf("%s has no kind", k.name)
	}
	element := func() (tftypes.Type, error) { return typeOf(&node{name: k.name, kind: k.kind[1:], kids: k.kids}) }
	switch k.kind[0] {
	case 's':
		return tftypes.String, nil
	case 'n':
		return tftypes.Number, nil
	case 'b':
		return tftypes.Bool, nil
	case '?':
		return tftypes.DynamicPseudoType, nil
	case '[':
		e, err := element()
		return tftypes.List{ElementType: e}, err
	case '<':
		e, err := element()
		return tftypes.Set{ElementType: e}, err
	case '(':
		e, err := element()
		return tftypes.Map{ElementType: e}, err
	case '{', 'o':
		o := tftypes.Object{AttributeTypes: map[string]tftypes.Type{}}
		for _, kid := range k.kids {
			t, err := typeOf(kid)
			if err != nil {
				return nil, err
			}
			o.AttributeTypes[kid.name] = t
		}
		return o, nil
	}
	return nil, fmt.Errorf("%s is of kind %q, which is not known", k.name, k.kind)
}
