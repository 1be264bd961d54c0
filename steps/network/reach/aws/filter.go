package aws

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// admits is what a network ACL lets pass to or from an address. Without the
// ACL (nil, or not read) nothing is known.
func (a *acl) admits(way int, peer netip.Addr) Allow {
	if a == nil || a.unread {
		return allowUnknown
	}
	var out Allow
	left := sure(reach.AllPorts) // what no entry has decided yet, for sure and perhaps
	for _, e := range a.entries[way] {
		if !e.cidr.IsValid() {
			// An entry for nobody knows whom may decide anything from here on.
			out.Maybe = out.Maybe.Union(left.Maybe)
			left.Sure = reach.Ports{}
			continue
		}
		if !e.cidr.Contains(peer) {
			continue
		}
		if e.unread {
			out.Maybe = out.Maybe.Union(left.Maybe)
			left.Sure = reach.Ports{}
			continue
		}
		if e.allow {
			out.Sure = out.Sure.Union(left.Sure.Intersect(e.ports))
			out.Maybe = out.Maybe.Union(left.Maybe.Intersect(e.ports))
		}
		left = Allow{left.Sure.Minus(e.ports), left.Maybe.Minus(e.ports)}
	}
	return out
}

// decides names the entry that decides a packet, for people.
func (a *acl) decides(way int, peer netip.Addr, ports reach.Ports) string {
	if a == nil {
		return "network ACL not read"
	}
	if a.unread {
		return a.id + ": not read in full"
	}
	name := [2]string{"inbound", "outbound"}[way]
	for _, e := range a.entries[way] {
		if e.cidr.IsValid() && e.cidr.Contains(peer) && !e.allow && !e.ports.Intersect(ports).IsEmpty() {
			return fmt.Sprintf("%s %s rule %d denies %s", a.id, name, e.number, e.cidr)
		}
	}
	return fmt.Sprintf("%s %s: no rule allows %s", a.id, name, peer)
}

// side is one end of a connection as the other end's groups see it: the
// address its packets bear, and the groups references may name. An invalid
// address is one that is not known.
type side struct {
	addr         netip.Addr
	groups       []string
	groupsUnread bool
	named        reach.Answer // whether references to groups hold on this path

	// within, where the address is not known, is where it lies; none is anywhere.
	within []netip.Prefix
	lists  []string // names of prefix lists that count as holding it
}

// passes is what the groups of an interface let through to or from peer.
func (n *Network) passes(groups []string, unread bool, way int, peer side) Allow {
	if unread {
		return allowUnknown
	}
	if len(groups) == 0 {
		return allowAll
	}
	var out Allow
	for _, id := range groups {
		g := n.groups[id]
		if g == nil || g.unread {
			out = out.or(allowUnknown)
			continue
		}
		for i := range g.rules[way] {
			out = out.or(n.grants(&g.rules[way][i], peer))
		}
	}
	return out
}

// grants is what one rule lets through to or from peer.
func (n *Network) grants(r *rule, peer side) Allow {
	switch holds := n.names(r.perm, peer); {
	case holds == reach.No:
		return Allow{}
	case holds == reach.Unknown || r.unread:
		return Allow{reach.Ports{}, r.ports}
	}
	return sure(r.ports)
}

// names reports whether a rule names a peer, by address, list or group.
func (n *Network) names(p *Permission, peer side) reach.Answer {
	answer := reach.No
	if !peer.addr.IsValid() {
		// Some address, nobody knows which: only a rule for all of both
		// families would be sure, and those are rare enough to leave unknown.
		answer = n.coversAll(p, peer)
	} else {
		for _, c := range p.CIDRs {
			if c.Contains(peer.addr) {
				return reach.Yes
			}
		}
		for _, id := range p.PrefixLists {
			answer = answer.Or(n.listed(id, peer.addr))
		}
	}
	for _, id := range p.Groups {
		member := reach.Is(slices.Contains(peer.groups, id))
		if peer.groupsUnread {
			member = reach.Unknown
		}
		answer = answer.Or(member.And(peer.named))
	}
	return answer
}

// coversAll reports whether the CIDRs and lists of a rule hold some address of which
// only the ranges are known: surely, if they hold all of each, and surely not, if they
// hold none of any.
func (n *Network) coversAll(p *Permission, peer side) reach.Answer {
	within := peer.within
	for _, id := range p.PrefixLists {
		if l := n.lists[id]; l != nil && slices.Contains(peer.lists, l.Name) {
			return reach.Yes
		}
	}
	if len(p.CIDRs)+len(p.PrefixLists) == 0 {
		return reach.No
	}
	if len(within) == 0 {
		return reach.Unknown
	}
	all, some := true, false
	for _, r := range within {
		whole := false
		for _, c := range p.CIDRs {
			some = some || c.Overlaps(r)
			whole = whole || c.Overlaps(r) && c.Bits() <= r.Bits()
		}
		for _, id := range p.PrefixLists {
			l := n.lists[id]
			if l == nil || l.Unread {
				some = true
			}
			if l == nil {
				continue
			}
			for _, c := range l.CIDRs {
				some = some || c.Overlaps(r)
				whole = whole || c.Overlaps(r) && c.Bits() <= r.Bits()
			}
		}
		all = all && whole
	}
	switch {
	case all:
		return reach.Yes
	case some:
		return reach.Unknown
	}
	return reach.No
}

// listed reports whether a prefix list holds an address.
func (n *Network) listed(id string, a netip.Addr) reach.Answer {
	l := n.lists[id]
	if l == nil {
		return reach.Unknown
	}
	for _, c := range l.CIDRs {
		if c.Contains(a) {
			return reach.Yes
		}
	}
	if l.Unread {
		return reach.Unknown
	}
	return reach.No
}
