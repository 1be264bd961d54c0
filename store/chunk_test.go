package store

import (
	"bytes"
	"slices"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
	"pgregory.net/rapid"
)

func TestRelationsSurviveTheirEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SampledFrom([]string{"", "arn:aws:s3:::a", "arn:aws:s3:::ab", "arn:aws:iam::1:role/x", "k8s://c/n/Pod/p"})
		var want []estate.Relation
		var w relationWriter
		for range rapid.IntRange(0, 20).Draw(t, "relations") {
			r := estate.Relation{From: word.Draw(t, "from"), To: word.Draw(t, "to"), Type: estate.RelationType(word.Draw(t, "type")), Tier: estate.Tier(word.Draw(t, "tier")), Evidence: word.Draw(t, "evidence")}
			want = append(want, r)
			w.add(r)
		}
		var got []estate.Relation
		reader := relationReader{in: w.buf}
		for {
			ok, err := reader.next()
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			got = append(got, estate.Relation{From: string(reader.from), To: string(reader.to), Type: estate.RelationType(reader.typ), Tier: estate.Tier(reader.tier), Evidence: string(reader.evidence)})
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func TestPlaces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pack, slot := rapid.Int64Range(1, 1<<46).Draw(t, "pack"), rapid.IntRange(0, packMost).Draw(t, "slot")
		ref := refOf(pack, slot)
		if p, s := placeOf(ref); p != pack || s != slot || ref == 0 {
			t.Fatalf("%d/%d becomes %d/%d", pack, slot, p, s)
		}
	})
}

func FuzzReadAssets(f *testing.F) {
	row := appendAssetRow(nil, &estate.Asset{ID: "a", Type: "T", Tags: map[string]string{"k": "v"}}, refOf(3, 4), estate.Digest{1})
	f.Add(appendAssetRow(row, &estate.Asset{ID: "b"}, 0, estate.Digest{}))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, in []byte) {
		rows, err := readAssets(in, estate.NewDecoder())
		if err != nil {
			return
		}
		var out []byte
		for _, r := range rows {
			out = appendAssetRow(out, r.asset, r.ref, r.digest)
		}
		again, err := readAssets(out, estate.NewDecoder())
		if err != nil || len(again) != len(rows) {
			t.Fatalf("%d rows become %d, %v", len(rows), len(again), err)
		}
	})
}

func FuzzRelationReader(f *testing.F) {
	var w relationWriter
	w.add(estate.Relation{From: "a", To: "b", Type: estate.Reads, Tier: estate.Declared, Evidence: "e"})
	w.add(estate.Relation{From: "a", To: "bc", Type: estate.Reads, Tier: estate.Declared})
	f.Add(w.buf)
	f.Add([]byte{0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, in []byte) {
		r := relationReader{in: in}
		for range len(in) + 1 {
			ok, err := r.next()
			if err != nil || !ok {
				return
			}
		}
		t.Fatal("more relations than bytes")
	})
}

func FuzzReadPack(f *testing.F) {
	f.Add(appendPack(nil, [][]byte{[]byte(`{"a":1}`), []byte(`{}`)}))
	f.Add([]byte{2, 1})
	f.Fuzz(func(t *testing.T, in []byte) {
		parts, err := readPack(in)
		if err != nil {
			return
		}
		again, err := readPack(appendPack(nil, parts))
		if err != nil || !slices.EqualFunc(parts, again, bytes.Equal) {
			t.Fatalf("%q becomes %q, %v", parts, again, err)
		}
	})
}

func FuzzReadManifest(f *testing.F) {
	f.Add((&manifest{[]int64{1, 2, 9}, []int64{4, 3}}).encode())
	f.Add([]byte{0xff})
	f.Fuzz(func(t *testing.T, in []byte) {
		m, err := readManifest(in)
		if err != nil {
			return
		}
		again, err := readManifest(m.encode())
		if err != nil || !slices.Equal(m.assets, again.assets) || !slices.Equal(m.relations, again.relations) {
			t.Fatalf("%v becomes %v, %v", m, again, err)
		}
	})
}

func FuzzUnpack(f *testing.F) {
	c, err := newCodec()
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = c.close() })
	b := c.pack([]byte("content"))
	f.Add(b.data, b.digest[:])
	f.Fuzz(func(t *testing.T, data, digest []byte) {
		var d estate.Digest
		copy(d[:], digest)
		content, err := c.unpack(body{digest: d, data: data}, nil)
		if err == nil && c.pack(content).digest != d {
			t.Fatal("content does not have its digest")
		}
	})
}
