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
	lits      []lit
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
	lits   []lit // of the statement being read
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
func (d *decider) add(policies []*Policy, allow, deny *gate) {
	for _, p := range policies {
		d.addOne(p, func(s *Statement) (*gate, truth) {
			if s.Deny {
				return deny, yes
			}
			return allow, yes
		})
		if p.unread != "" {
			why := p.ID + ": " + p.unread
			allow.may(conj{lits: []lit{d.unknown(why + " (what it allows)")}, policy: p})
			deny.may(conj{lits: []lit{d.unknown(why + " (what it denies)")}, policy: p})
		}
	}
}

// addOne puts each statement of a policy that bears on the request into the
// gate that to names; to may say that whether the statement is for the
// principal is open or not so.
func (d *decider) addOne(p *Policy, to func(s *Statement) (*gate, truth)) {
	visit := func(s *Statement) bool {
		g, t := to(s)
		if g == nil || t == no || g.t == yes {
			return true
		}
		d.lits = d.lits[:0]
		if t == open {
			d.lits = append(d.lits, d.principalLits(p, s)...)
		}
		switch d.holds(p, s) {
		case yes:
			if len(d.lits) == 0 {
				g.settle(p, s)
				return true
			}
			fallthrough
		case open:
			g.may(conj{lits: slices.Clone(d.lits), policy: p, statement: s})
		}
		return true
	}
	if d.actionSet != nil {
		for i := range p.Statements {
			visit(&p.Statements[i])
		}
		return
	}
	p.each(&d.action, visit)
}

// holds decides a statement as far as it can be and leaves the rest in d.lits.
func (d *decider) holds(p *Policy, s *Statement) truth {
	if s.wrong != "" {
		d.lits = append(d.lits, d.unknown(p.ID+" "+s.Name()+": "+s.wrong))
		return open
	}
	t := yes
	if d.actionSet != nil {
		t = d.meets(keyAction, d.actionSet, s.actions, s.notAction)
		if t == no {
			return no
		}
	}
	switch d.resourceHolds(p, s) {
	case no:
		return no
	case open:
		t = open
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
			if patterns[i].Covers(&asked[j]) {
				if not {
					return no
				}
				return yes
			}
			some = some || patterns[i].Meets(&asked[j])
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
		patterns := s.plain
		for i := range s.resources {
			pattern, st := d.resolve(&s.resources[i])
			switch st {
			case known:
				patterns = append(slices.Clip(patterns), pattern)
			case free:
				d.lits = append(d.lits, d.unknown(p.ID+" "+s.Name()+": the resource "+s.resources[i].text+" hangs on a condition key that the question leaves open"))
				return open
			}
		}
		return d.meets(keyResource, d.resourceSet, patterns, s.notResource)
	}
	t := no
	var pending []lit
	if s.plain.match(d.resource) {
		t = yes
	}
	for i := 0; t != yes && i < len(s.resources); i++ {
		switch got := d.matches(&s.resources[i], p, s, &pending); got {
		case yes:
			t = yes
		case open:
			t = open
		}
	}
	if t == open {
		// One template is open in nearly every policy that has any; several are
		// alternatives, which a conjunction cannot hold.
		if len(pending) > 1 {
			pending = []lit{d.unknown(p.ID + " " + s.Name() + ": several of its resources hang on condition keys that are open")}
		}
		for _, l := range pending {
			l.not = l.not != s.notResource
			d.lits = append(d.lits, l)
		}
		return open
	}
	if s.notResource {
		return yes - t
	}
	return t
}

// resolve compiles a template with what is known of its variables: none if a
// variable has no value, so that the template covers nothing.
func (d *decider) resolve(t *template) (Pattern, state) {
	var buf [4]string
	vals := buf[:0]
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
			return Pattern{}, free
		default:
			return Pattern{}, none
		}
	}
	pattern, err := t.build(vals)
	if err != nil {
		return Pattern{}, none
	}
	return pattern, known
}

// matches matches the request's resource with a template. If one variable is
// open, the values it would need are a finite set: the stretches of the
// resource it could stand for.
func (d *decider) matches(t *template, p *Policy, s *Statement, pending *[]lit) truth {
	pattern, st := d.resolve(t)
	switch st {
	case known:
		if pattern.match(d.resource) {
			return yes
		}
		return no
	case none:
		return no
	}
	openKeys := map[key32]bool{}
	fallback, hasFallback := "", false
	for _, part := range t.parts {
		if part.variable {
			if st, _ := d.value(part.key); st == free {
				openKeys[part.key] = true
				fallback, hasFallback = part.fallback, part.hasFallback
			}
		}
	}
	if len(openKeys) > 1 {
		*pending = append(*pending, d.unknown(p.ID+" "+s.Name()+": the resource "+t.text+" hangs on several open condition keys"))
		return open
	}
	var k key32
	for k = range openKeys {
	}
	need := d.stretches(t, k)
	if hasFallback {
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

// stretches lists the values of one variable by which a template covers the
// request's resource.
func (d *decider) stretches(t *template, k key32) set {
	var out set
	seen := map[string]bool{}
	head := ""
	if len(t.parts) > 0 && !t.parts[0].variable {
		head, _, _ = strings.Cut(t.parts[0].text, "*")
		head, _, _ = strings.Cut(head, "?")
	}
	from := 0
	if strings.HasPrefix(d.resource, head) && !strings.ContainsRune(head, quoteBase+'*') {
		from = len(head)
		if head == t.parts[0].text { // the variable begins right here
			for to := from; to <= len(d.resource); to++ {
				out = d.stretch(out, seen, t, k, d.resource[from:to])
			}
			return out
		}
	}
	for i := from; i <= len(d.resource); i++ {
		for j := i; j <= len(d.resource); j++ {
			out = d.stretch(out, seen, t, k, d.resource[i:j])
		}
	}
	return out
}

func (d *decider) stretch(out set, seen map[string]bool, t *template, k key32, v string) set {
	if seen[v] {
		return out
	}
	seen[v] = true
	if d.fits(t, k, v) {
		out = append(out, newLiteral(v, false))
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
		if vals == nil {
			if missing {
				return no
			}
			d.lits = append(d.lits, d.unknown(p.ID+" "+s.Name()+": "+a.text+" compares two condition keys that the question leaves open"))
			return open
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
	case st == known, alwaysPresent[a.key]:
		return of(a.not)
	}
	d.lits = append(d.lits, lit{key: a.key, ask: absent, not: a.not, atom: a})
	return open
}

// resolveValues resolves the variables of a condition; missing says that one
// has no value, so that the condition cannot hold. Both nil and false: one is
// open.
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
			continue
		}
		out.strings = append(out.strings, pattern)
	}
	if len(out.strings) == 0 {
		return nil, true
	}
	return &out, false
}

func of(b bool) truth {
	if b {
		return yes
	}
	return no
}
