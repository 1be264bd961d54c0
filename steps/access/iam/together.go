package iam

import (
	"maps"
	"slices"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// What the members of a band may call together: which of them makes each call of a
// route, and what is decided of it.

type ableKey struct {
	who     int32
	r, unit int
}

type heldKey struct {
	ableKey
	carrier string
}

// makes says that a member can make what of a unit does not hang on the target, or on
// the boundary of what is new.
func (c *climb) makes(m *member, s *sharedRoute, unit int) bool {
	if m.p.untold() {
		return false // of whom nothing is known, nothing is told but that: see Untold
	}
	if m.i >= 0 && !c.may[m.i].covers(s.asks[unit]) {
		return false
	}
	key := ableKey{m.i, s.r, unit}
	if got, known := c.bands.able[key]; known && m.i >= 0 {
		return got
	}
	got := true
	e := taken{decision: Allow}
	for _, n := range s.units[unit] {
		if need := &s.route.Needs[n]; s.does != makesNew && partOf(need, s.route) == freeCalls && !c.takeOne(&e, m.p, nil, need, nil, "", freeCalls) {
			got = false
			break
		}
	}
	if m.i >= 0 {
		c.bands.able[key] = got
	}
	return got
}

// fits says that a route may lead to a target, without the calls being weighed that
// are on what acts as it.
func (b *band) fits(r int, units [][]int, can [][]int, t int32) bool {
	c, route, target := b.c, &b.c.routes[r], b.c.people[t]
	switch {
	case c.isStage(int(t)), target.ServiceLinked, target.untold(), route.Target == "role" && target.Kind != Role, route.Target == "user" && target.Kind != User,
		target.Kind != Role && target.Kind != User, b.surety[t] != Deny && !b.counts(b.surety[t]),
		len(route.Service) > 0 && c.admits(int(t), route.Service) == Deny:
		return false
	}
	for u, needs := range units {
		if !slices.ContainsFunc(can[u], func(k int) bool { return b.mayOn(&b.members[k], r, needs, t) }) {
			return false
		}
	}
	return true
}

// several says that the calls of a route may be made by several members where none of
// the people can make all: what one does alone is known.
func (b *band) several(r int, units [][]int, can [][]int, t int32, carrier *Carrier) bool {
	var all []int // who may make the calls of every unit
	for u, needs := range units {
		some := false
		var too []int
		for _, k := range can[u] {
			m := &b.members[k]
			if !b.holds(m, r, u, needs, t, carrier) || !b.mayOn(m, r, needs, t) {
				continue
			}
			some = true
			if m.i >= 0 && (u == 0 || slices.Contains(all, k)) {
				too = append(too, k)
			}
		}
		if !some {
			return false
		}
		all = too
	}
	return len(all) == 0
}

// holds says that a member is allowed the calls of a unit on what acts as the target,
// so far as that is known without weighing them with the others.
func (b *band) holds(m *member, r, unit int, needs []int, t int32, carrier *Carrier) bool {
	c, route := b.c, &b.c.routes[r]
	if carrier == nil || m.i < 0 || !c.shapes.apart[r] {
		return true
	}
	key := heldKey{ableKey{m.i, r, unit}, carrier.ARN}
	got, known := c.bands.held[key]
	if !known {
		got = true
		e := taken{decision: Allow}
		for _, n := range needs {
			if need := &route.Needs[n]; need.On == "carrier" && !c.takeOne(&e, m.p, c.people[t], need, carrier, "", heldCalls) {
				got = false
				break
			}
		}
		c.bands.held[key] = got
	}
	return got
}

// mayOn says that a member is allowed the calls of a unit that are on a target, so far
// as that is known without weighing them for him alone.
func (b *band) mayOn(m *member, r int, needs []int, t int32) bool {
	c, route := b.c, &b.c.routes[r]
	if m.p.Account != c.people[t].Account && route.ID != "sts.assume-role" {
		return false
	}
	if m.i < 0 {
		return true
	}
	for k := range c.shapes.calls[r] {
		call := &c.shapes.calls[r][k]
		switch {
		case !slices.ContainsFunc(needs, func(n int) bool { return call.need == &route.Needs[n] }):
		case call.trust && c.trustCalls(m.i, t, r) == Deny, !call.trust && c.kinCall(m.i, t, call) == Deny:
			return false
		}
	}
	return true
}

// weigh decides the calls of a route, each by the member who is surest of it; those of
// one unit by one member.
func (b *band) weigh(route *reference.Route, units, can [][]int, target *Principal, carrier *Carrier, group string) (*bandStep, bool) {
	step, ok := b.weighed(route, units, can, target, carrier, group, true)
	if !ok {
		if step, ok = b.weighed(route, units, can, target, carrier, group, false); ok {
			step.decision, step.unknown = Unknown, append(step.unknown, "whether what one of them makes is what another may use: "+route.Title)
		}
	}
	return step, ok
}

// weighed is weigh where all calls are on one resource of each kind that the first of
// them chooses, or where each chooses for itself.
func (b *band) weighed(route *reference.Route, units, can [][]int, target *Principal, carrier *Carrier, group string, same bool) (*bandStep, bool) {
	c := b.c
	whole := taken{decision: Allow}
	for _, fact := range route.Requires {
		if !c.fact(&whole, fact, b.members[0].p, target, carrier) {
			return nil, false
		}
	}
	byTrust := rewritesTrust(route) || route.Target == "new" && target.Kind == Role
	if byTrust && !slices.ContainsFunc(b.members, func(m member) bool { return c.entersByNewTrust(m.p, target) }) {
		return nil, false
	}
	step := &bandStep{route: route, target: target, carrier: carrier, group: group, makers: make([]*Principal, len(route.Needs))}
	for u, needs := range units {
		best, got := -1, taken{}
		for _, k := range can[u] {
			m := &b.members[k]
			e := taken{decision: Allow}
			if same {
				e.made = maps.Clone(whole.made)
			}
			ok := true
			for _, n := range needs {
				need := &route.Needs[n]
				if ok = (need.Action == "sts:AssumeRole" || m.p.Account == target.Account) && c.takeOne(&e, m.p, target, need, carrier, group, everyCall); !ok {
					break
				}
			}
			if ok && (best < 0 || rankOf(e.decision) > rankOf(got.decision)) {
				best, got = k, e
			}
		}
		if best < 0 {
			return nil, false
		}
		for _, n := range needs {
			step.makers[n] = b.members[best].p
		}
		if !slices.Contains(step.after, best) {
			step.after = append(step.after, best)
		}
		whole.decision = weaker(whole.decision, got.decision)
		if same {
			whole.made = got.made
		}
	}
	step.made = whole.made
	step.decision, step.unknown, step.assumed = whole.decision, whole.unknown, whole.assumed
	return step, true
}
