package data

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/data/lineage"
)

// Actor is somebody who can act in a principal's place, in one step.
type Actor struct {
	Principal string // an id; * for anybody
	Decision  string // allow, conditional or unknown
	How       string // by which actions
}

// Acting says who can act in a principal's place.
type Acting func(ctx context.Context, principal string) ([]Actor, error)

// turn is how a principal comes to read a store: itself, or in the place of another.
type turn struct {
	principal string
	before    *turn // in whose place it acts; nil where it may itself
	decision  string
	how       string
	far       int
}

// byActing tells what could be taken by those who can act in the place of principals that may
// read a store, and of those who can act in theirs: the surest way of each, of those the
// shortest. Of whom it is not known whether they can, is told as not known.
func (p *possibles) byActing(ctx context.Context, a *estate.Asset, labels []string, who map[string]string, watched bool) error {
	if _, anybody := who[anyone]; p.answers.Act == nil || anybody { // then nobody needs another's right
		return nil
	}
	known := map[string]*turn{}
	var start []*turn
	for principal, decision := range who {
		if decision == "unknown" {
			continue
		}
		t := &turn{principal: principal, decision: decision}
		known[principal] = t
		start = append(start, t)
	}
	slices.SortFunc(start, func(x, y *turn) int { return strings.Compare(x.principal, y.principal) })
	unsure := map[string]*turn{}
	var found []*turn
	for _, least := range []string{"allow", "conditional"} {
		queue := slices.Concat(start, found)
		for len(queue) > 0 {
			t := queue[0]
			queue = queue[1:]
			if t.far >= maxPossibleTurns || certainty(t.decision) > certainty(least) {
				continue
			}
			actors, err := p.actors(ctx, t.principal)
			if err != nil {
				return err
			}
			for _, one := range actors {
				if one.Decision == "unknown" {
					if _, reads := who[one.Principal]; !reads && unsure[one.Principal] == nil {
						unsure[one.Principal] = &turn{principal: one.Principal, before: t, decision: "unknown", how: one.How, far: t.far + 1}
					}
					continue
				}
				next := &turn{principal: one.Principal, before: t, decision: weaker(t.decision, one.Decision), how: one.How, far: t.far + 1}
				if known[one.Principal] != nil || certainty(next.decision) > certainty(least) {
					continue
				}
				known[one.Principal] = next
				found = append(found, next)
				queue = append(queue, next)
			}
		}
	}
	for _, t := range found {
		delete(unsure, t.principal)
		p.acts(a, labels, t, watched)
	}
	// Somebody of another account whom a role lets and whose own policies nobody read is told by
	// name; of the accounts that were read, they would be all where a trust was not read.
	example := ""
	for _, id := range slices.Sorted(maps.Keys(unsure)) {
		if of := p.w.asset(id); of == nil || of.Referenced {
			p.acts(a, labels, unsure[id], watched)
			delete(unsure, id)
		} else if example == "" {
			example = id + " could act as " + unsure[id].before.principal
		}
	}
	if len(unsure) > 0 {
		p.unknown(a.ID, fmt.Sprintf("of %d who may not read it themselves it is not known whether they can act as who may (whether %s)", len(unsure), example), watched)
	}
	return nil
}

// weaker is the less certain of two decisions.
func weaker(a, b string) string {
	if certainty(b) > certainty(a) {
		return b
	}
	return a
}

// actors asks once who can act as a principal.
func (p *possibles) actors(ctx context.Context, principal string) ([]Actor, error) {
	got, ok := p.acted[principal]
	if ok {
		return got, nil
	}
	if len(p.acted) >= maxPossibleActed {
		p.unasked[principal] = true
		return nil, nil
	}
	got, err := p.answers.Act(ctx, principal)
	if err != nil {
		return nil, fmt.Errorf("who can act as %s: %w", principal, err)
	}
	p.acted[principal] = got
	return got, nil
}

// acts tells one such flow, with the way from the store over those in whose place is acted.
func (p *possibles) acts(a *estate.Asset, labels []string, end *turn, watched bool) {
	if root := strings.HasSuffix(end.principal, ":root"); root && p.w.knowsWhoIsOf(a, end.principal) {
		return
	}
	var line []*turn
	for t := end; t != nil; t = t.before {
		line = append(line, t)
	}
	slices.Reverse(line)
	possible := lineage.Possible.String()
	flow := Possible{Store: a.ID, Labels: labels, By: ByPermission, Taker: end.principal, Decision: end.decision, Watched: watched, Systems: []PossibleSystem{}}
	way := []Hop{{a.ID, line[0].principal, possible, "permission: " + line[0].decision}}
	said := line[0].principal + ", which may read it"
	for _, t := range line[1:] {
		flow.Through = append(flow.Through, t.before.principal)
		way = append(way, Hop{t.before.principal, t.principal, possible, "acts as it by " + t.how})
		if t != end {
			said = t.principal + " and so as " + said
		}
	}
	name := end.principal
	if name == anyone {
		name = "anybody"
	}
	if end.decision == "unknown" {
		flow.Reason = fmt.Sprintf("whether %s can act as %s (by %s), is not known, and nothing declares or shows that it does", name, said, end.how)
	} else {
		flow.Reason = fmt.Sprintf("%s can act as %s (%s, by %s), and nothing declares or shows that it does", name, said, end.decision, end.how)
	}
	runners := p.runners(end.principal)
	for _, r := range runners {
		p.takes(&flow, r, append(slices.Clone(way), Hop{end.principal, r, possible, "runs as " + end.principal})...)
	}
	if len(runners) == 0 {
		flow.Systems = append(flow.Systems, p.principal(&flow, way...))
	}
	p.tell(flow)
}
