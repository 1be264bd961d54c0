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
// it, from the principal or from a stage before.

// mostStages is how often somebody may become more than he was on one way.
const mostStages = 3

// stage is how somebody of a climb came to be; of is -1 for those who are.
type stage struct {
	of   int32
	step edge
	what stagesOf
}

// stagesOf says what a stage has been given already.
type stagesOf uint8

const (
	withEverything stagesOf = 1 << iota // whatever can be written into a policy
	withoutBoundary
)

// staged adds the stages of those who cannot make themselves administrators at
// once. The climb is made anew with them; without any it is the same one.
func (c *climb) staged() *climb {
	from := 0
	for range mostStages {
		people, stages := c.people, c.stages
		for i := from; i < len(c.people); i++ {
			for _, s := range c.stagesOf(i) {
				s.of, s.step.from, s.step.to = int32(i), int32(i), int32(len(people))
				people, stages = append(people[:len(people):len(people)], s.step.after), append(stages[:len(stages):len(stages)], s)
				stages[len(stages)-1].step.after = nil
			}
		}
		if len(people) == len(c.people) {
			return c
		}
		from = len(c.people)
		c = c.w.climbOf(c.ctx, c.routes, c.around, people, stages)
	}
	return c
}

// isStage says that one of the people is a stage of another.
func (c *climb) isStage(i int) bool { return c.stages[i].of >= 0 }

// stagesOf lists what one of the people can make of himself in one step, short of
// an administrator; each with the step, whose after is he himself then.
func (c *climb) stagesOf(i int) []stage {
	p := c.people[i]
	if isOne(c.admin[i]) || p.Kind != User && p.Kind != Role || p.ServiceLinked || p.untold() {
		return nil
	}
	for r := range c.routes { // quick, and most end here
		if c.changesSelf(r) && c.candidate(i, r) {
			if len(c.ownEdges(i)) > 0 {
				return nil // he needs no stage
			}
			break
		}
	}
	had := c.stages[i].what
	seen := map[stagesOf]bool{}
	var out []stage
	add := func(r int, got taken, group string, what stagesOf, after *Principal) {
		out = append(out, stage{what: had | what, step: edge{route: int32(r), decision: got.decision, sure: true, group: group, then: -1, after: after}})
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
			seen[what] = got.decision == Allow // else a surer step may come
			add(r, got, "", what, &after)
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
		s := speaks(pol, c.named, len(c.may[i]))
		if !c.may[i].covers(s) {
			return true
		}
	}
	return false
}

// stageInto is the step into a stage.
func (c *climb) stageInto(t int, from func(who int32) bool) []edge {
	if s := &c.stages[t]; from(s.of) {
		return []edge{s.step}
	}
	return nil
}

// newcomers finds whether somebody can make an identity with every right and
// become it. It has no boundary but the organisation's policies.
func (c *climb) newcomer(i, r int) (edge, bool) {
	p, route := c.people[i], &c.routes[r]
	fresh := &Principal{Kind: Role, Account: p.Account, Name: "new", ARN: "arn:aws:iam::" + p.Account + ":role/new", Policies: []*Policy{c.w.everything}}
	if !creates(route, "role") {
		fresh.Kind, fresh.ARN = User, "arn:aws:iam::"+p.Account+":user/new"
	}
	full, known := c.fresh[freshKey{p.Account, fresh.Kind}]
	if !known {
		full = c.givesAll(fresh)
		c.fresh[freshKey{p.Account, fresh.Kind}] = full
	}
	if !full {
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
