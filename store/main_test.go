package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/sevenfold-sec/sevenfold/test/postgres"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("STORE_TEST_CHILD"); dir != "" {
		childSaves(dir) // never returns
	}
	code := m.Run()
	postgres.Stop()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// engines names the places the conformance suite runs on.
var engines = map[string]func(testing.TB) string{
	"sqlite":   func(t testing.TB) string { return filepath.Join(t.TempDir(), "state") },
	"postgres": postgres.URL,
}

// onEach runs a test against a fresh state of every engine.
func onEach(t *testing.T, test func(t *testing.T, state string)) {
	for name, state := range engines {
		t.Run(name, func(t *testing.T) { test(t, state(t)) })
	}
}

func open(t testing.TB, state string) Store {
	t.Helper()
	st, err := Open(context.Background(), state)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}
