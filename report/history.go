package report

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// History is what `sevenfold history --format json` prints: how many deviations
// were open at each run that changed something, and how long mending took.
// docs/schema/history.schema.json describes it.
type History struct {
	Points []HistoryPoint `json:"points"` // the earliest first
	Mend   []MendTime     `json:"mend"`
	// Workloads say how each came to stand as it does.
	Workloads []WorkloadTrend `json:"workloads"`
}

// WorkloadTrend is how a workload came to stand.
type WorkloadTrend struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// First is when a run first saw it, Green when one first found it ready; nil:
	// none has.
	First time.Time  `json:"first"`
	Green *time.Time `json:"green"`
	// HoursToGreen is the time between; 0 where it is not ready yet.
	HoursToGreen float64 `json:"hoursToGreen"`
	// Points are the runs in which it changed.
	Points []WorkloadPoint `json:"points"`
}

// WorkloadPoint is how a workload stood after a run.
type WorkloadPoint struct {
	Taken time.Time `json:"taken"`
	// Verdict is that of the run, or "gone".
	Verdict string `json:"verdict"`
	Open    int    `json:"open"` // criteria that fail or could not be told
}

// HistoryPoint is one run.
type HistoryPoint struct {
	Taken    time.Time `json:"taken"`
	Snapshot string    `json:"snapshot"`
	Assets   int       `json:"assets"`
	// Open counts deviations by severity, Unknown the questions without an answer.
	Open    map[string]int `json:"open"`
	Unknown int            `json:"unknown"`
	// Opened, Mended and Lost count what changed since the run before: lost are
	// those that could not be seen any more, or whose question changed.
	Opened int `json:"opened"`
	Mended int `json:"mended"`
	Lost   int `json:"lost"`
}

// MendTime is how long deviations of a severity stay open; of one control, or of
// all where Control is empty.
type MendTime struct {
	Severity string `json:"severity"`
	Control  string `json:"control"`
	Mended   int    `json:"mended"`
	// MedianHours is the median from the first run that saw one to the first that
	// saw it mended; 0 where none was.
	MedianHours float64 `json:"medianHours"`
	Open        int     `json:"open"`
	OldestHours float64 `json:"oldestHours"` // age of the oldest open one
}

// severities in order, worst first.
var severities = []string{"critical", "high", "medium", "low", "info"}

// HistoryJSON writes the history, its lists never null.
func HistoryJSON(w io.Writer, h *History) error {
	return writeJSON(w, History{list(h.Points), list(h.Mend), list(h.Workloads)})
}

// historyShown bounds the runs that text shows: the latest.
const historyShown = 30

// HistoryText writes the history for a terminal.
func HistoryText(w io.Writer, h *History, opt Options) error {
	t := &text{page: newPage(opt), ix: newIndex(&Document{}), opt: opt}
	if len(h.Points) == 0 {
		t.para(0, "Nothing is remembered yet: each assess adds a run.")
		_, err := io.WriteString(w, t.finish())
		return err
	}
	t.para(0, fmt.Sprintf("%s from %s to %s.", many(len(h.Points), "run"), day(h.Points[0].Taken), day(h.Points[len(h.Points)-1].Taken)))
	t.section("open deviations")
	rows := [][]string{append(append([]string{"taken"}, severities...), "unanswered", "opened", "mended", "lost")}
	points := h.Points
	if n := len(points) - historyShown; n > 0 {
		t.para(2, fmt.Sprintf("the latest %d; --format json has all", historyShown))
		points = points[n:]
	}
	for _, p := range points {
		row := []string{p.Taken.UTC().Format("2006-01-02 15:04")}
		for _, s := range severities {
			row = append(row, number(p.Open[s]))
		}
		rows = append(rows, append(row, number(p.Unknown), number(p.Opened), number(p.Mended), number(p.Lost)))
	}
	t.columns(rows)
	t.section("time to mend")
	rows = [][]string{{"severity", "control", "mended", "median", "open", "oldest"}}
	for _, m := range h.Mend {
		if m.Control != "" && m.Mended == 0 {
			continue // counted in its severity's line
		}
		median := "-"
		if m.Mended > 0 {
			median = howLong(m.MedianHours)
		}
		oldest := "-"
		if m.Open > 0 {
			oldest = howLong(m.OldestHours)
		}
		rows = append(rows, []string{m.Severity, orNone(m.Control, "all"), number(m.Mended), median, number(m.Open), oldest})
	}
	t.columns(rows)
	if len(h.Workloads) > 0 {
		t.section("workloads")
		t.columns(trendRows(h.Workloads))
	}
	_, err := io.WriteString(w, t.finish())
	return err
}

// trendRows tell how each workload came to stand, a line each.
func trendRows(workloads []WorkloadTrend) [][]string {
	rows := [][]string{{"workload", "verdict", "open criteria", "first seen", "to ready"}}
	const shown = 6 // of the latest numbers
	for _, w := range workloads {
		last := w.Points[len(w.Points)-1]
		var opens []string
		for _, p := range w.Points[max(0, len(w.Points)-shown):] {
			if p.Verdict != "gone" {
				opens = append(opens, number(p.Open))
			}
		}
		green := "not yet"
		if w.Green != nil {
			green = howLong(w.HoursToGreen)
		}
		rows = append(rows, []string{w.Name, last.Verdict, strings.Join(opens, " > "), day(w.First), green})
	}
	return rows
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// howLong is a time in hours or days.
func howLong(h float64) string {
	if h < 48 {
		return fmt.Sprintf("%.1f h", h)
	}
	return fmt.Sprintf("%.1f d", h/24)
}
