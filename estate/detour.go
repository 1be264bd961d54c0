package estate

import "slices"

// detour is one search of Yen's algorithm: the shortest way from the end of
// root to the target that avoids root and the steps taken.
//
// It deepens a budget of relations and follows only nodes that the distance to
// the target, which avoidance can but lengthen, leaves within it (R. Korf's
// IDA*, Artificial Intelligence 27, 1985), remembering what budget a node
// failed with. On estates most detours are hardly longer than what they avoid,
// and a search looks at a few nodes instead of all. If the budget has to grow
// often, plain breadth-first search takes over. Both find the lowest of the
// shortest ways.
type detour struct {
	y      *yen
	root   []Node
	taken  map[Node]bool
	failed map[Node]int32 // largest budget a node failed with
	total  int32          // the whole budget of this round
	next   int32          // least whole budget that would let in more
	way    []Node
}

// deepenings is how often the budget grows before breadth-first search takes
// over.
const deepenings = 6

func (d *detour) find(spur Node, limit int) []Node {
	budget := d.y.left[spur] - 1
	for range deepenings {
		if limit > 0 && int(budget) > limit {
			return nil
		}
		d.failed, d.total, d.next, d.way = map[Node]int32{}, budget, 0, nil
		if d.from(spur, budget, true) {
			slices.Reverse(d.way)
			return slices.Concat(d.root, d.way)
		}
		if d.next == 0 {
			return nil
		}
		budget = d.next
	}
	bar := &barred{
		node: func(n Node) bool { return d.y.left[n] == 0 || slices.Contains(d.root, n) },
		step: func(a, b Node) bool { return a == spur && d.taken[b] },
	}
	rest := d.y.q.run(d.y.w, []Node{spur}, func(n Node) bool { return n == d.y.to }, bar, limit)
	if rest == nil {
		return nil
	}
	return slices.Concat(d.root, rest[1:])
}

// from looks for the target within budget relations of n and leaves the way
// there in d.way, last node first.
func (d *detour) from(n Node, budget int32, spur bool) bool {
	if !spur && d.y.w.stops(n) {
		return false
	}
	short := int32(0) // least budget at n that would let in more
	for t := range d.y.w.ordered(n) {
		left := d.y.left[t]
		if left == 0 || spur && d.taken[t] || slices.Contains(d.root, t) {
			continue
		}
		if left > budget { // 1 to step there, left-1 to go on
			if short == 0 || left < short {
				short = left
			}
			continue
		}
		if t == d.y.to {
			d.way = append(d.way, t)
			return true
		}
		if b, tried := d.failed[t]; tried && b >= budget-1 {
			continue
		}
		if d.from(t, budget-1, false) {
			d.way = append(d.way, t)
			return true
		}
		d.failed[t] = budget - 1
	}
	d.grow(short, budget)
	return false
}

// grow notes by how much the whole budget would have to grow for a node that
// had budget left and wanted need.
func (d *detour) grow(need, budget int32) {
	if need == 0 {
		return
	}
	if whole := d.total + need - budget; d.next == 0 || whole < d.next {
		d.next = whole
	}
}
