package report

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// htmlViews builds the parts of a page.
type htmlViews struct {
	ix             *index
	anchors, names map[string]string
	shared         map[*blocker]int
	faults         map[string]int
	absent         map[string]bool // steps of which nothing is built
	unbuilt        bool            // some mark says that its line is not built
	access         map[string]*accessView
}

func (h *htmlViews) row(w *Workload) rowView {
	r := rowView{Name: h.names[w.ID], Anchor: h.anchors[w.ID], Type: orNone(w.Type, "unknown class"), Zone: zoneWords(w.Zone), Verdict: h.verdictClass(w), Words: h.ix.shortVerdict(w)}
	for _, rg := range h.ix.ladder([]*Workload{w}) {
		if h.absent[rg.Step.ID] {
			continue
		}
		c := cellView{Step: rg.Step.Title, Words: rg.Step.Title + ": " + strings.Join(said(rg), "; ")}
		for _, l := range rg.Lines {
			class := statusClass(l.Status())
			if l.Unbuilt && l.Status() == finding.CriterionUnknown {
				class += " unbuilt"
				h.unbuilt = true
			}
			c.Marks = append(c.Marks, markView{class, l.Name()})
		}
		r.Cells = append(r.Cells, c)
	}
	return r
}

func (h *htmlViews) blocker(n int, b *blocker, w *Workload) blockerView {
	v := blockerView{Number: n, Title: orNone(b.Title, "a criterion fails"), Severity: severityClass(b.Severity), Why: line(b.Why),
		Criteria: line(strings.Join(b.Criteria, ", ")), Fix: line(b.Fix.Text), Patch: block(b.Fix.Patch), Effort: line(b.Fix.Effort), Disrupts: line(strings.Join(b.Fix.Disrupts, ", "))}
	v.Path, v.Risk = h.ix.way(b, w, " → "), scored(b)
	for _, a := range b.Also {
		v.Also = append(v.Also, line(a))
	}
	if n := len(b.Assets()); n > 0 {
		v.Reach = many(n, "asset")
	}
	ids, left := bounded(b.Workloads, 8)
	v.WorkloadsLeft = left
	for _, id := range ids {
		v.Workloads = append(v.Workloads, linkView{h.names[id], h.anchors[id]})
	}
	for _, c := range b.Fix.Commands {
		v.Commands = append(v.Commands, block(c))
	}
	shown, left := h.ix.proofs(b, w, 4)
	v.ProofsLeft = left
	for _, f := range shown {
		facts, left := bounded(f.Evidence, 6)
		p := proofView{Asset: line(f.Asset), Left: left}
		if s := seenBy(f); s != "" {
			p.Facts = append(p.Facts, finding.Evidence{What: s})
		}
		for _, e := range facts {
			p.Facts = append(p.Facts, finding.Evidence{What: newWhat(f, e), Where: line(e.Where), Value: value(e.Value, 500)})
		}
		v.Proofs = append(v.Proofs, p)
	}
	return v
}

func (h *htmlViews) workload(w *Workload, p Picture) workloadView {
	v := workloadView{Anchor: h.anchors[w.ID], Name: h.names[w.ID], ID: line(w.ID), Type: orNone(w.Type, "unknown class"), Zone: zoneWords(w.Zone),
		Owner: orNone(w.Owner, "none named"), Purpose: line(w.Purpose), Verdict: h.verdictClass(w), Words: h.ix.verdictOf(w), Shared: h.names[w.ID] != orNone(w.Name, w.ID),
		Stairs: h.rungs(h.ix.ladder([]*Workload{w}), false), Waivers: h.ix.waived(w), Picture: picture(h.anchors[w.ID], w.Name, p, h.faults)}
	c := tally(w)
	v.Lead = fmt.Sprintf("%d of %d lines hold, %d fail, %d could not be told", c.Pass+c.NA, c.Total(), c.Fail, c.Unknown)
	if c.Waived > 0 {
		v.Lead += fmt.Sprintf(", %d waived", c.Waived)
	}
	open, left := bounded(h.ix.acceptedOf[w.ID], maxBlockers)
	v.OpenLeft = left
	for _, b := range open {
		v.Open = append(v.Open, ownBlocker{h.blocker(0, b, w), 0})
	}
	v.Access = h.access[w.ID]
	own, left := bounded(h.ix.of[w.ID], maxBlockers)
	v.BlockersLeft = left
	for _, b := range own {
		v.Blockers = append(v.Blockers, ownBlocker{h.blocker(0, b, w), h.shared[b]})
	}
	for i := range w.Criteria {
		v.Lines = append(v.Lines, criterionLine(&w.Criteria[i]))
	}
	return v
}

func criterionLine(c *finding.Criterion) lineView {
	v := lineView{ID: line(c.ID), Class: statusClass(c.Status), Status: statusWord(c.Status), Asks: asks(c.ID), Reason: line(c.Reason), Findings: len(c.Findings)}
	if c.Status != finding.CriterionPass && c.Status != finding.CriterionNA {
		v.Hint = line(c.Hint)
	}
	claims, _ := bounded(c.Evidence, 6)
	for _, e := range claims {
		s := fmt.Sprintf("%s: %s of %s", line(e.Claim), number(e.Examined), number(e.Of))
		if e.Source != "" {
			s += ", " + line(e.Source)
		}
		v.Claims = append(v.Claims, s)
	}
	return v
}

// rungs are the seven steps; many workloads show shares instead of states.
func (h *htmlViews) rungs(rungs []rung, withNext bool) []rungView {
	out := make([]rungView, 0, len(rungs))
	for _, r := range rungs {
		v := rungView{Number: r.Step.Number, ID: r.Step.ID, Title: r.Step.Title, Held: r.Counts.Pass + r.Counts.NA, Waived: r.Counts.Waived, Of: r.Counts.Total(), Class: "pass", AllUnbuilt: true}
		if r.Counts.Fail > 0 {
			v.Class = "fail"
		} else if r.Counts.Unknown > 0 || r.Counts.Total() == 0 {
			v.Class = "unknown"
		} else if r.Counts.Waived > 0 {
			v.Class = "waived"
		}
		for _, l := range r.Lines {
			s := stairLine{Name: l.Name(), Class: statusClass(l.Status()), Word: statusWord(l.Status())}
			if l.Unbuilt && l.Status() == finding.CriterionUnknown {
				s.Word = "not built"
				s.Class += " unbuilt"
			} else {
				v.AllUnbuilt = false
			}
			if withNext {
				s.Count = fmt.Sprintf("%s/%s", number(l.Counts.Pass+l.Counts.NA), number(l.Counts.Total()))
			}
			v.Lines = append(v.Lines, s)
		}
		if withNext {
			next, left := bounded(r.Next, 8)
			v.NextLeft = left
			for _, n := range next {
				v.Next = append(v.Next, nextView{line(n.Do), strings.TrimSpace(decides(n, r))})
			}
		}
		out = append(out, v)
	}
	return out
}

func blind(g blindGroup) blindView {
	v := blindView{What: line(g.Head), Why: line(g.Why), Hint: line(g.Hint), Criteria: line(strings.Join(g.Criteria, ", ")), Left: g.Left}
	for _, m := range g.Top {
		v.More = append(v.More, line(m))
	}
	return v
}

var findingID = regexp.MustCompile(`^F-[0-9a-f]{1,64}$`)

// findings are the worst of all findings, for the table.
func (h *htmlViews) findings() ([]findingView, int) {
	all := make([]*finding.Finding, len(h.ix.doc.Findings))
	for i := range h.ix.doc.Findings {
		all[i] = &h.ix.doc.Findings[i]
	}
	slices.SortFunc(all, func(a, b *finding.Finding) int {
		return cmp.Or(cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), cmp.Compare(string(a.Status), string(b.Status)), worse(a, b))
	})
	shown, left := bounded(all, pageFindings)
	out := make([]findingView, 0, len(shown))
	for _, f := range shown {
		v := findingView{Severity: severityClass(f.Severity), Status: "unknown", Step: stepClass(f.Step), Title: short(orNone(f.Title, f.Control), 200), Control: line(f.Control),
			Asset: short(line(f.Asset), 300), Fix: short(line(f.Fix.Text), 300), Effort: line(f.Fix.Effort)}
		if findingID.MatchString(f.ID) {
			v.Anchor = f.ID
		}
		if f.Status == finding.Fail {
			v.Status = "fail"
		}
		if len(f.Evidence) > 0 {
			v.Evidence = short(evidence(f, f.Evidence[0]), 240)
		}
		out = append(out, v)
	}
	return out, left
}

// verdictClass is the class of a workload's verdict: waived where it is ready
// by waivers only.
func (h *htmlViews) verdictClass(w *Workload) string {
	if w.Verdict == finding.Ready && h.ix.waivers(w) != nil {
		return "waived"
	}
	return verdictClass(w.Verdict)
}

// verdictClass, statusClass, severityClass and stepClass name classes of the
// style sheet; a value from outside never becomes one.
func verdictClass(v finding.Verdict) string {
	switch v {
	case finding.Ready:
		return "pass"
	case finding.NotReady:
		return "fail"
	}
	return "unknown"
}

func statusClass(s finding.CriterionStatus) string {
	switch s {
	case finding.CriterionPass, finding.CriterionFail, finding.CriterionWaived:
		return string(s)
	case finding.CriterionNA:
		return "na"
	}
	return "unknown"
}

func statusWord(s finding.CriterionStatus) string {
	switch s {
	case finding.CriterionPass:
		return "passes"
	case finding.CriterionFail:
		return "fails"
	case finding.CriterionWaived:
		return "waived"
	case finding.CriterionNA:
		return "not applicable"
	}
	return "could not tell"
}

func severityClass(s finding.Severity) string {
	if _, err := finding.ParseSeverity(string(s)); err != nil {
		return "info"
	}
	return string(s)
}

func stepClass(s string) string {
	if slices.Contains([]string{"audit", "access", "data", "detect", "supply", "network", "respond"}, s) {
		return s
	}
	return "audit"
}
