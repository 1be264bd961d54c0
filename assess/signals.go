package assess

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/detect"
	"github.com/sevenfold-sec/sevenfold/steps/detect/rules"
	"github.com/sevenfold-sec/sevenfold/steps/detect/sigma"
	"github.com/sevenfold-sec/sevenfold/steps/respond"
)

// shippedRule is a file of rules as a signal of a scenario names it.
type shippedRule struct {
	keys   []string // of all rules in it, which have to be loaded
	source string   // the log that they match
}

// shippedRules are the rules that are shipped, by the names of their files.
var shippedRules = sync.OnceValues(func() (map[string]shippedRule, error) {
	list, err := rules.Load()
	if err != nil {
		return nil, err
	}
	out := map[string]shippedRule{}
	for _, r := range list {
		name := strings.TrimSuffix(path.Base(r.File), path.Ext(r.File))
		s := out[name]
		s.keys = append(s.keys, r.Key())
		if of := sourceOf(r.LogSource); of != "" {
			s.source = of
		}
		out[name] = s
	}
	return out, nil
})

// sourceOf is the log that a rule's log source means, in detection's word for it.
func sourceOf(l sigma.LogSource) string {
	switch {
	case l.Product == "aws" && l.Service == "cloudtrail":
		return "cloudtrail"
	case l.Product == "aws" && l.Service == "bedrock_invocation":
		return "bedrock-invocation"
	case l.Product == "kubernetes":
		return "kubernetes-audit"
	}
	return ""
}

// behaviourSources are the logs of which the model learns who does what.
var behaviourSources = []string{"cloudtrail", "kubernetes-audit"}

// signals fills the respond step's port from the detect step: a signal is live where the
// model is mature (before that nothing is told), a rule for it matched when events last
// came in or the model sees it, and the log it needs is recorded and arrives.
type signals struct {
	known    *detect.Known
	arrivals *detect.Arrivals
}

// signalsOf makes the port of what detection knows.
func signalsOf(o Options) func(*estate.Snapshot, *scope.Workloads) respond.Signals {
	step := detect.New(o.Controls, o.Scope.Gate.FailOn).With(o.Detect)
	return func(snap *estate.Snapshot, workloads *scope.Workloads) respond.Signals {
		s := &signals{known: o.Detect}
		if o.Detect != nil && !o.Detect.Fresh {
			s.arrivals = step.Arrivals(context.Background(), snap, workloads)
		}
		return s
	}
}

// Live implements respond.Signals.
func (s *signals) Live(_ context.Context, workload string, g respond.Signal) respond.Live {
	var l respond.Live
	switch {
	case len(g.Rules) == 0 && !g.Behaviour && g.Watch != "":
		l.Unknown, l.Do = []string{fmt.Sprintf("whether %s is looked for is not known: %s shows it", g.ID, g.Watch)}, g.Watch
		return l
	case len(g.Rules) == 0 && !g.Behaviour:
		why := "no rule or model of this version watches for " + g.ID
		if g.Wants != "" {
			why += ", which wants " + g.Wants
		}
		l.Off = []string{why}
		return l
	case s.arrivals == nil:
		l.Unknown, l.Do = []string{"nothing was learnt yet"}, "sevenfold detect learn PATH… with logs of ordinary days"
		return l
	case !s.known.Learnt.Mature:
		l.Off, l.Do = []string{"detection tells nothing until it has learnt enough: " + strings.Join(s.known.Learnt.Why, ", ")}, "sevenfold detect learn PATH… with logs of more days"
		return l
	}
	arrives := map[string]bool{}
	for _, kind := range g.Telemetry {
		a := s.arrivals.Of(workload, kind)
		if a.Do != "" && l.Do == "" {
			l.Do = a.Do
		}
		switch {
		case a.Off != "":
			l.Off = append(l.Off, a.Off)
		case a.Unknown != "":
			l.Unknown = append(l.Unknown, a.Unknown)
		default:
			arrives[a.Source] = true
		}
	}
	if g.Behaviour && slices.ContainsFunc(behaviourSources, func(of string) bool { return arrives[of] }) {
		l.By = append(l.By, "behaviour")
	}
	shipped, err := shippedRules()
	if err != nil {
		l.Unknown = append(l.Unknown, err.Error())
	}
	for _, name := range g.Rules {
		r, ok := shipped[name]
		switch {
		case !ok && err == nil:
			l.Unknown = append(l.Unknown, fmt.Sprintf("no rule %s is shipped", name))
		case !arrives[r.source]:
		case s.known.Rules == nil:
			l.Unknown, l.Do = append(l.Unknown, "which rules match is not known"), "sevenfold detect run PATH…"
		case slices.ContainsFunc(r.keys, func(k string) bool { return !slices.Contains(s.known.Rules, k) }):
			l.Off, l.Do = append(l.Off, "rule "+name+" was left out when events last came in"), "sevenfold detect run PATH… without --no-rules"
		default:
			l.By = append(l.By, "rule "+name)
		}
	}
	if len(l.By) == 0 && len(l.Off)+len(l.Unknown) == 0 {
		l.Off = []string{"what watches for " + g.ID + " matches other logs than those that arrive"}
	}
	return l
}

// Told tells return to production what detection told of, from the watch in the state.
type Told struct {
	Watch     *Watch // nil: nothing is known
	Snap      *estate.Snapshot
	Workloads *scope.Workloads
	Now       time.Time
}

var _ Quiet = (*Told)(nil)

// eventsStale is how old the newest event may be for silence to say something.
const eventsStale = 24 * time.Hour

// Last implements Quiet. Whatever detection told of the workload counts, not the
// scenario's own signals alone: at a return it is all one. Drills and what a person said
// to be fine do not.
func (t *Told) Last(_ context.Context, workload, _ string) (last, since time.Time, err error) {
	const run = ": sevenfold detect run PATH… --follow"
	switch {
	case t == nil || t.Watch == nil || t.Watch.Fresh:
		return last, since, errors.New("no detection has looked yet" + run)
	case !t.Watch.Learnt.Mature:
		return last, since, errors.New("detection tells nothing until it has learnt enough: " + strings.Join(t.Watch.Learnt.Why, ", "))
	}
	var newest time.Time
	for _, s := range t.Watch.Seen {
		if s.Last.After(newest) {
			newest = s.Last
		}
		if since.IsZero() || s.First.Before(since) {
			since = s.First
		}
	}
	switch {
	case newest.IsZero():
		return last, since, errors.New("no event has arrived" + run)
	case t.Now.Sub(newest) > eventsStale:
		return last, since, fmt.Errorf("the newest event is of %s, so that silence says nothing%s", newest.Format(time.RFC3339), run)
	}
	at := slices.IndexFunc(t.Workloads.List, func(w finding.Workload) bool { return w.ID == workload })
	if at < 0 {
		return last, since, fmt.Errorf("the estate has no workload %q", workload)
	}
	concerns := detect.Concerns(t.Snap, &t.Workloads.List[at])
	for i := range t.Watch.Incidents {
		inc := &t.Watch.Incidents[i]
		if !inc.Drill && inc.Status != "fine" && inc.Last.After(last) && concerns(inc) {
			last = inc.Last
		}
	}
	return last, since, nil
}
