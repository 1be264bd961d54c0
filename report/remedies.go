package report

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/finding"
)

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

// todo collects what would decide one step's undecided lines. Grants, and
// fields to declare, are joined: a reader does each of them in one go.
type todo struct {
	other  map[string]*next
	grants *counter
	reads  *counter // operations that nobody called
	fields *counter
	// lacking are the workloads that lack a field.
	lacking map[string]bool
	unbuilt map[string]bool // criteria nobody can decide yet
	decided map[string]bool // criteria that were decided for some workload
}

// counter counts words and the criteria they would decide.
type counter struct {
	count    map[string]int
	criteria map[string]bool
}

func newCounter() *counter { return &counter{count: map[string]int{}, criteria: map[string]bool{}} }

func (t *counter) add(criterion string, words ...string) {
	t.criteria[criterion] = true
	for _, w := range words {
		t.count[w]++
	}
}

// ranked lists the words, most frequent first.
func (t *counter) ranked() []string {
	return slices.SortedFunc(maps.Keys(t.count), func(a, b string) int {
		return cmp.Or(cmp.Compare(t.count[b], t.count[a]), cmp.Compare(a, b))
	})
}

func newTodo() *todo {
	return &todo{other: map[string]*next{}, grants: newCounter(), reads: newCounter(), fields: newCounter(), lacking: map[string]bool{}, unbuilt: map[string]bool{}, decided: map[string]bool{}}
}

// grantHint, readHint and fieldHint are the hints that are joined: of the collectors and
// controls, and of the audit step. Others stand as they are.
var (
	grantHint = regexp.MustCompile(`^[Gg]rant ((?:[a-z0-9-]+:[A-Za-z0-9*]+)(?:, [a-z0-9-]+:[A-Za-z0-9*]+)*)(?: to the reader, then assess again\.?)?$`)
	readHint  = regexp.MustCompile(`^Read ((?:[a-z0-9-]+:[A-Za-z0-9*]+)(?:, [a-z0-9-]+:[A-Za-z0-9*]+)*) too \(add its reply to the export, or read the source live\), then assess again\.$`)
	fieldHint = regexp.MustCompile(`^add to sevenfold\.yaml under workloads, by name: ((?:owner|zone|purpose)(?:, (?:owner|zone|purpose))*)$`)
)

// add notes one hint for one criterion of one workload.
func (t *todo) add(w *Workload, criterion, hint string) {
	if hint == "" {
		return
	}
	if m := grantHint.FindStringSubmatch(hint); m != nil {
		t.grants.add(criterion, strings.Split(m[1], ", ")...)
		return
	}
	if m := readHint.FindStringSubmatch(hint); m != nil {
		t.reads.add(criterion, strings.Split(m[1], ", ")...)
		return
	}
	if m := fieldHint.FindStringSubmatch(hint); m != nil {
		t.fields.add(criterion, strings.Split(m[1], ", ")...)
		t.lacking[w.ID] = true
		return
	}
	n := t.other[hint]
	if n == nil {
		n = &next{Do: hint, cost: cost(hint)}
		t.other[hint] = n
	}
	if !slices.Contains(n.Criteria, criterion) {
		n.Criteria = append(n.Criteria, criterion)
	}
}

// remedies adds what would decide an undecided criterion of w: the hints of
// the blind spots that hide it, of its undecided findings, else its own.
func (ix *index) remedies(w *Workload, c *finding.Criterion, t *todo) {
	if neverDecided(c) {
		if c.Status == finding.CriterionUnknown {
			t.unbuilt[c.ID] = true
		}
		return
	}
	t.decided[c.ID] = true
	if c.Status != finding.CriterionUnknown {
		return
	}
	for _, hint := range ix.hints[c.ID] {
		t.add(w, c.ID, hint)
	}
	own := c.Hint
	for _, id := range c.Findings {
		if f := ix.findings[id]; f != nil && f.Status == finding.Unknown && f.Fix.Text != "" {
			t.add(w, c.ID, f.Fix.Text)
			own = ""
		}
	}
	t.add(w, c.ID, own)
}

// grantsNamed is how many grants one remedy names; the rest is counted.
const grantsNamed = 6

// next lists what would decide the step's undecided lines, cheapest first. A
// waiver is the last resort, and it names the very lines that cannot be decided:
// STEP.* would accept open deviations with them.
func (t *todo) next(s numbered) []next {
	var out []next
	for _, n := range t.other {
		out = append(out, *n)
	}
	if names := t.grants.ranked(); len(names) > 0 {
		out = append(out, next{Do: "grant " + someOf(names, grantsNamed), Criteria: slices.Collect(maps.Keys(t.grants.criteria)), cost: costGrant})
	}
	if names := t.reads.ranked(); len(names) > 0 {
		out = append(out, next{Do: "read " + someOf(names, grantsNamed) + " too: add the replies to the export, or read the source live",
			Criteria: slices.Collect(maps.Keys(t.reads.criteria)), cost: costCommand})
	}
	if names := t.fields.ranked(); len(names) > 0 {
		what := make([]string, 0, len(names))
		for _, n := range names {
			what = append(what, fmt.Sprintf("%s (%s)", n, number(t.fields.count[n])))
		}
		out = append(out, next{Do: fmt.Sprintf("add to sevenfold.yaml under workloads, by name: %s: %s", strings.Join(what, ", "), many(len(t.lacking), "workload")),
			Criteria: slices.Collect(maps.Keys(t.fields.criteria)), cost: costDeclare})
	}
	if n := t.waive(s); n != nil {
		out = append(out, *n)
	}
	for i := range out {
		slices.Sort(out[i].Criteria)
	}
	slices.SortFunc(out, func(a, b next) int {
		return cmp.Or(cmp.Compare(a.cost, b.cost), cmp.Compare(len(b.Criteria), len(a.Criteria)), cmp.Compare(a.Do, b.Do))
	})
	return out
}

// waive is the remedy of lines this version cannot decide; nil without any, and
// for a step of which nothing is built: those are named once, for all steps.
func (t *todo) waive(s numbered) *next {
	var ids, names []string
	for _, l := range s.Lines {
		if t.unbuilt[l.ID] && !t.decided[l.ID] {
			ids, names = append(ids, l.ID), append(names, within(l.ID))
		}
	}
	if len(ids) == 0 || len(t.decided) == 0 && len(ids) == len(s.Lines) {
		return nil
	}
	are, they := "are", "they are"
	if len(ids) == 1 {
		are, they = "is", "it is"
	}
	return &next{Do: fmt.Sprintf("%s %s not built in this version; until %s, only a named waiver counts (gate.waivers, criterion: %s)",
		strings.Join(names, ", "), are, they, strings.Join(ids, ", ")), Criteria: ids, cost: costWaive}
}

// someOf names the first n and counts the rest.
func someOf(names []string, n int) string {
	if len(names) <= n {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:n], ", ") + fmt.Sprintf(" and %s more", number(len(names)-n))
}

// neverDecided reports whether this version cannot decide a criterion, waived
// or not; gate.NotBuilt says so in its reason.
func neverDecided(c *finding.Criterion) bool {
	return (c.Status == finding.CriterionUnknown || c.Status == finding.CriterionWaived) && strings.HasPrefix(before(c), "not built")
}

// parted splits rungs into those to show and the steps of which nothing is
// built, which are named together. A step of one workload that is waived in part
// is shown.
func parted(rungs []rung) (shown, absent []rung) {
	for _, r := range rungs {
		one := r.Counts.Total() == len(r.Lines)
		if r.Absent() && !(one && r.Counts.Waived > 0 && r.Counts.Unknown > 0) {
			absent = append(absent, r)
		} else {
			shown = append(shown, r)
		}
	}
	return shown, absent
}

// lacking is some steps of which nothing is built, with what that means for one
// workload.
type lacking struct {
	rungs []rung
	Words string
}

// absentOf says of one workload's absent steps which are waived.
func absentOf(absent []rung) []lacking {
	var open, waived lacking
	for _, r := range absent {
		if r.Counts.Waived > 0 {
			waived.rungs = append(waived.rungs, r)
		} else {
			open.rungs = append(open.rungs, r)
		}
	}
	var out []lacking
	if len(waived.rungs) > 0 {
		waived.Words = absentTitles(waived.rungs) + ": waived, not built in this version"
		out = append(out, waived)
	}
	if len(open.rungs) > 0 {
		open.Words = absentTitles(open.rungs) + ": could not tell, not built in this version"
		out = append(out, open)
	}
	return out
}

// absentStanding says that nothing of these steps passes, and how much is waived.
func absentStanding(absent []rung) string {
	var c StatusCounts
	for _, r := range absent {
		c.Waived += r.Counts.Waived
		c.Unknown += r.Counts.Unknown
	}
	if c.Waived == 0 {
		return "nothing passes yet"
	}
	return fmt.Sprintf("nothing passes yet, %s of %s waived", number(c.Waived), many(c.Total(), "line"))
}

// stepRange writes the numbers of steps: "2-7", "2, 4-7".
func stepRange(rungs []rung) string {
	var parts []string
	for i := 0; i < len(rungs); {
		j := i
		for j+1 < len(rungs) && rungs[j+1].Step.Number == rungs[j].Step.Number+1 {
			j++
		}
		s := fmt.Sprint(rungs[i].Step.Number)
		if j > i {
			s += fmt.Sprintf("-%d", rungs[j].Step.Number)
		}
		parts = append(parts, s)
		i = j + 1
	}
	return strings.Join(parts, ", ")
}

// absentTitles names the steps of which nothing is built.
func absentTitles(rungs []rung) string {
	names := make([]string, 0, len(rungs))
	for _, r := range rungs {
		names = append(names, r.Step.Title)
	}
	return strings.Join(names, ", ")
}

// absentNext says once what counts until those steps are built; nothing, where
// all of it is waived.
func absentNext(absent []rung) string {
	var rungs []rung
	var patterns []string
	for _, r := range absent {
		if r.Counts.Unknown > 0 {
			rungs = append(rungs, r)
			patterns = append(patterns, r.Step.ID+".*")
		}
	}
	if len(rungs) == 0 {
		return ""
	}
	what, they := "steps "+stepRange(rungs)+" are", "they are"
	if len(rungs) == 1 {
		what, they = "step "+stepRange(rungs)+" is", "it is"
	}
	return fmt.Sprintf("%s not built in this version; until %s, only a named waiver counts (gate.waivers, criterion: %s)", what, they, strings.Join(patterns, ", "))
}

// noColumn says why a table has no column for some steps.
func noColumn(absent []rung) string {
	return fmt.Sprintf("Steps %s (%s) have no column: they are not built in this version, so all of their lines are \"could not tell\", or waived.", stepRange(absent), absentTitles(absent))
}
