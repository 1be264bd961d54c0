package report

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// Measures of a drawing in SVG user units.
const (
	boxWidth, boxHeight = 164, 42
	columnGap           = 79  // between five columns; fewer stand further apart
	columnGapMax        = 150 // as far as a line is still followed easily
	drawingWidth        = 5*boxWidth + 4*columnGap
	rowGap              = 20
	dummyHeight         = 10
	drawingTop          = 34
	labelHeight         = 13
)

// link is all relations between two boxes, drawn as one line.
type link struct {
	from, to *group
	names    []string
	count    int
	family   family
	observed bool
	last     bool     // both ends stand in the last of several columns
	via      []*group // the places between, left to right
}

// layout is a finished drawing.
type layout struct {
	groups        []*group
	links         []*link
	columns       []layoutColumn
	width, height int
	left, gap     int
}

type layoutColumn struct {
	x     int
	title string
	boxes []*group
}

// arrange lays a picture out in columns by kind. Lines that pass a column get a
// place in it, and each column is ordered by where its neighbours are (the
// barycentre method of Sugiyama, Tagawa and Toda 1981, four sweeps each way), so
// that lines cross little and run behind no box.
func arrange(p Picture, faults map[string]int) *layout {
	l := &layout{groups: groups(p, faults), left: p.Left}
	l.pack()
	l.connect(p.Edges)
	l.route()
	for range 4 {
		l.sweep(1)
		l.sweep(-1)
	}
	l.place()
	return l
}

// pack numbers the columns in use and fills them.
func (l *layout) pack() {
	at := map[int]int{}
	for c := range columnTitles {
		if slices.ContainsFunc(l.groups, func(g *group) bool { return g.col == c }) {
			at[c] = len(l.columns)
			l.columns = append(l.columns, layoutColumn{title: columnTitles[c]})
		}
	}
	for _, g := range l.groups {
		g.col = at[g.col]
		g.h = boxHeight
		l.columns[g.col].boxes = append(l.columns[g.col].boxes, g)
	}
}

// connect joins the relations between two boxes into one link each.
func (l *layout) connect(edges []PictureEdge) {
	of := map[string]*group{}
	for _, g := range l.groups {
		for _, n := range g.nodes {
			of[n.ID] = g
		}
	}
	byPair := map[[2]*group]*link{}
	for _, e := range edges {
		from, to := of[e.From], of[e.To]
		if from == nil || to == nil || from == to {
			continue
		}
		k := byPair[[2]*group{from, to}]
		if k == nil {
			k = &link{from: from, to: to, family: familyOf(e.Type), observed: true}
			byPair[[2]*group{from, to}] = k
			l.links = append(l.links, k)
		}
		k.count++
		k.observed = k.observed && e.Tier != "" && e.Tier != "declared"
		k.family = min(k.family, familyOf(e.Type))
		if name := strings.ReplaceAll(line(string(e.Type)), "-", " "); !slices.Contains(k.names, name) {
			k.names = append(k.names, name)
		}
	}
	for _, k := range l.links {
		slices.Sort(k.names)
	}
}

// route gives each link a place in every column it passes.
func (l *layout) route() {
	for _, k := range l.links {
		k.last = k.from.col == len(l.columns)-1 && len(l.columns) > 1
		lo, hi := k.from.col, k.to.col
		if lo > hi {
			lo, hi = hi, lo
		}
		for c := lo + 1; c < hi; c++ {
			d := &group{dummy: true, col: c, h: dummyHeight}
			l.columns[c].boxes = append(l.columns[c].boxes, d)
			k.via = append(k.via, d)
		}
	}
}

// sweep orders each column by the mean place of its neighbours in the column
// before it (direction 1) or after it (-1).
func (l *layout) sweep(direction int) {
	l.number()
	near := map[*group][]*group{}
	for _, k := range l.links {
		chain := k.chain()
		for i := 0; i+1 < len(chain); i++ {
			near[chain[i]] = append(near[chain[i]], chain[i+1])
			near[chain[i+1]] = append(near[chain[i+1]], chain[i])
		}
	}
	for i := range l.columns {
		c := i
		if direction < 0 {
			c = len(l.columns) - 1 - i
		}
		mean := map[*group]float64{}
		for _, g := range l.columns[c].boxes {
			sum, n := 0.0, 0
			for _, o := range near[g] {
				if o.col == c-direction {
					sum += (float64(o.row) + 0.5) / float64(len(l.columns[o.col].boxes))
					n++
				}
			}
			mean[g] = (float64(g.row) + 0.5) / float64(len(l.columns[c].boxes))
			if n > 0 {
				mean[g] = sum / float64(n)
			}
		}
		sort.SliceStable(l.columns[c].boxes, func(i, j int) bool {
			return mean[l.columns[c].boxes[i]] < mean[l.columns[c].boxes[j]]
		})
		for r, g := range l.columns[c].boxes {
			g.row = r
		}
	}
}

func (l *layout) number() {
	for _, c := range l.columns {
		for r, g := range c.boxes {
			g.row = r
		}
	}
}

// chain is the link's places from left to right.
func (k *link) chain() []*group {
	a, b := k.from, k.to
	if a.col > b.col {
		a, b = b, a
	}
	chain := append([]*group{a}, k.via...)
	return append(chain, b)
}

// place gives every box its coordinates; columns are centred on each other.
func (l *layout) place() {
	tallest := 0
	heights := make([]int, len(l.columns))
	for i, c := range l.columns {
		for _, g := range c.boxes {
			heights[i] += g.h + rowGap
		}
		tallest = max(tallest, heights[i])
	}
	l.gap = columnGap
	if n := len(l.columns); n > 1 {
		l.gap = min(columnGapMax, (drawingWidth-n*boxWidth)/(n-1))
	}
	for i := range l.columns {
		x := 1 + i*(boxWidth+l.gap)
		l.columns[i].x = x
		y := drawingTop + (tallest-heights[i])/2 + rowGap/2
		for _, g := range l.columns[i].boxes {
			g.x, g.y, g.w = x, y+g.h/2, boxWidth
			y += g.h + rowGap
		}
	}
	l.width = len(l.columns)*(boxWidth+l.gap) - l.gap + 8
	if len(l.columns) == 1 {
		l.width += l.gap // arcs and their names
	}
	l.width = max(l.width, boxWidth+8)
	l.height = drawingTop + tallest + 8
}

// path is the link's line in SVG path data, from its left end to its right one,
// and whether the arrow stands at the left end.
func (k *link) path(at map[*group]int) (d string, reversed bool) {
	chain := k.chain()
	a, b := chain[0], chain[len(chain)-1]
	reversed = a != k.from
	if a.col == b.col {
		x, side := k.side()
		bend := side * (26 + min(24, abs(a.y-b.y)/8))
		return fmt.Sprintf("M%d %dC%d %d %d %d %d %d", x, a.y+6, x+bend, a.y+6, x+bend, b.y-6, x, b.y-6), reversed
	}
	var s strings.Builder
	fmt.Fprintf(&s, "M%d %d", a.x+a.w, a.y+at[a])
	for i := 0; i+1 < len(chain); i++ {
		p, q := chain[i], chain[i+1]
		x0, y0, x1, y1 := p.x+p.w, p.y+at[p], q.x, q.y+at[q]
		if p.dummy {
			fmt.Fprintf(&s, "L%d %d", x0, y0)
		}
		mid := (x0 + x1) / 2
		fmt.Fprintf(&s, "C%d %d %d %d %d %d", mid, y0, mid, y1, x1, y1)
	}
	return s.String(), reversed
}

// side is where a line between two boxes of one column leaves them, and the
// direction it bends to: right, but from the last column left, where there is
// room.
func (k *link) side() (x, direction int) {
	if k.last {
		return k.from.x, -1
	}
	return k.from.x + k.from.w, 1
}

// label is where the link's name stands: in the first gap from its source.
func (k *link) label() (x, y int) {
	chain := k.chain()
	if k.from.col == k.to.col {
		a, b := chain[0], chain[1]
		x, side := k.side()
		return x + side*28, (a.y + b.y) / 2
	}
	p, q := chain[0], chain[1]
	if chain[0] != k.from {
		p, q = chain[len(chain)-2], chain[len(chain)-1]
	}
	return (p.x + p.w + q.x) / 2, (p.y+q.y)/2 - 4
}

// labelledEach is the most links of which each has its name; with more, a box
// says once what several of its lines mean, and line styles tell the rest.
const labelledEach = 14

// labels finds a free place near its line for each link's name; where there is
// none the name is left to the list below the drawing.
func (l *layout) labels() map[*link][2]int {
	places := map[*link][2]int{}
	ordered := slices.Clone(l.links)
	slices.SortStableFunc(ordered, func(a, b *link) int { return cmp.Compare(b.from.faults+b.to.faults, a.from.faults+a.to.faults) })
	type said struct {
		from *group
		text string
	}
	told := map[said]bool{}
	for _, k := range ordered {
		key := said{k.from, labelText(k.names)}
		if len(l.links) > labelledEach && told[key] {
			continue
		}
		told[key] = true
		x, y := k.label()
		half := labelWidth(k.names) / 2
		for _, shift := range []int{0, -labelHeight, labelHeight, -2 * labelHeight, 2 * labelHeight} {
			if !l.taken(places, x, y+shift, half) {
				places[k] = [2]int{x, y + shift}
				break
			}
		}
	}
	return places
}

func (l *layout) taken(places map[*link][2]int, x, y, half int) bool {
	for k, p := range places {
		if abs(p[1]-y) < labelHeight && abs(p[0]-x) < half+labelWidth(k.names)/2+4 {
			return true
		}
	}
	return false
}

// labelText is a link's name as it fits between two columns.
func labelText(names []string) string {
	s := strings.Join(names, ", ")
	if len(s) > 15 && len(names) > 1 {
		s = fmt.Sprintf("%s +%d", names[0], len(names)-1)
	}
	return short(s, 15)
}

// labelWidth estimates the width of a link's name.
func labelWidth(names []string) int { return 6 * len(labelText(names)) }

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

// sortLinks orders links by the key given, ties as they were.
func sortLinks(links []*link, key func(*link) int) {
	slices.SortStableFunc(links, func(a, b *link) int { return cmp.Compare(key(a), key(b)) })
}
