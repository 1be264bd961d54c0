package rbac

import (
	"maps"
	"slices"
	"strings"
)

// Holder is somebody who can make a request, or of whom that is not known.
type Holder struct {
	// Subject is a user, group or service account. Members of a group are not
	// listed one by one.
	Subject Ref    `json:"subject"`
	Answer  Answer `json:"answer"`
}

// WhoCan lists whom RBAC lets make a request: those whom a binding names, the
// group system:masters first of all. Unknown ones are listed too. The second
// result says what was not read and may add others.
func (w *World) WhoCan(q Request) ([]Holder, []string) {
	masters := Ref{Kind: KindGroup, Name: Masters}
	out := []Holder{{masters, w.Decide(IdentityOf(masters), q)}}
	found := map[Ref]*Answer{}
	open := q.open()
	unread := w.unknowns(&Who{}, &q)
	note := func(s Ref) *Answer {
		a := found[s]
		if a == nil {
			a = &Answer{Decision: Unknown, Assumed: []string{otherAuthorizers}}
			found[s] = a
		}
		return a
	}
	about := w.every.about(&q)
	if open && len(unread) > 0 {
		about = w.every.all // of nobody it can be told
	}
	for _, g := range about {
		if !open && !g.reaches(q.Namespace) || q.Path != "" && g.namespace != "" {
			continue
		}
		if open {
			if len(unread) == 0 && g.elsewhere(&q) {
				continue
			}
			for _, s := range g.binding.Subjects {
				note(s)
			}
			continue
		}
		n := g.role.allows(&q)
		if n < 0 {
			continue
		}
		for _, s := range g.binding.Subjects {
			a := note(s)
			a.Decision = Allow
			a.Because = append(a.Because, g.reason(s, n))
		}
	}
	dark := reaching(w.every.unread, q.Namespace)
	if open && strings.Contains(q.Namespace, "*") {
		dark = slices.Concat(slices.Collect(maps.Values(w.every.unread))...)
	}
	for _, g := range dark {
		if q.Path != "" && g.namespace != "" {
			continue
		}
		for _, s := range g.binding.Subjects {
			if a := note(s); a.Decision == Unknown {
				a.Unknown = append(a.Unknown, g.unread)
			}
		}
	}
	for s, a := range found {
		if s == masters {
			continue
		}
		if open {
			// What a subject is given by the groups that everybody of his kind is in
			// counts for those groups.
			*a = w.DecideFor(w.only(s), q)
			if a.Decision == Deny {
				continue
			}
		}
		a.Because = sortReasons(a.Because)
		slices.Sort(a.Unknown)
		a.Unknown = slices.Compact(a.Unknown)
		out = append(out, Holder{s, *a})
	}
	slices.SortFunc(out[1:], func(a, b Holder) int { return a.Subject.compare(b.Subject) })
	return out, unread
}

// only is somebody with nothing but what bindings give to one name.
func (w *World) only(s Ref) *Who {
	return &Who{lists: []held{{s, w.holders[s]}}}
}

// RightsOf lists the rules that bindings give to an identity in a namespace (""
// for the whole cluster), with the reasons, as kubectl auth can-i --list does.
func (w *World) RightsOf(id Identity, namespace string) ([]Rule, []Reason) {
	var rules []Rule
	var because []Reason
	who := w.Who(id)
	for i := range who.lists {
		for _, g := range who.lists[i].grants {
			if !g.reaches(namespace) {
				continue
			}
			for n := range g.role.index.rules {
				rules = append(rules, *g.role.index.rules[n].Rule)
				because = append(because, g.reason(who.lists[i].subject, n))
			}
		}
	}
	return rules, because
}
