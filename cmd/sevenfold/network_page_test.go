package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/report"
	"github.com/sevenfold-sec/sevenfold/steps/network"
)

// What is not surely yes or no is unknown on a page, whatever an intent says of it.
func TestReachOf(t *testing.T) {
	tests := []struct {
		reachable, verdict string
		want               report.Reach
	}{
		{"yes", "", report.ReachYes}, {"yes", "violated", report.ReachViolated}, {"yes", "intended", report.ReachIntended}, {"yes", "declared", report.ReachIntended},
		{"yes", "undeclared", report.ReachYes}, {"yes", "unknown", report.ReachUnknown}, {"no", "", report.ReachNo}, {"no", "kept", report.ReachNo}, {"no", "broken", report.ReachBroken},
		{"no", "intended", report.ReachNo}, {"unknown", "", report.ReachUnknown}, {"unknown", "intended", report.ReachUnknown}, {"", "", report.ReachUnknown}, {"odd", "kept", report.ReachUnknown},
	}
	for _, tt := range tests {
		if got := reachOf(tt.reachable, tt.verdict); got != tt.want {
			t.Errorf("reachOf(%q, %q) = %q, want %q", tt.reachable, tt.verdict, got, tt.want)
		}
	}
}

// The headline is never better than the exit code.
func TestZonesSummed(t *testing.T) {
	yes, no, unknown, violated := network.Crossing{Reachable: "yes"}, network.Crossing{Reachable: "no"}, network.Crossing{Reachable: "unknown"}, network.Crossing{Reachable: "yes", Verdict: "violated"}
	zones := []network.Zone{{Name: "training"}}
	tests := []struct {
		name           string
		zones          network.Zones
		headline, lead string
	}{
		{"none", network.Zones{}, "No zone opens a connection to another.", "Nothing that was read stands in a network and in a zone that another could reach; sevenfold.yaml says what belongs to which zone."},
		{"good", network.Zones{List: zones, Crossings: []network.Crossing{yes, no}}, "None of 2 crossings between zones breaks an intent.", "1 can be opened, and no intent speaks of it."},
		{"violated", network.Zones{List: zones, Crossings: []network.Crossing{violated, unknown}}, "1 of 2 crossings between zones breaks an intent.", "1 could not be told: unknown is not called safe."},
		{"unknown", network.Zones{List: zones, Crossings: []network.Crossing{unknown, no}}, "1 of 2 crossings between zones could not be told.", ""},
		{"zone_not_known", network.Zones{List: zones, Crossings: []network.Crossing{no}, Undecided: []network.Undecided{{Asset: "a"}}}, "No crossing breaks an intent, of the zones that are known: of 1 thing it is not.", ""},
		{"shared", network.Zones{List: zones, Crossings: []network.Crossing{no}, Overlaps: []network.Overlap{{Zones: [2]string{"development", "serving"}}}}, "No crossing breaks an intent, but zones share addresses that must not.", "Zones development and serving share addresses."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			headline, lead := zonesSummed(&tt.zones)
			if diff := cmp.Diff([]string{tt.headline, tt.lead}, []string{headline, lead}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestShellWord(t *testing.T) {
	for in, want := range map[string]string{"quay-llm": "quay-llm", "arn:aws:s3:::a/b": "arn:aws:s3:::a/b", "": "''", "a b": "'a b'", "$(x)": "'$(x)'", "it's": `'it'\''s'`} {
		if got := shellWord(in); got != want {
			t.Errorf("shellWord(%q) = %q, want %q", in, got, want)
		}
	}
}
