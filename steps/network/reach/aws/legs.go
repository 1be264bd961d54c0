package aws

import (
	"net/netip"
	"slices"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// pass is what is left of an arrival behind a front: one for each interface of
// the relay that connects to the target.
func (q *query) pass(f *front, at *Interface, ports reach.Ports, a arrival) []arrival {
	if f.passage != nil {
		return q.delivered(f, at, ports, a)
	}
	nodes := f.nodes
	if a.node != nil {
		nodes = []*Interface{a.node}
	}
	var out []arrival
	for _, node := range nodes {
		if node == at {
			continue
		}
		if ans, hops := q.leg(f, node, at, ports, a); ans != reach.No {
			out = append(out, q.passed(f, node, a, ans, hops))
		}
	}
	if f.part != "" {
		q.say(f.part)
		out = append(out, arrival{allow: a.allow.unsure()})
	}
	return out
}

func (q *query) passed(f *front, node *Interface, a arrival, ans reach.Answer, hops []Hop) arrival {
	if f.unsure != "" {
		q.say(f.unsure)
	}
	if f.unsure != "" || ans != reach.Yes {
		a.allow = a.allow.unsure()
	}
	switch own := addressLike(node, f.to); {
	case a.private || f.preserve == reach.No || a.seen.IsValid() && a.seen.Is4() != f.to.Is4():
		a.seen = own
	case f.preserve == reach.Unknown && a.seen != own:
		a.seen = netip.Addr{}
	}
	a.node, a.private = nil, false
	if q.trace {
		a.hops = append(slices.Clone(a.hops), Hop{f.name, "listens on " + f.dial.String() + " and connects to " + f.at.String()})
		a.hops = append(a.hops, hops...)
		a.via = append(slices.Clone(a.via), f.name)
	}
	return a
}

// addressLike is the address of an interface by which it would dial another.
func addressLike(f *Interface, to netip.Addr) netip.Addr {
	for _, a := range f.Addresses {
		if a.Private.Is4() == to.Is4() {
			return a.Private
		}
	}
	return netip.Addr{}
}

// leg answers whether a relay reaches a target from one of its interfaces.
func (q *query) leg(f *front, node, at *Interface, ports reach.Ports, a arrival) (reach.Answer, []Hop) {
	if f.unsure != "" && f.at.Equal(reach.AllPorts) && at != nil && f.lb != nil && f.lb.Type == "network" {
		// Which address the target sees is not known, so only routes decide.
		return q.n.routes(node, at), nil
	}
	own, hops := q.ownLeg(f, node, at, ports)
	if f.preserve == reach.No || a.private {
		return own, hops
	}
	client := reach.Unknown
	if at != nil {
		client = q.clientLeg(f, node, at, ports, a.seen)
	}
	switch {
	case a.seen.IsValid() && a.seen.Is4() != f.to.Is4(), f.preserve == reach.Unknown && own == client:
		return own, hops
	case f.preserve == reach.Unknown:
		q.say("whether " + f.name + " shows its targets the client's address was not read")
		return reach.Unknown, nil
	}
	return client, nil
}

// ownLeg is a connection from a relay under its own address.
func (q *query) ownLeg(f *front, node, at *Interface, ports reach.Ports) (reach.Answer, []Hop) {
	n, best := q.n, reach.No
	key := legKey{f, node, at}
	if q.legs != nil && ports.Equal(reach.AllPorts) {
		if known, ok := q.legs[key]; ok {
			return known, nil
		}
		defer func() { q.legs[key] = best }()
	}
	to := Place{Addr: f.to}
	if at != nil {
		to = Place{Interface: at.ID}
	}
	for _, w := range n.ways(node, at, netip.Addr{}, f.to, q.trace) {
		if f.to.IsValid() && w.to.IsValid() && w.to != f.to {
			continue
		}
		egress, ingress := n.judge(node, at, &w)
		a := w.carries.and(egress).and(ingress).and(sure(f.at.Intersect(ports)))
		ans := a.Answer()
		if ans == reach.Yes {
			best = ans
			if !q.trace {
				return best, nil
			}
			return best, n.path(node, at, Place{Interface: node.ID}, to, &w, a.Sure)
		}
		if q.trace {
			q.say(f.name + ": " + n.blame(node, at, &w, egress, ingress))
		}
		best = best.Or(ans)
	}
	return best, nil
}

// clientLeg is a connection from a network load balancer under the client's
// address, as client IP preservation makes it. Answers return by way of the
// load balancer, whatever the routes of the target say, and the target's groups
// see the load balancer's group but not the client's.
func (q *query) clientLeg(f *front, node, at *Interface, ports reach.Ports, client netip.Addr) reach.Answer {
	n := q.n
	from, to := n.subnets[node.Subnet], n.subnets[at.Subnet]
	if from == nil || to == nil || !client.IsValid() {
		return reach.Unknown
	}
	switch c, ans, why := n.lookup(from, f.to); {
	case ans != reach.Yes:
		q.say(f.name + ": " + why)
		return ans
	case c.target != "local" || from.vpc != to.vpc:
		q.say(f.name + " shows " + at.ID + " the client's address, which is not followed outside its VPC")
		return reach.Unknown
	}
	a := sure(f.at.Intersect(ports))
	if from != to {
		out, in := check{[]*acl{from.acl}, outward, f.to}, check{[]*acl{to.acl}, inward, client}
		back, home := check{[]*acl{to.acl}, outward, client}, check{[]*acl{from.acl}, inward, f.to}
		a = a.and(out.admits()).and(in.admits()).and(back.admits().and(home.admits()).answered())
	}
	a = a.and(n.passes(node.Groups, node.GroupsUnread, outward, side{addr: f.to, groups: at.Groups, groupsUnread: at.GroupsUnread, named: reach.Yes}))
	a = a.and(n.passes(at.Groups, at.GroupsUnread, inward, side{addr: client, groups: node.Groups, groupsUnread: node.GroupsUnread, named: reach.Yes}))
	if a.Answer() != reach.Yes && q.trace {
		q.say(f.name + ": " + at.ID + " sees the client's address " + client.String() + ", and its rules decide by that")
	}
	return a.Answer()
}

// routes answers whether the subnet of one interface may have a route to
// another.
func (n *Network) routes(from, to *Interface) reach.Answer {
	s, best := n.subnets[from.Subnet], reach.No
	if s == nil {
		return reach.Unknown
	}
	for _, a := range to.Addresses {
		if _, ans, _ := n.lookup(s, a.Private); ans != reach.No {
			best = reach.Unknown
		}
	}
	return best
}
