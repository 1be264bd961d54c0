package aws

import (
	"net/netip"
	"slices"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// byPrivateLink lists what arrives at a load balancer through the interface
// endpoints of the services that offer it.
func (q *query) byPrivateLink(r *relay, dial reach.Ports) []arrival {
	n := q.n
	var out []arrival
	for _, s := range n.relays.services[r.name] {
		for _, e := range n.relays.endpoints[s.Name] {
			if e.Type != "Interface" {
				continue
			}
			if !usable(e) {
				q.say("endpoint " + e.ID + " of " + s.Name + " is " + e.State)
				continue
			}
			for _, id := range e.Interfaces {
				at := n.ifaces[id]
				if at == nil {
					q.say("interface " + id + " of endpoint " + e.ID + " was not read")
					out = append(out, arrival{allow: Allow{Maybe: dial}, private: true})
					continue
				}
				for _, a := range q.atEndpoint(at, dial, r) {
					if q.trace {
						a.hops = append(slices.Clone(a.hops), Hop{e.ID, "PrivateLink to " + s.Name})
						a.via = append(slices.Clone(a.via), e.ID)
					}
					out = append(out, a)
				}
			}
		}
	}
	return out
}

// atEndpoint lists what arrives at an interface of an endpoint and passes the
// groups of the load balancer behind it, if these are asked of PrivateLink.
// They see the client's own address, and no group of another VPC.
func (q *query) atEndpoint(at *Interface, dial reach.Ports, r *relay) []arrival {
	grouped := slices.ContainsFunc(r.nodes, func(f *Interface) bool { return len(f.Groups) > 0 || f.GroupsUnread })
	asked := grouped && r.lb.EnforcePrivateLink != "off"
	if at == q.src {
		return nil
	}
	var out []arrival
	for _, a := range q.into(at, dial, asked) {
		if asked {
			switch q.enforced(r, dial, a.seen) {
			case reach.No:
				q.say("no ingress rule of load balancer " + r.name + " allows " + a.seen.String() + " by PrivateLink")
				continue
			case reach.Unknown:
				q.say("whether the groups of load balancer " + r.name + " let PrivateLink in was not read")
				a.allow = a.allow.unsure()
			}
		}
		a.private, a.node = true, nil
		out = append(out, a)
	}
	return out
}

// enforced answers whether the groups of a load balancer let a client of
// PrivateLink in, its address not valid if it is not known.
func (q *query) enforced(r *relay, dial reach.Ports, client netip.Addr) reach.Answer {
	var lets Allow
	for _, node := range r.nodes {
		lets = lets.or(q.n.passes(node.Groups, node.GroupsUnread, inward, side{addr: client, named: reach.No}))
	}
	ans := lets.and(sure(dial)).Answer()
	switch r.lb.EnforcePrivateLink {
	case "on":
		return ans
	case "off":
		return reach.Yes
	}
	return ans.Or(reach.Unknown)
}

// byAPI lists what arrives at a load balancer through APIs.
func (q *query) byAPI(r *relay, dial reach.Ports) []arrival {
	n := q.n
	var out []arrival
	for _, e := range n.relays.apis[r.name] {
		if !e.ports.Overlaps(dial) {
			continue
		}
		for _, a := range q.toAPI(e.api) {
			if q.trace {
				a.hops = append(slices.Clone(a.hops), Hop{e.api.ID, "integration by VPC link " + e.link})
				a.via = append(slices.Clone(a.via), e.api.ID)
			}
			if e.part != "" {
				q.say(e.part)
				out = append(out, arrival{allow: a.allow.unsure()})
			}
			if len(e.nodes) > 0 {
				out = append(out, q.byLink(e, r, dial, a)...)
			}
			if len(e.nodes) > 0 || e.part != "" {
				continue
			}
			if ans := q.enforced(r, dial, netip.Addr{}); ans != reach.Yes {
				q.say("whether the groups of load balancer " + r.name + " let " + e.api.ID + " in is not known")
				a.allow = a.allow.unsure()
			}
			a.private, a.node, a.seen = true, nil, netip.Addr{}
			out = append(out, a)
		}
	}
	return out
}

// byLink carries what arrived at an API over the interfaces of its VPC link.
func (q *query) byLink(e entrance, r *relay, dial reach.Ports, a arrival) []arrival {
	var out []arrival
	for _, f := range e.nodes {
		link := &query{n: q.n, from: Place{Interface: f.ID}, src: f, trace: q.trace}
		for _, node := range r.nodes {
			for _, b := range link.straight(node, dial) {
				c := a
				if b.allow.Answer() != reach.Yes {
					c.allow = c.allow.unsure()
				}
				c.node, c.seen = node, b.seen
				c.hops, c.via = slices.Concat(a.hops, b.hops), slices.Concat(a.via, b.via)
				out = append(out, c)
			}
		}
		for _, why := range link.why {
			q.say(why)
		}
	}
	return out
}

// toAPI lists what arrives at an API.
func (q *query) toAPI(api *API) []arrival {
	return q.remember(api, func() []arrival { return q.askAPI(api) })
}

// remember asks once where what arrives is kept.
func (q *query) remember(key any, ask func() []arrival) []arrival {
	if q.memo == nil {
		return ask()
	}
	return q.memo(key, ask)
}

func (q *query) askAPI(api *API) []arrival {
	service := "com.amazonaws." + api.Region + ".execute-api"
	var out []arrival
	for _, d := range q.n.doors(q.src, q.from, service, q.say) {
		if (d.Endpoint != "") != api.Private && api.Region != "" {
			continue
		}
		a := arrival{allow: d.Allow.and(sure(https))}
		if api.Region == "" {
			a.allow = a.allow.unsure()
		}
		if a.allow.Answer() == reach.No {
			continue
		}
		if q.trace {
			a.hops = []Hop{{nameOf(q.from), ""}, {service, "by " + d.name()}}
		}
		out = append(out, a)
	}
	return out
}
