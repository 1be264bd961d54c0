// Package moto runs a real moto server for tests: an AWS that is not AWS, from
// the virtual environment that make test makes. A test that needs it and does
// not find it fails; it never skips.
package moto

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// Account is the account number of everything moto makes.
const Account = "123456789012"

// Server is one running moto, on a free port of 127.0.0.1.
type Server struct {
	// URL to give as AWS_ENDPOINT_URL, without a slash at the end.
	URL string

	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
	log  *tail
}

// Start runs a moto of the test's own, with more in its environment
// ("NAME=value") if given, and stops it when the test ends.
func Start(t testing.TB, env ...string) *Server {
	t.Helper()
	s, err := start(env...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

var shared struct {
	sync.Mutex
	s *Server
}

// Shared gives one moto for the whole test binary, emptied for this test.
// Tests that use it must not run in parallel with each other. A TestMain
// should call StopShared; if it does not, the server ends with the binary.
func Shared(t testing.TB) *Server {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.s == nil {
		s, err := start()
		if err != nil {
			t.Fatal(err)
		}
		shared.s = s
	}
	shared.s.Reset(t)
	return shared.s
}

// StopShared ends the server that Shared started, if any.
func StopShared() {
	shared.Lock()
	defer shared.Unlock()
	if shared.s != nil {
		shared.s.Stop()
		shared.s = nil
	}
}

// Venv is the folder of the virtual environment: SEVENFOLD_TEST_VENV, or
// test/.venv of this repository.
func Venv() (string, error) {
	dir := os.Getenv("SEVENFOLD_TEST_VENV")
	if dir == "" {
		_, file, _, ok := runtime.Caller(0)
		if !ok {
			return "", fmt.Errorf("the repository cannot be found; set SEVENFOLD_TEST_VENV")
		}
		dir = filepath.Join(filepath.Dir(filepath.Dir(file)), ".venv")
	}
	if _, err := os.Stat(filepath.Join(dir, "bin", "moto_server")); err != nil {
		return "", fmt.Errorf("no moto in %s: run make test", dir)
	}
	return dir, nil
}

var listening = regexp.MustCompile(`Running on (http://127\.0\.0\.1:\d+)`)

// program is moto's server, which ends with the test binary however that ends:
// its standard input then closes.
const program = `
import os, sys, threading

def watch():
    sys.stdin.buffer.read()
    os._exit(0)

threading.Thread(target=watch, daemon=True).start()
if os.environ.get("SEVENFOLD_MOTO_MORE"):
    sys.path.insert(0, os.environ["SEVENFOLD_MOTO_MORE"])
    sys.dont_write_bytecode = True
    import more
from moto.server import main
main(["-H", "127.0.0.1", "-p", "0"])
`

// More in a server's environment adds the operations of more.py, which moto lacks.
func More() string {
	_, file, _, _ := runtime.Caller(0)
	return "SEVENFOLD_MOTO_MORE=" + filepath.Dir(file)
}

// start runs moto on a port the kernel chooses, which moto prints.
func start(more ...string) (*Server, error) {
	dir, err := Venv()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(filepath.Join(dir, "bin", "python"), "-c", program)
	cmd.Env = append(append(environ(), "PYTHONUNBUFFERED=1"), more...)
	if _, err := cmd.StdinPipe(); err != nil { // held open for as long as this process lives
		return nil, err
	}
	out, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start moto: %w", err)
	}
	s := &Server{cmd: cmd, done: make(chan struct{}), log: &tail{}}
	url := make(chan string, 1)
	go s.drain(out, url)
	select {
	case s.URL = <-url:
		return s, nil
	case <-s.done:
		return nil, fmt.Errorf("moto ended at once:\n%s", s.log)
	case <-time.After(5 * time.Minute):
		s.Stop()
		return nil, fmt.Errorf("moto is not ready after 5 minutes:\n%s", s.log)
	}
}

// drain reads moto's log for its address and keeps the end of it.
func (s *Server) drain(out io.Reader, url chan<- string) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		s.log.add(lines.Text())
		if m := listening.FindStringSubmatch(lines.Text()); m != nil {
			select {
			case url <- m[1]:
			default:
			}
		}
	}
	_, _ = io.Copy(io.Discard, out)
	_ = s.cmd.Wait()
	close(s.done)
}

// Stop ends the server and waits for its end.
func (s *Server) Stop() {
	_ = s.cmd.Process.Kill()
	<-s.done
}

// Reset empties the server.
func (s *Server) Reset(t testing.TB) {
	t.Helper()
	resp, err := http.Post(s.URL+"/moto-api/reset", "", nil)
	if err != nil {
		t.Fatalf("reset moto: %v\n%s", err, s.log)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("reset moto: %s\n%s", resp.Status, s.log)
	}
	http.DefaultClient.CloseIdleConnections()
}

// Env is the environment in which AWS clients talk to this server, beside
// what the process has, as "NAME=value".
func (s *Server) Env() []string { return Env(s.URL) }

// Env is the environment in which AWS clients talk to the given endpoint.
func Env(endpoint string) []string {
	return []string{
		"AWS_ENDPOINT_URL=" + endpoint, "AWS_ACCESS_KEY_ID=testing", "AWS_SECRET_ACCESS_KEY=testing-secret",
		"AWS_REGION=eu-west-1", "AWS_DEFAULT_REGION=eu-west-1", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
		// moto loads a service when it is first asked of it: on a busy machine that takes
		// longer than a cloud may be silent.
		"SEVENFOLD_AWS_WAIT=3m",
	}
}

// environ is the process's environment without anything of AWS.
func environ() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "AWS_") {
			env = append(env, kv)
		}
	}
	return env
}

// Python runs a script of the repository in the virtual environment against
// this server and gives what it printed.
func (s *Server) Python(t testing.TB, script string, args ...string) []byte {
	t.Helper()
	dir, err := Venv()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(dir, "bin", "python"), append([]string{script}, args...)...)
	cmd.Env = append(environ(), s.Env()...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, errs.String())
	}
	return out.Bytes()
}

// tail keeps the last lines of a log.
type tail struct {
	mu    sync.Mutex
	lines []string
}

func (l *tail) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lines = append(l.lines, line); len(l.lines) > 40 {
		l.lines = l.lines[1:]
	}
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}
