package assess

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Collector reads one source and sends what it sees to the sink. It returns an
// error only when nothing of the source could be read at all; a part that
// could not be read is a blind spot.
type Collector interface {
	Collect(ctx context.Context, sink estate.Sink) error
}

// Progress is told what happens while sources are read; calls may come from
// many goroutines.
type Progress interface {
	// Reading says how far one source is: calls made and assets seen so far.
	Reading(source string, calls, assets int)
	// Done says that a source was read to its end.
	Done(estate.SourceStatus)
}

// meter counts what one source sends and remembers whether anything was
// missing, on the way to the next sink.
type meter struct {
	next     estate.Sink
	source   string
	progress Progress
	assets   atomic.Int64
	calls    atomic.Int64
	holes    atomic.Int64

	mu      sync.Mutex
	covered []estate.Coverage
	seen    map[string]struct{}
}

func newMeter(source string, next estate.Sink, progress Progress) *meter {
	return &meter{next: next, source: source, progress: progress, seen: map[string]struct{}{}}
}

// Asset implements estate.Sink. An asset sent in several parts counts once.
func (m *meter) Asset(a estate.Asset) {
	if a.Source == "" {
		a.Source = m.source
	}
	m.mu.Lock()
	if _, dup := m.seen[a.ID]; !dup {
		m.seen[a.ID] = struct{}{}
		m.assets.Add(1)
	}
	m.mu.Unlock()
	m.next.Asset(a)
}

// BlindSpot implements estate.Sink.
func (m *meter) BlindSpot(b estate.BlindSpot) {
	if b.Source == "" {
		b.Source = m.source
	}
	if b.Status != estate.ReadSkipped {
		m.holes.Add(1)
	}
	m.next.BlindSpot(b)
}

// Covered implements estate.Sink.
func (m *meter) Covered(c estate.Coverage) {
	m.mu.Lock()
	m.covered = append(m.covered, c)
	m.mu.Unlock()
	m.next.Covered(c)
}

// Called implements estate.Sink.
func (m *meter) Called(operation string) {
	n := m.calls.Add(1)
	if m.progress != nil && n%16 == 1 {
		m.progress.Reading(m.source, int(n), int(m.assets.Load()))
	}
	m.next.Called(operation)
}

// status sums up the source. A source that sent nothing at all is failed even
// if its collector did not say so: an empty answer proves nothing.
func (m *meter) status(err error, took time.Duration) estate.SourceStatus {
	s := estate.SourceStatus{
		Source: m.source, Status: "complete", Seconds: took.Round(time.Millisecond).Seconds(),
		Assets: int(m.assets.Load()), Calls: int(m.calls.Load()), Covered: m.covered,
	}
	switch {
	case err != nil || s.Assets == 0:
		s.Status = "failed"
	case m.holes.Load() > 0:
		s.Status = "partial"
	}
	return s
}
