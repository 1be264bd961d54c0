// Package hclpatch writes what mends a resource into the Terraform source it is
// written in, as a unified diff that patch and git apply take. It changes the
// attributes named; the resource's block is aligned as terraform fmt would, its
// comments and order stay, and outside of it every byte is left as it is. It
// imports nothing of ours.
package hclpatch

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// maxSource bounds a file, in bytes.
const maxSource = 4 << 20

// Edit is what is done to one resource block.
type Edit struct {
	// Type and Name are the block's labels: resource "TYPE" "NAME".
	Type, Name string
	// Only bounds the edit to a block whose attributes are written out so: a text, a
	// number, or a list of that one text. Otherwise it is refused.
	Only map[string]string
	// Set gives attributes their expressions, written in HCL ("true",
	// `"Disabled"`, "var.key_arn"). A path through nested blocks is joined by
	// dots; a block that is not there is made, unless its name in the path ends
	// with "?", and where several are there each of them is changed.
	Set map[string]string
	// Default is Set for attributes that say nothing yet.
	Default map[string]string
	// Append puts blocks in HCL, without labels, at the end of the block a path
	// names, "." being the resource itself: those of which none of the same kind
	// and type, or name, stands there already. It is refused if that leaves none.
	Append map[string]string
	// Swap changes what is written already, before all else.
	Swap []Swap
	// Add are whole blocks in HCL that are put behind the resource's. LABEL in
	// it stands for Name.
	Add string

	call bool // the block is a module's call, and has no type
}

// head is the kind of block an edit is of, and its labels.
func (e *Edit) head() (kind string, labels []string) {
	if e.call {
		return "module", []string{e.Name}
	}
	return "resource", []string{e.Type, e.Name}
}

// isOf reports whether an edit is of a block with that head.
func (e *Edit) isOf(kind string, labels []string) bool {
	k, l := e.head()
	return k == kind && slices.Equal(l, labels)
}

// title names the block in words.
func (e *Edit) title() string {
	kind, labels := e.head()
	return fmt.Sprintf("%s %q", kind, strings.Join(labels, "."))
}

// Diff returns the unified diff that makes the edits of one file, all of them,
// with file as its name on both sides; empty if the source says all of it
// already. An error says which edit cannot be made and why; then there is no
// diff at all. A Tree does more: it knows of variables, and leaves out what
// cannot be.
func Diff(file string, source []byte, edits ...Edit) (string, error) {
	after := source
	for _, e := range edits {
		var err error
		if after, err = e.apply(file, after); err != nil {
			return "", fmt.Errorf("%s: %s: %w", file, e.title(), err)
		}
	}
	d, err := diff(file, source, after, nil, edits)
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return d, nil
}

// apply makes one edit.
func (e *Edit) apply(file string, source []byte) ([]byte, error) {
	if len(source) > maxSource {
		return nil, fmt.Errorf("the file is larger than %d MiB", maxSource>>20)
	}
	f, diags := hclwrite.ParseConfig(source, file, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, fmt.Errorf("it is no HCL: %w", diags)
	}
	var found []*hclwrite.Block
	for _, b := range f.Body().Blocks() {
		if e.isOf(b.Type(), b.Labels()) {
			found = append(found, b)
		}
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("it is written %d times in this file", len(found))
	}
	was := found[0].BuildTokens(nil).Bytes()
	if err := e.within(found[0].Body()); err != nil {
		return nil, err
	}
	out := source
	if text := found[0].BuildTokens(nil).Bytes(); !bytes.Equal(was, text) {
		var err error
		if out, err = e.splice(file, source, hclwrite.Format(text)); err != nil {
			return nil, err
		}
	}
	if e.Add == "" {
		return out, nil
	}
	return e.insert(file, out)
}

// splice puts the text of the resource's block in its place.
func (e *Edit) splice(file string, source, text []byte) ([]byte, error) {
	start, end, err := e.find(file, source)
	if err != nil {
		return nil, err
	}
	from, to, err := e.find(file, text) // without the comments above it
	if err != nil {
		return nil, errors.New("a block that would be extended is written on one line")
	}
	out := slices.Concat(source[:start], text[from:to], source[end:])
	if _, _, err := e.find(file, out); err != nil {
		return nil, errors.New("a block that would be extended is written on one line")
	}
	return out, nil
}

// find returns where the resource's block begins and ends.
func (e *Edit) find(file string, source []byte) (start, end int, err error) {
	f, diags := hclsyntax.ParseConfig(source, file, hcl.InitialPos)
	if diags.HasErrors() {
		return 0, 0, fmt.Errorf("it is no HCL: %w", diags)
	}
	for _, b := range f.Body.(*hclsyntax.Body).Blocks {
		if e.isOf(b.Type, b.Labels) {
			return b.DefRange().Start.Byte, b.CloseBraceRange.End.Byte, nil
		}
	}
	return 0, 0, errors.New("it is not in this file")
}

// within makes the edits inside the resource's block.
func (e *Edit) within(body *hclwrite.Body) error {
	for _, name := range slices.Sorted(maps.Keys(e.Only)) {
		if !only(body.GetAttribute(name), e.Only[name]) {
			return fmt.Errorf("%s is not written out as %q", name, e.Only[name])
		}
	}
	if e.Set["count"] == "0" && (body.GetAttribute("count") != nil || body.GetAttribute("for_each") != nil) {
		return errors.New("it is made several times, of which the edit would end all")
	}
	for _, s := range e.Swap {
		if err := swap(body, s); err != nil {
			return fmt.Errorf("%s: %w", s.Path, err)
		}
	}
	for _, edits := range []struct {
		of map[string]string
		do func(body *hclwrite.Body, name, text string) error
	}{
		{e.Set, set},
		{e.Default, func(body *hclwrite.Body, name, text string) error {
			if body.GetAttribute(name) != nil {
				return nil
			}
			return set(body, name, text)
		}},
	} {
		for _, path := range slices.Sorted(maps.Keys(edits.of)) {
			steps := strings.Split(path, ".")
			name := steps[len(steps)-1]
			err := each(body, steps[:len(steps)-1], func(b *hclwrite.Body) error { return edits.do(b, name, edits.of[path]) })
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(e.Append)) {
		steps := strings.Split(path, ".")
		if path == "." {
			steps = nil
		}
		if err := each(body, steps, func(b *hclwrite.Body) error { return extend(b, e.Append[path]) }); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

// only reports whether an attribute is written out as one text or number, or as a list
// of that alone.
func only(a *hclwrite.Attribute, want string) bool {
	if a == nil {
		return false
	}
	v := literal(a)
	if v == cty.NilVal || v.IsNull() {
		return false
	}
	if v.CanIterateElements() {
		if v.LengthInt() != 1 {
			return false
		}
		v = v.AsValueSlice()[0]
	}
	s := Swap{Is: []string{want}}
	return s.may(v)
}

// each does something to each block that a path names. The last is made where
// none is there, unless a "?" says not to.
func each(body *hclwrite.Body, path []string, do func(*hclwrite.Body) error) error {
	if len(path) == 0 {
		return do(body)
	}
	name, onlyThere := strings.CutSuffix(path[0], "?")
	if body.GetAttribute(name) != nil {
		return fmt.Errorf("%s is an attribute here, and no block", name)
	}
	if dynamic(body, name) {
		return fmt.Errorf("%s is made by a dynamic block", name)
	}
	within := blocks(body, name)
	if len(within) == 0 && !onlyThere {
		body.AppendNewline()
		within = append(within, body.AppendNewBlock(name, nil))
	}
	for _, b := range within {
		if err := each(b.Body(), path[1:], do); err != nil {
			return err
		}
	}
	return nil
}

// dynamic reports whether blocks of a name are made by a dynamic block.
func dynamic(body *hclwrite.Body, name string) bool {
	return slices.ContainsFunc(body.Blocks(), func(b *hclwrite.Block) bool {
		return b.Type() == "dynamic" && slices.Equal(b.Labels(), []string{name})
	})
}

// set gives an attribute its expression.
func set(body *hclwrite.Body, name, expression string) error {
	if len(blocks(body, name)) > 0 || dynamic(body, name) {
		return errors.New("it is a block here, and no attribute")
	}
	tokens, err := tokens(expression)
	if err != nil {
		return err
	}
	if has := body.GetAttribute(name); has != nil && slices.EqualFunc(plain(has.Expr().BuildTokens(nil)), plain(tokens), same) {
		return nil
	}
	body.SetAttributeRaw(name, tokens)
	return nil
}

// extend puts blocks at the end of a body, but those that are there already.
func extend(body *hclwrite.Body, text string) error {
	f, diags := hclwrite.ParseConfig([]byte(text), "addition", hcl.InitialPos)
	if diags.HasErrors() {
		return fmt.Errorf("what is to be put there is no HCL: %w", diags)
	}
	var missing []*hclwrite.Block
	for _, b := range f.Body().Blocks() {
		if dynamic(body, b.Type()) {
			return fmt.Errorf("%s is made by a dynamic block", b.Type())
		}
		if !slices.ContainsFunc(blocks(body, b.Type()), func(has *hclwrite.Block) bool { return alike(b.Body(), has.Body()) }) {
			missing = append(missing, b)
		}
	}
	if len(missing) == 0 {
		return errors.New("it is there already and says something else")
	}
	for _, b := range missing {
		body.AppendNewline()
		body.AppendBlock(b)
	}
	return nil
}

// alike reports whether two blocks are of one type or name.
func alike(a, b *hclwrite.Body) bool {
	for _, key := range []string{"type", "name"} {
		x, y := a.GetAttribute(key), b.GetAttribute(key)
		if x != nil && y != nil && slices.EqualFunc(plain(x.Expr().BuildTokens(nil)), plain(y.Expr().BuildTokens(nil)), same) {
			return true
		}
	}
	return false
}

func blocks(body *hclwrite.Body, typ string) []*hclwrite.Block {
	return slices.DeleteFunc(body.Blocks(), func(b *hclwrite.Block) bool { return b.Type() != typ })
}

// tokens are an expression's.
func tokens(expression string) (hclwrite.Tokens, error) {
	f, diags := hclwrite.ParseConfig([]byte("x = "+expression+"\n"), "expression", hcl.InitialPos)
	if diags.HasErrors() {
		return nil, fmt.Errorf("%q is no expression: %w", expression, diags)
	}
	attributes := f.Body().Attributes()
	if len(attributes) != 1 || len(f.Body().Blocks()) > 0 {
		return nil, fmt.Errorf("%q is more than an expression", expression)
	}
	return attributes["x"].Expr().BuildTokens(nil), nil
}

// plain leaves out what does not matter to a comparison.
func plain(tokens hclwrite.Tokens) hclwrite.Tokens {
	return slices.DeleteFunc(slices.Clone(tokens), func(t *hclwrite.Token) bool {
		return t.Type == hclsyntax.TokenNewline || t.Type == hclsyntax.TokenComment
	})
}

func same(a, b *hclwrite.Token) bool { return a.Type == b.Type && bytes.Equal(a.Bytes, b.Bytes) }

// insert puts Add behind the resource's block, unless blocks of those names are
// in the file already: then they say something else, and which is right nobody
// can tell from here.
func (e *Edit) insert(file string, source []byte) ([]byte, error) {
	text := strings.TrimSpace(strings.ReplaceAll(e.Add, "LABEL", e.Name)) + "\n"
	added, diags := hclsyntax.ParseConfig([]byte(text), "addition", hcl.InitialPos)
	if diags.HasErrors() {
		return nil, fmt.Errorf("what is to be added is no HCL: %w", diags)
	}
	parsed, diags := hclsyntax.ParseConfig(source, file, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, fmt.Errorf("it is no HCL: %w", diags)
	}
	in, within := parsed.Body.(*hclsyntax.Body), added.Body.(*hclsyntax.Body)
	end := -1
	for _, b := range in.Blocks {
		if e.isOf(b.Type, b.Labels) {
			end = b.CloseBraceRange.End.Byte
		}
		for _, a := range within.Blocks {
			if a.Type == b.Type && slices.Equal(a.Labels, b.Labels) {
				return nil, fmt.Errorf("%s %s is in the file already and says something else", a.Type, strings.Join(a.Labels, "."))
			}
		}
	}
	if end < 0 {
		return nil, errors.New("it is not in this file")
	}
	rest := source[end:]
	if line := bytes.IndexByte(rest, '\n'); line >= 0 {
		end += line + 1
	} else {
		text = "\n" + text
	}
	return slices.Concat(source[:end], []byte("\n"+text), source[end:]), nil
}
