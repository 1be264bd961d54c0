package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// way is the path an attacker may take through a root cause: that of the worst
// of its findings that has one, those of the given workload first; arrow stands
// between its steps. Without one it says what is known instead; empty where no
// risk was reckoned.
func (ix *index) way(b *blocker, w *Workload, arrow string) string {
	own, _ := ix.proofs(b, w, len(b.Findings))
	for _, f := range own {
		if f.Risk != nil && len(f.Risk.Path) > 0 {
			steps := make([]string, len(f.Risk.Path))
			for i, s := range f.Risk.Path {
				steps[i] = line(s)
			}
			return strings.Join(steps, arrow)
		}
	}
	for _, f := range own {
		if f.Risk != nil {
			return noWay(f.Risk)
		}
	}
	return ""
}

// noWay says what is known of a finding that is on no path.
func noWay(r *finding.Risk) string {
	for _, f := range r.Factors {
		if rest, ok := strings.CutPrefix(f, "path not known: "); ok {
			return "not known: " + line(rest)
		}
	}
	if slices.Contains(r.Factors, "nothing of worth found beyond it") {
		return "an entry point leads here; nothing of worth found beyond it"
	}
	return "none found from an entry point"
}

// scored is a root cause's score in words, "" where no risk was reckoned.
func scored(b *blocker) string {
	if b.Score == 0 {
		return ""
	}
	return fmt.Sprintf("risk %d of 100", b.Score)
}
