package kube

import (
	"net/netip"
	"sort"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// edge is what was read of things that hand connections on to services:
// Ingresses, Gateways, routes and their classes.
type edge struct {
	entries  map[string]*entry // by id: "ingress NAMESPACE/NAME"
	routes   []*route
	classes  map[string]*routeClass // by kind and name: "IngressClass nginx"
	grants   []grant
	unread   []string // why routes or grants may be missing
	perhaps  map[string]string
	defaults []string // names of the default IngressClasses
}

func newEdge() edge {
	return edge{entries: map[string]*entry{}, classes: map[string]*routeClass{}, perhaps: map[string]string{}}
}

// entry is a thing at the edge that connections come in by: an Ingress, a
// Gateway, an OpenShift Route.
type entry struct {
	id, kind, ns, name string
	class              string // of Ingresses and Gateways
	annotations        map[string]string
	listeners          []listener
	targets            []target // without those that routes bring
	ips                []netip.Addr
	hostnames          []string
	workload           map[string]string // labels of the pods that carry an Istio Gateway
	broken             string            // why it was not understood
}

// listener is a port of an entry.
type listener struct {
	name, protocol, host string
	port                 uint16
	from                 string // whose routes may attach: Same, All, Selector, None
	sel                  *selector
	kinds                []string // which routes may attach
}

// target is a service behind an entry.
type target struct {
	service string // NAMESPACE/NAME
	number  uint16 // of the service's port
	named   string // the port's name; neither this nor number: any port of it
	ports   reach.Ports
	route   string // "HTTPRoute NAMESPACE/NAME"
	doubt   string // why it is not known whether connections are handed on to it
}

// route is a route of the Gateway API, or a VirtualService of Istio's.
type route struct {
	kind, ns, name string
	parents        []parent
	hosts          []string
	targets        []target
	grants         []string // for each target, the namespace whose leave it needs, or ""
}

type parent struct {
	kind, ns, name, section string
	port                    uint16
}

// routeClass is an IngressClass or a GatewayClass.
type routeClass struct {
	controller string
	params     string // kind and name of its parameters
	scheme     string // of an IngressClassParams
	sources    *reach.Addrs
}

// grant is one pair of a ReferenceGrant.
type grant struct {
	ns                             string // whose services may be referred to
	fromGroup, fromKind, fromSpace string
	name                           string // of the service; empty: any
}

// ports are those an entry listens on.
func (n *entry) ports() reach.Ports {
	var out reach.Ports
	for _, l := range n.listeners {
		out = out.Union(l.ports())
	}
	return out
}

func (l listener) ports() reach.Ports {
	if l.protocol == "UDP" {
		return reach.Port(reach.UDP, l.port)
	}
	return reach.Port(reach.TCP, l.port)
}

func httpListeners(ports ...uint16) []listener {
	var out []listener
	for _, p := range ports {
		out = append(out, listener{protocol: "HTTP", port: p})
	}
	return out
}

// entryNames are the entries by id.
func (e *Engine) entryNames() []string {
	names := make([]string, 0, len(e.cluster.edge.entries))
	for id := range e.cluster.edge.entries {
		names = append(names, id)
	}
	sort.Strings(names)
	return names
}
