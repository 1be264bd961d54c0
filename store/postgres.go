package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// postgresEngine keeps everything in one schema of a database: the first of the
// URL's search_path, else "sevenfold".
type postgresEngine struct {
	url    string // without password
	schema string
	pool   *pgxpool.Pool
}

func openPostgres(ctx context.Context, url string) (*postgresEngine, error) {
	e := &postgresEngine{url: redacted(url)}
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("state %s is not a PostgreSQL URL (postgres://user@host/database)", e.url)
	}
	path := config.ConnConfig.RuntimeParams["search_path"]
	first, _, _ := strings.Cut(path, ",")
	e.schema = strings.Trim(strings.TrimSpace(first), `"`)
	if e.schema == "" {
		e.schema = "sevenfold"
	}
	config.ConnConfig.RuntimeParams["search_path"] = pgx.Identifier{e.schema}.Sanitize()
	config.ConnConfig.RuntimeParams["application_name"] = "sevenfold"
	if e.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, e.explain(err)
	}
	if err := e.migrate(ctx); err != nil {
		e.pool.Close()
		return nil, err
	}
	return e, nil
}

func (e *postgresEngine) where() string { return e.url }

func (e *postgresEngine) close() error { e.pool.Close(); return nil }

// migrationKey is the advisory lock under which schemas are made; any number
// that no other program uses would do.
const migrationKey = 0x73657665

func (e *postgresEngine) migrate(ctx context.Context) error {
	steps, err := schema("postgres")
	if err != nil {
		return err
	}
	return e.explain(pgx.BeginFunc(ctx, e.pool, func(t pgx.Tx) error {
		if _, err := t.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(migrationKey)); err != nil {
			return err
		}
		var has int
		if err := t.QueryRow(ctx, "SELECT count(*) FROM pg_tables WHERE schemaname = $1 AND tablename = 'schema_version'", e.schema).Scan(&has); err != nil {
			return err
		}
		if has == 0 {
			_, err := t.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+pgx.Identifier{e.schema}.Sanitize()+
				"; CREATE TABLE schema_version (version integer NOT NULL); INSERT INTO schema_version VALUES (0)")
			if err != nil {
				return err
			}
		}
		if err := t.QueryRow(ctx, "SELECT version FROM schema_version").Scan(&has); err != nil {
			return err
		}
		if has > len(steps) {
			return &NewerError{State: e.url, Has: has, Known: len(steps)}
		}
		for _, m := range steps[has:] {
			if _, err := t.Exec(ctx, m.sql); err != nil {
				return fmt.Errorf("schema version %d: %w", m.version, err)
			}
			if _, err := t.Exec(ctx, "UPDATE schema_version SET version = $1", m.version); err != nil {
				return err
			}
		}
		return nil
	}))
}

func (e *postgresEngine) explain(err error) error {
	var newer *NewerError
	if err == nil || errors.As(err, &newer) {
		return err
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case "53100", "53200": // disk_full, out_of_memory
			return &FullError{e.url, err}
		case "XX001", "XX002": // data_corrupted, index_corrupted
			return &DamagedError{e.url, "the database", err}
		case "42501": // insufficient_privilege
			return fmt.Errorf("state %s: the user may not do this; grant it CREATE on the database or all on schema %s: %w", e.url, e.schema, err)
		}
	}
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return fmt.Errorf("state %s cannot be reached; check that the server runs and lets this user in: %w", e.url, err)
	}
	return err
}

// update excludes other writers by a lock on the table every snapshot ends in,
// so that two runs cannot store one body under two ids.
func (e *postgresEngine) update(ctx context.Context, fn func(tx) error) error {
	return e.explain(pgx.BeginFunc(ctx, e.pool, func(t pgx.Tx) error {
		if _, err := t.Exec(ctx, "LOCK TABLE snapshot IN SHARE ROW EXCLUSIVE MODE"); err != nil {
			return err
		}
		return fn(&postgresTx{ctx, t})
	}))
}

func (e *postgresEngine) view(ctx context.Context, fn func(tx) error) error {
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return e.explain(pgx.BeginTxFunc(ctx, e.pool, options, func(t pgx.Tx) error { return fn(&postgresTx{ctx, t}) }))
}

// lock takes a session's advisory lock, which ends with the connection and so
// with the process.
func (e *postgresEngine) lock(ctx context.Context) (func() error, error) {
	conn, err := e.pool.Acquire(ctx)
	if err != nil {
		return nil, e.explain(err)
	}
	var got bool
	const key = "hashtextextended('sevenfold run ' || current_schema(), 0)"
	if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock("+key+")").Scan(&got); err != nil {
		conn.Release()
		return nil, e.explain(err)
	}
	if !got {
		defer conn.Release()
		held := &LockedError{State: e.url}
		var since string
		if conn.QueryRow(ctx, "SELECT pid, host, since FROM holder").Scan(&held.PID, &held.Host, &since) == nil {
			held.Since, _ = time.Parse(time.RFC3339, since)
		}
		return nil, held
	}
	host, _ := os.Hostname()
	_, err = conn.Exec(ctx, `INSERT INTO holder (pid, host, since) VALUES ($1, $2, $3)
		ON CONFLICT (one) DO UPDATE SET pid = excluded.pid, host = excluded.host, since = excluded.since`,
		os.Getpid(), host, time.Now().UTC().Format(time.RFC3339))
	release := func() error {
		defer conn.Release()
		_, err := conn.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock("+key+")")
		return e.explain(err)
	}
	if err != nil {
		return nil, errors.Join(e.explain(err), release())
	}
	return release, nil
}

// postgresTx answers lists in one round trip each.
type postgresTx struct {
	ctx context.Context
	tx  pgx.Tx
}

func raw(digests []estate.Digest) [][]byte {
	out := make([][]byte, len(digests))
	for i := range digests {
		out[i] = digests[i][:]
	}
	return out
}

// numbers answers a query that gives (digest, number) rows, place by place.
func (t *postgresTx) numbers(sql string, digests []estate.Digest) ([]int64, error) {
	rows, err := t.tx.Query(t.ctx, sql, raw(digests))
	if err != nil {
		return nil, err
	}
	at := make(map[estate.Digest]int64, len(digests))
	var digest []byte
	var n int64
	if _, err := pgx.ForEachRow(rows, []any{&digest, &n}, func() error {
		at[estate.Digest(digest)] = n
		return nil
	}); err != nil {
		return nil, err
	}
	out := make([]int64, len(digests))
	for i, d := range digests {
		out[i] = at[d]
	}
	return out, nil
}

func (t *postgresTx) known(digests []estate.Digest) ([]int64, error) {
	return t.numbers("SELECT digest, id FROM body WHERE digest = ANY($1)", digests)
}

func (t *postgresTx) add(bodies []body) ([]int64, error) {
	digests := make([]estate.Digest, len(bodies))
	rows := make([][]any, len(bodies))
	for i, b := range bodies {
		digests[i], rows[i] = b.digest, []any{b.digest[:], b.data}
	}
	if _, err := t.tx.CopyFrom(t.ctx, pgx.Identifier{"body"}, []string{"digest", "data"}, pgx.CopyFromRows(rows)); err != nil {
		return nil, err
	}
	return t.known(digests)
}

func (t *postgresTx) fetch(ids []int64) ([]body, error) {
	rows, err := t.tx.Query(t.ctx, "SELECT id, digest, data FROM body WHERE id = ANY($1)", ids)
	if err != nil {
		return nil, err
	}
	at := make(map[int64]body, len(ids))
	var id int64
	var digest, data []byte
	if _, err := pgx.ForEachRow(rows, []any{&id, &digest, &data}, func() error {
		at[id] = body{id, estate.Digest(digest), data}
		digest, data = nil, nil
		return nil
	}); err != nil {
		return nil, err
	}
	out := make([]body, len(ids))
	for i, id := range ids {
		b, ok := at[id]
		if !ok {
			return nil, missingBody(id)
		}
		out[i] = b
	}
	return out, nil
}

func (t *postgresTx) places(digests []estate.Digest) ([]uint64, error) {
	ns, err := t.numbers("SELECT digest, ref FROM place WHERE digest = ANY($1)", digests)
	out := make([]uint64, len(ns))
	for i, n := range ns {
		out[i] = uint64(n)
	}
	return out, err
}

func (t *postgresTx) addPlaces(digests []estate.Digest, refs []uint64) error {
	_, err := t.tx.CopyFrom(t.ctx, pgx.Identifier{"place"}, []string{"digest", "ref"},
		pgx.CopyFromSlice(len(refs), func(i int) ([]any, error) { return []any{digests[i][:], int64(refs[i])}, nil }))
	return err
}

func (t *postgresTx) mend(id int64, b body) error {
	_, err := t.tx.Exec(t.ctx, "UPDATE body SET data = $1 WHERE id = $2", b.data, id)
	return err
}

func (t *postgresTx) movePlaces(digests []estate.Digest, refs []uint64) error {
	for i := range digests {
		if _, err := t.tx.Exec(t.ctx, "UPDATE place SET ref = $1 WHERE digest = $2", int64(refs[i]), digests[i][:]); err != nil {
			return err
		}
	}
	return nil
}

func (t *postgresTx) snapshots(q query) ([]snapshotRow, error) {
	text, args := q.sql()
	rows, err := t.tx.Query(t.ctx, text, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r snapshotRow, err error) {
		err = row.Scan(&r.hash, &r.taken, &r.assets, &r.relations, &r.sources, &r.frame, &r.manifest)
		return r, err
	})
}

func (t *postgresTx) addSnapshot(r snapshotRow) error {
	_, err := t.tx.Exec(t.ctx, "INSERT INTO snapshot (hash, taken, assets, relations, sources, frame, manifest) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		r.hash, r.taken, r.assets, r.relations, r.sources, r.frame, r.manifest)
	return err
}

func (t *postgresTx) putBlob(step, key string, b body) (version int64, err error) {
	err = t.tx.QueryRow(t.ctx, `INSERT INTO blob (step, key, version, digest, data)
		SELECT $1::text, $2::text, coalesce(max(version), 0) + 1, $3::bytea, $4::bytea FROM blob WHERE step = $1 AND key = $2 RETURNING version`,
		step, key, b.digest[:], b.data).Scan(&version)
	return version, err
}

func (t *postgresTx) dropBlobs(step, key string, before int64) error {
	_, err := t.tx.Exec(t.ctx, "DELETE FROM blob WHERE step = $1 AND key = $2 AND version < $3", step, key, before)
	return err
}

func (t *postgresTx) blob(step, key string, version int64) (b body, got int64, err error) {
	var digest []byte
	err = t.tx.QueryRow(t.ctx, `SELECT version, digest, data FROM blob
		WHERE step = $1 AND key = $2 AND ($3::bigint = 0 OR version = $3) ORDER BY version DESC LIMIT 1`,
		step, key, version).Scan(&got, &digest, &b.data)
	if errors.Is(err, pgx.ErrNoRows) {
		return b, 0, nil
	}
	if err == nil {
		copy(b.digest[:], digest)
	}
	return b, got, err
}
