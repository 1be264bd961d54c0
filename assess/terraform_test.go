package assess

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/test/builtin"
	"github.com/sevenfold-sec/sevenfold/test/terraformgen"
)

// planned assesses sources as the command would.
func planned(t *testing.T, sources ...string) *Result {
	t.Helper()
	set := builtin.Controls(t)
	r, err := Run(context.Background(), Options{Scope: scope.Default(), Controls: set, Sources: sources,
		Now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), MaskKey: []byte("test")})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// byAsset lists findings as "status control id" by asset.
func byAsset(findings []finding.Finding, of func(id string) bool) map[string]map[string]string {
	out := map[string]map[string]string{}
	for _, f := range findings {
		if !of(f.Asset) {
			continue
		}
		if out[f.Asset] == nil {
			out[f.Asset] = map[string]string{}
		}
		out[f.Asset][f.Control+" "+f.ID] = string(f.Status)
	}
	return out
}

// ofItself leaves out what is asked of the things around an asset: whether a
// monitor or a flow log exists stands in the account's lists, which no plan
// holds, and is unknown of a plan alone.
func ofItself(t *testing.T, findings []finding.Finding) []finding.Finding {
	t.Helper()
	set := builtin.Controls(t)
	return slices.DeleteFunc(slices.Clone(findings), func(f finding.Finding) bool {
		if slices.ContainsFunc(Rules(), func(r finding.Rule) bool { return r.ID == f.Control && r.Step != "access" }) {
			return true // a step's own: it hangs on more than the thing
		}
		c := set.Find(f.Control)
		return c != nil && c.Absent() != nil
	})
}

// TestPlanAndExportGiveTheSameAnswer holds the plans that would make parts of
// the example estate against the exports of it: the same findings, under the
// same ids, with the same outcome.
func TestPlanAndExportGiveTheSameAnswer(t *testing.T) {
	exports := harbour(t)
	harbourFolder := filepath.Join("..", "examples", "harbour")
	for _, tt := range []struct {
		plan, account string
		assets        int // the plan's own
	}{
		{"training.json", "111122223333", 8},
		{"serving.json", "444455556666", 7},
	} {
		t.Run(strings.TrimSuffix(tt.plan, ".json"), func(t *testing.T) {
			r := planned(t, "terraform:"+filepath.Join("testdata", "terraform", tt.plan),
				// The account's own settings are no part of the plan.
				"dir:"+filepath.Join(harbourFolder, tt.account, "s3control")+",account="+tt.account+",region=eu-west-1")
			own := map[string]bool{}
			for _, a := range r.Snapshot.Assets() {
				if strings.HasPrefix(a.Source, "terraform:") && !a.Referenced && !strings.Contains(a.ID, "#") && strings.HasPrefix(a.ID, "arn:") {
					own[a.ID] = true
				}
			}
			if len(own) != tt.assets {
				t.Errorf("the plan makes %d assets, want %d: %v", len(own), tt.assets, own)
			}
			for id := range own {
				if _, ok := exports.Snapshot.Find(id); !ok {
					t.Errorf("%s is in the plan and not in the export", id)
				}
			}
			of := func(id string) bool { return own[id] }
			if diff := cmp.Diff(byAsset(ofItself(t, exports.Findings), of), byAsset(ofItself(t, r.Findings), of)); diff != "" {
				t.Errorf("findings (-export +plan):\n%s", diff)
			}
		})
	}
}

// TestGeneratedPlan holds the large plan the figures are measured on against
// what it is said to hold.
func TestGeneratedPlan(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plan.json")
	if err := os.WriteFile(path, terraformgen.Plan(220), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := ReadPlan(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, c := range p.Changes {
		counts[strings.Join(c.Actions, ",")]++
		if len(c.After) != 1 || c.Unconverted != "" {
			t.Errorf("%s is %d assets: %s", c.Address, len(c.After), c.Unconverted)
		}
		if len(c.Before) == 1 && c.Acts("update") && string(c.Before[0].Config) == string(c.After[0].Config) {
			t.Errorf("%s is updated and stays the same", c.Address)
		}
	}
	if diff := cmp.Diff(map[string]int{"create": 22, "update": 6, "no-op": 192}, counts); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
	if len(p.BlindSpots) > 0 {
		t.Errorf("blind spots: %v", p.BlindSpots)
	}
}

// BenchmarkPlan2000 reads and converts both sides of a plan of 2,000 resources.
func BenchmarkPlan2000(b *testing.B) {
	path := filepath.Join(b.TempDir(), "plan.json")
	if err := os.WriteFile(path, terraformgen.Plan(2000), 0o600); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for b.Loop() {
		p, err := ReadPlan(path, []byte("key"))
		if err != nil || len(p.Changes) != 2000 {
			b.Fatalf("%d changes: %v", len(p.Changes), err)
		}
	}
}
