package respond

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/respond/playbook"
)

// OrderError says that an incident is not so far.
type OrderError struct {
	ID   string
	Is   State
	Want State
	Why  string
	Next string
}

// Error implements error.
func (e *OrderError) Error() string {
	s := fmt.Sprintf("%s is %s and cannot become %s", e.ID, e.Is, e.Want)
	if e.Why != "" {
		s += ": " + e.Why
	}
	return s + "\nhint: " + e.Next
}

// change reads an incident, lets fn decide, and appends what it says as one after
// another; if somebody wrote meanwhile nothing of it is, and the error says who.
func (d Desk) change(id string, fn func(i *Incident) ([]change, error)) (*Incident, error) {
	return d.changeAny(id, func(i *Incident) ([]change, error) {
		if i.table != nil {
			return nil, fmt.Errorf("%s is a tabletop: it acts on nothing, and its decisions alone move it\nhint: sevenfold respond exercise tabletop --resume %s --by NAME, or exercise cancel %s", id, id, id)
		}
		return fn(i)
	})
}

// changeAny is change of tabletops too.
func (d Desk) changeAny(id string, fn func(i *Incident) ([]change, error)) (*Incident, error) {
	j, err := d.journal(id)
	if err != nil {
		return nil, err
	}
	defer j.Close()
	i, err := d.read(j)
	if err != nil {
		return nil, err
	}
	list, err := fn(i)
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		if _, err := j.Append(c.typ, "", c.by, c.data); err != nil {
			return nil, err
		}
	}
	if i, err = d.read(j); err == nil {
		d.waits(i)
	}
	return i, err
}

type change struct {
	typ, by string
	data    any
}

// errNobody says that an act has no name.
var errNobody = errors.New("who does it is not said\nhint: --by NAME")

// move makes the change to a state, if the incident is in the one before it.
func (i *Incident) move(to State, by, note string) (change, error) {
	if by == "" {
		return change{}, errNobody
	}
	if i.State.after() != to {
		why := "that comes later"
		if slices.Index(States(), i.State) >= slices.Index(States(), to) {
			why = "it was before"
		}
		return change{}, &OrderError{i.ID, i.State, to, why, i.Next}
	}
	return change{eventMoved, by, moved{to, note}}, nil
}

// Ack says that somebody has the incident in hand.
func (d Desk) Ack(id, by string) (*Incident, error) {
	return d.change(id, func(i *Incident) ([]change, error) {
		switch {
		case by == "":
			return nil, errNobody
		case i.Automatic && i.Taken == "" && by != ByDetection:
			return []change{{eventTaken, by, "what detection began by itself"}}, nil
		}
		c, err := i.move(Acknowledged, by, "")
		return []change{c}, err
	})
}

// Decide records the triage.
func (d Desk) Decide(id, by string, t Triage) (*Incident, error) {
	if !slices.Contains([]string{"critical", "high", "medium", "low"}, t.Severity) {
		return nil, fmt.Errorf("severity %q is none of critical, high, medium, low", t.Severity)
	}
	slices.Sort(t.Laws)
	t.Laws = slices.Compact(t.Laws)
	for _, law := range t.Laws {
		if _, err := Regime(law); err != nil {
			return nil, err
		}
	}
	return d.change(id, func(i *Incident) ([]change, error) {
		c, err := i.move(Triaged, by, "")
		return []change{{eventTriage, by, t}, c}, err
	})
}

// Note writes something down, in any state.
func (d Desk) Note(id, by, text string) (*Incident, error) {
	return d.change(id, func(*Incident) ([]change, error) {
		if by == "" || strings.TrimSpace(text) == "" {
			return nil, errors.New("a note needs a text and a name\nhint: --by NAME --note TEXT")
		}
		return []change{{eventNote, by, text}}, nil
	})
}

// Advance moves to eradicated, recovering or reviewed, which only people can say.
func (d Desk) Advance(id, by string, to State, note string) (*Incident, error) {
	if !slices.Contains([]State{Eradicated, Recovering, Reviewed}, to) {
		return nil, fmt.Errorf("%s is not said, it is done", to)
	}
	if strings.TrimSpace(note) == "" {
		return nil, errors.New("what was done is not said\nhint: --note TEXT")
	}
	return d.change(id, func(i *Incident) ([]change, error) {
		c, err := i.move(to, by, note)
		if err != nil || to == Reviewed || i.Source == SourceTabletop {
			return []change{c}, err
		}
		// What was contained may have been let go since.
		if verified, why, err := d.containment(i); err != nil {
			return nil, err
		} else if verified == 0 {
			return nil, &OrderError{i.ID, i.State, to, "it is contained no more: " + why, "sevenfold respond incident contain " + i.ID + " --apply --by NAME"}
		}
		return []change{c}, nil
	})
}

// lawful says whether a duty forbids to change anything before evidence is preserved.
func (i *Incident) lawful() bool {
	return i.Triage != nil && slices.ContainsFunc(i.Triage.Laws, func(law string) bool { return !i.ended[law] })
}

// kept reports whether anything was preserved, and not only said that there is nothing.
func (i *Incident) kept() bool {
	return slices.ContainsFunc(i.Evidence, func(e Evidence) bool { return e.Nothing == "" })
}

// Contained moves to contained once playbooks were run and their probes passed. Without
// one nothing is contained, whatever anybody says. One that was contained before, and let
// go, is so again: that is noted.
func (d Desk) Contained(id, by string) (*Incident, error) {
	return d.change(id, func(i *Incident) ([]change, error) {
		c, err := i.move(Contained, by, "")
		again := by != "" && slices.Contains([]State{Contained, Eradicated, Recovering}, i.State)
		if again {
			c, err = change{eventNote, by, containedAgain}, nil
		}
		if err != nil {
			return nil, err
		}
		verified, why, err := d.containment(i)
		if err != nil {
			return nil, err
		}
		if verified == 0 {
			return nil, &OrderError{i.ID, i.State, Contained, why, i.Next}
		}
		if again && !i.letGo() {
			return nil, nil
		}
		return []change{c}, nil
	})
}

const containedAgain = "it is contained again"

// letGo reports whether containment was taken back since it was last reached.
func (i *Incident) letGo() bool {
	gone := false
	for _, e := range i.Entries {
		switch {
		case e.What == string(Contained), e.Text == containedAgain:
			gone = false
		case e.What == "lifted":
			gone = true
		}
	}
	return gone
}

// containment counts the containing calls of an incident's playbooks whose probes
// passed; none count where one failed or its effect is not known.
func (d Desk) containment(i *Incident) (verified int, why string, err error) {
	why = "no playbook with a containment step was run"
	lifted := false
	for _, name := range i.Runs {
		j, err := d.Run(i.ID, name)
		if err != nil {
			return 0, "", err
		}
		out, err1 := playbook.State(j)
		effects, err2 := playbook.Effects(j)
		j2, _, err3 := playbook.Of(j)
		if err := errors.Join(err1, err2, err3, j.Close()); err != nil {
			return 0, "", err
		}
		if why := unfinished(j2, out); why != "" {
			return 0, "run " + name + ": " + why, nil
		}
		for _, e := range effects {
			switch {
			case e.Phase != "contain":
			case e.Undone:
				lifted = true
			case e.Verified:
				verified++
			}
		}
		if verified == 0 {
			why = "no containing action was verified"
		}
	}
	if lifted && verified == 0 {
		why = "what contained it was taken back"
	}
	return verified, why, nil
}

// unfinished says why a run cannot count as containment yet: it failed, or waits for
// something that comes before or is containment.
func unfinished(p *playbook.Playbook, out playbook.Outcome) string {
	switch out.Status {
	case playbook.Done:
		return ""
	case playbook.Failed:
		return "it failed: " + out.Why
	case playbook.Waiting:
		for _, w := range out.Pending {
			id := w.Step[strings.LastIndexByte(w.Step, '/')+1:]
			if s := p.Steps[id]; s == nil || !slices.Contains([]string{"eradicate", "recover", "verify", "notify"}, s.Phase) {
				return "it waits for " + w.Kind + " of " + w.Step
			}
		}
		return ""
	}
	return "it did not come to its end: resume it"
}

// AddRun makes the journal of a playbook's run in the incident; the caller closes it.
// It refuses containment before evidence is preserved where the law asks for that.
func (d Desk) AddRun(id, by string, p *playbook.Playbook, values map[string]string) (*playbook.Journal, string, error) {
	var j *playbook.Journal
	var name string
	_, err := d.change(id, func(i *Incident) ([]change, error) {
		switch {
		case by == "":
			return nil, errNobody
		case i.Source == SourceTabletop:
			return nil, fmt.Errorf("%s is a tabletop: it is talked through, and acts on nothing\nhint: sevenfold respond exercise live --apply practises containment itself", id)
		case i.State == Returned || i.State == Reviewed:
			return nil, fmt.Errorf("%s is %s: nothing of it is left to contain\nhint: sevenfold respond incident open, if it is back", id, i.State)
		}
		contains := slices.ContainsFunc(p.Actions(), func(s *playbook.Step) bool { return s.Phase == "contain" })
		if contains && slices.Index(States(), i.State) < slices.Index(States(), Triaged) {
			return nil, &OrderError{i.ID, i.State, Contained, "it has to be triaged first", i.Next}
		}
		if contains && i.State == Triaged {
			why := "evidence has to be preserved first"
			if i.lawful() {
				why += ": the law asks for it (" + strings.Join(i.Triage.Laws, ", ") + ")"
			}
			return nil, &OrderError{i.ID, i.State, Contained, why, i.Next}
		}
		if contains && i.State == Preserved && i.lawful() && !i.kept() { // a law that was named after it was said that there is nothing
			return nil, &OrderError{i.ID, i.State, Contained, "evidence has to be preserved first: the law asks for it (" + strings.Join(i.Triage.Laws, ", ") + "), and all that was said is that there is nothing",
				"sevenfold respond incident preserve " + i.ID + " --by NAME --what TEXT --file PATH"}
		}
		if err := p.Fill(values); err != nil {
			return nil, err
		}
		dir, err := d.folder(id)
		if err != nil {
			return nil, err
		}
		// One that somebody began and did not come to name here has other values: it is left.
		for n := len(i.Runs) + 1; ; n++ {
			name = fmt.Sprintf("run-%02d-%s", n, p.ID)
			if j, err = playbook.OpenJournal(filepath.Join(dir, name+".jsonl"), d.Now); err != nil {
				return nil, err
			}
			if len(j.Events()) == 0 {
				break
			}
			if err := j.Close(); err != nil {
				return nil, err
			}
		}
		if err := playbook.Begin(j, p, values); err != nil {
			return nil, err
		}
		return []change{{eventRun, by, name}}, nil
	})
	if err != nil && j != nil {
		err = errors.Join(err, j.Close())
	}
	return j, name, err
}

// Run opens the journal of a run; the caller closes it.
func (d Desk) Run(id, name string) (*playbook.Journal, error) {
	dir, err := d.folder(id)
	if err != nil {
		return nil, err
	}
	if name != filepath.Base(name) || !strings.HasPrefix(name, "run-") {
		return nil, fmt.Errorf("%q is no run of %s", name, id)
	}
	path := filepath.Join(dir, name+".jsonl")
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("%s has no run %s\nhint: sevenfold respond incident show %s lists them", id, name, id)
	}
	return playbook.OpenJournal(path, d.Now)
}
