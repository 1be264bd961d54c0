package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// Options say how Text writes.
type Options struct {
	// Width of the terminal in columns; less than 80 means 80, more than
	// 120 means 120 (longer lines are hard to read). Identifiers and
	// commands are never broken, so that they can be copied.
	Width int
	// Color allows SGR escapes for weight and colour. Nothing is said by
	// colour alone.
	Color bool
	// ASCII keeps to US-ASCII for the report's own marks and rules.
	ASCII bool
	// Workload, a name or id, asks for the details of that one.
	Workload string
}

const (
	// detailed is the largest number of workloads of which each is shown in
	// detail; with more, worstShown are.
	detailed   = 4
	worstShown = 3
	// tableRows bounds the table of workloads.
	tableRows = 25
	// spotsShown bounds the groups of blind spots.
	spotsShown = 12
)

// Text writes the report for a terminal. It is short whatever the estate's
// size: at most five root causes in full, the rest as counts with the command
// that lists them; it ends with the ladder, each step with what passes and the
// cheapest next grant or command for what is unknown.
func Text(w io.Writer, doc *Document, opt Options) error {
	t := &text{page: newPage(opt), ix: newIndex(doc), opt: opt}
	t.shared = sharedNames(doc)
	t.header()
	chosen, all := t.choose()
	if len(chosen) == 1 && !all {
		t.workload(chosen[0], true)
	} else {
		t.overview()
	}
	t.people()
	t.blind(chosen)
	t.ladder(chosen)
	_, err := io.WriteString(w, t.finish())
	return err
}

// text renders one document for a terminal.
type text struct {
	*page
	ix  *index
	opt Options
	// shared are the ids of workloads whose name another has too.
	shared map[string]bool
}

// choose returns the workloads the reader asked for; all is false when one was
// named. A document with a single workload counts as asking for it.
func (t *text) choose() (chosen []*Workload, all bool) {
	chosen = t.ix.worstFirst()
	if t.opt.Workload != "" {
		var named []*Workload
		for _, w := range chosen {
			if w.Name == t.opt.Workload || w.ID == t.opt.Workload {
				named = append(named, w)
			}
		}
		if len(named) == 0 {
			t.line("")
			t.line(fmt.Sprintf("No workload is called %q; all are shown.", line(t.opt.Workload)))
		}
		if len(named) > 0 {
			return named, len(named) > 1
		}
	}
	return chosen, len(chosen) != 1
}

func (t *text) header() {
	d := t.ix.doc
	t.line(t.bold("sevenfold") + "  " + t.bold(d.estateName()))
	t.para(0, headline(d.Counts.Workloads, t.ix.readyByWaiver()))
	t.line("")
	t.line("  taken     " + d.Taken.UTC().Format(time.RFC3339) + "   " + many(d.Counts.Assets, "asset") + ", " + many(d.Counts.Relations, "relation"))
	t.line("  snapshot  " + orNone(d.Snapshot, "not stored") + "   version " + orNone(d.Tool.Version, "unknown"))
	label := "  sources   "
	for _, s := range d.Sources {
		status := pad(line(s.Status), 9)
		if s.Status != "complete" {
			status = t.paint(yellow, status)
		}
		t.line(fmt.Sprintf("%s%s %s  %s, %s, %s", label, status, line(s.Source),
			many(s.Assets, "asset"), many(s.Calls, "call"), seconds(s.Seconds)))
		label = "            "
	}
	if len(d.Sources) == 0 {
		t.line(label + "none")
	}
}

func seconds(s float64) string {
	if s < 10 {
		return fmt.Sprintf("%.1f s", s)
	}
	return fmt.Sprintf("%.0f s", s)
}

// overview shows the table of workloads, the root causes they share, and the
// worst ones.
func (t *text) overview() {
	worst := t.ix.worstFirst()
	if len(worst) == 0 {
		t.section("workloads")
		t.para(2, "None. Either the sources hold no AI workload, or what would show one was not read: see the blind spots. `sevenfold inventory` lists what was read.")
		return
	}
	t.section("workloads")
	t.table(worst)
	t.accepted()
	t.blockers(t.ix.all, nil)
	t.mending()
	show := worst
	if len(worst) > detailed {
		show = worst[:worstShown]
		var open []*Workload
		for _, w := range show {
			if w.Verdict != finding.Ready {
				open = append(open, w)
			}
		}
		show = open
	}
	for _, w := range show {
		t.workload(w, false)
	}
	if len(show) < len(worst) {
		t.line("")
		t.para(0, fmt.Sprintf("%s more: `%s NAME` shows one in full.", number(len(worst)-len(show)), t.ix.doc.again()))
	}
}

// columnOf is the width of a step's column: its title or its marks.
func columnOf(s numbered) int { return max(len(s.ID), len(s.Lines)) }

// table lists workloads, worst first, each with its steps. Steps of which
// nothing is built have no column: they would say the same in every row.
func (t *text) table(worst []*Workload) {
	rows, left := bounded(worst, tableRows)
	shown, absent := parted(t.ix.ladder(worst))
	if len(shown) == 0 {
		shown, absent = absent, nil
	}
	steps, in := make([]string, 0, len(shown)), map[string]bool{}
	taken := 2 + 2 + 14
	for _, r := range shown {
		in[r.Step.ID] = true
		steps = append(steps, pad(r.Step.ID, columnOf(r.Step)))
		taken += 2 + columnOf(r.Step)
	}
	full := labels(worst)
	name := 12
	for _, w := range rows {
		name = max(name, min(60, t.width-taken, cells(full[w.ID])))
	}
	names := shortened(rows, full, name)
	t.line("  " + t.dim(pad("workload", name)+"  "+pad("verdict", 14)+"  "+strings.Join(steps, "  ")))
	var cut []*Workload
	for _, w := range rows {
		marks := make([]string, 0, len(shown))
		for _, r := range t.ix.ladder([]*Workload{w}) {
			if in[r.Step.ID] {
				marks = append(marks, t.marks(r, columnOf(r.Step)))
			}
		}
		if names[w.ID] != orNone(w.Name, w.ID) {
			cut = append(cut, w)
		}
		t.line("  " + pad(names[w.ID], name) + "  " + t.verdict(w.Verdict, t.ix.shortVerdict(w), 14) + "  " + strings.Join(marks, "  "))
	}
	if left > 0 {
		t.line(fmt.Sprintf("  and %s more, less pressing", number(left)))
	}
	t.line("  " + t.dim(t.legend()))
	if len(absent) > 0 {
		t.para(2, noColumn(absent))
	}
	for i, w := range cut {
		if i == 0 {
			t.line("  in full, to type back:")
		}
		what := w.Name
		if full[w.ID] != orNone(w.Name, w.ID) || what == "" {
			what = w.ID
		}
		t.line("    " + pad(names[w.ID], name) + "  " + shell(what))
	}
}

// workload shows one workload; full adds its blockers with proof.
func (t *text) workload(w *Workload, full bool) {
	t.line("")
	t.rule()
	name, verdict := orNone(w.Name, w.ID), t.bold(t.verdict(w.Verdict, t.ix.shortVerdict(w), 0))
	if cells(name) > t.width-18 { // whole, because it is there to be typed back
		t.line(t.bold(name))
		name = ""
	}
	t.line(t.bold(pad(name, t.width-16)) + verdict)
	about := []string{orNone(w.Type, "unknown class"), zoneWords(w.Zone), "owner " + orNone(w.Owner, "none named")}
	t.para(0, strings.Join(about, t.dot()))
	if w.Purpose != "" {
		t.para(0, line(w.Purpose))
	}
	if t.shared[w.ID] {
		t.line("id " + line(w.ID))
	}
	t.line("")
	shown, absent := parted(t.ix.ladder([]*Workload{w}))
	for _, r := range shown {
		t.rung(r)
	}
	for _, a := range absentOf(absent) {
		t.hang("  "+pad(stepRange(a.rungs), 4)+" ", 7, a.Words)
	}
	t.waivers(w)
	own := t.ix.of[w.ID]
	if full {
		t.blockers(own, w)
		return
	}
	if len(own) == 0 {
		return
	}
	t.line("")
	t.line("  blocked by")
	t.causes(own, w)
}

// causes lists root causes, a line each.
func (t *text) causes(own []*blocker, w *Workload) {
	for i, b := range own {
		if i == maxBlockers {
			t.line(fmt.Sprintf("    and %s: `%s %s`", many(len(own)-i, "more root cause"), t.ix.doc.again(), shell(w.Name)))
			break
		}
		t.line("    " + t.severity(b.Severity) + " " + short(line(b.Title), t.width-16))
	}
}

// rung is one step of one workload on one line, wrapped.
func (t *text) rung(r rung) {
	lead := fmt.Sprintf("  %d %s %s  ", r.Step.Number, pad(r.Step.Title, 12), t.marks(r, 6))
	t.hang(lead, 2+2+13+6+2, strings.Join(said(r), t.dot()))
}

// waivers says who accepted what, until when, over which lines, and what stays
// open under it: a waiver is never silent.
func (t *text) waivers(w *Workload) {
	all := t.ix.waived(w)
	if len(all) == 0 {
		return
	}
	t.line("")
	if w.Verdict == finding.Ready {
		t.para(2, t.ix.verdictOf(w)+":")
	} else {
		t.para(2, many(len(all), "waiver")+" in force:")
	}
	for _, s := range all {
		t.hang("    w ", 6, s)
	}
	if open := t.ix.acceptedOf[w.ID]; len(open) > 0 {
		t.line("")
		t.line("  waived, still open")
		t.causes(open, w)
	}
}

// said puts the lines of one rung into words, by status.
func said(r rung) []string {
	var fails, unknown, unbuiltLines, waived []string
	for _, l := range r.Lines {
		switch l.Status() {
		case finding.CriterionFail:
			fails = append(fails, l.Name())
		case finding.CriterionWaived:
			waived = append(waived, l.Name())
		case finding.CriterionUnknown:
			if l.Unbuilt && l.Counts.Total() > 0 {
				unbuiltLines = append(unbuiltLines, l.Name())
				continue
			}
			unknown = append(unknown, l.Name())
		}
	}
	var parts []string
	add := func(word string, names []string) {
		if len(names) > 0 {
			parts = append(parts, word+" "+strings.Join(names, ", "))
		}
	}
	add("fails", fails)
	add("could not tell", unknown)
	if len(waived) == len(r.Lines) && len(waived) > 0 {
		return []string{fmt.Sprintf("waived, all %d lines", len(waived))}
	}
	add("waived", waived)
	switch {
	case len(unbuiltLines) == len(r.Lines):
		parts = append(parts, "could not tell: not built in this version")
	default:
		add("not built", unbuiltLines)
	}
	if len(parts) == 0 {
		parts = append(parts, "passes")
	}
	return parts
}
