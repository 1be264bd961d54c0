package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/sevenfold-sec/sevenfold/estate"
)

var errShort = errors.New("it ends too early")

// hash64 is FNV-1a with a final mix (D. Lea's, as in xxHash's avalanche), so
// that the low bits of ids that differ in one character differ too. Where
// chunks are cut follows from it: changing it stores everything once more.
func hash64(parts ...string) uint64 {
	h := uint64(14695981039346656037)
	for _, s := range parts {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * 1099511628211
		}
	}
	h ^= h >> 33
	h *= 0xc2b2ae3d27d4eb4f
	return h ^ h>>29
}

const (
	assetCut     = 16 // a chunk of assets ends after one in 16 ids
	assetMost    = 128
	relationCut  = 128
	relationMost = 2048
	packSize     = 128 << 10 // a pack ends beyond this many bytes
	packMost     = 1 << 12   // or this many configurations
	slotBits     = 16
)

// refOf names the slot of a pack; 0 is no ref.
func refOf(pack int64, slot int) uint64 { return uint64(pack)<<slotBits | uint64(slot+1) }

func placeOf(ref uint64) (pack int64, slot int) {
	return int64(ref >> slotBits), int(ref&(1<<slotBits-1)) - 1
}

// appendAssetRow adds one asset, where its configuration stands and its digest.
func appendAssetRow(b []byte, a *estate.Asset, ref uint64, digest estate.Digest) []byte {
	b = estate.AppendAsset(b, a)
	b = binary.AppendUvarint(b, ref)
	if ref != 0 {
		b = append(b, digest[:]...)
	}
	return b
}

// assetRow is one decoded row.
type assetRow struct {
	asset  *estate.Asset
	ref    uint64
	digest estate.Digest
}

// readAssets decodes a chunk of assets. Any bytes are safe to pass.
func readAssets(in []byte, d *estate.Decoder) ([]assetRow, error) {
	var out []assetRow
	for len(in) > 0 {
		a, rest, err := d.Asset(in)
		if err != nil {
			return nil, err
		}
		ref, n := binary.Uvarint(rest)
		if n <= 0 {
			return nil, errShort
		}
		row := assetRow{asset: a, ref: ref}
		in = rest[n:]
		if ref != 0 {
			if len(in) < len(row.digest) {
				return nil, errShort
			}
			in = in[copy(row.digest[:], in):]
		}
		out = append(out, row)
	}
	return out, nil
}

// relations writes a chunk of relations, each by what differs from the one
// before it.
type relationWriter struct {
	buf  []byte
	n    int
	last estate.Relation
}

func shared(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

func (w *relationWriter) add(r estate.Relation) {
	w.buf = appendDelta(w.buf, w.last.From, r.From)
	w.buf = appendDelta(w.buf, w.last.To, r.To)
	w.buf = appendDelta(w.buf, string(w.last.Type), string(r.Type))
	w.buf = appendDelta(w.buf, string(w.last.Tier), string(r.Tier))
	w.buf = appendDelta(w.buf, w.last.Evidence, r.Evidence)
	w.last = r
	w.n++
}

// appendDelta writes s as the length of the prefix it shares with last, and
// the rest.
func appendDelta(b []byte, last, s string) []byte {
	n := shared(last, s)
	b = binary.AppendUvarint(b, uint64(n))
	b = binary.AppendUvarint(b, uint64(len(s)-n))
	return append(b, s[n:]...)
}

// relationReader decodes what relationWriter wrote. Strings are valid until the
// next call of next.
type relationReader struct {
	in                            []byte
	from, to, typ, tier, evidence []byte
}

// next decodes one relation and reports which parts changed; ok is false at the
// end. Any bytes are safe to pass.
func (r *relationReader) next() (ok bool, err error) {
	if len(r.in) == 0 {
		return false, nil
	}
	for _, field := range []*[]byte{&r.from, &r.to, &r.typ, &r.tier, &r.evidence} {
		if err := r.delta(field); err != nil {
			return false, err
		}
	}
	return true, nil
}

func (r *relationReader) delta(field *[]byte) error {
	keep, n := binary.Uvarint(r.in)
	if n <= 0 || keep > uint64(len(*field)) {
		return errShort
	}
	r.in = r.in[n:]
	size, n := binary.Uvarint(r.in)
	if n <= 0 || size > uint64(len(r.in)-n) {
		return errShort
	}
	*field = append((*field)[:keep], r.in[n:n+int(size)]...)
	r.in = r.in[n+int(size):]
	return nil
}

// appendPack writes configurations: their number, their lengths, themselves.
func appendPack(b []byte, configs [][]byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(configs)))
	for _, c := range configs {
		b = binary.AppendUvarint(b, uint64(len(c)))
	}
	for _, c := range configs {
		b = append(b, c...)
	}
	return b
}

// readPack splits a pack; the parts alias in. Any bytes are safe to pass.
func readPack(in []byte) ([][]byte, error) {
	count, n := binary.Uvarint(in)
	if n <= 0 || count > uint64(len(in)-n) {
		return nil, errShort
	}
	in = in[n:]
	sizes := make([]int, count)
	for i := range sizes {
		size, n := binary.Uvarint(in)
		if n <= 0 || size > math.MaxInt32 {
			return nil, errShort
		}
		sizes[i], in = int(size), in[n:]
	}
	out := make([][]byte, count)
	for i, size := range sizes {
		if size > len(in) {
			return nil, errShort
		}
		out[i], in = in[:size:size], in[size:]
	}
	if len(in) > 0 {
		return nil, fmt.Errorf("%d bytes follow the last configuration", len(in))
	}
	return out, nil
}

// manifest lists the bodies a snapshot is made of.
type manifest struct{ assets, relations []int64 }

func (m *manifest) encode() []byte {
	var b []byte
	for _, ids := range [][]int64{m.assets, m.relations} {
		b = binary.AppendUvarint(b, uint64(len(ids)))
		last := int64(0)
		for _, id := range ids {
			b = binary.AppendVarint(b, id-last)
			last = id
		}
	}
	return b
}

// readManifest decodes a manifest. Any bytes are safe to pass.
func readManifest(in []byte) (*manifest, error) {
	m := &manifest{}
	for _, ids := range []*[]int64{&m.assets, &m.relations} {
		count, n := binary.Uvarint(in)
		if n <= 0 || count > uint64(len(in)-n) {
			return nil, errShort
		}
		in = in[n:]
		*ids = make([]int64, count)
		last := int64(0)
		for i := range *ids {
			delta, n := binary.Varint(in)
			if n <= 0 {
				return nil, errShort
			}
			last += delta
			(*ids)[i], in = last, in[n:]
		}
	}
	return m, nil
}
