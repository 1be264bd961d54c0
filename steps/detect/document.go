package detect

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/steps/detect/incident"
)

// Answer is what `detect replay` says.
type Answer struct {
	Events    int        `json:"events"`
	Incidents []Incident `json:"incidents"`
	// AlertsPerDay is incidents divided by the days that the events cover.
	AlertsPerDay float64 `json:"alertsPerDay"`
	Days         float64 `json:"days"`
	Budget       float64 `json:"budget"`
	// Withheld are incidents that were not told of only because the budget was spent.
	Withheld int `json:"withheld"`
	// Signals are the events that the model or a rule pointed at.
	Signals int `json:"signals"`
	// Duplicates are events that came twice and counted once; Rejected are parts of the
	// logs that gave no event.
	Duplicates int        `json:"duplicates"`
	Rejected   []Rejected `json:"rejected"`
	// PassedOver are records known to tell of no act: digests of a trail's files, what
	// CloudTrail Insights counted, lines of flow logs without data.
	PassedOver int64 `json:"passedOver,omitempty"`
	// Learnt says how far the model was before the replay.
	Learnt Learnt `json:"learnt"`
}

// Rejected is a part of a log that gave no event.
type Rejected struct {
	Path   string `json:"path"`
	Offset int64  `json:"offset"`
	Reason string `json:"reason"`
}

// Learnt is how far a model is.
type Learnt struct {
	Mature     bool    `json:"mature"`
	Days       int     `json:"days"`
	Principals int     `json:"principals"`
	Settled    int     `json:"settled"` // principals active on five days or more
	Events     uint64  `json:"events"`
	Novelty    float64 `json:"novelty"` // new things a principal and day, of the last week; -1: not known
	Converged  bool    `json:"converged"`
	// Why says what is wanting for maturity.
	Why []string `json:"why,omitempty"`
}

// Incident is an incident as JSON has it.
type Incident struct {
	ID       string           `json:"id"`
	Score    float64          `json:"score"`
	Severity finding.Severity `json:"severity"`
	// Status is open, closed or fine.
	Status     string            `json:"status"`
	Summary    string            `json:"summary"`
	First      time.Time         `json:"first"`
	Last       time.Time         `json:"last"`
	Raised     time.Time         `json:"raised"`
	Principals []string          `json:"principals"`
	Techniques []string          `json:"techniques"`
	Factors    []incident.Factor `json:"factors"`
	Signals    []Signal          `json:"signals"`
	// SignalCount is how many there were; Signals has the weightiest.
	SignalCount int `json:"signalCount"`
	// Reason a person gave for the status.
	Reason string `json:"reason,omitempty"`
	// Said is set when the status is a person's.
	Said bool `json:"said,omitempty"`
	// Drill is set where all its signals are of synthetic attacks.
	Drill bool `json:"drill,omitempty"`
	// Drift are the differences from the approved baseline that its signals made, or may
	// have made. It is found when it is asked for, and is not kept.
	Drift []Drift `json:"drift,omitempty"`
}

// Drift is a difference from the approved baseline that a signal of an incident explains.
type Drift struct {
	Record      string `json:"record"` // as sevenfold drift lists it
	Asset       string `json:"asset"`
	What        string `json:"what"`
	Attribute   string `json:"attribute,omitempty"`
	Consequence string `json:"consequence"`
	Status      string `json:"status"`
	// Event is the signal's. Shown says that drift names that very event as the one that
	// made it; else it is an act on the same thing, of the kind that makes such a change,
	// in the time in which it came about.
	Event string `json:"event"`
	Shown bool   `json:"shown"`
}

// Signal is a signal as JSON has it; it has a rule or a model.
type Signal struct {
	Event     string    `json:"event"`
	Time      time.Time `json:"time"`
	Principal string    `json:"principal"`
	Action    string    `json:"action"`
	Rule      string    `json:"rule,omitempty"`
	Model     string    `json:"model,omitempty"`
	Surprise  float64   `json:"surprise"`
	Why       []string  `json:"why"`
	// Account is where it happened; Refused says that it was refused or failed.
	Account string `json:"account,omitempty"`
	Refused bool   `json:"refused,omitempty"`
	// Things are what it acted on, as its log names them.
	Things []string `json:"things,omitempty"`
	// Synthetic says that it is of a synthetic attack, and that nothing happened.
	Synthetic bool `json:"synthetic,omitempty"`
	// Pattern is what feedback silences.
	Pattern string `json:"pattern"`
}

// severities of scores, worst first.
var severities = []struct {
	from float64
	name finding.Severity
}{{12, finding.Critical}, {7, finding.High}, {4, finding.Medium}, {0, finding.Low}}

// DocumentOf turns an incident into what is told of it.
func DocumentOf(i *incident.Incident) Incident {
	out := Incident{ID: i.ID, Score: round2(i.Score), Status: "open", First: i.First, Last: i.Last, Raised: i.Raised, Principals: slices.Clone(i.Principals),
		Techniques: slices.Sorted(slices.Values(i.Techniques)), Factors: slices.Clone(i.Factors), SignalCount: i.Count}
	for _, s := range severities {
		if i.Score >= s.from {
			out.Severity = s.name
			break
		}
	}
	if out.Techniques == nil {
		out.Techniques = []string{}
	}
	for j := range out.Factors {
		out.Factors[j].Value = round2(out.Factors[j].Value)
	}
	for _, s := range i.Signals {
		d := Signal{Event: s.Event, Time: s.Time, Principal: s.Principal, Action: s.Action, Surprise: round2(s.Surprise), Why: s.Why, Things: s.Things, Account: s.Account, Refused: s.Refused, Synthetic: s.Played, Pattern: fmt.Sprintf("%016x", s.Pattern)}
		if d.Model = "behaviour"; s.By != "model" {
			d.Rule, d.Model = s.By, ""
		}
		out.Signals = append(out.Signals, d)
	}
	out.Summary = summary(i)
	return out
}

func round2(x float64) float64 { return float64(int(x*100+0.5)) / 100 }

// Short is the last part of an id.
func Short(id string) string {
	if strings.Contains(id, "AWSReservedSSO_") {
		return id[strings.LastIndexByte(id, '/')+1:]
	}
	return id[strings.LastIndexAny(id, "/:")+1:]
}

// summary says in a sentence who did what and why that is strange.
func summary(i *incident.Incident) string {
	var acts []string
	for _, s := range i.Signals {
		if !slices.Contains(acts, s.Action) {
			acts = append(acts, s.Action)
		}
	}
	more := ""
	if len(acts) > 4 {
		more = fmt.Sprintf(" and %d more", len(acts)-4)
		acts = acts[:4]
	}
	who := Short(i.Principals[0])
	if n := len(i.Principals) - 1; n > 0 {
		who += fmt.Sprintf(" and %d more", n)
	}
	why := ""
	if len(i.Signals) > 0 && len(i.Signals[0].Why) > 0 {
		why = ": " + i.Signals[0].Why[0]
	}
	return who + " did " + strings.Join(acts, ", ") + more + why
}
