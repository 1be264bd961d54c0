package hclpatch

import (
	"errors"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// Swap changes what says something wrong, and nothing that is not there or is
// not written out: "true", a text, a list of texts.
type Swap struct {
	// Path leads to an attribute through blocks of those names, joined by dots. A
	// "*" at its end stands for the elements of a list.
	Path string
	// Name bounds it to blocks with that name: the variable in env { name = … }.
	// The path then leads to the block, and its attribute value is meant.
	Name string
	// Where bounds it to blocks, of those the path names last, in which attributes
	// are written out so. A list that it empties there takes its block along, if
	// nothing else in it names a source; it is an error if no block is so. Where the path
	// leads to blocks and not to elements, those that say so are taken away themselves.
	Where map[string]string
	// Is are the values to be changed, without regard to case; any if empty.
	Is []string
	// To is the new value in HCL; empty: the attribute, element or block goes.
	To string
}

// swap makes one change in each block its path leads to.
func swap(body *hclwrite.Body, s Swap) error {
	steps := strings.Split(s.Path, ".")
	elements := steps[len(steps)-1] == "*"
	if elements {
		steps = steps[:len(steps)-1]
	}
	last := steps[len(steps)-1]
	var to hclwrite.Tokens
	if s.To != "" {
		var err error
		if to, err = tokens(s.To); err != nil {
			return err
		}
	}
	parents := []*hclwrite.Body{body}
	for _, name := range steps[:len(steps)-1] {
		var next []*hclwrite.Body
		for _, p := range parents {
			for _, b := range blocks(p, name) {
				next = append(next, b.Body())
			}
		}
		parents = next
	}
	if s.Where != nil && !elements {
		return s.away(parents, last)
	}
	if s.Where != nil {
		return s.where(body, steps[:len(steps)-1], parents, last)
	}
	for _, p := range parents {
		switch {
		case s.Name != "":
			s.named(p, last, to)
		case elements:
			s.elements(p, last)
		case p.GetAttribute(last) != nil && s.may(literal(p.GetAttribute(last))):
			if to == nil {
				p.RemoveAttribute(last)
			} else {
				p.SetAttributeRaw(last, to)
			}
		}
	}
	return nil
}

// peers are the attributes by which a rule names whom it is for.
var peers = []string{"cidr_blocks", "ipv6_cidr_blocks", "security_groups", "prefix_list_ids", "self"}

// where takes elements out of the lists of blocks that say what Where says.
func (s *Swap) where(body *hclwrite.Body, path []string, of []*hclwrite.Body, name string) error {
	found := false
	for _, p := range of {
		if !s.says(p) {
			continue
		}
		before := p.GetAttribute(name)
		if before == nil {
			continue
		}
		text := string(before.Expr().BuildTokens(nil).Bytes())
		s.elements(p, name)
		after := p.GetAttribute(name)
		if string(after.Expr().BuildTokens(nil).Bytes()) == text {
			continue
		}
		found = true
		if v := literal(after); v.LengthInt() > 0 || len(path) != 1 || slices.ContainsFunc(peers, func(o string) bool { return o != name && p.GetAttribute(o) != nil }) {
			continue
		}
		for _, b := range blocks(body, path[0]) {
			if b.Body() == p {
				remove(body, b)
			}
		}
	}
	if !found {
		return errNoBlock
	}
	return nil
}

var errNoBlock = errors.New("no block that is written out says so")

// away takes the blocks of a kind that say what Where says away.
func (s *Swap) away(of []*hclwrite.Body, kind string) error {
	found := false
	for _, p := range of {
		for _, b := range blocks(p, kind) {
			if s.says(b.Body()) {
				found = true
				remove(p, b)
			}
		}
	}
	if !found {
		return errNoBlock
	}
	return nil
}

// asAttributes are the blocks of which none means "as it is" and not "none": the provider
// takes them for an attribute, which must be written empty.
// https://developer.hashicorp.com/terraform/language/attr-as-blocks
var asAttributes = map[string]bool{"ingress": true, "egress": true, "route": true}

// remove takes a block away; after the last of those that are attributes at heart it says
// that there are none.
func remove(body *hclwrite.Body, b *hclwrite.Block) {
	kind := b.Type()
	body.RemoveBlock(b)
	made := slices.ContainsFunc(blocks(body, "dynamic"), func(d *hclwrite.Block) bool { return slices.Contains(d.Labels(), kind) })
	if asAttributes[kind] && len(blocks(body, kind)) == 0 && !made {
		body.SetAttributeValue(kind, cty.EmptyTupleVal)
	}
}

// says reports whether attributes of a body are written out as Where wants them.
func (s *Swap) says(p *hclwrite.Body) bool {
	for name, want := range s.Where {
		a := p.GetAttribute(name)
		if a == nil {
			return false
		}
		one := Swap{Is: []string{want}}
		if !one.may(literal(a)) {
			return false
		}
	}
	return true
}

// named changes the value of the blocks with a name, or takes them away.
func (s *Swap) named(p *hclwrite.Body, typ string, to hclwrite.Tokens) {
	for _, b := range blocks(p, typ) {
		name, value := b.Body().GetAttribute("name"), b.Body().GetAttribute("value")
		if name == nil || value == nil || literal(name) != cty.StringVal(s.Name) || !s.may(literal(value)) {
			continue
		}
		if to == nil {
			p.RemoveBlock(b)
		} else {
			b.Body().SetAttributeRaw("value", to)
		}
	}
}

// elements takes elements out of a list of texts that is written out.
func (s *Swap) elements(p *hclwrite.Body, name string) {
	a := p.GetAttribute(name)
	if a == nil {
		return
	}
	v := literal(a)
	if v == cty.NilVal || v.IsNull() || !v.CanIterateElements() {
		return
	}
	list := v.AsValueSlice()
	kept := slices.DeleteFunc(slices.Clone(list), s.may)
	if len(kept) != len(list) {
		p.SetAttributeValue(name, cty.TupleVal(kept))
	}
}

// may reports whether a value is one to be changed.
func (s *Swap) may(v cty.Value) bool {
	if v == cty.NilVal || v.IsNull() || !v.IsKnown() {
		return false
	}
	text := ""
	switch v.Type() {
	case cty.String:
		text = v.AsString()
	case cty.Bool:
		text = "false"
		if v.True() {
			text = "true"
		}
	case cty.Number:
		text = v.AsBigFloat().Text('f', -1)
	default:
		return false
	}
	return len(s.Is) == 0 || slices.ContainsFunc(s.Is, func(is string) bool { return strings.EqualFold(is, text) })
}

// literal is the value of an attribute that is written out; NilVal if it hangs
// on something else.
func literal(a *hclwrite.Attribute) cty.Value {
	e, diags := hclsyntax.ParseExpression(a.Expr().BuildTokens(nil).Bytes(), "expression", hcl.InitialPos)
	if diags.HasErrors() {
		return cty.NilVal
	}
	v, diags := e.Value(nil)
	if diags.HasErrors() {
		return cty.NilVal
	}
	return v
}
