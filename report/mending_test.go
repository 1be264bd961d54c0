package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// costly is a document of one workload whose findings cost what is given, by
// control and asset.
func costly(costs ...finding.Finding) *Document {
	doc := &Document{Estate: "e"}
	w := Workload{ID: "w", Name: "w", Verdict: finding.NotReady}
	c := finding.Criterion{ID: "audit.deviations", Status: finding.CriterionFail}
	for _, f := range costs {
		f.ID, f.Status, f.Severity, f.Title = finding.NewID(f.Control, f.Asset, ""), finding.Fail, finding.High, "fault "+f.Control
		doc.Findings = append(doc.Findings, f)
		c.Findings = append(c.Findings, f.ID)
	}
	w.Criteria = []finding.Criterion{c}
	doc.Workloads = []Workload{w}
	doc.Tally()
	return doc
}

func costs(control, asset, text string, now, later float64) finding.Finding {
	return finding.Finding{Control: control, Asset: asset, Fix: finding.Fix{Text: text, Effort: "hours", Grows: finding.GrowsUnits,
		Cost: &finding.Cost{Units: 1, ScaledUnits: 10, Hours: now, ScaledHours: later, Factor: 10, Why: "10 times"}}}
}

func TestMendings(t *testing.T) {
	doc := costly(costs("a", "x", "mend a", 1, 2), costs("b", "x", "mend b", 4, 40), costs("b", "y", "mend b", 4, 40), costs("c", "x", "mend c", 3, 3),
		finding.Finding{Control: "d", Asset: "x", Fix: finding.Fix{Text: "nobody reckoned"}})
	all, now, later := newIndex(doc).mendings()
	var got []string
	for _, m := range all {
		got = append(got, m.Title)
	}
	if diff := cmp.Diff([]string{"fault b", "fault a", "fault c"}, got); diff != "" {
		t.Error(diff)
	}
	if now != 12 || later != 85 {
		t.Errorf("sums %g and %g, want 12 and 85", now, later)
	}
	if n := len(dearest(all)); n != 2 {
		t.Errorf("%d are dearer to leave, want 2", n)
	}
	var out bytes.Buffer
	if err := Text(&out, costlyTwice(doc), Options{Width: 100}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"BEFORE SCALING, OR AFTER", "12 h of work now, and some 85 h once", "8.0 h     80 h  fault b"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, out.String())
		}
	}
	out.Reset()
	if err := HTML(&out, doc, nil); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `id="mending"`) {
		t.Error("the page does not compare now and later")
	}
}

// costlyTwice adds a second workload, so that the overview is shown.
func costlyTwice(doc *Document) *Document {
	two := *doc
	two.Workloads = append([]Workload{{ID: "v", Name: "v", Verdict: finding.Ready}}, doc.Workloads...)
	two.Tally()
	return &two
}

// Where scaling makes no difference, or nobody reckoned, nothing is said.
func TestNoMendings(t *testing.T) {
	for name, doc := range map[string]*Document{
		"nothing":       costly(),
		"no_difference": costly(costs("a", "x", "mend a", 1, 1)),
		"unknown":       costly(finding.Finding{Control: "d", Asset: "x", Fix: finding.Fix{Text: "mend"}}),
	} {
		if words := newIndex(doc).mendingWords(); words != "" {
			t.Errorf("%s: %q", name, words)
		}
	}
}
