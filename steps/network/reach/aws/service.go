package aws

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// reserved are the addresses that are nobody's on the internet, so no service
// of AWS has them.
var reserved = reach.AddrsOf(append([]netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("224.0.0.0/3"),
}, special...)...)

// routed is the address space of the internet.
var routed = reach.AllIPv4.Union(reach.AddrsOf(netip.MustParsePrefix("2000::/3"))).Minus(reserved)

func (d Door) name() string {
	if d.Endpoint == "" {
		return "public address"
	}
	return "endpoint " + d.Endpoint
}

// doors lists the ways in which a place can open connections to a service of
// AWS; say hears why one is unknown or closed.
func (n *Network) doors(src *Interface, from Place, service string, say func(string)) []Door {
	var out []Door
	if src != nil {
		out = n.byGateways(src, from, service, say)
	} else {
		out = append(out, n.outsideDoor(from))
	}
	for _, e := range n.relays.endpoints[service] {
		if e.Type != "Interface" && e.Type != "" {
			continue
		}
		if !usable(e) {
			say("endpoint " + e.ID + " is " + e.State)
			continue
		}
		d := Door{Endpoint: e.ID, Policy: e.Policy}
		for _, id := range e.Interfaces {
			at := n.ifaces[id]
			if at == nil {
				say("interface " + id + " of endpoint " + e.ID + " was not read")
				d.Allow = d.Allow.or(allowUnknown)
				continue
			}
			for _, w := range n.ways(src, at, from.Addr, netip.Addr{}, false) {
				egress, ingress := n.judge(src, at, &w)
				a := w.carries.and(egress).and(ingress)
				if a.Answer() != reach.Yes {
					say(e.ID + ": " + n.blame(src, at, &w, egress, ingress))
				}
				d.Allow = d.Allow.or(a)
			}
		}
		if d.Allow.Answer() != reach.No {
			out = append(out, d)
		}
	}
	return out
}

// outsideDoor is how an address outside reaches the public addresses of AWS: a
// public one does, of a private one nobody knows.
func (n *Network) outsideDoor(from Place) Door {
	if public(from.Addr) {
		return Door{Allow: allowAll}
	}
	return Door{Allow: allowUnknown}
}

// byGateways lists the ways to the public addresses of a service: over the
// internet and by gateway endpoints. If the model has the service's addresses,
// one that can be reached is enough. If not, they may be any public ones, and
// only what holds for all of these is sure; whether it has IPv6 addresses at
// all is then not known either.
func (n *Network) byGateways(src *Interface, from Place, service string, say func(string)) []Door {
	space, known := n.addressesOf(service)
	tally := map[string]Allow{}
	for _, family := range []reach.Addrs{reach.AllIPv4, reach.AllIPv6} {
		some := map[string]Allow{}
		first := true
		for _, addr := range n.pieces(space.Intersect(family), src) {
			here, other := n.exits(src, addr, service, say)
			if other {
				continue // an address another service's endpoint leads to is none of this one
			}
			for door, a := range some {
				switch b := here[door]; {
				case known:
					some[door] = a.or(b)
				default:
					some[door] = Allow{a.Sure.Intersect(b.Sure), a.Maybe.Union(b.Maybe)}
				}
			}
			for door, a := range here {
				if _, before := some[door]; !before && (known || first) {
					some[door] = a
				} else if !before {
					some[door] = a.unsure()
				}
			}
			first = false
		}
		for door, a := range some {
			if !known && !family.Equal(reach.AllIPv4) {
				a = a.unsure()
			}
			tally[door] = tally[door].or(a)
		}
	}
	var out []Door
	for door, a := range tally {
		if a.Answer() != reach.No {
			d := Door{Endpoint: door, Allow: a}
			if e := n.ends[door]; e != nil {
				d.Policy = e.Policy
			}
			out = append(out, d)
		}
	}
	out = append(out, n.unlisted(src, service, out, say)...)
	slices.SortFunc(out, func(a, b Door) int { return strings.Compare(a.Endpoint, b.Endpoint) })
	return out
}

// exits is what an interface can send to an address outside, by the endpoint
// it leaves by ("" is none); other says that it is an endpoint of another
// service.
func (n *Network) exits(src *Interface, addr netip.Addr, service string, say func(string)) (map[string]Allow, bool) {
	out, other := map[string]Allow{}, false
	for _, w := range n.ways(src, nil, netip.Addr{}, addr, false) {
		egress, ingress := n.judge(src, nil, &w)
		a, door := w.carries.and(egress).and(ingress), ""
		if w.out != nil && kindOf(w.out.door) == "vpce" {
			door = w.out.door
			other = other || n.ends[door].Service != service
		}
		if w.out != nil && w.out.exit == overPrivate {
			a = a.unsure()
			say("the network beyond " + w.out.door + " may lead to " + service)
		} else if a.Answer() != reach.Yes {
			say(n.blame(src, nil, &w, egress, ingress))
		}
		out[door] = out[door].or(a)
	}
	return out, other
}

// unlisted lists the gateway endpoints of a service that a subnet has a route
// to by a prefix list nobody read.
func (n *Network) unlisted(src *Interface, service string, found []Door, say func(string)) []Door {
	s := n.subnets[src.Subnet]
	if s == nil || s.table == nil {
		return nil
	}
	var out []Door
	for _, r := range s.table.Routes {
		e, l := n.ends[r.Target], n.lists[r.PrefixList]
		if e == nil || !e.Gateway || e.Service != service || !usable(e) || r.PrefixList == "" || l != nil && !l.Unread {
			continue
		}
		if !slices.ContainsFunc(found, func(d Door) bool { return d.Endpoint == e.ID }) {
			say("prefix list " + r.PrefixList + ", which leads to " + e.ID + ", was not read")
			out = append(out, Door{Endpoint: e.ID, Policy: e.Policy, Allow: allowUnknown})
		}
	}
	return out
}

// addressesOf is where a service of AWS may have addresses, and whether it has
// all of them.
func (n *Network) addressesOf(service string) (reach.Addrs, bool) {
	var own, others []netip.Prefix
	read := false
	for i := range n.model.PrefixLists {
		switch l := &n.model.PrefixLists[i]; {
		case l.Name == service:
			own, read = append(own, l.CIDRs...), read || !l.Unread
		case strings.HasPrefix(l.Name, "com.amazonaws."):
			others = append(others, l.CIDRs...)
		}
	}
	if read && len(own) > 0 {
		return reach.AddrsOf(own...), true
	}
	return n.beyond().Minus(reach.AddrsOf(others...)), false
}

// beyond is the addresses of the internet that no VPC of the model has.
func (n *Network) beyond() reach.Addrs {
	var own []netip.Prefix
	for _, v := range n.vpcs {
		own = append(own, v.CIDRs...)
	}
	return routed.Minus(reach.AddrsOf(own...))
}

// toService answers a question for a service of AWS.
func (n *Network) toService(src *Interface, from Place, service string) Answer {
	var out Answer
	var all Allow
	out.Doors = n.doors(src, from, service, func(why string) {
		if !slices.Contains(out.Because, why) {
			out.Because = append(out.Because, why)
		}
	})
	for _, d := range out.Doors {
		all = all.or(d.Allow)
		if d.Allow.Answer() == reach.Yes && out.Path == nil {
			out.Path = []Hop{{nameOf(from), ""}, {d.name(), fmt.Sprintf("%v", d.Allow.Sure)}, {service, ""}}
		}
	}
	if len(out.Doors) == 0 && len(out.Because) == 0 {
		out.Because = []string{"no way to " + service}
	}
	return out.settle(all, all)
}
