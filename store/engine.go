package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// engine is one database. All SQL is behind it.
type engine interface {
	// where names the state for people, without secrets.
	where() string
	// update runs fn in a transaction that excludes other writers, and commits
	// it if fn returns nil.
	update(ctx context.Context, fn func(tx) error) error
	// view runs fn on one consistent state.
	view(ctx context.Context, fn func(tx) error) error
	lock(ctx context.Context) (release func() error, err error)
	close() error
}

// tx is what one transaction can do. Lists are answered place by place.
type tx interface {
	// known returns the ids of bodies by digest, 0 for those not stored.
	known(digests []estate.Digest) ([]int64, error)
	// add stores bodies that are not known and returns their ids.
	add(bodies []body) ([]int64, error)
	// fetch returns bodies by id; an id that is not stored is an error.
	fetch(ids []int64) ([]body, error)
	// mend writes a body anew under the id it has: its content is the same, what
	// is stored of it was damaged.
	mend(id int64, b body) error

	// places returns where configurations stand, 0 for those not stored.
	places(digests []estate.Digest) ([]uint64, error)
	addPlaces(digests []estate.Digest, refs []uint64) error
	// movePlaces says of configurations that are stored that they stand elsewhere.
	movePlaces(digests []estate.Digest, refs []uint64) error

	// snapshots returns the rows that match, the latest first.
	snapshots(q query) ([]snapshotRow, error)
	addSnapshot(row snapshotRow) error

	putBlob(step, key string, b body) (version int64, err error)
	// dropBlobs drops the versions of a key before one.
	dropBlobs(step, key string, before int64) error
	// blob returns version 0 if there is none.
	blob(step, key string, version int64) (b body, got int64, err error)
}

// body is compressed content under its address.
type body struct {
	id     int64
	digest estate.Digest // of the content before compression
	data   []byte
}

// query picks snapshots. Zero fields pick nothing out.
type query struct {
	hash   string
	before *int64 // taken at or before, in microseconds
	limit  int
}

type snapshotRow struct {
	hash      string
	taken     int64
	assets    int
	relations int
	sources   string
	frame     int64
	manifest  []byte
}

//go:embed migrations
var migrations embed.FS

// migration is one numbered step of the schema.
type migration struct {
	version int
	sql     string
}

// schema returns the migrations of one engine in order. They are numbered from
// 1 without a gap.
func schema(engine string) ([]migration, error) {
	names, err := fs.Glob(migrations, path.Join("migrations", engine, "*.sql"))
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	out := make([]migration, len(names))
	for i, name := range names {
		text, err := migrations.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if want := fmt.Sprintf("%04d.sql", i+1); path.Base(name) != want {
			return nil, fmt.Errorf("migration %s stands where %s is expected", name, want)
		}
		out[i] = migration{i + 1, string(text)}
	}
	return out, nil
}
