package assess

import (
	"context"
	"os"
	"testing"

	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/controls"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/store"
)

// BenchmarkGatePlan is what `sevenfold gate plan PLAN --snapshot latest` does, with
// profiles: BENCH_STATE names a state folder that bench/estategen has filled, BENCH_PLAN
// a plan of bench/plangen.
//
//	BENCH_STATE=DIR BENCH_PLAN=plan.json go test ./assess -run '^$' -bench GatePlan -benchtime 1x -cpuprofile cpu.prof
func BenchmarkGatePlan(b *testing.B) {
	state, path := os.Getenv("BENCH_STATE"), os.Getenv("BENCH_PLAN")
	if state == "" || path == "" {
		b.Skip("BENCH_STATE names no state folder, or BENCH_PLAN no plan")
	}
	set, problems := control.Load(controls.FS)
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	ctx := context.Background()

	b.ReportAllocs()
	before := cpu(b)
	for b.Loop() {
		st, err := store.Open(ctx, state)
		if err != nil {
			b.Fatal(err)
		}
		snap, err := st.Latest(ctx)
		if err != nil {
			b.Fatal(err)
		}
		p, err := ReadChange(ctx, path, nil)
		if err != nil {
			b.Fatal(err)
		}
		if p, err = PlaceChange(ctx, p, path, nil, snap); err != nil {
			b.Fatal(err)
		}
		d, err := GatePlan(ctx, snap, p, Options{Scope: scope.Default(), Controls: set, Now: snap.Taken()}, Certificates{Store: st}, certificate.Trust{})
		if err != nil {
			b.Fatal(err)
		}
		if len(d.Reasons) == 0 {
			b.Fatal("nothing was decided")
		}
		if err := st.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((cpu(b)-before).Seconds()/float64(b.N), "cpu-s/op")
}
