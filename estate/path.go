package estate

import (
	"slices"
	"strings"
)

// Path is a way through the graph: nodes, set nodes included, with the
// relations between them.
type Path struct {
	Nodes []Node
	// Edges[i] leads from Nodes[i] to Nodes[i+1]; where several relations do, it
	// is the first by type, tier and evidence. Its Node is Nodes[i+1], whichever
	// way it was followed.
	Edges []Edge
}

// Len returns the number of relations of the path; one through a set counts
// two.
func (p Path) Len() int { return len(p.Edges) }

// Step is one step of a path as people read it.
type Step struct {
	From, To Node
	// Edges are the relations taken: one, or those into, between and out of Via.
	Edges []Edge
	// Via are the set nodes the step goes through: the class both ends belong to.
	Via []Node
}

// Steps returns the path with each passage through sets drawn together into
// one step. A path that begins or ends at a set shows it as an end.
func (s *Snapshot) Steps(p Path) []Step {
	var out []Step
	for i, e := range p.Edges {
		from, to := p.Nodes[i], p.Nodes[i+1]
		if i > 0 && s.assets[from].Type == SetType {
			step := &out[len(out)-1]
			step.Via = append(step.Via, from)
			step.Edges = append(step.Edges, e)
			step.To = to
			continue
		}
		out = append(out, Step{From: from, To: to, Edges: []Edge{e}})
	}
	return out
}

// Describe writes a path on one line: "a -reads-> b -(set) grants-> c".
func (s *Snapshot) Describe(p Path) string {
	var b strings.Builder
	for i, step := range s.Steps(p) {
		if i == 0 {
			b.WriteString(s.assets[step.From].ID)
		}
		types := make([]string, len(step.Edges))
		for j, e := range step.Edges {
			types[j] = string(e.Type)
		}
		b.WriteString(" -" + strings.Join(types, ", ") + "-> " + s.assets[step.To].ID)
		for j, v := range step.Via {
			if j == 0 {
				b.WriteString(" via set ")
			} else {
				b.WriteString(", ")
			}
			b.WriteString(s.assets[v].ID)
		}
	}
	return b.String()
}

// ShortestPath returns a path with the fewest relations from one node to
// another; of several, the first by the ids of its nodes. ok is false if there
// is none. The path from a node to itself is empty.
func (s *Snapshot) ShortestPath(from, to Node, f Filter) (p Path, ok bool) {
	return s.Nearest([]Node{from}, s.NewNodeSet(to), f)
}

// Nearest returns a path with the fewest relations from any of the starting
// points to any of the targets, found by breadth-first search.
func (s *Snapshot) Nearest(from []Node, to *NodeSet, f Filter) (p Path, ok bool) {
	w := s.walker(f)
	starts := slices.Clone(from)
	slices.Sort(starts)
	nodes := newSearch(s).run(w, slices.Compact(starts), to.Has, nil, f.Max)
	if nodes == nil {
		return Path{}, false
	}
	return w.path(nodes), true
}

// path fills in the relations between nodes.
func (w *walker) path(nodes []Node) Path {
	p := Path{Nodes: nodes, Edges: make([]Edge, 0, len(nodes)-1)}
	for i := 1; i < len(nodes); i++ {
		p.Edges = append(p.Edges, w.first(nodes[i-1], nodes[i]))
	}
	return p
}

// first returns the first relation from a to b that the walker may take.
func (w *walker) first(a, b Node) Edge {
	for _, r := range w.rows() {
		to, labels := r.row(a)
		i, _ := slices.BinarySearch(to, b)
		for ; i < len(to) && to[i] == b; i++ {
			if w.allowed == nil || w.allowed[labels[i]] {
				l := w.s.graph.labels[labels[i]]
				return Edge{b, l.Type, l.Tier, l.Evidence}
			}
		}
	}
	return Edge{Node: b}
}

// search is the memory of breadth-first searches on one snapshot; it is
// cleared in the time the last one took, not in that of the whole graph.
type search struct {
	parent []Node // parent+2; 1 for a start; 0 unseen
	queue  []Node
}

func newSearch(s *Snapshot) *search { return &search{parent: make([]Node, len(s.assets))} }

// barred forbids nodes and single steps to a search.
type barred struct {
	node func(Node) bool
	step func(from, to Node) bool
}

// run returns the nodes of a shortest path from a start to a node that is a
// goal, or nil. Starts are sorted; ties go to the lowest nodes in order, since
// a level is visited in the order of the paths that lead to it (in direction
// Both, neighbours are merged to keep that so). limit 0 is none.
func (q *search) run(w *walker, starts []Node, goal func(Node) bool, bar *barred, limit int) []Node {
	defer q.clear()
	for _, n := range starts {
		if goal(n) {
			return []Node{n}
		}
		q.parent[n] = 1
		q.queue = append(q.queue, n)
	}
	level, end := 0, len(q.queue)
	for at := 0; at < len(q.queue); at++ {
		if at == end {
			level, end = level+1, len(q.queue)
		}
		if limit > 0 && level >= limit {
			return nil
		}
		n := q.queue[at]
		if q.parent[n] > 1 && w.stops(n) {
			continue
		}
		for t := range w.ordered(n) {
			if q.parent[t] != 0 || bar != nil && (bar.node(t) || bar.step(n, t)) {
				continue
			}
			q.parent[t] = n + 2
			q.queue = append(q.queue, t)
			if goal(t) {
				return q.trace(t)
			}
		}
	}
	return nil
}

// ordered yields the neighbours of n in ascending order.
func (w *walker) ordered(n Node) func(func(Node) bool) {
	if w.f.Direction != Both {
		return w.neighbours(n)
	}
	return slices.Values(slices.Sorted(w.neighbours(n)))
}

func (q *search) trace(n Node) []Node {
	var out []Node
	for q.parent[n] > 1 {
		out = append(out, n)
		n = q.parent[n] - 2
	}
	out = append(out, n)
	slices.Reverse(out)
	return out
}

func (q *search) clear() {
	for _, n := range q.queue {
		q.parent[n] = 0
	}
	q.queue = q.queue[:0]
}
