package kube

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// told keeps the clearest of several answers with what explains it.
type told struct {
	result Result
	first  bool
}

func newTold() *told { return &told{first: true, result: Result{Reachable: reach.No}} }

// add takes in an answer on some ports.
func (t *told) add(answer reach.Answer, ports reach.Ports, path []string, because []Because) {
	switch answer {
	case reach.Yes:
		t.result.Ports = t.result.Ports.Union(ports)
	case reach.Unknown:
		t.result.Maybe = t.result.Maybe.Union(ports)
	}
	if better := t.result.Reachable.Or(answer); t.first || better != t.result.Reachable {
		t.result.Reachable, t.result.Path, t.result.Because, t.first = better, path, because, false
	}
}

func (t *told) done() Result {
	t.result.Maybe = t.result.Maybe.Minus(t.result.Ports)
	if n := len(t.result.Path); n > 2 {
		t.result.Via = t.result.Path[1 : n-1]
	}
	return t.result
}

// undecided is an answer that is Unknown as a whole.
func undecided(ports reach.Ports, why string, path ...string) Result {
	out := Result{Maybe: ports, Path: path, Because: []Because{{Effect: "cannot be decided", Reason: why}}}
	if len(path) > 2 {
		out.Via = path[1 : len(path)-1]
	}
	return out
}

// chosen narrows a question about a service.
type chosen struct {
	backend func(backend) bool // only these backends; nil is all
	fronts  []string           // only these ways in, for clients outside; none is all
}

// toService says which of a service's ports can be opened. A connection to a
// service becomes one to a pod behind it before policies are asked, so they
// see the pod and its port.
func (e *Engine) toService(from string, sources []point, s *service, ports reach.Ports, of chosen) Result {
	object := "service " + s.id()
	if why := e.noBackends(s); why != "" {
		return undecided(ports, why, from, object)
	}
	out := newTold()
	if s.headless { // its name is the pods' own addresses
		e.toHeadless(out, object, sources, s, ports, of)
		return out.done()
	}
	asked := false
	fronts := e.fronts(s)
	for _, p := range s.ports {
		backends := e.backends(s, p)
		for _, f := range fronts {
			dial := f.dial(p).Intersect(ports)
			if dial.IsEmpty() {
				continue
			}
			asked = true
			e.toFront(out, object, sources, s, f, dial, backends, of)
			if len(backends) == 0 {
				out.add(reach.No, dial, []string{from, object}, []Because{{Effect: strings.TrimSpace("nothing behind the service has its port " + cmp.Or(p.named, p.name))}})
			}
		}
	}
	if !asked {
		out.add(reach.No, reach.Ports{}, []string{from, object}, []Because{{Effect: "the service has none of these ports"}})
	}
	return out.done()
}

// toFront asks each client of each backend through one front.
func (e *Engine) toFront(out *told, object string, sources []point, s *service, f front, dial reach.Ports, backends []backend, of chosen) {
	refused := []string{object}
	if of.backend != nil {
		backends = slices.DeleteFunc(slices.Clone(backends), func(b backend) bool { return !of.backend(b) })
		if len(backends) == 0 {
			return
		}
		refused = append(refused, backends[0].text)
	}
	for _, src := range sources {
		if src.inside() && f.name != ownAddress && f.at == nil {
			continue // the same again
		}
		if !src.inside() && len(of.fronts) > 0 && !slices.Contains(of.fronts, f.name) {
			continue
		}
		admitted, why := f.admits(src)
		if admitted == reach.No {
			out.add(reach.No, dial, append([]string{src.text}, refused...), []Because{{Effect: "is not let in by " + f.name, Reason: why}})
			continue
		}
		who := f.seen(src)
		for _, b := range backends {
			answer, because := e.through(who, b)
			if f.at != nil && src.inside() {
				answer, because = e.byNodePort(s, f, src, b, dial)
			}
			switch near := e.sameNode(s, f, src, b); {
			case near == reach.No:
				answer, because = reach.No, []Because{{Effect: "leads to pods of the node alone, and this is on another"}}
			case near == reach.Unknown && answer == reach.Yes:
				answer, because = reach.Unknown, []Because{{Effect: "leads to pods of the node alone", Reason: "which node the pod or its client is on is not known"}}
			}
			if admitted == reach.Unknown && answer == reach.Yes {
				answer, because = reach.Unknown, []Because{{Effect: "may not be let in by " + f.name, Reason: why}}
			}
			out.add(answer, dial, []string{src.text, object, b.text}, because)
		}
	}
}

// sameNode says whether a front that leads only to pods of one node leads to a
// backend: Yes for all other fronts.
func (e *Engine) sameNode(s *service, f front, src point, b backend) reach.Answer {
	var at string
	switch {
	case f.at != nil && s.local && !src.inside():
		at = f.at.name
	case f.name == ownAddress && s.localInside && src.node != nil:
		at = src.node.name
	case f.name == ownAddress && s.localInside && src.pod != nil:
		if at = src.pod.Node; at == "" || src.pod.Replicas > 1 {
			return reach.Unknown
		}
	default:
		return reach.Yes
	}
	if b.pod == nil || b.pod.Node == "" || b.pod.Replicas > 1 {
		return reach.Unknown
	}
	return reach.Is(at == b.pod.Node)
}

// byNodePort is a client inside who dials a node's port: policies may see the
// client or a node as the one who connects, and the node or the pod as the one
// connected to.
func (e *Engine) byNodePort(s *service, f front, src point, b backend, dial reach.Ports) (reach.Answer, []Because) {
	direct, because := e.through(alone(src), b)
	masked := direct
	if !s.local {
		who := seen{}
		e.asNode(&who)
		masked, _ = e.through(who, b)
	}
	toNode, mayNode := e.openTo(egress, src.class, e.ofNode[f.at.name])
	_, mayPod := e.openTo(egress, src.class, b.class)
	switch {
	case direct == reach.Yes && masked == reach.Yes && toNode.Overlaps(dial):
		return reach.Yes, because
	case direct == reach.No && masked == reach.No, !mayNode.Overlaps(dial) && !mayPod.Overlaps(b.target):
		return reach.No, because
	}
	return reach.Unknown, append(because, Because{Effect: "may be seen otherwise on its way over a node's port", Reason: "whether policies see the node or the pod, and its client or a node, is left to the network"})
}

func (e *Engine) toHeadless(out *told, object string, sources []point, s *service, ports reach.Ports, of chosen) {
	for _, b := range e.backends(s, servicePort{}) {
		if of.backend != nil && !of.backend(b) {
			continue
		}
		for _, src := range sources {
			yes, may := e.pair(src, b.point)
			yes, may = yes.Intersect(ports), may.Intersect(ports)
			path := []string{src.text, object, b.text}
			switch {
			case !src.inside():
				out.add(reach.Unknown, may, path, []Because{{Effect: "may not be found from outside", Reason: "the name of a headless service is known inside the cluster only"}})
			case !yes.IsEmpty():
				out.add(reach.Yes, yes, path, e.explain(src, b.point, ports, reach.Yes))
				out.result.Maybe = out.result.Maybe.Union(may)
			case !may.IsEmpty():
				out.add(reach.Unknown, may, path, e.explain(src, b.point, ports, reach.Unknown))
			default:
				out.add(reach.No, reach.Ports{}, path, e.explain(src, b.point, ports, reach.No))
			}
		}
	}
}

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
	names := make([]string, 0, len(e.cluster.services))
	for id := range e.cluster.services {
		names = append(names, id)
	}
	sort.Strings(names)
	return names
}

// toAddrs is toward addresses of which some may be services' and some nodes',
// whose ports lead to pods.
func (e *Engine) toAddrs(from string, sources []point, to End, ports reach.Ports) Result {
	var taken reach.Addrs
	var nodes, rest []point
	out := newTold()
	merge := func(r Result) {
		if r.Reachable == reach.No || r.Ports.IsEmpty() {
			out.add(r.Reachable, r.Maybe, r.Path, r.Because)
			return
		}
		out.result.Maybe = out.result.Maybe.Union(r.Maybe)
		out.add(r.Reachable, r.Ports, r.Path, r.Because)
	}
	for _, id := range e.serviceNames() {
		s := e.cluster.services[id]
		var of chosen
		for name, ips := range map[string][]netip.Addr{ownAddress: s.clusterIPs, externalAddresses: s.externalIPs, loadBalancer: s.balancer.ips} {
			for _, a := range ips {
				if to.addrs.Has(a) {
					taken = taken.Union(reach.AddrOf(a))
					of.fronts = append(of.fronts, name)
				}
			}
		}
		if of.fronts != nil {
			merge(e.toService(from, sources, s, ports, of))
		}
	}
	to.addrs = to.addrs.Minus(taken)
	if !to.addrs.IsEmpty() {
		for _, p := range e.addrPoints(to) {
			if p.node != nil {
				nodes = append(nodes, p)
			} else {
				rest = append(rest, p)
			}
		}
	}
	if len(rest) > 0 {
		merge(e.between(sources, rest, ports))
	}
	for _, n := range nodes {
		left := ports
		for _, led := range e.ledAway(n.node) {
			if dial := led.dial.Intersect(ports); !dial.IsEmpty() {
				left = left.Minus(led.dial)
				led.ask(out, sources, dial)
			}
		}
		if !left.IsEmpty() {
			merge(e.between(sources, []point{n}, left))
		}
	}
	return out.done()
}

// ledAway are the ports of a node that lead to pods.
type ledAway struct {
	dial reach.Ports
	ask  func(out *told, sources []point, dial reach.Ports)
}

func (e *Engine) ledAway(n *node) []ledAway {
	var out []ledAway
	for _, id := range e.serviceNames() {
		s := e.cluster.services[id]
		for _, p := range s.ports {
			if p.node == 0 || s.broken != "" {
				continue
			}
			f := front{name: nodePorts, admits: func(point) (reach.Answer, string) { return reach.Yes, "" }, seen: e.maskedBy(s, false), at: n}
			out = append(out, ledAway{reach.Port(p.protocol, p.node), func(out *told, sources []point, dial reach.Ports) {
				e.toFront(out, "service "+s.id(), sources, s, f, dial, e.backends(s, p), chosen{})
			}})
		}
	}
	for _, pod := range e.cluster.pods {
		for _, h := range pod.HostPorts {
			if pod.Node != n.name || len(h.IPs) > 0 && !slices.ContainsFunc(h.IPs, func(a netip.Addr) bool { return a.IsUnspecified() || slices.Contains(n.ips, a) }) {
				continue
			}
			b := backend{e.podPoint(pod), reach.Port(h.Protocol, h.Port), true}
			out = append(out, ledAway{reach.Port(h.Protocol, h.Node), func(out *told, sources []point, dial reach.Ports) {
				for _, src := range sources {
					answer, because := e.through(alone(src), b)
					out.add(answer, dial, []string{src.text, hostPortText(n.name, h), b.text}, because)
				}
			}})
		}
	}
	return out
}

func hostPortText(node string, h HostPort) string {
	return strings.TrimSpace(fmt.Sprintf("host port %s/%d of node %s", h.Protocol, h.Node, node))
}
