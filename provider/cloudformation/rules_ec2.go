package cloudformation

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate/unborn"
)

const securityGroupType = "AWS::EC2::SecurityGroup"

func ec2Onto(typ, property, kind string) *onto {
	return &onto{typ: typ, property: property, id: "@ec2:" + kind + "/{}"}
}

// ec2Rules are those of networks, security groups, instances and disks, whose ids
// only their birth tells.
var ec2Rules = []rule{
	{typ: "AWS::EC2::VPC", as: map[string]string{"EnableDnsHostnames": "", "EnableDnsSupport": "", "Ipv4IpamPoolId": "", "Ipv4NetmaskLength": ""}},
	{typ: "AWS::EC2::Subnet", unset: map[string]any{"MapPublicIpOnLaunch": false, "AssignIpv6AddressOnCreation": false}},
	{typ: securityGroupType, as: map[string]string{"GroupDescription": "Description", "SecurityGroupIngress": "", "SecurityGroupEgress": ""}, ref: "GroupId", more: securityGroup},
	{typ: "AWS::EC2::SecurityGroupIngress", onto: ec2Onto(securityGroupType, "GroupId", "security-group"), more: groupRule(false)},
	{typ: "AWS::EC2::SecurityGroupEgress", onto: ec2Onto(securityGroupType, "GroupId", "security-group"), more: groupRule(true)},
	{typ: "AWS::EC2::RouteTable", unset: map[string]any{"PropagatingVgws": []any{}}, more: func(_ *conversion, d *draft, _ *Resource) {
		d.config["Routes"], d.config["Associations"] = []any{}, []any{}
	}},
	{typ: "AWS::EC2::Route", onto: ec2Onto("AWS::EC2::RouteTable", "RouteTableId", "route-table"), more: route},
	{typ: "AWS::EC2::SubnetRouteTableAssociation", onto: ec2Onto("AWS::EC2::RouteTable", "RouteTableId", "route-table"), more: association},
	{typ: "AWS::EC2::InternetGateway", more: func(_ *conversion, d *draft, _ *Resource) { d.config["Attachments"] = []any{} }},
	{typ: "AWS::EC2::VPCGatewayAttachment", onto: ec2Onto("AWS::EC2::InternetGateway", "InternetGatewayId", "internet-gateway"), more: func(c *conversion, d *draft, r *Resource) {
		d.add("Attachments", c.perhaps(r, map[string]any{"State": "available", "VpcId": c.nameIn(r.Properties["VpcId"])}))
	}},
	{typ: "AWS::EC2::NetworkAcl", more: func(_ *conversion, d *draft, _ *Resource) { d.config["Entries"] = []any{} }},
	{typ: "AWS::EC2::NetworkAclEntry", onto: ec2Onto("AWS::EC2::NetworkAcl", "NetworkAclId", "network-acl"), more: aclEntry},
	{typ: "AWS::EC2::NatGateway", as: map[string]string{"AllocationId": "NatGatewayAddresses[].AllocationId", "PrivateIpAddress": "NatGatewayAddresses[].PrivateIp"}},
	{typ: "AWS::EC2::FlowLog", as: map[string]string{"ResourceId": "ResourceId"}},
	{typ: "AWS::EC2::EIP", as: map[string]string{"InstanceId": "InstanceId"}},
	{typ: "AWS::EC2::VPCEndpoint", as: map[string]string{"SecurityGroupIds": ""}, unset: map[string]any{"State": "available", "VpcEndpointType": "Gateway", "PrivateDnsEnabled": unborn.Later{}, "PolicyDocument": openEndpoint}, more: endpointGroups},
	{typ: "AWS::EC2::Volume", unset: map[string]any{"Attachments": []any{}, "State": "available"}, more: volume},
	{typ: "AWS::EC2::Instance", as: map[string]string{"SecurityGroupIds": "", "SecurityGroups": "", "IamInstanceProfile": "", "BlockDeviceMappings": "", "NetworkInterfaces": "", "UserData": "",
		"Monitoring": "", "AvailabilityZone": "Placement.AvailabilityZone", "Tenancy": "Placement.Tenancy", "Affinity": "Placement.Affinity", "HostId": "Placement.HostId",
		"HostResourceGroupArn": "Placement.HostResourceGroupArn", "PlacementGroupName": "Placement.GroupName", "LicenseSpecifications": "Licenses", "LaunchTemplate": "",
		"Volumes": "", "CreditSpecification": "", "DisableApiTermination": "", "InstanceInitiatedShutdownBehavior": "", "Ipv6AddressCount": "", "Ipv6Addresses": "", "AdditionalInfo": "",
		"PropagateTagsToVolumeOnCreation": "", "SsmAssociations": "", "ElasticGpuSpecifications": "", "ElasticInferenceAccelerators": ""},
		unset: map[string]any{"SourceDestCheck": true}, more: instance},
	{typ: "AWS::EC2::LaunchTemplate", as: map[string]string{"LaunchTemplateData": "", "TagSpecifications": "", "VersionDescription": ""}, unset: map[string]any{"DefaultVersionNumber": jsonInt(1), "LatestVersionNumber": jsonInt(1)}, more: launchTemplate},
	{typ: "AWS::EC2::SnapshotBlockPublicAccess", id: "@ec2:snapshot-block-public-access", unset: map[string]any{"ManagedBy": "account"}},
	{typ: "AWS::EC2::VPCPeeringConnection", as: map[string]string{"VpcId": "RequesterVpcInfo.VpcId", "PeerVpcId": "AccepterVpcInfo.VpcId", "PeerOwnerId": "AccepterVpcInfo.OwnerId", "PeerRegion": "AccepterVpcInfo.Region", "PeerRoleArn": "", "AssumeRoleRegion": ""}},
}

// openEndpoint is the policy AWS gives an endpoint that is given none: it lets
// everything through.
var openEndpoint = map[string]any{"Version": "2008-10-17", "Statement": []any{map[string]any{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}}}

// perhaps is an element, or later where the resource that adds it may not be
// made.
func (c *conversion) perhaps(r *Resource, v any) any {
	if r.Doubt != "" {
		return unborn.Later{}
	}
	return v
}

// securityGroup spells the rules in a group's own properties. A group without
// rules for what leaves lets everything leave.
func securityGroup(c *conversion, d *draft, r *Resource) {
	d.config["IpPermissions"], d.config["IpPermissionsEgress"] = []any{}, []any{}
	for _, side := range [...]struct {
		property string
		egress   bool
	}{{"SecurityGroupIngress", false}, {"SecurityGroupEgress", true}} {
		switch v := r.Properties[side.property].(type) {
		case nil:
		case []any:
			for _, e := range v {
				m, ok := e.(map[string]any)
				if !ok {
					d.add(groupMember(side.egress), unborn.Later{})
					continue
				}
				d.permit(c, m, side.egress)
			}
		default:
			d.config[groupMember(side.egress)] = unborn.Later{}
		}
	}
	if r.Properties["SecurityGroupEgress"] == nil && !c.ruled(r) {
		d.permit(c, map[string]any{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}, true)
	}
}

// ruled reports whether a resource of its own says what may leave a group:
// CloudFormation then takes away the rule that lets everything leave.
func (c *conversion) ruled(group *Resource) bool {
	for i := range c.in.Resources {
		r := &c.in.Resources[i]
		if r.Type == "AWS::EC2::SecurityGroupEgress" && c.owner(r, c.rules[r.Type].onto, r.Properties["GroupId"]) == c.identity(group.Address) {
			return true
		}
	}
	return false
}

func groupMember(egress bool) string {
	if egress {
		return "IpPermissionsEgress"
	}
	return "IpPermissions"
}

func groupRule(egress bool) func(*conversion, *draft, *Resource) {
	return func(c *conversion, d *draft, r *Resource) {
		if r.Doubt != "" {
			d.add(groupMember(egress), unborn.Later{})
			return
		}
		d.permit(c, r.Properties, egress)
	}
}

// peers says where the sources and destinations of one kind stand.
var peers = []struct{ list, member string }{{"IpRanges", "CidrIp"}, {"Ipv6Ranges", "CidrIpv6"}, {"PrefixListIds", "PrefixListId"}, {"UserIdGroupPairs", "GroupId"}}

// permit adds a rule to a group, to the permission of the same protocol and
// ports if there is one.
func (d *draft) permit(c *conversion, rule map[string]any, egress bool) {
	protocol := c.protocol(rule["IpProtocol"])
	from, to := c.port(rule["FromPort"]), c.port(rule["ToPort"])
	if protocol == "-1" {
		from, to = nil, nil
	}
	list, open := d.config[groupMember(egress)].([]any)
	if !open && d.config[groupMember(egress)] != nil {
		return
	}
	var p map[string]any
	for _, e := range list {
		if m, ok := e.(map[string]any); ok && fmt.Sprint(m["IpProtocol"], m["FromPort"], m["ToPort"]) == fmt.Sprint(protocol, from, to) {
			p = m
		}
	}
	if p == nil {
		p = map[string]any{"IpProtocol": protocol, "IpRanges": []any{}, "Ipv6Ranges": []any{}, "PrefixListIds": []any{}, "UserIdGroupPairs": []any{}}
		if from != nil || to != nil {
			p["FromPort"], p["ToPort"] = orLater(from), orLater(to)
		}
		d.add(groupMember(egress), p)
	}
	for k, body := range map[string]any{"IpRanges": rule["CidrIp"], "Ipv6Ranges": rule["CidrIpv6"], "PrefixListIds": firstSet(rule["SourcePrefixListId"], rule["DestinationPrefixListId"]),
		"UserIdGroupPairs": firstSet(rule["SourceSecurityGroupId"], rule["DestinationSecurityGroupId"])} {
		if body == nil {
			continue
		}
		i := slices.IndexFunc(peers, func(p struct{ list, member string }) bool { return p.list == k })
		one := map[string]any{peers[i].member: c.nameIn(body)}
		if text := c.textOf(rule["Description"]); text != "" {
			one["Description"] = text
		}
		have, _ := p[k].([]any)
		p[k] = append(have, one)
	}
	if name := rule["SourceSecurityGroupName"]; name != nil {
		have, _ := p["UserIdGroupPairs"].([]any)
		p["UserIdGroupPairs"] = append(have, map[string]any{"GroupName": c.nameIn(name), "GroupId": unborn.Later{}})
	}
}

func orLater(v any) any {
	if v == nil {
		return unborn.Later{}
	}
	return v
}

func firstSet(vs ...any) any {
	for _, v := range vs {
		if v != nil {
			return v
		}
	}
	return nil
}

// protocol is a protocol as EC2 spells it.
func (c *conversion) protocol(v any) any {
	switch s := strings.ToLower(c.textOf(v)); s {
	case "all", "-1":
		return "-1"
	case "6":
		return "tcp"
	case "17":
		return "udp"
	case "1":
		return "icmp"
	case "":
		return unborn.Later{}
	default:
		return s
	}
}

// port is a port's number, nil where none is given.
func (c *conversion) port(v any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case json.Number:
		return v
	}
	if n, ok := unborn.Number(c.textOf(v)).(json.Number); ok {
		return n
	}
	return unborn.Later{}
}

// route adds a route to its table.
func route(c *conversion, d *draft, r *Resource) {
	out := map[string]any{"State": "active"}
	for _, m := range [...]string{"DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId", "GatewayId", "NatGatewayId", "TransitGatewayId", "VpcPeeringConnectionId",
		"NetworkInterfaceId", "EgressOnlyInternetGatewayId", "LocalGatewayId", "CarrierGatewayId", "CoreNetworkArn", "InstanceId"} {
		if v := r.Properties[m]; v != nil {
			out[m] = c.nameIn(v)
		}
	}
	if v := r.Properties["VpcEndpointId"]; v != nil {
		out["GatewayId"] = c.nameIn(v)
	}
	d.add("Routes", c.perhaps(r, out))
}

func association(c *conversion, d *draft, r *Resource) {
	d.add("Associations", c.perhaps(r, map[string]any{"Main": false, "SubnetId": c.nameIn(r.Properties["SubnetId"])}))
}

func aclEntry(c *conversion, d *draft, r *Resource) {
	p := r.Properties
	egress, known := p["Egress"].(bool)
	out := map[string]any{"RuleNumber": orLater(c.port(p["RuleNumber"])), "RuleAction": c.nameIn(p["RuleAction"]), "Protocol": c.nameIn(p["Protocol"]), "Egress": egress}
	if !known && p["Egress"] != nil {
		out["Egress"] = unborn.Later{}
	}
	for _, m := range [...]string{"CidrBlock", "Ipv6CidrBlock"} {
		if p[m] != nil {
			out[m] = c.nameIn(p[m])
		}
	}
	switch ports := p["PortRange"].(type) {
	case nil:
	case map[string]any:
		out["PortRange"] = map[string]any{"From": orLater(c.port(ports["From"])), "To": orLater(c.port(ports["To"]))}
	default:
		out["PortRange"] = unborn.Later{}
	}
	d.add("Entries", c.perhaps(r, out))
}

// each gives the elements of a list of ids or names, each under member; later where
// the list as a whole is open.
func (c *conversion) each(v any, member string) any {
	switch v := v.(type) {
	case nil:
		return []any{}
	case []any:
		out := []any{}
		for _, e := range v {
			out = append(out, map[string]any{member: c.nameIn(e)})
		}
		return out
	case *Open:
		if id := c.idOf(v); id != "" {
			return []any{map[string]any{member: id}}
		}
	}
	return unborn.Later{}
}

func endpointGroups(c *conversion, d *draft, r *Resource) {
	d.config["Groups"] = c.each(r.Properties["SecurityGroupIds"], "GroupId")
	if r.Properties["VpcEndpointType"] == nil {
		d.config["VpcEndpointType"] = "Gateway"
	}
	if v := r.Properties["PolicyDocument"]; v != nil {
		d.config["PolicyDocument"] = c.policy(v)
	}
}

// volume leaves it open whether a disk is encrypted where the template does not
// say: the region's setting decides, or the snapshot.
func volume(c *conversion, d *draft, r *Resource) {
	if r.Properties["Encrypted"] == nil {
		d.config["Encrypted"] = unborn.Later{}
	}
}

// instance completes an instance: what it reports of itself is spelt otherwise
// than what it is given.
func instance(c *conversion, d *draft, r *Resource) {
	d.config["State"] = map[string]any{"Name": "running"}
	switch {
	case r.Properties["NetworkInterfaces"] != nil:
		d.config["SecurityGroups"] = unborn.Later{}
	case r.Properties["SecurityGroupIds"] != nil:
		d.config["SecurityGroups"] = c.each(r.Properties["SecurityGroupIds"], "GroupId")
	case r.Properties["SecurityGroups"] != nil:
		d.config["SecurityGroups"] = unborn.Later{}
	}
	switch v := r.Properties["IamInstanceProfile"]; {
	case v == nil && r.Properties["LaunchTemplate"] == nil:
		d.config["IamInstanceProfile"] = none{}
	case v != nil:
		id := c.owner(r, &onto{typ: "AWS::IAM::InstanceProfile", id: "arn:{partition}:iam::{account}:instance-profile/{}"}, v)
		if id == "" {
			d.config["IamInstanceProfile"] = map[string]any{"Arn": unborn.Later{}}
		} else {
			d.config["IamInstanceProfile"] = map[string]any{"Arn": id}
		}
	default:
		d.config["IamInstanceProfile"] = unborn.Later{}
	}
}

// launchTemplate puts the data in its first version, as the reply to
// DescribeLaunchTemplateVersions has it.
func launchTemplate(c *conversion, d *draft, r *Resource) {
	sh := d.live.Root.Follow("DescribeLaunchTemplateVersions.LaunchTemplateVersions.LaunchTemplateData")
	if sh == nil {
		return
	}
	rule := &rule{echoes: true, as: map[string]string{"TagSpecifications": ""}}
	s := spot{r: r, rule: rule, as: map[string]string{}, said: schemas()[r.Type].prop("LaunchTemplateData")}
	var data any = unborn.Later{}
	if m, ok := r.Properties["LaunchTemplateData"].(map[string]any); ok {
		data = c.object(s, m, sh)
	}
	d.reply("DescribeLaunchTemplateVersions", map[string]any{"LaunchTemplateVersions": []any{map[string]any{"LaunchTemplateId": unborn.Later{}, "VersionNumber": jsonInt(1),
		"DefaultVersion": true, "LaunchTemplateName": c.text(r.Properties["LaunchTemplateName"]), "LaunchTemplateData": data}}})
}
