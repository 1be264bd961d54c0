package cloudformation

import (
	"encoding/json"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate/unborn"
)

// containerRules are those of EKS, ECS and ECR.
var containerRules = []rule{
	{typ: "AWS::EKS::Cluster", id: "@eks:cluster/{Name}", as: map[string]string{"Logging": "", "BootstrapSelfManagedAddons": "", "Force": "", "RollbackConfig": "",
		"ActiveCertificateAuthorityId": ""}, more: cluster,
		unset: map[string]any{"status": "ACTIVE", "encryptionConfig": none{}, "resourcesVpcConfig.endpointPublicAccess": true, "resourcesVpcConfig.endpointPrivateAccess": false,
			"resourcesVpcConfig.publicAccessCidrs": []any{"0.0.0.0/0"}, "resourcesVpcConfig.securityGroupIds": []any{}}},
	{typ: "AWS::EKS::Nodegroup", as: map[string]string{"ForceUpdateEnabled": "", "ReleaseVersion": "releaseVersion"}},
	{typ: "AWS::EKS::Addon"}, {typ: "AWS::EKS::FargateProfile"},
	{typ: "AWS::EKS::PodIdentityAssociation", echoes: true},
	{typ: "AWS::EKS::AccessEntry", as: map[string]string{"AccessPolicies": ""}, more: accessEntry, unset: map[string]any{"type": "STANDARD"}},

	{typ: "AWS::ECS::Cluster", id: "@ecs:cluster/{ClusterName}", as: map[string]string{"ClusterSettings": "settings"}, unset: map[string]any{"status": "ACTIVE"}},
	{typ: "AWS::ECS::Service", id: "@ecs:service/{Cluster|last}/{ServiceName}", as: map[string]string{"Cluster": "clusterArn", "Role": "roleArn", "PlacementStrategies": "placementStrategy"},
		unset: map[string]any{"status": "ACTIVE", "networkConfiguration.awsvpcConfiguration.assignPublicIp": "DISABLED"}},
	{typ: "AWS::ECS::TaskDefinition", echoes: true, unset: map[string]any{"status": "ACTIVE", "containerDefinitions.essential": true, "containerDefinitions.environment": []any{}}},

	{typ: "AWS::ECR::Repository", id: "@ecr:repository/{RepositoryName}", as: map[string]string{"RepositoryPolicyText": "GetRepositoryPolicy.policyText",
		"LifecyclePolicy": "GetLifecyclePolicy", "EmptyOnDelete": ""},
		unset: map[string]any{"imageTagMutability": "MUTABLE", "imageScanningConfiguration": map[string]any{"scanOnPush": false}, "imageScanningConfiguration.scanOnPush": false,
			"encryptionConfiguration": map[string]any{"encryptionType": "AES256"}, "encryptionConfiguration.kmsKey": none{}, "imageTagMutabilityExclusionFilters": none{}},
		newborn: map[string]map[string]any{"GetRepositoryPolicy": nil, "GetLifecyclePolicy": nil}},
}

// logTypes are the logs of a control plane.
var logTypes = []string{"api", "audit", "authenticator", "controllerManager", "scheduler"}

// cluster spells the logs of a control plane, all of which the reply lists.
func cluster(c *conversion, d *draft, r *Resource) {
	on, off := []any{}, []any{}
	open := false
	logging, _ := r.Properties["Logging"].(map[string]any)
	cl, _ := logging["ClusterLogging"].(map[string]any)
	enabled, _ := cl["EnabledTypes"].([]any)
	for _, v := range []any{r.Properties["Logging"], logging["ClusterLogging"], cl["EnabledTypes"]} {
		_, isOpen := v.(*Open)
		open = open || isOpen
	}
	named := map[string]bool{}
	for _, e := range enabled {
		m, _ := e.(map[string]any)
		t := c.textOf(m["Type"])
		open = open || t == ""
		named[t] = true
	}
	for _, t := range logTypes {
		if named[t] {
			on = append(on, t)
		} else {
			off = append(off, t)
		}
	}
	if open {
		d.config["logging"] = unborn.Later{}
		return
	}
	list := []any{}
	if len(on) > 0 {
		list = append(list, map[string]any{"types": on, "enabled": true})
	}
	if len(off) > 0 {
		list = append(list, map[string]any{"types": off, "enabled": false})
	}
	d.config["logging"] = map[string]any{"clusterLogging": list}
}

// accessEntry spells the policies of an access entry.
func accessEntry(c *conversion, d *draft, r *Resource) {
	out := []any{}
	switch v := r.Properties["AccessPolicies"].(type) {
	case nil:
	case []any:
		for _, e := range v {
			m, ok := e.(map[string]any)
			scope, _ := m["AccessScope"].(map[string]any)
			if !ok || scope == nil {
				out = append(out, unborn.Later{})
				continue
			}
			as := map[string]any{"type": c.nameIn(scope["Type"])}
			if list, ok := scope["Namespaces"].([]any); ok {
				names := []any{}
				for _, n := range list {
					names = append(names, c.nameIn(n))
				}
				as["namespaces"] = names
			} else if scope["Namespaces"] != nil {
				as["namespaces"] = unborn.Later{}
			}
			out = append(out, map[string]any{"policyArn": c.nameIn(m["PolicyArn"]), "accessScope": as})
		}
	default:
		out = append(out, unborn.Later{})
	}
	d.reply("ListAssociatedAccessPolicies", map[string]any{"associatedAccessPolicies": out})
}

// decoded is a text of JSON as what it holds, or later.
func (c *conversion) decoded(v any) any {
	if m, ok := v.(map[string]any); ok {
		return c.within(m, "")
	}
	var out any
	dec := json.NewDecoder(strings.NewReader(c.textOf(v)))
	dec.UseNumber()
	if dec.Decode(&out) != nil {
		return unborn.Later{}
	}
	return out
}
