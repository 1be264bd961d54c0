package estate

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// portableFormat names the form of a snapshot written by Export.
const portableFormat = "sevenfold/snapshot/v1"

// maxPortableLine bounds one line of an exported snapshot: an asset with its
// configuration.
const maxPortableLine = 64 << 20

// portable is one line of an exported snapshot; one member is set.
type portable struct {
	Format   string        `json:"format,omitempty"`
	Taken    *time.Time    `json:"taken,omitempty"` // with Format
	Asset    *Asset        `json:"asset,omitempty"`
	Relation *Relation     `json:"relation,omitempty"`
	Blind    *BlindSpot    `json:"blindspot,omitempty"`
	Source   *SourceStatus `json:"source,omitempty"`
	Covered  *Coverage     `json:"covered,omitempty"`
}

// Export writes the snapshot as JSON lines, the same bytes for the same
// snapshot: a header, then assets, relations, blind spots, sources and
// coverage, each in order.
func (s *Snapshot) Export(ctx context.Context, w io.Writer) error {
	buffered := bufio.NewWriterSize(w, 1<<16)
	enc := json.NewEncoder(buffered)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(portable{Format: portableFormat, Taken: &s.taken}); err != nil {
		return err
	}
	for n, a := range s.Assets() {
		if err := ctx.Err(); err != nil {
			return err
		}
		config, err := s.Config(n)
		if err != nil {
			return err
		}
		whole := *a
		whole.Config = config
		if err := enc.Encode(portable{Asset: &whole}); err != nil {
			return fmt.Errorf("asset %s: %w", a.ID, err)
		}
	}
	for r := range s.Relations() {
		if err := enc.Encode(portable{Relation: &r}); err != nil {
			return err
		}
	}
	for i := range s.blind {
		if err := enc.Encode(portable{Blind: &s.blind[i]}); err != nil {
			return err
		}
	}
	for i := range s.sources {
		if err := enc.Encode(portable{Source: &s.sources[i]}); err != nil {
			return err
		}
	}
	for i := range s.coverage {
		if err := enc.Encode(portable{Covered: &s.coverage[i]}); err != nil {
			return err
		}
	}
	return buffered.Flush()
}

// Import reads what Export wrote. The error names the line. Whether it is the
// snapshot one expects is for the caller to see by its Hash.
func Import(r io.Reader) (*Snapshot, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 1<<16), maxPortableLine)
	var b *Builder
	n := 0
	for lines.Scan() {
		n++
		var p portable
		dec := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&p); err != nil {
			return nil, fmt.Errorf("line %d of the snapshot: %w", n, err)
		}
		if dec.More() {
			return nil, fmt.Errorf("line %d of the snapshot goes on after its end, at byte %d", n, dec.InputOffset())
		}
		if b == nil {
			if p.Format != portableFormat || p.Taken == nil {
				return nil, fmt.Errorf("line 1 is not the head of a snapshot: format %q, expected %q", p.Format, portableFormat)
			}
			b = NewBuilder(*p.Taken)
			continue
		}
		if !b.take(p) {
			return nil, fmt.Errorf("line %d of the snapshot says nothing", n)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d of the snapshot: %w", n+1, err)
	}
	if b == nil {
		return nil, fmt.Errorf("the snapshot is empty: not even a first line")
	}
	return b.Build()
}

func (b *Builder) take(p portable) bool {
	switch {
	case p.Asset != nil:
		b.Asset(*p.Asset)
	case p.Relation != nil:
		b.Relation(*p.Relation)
	case p.Blind != nil:
		b.BlindSpot(*p.Blind)
	case p.Source != nil:
		b.Source(*p.Source)
	case p.Covered != nil:
		b.Covered(*p.Covered)
	default:
		return false
	}
	return true
}
