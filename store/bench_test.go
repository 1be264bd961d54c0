package store

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// cpu returns the processor time this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measure runs op once an iteration and reports its processor time too: the
// wall says little on a loaded machine.
func measure(b *testing.B, op func()) {
	b.ReportAllocs()
	before := cpu()
	for b.Loop() {
		op()
	}
	b.ReportMetric((cpu()-before).Seconds()/float64(b.N), "cpu-s/op")
}

// stored returns a store with a fleet of 100,000 in it, and the size of its
// files.
func stored(b *testing.B) (st Store, dir string) {
	b.Helper()
	dir = filepath.Join(b.TempDir(), "state")
	st = open(b, dir)
	if err := st.Save(context.Background(), fleet{n: 100_000}.snapshot(b, noon)); err != nil {
		b.Fatal(err)
	}
	return st, dir
}

func BenchmarkSave100k(b *testing.B) {
	s := fleet{n: 100_000}.snapshot(b, noon)
	s.Hash()
	measure(b, func() {
		dir := filepath.Join(b.TempDir(), "state")
		st := open(b, dir)
		if err := st.Save(context.Background(), s); err != nil {
			b.Fatal(err)
		}
	})
}

func BenchmarkLoad100k(b *testing.B) {
	st, _ := stored(b)
	measure(b, func() {
		if _, err := st.Latest(context.Background()); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkLoadAndEach100k is the path of an assessment of a stored snapshot,
// without the judging.
func BenchmarkLoadAndEach100k(b *testing.B) {
	st, _ := stored(b)
	measure(b, func() {
		s, err := st.Latest(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		bytes := 0
		if err := st.Each(context.Background(), s, func(_ estate.Node, _ *estate.Asset, config json.RawMessage) error {
			bytes += len(config)
			return nil
		}); err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(bytes))
	})
}

func size(t testing.TB, dir string) (total int64) {
	t.Helper()
	for _, name := range []string{"sevenfold.db", "sevenfold.db-wal"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
			total += info.Size()
		}
	}
	return total
}
