package terraform

import (
	_ "embed"
	"slices"
	"strings"
	"testing"
)

//go:embed testdata/attributes.txt
var attributesText string

// schema is an attribute of a resource type as the provider's schema has it;
// see the head of testdata/attributes.txt.
type schema struct {
	name, kind, how string
	kids            []*schema
	same            string
}

func (s *schema) named(name string) *schema {
	for _, k := range s.kids {
		if k.name == name {
			return k
		}
	}
	return nil
}

// schemas reads testdata/attributes.txt.
func schemas(t testing.TB) map[string]*schema {
	t.Helper()
	out, paths := map[string]*schema{}, map[string]*schema{}
	var open []*schema
	var names []string
	var again []*schema
	for line := range strings.Lines(attributesText) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if types, ok := strings.CutPrefix(line, "= "); ok {
			root := &schema{}
			open = []*schema{root}
			list := strings.Fields(types)
			for _, tf := range list {
				out[tf] = root
			}
			names = list[:1]
			continue
		}
		text := strings.TrimLeft(line, "\t")
		depth := len(line) - len(text)
		f := strings.Fields(text)
		s := &schema{name: f[0], kind: strings.TrimRight(f[1], "!~-")}
		s.how = strings.TrimPrefix(f[1], s.kind)
		if len(f) > 2 {
			s.same = strings.TrimPrefix(f[2], "@")
			again = append(again, s)
		}
		open = append(open[:depth+1], s)
		open[depth].kids = append(open[depth].kids, s)
		names = append(names[:depth+1], s.name)
		paths[strings.Join(names, ".")] = s
	}
	for _, s := range again {
		if paths[s.same] == nil {
			t.Fatalf("testdata/attributes.txt: %s: nothing stands at %s", s.name, s.same)
		}
	}
	for range 3 { // a body may hold such a reference itself
		for _, s := range again {
			s.kids = paths[s.same].kids
		}
	}
	return out
}

// earlier are attributes that older versions of the provider have under another
// name than the one testdata/attributes.txt was made from.
var earlier = map[string]bool{
	"aws_batch_compute_environment.compute_environment_name":        true,
	"aws_batch_compute_environment.compute_environment_name_prefix": true,
	"aws_batch_job_queue.compute_environments":                      true,
}

// Every attribute that a rule names is one that the provider has: a slip would
// read as an absent member.
func TestRulesNameTheProvidersAttributes(t *testing.T) {
	all := schemas(t)
	checked := 0
	check := func(tf string, paths map[string]string) {
		root := all[tf]
		if root == nil {
			t.Errorf("%s: testdata/attributes.txt does not have it: go test ./test/terraformgen -run WriteAttributes -cdktf FOLDER writes it anew", tf)
			return
		}
		for path := range paths {
			checked++
			at := root
			for step := range strings.SplitSeq(path, ".") {
				if at = at.named(step); at == nil {
					break
				}
			}
			if at == nil && !earlier[tf+"."+path] {
				t.Errorf("%s has no attribute %s", tf, path)
			}
		}
	}
	for i := range rules {
		check(rules[i].tf, rules[i].as)
	}
	for tf, k := range kubernetesKinds {
		check(tf, k.as)
	}
	if checked < 300 {
		t.Errorf("only %d names were looked at", checked)
	}
}

// What scaling changes finds its member: an amount that is dropped would be
// growth nobody sees.
func TestAmountsAreNotDropped(t *testing.T) {
	for _, tt := range []struct{ tf, path, member string }{
		{"aws_sagemaker_endpoint_configuration", "production_variants.initial_instance_count", "ProductionVariants.InitialInstanceCount"},
		{"aws_sagemaker_endpoint_configuration", "production_variants.instance_type", "ProductionVariants.InstanceType"},
		{"aws_sagemaker_endpoint_configuration", "production_variants.serverless_config.max_concurrency", "ProductionVariants.ServerlessConfig.MaxConcurrency"},
		{"aws_sagemaker_endpoint_configuration", "production_variants.serverless_config.provisioned_concurrency", "ProductionVariants.ServerlessConfig.ProvisionedConcurrency"},
		{"aws_sagemaker_endpoint_configuration", "production_variants.managed_instance_scaling.max_instance_count", "ProductionVariants.ManagedInstanceScaling.MaxInstanceCount"},
		{"aws_sagemaker_endpoint_configuration", "shadow_production_variants.initial_instance_count", "ShadowProductionVariants.InitialInstanceCount"},
		{"aws_sagemaker_notebook_instance", "instance_type", "InstanceType"},
		{"aws_appautoscaling_target", "max_capacity", "MaxCapacity"},
		{"aws_appautoscaling_target", "min_capacity", "MinCapacity"},
		{"aws_autoscaling_group", "max_size", "MaxSize"},
		{"aws_autoscaling_group", "desired_capacity", "DesiredCapacity"},
		{"aws_eks_node_group", "scaling_config.max_size", "scalingConfig.maxSize"},
		{"aws_eks_node_group", "instance_types", "instanceTypes"},
		{"aws_ecs_service", "desired_count", "desiredCount"},
		{"aws_batch_compute_environment", "compute_resources.max_vcpus", "computeResources.maxvCpus"},
		{"aws_glue_job", "number_of_workers", "NumberOfWorkers"},
		{"aws_glue_job", "worker_type", "WorkerType"},
		{"aws_instance", "instance_type", "InstanceType"},
		{"aws_opensearch_domain", "cluster_config.instance_count", "ClusterConfig.InstanceCount"},
		{"aws_db_instance", "instance_class", "DBInstanceClass"},
	} {
		s := schemas(t)[tt.tf]
		for step := range strings.SplitSeq(tt.path, ".") {
			if s != nil {
				s = s.named(step)
			}
		}
		if s == nil {
			t.Errorf("%s has no attribute %s", tt.tf, tt.path)
			continue
		}
		i := slices.IndexFunc(rules, func(r rule) bool { return r.tf == tt.tf })
		if i < 0 {
			t.Errorf("%s has no rule", tt.tf)
			continue
		}
		if got := memberOf(&rules[i], tt.path); got != tt.member {
			t.Errorf("%s of %s becomes %q, want %q", tt.path, tt.tf, got, tt.member)
		}
	}
}

// memberOf follows an attribute through a rule to its member.
func memberOf(r *rule, path string) string {
	at := &shapes()[r.typ].root
	var out, rel []string
	for step := range strings.SplitSeq(path, ".") {
		rel = append(rel, step)
		target, renamed := r.as[strings.Join(rel, ".")]
		if renamed && target == "." {
			continue
		}
		if renamed {
			at = follow(at, target)
		} else if at = at.member(step); at != nil {
			target = at.name
		}
		if at == nil {
			return ""
		}
		out = append(out, target)
	}
	return strings.Join(out, ".")
}
