package iam

import (
	"slices"
	"strings"
)

// meeting is a resource that both a statement and a call on any resource of a
// type can be about.
type meeting struct {
	resource string
	none     bool
}

// somewhere decides a call on any resource of a type, and says on which it is
// allowed. The resources that come into question are those where a statement
// that allows meets the type, so one of each is tried; only if all of those are
// refused, by a deny or a boundary, is the question asked of all resources at
// once.
func (c *climb) somewhere(r Request) (Request, Decision) {
	k := c.keyOf(&r)
	own := askKey{principal: r.Principal, action: k.action, value: k.value}
	for _, k := range []askKey{k, own} {
		if at, ok := c.pins[k]; ok {
			r.Resource = at.resource
			return r, at.decision
		}
	}
	best, got := r, Deny
	service, _, _ := strings.Cut(r.Action, ":")
	places, all := c.placesOf(&r)
	for _, at := range places {
		if !c.indifferent(service, at) {
			k = own
		}
		one := r
		one.Resource, one.Literal = at, true
		d := c.w.Decide(one)
		if d != Deny && (got == Deny || d > got) {
			best, got = one, d
		}
		if d == Allow {
			break
		}
	}
	if got == Deny && (len(places) > 0 || all) {
		if got = c.w.Decide(r); got != Deny {
			if a := c.w.Explain(r); a.Resource != "" {
				one := r
				one.Resource, one.Literal = a.Resource, true
				if !c.indifferent(service, a.Resource) {
					k = own
				}
				if d := c.w.Decide(one); d != Deny {
					best, got = one, d
				}
			}
		}
	}
	c.pins[k] = pinned{best.Resource, got}
	return best, got
}

// placesOf lists a resource of the type for each statement that may allow the
// call there. all says that some statement's resources hang on variables or on
// what was not understood, so that they cannot be listed.
func (c *climb) placesOf(r *Request) (places []string, all bool) {
	a := newAction(r.Action)
	kind := NewPattern(r.Resource, false)
	all = r.Principal.Unread != ""
	for _, p := range r.Principal.Policies {
		all = all || p.unread != ""
		p.each(&a, func(s *Statement) bool {
			switch {
			case s.Deny && s.wrong == "":
			case s.wrong != "", s.notResource && len(s.resources) > 0:
				all = true
			case s.notResource:
				if m := c.leave(s, &kind); !m.none {
					places = append(places, m.resource)
				}
			case s.everything:
				places = append(places, kind.sample("x"))
			default:
				for i := range s.plain {
					if m := c.meet(&s.plain[i], &kind); !m.none {
						places = append(places, m.resource)
					}
				}
				for i := range s.resources { // whatever its variables stand for
					wide := s.resources[i].widest()
					all = all || !c.meet(&wide, &kind).none
				}
			}
			return len(places) < maxPlaces
		})
	}
	slices.Sort(places)
	return slices.Compact(places), all || len(places) >= maxPlaces
}

// maxPlaces bounds how many resources are tried one by one.
const maxPlaces = 64

// leave finds a resource of a type that a statement's NotResource leaves, once
// for each two.
func (c *climb) leave(s *Statement, kind *Pattern) meeting {
	k := leaving{s, kind.text}
	m, ok := c.leavings[k]
	if !ok {
		budget := maxWork
		w, found, err := search([]set{{*kind}}, []set{s.plain}, &budget)
		m = meeting{resource: w, none: err == nil && !found}
		if err != nil {
			m.resource = kind.sample("x")
		}
		c.leavings[k] = m
	}
	return m
}

type leaving struct {
	statement *Statement
	kind      string
}

// meet finds a resource that two patterns cover, once for each two.
func (c *climb) meet(p, kind *Pattern) meeting {
	k := [2]string{p.String(), kind.text}
	m, ok := c.meetings[k]
	if !ok {
		budget := maxWork
		w, found, err := search([]set{{*p}, {*kind}}, nil, &budget)
		m = meeting{resource: w, none: err == nil && !found}
		if err != nil {
			m.resource = kind.sample("x")
		}
		c.meetings[k] = m
	}
	return m
}
