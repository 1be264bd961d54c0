// Package risk says how far a fault matters where it stands: whether it lies on
// a way from where an attacker may begin to something that matters. It scores
// findings from 0 to 100 and shows the way.
//
// A way follows declared relations in the direction an attacker moves (moves.go
// lists each relation type with the reason). That what is met gives way is
// assumed, and the factors say so: the path tells what a fault would lead to,
// not that somebody has gone there. What identity policies allow is not among
// the declared relations yet; the access step will add it.
package risk

import (
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// Entry is how an attacker may begin at an asset.
type Entry string

// The entries, surest first.
const (
	Internet Entry = "internet"          // whoever sends a packet
	Stranger Entry = "stranger"          // another account, tenant or project
	Leaked   Entry = "leaked-credential" // whoever finds a long-lived credential
	SignIn   Entry = "sign-in"           // whoever gets past a sign-in the internet meets
)

// entries says how sure each entry is, and what a path that begins there is
// called.
var entries = map[Entry]struct {
	reach float64
	name  string
}{
	Internet: {1, "internet"}, Stranger: {0.95, "a stranger's account"},
	Leaked: {0.8, "a leaked credential"}, SignIn: {0.6, "internet, past a sign-in"},
}

// order are the entries, surest first.
var order = []Entry{Internet, Stranger, Leaked, SignIn}

// Prize is what a fault makes of an asset, beyond what the asset is.
type Prize string

// The prizes.
const (
	Administrator Prize = "administrator"
	Secrets       Prize = "secrets"
	Credential    Prize = "credential"
	AIService     Prize = "ai-service"
)

// Fact is what the fault a control finds is to an attacker; the zero Fact is
// nothing.
type Fact struct {
	Entry Entry
	// Gives is what the entry gives: "reading", "acting" (also when empty) or
	// "changing".
	Gives string
	Prize Prize
}

// Options of Assess.
type Options struct {
	// Facts by control id.
	Facts map[string]Fact
	// Exposed returns why the internet meets an asset by its own configuration,
	// "" if it does not; nil asks none.
	Exposed func(estate.Node, *estate.Asset) string
	// Labels returns the data labels of an asset; nil until a step gives them.
	Labels func(estate.Node, *estate.Asset) []string
}

// Assess fills in the Risk of each finding. A finding on an asset the snapshot
// does not have, and one off every path, get a low score and a factor that says
// so; where blind spots or undecided findings make that unknowable, the factor
// begins with "path not known".
func Assess(snap *estate.Snapshot, workloads *scope.Workloads, findings []finding.Finding, o Options) {
	if len(findings) == 0 {
		return
	}
	g := newGraph(snap)
	begins := g.entries(findings, o, finding.Fail)
	goals := g.goals(workloads, findings, o)
	j := judge{g: g, goals: goals, blind: newBlind(snap), maybe: g.search(g.entries(findings, o, finding.Unknown).states(""), false)}
	for _, e := range order {
		if starts := begins.states(e); len(starts) > 0 {
			j.from = append(j.from, origin{entry: e, why: begins.whys(e), found: g.search(starts, false)})
		}
	}
	for c := range j.to {
		j.to[c] = g.search(goals.states(class(c)), true)
	}
	for i := range findings {
		findings[i].Risk = j.risk(&findings[i])
	}
}
