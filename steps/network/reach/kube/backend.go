package kube

import (
	"net/netip"
	"slices"
	"sort"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// noBackends says why what stands behind a service is not known, or "".
func (e *Engine) noBackends(s *service) string {
	switch {
	case s.broken != "":
		return s.broken
	case s.kind == "ExternalName":
		return "the service is a name of something outside"
	case s.selector == nil && len(e.cluster.endpoints[s.id()]) == 0:
		return "the service selects no pods, and its endpoints were not read"
	}
	if s.selector == nil {
		for _, set := range e.endpointsOf(s) {
			if set.broken != "" {
				return set.broken
			}
		}
	}
	if len(e.backends(s, servicePort{})) == 0 {
		return "no pod was read that the service selects"
	}
	return ""
}

// endpointsOf are a service's EndpointSlices, or where there are none its
// Endpoints.
func (e *Engine) endpointsOf(s *service) []*endpoints {
	all := e.cluster.endpoints[s.id()]
	slices := slices.DeleteFunc(slices.Clone(all), func(p *endpoints) bool { return !p.slice })
	if len(slices) > 0 {
		return slices
	}
	return all
}

// backends are what stands behind a port of a service; of the zero port, all
// that stands behind the service, on any port.
func (e *Engine) backends(s *service, p servicePort) []backend {
	if s.selector == nil {
		return e.endpointBackends(s, p)
	}
	var out []backend
	for _, pod := range e.selectedPods(s) {
		b := backend{point: pod, target: reach.Port(p.protocol, p.target), sure: true}
		switch {
		case p.port == 0:
			b.target = reach.Transport
		case p.named != "":
			if b.target, b.sure = e.classes[b.class].resolve(portMatch{named: p.named, protocol: p.protocol}); b.target.IsEmpty() {
				continue
			}
		}
		out = append(out, b)
	}
	return out
}

// selectedPods are the pods that a service's selector selects, by name.
func (e *Engine) selectedPods(s *service) []point {
	if found, ok := e.selected[s]; ok {
		return found
	}
	out := []point{}
	for _, i := range e.byNamespace[s.ns] {
		for _, p := range e.classes[i].pods {
			if p.Replicas > 0 && s.selector.matches(p.Labels, true) == reach.Yes {
				out = append(out, e.podPoint(p))
			}
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].text < out[j].text })
	e.selected[s] = out
	return out
}

func (e *Engine) endpointBackends(s *service, p servicePort) []backend {
	var out []backend
	for _, set := range e.endpointsOf(s) {
		target, sure := reach.Transport, p.port == 0
		if p.port != 0 && !set.any {
			target, sure = reach.Ports{}, true
			for _, q := range set.ports {
				if q.Name == p.name && q.Protocol == p.protocol {
					target = target.Union(reach.Port(q.Protocol, q.Port))
				}
			}
		}
		if target.IsEmpty() {
			continue
		}
		for _, a := range set.addrs {
			for _, at := range e.endpointPoints(a) {
				out = append(out, backend{at, target, sure})
			}
		}
	}
	return out
}

// endpointPoints is the pod, node or cell that an endpoint is.
func (e *Engine) endpointPoints(a endpoint) []point {
	if p := e.cluster.podByName[a.pod]; p != nil {
		return []point{e.podPoint(p)}
	}
	if p := e.podAt()[a.ip]; p != nil {
		return []point{e.podPoint(p)}
	}
	for _, name := range e.nodeNames() {
		if n := e.cluster.nodes[name]; slices.Contains(n.ips, a.ip) {
			return []point{{class: e.ofNode[name], node: n, text: "node " + name}}
		}
	}
	return e.cellPoints(reach.AddrOf(a.ip), a.ip.String())
}

// podAt is the pods by their addresses; those on their node's network have
// none of their own.
func (e *Engine) podAt() map[netip.Addr]*Pod {
	if e.byIP == nil {
		e.byIP = map[netip.Addr]*Pod{}
		for _, p := range e.cluster.pods {
			for _, a := range p.IPs {
				if !p.HostNet {
					e.byIP[a] = p
				}
			}
		}
	}
	return e.byIP
}

func (e *Engine) nodeNames() []string {
	if e.sortedNodes == nil {
		for name := range e.cluster.nodes {
			e.sortedNodes = append(e.sortedNodes, name)
		}
		sort.Strings(e.sortedNodes)
	}
	return e.sortedNodes
}

// serviceNames are the services read, by name.
func (e *Engine) serviceNames() []string {
	if e.sortedServices != nil {
		return e.sortedServices
	}
	names := make([]string, 0, len(e.cluster.services))
	for id := range e.cluster.services {
		names = append(names, id)
	}
	sort.Strings(names)
	e.sortedServices = names
	return names
}
