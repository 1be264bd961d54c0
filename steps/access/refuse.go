package access

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/scope/expr"
)

// taken returns what of a block a deny leaves nothing of, whatever the request:
// every action of the service is refused, on the thing and on all inside it.
func (o *shelf) taken(b int, s *aws.Statement) spans {
	if len(s.Conditions) > 0 || len(s.Resources)+len(s.NotResources) == 0 || !refusesAll(s, o.blocks[b].service) {
		return nil
	}
	if len(s.Resources) == 0 {
		return o.surely(b, s)
	}
	var out spans
	for _, p := range s.Resources {
		on := o.exactly(b, p)
		// A pattern that fits the ARN and ends with a wildcard fits what is inside it too.
		if strings.HasSuffix(p, "*") || slices.Contains(s.Resources, p+"/*") {
			out = join(out, on)
			continue
		}
		var shut []int32
		for _, r := range on {
			for i := r.lo; i < r.hi; i++ {
				if closed(&o.all[i].arn) {
					shut = append(shut, i)
				}
			}
		}
		out = join(out, runs(shut))
	}
	return out
}

// shut are the types, by service, whose ARNs nothing lies inside of: to name one
// is to name all of it. Source: the resource types of the Service Authorization
// Reference.
var shut = map[string][]string{
	"sagemaker": {"endpoint/", "endpoint-config/", "feature-group/", "inference-component/", "model/", "model-package/", "model-package-group/", "notebook-instance/",
		"processing-job/", "training-job/", "transform-job/"},
	"bedrock":        {"agent/", "custom-model/", "foundation-model/", "guardrail/", "imported-model/", "knowledge-base/", "provisioned-model/"},
	"ecr":            {"repository/"},
	"iam":            {"role/", "user/"},
	"kms":            {"key/"},
	"secretsmanager": {"secret:"},
}

// closed reports whether nothing lies inside an asset.
func closed(arn *aws.ARN) bool {
	return slices.ContainsFunc(shut[arn.Service], func(head string) bool { return strings.HasPrefix(arn.Resource, head) })
}

// refusesAll reports whether a statement's actions are all that touch the
// assets of a service.
func refusesAll(s *aws.Statement, service string) bool {
	return everyAction(s, service) &&
		(service != "iam" || everyAction(s, "sts")) && (service != "apigateway" || everyAction(s, "execute-api"))
}

// everyAction reports whether a statement names every action with a prefix.
func everyAction(s *aws.Statement, prefix string) bool {
	if len(s.Actions) > 0 {
		return slices.ContainsFunc(s.Actions, func(a string) bool { return a == "*" || strings.EqualFold(a, prefix+":*") })
	}
	return !slices.ContainsFunc(s.NotActions, func(a string) bool {
		head, _, found := strings.Cut(strings.ToLower(a), ":")
		return !found || expr.Glob(head, prefix)
	})
}
