package detect

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
)

var testNow = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// judge decides the criteria of one workload in an account by what detection knows.
func judge(t *testing.T, k *Known) map[string]finding.Criterion {
	t.Helper()
	b := estate.NewBuilder(testNow)
	b.Asset(estate.Asset{ID: "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/fraud", Type: "AWS::SageMaker::Endpoint", Kind: estate.KindEndpoint, Cloud: estate.AWS, Account: "111122223333"})
	snap, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	w := &scope.Workloads{List: []finding.Workload{{ID: "w", Name: "fraud", Members: []string{"arn:aws:sagemaker:eu-west-1:111122223333:endpoint/fraud"}, Touches: []string{"arn:aws:iam::111122223333:role/serve"}}}}
	j, err := New(nil, finding.High).With(k).Judge(context.Background(), snap, w)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]finding.Criterion{}
	for _, c := range j.Criteria["w"] {
		out[c.ID] = c
	}
	if len(out) != 5 {
		t.Fatalf("%d criteria", len(out))
	}
	return out
}

func TestCriteria(t *testing.T) {
	seen := []Seen{{Source: "cloudtrail", Events: 10, Last: testNow.Add(-time.Hour)}}
	mature := Learnt{Mature: true, Days: 30, Principals: 10, Settled: 9, Converged: true}
	open := Incident{ID: "I-1", Status: "open", Severity: finding.High, Principals: []string{"arn:aws:iam::111122223333:role/other"}}
	far := Incident{ID: "I-2", Status: "open", Severity: finding.High, Principals: []string{"arn:aws:iam::999999999999:role/other"}}
	low := open
	low.Severity = finding.Low
	for name, c := range map[string]struct {
		known *Known
		line  string
		want  finding.CriterionStatus
		says  string
	}{
		"nothing known":         {nil, "detect.baseline", finding.CriterionUnknown, "nothing was learnt"},
		"nothing looked at":     {nil, "detect.incidents", finding.CriterionUnknown, "no event"},
		"nothing recorded read": {&Known{Seen: seen}, "detect.telemetry", finding.CriterionUnknown, "no trail"},
		"stale":                 {&Known{Seen: []Seen{{Source: "cloudtrail", Events: 1, Last: testNow.AddDate(0, 0, -3)}}}, "detect.telemetry", finding.CriterionFail, "older than"},
		"mature":                {&Known{Learnt: mature}, "detect.baseline", finding.CriterionPass, "30 days"},
		"immature":              {&Known{Learnt: Learnt{Why: []string{"learnt for 3 days, of 14"}}}, "detect.baseline", finding.CriterionUnknown, "3 days"},
		"no rate":               {&Known{Over: 2}, "detect.budget", finding.CriterionUnknown, "2 days"},
		"rate":                  {&Known{Over: 9, Budget: 3, Realised: 3.5}, "detect.budget", finding.CriterionPass, "3.50"},
		"too many":              {&Known{Over: 9, Budget: 3, Realised: 4}, "detect.budget", finding.CriterionFail, "4.00"},
		"no proof":              {&Known{}, "detect.proof", finding.CriterionUnknown, "no attack"},
		"old proof":             {&Known{Proofs: []Proof{{At: testNow.AddDate(0, -3, 0), Found: true}}}, "detect.proof", finding.CriterionUnknown, "no attack"},
		"proof":                 {&Known{Proofs: []Proof{{At: testNow, Technique: "T1098", Found: true, Seconds: 2}}}, "detect.proof", finding.CriterionPass, "2.0 s"},
		"unseen":                {&Known{Proofs: []Proof{{At: testNow, Technique: "T1098"}}}, "detect.proof", finding.CriterionFail, "T1098"},
		"open":                  {&Known{Seen: seen, Incidents: []Incident{open}}, "detect.incidents", finding.CriterionFail, "I-1"},
		"elsewhere":             {&Known{Seen: seen, Incidents: []Incident{far, low}}, "detect.incidents", finding.CriterionPass, "none of 2"},
	} {
		got := judge(t, c.known)[c.line]
		if got.Status != c.want || !strings.Contains(got.Reason, c.says) {
			t.Errorf("%s: %s %q, want %s %q", name, got.Status, got.Reason, c.want, c.says)
		}
	}
}

// A role of the workload that was never seen acting keeps its baseline open.
func TestABaselineKnowsTheWorkloadsOwn(t *testing.T) {
	snapRole := "arn:aws:iam::111122223333:role/serve"
	s := New(nil, finding.High).With(&Known{Learnt: Learnt{Mature: true, Days: 30}, Days: map[string]int{}})
	c := s.baseline(&place{identities: []string{snapRole}})
	if c.Status != finding.CriterionUnknown || !strings.Contains(c.Reason, "never seen") {
		t.Errorf("%s %s", c.Status, c.Reason)
	}
}
