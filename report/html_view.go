package report

import (
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// htmlPage is what the page's template takes.
type htmlPage struct {
	Policy, Title, Estate, Headline, Lead string
	Style                                 template.CSS
	Script                                template.JS
	Taken, Snapshot, Version              string
	Counts                                Counts
	AssetsWords                           string
	Sources                               []sourceView
	Steps                                 []stepView
	Columns                               []stepView // those with a column of the table
	Absent, AbsentNext, AbsentNote        string     // the others, and what counts until they are built
	Rows, MoreRows                        []rowView
	Unbuilt                               bool // some mark says that its line is not built
	RowsLeft                              int
	Blockers                              []blockerView
	BlockersLeft                          int
	Mending                               string
	Mendings                              []mendingView
	People                                *overviewView
	Workloads                             []workloadView
	WorkloadsLeft                         int
	Blind                                 []blindView
	BlindLeft                             int
	Ladder                                []rungView
	Findings                              []findingView
	FindingsLeft, FindingsAll             int
	Severities                            []string
	Fold                                  bool // the findings are folded away
	Lines                                 int  // of the load table
	AllRead                               bool // every source was read completely
	Again                                 string
}

// matrixView is a part of the load table.
type matrixView struct {
	Label string
	Steps []stepView
	Rows  []rowView
}

// Matrix is called by the template.
func (p *htmlPage) Matrix(label string, rows []rowView) matrixView {
	return matrixView{label, p.Columns, rows}
}

type sourceView struct{ Source, Status, Words string }

type stepView struct{ Number, ID, Title string }

// rowView is one workload in the load table.
type rowView struct {
	Name, Anchor, Type, Zone, Verdict, Words string
	Cells                                    []cellView
}

// cellView is one step of one workload: a mark for each line and its words.
type cellView struct {
	Step  string
	Marks []markView
	Words string
}

type markView struct{ Class, Title string }

type blockerView struct {
	Number                      int
	Title, Severity, Why, Reach string
	Path, Risk                  string
	Also                        []string
	Workloads                   []linkView
	WorkloadsLeft               int
	Criteria                    string
	Proofs                      []proofView
	ProofsLeft                  int
	Fix                         string
	Commands                    []string
	Patch                       string
	Effort, Disrupts            string
}

type linkView struct{ Name, Anchor string }

type proofView struct {
	Asset string
	Facts []finding.Evidence
	Left  int
}

type workloadView struct {
	Anchor, Name, ID, About, Type, Zone, Owner, Purpose, Verdict, Words, Lead string
	Stairs                                                                    []rungView
	Waivers                                                                   []string
	Shared                                                                    bool // others have its name
	Open                                                                      []ownBlocker
	OpenLeft                                                                  int
	Access                                                                    *accessView
	Blockers                                                                  []ownBlocker
	BlockersLeft                                                              int
	Lines                                                                     []lineView
	Picture                                                                   *svgView
}

// ownBlocker is a workload's blocker; Number leads to the shared list, else 0.
type ownBlocker struct {
	blockerView
	Shared int
}

type lineView struct {
	ID, Class, Status, Asks, Reason, Hint string
	Claims                                []string
	Findings                              int
}

type rungView struct {
	Number     int
	ID, Title  string
	Held, Of   int
	Waived     int
	Class      string
	Lines      []stairLine
	Next       []nextView
	NextLeft   int
	AllUnbuilt bool
	Absent     bool
}

type stairLine struct{ Name, Class, Word, Count string }

type nextView struct{ Do, Decides string }

type blindView struct {
	What, Why, Hint, Criteria string
	More                      []string
	Left                      int
}

type findingView struct {
	Anchor, Severity, Status, Step, Title, Control, Asset, Evidence, Fix, Effort string
}

// newHTMLPage turns a document into the page's view, bounded and clean.
func newHTMLPage(doc *Document, drawing Drawing) *htmlPage {
	ix := newIndex(doc)
	worst := ix.worstFirst()
	anchors := make(map[string]string, len(worst))
	for i, w := range worst {
		if i < pageWorkloads {
			anchors[w.ID] = fmt.Sprintf("w%d", i+1)
		}
	}
	h := &htmlViews{ix: ix, anchors: anchors, names: labels(worst), access: accessViews(doc.Access), absent: map[string]bool{}, shared: map[*blocker]int{}, faults: faultsByAsset(doc.Findings)}
	p := &htmlPage{
		Policy: policy(), Style: template.CSS(pageStyle), Script: template.JS(pageScript), //nolint:gosec // both are embedded files of ours
		Title: "sevenfold: " + doc.estateName(), Estate: doc.estateName(), Headline: headline(doc.Counts.Workloads, ix.readyByWaiver()),
		Lead: lead(ix), Taken: doc.Taken.UTC().Format("2 January 2006, 15:04 UTC"), Snapshot: orNone(doc.Snapshot, "not stored"), Version: orNone(doc.Tool.Version, "unknown"),
		Counts: doc.Counts, AssetsWords: many(doc.Counts.Assets, "asset") + ", " + many(doc.Counts.Relations, "relation"), Again: doc.again(),
		Severities: []string{"critical", "high", "medium", "low", "info"},
	}
	for _, s := range ix.steps {
		p.Steps = append(p.Steps, stepView{fmt.Sprint(s.Number), s.ID, s.Title})
		p.Lines += len(s.Lines)
	}
	shown, absent := parted(ix.ladder(worst))
	if len(shown) == 0 {
		shown, absent = absent, nil
	}
	for _, r := range shown {
		p.Columns = append(p.Columns, stepView{fmt.Sprint(r.Step.Number), r.Step.ID, r.Step.Title})
	}
	for _, r := range absent {
		h.absent[r.Step.ID] = true
	}
	if len(absent) > 0 {
		p.Absent, p.AbsentNext, p.AbsentNote = absentTitles(absent)+": "+absentStanding(absent), absentNext(absent), noColumn(absent)
	}
	p.AllRead = len(doc.Sources) > 0 && !slices.ContainsFunc(doc.Sources, func(s Source) bool { return s.Status != "complete" })
	p.People = overviewed(doc.Overview)
	for _, s := range doc.Sources {
		p.Sources = append(p.Sources, sourceView{line(s.Source), line(s.Status), many(s.Assets, "asset") + ", " + many(s.Calls, "call") + ", " + seconds(s.Seconds)})
	}
	h.fill(p, worst, drawing)
	return p
}

// fill adds the parts that can be long, each within its bound.
func (h *htmlViews) fill(p *htmlPage, worst []*Workload, drawing Drawing) {
	shown, left := bounded(worst, pageRows)
	p.RowsLeft = left
	for i, w := range shown {
		if i < tableRows {
			p.Rows = append(p.Rows, h.row(w))
		} else {
			p.MoreRows = append(p.MoreRows, h.row(w))
		}
	}
	p.Unbuilt = h.unbuilt
	causes, left := bounded(h.ix.all, maxBlockers)
	p.BlockersLeft = left
	for i, b := range causes {
		h.shared[b] = i + 1
		p.Blockers = append(p.Blockers, h.blocker(i+1, b, nil))
	}
	if p.Mending = h.ix.mendingWords(); p.Mending != "" {
		all, _, _ := h.ix.mendings()
		for _, m := range dearest(all) {
			v := mendingView{Title: line(m.Title), Why: line(m.Why), Now: hours(m.Now), Later: hours(m.Later), Number: h.shared[m.blocker]}
			v.NowWidth, v.LaterWidth = share(m.Now, dearest(all)), share(m.Later, dearest(all))
			p.Mendings = append(p.Mendings, v)
		}
	}
	detail, left := bounded(worst, pageWorkloads)
	p.WorkloadsLeft = left
	for _, w := range detail {
		p.Workloads = append(p.Workloads, h.workload(w, drawing[w.ID]))
	}
	spots, left := bounded(blindGroups(h.ix.doc.BlindSpots), pageSpots)
	p.BlindLeft = left
	for _, g := range spots {
		p.Blind = append(p.Blind, blind(g))
	}
	if len(worst) > 0 {
		p.Ladder = h.rungs(h.ix.ladder(worst), true)
		for i := range p.Ladder {
			p.Ladder[i].Absent = h.absent[p.Ladder[i].ID]
		}
	}
	p.Findings, p.FindingsLeft = h.findings()
	p.FindingsAll = len(h.ix.doc.Findings)
	p.Fold = len(p.Findings) > foldFindings
}

// mendingView is one root cause before scaling and after.
type mendingView struct {
	Title, Why, Now, Later string
	// Number of the blocker on the page, 0 if it is not shown.
	Number int
	// NowWidth and LaterWidth are lengths of bars, 1 to 200.
	NowWidth, LaterWidth int
}

// share is the length of a bar: the longest of those shown is 200.
func share(h float64, shown []mending) int {
	most := 0.0
	for _, m := range shown {
		most = max(most, m.Later)
	}
	return max(1, int(h/most*200))
}

// bounded cuts s to n and says how many are left.
func bounded[T any](s []T, n int) ([]T, int) {
	if len(s) > n {
		return s[:n], len(s) - n
	}
	return s, 0
}

// lead says in a sentence or two what matters after the headline.
func lead(ix *index) string {
	var out []string
	if n := len(ix.all); n > 0 {
		cheap := 0
		for _, b := range ix.all {
			if b.Fix.Effort == "minutes" {
				cheap++
			}
		}
		s := many(n, "root cause") + " account for every failing line"
		if n == 1 {
			s = "One root cause accounts for every failing line"
		}
		if cheap > 0 {
			s += fmt.Sprintf("; %s mended in minutes", map[bool]string{true: "it is", false: number(cheap) + " can be"}[n == 1])
		}
		out = append(out, s+".")
	}
	if n := ix.doc.Counts.Criteria.Waived; n > 0 {
		s := many(n, "line") + " waived"
		if k := len(ix.accepted); k > 0 {
			s += fmt.Sprintf("; under waivers %s still open", map[bool]string{true: "1 root cause is", false: number(k) + " root causes are"}[k == 1])
		}
		out = append(out, s+".")
	}
	if n := len(ix.doc.BlindSpots); n > 0 {
		out = append(out, fmt.Sprintf("%s left lines undecided: unknown is not called safe.", many(n, "blind spot")))
	}
	return strings.Join(out, " ")
}
