package aws

import (
	"fmt"
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

// TestMatrixAgreesWithCan holds all pairs, before and after an edit of one
// group, against the questions asked one by one.
func TestMatrixAgreesWithCan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		model := randomModel(t)
		if rapid.Bool().Draw(t, "part") {
			hide(t, model)
		}
		m := New(model).Matrix()
		compareMatrix(t, m)
		g := randomModel(t).SecurityGroups[0]
		edited := m.WithGroup(g)
		compareMatrix(t, edited)
		compareMatrix(t, m)
	})
}

func compareMatrix(t *rapid.T, m *Matrix) {
	for i, a := range m.Classes {
		for j, b := range m.Classes {
			if i == j {
				continue
			}
			want, err := m.network.Can(Place{Interface: a.first.ID}, Place{Interface: b.first.ID})
			if err != nil {
				t.Fatal(err)
			}
			got := m.Reach(i, j)
			if !got.Sure.Equal(want.Ports) || !got.Maybe.Equal(want.Ports.Union(want.Perhaps)) {
				t.Fatalf("%s to %s: matrix %v, asked alone %v", a.first.ID, b.first.ID, got, want)
			}
		}
	}
}

// estate makes a network of many interfaces: fifty VPCs of twenty subnets on
// one transit gateway, whose table joins each VPC with a shared one and its
// nine neighbours; forty groups a VPC, four sets of groups a subnet.
func estate(interfaces int) *Model {
	m := &Model{TransitGateways: []TransitGateway{{"tgw-0", true}}}
	all := netip.MustParsePrefix("0.0.0.0/0")
	m.Interfaces = make([]Interface, 0, interfaces)
	for v := range 50 {
		id := fmt.Sprintf("vpc-%d", v)
		cidr := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(v), 0, 0}), 16)
		m.VPCs = append(m.VPCs, VPC{ID: id, CIDRs: []netip.Prefix{cidr}})
		m.RouteTables = append(m.RouteTables, RouteTable{ID: "rtb-" + id, VPC: id, Main: true, Routes: []Route{{CIDR: netip.MustParsePrefix("10.0.0.0/8"), Target: "tgw-0"}}})
		tt := TransitTable{ID: "tt-" + id, Gateway: "tgw-0", Propagations: []string{"att-0"}}
		for k := range 50 {
			if k/10 == v/10 || v == 0 {
				tt.Propagations = append(tt.Propagations, fmt.Sprintf("att-%d", k))
			}
		}
		m.TransitTables = append(m.TransitTables, tt)
		m.Attachments = append(m.Attachments, Attachment{fmt.Sprintf("att-%d", v), "tgw-0", "vpc", id, tt.ID, []string{fmt.Sprintf("subnet-%d-0", v)}, true, false})
		for g := range 40 {
			sg := SecurityGroup{ID: fmt.Sprintf("sg-%d-%d", v, g), Egress: []Permission{{Protocol: "-1", CIDRs: []netip.Prefix{all}}}}
			sg.Ingress = append(sg.Ingress, Permission{Protocol: "tcp", From: 443, To: 443, Groups: []string{fmt.Sprintf("sg-%d-%d", v, (g+1)%40)}})
			if g%3 == 0 {
				sg.Ingress = append(sg.Ingress, Permission{Protocol: "tcp", From: 8000 + g, To: 8000 + g, CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
			}
			m.SecurityGroups = append(m.SecurityGroups, sg)
		}
		a := NetworkACL{ID: "acl-" + id, VPC: id, Entries: []Entry{{100, true, "-1", all, -1, -1, true}, {100, false, "-1", all, -1, -1, true}}}
		for s := range 20 {
			sub := fmt.Sprintf("subnet-%d-%d", v, s)
			m.Subnets = append(m.Subnets, Subnet{ID: sub, VPC: id, Zone: "a"})
			a.Subnets = append(a.Subnets, sub)
			for k := range interfaces / 1000 {
				g := (s*4 + k%4) % 40
				m.Interfaces = append(m.Interfaces, Interface{ID: fmt.Sprintf("eni-%d-%d-%d", v, s, k), Subnet: sub,
					Groups:    []string{m.SecurityGroups[v*40+g].ID},
					Addresses: []Address{{Private: netip.AddrFrom4([4]byte{10, byte(v), byte(s*12 + k>>8), byte(k)})}}})
			}
		}
		m.NetworkACLs = append(m.NetworkACLs, a)
	}
	return m
}

func BenchmarkAllPairs(b *testing.B) {
	for _, size := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			model := estate(size)
			for b.Loop() {
				m := New(model).Matrix()
				b.ReportMetric(float64(len(m.Classes)), "classes")
				b.ReportMetric(float64(m.Pairs()), "pairs")
			}
		})
	}
}

func BenchmarkEditGroup(b *testing.B) {
	m := New(estate(100_000)).Matrix()
	g := m.network.model.SecurityGroups[7]
	g.Ingress = g.Ingress[:1]
	for b.Loop() {
		m.WithGroup(g)
	}
}

// TestSubnetsThatLookAlike holds what the matrix shares between subnets of one
// look against single questions; random networks have few of those.
func TestSubnetsThatLookAlike(t *testing.T) {
	m := New(estate(1000)).Matrix()
	for i := 0; i < len(m.Classes); i += 37 {
		for j := 0; j < len(m.Classes); j += 7 {
			want, err := m.network.Can(Place{Interface: m.Classes[i].first.ID}, Place{Interface: m.Classes[j].first.ID})
			if err != nil {
				t.Fatal(err)
			}
			if got := m.Reach(i, j); i != j && !got.Sure.Equal(want.Ports) {
				t.Fatalf("%s to %s: matrix %v, asked alone %v", m.Classes[i].first.ID, m.Classes[j].first.ID, got, want)
			}
		}
	}
}
