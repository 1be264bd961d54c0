package kube

import (
	"fmt"
	"sort"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// toService says which of a service's ports can be opened. A connection to a
// service becomes one to a pod behind it before policies are asked, so they
// see the pod and its port.
func (e *Engine) toService(from End, sources []point, id string, ports reach.Ports) (Result, error) {
	s := e.cluster.services[id]
	if s == nil {
		return Result{}, fmt.Errorf("no service %s was read\nhint: name it NAMESPACE/NAME", id)
	}
	unknown := func(why string) (Result, error) {
		return Result{Maybe: ports, Path: []string{from.text, "service " + id}, Because: []Because{{Effect: "cannot be decided", Reason: why}}}, nil
	}
	backends := e.backends(s)
	switch {
	case s.kind == "ExternalName":
		return unknown("the service is a name of something outside")
	case s.selector == nil:
		return unknown("the service selects no pods; its endpoints are kept by something else")
	case len(backends) == 0:
		return unknown("no pod was read that the service selects")
	}
	if sources[0].pod == nil && sources[0].node == nil && s.kind != "LoadBalancer" && s.kind != "NodePort" {
		return unknown("a cluster's own service address is not routed from outside unless the network does so")
	}
	if s.headless { // its name is the pods' own addresses
		out := e.between(sources, backends, ports)
		out.Path = insert(out.Path, "service "+id)
		return out, nil
	}
	out := Result{Reachable: reach.No}
	told := false
	for _, p := range s.ports {
		if !ports.Has(p.protocol, p.port) {
			continue
		}
		r := e.servicePort(s, p, sources, backends)
		if one := reach.Port(p.protocol, p.port); r.Reachable == reach.Yes {
			out.Ports = out.Ports.Union(one)
		} else if r.Reachable == reach.Unknown {
			out.Maybe = out.Maybe.Union(one)
		}
		if better := out.Reachable.Or(r.Reachable); !told || better != out.Reachable {
			out.Path, out.Because, told = insert(r.Path, "service "+id), r.Because, true
		}
		out.Reachable = out.Reachable.Or(r.Reachable)
	}
	if !told {
		out.Path = []string{from.text, "service " + id}
		out.Because = []Because{{Effect: "the service has none of these ports"}}
	}
	return out, nil
}

// servicePort asks the pods behind one port of a service.
func (e *Engine) servicePort(s *service, p servicePort, sources, backends []point) Result {
	out := Result{Reachable: reach.No, Because: []Because{{Effect: "no pod behind the service has a port named " + p.named}}}
	first := true
	for _, b := range backends {
		target, sure := reach.Port(p.protocol, p.target), true
		if p.named != "" {
			if target, sure = e.classes[b.class].resolve(portMatch{named: p.named, protocol: p.protocol}); target.IsEmpty() {
				continue
			}
		}
		r := e.between(sources, []point{b}, target)
		if !sure && r.Reachable == reach.Yes && !r.Ports.Equal(target) {
			r.Reachable = reach.Unknown
		}
		if sources[0].pod == nil && sources[0].node == nil && !s.local {
			r = e.masked(r, b, target)
		}
		if first || out.Reachable != reach.Yes && r.Reachable.Or(out.Reachable) != out.Reachable {
			joined := out.Reachable.Or(r.Reachable)
			out, first = r, false
			out.Reachable = joined
		}
	}
	return out
}

// masked is an answer for a client outside whose address a node may replace by
// its own on the way (externalTrafficPolicy Cluster): sure only if the nodes
// get the same answer.
func (e *Engine) masked(r Result, b point, target reach.Ports) Result {
	same := len(e.cluster.nodes) > 0
	for _, n := range e.cluster.nodes {
		yes, may := e.openTo(ingress, b.class, e.ofNode[n.name])
		got := reach.No
		if yes.Overlaps(target) {
			got = reach.Yes
		} else if may.Overlaps(target) {
			got = reach.Unknown
		}
		same = same && got == r.Reachable
	}
	if !same {
		r.Reachable = reach.Unknown
		r.Because = append(r.Because, Because{Direction: "ingress", Effect: "sees a node's address instead of the client's", Reason: "externalTrafficPolicy is not Local, and policies treat nodes otherwise, or no node was read"})
	}
	return r
}

// backends are the pods behind a service.
func (e *Engine) backends(s *service) []point {
	if s.selector == nil {
		return nil
	}
	var out []point
	for _, i := range e.byNamespace[s.ns] {
		for _, p := range e.classes[i].pods {
			if s.selector.matches(p.Labels, true) == reach.Yes && p.Replicas > 0 {
				out = append(out, e.podPoint(p))
			}
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].text < out[j].text })
	return out
}

func insert(path []string, via string) []string {
	if len(path) < 2 {
		return append(path, via)
	}
	return []string{path[0], via, path[len(path)-1]}
}
