package report

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strings"
)

// networkView is a page as its template takes it: bounded and clean.
type networkView struct {
	Policy                                        string
	Style                                         template.CSS
	Title, Estate, Taken, Version, Headline, Lead string
	Grids                                         []gridView
	Asked                                         []wayView // asked for by name
	Pressing, Open                                []wayView // of the grids
	WaysLeft                                      int
	Notes                                         []gridNote
	Again                                         string
	Cells                                         []string // classes of cells without a word
}

type gridNote struct {
	Title, Why string
	Items      []string
	Left       int
	Bad        bool
}

// gridView is a grid: the drawing and the table that says the same.
type gridView struct {
	Name, Title, Note, Empty string
	Picture                  *gridPicture
	Wide                     bool // the table stands below
	Rows                     []gridRow
	RowsLeft, Lines, Columns int // left out of the table, and of the drawing
	Marks                    []markView
}

// gridRow is the crossings of one row of a grid that have one answer, in words.
type gridRow struct {
	From, Class, Word, Ports, Says string
	Because                        []string
	Left                           int
	To                             []linkView
}

// worstReach orders answers: what presses most comes first.
var worstReach = []Reach{ReachViolated, ReachUnknown, ReachBroken, ReachYes, ReachIntended, ReachNo}

// rank is the answer's place among worstReach; class its name in the style sheet. A
// value from outside never becomes one.
func (r Reach) rank() int { return slices.Index(worstReach, Reach(r.class())) }
func (r Reach) class() string {
	if slices.Contains(worstReach, r) {
		return string(r)
	}
	return string(ReachUnknown)
}

// gridWords say what a mark means.
var gridWords = map[Reach]string{
	ReachViolated: "can be opened, and an intent forbids it", ReachUnknown: "could not be told", ReachBroken: "declared, and cannot be opened",
	ReachYes: "can be opened", ReachIntended: "can be opened, as it is meant", ReachNo: "cannot be opened",
}

func (w *Way) word() string { return short(orNone(w.Word, w.Reach.class()), 24) }

// gridLine is a value on one line, cut to what a page takes of one.
func gridLine(s string) string { return short(line(s), gridText) }

// portWords lists the ports, those that are sure first.
func (w *Way) portWords() string {
	var out []string
	if len(w.Ports) > 0 {
		out = append(out, few(w.Ports, 8))
	}
	if len(w.Perhaps) > 0 && w.Reach.class() != string(ReachNo) {
		out = append(out, "perhaps "+few(w.Perhaps, 8))
	}
	return short(strings.Join(out, "; "), 160)
}

// few joins a list, the first most of it.
func few(list []string, most int) string {
	shown, left := bounded(list, most)
	out := make([]string, 0, len(shown))
	for _, s := range shown {
		out = append(out, short(line(s), 60))
	}
	s := strings.Join(out, ", ")
	if left > 0 {
		s += fmt.Sprintf(" and %s more", number(left))
	}
	return s
}

// onWords is portWords after "on", or nothing.
func (w *Way) onWords() string {
	ports := w.portWords()
	if rest, ok := strings.CutPrefix(ports, "perhaps "); ok {
		return "perhaps on " + rest
	}
	if ports != "" {
		return "on " + ports
	}
	return ""
}

// reasons are the first of the reasons, and how many more there are.
func (w *Way) reasons(most int) ([]string, int) {
	var out []string
	left := 0
	for _, b := range w.Because {
		b = gridLine(b)
		switch {
		case b == "":
		case len(out) == most:
			left++
		default:
			out = append(out, b)
		}
	}
	return out, left
}

func newNetworkView(p *NetworkPage) *networkView {
	style := pageStyle + gridStyle
	v := &networkView{
		Policy: gridPolicy(style), Style: template.CSS(style), //nolint:gosec // embedded files of ours
		Title: "sevenfold: " + orNone(p.Estate, "network"), Estate: gridLine(p.Estate), Version: orNone(p.Version, "unknown"),
		Headline: gridLine(p.Headline), Lead: short(line(p.Lead), 2*gridText), Again: gridLine(p.Again),
	}
	if !p.Taken.IsZero() {
		v.Taken = p.Taken.UTC().Format("2 January 2006, 15:04 UTC")
	}
	for _, r := range worstReach {
		v.Cells = append(v.Cells, string(r))
	}
	v.Cells = append(v.Cells, "none")
	anchors := v.ways(p)
	for i := range p.Grids {
		v.Grids = append(v.Grids, newGridView(fmt.Sprintf("g%d", i+1), &p.Grids[i], anchors))
	}
	for _, n := range p.Notes {
		shown, left := bounded(n.Items, gridItems)
		note := gridNote{Title: gridLine(n.Title), Why: gridLine(n.Why), Left: left, Bad: n.Bad}
		for _, s := range shown {
			note.Items = append(note.Items, gridLine(s))
		}
		v.Notes = append(v.Notes, note)
	}
	return v
}

// ways fills in the paths to draw, worst first, and returns their anchors.
func (v *networkView) ways(p *NetworkPage) map[*Way]string {
	anchors := map[*Way]string{}
	var all []*Way
	asked, left := bounded(p.Ways, gridWays)
	v.WaysLeft = left
	for i := range asked {
		v.Asked = append(v.Asked, newWayView(fmt.Sprintf("w%d", i+1), &asked[i], askedBecause))
	}
	for i := range p.Grids {
		for j := range p.Grids[i].Cells {
			if w := &p.Grids[i].Cells[j].Way; w.Reach != ReachNo {
				all = append(all, w)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b *Way) int { return cmp.Compare(a.Reach.rank(), b.Reach.rank()) })
	all, left = bounded(all, gridWays-len(asked))
	v.WaysLeft += left
	for i, w := range all {
		one := newWayView(fmt.Sprintf("w%d", len(asked)+i+1), w, gridBecause)
		anchors[w] = one.Anchor
		if w.Reach.rank() < ReachYes.rank() {
			v.Pressing = append(v.Pressing, one)
		} else {
			v.Open = append(v.Open, one)
		}
	}
	return anchors
}

// newGridView draws a grid and writes it down.
func newGridView(name string, g *Grid, anchors map[*Way]string) gridView {
	v := gridView{Name: name, Title: gridLine(g.Title), Note: gridLine(g.Note), Empty: orNone(g.Empty, "Nothing was asked.")}
	crossings := make([]*GridCell, 0, len(g.Cells))
	for i := range g.Cells {
		if c := &g.Cells[i]; c.Row >= 0 && c.Row < len(g.Rows) && c.Column >= 0 && c.Column < len(g.Columns) {
			crossings = append(crossings, c)
		}
	}
	if len(crossings) == 0 {
		return v
	}
	v.Picture = drawGrid(g, crossings, anchors)
	v.Lines, v.Columns = len(g.Rows)-len(v.Picture.Lines), len(g.Columns)-len(v.Picture.Heads)
	v.Wide = len(v.Picture.Heads) > gridBig
	slices.SortStableFunc(crossings, func(a, b *GridCell) int { return cmp.Compare(a.Reach.rank(), b.Reach.rank()) })
	for _, r := range worstReach {
		if i := slices.IndexFunc(crossings, func(c *GridCell) bool { return c.Reach.class() == string(r) }); i >= 0 {
			v.Marks = append(v.Marks, markView{string(r), crossings[i].word() + ": " + gridWords[r]})
		}
	}
	rows := gridRowsOf(crossings, anchors)
	v.Rows, v.RowsLeft = bounded(rows, gridRows)
	return v
}

// gridRowsOf writes crossings down, one row for all of one origin that come to the
// same.
func gridRowsOf(crossings []*GridCell, anchors map[*Way]string) []gridRow {
	var out []gridRow
	at := map[string]int{}
	for _, c := range crossings {
		row := gridRow{From: gridLine(c.From), Class: c.Reach.class(), Word: c.word(), Ports: c.portWords(), Says: gridLine(c.Says)}
		row.Because, row.Left = c.reasons(2)
		key := fmt.Sprintf("%q", append([]string{row.From, row.Class, row.Word, row.Ports, row.Says, number(row.Left)}, row.Because...))
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, row)
		}
		out[i].To = append(out[i].To, linkView{gridLine(c.To), anchors[&c.Way]})
	}
	return out
}
