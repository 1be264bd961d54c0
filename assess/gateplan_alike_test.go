package assess

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/store"
)

// What both sides of a plan share is laid, understood and asked once. The gate's
// word, and every finding and criterion under it, is that of two judgements which
// know nothing of one another, of sides that were put together piece by piece.
func TestAPlanIsJudgedAsTwoWholes(t *testing.T) {
	ctx := context.Background()
	st, err := store.Open(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if err := st.Save(ctx, harbour(t).Seen); err != nil {
		t.Fatal(err)
	}
	base, err := st.Latest(ctx)
	if err != nil {
		t.Fatal(err)
	}
	o := harbourOptions(t)
	o.Plain = true
	words := map[string]int{}
	var reused, steps, again int
	first := uint64(fromSeed())
	for seed := first; seed < first+uint64(rounds(2)); seed++ {
		p := randomPlan(t, base, seed)
		laid, err := Lay(ctx, base, p)
		if err != nil {
			t.Fatal(err)
		}
		o.recorded = newRecorded(st, "this test")
		o.recorded.base = base
		before, after, recall, err := bothSides(ctx, laid, o)
		if err != nil {
			t.Fatal(err)
		}
		if laid.Before == base && seed > first && o.recorded.reused > 0 {
			again++
		}
		steps += o.recorded.reused
		o.recorded = nil
		var apart [2]*Result
		for i, one := range []struct {
			snap *estate.Snapshot
			got  *Result
		}{{piecewise(t, base, p, false), before}, {piecewise(t, base, p, true), after}} {
			want, err := Judge(ctx, one.snap, o)
			if err != nil {
				t.Fatal(err)
			}
			apart[i] = want
			for what, pair := range map[string][2]any{"findings": {want.Findings, one.got.Findings}, "criteria": {want.Criteria, one.got.Criteria},
				"verdicts": {want.Verdicts, one.got.Verdicts}, "workloads": {want.Workloads.List, one.got.Workloads.List}} {
				if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
					t.Fatalf("seed %d, side %d, %s (-by itself +shared):\n%s", seed, i, what, diff)
				}
			}
		}
		got, err := decided(ctx, true, p, o, before, after, Certificates{}, certificate.Trust{})
		if err != nil {
			t.Fatal(err)
		}
		want, err := decided(ctx, true, p, o, apart[0], apart[1], Certificates{}, certificate.Trust{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d (-two wholes +shared):\n%s", seed, diff)
		}
		words[string(got.Decision)]++
		reused += recall.Reused()
	}
	if reused == 0 || steps == 0 || again == 0 {
		t.Errorf("%d answers and %d steps' judgements were taken over, in %d plans from the state", reused, steps, again)
	}
	t.Logf("%v, %d answers and %d steps' judgements taken over, in %d plans from the state", words, reused, steps, again)
}
