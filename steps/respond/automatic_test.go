package respond

import (
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/respond/playbook"
)

// What would be done by itself is held where another incident that is not over changed the
// same target, whatever its scenario and workload, and where the hourly bound is reached.
func TestHoldByTargetAndBound(t *testing.T) {
	now := time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC)
	planned := []Planned{{Phase: "contain", Call: playbook.Call{Target: "door"}}, {Phase: "recover", Call: playbook.Call{Target: "window"}}}
	me := func() *Incident { return &Incident{Opening: Opening{ID: "me"}, State: Detected} }
	other := func(state State, target, stands string, began ...time.Time) *Incident {
		return &Incident{Opening: Opening{ID: "other", Scenario: "s2", Workload: "w2"}, State: state, Changes: []Change{{Target: target, Stands: stands}}, began: began}
	}
	for name, c := range map[string]struct {
		other *Incident
		per   int
		want  string
	}{
		"same target":         {other(Contained, "door", "verified"), 9, "other changed door"},
		"it may have changed": {other(Contained, "door", "unknown"), 9, "other changed door"},
		"undone":              {other(Contained, "door", "undone"), 9, ""},
		"over":                {other(Reviewed, "door", "verified"), 9, ""},
		"another target":      {other(Contained, "gate", "verified"), 9, ""},
		"no containing call":  {other(Contained, "window", "verified"), 9, ""},
		"the bound":           {other(Reviewed, "gate", "verified", now.Add(-59*time.Minute)), 1, "which is the bound"},
		"below the bound":     {other(Reviewed, "gate", "verified", now.Add(-59*time.Minute)), 2, ""},
		"an hour ago":         {other(Reviewed, "gate", "verified", now.Add(-time.Hour)), 1, ""},
		"a time to come":      {other(Reviewed, "gate", "verified", now.Add(time.Hour)), 1, "which is the bound"},
	} {
		i := me()
		got := i.Hold([]*Incident{i, c.other}, "s", "w", planned, c.per, now)
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
