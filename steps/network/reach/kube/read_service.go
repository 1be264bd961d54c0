package kube

import (
	"net/netip"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// service is a Service: a name and ports before pods.
type service struct {
	ns, name string
	kind     string // ClusterIP, NodePort, LoadBalancer, ExternalName
	headless bool
	selector *selector // nil: its endpoints are kept by something else
	ports    []servicePort
	broken   string // why it was not understood; then nothing else holds
	alias    string // of an ExternalName: the name

	local       bool // externalTrafficPolicy: Local, the client's address stays
	localInside bool // internalTrafficPolicy: Local, only pods on the client's node
	clusterIPs  []netip.Addr
	externalIPs []netip.Addr
	balancer    balancer
}

// balancer is what was read of a service's load balancer.
type balancer struct {
	class       string // spec.loadBalancerClass
	annotations map[string]string
	ips         []netip.Addr
	hostnames   []string
	proxied     bool         // it hands connections on in its own name (ipMode: Proxy)
	sources     *reach.Addrs // who may connect; nil: anybody
	noNodePorts bool
}

type servicePort struct {
	name     string
	protocol reach.Protocol
	port     uint16
	target   uint16 // 0 if named
	named    string
	node     uint16 // 0 if the nodes have none, or none yet
}

func (s *service) id() string { return s.ns + "/" + s.name }

// endpoints is one EndpointSlice, or one subset of an Endpoints.
type endpoints struct {
	slice  bool
	addrs  []endpoint
	ports  []ContainerPort // by the names of the service's ports
	any    bool            // ports were not named: any of the service's
	broken string
}

type endpoint struct {
	ip  netip.Addr
	pod string // NAMESPACE/NAME, empty if it is none
}

func inDefault(ns string) string {
	if ns == "" {
		return "default"
	}
	return ns
}

func readService(c *Cluster, f fields, ns, name string) {
	spec := f.obj("spec")
	s := &service{
		ns: inDefault(ns), name: name, kind: spec.str("type"), headless: spec.str("clusterIP") == "None",
		local: spec.str("externalTrafficPolicy") == "Local", localInside: spec.str("internalTrafficPolicy") == "Local",
		externalIPs: addresses(spec, "externalIPs"), alias: spec.str("externalName"),
	}
	if !s.headless {
		s.clusterIPs = addresses(spec, "clusterIPs")
		if len(s.clusterIPs) == 0 {
			s.clusterIPs = address(spec, "clusterIP")
		}
	}
	if labels := spec.labels("selector"); len(labels) > 0 {
		s.selector = selectorOfLabels(labels)
	}
	for _, p := range spec.objs("ports") {
		q := servicePort{name: p.str("name"), protocol: p.protocol("protocol", reach.TCP), port: uint16(p.number("port", 1, 65535))}
		q.target = q.port
		switch t := p.m["targetPort"].(type) {
		case nil:
		case string:
			q.target, q.named = 0, t
		default:
			if n, _ := whole(t); n != 0 {
				q.target = uint16(p.number("targetPort", 1, 65535))
			}
		}
		if p.has("nodePort") {
			q.node = uint16(p.number("nodePort", 0, 65535))
		}
		s.ports = append(s.ports, q)
	}
	readBalancer(s, f)
	c.services[s.id()] = s
}

// The annotation is the older way to say what loadBalancerSourceRanges says.
const sourceRanges = "service.beta.kubernetes.io/load-balancer-source-ranges"

func readBalancer(s *service, f fields) {
	spec, b := f.obj("spec"), &s.balancer
	b.class, b.annotations = spec.str("loadBalancerClass"), f.obj("metadata").labels("annotations")
	b.noNodePorts = spec.has("allocateLoadBalancerNodePorts") && !spec.flag("allocateLoadBalancerNodePorts")
	ranges := spec.strs("loadBalancerSourceRanges")
	if text := b.annotations[sourceRanges]; len(ranges) == 0 && text != "" {
		ranges = strings.Split(text, ",")
	}
	if len(ranges) > 0 {
		var in reach.Addrs
		for _, text := range ranges {
			in = in.Union(spec.cidr(strings.TrimSpace(text)))
		}
		b.sources = &in
	}
	if s.kind != "LoadBalancer" {
		return // what is left in the status is of a load balancer that is gone
	}
	b.ips = address(spec, "loadBalancerIP")
	if in := f.obj("status").obj("loadBalancer").objs("ingress"); len(in) > 0 {
		b.ips = nil
		for _, one := range in {
			b.ips = append(b.ips, address(one, "ip")...)
			if h := one.str("hostname"); h != "" {
				b.hostnames = append(b.hostnames, h)
			}
			b.proxied = b.proxied || one.str("ipMode") == "Proxy"
		}
	}
}

func selectorOfLabels(labels map[string]string) *selector {
	var reqs []requirement
	for k, v := range labels {
		reqs = append(reqs, requirement{k, "In", []string{v}})
	}
	return newSelector(reqs)
}

func addresses(f fields, key string) []netip.Addr {
	var out []netip.Addr
	for _, text := range f.strs(key) {
		a, err := netip.ParseAddr(text)
		if err != nil {
			f.fault("%s: %q is no address", key, text)
			continue
		}
		out = append(out, a.Unmap())
	}
	return out
}

// serviceOf is the label that ties an EndpointSlice to its service.
const serviceOf = "kubernetes.io/service-name"

// readEndpointSlice reads discovery.k8s.io/v1 EndpointSlice. Whether an
// endpoint is ready does not count: one that is not may be in a moment.
func readEndpointSlice(c *Cluster, f fields, ns, _ string) {
	name := f.obj("metadata").labels("labels")[serviceOf]
	if name == "" {
		return // of no service
	}
	out := &endpoints{slice: true, ports: endpointPorts(f, "ports"), any: !f.has("ports")}
	if t := f.str("addressType"); t == "FQDN" {
		out.broken = f.at + ": its endpoints are names of domains"
	}
	for _, e := range f.objs("endpoints") {
		if out.broken == "" {
			for _, a := range addresses(e, "addresses") {
				out.addrs = append(out.addrs, endpoint{a, targetPod(e, ns)})
			}
		}
	}
	id := inDefault(ns) + "/" + name
	c.endpoints[id] = append(c.endpoints[id], out)
}

// readEndpoints reads v1 Endpoints, which the API mirrors into slices: it
// counts where no slice was read.
func readEndpoints(c *Cluster, f fields, ns, name string) {
	id := inDefault(ns) + "/" + name
	for _, s := range f.objs("subsets") {
		out := &endpoints{ports: endpointPorts(s, "ports")}
		for _, list := range []string{"addresses", "notReadyAddresses"} {
			for _, a := range s.objs(list) {
				for _, ip := range address(a, "ip") {
					out.addrs = append(out.addrs, endpoint{ip, targetPod(a, ns)})
				}
			}
		}
		c.endpoints[id] = append(c.endpoints[id], out)
	}
}

func endpointPorts(f fields, key string) []ContainerPort {
	var out []ContainerPort
	for _, p := range f.objs(key) {
		if p.has("port") {
			out = append(out, ContainerPort{p.str("name"), p.protocol("protocol", reach.TCP), uint16(p.number("port", 1, 65535))})
		}
	}
	return out
}

func targetPod(f fields, ns string) string {
	ref := f.obj("targetRef")
	if ref.str("kind") != "Pod" {
		return ""
	}
	if own := ref.str("namespace"); own != "" {
		ns = own
	}
	return inDefault(ns) + "/" + ref.str("name")
}
