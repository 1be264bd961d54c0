package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// Waivers says how far a workload's verdict rests on accepted risk: a ready
// workload with waivers is not one on which everything passes.
type Waivers struct {
	// Waivers in force, and how many of them cover a line that fails.
	Waivers int `json:"waivers"`
	Failing int `json:"failing"`
	// Lines of the load table they cover.
	Lines int `json:"lines"`
}

// acceptance is one waiver in force with the lines of a workload it covers.
type acceptance struct {
	finding.Waiver
	Failing []string // lines that fail
	Lines   []string // lines that are undecided
}

// acceptances lists the waivers a workload's verdict rests on, those over
// failing lines first.
func (ix *index) acceptances(w *Workload) []acceptance {
	var out []acceptance
	for i := range w.Criteria {
		c := &w.Criteria[i]
		if c.Status != finding.CriterionWaived {
			continue
		}
		v := finding.Waiver{Criterion: c.ID}
		if c.Waiver != nil {
			v = *c.Waiver
		}
		at := slices.IndexFunc(out, func(a acceptance) bool { return a.Waiver == v })
		if at < 0 {
			at = len(out)
			out = append(out, acceptance{Waiver: v})
		}
		if ix.overFailing(c) {
			out[at].Failing = append(out[at].Failing, c.ID)
		} else {
			out[at].Lines = append(out[at].Lines, c.ID)
		}
	}
	slices.SortStableFunc(out, func(a, b acceptance) int { return min(1, len(b.Failing)) - min(1, len(a.Failing)) })
	return out
}

// overFailing reports whether a waived line fails underneath.
func (ix *index) overFailing(c *finding.Criterion) bool {
	return c.Status == finding.CriterionWaived && (c.Was == finding.CriterionFail || len(ix.faults(c)) > 0)
}

// waivers sums up a workload's waivers; nil without any.
func (ix *index) waivers(w *Workload) *Waivers {
	all := ix.acceptances(w)
	if len(all) == 0 {
		return nil
	}
	out := &Waivers{Waivers: len(all)}
	for _, a := range all {
		out.Lines += len(a.Failing) + len(a.Lines)
		if len(a.Failing) > 0 {
			out.Failing++
		}
	}
	return out
}

// verdictOf is a workload's verdict in full words: one that is ready by
// waivers says so.
func (ix *index) verdictOf(w *Workload) string {
	v := ix.waivers(w)
	if w.Verdict != finding.Ready || v == nil {
		return verdictWords(w.Verdict)
	}
	s := "ready by " + many(v.Waivers, "waiver")
	switch {
	case v.Failing == 0:
	case v.Waivers == 1:
		s += ", over a failing line"
	default:
		s += fmt.Sprintf(", %s of them over failing lines", number(v.Failing))
	}
	return s
}

// shortVerdict is verdictOf for a table's cell.
func (ix *index) shortVerdict(w *Workload) string {
	if w.Verdict == finding.Ready && ix.waivers(w) != nil {
		return "ready, waived"
	}
	return verdictWords(w.Verdict)
}

// words says who accepted what until when, why, and over which lines.
func (a acceptance) words() string {
	s := fmt.Sprintf("%s by %s until %s: %s", line(a.Criterion), orNone(a.Owner, "nobody named"), orNone(a.Expires, "no date"), orNone(a.Reason, "no reason"))
	var over []string
	if len(a.Failing) > 0 {
		over = append(over, "failing "+line(strings.Join(a.Failing, ", ")))
	}
	if len(a.Lines) > 0 {
		over = append(over, "undecided "+line(strings.Join(a.Lines, ", ")))
	}
	return s + " (over " + strings.Join(over, "; ") + ")"
}

// waived lists a workload's waivers in words.
func (ix *index) waived(w *Workload) []string {
	var out []string
	for _, a := range ix.acceptances(w) {
		out = append(out, a.words())
	}
	return out
}

// readyByWaiver counts the workloads that are ready by waivers only.
func (ix *index) readyByWaiver() int {
	n := 0
	for i := range ix.doc.Workloads {
		if w := &ix.doc.Workloads[i]; w.Verdict == finding.Ready && ix.waivers(w) != nil {
			n++
		}
	}
	return n
}

// before is a waived line's reason before it was waived, as gate.Waive keeps it.
func before(c *finding.Criterion) string {
	if _, was, ok := strings.Cut(c.Reason, "(was: "); ok && c.Status == finding.CriterionWaived {
		return strings.TrimSuffix(was, ")")
	}
	return c.Reason
}
