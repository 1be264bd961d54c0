package respond

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// Signals tells whether step 4 sees what a scenario would show.
type Signals interface {
	// Live tells what watches a workload for a signal now.
	Live(ctx context.Context, workload string, s Signal) Live
}

// Live is what watches for something. With nothing in By it is off where Off says why,
// and else not known, for the reasons in Unknown.
type Live struct {
	// By names rules and models whose telemetry arrives.
	By      []string `json:"by,omitempty"`
	Off     []string `json:"off,omitempty"`
	Unknown []string `json:"unknown,omitempty"`
	// Do is what ends that, the next command first.
	Do string `json:"do,omitempty"`
}

// Status is live, off or unknown: what cannot be told goes before what is off, and
// nothing looked at is not known.
func (l Live) Status() string {
	switch {
	case len(l.By) > 0:
		return "live"
	case len(l.Unknown) > 0 || len(l.Off) == 0:
		return "unknown"
	}
	return "off"
}

// Why says in words why nothing watches.
func (l Live) Why() string {
	why := slices.Concat(l.Unknown, l.Off)
	slices.Sort(why)
	out := strings.Join(slices.Compact(why), "; ")
	if l.Do != "" {
		out += " (" + l.Do + ")"
	}
	return out
}

// Rights decides whether the responder may do what containment asks.
type Rights interface {
	// May answers allow, deny, conditional or unknown, with the reason.
	May(ctx context.Context, principal, action, resource string) (decision, why string)
}

// Records are what was rehearsed and exercised.
type Records interface {
	// Records of a workload, in any order.
	Records(workload string) ([]Record, error)
	// Checked is when a contact was last reached; zero: never.
	Checked(contact string) time.Time
}

// Kinds of record.
const (
	Rehearsal = "rehearsal" // containment, in dry run
	Tabletop  = "tabletop"
	LiveFire  = "live"
)

// Record is one rehearsal or exercise.
type Record struct {
	ID       string    `json:"id"`
	Kind     string    `json:"kind"`
	Workload string    `json:"workload"`
	Scenario string    `json:"scenario"`
	At       time.Time `json:"at"`
	// Material is the digest of what the workload was made of, scaling apart.
	Material string `json:"material"`
	// Problems of a rehearsal: what could not be read or done.
	Problems []string `json:"problems,omitempty"`
	Gaps     []Gap    `json:"gaps,omitempty"`
	// How long it took from the first event; zero: it did not come to that.
	Detect      time.Duration `json:"detect,omitempty"`
	Acknowledge time.Duration `json:"acknowledge,omitempty"`
	Contain     time.Duration `json:"contain,omitempty"`
	Return      time.Duration `json:"return,omitempty"`
	Score       int           `json:"score"`
}

// Gap is something an exercise showed to be missing.
type Gap struct {
	ID     string `json:"id"`
	Text   string `json:"text"`
	Closed string `json:"closed,omitempty"` // by whom and how; empty: open
	// Estate says that it is of the estate, whatever anybody decided: the next tabletop of
	// the scenario finds it again while it is there.
	Estate bool `json:"estate,omitempty"`
}

// Ports are what the step needs from outside. A nil one is not there, and what hangs on
// it is unknown.
type Ports struct {
	Signals func(*estate.Snapshot, *scope.Workloads) Signals
	Rights  func(*estate.Snapshot) Rights
	Records Records
	// Grants are the permissions that an action needs, and what they are on; none for
	// one that is not known.
	Grants func(action, target string, with map[string]string) map[string][]string
	// Material gives the digest of what a workload is made of now, scaling apart.
	Material func(*estate.Snapshot, *finding.Workload) string
	// Baseline reports whether an approved baseline is there to compare with.
	Baseline bool
}

// Step is the respond step.
type Step struct {
	scope     *scope.Scope
	scenarios []*Scenario
	broken    error
	ports     Ports
	now       time.Time
	aside     bool
	heard     []finding.Finding
	ranked    map[string][]Ranked
	rights    Rights
	snap      *estate.Snapshot
}

// New returns the step. broken is what Scenarios could not load.
func New(s *scope.Scope, scenarios []*Scenario, broken error, now time.Time) *Step {
	return &Step{scope: s, scenarios: scenarios, broken: broken, now: now}
}

// With gives what comes from outside.
func (s *Step) With(p Ports) *Step {
	s.ports = p
	return s
}

// Aside leaves everything out, for commands that ask for another step's criteria.
func (s *Step) Aside(aside bool) *Step {
	s.aside = aside
	return s
}

// ID implements assess.Step.
func (*Step) ID() string { return "respond" }

// Needs implements assess.Step.
func (*Step) Needs() []estate.RelationType { return nil }

// Gives implements assess.Step.
func (*Step) Gives() []estate.RelationType { return nil }

// Derive implements assess.Step.
func (*Step) Derive(context.Context, *estate.Snapshot) (estate.Addition, error) {
	return estate.Addition{}, nil
}

// Hear gives the findings of the steps before, by which scenarios are ranked.
func (s *Step) Hear(findings []finding.Finding) { s.heard = findings }

// Ranked is what Judge ranked, by workload.
func (s *Step) Ranked() map[string][]Ranked { return s.ranked }

// Judge implements assess.Step: the five respond criteria.
func (s *Step) Judge(ctx context.Context, snap *estate.Snapshot, workloads *scope.Workloads) (finding.Judgement, error) {
	out := finding.Judgement{Criteria: map[string][]finding.Criterion{}}
	if s.aside {
		return out, nil
	}
	if s.snap = snap; s.ports.Rights != nil {
		s.rights = s.ports.Rights(snap)
	}
	s.ranked = Rank(snap, workloads, s.scenarios, s.heard, s.scope.Respond.Responder)
	var signals Signals
	if s.ports.Signals != nil {
		signals = s.ports.Signals(snap, workloads)
	}
	for i := range workloads.List {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		for k, list := 0, s.ranked[workloads.List[i].ID]; k < len(list); k++ {
			list[k].Live = live(ctx, signals, workloads.List[i].ID, list[k].Scenario)
		}
		w := &workloads.List[i]
		j := &jury{Step: s, w: w, declared: workloads.Declared(w.ID), top: s.top(w.ID), asset: w.ID}
		if len(w.Roots) > 0 {
			j.asset = w.Roots[0]
		}
		out.Criteria[w.ID] = []finding.Criterion{j.scenarioCriterion(), j.owners(), j.containment(ctx), j.returning(), j.exercised()}
		out.Findings = append(out.Findings, j.findings...)
	}
	return out, nil
}

// top are the scenarios of a workload that have to be ready.
func (s *Step) top(workload string) []Ranked {
	n := s.scope.Respond.Top
	if n == 0 {
		n = scope.TopScenarios
	}
	list := s.ranked[workload]
	return list[:min(n, len(list))]
}

// jury decides the criteria of one workload.
type jury struct {
	*Step
	w        *finding.Workload
	declared *scope.Declared
	top      []Ranked
	asset    string
	findings []finding.Finding
}

// line makes a criterion of what is bad and what could not be told.
func (j *jury) line(id, claim string, good, of int, bad, unknown []string, hint string) finding.Criterion {
	bad, unknown = j.settled(bad, unknown)
	c := finding.Criterion{ID: "respond." + id, Evidence: []finding.Claim{{Claim: claim, Examined: max(0, of-len(unknown)), Of: of, Source: "sevenfold.yaml, the catalogue of scenarios, the state"}}, Findings: []string{}, Hint: hint}
	switch {
	case len(bad) > 0:
		c.Status, c.Reason = finding.CriterionFail, strings.Join(append(bad, unknown...), "; ")
	case len(unknown) > 0 || of == 0:
		c.Status, c.Reason = finding.CriterionUnknown, strings.Join(unknown, "; ")
		if of == 0 && c.Reason == "" {
			c.Reason = "no scenario of the catalogue is of this class of workload"
		}
	default:
		c.Status, c.Reason, c.Hint = finding.CriterionPass, fmt.Sprintf("%d of %d", good, of), ""
	}
	for _, f := range j.findings {
		if "respond."+criterionOf[f.Control] == c.ID {
			c.Findings = append(c.Findings, f.ID)
		}
	}
	return c
}

// settled is what a line is where nothing is declared under respond: nothing was
// examined then, so that nothing failed.
func (j *jury) settled(bad, unknown []string) (stillBad, all []string) {
	if j.scope.Respond.Declared() || len(bad) == 0 {
		return bad, unknown
	}
	return nil, append(append([]string{"nothing is declared under respond: in sevenfold.yaml"}, bad...), unknown...)
}

// found notes a finding of a rule on the workload.
func (j *jury) found(rule, key, title string, status finding.Outcome, evidence ...finding.Evidence) {
	if !j.scope.Respond.Declared() {
		return
	}
	r := ruleOf(rule)
	j.findings = append(j.findings, finding.Finding{
		ID: finding.NewID(rule, j.asset, j.w.ID+" "+key), Control: rule, Step: "respond", Status: status, Severity: r.Severity, Asset: j.asset, Title: title,
		Evidence: evidence, Fix: finding.Fix{Text: r.Fix, Effort: "hours", Grows: finding.GrowsNot}, Frameworks: []string{}, Techniques: []string{},
	})
}

// scenarioCriterion: each of the top scenarios has a procedure that is bound to the
// workload's own things, and a live signal.
func (j *jury) scenarioCriterion() finding.Criterion {
	var bad, unknown []string
	var unwired, blind []finding.Evidence
	good := 0
	for _, r := range j.top {
		id := r.Scenario.ID
		w := r.Wiring()
		if len(w.Ready)+len(w.Asked) == 0 {
			text := fmt.Sprintf("%s: no containing step is bound to anything here (%s)", id, strings.Join(w.Missing, "; "))
			bad = append(bad, text)
			unwired = append(unwired, finding.Evidence{What: "missing", Where: "playbook " + id, Value: strings.Join(w.Missing, "; ")})
			continue
		}
		switch r.Live.Status() {
		case "live":
			good++
		case "off":
			bad = append(bad, id+": no signal is live: "+r.Live.Why())
			blind = append(blind, finding.Evidence{What: "signals", Where: "scenario " + id, Value: r.Live.Why()})
		default:
			unknown = append(unknown, id+": no live signal is known: "+r.Live.Why())
		}
	}
	if len(unwired) > 0 {
		j.found(Unwired, "", fmt.Sprintf("%d of the scenarios that matter most have no containment that is bound to this workload", len(unwired)), finding.Fail, unwired...)
	}
	if len(blind) > 0 {
		j.found(Blind, "", fmt.Sprintf("Nothing would show %d of the scenarios that matter most", len(blind)), finding.Fail, blind...)
	}
	if j.broken != nil {
		unknown = append(unknown, "some scenarios do not load: "+strings.ReplaceAll(j.broken.Error(), "\n", " "))
	}
	return j.line("scenarios", "top scenarios with a bound procedure and a live signal", good, len(j.top), bad, unknown, "sevenfold respond scenarios "+j.w.Name)
}

// live gathers what watches for any of a scenario's signals.
func live(ctx context.Context, s Signals, workload string, sc *Scenario) Live {
	if s == nil {
		return Live{Unknown: []string{"nothing here tells which detections run"}}
	}
	out := Live{}
	for _, g := range sc.Signals {
		l := s.Live(ctx, workload, g)
		out.By, out.Off, out.Unknown = append(out.By, l.By...), append(out.Off, l.Off...), append(out.Unknown, l.Unknown...)
		if out.Do == "" {
			out.Do = l.Do
		}
	}
	slices.Sort(out.By)
	out.By = slices.Compact(out.By)
	return out
}

// owners: an owner and a deputy, each somebody who can be called, and was.
func (j *jury) owners() finding.Criterion {
	var bad, unknown []string
	good := 0
	var nobody []finding.Evidence
	owner, deputy := j.w.Owner, ""
	if j.declared != nil {
		deputy = j.declared.Deputy
	}
	for _, who := range []struct{ role, name string }{{"owner", owner}, {"deputy", deputy}} {
		text := ""
		p := j.scope.Respond.Person(who.name)
		switch {
		case who.name == "":
			text = "no " + who.role + " is named"
		case p == nil:
			text = fmt.Sprintf("%s %s has no contact under respond.people", who.role, who.name)
		case j.ports.Records == nil || j.ports.Records.Checked(p.Contact).IsZero():
			unknown = append(unknown, fmt.Sprintf("whether %s %s can be reached was never tried", who.role, who.name))
			continue
		case j.now.Sub(j.ports.Records.Checked(p.Contact)) > scope.ContactChecked:
			text = fmt.Sprintf("%s %s was last reached %s", who.role, who.name, j.ports.Records.Checked(p.Contact).Format(time.DateOnly))
		default:
			good++
			continue
		}
		bad = append(bad, text)
		nobody = append(nobody, finding.Evidence{What: who.role, Where: "sevenfold.yaml: workloads, respond.people", Value: text})
	}
	if len(nobody) > 0 {
		j.found(Unreachable, "", "Owner or deputy cannot be called", finding.Fail, nobody...)
	}
	return j.line("owners", "owner and deputy named, with a contact that was reached", good, 2, bad, unknown, "declare owner and deputy under workloads:, their contacts under respond.people:, then sevenfold respond contacts --send")
}

// containment: what the top scenarios' playbooks would do was rehearsed, and the
// responder has the rights.
func (j *jury) containment(ctx context.Context) finding.Criterion {
	var bad, unknown []string
	var unready []finding.Evidence
	good := 0
	responder := j.scope.Respond.Responder
	records, err := j.records()
	for _, r := range j.top {
		id := r.Scenario.ID
		var text, open string
		if responder == "" {
			open = "who responds is not declared (respond.responder)"
		} else if denied, untold := j.mayContain(ctx, responder, &r); denied != "" {
			text = denied
		} else {
			open = untold
		}
		last := latest(records, Rehearsal, id)
		switch {
		case text != "":
		case err != nil:
			open = err.Error()
		case last == nil:
			open = "this state has no record that it was ever rehearsed"
		case len(last.Problems) > 0:
			text = "the rehearsal of " + last.At.Format(time.DateOnly) + " found: " + strings.Join(last.Problems, "; ")
		case j.now.Sub(last.At) > j.every():
			text = "last rehearsed " + last.At.Format(time.DateOnly)
		}
		switch {
		case text != "":
			bad = append(bad, id+": "+text)
			unready = append(unready, finding.Evidence{What: "containment", Where: "playbook " + id, Value: text})
		case open != "":
			unknown = append(unknown, id+": "+open)
		default:
			good++
		}
	}
	if len(unready) > 0 {
		j.found(Unrehearsed, "", fmt.Sprintf("The containment of %d of the scenarios that matter most is not ready", len(unready)), finding.Fail, unready...)
	}
	return j.line("containment", "top scenarios whose containment was rehearsed with the rights to do it", good, len(j.top), bad, unknown, "sevenfold respond plan "+j.w.Name+" --rehearse")
}

// mayContain asks for every permission that the containing steps of a playbook need on
// targets that are known.
func (j *jury) mayContain(ctx context.Context, responder string, r *Ranked) (denied, untold string) {
	if j.rights == nil || j.ports.Grants == nil {
		return "", "what the responder may do cannot be told here"
	}
	for _, step := range slices.Concat(r.Wiring().Ready, r.Wiring().Asked) {
		c, _ := r.Scenario.Playbook.Settle(step, r.Values) // an asked value does not change the grants
		needs := j.ports.Grants(step.Do, c.Target, c.With)
		if needs == nil {
			untold = step.Do + " is no action of this version"
			continue
		}
		for _, on := range sortedKeys(needs) {
			for _, permission := range needs[on] {
				switch decision, why := j.rights.May(ctx, responder, permission, on); decision {
				case "allow":
				case "deny":
					return fmt.Sprintf("%s may not %s on %s", responder, permission, on), ""
				default:
					untold = fmt.Sprintf("whether %s may %s on %s is %s: %s", responder, permission, on, decision, why)
				}
			}
		}
	}
	return "", untold
}

// returning: what has to be verified before the workload returns is written down.
func (j *jury) returning() finding.Criterion {
	var bad, unknown []string
	i := slices.IndexFunc(j.scope.Respond.Returns, func(r scope.Return) bool { return r.Workload == j.w.Name })
	switch {
	case i < 0:
		bad = append(bad, "what is verified before it returns to production is not set (respond.return)")
	case j.scope.Respond.Returns[i].Quiet == 0:
		bad = append(bad, "the time without detections is not set (quiet)")
	case j.scope.Respond.Returns[i].Probes == "" && (j.w.Type == estate.ClassEndpoint || j.w.Type == estate.ClassAgent):
		bad = append(bad, "it answers, and no probes are set: accuracy does not show a backdoor")
	}
	if len(bad) > 0 {
		j.found(ReturnUnset, "", "Nothing says when it may return to production", finding.Fail, finding.Evidence{What: "respond.return", Where: "sevenfold.yaml", Value: bad[0]})
	} else if !j.ports.Baseline {
		unknown = append(unknown, "no baseline is approved to compare permissions and drift with")
	}
	return j.line("return", "conditions of return to production", 1-len(bad)-len(unknown), 1, bad, unknown, "respond: {return: [{workload: "+j.w.Name+", quiet: 24h, probes: probes.yaml}]}, and sevenfold baseline approve")
}

// exercised: within the period, since the last material change, with gaps closed.
func (j *jury) exercised() finding.Criterion {
	records, err := j.records()
	if err != nil {
		return j.line("exercised", "exercises", 0, 1, nil, []string{err.Error()}, "sevenfold respond exercise tabletop "+j.w.Name)
	}
	var bad, unknown []string
	last := latest(records, Tabletop, "")
	if l := latest(records, LiveFire, ""); l != nil && (last == nil || l.At.After(last.At)) {
		last = l
	}
	switch {
	case last == nil:
		unknown = append(unknown, "this state has no record that it was ever exercised")
	case j.now.Sub(last.At) > j.every():
		bad = append(bad, fmt.Sprintf("last exercised %s, more than %d days ago", last.At.Format(time.DateOnly), int(j.every().Hours()/24)))
	case j.ports.Material == nil || j.ports.Material(j.snap, j.w) == "":
		unknown = append(unknown, "whether it has changed since the exercise cannot be told")
	case last.Material != j.ports.Material(j.snap, j.w):
		bad = append(bad, "it has changed since the exercise of "+last.At.Format(time.DateOnly))
	}
	if len(bad) > 0 {
		j.found(Overdue, "", "An exercise is due: "+bad[0], finding.Fail, finding.Evidence{What: "exercises", Where: "the state", Value: bad[0]})
	}
	var open []finding.Evidence
	for _, r := range records {
		newer := slices.ContainsFunc(records, func(o Record) bool {
			return o.Kind == Tabletop && o.Scenario == r.Scenario && o.At.After(r.At)
		})
		for _, g := range r.Gaps {
			if g.Closed == "" && !(g.Estate && newer) {
				bad = append(bad, fmt.Sprintf("gap %s of %s is open: %s", g.ID, r.ID, g.Text))
				open = append(open, finding.Evidence{What: g.ID, Where: r.ID, Value: g.Text})
			}
		}
	}
	if len(open) > 0 {
		j.found(GapOpen, "", fmt.Sprintf("%d gaps that exercises showed are open", len(open)), finding.Fail, open...)
	}
	return j.line("exercised", "exercises within the period, since the last change, gaps closed", len(records), max(1, len(records)), bad, unknown, "sevenfold respond exercise tabletop "+j.w.Name)
}

func (j *jury) every() time.Duration {
	if j.scope.Respond.Every > 0 {
		return j.scope.Respond.Every
	}
	return scope.ExerciseEvery
}

func (j *jury) records() ([]Record, error) {
	if j.ports.Records == nil {
		return nil, fmt.Errorf("no record of exercises can be read here")
	}
	return j.ports.Records.Records(j.w.ID)
}

// latest is the newest record of a kind, for a scenario if one is named.
func latest(records []Record, kind, scenario string) *Record {
	var out *Record
	for i := range records {
		r := &records[i]
		if r.Kind == kind && (scenario == "" || r.Scenario == scenario) && (out == nil || r.At.After(out.At)) {
			out = r
		}
	}
	return out
}
