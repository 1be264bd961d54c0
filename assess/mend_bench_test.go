package assess

import (
	"context"
	"os"
	"slices"
	"testing"

	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/controls"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/store"
)

// BenchmarkReckonStored is what the costs now and after scaling take of judging
// the estate in BENCH_STATE, which bench/estategen fills: its share of the
// processor time is the metric.
//
//	BENCH_STATE=DIR go test ./assess -run '^$' -bench ReckonStored -benchtime 5x
func BenchmarkReckonStored(b *testing.B) {
	state := os.Getenv("BENCH_STATE")
	if state == "" {
		b.Skip("BENCH_STATE names no state folder")
	}
	set, problems := control.Load(controls.FS)
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	ctx := context.Background()
	st, err := store.Open(ctx, state)
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	snap, err := st.Latest(ctx)
	if err != nil {
		b.Fatal(err)
	}
	s := scope.Default()
	before := cpu(b)
	r, err := Judge(ctx, snap, Options{Scope: s, Controls: set, Now: snap.Taken()})
	if err != nil {
		b.Fatal(err)
	}
	judged := cpu(b) - before
	workloads, err := s.Workloads(snap)
	if err != nil {
		b.Fatal(err)
	}
	findings := slices.Clone(r.Findings)
	b.ReportAllocs()
	before = cpu(b)
	for b.Loop() {
		reckon(snap, workloads, findings)
	}
	b.ReportMetric(float64(cpu(b)-before)/float64(b.N)/float64(judged), "of-judging/op")
	b.ReportMetric(float64(len(findings)), "findings")
}
