package aws

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// Network is a Model made ready for questions. It is immutable: questions may
// be asked from many goroutines.
type Network struct {
	model    *Model
	problems []string

	vpcs     map[string]*vpc
	subnets  map[string]*subnet
	tables   map[string]*table
	groups   map[string]*group
	lists    map[string]*PrefixList
	gateways map[string]*Gateway
	nats     map[string]*NATGateway
	peerings map[string]*Peering
	transits map[string]*TransitGateway
	attached map[string]*Attachment // by gateway and attachment
	byVPC    map[string]*Attachment // by gateway and VPC
	ttables  map[string]*TransitTable
	ends     map[string]*Endpoint
	igwOf    map[string]string
	ifaces   map[string]*Interface
	edges    map[string]*table        // by gateway
	access   map[string]*PublicAccess // by owner and region
	relays   relays
	hiders   map[*Interface]bool // the interfaces of NAT gateways

	cuts func() []netip.Addr // see bounds
}

type vpc struct {
	unread bool
	*VPC
	main *table
}

// relaysUnread reports whether relays may lead into a VPC that nobody listed: a
// VPC that was not read itself could not say.
func (v *vpc) relaysUnread() bool { return v.unread || v.LoadBalancersUnread }

type subnet struct {
	*Subnet
	vpc   *vpc
	table *table // nil: not read
	acl   *acl   // nil: not read
}

type table struct{ *RouteTable }

// acl is a network ACL with its entries parsed, in the order they decide.
type acl struct {
	id      string
	unread  bool
	entries [2][]entry // inbound, outbound
}

type entry struct {
	number int
	cidr   netip.Prefix
	ports  reach.Ports
	unread bool
	allow  bool
}

// group is a security group with its rules parsed.
type group struct {
	id     string
	unread bool
	rules  [2][]rule // ingress, egress
}

type rule struct {
	ports  reach.Ports
	unread bool // the ports make no sense: the rule may allow anything to whom it names
	perm   *Permission
	text   string
}

// Directions of rules.
const (
	inward  = 0
	outward = 1
)

// New makes a model ready. It never fails: what is wrong with the model makes
// the traffic concerned unknown, and Problems says what it is. The model must
// not change afterwards.
func New(m *Model) *Network {
	n := &Network{
		model: m, vpcs: map[string]*vpc{}, subnets: map[string]*subnet{}, tables: map[string]*table{}, groups: map[string]*group{},
		lists: map[string]*PrefixList{}, gateways: map[string]*Gateway{}, nats: map[string]*NATGateway{}, peerings: map[string]*Peering{},
		transits: map[string]*TransitGateway{}, attached: map[string]*Attachment{}, byVPC: map[string]*Attachment{},
		ttables: map[string]*TransitTable{}, ends: map[string]*Endpoint{}, igwOf: map[string]string{}, ifaces: make(map[string]*Interface, len(m.Interfaces)),
		edges: map[string]*table{}, access: map[string]*PublicAccess{},
	}
	n.indexVPCs()
	n.indexFilters()
	n.indexEdges()
	nats := map[string][]netip.Addr{}
	for _, g := range m.NATGateways {
		nats[g.Subnet] = append(nats[g.Subnet], g.Address)
	}
	n.hiders = map[*Interface]bool{}
	for i := range m.Interfaces {
		f := &m.Interfaces[i]
		n.ifaces[f.ID] = f
		if own := nats[f.Subnet]; own != nil && slices.ContainsFunc(f.Addresses, func(a Address) bool { return slices.Contains(own, a.Private) }) {
			n.hiders[f] = true
		}
		if n.subnets[f.Subnet] == nil {
			n.problem("interface %s lies in subnet %s, which was not read", f.ID, f.Subnet)
		}
	}
	n.indexRelays()
	n.cuts = sync.OnceValue(n.findBounds)
	return n
}

// Problems says what in the model is missing or makes no sense, one sentence a
// thing. All of it is already unknown in the answers.
func (n *Network) Problems() []string { return n.problems }

// problem keeps the first hundred: a half-read account has one cause.
func (n *Network) problem(format string, args ...any) {
	if len(n.problems) < 100 {
		n.problems = append(n.problems, fmt.Sprintf(format, args...))
	}
}

func (n *Network) indexVPCs() {
	m := n.model
	for i := range m.VPCs {
		n.vpcs[m.VPCs[i].ID] = &vpc{VPC: &m.VPCs[i]}
	}
	for i := range m.Subnets {
		s := &m.Subnets[i]
		v := n.vpcs[s.VPC]
		if v == nil {
			n.problem("subnet %s lies in VPC %s, which was not read", s.ID, s.VPC)
			v = &vpc{unread: true, VPC: &VPC{ID: s.VPC}}
			n.vpcs[s.VPC] = v
		}
		n.subnets[s.ID] = &subnet{Subnet: s, vpc: v}
	}
	for i := range m.RouteTables {
		t := &table{&m.RouteTables[i]}
		n.tables[t.ID] = t
		if v := n.vpcs[t.VPC]; v != nil && t.Main {
			v.main = t
		}
		for _, id := range t.Subnets {
			if s := n.subnets[id]; s != nil {
				s.table = t
			}
		}
		for _, id := range t.Gateways {
			n.edges[id] = t
		}
	}
	for _, s := range n.subnets {
		if s.table == nil && !s.vpc.RouteTablesUnread {
			s.table = s.vpc.main
		}
	}
	for i := range m.Subnets {
		if s := n.subnets[m.Subnets[i].ID]; s.table == nil {
			n.problem("the route table of subnet %s was not read", s.ID)
		}
	}
}

func (n *Network) indexFilters() {
	m := n.model
	for i := range m.PrefixLists {
		n.lists[m.PrefixLists[i].ID] = &m.PrefixLists[i]
	}
	for i := range m.NetworkACLs {
		raw := &m.NetworkACLs[i]
		a := n.compileACL(raw)
		for _, id := range raw.Subnets {
			if s := n.subnets[id]; s != nil {
				s.acl = a
			}
		}
	}
	for i := range m.Subnets {
		if s := n.subnets[m.Subnets[i].ID]; s.acl == nil {
			n.problem("the network ACL of subnet %s was not read", s.ID)
		}
	}
	for i := range m.SecurityGroups {
		n.groups[m.SecurityGroups[i].ID] = n.compileGroup(&m.SecurityGroups[i])
	}
}

func (n *Network) compileACL(raw *NetworkACL) *acl {
	a := &acl{id: raw.ID, unread: raw.Unread}
	for _, e := range raw.Entries {
		ports, err := parsePorts(e.Protocol, e.From, e.To)
		if err != nil {
			n.problem("network ACL %s, rule %d: %v", raw.ID, e.Number, err)
		}
		way := inward
		if e.Egress {
			way = outward
		}
		a.entries[way] = append(a.entries[way], entry{e.Number, e.CIDR, ports, err != nil, e.Allow})
	}
	for way := range a.entries {
		slices.SortStableFunc(a.entries[way], func(x, y entry) int { return x.number - y.number })
	}
	return a
}

func (n *Network) compileGroup(raw *SecurityGroup) *group {
	g := &group{id: raw.ID, unread: raw.Unread}
	for way, perms := range [][]Permission{raw.Ingress, raw.Egress} {
		for i := range perms {
			p := &perms[i]
			ports, err := parsePorts(p.Protocol, p.From, p.To)
			text := fmt.Sprintf("%s %s rule %d (%s)", raw.ID, [2]string{"ingress", "egress"}[way], i+1, strings.Join(ports.List(), ","))
			if err != nil {
				n.problem("security group %s: %v", text, err)
				ports = reach.AllPorts
			}
			g.rules[way] = append(g.rules[way], rule{ports, err != nil, p, text})
		}
	}
	return g
}

func (n *Network) indexEdges() {
	m := n.model
	for i := range m.Gateways {
		g := &m.Gateways[i]
		n.gateways[g.ID] = g
		if strings.HasPrefix(g.ID, "igw-") && g.VPC != "" {
			n.igwOf[g.VPC] = g.ID
		}
	}
	for i := range m.NATGateways {
		n.nats[m.NATGateways[i].ID] = &m.NATGateways[i]
	}
	for i := range m.Peerings {
		n.peerings[m.Peerings[i].ID] = &m.Peerings[i]
	}
	for i := range m.TransitGateways {
		n.transits[m.TransitGateways[i].ID] = &m.TransitGateways[i]
	}
	for i := range m.Attachments {
		a := &m.Attachments[i]
		n.attached[a.Gateway+" "+a.ID] = a
		if a.Type == "vpc" {
			n.byVPC[a.Gateway+" "+a.Resource] = a
		}
	}
	for i := range m.TransitTables {
		n.ttables[m.TransitTables[i].ID] = &m.TransitTables[i]
	}
	for i := range m.Endpoints {
		n.ends[m.Endpoints[i].ID] = &m.Endpoints[i]
	}
	for i := range m.PublicAccess {
		a := &m.PublicAccess[i]
		n.access[a.Owner+" "+a.Region] = a
	}
}
