package assess

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/collect/mysql"
	"github.com/sevenfold-sec/sevenfold/collect/postgres"
	"github.com/sevenfold-sec/sevenfold/steps/data"
	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
	"github.com/sevenfold-sec/sevenfold/steps/data/scan/format"
)

// tableReader reads the tables of a database, whichever kind it is of.
type tableReader interface {
	URI() string
	Close()
	Others(ctx context.Context) ([]string, error)
	tables(ctx context.Context) ([]oneTable, error)
}

// oneTable is one table of a database.
type oneTable struct {
	name  string
	bytes int64
	// hidden is why not all of it is seen; empty where it is.
	hidden string
	// read reads it, or about so many pages of it; nil where there is nothing to read.
	read func(ctx context.Context, pages int, seed uint64, sink format.Sink) (tableRead, error)
}

// tableRead is what came of reading a table.
type tableRead struct {
	rows, bytes int64
	draws       int
	problems    []string
}

// openTables opens a database by its address.
func openTables(ctx context.Context, uri string) (tableReader, error) {
	if mysql.IsAddress(uri) {
		r, err := mysql.Open(ctx, uri)
		var e *mysql.Error
		if errors.As(err, &e) && e.Address {
			return nil, &SourceError{mysql.Name(uri), e.What, e.Mend}
		}
		if err != nil {
			return nil, err
		}
		return mysqlTables{r}, nil
	}
	r, err := postgres.Open(ctx, uri)
	if err != nil {
		return nil, err
	}
	return postgresTables{r}, nil
}

// tableName is how a table is called. A name with a dot is quoted, so that no two tables
// are called the same.
func tableName(schema, name string) string {
	for _, p := range []*string{&schema, &name} {
		if strings.ContainsAny(*p, ".\"") {
			*p = `"` + strings.ReplaceAll(*p, `"`, `""`) + `"`
		}
	}
	return schema + "." + name
}

type postgresTables struct{ *postgres.Reader }

func (p postgresTables) tables(ctx context.Context) ([]oneTable, error) {
	list, err := p.Tables(ctx)
	out := make([]oneTable, 0, len(list))
	for _, t := range list {
		one := oneTable{name: tableName(t.Schema, t.Name), bytes: t.Bytes, read: func(ctx context.Context, pages int, seed uint64, sink format.Sink) (tableRead, error) {
			got, err := p.Table(ctx, t, pages, seed, sink)
			return tableRead{rows: got.Rows, bytes: got.Bytes, draws: got.Pages}, err
		}}
		if t.Filtered {
			one.hidden = "row-level security hides rows of it from this user, and does not say how many (hint: a user with BYPASSRLS)"
		}
		out = append(out, one)
	}
	return out, err
}

type mysqlTables struct{ *mysql.Reader }

func (m mysqlTables) tables(ctx context.Context) ([]oneTable, error) {
	list, err := m.Tables(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]oneTable, 0, len(list))
	for _, t := range list {
		out = append(out, oneTable{name: tableName(t.Schema, t.Name), bytes: t.Bytes, read: func(ctx context.Context, pages int, seed uint64, sink format.Sink) (tableRead, error) {
			got, err := m.Table(ctx, t, pages, seed, sink)
			return tableRead{rows: got.Rows, bytes: got.Bytes, draws: got.Draws, problems: shortfalls(got)}, err
		}})
	}
	schemas, err := m.Schemas(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range schemas {
		why, err := m.Hidden(ctx, s)
		if err != nil {
			return nil, err
		}
		if why != "" {
			out = append(out, oneTable{name: tableName(s, "*"), hidden: why})
		}
	}
	return out, nil
}

// shortfalls says what of a table was not looked into.
func shortfalls(got mysql.Read) (out []string) {
	if got.Withheld {
		out = append(out, "the user may not read all columns, and those that it may not are not listed (hint: GRANT SELECT ON the whole table, for the time of the scan)")
	}
	say := func(counts map[string]int64, format string) {
		for _, name := range slices.Sorted(maps.Keys(counts)) {
			out = append(out, fmt.Sprintf(format, name, counts[name]))
		}
	}
	say(got.Cut, "of column %s %d values are so long that only their first million characters were read")
	say(got.Opaque, "column %s holds %d values that are no text (images, documents, archives), which were not looked into")
	return out
}

// tableStore is a database as the data step wants it.
type tableStore struct {
	r      tableReader
	listed map[string]oneTable // by key
}

// Others implements data.Member.
func (t tableStore) Others(ctx context.Context) ([]string, error) { return t.r.Others(ctx) }

// URI implements data.Store.
func (t tableStore) URI() string { return t.r.URI() }

// Close implements DataStore.
func (t tableStore) Close() { t.r.Close() }

// List implements data.Store.
func (t tableStore) List(ctx context.Context, visit func(data.Item) error) error {
	tables, err := t.r.tables(ctx)
	if err != nil {
		return err
	}
	for _, table := range tables {
		key := table.name + ".table"
		t.listed[key] = table
		// A table without a page may hold rows that were never written out.
		if err := visit(data.Item{Key: key, Size: max(table.bytes, 1), Paged: true}); err != nil {
			return err
		}
	}
	return nil
}

// pagesEach is how many pages a drawn place stands for: rows are short, and pages
// hold a hundred.
const pagesEach = 1

// Examine implements data.Store. Rows of one page count as one draw.
func (t tableStore) Examine(ctx context.Context, s *scan.Scanner, i data.Item, _ string, places []int64) (data.Reading, error) {
	table, ok := t.listed[i.Key]
	if !ok {
		table = oneTable{name: strings.TrimSuffix(i.Key, ".table"), hidden: "it was not listed"}
	}
	var got tableRead
	base, _, _ := strings.Cut(t.URI(), "?")
	r, err := s.Records(base+"/"+table.name, i.Size, len(places) > 0, func(sink format.Sink) (format.Report, error) {
		var failed error
		if table.read != nil {
			got, failed = table.read(ctx, len(places)*pagesEach, seedOf(table.name, places), sink)
		}
		rep := format.Report{Format: "table", Bytes: max(got.bytes, 1), Rows: got.rows, Problems: got.problems}
		if failed != nil && ctx.Err() == nil {
			rep.Problems = append(rep.Problems, failed.Error())
		}
		if table.hidden != "" {
			rep.Problems = append(rep.Problems, table.hidden)
		}
		return rep, ctx.Err()
	})
	r.Examined.Bytes = got.bytes
	return data.Reading{Result: r, Draws: min(got.draws, len(places))}, err
}
