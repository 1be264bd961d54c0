package assess

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestResume(t *testing.T) {
	state := t.TempDir()
	r := NewResume(state)
	if _, ok, err := r.Get("aws/1/eu-west-1"); ok || err != nil {
		t.Fatalf("empty: %v, %v", ok, err)
	}
	if err := r.Put("aws/1/eu-west-1", []byte("one")); err != nil {
		t.Fatal(err)
	}
	if err := r.Put("aws/1/eu-west-1", []byte("two")); err != nil {
		t.Fatal(err)
	}
	blob, ok, err := r.Get("aws/1/eu-west-1")
	if err != nil || !ok || !bytes.Equal(blob, []byte("two")) {
		t.Errorf("got %q, %v, %v", blob, ok, err)
	}
	if _, ok, _ := r.Get("aws/1/eu-west-2"); ok {
		t.Error("another key has the unit too")
	}
	entries, err := os.ReadDir(filepath.Join(state, "resume"))
	if err != nil || len(entries) != 1 {
		t.Fatalf("%d files, %v; want 1", len(entries), err)
	}
	if info, _ := entries[0].Info(); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600", info.Mode().Perm())
	}
	if err := r.Clear(); err != nil {
		t.Fatal(err)
	}
	if _, ok, _ := r.Get("aws/1/eu-west-1"); ok {
		t.Error("cleared, but still there")
	}
}
