package terraform

import (
	"slices"
	"strings"
	"testing"
)

// TestAmountsAreNotDropped holds that what scaling changes finds its member: an
// amount that is dropped would be
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
		{"aws_rds_cluster", "serverlessv2_scaling_configuration.max_capacity", "ServerlessV2ScalingConfiguration.MaxCapacity"},
		{"aws_autoscaling_group", "mixed_instances_policy.instances_distribution.on_demand_base_capacity", "MixedInstancesPolicy.InstancesDistribution.OnDemandBaseCapacity"},
		{"aws_autoscaling_group", "mixed_instances_policy.launch_template.override.instance_type", "MixedInstancesPolicy.LaunchTemplate.Overrides.InstanceType"},
		{"aws_autoscaling_group", "warm_pool.max_group_prepared_capacity", "WarmPoolConfiguration.MaxGroupPreparedCapacity"},
		{"aws_bedrock_provisioned_model_throughput", "model_units", "modelUnits"},
		{"aws_dynamodb_table", "read_capacity", "ProvisionedThroughput.ReadCapacityUnits"},
		{"aws_emrserverless_application", "maximum_capacity.cpu", "maximumCapacity.cpu"},
		{"aws_batch_compute_environment", "compute_resources.desired_vcpus", "computeResources.desiredvCpus"},
		{"aws_kinesis_stream", "shard_count", "OpenShardCount"},
	} {
		s := schemas()[tt.tf]
		for step := range strings.SplitSeq(tt.path, ".") {
			s = s.named(step)
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
	at := &shapes()[r.typ].Root
	var out, rel []string
	for step := range strings.SplitSeq(path, ".") {
		rel = append(rel, step)
		target, renamed := r.as[strings.Join(rel, ".")]
		if renamed && target == "." {
			continue
		}
		if renamed {
			at = at.Follow(target)
		} else if at = member(at, step); at != nil {
			target = at.Name
		}
		if at == nil {
			return ""
		}
		out = append(out, target)
	}
	return strings.Join(out, ".")
}
