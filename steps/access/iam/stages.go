package iam

import (
	"slices"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// Who gives himself rights may not be an administrator by that alone: a boundary
// bounds what he writes into a policy of his own, taking the boundary off gives
// nothing that his policies do not, and another version or a group gives what it
// gives. He is somebody else then, who may go on. Such a stage of a principal
// stands among the people of a climb under the same name, and one step leads to
// it, from the principal or from a stage before; to one of whom others made more,
// one from each of them.

// mostStages is how often somebody may become more than he was on one way.
const mostStages = 3

// stage is how somebody of a climb came to be; steps are none for those who are.
type stage struct {
	steps []edge
	what  stagesOf
}

// stagesOf says what a stage has been given already.
type stagesOf uint8

const (
	withEverything stagesOf = 1 << iota // whatever can be written into a policy
	withoutBoundary
	wasMade // he is no stage of anybody, but one that somebody made
)

// staged adds the stages of those who cannot make themselves administrators at
// once, and equips everybody.
func (c *climb) staged() error {
	from := 0
	known := map[string]int{} // stages to which several may lead
	for round := 0; ; round++ {
		if err := c.equip(from); err != nil {
			return err
		}
		if round == mostStages {
			return nil
		}
		var people []*Principal
		var stages []stage
		for i := from; i < len(c.people); i++ {
			if err := c.ctx.Err(); err != nil {
				return err
			}
			for _, s := range c.stagesOf(i) {
				s.step.from = int32(i)
				at, ok := known[s.key]
				if !ok || s.key == "" {
					at = len(c.people) + len(people)
					people, stages = append(people, s.who), append(stages, stage{what: s.what})
				}
				if s.key != "" {
					known[s.key] = at
				}
				s.step.to = int32(at)
				if at < len(c.people) {
					c.stages[at].steps = append(c.stages[at].steps, s.step)
				} else {
					k := at - len(c.people)
					stages[k].steps = append(stages[k].steps, s.step)
				}
			}
		}
		if len(people) == 0 {
			return nil
		}
		from = len(c.people)
		c.enrol(people, stages)
	}
}

// isStage says that one of the people is a stage of another.
func (c *climb) isStage(i int) bool { return c.stages[i].steps != nil }

// stagesOf lists what one of the people can make of himself in one step, short of
// an administrator, and what of others, whom he becomes.
func (c *climb) stagesOf(i int) []given {
	p := c.people[i]
	if isOne(c.admin[i]) || p.Kind != User && p.Kind != Role || p.ServiceLinked || p.untold() {
		return nil
	}
	if c.stages[i].what&wasMade != 0 {
		return nil // with all that can be given; what it gives others, the band of its maker follows
	}
	if c.hasWay(i) && !c.thorough[p.ARN] {
		return nil // he needs no stage
	}
	return append(c.ownStages(i), c.givesOthers(i)...)
}

// ownStages are those that he makes of himself.
func (c *climb) ownStages(i int) []given {
	p := c.people[i]
	had := c.stages[i].what
	seen := map[stagesOf]bool{}
	var out []given
	add := func(r int, got taken, group string, what stagesOf, after *Principal) {
		out = append(out, given{who: after, what: had | what, step: edge{route: int32(r), decision: got.decision, sure: true, group: group, then: -1}})
	}
	for r := range c.routes {
		route := &c.routes[r]
		if !c.changesSelf(r) || !c.candidate(i, r) {
			continue
		}
		if route.Target == "group" {
			for _, g := range c.w.groups {
				if g.Account != p.Account || slices.Contains(p.Groups, g.ARN) || !c.addsTo(i, g.Policies) {
					continue
				}
				if got := c.take(p, p, route, nil, g.ARN, everyCall); got.ok {
					after := *p
					after.Policies, after.Groups = append(slices.Clone(p.Policies), g.Policies...), append(slices.Clone(p.Groups), g.ARN)
					add(r, got, g.ARN, 0, &after)
				}
			}
			continue
		}
		what, after := withEverything, *p
		switch route.Gain {
		case "any", "attach":
			after.Policies = append(slices.Clone(p.Policies), c.w.everything)
			if attachesTo(route, "self") {
				after.Attached++
			}
		case "unbound":
			what, after.Boundary = withoutBoundary, nil
		}
		if route.Gain == "version" {
			if got := c.take(p, p, route, nil, "", everyCall); got.ok {
				for _, v := range c.w.versionsOf(p) {
					if !slices.Contains(p.Policies, v) && c.addsTo(i, []*Policy{v}) {
						wider := *p
						wider.Policies = append(slices.Clone(p.Policies), v)
						add(r, got, "", 0, &wider)
					}
				}
			}
			continue
		}
		if had&what != 0 || seen[what] || what == withoutBoundary && p.Boundary == nil {
			continue
		}
		if got := c.take(p, p, route, nil, "", everyCall); got.ok {
			seen[what] = got.decision == Allow             // else a surer step may come
			if c.thorough[p.ARN] || !c.ownGain(i, route) { // who would be one at once is no stage
				add(r, got, "", what, &after)
			}
		} else if route.Gain == "attach" {
			c.attached(i, r, func(got taken, ids string, more ...*Policy) {
				wider := *p
				wider.Policies = append(slices.Clone(p.Policies), more...)
				if attachesTo(route, "self") {
					wider.Attached += len(more)
				}
				add(r, got, ids, 0, &wider)
			})
		}
	}
	return out
}

// changesSelf says that a route changes what its taker may, under his own name.
func (c *climb) changesSelf(r int) bool {
	route := &c.routes[r]
	return route.Target == "self" && slices.Contains([]string{"any", "attach", "unbound", "version"}, route.Gain) || route.Target == "group"
}

// addsTo says that policies speak of calls that somebody's own do not.
func (c *climb) addsTo(i int, policies []*Policy) bool {
	for _, pol := range policies {
		s := c.speaks(pol)
		if !c.may[i].covers(s) {
			return true
		}
	}
	return false
}

// stageInto are the steps into a stage.
func (c *climb) stageInto(t int, from func(who int32) bool) []edge {
	var out []edge
	for _, e := range c.stages[t].steps {
		if from(e.from) {
			out = append(out, e)
		}
	}
	return out
}

// newcomer finds whether somebody can make an identity with every right and
// become it. It has no boundary but the organisation's policies.
func (c *climb) newcomer(i, r int) (edge, bool) {
	p, route := c.people[i], &c.routes[r]
	fresh := c.newIdentity(p, route)
	if !c.newIsFull(fresh) {
		return edge{}, false
	}
	got := c.take(p, p, route, nil, "", everyCall)
	if !got.ok || fresh.Kind == Role && !c.entersByNewTrust(p, fresh) {
		return edge{}, false
	}
	return edge{from: int32(i), to: -1, route: int32(r), decision: got.decision, then: -1}, true
}

// freshKey is an account and the kind of identity that would be new there.
type freshKey struct {
	account string
	kind    Kind
}

func creates(route *reference.Route, resource string) bool {
	return slices.ContainsFunc(route.Needs, func(n reference.Need) bool { return n.On == "new" && n.Resource == resource })
}
