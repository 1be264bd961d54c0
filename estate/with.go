package estate

import (
	"fmt"
	"slices"
	"strings"
)

// With returns the next snapshot: s with further assets, relations and blind
// spots, as a step's Derive gives them. An asset whose id s already has takes
// the place of the former one, except that a Referenced one never does; if its
// Config is nil, the former configuration stays, wherever it is kept. To change
// an asset, copy *s.Asset(n) and alter the copy. Several assets given under one
// id are merged as in Build. Ends of relations that no one knows become
// Referenced assets.
//
// What does not change is shared with s: assets always, the node numbers and
// the index unless ids are added, the graph unless relations or ids are.
func (s *Snapshot) With(assets []Asset, rels []Relation, blind []BlindSpot) (*Snapshot, error) {
	s.givesAll()
	next := &Snapshot{taken: s.taken, assets: s.assets, index: s.index, graph: s.graph, blind: s.blind,
		sources: s.sources, coverage: s.coverage, configs: s.configs, refs: s.refs}
	b := NewBuilder(s.taken)
	for _, a := range assets {
		b.Asset(a)
	}
	for _, r := range rels {
		b.Relation(r)
	}
	delta, err := b.Build()
	if err != nil {
		return nil, fmt.Errorf("deriving from %s: %w", s.taken, err)
	}
	next.blind = uniteBlindSpots(slices.Concat(s.blind, blind, delta.blind))
	if delta.Len() == 0 {
		next.shareDigests(s)
		return next, nil
	}
	j := next.join(s, delta)
	if len(rels) > 0 || next.Len() != s.Len() {
		// One group: relations of both may start at one node, and two groups of
		// one node would be laid out over each other.
		next.graph = newCSR(next.Len(), []group{{
			edges: append(j.edges(s, j.old, 0), j.edges(delta, j.new, len(s.graph.labels))...),
			kinds: slices.Concat(s.graph.labels, delta.graph.labels),
		}})
	}
	return next, nil
}

// shareDigests takes over the digests of s, which the next snapshot's hash
// needs as much as that of s does.
func (next *Snapshot) shareDigests(s *Snapshot) {
	if s.Len() > 0 {
		s.ConfigDigest(0)
		next.digests = s.digests
	}
}

// joined says where the nodes of two snapshots stand in the third.
type joined struct{ old, new []uint32 }

// join fills in the assets of next: those of s, overlaid by those of delta.
func (next *Snapshot) join(s, delta *Snapshot) joined {
	j := joined{make([]uint32, s.Len()), make([]uint32, delta.Len())}
	added := 0
	for _, a := range delta.assets {
		if _, ok := s.Find(a.ID); !ok {
			added++
		}
	}
	size := s.Len() + added
	next.assets = make([]*Asset, 0, size)
	next.digests = make([]Digest, size)
	if s.refs != nil {
		next.refs = make([]uint64, size)
	}
	if s.Len() > 0 {
		s.ConfigDigest(0)
	}
	for i, k := 0, 0; i < s.Len() || k < delta.Len(); {
		n := len(next.assets)
		order := 0
		switch {
		case i == s.Len():
			order = 1
		case k == delta.Len():
			order = -1
		default:
			order = strings.Compare(s.assets[i].ID, delta.assets[k].ID)
		}
		if order <= 0 {
			next.digests[n] = s.digests[i]
			if s.refs != nil {
				next.refs[n] = s.refs[i]
			}
		}
		switch {
		case order < 0:
			next.assets = append(next.assets, s.assets[i])
		case order > 0:
			next.assets = append(next.assets, delta.assets[k])
		default:
			next.assets = append(next.assets, next.overlay(n, s.assets[i], delta.assets[k]))
		}
		if order <= 0 {
			j.old[i] = uint32(n)
			i++
		}
		if order >= 0 {
			j.new[k] = uint32(n)
			k++
		}
	}
	next.index = s.index
	if added > 0 {
		next.index = newIndex(next.assets)
	} else {
		next.index = &index{s.index.seed, s.index.slots, next.assets}
	}
	return j
}

// overlay returns what stands at node n when a is given over former.
func (next *Snapshot) overlay(n int, former, a *Asset) *Asset {
	if a.Referenced && !former.Referenced || a.Referenced && a.Type == "" {
		return former
	}
	if a.Config == nil {
		if former.Config == nil {
			return a
		}
		kept := *a
		kept.Config = former.Config
		return &kept
	}
	next.digests[n] = Digest{}
	if next.refs != nil {
		next.refs[n] = 0
	}
	return a
}

// edges returns the relations of s with their ends renamed and their labels
// counted from first.
func (j joined) edges(s *Snapshot, name []uint32, first int) []edge {
	out := make([]edge, 0, len(s.graph.out.to))
	for n := range s.assets {
		to, labels := s.graph.out.row(Node(n))
		for i, t := range to {
			out = append(out, edge{name[n], name[t], labels[i] + uint32(first)})
		}
	}
	return out
}
