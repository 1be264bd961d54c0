package assess

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// mendRivals are the mends that the patch of all of a source leaves out, with
// what is said of each: two mends that contradict each other.
var mendRivals = map[string]string{}

// mendsAll applies the patch of all that a source has, and looks whether all it
// says it mends is mended, and nothing else is broken.
func (m *mender) mendsAll(t *testing.T, source string, c mendCase, before *Result, was map[string]finding.Finding) {
	t.Helper()
	patched := 0
	for _, f := range was {
		if f.Fix.Patch != "" && !strings.HasPrefix(f.Fix.Patch, "# no patch") {
			patched++
		}
	}
	if len(before.Patches) == 0 {
		if patched > 0 {
			t.Errorf("%d findings have a patch, and there is no patch of all", patched)
		}
		return
	}
	p := before.Patches[0]
	if n := len(p.Findings) + len(p.Left); n != len(was) || len(before.Patches) != 1 {
		t.Errorf("%d patches mend and leave %d findings, and %d fail", len(before.Patches), n, len(was))
	}
	byID := map[string]finding.Finding{}
	for _, f := range was {
		byID[f.ID] = f
	}
	for _, l := range p.Left {
		if patch := byID[l.Finding].Fix.Patch; patch == "" || strings.HasPrefix(patch, "# no patch") {
			if l.Why == "" || patch != "" && patch != "# no patch: "+l.Why+"\n" {
				t.Errorf("%s of %s has no patch (%s) and is left out for %q", byID[l.Finding].Control, byID[l.Finding].Asset, patch, l.Why)
			}
			continue
		}
		if want := mendRivals[byID[l.Finding].Control]; want == "" || !strings.Contains(l.Why, want) {
			t.Errorf("%s of %s is left out: %s", byID[l.Finding].Control, byID[l.Finding].Asset, l.Why)
		}
	}
	if p.Diff == "" {
		return
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	text := gitApply(t, dir, p.Diff)
	declared(t, dir)
	after, _ := m.assess(t, text, c)
	left := failing(after)
	for _, id := range p.Findings {
		f := byID[id]
		if _, ok := after.Snapshot.Find(f.Asset); !ok {
			t.Errorf("%s is gone after the patch of all", f.Asset)
		}
		for _, g := range after.Findings {
			if g.Control == f.Control && g.Asset == f.Asset {
				t.Errorf("%s on %s is %s after the patch of all: %s", g.Control, g.Asset, g.Status, g.Title)
			}
		}
	}
	for key := range left {
		if _, had := was[key]; !had {
			t.Errorf("the patch of all opens %s", key)
		}
	}
	if t.Failed() {
		t.Log(p.Diff)
	}
}

// declared holds that each variable that a folder names is declared in it once,
// with type and description, and written as terraform fmt would.
func declared(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.tf"))
	if err != nil {
		t.Fatal(err)
	}
	all := ""
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all += string(text)
		if filepath.Base(path) == "variables.tf" {
			if fmted := hclwrite.Format(text); string(fmted) != string(text) {
				t.Errorf("variables.tf is not as terraform fmt writes it:\n%s", text)
			}
		}
	}
	names := map[string]bool{}
	for _, word := range strings.FieldsFunc(all, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789_.", r)
	}) {
		if name, ok := strings.CutPrefix(word, "var."); ok {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if n := strings.Count(all, "variable \""+name+"\" {\n  description = \""); n != 1 {
			t.Errorf("variable %s is declared %d times", name, n)
		}
	}
}
