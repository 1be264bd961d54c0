package store

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Who asked for a configuration keeps it: packs that are opened later do not lie
// in its place. Several ask at once, in other orders.
func TestConfigurationsAreTheAskersOwn(t *testing.T) {
	st := open(t, filepath.Join(t.TempDir(), "state"))
	if err := st.Save(t.Context(), fleet{n: 4000}.snapshot(t, noon)); err != nil {
		t.Fatal(err)
	}
	s, err := st.Latest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := make([]string, s.Len())
	err = s.Each(context.Background(), func(n estate.Node, _ *estate.Asset, config json.RawMessage) error {
		want[n] = string(config)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for seed := range uint64(2) {
		wg.Go(func() {
			got := make([]json.RawMessage, s.Len())
			for _, n := range rand.New(rand.NewPCG(seed, 1)).Perm(len(got)) {
				var err error
				if got[n], err = s.Config(estate.Node(n)); err != nil {
					t.Error(err)
					return
				}
			}
			for n := range got {
				if string(got[n]) != want[n] {
					t.Errorf("asset %d has %.60q, want %.60q", n, got[n], want[n])
					return
				}
			}
		})
	}
	wg.Wait()
}
