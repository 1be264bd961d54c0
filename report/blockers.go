package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/gate"
)

// maxBlockers is how many root causes a reader is shown in full. More is a list
// nobody works through.
const maxBlockers = 5

// blocker is one root cause: failing findings that one mend ends, or a failing
// criterion that rests on no finding.
type blocker struct {
	Title    string
	Also     []string // titles of other controls the same mend ends
	Why      string
	Control  string
	Severity finding.Severity
	Fix      finding.Fix
	Score    int // highest risk score, 0 until risk is known
	// Findings worst first; empty for a criterion without findings.
	Findings  []*finding.Finding
	Workloads []string // ids it blocks, in the document's order
	Criteria  []string // criteria it fails
}

// Assets are the ids of the assets the blocker was found on, without repeats.
func (b *blocker) Assets() []string {
	var ids []string
	seen := map[string]bool{}
	for _, f := range b.Findings {
		if !seen[f.Asset] {
			seen[f.Asset] = true
			ids = append(ids, f.Asset)
		}
	}
	return ids
}

// index is a document prepared for rendering: what the renderers look up and
// the root causes they share.
type index struct {
	doc      *Document
	findings map[string]*finding.Finding
	controls map[string]*Control
	steps    []numbered // those the document decides something of
	// of maps a workload's id to its blockers, ranked; all holds every blocker.
	of  map[string][]*blocker
	all []*blocker
	// acceptedOf and accepted are the same for what a waiver covers: it holds
	// nobody back and is open all the same.
	acceptedOf map[string][]*blocker
	accepted   []*blocker
	// hints are, by criterion, what would end the blind spots that hide it.
	hints map[string][]string
}

func newIndex(doc *Document) *index {
	ix := &index{
		doc:      doc,
		findings: findingsByID(doc),
		controls: make(map[string]*Control, len(doc.Controls)),
		steps:    asked(doc),
	}
	for i := range doc.Controls {
		ix.controls[doc.Controls[i].ID] = &doc.Controls[i]
	}
	ix.group()
	ix.hints = hints(doc.BlindSpots)
	return ix
}

func findingsByID(doc *Document) map[string]*finding.Finding {
	out := make(map[string]*finding.Finding, len(doc.Findings))
	for i := range doc.Findings {
		out[doc.Findings[i].ID] = &doc.Findings[i]
	}
	return out
}

// numbered is a step with its place in the load table, from 1.
type numbered struct {
	gate.Step
	Number int
}

// asked returns the steps of which the document holds a criterion: all seven,
// unless it was narrowed to one. A document without criteria keeps all.
func asked(doc *Document) []numbered {
	in := map[string]bool{}
	for i := range doc.Workloads {
		for _, c := range doc.Workloads[i].Criteria {
			step, _, _ := strings.Cut(c.ID, ".")
			in[step] = true
		}
	}
	var all, some []numbered
	for i, s := range gate.Table() {
		all = append(all, numbered{s, i + 1})
		if in[s.ID] {
			some = append(some, all[i])
		}
	}
	if len(some) == 0 {
		return all
	}
	return some
}

// hints lists, by criterion, the remedies of the blind spots that hide it.
func hints(spots []BlindSpot) map[string][]string {
	out := map[string][]string{}
	seen := map[[2]string]bool{}
	for i := range spots {
		for _, c := range spots[i].Criteria {
			if key := [2]string{c, spots[i].Hint}; !seen[key] {
				seen[key] = true
				out[c] = append(out[c], spots[i].Hint)
			}
		}
	}
	return out
}

// group finds the root causes of every failing criterion, and apart from them
// those that a waiver covers: accepted, but open.
func (ix *index) group() {
	roots := joinByFix(ix.doc.Findings)
	failing := causes{ix: ix, roots: roots, byKey: map[string]*blocker{}}
	accepted := causes{ix: ix, roots: roots, byKey: map[string]*blocker{}}
	for i := range ix.doc.Workloads {
		w := &ix.doc.Workloads[i]
		for j := range w.Criteria {
			switch c := &w.Criteria[j]; {
			case c.Status == finding.CriterionFail:
				failing.add(w, c)
			case ix.overFailing(c):
				accepted.add(w, c)
			}
		}
	}
	ix.all, ix.of = failing.ranked()
	ix.accepted, ix.acceptedOf = accepted.ranked()
}

// causes collects root causes.
type causes struct {
	ix    *index
	roots map[string]string // by control: see joinByFix
	byKey map[string]*blocker
	all   []*blocker
}

// add counts a criterion of a workload to its root causes.
func (cs *causes) add(w *Workload, c *finding.Criterion) {
	faults := cs.ix.faults(c)
	if len(faults) == 0 {
		b := cs.get("criterion "+c.ID+" "+c.Hint, func() *blocker {
			return &blocker{Title: before(c), Severity: finding.Medium, Fix: finding.Fix{Text: c.Hint}, Why: asks(c.ID)}
		})
		b.blocks(w.ID, c.ID)
	}
	for _, f := range faults {
		b := cs.get(cs.roots[f.Control], func() *blocker { return &blocker{} })
		b.Findings = append(b.Findings, f)
		b.blocks(w.ID, c.ID)
	}
}

func (cs *causes) get(key string, fresh func() *blocker) *blocker {
	b := cs.byKey[key]
	if b == nil {
		b = fresh()
		cs.byKey[key] = b
		cs.all = append(cs.all, b)
	}
	return b
}

// ranked returns the causes, worst first, all and by workload.
func (cs *causes) ranked() (all []*blocker, of map[string][]*blocker) {
	for _, b := range cs.all {
		cs.ix.finish(b)
	}
	slices.SortStableFunc(cs.all, rank)
	of = map[string][]*blocker{}
	for _, b := range cs.all {
		for _, id := range b.Workloads {
			of[id] = append(of[id], b)
		}
	}
	return cs.all, of
}

// faults are the open failing findings a criterion rests on.
func (ix *index) faults(c *finding.Criterion) []*finding.Finding {
	var out []*finding.Finding
	for _, id := range c.Findings {
		if f := ix.findings[id]; f != nil && f.Status == finding.Fail && f.Waiver == nil {
			out = append(out, f)
		}
	}
	return out
}

func (b *blocker) blocks(workload, criterion string) {
	if len(b.Workloads) == 0 || b.Workloads[len(b.Workloads)-1] != workload {
		b.Workloads = append(b.Workloads, workload)
	}
	if !slices.Contains(b.Criteria, criterion) {
		b.Criteria = append(b.Criteria, criterion)
	}
}

// finish orders a blocker's findings and takes its face from the worst.
func (ix *index) finish(b *blocker) {
	if len(b.Findings) == 0 {
		return
	}
	slices.SortFunc(b.Findings, worse)
	b.Findings = slices.CompactFunc(b.Findings, func(x, y *finding.Finding) bool { return x.ID == y.ID })
	first := b.Findings[0]
	b.Title, b.Control, b.Severity, b.Fix = first.Title, first.Control, first.Severity, first.Fix
	if c := ix.controls[first.Control]; c != nil {
		b.Why = c.Why
		if len(b.Findings) > 1 && c.Title != "" {
			b.Title = c.Title
		}
	}
	for _, f := range b.Findings {
		if f.Risk != nil {
			b.Score = max(b.Score, f.Risk.Score)
		}
		if f.Control != first.Control && !slices.Contains(b.Also, f.Title) {
			b.Also = append(b.Also, f.Title)
		}
	}
}

// worse orders findings: risk where it is known, severity, then asset and id so
// that two runs print the same.
func worse(a, b *finding.Finding) int {
	return cmp.Or(
		cmp.Compare(score(b), score(a)),
		cmp.Compare(b.Severity.Rank(), a.Severity.Rank()),
		cmp.Compare(a.Control, b.Control),
		cmp.Compare(a.Asset, b.Asset),
		cmp.Compare(a.ID, b.ID),
	)
}

func score(f *finding.Finding) int {
	if f.Risk == nil {
		return 0
	}
	return f.Risk.Score
}

// rank orders blockers: risk where it is known, severity, how many workloads
// wait for it, how cheap its mend is, then name.
func rank(a, b *blocker) int {
	return cmp.Or(
		cmp.Compare(b.Score, a.Score),
		cmp.Compare(b.Severity.Rank(), a.Severity.Rank()),
		cmp.Compare(len(b.Workloads), len(a.Workloads)),
		cmp.Compare(effort(a.Fix.Effort), effort(b.Fix.Effort)),
		cmp.Compare(a.Control, b.Control),
		cmp.Compare(a.Title, b.Title),
	)
}

// effort orders the efforts of fixes, cheapest first; one not stated is dear.
func effort(s string) int {
	if i := slices.Index([]string{"minutes", "hours", "days"}, s); i >= 0 {
		return i
	}
	return 3
}

// joinByFix maps each control to the name of its root cause: controls are one
// cause when the very same commands mend a finding of each.
func joinByFix(findings []finding.Finding) map[string]string {
	parent := map[string]string{}
	var find func(string) string
	find = func(c string) string {
		p, ok := parent[c]
		if !ok || p == c {
			parent[c] = c
			return c
		}
		parent[c] = find(p)
		return parent[c]
	}
	byCommands := map[string]string{}
	for i := range findings {
		f := &findings[i]
		root := find(f.Control)
		if len(f.Fix.Commands) == 0 {
			continue
		}
		commands := f.Asset + "\x00" + strings.Join(f.Fix.Commands, "\x00")
		if other, ok := byCommands[commands]; ok {
			parent[root] = find(other)
		} else {
			byCommands[commands] = f.Control
		}
	}
	roots := make(map[string]string, len(parent))
	for c := range parent {
		roots[c] = "control " + find(c)
	}
	return roots
}

// asks is what a criterion asks, as the load table puts it.
func asks(id string) string {
	if l, ok := gate.Find(id); ok {
		return "It must hold that " + l.Asks + "."
	}
	return ""
}

// proofs returns up to n findings of the blocker to show, preferring those that
// belong to the given workload (all when it is nil), and how many are left.
func (ix *index) proofs(b *blocker, w *Workload, n int) (shown []*finding.Finding, left int) {
	own := b.Findings
	if w != nil {
		of := map[string]bool{}
		for _, c := range w.Criteria {
			for _, id := range c.Findings {
				of[id] = true
			}
		}
		own = slices.DeleteFunc(slices.Clone(b.Findings), func(f *finding.Finding) bool { return !of[f.ID] })
	}
	if len(own) > n {
		return own[:n], len(own) - n
	}
	return own, 0
}
