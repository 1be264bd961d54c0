package network

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach/aws"
)

const (
	serviceNetworkType  = "AWS::VpcLattice::ServiceNetwork"
	networkVPCType      = "AWS::VpcLattice::ServiceNetworkVpcAssociation"
	networkServiceType  = "AWS::VpcLattice::ServiceNetworkServiceAssociation"
	latticeServiceType  = "AWS::VpcLattice::Service"
	latticeListenerType = "AWS::VpcLattice::Listener"
	latticeRuleType     = "AWS::VpcLattice::Rule"
	latticeTargetsType  = "AWS::VpcLattice::TargetGroup"
	resourceGatewayType = "AWS::VpcLattice::ResourceGateway"
	resourceType        = "AWS::VpcLattice::ResourceConfiguration"
)

// latticeRange are the addresses of VPC Lattice, for clients and targets alike; the
// managed prefix list has them too.
// https://docs.aws.amazon.com/vpc-lattice/latest/ug/security-groups.html
var latticeRange = netip.MustParsePrefix("169.254.171.0/24")

// lattice is what was read of VPC Lattice.
type lattice struct {
	w         *World
	addresses []netip.Prefix
	lists     []string
	clients   map[string][]aws.Clients // by service network
	listeners map[string][]latticeListener
	groups    map[string]latticeGroup
}

type latticeListener struct {
	id, protocol string
	port         int
	groups       []string
}

type latticeGroup struct {
	typ     string
	vpc     string
	unread  bool
	targets []aws.Target
}

// forward is where a listener or rule sends requests.
type forward struct {
	Forward struct {
		TargetGroups []struct{ TargetGroupIdentifier string }
	}
}

func (f forward) groups() []string {
	var out []string
	for _, g := range f.Forward.TargetGroups {
		out = append(out, g.TargetGroupIdentifier[strings.LastIndexByte(g.TargetGroupIdentifier, '/')+1:])
	}
	return out
}

// readLattice adds each service network as one passage for each of its services, since
// each service has a policy of its own. Where the lists that lead into a VPC were not all
// read, any client may get anywhere in it.
func (w *World) readLattice() {
	anybody := []aws.Clients{{}}
	w.unseen("a service network", anybody, latticeTargetsType, resourceGatewayType)
	if len(w.passing[latticeTargetsType])+len(w.passing[resourceGatewayType]) > 0 {
		w.unseen("a service network", anybody, serviceNetworkType, networkVPCType, networkServiceType, latticeServiceType, latticeListenerType, latticeRuleType, resourceType)
	}
	l := &lattice{w: w, addresses: []netip.Prefix{latticeRange}, clients: map[string][]aws.Clients{}, listeners: map[string][]latticeListener{}, groups: map[string]latticeGroup{}}
	for _, p := range w.model.PrefixLists {
		if strings.HasPrefix(p.Name, "com.amazonaws.") && strings.HasSuffix(p.Name, ".vpc-lattice") {
			l.lists = append(l.lists, p.Name)
		}
	}
	l.read()
	l.services()
	l.resources()
}

func (l *lattice) read() {
	w := l.w
	each(w, networkVPCType, func(_ thing, d *struct {
		VpcId, ServiceNetworkArn, Status string
		SecurityGroupIds                 []string
	}) {
		if !strings.HasPrefix(d.Status, "DELETE") && !strings.HasPrefix(d.Status, "CREATE_FAILED") {
			l.clients[d.ServiceNetworkArn] = append(l.clients[d.ServiceNetworkArn], aws.Clients{VPC: d.VpcId, Groups: d.SecurityGroupIds})
		}
	})
	listener := map[string]*latticeListener{}
	each(w, latticeListenerType, func(t thing, d *struct {
		Protocol      string
		Port          int
		DefaultAction *forward
	}) {
		one := &latticeListener{id: t.asset.ID, protocol: d.Protocol, port: d.Port}
		if d.DefaultAction != nil {
			one.groups = d.DefaultAction.groups()
		}
		listener[t.asset.ID] = one
	})
	each(w, latticeRuleType, func(t thing, d *struct{ Action forward }) {
		id, _, _ := strings.Cut(t.asset.ID, "/rule/")
		if one := listener[id]; one != nil {
			one.groups = append(one.groups, d.Action.groups()...)
		}
	})
	for _, id := range sortedKeys(listener) {
		service, _, _ := strings.Cut(id, "/listener/")
		l.listeners[service] = append(l.listeners[service], *listener[id])
	}
	each(w, latticeTargetsType, func(t thing, d *struct {
		Id, Type    string
		Config      struct{ VpcIdentifier string }
		ListTargets *struct {
			Items []struct {
				Id   string
				Port int
			}
		}
	}) {
		g := latticeGroup{typ: d.Type, vpc: d.Config.VpcIdentifier, unread: d.ListTargets == nil || openAt(t.asset, "ListTargets")}
		if d.ListTargets != nil {
			for _, x := range d.ListTargets.Items {
				g.targets = append(g.targets, aws.Target{ID: x.Id, Port: x.Port})
			}
		}
		l.groups[t.asset.ID[strings.LastIndexByte(t.asset.ID, '/')+1:]] = g
	})
	each(w, serviceNetworkType, func(t thing, d *struct {
		ListServiceNetworkVpcEndpointAssociations *struct{ Items []struct{ VpcId string } }
	}) {
		if d.ListServiceNetworkVpcEndpointAssociations == nil {
			l.clients[t.asset.ID] = append(l.clients[t.asset.ID], aws.Clients{})
			return
		}
		for _, e := range d.ListServiceNetworkVpcEndpointAssociations.Items {
			l.clients[t.asset.ID] = append(l.clients[t.asset.ID], aws.Clients{VPC: e.VpcId, GroupsUnread: true})
		}
	})
}

// guard says what may hold back whoever is let in by groups.
func guard(id, authType string) string {
	switch authType {
	case "NONE":
		return ""
	case "AWS_IAM":
		return "what the auth policy of " + id + " lets through is not decided"
	}
	return "whether " + id + " asks for a policy was not read"
}

func (l *lattice) services() {
	w := l.w
	guards := map[string]string{}
	type authed struct{ AuthType string }
	each(w, latticeServiceType, func(t thing, d *authed) { guards[t.asset.ID] = guard(t.asset.ID, d.AuthType) })
	each(w, serviceNetworkType, func(t thing, d *authed) { guards[t.asset.ID] = guard(t.asset.ID, d.AuthType) })
	guarded := func(ids ...string) string {
		for _, id := range ids {
			if why, ok := guards[id]; !ok {
				return id + " was not read"
			} else if why != "" {
				return why
			}
		}
		return ""
	}
	each(w, networkServiceType, func(t thing, d *struct{ ServiceArn, ServiceNetworkArn, Status string }) {
		clients := l.clients[d.ServiceNetworkArn]
		if len(clients) == 0 || strings.HasPrefix(d.Status, "DELETE") {
			return
		}
		p := aws.Passage{ID: d.ServiceArn, Clients: clients, Addresses: l.addresses, Doubt: guarded(d.ServiceNetworkArn, d.ServiceArn)}
		for _, one := range l.listeners[d.ServiceArn] {
			for _, id := range one.groups {
				l.forward(&p, one, id)
			}
		}
		w.model.Passages = append(w.model.Passages, p)
	})
}

// forward adds the routes from a listener to a group's targets.
func (l *lattice) forward(p *aws.Passage, from latticeListener, id string) {
	g, ok := l.groups[id]
	if !ok || g.unread {
		p.Doubt = firstOf(p.Doubt, "the targets of "+id+" of "+p.ID+" were not read")
		if v := l.w.modelVPC(g.vpc); v != nil {
			p.Into = append(p.Into, v.ID)
		}
		return
	}
	for _, x := range g.targets {
		r := aws.PassageRoute{Protocol: "TCP", From: from.port, To: from.port, Port: x.Port, Sender: aws.Sender{Within: l.addresses, Lists: l.lists}}
		if x.Port == 0 {
			r.Doubt = "the port of target " + x.ID + " was not read"
		}
		switch a, err := netip.ParseAddr(x.ID); {
		case g.typ == "LAMBDA":
			r.Function = x.ID
		case err == nil:
			r.Addr = a
		default:
			if !l.w.targetARN(&r, x.ID) {
				continue
			}
		}
		p.Routes = append(p.Routes, r)
	}
}

// resources adds the resources that service networks offer: what lies behind a resource
// gateway, which calls it from its subnets under its groups.
// https://docs.aws.amazon.com/vpc-lattice/latest/ug/resource-gateway.html
func (l *lattice) resources() {
	w := l.w
	type gateway struct {
		Id, VpcIdentifier           string
		SubnetIds, SecurityGroupIds []string
	}
	gateways := map[string]*gateway{}
	each(w, resourceGatewayType, func(_ thing, d *gateway) { gateways[d.Id] = d })
	type resource struct {
		Arn, Id, ResourceGatewayId      string
		PortRanges                      []string
		ResourceConfigurationDefinition struct {
			IpResource struct{ IpAddress string }
		}
	}
	configurations := map[string]*resource{}
	each(w, resourceType, func(_ thing, d *resource) { configurations[d.Arn] = d })
	offer := func(id string, clients []aws.Clients) {
		p := aws.Passage{ID: id, Clients: clients, Addresses: l.addresses}
		c := configurations[id]
		var g *gateway
		if c != nil {
			g = gateways[c.ResourceGatewayId]
		}
		var ip netip.Addr
		if c != nil {
			ip, _ = netip.ParseAddr(c.ResourceConfigurationDefinition.IpResource.IpAddress)
		}
		if g == nil || !ip.IsValid() {
			p.Doubt = "where " + id + " leads is not decided"
			for _, one := range gateways {
				if g == nil || one == g {
					p.Into = append(p.Into, one.VpcIdentifier)
				}
			}
			slices.Sort(p.Into)
			p.Into = slices.Compact(p.Into)
		}
		if g != nil && ip.IsValid() {
			for _, span := range c.PortRanges {
				r := aws.PassageRoute{Protocol: "TCP", Addr: ip, Sender: aws.Sender{Within: w.within(w.modelVPC(g.VpcIdentifier), g.SubnetIds), Groups: g.SecurityGroupIds}}
				from, to, isSpan := strings.Cut(span, "-")
				r.From, _ = strconv.Atoi(from)
				if r.To = r.From; isSpan {
					r.To, _ = strconv.Atoi(to)
				}
				p.Routes = append(p.Routes, r)
			}
		}
		w.model.Passages = append(w.model.Passages, p)
	}
	each(w, serviceNetworkType, func(t thing, d *struct {
		ListServiceNetworkResourceAssociations *struct {
			Items []struct{ ResourceConfigurationArn string }
		}
	}) {
		clients := l.clients[t.asset.ID]
		if len(clients) == 0 {
			return
		}
		if d.ListServiceNetworkResourceAssociations == nil {
			offer(fmt.Sprintf("a resource of %s", t.asset.ID), clients)
			return
		}
		for _, x := range d.ListServiceNetworkResourceAssociations.Items {
			offer(x.ResourceConfigurationArn, clients)
		}
	})
	// Endpoints of their own lead to a resource without a service network.
	for _, e := range w.model.Endpoints {
		if e.Type == "Resource" {
			offer(w.resourceOf[e.ID], []aws.Clients{{VPC: e.VPC, GroupsUnread: true}})
		}
	}
}
