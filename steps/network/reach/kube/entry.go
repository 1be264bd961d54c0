package kube

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// IngressEnd is an Ingress by NAMESPACE/NAME: all services it hands
// connections on to. Like a service it can only be reached.
func IngressEnd(id string) End { return entryEnd("ingress", id) }

// GatewayEnd is a Gateway of the Gateway API by NAMESPACE/NAME, with its
// routes.
func GatewayEnd(id string) End { return entryEnd("gateway", id) }

// IstioGatewayEnd is a Gateway of Istio's by NAMESPACE/NAME, with its
// VirtualServices.
func IstioGatewayEnd(id string) End { return entryEnd("istio gateway", id) }

// RouteEnd is a Route of OpenShift's by NAMESPACE/NAME.
func RouteEnd(id string) End { return entryEnd("route", id) }

func entryEnd(kind, id string) End {
	return End{entry: kind + " " + id, text: kind + " " + id}
}

func (e *Engine) toEntryNamed(from string, sources []point, to End, ports reach.Ports) (Result, error) {
	n := e.cluster.edge.entries[to.entry]
	if n == nil {
		return Result{}, fmt.Errorf("no %s was read\nhint: name it NAMESPACE/NAME", to.text)
	}
	return e.toEntry(from, sources, n, ports, chosen{}), nil
}

// toEntry says whether clients get to the services behind an entry: first to
// whoever carries its connections, from there to the pods. Ports are those the
// entry is dialled on.
func (e *Engine) toEntry(from string, sources []point, n *entry, ports reach.Ports, of chosen) Result {
	if n.broken != "" {
		return undecided(ports, n.broken, from, n.id)
	}
	out := newTold()
	out.per = of.per
	c := e.carrier(n)
	first := map[int]leg{}
	for _, t := range e.targetsOf(n) {
		dial := t.ports.Intersect(ports)
		if dial.IsEmpty() {
			continue
		}
		for i, src := range sources {
			e.toTarget(out, src, func() leg {
				if _, ok := first[i]; !ok {
					first[i] = e.firstLeg(src, n, c)
				}
				return first[i]
			}, n, t, c, dial, of.backend)
		}
	}
	if out.first && of.backend == nil {
		out.add(reach.No, reach.Ports{}, []string{from, n.id}, say(Because{Effect: "hands nothing on, on these ports"}))
	}
	return out.done()
}

// leg is how a client gets to who carries an entry's connections: one answer
// for each of the carrier's pods, or one alone.
type leg struct {
	pods [][]step
	step // of what is no pod
}

type step struct {
	answer  reach.Answer
	via     []string
	because reasons
}

func (e *Engine) firstLeg(src point, n *entry, c carrier) leg {
	switch {
	case c.unknown != "":
		return leg{step: step{answer: reach.Unknown, because: say(Because{Effect: "may be carried on", Reason: c.unknown})}}
	case c.cloud:
		answer, why := e.admitsRanges(c.public, c.publicWhy, c.sources, c.hold, c.holdWhy)(src)
		one := step{answer: answer, via: []string{"load balancer of " + n.id}}
		if answer != reach.Yes {
			one.because = say(Because{Effect: "is not let in by the load balancer of " + n.id, Reason: why})
		}
		return leg{step: one}
	}
	var out leg
	for _, g := range c.groups {
		steps := make([]step, len(g))
		for i, pod := range g {
			steps[i] = e.toCarrier(src, pod)
		}
		out.pods = append(out.pods, steps)
	}
	return out
}

// toCarrier is a client on its way to a pod that carries an entry's
// connections: straight if it is inside, else through the pod's services, the
// ports of its node, or its node's own address.
func (e *Engine) toCarrier(src, pod point) step {
	if src.inside() {
		answer, because := e.through(alone(src), backend{pod, reach.AllOf(reach.TCP), true})
		return step{answer, nil, because}
	}
	best := newTold()
	for _, s := range e.servicesOf(pod.pod) {
		if s.headless {
			continue
		}
		r := e.toService(src.text, []point{src}, s, reach.Transport, chosen{backend: func(b backend) bool { return b.pod == pod.pod }})
		best.add(r.Reachable, reach.Ports{}, []string{"service " + s.id()}, say(r.Because...))
	}
	e.overNode(best, src, pod)
	if best.first {
		return step{reach.Unknown, nil, say(Because{Effect: "may get to " + pod.text, Reason: "no service before it was read, so how clients outside get to it is not known"})}
	}
	return step{best.result.Reachable, best.result.Path, say(best.result.Because...)}
}

// overNode is a client outside who dials a port of the pod's node, or the node
// itself if the pod is on its network.
func (e *Engine) overNode(out *told, src, pod point) {
	if pod.pod == nil || !pod.pod.HostNet && len(pod.pod.HostPorts) == 0 {
		return
	}
	admitted, why := e.admitsNodeOf(pod.pod, src)
	if admitted == reach.No {
		out.add(reach.No, reach.Ports{}, nil, say(Because{Effect: "is not let in by the pod's node", Reason: why}))
		return
	}
	target := reach.Transport
	via := []string{"node " + pod.pod.Node}
	if !pod.pod.HostNet {
		target = reach.Ports{}
		for _, h := range pod.pod.HostPorts {
			target = target.Union(reach.Port(h.Protocol, h.Port))
			via = []string{hostPortText(pod.pod.Node, h)}
		}
	}
	answer, because := e.through(alone(src), backend{pod, target, true})
	if answer == reach.Yes && admitted == reach.Unknown {
		answer, because = reach.Unknown, say(Because{Effect: "may be let in by the pod's node", Reason: why})
	}
	out.add(answer, reach.Ports{}, via, because)
}

// admitsNodeOf says whether a client outside gets to the node of a pod.
func (e *Engine) admitsNodeOf(p *Pod, src point) (reach.Answer, string) {
	n := e.cluster.nodes[p.Node]
	if n == nil || len(n.ips) == 0 {
		return e.admitsAddresses(reach.Unknown, "the address of the pod's node is not known")(src)
	}
	return e.admitsAddresses(reach.Is(anyPublic(n.ips)), "the pod's node has no public address")(src)
}

// toTarget is the second leg, from the carrier to the pods behind one target,
// joined to the first.
func (e *Engine) toTarget(out *told, src point, first func() leg, n *entry, t target, c carrier, dial reach.Ports, only func(backend) bool) {
	path := func(via []string, carrier, end string) []string {
		p := append([]string{src.text}, via...)
		for _, one := range []string{carrier, n.id, t.route} {
			if one != "" {
				p = append(p, one)
			}
		}
		if t.service != "" {
			p = append(p, "service "+t.service)
		}
		if end != "" {
			p = append(p, end)
		}
		return p
	}
	backends, why := e.targetBackends(&t)
	if why != "" {
		if only == nil || t.service == "" {
			out.add(reach.Unknown, dial, path(first().via, "", "what is not known"), say(Because{Effect: "hands connections on to what is not known", Reason: why}))
		}
		return
	}
	for _, b := range backends {
		if only != nil && !only(b) {
			continue
		}
		answer, at, because := e.carry(first(), c, b)
		if answer == reach.Yes && t.doubt != "" {
			answer, because = reach.Unknown, say(Because{Effect: "may hand connections on to it", Reason: t.doubt})
		}
		out.add(answer, dial, path(at.via, at.carrier, b.text), because)
	}
}

type carriedAt struct {
	via     []string
	carrier string
}

// carry joins both legs.
func (e *Engine) carry(l leg, c carrier, b backend) (reach.Answer, carriedAt, reasons) {
	if c.groups == nil {
		appears := c.appears
		if c.unknown != "" {
			appears = seen{cells: e.full, why: c.unknown}
		}
		second, because := e.through(appears, b)
		both := l.answer.And(second)
		if l.answer == both && l.answer != reach.Yes {
			because = l.because
		}
		if both == reach.No && second == reach.No && l.answer != reach.No {
			because = say(Because{Direction: "ingress", Effect: "lets nothing in that the load balancer could send"})
		}
		return both, carriedAt{via: l.via}, because
	}
	// Any pod of a workload will do; which workload it is is not known.
	all := true
	var best struct {
		answer  reach.Answer
		at      carriedAt
		because reasons
		told    bool
	}
	for i, g := range c.groups {
		group := reach.No
		for j, pod := range g {
			first := l.pods[i][j]
			second, because := e.through(alone(pod), b)
			both := first.answer.And(second)
			if first.answer == both && both != reach.Yes {
				because = first.because
			}
			group = group.Or(both)
			if !best.told || best.answer.Or(both) != best.answer {
				best.answer, best.at, best.because, best.told = both, carriedAt{first.via, pod.text}, because, true
			}
		}
		all = all && group == reach.Yes
	}
	if best.answer == reach.Yes && !all {
		best.answer = reach.Unknown
		best.because = best.because.and(Because{Effect: "may be carried by other pods", Reason: "more than one workload may carry it, and they are treated otherwise"})
	}
	return best.answer, best.at, best.because
}

// targetBackends are what stands behind a target, or why that is not known.
func (e *Engine) targetBackends(t *target) ([]backend, string) {
	if t.service == "" {
		return nil, t.doubt
	}
	s := e.cluster.services[t.service]
	if s == nil {
		return nil, "the service " + t.service + " was not read"
	}
	if why := e.noBackends(s); why != "" {
		return nil, why
	}
	var out []backend
	wanted := strings.TrimPrefix(t.named, "target ")
	for _, p := range s.ports {
		byTarget := t.named != "" && (p.named == wanted || portNumber(int64(p.target)) == wanted && wanted != t.named)
		if t.number != 0 && p.port != t.number || t.named != "" && p.name != t.named && !byTarget {
			continue
		}
		out = append(out, e.backends(s, p)...)
	}
	if len(out) > 0 || t.number == 0 || t.route != "" {
		return out, ""
	}
	for _, p := range s.ports {
		if p.target == t.number {
			out = append(out, e.backends(s, p)...)
			t.doubt = cmp.Or(t.doubt, "the port is the pods' and not the service's, which some controllers take all the same")
		}
	}
	return out, ""
}

// servicesOf are the services that lead to a pod.
func (e *Engine) servicesOf(p *Pod) []*service {
	if e.leading == nil {
		e.leading = map[*Pod][]*service{}
		for _, id := range e.serviceNames() {
			s := e.cluster.services[id]
			if e.noBackends(s) != "" {
				continue
			}
			for _, b := range e.backends(s, servicePort{}) {
				if b.pod != nil && !slices.Contains(e.leading[b.pod], s) {
					e.leading[b.pod] = append(e.leading[b.pod], s)
				}
			}
		}
	}
	return e.leading[p]
}
