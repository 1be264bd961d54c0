package hclpatch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// Variable is what a fix leaves to the company.
type Variable struct {
	// Type is the constraint in HCL ("string", "list(string)"), and Description
	// says in a sentence what the value is.
	Type, Description string
}

// block declares it, as terraform fmt would write it. It has no default: what to
// choose is not ours to say, and a plan must ask.
func (v Variable) block(name string) []byte {
	f := hclwrite.NewEmptyFile()
	body := f.Body().AppendNewBlock("variable", []string{name}).Body()
	body.SetAttributeValue("description", cty.StringVal(v.Description))
	if typ, err := tokens(v.Type); err == nil {
		body.SetAttributeRaw("type", typ)
	}
	return hclwrite.Format(f.Bytes())
}

// reference is where a variable is named.
var reference = regexp.MustCompile(`\bvar\.([A-Za-z_][A-Za-z0-9_-]*)`)

// named are the variables that an edit names and that the source after it does.
func named(e *Edit, after []byte) []string {
	found := map[string]bool{}
	note := func(text string) {
		for _, m := range reference.FindAllStringSubmatch(text, -1) {
			if bytes.Contains(after, []byte(m[0])) {
				found[m[1]] = true
			}
		}
	}
	for _, texts := range []map[string]string{e.Set, e.Default, e.Append} {
		for _, text := range texts {
			note(text)
		}
	}
	note(e.Add)
	return slices.Sorted(maps.Keys(found))
}

// declare declares variables in the module of a folder, and hands them down to it
// from the root module.
func (w *work) declare(dir string, calls []string, names []string) error {
	for _, name := range names {
		if err := w.declareOne(dir, calls, name); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) declareOne(dir string, calls []string, name string) error {
	in, err := w.tree.folder(dir)
	if err != nil {
		return err
	}
	if in.blocks["variable."+name] != "" || w.declared(dir, name) {
		return nil
	}
	v, ok := w.tree.Variables[name]
	if !ok {
		v = Variable{"any", "Left open by a mend of sevenfold."}
	}
	if err := w.put(dir, in, name, v.block(name)); err != nil {
		return err
	}
	if len(calls) == 0 {
		return nil
	}
	return w.handDown(dir, calls, name)
}

// declared reports whether this patch has declared a variable of a module.
func (w *work) declared(dir, name string) bool {
	_, ok := w.made["variable\x00"+dir+"\x00"+name]
	return ok
}

// put writes a declaration at the end of the file that has the module's, else
// into variables.tf.
func (w *work) put(dir string, in *folder, name string, block []byte) error {
	w.made["variable\x00"+dir+"\x00"+name] = made{string(block), name}
	for _, at := range in.homes() {
		f, err := w.file(at)
		if err != nil {
			continue
		}
		text := bytes.TrimRight(f.after, "\n")
		last := string(text[bytes.LastIndexByte(text, '\n')+1:])
		if len(f.tail) == 0 && !harmless(last) && (!bytes.HasSuffix(f.after, []byte("\n")) || bytes.Count(f.before, []byte("\n")) < 2) {
			continue // the last line would be shown, or git would not find the end of the file
		}
		f.tail = slices.Concat(f.tail, gap(f), block)
		w.files[at] = f
		return nil
	}
	at := path.Join(dir, "variables.tf")
	for n := 2; in.files[at]; n++ {
		at = path.Join(dir, fmt.Sprintf("variables_%d.tf", n))
	}
	f := w.files[at] // a new one, or one that this patch makes
	f.tail = slices.Concat(f.tail, gap(f), block)
	w.files[at] = f
	return nil
}

// gap is the empty line between what a file has and what is put behind it.
func gap(f file) []byte {
	text := slices.Concat(f.after, f.tail)
	if len(text) == 0 || bytes.HasSuffix(text, []byte("\n\n")) {
		return nil
	}
	return []byte("\n")
}

// handDown gives a module its variable where it is called, by one of the same
// name there. Where the call cannot be found, or changed, a note says what is to
// be done.
func (w *work) handDown(dir string, calls []string, name string) error {
	note := func(why string) {
		w.notes = append(w.notes, fmt.Sprintf("%s: give module %s the variable %s where it is called: %s", dir, strings.Join(calls, "."), name, why))
	}
	above, at, ok := w.tree.caller(dir, calls)
	if !ok {
		note("the call is not in this folder, or not with a path as its source")
		return nil
	}
	f, err := w.file(at)
	if err != nil {
		return err
	}
	e := Edit{Name: calls[len(calls)-1], call: true, Default: map[string]string{name: "var." + name}}
	after, err := e.apply(at, f.after)
	if err != nil {
		note(err.Error())
		return nil
	}
	if bytes.Equal(after, f.after) {
		return nil // it is given already
	}
	f.after, f.edits = after, append(slices.Clip(f.edits), e)
	if _, err := f.diff(at); err != nil {
		note(err.Error())
		return nil
	}
	w.files[at] = f
	return w.declareOne(above, calls[:len(calls)-1], name)
}

// caller finds the call of a module: the folder it is written in, and the file.
// The calls are followed down from the root, which is the tree's folder.
func (t *Tree) caller(dir string, calls []string) (above, file string, ok bool) {
	at := "."
	for _, name := range calls {
		in, err := t.folder(at)
		if err != nil {
			return "", "", false
		}
		source := in.calls[name]
		if !strings.HasPrefix(source, "./") && !strings.HasPrefix(source, "../") {
			return "", "", false
		}
		above, file, at = at, in.blocks["module."+name], path.Join(at, source)
	}
	return above, file, at == path.Clean(dir)
}

// folder is a module's folder.
type folder struct {
	dir    string
	files  map[string]bool
	blocks map[string]string // file by "variable.NAME", "resource.TYPE.NAME"
	calls  map[string]string // source by the name of a module's call
	count  map[string]int    // of the variables in a file
}

// homes are the files that variables may be put into, the likeliest first.
func (f *folder) homes() []string {
	own := path.Join(f.dir, "variables.tf")
	if f.files[own] {
		return []string{own}
	}
	files := slices.Sorted(maps.Keys(f.count))
	slices.SortStableFunc(files, func(a, b string) int { return f.count[b] - f.count[a] })
	return files
}

const maxFolder = 1000 // files of one folder that are read

func (t *Tree) folder(dir string) (*folder, error) {
	dir = path.Clean(dir)
	if f, ok := t.folders[dir]; ok {
		return f, nil
	}
	entries, err := fs.ReadDir(t.Files, dir)
	if err != nil {
		return nil, err
	}
	out := &folder{dir, map[string]bool{}, map[string]string{}, map[string]string{}, map[string]int{}}
	for _, e := range entries[:min(len(entries), maxFolder)] {
		name := path.Join(dir, e.Name())
		out.files[name] = true
		switch {
		case !e.Type().IsRegular():
		case strings.HasSuffix(name, ".tf"), strings.HasSuffix(name, ".tofu"):
			if text, err := t.read(name); err == nil {
				out.scan(name, text)
			}
		case strings.HasSuffix(name, ".tf.json"):
			if text, err := t.read(name); err == nil {
				out.scanJSON(name, text)
			}
		}
	}
	if t.folders == nil {
		t.folders = map[string]*folder{}
	}
	t.folders[dir] = out
	return out, nil
}

// scan notes the blocks of a file. One that is no HCL has none: the module could
// not be planned.
func (f *folder) scan(name string, text []byte) {
	parsed, _ := hclsyntax.ParseConfig(text, name, hcl.InitialPos)
	if parsed == nil {
		return
	}
	for _, b := range parsed.Body.(*hclsyntax.Body).Blocks {
		if f.blocks[blockName(b)] == "" {
			f.blocks[blockName(b)] = name
		}
		switch {
		case b.Type == "variable":
			f.count[name]++
		case b.Type == "module" && len(b.Labels) == 1 && b.Body.Attributes["source"] != nil:
			if v, diags := b.Body.Attributes["source"].Expr.Value(nil); !diags.HasErrors() && v.IsKnown() && !v.IsNull() && v.Type() == cty.String {
				f.calls[b.Labels[0]] = v.AsString()
			}
		}
	}
}

// scanJSON notes the variables that a file in JSON declares.
func (f *folder) scanJSON(name string, text []byte) {
	var doc struct{ Variable map[string]json.RawMessage }
	if json.Unmarshal(text, &doc) != nil {
		return
	}
	for v := range doc.Variable {
		f.blocks["variable."+v] = name
	}
}

// read reads a file of the tree.
func (t *Tree) read(name string) ([]byte, error) {
	f, err := t.Files.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSource+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxSource {
		return nil, errors.New(name + ": the file is larger than 4 MiB")
	}
	return text, nil
}
