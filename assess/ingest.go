package assess

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/events"
	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
	"github.com/sevenfold-sec/sevenfold/stream"
)

// Ingest takes what came in over any way, finds the events in it and has them
// stored before it says so. What is no event is put into quarantine with the
// reason. Its methods may be called from many goroutines.
type Ingest struct {
	Stream *stream.Stream
	// Options are how records are read; Name is set by Take.
	Options ocsf.Options
	// Quarantine keeps what gave no event.
	Quarantine *Quarantine
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Told hears of each part that gave no event, beside the quarantine; may be nil.
	Told func(name string, bad *ocsf.Rejected)

	// Events and Rejected count since the start.
	Events, Rejected atomic.Int64
}

const (
	// A batch is stored once it has so many events, or so many bytes.
	ingestBatch = 1024
	ingestBytes = 4 << 20
	// packedRoom is about what an event takes beside its own bytes when it is packed.
	packedRoom = 512
	// maxAhead is how far in the future an event's time may lie: a clock a year
	// off would move every window.
	maxAhead = 24 * time.Hour
	errAhead = "its time lies more than a day in the future"
)

// packRooms are where batches are packed.
var packRooms = sync.Pool{New: func() any { return new([]byte) }}

// Take reads one body and stores its events. It is nil once all are stored and
// the rest is in quarantine; *events.BadBody if there was nothing to keep at all.
func (in *Ingest) Take(ctx context.Context, name string, body io.Reader) (taken events.Taken, err error) {
	o := in.Options
	o.Name, o.Reuse = name, true // events are packed at once
	rd, err := ocsf.NewReader(body, o)
	if err != nil {
		return taken, err
	}
	defer func() {
		in.Events.Add(int64(taken.Events))
		in.Rejected.Add(int64(taken.Rejected))
	}()
	now := time.Now
	if in.Now != nil {
		now = in.Now
	}
	batch := make([]stream.Event, 0, ingestBatch)
	room := packRooms.Get().(*[]byte)
	packed := (*room)[:0] // of the batch, one after the other
	defer func() {
		if cap(packed) <= 2*ingestBytes {
			*room = packed[:0]
			packRooms.Put(room)
		}
	}()
	flush := func() error {
		if err := in.Stream.Publish(ctx, "", batch); err != nil {
			return err
		}
		taken.Events += len(batch)
		batch, packed = batch[:0], packed[:0] // Publish has copied them
		return nil
	}
	reject := func(bad *ocsf.Rejected) error {
		taken.Rejected++
		if in.Told != nil {
			in.Told(name, bad)
		}
		return in.Quarantine.Put(name, bad)
	}
	var e ocsf.Event
	for {
		err := rd.Next(&e)
		var bad *ocsf.Rejected
		switch {
		case err == io.EOF:
			if err := flush(); err != nil {
				return taken, err
			}
			if taken.Events == 0 && taken.Rejected > 0 {
				return taken, &events.BadBody{Why: "nothing in the body is an event; it is in quarantine"}
			}
			return taken, nil
		case errors.As(err, &bad):
			err = reject(bad)
		case err == nil && e.Time > now().Add(maxAhead).UnixMilli():
			err = reject(&ocsf.Rejected{Offset: rd.Offset(), Size: int64(len(e.Raw)), Reason: errAhead, Raw: e.Raw})
		case err == nil:
			if n := len(packed) + len(e.Raw) + packedRoom; n > cap(packed) {
				packed = make([]byte, 0, max(n, 2*cap(packed))) // what is packed stays where it is
			}
			from := len(packed)
			packed = e.Pack(packed)
			data := packed[from:len(packed):len(packed)]
			batch = append(batch, stream.Event{Key: e.ActorIn(data), Data: data})
			if len(batch) == ingestBatch || len(packed) >= ingestBytes {
				err = flush()
			}
		}
		if err != nil {
			return taken, err
		}
	}
}

// Quarantine keeps what gave no event in a file, one JSON object a line, until
// the file is full; from then on it only counts.
type Quarantine struct {
	mu   sync.Mutex
	f    *os.File
	left int64
	// Dropped counts what there was no more room for.
	Dropped atomic.Int64
}

// maxQuarantine bounds the file.
const maxQuarantine = 256 << 20

// OpenQuarantine opens the quarantine in a folder.
func OpenQuarantine(dir string) (*Quarantine, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("quarantine: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "quarantine.jsonl"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("quarantine: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("quarantine: %w", err), f.Close())
	}
	return &Quarantine{f: f, left: maxQuarantine - info.Size()}, nil
}

// Put keeps one part of a stream that gave no event, with the reason.
func (q *Quarantine) Put(name string, bad *ocsf.Rejected) error {
	line, err := json.Marshal(struct {
		Name   string `json:"name"`
		Offset int64  `json:"offset"`
		Size   int64  `json:"size"`
		Reason string `json:"reason"`
		Raw    []byte `json:"raw"`
	}{name, bad.Offset, bad.Size, bad.Reason, bad.Raw})
	if err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if int64(len(line)) >= q.left {
		q.Dropped.Add(1)
		return nil
	}
	n, err := q.f.Write(append(bytes.TrimSpace(line), '\n'))
	q.left -= int64(n)
	if err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	return nil
}

// Close closes the file.
func (q *Quarantine) Close() error { return q.f.Close() }
