// Package detect is the step that learns what is normal before a workload is scaled,
// and finds what is not: events become observations for the behavioural model and are
// matched by rules; what either points at becomes signals, and few incidents of them.
package detect

import (
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/detect/behaviour"
	"github.com/sevenfold-sec/sevenfold/steps/detect/incident"
	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
	"github.com/sevenfold-sec/sevenfold/steps/detect/sigma"
)

// Model says how surprising an observation is, and learns it.
type Model interface {
	Observe(o *behaviour.Observation) behaviour.Signal
}

// Detector makes incidents of events. It is not for several goroutines at once.
type Detector struct {
	Model    Model
	Observer *Observer
	// Rules match events too; nil: none do.
	Rules  *sigma.Set
	Engine *incident.Engine
	// Proofs signs the marks of a cluster's synthetic events; nil: there are none.
	Proofs ProofKey
	// Events and Signals that were taken in and made.
	Events, Signals uint64
	// Began and Last are the times of the first and last event, in milliseconds.
	Began, Last int64

	now     behaviour.Observation // what was taken in last
	matcher *sigma.Matcher
	// correlators count what happened, and what was a synthetic attack, apart.
	correlator, drills *sigma.Correlator
}

// careful is a model that can keep back what an event would teach it, and look at one without
// learning it.
type careful interface {
	Hold() uint64
	Bar(id uint64, incident string)
	Shadow(o *behaviour.Observation) *behaviour.Model
}

// signalFrom is the surprise from which an event is a signal.
const signalFrom = 1.5

// Take takes one event in.
func (d *Detector) Take(e *ocsf.Event) {
	d.Events++
	if d.Began == 0 || e.Time < d.Began {
		d.Began = e.Time
	}
	d.Last = max(d.Last, e.Time)
	o := &d.now
	*o = d.Observer.Observe(e)
	if o.Principal == "" {
		o.Principal = "nobody named"
	}
	drill, model := d.Played(e), d.Model
	played := drill != ""
	if played { // what did not happen teaches nothing
		if c, ok := model.(careful); ok {
			model = c.Shadow(o)
		} else {
			model = nil
		}
	}
	if model != nil {
		if s := model.Observe(o); s.Surprise >= signalFrom {
			sig := d.signal(e, o, drill)
			sig.By, sig.Surprise, sig.Pattern = "model", s.Surprise*weightOf(o), s.Pattern
			if !played {
				sig.Held = s.Held
			}
			for _, t := range s.Terms {
				sig.Why = append(sig.Why, t.String())
			}
			d.add(sig)
		}
	}
	if d.Rules != nil {
		d.match(e, o, model, drill)
	}
}

// add takes a signal to those it belongs to. What is part of an incident is not learnt until
// somebody has judged that.
func (d *Detector) add(s incident.Signal) {
	d.Signals++
	i := d.Engine.Add(s)
	c, ok := d.Model.(careful)
	if i == nil || !ok || s.Played {
		return
	}
	c.Bar(s.Held, i.ID)
	for j := range i.Signals { // those that came before it was one
		c.Bar(i.Signals[j].Held, i.ID)
	}
}

// signal is what an event says whoever points at it. Its texts outlive the event.
func (d *Detector) signal(e *ocsf.Event, o *behaviour.Observation, drill string) incident.Signal {
	s := incident.Signal{
		Event: strings.Clone(e.ID), Time: o.Time, Principal: strings.Clone(o.Principal),
		Action: o.Service + ":" + o.Action, Stage: stageOf(o), Played: drill != "", Drill: drill,
		Account: strings.Clone(e.Account), Refused: e.Failed,
	}
	nodes := []string{e.Issued, e.Actor.AccessKey, e.Actor.ID}
	if o.Kind == behaviour.Person {
		nodes = nodes[:2] // many people sign in to one role: that does not connect them
	}
	for _, n := range nodes {
		if n != "" && n != o.Principal {
			s.Nodes = append(s.Nodes, strings.Clone(n))
		}
	}
	if o.Kind == behaviour.Machine && o.Group != "" {
		s.Peers = "peers of " + o.Group + " " + s.Action
	}
	for _, r := range e.Resources {
		switch {
		case r.ID == "" || r.Type == "roleSessionName":
		case len(s.Things) < maxThings:
			s.Things = append(s.Things, strings.Clone(r.ID))
		}
	}
	return s
}

// Played is the marker of a synthetic event; "" for any other. Of CloudTrail's records alone
// the request id is the provider's: elsewhere who calls may choose it, and would have his own
// acts taken for a drill. Those of a cluster are signed.
func (d *Detector) Played(e *ocsf.Event) string {
	switch e.Source {
	case ocsf.CloudTrail:
		return MarkerOf(e.RequestID)
	case ocsf.KubernetesAudit:
		return d.Proofs.played(e)
	}
	return ""
}

// maxThings bounds what one event says it acted on.
const maxThings = 8

// weightOf is how much a surprise counts, by how much the action may change: what gives
// rights, credentials or a way in, and what blinds those who watch, counts most.
func weightOf(o *behaviour.Observation) float64 {
	w := map[behaviour.Level]float64{behaviour.List: 0.45, behaviour.Read: 0.75, behaviour.Grant: 1.3}[o.Level]
	if w == 0 {
		w = 1
	}
	if writes := o.Level != behaviour.List && o.Level != behaviour.Read; writes && (watches[o.Service] || opens(o.Action)) {
		return max(w, 1.3)
	}
	if hands(o.Action) {
		return max(w, 1)
	}
	return w
}

// watches are the services by which others are watched (ATT&CK T1562).
var watches = map[string]bool{"cloudtrail": true, "guardduty": true, "config": true, "securityhub": true, "macie2": true, "access-analyzer": true, "inspector2": true, "detective": true, "route53resolver": true}

// opens reports whether an action makes credentials (T1098), opens a network (T1562.007)
// or ends its log (T1562.008), whatever the service's own word for its level.
func opens(action string) bool {
	for _, part := range [...]string{"AccessKey", "LoginProfile", "SecurityGroupIngress", "FlowLogs", "TrustAnchor", "MFADevice"} {
		if strings.Contains(action, part) {
			return true
		}
	}
	return false
}

// hands reports whether an action that reads hands out secrets (T1552, T1555).
func hands(action string) bool {
	for _, part := range [...]string{"SecretValue", "GetParameter", "GetPasswordData", "GetFederationToken", "GetSessionToken", "GetAuthorizationToken"} {
		if strings.Contains(action, part) {
			return true
		}
	}
	return false
}

// stageOf is how far an attack would have come with an event, by what it may change.
func stageOf(o *behaviour.Observation) incident.Stage {
	switch {
	case o.Service == "cloudtrail" || o.Service == "guardduty" || o.Service == "config":
		if o.Level == behaviour.List || o.Level == behaviour.Read {
			return incident.Looking
		}
		return incident.Hiding
	case o.Service == "sts" || o.Service == "signin" || o.Service == "secretsmanager":
		return incident.Entering
	case o.Level == behaviour.Grant || o.Service == "iam" && o.Level == behaviour.Write:
		return incident.Holding
	case o.Level == behaviour.List || o.Level == behaviour.Read:
		return incident.Looking
	}
	return incident.Taking
}

// match lets the rules look at an event, which a model has just observed.
func (d *Detector) match(e *ocsf.Event, o *behaviour.Observation, model Model, drill string) {
	if d.matcher == nil {
		d.matcher, d.correlator = d.Rules.NewMatcher(), d.Rules.NewCorrelator()
	}
	correlator := d.correlator
	if drill != "" {
		if d.drills == nil {
			d.drills = d.Rules.NewCorrelator()
		}
		correlator = d.drills
	}
	d.matcher.Match(e, func(m sigma.Match) {
		d.hit(e, o, m, model, drill)
		correlator.Feed(m, func(c sigma.Match) { d.hit(e, o, c, model, drill) })
	})
}

// gravity is what a rule's match counts by its level: where who set it off does so day by
// day, and for each decade by which it is rarer.
var gravity = map[string]struct{ usual, rare float64 }{"critical": {1.5, 1.2}, "high": {0.5, 0.8}, "medium": {0.2, 0.6}, "low": {0, 0.2}}

// ruleModel is a model that knows how usual matches are.
type ruleModel interface {
	Matched(o *behaviour.Observation, rule string) (surprise float64, why behaviour.Term, first bool)
}

// hit makes a signal of a rule's match: as surprising as the rule is grave and its match
// is rare for who set it off; what matches day by day wears off.
func (d *Detector) hit(e *ocsf.Event, o *behaviour.Observation, m sigma.Match, model Model, drill string) {
	by := m.Rule.Key()
	weight := gravity[m.Rule.Level.String()]
	surprise := 2 * (weight.usual + weight.rare) // of a model that cannot tell
	knows, ok := model.(ruleModel)
	var usual behaviour.Term
	if ok {
		rare, why, first := knows.Matched(o, by)
		if !first {
			return
		}
		surprise, usual = weight.usual*min(1, 0.3+rare/2)+weight.rare*rare, why
	}
	if surprise < 1 {
		return
	}
	s := d.signal(e, o, drill)
	s.By, s.Techniques, s.Surprise = by, m.Rule.Techniques(), surprise
	s.Why = append([]string{m.Rule.Title}, m.Why()...)
	if ok {
		s.Why = append(s.Why, usual.String())
	}
	s.Pattern = behaviour.PatternOf(o, s.By)
	if c, ok := model.(careful); ok && drill == "" {
		s.Held = c.Hold()
	}
	d.add(s)
}
