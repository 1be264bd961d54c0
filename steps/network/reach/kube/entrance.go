package kube

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// Entrance is a pod that an end gets to, or may get to, through one door.
type Entrance struct {
	Pod  *Pod
	Door string // as Result.Path names it: "service NAMESPACE/NAME", "ingress ..."
	Result
}

// Entrances are all pods that an end gets to through services, Ingresses,
// Gateways, Routes and ports of nodes, by pod and door, with those that it may
// get to: what Ways says of each pod but for the direct way, for all pods at
// once. What was not read and so may lead anywhere is not among them; Doors and
// Problems tell of it. The errors are those of Can.
func (e *Engine) Entrances(from End, ports reach.Ports) ([]Entrance, error) {
	if from.service != "" || from.entry != "" {
		_, err := e.Can(from, Internet(), ports)
		return nil, err
	}
	if ports.IsEmpty() {
		ports = reach.Transport
	}
	sources, err := e.points(from)
	if err != nil {
		return nil, err
	}
	var out []Entrance
	collect := func(door string, per map[string]*told) {
		for text, one := range per {
			if r := one.done(); r.Reachable != reach.No {
				out = append(out, Entrance{e.cluster.podByName[strings.TrimPrefix(text, "pod ")], door, r})
			}
		}
	}
	for _, id := range e.serviceNames() {
		s, per := e.cluster.services[id], map[string]*told{}
		if e.noBackends(s) == "" {
			e.toService(from.text, sources, s, ports, chosen{per: per})
			collect("service "+id, per)
		}
	}
	for _, id := range e.entryNames() {
		per := map[string]*told{}
		e.toEntry(from.text, sources, e.cluster.edge.entries[id], ports, chosen{per: per})
		collect(id, per)
	}
	for _, p := range e.cluster.pods {
		for _, r := range e.overHostPorts(from.text, sources, p, ports) {
			if r.Reachable != reach.No {
				out = append(out, Entrance{p, r.Via[0], r})
			}
		}
	}
	slices.SortFunc(out, func(a, b Entrance) int {
		if by := strings.Compare(a.Pod.ID(), b.Pod.ID()); by != 0 {
			return by
		}
		return strings.Compare(a.Door, b.Door)
	})
	return out, nil
}
