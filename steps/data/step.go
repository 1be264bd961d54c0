package data

import (
	"context"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// LabelledAs is the relation from a label's set to what has it.
const LabelledAs estate.RelationType = "labels"

// Step is the data step: for each workload its four criteria, and labels as relations.
type Step struct {
	scope     *scope.Scope
	known     Known
	asking    func(*estate.Snapshot, *scope.Workloads) Answers
	aside     bool
	relations estate.Addition
}

// New returns the step for an estate whose policy a scope states.
func New(s *scope.Scope) *Step { return &Step{scope: s} }

// With gives what surveys, events and erasures said.
func (s *Step) With(k Known) *Step {
	s.known = k
	return s
}

// Asking gives who answers what is possible: who may read a store, act as whom, open a
// connection. It is asked where there are labelled stores.
func (s *Step) Asking(f func(*estate.Snapshot, *scope.Workloads) Answers) *Step {
	s.asking = f
	return s
}

// Aside leaves everything out, for commands that ask for another step's criteria.
func (s *Step) Aside(aside bool) *Step {
	s.aside = aside
	return s
}

// ID implements assess.Step.
func (*Step) ID() string { return "data" }

// Needs implements assess.Step.
func (*Step) Needs() []estate.RelationType { return nil }

// Gives implements assess.Step.
func (*Step) Gives() []estate.RelationType { return nil }

// Derive implements assess.Step.
func (*Step) Derive(context.Context, *estate.Snapshot) (estate.Addition, error) {
	return estate.Addition{}, nil
}

// Relations are the labels of things: set://labels/LABEL -> thing. They are there once
// Judge has run.
func (s *Step) Relations() estate.Addition { return s.relations }

// Judge implements assess.Step: all data criteria.
func (s *Step) Judge(ctx context.Context, snap *estate.Snapshot, workloads *scope.Workloads) (finding.Judgement, error) {
	out := finding.Judgement{Criteria: map[string][]finding.Criterion{}}
	if s.aside {
		return out, nil
	}
	w, err := NewWorld(ctx, snap, s.scope, s.known)
	if err != nil {
		return out, err
	}
	if s.asking != nil {
		w.answers = s.asking(snap, workloads)
	}
	j := &jury{w: w, workloads: workloads, told: map[string]bool{}, ctx: ctx}
	if err := j.weighPossible(); err != nil {
		return out, err
	}
	for i := range workloads.List {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		out.Criteria[workloads.List[i].ID] = j.decide(&workloads.List[i])
	}
	j.tags()
	out.Findings = j.findings
	s.relations = w.relations()
	return out, nil
}

// relations are the labels, one set for each.
func (w *World) relations() (out estate.Addition) {
	for _, label := range w.labels() {
		set := "set://labels/" + label
		some := false
		for _, id := range w.result.Things(label) {
			if w.asset(id) == nil {
				continue
			}
			a, _ := w.result.Arrival(id, label)
			evidence, tier := "inherited from "+first(a.Path, id), estate.Possible
			for _, l := range w.LabelsOf(id) {
				if l.Label == label && l.Origin != OriginInherited {
					evidence, tier = l.Origin+": "+l.Evidence, estate.Declared
					if l.Origin == OriginObserved {
						tier = estate.Observed
					}
					break
				}
			}
			some = true
			out.Relations = append(out.Relations, estate.Relation{From: set, To: id, Type: LabelledAs, Tier: tier, Evidence: evidence})
		}
		if some {
			out.Assets = append(out.Assets, estate.Asset{ID: set, Type: estate.SetType, Name: label})
		}
	}
	return out
}
