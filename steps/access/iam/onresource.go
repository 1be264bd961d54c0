package iam

import (
	"slices"
	"strings"
)

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
	if !strings.HasPrefix(d.resource, t.head) {
		return no
	}
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
