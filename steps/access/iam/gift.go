package iam

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// A band gives its own members rights, by whichever of them can. What somebody has been
// given is one more member, under his name: as he is he stays one too, since a policy
// that is added may refuse something.

// give gives every member all that some member can give him.
func (b *band) give() {
	for h := range b.c.bands.shared {
		half := &b.c.bands.shared[h]
		if half.does != givesTo {
			continue
		}
		can, _ := b.takers(half, 0)
		if can == nil {
			continue
		}
		for _, arn := range sortedKeys(b.gained) {
			if k := b.gained[arn]; b.c.canGet(half.route, b.members[k].p) {
				b.giveOne(half.route, half.units, can, k)
			}
		}
	}
}

// giftHalves are the routes by which rights are given, by whoever can.
func (c *climb) giftHalves() []reference.Route {
	list := halves(c.routes[:c.single])
	for _, r := range c.routes[:c.single] {
		if r.Target == "group" { // a role puts users into groups, though not itself
			r.From, r.Requires = "any", nil
			list = append(list, r)
		}
	}
	return list
}

// canGet says that there is something in what a half gives for somebody.
func (c *climb) canGet(half *reference.Route, p *Principal) bool {
	switch {
	case p.ServiceLinked, half.Target == "role" && p.Kind != Role, half.Target != "role" && p.Kind != User:
		return false
	case half.Gain == "unbound" && p.Boundary == nil, half.Gain != "unbound" && slices.Contains(p.Policies, c.w.everything):
		return false
	case half.Gain == "version" && c.w.versionsOf(p) == nil, half.Target == "group" && len(c.w.groups) == 0:
		return false
	}
	return half.Target == "group" || c.holdsFor(half, p)
}

// giveOne gives one member what a half gives.
func (b *band) giveOne(half *reference.Route, units, can [][]int, k int) {
	c, p := b.c, b.members[k].p
	for u, needs := range units {
		if !slices.ContainsFunc(can[u], func(k int) bool { return b.mayGive(&b.members[k], half, needs, p) }) {
			return
		}
	}
	try := func(key, group, why string, change func(after *Principal)) bool {
		if key = p.ARN + "\x00" + key; b.made[key] {
			return true
		}
		at := b.gained[p.ARN] // with what was given a moment ago
		step, ok := b.weigh(half, units, can, b.members[at].p, nil, group)
		if why == "" && at != k && isFull(half, b.members[at].p) && (!ok || !b.counts(step.decision)) {
			if instead, ok := b.weigh(half, units, can, p, nil, group); ok && b.counts(instead.decision) {
				b.made[key] = true
				b.change(instead, b.with(instead, k, change))
				b.gained[p.ARN] = at
				return true
			}
		}
		if ok && why != "" {
			step.decision, step.unknown = Unknown, append(step.unknown, why)
		}
		if !ok || !b.counts(step.decision) {
			return ok
		}
		b.made[key] = true
		b.given(p.ARN, step, change)
		return true
	}
	with := func(policies ...*Policy) func(*Principal) {
		return func(after *Principal) {
			after.Policies = append(after.Policies, policies...)
			if attachesTo(half, "target") {
				after.Attached += len(policies)
			}
		}
	}
	switch {
	case half.Target == "group":
		for g := range c.w.groups {
			if group := &c.w.groups[g]; group.Account == p.Account && !slices.Contains(p.Groups, group.ARN) {
				try("group "+group.ARN, group.ARN, "", with(group.Policies...))
			}
		}
	case half.Gain == "unbound":
		try("unbound", "", "", func(after *Principal) { after.Boundary = nil })
	case half.Gain == "version":
		try("version", "", "", with(c.w.versionsOf(p)...))
	case !try("everything", "", "", with(c.w.everything)) && half.Gain == "attach":
		if !slices.ContainsFunc(b.members, func(m member) bool { return c.asksPolicy(m.p) }) {
			return
		}
		left := c.lesser(c.leading(p.Account, make(bitset, len(c.bits)/64+1)), 0, func(ids string, more ...*Policy) bool {
			if strings.Contains(ids, " ") {
				return false // each is a gift of its own here
			}
			return try("policy "+ids, ids, "", with(more...))
		})
		if left != nil {
			try("left", left.ID, "more policies can be attached than were followed: the first that was not is "+left.ID, with(c.w.everything))
		}
	}
}

// mayGive says that a member's own policies may allow the calls of a unit on whom is
// given something.
func (b *band) mayGive(m *member, half *reference.Route, needs []int, to *Principal) bool {
	c := b.c
	t, known := c.number[to.ARN]
	for _, n := range needs {
		need := &half.Needs[n]
		action := int32(c.bits[need.Action])
		if m.p.Account != to.Account || m.i >= 0 && known && need.On == "target" && half.Target != "group" && !c.mayOn(&c.kins[action].all[c.kinOf(m.i, action)], int32(t)) {
			return false
		}
	}
	return true
}

// fork is a gift that may take rights away too, or what was given in one.
type fork struct {
	step   *bandStep
	change func(after *Principal)
}

// given adds a member as he is with one gift more, and with each gift besides that may
// take rights away.
func (b *band) given(arn string, step *bandStep, change func(after *Principal)) {
	at := b.gained[arn]
	after := b.with(step, at, change)
	if refuses(after.Policies[len(b.members[at].p.Policies):]) {
		b.forks[arn] = append(b.forks[arn], fork{step, change})
		b.change(step, after)
		b.gained[arn] = at
		return
	}
	b.change(step, after)
	at = b.gained[arn]
	for _, f := range b.forks[arn] {
		again := *f.step
		b.change(&again, b.with(&again, at, f.change))
		b.gained[arn] = at
	}
}

// with is a member with one gift more.
func (b *band) with(step *bandStep, at int, change func(*Principal)) *Principal {
	after := *b.members[at].p
	after.Policies = slices.Clone(after.Policies)
	change(&after)
	step.after = append(slices.Clone(step.after), at)
	return &after
}

func refuses(policies []*Policy) bool {
	return slices.ContainsFunc(policies, func(p *Policy) bool {
		return slices.ContainsFunc(p.Statements, func(s Statement) bool { return s.Deny })
	})
}

// change adds a member as he has become; one who is an administrator is where a way
// ends.
func (b *band) change(step *bandStep, after *Principal) {
	if isOne(b.c.w.IsAdministrator(after)) {
		b.arrive(step, -1, after)
		return
	}
	b.join(member{p: after, i: -1, step: step})
}

// create makes identities whose calls several members make, with every right; within a
// boundary, where a condition asks for one.
func (b *band) create() {
	c := b.c
	for k := range c.bands.shared {
		s := &c.bands.shared[k]
		if s.does != makesNew {
			continue
		}
		route := s.route
		can, _ := b.takers(s, 0)
		if can == nil {
			continue
		}
		maker := b.members[can[0][0]].p
		bounds := []boundary{{}}
		for _, m := range b.members {
			bounds = append(bounds, c.boundariesAsked(maker.Account, m.p.Policies)...)
		}
		for _, bound := range bounds {
			fresh := c.newIdentity(maker, route)
			fresh.Boundary = bound.policy
			key := "new " + fresh.ARN + " " + bound.arn
			if b.made[key] {
				continue
			}
			step, ok := b.weigh(route, s.units, can, fresh, nil, "")
			if !ok || len(step.after) == 1 && b.members[step.after[0]].i >= 0 {
				continue // whom one makes alone is among the people
			}
			named := *fresh
			name(&named, step.made)
			step.target = &named
			if bound.why != "" {
				named.Boundary, step.decision, step.unknown = nil, Unknown, append(step.unknown, bound.why)
			}
			if b.counts(step.decision) {
				b.made[key] = true
				b.change(step, &named)
			}
		}
	}
}

// boundaryARN is the condition key of the permissions boundary that is asked for.
const boundaryARN = "iam:PermissionsBoundary"

// boundary is a permissions boundary that one can ask for; why says what of it is not
// known.
type boundary struct {
	arn    string
	policy *Policy
	why    string
}

// boundariesAsked lists the boundaries that conditions of some policies name.
func (c *climb) boundariesAsked(account string, policies []*Policy) []boundary {
	key, ok := c.w.names.find(boundaryARN)
	if !ok {
		return nil
	}
	var out []boundary
	for _, pol := range policies {
		at := askedIn{account, pol}
		list, known := c.boundsIn[at]
		if !known {
			list = c.boundariesIn(account, pol, key)
			c.boundsIn[at] = list
		}
		out = addBoundaries(out, list...)
	}
	return out
}

// askedIn is a policy and for whose account it is read.
type askedIn struct {
	account string
	policy  *Policy
}

func addBoundaries(to []boundary, list ...boundary) []boundary {
	for _, one := range list {
		if one.arn != "" && !slices.ContainsFunc(to, func(had boundary) bool { return had.arn == one.arn }) {
			to = append(to, one)
		}
	}
	return to
}

// boundariesIn are those of one policy.
func (c *climb) boundariesIn(account string, pol *Policy, key key32) []boundary {
	var out []boundary
	for i := range pol.Statements {
		for k := range pol.Statements[i].conditions {
			if a := &pol.Statements[i].conditions[k]; a.key == key && a.not == pol.Statements[i].Deny {
				out = addBoundaries(out, c.boundariesOf(account, a.values.strings)...)
			}
		}
	}
	return out
}

// boundariesOf lists those that some patterns name.
func (c *climb) boundariesOf(account string, named set) []boundary {
	var out []boundary
	for _, pol := range slices.Concat(c.w.managed[account], c.w.managed[""], c.boundsOf(account)) {
		if pol == nil || !named.match(pol.ID) {
			continue
		}
		one := boundary{arn: pol.ID, policy: pol}
		if pol.unread != "" {
			one.why = pol.ID + ": " + pol.unread
		}
		out = append(out, one)
	}
	if len(out) > 0 {
		return out
	}
	for i := range named {
		arn := named[i].String()
		if text, ok := reference.Managed(arn); ok {
			out = append(out, boundary{arn: arn, policy: c.w.Parse(arn, text)})
			continue
		}
		out = append(out, boundary{arn: arn, policy: &Policy{ID: arn}, why: "what the boundary " + arn + " allows: it was not read"})
	}
	return out
}

// boundsOf lists the boundaries of an account's people, nil first.
func (c *climb) boundsOf(account string) []*Policy {
	bounds, ok := c.bounds[account]
	if !ok {
		bounds = []*Policy{nil}
		for _, p := range c.people {
			if p.Account == account && !slices.Contains(bounds, p.Boundary) {
				bounds = append(bounds, p.Boundary)
			}
		}
		c.bounds[account] = bounds
	}
	return bounds
}
