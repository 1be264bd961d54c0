package access

import (
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
)

// A grant with conditions is used by a call that met them. What the log tells of
// the call is its context; what it does not tell may have been anything, so that
// the call is no proof of use, unless nothing else could have allowed it.

// met says whether calls of an action that were let through used a statement; of
// each resource that it names it is noted in x.uses.
func (x *user1) met(g *given1, action string, d *done) UseStatus {
	best := UseUnused
	for r, p := range d.resources {
		on := x.m.canonical(r)
		if !g.grantsOn(r) && !g.grantsOn(on) {
			continue
		}
		got := UseUsed
		if len(g.st.Conditions) > 0 {
			got = x.metOn(g, action, on, d, p)
		}
		if x.uses[action] == nil {
			x.uses[action] = map[string]UseStatus{}
		}
		x.uses[action][r] = got
		if got == UseUsed || got == UseUnknown && best == UseUnused {
			best = got
		}
	}
	return best
}

// metOn is met for one resource.
func (x *user1) metOn(g *given1, action, on string, d *done, p *place1) UseStatus {
	best := UseUnused
	timed := timeKeys(g)
	for _, context := range p.contexts {
		times := []time.Time{p.last}
		if timed && d.first.Before(p.last) {
			times = append(times, d.first)
		}
		for _, at := range times {
			r := x.request(action, on, context, at)
			switch x.m.world.Bearing(r, g.pol, g.index) {
			case iam.Allow:
				return UseUsed
			case iam.Deny:
				if timed && p.count > len(times) { // those between were not asked about
					best = UseUnknown
				}
				continue
			}
			if x.only(g, r) {
				return UseUsed
			}
			best = UseUnknown
		}
	}
	if p.open || len(p.contexts) == 0 {
		return UseUnknown
	}
	return best
}

// request is a call as the log tells it.
func (x *user1) request(action, on string, context map[string][]string, at time.Time) iam.Request {
	all := map[string][]string{"aws:CurrentTime": {at.UTC().Format(time.RFC3339)}}
	for k, v := range context {
		all[k] = v
	}
	return iam.Request{Principal: x.p, Action: action, Resource: on, Literal: true, Context: all}
}

// only says that a call that was let through cannot have been allowed by anything
// but one statement.
func (x *user1) only(g *given1, r iam.Request) bool {
	service, name := cutAction(r.Action)
	for i := range x.all {
		o := &x.all[i]
		if o == g || o.policy == g.policy && o.index == g.index || !o.grantsAction(service+":"+name) || !o.grantsOn(r.Resource) {
			continue
		}
		if x.m.world.Bearing(r, o.pol, o.index) != iam.Deny {
			return false
		}
	}
	bare := *x.p
	bare.Policies = nil
	r.Principal = &bare // what the resource itself may give
	return x.p.Unread == "" && x.m.world.Decide(r) == iam.Deny
}

// othersGrant says that another statement names the action too.
func (x *user1) othersGrant(g *given1, action string) bool {
	for i := range x.all {
		if o := &x.all[i]; (o.policy != g.policy || o.index != g.index) && o.grantsAction(action) {
			return true
		}
	}
	return false
}

// timeKeys says that a statement asks when it is.
func timeKeys(g *given1) bool {
	for _, c := range g.st.Conditions {
		if k := strings.ToLower(c.Key); k == "aws:currenttime" || k == "aws:epochtime" {
			return true
		}
	}
	return false
}
