package aws

import (
	"net/netip"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// LoadBalancer takes connections on its listeners and opens others to the
// targets behind them. ID is its ARN (or, of a classic one, its name), Type is
// "application", "network", "classic" or "gateway". Interfaces are the network
// interfaces it takes connections on, which are interfaces of the model like
// others and bear its groups and public addresses. Unread says that the
// listeners were not all read: any port may then lead to anything its
// interfaces reach. Whether a target is healthy, and whether the zones are
// joined, is not asked: both change by themselves.
type LoadBalancer struct {
	ID, VPC, Type string
	Interfaces    []string
	Listeners     []Listener
	Unread        bool
	// EnforcePrivateLink is the setting
	// EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic: "on", "off", or ""
	// if it was not read.
	EnforcePrivateLink string
}

// Listener is one port of a load balancer. Protocol is as the provider spells
// it: TCP, UDP, TCP_UDP, TLS, HTTP, HTTPS, QUIC, TCP_QUIC, SSL. TargetGroups
// are the ARNs of all its rules.
type Listener struct {
	Protocol     string
	Port         int
	TargetGroups []string
}

// TargetGroup is where a listener sends connections. Type is "instance", "ip",
// "lambda" or "alb", VPC the one its targets lie in, and Unread says that the
// targets were not all read.
type TargetGroup struct {
	ID, VPC, Type string
	Protocol      string
	Unread        bool
	// PreserveClientIP is the attribute preserve_client_ip.enabled of a group
	// behind a network load balancer: "true", "false", or "" if it was not
	// read. It is asked only where AWS leaves a choice: TCP and TLS.
	PreserveClientIP string
	Targets          []Target
}

// Target is a member of a target group: ID is an instance, an address, or the
// ARN of a function or of an application load balancer.
type Target struct {
	ID   string
	Port int
}

// EndpointService offers load balancers to interface endpoints in other VPCs
// (PrivateLink). Name is what endpoints name as their Service. Who may ask for
// an endpoint (AllowedPrincipals) decides nothing here: an endpoint that exists
// says by its State whether it was let in.
type EndpointService struct {
	ID, Name      string
	LoadBalancers []string
}

// API is an API of API Gateway, which takes connections on port 443 of AWS's
// own addresses, or if Private only by the interface endpoints of execute-api
// in its Region, and opens others by its integrations. Unread says that these
// were not all read: it may then use any VPC link of the model. Its policies
// and authorizers are not asked.
type API struct {
	ID, Region   string
	Private      bool
	Unread       bool
	Integrations []Integration
}

// Integration is what an API passes requests to: by Link to a load balancer
// (Balancer, its ARN; "" is any the link leads to) on Port (0 is any) or to
// addresses a service registry knows (Addrs); or to a Function (its ARN).
type Integration struct {
	Link, Balancer string
	Port           int
	Addrs          []netip.Addr
	Function       string
}

// VPCLink joins APIs to a VPC: one of REST APIs to network load balancers
// (Balancers), one of HTTP APIs by interfaces of its own.
type VPCLink struct {
	ID                    string
	Balancers, Interfaces []string
	Failed                bool
}

// Firewall is a network firewall, which packets pass at its endpoints. What it
// lets through is not decided here: what is routed to it is unknown.
type Firewall struct {
	ID        string
	Endpoints []string
}

// PublicAccess is the setting of VPC Block Public Access of an account and
// region: Mode is "off", "block-bidirectional" or "block-ingress", Unread says
// that it or its exclusions were not read. A VPC whose owner and region have no
// setting in the model is taken to have the one AWS gives at first, "off".
type PublicAccess struct {
	Owner, Region, Mode string
	Unread              bool
	Exclusions          []Exclusion
}

// Exclusion exempts a VPC or a subnet (Resource, its id) from PublicAccess:
// Mode is "allow-bidirectional" or "allow-egress".
type Exclusion struct{ Resource, Mode string }

// Door is a way to a service of AWS: by an endpoint or, if Endpoint is "", over
// its public addresses. Policy is the endpoint's, as the model gives it; it was
// not asked.
type Door struct {
	Endpoint, Policy string
	Allow            Allow
}

// listens is the ports a listener takes connections on, one set a transport
// protocol; no set for a protocol not known here.
func (l *Listener) listens() []reach.Protocol {
	switch l.Protocol {
	case "TCP", "TLS", "SSL", "HTTP", "HTTPS", "tcp", "ssl", "http", "https":
		return []reach.Protocol{reach.TCP}
	case "UDP", "QUIC":
		return []reach.Protocol{reach.UDP}
	case "TCP_UDP", "TCP_QUIC":
		return []reach.Protocol{reach.TCP, reach.UDP}
	}
	return nil
}
