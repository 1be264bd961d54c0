package aws

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

func prefix(s string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(s)} }

func open(id string, subnets ...string) NetworkACL {
	all := prefix("0.0.0.0/0")[0]
	return NetworkACL{ID: id, Subnets: subnets, Entries: []Entry{
		{100, false, "-1", all, -1, -1, true}, {100, true, "-1", all, -1, -1, true},
		{101, false, "-1", prefix("::/0")[0], -1, -1, true}, {101, true, "-1", prefix("::/0")[0], -1, -1, true}}}
}

// three is VPCs A, B and C with a peering from A to each other, everything
// else open.
func three() *Model {
	m := &Model{NetworkACLs: []NetworkACL{open("acl-1", "subnet-a", "subnet-b", "subnet-c")}}
	for i, v := range []string{"a", "b", "c"} {
		cidr := []string{"172.16.0.0/16", "10.0.0.0/16", "192.168.0.0/16"}[i]
		addr := []string{"172.16.0.4", "10.0.0.4", "192.168.0.4"}[i]
		m.VPCs = append(m.VPCs, VPC{ID: "vpc-" + v, CIDRs: prefix(cidr)})
		m.Subnets = append(m.Subnets, Subnet{ID: "subnet-" + v, VPC: "vpc-" + v})
		m.RouteTables = append(m.RouteTables, RouteTable{ID: "rtb-" + v, VPC: "vpc-" + v, Main: true})
		m.SecurityGroups = append(m.SecurityGroups, SecurityGroup{ID: "sg-" + v,
			Ingress: []Permission{{Protocol: "tcp", From: 22, To: 22, CIDRs: prefix("0.0.0.0/0")}},
			Egress:  []Permission{{Protocol: "-1", CIDRs: prefix("0.0.0.0/0")}}})
		m.Interfaces = append(m.Interfaces, Interface{ID: "eni-" + v, Subnet: "subnet-" + v, Groups: []string{"sg-" + v}, Addresses: []Address{{Private: netip.MustParseAddr(addr)}}})
	}
	m.Peerings = []Peering{{"pcx-ab", "vpc-a", "vpc-b", [2]string{"eu", "eu"}, true}, {"pcx-ac", "vpc-a", "vpc-c", [2]string{"eu", "eu"}, true}}
	m.RouteTables[0].Routes = []Route{{CIDR: prefix("10.0.0.0/16")[0], Target: "pcx-ab"}, {CIDR: prefix("192.168.0.0/16")[0], Target: "pcx-ac"}}
	m.RouteTables[1].Routes = []Route{{CIDR: prefix("172.16.0.0/16")[0], Target: "pcx-ab"}}
	m.RouteTables[2].Routes = []Route{{CIDR: prefix("172.16.0.0/16")[0], Target: "pcx-ac"}}
	return m
}

func TestDocumentedCases(t *testing.T) {
	outside := func(a string) Place { return Place{Addr: netip.MustParseAddr(a)} }
	eni := func(v string) Place { return Place{Interface: "eni-" + v} }
	gateway := func(m *Model) {
		m.Gateways = append(m.Gateways, Gateway{"igw-1", "vpc-a"})
		m.RouteTables[0].Routes = append(m.RouteTables[0].Routes, Route{CIDR: prefix("0.0.0.0/0")[0], Target: "igw-1"})
		m.Interfaces[0].Addresses[0].Public = netip.MustParseAddr("54.1.1.1")
	}
	tests := []struct {
		name     string // with the page it follows
		change   func(m *Model)
		from, to Place
		want     reach.Answer
		ports    []string
		because  string
	}{
		{"a peering carries both ways", func(*Model) {}, eni("a"), eni("b"), reach.Yes, []string{"tcp/22"}, ""},
		// https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html, transitive peering
		{"a peering is not transitive", func(m *Model) {
			m.RouteTables[1].Routes = append(m.RouteTables[1].Routes, Route{CIDR: prefix("192.168.0.0/16")[0], Target: "pcx-ab"})
		}, eni("b"), eni("c"), reach.No, nil, "pcx-ab leads to vpc-a and nowhere beyond"},
		// https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-routing.html
		{"both sides of a peering need a route", func(m *Model) { m.RouteTables[1].Routes = nil }, eni("a"), eni("b"), reach.No, nil, "no answer comes back: rtb-b: no route"},
		{"a peering that is not active is a wall", func(m *Model) { m.Peerings[0].Active = false }, eni("a"), eni("b"), reach.No, nil, "not active"},
		{"a peering nobody read is no wall", func(m *Model) { m.Peerings = nil }, eni("a"), eni("b"), reach.Unknown, nil, "pcx-ab was not read"},
		// https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-security-groups.html
		{"a rule may name a peer's group", func(m *Model) {
			m.SecurityGroups[1].Ingress = []Permission{{Protocol: "tcp", From: 80, To: 80, Groups: []string{"sg-a"}}}
		}, eni("a"), eni("b"), reach.Yes, []string{"tcp/80"}, ""},
		{"but not in another region", func(m *Model) {
			m.Peerings[0].Regions[1] = "us"
			m.SecurityGroups[1].Ingress = []Permission{{Protocol: "tcp", From: 80, To: 80, Groups: []string{"sg-a"}}}
		}, eni("a"), eni("b"), reach.No, nil, "no ingress rule of [sg-b] allows 172.16.0.4"},
		{"a group nobody read is no wall", func(m *Model) { m.SecurityGroups = m.SecurityGroups[:1] }, eni("a"), eni("b"), reach.Unknown, nil, "ingress of [sg-b]"},
		// https://docs.aws.amazon.com/vpc/latest/userguide/route-tables-priority.html
		{"the longest prefix wins", func(m *Model) {
			m.RouteTables[0].Routes = append(m.RouteTables[0].Routes, Route{CIDR: prefix("10.0.0.0/24")[0], Target: "pcx-gone", Blackhole: true})
		}, eni("a"), eni("b"), reach.No, nil, "blackhole"},
		{"a table not read is no wall", func(m *Model) { m.RouteTables[0].Unread = true }, eni("a"), eni("b"), reach.Unknown, nil, "not read"},
		{"what a group forbids stays forbidden", func(m *Model) { m.RouteTables, m.SecurityGroups[1].Ingress = nil, nil }, eni("a"), eni("b"), reach.No, nil, "no ingress rule"},
		// https://docs.aws.amazon.com/vpc/latest/userguide/nacl-ephemeral-ports.html
		{"answers need the client's ports", func(m *Model) {
			m.NetworkACLs[0].Subnets = []string{"subnet-a"}
			m.NetworkACLs = append(m.NetworkACLs, open("acl-b", "subnet-b"))
			m.NetworkACLs[1].Entries[1] = Entry{100, true, "6", prefix("0.0.0.0/0")[0], 0, 1023, true}
		}, eni("a"), eni("b"), reach.No, nil, "no answer comes back: acl-b"},
		{"the lowest number decides", func(m *Model) {
			m.NetworkACLs[0].Entries = append(m.NetworkACLs[0].Entries, Entry{50, false, "6", prefix("172.16.0.0/16")[0], 22, 22, false})
		}, eni("a"), eni("b"), reach.No, nil, "acl-1"},
		// https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html
		{"in from the internet", gateway, outside("8.8.8.8"), eni("a"), reach.Yes, []string{"tcp/22"}, ""},
		{"out to the internet", gateway, eni("a"), outside("8.8.8.8"), reach.Yes, []string{"all"}, ""},
		{"no public address, no internet", func(m *Model) { gateway(m); m.Interfaces[0].Addresses[0].Public = netip.Addr{} }, eni("a"), outside("8.8.8.8"), reach.No, nil, "needs a public address"},
		// https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html, edge to edge routing
		{"no way out over a peer's gateway", func(m *Model) {
			gateway(m)
			m.RouteTables[1].Routes = append(m.RouteTables[1].Routes, Route{CIDR: prefix("0.0.0.0/0")[0], Target: "pcx-ab"})
		}, eni("b"), outside("8.8.8.8"), reach.No, nil, "nowhere beyond"},
		// https://docs.aws.amazon.com/vpc/latest/userguide/egress-only-internet-gateway.html
		{"egress-only lets out", egressOnly, eni("a"), outside("2600::1"), reach.Yes, []string{"all"}, ""},
		{"egress-only lets nobody in", egressOnly, outside("2600::1"), eni("a"), reach.No, nil, "only opens IPv6 connections outward"},
		// https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html
		{"a gateway endpoint", endpoint, eni("a"), outside("52.218.0.1"), reach.Yes, []string{"all"}, ""},
		{"an endpoint's list nobody read", func(m *Model) { endpoint(m); m.PrefixLists = nil }, eni("a"), outside("52.218.0.1"), reach.Unknown, nil, "pl-1 was not read"},
		{"VPN, both ways", vpn, outside("192.0.2.1"), eni("a"), reach.Yes, []string{"tcp/22"}, ""},
		{"an appliance decides", func(m *Model) { m.RouteTables[0].Routes[0].Target = "eni-fw" }, eni("a"), eni("b"), reach.Unknown, nil, "eni-fw decides"},
	}
	for _, tt := range tests {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			m := three()
			tt.change(m)
			a, err := New(m).Can(tt.from, tt.to)
			if err != nil {
				t.Fatal(err)
			}
			if a.Reachable != tt.want {
				t.Errorf("reachable %v, want %v: %v", a.Reachable, tt.want, a)
			}
			if diff := cmp.Diff(tt.ports, a.Ports.List()); tt.ports != nil && diff != "" {
				t.Errorf("ports (-want +got):\n%s", diff)
			}
			if why := strings.Join(a.Because, "; "); !strings.Contains(why, tt.because) {
				t.Errorf("because %q, want %q", why, tt.because)
			}
		})
	}
}

func egressOnly(m *Model) {
	m.Gateways = []Gateway{{"eigw-1", "vpc-a"}}
	m.RouteTables[0].Routes = append(m.RouteTables[0].Routes, Route{CIDR: prefix("::/0")[0], Target: "eigw-1"})
	m.Interfaces[0].Addresses = append(m.Interfaces[0].Addresses, Address{Private: netip.MustParseAddr("2a05::4")})
	m.SecurityGroups[0].Egress = append(m.SecurityGroups[0].Egress, Permission{Protocol: "-1", CIDRs: prefix("::/0")})
}

func endpoint(m *Model) {
	m.Endpoints = []Endpoint{{ID: "vpce-1", VPC: "vpc-a", Service: "s3", Gateway: true}}
	m.PrefixLists = []PrefixList{{ID: "pl-1", CIDRs: prefix("52.218.0.0/16")}}
	m.RouteTables[0].Routes = append(m.RouteTables[0].Routes, Route{PrefixList: "pl-1", Target: "vpce-1"})
}

func vpn(m *Model) {
	m.Gateways = []Gateway{{"vgw-1", "vpc-a"}}
	m.RouteTables[0].Routes = append(m.RouteTables[0].Routes, Route{CIDR: prefix("192.0.2.0/24")[0], Target: "vgw-1", Propagated: true})
}

func TestUnknownInterfaceIsAnErrorWithAHint(t *testing.T) {
	_, err := New(three()).Can(Place{Interface: "eni-z"}, Place{Interface: "eni-a"})
	if err == nil || !strings.Contains(err.Error(), "hint:") {
		t.Errorf("error %v, want one with a hint", err)
	}
}

func FuzzParsePorts(f *testing.F) {
	f.Add("tcp", 0, 65535)
	f.Add("icmp", 8, -1)
	f.Add("-1", -1, -1)
	f.Fuzz(func(t *testing.T, protocol string, from, to int) {
		p, err := parsePorts(protocol, from, to)
		if (err == nil) == p.IsEmpty() {
			t.Errorf("%q %d %d: %v, error %v", protocol, from, to, p, err)
		}
	})
}
