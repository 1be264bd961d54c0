package respond

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/respond/playbook"
)

// Desk keeps incidents and exercises in a folder: one folder each, with its journal,
// those of its playbooks, and its evidence.
type Desk struct {
	Folder string
	// Now is the clock; nil: the machine's.
	Now func() time.Time
}

var incidentID = regexp.MustCompile(`^(INC|EXE)-[0-9]{8}-[0-9]{3,}$`)

func (d Desk) now() time.Time {
	if d.Now != nil {
		return d.Now().UTC()
	}
	return time.Now().UTC()
}

// ErrNoIncident says that there is no incident of that name.
var ErrNoIncident = errors.New("no such incident")

// folder of an incident; the name comes from a person and leads nowhere else.
func (d Desk) folder(id string) (string, error) {
	if !incidentID.MatchString(id) {
		return "", fmt.Errorf("%w: %q is no name of one\nhint: sevenfold respond incident list", ErrNoIncident, id)
	}
	return filepath.Join(d.Folder, id), nil
}

// journal opens an incident's; the caller closes it.
func (d Desk) journal(id string) (*playbook.Journal, error) {
	dir, err := d.folder(id)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(dir, "journal.jsonl")); err != nil {
		return nil, fmt.Errorf("%w: %s\nhint: sevenfold respond incident list", ErrNoIncident, id)
	}
	return playbook.OpenJournal(filepath.Join(dir, "journal.jsonl"), d.Now)
}

// Open opens an incident, or an exercise, and gives it a name.
func (d Desk) Open(o Opening, by string) (*Incident, error) {
	switch {
	case strings.TrimSpace(o.Title) == "":
		return nil, errors.New("an incident needs a title")
	case o.Began.After(d.now().Add(time.Minute)):
		return nil, fmt.Errorf("it cannot have begun at %s: that is to come\nhint: give the time with its zone, as in 2026-11-28T09:30:00Z", o.Began.Format(time.RFC3339))
	case o.Known.After(d.now().Add(time.Minute)):
		return nil, fmt.Errorf("nobody can have known of it at %s: that is to come\nhint: give the time with its zone, as in 2026-11-28T09:30:00Z", o.Known.Format(time.RFC3339))
	case !o.Known.IsZero() && o.Known.Before(o.Began):
		return nil, fmt.Errorf("nobody can have known of it at %s, before it began (%s)\nhint: --known is when somebody first knew of it, --began when it began", o.Known.Format(time.RFC3339), o.Began.Format(time.RFC3339))
	}
	o.Known = o.Known.UTC()
	if err := os.MkdirAll(d.Folder, 0o700); err != nil {
		return nil, err
	}
	kind := "INC"
	if o.Exercise {
		kind = "EXE"
	}
	for n := 1; ; n++ {
		o.ID = fmt.Sprintf("%s-%s-%03d", kind, d.now().Format("20060102"), n)
		err := os.Mkdir(filepath.Join(d.Folder, o.ID), 0o700)
		if errors.Is(err, os.ErrExist) {
			continue // somebody else opens one too
		}
		if err != nil {
			return nil, err
		}
		break
	}
	j, err := playbook.OpenJournal(filepath.Join(d.Folder, o.ID, "journal.jsonl"), d.Now)
	if err != nil {
		return nil, err
	}
	defer j.Close()
	if _, err := j.Append(eventOpened, "", by, o); err != nil {
		return nil, err
	}
	return d.read(j)
}

// List is all there are, the latest first. One whose journal is damaged is in the
// error, and the others are there.
func (d Desk) List() ([]*Incident, error) {
	entries, err := os.ReadDir(d.Folder)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []*Incident
	var errs []error
	for _, e := range entries {
		if !incidentID.MatchString(e.Name()) {
			continue
		}
		i, err := d.Show(e.Name())
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, i)
	}
	slices.SortFunc(out, func(a, b *Incident) int { return b.At[Detected].Compare(a.At[Detected]) })
	return out, errors.Join(errs...)
}

// Show reads one.
func (d Desk) Show(id string) (*Incident, error) {
	j, err := d.journal(id)
	if err != nil {
		return nil, err
	}
	defer j.Close()
	i, err := d.read(j)
	if err == nil {
		d.waits(i)
	}
	return i, err
}

// Wait is what a run of an incident waits for.
type Wait struct {
	Run string `json:"run"`
	playbook.Pending
}

// Change is one thing that a run changed.
type Change struct {
	Run    string `json:"run"`
	Step   string `json:"step"`
	Phase  string `json:"phase,omitempty"`
	Action string `json:"action"`
	Target string `json:"target"`
	// Stands is verified, undone, failed, or unknown: whether it took effect is not known.
	Stands string `json:"stands"`
	Why    string `json:"why,omitempty"`
}

// standing counts the changes that were begun and not taken back.
func (i *Incident) standing() (n int) {
	for _, c := range i.Changes {
		if c.Stands != "undone" {
			n++
		}
	}
	return n
}

// changed reads what a run changed.
func changed(run string, j *playbook.Journal) ([]Change, error) {
	list, err := playbook.Effects(j)
	var out []Change
	for _, e := range list {
		c := Change{Run: run, Step: e.Step, Phase: e.Phase, Action: e.Call.Action, Target: e.Call.Target, Stands: "verified", Why: e.Why}
		switch {
		case e.Undone:
			c.Stands = "undone"
		case e.Unknown:
			c.Stands = "unknown"
		case !e.Verified:
			c.Stands = "failed"
		}
		out = append(out, c)
	}
	return out, err
}

// waits asks the incident's runs what they wait for. One that cannot be read waits for
// that: what else is known of the incident is told all the same.
func (d Desk) waits(i *Incident) {
	for _, name := range i.Runs {
		j, err := d.Run(i.ID, name)
		var out playbook.Outcome
		if err == nil {
			out, err = playbook.State(j)
			done, err2 := changed(name, j)
			i.Changes = append(i.Changes, done...)
			err = errors.Join(err, err2, j.Close())
		}
		if err != nil {
			i.Waits = append(i.Waits, Wait{name, playbook.Pending{Kind: "repair", Ask: oneLine(err)}})
			continue
		}
		for _, p := range out.Pending {
			i.Waits = append(i.Waits, Wait{name, p})
		}
		contain := "sevenfold respond incident contain " + i.ID + " --apply --by NAME"
		switch last := name == i.Runs[len(i.Runs)-1] && slices.Index(States(), i.State) < slices.Index(States(), Contained); {
		case out.Status == playbook.Running:
			ask := "it can go on: " + contain
			if i.standing() > 0 {
				ask += "; or what it did can be taken back: sevenfold respond incident undo " + i.ID + " --by NAME --note WHY"
			}
			i.Waits = append(i.Waits, Wait{name, playbook.Pending{Kind: "resume", Ask: ask}})
		case out.Status == playbook.Failed && last && out.Gone:
			i.Waits = append(i.Waits, Wait{name, playbook.Pending{Kind: "failed", Ask: "what it was to change is gone (" + oneLine(errors.New(out.Why)) + "): read the estate anew (sevenfold assess) and see what runs in its place; " +
				contain + " then begins anew, with --set NAME=ID for another target or --playbook FILE for another procedure"}})
		case out.Status == playbook.Failed && last:
			i.Waits = append(i.Waits, Wait{name, playbook.Pending{Kind: "failed", Ask: "it failed: " + oneLine(errors.New(out.Why)) + "; once that is mended " + contain + " begins anew, with --playbook FILE by another procedure"}})
		}
	}
}

// read folds a journal.
func (d Desk) read(j *playbook.Journal) (*Incident, error) {
	i := &Incident{At: map[State]time.Time{}, Evidence: []Evidence{}, Runs: []string{}}
	for _, e := range j.Events() {
		if err := i.fold(&e); err != nil {
			return nil, fmt.Errorf("incident journal, event %d: %w", e.Seq, err)
		}
	}
	if i.ID == "" {
		return nil, errors.New("the journal opens no incident")
	}
	i.Head, i.events = j.Head(), len(j.Events())
	if n := next[i.State]; n != "" {
		i.Next = "sevenfold respond " + strings.ReplaceAll(n, "ID", i.ID)
	} else {
		i.Next = "nothing: it is over"
	}
	switch {
	case i.Unfinished():
		i.Next = fmt.Sprintf("sevenfold respond exercise tabletop --resume %s --by NAME, or sevenfold respond exercise cancel %s", i.ID, i.ID)
	case i.table != nil:
		i.Next = "nothing: it is over"
	}
	i.Clocks = i.clocks(d.now())
	return i, nil
}
