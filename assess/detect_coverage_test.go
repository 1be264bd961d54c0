package assess

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/detect"
	"github.com/sevenfold-sec/sevenfold/steps/detect/sigma"
)

// The last proof counts, an old one does not, and a rule alone proves nothing.
func TestCoverage(t *testing.T) {
	set, problems := sigma.Compile(ownRules(t).Rules())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	w := &Watch{Ruled: detect.Ruled{Keys: []string{set.Rules()[0].Key()}}, Proofs: []detect.Proof{
		{At: now.AddDate(0, 0, -1), Technique: "T1098.001", Found: true, Seconds: 2, By: "model"},
		{At: now.AddDate(0, 0, -2), Technique: "T1098.001"},
		{At: now.AddDate(0, 0, -3), Technique: "T1562.008"},
		{At: now.AddDate(0, 0, -40), Technique: "T1486", Found: true},
		{At: now.AddDate(0, 0, -3), Technique: "T9999", Found: true},
	}}
	c := w.CoverageOf(set, now)
	status, inUse := map[string]string{}, 0
	for _, t := range c.Techniques {
		status[t.Technique] = t.Status
		inUse += t.InUse
	}
	for technique, want := range map[string]string{"T1098.001": "proved", "T1562.008": "missed", "T1486": "unproved", "T9999": "proved"} {
		if status[technique] != want {
			t.Errorf("%s is %q, want %s", technique, status[technique], want)
		}
	}
	if c.Proved != 2 || c.Missed != 1 || c.Unproved != len(c.Techniques)-3 || inUse != len(set.Rules()[0].Techniques()) {
		t.Errorf("%d proved, %d missed, %d unproved, %d in use", c.Proved, c.Missed, c.Unproved, inUse)
	}
	for _, c := range []Coverage{c, (&Watch{}).CoverageOf(nil, now)} {
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		fitsSchema(t, "detect-coverage.schema.json", text)
	}
}
