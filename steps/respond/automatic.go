package respond

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/respond/playbook"
)

// eventTaken says that a person took in hand what detection had begun by itself.
const eventTaken = "incident.taken"

// ByDetection is who did what no person did.
const ByDetection = scope.Detection

// SourceDetection begins the source of incidents that detection told of; its name of the
// incident follows.
const SourceDetection = "detection "

// own folds who did an event of an incident: detection by itself, or a person after it.
func (i *Incident) own(e *playbook.Event) {
	switch {
	case e.By == ByDetection && slices.Contains([]string{eventMoved, eventTriage, eventEvidence, eventRun}, e.Type):
		i.Automatic = true
		if e.Type == eventRun {
			i.began = append(i.began, e.Time)
			if n := len(i.Runs); n > 0 {
				i.ownRun = i.Runs[n-1]
			}
		}
	case i.Automatic && i.Taken == "" && e.By != "" && e.By != ByDetection && slices.Contains([]string{eventTaken, eventMoved, eventTriage, eventRun, eventLifted}, e.Type):
		i.Taken, i.takenAt = e.By, e.Time
	}
}

// acknowledged is when a person had it in hand; zero: nobody yet. That detection went to
// work is no acknowledgement.
func (i *Incident) acknowledged() time.Time {
	if i.Automatic {
		return i.takenAt
	}
	return i.At[Acknowledged]
}

// Hold says why nothing may be done of an incident by itself, or go on; empty: nothing
// stands against it. others are all incidents there are, as Show gives them; planned is what
// would be done; perHour bounds the runs begun.
func (i *Incident) Hold(others []*Incident, scenario, workload string, planned []Planned, perHour int, now time.Time) string {
	switch {
	case i.Taken != "":
		return i.Taken + " has it in hand"
	case !i.Automatic && i.State != Detected:
		return "somebody has it in hand"
	case i.ownRun != "":
		return "" // begun: it is gone on with
	}
	count := 0
	for _, o := range others {
		for _, at := range o.began {
			// A time to come counts: a clock that was put back frees nobody of the bound.
			if now.Sub(at) < time.Hour {
				count++
			}
		}
		if o.ID != i.ID && !o.Exercise && o.ownRun != "" && o.State != Reviewed && o.Scenario == scenario && o.Workload == workload {
			return fmt.Sprintf("%s began %s on %s by itself, and is not over", o.ID, scenario, workload)
		}
		if o.ID == i.ID || o.State == Reviewed {
			continue
		}
		// What another procedure changed is its to put back: the state read now would be no
		// state from before.
		for _, c := range o.Changes {
			if c.Stands != "undone" && slices.ContainsFunc(planned, func(p Planned) bool { return p.Phase == "contain" && p.Call.Target == c.Target }) {
				return fmt.Sprintf("%s changed %s (%s, %s), and is not over", o.ID, c.Target, c.Action, c.Stands)
			}
		}
	}
	if count >= perHour {
		return fmt.Sprintf("%d playbooks began by themselves within an hour, which is the bound (respond.automatic_per_hour)", count)
	}
	return ""
}

// OwnRun is the run that detection began of an incident by itself; empty: none.
func (i *Incident) OwnRun() string { return i.ownRun }

// Stood writes down why nothing was done by itself, once for each reason.
func (d Desk) Stood(id, why string) error {
	text := "nothing is done by itself: " + why
	_, err := d.change(id, func(i *Incident) ([]change, error) {
		if slices.ContainsFunc(i.Entries, func(e Entry) bool { return e.By == ByDetection && e.Text == text }) {
			return nil, nil
		}
		return []change{{eventNote, ByDetection, text}}, nil
	})
	return err
}

// Stopped writes down why a run that began by itself was stopped, and what stands of it, once
// for each reason.
func (d Desk) Stopped(id, why string) error {
	i, err := d.Show(id) // with its changes
	if err != nil {
		return err
	}
	stands := fmt.Sprintf("%d changes stand", i.standing())
	if i.standing() == 1 {
		stands = "1 change stands"
	}
	_, err = d.change(id, func(i *Incident) ([]change, error) {
		text := "what began by itself was stopped: " + why
		if slices.ContainsFunc(i.Entries, func(e Entry) bool { return e.By == ByDetection && strings.HasPrefix(e.Text, text) }) {
			return nil, nil
		}
		return []change{{eventNote, ByDetection, text + "; " + stands}}, nil
	})
	return err
}

// Begun is what a run that begins by itself rests on.
type Begun struct {
	Detection json.RawMessage // as detection told it
	Planned   []Planned       // what each action would do, and the state that was read
	Triage    Triage
	Workload  string
	Values    map[string]string
	Playbook  *playbook.Playbook
}

// BeginAlone brings an incident that detection told of to where its playbook runs, in the
// order that people keep too: triaged, with what detection told and what is about to be done
// preserved, then the run. It goes on where a process that was killed stopped, and begins no
// second run. The caller closes the journal.
func (d Desk) BeginAlone(id string, b Begun) (*playbook.Journal, string, error) {
	for {
		i, err := d.Show(id)
		if err != nil {
			return nil, "", err
		}
		switch {
		case i.Source == SourceTabletop || i.Exercise:
			return nil, "", fmt.Errorf("%s is an exercise: nothing of it is done by itself", id)
		case i.Taken != "":
			return nil, "", fmt.Errorf("%s: %s has it in hand", id, i.Taken)
		case i.ownRun != "":
			j, err := d.Run(id, i.ownRun)
			return j, i.ownRun, err
		case i.State == Detected:
			_, err = d.change(id, func(i *Incident) ([]change, error) {
				c, err := i.move(Acknowledged, ByDetection, "because of "+i.Source)
				return []change{{eventConcerns, ByDetection, b.Workload}, c}, err
			})
		case i.State == Acknowledged:
			_, err = d.Decide(id, ByDetection, b.Triage)
		case i.State == Triaged:
			err = d.preserveOwn(id, b)
		case i.State == Preserved:
			return d.AddRun(id, ByDetection, b.Playbook, b.Values)
		default:
			return nil, "", fmt.Errorf("%s is %s: nothing of it begins by itself any more", id, i.State)
		}
		if err != nil {
			return nil, "", err
		}
	}
}

// preserveOwn keeps what detection told, and the plan with the state before it.
func (d Desk) preserveOwn(id string, b Begun) error {
	text, err := json.MarshalIndent(map[string]any{"detection": b.Detection, "values": b.Values, "plan": b.Planned}, "", " ")
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "sevenfold-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a copy is kept
	file := filepath.Join(dir, "detection-and-plan.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	_, err = d.Preserve(id, ByDetection, Evidence{What: "what detection told, and what is about to be changed as it was read before"}, file)
	return err
}

// EndAlone notes how a run that began by itself stands, and moves the incident on where what
// contains it was verified.
func (d Desk) EndAlone(id, run string, out playbook.Outcome) (*Incident, error) {
	i, err := d.Contained(id, ByDetection)
	var order *OrderError
	if err == nil || !errors.As(err, &order) {
		return i, err
	}
	text := "run " + run + ", begun by itself, " + string(out.Status)
	switch out.Status {
	case playbook.Waiting:
		var waits []string
		for _, p := range out.Pending {
			waits = append(waits, p.Kind+" of "+p.Step)
		}
		text = "run " + run + ", begun by itself, stops and waits for people: " + strings.Join(waits, ", ")
	case playbook.Failed:
		text += ": " + out.Why
	}
	return d.change(id, func(i *Incident) ([]change, error) {
		if slices.ContainsFunc(i.Entries, func(e Entry) bool { return e.By == ByDetection && e.Text == text }) {
			return nil, nil
		}
		return []change{{eventNote, ByDetection, text}}, nil
	})
}
