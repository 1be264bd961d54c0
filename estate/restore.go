package estate

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Stored is a snapshot as a store keeps it.
type Stored struct {
	Taken time.Time
	// Hash is what Hash gave when the snapshot was stored. Empty: it is computed
	// when asked for.
	Hash string
	// Assets are sorted by id, each once, with Config nil where Refs is not 0.
	Assets []*Asset
	// Refs and Digests belong to Assets by place. Refs may be nil if Configs is.
	Refs    []uint64
	Digests []Digest
	Configs ConfigSource

	BlindSpots []BlindSpot
	Sources    []SourceStatus
	Coverage   []Coverage
}

// Restorer makes a snapshot of stored rows. Its methods are not safe for use
// from many goroutines.
type Restorer struct {
	s      *Snapshot
	edges  []edge
	labels map[label]uint32
	kinds  []label
}

// NewRestorer takes the assets and all else but the relations. The error names
// the first asset out of order.
func NewRestorer(st Stored) (*Restorer, error) {
	for i := 1; i < len(st.Assets); i++ {
		if strings.Compare(st.Assets[i-1].ID, st.Assets[i].ID) >= 0 {
			return nil, fmt.Errorf("stored assets are out of order at %q", st.Assets[i].ID)
		}
	}
	if st.Refs != nil && len(st.Refs) != len(st.Assets) || st.Digests != nil && len(st.Digests) != len(st.Assets) {
		return nil, fmt.Errorf("%d stored assets, but %d references and %d digests", len(st.Assets), len(st.Refs), len(st.Digests))
	}
	s := &Snapshot{taken: st.Taken.UTC().Truncate(time.Microsecond), assets: st.Assets, index: newIndex(st.Assets), configs: st.Configs,
		refs: st.Refs, digests: st.Digests, hash: st.Hash,
		blind: uniteBlindSpots(slices.Clone(st.BlindSpots)), coverage: uniteCoverage(st.Coverage), sources: slices.Clone(st.Sources)}
	sortSources(s.sources)
	return &Restorer{s: s, labels: map[label]uint32{}}, nil
}

// Node finds an asset for Relation.
func (r *Restorer) Node(id string) (Node, bool) { return r.s.Find(id) }

// Grow makes room for n further relations.
func (r *Restorer) Grow(n int) { r.edges = slices.Grow(r.edges, n) }

// Label names a relation's type, tier and evidence for Relation.
func (r *Restorer) Label(t RelationType, tier Tier, evidence string) uint32 {
	l := label{t, tier, evidence}
	i, ok := r.labels[l]
	if !ok {
		i = uint32(len(r.kinds))
		r.labels[l] = i
		r.kinds = append(r.kinds, l)
	}
	return i
}

// Relation adds a relation between two nodes under a Label.
func (r *Restorer) Relation(from, to Node, label uint32) {
	r.edges = append(r.edges, edge{uint32(from), uint32(to), label})
}

// Snapshot returns the snapshot; the Restorer must not be used afterwards.
func (r *Restorer) Snapshot() *Snapshot {
	r.s.graph = newCSR(r.s.Len(), []group{{r.edges, r.kinds}})
	return r.s
}
