// Package mysql reads tables of a MySQL or MariaDB server for what is in them: each in
// a read-only transaction of its own, with a limit on time and rate, whole or as rows
// drawn at random. Values pass through and are kept nowhere.
package mysql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"
	"golang.org/x/time/rate"
)

// Bounds of what a reading costs the server, and of what a row may cost here.
const (
	connectTimeout   = 15 * time.Second
	statementTimeout = 2 * time.Minute
	bytesPerSecond   = 32 << 20
	pageSize         = 8 << 10
	maxTables        = 20_000
	// longest is how many characters of one value are read: a server's may have 4 GiB.
	longest = 1 << 20
)

// patience is how long a server may be silent: it counts a statement's time itself.
var patience = statementTimeout + connectTimeout

// system are the databases that the server keeps for itself.
var system = []string{"mysql", "information_schema", "performance_schema", "sys"}

// logs are tables of the database mysql that hold the text of statements, and so what
// was asked and written, where the server logs to tables; the last two are Amazon's.
var logs = []string{"general_log", "slow_log", "general_log_backup", "slow_log_backup"}

// Table is one table.
type Table struct {
	Schema, Name string
	// Rows is the server's own estimate, -1 where it has none. Bytes is the size of
	// what its rows lie in.
	Rows, Bytes int64
	// Versioned is true where the table keeps its former rows (MariaDB).
	Versioned bool
}

// Sink takes what is read: one call a cell, then one a row. The bytes are the
// reader's and change after the call.
type Sink interface {
	Value(column string, value []byte) error
	Row()
}

// Reader reads one server, or one database of it.
type Reader struct {
	s      *session
	name   string
	schema string // the database that the address names; empty: all
	limit  *rate.Limiter
	seen   *sight
}

// Error is a server that could not be read.
type Error struct {
	What, Mend string
	// Address is true where the address itself is wrong, so that nothing was asked.
	Address bool
	err     error
}

// Error implements error.
func (e *Error) Error() string { return e.What }

// Hint is the mend.
func (e *Error) Hint() string { return e.Mend }

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.err }

// Open connects. The error is an *Error, and holds no password.
func Open(ctx context.Context, uri string) (*Reader, error) {
	cfg, err := configure(uri)
	if err != nil {
		return nil, err
	}
	r := &Reader{name: Name(uri), schema: cfg.DBName, limit: rate.NewLimiter(bytesPerSecond, bytesPerSecond)}
	if r.s, err = dial(ctx, cfg); err != nil {
		return nil, refused("the server does not answer", err)
	}
	if err := r.settle(ctx); err != nil {
		r.Close()
		return nil, refused("the session could not be made read-only", err)
	}
	return r, nil
}

// settle makes the session one that only reads, and gives up rather than hold others up.
func (r *Reader) settle(ctx context.Context) error {
	for _, s := range []string{
		"SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SET SESSION TRANSACTION READ ONLY", "SET SESSION lock_wait_timeout = 5",
	} {
		if err := r.s.do(ctx, s); err != nil {
			return err
		}
	}
	// MySQL and MariaDB limit a statement's time by different names; the server that
	// knows neither is not read.
	err := r.s.do(ctx, fmt.Sprintf("SET SESSION max_execution_time = %d", statementTimeout.Milliseconds()))
	if unknownVariable(err) {
		err = r.s.do(ctx, fmt.Sprintf("SET SESSION max_statement_time = %d", int(statementTimeout.Seconds())))
	}
	if err != nil {
		return err
	}
	// MySQL 8 tells sizes as they were a day ago, unless asked not to.
	if err := r.s.do(ctx, "SET SESSION information_schema_stats_expiry = 0"); err != nil && !unknownVariable(err) {
		return err
	}
	return nil
}

func unknownVariable(err error) bool {
	var my *driver.MySQLError
	return errors.As(err, &my) && my.Number == 1193
}

// URI is the server's address without user, password and options.
func (r *Reader) URI() string { return r.name }

// Close ends the connection.
func (r *Reader) Close() { r.s.close() }

// refused puts a failure in words without values: of a server's error the number, never
// the message, which may quote a row or a name.
func refused(what string, err error) error {
	var my *driver.MySQLError
	e := &Error{What: what, Mend: "check host, port, user and network path", err: err}
	if errors.As(err, &my) {
		switch my.Number {
		case 1044, 1045, 1698:
			e.What, e.Mend = what+": the user or password is refused", "give the password in MYSQL_PWD"
		case 1142, 1143, 1370:
			e.What, e.Mend = what+": the user lacks the right to read it", "GRANT SELECT ON the database to the user, for the time of the scan"
		case 1049:
			e.What, e.Mend = what+": the server has no such database, or the user may not see it", "mysql://USER@HOST reads all that the user sees"
		case 3024, 1969, 1317:
			e.What, e.Mend = fmt.Sprintf("%s within %s", what, statementTimeout), "scan a copy or a replica that has the time"
		case 3159, 1835:
			e.Mend = "the server demands TLS or another protocol: ?ssl-mode=REQUIRED"
		default:
			e.What = fmt.Sprintf("%s (error %d)", what, my.Number)
		}
		return e
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		e.What = what + ": it takes too long"
	case errors.Is(err, errProtocol):
		e.What, e.Mend = errProtocol.Error(), "check host and port"
	case errors.Is(err, driver.ErrNoTLS):
		e.What, e.Mend = what+" by TLS, and nothing is sent to it without", "let the server offer TLS, or say ?ssl-mode=DISABLED where the network is your own"
	case errors.Is(err, driver.ErrCleartextPassword):
		e.What, e.Mend = what+": it wants the password in clear, which is sent only where its certificate is verified", "?ssl-mode=VERIFY_IDENTITY&ssl-ca=FILE"
	case errors.Is(err, driver.ErrPktTooLarge):
		e.What = what + ": a row is too long"
	case isCertificate(err):
		e.What, e.Mend = what+": its certificate does not hold", "?ssl-ca=FILE with the authority that signed it"
	}
	return e
}

// Others lists the databases of the server, beside those that are read: what lies in
// them is not seen. A name in brackets stands for those that the user is not shown.
func (r *Reader) Others(ctx context.Context) ([]string, error) {
	all, err := r.databases(ctx)
	if err != nil {
		return nil, err
	}
	s, err := r.sight(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	if r.schema != "" {
		out = slices.DeleteFunc(all, func(n string) bool { return n == r.schema })
	}
	if !s.databases {
		out = append(out, "(those that the user is not shown)")
	}
	return out, nil
}

func (r *Reader) databases(ctx context.Context) ([]string, error) {
	return r.strings(ctx, "the server's databases cannot be listed", "SELECT schema_name FROM information_schema.schemata WHERE schema_name NOT IN ("+quoted(system)+") ORDER BY 1")
}

// strings asks for one column of text.
func (r *Reader) strings(ctx context.Context, what, query string) (out []string, err error) {
	err = r.s.ask(ctx, query, nil, func(row [][]byte) error {
		out = append(out, string(row[0]))
		return nil
	})
	if err != nil {
		return nil, r.failed(ctx, what, err)
	}
	return out, nil
}

// failed is the context's error where it ended, else the failure in words.
func (*Reader) failed(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return refused(what, err)
}

// Tables lists what is read, in order of their names: all that the user sees but the
// server's own, its logs of statements excepted; where the address names a database,
// those of it.
func (r *Reader) Tables(ctx context.Context) ([]Table, error) {
	const what = "the tables cannot be listed"
	query := `SELECT table_schema, table_name, COALESCE(table_rows, -1), COALESCE(data_length, 0), table_type
		FROM information_schema.tables WHERE table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') AND `
	var args []string
	if r.schema != "" {
		query, args = query+"table_schema = ?", []string{r.schema}
	} else {
		query += "(table_schema NOT IN (" + quoted(system) + ") OR table_schema = 'mysql' AND table_name IN (" + quoted(logs) + "))"
	}
	var out []Table
	err := r.s.ask(ctx, query+fmt.Sprintf(" ORDER BY 1, 2 LIMIT %d", maxTables+1), args, func(row [][]byte) error {
		t := Table{Schema: string(row[0]), Name: string(row[1]), Versioned: string(row[4]) != "BASE TABLE"}
		var err error
		if t.Rows, err = strconv.ParseInt(string(row[2]), 10, 64); err != nil {
			t.Rows = -1
		}
		if t.Bytes, err = strconv.ParseInt(string(row[3]), 10, 64); err != nil || t.Bytes < 0 {
			t.Bytes = 0
		}
		out = append(out, t)
		return nil
	})
	if err != nil {
		return nil, r.failed(ctx, what, err)
	}
	if len(out) > maxTables {
		return nil, &Error{What: fmt.Sprintf("it has more than %d tables", maxTables), Mend: "name one database: mysql://USER@HOST/DATABASE"}
	}
	return out, nil
}

// quoted writes names of the server's own as a list of SQL.
func quoted(names []string) string { return "'" + strings.Join(names, "', '") + "'" }

// identifier quotes a name for a statement.
func identifier(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
