package respond

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Range is the way marked synthetic events go in live fire: the same that real ones go.
type Range interface {
	// Fire sends events that a scenario's signal would show, all of them marked, into
	// the real ingest path.
	Fire(ctx context.Context, marker, workload string, s Signal) error
	// Seen waits until an incident names the marker, and says which and when.
	Seen(ctx context.Context, marker string) (incident string, at time.Time, err error)
}

// ErrNotSeen says that live fire was not seen in time: that is its result, not a fault.
var ErrNotSeen = errors.New("the injected events were not seen")

// Drill are the people of a live exercise.
type Drill interface {
	// Acknowledge says who has it in hand.
	Acknowledge(ctx context.Context, exercise, incident string) (by string, err error)
	// Contain contains, or tries to in dry run; the note says which. An error is a gap.
	// Applied reports that something was changed, which has to be taken back.
	Contain(ctx context.Context, exercise, incident string) (by, note string, applied bool, err error)
}

// StillApplied is the gap of a live exercise whose containment was not taken back; it
// closes when the exercise returns.
const StillApplied = "return"

// Fire runs a live exercise: marked events in, the incident heard, then acknowledged
// and contained by who is called for it; each time is measured from the first event.
// within bounds the wait for detection. Of the scenario's signals those are fired that an
// attack plays; with none it is an error.
func (d Desk) Fire(ctx context.Context, r Range, k *Ranked, by string, within time.Duration, people Drill) (*Record, error) {
	played := slices.DeleteFunc(slices.Clone(k.Scenario.Signals), func(s Signal) bool { return s.Play == "" })
	if len(played) == 0 {
		return nil, fmt.Errorf("no synthetic attack shows a signal of %s\nhint: sevenfold respond exercise tabletop practises the rest of it", k.Scenario.ID)
	}
	i, err := d.Open(Opening{Title: k.Scenario.Title, Scenario: k.Scenario.ID, Workload: k.Workload.Name, Exercise: true, Source: SourceLive}, by)
	if err != nil {
		return nil, err
	}
	rec := &Record{ID: i.ID, Kind: LiveFire, Workload: k.Workload.ID, Scenario: k.Scenario.ID, At: i.At[Detected]}
	began := d.now()
	for _, s := range played {
		if err := r.Fire(ctx, i.ID, k.Workload.ID, s); err != nil {
			return rec, fmt.Errorf("signal %s: %w", s.ID, err)
		}
	}
	wait, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	incident, at, err := r.Seen(wait, i.ID)
	if err != nil {
		if ctx.Err() != nil {
			return rec, ctx.Err()
		}
		rec.Gaps = append(rec.Gaps, Gap{ID: "detect", Text: fmt.Sprintf("the injected events were not seen within %s: %v", within, err)})
		return rec, ErrNotSeen
	}
	rec.Detect = at.Sub(began)
	if _, err := d.Note(i.ID, by, "detection told of it as "+incident); err != nil {
		return rec, err
	}
	return rec, d.answer(ctx, rec, began, incident, people)
}

// answer measures how people answer what detection told of.
func (d Desk) answer(ctx context.Context, rec *Record, began time.Time, incident string, people Drill) error {
	who, err := people.Acknowledge(ctx, rec.ID, incident)
	if err != nil {
		rec.Gaps = append(rec.Gaps, Gap{ID: "acknowledge", Text: oneLine(err)})
		return nil
	}
	if _, err := d.Ack(rec.ID, who); err != nil {
		return err
	}
	rec.Acknowledge = d.now().Sub(began)
	who, note, applied, err := people.Contain(ctx, rec.ID, incident)
	if applied {
		rec.Gaps = append(rec.Gaps, Gap{ID: StillApplied, Text: "what contains it is applied: go on with sevenfold respond incident show " + rec.ID + " to its return"})
	}
	if err != nil {
		rec.Gaps = append(rec.Gaps, Gap{ID: "contain", Text: oneLine(err)})
		return nil
	}
	rec.Contain = d.now().Sub(began)
	_, err = d.Note(rec.ID, who, note)
	return err
}

// Returned notes in the record of a live exercise that it returned, and when.
func (s Shelf) Returned(i *Incident) error {
	if !i.Exercise || i.At[Returned].IsZero() {
		return nil
	}
	return s.Change(i.ID, func(r *Record) {
		r.Return = i.At[Returned].Sub(i.At[Detected])
		for n := range r.Gaps {
			if g := &r.Gaps[n]; g.ID == StillApplied && g.Closed == "" {
				g.Closed = "it returned to production " + i.At[Returned].UTC().Format(time.RFC3339)
			}
		}
	})
}
