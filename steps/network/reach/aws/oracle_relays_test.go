package aws

import (
	"net/netip"
	"slices"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// The oracle's relays: a connection that came to a load balancer is followed
// target by target, packet by packet.

// came is one connection that arrived at a load balancer.
type came struct {
	ans         reach.Answer
	proto, port int
	seen        netip.Addr // of the client; not valid if nobody knows it
	private     bool       // by PrivateLink
	chain       []string   // the load balancers it came through
}

func (o oracle) balancer(id string) LoadBalancer {
	return o.m.LoadBalancers[slices.IndexFunc(o.m.LoadBalancers, func(b LoadBalancer) bool { return b.ID == id })]
}

// relayed answers whether a connection to some relay on a port ends at a place.
func (o oracle) relayed(s *Interface, sa Address, to Place, proto, port int) reach.Answer {
	best := reach.No
	for _, id := range []string{"nlb", "alb"} {
		lb := o.balancer(id)
		if s != nil && s.ID == lb.Interfaces[0] {
			continue
		}
		if seen, ok := o.dials(s, sa, lb.Interfaces[0], proto, port); ok {
			best = best.Or(o.at(lb, to, came{reach.Yes, proto, port, seen, false, nil}))
		}
	}
	if seen, ok := o.dials(s, sa, "eni-ep", proto, port); ok {
		best = best.Or(o.endpoint(to, came{reach.Yes, proto, port, seen, false, nil}))
	}
	if proto == 6 && port == 443 {
		best = best.Or(o.api(s, sa, to))
	}
	return best.Or(o.passages(s, sa, to, proto, port))
}

// dials connects to an interface by any of its addresses, and says whom it sees.
func (o oracle) dials(s *Interface, sa Address, id string, proto, port int) (netip.Addr, bool) {
	d, da := o.find(Place{Interface: id})
	if s == d {
		return netip.Addr{}, false
	}
	for _, dial := range []netip.Addr{da.Private, da.Public} {
		if dial.IsValid() {
			if seen, ok := o.connects(s, d, sa, dial, da, proto, port); ok {
				return seen, true
			}
		}
	}
	return netip.Addr{}, false
}

// at follows a connection at a load balancer to its targets.
func (o oracle) at(lb LoadBalancer, to Place, c came) reach.Answer {
	best := reach.No
	if slices.Contains(c.chain, lb.ID) {
		return best
	}
	c.chain = append(slices.Clone(c.chain), lb.ID)
	for _, l := range lb.Listeners {
		if l.Port != c.port || !(c.proto == 6 || c.proto == 17 && l.Protocol == "TCP_UDP") {
			continue
		}
		for _, id := range l.TargetGroups {
			g := o.m.TargetGroups[slices.IndexFunc(o.m.TargetGroups, func(g TargetGroup) bool { return g.ID == id })]
			for _, x := range g.Targets {
				best = best.Or(o.target1(lb, g, x, to, c))
			}
		}
	}
	return best
}

// target1 connects to one target and follows from there.
func (o oracle) target1(lb LoadBalancer, g TargetGroup, x Target, to Place, c came) reach.Answer {
	if g.Type == "lambda" {
		return reach.Is(to.Function == x.ID).And(c.ans)
	}
	if g.Type == "alb" {
		x.ID = "10."
		_, a := o.find(Place{Interface: "eni-alb"})
		x.ID = a.Private.String()
	}
	best := reach.No
	node, na := o.find(Place{Interface: lb.Interfaces[0]})
	for i := range o.m.Interfaces {
		f := &o.m.Interfaces[i]
		if f.Instance != x.ID && f.Addresses[0].Private.String() != x.ID || f == node {
			continue
		}
		next := c
		next.port, next.private = x.Port, false
		keeps := lb.Type == "network" && (g.Type == "alb" || g.Protocol == "TCP_UDP" || g.PreserveClientIP == "true")
		if keeps && !c.private {
			next.ans = next.ans.And(o.preserved(node, f, c, x.Port))
		} else {
			next.seen = na.Private
			next.ans = next.ans.And(reach.Is(o.opens(node, f, na, f.Addresses[0].Private, f.Addresses[0], c.proto, x.Port)))
		}
		best = best.Or(o.onward(f, to, next))
	}
	return best
}

// onward is what a target does with a connection.
func (o oracle) onward(f *Interface, to Place, c came) reach.Answer {
	switch {
	case c.ans == reach.No:
		return reach.No
	case f.ID == to.Interface:
		return c.ans
	case f.ID == "eni-alb":
		return o.at(o.balancer("alb"), to, c)
	case f.ID == "eni-ep":
		return o.endpoint(to, c)
	}
	return reach.No
}

// preserved is a connection of a network load balancer under its client's
// address.
func (o oracle) preserved(node, f *Interface, c came, port int) reach.Answer {
	from, to, addr := o.sub(node.Subnet), o.sub(f.Subnet), f.Addresses[0].Private
	switch target := o.target(from, addr); {
	case target == "":
		return reach.No
	case target != "local" || from.VPC != to.VPC:
		return reach.Unknown
	}
	for _, sport := range []int{1024, 2000, 40000, 65535} {
		p, back := packet{c.seen, addr, c.proto, sport, port}, packet{addr, c.seen, c.proto, port, sport}
		if from.ID != to.ID && !(o.nacl(from.ID, true, addr, p) && o.nacl(to.ID, false, c.seen, p) &&
			o.nacl(to.ID, true, c.seen, back) && o.nacl(from.ID, false, addr, back)) {
			continue
		}
		if o.sg(node, true, addr, f, true, p) && o.sg(f, false, c.seen, node, true, p) {
			return reach.Yes
		}
	}
	return reach.No
}

// endpoint is a connection that arrived at the endpoint of the service.
func (o oracle) endpoint(to Place, c came) reach.Answer {
	lb := o.balancer("nlb")
	if to.Interface == "eni-nlb" && slices.ContainsFunc(lb.Listeners, func(l Listener) bool { return false }) || o.m.Endpoints[0].State != "available" {
		return reach.No
	}
	node, _ := o.find(Place{Interface: "eni-nlb"})
	if lb.EnforcePrivateLink == "on" && len(node.Groups) > 0 && !o.sg(node, false, c.seen, nil, false, packet{proto: c.proto, dport: c.port}) {
		return reach.No
	}
	c.private = true
	return o.at(lb, to, c)
}

// api is a connection to the API, and where its integrations lead.
func (o oracle) api(s *Interface, sa Address, to Place) reach.Answer {
	a := o.m.APIs[0]
	ans := reach.No
	if a.Private {
		_, ok := o.dials(s, sa, "eni-api", 6, 443)
		ans = reach.Is(ok)
	} else {
		ans = o.overInternet(s, sa, 6, 443)
	}
	best := reach.No
	for _, x := range a.Integrations {
		switch {
		case x.Function != "":
			best = best.Or(reach.Is(to.Function == x.Function).And(ans))
		case x.Link == "link-1":
			lb := o.balancer("nlb")
			node, _ := o.find(Place{Interface: "eni-nlb"})
			for _, l := range lb.Listeners {
				c := came{ans, 6, l.Port, netip.Addr{}, true, nil}
				if x.Port != 0 && x.Port != l.Port {
					continue
				}
				if lb.EnforcePrivateLink == "on" && len(node.Groups) > 0 {
					c.ans = c.ans.And(reach.Unknown)
				}
				best = best.Or(o.at(lb, to, c))
			}
		case len(x.Addrs) > 0:
			link, la := o.find(Place{Interface: "eni-link"})
			f, fa := o.find(Place{Interface: "eni-2"})
			if to.Interface == f.ID {
				best = best.Or(ans.And(reach.Is(o.opens(link, f, la, fa.Private, fa, 6, x.Port))))
			}
		default:
			link, la := o.find(Place{Interface: "eni-link"})
			if seen, ok := o.dials(link, la, "eni-alb", 6, x.Port); ok {
				best = best.Or(o.at(o.balancer("alb"), to, came{ans, 6, x.Port, seen, false, nil}))
			}
		}
	}
	return best
}

// passages is a connection to something outside all VPCs, and where it leads.
func (o oracle) passages(s *Interface, sa Address, to Place, proto, port int) reach.Answer {
	best := reach.No
	for i := range o.m.Passages {
		p := &o.m.Passages[i]
		ans := o.toPassage(p, s, sa, proto, port)
		for _, x := range p.Routes {
			if ans == reach.No || (proto != 6 || x.Protocol != "TCP") && (proto != 17 || x.Protocol != "UDP") || port < x.From || port > x.To {
				continue
			}
			at := port
			if x.Port != 0 {
				at = x.Port
			}
			if x.Function != "" {
				best = best.Or(ans.And(reach.Is(to.Function == x.Function)))
				continue
			}
			for i := range o.m.Interfaces {
				f := &o.m.Interfaces[i]
				if x.Instance != "" && f.Instance != x.Instance || x.Balancer != "" && f.ID != o.balancer(x.Balancer).Interfaces[0] {
					continue
				}
				c := came{ans.And(o.delivered(p, &x, s, sa, f, proto, at)), proto, at, netip.Addr{}, false, nil}
				if x.Sender.Client && s == nil {
					c.seen = sa.Private
				}
				best = best.Or(o.onward(f, to, c))
			}
		}
	}
	return best
}

// toPassage is whether a connection is taken.
func (o oracle) toPassage(p *Passage, s *Interface, sa Address, proto, port int) reach.Answer {
	if p.SignIn != "" {
		return reach.No
	}
	if len(p.Clients) == 0 {
		return o.overInternet(s, sa, proto, port)
	}
	best := reach.No
	for _, c := range p.Clients {
		if s == nil || o.sub(s.Subnet).VPC != c.VPC {
			continue
		}
		there := p.Addresses[0].Addr()
		joint := &Interface{ID: "joint", Groups: c.Groups}
		answered := false
		for _, sport := range []int{1024, 2000, 40000, 65535} {
			answered = answered || o.nacl(s.Subnet, false, there, packet{proto: proto, dport: sport})
		}
		pk := packet{sa.Private, there, proto, 1024, port}
		if answered && o.nacl(s.Subnet, true, there, pk) && o.sg(s, true, there, nil, false, pk) && (len(c.Groups) == 0 || o.sg(joint, false, sa.Private, s, true, pk)) {
			best = reach.Yes
		}
	}
	return best
}

// delivered is whether a target lets in what a passage opens to it. A network ACL that
// forbids it may not be asked.
func (o oracle) delivered(p *Passage, x *PassageRoute, s *Interface, sa Address, f *Interface, proto, at int) reach.Answer {
	peer, whom, named := sa.Private, (*Interface)(nil), false
	if !x.Sender.Client {
		peer, whom, named = x.Sender.Within[0].Addr(), &Interface{Groups: x.Sender.Groups}, true
	}
	pk := packet{peer, f.Addresses[0].Private, proto, 1024, at}
	ans := reach.Yes
	if x.Sender.Client && s != nil { // under which address it comes is not known
		ans = reach.Unknown
		some := false
		for _, a := range sampled {
			pk.src = netip.MustParseAddr(a)
			some = some || o.sg(f, false, pk.src, nil, false, pk)
		}
		if len(f.Groups) > 0 && !some {
			return reach.No
		}
	} else if len(f.Groups) > 0 && !o.sg(f, false, peer, whom, named, pk) {
		return reach.No
	}
	if p.Blockable && o.blocked(o.sub(f.Subnet), true, false) {
		return reach.No
	}
	if ans == reach.Yes {
		answered := false
		for _, sport := range []int{1024, 2000, 40000, 65535} {
			answered = answered || o.nacl(f.Subnet, true, peer, packet{proto: proto, dport: sport})
		}
		if !answered || !o.nacl(f.Subnet, false, peer, pk) {
			return reach.Unknown
		}
	}
	return ans
}

// sampled is an address in each of the ranges that random rules name.
var sampled = []string{"8.8.8.8", "10.0.0.9", "10.0.1.4", "10.1.0.9", "10.1.1.9", "10.2.0.9", "10.9.0.9", "54.0.0.2", "54.1.0.0", "1.1.1.1"}

// overInternet asks one address of each piece of the public address space the
// random networks can tell apart, but for those of S3: yes is all, no is none.
func (o oracle) overInternet(s *Interface, sa Address, proto, port int) reach.Answer {
	if s == nil {
		return reach.Yes
	}
	yes, all := 0, []string{"1.0.0.1", "8.8.8.8", "54.0.0.2", "54.0.9.9"}
	for _, a := range all {
		if o.opens(s, nil, sa, netip.MustParseAddr(a), Address{Private: netip.MustParseAddr(a)}, proto, port) {
			yes++
		}
	}
	switch yes {
	case 0:
		return reach.No
	case len(all):
		return reach.Yes
	}
	return reach.Unknown
}

func (o oracle) toService(s *Interface, sa Address, service string, proto, port int) reach.Answer {
	door, best := map[string]string{"s3": "eni-s3"}[service], reach.No
	if door == "" {
		door, best = "eni-api", o.overInternet(s, sa, proto, port)
	} else if s == nil {
		best = reach.Yes
	} else {
		a := netip.MustParseAddr("52.1.0.1")
		best = reach.Is(o.opens(s, nil, sa, a, Address{Private: a}, proto, port))
	}
	_, ok := o.dials(s, sa, door, proto, port)
	return best.Or(reach.Is(ok))
}
