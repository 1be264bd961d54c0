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
	asked []asked
	// direct are the routes, by number, that ask nothing of the target but such
	// calls.
	direct []bool
	// apart are the routes whose calls are of separate parts, each the same for
	// all who share it: the free ones for a principal, those on a carrier for him
	// and it, those on the target for his kin and it.
	apart []bool
	// admitted says of each principal whom his trust policy may admit beside
	// services and identity providers; nil if nobody, or if it was not read.
	admitted []*admitted
	// parties are, by route, those who are kin for each call on the target.
	parties []parties
	// carried are the answers to a route's calls on a resource that acts as a
	// role, where the role is not told in them.
	carried map[carriedKey]Decision
	// any are the same on a resource that stands for all of its type, by route and
	// principal.
	any [][]stamped
	// drawings are whom statements name.
	drawings map[*Statement]*drawing
	// raisable are, for each call on a target and kin, on whom it is not refused.
	raisable map[[2]int32]*raising
	// alike are the answers to calls on targets whom a clan's policies do not tell
	// apart, usual who is no more than his ARN to them.
	alike map[alikeKey]Decision
	usual []usual
	// carriers are, by type and account, the resources that act as each role.
	carriers map[[2]string]*carriersOf
}

// targetCall is a call that a route makes on the target.
type targetCall struct {
	need   *reference.Need
	shape  int32
	action int32
	// trust says that the target's own trust policy decides it, which may name
	// anybody.
	trust bool
	// bound says that the call carries the target's boundary, bespoke that it carries
	// more of him.
	bound, bespoke bool
}

type shapeKey struct{ kin, target, shape int32 }

// asked holds what was decided of one call, on the target that was asked about last.
type asked struct {
	kin, who []stamped // by kin, by principal
}

type stamped struct {
	target int32 // plus one
	d      Decision
}

// memo is the place in a list where an answer stands.
func memo(list *[]stamped, at int32) *stamped {
	if int(at) >= len(*list) {
		*list = append(*list, make([]stamped, int(at)+1-len(*list))...)
	}
	return &(*list)[at]
}

// forget clears what was decided of calls on targets.
func (s *shapes) forget() {
	for i := range s.asked {
		clear(s.asked[i].kin)
		clear(s.asked[i].who)
	}
}

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
		calls: make([][]targetCall, len(c.routes)), direct: make([]bool, len(c.routes)), apart: make([]bool, len(c.routes)),
		parties: make([]parties, len(c.routes)), carried: map[carriedKey]Decision{}, any: make([][]stamped, len(c.routes)),
		drawings: map[*Statement]*drawing{}, raisable: map[[2]int32]*raising{}, carriers: map[[2]string]*carriersOf{}, alike: map[alikeKey]Decision{},
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
			call := targetCall{need: n, shape: id, action: int32(c.bits[n.Action]), trust: strings.HasPrefix(n.Action, "sts:"), bespoke: !strings.HasPrefix(n.Action, "iam:")}
			for _, values := range n.Context {
				call.bound = call.bound || slices.Contains(values, "${boundary}")
				call.bespoke = call.bespoke || slices.Contains(values, "${target}")
			}
			c.shapes.calls[r] = append(c.shapes.calls[r], call)
		}
		c.shapes.direct[r], c.shapes.apart[r] = direct && apart, apart
		c.shapes.parties[r].known = map[string]int32{}
	}
	c.shapes.asked = make([]asked, len(known))
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
		if n.On == "policy" || n.On == "provider" || n.On == "target-group" {
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

// admitted are those whom a trust policy names in what it allows.
type admitted struct {
	anybody        bool // somebody is named in another way than by account or ARN
	accounts, arns []string
}

// has says that a user or role may be among them.
func (a *admitted) has(p *Principal) bool {
	return a != nil && (a.anybody || p.Account == "" || slices.Contains(a.accounts, p.Account) || slices.Contains(a.arns, p.ARN))
}

// admits lists whom a trust policy names in what it allows, services and
// identity providers aside; nil if nobody.
func (p *Policy) admits() *admitted {
	if p == nil {
		return nil
	}
	out := &admitted{}
	for i := range p.Statements {
		s := &p.Statements[i]
		ps := &s.principals
		if s.Deny && s.wrong == "" {
			continue
		}
		out.anybody = out.anybody || s.wrong != "" || !s.hasPrincipal || ps.not || ps.everyone || len(ps.canonical)+len(ps.other) > 0 ||
			slices.ContainsFunc(ps.arns, func(arn string) bool { return !strings.Contains(arn, ":role/") && !strings.Contains(arn, ":user/") })
		out.accounts, out.arns = append(out.accounts, ps.accounts...), append(out.arns, ps.arns...)
	}
	if !out.anybody && len(out.accounts)+len(out.arns) == 0 {
		return nil
	}
	return out
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
		if out = weaker(out, c.kinCall(who, t, call)); out == Deny {
			break
		}
	}
	return out
}

// kinCall decides one of them.
func (c *climb) kinCall(who, t int32, call *targetCall) Decision {
	kin := c.kinOf(who, call.action)
	m := memo(&c.shapes.asked[call.shape].kin, kin)
	if m.target != t+1 {
		*m = stamped{t + 1, c.clanCall(kin, who, t, call)}
	}
	return m.d
}

// clanCall decides one for a clan that one of the people is of.
func (c *climb) clanCall(kin, who, t int32, call *targetCall) Decision {
	l := &c.kins[call.action].all[kin]
	key, kept := c.alike(l, kin, who, t, call)
	if kept {
		if got, known := c.shapes.alike[key]; known {
			return got
		}
	}
	got := Deny
	if c.mayOn(l, t) {
		got = c.callOn(who, t, call.need)
	}
	if kept {
		c.shapes.alike[key] = got
	}
	return got
}

// trustCalls decides those that the target's trust policy has a word in.
func (c *climb) trustCalls(who, t int32, r int) Decision {
	out := Allow
	for k := range c.shapes.calls[r] {
		call := &c.shapes.calls[r][k]
		if !call.trust {
			continue
		}
		if !c.shapes.admitted[t].has(c.people[who]) && !rewritesTrust(&c.routes[r]) {
			return Deny
		}
		m := memo(&c.shapes.asked[call.shape].who, who)
		if m.target != t+1 {
			*m = stamped{t + 1, c.callOn(who, t, call.need)}
		}
		if out = weaker(out, m.d); out == Deny {
			break
		}
	}
	return out
}

// callOn decides a call on a target.
func (c *climb) callOn(who, t int32, n *reference.Need) Decision {
	got := Deny
	for _, request := range c.requests(c.people[who], c.people[t], n, nil, "", nil) {
		if d := c.withWriting(&request, c.w.Decide(request)); d != Deny && (got == Deny || d > got) {
			got = d
		}
		if got == Allow {
			break
		}
	}
	return got
}

// mayOn says that some statement of the clan's own policies may allow the action on
// one of the people. It is what most pairs fail by, and costs a look.
func (c *climb) mayOn(l *clan, t int32) bool {
	c.draw(l)
	if l.everywhere {
		return true
	}
	for _, d := range l.on {
		if c.names(d, t) {
			return true
		}
	}
	return false
}

// mayOnSome is mayOn for one of a set of the people.
func (c *climb) mayOnSome(l *clan, whom bitset) bool {
	c.draw(l)
	if l.everywhere {
		return whom.any()
	}
	for _, d := range l.on {
		c.drawWhole(d)
		for k := range whom {
			if d.who[k]&whom[k] != 0 {
				return true
			}
		}
	}
	return false
}

// draw finds whom a clan's statements name, once.
func (c *climb) draw(l *clan) {
	if !l.drawn {
		l.drawn = true
		l.everywhere = l.untold
		for _, s := range l.allows {
			if s == nil || s.everything || s.notResource || s.wrong != "" || len(s.resources) > 0 {
				l.everywhere = true
				break
			}
			if len(s.plain) > 0 {
				l.on = append(l.on, c.drawingOf(s))
			}
		}
	}
}

// drawing is the set of the people whom a statement names, by their ARNs: drawn once
// it is asked about often enough.
type drawing struct {
	of    set
	asked int
	who   bitset
}

func (c *climb) drawingOf(s *Statement) *drawing {
	d := c.shapes.drawings[s]
	if d == nil {
		d = &drawing{of: s.plain}
		c.shapes.drawings[s] = d
	}
	return d
}

func (c *climb) names(d *drawing, t int32) bool {
	if d.who != nil {
		return d.who.has(int(t))
	}
	if d.asked++; d.asked < 64 {
		return d.of.match(c.people[t].ARN)
	}
	c.drawWhole(d)
	return d.who.has(int(t))
}

func (c *climb) drawWhole(d *drawing) {
	if d.who != nil {
		return
	}
	d.who = make(bitset, len(c.people)/64+1)
	for i, p := range c.people {
		if d.of.match(p.ARN) {
			d.who.set(i)
		}
	}
}
