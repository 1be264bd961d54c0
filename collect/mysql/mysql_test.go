package mysql_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/mysql"
	server "github.com/sevenfold-sec/sevenfold/test/mysql"
)

func TestMain(m *testing.M) {
	code := m.Run()
	server.Stop()
	os.Exit(code)
}

// cells keeps what a table gave.
type cells struct {
	values map[string][]string
	rows   int
}

func (c *cells) Value(column string, v []byte) error {
	if c.values == nil {
		c.values = map[string][]string{}
	}
	c.values[column] = append(c.values[column], string(v))
	return nil
}

func (c *cells) Row() { c.rows++ }

// address is that of a database for a user made for it with the rights given.
func address(t *testing.T, s *server.Server, database string, rights ...string) string {
	t.Helper()
	user := "u" + server.Name()
	s.Do(t, "CREATE USER "+user+"@localhost IDENTIFIED BY '"+server.Password+"'")
	for _, r := range rights {
		s.Do(t, "GRANT "+r+" TO "+user+"@localhost")
	}
	t.Setenv("MYSQL_PWD", server.Password)
	return "mysql://" + user + "@" + s.Addr + "/" + database + "?ssl-mode=VERIFY_IDENTITY&ssl-ca=" + url.QueryEscape(s.Authority)
}

func open(t *testing.T, uri string) *mysql.Reader {
	t.Helper()
	r, err := mysql.Open(context.Background(), uri)
	if err != nil {
		t.Fatal(err, errors.Unwrap(err))
	}
	t.Cleanup(r.Close)
	return r
}

// table is the table of a name.
func table(t *testing.T, r *mysql.Reader, name string) mysql.Table {
	t.Helper()
	list, err := r.Tables(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(t mysql.Table) bool { return t.Name == name })
	if i < 0 {
		t.Fatalf("no table %s in %v", name, list)
	}
	return list[i]
}

// TestValues reads values of every sort as a person would write them.
func TestValues(t *testing.T) {
	s := server.Start(t)
	db := server.Name()
	s.Do(t, "CREATE DATABASE "+db+" CHARACTER SET latin1",
		"CREATE TABLE "+db+".`odd ``name` (id INT PRIMARY KEY, `na``me` VARCHAR(60) CHARACTER SET latin1, card DOUBLE, ratio FLOAT, born DATETIME, day DATE, at TIME, acct BIGINT(12) ZEROFILL, big BIGINT UNSIGNED, note JSON, doc LONGTEXT, pic BLOB, small BINARY(16), spot POINT, yes BIT, kind ENUM('a','b'), hidden VARCHAR(20) INVISIBLE)",
		"INSERT INTO "+db+".`odd ``name` (id, `na``me`, card, ratio, born, day, at, acct, big, note, doc, pic, small, spot, yes, kind, hidden) VALUES (1, _utf8mb4'Zoë', 4111111111111111, 0.25, '1980-02-03 00:00:00', '1981-01-01', '10:00', 12345678, 18446744073709551615, '{\"a\":\"b\"}', REPEAT('x', 1100000), CONCAT(REPEAT(CHAR(0), 100)), UNHEX('00ff00ff00ff00ff00ff00ff00ff00ff'), POINT(1,2), 1, 'b', 'unseen'), (2, NULL, 2.5, NULL, '1980-02-03 01:02:03', NULL, NULL, NULL, NULL, NULL, 'short', 'text', NULL, NULL, NULL, NULL, NULL)")
	r := open(t, address(t, s, db, "SELECT ON "+db+".*"))
	c := &cells{}
	got, err := r.Table(context.Background(), table(t, r, "odd `name"), 0, 0, c)
	if err != nil {
		t.Fatal(err, errors.Unwrap(err))
	}
	for column, want := range map[string][]string{
		"id": {"1", "2"}, "na`me": {"Zoë"}, "card": {"4111111111111111"}, "ratio": nil, "born": {"1980-02-03", "1980-02-03 01:02:03"}, "day": {"1981-01-01"}, "at": nil, "acct": {"000012345678"},
		"big": {"18446744073709551615"}, "note": {`{"a":"b"}`}, "pic": {"text"}, "spot": nil, "yes": nil, "kind": {"b"}, "hidden": {"unseen"},
	} {
		if !slices.Equal(c.values[column], want) {
			t.Errorf("%s: %q, want %q", column, c.values[column], want)
		}
	}
	if n := len(c.values["doc"][0]); n != 1<<20 || got.Cut["doc"] != 1 || len(got.Cut) != 1 {
		t.Errorf("a long text: %d characters read, cut %v", n, got.Cut)
	}
	if got.Opaque["pic"] != 1 || len(got.Opaque) != 1 || got.Rows != 2 || c.rows != 2 || got.Withheld || got.Draws != 0 {
		t.Errorf("%+v", got)
	}
}

// TestDrawn draws rows by a key, and by chance where the key tells nothing: about as many as
// asked for, the same by the same seed, others by another.
func TestDrawn(t *testing.T) {
	s := server.Start(t)
	db := server.Name()
	const rows = 60_000
	numbers := fmt.Sprintf("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < %d) SELECT ", rows)
	pad := "RPAD(i, 60, '.')"
	s.Do(t, "CREATE DATABASE "+db,
		"CREATE TABLE "+db+".dense (id INT PRIMARY KEY, note VARCHAR(80))", "CREATE TABLE "+db+".edge (id BIGINT PRIMARY KEY, note VARCHAR(80))", "CREATE TABLE "+db+".gaps (id BIGINT PRIMARY KEY, note VARCHAR(80))",
		"CREATE TABLE "+db+".keyless (note VARCHAR(80))", "CREATE TABLE "+db+".words (id CHAR(20) PRIMARY KEY, note VARCHAR(80))", "CREATE TABLE "+db+".pair (a INT, b INT, note VARCHAR(80), PRIMARY KEY (a, b))",
		"CREATE TABLE "+db+".former (id INT PRIMARY KEY, note VARCHAR(80)) WITH SYSTEM VERSIONING")
	for name, ask := range map[string]string{
		"dense": "i, " + pad, "edge": fmt.Sprintf("%d - %d + i, %s", int64(math.MaxInt64), rows, pad), "gaps": "IF(i = 1, -9000000000000000000, i * 100000000000000), " + pad,
		"keyless": pad, "words": "MD5(i) , " + pad, "pair": "i % 7, i, " + pad, "former": "i, " + pad,
	} {
		if name == "words" {
			ask = "LEFT(MD5(i), 20), " + pad
		}
		s.Do(t, "SET max_recursive_iterations = 100000", "INSERT INTO "+db+"."+name+" "+numbers+ask+" FROM n", "ANALYZE TABLE "+db+"."+name)
	}
	s.Do(t, "UPDATE "+db+".former SET note = 'later' WHERE id <= 30000", "ANALYZE TABLE "+db+".former")
	r := open(t, address(t, s, db, "SELECT ON "+db+".*"))
	ctx := context.Background()
	for _, name := range []string{"dense", "edge", "gaps", "keyless", "words", "pair", "former"} {
		at := table(t, r, name)
		all := &cells{}
		got, err := r.Table(ctx, at, 0, 0, all)
		want := rows
		if name == "former" {
			want = rows + 30_000
		}
		if err != nil || all.rows != want || got.Rows != int64(want) {
			t.Fatalf("%s: %d rows, %+v, %v", name, all.rows, got, err)
		}
		const pages = 40
		one, two, other := &cells{}, &cells{}, &cells{}
		first, err := r.Table(ctx, at, pages, 7, one)
		if err != nil {
			t.Fatal(name, err, errors.Unwrap(err))
		}
		if _, err := r.Table(ctx, at, pages, 7, two); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Table(ctx, at, pages, 8, other); err != nil {
			t.Fatal(err)
		}
		share := float64(pages) * 8192 / float64(at.Bytes)
		if n := float64(first.Rows); n < share*float64(want)/3 || n > 3*share*float64(want) || first.Draws < pages {
			t.Errorf("%s: %d rows of %d in %d draws, where %.0f were to be read", name, first.Rows, want, first.Draws, share*float64(want))
		}
		if !slices.Equal(one.values["note"], two.values["note"]) || slices.Equal(one.values["note"], other.values["note"]) {
			t.Errorf("%s: the seed does not decide what is drawn", name)
		}
		// From the whole of the table, not its beginning.
		if notes := slices.Sorted(slices.Values(one.values["note"])); strings.Compare(notes[len(notes)-1], "5") < 0 {
			t.Errorf("%s: the last drawn is %.8q", name, notes[len(notes)-1])
		}
	}
	if list, err := r.Tables(ctx); err != nil || len(list) != 7 {
		t.Errorf("%v %v", list, err)
	}
}

// TestHidden: a server does not list what the user may not read; that is said.
func TestHidden(t *testing.T) {
	s := server.Start(t)
	db, beside := server.Name(), server.Name()
	s.Do(t, "CREATE DATABASE "+db, "CREATE DATABASE "+beside, "CREATE TABLE "+db+".a (x INT, secret INT)", "CREATE TABLE "+db+".b (x INT)", "CREATE TABLE "+beside+".c (x INT)", "INSERT INTO "+db+".a VALUES (1, 2)",
		"CREATE ROLE r"+db, "GRANT SELECT ON "+db+".* TO r"+db)
	ctx := context.Background()
	for name, tt := range map[string]struct {
		rights   []string
		hidden   bool // tables of db
		withheld bool // columns of a
		unshown  bool // databases
		tables   int
	}{
		"whole_database": {[]string{"SELECT ON " + db + ".*"}, false, false, true, 2},
		"pattern":        {[]string{"SELECT, INSERT ON `" + db + "%`.*"}, false, false, true, 2},
		"one_table":      {[]string{"SELECT ON " + db + ".a"}, true, false, true, 1},
		"one_column":     {[]string{"SELECT (x) ON " + db + ".a"}, true, true, true, 1},
		"everything":     {[]string{"SELECT ON *.*"}, false, false, false, 2},
		"all_shown":      {[]string{"SHOW DATABASES ON *.*", "SELECT ON " + db + ".*"}, false, false, false, 2},
		"only_writes":    {[]string{"INSERT ON " + db + ".*"}, true, false, true, 2},
	} {
		r := open(t, address(t, s, db, tt.rights...))
		why, err := r.Hidden(ctx, db)
		if err != nil || (why != "") != tt.hidden {
			t.Errorf("%s: hidden %q, %v", name, why, err)
		}
		others, err := r.Others(ctx)
		if err != nil || slices.Contains(others, beside) != (name == "everything" || name == "all_shown" || name == "pattern" && strings.HasPrefix(beside, db)) || slices.ContainsFunc(others, func(o string) bool { return o[0] == '(' }) != tt.unshown || slices.Contains(others, db) {
			t.Errorf("%s: others %q, %v", name, others, err)
		}
		list, err := r.Tables(ctx)
		if err != nil || len(list) != tt.tables {
			t.Fatalf("%s: %v %v", name, list, err)
		}
		got, err := r.Table(ctx, list[0], 0, 0, &cells{})
		if name == "only_writes" {
			if err == nil || !strings.Contains(err.Error(), "lacks the right") {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || got.Withheld != tt.withheld || got.Rows != 1 {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
	// The whole server: the databases that are shown, not the server's own.
	uri := strings.Replace(address(t, s, "", "SELECT ON "+db+".*", "SELECT ON "+beside+".*"), "/?", "?", 1)
	r := open(t, uri)
	if list, err := r.Tables(ctx); err != nil || len(list) != 3 {
		t.Errorf("%v %v", list, err)
	}
	if s, err := r.Schemas(ctx); err != nil || !slices.Equal(s, []string{db, beside}) {
		t.Errorf("%v %v", s, err)
	}
}

// TestReadOnly: nothing can be written in the session, and no lock outlives a table.
func TestReadOnly(t *testing.T) {
	s := server.Start(t)
	db := server.Name()
	s.Do(t, "CREATE DATABASE "+db, "CREATE TABLE "+db+".a (x INT)", "INSERT INTO "+db+".a VALUES (1)")
	r := open(t, address(t, s, db, "ALL ON "+db+".*"))
	ctx := context.Background()
	at := table(t, r, "a")
	if _, err := r.Table(ctx, at, 0, 0, &cells{}); err != nil {
		t.Fatal(err)
	}
	s.Do(t, "SET lock_wait_timeout = 1", "ALTER TABLE "+db+".a ADD COLUMN y INT") // it waits for whoever has read the table and not ended
	if err := mysql.Try(ctx, r, "INSERT INTO "+db+".a (x) VALUES (2)"); err == nil || !strings.Contains(err.Error(), "READ ONLY") {
		t.Errorf("writing: %v", err)
	}
	s.Do(t, "DROP TABLE "+db+".a")
	if _, err := r.Table(ctx, at, 0, 0, &cells{}); err == nil {
		t.Error("a table that is gone was read")
	}
	ended, end := context.WithCancel(ctx)
	end()
	if _, err := r.Table(ended, at, 0, 0, &cells{}); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v", err)
	}
}

// TestConnecting: what is wrong is said, without the password, and nothing goes out in clear
// unless that is said.
func TestConnecting(t *testing.T) {
	s := server.Start(t)
	t.Setenv("MYSQL_PWD", "")
	empty := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(empty, []byte("hunter2secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	user := "u" + server.Name()
	s.Do(t, "CREATE USER "+user+"@localhost IDENTIFIED BY '"+server.Password+"'")
	at := "mysql://" + user + ":" + server.Password + "@" + s.Addr
	byIP := strings.Replace(at, "localhost", "127.0.0.1", 1)
	ca := "ssl-ca=" + url.QueryEscape(s.Authority)
	for _, tt := range []struct {
		uri, why string
		address  bool
	}{
		{at, "", false}, {at + "?ssl-mode=required", "", false}, {at + "?ssl-mode=DISABLED", "", false}, {at + "?" + ca, "", false}, {byIP + "?" + ca, "", false},
		{at + "?ssl-mode=VERIFY_IDENTITY&" + ca, "", false}, {"mysql://" + user + ":" + server.Password + "@/?socket=" + url.QueryEscape(s.Socket), "", false}, {strings.Replace(at, "mysql:", "mariadb:", 1), "", false},
		{byIP + "?ssl-mode=VERIFY_IDENTITY&" + ca, "certificate", false}, {at + "?ssl-mode=VERIFY_IDENTITY", "certificate", false}, {at + "?ssl-mode=VERIFY_CA", "certificate", false},
		{"mysql://" + user + ":hunter2secret@" + s.Addr, "user or password is refused", false}, {"mysql://" + user + "@" + s.Addr, "user or password is refused", false},
		{at + "/nothing", "refused", false}, {"mysql://u:hunter2secret@127.0.0.1:1/x", "does not answer", false},
		{"mysql://u:hunter2secret@", "names no host", true}, {"mysql://u:hunter2secret@h/a/b", "one name", true}, {at + "?ssl-mode=hunter2secret", "ssl-mode", true}, {at + "?hunter2secret=1", "option", true},
		{"mysql://u:hunter2secret%zz@h/x", "no address", true}, {at + "?ssl-ca=/nowhere", "cannot be read", true}, {at + "?ssl-ca=" + url.QueryEscape(empty), "no certificate", true}, {at + "?ssl-mode=REQUIRED&" + ca, "not used", true},
	} {
		r, err := mysql.Open(context.Background(), tt.uri)
		if err == nil {
			r.Close()
		}
		if (err == nil) != (tt.why == "") || err != nil && !strings.Contains(err.Error(), tt.why) {
			t.Errorf("%s: %v", strings.ReplaceAll(tt.uri, server.Password, "…"), err)
		}
		var e *mysql.Error
		if err != nil && (!errors.As(err, &e) || e.Address != tt.address || e.Hint() == "" || strings.Contains(err.Error()+e.Hint(), "hunter2") || strings.Contains(err.Error()+e.Hint(), server.Password)) {
			t.Errorf("%s: %#v", tt.uri, err)
		}
		if name := mysql.Name(tt.uri); strings.Contains(name, "@") || strings.Contains(name, "hunter2") || strings.Contains(name, "ssl") {
			t.Errorf("the name %s", name)
		}
	}
}

// TestDamaged: whatever a server answers, at any place, is an error or an answer, never a
// panic and no waiting for ever.
func TestDamaged(t *testing.T) {
	s := server.Start(t)
	db := server.Name()
	s.Do(t, "CREATE DATABASE "+db, "CREATE TABLE "+db+".a (id INT PRIMARY KEY, x DOUBLE, y TEXT)", "INSERT INTO "+db+".a VALUES (1, 2, 'z'), (2, 3, NULL)")
	uri := address(t, s, db, "SELECT ON "+db+".*")
	user := strings.TrimPrefix(uri[:strings.Index(uri, "@")], "mysql://")
	before := mysql.Patience(200 * time.Millisecond)
	defer mysql.Patience(before)
	rng := rand.New(rand.NewPCG(1, 2))
	failed := 0
	for i := range 150 {
		at := proxy(t, s.Addr, rng.IntN(3000), i%3, rng.Uint64())
		ctx, end := context.WithTimeout(context.Background(), 300*time.Millisecond)
		r, err := mysql.Open(ctx, "mysql://"+user+":"+server.Password+"@"+at+"/"+db+"?ssl-mode=DISABLED")
		if err == nil {
			var list []mysql.Table
			list, err = r.Tables(ctx)
			for _, one := range list {
				if _, rerr := r.Table(ctx, one, 0, 0, &cells{}); rerr != nil {
					err = rerr
				}
			}
			if _, herr := r.Hidden(ctx, db); herr != nil {
				err = herr
			}
			r.Close()
		}
		if err != nil {
			failed++
		}
		end()
	}
	if failed < 50 {
		t.Errorf("only %d of 150 damaged connections failed", failed)
	}
}

// proxy passes one connection on to a server, and damages what the server says after so many
// bytes: one byte, all that follow, or by ending there.
func proxy(t *testing.T, to string, after, how int, seed uint64) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		in, err := l.Accept()
		if err != nil {
			return
		}
		defer in.Close()
		out, err := net.Dial("tcp", to)
		if err != nil {
			return
		}
		defer out.Close()
		go func() {
			_, _ = io.Copy(out, in)
			out.Close()
		}()
		rng := rand.New(rand.NewPCG(seed, 0))
		buf := make([]byte, 512)
		for passed := 0; ; {
			n, err := out.Read(buf)
			for i := range n {
				if passed+i == after || passed+i > after && how == 1 {
					buf[i] = byte(rng.Uint32())
				}
			}
			if how == 2 && passed+n > after {
				n, err = max(after-passed, 0), io.EOF
			}
			passed += n
			if _, werr := in.Write(buf[:n]); werr != nil || err != nil {
				return
			}
		}
	}()
	return l.Addr().String()
}
