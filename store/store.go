// Package store keeps snapshots and what steps have learnt, in SQLite inside a
// state folder or in PostgreSQL by URL.
//
// # How a snapshot is stored
//
// Configurations are packed, about 128 KiB a pack, and each is found by its
// digest: one that did not change is never written again. The rest of the
// assets (ids, tags, reads) and the relations are cut into chunks of some 16
// assets or 128 relations at places that depend on the ids alone, so that an
// asset that comes or goes changes one chunk. Packs and chunks are bodies:
// compressed with zstd, addressed by the SHA-256 of their content, checked
// whenever they are read. A snapshot is the list of its bodies. A later
// snapshot of which one asset in a hundred changed adds about 2.4 MB for each
// 100,000 assets.
package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Store keeps snapshots and blobs. Its methods may be called from many
// goroutines. Snapshots it returns read configurations from it: they can be
// used until Close.
type Store interface {
	// Save stores a snapshot whole or not at all: a process killed, or a disk
	// filled, half-way leaves what was there before. Saving what is stored
	// already, taken at the same time, does nothing.
	Save(ctx context.Context, s *estate.Snapshot) error
	// Load returns the snapshot with a hash; if it was taken several times, the
	// last one. ErrNotFound if there is none.
	Load(ctx context.Context, hash string) (*estate.Snapshot, error)
	// Latest returns the snapshot taken last. ErrNotFound in an empty store.
	Latest(ctx context.Context) (*estate.Snapshot, error)
	// AsOf returns the last snapshot taken at or before t. ErrNotFound if the
	// first one is later.
	AsOf(ctx context.Context, t time.Time) (*estate.Snapshot, error)
	// List returns what is stored, the latest first.
	List(ctx context.Context) ([]Info, error)
	// Each calls fn for every asset of s with its configuration: see
	// estate.Snapshot.Each.
	Each(ctx context.Context, s *estate.Snapshot, fn func(estate.Node, *estate.Asset, json.RawMessage) error) error

	// PutBlob stores what a step has learnt as the next version of key, from 1.
	PutBlob(ctx context.Context, step, key string, data []byte) (version int64, err error)
	// PutBlobs stores the next version of several keys of a step, all or none, and
	// drops all but the newest keep versions of each; keep 0 drops none.
	PutBlobs(ctx context.Context, step string, blobs map[string][]byte, keep int) error
	// Blob returns a version of what PutBlob stored; version 0 means the newest.
	// ErrNotFound if there is none.
	Blob(ctx context.Context, step, key string, version int64) (data []byte, got int64, err error)

	// Lock keeps other runs out of this state until release is called or the
	// process ends, however it ends. A *LockedError names who holds it.
	Lock(ctx context.Context) (release func() error, err error)
	// Close ends the use of the store. Closing it again does nothing.
	Close() error
}

// Info describes a stored snapshot.
type Info struct {
	Hash      string
	Taken     time.Time
	Assets    int
	Relations int
}

// ErrNotFound says that nothing is stored under a hash, time or key.
var ErrNotFound = errors.New("not found in the state")

// LockedError says that another run uses the state.
type LockedError struct {
	State string // folder or URL without its password
	PID   int    // 0 if the holder has not said
	Host  string
	Since time.Time
}

// Error implements error.
func (e *LockedError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("state %s is in use by another run: wait for it to end, or give this one another --state", e.State)
	}
	return fmt.Sprintf("state %s is in use by process %d on %s since %s: wait for it to end, or give this one another --state",
		e.State, e.PID, e.Host, e.Since.Format(time.RFC3339))
}

// NewerError says that the state was written by a newer version of sevenfold.
type NewerError struct {
	State      string
	Has, Known int
}

// Error implements error.
func (e *NewerError) Error() string {
	return fmt.Sprintf("state %s has schema version %d, this sevenfold knows up to %d: upgrade sevenfold, or use another --state", e.State, e.Has, e.Known)
}

// DamagedError says that stored bytes are not what was stored.
type DamagedError struct {
	State string
	What  string // "body 17"
	Err   error
}

// Error implements error.
func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s in state %s is damaged (%v): restore the state from a copy, or assess again into another --state", e.What, e.State, e.Err)
}

// Unwrap returns the cause.
func (e *DamagedError) Unwrap() error { return e.Err }

// FullError says that the state could not be written for want of space.
type FullError struct {
	State string
	Err   error
}

// Error implements error.
func (e *FullError) Error() string {
	return fmt.Sprintf("no space to write state %s (%v): what was stored before is kept; free some space, or use another --state", e.State, e.Err)
}

// Unwrap returns the cause.
func (e *FullError) Unwrap() error { return e.Err }

// DefaultState is the state folder when none is given.
const DefaultState = ".sevenfold"

// Open opens the store in a folder, which is made if need be (readable by its
// owner only), or at a postgres:// URL; "" means DefaultState.
func Open(ctx context.Context, state string) (Store, error) {
	if state == "" {
		state = DefaultState
	}
	var db engine
	var err error
	if strings.HasPrefix(state, "postgres://") || strings.HasPrefix(state, "postgresql://") {
		db, err = openPostgres(ctx, state)
	} else if scheme, _, found := strings.Cut(state, "://"); found {
		return nil, fmt.Errorf("state %q: no store for %s://, give a folder or a postgres:// URL", redacted(state), scheme)
	} else {
		db, err = openSQLite(ctx, state)
	}
	if err != nil {
		return nil, err
	}
	return newKeeper(db)
}

// redacted returns a URL without its password.
func redacted(state string) string {
	u, err := url.Parse(state)
	if err != nil {
		scheme, _, _ := strings.Cut(state, "://")
		return scheme + "://…"
	}
	return u.Redacted()
}
