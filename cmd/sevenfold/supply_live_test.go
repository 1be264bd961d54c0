package main

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/sevenfold-sec/sevenfold/steps/supply"
)

// program is the program as a process, found by its name in a folder of its own.
func program(t *testing.T) (folder string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	folder = t.TempDir()
	if err := os.Symlink(self, filepath.Join(folder, "sevenfold")); err != nil {
		t.Fatal(err)
	}
	return folder
}

// process runs a command in a folder with the program in its path.
func process(t *testing.T, dir string, env []string, name string, args ...string) (code int, said string) {
	t.Helper()
	for _, v := range env { // the program lies in the path of the environment it gets
		if path, ok := strings.CutPrefix(v, "PATH="); ok && name == "sevenfold" {
			name = filepath.Join(filepath.SplitList(path)[0], name)
		}
	}
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%v\n%s", err, out)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

func put(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestProbeOfAServer: the program as it is run, against servers that listen.
func TestProbeOfAServer(t *testing.T) {
	const key = "sk-live-not-to-be-seen"
	var asked atomic.Int32
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := asked.Add(1)
		switch {
		case r.URL.Path == "/open":
		case r.Header.Get("X-Api-Key") != key:
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/limited" && n > 5:
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}))
	defer server.Close()
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer plain.Close()
	dir, path := t.TempDir(), program(t)
	put(t, dir, map[string]string{"ca.pem": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))})
	env := []string{"PATH=" + path + ":" + os.Getenv("PATH"), "HOME=" + dir, "SSL_CERT_FILE=" + filepath.Join(dir, "ca.pem"), "ENDPOINT_KEY=" + key}
	for _, tt := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"refuses, and limits", []string{server.URL + "/limited", "--key-env", "ENDPOINT_KEY", "--key-header", "X-Api-Key", "--limit", "4"}, 0, "limit: refused after 4 requests"},
		{"limits nobody", []string{server.URL + "/endless", "--key-env", "ENDPOINT_KEY", "--key-header", "X-Api-Key", "--limit", "4"}, 1, "limit: 5 requests answered, none refused"},
		{"answers anybody", []string{server.URL + "/open"}, 1, "without a key: ANSWERED"},
		{"no TLS", []string{plain.URL}, 1, "TLS: none"},
		{"a key, and no TLS", []string{plain.URL, "--key-env", "ENDPOINT_KEY", "--limit", "4"}, 2, "no key is sent without TLS"},
		{"nobody there", []string{"https://127.0.0.1:1/"}, 2, "cannot be asked"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked.Store(0)
			code, said := process(t, dir, env, "sevenfold", append([]string{"supply", "services", "probe"}, tt.args...)...)
			if code != tt.code || !strings.Contains(said, tt.says) || strings.Contains(said, key) {
				t.Errorf("exit code %d, want %d: %s; it said\n%s", code, tt.code, tt.says, said)
			}
		})
	}
}

// TestWatchGoesOn: a record that is new reaches the place within one look; records that
// are being written are told of and do not end the watch; a signal does.
func TestWatchGoesOn(t *testing.T) {
	dir, path := t.TempDir(), program(t)
	record := func(id, name string) string {
		return fmt.Sprintf(`{"id":%q,"modified":%q,"database_specific":{"severity":"CRITICAL"},"affected":[{"package":{"ecosystem":"PyPI","name":%q},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"9"}]}]}]}`,
			id, time.Now().UTC().Format(time.RFC3339), name)
	}
	put(t, dir, map[string]string{"app/requirements.txt": "torch==2.6.0\n", "osv/GHSA-1.json": record("GHSA-1", "numpy"), "sevenfold.yaml": "estate: test\n"})
	env := []string{"PATH=" + path + ":" + os.Getenv("PATH"), "HOME=" + dir}
	if code, said := process(t, dir, env, "sevenfold", "supply", "bom", "app", "--of", "code:app"); code != 0 {
		t.Fatalf("exit code %d\n%s", code, said)
	}
	var out lines
	cmd := exec.Command(filepath.Join(path, "sevenfold"), "supply", "watch", "--every", "1s", "--new", "--osv", "osv", "--records-of", time.Now().UTC().Format(time.DateOnly))
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, append(os.Environ(), env...), &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	until := func(what string) {
		t.Helper()
		for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			if strings.Contains(out.String(), what) {
				return
			}
			select {
			case err := <-ended:
				t.Fatalf("it ended (%v) before it said %q:\n%s", err, what, out.String())
			default:
			}
		}
		t.Fatalf("it never said %q:\n%s", what, out.String())
	}
	until("1 component held against them")
	put(t, dir, map[string]string{"osv/GHSA-2.json": record("GHSA-2", "torch")[:40]})
	until("this look failed")
	put(t, dir, map[string]string{"osv/GHSA-2.json": record("GHSA-2", "torch")})
	until("+ critical   GHSA-2  torch 2.6.0, mended in 9\n    in code:app")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(5 * time.Minute):
		t.Fatal("it does not end")
	}
}

// lines is what a process said, read while it writes.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

const poisoned = "cposix\nsystem\n(S'echo pwned'\ntR."

// TestHookRefuses runs the hook as pre-commit does: its entry as words, with the files
// that its pattern takes behind it.
func TestHookRefuses(t *testing.T) {
	text, err := os.ReadFile("../../.pre-commit-hooks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var hooks []struct{ ID, Entry, Files string }
	if err := yaml.Unmarshal(text, &hooks); err != nil {
		t.Fatal(err)
	}
	hook := hooks[len(hooks)-1]
	if hook.ID != "sevenfold-supply-scan" {
		t.Fatal(hook.ID)
	}
	files := regexp.MustCompile(hook.Files)
	for _, name := range []string{"a.pt", "A.PKL", "x/model.ZIP", "config.json", "x/tokenizer_config.json", "MLmodel", "x.sav", "model.tar.gz", "m.mlmodel"} {
		if !files.MatchString(name) {
			t.Errorf("%s is committed unseen", name)
		}
		if base := filepath.Base(name); supply.ModelFile(base) && !files.MatchString("x/"+base) {
			t.Errorf("%s is committed unseen", base)
		}
	}
	for _, name := range []string{"main.go", "README.md", "package.json", "a.txt"} {
		if files.MatchString(name) {
			t.Errorf("%s is no model file", name)
		}
	}
	dir, path := t.TempDir(), program(t)
	put(t, dir, map[string]string{"good.pkl": "\x80\x04}.", "cut.pkl": "\x80\x04}", "BAD.PKL": poisoned, "--help.pkl": poisoned, "config.json": `{"auto_map": {"AutoModel": "modeling.Model"}}`, "a.txt": poisoned})
	env := []string{"PATH=" + path + ":" + os.Getenv("PATH"), "HOME=" + dir}
	for _, tt := range []struct {
		staged []string
		code   int
	}{{[]string{"good.pkl", "a.txt"}, 0}, {[]string{"good.pkl", "cut.pkl"}, 3}, {[]string{"good.pkl", "BAD.PKL"}, 1}, {[]string{"--help.pkl"}, 1}, {[]string{"config.json"}, 1}} {
		words := strings.Fields(hook.Entry)
		for _, name := range tt.staged {
			if files.MatchString(name) {
				words = append(words, name)
			}
		}
		if code, said := process(t, dir, env, words[0], words[1:]...); code != tt.code {
			t.Errorf("%v: exit code %d, want %d\n%s", tt.staged, code, tt.code, said)
		}
	}
}

// TestActionRefuses runs the step of the GitHub Action in the shell that GitHub runs it in.
func TestActionRefuses(t *testing.T) {
	text, err := os.ReadFile("../../deploy/pipelines/github-supply.yml")
	if err != nil {
		t.Fatal(err)
	}
	var action struct {
		Runs struct{ Steps []struct{ Shell, Run string } }
	}
	if err := yaml.Unmarshal(text, &action); err != nil || len(action.Runs.Steps) != 1 || action.Runs.Steps[0].Shell != "bash" {
		t.Fatalf("%+v, %v", action, err)
	}
	path := program(t)
	records := func(name string) string {
		return fmt.Sprintf(`{"id":"GHSA-1","modified":%q,"database_specific":{"severity":"HIGH"},"affected":[{"package":{"ecosystem":"PyPI","name":%q},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}`, time.Now().UTC().Format(time.RFC3339), name)
	}
	clean := map[string]string{"src/requirements.txt": "torch==2.6.0\n", "src/app.py": "import torch\n", "osv/GHSA-1.json": records("numpy")}
	for _, tt := range []struct {
		name    string
		more    map[string]string
		records string
		code    int
	}{
		{"nothing wrong", nil, "", 0},
		{"a poisoned model", map[string]string{"src/model.pkl": poisoned}, "", 1},
		{"a service that nobody registered", map[string]string{"src/call.py": "from openai import OpenAI\nOpenAI().chat.completions.create(model='gpt-4o')\n"}, "", 1},
		{"a known vulnerability", map[string]string{"osv/GHSA-1.json": records("torch")}, "osv", 1},
		{"no records where they were said to be", nil, "gone", 2},
		{"a file that cannot be read", map[string]string{"src/poetry.lock": "\x00"}, "", 3},
		{"a folder with a name that a shell would run", map[string]string{"src/$(touch pwned)/model.pkl": poisoned}, "", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, dir, clean)
			put(t, dir, tt.more)
			put(t, dir, map[string]string{"step.sh": action.Runs.Steps[0].Run})
			env := []string{"PATH=" + path + ":" + os.Getenv("PATH"), "HOME=" + dir, "TARGET=src", "RECORDS=" + tt.records}
			code, said := process(t, dir, env, "bash", "--noprofile", "--norc", "-eo", "pipefail", "step.sh")
			if code != tt.code {
				t.Errorf("exit code %d, want %d\n%s", code, tt.code, said)
			}
			if _, err := os.Stat(filepath.Join(dir, "aibom.cdx.json")); err != nil {
				t.Error(err)
			}
		})
	}
}
