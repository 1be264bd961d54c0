package terraform

import "github.com/sevenfold-sec/sevenfold/estate/unborn"

// scalingRules are those of autoscaling and batch: what makes things grow.
var scalingRules = []rule{
	{tf: "aws_appautoscaling_target", typ: "AWS::ApplicationAutoScaling::ScalableTarget", composed: true,
		id: "@application-autoscaling:scalable-target/{service_namespace}/{resource_id}/{scalable_dimension}"},
	{tf: "aws_appautoscaling_policy", typ: "AWS::ApplicationAutoScaling::ScalingPolicy", as: map[string]string{"name": "PolicyName"}},
	{tf: "aws_autoscaling_group", typ: "AWS::AutoScaling::AutoScalingGroup",
		as: map[string]string{"name": "AutoScalingGroupName", "name_prefix": "", "arn": "AutoScalingGroupARN", "launch_configuration": "LaunchConfigurationName",
			"launch_template.id": "LaunchTemplateId", "launch_template.name": "LaunchTemplateName", "vpc_zone_identifier": "", "tag": "", "desired_capacity": "DesiredCapacity",
			"mixed_instances_policy.launch_template.override": "Overrides", "protect_from_scale_in": "NewInstancesProtectedFromScaleIn",
			"enabled_metrics": "", "suspended_processes": "", "warm_pool": "WarmPoolConfiguration", "placement_group": "PlacementGroup", "load_balancers": "LoadBalancerNames",
			"target_group_arns": "TargetGroupARNs", "instance_refresh": "", "traffic_source": ""},
		more: group},
	{tf: "aws_launch_configuration", typ: "AWS::AutoScaling::LaunchConfiguration",
		as: map[string]string{"name": "LaunchConfigurationName", "name_prefix": "", "iam_instance_profile": "IamInstanceProfile", "root_block_device": "",
			"ebs_block_device": "", "ephemeral_block_device": "", "user_data_base64": "", "enable_monitoring": "InstanceMonitoring.Enabled"}},
	{tf: "aws_batch_compute_environment", typ: "AWS::Batch::ComputeEnvironment", id: "@batch:compute-environment/{name,compute_environment_name}",
		as: map[string]string{"name": "computeEnvironmentName", "compute_environment_name": "computeEnvironmentName", "name_prefix": "",
			"compute_environment_name_prefix": "", "compute_resources.instance_type": "instanceTypes", "compute_resources.security_group_ids": "securityGroupIds",
			"compute_resources.ec2_configuration": "ec2Configuration"}},
	{tf: "aws_batch_job_queue", typ: "AWS::Batch::JobQueue", id: "@batch:job-queue/{name}",
		as: map[string]string{"name": "jobQueueName", "compute_environment_order": "computeEnvironmentOrder", "compute_environments": ""}},
	{tf: "aws_batch_job_definition", typ: "AWS::Batch::JobDefinition",
		as:   map[string]string{"name": "jobDefinitionName", "container_properties": "", "node_properties": "", "eks_properties": "", "ecs_properties": ""},
		more: jobDefinition},
}

// group completes an autoscaling group: its subnets are one text in the reply,
// its tags blocks of their own.
func group(c *conversion, d *draft, r *Resource) {
	d.said["VPCZoneIdentifier"] = true
	masks, _ := r.Unknown.(map[string]any)
	if list, ok := r.Values["vpc_zone_identifier"].([]any); ok && (masks["vpc_zone_identifier"] == nil || masks["vpc_zone_identifier"] == false) {
		if text := joined(list); text != "" {
			d.config["VPCZoneIdentifier"] = text
		}
	} else if refs := c.refs(r, []string{"vpc_zone_identifier"}); len(refs) == 1 {
		d.config["VPCZoneIdentifier"] = c.identity(refs[0].Address)
	} else if masks["vpc_zone_identifier"] != nil {
		d.config["VPCZoneIdentifier"] = unborn.Later{}
	}
	if list, ok := r.Values["tag"].([]any); ok && (masks["tag"] == nil || masks["tag"] == false) {
		tags := []any{}
		d.tags = map[string]string{}
		for _, e := range list {
			t, _ := e.(map[string]any)
			d.tags[str(t["key"])] = str(t["value"])
			tags = append(tags, map[string]any{"Key": t["key"], "Value": t["value"], "PropagateAtLaunch": t["propagate_at_launch"] == true})
		}
		d.config["Tags"], d.said["Tags"] = tags, true
	}
}

func joined(list []any) string {
	out := ""
	for _, e := range list {
		s, ok := e.(string)
		if !ok {
			return ""
		}
		if out != "" {
			out += ","
		}
		out += s
	}
	return out
}

// jobDefinition reads the JSON in which a Batch job's containers are given.
func jobDefinition(c *conversion, d *draft, r *Resource) {
	d.config["status"], d.said["status"] = "ACTIVE", true
	for _, p := range [...][2]string{{"container_properties", "containerProperties"}, {"node_properties", "nodeProperties"}, {"ecs_properties", "ecsProperties"}} {
		d.said[p[1]] = true
		v := c.text(r, p[0])
		switch v := v.(type) {
		case string:
			d.config[p[1]] = parsed(v)
		case unborn.Later:
			d.config[p[1]] = v
		}
	}
	if configured(r.Values["eks_properties"]) {
		d.config["eksProperties"], d.said["eksProperties"] = unborn.Later{}, true
	}
}
