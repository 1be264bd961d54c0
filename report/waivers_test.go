package report

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/gate"
)

// waivedOver is a workload that is ready by two waivers, one of them over an
// open critical deviation.
func waivedOver() *Document {
	bad := fault("s3-bucket-public-policy", "arn:aws:s3:::calm-raw", "Bucket policy lets everyone read", finding.Critical, "minutes")
	doc := allReady()
	doc.Findings = []finding.Finding{bad}
	c := doc.Workloads[0].Criteria
	v := finding.Waiver{Criterion: "audit.deviations", Workload: "calm-endpoint", Reason: "public by contract", Owner: "cto@calm.example", Expires: "2027-02-01"}
	c[2].Status, c[2].Was, c[2].Waiver, c[2].Findings = finding.CriterionWaived, finding.CriterionFail, &v, []string{bad.ID}
	c[3].Was = finding.CriterionUnknown
	doc.Tally()
	return doc
}

// Ready by a waiver is not ready: every format says by whom, why, until when,
// and what stays open.
func TestEveryFormatTellsReadyByWaiver(t *testing.T) {
	for format := range formats {
		out := strings.Join(strings.Fields(render(t, format, waivedOver())), " ")
		wants := []string{"2027-02-01", "public by contract", "Bucket policy lets everyone read", "by waivers only"}
		switch format {
		case "json":
			wants = append(wants[:3], `"waived": { "waivers": 2, "failing": 1, "lines": 2 }`, `"was": "fail"`, "cto@calm.example")
		case "sarif":
			wants = append(wants[:3], "ready by 2 waivers, 1 of them over failing lines", "still open", "cto@calm.example")
		case "md":
			wants = append(wants, "ready by 2 waivers, 1 of them over failing lines", "waived, still open", "calm.example")
		case "html":
			wants = append(wants, "ready by 2 waivers, 1 of them over failing lines", "Waived, still open", "cto@calm.example")
		default:
			wants = append(wants, "ready by 2 waivers, 1 of them over failing lines", "waived, still open", "cto@calm.example", "READY, WAIVED", "waived deviations, baseline")
		}
		for _, want := range wants {
			if !strings.Contains(out, want) {
				t.Errorf("%s does not say %q:\n%s", format, want, out)
			}
		}
		if strings.Contains(out, "passes inventory, ownership, deviations") {
			t.Errorf("%s: a waived line passes", format)
		}
	}
}

// A failing line without findings is open under its waiver too.
func TestOverFailing(t *testing.T) {
	tests := []struct {
		name string
		c    finding.Criterion
		want bool
	}{
		{"failed", finding.Criterion{Status: finding.CriterionWaived, Was: finding.CriterionFail}, true},
		{"unknown", finding.Criterion{Status: finding.CriterionWaived, Was: finding.CriterionUnknown}, false},
		{"not_said_but_found", finding.Criterion{Status: finding.CriterionWaived, Findings: []string{"1"}}, true},
		{"not_waived", finding.Criterion{Status: finding.CriterionFail, Was: finding.CriterionFail}, false},
	}
	ix := newIndex(&Document{Findings: []finding.Finding{simple("1", "c", finding.High, "")}})
	for _, tt := range tests {
		if got := ix.overFailing(&tt.c); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// The whole of a step is named only where nothing of it is ever decided.
func TestAWaiverIsNeverBlanketOverDecidedLines(t *testing.T) {
	doc := &Document{Workloads: []Workload{
		{ID: "a", Name: "a", Verdict: finding.NotReady, Criteria: gate.Complete([]finding.Criterion{mark("audit.deviations", finding.CriterionFail, "bad")})},
		{ID: "b", Name: "b", Verdict: finding.VerdictUnknown, Criteria: gate.Complete(nil)},
	}}
	gate.Waive("b", doc.Workloads[1].Criteria, []finding.Waiver{{Criterion: "access.*", Workload: "b", Owner: "o", Reason: "r", Expires: "2999-01-01"}}, nil, sampleTime)
	ix := newIndex(doc)
	rungs := ix.ladder(ix.worstFirst())
	var got []string
	for _, r := range rungs[:3] {
		for _, n := range r.Next {
			if n.cost == costWaive {
				_, criterion, _ := strings.Cut(n.Do, "criterion: ")
				got = append(got, criterion)
			}
		}
	}
	want := []string{"audit.inventory, audit.ownership, audit.baseline, audit.drift)"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	_, absent := parted(rungs)
	if got := absentStanding(absent); stepRange(absent) != "2-7" || got != "nothing passes yet, 5 of 60 lines waived" {
		t.Errorf("absent are %s: %s", stepRange(absent), got)
	}
	if next := absentNext(absent); !strings.Contains(next, "access.*, data.*") || strings.Contains(next, "audit") {
		t.Error(next)
	}
	of := absentOf(absent)
	if _, mine := parted(ix.ladder([]*Workload{&doc.Workloads[1]})); len(of) == 0 || absentOf(mine)[0].Words != "Access: waived, not built in this version" {
		t.Errorf("%+v", absentOf(mine))
	}
}
