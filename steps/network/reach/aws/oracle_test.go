package aws

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
	"pgregory.net/rapid"
)

// oracle decides one packet at a time by looking things up in the model from
// the top, without sets, classes or unknowns. It shares nothing with the
// engine but the model. It expects a model with nothing missing.
type oracle struct{ m *Model }

type packet struct {
	src, dst     netip.Addr
	proto        int
	sport, dport int // for ICMP, dport is type*256+code
}

// opens reports whether a connection from s (or an outside address) to dialled
// address `to` of d (or outside) on a port can be opened and answered.
func (o oracle) opens(s, d *Interface, sa Address, to netip.Addr, da Address, proto, port int) bool {
	for _, sport := range []int{1024, 2000, 40000, 65535} {
		p := packet{sa.Private, to, proto, sport, port}
		if s != nil && d != nil {
			q, hiddenBy, ok := o.travel(o.sub(s.Subnet), sa.Public, p, d, da, false)
			if !ok || !o.sg(s, true, to, d, q.private, p) || !o.sg(d, false, q.src, s, q.refs, p) {
				continue
			}
			back := packet{da.Private, q.src, proto, port, sport}
			target, ta := s, sa
			if hiddenBy != nil {
				target, ta = &Interface{ID: hiddenBy.ID, Subnet: hiddenBy.Subnet}, Address{hiddenBy.Address, hiddenBy.Public}
			}
			r, _, ok := o.travel(o.sub(d.Subnet), da.Public, back, target, ta, true)
			if !ok || r.src != to {
				continue
			}
			if hiddenBy != nil && !o.fromNAT(hiddenBy, s, to, sa.Private, proto, port, sport) {
				continue
			}
			return true
		}
		if d == nil {
			q, hiddenBy, ok := o.travel(o.sub(s.Subnet), sa.Public, p, nil, Address{}, false)
			if !ok || !o.sg(s, true, to, nil, false, p) {
				continue
			}
			last := s.Subnet
			if hiddenBy != nil {
				last = hiddenBy.Subnet
				if !o.fromNAT(hiddenBy, s, to, sa.Private, proto, port, sport) {
					continue
				}
			}
			_ = q
			if o.nacl(last, false, to, packet{proto: proto, dport: sport}) {
				return true
			}
			continue
		}
		back := packet{da.Private, sa.Private, proto, port, sport}
		r, _, ok := o.travel(o.sub(d.Subnet), da.Public, back, nil, Address{}, true)
		if ok && r.src == to && o.nacl(d.Subnet, false, sa.Private, p) && o.sg(d, false, sa.Private, nil, false, p) {
			return true
		}
	}
	return false
}

// arrived is a packet at its end: its source, and whether references to
// groups of the sender (refs) and the receiver (private) hold.
type arrived struct {
	src           netip.Addr
	private, refs bool
}

func (o oracle) sub(id string) Subnet {
	return o.m.Subnets[slices.IndexFunc(o.m.Subnets, func(s Subnet) bool { return s.ID == id })]
}

func (o oracle) fromNAT(g *NATGateway, s *Interface, peer, inner netip.Addr, proto, port, sport int) bool {
	if g.Subnet == s.Subnet {
		return true
	}
	p := packet{proto: proto, dport: sport}
	return o.nacl(g.Subnet, true, inner, p) && o.nacl(s.Subnet, false, peer, p)
}

func (o oracle) nacl(subnet string, egress bool, peer netip.Addr, p packet) bool {
	for _, a := range o.m.NetworkACLs {
		if !slices.Contains(a.Subnets, subnet) {
			continue
		}
		best := Entry{Number: 1 << 30}
		for _, e := range a.Entries {
			if e.Egress == egress && e.CIDR.Contains(peer) && fits(e.Protocol, e.From, e.To, p) && e.Number < best.Number {
				best = e
			}
		}
		return best.Allow
	}
	panic("no ACL")
}

func fits(protocol string, from, to int, p packet) bool {
	if protocol == "-1" {
		return true
	}
	names := map[string]string{"tcp": "6", "udp": "17"}
	if n := names[protocol]; n != "" {
		protocol = n
	}
	return protocol == fmt.Sprint(p.proto) && from <= p.dport && p.dport <= to
}

func (o oracle) sg(f *Interface, egress bool, peer netip.Addr, other *Interface, refs bool, p packet) bool {
	if len(f.Groups) == 0 {
		return true
	}
	for _, g := range o.m.SecurityGroups {
		if !slices.Contains(f.Groups, g.ID) {
			continue
		}
		perms := g.Ingress
		if egress {
			perms = g.Egress
		}
		for _, r := range perms {
			if !fits(r.Protocol, r.From, r.To, p) {
				continue
			}
			for _, c := range r.CIDRs {
				if c.Contains(peer) {
					return true
				}
			}
			for _, id := range r.Groups {
				if refs && other != nil && slices.Contains(other.Groups, id) {
					return true
				}
			}
		}
	}
	return false
}

func (o oracle) vpcHas(id string, a netip.Addr) bool {
	for _, v := range o.m.VPCs {
		if v.ID == id {
			return slices.ContainsFunc(v.CIDRs, func(c netip.Prefix) bool { return c.Contains(a) })
		}
	}
	return false
}

// target is where the subnet's table sends an address: "" is nowhere.
func (o oracle) target(s Subnet, a netip.Addr) string {
	var t *RouteTable
	for i := range o.m.RouteTables {
		if slices.Contains(o.m.RouteTables[i].Subnets, s.ID) {
			t = &o.m.RouteTables[i]
		}
	}
	if t == nil {
		for i := range o.m.RouteTables {
			if o.m.RouteTables[i].VPC == s.VPC && o.m.RouteTables[i].Main {
				t = &o.m.RouteTables[i]
			}
		}
	}
	for bits := 32; bits >= 0; bits-- {
		if bits == 16 && o.vpcHas(s.VPC, a) {
			return "local"
		}
		for _, r := range t.Routes {
			if r.CIDR.Bits() == bits && r.CIDR.Contains(a) {
				if r.Blackhole {
					return ""
				}
				return r.Target
			}
		}
	}
	return ""
}

// travel takes one packet through the routers.
func (o oracle) travel(s Subnet, pub netip.Addr, p packet, d *Interface, da Address, answering bool) (arrived, *NATGateway, bool) {
	var hidden *NATGateway
	for range 8 {
		target := o.target(s, p.dst)
		toIt := d != nil && p.dst == da.Private
		switch {
		case target == "local":
			if !toIt || o.sub(d.Subnet).VPC != s.VPC {
				return arrived{}, nil, false
			}
			ok := d.Subnet == s.ID || o.nacl(s.ID, true, p.dst, p) && o.nacl(d.Subnet, false, p.src, p)
			return arrived{p.src, true, true}, hidden, ok
		case strings.HasPrefix(target, "pcx-"):
			i := slices.IndexFunc(o.m.Peerings, func(x Peering) bool { return x.ID == target })
			x := o.m.Peerings[i]
			if !toIt || !x.Active {
				return arrived{}, nil, false
			}
			there := o.sub(d.Subnet).VPC
			if !(x.Requester == s.VPC && x.Accepter == there || x.Accepter == s.VPC && x.Requester == there) {
				return arrived{}, nil, false
			}
			same := x.Regions[0] == x.Regions[1]
			return arrived{p.src, same, same}, hidden, o.nacl(s.ID, true, p.dst, p) && o.nacl(d.Subnet, false, p.src, p)
		case strings.HasPrefix(target, "nat-"):
			if answering {
				return arrived{}, nil, false
			}
			g := &o.m.NATGateways[slices.IndexFunc(o.m.NATGateways, func(x NATGateway) bool { return x.ID == target })]
			gs := o.sub(g.Subnet)
			if gs.VPC != s.VPC || g.Failed {
				return arrived{}, nil, false
			}
			if gs.ID != s.ID && !(o.nacl(s.ID, true, p.dst, p) && o.nacl(gs.ID, false, p.src, p)) {
				return arrived{}, nil, false
			}
			if hidden != nil {
				return arrived{}, nil, false // the generator makes no chains
			}
			hidden, s, pub, p.src = g, gs, g.Public, g.Address
		case strings.HasPrefix(target, "igw-"):
			g := o.m.Gateways[slices.IndexFunc(o.m.Gateways, func(x Gateway) bool { return x.ID == target })]
			if g.VPC != s.VPC || !pub.IsValid() || !o.nacl(s.ID, true, p.dst, p) {
				return arrived{}, nil, false
			}
			p.src = pub
			if d == nil {
				return arrived{src: pub}, hidden, !p.dst.IsPrivate()
			}
			return arrived{src: pub}, hidden, p.dst == da.Public && o.nacl(d.Subnet, false, p.src, p)
		case strings.HasPrefix(target, "tgw-"):
			q, ok := o.overTransit(s, p, d, toIt)
			return q, hidden, ok
		default:
			return arrived{}, nil, false
		}
	}
	return arrived{}, nil, false
}

func (o oracle) overTransit(s Subnet, p packet, d *Interface, toIt bool) (arrived, bool) {
	if !toIt {
		return arrived{}, false
	}
	find := func(vpc string) *Attachment {
		for i := range o.m.Attachments {
			if o.m.Attachments[i].Resource == vpc {
				return &o.m.Attachments[i]
			}
		}
		return nil
	}
	a := find(s.VPC)
	out := ""
	for bits := 32; bits >= 0 && out == ""; bits-- {
		for _, t := range o.m.TransitTables {
			if t.ID != a.Table {
				continue
			}
			for _, r := range t.Routes {
				if r.CIDR.Bits() == bits && r.CIDR.Contains(p.dst) && out == "" {
					out = r.Attachment
					if r.Blackhole {
						return arrived{}, false
					}
				}
			}
			for _, id := range t.Propagations {
				i := slices.IndexFunc(o.m.Attachments, func(x Attachment) bool { return x.ID == id })
				if bits == 16 && out == "" && o.vpcHas(o.m.Attachments[i].Resource, p.dst) {
					out = id
				}
			}
		}
	}
	i := slices.IndexFunc(o.m.Attachments, func(x Attachment) bool { return x.ID == out })
	if i < 0 || o.m.Attachments[i].Resource != o.sub(d.Subnet).VPC {
		return arrived{}, false
	}
	b := &o.m.Attachments[i]
	near, far := a.Subnets[0], b.Subnets[0]
	if !o.nacl(s.ID, true, p.dst, p) || !o.nacl(near, false, p.src, p) {
		return arrived{}, false
	}
	if far != d.Subnet && !(o.nacl(far, true, p.dst, p) && o.nacl(d.Subnet, false, p.src, p)) {
		return arrived{}, false
	}
	return arrived{src: p.src, refs: a.GroupReferences && b.GroupReferences && o.m.TransitGateways[0].GroupReferences}, true
}

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
		m.VPCs = append(m.VPCs, VPC{id, []netip.Prefix{netip.MustParsePrefix(fmt.Sprintf("10.%d.0.0/16", v))}})
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
		m.Attachments = append(m.Attachments, Attachment{fmt.Sprintf("att-%d", v), "tgw-0", "vpc", id, pick("table", "tt-0", "tt-1"), []string{subnets[2*v+rapid.IntRange(0, 1).Draw(t, "sub")]}, often("refs")})
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
			tt.Routes = append(tt.Routes, TransitRoute{cidr(), "att-" + pick("att", "0", "1", "2"), !often("live"), false})
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
		m.Interfaces = append(m.Interfaces, f)
	}
	return m
}

// truth asks the oracle over every pair of addresses.
func (o oracle) truth(from, to Place, proto, port int) bool {
	find := func(p Place) (*Interface, Address) {
		for i := range o.m.Interfaces {
			if f := &o.m.Interfaces[i]; f.ID == p.Interface {
				return f, f.Addresses[0]
			}
		}
		return nil, Address{Private: p.Addr}
	}
	s, sa := find(from)
	d, da := find(to)
	for _, dial := range []netip.Addr{da.Private, da.Public} {
		if dial.IsValid() && o.opens(s, d, sa, dial, da, proto, port) {
			return true
		}
	}
	return false
}

var asked = [][2]int{{6, 443}, {6, 22}, {6, 3000}, {17, 53}, {47, 0}}

func places() []Place {
	out := []Place{{Addr: netip.MustParseAddr("8.8.8.8")}, {Addr: netip.MustParseAddr("54.0.0.200")}}
	for i := range 6 {
		out = append(out, Place{Interface: fmt.Sprintf("eni-%d", i)})
	}
	return out
}

// eachQuestion asks every pair of places for every kind of packet.
func eachQuestion(t *rapid.T, n *Network, o oracle, compare func(q string, sure, maybe, truth bool)) {
	for _, from := range places() {
		for _, to := range places() {
			if from == to || from.Interface == "" && to.Interface == "" {
				continue
			}
			a, err := n.Can(from, to)
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range asked {
				sure := a.Ports.Has(reach.Protocol(k[0]), uint16(k[1]))
				maybe := a.Perhaps.Has(reach.Protocol(k[0]), uint16(k[1]))
				compare(fmt.Sprintf("%v to %v on %v (%v %v)", from, to, k, a.Reachable, a.Because), sure, maybe, o.truth(from, to, k[0], k[1]))
			}
		}
	}
}

func TestEngineAgreesWithTheOracle(t *testing.T) {
	yes := 0
	rapid.Check(t, func(t *rapid.T) {
		m := randomModel(t)
		eachQuestion(t, New(m), oracle{m}, func(q string, sure, maybe, truth bool) {
			if maybe {
				t.Fatalf("%s: unknown, though nothing is missing", q)
			}
			if sure != truth {
				t.Fatalf("%s: engine %v, oracle %v", q, sure, truth)
			}
			if sure {
				yes++
			}
		})
	})
	if yes < enough() {
		t.Errorf("only %d packets arrived: the networks are too closed to prove anything", yes)
	}
}

// enough is how many packets must have met what a property is about; rapid draws
// a fifth of the networks with -short.
func enough() int {
	if testing.Short() {
		return 50
	}
	return 500
}

// TestWhatIsMissingIsNeverDecidedWrongly takes pieces away and holds every yes
// and every no against the truth of the whole network.
func TestWhatIsMissingIsNeverDecidedWrongly(t *testing.T) {
	unknown := 0
	rapid.Check(t, func(t *rapid.T) {
		whole := randomModel(t)
		part := *whole
		for range rapid.IntRange(1, 3).Draw(t, "hidden") {
			hide(t, &part)
		}
		eachQuestion(t, New(&part), oracle{whole}, func(q string, sure, maybe, truth bool) {
			if sure && !truth || !sure && !maybe && truth {
				t.Fatalf("%s: sure %v, maybe %v, truth %v", q, sure, maybe, truth)
			}
			if maybe {
				unknown++
			}
		})
	})
	if unknown < enough() {
		t.Errorf("only %d packets were unknown: too little is hidden to prove anything", unknown)
	}
}

// hide takes one thing away, as a refused call would.
func hide(t *rapid.T, m *Model) {
	switch rapid.IntRange(0, 9).Draw(t, "hide") {
	case 0:
		// Route tables are listed by one call: either one could not be read,
		// or none of a VPC was.
		m.RouteTables = slices.Clone(m.RouteTables)
		i := rapid.IntRange(0, len(m.RouteTables)-1).Draw(t, "which")
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
	}
}

func without[T any](t *rapid.T, all []T) []T {
	if len(all) == 0 {
		return all
	}
	i := rapid.IntRange(0, len(all)-1).Draw(t, "which")
	return slices.Concat(all[:i], all[i+1:])
}
