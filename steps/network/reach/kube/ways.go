package kube

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// Door is a thing by which connections from elsewhere come in: a service that
// is open to the outside, an Ingress, a Gateway, a Route, a port of a node that
// leads to a pod.
type Door struct {
	Object string       // as Path names it: "service NAMESPACE/NAME", "ingress ...", "gateway ...", "host port tcp/80 of node n1"
	End    End          // to ask Engine.Can for; of a host port, its pod
	Addrs  reach.Addrs  // where it listens, as far as known
	Names  []string     // host names of its load balancers, by which their clouds know them
	Ports  reach.Ports  // on which it listens
	Public reach.Answer // whether it has an address that is routed in public
	Reason string       // why that is not so, or not known
}

// Doors are all there are, services first, each kind by name. A service with
// nothing but its own address is none.
func (e *Engine) Doors() []Door {
	var out []Door
	for _, id := range e.serviceNames() {
		if d, ok := e.serviceDoor(e.cluster.services[id]); ok {
			out = append(out, d)
		}
	}
	for _, id := range e.entryNames() {
		out = append(out, e.entryDoor(e.cluster.edge.entries[id]))
	}
	for _, p := range e.cluster.pods {
		for _, h := range p.HostPorts {
			d := Door{Object: hostPortText(p.Node, h), End: PodEnd(p.ID()), Ports: reach.Port(h.Protocol, h.Node)}
			if n := e.cluster.nodes[p.Node]; n != nil {
				d.Addrs = addrsOf(n.ips)
				d.Public = reach.Is(anyPublic(n.ips))
			} else {
				d.Reason = "the address of the pod's node is not known"
			}
			out = append(out, d)
		}
	}
	return out
}

func (e *Engine) serviceDoor(s *service) (Door, bool) {
	d := Door{Object: "service " + s.id(), End: ServiceEnd(s.id()), Public: reach.No, Reason: s.broken}
	if s.broken != "" {
		d.Public = reach.Unknown
		return d, true
	}
	anybody := point{addrs: public}
	open := false
	for _, f := range e.fronts(s) {
		if f.name == ownAddress || s.headless || s.kind == "ExternalName" {
			continue
		}
		open = true
		switch f.name {
		case nodePorts:
			d.Addrs = d.Addrs.Union(e.nodeAddrs())
		case loadBalancer:
			d.Addrs, d.Names = d.Addrs.Union(addrsOf(s.balancer.ips)), s.balancer.hostnames
		case externalAddresses:
			d.Addrs = d.Addrs.Union(addrsOf(s.externalIPs))
		}
		for _, p := range s.ports {
			d.Ports = d.Ports.Union(f.dial(p))
		}
		answer, why := f.admits(anybody)
		if d.Public.Or(answer) != d.Public || d.Reason == "" {
			d.Reason = why
		}
		d.Public = d.Public.Or(answer)
	}
	if d.Public == reach.Yes {
		d.Reason = ""
	}
	return d, open
}

func (e *Engine) entryDoor(n *entry) Door {
	d := Door{Object: n.id, End: entryEnd(n.kind, n.ns+"/"+n.name), Addrs: addrsOf(n.ips), Names: n.hostnames, Ports: n.ports(), Public: reach.No}
	c := e.carrier(n)
	switch {
	case c.unknown != "":
		d.Public, d.Reason = reach.Unknown, c.unknown
	case c.cloud:
		d.Public, d.Reason = c.public, c.publicWhy
	default:
		for _, g := range c.groups {
			for _, pod := range g {
				for _, s := range e.servicesOf(pod.pod) {
					if of, ok := e.serviceDoor(s); ok {
						d.Addrs, d.Names = d.Addrs.Union(of.Addrs), append(d.Names, of.Names...)
						d.Public, d.Reason = d.Public.Or(of.Public), of.Reason
					}
				}
				if pod.pod.HostNet || len(pod.pod.HostPorts) > 0 {
					answer, why := e.admitsNodeOf(pod.pod, point{addrs: public})
					d.Public, d.Reason = d.Public.Or(answer), why
				}
			}
		}
		if d.Public == reach.Yes {
			d.Reason = ""
		}
	}
	slices.Sort(d.Names)
	d.Names = slices.Compact(d.Names)
	return d
}

func addrsOf(ips []netip.Addr) reach.Addrs {
	ranges := make([]reach.AddrRange, len(ips))
	for i, a := range ips {
		ranges[i] = reach.AddrRange{From: a, To: a}
	}
	return reach.AddrsIn(ranges...)
}

func (e *Engine) nodeAddrs() reach.Addrs {
	if e.allNodeIPs.IsEmpty() {
		var ips []netip.Addr
		for _, n := range e.cluster.nodes {
			ips = append(ips, n.ips...)
		}
		e.allNodeIPs = addrsOf(ips)
	}
	return e.allNodeIPs
}

// Ways are the ways from one end to a pod: the direct one first, then one for
// each service, Ingress, Gateway, Route and node's port that leads to it, those
// that are surely open before those that may be. Ports of a way are those
// dialled on its door; Via names it. What policies alone say of a client
// outside is the direct way: whether a pod's own address has a route there is
// not this library's to know. The errors are those of Can.
func (e *Engine) Ways(from, to End, ports reach.Ports) ([]Result, error) {
	direct, err := e.Can(from, to, ports)
	if err != nil || to.pod == "" {
		return []Result{direct}, err
	}
	others, err := e.Detours(from, to, ports)
	return append([]Result{direct}, others...), err
}

// Detours are the Ways to a pod but for the direct one, which costs more than all of
// them where nothing leads to the pod. The errors are those of Can.
func (e *Engine) Detours(from, to End, ports reach.Ports) ([]Result, error) {
	if ports.IsEmpty() {
		ports = reach.Transport
	}
	if from.service != "" || from.entry != "" {
		_, err := e.Can(from, to, ports)
		return nil, err
	}
	sources, err := e.points(from)
	if err != nil {
		return nil, err
	}
	if _, err := e.points(to); err != nil || to.pod == "" {
		return nil, err
	}
	pod := e.cluster.podByName[to.pod]
	only := func(b backend) bool { return b.pod == pod }
	var out []Result
	for _, s := range e.servicesOf(pod) {
		// None of its ports asked for may lead to the pod.
		if r := e.toService(from.text, sources, s, ports, chosen{backend: only}); len(r.Via) > 0 {
			out = append(out, r)
		}
	}
	for _, id := range e.serviceNames() {
		// What stands behind these is not known, so it may be the pod.
		s := e.cluster.services[id]
		if s.ns == pod.Namespace && s.broken != "" {
			out = append(out, undecided(ports, s.broken, from.text, "service "+id, "pod "+pod.ID()))
		}
	}
	for _, id := range e.entryNames() {
		n := e.cluster.edge.entries[id]
		if n.broken != "" {
			if n.ns == pod.Namespace || n.kind == "gateway" || n.kind == "istio gateway" {
				out = append(out, undecided(ports, n.broken, from.text, id, "pod "+pod.ID()))
			}
			continue
		}
		if r := e.toEntry(from.text, sources, n, ports, chosen{backend: only}); len(r.Path) > 0 {
			out = append(out, r)
		}
	}
	out = append(out, e.overHostPorts(from.text, sources, pod, ports)...)
	for _, why := range e.cluster.edge.unread {
		out = append(out, undecided(ports, why, from.text, "what was not read", "pod "+pod.ID()))
	}
	rank := map[reach.Answer]int{reach.Yes: 0, reach.Unknown: 1, reach.No: 2}
	slices.SortStableFunc(out, func(a, b Result) int { return cmp.Compare(rank[a.Reachable], rank[b.Reachable]) })
	return out, nil
}

func (e *Engine) overHostPorts(from string, sources []point, pod *Pod, ports reach.Ports) []Result {
	if len(pod.HostPorts) == 0 {
		return nil
	}
	var out []Result
	at := e.podPoint(pod)
	for _, h := range pod.HostPorts {
		dial := reach.Port(h.Protocol, h.Node).Intersect(ports)
		if dial.IsEmpty() {
			continue
		}
		one := newTold()
		for _, src := range sources {
			admitted, why := e.admitsNodeOf(pod, src)
			answer, because := e.through(alone(src), backend{at, reach.Port(h.Protocol, h.Port), true})
			if admitted != reach.Yes && answer == reach.Yes {
				answer, because = admitted, say(Because{Effect: "is not let in by the pod's node", Reason: why})
			}
			one.add(answer, dial, []string{src.text, hostPortText(pod.Node, h), at.text}, because)
		}
		out = append(out, one.done())
	}
	return out
}
