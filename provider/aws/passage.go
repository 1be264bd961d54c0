package aws

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// passageTypes are what takes connections outside all VPCs and opens others into
// one: links of APIs, accelerators, origins of distributions, endpoints of Verified
// Access, VPC Lattice; and the firewalls that packets are led through.
var passageTypes = map[string]spec{
	"AWS::ApiGateway::VpcLink": {estate.KindNetwork, []edge{
		{estate.RoutesTo, "targetArns[]", byARN},
	}, nil},
	"AWS::ApiGatewayV2::VpcLink": {estate.KindNetwork, vpc("SubnetIds[]", "SecurityGroupIds[]"), nil},
	"AWS::CloudFront::VpcOrigin": {estate.KindNetwork, []edge{
		{estate.RoutesTo, "VpcOriginEndpointConfig.Arn", byARN},
	}, nil},
	"AWS::GlobalAccelerator::Listener":                   {estate.KindNetwork, nil, func(r *reading) { containedBy(r, "/listener/") }},
	"AWS::GlobalAccelerator::EndpointGroup":              {estate.KindNetwork, []edge{{estate.RoutesTo, "EndpointDescriptions[].EndpointId", accelerated}}, func(r *reading) { containedBy(r, "/endpoint-group/") }},
	"AWS::GlobalAccelerator::CustomRoutingListener":      {estate.KindNetwork, nil, func(r *reading) { containedBy(r, "/listener/") }},
	"AWS::GlobalAccelerator::CustomRoutingEndpointGroup": {estate.KindNetwork, []edge{{estate.RoutesTo, "EndpointDescriptions[].EndpointId", ec2("subnet")}}, func(r *reading) { containedBy(r, "/endpoint-group/") }},
	"AWS::EC2::VerifiedAccessInstance":                   {estate.KindNetwork, nil, nil},
	"AWS::EC2::VerifiedAccessGroup": {estate.KindNetwork, []edge{
		{estate.MemberOf, "VerifiedAccessInstanceId", ec2("verified-access-instance")},
	}, nil},
	"AWS::EC2::VerifiedAccessEndpoint": {estate.KindEndpoint, slices.Concat(vpc("LoadBalancerOptions.SubnetIds[]", "SecurityGroupIds[]"), []edge{
		{estate.MemberOf, "RdsOptions.SubnetIds[]", ec2("subnet")},
		{estate.MemberOf, "CidrOptions.SubnetIds[]", ec2("subnet")},
		{estate.MemberOf, "VerifiedAccessGroupId", ec2("verified-access-group")},
		{estate.MemberOf, "VerifiedAccessInstanceId", ec2("verified-access-instance")},
		{estate.RoutesTo, "LoadBalancerOptions.LoadBalancerArn", byARN},
		{estate.RoutesTo, "NetworkInterfaceOptions.NetworkInterfaceId", ec2("network-interface")},
		{estate.RoutesTo, "RdsOptions.RdsDbInstanceArn", byARN},
		{estate.RoutesTo, "RdsOptions.RdsDbClusterArn", byARN},
	}), nil},
	"AWS::EC2::VPCBlockPublicAccessExclusion": {estate.KindPolicy, []edge{{estate.Governs, "ResourceArn", byARN}}, nil},
	"AWS::NetworkFirewall::Firewall": {estate.KindNetwork, []edge{
		{estate.MemberOf, "Firewall.VpcId", ec2("vpc")},
		{estate.Uses, "Firewall.FirewallPolicyArn", byARN},
	}, func(r *reading) {
		for _, n := range r.cfg.at("FirewallStatus.SyncStates").members() {
			if id := n.text("Attachment.EndpointId"); id != "" {
				r.relate(r.named("ec2", "vpc-endpoint/", id), estate.RoutesTo, r.a.ID, r.a.ID+" config.FirewallStatus.SyncStates")
			}
		}
	}},
	"AWS::VpcLattice::ServiceNetworkVpcAssociation": {estate.KindNetwork, []edge{
		{estate.Attached, "securityGroupIds[]", ec2("security-group")},
	}, func(r *reading) {
		if id := r.cfg.text("vpcId"); id != "" {
			r.relate(r.named("ec2", "vpc/", id), estate.RoutesTo, r.a.ID, r.a.ID+" config.vpcId")
		}
		r.relate(r.a.ID, estate.RoutesTo, r.cfg.text("serviceNetworkArn"), "config.serviceNetworkArn")
	}},
	"AWS::VpcLattice::ServiceNetworkServiceAssociation": {estate.KindNetwork, []edge{
		{estate.RoutesTo, "serviceArn", byARN},
	}, func(r *reading) {
		if id := r.cfg.text("serviceNetworkArn"); id != "" {
			r.relate(id, estate.RoutesTo, r.a.ID, r.a.ID+" config.serviceNetworkArn")
		}
	}},
	"AWS::VpcLattice::ServiceNetwork": {estate.KindNetwork, []edge{{"", "GetAuthPolicy.policy", resourcePolicy}}, nil},
	"AWS::VpcLattice::Service":        {estate.KindEndpoint, []edge{{"", "GetAuthPolicy.policy", resourcePolicy}}, nil},
	"AWS::VpcLattice::Listener": {estate.KindNetwork, []edge{
		{estate.RoutesTo, "defaultAction.forward.targetGroups[].targetGroupIdentifier", lattice("targetgroup")},
	}, func(r *reading) { containedBy(r, "/listener/") }},
	"AWS::VpcLattice::Rule": {estate.KindNetwork, []edge{
		{estate.RoutesTo, "action.forward.targetGroups[].targetGroupIdentifier", lattice("targetgroup")},
	}, func(r *reading) { containedBy(r, "/rule/") }},
	"AWS::VpcLattice::TargetGroup": {estate.KindNetwork, []edge{
		{estate.MemberOf, "config.vpcIdentifier", ec2("vpc")},
		{estate.RoutesTo, "ListTargets.items[].id", latticeTarget},
	}, nil},
	"AWS::VpcLattice::ResourceGateway": {estate.KindNetwork, slices.Concat(vpc("subnetIds[]", "securityGroupIds[]"), []edge{
		{estate.MemberOf, "vpcIdentifier", ec2("vpc")},
	}), nil},
	"AWS::VpcLattice::ResourceConfiguration": {estate.KindEndpoint, []edge{
		{estate.Uses, "resourceGatewayId", lattice("resourcegateway")},
		{estate.RoutesTo, "resourceConfigurationDefinition.arnResource.arn", byARN},
	}, nil},
}

// lattice links to a resource of VPC Lattice by id.
func lattice(kind string) linker { return regional("vpc-lattice", kind+"/") }

// latticeTarget links to a target of a group of VPC Lattice by the group's type;
// addresses are no assets here.
func latticeTarget(n node, rel estate.RelationType) {
	switch n.r.cfg.text("type") {
	case "INSTANCE":
		ec2("instance")(n, rel)
	case "LAMBDA":
		function(n, rel)
	case "ALB":
		byARN(n, rel)
	}
}

// accelerated links to what an accelerator leads to: a load balancer, an instance or
// an elastic address.
func accelerated(n node, rel estate.RelationType) {
	switch id := n.str(); {
	case strings.HasPrefix(id, "i-"):
		ec2("instance")(n, rel)
	case strings.HasPrefix(id, "eipalloc-"):
		ec2("elastic-ip")(n, rel)
	default:
		ifARN(n, rel)
	}
}
