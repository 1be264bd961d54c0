package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/gate"
)

// rung is one of the seven steps over one or more workloads.
type rung struct {
	Step   numbered
	Counts StatusCounts
	Lines  []rungLine
	Next   []next // what brings its undecided lines nearer, cheapest first
}

// rungLine is one criterion over one or more workloads.
type rungLine struct {
	gate.Line
	Counts StatusCounts
	// Unbuilt is set when no workload's criterion is decided because this
	// version cannot; some may be waived.
	Unbuilt bool
}

// Name is the criterion's name within its step.
func (l rungLine) Name() string { return within(l.ID) }

// Status is the worst status of the line over its workloads: fail, unknown,
// waived, pass, n/a.
func (l rungLine) Status() finding.CriterionStatus {
	switch c := l.Counts; {
	case c.Fail > 0:
		return finding.CriterionFail
	case c.Unknown > 0 || c.Total() == 0:
		return finding.CriterionUnknown
	case c.Waived > 0:
		return finding.CriterionWaived
	case c.Pass > 0:
		return finding.CriterionPass
	}
	return finding.CriterionNA
}

// within cuts the step off a criterion's id.
func within(id string) string {
	_, name, found := strings.Cut(id, ".")
	if !found {
		return id
	}
	return name
}

// Absent reports whether nothing of the step is built in this version: but for
// waivers its lines say nothing but that.
func (r rung) Absent() bool {
	return r.Counts.Total() > 0 && !slices.ContainsFunc(r.Lines, func(l rungLine) bool { return !l.Unbuilt })
}

// ladder sums the load table up over the workloads given.
func (ix *index) ladder(workloads []*Workload) []rung {
	byLine := map[string]*rungLine{}
	todos := map[string]*todo{} // by step
	for _, w := range workloads {
		for i := range w.Criteria {
			c := &w.Criteria[i]
			l := byLine[c.ID]
			if l == nil {
				l = &rungLine{Unbuilt: true}
				byLine[c.ID] = l
			}
			l.Counts.add(c.Status)
			l.Unbuilt = l.Unbuilt && neverDecided(c)
			step, _, _ := strings.Cut(c.ID, ".")
			if todos[step] == nil {
				todos[step] = newTodo()
			}
			ix.remedies(w, c, todos[step])
		}
	}
	rungs := make([]rung, 0, len(ix.steps))
	for _, s := range ix.steps {
		r := rung{Step: s}
		for _, l := range s.Lines {
			rl := rungLine{Line: l}
			if seen := byLine[l.ID]; seen != nil {
				rl.Counts, rl.Unbuilt = seen.Counts, seen.Unbuilt
			}
			r.Counts.Pass += rl.Counts.Pass
			r.Counts.Fail += rl.Counts.Fail
			r.Counts.NA += rl.Counts.NA
			r.Counts.Unknown += rl.Counts.Unknown
			r.Counts.Waived += rl.Counts.Waived
			r.Lines = append(r.Lines, rl)
		}
		if t := todos[s.ID]; t != nil {
			r.Next = t.next(s)
		}
		rungs = append(rungs, r)
	}
	return rungs
}

// worstFirst orders workloads: not ready before unknown before ready, then by
// the severity of the worst blocker, failing criteria, and name.
func (ix *index) worstFirst() []*Workload {
	out := make([]*Workload, len(ix.doc.Workloads))
	for i := range ix.doc.Workloads {
		out[i] = &ix.doc.Workloads[i]
	}
	slices.SortStableFunc(out, func(a, b *Workload) int {
		return cmp.Or(
			cmp.Compare(verdictOrder(a.Verdict), verdictOrder(b.Verdict)),
			cmp.Compare(ix.worst(b), ix.worst(a)),
			cmp.Compare(tally(b).Fail, tally(a).Fail),
			cmp.Compare(tally(b).Unknown, tally(a).Unknown),
			cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.ID, b.ID),
		)
	})
	return out
}

func (ix *index) worst(w *Workload) int {
	worst := -1
	for _, b := range ix.of[w.ID] {
		worst = max(worst, b.Severity.Rank())
	}
	return worst
}

func verdictOrder(v finding.Verdict) int {
	switch v {
	case finding.NotReady:
		return 0
	case finding.Ready:
		return 2
	}
	return 1
}

func tally(w *Workload) StatusCounts {
	var c StatusCounts
	for _, cr := range w.Criteria {
		c.add(cr.Status)
	}
	return c
}
