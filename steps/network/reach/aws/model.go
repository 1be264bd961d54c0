// Package aws decides exactly which addresses of an AWS network can open a
// connection to which, from the configuration alone: route tables, network
// ACLs, security groups, gateways, peerings, transit gateways, endpoints, and
// the load balancers, endpoint services and APIs that take a connection and open
// another. README.md says where the edges are.
//
// The answer is three-valued. What the model does not hold (a route table that
// was not read, a security group nobody listed) is never taken for a wall: the
// traffic that hangs on it is unknown, with the name of what is missing.
//
// # What counts as reachable
//
// A connection is open if the first packet arrives and an answer can come
// back, over any route. The client is taken to pick the port of its own side
// from 1024 to 65535; one that passes every network ACL on the way back is
// enough. ICMP messages that have no answer need only arrive.
//
// A load balancer, an endpoint service or an API that takes a connection and
// opens another to a target makes the target reachable too. The ports are then
// those the client dials, and the answer says what is reachable directly and
// through what the path leads.
//
// # Speed
//
// Interfaces that no rule, route or list can tell apart form one class. All
// pairs means all pairs of classes, so a million interfaces cost what their
// few thousand classes cost.
package aws

import "net/netip"

// Model is an AWS network in the provider's own words, filled from what the
// describe calls print. Lists may be in any order; an object may be missing,
// which makes what depends on it unknown.
type Model struct {
	VPCs            []VPC
	Subnets         []Subnet
	RouteTables     []RouteTable
	NetworkACLs     []NetworkACL
	SecurityGroups  []SecurityGroup
	PrefixLists     []PrefixList
	Interfaces      []Interface
	Gateways        []Gateway
	NATGateways     []NATGateway
	Peerings        []Peering
	TransitGateways []TransitGateway
	Attachments     []Attachment
	TransitTables   []TransitTable
	Endpoints       []Endpoint

	LoadBalancers    []LoadBalancer
	TargetGroups     []TargetGroup
	EndpointServices []EndpointService
	APIs             []API
	VPCLinks         []VPCLink
	Firewalls        []Firewall
	Passages         []Passage
	PublicAccess     []PublicAccess
}

// VPC is a virtual private cloud with all its CIDR blocks, of both families.
// Owner is its account and Region its region, by which its PublicAccess is
// found.
type VPC struct {
	ID    string
	CIDRs []netip.Prefix

	Owner, Region string
	// RouteTablesUnread says that route tables of the VPC may be missing. A
	// subnet no table names may then have one of its own, and is not taken to
	// use the main one.
	RouteTablesUnread bool
	// LoadBalancersUnread says that load balancers, endpoint services, APIs or
	// VPC links that lead into the VPC may be missing: what cannot be reached
	// directly is then unknown.
	LoadBalancersUnread bool
}

// Subnet lies in one VPC and one availability zone; an empty Zone is one that
// was not read.
type Subnet struct {
	ID, VPC, Zone string
	CIDRs         []netip.Prefix
}

// RouteTable routes for the subnets associated with it and, if Main, for all
// subnets of its VPC that have no table of their own. The local routes of the
// VPC need not be listed. Unread marks a table whose routes were not all read.
// If not all tables of a VPC are given, its RouteTablesUnread must say so.
// Gateways are the internet and virtual private gateways the table is
// associated with: it then routes what they let in.
type RouteTable struct {
	ID, VPC  string
	Main     bool
	Unread   bool
	Subnets  []string
	Gateways []string
	Routes   []Route
}

// Route leads the addresses of a CIDR or of a prefix list to Target: an id
// (igw-, eigw-, nat-, pcx-, tgw-, vgw-, vpce-, eni-, i-) or "local". A target
// of a kind not known here makes the addresses it leads away unknown.
type Route struct {
	CIDR       netip.Prefix
	PrefixList string
	Target     string
	Blackhole  bool
	Propagated bool
}

// NetworkACL filters, without memory, what enters and leaves its subnets.
type NetworkACL struct {
	ID, VPC string
	Unread  bool
	Subnets []string
	Entries []Entry
}

// Entry is one numbered line of a network ACL; the lowest number that matches
// decides, and what matches none is denied. Protocol is a number or "-1". The
// ports are read for TCP and UDP; for ICMP, From is the type and To the code,
// -1 being every one.
type Entry struct {
	Number   int
	Egress   bool
	Protocol string
	CIDR     netip.Prefix
	From, To int
	Allow    bool
}

// SecurityGroup remembers connections, so only the side that opens one is
// checked against Egress and only the other against Ingress.
type SecurityGroup struct {
	ID, VPC string
	Unread  bool
	Ingress []Permission
	Egress  []Permission
}

// Permission lets traffic pass from or to any of what it names. Protocol is
// "tcp", "udp", "icmp", "icmpv6", a number, or "-1" for all. The ports are as
// in Entry.
type Permission struct {
	Protocol    string
	From, To    int
	CIDRs       []netip.Prefix
	Groups      []string
	PrefixLists []string
}

// PrefixList is a managed list of CIDRs. Name tells which service's addresses a
// list of AWS's own holds: "com.amazonaws.REGION.s3".
type PrefixList struct {
	ID     string
	Unread bool
	CIDRs  []netip.Prefix
	Name   string
}

// Interface is a network interface. No groups means that none filters it, as
// with a NAT gateway; GroupsUnread says that they are not known.
type Interface struct {
	ID, Subnet   string
	Groups       []string
	GroupsUnread bool
	Addresses    []Address

	// Instance is what it is attached to, as device number Device: device 0's
	// first IPv4 address (or first address) is where load balancers send what
	// is meant for the instance.
	Instance string
	Device   int
}

// Address is a private address and the public IPv4 address mapped to it, if
// any. IPv6 addresses have no public one: they are it.
type Address struct {
	Private, Public netip.Addr
}

// Gateway is an internet gateway (igw-), an egress-only one (eigw-) or a
// virtual private gateway (vgw-), attached to a VPC; "" is attached to none.
type Gateway struct {
	ID, VPC string
}

// NATGateway hides its users behind an address of its own; Public is not valid
// for a private one. Address is its private address.
type NATGateway struct {
	ID, Subnet      string
	Address, Public netip.Addr
	Failed          bool
}

// Peering joins two VPCs and nobody behind them. Regions, if both are read and
// differ, forbid references to groups across it.
type Peering struct {
	ID                  string
	Requester, Accepter string
	Regions             [2]string
	Active              bool
}

// TransitGateway routes between its attachments. GroupReferences is its
// setting SecurityGroupReferencingSupport.
type TransitGateway struct {
	ID              string
	GroupReferences bool
}

// Attachment ties something to a transit gateway. Type is "vpc", "vpn",
// "direct-connect-gateway", "connect" or "peering"; a peering has the same ID
// at both its gateways, each naming the other as Resource. Table is the table
// associated with it: "" is none. ApplianceMode says that what enters its VPC
// may do so in any zone, not only in that of its sender.
type Attachment struct {
	ID, Gateway, Type, Resource string
	Table                       string
	Subnets                     []string
	GroupReferences             bool
	ApplianceMode               bool
}

// TransitTable is a route table of a transit gateway. Propagations are the
// attachments that propagate into it: those of VPCs give the VPC's CIDRs,
// others must be listed as routes.
type TransitTable struct {
	ID, Gateway  string
	Unread       bool
	Routes       []TransitRoute
	Propagations []string
}

// TransitRoute leads a CIDR, or those of a prefix list, to an attachment, or
// nowhere.
type TransitRoute struct {
	CIDR       netip.Prefix
	Attachment string
	Blackhole  bool
	Propagated bool
	PrefixList string
}

// Endpoint is a gateway endpoint of a service (Gateway set), reached by a
// route; or, by its Type, an interface endpoint ("Interface"), whose Interfaces
// are interfaces of the model, or one that leads to an appliance
// ("GatewayLoadBalancer"). State is as the provider spells it; one that is
// neither "available" nor "" lets nothing through. Policy is handed on as it is
// and never asked.
type Endpoint struct {
	ID, VPC, Service string
	Gateway          bool

	Type, State, Policy string
	Interfaces          []string
}
