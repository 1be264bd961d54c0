package iam

import (
	"slices"
	"strings"
)

// As callers are alike for a call (see kin), so are those on whom it is made: all that
// a policy sees of a user or role is his ARN, which statements name by patterns, now
// and then his tags, and what the call carries of him. So what is decided of a clan
// and one of the people is decided of the clan and all whom the same of its statements
// name, and an account's worth of targets comes down to a handful of answers.

// maxMarks bounds how many statements may tell targets apart, one bit each.
const maxMarks = 64

// sight is what a clan's policies see of those on whom a call is made.
type sight struct {
	// near says that they may see more than whom their statements name: nothing is
	// kept then.
	near  bool
	marks []*drawing
}

// sees reads what one policy sees of those on whom an action is made.
func (c *climb) sees(to *sight, s *said) {
	to.near = to.near || s.near
	for _, statement := range s.names {
		if d := c.drawingOf(statement); !slices.Contains(to.marks, d) {
			to.marks = append(to.marks, d)
		}
	}
	to.near = to.near || len(to.marks) > maxMarks
}

// looksNear says that a statement may tell two targets of one account apart by more
// than the patterns of ARNs that it is written with.
func (s *Statement) looksNear(n *names) bool {
	return len(s.resources) > 0 || slices.ContainsFunc(s.conditions, func(a atom) bool {
		return len(a.values.vars) > 0 || a.key >= wellKnownKeys && n.owner[a.key] == resourceTag
	})
}

// alikeKey is equal for calls that are decided alike.
type alikeKey struct {
	shape, kin int32
	boundary   int32 // of the target, where the call carries it
	named      uint64
}

// alike is what a clan's call on a target is remembered by; ok is false if it must be
// asked about this target.
//
// Of a session's policies nothing is kept, since no clan is told by them.
func (c *climb) alike(l *clan, kin, who, t int32, call *targetCall) (key alikeKey, ok bool) {
	p := c.people[who]
	if l.sight.near || len(p.Session) > 0 || call.bespoke || !c.isUsual(t) || p.Account != c.people[t].Account {
		return key, false
	}
	key = alikeKey{shape: call.shape, kin: kin}
	if b := c.people[t].Boundary; call.bound && b != nil {
		key.boundary = c.policyNumber(b)
	}
	for i, d := range l.sight.marks {
		if c.names(d, t) {
			key.named |= 1 << i
		}
	}
	return key, true
}

// usual is whether one of the people is, once it was asked.
type usual struct{ asked, is bool }

// isUsual says that one of the people is no more than his ARN to whoever calls on
// him: of his account's own making, and without a policy that has a word in it.
func (c *climb) isUsual(t int32) bool {
	if n := len(c.people) - len(c.shapes.usual); n > 0 {
		c.shapes.usual = append(c.shapes.usual, make([]usual, n)...)
	}
	got := &c.shapes.usual[t]
	if !got.asked {
		p := c.people[t]
		_, account := placeOf(p.ARN)
		on := c.w.Resource(p.ARN)
		own := account == p.Account && (on == nil || on.Account == "" || on.Account == account)
		got.asked, got.is = true, own && c.indifferent("iam", p.ARN) && !strings.Contains(p.ARN, ":role/aws-")
	}
	return got.is
}
