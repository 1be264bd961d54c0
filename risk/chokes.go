package risk

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
)

// Bounds on the search for chokes, in transitions looked at: beyond the sum it
// stops and says so. A search over the relevant part of an estate of a million
// assets is some five million.
const (
	candidates  = 24         // tried in each round
	mostVisited = 60_000_000 // in all
)

// fix is something that could be mended: a finding, or a relation.
type fix struct {
	finding  *finding.Finding
	from, to estate.Node
	rel      estate.RelationType
	weigh    float64 // of the easiest ways that go through it: the most that it can cut
}

// core is the part of the graph that ways from an entry to a target go through,
// numbered anew.
type core struct {
	states []state // by number
	number []int32 // the other way; -1: not in it
	off    []int32
	to     []int32
	rule   []uint8
	starts []start
	ends   []end
	final  [][]int32 // by end, the numbers of the states that are it
	doors  map[estate.Node][]*finding.Finding
}

// start is a state somebody may begin in, and the findings that make it one; none:
// the asset's own configuration does, which no finding of ours can mend.
type start struct {
	state int32
	by    []*finding.Finding
}

// chokes are the fixes that cut the most targets off, found greedily: in each
// round candidates are tried on the graph that those before it left, and the one
// kept that cuts the most (by worth and ease), then eases the most, then lies on
// the most ways, then is the cheapest. What a fix cuts lies on the easiest ways
// through it, so that candidates are tried in the order of these until none left
// could cut more. Greedy choice is no proof that fewer fixes would not do; what is
// said of each fix is counted on the graph without it.
func (j *judge) chokes(ends []end, findings []finding.Finding, o Options, most int) (out []Choke, remaining int, tried bool) {
	out, tried = []Choke{}, true
	if len(ends) == 0 {
		return out, 0, true
	}
	c := j.core(ends, findings, o)
	gone := map[fixKey]bool{}
	before := c.reach(gone, nil, nil)
	visited := len(c.to) + len(c.states)
	for len(out) < most && before.count > 0 && tried {
		var best *fix
		bestCut, bestLeft := 0.0, 0.0
		var after, spare *extent
		for _, f := range j.candidates(c, gone, before) {
			if best != nil && bestCut >= f.weigh-1e-9 {
				break
			}
			if visited > mostVisited {
				tried = false
				break
			}
			visited += len(c.to) + len(c.states)
			left := c.reach(gone, &f, spare)
			spare = nil
			cut := 0.0
			for i := range before.dist {
				if before.dist[i] >= 0 && left.dist[i] < 0 {
					cut += worths[c.ends[i].class].worth * pow(before.dist[i])
				}
			}
			const same = 1e-9
			better := best == nil || cut > bestCut+same || cut > bestCut-same && (left.weigh < bestLeft-same ||
				left.weigh < bestLeft+same && (f.weigh > best.weigh+same || f.weigh > best.weigh-same && cheaper(&f, best)))
			if better {
				best, bestCut, bestLeft, after, spare = &f, cut, left.weigh, left, after
			} else {
				spare = left
			}
		}
		if best == nil {
			break
		}
		gone[best.key()] = true
		out = append(out, j.choke(best, before, after))
		before = after
	}
	return out, before.count, tried
}

// fixKey tells fixes apart.
type fixKey struct {
	finding  string
	from, to estate.Node
	rel      estate.RelationType
}

func (f *fix) key() fixKey {
	if f.finding != nil {
		return fixKey{finding: f.finding.ID}
	}
	return fixKey{from: f.from, to: f.to, rel: f.rel}
}

func cheaper(a, b *fix) bool {
	cost := func(f *fix) float64 {
		if f.finding == nil {
			return effortHours["hours"]
		}
		return cmp.Or(effortHours[f.finding.Fix.Effort], effortHours["hours"])
	}
	return cost(a) < cost(b)
}

// core cuts out what matters: what an entry leads to and a target comes from.
func (j *judge) core(ends []end, findings []finding.Finding, o Options) *core {
	states := state(j.g.snap.Len() * int(powers))
	c := &core{number: make([]int32, states), ends: ends, doors: map[estate.Node][]*finding.Finding{}}
	for s := range states {
		c.number[s] = -1
		if j.entered(s) && j.leads(s) {
			c.number[s] = int32(len(c.states))
			c.states = append(c.states, s)
		}
	}
	c.off = make([]int32, len(c.states)+1)
	for i, s := range c.states {
		to, rules := j.g.out.of(s)
		for k, t := range to {
			if n := c.number[t]; n >= 0 {
				c.to, c.rule = append(c.to, n), append(c.rule, rules[k])
			}
		}
		c.off[i+1] = int32(len(c.to))
	}
	for _, e := range ends {
		var states []int32
		for p := range powers {
			s := at(e.state.node(), p)
			if _, is := j.goals[e.class][s]; is && c.number[s] >= 0 {
				states = append(states, c.number[s])
			}
		}
		c.final = append(c.final, states)
	}
	by := map[state][]*finding.Finding{}
	for i := range findings {
		f := &findings[i]
		fact := o.Facts[f.Control]
		n, ok := j.g.snap.Find(f.Asset)
		if !ok || f.Status != finding.Fail {
			continue
		}
		if fact.Entry != "" {
			by[at(n, fact.power())] = append(by[at(n, fact.power())], f)
		}
		if fact.Door {
			c.doors[n] = append(c.doors[n], f)
		}
	}
	fixed := map[state]bool{}
	if o.Exposed != nil {
		for n, a := range j.g.snap.Assets() {
			if c.number[at(n, act)] >= 0 && o.Exposed(n, a) != "" {
				fixed[at(n, act)] = true
			}
		}
	}
	for i, s := range c.states {
		if len(by[s]) > 0 || fixed[s] {
			one := start{state: int32(i)}
			if !fixed[s] {
				one.by = by[s]
			}
			c.starts = append(c.starts, one)
		}
	}
	return c
}

func (j *judge) entered(s state) bool {
	return slices.ContainsFunc(j.from, func(o origin) bool { return o.dist[s] >= 0 })
}

func (j *judge) leads(s state) bool {
	return slices.ContainsFunc(j.to[:], func(f *found) bool { return f.dist[s] >= 0 })
}

// extent is what of the targets is reached.
type extent struct {
	count int
	weigh float64
	dist  []int32 // by end; -1: not reached
	last  []int32 // by end, the state it is reached in
	all   []int32 // by state, its distance
	via   []int32 // by state, the state before; -1: a start or not reached
	rule  []uint8
}

// reach goes through the core from its starts, without what was mended before and
// without one fix more. It takes the memory of an extent that is no longer needed,
// if there is one.
func (c *core) reach(gone map[fixKey]bool, f *fix, old *extent) *extent {
	x := old
	if x == nil {
		x = &extent{dist: make([]int32, len(c.ends)), last: make([]int32, len(c.ends)), all: make([]int32, len(c.states)), via: make([]int32, len(c.states)), rule: make([]uint8, len(c.states))}
	}
	x.count, x.weigh = 0, 0
	dist := x.all
	for i := range dist {
		dist[i], x.via[i] = -1, -1
	}
	mended := func(one *finding.Finding) bool {
		return gone[fixKey{finding: one.ID}] || f != nil && f.finding != nil && f.finding.ID == one.ID
	}
	open := func(by []*finding.Finding) bool {
		return len(by) == 0 || !slices.ContainsFunc(by, mended) || slices.ContainsFunc(by, func(one *finding.Finding) bool { return !mended(one) })
	}
	var cuts []fixKey
	for k := range gone {
		if k.finding == "" {
			cuts = append(cuts, k)
		}
	}
	if f != nil && f.finding == nil {
		cuts = append(cuts, f.key())
	}
	shut := func(s, t int32, rule uint8) bool {
		if rule == doorRule {
			return !open(c.doors[c.states[s].node()])
		}
		return slices.Contains(cuts, fixKey{from: c.states[s].node(), to: c.states[t].node(), rel: moves[rule].rel})
	}
	var buckets [hardest + 1][]int32
	waiting := 0
	for _, s := range c.starts {
		if open(s.by) {
			dist[s.state] = 0
			buckets[0] = append(buckets[0], s.state)
			waiting++
		}
	}
	for d := int32(0); waiting > 0; d++ {
		slot := &buckets[int(d)%len(buckets)]
		for i := 0; i < len(*slot); i++ {
			s := (*slot)[i]
			waiting--
			if dist[s] != d {
				continue
			}
			for k := c.off[s]; k < c.off[s+1]; k++ {
				t, next := c.to[k], d+costs[c.rule[k]]
				if dist[t] >= 0 && dist[t] <= next {
					continue
				}
				if (len(cuts) > 0 || c.rule[k] == doorRule) && shut(s, t, c.rule[k]) {
					continue
				}
				dist[t], x.via[t], x.rule[t] = next, s, c.rule[k]
				into := &buckets[int(next)%len(buckets)]
				*into = append(*into, t)
				waiting++
			}
		}
		*slot = (*slot)[:0]
	}
	for i, e := range c.ends {
		x.dist[i] = -1
		for _, s := range c.final[i] {
			if d := dist[s]; d >= 0 && (x.dist[i] < 0 || d < x.dist[i]) {
				x.dist[i], x.last[i] = d, s
			}
		}
		if x.dist[i] >= 0 {
			x.count++
			x.weigh += worths[e.class].worth * pow(x.dist[i])
		}
	}
	return x
}

// pow is decay to the d.
func pow(d int32) float64 {
	w := 1.0
	for range d {
		w *= decay
	}
	return w
}

// candidates are the findings and relations that the easiest ways go through, the
// most used first.
func (j *judge) candidates(c *core, gone map[fixKey]bool, x *extent) []fix {
	found := map[fixKey]*fix{}
	count := func(f fix, weigh float64) {
		k := f.key()
		if gone[k] {
			return
		}
		if found[k] == nil {
			found[k] = &f
		}
		found[k].weigh += weigh
	}
	startOf := map[int32]start{}
	for _, s := range c.starts {
		startOf[s.state] = s
	}
	for i, e := range c.ends {
		if x.dist[i] < 0 {
			continue
		}
		weigh := worths[e.class].worth * pow(x.dist[i])
		s := x.last[i]
		for x.via[s] >= 0 {
			from, m := x.via[s], ruleOf(x.rule[s])
			if x.rule[s] == doorRule {
				for _, f := range c.doors[c.states[s].node()] {
					count(fix{finding: f}, weigh)
				}
			} else if j.mendable(c.states[from].node(), c.states[s].node(), m) {
				count(fix{from: c.states[from].node(), to: c.states[s].node(), rel: m.rel}, weigh)
			}
			s = from
		}
		for _, f := range startOf[s].by {
			count(fix{finding: f}, weigh)
		}
	}
	out := make([]fix, 0, len(found))
	for _, f := range found {
		out = append(out, *f)
	}
	slices.SortFunc(out, func(a, b fix) int {
		ka, kb := a.key(), b.key()
		return cmp.Or(cmp.Compare(b.weigh, a.weigh), strings.Compare(ka.finding, kb.finding), cmp.Compare(ka.from, kb.from), cmp.Compare(ka.to, kb.to), strings.Compare(string(ka.rel), string(kb.rel)))
	})
	return out[:min(len(out), candidates)]
}

// mendable reports whether cutting a relation is a fix and not the end of the
// thing: a part belongs to its whole, a workload cannot do without its model.
func (j *judge) mendable(from, to estate.Node, m *move) bool {
	switch m.rel {
	case estate.Contains, estate.Serves, estate.Trains, estate.Loads, derivedFrom:
		return false
	case canRead, canWrite, canInvoke, canAssume, reaches:
		// From a principal to the set of what it can do: one statement of its policies.
		return drawn(j.g.snap.Asset(to))
	}
	return true
}

// choke tells a fix.
func (j *judge) choke(f *fix, before, after *extent) Choke {
	c := Choke{Cuts: before.count - after.count}
	for i := range before.dist {
		if after.dist[i] >= 0 && after.dist[i] > before.dist[i] {
			c.Eases++
		}
	}
	if f.finding != nil {
		c.Finding, c.To, c.Text, c.Effort = f.finding.ID, f.finding.Asset, f.finding.Title+": "+f.finding.Asset, f.finding.Fix.Effort
		return c
	}
	c.From, c.To, c.Relation = j.g.snap.Asset(f.from).ID, j.g.snap.Asset(f.to).ID, f.rel
	to := c.To
	if a := j.g.snap.Asset(f.to); drawn(a) {
		to = cmp.Or(a.Name, to)
	}
	c.Text = "cut: " + c.From + " " + verb(f.rel) + " " + to
	return c
}

// verb is how a relation type reads in a sentence.
func verb(rel estate.RelationType) string { return strings.ReplaceAll(string(rel), "-", " ") }
