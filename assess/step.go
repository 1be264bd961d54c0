package assess

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// Step is one of the seven rooms. All Derives run first, each on the snapshot
// the one before it made, in the order their relation types ask for; then all
// Judges run on the one finished graph.
type Step interface {
	// ID is the step's name on the command line and in criteria ("audit").
	ID() string
	// Needs lists the derived relation types that Derive reads, Gives those it
	// adds. Declared types need not be listed.
	Needs() []estate.RelationType
	Gives() []estate.RelationType
	// Derive returns what the step adds to the graph. It must not keep snap.
	Derive(ctx context.Context, snap *estate.Snapshot) (estate.Addition, error)
	// Judge returns the step's findings and criteria. An error means that the
	// step could not run at all; its criteria are then unknown with the error
	// as reason, and the other steps go on.
	Judge(ctx context.Context, snap *estate.Snapshot, workloads *scope.Workloads) (finding.Judgement, error)
}

// order sorts steps so that each comes after every step that gives a relation
// type it needs, keeping the given order where it is free. It fails on a cycle
// and on a type nobody gives.
func order(steps []Step) ([]Step, error) {
	givers := map[estate.RelationType][]string{}
	for _, s := range steps {
		for _, r := range s.Gives() {
			givers[r] = append(givers[r], s.ID())
		}
	}
	var sorted []Step
	done := map[string]bool{}
	ready := func(s Step) bool {
		for _, need := range s.Needs() {
			for _, g := range givers[need] {
				if g != s.ID() && !done[g] {
					return false
				}
			}
		}
		return true
	}
	for _, s := range steps {
		for _, need := range s.Needs() {
			if len(givers[need]) == 0 {
				return nil, fmt.Errorf("step %s needs relation %s, which no step gives", s.ID(), need)
			}
		}
	}
	for len(sorted) < len(steps) {
		next := slices.IndexFunc(steps, func(s Step) bool { return !done[s.ID()] && ready(s) })
		if next < 0 {
			var left []string
			for _, s := range steps {
				if !done[s.ID()] {
					left = append(left, s.ID())
				}
			}
			return nil, fmt.Errorf("steps wait for each other's relations: %s", strings.Join(left, ", "))
		}
		done[steps[next].ID()] = true
		sorted = append(sorted, steps[next])
	}
	return sorted, nil
}
