package aws

import (
	"net/netip"
	"slices"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// Passage is what AWS runs outside all VPCs that takes connections and opens
// others inside one: an accelerator, a distribution with origins in VPCs, an
// endpoint of Verified Access, a service network of VPC Lattice.
type Passage struct {
	ID string
	// Clients are whose connections it takes; none are those of the internet, on
	// AWS's public addresses.
	Clients []Clients
	// Addresses are what its clients in VPCs dial and its targets see: VPC
	// Lattice's. It is not asked of the internet.
	Addresses []netip.Prefix
	// SignIn says why nobody gets through who has not signed in, "" if none must:
	// then it carries nothing for the internet, which signs in nowhere.
	SignIn string
	// Doubt says why it is not known what it lets through, "" if it is.
	Doubt string
	// Blockable: VPC Block Public Access of the target's VPC holds for it.
	Blockable bool
	Routes    []PassageRoute
	// Into are VPCs into which it may lead anywhere, as Doubt says why.
	Into []string
}

// Clients are the interfaces of a VPC ("" is one that was not read) whose
// connections a passage takes, if its own groups let them in; no groups are none
// that filter.
type Clients struct {
	VPC          string
	Groups       []string
	GroupsUnread bool
}

// PassageRoute is what a passage does with connections on the ports From to To of a
// protocol, "TCP" or "UDP": it opens others to a load balancer (its ARN), an
// instance, an interface, an address or a function, on Port, or on the port that was
// dialled if that is 0. Doubt is as of the passage.
type PassageRoute struct {
	Protocol                      string
	From, To                      int
	Balancer, Instance, Interface string
	Addr                          netip.Addr
	Function                      string
	Port                          int
	Sender                        Sender
	Doubt                         string
}

// Sender is whom the targets of a passage see: the client, or something at some
// address of Within that bears Groups.
type Sender struct {
	Client       bool
	Within       []netip.Prefix
	Groups       []string
	GroupsUnread bool
	// Lists are the names of prefix lists that count as holding it.
	Lists []string
}

// passage is one route of one passage, ready for questions.
type passage struct {
	*Passage
	route    *PassageRoute
	dial, at reach.Ports
}

// indexPassages puts passages among what leads to interfaces, load balancers and
// functions.
func (n *Network) indexPassages(t targets) {
	for i := range n.model.Passages {
		p := &n.model.Passages[i]
		for j := range p.Routes {
			x := &p.Routes[j]
			r := &passage{Passage: p, route: x}
			dial, err := parsePorts(lower(x.Protocol), x.From, x.To)
			if err != nil {
				n.problem("%s: %v", p.ID, err)
				continue
			}
			r.dial, r.at = dial, dial
			if x.Port > 0 && x.Port < 65536 {
				one, _ := parsePorts(lower(x.Protocol), x.Port, x.Port) // of a protocol that was understood just now
				r.at = one
			}
			n.indexPassage(r, t)
		}
	}
}

func lower(protocol string) string {
	if protocol == "UDP" {
		return "udp"
	}
	return "tcp"
}

func (n *Network) indexPassage(r *passage, t targets) {
	x := r.route
	f := &front{relay: &relay{name: r.ID, passage: r}, dial: r.dial, at: r.at}
	var at *Interface
	switch {
	case x.Function != "":
		n.relays.functions[function(x.Function)] = append(n.relays.functions[function(x.Function)], f)
		return
	case x.Balancer != "":
		if n.relays.known[x.Balancer] == nil {
			n.problem("load balancer %s of %s was not read", x.Balancer, r.ID)
		}
		if lb := n.relays.known[x.Balancer]; lb != nil {
			for _, node := range lb.nodes {
				n.addPassage(f, node)
			}
		}
		return
	case x.Addr.IsValid():
		f.to = x.Addr
		n.addFront(f, t.byAddr[x.Addr])
		return
	case x.Instance != "":
		at = t.byInstance[x.Instance]
	default:
		at = n.ifaces[x.Interface]
	}
	if at == nil {
		n.problem("%s, to which %s leads, was not read", x.Instance+x.Interface, r.ID)
		return
	}
	n.addPassage(f, at)
}

// addPassage notes that a passage leads to an interface.
func (n *Network) addPassage(f *front, at *Interface) {
	if len(at.Addresses) > 0 {
		one := *f
		one.to = at.Addresses[0].Private
		n.addFront(&one, []*Interface{at})
	}
}

// toPassage lists what arrives at a passage on the ports of one of its routes.
func (q *query) toPassage(r *passage) []arrival {
	out := q.remember(r.Passage, func() []arrival {
		if len(r.Clients) > 0 {
			return q.asClient(r.Passage)
		}
		return q.overInternet(r.Passage)
	})
	out = slices.Clone(out)
	for i := range out {
		out[i].allow = out[i].allow.and(sure(r.dial))
		if r.route.Doubt != "" {
			q.say(r.route.Doubt)
			out[i].allow = out[i].allow.unsure()
		}
	}
	return slices.DeleteFunc(out, func(a arrival) bool { return a.allow.Answer() == reach.No })
}

// publicService stands for services of AWS that have public addresses and no
// endpoints.
const publicService = "com.amazonaws.global.edge"

// overInternet lists what arrives at a passage over the internet.
func (q *query) overInternet(p *Passage) []arrival {
	if p.SignIn != "" {
		q.say(p.ID + ": " + p.SignIn)
		return nil
	}
	var out []arrival
	for _, d := range q.n.doors(q.src, q.from, publicService, q.say) {
		a := arrival{allow: d.Allow}
		if q.src == nil {
			a.seen = q.from.Addr
		}
		if p.Doubt != "" {
			q.say(p.Doubt)
			a.allow = a.allow.unsure()
		}
		if q.trace {
			a.hops = []Hop{{nameOf(q.from), ""}, {p.ID, "takes connections of the internet"}}
			a.via = []string{p.ID}
		}
		out = append(out, a)
	}
	return out
}

// asClient lists what arrives at a passage that takes connections of VPCs.
func (q *query) asClient(p *Passage) []arrival {
	var out []arrival
	for i := range p.Clients {
		c := &p.Clients[i]
		a := arrival{}
		switch {
		case c.VPC == "" && q.src == nil && public(q.from.Addr):
			continue
		case c.VPC == "":
			a.allow = allowUnknown
			q.say("who else may be a client of " + p.ID + " was not read")
		case q.src == nil || q.n.subnets[q.src.Subnet] == nil || q.n.subnets[q.src.Subnet].vpc.ID != c.VPC:
			continue
		default:
			a.allow = q.n.clientOf(p, c, q.src)
		}
		if a.allow.Answer() == reach.No {
			q.say("the groups and network ACLs between " + nameOf(q.from) + " and " + p.ID + " let nothing pass")
			continue
		}
		if p.Doubt != "" {
			q.say(p.Doubt)
			a.allow = a.allow.unsure()
		}
		if q.trace {
			a.hops = []Hop{{nameOf(q.from), ""}, {p.ID, "takes connections of " + c.VPC}}
			a.via = []string{p.ID}
		}
		out = append(out, a)
	}
	return out
}

// clientOf is what an interface may open to a passage its VPC is joined to.
func (n *Network) clientOf(p *Passage, c *Clients, src *Interface) Allow {
	s := n.subnets[src.Subnet]
	a := n.passes(src.Groups, src.GroupsUnread, outward, side{within: p.Addresses, named: reach.No})
	a = a.and(s.acl.throughout(outward, p.Addresses))
	if len(c.Groups) == 0 && !c.GroupsUnread {
		return a
	}
	in := Allow{}
	for _, at := range src.Addresses {
		in = in.or(n.passes(c.Groups, c.GroupsUnread, inward, side{addr: at.Private, groups: src.Groups, groupsUnread: src.GroupsUnread, named: reach.Yes}))
	}
	return a.and(in)
}

// throughout is what a network ACL lets pass one way, and its answers back, for all of
// some ranges: unknown
// where it tells their addresses apart or nothing is known of them.
func (a *acl) throughout(way int, ranges []netip.Prefix) Allow {
	if a == nil || len(ranges) == 0 {
		return allowUnknown
	}
	for _, entries := range a.entries {
		for _, e := range entries {
			for _, r := range ranges {
				if e.cidr.IsValid() && e.cidr.Overlaps(r) && e.cidr.Bits() > r.Bits() {
					return allowUnknown
				}
			}
		}
	}
	out := allowAll
	for _, r := range ranges {
		out = out.and(a.admits(way, r.Addr())).and(a.admits(1-way, r.Addr()).answered())
	}
	return out
}

// delivered lists what a passage passes on to an interface, or to a function (nil).
func (q *query) delivered(f *front, at *Interface, ports reach.Ports, a arrival) []arrival {
	p := f.passage
	open := p.at.Intersect(ports)
	if open.IsEmpty() {
		return nil
	}
	lets, name := allowAll, f.to.String()
	if at != nil {
		lets, name = q.admitted(p, at, a.seen), at.ID
	}
	a, ok := q.let(p, name, a, lets, open)
	if !ok {
		return nil
	}
	if !p.route.Sender.Client {
		a.seen = netip.Addr{}
	}
	a.node, a.private = nil, false
	return []arrival{a}
}

// let is what is left of an arrival at a target that lets some of its ports in.
func (q *query) let(p *passage, target string, a arrival, lets Allow, at reach.Ports) (arrival, bool) {
	lets = lets.and(sure(at))
	switch ans := lets.Answer(); {
	case ans == reach.No:
		q.say(target + " lets " + p.ID + " in on none of its ports")
		return a, false
	case p.route.Port == 0: // dialled and delivered are the same port
		a.allow = a.allow.and(lets)
	case ans == reach.Unknown:
		a.allow = a.allow.unsure()
	}
	if a.allow.Answer() == reach.Unknown {
		q.say("whether " + target + " lets " + p.ID + " in is not known")
	}
	if q.trace {
		a.hops = append(slices.Clone(a.hops), Hop{target, "lets " + p.ID + " in"})
	}
	return a, a.allow.Answer() != reach.No
}

// admitted is what an interface lets in of what a passage opens to it. Network ACLs
// may or may not see what a service delivers by an interface of its own in the
// subnet, so that one which forbids it leaves it unknown.
func (q *query) admitted(p *passage, at *Interface, client netip.Addr) Allow {
	n, s := q.n, q.n.subnets[at.Subnet]
	if s == nil {
		return allowUnknown
	}
	seen := side{within: p.route.Sender.Within, lists: p.route.Sender.Lists, groups: p.route.Sender.Groups, groupsUnread: p.route.Sender.GroupsUnread, named: reach.Yes}
	var filtered Allow
	if p.route.Sender.Client {
		seen = side{addr: client, named: reach.No}
		filtered = allowUnknown
		if client.IsValid() && s.acl != nil {
			filtered = s.acl.admits(inward, client).and(s.acl.admits(outward, client).answered())
		}
	} else {
		filtered = s.acl.throughout(inward, p.route.Sender.Within)
	}
	lets := n.passes(at.Groups, at.GroupsUnread, inward, seen)
	if p.Blockable {
		switch ans, why := n.publicAccess(s, true, false); ans {
		case reach.No:
			q.say(why)
			return Allow{}
		case reach.Unknown:
			q.say(why)
			lets = lets.unsure()
		}
	}
	return Allow{lets.Sure.Intersect(filtered.Sure), lets.Maybe}
}

// anywhere is what may arrive at an interface by passages that may lead anywhere in
// its VPC.
func (q *query) anywhere(vpc string) Allow {
	var all Allow
	for i := range q.n.model.Passages {
		p := &q.n.model.Passages[i]
		if !slices.Contains(p.Into, vpc) {
			continue
		}
		for _, a := range q.toPassage(&passage{Passage: p, route: &PassageRoute{}, dial: reach.AllOf(reach.TCP).Union(reach.AllOf(reach.UDP))}) {
			all = all.or(a.allow.unsure())
		}
	}
	return all
}

// led reports whether some passage may lead anywhere in a VPC.
func (n *Network) led(vpc string) bool {
	return slices.ContainsFunc(n.model.Passages, func(p Passage) bool { return slices.Contains(p.Into, vpc) })
}
