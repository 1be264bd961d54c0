package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

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

// The sums of the JSON report are those that the text shows, and the findings of
// a root cause stand in it once, however many workloads they block.
func TestMendingInJSON(t *testing.T) {
	doc := costly(costs("a", "x", "mend a", 1, 2), costs("b", "x", "mend b", 4, 40), costs("b", "y", "mend b", 4.111, 40.333))
	w := doc.Workloads[0]
	w.ID, w.Name = "v", "v"
	doc.Workloads = append(doc.Workloads, w)
	doc.Tally()
	var out bytes.Buffer
	if err := JSON(&out, doc); err != nil {
		t.Fatal(err)
	}
	var got struct{ Mending Mending }
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	b1, b2 := finding.NewID("b", "x", ""), finding.NewID("b", "y", "")
	want := Mending{Hours: 9.11, ScaledHours: 82.33, Patches: []Patch{}, RootCauses: []RootCause{
		{Title: "fault b", Control: "b", Hours: 8.11, ScaledHours: 80.33, Why: "10 times", Findings: []string{b1, b2}},
		{Title: "fault a", Control: "a", Hours: 1, ScaledHours: 2, Why: "10 times", Findings: []string{finding.NewID("a", "x", "")}},
	}}
	if diff := cmp.Diff(want, got.Mending, cmpopts.SortSlices(func(a, b string) bool { return a < b })); diff != "" {
		t.Error(diff)
	}
	all, now, later := newIndex(doc).mendings()
	if len(all) != 2 || rounded(now) != got.Mending.Hours || rounded(later) != got.Mending.ScaledHours {
		t.Errorf("the text says %g and %g of %d", now, later, len(all))
	}
}

func TestDiffOfSeveralFolders(t *testing.T) {
	doc := &Document{Patches: []Patch{{Source: "terraform:a/plan.json"}, {Source: "terraform:b/plan.json"}}}
	var several *SeveralFoldersError
	if err := Diff(io.Discard, doc); !errors.As(err, &several) || !strings.Contains(err.Error(), "terraform:a/plan.json, terraform:b/plan.json") {
		t.Errorf("got %v", err)
	}
	var out bytes.Buffer
	if err := Diff(&out, &Document{}); err != nil || !strings.HasPrefix(out.String(), "# nothing to mend in Terraform") {
		t.Errorf("%v: %q", err, out.String())
	}
	out.Reset()
	hostile := &Document{Patches: []Patch{{Folder: "x\n--- a/etc", Findings: []string{"F-1\n+evil"}, Left: []LeftOut{{"F-2", "why\n@@"}}, Notes: []string{"n\nm"}}}}
	if err := Diff(&out, hostile); err != nil {
		t.Fatal(err)
	}
	for l := range strings.Lines(out.String()) {
		if !strings.HasPrefix(l, "# ") {
			t.Errorf("a value has become a line of the patch: %q", l)
		}
	}
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
