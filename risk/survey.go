package risk

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// Hop is one movement of an attacker.
type Hop struct {
	From string `json:"from"` // asset ids; the first hop's is where he comes from
	To   string `json:"to"`
	// Words say the movement: "runs as".
	Words string `json:"words"`
	// Relation is what the movement follows, "" for the first; Tier how surely it is
	// there.
	Relation estate.RelationType `json:"relation,omitempty"`
	Tier     estate.Tier         `json:"tier,omitempty"`
	// Technique is an id of ATT&CK or ATLAS; empty where the hop is but the use of
	// what one has.
	Technique string `json:"technique,omitempty"`
	// Difficulty is plain, low, moderate or high.
	Difficulty string `json:"difficulty"`
}

// Path is the easiest way of the surest entry to one thing that matters.
type Path struct {
	ID    string `json:"id"` // a hash of entry, end and hops
	Entry Entry  `json:"entry"`
	Why   string `json:"why"` // why an attacker may begin there
	// Target is the asset it ends at, Class what that is worth and Because why.
	Target  string `json:"target"`
	Class   string `json:"class"`
	Because string `json:"because"`
	// Score is 0 to 100: sureness of the entry, worth of the target, and 3% less for
	// each unit of difficulty. Difficulty is the sum over the hops: plain 1, low 2,
	// moderate 3, high 5.
	Score      int   `json:"score"`
	Difficulty int   `json:"difficulty"`
	Hops       []Hop `json:"hops"`
	// Findings are the ids of those on its assets that fail, worst first.
	Findings []string `json:"findings"`
}

// Choke is one fix, and what it cuts.
type Choke struct {
	// Finding is the one to mend, or empty where it is a relation to cut.
	Finding string `json:"finding,omitempty"`
	// From, To and Relation name what to cut; To alone is the asset of a finding.
	From     string              `json:"from,omitempty"`
	To       string              `json:"to"`
	Relation estate.RelationType `json:"relation,omitempty"`
	// Text says it in words.
	Text   string `json:"text"`
	Effort string `json:"effort,omitempty"`
	// Cuts is how many targets no entry leads to any more once this is mended, those
	// before it in the list mended too; Eases how many are but harder to come by.
	Cuts  int `json:"cuts"`
	Eases int `json:"eases"`
}

// Ways are the attack paths of an estate.
type Ways struct {
	// Targets counts what matters, Reached what of it an entry leads to.
	Targets int `json:"targets"`
	Reached int `json:"reached"`
	// Paths has the worst of them, one for each target; Left counts those not listed.
	Paths []Path `json:"paths"`
	Left  int    `json:"left"`
	// Chokes are the fixes that cut the most, each reckoned after those before it;
	// what is then still reached is Remaining. Tried is false where the estate was too
	// large to try more of them.
	Chokes    []Choke `json:"chokes"`
	Remaining int     `json:"remaining"`
	Tried     bool    `json:"tried"`
	// Blind says what may hide a way: parts of the estate that were not read, and
	// entries that could not be decided.
	Blind []string `json:"blind,omitempty"`
}

// Limits of Survey.
type Limits struct {
	Paths  int // how many are listed; 0: 100
	Chokes int // how many are sought; 0: 5, negative: none
	// From, if set, says at which assets an attacker begins, of those where he may.
	From func(*estate.Asset) bool
}

// Survey lists the easiest attack paths to what matters, and the fixes that cut
// the most of them.
func Survey(snap *estate.Snapshot, workloads *scope.Workloads, findings []finding.Finding, o Options, l Limits) *Ways {
	o.from = l.From
	j := newJudge(snap, workloads, findings, o)
	on := failing(findings)
	ends := j.ends()
	w := &Ways{Paths: []Path{}, Chokes: []Choke{}, Tried: true, Blind: j.blinds()}
	for c := range classes {
		seen := map[estate.Node]bool{}
		for s := range j.goals[c] {
			seen[s.node()] = true
		}
		w.Targets += len(seen)
	}
	w.Reached = len(ends)
	listed := ends[:min(len(ends), cmp.Or(l.Paths, 100))]
	w.Left = len(ends) - len(listed)
	for _, e := range listed {
		w.Paths = append(w.Paths, j.path(e, on))
	}
	w.Remaining = w.Reached
	if l.Chokes >= 0 {
		w.Chokes, w.Remaining, w.Tried = j.chokes(ends, findings, o, cmp.Or(l.Chokes, 5))
	}
	return w
}

// Only keeps the listed paths for which keep answers yes.
func (w *Ways) Only(keep func(*Path) bool) {
	w.Paths = slices.DeleteFunc(w.Paths, func(p Path) bool { return !keep(&p) })
	w.Left = 0
}

// end is a target that an entry leads to.
type end struct {
	state state
	class class
	from  int // index of j.from
	weigh float64
}

// ends are the targets an entry leads to, each with its easiest way, worst first.
func (j *judge) ends() []end {
	type key struct {
		node  estate.Node
		class class
	}
	best := map[key]end{}
	for c := range classes {
		for s := range j.goals[c] {
			k := key{s.node(), c}
			for i, from := range j.from {
				if from.dist[s] < 0 || j.had(from.entry, c, s) {
					continue
				}
				w := entries[from.entry].reach * worths[c].worth * math.Pow(decay, float64(from.dist[s]))
				old, ok := best[k]
				if !ok || w > old.weigh || w == old.weigh && (i < old.from || i == old.from && s < old.state) {
					best[k] = end{s, c, i, w}
				}
			}
		}
	}
	out := make([]end, 0, len(best))
	for _, e := range best {
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b end) int {
		return cmp.Or(cmp.Compare(b.weigh, a.weigh), cmp.Compare(a.class, b.class), cmp.Compare(a.state, b.state))
	})
	return out
}

// way are the transitions of an end's easiest way, as the attacker goes.
func (j *judge) way(e end) (states []state, rules []uint8) {
	states, rules = j.from[e.from].way(e.state)
	slices.Reverse(states)
	slices.Reverse(rules)
	return states, rules
}

// path tells one.
func (j *judge) path(e end, on map[string][]*finding.Finding) Path {
	from := j.from[e.from]
	states, rules := j.way(e)
	p := Path{Entry: from.entry, Why: from.why[states[0]], Target: j.id(e.state), Class: worths[e.class].name, Because: j.goals[e.class][e.state],
		Score: round(100 * e.weigh), Difficulty: int(from.dist[e.state]), Findings: []string{}}
	p.Hops = append(p.Hops, Hop{From: entries[from.entry].name, To: j.id(states[0]), Words: "meets", Difficulty: difficulties[plain]})
	hard, words, at := int32(0), "", j.id(states[0])
	for i, rule := range rules {
		m := ruleOf(rule)
		hard += m.cost()
		words = cmp.Or(words, m.words)
		if drawn(j.g.snap.Asset(states[i+1].node())) {
			continue // the class is drawn together with what belongs to it
		}
		rel, tier := j.relation(states[i], states[i+1], m)
		p.Hops = append(p.Hops, Hop{From: at, To: j.id(states[i+1]), Words: words, Relation: rel, Tier: tier, Technique: m.technique, Difficulty: graded(hard)})
		hard, words, at = 0, "", j.id(states[i+1])
	}
	sum := sha256.New()
	for _, h := range p.Hops {
		sum.Write([]byte(h.From + "\x00" + h.Words + "\x00" + h.To + "\x00"))
	}
	p.ID = "P-" + hex.EncodeToString(sum.Sum(nil)[:6])
	told := map[string]bool{}
	for _, s := range states {
		for _, f := range on[j.id(s)] {
			if !told[f.ID] {
				told[f.ID] = true
				p.Findings = append(p.Findings, f.ID)
			}
		}
	}
	return p
}

// relation is what a movement follows.
func (j *judge) relation(from, to state, m *move) (estate.RelationType, estate.Tier) {
	if m.rel == "" {
		return "", ""
	}
	a, b := from.node(), to.node()
	if m.back {
		a, b = b, a
	}
	for e := range j.g.snap.Out(a) {
		if e.Node == b && e.Type == m.rel {
			return m.rel, e.Tier
		}
	}
	return m.rel, ""
}

// graded is the name of the difficulty of a hop that may be made of several moves.
func graded(hard int32) string {
	switch {
	case hard <= int32(plain):
		return difficulties[plain]
	case hard <= int32(low):
		return difficulties[low]
	case hard <= int32(moderate)+1:
		return difficulties[moderate]
	}
	return difficulties[high]
}

// failing are the findings that fail, by asset, worst first.
func failing(findings []finding.Finding) map[string][]*finding.Finding {
	out := map[string][]*finding.Finding{}
	for i := range findings {
		if f := &findings[i]; f.Status == finding.Fail {
			out[f.Asset] = append(out[f.Asset], f)
		}
	}
	for _, list := range out {
		slices.SortFunc(list, func(a, b *finding.Finding) int {
			return cmp.Or(cmp.Compare(severities[b.Severity], severities[a.Severity]), strings.Compare(a.ID, b.ID))
		})
	}
	return out
}

// blinds says what may hide a way.
func (j *judge) blinds() []string {
	var out []string
	for where, why := range j.blind.assets {
		out = append(out, where+": "+why)
	}
	for where, why := range j.blind.accounts {
		out = append(out, strings.TrimPrefix(where+": "+why, ": "))
	}
	slices.Sort(out)
	const most = 20
	if len(out) > most {
		out = append(out[:most], "and more: sevenfold inventory lists every blind spot")
	}
	return out
}
