package iam

import (
	"slices"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// To grow the band of everybody who has no way would be most of a climb's work, and
// nearly all bands come to nothing. A band does more than its members do alone by a
// shared route only, and the first time it does, whoever makes a call of it is one of
// the people as he is. So whose steps lead to nobody who can make the calls of some
// unit of such a route has no way with others either, and is not followed.

// sharedRoute is a route whose calls several members of a band may make.
type sharedRoute struct {
	r     int // its number among the routes; negative for half of one
	route *reference.Route
	does  deed
	units [][]int  // the calls, in groups that one member makes
	asks  []bitset // by unit: what his policies must speak of
}

// deed is what a shared route does.
type deed uint8

const (
	becomes deed = iota
	givesTo
	makesNew
)

// sharedRoutes lists them.
func (c *climb) sharedRoutes() []sharedRoute {
	var out []sharedRoute
	add := func(r int, route *reference.Route, does deed) {
		s := sharedRoute{r: r, route: route, does: does, units: unitsOf(route)}
		for _, needs := range s.units {
			asks := make(bitset, len(c.bits)/64+1)
			for _, n := range needs {
				if action := route.Needs[n].Action; action != "sts:AssumeRole" { // a trust policy may allow it alone
					asks.set(c.bits[action])
				}
			}
			s.asks = append(s.asks, asks)
		}
		out = append(out, s)
	}
	for r := range c.routes[:c.single] {
		switch route := &c.routes[r]; {
		case route.Gain == "become" && (route.Target == "role" || route.Target == "user"):
			add(r, route, becomes)
		case route.Target == "new" && (route.Gain == "any" || route.Gain == "attach"):
			add(r, route, makesNew)
		}
	}
	halves := c.giftHalves()
	for h := range halves {
		add(-1-h, &halves[h], givesTo)
	}
	return out
}

// unitsOf groups a route's calls: those that are one request, with the right to pass
// what it carries, are one member's.
func unitsOf(route *reference.Route) [][]int {
	var units [][]int
	at := map[string]int{}
	for n := range route.Needs {
		action := route.Needs[n].Action
		if action == "iam:PassRole" && route.Passes != nil {
			action = route.Passes.Action
		}
		u, ok := at[action]
		if !ok {
			u = len(units)
			units, at[action] = append(units, nil), u
		}
		units[u] = append(units[u], n)
	}
	return units
}

// together finds the ways that several identities make, of those who have none. surety
// says of each of the people how sure his best way is.
func (c *climb) together(surety []Decision) error {
	words := len(c.people)/64 + 1
	c.bands = bands{
		ways: make([][]bandWay, len(c.people)), out: map[int32][]edge{}, known: make(bitset, words),
		able: map[ableKey]bool{}, held: map[heldKey]bool{}, shared: c.sharedRoutes(),
	}
	idle := make(bitset, words) // who has no way
	for i := range c.people {
		if surety[i] == Deny && c.isMember(i) {
			idle.set(i)
		}
	}
	begin, err := c.leadingTo(c.makers(idle), idle)
	if err != nil {
		return err
	}
	if err := c.stepsFrom(begin, surety); err != nil {
		return err
	}
	for i := range c.people {
		if !begin.has(i) || c.isStage(i) || len(c.bands.out[int32(i)]) == 0 {
			continue
		}
		if c.bands.ways[i], err = c.bandWays(int32(i), surety); err != nil {
			return err
		}
	}
	return nil
}

// makers are those of the idle who may make the calls of one unit of a shared route
// each of whose units somebody may: the unit that the fewest can.
func (c *climb) makers(idle bitset) bitset {
	out := make(bitset, len(idle))
	for k := range c.bands.shared {
		s := &c.bands.shared[k]
		if len(s.units) == 1 && s.does != givesTo {
			continue // each alone is known
		}
		whom, any := c.whomFor(s, idle)
		if !any && !whom.any() {
			continue
		}
		var fewest []int32
		for u := range s.units {
			var can []int32
			for i := range c.people {
				if idle.has(i) && c.makes(&member{p: c.people[i], i: int32(i)}, s, u) && (any || c.namesOne(int32(i), s, u, whom)) {
					can = append(can, int32(i))
				}
			}
			if u == 0 || len(can) < len(fewest) {
				fewest = can
			}
			if len(fewest) == 0 {
				break
			}
		}
		for _, i := range fewest {
			out.set(int(i))
		}
	}
	return out
}

// whomFor lists on whom the calls of a shared route may be, the first time that one is
// taken; any says that they are not told by their names.
func (c *climb) whomFor(s *sharedRoute, idle bitset) (whom bitset, any bool) {
	if s.does == makesNew {
		return nil, true
	}
	whom = make(bitset, len(idle))
	for t, p := range c.people {
		switch {
		case s.does == givesTo && (!idle.has(t) || !c.canGet(s.route, p)):
		case s.does == becomes && (c.isStage(t) || p.ServiceLinked || p.untold() || s.route.Target == "role" && p.Kind != Role || s.route.Target == "user" && p.Kind != User):
		default:
			whom.set(t)
			// Whom somebody made is asked about under the name that he has then.
			any = any || s.route.Target == "group" || c.isStage(t)
		}
	}
	return whom, any
}

// namesOne says that somebody's own policies may allow the calls of a unit on one of
// some people.
func (c *climb) namesOne(i int32, s *sharedRoute, unit int, whom bitset) bool {
	for _, n := range s.units[unit] {
		need := &s.route.Needs[n]
		action := int32(c.bits[need.Action])
		if need.On == "target" && need.Action != "sts:AssumeRole" && !c.mayOnSome(&c.kins[action].all[c.kinOf(i, action)], whom) {
			return false
		}
	}
	return true
}

// leadingTo are some of the idle, and all of them whose steps lead there.
func (c *climb) leadingTo(there, idle bitset) (bitset, error) {
	met := slices.Clone(there)
	var work []int
	for i := range c.people {
		if met.has(i) {
			work = append(work, i)
		}
	}
	if len(work) == 0 {
		return met, nil
	}
	among := c.among(idle)
	for len(work) > 0 {
		if err := c.ctx.Err(); err != nil {
			return nil, err
		}
		t := work[0]
		work = work[1:]
		for _, e := range among.into(t, func(who int32) bool { return !met.has(int(who)) }) {
			if !met.has(int(e.from)) && idle.has(int(e.from)) {
				met.set(int(e.from))
				work = append(work, int(e.from))
			}
		}
	}
	return met, nil
}

// stepsFrom finds the steps of some who have no way, and of all to whom those lead, to
// others who have none; once for each.
func (c *climb) stepsFrom(some bitset, surety []Decision) error {
	known := c.bands.known
	fresh := make(bitset, len(some))
	for k := range some {
		fresh[k] = some[k] &^ known[k]
	}
	for fresh.any() {
		for k := range fresh {
			known[k] |= fresh[k]
		}
		among, next := c.among(fresh), make(bitset, len(some))
		for t := range c.people {
			if err := c.ctx.Err(); err != nil {
				return err
			}
			if surety[t] != Deny {
				continue
			}
			into := among.into(t, func(int32) bool { return true })
			for _, e := range into {
				c.bands.out[e.from] = append(c.bands.out[e.from], e)
			}
			if len(into) > 0 && c.isMember(t) && !known.has(t) {
				next.set(t)
			}
		}
		fresh = next
	}
	return nil
}

// isMember says that one of the people may be of a band as he is: what somebody is
// given the band gives anew.
func (c *climb) isMember(i int) bool {
	return !c.isStage(i) || c.stages[i].what&wasMade != 0
}

// among finds the steps of some of the people. Nearly all of an account can take none,
// so whom a role may let in is looked up in what it trusts.
type among struct {
	c      *climb
	some   bitset
	able   [][]able // theirs, but for assuming roles:
	assume int      // the number of that route; -1 if none can take it
	ask    []able   // those whose own policies speak of it
	named  map[string]*able
}

func (c *climb) among(some bitset) *among {
	a := &among{c: c, some: some, able: make([][]able, len(c.able)), assume: -1, named: map[string]*able{}}
	for r := range c.able[:c.single] {
		for k := range c.able[r] {
			one := &c.able[r][k]
			switch {
			case !some.has(int(one.who)):
			case c.routes[r].ID != "sts.assume-role":
				a.able[r] = append(a.able[r], *one)
			case c.may[one.who].has(c.bits["sts:AssumeRole"]):
				a.assume, a.ask = r, append(a.ask, *one)
			case !c.isStage(int(one.who)):
				a.assume, a.named[c.people[one.who].ARN] = r, one
			default:
				a.assume = r
			}
		}
	}
	return a
}

// into lists the steps to one of the people, of those that from says yes of.
func (a *among) into(t int, from func(who int32) bool) []edge {
	c := a.c
	all := c.able
	defer func() { c.able = all }()
	c.able = a.able
	if a.assume >= 0 {
		a.able[a.assume] = a.entering(t, all[a.assume])
	}
	return c.edges(t, func(who int32) bool { return a.some.has(int(who)) && from(who) })
}

// entering lists who may be let in by whom a role trusts.
func (a *among) entering(t int, all []able) []able {
	switch in := a.c.shapes.admitted[t]; {
	case in == nil:
		return nil
	case in.anybody:
		return slices.DeleteFunc(slices.Clone(all), func(one able) bool { return !a.some.has(int(one.who)) })
	default:
		out := slices.Clip(a.ask)
		for _, arn := range in.arns {
			if one := a.named[arn]; one != nil {
				out = append(out, *one)
			}
		}
		return out
	}
}
