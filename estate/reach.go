package estate

// Reach returns all nodes that lie on a path from any of the starting points,
// the starting points included. Set nodes on the way are in the result.
//
// It is a breadth-first search: O(nodes + relations) time, one bit a node and
// four bytes for each node of two neighbouring levels.
func (s *Snapshot) Reach(from []Node, f Filter) *NodeSet {
	w := s.walker(f)
	seen := s.NewNodeSet()
	var level, next []Node
	for _, n := range from {
		if seen.Add(n) {
			level = append(level, n)
		}
	}
	rows := w.rows()
	for depth := 0; len(level) > 0 && (f.Max == 0 || depth < f.Max); depth++ {
		next = next[:0]
		for _, n := range level {
			if depth > 0 && w.stops(n) {
				continue
			}
			for _, r := range rows {
				next = w.expand(r, n, seen, next)
			}
		}
		level, next = next, level
	}
	return seen
}

// expand adds to next the neighbours of n in r that were not seen before.
func (w *walker) expand(r *rows, n Node, seen *NodeSet, next []Node) []Node {
	to, labels := r.row(n)
	for i, t := range to {
		if w.allowed != nil && !w.allowed[labels[i]] {
			continue
		}
		if seen.Add(t) {
			next = append(next, t)
		}
	}
	return next
}
