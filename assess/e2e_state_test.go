package assess_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/store"
	"github.com/sevenfold-sec/sevenfold/test/postgres"
)

// states are the places a state can lie.
var states = map[string]func(testing.TB) string{
	"sqlite":   func(t testing.TB) string { return filepath.Join(t.TempDir(), "state") },
	"postgres": postgres.URL,
}

// harbour are the options of an assessment of the example estate.
func harbour(t testing.TB) assess.Options {
	t.Helper()
	folder := filepath.Join("..", "examples", "harbour")
	o := options(t, "dir:"+folder)
	var err error
	if o.Scope, err = scope.Load(filepath.Join(folder, "sevenfold.yaml")); err != nil {
		t.Fatal(err)
	}
	return o
}

func openState(t testing.TB, state string) store.Store {
	t.Helper()
	st, err := store.Open(context.Background(), state)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return st
}

// What was stored is judged as what was read, by whichever name it is asked
// for, in the same process or a later one.
func TestStoredIsJudgedAlike(t *testing.T) {
	ctx := context.Background()
	for name, place := range states {
		t.Run(name, func(t *testing.T) {
			state := place(t)
			first, second := harbour(t), options(t, "dir:"+filepath.Join("..", "examples", "harbour", "cluster"))
			second.Now = noon.Add(24 * time.Hour)
			var results []*assess.Result
			for _, o := range []assess.Options{first, second} {
				st := openState(t, state)
				snap, err := assess.Read(ctx, o)
				if err != nil {
					t.Fatal(err)
				}
				if err := st.Save(ctx, snap); err != nil {
					t.Fatal(err)
				}
				r, err := assess.Judge(ctx, snap, o)
				if err != nil {
					t.Fatal(err)
				}
				results = append(results, r)
				if err := st.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if len(fails(results[0])) == 0 || len(fails(results[1])) == 0 || results[0].Snapshot.Hash() == results[1].Snapshot.Hash() {
				t.Fatal("the two runs are no test")
			}
			st := openState(t, state)
			list, err := st.List(ctx)
			if err != nil || len(list) != 2 {
				t.Fatalf("%d stored, %v; want 2", len(list), err)
			}
			for asked, c := range map[string]struct {
				load func() (*estate.Snapshot, error)
				i    int
			}{
				"latest":      {func() (*estate.Snapshot, error) { return st.Latest(ctx) }, 1},
				"first_hash":  {func() (*estate.Snapshot, error) { return st.Load(ctx, list[1].Hash) }, 0},
				"second_hash": {func() (*estate.Snapshot, error) { return st.Load(ctx, list[0].Hash) }, 1},
				"as_of":       {func() (*estate.Snapshot, error) { return st.AsOf(ctx, noon.Add(time.Hour)) }, 0},
			} {
				t.Run(asked, func(t *testing.T) {
					snap, err := c.load()
					if err != nil {
						t.Fatal(err)
					}
					r, err := assess.Judge(ctx, snap, []assess.Options{first, second}[c.i])
					if err != nil {
						t.Fatal(err)
					}
					sameFindings(t, r, results[c.i])
				})
			}
			if _, err := st.AsOf(ctx, noon.Add(-time.Hour)); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("before the first: %v", err)
			}
		})
	}
}

func TestTwoRunsOnOneState(t *testing.T) {
	ctx := context.Background()
	for name, place := range states {
		t.Run(name, func(t *testing.T) {
			state := place(t)
			one, two := openState(t, state), openState(t, state)
			release, err := one.Lock(ctx)
			if err != nil {
				t.Fatal(err)
			}
			var locked *store.LockedError
			if _, err := two.Lock(ctx); !errors.As(err, &locked) || !strings.Contains(err.Error(), "in use by") || !strings.Contains(err.Error(), "--state") {
				t.Fatalf("the second run: %v", err)
			}
			if err := release(); err != nil {
				t.Fatal(err)
			}
			release, err = two.Lock(ctx)
			if err != nil {
				t.Fatalf("after the first has ended: %v", err)
			}
			if err := release(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A state that is deleted while it is used is either there again or said to be
// gone: a run never says that it stored what nobody can read.
func TestStateDeletedInBetween(t *testing.T) {
	ctx := context.Background()
	o := options(t, "dir:"+filepath.Join("..", "examples", "harbour", "cluster"))
	snap, err := assess.Read(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	state := states["sqlite"](t)
	st := openState(t, state)
	if err := st.Save(ctx, snap); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(state); err != nil {
		t.Fatal(err)
	}
	o.Now = noon.Add(time.Hour)
	if snap, err = assess.Read(ctx, o); err != nil {
		t.Fatal(err)
	}
	saved := st.Save(ctx, snap)
	_ = st.Close() // what it says of a folder that is gone does not matter
	later := openState(t, state)
	_, err = later.Load(ctx, snap.Hash())
	switch {
	case saved == nil && err != nil:
		t.Errorf("the run said it was stored, and a later one finds: %v", err)
	case saved != nil && !strings.Contains(saved.Error(), state):
		t.Errorf("the error does not name the state: %v", saved)
	}
	if err := later.Save(ctx, snap); err != nil {
		t.Errorf("the state cannot be used again: %v", err)
	}
}

// A run on a full disk says so, and what was stored before is kept.
func TestFullDisk(t *testing.T) {
	ctx := context.Background()
	state := states["sqlite"](t)
	st := openState(t, state)
	o := options(t, "dir:"+filepath.Join("..", "examples", "harbour", "cluster"))
	want := run(t, o)
	if err := st.Save(ctx, want.Snapshot); err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childState+"="+state)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Fatalf("the run on a full disk: %v\n%s", err, out)
	}
	for _, word := range []string{state, "kept", "free"} {
		if !strings.Contains(string(out), word) || strings.Contains(string(out), "panic") {
			t.Errorf("the error does not say %q:\n%s", word, out)
		}
	}
	got, err := openState(t, state).Latest(ctx)
	if err != nil {
		t.Fatal(err)
	}
	r, err := assess.Judge(ctx, got, o)
	if err != nil {
		t.Fatal(err)
	}
	sameFindings(t, r, want)
}

// saveOnFullDisk is the child of TestFullDisk: no file it writes may grow past
// what the state's file is now.
func saveOnFullDisk(state string) int {
	signal.Ignore(syscall.SIGXFSZ) // so that writing fails instead
	info, err := os.Stat(filepath.Join(state, "sevenfold.db"))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		fmt.Println(err)
		return 1
	}
	limit.Cur = uint64(info.Size())
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		fmt.Println(err)
		return 1
	}
	ctx := context.Background()
	st, err := store.Open(ctx, state)
	if err != nil {
		fmt.Println(err)
		return 7
	}
	defer st.Close()
	snap, err := assess.Read(ctx, assess.Options{Sources: []string{"dir:" + filepath.Join("..", "examples", "harbour")}, Now: noon.Add(time.Hour)})
	if err == nil {
		err = st.Save(ctx, snap)
	}
	if err != nil {
		fmt.Println(err)
		return 7
	}
	return 0
}
