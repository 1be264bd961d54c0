package iam

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// TestKinChangeNothing finds the ways of made-up accounts twice: as they are, and
// with a session policy that allows everything on everybody, with whom nobody is
// kin then. What is decided once for many must be what is decided for each.
func TestKinChangeNothing(t *testing.T) {
	routes, err := reference.Routes()
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	found, shared := 0, 0
	for seed := range uint64(40) {
		whole, each := newAnywhere(t, seed), newAnywhere(t, seed)
		for _, p := range each.w.principals {
			p.Session = []*Policy{each.w.everything}
		}
		got, err := whole.w.Escalations(ctx, routes, whole)
		if err != nil {
			t.Fatal(err)
		}
		want, err := each.w.Escalations(ctx, routes, each)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			for k := range want[i].Path {
				s := &want[i].Path[k]
				s.Because = slices.DeleteFunc(slices.Clone(s.Because), func(r Reason) bool { return r.Layer == "session" })
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("account %d: ways (-of each +of kin):\n%s", seed, diff)
		}
		climbers, err := whole.w.Climbers(ctx, routes, whole)
		if err != nil {
			t.Fatal(err)
		}
		others, err := each.w.Climbers(ctx, routes, each)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(others, climbers); diff != "" {
			t.Fatalf("account %d: climbers (-of each +of kin):\n%s", seed, diff)
		}
		found += len(got)
		shared += kinsOf(t, whole, routes)
	}
	if found < 1000 || shared < 100 {
		t.Errorf("%d ways and %d principals who are kin of others: the accounts are too plain to tell", found, shared)
	}
}

// kinsOf counts for how many calls a principal shares the answer of another.
func kinsOf(tb testing.TB, a *anywhere, routes []reference.Route) int {
	tb.Helper()
	c, err := a.w.climb(context.Background(), routes, a)
	if err != nil {
		tb.Fatal(err)
	}
	shared := 0
	for action := range c.kins {
		seen := map[int32]bool{}
		for who := range c.people {
			n := c.kinOf(int32(who), int32(action))
			if seen[n] && c.kins[action].all[n].allows != nil {
				shared++
			}
			seen[n] = true
		}
	}
	return shared
}

// TestStepsAreToldAsDecided works each step of the ways of made-up accounts out
// by itself: what was put together of parts must say the same.
func TestStepsAreToldAsDecided(t *testing.T) {
	routes, err := reference.Routes()
	if err != nil {
		t.Fatal(err)
	}
	type told struct {
		Actions []string
		Because []Reason
		Unknown []string
	}
	steps := 0
	for seed := range uint64(30) {
		a := newAnywhere(t, seed)
		c, err := a.w.climb(context.Background(), routes, a)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.back(); err != nil {
			t.Fatal(err)
		}
		for i := range c.people {
			for _, e := range slices.Concat(c.into[i], c.own[i]) {
				s := c.spell(&e)
				got := told{s.Actions, s.Because, s.unknown}
				whole := c.again(&e)
				want := told{nil, []Reason{}, whole.unknown}
				for _, r := range whole.calls {
					want.Actions = append(want.Actions, r.Action)
					want.Because = append(want.Because, a.w.Explain(r).Because...)
				}
				if e.via != nil && !e.sure {
					want.Unknown = append(want.Unknown, fmt.Sprintf("whether a %s runs as %s: it was not read", e.via.Type, short(c.people[e.to].ARN)))
				}
				slices.Sort(got.Unknown)
				slices.Sort(want.Unknown)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("account %d, %s by %s to %s (-by itself +of parts):\n%s", seed, s.From, routes[e.route].ID, s.To, diff)
				}
				steps++
			}
		}
	}
	if steps < 1000 {
		t.Errorf("%d steps: the accounts are too plain to tell", steps)
	}
}
