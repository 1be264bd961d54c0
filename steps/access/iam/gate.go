package iam

import (
	"slices"
	"strings"
)

// truth of a part of a decision.
type truth uint8

const (
	no   truth = iota
	open       // it hangs on condition keys or on what is not known
	yes
)

// lit is one open condition of a request, with its variables resolved.
type lit struct {
	key   key32
	ask   predicate
	not   bool
	plain bool
	// opaque, if not 0, is the number of an open truth value in the decider,
	// from 1: the other fields mean nothing then.
	opaque int
	values *values
	atom   *atom // what it was made of; nil for matches of action or resource
}

// conj holds if all its literals hold.
type conj struct {
	lits []lit
	// any, if there are some, are alternatives of which one must hold too.
	any       []lit
	policy    *Policy
	statement *Statement // nil: the policy as a whole was not understood
}

// gate is a disjunction of statements that allow, or that deny.
type gate struct {
	t         truth
	layer     string
	policy    *Policy // of the statement that makes it yes
	statement *Statement
	open      []conj
	denies    bool
}

func (g *gate) settle(p *Policy, s *Statement) {
	if g.t != yes {
		g.t, g.policy, g.statement = yes, p, s
	}
}

func (g *gate) may(c conj) {
	if g.t == yes {
		return
	}
	g.t = open
	g.open = append(g.open, c)
}

// decider is the working memory of one decision.
type decider struct {
	env
	opaque []string // what each open truth value is, in words
	opened map[string]int
	// chosen are the open truth values that the request itself chooses: two
	// open keys that a condition compares.
	chosen map[int]choice
	lits   []lit // of the statement being read
	any    []lit
	place  place
	denies bool // the statement is read for what it denies
	budget int  // work that is left for searches
}

// unknown makes an open truth value, the same one for the same words.
func (d *decider) unknown(why string) lit {
	n, ok := d.opened[why]
	if !ok {
		d.opaque = append(d.opaque, why)
		n = len(d.opaque)
		if d.opened == nil {
			d.opened = map[string]int{}
		}
		d.opened[why] = n
	}
	return lit{opaque: n}
}

// add weighs the policies of one layer: which statements allow goes into
// allow, which deny into deny.
func (d *decider) add(policies []*Policy, at place, allow, deny *gate) {
	d.place = at
	for _, p := range policies {
		d.unreadPolicy(p, allow, deny)
		if d.actionSet != nil {
			for i := range p.Statements {
				d.either(p, &p.Statements[i], allow, deny)
			}
			continue
		}
		last := int32(-1)
		entries := p.index.of(&d.action)
		for i := range entries {
			if e := &entries[i]; e.statement != last && e.match(d.action.full) {
				last = e.statement
				d.either(p, &p.Statements[last], allow, deny)
			}
		}
		for _, i := range p.index.always {
			if s := &p.Statements[i]; s.whole || s.speaksOf(&d.action) {
				d.either(p, s, allow, deny)
			}
		}
	}
	d.place = ofResource
}

// either puts a statement into the gate of its effect, or into both if that was
// not understood.
func (d *decider) either(p *Policy, s *Statement, allow, deny *gate) {
	if !s.Deny {
		d.put(p, s, allow, yes)
	}
	if s.Deny || s.noEffect {
		d.put(p, s, deny, yes)
	}
}

// place is where a policy stands, which says what elements it must have.
type place uint8

const (
	ofResource place = iota
	ofIdentity       // with a Resource and no Principal; service control policies too
	ofControl        // resource control policies: with a Resource, for everyone
)

// misplaced says what the service would refuse a statement for where it stands.
func (d *decider) misplaced(s *Statement) string {
	switch {
	case d.place == ofResource, s.whole:
	case !s.hasResource && !s.wrongResource:
		return "Resource: missing"
	case d.place == ofIdentity && s.hasPrincipal:
		return "Principal: such a policy names none"
	case d.place == ofControl && (s.principals.not || s.hasPrincipal && !s.principals.everyone):
		return "Principal: such a policy is for everyone"
	}
	return ""
}

// unreadPolicy leaves open what a policy allows and denies of which nothing is
// known.
func (d *decider) unreadPolicy(p *Policy, allow, deny *gate) {
	if p.unread == "" {
		return
	}
	why := p.ID + ": " + p.unread
	allow.may(conj{lits: []lit{d.unknown(why + " (what it allows)")}, policy: p})
	deny.may(conj{lits: []lit{d.unknown(why + " (what it denies)")}, policy: p})
}

// addOne puts each statement of a policy that bears on the request into the
// gate that to names; to may say that whether the statement is for the
// principal is open or not so.
func (d *decider) addOne(p *Policy, to func(s *Statement) (*gate, truth)) {
	d.eachOf(p, func(s *Statement) bool {
		if g, t := to(s); g != nil {
			d.put(p, s, g, t)
		}
		return true
	})
}

// eachOf calls f for the statements of a policy that may speak of the
// request's action.
func (d *decider) eachOf(p *Policy, f func(s *Statement) bool) {
	if d.actionSet == nil {
		p.each(&d.action, f)
		return
	}
	for i := range p.Statements {
		f(&p.Statements[i])
	}
}

// put weighs one statement and puts it into a gate.
func (d *decider) put(p *Policy, s *Statement, g *gate, t truth) {
	if t == no || g.t == yes {
		return
	}
	d.lits, d.any = d.lits[:0], d.any[:0]
	if t == open {
		d.lits = append(d.lits, d.principalLits(p, s)...)
	}
	d.denies = g.denies
	switch d.holds(p, s) {
	case yes:
		if len(d.lits) == 0 {
			g.settle(p, s)
			return
		}
		fallthrough
	case open:
		c := conj{lits: slices.Clone(d.lits), policy: p, statement: s}
		if len(d.any) > 0 {
			c.any = slices.Clone(d.any)
		}
		g.may(c)
	}
}

// holds decides a statement as far as it can be and leaves the rest in d.lits
// and d.any. What was not understood of it counts only if the rest leaves it
// any bearing.
func (d *decider) holds(p *Policy, s *Statement) truth {
	t := yes
	if s.wrong != "" {
		effect := ""
		switch {
		case s.noEffect && d.denies:
			effect = " (what it denies)"
		case s.noEffect:
			effect = " (what it allows)"
		}
		d.lits = append(d.lits, d.unknown(p.ID+" "+s.Name()+": "+s.wrong+effect))
		if s.whole {
			return open
		}
		t = open
	}
	if why := d.misplaced(s); why != "" {
		d.lits = append(d.lits, d.unknown(p.ID+" "+s.Name()+": "+why))
		t = open
	}
	if d.actionSet != nil {
		switch d.meets(keyAction, d.actionSet, s.actions, s.notAction) {
		case no:
			return no
		case open:
			t = open
		}
	}
	if !s.wrongResource {
		switch d.resourceHolds(p, s) {
		case no:
			return no
		case open:
			t = open
		}
	}
	if s.wrongCondition {
		return t
	}
	for i := range s.conditions {
		switch d.condition(p, s, &s.conditions[i]) {
		case no:
			return no
		case open:
			t = open
		}
	}
	return t
}

// meets says whether the strings of what the request leaves open lie in the
// patterns of a statement: all, none, or a literal's worth of them.
func (d *decider) meets(k key32, asked set, patterns []Pattern, not bool) truth {
	some := false
	for i := range patterns {
		for j := range asked {
			if patterns[i].covers(&asked[j], &d.budget) {
				if not {
					return no
				}
				return yes
			}
			some = some || patterns[i].meets(&asked[j], &d.budget)
		}
	}
	if !some {
		if not {
			return yes
		}
		return no
	}
	d.lits = append(d.lits, lit{key: k, ask: anyIn, not: not, plain: true, values: &values{strings: patterns}})
	return open
}

func (d *decider) resourceHolds(p *Policy, s *Statement) truth {
	if !s.hasResource {
		return yes // of a trust policy
	}
	if s.everything {
		if s.notResource {
			return no
		}
		return yes
	}
	if d.resourceSet != nil {
		return d.resourcesMeet(p, s)
	}
	t := no
	var pending []lit
	if s.plain.match(d.resource) {
		t = yes
	}
	for i := 0; t != yes && i < len(s.resources); i++ {
		switch got := d.matches(&s.resources[i], s.notResource, &pending); got {
		case yes:
			t = yes
		case open:
			t = open
		}
	}
	switch {
	case t != open && s.notResource:
		return yes - t
	case t != open:
		return t
	case s.notResource:
		for _, l := range pending {
			l.not = !l.not
			d.lits = append(d.lits, l)
		}
	case len(pending) == 1:
		d.lits = append(d.lits, pending[0])
	default:
		d.any = append(d.any, pending...)
	}
	return open
}

// resourcesMeet is resourceHolds for a question about a pattern of resources.
func (d *decider) resourcesMeet(p *Policy, s *Statement) truth {
	patterns := s.plain
	for i := range s.resources {
		t := &s.resources[i]
		pattern, st := d.resolve(t)
		switch {
		case st == known:
			patterns = append(slices.Clip(patterns), pattern)
		case st == none && !s.notResource:
		case !d.mayMeet(t):
		default:
			d.lits = append(d.lits, d.unknown(p.ID+" "+s.Name()+": the resource "+t.text+" hangs on a condition key that the question leaves open"))
			return open
		}
	}
	return d.meets(keyResource, d.resourceSet, patterns, s.notResource)
}

// mayMeet says whether a template covers something asked about with some
// values of its variables.
func (d *decider) mayMeet(t *template) bool {
	p := t.widest()
	for i := range d.resourceSet {
		if p.meets(&d.resourceSet[i], &d.budget) {
			return true
		}
	}
	return false
}

// resolve compiles a template with what is known of its variables: none if a
// variable has no value, so that the template covers nothing.
func (d *decider) resolve(t *template) (Pattern, state) {
	var buf [4]string
	vals := buf[:0]
	isOpen := false
	for _, p := range t.parts {
		if !p.variable {
			continue
		}
		st, vs := d.value(p.key)
		switch {
		case st == known && len(vs) == 1:
			vals = append(vals, vs[0])
		case st == none && p.hasFallback:
			vals = append(vals, p.fallback)
		case st == free && d.generic:
			vals = append(vals, symbol(p.key))
		case st == free:
			isOpen = true
		default:
			return Pattern{}, none
		}
	}
	if isOpen {
		return Pattern{}, free
	}
	pattern, err := t.build(vals)
	if err != nil {
		return Pattern{}, none
	}
	return pattern, known
}

// matches matches the request's resource with a template. If one variable is
// open, the values it would need are a finite set: the stretches of the
// resource it could stand for. negated says that the template stands in a
// NotResource.
func (d *decider) matches(t *template, negated bool, pending *[]lit) truth {
	pattern, st := d.resolve(t)
	switch {
	case st == known:
		return of(pattern.match(d.resource))
	case !t.covers(d.resource):
		return no
	case st == none && negated:
		*pending = append(*pending, d.unknown("the resource "+t.text+" has a variable without a value, and the service does not say what NotResource makes of that"))
		return open
	case st == none:
		return no
	}
	keys := d.openKeys(t)
	if len(keys) > 1 || len(d.resource) > maxStretch {
		c := choice{keys: keys, template: t, target: d.resource}
		*pending = append(*pending, d.choose("the resource "+t.text+" hangs on condition keys that the question leaves open", c, t.unlike()))
		return open
	}
	k := keys[0]
	fallback, hasFallback := "", false
	for _, part := range t.parts {
		if part.variable && part.key == k {
			fallback, hasFallback = part.fallback, part.hasFallback
		}
	}
	need := d.stretches(t, k)
	if d.budget < 0 {
		*pending = append(*pending, d.unknown("the resource "+t.text+": "+errHard.Error()))
		return open
	}
	if hasFallback && !alwaysPresent[k] {
		if d.fits(t, k, fallback) {
			*pending = append(*pending, lit{key: k, ask: allIn, plain: true, values: &values{strings: need}})
			return open
		}
	}
	if len(need) == 0 {
		return no
	}
	*pending = append(*pending, lit{key: k, ask: anyIn, plain: true, values: &values{strings: need}})
	return open
}

// maxStretch is up to how long a resource may be for the values of an open
// variable to be listed; an ARN has at most 2,048 characters.
const maxStretch = 2048

// stretches lists the values of one variable by which a template covers the
// request's resource.
func (d *decider) stretches(t *template, k key32) set {
	r := d.resource
	// What stands before the variable without a wildcard fixes where it begins;
	// what stands after it, where it ends.
	from, to := 0, len(r)
	begins, ends := false, false
	if first := t.parts[0]; first.variable && first.key == k {
		begins = true
	} else if !first.variable && (first.verbatim || !strings.ContainsAny(first.text, "*?")) && len(t.parts) > 1 && t.parts[1].variable && t.parts[1].key == k {
		from, begins = len(first.text), true
	}
	n := len(t.parts)
	if last := t.parts[n-1]; last.variable && last.key == k {
		ends = true
	} else if !last.variable && (last.verbatim || !strings.ContainsAny(last.text, "*?")) && n > 1 && t.parts[n-2].variable && t.parts[n-2].key == k {
		to, ends = len(r)-len(last.text), true
	}
	if from > len(r) || to < 0 {
		return nil
	}
	var out set
	seen := map[string]bool{}
	for i := from; i <= len(r); i++ {
		for j := max(i, 0); j <= to; j++ {
			if ends && j != to {
				j = to
			}
			if j < i {
				break
			}
			v := r[i:j]
			if seen[v] {
				continue
			}
			seen[v] = true
			if d.budget -= len(r); d.budget < 0 {
				return nil
			}
			if d.fits(t, k, v) {
				out = append(out, newLiteral(v, false))
			}
		}
		if begins {
			break
		}
	}
	return out
}

func (d *decider) fits(t *template, k key32, v string) bool {
	var vals []string
	for _, part := range t.parts {
		if !part.variable {
			continue
		}
		if part.key == k {
			vals = append(vals, v)
			continue
		}
		st, vs := d.value(part.key)
		switch {
		case st == known && len(vs) == 1:
			vals = append(vals, vs[0])
		case part.hasFallback:
			vals = append(vals, part.fallback)
		default:
			return false
		}
	}
	pattern, err := t.build(vals)
	return err == nil && pattern.match(d.resource)
}

// condition decides one condition as far as the request says enough.
func (d *decider) condition(p *Policy, s *Statement, a *atom) truth {
	if a.wrong != "" {
		d.lits = append(d.lits, d.unknown(p.ID+" "+s.Name()+": "+a.wrong))
		return open
	}
	st, got := d.value(a.key)
	if a.ask == absent {
		return d.presence(a, st)
	}
	if st == known && !a.plain && slices.Contains(got, "") {
		// The set operators take an empty text for no value.
		got = slices.DeleteFunc(slices.Clone(got), func(v string) bool { return v == "" })
		if len(got) == 0 {
			st = none
		}
	}
	if st == none {
		t := a.ask == allIn || a.ifExists
		if !a.ifExists {
			t = t != a.not
		}
		return of(t)
	}
	vals := &a.values
	if len(a.values.vars) > 0 {
		var missing bool
		// Values first: resolving asks for other keys and reuses the room.
		if st == known {
			got = slices.Clone(got)
		}
		vals, missing = d.resolveValues(a)
		switch {
		case vals != nil:
		case missing:
			d.lits = append(d.lits, d.unknown(a.text+" has a variable without a value, and the service does not say what a negated operator makes of that"))
			return open
		default:
			return d.compares(a, st, got)
		}
	}
	if st == known {
		if a.plain && len(got) > 1 {
			d.lits = append(d.lits, d.unknown(p.ID+" "+s.Name()+": "+a.text+" is for one value, and the request has several"))
			return open
		}
		t := a.ask == allIn
		for _, v := range got {
			if vals.has(v) != t {
				t = !t
				break
			}
		}
		return of(t != a.not)
	}
	l := lit{key: a.key, ask: a.ask, not: a.not, plain: a.plain, values: vals, atom: a}
	switch {
	case !a.ifExists:
	case a.ask == anyIn && !a.not: // negated, it holds without the key anyway
		l.ask = anyInOrAbsent
	case a.ask == allIn && a.not:
		l.ask = allInAndPresent
	}
	d.lits = append(d.lits, l)
	return open
}

func (d *decider) presence(a *atom, st state) truth {
	switch {
	case st == none:
		return of(!a.not)
	case st == known, d.present(a.key):
		return of(a.not)
	}
	d.lits = append(d.lits, lit{key: a.key, ask: absent, not: a.not, atom: a})
	return open
}

// resolveValues resolves the variables of a condition. A value whose variable
// has none is met by nothing; missing says that the operator is negated, and
// that it is not told what that makes of it. Both nil and false: one is open.
func (d *decider) resolveValues(a *atom) (v *values, missing bool) {
	out := a.values
	out.vars = nil
	out.strings = slices.Clip(out.strings)
	for i := range a.values.vars {
		pattern, st := d.resolve(&a.values.vars[i])
		switch st {
		case free:
			return nil, false
		case none:
			if a.not {
				return nil, true
			}
			continue
		}
		out.strings = append(out.strings, pattern)
	}
	return &out, false
}

func of(b bool) truth {
	if b {
		return yes
	}
	return no
}
