package rbac

// Makers finds who can run pods of his making in the namespaces of a cluster. What a
// role lets do of that is decided once, for all who are given it.
type Makers struct {
	w        *World
	requests []Request
	roles    map[*Role]Decision // the most that one lets do of it
}

// Maker is somebody whom bindings name and who may make pods.
type Maker struct {
	Subject Ref
	// Open says that it could not be told whether he may.
	Open bool
}

// NewMakers begins a search in one cluster.
func NewMakers(w *World) *Makers {
	return &Makers{w: w, requests: PodMakers(), roles: map[*Role]Decision{}}
}

// In lists who may make pods in a namespace, in no order: those whom WhoCan lists for
// some request of PodMakers, and as Open those of whom it says no more than unknown.
// Members of system:masters, who may everywhere, are left out.
func (m *Makers) In(namespace string) []Maker {
	type had struct{ allowed, some, dark bool }
	of := map[Ref]had{}
	add := func(g *grant, what had) {
		for _, s := range g.binding.Subjects {
			if s.Kind == KindGroup && s.Name == Masters {
				continue
			}
			h := of[s]
			of[s] = had{h.allowed || what.allowed, h.some || what.some, h.dark || what.dark}
		}
	}
	for _, g := range reaching(m.w.every.in, namespace) {
		d := m.lets(g.role, namespace)
		if what := (had{d == Allow, d == Conditional, g.unread != ""}); what != (had{}) {
			add(g, what)
		}
	}
	for i := range m.requests {
		q := m.requests[i]
		if q.Namespace = namespace; q.open() && len(m.w.unknowns(&Who{}, &q)) > 0 { // of nobody it can be told
			for _, g := range m.w.every.all {
				add(g, had{dark: true})
			}
			break
		}
	}
	out := make([]Maker, 0, len(of))
	for s, h := range of {
		out = append(out, Maker{s, !h.allowed && h.dark})
	}
	return out
}

// lets says the most that a role lets its holders do of it in a namespace, which one
// does not matter: all of some request, some of one, or nothing.
func (m *Makers) lets(r *Role, namespace string) Decision {
	got, ok := m.roles[r]
	if ok {
		return got
	}
	got = Deny
	who := &Who{lists: []held{{Ref{}, []*grant{{role: r, binding: &Binding{}}}}}}
	for i := range m.requests {
		q := m.requests[i]
		q.Namespace = namespace
		var a Answer
		if q.open() {
			m.w.decideOpen(who, &q, &a)
		} else {
			m.w.decideClosed(who, &q, &a)
		}
		if a.Decision == Allow {
			got = Allow
			break
		}
		if a.Decision == Conditional {
			got = Conditional
		}
	}
	m.roles[r] = got
	return got
}
