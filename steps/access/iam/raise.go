package iam

import (
	"slices"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// raise finds the steps by which somebody first gives another every right and
// then becomes him, by one route, of those who are able to take it from a place in
// the list on. The other can be any; one witness is enough for each technique, since
// whom to raise is the taker's choice.
func (c *climb) raise(r, at int) {
	if !raises(&c.routes[r]) {
		return
	}
	for k := at; k < len(c.able[r]); k++ {
		if e, ok := c.raiseOne(&c.able[r][k], r); ok {
			c.raised[e.from] = append(c.raised[e.from], e)
		}
	}
}

// raises says that a route first gives its target every right.
func raises(route *reference.Route) bool {
	return (route.Gain == "any" || route.Gain == "attach") && (route.Target == "role" || route.Target == "user")
}

// raising is a search for the people on whom a call is not refused.
type raising struct {
	next  int32 // whom to look at
	found []int32
}

// raisedBy goes on with a search; false at its end.
func (c *climb) raisedBy(s *raising, who int32, call *targetCall) bool {
	for int(s.next) < len(c.people) {
		t := s.next
		s.next++
		if c.raisable(c.people[who], int(t)) && (call == nil || c.kinCall(who, t, call) != Deny) {
			s.found = append(s.found, t)
			return true
		}
	}
	return false
}

// raiseOne finds somebody whom a principal can raise by a route.
func (c *climb) raiseOne(a *able, r int) (edge, bool) {
	route := &c.routes[r]
	if !raises(route) {
		return edge{}, false
	}
	var call *targetCall // the first that hangs on the target
	key := [2]int32{-1, c.accountNumber(c.people[a.who].Account)}
	for k := range c.shapes.calls[r] {
		if one := &c.shapes.calls[r][k]; !one.trust {
			call, key = one, [2]int32{one.shape, c.kinOf(a.who, one.action)}
			break
		}
	}
	s := c.shapes.raisable[key]
	if s == nil {
		s = &raising{}
		if call != nil && c.refusedAll(a.who, call) {
			s.next = int32(len(c.people))
		}
		c.shapes.raisable[key] = s
	}
	var late []int // who has no room for one more policy: others are surer
	for at := 0; ; at++ {
		if at == len(s.found) && !c.raisedBy(s, a.who, call) {
			break
		}
		t := int(s.found[at])
		target := c.people[t]
		if t == int(a.who) || route.Target == "role" && target.Kind != Role || route.Target == "user" && target.Kind != User || !c.holdsFor(route, target) {
			continue
		}
		if isFull(route, target) {
			late = append(late, t)
			continue
		}
		if e, ok := c.raiseBy(a, t, r); ok {
			return e, true
		}
	}
	for _, t := range late {
		if e, ok := c.raiseBy(a, t, r); ok {
			return e, true
		}
	}
	return edge{}, false
}

// refusedAll says that a call is refused on every user and role of the caller's
// account, whichever it is.
func (c *climb) refusedAll(who int32, call *targetCall) bool {
	account := c.people[who].Account
	for _, values := range call.need.Context {
		if slices.Contains(values, "${target}") {
			return false
		}
	}
	for _, b := range c.boundsOf(account) {
		anybody := &Principal{ARN: "arn:aws:iam::" + account + ":*", Account: account, Boundary: b}
		for _, r := range c.requests(c.people[who], anybody, call.need, nil, "", nil) {
			r.Literal = false
			if c.w.Decide(r) != Deny {
				return false
			}
		}
	}
	return true
}

// holdsFor says that a target has what some of a route's calls are on.
func (c *climb) holdsFor(route *reference.Route, target *Principal) bool {
	for k := range route.Needs {
		switch route.Needs[k].On {
		case "policy":
			if len(target.Customer) == 0 {
				return false
			}
		case "target-group":
			if len(target.Groups) == 0 {
				return false
			}
		}
	}
	return true
}

// raisable says that a target of somebody's account could be raised.
func (c *climb) raisable(p *Principal, t int) bool {
	target := c.people[t]
	return target.Account == p.Account && !target.ServiceLinked && !c.isStage(t) && !isOne(c.admin[t]) && isOne(c.full[t])
}

// raiseBy is the step of one principal who raises a target and becomes him.
func (c *climb) raiseBy(a *able, t, r int) (edge, bool) {
	route := &c.routes[r]
	party := c.partyCalls(a.party, int32(t), r)
	if party == Deny {
		return edge{}, false
	}
	admitted := Allow
	if len(route.Service) > 0 {
		if admitted = c.admits(t, route.Service); admitted == Deny {
			return edge{}, false
		}
	}
	carriers, sure := c.carriersOf(c.people[t], route)
	e, ok := c.edgeBy(a, t, r, carriers, sure, party)
	e.decision = weaker(e.decision, admitted)
	return e, ok
}
