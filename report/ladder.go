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
	// version cannot.
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

// next is one grant or command, with the undecided criteria it would decide.
type next struct {
	Do       string
	Criteria []string
	cost     int
}

// The costs of what can be done about an unknown, cheapest first.
const (
	costGrant   = iota // a permission
	costDeclare        // a line in sevenfold.yaml
	costCommand        // a command to run
	costOther
	costWaive // nothing but a waiver, until a later version
)

// cost reads from a hint how dear it is to follow.
func cost(hint string) int {
	h := strings.ToLower(hint)
	switch {
	case strings.HasPrefix(h, "waive "):
		return costWaive
	case strings.HasPrefix(h, "grant "), strings.Contains(h, "permission"):
		return costGrant
	case strings.Contains(h, "sevenfold.yaml"), strings.HasPrefix(h, "declare "):
		return costDeclare
	case strings.HasPrefix(h, "sevenfold "), strings.HasPrefix(h, "aws "), strings.HasPrefix(h, "kubectl "):
		return costCommand
	}
	return costOther
}

// unbuilt reports whether a criterion is undecided because this version cannot
// decide it; gate.NotBuilt says so in its reason.
func unbuilt(c *finding.Criterion) bool {
	return c.Status == finding.CriterionUnknown && strings.HasPrefix(c.Reason, "not built")
}

// within cuts the step off a criterion's id.
func within(id string) string {
	_, name, found := strings.Cut(id, ".")
	if !found {
		return id
	}
	return name
}

// ladder sums the load table up over the workloads given.
func (ix *index) ladder(workloads []*Workload) []rung {
	byLine := map[string]*rungLine{}
	todo := map[string]map[string]*next{} // step, then what to do
	for _, w := range workloads {
		for i := range w.Criteria {
			c := &w.Criteria[i]
			l := byLine[c.ID]
			if l == nil {
				l = &rungLine{Unbuilt: true}
				byLine[c.ID] = l
			}
			l.Counts.add(c.Status)
			l.Unbuilt = l.Unbuilt && unbuilt(c)
			if c.Status == finding.CriterionUnknown {
				step, _, _ := strings.Cut(c.ID, ".")
				if todo[step] == nil {
					todo[step] = map[string]*next{}
				}
				ix.remedies(c, todo[step])
			}
		}
	}
	rungs := make([]rung, 0, len(ix.steps))
	for _, s := range ix.steps {
		r := rung{Step: s, Next: cheapest(todo[s.ID])}
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
		rungs = append(rungs, r)
	}
	return rungs
}

// remedies adds what would decide c: the hints of the blind spots that hide it
// and its own. A line no version decides yet is joined into one waiver.
func (ix *index) remedies(c *finding.Criterion, todo map[string]*next) {
	add := func(do string, price int) {
		if do == "" {
			return
		}
		n := todo[do]
		if n == nil {
			n = &next{Do: do, cost: price}
			todo[do] = n
		}
		if !slices.Contains(n.Criteria, c.ID) {
			n.Criteria = append(n.Criteria, c.ID)
		}
	}
	if unbuilt(c) {
		step, _, _ := strings.Cut(c.ID, ".")
		add("not built in this version; until it is, only a waiver counts (gate.waivers, criterion: "+step+".*)", costWaive)
		return
	}
	for _, hint := range ix.hints[c.ID] {
		add(hint, cost(hint))
	}
	add(c.Hint, cost(c.Hint))
}

func cheapest(todo map[string]*next) []next {
	out := make([]next, 0, len(todo))
	for _, n := range todo {
		slices.Sort(n.Criteria)
		out = append(out, *n)
	}
	slices.SortFunc(out, func(a, b next) int {
		return cmp.Or(cmp.Compare(a.cost, b.cost), cmp.Compare(len(b.Criteria), len(a.Criteria)), cmp.Compare(a.Do, b.Do))
	})
	return out
}

// blindGroup is blind spots with one cause and one remedy.
type blindGroup struct {
	Why, Hint string
	What      []string
	Criteria  []string
}

// blindGroups joins blind spots that the same thing would end, cheapest first.
func blindGroups(spots []BlindSpot) []blindGroup {
	byKey := map[[2]string]int{}
	var groups []blindGroup
	for _, b := range spots {
		key := [2]string{b.Why, b.Hint}
		if b.Hint != "" {
			key[0] = ""
		}
		i, ok := byKey[key]
		if !ok {
			i = len(groups)
			byKey[key] = i
			groups = append(groups, blindGroup{Why: b.Why, Hint: b.Hint})
		}
		g := &groups[i]
		g.What = append(g.What, b.What)
		for _, c := range b.Criteria {
			if !slices.Contains(g.Criteria, c) {
				g.Criteria = append(g.Criteria, c)
			}
		}
	}
	for i := range groups {
		slices.Sort(groups[i].Criteria)
	}
	slices.SortStableFunc(groups, func(a, b blindGroup) int {
		return cmp.Or(cmp.Compare(cost(a.Hint), cost(b.Hint)), cmp.Compare(len(b.Criteria), len(a.Criteria)), cmp.Compare(len(b.What), len(a.What)))
	})
	return groups
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
