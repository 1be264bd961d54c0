package format

import (
	"io"
	"os"
	"strconv"
	"strings"

	"zombiezen.com/go/sqlite"
)

// maxDatabase is the largest SQLite file that is copied aside to be read.
const maxDatabase = 2 << 30

// sqlite reads the tables of a database file. The engine wants a file of its
// own: it gets a copy, readable by nobody else and removed at the end. Views,
// triggers and virtual tables of the file are not touched, since they are
// programs of whoever made it.
func (r *reader) sqlite(src io.ReaderAt, size int64) error {
	if size > maxDatabase {
		return problem("the database is larger than %d GiB", maxDatabase>>30)
	}
	f, err := os.CreateTemp("", "scan-*.db")
	if err != nil {
		return problem("the database could not be copied aside to be read")
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = io.Copy(f, io.NewSectionReader(src, 0, size))
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return r.damaged("the database", err)
	}
	db, err := sqlite.OpenConn("file:"+f.Name()+"?immutable=1&mode=ro", sqlite.OpenReadOnly|sqlite.OpenURI)
	if err != nil {
		return problem("the database is damaged")
	}
	defer db.Close()
	db.SetInterrupt(r.ctx.Done())
	tables, err := tablesOf(db)
	if err != nil {
		return problem("the database is damaged")
	}
	for _, t := range tables {
		if err := r.note(r.damaged("a table of the database", r.rows(db, t))); err != nil {
			return err
		}
	}
	return r.ctx.Err()
}

// tablesOf lists the tables that hold rows of their own.
func tablesOf(db *sqlite.Conn) ([]string, error) {
	for _, p := range []string{"PRAGMA trusted_schema=off", "PRAGMA query_only=on"} {
		s, _, err := db.PrepareTransient(p)
		if err != nil {
			return nil, err
		}
		_, err = s.Step()
		_ = s.Finalize()
		if err != nil {
			return nil, err
		}
	}
	s, _, err := db.PrepareTransient("SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.Finalize() }()
	var names []string
	for {
		more, err := s.Step()
		if err != nil {
			return nil, err
		}
		if !more {
			return names, nil
		}
		if !strings.HasPrefix(strings.ToUpper(s.ColumnText(1)), "CREATE VIRTUAL") {
			names = append(names, s.ColumnText(0))
		}
	}
}

func (r *reader) rows(db *sqlite.Conn, table string) error {
	s, _, err := db.PrepareTransient(`SELECT * FROM "` + strings.ReplaceAll(table, `"`, `""`) + `"`)
	if err != nil {
		return err
	}
	defer func() { _ = s.Finalize() }()
	names := make([]string, s.ColumnCount())
	for i := range names {
		names[i] = table + "." + s.ColumnName(i)
	}
	buf := make([]byte, 4096)
	for {
		more, err := s.Step()
		if err != nil || !more {
			return err
		}
		for i, name := range names {
			var v []byte
			switch s.ColumnType(i) {
			case sqlite.TypeText, sqlite.TypeBlob:
				if n := min(s.ColumnLen(i), maxCell); n > len(buf) {
					buf = make([]byte, n)
				}
				v = buf[:s.ColumnBytes(i, buf)]
			case sqlite.TypeInteger:
				v = strconv.AppendInt(buf[:0], s.ColumnInt64(i), 10)
			case sqlite.TypeFloat:
				if v = formOfFractions(name).real(buf[:0], s.ColumnFloat(i)); len(v) == 0 {
					continue
				}
			default:
				continue
			}
			if err := r.value(name, v); err != nil {
				return err
			}
		}
		if err := r.row(); err != nil {
			return err
		}
	}
}
