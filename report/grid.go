package report

import (
	"bytes"
	_ "embed" // the page's template and style
	"fmt"
	"html/template"
	"io"
	"time"
)

//go:embed page/grid.html.tmpl
var gridTemplate string

//go:embed page/grid.css
var gridStyle string

// Reach is what is known of a connection, and what an intent makes of it. A value
// that is none of these is shown as unknown.
type Reach string

// The answers, worst first.
const (
	// ReachViolated can be opened, and an intent forbids it.
	ReachViolated Reach = "violated"
	// ReachUnknown could not be told.
	ReachUnknown Reach = "unknown"
	// ReachBroken is meant or declared, and cannot be opened.
	ReachBroken Reach = "broken"
	// ReachYes can be opened, and no intent speaks of it.
	ReachYes Reach = "yes"
	// ReachIntended can be opened, and is meant to be.
	ReachIntended Reach = "intended"
	// ReachNo cannot be opened.
	ReachNo Reach = "no"
)

// Way is one connection, its answer and the path it takes.
type Way struct {
	From, To string
	Reach    Reach
	// Word is what the answer is called where it is shown; empty is the answer itself.
	Word string
	// Says is what an intent or a declaration makes of it, in a clause of its own.
	Says string
	// Ports can surely be reached, Perhaps perhaps; both as "tcp/443" or "all".
	Ports, Perhaps []string
	// Path is empty where nothing passes or none was found.
	Path []WayHop
	// Because says why a connection cannot be opened or could not be told.
	Because []string
}

// WayHop is one thing on a path, and its rule that lets the connection go on from it.
type WayHop struct{ Name, Rule string }

// Heading names a row or a column of a grid.
type Heading struct {
	Name string
	// Sub says more about it in a few words; may be empty.
	Sub string
}

// GridCell is the crossing of a row and a column, counted from 0.
type GridCell struct {
	Row, Column int
	Way
}

// Grid is who reaches what, as a table: rows open connections to columns. A crossing
// without a cell was not asked for.
type Grid struct {
	Title, Note   string
	Rows, Columns []Heading
	Cells         []GridCell
	// Empty is said where there are no cells.
	Empty string
}

// NetworkNote is a list of things that stand beside the grids, under a title.
type NetworkNote struct {
	Title string
	// Why says in a sentence what it means.
	Why   string
	Items []string
	// Bad: it alone keeps the answer from being good.
	Bad bool
}

// NetworkPage is what a page says about a network: grids, single ways, or both.
type NetworkPage struct {
	Estate string
	// Taken is when the estate was read; zero is not told.
	Taken time.Time
	// Version is of the tool that wrote the page.
	Version string
	// Headline sums it up in a sentence, Lead adds what matters next.
	Headline, Lead string
	Grids          []Grid
	// Ways are shown first and whatever their answer; those of the grids follow.
	Ways  []Way
	Notes []NetworkNote
	// Again is the command that wrote the page, without its format.
	Again string
}

// Bounds of the page. With them it stays below 2 MB for two full grids; what is left
// out is counted.
const (
	gridSide     = 60 // rows and columns of a grid, the worst of them
	gridWays     = 200
	gridRows     = 200 // of the table beside a grid, the worst of them
	gridBecause  = 5   // reasons of one way of a grid
	askedBecause = 30  // of one that was asked for
	gridItems    = 100
	gridHops     = 16
	// gridText is how many columns of text one value takes.
	gridText = 300
)

// Network writes the page: one self-contained file without a script, which asks
// nothing of any other host. Each grid and each path is a drawing with a table beside
// it that says the same in words.
func Network(w io.Writer, p *NetworkPage) error {
	t, err := template.New("network").Parse(gridTemplate)
	if err != nil {
		return fmt.Errorf("parse network template: %w", err)
	}
	var buf bytes.Buffer
	if err := t.Execute(&buf, newNetworkView(p)); err != nil {
		return fmt.Errorf("write network page: %w", err)
	}
	_, err = w.Write(harmless(buf.Bytes()))
	return err
}

// gridPolicy is the content security policy: nothing is loaded, sent or run, and only
// this very style acts.
func gridPolicy(style string) string {
	return fmt.Sprintf("default-src 'none'; style-src '%s'; img-src data:; base-uri 'none'; form-action 'none'", hashOf(style))
}
