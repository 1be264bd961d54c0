package aws

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sevenfold-sec/sevenfold/estate"
)

var update = flag.Bool("update", false, "write what the readings say now into testdata")

// TestGolden reads each testdata/*.txtar: files NAME.json hold an asset as a
// collector sends it, NAME.want what it means. Run with -update after a change
// that is meant, and read the difference.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	covered := map[string]bool{}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { golden(t, file, covered) })
	}
	if *update {
		return
	}
	for typ, s := range specs {
		if (len(s.edges) > 0 || s.more != nil) && !covered[typ] {
			t.Logf("no golden case for %s", typ)
		}
	}
}

func golden(t *testing.T, file string, covered map[string]bool) {
	ar, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	out := &txtar.Archive{Comment: ar.Comment}
	for _, f := range ar.Files {
		if name, ok := strings.CutSuffix(f.Name, ".want"); ok {
			want[name] = string(f.Data)
		}
	}
	for _, f := range ar.Files {
		name, ok := strings.CutSuffix(f.Name, ".json")
		if !ok {
			continue
		}
		var a estate.Asset
		if err := json.Unmarshal(f.Data, &a); err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		a.Cloud = estate.AWS
		covered[a.Type] = true
		got := describe(Understand(&a), a.ID)
		out.Files = append(out.Files, f, txtar.File{Name: name + ".want", Data: []byte(got)})
		if !*update {
			if diff := cmp.Diff(want[name], got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// describe prints an understanding, one fact a line; the asset's own id is
// written as "self".
func describe(u estate.Understanding, self string) string {
	var b strings.Builder
	short := func(s string) string { return strings.ReplaceAll(s, self, "self") }
	kind := u.Kind
	if kind == estate.KindUnknown {
		kind = "unknown"
	}
	fmt.Fprintf(&b, "kind %s\n", kind)
	if u.Root != nil {
		fmt.Fprintf(&b, "root %s family=%q: %s\n", u.Root.Class, u.Root.Family, short(u.Root.Why))
	}
	for _, r := range u.Relations {
		fmt.Fprintf(&b, "%s %s %s  [%s]\n", short(r.From), r.Type, short(r.To), short(r.Evidence))
	}
	for _, p := range u.Parts {
		fmt.Fprintf(&b, "part %s %s %s\n", p.Type, p.Kind, short(p.ID))
	}
	for _, p := range u.Problems {
		fmt.Fprintf(&b, "problem %s: %s\n", p.Path, p.Why)
	}
	return b.String()
}
