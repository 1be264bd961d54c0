package hclplan

import (
	"encoding/json"
	"maps"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// arns say what ARN follows from a literal name: the attribute that names, and
// the ARN with {account}, {region} and {name}; the third is the attribute id.
var arns = map[string]struct{ by, arn, id string }{
	"aws_s3_bucket":            {"bucket", "arn:aws:s3:::{name}", "{name}"},
	"aws_iam_role":             {"name", "arn:aws:iam::{account}:role/{name}", "{name}"},
	"aws_iam_user":             {"name", "arn:aws:iam::{account}:user/{name}", "{name}"},
	"aws_iam_group":            {"name", "arn:aws:iam::{account}:group/{name}", "{name}"},
	"aws_iam_policy":           {"name", "arn:aws:iam::{account}:policy/{name}", "arn:aws:iam::{account}:policy/{name}"},
	"aws_lambda_function":      {"function_name", "arn:aws:lambda:{region}:{account}:function:{name}", "{name}"},
	"aws_dynamodb_table":       {"name", "arn:aws:dynamodb:{region}:{account}:table/{name}", "{name}"},
	"aws_sns_topic":            {"name", "arn:aws:sns:{region}:{account}:{name}", "arn:aws:sns:{region}:{account}:{name}"},
	"aws_sqs_queue":            {"name", "arn:aws:sqs:{region}:{account}:{name}", ""},
	"aws_ecr_repository":       {"name", "arn:aws:ecr:{region}:{account}:repository/{name}", "{name}"},
	"aws_sagemaker_model":      {"name", "arn:aws:sagemaker:{region}:{account}:model/{name}", "{name}"},
	"aws_cloudwatch_log_group": {"name", "arn:aws:logs:{region}:{account}:log-group:{name}", "{name}"},
}

// known adds to a resource what follows from its name, and makes every other
// attribute that somebody may refer to unknown, by being absent.
func (s *scope) known(typ string, v cty.Value) cty.Value {
	rule, ok := arns[typ]
	if !ok || !v.IsKnown() || !v.Type().IsObjectType() || !v.Type().HasAttribute(rule.by) {
		return v
	}
	name := v.GetAttr(rule.by)
	if !name.IsKnown() || name.IsNull() || name.Type() != cty.String {
		return v
	}
	fill := strings.NewReplacer("{name}", name.AsString(), "{account}", s.options.Account, "{region}", s.options.Region)
	out := maps.Clone(v.AsValueMap())
	out["arn"] = cty.StringVal(fill.Replace(rule.arn))
	if rule.id != "" {
		out["id"] = cty.StringVal(fill.Replace(rule.id))
	}
	return cty.ObjectVal(out)
}

// dataSource is what a data source of AWS says, as far as that is known.
func (s *scope) dataSource(b *hclsyntax.Block) cty.Value {
	str := cty.StringVal
	switch b.Labels[0] {
	case "aws_caller_identity":
		return cty.ObjectVal(map[string]cty.Value{"account_id": str(s.options.Account), "id": str(s.options.Account), "arn": str("arn:aws:iam::" + s.options.Account + ":root")})
	case "aws_region":
		return cty.ObjectVal(map[string]cty.Value{"name": str(s.options.Region), "region": str(s.options.Region), "id": str(s.options.Region)})
	case "aws_partition":
		return cty.ObjectVal(map[string]cty.Value{"partition": str("aws"), "dns_suffix": str("amazonaws.com")})
	case "aws_iam_policy_document":
		if text, ok := s.document(b.Body); ok {
			return cty.ObjectVal(map[string]cty.Value{"json": str(text)})
		}
	}
	return cty.DynamicVal
}

// document writes the policy that an aws_iam_policy_document describes; false
// when a part of it is unknown.
func (s *scope) document(body *hclsyntax.Body) (string, bool) {
	v, unknown := plain(s.body(body, nil))
	m, ok := v.(map[string]any)
	if !ok || unknown != nil || m["source_policy_documents"] != nil || m["override_policy_documents"] != nil {
		return "", false
	}
	statements := []any{}
	list, _ := m["statement"].([]any)
	for _, e := range list {
		in, _ := e.(map[string]any)
		out := map[string]any{"Effect": "Allow"}
		for from, to := range map[string]string{"sid": "Sid", "effect": "Effect", "actions": "Action", "not_actions": "NotAction", "resources": "Resource", "not_resources": "NotResource"} {
			if in[from] != nil {
				out[to] = in[from]
			}
		}
		for from, to := range map[string]string{"principals": "Principal", "not_principals": "NotPrincipal"} {
			whom := map[string]any{}
			list, _ := in[from].([]any)
			for _, p := range list {
				if p, ok := p.(map[string]any); ok {
					whom[word(p["type"])] = p["identifiers"]
				}
			}
			if whom["*"] != nil {
				out[to] = "*"
			} else if len(whom) > 0 {
				out[to] = whom
			}
		}
		conditions := map[string]any{}
		tests, _ := in["condition"].([]any)
		for _, c := range tests {
			if c, ok := c.(map[string]any); ok {
				op, _ := conditions[word(c["test"])].(map[string]any)
				if op == nil {
					op = map[string]any{}
				}
				op[word(c["variable"])] = c["values"]
				conditions[word(c["test"])] = op
			}
		}
		if len(conditions) > 0 {
			out["Condition"] = conditions
		}
		statements = append(statements, out)
	}
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	return string(text), err == nil
}

// word is a JSON string as Go holds it.
func word(v any) string {
	raw, ok := v.(json.RawMessage)
	if !ok {
		return ""
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}
