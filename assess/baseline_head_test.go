package assess

import (
	"context"
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/steps/audit"
	"github.com/sevenfold-sec/sevenfold/store"
	"github.com/sevenfold-sec/sevenfold/test/postgres"
)

// rewritten is a state somebody wrote into past sevenfold: rows are gone, or others
// stand in their place, each as whole as the store would have written it.
type rewritten struct {
	store.Store
	upTo map[string]int64            // the newest version left, by key
	put  map[string]map[int64][]byte // other rows
}

func (r rewritten) Blob(ctx context.Context, step, key string, version int64) ([]byte, int64, error) {
	if last, cut := r.upTo[key]; cut {
		if version == 0 {
			version = last
		}
		if last == 0 || version > last {
			return nil, 0, store.ErrNotFound
		}
	}
	data, got, err := r.Store.Blob(ctx, step, key, version)
	if other, has := r.put[key][got]; has && err == nil {
		return other, got, nil
	}
	return data, got, err
}

// kept is a state with two baselines, a remembered difference and a history, and a
// head over all.
type kept struct {
	st      store.Store
	heads   Heads
	r       *Result
	o       Options
	drifted *estate.Snapshot
}

// onEachState runs a test on a state in a folder and on one in PostgreSQL.
func onEachState(t *testing.T, test func(t *testing.T, k *kept)) {
	for name, open := range map[string]func(*testing.T) (state, folder string){
		"sqlite":   func(t *testing.T) (string, string) { dir := filepath.Join(t.TempDir(), "state"); return dir, dir },
		"postgres": func(t *testing.T) (string, string) { return postgres.URL(t), "" },
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			state, folder := open(t)
			st, err := store.Open(ctx, state)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { st.Close() })
			k := &kept{st: st, r: harbour(t), o: harbourOptions(t)}
			k.heads = Heads{Store: st, Folder: folder, Estate: k.o.Scope.Estate, Trusted: []ed25519.PublicKey{signer.Public().(ed25519.PublicKey)}}
			if folder != "" {
				k.heads.Key = signer
			}
			if err := st.Save(ctx, k.r.Seen); err != nil {
				t.Fatal(err)
			}
			for _, by := range []string{"jo", "mo"} {
				if _, _, left, unknown, err := k.r.Approve(ctx, st, k.o, Approval{Key: signer, By: by, All: true, Version: "1", Heads: k.heads}); err != nil || len(left)+len(unknown) > 0 {
					t.Fatal(err, left, unknown)
				}
			}
			k.drifted = edited(t, k.r.Seen)
			if err := st.Save(ctx, k.drifted); err != nil {
				t.Fatal(err)
			}
			k.history(t, k.heads, 3)
			h := k.holding(st)
			b, err := h.Against(ctx, k.drifted)
			if err != nil || b.Refused != "" || len(b.Drift.Records) != 1 {
				t.Fatalf("%+v, %v", b, err)
			}
			b.Drift.Records[0].By = &audit.Actor{Principal: "jo", Event: "e1"}
			if err := h.Remember(ctx, b); err != nil {
				t.Fatal(err)
			}
			// A database's head is written by whoever has a key at hand.
			signed := k.heads
			signed.Key = signer
			if err := signed.Write(ctx, k.o.Now); err != nil {
				t.Fatal(err)
			}
			test(t, k)
		})
	}
}

// edited is an estate with one model changed, an hour later.
func edited(t *testing.T, s *estate.Snapshot) *estate.Snapshot {
	t.Helper()
	b := estate.NewBuilder(s.Taken().Add(time.Hour))
	done := false
	for n, a := range s.Assets() {
		if a.Referenced || len(a.Reads) == 0 {
			continue
		}
		x := *a
		x.Config, _ = s.Config(n)
		if x.Type == "AWS::SageMaker::Model" && !done {
			x.Config, done = []byte(strings.Replace(string(x.Config), `"ModelName":`, `"Added":"x","ModelName":`, 1)), true
		}
		b.Asset(x)
	}
	for _, c := range s.Coverage() {
		b.Covered(c)
	}
	for _, x := range s.Sources() {
		b.Source(x)
	}
	for _, x := range s.BlindSpots() {
		b.BlindSpot(x)
	}
	snap, err := b.Build()
	if err == nil {
		snap, err = Understood(context.Background(), snap)
	}
	if err != nil || !done {
		t.Fatal(err, done)
	}
	return snap
}

func (k *kept) holding(st store.Store) Holding {
	h := holdingOf(st, k.o)
	h.Fresh, h.Heads = true, k.heads
	h.Heads.Store = st
	return h
}

// history notes n runs that differ.
func (k *kept) history(t *testing.T, heads Heads, n int) {
	t.Helper()
	h := History{Store: k.st, Heads: heads}
	for i := range n {
		r := *k.r
		r.Findings = k.r.Findings[i:]
		if err := h.Note(context.Background(), &r, "one"); err != nil {
			t.Fatal(err)
		}
	}
}

// A baseline that was taken away, or another with a signature that counts in its
// place, is named; as it is, all counts.
func TestHeadShowsWhatBecameOfTheBaseline(t *testing.T) {
	onEachState(t, func(t *testing.T, k *kept) {
		ctx := context.Background()
		first, _, err := Baselines{k.st}.File(ctx, 1)
		if err != nil {
			t.Fatal(err)
		}
		for name, tt := range map[string]struct {
			st   store.Store
			says string
		}{
			"as it is":                  {k.st, ""},
			"the newest removed":        {rewritten{Store: k.st, upTo: map[string]int64{baselineKey: 1}}, "version 2 was removed from the state"},
			"all removed":               {rewritten{Store: k.st, upTo: map[string]int64{baselineKey: 0}}, "now there is none"},
			"an older put in its place": {rewritten{Store: k.st, put: map[string]map[int64][]byte{baselineKey: {2: first}}}, "an older one was put in its place"},
			"signed again":              {rewritten{Store: k.st, put: map[string]map[int64][]byte{baselineKey: {2: k.again(t)}}}, "version 2 in the state is another"},
		} {
			b, err := k.holding(tt.st).Against(ctx, k.drifted)
			if err != nil || b == nil {
				t.Fatal(name, b, err)
			}
			if (b.Refused == "") != (tt.says == "") || !strings.Contains(b.Refused, tt.says) || b.Refused != "" && (b.Hint == "" || b.Drift != nil) {
				t.Errorf("%s: refused %q, want %q", name, b.Refused, tt.says)
			}
		}
	})
}

// again is the newest baseline with another approver in it, signed with the same
// key.
func (k *kept) again(t *testing.T) []byte {
	t.Helper()
	ctx := context.Background()
	file, _, err := Baselines{k.st}.File(ctx, 2)
	if err != nil {
		t.Fatal(err)
	}
	payload, _, err := certificate.Unseal(file, k.heads.Trusted...)
	if err != nil {
		t.Fatal(err)
	}
	out, err := certificate.Seal([]byte(strings.ReplaceAll(string(payload), `"mo"`, `"me"`)), signer)
	if err != nil || string(out) == string(file) {
		t.Fatal("nothing was changed", err)
	}
	return out
}

// A head that is gone, touched or a stranger's is no head, and no run blesses the
// state it was made to show; an approval does.
func TestHeadItself(t *testing.T) {
	onEachState(t, func(t *testing.T, k *kept) {
		if k.heads.Folder == "" {
			return // a row: TestHeadShowsWhatBecameOfTheBaseline reads it
		}
		ctx := context.Background()
		path := filepath.Join(k.heads.Folder, headFile)
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		stranger := k.heads
		stranger.Key = ed25519.NewKeyFromSeed([]byte(strings.Repeat("x", ed25519.SeedSize)))
		for name, tt := range map[string]struct {
			spoil func() error
			says  string
		}{
			"gone":       {func() error { return os.Remove(path) }, "head is missing"},
			"touched":    {func() error { return os.WriteFile(path, []byte(strings.Replace(string(good), "e", "f", 1)), 0o600) }, "head"},
			"empty":      {func() error { return os.WriteFile(path, nil, 0o600) }, "head does not count"},
			"a stranger": {func() error { return stranger.Anew(ctx, k.o.Now) }, "not signed by a trusted key"},
			"a baseline": {func() error { return os.WriteFile(path, k.again(t), 0o600) }, "head"},
		} {
			if err := tt.spoil(); err != nil {
				t.Fatal(name, err)
			}
			if err := k.heads.Write(ctx, k.o.Now.Add(time.Hour)); err != nil {
				t.Fatal(name, err)
			}
			b, err := k.holding(k.st).Against(ctx, k.drifted)
			if err != nil || !strings.Contains(b.Refused, tt.says) || b.Hint == "" {
				t.Errorf("%s: refused %q, want %q (%v)", name, b.Refused, tt.says, err)
			}
			if err := os.WriteFile(path, good, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if _, _, _, _, err := k.r.Approve(ctx, k.st, k.o, Approval{Key: signer, By: "jo", All: true, Version: "1", Heads: k.heads}); err != nil {
			t.Fatal(err)
		}
		if b, err := k.holding(k.st).Against(ctx, k.drifted); err != nil || b.Refused != "" {
			t.Errorf("approved anew, and refused: %q, %v", b.Refused, err)
		}
	})
}

// An entry of the history that is gone, cut off or another is named.
func TestHistoryIsHeldToItself(t *testing.T) {
	onEachState(t, func(t *testing.T, k *kept) {
		ctx := context.Background()
		entry := func(v int64) []byte {
			text, _, err := k.st.Blob(ctx, auditStep, historyKey, v)
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
		edit := func(v int64, old, to string) rewritten {
			text := strings.Replace(string(entry(v)), old, to, 1)
			if text == string(entry(v)) {
				t.Fatalf("entry %d has no %s", v, old)
			}
			return rewritten{Store: k.st, put: map[string]map[int64][]byte{historyKey: {v: []byte(text)}}}
		}
		for name, tt := range map[string]struct {
			st   store.Store
			says string
		}{
			"as it is":         {k.st, ""},
			"one changed":      {edit(2, `"controls":"one"`, `"controls":"two"`), "entry 3 does not follow entry 2"},
			"the first":        {edit(1, `"controls":"one"`, `"controls":"two"`), "entry 2 does not follow entry 1"},
			"the last":         {edit(3, `"controls":"one"`, `"controls":"two"`), "version 3 in the state is another"},
			"no JSON":          {rewritten{Store: k.st, put: map[string]map[int64][]byte{historyKey: {2: []byte("{")}}}, "entry 2 cannot be read"},
			"the last removed": {rewritten{Store: k.st, upTo: map[string]int64{historyKey: 2}}, "version 3 was removed"},
			"all removed":      {rewritten{Store: k.st, upTo: map[string]int64{historyKey: 0}}, "version 3 was removed"},
		} {
			heads := k.heads
			heads.Store = tt.st
			h := History{Store: tt.st, Heads: heads}
			_, err := h.Report(ctx, time.Time{})
			var altered *HistoryError
			if tt.says == "" && err != nil || tt.says != "" && (!errors.As(err, &altered) || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "hint: ")) {
				t.Errorf("%s: error %v, want %q", name, err, tt.says)
			}
			if tt.says != "" && h.Note(ctx, k.r, "one") == nil {
				t.Errorf("%s: a run was added to it", name)
			}
		}
	})
}

// Who made a difference is remembered with since when, by every later run that
// still sees it; what was written over is not believed.
func TestWhoIsRememberedInTheState(t *testing.T) {
	onEachState(t, func(t *testing.T, k *kept) {
		ctx := context.Background()
		h := k.holding(k.st)
		b, err := h.Against(ctx, k.drifted)
		if err != nil || len(b.Drift.Records) != 1 || b.Drift.Records[0].By == nil || b.Drift.Records[0].By.Event != "e1" {
			t.Fatalf("forgotten: %+v, %v", b.Drift, err)
		}
		since := b.Drift.Records[0].FirstSeen
		Explain(ctx, b, nil, k.drifted)
		if by := b.Drift.Records[0].By; by == nil || by.Principal != "jo" {
			t.Errorf("a run without a log forgets: %+v", by)
		}
		// The clock went back: since when and who stay.
		back := edited(t, k.r.Seen)
		back = at(t, back, k.r.Seen.Taken().Add(-5*time.Hour))
		if b, err = h.Against(ctx, back); err != nil || b.Drift.Records[0].By == nil || !b.Drift.Records[0].FirstSeen.Equal(since) {
			t.Errorf("with the clock back: %+v, %v", b.Drift.Records[0], err)
		}
		text, last, err := k.st.Blob(ctx, auditStep, ledgerKey, 0)
		if err != nil {
			t.Fatal(err)
		}
		forged := rewritten{Store: k.st, put: map[string]map[int64][]byte{ledgerKey: {last: []byte(strings.Replace(string(text), `"jo"`, `"mo"`, 1))}}}
		h = k.holding(forged)
		h.Fresh = false
		if b, err = h.Against(ctx, k.drifted); err != nil || b.Drift.Records[0].By != nil || b.Drift.Records[0].FirstSeen.IsZero() {
			t.Errorf("a list that was written over is believed: %+v, %v", b.Drift.Records[0].By, err)
		}
	})
}

// at is a snapshot as if taken at another time.
func at(t *testing.T, s *estate.Snapshot, when time.Time) *estate.Snapshot {
	t.Helper()
	b := estate.NewBuilder(when)
	for n, a := range s.Assets() {
		if a.Referenced || len(a.Reads) == 0 {
			continue
		}
		x := *a
		x.Config, _ = s.Config(n)
		b.Asset(x)
	}
	for _, c := range s.Coverage() {
		b.Covered(c)
	}
	for _, x := range s.Sources() {
		b.Source(x)
	}
	for _, x := range s.BlindSpots() {
		b.BlindSpot(x)
	}
	out, err := b.Build()
	if err == nil {
		out, err = Understood(context.Background(), out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A baseline whose file somebody kept is asked for in the state.
func TestStateHoldsTheBaselineOfAFile(t *testing.T) {
	onEachState(t, func(t *testing.T, k *kept) {
		ctx := context.Background()
		file, _, err := Baselines{k.st}.File(ctx, 2)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Baselines{}.Check(file, k.heads.Trusted, k.o.Scope.Estate, 0)
		if err != nil {
			t.Fatal(err)
		}
		for name, tt := range map[string]struct {
			st   store.Store
			file []byte
			says string
		}{
			"as it is": {k.st, file, ""},
			"removed":  {rewritten{Store: k.st, upTo: map[string]int64{baselineKey: 1}}, file, "does not hold version 2 of the baseline, its newest is version 1"},
			"another":  {k.st, k.again(t), "version 2 of the baseline in the state is another"},
		} {
			err := Baselines{tt.st}.Holds(ctx, b, tt.file)
			if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%s: error %v, want %q", name, err, tt.says)
			}
		}
	})
}

func FuzzHead(f *testing.F) {
	f.Add([]byte(`{"predicateType":"` + headType + `","predicate":{"estate":"","serial":1,"marks":{"baseline":{"version":1,"sha256":"x"}}}}`))
	f.Add([]byte(`{}`))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, payload []byte) {
		file, err := certificate.Seal(payload, signer)
		if err != nil {
			return // what cannot be sealed is no head
		}
		if err := os.WriteFile(filepath.Join(dir, headFile), file, 0o600); err != nil {
			t.Fatal(err)
		}
		h := Heads{Store: changed{}, Folder: dir, Trusted: []ed25519.PublicKey{signer.Public().(ed25519.PublicKey)}}
		head, err := h.read(context.Background())
		var no *BaselineError
		if head == nil && !errors.As(err, &no) {
			t.Errorf("neither a head nor an error that says why: %v", err)
		}
	})
}
