package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// blindGroup is blind spots with one cause: all that a service answered alike,
// else all that the same thing would end.
type blindGroup struct {
	Head  string
	Why   string // of the first
	Hint  string // what would end all of them
	Count int
	// Top are the most frequent members in words; Left counts the others.
	Top      []string
	Left     int
	Criteria []string
}

// blindTop is how many members of a group are named.
const blindTop = 5

// gathering is a group under way.
type gathering struct {
	first    BlindSpot
	count    int
	members  *counter
	grants   *counter
	hints    []string
	criteria []string
}

// blindGroups joins blind spots by service and status, those without a service
// by what would end them, cheapest first.
func blindGroups(spots []BlindSpot) []blindGroup {
	byKey := map[[3]string]*gathering{}
	var order []*gathering
	for _, b := range spots {
		key := [3]string{b.Service, b.Status}
		switch {
		case b.Service != "":
		case b.Hint != "":
			key = [3]string{"", "", b.Hint}
		default:
			key = [3]string{"", b.Why}
		}
		g := byKey[key]
		if g == nil {
			g = &gathering{first: b, members: newCounter(), grants: newCounter()}
			byKey[key] = g
			order = append(order, g)
		}
		g.add(b)
	}
	groups := make([]blindGroup, 0, len(order))
	for _, g := range order {
		groups = append(groups, g.group())
	}
	slices.SortStableFunc(groups, func(a, b blindGroup) int {
		return cmp.Or(cmp.Compare(cost(a.Hint), cost(b.Hint)), cmp.Compare(len(b.Criteria), len(a.Criteria)), cmp.Compare(b.Count, a.Count))
	})
	return groups
}

func (g *gathering) add(b BlindSpot) {
	g.count++
	if b.Service == "" {
		g.members.add("", b.What)
	} else {
		g.members.add("", b.Operation)
	}
	if m := grantHint.FindStringSubmatch(b.Hint); m != nil {
		g.grants.add("", strings.Split(m[1], ", ")...)
	} else if b.Hint != "" && !slices.Contains(g.hints, b.Hint) {
		g.hints = append(g.hints, b.Hint)
	}
	for _, c := range b.Criteria {
		if !slices.Contains(g.criteria, c) {
			g.criteria = append(g.criteria, c)
		}
	}
}

// group is the gathering in words.
func (g *gathering) group() blindGroup {
	out := blindGroup{Head: g.first.What, Why: g.first.Why, Count: g.count, Criteria: g.criteria}
	slices.Sort(out.Criteria)
	var hints []string
	if names := g.grants.ranked(); len(names) > 0 {
		hints = append(hints, "grant "+someOf(names, grantsNamed))
	}
	if len(g.hints) > 2 {
		g.hints = append(g.hints[:2:2], fmt.Sprintf("and %s more", number(len(g.hints)-2)))
	}
	out.Hint = strings.Join(append(hints, g.hints...), "; ")
	if g.count == 1 {
		return out
	}
	names := g.members.ranked()
	if g.first.Service != "" {
		out.Head = fmt.Sprintf("%s: %s %s", g.first.Service, many(g.count, "read"), g.first.Status)
		out.Why = "for example " + g.first.What + ": " + g.first.Why
	} else {
		out.Head = many(g.count, "blind spot") + " with one remedy"
		if g.first.Hint == "" {
			out.Head = many(g.count, "blind spot") + " with one cause"
		}
	}
	top, left := bounded(names, blindTop)
	out.Left = left
	for _, n := range top {
		if c := g.members.count[n]; c > 1 {
			n += " (" + number(c) + ")"
		}
		out.Top = append(out.Top, n)
	}
	return out
}

// top names a group's most frequent members.
func (g blindGroup) top() string {
	s := strings.Join(g.Top, ", ")
	if g.Left > 0 {
		s += fmt.Sprintf(" and %s more", number(g.Left))
	}
	return line(s)
}
