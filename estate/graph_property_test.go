package estate

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// drawGraph draws a small graph with parallel relations, loops, sets and tiers.
func drawGraph(t *rapid.T) *Snapshot {
	n := rapid.IntRange(1, 9).Draw(t, "nodes")
	b := NewBuilder(noon)
	for i := range n {
		typ := ""
		if rapid.IntRange(0, 4).Draw(t, "set") == 0 {
			typ = SetType
		}
		b.Asset(Asset{ID: fmt.Sprintf("n%d", i), Type: typ})
	}
	for range rapid.IntRange(0, 24).Draw(t, "relations") {
		b.Relation(Relation{From: fmt.Sprintf("n%d", rapid.IntRange(0, n-1).Draw(t, "from")), To: fmt.Sprintf("n%d", rapid.IntRange(0, n-1).Draw(t, "to")),
			Type: rapid.SampledFrom([]RelationType{Reads, Writes}).Draw(t, "type"), Tier: rapid.SampledFrom([]Tier{Declared, Possible}).Draw(t, "tier")})
	}
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func drawFilter(t *rapid.T) Filter {
	f := Filter{Direction: rapid.SampledFrom([]Direction{Forward, Backward, Both}).Draw(t, "direction"), Max: rapid.SampledFrom([]int{0, 0, 1, 2, 3}).Draw(t, "max")}
	if rapid.Bool().Draw(t, "by type") {
		f.Types = []RelationType{Reads}
	}
	if rapid.Bool().Draw(t, "by tier") {
		f.Tiers = []Tier{Declared}
	}
	if rapid.Bool().Draw(t, "stops") {
		f.Stop = func(n Node, _ *Asset) bool { return n%3 == 2 }
	}
	return f
}

// oracle answers by walking every path over a list of relations.
type oracle struct {
	s *Snapshot
	f Filter
}

func (o oracle) next(n Node) []Node {
	var out []Node
	for r := range o.s.Relations() {
		if len(o.f.Types) > 0 && !slices.Contains(o.f.Types, r.Type) || len(o.f.Tiers) > 0 && !slices.Contains(o.f.Tiers, r.Tier) {
			continue
		}
		from, _ := o.s.Find(r.From)
		to, _ := o.s.Find(r.To)
		if from == n && o.f.Direction != Backward {
			out = append(out, to)
		}
		if to == n && o.f.Direction != Forward {
			out = append(out, from)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// paths returns all simple paths from the end of way to the target, or to
// anywhere if it is negative.
func (o oracle) paths(way []Node, to Node, out [][]Node) [][]Node {
	n := way[len(way)-1]
	if n == to || to < 0 {
		out = append(out, slices.Clone(way))
	}
	if n == to || len(way) > 1 && o.f.Stop != nil && o.f.Stop(n, nil) || o.f.Max > 0 && len(way)-1 == o.f.Max {
		return out
	}
	for _, m := range o.next(n) {
		if !slices.Contains(way, m) {
			out = o.paths(append(way, m), to, out)
		}
	}
	return out
}

func TestPathsAgainstAnOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, f := drawGraph(t), drawFilter(t)
		o := oracle{s, f}
		from := Node(rapid.IntRange(0, s.Len()-1).Draw(t, "start"))
		to := Node(rapid.IntRange(0, s.Len()-1).Draw(t, "goal"))
		want := o.paths([]Node{from}, to, nil)
		slices.SortFunc(want, comparePaths)
		k := rapid.IntRange(1, 12).Draw(t, "k")
		var got [][]Node
		for _, p := range s.KPaths(from, to, k, f) {
			got = append(got, p.Nodes)
			checkEdges(t, s, f, p)
		}
		if expect := want[:min(k, len(want))]; !slices.EqualFunc(got, expect, slices.Equal) {
			t.Fatalf("%d paths: got %v, want %v", k, got, expect)
		}
		p, ok := s.ShortestPath(from, to, f)
		if ok != (len(want) > 0) || ok && !slices.Equal(p.Nodes, want[0]) {
			t.Fatalf("shortest: got %v %v, want of %v", p.Nodes, ok, want)
		}
	})
}

func checkEdges(t *rapid.T, s *Snapshot, f Filter, p Path) {
	steps := 0
	for _, step := range s.Steps(p) {
		steps += len(step.Edges)
	}
	if steps != p.Len() {
		t.Fatalf("steps hold %d of %d relations", steps, p.Len())
	}
	for i, e := range p.Edges {
		if e.Node != p.Nodes[i+1] {
			t.Fatalf("edge %d leads to %d, not %d", i, e.Node, p.Nodes[i+1])
		}
		if len(f.Types) > 0 && !slices.Contains(f.Types, e.Type) || len(f.Tiers) > 0 && !slices.Contains(f.Tiers, e.Tier) {
			t.Fatalf("edge %v does not pass the filter", e)
		}
	}
}

func TestReachAgainstAnOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, f := drawGraph(t), drawFilter(t)
		o := oracle{s, f}
		starts := []Node{Node(rapid.IntRange(0, s.Len()-1).Draw(t, "a")), Node(rapid.IntRange(0, s.Len()-1).Draw(t, "b"))}
		want := map[Node]bool{}
		for _, from := range starts {
			for _, p := range o.paths([]Node{from}, -1, nil) {
				want[p[len(p)-1]] = true
			}
		}
		got := s.Reach(starts, f)
		n := 0
		for m := range got.All() {
			n++
			if !want[m] || !got.Has(m) {
				t.Fatalf("%d is reached", m)
			}
		}
		if n != len(want) || got.Len() != n {
			t.Fatalf("%d reached, set says %d, want %d", n, got.Len(), len(want))
		}
		checkNearest(t, s, f, o, starts)
	})
}

func checkNearest(t *rapid.T, s *Snapshot, f Filter, o oracle, starts []Node) {
	goal := s.NewNodeSet(Node(rapid.IntRange(0, s.Len()-1).Draw(t, "x")), Node(rapid.IntRange(0, s.Len()-1).Draw(t, "y")))
	best := -1
	for _, from := range starts {
		for g := range goal.All() {
			for _, p := range o.paths([]Node{from}, g, nil) {
				if best < 0 || len(p)-1 < best {
					best = len(p) - 1
				}
			}
		}
	}
	p, ok := s.Nearest(starts, goal, f)
	if ok != (best >= 0) || ok && p.Len() != best {
		t.Fatalf("nearest: %v %v, want length %d", p.Nodes, ok, best)
	}
}

func TestInIsOutTurnedRound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawGraph(t)
		var out, in []Relation
		for r := range s.Relations() {
			out = append(out, r)
		}
		for n, a := range s.Assets() {
			last := Node(-1)
			for e := range s.In(n) {
				if e.Node < last {
					t.Fatalf("relations into %s are out of order", a.ID)
				}
				last = e.Node
				in = append(in, Relation{s.Asset(e.Node).ID, a.ID, e.Type, e.Tier, e.Evidence})
			}
		}
		if len(in) != s.RelationCount() || len(missingFrom(in, out)) > 0 || len(missingFrom(out, in)) > 0 {
			t.Fatalf("in %v, out %v", in, out)
		}
	})
}
