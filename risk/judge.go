package risk

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
)

// judge answers for one finding after another.
type judge struct {
	g     *graph
	from  []origin // from where an attacker may begin, by entry
	maybe *found   // from where he may begin if undecided findings are true
	goals *goals
	to    [classes]*found // to each class of goals
	blind *blind
}

// origin is a search from the states of one entry.
type origin struct {
	entry Entry
	why   map[state]string
	*found
}

// severities is the score of a fault in the worst place.
var severities = map[finding.Severity]float64{finding.Critical: 100, finding.High: 80, finding.Medium: 50, finding.Low: 25, finding.Info: 10}

// What is left of a score where no whole path is known.
const (
	decay    = 0.97 // for each step of a path: every step may fail
	stranded = 0.4  // entered, but nothing of worth beyond
	offPath  = 0.3  // no entry leads there
	unknown  = 0.6  // whether there is a path cannot be known
)

// course is a whole path through an asset's state.
type course struct {
	from  origin
	state state
	class class
	weigh float64 // 0 to 1
}

// best finds the path through an asset that is worth most to an attacker; of
// several, that of the surest entry.
func (j *judge) best(n estate.Node) (best course, ok bool) {
	for _, from := range j.from {
		for p := range powers {
			s := at(n, p)
			if from.dist[s] < 0 {
				continue
			}
			for c := range classes {
				if j.to[c].dist[s] < 0 {
					continue
				}
				steps := float64(from.dist[s] + j.to[c].dist[s])
				if w := entries[from.entry].reach * worths[c].worth * math.Pow(decay, steps); w > best.weigh {
					best, ok = course{from, s, c, w}, true
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
	if c, ok := j.best(n); ok {
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
	after, on := j.to[c.class].way(c.state)
	states, rules := append(before, after[1:]...), append(how, on...)
	name := entries[c.from.entry].name
	r.Path = append(r.Path, name, "meets "+j.id(states[0]))
	broken := ""
	for i, rule := range rules {
		if asset := j.g.snap.Asset(states[i+1].node()); asset.Type == estate.SetType && asset.Kind != estate.KindPolicy {
			continue // the class is drawn together with what belongs to it
		}
		m := &moves[rule]
		words := m.words
		if from := j.g.snap.Asset(states[i].node()); from.Type == estate.SetType && from.Kind != estate.KindPolicy && i > 0 {
			words = moves[rules[i-1]].words
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
