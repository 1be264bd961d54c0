package sigma

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
)

// sigmaHQ is the folder of SigmaHQ's rules, where there is one.
func sigmaHQ(tb testing.TB) string {
	dir := os.Getenv("SEVENFOLD_SIGMAHQ")
	if dir == "" {
		tb.Skip("SEVENFOLD_SIGMAHQ names no checkout of SigmaHQ/sigma")
	}
	return dir
}

func loadSigmaHQ(tb testing.TB, under ...string) (*Set, []Problem) {
	var rules []*Rule
	var problems []Problem
	for _, u := range under {
		r, p := LoadFS(os.DirFS(filepath.Join(sigmaHQ(tb), u)))
		rules, problems = append(rules, r...), append(problems, p...)
	}
	s, p := Compile(rules)
	return s, append(problems, p...)
}

func TestSigmaHQLoads(t *testing.T) {
	s, problems := loadSigmaHQ(t, "rules/cloud", "rules/application/kubernetes", "rules/identity", "rules-placeholder")
	n := map[string]int{}
	for _, p := range problems {
		why := p.Why
		if i := strings.IndexByte(why, ':'); i > 0 {
			why = why[:i]
		}
		n[why]++
	}
	for is, p := range s.programs {
		t.Logf("%s: %d anchored, %d triggers, %d every", is, len(p.anchored), len(p.triggers), len(p.every))
		for _, c := range p.every {
			t.Logf("   every: %s", c.rule.Title)
		}
	}
	t.Logf("%d rules, problems %v", len(s.Rules()), n)
	for _, p := range problems {
		if !strings.HasPrefix(p.Why, "logsource") {
			t.Log(p)
		}
	}
}

// TestSigmaHQOnStratus counts the techniques seen by SigmaHQ's rules.
func TestSigmaHQOnStratus(t *testing.T) {
	s, _ := loadSigmaHQ(t, "rules/cloud/aws")
	seen, all := stratus(t, s)
	t.Logf("%d of %d techniques seen", len(seen), all)
	if len(seen) < 17 {
		t.Errorf("SigmaHQ's rules saw 17 of the 35 techniques when measured before; now %d: %v", len(seen), seen)
	}
}

func stratus(t *testing.T, s *Set) (seen []string, all int) {
	dir := filepath.Join(os.Getenv("SEVENFOLD_CORPORA_UNPACKED"), "detonation-logs")
	files, _ := filepath.Glob(filepath.Join(dir, "*.json"))
	if len(files) == 0 {
		t.Skip("no detonation logs")
	}
	for _, p := range files {
		if !strings.HasPrefix(filepath.Base(p), "aws.") {
			continue
		}
		all++
		f, err := os.Open(p)
		if err != nil {
			t.Fatal(err)
		}
		rd, _ := ocsf.NewReader(f, ocsf.Options{})
		m, c := s.NewMatcher(), s.NewCorrelator()
		hit := func(x Match) {
			if name := filepath.Base(p); !slices.Contains(seen, name) {
				seen = append(seen, name)
			}
		}
		for {
			var e ocsf.Event
			err := rd.Next(&e)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(p, err)
			}
			m.Match(&e, func(x Match) { c.Feed(x, hit) })
		}
		c.Flush(hit)
		f.Close()
	}
	return seen, all
}
