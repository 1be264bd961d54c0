package aws

import (
	"net/netip"
	"reflect"
	"slices"
	"sync"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// WithGroup is the matrix of the same network with one security group
// replaced. Only what the group takes part in is computed again. The old matrix
// stays as it was.
func (m *Matrix) WithGroup(g SecurityGroup) *Matrix {
	n := *m.network
	model := *n.model
	model.SecurityGroups = slices.Clone(model.SecurityGroups)
	if i := slices.IndexFunc(model.SecurityGroups, func(x SecurityGroup) bool { return x.ID == g.ID }); i >= 0 {
		model.SecurityGroups[i] = g
	} else {
		model.SecurityGroups = append(model.SecurityGroups, g)
	}
	n.model = &model
	n.groups = make(map[string]*group, len(m.network.groups))
	for id, old := range m.network.groups {
		n.groups[id] = old
	}
	n.groups[g.ID] = n.compileGroup(&g)
	n.cuts = sync.OnceValue(n.findBounds)
	return m.revise(&n, change{groups: []string{g.ID}, prefixes: n.groups[g.ID].prefixes()})
}

// Update is the matrix of a changed network. If nothing but security groups,
// network ACLs and route tables differ, only what these concern is computed
// again; else everything is. The new model must not change afterwards; the old
// matrix stays as it was.
func (m *Matrix) Update(next *Model) *Matrix {
	n := New(next)
	c, small := m.network.changes(n)
	if !small {
		return n.Matrix()
	}
	return m.revise(n, c)
}

// change is what differs between two networks that are otherwise the same.
type change struct {
	groups   []string
	subnets  map[string]bool // whose routes or ACL differ
	prefixes []netip.Prefix
}

// changes compares two networks; small is false if more differs than can be
// told apart by subnet and group.
func (n *Network) changes(next *Network) (c change, small bool) {
	a, b := *n.model, *next.model
	if !sameInterfaces(a.Interfaces, b.Interfaces) {
		return c, false
	}
	c.subnets = map[string]bool{}
	tables := differing(a.RouteTables, b.RouteTables, func(t RouteTable) string { return t.ID })
	for _, t := range tables {
		if len(t.Gateways) > 0 {
			return c, false
		}
		for _, r := range t.Routes {
			c.prefixes = append(c.prefixes, r.CIDR)
		}
		for id, s := range next.subnets {
			was := n.subnets[id]
			if was == nil {
				return c, false
			}
			for _, x := range []*table{s.table, was.table} {
				c.subnets[id] = c.subnets[id] || x != nil && x.ID == t.ID
			}
		}
	}
	for _, t := range differing(a.NetworkACLs, b.NetworkACLs, func(t NetworkACL) string { return t.ID }) {
		for _, id := range t.Subnets {
			c.subnets[id] = true
		}
		for _, e := range t.Entries {
			c.prefixes = append(c.prefixes, e.CIDR)
		}
	}
	for _, g := range differing(a.SecurityGroups, b.SecurityGroups, func(g SecurityGroup) string { return g.ID }) {
		c.groups = append(c.groups, g.ID)
		if x := next.groups[g.ID]; x != nil {
			c.prefixes = append(c.prefixes, x.prefixes()...)
		}
	}
	if !n.spread(c.subnets, len(tables) > 0) {
		return c, false
	}
	for _, m := range []*Model{&a, &b} {
		m.Interfaces, m.RouteTables, m.NetworkACLs, m.SecurityGroups = nil, nil, nil, nil
	}
	return c, reflect.DeepEqual(a, b)
}

// spread takes in the subnets whose packets pass others that changed. What
// passes the subnet of an attachment or NAT gateway is of its VPC, unless other
// VPCs leave by it: then false.
func (n *Network) spread(subnets map[string]bool, routes bool) bool {
	own, vpcs := n.ownSubnets(), map[*vpc]bool{}
	for id, touched := range subnets {
		if s := n.subnets[id]; touched && own[id] {
			if routes || s == nil {
				return false
			}
			vpcs[s.vpc] = true
		}
	}
	if len(vpcs) == 0 {
		return true
	}
	for _, g := range n.model.NATGateways {
		if s := n.subnets[g.Subnet]; s == nil || vpcs[s.vpc] {
			return false
		}
	}
	for id, s := range n.subnets {
		subnets[id] = subnets[id] || vpcs[s.vpc]
	}
	return true
}

// differing lists what is in one list and not the same in the other, as it is
// in either.
func differing[T any](a, b []T, id func(T) string) []T {
	old := make(map[string]T, len(a))
	for _, x := range a {
		old[id(x)] = x
	}
	var out []T
	for _, x := range b {
		was, known := old[id(x)]
		if !known || !reflect.DeepEqual(was, x) {
			out = append(out, x)
			if known {
				out = append(out, was)
			}
		}
		delete(old, id(x))
	}
	for _, x := range old {
		out = append(out, x)
	}
	return out
}

func sameInterfaces(a, b []Interface) bool {
	if len(a) != len(b) {
		return false
	}
	if len(a) == 0 || &a[0] == &b[0] {
		return true
	}
	return slices.EqualFunc(a, b, func(x, y Interface) bool {
		return x.ID == y.ID && x.Subnet == y.Subnet && x.GroupsUnread == y.GroupsUnread && x.Instance == y.Instance && x.Device == y.Device &&
			slices.Equal(x.Groups, y.Groups) && slices.Equal(x.Addresses, y.Addresses)
	})
}

func (g *group) prefixes() []netip.Prefix {
	var out []netip.Prefix
	for way := range g.rules {
		for _, r := range g.rules[way] {
			out = append(out, r.perm.CIDRs...)
		}
	}
	return out
}

// revise computes again what a change concerns.
func (m *Matrix) revise(n *Network, c change) *Matrix {
	out := m.moved(n)
	out.cut(c.prefixes)
	out.relook()
	touched, nets := reach.NewBits(len(out.Classes)), reach.NewBits(len(out.nets))
	for i, x := range out.Classes {
		if c.subnets[x.first.Subnet] || slices.ContainsFunc(x.first.Groups, func(id string) bool { return slices.Contains(c.groups, id) }) {
			touched.Set(i)
			nets.Set(int(x.net))
		}
	}
	out.each(func(w *worker, to int32) {
		for _, x := range out.nets[to] {
			out.rows[x] = forget(out.rows[x], touched, touched.Has(int(x)))
		}
		for from := range out.nets {
			if nets.Has(from) || nets.Has(int(to)) {
				w.pair(int32(from), to, touched)
			}
		}
	})
	return out
}

// moved is the matrix with another network under it, whose interfaces are the
// same. Its rows are still the old ones.
func (m *Matrix) moved(n *Network) *Matrix {
	out := &Matrix{Classes: m.Classes, network: n, bounds: m.bounds, nets: m.nets, own: m.own, sets: m.sets, bearing: m.bearing, unreadSets: m.unreadSets, tagged: m.tagged,
		rows: slices.Clone(m.rows), carried: make([]carried, len(m.Classes)), allows: slices.Clone(m.allows), ids: make(map[string]int32, len(m.ids))}
	for k, v := range m.ids {
		out.ids[k] = v
	}
	if old := m.network.model.Interfaces; len(old) > 0 && &old[0] == &n.model.Interfaces[0] {
		return out
	}
	out.Classes, out.tagged = slices.Clone(m.Classes), make(map[*Interface]int32, len(m.tagged))
	for i := range out.Classes {
		out.Classes[i].first = &n.model.Interfaces[out.Classes[i].Members[0]]
	}
	for f, class := range m.tagged {
		out.tagged[n.ifaces[f.ID]] = class
	}
	return out
}

// forget copies a row without what some classes reach, or empty.
func forget(row []layer, classes reach.Bits, all bool) []layer {
	if all {
		return nil
	}
	out := make([]layer, len(row))
	for i, l := range row {
		out[i] = layer{l.allow, l.from.Clone()}
		out[i].from.Drop(classes)
	}
	return out
}
