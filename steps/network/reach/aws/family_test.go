package aws

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
	"pgregory.net/rapid"
)

// sixth is the IPv6 twin of an IPv4 prefix: its bits behind a prefix of the
// internet's.
func sixth(p netip.Prefix) netip.Prefix {
	if !p.IsValid() {
		return p
	}
	b := p.Addr().As4()
	return netip.PrefixFrom(netip.AddrFrom16([16]byte{0x26, 0, b[0], b[1], b[2], b[3]}), 16+p.Bits())
}

func sixths(ps []netip.Prefix) []netip.Prefix {
	out := make([]netip.Prefix, len(ps))
	for i, p := range ps {
		out[i] = sixth(p)
	}
	return out
}

func sixthOf(a netip.Addr) netip.Addr { return sixth(netip.PrefixFrom(a, 32)).Addr() }

// inside takes from a network what only IPv4 has: public addresses, NAT, and
// what is reached by them.
func inside(m *Model) {
	for i := range m.RouteTables {
		m.RouteTables[i].Routes = slices.DeleteFunc(m.RouteTables[i].Routes, func(r Route) bool {
			return strings.HasPrefix(r.Target, "nat") || strings.HasPrefix(r.Target, "igw") || r.PrefixList != ""
		})
	}
	for i := range m.Interfaces {
		m.Interfaces[i].Addresses[0].Public = netip.Addr{}
	}
	m.NATGateways, m.APIs, m.PrefixLists, m.PublicAccess, m.Passages = nil, nil, nil, nil, nil
}

// twin is a network with IPv6 in place of IPv4.
func twin(m *Model) *Model {
	out := *m
	out.VPCs, out.RouteTables, out.NetworkACLs = slices.Clone(m.VPCs), slices.Clone(m.RouteTables), slices.Clone(m.NetworkACLs)
	out.SecurityGroups, out.Interfaces = slices.Clone(m.SecurityGroups), slices.Clone(m.Interfaces)
	out.TransitTables, out.TargetGroups = slices.Clone(m.TransitTables), slices.Clone(m.TargetGroups)
	for i := range out.VPCs {
		out.VPCs[i].CIDRs = sixths(out.VPCs[i].CIDRs)
	}
	for i := range out.RouteTables {
		t := &out.RouteTables[i]
		t.Routes = slices.Clone(t.Routes)
		for k := range t.Routes {
			t.Routes[k].CIDR = sixth(t.Routes[k].CIDR)
		}
	}
	for i := range out.TransitTables {
		t := &out.TransitTables[i]
		t.Routes = slices.Clone(t.Routes)
		for k := range t.Routes {
			t.Routes[k].CIDR = sixth(t.Routes[k].CIDR)
		}
	}
	for i := range out.NetworkACLs {
		a := &out.NetworkACLs[i]
		a.Entries = slices.Clone(a.Entries)
		for k := range a.Entries {
			a.Entries[k].CIDR = sixth(a.Entries[k].CIDR)
		}
	}
	for i := range out.SecurityGroups {
		g := &out.SecurityGroups[i]
		g.Ingress, g.Egress = slices.Clone(g.Ingress), slices.Clone(g.Egress)
		for _, side := range [][]Permission{g.Ingress, g.Egress} {
			for k := range side {
				side[k].CIDRs = sixths(side[k].CIDRs)
			}
		}
	}
	for i := range out.Interfaces {
		out.Interfaces[i].Addresses = []Address{{Private: sixthOf(out.Interfaces[i].Addresses[0].Private)}}
	}
	for i := range out.TargetGroups {
		g := &out.TargetGroups[i]
		g.Targets = slices.Clone(g.Targets)
		for k := range g.Targets {
			if a, err := netip.ParseAddr(g.Targets[k].ID); err == nil {
				g.Targets[k].ID = sixthOf(a).String()
			}
		}
	}
	return &out
}

// TestTheFamiliesAreAlike holds that inside networks IPv6 is decided as IPv4
// is, which the oracle holds.
func TestTheFamiliesAreAlike(t *testing.T) {
	yes := 0
	rapid.Check(t, func(t *rapid.T) {
		m := randomModel(t)
		inside(m)
		four, six := New(m), New(twin(m))
		for _, a := range m.Interfaces {
			for _, b := range m.Interfaces {
				x, err := four.Can(Place{Interface: a.ID}, Place{Interface: b.ID})
				if err != nil {
					t.Fatal(err)
				}
				y, err := six.Can(Place{Interface: a.ID}, Place{Interface: b.ID})
				if err != nil {
					t.Fatal(err)
				}
				if !x.Ports.Equal(y.Ports) || !x.Perhaps.Equal(y.Perhaps) {
					t.Fatalf("%s to %s: IPv4 %+v, IPv6 %+v", a.ID, b.ID, x, y)
				}
				if x.Reachable == reach.Yes {
					yes++
				}
			}
		}
	})
	if yes < enough() {
		t.Errorf("only %d pairs are open: too few to prove anything", yes)
	}
}

func TestIPv6AtTheEdge(t *testing.T) {
	six := func(m *Model) {
		network(m)
		m.VPCs[0].CIDRs = append(m.VPCs[0].CIDRs, prefix("2a05::/56")...)
		m.RouteTables[0].Routes = append(m.RouteTables[0].Routes, Route{CIDR: prefix("::/0")[0], Target: "igw-1"})
		m.Interfaces[0].Addresses = append(m.Interfaces[0].Addresses, Address{Private: netip.MustParseAddr("2a05::10")})
		m.SecurityGroups[0].Ingress[0].CIDRs = append(m.SecurityGroups[0].Ingress[0].CIDRs, prefix("::/0")...)
	}
	client := Place{Addr: netip.MustParseAddr("2600::1")}
	for _, tt := range []struct {
		name   string
		change func(m *Model)
		to     string
		want   reach.Answer
	}{
		{"an IPv6 address is public by itself", six, "eni-lb", reach.Yes},
		{"if a group names its family", func(m *Model) { six(m); m.SecurityGroups[0].Ingress[0].CIDRs = prefix("0.0.0.0/0") }, "eni-lb", reach.No},
		{"and a route leads there", func(m *Model) { six(m); m.RouteTables[0].Routes = m.RouteTables[0].Routes[:1] }, "eni-lb", reach.No},
		{"an egress-only gateway lets nobody in", func(m *Model) {
			six(m)
			m.Gateways = append(m.Gateways, Gateway{"eigw-1", "vpc-shop"})
			m.RouteTables[0].Routes[1].Target = "eigw-1"
		}, "eni-lb", reach.No},
		// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/edit-target-group-attributes.html:
		// an IPv4 target sees the load balancer's address for IPv6 clients.
		{"an IPv4 target behind a dual-stack load balancer", func(m *Model) { six(m); m.SecurityGroups[1].Ingress[0].Groups = []string{"sg-lb"} }, "eni-server", reach.Yes},
		{"whose address it sees", func(m *Model) {
			six(m)
			m.SecurityGroups[1].Ingress[0] = Permission{Protocol: "tcp", From: 8080, To: 8080, CIDRs: prefix("10.0.0.0/24")}
		}, "eni-server", reach.Yes},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			m := shop()
			tt.change(m)
			if a, err := New(m).Can(client, Place{Interface: tt.to}); err != nil || a.Reachable != tt.want {
				t.Errorf("%v %v: %+v, want %v", err, tt.to, a, tt.want)
			}
		})
	}
}
