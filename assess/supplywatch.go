package assess

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/gate"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/supply"
	"github.com/sevenfold-sec/sevenfold/steps/supply/osv"
)

// Watching is what supply watch answers: the vulnerabilities of everything that was
// examined, those in use first.
type Watching struct {
	Taken   time.Time `json:"taken"`
	Records []Stocked `json:"records"`
	Places  int       `json:"places"`
	// Decided counts the components that were held against records, Of all of them.
	Decided int            `json:"decided"`
	Of      int            `json:"of"`
	Matches []WatchedMatch `json:"matches"`
	Open    []string       `json:"open"`
}

// Stocked describes the records of one ecosystem.
type Stocked struct {
	Ecosystem string    `json:"ecosystem"`
	Records   int       `json:"records"`
	AsOf      time.Time `json:"asOf"`
	AgeDays   int       `json:"ageDays"`
	Stale     bool      `json:"stale"`
}

// WatchedMatch is one vulnerability of one component of one place.
type WatchedMatch struct {
	supply.Match
	Place string `json:"place"`
	// Uses are the workloads that are made of it: it is in use.
	Uses []supply.Use `json:"uses"`
	New  bool         `json:"new"`
}

const watchSeenKey = "seen"

// Answer decides the vulnerabilities of everything that was examined, says which
// workloads of a snapshot run it, and notes what was told. snap is nil where none was
// ever taken.
func (s Supply) Answer(ctx context.Context, now time.Time, sc *scope.Scope, snap *estate.Snapshot) (*Watching, error) {
	k, err := s.Known(ctx, now)
	if err != nil {
		return nil, err
	}
	uses := map[string][]supply.Use{}
	a := &Watching{Taken: now, Records: []Stocked{}, Matches: []WatchedMatch{}, Open: []string{}}
	if snap != nil {
		workloads, err := sc.Workloads(snap)
		if err != nil {
			return nil, err
		}
		uses = supply.New(sc).With(k).Uses(snap, workloads)
	}
	stocks := k.Stocks
	if stocks == nil { // nothing was examined: the records are there all the same
		r, err := s.records(ctx)
		if err != nil {
			return nil, err
		}
		stocks = r.stocks
	}
	for _, x := range stocks {
		age := x.Age(now)
		a.Records = append(a.Records, Stocked{x.Ecosystem, x.Records, x.AsOf, int(age.Hours() / 24), age > s.Stale})
	}
	var before map[string]bool
	if err := s.read(ctx, watchSeenKey, &before); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for i := range k.Examined {
		e := &k.Examined[i]
		w := k.Watched[e.Place]
		if w == nil {
			continue
		}
		a.Places++
		a.Decided, a.Of = a.Decided+w.Decided, a.Of+w.Of
		for _, o := range w.Open {
			a.Open = append(a.Open, e.Place+": "+o)
		}
		for _, p := range e.Bill.Problems {
			a.Open = append(a.Open, e.Place+": "+p.Path+" was not read: "+p.Why)
		}
		if w.Of == 0 {
			a.Open = append(a.Open, e.Place+": no package was found")
		}
		for _, m := range w.Matches {
			key := strings.Join([]string{e.Place, m.Component, m.ID}, " ")
			seen[key] = true
			used := uses[e.Place]
			if used == nil {
				used = []supply.Use{}
			}
			a.Matches = append(a.Matches, WatchedMatch{Match: m, Place: e.Place, Uses: used, New: !before[key]})
		}
	}
	if a.Places == 0 {
		a.Open = append(a.Open, "nothing was examined yet: sevenfold supply bom PATH --of PLACE")
	}
	slices.SortStableFunc(a.Matches, func(x, y WatchedMatch) int {
		return cmp.Or(rank(y)-rank(x), strings.Compare(x.Place, y.Place))
	})
	return a, s.write(ctx, watchSeenKey, seen)
}

// rank puts what is in use before what only lies there, and within each what is
// exploited before what is merely severe.
func rank(m WatchedMatch) int {
	n := map[osv.Severity]int{osv.Critical: 4, osv.High: 3, osv.Medium: 2, osv.Low: 1}[m.Severity]
	if m.KEV {
		n += 10
	}
	if len(m.Uses) > 0 {
		n += 100
	}
	if m.Dev {
		n -= 50
	}
	return n
}

// OnlyNew leaves what was told before out.
func (a *Watching) OnlyNew() {
	a.Matches = slices.DeleteFunc(a.Matches, func(m WatchedMatch) bool { return !m.New })
}

// Exit is the exit code: 1 with a vulnerability at or above a severity, else 3 where
// something could not be decided, else 0.
func (a *Watching) Exit(failOn finding.Severity) int {
	open := len(a.Open) > 0 || a.Decided == 0
	for _, m := range a.Matches {
		switch {
		case m.Dev:
		case m.KEV || m.Severity != osv.NotStated && severity(m.Severity).AtLeast(failOn):
			return gate.Exit([]finding.Verdict{finding.NotReady})
		case m.Severity == osv.NotStated:
			open = true
		}
	}
	if open {
		return gate.Exit([]finding.Verdict{finding.VerdictUnknown})
	}
	return 0
}

func severity(s osv.Severity) finding.Severity {
	if p, err := finding.ParseSeverity(fmt.Sprint(s)); err == nil {
		return p
	}
	return finding.Info
}

// ServicesOf are the external services that each workload of a snapshot calls, by the
// workload's name.
func ServicesOf(ctx context.Context, snap *estate.Snapshot, o Options) (map[string][]supply.Used, error) {
	step := supplyStepOf(o)
	d, err := step.Derive(ctx, snap)
	if err == nil {
		snap, err = snap.With(d.Assets, d.Relations, d.BlindSpots)
	}
	if err != nil {
		return nil, err
	}
	workloads, err := o.Scope.Workloads(snap)
	if err != nil {
		return nil, err
	}
	return step.ServicesOf(ctx, snap, workloads)
}
