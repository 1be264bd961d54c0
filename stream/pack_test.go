package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/nats-io/nats.go"
)

// noise is bytes that no compression makes smaller.
func noise(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// What shrinks is stored small, what does not as it is, and both come back as they were,
// beside batches of a version that did not compress.
func TestBatchesAreStoredSmall(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir(), Partitions: 1})
	log, dense := []byte(strings.Repeat(`{"eventName":"GetObject"}`, 4000)), noise(100_000)
	for _, data := range [][]byte{log, dense} {
		if err := s.Publish(t.Context(), "", []Event{{"a", data}, {"a", []byte("end")}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.js.Publish(t.Context(), s.subject(0), []byte{3, 'o', 'l', 'd'}); err != nil {
		t.Fatal(err)
	}
	var got []Batch
	if err := s.Read(t.Context(), 1, func(b Batch) error { got = append(got, b); return nil }); !errors.Is(err, ErrEnd) || len(got) != 3 {
		t.Fatalf("%d batches: %v", len(got), err)
	}
	for i, want := range [][][]byte{{log, []byte("end")}, {dense, []byte("end")}, {[]byte("old")}} {
		if got[i].Damaged != nil || !bytes.Equal(bytes.Join(got[i].Events, []byte("|")), bytes.Join(want, []byte("|"))) {
			t.Errorf("batch %d came back otherwise: %v", i, got[i].Damaged)
		}
	}
	if got[0].Size > len(log)/10 || got[1].Size < len(dense) {
		t.Errorf("%d of %d bytes and %d of %d are stored", got[0].Size, len(log), got[1].Size, len(dense))
	}
	if _, held, err := s.Size(t.Context()); err != nil || held > uint64(len(dense)+len(log)/5) {
		t.Errorf("the stream takes %d bytes: %v", held, err)
	}
}

func TestDamagedPacksAreDamaged(t *testing.T) {
	is := nats.Header{packHeader: {packS2}}
	whole := s2.Encode(nil, bytes.Repeat([]byte{2, 'a', 'b'}, 500))
	if events, err := unpacked(whole, is); err != nil || len(events) != 500 {
		t.Fatalf("%d events: %v", len(events), err)
	}
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0x0f, 0} // says it has 4 GiB
	for name, c := range map[string]struct {
		data   []byte
		header nats.Header
	}{
		"nothing": {nil, is}, "cut": {whole[:len(whole)-3], is}, "huge": {huge, is}, "no pack": {[]byte("no pack"), is},
		"lengths within": {s2.Encode(nil, []byte{5, 'x'}), is}, "lengths": {[]byte{5, 'x'}, nil},
		"by another": {whole, nats.Header{packHeader: {"zstd"}}},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := unpacked(c.data, c.header)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		if room := after.TotalAlloc - before.TotalAlloc; room > 1<<20 {
			t.Errorf("%s: %d bytes of room", name, room)
		}
	}
}

// JetStream holds what it lately wrote: that is to be little however fast logs come.
func TestAStreamUnderLoadHoldsLittle(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir()})
	ctx, stop := context.WithCancel(t.Context())
	read := make(chan struct{})
	go func() {
		defer close(read)
		_ = s.Follow(ctx, 1, func(Batch) error { return nil }, func() error { return nil })
	}()
	record := `{"eventVersion":"1.11","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1","requestParameters":{"bucketName":"models","key":"part-%06d"},"responseElements":null,"eventID":"%08x","eventTime":"2026-01-01T00:00:00Z"}`
	const most = 600 << 20
	sent := 0
	for begun := time.Now(); sent < most && time.Since(begun) < 8*time.Second; {
		var events []Event
		for i := range 8000 {
			e := fmt.Appendf(nil, record, i, sent+i)
			sent += len(e)
			events = append(events, Event{Key: fmt.Sprint("role-", i%50), Data: e})
		}
		if err := s.Publish(ctx, "", events); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	runtime.GC() // rooms that pools let go of go with the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	stop()
	<-read
	t.Logf("%d MiB sent, %d MiB live", sent>>20, m.HeapAlloc>>20)
	if bound := uint64(sent/4 + 8<<20); m.HeapAlloc > bound {
		t.Errorf("%d MiB live after %d MiB were stored and read", m.HeapAlloc>>20, sent>>20)
	}
}

func FuzzPacked(f *testing.F) {
	f.Add([]byte{1, 'a', 2, 'b', 'c'}, false)
	f.Add(s2.Encode(nil, bytes.Repeat([]byte{2, 'b', 'c'}, 100)), true)
	f.Fuzz(func(t *testing.T, b []byte, small bool) {
		header := nats.Header{}
		if small {
			header[packHeader] = []string{packS2}
		}
		events, err := unpacked(b, header)
		n := 0
		for _, e := range events {
			n += len(e)
		}
		if !small && n > len(b) || n > maxPayload || err == nil && len(b) > 1 && !small && len(events) == 0 {
			t.Errorf("%d bytes of %d", n, len(b))
		}
		var parts []byte
		for _, e := range [][]byte{b, b} {
			parts = append(append(parts, byte(min(len(e), 127))), e[:min(len(e), 127)]...)
		}
		m := packed("x", bytes.Clone(parts))
		if again, err := unpacked(m.Data, m.Header); err != nil || len(again) != 2 || !bytes.Equal(again[1], b[:min(len(b), 127)]) {
			t.Errorf("packed and unpacked: %q, %v", again, err)
		}
	})
}
