package network

import (
	"encoding/json"
	"net/netip"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach/aws"
)

func readGateway(idMember, attachments string) func(*World, *estate.Asset, estate.Node, json.RawMessage) error {
	return func(w *World, a *estate.Asset, _ estate.Node, config json.RawMessage) error {
		var d map[string]json.RawMessage
		if err := json.Unmarshal(config, &d); err != nil {
			return err
		}
		var id string
		_ = json.Unmarshal(d[idMember], &id)
		var attached []struct{ VpcId, State string }
		if err := json.Unmarshal(orNull(d[attachments]), &attached); err != nil {
			return err
		}
		g := aws.Gateway{ID: w.hopID(a, id)}
		for _, at := range attached {
			if at.State != "detached" && at.State != "detaching" {
				g.VPC = at.VpcId
			}
		}
		w.model.Gateways = append(w.model.Gateways, g)
		return nil
	}
}

func orNull(m json.RawMessage) json.RawMessage {
	if len(m) == 0 {
		return json.RawMessage("null")
	}
	return m
}

func addr(text string) netip.Addr {
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap()
}

func readNAT(w *World, a *estate.Asset, _ estate.Node, config json.RawMessage) error {
	var d struct {
		NatGatewayId, SubnetId, State string
		NatGatewayAddresses           []struct {
			PrivateIp, PublicIp string
			IsPrimary           bool
		}
	}
	if err := json.Unmarshal(config, &d); err != nil {
		return err
	}
	if d.State == "deleted" || d.State == "deleting" {
		return nil
	}
	g := aws.NATGateway{ID: w.hopID(a, d.NatGatewayId), Subnet: d.SubnetId, Failed: d.State == "failed"}
	for i, at := range d.NatGatewayAddresses {
		if i == 0 || at.IsPrimary {
			g.Address, g.Public = addr(at.PrivateIp), addr(at.PublicIp)
		}
	}
	w.model.NATGateways = append(w.model.NATGateways, g)
	return nil
}

func readPeering(w *World, a *estate.Asset, _ estate.Node, config json.RawMessage) error {
	type side struct{ VpcId, Region string }
	var d struct {
		VpcPeeringConnectionId            string
		RequesterVpcInfo, AccepterVpcInfo side
		Status                            struct{ Code string }
	}
	if err := json.Unmarshal(config, &d); err != nil {
		return err
	}
	for i := range w.model.Peerings {
		if w.model.Peerings[i].ID == w.hopID(a, d.VpcPeeringConnectionId) {
			return nil // both accounts list it
		}
	}
	active := d.Status.Code == "active" || d.Status.Code == "" && unborn(a.ID)
	if d.Status.Code == "deleted" || d.Status.Code == "rejected" || d.Status.Code == "expired" || d.Status.Code == "failed" {
		return nil
	}
	w.model.Peerings = append(w.model.Peerings, aws.Peering{ID: w.hopID(a, d.VpcPeeringConnectionId), Requester: d.RequesterVpcInfo.VpcId, Accepter: d.AccepterVpcInfo.VpcId,
		Regions: [2]string{d.RequesterVpcInfo.Region, d.AccepterVpcInfo.Region}, Active: active})
	return nil
}

func readTransitGateway(w *World, a *estate.Asset, _ estate.Node, config json.RawMessage) error {
	var d struct {
		TransitGatewayId string
		Options          struct{ SecurityGroupReferencingSupport string }
	}
	if err := json.Unmarshal(config, &d); err != nil {
		return err
	}
	id := w.hopID(a, d.TransitGatewayId)
	for _, t := range w.model.TransitGateways {
		if t.ID == id {
			return nil // shared: several accounts list it
		}
	}
	w.model.TransitGateways = append(w.model.TransitGateways, aws.TransitGateway{ID: id, GroupReferences: d.Options.SecurityGroupReferencingSupport == "enable"})
	return nil
}

// attachment finds an attachment of the model, or makes it: several calls of
// several accounts tell of one.
func (w *World) attachment(id, gateway string) *aws.Attachment {
	for i := range w.model.Attachments {
		if at := &w.model.Attachments[i]; at.ID == id && at.Gateway == gateway {
			return at
		}
	}
	w.model.Attachments = append(w.model.Attachments, aws.Attachment{ID: id, Gateway: gateway})
	return &w.model.Attachments[len(w.model.Attachments)-1]
}

func dead(state string) bool {
	return state == "deleted" || state == "deleting" || state == "rejected" || state == "failed"
}

func readAttachment(w *World, a *estate.Asset, _ estate.Node, config json.RawMessage) error {
	var d struct {
		TransitGatewayAttachmentId, TransitGatewayId, ResourceType, ResourceId, State string
		Association                                                                   struct{ TransitGatewayRouteTableId, State string }
	}
	if err := json.Unmarshal(config, &d); err != nil {
		return err
	}
	if dead(d.State) {
		return nil
	}
	at := w.attachment(named(a, d.TransitGatewayAttachmentId), w.target(d.TransitGatewayId))
	at.Type, at.Resource = d.ResourceType, d.ResourceId
	if d.ResourceType == "tgw-peering" {
		at.Type = "peering"
	}
	if d.Association.State != "disassociated" && d.Association.TransitGatewayRouteTableId != "" {
		at.Table = d.Association.TransitGatewayRouteTableId
	}
	return nil
}

func readVPCAttachment(w *World, a *estate.Asset, _ estate.Node, config json.RawMessage) error {
	var d struct {
		TransitGatewayAttachmentId, TransitGatewayId, VpcId, State string
		SubnetIds                                                  []string
		Options                                                    struct{ SecurityGroupReferencingSupport string }
	}
	if err := json.Unmarshal(config, &d); err != nil {
		return err
	}
	if dead(d.State) {
		return nil
	}
	at := w.attachment(named(a, d.TransitGatewayAttachmentId), w.target(d.TransitGatewayId))
	at.Type, at.Resource, at.Subnets = "vpc", d.VpcId, d.SubnetIds
	at.GroupReferences = d.Options.SecurityGroupReferencingSupport == "enable"
	return nil
}

func readPeeringAttachment(w *World, a *estate.Asset, _ estate.Node, config json.RawMessage) error {
	var d struct {
		TransitGatewayAttachmentId, State string
		RequesterTgwInfo, AccepterTgwInfo struct{ TransitGatewayId string }
	}
	if err := json.Unmarshal(config, &d); err != nil {
		return err
	}
	if dead(d.State) {
		return nil
	}
	id := named(a, d.TransitGatewayAttachmentId)
	one, other := w.target(d.RequesterTgwInfo.TransitGatewayId), w.target(d.AccepterTgwInfo.TransitGatewayId)
	for _, ends := range [][2]string{{one, other}, {other, one}} {
		at := w.attachment(id, ends[0])
		at.Type, at.Resource = "peering", ends[1]
	}
	return nil
}

func readTransitTable(w *World, a *estate.Asset, _ estate.Node, config json.RawMessage) error {
	type attached struct{ TransitGatewayAttachmentId string }
	var d struct {
		TransitGatewayRouteTableId, TransitGatewayId string
		SearchTransitGatewayRoutes                   *struct {
			Routes []struct {
				DestinationCidrBlock, PrefixListId, Type, State string
				TransitGatewayAttachments                       []attached
			}
			AdditionalRoutesAvailable bool
		}
		GetTransitGatewayRouteTableAssociations *struct {
			Associations []struct{ TransitGatewayAttachmentId, State string }
		}
		GetTransitGatewayRouteTablePropagations *struct {
			TransitGatewayRouteTablePropagations []struct{ TransitGatewayAttachmentId, State string }
		}
	}
	if err := json.Unmarshal(config, &d); err != nil {
		return err
	}
	t := aws.TransitTable{ID: named(a, d.TransitGatewayRouteTableId), Gateway: w.target(d.TransitGatewayId), Unread: d.SearchTransitGatewayRoutes == nil}
	if r := d.SearchTransitGatewayRoutes; r != nil {
		t.Unread = r.AdditionalRoutesAvailable || openAt(a, "SearchTransitGatewayRoutes")
		for _, route := range r.Routes {
			p, err := netip.ParsePrefix(route.DestinationCidrBlock)
			if err != nil {
				t.Unread = true // a prefix list's route comes with its CIDRs; anything else is not understood
				w.problem("%s: a route leads to %q, which is no CIDR", a.ID, route.DestinationCidrBlock)
				continue
			}
			out := aws.TransitRoute{CIDR: p.Masked(), Blackhole: route.State == "blackhole", Propagated: route.Type == "propagated"}
			if len(route.TransitGatewayAttachments) > 0 {
				out.Attachment = route.TransitGatewayAttachments[0].TransitGatewayAttachmentId
			}
			t.Routes = append(t.Routes, out)
		}
	}
	if r := d.GetTransitGatewayRouteTablePropagations; r != nil {
		for _, p := range r.TransitGatewayRouteTablePropagations {
			if p.State != "disabled" && p.State != "disabling" {
				t.Propagations = append(t.Propagations, p.TransitGatewayAttachmentId)
			}
		}
	} else if d.SearchTransitGatewayRoutes == nil {
		t.Unread = true
	}
	if r := d.GetTransitGatewayRouteTableAssociations; r != nil {
		for _, as := range r.Associations {
			if as.State != "disassociated" {
				w.attachment(as.TransitGatewayAttachmentId, t.Gateway).Table = t.ID
			}
		}
	}
	w.model.TransitTables = append(w.model.TransitTables, t)
	return nil
}

func readEndpoint(w *World, a *estate.Asset, _ estate.Node, config json.RawMessage) error {
	var d struct {
		VpcEndpointId, VpcEndpointType, VpcId, ServiceName, State, PolicyDocument, ResourceConfigurationArn string
		NetworkInterfaceIds                                                                                 []string
	}
	if err := json.Unmarshal(config, &d); err != nil {
		return err
	}
	typ := firstOf(d.VpcEndpointType, "Gateway")
	w.resourceOf[w.hopID(a, d.VpcEndpointId)] = d.ResourceConfigurationArn
	w.model.Endpoints = append(w.model.Endpoints, aws.Endpoint{ID: w.hopID(a, d.VpcEndpointId), VPC: d.VpcId, Service: d.ServiceName, Gateway: typ == "Gateway",
		Type: typ, State: strings.ToLower(d.State), Policy: d.PolicyDocument, Interfaces: d.NetworkInterfaceIds})
	return nil
}

func readEndpointService(w *World, a *estate.Asset, _ estate.Node, config json.RawMessage) error {
	var d struct {
		ServiceId, ServiceName                           string
		NetworkLoadBalancerArns, GatewayLoadBalancerArns []string
	}
	if err := json.Unmarshal(config, &d); err != nil {
		return err
	}
	w.model.EndpointServices = append(w.model.EndpointServices, aws.EndpointService{ID: named(a, d.ServiceId), Name: d.ServiceName, LoadBalancers: append(d.NetworkLoadBalancerArns, d.GatewayLoadBalancerArns...)})
	return nil
}

func readInterface(w *World, a *estate.Asset, n estate.Node, config json.RawMessage) error {
	var d struct {
		NetworkInterfaceId, SubnetId, PrivateIpAddress, Description string
		InterfaceType                                               string
		RequesterManaged                                            bool
		Groups                                                      []struct{ GroupId string }
		Association                                                 *struct{ PublicIp string }
		PrivateIpAddresses                                          []struct {
			PrivateIpAddress string
			Association      *struct{ PublicIp string }
		}
		Ipv6Addresses []struct{ Ipv6Address string }
		Attachment    *struct {
			InstanceId  string
			DeviceIndex int
		}
	}
	if err := json.Unmarshal(config, &d); err != nil {
		return err
	}
	f := aws.Interface{ID: named(a, d.NetworkInterfaceId), Subnet: d.SubnetId, GroupsUnread: openAt(a, "Groups")}
	if d.Attachment != nil {
		f.Instance, f.Device = d.Attachment.InstanceId, d.Attachment.DeviceIndex
	}
	for _, g := range d.Groups {
		f.Groups = append(f.Groups, g.GroupId)
	}
	for _, p := range d.PrivateIpAddresses {
		at := aws.Address{Private: addr(p.PrivateIpAddress)}
		switch {
		case p.Association != nil:
			at.Public = addr(p.Association.PublicIp)
		case d.Association != nil && p.PrivateIpAddress == d.PrivateIpAddress:
			at.Public = addr(d.Association.PublicIp)
		}
		f.Addresses = append(f.Addresses, at)
	}
	if len(d.PrivateIpAddresses) == 0 && d.PrivateIpAddress != "" {
		at := aws.Address{Private: addr(d.PrivateIpAddress)}
		if d.Association != nil {
			at.Public = addr(d.Association.PublicIp)
		}
		f.Addresses = append(f.Addresses, at)
	}
	for _, p := range d.Ipv6Addresses {
		f.Addresses = append(f.Addresses, aws.Address{Private: addr(p.Ipv6Address)})
	}
	if name, ok := strings.CutPrefix(d.Description, "ELB "); ok {
		w.elb[name] = append(w.elb[name], f.ID)
	}
	w.addInterface(f, n, n)
	w.ifaces[f.ID].managed = d.RequesterManaged
	if d.InterfaceType == "api_gateway_managed" {
		w.apiInterfaces = append(w.apiInterfaces, f.ID)
	}
	return nil
}

// addInterface puts an interface into the model.
func (w *World) addInterface(f aws.Interface, owner, node estate.Node) {
	if w.ifaces[f.ID] != nil {
		return
	}
	w.model.Interfaces = append(w.model.Interfaces, f)
	w.ifaces[f.ID] = &iface{Interface: &f, owner: owner, node: node}
	for _, a := range f.Addresses {
		for _, one := range []netip.Addr{a.Private, a.Public} {
			if !one.IsValid() {
				continue
			}
			if _, taken := w.byAddr[one.String()]; taken {
				w.byAddr[one.String()] = "" // several networks use it: it names nobody
				continue
			}
			w.byAddr[one.String()] = f.ID
		}
	}
}
