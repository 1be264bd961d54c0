package network

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach/aws"
)

// TestInternetHosts asks of one interface with a public address whether the internet
// reaches it, as its group and the rules of others vary.
func TestInternetHosts(t *testing.T) {
	many := func(form string, n, step int) []string {
		var out []string
		for i := range n {
			out = append(out, fmt.Sprintf(form, 16+i*step))
		}
		return out
	}
	tests := map[string]struct {
		from, others []string
		want         reach.Answer
	}{
		"anybody":                        {from: []string{"0.0.0.0/0"}, want: reach.Yes},
		"nobody":                         {want: reach.No},
		"a company's own range":          {from: []string{"8.8.8.0/24"}, want: reach.No},
		"private ranges":                 {from: []string{"192.168.0.0/16", "172.16.0.0/12"}, want: reach.No},
		"an eighth among many of others": {from: []string{"3.0.0.0/8"}, others: many("%d.0.0.0/8", 60, 2), want: reach.Yes},
		"many ranges together":           {from: many("%d.64.0.0/13", 40, 3), want: reach.Yes},
		"a wide range cut to pieces":     {from: []string{"60.0.0.0/12"}, others: many("60.%d.0.0/16", 16, -1), want: reach.Yes},
		"IPv6: anybody":                  {from: []string{"::/0"}, want: reach.Yes},
		"IPv6: a region's registry":      {from: []string{"2400::/12"}, others: []string{"2a00::/11"}, want: reach.Yes},
		"IPv6: a company's own range":    {from: []string{"2a02:1234::/32"}, want: reach.No},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			v6 := netip.MustParsePrefix("::/0")
			acl := openACL("vpc", "subnet")
			for i, egress := range []bool{true, false} {
				acl.Entries = append(acl.Entries, aws.Entry{Number: 200 + i, Egress: egress, Protocol: "-1", CIDR: v6, To: 65535, Allow: true})
			}
			group := func(id string, list []string) aws.SecurityGroup {
				p := aws.Permission{Protocol: "tcp", From: 22, To: 22}
				for _, c := range list {
					p.CIDRs = append(p.CIDRs, netip.MustParsePrefix(c))
				}
				return aws.SecurityGroup{ID: id, VPC: "vpc", Ingress: []aws.Permission{p}}
			}
			m := &aws.Model{
				VPCs:           []aws.VPC{{ID: "vpc", CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16"), netip.MustParsePrefix("2600:1f00::/56")}}},
				Subnets:        []aws.Subnet{{ID: "subnet", VPC: "vpc", CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("2600:1f00::/64")}}},
				RouteTables:    []aws.RouteTable{{ID: "rtb", VPC: "vpc", Main: true, Routes: []aws.Route{{CIDR: everything, Target: "igw-1"}, {CIDR: v6, Target: "igw-1"}}}},
				NetworkACLs:    []aws.NetworkACL{acl},
				Gateways:       []aws.Gateway{{ID: "igw-1", VPC: "vpc"}},
				SecurityGroups: []aws.SecurityGroup{group("sg", tt.from)},
				Interfaces:     []aws.Interface{{ID: "eni-1", Subnet: "subnet", Groups: []string{"sg"}, Addresses: []aws.Address{{Private: netip.MustParseAddr("10.0.0.4"), Public: netip.MustParseAddr("52.0.0.1")}, {Private: netip.MustParseAddr("2600:1f00::4")}}}},
			}
			for i, c := range tt.others {
				m.SecurityGroups = append(m.SecurityGroups, group(fmt.Sprintf("sg-%d", i), []string{c}))
			}
			w := worldOf(m)
			e, err := w.End(Internet, nil, false)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := w.reach(e.spots, []spot{{0, []point{{iface: "eni-1"}}}}, reach.Ports{}); got.Reachable != tt.want {
				t.Errorf("%v, want %v; hosts %v", got.Reachable, tt.want, w.internet())
			}
		})
	}
}

// TestCut holds that what is to be taken away is the rule that costs least, that nothing
// is left with it gone, and that things which are not born yet get no commands.
func TestCut(t *testing.T) {
	for _, group := range []string{"sg-b", "terraform://t/aws_security_group.b"} {
		m := &aws.Model{
			VPCs:        []aws.VPC{{ID: "vpc", CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}}},
			Subnets:     []aws.Subnet{{ID: "subnet", VPC: "vpc", CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}}},
			RouteTables: []aws.RouteTable{{ID: "rtb", VPC: "vpc", Main: true}},
			NetworkACLs: []aws.NetworkACL{openACL("vpc", "subnet")},
			SecurityGroups: []aws.SecurityGroup{
				{ID: "sg-a", VPC: "vpc", Egress: []aws.Permission{{Protocol: "-1", CIDRs: []netip.Prefix{everything}}}},
				{ID: group, VPC: "vpc", Ingress: []aws.Permission{{Protocol: "tcp", From: 443, To: 443, Groups: []string{"sg-a"}}, {Protocol: "tcp", From: 22, To: 22, Groups: []string{"sg-c"}}}},
				{ID: "sg-c", VPC: "vpc", Ingress: []aws.Permission{{Protocol: "tcp", From: 22, To: 22, Groups: []string{"sg-a"}}}},
			},
		}
		for i, g := range []string{"sg-a", group, "sg-c"} {
			m.Interfaces = append(m.Interfaces, aws.Interface{ID: fmt.Sprintf("eni-%d", i), Subnet: "subnet", Groups: []string{g}, Addresses: []aws.Address{{Private: netip.AddrFrom4([4]byte{10, 0, 0, byte(4 + i)})}}})
		}
		w := worldOf(m)
		at := func(i int) []spot { return []spot{{-1, []point{{iface: fmt.Sprintf("eni-%d", i)}}}} }
		c, _ := w.cut(at(0), at(1))
		if !c.Complete || len(c.Rules) != 1 || c.Rules[0] != group+": ingress from sg-a, tcp/443" {
			t.Errorf("%s: %+v", group, c)
		}
		if l, _ := w.reach(at(0), at(1), reach.Ports{}); l.Reachable != reach.Yes {
			t.Errorf("%s: the network itself has changed: %v", group, l)
		}
		if unborn(group) == (c.Commands[0][0] != '#') {
			t.Errorf("%s: command %q", group, c.Commands[0])
		}
	}
}
