package estate

import (
	"iter"
	"math/bits"
	"slices"
)

// Direction is the way relations are followed.
type Direction int

// The directions.
const (
	Forward  Direction = iota // from From to To
	Backward                  // from To to From
	Both
)

// Filter says which relations a query follows. The zero Filter follows all,
// forward, to the end.
type Filter struct {
	// Types and Tiers that are followed; empty means all.
	Types []RelationType
	Tiers []Tier
	// Except lists types that are not followed.
	Except    []RelationType
	Direction Direction
	// Stop, if not nil, says which assets are reached but not left again; the
	// starting points are always left. It must be free of side effects.
	Stop func(Node, *Asset) bool
	// Max bounds the number of relations of a path; 0 is no bound. A set counts
	// two: into it and out of it.
	Max int
}

// walker is a Filter made ready for one snapshot.
type walker struct {
	s       *Snapshot
	f       Filter
	allowed []bool // by label; nil: all
}

func (s *Snapshot) walker(f Filter) *walker {
	w := &walker{s: s, f: f}
	if len(f.Types) == 0 && len(f.Tiers) == 0 && len(f.Except) == 0 {
		return w
	}
	w.allowed = make([]bool, len(s.graph.labels))
	for i, l := range s.graph.labels {
		w.allowed[i] = (len(f.Types) == 0 || slices.Contains(f.Types, l.Type)) &&
			(len(f.Tiers) == 0 || slices.Contains(f.Tiers, l.Tier)) && !slices.Contains(f.Except, l.Type)
	}
	return w
}

// rows returns the directions the walker goes.
func (w *walker) rows() []*rows {
	switch w.f.Direction {
	case Backward:
		return []*rows{&w.s.graph.in}
	case Both:
		return []*rows{&w.s.graph.out, &w.s.graph.in}
	}
	return []*rows{&w.s.graph.out}
}

// reversed returns the walker that goes the other way.
func (w *walker) reversed() *walker {
	r := *w
	switch w.f.Direction {
	case Forward:
		r.f.Direction = Backward
	case Backward:
		r.f.Direction = Forward
	}
	return &r
}

func (w *walker) stops(n Node) bool { return w.f.Stop != nil && w.f.Stop(n, w.s.assets[n]) }

// neighbours yields where n leads. A neighbour with several relations comes
// several times.
func (w *walker) neighbours(n Node) iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for _, r := range w.rows() {
			to, labels := r.row(n)
			for i, t := range to {
				if (w.allowed == nil || w.allowed[labels[i]]) && !yield(t) {
					return
				}
			}
		}
	}
}

// NodeSet is a set of nodes of one snapshot, one bit each.
type NodeSet struct {
	words []uint64
	n     int
}

// NewNodeSet returns an empty set for s.
func (s *Snapshot) NewNodeSet(nodes ...Node) *NodeSet {
	set := &NodeSet{words: make([]uint64, (len(s.assets)+63)/64)}
	for _, n := range nodes {
		set.Add(n)
	}
	return set
}

// Add adds n and reports whether it was new.
func (s *NodeSet) Add(n Node) bool {
	w, bit := n>>6, uint64(1)<<(n&63)
	if s.words[w]&bit != 0 {
		return false
	}
	s.words[w] |= bit
	s.n++
	return true
}

// Has reports whether n is in the set.
func (s *NodeSet) Has(n Node) bool { return s.words[n>>6]&(1<<(n&63)) != 0 }

// Len returns the number of nodes in the set.
func (s *NodeSet) Len() int { return s.n }

// All yields the nodes in order.
func (s *NodeSet) All() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for i, w := range s.words {
			for ; w != 0; w &= w - 1 {
				if !yield(Node(i<<6 + bits.TrailingZeros64(w))) {
					return
				}
			}
		}
	}
}
