package kube

import (
	"net/netip"
	"slices"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// Stretch numbers the addresses outside that nothing tells apart: neither policies, nor
// the ranges that load balancers let in, nor whether they are routed in public. All of a
// stretch have the same answers, whoever is asked about, but for their own names. False
// for an address that a pod, a node or a service has.
func (e *Engine) Stretch(a netip.Addr) (int, bool) {
	if e.stretches == nil {
		e.layStretches()
	}
	a = a.Unmap().WithZone("")
	if !a.IsValid() || e.ours[a] {
		return 0, false
	}
	return e.stretches.cell(a), true
}

func (e *Engine) layStretches() {
	out, ours := slices.Clone(e.edges), map[netip.Addr]bool{}
	add := func(s reach.Addrs) {
		for _, r := range s.Ranges() {
			out = append(out, r.From)
			if next := r.To.Next(); next.IsValid() {
				out = append(out, next)
			}
		}
	}
	add(public)
	for _, l := range e.located() {
		ours[l.addr] = true
	}
	for _, s := range e.cluster.services {
		if s.balancer.sources != nil {
			add(*s.balancer.sources)
		}
		for _, list := range [][]netip.Addr{s.clusterIPs, s.externalIPs, s.balancer.ips} {
			for _, a := range list {
				ours[a.Unmap().WithZone("")] = true
			}
		}
	}
	for _, n := range e.cluster.edge.entries {
		if c := e.carrier(n); c.sources != nil {
			add(*c.sources)
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	e.stretches, e.ours = slices.Compact(out), ours
}
