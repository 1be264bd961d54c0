package assess

import (
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/detect"
	"github.com/sevenfold-sec/sevenfold/steps/respond"
)

// What a detection shows is one scenario of one workload, or nothing is done by itself.
func TestAimIsSureOrNothing(t *testing.T) {
	all, err := respond.Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	shipped, err := shippedRules()
	if err != nil {
		t.Fatal(err)
	}
	rule := shipped["sagemaker_pipeline_changed_by_hand"].keys[0]
	var poisoned *respond.Scenario
	for _, s := range all {
		if s.ID == "training-pipeline-poisoned" {
			poisoned = s
		}
	}
	ranked := func(names ...string) map[string][]respond.Ranked {
		out := map[string][]respond.Ranked{}
		for _, n := range names {
			w := &finding.Workload{ID: n, Name: n, Roots: []string{"arn:aws:sagemaker:eu-west-1:123456789012:pipeline/retrain"}}
			out[n] = []respond.Ranked{{Scenario: poisoned, Workload: w, Values: map[string]string{"platform": "aws", "rule": "arn:aws:events:eu-west-1:123456789012:rule/nightly"}}}
		}
		return out
	}
	now := time.Now()
	of := func(s detect.Signal, last time.Time) *detect.Incident {
		return &detect.Incident{ID: "I-1", First: last, Last: last, Signals: []detect.Signal{s}}
	}
	mine := detect.Signal{Principal: "arn:aws:iam::123456789012:role/eve", Action: "sagemaker:UpdatePipeline", Rule: rule, Things: []string{"retrain"}}
	played, other, elsewhere, model := mine, mine, mine, mine
	played.Synthetic = true
	other.Things = []string{"another"}
	elsewhere.Principal = "arn:aws:iam::999999999999:role/eve"
	model.Rule, model.Model = "", "behaviour"
	yes := []scope.Automatic{{Scenario: "training-pipeline-poisoned"}}
	for name, c := range map[string]struct {
		in      *detect.Incident
		allowed []scope.Automatic
		ranked  map[string][]respond.Ranked
		why     string
	}{
		"sure":             {of(mine, now), yes, ranked("a"), ""},
		"not named":        {of(mine, now), []scope.Automatic{{Scenario: "denial-of-wallet"}}, ranked("a"), "no rule"},
		"synthetic":        {of(played, now), yes, ranked("a"), "no rule"},
		"model alone":      {of(model, now), yes, ranked("a"), "no rule"},
		"another thing":    {of(other, now), yes, ranked("a"), "nothing of a workload"},
		"another account":  {of(elsewhere, now), yes, ranked("a"), "nothing of a workload"},
		"two workloads":    {of(mine, now), yes, ranked("a", "b"), "for people to say"},
		"without snapshot": {of(mine, now), yes, nil, "no rule"},
		"old":              {of(mine, now.Add(-2*time.Hour)), yes, ranked("a"), "more than"},
		"to come":          {of(mine, now.Add(time.Hour)), yes, ranked("a"), "to come"},
	} {
		k, why := Aim(c.in, c.allowed, c.ranked, now)
		if (k != nil) != (c.why == "") || !strings.Contains(why, c.why) {
			t.Errorf("%s: %v, %q, want %q", name, k != nil, why, c.why)
		}
	}
}

// A cluster's audit log names things by less than their ids.
func TestLogNamed(t *testing.T) {
	for _, c := range []struct {
		id, thing string
		want      bool
	}{
		{"k8s://test/ml/Deployment/score", "ml/deployments/score", true},
		{"k8s://test/ml/NetworkPolicy/p", "ml/networkpolicies/p", true},
		{"k8s://test/ml/Deployment/score", "other/deployments/score", false},
		{"k8s://test/ml/Deployment/score", "ml/cronjobs/score", false},
		{"k8s://test/ml/Deployment/score", "score", false},
	} {
		if got := logNamed(c.id, c.thing, "apps", ""); got != c.want {
			t.Errorf("%s, %s: %v", c.id, c.thing, got)
		}
	}
}
