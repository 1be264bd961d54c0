// Package kubetest runs the real Kubernetes API server for tests and puts
// objects into it. The server is the binary of test/kube, a module of its own,
// built by make test; a missing binary fails the test, it does not skip it.
package kubetest

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// BinaryVariable names the environment variable that overrides the path of the
// server's binary.
const BinaryVariable = "SEVENFOLD_TEST_KUBE"

// Server is a running API server. Its data ends with the test.
type Server struct {
	// Kubeconfig is the path of the administrator's kubeconfig, context "test".
	Kubeconfig string
	// Config is the administrator's client configuration.
	Config *rest.Config

	tb    testing.TB
	dir   string
	args  []string
	cmd   *exec.Cmd // nil while stopped
	stdin io.Closer
}

// Option is what a server of a test has beside the usual.
type Option func(*Server)

// Audited sends what the API server notes of changes to where events are taken in, an https
// URL with its certificate (PEM), as its audit webhook does, with a bearer token. Over http it
// would send none.
func Audited(receiver string, certificate []byte, token string) Option {
	return func(s *Server) {
		s.option("audit", fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: receiver, cluster: {server: %q, certificate-authority-data: %s}}]
users: [{name: sender, user: {token: %q}}]
contexts: [{name: audit, context: {cluster: receiver, user: sender}}]
current-context: audit
`, receiver, base64.StdEncoding.EncodeToString(certificate), token))
	}
}

// Users are further users by their tokens: they have the rights that bindings give them.
func Users(byToken map[string]string) Option {
	return func(s *Server) {
		var csv strings.Builder
		for token, name := range byToken {
			fmt.Fprintf(&csv, "%s,%s,%s\n", token, name, name)
		}
		s.option("tokens", csv.String())
	}
}

// option gives the server a file by a flag.
func (s *Server) option(name, content string) {
	s.tb.Helper()
	path := filepath.Join(s.tb.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		s.tb.Fatal(err)
	}
	s.args = append(s.args, "-"+name, path)
}

// Start runs an API server until the test ends. It takes about three seconds.
func Start(tb testing.TB, options ...Option) *Server {
	tb.Helper()
	s := &Server{tb: tb, dir: tb.TempDir()}
	for _, o := range options {
		o(s)
	}
	tb.Cleanup(s.Stop)
	s.Kubeconfig = s.run()
	var err error
	s.Config, err = clientcmd.BuildConfigFromFlags("", s.Kubeconfig)
	if err != nil {
		tb.Fatal(err)
	}
	s.Config.QPS = -1 // no client-side limit
	return s
}

// run starts the process and returns the kubeconfig's path once it serves.
func (s *Server) run() string {
	s.tb.Helper()
	var log bytes.Buffer
	cmd := exec.Command(binary(s.tb), append([]string{"-dir", s.dir}, s.args...)...)
	cmd.Stderr = &log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		s.tb.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		s.tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.tb.Fatal(err)
	}
	s.cmd, s.stdin = cmd, stdin
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		s.Stop() // so that the log is whole
		s.tb.Fatalf("the API server did not start: %v\n%s", err, log.Bytes())
	}
	return strings.TrimSpace(line)
}

// Stop kills the server, as a crash would. Its data stays until the test ends;
// Restart goes on with it. A stopped server stays stopped.
func (s *Server) Stop() {
	if s.cmd != nil {
		stop(s.cmd, s.stdin)
		s.cmd = nil
	}
}

// Restart starts a server that was stopped, or stops it first: the same
// objects, address and users, so that every client made for it goes on.
func (s *Server) Restart() {
	s.tb.Helper()
	s.Stop()
	s.run()
}

// stop closes the server's standard input, which ends it, and kills it: its
// graceful end waits for open watches and nothing of it is kept.
func stop(cmd *exec.Cmd, stdin io.Closer) {
	_ = stdin.Close()
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// binary finds the server: BinaryVariable, else the path make test builds.
func binary(tb testing.TB) string {
	tb.Helper()
	path := os.Getenv(BinaryVariable)
	if path == "" {
		_, here, _, _ := runtime.Caller(0)
		path = filepath.Join(filepath.Dir(here), "..", "kube", "bin", "kube-apiserver-test")
	}
	if _, err := os.Stat(path); err != nil {
		tb.Fatalf("no API server for tests at %s: run make test (or set %s)", path, BinaryVariable)
	}
	return path
}

// As returns the path of a kubeconfig, context "test", whose requests are made
// as a user who has only the rights its groups and bindings give.
func (s *Server) As(user string, groups ...string) string {
	s.tb.Helper()
	c, err := clientcmd.LoadFromFile(s.Kubeconfig)
	if err != nil {
		s.tb.Fatal(err)
	}
	c.AuthInfos = map[string]*clientcmdapi.AuthInfo{"admin": {
		Token: c.AuthInfos["admin"].Token, Impersonate: user, ImpersonateGroups: groups,
	}}
	path := filepath.Join(s.dir, "kubeconfig-"+strings.NewReplacer(":", "-", "/", "-").Replace(user))
	if err := clientcmd.WriteToFile(*c, path); err != nil {
		s.tb.Fatal(err)
	}
	return path
}

// Grant gives a user exactly the rules of a ClusterRole, written as YAML list
// items, and returns a kubeconfig to act as that user:
//
//   - {apiGroups: [""], resources: [pods], verbs: [list]}
func (s *Server) Grant(user, rules string) string {
	s.tb.Helper()
	s.Apply(fmt.Sprintf(`
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: test-%[1]s}
rules:
%[2]s
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: test-%[1]s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: test-%[1]s}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: %[1]s}
`, user, strings.Trim(rules, "\n")))
	return s.As(user)
}
