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
	// services are those the policy names, by number and sorted, and mask has
	// the bit of each: most policies say nothing of most services, which one
	// look at the mask tells.
	mask     uint64
	services []serviceEntries
	entries  []entry
	// always are statements that may speak of any service: NotAction, and
	// patterns with a wildcard before the colon.
	always []int32
	names  *names
}

// serviceEntries says which entries are a service's: those in [from, to).
type serviceEntries struct {
	service  int32
	from, to int32
}

// entry is one pattern of one statement, with what most patterns are decided
// by beside it: following the pointer costs more than comparing.
type entry struct {
	text      string
	pattern   *Pattern
	statement int32
	shape     shape
}

func (e *entry) match(action string) bool {
	switch e.shape {
	case exact:
		return action == e.text
	case prefix:
		return strings.HasPrefix(action, e.text)
	}
	return e.pattern.match(action)
}

// service numbers a service's prefix.
func (n *names) service(prefix string) int32 {
	if id, ok := n.services[prefix]; ok {
		return id
	}
	id := int32(len(n.services)) + 1
	n.services[strings.Clone(prefix)] = id
	return id
}

func newIndex(ss []Statement, n *names) index {
	x := index{names: n}
	byService := map[int32][]entry{}
	for i := range ss {
		s := &ss[i]
		if s.notAction || s.whole || len(s.actions) == 0 ||
			slices.ContainsFunc(s.actions, func(p Pattern) bool { return serviceOf(&p) == "" }) {
			x.always = append(x.always, int32(i))
			continue
		}
		for k := range s.actions {
			p := &s.actions[k]
			service := n.service(serviceOf(p))
			byService[service] = append(byService[service], entry{p.text, p, int32(i), p.shape})
		}
	}
	for _, service := range sortedKeys(byService) {
		from := int32(len(x.entries))
		x.entries = append(x.entries, byService[service]...)
		x.services = append(x.services, serviceEntries{service, from, int32(len(x.entries))})
		x.mask |= 1 << (service & 63)
	}
	x.entries = slices.Clip(x.entries)
	return x
}

// of returns the entries of an action's service.
func (x *index) of(a *action) []entry {
	service := a.number
	if service == 0 && x.names != nil { // the action was not made for a request
		service = x.names.services[a.service]
	}
	if service <= 0 || x.mask>>(service&63)&1 == 0 {
		return nil
	}
	at, ok := slices.BinarySearchFunc(x.services, service, func(s serviceEntries, id int32) int { return cmp.Compare(s.service, id) })
	if !ok {
		return nil
	}
	return x.entries[x.services[at].from:x.services[at].to]
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
	entries := p.index.of(a)
	for i := range entries {
		e := &entries[i]
		if e.statement == last || !e.match(a.full) {
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
	number  int32 // of the service within a World; 0 not looked up, -1 if no policy names it
}

func newAction(s string) action {
	full := lower(s)
	service, _, _ := strings.Cut(full, ":")
	return action{full: full, service: service}
}

// numberOf says which number a world's policies know an action's service by.
func (a *action) numberOf(n *names) {
	a.number = -1
	if id, ok := n.services[a.service]; ok {
		a.number = id
	}
}
