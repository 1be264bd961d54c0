package kube

import (
	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// Flow is a block of connections: each class of From can reach each class of
// To on Ports. Pairs that are in Sure on both sides surely can; the others may.
type Flow struct {
	From, To         reach.Bits
	SureFrom, SureTo reach.Bits
	Ports            reach.Ports
}

// Flows calls yield for blocks that together are all that can flow between
// pods, nodes and addresses, until it returns false. Each pair of classes is in
// at most one block for any port. Left out is what no policy decides: a pod and
// itself, a pod and the node it runs on, and what lies wholly outside.
func (e *Engine) Flows(yield func(Flow) bool) {
	free := reach.NewBits(len(e.classes))
	for i := e.podClasses; i < len(e.classes); i++ {
		free.Set(i)
	}
	rest := &group{members: free, rows: []row{{reach.Transport, e.full, e.full}}}
	out := append(append([]*group(nil), e.sides[egress].groups...), rest)
	in := append(append([]*group(nil), e.sides[ingress].groups...), rest)
	groupOf := e.sides[egress].groupOf
	seen := make([]int, len(out)) // round in which a group was met
	round := 0
	for _, h := range in {
		for _, r := range e.open(h) {
			round++
			for i := range r.may.All {
				g := groupOf[i]
				if g < 0 {
					g = len(out) - 1
				}
				if seen[g] == round {
					continue
				}
				seen[g] = round
				if h == rest && out[g] == rest {
					continue
				}
				if !e.block(out[g], h, r, yield) {
					return
				}
			}
		}
	}
}

// block gives what flows from one group to another through one row of the
// latter.
func (e *Engine) block(g, h *group, r row, yield func(Flow) bool) bool {
	for _, o := range e.open(g) {
		if !meets(o.may, h) {
			continue
		}
		ports := o.ports.Intersect(r.ports)
		if ports.IsEmpty() {
			continue
		}
		f := Flow{From: both(r.may, g.members), To: both(o.may, h.members), Ports: ports}
		f.SureFrom, f.SureTo = f.From, f.To
		if !sameSlice(r.must, r.may) {
			f.SureFrom = both(r.must, g.members)
		}
		if !sameSlice(o.must, o.may) {
			f.SureTo = both(o.must, h.members)
		}
		if !yield(f) {
			return false
		}
	}
	return true
}

// meets says whether a group has a member in a set. Most groups are small.
func meets(b reach.Bits, g *group) bool {
	if len(g.list) > 0 && len(g.list) < len(b) {
		for _, i := range g.list {
			if b.Has(i) {
				return true
			}
		}
		return false
	}
	return b.Meets(g.members)
}

func both(a, b reach.Bits) reach.Bits {
	out := a.Clone()
	out.Keep(b)
	return out
}

func sameSlice(a, b reach.Bits) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }

// Matrix is, for each class, the classes it surely reaches on some port and
// those it may reach.
func (e *Engine) Matrix() (sure, may []reach.Bits) {
	n := len(e.classes)
	sure, may = make([]reach.Bits, n), make([]reach.Bits, n)
	for i := range sure {
		sure[i], may[i] = reach.NewBits(n), reach.NewBits(n)
	}
	for f := range e.Flows {
		for i := range f.From.All {
			may[i].Add(f.To)
			if f.SureFrom.Has(i) {
				sure[i].Add(f.SureTo)
			}
		}
	}
	return sure, may
}

// Class says what the members of a class are.
type Class struct {
	Pods  []*Pod      // all of them alike to every policy
	Nodes []string    // names
	Addrs reach.Addrs // outside, if neither pods nor nodes
}

// Class is what a number in a Flow or a Matrix stands for; i is below Classes.
func (e *Engine) Class(i int) Class {
	c := e.classes[i]
	out := Class{Pods: c.pods}
	for _, n := range c.nodes {
		out.Nodes = append(out.Nodes, n.name)
	}
	if c.kind == outside {
		at := e.edges[c.cells[0]]
		to := reach.AllIP.Ranges()[1].To
		if at.Is4() {
			to = reach.AllIP.Ranges()[0].To
		}
		if next := c.cells[0] + 1; next < len(e.edges) && e.edges[next].BitLen() == at.BitLen() {
			to = e.edges[next].Prev()
		}
		out.Addrs = reach.AddrsIn(reach.AddrRange{From: at, To: to})
	}
	return out
}
