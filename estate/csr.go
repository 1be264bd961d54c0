package estate

import (
	"cmp"
	"slices"
)

// csr is a directed graph in compressed sparse rows, both ways: the edges of
// node n are places start[n] to start[n+1] of to and label. Sources: Y. Saad,
// "Iterative Methods for Sparse Linear Systems", 2nd ed., section 3.4.
type csr struct {
	labels  []label
	out, in rows
}

// rows is one direction. Within a row, edges are sorted by neighbour and label.
type rows struct {
	start []uint32
	to    []Node
	label []uint32
}

func (r *rows) row(n Node) (to []Node, label []uint32) {
	lo, hi := r.start[n], r.start[n+1]
	return r.to[lo:hi], r.label[lo:hi]
}

// group is a set of edges whose From nodes occur in no other group, so that
// groups can be laid out at the same time; its labels index its own kinds.
type group struct {
	edges []edge // from and to are nodes
	kinds []label
}

// newCSR lays out the groups' edges over n nodes; equal edges count once.
func newCSR(n int, groups []group) *csr {
	g := &csr{}
	rename := g.uniteLabels(groups)
	start := make([]uint32, n+1)
	parallel(len(groups), func(i int) {
		for _, e := range groups[i].edges {
			start[e.from+1]++
		}
	})
	for i := range n {
		start[i+1] += start[i]
	}
	// A place is neighbour and label in one word, so that sorting a row is
	// sorting integers.
	places := make([]uint64, start[n])
	next := slices.Clone(start[:n])
	parallel(len(groups), func(i int) {
		names := rename[i]
		for _, e := range groups[i].edges {
			places[next[e.from]] = uint64(e.to)<<32 | uint64(names[e.label])
			next[e.from]++
		}
	})
	g.out = compact(n, start, places, next)
	g.in = transpose(n, &g.out)
	return g
}

// uniteLabels makes one sorted table of the groups' labels and returns each
// group's translation into it.
func (g *csr) uniteLabels(groups []group) [][]uint32 {
	at := map[label]uint32{}
	for _, gr := range groups {
		for _, l := range gr.kinds {
			at[l] = 0
		}
	}
	g.labels = make([]label, 0, len(at))
	for l := range at {
		g.labels = append(g.labels, l)
	}
	slices.SortFunc(g.labels, compareLabels)
	for i, l := range g.labels {
		at[l] = uint32(i)
	}
	rename := make([][]uint32, len(groups))
	for i, gr := range groups {
		rename[i] = make([]uint32, len(gr.kinds))
		for j, l := range gr.kinds {
			rename[i][j] = at[l]
		}
	}
	return rename
}

func compareLabels(a, b label) int {
	return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Tier, b.Tier), cmp.Compare(a.Evidence, b.Evidence))
}

// compact sorts each row, drops equal edges and splits the words. kept is
// scratch of length n.
func compact(n int, start []uint32, places []uint64, kept []uint32) rows {
	const block = 1 << 14
	blocks(n, block, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row := places[start[i]:start[i+1]]
			slices.Sort(row)
			kept[i] = uint32(len(slices.Compact(row)))
		}
	})
	r := rows{start: make([]uint32, n+1)}
	for i := range n {
		r.start[i+1] = r.start[i] + kept[i]
	}
	r.to, r.label = make([]Node, r.start[n]), make([]uint32, r.start[n])
	blocks(n, block, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			at := r.start[i]
			for j, p := range places[start[i] : start[i]+kept[i]] {
				r.to[at+uint32(j)], r.label[at+uint32(j)] = Node(p>>32), uint32(p)
			}
		}
	})
	return r
}

// transpose turns every edge round. Each processor takes the edges that end in
// its share of the nodes; reading in order keeps every row sorted.
func transpose(n int, out *rows) rows {
	r := rows{start: make([]uint32, n+1), to: make([]Node, len(out.to)), label: make([]uint32, len(out.to))}
	for _, t := range out.to {
		r.start[t+1]++
	}
	for i := range n {
		r.start[i+1] += r.start[i]
	}
	next := slices.Clone(r.start[:n])
	shares := 1
	if len(out.to) > 1<<16 {
		shares = 2
	}
	size := (n + shares - 1) / max(shares, 1)
	parallel(shares, func(share int) {
		lo, hi := Node(share*size), Node(min(n, (share+1)*size))
		for from := range n {
			for j := out.start[from]; j < out.start[from+1]; j++ {
				t := out.to[j]
				if t < lo || t >= hi {
					continue
				}
				r.to[next[t]], r.label[next[t]] = Node(from), out.label[j]
				next[t]++
			}
		}
	})
	return r
}
