package estate

import (
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// shardBits is the log2 of the number of parts a Builder is split into, so
// that collectors' goroutines seldom wait for each other.
const shardBits = 6

// Builder gathers what collectors and providers say and builds a Snapshot of
// it. All methods may be called from many goroutines; the snapshot does not
// depend on the order of the calls.
type Builder struct {
	taken  time.Time
	seed   maphash.Seed
	shards [1 << shardBits]shard
	assets atomic.Int64
	calls  atomic.Int64

	mu      sync.Mutex
	blind   []BlindSpot
	covered []Coverage
	sources []SourceStatus
}

var _ Sink = (*Builder)(nil)

// shard holds the assets whose ids hash to it and the relations that start at
// them.
type shard struct {
	mu     sync.Mutex
	slots  []slot // open addressing, at most half full
	ids    []string
	sent   []*sending // by place in ids
	labels map[label]uint32
	kinds  []label
	edges  []edge // from: place in ids, to: ticket
	// Relations of one asset come in a row: what the last one began at and said.
	lastFrom  uint32
	lastLabel uint32
	_         [64]byte
}

// slot is a place in ids plus one, 0 if empty, with half of the id's hash: most
// ids that are not the one are passed over without a look at them.
type slot struct{ hash, place uint32 }

// sending is an asset as it was sent, and what was sent under its id before.
type sending struct {
	Asset
	before *sending
}

// all returns what was sent under one id.
func (s *sending) all() []*Asset {
	var out []*Asset
	for ; s != nil; s = s.before {
		out = append(out, &s.Asset)
	}
	return out
}

// label is what an edge says beside its ends. Few labels serve many edges.
type label struct {
	Type     RelationType
	Tier     Tier
	Evidence string
}

// edge is one relation while a graph is built.
type edge struct{ from, to, label uint32 }

// ticket names an id before the graph is sorted: its shard and its place there.
func ticket(shard int, place uint32) uint32 { return uint32(shard)<<(32-shardBits) | place }

// NewBuilder returns a Builder for a snapshot of the estate as it was at taken,
// to the microsecond.
func NewBuilder(taken time.Time) *Builder {
	b := &Builder{taken: taken.UTC().Truncate(time.Microsecond), seed: maphash.MakeSeed()}
	for i := range b.shards {
		b.shards[i].slots = make([]slot, 16)
		b.shards[i].labels = map[label]uint32{}
	}
	return b
}

// locate returns an id's shard and hash.
func (b *Builder) locate(id string) (shard int, hash uint64) {
	hash = maphash.String(b.seed, id)
	return int(hash >> (64 - shardBits)), hash
}

// place returns where id stands in the shard, adding it if it is new. The
// shard is locked.
func (s *shard) place(id string, hash uint64) uint32 {
	mask := uint32(len(s.slots) - 1)
	short := uint32(hash)
	at := short & mask
	for ; s.slots[at].place != 0; at = (at + 1) & mask {
		if p := s.slots[at].place - 1; s.slots[at].hash == short && s.ids[p] == id {
			return p
		}
	}
	p := uint32(len(s.ids))
	s.ids = append(s.ids, id)
	s.sent = append(s.sent, nil)
	s.slots[at] = slot{short, p + 1}
	if 2*len(s.ids) > len(s.slots) {
		s.grow()
	}
	return p
}

// grow doubles the table.
func (s *shard) grow() {
	slots := make([]slot, 2*len(s.slots))
	mask := uint32(len(slots) - 1)
	for _, old := range s.slots {
		if old.place == 0 {
			continue
		}
		at := old.hash & mask
		for slots[at].place != 0 {
			at = (at + 1) & mask
		}
		slots[at] = old
	}
	s.slots = slots
}

// from is place for the start of a relation.
func (s *shard) from(id string, hash uint64) uint32 {
	if int(s.lastFrom) < len(s.ids) && s.ids[s.lastFrom] == id {
		return s.lastFrom
	}
	s.lastFrom = s.place(id, hash)
	return s.lastFrom
}

// label returns the number of a label, adding it if it is new.
func (s *shard) label(l label) uint32 {
	if int(s.lastLabel) < len(s.kinds) && s.kinds[s.lastLabel] == l {
		return s.lastLabel
	}
	n, ok := s.labels[l]
	if !ok {
		n = uint32(len(s.kinds))
		s.labels[l] = n
		s.kinds = append(s.kinds, l)
	}
	s.lastLabel = n
	return n
}

// Asset adds an asset, or a further part of one already sent under the same
// id; parts are merged when the snapshot is built (see Build). The builder
// keeps no reference to a.Config; it does keep the other fields.
//
// A configuration that is not one JSON object is left out: a blind spot names
// the byte, and the reads that gave the root turn malformed.
func (b *Builder) Asset(a Asset) {
	if a.ID == "" {
		b.BlindSpot(BlindSpot{Source: a.Source, Account: a.Account, Region: a.Region, Operation: rootOperation(a.Reads),
			Types: []string{a.Type}, Status: ReadMalformed, Why: fmt.Sprintf("an asset of type %q, name %q, has no identifier", a.Type, a.Name),
			Hint: "report this reply as a fault of the collector"})
		return
	}
	if a.Config != nil {
		config, err := Canonical(a.Config)
		if err != nil {
			b.BlindSpot(malformed(&a, err))
			a.Reads = spoil(a.Reads, err)
		}
		a.Config = config
	}
	i, hash := b.locate(a.ID)
	s := &b.shards[i]
	one := &sending{Asset: a}
	s.mu.Lock()
	place := s.place(a.ID, hash)
	one.before = s.sent[place]
	s.sent[place] = one
	s.mu.Unlock()
	if one.before == nil {
		b.assets.Add(1)
	}
}

func malformed(a *Asset, err error) BlindSpot {
	return BlindSpot{Source: a.Source, Account: a.Account, Region: a.Region, Operation: rootOperation(a.Reads), Asset: a.ID,
		Status: ReadMalformed, Why: err.Error(), Hint: "read the asset again; if it stays so, report the reply"}
}

func rootOperation(reads []Read) string {
	for _, r := range reads {
		if r.Key == "" {
			return r.Operation
		}
	}
	return "configuration"
}

// spoil turns every successful read into a malformed one: nothing of the
// configuration they gave can be trusted.
func spoil(reads []Read, err error) []Read {
	out := make([]Read, len(reads))
	for i, r := range reads {
		if r.Status == ReadOK {
			r.Status, r.Why = ReadMalformed, err.Error()
		}
		out[i] = r
	}
	return out
}

// Relation adds one relation. An end that no source sends becomes a
// Referenced asset.
func (b *Builder) Relation(r Relation) {
	if r.From == "" || r.To == "" {
		b.BlindSpot(BlindSpot{Operation: "relation " + string(r.Type), Asset: r.From + r.To, Status: ReadMalformed,
			Why:  fmt.Sprintf("a relation %q from %q to %q lacks an end (%s)", r.Type, r.From, r.To, r.Evidence),
			Hint: "look at the configuration named"})
		return
	}
	ti, hash := b.locate(r.To)
	t := &b.shards[ti]
	t.mu.Lock()
	to := ticket(ti, t.place(r.To, hash))
	t.mu.Unlock()

	fi, hash := b.locate(r.From)
	f := &b.shards[fi]
	f.mu.Lock()
	from := f.from(r.From, hash)
	f.edges = append(f.edges, edge{from, to, f.label(label{r.Type, r.Tier, r.Evidence})})
	f.mu.Unlock()
}

// BlindSpot adds what could not be seen. Equal ones count once.
func (b *Builder) BlindSpot(s BlindSpot) {
	b.mu.Lock()
	b.blind = append(b.blind, s)
	b.mu.Unlock()
}

// Covered says that every asset of a type in a scope has been sent.
func (b *Builder) Covered(c Coverage) {
	b.mu.Lock()
	b.covered = append(b.covered, c)
	b.mu.Unlock()
}

// Called counts one call made to a provider, or one file read.
func (b *Builder) Called(string) { b.calls.Add(1) }

// Source adds how far one source was read; its coverage counts as Covered.
func (b *Builder) Source(s SourceStatus) {
	b.mu.Lock()
	b.sources = append(b.sources, s)
	b.covered = append(b.covered, s.Covered...)
	b.mu.Unlock()
}

// Progress returns the number of assets (distinct ids) and calls so far.
func (b *Builder) Progress() (assets, calls int) {
	return int(b.assets.Load()), int(b.calls.Load())
}
