package gate

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// Blocker is one root cause that keeps a workload from growing: a fault that one
// mend takes away, on however many assets and in however many criteria it shows; or
// a criterion that is open for a reason of its own.
type Blocker struct {
	// Text says what is wrong.
	Text string `json:"text"`
	// Control found it; empty for a criterion's own reason.
	Control string `json:"control,omitempty"`
	// Criteria are open because of it, in the load table's order.
	Criteria []string `json:"criteria"`
	// Findings are their ids, worst first; Assets how many assets they are on.
	Findings []string `json:"findings"`
	Assets   int      `json:"assets"`
	// Severity is the worst of them; empty for a criterion's own reason.
	Severity finding.Severity `json:"severity,omitempty"`
	// Effort is that of the dearest of them: minutes, hours, days; empty: not known.
	Effort string `json:"effort,omitempty"`
	// Fix is what to do, Command the first command of it, if there is one.
	Fix     string `json:"fix"`
	Command string `json:"command,omitempty"`
	// Undecided: what is wrong is that it could not be told.
	Undecided bool `json:"undecided,omitempty"`
}

// efforts orders them: what is not known stands between hours and days.
var efforts = map[string]int{"minutes": 1, "hours": 2, "": 3, "days": 4}

// Blockers are what keeps a workload from growing, by root cause: what fails before
// what could not be told, the cheapest first, of equals what opens the most criteria.
func Blockers(criteria []finding.Criterion, findings []finding.Finding) []Blocker {
	byID := make(map[string]*finding.Finding, len(findings))
	for i := range findings {
		byID[findings[i].ID] = &findings[i]
	}
	type key struct {
		control   string
		undecided bool
	}
	causes := map[key]*Blocker{}
	var out []*Blocker
	assets := map[*Blocker]map[string]bool{}
	for _, c := range criteria {
		if c.Status != finding.CriterionFail && c.Status != finding.CriterionUnknown {
			continue
		}
		undecided := c.Status == finding.CriterionUnknown
		found := false
		for _, id := range c.Findings {
			f := byID[id]
			if f == nil || !undecided && f.Status != finding.Fail {
				continue // what is not known beside a failure does not make it fail
			}
			found = true
			k := key{f.Control, undecided}
			b := causes[k]
			if b == nil {
				b = &Blocker{Text: f.Title, Control: f.Control, Fix: f.Fix.Text, Undecided: undecided, Criteria: []string{}, Findings: []string{}, Severity: f.Severity, Effort: f.Fix.Effort}
				if len(f.Fix.Commands) > 0 {
					b.Command = f.Fix.Commands[0]
				}
				causes[k], assets[b] = b, map[string]bool{}
				out = append(out, b)
			}
			b.add(c.ID, f)
			assets[b][f.Asset] = true
		}
		if !found {
			out = append(out, &Blocker{Text: c.Reason, Criteria: []string{c.ID}, Findings: []string{}, Fix: c.Hint, Undecided: undecided})
		}
	}
	list := make([]Blocker, len(out))
	for i, b := range out {
		b.Assets = len(assets[b])
		slices.SortStableFunc(b.Findings, func(x, y string) int {
			return cmp.Or(cmp.Compare(byID[y].Severity.Rank(), byID[x].Severity.Rank()), strings.Compare(x, y))
		})
		list[i] = *b
	}
	slices.SortStableFunc(list, func(x, y Blocker) int {
		if x.Undecided != y.Undecided {
			return cmp.Compare(btoi(x.Undecided), btoi(y.Undecided))
		}
		return cmp.Or(cmp.Compare(efforts[x.Effort], efforts[y.Effort]), cmp.Compare(len(y.Criteria), len(x.Criteria)), cmp.Compare(y.Severity.Rank(), x.Severity.Rank()), strings.Compare(x.Control, y.Control))
	})
	return list
}

// add counts one finding of a criterion in.
func (b *Blocker) add(criterion string, f *finding.Finding) {
	if !slices.Contains(b.Criteria, criterion) {
		b.Criteria = append(b.Criteria, criterion)
	}
	if !slices.Contains(b.Findings, f.ID) {
		b.Findings = append(b.Findings, f.ID)
	}
	if f.Severity.AtLeast(b.Severity) {
		b.Severity = f.Severity
	}
	if efforts[f.Fix.Effort] > efforts[b.Effort] {
		b.Effort = f.Fix.Effort
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
