package assess

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/collect/aws/bucket"
	"github.com/sevenfold-sec/sevenfold/collect/vectors"
	"github.com/sevenfold-sec/sevenfold/steps/data"
	"github.com/sevenfold-sec/sevenfold/steps/data/sample"
	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
	"github.com/sevenfold-sec/sevenfold/store"
)

// DataStore is a store whose content can be examined.
type DataStore interface {
	data.Store
	// Close ends the connections.
	Close()
}

// storeSchemes are the addresses that OpenData reads.
var storeSchemes = []string{"s3://", "postgres://", "postgresql://", "mysql://", "mariadb://"}

// IsStore reports whether an address is of a store that OpenData reads.
func IsStore(uri string) bool {
	return isVectors(uri) || slices.ContainsFunc(storeSchemes, func(s string) bool { return strings.HasPrefix(uri, s) })
}

// OpenData opens a store by its address. The error says what is wrong with the
// address, or that nothing answers there, and has a hint.
func OpenData(ctx context.Context, uri string) (DataStore, error) {
	if strings.HasPrefix(uri, "s3://") {
		at, err := bucket.Parse(uri)
		if err != nil {
			return nil, &SourceError{uri, err.Error(), "s3://BUCKET or s3://BUCKET/PREFIX"}
		}
		r, err := bucket.Open(ctx, at)
		if err != nil {
			return nil, err
		}
		return bucketStore{r}, nil
	}
	if isVectors(uri) {
		r, err := vectors.Open(uri)
		if err != nil {
			return nil, &SourceError{StoreName(uri), err.Error(), "qdrant://HOST:6333 or opensearch://USER@HOST:9200"}
		}
		return vectorStore{r}, nil
	}
	r, err := openTables(ctx, uri)
	if err != nil {
		return nil, err
	}
	return tableStore{r, map[string]oneTable{}}, nil
}

// bucketStore is a bucket as the data step wants it.
type bucketStore struct{ r *bucket.Reader }

// URI implements data.Store.
func (b bucketStore) URI() string { return b.r.Address().String() }

// Close implements DataStore.
func (b bucketStore) Close() { b.r.Close() }

// List implements data.Store.
func (b bucketStore) List(ctx context.Context, visit func(data.Item) error) error {
	return b.r.List(ctx, func(o bucket.Object) error {
		return visit(data.Item{Key: o.Key, ETag: o.ETag, Size: o.Size, Modified: o.Modified})
	})
}

// Examine implements data.Store.
func (b bucketStore) Examine(ctx context.Context, s *scan.Scanner, i data.Item, way string, places []int64) (data.Reading, error) {
	return data.ExamineObject(ctx, s, b.r.Entry(ctx, bucket.Object{Key: i.Key, ETag: i.ETag, Size: i.Size}), way, places)
}

func seedOf(name string, places []int64) (seed uint64) {
	sum := sha256.Sum256([]byte(name))
	for _, b := range sum[:8] {
		seed = seed<<8 | uint64(b)
	}
	for _, p := range places {
		seed = seed*31 + uint64(p) //nolint:gosec // any number will do
	}
	return seed
}

// dataStep is where the data step's memory stands in the state.
const dataStep = "data"

// storesKey lists the stores that were surveyed.
const storesKey = "stores"

// Surveys is what the state remembers of stores that were examined.
type Surveys struct{ Store store.Store }

func keyOf(kind, uri, scanner string) string {
	sum := sha256.Sum256([]byte(uri + "\x00" + scanner))
	return kind + ":" + hex.EncodeToString(sum[:12])
}

// Summaries returns the last survey of each store, in the order of first surveys.
func (s Surveys) Summaries(ctx context.Context) ([]data.Summary, error) {
	list, err := s.list(ctx)
	if err != nil {
		return nil, err
	}
	var out []data.Summary
	for _, l := range list {
		var sum data.Summary
		found, err := s.blob(ctx, keyOf("summary", l, ""), 0, &sum)
		if err != nil {
			return nil, err
		}
		if found {
			out = append(out, sum)
		}
	}
	return out, nil
}

func (s Surveys) list(ctx context.Context) (list []string, err error) {
	_, err = s.blob(ctx, storesKey, 0, &list)
	return list, err
}

// blob reads one; found is false where there is none.
func (s Surveys) blob(ctx context.Context, key string, version int64, v any) (found bool, err error) {
	text, _, err := s.Store.Blob(ctx, dataStep, key, version)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		return false, fmt.Errorf("what the state remembers of stores cannot be read: %w\nhint: restore the state from a copy, or scan again with a new one: --state DIR", err)
	}
	return true, nil
}

func (s Surveys) put(ctx context.Context, key string, v any) error {
	text, err := json.Marshal(v)
	if err == nil {
		_, err = s.Store.PutBlob(ctx, dataStep, key, text)
	}
	return err
}

// Memory is what is remembered of one store, as one scanner saw it.
func (s Surveys) Memory(uri, scanner string) data.Memory {
	return memory{s, uri, scanner}
}

// memory is a log: each keeping is one version of a blob. A later word on an item
// takes the place of an earlier one.
type memory struct {
	Surveys
	of      string
	scanner string
}

// Before implements data.Memory.
func (m memory) Before(ctx context.Context) (map[string]data.Seen, error) {
	out := map[string]data.Seen{}
	key := keyOf("seen", m.of, m.scanner)
	for v := int64(1); ; v++ {
		var seen []data.Seen
		found, err := m.blob(ctx, key, v, &seen)
		if err != nil || !found {
			return out, err
		}
		for _, s := range seen {
			out[s.Key] = s
		}
	}
}

// Keep implements data.Memory.
func (m memory) Keep(ctx context.Context, more []data.Seen) error {
	if len(more) == 0 {
		return nil
	}
	return m.put(ctx, keyOf("seen", m.of, m.scanner), more)
}

// Sum implements data.Memory.
func (m memory) Sum(ctx context.Context, sum *data.Summary) error {
	list, err := m.list(ctx)
	if err != nil {
		return err
	}
	if !slices.Contains(list, m.of) {
		if err := m.put(ctx, storesKey, append(list, m.of)); err != nil {
			return err
		}
	}
	return m.put(ctx, keyOf("summary", m.of, ""), sum)
}

// Price is what reading a plan costs in US dollars, at the list prices of S3 Standard in
// us-east-1: 0.0004 a thousand reads, 0.005 a thousand pages of a listing, 0.09 a
// gigabyte that leaves AWS. Within the bucket's region nothing is charged for the
// bytes. Other regions, classes and contracts differ.
func Price(p sample.Plan) (requests, leaving float64) {
	return float64(p.Requests)*.0004/1000 + float64((p.Objects+999)/1000)*.005/1000, float64(p.Reads) / 1e9 * .09
}
