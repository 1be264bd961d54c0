package kube

import (
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

const gatewayGroup = "gateway.networking.k8s.io"

func readGatewayClass(c *Cluster, f fields, _, name string) {
	c.edge.classes["GatewayClass "+name] = &routeClass{controller: f.obj("spec").str("controllerName")}
}

// readGateway reads the Gateway API's Gateway.
func readGateway(c *Cluster, f fields, ns, name string) {
	spec := f.obj("spec")
	n := &entry{kind: "gateway", ns: inDefault(ns), name: name, class: spec.str("gatewayClassName"), annotations: map[string]string{}}
	n.id = "gateway " + n.ns + "/" + name
	for _, from := range []fields{f.obj("metadata"), spec.obj("infrastructure")} {
		for k, v := range from.labels("annotations") {
			n.annotations[k] = v
		}
	}
	for _, l := range spec.objs("listeners") {
		one := listener{name: l.str("name"), protocol: l.str("protocol"), host: l.str("hostname"), port: uint16(l.number("port", 1, 65535)), from: "Same"}
		allowed := l.obj("allowedRoutes")
		if from := allowed.obj("namespaces"); from.m != nil {
			if word := from.str("from"); word != "" {
				one.from = word
			}
			one.sel = from.selector("selector")
		}
		for _, k := range allowed.objs("kinds") {
			one.kinds = append(one.kinds, k.str("kind"))
		}
		n.listeners = append(n.listeners, one)
	}
	n.addressesOf(f.obj("status").objs("addresses"), "value", "value")
	c.edge.entries[n.id] = n
}

// readGatewayRoute reads HTTPRoute, GRPCRoute, TLSRoute, TCPRoute and UDPRoute.
// A filter that mirrors requests opens connections too.
func readGatewayRoute(kind string) func(*Cluster, fields, string, string) {
	return func(c *Cluster, f fields, ns, name string) {
		spec := f.obj("spec")
		r := &route{kind: kind, ns: inDefault(ns), name: name, hosts: spec.strs("hostnames")}
		for _, p := range spec.objs("parentRefs") {
			one := parent{kind: p.str("kind"), ns: p.str("namespace"), name: p.str("name"), section: p.str("sectionName")}
			if p.has("port") {
				one.port = uint16(p.number("port", 1, 65535))
			}
			if one.ns == "" {
				one.ns = r.ns
			}
			if g := p.str("group"); (g == "" || g == gatewayGroup) && (one.kind == "" || one.kind == "Gateway") {
				r.parents = append(r.parents, one)
			}
		}
		for _, rule := range spec.objs("rules") {
			refs := rule.objs("backendRefs")
			for _, filter := range rule.objs("filters") {
				refs = append(refs, filter.mirrors()...)
			}
			for _, b := range rule.objs("backendRefs") {
				for _, filter := range b.objs("filters") {
					refs = append(refs, filter.mirrors()...)
				}
			}
			for _, b := range refs {
				r.backend(b)
			}
		}
		c.edge.routes = append(c.edge.routes, r)
	}
}

func (f fields) mirrors() []fields {
	if m := f.obj("requestMirror").obj("backendRef"); m.m != nil {
		return []fields{m}
	}
	return nil
}

func (r *route) backend(f fields) {
	if f.has("weight") && f.number("weight", 0, 1_000_000) == 0 {
		return // nothing is handed on to it
	}
	t := target{route: r.id()}
	if k := f.str("kind"); k != "" && k != "Service" || f.str("group") != "" {
		t.doubt = f.at + ": a backend that is no service is not understood"
	}
	ns, leave := f.str("namespace"), ""
	if ns == "" {
		ns = r.ns
	}
	if ns != r.ns {
		leave = ns
	}
	t.service = ns + "/" + f.str("name")
	if f.has("port") {
		t.number = uint16(f.number("port", 1, 65535))
	}
	r.targets, r.grants = append(r.targets, t), append(r.grants, leave)
}

func (r *route) id() string { return r.kind + " " + r.ns + "/" + r.name }

// readReferenceGrant reads who may refer to services of its namespace.
func readReferenceGrant(c *Cluster, f fields, ns, _ string) {
	spec := f.obj("spec")
	for _, from := range spec.objs("from") {
		for _, to := range spec.objs("to") {
			if to.str("group") == "" && to.str("kind") == "Service" {
				c.edge.grants = append(c.edge.grants, grant{inDefault(ns), from.str("group"), from.str("kind"), from.str("namespace"), to.str("name")})
			}
		}
	}
}

// readIstioGateway reads networking.istio.io Gateway: ports of pods that carry
// its labels.
func readIstioGateway(c *Cluster, f fields, ns, name string) {
	spec := f.obj("spec")
	n := &entry{kind: "istio gateway", ns: inDefault(ns), name: name, workload: spec.labels("selector")}
	n.id = "istio gateway " + n.ns + "/" + name
	for _, s := range spec.objs("servers") {
		port := s.obj("port")
		n.listeners = append(n.listeners, listener{name: port.str("name"), protocol: port.str("protocol"), port: uint16(port.number("number", 1, 65535)), from: "All"})
	}
	c.edge.entries[n.id] = n
}

// readVirtualService reads networking.istio.io VirtualService: the hosts that
// its routes through gateways lead to.
func readVirtualService(c *Cluster, f fields, ns, name string) {
	spec := f.obj("spec")
	r := &route{kind: "VirtualService", ns: inDefault(ns), name: name}
	for _, g := range spec.strs("gateways") {
		if space, own, found := strings.Cut(g, "/"); found {
			r.parents = append(r.parents, parent{kind: "istio", ns: space, name: own})
		} else if g != "mesh" {
			r.parents = append(r.parents, parent{kind: "istio", ns: r.ns, name: g})
		}
	}
	if len(r.parents) == 0 {
		return // of the mesh's own pods, which connect by themselves
	}
	for _, kind := range []string{"http", "tls", "tcp"} {
		for _, rule := range spec.objs(kind) {
			if rule.has("delegate") {
				r.targets = append(r.targets, target{route: r.id(), doubt: rule.at + ": delegate is not understood"})
				r.grants = append(r.grants, "")
			}
			to := rule.objs("route")
			for _, m := range append(rule.objs("mirrors"), rule) {
				for _, key := range []string{"mirror", "destination"} {
					if d := m.obj(key); d.m != nil {
						to = append(to, fields{m: map[string]any{"destination": d.m}, at: m.at, bad: m.bad})
					}
				}
			}
			for _, d := range to {
				r.destination(d.obj("destination"))
			}
		}
	}
	c.edge.routes = append(c.edge.routes, r)
}

// destination reads a host of Istio's: a service by its short or its full name.
func (r *route) destination(f fields) {
	host := f.str("host")
	t := target{route: r.id()}
	name, rest, dotted := strings.Cut(host, ".")
	ns, tail, _ := strings.Cut(rest, ".")
	switch {
	case !dotted:
		t.service = r.ns + "/" + name
	case tail == "svc" || strings.HasPrefix(tail, "svc."):
		t.service = ns + "/" + name
	default:
		t.doubt = f.at + ": host " + host + " may be something outside"
	}
	if f.obj("port").has("number") {
		t.number = uint16(f.obj("port").number("number", 1, 65535))
	}
	r.targets, r.grants = append(r.targets, t), append(r.grants, "")
}

// attached says whether a route hangs on a listener of an entry, and why that
// is not known.
func (e *Engine) attached(r *route, n *entry, l listener) (reach.Answer, string) {
	answer, why := reach.No, ""
	for _, p := range r.parents {
		if p.ns != n.ns || p.name != n.name || (p.kind == "istio") != (n.kind == "istio gateway") {
			continue
		}
		if p.section != "" && p.section != l.name || p.port != 0 && p.port != l.port {
			continue
		}
		if one, doubt := e.admitsRoute(r, n, l); one != reach.No {
			if answer = answer.Or(one); doubt != "" {
				why = doubt
			}
		}
	}
	return answer, why
}

// carries are the kinds of routes that a listener's protocol takes.
var carries = map[string][]string{
	"HTTP": {"HTTPRoute", "GRPCRoute"}, "HTTPS": {"HTTPRoute", "GRPCRoute"}, "TLS": {"TLSRoute", "TCPRoute"}, "TCP": {"TCPRoute"}, "UDP": {"UDPRoute"},
}

func (e *Engine) admitsRoute(r *route, n *entry, l listener) (reach.Answer, string) {
	if r.kind == "VirtualService" {
		return reach.Yes, ""
	}
	kinds, known := carries[l.protocol]
	if known && !contains(kinds, r.kind) || l.kinds != nil && !contains(l.kinds, r.kind) || !hostsMeet(l.host, r.hosts) {
		return reach.No, ""
	}
	answer, why := reach.Yes, ""
	if !known {
		answer, why = reach.Unknown, "which routes listeners of the protocol "+l.protocol+" take is not known"
	}
	switch l.from {
	case "All":
	case "None":
		return reach.No, ""
	case "Selector":
		one := reach.Unknown
		if space := e.cluster.namespaces[r.ns]; space != nil {
			one = l.sel.matches(space.labels, space.known)
		}
		if one == reach.Unknown {
			why = "the labels of the namespace " + r.ns + " were not read"
		}
		answer = answer.And(one)
	default: // Same
		answer = answer.And(reach.Is(r.ns == n.ns))
	}
	return answer, why
}

// hostsMeet says whether a listener and a route have a name in common; either
// may have none, which is all names.
func hostsMeet(host string, hosts []string) bool {
	if host == "" || len(hosts) == 0 {
		return true
	}
	for _, h := range hosts {
		a, b := strings.ToLower(host), strings.ToLower(h)
		wildA, wildB := strings.HasPrefix(a, "*."), strings.HasPrefix(b, "*.")
		switch {
		case a == b,
			wildA && strings.HasSuffix(b, a[1:]),
			wildB && strings.HasSuffix(a, b[1:]):
			return true
		}
	}
	return false
}

// granted says whether the owner of a service lets a route of another
// namespace refer to it.
func (e *Engine) granted(r *route, i int) (reach.Answer, string) {
	ns := r.grants[i]
	if ns == "" {
		return reach.Yes, ""
	}
	name := strings.TrimPrefix(r.targets[i].service, ns+"/")
	for _, g := range e.cluster.edge.grants {
		if g.ns == ns && g.fromGroup == gatewayGroup && g.fromKind == r.kind && g.fromSpace == r.ns && (g.name == "" || g.name == name) {
			return reach.Yes, ""
		}
	}
	if why := e.cluster.edge.perhaps["ReferenceGrant"]; why != "" {
		return reach.Unknown, why
	}
	return reach.No, ""
}

// targetsOf are the services behind an entry, its own and those of its routes.
func (e *Engine) targetsOf(n *entry) []target {
	out := append([]target(nil), n.targets...)
	if n.kind != "gateway" && n.kind != "istio gateway" {
		return out
	}
	for _, r := range e.cluster.edge.routes {
		var ports, perhaps reach.Ports
		why := ""
		for _, l := range n.listeners {
			switch answer, doubt := e.attached(r, n, l); answer {
			case reach.Yes:
				ports = ports.Union(l.ports())
			case reach.Unknown:
				perhaps, why = perhaps.Union(l.ports()), doubt
			}
		}
		for i, t := range r.targets {
			leave, doubt := e.granted(r, i)
			if leave == reach.No {
				continue
			}
			if t.doubt == "" {
				t.doubt = doubt
			}
			if !ports.IsEmpty() {
				sure := t
				sure.ports = ports
				out = append(out, sure)
			}
			if !perhaps.IsEmpty() {
				t.ports = perhaps
				if t.doubt == "" {
					t.doubt = why
				}
				out = append(out, t)
			}
		}
	}
	for _, why := range e.cluster.edge.unread {
		out = append(out, target{ports: n.ports(), doubt: why})
	}
	return out
}
