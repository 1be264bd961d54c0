package estate_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// watchable is a small estate in which one asset's configuration may differ.
func watchable(t *testing.T, config, tag string) *estate.Snapshot {
	t.Helper()
	b := estate.NewBuilder(time.Unix(1_800_000_000, 0))
	for _, a := range []estate.Asset{
		{ID: "a", Type: "T", Config: json.RawMessage(config), Tags: map[string]string{"t": tag}},
		{ID: "b", Type: "T", Config: json.RawMessage(`{"x":1}`)},
		{ID: "c", Type: "T"},
	} {
		a.Reads = []estate.Read{{Operation: "o", Status: estate.ReadOK}}
		b.Asset(a)
	}
	snap, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

// The outline is all but configurations; those have digests of their own.
func TestOutlineIsAllButConfigurations(t *testing.T) {
	outline := func(s *estate.Snapshot) estate.Digest {
		d, err := s.Outline()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	one, other, tagged := watchable(t, `{"x":1}`, "1"), watchable(t, `{"x":2}`, "1"), watchable(t, `{"x":1}`, "2")
	if outline(one) != outline(other) {
		t.Error("another configuration has another outline")
	}
	if outline(one) == outline(tagged) {
		t.Error("another tag has the same outline")
	}
	only := func(n estate.Node) func(estate.Node) bool { return func(m estate.Node) bool { return m == n } }
	if one.ConfigsDigest(only(0)) == other.ConfigsDigest(only(0)) || one.ConfigsDigest(only(1)) != other.ConfigsDigest(only(1)) {
		t.Error("the digests of configurations are not theirs")
	}
	if one.Hash() == other.Hash() {
		t.Error("another configuration has the same hash")
	}
}

// broken is a place for configurations that cannot be read.
type broken struct{ estate.ConfigSource }

func (broken) Config(uint64) (json.RawMessage, error) { return nil, errors.New("no such place") }

// What is given away is noted, and what could not be had with the reason.
func TestWhatIsReadIsNoted(t *testing.T) {
	var read []estate.Node
	failed := 0
	note := func(n estate.Node, err error) {
		if read = append(read, n); err != nil {
			failed++
		}
	}
	// What holds its configuration itself gives it away at once.
	watchable(t, `{"x":1}`, "1").Watched(note)
	if !slices.Equal(read, []estate.Node{0, 1}) {
		t.Errorf("in memory: %v were noted", read)
	}
	stored, err := estate.NewRestorer(estate.Stored{Taken: time.Unix(1_800_000_000, 0), Assets: []*estate.Asset{{ID: "a"}, {ID: "b"}},
		Refs: []uint64{1, 2}, Digests: []estate.Digest{{1}, {2}}, Configs: broken{}})
	if err != nil {
		t.Fatal(err)
	}
	read = nil
	seen := stored.Snapshot().Watched(note)
	if len(read) != 0 {
		t.Errorf("kept elsewhere: %v were noted at once", read)
	}
	if _, err := seen.Config(1); err == nil || failed != 1 || !slices.Contains(read, 1) || slices.Contains(read, 0) {
		t.Errorf("%v were noted, %d of them for want of it: %v", read, failed, err)
	}
	read = nil
	if _, err := seen.With([]estate.Asset{{ID: "c"}}, nil, nil); err != nil || !slices.Contains(read, 0) || !slices.Contains(read, 1) {
		t.Errorf("%v were noted by who goes on with the whole: %v", read, err)
	}
}
