package assess

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/redact"
	"github.com/sevenfold-sec/sevenfold/collect/terraform"
	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/report"
	"github.com/sevenfold-sec/sevenfold/steps/audit/hclpatch"
)

// Patch is what mends the source of one plan or state, as one patch.
type Patch struct {
	// Source is the plan or state, as it was given; Folder is where the patch is
	// to be applied.
	Source, Folder string
	// Files are those it changes or makes, relative to Folder.
	Files []string
	// Diff is a unified diff for git apply; empty if none of the mends can be made.
	Diff string
	// Findings are those it mends, by id, and Left all others that fail on what the
	// source says: together they are every failing finding of it.
	Findings []string
	Left     []LeftOut
	// Notes are what a person has to do besides.
	Notes []string
}

// LeftOut is a failing finding that a patch does not mend, and why not.
type LeftOut struct{ Finding, Why string }

// patchDocuments are the patches as a report shows them.
func patchDocuments(patches []Patch) []report.Patch {
	out := make([]report.Patch, len(patches))
	for i, p := range patches {
		out[i] = report.Patch{Source: p.Source, Folder: p.Folder, Files: p.Files, Patch: p.Diff, Findings: p.Findings, Notes: p.Notes}
		for _, l := range p.Left {
			out[i].Left = append(out[i].Left, report.LeftOut(l))
		}
	}
	return out
}

// written is where an asset is written in Terraform.
type written struct {
	root      *root
	address   string
	typ, name string
}

// root is the folder of a plan or state, with the source of its root module.
type root struct {
	source string // as it was given
	folder string
	files  *terraform.Sources
	tree   *hclpatch.Tree
	mends  []hclpatch.Mend
	of     []string // findings, one a mend
	// found says that the .tf file of some finding lies beside the plan.
	found bool
	// why says of findings that are not mended why not, by id.
	why map[string]string
}

// patches gives the findings on what is written in Terraform the diff that
// mends the .tf file beside the plan, and returns one diff for all of them for
// each plan, with every failing finding that it leaves and why. Where there is none
// the fix says why, if there is a reason a person can do something about.
func patches(ctx context.Context, snap *estate.Snapshot, findings []finding.Finding, sources []string, controls *control.Set, now time.Time) []Patch {
	if !slices.ContainsFunc(sources, func(s string) bool { return strings.HasPrefix(s, "terraform:") }) {
		return nil
	}
	var failing []int
	for _, i := range gravestFirst(findings) {
		if findings[i].Status == finding.Fail {
			failing = append(failing, i)
		}
	}
	if len(failing) == 0 {
		return nil
	}
	at, roots := writtenIn(sources, controls.Variables())
	for _, i := range failing {
		f := &findings[i]
		c := controls.Find(f.Control)
		if c == nil || len(c.Terraform)+len(c.Kubernetes) == 0 || ctx.Err() != nil {
			continue
		}
		fixes := c.Terraform
		if len(fixes) == 0 && len(at[f.Asset]) > 0 {
			if edit, ok := inTerraform(snap, c, at[f.Asset][0], f.Asset, now); ok {
				f.Fix.Patch = at[f.Asset][0].patch(edit, nil, f)
			}
			continue
		}
		patchOf(at[f.Asset], fixes, f)
	}
	var out []Patch
	for _, r := range roots {
		if r.found {
			p := r.patch()
			p.Left = append(p.Left, r.others(snap, findings, failing, at)...)
			out = append(out, p)
		}
	}
	return out
}

// others are the failing findings of a root that have no mend in it.
func (r *root) others(snap *estate.Snapshot, findings []finding.Finding, failing []int, at map[string][]written) []LeftOut {
	var out []LeftOut
	for _, i := range failing {
		f := &findings[i]
		if slices.Contains(r.of, f.ID) {
			continue
		}
		resource := slices.ContainsFunc(at[f.Asset], func(w written) bool { return w.root == r })
		why := r.why[f.ID]
		switch {
		case why != "":
		case resource:
			why = "no patch can be written for it: " + f.Fix.Text
		default:
			// What the source names without being it: an account, say.
			if n, ok := snap.Find(f.Asset); !ok || snap.Asset(n).Source != r.source {
				continue
			}
			why = "no resource of the source is " + f.Asset + ": " + f.Fix.Text
		}
		out = append(out, LeftOut{f.ID, why})
	}
	return out
}

// gravestFirst orders findings so that of two mends that contradict each other
// the one of the graver fault is made.
func gravestFirst(findings []finding.Finding) []int {
	out := make([]int, len(findings))
	for i := range out {
		out[i] = i
	}
	slices.SortStableFunc(out, func(i, j int) int {
		a, b := &findings[i], &findings[j]
		return cmp.Or(cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), cmp.Compare(a.Control, b.Control), cmp.Compare(a.Asset, b.Asset))
	})
	return out
}

// patchOf gives a finding the diff of the first of the fixes that a resource of
// the asset takes: a control names the resource that says it before the one that
// could.
func patchOf(asset []written, fixes []control.Terraform, f *finding.Finding) {
	for _, t := range fixes {
		for _, w := range asset {
			if t.Resource != w.typ {
				continue
			}
			for _, typ := range addedTypes(t.Add) {
				// Its name may be another, and two of them would contradict each other.
				if i := slices.IndexFunc(asset, func(w written) bool { return w.typ == typ }); i >= 0 {
					f.Fix.Patch = w.no(f, "%s is there already and says something else", asset[i].address)
					return
				}
			}
			// Another mend may add the same resource; then this one sets what it lacks.
			var others []hclpatch.Edit
			for _, typ := range addedTypes(t.Add) {
				for _, other := range fixes {
					if other.Resource == typ && other.Add == "" {
						others = append(others, edit(other))
					}
				}
			}
			f.Fix.Patch = w.patch(edit(t), others, f)
			return
		}
	}
}

// added is the head of a resource block in what a fix adds.
var added = regexp.MustCompile(`(?m)^resource "([a-z0-9_]+)"`)

// addedTypes are the types of the resources that a fix adds.
func addedTypes(add string) []string {
	var out []string
	for _, m := range added.FindAllStringSubmatch(add, -1) {
		out = append(out, m[1])
	}
	return out
}

// writtenIn tells of each asset of the plans and states among the sources which
// resources it is. A source that cannot be read has said so before.
func writtenIn(sources []string, known map[string]control.Variable) (map[string][]written, []*root) {
	out := map[string][]written{}
	var roots []*root
	variables := map[string]hclpatch.Variable{}
	for name, v := range known {
		variables[name] = hclpatch.Variable(v)
	}
	for _, s := range sources {
		if !strings.HasPrefix(s, "terraform:") {
			continue
		}
		o, err := terraformOptions(s)
		if err != nil {
			continue
		}
		plan, err := readPlan(o, nil)
		if err != nil {
			continue
		}
		folder := filepath.Dir(o.Path)
		r := &root{source: s, folder: folder, files: terraform.FindSources(o.Path), tree: &hclpatch.Tree{Files: os.DirFS(folder), Variables: variables}}
		roots = append(roots, r)
		for _, c := range plan.Changes {
			parts := addressParts(c.Address)
			if c.Mode == "data" || len(parts) < 2 {
				continue
			}
			w := written{root: r, address: c.Address, typ: c.Type, name: parts[len(parts)-1]}
			for _, a := range c.After {
				out[a.ID] = append(out[a.ID], w)
			}
		}
	}
	return out, roots
}

// indexed is the index of an instance: [0] or ["key"].
var indexed = regexp.MustCompile(`\[[^\]]*\]`)

// addressParts are the parts of an address, without indexes.
func addressParts(address string) []string {
	return strings.Split(indexed.ReplaceAllString(address, ""), ".")
}

// calls are the names of the module calls that lead to a resource.
func (w written) calls() []string {
	var out []string
	parts := addressParts(w.address)
	for i := 0; i+1 < len(parts) && parts[i] == "module"; i += 2 {
		out = append(out, parts[i+1])
	}
	return out
}

// patch is the diff of the file the resource is written in. Where the file is
// not there nothing is said; where it is and cannot be mended, the reason is, as
// a comment that no tool takes for a change. A mend that can be made is kept for
// the patch of all.
func (w written) patch(t hclpatch.Edit, others []hclpatch.Edit, f *finding.Finding) string {
	m, ok := w.mend(t, others, f.Control)
	if !ok {
		w.no(f, "the .tf file that %s is written in does not lie beside the plan", w.address)
		return ""
	}
	p, err := w.root.tree.Combine(m)
	switch why := p.Left[0]; {
	case err != nil:
		return w.no(f, "%v", err)
	case errors.Is(why, hclpatch.ErrSaid):
		w.no(f, "%s says it already: plan again", m.File)
		return ""
	case why != nil:
		return w.no(f, "%v", why)
	case hides(p.Diff):
		return w.no(f, "it would show a secret that stands beside the change in %s", m.File)
	}
	w.root.mends, w.root.of = append(w.root.mends, m), append(w.root.of, f.ID)
	return commented(p.Notes) + p.Diff
}

// no notes why a finding is not mended, and returns that as a comment in the place
// of the patch.
func (w written) no(f *finding.Finding, format string, args ...any) string {
	why := fmt.Sprintf(format, args...)
	if w.root.why == nil {
		w.root.why = map[string]string{}
	}
	w.root.why[f.ID] = why
	return "# no patch: " + why + "\n"
}

// mend is what is done to the source; false if the source is not there.
func (w written) mend(e hclpatch.Edit, others []hclpatch.Edit, name string) (hclpatch.Mend, bool) {
	file, _, ok := w.root.files.Locate(w.address)
	if !ok {
		return hclpatch.Mend{}, false
	}
	if _, err := os.Stat(filepath.Join(w.root.folder, filepath.FromSlash(file))); err != nil {
		return hclpatch.Mend{}, false
	}
	w.root.found = true
	e.Type, e.Name = w.typ, w.name
	m := hclpatch.Mend{Name: name, File: file, Modules: w.calls(), Edit: e}
	for _, o := range others {
		o.Name = w.name
		m.Else = append(m.Else, o)
	}
	return m, true
}

func edit(t control.Terraform) hclpatch.Edit {
	return hclpatch.Edit{Type: t.Resource, Set: t.Set, Default: t.Default, Append: t.Append, Add: t.Add}
}

// hides reports whether a diff shows what looks like a secret.
func hides(diff string) bool { return redact.Text(diff, nil) != diff }

// commented writes sentences as comments before a diff, which no tool takes for a
// change.
func commented(notes []string) string {
	out := ""
	for _, n := range notes {
		out += "# " + strings.ReplaceAll(n, "\n", " ") + "\n"
	}
	return out
}

// patch puts all mends of a root into one patch. What cannot go with the others
// is left out, and so is every mend of a file where they would together show a
// secret: alone none of them does.
func (r *root) patch() Patch {
	out := Patch{Source: r.source, Folder: r.folder}
	left := map[int]string{}
	for {
		var mends []hclpatch.Mend
		var of []int
		for i := range r.mends {
			if left[i] == "" {
				mends, of = append(mends, r.mends[i]), append(of, i)
			}
		}
		p, err := r.tree.Combine(mends...)
		if err != nil {
			p = hclpatch.Patch{}
			for _, i := range of {
				left[i] = err.Error()
			}
		}
		for i, why := range p.Left {
			left[of[i]] = why.Error()
		}
		if p.Diff != "" && hides(p.Diff) {
			file := r.mends[of[p.Made[0]]].File
			for _, i := range of {
				if r.mends[i].File == file {
					left[i] = "together with others it would show a secret that stands beside the change in " + file
				}
			}
			continue
		}
		out.Diff, out.Files, out.Notes = p.Diff, p.Files, p.Notes
		break
	}
	for i, id := range r.of {
		if why := left[i]; why != "" {
			out.Left = append(out.Left, LeftOut{id, why})
		} else {
			out.Findings = append(out.Findings, id)
		}
	}
	return out
}
