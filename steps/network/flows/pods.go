package flows

import (
	"maps"
	"net/netip"
	"slices"
)

// pod is a pod, the pods of a workload (no name), or those of a namespace, or
// an end that Cilium reserves a name for and that has no address.
type pod struct {
	namespace, name, workload string
	reserved                  string
}

// podTable numbers pods.
type podTable struct {
	all    []pod
	labels [][]string // as first seen
	of     map[pod]uint32
}

// maxPods bounds how many are told apart by name; a cluster that makes jobs
// makes pods without end. Beyond it they are their workload, which is counted
// as coarser like all else.
const maxPods = 1 << 19

func (p *podTable) number(x pod, labels []string) uint32 {
	if i, ok := p.of[x]; ok {
		return i
	}
	if len(p.all) >= maxPods && x.name != "" {
		return p.number(pod{namespace: x.namespace, workload: x.workload}, nil)
	}
	if p.of == nil {
		p.of = map[pod]uint32{}
	}
	i := uint32(len(p.all))
	p.all = append(p.all, x)
	p.labels = append(p.labels, labels)
	p.of[x] = i
	return i
}

func (p *podTable) workloadOf(i uint32) uint32 {
	x := p.all[i]
	if x.name == "" {
		return i
	}
	return p.number(pod{namespace: x.namespace, workload: x.workload, reserved: x.reserved}, nil)
}

func (p *podTable) namespaceOf(i uint32) uint32 {
	x := p.all[i]
	if x.name == "" && x.workload == "" {
		return i
	}
	return p.number(pod{namespace: x.namespace, reserved: x.reserved}, nil)
}

// merge adds all of o and returns what its numbers became.
func (p *podTable) merge(o *podTable) []uint32 {
	out := make([]uint32, len(o.all))
	for i, x := range o.all {
		out[i] = p.number(x, o.labels[i])
	}
	return out
}

// named is what is known of an address beside itself.
type named struct {
	reserved, service string
	names             []string
}

// nameTable keeps the DNS names and Cilium's reserved names of addresses.
type nameTable map[netip.Addr]*named

// Bounds: names are an aid to reading, and no flow hangs on them.
const (
	maxNamed = 1 << 17
	maxNames = 8
)

// ofService notes that an address is of a service of AWS.
func (t *nameTable) ofService(a netip.Addr, service []byte) {
	if n := (*t)[a]; n != nil && n.service != "" && n.service <= string(service) {
		return // as most records say what is known; of two the first in order stays
	}
	if *t == nil {
		*t = nameTable{}
	}
	n := (*t)[a]
	if n == nil {
		if len(*t) >= maxNamed {
			return
		}
		n = &named{}
		(*t)[a] = n
	}
	n.service = string(service)
}

func (t *nameTable) note(a netip.Addr, reserved string, names []string) {
	if reserved == "" && len(names) == 0 {
		return
	}
	if *t == nil {
		*t = nameTable{}
	}
	n := (*t)[a]
	if n == nil {
		if len(*t) >= maxNamed {
			return
		}
		n = &named{}
		(*t)[a] = n
	}
	// Of two names the first in order stays, so that the order of records does
	// not matter.
	if reserved != "" && (n.reserved == "" || reserved < n.reserved) {
		n.reserved = reserved
	}
	for _, name := range names {
		i, found := slices.BinarySearch(n.names, name)
		if !found && len(name) <= 255 {
			n.names = slices.Insert(n.names, i, name)
			n.names = n.names[:min(len(n.names), maxNames)]
		}
	}
}

func (t *nameTable) merge(o *nameTable) {
	for a, n := range maps.All(*o) {
		t.note(a, n.reserved, n.names)
		if n.service != "" {
			t.ofService(a, []byte(n.service))
		}
	}
}
