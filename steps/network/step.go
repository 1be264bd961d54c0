package network

import (
	"context"
	"strconv"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// Step is the network step: for each workload its six criteria, and who reaches
// whom as relations.
type Step struct {
	scope     *scope.Scope
	aside     bool
	plain     bool
	flows     []string
	seen      *Seen
	relations estate.Addition
}

// New returns the step for an estate whose zones and intents a scope states.
func New(s *scope.Scope) *Step { return &Step{scope: s} }

// Aside leaves everything out, for commands that ask for another step's criteria.
func (s *Step) Aside(aside bool) *Step {
	s.aside = aside
	return s
}

// Plain leaves the relations out, for those who ask for criteria alone.
func (s *Step) Plain(plain bool) *Step {
	s.plain = plain
	return s
}

// Seen gives the flow logs that network.observed is decided by: files and folders.
func (s *Step) Seen(paths []string) *Step {
	s.flows = paths
	return s
}

// Again gives what flow logs said when they were read before, in the place of the logs.
func (s *Step) Again(seen *Seen) *Step {
	s.seen = seen
	return s
}

// Flows is what the flow logs said, once Judge has run; nil where none were given.
func (s *Step) Flows() *Seen { return s.seen }

// Rests says what the judgement rests on beside snapshot, scope and workloads. With flow
// logs, which may change while their names stay, it is not told.
func (s *Step) Rests() (on string, ok bool) {
	return strconv.FormatBool(s.aside), len(s.flows) == 0 && s.seen == nil
}

// Heeds reports whether it matters to the judgement that an amount which an asset asks
// for changes (see estate.ScaleRule). Of pods it does whether there are none, one or
// several: one reaches none of its kind, and lies on one node.
func (*Step) Heeds(a *estate.Asset, was, is int64) bool {
	return a.Cloud != estate.AWS && min(was, is) < 2
}

// ID implements assess.Step.
func (*Step) ID() string { return "network" }

// Needs implements assess.Step.
func (*Step) Needs() []estate.RelationType { return nil }

// Gives implements assess.Step.
func (*Step) Gives() []estate.RelationType { return nil }

// Derive implements assess.Step.
func (*Step) Derive(context.Context, *estate.Snapshot) (estate.Addition, error) {
	return estate.Addition{}, nil
}

// Relations are who can open a connection to whom, as relations of tier possible:
// thing -> set -> thing, one set for all that the same things are open to. They are
// there once Judge has run.
func (s *Step) Relations() estate.Addition { return s.relations }

// Judge implements assess.Step: all network criteria.
func (s *Step) Judge(ctx context.Context, snap *estate.Snapshot, workloads *scope.Workloads) (finding.Judgement, error) {
	out := finding.Judgement{Criteria: map[string][]finding.Criterion{}}
	if s.aside {
		return out, nil
	}
	w, err := NewWorld(ctx, snap)
	if err != nil {
		return out, err
	}
	if len(s.flows) > 0 && s.seen == nil {
		observed, err := w.ReadFlows(ctx, s.flows, "")
		if err != nil {
			return out, err
		}
		s.seen = observed.Seen()
	}
	j := newJury(w, s.scope, workloads, s.seen)
	for i := range workloads.List {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		out.Criteria[workloads.List[i].ID] = j.decide(&workloads.List[i])
	}
	j.intents()
	j.services()
	out.Findings = j.findings
	if !s.plain {
		s.relations = w.graph()
	}
	return out, nil
}
