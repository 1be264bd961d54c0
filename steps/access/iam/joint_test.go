package iam

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// Who acts as several identities gives rights by one and takes them by another; each
// step is told, and the cut ends it. What leads nowhere is no way.
func TestJoint(t *testing.T) {
	routes, err := reference.Routes()
	if err != nil {
		t.Fatal(err)
	}
	const root = "arn:aws:iam::" + home + ":"
	on := func(name string, actions ...string) string {
		return strings.Replace(allow(actions...), `"Resource":"*"`, `"Resource":"`+root+name+`"`, 1)
	}
	me := `{"AWS":"` + root + `user/ada"}`
	by := func(name string) string { return `{"AWS":"` + root + `role/` + name + `"}` }
	run := allow("iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction")
	tests := map[string]struct {
		fill func(t *town)
		want string // target and decision; none: there is no way
		by   []string
	}{
		"one gives, another takes": {func(t *town) {
			t.role("a", me, on("role/c", "iam:AttachRolePolicy"))
			t.role("b", me)
			t.role("c", by("b"))
		}, "role/c allow", []string{"role/a", "role/b", "role/c"}},
		"inline": {func(t *town) {
			t.role("a", me, on("role/c", "iam:PutRolePolicy"))
			t.role("b", me)
			t.role("c", by("b"))
		}, "role/c allow", []string{"role/a", "role/b", "role/c"}},
		"she gives, another takes": {func(t *town) {
			t.w.byARN[root+"user/ada"].Policies = append(t.w.byARN[root+"user/ada"].Policies, t.w.Parse("x", doc(on("role/c", "iam:PutRolePolicy"))))
			t.role("b", me)
			t.role("c", by("b"))
		}, "role/c allow", []string{"role/b", "role/c"}},
		"to herself": {func(t *town) { t.role("a", me, on("user/ada", "iam:PutUserPolicy")) }, "administrator allow", []string{"role/a", "user/ada"}},
		"a role puts her into a group": {func(t *town) {
			t.w.AddGroup(Group{ARN: root + "group/g", Account: home, Policies: []*Policy{t.w.Parse("g", doc(all_))}})
			t.role("a", me, on("group/g", "iam:AddUserToGroup"))
		}, "administrator allow", []string{"role/a", "user/ada"}},
		"nobody takes": {func(t *town) {
			t.role("a", me, on("role/c", "iam:AttachRolePolicy"))
			t.role("b", me)
			t.role("c", by("d"))
		}, "", nil},
		"who takes cannot be become": {func(t *town) {
			t.role("a", me, on("role/c", "iam:AttachRolePolicy"))
			t.role("b", by("d"))
			t.role("c", by("b"))
		}, "", nil},
		"within a boundary that leads nowhere": {func(t *town) {
			t.role("a", me, on("role/c", "iam:PutRolePolicy"))
			t.role("b", me)
			t.role("c", by("b")).Boundary = t.w.Parse("bound", doc(allow("s3:*")))
		}, "", nil},
		"within a boundary that may lead on": {func(t *town) {
			t.role("a", me, on("role/c", "iam:PutRolePolicy"))
			t.role("b", me)
			t.role("c", by("b")).Boundary = t.w.Parse("bound", doc(run))
		}, "role/c unknown", []string{"role/a", "role/b", "role/c"}},
		"the boundary off, and a policy": {func(t *town) {
			t.w.byARN[root+"user/ada"].Policies = append(t.w.byARN[root+"user/ada"].Policies, t.w.Parse("x", doc(on("role/c", "iam:PutRolePolicy", "iam:DeleteRolePermissionsBoundary"))))
			t.role("c", me).Boundary = t.w.Parse("bound", doc(allow("s3:*")))
		}, "role/c allow", []string{"role/c"}},
		"the boundary off by one, a policy by another": {func(t *town) {
			t.role("a", me, on("role/c", "iam:PutRolePolicy"))
			t.role("b", me, on("role/c", "iam:DeleteRolePermissionsBoundary"))
			t.role("c", me).Boundary = t.w.Parse("bound", doc(allow("s3:*")))
		}, "role/c allow", []string{"role/a", "role/b", "role/c"}},
		"the boundary off who has everything": {func(t *town) {
			t.role("a", me, on("role/c", "iam:DeleteRolePermissionsBoundary"))
			t.role("b", me)
			t.role("c", by("b"), all_).Boundary = t.w.Parse("bound", doc(allow("s3:*")))
		}, "role/c allow", []string{"role/a", "role/b", "role/c"}},
		"refused by another policy": {func(t *town) {
			t.role("a", me, on("role/c", "iam:AttachRolePolicy"), deny("iam:*"))
			t.role("b", me)
			t.role("c", by("b"))
		}, "", nil},
	}
	for name, tt := range tests {
		t.Run(strings.NewReplacer(" ", "_", ",", "").Replace(name), func(t *testing.T) {
			town := newTown()
			town.role("boss", trusts("lambda.amazonaws.com"), all_)
			ada := town.user("ada")
			tt.fill(town)
			find := func() []Escalation {
				town.ways(t, "user/ada") // the quick search agrees
				all, err := town.w.Escalations(context.Background(), routes, town)
				if err != nil {
					t.Fatal(err)
				}
				return slices.DeleteFunc(all, func(e Escalation) bool { return e.Gain != "full" || e.Principal != ada.ARN })
			}
			all := find()
			if tt.want == "" {
				if len(all) > 0 {
					t.Fatalf("a way: %+v", all)
				}
				return
			}
			at := slices.IndexFunc(all, func(e Escalation) bool { return short(e.Target)+" "+e.Decision.String() == tt.want })
			if at < 0 {
				t.Fatalf("no %s among %+v", tt.want, all)
			}
			e := all[at]
			if e.Decision == Unknown && len(e.Unknown) == 0 {
				t.Error("unknown without a reason")
			}
			for _, to := range tt.by {
				if !slices.ContainsFunc(e.Path, func(s Step) bool { return short(s.To) == to }) {
					t.Errorf("no step to %s in %+v", to, e.Path)
				}
			}
			cuts, err := town.w.Cuts(context.Background(), routes, town, []string{ada.ARN})
			if err != nil || len(cuts) != 1 || cuts[0].Left != 0 {
				t.Fatalf("cuts %+v, %v", cuts, err)
			}
			ada.Policies = append(ada.Policies, town.w.Parse("cut", cuts[0].Document))
			if left := find(); len(left) > 0 {
				t.Errorf("with the cut %s she goes on by %+v", cuts[0].Document, left)
			}
		})
	}
}
