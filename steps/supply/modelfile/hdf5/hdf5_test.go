package hdf5

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// walk lists what a file holds, one line an entry, groups and datasets apart.
func walk(tb testing.TB, data []byte) (lines []string, objects int) {
	tb.Helper()
	err := Walk(context.Background(), bytes.NewReader(data), int64(len(data)), func(e Entry) {
		if e.Kind == Object {
			objects++
			return
		}
		lines = append(lines, fmt.Sprintf("%d %s %s=%s", e.Kind, e.Path, e.Name, e.Value))
	})
	if err != nil {
		tb.Fatal(err)
	}
	return lines, objects
}

func read(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestOldFormat(t *testing.T) {
	got, objects := walk(t, read(t, "old.h5"))
	want := []string{
		`1 / model_config={"class_name": "Sequential"}`,
		"1 / backend=tensorflow",
		"1 / weight_names=a\nbb",
		"1 / count=",
		"2 /inside =/a/b",
		"3 /outside =/etc/passwd:/x",
		"4 /raw/ =/etc/hostname",
	}
	sortLines := cmp.Transformer("set", func(in []string) map[string]bool {
		out := map[string]bool{}
		for _, l := range in {
			out[l] = true
		}
		return out
	})
	if diff := cmp.Diff(want, got, sortLines); diff != "" || objects != 5 {
		t.Errorf("%d objects, want 5 (-want +got)\n%s", objects, diff)
	}
}

func TestDenseStorage(t *testing.T) {
	got, objects := walk(t, read(t, "latest.h5"))
	have := map[string]bool{}
	for _, l := range got {
		have[l] = true
	}
	for i := range 10 {
		if l := fmt.Sprintf("1 / k%02d=value %d", i, i); !have[l] {
			t.Errorf("no %q", l)
		}
	}
	if !have["3 /outside =other.h5:/x"] || !have["5 /virtual/ ="] || objects != 12 {
		t.Errorf("%d objects, want 12; got %q", objects, got)
	}
}

func TestNoHDF5(t *testing.T) {
	for _, s := range []string{"", "PK\x03\x04", Signature, Signature + "\x09aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"} {
		if err := Walk(context.Background(), bytes.NewReader([]byte(s)), int64(len(s)), func(Entry) {}); err == nil {
			t.Errorf("%q is read as HDF5", s)
		}
	}
}

// A structure that was cut or bent is an entry of kind Unread or an error, and
// never a silent end.
func TestCutIsSaid(t *testing.T) {
	for _, name := range []string{"old.h5", "latest.h5"} {
		data := read(t, name)
		_, whole := walk(t, data)
		for n := 600; n < len(data); n += 37 {
			objects, said := 0, false
			err := Walk(context.Background(), bytes.NewReader(data[:n]), int64(n), func(e Entry) {
				switch e.Kind {
				case Object:
					objects++
				case Unread:
					said = true
				}
			})
			if objects < whole && err == nil && !said {
				t.Errorf("%s cut at %d: %d of %d objects and no word of it", name, n, objects, whole)
			}
		}
	}
}

func FuzzWalk(f *testing.F) {
	f.Add(read(f, "old.h5"))
	f.Add(read(f, "latest.h5"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = Walk(context.Background(), bytes.NewReader(data), int64(len(data)), func(e Entry) {
			if len(e.Value) > maxValue*2 {
				t.Fatal("a value beyond the limit")
			}
		})
	})
}
