package respond

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	actaws "github.com/sevenfold-sec/sevenfold/act/aws"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// samples are ARNs of what the actions are tried on, by its name in estate.py.
var samples = map[string]string{
	"role": "iam::1:role/r", "user": "iam::1:user/u", "endpoint": "sagemaker:eu-west-1:1:endpoint/e", "variants": "sagemaker:eu-west-1:1:endpoint/e",
	"notebook": "sagemaker:eu-west-1:1:notebook-instance/n", "package": "sagemaker:eu-west-1:1:model-package/g/1", "run": "sagemaker:eu-west-1:1:pipeline/p/execution/x",
	"bucket": "s3:::b", "plain": "s3:::b", "object": "s3:::b/k", "kms": "kms:eu-west-1:1:key/k", "secret": "secretsmanager:eu-west-1:1:secret:s", "repository": "ecr:eu-west-1:1:repository/r",
	"instance": "ec2:eu-west-1:1:instance/i", "group": "ec2:eu-west-1:1:security-group/g", "function": "lambda:eu-west-1:1:function:f", "rule": "events:eu-west-1:1:rule/r",
	"trigger": "glue:eu-west-1:1:trigger/t", "service": "ecs:eu-west-1:1:service/c/s", "agent": "bedrock:eu-west-1:1:agent/a", "guardrail": "bedrock:eu-west-1:1:guardrail/g",
	"job": "sagemaker:eu-west-1:1:training-job/j",
}

var variable = regexp.MustCompile(`\\\$\\\{[^}]+\\\}`)

// TestGrantsAreOfTheirResources: what is printed as the least grants of the responder holds in
// AWS: each permission stands on a resource of a type that its operation works on, and on one
// of each type that a request of it always names. Else it is printed, or proven, and refused.
func TestGrantsAreOfTheirResources(t *testing.T) {
	tried := 0
	for _, a := range actaws.Actions(nil) {
		name := on[a.ID()].target
		if a.ID() == "aws.sagemaker.stop-processing-job" {
			continue // as stop-training-job
		}
		target := samples[name]
		if target == "" {
			t.Errorf("%s: no sample of %q", a.ID(), name)
			continue
		}
		by := map[string][]string{} // resources, by permission
		for resource, permissions := range a.Grants("arn:aws:"+target, on[a.ID()].with) {
			for _, p := range permissions {
				by[p] = append(by[p], resource)
			}
		}
		for p, resources := range by {
			service, operation, _ := strings.Cut(p, ":")
			action, ok := reference.Lookup(service, operation)
			if !ok {
				t.Errorf("%s: there is no permission %s", a.ID(), p)
				continue
			}
			tried++
			of := func(u reference.Use, resource string) bool {
				part := ".*"
				if u.Resource.Name == "bucket" {
					part = "[^/]*" // what follows a slash is an object's
				}
				form := variable.ReplaceAllString(regexp.QuoteMeta(u.Resource.ARN), part)
				return resource == "*" || regexp.MustCompile("^"+form+"$").MatchString(resource)
			}
			for _, r := range resources {
				if r != "*" && !slices.ContainsFunc(action.Uses, func(u reference.Use) bool { return of(u, r) }) {
					t.Errorf("%s: %s works on nothing like %s", a.ID(), p, r)
				}
			}
			for _, u := range action.Uses {
				if u.Required && !slices.ContainsFunc(resources, func(r string) bool { return of(u, r) }) {
					t.Errorf("%s: %s is not granted on a %s, which every request names", a.ID(), p, u.Resource.Name)
				}
			}
		}
	}
	if tried < 60 {
		t.Errorf("%d permissions were looked up", tried)
	}
}
