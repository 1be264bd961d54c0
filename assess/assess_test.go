package assess

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/audit"
	"github.com/sevenfold-sec/sevenfold/test/builtin"
)

// harbour assesses the example estate.
func harbour(t *testing.T) *Result {
	t.Helper()
	s, err := scope.Load(filepath.Join("..", "examples", "harbour", "sevenfold.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	set := builtin.Controls(t)
	r, err := Run(context.Background(), Options{
		Scope: s, Controls: set, Sources: []string{"dir:" + filepath.Join("..", "examples", "harbour")},
		Now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), MaskKey: []byte("test"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestHarbourIsUnderstoodWhole(t *testing.T) {
	r := harbour(t)
	for _, b := range r.Snapshot.BlindSpots() {
		if b.Status != estate.ReadSkipped {
			t.Errorf("blind spot: %s %s: %s", b.Operation, b.Asset, b.Why)
		}
	}
	for _, n := range r.Workloads.Notes {
		t.Errorf("note: %s", n.Text)
	}
	for _, a := range r.Snapshot.Assets() {
		if !a.Referenced && a.Kind == estate.KindUnknown && a.Type != estate.SetType {
			t.Errorf("%s of type %s has no kind", a.ID, a.Type)
		}
	}
}

// FAULTS.md promises which planted faults this version makes visible: those
// marked "spine".
func TestHarbourFaultsAreFound(t *testing.T) {
	r := harbour(t)
	failing := map[string]bool{}
	for _, f := range r.Findings {
		if f.Status == finding.Fail {
			failing[f.Asset] = true
			whole, _, _ := strings.Cut(f.Asset, "#")
			failing[whole] = true
		}
	}
	text, err := os.ReadFile(filepath.Join("..", "examples", "harbour", "FAULTS.md"))
	if err != nil {
		t.Fatal(err)
	}
	quoted := regexp.MustCompile("`([^`]+)`")
	rows := 0
	for _, line := range strings.Split(string(text), "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 6 || !strings.Contains(cells[4], "spine") {
			continue
		}
		for _, m := range quoted.FindAllStringSubmatch(cells[2], -1) {
			rows++
			if !failing[m[1]] {
				t.Errorf("fault%s: nothing found on %s:%s", cells[1], m[1], cells[3])
			}
		}
	}
	if rows < 25 {
		t.Errorf("only %d planted faults are marked as visible: the table was misread", rows)
	}
}

// The verdicts are those of an estate that somebody took ownership of as it is:
// where nobody did, none is better than not ready.
func TestHarbourVerdicts(t *testing.T) {
	r := harbour(t)
	for _, w := range r.Workloads.List {
		if v := r.Verdicts[w.ID]; v != finding.NotReady {
			t.Errorf("%s is %s without an approved baseline", w.Name, v)
		}
	}
	o := harbourOptions(t)
	o.Baseline = &audit.Approved{Version: 1, Now: o.Now, Approved: o.Now, By: "o", Snapshot: r.Seen, Drift: &audit.Drift{}}
	r, err := Judge(context.Background(), r.Seen, o)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join("..", "examples", "harbour-expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expected struct {
		Verdicts map[string]finding.Verdict `json:"verdicts"`
	}
	if err := json.Unmarshal(text, &expected); err != nil {
		t.Fatal(err)
	}
	got := map[string]finding.Verdict{}
	for _, w := range r.Workloads.List {
		got[w.Name] = r.Verdicts[w.ID]
		if len(r.Criteria[w.ID]) != 35 {
			t.Errorf("%s has %d criteria, want 35", w.Name, len(r.Criteria[w.ID]))
		}
	}
	for name, want := range expected.Verdicts {
		if got[name] != want {
			t.Errorf("%s: got %q, want %q", name, got[name], want)
		}
	}
	if len(got) != len(expected.Verdicts) {
		t.Errorf("got %d workloads, harbour-expected.json names %d: %v", len(got), len(expected.Verdicts), got)
	}
}

// Whatever order the files are read in, the snapshot is the same.
func TestHarbourIsStable(t *testing.T) {
	if a, b := harbour(t).Snapshot.Hash(), harbour(t).Snapshot.Hash(); a != b {
		t.Errorf("two readings of one folder differ: %s and %s", a, b)
	}
}

func TestOpenRefuses(t *testing.T) {
	for source, want := range map[string]string{
		"azure:sub":          "not built yet",
		"cloudformation:t":   "no such file",
		"gcp:p":              "not built yet",
		"terraform:p.json":   "p.json",
		"terraform:":         "no path",
		"ftp:x":              "no such kind of source",
		"aws:regions=moon":   "not a region",
		"aws:colour=blue":    "unknown key",
		"dir:":               "no path",
		"dir:does-not-exist": "does-not-exist",
	} {
		_, err := open(source, nil, nil, nil)
		var bad *SourceError
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), want) {
			t.Errorf("open(%q) = %v, want a SourceError with %q", source, err, want)
			continue
		}
		if bad.Hint() == "" || !bad.Config() {
			t.Errorf("open(%q): no hint, or not a matter of configuration", source)
		}
	}
}

// script is a collector that plays what a test gives it.
type script func(estate.Sink) error

func (s script) Collect(_ context.Context, sink estate.Sink) error { return s(sink) }

func TestSourceStatus(t *testing.T) {
	bucket := estate.Asset{ID: "arn:aws:s3:::b", Type: "AWS::S3::Bucket", Cloud: estate.AWS}
	tests := map[string]struct {
		play script
		want string
	}{
		"complete": {func(s estate.Sink) error { s.Asset(bucket); return nil }, "complete"},
		"bounded_history_is_complete": {func(s estate.Sink) error {
			s.Asset(bucket)
			s.BlindSpot(estate.BlindSpot{Status: estate.ReadSkipped})
			return nil
		}, "complete"},
		"denied_is_partial": {func(s estate.Sink) error {
			s.Asset(bucket)
			s.BlindSpot(estate.BlindSpot{Status: estate.ReadDenied})
			return nil
		}, "partial"},
		"empty_is_failed": {func(estate.Sink) error { return nil }, "failed"},
		"error_is_failed": {func(s estate.Sink) error { s.Asset(bucket); return errors.New("expired\nhint: sign in") }, "failed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := estate.NewBuilder(time.Now())
			if got := collect(context.Background(), tt.play, newMeter("aws", b, nil)); got.Status != tt.want {
				t.Errorf("got %s, want %s", got.Status, tt.want)
			}
			if name != "error_is_failed" {
				return
			}
			snap, err := b.Build()
			if err != nil {
				t.Fatal(err)
			}
			if spots := snap.BlindSpots(); len(spots) != 1 || spots[0].Why != "expired" || spots[0].Hint != "sign in" {
				t.Errorf("the error is told as %+v", spots)
			}
		})
	}
}
