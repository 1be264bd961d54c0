package network

import (
	"fmt"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach/aws"
)

// worldOf is the network of a model alone.
func worldOf(m *aws.Model) *World {
	w := &World{snap: &estate.Snapshot{}, model: m, clusters: map[string]*cluster{}, vpcs: map[string]*estate.Asset{}, subnets: map[string]*aws.Subnet{}, ifaces: map[string]*iface{}, byAddr: map[string]string{},
		elb: map[string][]string{}, cells: map[string][]string{}, places: map[estate.Node]*standing{}, atPod: map[podPlace]estate.Node{}, made: map[estate.Node]bool{},
		classes: map[point]string{}, numbers: map[string]int{}, numbered: map[point]int{}, firsts: map[int]point{}, known: map[pair]Link{}, strangers: map[strangerKey]string{}}
	for i := range m.Interfaces {
		w.ifaces[m.Interfaces[i].ID] = &iface{Interface: &m.Interfaces[i], owner: -1, node: estate.Node(i)}
	}
	for i := range m.Subnets {
		w.subnets[m.Subnets[i].ID] = &m.Subnets[i]
	}
	w.edges = w.cutEdges()
	w.amazon = aws.New(m)
	return w
}

var everything = netip.MustParsePrefix("0.0.0.0/0")

func openACL(vpc string, subnets ...string) aws.NetworkACL {
	a := aws.NetworkACL{ID: "acl-" + vpc, VPC: vpc, Subnets: subnets}
	for _, egress := range []bool{true, false} {
		a.Entries = append(a.Entries, aws.Entry{Number: 100, Egress: egress, Protocol: "-1", CIDR: everything, To: 65535, Allow: true})
	}
	return a
}

// smallModel draws two VPCs that may be peered and may use one range, a few groups, and
// interfaces of which some are behind a load balancer.
func smallModel(t *rapid.T) *aws.Model {
	m := &aws.Model{}
	ranges := []string{"10.0", "10.1"}
	if rapid.IntRange(0, 4).Draw(t, "same range") == 0 {
		ranges[1] = "10.0"
	}
	blocks := []netip.Prefix{everything, netip.MustParsePrefix("10.0.0.0/16"), netip.MustParsePrefix("10.1.0.0/25"), netip.MustParsePrefix("10.0.1.8/29"), netip.MustParsePrefix("3.0.0.0/8")}
	groups := []string{"sg-0", "sg-1", "sg-2"}
	for v, r := range ranges {
		vpc := fmt.Sprintf("vpc-%d", v)
		m.VPCs = append(m.VPCs, aws.VPC{ID: vpc, CIDRs: []netip.Prefix{netip.MustParsePrefix(r + ".0.0/16")}})
		table := aws.RouteTable{ID: "rtb-" + vpc, VPC: vpc, Main: true, Unread: rapid.IntRange(0, 9).Draw(t, "table unread") == 0}
		if rapid.Bool().Draw(t, "peered") {
			table.Routes = append(table.Routes, aws.Route{CIDR: netip.MustParsePrefix(ranges[1-v] + ".0.0/16"), Target: "pcx-1"})
		}
		if rapid.Bool().Draw(t, "public") {
			table.Routes = append(table.Routes, aws.Route{CIDR: everything, Target: "igw-" + vpc})
		}
		m.Gateways = append(m.Gateways, aws.Gateway{ID: "igw-" + vpc, VPC: vpc})
		m.RouteTables = append(m.RouteTables, table)
		m.NetworkACLs = append(m.NetworkACLs, openACL(vpc, vpc+"-a", vpc+"-b"))
		for s, name := range []string{"a", "b"} {
			m.Subnets = append(m.Subnets, aws.Subnet{ID: vpc + "-" + name, VPC: vpc, CIDRs: []netip.Prefix{netip.MustParsePrefix(fmt.Sprintf("%s.%d.0/24", r, s))}})
		}
	}
	m.Peerings = []aws.Peering{{ID: "pcx-1", Requester: "vpc-0", Accepter: "vpc-1", Active: true}}
	for _, g := range groups {
		perm := func(label string) []aws.Permission {
			var out []aws.Permission
			for range rapid.IntRange(0, 2).Draw(t, label) {
				p := aws.Permission{Protocol: "tcp", From: 80, To: rapid.IntRange(80, 82).Draw(t, "port")}
				if rapid.Bool().Draw(t, "names a group") {
					p.Groups = []string{rapid.SampledFrom(groups).Draw(t, "peer")}
				} else {
					p.CIDRs = []netip.Prefix{rapid.SampledFrom(blocks).Draw(t, "block")}
				}
				out = append(out, p)
			}
			return out
		}
		m.SecurityGroups = append(m.SecurityGroups, aws.SecurityGroup{ID: g, VPC: "vpc-0", Ingress: perm("ingress"), Egress: append(perm("egress"), aws.Permission{Protocol: "tcp", From: 80, To: 80, CIDRs: []netip.Prefix{everything}})})
	}
	for i := range rapid.IntRange(3, 8).Draw(t, "interfaces") {
		v, s := rapid.IntRange(0, 1).Draw(t, "vpc"), rapid.IntRange(0, 1).Draw(t, "subnet")
		f := aws.Interface{ID: fmt.Sprintf("eni-%d", i), Subnet: fmt.Sprintf("vpc-%d-%s", v, []string{"a", "b"}[s]), Groups: []string{rapid.SampledFrom(groups).Draw(t, "group")}}
		f.Addresses = []aws.Address{{Private: netip.MustParseAddr(fmt.Sprintf("%s.%d.%d", ranges[v], s, 4+i*4))}}
		if rapid.IntRange(0, 3).Draw(t, "has a public address") == 0 {
			f.Addresses[0].Public = netip.MustParseAddr(fmt.Sprintf("52.0.0.%d", i))
		}
		m.Interfaces = append(m.Interfaces, f)
	}
	if rapid.Bool().Draw(t, "balanced") {
		front := &m.Interfaces[0]
		front.Addresses[0].Public = netip.MustParseAddr("52.1.0.1")
		vpc := m.Interfaces[0].Subnet[:5]
		target := m.Interfaces[rapid.IntRange(1, len(m.Interfaces)-1).Draw(t, "target")]
		m.TargetGroups = []aws.TargetGroup{{ID: "tg", VPC: vpc, Type: "ip", Protocol: "HTTP", Targets: []aws.Target{{ID: target.Addresses[0].Private.String(), Port: 80}}}}
		m.LoadBalancers = []aws.LoadBalancer{{ID: "lb", VPC: vpc, Type: "application", Interfaces: []string{front.ID}, Listeners: []aws.Listener{{Protocol: "HTTP", Port: 80, TargetGroups: []string{"tg"}}}}}
	}
	return m
}

// TestReachAsksAsOneByOne holds that deciding classes once, whoever asked first, says
// what asking every pair by itself says: with the table of all pairs and without.
func TestReachAsksAsOneByOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := smallModel(t)
		w := worldOf(m)
		spots := make([]spot, 0, len(m.Interfaces))
		for i, f := range m.Interfaces {
			spots = append(spots, spot{estate.Node(i), []point{{iface: f.ID}}})
		}
		for _, h := range w.internet() {
			spots = append(spots, spot{-1, []point{{host: h, inet: true}}})
		}
		some := func(label string) []spot {
			var out []spot
			for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, len(spots)-1), 1, 4, rapid.ID).Draw(t, label) {
				out = append(out, spots[i])
			}
			return out
		}
		for range 3 {
			from, to := some("from"), some("to")
			want := Link{Reachable: reach.No}
			for _, f := range from {
				for _, q := range to {
					if f.points[0] == q.points[0] && (len(from) > 1 || len(to) > 1) || f.asset < 0 && q.asset < 0 {
						continue
					}
					one := Link{Reachable: reach.Yes, Ports: reach.AllPorts}
					if f.points[0] != q.points[0] {
						one = w.overAWS(f.points[0], q.points[0])
						if brief := w.briefly(f, q, reach.AllPorts); brief.Reachable != one.Reachable || !brief.Ports.Equal(one.Ports) || !brief.Maybe.Equal(one.Maybe.Minus(one.Ports)) {
							t.Fatalf("briefly %v on %v, perhaps %v; at length %v on %v, perhaps %v\nfrom %v\nto %v\n%+v", brief.Reachable, brief.Ports, brief.Maybe, one.Reachable, one.Ports, one.Maybe, f, q, m)
						}
					}
					if w.stances([]spot{f})[0].undecidable(w.stances([]spot{q})[0]) && !one.Ports.IsEmpty() {
						t.Fatalf("said to be undecidable: %v on %v\nfrom %v\nto %v\n%+v", one.Reachable, one.Ports, f, q, m)
					}
					want.Ports, want.Maybe, want.Reachable = want.Ports.Union(one.Ports), want.Maybe.Union(one.Maybe), want.Reachable.Or(one.Reachable)
				}
			}
			want.Maybe = want.Maybe.Minus(want.Ports)
			noHosts := func(a, b []spot) bool {
				for _, s := range a {
					for _, r := range b {
						if s.asset < 0 && r.asset < 0 {
							return false
						}
					}
				}
				return true
			}
			if !noHosts(from, to) {
				continue
			}
			got, _ := w.reach(from, to, reach.Ports{})
			quick := w.answer(w.placesOf(from), w.placesOf(to))
			for name, l := range map[string]Link{"by classes": got, "by the table": quick} {
				if l.Reachable != want.Reachable || !l.Ports.Equal(want.Ports) || !l.Maybe.Equal(want.Maybe) {
					t.Fatalf("%s: %v on %v, perhaps %v; one by one: %v on %v, perhaps %v\nfrom %v\nto %v\n%+v", name, l.Reachable, l.Ports, l.Maybe, want.Reachable, want.Ports, want.Maybe, from, to, m)
				}
			}
		}
	})
}
