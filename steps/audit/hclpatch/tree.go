package hclpatch

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Tree is the source of a root module with the modules below it.
type Tree struct {
	// Files are those of the folder that paths are relative to.
	Files fs.FS
	// Variables are what fixes leave to the company, by name: a mend that names
	// one which its module does not declare declares it.
	Variables map[string]Variable

	folders map[string]*folder
}

// Mend is what mends one fault.
type Mend struct {
	// Name is what reasons call it: the control, say.
	Name string
	// File is where the resource is written, with slashes.
	File string
	// Modules are the names of the calls that lead to the file's module, from the
	// root's; empty in the root module. A variable is handed down along them.
	Modules []string
	Edit
	// Else are edits of resources that another mend may add to the file. The
	// first of them that fits takes the place of an Add that came too late.
	Else []Edit
}

// Patch is one patch of a tree.
type Patch struct {
	// Diff is a unified diff for git apply, or patch -p1, in the tree's folder;
	// empty if no mend can be made.
	Diff string
	// Files are those it changes or makes, sorted.
	Files []string
	// Made are the places in the list of mends of those that the patch makes.
	Made []int
	// Left are those that it does not make, with the reason, by the place in the
	// list of mends. A mend of what the source says already is left with ErrSaid.
	Left map[int]error
	// Notes are what a person has to do besides, one sentence each.
	Notes []string
}

// ErrSaid is why a mend changes nothing: the source says all of it already, so
// that what was assessed was not made of it.
var ErrSaid = errors.New("the source says so already; plan it again")

// Combine makes one patch of as many of the mends as go together, the earlier
// before the later. It returns an error only if the files cannot be read.
func (t *Tree) Combine(mends ...Mend) (Patch, error) {
	w := &work{tree: t, files: map[string]file{}, made: map[string]made{}}
	out := Patch{Left: map[int]error{}}
	for i := range mends {
		before := w.save()
		if err := w.mend(&mends[i]); err != nil {
			w.restore(before)
			out.Left[i] = err
			continue
		}
		if err := w.shows(before); err != nil {
			w.restore(before)
			out.Left[i] = err
			continue
		}
		out.Made = append(out.Made, i)
	}
	// What a later mend has set otherwise needs no variable any more.
	for _, e := range w.done {
		f := w.files[e.file]
		if err := w.declare(path.Dir(e.file), e.modules, named(&e.edit, f.after)); err != nil {
			return Patch{}, err
		}
	}
	var all strings.Builder
	for _, name := range slices.Sorted(maps.Keys(w.files)) {
		f := w.files[name]
		d, err := f.diff(name)
		if err != nil {
			return Patch{}, fmt.Errorf("%s: %w", name, err)
		}
		if d != "" {
			all.WriteString(d)
			out.Files = append(out.Files, name)
		}
	}
	out.Diff, out.Notes = all.String(), w.notes
	return out, nil
}

// file is a file on its way to the patched one. Its slices are never written to.
type file struct {
	before, after, tail []byte
	edits               []Edit
}

func (f *file) diff(name string) (string, error) {
	return diff(name, f.before, f.after, f.tail, f.edits)
}

// made is what a mend has said, and which mend.
type made struct{ what, by string }

// work is the making of one patch.
type work struct {
	tree  *Tree
	files map[string]file
	made  map[string]made // by file, block and path
	done  []doneEdit
	notes []string
}

// doneEdit is an edit that was made, and where.
type doneEdit struct {
	file    string
	modules []string
	edit    Edit
}

type saved struct {
	files map[string]file
	made  map[string]made
	done  []doneEdit
}

func (w *work) save() saved {
	return saved{maps.Clone(w.files), maps.Clone(w.made), slices.Clip(w.done)}
}

func (w *work) restore(s saved) {
	w.files, w.made, w.done = maps.Clone(s.files), maps.Clone(s.made), s.done
}

// shows reports whether what has changed since can be shown.
func (w *work) shows(since saved) error {
	for name, f := range w.files {
		if was := since.files[name]; len(was.edits) == len(f.edits) && len(was.tail) == len(f.tail) {
			continue
		}
		if _, err := f.diff(name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// file returns a file of the tree, as it is by now.
func (w *work) file(name string) (file, error) {
	if f, ok := w.files[name]; ok {
		return f, nil
	}
	text, err := w.tree.read(name)
	if err != nil {
		return file{}, err
	}
	return file{before: text, after: text}, nil
}

// mend makes one mend, or says why it cannot be made.
func (w *work) mend(m *Mend) error {
	before := w.save()
	err := w.edit(m, m.Edit)
	for _, e := range m.Else {
		if err == nil || errors.Is(err, ErrSaid) {
			break
		}
		w.restore(before)
		if w.edit(m, e) == nil {
			return nil
		}
	}
	return err
}

// edit makes one edit.
func (w *work) edit(m *Mend, e Edit) error {
	f, err := w.file(m.File)
	if err != nil {
		return err
	}
	left, did, err := w.remaining(m, e)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", m.File, e.title(), err)
	}
	if left == nil {
		return nil // other mends have said it all
	}
	if err := w.free(m.File, left.Add, e.Name); err != nil {
		return fmt.Errorf("%s: %s: %w", m.File, e.title(), err)
	}
	after, err := left.apply(m.File, f.after)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", m.File, e.title(), err)
	}
	if bytes.Equal(after, f.after) {
		if did {
			return nil
		}
		return fmt.Errorf("%s: %s: %w", m.File, e.title(), ErrSaid)
	}
	f.after, f.edits = after, append(slices.Clip(f.edits), *left)
	w.files[m.File] = f
	w.done = append(w.done, doneEdit{m.File, m.Modules, *left})
	return nil
}

// remaining is what is left of an edit besides what other mends have said: nil
// if that is all of it. did reports whether they have said some of it. What they
// have said otherwise is a conflict.
func (w *work) remaining(m *Mend, e Edit) (left *Edit, did bool, err error) {
	left = &Edit{Type: e.Type, Name: e.Name, Only: e.Only, Set: map[string]string{}, Default: e.Default, Append: map[string]string{}}
	key := func(path string) string {
		return strings.Join([]string{m.File, e.Type, e.Name, strings.ReplaceAll(path, "?", "")}, "\x00")
	}
	said := func(path, what string, sets bool) (bool, error) {
		has, ok := w.made[key(path)]
		if !ok {
			w.made[key(path)] = made{what, m.Name}
			return false, nil
		}
		if has.what != what && sets {
			return false, fmt.Errorf("%s: the mend of %s says otherwise", strings.TrimPrefix(path, "+"), has.by)
		}
		return has.what == what, nil
	}
	for _, at := range slices.Sorted(maps.Keys(e.Set)) {
		done, err := said(at, e.Set[at], true)
		if err != nil {
			return nil, false, err
		}
		if did = did || done; !done {
			left.Set[at] = e.Set[at]
		}
	}
	for _, s := range e.Swap {
		done, err := said(strings.Join([]string{"=", s.Path, s.Name, fmt.Sprint(s.Where), strings.Join(s.Is, "\x00")}, "\x00"), s.To, true)
		if err != nil {
			return nil, false, fmt.Errorf("%s: another mend says otherwise", s.Path)
		}
		if did = did || done; !done {
			left.Swap = append(left.Swap, s)
		}
	}
	for at, what := range e.Default { // any value will do
		done, _ := said("~"+at, what, false)
		if _, set := w.made[key(at)]; set || done {
			did = true
		}
	}
	for _, at := range slices.Sorted(maps.Keys(e.Append)) {
		done, _ := said("+"+at+"\x00"+e.Append[at], e.Append[at], false)
		if did = did || done; !done {
			left.Append[at] = e.Append[at]
		}
	}
	for _, block := range wholeBlocks(strings.ReplaceAll(e.Add, "LABEL", e.Name)) {
		done, err := said("+"+block.head, block.text, true)
		if err != nil {
			return nil, false, err
		}
		if did = did || done; !done {
			left.Add += block.text + "\n"
		}
	}
	if did && len(left.Set)+len(left.Default)+len(left.Append)+len(left.Swap) == 0 && left.Add == "" {
		return nil, true, nil
	}
	return left, did, nil
}

// wholeBlock is a block that a fix adds.
type wholeBlock struct{ head, text string }

// wholeBlocks takes what a fix adds apart; what is no HCL stays as it is, and is
// refused where it is used.
func wholeBlocks(text string) []wholeBlock {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	f, diags := hclsyntax.ParseConfig([]byte(text), "addition", hcl.InitialPos)
	if diags.HasErrors() {
		return []wholeBlock{{"", text}}
	}
	var out []wholeBlock
	for _, b := range f.Body.(*hclsyntax.Body).Blocks {
		out = append(out, wholeBlock{blockName(b), text[b.DefRange().Start.Byte:b.CloseBraceRange.End.Byte] + "\n"})
	}
	return out
}

func blockName(b *hclsyntax.Block) string {
	return strings.Join(append([]string{b.Type}, b.Labels...), ".")
}

// free reports a block that would be added and stands in another file of the
// module already: Terraform would refuse both.
func (w *work) free(name, add, label string) error {
	if add == "" {
		return nil
	}
	dir, err := w.tree.folder(path.Dir(name))
	if err != nil {
		return err
	}
	for _, b := range wholeBlocks(strings.ReplaceAll(add, "LABEL", label)) {
		if at := dir.blocks[b.head]; at != "" && at != name {
			return fmt.Errorf("%s is in %s already and says something else", strings.TrimPrefix(b.head, "resource."), at)
		}
	}
	return nil
}
