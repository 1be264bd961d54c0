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

	"golang.org/x/sys/unix"

	"github.com/sevenfold-sec/sevenfold/steps/respond/playbook"
)

// eventCalled says that somebody was called, or could not be.
const eventCalled = "incident.called"

// Called is one call of a person.
type Called struct {
	// For is what it was for: ack, contain, clock:DUTY:STATUS, ask:RUN:STEP.
	For string `json:"for"`
	Who string `json:"who"`
	Why string `json:"why"`
	// Failed is why the person was not reached; empty: the service took the message.
	Failed string    `json:"failed,omitempty"`
	At     time.Time `json:"-"`
}

// Ladder says who is called, in order, and how long each has.
type Ladder struct {
	// Of gives the people of a role for a workload, in the order in which they are called:
	// "owner" with the deputy after it, lead, responder, legal, communication. Where nobody
	// has a role it gives those who are called in their place.
	Of func(workload, role string) []string
	// Acknowledge and Contain are how long each may take.
	Acknowledge, Contain time.Duration
}

// Due is somebody to be called now: the first of To, and where that one cannot be reached the
// next.
type Due struct {
	For, Why string
	To       []string
	// Next is what the person is to do: a command.
	Next string
}

// Due are the calls that an incident asks for at a time. What was done is in its journal, so
// that asking again, or after a kill, calls nobody twice for one thing.
func (i *Incident) Due(now time.Time, l Ladder) []Due {
	if i.Source == SourceTabletop || i.State == Reviewed {
		return nil
	}
	var out []Due
	switch at := i.At[Detected]; {
	case i.State == Detected, i.Automatic && i.Taken == "":
		if d, ok := i.unacknowledged(now, l); ok {
			out = append(out, d)
		}
	case slices.Index(States(), i.State) < slices.Index(States(), Contained):
		done := i.callsFor("contain")
		since := at // each call gives the time anew
		if len(done) > 0 {
			since = done[len(done)-1].At
		}
		if now.Sub(since) >= l.Contain && len(done) < maxRounds {
			to := rotated(l.Of(i.Workload, "lead"), len(done))
			out = append(out, Due{"contain", fmt.Sprintf("it is not contained %s after it was detected", now.Sub(at).Round(time.Minute)), to, i.Next})
		}
	}
	for _, c := range i.Clocks {
		key := "clock:" + c.Duty + ":" + c.Status
		if (c.Status == "due" || c.Status == "over") && len(i.callsFor(key)) == 0 && !i.Exercise {
			why := fmt.Sprintf("%s by %s", c.What, c.Deadline.Format(time.RFC3339))
			if c.Status == "over" {
				why = "the time is over: " + why
			}
			out = append(out, Due{key, why, l.Of(i.Workload, "legal"), "sevenfold respond incident notice " + i.ID + " --duty " + c.Duty})
		}
	}
	for _, w := range i.Waits {
		key := "ask:" + w.Run + ":" + w.Step
		switch {
		case len(i.callsFor(key)) > 0:
		case w.Kind == "answer":
			role := w.Of
			if role == "" {
				role = "owner"
			}
			out = append(out, Due{key, "the procedure asks: " + w.Ask, l.Of(i.Workload, role), fmt.Sprintf("sevenfold respond incident answer %s --step %s --by NAME --note ANSWER", i.ID, w.Step)})
		case w.Kind == "approval":
			out = append(out, Due{key, fmt.Sprintf("%s on %s waits for %d people", w.Call.Action, w.Call.Target, w.Needs), l.Of(i.Workload, "lead"), fmt.Sprintf("sevenfold respond incident answer %s --step %s --approve --by NAME", i.ID, w.Step)})
		}
	}
	return out
}

// maxRounds bounds how often people are called for one thing.
const maxRounds = 20

// unacknowledged goes down the ladder: each has the time that is set, the next is called
// when it is over; after the last the first again.
func (i *Incident) unacknowledged(now time.Time, l Ladder) (Due, bool) {
	to := l.Of(i.Workload, "owner")
	for _, who := range l.Of(i.Workload, "lead") {
		if !slices.Contains(to, who) {
			to = append(to, who)
		}
	}
	done := i.callsFor("ack")
	if len(to) == 0 || len(done) >= maxRounds*len(to) {
		return Due{}, false
	}
	why := "nobody has it in hand yet"
	if n := len(done); n > 0 {
		last := done[n-1]
		// One who could not be reached has no time: the next is called at once, but not the
		// whole ladder over and over.
		if now.Sub(last.At) < l.Acknowledge && (last.Failed == "" || n%len(to) == 0) {
			return Due{}, false
		}
		why = fmt.Sprintf("%s was called at %s and did not acknowledge", last.Who, last.At.UTC().Format(time.TimeOnly))
		if last.Failed != "" {
			why = last.Who + " could not be reached"
		}
	}
	return Due{"ack", why, to[len(done)%len(to) : len(done)%len(to)+1], "sevenfold respond incident ack " + i.ID + " --by NAME"}, true
}

func rotated(list []string, n int) []string {
	if len(list) == 0 {
		return nil
	}
	n %= len(list)
	return slices.Concat(list[n:], list[:n])
}

func (i *Incident) callsFor(what string) []Called {
	var out []Called
	for _, c := range i.Calls {
		if c.For == what {
			out = append(out, c)
		}
	}
	return out
}

// Message is what somebody is told who is called.
func (i *Incident) Message(d Due) string {
	kind := ""
	if i.Exercise {
		kind = "EXERCISE, not an incident. "
	}
	if i.Automatic {
		kind += "Detection went to work on it by itself. "
	}
	how := ""
	if i.Triage != nil {
		how = ", " + i.Triage.Severity
	}
	on := ""
	if i.Workload != "" {
		on = " on " + i.Workload
	}
	return fmt.Sprintf("%s%s%s: %s%s. %s. Next: %s", kind, i.ID, how, i.Title, on, d.Why, d.Next)
}

// Call calls people for what is due until one is reached, and writes down each call after
// it was made: of a process that is killed between, somebody is called twice rather than
// nobody. It returns the calls.
func (d Desk) Call(i *Incident, due Due, send func(who, text string) error) ([]Called, error) {
	var calls []Called
	for _, who := range due.To {
		c := Called{For: due.For, Who: who, Why: due.Why, At: d.now()}
		if err := send(who, i.Message(due)); err != nil {
			c.Failed = oneLine(err)
		}
		if err := d.called(i.ID, c); err != nil {
			return calls, err
		}
		if calls = append(calls, c); c.Failed == "" {
			break
		}
	}
	if len(due.To) == 0 {
		c := Called{For: due.For, Why: due.Why, Failed: "nobody is named who could be called", At: d.now()}
		return []Called{c}, d.called(i.ID, c)
	}
	return calls, nil
}

// called writes a call down, whatever others wrote meanwhile.
func (d Desk) called(id string, c Called) error {
	j, err := d.journal(id)
	if err != nil {
		return err
	}
	_, err = j.Add(eventCalled, "", "", c)
	return errors.Join(err, j.Close())
}

// tookCall folds a call into the incident.
func (i *Incident) tookCall(e *playbook.Event) (text string, err error) {
	var c Called
	if err := json.Unmarshal(e.Data, &c); err != nil {
		return "", err
	}
	c.At = e.Time
	i.Calls = append(i.Calls, c)
	text = strings.TrimSpace(c.Who + " (" + c.Why + ")")
	if c.Failed != "" {
		text += ": not reached: " + c.Failed
	}
	return text, nil
}

// Alone keeps other processes from calling people for the same incidents until release is
// called.
func (d Desk) Alone() (release func(), err error) {
	if err := os.MkdirAll(d.Folder, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(d.Folder, ".watch"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, errors.New("another process watches these incidents\nhint: one is enough: who is called twice answers neither")
	}
	return func() { _ = f.Close() }, nil
}
