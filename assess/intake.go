package assess

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Collector reads one source and sends what it sees to the sink. It returns an
// error only when nothing of the source could be read at all; a part that
// could not be read is a blind spot.
type Collector interface {
	Collect(ctx context.Context, sink estate.Sink) error
}

// Understander says what an asset's configuration means.
type Understander func(*estate.Asset) estate.Understanding

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

// understand gives every asset of the snapshot its meaning and returns the
// next snapshot, with the relations and parts that follow.
func understand(ctx context.Context, snap *estate.Snapshot, how map[estate.Cloud]Understander) (*estate.Snapshot, error) {
	workers := runtime.GOMAXPROCS(0)
	outs := make([]Derived, workers)
	g, ctx := errgroup.WithContext(ctx)
	for w := range workers {
		g.Go(func() error {
			for n := w; n < snap.Len(); n += workers {
				if err := ctx.Err(); err != nil {
					return err
				}
				a := *snap.Asset(estate.Node(n))
				if a.Referenced || how[a.Cloud] == nil {
					continue
				}
				config, err := snap.Config(estate.Node(n))
				if err != nil {
					return fmt.Errorf("configuration of %s: %w", a.ID, err)
				}
				a.Config = config
				apply(&outs[w], a, how[a.Cloud](&a))
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var all Derived
	for _, o := range outs {
		all.Assets = append(all.Assets, o.Assets...)
		all.Relations = append(all.Relations, o.Relations...)
		all.BlindSpots = append(all.BlindSpots, o.BlindSpots...)
	}
	return snap.With(all.Assets, all.Relations, all.BlindSpots)
}

// apply adds what an understanding says of one asset. The asset's own
// configuration is not sent again: it is already in the snapshot.
func apply(out *Derived, a estate.Asset, u estate.Understanding) {
	a.Kind, a.Root = u.Kind, u.Root
	if u.Name != "" {
		a.Name = u.Name
	}
	if u.Tags != nil {
		a.Tags = u.Tags
	}
	if !u.Created.IsZero() {
		a.Created = u.Created
	}
	a.Config = json.RawMessage(nil)
	out.Assets = append(out.Assets, a)
	for _, part := range u.Parts {
		if part.Source == "" {
			part.Source = a.Source
		}
		out.Assets = append(out.Assets, part)
	}
	out.Relations = append(out.Relations, u.Relations...)
	for _, p := range u.Problems {
		out.BlindSpots = append(out.BlindSpots, estate.BlindSpot{
			Source: a.Source, Account: a.Account, Region: a.Region, Operation: a.Type, Asset: a.ID,
			Status: estate.ReadMalformed, Why: p.Path + ": " + p.Why,
			Hint: "look at " + p.Path + " of " + a.ID + "; if the provider accepts it, this is a fault of sevenfold worth reporting",
		})
	}
}
