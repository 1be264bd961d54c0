package report

import (
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// Each format shows the path with the root cause it explains.
func TestPathIsShownWithItsBlocker(t *testing.T) {
	for format, want := range map[string]string{
		"txt":      "path    internet → meets arn:aws:s3:::harbour-manifests-raw",
		"mono.txt": "path    internet -> meets arn:aws:s3:::harbour-manifests-raw",
		"md":       "path: <code>internet → meets arn&#58;aws&#58;s3&#58;&#58;&#58;harbour-manifests-raw</code>",
		"html":     `<span class="tag">Path</span> <code>internet → meets arn:aws:s3:::harbour-manifests-raw</code>`,
		"json":     `"meets arn:aws:s3:::harbour-manifests-raw"`,
	} {
		if got := render(t, format, harbour()); !strings.Contains(got, want) {
			t.Errorf("%s does not show %q", format, want)
		}
	}
}

func TestWithoutAPath(t *testing.T) {
	for want, factors := range map[string][]string{
		"none found from an entry point":                              {"severity high", "no path from an entry point found", "leads to secrets"},
		"an entry point leads here; nothing of worth found beyond it": {"severity high", "an entry point leads here", "nothing of worth found beyond it"},
		"not known: iam:GetRole was not read":                         {"severity high", "path not known: iam:GetRole was not read"},
	} {
		if got := noWay(&finding.Risk{Factors: factors}); got != want {
			t.Errorf("%v: %q, want %q", factors, got, want)
		}
	}
}

// A path of the workload at hand is shown before one of another's finding.
func TestPathOfTheWorkloadAtHand(t *testing.T) {
	a, b := fault("c", "a", "T", finding.High, "hours"), fault("c", "b", "T", finding.High, "hours")
	a.Risk, b.Risk = &finding.Risk{Score: 90, Path: []string{"internet", "meets a"}}, &finding.Risk{Score: 10, Path: []string{"internet", "meets b"}}
	doc := &Document{Findings: []finding.Finding{a, b}, Workloads: []Workload{
		{ID: "wa", Criteria: []finding.Criterion{{ID: "audit.deviations", Status: finding.CriterionFail, Findings: []string{a.ID}}}},
		{ID: "wb", Criteria: []finding.Criterion{{ID: "audit.deviations", Status: finding.CriterionFail, Findings: []string{b.ID}}}}}}
	ix := newIndex(doc)
	if got := ix.way(ix.all[0], nil, " > ") + "; " + ix.way(ix.all[0], &doc.Workloads[1], " > "); got != "internet > meets a; internet > meets b" {
		t.Error(got)
	}
}
