package kube

import (
	"encoding/json"
	"net/netip"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// readIngress reads networking.k8s.io/v1 Ingress: which services it hands
// connections on to. Hosts and paths do not count: whoever reaches the
// controller may ask for any of them.
func readIngress(c *Cluster, f fields, ns, name string) {
	spec, meta := f.obj("spec"), f.obj("metadata")
	n := &entry{kind: "ingress", ns: inDefault(ns), name: name, class: spec.str("ingressClassName"), annotations: meta.labels("annotations")}
	n.id = "ingress " + n.ns + "/" + name
	if n.class == "" {
		n.class = n.annotations["kubernetes.io/ingress.class"]
	}
	n.listeners = httpListeners(80, 443)
	if text := n.annotations["alb.ingress.kubernetes.io/listen-ports"]; text != "" {
		n.listeners = albListeners(meta, text)
	}
	for _, key := range []string{"defaultBackend", "backend"} {
		if spec.has(key) {
			n.targets = append(n.targets, ingressBackend(spec.obj(key), n))
		}
	}
	for _, r := range spec.objs("rules") {
		for _, p := range r.obj("http").objs("paths") {
			n.targets = append(n.targets, ingressBackend(p.obj("backend"), n))
		}
	}
	n.addressesOf(f.obj("status").obj("loadBalancer").objs("ingress"), "ip", "hostname")
	c.edge.entries[n.id] = n
}

func ingressBackend(f fields, n *entry) target {
	t := target{ports: n.ports()}
	if f.has("serviceName") { // before networking.k8s.io/v1
		t.service = n.ns + "/" + f.str("serviceName")
		if port, ok := whole(f.m["servicePort"]); ok && port > 0 && port < 65536 {
			t.number = uint16(port)
		} else {
			t.named = f.str("servicePort")
		}
		return t
	}
	if !f.has("service") {
		t.doubt = f.at + ": a backend that is no service is not understood"
		return t
	}
	s := f.obj("service")
	t.service = n.ns + "/" + s.str("name")
	port := s.obj("port")
	t.named = port.str("name")
	if port.has("number") {
		t.number = uint16(port.number("number", 0, 65535))
	}
	return t
}

// addressesOf reads what a status says of addresses.
func (n *entry) addressesOf(list []fields, ip, hostname string) {
	for _, one := range list {
		if text := one.str(ip); text != "" {
			if a, err := netip.ParseAddr(text); err == nil {
				n.ips = append(n.ips, a.Unmap())
			} else {
				n.hostnames = append(n.hostnames, text)
			}
		}
		if text := one.str(hostname); hostname != ip && text != "" {
			n.hostnames = append(n.hostnames, text)
		}
	}
}

// albListeners reads '[{"HTTP": 80}, {"HTTPS": 443}]'.
func albListeners(f fields, text string) []listener {
	var list []map[string]uint16
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		f.fault("annotation alb.ingress.kubernetes.io/listen-ports: %v", err)
	}
	var out []listener
	for _, one := range list {
		for _, port := range one {
			out = append(out, httpListeners(port)...)
		}
	}
	return out
}

func readIngressClass(c *Cluster, f fields, _, name string) {
	spec := f.obj("spec")
	k := &routeClass{controller: spec.str("controller")}
	if p := spec.obj("parameters"); p.m != nil {
		k.params = p.str("kind") + " " + p.str("name")
	}
	c.edge.classes["IngressClass "+name] = k
	if f.obj("metadata").labels("annotations")["ingressclass.kubernetes.io/is-default-class"] == "true" {
		c.edge.defaults = append(c.edge.defaults, name)
	}
}

// readIngressClassParams reads elbv2.k8s.aws IngressClassParams, which go
// before the annotations of Ingresses.
func readIngressClassParams(c *Cluster, f fields, _, name string) {
	spec := f.obj("spec")
	k := &routeClass{scheme: spec.str("scheme")}
	if list := spec.strs("inboundCIDRs"); len(list) > 0 {
		var in reach.Addrs
		for _, text := range list {
			in = in.Union(spec.cidr(text))
		}
		k.sources = &in
	}
	c.edge.classes["IngressClassParams "+name] = k
}

// readRoute reads route.openshift.io/v1 Route, which OpenShift's router
// carries.
func readRoute(c *Cluster, f fields, ns, name string) {
	spec := f.obj("spec")
	n := &entry{kind: "route", ns: inDefault(ns), name: name, class: "openshift-default", listeners: httpListeners(80, 443)}
	n.id = "route " + n.ns + "/" + name
	port := spec.obj("port")
	for _, to := range append([]fields{spec.obj("to")}, spec.objs("alternateBackends")...) {
		t := target{ports: n.ports(), service: n.ns + "/" + to.str("name")}
		// The name is of the service's port or the target's; the number is the
		// pods'.
		switch v := port.m["targetPort"].(type) {
		case nil:
		case string:
			t.named = v
		default:
			if number, ok := whole(v); ok && number > 0 && number < 65536 {
				t.named = "target " + portNumber(number)
			}
		}
		if kind := to.str("kind"); kind != "" && kind != "Service" {
			t.doubt = to.at + ": kind " + kind + " is not understood"
		}
		n.targets = append(n.targets, t)
	}
	c.edge.entries[n.id] = n
}

func portNumber(n int64) string {
	return strings.TrimPrefix(reach.Port(reach.TCP, uint16(n)).String(), "tcp/")
}
