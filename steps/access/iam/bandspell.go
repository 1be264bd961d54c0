package iam

import (
	"slices"
)

// bandTold spells the ways that somebody has together with those he can act as.
func (c *climb) bandTold(i int) []Escalation {
	if c.bands.ways == nil {
		return nil
	}
	var out []Escalation
	for _, way := range c.bands.ways[i] {
		e := Escalation{Principal: c.people[i].ARN, Target: way.target.ARN, Gain: "full", Decision: way.decision}
		if way.target.ARN == e.Principal || c.people[c.number[way.target.ARN]].ARN != way.target.ARN {
			e.Target = Administrator // under his own name, or one that was made
		}
		route := way.last.route
		if route == nil {
			route = &c.routes[way.last.edge.route]
		}
		e.Technique, e.Title = technique(route)+"+others", "by several identities together ("+route.Title+")"
		add := func(s spelt) {
			e.Path = append(e.Path, s.Step)
			e.Unknown, e.Assumed = append(e.Unknown, s.unknown...), append(e.Assumed, s.assumed...)
		}
		for _, step := range way.steps {
			for _, s := range c.spellTogether(step) {
				add(s)
			}
		}
		if way.onward >= 0 {
			for _, next := range c.wayOn(way.onward) {
				add(c.spell(next))
				e.Decision, e.Target = weaker(e.Decision, next.decision), Administrator
				if next.to >= 0 {
					e.Target = c.people[next.to].ARN
				}
			}
		}
		for _, list := range []*[]string{&e.Unknown, &e.Assumed} {
			slices.Sort(*list)
			*list = slices.Compact(*list)
		}
		out = append(out, e)
	}
	return out
}

// spellTogether tells a step, once for each who makes calls of it.
func (c *climb) spellTogether(step *bandStep) []spelt {
	if step.edge != nil {
		s := c.spell(step.edge)
		s.unknown = append(s.unknown, step.unknown...)
		return []spelt{s}
	}
	var out []spelt
	var makers []*Principal
	for _, p := range step.makers {
		if !slices.Contains(makers, p) {
			makers = append(makers, p)
		}
	}
	for _, p := range makers {
		s := spelt{Step: Step{From: p.ARN, To: step.target.ARN, Technique: technique(step.route), Via: step.group, Waits: step.route.Waits}}
		if step.carrier != nil && !step.carrier.every {
			s.Via = step.carrier.ARN
		}
		e := taken{decision: Allow}
		for n := range step.route.Needs {
			if step.makers[n] == p {
				c.takeOne(&e, p, step.target, &step.route.Needs[n], step.carrier, step.group, everyCall|told)
			}
		}
		for _, r := range e.calls {
			s.Actions = append(s.Actions, r.Action)
		}
		said := c.phrase(&e)
		s.Because = c.join(said.reasons)
		s.unknown, s.assumed = said.unknown, e.assumed
		out = append(out, s)
	}
	out[0].unknown, out[0].assumed = append(out[0].unknown, step.unknown...), append(out[0].assumed, step.assumed...)
	return out
}

// wayOn is a surest way of one who has one, from there on.
func (c *climb) wayOn(from int32) []*edge {
	if c.bands.onward == nil {
		c.bands.onward = map[int32][]*edge{}
		for t := range c.into {
			for k := range c.into[t] {
				if e := &c.into[t][k]; c.routes[e.route].Gain != "bounded" {
					c.bands.onward[e.from] = append(c.bands.onward[e.from], e)
				}
			}
		}
		for i := range c.own {
			for k := range c.own[i] {
				c.bands.onward[int32(i)] = append(c.bands.onward[int32(i)], &c.own[i][k])
			}
		}
	}
	for _, least := range []Decision{Allow, Conditional, Unknown} {
		prev := map[int32]*edge{from: nil}
		queue := []int32{from}
		for at := 0; at < len(queue); at++ {
			for _, e := range c.bands.onward[queue[at]] {
				if rankOf(e.decision) < rankOf(least) {
					continue
				}
				if e.to < 0 || isOne(c.admin[e.to]) && rankOf(c.admin[e.to]) >= rankOf(least) {
					way := []*edge{e}
					for x := prev[queue[at]]; x != nil; x = prev[x.from] {
						way = append(way, x)
					}
					slices.Reverse(way)
					return way
				}
				if _, met := prev[e.to]; !met {
					prev[e.to] = e
					queue = append(queue, e.to)
				}
			}
		}
	}
	return nil
}
