package respond

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrStopped says that an exercise was broken off.
var ErrStopped = errors.New("the exercise was broken off")

// table is a tabletop as its journal keeps it: what it is made of, what was decided, and,
// once it is over, its record.
type table struct {
	Exercise *Exercise `json:"exercise"`
	// Material is of the workload's essence when it was made: see Record.
	Material string `json:"material"`

	decisions []Decision
	over      bool
	record    *Record // nil: it was called off
}

// decision is what the journal keeps of one: the decision, and as people read it.
type decision struct {
	Decision
	Said string `json:"said"`
}

// decided folds a decision. Older versions kept what was said alone.
func (i *Incident) decided(data json.RawMessage) (said string, err error) {
	if json.Unmarshal(data, &said) == nil {
		return said, nil
	}
	var d decision
	if err := json.Unmarshal(data, &d); err != nil {
		return "", err
	}
	if i.table != nil {
		i.table.decisions = append(i.table.decisions, d.Decision)
	}
	return d.Said, nil
}

// ending is how a tabletop ended.
type ending struct {
	Record *Record `json:"record,omitempty"`
	Off    string  `json:"off,omitempty"` // why it was called off
}

func (i *Incident) played(data json.RawMessage) (string, error) {
	var end ending
	if err := json.Unmarshal(data, &end); err != nil {
		return "", err
	}
	if i.table == nil {
		return "", errors.New("it ends a tabletop that did not begin")
	}
	i.table.over, i.table.record = true, end.Record
	if end.Record == nil {
		return "called off: " + end.Off, nil
	}
	return fmt.Sprintf("%d of 100", end.Record.Score), nil
}

// Unfinished reports whether it is a tabletop that was begun and neither played to its end
// nor called off.
func (i *Incident) Unfinished() bool { return i.table != nil && !i.table.over }

// CalledOff reports whether it is a tabletop that was called off.
func (i *Incident) CalledOff() bool { return i.table != nil && i.table.over && i.table.record == nil }

// Play runs a tabletop on the same state machine as an incident, with every decision in
// its journal, so that one that was broken off can be resumed.
func (d Desk) Play(ctx context.Context, e *Exercise, f Face, by, material string) (*Played, error) {
	i, err := d.Open(Opening{Title: e.Title, Scenario: e.Scenario, Workload: e.Workload, Exercise: true, Source: SourceTabletop}, by)
	if err != nil {
		return nil, err
	}
	i, err = d.changeAny(i.ID, func(*Incident) ([]change, error) {
		return []change{{eventTable, by, table{Exercise: e, Material: material}}}, nil
	})
	if err != nil {
		return nil, err
	}
	return d.goOn(ctx, i, f, by)
}

// Resume goes on with a tabletop that was broken off, at its next inject. One that was
// played to its end is told again.
func (d Desk) Resume(ctx context.Context, id string, f Face, by string) (*Played, error) {
	i, err := d.Show(id)
	if err != nil {
		return nil, err
	}
	if i.table == nil || i.CalledOff() {
		return nil, fmt.Errorf("%s is no tabletop that was broken off\nhint: sevenfold respond exercise list", id)
	}
	return d.goOn(ctx, i, f, by)
}

// CallOff ends a tabletop that was broken off, without a record.
func (d Desk) CallOff(id, by, why string) error {
	_, err := d.changeAny(id, func(i *Incident) ([]change, error) {
		switch {
		case !i.Unfinished():
			return nil, fmt.Errorf("%s is no tabletop that was broken off\nhint: sevenfold respond exercise list", id)
		case by == "" || strings.TrimSpace(why) == "":
			return nil, errors.New("who calls it off, and why, is not said\nhint: --by NAME --note WHY")
		}
		return []change{{eventPlayed, by, ending{Off: why}}}, nil
	})
	return err
}

// goOn plays what is left of a tabletop, and writes its record.
func (d Desk) goOn(ctx context.Context, i *Incident, f Face, by string) (*Played, error) {
	e := i.table.Exercise
	p := &Played{Exercise: e, ID: i.ID, Started: i.At[Detected], Gaps: slices.Clone(e.Observations), Decisions: []Decision{}}
	for n, dec := range i.table.decisions {
		if n >= len(e.Injects) || dec.Inject != e.Injects[n].ID {
			return p, fmt.Errorf("%s: decision %d of its journal is of no inject", i.ID, n+1)
		}
		p.take(&e.Injects[n], dec, e.Until(n))
	}
	f.Begin(i.ID, e, len(p.Decisions))
	for n := len(p.Decisions); n < len(e.Injects); n++ {
		in := &e.Injects[n]
		if err := f.Wait(ctx, in.At); err != nil {
			return p, err
		}
		f.Show(e, in)
		began := f.Elapsed()
		dec := Decision{Inject: in.ID}
		var err error
		if dec.Choice, dec.Text, dec.By, err = f.Ask(ctx, in); err != nil {
			return p, err
		}
		dec.At = f.Elapsed()
		dec.Took = dec.At - began
		if dec.Choice > 0 && dec.Choice <= len(in.Choices) {
			c := in.Choices[dec.Choice-1]
			dec.Points, dec.Gap = c.Points, c.Gap
			if dec.Took > e.Until(n) {
				dec.Late, dec.Points = true, dec.Points/2
			}
		}
		if err := d.decide(i.ID, e, in, &dec); err != nil {
			return p, err
		}
		p.take(in, dec, e.Until(n))
	}
	p.Scored = e.Scores(p.Decisions)
	if now, err := d.Show(i.ID); err == nil {
		p.Wall = now.Wall()
	}
	if best := e.Best(); best > 0 {
		p.Score = 100 * p.points() / best
	}
	if i.table.over {
		return p, nil
	}
	r := p.Record(i.table.Material)
	_, err := d.changeAny(i.ID, func(now *Incident) ([]change, error) {
		if !now.Unfinished() || len(now.table.decisions) != len(e.Injects) {
			return nil, fmt.Errorf("%s was ended elsewhere meanwhile", i.ID)
		}
		return []change{{eventPlayed, by, ending{Record: &r}}}, nil
	})
	return p, err
}

// take adds a decision to what was played.
func (p *Played) take(in *Inject, dec Decision, left time.Duration) {
	p.Decisions = append(p.Decisions, dec)
	if dec.Gap != "" {
		p.Gaps = append(p.Gaps, Gap{ID: in.ID, Text: dec.Gap})
	}
	if dec.Late {
		p.Gaps = append(p.Gaps, Gap{ID: in.ID + "-late", Text: fmt.Sprintf("the decision took %s of exercise time; more happened after %s", dec.Took.Round(time.Second), left)})
	}
	switch in.Moves {
	case Acknowledged:
		p.Acknowledge = dec.At
	case Contained:
		if dec.Points > 0 {
			p.Contain = dec.At
		}
	}
}

func (p *Played) points() int {
	n := 0
	for k := range p.Decisions {
		n += p.Decisions[k].Points
	}
	return n
}

// decide writes a decision, and moves the exercise on as an incident would be. What the
// state machine asks of an incident (evidence, verified containment) a tabletop plays.
func (d Desk) decide(id string, e *Exercise, in *Inject, dec *Decision) error {
	_, err := d.changeAny(id, func(i *Incident) ([]change, error) {
		if !i.Unfinished() || len(i.table.decisions) >= len(e.Injects) || e.Injects[len(i.table.decisions)].ID != in.ID {
			return nil, fmt.Errorf("%s was gone on with elsewhere meanwhile: this decision is not kept\nhint: sevenfold respond exercise report %s", id, id)
		}
		said := in.ID + ": " + dec.Text
		if dec.Choice > 0 && dec.Choice <= len(in.Choices) {
			said = in.ID + ": " + strconv.Itoa(dec.Choice) + ", " + in.Choices[dec.Choice-1].Text
			if dec.Text != "" {
				said += " — " + dec.Text
			}
		}
		list := []change{{eventDecision, dec.By, decision{*dec, said}}}
		if in.Moves == "" {
			return list, nil
		}
		if in.Moves == Triaged {
			list = append(list, change{eventTriage, dec.By, Triage{Severity: e.Severity, Scenario: e.Scenario, Laws: e.Laws}})
		}
		note := "played"
		switch {
		case in.Moves == Contained && dec.Points == 0:
			note = "played: what was chosen does not contain it; the procedure was run in its place"
		case in.Moves == Preserved && dec.Gap != "":
			note = "played, but as was chosen " + dec.Gap
		}
		c, err := i.move(in.Moves, dec.By, note)
		if err != nil {
			return nil, err
		}
		return append(list, c), nil
	})
	return err
}

// Record is what is kept of a played exercise.
func (p *Played) Record(material string) Record {
	return Record{ID: p.ID, Kind: Tabletop, Workload: p.Exercise.WorkloadID, Scenario: p.Exercise.Scenario, At: p.Started, Material: material, Gaps: p.Gaps, Acknowledge: p.Acknowledge, Contain: p.Contain, Score: p.Score}
}

// sound reports whether a record is what the journal of its exercise says; only how gaps
// were closed is not in there. Exercises of older versions have no record in theirs.
func (d Desk) sound(r *Record) error {
	i, err := d.Show(r.ID)
	if err != nil {
		return fmt.Errorf("the journal of %s: %w", r.ID, err)
	}
	if i.table == nil {
		return nil
	}
	kept := *r
	kept.Gaps = slices.Clone(r.Gaps)
	for n := range kept.Gaps {
		kept.Gaps[n].Closed = ""
	}
	var said *Record
	if i.table.over {
		said = i.table.record
	}
	a, err1 := json.Marshal(&kept)
	b, err2 := json.Marshal(said)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if string(a) != string(b) {
		return fmt.Errorf("what %s keeps of %s is not what its journal says\nhint: restore the state from a copy", recordsFile, r.ID)
	}
	return nil
}
