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
// With BENCH_KNOWN, a folder, the estate knows what the plan says is there: it is
// made so and saved there the first time. What is recorded of its judgement lies there
// from the first run on.
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
	if known := os.Getenv("BENCH_KNOWN"); known != "" {
		if _, err := os.Stat(known); err != nil {
			foldIn(b, ctx, state, known, path)
			b.Skip("made " + known + "; run it again")
		}
		state = known
	}

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
		d, err := GatePlan(ctx, snap, p, Options{Scope: scope.Default(), Controls: set, Now: snap.Taken(), Program: "bench"}, Certificates{Store: st}, certificate.Trust{})
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

// foldIn saves an estate that knows what a plan says is there.
func foldIn(b *testing.B, ctx context.Context, from, to, path string) {
	st, err := store.Open(ctx, from)
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
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
	laid, err := Lay(ctx, snap, p)
	if err != nil {
		b.Fatal(err)
	}
	next, err := store.Open(ctx, to)
	if err != nil {
		b.Fatal(err)
	}
	defer next.Close()
	if err := next.Save(ctx, laid.Before); err != nil {
		b.Fatal(err)
	}
}
