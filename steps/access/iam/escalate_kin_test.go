package iam

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// draws is how many made-up accounts a test asks: a quarter of them where time is short.
func draws(n int) int {
	if testing.Short() {
		return n / 4
	}
	return n
}

// TestKinChangeNothing finds the ways of made-up accounts twice: as they are, and
// with a session policy that allows everything on everybody, with whom nobody is
// kin then. What is decided once for many must be what is decided for each.
func TestKinChangeNothing(t *testing.T) {
	routes, err := reference.Routes()
	if err != nil {
		t.Fatal(err)
	}
	t.Parallel()
	ctx := context.Background()
	found, shared, accounts := 0, 0, draws(40)
	for seed := range uint64(accounts) {
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
	if found < 25*accounts || shared < 3*accounts {
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
	t.Parallel()
	steps, accounts := 0, draws(30)
	for seed := range uint64(accounts) {
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
				if e.open != nil {
					want.Unknown = append(want.Unknown, e.open.why)
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
	if steps < 35*accounts {
		t.Errorf("%d steps: the accounts are too plain to tell", steps)
	}
}

// TestAlikeAreAskedOnce counts what is decided of many roles: one answer for all whom
// the same statements name, and one for each boundary where the call carries it.
func TestAlikeAreAskedOnce(t *testing.T) {
	routes, err := reference.Routes()
	if err != nil {
		t.Fatal(err)
	}
	const root = "arn:aws:iam::" + home + ":"
	town := newTown()
	town.role("boss", `{"AWS":"`+root+`role/nobody"}`, all_)
	pass := strings.Replace(allow("iam:PassRole", "iam:PutRolePolicy"), `"*"`, `"`+root+`role/a*"`, 1)
	town.user("ada", pass, allow("lambda:CreateFunction", "lambda:InvokeFunction", "sts:AssumeRole"))
	town.user("bob", pass, strings.TrimSuffix(deny("iam:PassRole"), "}")+`,"Condition":{"StringEquals":{"iam:ResourceTag/team":"x"}}}`, allow("lambda:CreateFunction", "lambda:InvokeFunction"))
	town.user("eve", strings.TrimSuffix(pass, "}")+`,"Condition":{"StringEquals":{"iam:PermissionsBoundary":"one"}}}`)
	bounds := []*Policy{nil, town.w.Parse("one", doc(allow("s3:*"))), town.w.Parse("two", doc(allow("s3:*")))}
	for i := range 60 {
		town.role(fmt.Sprint([]string{"a", "b"}[i%2], i), trusts("lambda.amazonaws.com")).Boundary = bounds[i%3]
	}
	town.w.resources[root+"role/a10"].Tags = map[string]string{"team": "x"}
	c, err := town.w.climb(context.Background(), routes, town)
	if err != nil {
		t.Fatal(err)
	}
	call := func(action string) *targetCall {
		for r := range c.routes {
			for k := range c.shapes.calls[r] {
				if one := &c.shapes.calls[r][k]; one.need.Action == action && (action != "iam:PassRole" || slices.Contains(one.need.Context["iam:PassedToService"], "lambda.amazonaws.com")) {
					return one
				}
			}
		}
		t.Fatalf("no route asks for %s", action)
		return nil
	}
	kept := func(who, action string) int {
		clear(c.shapes.alike)
		c.shapes.forget()
		for i, p := range c.people {
			want := Deny
			if p.Kind == Role && strings.HasPrefix(p.Name, "a") {
				want = Allow
				if who == "bob" && p.Name == "a10" || who == "eve" && p.Boundary != bounds[1] {
					want = Deny
				}
			}
			if got := c.kinCall(int32(c.number[root+"user/"+who]), int32(i), call(action)); got != want {
				t.Errorf("%s calls %s on %s: %v, want %v", who, action, p.ARN, got, want)
			}
		}
		return len(c.shapes.alike)
	}
	for _, tt := range []struct {
		who, action string
		want        int
	}{
		{"ada", "iam:PassRole", 2},      // named, or not
		{"ada", "iam:PutRolePolicy", 6}, // by each boundary, and none
		{"eve", "iam:PutRolePolicy", 6},
		{"bob", "iam:PassRole", 0}, // who looks at tags
	} {
		if got := kept(tt.who, tt.action); got != tt.want {
			t.Errorf("%s of %s: %d answers, want %d", tt.action, tt.who, got, tt.want)
		}
	}
}
