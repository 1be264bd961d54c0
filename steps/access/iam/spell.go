package iam

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// words is how steps are told. An account has half a million ways, and what
// makes them differ is mostly the target's name: what is said of a step is put
// together of parts that many steps have in common, and nothing of it is held
// twice.
type words struct {
	actions [][]string // of each route
	free    map[[2]int32]*phrase
	held    map[carriedKey]*phrase
	target  map[shapeKey]*phrase
	reasons map[askKey]int32 // numbers of lists
	lists   [][]Reason
	joined  map[string][]Reason
	key     []byte
	ids     []int32
}

// phrase is what is said of some calls.
type phrase struct {
	reasons []int32 // of each call: the number of a list
	unknown []string
	before  string // an action that is taken first
}

func newWords(routes []reference.Route) words {
	w := words{
		actions: make([][]string, len(routes)), free: map[[2]int32]*phrase{}, held: map[carriedKey]*phrase{}, target: map[shapeKey]*phrase{},
		reasons: map[askKey]int32{}, joined: map[string][]Reason{},
	}
	for r := range routes {
		for _, n := range routes[r].Needs {
			w.actions[r] = append(w.actions[r], n.Action)
		}
		w.actions[r] = slices.Clip(w.actions[r])
	}
	return w
}

// spelt is a step in full.
type spelt struct {
	Step
	unknown, assumed []string
}

// spell tells a step.
func (c *climb) spell(e *edge) spelt {
	route := &c.routes[e.route]
	s := spelt{Step: Step{From: c.people[e.from].ARN, To: Administrator, Technique: technique(route), Waits: route.Waits, Actions: c.words.actions[e.route]}}
	switch {
	case e.via != nil && e.sure:
		s.Via = e.via.ARN
	case e.via != nil:
		s.unknown = append(s.unknown, fmt.Sprintf("whether a %s runs as %s: it was not read", e.via.Type, short(c.people[e.to].ARN)))
	case e.group != "":
		s.Via = e.group
	}
	if e.to >= 0 {
		s.To = c.people[e.to].ARN
	}
	if e.then >= 0 {
		s.To = s.From
	}
	if e.open != nil {
		s.unknown = append(s.unknown, e.open.why)
	}
	if e.to < 0 || e.group != "" || !c.shapes.apart[e.route] {
		whole := c.again(e)
		p := c.phrase(&whole)
		s.Because = c.join(p.reasons)
		s.after(p)
		s.unknown, s.assumed = append(s.unknown, p.unknown...), whole.assumed
		return s
	}
	p, target := c.people[e.from], c.people[e.to]
	parts := [...]*phrase{c.freePhrase(e), nil}
	if e.via != nil {
		parts[1] = c.heldPhrase(e)
	}
	if len(route.Requires) > 0 {
		said := c.take(p, target, route, e.via, "", facts)
		s.unknown, s.assumed = append(s.unknown, said.unknown...), said.assumed
	}
	ids := c.words.ids[:0]
	at, onTarget := [2]int{}, 0
	for k := range route.Needs {
		i := 0
		switch partOf(&route.Needs[k], route) {
		case targetCalls:
			one := c.targetPhrase(e, &c.shapes.calls[e.route][onTarget])
			onTarget++
			ids = append(ids, one.reasons...)
			s.after(one)
			s.unknown = append(s.unknown, one.unknown...)
			if have, arn, ok := c.attachedTo(p, target, &route.Needs[k], target.ARN); ok {
				if _, why, first := c.roomFor(p, &route.Needs[k], have, arn); why != "" {
					s.unknown = append(s.unknown, why)
				} else if first != "" {
					s.assumed = append(s.assumed, first)
				}
			}
			continue
		case heldCalls:
			i = 1
		}
		ids = append(ids, parts[i].reasons[at[i]])
		at[i]++
	}
	for _, p := range parts {
		if p != nil {
			s.unknown = append(s.unknown, p.unknown...)
		}
	}
	c.words.ids = ids
	s.Because = c.join(ids)
	return s
}

// after puts the call by which the policy was written before those of the route.
func (s *spelt) after(p *phrase) {
	if p.before != "" {
		s.Actions = append([]string{p.before}, s.Actions...)
	}
}

// phrase is what is said of calls that were weighed in full.
func (c *climb) phrase(t *taken) *phrase {
	p := &phrase{unknown: t.unknown}
	for i := range t.calls {
		if w, ok := c.written(&t.calls[i]); ok && w.action != "" {
			p.before = w.action
		}
	}
	for _, r := range t.calls {
		k := c.keyOf(&r)
		if k.principal == nil && c.kins[c.bits[r.Action]].all[k.kin].unread { // the policy is told by name
			k.principal = r.Principal
		}
		id, ok := c.words.reasons[k]
		if !ok {
			id = int32(len(c.words.lists))
			c.words.lists = append(c.words.lists, c.w.Explain(r).Because)
			c.words.reasons[k] = id
		}
		p.reasons = append(p.reasons, id)
	}
	return p
}

// freePhrase is what is said of a step's calls that do not hang on the target.
func (c *climb) freePhrase(e *edge) *phrase {
	k := [2]int32{e.from, e.route}
	got := c.words.free[k]
	if got == nil {
		said := c.take(c.people[e.from], nil, &c.routes[e.route], nil, "", freeCalls|told)
		got = c.phrase(&said)
		c.words.free[k] = got
	}
	return got
}

// heldPhrase is what is said of a step's calls on what acts as the target.
func (c *climb) heldPhrase(e *edge) *phrase {
	k := carriedKey{e.from, e.route, e.via.ARN}
	got := c.words.held[k]
	if got == nil {
		said := c.take(c.people[e.from], c.people[e.to], &c.routes[e.route], e.via, "", heldCalls|told)
		got = c.phrase(&said)
		c.words.held[k] = got
	}
	return got
}

// targetPhrase is what is said of a step's call on the target.
func (c *climb) targetPhrase(e *edge, call *targetCall) *phrase {
	k := shapeKey{-1 - e.from, e.to, call.shape}
	kin := c.kinOf(e.from, call.action)
	if l := &c.kins[call.action].all[kin]; !call.trust && !l.alone && !l.untold && !l.unread {
		k.kin = kin
	}
	got := c.words.target[k]
	if got == nil {
		said := taken{}
		best, d := c.best(c.requests(c.people[e.from], c.people[e.to], call.need, nil, "", nil))
		if d == Unknown {
			said.unknown = c.whyUnknown(&best.Request)
		}
		if w, ok := c.written(&best.Request); ok && w.action != "" {
			said.calls = append(said.calls, w.request(best.Principal))
		}
		said.calls = append(said.calls, best.Request)
		got = c.phrase(&said)
		c.words.target[k] = got
	}
	return got
}

// join puts lists of reasons one after another, once for all who want the same.
func (c *climb) join(ids []int32) []Reason {
	key := c.words.key[:0]
	for _, id := range ids {
		key = binary.AppendUvarint(key, uint64(id))
	}
	c.words.key = key
	got, ok := c.words.joined[string(key)]
	if !ok {
		got = []Reason{}
		for _, id := range ids {
			got = append(got, c.words.lists[id]...)
		}
		got = slices.Clip(got)
		c.words.joined[string(key)] = got
	}
	return got
}

// again works a step out in full.
func (c *climb) again(e *edge) taken {
	p := c.people[e.from]
	target := p
	switch {
	case e.open != nil && e.open.who != nil:
		target = e.open.who
	case e.open != nil:
		target = c.people[e.open.target]
	case e.to >= 0:
		target = c.people[e.to]
	}
	return c.take(p, target, &c.routes[e.route], e.via, e.group, everyCall|told)
}

// way spells a way: steps that lead to somebody, and the last one from him.
func (c *climb) way(from int, prefix []spelt, last *edge) Escalation {
	route := &c.routes[last.route]
	e := Escalation{
		Principal: c.people[from].ARN, Target: Administrator, Technique: technique(route),
		Title: route.Title, Gain: "full", Decision: Allow,
	}
	if last.to >= 0 {
		if int(last.to) != from { // else another raises him: he is one under his own name
			e.Target = c.people[last.to].ARN
		}
		if c.admin[last.to] == Conditional {
			e.Decision = Conditional
		}
	}
	if route.Gain == "bounded" {
		e.Gain = "bounded"
	}
	e.Decision = weaker(e.Decision, last.decision)
	end := c.spell(last)
	n := len(prefix) + 1
	if last.then >= 0 {
		n++
	}
	e.Path = make([]Step, 0, n)
	for i := range prefix {
		e.Path = append(e.Path, prefix[i].Step)
		e.Unknown = append(e.Unknown, prefix[i].unknown...)
		e.Assumed = append(e.Assumed, prefix[i].assumed...)
	}
	e.Path = append(e.Path, end.Step)
	if last.then >= 0 {
		e.Path = append(e.Path, c.further(last))
	}
	e.Unknown = append(e.Unknown, end.unknown...)
	e.Assumed = append(e.Assumed, end.assumed...)
	slices.Sort(e.Unknown)
	e.Unknown = slices.Compact(e.Unknown)
	slices.Sort(e.Assumed)
	e.Assumed = slices.Compact(e.Assumed)
	return e
}

// further spells the second step of who joined a group.
func (c *climb) further(s *edge) Step {
	route := &c.routes[s.then]
	whole := c.take(s.after, s.after, route, nil, "", everyCall|told)
	return Step{From: s.after.ARN, To: Administrator, Technique: technique(route), Actions: c.words.actions[s.then], Because: c.join(c.phrase(&whole).reasons)}
}
