package moto

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// ManagedPolicies in a server's environment makes it hold AWS's own policies,
// which Fill attaches.
const ManagedPolicies = "MOTO_IAM_LOAD_MANAGED_POLICIES=true"

// Fault is a fault planted: the control that must find it, and where.
type Fault struct {
	Control string `json:"control"`
	Asset   string `json:"asset"`
}

// Filled is what Fill made.
type Filled struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	// Faults show at once. Aged show only once replies are rewritten: time has
	// to pass for them, or moto states them wrongly.
	Faults []Fault `json:"faults"`
	Aged   []Fault `json:"aged"`
}

// Fill fills the account behind endpoint, this server or what stands before
// it, as the faulty or the clean twin.
func (s *Server) Fill(t testing.TB, endpoint, twin string) Filled {
	t.Helper()
	var f Filled
	if err := json.Unmarshal(s.module(t, "fill", "--endpoint", endpoint, "--twin", twin), &f); err != nil {
		t.Fatalf("fill: %v", err)
	}
	return f
}

// Export writes what the AWS command line prints of the account behind
// endpoint into a folder of the test, and gives the folder.
func (s *Server) Export(t testing.TB, endpoint string) string {
	t.Helper()
	dir := t.TempDir()
	s.module(t, "fill.export", "--endpoint", endpoint, "--out", dir)
	return dir
}

// module runs a module of the folder of this package.
func (s *Server) module(t testing.TB, name string, args ...string) []byte {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		t.Fatal("the repository cannot be found")
	}
	script := filepath.Join(t.TempDir(), "run.py")
	program := "import runpy, sys\nsys.path.insert(0, sys.argv.pop(1))\nsys.dont_write_bytecode = True\nrunpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)\n"
	if err := os.WriteFile(script, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	return s.Python(t, script, append([]string{filepath.Dir(file), name}, args...)...)
}
