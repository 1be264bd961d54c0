package aws

import (
	"slices"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// ask answers for an interface or an address (nil) at either end; without trace it gives
// neither path nor reasons.
func (n *Network) ask(src, dst *Interface, from, to Place, trace bool) Answer {
	if to.Interface == "" && to.Service != "" {
		return n.toService(src, from, to.Service)
	}
	var out Answer
	var direct Allow
	var refused []string
	if to.Interface != "" || to.Function == "" {
		direct, refused = n.straight(src, dst, from, to, &out, trace)
	}
	q := &query{n: n, from: from, src: src, trace: trace}
	all := direct
	for _, a := range q.throughTo(dst, to) {
		all = all.or(a.allow)
		if trace && a.allow.Answer() == reach.Yes && (out.Path == nil || len(a.hops)+1 < len(out.Path)) {
			out.Path, out.Via = append(a.hops, Hop{nameOf(to), ""}), a.via
		}
	}
	if !all.isAll() {
		for _, why := range q.why {
			if !slices.Contains(out.Because, why) {
				out.Because = append(out.Because, why)
			}
		}
		all = all.or(q.unread(dst, to, &out))
	}
	if all.Answer() == reach.Unknown {
		// What blocks one way does not say why another is not known.
		if open := slices.DeleteFunc(slices.Clone(out.Because), func(why string) bool { return slices.Contains(refused, why) }); len(open) > 0 {
			out.Because = open
		}
	}
	if len(out.Because) == 0 && to.Interface == "" && to.Function != "" {
		out.Because = []string{"no load balancer or API that was read leads from there to " + to.Function}
	}
	return out.settle(all, direct)
}

// straight asks every way without a relay. refused are the reasons of ways that are
// blocked, which stand in out too.
func (n *Network) straight(src, dst *Interface, from, to Place, out *Answer, trace bool) (all Allow, refused []string) {
	for _, w := range n.ways(src, dst, from.Addr, to.Addr, trace) {
		egress, ingress := n.judge(src, dst, &w)
		a := w.carries.and(egress).and(ingress)
		all = all.or(a)
		if !trace {
			continue
		}
		if a.Answer() == reach.Yes {
			path := n.path(src, dst, from, to, &w, a.Sure)
			if out.Path == nil || len(path) < len(out.Path) {
				out.Path = path
			}
			continue
		}
		why := n.blame(src, dst, &w, egress, ingress)
		if !slices.Contains(out.Because, why) {
			out.Because = append(out.Because, why)
		}
		if a.Answer() == reach.No {
			refused = append(refused, why)
		}
	}
	if src != nil && dst != nil && len(out.Because) == 0 && out.Path == nil {
		out.Because = []string{"they have no addresses of the same family"}
	}
	return all, refused
}

// throughTo lists what arrives at a destination through relays.
func (q *query) throughTo(dst *Interface, to Place) []arrival {
	if to.Interface != "" || to.Function == "" {
		return q.through(dst, to.Addr, reach.AllPorts, false)
	}
	var out []arrival
	for _, f := range slices.Concat(q.n.relays.functions[function(to.Function)], q.n.relays.any) {
		for _, a := range q.onto(f.relay, f.dial, false) {
			if f.unsure != "" {
				q.say(f.unsure)
				a.allow = a.allow.unsure()
			}
			if q.trace {
				a.hops = append(slices.Clone(a.hops), Hop{f.name, "passes requests on"})
				a.via = append(slices.Clone(a.via), f.name)
			}
			out = append(out, a)
		}
	}
	return out
}

// unread is what nobody knows of: relays that were not read, and passages of which
// it is not known where they lead.
func (q *query) unread(dst *Interface, to Place, out *Answer) Allow {
	n := q.n
	var all Allow
	if to.Interface == "" && to.Function != "" {
		for _, v := range n.vpcs {
			if v.relaysUnread() {
				all = allowUnknown
				out.Because = append(out.Because, "the load balancers of "+v.ID+" were not all read")
			}
		}
		slices.Sort(out.Because)
		return all
	}
	if dst == nil || n.subnets[dst.Subnet] == nil || n.closed(dst) {
		return all
	}
	v := n.subnets[dst.Subnet].vpc
	if v.relaysUnread() {
		all = allowUnknown
		out.Because = append(out.Because, "the load balancers that lead into "+v.ID+" were not all read")
	}
	if n.led(v.ID) {
		said := len(q.why)
		all = all.or(q.anywhere(v.ID))
		out.Because = append(out.Because, q.why[said:]...)
	}
	return all
}

// closed reports whether the groups of an interface let nothing in at all.
func (n *Network) closed(f *Interface) bool {
	if f.GroupsUnread || len(f.Groups) == 0 {
		return false
	}
	return !slices.ContainsFunc(f.Groups, func(id string) bool {
		g := n.groups[id]
		return g == nil || g.unread || len(g.rules[inward]) > 0
	})
}

// somewhere answers for one end that is an address of the internet nobody
// knows: sure is only what holds for all IPv4 addresses; whether it has an IPv6
// address is not known.
func (n *Network) somewhere(src, dst *Interface, from, to Place, trace bool) Answer {
	unknown, other := &from, dst
	if src != nil {
		unknown, other = &to, src
	}
	label := unknown.Outside
	unknown.Outside = ""
	var out Answer
	var all, direct Allow
	for i, addr := range n.pieces(n.beyond(), other) {
		unknown.Addr = addr
		a := n.ask(src, dst, from, to, trace)
		one := Allow{a.Ports, a.Ports.Union(a.Perhaps)}
		switch {
		case i == 0:
			out, all, direct = a, one, a.Direct
		case addr.Is6():
			all, direct = all.or(one.unsure()), direct.or(a.Direct.unsure())
		default:
			all = Allow{all.Sure.Intersect(one.Sure), all.Maybe.Union(one.Maybe)}
			direct = Allow{direct.Sure.Intersect(a.Direct.Sure), direct.Maybe.Union(a.Direct.Maybe)}
		}
		for _, why := range a.Because {
			if len(out.Because) < 8 && !slices.Contains(out.Because, why) {
				out.Because = append(out.Because, why)
			}
		}
	}
	if all.Answer() != reach.Yes {
		out.Path, out.Via = nil, nil
	}
	if all.Answer() == reach.Unknown {
		out.Because = append([]string{"it depends on the address of " + label}, out.Because...)
	}
	return out.settle(all, direct)
}
