package playbook

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestAlterationsAreFound(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "j")
	j := journal(t, path)
	for _, s := range []string{"one", "two", "three"} {
		if _, err := j.Append("note", "", s, map[string]string{"text": s}); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	for name, altered := range map[string]string{
		"a word":         strings.Replace(string(text), "two", "twO", 1),
		"a line left":    lines[0] + lines[2],
		"lines swapped":  lines[1] + lines[0] + lines[2],
		"a line doubled": lines[0] + lines[0] + lines[1],
		"the first gone": lines[1] + lines[2],
		"rubbish":        lines[0] + "rubbish\n",
		"a new member":   strings.Replace(string(text), `"seq":2`, `"x":1,"seq":2`, 1),
	} {
		other := filepath.Join(dir, "other")
		if err := os.WriteFile(other, []byte(altered), 0o600); err != nil {
			t.Fatal(err)
		}
		var e *ChainError
		if _, err := OpenJournal(other, nil); !errors.As(err, &e) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestATornLineIsCutOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	j := journal(t, path)
	if _, err := j.Append("note", "", "", "one"); err != nil {
		t.Fatal(err)
	}
	whole, _ := os.ReadFile(path)
	if err := os.WriteFile(path, append(whole, `{"seq":2,"ti`...), 0o600); err != nil {
		t.Fatal(err)
	}
	again := journal(t, path)
	if _, err := again.Append("note", "", "", "two"); err != nil {
		t.Fatal(err)
	}
	if got := journal(t, path).Events(); len(got) != 2 {
		t.Error(got)
	}
}

func TestTwoWritersAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	a, b := journal(t, path), journal(t, path)
	if _, err := a.Append("acknowledged", "", "ana", nil); err != nil {
		t.Fatal(err)
	}
	var c *ConflictError
	_, err := b.Append("acknowledged", "", "bo", nil)
	if !errors.As(err, &c) || !strings.Contains(err.Error(), `ana wrote "acknowledged"`) {
		t.Fatal(err)
	}
	if _, err := b.Append("note", "", "bo", nil); err != nil { // having seen it
		t.Fatal(err)
	}
	if got := journal(t, path).Events(); len(got) != 2 || got[1].By != "bo" {
		t.Error(got)
	}
}

func TestTwoRunnersAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	a, b := journal(t, path), journal(t, path)
	if err := a.Hold(); err != nil {
		t.Fatal(err)
	}
	var busy *BusyError
	if err := b.Hold(); !errors.As(err, &busy) {
		t.Error(err)
	}
}

func TestAClockThatIsPutBack(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	j, err := OpenJournal(filepath.Join(t.TempDir(), "j"), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	first, err := j.Append("note", "", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(-time.Hour)
	second, err := j.Append("note", "", "", nil)
	if err != nil || second.Time.Before(first.Time) {
		t.Error(first.Time, second.Time, err)
	}
}

func FuzzJournal(f *testing.F) {
	f.Add([]byte(`{"seq":1,"time":"2026-01-01T00:00:00Z","type":"a","prev":"","hash":""}` + "\n"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(dir, "j")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		j, err := OpenJournal(path, nil)
		if err != nil {
			return
		}
		_, _ = State(j) // whatever it is, no panic
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	})
}
