package iam

import "slices"

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
	if a.key == keyTokenIssueTime {
		if t := d.byIssue(a); t != open {
			return t
		}
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
