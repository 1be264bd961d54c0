package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// busyTimeout is how long a connection waits for another one's transaction.
const busyTimeout = 10 * time.Second

// sqliteEngine keeps everything in sevenfold.db in the state folder.
type sqliteEngine struct {
	dir  string
	pool *sqlitex.Pool
	file os.FileInfo // as it was opened
}

func openSQLite(ctx context.Context, dir string) (*sqliteEngine, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("state folder %s: %w", dir, err)
	}
	file := filepath.Join(dir, "sevenfold.db")
	// SQLite would make the file readable to others; the write-ahead log takes
	// over the mode of the file.
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("state folder %s cannot be written: %w", dir, err)
	}
	info, err := f.Stat()
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("state folder %s: %w", dir, err)
	}
	e := &sqliteEngine{dir: dir, file: info}
	e.pool, err = sqlitex.NewPool(file, sqlitex.PoolOptions{
		Flags:       sqlite.OpenReadWrite | sqlite.OpenWAL | sqlite.OpenURI,
		PoolSize:    4,
		PrepareConn: prepareSQLite,
	})
	if err != nil {
		return nil, e.explain(fmt.Errorf("opening %s: %w", file, err))
	}
	if err := e.migrate(ctx); err != nil {
		return nil, errors.Join(err, e.pool.Close())
	}
	return e, nil
}

func prepareSQLite(conn *sqlite.Conn) error {
	conn.SetBusyTimeout(busyTimeout)
	// FULL survives a power cut; the price is one fsync a transaction.
	for _, pragma := range []string{"synchronous = FULL", "foreign_keys = ON", "cache_size = -8192"} {
		if err := sqlitex.ExecuteTransient(conn, "PRAGMA "+pragma, nil); err != nil {
			return err
		}
	}
	return nil
}

func (e *sqliteEngine) where() string { return e.dir }

func (e *sqliteEngine) close() error { return e.pool.Close() }

func (e *sqliteEngine) migrate(ctx context.Context) error {
	steps, err := schema("sqlite")
	if err != nil {
		return err
	}
	return e.conn(ctx, func(conn *sqlite.Conn) (err error) {
		// Most runs find the schema in place and need not wait for a writer.
		if has, err := userVersion(conn); err != nil || has == len(steps) {
			return err
		}
		end, err := sqlitex.ImmediateTransaction(conn)
		if err != nil {
			return err
		}
		defer end(&err)
		has, err := userVersion(conn)
		if err != nil {
			return err
		}
		if has > len(steps) {
			return &NewerError{State: e.dir, Has: has, Known: len(steps)}
		}
		for _, m := range steps[has:] {
			if err := sqlitex.ExecuteScript(conn, m.sql+fmt.Sprintf("\nPRAGMA user_version = %d;", m.version), nil); err != nil {
				return fmt.Errorf("schema version %d: %w", m.version, err)
			}
		}
		return nil
	})
}

func userVersion(conn *sqlite.Conn) (int, error) {
	var v int
	err := sqlitex.ExecuteTransient(conn, "PRAGMA user_version", &sqlitex.ExecOptions{
		ResultFunc: func(s *sqlite.Stmt) error { v = s.ColumnInt(0); return nil }})
	return v, err
}

// conn runs fn on a connection and says what its errors mean.
func (e *sqliteEngine) conn(ctx context.Context, fn func(*sqlite.Conn) error) error {
	conn, err := e.pool.Take(ctx)
	if err == nil {
		defer e.pool.Put(conn)
		err = fn(conn)
	}
	if err != nil && ctx.Err() != nil {
		// What SQLite calls an interruption was the caller's wish.
		return context.Cause(ctx)
	}
	return e.explain(err)
}

func (e *sqliteEngine) explain(err error) error {
	if err == nil {
		return nil
	}
	var newer *NewerError
	if errors.As(err, &newer) {
		return err
	}
	switch code := sqlite.ErrCode(err); code.ToPrimary() {
	case sqlite.ResultFull:
		return &FullError{e.dir, err}
	case sqlite.ResultIOErr:
		if code == sqlite.ResultIOErrWrite {
			return &FullError{e.dir, err}
		}
	case sqlite.ResultNotADB, sqlite.ResultCorrupt:
		return &DamagedError{e.dir, "sevenfold.db", err}
	case sqlite.ResultBusy:
		return fmt.Errorf("state %s: another process kept it locked for %s; try again when it has ended: %w", e.dir, busyTimeout, err)
	}
	return err
}

func (e *sqliteEngine) update(ctx context.Context, fn func(tx) error) error {
	err := e.conn(ctx, func(conn *sqlite.Conn) (err error) {
		end, err := sqlitex.ImmediateTransaction(conn)
		if err != nil {
			return err
		}
		defer end(&err)
		return fn(&sqliteTx{conn})
	})
	if err != nil {
		return err
	}
	return e.there()
}

// there fails if the file that was written is not the one in the folder any
// more: a deleted file takes every write, and nobody can read it.
func (e *sqliteEngine) there() error {
	now, err := os.Stat(filepath.Join(e.dir, "sevenfold.db"))
	if err == nil && os.SameFile(now, e.file) {
		return nil
	}
	return fmt.Errorf("state %s was deleted or replaced while it was in use, so nothing of this run is kept there: run again", e.dir)
}

func (e *sqliteEngine) view(ctx context.Context, fn func(tx) error) error {
	return e.conn(ctx, func(conn *sqlite.Conn) (err error) {
		defer sqlitex.Transaction(conn)(&err)
		return fn(&sqliteTx{conn})
	})
}

// sqliteTx runs prepared statements; in one process that is as fast as any
// batch.
type sqliteTx struct{ conn *sqlite.Conn }

// run executes a cached statement with its arguments bound in order.
func (t *sqliteTx) run(sql string, row func(*sqlite.Stmt) error, args ...any) error {
	return sqlitex.Execute(t.conn, sql, &sqlitex.ExecOptions{Args: args, ResultFunc: row})
}

func (t *sqliteTx) known(digests []estate.Digest) ([]int64, error) {
	out := make([]int64, len(digests))
	for i := range digests {
		err := t.run("SELECT id FROM body WHERE digest = ?", func(s *sqlite.Stmt) error {
			out[i] = s.ColumnInt64(0)
			return nil
		}, digests[i][:])
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (t *sqliteTx) add(bodies []body) ([]int64, error) {
	ids := make([]int64, len(bodies))
	for i, b := range bodies {
		if err := t.run("INSERT INTO body (digest, data) VALUES (?, ?)", nil, b.digest[:], b.data); err != nil {
			return nil, err
		}
		ids[i] = t.conn.LastInsertRowID()
	}
	return ids, nil
}

func (t *sqliteTx) fetch(ids []int64) ([]body, error) {
	out := make([]body, len(ids))
	for i, id := range ids {
		err := t.run("SELECT digest, data FROM body WHERE id = ?", func(s *sqlite.Stmt) error {
			out[i].id, out[i].data = id, make([]byte, s.ColumnLen(1))
			s.ColumnBytes(1, out[i].data)
			s.ColumnBytes(0, out[i].digest[:])
			return nil
		}, id)
		if err != nil {
			return nil, err
		}
		if out[i].id == 0 {
			return nil, missingBody(id)
		}
	}
	return out, nil
}

func (t *sqliteTx) places(digests []estate.Digest) ([]uint64, error) {
	out := make([]uint64, len(digests))
	for i := range digests {
		err := t.run("SELECT ref FROM place WHERE digest = ?", func(s *sqlite.Stmt) error {
			out[i] = uint64(s.ColumnInt64(0))
			return nil
		}, digests[i][:])
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (t *sqliteTx) addPlaces(digests []estate.Digest, refs []uint64) error {
	for i := range digests {
		if err := t.run("INSERT INTO place (digest, ref) VALUES (?, ?)", nil, digests[i][:], int64(refs[i])); err != nil {
			return err
		}
	}
	return nil
}

func (t *sqliteTx) mend(id int64, b body) error {
	return t.run("UPDATE body SET data = ? WHERE id = ?", nil, b.data, id)
}

func (t *sqliteTx) movePlaces(digests []estate.Digest, refs []uint64) error {
	for i := range digests {
		if err := t.run("UPDATE place SET ref = ? WHERE digest = ?", nil, int64(refs[i]), digests[i][:]); err != nil {
			return err
		}
	}
	return nil
}

func (t *sqliteTx) snapshots(q query) ([]snapshotRow, error) {
	var out []snapshotRow
	text, args := q.sql()
	err := t.run(text, func(s *sqlite.Stmt) error {
		r := snapshotRow{hash: s.ColumnText(0), taken: s.ColumnInt64(1), assets: s.ColumnInt(2), relations: s.ColumnInt(3),
			sources: s.ColumnText(4), frame: s.ColumnInt64(5), manifest: make([]byte, s.ColumnLen(6))}
		s.ColumnBytes(6, r.manifest)
		out = append(out, r)
		return nil
	}, args...)
	return out, err
}

func (t *sqliteTx) addSnapshot(r snapshotRow) error {
	return t.run("INSERT INTO snapshot (hash, taken, assets, relations, sources, frame, manifest) VALUES (?, ?, ?, ?, ?, ?, ?)", nil,
		r.hash, r.taken, r.assets, r.relations, r.sources, r.frame, r.manifest)
}

func (t *sqliteTx) putBlob(step, key string, b body) (version int64, err error) {
	err = t.run(`INSERT INTO blob (step, key, version, digest, data)
		SELECT ?1, ?2, coalesce(max(version), 0) + 1, ?3, ?4 FROM blob WHERE step = ?1 AND key = ?2 RETURNING version`,
		func(s *sqlite.Stmt) error { version = s.ColumnInt64(0); return nil }, step, key, b.digest[:], b.data)
	return version, err
}

func (t *sqliteTx) dropBlobs(step, key string, before int64) error {
	return t.run("DELETE FROM blob WHERE step = ? AND key = ? AND version < ?", nil, step, key, before)
}

func (t *sqliteTx) blob(step, key string, version int64) (b body, got int64, err error) {
	err = t.run(`SELECT version, digest, data FROM blob WHERE step = ?1 AND key = ?2 AND (?3 = 0 OR version = ?3) ORDER BY version DESC LIMIT 1`,
		func(s *sqlite.Stmt) error {
			got, b.data = s.ColumnInt64(0), make([]byte, s.ColumnLen(2))
			s.ColumnBytes(1, b.digest[:])
			s.ColumnBytes(2, b.data)
			return nil
		}, step, key, version)
	return b, got, err
}
