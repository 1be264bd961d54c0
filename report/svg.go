package report

import (
	"fmt"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
)

// svgView is a laid out drawing as the page's template takes it.
type svgView struct {
	Of            string
	Name          string // makes the ids of this drawing's parts unique on the page
	Width, Height int
	Summary       string
	Columns       []svgText
	Lines         []svgLine
	Labels        []svgText
	Boxes         []svgBox
	Families      []svgFamily
	Rows          []svgRow
	Left          string // what was left out, in words
	RowsLeft      int
}

type svgText struct {
	X, Y int
	Text string
}

type svgLine struct {
	Class, D, Tip, Marker string
	AtStart               bool
}

type svgBox struct {
	Class, Name, Sub, Tip, Faults string
	X, Y, W, H                    int
	// positions of what stands inside
	TextX, NameY, SubY                     int
	BadgeX, BadgeY, BadgeW, FaultX, FaultY int
}

type svgFamily struct{ Class, Title string }

// svgRow is one relation in words, for whoever does not see the drawing.
type svgRow struct{ From, Relation, To string }

// picture lays a picture out for the page; faults are the failing findings by
// asset.
func picture(name, of string, p Picture, faults map[string]int) *svgView {
	if len(p.Nodes) == 0 {
		return nil
	}
	l := arrange(p, faults)
	v := &svgView{Of: orNone(of, "the workload"), Name: name, Width: l.width, Height: l.height}
	for _, c := range l.columns {
		v.Columns = append(v.Columns, svgText{c.x + 2, 14, c.title})
	}
	v.lines(l)
	faulty := 0
	for _, c := range l.columns {
		for _, g := range c.boxes {
			if !g.dummy {
				v.Boxes = append(v.Boxes, box(g))
			}
			if g.faults > 0 {
				faulty += len(g.nodes)
			}
		}
	}
	v.Summary = fmt.Sprintf("%s and what it touches: %s, %s, %s with findings", orNone(of, "the workload"), many(len(p.Nodes), "asset"), many(len(p.Edges), "relation"), many(faulty, "asset"))
	if p.Left > 0 {
		v.Left = many(p.Left, "more asset") + " not drawn; sevenfold inventory lists them."
	}
	return v
}

// rowsShown bounds the relations listed in words below a drawing.
const rowsShown = 60

func (v *svgView) lines(l *layout) {
	places := l.labels()
	used := [len(families)]bool{}
	lanes := l.lanes()
	for _, k := range l.links {
		d, reversed := k.path(lanes[k])
		class := families[k.family].Class
		if k.observed {
			class += " seen"
		}
		used[k.family] = true
		text := strings.Join(k.names, ", ")
		row := svgRow{box(k.from).Name, text, box(k.to).Name}
		v.Lines = append(v.Lines, svgLine{Class: class, D: d, Tip: row.From + " " + text + " " + row.To, Marker: families[k.family].Class, AtStart: reversed})
		if p, ok := places[k]; ok {
			v.Labels = append(v.Labels, svgText{p[0], p[1], labelText(k.names)})
		}
		if len(v.Rows) == rowsShown {
			v.RowsLeft++
			continue
		}
		v.Rows = append(v.Rows, row)
	}
	for i, f := range families {
		if used[i] {
			v.Families = append(v.Families, svgFamily{f.Class, f.Title})
		}
	}
}

// lanes spread the lines that start or end at one side of a box over its
// height, so that they can be told apart.
func (l *layout) lanes() map[*link]map[*group]int {
	type side struct {
		g     *group
		right bool
	}
	at := map[side][]*link{}
	for _, k := range l.links {
		if k.from.col == k.to.col {
			continue
		}
		chain := k.chain()
		first, last := chain[0], chain[len(chain)-1]
		at[side{first, true}] = append(at[side{first, true}], k)
		at[side{last, false}] = append(at[side{last, false}], k)
	}
	out := map[*link]map[*group]int{}
	for s, links := range at {
		other := func(k *link) int {
			chain := k.chain()
			if s.right {
				return chain[1].y
			}
			return chain[len(chain)-2].y
		}
		sortLinks(links, other)
		for i, k := range links {
			if out[k] == nil {
				out[k] = map[*group]int{}
			}
			room := boxHeight - 16
			step := min(9, room/max(1, len(links)-1))
			out[k][s.g] = i*step - step*(len(links)-1)/2
		}
	}
	return out
}

// boxChars is how many characters of a name fit in a box.
const boxChars = 18

func box(g *group) svgBox {
	n := g.nodes[0]
	b := svgBox{X: g.x, Y: g.y - g.h/2, W: boxWidth, H: g.h, TextX: g.x + 12, NameY: g.y - 3, SubY: g.y + 12}
	b.Name = middle(nodeName(n), boxChars)
	b.Sub = shortType(n.Type)
	b.Tip = line(n.ID)
	if len(g.nodes) > 1 {
		b.Name = fmt.Sprintf("%s × %s", number(len(g.nodes)), shortType(n.Type))
		b.Sub = sameType(g.nodes)
		names := make([]string, 0, 6)
		for i, n := range g.nodes {
			if i == 5 {
				names = append(names, "…")
				break
			}
			names = append(names, nodeName(n))
		}
		b.Tip = strings.Join(names, ", ")
	}
	b.Name, b.Sub = short(b.Name, boxChars), short(b.Sub, boxChars+6)
	classes := []string{"box"}
	for _, c := range []struct {
		on   bool
		name string
	}{{n.Root, "root"}, {n.Member, "member"}, {g.faults > 0, "faulty"}, {n.Unread, "unread"}, {len(g.nodes) > 1, "several"}} {
		if c.on {
			classes = append(classes, c.name)
		}
	}
	b.Class = strings.Join(classes, " ")
	if g.faults > 0 {
		b.Faults = number(g.faults)
		b.BadgeW = 9 + 7*len(b.Faults)
		b.BadgeX, b.BadgeY = g.x+boxWidth-b.BadgeW+5, b.Y-7
		b.FaultX, b.FaultY = b.BadgeX+b.BadgeW/2, b.BadgeY+12
	}
	return b
}

// sameType says what the assets of one box are, when they are several kinds.
func sameType(nodes []PictureNode) string {
	types := map[string]bool{}
	for _, n := range nodes {
		types[n.Type] = true
	}
	if len(types) > 1 {
		return "and " + many(len(types)-1, "like type")
	}
	if nodes[0].Member {
		return "parts of the workload"
	}
	return "touched by it"
}

func nodeName(n PictureNode) string {
	if s := line(n.Name); s != "" && !strings.HasPrefix(s, "arn:") {
		return s
	}
	return lastPart(line(n.ID))
}

// shortType drops what every type of a provider begins with: "S3 Bucket",
// "Deployment".
func shortType(t string) string {
	t = line(t)
	if t == estate.SetType {
		return "set"
	}
	if rest, ok := strings.CutPrefix(t, "AWS::"); ok {
		return strings.TrimSpace(strings.ReplaceAll(rest, "::", " "))
	}
	if i := strings.LastIndexByte(t, '/'); i >= 0 && i+1 < len(t) {
		return t[i+1:]
	}
	return orNone(t, "unknown type")
}

// faultsByAsset counts failing findings by asset.
func faultsByAsset(findings []finding.Finding) map[string]int {
	out := map[string]int{}
	for i := range findings {
		if f := &findings[i]; f.Status == finding.Fail && f.Waiver == nil {
			out[f.Asset]++
		}
	}
	return out
}
