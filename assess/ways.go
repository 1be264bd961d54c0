package assess

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/collect/terraform"
	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/risk"
)

// Ways are the attack paths of an assessed estate and the fixes that cut the most
// of them.
func Ways(r *Result, controls *control.Set, l risk.Limits) *risk.Ways {
	return risk.Survey(r.Snapshot, r.Workloads, r.Findings, riskOptions(r.Snapshot, controls), l)
}

// Shift is a criterion or a verdict that would not be what it is.
type Shift struct {
	Workload  string `json:"workload"`
	Criterion string `json:"criterion,omitempty"` // empty: the verdict
	Before    string `json:"before"`
	After     string `json:"after"`
	Why       string `json:"why"`
}

// WhatIf is what a change would do: to a copy of the graph, and to nothing else.
type WhatIf struct {
	// Mended are the findings taken as mended; Plan the plan laid over the estate.
	Mended []string `json:"mended,omitempty"`
	Plan   string   `json:"plan,omitempty"`
	// Shifts are the criteria and verdicts that change.
	Shifts []Shift `json:"shifts"`
	// Reached counts what matters that entries lead to.
	Reached struct {
		Before int `json:"before"`
		After  int `json:"after"`
	} `json:"reached"`
	// Opened and Closed are the paths to what was not, or is no longer, reached; Harder
	// those to what is reached still, but by a harder way.
	Opened []risk.Path `json:"opened"`
	Closed []risk.Path `json:"closed"`
	Harder []risk.Path `json:"harder"`
	// Untold is what of a plan nobody can tell before it is applied, or at all.
	Untold []string `json:"untold,omitempty"`
}

// Opens reports whether anything gets worse.
func (w *WhatIf) Opens() bool {
	return len(w.Opened) > 0 || slices.ContainsFunc(w.Shifts, func(s Shift) bool {
		return s.Criterion != "" && (s.After == string(finding.CriterionFail) || s.After == string(finding.CriterionUnknown) && s.Before != string(finding.CriterionFail))
	})
}

// allPaths asks for every path: what opens and closes is found by comparing.
const allPaths = 1 << 20

// IfMended says what would be if findings were mended: the paths that begin or go
// on by them are gone, and criteria that rest on nothing else no longer fail. What
// else mending may change is known only once it is done, or planned.
func IfMended(r *Result, controls *control.Set, mended []string) (*WhatIf, error) {
	known := map[string]bool{}
	for i := range r.Findings {
		known[r.Findings[i].ID] = true
	}
	for _, id := range mended {
		if !known[id] {
			return nil, fmt.Errorf("no finding has the id %s", id)
		}
	}
	left := slices.DeleteFunc(slices.Clone(r.Findings), func(f finding.Finding) bool { return slices.Contains(mended, f.ID) })
	o := riskOptions(r.Snapshot, controls)
	l := risk.Limits{Paths: allPaths, Chokes: -1}
	w := &WhatIf{Mended: mended, Shifts: []Shift{}}
	w.compare(risk.Survey(r.Snapshot, r.Workloads, r.Findings, o, l), risk.Survey(r.Snapshot, r.Workloads, left, o, l))
	for _, wl := range r.Workloads.List {
		fails, stays := 0, 0
		for _, c := range r.Criteria[wl.ID] {
			if c.Status != finding.CriterionFail {
				continue
			}
			fails++
			if len(c.Findings) == 0 || slices.ContainsFunc(c.Findings, func(id string) bool { return !slices.Contains(mended, id) }) {
				stays++
				continue
			}
			w.Shifts = append(w.Shifts, Shift{wl.Name, c.ID, string(c.Status), "no longer fail", fmt.Sprintf("all it rests on is mended (%s)", strings.Join(c.Findings, ", "))})
		}
		if fails > 0 && stays == 0 {
			w.Shifts = append(w.Shifts, Shift{wl.Name, "", string(finding.NotReady), "no longer not ready", "none of its criteria fails any more"})
		}
	}
	return w, nil
}

// IfPlanned says what a plan would change: both sides are judged whole.
func IfPlanned(ctx context.Context, base *estate.Snapshot, p *terraform.Plan, o Options) (*WhatIf, error) {
	laid, err := Lay(ctx, base, p)
	if err != nil {
		return nil, err
	}
	before, err := Judge(ctx, laid.Before, o)
	if err != nil {
		return nil, err
	}
	after, err := Judge(ctx, laid.After, o)
	if err != nil {
		return nil, err
	}
	w := &WhatIf{Shifts: shifts(before, after)}
	for _, c := range slices.Concat(planChanges(p), planHoles(p)) {
		if c.Opaque != "" {
			w.Untold = append(w.Untold, strings.TrimPrefix(c.Address+": "+c.Opaque, ": "))
		}
	}
	l := risk.Limits{Paths: allPaths, Chokes: -1}
	w.compare(Ways(before, o.Controls, l), Ways(after, o.Controls, l))
	return w, nil
}

// shifts are the criteria and verdicts of workloads on both sides that differ;
// workloads of one side only are told by their verdict.
func shifts(before, after *Result) []Shift {
	out := []Shift{}
	for _, w := range after.Workloads.List {
		was, there := before.Verdicts[w.ID]
		if is := after.Verdicts[w.ID]; !there || is != was {
			out = append(out, Shift{w.Name, "", cmp.Or(string(was), "not there"), string(is), ""})
		}
		old := map[string]finding.Criterion{}
		for _, c := range before.Criteria[w.ID] {
			old[c.ID] = c
		}
		for _, c := range after.Criteria[w.ID] {
			if o, known := old[c.ID]; known && o.Status != c.Status {
				out = append(out, Shift{w.Name, c.ID, string(o.Status), string(c.Status), c.Reason})
			}
		}
	}
	for _, w := range before.Workloads.List {
		if _, there := after.Verdicts[w.ID]; !there {
			out = append(out, Shift{w.Name, "", string(before.Verdicts[w.ID]), "not there", ""})
		}
	}
	return out
}

func (w *WhatIf) compare(before, after *risk.Ways) {
	w.Opened, w.Closed, w.Harder = []risk.Path{}, []risk.Path{}, []risk.Path{}
	w.Reached.Before, w.Reached.After = before.Reached, after.Reached
	type key struct{ target, class string }
	old := map[key]risk.Path{}
	for _, p := range before.Paths {
		old[key{p.Target, p.Class}] = p
	}
	for _, p := range after.Paths {
		k := key{p.Target, p.Class}
		o, was := old[k]
		switch {
		case !was:
			w.Opened = append(w.Opened, p)
		case p.Score < o.Score:
			w.Harder = append(w.Harder, p)
		}
		delete(old, k)
	}
	for _, p := range before.Paths {
		if _, gone := old[key{p.Target, p.Class}]; gone {
			w.Closed = append(w.Closed, p)
		}
	}
}
