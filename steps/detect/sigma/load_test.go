package sigma

import (
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
)

// What is no file in a folder of rules is told, and not waited for; a link is what it leads to.
func TestLoadFSReadsFilesOnly(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "a.yml"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"b.yml": "/dev/zero", "c.yml": "a.yml", "d.yml": "nowhere", "e.yml": "good"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	rule := "title: t\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  a: {eventName: x}\n  condition: a\n"
	if err := os.WriteFile(filepath.Join(dir, "good"), []byte(rule), 0o600); err != nil {
		t.Fatal(err)
	}
	rules, problems := LoadFS(os.DirFS(dir))
	var files []string
	for _, p := range problems {
		files = append(files, p.File)
	}
	if len(rules) != 1 || !slices.Equal(files, []string{"a.yml", "b.yml", "c.yml", "d.yml"}) {
		t.Errorf("%d rules, problems %v", len(rules), problems)
	}
}
