package report

import (
	"bytes"
	"fmt"
	"html/template"
	"io"
)

// drawingView is the drawings of a page alone, one below the other, as one SVG.
type drawingView struct {
	Style           template.CSS
	Headline, Stamp string
	Width, Height   int
	Cells           []string
	Parts           []drawingPart
}

// drawingPart is one drawing at its place: a grid with its legend, or a path.
type drawingPart struct {
	Title                    string
	TitleY, Y, Width, Height int
	Grid                     *gridPicture
	Way                      *wayPicture
	Marks                    []drawingMark
}

type drawingMark struct {
	Class, Title string
	Y            int
}

// Space around drawings, in pixels.
const (
	drawingEdge   = 24
	drawingHead   = 84
	drawingGap    = 36
	drawingLegend = 22
	drawingLeast  = 760 // as wide as a headline wants
)

// drawingStyle styles what a page's body styles otherwise.
const drawingStyle = `
.alone{font-family:var(--sans);font-variant-numeric:tabular-nums}.paper{fill:var(--bg)}
.alone text{fill:var(--ink)}.alone .sub,.alone .axis,.alone .kd{fill:var(--mid);font-size:12px}.alone .head{font:400 24px var(--serif)}
.alone .c text{fill:currentColor}.alone .nm{font-size:13px}`

// NetworkDrawing writes the drawings of a page as one SVG that stands alone: the grids
// or, where something was asked by name, its path. It says in words what the page's
// headline says; what else stands beside the drawings is the page's. An error is the
// writer's.
func NetworkDrawing(w io.Writer, p *NetworkPage) error {
	t, err := template.New("network").Parse(gridTemplate)
	if err != nil {
		return fmt.Errorf("parse network template: %w", err)
	}
	var buf bytes.Buffer
	if err := t.ExecuteTemplate(&buf, "drawing", newDrawingView(p)); err != nil {
		return fmt.Errorf("write network drawing: %w", err)
	}
	_, err = w.Write(bytes.Map(xmlRune, harmless(buf.Bytes())))
	return err
}

// xmlRune replaces what no XML document may hold; what steers is gone before.
func xmlRune(r rune) rune {
	if r == 0xfffe || r == 0xffff {
		return 0xfffd
	}
	return r
}

func newDrawingView(p *NetworkPage) *drawingView {
	page := newNetworkView(p)
	v := &drawingView{Style: page.Style + drawingStyle, Headline: short(page.Headline, gridText), Cells: page.Cells, Width: drawingLeast, Height: drawingHead}
	v.Stamp = page.Estate
	if page.Taken != "" {
		v.Stamp += ", read " + page.Taken
	}
	for i := range page.Asked {
		pic := page.Asked[i].Picture
		v.add(drawingPart{Way: pic, Width: pic.Width, Height: pic.Height})
	}
	for i := range p.Grids {
		g := newGridView("", &p.Grids[i], nil) // alone there is nothing to lead to
		if g.Picture == nil {
			continue
		}
		part := drawingPart{Title: g.Title, Grid: g.Picture, Width: g.Picture.Width, Height: g.Picture.Height}
		for _, m := range g.Marks {
			part.Marks = append(part.Marks, drawingMark{Class: m.Class, Title: m.Title})
		}
		v.add(part)
	}
	return v
}

// add puts a drawing below those before it.
func (v *drawingView) add(part drawingPart) {
	if part.Title != "" {
		part.TitleY = v.Height
		v.Height += drawingEdge / 2
	}
	part.Y = v.Height
	v.Height += part.Height + drawingEdge/2
	for i := range part.Marks {
		v.Height += drawingLegend
		part.Marks[i].Y = v.Height - drawingLegend/2
	}
	v.Height += drawingGap
	v.Width = max(v.Width, part.Width+2*drawingEdge)
	v.Parts = append(v.Parts, part)
}
