package iam

import (
	"slices"
)

// outcome of a formula.
type outcome struct {
	decision Decision
	model    map[key32]answerable // of one allowed request
	why      []string             // what it hangs on, if unknown
}

// maxOpaque is up to how many open truth values every assignment of them is
// weighed.
const maxOpaque = 6

// solve says whether a formula always, never or sometimes holds. With open
// truth values in it, the answer is one of the three only if it is the same
// whatever they are.
func (d *decider) solve(f *node) outcome {
	isFree := d.free(f)
	ids := slices.DeleteFunc(opaqueOf(f), isFree)
	if len(ids) == 0 {
		return d.classify(f)
	}
	why := make([]string, len(ids))
	for i, id := range ids {
		why[i] = d.opaque[id-1]
	}
	if len(ids) > maxOpaque {
		return d.bounds(f, why)
	}
	var first outcome
	every := make([]*node, 0, 1<<len(ids))
	for mask := range 1 << len(ids) {
		truths := map[int]bool{}
		for i, id := range ids {
			truths[id] = mask>>i&1 == 1
		}
		g := f.given(truths)
		every = append(every, g)
		got := d.classify(g)
		if mask == 0 {
			first = got
		}
		if got.decision != first.decision || got.decision == Unknown {
			return outcome{decision: Unknown, why: append(why, got.why...)}
		}
	}
	if first.decision == Conditional {
		// The witness must serve whatever the open truth values are.
		var t truth
		if first.model, t = d.solver().satisfy(all(every...)); t != yes {
			first.model = nil
		}
	}
	return first
}

// opaqueOf lists the open truth values of a formula.
func opaqueOf(f *node) []int {
	var ids []int
	f.each(func(l *lit) {
		if l.opaque > 0 && !slices.Contains(ids, l.opaque) {
			ids = append(ids, l.opaque)
		}
	})
	return ids
}

// bounds decides with many open truth values: as if each request could choose
// them, which can only make an answer unknown that is not.
func (d *decider) bounds(f *node, why []string) outcome {
	s := d.solver()
	if _, t := s.satisfy(f); t == no {
		return outcome{decision: Deny}
	}
	if _, t := s.satisfy(negate(f)); t == no {
		return outcome{decision: Allow}
	}
	return outcome{decision: Unknown, why: why}
}

func (d *decider) classify(f *node) outcome {
	s := d.solver()
	model, t := s.satisfy(f)
	switch t {
	case no:
		return outcome{decision: Deny}
	case open:
		return outcome{decision: Unknown, why: []string{errHard.Error()}}
	}
	_, t = s.satisfy(negate(f))
	switch t {
	case no:
		return outcome{decision: Allow, model: model}
	case open:
		return outcome{decision: Unknown, why: []string{errHard.Error()}}
	}
	return outcome{decision: Conditional, model: model}
}

// solver searches for values of condition keys under which a formula holds:
// it chooses among alternatives, and for the literals chosen asks key by key
// whether they go together.
type solver struct {
	d       *decider
	lits    map[key32][]lit
	types   map[key32]family // of what the formula compares each key with
	truths  map[int]bool
	actions []string // real action names to prefer in witnesses, folded
	hard    bool     // something could not be told
	// naming is set once the search is over and its values are chosen: only then
	// is it worth looking for a real action.
	naming bool
}

func (d *decider) solver() *solver {
	if d.budget == 0 { // of a decider that was not made for one request
		d.budget = maxWork
	}
	return &solver{d: d, actions: d.w.actions}
}

// step costs n of the question's budget; false if there is none left.
func (s *solver) step(n int) bool {
	s.d.budget -= n
	if s.d.budget < 0 {
		s.hard = true
	}
	return s.d.budget >= 0
}

// satisfy returns values under which the formula holds: yes with a model, no,
// or open if it could not be told.
func (s *solver) satisfy(f *node) (map[key32]answerable, truth) {
	s.lits, s.truths, s.hard = map[key32][]lit{}, map[int]bool{}, false
	s.naming = false
	s.types = map[key32]family{}
	f.each(func(l *lit) {
		if l.values != nil {
			s.types[l.key] = l.values.family
		}
	})
	if s.run([]*node{f}, nil) {
		model := map[key32]answerable{}
		s.naming = true
		for k, lits := range s.lits {
			if len(lits) > 0 {
				model[k], _, _ = s.settleKey(k, lits)
			}
		}
		for id, t := range s.truths {
			if c, ok := s.d.chosen[id]; ok {
				s.d.spell(c, t, model)
			}
		}
		return model, yes
	}
	if s.hard {
		return nil, open
	}
	return nil, no
}

// run makes all goals hold, and the choices put off.
func (s *solver) run(goals, choices []*node) bool {
	if !s.step(8) {
		return false
	}
	var asserted []lit
	undo := func() {
		for _, l := range asserted {
			if l.opaque > 0 {
				delete(s.truths, l.opaque)
				continue
			}
			s.lits[l.key] = s.lits[l.key][:len(s.lits[l.key])-1]
		}
	}
	for len(goals) > 0 {
		if !s.step(1) {
			undo()
			return false
		}
		g := goals[len(goals)-1]
		goals = goals[:len(goals)-1]
		switch g.kind {
		case isFalse:
			undo()
			return false
		case isAnd:
			goals = append(slices.Clip(goals), g.kids...)
		case isOr:
			choices = append(slices.Clip(choices), g)
		case isLit:
			ok, added := s.assert(g.lit)
			if added {
				asserted = append(asserted, g.lit)
			}
			if !ok {
				undo()
				return false
			}
		}
	}
	if s.settled(asserted) && s.choose(choices) {
		return true
	}
	undo()
	return false
}

// settled reports whether the literals of each key that was just added to go
// together.
func (s *solver) settled(added []lit) bool {
	var seen []key32
	for i := range added {
		k := added[i].key
		if added[i].opaque > 0 || slices.Contains(seen, k) {
			continue
		}
		seen = append(seen, k)
		if !s.step(1 + len(seen) + len(s.lits[k])) {
			return false
		}
		_, ok, hard := s.settleKey(k, s.lits[k])
		s.hard = s.hard || hard
		if !ok {
			return false
		}
	}
	return true
}

// assert takes a literal in; added says whether it must be taken out again.
func (s *solver) assert(l lit) (ok, added bool) {
	if l.opaque > 0 {
		if t, have := s.truths[l.opaque]; have {
			return t != l.not, false
		}
		s.truths[l.opaque] = !l.not
		return true, true
	}
	s.lits[l.key] = append(s.lits[l.key], l)
	return true, true
}

// goes reports whether a literal goes with those taken in.
func (s *solver) goes(l lit) bool {
	if l.opaque > 0 {
		t, have := s.truths[l.opaque]
		return !have || t != l.not
	}
	if !s.step(4 + len(s.lits[l.key])) {
		return false
	}
	_, ok, hard := s.settleKey(l.key, append(slices.Clip(s.lits[l.key]), l))
	s.hard = s.hard || hard
	return ok
}

// choose makes one alternative of each choice hold. It takes the choice with
// the fewest alternatives left first, so that those without a choice prune the
// rest.
func (s *solver) choose(choices []*node) bool {
	if len(choices) == 0 {
		return true
	}
	best, fewest := -1, 0
	var left []*node
	for i, c := range choices {
		if !s.step(1 + len(c.kids)) {
			return false
		}
		var kids []*node
		for _, k := range c.kids {
			if k.kind != isLit || s.goes(k.lit) {
				kids = append(kids, k)
			}
		}
		if best < 0 || len(kids) < fewest {
			best, fewest, left = i, len(kids), kids
		}
		if fewest <= 1 {
			break
		}
	}
	rest := append(slices.Clone(choices[:best]), choices[best+1:]...)
	for _, k := range left {
		if s.run([]*node{k}, rest) {
			return true
		}
	}
	return false
}

// witness spells a model: values by the keys' names.
func (d *decider) witness(model map[key32]answerable, a *Answer) map[string][]string {
	if len(model) == 0 {
		return nil
	}
	out := map[string][]string{}
	for k, v := range model {
		switch {
		case k == keyAction && len(v.values) > 0:
			a.Action = v.values[0]
			if name, ok := d.w.spelt[a.Action]; ok {
				a.Action = name
			}
		case k == keyResource && len(v.values) > 0:
			a.Resource = v.values[0]
		case v.absent:
			out[d.w.names.text[k]] = nil
		default:
			out[d.w.names.text[k]] = v.values
		}
	}
	return out
}

// conditionsOf lists the open conditions of a formula.
func (d *decider) conditionsOf(f *node) []string {
	var out []string
	f.each(func(l *lit) {
		text := ""
		switch {
		case l.opaque > 0:
			return
		case l.atom != nil:
			text = l.atom.text
		case l.key == keyAction, l.key == keyResource:
			return
		default:
			text = d.w.names.text[l.key]
		}
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
	})
	slices.Sort(out)
	return out
}
