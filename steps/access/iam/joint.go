package iam

import (
	"cmp"
	"slices"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// Who can act as several identities may give rights as one and take them as another,
// where no one of them can do both: one attaches a policy to a role, another assumes
// it; one takes a boundary off, another writes the policy. Such a way is sought for
// those who have no other, and is told with each of its steps. What somebody could do
// who was given less than everything is not followed: that is unknown, and said so.

// gift is what one of the people can add to what another, or he himself, may.
type gift struct {
	by, to   int32
	half     *reference.Route
	group    string // or the policy that is attached, where that is chosen
	decision Decision
	policies []*Policy
	unbound  bool
}

// joint is a way that takes several identities.
type joint struct {
	target   int32
	steps    []edge // to those who give, and to the target
	gifts    []gift
	decision Decision
	why      string // it is not known whether it leads anywhere
}

// joints are the ways of those who have no other, with the steps they are made of.
type joints struct {
	ways  [][]joint // by principal
	out   map[int32][]edge
	gifts map[int32][]gift // by giver
}

// gifts lists what the people who have no way can add to each other.
func (c *climb) giftsAmong(reached []bool) ([]gift, error) {
	var out []gift
	halves := halves(c.routes[:c.single])
	for _, r := range c.routes[:c.single] {
		if r.Target == "group" { // a role puts users into groups, though not itself
			r.From = "any"
			halves = append(halves, r)
		}
	}
	mine := func(t int) bool {
		p := c.people[t]
		return !reached[t] && (p.Kind == User || p.Kind == Role) && !p.ServiceLinked && !p.untold()
	}
	for i := range c.people {
		if err := c.ctx.Err(); err != nil {
			return nil, err
		}
		if !mine(i) {
			continue
		}
		for h := range halves {
			half := &halves[h]
			if slices.ContainsFunc(half.Needs, func(n reference.Need) bool { return !c.may[i].has(c.bits[n.Action]) }) {
				continue
			}
			for t, target := range c.people {
				if !mine(t) || c.isStage(t) || target.Account != c.people[i].Account || !c.fits(i, t, half) {
					continue
				}
				out = append(out, c.giftsTo(i, t, half)...)
			}
		}
	}
	return out, nil
}

// fits says that a half may be for a target, without its calls being weighed.
func (c *climb) fits(i, t int, half *reference.Route) bool {
	target := c.people[t]
	switch {
	case half.Target == "role" && target.Kind != Role, (half.Target == "user" || half.Target == "group") && target.Kind != User:
		return false
	case half.Gain == "unbound" && target.Boundary == nil, half.Gain == "version" && c.w.versionsOf(target) == nil && !isOne(c.full[t]) && target.Boundary == nil:
		return false
	case half.Target != "group" && !c.holdsFor(half, target):
		return false
	}
	for k := range half.Needs {
		n := &half.Needs[k]
		if n.On != "target" || half.Target == "group" {
			continue
		}
		a := int32(c.bits[n.Action])
		if !c.mayOn(&c.kins[a].all[c.kinOf(int32(i), a)], int32(t)) {
			return false
		}
	}
	return true
}

// giftsTo weighs one half for one target.
func (c *climb) giftsTo(i, t int, half *reference.Route) []gift {
	p, target := c.people[i], c.people[t]
	g := gift{by: int32(i), to: int32(t), half: half}
	var out []gift
	try := func(group string, policies ...*Policy) bool {
		got := c.take(p, target, half, nil, group, everyCall)
		if !got.ok {
			return false
		}
		one := g
		one.group, one.decision, one.policies = group, got.decision, policies
		out = append(out, one)
		return true
	}
	switch {
	case half.Target == "group":
		for k := range c.w.groups {
			if group := &c.w.groups[k]; group.Account == p.Account && !slices.Contains(target.Groups, group.ARN) && c.addsTo(t, group.Policies) {
				try(group.ARN, group.Policies...)
			}
		}
	case half.Gain == "unbound":
		g.unbound = true
		try("")
	case half.Gain == "version":
		if v := c.w.versionsOf(target); c.addsTo(t, v) {
			try("", v...)
		}
	case !try("", c.w.everything) && half.Gain == "attach" && c.asksPolicy(p):
		c.lesser(c.leading(target.Account, c.may[t]), func(ids string, more ...*Policy) bool { return try(ids, more...) })
	}
	return out
}

// joined finds the ways of those who were not reached.
func (c *climb) joined(reached []bool) error {
	gifts, err := c.giftsAmong(reached)
	if err != nil || len(gifts) == 0 {
		return err
	}
	c.joints = joints{ways: make([][]joint, len(c.people)), out: map[int32][]edge{}, gifts: map[int32][]gift{}}
	byTarget := map[int32][]gift{}
	var work []int32
	known := map[int32]bool{}
	meet := func(t int32) {
		if !known[t] {
			known[t] = true
			work = append(work, t)
		}
	}
	for _, g := range gifts {
		byTarget[g.to] = append(byTarget[g.to], g)
		c.joints.gifts[g.by] = append(c.joints.gifts[g.by], g)
		meet(g.by)
		meet(g.to)
	}
	for len(work) > 0 {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		t := work[0]
		work = work[1:]
		for _, e := range c.edges(int(t), func(who int32) bool { return !reached[who] }) {
			c.joints.out[e.from] = append(c.joints.out[e.from], e)
			meet(e.from)
		}
	}
	for i := range c.people {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		if reached[i] || c.isStage(i) || !known[int32(i)] {
			continue
		}
		c.joints.ways[i] = c.jointsOf(int32(i), byTarget)
	}
	return nil
}

// jointsOf lists one way for each identity that somebody can make more of.
func (c *climb) jointsOf(i int32, byTarget map[int32][]gift) []joint {
	prev := map[int32]*edge{i: nil}
	queue := []int32{i}
	for at := 0; at < len(queue); at++ {
		out := c.joints.out[queue[at]]
		for k := range out {
			if _, met := prev[out[k].to]; !met {
				prev[out[k].to] = &out[k]
				queue = append(queue, out[k].to)
			}
		}
	}
	var ways []joint
	for _, t := range queue {
		var mine []gift
		for _, g := range byTarget[t] {
			if _, met := prev[g.by]; met {
				mine = append(mine, g)
			}
		}
		if len(mine) == 0 {
			continue
		}
		slices.SortStableFunc(mine, func(a, b gift) int { return -cmp.Compare(rankOf(a.decision), rankOf(b.decision)) })
		if j, ok := c.jointAt(t, mine); ok {
			c.lead(&j, i, prev)
			ways = append(ways, j)
		}
	}
	return ways
}

// jointAt weighs what a target could do with gifts.
func (c *climb) jointAt(t int32, gifts []gift) (joint, bool) {
	j := joint{target: t, gifts: slices.Clone(gifts), decision: Allow}
	after := c.after(t, j.gifts)
	got := c.w.IsAdministrator(after)
	if isOne(got) {
		for k := len(j.gifts) - 1; k >= 0 && len(j.gifts) > 1; k-- { // the fewest, the surest kept
			less := slices.Delete(slices.Clone(j.gifts), k, k+1)
			if d := c.w.IsAdministrator(c.after(t, less)); isOne(d) && rankOf(d) >= rankOf(got) {
				j.gifts, got = less, d
			}
		}
		j.decision = got
		return j, true
	}
	if c.alreadySought(t, gifts) || !c.leads(after, t) {
		return joint{}, false
	}
	j.decision = Unknown
	j.why = "what " + short(c.people[t].ARN) + " can do with what others give him was not followed"
	return j, true
}

// alreadySought says that the stages of a climb hold what these gifts make of
// somebody: he gives them himself, or one gives one and becomes him by himself.
func (c *climb) alreadySought(t int32, gifts []gift) bool {
	if !slices.ContainsFunc(gifts, func(g gift) bool { return g.by != t }) {
		return true
	}
	if len(gifts) > 1 {
		return false
	}
	return slices.ContainsFunc(c.joints.out[gifts[0].by], func(e edge) bool { return e.to == t })
}

// after is a target with gifts.
func (c *climb) after(t int32, gifts []gift) *Principal {
	after := *c.people[t]
	after.Policies = slices.Clone(after.Policies)
	for i := range gifts {
		after.Policies = append(after.Policies, gifts[i].policies...)
		if gifts[i].unbound {
			after.Boundary = nil
		}
	}
	return &after
}

// leads says that somebody may take a route that he could not take before.
func (c *climb) leads(after *Principal, t int32) bool {
	before := c.people[t]
	may := func(p *Principal, route *reference.Route) bool {
		for k := range route.Needs {
			if n := &route.Needs[k]; n.Action != "sts:AssumeRole" && c.w.Decide(Request{Principal: p, Action: n.Action, Resource: "*"}) == Deny {
				return false
			}
		}
		return true
	}
	for r := range c.routes[:c.single] {
		route := &c.routes[r]
		if route.Gain != "bounded" && route.Gain != "secret" && may(after, route) && !may(before, route) {
			return true
		}
	}
	return false
}

// lead puts the steps of a way in order: to each who gives, and to the target.
func (c *climb) lead(j *joint, i int32, prev map[int32]*edge) {
	told := map[int32]bool{}
	to := func(x int32) {
		var steps []edge
		for at := x; prev[at] != nil && !told[at]; at = prev[at].from {
			told[at] = true
			steps = append(steps, *prev[at])
			j.decision = weaker(j.decision, prev[at].decision)
		}
		slices.Reverse(steps)
		j.steps = append(j.steps, steps...)
	}
	for _, g := range j.gifts {
		to(g.by)
		j.decision = weaker(j.decision, g.decision)
	}
	to(j.target)
}

// jointWays spells the ways of somebody that take several identities.
func (c *climb) jointWays(i int) []Escalation {
	if c.joints.ways == nil {
		return nil
	}
	var out []Escalation
	for _, j := range c.joints.ways[i] {
		last := j.gifts[len(j.gifts)-1].half
		e := Escalation{
			Principal: c.people[i].ARN, Target: c.people[j.target].ARN, Technique: technique(last) + "+others",
			Title: "rights given by one identity and taken by another (" + last.Title + ")", Gain: "full", Decision: j.decision,
		}
		if int(j.target) == i {
			e.Target = Administrator
		}
		add := func(s spelt) {
			e.Path = append(e.Path, s.Step)
			e.Unknown, e.Assumed = append(e.Unknown, s.unknown...), append(e.Assumed, s.assumed...)
		}
		var entering []spelt // to the target, once he has what he is given
		for k := range j.steps {
			if s := c.spell(&j.steps[k]); j.steps[k].to == j.target && !slices.ContainsFunc(j.gifts, func(g gift) bool { return g.by == j.target }) {
				entering = append(entering, s)
			} else {
				add(s)
			}
		}
		for k := range j.gifts {
			add(c.spellGift(&j.gifts[k]))
		}
		for _, s := range entering {
			add(s)
		}
		if j.why != "" {
			e.Unknown = append(e.Unknown, j.why)
		}
		for _, list := range []*[]string{&e.Unknown, &e.Assumed} {
			slices.Sort(*list)
			*list = slices.Compact(*list)
		}
		out = append(out, e)
	}
	return out
}

// spellGift tells a step that gives somebody rights.
func (c *climb) spellGift(g *gift) spelt {
	whole := c.take(c.people[g.by], c.people[g.to], g.half, nil, g.group, everyCall|told)
	s := spelt{Step: Step{From: c.people[g.by].ARN, To: c.people[g.to].ARN, Technique: technique(g.half), Via: g.group, Waits: g.half.Waits}}
	for _, r := range whole.calls {
		s.Actions = append(s.Actions, r.Action)
	}
	p := c.phrase(&whole)
	s.Because = c.join(p.reasons)
	s.unknown, s.assumed = p.unknown, whole.assumed
	return s
}

// jointBeginnings are the calls by which somebody begins such a way: every step to
// another who gives or can be given to, and every gift. Without them he is alone.
func (c *climb) jointBeginnings(i int) [][]refusal {
	if c.joints.ways == nil || len(c.joints.ways[i]) == 0 {
		return nil
	}
	var out [][]refusal
	add := func(whole taken) {
		if !whole.ok {
			return
		}
		var calls []refusal
		for k := range whole.calls {
			calls = append(calls, refusal{whole.calls[k].Action, whole.on[k]})
		}
		out = append(out, calls)
	}
	for k := range c.joints.out[int32(i)] {
		add(c.again(&c.joints.out[int32(i)][k]))
	}
	for k := range c.joints.gifts[int32(i)] {
		g := &c.joints.gifts[int32(i)][k]
		add(c.take(c.people[i], c.people[g.to], g.half, nil, g.group, everyCall|told))
	}
	return out
}
