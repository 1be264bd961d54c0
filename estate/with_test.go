package estate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func mustFind(t testing.TB, s *Snapshot, id string) Node {
	t.Helper()
	n, ok := s.Find(id)
	if !ok {
		t.Fatalf("no asset %s", id)
	}
	return n
}

// What is added later gives the snapshot that would have come of sending it at
// once.
func TestWithIsBuildInTwoParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, all := NewBuilder(noon), NewBuilder(noon)
		var assets []Asset
		for i := range rapid.IntRange(0, 8).Draw(t, "assets") {
			a := drawAsset(t, fmt.Sprintf("n%d", i))
			a.Referenced = false
			all.Asset(a)
			if rapid.Bool().Draw(t, "later") {
				assets = append(assets, a)
			} else {
				one.Asset(a)
			}
		}
		var rels []Relation
		for range rapid.IntRange(0, 9).Draw(t, "relations") {
			r := Relation{fmt.Sprintf("n%d", rapid.IntRange(0, 9).Draw(t, "from")), fmt.Sprintf("n%d", rapid.IntRange(0, 9).Draw(t, "to")), Reads, Declared, ""}
			all.Relation(r)
			if rapid.Bool().Draw(t, "later") {
				rels = append(rels, r)
			} else {
				one.Relation(r)
			}
		}
		base, err := one.Build()
		if err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "hashed") {
			base.Hash()
		}
		got, err := base.With(assets, rels, nil)
		if err != nil {
			t.Fatal(err)
		}
		want, err := all.Build()
		if err != nil {
			t.Fatal(err)
		}
		if got.Hash() != want.Hash() {
			d, err := Diff(want, got)
			t.Fatalf("%+v %v", d, err)
		}
		for n, a := range got.Assets() {
			if m, ok := got.Find(a.ID); !ok || m != n {
				t.Fatalf("%s is found at %d, not %d", a.ID, m, n)
			}
		}
	})
}

func TestWithReplacesAndKeeps(t *testing.T) {
	base := build(t, example(func(*Asset) {}))
	before := base.Hash()
	changed := *base.Asset(mustFind(t, base, "a"))
	changed.Config, changed.Kind = nil, KindStore
	next, err := base.With([]Asset{changed, {ID: "b", Referenced: true, Type: "other"}}, nil, []BlindSpot{{Operation: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	a := next.Asset(mustFind(t, next, "a"))
	if a.Kind != KindStore || string(a.Config) != `{"A":{"B":[1,2]}}` || len(a.Reads) != 2 {
		t.Errorf("a: %+v", a)
	}
	if b := next.Asset(mustFind(t, next, "b")); b.Referenced || b.Type != "T" {
		t.Errorf("a reference took the place of an asset: %+v", b)
	}
	if base.Hash() != before || base.Asset(0).Kind != "" || next.Hash() == before || len(next.BlindSpots()) != 1 {
		t.Error("the former snapshot changed, or the next did not")
	}
	if next.graph != base.graph {
		t.Error("the graph is not shared though no relation came")
	}
	same, err := base.With(nil, nil, nil)
	if err != nil || same.Hash() != before {
		t.Errorf("with nothing: %v", err)
	}
}

func TestUnderstood(t *testing.T) {
	base := build(t, func(b *Builder) {
		b.Asset(Asset{ID: "pod", Type: "v1/Pod", Config: json.RawMessage(`{"spec":{"sa":"default"}}`), Tags: map[string]string{"app": "x"}})
		b.Asset(Asset{ID: "part", Type: "P", Config: json.RawMessage(`{"own":true}`), Reads: []Read{{Operation: "p:Get", Status: ReadOK}}})
		b.Relation(Relation{"pod", "elsewhere", Reads, Declared, ""})
		b.Asset(Asset{ID: "set", Type: SetType})
	})
	next, err := base.Understood(context.Background(), func(a *Asset) Understanding {
		if a.Referenced || a.Type == SetType {
			t.Errorf("%s was never read", a.ID)
		}
		if a.ID != "pod" {
			return Understanding{}
		}
		if string(a.Config) != `{"spec":{"sa":"default"}}` {
			t.Errorf("configuration %s", a.Config)
		}
		return Understanding{Kind: KindCompute, Name: "pod", Root: &Root{Class: ClassNotebook, Why: "jupyter"}, Created: noon,
			Relations: []Relation{{"pod", "sa", RunsAs, Declared, "config.spec.sa"}, {"pod", "pod#c", Contains, Declared, ""}},
			Parts:     []Asset{{ID: "pod#c", Type: "container", Kind: KindCompute}, {ID: "part", Type: "P", Config: json.RawMessage(`{"guess":1}`)}},
			Problems:  []Problem{{"config.spec.x", "not a string"}}}
	})
	if err != nil {
		t.Fatal(err)
	}
	pod := next.Asset(mustFind(t, next, "pod"))
	if pod.Kind != KindCompute || pod.Root == nil || !pod.Created.Equal(noon) || pod.Tags["app"] != "x" || pod.Config == nil {
		t.Errorf("pod: %+v", pod)
	}
	if part := next.Asset(mustFind(t, next, "part")); string(part.Config) != `{"own":true}` || len(part.Reads) != 1 {
		t.Errorf("what was read gave way to a part: %+v", part)
	}
	if sa := next.Asset(mustFind(t, next, "sa")); !sa.Referenced {
		t.Errorf("sa: %+v", sa)
	}
	blind := next.BlindSpots()
	if len(blind) != 1 || blind[0].Asset != "pod" || blind[0].Operation != "config.spec.x" || blind[0].Why != "not a string" {
		t.Errorf("blind spots: %+v", blind)
	}
	if _, ok := next.ShortestPath(mustFind(t, next, "pod"), mustFind(t, next, "pod#c"), Filter{}); !ok {
		t.Error("the part is not joined")
	}
}

// far is a store of configurations with a fault.
type far map[uint64]string

func (f far) Config(ref uint64) (json.RawMessage, error) {
	if c, ok := f[ref]; ok {
		return json.RawMessage(c), nil
	}
	return nil, errors.New("body 9 is damaged")
}

func (f far) Each(_ context.Context, refs []uint64, fn func(int, json.RawMessage) error) error {
	for i, r := range refs {
		c, err := f.Config(r)
		if err != nil {
			return err
		}
		if err := fn(i, c); err != nil {
			return err
		}
	}
	return nil
}

func TestRestoredSnapshotsReadLazily(t *testing.T) {
	assets := []*Asset{{ID: "a"}, {ID: "b"}, {ID: "c", Config: json.RawMessage(`{"C":1}`)}}
	r, err := NewRestorer(Stored{Taken: noon, Assets: assets, Refs: []uint64{1, 2, 0}, Digests: []Digest{digestOf([]byte(`{"A":1}`)), {1}, digestOf([]byte(`{"C":1}`))}, Configs: far{1: `{"A":1}`}})
	if err != nil {
		t.Fatal(err)
	}
	r.Relation(0, 2, r.Label(Reads, Declared, "e"))
	s := r.Snapshot()
	if c, err := s.Config(0); err != nil || string(c) != `{"A":1}` {
		t.Errorf("%s %v", c, err)
	}
	if _, err := s.Config(1); err == nil || !strings.Contains(err.Error(), "configuration of b: body 9") {
		t.Errorf("damaged: %v", err)
	}
	if err := s.Each(context.Background(), func(Node, *Asset, json.RawMessage) error { return nil }); err == nil {
		t.Error("each passes over what it cannot read")
	}
	if _, err := s.Understood(context.Background(), func(*Asset) Understanding { return Understanding{} }); err == nil {
		t.Error("understanding passes over what it cannot read")
	}
	if _, err := NewRestorer(Stored{Assets: []*Asset{{ID: "b"}, {ID: "a"}}}); err == nil {
		t.Error("assets out of order are taken")
	}
	if _, err := NewRestorer(Stored{Assets: assets, Refs: []uint64{1}}); err == nil {
		t.Error("too few references are taken")
	}
}

func TestDiff(t *testing.T) {
	before := build(t, func(b *Builder) {
		example(func(a *Asset) { a.Config = json.RawMessage(`{"A":{"x/y~z":1,"L":[1,2,3]},"Gone":true,"Same":[{}]}`) })(b)
		b.Asset(Asset{ID: "old"})
		b.Relation(Relation{"old", "a", Reads, Declared, ""})
		b.BlindSpot(BlindSpot{Operation: "s:Old"})
	})
	after := build(t, func(b *Builder) {
		example(func(a *Asset) {
			a.Config = json.RawMessage(`{"A":{"x/y~z":2,"L":[1,9]},"New":null,"Same":[{}]}`)
			a.Tags = map[string]string{"k": "w", "l/m": ""}
			a.Reads[1] = Read{Operation: "s:GetP", Key: "GetP", Status: ReadOK}
			a.Kind = KindStore
		})(b)
		b.Asset(Asset{ID: "new"})
		b.Relation(Relation{"a", "new", Reads, Declared, ""})
		b.BlindSpot(BlindSpot{Operation: "s:New"})
	})
	d, err := Diff(before, after)
	if err != nil {
		t.Fatal(err)
	}
	raw := func(s string) json.RawMessage {
		if s == "" {
			return nil
		}
		return json.RawMessage(s)
	}
	change := func(p, b, a string) Change { return Change{p, raw(b), raw(a)} }
	want := &Difference{Added: []string{"new"}, Removed: []string{"old"},
		Changed: []AssetChange{{"a", []Change{
			change("/config/A/L/1", "2", "9"), change("/config/A/L/2", "3", ""), change("/config/A/x~1y~0z", "1", "2"),
			change("/config/Gone", "true", ""), change("/config/New", "", "null"), change("/kind", "", `"store"`),
			change("/reads/s:GetP/GetP", `{"grant":"s:GetP","key":"GetP","operation":"s:GetP","status":"denied","why":"no"}`, `{"key":"GetP","operation":"s:GetP","status":"ok"}`),
			change("/tags/k", `"v"`, `"w"`), change("/tags/l~1m", "", `""`)}}},
		AddedRelations: []Relation{{"a", "new", Reads, Declared, ""}}, RemovedRelations: []Relation{{"old", "a", Reads, Declared, ""}},
		AddedBlindSpots: []BlindSpot{{Operation: "s:New"}}, EndedBlindSpots: []BlindSpot{{Operation: "s:Old"}}}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if d.Empty() {
		t.Error("nothing differs, it says")
	}
}

// A difference is empty exactly when the hashes agree, as far as assets,
// relations and blind spots go.
func TestDiffAgreesWithTheHash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func() *Snapshot {
			b := NewBuilder(noon)
			for i := range 2 {
				if rapid.Bool().Draw(t, "there") {
					b.Asset(drawAsset(t, fmt.Sprintf("n%d", i)))
				}
			}
			if rapid.Bool().Draw(t, "related") {
				b.Relation(Relation{"n0", "n1", Reads, Declared, ""})
			}
			s, err := b.Build()
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		x, y := draw(), draw()
		d, err := Diff(x, y)
		if err != nil {
			t.Fatal(err)
		}
		if d.Empty() != (x.Hash() == y.Hash()) {
			t.Fatalf("empty %v, hashes %s %s: %+v", d.Empty(), x.Hash(), y.Hash(), d)
		}
	})
}

// Relations of the former snapshot and of the addition that start at one node
// are all kept. Run under the race detector, this also shows that no two
// goroutines lay out one row.
func TestWithAddsToRowsThatAreThere(t *testing.T) {
	const n = 3000
	id := func(i int) string { return fmt.Sprintf("n%04d", i) }
	b := NewBuilder(time.Unix(0, 0))
	for i := range n {
		b.Asset(Asset{ID: id(i), Type: "T"})
		b.Relation(Relation{From: id(i), To: id((i + 1) % n), Type: Reads, Tier: Declared})
	}
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	var more []Relation
	for i := range n {
		more = append(more, Relation{From: id(i), To: id((i + 2) % n), Type: Writes, Tier: Possible})
	}
	if s, err = s.With(nil, more, nil); err != nil {
		t.Fatal(err)
	}
	if s.RelationCount() != 2*n {
		t.Fatalf("%d relations, want %d", s.RelationCount(), 2*n)
	}
	for i := range n {
		at, _ := s.Find(id(i))
		got := map[string]RelationType{}
		for e := range s.Out(at) {
			got[s.Asset(e.Node).ID] = e.Type
		}
		want := map[string]RelationType{id((i + 1) % n): Reads, id((i + 2) % n): Writes}
		if !maps.Equal(got, want) {
			t.Fatalf("%s leads to %v, want %v", id(i), got, want)
		}
	}
}
