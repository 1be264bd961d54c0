package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/test/postgres"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// childSaves is what this test binary does when TestKilledWhileSaving starts
// it: it stores one snapshot after the other until it is killed.
func childSaves(state string) {
	st, err := Open(context.Background(), state)
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	first := 0
	if list, err := st.List(context.Background()); err == nil {
		first = len(list)
	}
	for i := first; ; i++ {
		b := fleet{n: 4000, changed: 0.3, version: i}.builder(noon.Add(time.Duration(i) * time.Hour))
		s, err := b.Build()
		if err == nil {
			err = st.Save(context.Background(), s)
		}
		if err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		fmt.Println(s.Hash())
	}
}

// A process that dies while saving leaves every snapshot that it was told is
// stored, and no half of another.
func TestKilledWhileSaving(t *testing.T) {
	onEach(t, func(t *testing.T, state string) {
		acknowledged := 0
		for round := range 4 {
			var out strings.Builder
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), "STORE_TEST_CHILD="+state)
			cmd.Stdout, cmd.Stderr = &out, os.Stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			// The delay only picks where in the work the blow falls.
			timer := time.AfterFunc(time.Duration(300+rand.IntN(500)*(round+1))*time.Millisecond, func() { _ = cmd.Process.Kill() })
			_ = cmd.Wait()
			timer.Stop()
			if strings.Contains(out.String(), "error:") {
				t.Fatal(out.String())
			}
			lines := strings.Fields(out.String())
			acknowledged += len(lines)
			checkAll(t, state, acknowledged, lines)
		}
		if acknowledged == 0 {
			t.Log("no snapshot was finished before the blow")
		}
	})
}

// checkAll reads everything back.
func checkAll(t *testing.T, state string, atLeast int, hashes []string) {
	t.Helper()
	ctx := context.Background()
	st := open(t, state)
	defer st.Close()
	list, err := st.List(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < atLeast {
		t.Fatalf("%d snapshots of %d acknowledged", len(list), atLeast)
	}
	for _, h := range hashes {
		s, err := st.Load(ctx, h)
		if err != nil {
			t.Fatal(err)
		}
		if err := st.Each(ctx, s, func(estate.Node, *estate.Asset, json.RawMessage) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
}

// fill opens a SQLite state and stores one snapshot in it.
func fill(t *testing.T) (dir string, s *estate.Snapshot) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "state")
	st := open(t, dir)
	s = fleet{n: 2000}.snapshot(t, noon)
	if err := st.Save(context.Background(), s); err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, s
}

func TestFullDiskKeepsWhatWasStored(t *testing.T) {
	dir, s := fill(t)
	st := open(t, dir)
	limit(t, st.(*keeper).db.(*sqliteEngine))
	err := st.Save(context.Background(), fleet{n: 30_000, changed: 1, version: 9}.snapshot(t, noon.Add(time.Hour)))
	var full *FullError
	if !errors.As(err, &full) || !strings.Contains(err.Error(), "no space to write state "+dir) || !strings.Contains(err.Error(), "what was stored before is kept") {
		t.Fatalf("saving on a full disk: %v", err)
	}
	got, err := st.Latest(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	same(t, s, got)
}

// limit lets no connection of the pool make the file larger than it is by more
// than a few pages: the disk is full.
func limit(t *testing.T, e *sqliteEngine) {
	t.Helper()
	var conns []*sqlite.Conn
	for range 4 {
		conn, err := e.pool.Take(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
		if err := sqlitex.ExecuteTransient(conn, "PRAGMA max_page_count = 1", nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range conns {
		e.pool.Put(c)
	}
}

func script(t *testing.T, dir, sql string) {
	t.Helper()
	conn, err := sqlite.OpenConn(filepath.Join(dir, "sevenfold.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := sqlitex.ExecuteScript(conn, sql, nil); err != nil {
		t.Fatal(err)
	}
}

func TestDamageIsNamed(t *testing.T) {
	const spoil = "SET data = CAST(substr(data, 1, length(data) / 2) || x'00ff' || substr(data, length(data) / 2 + 3) AS BLOB)"
	tests := []struct{ name, sql, want string }{
		{"pack", "UPDATE body " + spoil + " WHERE id IN (SELECT ref >> 16 FROM place)", "body 1 in state"},
		{"everything", "UPDATE body " + spoil, "body "},
		{"swapped", "UPDATE body SET data = (SELECT data FROM body WHERE id = 2) WHERE id = 1", "body 1 in state"},
		{"gone", "PRAGMA foreign_keys = off; DELETE FROM body WHERE id IN (SELECT ref >> 16 FROM place)", "body "},
		{"manifest", "UPDATE snapshot SET manifest = substr(manifest, 1, 40)", "the manifest of the latest snapshot in state"},
		{"empty_manifest", "UPDATE snapshot SET manifest = x''", "the manifest of the latest snapshot in state"},
		{"sources", "UPDATE snapshot SET sources = '{'", "the list of sources of the latest snapshot in state"},
		{"count", "UPDATE snapshot SET assets = assets + 1", "2001 assets stored, 2000 found"},
		{"relations", "UPDATE snapshot SET relations = relations - 1", "relations stored"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, _ := fill(t)
			script(t, dir, tt.sql+";")
			st := open(t, dir)
			s, err := st.Latest(context.Background())
			if err == nil {
				err = st.Each(context.Background(), s, func(estate.Node, *estate.Asset, json.RawMessage) error { return nil })
				if _, single := s.Config(0); single == nil && err != nil && tt.name != "everything" && tt.name != "gone" {
					t.Errorf("reading one configuration finds nothing wrong")
				}
			}
			var damaged *DamagedError
			if !errors.As(err, &damaged) || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// What is damaged is not used again: the next snapshot can be read, whatever was
// done to what it has in common with the last one, and bodies that are written
// anew make the last one whole too.
func TestTheNextSnapshotHealsDamage(t *testing.T) {
	const spoil = "SET data = CAST(substr(data, 1, length(data) / 2) || x'00ff' || substr(data, length(data) / 2 + 3) AS BLOB)"
	tests := []struct {
		name, sql string
		changed   float64 // of the estate, between the snapshots
		lastToo   bool
	}{
		{"packs", "UPDATE body " + spoil + " WHERE id IN (SELECT ref >> 16 FROM place)", 0, true},
		{"one_pack_and_changes", "UPDATE body " + spoil + " WHERE id = 1", 0.3, false},
		{"everything", "UPDATE body " + spoil, 0, true},
		{"swapped", "UPDATE body SET data = (SELECT data FROM body WHERE id = 2) WHERE id = 1", 0.01, false},
		{"gone", "PRAGMA foreign_keys = off; DELETE FROM body WHERE id IN (SELECT ref >> 16 FROM place)", 0.01, false},
		{"misplaced", "UPDATE place SET ref = (SELECT max(ref) FROM place)", 0.01, true},
		{"nothing", "", 0.01, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ctx := context.Background()
			dir, last := fill(t)
			if tt.sql != "" {
				script(t, dir, tt.sql+";")
			}
			st := open(t, dir)
			next := fleet{n: 2000, changed: tt.changed, version: 1}.snapshot(t, noon.Add(time.Hour))
			if err := st.Save(ctx, next); err != nil {
				t.Fatal(err)
			}
			got, err := st.Latest(ctx)
			if err != nil {
				t.Fatal(err)
			}
			same(t, next, got)
			old, err := st.AsOf(ctx, noon)
			if err == nil {
				_, err = old.Recheck(ctx)
			}
			if tt.lastToo && err != nil {
				t.Errorf("the last snapshot cannot be read: %v", err)
			}
			if !tt.lastToo && err == nil {
				t.Error("the last snapshot reads as if nothing had been done to it")
			}
			if tt.lastToo {
				same(t, last, old)
			}
		})
	}
}

func TestADamagedBlobIsNamed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	st := open(t, dir)
	if _, err := st.PutBlob(context.Background(), "detect", "model", []byte("learnt")); err != nil {
		t.Fatal(err)
	}
	script(t, dir, "UPDATE blob SET data = x'28b52ffd00';")
	_, _, err := st.Blob(context.Background(), "detect", "model", 0)
	if err == nil || !strings.Contains(err.Error(), "model of detect, version 1, in state") {
		t.Errorf("got %v", err)
	}
}

func TestNotADatabase(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "sevenfold.db"), []byte(strings.Repeat("no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(context.Background(), dir)
	var damaged *DamagedError
	if !errors.As(err, &damaged) {
		t.Errorf("got %v", err)
	}
}

func TestANewerStateIsRefused(t *testing.T) {
	check := func(t *testing.T, state string) {
		_, err := Open(context.Background(), state)
		var newer *NewerError
		if !errors.As(err, &newer) || newer.Has != 99 || !strings.Contains(err.Error(), "upgrade sevenfold") {
			t.Errorf("got %v", err)
		}
	}
	t.Run("sqlite", func(t *testing.T) {
		dir, _ := fill(t)
		script(t, dir, "PRAGMA user_version = 99;")
		check(t, dir)
	})
	t.Run("postgres", func(t *testing.T) {
		state := postgres.URL(t)
		if err := open(t, state).Close(); err != nil {
			t.Fatal(err)
		}
		conn, err := pgx.Connect(context.Background(), state)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		if _, err := conn.Exec(context.Background(), "UPDATE schema_version SET version = 99"); err != nil {
			t.Fatal(err)
		}
		check(t, state)
	})
}

func TestTheStateIsItsOwnersOnly(t *testing.T) {
	dir, _ := fill(t)
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, "sevenfold.db"): 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s: %o, want %o", path, info.Mode().Perm(), want)
		}
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]string{
		"mysql://u:secret@h/db":                             "no store for mysql://",
		file:                                                "state folder " + file,
		"postgres://u:secret@127.0.0.1:1/db":                "cannot be reached",
		"postgres://u:secret@h:notaport/db":                 "is not a PostgreSQL URL",
		"postgres://u:secret@h/db?sslmode=nonsense":         "is not a PostgreSQL URL",
		"postgres://u:secret@/db?host=/nowhere/at/all&x=%z": "state postgres",
	}
	for state, want := range tests {
		_, err := Open(context.Background(), state)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", state, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the password is shown: %v", err)
		}
	}
}

// Whoever dies while holding the lock holds it no longer.
func TestALockEndsWithItsHolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	st := open(t, dir)
	if err := os.WriteFile(filepath.Join(dir, "lock.json"), []byte(`{"pid":1,"host":"gone"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	release, err := st.Lock(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if err := release(); err != nil {
		t.Error(err)
	}
}
