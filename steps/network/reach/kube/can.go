package kube

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// End is one end of a connection: a pod, a node, a service or addresses.
type End struct {
	pod, node, service string
	entry              string // id of what stands at the edge: "ingress NAMESPACE/NAME"
	addrs              reach.Addrs
	world              bool // outside by what it says: no address of the cluster's own is meant
	text               string
}

// PodEnd is a pod by NAMESPACE/NAME, or a template by NAMESPACE/KIND/NAME.
func PodEnd(id string) End { return End{pod: id, text: "pod " + id} }

// NodeEnd is a node by name: its own processes, the kubelet among them.
func NodeEnd(name string) End { return End{node: name, text: "node " + name} }

// ServiceEnd is a service by NAMESPACE/NAME. It can only be reached, not reach.
func ServiceEnd(id string) End { return End{service: id, text: "service " + id} }

// AddrEnd is any of some addresses. Pods and nodes that have one of them are
// meant as well.
func AddrEnd(addrs reach.Addrs) End { return End{addrs: addrs, text: addrs.String()} }

// Internet is any address that is routed in public, other than those of the
// cluster's own pods, nodes and services.
func Internet() End { return End{addrs: public, world: true, text: "internet"} }

// public is the addresses that are routed in public.
var public = func() reach.Addrs {
	var private reach.Addrs
	for _, p := range []string{"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3", "::/16", "fc00::/7", "fe80::/10", "ff00::/8"} {
		private = private.Union(reach.AddrsOf(netip.MustParsePrefix(p)))
	}
	return reach.AllIP.Minus(private)
}()

// Because is one thing that decided: a policy, which rule of it, and what it
// did.
type Because struct {
	Direction string `json:"direction"`        // egress or ingress, seen from the pod selected
	Policy    string `json:"policy,omitempty"` // kind, namespace and name; empty if no policy selects the pod
	Rule      string `json:"rule,omitempty"`   // place in the policy; empty if no rule of it matched
	Effect    string `json:"effect"`           // what it did, a few words
	Reason    string `json:"reason,omitempty"` // why it is not known
}

// Result is the answer to one question. Ports are those of the pods reached,
// or of the service if one was asked for.
type Result struct {
	Reachable reach.Answer // Yes if some port surely is, else Unknown if some may be
	Ports     reach.Ports  // surely reachable
	Maybe     reach.Ports  // may be reachable, for a reason in Because
	Path      []string     // the objects a connection passes, from end to end
	Via       []string     // of Path, what stands between the ends: services, ingresses, gateways and their pods; empty if the connection is direct
	Because   []Because    // what decided, of the port told in the result or the first asked for
}

// point is one class an end may be, with the pod or node meant if it is one.
type point struct {
	class  int
	pod    *Pod
	node   *node
	addrs  reach.Addrs // of a cell: those meant
	masked bool        // a node whose address stands for a client's: no process of the node's
	text   string
}

// inside says whether a point is a pod or a node.
func (p point) inside() bool { return p.pod != nil || p.node != nil }

// Can says which of the ports (empty: any of TCP, UDP and SCTP) from can open
// at to. An end of several things is reachable if any of them is. The error
// says which end names nothing that was read.
func (e *Engine) Can(from, to End, ports reach.Ports) (Result, error) {
	if ports.IsEmpty() {
		ports = reach.Transport
	}
	if from.service != "" || from.entry != "" {
		return Result{}, fmt.Errorf("%s opens no connections\nhint: ask for the pods behind it", from.text)
	}
	sources, err := e.points(from)
	if err != nil {
		return Result{}, err
	}
	switch {
	case to.service != "":
		s := e.cluster.services[to.service]
		if s == nil {
			return Result{}, fmt.Errorf("no service %s was read\nhint: name it NAMESPACE/NAME", to.service)
		}
		return e.toService(from.text, sources, s, ports, chosen{}), nil
	case to.entry != "":
		return e.toEntryNamed(from.text, sources, to, ports)
	case !to.addrs.IsEmpty() && !to.world:
		return e.toAddrs(from.text, sources, to, ports), nil
	}
	targets, err := e.points(to)
	if err != nil {
		return Result{}, err
	}
	return e.between(sources, targets, ports), nil
}

// between joins the answers of all pairs and keeps the clearest as witness.
func (e *Engine) between(sources, targets []point, ports reach.Ports) Result {
	var out Result
	var best [2]point
	bestAnswer := reach.Answer(255)
	for _, s := range sources {
		for _, t := range targets {
			yes, may := e.pair(s, t)
			yes, may = yes.Intersect(ports), may.Intersect(ports)
			out.Ports, out.Maybe = out.Ports.Union(yes), out.Maybe.Union(may)
			answer := reach.No
			if !yes.IsEmpty() {
				answer = reach.Yes
			} else if !may.IsEmpty() {
				answer = reach.Unknown
			}
			if bestAnswer == 255 || answer == reach.Yes && bestAnswer != reach.Yes || answer == reach.Unknown && bestAnswer == reach.No {
				best, bestAnswer = [2]point{s, t}, answer
			}
		}
	}
	out.Maybe = out.Maybe.Minus(out.Ports)
	out.Reachable = bestAnswer
	if bestAnswer == 255 {
		out.Reachable = reach.No
		return out
	}
	out.Path = []string{best[0].text, best[1].text}
	out.Because = e.explain(best[0], best[1], ports, bestAnswer)
	return out
}

// points are the classes an end may be.
func (e *Engine) points(end End) ([]point, error) {
	switch {
	case end.pod != "":
		p := e.cluster.podByName[end.pod]
		if p == nil {
			return nil, fmt.Errorf("no pod %s was read\nhint: name it NAMESPACE/NAME, or NAMESPACE/KIND/NAME for a workload's template", end.pod)
		}
		return []point{e.podPoint(p)}, nil
	case end.node != "":
		n := e.cluster.nodes[end.node]
		if n == nil {
			return nil, fmt.Errorf("no node %s was read\nhint: kubectl get nodes lists them", end.node)
		}
		return []point{{class: e.ofNode[n.name], node: n, text: end.text}}, nil
	case end.addrs.IsEmpty():
		return nil, fmt.Errorf("an end names nothing\nhint: give a pod, a node, a service or addresses")
	}
	return e.addrPoints(end), nil
}

func (e *Engine) podPoint(p *Pod) point {
	return point{class: e.ofPod[p], pod: p, text: "pod " + p.ID()}
}

// addrPoints are the pods and nodes that have an address of the end's, and the
// cells its other addresses lie in; of the internet those alone.
func (e *Engine) addrPoints(end End) []point {
	if end.world {
		return e.cellPoints(end.addrs, end.text)
	}
	one := end.addrs.Ranges()[0]
	single := len(end.addrs.Ranges()) == 1 && one.From == one.To
	if known, ok := e.ofAddr[one.From]; ok && single {
		return known
	}
	var found []located
	for _, r := range end.addrs.Ranges() {
		i, _ := slices.BinarySearchFunc(e.located(), r.From, func(l located, a netip.Addr) int { return l.addr.Compare(a) })
		for ; i < len(e.byAddr) && e.byAddr[i].addr.BitLen() == r.To.BitLen() && e.byAddr[i].addr.Compare(r.To) <= 0; i++ {
			found = append(found, e.byAddr[i])
		}
	}
	slices.SortFunc(found, func(a, b located) int { return a.place - b.place })
	var out []point
	var taken []reach.AddrRange
	for _, l := range found {
		out = append(out, l.point)
		taken = append(taken, reach.AddrRange{From: l.addr, To: l.addr})
	}
	out = append(out, e.cellPoints(end.addrs.Minus(reach.AddrsIn(taken...)), end.text)...)
	if single {
		e.ofAddr[one.From] = slices.Clip(out)
	}
	return out
}

// located is an address that a pod or node has. Place is where it comes among all: the
// pods as they were read, then the nodes by name.
type located struct {
	addr  netip.Addr
	place int
	point point
}

// located are the addresses of all pods and nodes, in their order, found once.
func (e *Engine) located() []located {
	if e.byAddr != nil {
		return e.byAddr
	}
	e.byAddr = []located{}
	add := func(ips []netip.Addr, p point) {
		for _, a := range ips {
			if a = a.Unmap().WithZone(""); a.IsValid() {
				e.byAddr = append(e.byAddr, located{a, len(e.byAddr), p})
			}
		}
	}
	for _, p := range e.cluster.pods {
		if !p.HostNet {
			add(p.IPs, e.podPoint(p))
		}
	}
	for _, name := range e.nodeNames() {
		n := e.cluster.nodes[name]
		add(n.ips, point{class: e.ofNode[n.name], node: n, text: "node " + n.name})
	}
	slices.SortStableFunc(e.byAddr, func(a, b located) int { return a.addr.Compare(b.addr) })
	return e.byAddr
}

// cellPoints are the cells that addresses outside lie in.
func (e *Engine) cellPoints(addrs reach.Addrs, text string) []point {
	var out []point
	seen := map[int]int{}
	for _, r := range addrs.Ranges() {
		first, last := e.edges.cell(r.From), e.edges.cell(r.To)
		for i := first; i <= last; i++ {
			part := r
			if i > first {
				part.From = e.edges[i]
			}
			if i < last {
				part.To = e.edges[i+1].Prev()
			}
			at, ok := seen[i]
			if !ok {
				at = len(out)
				seen[i] = at
				out = append(out, point{class: e.firstCell + i, text: text})
			}
			out[at].addrs = out[at].addrs.Union(reach.AddrsIn(part))
		}
	}
	return out
}

// pair is the ports that certainly and possibly open between two points.
func (e *Engine) pair(s, t point) (yes, may reach.Ports) {
	yes, may = e.openTo(egress, s.class, t.class)
	inYes, inMay := e.openTo(ingress, t.class, s.class)
	yes, may = yes.Intersect(inYes), may.Intersect(inMay)
	switch near := neighbours(s, t); {
	case near == reach.Yes && !s.masked:
		return reach.Transport, reach.Transport
	case near != reach.No:
		may = reach.Transport
	}
	return yes, may
}

// neighbours says whether two points are one pod, or a pod and the node it
// runs on: what no NetworkPolicy can part.
func neighbours(s, t point) reach.Answer {
	if s.pod != nil && s.pod == t.pod {
		// A template's pods reach others of their kind, which policies bind.
		return reach.Is(s.pod.Replicas == 1)
	}
	on := func(p, n point) reach.Answer {
		host := ""
		switch {
		case p.pod == nil || p.pod.HostNet:
			return reach.No
		case n.node != nil:
			host = n.node.name
		case n.pod != nil && n.pod.HostNet:
			if host = n.pod.Node; host == "" {
				return reach.Unknown
			}
		default:
			return reach.No
		}
		if p.pod.Node == "" {
			return reach.Unknown
		}
		return reach.Is(p.pod.Node == host)
	}
	return on(s, t).Or(on(t, s))
}

// openTo is the ports a class is open to another in one direction.
func (e *Engine) openTo(direction, subject, other int) (must, may reach.Ports) {
	g := e.sides[direction].groupOf[subject]
	if g < 0 {
		return reach.Transport, reach.Transport
	}
	for _, r := range e.open(e.sides[direction].groups[g]) {
		if r.may.Has(other) {
			may = may.Union(r.ports)
		}
		if r.must.Has(other) {
			must = must.Union(r.ports)
		}
	}
	return must, may
}
