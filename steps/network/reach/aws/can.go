package aws

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// Place is one end of a question. It is, by the first of these that is set: an
// interface by its id; a service of AWS by its name ("com.amazonaws.REGION.s3"),
// as a destination; a function by its ARN, as a destination behind load
// balancers and APIs; by a label, Outside, one address of the internet nobody
// knows, like that of a job or function AWS runs without a VPC; or an address
// outside the networks of the model.
type Place struct {
	Interface string
	Addr      netip.Addr

	Service, Function, Outside string
}

// Hop is one thing on a path and the rule of it that let the packet pass, ""
// if it has none.
type Hop struct{ Name, Rule string }

// Answer says what one place can open to another. Ports are those that are
// reachable for sure, Perhaps those that are reachable unless a missing piece
// forbids them. Path is the shortest way for a yes. Because is what blocks it
// for a no, and what is missing for an unknown.
//
// Ports are the destination's own where it is reached directly, which Direct
// says, and those of the first load balancer or API elsewhere; Via names the
// load balancers, endpoints and APIs that Path leads through. Doors are the
// ways to a service.
type Answer struct {
	Reachable      reach.Answer
	Ports, Perhaps reach.Ports
	Path           []Hop
	Because        []string

	Direct Allow
	Via    []string
	Doors  []Door
}

// settle completes an answer with what it comes to.
func (a Answer) settle(all, direct Allow) Answer {
	a.Reachable, a.Ports, a.Perhaps, a.Direct = all.Answer(), all.Sure, all.Maybe.Minus(all.Sure), direct
	if a.Reachable == reach.Yes {
		a.Because = nil
	}
	return a
}

// way is one pair of addresses two places may use: what the network between
// them lets pass, and what the groups at both ends have to judge.
type way struct {
	carries  Allow
	to       netip.Addr // as the sender dials it
	seen     netip.Addr // the sender as the receiver sees it; not valid if unknown
	named    [2]reach.Answer
	why      string // why it carries nothing for sure
	out, ret *walk
	checks   []check
	back     []check
}

// Can answers whether from can open a connection to to, directly or through
// load balancers, endpoint services and APIs. A place that is no interface of
// the model is an error, and so is a source that opens no connections.
func (n *Network) Can(from, to Place) (Answer, error) { return n.can(from, to, true) }

// Allows is Can without paths and reasons, which cost most of it. The errors are the same.
func (n *Network) Allows(from, to Place) (Answer, error) { return n.can(from, to, false) }

func (n *Network) can(from, to Place, trace bool) (Answer, error) {
	src, err := n.place(from)
	if err != nil {
		return Answer{}, err
	}
	dst, err := n.place(to)
	if err != nil {
		return Answer{}, err
	}
	elsewhere := func(p Place) bool { return p.Interface == "" && p.Service == "" && p.Function == "" }
	switch {
	case from.Interface == "" && from.Service+from.Function != "":
		return Answer{}, fmt.Errorf("%s is no source: it opens no connections of its own here\nhint: ask from an interface, an address or a label of what AWS runs outside", nameOf(from))
	case elsewhere(from) && elsewhere(to):
		return Answer{Reachable: reach.Unknown, Perhaps: reach.AllPorts, Because: []string{"both addresses lie outside the networks that were read"}}, nil
	case src == dst && src != nil:
		return Answer{Reachable: reach.Yes, Ports: reach.AllPorts, Direct: allowAll, Path: []Hop{{from.Interface, "is the destination itself"}}}, nil
	case elsewhere(from) && from.Outside != "" || elsewhere(to) && to.Outside != "":
		return n.somewhere(src, dst, from, to, trace), nil
	}
	return n.ask(src, dst, from, to, trace), nil
}

// Unread reports whether the routes of an interface were not read: then nothing can surely
// be opened from it nor, without anything between, to it, whatever rules say.
func (n *Network) Unread(id string) bool {
	f := n.ifaces[id]
	if f == nil {
		return false
	}
	s := n.subnets[f.Subnet]
	return s == nil || s.table == nil || s.table.Unread
}

// Led reports whether a load balancer, an API or another passage leads to an interface, or
// may.
func (n *Network) Led(id string) bool {
	f := n.ifaces[id]
	return f == nil || len(n.relays.blind) > 0 || len(n.relays.fronts[f]) > 0
}

func (n *Network) place(p Place) (*Interface, error) {
	if p.Interface == "" && p.Service+p.Function+p.Outside != "" {
		return nil, nil
	}
	if p.Interface == "" {
		if !p.Addr.IsValid() {
			return nil, fmt.Errorf("a place has neither interface nor address\nhint: name an eni- id or an IP address")
		}
		for _, v := range n.vpcs {
			for _, c := range v.CIDRs {
				if c.Contains(p.Addr) {
					return nil, fmt.Errorf("address %s lies in %s of VPC %s, and no interface was named\nhint: name the interface that holds it", p.Addr, c, v.ID)
				}
			}
		}
		return nil, nil
	}
	f := n.ifaces[p.Interface]
	if f == nil {
		return nil, fmt.Errorf("interface %s is not in the model\nhint: an interface is named by its eni- id", p.Interface)
	}
	return f, nil
}

// ways lists the pairs of addresses by which src may dial dst; nil stands for
// outside, with its address.
func (n *Network) ways(src, dst *Interface, srcAddr, dstAddr netip.Addr, trace bool) []way {
	for _, f := range []*Interface{src, dst} {
		if f != nil && n.subnets[f.Subnet] == nil {
			return []way{{carries: allowUnknown, named: [2]reach.Answer{}, why: "subnet " + f.Subnet + " of " + f.ID + " was not read", to: dstAddr}}
		}
	}
	if n.hiders[dst] {
		return []way{{why: dst.ID + " is that of a NAT gateway, which takes no connections", to: dstAddr}}
	}
	var out []way
	senders, receivers := n.endsOf(src, srcAddr), n.endsOf(dst, dstAddr)
	for _, s := range senders {
		for _, d := range receivers {
			for _, to := range []netip.Addr{d.addr, d.public} {
				if to.IsValid() && s.addr.Is4() == to.Is4() {
					if s.sub == nil {
						out = append(out, n.outsideIn(s, d, to, trace))
					} else {
						out = append(out, n.between(s, d, to, trace))
					}
				}
			}
		}
	}
	return out
}

func (n *Network) endsOf(f *Interface, a netip.Addr) []end {
	if f == nil {
		return []end{{addr: a}}
	}
	out := make([]end, len(f.Addresses))
	for i, a := range f.Addresses {
		out[i] = end{n.subnets[f.Subnet], a.Private, a.Public}
	}
	return out
}

// between is the way from an interface to another, or to outside.
func (n *Network) between(s, d end, to netip.Addr, trace bool) way {
	out := n.send(s, to, d, false, trace)
	w := way{to: to, out: out, checks: out.pass, back: out.back}
	if out.answer != reach.Yes {
		w.fail(out.answer, out.why)
		w.sift()
		return w
	}
	w.seen, w.named = out.seen, out.named
	if d.sub == nil {
		w.filter()
		return w
	}
	w.ret = n.send(d, out.seen, out.from, true, trace)
	switch {
	case w.ret.answer != reach.Yes:
		w.fail(w.ret.answer, "no answer comes back: "+w.ret.why)
		w.back = append(slices.Clone(w.back), w.ret.pass...)
		w.sift()
		return w
	case w.ret.seen != to:
		w.fail(reach.No, "an answer comes from "+w.ret.seen.String()+", which was not dialled")
		return w
	}
	w.back = append(slices.Clone(w.back), w.ret.pass...)
	w.filter()
	return w
}

// outsideIn is the way from an outside address to an interface: the mirror of
// the way its answers take, since nothing comes in by a door no answer leaves
// by.
func (n *Network) outsideIn(s, d end, to netip.Addr, trace bool) way {
	ret := n.send(d, s.addr, end{addr: s.addr}, true, trace)
	w := way{to: to, ret: ret, seen: s.addr, named: [2]reach.Answer{reach.No, reach.No}, checks: ret.back, back: ret.pass}
	switch {
	case ret.answer == reach.Unknown:
		w.fail(reach.Unknown, ret.why)
		w.sift()
	case ret.answer == reach.No:
		w.fail(reach.No, "no answer comes back: "+ret.why)
	case ret.seen != to:
		w.fail(reach.No, "an answer comes from "+ret.seen.String()+", not from "+to.String())
	default:
		if ans, why := n.lets(ret.door, d); ans != reach.Yes {
			w.fail(ans, why)
			return w
		}
		w.filter()
	}
	return w
}

// fail marks a way that carries nothing for sure.
func (w *way) fail(a reach.Answer, why string) {
	w.why = why
	if a == reach.Unknown {
		w.carries = allowUnknown
	}
}

// sift takes from a way that is unknown what the network ACLs it met forbid
// whatever becomes of it.
func (w *way) sift() {
	if w.carries.Answer() == reach.Unknown {
		w.filter()
		w.carries = w.carries.unsure()
	}
}

// filter applies the network ACLs in both directions.
func (w *way) filter() {
	w.carries = allowAll
	for _, c := range w.checks {
		w.carries = w.carries.and(c.admits())
	}
	back := allowAll
	for _, c := range w.back {
		back = back.and(c.admits())
	}
	w.carries = w.carries.and(back.answered())
	if w.out != nil && w.out.nat {
		w.carries = w.carries.and(translated)
	}
}

// translated is what a NAT gateway passes on: TCP, UDP and ICMP.
var translated = sure(reach.AllOf(reach.TCP).Union(reach.AllOf(reach.UDP)).Union(reach.AllOf(reach.ICMP)))

// judge asks the groups of both ends.
func (n *Network) judge(src, dst *Interface, w *way) (egress, ingress Allow) {
	egress, ingress = allowAll, allowAll
	if src != nil {
		peer := side{addr: w.to, named: w.named[outward]}
		if dst != nil {
			peer.groups, peer.groupsUnread = dst.Groups, dst.GroupsUnread
		}
		egress = n.passes(src.Groups, src.GroupsUnread, outward, peer)
	}
	if dst != nil {
		peer := side{addr: w.seen, named: w.named[inward]}
		if src != nil {
			peer.groups, peer.groupsUnread = src.Groups, src.GroupsUnread
		}
		ingress = n.passes(dst.Groups, dst.GroupsUnread, inward, peer)
	}
	return egress, ingress
}

// blame names what blocks a way, or what is missing to decide it.
func (n *Network) blame(src, dst *Interface, w *way, egress, ingress Allow) string {
	both := egress.and(ingress)
	switch {
	case w.carries.Answer() == reach.No && w.why != "":
		return w.why
	case w.carries.Answer() == reach.No:
		return w.blameACL(allowAll)
	case egress.Answer() == reach.No:
		return fmt.Sprintf("no egress rule of %s allows %s", groupsOf(src), w.to)
	case ingress.Answer() == reach.No:
		return fmt.Sprintf("no ingress rule of %s allows %s", groupsOf(dst), w.seen)
	case both.Answer() == reach.No:
		return fmt.Sprintf("the egress rules of %s and the ingress rules of %s allow no port in common", groupsOf(src), groupsOf(dst))
	case w.carries.Answer() == reach.Unknown && w.why != "":
		return w.why
	case egress.Answer() == reach.Unknown:
		return "egress of " + groupsOf(src) + " was not read in full"
	case ingress.Answer() == reach.Unknown:
		return "ingress of " + groupsOf(dst) + " was not read in full"
	}
	if why := w.blameACL(both); why != "" {
		return why
	}
	return "the network ACLs let through none of the ports the security groups allow"
}

// blameACL names the network ACL that leaves nothing of some traffic, alone or
// with those before it.
func (w *way) blameACL(left Allow) string {
	for i, c := range slices.Concat(w.checks, w.back) {
		a := c.admits()
		if i >= len(w.checks) {
			a = a.answered()
		}
		before := left.Maybe
		if left = left.and(a); left.Answer() == reach.Yes {
			continue
		}
		if i >= len(w.checks) {
			before = reach.PortRange(reach.TCP, firstEphemeral, 65535)
			return "no answer comes back: " + c.acls[0].decides(c.way, c.peer, before)
		}
		return c.acls[0].decides(c.way, c.peer, before)
	}
	return ""
}

func groupsOf(f *Interface) string {
	if f.GroupsUnread {
		return f.ID
	}
	return fmt.Sprint(f.Groups)
}

// path lists the things a connection passes, sender first.
func (n *Network) path(src, dst *Interface, from, to Place, w *way, ports reach.Ports) []Hop {
	hops := []Hop{{nameOf(from), ""}}
	if src != nil {
		peer := side{addr: w.to, named: w.named[outward]}
		if dst != nil {
			peer.groups = dst.Groups
		}
		hops = append(hops, n.granting(src, outward, peer, ports)...)
	}
	switch {
	case w.out != nil:
		hops = append(hops, w.out.hops...)
	case w.ret != nil:
		for _, h := range slices.Backward(w.ret.hops) {
			hops = append(hops, Hop{h.Name, "answers: " + h.Rule})
		}
	}
	if dst != nil {
		peer := side{addr: w.seen, named: w.named[inward]}
		if src != nil {
			peer.groups = src.Groups
		}
		hops = append(hops, n.granting(dst, inward, peer, ports)...)
	}
	return append(hops, Hop{nameOf(to), ""})
}

func nameOf(p Place) string {
	for _, name := range []string{p.Interface, p.Service, p.Function, p.Outside} {
		if name != "" {
			return name
		}
	}
	return p.Addr.String()
}

// granting names the first rule that surely lets one of the ports pass.
func (n *Network) granting(f *Interface, way int, peer side, ports reach.Ports) []Hop {
	for _, id := range f.Groups {
		g := n.groups[id]
		if g == nil {
			continue
		}
		for i := range g.rules[way] {
			if a := n.grants(&g.rules[way][i], peer); !a.Sure.Intersect(ports).IsEmpty() {
				return []Hop{{id, g.rules[way][i].text}}
			}
		}
	}
	return nil
}
