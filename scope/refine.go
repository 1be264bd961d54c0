package scope

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/scope/expr"
)

// maxUndecided bounds how many assets a note names for one declaration.
const maxUndecided = 3

// refine applies the declarations, in the order of the file: each takes over
// the discovered workloads whose roots it matches. An asset that two match
// belongs to the first.
func (s *Scope) refine(w *Workloads, drafts []*draft, rootOf map[estate.Node]*draft) ([]*draft, error) {
	if len(s.Declared) == 0 {
		return drafts, nil
	}
	matched, err := s.matches(w)
	if err != nil {
		return nil, err
	}
	taken := map[*draft]bool{}
	var out []*draft
	for i := range s.Declared {
		d := &s.Declared[i]
		next := &draft{name: d.Name, declared: d}
		take := func(old *draft) {
			if old == nil || taken[old] {
				return
			}
			taken[old] = true
			next.roots = append(next.roots, old.roots...)
			if next.class == "" {
				next.class, next.account, next.why = old.class, old.account, old.why
			}
		}
		if d.Match == nil {
			for _, old := range drafts {
				if old.name == d.Name {
					take(old)
				}
			}
		}
		for _, n := range matched[i] {
			if old := rootOf[n]; old != nil {
				take(old)
			} else {
				next.extra = append(next.extra, n)
			}
		}
		if d.Ignore {
			continue
		}
		if len(next.roots) == 0 {
			// Nothing of it was discovered: what matches is the workload.
			next.roots, next.extra = next.extra, nil
			if len(next.roots) > 0 {
				next.account = w.snap.Asset(next.roots[0]).Account
			}
		}
		if len(next.roots) == 0 {
			w.Notes = append(w.Notes, Note{Text: fmt.Sprintf("workload %s, declared %s, matches nothing", d.Name, declaredAt(d.Place)),
				Hint: "compare its match with sevenfold inventory"})
		}
		slices.Sort(next.roots)
		out = append(out, next)
	}
	for _, old := range drafts {
		if !taken[old] {
			out = append(out, old)
		}
	}
	return out, nil
}

// matches evaluates the declarations' matches over all assets.
func (s *Scope) matches(w *Workloads) ([][]estate.Node, error) {
	out := make([][]estate.Node, len(s.Declared))
	undecided := make([]int, len(s.Declared))
	for n, a := range w.snap.Assets() {
		if estate.IsRecord(a.Type) {
			continue
		}
		subject := expr.NewSubject(a, func() (json.RawMessage, error) { return w.snap.Config(n) }, nil, w.snap.Taken())
		first := -1
		for i := range s.Declared {
			d := &s.Declared[i]
			if d.Match == nil {
				continue
			}
			r := d.Match.Eval(subject)
			switch {
			case r.Truth == expr.Unknown && relevant(a):
				if undecided[i]++; undecided[i] <= maxUndecided {
					w.Notes = append(w.Notes, Note{Text: fmt.Sprintf("whether it belongs to workload %s is not known: %s", d.Name, r.Why()), Asset: a.ID,
						Hint: "let the reader see what it could not, or match by id or name"})
				}
			case r.Truth == expr.True && first >= 0:
				w.Notes = append(w.Notes, Note{Text: fmt.Sprintf("workloads %s and %s both match; it belongs to %s", s.Declared[first].Name, d.Name, s.Declared[first].Name), Asset: a.ID,
					Hint: "make the matches exclude each other"})
			case r.Truth == expr.True:
				first = i
				out[i] = append(out[i], n)
			}
		}
		subject.Release()
	}
	return out, nil
}

// relevant reports whether an undecided match on this asset is worth a note: a
// thousand policies without tags are not.
func relevant(a *estate.Asset) bool {
	return a.Root != nil || a.Kind == estate.KindModel || a.Kind == estate.KindEndpoint
}
