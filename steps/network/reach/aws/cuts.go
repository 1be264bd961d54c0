package aws

import (
	"net/netip"
	"slices"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// pieces cuts a set of addresses along every prefix that can tell them apart
// for what an interface sends and receives, and gives one address of each
// piece.
func (n *Network) pieces(space reach.Addrs, f *Interface) []netip.Addr {
	c := &cutter{n: n, seen: map[any]bool{}}
	c.iface(f)
	edges := map[netip.Addr]bool{}
	for _, p := range c.prefixes {
		if p.IsValid() {
			edges[p.Masked().Addr()] = true
			if next := lastOf(p).Next(); next.IsValid() {
				edges[next] = true
			}
		}
	}
	var out []netip.Addr
	for _, r := range space.Ranges() {
		delete(edges, r.From)
		out = append(out, r.From)
	}
	for a := range edges {
		if space.Has(a) {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return out
}

// cutter gathers the prefixes of all that decides about an interface's
// connections to outside and back.
type cutter struct {
	n        *Network
	seen     map[any]bool
	prefixes []netip.Prefix
}

func (c *cutter) first(key any) bool {
	again := c.seen[key]
	c.seen[key] = true
	return !again
}

func (c *cutter) iface(f *Interface) {
	if f == nil || !c.first(f) {
		return
	}
	for _, id := range f.Groups {
		c.group(id)
	}
	c.subnet(c.n.subnets[f.Subnet])
	for _, front := range slices.Concat(c.n.relays.fronts[f], c.n.relays.blind) {
		for _, node := range front.nodes {
			c.iface(node)
		}
		for _, s := range c.n.relays.services[front.name] {
			for _, e := range c.n.relays.endpoints[s.Name] {
				for _, id := range e.Interfaces {
					c.iface(c.n.ifaces[id])
				}
			}
		}
	}
}

func (c *cutter) group(id string) {
	g := c.n.groups[id]
	if g == nil || !c.first(g) {
		return
	}
	for way := range g.rules {
		for _, r := range g.rules[way] {
			c.prefixes = append(c.prefixes, r.perm.CIDRs...)
			for _, l := range r.perm.PrefixLists {
				c.list(l)
			}
		}
	}
}

func (c *cutter) list(id string) {
	if l := c.n.lists[id]; l != nil && c.first(l) {
		c.prefixes = append(c.prefixes, l.CIDRs...)
	}
}

func (c *cutter) subnet(s *subnet) {
	if s == nil || !c.first(s) {
		return
	}
	if s.acl != nil {
		for _, entries := range s.acl.entries {
			for _, e := range entries {
				c.prefixes = append(c.prefixes, e.cidr)
			}
		}
	}
	for _, t := range []*table{s.table, c.n.edges[c.n.igwOf[s.vpc.ID]]} {
		if t != nil && c.first(t) {
			c.table(t, s)
		}
	}
}

func (c *cutter) table(t *table, s *subnet) {
	n := c.n
	for _, r := range t.Routes {
		c.prefixes = append(c.prefixes, r.CIDR)
		c.list(r.PrefixList)
		switch kindOf(r.Target) {
		case "nat":
			if g := n.nats[r.Target]; g != nil {
				c.subnet(n.subnets[g.Subnet])
			}
		case "tgw":
			c.transit(r.Target, s)
		}
	}
}

// transit gathers from all of a transit gateway: which tables a packet meets
// there is not followed.
func (c *cutter) transit(id string, s *subnet) {
	if !c.first(id) {
		return
	}
	n := c.n
	for i := range n.model.TransitTables {
		for _, r := range n.model.TransitTables[i].Routes {
			c.prefixes = append(c.prefixes, r.CIDR)
			c.list(r.PrefixList)
		}
	}
	for i := range n.model.Attachments {
		for _, sub := range n.model.Attachments[i].Subnets {
			c.subnet(n.subnets[sub])
		}
	}
}
