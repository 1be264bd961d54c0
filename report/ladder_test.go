package report

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/gate"
)

func TestNextIsCheapestFirst(t *testing.T) {
	doc := &Document{
		Workloads: []Workload{{ID: "w", Criteria: gate.Complete([]finding.Criterion{
			{ID: "audit.inventory", Status: finding.CriterionUnknown, Reason: "denied", Hint: "sevenfold inventory"},
			{ID: "audit.ownership", Status: finding.CriterionUnknown, Reason: "none", Hint: "declare them under workloads: in sevenfold.yaml"},
			{ID: "audit.deviations", Status: finding.CriterionUnknown, Reason: "denied", Hint: "ask around"},
		})}},
		BlindSpots: []BlindSpot{
			{Criteria: []string{"audit.deviations"}, Hint: "grant s3:GetBucketPolicy"},
			{Criteria: []string{"audit.deviations", "audit.inventory"}, Hint: "grant s3:ListAllMyBuckets"},
			{Criteria: []string{"access.scope"}, Hint: "grant iam:ListRoles"},
		},
	}
	ix := newIndex(doc)
	var got []string
	for _, n := range ix.ladder([]*Workload{&doc.Workloads[0]})[0].Next {
		got = append(got, n.Do)
	}
	want := []string{
		"grant s3:ListAllMyBuckets, s3:GetBucketPolicy", "declare them under workloads: in sevenfold.yaml",
		"sevenfold inventory", "ask around", "baseline, drift are not built in this version; until they are, only a named waiver counts (gate.waivers, criterion: audit.baseline, audit.drift)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLadderCountsEveryLine(t *testing.T) {
	doc := harbour()
	ix := newIndex(doc)
	total := 0
	for _, r := range ix.ladder(ix.worstFirst()) {
		total += r.Counts.Total()
	}
	if total != 35*len(doc.Workloads) || total != doc.Counts.Criteria.Total() {
		t.Errorf("%d lines", total)
	}
	if got := len(ix.ladder(nil)); got != 7 {
		t.Errorf("%d steps without a workload", got)
	}
}

// A line of many workloads is as bad as the worst of them; none is unknown.
func TestLineStatus(t *testing.T) {
	tests := []struct {
		counts StatusCounts
		want   finding.CriterionStatus
	}{
		{StatusCounts{Pass: 3, Fail: 1, Unknown: 1}, finding.CriterionFail},
		{StatusCounts{Pass: 3, Unknown: 1}, finding.CriterionUnknown},
		{StatusCounts{Pass: 3, Waived: 1}, finding.CriterionWaived},
		{StatusCounts{Pass: 3, NA: 1}, finding.CriterionPass},
		{StatusCounts{NA: 1}, finding.CriterionNA},
		{StatusCounts{}, finding.CriterionUnknown},
	}
	for _, tt := range tests {
		if got := (rungLine{Counts: tt.counts}).Status(); got != tt.want {
			t.Errorf("%+v is %s, want %s", tt.counts, got, tt.want)
		}
	}
}

func TestBlindSpotsAreGroupedByRemedy(t *testing.T) {
	groups := blindGroups([]BlindSpot{
		{What: "z", Why: "timeout"},
		{What: "a", Why: "denied in 1", Hint: "grant x", Criteria: []string{"audit.inventory"}},
		{What: "b", Why: "denied in 2", Hint: "grant x", Criteria: []string{"access.scope", "audit.inventory"}},
		{What: "c", Why: "bad", Hint: "aws s3 ls"},
	})
	if len(groups) != 3 || groups[0].Hint != "grant x" || groups[1].Hint != "aws s3 ls" {
		t.Fatalf("%+v", groups)
	}
	if diff := cmp.Diff([]string{"access.scope", "audit.inventory"}, groups[0].Criteria); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a", "b"}, groups[0].Top); diff != "" {
		t.Error(diff)
	}
}

func TestWorstFirst(t *testing.T) {
	var got []string
	for _, w := range newIndex(harbour()).worstFirst() {
		got = append(got, w.Name)
	}
	if diff := cmp.Diff([]string{"eta-train", "eta", "tide-chat", "berth-planner"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestTally(t *testing.T) {
	doc := harbour()
	want := FindingCounts{Fail: 7, Unknown: 1, Critical: 1, High: 3, Medium: 2, Low: 1}
	if diff := cmp.Diff(want, doc.Counts.Findings); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(VerdictCounts{NotReady: 3, Unknown: 1}, doc.Counts.Workloads); diff != "" {
		t.Error(diff)
	}
	before := doc.Counts
	doc.Tally()
	if diff := cmp.Diff(before, doc.Counts); diff != "" {
		t.Errorf("counted twice: %s", diff)
	}
	odd := &Document{Workloads: []Workload{{Verdict: "odd", Criteria: []finding.Criterion{{Status: "odd"}}}}, Findings: []finding.Finding{{Status: "odd"}}}
	odd.Tally()
	if odd.Counts.Workloads.Unknown != 1 || odd.Counts.Criteria.Unknown != 1 || odd.Counts.Findings.Unknown != 1 {
		t.Errorf("what nobody knows is not unknown: %+v", odd.Counts)
	}
}
