package assess

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/sevenfold-sec/sevenfold/store"
	"github.com/sevenfold-sec/sevenfold/test/org"
)

// BenchmarkDetectRun is the durable way from the bytes of a body to what is learnt, told and
// archived: read, normalise, store, take, match rules, learn, archive, save.
func BenchmarkDetectRun(b *testing.B) {
	o := org.New(org.Config{Seed: 3, Principals: 300})
	var bodies []string
	events := 0
	for range 8 {
		day := o.Day()
		for len(day) > 0 {
			n := min(len(day), 2000)
			var list [][]byte
			for _, r := range day[:n] {
				list = append(list, r.Text)
			}
			bodies = append(bodies, `{"Records":[`+string(bytes.Join(list, []byte(",")))+`]}`)
			events, day = events+n, day[n:]
		}
	}
	set := ownRules(b)
	spent, sent := cpuTime(b)-cpuTime(b), 0
	for b.Loop() {
		b.StopTimer()
		st, err := store.Open(context.Background(), b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		r, err := OpenRunning(context.Background(), st, RunOptions{Dir: b.TempDir(), Rules: set})
		if err != nil {
			b.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Go(func() { r.Run(ctx) })
		b.StartTimer()
		from := cpuTime(b)
		for _, body := range bodies {
			if _, err := r.Take(ctx, "bench", strings.NewReader(body)); err != nil {
				b.Fatal(err)
			}
		}
		if err := r.Drain(ctx); err != nil {
			b.Fatal(err)
		}
		stop()
		wg.Wait()
		if err := r.Finish(context.Background()); err != nil {
			b.Fatal(err)
		}
		spent, sent = spent+cpuTime(b)-from, sent+events
		b.StopTimer()
		r.Close()
		st.Close()
		b.StartTimer()
	}
	b.ReportMetric(float64(sent)/spent.Seconds(), "events/CPU-s")
	b.ReportMetric(float64(sent)/b.Elapsed().Seconds(), "events/s")
}
