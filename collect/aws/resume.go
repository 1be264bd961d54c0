package aws

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// kept is one line of a finished unit: an asset, a blind spot or a coverage.
// The first line holds the time.
type kept struct {
	Taken    time.Time         `json:"taken,omitzero"`
	Asset    *estate.Asset     `json:"asset,omitempty"`
	Blind    *estate.BlindSpot `json:"blind,omitempty"`
	Coverage *estate.Coverage  `json:"covered,omitempty"`
}

// unitKey names a unit of work in the resume store.
func (s *session) unitKey(g *group, region string) string {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s|%d|%v", g.key(), s.c.opts.Bounds.History, s.c.opts.Usage)
	return fmt.Sprintf("aws/%s/%s/%s/%016x", s.account, region, g.service.Service, h.Sum64())
}

// recorder passes a unit's findings on and keeps them.
type recorder struct {
	estate.Sink
	c   *Collector
	key string

	mu   sync.Mutex
	blob bytes.Buffer
	zw   *zstd.Encoder
	enc  *json.Encoder
	bad  bool // something failed that another run may read
}

// record returns the sink for one unit; without a resume store it only passes
// on.
func (c *Collector) record(key string, sink estate.Sink) *recorder {
	r := &recorder{Sink: sink, c: c, key: key}
	if c.opts.Resume == nil {
		return r
	}
	zw, err := zstd.NewWriter(&r.blob, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithLowerEncoderMem(true),
		zstd.WithWindowSize(1<<17)) // a unit has an encoder of its own: 1 MB each, not 5
	if err != nil {
		return r
	}
	r.zw, r.enc = zw, json.NewEncoder(zw)
	r.write(kept{Taken: c.opts.Clock()})
	return r
}

// write adds a line.
func (r *recorder) write(k kept) {
	if r.enc == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.enc.Encode(k); err != nil {
		r.bad = true
	}
}

// Asset passes an asset on and keeps it.
func (r *recorder) Asset(a estate.Asset) {
	r.write(kept{Asset: &a})
	r.Sink.Asset(a)
}

// Covered passes a coverage on and keeps it.
func (r *recorder) Covered(c estate.Coverage) {
	r.write(kept{Coverage: &c})
	r.Sink.Covered(c)
}

// BlindSpot passes a blind spot on. A unit in which something failed that may
// succeed next time is not kept.
func (r *recorder) BlindSpot(b estate.BlindSpot) {
	if b.Status != estate.ReadSkipped {
		r.mu.Lock()
		r.bad = true
		r.mu.Unlock()
	}
	r.write(kept{Blind: &b})
	r.Sink.BlindSpot(b)
}

// keep stores the finished unit. A store that fails costs only the next run's
// time, so the failure is not an error of this one.
func (r *recorder) keep() {
	if r.zw == nil {
		return
	}
	if err := r.zw.Close(); err != nil || r.bad {
		return
	}
	_ = r.c.opts.Resume.Put(r.key, r.blob.Bytes())
}

// replay sends what an earlier run kept of a unit, if that is fresh and whole.
func (c *Collector) replay(key string, sink estate.Sink) bool {
	if c.opts.Resume == nil {
		return false
	}
	blob, ok, err := c.opts.Resume.Get(key)
	if err != nil || !ok {
		return false
	}
	lines, err := readKept(blob)
	if err != nil || len(lines) == 0 || c.opts.Clock().Sub(lines[0].Taken) > c.opts.KeepFor {
		return false
	}
	for _, l := range lines[1:] {
		switch {
		case l.Asset != nil:
			sink.Asset(*l.Asset)
		case l.Blind != nil:
			sink.BlindSpot(*l.Blind)
		case l.Coverage != nil:
			sink.Covered(*l.Coverage)
		}
	}
	return true
}

// readKept decodes a blob whole before anything of it is sent: a damaged one
// counts as not there.
func readKept(blob []byte) ([]kept, error) {
	zr, err := zstd.NewReader(bytes.NewReader(blob), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	defer zr.Close()
	dec := json.NewDecoder(zr)
	var out []kept
	for dec.More() {
		var k kept
		if err := dec.Decode(&k); err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, nil
}
