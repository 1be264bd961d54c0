package assess

import (
	"context"
	"os"
	"testing"

	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/access"
	"github.com/sevenfold-sec/sevenfold/store"
)

// BenchmarkOverviewStored makes the overview of identities of a stored snapshot:
// BENCH_STATE names a state folder that bench/estategen has filled.
//
//	BENCH_STATE=DIR go test ./assess -run '^$' -bench OverviewStored -benchtime 3x
func BenchmarkOverviewStored(b *testing.B) {
	state := os.Getenv("BENCH_STATE")
	if state == "" {
		b.Skip("BENCH_STATE names no state folder")
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
	workloads, err := scope.Default().Workloads(snap)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var o *access.Overview
	before := cpu(b)
	for b.Loop() {
		if o, err = access.Survey(ctx, snap, workloads.List); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((cpu(b)-before).Seconds()/float64(b.N), "cpu-s/op")
	b.ReportMetric(float64(len(o.Identities)), "identities")
	b.ReportMetric(float64(o.Assets), "AI-assets")
	b.ReportMetric(float64(len(o.Workloads)), "workloads")
}
