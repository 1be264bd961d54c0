package risk

import (
	"slices"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// state is an asset and what an attacker has of it: node × powers + power.
type state int32

func at(n estate.Node, p power) state { return state(n)*state(powers) + state(p) }
func (s state) node() estate.Node     { return estate.Node(s / state(powers)) }
func (s state) power() power          { return power(s % state(powers)) }

// steps are the transitions between states in compressed sparse rows.
type steps struct {
	off  []int32
	to   []state
	rule []uint8 // index in moves
}

func (t *steps) of(s state) (to []state, rules []uint8) {
	i, j := t.off[s], t.off[s+1]
	return t.to[i:j], t.rule[i:j]
}

// graph is a snapshot as an attacker sees it.
type graph struct {
	snap *estate.Snapshot
	out  steps // ways on
	in   steps // ways here
}

// arc is one transition before it is laid out.
type arc struct {
	from, to state
	rule     uint8
}

// newGraph lays out every transition the relations allow. It takes time and memory
// in proportion to relations and powers. doors are what asks nobody who he is,
// with what meeting it gives.
func newGraph(snap *estate.Snapshot, doors map[estate.Node]power) *graph {
	byType := map[estate.RelationType][]uint8{}
	for i, m := range moves {
		byType[m.rel] = append(byType[m.rel], uint8(i))
	}
	g := &graph{snap: snap}
	var arcs []arc
	for n, a := range snap.Assets() {
		for e := range snap.Out(n) {
			b := snap.Asset(e.Node)
			for _, r := range byType[e.Type] {
				if moves[r].follows(a, e) {
					arcs = moves[r].arcs(arcs, r, n, a, e.Node, b)
				}
			}
		}
	}
	for n, gain := range doors {
		arcs = append(arcs, arc{at(n, meet), at(n, gain), doorRule})
	}
	states := snap.Len() * int(powers)
	g.out = layOut(arcs, states, func(a arc) (state, state) { return a.from, a.to })
	g.in = layOut(arcs, states, func(a arc) (state, state) { return a.to, a.from })
	return g
}

// doorRule stands for moves in the transition that an open door makes of a
// connection: within one asset, from meeting it to acting as it.
const doorRule = 255

// rule returns the move of a transition.
func ruleOf(r uint8) *move {
	if r == doorRule {
		return &door
	}
	return &moves[r]
}

// door is the move through an open door.
var door = move{words: "asks nobody who he is, and so gives", hard: plain, technique: "T1190"}

// follows reports whether a move is made by a relation of its type. What steps
// derive is possible at best; whatever else is only possible is no way, unless it
// is as good as declared.
func (m *move) follows(a *estate.Asset, e estate.Edge) bool {
	if m.derived {
		return m.tied == (e.Evidence == "conditional")
	}
	return e.Tier != estate.Possible || made(a, e)
}

// made reports whether a relation that is not declared is as good as: a
// controller's objects carry its name, though nobody sent what lies between.
func made(a *estate.Asset, e estate.Edge) bool {
	return e.Type == estate.Contains && a.Cloud == estate.Kubernetes && e.Tier == estate.Possible
}

// arcs adds the transitions a move makes of a relation from a to b.
func (m *move) arcs(out []arc, rule uint8, n estate.Node, a *estate.Asset, to estate.Node, b *estate.Asset) []arc {
	if m.back {
		n, a, to, b = to, b, n, a
	}
	if n == to || m.from != nil && !m.from(a) || m.to != nil && !m.to(b) {
		return out
	}
	for p := range powers {
		if m.need.has(p) {
			gain := m.gain
			if m.same {
				gain = p
			}
			out = append(out, arc{at(n, p), at(to, gain), rule})
		}
	}
	return out
}

// layOut sorts transitions into rows by one of their ends, each row by the
// other and by move, each pair once.
func layOut(arcs []arc, states int, ends func(arc) (state, state)) steps {
	t := steps{off: make([]int32, states+1), to: make([]state, len(arcs)), rule: make([]uint8, len(arcs))}
	for _, a := range arcs {
		from, _ := ends(a)
		t.off[from+1]++
	}
	for i := range states {
		t.off[i+1] += t.off[i]
	}
	next := slices.Clone(t.off)
	for _, a := range arcs {
		from, to := ends(a)
		t.to[next[from]], t.rule[next[from]] = to, a.rule
		next[from]++
	}
	for s := range states {
		i, j := t.off[s], t.off[s+1]
		if j-i > 1 {
			sortRow(t.to[i:j], t.rule[i:j])
		}
	}
	return t
}

// sortRow orders one row, keeping targets and moves together.
func sortRow(to []state, rule []uint8) {
	type pair struct {
		to   state
		rule uint8
	}
	row := make([]pair, len(to))
	for i := range to {
		row[i] = pair{to[i], rule[i]}
	}
	slices.SortFunc(row, func(a, b pair) int {
		if a.to != b.to {
			return int(a.to) - int(b.to)
		}
		return int(a.rule) - int(b.rule)
	})
	for i, p := range row {
		to[i], rule[i] = p.to, p.rule
	}
}

// found is the result of a search: how hard each state is to come by, and by which
// move and neighbour it is easiest.
type found struct {
	dist []int32 // the sum of the moves' difficulties; -1: not reached
	via  []state
	rule []uint8
}

// search finds the easiest ways from some states to all others, or, if back is
// set, the ways to them. Of ways as hard it takes the first, in the order of the
// starts and then of ids. Difficulties are small whole numbers, so that buckets
// serve as the queue (Dial 1969): time and memory in proportion to transitions.
func (g *graph) search(starts []state, back bool) *found {
	rows := &g.out
	if back {
		rows = &g.in
	}
	states := g.snap.Len() * int(powers)
	f := &found{dist: make([]int32, states), via: make([]state, states), rule: make([]uint8, states)}
	for i := range f.dist {
		f.dist[i] = -1
	}
	var buckets [hardest + 1][]state
	waiting := 0
	for _, s := range starts {
		if f.dist[s] < 0 {
			f.dist[s], f.via[s] = 0, s
			buckets[0] = append(buckets[0], s)
			waiting++
		}
	}
	for d := int32(0); waiting > 0; d++ {
		slot := &buckets[int(d)%len(buckets)]
		for i := 0; i < len(*slot); i++ {
			s := (*slot)[i]
			waiting--
			if f.dist[s] != d {
				continue // come by more easily since it was put here
			}
			to, rules := rows.of(s)
			for k, t := range to {
				next := d + costs[rules[k]]
				if f.dist[t] < 0 || next < f.dist[t] {
					f.dist[t], f.via[t], f.rule[t] = next, s, rules[k]
					into := &buckets[int(next)%len(buckets)]
					*into = append(*into, t)
					waiting++
				}
			}
		}
		*slot = (*slot)[:0]
	}
	return f
}

// way follows a search's result from a state to where it began.
func (f *found) way(s state) (states []state, rules []uint8) {
	states = append(states, s)
	for f.via[s] != s {
		rules = append(rules, f.rule[s])
		s = f.via[s]
		states = append(states, s)
	}
	return states, rules
}
