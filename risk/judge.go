package risk

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// judge answers for one finding after another.
type judge struct {
	g     *graph
	facts map[string]Fact
	from  []origin // from where an attacker may begin, by entry
	maybe *found   // from where he may begin if undecided findings are true
	goals *goals
	to    [classes]*found // to each class of goals
	// brought is what the attackers of some entries made themselves, and what is loaded
	// from that; beyond leads to labelled data other than it, nil where that is all.
	brought map[estate.Node]bool
	beyond  *found
	blind   *blind
}

// newJudge searches the estate from every entry and to every class of goals.
func newJudge(snap *estate.Snapshot, workloads *scope.Workloads, findings []finding.Finding, o Options) *judge {
	g := newGraph(snap, doorsOf(snap, findings, o))
	begins := g.entries(findings, o, finding.Fail)
	goals := g.goals(workloads, findings, o)
	j := &judge{g: g, facts: o.Facts, goals: goals, blind: newBlind(snap), brought: map[estate.Node]bool{}}
	for _, e := range order {
		if len(begins.states(e)) > 0 {
			j.from = append(j.from, origin{entry: e, why: begins.whys(e)})
		}
	}
	// The searches share nothing but the graph, which none of them changes.
	var searches sync.WaitGroup
	for i := range j.from {
		searches.Go(func() { j.from[i].found = g.search(begins.states(j.from[i].entry), false) })
	}
	for _, b := range begins {
		if !brings[b.entry] {
			continue
		}
		j.brought[b.state.node()] = true
		for e := range snap.In(b.state.node()) {
			if e.Type == estate.Loads {
				j.brought[e.Node] = true
			}
		}
	}
	for c := range j.to {
		searches.Go(func() { j.to[c] = g.search(goals.states(class(c)), true) })
	}
	all := goals.states(labelled)
	if others := slices.DeleteFunc(slices.Clone(all), func(s state) bool { return j.brought[s.node()] }); len(others) < len(all) {
		searches.Go(func() { j.beyond = g.search(others, true) })
	}
	searches.Go(func() { j.maybe = g.search(g.entries(findings, o, finding.Unknown).states(""), false) })
	searches.Wait()
	return j
}

// origin is a search from the states of one entry.
type origin struct {
	entry Entry
	why   map[state]string
	*found
}

// brings are the entries whose attackers made what they begin with: that it holds
// labelled data is no prize to them.
var brings = map[Entry]bool{Planted: true, Vendor: true, Poisoned: true}

// had reports whether a state is no prize to the attackers of an entry.
func (j *judge) had(e Entry, c class, s state) bool {
	return c == labelled && brings[e] && j.brought[s.node()]
}

// severities is the score of a fault in the worst place.
var severities = map[finding.Severity]float64{finding.Critical: 100, finding.High: 80, finding.Medium: 50, finding.Low: 25, finding.Info: 10}

// What is left of a score where no whole path is known.
const (
	decay    = 0.97 // for each unit of a path's difficulty: every step may fail
	stranded = 0.4  // entered, but nothing of worth beyond
	offPath  = 0.3  // no entry leads there
	unknown  = 0.6  // whether there is a path cannot be known
)

// course is a whole path through an asset's state.
type course struct {
	from  origin
	to    *found
	state state
	class class
	weigh float64 // 0 to 1
}

// best finds the path through an asset that is worth most to an attacker; of
// several, that of the surest entry.
func (j *judge) best(n estate.Node) (best course, ok bool) {
	return j.through(n, func(origin, state) bool { return true })
}

// begun is best of the paths that begin with a fault itself: what is wrong with a file
// is what comes of it, not who else could have changed it.
func (j *judge) begun(n estate.Node, fact Fact) (best course, ok bool) {
	if !brings[fact.Entry] {
		return best, false
	}
	return j.through(n, func(from origin, s state) bool {
		return from.entry == fact.Entry && from.dist[s] == 0 && s == at(n, fact.power())
	})
}

// through is best of the paths by the states of an asset that may be taken.
func (j *judge) through(n estate.Node, may func(origin, state) bool) (best course, ok bool) {
	for _, from := range j.from {
		for p := range powers {
			s := at(n, p)
			if from.dist[s] < 0 || !may(from, s) {
				continue
			}
			for c := range classes {
				to := j.to[c]
				if c == labelled && brings[from.entry] && j.beyond != nil {
					to = j.beyond
				}
				if to.dist[s] < 0 {
					continue
				}
				steps := float64(from.dist[s] + to.dist[s])
				if w := entries[from.entry].reach * worths[c].worth * math.Pow(decay, steps); w > best.weigh {
					best, ok = course{from, to, s, c, w}, true
				}
			}
		}
	}
	return best, ok
}

// risk scores one finding.
func (j *judge) risk(f *finding.Finding) *finding.Risk {
	base := severities[f.Severity]
	r := &finding.Risk{Path: []string{}, Factors: []string{"severity " + string(f.Severity)}}
	n, ok := j.g.snap.Find(f.Asset)
	if !ok {
		r.Score = round(base * unknown)
		r.Factors = append(r.Factors, "path not known: the estate holds no such asset")
		return r
	}
	c, ok := j.begun(n, j.facts[f.Control])
	if !ok {
		c, ok = j.best(n)
	}
	if ok {
		j.tell(r, c)
		r.Score = round(base * c.weigh)
		return r
	}
	share, why := j.without(n)
	r.Score = round(base * share)
	r.Factors = append(r.Factors, why...)
	return r
}

func round(x float64) int { return max(0, min(100, int(math.Round(x)))) }

// tell writes the path down and names what makes it matter.
func (j *judge) tell(r *finding.Risk, c course) {
	before, how := c.from.way(c.state)
	slices.Reverse(before)
	slices.Reverse(how)
	after, on := c.to.way(c.state)
	states, rules := append(before, after[1:]...), append(how, on...)
	name := entries[c.from.entry].name
	r.Path = append(r.Path, name, "meets "+j.id(states[0]))
	broken := ""
	for i, rule := range rules {
		if drawn(j.g.snap.Asset(states[i+1].node())) {
			continue // the class is drawn together with what belongs to it
		}
		m := ruleOf(rule)
		words := m.words
		if i > 0 && drawn(j.g.snap.Asset(states[i].node())) {
			words = ruleOf(rules[i-1]).words
		}
		if broken == "" && (m.rel == estate.RunsAs || m.rel == estate.Reads || m.rel == estate.Writes) && c.from.entry != Leaked {
			broken = j.id(states[i])
		}
		r.Path = append(r.Path, words+" "+j.id(states[i+1]))
	}
	last := states[len(states)-1]
	r.Factors = append(r.Factors, "entry: "+name+" ("+c.from.why[states[0]]+")",
		fmt.Sprintf("leads to %s: %s (%s)", worths[c.class].name, j.id(last), j.goals[c.class][last]),
		fmt.Sprintf("steps after the entry: %d", len(r.Path)-2))
	if broken != "" {
		r.Factors = append(r.Factors, "holds once "+broken+" acts for the attacker")
	}
}

// drawn reports whether a class of assets is told together with what belongs to
// it, not by itself: all but the statements of policies and the administrators.
func drawn(a *estate.Asset) bool {
	if a.Type != estate.SetType || strings.HasPrefix(a.ID, administrators) {
		return false
	}
	return a.Kind != estate.KindPolicy || strings.HasPrefix(a.ID, "set://access/")
}

// administrators begins the ids of the classes of an account's administrators.
const administrators = "set://access/administrators/"

func (j *judge) id(s state) string { return j.g.snap.Asset(s.node()).ID }

// without says what is known of an asset that is on no whole path, and what
// share of its severity that leaves.
func (j *judge) without(n estate.Node) (share float64, factors []string) {
	entered, leads := false, classes
	for p := range powers {
		s := at(n, p)
		entered = entered || slices.ContainsFunc(j.from, func(o origin) bool { return o.dist[s] >= 0 })
		for c := range classes {
			if j.to[c].dist[s] >= 0 && c < leads {
				leads = c
			}
		}
	}
	why := j.blind.why(j.g.snap.Asset(n))
	if why == "" && j.perhaps(n) {
		why = "whether an attacker may begin before it could not be decided"
	}
	if why != "" {
		return unknown, []string{"path not known: " + why}
	}
	if entered {
		return stranded, []string{"an entry point leads here", "nothing of worth found beyond it"}
	}
	factors = []string{"no path from an entry point found"}
	if leads < classes {
		factors = append(factors, "leads to "+worths[leads].name)
	}
	return offPath, factors
}

// perhaps reports whether an asset is on a whole path if undecided findings
// are true.
func (j *judge) perhaps(n estate.Node) bool {
	for p := range powers {
		s := at(n, p)
		for c := range classes {
			if j.maybe.dist[s] >= 0 && j.to[c].dist[s] >= 0 {
				return true
			}
		}
	}
	return false
}

// blind are the places whose relations may be incomplete.
type blind struct {
	assets   map[string]string // by id
	accounts map[string]string // by account; "" hides something anywhere
}

func newBlind(snap *estate.Snapshot) *blind {
	b := &blind{map[string]string{}, map[string]string{}}
	for _, spot := range snap.BlindSpots() {
		if spot.Status == estate.ReadSkipped {
			continue // left out on purpose, over a bound that is told
		}
		why := strings.TrimSuffix(spot.Operation+" was not read: "+spot.Why, ": ")
		into, key := b.accounts, spot.Account
		if spot.Asset != "" {
			into, key = b.assets, spot.Asset
		}
		if _, told := into[key]; !told {
			into[key] = why
		}
	}
	return b
}

// why says what may hide a path through an asset, "" if nothing may.
func (b *blind) why(a *estate.Asset) string {
	if a.Referenced {
		return "the asset is known by name only"
	}
	for _, known := range []string{b.assets[a.ID], b.accounts[a.Account], b.accounts[""]} {
		if known != "" {
			return known
		}
	}
	return ""
}
