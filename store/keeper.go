package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// keeper is the Store: what both engines share.
type keeper struct {
	db      engine
	codec   *codec
	configs *configs

	closing sync.Once
	closed  error
}

var _ Store = (*keeper)(nil)

func newKeeper(db engine) (Store, error) {
	c, err := newCodec()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting zstd: %w", err), db.close())
	}
	return &keeper{db: db, codec: c, configs: newConfigs(db, c)}, nil
}

// Close implements Store.
func (k *keeper) Close() error {
	k.closing.Do(func() { k.closed = errors.Join(k.db.close(), k.codec.close()) })
	return k.closed
}

// Lock implements Store.
func (k *keeper) Lock(ctx context.Context) (func() error, error) { return k.db.lock(ctx) }

// Each implements Store.
func (k *keeper) Each(ctx context.Context, s *estate.Snapshot, fn func(estate.Node, *estate.Asset, json.RawMessage) error) error {
	return s.Each(ctx, fn)
}

// List implements Store.
func (k *keeper) List(ctx context.Context) ([]Info, error) {
	var out []Info
	err := k.db.view(ctx, func(t tx) error {
		rows, err := t.snapshots(query{})
		for _, r := range rows {
			out = append(out, Info{r.hash, time.UnixMicro(r.taken).UTC(), r.assets, r.relations})
		}
		return err
	})
	if err != nil {
		return nil, k.context("listing snapshots", err)
	}
	return out, nil
}

// PutBlob implements Store.
func (k *keeper) PutBlob(ctx context.Context, step, key string, data []byte) (version int64, err error) {
	b := k.codec.pack(data)
	err = k.db.update(ctx, func(t tx) error {
		version, err = t.putBlob(step, key, b)
		return err
	})
	if err != nil {
		return 0, k.context(fmt.Sprintf("storing %s of %s", key, step), err)
	}
	return version, nil
}

// PutBlobs implements Store.
func (k *keeper) PutBlobs(ctx context.Context, step string, blobs map[string][]byte, keep int) error {
	keys := slices.Sorted(maps.Keys(blobs))
	packed := make([]body, len(keys))
	for i, key := range keys {
		packed[i] = k.codec.pack(blobs[key])
	}
	err := k.db.update(ctx, func(t tx) error {
		for i, key := range keys {
			version, err := t.putBlob(step, key, packed[i])
			if err == nil && keep > 0 {
				err = t.dropBlobs(step, key, version-int64(keep)+1)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return k.context("storing what "+step+" knows", err)
	}
	return nil
}

// Blob implements Store.
func (k *keeper) Blob(ctx context.Context, step, key string, version int64) ([]byte, int64, error) {
	var b body
	var got int64
	err := k.db.view(ctx, func(t tx) (err error) {
		b, got, err = t.blob(step, key, version)
		return err
	})
	if err != nil {
		return nil, 0, k.context(fmt.Sprintf("reading %s of %s", key, step), err)
	}
	if got == 0 {
		return nil, 0, fmt.Errorf("%s of %s, version %d: %w", key, step, version, ErrNotFound)
	}
	data, err := k.codec.unpack(b, nil)
	if err != nil {
		return nil, 0, &DamagedError{k.db.where(), fmt.Sprintf("%s of %s, version %d,", key, step, got), err}
	}
	return data, got, nil
}

// context says what was being done, unless the error speaks for itself.
func (k *keeper) context(doing string, err error) error {
	var full *FullError
	var damaged *DamagedError
	if errors.As(err, &full) || errors.As(err, &damaged) || errors.Is(err, context.Canceled) {
		return err
	}
	var lost *lostError
	if errors.As(err, &lost) {
		return &DamagedError{k.db.where(), "the list of bodies", err}
	}
	return fmt.Errorf("%s, state %s: %w", doing, k.db.where(), err)
}

// damaged names a body that is not what was stored.
func damaged(db engine, id int64, err error) error {
	return &DamagedError{db.where(), fmt.Sprintf("body %d", id), err}
}

// parallel calls f(0) to f(n-1) from one goroutine a processor and returns the
// error of the lowest index.
func parallel(n int, f func(i int) error) error {
	errs := make([]error, n)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				errs[i] = f(i)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// micro turns a time into what the snapshot table holds.
func micro(t time.Time) int64 {
	if t.Unix() > math.MaxInt64/1_000_000 || t.Unix() < math.MinInt64/1_000_000 {
		return math.MaxInt64
	}
	return t.UnixMicro()
}
