// Package terraformgen makes what tests of the Terraform parts need: the shapes
// that provider/terraform spells its assets in, taken from the models the live
// reader works by, and large plans.
package terraformgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/collect/aws/catalog"
)

// maxDepth bounds the shapes: deeper members do not stand in a resource's
// attributes either.
const maxDepth = 8

// Shapes writes out what a live read of each type looks like: its id, the
// operations that make it up, and the members of their replies. It is the text
// of provider/terraform/shapes.txt. A type the catalogue does not have is an
// error.
func Shapes(types []string) (string, error) {
	cat, err := catalog.Default()
	if err != nil {
		return "", err
	}
	byType := map[string]*catalog.Resource{}
	for _, r := range cat.Resources() {
		byType[r.Type] = r
	}
	var b strings.Builder
	for _, typ := range types {
		r := byType[typ]
		if r == nil {
			return "", fmt.Errorf("%s is not in the catalogue", typ)
		}
		resource(&b, r, byType[r.Parent])
	}
	return b.String(), nil
}

// resource writes one type: what it is at the margin, its members below.
func resource(b *strings.Builder, r, parent *catalog.Resource) {
	fmt.Fprintf(b, "= %s\n", r.Type)
	for _, f := range [][2]string{{"id", r.ID}, {"name", r.Name}, {"tags", r.Tags}} {
		if f[1] != "" {
			fmt.Fprintf(b, "@ %s %s\n", f[0], f[1])
		}
	}
	if r.IsGlobal() {
		b.WriteString("@ global\n")
	}
	for _, d := range r.Declared() {
		fmt.Fprintf(b, "@ read %s %s\n", d.Operation, d.Key)
	}
	seen := map[string]bool{}
	for _, m := range roots(r, parent) {
		if !seen[m.Name] {
			seen[m.Name] = true
			member(b, m, 0)
		}
	}
	if r.List != nil && r.List.As != "" && !seen[r.List.As] {
		fmt.Fprintf(b, "%s s\n", r.List.As)
	}
	for _, c := range r.AllCalls() {
		if c.Key() == "" {
			continue
		}
		fmt.Fprintf(b, "%s {\n", c.Key())
		op, _ := api.Operation(c.ServiceName(), c.Op)
		members(b, op.Outputs(), 1)
	}
}

// roots are the members of the primary reply, from whichever call gives them.
func roots(r, parent *catalog.Resource) []api.Member {
	var out []api.Member
	add := func(service, op, path string) {
		o, ok := api.Operation(service, op)
		if !ok {
			return
		}
		out = append(out, follow(o.Outputs(), path)...)
	}
	if r.Describe != nil {
		add(r.Describe.ServiceName(), r.Describe.Op, r.Describe.Unwrap)
	}
	if r.List != nil {
		add(r.List.ServiceName(), r.List.Op, r.List.Items)
	}
	if r.From == "" {
		return out
	}
	for _, c := range r.Also {
		add(c.ServiceName(), c.Op, c.Unwrap)
	}
	if head, rest, ok := strings.Cut(r.From, "."); ok && parent != nil {
		for _, c := range parent.AllCalls() {
			if c.Key() == head {
				add(c.ServiceName(), c.Op, rest)
			}
		}
	}
	return out
}

// follow looks a path up and returns the members of what stands there.
func follow(ms []api.Member, path string) []api.Member {
	if path == "" {
		return ms
	}
	head, rest, _ := strings.Cut(path, ".")
	name, _, _ := strings.Cut(head, "[")
	i := slices.IndexFunc(ms, func(m api.Member) bool { return m.Name == name })
	if i < 0 {
		return nil
	}
	return follow(ms[i].Members(), rest)
}

func members(b *strings.Builder, ms []api.Member, depth int) {
	for _, m := range ms {
		member(b, m, depth)
	}
}

// codes are the letters of the scalar types.
var codes = map[string]string{"string": "s", "integer": "n", "float": "n", "boolean": "b", "timestamp": "t", "blob": "s", "policy": "p", "document": "d"}

// member writes a member, its type and what lies below it.
func member(b *strings.Builder, m api.Member, depth int) {
	if depth > maxDepth || m.Name == "NextToken" || m.Name == "nextToken" {
		return
	}
	code, inner := "", m
	for {
		e, ok := inner.Elem()
		if !ok {
			break
		}
		code += map[string]string{"list": "[", "map": "("}[inner.Type]
		inner = e
	}
	if c, scalar := codes[inner.Type]; scalar {
		code += c
	} else {
		code += "{"
	}
	fmt.Fprintf(b, "%s%s %s\n", strings.Repeat("\t", depth), m.Name, code)
	if inner.Type == "structure" {
		members(b, inner.Members(), depth+1)
	}
}
