// Package postgres runs a real PostgreSQL for tests, on a Unix socket in a
// temporary folder: the one on the PATH, else the machine's newest. Without one
// a test fails, unless SEVENFOLD_TEST_NO_POSTGRES is 1: then it says that it
// was not run.
package postgres

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// noPostgres is the variable that leaves PostgreSQL out.
const noPostgres = "SEVENFOLD_TEST_NO_POSTGRES"

// server is a PostgreSQL of the test binary's own.
type server struct {
	once sync.Once
	dir  string
	bin  string
	err  error
}

var (
	shared  server
	schemas atomic.Int64
)

// URL returns the URL of a fresh schema, on a server started on first use. The
// binary's TestMain calls Stop when all tests have run.
func URL(t testing.TB) string {
	t.Helper()
	if os.Getenv(noPostgres) == "1" {
		t.Skip("NOT RUN on PostgreSQL: " + noPostgres + "=1")
	}
	shared.once.Do(func() { shared.err = shared.start() })
	if shared.err != nil {
		t.Fatalf("%v\nset %s=1 to run on SQLite only", shared.err, noPostgres)
	}
	return fmt.Sprintf("postgres://postgres@/postgres?host=%s&port=5432&search_path=s%d", shared.dir, schemas.Add(1))
}

// Stop ends the server if it runs. It cannot be started again.
func Stop() { shared.stop() }

func (s *server) start() error {
	var err error
	if s.bin, err = findPostgres(); err != nil {
		return err
	}
	// Short: the path of a Unix socket may have no more than 107 bytes.
	if s.dir, err = os.MkdirTemp("", "pg"); err != nil {
		return err
	}
	if os.Geteuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			return fmt.Errorf("PostgreSQL does not run as root, and there is no user postgres: %w", err)
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		if err := os.Chown(s.dir, uid, gid); err != nil {
			return err
		}
	}
	if err := s.run("initdb", "-D", s.dir+"/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"); err != nil {
		return err
	}
	return s.run("pg_ctl", "-D", s.dir+"/data", "-w", "-s", "-l", s.dir+"/log", "-o",
		fmt.Sprintf("-p 5432 -c listen_addresses= -k %s -c fsync=off -c max_connections=50", s.dir), "start")
}

func findPostgres() (string, error) {
	if p, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(p), nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return "", fmt.Errorf("no PostgreSQL on the PATH or in /usr/lib/postgresql (make setup brings one)")
	}
	return filepath.Dir(found[len(found)-1]), nil
}

// run runs one of the server's programs as a user that is not root.
func (s *server) run(name string, args ...string) error {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	if os.Geteuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			return err
		}
		uid, _ := strconv.ParseUint(u.Uid, 10, 32)
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
		cmd.Dir = s.dir
	}
	// The server inherits its output: a pipe would keep Run waiting for it.
	out, err := os.CreateTemp("", "pgout")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(out.Name())
		log, _ := os.ReadFile(s.dir + "/log")
		return fmt.Errorf("%s: %w\n%s\n%s", name, err, bytes.TrimSpace(text), bytes.TrimSpace(log))
	}
	return nil
}

func (s *server) stop() {
	if s.dir == "" {
		return
	}
	if err := s.run("pg_ctl", "-D", s.dir+"/data", "-m", "immediate", "-s", "stop"); err != nil && !strings.Contains(err.Error(), "no server running") {
		fmt.Fprintln(os.Stderr, err)
	}
	os.RemoveAll(s.dir)
}
