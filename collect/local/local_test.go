package local

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// put makes files below a new folder.
func put(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// read says of each entry what it holds, or why it is not read.
func read(t *testing.T, dir string, o Options, paths ...string) []string {
	t.Helper()
	got := []string{}
	err := Each(context.Background(), paths, o, 3, func(_ context.Context, e *Entry) string {
		name := strings.TrimPrefix(filepath.ToSlash(e.Path()), filepath.ToSlash(dir)+"/")
		r, size, done, err := e.Open()
		if err != nil {
			return name + ": " + err.Error()
		}
		text, err := io.ReadAll(io.NewSectionReader(r, 0, size))
		if err := errors.Join(err, done()); err != nil {
			return name + ": " + err.Error()
		}
		return name + " = " + string(text)
	}, func(s string) error {
		got = append(got, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestWhatIsNotReadSaysSo(t *testing.T) {
	dir := put(t, map[string]string{"a.txt": "A", "sub/deep/b.txt": "B", ".hidden": "H", "z": "", "elsewhere/c": "C"})
	for from, to := range map[string]string{"link": "a.txt", "sub/up": "..", "dangling": "nowhere"} {
		if err := os.Symlink(to, filepath.Join(dir, filepath.FromSlash(from))); err != nil {
			t.Fatal(err)
		}
	}
	const link = ": a symbolic link below a folder is not followed: name its target to have it read"
	want := []string{".hidden = H", "a.txt = A", "dangling" + link, "elsewhere/c = C", "link" + link, "sub/deep/b.txt = B", "sub/up" + link, "z = "}
	if diff := cmp.Diff(want, read(t, dir, Options{}, dir)); diff != "" {
		t.Error(diff)
	}
	// A link that is named is what the person wants read.
	if diff := cmp.Diff([]string{"link = A"}, read(t, dir, Options{}, filepath.Join(dir, "link"))); diff != "" {
		t.Error(diff)
	}
	got := read(t, dir, Options{Files: 2}, dir)
	if len(got) != 3 || !strings.HasPrefix(got[2], "dangling: only the first 2 files are read in one run") {
		t.Errorf("at the limit: %q", got)
	}
}

func TestDevicesAreNotOpened(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // it has none in the file system
	}
	got := read(t, "", Options{}, os.DevNull)
	if len(got) != 1 || !strings.HasSuffix(got[0], ": a device is not opened, only files are") {
		t.Errorf("%q", got)
	}
}

func TestAPathThatNamesNothing(t *testing.T) {
	dir := put(t, map[string]string{"a": "A"})
	visited := 0
	err := Walk(context.Background(), []string{dir, filepath.Join(dir, "gone")}, Options{}, func(*Entry) error { visited++; return nil })
	var m *MissingError
	if !errors.As(err, &m) || m.Path != filepath.Join(dir, "gone") || m.Hint() == "" || !m.Config() || visited != 0 {
		t.Errorf("%v after %d files", err, visited)
	}
}

func TestAFileThatIsReplacedIsNotRead(t *testing.T) {
	dir := put(t, map[string]string{"a": "A"})
	p := filepath.Join(dir, "a")
	err := Walk(context.Background(), []string{dir}, Options{}, func(e *Entry) error {
		// Both exist at a time, so that the second is another file for certain.
		if err := os.Rename(p, p+".old"); err != nil {
			return err
		}
		if err := os.WriteFile(p, []byte("B"), 0o600); err != nil {
			return err
		}
		if _, _, _, err := e.Open(); err == nil || !strings.Contains(err.Error(), "another file was put in its place") {
			t.Errorf("opened: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestStandardInput(t *testing.T) {
	for _, tt := range []struct {
		in   io.Reader
		want string
	}{
		{strings.NewReader("text"), "- = text"},
		{strings.NewReader("too long"), "-: standard input is longer than the 0 MiB held in memory: name a file"},
	} {
		if diff := cmp.Diff([]string{tt.want}, read(t, "", Options{In: tt.in, Held: 5}, Stdin)); diff != "" {
			t.Error(diff)
		}
	}
	dir := put(t, map[string]string{"a": "longer than held"})
	f, err := os.Open(filepath.Join(dir, "a"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if diff := cmp.Diff([]string{"- = longer than held"}, read(t, "", Options{In: f, Held: 5}, Stdin)); diff != "" {
		t.Errorf("a file as standard input is read as one: %s", diff)
	}
}

func TestWorkKeepsTheOrder(t *testing.T) {
	dir := put(t, map[string]string{"a": "", "b": "", "c": "", "d": "", "e": ""})
	rapid.Check(t, func(rt *rapid.T) {
		workers, fail := rapid.IntRange(0, 9).Draw(rt, "workers"), rapid.IntRange(0, 6).Draw(rt, "fail")
		var got []string
		wrong := errors.New("enough")
		err := Each(context.Background(), []string{dir}, Options{}, workers, func(_ context.Context, e *Entry) string {
			return filepath.Base(e.Path())
		}, func(s string) error {
			if len(got) == fail {
				return wrong
			}
			got = append(got, s)
			return nil
		})
		if want := []string{"a", "b", "c", "d", "e"}[:min(fail, 5)]; !cmp.Equal(want, append([]string{}, got...)) || (fail < 5) != errors.Is(err, wrong) {
			rt.Fatalf("%v, %v", got, err)
		}
	})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := Each(ctx, []string{dir}, Options{}, 2, func(context.Context, *Entry) int { return 0 }, func(int) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
}
