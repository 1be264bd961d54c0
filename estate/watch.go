package estate

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
)

// Watched returns s as it is for somebody whose reading is to be known: note is
// called, from any goroutine and as often as it is asked, with the node of each asset
// whose configuration, or a digest of it, is given away. The others' configurations
// the caller cannot have known, so that what he makes of s he would make of any
// snapshot with the same Outline in which those that were noted are the same. err is
// why a configuration could not be had: what was made without it rests on chance.
//
// An asset that holds its configuration itself gives it away with itself and is noted
// at once.
func (s *Snapshot) Watched(note func(n Node, err error)) *Snapshot {
	if s.Len() > 0 {
		s.ConfigDigest(0)
	}
	for n, a := range s.assets {
		if a.Config != nil {
			note(Node(n), nil)
		}
	}
	return &Snapshot{taken: s.taken, assets: s.assets, index: s.index, graph: s.graph, blind: s.blind, sources: s.sources,
		coverage: s.coverage, configs: s.configs, refs: s.refs, digests: s.digests, note: note}
}

// gives notes that an asset's configuration is given away.
func (s *Snapshot) gives(n Node) {
	if s.note != nil {
		s.note(n, nil)
	}
}

// givesAll notes it of all assets: of what is made of a whole snapshot nobody knows
// what will be read.
func (s *Snapshot) givesAll() {
	if s.note == nil {
		return
	}
	for n := range s.assets {
		s.note(Node(n), nil)
	}
}

// Outline is the SHA-256 of all that the snapshot says but for configurations: when it
// was taken, assets with tags, reads and kinds, relations, blind spots, coverage, and
// the sources with their counters. Two snapshots of one outline have the same nodes.
func (s *Snapshot) Outline() (Digest, error) {
	sources, err := json.Marshal(s.sources)
	if err != nil {
		return Digest{}, fmt.Errorf("sources of a snapshot: %w", err)
	}
	h := sha256.New()
	fmt.Fprintf(h, "sevenfold outline 1\n%d assets\n", len(s.assets))
	for _, sum := range s.sums(false) {
		h.Write(sum[:])
	}
	h.Write(s.framing())
	h.Write(binary.AppendVarint(binary.AppendVarint(nil, s.taken.Unix()), int64(s.taken.Nanosecond())))
	h.Write(sources)
	return Digest(h.Sum(nil)), nil
}

// ConfigsDigest is the SHA-256 over the configurations of some assets, in the order of
// their nodes.
func (s *Snapshot) ConfigsDigest(of func(Node) bool) Digest {
	h := sha256.New()
	for n := range s.assets {
		if of(Node(n)) {
			digest := s.ConfigDigest(Node(n))
			h.Write(digest[:])
		}
	}
	return Digest(h.Sum(nil))
}
