package terraform

import "github.com/sevenfold-sec/sevenfold/estate/unborn"

// ec2Rules are those of networks, security groups, instances and disks.
var ec2Rules = []rule{
	{tf: "aws_vpc", typ: "AWS::EC2::VPC", as: map[string]string{"id": "VpcId", "enable_dns_hostnames": "", "enable_dns_support": "", "default_network_acl_id": "",
		"default_route_table_id": "", "default_security_group_id": "", "main_route_table_id": ""}},
	{tf: "aws_default_vpc", typ: "AWS::EC2::VPC", as: map[string]string{"id": "VpcId"}},
	{tf: "aws_subnet", typ: "AWS::EC2::Subnet", as: map[string]string{"id": "SubnetId"}},
	{tf: "aws_security_group", typ: "AWS::EC2::SecurityGroup", as: map[string]string{"id": "GroupId", "name": "GroupName", "name_prefix": "", "ingress": "", "egress": ""}, more: securityGroup},
	{tf: "aws_default_security_group", typ: "AWS::EC2::SecurityGroup", as: map[string]string{"id": "GroupId", "name": "GroupName", "ingress": "", "egress": ""}, more: securityGroup},
	{tf: "aws_security_group_rule", typ: "AWS::EC2::SecurityGroup", onto: groupOnto, more: groupRule(oldRule), less: lessRule(oldRule)},
	{tf: "aws_vpc_security_group_ingress_rule", typ: "AWS::EC2::SecurityGroup", onto: groupOnto, more: groupRule(newRule), less: lessRule(newRule)},
	{tf: "aws_vpc_security_group_egress_rule", typ: "AWS::EC2::SecurityGroup", onto: groupOnto, more: groupRule(newRule), less: lessRule(newRule)},
	{tf: "aws_network_acl", typ: "AWS::EC2::NetworkAcl", as: map[string]string{"id": "NetworkAclId", "ingress": "", "egress": "", "subnet_ids": ""}, more: networkACL},
	{tf: "aws_network_acl_rule", typ: "AWS::EC2::NetworkAcl", onto: ec2Onto("AWS::EC2::NetworkAcl", "network_acl_id", "network-acl"), more: aclRule},
	{tf: "aws_route_table", typ: "AWS::EC2::RouteTable", as: map[string]string{"id": "RouteTableId", "route": "", "propagating_vgws": "PropagatingVgws[].GatewayId"}, more: routeTable},
	{tf: "aws_route", typ: "AWS::EC2::RouteTable", onto: ec2Onto("AWS::EC2::RouteTable", "route_table_id", "route-table"), more: addRoute, less: lessRoute},
	{tf: "aws_route_table_association", typ: "AWS::EC2::RouteTable", onto: ec2Onto("AWS::EC2::RouteTable", "route_table_id", "route-table"), more: association},
	{tf: "aws_internet_gateway", typ: "AWS::EC2::InternetGateway", as: map[string]string{"id": "InternetGatewayId", "vpc_id": "Attachments[].VpcId"}},
	{tf: "aws_egress_only_internet_gateway", typ: "AWS::EC2::EgressOnlyInternetGateway", composed: true, id: "@ec2:egress-only-internet-gateway/{id}",
		as: map[string]string{"id": "EgressOnlyInternetGatewayId", "vpc_id": "Attachments[].VpcId"}},
	{tf: "aws_nat_gateway", typ: "AWS::EC2::NatGateway", id: "@ec2:natgateway/{id}",
		as: map[string]string{"id": "NatGatewayId", "allocation_id": "NatGatewayAddresses[].AllocationId", "public_ip": "NatGatewayAddresses[].PublicIp",
			"private_ip": "NatGatewayAddresses[].PrivateIp", "network_interface_id": "NatGatewayAddresses[].NetworkInterfaceId"}},
	{tf: "aws_eip", typ: "AWS::EC2::EIP", composed: true, id: "@ec2:elastic-ip/{allocation_id}", as: map[string]string{"instance": "InstanceId", "id": "",
		"network_interface": "NetworkInterfaceId", "private_ip": "PrivateIpAddress"}},
	{tf: "aws_vpc_endpoint", typ: "AWS::EC2::VPCEndpoint", born: map[string]any{"State": "available"}, as: map[string]string{"id": "VpcEndpointId", "policy": "PolicyDocument", "security_group_ids": "",
		"private_dns_enabled": "PrivateDnsEnabled", "dns_entry": "DnsEntries"}, more: endpointGroups},
	{tf: "aws_vpc_endpoint_policy", typ: "AWS::EC2::VPCEndpoint", onto: ec2Onto("AWS::EC2::VPCEndpoint", "vpc_endpoint_id", "vpc-endpoint"), more: endpointPolicy},
	{tf: "aws_vpc_peering_connection", typ: "AWS::EC2::VPCPeeringConnection", id: "@ec2:vpc-peering-connection/{id}",
		as: map[string]string{"id": "VpcPeeringConnectionId", "vpc_id": "RequesterVpcInfo.VpcId", "peer_vpc_id": "AccepterVpcInfo.VpcId",
			"peer_owner_id": "AccepterVpcInfo.OwnerId", "peer_region": "AccepterVpcInfo.Region", "accepter": "", "requester": "", "accept_status": "Status.Code"}},
	{tf: "aws_flow_log", typ: "AWS::EC2::FlowLog", born: map[string]any{"FlowLogStatus": "ACTIVE"}, as: map[string]string{"id": "FlowLogId", "vpc_id": "ResourceId", "subnet_id": "ResourceId", "eni_id": "ResourceId",
		"iam_role_arn": "DeliverLogsPermissionArn", "transit_gateway_id": "", "transit_gateway_attachment_id": "", "destination_options": "DestinationOptions"}},
	{tf: "aws_ec2_transit_gateway", typ: "AWS::EC2::TransitGateway", as: map[string]string{"id": "TransitGatewayId"}},
	{tf: "aws_ec2_transit_gateway_vpc_attachment", typ: "AWS::EC2::TransitGatewayVpcAttachment", id: "@ec2:transit-gateway-vpc-attachment/{id}", composed: true,
		as: map[string]string{"id": "TransitGatewayAttachmentId"}},
	{tf: "aws_ec2_managed_prefix_list", typ: "AWS::EC2::PrefixList", as: map[string]string{"id": "PrefixListId", "name": "PrefixListName", "entry": "GetManagedPrefixListEntries.Entries"}},
	{tf: "aws_network_interface", typ: "AWS::EC2::NetworkInterface", as: map[string]string{"id": "NetworkInterfaceId", "security_groups": "", "attachment": "", "private_ips": "", "private_ip": "PrivateIpAddress",
		"ipv6_addresses": "Ipv6Addresses[].Ipv6Address", "ipv4_prefixes": "Ipv4Prefixes[].Ipv4Prefix", "ipv6_prefixes": "Ipv6Prefixes[].Ipv6Prefix"}},
	{tf: "aws_instance", typ: "AWS::EC2::Instance", as: map[string]string{"id": "InstanceId", "ami": "ImageId", "instance_type": "InstanceType", "key_name": "KeyName",
		"vpc_security_group_ids": "", "security_groups": "", "iam_instance_profile": "", "root_block_device": "", "ebs_block_device": "", "ephemeral_block_device": "",
		"network_interface": "", "monitoring": "", "user_data": "", "user_data_base64": "", "launch_template": "", "instance_state": "State.Name", "tenancy": "Placement.Tenancy",
		"availability_zone": "Placement.AvailabilityZone", "placement_group": "Placement.GroupName", "host_id": "Placement.HostId", "private_dns": "PrivateDnsName",
		"public_dns": "PublicDnsName", "public_ip": "PublicIpAddress", "private_ip": "PrivateIpAddress", "hibernation": "HibernationOptions.Configured",
		"enclave_options": "EnclaveOptions", "metadata_options.http_tokens": "HttpTokens", "associate_public_ip_address": ""}, more: instance},
	{tf: "aws_launch_template", typ: "AWS::EC2::LaunchTemplate", as: launchTemplateAs, more: launchTemplate},
	{tf: "aws_ebs_volume", typ: "AWS::EC2::Volume", as: map[string]string{"id": "VolumeId", "type": "VolumeType", "multi_attach_enabled": "MultiAttachEnabled"},
		with: map[string]any{"Encrypted": false}},
	{tf: "aws_ebs_snapshot", typ: "AWS::EC2::Snapshot", as: snapshotAs, born: map[string]any{"State": "completed"}, newborn: sharedWithNobody, more: copied},
	{tf: "aws_ebs_snapshot_copy", typ: "AWS::EC2::Snapshot", as: snapshotAs, born: map[string]any{"State": "completed"}, newborn: sharedWithNobody},
	{tf: "aws_snapshot_create_volume_permission", typ: "AWS::EC2::Snapshot", onto: ec2Onto("AWS::EC2::Snapshot", "snapshot_id", "snapshot"), more: sharedSnapshot},
	{tf: "aws_ebs_encryption_by_default", typ: "AWS::EC2::EBSEncryptionByDefault", composed: true, id: "@ec2:ebs-encryption-by-default",
		as: map[string]string{"enabled": "EbsEncryptionByDefault"}, with: map[string]any{"EbsEncryptionByDefault": true}},
	{tf: "aws_ebs_snapshot_block_public_access", typ: "AWS::EC2::SnapshotBlockPublicAccess", composed: true, id: "@ec2:snapshot-block-public-access"},
	{tf: "aws_ec2_image_block_public_access", typ: "AWS::EC2::ImageBlockPublicAccess", composed: true, id: "@ec2:image-block-public-access",
		as: map[string]string{"state": "ImageBlockPublicAccessState"}},
	{tf: "aws_ec2_instance_metadata_defaults", typ: "AWS::EC2::InstanceMetadataDefaults", composed: true, id: "@ec2:instance-metadata-defaults"},
}

func ec2Onto(typ, attribute, kind string) *onto {
	return &onto{typ: typ, attribute: attribute, id: "@ec2:" + kind + "/{}"}
}

// launchTemplateAs leaves to launchTemplate what stands in the template's data.
var launchTemplateAs = map[string]string{"id": "LaunchTemplateId", "name": "LaunchTemplateName", "name_prefix": "", "default_version": "DefaultVersionNumber",
	"latest_version": "LatestVersionNumber"}

// templateAs spells a launch template's data.
var templateAs = map[string]string{"vpc_security_group_ids": "SecurityGroupIds", "security_group_names": "SecurityGroups", "id": "", "arn": "", "name": "",
	"description": "", "iam_instance_profile": "IamInstanceProfile", "iam_instance_profile.arn": "Arn", "iam_instance_profile.name": "Name",
	"block_device_mappings": "BlockDeviceMappings", "network_interfaces": "NetworkInterfaces", "network_interfaces.security_groups": "Groups", "network_interfaces.ipv4_prefixes": "Ipv4Prefixes[].Ipv4Prefix",
	"network_interfaces.ipv6_addresses": "Ipv6Addresses[].Ipv6Address", "network_interfaces.ipv6_prefixes": "Ipv6Prefixes[].Ipv6Prefix",
	"tags": "", "tags_all": "", "image_id": "ImageId", "user_data": "UserData", "tag_specifications": "", "instance_requirements": "InstanceRequirements"}

// launchTemplate puts the data in its default and latest version, as the reply
// to DescribeLaunchTemplateVersions has it.
func launchTemplate(c *conversion, d *draft, r *Resource) {
	reply := d.live.Root.Named("DescribeLaunchTemplateVersions")
	if reply == nil {
		return
	}
	versions := reply.Named("LaunchTemplateVersions")
	data := versions.Named("LaunchTemplateData")
	body := c.object(spot{r: r, as: templateAs}, r.Values, r.Unknown, data)
	sayableOf(r.Type, templateAs, data).unsay(body, data, true)
	version := map[string]any{"LaunchTemplateName": c.text(r, "name"), "LaunchTemplateData": body, "VersionNumber": unborn.Later{}, "LaunchTemplateId": unborn.Later{}}
	if id := c.known(r, "id"); id != "" {
		version["LaunchTemplateId"] = id
	}
	if r.Born {
		version["VersionNumber"] = 1
	}
	version["DefaultVersion"] = r.Born || r.Values["update_default_version"] == true
	d.config["DescribeLaunchTemplateVersions"] = map[string]any{"LaunchTemplateVersions": []any{version}}
	d.answered("DescribeLaunchTemplateVersions", "ok")
	if !r.Born && version["DefaultVersion"] == false {
		// The default version is another, which the plan does not show.
		d.config["DescribeLaunchTemplateVersions"] = map[string]any{"LaunchTemplateVersions": []any{version, unborn.Later{}}}
	}
}

// instance completes an instance.
func instance(c *conversion, d *draft, r *Resource) {
	ids := c.value(spot{r: r}.step("vpc_security_group_ids"), r.Values["vpc_security_group_ids"], maskOf(r, "vpc_security_group_ids"), &unborn.Shape{Name: "Ids"}, "[s")
	d.said["SecurityGroups"] = true
	switch ids := ids.(type) {
	case []any:
		out := []any{}
		for _, id := range ids {
			out = append(out, map[string]any{"GroupId": id})
		}
		d.config["SecurityGroups"] = out
	case unborn.Later:
		d.config["SecurityGroups"] = ids
	}
	d.said["IamInstanceProfile"] = true
	switch profile := c.text(r, "iam_instance_profile").(type) {
	case string:
		arn := profile
		if id := c.fillNamed(r, "arn:{partition}:iam::{account}:instance-profile/{}", profile); id != "" && !isID(profile) {
			arn = id
		}
		if isID(arn) {
			d.config["IamInstanceProfile"] = map[string]any{"Arn": arn}
		} else {
			d.config["IamInstanceProfile"] = map[string]any{"Arn": unborn.Later{}}
		}
	case unborn.Later:
		d.config["IamInstanceProfile"] = profile
	}
	if r.Born {
		d.config["State"], d.said["State"] = map[string]any{"Name": "running"}, true
	}
}

// networkACL spells the inline entries of a network access list.
func networkACL(c *conversion, d *draft, r *Resource) {
	d.said["Entries"] = true
	entries := []any{}
	for _, side := range [...]string{"ingress", "egress"} {
		list, _ := r.Values[side].([]any)
		for _, e := range list {
			m, _ := e.(map[string]any)
			entries = append(entries, aclEntry(m["rule_no"], m["action"], m["protocol"], m["cidr_block"], m["ipv6_cidr_block"], m["from_port"], m["to_port"], side == "egress"))
		}
	}
	d.config["Entries"] = entries
	if !listOfObjects(r.Values["ingress"]) || !listOfObjects(r.Values["egress"]) || maskOf(r, "ingress") != nil && maskOf(r, "ingress") != false || maskOf(r, "egress") != nil && maskOf(r, "egress") != false {
		d.config["Entries"] = unborn.Later{}
	}
	d.said["Associations"] = true
	list, _ := r.Values["subnet_ids"].([]any)
	out := []any{}
	for _, s := range list {
		out = append(out, map[string]any{"SubnetId": s})
	}
	for _, ref := range c.refs(r, []string{"subnet_ids"}) {
		if maskOf(r, "subnet_ids") != nil {
			out = append(out, map[string]any{"SubnetId": c.identity(ref.Address)})
		}
	}
	d.config["Associations"] = out
}

func aclEntry(number, action, protocol, cidr, cidr6, from, to any, egress bool) map[string]any {
	out := map[string]any{"RuleNumber": number, "RuleAction": action, "Protocol": unborn.Text(protocol), "Egress": egress}
	for k, v := range map[string]any{"CidrBlock": cidr, "Ipv6CidrBlock": cidr6} {
		if s := str(v); s != "" {
			out[k] = s
		}
	}
	if from != nil && to != nil {
		out["PortRange"] = map[string]any{"From": from, "To": to}
	}
	return out
}

func aclRule(c *conversion, d *draft, r *Resource) {
	v := r.Values
	d.add("Entries", aclEntry(v["rule_number"], v["rule_action"], v["protocol"], v["cidr_block"], v["ipv6_cidr_block"], v["from_port"], v["to_port"], v["egress"] == true), nil)
}

// routeAs are the members of a route and the attributes that make them, in the
// route table's blocks and in aws_route.
var routeAs = [][]string{
	{"DestinationCidrBlock", "destination_cidr_block", "cidr_block"}, {"DestinationIpv6CidrBlock", "destination_ipv6_cidr_block", "ipv6_cidr_block"},
	{"DestinationPrefixListId", "destination_prefix_list_id"}, {"GatewayId", "gateway_id", "vpc_endpoint_id"}, {"NatGatewayId", "nat_gateway_id"},
	{"TransitGatewayId", "transit_gateway_id"}, {"VpcPeeringConnectionId", "vpc_peering_connection_id"}, {"NetworkInterfaceId", "network_interface_id"},
	{"EgressOnlyInternetGatewayId", "egress_only_gateway_id"}, {"LocalGatewayId", "local_gateway_id"}, {"CarrierGatewayId", "carrier_gateway_id"}, {"CoreNetworkArn", "core_network_arn"},
}

// route spells one route; path is where its attributes stand.
func (c *conversion) route(r *Resource, values map[string]any, mask any, path []string) map[string]any {
	out := map[string]any{"State": "active"}
	masks, _ := mask.(map[string]any)
	for _, m := range routeAs {
		for _, attribute := range m[1:] {
			if s := str(values[attribute]); s != "" {
				out[m[0]] = s
			} else if masks[attribute] == true || mask == true {
				refs := c.refs(r, append(path[:len(path):len(path)], attribute))
				switch {
				case len(refs) == 1:
					out[m[0]] = c.identity(refs[0].Address)
				case c.in.hasExpression(r, attribute) && len(path) == 0:
					out[m[0]] = unborn.Later{}
				}
			}
		}
	}
	return out
}

func routeTable(c *conversion, d *draft, r *Resource) {
	d.said["Routes"], d.said["Associations"] = true, true
	routes := []any{}
	list, _ := r.Values["route"].([]any)
	masks, _ := maskOf(r, "route").([]any)
	for i, e := range list {
		m, _ := e.(map[string]any)
		routes = append(routes, c.route(r, m, element(masks, i), []string{"route", unborn.Text(i)}))
	}
	d.config["Routes"], d.config["Associations"] = routes, []any{}
	if maskOf(r, "route") == true {
		d.config["Routes"] = unborn.Later{} // until a route of its own says that none stand in the table
	}
	if !r.Born {
		d.open("Associations")
	}
}

func addRoute(c *conversion, d *draft, r *Resource) {
	d.add("Routes", c.route(r, r.Values, r.Unknown, nil), sameRoute(r))
}

func lessRoute(c *conversion, d *draft, r *Resource) {
	if !c.still(r, "destination_cidr_block") {
		d.drop("Routes", sameRoute(r))
	}
}

func sameRoute(r *Resource) func(any) bool {
	return func(e any) bool {
		m, _ := e.(map[string]any)
		for _, p := range [...][2]string{{"DestinationCidrBlock", "destination_cidr_block"}, {"DestinationIpv6CidrBlock", "destination_ipv6_cidr_block"}} {
			if s := str(r.Values[p[1]]); s != "" && m[p[0]] == s {
				return true
			}
		}
		return false
	}
}

func association(c *conversion, d *draft, r *Resource) {
	out := map[string]any{"Main": false}
	if v := c.text(r, "subnet_id"); v != nil {
		out["SubnetId"] = v
	}
	if v := c.text(r, "gateway_id"); v != nil {
		out["GatewayId"] = v
	}
	same := func(e any) bool {
		m, _ := e.(map[string]any)
		return out["SubnetId"] != nil && m["SubnetId"] == out["SubnetId"]
	}
	d.add("Associations", out, same)
}

// endpointGroups spells the security groups of a VPC endpoint.
func endpointGroups(c *conversion, d *draft, r *Resource) {
	d.said["Groups"] = true
	v := c.value(spot{r: r}.step("security_group_ids"), r.Values["security_group_ids"], maskOf(r, "security_group_ids"), &unborn.Shape{Name: "Ids"}, "[s")
	if list, ok := v.([]any); ok {
		out := []any{}
		for _, id := range list {
			out = append(out, map[string]any{"GroupId": id})
		}
		d.config["Groups"] = out
	}
	if r.Born && d.config["PolicyDocument"] == (unborn.Later{}) && !c.in.hasExpression(r, "policy") {
		// AWS gives an endpoint without a policy one that lets everything through.
		d.config["PolicyDocument"] = map[string]any{"Version": "2008-10-17",
			"Statement": []any{map[string]any{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}}
	}
}

func endpointPolicy(c *conversion, d *draft, r *Resource) {
	d.config["PolicyDocument"], d.said["PolicyDocument"] = c.policy(r, "policy"), true
}

var snapshotAs = map[string]string{"id": "SnapshotId", "encrypted": "Encrypted"}

// sharedWithNobody is what a new snapshot lets others do.
var sharedWithNobody = map[string]map[string]any{"DescribeSnapshotAttribute": {"CreateVolumePermissions": []any{}}}

// copied takes what a snapshot has from the disk it is made of, where the disk
// is in the plan: AWS encrypts the one as the other.
func copied(c *conversion, d *draft, r *Resource) {
	refs := c.refs(r, []string{"volume_id"})
	if len(refs) != 1 || c.resources[refs[0].Address] == nil || c.resources[refs[0].Address].Type != "aws_ebs_volume" {
		return
	}
	switch disk := c.resources[refs[0].Address]; {
	case maskOf(disk, "encrypted") != nil:
	case disk.Values["encrypted"] == true:
		d.config["Encrypted"], d.said["Encrypted"] = true, true
	}
}

// sharedSnapshot adds the account that a snapshot is shared with.
func sharedSnapshot(c *conversion, d *draft, r *Resource) {
	var with any = unborn.Later{}
	if account := c.known(r, "account_id"); account != "" {
		with = account
	}
	d.inReply("DescribeSnapshotAttribute", "CreateVolumePermissions", map[string]any{"UserId": with})
}
