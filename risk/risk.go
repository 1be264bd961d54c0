// Package risk says how far a fault matters where it stands: whether it lies on
// a way from where an attacker may begin to something that matters. It scores
// findings from 0 to 100 and shows the way.
//
// A way follows relations in the direction an attacker moves (moves.go lists each
// relation type with the reason, how hard the movement is and what MITRE calls
// it): what configuration declares, what logs show, and what the steps decided:
// who can read, change, call, take on or become what, and who can open a
// connection to whom. That what is met gives way is assumed, and the factors say
// so: the path tells what a fault would lead to, not that somebody has gone there.
//
// Assess scores findings. Survey lists the ways themselves, and which few fixes
// would cut the most of them.
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
	Vendor   Entry = "vendor"            // whoever makes a model, package or service that is used unexamined
	Planted  Entry = "planted"           // whoever made a file that was found to run code where it is loaded
	Poisoned Entry = "poisoned-input"    // whoever puts something into what a model learns from
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
	Planted: {1, "the maker of a file"}, Vendor: {0.7, "a supplier"}, Poisoned: {0.65, "poisoned input"}, Leaked: {0.8, "a leaked credential"}, SignIn: {0.6, "internet, past a sign-in"},
}

// order are the entries, surest first.
var order = []Entry{Internet, Planted, Stranger, Leaked, Vendor, Poisoned, SignIn}

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
	// Gives is what the entry, or the door, gives: "meeting" (a connection and no
	// more), "reading", "acting" (also when empty) or "changing".
	Gives string
	Prize Prize
	// Door: whoever can open a connection to it is let in.
	Door bool
}

// power is what the fact's entry or door gives.
func (f Fact) power() power {
	switch f.Gives {
	case "meeting":
		return meet
	case "reading":
		return see
	case "changing":
		return own
	}
	return act
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

	from func(*estate.Asset) bool // Limits.From
}

// Assess fills in the Risk of each finding. A finding on an asset the snapshot
// does not have, and one off every path, get a low score and a factor that says
// so; where blind spots or undecided findings make that unknowable, the factor
// begins with "path not known".
func Assess(snap *estate.Snapshot, workloads *scope.Workloads, findings []finding.Finding, o Options) {
	if len(findings) == 0 {
		return
	}
	j := newJudge(snap, workloads, findings, o)
	for i := range findings {
		findings[i].Risk = j.risk(&findings[i])
	}
}
