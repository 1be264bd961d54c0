package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// same fails unless two snapshots say the same, down to the last byte.
func same(t *testing.T, want, got *estate.Snapshot) {
	t.Helper()
	d, err := estate.Diff(want, got)
	if err != nil {
		t.Fatal(err)
	}
	if !d.Empty() {
		t.Fatalf("the snapshots differ: %+v", d)
	}
	if want.Hash() != got.Hash() {
		t.Errorf("hash %s, want %s", got.Hash(), want.Hash())
	}
	// With makes the hash anew, from the digests that were stored.
	again, err := got.With(nil, nil, []estate.BlindSpot{{Operation: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := want.With(nil, nil, []estate.BlindSpot{{Operation: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	if again.Hash() != fresh.Hash() {
		t.Errorf("the next snapshot's hash differs after loading")
	}
	if diff := cmp.Diff(want.Sources(), got.Sources()); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want.Coverage(), got.Coverage()); diff != "" {
		t.Errorf("coverage (-want +got):\n%s", diff)
	}
	if !want.Taken().Equal(got.Taken()) {
		t.Errorf("taken %s, want %s", got.Taken(), want.Taken())
	}
	for n, a := range want.Assets() {
		x, y := *a, *got.Asset(n)
		x.Config, y.Config = nil, nil
		if diff := cmp.Diff(x, y); diff != "" {
			t.Fatalf("asset (-want +got):\n%s", diff)
		}
	}
}

func TestSaveAndLoad(t *testing.T) {
	onEach(t, func(t *testing.T, state string) {
		ctx := context.Background()
		st := open(t, state)
		want := fleet{n: 3000}.snapshot(t, noon)
		if err := st.Save(ctx, want); err != nil {
			t.Fatal(err)
		}
		got, err := st.Load(ctx, want.Hash())
		if err != nil {
			t.Fatal(err)
		}
		same(t, want, got)
		if n, ok := got.Find(fleet{}.id(7)); !ok || got.Asset(n).Config != nil {
			t.Errorf("found %v; the configuration is in memory", ok)
		}
	})
}

func TestTheNextSnapshotOfALoadedOne(t *testing.T) {
	onEach(t, func(t *testing.T, state string) {
		ctx := context.Background()
		st := open(t, state)
		base := fleet{n: 500}.snapshot(t, noon)
		derive := func(s *estate.Snapshot) *estate.Snapshot {
			n, _ := s.Find(fleet{}.id(3))
			changed := *s.Asset(n)
			changed.Kind, changed.Config = estate.KindDataset, nil
			next, err := s.With([]estate.Asset{changed, {ID: "set/readers", Type: estate.SetType}},
				[]estate.Relation{{From: "set/readers", To: fleet{}.id(3), Type: "may-read", Tier: estate.Possible}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			return next
		}
		if err := st.Save(ctx, base); err != nil {
			t.Fatal(err)
		}
		loaded, err := st.Latest(ctx)
		if err != nil {
			t.Fatal(err)
		}
		want, got := derive(base), derive(loaded)
		same(t, want, got)
		if err := st.Save(ctx, got); err != nil {
			t.Fatal(err)
		}
		again, err := st.Load(ctx, want.Hash())
		if err != nil {
			t.Fatal(err)
		}
		same(t, want, again)
	})
}

func TestEmptyStoreFindsNothing(t *testing.T) {
	onEach(t, func(t *testing.T, state string) {
		ctx := context.Background()
		st := open(t, state)
		_, latest := st.Latest(ctx)
		_, load := st.Load(ctx, "sha256:none")
		_, asOf := st.AsOf(ctx, noon)
		_, _, blob := st.Blob(ctx, "detect", "model", 0)
		for what, err := range map[string]error{"latest": latest, "load": load, "as of": asOf, "blob": blob} {
			if !errors.Is(err, ErrNotFound) {
				t.Errorf("%s: %v, want ErrNotFound", what, err)
			}
		}
		if list, err := st.List(ctx); err != nil || len(list) != 0 {
			t.Errorf("list: %v, %v", list, err)
		}
	})
}

func TestAnEmptySnapshot(t *testing.T) {
	onEach(t, func(t *testing.T, state string) {
		ctx := context.Background()
		st := open(t, state)
		want := build(t, estate.NewBuilder(noon))
		if err := st.Save(ctx, want); err != nil {
			t.Fatal(err)
		}
		got, err := st.Latest(ctx)
		if err != nil {
			t.Fatal(err)
		}
		same(t, want, got)
	})
}

func TestSnapshotsByTime(t *testing.T) {
	onEach(t, func(t *testing.T, state string) {
		ctx := context.Background()
		st := open(t, state)
		var hashes []string
		// The second and the fourth are the same estate, seen twice.
		for i, version := range []int{1, 2, 3, 2} {
			s := fleet{n: 50, changed: 1, version: version}.snapshot(t, noon.Add(time.Duration(i)*time.Hour))
			hashes = append(hashes, s.Hash())
			if err := st.Save(ctx, s); err != nil {
				t.Fatal(err)
			}
			if err := st.Save(ctx, s); err != nil {
				t.Fatalf("saving once more: %v", err)
			}
		}
		if hashes[1] != hashes[3] || hashes[0] == hashes[1] {
			t.Fatalf("hashes %v", hashes)
		}
		for _, tt := range []struct {
			after time.Duration
			want  int
		}{{0, 0}, {59 * time.Minute, 0}, {time.Hour, 1}, {2*time.Hour + time.Second, 2}, {1000 * time.Hour, 3}} {
			s, err := st.AsOf(ctx, noon.Add(tt.after))
			if err != nil {
				t.Fatal(err)
			}
			if s.Hash() != hashes[tt.want] || !s.Taken().Equal(noon.Add(time.Duration(tt.want)*time.Hour)) {
				t.Errorf("as of %s: taken %s", tt.after, s.Taken())
			}
		}
		if _, err := st.AsOf(ctx, noon.Add(-time.Second)); !errors.Is(err, ErrNotFound) {
			t.Errorf("before the first: %v", err)
		}
		list, err := st.List(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, i := range list {
			got = append(got, fmt.Sprint(i.Hash, i.Taken.Hour(), i.Assets, i.Relations))
		}
		relations := list[0].Relations
		want := []string{fmt.Sprint(hashes[3], 15, 50, relations), fmt.Sprint(hashes[2], 14, 50, relations), fmt.Sprint(hashes[1], 13, 50, relations), fmt.Sprint(hashes[0], 12, 50, relations)}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("list (-want +got):\n%s", diff)
		}
		if s, err := st.Load(ctx, hashes[1]); err != nil || s.Taken().Hour() != 15 {
			t.Errorf("by hash: not the last of two: %v", err)
		}
	})
}

func TestEachSeesEveryAssetOnce(t *testing.T) {
	onEach(t, func(t *testing.T, state string) {
		ctx := context.Background()
		st := open(t, state)
		first := fleet{n: 2000}.snapshot(t, noon)
		second := fleet{n: 2100, changed: 0.2, version: 1}.snapshot(t, noon.Add(time.Hour))
		for _, s := range []*estate.Snapshot{first, second} {
			if err := st.Save(ctx, s); err != nil {
				t.Fatal(err)
			}
		}
		loaded, err := st.Latest(ctx)
		if err != nil {
			t.Fatal(err)
		}
		seen := loaded.NewNodeSet()
		err = st.Each(ctx, loaded, func(n estate.Node, a *estate.Asset, config json.RawMessage) error {
			if !seen.Add(n) {
				t.Errorf("%s comes twice", a.ID)
			}
			if a != loaded.Asset(n) || string(config) != string(second.Asset(n).Config) {
				t.Fatalf("%s: configuration %s", a.ID, config)
			}
			return nil
		})
		if err != nil || seen.Len() != second.Len() {
			t.Errorf("%d of %d assets: %v", seen.Len(), second.Len(), err)
		}
	})
}

func TestEachStops(t *testing.T) {
	onEach(t, func(t *testing.T, state string) {
		st := open(t, state)
		if err := st.Save(context.Background(), fleet{n: 3000}.snapshot(t, noon)); err != nil {
			t.Fatal(err)
		}
		s, err := st.Latest(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		enough := errors.New("enough")
		calls := 0
		err = st.Each(context.Background(), s, func(estate.Node, *estate.Asset, json.RawMessage) error {
			if calls++; calls == 10 {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) || calls != 10 {
			t.Errorf("%d calls, %v", calls, err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		calls = 0
		err = st.Each(ctx, s, func(estate.Node, *estate.Asset, json.RawMessage) error {
			calls++
			cancel()
			return nil
		})
		if !errors.Is(err, context.Canceled) || calls == s.Len() {
			t.Errorf("after cancelling: %d calls, %v", calls, err)
		}
	})
}

func TestBlobsHaveVersions(t *testing.T) {
	onEach(t, func(t *testing.T, state string) {
		ctx := context.Background()
		st := open(t, state)
		big := slices.Repeat([]byte("learnt "), 1<<18)
		for i, data := range [][]byte{[]byte("one"), {}, big} {
			if v, err := st.PutBlob(ctx, "detect", "model", data); err != nil || v != int64(i+1) {
				t.Fatalf("version %d, %v", v, err)
			}
		}
		if v, err := st.PutBlob(ctx, "detect", "other", nil); err != nil || v != 1 {
			t.Errorf("another key: version %d, %v", v, err)
		}
		for version, want := range map[int64]string{1: "one", 2: "", 3: string(big), 0: string(big)} {
			data, got, err := st.Blob(ctx, "detect", "model", version)
			if err != nil || string(data) != want || version != 0 && got != version || version == 0 && got != 3 {
				t.Errorf("version %d: %d bytes of version %d, %v", version, len(data), got, err)
			}
		}
		if _, _, err := st.Blob(ctx, "detect", "model", 4); !errors.Is(err, ErrNotFound) {
			t.Errorf("version 4: %v", err)
		}
	})
}

func TestBlobsOfAStepAreStoredTogether(t *testing.T) {
	onEach(t, func(t *testing.T, state string) {
		ctx := context.Background()
		st := open(t, state)
		for i := range 5 {
			if err := st.PutBlobs(ctx, "detect", map[string][]byte{"a": {byte(i)}, "b": {byte(i), 1}}, 2); err != nil {
				t.Fatal(err)
			}
		}
		for version, want := range map[int64]bool{1: false, 3: false, 4: true, 5: true} {
			for _, key := range []string{"a", "b"} {
				data, _, err := st.Blob(ctx, "detect", key, version)
				if want && (err != nil || data[0] != byte(version-1)) || !want && !errors.Is(err, ErrNotFound) {
					t.Errorf("%s, version %d: %v, %v", key, version, data, err)
				}
			}
		}
		gone, cancel := context.WithCancel(ctx)
		cancel()
		if err := st.PutBlobs(gone, "detect", map[string][]byte{"a": {9}, "b": {9}}, 2); err == nil {
			t.Error("stored though nobody waits for it")
		}
		if data, _, err := st.Blob(ctx, "detect", "a", 0); err != nil || data[0] != 4 {
			t.Errorf("the newest is %v, %v", data, err)
		}
	})
}

func TestLockNamesItsHolder(t *testing.T) {
	onEach(t, func(t *testing.T, state string) {
		ctx := context.Background()
		one, two := open(t, state), open(t, state)
		release, err := one.Lock(ctx)
		if err != nil {
			t.Fatal(err)
		}
		_, err = two.Lock(ctx)
		var held *LockedError
		if !errors.As(err, &held) || held.PID == 0 || held.Since.IsZero() || !strings.Contains(err.Error(), "in use by process") {
			t.Fatalf("second lock: %v", err)
		}
		if _, err := two.List(ctx); err != nil {
			t.Errorf("reading beside a lock: %v", err)
		}
		if err := release(); err != nil {
			t.Fatal(err)
		}
		release, err = two.Lock(ctx)
		if err != nil {
			t.Fatalf("after release: %v", err)
		}
		if err := release(); err != nil {
			t.Error(err)
		}
	})
}

func TestManyWritersAndReaders(t *testing.T) {
	onEach(t, func(t *testing.T, state string) {
		ctx := context.Background()
		stores := []Store{open(t, state), open(t, state)}
		var wg sync.WaitGroup
		for i := range 4 {
			s := fleet{n: 300, changed: 0.5, version: i + 1}.snapshot(t, noon.Add(time.Duration(i)*time.Minute))
			wg.Go(func() {
				if err := stores[i%2].Save(ctx, s); err != nil {
					t.Errorf("saving %d: %v", i, err)
				}
				got, err := stores[(i+1)%2].Load(ctx, s.Hash())
				if err != nil {
					t.Errorf("loading %d: %v", i, err)
					return
				}
				same(t, s, got)
			})
		}
		wg.Wait()
	})
}

func TestSaveEndsWithItsContext(t *testing.T) {
	onEach(t, func(t *testing.T, state string) {
		st := open(t, state)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := st.Save(ctx, fleet{n: 10}.snapshot(t, noon)); !errors.Is(err, context.Canceled) {
			t.Errorf("saved with %v", err)
		}
		if _, err := st.Latest(context.Background()); !errors.Is(err, ErrNotFound) {
			t.Errorf("something was stored: %v", err)
		}
	})
}
