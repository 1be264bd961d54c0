package iam

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// Cut is what to refuse a principal so that he can no longer become
// administrator.
type Cut struct {
	Principal string `json:"principal"`
	// Document is a policy of denies to add to his own.
	Document json.RawMessage `json:"document"`
	// Denies says in words what it refuses: action and resource.
	Denies []string `json:"denies"`
	// Left counts the ways that remain with every cut of the list in place: those
	// of others, through which he goes, are cut at theirs.
	Left int `json:"left"`
}

// refusal is one call to refuse.
type refusal struct{ action, resource string }

// weight ranks calls by what refusing them costs: passing roles and changing
// rights are rarely a task's own, running things is.
func (r refusal) weight() int {
	switch {
	case strings.HasPrefix(r.action, "iam:"):
		return 2
	case strings.HasPrefix(r.action, "sts:"):
		return 3
	case r.resource != "*":
		return 4
	}
	return 6
}

// Cuts finds, for each principal of a list of escalations, a small set of calls
// to refuse that meets every one of his ways in the step he takes himself, and
// proves it: the escalations are sought again with all cuts in place.
func (w *World) Cuts(ctx context.Context, routes []reference.Route, around Surroundings, all []Escalation) ([]Cut, error) {
	ways := map[string][][]refusal{}
	for _, e := range all {
		var calls []refusal
		first := e.Path[0]
		for i, a := range first.Actions {
			calls = append(calls, refusal{a, first.on[i]})
		}
		ways[e.Principal] = append(ways[e.Principal], calls)
	}
	after := *w
	after.principals, after.byARN = slices.Clone(w.principals), maps.Clone(w.byARN)
	var out []Cut
	for _, arn := range sortedKeys(ways) {
		chosen := hit(ways[arn])
		c := Cut{Principal: arn}
		byAction := map[string][]string{}
		for _, r := range chosen {
			byAction[r.action] = append(byAction[r.action], r.resource)
			c.Denies = append(c.Denies, r.action+" on "+r.resource)
		}
		byPlace := map[string]*written{}
		for _, action := range sortedKeys(byAction) {
			resources := byAction[action]
			if slices.Contains(resources, "*") {
				resources = []string{"*"}
			}
			slices.Sort(resources)
			k := strings.Join(resources, " ")
			if byPlace[k] == nil {
				byPlace[k] = &written{Effect: "Deny", Resource: resources}
			}
			byPlace[k].Action = append(byPlace[k].Action, action)
		}
		var statements []written
		for _, k := range sortedKeys(byPlace) {
			statements = append(statements, *byPlace[k])
		}
		slices.Sort(c.Denies)
		c.Document = document(statements)
		old := w.byARN[arn]
		p := *old
		p.Policies = append(slices.Clone(old.Policies), after.Parse("cut of "+arn, c.Document))
		after.byARN[arn] = &p
		after.principals[slices.Index(after.principals, old)] = &p
		out = append(out, c)
	}
	again, err := after.Escalations(ctx, routes, around)
	if err != nil {
		return nil, err
	}
	left := map[string]int{}
	for _, e := range again {
		left[e.Principal]++
	}
	for i := range out {
		out[i].Left = left[out[i].Principal]
	}
	return out, nil
}

// hit chooses calls so that each way has one of them refused: greedily the one
// that cuts most ways for its weight.
func hit(ways [][]refusal) []refusal {
	var chosen []refusal
	for len(ways) > 0 {
		meets := map[refusal]int{}
		for _, w := range ways {
			seen := map[refusal]bool{}
			for _, r := range w {
				if !seen[r] {
					seen[r] = true
					meets[r]++
				}
			}
		}
		if len(meets) == 0 {
			return chosen
		}
		best := slices.MaxFunc(slices.Collect(maps.Keys(meets)), func(a, b refusal) int {
			// Compared as fractions: ways for weight.
			return cmp.Or(cmp.Compare(meets[a]*b.weight(), meets[b]*a.weight()),
				cmp.Compare(b.weight(), a.weight()), cmp.Compare(b.action, a.action), cmp.Compare(b.resource, a.resource))
		})
		chosen = append(chosen, best)
		ways = slices.DeleteFunc(slices.Clone(ways), func(w []refusal) bool { return slices.Contains(w, best) })
	}
	return chosen
}
