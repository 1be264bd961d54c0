package cloudformation

import (
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate/unborn"
)

// scalingRules are those of autoscaling and batch: what makes things grow.
var scalingRules = []rule{
	{typ: "AWS::ApplicationAutoScaling::ScalableTarget", id: "@application-autoscaling:scalable-target/{ServiceNamespace}/{ResourceId}/{ScalableDimension}",
		as: map[string]string{"ScheduledActions": ""}},
	{typ: "AWS::ApplicationAutoScaling::ScalingPolicy", as: map[string]string{"ScalingTargetId": ""}},
	{typ: "AWS::AutoScaling::AutoScalingGroup", as: map[string]string{"VPCZoneIdentifier": "", "Cooldown": "DefaultCooldown",
		"MixedInstancesPolicy.LaunchTemplate": "LaunchTemplate", "LoadBalancerNames": "LoadBalancerNames", "NotificationConfigurations": "", "MetricsCollection": "", "LifecycleHookSpecificationList": ""},
		more: group},
	{typ: "AWS::AutoScaling::LaunchConfiguration"},
	{typ: "AWS::Batch::ComputeEnvironment", id: "@batch:compute-environment/{ComputeEnvironmentName}", echoes: true, as: map[string]string{"ReplaceComputeEnvironment": ""},
		unset: map[string]any{"state": "ENABLED", "status": "VALID"}},
	{typ: "AWS::Batch::JobQueue", id: "@batch:job-queue/{JobQueueName}", echoes: true, unset: map[string]any{"state": "ENABLED", "status": "VALID"}},
	{typ: "AWS::Batch::JobDefinition", echoes: true, unset: map[string]any{"status": "ACTIVE"}},
}

// group spells a group's subnets, which are one text in the reply.
func group(c *conversion, d *draft, r *Resource) {
	switch v := r.Properties["VPCZoneIdentifier"].(type) {
	case nil:
	case []any:
		var ids []string
		for _, e := range v {
			id := c.idOf(e)
			if id == "" {
				d.config["VPCZoneIdentifier"] = unborn.Later{}
				return
			}
			ids = append(ids, id)
		}
		d.config["VPCZoneIdentifier"] = strings.Join(ids, ",")
	default:
		d.config["VPCZoneIdentifier"] = unborn.Later{}
	}
}
