// Package postgres reads tables of a PostgreSQL database for what is in them: in one
// read-only transaction, with a limit on time and rate, whole or as random pages.
// Values pass through and are kept nowhere.
package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/time/rate"
)

// Bounds of what a reading costs the database.
const (
	statementTimeout = 2 * time.Minute
	bytesPerSecond   = 32 << 20
	pageSize         = 8 << 10
	maxTables        = 20_000
)

// Table is one table, materialised view or partition.
type Table struct {
	Schema, Name string
	// Rows is the database's own estimate, -1 where it has none. Bytes is the size
	// of its pages.
	Rows, Bytes int64
	// Filtered is true where row-level security hides rows from the user without a word.
	Filtered bool
}

// Sink takes what is read: one call a cell, then one a row. The bytes are the
// reader's and change after the call.
type Sink interface {
	Value(column string, value []byte) error
	Row()
}

// Reader reads one database.
type Reader struct {
	conn   *pgx.Conn
	tx     pgx.Tx
	name   string
	server string
	limit  *rate.Limiter
	// named: the address has a search_path, and so names the schemas that are meant.
	named bool
}

// Error is a database that could not be read.
type Error struct {
	What, Mend string
	err        error
}

// Error implements error.
func (e *Error) Error() string { return e.What }

// Hint is the mend.
func (e *Error) Hint() string { return e.Mend }

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.err }

// Open connects and begins the transaction. The error is an *Error, and holds no
// password.
func Open(ctx context.Context, uri string) (*Reader, error) {
	cfg, err := pgx.ParseConfig(uri)
	if err != nil {
		// The parser's words may quote the address, and with it a password.
		return nil, &Error{What: "it is no address of a PostgreSQL database", Mend: "postgres://USER@HOST/DATABASE, the password in PGPASSWORD or ~/.pgpass", err: nil}
	}
	_, named := cfg.RuntimeParams["search_path"]
	cfg.RuntimeParams["default_transaction_read_only"] = "on"
	cfg.RuntimeParams["application_name"] = "sevenfold (read-only)"
	cfg.ConnectTimeout = 15 * time.Second
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, refused("the database does not answer", err)
	}
	r := &Reader{conn: conn, name: Name(uri), server: cfg.Host, limit: rate.NewLimiter(bytesPerSecond, bytesPerSecond), named: named}
	if r.tx, err = conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}); err == nil {
		_, err = r.tx.Exec(ctx, fmt.Sprintf("SET LOCAL statement_timeout = %d; SET LOCAL lock_timeout = 5000; SET LOCAL extra_float_digits = 1", statementTimeout.Milliseconds()), pgx.QueryExecModeSimpleProtocol)
	}
	if err != nil {
		r.Close()
		return nil, refused("no read-only transaction could be begun", err)
	}
	return r, nil
}

// Name is an address without user, password and options; but the schemas that it narrows
// the reading to stay, being part of what was read.
func Name(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return "postgres://?"
	}
	host := u.Host
	if h := u.Query().Get("host"); host == "" && h != "" && !strings.HasPrefix(h, "/") {
		host = h
	}
	name := "postgres://" + host + u.Path
	if schemas := u.Query().Get("search_path"); schemas != "" {
		name += "?search_path=" + url.QueryEscape(schemas)
	}
	return name
}

// Others lists the databases of the server, beside the one that is read, which take
// connections: what lies in them is not seen from this one.
func (r *Reader) Others(ctx context.Context) ([]string, error) {
	rows, err := r.tx.Query(ctx, `SELECT datname FROM pg_database
		WHERE datallowconn AND NOT datistemplate AND datname NOT IN (current_database(), 'postgres', 'rdsadmin', 'cloudsqladmin', 'azure_maintenance') ORDER BY 1`)
	if err != nil {
		return nil, refused("the server's databases cannot be listed", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, refused("the server's databases cannot be listed", err)
	}
	return out, nil
}

// URI is the database's address without user, password and options.
func (r *Reader) URI() string { return r.name }

// Close ends the transaction and the connection.
func (r *Reader) Close() {
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Second)
	defer stop()
	_ = r.conn.Close(ctx) // the server rolls the transaction back
}

// refused puts a failure in words without values: of a server's error the code and,
// where it can quote no row, its message.
func refused(what string, err error) error {
	var pg *pgconn.PgError
	e := &Error{What: what, Mend: "check host, port, user and network path", err: err}
	switch {
	case errors.As(err, &pg) && strings.HasPrefix(pg.Code, "28"):
		e.What, e.Mend = what+": the user or password is refused", "give the password in PGPASSWORD or ~/.pgpass"
	case errors.As(err, &pg) && pg.Code == "42501":
		e.What, e.Mend = what+": the user lacks the right to read it", "GRANT pg_read_all_data TO the user, for the time of the scan"
	case errors.As(err, &pg):
		e.What = what + " (SQLSTATE " + pg.Code + ")"
	case errors.Is(err, context.DeadlineExceeded):
		e.What = what + ": it takes too long"
	}
	return e
}

// Tables lists what is read, in order of their names: all that the user sees but
// the system's own; where the address has a search_path, those of its schemas.
func (r *Reader) Tables(ctx context.Context) ([]Table, error) {
	rows, err := r.tx.Query(ctx, `SELECT n.nspname, c.relname, c.reltuples::bigint, pg_relation_size(c.oid), row_security_active(c.oid)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
			AND (NOT $1 OR n.nspname = ANY (current_schemas(false)))
		ORDER BY 1, 2 LIMIT `+fmt.Sprint(maxTables+1), r.named)
	if err != nil {
		return nil, refused("the tables cannot be listed", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Table])
	if err != nil {
		return nil, refused("the tables cannot be listed", err)
	}
	if len(out) > maxTables {
		return nil, &Error{What: fmt.Sprintf("it has more than %d tables", maxTables), Mend: "name one schema's database, or a user that sees fewer"}
	}
	return out, nil
}

// Read is what came of reading a table.
type Read struct {
	Rows, Bytes int64
	// Pages are the different pages that rows were read from, where pages were drawn.
	Pages int
}

// Table reads a table: all of it if pages is 0, else about so many pages drawn by
// the seed. What a column of a type without text holds (vectors) is passed over.
// The error is the sink's, the context's or an *Error.
func (r *Reader) Table(ctx context.Context, t Table, pages int, seed uint64, sink Sink) (got Read, err error) {
	from := pgx.Identifier{t.Schema, t.Name}.Sanitize()
	query := "SELECT * FROM " + from
	drawn := pages > 0 && t.Bytes > int64(pages)*pageSize
	if drawn {
		share := 100 * float64(pages) * pageSize / float64(t.Bytes)
		query = fmt.Sprintf("SELECT ctid, * FROM %s TABLESAMPLE SYSTEM (%g) REPEATABLE (%d)", from, min(100, share), seed%100_000)
	}
	// A failed statement would end the transaction: each table has a savepoint.
	sub, err := r.tx.Begin(ctx)
	if err != nil {
		return got, refused("the table cannot be read", err)
	}
	defer func() {
		if rerr := sub.Rollback(context.WithoutCancel(ctx)); rerr != nil && err == nil && ctx.Err() == nil {
			err = refused("the table cannot be read to its end", rerr)
		}
	}()
	rows, err := sub.Query(ctx, query, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return got, refused("the table cannot be read", err)
	}
	defer rows.Close()
	fields := rows.FieldDescriptions()
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	seen := map[string]bool{}
	for rows.Next() {
		raw := rows.RawValues()
		n := 0
		for i, v := range raw {
			if drawn && i == 0 {
				page, _, _ := strings.Cut(string(v), ",")
				seen[page] = true
				continue
			}
			if v == nil || isVector(fields[i].DataTypeOID, v) {
				continue
			}
			if v = plain(fields[i].DataTypeOID, v); v == nil {
				continue
			}
			n += len(v)
			if err := sink.Value(names[i], v); err != nil {
				return got, err
			}
		}
		sink.Row()
		got.Rows, got.Bytes = got.Rows+1, got.Bytes+int64(n)
		if err := r.limit.WaitN(ctx, min(n, bytesPerSecond)); err != nil {
			return got, ctx.Err()
		}
	}
	got.Pages = len(seen)
	if err := rows.Err(); err != nil {
		if ctx.Err() != nil {
			return got, ctx.Err()
		}
		return got, refused("the table cannot be read to its end", err)
	}
	return got, nil
}

// numeric are the types whose values name nobody: flags, times of a day, durations. A
// day may be one of birth.
var numeric = []uint32{16, 1083, 1186, 1266}

// Types of PostgreSQL whose values need to be written plainly.
const (
	float4, float8         = 700, 701
	timestamp, timestampTZ = 1114, 1184
)

// plain writes a value as a person would: a number that a fraction's type holds whole
// may be a card's or an account's, a time at midnight a day of birth. A true fraction
// names nobody and gives nil.
func plain(oid uint32, v []byte) []byte {
	switch oid {
	case float4, float8:
		f, err := strconv.ParseFloat(string(v), 64)
		if err != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<63 {
			return nil
		}
		return strconv.AppendFloat(nil, f, 'f', -1, 64)
	case timestamp, timestampTZ:
		if at := bytes.Index(v, []byte(" 00:00:00")); at > 0 {
			return v[:at]
		}
	}
	return v
}

// isVector reports whether a value is nothing but numbers that name nobody: an
// embedding, or of a type that holds none that do.
func isVector(oid uint32, v []byte) bool {
	if slices.Contains(numeric, oid) {
		return true
	}
	if oid < 16384 || len(v) < 2 || v[0] != '[' || v[len(v)-1] != ']' {
		return false
	}
	for _, c := range v {
		if (c < '0' || c > '9') && !strings.ContainsRune("[],.-+eE", rune(c)) {
			return false
		}
	}
	return true
}
