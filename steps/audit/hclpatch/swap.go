package hclpatch

import (
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
