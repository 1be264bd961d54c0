package aws

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// crowded is a random network with many interfaces in each of its subnets, so
// that an edit cuts through classes and nets, and with subnets that look alike.
func crowded(t *rapid.T) *Model {
	m := randomModel(t)
	for s := range 12 {
		if s%4 > 1 {
			id := fmt.Sprintf("subnet-%d%d", s/4, s%4)
			m.Subnets = append(m.Subnets, Subnet{ID: id, VPC: fmt.Sprintf("vpc-%d", s/4), Zone: "a"})
			m.NetworkACLs[s/4*2].Subnets = append(m.NetworkACLs[s/4*2].Subnets, id)
		}
		for k := range rapid.IntRange(1, 4).Draw(t, "crowd") {
			m.Interfaces = append(m.Interfaces, Interface{ID: fmt.Sprintf("eni-%d-%d", s, k), Subnet: fmt.Sprintf("subnet-%d%d", s/4, s%4),
				Groups:    []string{rapid.SampledFrom([]string{"sg-0", "sg-1", "sg-2"}).Draw(t, "group")},
				Addresses: []Address{{Private: netip.AddrFrom4([4]byte{10, byte(s / 4), byte(s % 4), byte(100 + k)})}}})
		}
	}
	return m
}

// narrow is a prefix that cuts through a crowd.
func narrow(t *rapid.T) netip.Prefix {
	s := rapid.IntRange(0, 11).Draw(t, "crowd")
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(s / 4), byte(s % 4), byte(100 + rapid.IntRange(0, 4).Draw(t, "of"))}), rapid.SampledFrom([]int{24, 28, 30, 31, 32}).Draw(t, "bits")).Masked()
}

func edit(t *rapid.T, m *Model) *Model {
	next := *m
	next.SecurityGroups, next.NetworkACLs, next.RouteTables = slices.Clone(m.SecurityGroups), slices.Clone(m.NetworkACLs), slices.Clone(m.RouteTables)
	switch rapid.IntRange(0, 5).Draw(t, "edit") {
	case 0, 1:
		g := &next.SecurityGroups[rapid.IntRange(0, len(next.SecurityGroups)-1).Draw(t, "which")]
		g.Ingress = append(slices.Clone(g.Ingress), Permission{Protocol: "tcp", From: 443, To: 443, CIDRs: []netip.Prefix{narrow(t)}})
	case 2:
		a := &next.NetworkACLs[rapid.IntRange(0, len(next.NetworkACLs)-1).Draw(t, "acl")]
		a.Entries = append(slices.Clone(a.Entries), Entry{50, rapid.Bool().Draw(t, "egress"), "-1", narrow(t), -1, -1, rapid.Bool().Draw(t, "allow")})
	case 3:
		r := &next.RouteTables[rapid.IntRange(0, len(next.RouteTables)-1).Draw(t, "table")]
		r.Routes = append(slices.Clone(r.Routes), Route{CIDR: narrow(t), Target: rapid.SampledFrom([]string{"tgw-0", "pcx-01", "eni-x"}).Draw(t, "target")})
	case 4:
		// A subnet changes its table.
		r := &next.RouteTables[1]
		r.Subnets = nil
	case 5:
		// Read anew, and a group is gone.
		next.Interfaces = slices.Clone(m.Interfaces)
		next.SecurityGroups = next.SecurityGroups[:2]
	}
	return &next
}

// TestAnEditIsAsIfStartedOver holds matrices that were edited again and again
// against single questions to the network as it then is.
func TestAnEditIsAsIfStartedOver(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		model := crowded(t)
		m := New(model).Matrix()
		for range rapid.IntRange(1, 3).Draw(t, "edits") {
			if rapid.Bool().Draw(t, "group") {
				g := model.SecurityGroups[rapid.IntRange(0, len(model.SecurityGroups)-1).Draw(t, "which")]
				g.Egress = append(slices.Clone(g.Egress), Permission{Protocol: "tcp", From: 1, To: 4000, CIDRs: []netip.Prefix{narrow(t)}})
				m = m.WithGroup(g)
				model = m.network.model
				continue
			}
			model = edit(t, model)
			m = m.Update(model)
		}
		everyPair(t, m, New(model))
	})
}

// everyPair holds each pair of interfaces, not only one of each class, against
// a question.
func everyPair(t *rapid.T, m *Matrix, n *Network) {
	members := 0
	for i, a := range m.Classes {
		members += len(a.Members)
		for j, b := range m.Classes {
			x := n.model.Interfaces[a.Members[rapid.IntRange(0, len(a.Members)-1).Draw(t, "from")]]
			y := n.model.Interfaces[b.Members[len(b.Members)-1]]
			if x.ID == y.ID {
				continue
			}
			want, err := n.Can(Place{Interface: x.ID}, Place{Interface: y.ID})
			if err != nil {
				t.Fatal(err)
			}
			if got := m.Reach(i, j); !got.Sure.Equal(want.Ports) || !got.Maybe.Equal(want.Ports.Union(want.Perhaps)) {
				t.Fatalf("%s to %s: matrix %v, asked alone %+v", x.ID, y.ID, got, want)
			}
		}
	}
	if members != len(n.model.Interfaces) {
		t.Fatalf("%d interfaces are in classes, of %d", members, len(n.model.Interfaces))
	}
}
