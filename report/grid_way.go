package report

import (
	"fmt"
	"strings"
)

// Sizes of a path's drawing, in pixels: boxes below each other, so that it is read on
// a telephone as on a screen, with the rules beside the arrows.
const (
	wayWidth    = 360
	wayBox      = 34 // height of a box
	wayStem     = 22 // where the arrows run, from the left
	wayChars    = 40 // of a name in its box
	ruleChars   = 48 // of a line of a rule
	ruleLines   = 4
	ruleHeight  = 14
	wayLeast    = 26 // height of an arrow without a rule
	wayMarked   = 40 // height of one that a mark stands on
	wayBlocking = 3  // reasons drawn where nothing passes
)

// wayView is one way: the drawing and the table that says the same.
type wayView struct {
	Anchor, From, To, Class, Word, On, Says string
	Picture                                 *wayPicture
	Steps                                   []wayStep
	StepsLeft                               int
	Because                                 []string
	BecauseLeft                             int
}

// wayStep is one thing on a path, in words.
type wayStep struct {
	Number           int
	Name, Kind, Rule string
}

// wayPicture is a path as the template draws it.
type wayPicture struct {
	Width, Height int
	Summary       string
	Boxes         []wayBoxView
	Arrows        []wayArrow
}

type wayBoxView struct {
	Class, Name, Kind, Tip string
	Y, TextY               int
}

// wayArrow leads from one box to the next; a mark stands on it where nothing passes
// or it is not known whether anything does.
type wayArrow struct {
	Class, D, Head, Tip string
	Mark                string
	MarkY               int
	Texts               []svgText
}

// newWayView draws a way and writes it down, with the first of its reasons.
func newWayView(anchor string, w *Way, because int) wayView {
	v := wayView{Anchor: anchor, From: gridLine(w.From), To: gridLine(w.To), Class: w.Reach.class(), Word: w.word(), On: w.onWords(), Says: gridLine(w.Says)}
	v.Because, v.BecauseLeft = w.reasons(because)
	hops, left := bounded(w.Path, gridHops)
	v.StepsLeft = left
	for i, h := range hops {
		v.Steps = append(v.Steps, wayStep{i + 1, gridLine(h.Name), kindOf(line(h.Name)), gridLine(h.Rule)})
	}
	v.Picture = v.draw(w)
	return v
}

// draw lays the path out; where there is none, the two ends and what is between them.
func (v *wayView) draw(w *Way) *wayPicture {
	p := &wayPicture{Width: wayWidth, Summary: v.From + " to " + v.To + ": " + v.Word}
	arrow := "open"
	switch v.Class {
	case string(ReachViolated):
		arrow = "against"
	case string(ReachUnknown):
		arrow = "unsure"
	case string(ReachNo), string(ReachBroken):
		arrow = "shut"
	}
	if len(v.Steps) == 0 {
		p.box("stop end", v.From, "")
		p.arrow(arrow, v.between(w), true)
		class := "stop end"
		if arrow != "open" && arrow != "against" {
			class += " off"
		}
		p.box(class, v.To, "")
		p.Height += 2
		return p
	}
	for i, s := range v.Steps {
		class := "stop"
		if i == 0 || i == len(v.Steps)-1 && v.StepsLeft == 0 {
			class = "stop end"
		}
		p.box(class, s.Name, s.Kind)
		var rules []string
		if s.Rule != "" {
			rules = []string{s.Rule}
		}
		if i < len(v.Steps)-1 {
			p.arrow(arrow, rules, true)
		} else if len(rules) > 0 {
			p.arrow(arrow, rules, false)
		}
	}
	if v.StepsLeft > 0 {
		p.arrow(arrow, []string{many(v.StepsLeft, "more step") + " not drawn"}, true)
		p.box("stop end", v.To, "")
	}
	p.Height += 2
	return p
}

// between is what stands beside the arrow where no path is known.
func (v *wayView) between(w *Way) []string {
	out, left := w.reasons(wayBlocking)
	if left > 0 {
		out = append(out, "and "+number(left)+" more, beside")
	}
	if len(out) == 0 {
		out = []string{"no path was written down"}
	}
	return out
}

// box sets a box below what is drawn so far; a name that is cut stands whole in its
// title.
func (p *wayPicture) box(class, name, kind string) {
	b := wayBoxView{Class: class, Name: middle(name, wayChars), Y: p.Height}
	if b.Name != name {
		b.Tip = name
	}
	if kind != "" && cells(b.Name)+cells(kind) < wayChars+2 {
		b.Kind = kind
	}
	b.TextY = b.Y + wayBox/2 + 5
	p.Boxes = append(p.Boxes, b)
	p.Height += wayBox + 1
}

// arrow leads on from the last box, as tall as the texts beside it need; without a
// head only the texts are set.
func (p *wayPicture) arrow(class string, texts []string, head bool) {
	a := wayArrow{Class: class}
	y := p.Height + 8
	for _, t := range texts {
		lines := folded(t, ruleChars, ruleLines)
		if n := len(lines); n > 0 && strings.HasSuffix(lines[n-1], "…") {
			a.Tip = strings.TrimPrefix(a.Tip+"; "+t, "; ") // what is cut stands whole in the title
		}
		for _, l := range lines {
			y += ruleHeight
			a.Texts = append(a.Texts, svgText{wayStem + 18, y - 3, l})
		}
		y += 2
	}
	tall := max(wayLeast, y-p.Height+6)
	if class == "shut" || class == "unsure" {
		tall = max(tall, wayMarked)
	}
	if head {
		a.D = fmt.Sprintf("M%d %dV%d", wayStem, p.Height+1, p.Height+tall-7)
		a.Head = fmt.Sprintf("M%d %dh10l-5 8z", wayStem-5, p.Height+tall-8)
		if class == "shut" || class == "unsure" {
			a.Mark, a.MarkY = class, p.Height+tall/2-4
		}
	}
	p.Arrows = append(p.Arrows, a)
	p.Height += tall
}

// folded breaks s into at most most lines of n columns, also within a word that is
// longer than a line; the rest is an ellipsis.
func folded(s string, n, most int) []string {
	var words []string
	for _, w := range strings.Fields(s) {
		for cells(w) > n {
			part := take(w, n)
			if part == "" {
				break
			}
			words, w = append(words, part), w[len(part):]
		}
		words = append(words, w)
	}
	lines := wrap(strings.Join(words, " "), n)
	if len(lines) > most {
		lines = append(lines[:most-1:most-1], short(lines[most-1], n-1)+"…")
	}
	return lines
}

// kinds are what the beginnings of the provider's ids stand for, longest first.
var kinds = []struct{ prefix, kind string }{
	{"tgw-attach-", "transit gateway attachment"}, {"tgw-rtb-", "transit gateway route table"}, {"tgw-", "transit gateway"}, {"vpce-svc-", "endpoint service"},
	{"vpce-", "VPC endpoint"}, {"vpc-", "VPC"}, {"subnet-", "subnet"}, {"eni-", "network interface"}, {"sg-", "security group"}, {"rtb-", "route table"},
	{"eigw-", "egress-only internet gateway"}, {"igw-", "internet gateway"}, {"nat-", "NAT gateway"}, {"pcx-", "VPC peering"}, {"acl-", "network ACL"},
	{"pl-", "prefix list"}, {"vgw-", "VPN gateway"}, {"i-", "instance"},
}

// kindOf says what a thing on a path is, where its id tells.
func kindOf(name string) string {
	for _, k := range kinds {
		if rest, ok := strings.CutPrefix(name, k.prefix); ok && rest != "" && !strings.ContainsAny(rest, " /:") && strings.Trim(rest, "0123456789abcdef-") == "" {
			return k.kind
		}
	}
	return ""
}
