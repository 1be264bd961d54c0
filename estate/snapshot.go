package estate

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"
)

// Node is the place of an asset in one snapshot, from 0 to Len()-1, in the
// order of the assets' ids. Nodes of two snapshots have nothing to do with
// each other.
type Node int32

// Edge is one relation as seen from one of its ends.
type Edge struct {
	Node     Node // the other end
	Type     RelationType
	Tier     Tier
	Evidence string
}

// Snapshot is the estate at one time. It never changes and may be used from
// many goroutines.
type Snapshot struct {
	taken    time.Time
	assets   []*Asset // sorted by id
	index    *index
	graph    *csr
	blind    []BlindSpot
	sources  []SourceStatus
	coverage []Coverage

	// configs holds the configurations that are not in memory; refs[n] is 0
	// where the asset's own Config is the one.
	configs ConfigSource
	refs    []uint64

	digestOnce sync.Once
	digests    []Digest // of the configurations, by node
	hashOnce   sync.Once
	hash       string

	note func(Node, error) // see Watched; nil: nobody asks
}

// ConfigSource reads configurations that are kept outside memory.
type ConfigSource interface {
	// Config returns the configuration that ref names. The error names the
	// place of a damaged one.
	Config(ref uint64) (json.RawMessage, error)
	// Each calls fn with the place in refs and the configuration of every ref,
	// in the order in which it reads fastest, one call at a time, and stops at
	// the first error. The configuration is fn's to keep.
	Each(ctx context.Context, refs []uint64, fn func(place int, config json.RawMessage) error) error
}

// Len returns the number of assets.
func (s *Snapshot) Len() int { return len(s.assets) }

// RelationCount returns the number of relations.
func (s *Snapshot) RelationCount() int { return len(s.graph.out.to) }

// Taken returns when the estate was read, in UTC.
func (s *Snapshot) Taken() time.Time { return s.taken }

// Find returns the node of the asset with an id.
func (s *Snapshot) Find(id string) (Node, bool) { return s.index.find(id) }

// Asset returns an asset. Its Config may be nil though it has one: see Config.
// The asset is the snapshot's own and must not be changed.
func (s *Snapshot) Asset(n Node) *Asset { return s.assets[n] }

// Config returns an asset's configuration in canonical spelling, reading it
// from the store if it is not in memory; nil if the asset has none.
func (s *Snapshot) Config(n Node) (json.RawMessage, error) {
	s.gives(n)
	if s.refs != nil && s.refs[n] != 0 {
		config, err := s.configs.Config(s.refs[n])
		if err != nil {
			if s.note != nil {
				s.note(n, err)
			}
			return nil, fmt.Errorf("configuration of %s: %w", s.assets[n].ID, err)
		}
		return config, nil
	}
	return s.assets[n].Config, nil
}

// Each calls fn for every asset with its configuration, in the order in which
// the configurations are stored, one call at a time; configurations are read
// ahead and decoded in parallel, and memory does not grow with the estate. It
// stops at the first error, fn's included.
func (s *Snapshot) Each(ctx context.Context, fn func(n Node, a *Asset, config json.RawMessage) error) error {
	return s.EachOf(ctx, func(Node, *Asset) bool { return true }, fn)
}

// EachOf is Each for the assets that want holds of: no other's configuration is
// read. want is asked once of each asset, in the order of their ids.
func (s *Snapshot) EachOf(ctx context.Context, want func(Node, *Asset) bool, fn func(n Node, a *Asset, config json.RawMessage) error) error {
	var nodes []Node
	var refs []uint64
	for n, a := range s.Assets() {
		if !want(n, a) {
			continue
		}
		s.gives(n)
		if s.refs != nil && s.refs[n] != 0 {
			nodes, refs = append(nodes, n), append(refs, s.refs[n])
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := fn(n, a, a.Config); err != nil {
			return err
		}
	}
	if len(refs) == 0 {
		return nil
	}
	return s.configs.Each(ctx, refs, func(place int, config json.RawMessage) error {
		return fn(nodes[place], s.assets[nodes[place]], config)
	})
}

// Assets yields all assets in the order of their ids.
func (s *Snapshot) Assets() iter.Seq2[Node, *Asset] {
	return func(yield func(Node, *Asset) bool) {
		for n, a := range s.assets {
			if !yield(Node(n), a) {
				return
			}
		}
	}
}

func (s *Snapshot) edges(r *rows, n Node) iter.Seq[Edge] {
	return func(yield func(Edge) bool) {
		to, labels := r.row(n)
		for i, t := range to {
			l := &s.graph.labels[labels[i]]
			if !yield(Edge{t, l.Type, l.Tier, l.Evidence}) {
				return
			}
		}
	}
}

// Out yields the relations that start at n, in the order of the ids they end
// at.
func (s *Snapshot) Out(n Node) iter.Seq[Edge] { return s.edges(&s.graph.out, n) }

// In yields the relations that end at n, in the order of the ids they start
// at.
func (s *Snapshot) In(n Node) iter.Seq[Edge] { return s.edges(&s.graph.in, n) }

// Relations yields all relations, sorted by the ids of their ends, then by
// type, tier and evidence.
func (s *Snapshot) Relations() iter.Seq[Relation] {
	return func(yield func(Relation) bool) {
		for n, a := range s.assets {
			for e := range s.Out(Node(n)) {
				if !yield(Relation{a.ID, s.assets[e.Node].ID, e.Type, e.Tier, e.Evidence}) {
					return
				}
			}
		}
	}
}

// BlindSpots returns what could not be seen, sorted, each once.
func (s *Snapshot) BlindSpots() []BlindSpot { return slices.Clone(s.blind) }

// Sources returns how far each source was read, sorted by its name.
func (s *Snapshot) Sources() []SourceStatus { return slices.Clone(s.sources) }

// Coverage returns the scopes that were listed to the end, sorted.
func (s *Snapshot) Coverage() []Coverage { return slices.Clone(s.coverage) }

// Covered reports whether a type was listed to the end in an account and
// region, so that no asset means that there is none. A coverage without a
// region is that of a global type and holds in every region.
func (s *Snapshot) Covered(typ, account, region string) bool {
	for _, r := range []string{region, ""} {
		if _, ok := slices.BinarySearchFunc(s.coverage, Coverage{typ, account, r}, compareCoverage); ok {
			return true
		}
	}
	return false
}

func compareCoverage(a, b Coverage) int {
	return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region))
}

func uniteCoverage(cs []Coverage) []Coverage {
	out := slices.Clone(cs)
	slices.SortFunc(out, compareCoverage)
	return slices.Compact(out)
}

func compareBlindSpots(a, b BlindSpot) int {
	return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region),
		cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Asset, b.Asset), slices.Compare(a.Types, b.Types),
		cmp.Compare(a.Status, b.Status), cmp.Compare(a.Why, b.Why), cmp.Compare(a.Hint, b.Hint))
}

func uniteBlindSpots(in []BlindSpot) []BlindSpot {
	for i := range in {
		in[i].Types = uniqueStrings(in[i].Types)
	}
	slices.SortFunc(in, compareBlindSpots)
	return slices.CompactFunc(in, func(a, b BlindSpot) bool { return compareBlindSpots(a, b) == 0 })
}

func sortSources(in []SourceStatus) {
	for i := range in {
		in[i].Covered = uniteCoverage(in[i].Covered)
	}
	slices.SortFunc(in, func(a, b SourceStatus) int {
		return cmp.Or(strings.Compare(a.Source, b.Source), strings.Compare(a.Status, b.Status), cmp.Compare(a.Assets, b.Assets))
	})
}
