package scan_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
)

// The classes on files that nobody made for them: programs, which are to be told without
// their ending, and documents of programmers and the licences of modules, which are of no
// class but a contract.
func TestClassesOnFilesOfOthers(t *testing.T) {
	code, prose := map[string]int{}, map[string]int{}
	each := func(root string, most int) {
		n := 0
		_ = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
			if err != nil || n >= most {
				return fs.SkipAll
			}
			if d.IsDir() && d.Name() == "testdata" {
				return fs.SkipDir
			}
			into := code
			switch filepath.Ext(p) {
			case ".go", ".py", ".js", ".sh", ".c", ".h":
			case ".md", ".txt":
				into = prose
			default:
				return nil
			}
			b, err := os.ReadFile(p)
			if err != nil || len(b) < 400 || len(b) > 64<<10 {
				return nil
			}
			n++
			class := ""
			if res := object(t, "object", b); len(res.Class) > 0 {
				class = res.Class[0].Name
			}
			into[class]++
			if os.Getenv("SEVENFOLD_SHOW") != "" && (into["x"] >= 0) && ((filepath.Ext(p) == ".md" || filepath.Ext(p) == ".txt") && class != "" || filepath.Ext(p) != ".md" && filepath.Ext(p) != ".txt" && class != scan.SourceCode) {
				t.Logf("%s: %q", p, class)
			}
			return nil
		})
	}
	root, err := exec.Command("go", "env", "GOROOT", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	dirs := strings.Fields(string(root))
	for _, sub := range []string{"src/net", "src/encoding", "lib", "misc"} {
		each(filepath.Join(dirs[0], sub), 150)
	}
	modules, _ := filepath.Glob(filepath.Join(dirs[1], "github.com", "*", "*"))
	for _, m := range modules[:min(len(modules), 120)] {
		each(m, 6)
	}
	sum := func(m map[string]int) (n int) {
		for _, k := range m {
			n += k
		}
		return n
	}
	if sum(code) < 100 {
		t.Fatalf("%d programs only", sum(code))
	}
	recall := float64(code[scan.SourceCode]) / float64(sum(code))
	precision := float64(code[scan.SourceCode]) / float64(code[scan.SourceCode]+prose[scan.SourceCode])
	t.Logf("programs: source-code precision %.3f recall %.3f (%d programs %v, %d documents %v)", precision, recall, sum(code), code, sum(prose), prose)
	falsely := sum(prose) - prose[""] - prose[scan.Contract] - prose[scan.SourceCode]
	t.Logf("documents: %d of %d are said to be records, histories or messages", falsely, sum(prose))
	if precision < .9 || recall < .9 || sum(prose) > 20 && float64(falsely) > .1*float64(sum(prose)) {
		t.Error("the classes are worse than 0.9 on files of others")
	}
}
