package store

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// frame is what a snapshot says of itself as a whole.
type frame struct {
	BlindSpots []estate.BlindSpot `json:"blindSpots,omitempty"`
	Coverage   []estate.Coverage  `json:"coverage,omitempty"`
}

// Save implements Store.
func (k *keeper) Save(ctx context.Context, s *estate.Snapshot) error {
	hash := s.Hash()
	err := k.db.update(ctx, func(t tx) error {
		taken := micro(s.Taken())
		rows, err := t.snapshots(query{hash: hash, limit: 1})
		if err != nil {
			return err
		}
		if len(rows) > 0 && rows[0].taken == taken {
			return nil
		}
		w := &saver{ctx: ctx, s: s, t: t, codec: k.codec, sound: map[int64]bool{}, packed: map[int64][]estate.Digest{}, moved: map[estate.Digest]bool{}}
		row, err := w.run()
		if err != nil {
			return err
		}
		row.hash, row.taken = hash, taken
		return t.addSnapshot(row)
	})
	if err != nil {
		return k.context("storing snapshot "+hash, err)
	}
	return nil
}

// batch is how many assets are worked on together: enough to keep the
// processors busy, few enough to be forgotten soon.
const batch = 4096

// saver writes one snapshot in one transaction.
type saver struct {
	ctx   context.Context
	s     *estate.Snapshot
	t     tx
	codec *codec

	chunk   []byte   // the chunk being filled
	rows    int      // assets in it
	waiting [][]byte // chunks that are full
	ids     []int64

	// sound says of each stored body that was to be used again whether it is what
	// was stored, packed which configurations stand in it; moved are those that do
	// not stand where they should.
	sound  map[int64]bool
	packed map[int64][]estate.Digest
	moved  map[estate.Digest]bool
}

func (w *saver) run() (snapshotRow, error) {
	row := snapshotRow{assets: w.s.Len(), relations: w.s.RelationCount()}
	var m manifest
	for lo := 0; lo < w.s.Len(); lo += batch {
		if err := w.ctx.Err(); err != nil {
			return row, err
		}
		if err := w.assets(estate.Node(lo), estate.Node(min(lo+batch, w.s.Len()))); err != nil {
			return row, err
		}
	}
	if err := w.cut(); err != nil {
		return row, err
	}
	if err := w.flush(); err != nil {
		return row, err
	}
	m.assets, w.ids = w.ids, nil
	if err := w.relations(); err != nil {
		return row, err
	}
	m.relations = w.ids
	return row, w.frame(&row, &m)
}

func (w *saver) frame(row *snapshotRow, m *manifest) error {
	sources, err := json.Marshal(w.s.Sources())
	if err != nil {
		return err
	}
	text, err := json.Marshal(frame{w.s.BlindSpots(), w.s.Coverage()})
	if err != nil {
		return err
	}
	ids, err := w.store([][]byte{text})
	if err != nil {
		return err
	}
	packed := w.codec.pack(m.encode())
	row.sources, row.frame = string(sources), ids[0]
	row.manifest = append(packed.digest[:], packed.data...)
	return nil
}

// assets writes the configurations of nodes lo to hi-1 that are new, and adds
// the nodes' rows to the chunks.
func (w *saver) assets(lo, hi estate.Node) error {
	digests := make([]estate.Digest, hi-lo)
	for n := lo; n < hi; n++ {
		digests[n-lo] = w.s.ConfigDigest(n)
	}
	refs, err := w.t.places(digests)
	if err != nil {
		return err
	}
	if err := w.leave(digests, refs); err != nil {
		return err
	}
	if err := w.configs(lo, digests, refs); err != nil {
		return err
	}
	for n := lo; n < hi; n++ {
		a := w.s.Asset(n)
		w.chunk = appendAssetRow(w.chunk, a, refs[n-lo], digests[n-lo])
		w.rows++
		if hash64(a.ID)%assetCut == 0 || w.rows == assetMost {
			if err := w.cut(); err != nil {
				return err
			}
		}
	}
	return nil
}

// newPack is a pack to be written and the configurations that go into it.
type newPack struct {
	configs [][]byte
	digests []estate.Digest
}

// configs packs and writes what refs shows as not stored, and fills in refs.
func (w *saver) configs(lo estate.Node, digests []estate.Digest, refs []uint64) error {
	none := estate.Digest{}
	at := map[estate.Digest]uint64{}
	var packs []newPack
	size := packSize
	for i, d := range digests {
		if refs[i] != 0 || d == none {
			continue
		}
		if _, ok := at[d]; ok {
			continue
		}
		config, err := w.s.Config(lo + estate.Node(i))
		if err != nil {
			return err
		}
		if size >= packSize || len(packs[len(packs)-1].configs) == packMost {
			packs, size = append(packs, newPack{}), 0
		}
		p := &packs[len(packs)-1]
		p.configs, p.digests = append(p.configs, config), append(p.digests, d)
		size += len(config)
		at[d] = 0
	}
	if err := w.packs(packs, at); err != nil {
		return err
	}
	for i, d := range digests {
		if refs[i] == 0 && d != none {
			refs[i] = at[d]
		}
	}
	return nil
}

func (w *saver) packs(packs []newPack, at map[estate.Digest]uint64) error {
	contents := make([][]byte, len(packs))
	for i, p := range packs {
		contents[i] = appendPack(nil, p.configs)
	}
	ids, err := w.store(contents)
	if err != nil {
		return err
	}
	for i, p := range packs {
		refs := make([]uint64, len(p.digests))
		for slot, d := range p.digests {
			refs[slot] = refOf(ids[i], slot)
			at[d] = refs[slot]
		}
		if err := w.place(p.digests, refs); err != nil {
			return err
		}
	}
	return nil
}

// cut ends the chunk being filled.
func (w *saver) cut() error {
	if w.rows == 0 {
		return nil
	}
	w.waiting = append(w.waiting, w.chunk)
	w.chunk, w.rows = make([]byte, 0, 2*len(w.chunk)), 0
	if len(w.waiting) < batch/assetCut {
		return nil
	}
	return w.flush()
}

// flush writes the chunks that are full and notes their ids.
func (w *saver) flush() error {
	ids, err := w.store(w.waiting)
	w.ids = append(w.ids, ids...)
	w.waiting = w.waiting[:0]
	return err
}

// store writes contents that are not stored yet and returns the ids of all.
func (w *saver) store(contents [][]byte) ([]int64, error) {
	if len(contents) == 0 {
		return nil, nil
	}
	digests := make([]estate.Digest, len(contents))
	_ = parallel(len(contents), func(i int) error { digests[i] = sha256.Sum256(contents[i]); return nil })
	ids, err := w.t.known(digests)
	if err == nil {
		err = w.mend(ids, contents)
	}
	if err != nil {
		return nil, err
	}
	var missing []int
	twin := map[estate.Digest]bool{}
	for i, id := range ids {
		if id == 0 && !twin[digests[i]] {
			missing = append(missing, i)
			twin[digests[i]] = true
		}
	}
	bodies := make([]body, len(missing))
	_ = parallel(len(missing), func(i int) error { bodies[i] = w.codec.pack(contents[missing[i]]); return nil })
	added, err := w.t.add(bodies)
	if err != nil {
		return nil, err
	}
	at := make(map[estate.Digest]int64, len(added))
	for i, id := range added {
		at[bodies[i].digest], w.sound[id] = id, true
	}
	for i := range ids {
		if ids[i] == 0 {
			if ids[i] = at[digests[i]]; ids[i] == 0 {
				return nil, fmt.Errorf("the database took a body but does not show it")
			}
		}
	}
	return ids, nil
}

// relations writes all relations in chunks.
func (w *saver) relations() error {
	var chunk relationWriter
	end := func() error {
		if chunk.n == 0 {
			return nil
		}
		w.waiting = append(w.waiting, chunk.buf)
		chunk = relationWriter{}
		if len(w.waiting) < batch/assetCut {
			return nil
		}
		return w.flush()
	}
	for r := range w.s.Relations() {
		chunk.add(r)
		if hash64(r.From, "\x00", r.To)%relationCut == 0 || chunk.n == relationMost {
			if err := end(); err != nil {
				return err
			}
		}
	}
	if err := end(); err != nil {
		return err
	}
	return w.flush()
}
