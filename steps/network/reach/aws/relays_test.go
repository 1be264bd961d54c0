package aws

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// shop is a VPC with a public subnet, in which a load balancer has an address
// of the internet, and a private one, in which a server has none; and a second
// VPC, of a consumer, with an interface endpoint. Everything not said to be
// closed is open.
func shop() *Model {
	addr := netip.MustParseAddr
	all := []Permission{{Protocol: "-1", CIDRs: prefix("0.0.0.0/0")}}
	m := &Model{
		VPCs:        []VPC{{ID: "vpc-shop", CIDRs: prefix("10.0.0.0/16"), Owner: "1", Region: "eu"}, {ID: "vpc-user", CIDRs: prefix("10.9.0.0/16"), Owner: "2", Region: "eu"}},
		Subnets:     []Subnet{{ID: "subnet-public", VPC: "vpc-shop"}, {ID: "subnet-private", VPC: "vpc-shop"}, {ID: "subnet-user", VPC: "vpc-user"}},
		NetworkACLs: []NetworkACL{open("acl-1", "subnet-public", "subnet-private", "subnet-user")},
		Gateways:    []Gateway{{"igw-1", "vpc-shop"}},
		RouteTables: []RouteTable{
			{ID: "rtb-public", VPC: "vpc-shop", Subnets: []string{"subnet-public"}, Routes: []Route{{CIDR: prefix("0.0.0.0/0")[0], Target: "igw-1"}}},
			{ID: "rtb-private", VPC: "vpc-shop", Main: true}, {ID: "rtb-user", VPC: "vpc-user", Main: true}},
		SecurityGroups: []SecurityGroup{
			{ID: "sg-lb", Ingress: []Permission{{Protocol: "tcp", From: 443, To: 443, CIDRs: prefix("0.0.0.0/0")}}, Egress: all},
			{ID: "sg-server", Ingress: []Permission{{Protocol: "tcp", From: 8080, To: 8080, Groups: []string{"sg-lb"}}}, Egress: all},
			{ID: "sg-user", Ingress: all, Egress: all}},
		Interfaces: []Interface{
			{ID: "eni-lb", Subnet: "subnet-public", Groups: []string{"sg-lb"}, Addresses: []Address{{addr("10.0.0.10"), addr("54.0.0.10")}}},
			{ID: "eni-server", Subnet: "subnet-private", Groups: []string{"sg-server"}, Instance: "i-server", Addresses: []Address{{Private: addr("10.0.1.4")}}},
			{ID: "eni-user", Subnet: "subnet-user", Groups: []string{"sg-user"}, Addresses: []Address{{Private: addr("10.9.0.4")}}},
			{ID: "eni-endpoint", Subnet: "subnet-user", Groups: []string{"sg-user"}, Addresses: []Address{{Private: addr("10.9.0.5")}}}},
		LoadBalancers: []LoadBalancer{{ID: "lb", VPC: "vpc-shop", Type: "application", Interfaces: []string{"eni-lb"}, Listeners: []Listener{{"HTTPS", 443, []string{"tg"}}}}},
		TargetGroups:  []TargetGroup{{ID: "tg", VPC: "vpc-shop", Type: "instance", Protocol: "HTTP", Targets: []Target{{"i-server", 8080}}}},
	}
	return m
}

// network makes the load balancer a network one, whose targets see the client.
func network(m *Model) {
	m.LoadBalancers[0].Type, m.LoadBalancers[0].Listeners[0].Protocol = "network", "TCP"
	m.TargetGroups[0].Protocol, m.TargetGroups[0].PreserveClientIP = "TCP", "true"
}

// offered makes it an endpoint service with an endpoint in the consumer's VPC.
func offered(m *Model) {
	network(m)
	m.LoadBalancers[0].EnforcePrivateLink = "off"
	m.EndpointServices = []EndpointService{{"vpce-svc-1", "com.amazonaws.vpce.eu.vpce-svc-1", []string{"lb"}}}
	m.Endpoints = []Endpoint{{ID: "vpce-1", VPC: "vpc-user", Service: "com.amazonaws.vpce.eu.vpce-svc-1", Type: "Interface", State: "available", Interfaces: []string{"eni-endpoint"}}}
}

// lattice is a service network that leads from the consumer's VPC to the server.
func lattice(doubt string) []Passage {
	return []Passage{{ID: "sn-1", Clients: []Clients{{VPC: "vpc-user"}}, Addresses: prefix("169.254.171.0/24"), Doubt: doubt,
		Routes: []PassageRoute{{Protocol: "TCP", From: 443, To: 443, Instance: "i-server", Port: 8080, Sender: Sender{Within: prefix("169.254.171.0/24")}}}}}
}

// accelerator leads from the internet to the server.
func accelerator(s Sender) []Passage {
	return []Passage{{ID: "ga-1", Blockable: true, Routes: []PassageRoute{{Protocol: "TCP", From: 80, To: 80, Instance: "i-server", Port: 8080, Sender: s}}}}
}

func TestDocumentedRelays(t *testing.T) {
	internet := Place{Addr: netip.MustParseAddr("8.8.8.8")}
	server, user := Place{Interface: "eni-server"}, Place{Interface: "eni-user"}
	bucket := Place{Service: "com.amazonaws.eu.s3"}
	tests := []struct {
		name     string // with the page it follows
		change   func(m *Model)
		from, to Place
		want     reach.Answer
		ports    []string
		via      []string
		because  string
	}{
		{"a load balancer opens a private server to the internet", func(*Model) {}, internet, server, reach.Yes, []string{"tcp/443"}, []string{"lb"}, ""},
		{"but not on a port nobody listens on", func(m *Model) { m.LoadBalancers[0].Listeners[0].Port = 80 }, internet, server, reach.No, nil, nil, ""},
		{"an internal one has no address there", func(m *Model) { m.Interfaces[0].Addresses[0].Public = netip.Addr{} }, internet, server, reach.No, nil, nil, ""},
		// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-update-security-groups.html
		{"the server must let the load balancer in", func(m *Model) { m.SecurityGroups[1].Ingress = nil }, internet, server, reach.No, nil, nil, "no ingress rule of [sg-server]"},
		{"listeners nobody read are no wall", func(m *Model) { m.LoadBalancers[0].Unread, m.LoadBalancers[0].Listeners = true, nil }, internet, server, reach.Unknown, nil, nil, "listeners of load balancer lb were not all read"},
		{"targets nobody read are no wall", func(m *Model) { m.TargetGroups = nil }, internet, server, reach.Unknown, nil, nil, "target group tg of load balancer lb was not read"},
		{"load balancers nobody listed are no wall", func(m *Model) { m.LoadBalancers, m.VPCs[0].LoadBalancersUnread = nil, true }, internet, server, reach.Unknown, nil, nil, "load balancers that lead into vpc-shop"},
		{"unless the server lets nobody in", func(m *Model) {
			m.LoadBalancers, m.VPCs[0].LoadBalancersUnread, m.SecurityGroups[1].Ingress = nil, true, nil
		}, internet, server, reach.No, nil, nil, ""},
		// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/edit-target-group-attributes.html
		{"a preserved client address meets the group of the load balancer", network, internet, server, reach.Yes, []string{"tcp/443"}, []string{"lb"}, ""},
		{"or a rule for the client", func(m *Model) {
			network(m)
			m.SecurityGroups[1].Ingress[0] = Permission{Protocol: "tcp", From: 8080, To: 8080, CIDRs: prefix("8.8.8.0/24")}
		}, internet, server, reach.Yes, []string{"tcp/443"}, []string{"lb"}, ""},
		{"but not one for the load balancer's address", func(m *Model) {
			network(m)
			m.SecurityGroups[1].Ingress[0] = Permission{Protocol: "tcp", From: 8080, To: 8080, CIDRs: prefix("10.0.0.0/16")}
		}, internet, server, reach.No, nil, nil, "sees the client's address 8.8.8.8"},
		{"which decides if the client is not shown", func(m *Model) {
			network(m)
			m.TargetGroups[0].PreserveClientIP = "false"
			m.SecurityGroups[1].Ingress[0] = Permission{Protocol: "tcp", From: 8080, To: 8080, CIDRs: prefix("10.0.0.0/16")}
		}, internet, server, reach.Yes, []string{"tcp/443"}, []string{"lb"}, ""},
		{"and is unknown if nobody read whether it is", func(m *Model) {
			network(m)
			m.TargetGroups[0].PreserveClientIP = ""
			m.SecurityGroups[1].Ingress[0] = Permission{Protocol: "tcp", From: 8080, To: 8080, CIDRs: prefix("10.0.0.0/16")}
		}, internet, server, reach.Unknown, nil, nil, "whether lb shows its targets the client's address was not read"},
		// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-register-targets.html#target-security-groups
		{"a client's group does not count behind it", func(m *Model) {
			network(m)
			m.Interfaces = append(m.Interfaces, Interface{ID: "eni-client", Subnet: "subnet-public", Groups: []string{"sg-client"}, Addresses: []Address{{Private: netip.MustParseAddr("10.0.0.20")}}})
			m.SecurityGroups = append(m.SecurityGroups, SecurityGroup{ID: "sg-client", Egress: []Permission{{Protocol: "tcp", From: 443, To: 443, CIDRs: prefix("0.0.0.0/0")}}})
			m.SecurityGroups[1].Ingress[0].Groups = []string{"sg-client"}
		}, Place{Interface: "eni-client"}, server, reach.No, nil, nil, "sees the client's address"},
		// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/application-load-balancer-target.html
		{"a network load balancer before an application one", func(m *Model) {
			m.Interfaces = append(m.Interfaces, Interface{ID: "eni-front", Subnet: "subnet-public", Addresses: []Address{{Private: netip.MustParseAddr("10.0.0.30"), Public: netip.MustParseAddr("54.0.0.30")}}})
			m.Interfaces[0].Addresses[0].Public = netip.Addr{}
			m.LoadBalancers = append(m.LoadBalancers, LoadBalancer{ID: "front", VPC: "vpc-shop", Type: "network", Interfaces: []string{"eni-front"}, Listeners: []Listener{{"TCP", 8443, []string{"tg-front"}}}})
			m.TargetGroups = append(m.TargetGroups, TargetGroup{ID: "tg-front", Type: "alb", Targets: []Target{{"lb", 443}}})
		}, internet, server, reach.Yes, []string{"tcp/8443"}, []string{"front", "lb"}, ""},
		// https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-share-your-services.html
		{"PrivateLink", offered, user, server, reach.Yes, []string{"tcp/443"}, []string{"vpce-1", "lb"}, ""},
		{"not before it is accepted", func(m *Model) { offered(m); m.Endpoints[0].State = "pendingAcceptance" }, user, server, reach.No, nil, nil, "vpce-1 of com.amazonaws.vpce.eu.vpce-svc-1 is pendingAcceptance"},
		// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-security-groups.html
		{"groups asked of PrivateLink see the client's own address", func(m *Model) {
			offered(m)
			m.LoadBalancers[0].EnforcePrivateLink = "on"
			m.SecurityGroups[0].Ingress[0].CIDRs = prefix("10.9.0.4/32")
		}, user, server, reach.Yes, []string{"tcp/443"}, []string{"vpce-1", "lb"}, ""},
		{"and not the endpoint's", func(m *Model) {
			offered(m)
			m.LoadBalancers[0].EnforcePrivateLink = "on"
			m.SecurityGroups[0].Ingress[0].CIDRs = prefix("10.9.0.5/32")
		}, user, server, reach.No, nil, nil, "allows 10.9.0.4 by PrivateLink"},
		{"nobody read whether they are asked", func(m *Model) {
			offered(m)
			m.LoadBalancers[0].EnforcePrivateLink = ""
			m.SecurityGroups[0].Ingress[0].CIDRs = prefix("10.9.0.5/32")
		}, user, server, reach.Unknown, nil, nil, "let PrivateLink in was not read"},
		// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-vpc-links.html
		{"an API with a VPC link", api, internet, server, reach.Yes, []string{"tcp/443"}, []string{"api", "lb"}, ""},
		{"a private API is not of the internet", func(m *Model) { api(m); m.APIs[0].Private = true }, internet, server, reach.No, nil, nil, ""},
		// https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-private-apis.html
		{"but of those who reach its endpoint", func(m *Model) {
			api(m)
			m.APIs[0].Private = true
			m.Endpoints = []Endpoint{{ID: "vpce-api", VPC: "vpc-user", Service: "com.amazonaws.eu.execute-api", Type: "Interface", State: "available", Interfaces: []string{"eni-endpoint"}}}
		}, user, server, reach.Yes, []string{"tcp/443"}, []string{"api", "lb"}, ""},
		{"a link nobody read is no wall", func(m *Model) { api(m); m.VPCLinks = nil }, internet, server, reach.Unknown, nil, nil, "VPC link link of API api was not read"},
		{"a function behind an API", func(m *Model) {
			m.APIs = []API{{ID: "api", Region: "eu", Integrations: []Integration{{Function: "arn:aws:lambda:eu:1:function:f:live"}}}}
		}, internet, Place{Function: "arn:aws:lambda:eu:1:function:f"}, reach.Yes, []string{"tcp/443"}, []string{"api"}, ""},
		{"a function behind nothing", func(*Model) {}, internet, Place{Function: "arn:aws:lambda:eu:1:function:f"}, reach.No, nil, nil, "no load balancer or API"},
		// https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-s3.html
		{"no way to a service from a closed subnet", func(*Model) {}, server, bucket, reach.No, nil, nil, "rtb-private: no route"},
		{"over the internet", func(*Model) {}, Place{Interface: "eni-lb"}, bucket, reach.Yes, nil, nil, ""},
		{"by an interface endpoint", func(m *Model) {
			m.Endpoints = []Endpoint{{ID: "vpce-s3", Service: "com.amazonaws.eu.s3", Type: "Interface", State: "available", Interfaces: []string{"eni-endpoint"}}}
		}, user, bucket, reach.Yes, nil, nil, ""},
		{"by a gateway endpoint", gatewayEndpoint, server, bucket, reach.Yes, nil, nil, ""},
		{"whose list nobody read", func(m *Model) { gatewayEndpoint(m); m.PrefixLists = nil }, server, bucket, reach.Unknown, nil, nil, "pl-s3"},
		{"which is none for another service", gatewayEndpoint, server, Place{Service: "com.amazonaws.eu.sagemaker.api"}, reach.No, nil, nil, ""},
		// https://docs.aws.amazon.com/vpc/latest/userguide/security-vpc-bpa.html
		{"Block Public Access, ingress", block("block-ingress"), internet, server, reach.No, nil, nil, "VPC Block Public Access (block-ingress) holds for subnet-public"},
		{"of which a VPC may be excluded", block("block-ingress", Exclusion{"vpc-shop", "allow-bidirectional"}), internet, server, reach.Yes, []string{"tcp/443"}, []string{"lb"}, ""},
		{"but not for ingress by an exclusion of egress", block("block-bidirectional", Exclusion{"subnet-public", "allow-egress"}), internet, server, reach.No, nil, nil, "Block Public Access"},
		{"which lets out", block("block-bidirectional", Exclusion{"subnet-public", "allow-egress"}), Place{Interface: "eni-lb"}, internet, reach.Yes, nil, nil, ""},
		{"of another account it does not hold", func(m *Model) { block("block-bidirectional")(m); m.VPCs[0].Owner = "3" }, internet, server, reach.Yes, []string{"tcp/443"}, []string{"lb"}, ""},
		{"nobody read it", func(m *Model) { m.PublicAccess = []PublicAccess{{Owner: "1", Region: "eu", Unread: true}} }, internet, server, reach.Unknown, nil, nil, "Block Public Access of vpc-shop was not read"},
		// https://docs.aws.amazon.com/network-firewall/latest/developerguide/arch-igw-ngw.html
		{"a firewall behind the internet gateway", func(m *Model) {
			m.Firewalls = []Firewall{{"fw-1", []string{"vpce-fw"}}}
			m.RouteTables = append(m.RouteTables, RouteTable{ID: "rtb-edge", VPC: "vpc-shop", Gateways: []string{"igw-1"}, Routes: []Route{{CIDR: prefix("10.0.0.0/24")[0], Target: "vpce-fw"}}})
		}, internet, server, reach.Unknown, nil, nil, "through firewall fw-1"},
		{"a firewall in the subnet's table", func(m *Model) {
			m.Firewalls = []Firewall{{"fw-1", []string{"vpce-fw"}}}
			m.RouteTables[0].Routes[0].Target = "vpce-fw"
		}, Place{Interface: "eni-lb"}, internet, reach.Unknown, nil, nil, "firewall fw-1"},
		// https://docs.aws.amazon.com/vpc-lattice/latest/ug/service-network-associations.html
		{"a service network between them", func(m *Model) {
			m.Passages = lattice("")
			m.SecurityGroups[1].Ingress[0] = Permission{Protocol: "tcp", From: 8080, To: 8080, CIDRs: prefix("169.254.171.0/24")}
		}, user, server, reach.Yes, []string{"tcp/443"}, []string{"sn-1"}, ""},
		{"whose policies were not decided", func(m *Model) {
			m.Passages = lattice("what the policies of sn-1 let through is not known")
			m.SecurityGroups[1].Ingress[0] = Permission{Protocol: "tcp", From: 8080, To: 8080, CIDRs: prefix("169.254.171.0/24")}
		}, user, server, reach.Unknown, nil, nil, "policies of sn-1"},
		{"which the server must let in", func(m *Model) { m.Passages = lattice("") }, user, server, reach.No, nil, nil, "eni-server lets sn-1 in on none of its ports"},
		{"and which is for the VPCs joined to it", func(m *Model) {
			m.Passages = lattice("")
			m.LoadBalancers, m.SecurityGroups[1].Ingress[0] = nil, Permission{Protocol: "-1", CIDRs: prefix("0.0.0.0/0")}
		}, internet, server, reach.No, nil, nil, ""},
		{"if its own groups let them in", func(m *Model) {
			m.Passages = lattice("")
			m.Passages[0].Clients[0].Groups = []string{"sg-lb"}
			m.SecurityGroups[0].Ingress[0].CIDRs = prefix("10.9.0.5/32")
			m.SecurityGroups[1].Ingress[0] = Permission{Protocol: "-1", CIDRs: prefix("0.0.0.0/0")}
		}, user, server, reach.No, nil, nil, "between eni-user and sn-1 let nothing pass"},
		// https://docs.aws.amazon.com/global-accelerator/latest/dg/preserve-client-ip-address.html
		{"an accelerator before a private server", func(m *Model) {
			m.Passages = accelerator(Sender{Client: true})
			m.SecurityGroups[1].Ingress[0] = Permission{Protocol: "tcp", From: 8080, To: 8080, CIDRs: prefix("8.8.8.0/24")}
		}, internet, server, reach.Yes, []string{"tcp/80"}, []string{"ga-1"}, ""},
		{"whose groups see the client", func(m *Model) {
			m.Passages, m.LoadBalancers = accelerator(Sender{Client: true}), nil
			m.SecurityGroups[1].Ingress[0] = Permission{Protocol: "tcp", From: 8080, To: 8080, CIDRs: prefix("10.0.0.0/8")}
		}, internet, server, reach.No, nil, nil, "eni-server lets ga-1 in on none of its ports"},
		{"or the accelerator somewhere in the VPC", func(m *Model) {
			m.Passages, m.LoadBalancers = accelerator(Sender{Within: prefix("10.0.0.0/16")}), nil
			m.SecurityGroups[1].Ingress[0] = Permission{Protocol: "tcp", From: 8080, To: 8080, CIDRs: prefix("10.0.0.0/8")}
		}, internet, server, reach.Yes, []string{"tcp/80"}, []string{"ga-1"}, ""},
		{"of which a rule for a part of the VPC says nothing", func(m *Model) {
			m.Passages = accelerator(Sender{Within: prefix("10.0.0.0/16")})
			m.SecurityGroups[1].Ingress[0] = Permission{Protocol: "tcp", From: 8080, To: 8080, CIDRs: prefix("10.0.1.0/24")}
		}, internet, server, reach.Unknown, nil, nil, "whether eni-server lets ga-1 in is not known"},
		// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-vpc-origins.html
		{"a distribution with an origin in the VPC", func(m *Model) {
			m.Interfaces[0].Addresses[0].Public = netip.Addr{}
			m.Passages = []Passage{{ID: "d-1", Blockable: true, Routes: []PassageRoute{{Protocol: "TCP", From: 443, To: 443, Balancer: "lb", Sender: Sender{Within: prefix("10.0.0.0/16"), Groups: []string{"sg-cloudfront"}}}}}}
			m.SecurityGroups[0].Ingress[0] = Permission{Protocol: "tcp", From: 443, To: 443, Groups: []string{"sg-cloudfront"}}
		}, internet, server, reach.Yes, []string{"tcp/443"}, []string{"d-1", "lb"}, ""},
		{"which Block Public Access holds back", func(m *Model) {
			block("block-ingress")(m)
			m.Passages = accelerator(Sender{Within: prefix("10.0.0.0/16")})
			m.SecurityGroups[1].Ingress[0] = Permission{Protocol: "tcp", From: 8080, To: 8080, CIDRs: prefix("10.0.0.0/8")}
		}, internet, server, reach.No, nil, nil, "holds for subnet-private"},
		// https://docs.aws.amazon.com/verified-access/latest/ug/how-it-works.html
		{"one that demands a sign-in", func(m *Model) {
			m.LoadBalancers = nil
			m.Passages = accelerator(Sender{Within: prefix("10.0.0.0/16")})
			m.Passages[0].SignIn = "only who signs in gets through"
			m.SecurityGroups[1].Ingress[0] = Permission{Protocol: "-1", CIDRs: prefix("10.0.0.0/8")}
		}, internet, server, reach.No, nil, nil, "ga-1: only who signs in gets through"},
		{"accelerators nobody listed are no wall", func(m *Model) {
			m.LoadBalancers = nil
			m.Passages = []Passage{{ID: "the accelerators", Doubt: "the accelerators of 1 were not listed", Into: []string{"vpc-shop"}}}
		}, internet, server, reach.Unknown, nil, nil, "the accelerators of 1 were not listed"},
		{"but lead nowhere from where there is no internet", func(m *Model) {
			m.LoadBalancers = nil
			m.Passages = []Passage{{ID: "the accelerators", Doubt: "the accelerators of 1 were not listed", Into: []string{"vpc-shop"}}}
		}, user, server, reach.No, nil, nil, ""},
		{"a table nobody listed is not taken to be the main one", func(m *Model) {
			m.VPCs[0].RouteTablesUnread, m.RouteTables = true, m.RouteTables[1:]
		}, internet, Place{Interface: "eni-lb"}, reach.Unknown, nil, nil, "route table was not read"},
		// https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html
		{"a job AWS runs reaches what all the internet does", func(*Model) {}, Place{Outside: "training job"}, server, reach.Yes, []string{"tcp/443"}, []string{"lb"}, ""},
		{"and perhaps what a part of it does", func(m *Model) { m.SecurityGroups[0].Ingress[0].CIDRs = prefix("52.0.0.0/8") }, Place{Outside: "training job"}, server, reach.Unknown, nil, nil, "it depends on the address of training job"},
	}
	for _, tt := range tests {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			m := shop()
			tt.change(m)
			a, err := New(m).Can(tt.from, tt.to)
			if err != nil {
				t.Fatal(err)
			}
			if a.Reachable != tt.want {
				t.Errorf("reachable %v, want %v: %+v", a.Reachable, tt.want, a)
			}
			if diff := cmp.Diff(tt.ports, a.Ports.List()); tt.ports != nil && diff != "" {
				t.Errorf("ports (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.via, a.Via); diff != "" {
				t.Errorf("via (-want +got):\n%s\npath %v", diff, a.Path)
			}
			if why := strings.Join(a.Because, "; "); !strings.Contains(why, tt.because) {
				t.Errorf("because %q, want %q", why, tt.because)
			}
			if tt.want == reach.Yes && len(a.Path) < 2 {
				t.Errorf("a yes has path %v", a.Path)
			}
		})
	}
}

func api(m *Model) {
	m.Interfaces = append(m.Interfaces, Interface{ID: "eni-link", Subnet: "subnet-private", Groups: []string{"sg-user"}, Addresses: []Address{{Private: netip.MustParseAddr("10.0.1.9")}}})
	m.Interfaces[0].Addresses[0].Public = netip.Addr{}
	m.VPCLinks = []VPCLink{{ID: "link", Interfaces: []string{"eni-link"}}}
	m.APIs = []API{{ID: "api", Region: "eu", Integrations: []Integration{{Link: "link", Balancer: "lb", Port: 443}}}}
}

func gatewayEndpoint(m *Model) {
	m.Endpoints = []Endpoint{{ID: "vpce-gw", VPC: "vpc-shop", Service: "com.amazonaws.eu.s3", Gateway: true, State: "available", Policy: "{}"}}
	m.PrefixLists = []PrefixList{{ID: "pl-s3", Name: "com.amazonaws.eu.s3", CIDRs: prefix("52.218.0.0/17")}}
	m.RouteTables[1].Routes = []Route{{PrefixList: "pl-s3", Target: "vpce-gw"}}
}

func block(mode string, exclusions ...Exclusion) func(m *Model) {
	return func(m *Model) {
		m.PublicAccess = []PublicAccess{{Owner: "1", Region: "eu", Mode: mode, Exclusions: exclusions}}
	}
}

// TestDoorsAreNamed holds that an answer names each way to a service, with the
// policy that somebody else judges.
func TestDoorsAreNamed(t *testing.T) {
	m := shop()
	gatewayEndpoint(m)
	m.RouteTables[0].Routes = append(m.RouteTables[0].Routes, m.RouteTables[1].Routes...)
	m.Endpoints = append(m.Endpoints, Endpoint{ID: "vpce-if", Service: "com.amazonaws.eu.s3", Type: "Interface", State: "available", Policy: "open", Interfaces: []string{"eni-in"}})
	m.Interfaces = append(m.Interfaces, Interface{ID: "eni-in", Subnet: "subnet-private", Groups: []string{"sg-user"}, Addresses: []Address{{Private: netip.MustParseAddr("10.0.1.8")}}})
	a, err := New(m).Can(Place{Interface: "eni-lb"}, Place{Service: "com.amazonaws.eu.s3"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range a.Doors {
		got = append(got, d.Endpoint+" "+d.Policy+" "+d.Allow.Answer().String())
	}
	if want := []string{"vpce-gw {} yes", "vpce-if open yes"}; !slices.Equal(got, want) {
		t.Errorf("doors %q, want %q", got, want)
	}
}

// TestCentralNAT follows a packet over a transit gateway to the NAT gateway of
// another VPC, and its answer back, as in
// https://docs.aws.amazon.com/vpc/latest/tgw/transit-gateway-nat-igw.html.
func TestCentralNAT(t *testing.T) {
	spoke := Place{Interface: "eni-user"}
	internet := Place{Addr: netip.MustParseAddr("8.8.8.8")}
	central := func() *Model {
		m := shop()
		any := prefix("0.0.0.0/0")[0]
		m.TransitGateways = []TransitGateway{{ID: "tgw-1"}}
		m.Attachments = []Attachment{
			{ID: "att-shop", Gateway: "tgw-1", Type: "vpc", Resource: "vpc-shop", Table: "tt", Subnets: []string{"subnet-private"}},
			{ID: "att-user", Gateway: "tgw-1", Type: "vpc", Resource: "vpc-user", Table: "tt", Subnets: []string{"subnet-user"}}}
		m.TransitTables = []TransitTable{{ID: "tt", Gateway: "tgw-1", Propagations: []string{"att-shop", "att-user"}, Routes: []TransitRoute{{CIDR: any, Attachment: "att-shop"}}}}
		m.NATGateways = []NATGateway{{ID: "nat-1", Subnet: "subnet-public", Address: netip.MustParseAddr("10.0.0.99"), Public: netip.MustParseAddr("54.0.0.99")}}
		m.RouteTables[0].Routes = append(m.RouteTables[0].Routes, Route{CIDR: prefix("10.0.0.0/8")[0], Target: "tgw-1"})
		m.RouteTables[1].Routes = []Route{{CIDR: any, Target: "nat-1"}}
		m.RouteTables[2].Routes = []Route{{CIDR: any, Target: "tgw-1"}}
		return m
	}
	for _, tt := range []struct {
		name     string
		change   func(m *Model)
		from, to Place
		want     reach.Answer
		because  string
	}{
		{"out", func(*Model) {}, spoke, internet, reach.Yes, ""},
		{"not in", func(*Model) {}, internet, spoke, reach.No, "only opens connections outward"},
		{"the answer needs a route", func(m *Model) { m.RouteTables[0].Routes = m.RouteTables[0].Routes[:1] }, spoke, internet, reach.No, "no answer comes back: rtb-public sends it to igw-1"},
		{"an internet gateway alone serves its own VPC", func(m *Model) { m.RouteTables[1].Routes[0].Target = "igw-1" }, spoke, internet, reach.No, "igw-1 serves only vpc-shop itself"},
		{"a firewall in between", func(m *Model) {
			m.RouteTables[1].Routes[0].Target, m.Firewalls = "vpce-fw", []Firewall{{"fw-1", []string{"vpce-fw"}}}
		}, spoke, internet, reach.Unknown, "firewall fw-1"},
		{"a list of the transit gateway", func(m *Model) {
			m.TransitTables[0].Routes[0] = TransitRoute{PrefixList: "pl-1", Attachment: "att-shop"}
			m.PrefixLists = []PrefixList{{ID: "pl-1", CIDRs: prefix("8.8.0.0/16")}}
		}, spoke, internet, reach.Yes, ""},
		{"which nobody read", func(m *Model) {
			m.TransitTables[0].Routes[0] = TransitRoute{PrefixList: "pl-1", Attachment: "att-shop"}
		}, spoke, internet, reach.Unknown, "prefix list pl-1 was not read"},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			m := central()
			tt.change(m)
			a, err := New(m).Can(tt.from, tt.to)
			if err != nil {
				t.Fatal(err)
			}
			if why := strings.Join(a.Because, "; "); a.Reachable != tt.want || !strings.Contains(why, tt.because) {
				t.Errorf("%v because %q, want %v because %q", a.Reachable, why, tt.want, tt.because)
			}
		})
	}
}

func TestNobodyConnectsToANATGateway(t *testing.T) {
	m := shop()
	m.NATGateways = []NATGateway{{ID: "nat-1", Subnet: "subnet-public", Address: netip.MustParseAddr("10.0.0.99"), Public: netip.MustParseAddr("54.0.0.99")}}
	m.Interfaces = append(m.Interfaces, Interface{ID: "eni-nat", Subnet: "subnet-public", Addresses: []Address{{netip.MustParseAddr("10.0.0.99"), netip.MustParseAddr("54.0.0.99")}}})
	for _, from := range []Place{{Addr: netip.MustParseAddr("8.8.8.8")}, {Interface: "eni-lb"}} {
		if a, err := New(m).Can(from, Place{Interface: "eni-nat"}); err != nil || a.Reachable != reach.No {
			t.Errorf("from %v: %+v, %v, want no", from, a, err)
		}
	}
}

// TestRelaysThatLeadToEachOther holds that a question ends though all load
// balancers are targets of all, or none of them was read in full.
func TestRelaysThatLeadToEachOther(t *testing.T) {
	for _, unread := range []bool{false, true} {
		m := shop()
		for i := range 12 {
			id := fmt.Sprintf("lb-%d", i)
			f := Interface{ID: "eni-" + id, Subnet: "subnet-public", Groups: []string{"sg-user"}, Addresses: []Address{{Private: netip.AddrFrom4([4]byte{10, 0, 0, byte(100 + i)})}}}
			m.Interfaces = append(m.Interfaces, f)
			g := TargetGroup{ID: "tg-" + id, Type: "ip", Protocol: "HTTP"}
			for k := range 12 {
				g.Targets = append(g.Targets, Target{netip.AddrFrom4([4]byte{10, 0, 0, byte(100 + k)}).String(), 80})
			}
			m.TargetGroups = append(m.TargetGroups, g)
			m.LoadBalancers = append(m.LoadBalancers, LoadBalancer{ID: id, Type: "application", Unread: unread, Interfaces: []string{f.ID}, Listeners: []Listener{{"HTTP", 80, []string{g.ID}}}})
		}
		n := New(m)
		a, err := n.Can(Place{Interface: "eni-user"}, Place{Interface: "eni-server"})
		if err != nil || a.Reachable != reach.No {
			t.Errorf("unread %v, from a VPC that nothing joins: %+v, %v; want no", unread, a, err)
		}
		if a, err = n.Can(Place{Interface: "eni-lb-0"}, Place{Interface: "eni-server"}); err != nil || a.Reachable == reach.No && unread {
			t.Errorf("unread %v: %+v, %v", unread, a, err)
		}
		if pairs := n.Matrix().Pairs(); pairs == 0 {
			t.Error("no pairs")
		}
	}
}
