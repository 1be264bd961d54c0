package aws

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

var cidrs = []string{"0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/16", "10.1.0.0/16", "10.2.0.0/16", "10.0.0.0/24", "10.1.1.0/24", "10.0.1.4/31", "54.0.0.0/8", "54.0.0.2/32", "8.8.0.0/16"}

func randomModel(t *rapid.T) *Model {
	pick := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
	often := func(name string) bool { return rapid.IntRange(0, 4).Draw(t, name) > 0 }
	cidr := func() netip.Prefix { return netip.MustParsePrefix(pick("cidr", cidrs...)) }
	ports := func() (string, int, int) {
		switch rapid.IntRange(0, 4).Draw(t, "ports") {
		case 0:
			return "tcp", 443, 443
		case 1:
			return "tcp", 0, 1999
		case 2:
			return "udp", 0, 65535
		case 3:
			return "tcp", 1024, 65535
		}
		return "-1", -1, -1
	}
	m := &Model{TransitGateways: []TransitGateway{{"tgw-0", often("refs")}}}
	var subnets []string
	for v := range 3 {
		id := fmt.Sprintf("vpc-%d", v)
		m.VPCs = append(m.VPCs, VPC{ID: id, CIDRs: []netip.Prefix{netip.MustParsePrefix(fmt.Sprintf("10.%d.0.0/16", v))}})
		m.Gateways = append(m.Gateways, Gateway{fmt.Sprintf("igw-%d", v), id})
		var routes [][]Route
		for s := range 2 {
			sub := fmt.Sprintf("subnet-%d%d", v, s)
			subnets = append(subnets, sub)
			m.Subnets = append(m.Subnets, Subnet{ID: sub, VPC: id, Zone: "a"})
			a := NetworkACL{ID: "acl-" + sub, Subnets: []string{sub}}
			for k := range max(0, rapid.IntRange(-4, 3).Draw(t, "entries")) {
				proto, from, to := ports()
				a.Entries = append(a.Entries, Entry{100 - k, rapid.Bool().Draw(t, "egress"), proto, cidr(), from, to, often("allow")})
			}
			if often("open") {
				for _, egress := range []bool{true, false} {
					a.Entries = append(a.Entries, Entry{200, egress, "-1", netip.MustParsePrefix("0.0.0.0/0"), -1, -1, true})
				}
			}
			m.NetworkACLs = append(m.NetworkACLs, a)
			used := map[netip.Prefix]bool{netip.MustParsePrefix(fmt.Sprintf("10.%d.0.0/16", v)): true}
			var rs []Route
			for range rapid.IntRange(1, 4).Draw(t, "routes") {
				c := cidr()
				target := pick("target", "tgw-0", "pcx-01", "pcx-12", "nat-"+fmt.Sprint(v), "igw-"+fmt.Sprint(v), "tgw-0", "igw-"+fmt.Sprint(v))
				if s == 0 && strings.HasPrefix(target, "nat") {
					target = "igw-" + fmt.Sprint(v)
				}
				if !used[c] {
					rs = append(rs, Route{CIDR: c, Target: target, Blackhole: !often("live")})
				}
				used[c] = true
			}
			routes = append(routes, rs)
		}
		m.RouteTables = append(m.RouteTables, RouteTable{ID: fmt.Sprintf("rtb-%d", v), VPC: id, Main: true, Routes: routes[1]},
			RouteTable{ID: fmt.Sprintf("rtb-%d-public", v), VPC: id, Routes: routes[0], Subnets: []string{subnets[2*v]}})
		m.NATGateways = append(m.NATGateways, NATGateway{fmt.Sprintf("nat-%d", v), subnets[2*v], netip.MustParseAddr(fmt.Sprintf("10.%d.0.200", v)), netip.MustParseAddr(fmt.Sprintf("54.0.1.%d", v)), !often("works")})
		m.Attachments = append(m.Attachments, Attachment{fmt.Sprintf("att-%d", v), "tgw-0", "vpc", id, pick("table", "tt-0", "tt-1"), []string{subnets[2*v+rapid.IntRange(0, 1).Draw(t, "sub")]}, often("refs"), false})
	}
	m.Peerings = []Peering{{"pcx-01", "vpc-0", "vpc-1", [2]string{"eu", pick("region", "eu", "us")}, often("active")}, {"pcx-12", "vpc-1", "vpc-2", [2]string{"eu", "eu"}, often("active")}}
	for i := range 2 {
		tt := TransitTable{ID: fmt.Sprintf("tt-%d", i), Gateway: "tgw-0"}
		for v := range 3 {
			if often("propagates") {
				tt.Propagations = append(tt.Propagations, fmt.Sprintf("att-%d", v))
			}
		}
		if rapid.Bool().Draw(t, "static") {
			tt.Routes = append(tt.Routes, TransitRoute{CIDR: cidr(), Attachment: "att-" + pick("att", "0", "1", "2"), Blackhole: !often("live")})
		}
		m.TransitTables = append(m.TransitTables, tt)
	}
	for g := range 3 {
		sg := SecurityGroup{ID: fmt.Sprintf("sg-%d", g)}
		for _, side := range []*[]Permission{&sg.Ingress, &sg.Egress} {
			for range rapid.IntRange(1, 2).Draw(t, "rules") {
				proto, from, to := ports()
				p := Permission{Protocol: proto, From: from, To: to}
				if rapid.Bool().Draw(t, "byGroup") {
					p.Groups = []string{"sg-" + pick("ref", "0", "1", "2")}
				} else {
					p.CIDRs = []netip.Prefix{cidr()}
				}
				*side = append(*side, p)
			}
			if rapid.Bool().Draw(t, "open") {
				*side = append(*side, Permission{Protocol: "-1", CIDRs: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}})
			}
		}
		m.SecurityGroups = append(m.SecurityGroups, sg)
	}
	for i, s := range subnets {
		f := Interface{ID: fmt.Sprintf("eni-%d", i), Subnet: s, Groups: []string{"sg-" + pick("sg", "0", "1", "2")}, Addresses: []Address{{Private: netip.MustParseAddr(fmt.Sprintf("10.%d.%d.4", i/2, i%2))}}}
		if rapid.Bool().Draw(t, "public") {
			f.Addresses[0].Public = netip.MustParseAddr(fmt.Sprintf("54.0.0.%d", i))
		}
		f.Instance = fmt.Sprintf("i-%d", i)
		m.Interfaces = append(m.Interfaces, f)
	}
	randomRelays(t, m, subnets)
	return m
}

// randomRelays adds a network and an application load balancer, an endpoint
// service with an endpoint, an API of either kind, endpoints of two services
// and a setting of VPC Block Public Access.
func randomRelays(t *rapid.T, m *Model, subnets []string) {
	pick := func(name string, of ...string) string { return rapid.SampledFrom(of).Draw(t, name) }
	often := func(name string) bool { return rapid.IntRange(0, 4).Draw(t, name) > 0 }
	last := byte(10)
	place := func(id string, groups ...string) Interface {
		i := rapid.IntRange(0, 5).Draw(t, "subnet of "+id)
		f := Interface{ID: id, Subnet: subnets[i], Groups: groups, Addresses: []Address{{Private: netip.AddrFrom4([4]byte{10, byte(i / 2), byte(i % 2), last})}}}
		if rapid.Bool().Draw(t, "public") {
			f.Addresses[0].Public = netip.AddrFrom4([4]byte{54, 0, 2, last})
		}
		last++
		return f
	}
	group := func() string { return "sg-" + pick("sg", "0", "1", "2") }
	nlb := place("eni-nlb")
	if rapid.Bool().Draw(t, "grouped") {
		nlb.Groups = []string{group()}
	}
	alb, ep, link, s3, api := place("eni-alb", group()), place("eni-ep", group()), place("eni-link", group()), place("eni-s3", group()), place("eni-api", group())
	m.Interfaces = append(m.Interfaces, nlb, alb, ep, link, s3, api)
	targets := func(g *TargetGroup, port int) {
		for range rapid.IntRange(1, 2).Draw(t, "targets") {
			f := m.Interfaces[rapid.SampledFrom([]int{0, 1, 2, 3, 4, 5, 8}).Draw(t, "target")]
			id := f.Instance
			if g.Type == "ip" || id == "" {
				g.Type, id = "ip", f.Addresses[0].Private.String()
			}
			g.Targets = append(g.Targets, Target{id, port})
		}
	}
	some := func(id, protocol string) TargetGroup {
		g := TargetGroup{ID: id, Type: pick("type", "instance", "ip"), Protocol: protocol, PreserveClientIP: pick("preserve", "true", "false")}
		targets(&g, rapid.SampledFrom([]int{22, 443, 3000}).Draw(t, "port"))
		if g.Type == "ip" {
			for i, x := range g.Targets {
				if k := slices.IndexFunc(m.Interfaces, func(f Interface) bool { return f.Instance == x.ID && x.ID != "" }); k >= 0 {
					g.Targets[i].ID = m.Interfaces[k].Addresses[0].Private.String()
				}
			}
		}
		return g
	}
	m.TargetGroups = []TargetGroup{some("tg-0", "TCP"), some("tg-1", "TCP_UDP"), some("tg-2", "HTTPS"),
		{ID: "tg-alb", Type: "alb", Targets: []Target{{"alb", 443}}}, {ID: "tg-lambda", Type: "lambda", Targets: []Target{{ID: "lambda"}}}}
	m.LoadBalancers = []LoadBalancer{
		{ID: "nlb", Type: "network", Interfaces: []string{"eni-nlb"}, EnforcePrivateLink: pick("enforce", "on", "off"), Listeners: []Listener{
			{"TLS", 443, []string{pick("behind 443", "tg-0", "tg-alb")}}, {"TCP_UDP", 53, []string{"tg-1"}}, {"TCP", 22, []string{"tg-0"}}}},
		{ID: "alb", Type: "application", Interfaces: []string{"eni-alb"}, Listeners: []Listener{{"HTTPS", 443, []string{"tg-2", "tg-lambda"}}, {"HTTP", 3000, []string{"tg-2"}}}},
	}
	m.EndpointServices = []EndpointService{{"vpce-svc-0", "svc", []string{"nlb"}}}
	m.Endpoints = []Endpoint{{ID: "vpce-svc", Service: "svc", Type: "Interface", State: pick("state", "available", "available", "pendingAcceptance"), Interfaces: []string{"eni-ep"}},
		{ID: "vpce-gw", VPC: "vpc-1", Service: "s3", Gateway: true},
		{ID: "vpce-s3", Service: "s3", Type: "Interface", State: "available", Interfaces: []string{"eni-s3"}},
		{ID: "vpce-api", Service: "com.amazonaws.eu.execute-api", Type: "Interface", State: "available", Interfaces: []string{"eni-api"}}}
	m.PrefixLists = []PrefixList{{ID: "pl-s3", Name: "s3", CIDRs: []netip.Prefix{netip.MustParsePrefix("52.1.0.0/16")}}}
	if rapid.Bool().Draw(t, "gateway endpoint") {
		m.RouteTables[2].Routes = append(m.RouteTables[2].Routes, Route{PrefixList: "pl-s3", Target: "vpce-gw"})
	}
	m.VPCLinks = []VPCLink{{ID: "link-1", Balancers: []string{"nlb"}}, {ID: "link-2", Interfaces: []string{"eni-link"}}}
	a := API{ID: "api", Region: "eu", Private: rapid.Bool().Draw(t, "private")}
	switch rapid.IntRange(0, 2).Draw(t, "integration") {
	case 0:
		a.Integrations = []Integration{{Link: "link-1", Port: rapid.SampledFrom([]int{0, 22, 443}).Draw(t, "port")}, {Function: "lambda"}}
	case 1:
		a.Integrations = []Integration{{Link: "link-2", Balancer: "alb", Port: 443}}
	case 2:
		a.Integrations = []Integration{{Link: "link-2", Addrs: []netip.Addr{m.Interfaces[2].Addresses[0].Private}, Port: 3000}}
	}
	m.APIs = []API{a}
	within := Sender{Within: []netip.Prefix{netip.MustParsePrefix("10.1.1.8/29")}, Groups: []string{group()}}
	m.Passages = []Passage{
		{ID: "accelerator", Blockable: true, Routes: []PassageRoute{{Protocol: "TCP", From: 443, To: 443, Instance: "i-" + pick("accelerated", "0", "3"), Port: 3000, Sender: Sender{Client: true}},
			{Protocol: "UDP", From: 1, To: 60, Instance: "i-" + pick("same port", "1", "2"), Sender: Sender{Client: true}}}},
		{ID: "distribution", Routes: []PassageRoute{{Protocol: "TCP", From: 443, To: 443, Balancer: "alb", Sender: within}}},
		{ID: "lattice", Clients: []Clients{{VPC: "vpc-0", Groups: []string{group()}}, {VPC: "vpc-1"}}, Addresses: []netip.Prefix{netip.MustParsePrefix("169.254.171.0/24")},
			Routes: []PassageRoute{{Protocol: "TCP", From: 443, To: 443, Instance: "i-" + pick("served", "3", "4"), Port: 22, Sender: within}, {Protocol: "TCP", From: 3000, To: 3000, Function: "lambda", Sender: within}}}}
	if !often("open to all") {
		m.Passages[1].SignIn = "somebody asks"
	}
	if !often("no block") {
		b := PublicAccess{Mode: pick("block", "block-ingress", "block-bidirectional")}
		for _, id := range []string{"vpc-0", "subnet-10"} {
			b.Exclusions = append(b.Exclusions, Exclusion{id, pick("exclusion", "allow-egress", "allow-bidirectional")})
		}
		m.PublicAccess = []PublicAccess{b}
	}
}

var asked = [][2]int{{6, 443}, {6, 22}, {6, 3000}, {17, 53}, {47, 0}}

// sources are the six interfaces and two addresses outside.
func sources() []Place {
	out := []Place{{Addr: netip.MustParseAddr("8.8.8.8")}, {Addr: netip.MustParseAddr("54.0.0.200")}}
	for i := range 6 {
		out = append(out, Place{Interface: fmt.Sprintf("eni-%d", i)})
	}
	return out
}

func destinations() []Place {
	return append(sources(), Place{Interface: "eni-nlb"}, Place{Interface: "eni-alb"}, Place{Interface: "eni-ep"},
		Place{Service: "s3"}, Place{Service: "com.amazonaws.eu.execute-api"}, Place{Function: "lambda"})
}

// hide takes one thing away, as a refused call would.
func hide(t *rapid.T, m *Model) {
	switch rapid.IntRange(0, 18).Draw(t, "hide") {
	case 0:
		// Route tables are listed by one call: either one could not be read,
		// or none of a VPC was.
		m.RouteTables = slices.Clone(m.RouteTables)
		i := which(t, len(m.RouteTables))
		if i < 0 {
			return
		}
		m.RouteTables[i].Unread, m.RouteTables[i].Routes = true, nil
	case 1:
		m.NetworkACLs = without(t, m.NetworkACLs)
	case 2:
		m.SecurityGroups = without(t, m.SecurityGroups)
	case 3:
		m.Gateways = without(t, m.Gateways)
	case 4:
		m.NATGateways = without(t, m.NATGateways)
	case 5:
		m.Peerings = without(t, m.Peerings)
	case 6:
		m.Attachments = without(t, m.Attachments)
	case 7:
		m.TransitTables = without(t, m.TransitTables)
	case 8:
		m.TransitGateways = nil
	case 9:
		m.VPCs = without(t, m.VPCs)
	case 10:
		// Some tables were not listed, nobody knows which.
		m.RouteTables, m.VPCs = without(t, m.RouteTables), slices.Clone(m.VPCs)
		for i := range m.VPCs {
			m.VPCs[i].RouteTablesUnread = true
		}
	case 11:
		m.LoadBalancers, m.APIs, m.EndpointServices = nil, nil, nil
		relaysUnread(m)
	case 12:
		m.LoadBalancers = slices.Clone(m.LoadBalancers)
		i := which(t, len(m.LoadBalancers))
		if i < 0 {
			return
		}
		m.LoadBalancers[i].Unread, m.LoadBalancers[i].Listeners, m.LoadBalancers[i].EnforcePrivateLink = true, nil, ""
	case 13:
		m.TargetGroups = slices.Clone(m.TargetGroups)
		i := which(t, len(m.TargetGroups))
		if i < 0 {
			return
		}
		m.TargetGroups[i].PreserveClientIP = ""
		if rapid.Bool().Draw(t, "targets too") {
			m.TargetGroups[i].Unread, m.TargetGroups[i].Targets = true, nil
		}
	case 14:
		m.APIs = slices.Clone(m.APIs)
		for i := range m.APIs {
			m.APIs[i].Integrations, m.APIs[i].Unread = nil, true
		}
		if len(m.VPCLinks) < 2 {
			relaysUnread(m)
		}
	case 15:
		m.VPCLinks = without(t, m.VPCLinks)
		if len(m.APIs) > 0 && m.APIs[0].Unread {
			relaysUnread(m) // else the integration that names it says so
		}
	case 17:
		id := rapid.SampledFrom([]string{"eni-link", "eni-s3", "eni-api"}).Draw(t, "interface")
		m.Interfaces = slices.DeleteFunc(slices.Clone(m.Interfaces), func(f Interface) bool { return f.ID == id })
	case 18:
		// One was not read further than its name, or none was listed.
		m.Passages = slices.Clone(m.Passages)
		i := which(t, len(m.Passages))
		if i < 0 {
			return
		}
		p := &m.Passages[i]
		p.Doubt, p.Routes, p.SignIn, p.Into = "nobody read it", nil, "", []string{"vpc-0", "vpc-1", "vpc-2"}
		relaysUnread(m) // of functions
		if len(p.Clients) > 0 && rapid.Bool().Draw(t, "clients too") {
			p.Clients = []Clients{{}}
		}
	case 16:
		m.PublicAccess = []PublicAccess{{Unread: true}}
	}
}

func relaysUnread(m *Model) {
	m.VPCs = slices.Clone(m.VPCs)
	for i := range m.VPCs {
		m.VPCs[i].LoadBalancersUnread = true
	}
}

// which draws one of n, or -1 if there is none.
func which(t *rapid.T, n int) int {
	if n == 0 {
		return -1
	}
	return rapid.IntRange(0, n-1).Draw(t, "which")
}

func without[T any](t *rapid.T, all []T) []T {
	if len(all) == 0 {
		return all
	}
	i := rapid.IntRange(0, len(all)-1).Draw(t, "which")
	return slices.Concat(all[:i], all[i+1:])
}
