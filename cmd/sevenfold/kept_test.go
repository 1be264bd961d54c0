package main

import (
	"os"
	"path/filepath"
	"testing"
)

// An interrupted run says that something was kept only if it was.
func TestKept(t *testing.T) {
	state := t.TempDir()
	check := func(when string, want bool) {
		t.Helper()
		if got := kept(state); got != want {
			t.Errorf("%s: %v", when, got)
		}
	}
	check("no folder", false)
	resume := filepath.Join(state, "resume")
	if err := os.Mkdir(resume, 0o700); err != nil {
		t.Fatal(err)
	}
	check("an empty folder", false)
	if err := os.WriteFile(filepath.Join(resume, ".unit-1"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	check("a half-written unit", false)
	if err := os.WriteFile(filepath.Join(resume, "0a"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	check("a unit", true)
	if kept("postgres://db/sevenfold") {
		t.Error("a database keeps no units")
	}
}
