package assess

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/collect/vectors"
	"github.com/sevenfold-sec/sevenfold/steps/data"
	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
	"github.com/sevenfold-sec/sevenfold/steps/data/scan/format"
)

// isVectors reports whether an address is of a vector store.
func isVectors(uri string) bool {
	return slices.ContainsFunc(vectors.Schemes, func(s string) bool { return strings.HasPrefix(uri, s) })
}

// vectorStore is a vector store as the data step wants it.
type vectorStore struct{ r *vectors.Reader }

// URI implements data.Store.
func (v vectorStore) URI() string { return v.r.URI() }

// Close implements DataStore.
func (v vectorStore) Close() { v.r.Close() }

// recordBytes is about how large a payload is, where the server does not say.
const recordBytes = 1 << 10

// List implements data.Store.
func (v vectorStore) List(ctx context.Context, visit func(data.Item) error) error {
	all, err := v.r.Collections(ctx)
	if err != nil {
		return err
	}
	for _, c := range all {
		if err := visit(data.Item{Key: c.Name, Size: max(c.Bytes, c.Records*recordBytes, 1)}); err != nil {
			return err
		}
	}
	return nil
}

// payloads is how many bytes of payloads are handed to the scanner at a time.
const payloads = 1 << 20

// Examine implements data.Store: a collection is read whole.
func (v vectorStore) Examine(ctx context.Context, s *scan.Scanner, i data.Item, _ string, _ []int64) (data.Reading, error) {
	var read int64
	r, err := s.Records(v.URI()+"/"+i.Key, i.Size, false, func(sink format.Sink) (format.Report, error) {
		rep := format.Report{Format: "collection"}
		var buf bytes.Buffer
		flush := func() error {
			part, err := format.Read(ctx, "payloads.jsonl", bytes.NewReader(buf.Bytes()), int64(buf.Len()), format.Limits{}, sink)
			rep.Bytes += part.Bytes
			rep.Rows += part.Rows
			rep.Problems = append(rep.Problems, part.Problems...)
			buf.Reset()
			return err
		}
		n, err := v.r.Each(ctx, vectors.Collection{Name: i.Key}, func(payload json.RawMessage) error {
			read += int64(len(payload))
			if err := json.Compact(&buf, payload); err != nil {
				return err
			}
			buf.WriteByte('\n')
			if buf.Len() < payloads {
				return nil
			}
			return flush()
		})
		if buf.Len() > 0 && ctx.Err() == nil {
			if ferr := flush(); ferr != nil {
				return rep, ferr
			}
		}
		if ctx.Err() != nil {
			return rep, ctx.Err()
		}
		if err != nil {
			rep.Problems = append(rep.Problems, "it was not read to its end: "+err.Error())
		} else if n > 0 {
			rep.Bytes = max(rep.Bytes, 1) // points without a payload hold nothing to read
		}
		return rep, nil
	})
	r.Examined.Bytes = read
	return data.Reading{Result: r}, err
}
