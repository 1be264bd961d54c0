package network

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach/aws"
)

// readers fill the model from the assets of one type each.
var readers = map[string]func(*World, *estate.Asset, estate.Node, json.RawMessage) error{
	"AWS::EC2::VPC":                             readVPC,
	"AWS::EC2::Subnet":                          readSubnet,
	"AWS::EC2::RouteTable":                      readRouteTable,
	"AWS::EC2::NetworkAcl":                      readNetworkACL,
	"AWS::EC2::SecurityGroup":                   readSecurityGroup,
	"AWS::EC2::PrefixList":                      readPrefixList,
	"AWS::EC2::NetworkInterface":                readInterface,
	"AWS::EC2::InternetGateway":                 readGateway("InternetGatewayId", "Attachments"),
	"AWS::EC2::EgressOnlyInternetGateway":       readGateway("EgressOnlyInternetGatewayId", "Attachments"),
	"AWS::EC2::VPNGateway":                      readGateway("VpnGatewayId", "VpcAttachments"),
	"AWS::EC2::NatGateway":                      readNAT,
	"AWS::EC2::VPCPeeringConnection":            readPeering,
	"AWS::EC2::TransitGateway":                  readTransitGateway,
	"AWS::EC2::TransitGatewayAttachment":        readAttachment,
	"AWS::EC2::TransitGatewayVpcAttachment":     readVPCAttachment,
	"AWS::EC2::TransitGatewayPeeringAttachment": readPeeringAttachment,
	"AWS::EC2::TransitGatewayRouteTable":        readTransitTable,
	"AWS::EC2::VPCEndpoint":                     readEndpoint,
	"AWS::EC2::VPCEndpointService":              readEndpointService,
	"AWS::ElasticLoadBalancingV2::TargetGroup":  readTargetGroup,
}

// readAWS fills the model with what was read of AWS's networks.
func (w *World) readAWS(context.Context) error {
	for n, a := range w.snap.Assets() {
		read := readers[a.Type]
		if read == nil || a.Referenced {
			continue
		}
		config, err := w.snap.Config(n)
		if err != nil {
			return err
		}
		if err := read(w, a, n, config); err != nil {
			w.problem("%s: %v", a.ID, err)
		}
	}
	w.settle()
	w.subnets = make(map[string]*aws.Subnet, len(w.model.Subnets))
	for i := range w.model.Subnets {
		w.subnets[w.model.Subnets[i].ID] = &w.model.Subnets[i]
	}
	return nil
}

func (w *World) problem(format string, args ...any) {
	if len(w.problems) < 1000 {
		w.problems = append(w.problems, fmt.Sprintf(format, args...))
	}
}

// named is an object's short id as others name it; what is not born yet is named
// by its asset's id.
func named(a *estate.Asset, id string) string {
	if id == "" {
		return a.ID
	}
	return id
}

// open reports whether part of a configuration is not known: refused, failed or
// known only after apply.
func openAt(a *estate.Asset, path string) bool {
	for _, r := range a.Reads {
		if r.Key == path && !r.Status.Known() {
			return true
		}
	}
	for _, p := range a.Unknown {
		p = strings.TrimPrefix(p, "/")
		if p == path || strings.HasPrefix(p, path+"/") || strings.HasPrefix(path+"/", p+"/") {
			return true
		}
	}
	return false
}

type cidrs []netip.Prefix

// add takes a CIDR as AWS prints it; empty adds nothing.
func (c *cidrs) add(text string) error {
	if text == "" {
		return nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return fmt.Errorf("%q is no CIDR", text)
	}
	*c = append(*c, p.Masked())
	return nil
}

func readVPC(w *World, a *estate.Asset, _ estate.Node, config json.RawMessage) error {
	var d struct {
		VpcId, CidrBlock        string
		BlockPublicAccessStates struct{ InternetGatewayBlockMode string }
		CidrBlockAssociationSet []struct {
			CidrBlock      string
			CidrBlockState struct{ State string }
		}
		Ipv6CidrBlockAssociationSet []struct {
			Ipv6CidrBlock      string
			Ipv6CidrBlockState struct{ State string }
		}
	}
	if err := json.Unmarshal(config, &d); err != nil {
		return err
	}
	var c cidrs
	err := c.add(d.CidrBlock)
	for _, s := range d.CidrBlockAssociationSet {
		if s.CidrBlock != d.CidrBlock && s.CidrBlockState.State != "disassociated" && err == nil {
			err = c.add(s.CidrBlock)
		}
	}
	for _, s := range d.Ipv6CidrBlockAssociationSet {
		if s.Ipv6CidrBlockState.State != "disassociated" && err == nil {
			err = c.add(s.Ipv6CidrBlock)
		}
	}
	if err != nil {
		return err
	}
	w.vpcs[named(a, d.VpcId)] = a
	w.saysOff[named(a, d.VpcId)] = d.BlockPublicAccessStates.InternetGatewayBlockMode == "off"
	w.model.VPCs = append(w.model.VPCs, aws.VPC{ID: named(a, d.VpcId), CIDRs: c, Owner: a.Account, Region: a.Region})
	return nil
}

func readSubnet(w *World, a *estate.Asset, _ estate.Node, config json.RawMessage) error {
	var d struct {
		SubnetId, VpcId, CidrBlock, AvailabilityZone string
		MapPublicIpOnLaunch                          bool
		Ipv6CidrBlockAssociationSet                  []struct {
			Ipv6CidrBlock      string
			Ipv6CidrBlockState struct{ State string }
		}
	}
	if err := json.Unmarshal(config, &d); err != nil {
		return err
	}
	var c cidrs
	err := c.add(d.CidrBlock)
	for _, s := range d.Ipv6CidrBlockAssociationSet {
		if s.Ipv6CidrBlockState.State != "disassociated" && err == nil {
			err = c.add(s.Ipv6CidrBlock)
		}
	}
	if err != nil {
		return err
	}
	w.givesPublic[named(a, d.SubnetId)] = d.MapPublicIpOnLaunch
	w.model.Subnets = append(w.model.Subnets, aws.Subnet{ID: named(a, d.SubnetId), VPC: d.VpcId, Zone: d.AvailabilityZone, CIDRs: c})
	return nil
}

func readRouteTable(w *World, a *estate.Asset, _ estate.Node, config json.RawMessage) error {
	var d struct {
		RouteTableId, VpcId string
		Associations        []struct {
			Main                bool
			SubnetId, GatewayId string
			AssociationState    struct{ State string }
		}
		Routes []struct {
			DestinationCidrBlock, DestinationIpv6CidrBlock, DestinationPrefixListId                                            string
			GatewayId, NatGatewayId, TransitGatewayId, VpcPeeringConnectionId, NetworkInterfaceId, InstanceId                  string
			EgressOnlyInternetGatewayId, LocalGatewayId, CarrierGatewayId, CoreNetworkArn, VpcEndpointId, OdbNetworkArn, State string
			Origin                                                                                                             string
		}
	}
	if err := json.Unmarshal(config, &d); err != nil {
		return err
	}
	t := aws.RouteTable{ID: named(a, d.RouteTableId), VPC: d.VpcId, Unread: openAt(a, "Routes")}
	for _, s := range d.Associations {
		if s.AssociationState.State == "disassociated" {
			continue
		}
		t.Main = t.Main || s.Main
		if s.SubnetId != "" {
			t.Subnets = append(t.Subnets, s.SubnetId)
		}
		if s.GatewayId != "" {
			t.Gateways = append(t.Gateways, w.target(s.GatewayId))
		}
	}
	for _, r := range d.Routes {
		target := firstOf(r.GatewayId, r.NatGatewayId, r.TransitGatewayId, r.VpcPeeringConnectionId, r.NetworkInterfaceId, r.InstanceId,
			r.EgressOnlyInternetGatewayId, r.LocalGatewayId, r.CarrierGatewayId, r.CoreNetworkArn, r.VpcEndpointId, r.OdbNetworkArn)
		route := aws.Route{Target: w.target(target), PrefixList: r.DestinationPrefixListId, Blackhole: r.State == "blackhole", Propagated: r.Origin == "EnableVgwRoutePropagation"}
		if to := firstOf(r.DestinationCidrBlock, r.DestinationIpv6CidrBlock); to != "" {
			p, err := netip.ParsePrefix(to)
			if err != nil {
				t.Unread = true
				w.problem("%s: a route leads to %q, which is no CIDR", a.ID, to)
				continue
			}
			route.CIDR = p.Masked()
		} else if route.PrefixList == "" {
			t.Unread = true
			continue
		}
		t.Routes = append(t.Routes, route)
	}
	w.model.RouteTables = append(w.model.RouteTables, t)
	return nil
}

// target is a next hop as the engine knows it: by the prefix of its id. Things not
// born yet have none, so that their type gives it.
func (w *World) target(id string) string {
	n, ok := w.snap.Find(id)
	if !ok {
		return id
	}
	prefix := map[string]string{
		"AWS::EC2::InternetGateway": "igw-", "AWS::EC2::EgressOnlyInternetGateway": "eigw-", "AWS::EC2::NatGateway": "nat-", "AWS::EC2::VPNGateway": "vgw-",
		"AWS::EC2::VPCPeeringConnection": "pcx-", "AWS::EC2::TransitGateway": "tgw-", "AWS::EC2::VPCEndpoint": "vpce-", "AWS::EC2::NetworkInterface": "eni-", "AWS::EC2::Instance": "i-",
	}[w.snap.Asset(n).Type]
	if prefix == "" || strings.HasPrefix(id, prefix) {
		return id
	}
	return prefix + id
}

// hopID is the id under which a thing that routes lead to stands in the model.
func (w *World) hopID(a *estate.Asset, id string) string { return w.target(named(a, id)) }

// settle completes what the readers of single objects cannot know.
//
// A subnet without a table of its own uses its VPC's main one; where not all
// tables were listed, its own may be among the others, so that no main table is
// known there. A VPC that is not born yet will be born with a main table that
// leads nowhere else and a network ACL that lets everything through: what its
// subnets use unless the same source gives them another.
// https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html#main-route-table
// https://docs.aws.amazon.com/vpc/latest/userguide/default-network-acl.html
func (w *World) settle() {
	tabled, filtered, main := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for i := range w.model.RouteTables {
		t := &w.model.RouteTables[i]
		main[t.VPC] = main[t.VPC] || t.Main
		for _, s := range t.Subnets {
			tabled[s] = true
		}
	}
	for i := range w.model.VPCs {
		v := &w.model.VPCs[i]
		a := w.vpcs[v.ID]
		v.RouteTablesUnread = !unborn(a.ID) && !w.snap.Covered("AWS::EC2::RouteTable", a.Account, a.Region)
		for typ := range balancing {
			v.LoadBalancersUnread = v.LoadBalancersUnread || !unborn(a.ID) && !w.snap.Covered(typ, a.Account, a.Region)
		}
	}
	for _, acl := range w.model.NetworkACLs {
		for _, s := range acl.Subnets {
			filtered[s] = true
		}
	}
	for id, a := range w.vpcs {
		if !unborn(a.ID) {
			continue
		}
		acl := aws.NetworkACL{ID: "default network ACL of " + id, VPC: id}
		for _, cidr := range []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")} {
			for _, egress := range []bool{true, false} {
				acl.Entries = append(acl.Entries, aws.Entry{Number: 100 + len(acl.Entries), Egress: egress, Protocol: "-1", CIDR: cidr, From: 0, To: 65535, Allow: true})
			}
		}
		for _, s := range w.model.Subnets {
			if s.VPC == id && !filtered[s.ID] {
				acl.Subnets = append(acl.Subnets, s.ID)
			}
		}
		w.model.NetworkACLs = append(w.model.NetworkACLs, acl)
		if !main[id] {
			w.model.RouteTables = append(w.model.RouteTables, aws.RouteTable{ID: "main route table of " + id, VPC: id, Main: true})
		}
	}
}

// unborn reports whether an id is of what a plan or template will make.
func unborn(id string) bool {
	return strings.HasPrefix(id, "terraform://") || strings.HasPrefix(id, "cloudformation://")
}

func readNetworkACL(w *World, a *estate.Asset, _ estate.Node, config json.RawMessage) error {
	var d struct {
		NetworkAclId, VpcId string
		Associations        []struct{ SubnetId string }
		Entries             []struct {
			RuleNumber                                     int
			Egress                                         bool
			Protocol, CidrBlock, Ipv6CidrBlock, RuleAction string
			PortRange                                      *struct{ From, To int }
			IcmpTypeCode                                   *struct{ Type, Code int }
		}
	}
	if err := json.Unmarshal(config, &d); err != nil {
		return err
	}
	acl := aws.NetworkACL{ID: named(a, d.NetworkAclId), VPC: d.VpcId, Unread: openAt(a, "Entries")}
	for _, s := range d.Associations {
		acl.Subnets = append(acl.Subnets, s.SubnetId)
	}
	for _, e := range d.Entries {
		p, err := netip.ParsePrefix(firstOf(e.CidrBlock, e.Ipv6CidrBlock))
		if err != nil {
			acl.Unread = true
			w.problem("%s: rule %d names %q, which is no CIDR", a.ID, e.RuleNumber, firstOf(e.CidrBlock, e.Ipv6CidrBlock))
			continue
		}
		entry := aws.Entry{Number: e.RuleNumber, Egress: e.Egress, Protocol: e.Protocol, CIDR: p.Masked(), From: 0, To: 65535, Allow: strings.EqualFold(e.RuleAction, "allow")}
		switch {
		case e.IcmpTypeCode != nil:
			entry.From, entry.To = e.IcmpTypeCode.Type, e.IcmpTypeCode.Code
		case e.Protocol == "1" || e.Protocol == "58" || e.Protocol == "icmp" || e.Protocol == "icmpv6":
			entry.From, entry.To = -1, -1
		case e.PortRange != nil:
			entry.From, entry.To = e.PortRange.From, e.PortRange.To
		}
		acl.Entries = append(acl.Entries, entry)
	}
	w.model.NetworkACLs = append(w.model.NetworkACLs, acl)
	return nil
}

type ipPermission struct {
	IpProtocol       string
	FromPort, ToPort *int
	IpRanges         []struct{ CidrIp string }
	Ipv6Ranges       []struct{ CidrIpv6 string }
	UserIdGroupPairs []struct{ GroupId string }
	PrefixListIds    []struct{ PrefixListId string }
}

func readSecurityGroup(w *World, a *estate.Asset, _ estate.Node, config json.RawMessage) error {
	var d struct {
		GroupId, GroupName, VpcId          string
		IpPermissions, IpPermissionsEgress []ipPermission
	}
	if err := json.Unmarshal(config, &d); err != nil {
		return err
	}
	g := aws.SecurityGroup{ID: named(a, d.GroupId), VPC: d.VpcId, Unread: openAt(a, "IpPermissions") || openAt(a, "IpPermissionsEgress")}
	for i, list := range [][]ipPermission{d.IpPermissions, d.IpPermissionsEgress} {
		for _, p := range list {
			perm := aws.Permission{Protocol: p.IpProtocol, From: -1, To: -1}
			if p.FromPort != nil {
				perm.From = *p.FromPort
			}
			if p.ToPort != nil {
				perm.To = *p.ToPort
			}
			var c cidrs
			for _, r := range p.IpRanges {
				if err := c.add(r.CidrIp); err != nil {
					g.Unread = true
					w.problem("%s: %v", a.ID, err)
				}
			}
			for _, r := range p.Ipv6Ranges {
				if err := c.add(r.CidrIpv6); err != nil {
					g.Unread = true
					w.problem("%s: %v", a.ID, err)
				}
			}
			perm.CIDRs = c
			for _, r := range p.UserIdGroupPairs {
				perm.Groups = append(perm.Groups, r.GroupId)
			}
			for _, r := range p.PrefixListIds {
				perm.PrefixLists = append(perm.PrefixLists, r.PrefixListId)
			}
			if i == 0 {
				g.Ingress = append(g.Ingress, perm)
			} else {
				g.Egress = append(g.Egress, perm)
			}
		}
	}
	w.groupNames[g.ID] = d.GroupName
	w.model.SecurityGroups = append(w.model.SecurityGroups, g)
	return nil
}

func readPrefixList(w *World, a *estate.Asset, _ estate.Node, config json.RawMessage) error {
	var d struct {
		PrefixListId, PrefixListName string
		GetManagedPrefixListEntries  *struct{ Entries []struct{ Cidr string } }
	}
	if err := json.Unmarshal(config, &d); err != nil {
		return err
	}
	l := aws.PrefixList{ID: named(a, d.PrefixListId), Name: d.PrefixListName, Unread: d.GetManagedPrefixListEntries == nil || openAt(a, "GetManagedPrefixListEntries")}
	if d.GetManagedPrefixListEntries != nil {
		var c cidrs
		for _, e := range d.GetManagedPrefixListEntries.Entries {
			if err := c.add(e.Cidr); err != nil {
				l.Unread = true
			}
		}
		l.CIDRs = c
	}
	w.model.PrefixLists = append(w.model.PrefixLists, l)
	return nil
}

func firstOf(s ...string) string {
	for _, v := range s {
		if v != "" {
			return v
		}
	}
	return ""
}
