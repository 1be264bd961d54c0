package aws

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseSource(t *testing.T) {
	const a, b = "arn:aws:iam::111122223333:role/r", "arn:aws:iam::444455556666:role/path/r"
	for _, c := range []struct {
		in   string
		want Options
	}{
		{"aws", Options{}},
		{"aws:profile=p", Options{Profile: "p"}},
		{"aws:regions=eu-west-1", Options{Regions: []string{"eu-west-1"}}},
		{"aws:regions=eu-west-1+us-east-1", Options{Regions: []string{"eu-west-1", "us-east-1"}}},
		{"aws:regions=eu-west-1,us-gov-west-1,profile=p", Options{Regions: []string{"eu-west-1", "us-gov-west-1"}, Profile: "p"}},
		{"aws:role=" + a + "+" + b + ",services=iam,s3", Options{Roles: []string{a, b}, Services: []string{"iam", "s3"}}},
		{"aws:role=" + a + ",role=" + b, Options{Roles: []string{a, b}}},
		{"aws:usage=yes", Options{Usage: true}},
		{"aws:profile=p,usage=no", Options{Profile: "p"}},
	} {
		got, err := ParseSource(c.in)
		c.want.Source = c.in
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if diff := cmp.Diff(c.want, got, cmp.FilterPath(func(p cmp.Path) bool {
			return p.Last().String() == ".Clock" || p.Last().String() == ".Connect"
		}, cmp.Ignore())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.in, diff)
		}
	}
	for in, want := range map[string]string{
		"aws:colour=red":          `unknown key "colour"`,
		"aws:eu-west-1":           `unknown key ""`,
		"aws:regions=":            "empty",
		"aws:regions=europe":      "is not a region",
		"aws:role=me":             "is not the ARN of a role",
		"aws:usage=perhaps":       "neither yes nor no",
		"aws:profile=a,profile=b": "twice",
		"azure:x":                 "not an aws source",
	} {
		if _, err := ParseSource(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", in, err, want)
		}
	}
	if _, err := New(Options{Services: []string{"s4"}}); err == nil || !strings.Contains(err.Error(), "hint:") {
		t.Errorf("unknown service: got %v", err)
	}
}

func TestAnswerWait(t *testing.T) {
	for said, want := range map[string]time.Duration{"": 20 * time.Second, "1s": time.Second, "2m": 2 * time.Minute, "1h": time.Hour} {
		t.Setenv(waitVariable, said)
		if o, err := (Options{}).withDefaults(); err != nil || o.Bounds.Answer != want || o.Bounds.RegionDeadline != want {
			t.Errorf("%q: got %v and %v, %v; want %v", said, o.Bounds.Answer, o.Bounds.RegionDeadline, err, want)
		}
	}
	for _, said := range []string{"0", "20", "-1m", "999ms", "61m", "soon", "1e9s"} {
		t.Setenv(waitVariable, said)
		if _, err := New(Options{}); err == nil || !strings.Contains(err.Error(), waitVariable) || !strings.Contains(err.Error(), "hint:") {
			t.Errorf("%q: got %v", said, err)
		}
	}
}

func FuzzParseSource(f *testing.F) {
	f.Add("aws:profile=p,regions=eu-west-1+us-east-1,services=iam")
	f.Add("aws:role=arn:aws:iam::111122223333:role/r")
	f.Fuzz(func(t *testing.T, s string) {
		o, err := ParseSource(s)
		if err == nil && o.Source != s {
			t.Errorf("%q became %q", s, o.Source)
		}
	})
}

func TestPlanAndPolicy(t *testing.T) {
	c, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	plan := c.Plan()
	grants := map[string]bool{}
	for _, s := range plan {
		if len(s.Grants) == 0 || s.Where == "" || s.Per == "" {
			t.Errorf("incomplete step %+v", s)
		}
		for _, g := range s.Grants {
			grants[g] = true
		}
	}
	var actions []string
	for _, doc := range c.Policy() {
		if len(doc) > maxPolicy {
			t.Errorf("a policy of %d characters", len(doc))
		}
		var p struct {
			Statement []struct {
				Effect   string
				Action   []string
				Resource string
			}
		}
		if err := json.Unmarshal([]byte(doc), &p); err != nil {
			t.Fatal(err)
		}
		actions = append(actions, p.Statement[0].Action...)
	}
	if !slices.IsSorted(actions) || len(actions) != len(grants) {
		t.Errorf("%d actions for %d grants, sorted %v", len(actions), len(grants), slices.IsSorted(actions))
	}
	for _, a := range []string{"s3:ListAllMyBuckets", "s3:GetEncryptionConfiguration", "sagemaker:ListEndpoints", "iam:GetAccountAuthorizationDetails", "iam:GenerateCredentialReport", "apigateway:GET", "tag:GetResources"} {
		if !slices.Contains(actions, a) {
			t.Errorf("%s is missing", a)
		}
	}
	for _, a := range actions {
		_, name, _ := strings.Cut(a, ":")
		if !strings.HasPrefix(name, "Get") && !strings.HasPrefix(name, "List") && !strings.HasPrefix(name, "Describe") &&
			!strings.HasPrefix(name, "Search") && !strings.HasPrefix(name, "BatchGet") && a != "iam:GenerateCredentialReport" && a != "apigateway:GET" {
			t.Errorf("%s does not look like a read", a)
		}
	}
	if !strings.HasPrefix(plan[4].Operation, "application-autoscaling") && plan[0].Operation != "sts:GetCallerIdentity" {
		t.Errorf("the plan does not begin with the identity: %+v", plan[0])
	}
}
