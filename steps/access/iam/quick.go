package iam

import (
	"fmt"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// shapes number the calls on a target: many routes ask for the same one, as
// iam:PassRole to a service, and it is decided once for each two principals.
type shapes struct {
	of    map[*reference.Need]int32
	asked map[shapeKey]Decision
	// direct are the routes, by number, that ask nothing of the target but such
	// calls.
	direct []bool
	// allows are the statements by which a principal may be allowed an action.
	allows map[allowKey][]*Statement
	// people says of each principal whether his trust policy was read and may
	// admit anybody but services and identity providers.
	people []bool
}

type shapeKey struct{ who, target, shape int32 }

type allowKey struct {
	who    int32
	action string
}

func (c *climb) shape() {
	c.shapes = shapes{of: map[*reference.Need]int32{}, asked: map[shapeKey]Decision{}, allows: map[allowKey][]*Statement{}, direct: make([]bool, len(c.routes)), people: make([]bool, len(c.people))}
	known := map[string]int32{}
	for r := range c.routes {
		route := &c.routes[r]
		direct := route.Carrier == nil && !rewritesTrust(route)
		for _, f := range route.Requires {
			direct = direct && f == "trusts-principal"
		}
		for k := range route.Needs {
			n := &route.Needs[k]
			if n.On != "target" {
				direct = direct && !bindsTo(n, route)
				continue
			}
			text := fmt.Sprint(n.Action, n.Context)
			id, ok := known[text]
			if !ok {
				id = int32(len(known))
				known[text] = id
			}
			c.shapes.of[n] = id
		}
		c.shapes.direct[r] = direct
	}
	for i, p := range c.people {
		if !c.w.trustUnread(p) {
			on := c.w.resources[p.ARN]
			c.shapes.people[i] = on.Policy != nil && on.Policy.admitsPeople()
		}
	}
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

// targetCalls decides the calls that a route makes on the target itself.
func (c *climb) targetCalls(who, t int32, r int) Decision {
	out := Allow
	route := &c.routes[r]
	for k := range route.Needs {
		n := &route.Needs[k]
		if n.On != "target" {
			continue
		}
		if strings.HasPrefix(n.Action, "sts:") && !c.shapes.people[t] && !rewritesTrust(route) {
			return Deny
		}
		if !strings.HasPrefix(n.Action, "sts:") && !c.mayOn(who, n.Action, c.people[t].ARN) {
			return Deny
		}
		key := shapeKey{who, t, c.shapes.of[n]}
		got, ok := c.shapes.asked[key]
		if !ok {
			got = Deny
			for _, request := range c.requests(c.people[who], c.people[t], n, nil, "", nil) {
				if d := c.w.Decide(request); d != Deny && (got == Deny || d > got) {
					got = d
				}
				if got == Allow {
					break
				}
			}
			c.shapes.asked[key] = got
		}
		if out = weaker(out, got); out == Deny {
			return Deny
		}
	}
	return out
}

// mayOn says that some statement of a principal's own policies may allow an
// action on a resource. It is what most pairs fail by, and costs a match.
func (c *climb) mayOn(who int32, action, arn string) bool {
	p := c.people[who]
	if p.Unread != "" {
		return true
	}
	k := allowKey{who, action}
	list, ok := c.shapes.allows[k]
	if !ok {
		a := newAction(action)
		for _, pol := range p.Policies {
			if pol.unread != "" {
				list = append(list, nil) // it may allow anything
				continue
			}
			pol.each(&a, func(s *Statement) bool {
				if !s.Deny || s.wrong != "" {
					list = append(list, s)
				}
				return true
			})
		}
		c.shapes.allows[k] = list
	}
	for _, s := range list {
		if s == nil || s.everything || s.notResource || s.wrong != "" || len(s.resources) > 0 || s.plain.match(arn) {
			return true
		}
	}
	return false
}
