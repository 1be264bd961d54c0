package estate

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Build makes the snapshot of all that was sent so far.
//
// Assets sent in several parts are merged: of two readings of one operation
// the one that tells most wins (ok, absent, then refused or failed, then
// skipped); missing members are filled in; what describes one asset beats what
// lists many; the value of an operation is taken whole. Readings of equal
// standing that disagree leave the place in Unknown and a blind spot behind.
// What a relation names and nobody sent becomes a Referenced asset.
//
// The error says that the estate is larger than a snapshot can hold: 2^31
// assets, 2^26 of them in one of 64 parts, or 2^32 relations.
func (b *Builder) Build() (*Snapshot, error) {
	for i := range b.shards {
		b.shards[i].mu.Lock()
		defer b.shards[i].mu.Unlock()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	n, edges := 0, 0
	for i := range b.shards {
		if len(b.shards[i].ids) > 1<<(32-shardBits) {
			return nil, fmt.Errorf("the estate is too large for one snapshot: more than %d assets in one part", 1<<(32-shardBits))
		}
		n += len(b.shards[i].ids)
		edges += len(b.shards[i].edges)
	}
	if n > math.MaxInt32 || edges > math.MaxUint32 {
		return nil, fmt.Errorf("the estate is too large for one snapshot: %d assets, %d relations", n, edges)
	}
	order := b.sorted(n)
	nodes, assets, blind := b.number(order)
	groups := make([]group, len(b.shards))
	parallel(len(groups), func(i int) {
		s := &b.shards[i]
		es := make([]edge, len(s.edges))
		for j, e := range s.edges {
			es[j] = edge{nodes[i][e.from], nodes[e.to>>(32-shardBits)][e.to&(1<<(32-shardBits)-1)], e.label}
		}
		groups[i] = group{es, s.kinds}
	})
	s := &Snapshot{taken: b.taken, assets: assets, graph: newCSR(n, groups)}
	s.index = newIndex(assets)
	s.blind = uniteBlindSpots(append(slices.Clone(b.blind), blind...))
	s.coverage = uniteCoverage(b.covered)
	s.sources = slices.Clone(b.sources)
	contradicted(s.sources, blind)
	sortSources(s.sources)
	return s, nil
}

// named is an id with its ticket and, for quick comparison, the eight bytes
// that follow the prefix its neighbours share.
type named struct {
	key    uint64
	id     string
	ticket uint32
}

// sorted returns all ids in order. It splits them at sampled ids into ranges
// of nearly equal size and sorts those in parallel (sample sort: W. Frazer and
// A. McKellar, JACM 17(3), 1970).
func (b *Builder) sorted(n int) []named {
	all := make([]named, 0, n)
	for i := range b.shards {
		for j, id := range b.shards[i].ids {
			all = append(all, named{id: id, ticket: ticket(i, uint32(j))})
		}
	}
	splitters := sample(all)
	bucket := make([]uint16, n)
	blocks(n, 1<<14, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			at, found := slices.BinarySearch(splitters, all[i].id)
			if found {
				at++
			}
			bucket[i] = uint16(at)
		}
	})
	start := make([]int, len(splitters)+2)
	for _, k := range bucket {
		start[k+1]++
	}
	for i := range len(splitters) + 1 {
		start[i+1] += start[i]
	}
	out := make([]named, n)
	next := slices.Clone(start)
	for i := range all {
		out[next[bucket[i]]] = all[i]
		next[bucket[i]]++
	}
	parallel(len(splitters)+1, func(i int) { sortNamed(out[start[i]:start[i+1]]) })
	return out
}

// sample returns up to 255 ids that cut all into nearly equal ranges.
func sample(all []named) []string {
	const ranges, each = 256, 8
	if len(all) < 1<<12 {
		return nil
	}
	picked := make([]string, 0, ranges*each)
	for i := range ranges * each {
		picked = append(picked, all[i*(len(all)/(ranges*each))].id)
	}
	slices.Sort(picked)
	out := make([]string, 0, ranges)
	for i := each; i < len(picked); i += each {
		out = append(out, picked[i])
	}
	return slices.Compact(out)
}

func sortNamed(ids []named) {
	if len(ids) < 2 {
		return
	}
	shared := len(ids[0].id)
	for i := range ids {
		shared = commonPrefix(ids[0].id[:shared], ids[i].id)
	}
	for i := range ids {
		var b [8]byte
		copy(b[:], ids[i].id[shared:])
		ids[i].key = binary.BigEndian.Uint64(b[:])
	}
	slices.SortFunc(ids, func(a, b named) int {
		if a.key != b.key {
			return cmp.Compare(a.key, b.key)
		}
		return strings.Compare(a.id, b.id)
	})
}

func commonPrefix(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// contradicted calls partial the complete sources whose word on an asset another
// reading gainsays: what two readings disagree on is not known.
func contradicted(sources []SourceStatus, doubts []BlindSpot) {
	for i := range sources {
		s := &sources[i]
		if s.Status == "complete" && slices.ContainsFunc(doubts, func(b BlindSpot) bool { return b.Source == s.Source }) {
			s.Status = "partial"
		}
	}
}

// number gives every id its node, and merges what was sent under it.
func (b *Builder) number(order []named) (nodes [][]uint32, assets []*Asset, blind []BlindSpot) {
	nodes = make([][]uint32, len(b.shards))
	for i := range nodes {
		nodes[i] = make([]uint32, len(b.shards[i].ids))
	}
	assets = make([]*Asset, len(order))
	const block = 1 << 12
	spots := make([][]BlindSpot, len(order)/block+1)
	blocks(len(order), block, func(lo, hi int) {
		for n := lo; n < hi; n++ {
			t := order[n].ticket
			shard, place := t>>(32-shardBits), t&(1<<(32-shardBits)-1)
			nodes[shard][place] = uint32(n)
			sent := b.shards[shard].sent[place]
			if sent == nil {
				assets[n] = referenced(order[n].id)
				continue
			}
			if sent.before == nil {
				assets[n] = settle(&sent.Asset)
				continue
			}
			a, doubts := merge(sent.all())
			assets[n] = a
			spots[lo/block] = append(spots[lo/block], doubts...)
		}
	})
	return nodes, assets, slices.Concat(spots...)
}
