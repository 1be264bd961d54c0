package store

import (
	"context"
	"path/filepath"
	"testing"
	"time"
)

// A later snapshot adds what changed, not what there is: one configuration in
// a hundred of 100,000 may add 3 MB.
func TestASecondSnapshotIsSmall(t *testing.T) {
	if testing.Short() {
		t.Skip("stores 200,000 assets")
	}
	dir := filepath.Join(t.TempDir(), "state")
	sizes := make([]int64, 3)
	for version := range sizes {
		st := open(t, dir)
		s := fleet{n: 100_000, changed: 0.01, version: version}.snapshot(t, noon.Add(time.Duration(version)*time.Hour))
		if err := st.Save(context.Background(), s); err != nil {
			t.Fatal(err)
		}
		// Closing folds the write-ahead log into the file.
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		sizes[version] = size(t, dir)
	}
	t.Logf("first %.1f MB, second adds %.2f MB, third adds %.2f MB", float64(sizes[0])/1e6,
		float64(sizes[1]-sizes[0])/1e6, float64(sizes[2]-sizes[1])/1e6)
	if added := sizes[1] - sizes[0]; added > 3_000_000 {
		t.Errorf("one change in a hundred added %d bytes", added)
	}
}
