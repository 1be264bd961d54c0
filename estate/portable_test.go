package estate

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// What Export writes Import reads as the same snapshot, and writes again byte
// for byte.
func TestExportedSnapshotIsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anySnapshot(t)
		var first, second bytes.Buffer
		if err := s.Export(context.Background(), &first); err != nil {
			t.Fatal(err)
		}
		again, err := Import(bytes.NewReader(first.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if again.Hash() != s.Hash() || !again.Taken().Equal(s.Taken()) {
			t.Fatalf("hash %s, taken %s; want %s, %s", again.Hash(), again.Taken(), s.Hash(), s.Taken())
		}
		if err := again.Export(context.Background(), &second); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Fatalf("written twice, it differs:\n%s\n%s", first.Bytes(), second.Bytes())
		}
	})
}

// anySnapshot draws a small snapshot with all that one can hold.
func anySnapshot(t *rapid.T) *Snapshot {
	b := NewBuilder(time.Date(2026, 3, 3, 12, 0, 0, rapid.IntRange(0, 999999).Draw(t, "micro")*1000, time.UTC))
	ids := []string{"arn:aws:s3:::a", "k8s://c/n/Pod/<p>", "x\u2028y", "image://r/i@sha256:1"}
	for _, id := range ids {
		if rapid.Bool().Draw(t, "sent") {
			b.Asset(Asset{ID: id, Type: "T", Cloud: AWS, Account: "1", Name: "n&", Kind: KindStore,
				Tags:    rapid.SampledFrom([]map[string]string{nil, {}, {"k<": "v>"}}).Draw(t, "tags"),
				Config:  []byte(rapid.SampledFrom([]string{"{}", `{"a":[1,2.50,"<é>",null]}`, `{"b":{"c":1e400}}`}).Draw(t, "config")),
				Reads:   []Read{{Operation: "s3:Get", Status: ReadOK}, {Operation: "s3:GetPolicy", Key: "GetPolicy", Status: ReadDenied, Why: "no", Grant: "s3:GetPolicy"}},
				Unknown: rapid.SampledFrom([][]string{nil, {"/a/0"}}).Draw(t, "unknown"),
				Created: rapid.SampledFrom([]time.Time{{}, time.Unix(1700000000, 5).UTC()}).Draw(t, "created"),
				Root:    rapid.SampledFrom([]*Root{nil, {Class: ClassEndpoint, Family: "f", Why: "w"}}).Draw(t, "root")})
		}
	}
	for range rapid.IntRange(0, 5).Draw(t, "relations") {
		b.Relation(Relation{From: rapid.SampledFrom(ids).Draw(t, "from"), To: rapid.SampledFrom(ids).Draw(t, "to"),
			Type: rapid.SampledFrom([]RelationType{Reads, Serves}).Draw(t, "type"), Tier: Declared, Evidence: "config.<x>"})
	}
	b.BlindSpot(BlindSpot{Source: "s", Operation: "o", Types: []string{"b", "a"}, Status: ReadFailed, Why: "w"})
	b.Source(SourceStatus{Source: "s", Status: "partial", Assets: 3, Calls: 4, Seconds: 0.25, Covered: []Coverage{{"T", "1", ""}}})
	b.Covered(Coverage{"U", "1", "eu-west-1"})
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestImportNamesTheLine(t *testing.T) {
	head := `{"format":"sevenfold/snapshot/v1","taken":"2026-03-03T12:00:00Z"}` + "\n"
	for text, want := range map[string]string{
		"":                             "empty",
		"{}":                           "line 1 is not the head",
		`{"format":"other"}`:           "line 1 is not the head",
		head + "{}":                    "line 2 of the snapshot says nothing",
		head + `{"asset":{"id":1}}`:    "line 2",
		head + `{"assets":[]}`:         `unknown field "assets"`,
		head + `{"asset":{"id":"a"}`:   "line 2",
		head + "\x00":                  "line 2",
		head + `{"relation":{}}` + "x": "goes on after its end",
	} {
		if _, err := Import(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func FuzzImport(f *testing.F) {
	f.Add([]byte(`{"format":"sevenfold/snapshot/v1","taken":"2026-03-03T12:00:00Z"}` + "\n" + `{"asset":{"id":"a","type":"T","cloud":"aws","config":{"x":1}}}` + "\n" +
		`{"relation":{"from":"a","to":"b","type":"reads","tier":"declared"}}` + "\n" + `{"covered":{"type":"T"}}`))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Import(bytes.NewReader(text))
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := s.Export(context.Background(), &out); err != nil {
			t.Fatal(err)
		}
		again, err := Import(&out)
		if err != nil || again.Hash() != s.Hash() {
			t.Fatalf("what was imported exports as another: %v", err)
		}
	})
}
