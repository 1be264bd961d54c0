package iam

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// index finds the statements of a policy that may speak of an action: a
// managed policy lists a thousand actions, of which one service's are twenty.
type index struct {
	// byService holds, for each service, which statements name it and the
	// patterns they name it by.
	byService map[string][]entry
	// always are statements that may speak of any service: NotAction, and
	// patterns with a wildcard before the colon.
	always []int32
}

type entry struct {
	statement int32
	pattern   *Pattern
}

func newIndex(ss []Statement) index {
	x := index{}
	for i := range ss {
		s := &ss[i]
		if s.notAction || s.whole || len(s.actions) == 0 {
			x.always = append(x.always, int32(i))
			continue
		}
		if slices.ContainsFunc(s.actions, func(p Pattern) bool { return serviceOf(&p) == "" }) {
			x.always = append(x.always, int32(i))
			continue
		}
		for k := range s.actions {
			p := &s.actions[k]
			if x.byService == nil {
				x.byService = map[string][]entry{}
			}
			service := serviceOf(p)
			x.byService[service] = append(x.byService[service], entry{int32(i), p})
		}
	}
	return x
}

// serviceOf is the service prefix of an action pattern; empty if a wildcard
// stands in it.
func serviceOf(p *Pattern) string {
	text := p.text
	if p.shape == any_ {
		return ""
	}
	service, _, ok := strings.Cut(text, ":")
	if !ok || strings.ContainsAny(service, "*?") {
		return ""
	}
	return service
}

// each calls f for every statement that speaks of an action, in order of the
// document within each of the two lists.
func (p *Policy) each(a *action, f func(s *Statement) bool) {
	last := int32(-1)
	for _, e := range p.index.byService[a.service] {
		if e.statement == last || !e.pattern.match(a.full) {
			continue
		}
		last = e.statement
		if !f(&p.Statements[e.statement]) {
			return
		}
	}
	for _, i := range p.index.always {
		s := &p.Statements[i]
		if !s.whole && !s.speaksOf(a) {
			continue
		}
		if !f(s) {
			return
		}
	}
}

func (s *Statement) speaksOf(a *action) bool {
	for i := range s.actions {
		if s.actions[i].match(a.full) {
			return !s.notAction
		}
	}
	return s.notAction
}

// action is an action name, folded, with its service.
type action struct {
	full    string
	service string
}

func newAction(s string) action {
	full := lower(s)
	service, _, _ := strings.Cut(full, ":")
	return action{full: full, service: service}
}
