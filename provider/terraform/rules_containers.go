package terraform

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate/unborn"
)

// containerRules are those of EKS, ECS and ECR.
var containerRules = []rule{
	{tf: "aws_eks_cluster", typ: "AWS::EKS::Cluster", id: "@eks:cluster/{name}",
		as:   map[string]string{"vpc_config": "resourcesVpcConfig", "enabled_cluster_log_types": "", "id": "", "vpc_config.cluster_security_group_id": "clusterSecurityGroupId"},
		more: clusterLogs},
	{tf: "aws_eks_node_group", typ: "AWS::EKS::Nodegroup",
		as: map[string]string{"node_group_name": "nodegroupName", "node_role_arn": "nodeRole", "subnet_ids": "subnets", "taint": "taints", "resources.remote_access_security_group_id": "remoteAccessSecurityGroup",
			"node_group_name_prefix": "", "remote_access.source_security_group_ids": "sourceSecurityGroups"}},
	{tf: "aws_eks_addon", typ: "AWS::EKS::Addon", as: map[string]string{"pod_identity_association": ""}},
	{tf: "aws_eks_fargate_profile", typ: "AWS::EKS::FargateProfile", as: map[string]string{"subnet_ids": "subnets", "selector": "selectors"}},
	{tf: "aws_eks_pod_identity_association", typ: "AWS::EKS::PodIdentityAssociation", arn: "association_arn"},
	{tf: "aws_eks_access_entry", typ: "AWS::EKS::AccessEntry", arn: "access_entry_arn", as: map[string]string{"user_name": "username"}},
	{tf: "aws_eks_access_policy_association", typ: "AWS::EKS::AccessEntry", more: accessPolicy,
		onto: &onto{typ: "AWS::EKS::AccessEntry", attribute: "principal_arn", name: true, id: "@eks:access-entry/{}"}},

	{tf: "aws_ecs_cluster", typ: "AWS::ECS::Cluster", id: "@ecs:cluster/{name}", as: map[string]string{"name": "clusterName", "setting": "settings",
		"configuration.execute_command_configuration.log_configuration.s3_bucket_encryption_enabled": "s3EncryptionEnabled"}},
	{tf: "aws_ecs_service", typ: "AWS::ECS::Service", id: "@ecs:service/{cluster|last}/{name}",
		as: map[string]string{"name": "serviceName", "cluster": "clusterArn", "network_configuration": "networkConfiguration.awsvpcConfiguration",
			"network_configuration.assign_public_ip": "", "load_balancer": "loadBalancers", "load_balancer.elb_name": "loadBalancerName", "iam_role": "roleArn",
			"alarms": "deploymentConfiguration.alarms", "ordered_placement_strategy": "placementStrategy",
			"deployment_maximum_percent": "deploymentConfiguration.maximumPercent", "deployment_controller": "deploymentController",
			"deployment_minimum_healthy_percent": "deploymentConfiguration.minimumHealthyPercent", "deployment_circuit_breaker": "deploymentConfiguration.deploymentCircuitBreaker"},
		more: service},
	{tf: "aws_ecs_task_definition", typ: "AWS::ECS::TaskDefinition", as: map[string]string{"container_definitions": "", "volume": "volumes",
		"volume.host_path": "host.sourcePath", "volume.configure_at_launch": "configuredAtLaunch"},
		more: containers},

	{tf: "aws_ecr_repository", typ: "AWS::ECR::Repository", id: "@ecr:repository/{name}",
		as:      map[string]string{"name": "repositoryName", "repository_url": "repositoryUri"},
		with:    map[string]any{"imageTagMutability": "MUTABLE", "imageScanningConfiguration": map[string]any{"scanOnPush": false}},
		newborn: map[string]map[string]any{"GetRepositoryPolicy": nil, "GetLifecyclePolicy": nil}},
	{tf: "aws_ecr_repository_policy", typ: "AWS::ECR::Repository", as: map[string]string{"policy": "policyText", "repository": "repositoryName"},
		onto: &onto{typ: "AWS::ECR::Repository", attribute: "repository", id: "@ecr:repository/{}", key: "GetRepositoryPolicy"}},
	{tf: "aws_ecr_lifecycle_policy", typ: "AWS::ECR::Repository", as: map[string]string{"policy": "lifecyclePolicyText", "repository": "repositoryName"},
		onto: &onto{typ: "AWS::ECR::Repository", attribute: "repository", id: "@ecr:repository/{}", key: "GetLifecyclePolicy"}},
	{tf: "aws_ecr_registry_policy", typ: "AWS::ECR::RegistryPolicy", composed: true, id: "@ecr:registry-policy", as: map[string]string{"policy": "policyText"}},
	{tf: "aws_ecr_registry_scanning_configuration", typ: "AWS::ECR::RegistryScanningConfiguration", composed: true, id: "@ecr:registry-scanning-configuration",
		as: map[string]string{"scan_type": "scanningConfiguration.scanType", "rule": "scanningConfiguration.rules"}},
}

// clusterLogTypes are the logs a control plane can keep.
var clusterLogTypes = []string{"api", "audit", "authenticator", "controllerManager", "scheduler"}

// clusterLogs spells the enabled logs as the two lists of the reply.
func clusterLogs(c *conversion, d *draft, r *Resource) {
	d.said["logging"] = true
	masks, _ := r.Unknown.(map[string]any)
	if m := masks["enabled_cluster_log_types"]; m != nil && m != false {
		d.config["logging"] = unborn.Later{}
		return
	}
	list, _ := r.Values["enabled_cluster_log_types"].([]any)
	on, off := []any{}, []any{}
	for _, t := range clusterLogTypes {
		if slices.Contains(list, any(t)) {
			on = append(on, t)
		} else {
			off = append(off, t)
		}
	}
	logs := []any{}
	if len(on) > 0 {
		logs = append(logs, map[string]any{"types": on, "enabled": true})
	}
	if len(off) > 0 {
		logs = append(logs, map[string]any{"types": off, "enabled": false})
	}
	d.config["logging"] = map[string]any{"clusterLogging": logs}
}

// accessPolicy adds a policy to the access entry of its principal.
func accessPolicy(c *conversion, d *draft, r *Resource) {
	reply, _ := d.config["ListAssociatedAccessPolicies"].(map[string]any)
	if reply == nil {
		reply = map[string]any{"clusterName": c.text(r, "cluster_name"), "principalArn": c.text(r, "principal_arn")}
	}
	scope := map[string]any{}
	if s, ok := only(r.Values["access_scope"]); ok {
		scope["type"] = s["type"]
		if list, ok := s["namespaces"].([]any); ok && len(list) > 0 {
			scope["namespaces"] = list
		}
	}
	list, _ := reply["associatedAccessPolicies"].([]any)
	reply["associatedAccessPolicies"] = append(list, map[string]any{"policyArn": c.text(r, "policy_arn"), "accessScope": scope})
	d.config["ListAssociatedAccessPolicies"] = reply
	d.answered("ListAssociatedAccessPolicies", "ok")
}

// service spells the one switch of an ECS service that is no boolean in the
// reply.
func service(c *conversion, d *draft, r *Resource) {
	if list, ok := r.Values["network_configuration"].([]any); ok && len(list) == 1 {
		block, _ := list[0].(map[string]any)
		if network, ok := d.config["networkConfiguration"].(map[string]any); ok {
			if vpc, ok := network["awsvpcConfiguration"].(map[string]any); ok {
				vpc["assignPublicIp"] = map[bool]string{true: "ENABLED", false: "DISABLED"}[block["assign_public_ip"] == true]
			}
		}
	}
	d.config["status"], d.said["status"] = "ACTIVE", true
}

// containers reads the JSON of a task definition's containers.
func containers(c *conversion, d *draft, r *Resource) {
	d.said["containerDefinitions"] = true
	d.config["status"], d.said["status"] = "ACTIVE", true
	text := c.known(r, "container_definitions")
	var list []any
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if text == "" || dec.Decode(&list) != nil {
		d.config["containerDefinitions"] = unborn.Later{}
		return
	}
	d.config["containerDefinitions"] = list
}
