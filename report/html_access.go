package report

import (
	"cmp"
	"slices"
	"strings"
)

// accessTop is how many principals of a workload the page names.
const accessTop = 10

// accessView is who direct policy names for a workload's assets.
type accessView struct {
	Summary string // counts by class, and what may name others
	Top     []accessRow
	Left    int
}

type accessRow struct{ Principal, Class, Assets, Via string }

// classes are those of a principal, widest reach first.
var classes = []string{"everyone", "account", "group", "person", "user", "machine", "service"}

func classOrder(c string) int {
	if i := slices.Index(classes, c); i >= 0 {
		return i
	}
	return len(classes)
}

// named is one principal over all assets of a workload.
type named struct {
	principal, class, via string
	assets                map[string]bool
	ways                  int
	unconditional         bool
}

// accessViews sums access up by workload.
func accessViews(entries []Access) map[string]*accessView {
	byWorkload := map[string]map[string]*named{}
	unread := map[string][]string{}
	for _, e := range entries {
		unread[e.Workload] = append(unread[e.Workload], e.Unread...)
		of := byWorkload[e.Workload]
		if of == nil {
			of = map[string]*named{}
			byWorkload[e.Workload] = of
		}
		for _, g := range e.Grants {
			n := of[g.Principal]
			if n == nil {
				n = &named{principal: g.Principal, class: g.Class, via: g.Via, assets: map[string]bool{}}
				of[g.Principal] = n
			}
			n.assets[e.Asset] = true
			n.ways++
			n.unconditional = n.unconditional || !g.Conditional
		}
	}
	out := make(map[string]*accessView, len(byWorkload))
	for w, of := range byWorkload {
		out[w] = summed(of)
		out[w].Summary += perhaps(unread[w])
	}
	return out
}

// perhaps says that the names may not be all.
func perhaps(unread []string) string {
	if len(unread) == 0 {
		return ""
	}
	slices.Sort(unread)
	unread = slices.Compact(unread)
	s := "; perhaps others: " + line(unread[0])
	if len(unread) > 1 {
		s += ", and " + many(len(unread)-1, "more reason")
	}
	return s
}

func summed(of map[string]*named) *accessView {
	all := make([]*named, 0, len(of))
	count := map[string]int{}
	for _, n := range of {
		all = append(all, n)
		count[n.class]++
	}
	slices.SortFunc(all, func(a, b *named) int {
		return cmp.Or(cmp.Compare(classOrder(a.class), classOrder(b.class)), cmp.Compare(len(b.assets), len(a.assets)), cmp.Compare(a.principal, b.principal))
	})
	v := &accessView{Summary: "nobody, in the policies that were read"}
	var parts []string
	for _, n := range all {
		c := n.class
		if count[c] == 0 {
			continue
		}
		switch {
		case c == "everyone":
			parts = append(parts, "everyone")
		case c == "person" && count[c] > 1:
			parts = append(parts, number(count[c])+" people")
		default:
			parts = append(parts, many(count[c], orNone(c, "unknown class")))
		}
		count[c] = 0
	}
	if len(parts) > 0 {
		v.Summary = line(strings.Join(parts, ", "))
	}
	top, left := bounded(all, accessTop)
	v.Left = left
	for _, n := range top {
		via := line(n.via)
		if n.ways > 1 {
			via += " and " + many(n.ways-1, "more way")
		}
		if !n.unconditional {
			via += " (with conditions)"
		}
		v.Top = append(v.Top, accessRow{line(n.principal), line(n.class), many(len(n.assets), "asset"), via})
	}
	return v
}
