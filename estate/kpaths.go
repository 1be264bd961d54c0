package estate

import (
	"cmp"
	"container/heap"
	"slices"
)

// KPaths returns up to k paths from one node to another that visit no node
// twice, shortest first and, among equals, by the ids of their nodes. Paths
// differ in their nodes; relations beside each other make one path.
//
// The algorithm is J. Yen's, "Finding the K Shortest Loopless Paths in a
// Network", Management Science 17(11), 1971, with E. Lawler's rule (Management
// Science 18(7), 1972) of deviating only behind the point where a path itself
// deviated, and with every search led by the distance to the target, nearest first (see detour). It costs at most k times the path's length
// breadth-first searches.
func (s *Snapshot) KPaths(from, to Node, k int, f Filter) []Path {
	if k <= 0 {
		return nil
	}
	y := &yen{w: s.walker(f), q: newSearch(s), to: to, max: f.Max}
	if from == to {
		return []Path{{Nodes: []Node{from}}}
	}
	y.measure()
	if y.left[from] == 0 {
		return nil
	}
	if first := y.deviate([]Node{from}, nil); first != nil {
		heap.Push(&y.waiting, candidate{first, 0})
	}
	for len(y.found) < k && y.waiting.Len() > 0 {
		c := heap.Pop(&y.waiting).(candidate)
		y.found = append(y.found, c.nodes)
		if len(y.found) < k {
			y.spread(c)
		}
	}
	out := make([]Path, len(y.found))
	for i, nodes := range y.found {
		out[i] = y.w.path(nodes)
	}
	return out
}

// candidate is a path and the place where it left the path it comes from.
type candidate struct {
	nodes []Node
	left  int
}

// candidates is a heap, shortest and lowest first.
type candidates []candidate

func (c candidates) Len() int           { return len(c) }
func (c candidates) Less(i, j int) bool { return comparePaths(c[i].nodes, c[j].nodes) < 0 }
func (c candidates) Swap(i, j int)      { c[i], c[j] = c[j], c[i] }
func (c *candidates) Push(x any)        { *c = append(*c, x.(candidate)) }
func (c *candidates) Pop() any {
	last := (*c)[len(*c)-1]
	*c = (*c)[:len(*c)-1]
	return last
}

func comparePaths(a, b []Node) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), slices.Compare(a, b))
}

// yen is the state of one KPaths.
type yen struct {
	w       *walker
	q       *search
	to      Node
	max     int
	left    []int32 // 1 + fewest relations from a node to the target; 0: no way
	found   [][]Node
	waiting candidates
}

// measure finds how far every node is from the target.
func (y *yen) measure() {
	back := y.w.reversed()
	y.left = make([]int32, len(y.w.s.assets))
	y.left[y.to] = 1
	queue := []Node{y.to}
	for at := 0; at < len(queue); at++ {
		for t := range back.neighbours(queue[at]) {
			if y.left[t] == 0 {
				y.left[t] = y.left[queue[at]] + 1
				queue = append(queue, t)
			}
		}
	}
}

// spread adds the paths that follow c to a node at or behind where c left its
// own forerunner, and there take a step no found path with that beginning
// takes.
func (y *yen) spread(c candidate) {
	for i := c.left; i < len(c.nodes)-1; i++ {
		root := c.nodes[:i+1]
		taken := map[Node]bool{}
		for _, p := range y.found {
			if len(p) > i+1 && slices.Equal(p[:i+1], root) {
				taken[p[i+1]] = true
			}
		}
		if nodes := y.deviate(root, taken); nodes != nil {
			heap.Push(&y.waiting, candidate{nodes, i})
		}
	}
}

// deviate returns the shortest path that begins with root and does not go on to
// a node taken.
func (y *yen) deviate(root []Node, taken map[Node]bool) []Node {
	spur := root[len(root)-1]
	if len(root) > 1 && y.w.stops(spur) {
		return nil
	}
	limit := 0
	if y.max > 0 {
		if limit = y.max - (len(root) - 1); limit <= 0 {
			return nil
		}
	}
	d := &detour{y: y, root: root, taken: taken}
	return d.find(spur, limit)
}
