package aws

import (
	"net/netip"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// relay takes connections and opens others: a load balancer, or an API that
// reaches addresses by the interfaces of its VPC link.
type relay struct {
	name string
	lb   *LoadBalancer // nil: an API
	api  *API
	// passage is what takes the connection instead, outside all VPCs.
	passage *passage
	nodes   []*Interface // what opens the second connection
	part    string       // why nodes are not all there are; "" if they are
}

// front is one way to be reached through a relay: who dials one of the ports
// dial of the relay is connected to the ports at of the target, by its address
// to. Each is of one protocol. An unsure front may lead there or not, and says
// why.
type front struct {
	*relay
	dial, at reach.Ports
	to       netip.Addr
	preserve reach.Answer // whether the target sees the client's address
	unsure   string
}

// relays is what the model says of relays, by what they lead to.
type relays struct {
	known     map[string]*relay
	fronts    map[*Interface][]*front
	outside   map[netip.Addr][]*front
	functions map[string][]*front
	blind     []*front // what may lead to anything it has a way to
	several   bool     // blind ones are of several relays
	any       []*front // what may lead to any function
	services  map[string][]*EndpointService
	endpoints map[string][]*Endpoint
	apis      map[string][]entrance // by load balancer
	firewall  map[string]string
}

// entrance is how an API leads to a load balancer: by interfaces of its VPC
// link or, if it has none, as PrivateLink does.
type entrance struct {
	api   *API
	link  string
	nodes []*Interface
	ports reach.Ports // of the load balancer
	part  string      // why nodes are not all there are; "" if they are
}

func (n *Network) indexRelays() {
	m := n.model
	n.relays = relays{known: map[string]*relay{}, fronts: map[*Interface][]*front{}, outside: map[netip.Addr][]*front{}, functions: map[string][]*front{},
		services: map[string][]*EndpointService{}, endpoints: map[string][]*Endpoint{}, apis: map[string][]entrance{}, firewall: map[string]string{}}
	for _, f := range m.Firewalls {
		for _, id := range f.Endpoints {
			n.relays.firewall[id] = f.ID
		}
	}
	for i := range m.Endpoints {
		if e := &m.Endpoints[i]; !e.Gateway {
			n.relays.endpoints[e.Service] = append(n.relays.endpoints[e.Service], e)
		}
	}
	for i := range m.LoadBalancers {
		lb := &m.LoadBalancers[i]
		r := &relay{name: lb.ID, lb: lb, nodes: n.interfaces(lb.ID, lb.Interfaces)}
		if len(r.nodes) == 0 || len(r.nodes) < len(lb.Interfaces) {
			r.part = "the interfaces of load balancer " + lb.ID + " were not all read"
		}
		n.relays.known[lb.ID] = r
	}
	for i := range m.EndpointServices {
		s := &m.EndpointServices[i]
		for _, id := range s.LoadBalancers {
			if n.relays.known[id] == nil {
				n.problem("load balancer %s of endpoint service %s was not read", id, s.ID)
			}
			n.relays.services[id] = append(n.relays.services[id], s)
		}
	}
	targets := n.findTargets()
	for i := range m.LoadBalancers {
		n.indexBalancer(&m.LoadBalancers[i], targets)
	}
	n.indexAPIs(targets)
	n.indexPassages(targets)
}

func (n *Network) interfaces(owner string, ids []string) []*Interface {
	var out []*Interface
	for _, id := range ids {
		if f := n.ifaces[id]; f != nil {
			out = append(out, f)
		} else {
			n.problem("interface %s of %s was not read", id, owner)
		}
	}
	return out
}

// targets finds interfaces as target groups name them.
type targets struct {
	groups     map[string]*TargetGroup
	byInstance map[string]*Interface
	byAddr     map[netip.Addr][]*Interface
}

// findTargets looks up only what some target group or API names: a network has
// many interfaces and few of them are targets.
func (n *Network) findTargets() targets {
	m := n.model
	t := targets{groups: map[string]*TargetGroup{}, byInstance: map[string]*Interface{}, byAddr: map[netip.Addr][]*Interface{}}
	for i := range m.TargetGroups {
		g := &m.TargetGroups[i]
		t.groups[g.ID] = g
		for _, x := range g.Targets {
			if a, err := netip.ParseAddr(x.ID); err == nil {
				t.byAddr[a] = nil
			} else if g.Type == "instance" {
				t.byInstance[x.ID] = nil
			}
		}
	}
	for i := range m.APIs {
		for _, x := range m.APIs[i].Integrations {
			for _, a := range x.Addrs {
				t.byAddr[a] = nil
			}
		}
	}
	for i := range m.Passages {
		for _, x := range m.Passages[i].Routes {
			if x.Addr.IsValid() {
				t.byAddr[x.Addr] = nil
			}
			if x.Instance != "" {
				t.byInstance[x.Instance] = nil
			}
		}
	}
	if len(t.byAddr)+len(t.byInstance) == 0 {
		return t
	}
	for i := range m.Interfaces {
		f := &m.Interfaces[i]
		if _, asked := t.byInstance[f.Instance]; asked && f.Instance != "" && f.Device == 0 {
			t.byInstance[f.Instance] = f
		}
		for _, a := range f.Addresses {
			if _, asked := t.byAddr[a.Private]; asked {
				t.byAddr[a.Private] = append(t.byAddr[a.Private], f)
			}
		}
	}
	return t
}

// addFront notes a front of an interface, or of an address nobody in the model
// has.
func (n *Network) addFront(f *front, to []*Interface) {
	for _, at := range to {
		n.relays.fronts[at] = append(n.relays.fronts[at], f)
	}
	if len(to) == 0 && f.to.IsValid() {
		n.relays.outside[f.to] = append(n.relays.outside[f.to], f)
	}
}

// addBlind notes that a relay may lead to anything its interfaces reach.
func (n *Network) addBlind(r *relay, dial reach.Ports, why string) {
	n.problem("%s", why)
	keeps := reach.No
	if r.lb != nil && r.lb.Type == "network" {
		keeps = reach.Unknown
	}
	if r.lb == nil || r.lb.Type == "application" {
		n.relays.any = append(n.relays.any, &front{relay: r, dial: dial, unsure: why})
	}
	n.relays.several = n.relays.several || len(n.relays.blind) > 0 && n.relays.blind[0].relay != r
	n.relays.blind = append(n.relays.blind, &front{relay: r, dial: dial, at: reach.AllPorts, preserve: keeps, unsure: why})
}

func (n *Network) indexBalancer(lb *LoadBalancer, t targets) {
	r := n.relays.known[lb.ID]
	if lb.Type == "gateway" {
		return // leads packets through appliances and connects nobody to them
	}
	if lb.Unread {
		n.addBlind(r, reach.AllPorts, "the listeners of load balancer "+lb.ID+" were not all read")
	}
	for i := range lb.Listeners {
		l := &lb.Listeners[i]
		protocols := l.listens()
		if len(protocols) == 0 || l.Port < 1 || l.Port > 65535 {
			n.addBlind(r, reach.AllPorts, "listener "+l.Protocol+" of load balancer "+lb.ID+" makes no sense")
			continue
		}
		for _, p := range protocols {
			dial := reach.Port(p, uint16(l.Port))
			for _, id := range l.TargetGroups {
				g := t.groups[id]
				if g == nil || g.Unread {
					n.addBlind(r, dial, "target group "+id+" of load balancer "+lb.ID+" was not read")
				}
				if g != nil {
					n.indexTargets(r, g, p, dial, t)
				}
			}
		}
	}
}

func (n *Network) indexTargets(r *relay, g *TargetGroup, p reach.Protocol, dial reach.Ports, t targets) {
	for _, x := range g.Targets {
		f := &front{relay: r, dial: dial, at: reach.AllOf(p), preserve: preserves(r.lb, g, p)}
		if x.Port > 0 && x.Port < 65536 {
			f.at = reach.Port(p, uint16(x.Port))
		} else if g.Type != "lambda" {
			f.unsure = "the port of target " + x.ID + " was not read"
		}
		switch addr, err := netip.ParseAddr(x.ID); {
		case g.Type == "lambda":
			n.relays.functions[function(x.ID)] = append(n.relays.functions[function(x.ID)], f)
		case g.Type == "alb":
			inner := n.relays.known[x.ID]
			if inner == nil {
				n.addBlind(r, dial, "load balancer "+x.ID+" was not read")
				continue
			}
			for _, at := range inner.nodes {
				for _, a := range at.Addresses {
					by := *f
					by.to = a.Private
					n.addFront(&by, []*Interface{at})
				}
			}
		case err == nil:
			f.to = addr
			n.addFront(f, t.byAddr[addr])
		default:
			at := t.byInstance[x.ID]
			if at == nil || len(at.Addresses) == 0 {
				n.addBlind(r, dial, "target "+x.ID+" of "+g.ID+" was not read")
				continue
			}
			f.to = at.Addresses[0].Private
			n.addFront(f, []*Interface{at})
		}
	}
}

// preserves reports whether a target sees the client's address rather than the
// load balancer's.
func preserves(lb *LoadBalancer, g *TargetGroup, p reach.Protocol) reach.Answer {
	switch {
	case lb == nil || lb.Type != "network":
		return reach.No
	case g.Type == "alb", p == reach.UDP, g.Protocol == "TCP_UDP", g.Protocol == "TCP_QUIC":
		return reach.Yes
	case g.PreserveClientIP == "":
		return reach.Unknown
	}
	return reach.Is(g.PreserveClientIP == "true")
}

// function is the ARN of a Lambda function without version or alias.
func function(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 7 {
		return strings.Join(parts[:7], ":")
	}
	return arn
}

func (n *Network) indexAPIs(t targets) {
	m := n.model
	links := map[string]*VPCLink{}
	for i := range m.VPCLinks {
		links[m.VPCLinks[i].ID] = &m.VPCLinks[i]
	}
	for i := range m.APIs {
		api := &m.APIs[i]
		if api.Unread {
			n.blindAPI(api, "the integrations of API "+api.ID+" were not all read")
		}
		for _, x := range api.Integrations {
			link := links[x.Link]
			switch {
			case x.Function != "":
				f := &front{relay: &relay{name: api.ID, api: api}, dial: https, at: reach.AllPorts}
				n.relays.functions[function(x.Function)] = append(n.relays.functions[function(x.Function)], f)
			case x.Link == "":
			case link == nil:
				why := "VPC link " + x.Link + " of API " + api.ID + " was not read"
				n.addBlind(&relay{name: api.ID, api: api, part: why}, https, why)
			case !link.Failed:
				n.indexIntegration(api, &x, link, t)
			}
		}
	}
}

// https is what APIs take connections on.
var https = reach.Port(reach.TCP, 443)

// blindAPI notes that an API may lead anywhere by any of the VPC links.
func (n *Network) blindAPI(api *API, why string) {
	n.relays.any = append(n.relays.any, &front{relay: &relay{name: api.ID, api: api}, dial: https, unsure: why})
	for i := range n.model.VPCLinks {
		link := &n.model.VPCLinks[i]
		for _, f := range n.interfaces(link.ID, link.Interfaces) {
			n.addBlind(&relay{name: api.ID, api: api, nodes: []*Interface{f}}, https, why)
		}
		for _, id := range link.Balancers {
			if r := n.relays.known[id]; r != nil {
				n.addBlind(&relay{name: api.ID, api: api, nodes: r.nodes}, https, why)
			}
		}
	}
}

func (n *Network) indexIntegration(api *API, x *Integration, link *VPCLink, t targets) {
	nodes, part := n.interfaces(link.ID, link.Interfaces), ""
	if len(nodes) < len(link.Interfaces) {
		part = "the interfaces of VPC link " + link.ID + " were not all read"
	}
	for _, a := range x.Addrs {
		f := &front{relay: &relay{name: api.ID, api: api, nodes: nodes, part: part}, dial: https, at: reach.AllOf(reach.TCP), to: a, preserve: reach.No}
		if x.Port > 0 && x.Port < 65536 {
			f.at = reach.Port(reach.TCP, uint16(x.Port))
		} else {
			f.unsure = "the port of " + a.String() + " was not read"
		}
		n.addFront(f, t.byAddr[a])
	}
	ports := reach.AllOf(reach.TCP)
	if x.Port > 0 && x.Port < 65536 {
		ports = reach.Port(reach.TCP, uint16(x.Port))
	}
	balancers := link.Balancers
	if x.Balancer != "" {
		balancers = []string{x.Balancer}
	}
	for _, id := range balancers {
		n.relays.apis[id] = append(n.relays.apis[id], entrance{api, link.ID, nodes, ports, part})
	}
}
