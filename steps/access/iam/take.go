package iam

import (
	"cmp"
	"context"
	"slices"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// Takers finds who can act in somebody's place, in one step, by the routes of which ways to
// administrator are made. It is not safe for use by several at once.
type Takers struct{ c *climb }

// Takers prepares the search, of the routes by which all that a role or user may is gained.
// Who takes a role by sts:AssumeRole is no matter of it: WhoCan answers that, of those too
// whom no route is followed from (administrators, other accounts' roots, identity providers).
// An error is ctx's.
func (w *World) Takers(ctx context.Context, routes []reference.Route, around Surroundings) (*Takers, error) {
	routes = slices.DeleteFunc(slices.Clone(routes), func(r reference.Route) bool {
		return r.Gain != "become" || r.Target != "role" && r.Target != "user" || r.ID == "sts.assume-role"
	})
	c := w.climbOf(ctx, routes, len(routes), around)
	people := slices.Clone(w.principals)
	c.enrol(people, make([]stage, len(people)))
	if err := c.equip(0); err != nil {
		return nil, err
	}
	c.words = newWords(c.routes)
	return &Takers{c}, nil
}

// Taking is one step by which one principal comes to act as another.
type Taking struct {
	Step
	Decision Decision
	// Title says the technique in words.
	Title string
	// Unknown says what an unknown step hangs on.
	Unknown []string
}

// Into lists who can act in a principal's place, the surest step of each. Administrators are
// not among them. Nobody acts as who is not known. An error is ctx's.
func (t *Takers) Into(ctx context.Context, arn string) ([]Taking, error) {
	c := t.c
	at, ok := c.number[arn]
	if !ok {
		return nil, nil
	}
	c.ctx = ctx
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	edges := c.edgesInto(at)
	slices.SortStableFunc(edges, func(a, b edge) int {
		return cmp.Or(cmp.Compare(a.from, b.from), -cmp.Compare(a.decision, b.decision), cmp.Compare(a.route, b.route))
	})
	edges = slices.CompactFunc(edges, func(a, b edge) bool { return a.from == b.from })
	out := make([]Taking, 0, len(edges))
	for i := range edges {
		e := &edges[i]
		s := c.spell(e)
		out = append(out, Taking{Step: s.Step, Decision: e.decision, Title: c.routes[e.route].Title, Unknown: s.unknown})
	}
	return out, nil
}
