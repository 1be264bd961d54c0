package assess

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/report"
	"github.com/sevenfold-sec/sevenfold/store"
)

// History is what the state remembers of deviations: for each run only which
// opened and which closed, so that a day in which one asset in a hundred changes
// costs some ten kilobytes.
//
// Each entry holds the digest of the one before it, and the state's head that of
// the newest: an entry that was changed, added or taken away is noticed.
type History struct {
	Store store.Store
	// Heads says how far the history had come; the zero value does not know.
	Heads Heads
}

// HistoryError says that the history in the state is not as it was written, and
// from where on.
type HistoryError struct{ What string }

// Error implements error.
func (e *HistoryError) Error() string {
	return "the history in the state does not count: " + e.What + "\nhint: restore the state from a copy; assess into another --state begins a new history"
}

const historyKey = "history"

// The ways a deviation ends.
const (
	endMended    = "mended"
	endUnseen    = "unseen"    // its asset or the answer could not be read any more
	endWithdrawn = "withdrawn" // the control asks no more, or another question
)

// entry is one run's difference from the one before.
type entry struct {
	Taken    time.Time `json:"taken"`
	Snapshot string    `json:"snapshot"`
	Controls string    `json:"controls"`
	Assets   int       `json:"assets"`
	// Open counts deviations by severity, Unknown the questions without an answer.
	Open    map[finding.Severity]int `json:"open"`
	Unknown int                      `json:"unknown"`
	// Opened are by asset; Closed are ids by how they ended.
	Opened []openedOn          `json:"opened,omitempty"`
	Closed map[string][]string `json:"closed,omitempty"`
	// Workloads are those whose verdict, or whose number of open criteria, is not
	// that of the entry before: by id, nil where one is gone. A run of one step alone
	// says nothing of them.
	Workloads map[string]*standing `json:"workloads,omitempty"`
	// Prev is the SHA-256 of the entry before this one as it is stored; empty in the
	// first, and in those of versions that did not keep it.
	Prev string `json:"prev,omitempty"`
}

// standing is how a workload stands.
type standing struct {
	Name    string          `json:"name"`
	Verdict finding.Verdict `json:"verdict"`
	// Open counts criteria that fail or could not be told, of those that this version
	// decides.
	Open int `json:"open"`
}

// openedOn is one asset's new deviations: id, control and severity of each.
type openedOn struct {
	Asset string      `json:"a"`
	List  [][3]string `json:"f"`
}

// life is one open deviation.
type life struct {
	asset, control string
	severity       finding.Severity
	since          time.Time
}

// replay reads all entries, holds each to the next and the newest to the state's
// head, and calls fn for each with what was open before it. prev is the digest of
// the last.
func (h History) replay(ctx context.Context, fn func(e *entry, open map[string]life)) (last *entry, prev string, open map[string]life, stand map[string]standing, err error) {
	open, stand = map[string]life{}, map[string]standing{}
	if err := h.held(ctx); err != nil {
		return nil, "", nil, nil, err
	}
	_, versions, err := h.Store.Blob(ctx, auditStep, historyKey, 0)
	var damaged *store.DamagedError
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, "", open, stand, nil
	case err != nil && !errors.As(err, &damaged):
		return nil, "", nil, nil, err
	}
	chained := false
	for v := int64(1); v <= versions; v++ {
		text, _, err := h.Store.Blob(ctx, auditStep, historyKey, v)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return nil, "", nil, nil, &HistoryError{fmt.Sprintf("entry %d of %d was removed", v, versions)}
		case errors.As(err, &damaged):
			return nil, "", nil, nil, &HistoryError{fmt.Sprintf("entry %d was changed after it was written: %s", v, damaged.What)}
		case err != nil:
			return nil, "", nil, nil, err
		}
		e := &entry{}
		if err := json.Unmarshal(text, e); err != nil {
			return nil, "", nil, nil, &HistoryError{fmt.Sprintf("entry %d cannot be read: %s", v, err)}
		}
		if chained = chained || e.Prev != ""; chained && e.Prev != prev {
			return nil, "", nil, nil, &HistoryError{fmt.Sprintf("entry %d does not follow entry %d: one of them was changed after it was written", v, v-1)}
		}
		prev = sum(text)
		if fn != nil {
			fn(e, open)
		}
		for _, ids := range e.Closed {
			for _, id := range ids {
				delete(open, id)
			}
		}
		for _, o := range e.Opened {
			for _, f := range o.List {
				open[f[0]] = life{o.Asset, f[1], finding.Severity(f[2]), e.Taken}
			}
		}
		for id, w := range e.Workloads {
			if w == nil {
				delete(stand, id)
				continue
			}
			stand[id] = *w
		}
		last = e
	}
	return last, prev, open, stand, nil
}

// held holds the history to the state's head.
func (h History) held(ctx context.Context) error {
	head, err := h.Heads.read(ctx)
	var no *BaselineError
	if errors.As(err, &no) {
		return &HistoryError{no.What}
	}
	if err != nil {
		return err
	}
	what, err := h.Heads.holds(ctx, head, historyKey)
	if err == nil && what != "" {
		return &HistoryError{"its " + what}
	}
	return err
}

// Note remembers a run. A run that is older than the last one remembered (the
// clock went back, or a former snapshot was judged) is not.
func (h History) Note(ctx context.Context, r *Result, controls string) error {
	last, prev, open, stand, err := h.replay(ctx, nil)
	if err != nil {
		return err
	}
	if last != nil && r.Seen.Taken().Before(last.Taken) {
		return nil
	}
	e := next(r, open, last, controls)
	e.Workloads = r.moved(stand)
	if last != nil && len(e.Workloads) == 0 && len(e.Opened)+len(e.Closed) == 0 && e.Unknown == last.Unknown && e.Controls == last.Controls && sameDay(e.Taken, last.Taken) {
		return nil
	}
	e.Prev = prev
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = h.Store.PutBlob(ctx, auditStep, historyKey, text)
	return err
}

// moved are the workloads that stand otherwise than before.
func (r *Result) moved(before map[string]standing) map[string]*standing {
	if r.Alone {
		return nil
	}
	out := map[string]*standing{}
	for _, w := range r.Workloads.List {
		now := standing{w.Name, r.Verdicts[w.ID], 0}
		for _, c := range r.Criteria[w.ID] {
			if (c.Status == finding.CriterionFail || c.Status == finding.CriterionUnknown) && !strings.HasPrefix(c.Reason, "not built:") {
				now.Open++
			}
		}
		if was, known := before[w.ID]; !known || was != now {
			out[w.ID] = &now
		}
	}
	for id := range before {
		if _, there := r.Verdicts[id]; !there {
			out[id] = nil
		}
	}
	return out
}

func sameDay(a, b time.Time) bool {
	return a.UTC().Format(time.DateOnly) == b.UTC().Format(time.DateOnly)
}

// next is the entry of a run after those before it.
func next(r *Result, open map[string]life, last *entry, controls string) *entry {
	e := &entry{Taken: r.Seen.Taken(), Snapshot: r.Seen.Hash(), Controls: controls, Assets: r.Seen.Len(), Open: map[finding.Severity]int{}, Closed: map[string][]string{}}
	now, unknown := map[string]bool{}, map[string]bool{}
	byAsset := map[string][][3]string{}
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Status != finding.Fail {
			e.Unknown++
			unknown[f.ID] = true
			continue
		}
		e.Open[f.Severity]++
		now[f.ID] = true
		if _, was := open[f.ID]; !was {
			byAsset[f.Asset] = append(byAsset[f.Asset], [3]string{f.ID, f.Control, string(f.Severity)})
		}
	}
	for asset, list := range byAsset {
		slices.SortFunc(list, func(a, b [3]string) int { return strings.Compare(a[1]+a[0], b[1]+b[0]) })
		e.Opened = append(e.Opened, openedOn{asset, list})
	}
	slices.SortFunc(e.Opened, func(a, b openedOn) int { return strings.Compare(a.Asset, b.Asset) })
	// A refused list may be what hides an asset.
	refused := slices.ContainsFunc(r.Snapshot.BlindSpots(), func(b estate.BlindSpot) bool { return b.Asset == "" && b.Status != estate.ReadSkipped })
	for id, l := range open {
		if now[id] {
			continue
		}
		how := r.ended(l, unknown[id], refused)
		if how == endMended && last != nil && last.Controls != controls {
			how = endWithdrawn // whether the asset or the question changed nobody can tell
		}
		e.Closed[how] = append(e.Closed[how], id)
	}
	for _, ids := range e.Closed {
		slices.Sort(ids)
	}
	return e
}

// ended says how a deviation that is no more ended: mended only where its asset
// was read and answers now, or is surely gone.
func (r *Result) ended(l life, unknown, refused bool) string {
	if unknown {
		return endUnseen
	}
	if n, ok := r.Snapshot.Find(l.asset); ok {
		if r.Snapshot.Asset(n).Referenced {
			return goneOrUnseen(r.Snapshot, r.Snapshot.Asset(n))
		}
		return endMended
	}
	if whole, _, part := strings.Cut(l.asset, "#"); part {
		if _, ok := r.Snapshot.Find(whole); ok {
			return endMended
		}
	}
	if refused {
		return endUnseen
	}
	return endMended
}

func goneOrUnseen(s *estate.Snapshot, a *estate.Asset) string {
	if s.Covered(a.Type, a.Account, a.Region) {
		return endMended
	}
	return endUnseen
}

// Report sums up the history since a time (zero: all of it) for people.
func (h History) Report(ctx context.Context, since time.Time) (*report.History, error) {
	out := &report.History{}
	mended := map[[2]string][]time.Duration{} // by severity and control
	trends := map[string]*report.WorkloadTrend{}
	last, _, open, _, err := h.replay(ctx, func(e *entry, open map[string]life) {
		trend(trends, e)
		point := report.HistoryPoint{Taken: e.Taken, Snapshot: e.Snapshot, Assets: e.Assets, Unknown: e.Unknown, Open: map[string]int{}, Opened: 0}
		for s, n := range e.Open {
			point.Open[string(s)] = n
		}
		for _, o := range e.Opened {
			point.Opened += len(o.List)
		}
		for how, ids := range e.Closed {
			for _, id := range ids {
				l, was := open[id]
				if !was {
					continue
				}
				switch how {
				case endMended:
					point.Mended++
					if !e.Taken.Before(since) {
						key := [2]string{string(l.severity), l.control}
						mended[key] = append(mended[key], e.Taken.Sub(l.since))
					}
				default:
					point.Lost++
				}
			}
		}
		if !e.Taken.Before(since) {
			out.Points = append(out.Points, point)
		}
	})
	if err != nil || last == nil {
		return out, err
	}
	out.Mend = mendTimes(mended, open, last.Taken)
	for _, t := range trends {
		out.Workloads = append(out.Workloads, *t)
	}
	slices.SortFunc(out.Workloads, func(a, b report.WorkloadTrend) int { return strings.Compare(a.Name+"\x00"+a.ID, b.Name+"\x00"+b.ID) })
	return out, nil
}

// trend carries an entry over to how workloads came to stand.
func trend(trends map[string]*report.WorkloadTrend, e *entry) {
	for id, now := range e.Workloads {
		t := trends[id]
		if t == nil {
			t = &report.WorkloadTrend{ID: id, First: e.Taken}
			trends[id] = t
		}
		if now == nil {
			t.Points = append(t.Points, report.WorkloadPoint{Taken: e.Taken, Verdict: "gone"})
			continue
		}
		t.Name = now.Name
		t.Points = append(t.Points, report.WorkloadPoint{Taken: e.Taken, Verdict: string(now.Verdict), Open: now.Open})
		if now.Verdict == finding.Ready && t.Green == nil {
			at := e.Taken
			t.Green, t.HoursToGreen = &at, e.Taken.Sub(t.First).Hours()
		}
	}
}

// mendTimes are the medians, by severity and then by control.
func mendTimes(mended map[[2]string][]time.Duration, open map[string]life, now time.Time) []report.MendTime {
	rows := map[[2]string]*report.MendTime{}
	row := func(severity, control string) *report.MendTime {
		key := [2]string{severity, control}
		if rows[key] == nil {
			rows[key] = &report.MendTime{Severity: severity, Control: control}
		}
		return rows[key]
	}
	all := map[[2]string][]time.Duration{}
	for key, list := range mended {
		all[key] = append(all[key], list...)
		whole := [2]string{key[0], ""}
		all[whole] = append(all[whole], list...)
	}
	for key, list := range all {
		r := row(key[0], key[1])
		slices.Sort(list)
		r.Mended, r.MedianHours = len(list), median(list).Hours()
	}
	for _, l := range open {
		for _, control := range []string{"", l.control} {
			r := row(string(l.severity), control)
			r.Open++
			if age := now.Sub(l.since).Hours(); age > r.OldestHours {
				r.OldestHours = age
			}
		}
	}
	out := make([]report.MendTime, 0, len(rows))
	for _, r := range rows {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b report.MendTime) int {
		x, y := finding.Severity(a.Severity).Rank(), finding.Severity(b.Severity).Rank()
		if x != y {
			return y - x
		}
		return strings.Compare(a.Control, b.Control)
	})
	return out
}

// median of a sorted list that is not empty.
func median(list []time.Duration) time.Duration {
	if n := len(list); n%2 == 0 {
		return (list[n/2-1] + list[n/2]) / 2
	}
	return list[len(list)/2]
}
