package assess

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/test/builtin"
)

// withReports assesses the example estate beside every report that the readers
// of reports are tested on.
func withReports(t *testing.T, more ...string) (*Result, Options) {
	t.Helper()
	s, err := scope.Load(filepath.Join("..", "examples", "harbour", "sevenfold.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	set := builtin.Controls(t)
	o := Options{Scope: s, Controls: set, Sources: append([]string{"dir:" + filepath.Join("..", "examples", "harbour")}, more...),
		Now: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), MaskKey: []byte("test")}
	r, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r, o
}

// Reports of every tool together neither lose nor double a finding, take nothing
// better, and are judged the same from the evidence as live.
func TestFindingsJoinTheEstate(t *testing.T) {
	alone, _ := withReports(t)
	both, o := withReports(t, "findings:"+filepath.Join("..", "collect", "findings", "testdata"))
	ids := map[string]bool{}
	for _, f := range both.Findings {
		if ids[f.ID] {
			t.Errorf("%s on %s stands twice", f.Control, f.Asset)
		}
		ids[f.ID] = true
		if strings.HasPrefix(f.Control, "foreign:") != (o.Controls.Find(f.Control) == nil) && f.Step == "audit" {
			t.Errorf("%s is neither ours nor said to be foreign", f.Control)
		}
	}
	for _, f := range alone.Findings {
		if !ids[f.ID] {
			t.Errorf("%s on %s is lost", f.Control, f.Asset)
		}
	}
	if len(both.Findings) < len(alone.Findings)+20 {
		t.Errorf("%d findings with reports, %d without", len(both.Findings), len(alone.Findings))
	}
	for w, cs := range alone.Criteria {
		for i, c := range cs {
			if now := both.Criteria[w][i]; c.Status == finding.CriterionFail && now.Status != finding.CriterionFail || c.Status == finding.CriterionUnknown && now.Status == finding.CriterionPass {
				t.Errorf("%s %s: %s became %s", w, c.ID, c.Status, now.Status)
			}
		}
	}
	var evidence bytes.Buffer
	if err := both.Seen.Export(context.Background(), &evidence); err != nil {
		t.Fatal(err)
	}
	stored, err := estate.Import(&evidence)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Judge(context.Background(), stored, o)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(both.Criteria, again.Criteria); diff != "" {
		t.Errorf("judged from the evidence:\n%s", diff)
	}
	if a, b := both.Snapshot.Len()-records(both.Snapshot), alone.Snapshot.Len(); a != b {
		t.Errorf("%d assets with reports, %d without", a, b)
	}
}
