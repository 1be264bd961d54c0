package iam

import "slices"

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
		if p.unread != "" {
			d.unreadPolicy(p, allow, deny)
		}
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
