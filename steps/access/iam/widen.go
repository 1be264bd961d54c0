package iam

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// Who gives rights to another identity and becomes it has done two things, and every
// way of becoming somebody can be the second: a policy is written for the role of a
// function whose code one may change, or attached to a role that one may pass. The
// catalogue names a few such pairs; the others are put together here. Where what can
// be given is less than everything, the one who was given it stands among the people
// of a climb as a stage of himself, to whom steps lead from those who can give it.

// maxGives bounds how often it is weighed whether somebody can give another a policy
// that is less than everything.
const maxGives = 100_000

// halves are the routes by which one gives oneself rights, made to give them to
// another.
func halves(routes []reference.Route) []reference.Route {
	var out []reference.Route
	for _, r := range routes {
		if r.Target != "self" || !slices.Contains([]string{"any", "attach", "version", "unbound"}, r.Gain) {
			continue
		}
		targets := []string{r.From}
		if r.From == "any" {
			targets = []string{"role", "user"}
		}
		for _, target := range targets {
			half := r
			half.From, half.Target, half.Requires = "any", target, nil // what is required of oneself is asked of the target
			half.Needs = slices.Clone(r.Needs)
			for k := range half.Needs {
				switch n := &half.Needs[k]; n.On {
				case "self":
					n.On = "target"
				case "group":
					n.On = "target-group"
				}
			}
			out = append(out, half)
		}
	}
	return out
}

// paired are those that the catalogue has, by the id of their second half.
var paired = map[string][]string{
	"sts.assume-role":       {"iam.put-role-policy", "iam.attach-role-policy", "iam.policy-version"},
	"iam.trust":             {"iam.put-role-policy", "iam.attach-role-policy", "iam.policy-version"},
	"iam.create-access-key": {"iam.put-user-policy", "iam.attach-user-policy"},
}

// compounds are the pairs that the catalogue does not have.
func compounds(routes []reference.Route) []reference.Route {
	var out []reference.Route
	for _, half := range halves(routes) {
		for _, r := range routes {
			if r.Gain != "become" || r.Target != half.Target || slices.Contains(paired[r.ID], half.ID) {
				continue
			}
			both := r
			both.ID, both.Pathfinding, both.Gain = half.ID+"+"+technique(&r), "", half.Gain
			if half.Gain == "version" || half.Gain == "unbound" {
				both.Title = "rights of another set free"
			} else {
				both.Title = "rights given to another"
			}
			both.Title += " (" + strings.NewReplacer("oneself, a ", "a ", "one is in", "he is in", "one has oneself", "he has", "one's own permissions boundary", "his permissions boundary").Replace(half.Title) + "), and then: " + r.Title
			both.Needs = append(slices.Clip(half.Needs), r.Needs...)
			out = append(out, both)
		}
	}
	return out
}

// isCompound says that a route was put together.
func (c *climb) isCompound(r int) bool { return r >= c.single }

// gives says that by a route somebody first changes what another may and then
// becomes him.
func gives(route *reference.Route) bool {
	return (route.Target == "role" || route.Target == "user") && slices.Contains([]string{"any", "attach", "version", "unbound"}, route.Gain)
}

// openEnd is a way of which it is not known whether it leads anywhere.
type openEnd struct {
	route, target int32
	via           *Carrier
	who           *Principal // instead of the target: one that is made
	policy, why   string
}

// given is what somebody can make of another.
type given struct {
	key  string
	who  *Principal
	what stagesOf
	step edge
}

// givesOthers lists whom one of the people can make more than they are and then
// become, short of an administrator.
func (c *climb) givesOthers(i int) []given {
	p := c.people[i]
	var out []given
	on := &weighedOn{whom: map[int32][]int32{}, calls: map[int32][]answer{}}
	for r := range c.routes {
		route := &c.routes[r]
		makes := route.Target == "new" && (route.Gain == "attach" || route.Gain == "any")
		if !gives(route) && !makes || !c.candidate(i, r) {
			continue
		}
		lesser := route.Gain == "attach" && c.asksPolicy(p)
		switch of := c.lessersOf(p.Account); {
		case route.Target == "new":
		case route.Gain == "unbound" && !of.bound, route.Gain == "version" && !of.versions, (route.Gain == "any" || route.Gain == "attach") && !of.limited && !lesser:
			continue // nobody there for it
		}
		if route.Target == "new" {
			out = append(out, c.newOnes(i, r, lesser)...)
			continue
		}
		part := c.take(p, nil, route, nil, "", freeCalls)
		if !part.ok {
			continue
		}
		a := &able{int32(i), c.partyOf(int32(i), r), part}
		for _, t := range c.givable(i, r, on) {
			out = append(out, c.givesOne(a, int(t), r, lesser)...)
		}
	}
	return out
}

// lessers says whom an account has to whom less than everything can be given.
type lessers struct{ bound, versions, limited bool }

func (c *climb) lessersOf(account string) lessers {
	got, ok := c.lessers[account]
	if !ok {
		for t, p := range c.people {
			if p.Account == account && !p.ServiceLinked && (p.Kind == User || p.Kind == Role) && !isOne(c.admin[t]) {
				got.bound, got.versions, got.limited = got.bound || p.Boundary != nil, got.versions || c.w.versionsOf(p) != nil, got.limited || !isOne(c.full[t])
			}
		}
		c.lessers[account] = got
	}
	return got
}

// weighedOn is what was decided of the calls of one who gives, since hundreds of routes
// begin with the same few.
type weighedOn struct {
	whom  map[int32][]int32  // by action: on whom his policies may allow it
	calls map[int32][]answer // by shape of a call, by principal
}

// call decides a call of one who gives.
func (on *weighedOn) call(c *climb, i, t int32, call *targetCall) Decision {
	list := on.calls[call.shape]
	if list == nil {
		list = make([]answer, len(c.people))
		on.calls[call.shape] = list
	}
	if !list[t].asked {
		list[t] = answer{true, c.kinCall(i, t, call)}
	}
	return list[t].d
}

// givable lists whom a route may serve to give somebody rights.
func (c *climb) givable(i, r int, on *weighedOn) []int32 {
	p, route := c.people[i], &c.routes[r]
	among := func(call *targetCall, t int32) bool {
		return c.mayOn(&c.kins[call.action].all[c.kinOf(int32(i), call.action)], t)
	}
	var first *targetCall
	action := int32(-1)
	for k := range c.shapes.calls[r] {
		if call := &c.shapes.calls[r][k]; !call.trust {
			first, action = call, call.action
			break
		}
	}
	list, ok := on.whom[action]
	if !ok {
		for t, target := range c.people {
			if t != i && !c.isStage(t) && target.Account == p.Account && !target.ServiceLinked && !isOne(c.admin[t]) && !target.untold() &&
				(target.Kind == Role || target.Kind == User) && (first == nil || among(first, int32(t))) {
				list = append(list, int32(t))
			}
		}
		on.whom[action] = list
	}
	var out []int32
	for _, t := range list {
		target := c.people[t]
		if route.Target == "role" && target.Kind != Role || route.Target == "user" && target.Kind != User || !c.holdsFor(route, target) ||
			route.Gain == "unbound" && target.Boundary == nil || route.Gain == "version" && len(target.Customer) == 0 {
			continue
		}
		may := true
		for k := range c.shapes.calls[r] {
			call := &c.shapes.calls[r][k]
			_, chosen := call.need.Context[policyARN]
			if !call.trust && (!among(call, t) || !chosen && on.call(c, int32(i), t, call) == Deny) {
				may = false
				break
			}
		}
		if may {
			out = append(out, t)
		}
	}
	return out
}

// givesOne is givesOthers for one target and route.
func (c *climb) givesOne(a *able, t, r int, lesser bool) []given {
	target, route := c.people[t], &c.routes[r]
	if isOne(c.full[t]) && !lesser && route.Gain != "unbound" && route.Gain != "version" {
		return nil // he is raised at once, or not at all
	}
	had := c.stages[t].what
	var out []given
	// with is the target with another policy, if the route leads to him then.
	with := func(key, policy string, what stagesOf, after Principal) bool {
		got, via, sure := c.give(a, t, r, policy)
		if !got.ok {
			return false
		}
		out = append(out, given{key: target.ARN + "\x00" + key, who: &after, what: had | what, step: edge{route: int32(r), decision: got.decision, via: via, sure: sure, group: policy, then: -1}})
		return true
	}
	wider := func(pol *Policy) Principal {
		after := *target
		after.Policies = append(slices.Clone(target.Policies), pol)
		if attachesTo(route, "target") {
			after.Attached++
		}
		return after
	}
	switch route.Gain {
	case "unbound":
		if target.Boundary == nil || had&withoutBoundary != 0 {
			return nil
		}
		after := *target
		after.Boundary = nil
		with("unbound", "", withoutBoundary, after)
		return out
	case "version":
		for _, v := range c.w.versionsOf(target) {
			if !slices.Contains(target.Policies, v) && c.addsTo(t, []*Policy{v}) {
				with(v.ID, "", 0, wider(v))
			}
		}
		return out
	}
	if isOne(c.full[t]) {
		if !lesser || c.mayBecome(a, t, r) {
			return nil // he is raised at once, or cannot be become
		}
	} else if had&withEverything == 0 && c.addsTo(t, []*Policy{c.w.everything}) {
		if with("everything", "", withEverything, wider(c.w.everything)) {
			return out
		}
	}
	if !lesser {
		return out
	}
	left := c.lesser(c.leading(target.Account, c.may[t]), target.Attached, func(ids string, more ...*Policy) bool {
		if c.attaching.given++; c.attaching.given > maxGives {
			return false
		}
		after := *target
		after.Policies = append(slices.Clone(target.Policies), more...)
		after.Attached += len(more)
		return with(ids, ids, 0, after)
	})
	if left != nil || c.attaching.given > maxGives {
		end := &openEnd{route: int32(r), target: int32(t), why: "which policies can be attached to " + short(target.ARN) + " was not followed to the end"}
		if left != nil {
			end.policy, end.why = left.ID, "more policies can be attached to "+short(target.ARN)+" than were followed: the first that was not is "+left.ID
		}
		_, end.via, _ = c.give(a, t, r, end.policy)
		c.openEnds[a.who] = end
	}
	return out
}

// mayBecome says that a route that gives everything leads to a target.
func (c *climb) mayBecome(a *able, t, r int) bool {
	got, _, _ := c.give(a, t, r, "")
	return got.ok && got.decision != Unknown
}

// give weighs the calls of a route by which one target is given a managed policy, or
// everything where policy is empty, and then become.
func (c *climb) give(a *able, t, r int, policy string) (got taken, via *Carrier, sure bool) {
	p, target, route := c.people[a.who], c.people[t], &c.routes[r]
	admitted := Allow
	if len(route.Service) > 0 {
		if admitted = c.admits(t, route.Service); admitted == Deny {
			return taken{}, nil, true
		}
	}
	if !rewritesTrust(route) && slices.ContainsFunc(c.shapes.calls[r], func(call targetCall) bool { return call.trust }) && !c.shapes.admitted[t].has(p) {
		return taken{}, nil, true
	}
	carriers, sure := c.carriersOf(target, route)
	if route.Carrier == nil {
		got = c.take(p, target, route, nil, policy, everyCall)
	}
	for k := range carriers {
		if got = c.take(p, target, route, &carriers[k], policy, everyCall); got.ok {
			via = &carriers[k]
			if !sure {
				got.decision = Unknown
			}
			break
		}
	}
	got.decision = weaker(got.decision, admitted)
	return got, via, sure
}

// newOnes lists the identities that somebody can make and become and that are no
// administrators at once: those whom the organisation's policies bound, or a boundary
// that he must ask for, and those that get a managed policy which gives less.
func (c *climb) newOnes(i, r int, lesser bool) []given {
	p, route := c.people[i], &c.routes[r]
	fresh := c.newIdentity(p, route)
	if fresh.Kind == Role && !c.entersByNewTrust(p, fresh) {
		return nil
	}
	whole := c.take(p, p, route, nil, "", everyCall)
	if whole.ok && whole.decision != Unknown && c.newIsFull(fresh) {
		return nil
	}
	var out []given
	add := func(key, group string, got taken, after Principal) {
		name(&after, got.made)
		out = append(out, given{key: after.ARN + "\x00" + key, who: &after, what: wasMade, step: edge{route: int32(r), decision: got.decision, sure: true, group: group, then: -1}})
	}
	if whole.ok && !c.newIsFull(fresh) {
		add("everything", "", whole, *fresh)
	}
	for _, bound := range c.boundariesAsked(p.Account, p.Policies) {
		within := *fresh
		within.Boundary = bound.policy
		got := c.take(p, &within, route, nil, "", everyCall)
		switch {
		case !got.ok:
		case bound.why != "":
			c.openEnds[int32(i)] = &openEnd{route: int32(r), target: int32(i), who: &within, why: bound.why}
		default:
			add(bound.arn, "", got, within)
		}
	}
	if !lesser {
		return out
	}
	left := c.lesser(c.leading(p.Account, make(bitset, len(c.may[i]))), 0, func(ids string, more ...*Policy) bool {
		got := c.take(p, p, route, nil, ids, everyCall)
		if got.ok {
			after := *fresh
			after.Policies, after.Attached = more, len(more)
			add(ids, ids, got, after)
		}
		return got.ok
	})
	if left != nil {
		c.openEnds[int32(i)] = &openEnd{route: int32(r), target: int32(i), policy: left.ID, why: "more policies can be attached to what is made than were followed: the first that was not is " + left.ID}
	}
	return out
}

// name calls an identity that is made as the calls that make it do.
func name(fresh *Principal, made map[string]string) {
	for _, kind := range []string{"role", "user"} {
		if arn := strings.ReplaceAll(made[kind], "*", "new"); arn != "" {
			fresh.ARN, fresh.Name = arn, arn[strings.LastIndexByte(arn, '/')+1:]
		}
	}
}

// newIdentity is one that somebody makes, with every right.
func (c *climb) newIdentity(p *Principal, route *reference.Route) *Principal {
	fresh := &Principal{Kind: Role, Account: p.Account, Name: "new", ARN: "arn:aws:iam::" + p.Account + ":role/new", Policies: []*Policy{c.w.everything}}
	if !creates(route, "role") {
		fresh.Kind, fresh.ARN = User, "arn:aws:iam::"+p.Account+":user/new"
	}
	if attachesTo(route, "new") {
		fresh.Attached = 1
	}
	return fresh
}

// newIsFull says that a new identity with every right is an administrator.
func (c *climb) newIsFull(fresh *Principal) bool {
	k := freshKey{fresh.Account, fresh.Kind}
	full, known := c.fresh[k]
	if !known {
		full = c.givesAll(fresh)
		c.fresh[k] = full
	}
	return full
}
