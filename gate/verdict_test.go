package gate

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/finding"
)

func TestTableHasThirtyFiveDistinctLines(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range Table() {
		for _, l := range s.Lines {
			if seen[l.ID] {
				t.Errorf("line %s stands twice", l.ID)
			}
			seen[l.ID] = true
			if !strings.HasPrefix(l.ID, s.ID+".") {
				t.Errorf("line %s is not of step %s", l.ID, s.ID)
			}
			if l.Asks == "" || l.Next == "" {
				t.Errorf("line %s lacks its clause or next command", l.ID)
			}
			if got, ok := Find(l.ID); !ok || got != l {
				t.Errorf("Find(%q) = %v, %v", l.ID, got, ok)
			}
		}
	}
	if len(Table()) != 7 || len(seen) != 35 {
		t.Errorf("got %d steps and %d lines, want 7 and 35", len(Table()), len(seen))
	}
	if _, ok := Find("audit.nothing"); ok {
		t.Error("Find found a line that does not exist")
	}
}

func examined(n int) []finding.Claim {
	return []finding.Claim{{Claim: "c", Examined: n, Of: n, Source: "s"}}
}

func TestCompleteNeverPassesOnNothing(t *testing.T) {
	tests := map[string]struct {
		in   finding.Criterion
		want finding.CriterionStatus
	}{
		"pass_with_evidence":    {finding.Criterion{ID: "audit.inventory", Status: finding.CriterionPass, Evidence: examined(3)}, finding.CriterionPass},
		"pass_without_evidence": {finding.Criterion{ID: "audit.inventory", Status: finding.CriterionPass}, finding.CriterionUnknown},
		"pass_examined_zero":    {finding.Criterion{ID: "audit.inventory", Status: finding.CriterionPass, Evidence: examined(0)}, finding.CriterionUnknown},
		"na_without_evidence":   {finding.Criterion{ID: "audit.inventory", Status: finding.CriterionNA}, finding.CriterionUnknown},
		"na_with_evidence":      {finding.Criterion{ID: "audit.inventory", Status: finding.CriterionNA, Evidence: examined(1)}, finding.CriterionNA},
		"fail_needs_none":       {finding.Criterion{ID: "audit.inventory", Status: finding.CriterionFail}, finding.CriterionFail},
		"no_status":             {finding.Criterion{ID: "audit.inventory"}, finding.CriterionUnknown},
		"unheard_of_status":     {finding.Criterion{ID: "audit.inventory", Status: "fine"}, finding.CriterionUnknown},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			all := Complete([]finding.Criterion{tt.in})
			if len(all) != 35 {
				t.Fatalf("got %d criteria, want 35", len(all))
			}
			if all[0].ID != "audit.inventory" || all[0].Status != tt.want {
				t.Errorf("got %s %s, want %s", all[0].ID, all[0].Status, tt.want)
			}
			for _, c := range all[1:] {
				if c.Status != finding.CriterionUnknown || !strings.Contains(c.Reason, "not built") || c.Hint == "" {
					t.Errorf("undecided %s: %s %q hint %q", c.ID, c.Status, c.Reason, c.Hint)
				}
			}
		})
	}
}

func TestDecide(t *testing.T) {
	const p, f, u, n, w = finding.CriterionPass, finding.CriterionFail, finding.CriterionUnknown, finding.CriterionNA, finding.CriterionWaived
	tests := map[string]struct {
		in   []finding.CriterionStatus
		want finding.Verdict
	}{
		"none":              {nil, finding.VerdictUnknown},
		"all_pass":          {[]finding.CriterionStatus{p, n, w}, finding.Ready},
		"one_unknown":       {[]finding.CriterionStatus{p, u, p}, finding.VerdictUnknown},
		"fail_beats_it":     {[]finding.CriterionStatus{u, f, p}, finding.NotReady},
		"unheard_of_status": {[]finding.CriterionStatus{p, "ok"}, finding.VerdictUnknown},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var cs []finding.Criterion
			for _, s := range tt.in {
				cs = append(cs, finding.Criterion{Status: s})
			}
			if got := Decide(cs); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestWaive(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		waiver  finding.Waiver
		waived  []string
		expired int
	}{
		"exact":                {finding.Waiver{Criterion: "audit.drift", Workload: "w", Expires: "2027-01-01"}, []string{"audit.drift"}, 0},
		"whole_step":           {finding.Waiver{Criterion: "audit.*", Workload: "w", Expires: "2027-01-01"}, []string{"audit.deviations", "audit.drift"}, 0},
		"another_workload":     {finding.Waiver{Criterion: "audit.*", Workload: "v", Expires: "2027-01-01"}, nil, 0},
		"expired_yesterday":    {finding.Waiver{Criterion: "audit.*", Workload: "w", Expires: "2026-11-22"}, nil, 1},
		"last_day_still_holds": {finding.Waiver{Criterion: "audit.drift", Workload: "w", Expires: "2026-11-23"}, []string{"audit.drift"}, 0},
		"no_date":              {finding.Waiver{Criterion: "audit.*", Workload: "w"}, nil, 1},
		"step_needs_its_star":  {finding.Waiver{Criterion: "audit", Workload: "w", Expires: "2027-01-01"}, nil, 0},
		"prefix_is_not_a_step": {finding.Waiver{Criterion: "aud.*", Workload: "w", Expires: "2027-01-01"}, nil, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cs := []finding.Criterion{
				{ID: "audit.inventory", Status: finding.CriterionPass},
				{ID: "audit.deviations", Status: finding.CriterionFail},
				{ID: "audit.drift", Status: finding.CriterionUnknown},
				{ID: "access.unused", Status: finding.CriterionUnknown},
			}
			expired := Waive("w", cs, []finding.Waiver{tt.waiver}, nil, now)
			var waived []string
			for _, c := range cs {
				if c.Status == finding.CriterionWaived {
					waived = append(waived, c.ID)
					if c.Waiver == nil {
						t.Errorf("%s is waived but names no waiver", c.ID)
					}
					if fails := c.ID == "audit.deviations"; fails != (c.Was == finding.CriterionFail) {
						t.Errorf("%s was %q", c.ID, c.Was)
					}
				}
			}
			if d := cmp.Diff(tt.waived, waived); d != "" {
				t.Errorf("waived (-want +got):\n%s", d)
			}
			if len(expired) != tt.expired {
				t.Errorf("got %d expired, want %d", len(expired), tt.expired)
			}
		})
	}
}

func TestCovers(t *testing.T) {
	for pattern, want := range map[string]bool{
		"network.egress": true, "network.*": true, "network": false, "*": false, "network.egres": false, "": false, ".*": false,
	} {
		if got := Covers(pattern); got != want {
			t.Errorf("Covers(%q) = %v, want %v", pattern, got, want)
		}
	}
}

// A workload is ready only if every line of the table passes, is n/a or is
// waived, whatever the steps hand in.
func TestReadyMeansEveryLine(t *testing.T) {
	statuses := []finding.CriterionStatus{"pass", "fail", "n/a", "unknown", "waived", "", "PASS"}
	rapid.Check(t, func(t *rapid.T) {
		var decided []finding.Criterion
		for _, s := range Table() {
			for _, l := range s.Lines {
				if rapid.IntRange(0, 20).Draw(t, "drop") == 0 {
					continue
				}
				decided = append(decided, finding.Criterion{
					ID: l.ID, Status: rapid.SampledFrom(statuses).Draw(t, l.ID), Evidence: examined(rapid.IntRange(0, 2).Draw(t, "n")),
				})
			}
		}
		all := Complete(decided)
		good := 0
		for _, c := range all {
			switch c.Status {
			case "waived":
				good++
			case "pass", "n/a":
				if c.Evidence[0].Examined > 0 {
					good++
				}
			}
		}
		if (Decide(all) == finding.Ready) != (good == 35) {
			t.Fatalf("verdict %s with %d good lines of 35", Decide(all), good)
		}
	})
}

func TestExit(t *testing.T) {
	tests := map[string]struct {
		in   []finding.Verdict
		want int
	}{
		"none":     {nil, 3},
		"ready":    {[]finding.Verdict{finding.Ready, finding.Ready}, 0},
		"unknown":  {[]finding.Verdict{finding.Ready, finding.VerdictUnknown}, 3},
		"notready": {[]finding.Verdict{finding.VerdictUnknown, finding.NotReady}, 1},
		"strange":  {[]finding.Verdict{"fine"}, 3},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := Exit(tt.in); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}
