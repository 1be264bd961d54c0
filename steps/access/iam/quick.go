package iam

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// shapes number the calls on a target: many routes ask for the same one, as
// iam:PassRole to a service, and it is decided once for all principals who are
// kin and each target.
type shapes struct {
	// calls on the target of each route.
	calls [][]targetCall
	asked map[shapeKey]Decision
	// direct are the routes, by number, that ask nothing of the target but such
	// calls.
	direct []bool
	// apart are the routes whose calls are of separate parts, each the same for
	// all who share it: the free ones for a principal, those on a carrier for him
	// and it, those on the target for his kin and it.
	apart []bool
	// people says of each principal whether his trust policy was read and may
	// admit anybody but services and identity providers.
	people []bool
	// parties are, by route, those who are kin for each call on the target.
	parties []parties
	// carried are the answers to a route's calls on a resource that acts as a
	// role, where the role is not told in them.
	carried map[carriedKey]Decision
}

// targetCall is a call that a route makes on the target.
type targetCall struct {
	need   *reference.Need
	shape  int32
	action int32
	// trust says that the target's own trust policy decides it, which may name
	// anybody.
	trust bool
}

type shapeKey struct{ kin, target, shape int32 }

type carriedKey struct {
	who, route int32
	carrier    string
}

// parties numbers the principals of whom the same calls on a target are decided
// alike.
type parties struct {
	known map[string]int32
	who   []int32 // one of each
}

func (c *climb) shape() {
	c.shapes = shapes{
		calls: make([][]targetCall, len(c.routes)), asked: map[shapeKey]Decision{}, direct: make([]bool, len(c.routes)), apart: make([]bool, len(c.routes)),
		people: make([]bool, len(c.people)), parties: make([]parties, len(c.routes)), carried: map[carriedKey]Decision{},
	}
	known := map[string]int32{}
	for r := range c.routes {
		route := &c.routes[r]
		direct, apart := route.Carrier == nil && !rewritesTrust(route), isApart(route)
		for _, f := range route.Requires {
			direct = direct && f == "trusts-principal"
		}
		for k := range route.Needs {
			n := &route.Needs[k]
			if n.On != "target" {
				direct = direct && partOf(n, route) == freeCalls
				continue
			}
			text := fmt.Sprint(n.Action, n.Context)
			id, ok := known[text]
			if !ok {
				id = int32(len(known))
				known[text] = id
			}
			c.shapes.calls[r] = append(c.shapes.calls[r], targetCall{n, id, int32(c.bits[n.Action]), strings.HasPrefix(n.Action, "sts:")})
		}
		c.shapes.direct[r], c.shapes.apart[r] = direct && apart, apart
		c.shapes.parties[r].known = map[string]int32{}
	}
	for i, p := range c.people {
		if !c.w.trustUnread(p) {
			on := c.w.resources[p.ARN]
			c.shapes.people[i] = on.Policy != nil && on.Policy.admitsPeople()
		}
	}
}

// isApart says that a route's calls are of separate parts: none but those on
// the target tell of it, and none is on what another part chose.
func isApart(route *reference.Route) bool {
	if rewritesTrust(route) || route.Target != "role" && route.Target != "user" {
		return false
	}
	parts := map[string]which{}
	for k := range route.Needs {
		n := &route.Needs[k]
		part := partOf(n, route)
		if part == targetCalls {
			continue
		}
		if n.On == "policy" || n.On == "provider" {
			return false
		}
		for _, values := range n.Context {
			if slices.Contains(values, "${target}") || slices.Contains(values, "${boundary}") {
				return false
			}
		}
		if was, ok := parts[n.Resource]; ok && was != part && n.Resource != "" {
			return false
		}
		parts[n.Resource] = part
	}
	return true
}

// admitsPeople says that some statement of a trust policy allows somebody who
// is no service and no identity provider.
func (p *Policy) admitsPeople() bool {
	for i := range p.Statements {
		s := &p.Statements[i]
		ps := &s.principals
		if s.wrong != "" || !s.Deny && (ps.not || ps.everyone || len(ps.accounts)+len(ps.arns)+len(ps.canonical)+len(ps.other) > 0) {
			return true
		}
	}
	return false
}

// partyOf numbers a principal among those who can take a route.
func (c *climb) partyOf(who int32, r int) int32 {
	ps := &c.shapes.parties[r]
	key := c.partyKey[:0]
	for k := range c.shapes.calls[r] {
		if call := &c.shapes.calls[r][k]; !call.trust {
			key = binary.AppendUvarint(key, uint64(c.kinOf(who, call.action)))
		}
	}
	key = append(key, c.people[who].Account...)
	c.partyKey = key
	n, ok := ps.known[string(key)]
	if !ok {
		n = int32(len(ps.who))
		ps.known[string(key)] = n
		ps.who = append(ps.who, who)
	}
	return n
}

// partyCalls decides those that are decided alike for a party.
func (c *climb) partyCalls(party, t int32, r int) Decision {
	out := Allow
	who := c.shapes.parties[r].who[party]
	for k := range c.shapes.calls[r] {
		call := &c.shapes.calls[r][k]
		if call.trust {
			continue
		}
		kin := c.kinOf(who, call.action)
		key := shapeKey{kin, t, call.shape}
		got, ok := c.shapes.asked[key]
		if !ok {
			got = Deny
			if c.kins[call.action].all[kin].mayOn(c.people[t].ARN) {
				got = c.callOn(who, t, call.need)
			}
			c.shapes.asked[key] = got
		}
		if out = weaker(out, got); out == Deny {
			break
		}
	}
	return out
}

// trustCalls decides those that the target's trust policy has a word in.
func (c *climb) trustCalls(who, t int32, r int) Decision {
	out := Allow
	for k := range c.shapes.calls[r] {
		call := &c.shapes.calls[r][k]
		if !call.trust {
			continue
		}
		if !c.shapes.people[t] && !rewritesTrust(&c.routes[r]) {
			return Deny
		}
		key := shapeKey{-1 - who, t, call.shape}
		got, ok := c.shapes.asked[key]
		if !ok {
			got = c.callOn(who, t, call.need)
			c.shapes.asked[key] = got
		}
		if out = weaker(out, got); out == Deny {
			break
		}
	}
	return out
}

// callOn decides a call on a target.
func (c *climb) callOn(who, t int32, n *reference.Need) Decision {
	got := Deny
	for _, request := range c.requests(c.people[who], c.people[t], n, nil, "", nil) {
		if d := c.w.Decide(request); d != Deny && (got == Deny || d > got) {
			got = d
		}
		if got == Allow {
			break
		}
	}
	return got
}

// mayOn says that some statement of their own policies may allow the action on a
// resource. It is what most pairs fail by, and costs a match.
func (l *clan) mayOn(arn string) bool {
	if l.untold {
		return true
	}
	for _, s := range l.allows {
		if s == nil || s.everything || s.notResource || s.wrong != "" || len(s.resources) > 0 || s.plain.match(arn) {
			return true
		}
	}
	return false
}
