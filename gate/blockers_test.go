package gate

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/finding"
)

func TestBlockers(t *testing.T) {
	f := func(id, control, asset, effort string, status finding.Outcome, s finding.Severity) finding.Finding {
		return finding.Finding{ID: id, Control: control, Asset: asset, Status: status, Severity: s, Title: "title of " + control, Fix: finding.Fix{Text: "mend " + control, Effort: effort, Commands: []string{"run " + control}}}
	}
	findings := []finding.Finding{
		f("F-1", "open", "a", "minutes", finding.Fail, finding.High), f("F-2", "open", "b", "minutes", finding.Fail, finding.Critical),
		f("F-3", "wide", "a", "days", finding.Fail, finding.Critical), f("F-4", "key", "c", "minutes", finding.Fail, finding.Low),
		f("F-5", "log", "a", "hours", finding.Unknown, finding.Low),
	}
	criteria := []finding.Criterion{
		{ID: "audit.deviations", Status: finding.CriterionFail, Findings: []string{"F-1", "F-3", "F-5"}},
		{ID: "network.exposure", Status: finding.CriterionFail, Findings: []string{"F-2", "F-1"}},
		{ID: "access.credentials", Status: finding.CriterionFail, Findings: []string{"F-4"}},
		{ID: "audit.ownership", Status: finding.CriterionFail, Reason: "nobody owns it", Hint: "name an owner"},
		{ID: "audit.inventory", Status: finding.CriterionUnknown, Reason: "S3 was not read", Hint: "grant s3:List*"},
		{ID: "detect.telemetry", Status: finding.CriterionUnknown, Findings: []string{"F-5"}},
		{ID: "audit.drift", Status: finding.CriterionPass, Findings: []string{"F-4"}}, {ID: "access.scope", Status: finding.CriterionWaived, Findings: []string{"F-3"}},
	}
	want := []Blocker{
		{Text: "title of open", Control: "open", Criteria: []string{"audit.deviations", "network.exposure"}, Findings: []string{"F-2", "F-1"}, Assets: 2, Severity: finding.Critical, Effort: "minutes", Fix: "mend open", Command: "run open"},
		{Text: "title of key", Control: "key", Criteria: []string{"access.credentials"}, Findings: []string{"F-4"}, Assets: 1, Severity: finding.Low, Effort: "minutes", Fix: "mend key", Command: "run key"},
		{Text: "nobody owns it", Criteria: []string{"audit.ownership"}, Findings: []string{}, Fix: "name an owner"},
		{Text: "title of wide", Control: "wide", Criteria: []string{"audit.deviations"}, Findings: []string{"F-3"}, Assets: 1, Severity: finding.Critical, Effort: "days", Fix: "mend wide", Command: "run wide"},
		{Text: "title of log", Control: "log", Criteria: []string{"detect.telemetry"}, Findings: []string{"F-5"}, Assets: 1, Severity: finding.Low, Effort: "hours", Fix: "mend log", Command: "run log", Undecided: true},
		{Text: "S3 was not read", Criteria: []string{"audit.inventory"}, Findings: []string{}, Fix: "grant s3:List*", Undecided: true},
	}
	if diff := cmp.Diff(want, Blockers(criteria, findings)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := Blockers(nil, findings); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}
