package estate

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// drawAsset draws an asset with every field in every state.
func drawAsset(t *rapid.T, id string) Asset {
	s := rapid.SampledFrom([]string{"", "a", "b", "längeres wort", "\x00"})
	a := Asset{ID: id, Type: s.Draw(t, "type"), Cloud: Cloud(s.Draw(t, "cloud")), Account: s.Draw(t, "account"), Region: s.Draw(t, "region"),
		Name: s.Draw(t, "name"), Source: s.Draw(t, "source"), Kind: Kind(s.Draw(t, "kind")), Referenced: rapid.Bool().Draw(t, "referenced")}
	if rapid.Bool().Draw(t, "tagged") {
		a.Tags = rapid.MapOfN(s, s, 0, 3).Draw(t, "tags")
	}
	for range rapid.IntRange(0, 3).Draw(t, "reads") {
		a.Reads = append(a.Reads, Read{"s:" + s.Draw(t, "op"), s.Draw(t, "key"), rapid.SampledFrom([]ReadStatus{ReadOK, ReadDenied, ReadAbsent}).Draw(t, "status"), s.Draw(t, "why"), s.Draw(t, "grant")})
	}
	for range rapid.IntRange(0, 2).Draw(t, "unknown") {
		a.Unknown = append(a.Unknown, "/"+s.Draw(t, "pointer"))
	}
	if rapid.Bool().Draw(t, "created") {
		a.Created = time.Unix(rapid.Int64Range(-1e10, 1e10).Draw(t, "sec"), rapid.Int64Range(0, 999_999_999).Draw(t, "nsec")).UTC()
	}
	if rapid.Bool().Draw(t, "root") {
		a.Root = &Root{s.Draw(t, "class"), s.Draw(t, "family"), s.Draw(t, "why")}
	}
	if rapid.Bool().Draw(t, "configured") {
		a.Config = []byte(rapid.SampledFrom([]string{`{}`, `{"A":1}`, `{"A":2,"B":{"C":[1,2]}}`, `{"GetX":{"Y":null}}`}).Draw(t, "config"))
	}
	return a
}

func TestAssetsSurviveTheirEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := NewDecoder()
		var in []byte
		var want []Asset
		for range rapid.IntRange(1, 4).Draw(t, "assets") {
			a := drawAsset(t, "id")
			a.Config = nil
			want = append(want, a)
			in = AppendAsset(in, &a)
		}
		for _, w := range want {
			got, rest, err := d.Asset(in)
			if err != nil || !reflect.DeepEqual(*got, w) {
				t.Fatalf("got %+v, %v\nwant %+v", got, err, w)
			}
			in = rest
		}
		if len(in) > 0 {
			t.Fatalf("%d bytes are left", len(in))
		}
	})
}

func FuzzDecoder(f *testing.F) {
	full := Asset{ID: "id", Type: "T", Tags: map[string]string{"a": "b"}, Reads: []Read{{"s:Op", "Op", ReadDenied, "no", "s:Op"}},
		Unknown: []string{"/a"}, Created: noon, Root: &Root{"agent", "f", "w"}, Referenced: true}
	f.Add(AppendAsset(nil, &full))
	f.Add(AppendAsset(nil, &Asset{ID: "x"}))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, in []byte) {
		a, rest, err := NewDecoder().Asset(in)
		if err != nil {
			return
		}
		if len(rest) > len(in) {
			t.Fatal("more is left than there was")
		}
		encoded := AppendAsset(nil, a)
		again, rest, err := NewDecoder().Asset(encoded)
		if err != nil || len(rest) > 0 || !reflect.DeepEqual(a, again) {
			t.Fatalf("%+v becomes %+v, %v", a, again, err)
		}
		if !bytes.Equal(AppendAsset(nil, again), encoded) {
			t.Fatal("the encoding is not canonical")
		}
	})
}
