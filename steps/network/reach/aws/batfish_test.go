package aws

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// The networks below are made after those of Batfish's AWS tests, and what is
// expected is what these expect, see
// https://github.com/batfish/batfish/tree/master/projects/batfish/src/test/java/org/batfish/representation/aws.
// Batfish traces one packet one way; here a connection also needs its answer.

// joined is VPCs of one subnet each on transit gateways, all else open. Every
// route of a VPC leads to the gateway it is attached to.
func joined(vpcs ...[3]string) *Model { // VPC, its second octet, gateway
	m := &Model{NetworkACLs: []NetworkACL{open("acl")}}
	any := prefix("0.0.0.0/0")
	m.SecurityGroups = []SecurityGroup{{ID: "sg", Ingress: []Permission{{Protocol: "-1", CIDRs: any}}, Egress: []Permission{{Protocol: "-1", CIDRs: any}}}}
	for _, v := range vpcs {
		id, octet, gateway := v[0], v[1], v[2]
		m.VPCs = append(m.VPCs, VPC{ID: "vpc-" + id, CIDRs: prefix("10." + octet + ".0.0/16")})
		m.Subnets = append(m.Subnets, Subnet{ID: "subnet-" + id, VPC: "vpc-" + id, Zone: "a"})
		m.NetworkACLs[0].Subnets = append(m.NetworkACLs[0].Subnets, "subnet-"+id)
		m.RouteTables = append(m.RouteTables, RouteTable{ID: "rtb-" + id, VPC: "vpc-" + id, Main: true, Routes: []Route{{CIDR: prefix("10.0.0.0/8")[0], Target: gateway}}})
		m.Interfaces = append(m.Interfaces, Interface{ID: "eni-" + id, Subnet: "subnet-" + id, Groups: []string{"sg"}, Addresses: []Address{{Private: netip.MustParseAddr("10." + octet + ".1.100")}}})
		m.Attachments = append(m.Attachments, Attachment{ID: "att-" + id, Gateway: gateway, Type: "vpc", Resource: "vpc-" + id, Table: "tt-" + id, Subnets: []string{"subnet-" + id}})
	}
	return m
}

func (m *Model) table(id, gateway string, propagations ...string) *TransitTable {
	m.TransitTables = append(m.TransitTables, TransitTable{ID: id, Gateway: gateway, Propagations: propagations})
	return &m.TransitTables[len(m.TransitTables)-1]
}

// peered is AwsConfigurationTransitGatewayPeeringTest: gateways bat and fish are
// peers. The table of VPC bat lacks the route to fish; that of bat2 has it; and
// what comes over the peering meets a table that knows bat only.
func peered(answers bool) *Model {
	m := joined([3]string{"bat", "10", "tgw-bat"}, [3]string{"bat2", "20", "tgw-bat"}, [3]string{"fish", "30", "tgw-fish"})
	m.Attachments = append(m.Attachments,
		Attachment{ID: "att-peer", Gateway: "tgw-bat", Type: "peering", Resource: "tgw-fish", Table: "tt-bat"},
		Attachment{ID: "att-peer", Gateway: "tgw-fish", Type: "peering", Resource: "tgw-bat", Table: "tt-fish"})
	m.table("tt-bat", "tgw-bat", "att-bat")
	if answers {
		m.TransitTables[0].Propagations = append(m.TransitTables[0].Propagations, "att-bat2")
	}
	m.table("tt-bat2", "tgw-bat", "att-bat2").Routes = []TransitRoute{{CIDR: prefix("10.30.0.0/16")[0], Attachment: "att-peer"}}
	m.table("tt-fish", "tgw-fish", "att-fish").Routes = []TransitRoute{{CIDR: prefix("10.20.0.0/16")[0], Attachment: "att-peer"}}
	return m
}

// apart is AwsConfigurationTransitGatewayAsymmetricPathsTest: both VPCs are
// attached to both gateways, and the one way leads over bat, the other over
// fish.
func apart() *Model {
	m := joined([3]string{"bat", "1", "tgw-bat"}, [3]string{"fish", "2", "tgw-fish"})
	for _, x := range [][2]string{{"bat", "tgw-fish"}, {"fish", "tgw-bat"}} {
		m.Attachments = append(m.Attachments, Attachment{ID: "att-" + x[0] + "-far", Gateway: x[1], Type: "vpc", Resource: "vpc-" + x[0], Subnets: []string{"subnet-" + x[0]}})
	}
	m.table("tt-bat", "tgw-bat", "att-fish-far")
	m.table("tt-fish", "tgw-fish", "att-bat-far")
	return m
}

func TestBatfishAgrees(t *testing.T) {
	zones := func() *Model { // AwsConfigurationTransitGatewayTest
		m := joined([3]string{"a", "10", "tgw-0"}, [3]string{"b", "20", "tgw-0"})
		m.Subnets = append(m.Subnets, Subnet{ID: "subnet-a2", VPC: "vpc-a", Zone: "b"})
		m.NetworkACLs[0].Subnets = append(m.NetworkACLs[0].Subnets, "subnet-a2")
		m.Interfaces = append(m.Interfaces, Interface{ID: "eni-a2", Subnet: "subnet-a2", Groups: []string{"sg"}, Addresses: []Address{{Private: netip.MustParseAddr("10.10.20.154")}}})
		m.table("tt-a", "tgw-0", "att-a", "att-b")
		m.table("tt-b", "tgw-0", "att-a", "att-b")
		return m
	}
	tables := func() *Model { // AwsConfigurationTransitGatewayMultiTableTest
		m := joined([3]string{"a", "10", "tgw-0"}, [3]string{"b", "20", "tgw-0"})
		m.table("tt-a", "tgw-0", "att-b")
		m.table("tt-b", "tgw-0", "att-a")
		return m
	}
	translated := func() *Model { // AwsConfigurationNatGatewayTest
		m := shop()
		m.NATGateways = []NATGateway{{ID: "nat-1", Subnet: "subnet-public", Address: netip.MustParseAddr("10.0.0.99"), Public: netip.MustParseAddr("54.0.0.99")}}
		m.RouteTables[1].Routes = []Route{{CIDR: prefix("0.0.0.0/0")[0], Target: "nat-1"}}
		return m
	}
	for _, tt := range []struct {
		name     string
		model    *Model
		from, to string
		want     reach.Answer
		because  string
	}{
		{"bat to fish stops at bat's table", peered(false), "eni-bat", "eni-fish", reach.No, "tgw-bat: no route in tt-bat"},
		{"bat2 to fish arrives, and its answer does not", peered(false), "eni-bat2", "eni-fish", reach.No, "no answer comes back: tgw-fish: no route in tt-bat"},
		{"bat2 to fish with a way back", peered(true), "eni-bat2", "eni-fish", reach.Yes, ""},
		{"fish to bat stops at fish", peered(false), "eni-fish", "eni-bat", reach.No, "tgw-fish: no route in tt-fish"},
		{"fish to bat2 stops behind the peering", peered(false), "eni-fish", "eni-bat2", reach.No, "tgw-fish: no route in tt-bat"},
		{"one way over bat, the other over fish", apart(), "eni-bat", "eni-fish", reach.Yes, ""},
		{"and back", apart(), "eni-fish", "eni-bat", reach.Yes, ""},
		{"a subnet in a zone of the gateway", zones(), "eni-a", "eni-b", reach.Yes, ""},
		{"a subnet in a zone the gateway is not in", zones(), "eni-a2", "eni-b", reach.No, "att-a has no subnet in zone b"},
		{"each with a table that knows the other", tables(), "eni-a", "eni-b", reach.Yes, ""},
		{"out by NAT", translated(), "eni-server", "8.8.8.8", reach.Yes, ""},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			place := func(s string) Place {
				if a, err := netip.ParseAddr(s); err == nil {
					return Place{Addr: a}
				}
				return Place{Interface: s}
			}
			a, err := New(tt.model).Can(place(tt.from), place(tt.to))
			if err != nil {
				t.Fatal(err)
			}
			if why := strings.Join(a.Because, "; "); a.Reachable != tt.want || !strings.Contains(why, tt.because) {
				t.Errorf("%v because %q, want %v because %q", a.Reachable, why, tt.want, tt.because)
			}
		})
	}
	a, err := New(translated()).Can(Place{Interface: "eni-server"}, Place{Addr: netip.MustParseAddr("8.8.8.8")})
	if err != nil || a.Ports.Has(107, 0) {
		t.Errorf("a NAT gateway passes protocol 107: %v, %v", a.Ports, err)
	}
	if a, err = New(translated()).Can(Place{Addr: netip.MustParseAddr("8.8.8.8")}, Place{Interface: "eni-server"}); err != nil || a.Direct.Answer() != reach.No {
		t.Errorf("through a NAT gateway inward: %+v, %v", a.Direct, err)
	}
}
