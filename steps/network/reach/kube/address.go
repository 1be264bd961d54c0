package kube

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// toAddrs is toward addresses of which some may be services' and some nodes',
// whose ports lead to pods.
func (e *Engine) toAddrs(from string, sources []point, to End, ports reach.Ports) Result {
	var taken reach.Addrs
	var nodes, rest []point
	out := newTold()
	merge := func(r Result) {
		if r.Reachable == reach.No || r.Ports.IsEmpty() {
			out.add(r.Reachable, r.Maybe, r.Path, say(r.Because...))
			return
		}
		out.result.Maybe = out.result.Maybe.Union(r.Maybe)
		out.add(r.Reachable, r.Ports, r.Path, say(r.Because...))
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
	var shared []nodePort
	if len(nodes) > 0 {
		shared = e.nodePorts()
	}
	for _, n := range nodes {
		left := ports
		for _, led := range e.ledAway(n.node, shared) {
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

// ledAway is ports of a node that lead to pods.
type ledAway struct {
	dial reach.Ports
	ask  func(out *told, sources []point, dial reach.Ports)
}

// nodePort is a port that all nodes have for a service.
type nodePort struct {
	service  *service
	dial     reach.Ports
	backends []backend
	front    front
}

func (e *Engine) nodePorts() []nodePort {
	var out []nodePort
	for _, id := range e.serviceNames() {
		s := e.cluster.services[id]
		for _, p := range s.ports {
			if p.node == 0 || s.broken != "" {
				continue
			}
			f := front{name: nodePorts, admits: func(point) (reach.Answer, string) { return reach.Yes, "" }, seen: e.maskedBy(s, false), memo: map[[2]int]forwarded{}}
			out = append(out, nodePort{s, reach.Port(p.protocol, p.node), e.backends(s, p), f})
		}
	}
	return out
}

func (e *Engine) ledAway(n *node, ports []nodePort) []ledAway {
	var out []ledAway
	for _, p := range ports {
		p.front.at = n
		out = append(out, ledAway{p.dial, func(out *told, sources []point, dial reach.Ports) {
			e.toFront(out, "service "+p.service.id(), sources, p.service, p.front, dial, p.backends, chosen{})
		}})
	}
	for _, pod := range e.withHostPorts(n.name) {
		for _, h := range pod.HostPorts {
			if len(h.IPs) > 0 && !slices.ContainsFunc(h.IPs, func(a netip.Addr) bool { return a.IsUnspecified() || slices.Contains(n.ips, a) }) {
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

// withHostPorts are the pods of a node that take ports of it.
func (e *Engine) withHostPorts(node string) []*Pod {
	if e.hostPorts == nil {
		e.hostPorts = map[string][]*Pod{}
		for _, p := range e.cluster.pods {
			if len(p.HostPorts) > 0 {
				e.hostPorts[p.Node] = append(e.hostPorts[p.Node], p)
			}
		}
	}
	return e.hostPorts[node]
}

func hostPortText(node string, h HostPort) string {
	return strings.TrimSpace(fmt.Sprintf("host port %s/%d of node %s", h.Protocol, h.Node, node))
}
