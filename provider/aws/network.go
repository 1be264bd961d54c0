package aws

import (
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// dhcp links a VPC to its DHCP options; "default" names none.
func dhcp(n node, rel estate.RelationType) {
	if n.str() != "default" {
		ec2("dhcp-options")(n, rel)
	}
}

// elsewhere completes an EC2 id that belongs to a stated account and region.
func (r *reading) elsewhere(kind, id, account, region string) string {
	if id == "" || isID(id) {
		return id
	}
	return ARN{r.partition(), "ec2", firstOf(region, r.region()), firstOf(account, r.account()), kind + "/" + id}.String()
}

// groupPair relates a security group to one that its rules name, which may be
// another account's.
func groupPair(n node, rel estate.RelationType) {
	n.relation(rel, n.r.elsewhere("security-group", n.text("GroupId"), n.text("UserId"), ""))
}

// peerVPC relates a peering and one of its two networks, both ways: traffic
// passes in both.
func peerVPC(n node, rel estate.RelationType) {
	id := n.r.elsewhere("vpc", n.text("VpcId"), n.text("OwnerId"), n.text("Region"))
	n.relation(rel, id)
	n.r.relate(id, rel, n.r.a.ID, n.r.a.ID+" "+n.path)
}

// peerTGW relates a transit gateway peering and one of its gateways.
func peerTGW(n node, rel estate.RelationType) {
	id := n.r.elsewhere("transit-gateway", n.text("TransitGatewayId"), n.text("OwnerId"), n.text("Region"))
	n.relation(rel, id)
	n.r.relate(id, rel, n.r.a.ID, n.r.a.ID+" "+n.path)
}

// routeTable reads which subnets a table routes for and where its routes lead.
func routeTable(r *reading) {
	vpc := r.named("ec2", "vpc/", r.cfg.text("VpcId"))
	for n := range r.cfg.each("Associations[]") {
		for _, end := range []struct{ member, kind string }{{"SubnetId", "subnet"}, {"GatewayId", "internet-gateway"}} {
			at := n.at(end.member)
			if id := at.str(); id != "" {
				r.relate(r.hop(end.kind, id), estate.RoutesTo, r.a.ID, r.a.ID+" "+at.path)
			}
		}
		if n.at("Main").flag() && vpc != "" {
			r.relate(vpc, estate.Uses, r.a.ID, r.a.ID+" "+n.path+".Main")
		}
	}
	for n := range r.cfg.each("Routes[]") {
		for _, hop := range hops {
			if at := n.at(hop.member); at.str() != "" && at.str() != "local" {
				at.relation(estate.RoutesTo, r.hop(hop.kind, at.str()))
			}
		}
		if at := n.at("DestinationPrefixListId"); at.ok() {
			ec2("prefix-list")(at, estate.Uses)
		}
	}
}

// hops are the members of a route that name its next hop, and the kind of each.
var hops = []struct{ member, kind string }{
	{"GatewayId", "internet-gateway"}, {"NatGatewayId", "natgateway"}, {"TransitGatewayId", "transit-gateway"},
	{"VpcPeeringConnectionId", "vpc-peering-connection"}, {"NetworkInterfaceId", "network-interface"},
	{"EgressOnlyInternetGatewayId", "egress-only-internet-gateway"}, {"InstanceId", "instance"},
	{"LocalGatewayId", "local-gateway"}, {"CarrierGatewayId", "carrier-gateway"}, {"CoreNetworkArn", ""},
}

// hop gives the id of a next hop. What stands in GatewayId may also be a
// virtual private gateway or a gateway endpoint: the id's own prefix says.
func (r *reading) hop(kind, id string) string {
	switch {
	case strings.HasPrefix(id, "vgw-"):
		kind = "vpn-gateway"
	case strings.HasPrefix(id, "vpce-"):
		kind = "vpc-endpoint"
	}
	return r.named("ec2", kind+"/", id)
}

// tgwAttachment relates an attachment to its gateway and to what it attaches,
// both ways. VPC and peering attachments are further readings of the general
// attachment with the same id, to which route tables point.
func tgwAttachment(r *reading) {
	id := r.cfg.text("TransitGatewayAttachmentId")
	general := r.named("ec2", "transit-gateway-attachment/", id)
	if general != "" && general != r.a.ID {
		r.relate(general, estate.RoutesTo, r.a.ID, r.a.ID+" config.TransitGatewayAttachmentId")
		r.relate(r.a.ID, estate.RoutesTo, general, "config.TransitGatewayAttachmentId")
	}
	both := func(id, path string) {
		r.relate(r.a.ID, estate.RoutesTo, id, path)
		if id != "" {
			r.relate(id, estate.RoutesTo, r.a.ID, r.a.ID+" "+path)
		}
	}
	both(r.elsewhere("transit-gateway", r.cfg.text("TransitGatewayId"), r.cfg.text("TransitGatewayOwnerId"), ""), "config.TransitGatewayId")
	both(r.elsewhere("vpc", r.cfg.text("VpcId"), r.cfg.text("VpcOwnerId"), ""), "config.VpcId")
	kinds := map[string]string{"vpc": "vpc", "vpn": "vpn-connection", "peering": "transit-gateway"}
	if kind := kinds[r.cfg.text("ResourceType")]; kind != "" {
		both(r.elsewhere(kind, r.cfg.text("ResourceId"), r.cfg.text("ResourceOwnerId"), ""), "config.ResourceId")
	}
}

// endpointService links a VPC endpoint to the service it leads to, as the
// service principal where the service is AWS's own.
func endpointService(n node, rel estate.RelationType) {
	s := n.str()
	if i := strings.Index(s, "vpce-svc-"); i >= 0 {
		n.relation(rel, n.r.named("ec2", "vpc-endpoint-service/", s[i:]))
		return
	}
	if s == "" {
		return
	}
	id := "endpoint-service://" + s
	n.r.part(estate.Asset{ID: id, Type: "AWS::EC2::EndpointService", Kind: estate.KindService, Name: s, Region: n.r.region()})
	n.relation(rel, id)
}

// flowTarget links a flow log to the network, subnet or interface it watches.
func flowTarget(n node, rel estate.RelationType) {
	id := n.str()
	if unborn(id) {
		n.relation(rel, id)
		return
	}
	for prefix, kind := range map[string]string{"vpc-": "vpc", "subnet-": "subnet", "eni-": "network-interface",
		"tgw-attach-": "transit-gateway-attachment"} {
		if strings.HasPrefix(id, prefix) {
			n.relation(rel, n.r.named("ec2", kind+"/", id))
			return
		}
	}
	if strings.HasPrefix(id, "tgw-") {
		n.relation(rel, n.r.named("ec2", "transit-gateway/", id))
	}
}

// flowDestination links to where flow records go, a bucket without its prefix.
func flowDestination(n node, rel estate.RelationType) {
	a, ok := ParseARN(n.str())
	switch {
	case !ok && n.str() != "":
		n.problem("expected an ARN")
	case ok && a.Service == "logs":
		logGroup(n, rel)
	default:
		bucket(n, rel)
	}
}

// grantee relates to a principal that stands alone, outside a policy.
func grantee(n node, rel estate.RelationType) {
	s := n.str()
	if s == "" {
		return
	}
	typ := "AWS"
	if strings.HasSuffix(s, ".amazonaws.com") {
		typ = "Service"
	}
	n.relation(rel, n.r.principalID(Principal{typ, s}))
}

// shared relates a snapshot or image to whom it is shared with.
func shared(n node, rel estate.RelationType) {
	if n.text("Group") == "all" {
		n.relation(rel, n.r.principalID(Principal{"*", "*"}))
	}
	if at := n.at("UserId"); at.ok() {
		account(at, rel)
	}
	for _, member := range []string{"OrganizationArn", "OrganizationalUnitArn"} {
		if at := n.at(member); at.ok() {
			byARN(at, rel)
		}
	}
}
