package kube

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// chosen narrows a question about a service.
type chosen struct {
	backend func(backend) bool // only these backends; nil is all
	fronts  []string           // only these ways in, for clients outside; none is all
	per     map[string]*told   // filled with the answer for each pod; nil if nobody asks
}

// toService says which of a service's ports can be opened. A connection to a
// service becomes one to a pod behind it before policies are asked, so they
// see the pod and its port.
func (e *Engine) toService(from string, sources []point, s *service, ports reach.Ports, of chosen) Result {
	object := "service " + s.id()
	if t := e.meant(s); t != s && t != nil && !slices.ContainsFunc(sources, func(p point) bool { return !p.inside() }) {
		r := e.toService(from, sources, t, ports, of)
		if len(r.Path) > 0 {
			r.Path = slices.Insert(slices.Clone(r.Path), 1, object)
			r.Via = append([]string{object}, r.Via...)
		}
		return r
	}
	if why := e.noBackends(s); why != "" {
		return undecided(ports, why, from, object)
	}
	out := newTold()
	out.per = of.per
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
				out.add(reach.No, dial, []string{from, object}, say(Because{Effect: strings.TrimSpace("nothing behind the service has its port " + cmp.Or(p.named, p.name))}))
			}
		}
	}
	if !asked {
		out.add(reach.No, reach.Ports{}, []string{from, object}, say(Because{Effect: "the service has none of these ports"}))
	}
	return out.done()
}

// meant is the service that an ExternalName is another name of, in the same
// cluster; nil if it is none, or one in a circle.
func (e *Engine) meant(s *service) *service {
	for range 10 {
		if s == nil || s.kind != "ExternalName" {
			return s
		}
		name, rest, _ := strings.Cut(strings.TrimSuffix(s.alias, "."), ".")
		ns, tail, _ := strings.Cut(rest, ".")
		if tail != "svc" && tail != "svc.cluster.local" {
			return nil
		}
		s = e.cluster.services[ns+"/"+name]
	}
	return nil
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
	for i, src := range sources {
		if src.inside() && f.name != ownAddress && f.at == nil {
			continue // the same again
		}
		if !src.inside() && len(of.fronts) > 0 && !slices.Contains(of.fronts, f.name) {
			continue
		}
		admitted, why := f.admits(src)
		if admitted == reach.No {
			out.add(reach.No, dial, append([]string{src.text}, refused...), say(Because{Effect: "is not let in by " + f.name, Reason: why}))
			continue
		}
		who := f.seen(src)
		for j, b := range backends {
			w, ok := f.memo[[2]int{i, j}]
			if !ok {
				w.direct, w.because = e.through(who, b)
				if w.masked = w.direct; f.at != nil && src.inside() && !s.local {
					nodes := seen{}
					e.asNode(&nodes)
					w.masked, _ = e.through(nodes, b)
				}
				if f.memo != nil {
					f.memo[[2]int{i, j}] = w
				}
			}
			answer, because := w.direct, w.because
			if f.at != nil && src.inside() {
				answer, because = e.byNodePort(w, f, src, b, dial)
			}
			switch near := e.sameNode(s, f, src, b); {
			case near == reach.No:
				answer, because = reach.No, say(Because{Effect: "leads to pods of the node alone, and this is on another"})
			case near == reach.Unknown && answer == reach.Yes:
				answer, because = reach.Unknown, say(Because{Effect: "leads to pods of the node alone", Reason: "which node the pod or its client is on is not known"})
			}
			if admitted == reach.Unknown && answer == reach.Yes {
				answer, because = reach.Unknown, say(Because{Effect: "may not be let in by " + f.name, Reason: why})
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
func (e *Engine) byNodePort(w forwarded, f front, src point, b backend, dial reach.Ports) (reach.Answer, reasons) {
	toNode, mayNode := e.openTo(egress, src.class, e.ofNode[f.at.name])
	_, mayPod := e.openTo(egress, src.class, b.class)
	switch {
	case w.direct == reach.Yes && w.masked == reach.Yes && toNode.Overlaps(dial):
		return reach.Yes, w.because
	case w.direct == reach.No && w.masked == reach.No, !mayNode.Overlaps(dial) && !mayPod.Overlaps(b.target):
		return reach.No, w.because
	}
	return reach.Unknown, w.because.and(Because{Effect: "may be seen otherwise on its way over a node's port", Reason: "whether policies see the node or the pod, and its client or a node, is left to the network"})
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
				out.add(reach.Unknown, may, path, say(Because{Effect: "may not be found from outside", Reason: "the name of a headless service is known inside the cluster only"}))
			case !yes.IsEmpty():
				out.add(reach.Yes, yes, path, e.reasons(src, b.point, ports, reach.Yes))
				out.result.Maybe = out.result.Maybe.Union(may)
			case !may.IsEmpty():
				out.add(reach.Unknown, may, path, e.reasons(src, b.point, ports, reach.Unknown))
			default:
				out.add(reach.No, reach.Ports{}, path, e.reasons(src, b.point, ports, reach.No))
			}
		}
	}
}
