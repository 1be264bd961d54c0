package aws

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"sort"
)

// Class is a set of interfaces no rule, route or list tells apart: same
// subnet, same groups, addresses in the same pieces of the address space, and
// behind or part of the same load balancers and the like.
type Class struct {
	Members []int32 // indices of Model.Interfaces
	first   *Interface
	net     int32 // what the routers and ACLs see of it
	set     int32 // its set of groups
}

// special are the blocks whose bounds the engine itself looks at (public).
var special = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	shared, netip.MustParsePrefix("fc00::/7"),
}

// bounds lists, in order, the first address of every piece of the address
// space that lies between two bounds of prefixes in the model.
func (n *Network) bounds() []netip.Addr { return n.cuts() }

func (n *Network) findBounds() []netip.Addr {
	seen := map[netip.Prefix]bool{}
	var out []netip.Addr
	add := func(all []netip.Prefix) {
		for _, p := range all {
			if !p.IsValid() || seen[p] {
				continue
			}
			seen[p] = true
			out = append(out, p.Masked().Addr())
			if next := lastOf(p).Next(); next.IsValid() {
				out = append(out, next)
			}
		}
	}
	m := n.model
	add(special)
	for _, v := range m.VPCs {
		add(v.CIDRs)
	}
	for _, t := range m.RouteTables {
		for _, r := range t.Routes {
			add([]netip.Prefix{r.CIDR})
		}
	}
	for _, t := range m.TransitTables {
		for _, r := range t.Routes {
			add([]netip.Prefix{r.CIDR})
		}
	}
	for _, a := range m.NetworkACLs {
		for _, e := range a.Entries {
			add([]netip.Prefix{e.CIDR})
		}
	}
	for _, l := range m.PrefixLists {
		add(l.CIDRs)
	}
	for _, g := range n.groups {
		for way := range g.rules {
			for _, r := range g.rules[way] {
				add(r.perm.CIDRs)
			}
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// look is what routers and ACLs see of a subnet: subnets with the same look
// are reached and left the same way, but for traffic within one of them. The
// subnets of attachments and of NAT gateways are each their own.
func (m *Matrix) look(id string) string {
	s := m.network.subnets[id]
	if s == nil || m.own[id] || s.acl == nil || s.table == nil {
		return id
	}
	return fmt.Sprint(s.vpc.ID, " ", s.table.ID, " ", s.acl.id, " ", s.Zone)
}

// ownSubnets are those of attachments and NAT gateways.
func (n *Network) ownSubnets() map[string]bool {
	own := map[string]bool{}
	for _, a := range n.model.Attachments {
		for _, id := range a.Subnets {
			own[id] = true
		}
	}
	for _, g := range n.model.NATGateways {
		own[g.Subnet] = true
	}
	return own
}

// pieces adds to a key where between the bounds the addresses of an interface
// lie.
func pieces(key []byte, bounds []netip.Addr, f *Interface) []byte {
	for _, a := range f.Addresses {
		for _, x := range []netip.Addr{a.Private, a.Public} {
			piece := uint32(0)
			if x.IsValid() {
				piece = uint32(sort.Search(len(bounds), func(i int) bool { return x.Less(bounds[i]) })) + 1
			}
			key = binary.LittleEndian.AppendUint32(key, piece)
		}
	}
	return key
}

// relook numbers what routers and ACLs see of each net.
func (m *Matrix) relook() {
	seen := map[string]int32{}
	m.looks = make([]int32, len(m.nets))
	var key []byte
	for net, classes := range m.nets {
		f := m.Classes[classes[0]].first
		key = append(append(key[:0], m.look(f.Subnet)...), 0)
		if m.network.hiders[f] {
			key = append(key, 1)
		}
		key = pieces(key, m.bounds, f)
		id, ok := seen[string(key)]
		if !ok {
			id = int32(len(seen))
			seen[string(key)] = id
		}
		m.looks[net] = id
	}
}

// classify puts every interface into its class.
func (m *Matrix) classify() {
	n := m.network
	m.bounds, m.own = n.bounds(), n.ownSubnets()
	classes, nets, sets := map[string]int32{}, map[string]int32{}, map[string]int32{}
	set := int32(0)
	tags := n.tags()
	m.bearing = map[string][]int32{}
	m.tagged = make(map[*Interface]int32, len(tags))
	var key, names []byte
	for i := range n.model.Interfaces {
		f := &n.model.Interfaces[i]
		key = pieces(append(append(key[:0], f.Subnet...), 0), m.bounds, f)
		names = names[:0]
		groups := f.Groups
		if !slices.IsSorted(groups) {
			groups = slices.Sorted(slices.Values(groups))
		}
		for _, g := range groups {
			names = append(append(names, g...), 0)
		}
		if f.GroupsUnread {
			names = append(names, '?')
		}
		if n.hiders[f] {
			key = append(key, 1)
		}
		split := len(key)
		key = append(append(key, 0xff, 0xff, 0xff, 0xff), names...)
		tag, isTagged := tags[f]
		key = append(append(key, 1), tag...)
		id, known := classes[string(key)]
		if !known {
			id = int32(len(m.Classes))
			classes[string(key)] = id
			net, ok := nets[string(key[:split])]
			if !ok {
				net = int32(len(m.nets))
				nets[string(key[:split])] = net
				m.nets = append(m.nets, nil)
			}
			set, ok = sets[string(names)]
			if !ok {
				set = int32(len(m.sets))
				sets[string(names)] = set
				m.sets = append(m.sets, f)
				for _, g := range f.Groups {
					m.bearing[g] = append(m.bearing[g], set)
				}
				if f.GroupsUnread {
					m.unreadSets = append(m.unreadSets, set)
				}
			}
			m.nets[net] = append(m.nets[net], id)
			m.Classes = append(m.Classes, Class{first: f, net: net, set: set})
		}
		if isTagged {
			m.tagged[f] = id
		}
		m.Classes[id].Members = append(m.Classes[id].Members, int32(i))
	}
	m.relook()
}
