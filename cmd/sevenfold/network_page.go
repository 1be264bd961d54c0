package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/sevenfold-sec/sevenfold/report"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/network"
)

// matrixPage is both tables as a page.
func matrixPage(t *network.Table, w *network.World, s *scope.Scope) *report.NetworkPage {
	p := &report.NetworkPage{Estate: s.Estate, Taken: w.Taken(), Version: version, Again: "sevenfold network matrix"}
	p.Headline, p.Lead = zonesSummed(t.Zones)
	p.Grids = []report.Grid{zoneGrid(t.Zones)}
	if len(t.Workloads) > 0 && len(t.Stores) > 0 {
		p.Grids = append(p.Grids, storeGrid(t))
	}
	p.Notes = zoneNotes(t.Zones)
	return p
}

// answerPage is one answer as a page; port is what --port asked for, or empty.
func answerPage(a network.Answer, port string, w *network.World, s *scope.Scope) *report.NetworkPage {
	on, flag := "", ""
	if port != "" {
		on, flag = " on "+printable(port), " --port "+shellWord(port)
	}
	p := &report.NetworkPage{Estate: s.Estate, Taken: w.Taken(), Version: version, Again: "sevenfold network can " + shellWord(a.From) + " " + shellWord(a.To) + flag}
	switch a.Reachable {
	case "yes":
		p.Headline = fmt.Sprintf("Yes: %s reaches %s.", printable(a.From), printable(a.To)+on)
	case "no":
		p.Headline = fmt.Sprintf("No: %s cannot reach %s.", printable(a.From), printable(a.To)+on)
		p.Lead = "Every way between them is shut; what shuts it is named below."
	default:
		p.Headline = fmt.Sprintf("Not known whether %s reaches %s.", printable(a.From), printable(a.To)+on)
		p.Lead = "Unknown is not called safe; what would settle it is named below."
	}
	p.Ways = []report.Way{{From: a.From, To: a.To, Reach: reachOf(a.Reachable, ""), Ports: a.Ports, Perhaps: a.Perhaps, Path: hopsOf(a.Path), Because: a.Because}}
	return p
}

// drawn writes a page as a page or, as SVG, its drawings alone; false for a format that
// is neither.
func (g *globals) drawn(out io.Writer, page func() *report.NetworkPage) (bool, error) {
	switch g.format {
	case "html":
		return true, report.Network(out, page())
	case "svg":
		return true, report.NetworkDrawing(out, page())
	}
	return false, nil
}

// shellWord is a name as it is typed on a command line.
func shellWord(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:@", r))
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(printable(s), "'", `'\''`) + "'"
}

// reachOf is the page's word for an answer and what an intent makes of it. What is
// not surely yes or no is unknown, whatever an intent says.
func reachOf(reachable, verdict string) report.Reach {
	switch {
	case verdict == "violated":
		return report.ReachViolated
	case verdict == "broken":
		return report.ReachBroken
	case reachable == "no":
		return report.ReachNo
	case reachable != "yes" || verdict == "unknown":
		return report.ReachUnknown
	case verdict == "intended" || verdict == "declared":
		return report.ReachIntended
	}
	return report.ReachYes
}

func hopsOf(path []network.Hop) []report.WayHop {
	out := make([]report.WayHop, 0, len(path))
	for _, h := range path {
		out = append(out, report.WayHop{Name: h.Name, Rule: h.Rule})
	}
	return out
}

// zonesSummed is the headline of the zones, and what matters next.
func zonesSummed(z *network.Zones) (headline, lead string) {
	violated, unknown, open := 0, 0, 0
	for _, c := range z.Crossings {
		switch reachOf(c.Reachable, c.Verdict) {
		case report.ReachViolated:
			violated++
		case report.ReachUnknown:
			unknown++
		case report.ReachYes:
			open++
		}
	}
	all := len(z.Crossings)
	var next []string
	switch {
	case all == 0:
		return "No zone opens a connection to another.", "Nothing that was read stands in a network and in a zone that another could reach; sevenfold.yaml says what belongs to which zone."
	case violated > 0:
		headline = fmt.Sprintf("%d of %d crossings between zones %s an intent.", violated, all, map[bool]string{true: "breaks", false: "break"}[violated == 1])
	case unknown > 0:
		headline = fmt.Sprintf("%d of %d crossings between zones could not be told.", unknown, all)
	case len(z.Undecided) > 0:
		headline = fmt.Sprintf("No crossing breaks an intent, of the zones that are known: of %s it is not.", things(len(z.Undecided)))
	case z.Exit() != 0:
		headline = "No crossing breaks an intent, but zones share addresses that must not."
	default:
		headline = fmt.Sprintf("None of %d crossings between zones breaks an intent.", all)
	}
	if violated > 0 && unknown > 0 {
		next = append(next, fmt.Sprintf("%d could not be told: unknown is not called safe.", unknown))
	}
	if open > 0 {
		next = append(next, fmt.Sprintf("%d can be opened, and no intent speaks of %s.", open, map[bool]string{true: "it", false: "them"}[open == 1]))
	}
	for _, o := range z.Overlaps {
		next = append(next, fmt.Sprintf("Zones %s and %s share addresses.", o.Zones[0], o.Zones[1]))
	}
	return headline, strings.Join(next, " ")
}

// things counts things.
func things(n int) string {
	if n == 1 {
		return "1 thing"
	}
	return fmt.Sprintf("%d things", n)
}

// zoneGrid is the table of zones by zones, with the internet among them.
func zoneGrid(z *network.Zones) report.Grid {
	g := report.Grid{Title: "Zones", Note: "May anything of one zone open a connection to anything of another?", Empty: "No zone holds anything that another zone, or the internet, could reach."}
	at := map[string]int{}
	for _, one := range z.List {
		at[one.Name] = len(g.Rows)
		g.Rows = append(g.Rows, report.Heading{Name: one.Name, Sub: things(one.Things)})
	}
	at[network.Internet] = len(g.Rows)
	g.Rows = append(g.Rows, report.Heading{Name: network.Internet})
	g.Columns = g.Rows
	for _, c := range z.Crossings {
		way := report.Way{From: c.From, To: c.To, Reach: reachOf(c.Reachable, c.Verdict), Ports: c.Ports, Perhaps: c.Perhaps, Path: hopsOf(c.Path), Because: c.Because}
		if c.Intent != "" {
			way.Says = map[string]string{"violated": "against: ", "kept": "keeps: ", "intended": "meant by: ", "unknown": "not told of: "}[c.Verdict] + c.Intent
		}
		g.Cells = append(g.Cells, report.GridCell{Row: at[c.From], Column: at[c.To], Way: way})
	}
	return g
}

// storeWords are what the verdicts on a workload and a store are called.
var storeWords = map[string]struct{ word, says string }{
	"declared":   {"declared", ""},
	"undeclared": {"undeclared", ""},
	"broken":     {"broken", "the workload declares it, and cannot reach it"},
}

// storeGrid is the table of workloads by stores.
func storeGrid(t *network.Table) report.Grid {
	g := report.Grid{Title: "Stores", Note: "May a workload open a connection to a store, and does it declare that it uses it? Who may read what is in it: sevenfold access."}
	at, taken := map[string]int{}, map[string]int{}
	for _, id := range t.Stores {
		taken[network.Short(id)]++
	}
	name := func(id string) string {
		if s := network.Short(id); taken[s] == 1 {
			return s
		}
		return id
	}
	for i, id := range t.Stores {
		at[id] = i
		g.Columns = append(g.Columns, report.Heading{Name: name(id), Sub: id})
	}
	for i, row := range t.Workloads {
		g.Rows = append(g.Rows, report.Heading{Name: row.Workload, Sub: row.Zone})
		for _, c := range row.Cells {
			words := storeWords[c.Verdict]
			g.Cells = append(g.Cells, report.GridCell{Row: i, Column: at[c.Store], Way: report.Way{
				From: row.Workload, To: name(c.Store), Reach: reachOf(c.Reachable, c.Verdict), Word: words.word, Says: words.says,
				Ports: c.Ports, Path: hopsOf(c.Path), Because: c.Because,
			}})
		}
	}
	return g
}

// zoneNotes are what the tables do not show: addresses that zones share, and things
// that stand in no zone or of which it is not known.
func zoneNotes(z *network.Zones) []report.NetworkNote {
	var out []report.NetworkNote
	add := func(n report.NetworkNote) {
		if len(n.Items) > 0 {
			out = append(out, n)
		}
	}
	add(report.NetworkNote{Title: "Not read", Why: "A rule, a route or a policy may lie in it: because of it no answer is no.", Items: z.Unread, Bad: true})
	broken := report.NetworkNote{Title: "Intents", Why: "Of what sevenfold.yaml states beside zones, these are broken or could not be told.", Bad: true}
	for _, c := range z.Intents {
		broken.Items = append(broken.Items, fmt.Sprintf("%s (%s): %s to %s", c.Intent, c.Verdict, c.From, c.To))
	}
	add(broken)
	shared := report.NetworkNote{Title: "Shared addresses", Why: "Zones that share addresses cannot be told apart by a rule on addresses.", Bad: true}
	for _, o := range z.Overlaps {
		shared.Items = append(shared.Items, fmt.Sprintf("%s and %s: %s", o.Zones[0], o.Zones[1], network.Few(o.Addresses, 6)))
	}
	add(shared)
	add(report.NetworkNote{Title: "In no zone", Why: "What stands in no zone is in no row and no column; sevenfold.yaml gives it one.", Items: z.Unzoned})
	unknown := report.NetworkNote{Title: "Zone not known", Why: "Of these it could not be told where they belong."}
	for _, u := range z.Undecided {
		unknown.Items = append(unknown.Items, u.Asset+": "+u.Why)
	}
	add(unknown)
	return out
}
