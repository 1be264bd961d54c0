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
type oracle struct {
	m *Model
	// unclear is set when a packet meets what the engine leaves open even if
	// all is read: a VPC that sends back over a transit gateway what came over
	// it.
	unclear *bool
}

type packet struct {
	src, dst     netip.Addr
	proto        int
	sport, dport int // for ICMP, dport is type*256+code
}

// opens reports whether a connection from s (or an outside address) to dialled
// address `to` of d (or outside) on a port can be opened and answered.
func (o oracle) opens(s, d *Interface, sa Address, to netip.Addr, da Address, proto, port int) bool {
	_, ok := o.connects(s, d, sa, to, da, proto, port)
	return ok
}

// connects is opens, and whom the other end sees.
func (o oracle) connects(s, d *Interface, sa Address, to netip.Addr, da Address, proto, port int) (netip.Addr, bool) {
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
			return q.src, true
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
			if o.nacl(last, false, to, packet{proto: proto, dport: sport}) {
				return q.src, true
			}
			continue
		}
		back := packet{da.Private, sa.Private, proto, port, sport}
		r, _, ok := o.travel(o.sub(d.Subnet), da.Public, back, nil, Address{}, true)
		if ok && r.src == to && o.nacl(d.Subnet, false, sa.Private, p) && o.sg(d, false, sa.Private, nil, false, p) {
			return sa.Private, true
		}
	}
	return netip.Addr{}, false
}

// arrived is a packet at its end: its source, and whether references to
// groups of the sender (refs) and the receiver (private) hold.
type arrived struct {
	src           netip.Addr
	private, refs bool
	by            string // the endpoint it left by
}

func (o oracle) sub(id string) Subnet {
	return o.m.Subnets[slices.IndexFunc(o.m.Subnets, func(s Subnet) bool { return s.ID == id })]
}

func (o oracle) fromNAT(g *NATGateway, s *Interface, peer, inner netip.Addr, proto, port, sport int) bool {
	if g.Subnet == s.Subnet {
		return true
	}
	p := packet{proto: proto, dport: sport}
	if o.sub(g.Subnet).VPC == o.sub(s.Subnet).VPC {
		return o.nacl(g.Subnet, true, inner, p) && o.nacl(s.Subnet, false, peer, p)
	}
	// The sender came over the transit gateway, so its answers go back over it.
	if o.target(o.sub(g.Subnet), inner) != "tgw-0" {
		return false
	}
	here, home := o.attachment(o.sub(g.Subnet).VPC), o.attachment(o.sub(s.Subnet).VPC)
	if back := o.transitTo(here, inner); back == nil || back.ID != home.ID {
		return false
	}
	near := here.Subnets[0]
	if !o.nacl(g.Subnet, true, inner, p) || !o.nacl(near, false, peer, p) {
		return false
	}
	return home.Subnets[0] == s.Subnet || o.nacl(home.Subnets[0], true, inner, p) && o.nacl(s.Subnet, false, peer, p)
}

func (o oracle) attachment(vpc string) *Attachment {
	for i := range o.m.Attachments {
		if o.m.Attachments[i].Resource == vpc {
			return &o.m.Attachments[i]
		}
	}
	return nil
}

// blocked is VPC Block Public Access.
func (o oracle) blocked(s Subnet, inward, hidden bool) bool {
	for _, a := range o.m.PublicAccess {
		exempt := ""
		for _, x := range a.Exclusions {
			if x.Resource == s.ID || x.Resource == s.VPC {
				exempt += x.Mode + " "
			}
		}
		if a.Mode == "off" || strings.Contains(exempt, "allow-bidirectional") {
			return false
		}
		if inward {
			return true
		}
		if a.Mode == "block-ingress" {
			return !hidden
		}
		return !strings.Contains(exempt, "allow-egress")
	}
	return false
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
			if r.PrefixList == "" && r.CIDR.Bits() == bits && r.CIDR.Contains(a) {
				if r.Blackhole {
					return ""
				}
				return r.Target
			}
		}
		for _, r := range t.Routes {
			for _, l := range o.m.PrefixLists {
				for _, c := range l.CIDRs {
					if r.PrefixList == l.ID && c.Bits() == bits && c.Contains(a) {
						return r.Target
					}
				}
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
			return arrived{src: p.src, private: true, refs: true}, hidden, ok
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
			return arrived{src: p.src, private: same, refs: same}, hidden, o.nacl(s.ID, true, p.dst, p) && o.nacl(d.Subnet, false, p.src, p)
		case strings.HasPrefix(target, "nat-"):
			if answering || p.proto == 47 {
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
			if o.blocked(s, answering, hidden != nil) {
				return arrived{}, nil, false
			}
			p.src = pub
			if d == nil {
				return arrived{src: pub}, hidden, !p.dst.IsPrivate()
			}
			return arrived{src: pub}, hidden, p.dst == da.Public && o.nacl(d.Subnet, false, p.src, p)
		case strings.HasPrefix(target, "tgw-"):
			if out := o.transitTo(o.attachment(s.VPC), p.dst); out != nil && !(toIt && o.sub(d.Subnet).VPC == out.Resource) {
				// Not for that VPC: its attachment's subnet routes it on, and a
				// NAT gateway may take it.
				far, near := o.sub(out.Subnets[0]), o.attachment(s.VPC).Subnets[0]
				target := o.target(far, p.dst)
				if strings.HasPrefix(target, "tgw-") {
					*o.unclear = true
				}
				if !strings.HasPrefix(target, "nat-") || answering || hidden != nil || p.proto == 47 {
					return arrived{}, nil, false
				}
				g := &o.m.NATGateways[slices.IndexFunc(o.m.NATGateways, func(x NATGateway) bool { return x.ID == target })]
				gs := o.sub(g.Subnet)
				if g.Failed || !o.nacl(s.ID, true, p.dst, p) || !o.nacl(near, false, p.src, p) {
					return arrived{}, nil, false
				}
				if far.ID != gs.ID && !(o.nacl(far.ID, true, p.dst, p) && o.nacl(gs.ID, false, p.src, p)) {
					return arrived{}, nil, false
				}
				hidden, s, pub, p.src = g, gs, g.Public, g.Address
				continue
			}
			q, ok := o.overTransit(s, p, d, toIt)
			return q, hidden, ok
		case strings.HasPrefix(target, "vpce-"):
			if d != nil || answering {
				return arrived{}, nil, false
			}
			return arrived{src: p.src, by: target}, hidden, o.nacl(s.ID, true, p.dst, p)
		default:
			return arrived{}, nil, false
		}
	}
	return arrived{}, nil, false
}

// transitTo is the attachment a transit gateway sends an address to.
func (o oracle) transitTo(a *Attachment, to netip.Addr) *Attachment {
	out := ""
	for bits := 32; bits >= 0 && out == ""; bits-- {
		for _, t := range o.m.TransitTables {
			if t.ID != a.Table {
				continue
			}
			for _, r := range t.Routes {
				if r.CIDR.Bits() == bits && r.CIDR.Contains(to) && out == "" {
					out = r.Attachment
					if r.Blackhole {
						return nil
					}
				}
			}
			for _, id := range t.Propagations {
				i := slices.IndexFunc(o.m.Attachments, func(x Attachment) bool { return x.ID == id })
				if bits == 16 && out == "" && o.vpcHas(o.m.Attachments[i].Resource, to) {
					out = id
				}
			}
		}
	}
	i := slices.IndexFunc(o.m.Attachments, func(x Attachment) bool { return x.ID == out })
	if i < 0 {
		return nil
	}
	return &o.m.Attachments[i]
}

func (o oracle) overTransit(s Subnet, p packet, d *Interface, toIt bool) (arrived, bool) {
	if !toIt {
		return arrived{}, false
	}
	a, b := o.attachment(s.VPC), o.transitTo(o.attachment(s.VPC), p.dst)
	if b == nil || b.Resource != o.sub(d.Subnet).VPC {
		return arrived{}, false
	}
	near, far := a.Subnets[0], b.Subnets[0]
	if !o.nacl(s.ID, true, p.dst, p) || !o.nacl(near, false, p.src, p) {
		return arrived{}, false
	}
	if far != d.Subnet && !(o.nacl(far, true, p.dst, p) && o.nacl(d.Subnet, false, p.src, p)) {
		return arrived{}, false
	}
	return arrived{src: p.src, refs: a.GroupReferences && b.GroupReferences && o.m.TransitGateways[0].GroupReferences}, true
}

// truth asks the oracle over every pair of addresses, then through relays.
func (o oracle) truth(from, to Place, proto, port int) reach.Answer {
	*o.unclear = false
	s, sa := o.find(from)
	d, da := o.find(to)
	best := reach.No
	switch {
	case to.Service != "":
		return o.toService(s, sa, to.Service, proto, port)
	case to.Function == "":
		for _, dial := range []netip.Addr{da.Private, da.Public} {
			if dial.IsValid() && o.opens(s, d, sa, dial, da, proto, port) {
				best = reach.Yes
			}
		}
	}
	return best.Or(o.relayed(s, sa, to, proto, port))
}

func (o oracle) find(p Place) (*Interface, Address) {
	for i := range o.m.Interfaces {
		if f := &o.m.Interfaces[i]; f.ID == p.Interface {
			return f, f.Addresses[0]
		}
	}
	return nil, Address{Private: p.Addr}
}

// eachQuestion asks every pair of places for every kind of packet. Truth is
// only a bound, that no yes may exceed, if the oracle is unclear.
// It counts the places that are reached only through relays.
func eachQuestion(t *rapid.T, n *Network, o oracle, compare func(q string, got, truth reach.Answer, unclear bool)) (relayed int) {
	for _, from := range sources() {
		for _, to := range destinations() {
			if from == to || from.Interface == "" && to.Interface+to.Service+to.Function == "" {
				continue
			}
			a, err := n.Can(from, to)
			if err != nil {
				t.Fatal(err)
			}
			if a.Reachable == reach.Yes && a.Direct.Answer() == reach.No && len(a.Via) > 0 {
				relayed++
			}
			for _, k := range asked {
				got := reach.No
				switch proto, port := reach.Protocol(k[0]), uint16(k[1]); {
				case a.Ports.Has(proto, port):
					got = reach.Yes
				case a.Perhaps.Has(proto, port):
					got = reach.Unknown
				}
				truth := o.truth(from, to, k[0], k[1])
				compare(fmt.Sprintf("%v to %v on %v (%v %v %q)", from, to, k, a.Reachable, a.Path, a.Because), got, truth, *o.unclear)
			}
		}
	}
	return relayed
}

func TestEngineAgreesWithTheOracle(t *testing.T) {
	met, relayed := map[reach.Answer]int{}, 0
	rapid.Check(t, func(t *rapid.T) {
		m := randomModel(t)
		relayed += eachQuestion(t, New(m), oracle{m, new(bool)}, func(q string, got, truth reach.Answer, unclear bool) {
			if got != truth && !(unclear && got != reach.Yes && truth != reach.Yes) {
				t.Fatalf("%s: engine %v, oracle %v", q, got, truth)
			}
			met[got]++
		})
	})
	t.Logf("packets %v, places reached only through relays %d", met, relayed)
	if relayed < enough()/10 || met[reach.Yes] < enough() || met[reach.No] < enough() || met[reach.Unknown] < enough()/10 {
		t.Errorf("of the packets %v, %d places through relays: the networks are too closed or too open to prove anything", met, relayed)
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
		eachQuestion(t, New(&part), oracle{whole, new(bool)}, func(q string, got, truth reach.Answer, unclear bool) {
			if got == reach.Yes && truth != reach.Yes || got == reach.No && truth != reach.No && !unclear || got == reach.No && truth == reach.Yes {
				t.Fatalf("%s: engine %v, truth of the whole %v", q, got, truth)
			}
			if got == reach.Unknown {
				unknown++
			}
		})
	})
	if unknown < enough() {
		t.Errorf("only %d packets were unknown: too little is hidden to prove anything", unknown)
	}
}
