package respond

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/respond/playbook"
)

// State of an incident or an exercise: how far it has come.
type State string

// The states, in order. Each follows the one before it; none is left out.
const (
	Detected     State = "detected"
	Acknowledged State = "acknowledged"
	Triaged      State = "triaged"
	Preserved    State = "preserved"
	Contained    State = "contained"
	Eradicated   State = "eradicated"
	Recovering   State = "recovering"
	Verified     State = "verified"
	Returned     State = "returned"
	Reviewed     State = "reviewed"
)

// States lists them in order.
func States() []State {
	return []State{Detected, Acknowledged, Triaged, Preserved, Contained, Eradicated, Recovering, Verified, Returned, Reviewed}
}

// after is the state that follows; empty after the last.
func (s State) after() State {
	all := States()
	if i := slices.Index(all, s); i >= 0 && i+1 < len(all) {
		return all[i+1]
	}
	return ""
}

// next says what a responder does in a state.
var next = map[State]string{
	Detected:     "incident ack ID --by NAME",
	Acknowledged: "incident triage ID --by NAME --severity high --scenario NAME [--law gdpr]",
	Triaged:      "incident preserve ID --by NAME --what TEXT --file PATH (or --nothing REASON)",
	Preserved:    "incident contain ID --by NAME [--apply]",
	Contained:    "incident eradicate ID --by NAME --note WHAT",
	Eradicated:   "incident recover ID --by NAME --note WHAT",
	Recovering:   "incident return ID --by NAME",
	Verified:     "incident return ID --restore --by NAME",
	Returned:     "incident review ID --by NAME --note LESSONS",
}

// The events of an incident beside its states.
const (
	eventOpened   = "incident.opened"
	eventMoved    = "incident.state"
	eventNote     = "incident.note"
	eventEvidence = "incident.evidence"
	eventTriage   = "incident.triage"
	eventRun      = "incident.run"
	eventReturn   = "incident.return-checked"
	eventNotice   = "incident.notice"
	eventLaws     = "incident.laws" // that laws apply, or do not
	eventDecision = "incident.decision"
	eventTable    = "incident.tabletop" // what a tabletop is made of
	eventPlayed   = "incident.played"   // its record, or that it was called off
	eventConcerns = "incident.concerns" // which workload it befell, where that was found out later
)

// The sources of exercises. A tabletop acts on nothing; live fire may.
const (
	SourceTabletop = "tabletop"
	SourceLive     = "live fire"
)

// Opening is what is known of an incident when it is opened.
type Opening struct {
	ID       string `json:"id"`
	Title    string `json:"title"`
	Scenario string `json:"scenario,omitempty"`
	Workload string `json:"workload,omitempty"`
	Asset    string `json:"asset,omitempty"`
	Exercise bool   `json:"exercise,omitempty"`
	// Source is what saw it: an incident of step 4, a person; of an exercise SourceTabletop
	// or SourceLive.
	Source string `json:"source"`
	// Began is when it began as far as is known; zero: not known.
	Began time.Time `json:"began"`
	// Known is when somebody first knew of it, where that was before it was opened: the time
	// of several laws runs from there.
	Known time.Time `json:"known,omitzero"`
}

// Triage is what was decided of an incident.
type Triage struct {
	Severity string `json:"severity"`
	Scenario string `json:"scenario"`
	// Laws are the regimes whose clocks run from now, and those that were said to apply
	// later: see Regimes.
	Laws []string `json:"laws,omitempty"`
}

// Evidence is one thing preserved. The file itself lies beside the journal.
type Evidence struct {
	What   string `json:"what"`
	File   string `json:"file,omitempty"` // name in the evidence folder
	SHA256 string `json:"sha256,omitempty"`
	Bytes  int64  `json:"bytes,omitempty"`
	// Held says that the store itself keeps it: an object lock, a legal hold.
	Held string `json:"held,omitempty"`
	// Nothing is why there is nothing to preserve.
	Nothing string `json:"nothing,omitempty"`
}

type moved struct {
	To   State  `json:"to"`
	Note string `json:"note,omitempty"`
}

// Entry is one event of an incident as people read it.
type Entry struct {
	Time time.Time `json:"time"`
	By   string    `json:"by,omitempty"`
	What string    `json:"what"`
	Text string    `json:"text,omitempty"`
}

// Incident is an incident or exercise as its journal tells it.
type Incident struct {
	Opening
	State    State      `json:"state"`
	Triage   *Triage    `json:"triage,omitempty"`
	Evidence []Evidence `json:"evidence"`
	Runs     []string   `json:"runs"` // names of journals of playbooks
	Taints   []Taint    `json:"taints,omitempty"`
	Calls    []Called   `json:"calls,omitempty"` // of people
	Entries  []Entry    `json:"entries"`
	// At is when each state was reached.
	At map[State]time.Time `json:"at"`
	// Checked is the last check of return to production.
	Checked *ReturnCheck `json:"checked,omitempty"`
	// Next says what comes now.
	Next string `json:"next"`
	// Changes are what its runs changed; Show tells them, List does not.
	Changes []Change `json:"changes,omitempty"`
	// Waits are what its runs wait for; Show tells it, List does not.
	Waits []Wait `json:"waits,omitempty"`
	// Automatic says that detection went to work on it by itself; Taken is who has it in
	// hand since, empty: nobody yet.
	Automatic bool   `json:"automatic,omitempty"`
	Taken     string `json:"taken,omitempty"`
	// Clocks are the duties of telling, with what is left.
	Clocks []Clock `json:"clocks,omitempty"`
	Head   string  `json:"head"`
	events int

	began   []time.Time // runs that began by themselves
	ownRun  string
	takenAt time.Time
	named   map[string]time.Time   // laws, since when each is known to apply
	ended   map[string]bool        // laws that do not apply after all
	sent    map[string][]time.Time // duties, when they were told
	table   *table                 // nil: no tabletop, or one of an older version
}

func (i *Incident) fold(e *playbook.Event) error {
	entry := Entry{Time: e.Time, By: e.By, What: strings.TrimPrefix(e.Type, "incident.")}
	var err error
	switch e.Type {
	case eventOpened:
		if err = json.Unmarshal(e.Data, &i.Opening); err == nil {
			i.State, i.At[Detected], entry.Text = Detected, e.Time, i.Title
		}
	case eventMoved:
		var m moved
		if err = json.Unmarshal(e.Data, &m); err == nil {
			if m.To != i.State.after() {
				return fmt.Errorf("it goes from %s to %s", i.State, m.To)
			}
			i.State, i.At[m.To] = m.To, e.Time
			entry.What, entry.Text = string(m.To), m.Note
		}
	case eventTriage:
		i.Triage = &Triage{}
		if err = json.Unmarshal(e.Data, i.Triage); err == nil {
			entry.Text = strings.Join(append([]string{i.Triage.Severity, i.Triage.Scenario}, i.Triage.Laws...), " ")
			i.Scenario = i.Triage.Scenario
			i.name(&naming{Laws: i.Triage.Laws}, e.Time)
		}
	case eventLaws:
		var n naming
		if err = json.Unmarshal(e.Data, &n); err == nil {
			i.name(&n, e.Time)
			entry.Text = n.text()
		}
	case eventNotice:
		entry.Text, err = i.tookNotice(e.Data, e.Time)
	case eventEvidence:
		var v Evidence
		if err = json.Unmarshal(e.Data, &v); err == nil {
			i.Evidence = append(i.Evidence, v)
			entry.Text = v.What
			if v.Nothing != "" {
				entry.Text = "nothing to preserve: " + v.Nothing
			}
		}
	case eventCalled:
		entry.Text, err = i.tookCall(e)
	case eventTaint:
		var t Taint
		if err = json.Unmarshal(e.Data, &t); err == nil {
			i.tainted(t)
			entry.Text = fmt.Sprintf("%s %s is poisoned; %d things are downstream", t.Asset, strings.Join(t.Versions, ", "), len(t.Reaches))
			if t.Nothing != "" {
				entry.Text = "nothing was poisoned: " + t.Nothing
			}
		}
	case eventRun:
		var name string
		if err = json.Unmarshal(e.Data, &name); err == nil {
			i.Runs = append(i.Runs, name)
			entry.Text = name
		}
	case eventReturn:
		i.Checked = &ReturnCheck{}
		if err = json.Unmarshal(e.Data, i.Checked); err == nil {
			entry.Text = i.Checked.Summary()
		}
	case eventTable:
		i.table = &table{}
		if err = json.Unmarshal(e.Data, i.table); err == nil {
			return nil // the decisions tell what happened
		}
	case eventDecision:
		entry.Text, err = i.decided(e.Data)
	case eventPlayed:
		entry.Text, err = i.played(e.Data)
	case eventConcerns:
		if err = json.Unmarshal(e.Data, &i.Workload); err == nil {
			entry.Text = i.Workload
		}
	case eventNote, eventLifted, eventTaken:
		err = json.Unmarshal(e.Data, &entry.Text)
	}
	i.Entries = append(i.Entries, entry)
	i.own(e)
	return err
}
