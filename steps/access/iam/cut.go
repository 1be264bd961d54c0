package iam

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// Cut is what to refuse a principal so that he can no longer become
// administrator.
type Cut struct {
	Principal string `json:"principal"`
	// Document is a policy of denies to add to his own.
	Document json.RawMessage `json:"document"`
	// Denies says in words what it refuses: action and resource.
	Denies []string `json:"denies"`
	// Left counts the first steps that remain with the policy in place: none, or
	// the cut is not one.
	Left int `json:"left"`
}

// refusal is one call to refuse.
type refusal struct{ action, resource string }

// weight ranks calls by what refusing them costs: passing roles and changing
// rights are rarely a task's own, running things is.
func (r refusal) weight() int {
	switch {
	case strings.HasPrefix(r.action, "iam:"):
		return 2
	case strings.HasPrefix(r.action, "sts:"):
		return 3
	case r.resource != "*":
		return 4
	}
	return 6
}

// Cuts finds, for each of some principals who can become administrator, a small
// set of calls to refuse that meets every step by which he could begin, and
// proves it: his steps are sought again with the policy in place. Who of them
// cannot climb is left out.
func (w *World) Cuts(ctx context.Context, routes []reference.Route, around Surroundings, principals []string) ([]Cut, error) {
	c, err := w.climb(ctx, routes, around, principals...)
	if err != nil {
		return nil, err
	}
	if _, err := c.reach(); err != nil {
		return nil, err
	}
	var into []int // whoever is an administrator or can become one
	for i := range c.people {
		if c.surest[i] != Deny {
			into = append(into, i)
		}
	}
	var out []Cut
	for _, arn := range principals {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		i, ok := c.number[arn]
		if !ok || isOne(c.admin[i]) {
			continue
		}
		ways := c.beginnings(i, into)
		if len(ways) == 0 {
			continue
		}
		cut := cutOf(arn, hit(ways))
		before := c.people[i]
		after := *before
		after.Policies = append(slices.Clone(before.Policies), w.Parse("cut of "+arn, cut.Document))
		c.replace(i, &after)
		cut.Left = len(c.beginnings(i, into))
		c.replace(i, before)
		out = append(out, cut)
	}
	return out, nil
}

// cutOf writes what is refused as a policy and in words.
func cutOf(arn string, refused []refusal) Cut {
	c := Cut{Principal: arn}
	byAction := map[string][]string{}
	for _, r := range refused {
		byAction[r.action] = append(byAction[r.action], r.resource)
		c.Denies = append(c.Denies, r.action+" on "+r.resource)
	}
	slices.Sort(c.Denies)
	byPlace := map[string]*written{}
	for _, action := range sortedKeys(byAction) {
		resources := byAction[action]
		if slices.Contains(resources, "*") {
			resources = []string{"*"}
		}
		slices.Sort(resources)
		k := strings.Join(resources, " ")
		if byPlace[k] == nil {
			byPlace[k] = &written{Effect: "Deny", Resource: resources}
		}
		byPlace[k].Action = append(byPlace[k].Action, action)
	}
	var statements []written
	for _, k := range sortedKeys(byPlace) {
		statements = append(statements, *byPlace[k])
	}
	c.Document = document(statements)
	return c
}

// beginnings lists the first steps of a principal's ways, each as the calls it
// takes: those into his own rights, and those to each of into.
func (c *climb) beginnings(i int, into []int) [][]refusal {
	c.shapes.forget()
	clear(c.shapes.carried)
	clear(c.shapes.any)
	clear(c.shapes.raisable)
	var out [][]refusal
	add := func(e *edge, anywhere bool) {
		whole := c.again(e)
		var calls []refusal
		for k := range whole.calls {
			on := whole.on[k]
			if anywhere {
				on = "*"
			}
			calls = append(calls, refusal{whole.calls[k].Action, on})
		}
		out = append(out, calls)
	}
	for _, e := range c.ownEdges(i) {
		add(&e, e.open != nil)
	}
	if c.bands.ways != nil && len(c.bands.ways[i]) > 0 {
		// He goes on by whom he becomes or makes: alone he has no way.
		into = slices.Clip(into)
		for _, e := range c.bands.out[int32(i)] {
			if !slices.Contains(into, int(e.to)) {
				into = append(into, int(e.to))
			}
		}
	}
	for _, t := range into {
		for k := range c.stages[t].steps {
			if e := &c.stages[t].steps[k]; e.from == int32(i) && c.again(e).ok {
				add(e, false)
			}
		}
	}
	for r := range c.routes {
		route := &c.routes[r]
		if route.Target != "role" && route.Target != "user" || route.Gain == "secret" || !c.candidate(i, r) {
			continue
		}
		part := c.take(c.people[i], nil, route, nil, "", freeCalls)
		if !part.ok {
			continue
		}
		a := &able{int32(i), c.partyOf(int32(i), r), part}
		for _, t := range into {
			if c.isCompound(r) {
				break // who is one already needs no more rights
			}
			if e, ok := c.stepTo(a, t, r); ok {
				add(&e, false)
			}
		}
		if e, ok := c.raiseOne(a, r); ok { // anybody will do
			add(&e, true)
		}
	}
	return out
}

// stepTo is the step of one principal by one route to one target, by the rules
// of edges.
func (c *climb) stepTo(a *able, t, r int) (edge, bool) {
	target, route, p := c.people[t], &c.routes[r], c.people[a.who]
	switch {
	case int(a.who) == t, c.isStage(t), target.ServiceLinked, route.Target == "role" && target.Kind != Role, route.Target == "user" && target.Kind != User,
		!isOne(c.admin[t]) && route.Gain == "bounded", (route.Gain == "any" || route.Gain == "attach") && !isOne(c.full[t]),
		p.Account != target.Account && route.ID != "sts.assume-role":
		return edge{}, false
	}
	if len(route.Service) > 0 && c.admits(t, route.Service) == Deny {
		return edge{}, false
	}
	carriers, sure := c.carriersOf(target, route)
	if route.Carrier != nil && len(carriers) == 0 {
		return edge{}, false
	}
	return c.edgeInto(a, t, r, carriers, sure)
}

// hit chooses calls so that each way has one of them refused: greedily the one
// that cuts most ways for its weight.
func hit(ways [][]refusal) []refusal {
	var chosen []refusal
	for len(ways) > 0 {
		meets := map[refusal]int{}
		for _, w := range ways {
			seen := map[refusal]bool{}
			for _, r := range w {
				if !seen[r] {
					seen[r] = true
					meets[r]++
				}
			}
		}
		if len(meets) == 0 {
			return chosen
		}
		best := slices.MaxFunc(slices.Collect(maps.Keys(meets)), func(a, b refusal) int {
			// Compared as fractions: ways for weight.
			return cmp.Or(cmp.Compare(meets[a]*b.weight(), meets[b]*a.weight()),
				cmp.Compare(b.weight(), a.weight()), cmp.Compare(b.action, a.action), cmp.Compare(b.resource, a.resource))
		})
		chosen = append(chosen, best)
		ways = slices.DeleteFunc(slices.Clone(ways), func(w []refusal) bool { return slices.Contains(w, best) })
	}
	return chosen
}
