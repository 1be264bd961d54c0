package network

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach/kube"
)

// balancers are the load balancers that were read, by their DNS name.
func (w *World) balancers() map[string]estate.Node {
	if w.byDNS != nil {
		return w.byDNS
	}
	w.byDNS = map[string]estate.Node{}
	for n, a := range w.snap.Assets() {
		if !balancing[a.Type] {
			continue
		}
		if config, err := w.snap.Config(n); err == nil {
			var d struct{ DNSName string }
			if json.Unmarshal(config, &d) == nil && d.DNSName != "" {
				w.byDNS[d.DNSName] = n
			}
		}
	}
	return w.byDNS
}

// doorsOf are the doors of a cluster, by the object they belong to.
func (c *cluster) doorsOf() map[string]kube.Door {
	if c.doors == nil {
		c.doors = map[string]kube.Door{}
		for _, d := range c.engine.Doors() {
			c.doors[d.Object] = d
		}
	}
	return c.doors
}

// throughDoors is what a point can open to a pod through what leads to it from
// outside its cluster: load balancers, ports of nodes, Ingresses and Gateways.
func (w *World) throughDoors(from point, to podPlace) Link {
	c := w.clusters[to.cluster]
	var ways []Link
	for _, source := range w.sourcesOf(from) {
		results, err := w.detours(c, source, to.id)
		if err != nil {
			return unknown(err.Error())
		}
		for _, r := range results {
			l := linkOf(r)
			if l = w.past(c, r.Via, l); l.Reachable == reach.No || len(r.Via) == 0 {
				ways = append(ways, l)
				continue
			}
			if len(l.Path) > 1 { // the client's own address is told by the way to the door
				l.Path = append([]Hop{{Name: l.Path[1].Name, Rule: l.Path[0].Rule}}, l.Path[2:]...)
			}
			ways = append(ways, both(w.toDoor(from, c, r.Via[0]), l))
		}
	}
	if len(ways) == 0 {
		return Link{Reachable: reach.No}
	}
	return either(ways...)
}

// detours are the ways to a pod by what leads to it from some addresses. Without way and
// reasons they are asked for once for each stretch of addresses.
func (w *World) detours(c *cluster, source reach.Addrs, pod string) (out []kube.Result, err error) {
	ask := func() { out, err = c.engine.Detours(kube.AddrEnd(source), kube.PodEnd(pod), reach.Ports{}) }
	if !w.terse {
		ask()
		return out, err
	}
	stretch, alike := w.stretch(c, source)
	if !alike {
		c.engine.Brief(ask)
		return out, err
	}
	key := detour{pod, stretch}
	if known, ok := c.detours[key]; ok {
		return known, nil
	}
	c.engine.Brief(ask)
	out = slices.DeleteFunc(out, func(r kube.Result) bool { return r.Reachable == reach.No }) // those say why, and nothing else
	if err == nil {
		if c.detours == nil {
			c.detours = map[detour][]kube.Result{}
		}
		c.detours[key] = out
	}
	return out, err
}

// sourcesOf are the addresses under which a point may be seen at a door: its own,
// and the public ones that hide it on the way out.
func (w *World) sourcesOf(p point) []reach.Addrs {
	if p.host.IsValid() {
		return []reach.Addrs{reach.AddrOf(p.host)}
	}
	var out []reach.Addrs
	if own := w.addrsOf(p); !own.IsEmpty() {
		out = append(out, own)
	}
	public := reach.AddrOf(providersHost)
	for _, id := range w.standsOf(p) {
		for _, a := range w.ifaces[id].Addresses {
			public = public.Union(reach.AddrOf(a.Public))
		}
		vpc := w.vpcOf(id)
		for _, n := range w.model.NATGateways {
			if n.Public.IsValid() && w.subnetVPC(n.Subnet) == vpc {
				public = public.Union(reach.AddrOf(n.Public))
			}
		}
	}
	return append(out, public)
}

// toDoor is what a point can open at a door of a cluster it is not in: at its load
// balancer or nodes where those were read, else over the internet where the door is
// public.
func (w *World) toDoor(from point, c *cluster, object string) Link {
	d, ok := c.doorsOf()[object]
	if !ok {
		return Link{Reachable: reach.Yes, Ports: reach.AllPorts}
	}
	here := Hop{Name: object + " of cluster " + c.name}
	var ways []Link
	for _, name := range d.Names {
		if n, ok := w.balancers()[name]; ok && w.places[n] != nil {
			l := w.toSpots(from, w.places[n].spots)
			l.Path = append(l.Path, Hop{Name: w.snap.Asset(n).ID, Rule: "leads to " + object})
			ways = append(ways, l)
		}
	}
	for _, r := range d.Addrs.Ranges() {
		if id := w.byAddr[r.From.String()]; id != "" && r.From == r.To {
			ways = append(ways, w.toInterface(from, id))
		}
	}
	if len(ways) > 0 {
		l := either(ways...)
		if l.Reachable == reach.Yes {
			l.Path = append(l.Path, here)
		}
		return l
	}
	switch {
	case from.host.IsValid():
		return Link{Reachable: reach.Yes, Ports: reach.AllPorts, Path: []Hop{{Name: from.String()}, here}} // the engine has asked who is let in
	case d.Public == reach.Yes:
		l := w.toHosts(from)
		if l.Reachable == reach.Yes {
			l.Path = append(l.Path, here)
		}
		return l
	}
	return unknown(fmt.Sprintf("the load balancer or nodes behind %s were not read: %s", object, firstOf(d.Reason, "who can reach them is not known")))
}

// linkOf is a cluster's answer as a link.
func linkOf(r kube.Result) Link {
	l := Link{Reachable: r.Reachable, Ports: r.Ports, Maybe: r.Maybe}
	var rules []string
	for _, b := range r.Because {
		rules = append(rules, because(b))
	}
	if l.Reachable != reach.Yes {
		l.Because = rules
		return l
	}
	for i, name := range r.Path {
		h := Hop{Name: name}
		if i == 0 {
			h.Rule = strings.Join(rules, "; ")
		}
		l.Path = append(l.Path, h)
	}
	return l
}

// toInterface is what any point can open at an interface of AWS.
func (w *World) toInterface(from point, id string) Link {
	to := point{iface: id}
	if from.pod != (podPlace{}) {
		return both(end(w.leaves(from.pod, w.addrsOf(to)), 0), w.between(from, to))
	}
	return w.overAWS(from, to)
}

// toSpots is what a point can open at a thing that stands at some of several spots.
func (w *World) toSpots(from point, spots [][]string) Link {
	var ways []Link
	for _, spot := range spots {
		var each []Link
		for _, id := range spot {
			each = append(each, w.toInterface(from, id))
		}
		ways = append(ways, wherever(each))
	}
	return either(ways...)
}

// wherever is the answer for a thing that stands at one of several places, nobody
// knows at which: sure only where all agree.
func wherever(each []Link) Link {
	if len(each) == 1 {
		return each[0]
	}
	out := Link{Reachable: each[0].Reachable, Ports: each[0].Ports, Path: each[0].Path}
	var noes, unsure []string
	for _, l := range each {
		out.Ports = out.Ports.Intersect(l.Ports)
		out.Maybe = out.Maybe.Union(l.Maybe).Union(l.Ports)
		if l.Reachable == reach.Unknown {
			unsure = append(unsure, l.Because...)
		} else {
			noes = append(noes, l.Because...)
		}
		if l.Reachable != out.Reachable {
			out.Reachable = reach.Unknown
		}
	}
	out.Maybe = out.Maybe.Minus(out.Ports)
	if out.Reachable == reach.Yes && out.Ports.IsEmpty() {
		out.Reachable = reach.Unknown
	}
	if out.Reachable != reach.Yes {
		if len(unsure) > 0 {
			noes = unsure // what blocks it at one place does not say why it is not known at another
		}
		out.Path, out.Because = nil, unique(noes)
		if out.Reachable == reach.Unknown && len(out.Because) == 0 {
			out.Because = []string{"it hangs on the address it gets"}
		}
	}
	return out
}
