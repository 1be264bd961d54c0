package aws

import (
	"fmt"
	"net/netip"
	"slices"
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

// balanced puts two load balancers into each VPC, one of either kind, before
// ten interfaces each.
func balanced(m *Model) *Model {
	per := len(m.Interfaces) / 50
	for v := range 50 {
		for k, kind := range []string{"application", "network"} {
			id := fmt.Sprintf("lb-%d-%d", v, k)
			m.Interfaces = append(m.Interfaces, Interface{ID: "eni-" + id, Subnet: fmt.Sprintf("subnet-%d-1", v), Groups: []string{m.SecurityGroups[v*40+k].ID},
				Addresses: []Address{{Private: netip.AddrFrom4([4]byte{10, byte(v), 255, byte(10 + k)})}}})
			g := TargetGroup{ID: "tg-" + id, Type: "ip", Protocol: "TCP", PreserveClientIP: "true"}
			for i := range 10 {
				g.Targets = append(g.Targets, Target{m.Interfaces[v*per+i*17].Addresses[0].Private.String(), 443})
			}
			m.TargetGroups = append(m.TargetGroups, g)
			m.LoadBalancers = append(m.LoadBalancers, LoadBalancer{ID: id, Type: kind, Interfaces: []string{"eni-" + id}, Listeners: []Listener{{"TCP", 443, []string{g.ID}}}})
		}
	}
	return m
}

func BenchmarkAllPairsBehindLoadBalancers(b *testing.B) {
	model := balanced(estate(100_000))
	for b.Loop() {
		m := New(model).Matrix()
		b.ReportMetric(float64(len(m.Classes)), "classes")
		b.ReportMetric(float64(m.Pairs()), "pairs")
	}
}

// online gives each VPC an internet gateway and every third interface a public
// address.
func online(m *Model) *Model {
	for v := range 50 {
		id := fmt.Sprintf("igw-%d", v)
		m.Gateways = append(m.Gateways, Gateway{id, fmt.Sprintf("vpc-%d", v)})
		m.RouteTables[v].Routes = append(m.RouteTables[v].Routes, Route{CIDR: netip.MustParsePrefix("0.0.0.0/0"), Target: id})
	}
	for i := 0; i < len(m.Interfaces); i += 3 {
		m.Interfaces[i].Addresses[0].Public = netip.AddrFrom4([4]byte{54, byte(i >> 16), byte(i >> 8), byte(i)})
	}
	return m
}

func BenchmarkOnline(b *testing.B) {
	model := online(balanced(estate(100_000)))
	m := New(model).Matrix()
	b.Run("all_pairs", func(b *testing.B) {
		for b.Loop() {
			b.ReportMetric(float64(len(New(model).Matrix().Classes)), "classes")
		}
	})
	b.Run("from_the_internet", func(b *testing.B) {
		for b.Loop() {
			if _, err := m.From(Place{Outside: "internet"}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("to_a_service", func(b *testing.B) {
		for b.Loop() {
			if _, err := m.To(Place{Service: "com.amazonaws.eu.s3"}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkEdit changes one thing of a network of a hundred thousand
// interfaces: a group's rules, the same with a prefix that parts classes, a
// network ACL and a route table.
func BenchmarkEdit(b *testing.B) {
	model := estate(100_000)
	m := New(model).Matrix()
	b.Run("group", func(b *testing.B) {
		g := model.SecurityGroups[7]
		g.Ingress = g.Ingress[:1]
		for b.Loop() {
			m.WithGroup(g)
		}
	})
	b.Run("group_new_prefix", func(b *testing.B) {
		g := model.SecurityGroups[7]
		g.Ingress = append(slices.Clone(g.Ingress), Permission{Protocol: "tcp", From: 22, To: 22, CIDRs: prefix("10.3.12.7/32")})
		for b.Loop() {
			m.WithGroup(g)
		}
	})
	b.Run("acl", func(b *testing.B) {
		next := *model
		next.NetworkACLs = slices.Clone(model.NetworkACLs)
		a := &next.NetworkACLs[7]
		a.Entries = append(slices.Clone(a.Entries), Entry{50, false, "6", prefix("10.3.0.0/16")[0], 22, 22, false})
		for b.Loop() {
			m.Update(&next)
		}
	})
	b.Run("route_of_one_subnet", func(b *testing.B) {
		before := *model
		before.RouteTables = append(slices.Clone(model.RouteTables), RouteTable{ID: "rtb-one", VPC: "vpc-7", Subnets: []string{"subnet-7-3"}, Routes: model.RouteTables[7].Routes})
		m := New(&before).Matrix()
		next := before
		next.RouteTables = slices.Clone(before.RouteTables)
		next.RouteTables[50].Routes = append(slices.Clone(next.RouteTables[50].Routes), Route{CIDR: prefix("10.8.0.0/16")[0], Target: "tgw-0", Blackhole: true})
		for b.Loop() {
			m.Update(&next)
		}
	})
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
