package iam

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// back finds everybody who can become an administrator, and the steps.
func (c *climb) back() error {
	reached := make([]bool, len(c.people))
	var frontier []int
	for i := range c.people {
		if c.admin[i] == Allow || c.admin[i] == Conditional {
			reached[i] = true
			frontier = append(frontier, i)
			continue
		}
		if err := c.ctx.Err(); err != nil {
			return err
		}
		c.own[i] = append(c.ownEdges(i), c.raised[i]...)
		if len(c.own[i]) > 0 {
			reached[i] = true
			frontier = append(frontier, i)
		}
	}
	for len(frontier) > 0 {
		var next []int
		for _, t := range frontier {
			if err := c.ctx.Err(); err != nil {
				return err
			}
			c.into[t] = c.edgesInto(t)
			for _, e := range c.into[t] {
				if !reached[e.from] {
					reached[e.from] = true
					next = append(next, int(e.from))
				}
			}
		}
		frontier = next
	}
	// A way that gives what a service does at one's word is none to everything.
	return c.together(c.suretyOf())
}

// reach finds who can become an administrator, the surest ways first: with each
// pass weaker steps count too, and only those whom none before reached.
func (c *climb) reach() (map[string]Decision, error) {
	out := map[string]Decision{}
	best := make([]Decision, len(c.people)) // Deny: not reached
	var all []int
	for i := range c.people {
		best[i] = Deny
		if isOne(c.admin[i]) {
			best[i] = c.admin[i]
			all = append(all, i)
			continue
		}
		for _, e := range append(c.ownEdges(i), c.raised[i]...) {
			if best[i] == Deny || rankOf(e.decision) > rankOf(best[i]) {
				best[i] = e.decision
			}
		}
		if best[i] != Deny {
			all = append(all, i)
			if !c.isStage(i) {
				out[c.people[i].ARN] = best[i]
			}
		}
	}
	for _, least := range []Decision{Allow, Conditional, Unknown} {
		frontier := slices.DeleteFunc(slices.Clone(all), func(i int) bool { return rankOf(best[i]) < rankOf(least) })
		for len(frontier) > 0 {
			var next []int
			for _, t := range frontier {
				if err := c.ctx.Err(); err != nil {
					return nil, err
				}
				for _, e := range c.edges(t, func(who int32) bool { return rankOf(best[who]) < rankOf(least) }) {
					if d := weaker(e.decision, best[t]); rankOf(d) >= rankOf(least) && rankOf(best[e.from]) < rankOf(d) {
						if best[e.from] == Deny {
							all = append(all, int(e.from))
						}
						best[e.from] = d
						next = append(next, int(e.from))
						if !c.isStage(int(e.from)) {
							out[c.people[e.from].ARN] = d
						}
					}
				}
			}
			frontier = next
		}
	}
	if err := c.together(best); err != nil {
		return nil, err
	}
	joined := slices.Clone(best)
	for i, ways := range c.bands.ways {
		for _, way := range ways {
			d := way.decision
			if way.onward >= 0 {
				d = weaker(d, best[way.onward])
			}
			if rankOf(d) > rankOf(joined[i]) {
				joined[i] = d
				out[c.people[i].ARN] = d
			}
		}
	}
	best = joined
	c.surest = best
	return out, nil
}

// suretyOf says of each of the people how sure his best way is; Deny: he has none.
func (c *climb) suretyOf() []Decision {
	best := slices.Repeat([]Decision{Deny}, len(c.people))
	for _, least := range []Decision{Allow, Conditional, Unknown} {
		var queue []int32
		for i := range c.people {
			if best[i] == Deny && isOne(c.admin[i]) && rankOf(c.admin[i]) >= rankOf(least) {
				best[i] = c.admin[i]
			}
			if best[i] == Deny && slices.ContainsFunc(c.own[i], func(e edge) bool { return rankOf(e.decision) >= rankOf(least) }) {
				best[i] = least
			}
			if best[i] != Deny {
				queue = append(queue, int32(i))
			}
		}
		for at := 0; at < len(queue); at++ {
			for k := range c.into[queue[at]] {
				if e := &c.into[queue[at]][k]; best[e.from] == Deny && c.routes[e.route].Gain != "bounded" && rankOf(e.decision) >= rankOf(least) {
					best[e.from] = least
					queue = append(queue, e.from)
				}
			}
		}
	}
	return best
}

// rankOf orders answers by how sure a way is: refused, unknown, under
// conditions, certain.
func rankOf(d Decision) int {
	return [...]int{Unknown: 1, Deny: 0, Conditional: 2, Allow: 3}[d]
}

// forth walks from each principal over the steps and takes the first way to
// each target and technique.
func (c *climb) forth() ([]Escalation, error) {
	out := make([][]edge, len(c.people)) // steps from each, into those who are no administrators: the best one each
	last := make([][]edge, len(c.people))
	for t := range c.people {
		isAdmin := c.admin[t] == Allow || c.admin[t] == Conditional
		for _, e := range c.into[t] {
			if isAdmin {
				last[e.from] = append(last[e.from], e)
				continue
			}
			out[e.from] = append(out[e.from], e)
		}
	}
	for i := range c.people {
		last[i] = append(last[i], c.own[i]...)
		out[i] = best(out[i])
	}
	// What a last step leads to, and how, as one number.
	techniques, targets := map[string]int32{}, map[int32]int32{}
	for i := range last {
		for k := range last[i] {
			e := &last[i][k]
			name := technique(&c.routes[e.route])
			if _, ok := techniques[name]; !ok {
				techniques[name] = int32(len(techniques))
			}
			if _, ok := targets[e.to]; !ok {
				targets[e.to] = int32(len(targets))
			}
		}
	}
	for i := range last {
		for k := range last[i] {
			e := &last[i][k]
			e.ending = targets[e.to]*int32(len(techniques)) + techniques[technique(&c.routes[e.route])]
		}
	}
	found := make([]int32, len(targets)*len(techniques))
	class := endings(last)
	next := newNeighbours(out)
	passed := make([]int32, len(last)) // by class
	var all []Escalation
	prev := make([]*edge, len(c.people))
	order := make([]int, len(c.people))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(c.people[a].ARN, c.people[b].ARN) })
	for _, i := range order {
		if isOne(c.admin[i]) || c.isStage(i) {
			continue
		}
		joint := c.bandTold(i)
		if len(last[i])+len(out[i])+len(joint) == 0 {
			continue
		}
		if err := c.ctx.Err(); err != nil {
			return nil, err
		}
		mark := i + 1
		from, sure := len(all), false
		unfollowed := -1
		prev[i] = nil
		next.begin(i)
		queue := []int{i}
		for at := 0; at < len(queue); at++ {
			x := queue[at]
			fresh := passed[class[x]] != int32(mark)
			passed[class[x]] = int32(mark)
			steps, decision, told := []spelt(nil), Allow, false
			for k := 0; fresh && k < len(last[x]); k++ {
				e := &last[x][k]
				if found[e.ending] == int32(mark) {
					continue
				}
				found[e.ending] = int32(mark)
				if !told {
					steps, decision = c.stepsTo(x, prev)
					told = true
				}
				way := c.way(i, steps, e)
				way.Decision = weaker(way.Decision, decision)
				sure = sure || way.Gain == "full" && way.Decision != Unknown
				if all = append(all, way); e.open != nil {
					unfollowed = len(all) - 1
				}
			}
			next.each(x, func(e *edge) {
				prev[e.to] = e
				queue = append(queue, int(e.to))
			})
		}
		if sure && unfollowed >= 0 { // that says nothing more
			all = slices.Delete(all, unfollowed, unfollowed+1)
		}
		all = append(all, joint...)
		mine := all[from:]
		slices.SortFunc(mine, func(a, b Escalation) int {
			return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(a.Technique, b.Technique))
		})
	}
	return all, nil
}

// stepsTo spells the steps that lead to somebody, and says how sure they are.
func (c *climb) stepsTo(x int, prev []*edge) (steps []spelt, d Decision) {
	d = Allow
	for at := x; prev[at] != nil; at = int(prev[at].from) {
		steps = append(steps, c.spell(prev[at]))
		d = weaker(d, prev[at].decision)
	}
	slices.Reverse(steps)
	return steps, d
}

// neighbours walks steps between those who are no administrators. They are
// kept as sets of bits, since where everybody may become everybody a walk from
// each would meet each step once a principal.
type neighbours struct {
	out    [][]edge // by principal, in order of number
	number []int32  // of each principal who can be become; -1 for others
	whom   []int32
	to     []bitset // by principal; nil for who has no steps
	seen   bitset
}

func newNeighbours(out [][]edge) *neighbours {
	n := &neighbours{out: out, number: make([]int32, len(out)), to: make([]bitset, len(out))}
	for i := range n.number {
		n.number[i] = -1
	}
	for i := range out {
		for k := range out[i] {
			if t := out[i][k].to; n.number[t] < 0 {
				n.number[t] = int32(len(n.whom))
				n.whom = append(n.whom, t)
			}
		}
	}
	words := len(n.whom)/64 + 1
	n.seen = make(bitset, words)
	for i := range out {
		if len(out[i]) == 0 {
			continue
		}
		slices.SortFunc(out[i], func(a, b edge) int { return cmp.Compare(n.number[a.to], n.number[b.to]) })
		n.to[i] = make(bitset, words)
		for k := range out[i] {
			n.to[i].set(int(n.number[out[i][k].to]))
		}
	}
	return n
}

// begin starts a walk from a principal.
func (n *neighbours) begin(i int) {
	clear(n.seen)
	if n.number[i] >= 0 {
		n.seen.set(int(n.number[i]))
	}
}

// each calls f for the steps of a principal to those whom the walk has not met.
func (n *neighbours) each(x int, f func(e *edge)) {
	before := 0 // steps to lower numbers
	for w, word := range n.to[x] {
		for fresh := word &^ n.seen[w]; fresh != 0; fresh &= fresh - 1 {
			f(&n.out[x][before+bits.OnesCount64(word&(fresh&-fresh-1))])
		}
		n.seen[w] |= word
		before += bits.OnesCount64(word)
	}
}

// endings numbers, for each principal, the set of what his last steps lead to:
// many can do the same, and it is enough to look at the first of them who is
// passed.
func endings(last [][]edge) []int32 {
	numbers := map[string]int32{}
	out := make([]int32, len(last))
	var set []int32
	var text []byte
	for i := range last {
		set, text = set[:0], text[:0]
		for k := range last[i] {
			set = append(set, last[i][k].ending)
		}
		slices.Sort(set)
		for _, v := range slices.Compact(set) {
			text = binary.AppendUvarint(text, uint64(v))
		}
		n, ok := numbers[string(text)]
		if !ok {
			n = int32(len(numbers))
			numbers[string(text)] = n
		}
		out[i] = n
	}
	return out
}

// best keeps of parallel steps the surest one.
func best(es []edge) []edge {
	slices.SortStableFunc(es, func(a, b edge) int {
		return cmp.Or(cmp.Compare(a.to, b.to), -cmp.Compare(a.decision, b.decision), cmp.Compare(a.route, b.route))
	})
	return slices.CompactFunc(es, func(a, b edge) bool { return a.to == b.to })
}

func technique(r *reference.Route) string {
	if r.Pathfinding != "" {
		return r.Pathfinding
	}
	return r.ID
}
