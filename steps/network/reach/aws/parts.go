package aws

import (
	"maps"
	"net/netip"
	"slices"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// cut takes prefixes into the bounds and parts the classes they cut through.
// What was computed of a class holds for each part.
func (m *Matrix) cut(prefixes []netip.Prefix) {
	var fresh []netip.Addr
	for _, p := range prefixes {
		if !p.IsValid() {
			continue
		}
		for _, a := range []netip.Addr{p.Masked().Addr(), lastOf(p).Next()} {
			if _, known := slices.BinarySearchFunc(m.bounds, a, netip.Addr.Compare); a.IsValid() && !known {
				fresh = append(fresh, a)
			}
		}
	}
	if len(fresh) == 0 {
		return
	}
	slices.SortFunc(fresh, netip.Addr.Compare)
	fresh = slices.Compact(fresh)
	m.bounds = slices.Concat(m.bounds, fresh)
	slices.SortFunc(m.bounds, netip.Addr.Compare)
	if parts := m.parts(fresh); len(parts) > 0 {
		m.separate(fresh, parts)
	}
}

// part is what leaves a class: members in other pieces than its first's. One
// without members says that the class itself lies elsewhere than its net.
type part struct {
	class   int32
	piece   string
	members []int32
}

// parts lists what new bounds part from the classes and nets.
func (m *Matrix) parts(fresh []netip.Addr) []part {
	var out []part
	var key []byte
	for c := range m.Classes {
		home := m.piece(fresh, int32(c))
		from := len(out)
		if home != m.piece(fresh, m.nets[m.Classes[c].net][0]) {
			out = append(out, part{class: int32(c), piece: home})
			from++
		}
		for _, i := range m.Classes[c].Members[1:] {
			key = pieces(key[:0], fresh, &m.network.model.Interfaces[i])
			if string(key) == home {
				continue
			}
			k := slices.IndexFunc(out[from:], func(p part) bool { return p.piece == string(key) })
			if k < 0 {
				k = len(out) - from
				out = append(out, part{class: int32(c), piece: string(key)})
			}
			out[from+k].members = append(out[from+k].members, i)
		}
	}
	return out
}

func (m *Matrix) piece(bounds []netip.Addr, class int32) string {
	return string(pieces(nil, bounds, m.Classes[class].first))
}

// separate makes classes of parts, and nets that lie on one side of the new
// bounds.
func (m *Matrix) separate(fresh []netip.Addr, parts []part) {
	type home struct {
		net   int32
		piece string
	}
	nets := map[home]int32{}
	for net, classes := range m.nets {
		nets[home{int32(net), m.piece(fresh, classes[0])}] = int32(net)
	}
	m.Classes, m.nets, m.tagged = slices.Clone(m.Classes), slices.Clone(m.nets), maps.Clone(m.tagged)
	twins := map[int32][]int{}
	for _, p := range parts {
		old := m.Classes[p.class]
		if len(p.members) > 0 {
			continue
		}
		net, ok := nets[home{old.net, p.piece}]
		if !ok {
			net = int32(len(m.nets))
			nets[home{old.net, p.piece}] = net
			m.nets = append(m.nets, nil)
		}
		m.nets[old.net] = slices.DeleteFunc(slices.Clone(m.nets[old.net]), func(c int32) bool { return c == p.class })
		m.nets[net] = append(slices.Clone(m.nets[net]), p.class)
	}
	for _, p := range parts {
		if len(p.members) == 0 {
			continue
		}
		id, old := int32(len(m.Classes)), m.Classes[p.class]
		net, ok := nets[home{old.net, p.piece}]
		if !ok {
			net = int32(len(m.nets))
			nets[home{old.net, p.piece}] = net
			m.nets = append(m.nets, nil)
		}
		m.nets[net] = append(slices.Clone(m.nets[net]), id)
		m.Classes = append(m.Classes, Class{Members: p.members, first: &m.network.model.Interfaces[p.members[0]], set: old.set})
		m.rows = append(m.rows, m.rows[p.class])
		twins[p.class] = append(twins[p.class], int(id))
		m.leave(p.class, id, p.members)
	}
	for net, classes := range m.nets {
		for _, c := range classes {
			m.Classes[c].net = int32(net)
		}
	}
	m.carried = make([]carried, len(m.Classes))
	m.widen(twins)
}

// leave takes members out of a class that are now of another.
func (m *Matrix) leave(class, to int32, members []int32) {
	left := make(map[int32]bool, len(members))
	for _, i := range members {
		left[i] = true
		if f := &m.network.model.Interfaces[i]; len(m.tagged) > 0 {
			if _, tagged := m.tagged[f]; tagged {
				m.tagged[f] = to
			}
		}
	}
	m.Classes[class].Members = slices.DeleteFunc(slices.Clone(m.Classes[class].Members), func(i int32) bool { return left[i] })
}

// widen makes room in the rows for new classes, each of which reaches what its
// twin does.
func (m *Matrix) widen(twins map[int32][]int) {
	for to, row := range m.rows {
		wide := make([]layer, len(row))
		for i, l := range row {
			bits := reach.NewBits(len(m.Classes))
			copy(bits, l.from)
			for class, twin := range twins {
				if l.from.Has(int(class)) {
					for _, id := range twin {
						bits.Set(id)
					}
				}
			}
			wide[i] = layer{l.allow, bits}
		}
		m.rows[to] = wide
	}
}
