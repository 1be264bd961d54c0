package mysql

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	driver "github.com/go-sql-driver/mysql"
)

// Read is what came of reading a table.
type Read struct {
	Rows, Bytes int64
	// Draws are the places drawn from which a row was read: stretches of the key, or
	// single rows. 0 where all was read.
	Draws int
	// Cut are values that were read to their beginning only, Opaque those that are no
	// text and longer than an identifier or a digest; both by column.
	Cut, Opaque map[string]int64
	// Withheld is true where columns are left out, since the user may not read them.
	Withheld bool
}

// column is a column of a table, as it is asked for.
type column struct {
	name, kind, ask string
	long            bool // may hold more than is read
}

// silent are the types whose values name nobody: times of a day, years, flags, shapes,
// embeddings.
var silent = []string{"time", "year", "bit", "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection", "geomcollection", "vector"}

// columns asks for a table's columns, those that SELECT * leaves out too, and for the
// name of its key where that is one column of whole numbers.
func (r *Reader) columns(ctx context.Context, t Table) (out []column, key string, err error) {
	keys, whole := 0, false
	err = r.s.ask(ctx, `SELECT column_name, data_type, column_type, column_key FROM information_schema.columns
		WHERE table_schema = ? AND table_name = ? ORDER BY ordinal_position`, []string{t.Schema, t.Name}, func(row [][]byte) error {
		c := column{name: string(row[0]), kind: strings.ToLower(string(row[1]))}
		if string(row[3]) == "PRI" {
			keys++
			key, whole = c.name, strings.HasSuffix(c.kind, "int")
		}
		if slices.Contains(silent, c.kind) {
			return nil
		}
		c.ask = identifier(c.name)
		switch {
		case bytes.Contains(row[2], []byte("zerofill")): // as a number it would lose the zeros before it, which belong to an account's
			c.ask = "CAST(" + c.ask + " AS CHAR)"
		case c.kind == "json" || strings.HasSuffix(c.kind, "text") || strings.HasSuffix(c.kind, "blob"):
			c.long = true
			c.ask = fmt.Sprintf("LEFT(%s, %d)", c.ask, longest)
		}
		out = append(out, c)
		return nil
	})
	if err != nil {
		return nil, "", r.failed(ctx, "the table's columns cannot be listed", err)
	}
	if keys != 1 || !whole || t.Versioned { // a former row has the key of the one that replaced it
		key = ""
	}
	return out, key, nil
}

// Table reads a table: all of it if pages is 0, else as much as lies on about so many
// pages, drawn by the seed. What a column of a type without text holds is passed over.
// The error is the sink's, the context's or an *Error.
//
// The server can't draw pages. Of a table whose key is one column of whole numbers with few
// gaps, stretches of the key are drawn that hold a page's rows each; of any other the server
// walks all rows and sends those that a random number picks.
func (r *Reader) Table(ctx context.Context, t Table, pages int, seed uint64, sink Sink) (got Read, err error) {
	cols, key, err := r.columns(ctx, t)
	if err != nil {
		return got, err
	}
	if err := r.s.do(ctx, "START TRANSACTION READ ONLY"); err != nil {
		return got, r.failed(ctx, "no read-only transaction could be begun", err)
	}
	// A transaction for each table: while one is open nobody can alter what it has read,
	// and whoever waits to alter it holds all others up.
	defer func() {
		if ctx.Err() != nil {
			return // the driver has closed the connection, and the server ends what is open
		}
		if rerr := r.s.do(ctx, "ROLLBACK"); rerr != nil && err == nil {
			err = refused("the table cannot be read to its end", rerr)
		}
	}()
	from := identifier(t.Schema) + "." + identifier(t.Name)
	if got.Withheld, err = r.withheld(ctx, from, len(cols)); err != nil || len(cols) == 0 {
		return got, err
	}
	if t.Versioned {
		from += " FOR SYSTEM_TIME ALL"
	}
	q := &query{r: r, got: &got, sink: sink, cols: cols, text: selection(cols) + " FROM " + from}
	if pages == 0 || t.Bytes <= int64(pages)*pageSize {
		_, err := q.run(ctx, "")
		return got, err
	}
	if key != "" {
		if s, ok := r.stretches(ctx, from, identifier(key), t); ok {
			return got, q.drawStretches(ctx, s, pages, seed)
		}
	}
	share := float64(pages) * pageSize / float64(t.Bytes)
	n, err := q.run(ctx, fmt.Sprintf(" WHERE RAND(%d) < %g", seed%100_000, share))
	got.Draws = int(min(n, math.MaxInt32))
	return got, err
}

// withheld reports whether the user may read some columns only: the server lists no
// others, but does not give all.
func (r *Reader) withheld(ctx context.Context, from string, listed int) (bool, error) {
	err := r.s.ask(ctx, "SELECT * FROM "+from+" LIMIT 0", nil, func([][]byte) error { return nil })
	var my *driver.MySQLError
	switch {
	case err == nil:
		return false, nil
	case listed > 0 && errors.As(err, &my) && (my.Number == 1142 || my.Number == 1143):
		return true, nil
	}
	return false, r.failed(ctx, "the table cannot be read", err)
}

// selection asks for columns, and at last whether a value is longer than what is asked
// for, as a list of 0 and 1.
func selection(cols []column) string {
	var b strings.Builder
	b.WriteString("SELECT ")
	long := "''"
	var flags []string
	for _, c := range cols {
		b.WriteString(c.ask + ", ")
		if c.long {
			flags = append(flags, fmt.Sprintf("COALESCE(CHAR_LENGTH(%s) > %d, 0)", identifier(c.name), longest))
		}
	}
	if len(flags) > 0 {
		long = "CONCAT(" + strings.Join(flags, ", ") + ")"
	}
	return b.String() + long
}

// stretches is how a key is parted: from lo to hi, n stretches of width keys.
type stretches struct {
	column   string
	lo, hi   int64
	n, width uint64
}

// stretches parts a table's key. It is not ok where the key has so many gaps that
// stretches of one width would hold very different numbers of rows.
func (r *Reader) stretches(ctx context.Context, from, key string, t Table) (s stretches, ok bool) {
	var low, high string
	if err := r.s.ask(ctx, "SELECT MIN("+key+"), MAX("+key+") FROM "+from, nil, func(row [][]byte) error {
		low, high = string(row[0]), string(row[1])
		return nil
	}); err != nil {
		return s, false
	}
	lo, lerr := strconv.ParseInt(low, 10, 64)
	hi, herr := strconv.ParseInt(high, 10, 64)
	if lerr != nil || herr != nil || t.Rows <= 0 {
		return s, false
	}
	keys := uint64(hi) - uint64(lo) + 1 //nolint:gosec // it wraps to the difference
	if keys == 0 || float64(t.Rows) < float64(keys)/2 {
		return s, false
	}
	pages := uint64(max(t.Bytes/pageSize, 1)) //nolint:gosec // positive
	s = stretches{column: key, lo: lo, hi: hi, width: (keys + pages - 1) / pages}
	s.n = (keys + s.width - 1) / s.width
	return s, true
}

// drawStretches reads stretches of the key that are drawn, each as likely as another, until
// as many as were asked for held a row.
func (q *query) drawStretches(ctx context.Context, s stretches, pages int, seed uint64) error {
	rng := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // two runs are to draw the same
	drawn := map[uint64]bool{}
	for tries := 0; q.got.Draws < pages && uint64(len(drawn)) < s.n && tries < 8*pages+64; tries++ {
		i := rng.Uint64N(s.n)
		if drawn[i] {
			continue
		}
		drawn[i] = true
		first := int64(uint64(s.lo) + i*s.width) //nolint:gosec // it wraps to the key
		last := s.hi
		if left := uint64(s.hi) - uint64(first); s.width-1 < left { //nolint:gosec // as above
			last = int64(uint64(first) + s.width - 1) //nolint:gosec // as above
		}
		n, err := q.run(ctx, fmt.Sprintf(" WHERE %s BETWEEN %d AND %d", s.column, first, last))
		if err != nil {
			return err
		}
		if n > 0 {
			q.got.Draws++
		}
	}
	return nil
}

// query is a reading of one table.
type query struct {
	r    *Reader
	got  *Read
	sink Sink
	cols []column
	text string
}

// run reads the rows of a condition.
func (q *query) run(ctx context.Context, where string) (n int64, err error) {
	var stopped error // by what takes the rows, or by the context
	err = q.r.s.ask(ctx, q.text+where, nil, func(row [][]byte) error {
		size, err := q.row(row)
		if err != nil {
			stopped = err
			return err
		}
		n++
		q.got.Rows, q.got.Bytes = q.got.Rows+1, q.got.Bytes+int64(size)
		if q.r.limit.WaitN(ctx, min(size, bytesPerSecond)) != nil {
			stopped = ctx.Err()
		}
		return stopped
	})
	switch {
	case err == nil:
		return n, nil
	case stopped != nil:
		return n, stopped
	}
	return n, q.r.failed(ctx, "the table cannot be read to its end", err)
}

// row hands one row on.
func (q *query) row(raw [][]byte) (size int, err error) {
	flags, at := raw[len(q.cols)], 0
	for i, c := range q.cols {
		if c.long {
			if at < len(flags) && flags[at] == '1' {
				count(&q.got.Cut, c.name)
			}
			at++
		}
		if raw[i] == nil {
			continue
		}
		v := plain(c.kind, raw[i])
		if v == nil {
			continue
		}
		size += len(v)
		if isOpaque(v) {
			count(&q.got.Opaque, c.name)
			continue
		}
		if err := q.sink.Value(c.name, v); err != nil {
			return size, err
		}
	}
	q.sink.Row()
	return size, nil
}

func count(m *map[string]int64, name string) {
	if *m == nil {
		*m = map[string]int64{}
	}
	(*m)[name]++
}

// identifierBytes is the length of the longest binary value that is passed over without a
// word: a digest of 512 bits.
const identifierBytes = 64

// isOpaque reports whether a value is no text, and long enough to hold something.
func isOpaque(v []byte) bool {
	return len(v) > identifierBytes && (bytes.IndexByte(v, 0) >= 0 || !utf8.Valid(v))
}

// plain writes a value as a person would: a number that a fraction's type holds whole
// may be a card's or an account's, a time at midnight a day of birth. A true fraction
// and a day that is none name nobody and give nil.
func plain(kind string, v []byte) []byte {
	switch kind {
	case "float", "double":
		f, err := strconv.ParseFloat(string(v), 64)
		if err != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<63 {
			return nil
		}
		return strconv.AppendFloat(nil, f, 'f', -1, 64)
	case "date", "datetime", "timestamp":
		if bytes.HasPrefix(v, []byte("0000-")) {
			return nil
		}
		if at := bytes.Index(v, []byte(" 00:00:00")); at > 0 {
			return v[:at]
		}
	}
	return v
}
