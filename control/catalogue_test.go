package control

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/controls"
)

var update = flag.Bool("update", false, "write docs/controls.md anew")

// TestDocsAreCurrent fails when docs/controls.md is not what the controls say.
func TestDocsAreCurrent(t *testing.T) {
	set := builtIn(t)
	var want bytes.Buffer
	peers, err := ReadPeers(controls.FS)
	if err != nil {
		t.Fatal(err)
	}
	if err := set.WriteCatalogue(&want, peers); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("..", "docs", "controls.md")
	if *update {
		if err := os.WriteFile(path, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run go generate ./control", err)
	}
	if d := cmp.Diff(strings.Split(want.String(), "\n"), strings.Split(string(got), "\n")); d != "" {
		t.Errorf("docs/controls.md is stale; run go generate ./control\n(-want +got):\n%s", d)
	}
}

// The page names every control once in its table and once with all it says.
func TestCatalogueSaysAll(t *testing.T) {
	set, errs := Load(folder(good))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var out strings.Builder
	if err := set.WriteCatalogue(&out, nil); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Controls: 1; types of asset: 1.", "## Step audit (1)\n", "| [own-fact](#own-fact) | low |  | Is it sound? |\n",
		"\n## own-fact\n\nIs it sound?\n\n- Severity low, step audit, experimental\n- Asked of: `AWS::S3::Bucket`\n- Reads: `s3:GetThing`\n",
		"- When it fails: It is faulty. Because.\n- Would be wrong for:\n  - nobody that is switched on\n- Bears on: CWE-1 One; T1 Tech\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, out.String())
		}
	}
}
