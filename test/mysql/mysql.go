// Package mysql runs a real MariaDB or MySQL server for tests, in a temporary folder: the
// one on the PATH, else what make setup unpacked. Without one a test fails, or says that it
// was not run where make setup found that there is none to be had.
package mysql

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"
)

// Password is that of every user that the package makes.
const Password = "correct-horse-staple"

// Server is a server of the test binary's own.
type Server struct {
	// Addr is HOST:PORT, Socket its Unix socket, Authority the file of the certificate
	// that signed the server's, which is of localhost.
	Addr, Socket, Authority string

	dir  string
	port int
	cmd  *exec.Cmd
	done chan error
}

var (
	once    sync.Once
	shared  *Server
	failure error
	names   atomic.Int64
)

// Start returns the server, started on first use. The binary's TestMain calls Stop when
// all tests have run.
func Start(t testing.TB) *Server {
	t.Helper()
	if _, _, _, err := find(); err != nil {
		if why, missing := os.ReadFile(filepath.Join(unpacked(), "missing")); missing == nil {
			t.Skip("NOT RUN on MySQL: " + string(why))
		}
		t.Fatal(err)
	}
	once.Do(func() {
		s := &Server{}
		if failure = s.start(); failure != nil {
			s.stop()
			return
		}
		shared = s
	})
	if failure != nil {
		t.Fatal(failure)
	}
	return shared
}

// Stop ends the server if it runs. It cannot be started again.
func Stop() {
	if shared != nil {
		shared.stop()
	}
}

// Name is a name for a database that no other test of the binary has.
func Name() string { return fmt.Sprintf("s%d", names.Add(1)) }

// Do runs statements as the server's administrator.
func (s *Server) Do(t testing.TB, statements ...string) {
	t.Helper()
	db, err := s.open()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, q := range statements {
		if _, err := db.Exec(q); err != nil {
			t.Fatalf("%.80s: %v", q, err)
		}
	}
}

func (s *Server) open() (*sql.DB, error) {
	cfg := driver.NewConfig()
	cfg.User, cfg.Passwd, cfg.Net, cfg.Addr = "admin", Password, "unix", s.Socket
	c, err := driver.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(c), nil
}

func (s *Server) start() error {
	bin, share, env, err := find()
	if err != nil {
		return err
	}
	// Short: the path of a Unix socket may have no more than 107 bytes.
	if s.dir, err = os.MkdirTemp("", "my"); err != nil {
		return err
	}
	if err := s.certify(); err != nil {
		return err
	}
	data := filepath.Join(s.dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	common := []string{"--no-defaults", "--datadir=" + data}
	if os.Geteuid() == 0 {
		common = append(common, "--user=root")
	}
	if share != "" {
		common = append(common, "--lc-messages-dir="+share, "--character-sets-dir="+share+"/charsets")
	}
	if err := s.fill(bin, share, env, common); err != nil {
		return err
	}
	init := filepath.Join(s.dir, "init.sql")
	if err := os.WriteFile(init, []byte("CREATE USER 'admin'@'localhost' IDENTIFIED BY '"+Password+"';\nGRANT ALL ON *.* TO 'admin'@'localhost' WITH GRANT OPTION;\n"), 0o600); err != nil {
		return err
	}
	// A port that is free now may be taken before the server has it: it is tried again.
	for range 5 {
		if err = s.serve(bin, env, append(common, "--init-file="+init)); err == nil {
			return nil
		}
	}
	return err
}

// unpacked is the folder into which make setup brings a server, or word of why it has none.
func unpacked() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "server")
}

// find is the server's program, the folder of its messages and system tables, and what
// its environment needs.
func find() (bin, share string, env []string, err error) {
	for _, name := range []string{"mariadbd", "mysqld"} {
		if p, err := exec.LookPath(name); err == nil {
			return p, sharedBy("/usr/share"), os.Environ(), nil
		}
	}
	root := unpacked()
	for _, name := range []string{"usr/sbin/mariadbd", "usr/bin/mariadbd"} {
		p := filepath.Join(root, name)
		if _, err := os.Stat(p); err != nil {
			continue
		}
		libs, _ := filepath.Glob(filepath.Join(root, "usr/lib/*-linux-gnu"))
		return p, sharedBy(filepath.Join(root, "usr/share")), append(os.Environ(), "LD_LIBRARY_PATH="+strings.Join(libs, ":")), nil
	}
	return "", "", nil, fmt.Errorf("no MariaDB or MySQL server on the PATH or in test/mysql/server (make setup brings one)")
}

func sharedBy(dir string) string {
	for _, name := range []string{"mariadb", "mysql"} {
		if _, err := os.Stat(filepath.Join(dir, name, "charsets")); err == nil {
			return filepath.Join(dir, name)
		}
	}
	return ""
}

// fill makes the server's own tables.
func (s *Server) fill(bin, share string, env, common []string) error {
	said, _ := run(bin, env, nil, "--version")
	if !strings.Contains(said, "MariaDB") {
		out, err := run(bin, env, nil, append(common, "--initialize-insecure")...)
		if err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		return nil
	}
	in := bytes.NewBufferString("CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL, @skip_auth_anonymous=1;\n")
	for _, name := range []string{"system_tables.sql", "system_tables_data.sql"} {
		text, err := os.ReadFile(filepath.Join(share, "mysql_"+name))
		if err != nil {
			if text, err = os.ReadFile(filepath.Join(share, "mariadb_"+name)); err != nil {
				return err
			}
		}
		in.Write(text)
		in.WriteByte('\n')
	}
	if out, err := run(bin, env, in, append(common, "--bootstrap")...); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

func run(bin string, env []string, in *bytes.Buffer, args ...string) (string, error) {
	cmd := exec.Command(bin, args...)
	cmd.Env = env
	if in != nil {
		cmd.Stdin = in
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (s *Server) serve(bin string, env, args []string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	l.Close()
	s.Addr, s.Socket = fmt.Sprintf("localhost:%d", s.port), filepath.Join(s.dir, "sock")
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	s.cmd = exec.Command(bin, append(args, "--bind-address=127.0.0.1", fmt.Sprintf("--port=%d", s.port), "--socket="+s.Socket, "--pid-file="+filepath.Join(s.dir, "pid"),
		"--ssl-ca="+s.Authority, "--ssl-cert="+filepath.Join(s.dir, "cert.pem"), "--ssl-key="+filepath.Join(s.dir, "key.pem"), "--innodb-flush-log-at-trx-commit=0")...)
	s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr = env, log, log
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.done = make(chan error, 1)
	go func() { s.done <- s.cmd.Wait() }()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		select {
		case err := <-s.done:
			s.cmd = nil
			text, _ := os.ReadFile(log.Name())
			return fmt.Errorf("%s ended: %v\n%s", filepath.Base(bin), err, text)
		default:
		}
		db, err := s.open()
		if err != nil {
			return err
		}
		err = db.Ping()
		db.Close()
		if err == nil {
			return nil
		}
	}
	text, _ := os.ReadFile(log.Name())
	s.end()
	return fmt.Errorf("%s does not answer within a minute\n%s", filepath.Base(bin), text)
}

// certify makes an authority, and a certificate of localhost that it signs.
func (s *Server) certify() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	from, until := time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "tests"}, NotBefore: from, NotAfter: until, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	caRaw, err := x509.CreateCertificate(rand.Reader, ca, ca, &key.PublicKey, key)
	if err != nil {
		return err
	}
	own := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"}, NotBefore: from, NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature}
	ownRaw, err := x509.CreateCertificate(rand.Reader, own, ca, &key.PublicKey, key)
	if err != nil {
		return err
	}
	keyRaw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	s.Authority = filepath.Join(s.dir, "ca.pem")
	for name, block := range map[string]*pem.Block{
		"ca.pem": {Type: "CERTIFICATE", Bytes: caRaw}, "cert.pem": {Type: "CERTIFICATE", Bytes: ownRaw}, "key.pem": {Type: "PRIVATE KEY", Bytes: keyRaw},
	} {
		if err := os.WriteFile(filepath.Join(s.dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) end() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		<-s.done
		s.cmd = nil
	}
}

func (s *Server) stop() {
	s.end()
	if s.dir != "" {
		os.RemoveAll(s.dir)
	}
}
