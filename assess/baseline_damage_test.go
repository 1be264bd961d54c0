package assess

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/store"
)

// A baseline whose stored configurations were damaged does not count, whether the
// estate is as it was or not, and the run goes on without it. What is stored next
// does not use what is damaged.
func TestADamagedBaselineDoesNotCount(t *testing.T) {
	ctx := context.Background()
	dir := filepath.Join(t.TempDir(), "state")
	open := func() store.Store {
		st, err := store.Open(ctx, dir)
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
	st, r, o := open(), harbour(t), harbourOptions(t)
	if err := st.Save(ctx, r.Seen); err != nil {
		t.Fatal(err)
	}
	if _, _, left, unknown, err := r.Approve(ctx, st, o, Approval{Key: signer, By: "jo", All: true}); err != nil || len(left)+len(unknown) > 0 {
		t.Fatal(err, left, unknown)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	conn, err := sqlite.OpenConn(filepath.Join(dir, "sevenfold.db"))
	if err != nil {
		t.Fatal(err)
	}
	err = sqlitex.ExecuteScript(conn, "UPDATE body SET data = CAST(substr(data, 1, length(data) / 2) || x'00ff' || substr(data, length(data) / 2 + 3) AS BLOB) WHERE id = 1;", nil)
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	another := estate.NewBuilder(r.Seen.Taken().Add(time.Hour))
	for n, a := range r.Seen.Assets() {
		x := *a
		x.Config, _ = r.Seen.Config(n)
		if x.Type == "AWS::S3::Bucket" && !x.Referenced {
			x.Config = json.RawMessage(strings.Replace(string(x.Config), "{", `{"Added":1,`, 1))
		}
		another.Asset(x)
	}
	changed, err := another.Build()
	if err != nil {
		t.Fatal(err)
	}
	st = open()
	defer st.Close()
	for name, snap := range map[string]*estate.Snapshot{"unchanged": r.Seen, "a changed bucket": changed} {
		b, err := holdingOf(st, o).Against(ctx, snap)
		if err != nil {
			t.Errorf("%s: the run ends: %v", name, err)
			continue
		}
		if !strings.Contains(b.Refused, "body 1 in state") || b.Hint == "" || b.Drift != nil || b.Snapshot != nil {
			t.Errorf("%s: refused %q, with the hint %q", name, b.Refused, b.Hint)
		}
	}
	// The next snapshot of the same estate writes the body anew.
	again := estate.NewBuilder(r.Seen.Taken().Add(2 * time.Hour))
	for n, a := range r.Seen.Assets() {
		x := *a
		x.Config, _ = r.Seen.Config(n)
		again.Asset(x)
	}
	same, err := again.Build()
	if err == nil {
		err = st.Save(ctx, same)
	}
	if err != nil {
		t.Fatal(err)
	}
	if b, err := holdingOf(st, o).Against(ctx, r.Seen); err != nil || b.Refused != "" {
		t.Errorf("healed, the baseline is refused: %+v, %v", b, err)
	}
}
