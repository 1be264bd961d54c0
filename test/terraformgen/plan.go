package terraformgen

import (
	"encoding/json"
	"fmt"
)

// Account and Region are where the made-up plans live.
const (
	Account = "111122223333"
	Region  = "eu-west-1"
)

// Plan makes a plan of n resource changes in the format of terraform show -json,
// the same for the same n: services of an endpoint, its model, roles, bucket and
// security group, and a deployment. Every tenth service is new, every tenth
// grows, and the others stay as they are; references cross modules.
func Plan(n int) []byte {
	p := &planner{}
	for i := 0; len(p.changes) < n; i++ {
		p.service(i)
	}
	p.changes = p.changes[:n]
	module := map[string]any{"resources": p.config}
	plan := map[string]any{
		"format_version": "1.2", "terraform_version": "1.13.5", "complete": true, "errored": false, "applyable": true,
		"variables":      map[string]any{"region": map[string]any{"value": Region}},
		"planned_values": map[string]any{"root_module": map[string]any{}}, "resource_changes": p.changes,
		"prior_state": map[string]any{"format_version": "1.0", "values": map[string]any{"root_module": map[string]any{"resources": []any{map[string]any{
			"address": "data.aws_caller_identity.me", "mode": "data", "type": "aws_caller_identity", "name": "me",
			"provider_name": "registry.terraform.io/hashicorp/aws", "values": map[string]any{"account_id": Account}, "sensitive_values": map[string]any{}}}}}},
		"configuration": map[string]any{
			"provider_config": map[string]any{"aws": map[string]any{"name": "aws", "expressions": map[string]any{"region": refers("var.region")}}, "kubernetes": map[string]any{"name": "kubernetes"}},
			"root_module": map[string]any{"resources": []any{}, "module_calls": map[string]any{"fleet": map[string]any{
				"source": "./fleet", "module": module, "expressions": map[string]any{}}}},
		},
	}
	text, err := json.Marshal(plan)
	if err != nil {
		panic(err) // maps, lists and scalars only
	}
	return text
}

// planner gathers the changes of a plan and their configuration.
type planner struct {
	changes []any
	config  []any
	i       int
}

func refers(to ...string) map[string]any { return map[string]any{"references": to} }

// service adds one service.
func (p *planner) service(i int) {
	p.i = i
	name := fmt.Sprintf("svc-%04d", i)
	arn := func(service, resource string) string {
		return "arn:aws:" + service + ":" + Region + ":" + Account + ":" + resource
	}
	count := 2
	p.add("aws_iam_role", "arn:aws:iam::"+Account+":role/"+name, false, map[string]any{"name": name, "path": "/", "managed_policy_arns": []any{},
		"assume_role_policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sagemaker.amazonaws.com"},"Action":"sts:AssumeRole"}]}`}, nil)
	p.add("aws_iam_role_policy", "", false, map[string]any{"role": name, "name": "data",
		"policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::` + name + `/*"]}]}`}, nil)
	p.add("aws_sagemaker_model", arn("sagemaker", "model/"+name), false, map[string]any{"name": name, "enable_network_isolation": true,
		"primary_container": []any{map[string]any{"image": Account + ".dkr.ecr." + Region + ".amazonaws.com/serve:1", "model_data_url": "s3://" + name + "/model.tar.gz", "environment": map[string]any{"STAGE": "serving"}}},
		"vpc_config":        []any{map[string]any{"subnets": []any{"subnet-1"}, "security_group_ids": []any{"sg-1"}}}},
		map[string]string{"execution_role_arn": "aws_iam_role"})
	p.add("aws_sagemaker_endpoint_configuration", arn("sagemaker", "endpoint-config/"+name), true, map[string]any{"name": name, "kms_key_arn": nil,
		"production_variants": []any{map[string]any{"variant_name": "main", "model_name": name, "initial_instance_count": count, "instance_type": "ml.g5.xlarge"}}}, nil)
	p.add("aws_sagemaker_endpoint", arn("sagemaker", "endpoint/"+name), false, map[string]any{"name": name, "endpoint_config_name": name}, nil)
	p.add("aws_appautoscaling_target", "", true, map[string]any{"service_namespace": "sagemaker", "resource_id": "endpoint/" + name + "/variant/main",
		"scalable_dimension": "sagemaker:variant:DesiredInstanceCount", "min_capacity": 1, "max_capacity": count}, nil)
	p.add("aws_s3_bucket", "arn:aws:s3:::"+name, false, map[string]any{"bucket": name, "policy": "", "versioning": []any{map[string]any{"enabled": true}}}, nil)
	p.add("aws_s3_bucket_public_access_block", "", false, map[string]any{"bucket": name, "block_public_acls": true, "block_public_policy": true, "ignore_public_acls": true, "restrict_public_buckets": true}, nil)
	p.add("aws_security_group", arn("ec2", fmt.Sprintf("security-group/sg-%08x", i)), false, map[string]any{"name": name, "vpc_id": "vpc-1", "ingress": []any{}, "egress": []any{}}, nil)
	p.add("aws_vpc_security_group_ingress_rule", "", false, map[string]any{"ip_protocol": "tcp", "from_port": 443, "to_port": 443, "cidr_ipv4": "10.0.0.0/8", "security_group_id": fmt.Sprintf("sg-%08x", i)},
		map[string]string{"security_group_id": "aws_security_group"})
	p.add("kubernetes_deployment", "", true, map[string]any{"metadata": []any{map[string]any{"name": name, "namespace": "serving", "labels": map[string]any{"app": name}}},
		"spec": []any{map[string]any{"replicas": fmt.Sprint(count), "selector": []any{map[string]any{"match_labels": map[string]any{"app": name}}},
			"template": []any{map[string]any{"metadata": []any{map[string]any{"labels": map[string]any{"app": name}}}, "spec": []any{map[string]any{
				"container": []any{map[string]any{"name": "model", "image": "registry.example/serve:1", "resources": []any{map[string]any{"limits": map[string]any{"memory": "8Gi"}}}}}}}}}}}}, nil)
}

// add adds one resource; what grows has one more or, if it is an endpoint's or
// a deployment's, twice of it.
func (p *planner) add(typ, arn string, grows bool, values map[string]any, refs map[string]string) {
	short := fmt.Sprintf("s%04d", p.i)
	address := "module.fleet." + typ + "." + short
	provider := "registry.terraform.io/hashicorp/aws"
	if typ == "kubernetes_deployment" {
		provider = "registry.terraform.io/hashicorp/kubernetes"
	}
	var before map[string]any
	after, unknown, actions := values, map[string]any{}, []any{"no-op"}
	born, growing := p.i%10 == 0, p.i%10 == 1 && grows
	expressions := map[string]any{}
	for attribute, target := range refs {
		expressions[attribute] = refers(target+"."+short+".arn", target+"."+short)
		if born {
			unknown[attribute] = true
			delete(after, attribute)
		} else if target == "aws_iam_role" {
			after[attribute] = fmt.Sprintf("arn:aws:iam::%s:role/svc-%04d", Account, p.i)
		}
	}
	switch {
	case born:
		actions = []any{"create"}
		unknown["arn"], unknown["id"] = true, true
	default:
		if arn != "" {
			after["arn"], after["id"] = arn, arn[lastCut(arn)+1:]
		}
		before = after
	}
	if growing {
		actions = []any{"update"}
		after = grown(after).(map[string]any)
	}
	p.changes = append(p.changes, map[string]any{"address": address, "module_address": "module.fleet", "mode": "managed", "type": typ, "name": short,
		"provider_name": provider, "change": map[string]any{"actions": actions, "before": orNil(before), "after": after, "after_unknown": unknown,
			"before_sensitive": map[string]any{}, "after_sensitive": map[string]any{}}})
	key := "aws"
	if typ == "kubernetes_deployment" {
		key = "kubernetes"
	}
	p.config = append(p.config, map[string]any{"address": typ + "." + short, "mode": "managed", "type": typ, "name": short, "provider_config_key": key, "expressions": expressions})
}

func orNil(m map[string]any) any {
	if m == nil {
		return nil
	}
	return m
}

func lastCut(s string) int {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == '/' || s[i] == ':' {
			return i
		}
	}
	return -1
}

// grown is a copy in which every count is ten.
func grown(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			switch k {
			case "initial_instance_count", "max_capacity":
				out[k] = 10
			case "replicas":
				out[k] = "10"
			default:
				out[k] = grown(e)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = grown(e)
		}
		return out
	}
	return v
}
