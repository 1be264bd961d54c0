package kube

import (
	"fmt"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// front is one way into a service.
type front struct {
	name   string
	dial   func(servicePort) reach.Ports // where it listens, for a port of the service
	admits func(point) (reach.Answer, string)
	seen   func(point) seen
	at     *node // of a node's port: the node dialled, nil if any may be
	memo   map[[2]int]forwarded
}

// forwarded is what does not hang on which node is dialled, for a client and a
// backend.
type forwarded struct {
	direct, masked reach.Answer
	because        reasons
}

// The ways into a service, as answers name them.
const (
	ownAddress        = "its own address"
	nodePorts         = "a port of the nodes"
	loadBalancer      = "a load balancer"
	externalAddresses = "external addresses"
)

// seen is who a client may appear to be to the pods behind a door. Which of
// them is not known, so an answer is sure only if all of them get it.
type seen struct {
	points []point
	cells  reach.Bits // classes of which it may be any; nil if there are none
	nodes  bool       // among them all nodes, by their addresses
	why    string     // why there is more than the client
}

func alone(p point) seen { return seen{points: []point{p}} }

// backend is a pod, node or address behind a port of a service.
type backend struct {
	point
	target reach.Ports
	sure   bool // each of target's ports is one it leads to
}

// through says whether a client who may be any of some gets to a backend.
func (e *Engine) through(s seen, b backend) (reach.Answer, reasons) {
	all, some := true, false
	unsure := false // whether the client itself gets there
	for i, p := range s.points {
		yes, may := e.pair(p, b.point)
		y := b.sure && yes.Overlaps(b.target) || yes.Covers(b.target)
		m := may.Overlaps(b.target)
		all, some = all && y, some || m
		unsure = unsure || i == 0 && m && !y
	}
	if s.cells != nil {
		y, m := e.fromAny(s.cells, b)
		all, some = all && y, some || m
		if s.nodes && b.pod != nil && !b.pod.HostNet {
			// A node always reaches its own pods, and what it forwards may or
			// may not count as its own.
			some = some || b.pod.Node == "" || e.cluster.nodes[b.pod.Node] != nil
		}
	}
	var answer reach.Answer
	switch {
	case b.target.IsEmpty() || !some:
		answer = reach.No
	case all:
		answer = reach.Yes
	}
	return answer, func() []Because { return e.throughBecause(s, b, answer, unsure) }
}

// fromAny says whether every class of some, and whether any of them, may
// connect to a backend.
func (e *Engine) fromAny(cells reach.Bits, b backend) (all, some bool) {
	g := e.sides[ingress].groupOf[b.class]
	if g < 0 {
		return true, true
	}
	var must reach.Ports
	for _, r := range e.open(e.sides[ingress].groups[g]) {
		if !r.ports.Overlaps(b.target) {
			continue
		}
		let := cells.Clone()
		let.Keep(r.may)
		e.dropFamilies(let, b.class)
		some = some || !let.IsEmpty()
		rest := cells.Clone()
		rest.Drop(r.must)
		e.dropFamilies(rest, b.class)
		if rest.IsEmpty() {
			must = must.Union(r.ports)
		}
	}
	return b.sure && must.Overlaps(b.target) || must.Covers(b.target), some
}

// dropFamilies leaves out the cells of a family of which a class has no
// address: nobody connects to it from there.
func (e *Engine) dropFamilies(cells reach.Bits, class int) {
	var has [2]bool
	for _, i := range e.classes[class].cells {
		has[e.edges[i].BitLen()/128] = true
	}
	if has[0] == has[1] {
		return
	}
	for i := range cells.All {
		if i >= e.firstCell && !has[e.edges[i-e.firstCell].BitLen()/128] {
			cells.Clear(i)
		}
	}
}

func (e *Engine) throughBecause(s seen, b backend, answer reach.Answer, unsure bool) []Because {
	if len(s.points) == 0 {
		if answer == reach.Unknown {
			return []Because{{Direction: "ingress", Effect: "may let it in", Reason: s.why}}
		}
		return nil
	}
	first := s.points[0]
	if answer != reach.Unknown {
		return e.explain(first, b.point, b.target, answer)
	}
	if unsure && b.sure {
		return e.explain(first, b.point, b.target, reach.Unknown)
	}
	// The client and those it may appear to be are treated otherwise.
	as := reach.No
	if yes, _ := e.pair(first, b.point); yes.Overlaps(b.target) {
		as = reach.Yes
	}
	because := e.explain(first, b.point, b.target, as)
	if s.why == "" {
		return append(because, Because{Direction: "ingress", Effect: "leads to one of its ports or another", Reason: "two containers of the pod claim the name of the port"})
	}
	return append(because, Because{Direction: "ingress", Effect: "may see another address than the client's", Reason: s.why})
}

// fronts are the ways into a service.
func (e *Engine) fronts(s *service) []front {
	port := func(p servicePort) reach.Ports { return reach.Port(p.protocol, p.port) }
	var out []front
	nodePort := func(p servicePort) reach.Ports {
		if p.node == 0 {
			return port(p) // the number is given when it is made
		}
		return reach.Port(p.protocol, p.node)
	}
	if s.kind == "NodePort" || s.kind == "LoadBalancer" && !s.balancer.noNodePorts {
		out = append(out, front{name: nodePorts, dial: nodePort, admits: e.admitsNode, seen: e.maskedBy(s, false)})
	}
	if s.kind == "LoadBalancer" {
		out = append(out, front{name: loadBalancer, dial: port, admits: e.admitsBalancer(s), seen: e.maskedBy(s, e.ownName(s))})
	}
	if len(s.externalIPs) > 0 {
		out = append(out, front{name: externalAddresses, dial: port, seen: e.maskedBy(s, false), admits: e.admitsAddresses(reach.Is(anyPublic(s.externalIPs)), "")})
	}
	// Last, since the others say more to clients outside.
	return append(out, front{name: ownAddress, dial: port, admits: e.admitsCluster(s), seen: e.maskedBy(s, false)})
}

// admitsCluster: a service's own address means something inside only, unless
// the network carries it outside.
func (e *Engine) admitsCluster(s *service) func(point) (reach.Answer, string) {
	return func(p point) (reach.Answer, string) {
		switch {
		case p.inside():
			return reach.Yes, ""
		case !p.addrs.IsEmpty() && public.Covers(p.addrs) && len(s.clusterIPs) > 0 && !anyPublic(s.clusterIPs):
			return reach.No, "a cluster's own service address is not routed in public"
		}
		return e.cluster.ServiceAddrsRouted, "a cluster's own service address is not routed from outside unless the network does so"
	}
}

// admitsAddresses is what listens on addresses that are public or not: clients
// with private addresses are taken to have a route.
func (e *Engine) admitsAddresses(isPublic reach.Answer, why string) func(point) (reach.Answer, string) {
	return func(p point) (reach.Answer, string) {
		switch {
		case p.inside() || !public.Covers(p.addrs):
			return reach.Yes, ""
		case isPublic == reach.No && why == "":
			why = "it has no public address"
		}
		return isPublic, why
	}
}

func (e *Engine) admitsNode(p point) (reach.Answer, string) {
	isPublic, why := e.publicNodes()
	if isPublic == reach.No {
		why = "no node has a public address"
	}
	return e.admitsAddresses(isPublic, why)(p)
}

func (e *Engine) admitsBalancer(s *service) func(point) (reach.Answer, string) {
	isPublic, why := s.balancer.public()
	if isPublic == reach.No {
		why = "the load balancer is internal"
	}
	hold, doubt := e.rangesHold(s)
	return e.admitsRanges(isPublic, why, s.balancer.sources, hold, doubt)
}

// admitsRanges is a load balancer that lets in the sources given, if any are,
// and others too if it is not known to hold to that.
func (e *Engine) admitsRanges(isPublic reach.Answer, why string, sources *reach.Addrs, hold reach.Answer, doubt string) func(point) (reach.Answer, string) {
	open := e.admitsAddresses(isPublic, why)
	return func(p point) (reach.Answer, string) {
		if sources == nil || p.inside() {
			return open(p)
		}
		in := p
		in.addrs = p.addrs.Intersect(*sources)
		inside, insideWhy := reach.No, fmt.Sprintf("only %s may use the load balancer", sources)
		if !in.addrs.IsEmpty() {
			inside, insideWhy = open(in)
		}
		if hold == reach.Yes || inside == reach.Yes || sources.Covers(p.addrs) {
			return inside, insideWhy
		}
		if all, allWhy := open(p); all == reach.No {
			return all, allWhy
		}
		return reach.Unknown, doubt
	}
}

// maskedBy is whom pods see of a client outside: itself, and unless the
// service keeps clients' addresses any of the nodes; and with ownName the load
// balancer, of which only that it is outside is known.
func (e *Engine) maskedBy(s *service, ownName bool) func(point) seen {
	return func(p point) seen {
		out := alone(p)
		if p.inside() {
			return out
		}
		if !s.local {
			e.asNode(&out)
			out.why = "externalTrafficPolicy is not Local, so a node's address may stand for the client's"
		}
		if ownName {
			e.asPrivate(&out)
			out.why = "the load balancer may connect in its own name"
		}
		return out
	}
}

// asNode adds the nodes, or if none was read all that a node may be.
func (e *Engine) asNode(s *seen) {
	if len(e.cluster.nodes) == 0 {
		e.asPrivate(s)
		return
	}
	if s.cells == nil {
		s.cells = reach.NewBits(len(e.classes))
	}
	s.nodes = true
	for _, i := range e.ofNode {
		s.cells.Set(i)
	}
}

// asPrivate adds every address outside that is not routed in public.
func (e *Engine) asPrivate(s *seen) { e.asCells(s, reach.AllIP.Minus(public)) }
