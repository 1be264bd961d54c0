package aws

import (
	"slices"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// vpc are the edges of a thing that stands in subnets and has security groups.
func vpc(subnets, groups string) []edge {
	return []edge{
		{estate.MemberOf, subnets, ec2("subnet")},
		{estate.Attached, groups, ec2("security-group")},
	}
}

// ec2Types are the types of EC2 and its networks that declare relations.
var ec2Types = map[string]spec{
	"AWS::EC2::Subnet": {estate.KindNetwork, []edge{{estate.MemberOf, "VpcId", ec2("vpc")}}, nil},
	"AWS::EC2::VPC": {estate.KindNetwork, []edge{
		{estate.Uses, "DhcpOptionsId", dhcp},
	}, nil},
	"AWS::EC2::SecurityGroup": {estate.KindNetwork, []edge{
		{estate.MemberOf, "VpcId", ec2("vpc")},
		{estate.Uses, "IpPermissions[].UserIdGroupPairs[]", groupPair},
		{estate.Uses, "IpPermissionsEgress[].UserIdGroupPairs[]", groupPair},
		{estate.Uses, "IpPermissions[].PrefixListIds[].PrefixListId", ec2("prefix-list")},
		{estate.Uses, "IpPermissionsEgress[].PrefixListIds[].PrefixListId", ec2("prefix-list")},
	}, nil},
	"AWS::EC2::NetworkAcl": {estate.KindNetwork, []edge{
		{estate.MemberOf, "VpcId", ec2("vpc")},
		{estate.Governs, "Associations[].SubnetId", ec2("subnet")},
	}, nil},
	"AWS::EC2::RouteTable":      {estate.KindNetwork, []edge{{estate.MemberOf, "VpcId", ec2("vpc")}}, routeTable},
	"AWS::EC2::InternetGateway": {estate.KindNetwork, []edge{{estate.Attached, "Attachments[].VpcId", ec2("vpc")}}, nil},
	"AWS::EC2::EgressOnlyInternetGateway": {estate.KindNetwork, []edge{
		{estate.Attached, "Attachments[].VpcId", ec2("vpc")},
	}, nil},
	"AWS::EC2::VPNGateway": {estate.KindNetwork, []edge{{estate.Attached, "VpcAttachments[].VpcId", ec2("vpc")}}, nil},
	"AWS::EC2::NatGateway": {estate.KindNetwork, []edge{
		{estate.MemberOf, "SubnetId", ec2("subnet")},
		{estate.MemberOf, "VpcId", ec2("vpc")},
		{estate.Uses, "NatGatewayAddresses[].AllocationId", ec2("elastic-ip")},
		{estate.Contains, "NatGatewayAddresses[].NetworkInterfaceId", ec2("network-interface")},
	}, nil},
	"AWS::EC2::VPCPeeringConnection": {estate.KindNetwork, []edge{
		{estate.RoutesTo, "RequesterVpcInfo", peerVPC},
		{estate.RoutesTo, "AccepterVpcInfo", peerVPC},
	}, nil},
	"AWS::EC2::TransitGatewayAttachment":    {estate.KindNetwork, nil, tgwAttachment},
	"AWS::EC2::TransitGatewayVpcAttachment": {estate.KindNetwork, []edge{{estate.MemberOf, "SubnetIds[]", ec2("subnet")}}, tgwAttachment},
	"AWS::EC2::TransitGatewayPeeringAttachment": {estate.KindNetwork, []edge{
		{estate.RoutesTo, "RequesterTgwInfo", peerTGW},
		{estate.RoutesTo, "AccepterTgwInfo", peerTGW},
	}, tgwAttachment},
	"AWS::EC2::TransitGateway": {estate.KindNetwork, []edge{
		{estate.Uses, "Options.AssociationDefaultRouteTableId", ec2("transit-gateway-route-table")},
		{estate.Uses, "Options.PropagationDefaultRouteTableId", ec2("transit-gateway-route-table")},
	}, nil},
	"AWS::EC2::TransitGatewayRouteTable": {estate.KindNetwork, []edge{
		{estate.MemberOf, "TransitGatewayId", ec2("transit-gateway")},
		{estate.RoutesTo, "SearchTransitGatewayRoutes.Routes[].TransitGatewayAttachments[].TransitGatewayAttachmentId", ec2("transit-gateway-attachment")},
		{estate.Governs, "GetTransitGatewayRouteTableAssociations.Associations[].TransitGatewayAttachmentId", ec2("transit-gateway-attachment")},
		{estate.RoutesTo, "GetTransitGatewayRouteTablePropagations.TransitGatewayRouteTablePropagations[].TransitGatewayAttachmentId", ec2("transit-gateway-attachment")},
	}, nil},
	"AWS::EC2::VPCEndpoint": {estate.KindNetwork, slices.Concat(vpc("SubnetIds[]", "Groups[].GroupId"), []edge{
		{estate.MemberOf, "VpcId", ec2("vpc")},
		{estate.Contains, "NetworkInterfaceIds[]", ec2("network-interface")},
		{estate.Uses, "RouteTableIds[]", ec2("route-table")},
		{estate.RoutesTo, "ServiceName", endpointService},
		{"", "PolicyDocument", resourcePolicy},
	}), nil},
	"AWS::EC2::VPCEndpointService": {estate.KindNetwork, []edge{
		{estate.RoutesTo, "NetworkLoadBalancerArns[]", byARN},
		{estate.RoutesTo, "GatewayLoadBalancerArns[]", byARN},
		{estate.Grants, "DescribeVpcEndpointServicePermissions.AllowedPrincipals[].Principal", grantee},
	}, nil},
	"AWS::EC2::FlowLog": {estate.KindEventSource, []edge{
		{estate.Governs, "ResourceId", flowTarget},
		{estate.LogsTo, "LogGroupName", logGroup},
		{estate.LogsTo, "LogDestination", flowDestination},
		{estate.RunsAs, "DeliverLogsPermissionArn", role},
	}, nil},
	"AWS::EC2::NetworkInterface": {estate.KindNetwork, slices.Concat(vpc("SubnetId", "Groups[].GroupId"), []edge{
		{estate.MemberOf, "VpcId", ec2("vpc")},
		{estate.Attached, "Attachment.InstanceId", ec2("instance")},
		{estate.Uses, "Association.AllocationId", ec2("elastic-ip")},
	}), nil},
	"AWS::EC2::Instance": {estate.KindCompute, slices.Concat(vpc("SubnetId", "SecurityGroups[].GroupId"), []edge{
		{estate.MemberOf, "VpcId", ec2("vpc")},
		{estate.RunsAs, "IamInstanceProfile.Arn", profile},
		{estate.Contains, "NetworkInterfaces[].NetworkInterfaceId", ec2("network-interface")},
		{estate.Contains, "BlockDeviceMappings[].Ebs.VolumeId", ec2("volume")},
		{estate.Loads, "ImageId", ec2("image")},
		{estate.Uses, "KeyName", ec2("key-pair")},
	}), instanceRoot},
	"AWS::EC2::LaunchTemplate": {estate.KindCompute, []edge{
		{estate.RunsAs, "DescribeLaunchTemplateVersions.LaunchTemplateVersions[].LaunchTemplateData.IamInstanceProfile.Arn", profile},
		{estate.RunsAs, "DescribeLaunchTemplateVersions.LaunchTemplateVersions[].LaunchTemplateData.IamInstanceProfile.Name", profile},
		{estate.Loads, "DescribeLaunchTemplateVersions.LaunchTemplateVersions[].LaunchTemplateData.ImageId", ec2("image")},
		{estate.Attached, "DescribeLaunchTemplateVersions.LaunchTemplateVersions[].LaunchTemplateData.SecurityGroupIds[]", ec2("security-group")},
		{estate.Attached, "DescribeLaunchTemplateVersions.LaunchTemplateVersions[].LaunchTemplateData.NetworkInterfaces[].Groups[]", ec2("security-group")},
		{estate.MemberOf, "DescribeLaunchTemplateVersions.LaunchTemplateVersions[].LaunchTemplateData.NetworkInterfaces[].SubnetId", ec2("subnet")},
	}, launchTemplateRoot},
	"AWS::EC2::Volume": {estate.KindStore, []edge{
		{estate.EncryptsBy, "KmsKeyId", key},
		{estate.Uses, "SnapshotId", ec2("snapshot")},
	}, nil},
	"AWS::EC2::Snapshot": {estate.KindStore, []edge{
		{estate.EncryptsBy, "KmsKeyId", key},
		{estate.Grants, "DescribeSnapshotAttribute.CreateVolumePermissions[]", shared},
	}, nil},
	"AWS::EC2::Image": {estate.KindImage, []edge{
		{estate.Contains, "BlockDeviceMappings[].Ebs.SnapshotId", ec2("snapshot")},
		{estate.Grants, "DescribeImageAttribute.LaunchPermissions[]", shared},
	}, nil},
	"AWS::EC2::EIP": {estate.KindNetwork, []edge{
		{estate.Attached, "InstanceId", ec2("instance")},
		{estate.Attached, "NetworkInterfaceId", ec2("network-interface")},
	}, nil},
	"AWS::EC2::VPNConnection": {estate.KindNetwork, []edge{
		{estate.RoutesTo, "VpnGatewayId", ec2("vpn-gateway")},
		{estate.RoutesTo, "TransitGatewayId", ec2("transit-gateway")},
		{estate.RoutesTo, "CustomerGatewayId", ec2("customer-gateway")},
	}, nil},
	"AWS::EC2::ClientVpnEndpoint": {estate.KindNetwork, []edge{
		{estate.MemberOf, "VpcId", ec2("vpc")},
		{estate.Attached, "SecurityGroupIds[]", ec2("security-group")},
		{estate.MemberOf, "DescribeClientVpnTargetNetworks.ClientVpnTargetNetworks[].TargetNetworkId", ec2("subnet")},
		{estate.LogsTo, "ConnectionLogOptions.CloudwatchLogGroup", logGroup},
	}, nil},
	"AWS::EC2::EBSEncryptionByDefault": {estate.KindPolicy, []edge{
		{estate.EncryptsBy, "GetEbsDefaultKmsKeyId.KmsKeyId", key},
	}, nil},
}
