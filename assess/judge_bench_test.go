package assess

import (
	"context"
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/controls"
	"github.com/sevenfold-sec/sevenfold/report"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/store"
)

// BenchmarkJudgeStored is what `sevenfold audit --snapshot latest` does, with
// profiles: BENCH_STATE names a state folder that bench/estategen has filled.
//
//	BENCH_STATE=DIR go test ./assess -run '^$' -bench JudgeStored -benchtime 1x -cpuprofile cpu.prof -memprofile mem.prof
func BenchmarkJudgeStored(b *testing.B) {
	state := os.Getenv("BENCH_STATE")
	if state == "" {
		b.Skip("BENCH_STATE names no state folder")
	}
	set, problems := control.Load(controls.FS)
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	ctx := context.Background()
	s := scope.Default()
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
		r, err := Judge(ctx, snap, Options{Scope: s, Controls: set, Now: snap.Taken()})
		if err != nil {
			b.Fatal(err)
		}
		if err := report.JSON(io.Discard, r.Document("bench", s, set)); err != nil {
			b.Fatal(err)
		}
		if err := st.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((cpu(b)-before).Seconds()/float64(b.N), "cpu-s/op")
}

// cpu returns the processor time this process has used: the wall says little on
// a loaded machine.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
