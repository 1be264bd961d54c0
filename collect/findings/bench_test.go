package findings

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// prowlers writes n findings as Prowler 5.46.0 does, one real finding's text over
// n/10 buckets.
func prowlers(t testing.TB, file string, n int) int64 {
	t.Helper()
	text, err := os.ReadFile("testdata/prowler.ocsf.json")
	if err != nil {
		t.Fatal(err)
	}
	start := bytes.Index(text, []byte("s3_bucket_object_versioning"))
	start = bytes.LastIndex(text[:start], []byte("\n {"))
	end := start + bytes.Index(text[start:], []byte("\n }"))
	one := text[start : end+3]
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var size int64
	put := func(b []byte) {
		k, err := f.Write(b)
		if err != nil {
			t.Fatal(err)
		}
		size += int64(k)
	}
	put([]byte("["))
	for i := range n {
		if i > 0 {
			put([]byte(","))
		}
		out := bytes.ReplaceAll(one, []byte("acme-logs"), fmt.Appendf(nil, "bucket-%d", i/10))
		out = bytes.ReplaceAll(out, []byte("s3_bucket_object_versioning"), fmt.Appendf(nil, "s3_check_%d", i%10))
		if i%3 == 0 {
			out = bytes.ReplaceAll(out, []byte(`"PASS"`), []byte(`"FAIL"`))
		}
		put(out)
	}
	put([]byte("]"))
	return size
}

// BenchmarkProwler100k reads a hundred thousand findings of Prowler.
func BenchmarkProwler100k(b *testing.B) {
	file := filepath.Join(b.TempDir(), "big.json")
	b.SetBytes(prowlers(b, file, 100_000))
	for b.Loop() {
		s := collect(b, file)
		if len(s.assets) != 10_001 || len(s.blind) > 0 {
			b.Fatalf("%d records, %v", len(s.assets), s.blind)
		}
	}
}

// The text of a report is never held: what is kept of twenty thousand results
// is a small part of it.
func TestMemoryIsBounded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "big.json")
	size := prowlers(t, file, 20_000)
	held := &scale{}
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := New(Options{Root: file}).Collect(context.Background(), held); err != nil {
		t.Fatal(err)
	}
	if got := int64(held.heap) - int64(before.HeapAlloc); held.heap == 0 || got > size/10 {
		t.Errorf("%d bytes held of a text of %d", got, size)
	}
}

// scale weighs the heap when the first record is sent, which is when all results
// are held.
type scale struct {
	shelf
	heap uint64
}

// Asset implements estate.Sink.
func (s *scale) Asset(estate.Asset) {
	if s.heap == 0 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		s.heap = m.HeapAlloc
	}
}
