package report

import (
	"fmt"
	"strings"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// proofShown is how many assets of one root cause are shown with proof.
const proofShown = 2

// blockers shows at most five root causes in full; w narrows the proof to one
// workload's.
func (t *text) blockers(all []*blocker, w *Workload) {
	if len(all) == 0 {
		return
	}
	what := "what holds them back"
	if w != nil {
		what = "what holds it back"
	}
	t.section(what)
	if len(all) > maxBlockers {
		t.para(2, fmt.Sprintf("The worst %d of %s.", maxBlockers, many(len(all), "root cause")))
	}
	for i, b := range all {
		if i == maxBlockers {
			break
		}
		if i > 0 {
			t.line("")
		}
		t.blocker(i+1, b, w)
	}
	t.line("")
	if left := len(all) - maxBlockers; left > 0 {
		t.para(2, fmt.Sprintf("%s not shown: `%s --format json` lists every finding, --format html shows them with filters.", many(left, "root cause"), t.ix.doc.again()))
	}
	t.unblocking()
}

// unblocking says how many findings there are besides.
func (t *text) unblocking() {
	shown := map[string]bool{}
	for _, b := range t.ix.all {
		for _, f := range b.Findings {
			shown[f.ID] = true
		}
	}
	for _, b := range t.ix.accepted {
		for _, f := range b.Findings {
			shown[f.ID] = true
		}
	}
	c := t.ix.doc.Counts.Findings
	if rest := c.Fail - len(shown); rest > 0 {
		t.para(2, fmt.Sprintf("Left out here: %s that hold no workload back.", many(rest, "finding")))
	}
}

func (t *text) blocker(n int, b *blocker, w *Workload) {
	t.hang(fmt.Sprintf("  %d. %s ", n, t.severity(b.Severity)), 5+9, t.bold(line(b.Title)))
	if len(b.Also) > 0 {
		t.field("also", line(strings.Join(b.Also, t.dot())))
	}
	reach := []string{}
	if n := len(b.Assets()); n > 0 {
		reach = append(reach, many(n, "asset"))
	}
	reach = append(reach, "blocks "+many(len(b.Workloads), "workload"), line(strings.Join(b.Criteria, ", ")))
	if r := scored(b); r != "" {
		reach = append(reach, r)
	}
	t.field("where", strings.Join(reach, t.dot()))
	if b.Why != "" {
		t.field("why", firstSentence(b.Why))
	}
	if way := t.ix.way(b, w, " "+t.arrow()+" "); way != "" {
		t.field("path", way)
	}
	shown, left := t.ix.proofs(b, w, proofShown)
	for _, f := range shown {
		t.verbatim("proof", line(f.Asset))
		if s := seenBy(f); s != "" {
			t.field("", s)
		}
		for i, e := range f.Evidence {
			if i == 2 {
				t.field("", fmt.Sprintf("and %s more", number(len(f.Evidence)-i)))
				break
			}
			t.field("", evidence(f, e))
		}
	}
	if left > 0 {
		t.field("", fmt.Sprintf("and %s more", number(left)))
	}
	t.fix(b.Fix)
}

// evidence is one fact on one line: what, where it stands, what stands there.
// What only repeats the finding's title is left out.
func evidence(f *finding.Finding, e finding.Evidence) string {
	what, where := newWhat(f, e), line(e.Where)
	switch {
	case what == "":
		what = where
	case where != "":
		what += " (" + where + ")"
	}
	if e.Value != "" {
		what += ": " + value(e.Value, 240)
	}
	return what
}

// newWhat is what a fact says beyond its finding's title; a fact that stands
// nowhere keeps its words.
func newWhat(f *finding.Finding, e finding.Evidence) string {
	if e.What == f.Title && e.Where != "" {
		return ""
	}
	return line(e.What)
}

func (t *text) fix(f finding.Fix) {
	cost := []string{}
	if f.Effort != "" {
		cost = append(cost, "takes "+line(f.Effort))
	}
	if c := f.Cost; c.Saved() > 0 {
		cost = append(cost, fmt.Sprintf("each some %s now, %s after scaling", hours(c.Hours), hours(c.ScaledHours)))
	}
	if len(f.Disrupts) > 0 {
		cost = append(cost, "disrupts "+line(strings.Join(f.Disrupts, ", ")))
	}
	if f.Text != "" {
		t.field("fix", line(f.Text))
	}
	if len(cost) > 0 {
		t.field("cost", strings.Join(cost, t.dot()))
	}
	for _, c := range f.Commands {
		for i, l := range strings.Split(block(c), "\n") {
			mark := "$ "
			if i > 0 {
				mark = "  "
			}
			t.verbatim("", t.paint(cyan, mark+l))
		}
	}
}

// blind shows what could not be seen, grouped by what would end it.
func (t *text) blind(chosen []*Workload) {
	spots := t.ix.doc.BlindSpots
	if t.opt.Workload != "" && len(chosen) == 1 {
		spots = hiding(spots, chosen[0])
	}
	if len(spots) == 0 {
		return
	}
	groups := blindGroups(spots)
	t.section("could not be seen")
	for i, g := range groups {
		if i == spotsShown {
			t.para(2, fmt.Sprintf("and %s more: `%s --format json` lists them all.", many(len(groups)-i, "cause"), t.ix.doc.again()))
			break
		}
		t.hang("  "+t.paint(yellow, "?")+" ", 4, line(g.Head))
		if len(g.Top) > 0 {
			t.field("most", g.top())
		}
		if g.Why != "" {
			t.field("why", line(g.Why))
		}
		if len(g.Criteria) > 0 {
			t.field("hides", line(strings.Join(g.Criteria, ", ")))
		}
		if g.Hint != "" {
			t.field("hint", line(g.Hint))
		}
	}
}

// hiding keeps the blind spots that leave a criterion of w undecided, and those
// that do not say what they hide.
func hiding(spots []BlindSpot, w *Workload) []BlindSpot {
	open := map[string]bool{}
	for _, c := range w.Criteria {
		open[c.ID] = c.Status == finding.CriterionUnknown
	}
	var out []BlindSpot
	for _, b := range spots {
		keep := len(b.Criteria) == 0
		for _, c := range b.Criteria {
			keep = keep || open[c]
		}
		if keep {
			out = append(out, b)
		}
	}
	return out
}

// ladder ends the report: each step, what passes, and what is next.
func (t *text) ladder(chosen []*Workload) {
	if len(chosen) == 0 {
		return
	}
	of := ""
	if len(chosen) > 1 {
		of = " over " + many(len(chosen), "workload")
	}
	t.section("the ladder" + of)
	shown, absent := parted(t.ix.ladder(chosen))
	for _, r := range shown {
		t.hang(fmt.Sprintf("  %d %s ", r.Step.Number, pad(r.Step.Title, 12)), 17, strings.Join(standing(r), t.dot()))
		for j, n := range r.Next {
			if j == maxBlockers {
				t.hang("", 17, fmt.Sprintf("and %s more", number(len(r.Next)-j)))
				break
			}
			lead := strings.Repeat(" ", 17) + t.arrow() + " "
			t.hang(lead, 19, line(n.Do)+decides(n, r))
		}
	}
	if len(absent) > 0 {
		t.hang("  "+pad(stepRange(absent), 4)+" ", 7, absentTitles(absent)+": "+absentStanding(absent))
		if do := absentNext(absent); do != "" {
			t.hang(strings.Repeat(" ", 17)+t.arrow()+" ", 19, do)
		}
	}
}

// standing says which lines of a step pass and which are only waived.
func standing(r rung) []string {
	share := func(l rungLine, n int) string {
		if n == l.Counts.Total() {
			return l.Name()
		}
		return fmt.Sprintf("%s (%s of %s)", l.Name(), number(n), number(l.Counts.Total()))
	}
	var passes, waived []string
	for _, l := range r.Lines {
		if n := l.Counts.Pass + l.Counts.NA; n > 0 {
			passes = append(passes, share(l, n))
		}
		if n := l.Counts.Waived; n > 0 {
			waived = append(waived, share(l, n))
		}
	}
	out := []string{"nothing passes yet"}
	if len(passes) > 0 {
		out[0] = "passes " + strings.Join(passes, ", ")
	}
	if len(waived) > 0 {
		out = append(out, "waived "+strings.Join(waived, ", "))
	}
	return out
}

// accepted names what is open under waivers over all workloads, so that a table
// of ready ones does not hide it.
func (t *text) accepted() {
	if len(t.ix.accepted) == 0 {
		return
	}
	t.section("waived, still open")
	t.para(2, "Accepted by a waiver, not mended: these hold nobody back until it expires.")
	for i, b := range t.ix.accepted {
		if i == maxBlockers {
			t.line(fmt.Sprintf("  and %s", many(len(t.ix.accepted)-i, "more root cause")))
			break
		}
		t.hang("  "+t.severity(b.Severity)+" ", 11, line(b.Title)+t.dot()+"waived for "+many(len(b.Workloads), "workload"))
	}
}

// decides names what a remedy would decide, unless that is the whole step.
func decides(n next, r rung) string {
	if len(n.Criteria) == len(r.Lines) || n.cost == costWaive {
		return ""
	}
	names := make([]string, 0, len(n.Criteria))
	for _, c := range n.Criteria {
		names = append(names, line(within(c)))
	}
	return " [" + strings.Join(names, ", ") + "]"
}
