package main

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/audit"
	"github.com/sevenfold-sec/sevenfold/store"
)

// driftSizes are the numbers of assets; DRIFT_SIZES="1000" names others.
func driftSizes() []int {
	var out []int
	for _, s := range strings.Fields(os.Getenv("DRIFT_SIZES")) {
		if n, err := strconv.Atoi(s); err == nil {
			out = append(out, n)
		}
	}
	if out == nil {
		return []int{100_000}
	}
	return out
}

// changedShare of the assets with a configuration of their own, which are half of
// all, have another setting than on the first day: one in a hundred of all.
const changedShare = 0.02

// kept is a state with an estate as it was on three days.
type kept struct {
	dir     string
	hashes  [3]string
	changed [3]int // assets that differ from the first day's
	assets  int
	growth  [3]int64 // bytes that the day's snapshot added
}

var (
	states   = map[int]*kept{}
	stating  sync.Mutex
	stateDir string
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "drift")
	if err != nil {
		panic(err)
	}
	stateDir = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// stateOf makes the state of a size once.
func stateOf(tb testing.TB, n int) *kept {
	tb.Helper()
	stating.Lock()
	defer stating.Unlock()
	if k := states[n]; k != nil {
		return k
	}
	ctx := context.Background()
	first, _, err := generate(ctx, sample, 7, 0.033)
	if err != nil {
		tb.Fatal(err)
	}
	k := &kept{dir: filepath.Join(stateDir, strconv.Itoa(n))}
	before := int64(0)
	for day := range k.hashes {
		snap, made, err := generateDay(ctx, max(1, n*sample/first.Len()), 7, 0.033, day, changedShare)
		if err != nil {
			tb.Fatal(err)
		}
		st, err := store.Open(ctx, k.dir)
		if err == nil {
			err = st.Save(ctx, snap)
		}
		if err == nil {
			err = st.Close() // folds the write-ahead log into the file
		}
		if err != nil {
			tb.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(k.dir, "sevenfold.db"))
		if err != nil {
			tb.Fatal(err)
		}
		k.hashes[day], k.changed[day], k.assets = snap.Hash(), made.Changed, snap.Len()
		k.growth[day], before = info.Size()-before, info.Size()
	}
	states[n] = k
	return k
}

// processor is the time that all threads have run, in seconds.
func processor() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// BenchmarkDrift compares the first day's snapshot with itself, read again, and
// with the third day's. Both are loaded from the state before; their
// configurations are read from it while they are compared.
func BenchmarkDrift(b *testing.B) {
	ctx := context.Background()
	for _, n := range driftSizes() {
		for _, c := range []struct {
			name string
			day  int
		}{{"same", 0}, {"changed", 2}} {
			b.Run(c.name+"/"+strconv.Itoa(n), func(b *testing.B) {
				k := stateOf(b, n)
				st, err := store.Open(ctx, k.dir)
				if err != nil {
					b.Fatal(err)
				}
				defer st.Close()
				var sides [2]*estate.Snapshot
				for i, hash := range []string{k.hashes[0], k.hashes[c.day]} {
					if sides[i], err = st.Load(ctx, hash); err != nil {
						b.Fatal(err)
					}
				}
				var d *audit.Drift
				runtime.GC() // of what making the state left behind
				spent := processor()
				b.ResetTimer()
				for b.Loop() {
					if d, err = audit.Compare(ctx, sides[0], sides[1]); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric((processor()-spent)/float64(b.N), "cpu-s/op")
				// Made-up names meet now and then, and two of one name are one asset.
				if of := k.changed[c.day]; len(d.Records) > of || len(d.Records) < of*99/100 {
					b.Fatalf("%d records of %d changes", len(d.Records), of)
				}
				b.ReportMetric(float64(k.assets), "assets")
				b.ReportMetric(float64(len(d.Records)), "records")
			})
		}
		b.Run("growth/"+strconv.Itoa(n), func(b *testing.B) {
			k := stateOf(b, n)
			for b.Loop() { // the growth is measured once, with the state
			}
			b.ReportMetric(float64(k.growth[0])/1e6, "first-MB")
			b.ReportMetric(float64(max(k.growth[1], k.growth[2]))/1e6, "day-MB")
			b.ReportMetric(float64(k.changed[2]), "changed")
			b.ReportMetric(float64(k.assets), "assets")
		})
	}
}

// One change is one record on a made-up estate too, and a day adds little to a
// state.
func TestADayLater(t *testing.T) {
	k := stateOf(t, 5000)
	ctx := context.Background()
	st, err := store.Open(ctx, k.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	first, err := st.Load(ctx, k.hashes[0])
	if err != nil {
		t.Fatal(err)
	}
	for day := 1; day < 3; day++ {
		later, err := st.Load(ctx, k.hashes[day])
		if err != nil {
			t.Fatal(err)
		}
		d, err := audit.Compare(ctx, first, later)
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Records) != k.changed[day] || k.changed[day] == 0 {
			t.Errorf("day %d: %d records of %d changes", day, len(d.Records), k.changed[day])
		}
		if k.growth[day] > k.growth[0]/4 {
			t.Errorf("day %d adds %d bytes to %d", day, k.growth[day], k.growth[0])
		}
	}
}
