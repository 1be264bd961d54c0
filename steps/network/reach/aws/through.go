package aws

import (
	"net/netip"
	"slices"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// query follows the connections a source can open through relays. It is used
// by one goroutine.
type query struct {
	n     *Network
	from  Place
	src   *Interface // nil: outside
	trace bool
	// direct, if set, knows what the source opens directly to an interface; who
	// is seen there it does not.
	direct func(at *Interface) Allow
	// legs, if set, remembers what relays reach under their own address; memo,
	// if set, what arrives at APIs and passages.
	legs map[legKey]reach.Answer
	memo func(key any, ask func() []arrival) []arrival

	// blind, if set, remembers what arrives at relays that may lead anywhere.
	blind func(q *query) Allow

	passing []*relay // relays the path leads through already
	blindly bool     // one of them may lead anywhere
	steps   int
	touches reach.Answer // whether the source opens anything to any relay
	why     []string
}

// mostSteps is how many relays behind relays a question follows before it is
// given up as unknown: more than any network that was built on purpose has, and
// few enough for one in which all lead to all.
const mostSteps = 100

type legKey struct {
	f        *front
	node, at *Interface
}

// arrival is one way in which connections of the source arrive at something.
// Its ports are those the source dials.
type arrival struct {
	allow   Allow
	node    *Interface // where, of the interfaces of a relay; nil: at any of them
	seen    netip.Addr // whom the other end sees; not valid if unknown
	private bool       // came by PrivateLink: a target sees the load balancer
	hops    []Hop
	via     []string
}

// through lists what arrives at an interface, or at an address outside, on
// some of its ports by way of relays.
func (q *query) through(at *Interface, addr netip.Addr, ports reach.Ports, seen bool) []arrival {
	fronts := q.n.relays.outside[addr]
	if at != nil {
		fronts = q.n.relays.fronts[at]
	}
	var out []arrival
	for _, f := range fronts {
		if f.at.Overlaps(ports) {
			out = append(out, q.behind(f, at, ports, seen)...)
		}
	}
	return merged(append(out, q.byBlind(at, ports, seen)...))
}

// byBlind lists what arrives by way of relays that may lead anywhere. Of
// several, each may lead to the others, so what reaches one may reach all.
func (q *query) byBlind(at *Interface, ports reach.Ports, seen bool) []arrival {
	r := &q.n.relays
	if q.blindly || len(r.blind) == 0 {
		return nil
	}
	q.blindly = true
	defer func() { q.blindly = false }()
	var out []arrival
	if r.several {
		any := q.anyBlind
		if q.blind != nil {
			any = func() Allow { return q.blind(q) }
		}
		if a := any().unsure(); a.Answer() != reach.No {
			out = append(out, arrival{allow: a})
		}
		return out
	}
	for _, f := range r.blind {
		if !slices.Contains(f.nodes, at) {
			out = append(out, q.behind(f, at, ports, seen)...)
		}
	}
	return out
}

// anyBlind is what the source can open to some relay that may lead anywhere.
func (q *query) anyBlind() Allow {
	passing := q.passing
	q.passing = nil
	defer func() { q.passing = passing }()
	var all Allow
	for _, f := range q.n.relays.blind {
		for _, a := range q.onto(f.relay, f.dial, false) {
			q.say(f.unsure)
			all = all.or(a.allow)
		}
	}
	return all
}

// behind lists what a front passes on to one of its targets.
func (q *query) behind(f *front, at *Interface, ports reach.Ports, seen bool) []arrival {
	var out []arrival
	for _, a := range q.onto(f.relay, f.dial, f.preserve != reach.No) {
		out = append(out, q.pass(f, at, ports, a)...)
	}
	return out
}

// onto lists what arrives at a relay on one of its ports.
func (q *query) onto(r *relay, dial reach.Ports, seen bool) []arrival {
	if slices.Contains(q.passing, r) {
		return nil
	}
	if len(q.passing) > 0 {
		if q.steps++; q.steps > mostSteps {
			return q.giveUp(dial)
		}
	}
	q.passing = append(q.passing, r)
	defer func() { q.passing = q.passing[:len(q.passing)-1] }()
	if r.api != nil {
		return q.toAPI(r.api)
	}
	if r.passage != nil {
		return q.toPassage(r.passage)
	}
	var out []arrival
	if r.part != "" {
		out = append(out, arrival{allow: Allow{Maybe: dial}})
		q.say(r.part)
	}
	for _, node := range r.nodes {
		if node == q.src {
			continue
		}
		for _, a := range q.into(node, dial, seen) {
			a.node = node
			out = append(out, a)
		}
	}
	out = append(out, q.byPrivateLink(r, dial)...)
	return merged(append(out, q.byAPI(r, dial)...))
}

// giveUp is what arrives at a relay that is not followed any more: unknown, if
// the source can open anything to any relay at all.
func (q *query) giveUp(dial reach.Ports) []arrival {
	if q.touches == reach.Unknown {
		q.touches = reach.Is(q.touchesAny())
	}
	if q.touches == reach.No {
		return nil
	}
	q.say("the load balancers lead to each other in too many ways to follow")
	return []arrival{{allow: Allow{Maybe: dial}}}
}

func (q *query) touchesAny() bool {
	n := q.n
	if len(n.model.APIs)+len(n.model.Passages) > 0 {
		return true
	}
	touches := func(f *Interface) bool {
		if f == nil || f == q.src {
			return f != nil
		}
		if q.direct != nil {
			return q.direct(f).Answer() != reach.No
		}
		return len(q.straight(f, reach.AllPorts)) > 0
	}
	for _, r := range n.relays.known {
		if r.part != "" || slices.ContainsFunc(r.nodes, touches) {
			return true
		}
	}
	for i := range n.model.Endpoints {
		for _, id := range n.model.Endpoints[i].Interfaces {
			if n.ifaces[id] == nil || touches(n.ifaces[id]) {
				return true
			}
		}
	}
	return false
}

// merged joins arrivals that differ in their ports only. The path kept is the
// shortest that carries something for sure.
func merged(all []arrival) []arrival {
	out := all[:0]
	for _, a := range all {
		i := slices.IndexFunc(out, func(b arrival) bool { return a.node == b.node && a.seen == b.seen && a.private == b.private })
		if i < 0 {
			out = append(out, a)
			continue
		}
		b := &out[i]
		if a.allow.Answer() == reach.Yes && (b.allow.Answer() != reach.Yes || len(a.hops) < len(b.hops)) {
			b.hops, b.via = a.hops, a.via
		}
		b.allow = b.allow.or(a.allow)
	}
	return out
}

// into lists what arrives at an interface, directly and through relays.
func (q *query) into(at *Interface, ports reach.Ports, seen bool) []arrival {
	var out []arrival
	var known Allow
	if q.direct != nil {
		known = q.direct(at).and(sure(ports))
	}
	switch {
	case q.direct == nil, seen && known.Answer() != reach.No:
		out = q.straight(at, ports)
	case known.Answer() != reach.No:
		out = append(out, arrival{allow: known})
	}
	return append(out, q.through(at, netip.Addr{}, ports, seen)...)
}

// straight lists what arrives at an interface without a relay.
func (q *query) straight(at *Interface, ports reach.Ports) []arrival {
	var out []arrival
	n, closed := q.n, ""
	for _, w := range n.ways(q.src, at, q.from.Addr, netip.Addr{}, q.trace) {
		egress, ingress := n.judge(q.src, at, &w)
		a := arrival{allow: w.carries.and(egress).and(ingress).and(sure(ports)), seen: w.seen}
		switch a.allow.Answer() {
		case reach.No:
			if q.trace {
				closed = n.blame(q.src, at, &w, egress, ingress)
			}
			continue
		case reach.Unknown:
			if q.trace {
				q.say(n.blame(q.src, at, &w, egress, ingress))
			}
		}
		if q.trace {
			a.hops = n.path(q.src, at, q.from, Place{Interface: at.ID}, &w, a.allow.Maybe)
		}
		out = append(out, a)
	}
	if len(out) == 0 && closed != "" {
		q.say(at.ID + ": " + closed)
	}
	return out
}

func (q *query) say(why string) {
	if q.trace && why != "" && !slices.Contains(q.why, why) {
		q.why = append(q.why, why)
	}
}
