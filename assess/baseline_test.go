package assess

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/steps/audit"
	"github.com/sevenfold-sec/sevenfold/store"
)

var signer = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))

// approved is a state with an approved baseline of the example.
func approved(t *testing.T) (store.Store, *Result, Options, []byte) {
	t.Helper()
	ctx := context.Background()
	st, err := store.Open(ctx, filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	r, o := harbour(t), harbourOptions(t)
	if err := st.Save(ctx, r.Seen); err != nil {
		t.Fatal(err)
	}
	_, file, left, unknown, err := r.Approve(ctx, st, o, Approval{Key: signer, By: "jo", All: true, Version: "1"})
	if err != nil || len(left)+len(unknown) > 0 {
		t.Fatal(err, left, unknown)
	}
	return st, r, o, file
}

func holdingOf(st store.Store, o Options) Holding {
	return Holding{Store: st, Trusted: []ed25519.PublicKey{signer.Public().(ed25519.PublicKey)}, Estate: o.Scope.Estate, Now: o.Now}
}

func TestApproveRefusesWhatIsNotListed(t *testing.T) {
	st, r, o, _ := approved(t)
	ctx := context.Background()
	open := r.Open(o)
	if len(open) < 10 {
		t.Fatalf("only %d open things in the example", len(open))
	}
	var ids []string
	for _, x := range open[1:] {
		ids = append(ids, x.ID)
	}
	_, _, left, _, err := r.Approve(ctx, st, o, Approval{Key: signer, By: "jo", Accept: ids})
	if err != nil || len(left) != 1 || left[0].ID != open[0].ID {
		t.Errorf("left %v, %v; want %v alone", left, err, open[0])
	}
	if _, _, _, unknown, _ := r.Approve(ctx, st, o, Approval{Key: signer, By: "jo", All: true, Accept: []string{"F-none"}}); len(unknown) != 1 {
		t.Error("an id that names nothing was taken")
	}
	b, _, _, _, err := r.Approve(ctx, st, o, Approval{Key: signer, By: "mo", Accept: append(ids, open[0].ID)})
	if err != nil || b.Version != 2 || len(b.Listed) != len(open) || b.Listed[0].All || b.Listed[0].By != "mo" {
		t.Errorf("version %+v, %v", b, err)
	}
	if last, err := (Baselines{st}).Last(ctx); last != 2 || err != nil {
		t.Errorf("the newest is %d, %v", last, err)
	}
}

// Every byte of a baseline's file counts, and what was changed is said.
func TestBaselineFileIsRefusedWhenTouched(t *testing.T) {
	_, _, o, file := approved(t)
	trusted := []ed25519.PublicKey{signer.Public().(ed25519.PublicKey)}
	if _, err := (Baselines{}).Check(file, trusted, o.Scope.Estate, 1); err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(file); at += 997 {
		touched := append([]byte(nil), file...)
		touched[at] ^= 1
		if b, err := (Baselines{}).Check(touched, trusted, o.Scope.Estate, 1); err == nil {
			t.Fatalf("byte %d changed, and version %d counts", at, b.Version)
		}
	}
	reseal := func(edit func(*baselineStatement), key ed25519.PrivateKey) []byte {
		payload, _, err := certificate.Unseal(file, trusted...)
		if err != nil {
			t.Fatal(err)
		}
		s := &baselineStatement{}
		if err := json.Unmarshal(payload, s); err != nil {
			t.Fatal(err)
		}
		edit(s)
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		out, err := certificate.Seal(text, key)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	// A signature that is another file's shows which part was changed.
	swap := func(edit func(*baselineStatement)) []byte {
		var mine, other map[string]json.RawMessage
		if json.Unmarshal(reseal(edit, signer), &other) != nil || json.Unmarshal(file, &mine) != nil {
			t.Fatal("no envelope")
		}
		var sigs []map[string]string
		if err := json.Unmarshal(mine["signatures"], &sigs); err != nil {
			t.Fatal(err)
		}
		return []byte(`{"payloadType":` + string(other["payloadType"]) + `,"payload":` + string(other["payload"]) + `,"signatures":` + string(mine["signatures"]) + "}\n")
	}
	stranger := ed25519.NewKeyFromSeed([]byte(strings.Repeat("x", ed25519.SeedSize)))
	for name, tt := range map[string]struct {
		file []byte
		says string
	}{
		"a finding taken out":  {swap(func(s *baselineStatement) { s.Predicate.Findings = s.Predicate.Findings[1:] }), "its findings"},
		"a listed name":        {swap(func(s *baselineStatement) { s.Predicate.Listed[0].By = "mallory" }), "its listed"},
		"another snapshot":     {swap(func(s *baselineStatement) { s.Predicate.Snapshot = "sha256:0" }), "version, snapshot, times"},
		"signed by a stranger": {reseal(func(*baselineStatement) {}, stranger), "not signed by a trusted key"},
		"of an older schema":   {reseal(func(s *baselineStatement) { s.PredicateType = baselineTypes + "v0" }, signer), "schema v0, this sevenfold reads v1"},
		"something else":       {reseal(func(s *baselineStatement) { s.PredicateType = "https://example.com/x" }, signer), "no baseline"},
		"another estate":       {reseal(func(s *baselineStatement) { s.Predicate.Estate = "globex" }, signer), `of estate "globex"`},
		"an older version":     {reseal(func(s *baselineStatement) { s.Predicate.Version = 7 }, signer), "an older one was put in its place"},
	} {
		_, err := (Baselines{}).Check(tt.file, trusted, o.Scope.Estate, 1)
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: error %v does not say %q", name, err, tt.says)
		}
	}
}

// changed is a store that hands out another snapshot than the one asked for, or
// another list: a state that somebody wrote into.
type changed struct {
	store.Store
	snap *estate.Snapshot
	blob map[string][]byte
}

func (c changed) Load(ctx context.Context, hash string) (*estate.Snapshot, error) {
	if c.snap != nil {
		return c.snap, nil
	}
	return c.Store.Load(ctx, hash)
}

func (c changed) Blob(ctx context.Context, step, key string, version int64) ([]byte, int64, error) {
	data, got, err := c.Store.Blob(ctx, step, key, version)
	for prefix, other := range c.blob {
		if strings.HasPrefix(key, prefix) {
			return other, got, err
		}
	}
	return data, got, err
}

func TestBaselineNamesWhatWasChangedInTheState(t *testing.T) {
	st, r, o, _ := approved(t)
	ctx := context.Background()
	var victim *estate.Asset
	rebuilt := func(edit func(*estate.Asset) bool) *estate.Snapshot {
		b := estate.NewBuilder(r.Seen.Taken())
		for n, a := range r.Seen.Assets() {
			x := *a
			x.Config, _ = r.Seen.Config(n)
			if edit(&x) {
				b.Asset(x)
			}
		}
		snap, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		return snap
	}
	for _, a := range r.Seen.Assets() {
		if a.Type == "AWS::S3::Bucket" && !a.Referenced {
			victim = a
		}
	}
	for name, tt := range map[string]struct {
		st   store.Store
		says string
	}{
		"a configuration": {changed{Store: st, snap: rebuilt(func(a *estate.Asset) bool {
			if a.ID == victim.ID {
				a.Config = json.RawMessage(`{"Name":"x"}`)
			}
			return true
		})}, victim.ID + " is not as it was approved"},
		"an asset less": {changed{Store: st, snap: rebuilt(func(a *estate.Asset) bool { return a.ID != victim.ID })}, "asset " + victim.ID},
		"the list":      {changed{Store: st, blob: map[string][]byte{tableKey: []byte("x")}}, "list of the digests of baseline version 1 was changed"},
		"the statement": {changed{Store: st, blob: map[string][]byte{baselineKey: []byte("{}")}}, "baseline"},
	} {
		b, err := holdingOf(tt.st, o).Against(ctx, r.Seen)
		if err != nil {
			t.Fatal(name, err)
		}
		if !strings.Contains(b.Refused, tt.says) || b.Hint == "" || b.Drift != nil {
			t.Errorf("%s: refused %q, want %q", name, b.Refused, tt.says)
		}
	}
	b, err := holdingOf(st, o).Against(ctx, r.Seen)
	if err != nil || b.Refused != "" || len(b.Drift.Records) != 0 {
		t.Errorf("as it is: %+v, %v", b, err)
	}
}

// Since when a difference is there is found in what was stored, not in when
// somebody asked; a clock that went back makes no nonsense of it.
func TestDriftIsSeenFirstWhereItIsStored(t *testing.T) {
	st, r, o, _ := approved(t)
	ctx := context.Background()
	at := func(hours int, versioning string) *estate.Snapshot {
		b := estate.NewBuilder(r.Seen.Taken().Add(time.Duration(hours) * time.Hour))
		for n, a := range r.Seen.Assets() {
			if a.Referenced || len(a.Reads) == 0 {
				continue
			}
			x := *a
			x.Config, _ = r.Seen.Config(n)
			if x.Type == "AWS::SageMaker::Model" && versioning != "" {
				x.Config = json.RawMessage(strings.Replace(string(x.Config), `"ModelName":`, `"Added":"`+versioning+`","ModelName":`, 1))
				versioning = ""
			}
			b.Asset(x)
		}
		for _, c := range r.Seen.Coverage() {
			b.Covered(c)
		}
		for _, s := range r.Seen.Sources() {
			b.Source(s)
		}
		snap, err := b.Build()
		if err == nil {
			snap, err = Understood(ctx, snap)
		}
		if err == nil {
			err = st.Save(ctx, snap)
		}
		if err != nil {
			t.Fatal(err)
		}
		return snap
	}
	at(1, "")
	second := at(2, "one")
	last := at(3, "one")
	h := holdingOf(st, o)
	h.Fresh = true
	for range 2 { // from the snapshots, then from the list
		b, err := h.Against(ctx, last)
		if err != nil || len(b.Drift.Records) != 1 {
			t.Fatalf("%+v, %v", b, err)
		}
		rec := b.Drift.Records[0]
		if !rec.FirstSeen.Equal(second.Taken()) || !rec.LastSame.Equal(r.Seen.Taken().Add(time.Hour)) {
			t.Errorf("first seen %s, last same %s", rec.FirstSeen, rec.LastSame)
		}
	}
	// Accepted, ended, and back.
	b, _ := h.Against(ctx, last)
	rec := &b.Drift.Records[0]
	if err := AcceptDrift(ctx, st, o.Scope.Estate, rec, audit.Acceptance{Reason: "r", Owner: "jo", Until: "2026-11-30", At: o.Now}, signer); err != nil {
		t.Fatal(err)
	}
	for day, want := range map[string]string{"2026-11-30": audit.StatusAccepted, "2026-12-01": audit.StatusOpen} {
		h.Now, _ = time.Parse(time.DateOnly, day)
		b, err := h.Against(ctx, last)
		if err != nil || b.Drift.Records[0].Status != want {
			t.Errorf("on %s it is %s, want %s (%v)", day, b.Drift.Records[0].Status, want, err)
		}
		if want == audit.StatusOpen && !strings.Contains(b.Drift.Records[0].Lapsed, "ended on 2026-11-30") {
			t.Errorf("it does not say that the acceptance ended: %q", b.Drift.Records[0].Lapsed)
		}
	}
	h.Trusted = []ed25519.PublicKey{ed25519.NewKeyFromSeed([]byte(strings.Repeat("y", 32))).Public().(ed25519.PublicKey)}
	if b, err := h.Against(ctx, last); err != nil || b.Refused == "" {
		t.Errorf("a key nobody trusts counts: %+v, %v", b, err)
	}
	// The clock went back: what is read now is older than the baseline.
	if b, err := holdingOf(st, o).Against(ctx, at(-5, "one")); err != nil || len(b.Drift.Records) != 1 {
		t.Errorf("%+v, %v", b, err)
	}
}

func FuzzBaseline(f *testing.F) {
	f.Add([]byte(`{"predicateType":"` + BaselineType + `","predicate":{"version":1}}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		file, err := certificate.Seal(payload, signer)
		if err != nil {
			return // what cannot be sealed is no baseline
		}
		trusted := []ed25519.PublicKey{signer.Public().(ed25519.PublicKey)}
		if b, err := (Baselines{}).Check(file, trusted, "", 0); err == nil && b.Estate != "" {
			t.Error("of another estate, and counts")
		}
	})
}
