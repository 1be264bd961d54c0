package rbac

import (
	"fmt"
	"slices"
	"strings"
)

// troupe is everybody in whose name one can act. Those whose rights are the same
// stand for each other: what one binds to oneself adds the same to each.
type troupe struct {
	x     *ways
	known map[string]bool
	cast  []part
}

type part struct {
	vertex
	grants []*grant // those that ways begin with, and those of his own
}

// newTroupe begins with somebody who has nothing of his own, as whom what was
// gained is weighed alone.
func newTroupe(x *ways) *troupe {
	t := &troupe{x: x, known: map[string]bool{}}
	t.add(vertex{Ref: Ref{Kind: KindGroup, Name: Authenticated}})
	return t
}

// add takes somebody in; false if another has the same rights.
func (t *troupe) add(v vertex) bool {
	p := part{vertex: v}
	if id, ok := t.x.identity(v.Ref); ok {
		who := t.x.w.Who(id)
		for i := range who.lists {
			everybody := who.lists[i].subject.Kind == KindGroup && strings.HasPrefix(who.lists[i].subject.Name, "system:")
			for _, g := range who.lists[i].grants {
				if !everybody || len(g.role.index.powers) > 0 || len(t.x.doubtful[g.role]) > 0 {
					p.grants = append(p.grants, g)
				}
			}
		}
	}
	var b strings.Builder
	for _, g := range p.grants {
		fmt.Fprintf(&b, "%p %s\n", g.role, g.namespace)
	}
	if t.known[b.String()] {
		return false
	}
	t.known[b.String()] = true
	t.cast = append(t.cast, p)
	return true
}

// near lists those whose rights can go together with a grant: requests of both
// can be in one namespace.
func (t *troupe) near(g *grant) []vertex {
	var out []vertex
	for i := range t.cast {
		if i == 0 || slices.ContainsFunc(t.cast[i].grants, func(h *grant) bool { return together(g, h) }) {
			out = append(out, t.cast[i].vertex)
		}
	}
	return out
}

// with lists the grants that can go together with those of the last taken in.
func (t *troupe) with(gained []*grant) []*grant {
	own := t.cast[len(t.cast)-1].grants
	var out []*grant
	for _, g := range gained {
		if slices.ContainsFunc(own, func(h *grant) bool { return together(g, h) }) {
			out = append(out, g)
		}
	}
	return out
}

// near lists the grants that can go together with one, itself among them.
func near(gained []*grant, g *grant) []*grant {
	var out []*grant
	for _, h := range gained {
		if together(g, h) {
			out = append(out, h)
		}
	}
	return out
}

func together(a, b *grant) bool {
	return a.namespace == "" || b.namespace == "" || a.namespace == b.namespace
}
