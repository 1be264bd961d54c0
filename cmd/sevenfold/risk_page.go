package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/report"
	"github.com/sevenfold-sec/sevenfold/risk"
)

// waysPage writes the attack paths as a page: each drawn, and told in words beside.
func waysPage(out io.Writer, ways *risk.Ways, estate string, taken time.Time) error {
	p := &report.NetworkPage{Estate: estate, Taken: taken, Version: version, Again: "sevenfold risk paths"}
	switch {
	case ways.Targets == 0:
		p.Headline = "Nothing that matters is known."
	case ways.Reached == 0 && len(ways.Blind) > 0:
		p.Headline = fmt.Sprintf("No way is known to any of %d things that matter, but not all was read.", ways.Targets)
	case ways.Reached == 0:
		p.Headline = fmt.Sprintf("No entry leads to any of %d things that matter.", ways.Targets)
	default:
		p.Headline = fmt.Sprintf("%d of %d things that matter can be come by from outside.", ways.Reached, ways.Targets)
		if len(ways.Chokes) > 0 {
			p.Lead = fmt.Sprintf("%s would leave %d of them.", count(len(ways.Chokes), "fix", "fixes"), ways.Remaining)
		}
	}
	fixes := report.NetworkNote{Title: "What cuts the most", Why: "Each is reckoned after those before it, on a copy of the graph without it."}
	for _, c := range ways.Chokes {
		item := fmt.Sprintf("closes %s: %s", things(c.Cuts), c.Text)
		if c.Finding != "" {
			item += " (" + c.Finding + effortWords(c.Effort) + ")"
		}
		fixes.Items = append(fixes.Items, item)
	}
	if len(fixes.Items) > 0 {
		p.Notes = append(p.Notes, fixes)
	}
	if len(ways.Blind) > 0 {
		p.Notes = append(p.Notes, report.NetworkNote{Title: "Not read", Why: "There may be more ways through these.", Items: ways.Blind, Bad: true})
	}
	for i := range ways.Paths {
		p.Ways = append(p.Ways, wayOf(&ways.Paths[i]))
	}
	return report.Network(out, p)
}

// wayOf draws one path.
func wayOf(path *risk.Path) report.Way {
	w := report.Way{From: path.Hops[0].From, To: path.Target, Reach: report.ReachViolated, Word: fmt.Sprintf("risk %d", path.Score), Says: path.Class + ": " + path.Because}
	w.Path = append(w.Path, report.WayHop{Name: path.Hops[0].From, Rule: path.Why})
	for i, h := range path.Hops {
		hop := report.WayHop{Name: h.To}
		if i+1 < len(path.Hops) {
			next := path.Hops[i+1]
			marks := []string{next.Difficulty}
			if next.Technique != "" {
				marks = append(marks, next.Technique)
			}
			hop.Rule = next.Words + " (" + strings.Join(marks, ", ") + ")"
		}
		w.Path = append(w.Path, hop)
	}
	return w
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
