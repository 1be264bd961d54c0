package assess

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/report"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/store"
	"github.com/sevenfold-sec/sevenfold/test/race"
)

var firstDay = time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)

// judgedOn is a result of a day with assets and findings of its own.
func judgedOn(t *testing.T, day int, assets []string, findings []finding.Finding, blind ...estate.BlindSpot) *Result {
	t.Helper()
	b := estate.NewBuilder(firstDay.AddDate(0, 0, day))
	for _, id := range assets {
		b.Asset(estate.Asset{ID: id, Type: "T", Reads: []estate.Read{{Operation: "t:List", Status: estate.ReadOK}}})
	}
	for _, x := range blind {
		b.BlindSpot(x)
	}
	snap, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return &Result{Alone: true, Seen: snap, Snapshot: snap, Findings: findings}
}

func fault(asset, control string, s finding.Severity) finding.Finding {
	return finding.Finding{ID: finding.NewID(control, asset, ""), Control: control, Asset: asset, Severity: s, Status: finding.Fail}
}

func opened(t *testing.T) (History, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	st, err := store.Open(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return History{Store: st}, dir
}

func TestHistoryTellsHowDeviationsEnd(t *testing.T) {
	h, _ := opened(t)
	ctx := context.Background()
	a, b, c := fault("a", "k1", finding.High), fault("b", "k1", finding.High), fault("c", "k2", finding.Low)
	undecided := c
	undecided.Status = finding.Unknown
	refused := estate.BlindSpot{Operation: "t:List", Status: estate.ReadDenied, Types: []string{"T"}}
	runs := []struct {
		r        *Result
		controls string
	}{
		{judgedOn(t, 0, []string{"a", "b", "c"}, []finding.Finding{a, b, c}), "one"},
		{judgedOn(t, 2, []string{"a", "b", "c"}, []finding.Finding{b, c}), "one"},         // a mended after two days
		{judgedOn(t, 3, []string{"a", "b", "c"}, []finding.Finding{b, undecided}), "one"}, // c cannot be told
		{judgedOn(t, 4, []string{"a"}, nil, refused), "one"},                              // b hides behind a refused list
		{judgedOn(t, 1, []string{"a", "b", "c"}, []finding.Finding{a, b, c}), "one"},      // the clock went back
		{judgedOn(t, 5, []string{"a", "b", "c"}, []finding.Finding{a, b}), "one"},         // both are back
		{judgedOn(t, 9, []string{"a", "b", "c"}, []finding.Finding{b}), "one"},            // a mended after four days
		{judgedOn(t, 10, []string{"a", "b", "c"}, nil), "two"},                            // other questions are asked
		{judgedOn(t, 10, []string{"a", "b", "c"}, nil), "two"},                            // nothing new: no entry
	}
	for _, r := range runs {
		if err := h.Note(ctx, r.r, r.controls); err != nil {
			t.Fatal(err)
		}
	}
	got, err := h.Report(ctx, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	var sums []string
	for _, p := range got.Points {
		sums = append(sums, fmt.Sprintf("%d: %d opened, %d mended, %d lost, %d unknown", int(p.Taken.Sub(firstDay).Hours()/24), p.Opened, p.Mended, p.Lost, p.Unknown))
	}
	want := []string{"0: 3 opened, 0 mended, 0 lost, 0 unknown", "2: 0 opened, 1 mended, 0 lost, 0 unknown", "3: 0 opened, 0 mended, 1 lost, 1 unknown",
		"4: 0 opened, 0 mended, 1 lost, 0 unknown", "5: 2 opened, 0 mended, 0 lost, 0 unknown", "9: 0 opened, 1 mended, 0 lost, 0 unknown", "10: 0 opened, 0 mended, 1 lost, 0 unknown"}
	if d := cmp.Diff(want, sums); d != "" {
		t.Errorf("points (-want +got):\n%s", d)
	}
	wantMend := []report.MendTime{{Severity: "high", Mended: 2, MedianHours: 72}, {Severity: "high", Control: "k1", Mended: 2, MedianHours: 72}}
	if d := cmp.Diff(wantMend, got.Mend); d != "" {
		t.Errorf("time to mend (-want +got):\n%s", d)
	}
	late, err := h.Report(ctx, firstDay.AddDate(0, 0, 8))
	if err != nil {
		t.Fatal(err)
	}
	if len(late.Points) != 2 || len(late.Mend) != 2 || late.Mend[0].MedianHours != 96 {
		t.Errorf("since day 8: %+v", late)
	}
}

// A day in which one asset in a hundred changes its deviations may add half a
// megabyte to what the snapshot itself adds (2.4 MB of the 3 there are).
func TestHistoryIsSmall(t *testing.T) {
	h, dir := opened(t)
	ctx := context.Background()
	n := race.Size(100_000, 5_000)
	findingsOf := func(day int) []finding.Finding {
		var out []finding.Finding
		for i := range n {
			asset := fmt.Sprintf("arn:aws:s3:::acme-lake-%06d", i)
			for k := range 3 {
				if i%100 == day && k == 0 {
					continue // mended on this day, and open again the next
				}
				out = append(out, fault(asset, fmt.Sprintf("control-number-%d", k), finding.Medium))
			}
		}
		return out
	}
	empty := judgedOn(t, 0, nil, nil)
	var sizes []int64
	for day := range 4 {
		r := judgedOn(t, day, nil, findingsOf(day))
		r.Snapshot = empty.Snapshot
		if err := h.Note(ctx, r, "one"); err != nil {
			t.Fatal(err)
		}
		if err := h.Store.Close(); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(dir, "sevenfold.db"))
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, info.Size())
		if h.Store, err = store.Open(ctx, dir); err != nil {
			t.Fatal(err)
		}
	}
	h.Store.Close()
	t.Logf("first %d bytes, then %d, %d, %d more", sizes[0], sizes[1]-sizes[0], sizes[2]-sizes[1], sizes[3]-sizes[2])
	for i := 1; i < len(sizes); i++ {
		if added := sizes[i] - sizes[i-1]; added > 500_000 {
			t.Errorf("day %d added %d bytes", i, added)
		}
	}
}

// TestHistoryTellsTimeToGreen: how a workload came to be ready, and stopped being so.
func TestHistoryTellsTimeToGreen(t *testing.T) {
	h, _ := opened(t)
	ctx := context.Background()
	run := func(day int, verdict finding.Verdict, statuses ...finding.CriterionStatus) {
		t.Helper()
		r := judgedOn(t, day, []string{"a"}, nil)
		r.Alone, r.Workloads = false, &scope.Workloads{}
		r.Criteria, r.Verdicts = map[string][]finding.Criterion{}, map[string]finding.Verdict{}
		if verdict != "" {
			r.Workloads.List = []finding.Workload{{ID: "workload:eta", Name: "eta"}}
			r.Verdicts["workload:eta"] = verdict
		}
		for _, s := range statuses {
			r.Criteria["workload:eta"] = append(r.Criteria["workload:eta"], finding.Criterion{ID: "audit.drift", Status: s})
		}
		if err := h.Note(ctx, r, "controls"); err != nil {
			t.Fatal(err)
		}
	}
	run(0, finding.NotReady, finding.CriterionFail, finding.CriterionUnknown)
	run(1, finding.NotReady, finding.CriterionFail, finding.CriterionPass)
	run(1, finding.NotReady, finding.CriterionFail, finding.CriterionPass) // nothing new
	run(3, finding.Ready, finding.CriterionPass, finding.CriterionWaived)
	run(4, finding.VerdictUnknown, finding.CriterionUnknown)
	run(5, "")
	got, err := h.Report(ctx, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	day := func(n int) time.Time { return firstDay.AddDate(0, 0, n) }
	green := day(3)
	want := []report.WorkloadTrend{{ID: "workload:eta", Name: "eta", First: day(0), Green: &green, HoursToGreen: 72, Points: []report.WorkloadPoint{
		{Taken: day(0), Verdict: "not-ready", Open: 2}, {Taken: day(1), Verdict: "not-ready", Open: 1}, {Taken: day(3), Verdict: "ready"},
		{Taken: day(4), Verdict: "unknown", Open: 1}, {Taken: day(5), Verdict: "gone"}}}}
	if diff := cmp.Diff(want, got.Workloads); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
