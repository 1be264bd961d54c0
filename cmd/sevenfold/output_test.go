package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// fullDisk takes so many bytes and fails then, as a full disk does.
type fullDisk struct{ left int }

func (n *fullDisk) Write(p []byte) (int, error) {
	if len(p) > n.left {
		k := n.left
		n.left = 0
		return k, errors.New("no space left on device")
	}
	n.left -= len(p)
	return len(p), nil
}

// TestAFullDiskIsNoSuccess: whatever prints, half of it is not the answer.
func TestAFullDiskIsNoSuccess(t *testing.T) {
	for _, args := range []string{"explain audit.ownership", "init --schema", "init --grants aws", "--help", "completion bash", "--version", "assess --dry-run --source aws:regions=eu-west-1"} {
		t.Run(strings.ReplaceAll(args, " ", "_"), func(t *testing.T) {
			t.Chdir(t.TempDir())
			var whole, stderr bytes.Buffer
			if code := run(strings.Fields(args), &whole, &stderr); code != exitReady || whole.Len() == 0 {
				t.Fatalf("exit %d, %d bytes: %s", code, whole.Len(), stderr.Bytes())
			}
			for _, room := range []int{0, whole.Len() / 2, whole.Len() - 1} {
				stderr.Reset()
				if code := run(strings.Fields(args), &fullDisk{room}, &stderr); code != exitInternal || !strings.Contains(stderr.String(), "no space left") {
					t.Errorf("room for %d of %d bytes: exit %d, %q", room, whole.Len(), code, stderr.String())
				}
			}
		})
	}
}
