package assess

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/local"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/supply"
	"github.com/sevenfold-sec/sevenfold/steps/supply/modelfile"
	"github.com/sevenfold-sec/sevenfold/steps/supply/osv"
	"github.com/sevenfold-sec/sevenfold/steps/supply/upkeep"
	"github.com/sevenfold-sec/sevenfold/store"
)

// What is kept of the supply chain comes back as it was, and what is damaged, forged or
// shrunk is refused.
func TestSupplyState(t *testing.T) {
	ctx := context.Background()
	st, err := store.Open(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	public, private, _ := ed25519.GenerateKey(nil)
	s := Supply{Store: st, Stale: 7 * 24 * time.Hour, Trusted: []ed25519.PublicKey{public}}
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	sc := scope.Default()
	fits := func(schema string, v any) {
		t.Helper()
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		fitsSchema(t, schema, text)
	}
	empty, err := s.Answer(ctx, now, sc, nil)
	if err != nil || empty.Exit(finding.High) != 3 {
		t.Fatalf("nothing was examined: %+v, %v", empty, err)
	}
	fits("supply-watch.schema.json", empty)

	dir := t.TempDir()
	for name, text := range map[string]string{"requirements.txt": "torch==2.5.1\n", "app.py": "from openai import OpenAI\nOpenAI().chat.completions.create(model='m')\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	looked, err := LookAt(ctx, []string{dir}, local.Options{}, modelfile.Limits{Digest: true}, true)
	if err != nil || len(looked) != 1 {
		t.Fatalf("%+v, %v", looked, err)
	}
	e := looked[0].Examined("code:app", now, true)
	if err := s.Put(ctx, e); err != nil {
		t.Fatal(err)
	}
	record := func(n int) []byte {
		return fmt.Appendf(nil, `{"id":"GHSA-%d","modified":"2026-11-27T00:00:00Z","database_specific":{"severity":"HIGH"},"affected":[{"package":{"ecosystem":"PyPI","name":"torch"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2.6.0"}]}]}]}`, n)
	}
	b := osv.NewBuilder()
	for i := range 4 {
		if err := b.Add(record(i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Import(ctx, b, now); err != nil {
		t.Fatal(err)
	}
	a, err := s.Answer(ctx, now, sc, nil)
	if err != nil || len(a.Matches) != 4 || !a.Matches[0].New || a.Exit(finding.High) != 1 || a.Exit(finding.Critical) != 0 {
		t.Fatalf("%+v, %v", a, err)
	}
	fits("supply-watch.schema.json", a)
	before, err := s.UpkeepOf(ctx, now)
	if err != nil || before.Of != 1 || before.Known != 0 || before.Exit(finding.High) != 3 || !before.Packages[0].Seen.Equal(now) {
		t.Errorf("%+v, %v", before, err)
	}
	fits("supply-upkeep.schema.json", before)
	book := upkeep.New()
	if err := book.Add([]byte(`{"packageKey":{"system":"PYPI","name":"torch"},"versions":[{"versionKey":{"system":"PYPI","name":"torch","version":"2.5.1"},"publishedAt":"2026-11-25T00:00:00Z","isDeprecated":true}]}`), now); err != nil {
		t.Fatal(err)
	}
	if err := s.Keep(ctx, book); err != nil {
		t.Fatal(err)
	}
	after, err := s.UpkeepOf(ctx, now)
	if err != nil || after.Known != 1 || len(after.Packages[0].Remarks) != 2 || after.Exit(finding.Medium) != 1 || after.Exit(finding.High) != 3 {
		t.Errorf("%+v, %v", after, err)
	}
	fits("supply-upkeep.schema.json", after)
	if a, err = s.Answer(ctx, now, sc, nil); err != nil || a.Matches[0].New {
		t.Errorf("told twice as new: %+v, %v", a, err)
	}
	if a, err = s.Answer(ctx, now.AddDate(0, 0, 10), sc, nil); err != nil || len(a.Open) == 0 {
		t.Errorf("records of ten days ago say all: %+v, %v", a, err)
	}
	fits("supply-services.schema.json", map[string]any{"unused": []string{}, "workloads": map[string]any{"": supply.Services(sc, now, []*supply.Examined{&e}, nil, supply.Sent{}, nil)}})

	fewer := osv.NewBuilder()
	if err := fewer.Add(record(1)); err != nil {
		t.Fatal(err)
	}
	var shrunk *ShrunkError
	if _, err := s.Import(ctx, fewer, time.Time{}); !errors.As(err, &shrunk) {
		t.Errorf("one record takes the place of four: %v", err)
	}

	r := supply.Review{Subject: "code:app", Decision: "approved", By: "jo", Reason: "read", Taken: now}
	if err := s.Say(ctx, r, private); err != nil {
		t.Fatal(err)
	}
	_, stranger, _ := ed25519.GenerateKey(nil)
	if err := s.Say(ctx, supply.Review{Subject: "code:app", Decision: "rejected", By: "eve", Taken: now}, stranger); err != nil {
		t.Fatal(err)
	}
	var not *NotExaminedError
	if err := s.Say(ctx, supply.Review{Subject: "code:other", Taken: now}, private); !errors.As(err, &not) {
		t.Errorf("a review of what nobody saw: %v", err)
	}
	k, err := s.Known(ctx, now)
	if err != nil || len(k.Reviews) != 1 || k.Reviews[0].By != "jo" || k.Stands(&k.Reviews[0]) != "holds" {
		t.Errorf("%+v, %v", k.Reviews, err)
	}

	// A shard that is not what was imported frees nothing of its vulnerabilities.
	if _, err := st.PutBlob(ctx, supplyStep, shardKey("PyPI", osv.Shard("PyPI", "torch")), []byte{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Known(ctx, now); err == nil {
		t.Error("an emptied shard passes")
	}
}
