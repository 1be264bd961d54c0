package main

import (
	"fmt"

	"github.com/sevenfold-sec/sevenfold/steps/detect/behaviour"
	"github.com/sevenfold-sec/sevenfold/steps/detect/incident"
	"github.com/sevenfold-sec/sevenfold/test/org"
)

// watcher tells what the model and the rules said of the events of techniques that were
// missed, of those that may be looked at: for who chooses weights, on seeds that are not
// reported.
type watcher struct {
	*behaviour.Model
	budget *incident.Budget
	attack string // of the event under way; "" for none, or one not to be looked at
	said   map[string][]string
	// ordinary counts, by rule, what it cost: matches of what is no attack.
	ordinary map[string]int
}

func (w *watcher) note(text string) { w.said[w.attack] = append(w.said[w.attack], text) }

// Observe implements detect.Model.
func (w *watcher) Observe(o *behaviour.Observation) behaviour.Signal {
	s := w.Model.Observe(o)
	if w.attack != "" && s.Surprise > 0.5 {
		w.note(fmt.Sprintf("%s:%s surprise %.1f of threshold %.1f", o.Service, o.Action, s.Surprise, w.budget.Threshold()))
	}
	return s
}

// Matched is Model.Matched, told.
func (w *watcher) Matched(o *behaviour.Observation, rule string) (float64, behaviour.Term, bool) {
	surprise, why, first := w.Model.Matched(o, rule)
	switch {
	case !first:
	case w.attack != "":
		w.note(fmt.Sprintf("rule %s rare %.1f on %s:%s", rule, surprise, o.Service, o.Action))
	default:
		w.ordinary[rule]++
	}
	return surprise, why, first
}

// tune prints what was missed of the techniques that are looked at, and the sum.
func tune(seeds []uint64, t trial, attacks []org.Attack) error {
	found, of := 0, 0
	cost := map[string]int{}
	for _, s := range seeds {
		w := &watcher{said: map[string][]string{}, ordinary: cost}
		t.seed, t.watch = s, w
		out, err := run(t, attacks)
		if err != nil {
			return err
		}
		missed := map[string]bool{}
		for _, m := range out.missed {
			missed[m] = true
		}
		for i, a := range attacks {
			if !lookedAt(i) {
				continue
			}
			of++
			if !missed[a.Technique] {
				found++
				continue
			}
			fmt.Printf("seed %d missed %s\n", s, a.Technique)
			for _, line := range w.said[a.Technique] {
				fmt.Println("   ", line)
			}
		}
		fmt.Printf("seed %d: %.2f told a day\n", s, out.perDay)
	}
	for r, n := range cost {
		fmt.Printf("rule %s: %.2f ordinary matches a day\n", r, float64(n)/float64(len(seeds)*(learnDays+liveDays)))
	}
	fmt.Printf("found %d of %d of the techniques that may be looked at: %.3f\n", found, of, float64(found)/float64(of))
	return nil
}
