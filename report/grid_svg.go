package report

import (
	"cmp"
	"slices"
)

// Sizes of a grid's drawing, in pixels. Up to gridBig columns a cell has room for a
// word below its mark; with more it has the mark alone.
const (
	gridBig       = 10
	bigCellHeight = 48
	leastWidth    = 54 // of a cell with a word
	smallCell     = 24
	headChars     = 20 // of a name at the side or above
	charWidth     = 8  // of a name, in the widest of the style's typefaces
	slopeSin      = 64 // of the slope of names above, 40 degrees, in hundredths
	slopeCos      = 77
	bigTitle      = 110 // characters of a cell's title
	smallTitle    = 72
	wordChars     = 12 // of a word in a cell
)

// gridPicture is a grid as the template draws it.
type gridPicture struct {
	Width, Height, Label, Head, Side, Tall int
	Summary                                string
	Big                                    bool
	Heads                                  []gridHead
	Lines                                  []gridLineView
}

// gridHead is a column's name.
type gridHead struct {
	X, Y      int
	Name, Tip string
}

// gridLineView is a row: its name, and its cells from left to right.
type gridLineView struct {
	Y, NameY, SubY int
	Name, Sub, Tip string
	Cells          []gridCellView
}

// gridCellView is one crossing; of class none it was not asked for.
type gridCellView struct {
	X, MarkX, MarkY, TextX, TextY int
	Class, Word, Tip, Anchor      string
}

// drawGrid lays a grid out: the rows and columns that press most, in their own order.
func drawGrid(g *Grid, crossings []*GridCell, anchors map[*Way]string) *gridPicture {
	at := make(map[[2]int]*GridCell, len(crossings))
	inRow, inColumn := make([]int, len(g.Rows)), make([]int, len(g.Columns))
	for _, c := range crossings {
		if old := at[[2]int{c.Row, c.Column}]; old != nil && old.Reach.rank() <= c.Reach.rank() {
			continue // two answers to one question: the worse is shown
		}
		at[[2]int{c.Row, c.Column}] = c
		weight := 1 << (2 * (len(worstReach) - c.Reach.rank()))
		inRow[c.Row] += weight
		inColumn[c.Column] += weight
	}
	rows, columns := heaviest(inRow, gridSide), heaviest(inColumn, gridSide)
	p := &gridPicture{Big: len(columns) <= gridBig, Side: smallCell, Tall: smallCell}
	if p.Big {
		p.Side, p.Tall = leastWidth, bigCellHeight
		for _, c := range crossings {
			p.Side = max(p.Side, 7*cells(short(c.word(), wordChars))+6)
		}
	}
	p.Label = 40
	for _, r := range rows {
		p.Label = max(p.Label, charWidth*nameCells(g.Rows[r].Name)+12)
		if p.Big {
			p.Label = max(p.Label, 6*min(headChars+4, cells(line(g.Rows[r].Sub)))+12)
		}
	}
	beyond := 0
	for i, c := range columns {
		long := charWidth * nameCells(g.Columns[c].Name)
		p.Head = max(p.Head, long*slopeSin/100+20)
		beyond = max(beyond, long*slopeCos/100-p.Side/2-(len(columns)-1-i)*p.Side+10)
	}
	p.Head = max(p.Head, 34)
	p.Width, p.Height = p.Label+len(columns)*p.Side+max(2, beyond), p.Head+len(rows)*p.Tall+2
	for i, c := range columns {
		name := line(g.Columns[c].Name)
		p.Heads = append(p.Heads, gridHead{X: p.Label + i*p.Side + p.Side/2 - 3, Y: p.Head - 8, Name: middle(name, headChars), Tip: joined(name, g.Columns[c].Sub)})
	}
	for i, r := range rows {
		p.Lines = append(p.Lines, p.line(i, r, columns, g, at, anchors))
	}
	p.Summary = line(g.Title) + ": " + many(len(rows), "row") + " that open connections, " + many(len(columns), "column") + " that are reached"
	return p
}

// line lays one row out.
func (p *gridPicture) line(i, r int, columns []int, g *Grid, at map[[2]int]*GridCell, anchors map[*Way]string) gridLineView {
	name := line(g.Rows[r].Name)
	l := gridLineView{Y: p.Head + i*p.Tall, NameY: p.Tall/2 + 4, Name: middle(name, headChars), Tip: joined(name, g.Rows[r].Sub)}
	if sub := line(g.Rows[r].Sub); p.Big && sub != "" {
		l.Sub, l.NameY, l.SubY = middle(sub, headChars+4), p.Tall/2-1, p.Tall/2+13
	}
	for k, c := range columns {
		x := p.Label + k*p.Side
		v := gridCellView{Class: "none", X: x, MarkX: x + p.Side/2, MarkY: p.Tall / 2}
		if p.Big {
			v.MarkY, v.TextX, v.TextY = 18, x+p.Side/2, p.Tall-8
		}
		if one := at[[2]int{r, c}]; one != nil {
			v.Class, v.Anchor = one.Reach.class(), anchors[&one.Way]
			v.Tip = short(line(one.From), 40) + " to " + short(line(one.To), 40) + ": " + one.word()
			if on := one.onWords(); on != "" {
				v.Tip += " " + on
			}
			if says := line(one.Says); says != "" {
				v.Tip += "; " + says
			}
			if p.Big {
				v.Word, v.Tip = short(one.word(), wordChars), short(v.Tip, bigTitle)+reason(one)
			} else {
				v.Tip = short(v.Tip, smallTitle)
			}
		}
		l.Cells = append(l.Cells, v)
	}
	return l
}

// reason is why a connection is not open, for the cell's title.
func reason(c *GridCell) string {
	if b, _ := c.reasons(1); len(b) > 0 && c.Reach != ReachYes {
		return "; " + b[0]
	}
	return ""
}

// nameCells is how wide a name is drawn, in characters.
func nameCells(name string) int { return min(headChars, cells(line(name))) }

func joined(name, sub string) string {
	if sub = line(sub); sub != "" {
		return short(name, gridText) + ", " + short(sub, gridText)
	}
	return short(name, gridText)
}

// heaviest are the places of the n greatest weights, in their own order.
func heaviest(weights []int, n int) []int {
	out := make([]int, len(weights))
	for i := range out {
		out[i] = i
	}
	if len(out) > n {
		slices.SortStableFunc(out, func(a, b int) int { return cmp.Compare(weights[b], weights[a]) })
		out = out[:n]
		slices.Sort(out)
	}
	return out
}
