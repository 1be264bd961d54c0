//go:build unix

package advisories

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A pipe that nobody writes to is not waited for, and one among records is told.
func TestPipes(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "CVE-1.json")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "CVE-2.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, read := range map[string]func() error{
		"EPSS": func() error { _, _, err := EPSS(pipe); return err },
		"KEV":  func() error { _, err := KEV(pipe); return err },
		"a record": func() error {
			_, _, err := Each(t.Context(), []string{pipe}, func([]byte) error { return nil })
			return err
		},
	} {
		done := make(chan error, 1)
		go func() { done <- read() }()
		select {
		case err := <-done:
			if err == nil || !strings.Contains(err.Error(), "is no file") {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s is waited for", name)
		}
	}
	n, problems, err := Each(t.Context(), []string{dir}, func([]byte) error { return nil })
	if n != 1 || len(problems) != 1 || !strings.Contains(problems[0], "CVE-1.json: it is a link, a pipe") || err != nil {
		t.Errorf("%d records, %q, %v", n, problems, err)
	}
}
