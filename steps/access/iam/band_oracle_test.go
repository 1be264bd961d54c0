package iam

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
	"github.com/sevenfold-sec/sevenfold/test/seed"
)

// hamlet is a small account that can be built anew after each change that somebody
// makes to it.
type hamlet struct {
	users, roles []string
	says         map[string][]string // statements, by name
	trust        map[string]string   // whom a role's trust policy names; "" after it was rewritten
	bound        map[string]string   // statements of boundaries
	function     map[string]string   // which role a function acts as
}

func (h *hamlet) arn(name string) string {
	if slices.Contains(h.users, name) {
		return "arn:aws:iam::" + home + ":user/" + name
	}
	return "arn:aws:iam::" + home + ":role/" + name
}

func (h *hamlet) build() *town {
	t := newTown()
	for _, name := range h.users {
		t.user(name, h.says[name]...)
	}
	for _, name := range h.roles {
		who := `{"AWS":"*"}`
		if h.trust[name] != "" {
			who = fmt.Sprintf(`{"AWS":%q,"Service":"lambda.amazonaws.com"}`, h.arn(h.trust[name]))
		}
		t.role(name, who, h.says[name]...)
	}
	for name, statement := range h.bound {
		t.w.byARN[h.arn(name)].Boundary = t.w.Parse("boundary of "+name, doc(statement))
	}
	return t
}

var deeds = []string{
	"sts:AssumeRole", "iam:PutRolePolicy", "iam:PutUserPolicy", "iam:DeleteRolePermissionsBoundary", "iam:DeleteUserPermissionsBoundary",
	"iam:UpdateAssumeRolePolicy", "iam:CreateAccessKey", "iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction",
}

func newHamlet(rnd *rand.Rand) *hamlet {
	h := &hamlet{
		users: []string{"ada", "eve"}, roles: []string{"boss", "a", "b", "c", "d"},
		says: map[string][]string{"boss": {all_}}, trust: map[string]string{"boss": "nobody"}, bound: map[string]string{}, function: map[string]string{},
	}
	one := func(of []string) string { return of[rnd.IntN(len(of))] }
	names := append(slices.Clone(h.users), h.roles[1:]...)
	statement := func() string {
		action := one(deeds)
		on := h.arn(one(names))
		switch {
		case strings.HasPrefix(action, "lambda:"):
			on = "arn:aws:lambda:eu-west-1:" + home + ":function:" + one([]string{"f", "g"})
		case action == "iam:PassRole":
			on = h.arn(one(h.roles))
		}
		actions := []string{action}
		if rnd.IntN(4) == 0 {
			actions, on = []string{action, one(deeds)}, "*"
			if slices.Contains(actions, "sts:AssumeRole") || rnd.IntN(2) == 0 {
				on = h.arn(one(names))
			}
		}
		return strings.Replace(allow(actions...), `"Resource":"*"`, `"Resource":"`+on+`"`, 1)
	}
	for _, name := range names {
		for range rnd.IntN(3) {
			h.says[name] = append(h.says[name], statement())
		}
		if rnd.IntN(8) == 0 {
			h.says[name] = append(h.says[name], deny(one(deeds)))
		}
		switch rnd.IntN(5) {
		case 0:
			h.bound[name] = allow("iam:*", "sts:*")
		case 1:
			h.bound[name] = allow(one(deeds), one(deeds), "s3:*")
		}
	}
	for _, name := range h.roles[1:] {
		h.trust[name] = one(append([]string{"ada", "ada", "ada", "nobody"}, names...))
	}
	return h
}

// play makes every change and becomes everybody that ada can, for real: the account is
// built anew after each, and asked what is allowed now. It says whether somebody of
// those she acts as is an administrator in the end.
func (h *hamlet) play() bool {
	mine := map[string]bool{"ada": true}
	for again := true; again; {
		again = false
		t := h.build()
		may := func(who, action, on string) bool {
			return t.w.Decide(Request{Principal: t.w.byARN[h.arn(who)], Action: action, Resource: on, Literal: true}) == Allow
		}
		var moves []func() bool
		for who := range mine {
			if isOne(t.w.IsAdministrator(t.w.byARN[h.arn(who)])) {
				return true
			}
			for _, target := range slices.Concat(h.users, h.roles) {
				on := h.arn(target)
				isRole := slices.Contains(h.roles, target)
				change := func(action string, role bool, f func()) {
					if role == isRole && may(who, action, on) {
						moves = append(moves, func() bool { f(); return true })
					}
				}
				give := func() { h.says[target] = append(slices.Clone(h.says[target]), all_) }
				if !slices.Contains(h.says[target], all_) {
					change("iam:PutRolePolicy", true, give)
					change("iam:PutUserPolicy", false, give)
				}
				if h.bound[target] != "" {
					change("iam:DeleteRolePermissionsBoundary", true, func() { delete(h.bound, target) })
					change("iam:DeleteUserPermissionsBoundary", false, func() { delete(h.bound, target) })
				}
				if h.trust[target] != "" {
					change("iam:UpdateAssumeRolePolicy", true, func() { h.trust[target] = "" })
				}
				if !mine[target] {
					change("sts:AssumeRole", true, func() { mine[target] = true })
					change("iam:CreateAccessKey", false, func() { mine[target] = true })
				}
			}
			for _, name := range []string{"f", "g"} {
				on := "arn:aws:lambda:eu-west-1:" + home + ":function:" + name
				for _, role := range h.roles {
					key := name + " as " + role
					if h.function[key] == "" && h.trust[role] != "" && may(who, "iam:PassRole", h.arn(role)) && may(who, "lambda:CreateFunction", on) {
						moves = append(moves, func() bool { h.function[key] = role; return true })
					}
					if h.function[key] != "" && !mine[role] && may(who, "lambda:InvokeFunction", on) {
						moves = append(moves, func() bool { mine[role] = true; return true })
					}
				}
			}
		}
		for _, move := range moves {
			again = move() || again
		}
	}
	return false
}

// Who can become administrator, by himself or as all he can act as, is found, and
// nobody else: held to doing it.
func TestBandAgainstDoingIt(t *testing.T) {
	routes, err := reference.Routes()
	if err != nil {
		t.Fatal(err)
	}
	n := 400
	if testing.Short() {
		n = 40
	}
	rnd := rand.New(rand.NewPCG(seed.Of(t), 5))
	can, together := 0, 0
	for i := range n {
		h := newHamlet(rnd)
		town := h.build()
		all, err := town.w.Escalations(context.Background(), routes, town)
		if err != nil {
			t.Fatal(err)
		}
		all = slices.DeleteFunc(all, func(e Escalation) bool { return e.Gain != "full" || e.Principal != h.arn("ada") })
		climbers, err := town.w.Climbers(context.Background(), routes, town)
		if err != nil {
			t.Fatal(err)
		}
		describe := fmt.Sprintf("account %d: %v; trust %v; boundaries %v", i, h.says, h.trust, h.bound)
		if d, ok := climbers[h.arn("ada")]; ok != (len(all) > 0) || ok && !slices.ContainsFunc(all, func(e Escalation) bool { return e.Decision == d }) {
			t.Fatalf("%s: climbers say %v %v, ways are %+v", describe, d, ok, all)
		}
		if len(all) > 0 && strings.HasSuffix(all[0].Technique, "+others") {
			together++
		}
		if h.play() {
			can++
			if len(all) == 0 {
				t.Fatalf("%s: she can, and no way was found", describe)
			}
			continue
		}
		if at := slices.IndexFunc(all, func(e Escalation) bool { return e.Decision == Allow }); at >= 0 {
			t.Fatalf("%s: she cannot, and a way was found: %+v", describe, all[at])
		}
	}
	if can == 0 || can == n || together == 0 {
		t.Errorf("%d of %d can, %d together: the accounts are no test", can, n, together)
	}
	t.Logf("%d of %d can, %d of them only together", can, n, together)
}
