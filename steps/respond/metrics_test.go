package respond

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Times are told over all and month by month, so that it can be seen whether they become
// shorter; what played time, or is an exercise's own incident, is not among them.
func TestMeasure(t *testing.T) {
	incident := func(began, known, detected string, ack, contain time.Duration) *Incident {
		i := &Incident{Opening: Opening{Scenario: "s", Began: at(t, began), Known: at(t, known)}, At: map[State]time.Time{Detected: at(t, detected)}}
		if ack > 0 {
			i.At[Acknowledged] = i.At[Detected].Add(ack)
		}
		if contain > 0 {
			i.At[Contained] = i.At[Detected].Add(contain)
		}
		return i
	}
	drill := incident("", "", "2027-02-01T00:00:00Z", time.Second, time.Second)
	drill.Exercise = true
	got := Measure([]*Incident{
		incident("2026-10-01T00:00:00Z", "", "2026-10-01T09:00:00Z", 30*time.Minute, 4*time.Hour),
		incident("2026-11-01T00:00:00Z", "2026-11-01T02:00:00Z", "2026-11-01T05:00:00Z", 10*time.Minute, time.Hour),
		incident("", "", "2026-11-30T23:59:00Z", 20*time.Minute, 0),
		drill,
	}, []Record{
		{Kind: LiveFire, Scenario: "s", At: at(t, "2026-11-09T00:00:00+02:00"), Detect: time.Minute, Acknowledge: 2 * time.Minute, Contain: 3 * time.Minute},
		{Kind: Tabletop, Scenario: "s", At: at(t, "2026-12-01T00:00:00Z"), Acknowledge: time.Second},
	})
	want := []Metrics{{Scenario: "s", Times: Times{4, 2 * time.Hour, 10 * time.Minute, time.Hour}, Months: []Month{
		{"2026-10", Times{1, 9 * time.Hour, 30 * time.Minute, 4 * time.Hour}},
		{"2026-11", Times{3, time.Minute, 10 * time.Minute, 3 * time.Minute}},
	}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
