package store

import (
	"crypto/sha256"
	"errors"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// What is stored once is used by every later snapshot that says the same. A body
// that was damaged meanwhile would make each of them unreadable, so every body is
// read and held to its digest before it is used again.

// check reads the bodies with these ids, 0 for none, and notes in w.sound which of
// them are what was stored; of packs it notes in w.packed what stands in them.
func (w *saver) check(ids []int64, packs bool) error {
	var ask []int64
	for _, id := range ids {
		if _, known := w.sound[id]; id != 0 && !known {
			w.sound[id] = false
			ask = append(ask, id)
		}
	}
	for lo := 0; lo < len(ask); lo += readAhead {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		bodies, err := w.fetchThere(ask[lo:min(lo+readAhead, len(ask))])
		if err != nil {
			return err
		}
		good := make([]bool, len(bodies))
		slots := make([][]estate.Digest, len(bodies))
		_ = parallel(len(bodies), func(i int) error {
			content, err := w.codec.unpack(bodies[i], nil)
			var parts [][]byte
			if err == nil && packs {
				parts, err = readPack(content)
			}
			for _, p := range parts {
				slots[i] = append(slots[i], sha256.Sum256(p))
			}
			good[i] = err == nil
			return nil
		})
		for i, b := range bodies {
			w.sound[b.id] = good[i]
			if packs {
				w.packed[b.id] = slots[i]
			}
		}
	}
	return nil
}

// fetchThere returns those of the bodies that are there.
func (w *saver) fetchThere(ids []int64) ([]body, error) {
	bodies, err := w.t.fetch(ids)
	var lost *lostError
	if !errors.As(err, &lost) {
		return bodies, err
	}
	bodies = nil
	for _, id := range ids {
		one, err := w.t.fetch([]int64{id})
		switch {
		case errors.As(err, &lost):
		case err != nil:
			return nil, err
		default:
			bodies = append(bodies, one[0])
		}
	}
	return bodies, nil
}

// leave forgets the places at which configurations do not stand, because the pack is
// damaged or holds something else there: refs of those become 0, so that they are
// written once more.
func (w *saver) leave(digests []estate.Digest, refs []uint64) error {
	var packs []int64
	for _, ref := range refs {
		if id, _ := placeOf(ref); ref != 0 {
			packs = append(packs, id)
		}
	}
	if err := w.check(packs, true); err != nil {
		return err
	}
	for i, ref := range refs {
		if ref == 0 {
			continue
		}
		id, slot := placeOf(ref)
		// What this run wrote itself is not looked into.
		slots, looked := w.packed[id]
		if !w.sound[id] || looked && (slot < 0 || slot >= len(slots) || slots[slot] != digests[i]) {
			refs[i], w.moved[digests[i]] = 0, true
		}
	}
	return nil
}

// place notes where configurations stand that were written now.
func (w *saver) place(digests []estate.Digest, refs []uint64) error {
	var fresh, moved []estate.Digest
	var freshRefs, movedRefs []uint64
	for i, d := range digests {
		if w.moved[d] {
			moved, movedRefs = append(moved, d), append(movedRefs, refs[i])
		} else {
			fresh, freshRefs = append(fresh, d), append(freshRefs, refs[i])
		}
	}
	if len(moved) > 0 {
		if err := w.t.movePlaces(moved, movedRefs); err != nil {
			return err
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	return w.t.addPlaces(fresh, freshRefs)
}

// mend writes those of the stored bodies anew that are damaged; their contents
// are at hand. Older snapshots that are made of them are whole again too.
func (w *saver) mend(ids []int64, contents [][]byte) error {
	if err := w.check(ids, false); err != nil {
		return err
	}
	for i, id := range ids {
		if id == 0 || w.sound[id] {
			continue
		}
		if err := w.t.mend(id, w.codec.pack(contents[i])); err != nil {
			return err
		}
		w.sound[id] = true
		delete(w.packed, id)
	}
	return nil
}
