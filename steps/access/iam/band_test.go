package iam

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// Who acts as several identities gives rights by one and takes them by another; each
// step is told, and the cut ends it. What leads nowhere is no way.
func TestBand(t *testing.T) {
	t.Parallel()
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
		"together she becomes who enters another": {func(t *town) {
			t.role("a", me, on("role/x", "iam:PassRole"), allow("lambda:CreateFunction"), on("role/z", "iam:PutRolePolicy"))
			t.role("b", me, allow("lambda:InvokeFunction"))
			t.role("x", trusts("lambda.amazonaws.com"))
			t.role("z", by("x"))
		}, "role/z allow", []string{"role/x", "role/z"}},
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
		}, "role/boss allow", []string{"role/a", "role/b", "role/c", "role/boss"}},
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
		"one passes the role, another invokes": {func(t *town) {
			t.role("a", me, allow("iam:PassRole", "lambda:CreateFunction"))
			t.role("b", me, allow("lambda:InvokeFunction"))
		}, "role/boss allow", []string{"role/a", "role/b", "role/boss"}},
		"one passes the role, another invokes what is not there": {func(t *town) {
			t.role("a", me, allow("iam:PassRole"), `{"Effect":"Allow","Action":"lambda:CreateFunction","Resource":"arn:aws:lambda:*:*:function:a-*"}`)
			t.role("b", me, `{"Effect":"Allow","Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:*:*:function:b-*"}`)
		}, "role/boss unknown", []string{"role/a", "role/b", "role/boss"}},
		"one passes the role, another creates": { // one call
			func(t *town) {
				t.role("a", me, allow("iam:PassRole"))
				t.role("b", me, allow("lambda:CreateFunction", "lambda:InvokeFunction"))
			}, "", nil},
		"trust rewritten for another": {func(t *town) {
			t.role("a", me, on("role/c", "iam:UpdateAssumeRolePolicy"))
			t.role("b", me, on("role/c", "sts:AssumeRole"))
			t.role("c", by("d"), all_)
		}, "role/c allow", []string{"role/a", "role/c"}},
		"a key made by one for whom another gives": {func(t *town) {
			t.user("eve")
			t.role("a", me, on("user/eve", "iam:CreateAccessKey"))
			t.role("b", me, on("user/eve", "iam:PutUserPolicy"))
		}, "user/eve allow", []string{"role/b", "user/eve"}},
		"a pair before a pair": {func(t *town) {
			t.role("a", me, on("role/c", "iam:PutRolePolicy"))
			t.role("b", me)
			t.role("c", by("b")).Boundary = t.w.Parse("bound", doc(on("role/d", "iam:PutRolePolicy")))
			t.role("d", by("b"))
		}, "role/d allow", []string{"role/c", "role/d"}},
		"a pair before one who has a way": {func(t *town) {
			t.role("a", me, on("role/c", "iam:UpdateAssumeRolePolicy"))
			t.role("c", by("d"), on("role/e", "sts:AssumeRole"))
			t.role("e", by("c"), on("role/e", "iam:PutRolePolicy"))
		}, "administrator allow", []string{"role/c", "role/e"}},
		"a user made by one, his rights by another, his key by a third": {func(t *town) {
			t.role("a", me, on("user/new-*", "iam:CreateUser"))
			t.role("b", me, on("user/new-*", "iam:PutUserPolicy"))
			t.role("c", me, on("user/new-*", "iam:CreateAccessKey"))
		}, "administrator allow", []string{"user/new-x"}},
		"a role made within a boundary": {func(t *town) {
			bound := root + "policy/bound"
			t.w.AddManaged(home, t.w.Parse(bound, doc(run)))
			t.w.byARN[root+"user/ada"].Policies = append(t.w.byARN[root+"user/ada"].Policies, t.w.Parse("x", doc(
				`{"Effect":"Allow","Action":["iam:CreateRole","iam:PutRolePolicy"],"Resource":"`+root+`role/dev-*","Condition":{"StringEquals":{"iam:PermissionsBoundary":"`+bound+`"}}}`)))
		}, "role/boss allow", []string{"role/dev-x", "role/boss"}},
		"a role made within a boundary that nobody read": {func(t *town) {
			t.w.byARN[root+"user/ada"].Policies = append(t.w.byARN[root+"user/ada"].Policies, t.w.Parse("x", doc(
				`{"Effect":"Allow","Action":["iam:CreateRole","iam:PutRolePolicy"],"Resource":"`+root+`role/dev-*","Condition":{"StringEquals":{"iam:PermissionsBoundary":"`+root+`policy/bound"}}}`)))
		}, "administrator unknown", nil},
		"a role made within a boundary that leads nowhere": {func(t *town) {
			bound := root + "policy/bound"
			t.w.AddManaged(home, t.w.Parse(bound, doc(allow("s3:*"))))
			t.w.byARN[root+"user/ada"].Policies = append(t.w.byARN[root+"user/ada"].Policies, t.w.Parse("x", doc(
				`{"Effect":"Allow","Action":["iam:CreateRole","iam:PutRolePolicy"],"Resource":"`+root+`role/dev-*","Condition":{"StringEquals":{"iam:PermissionsBoundary":"`+bound+`"}}}`)))
		}, "", nil},
		"a made role gives": {func(t *town) {
			t.w.accounts[home].SCPs = [][]*Policy{{t.w.Parse("scp", doc(all_+","+`{"Effect":"Deny","Action":"iam:AttachRolePolicy","Resource":"*","Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/new*"}}}`))}}
			t.role("a", me, `{"Effect":"Allow","Action":["iam:CreateRole","iam:PutRolePolicy"],"Resource":"`+root+`role/new"}`)
			t.role("b", me)
			t.role("c", by("b"))
		}, "administrator allow", []string{"role/new"}},
		"many policies that lead nowhere, and one that does": {func(t *town) {
			for i := range 40 {
				t.w.AddManaged(home, t.w.Parse(root+"policy/p"+string(rune('a'+i%26))+string(rune('a'+i/26)), doc(allow("iam:GetRole", "lambda:InvokeFunction", "iam:PassRole"))))
			}
			t.w.AddManaged(home, t.w.Parse(root+"policy/pzz", doc(allow("lambda:CreateFunction"))))
			t.role("a", me, `{"Effect":"Allow","Action":"iam:AttachRolePolicy","Resource":"`+root+`role/c","Condition":{"ArnLike":{"iam:PolicyARN":"`+root+`policy/p*"}}}`)
			t.role("b", me)
			t.role("c", by("b"))
		}, "role/c unknown", []string{"role/c"}},
		"set free he becomes who gives him more": {func(t *town) {
			t.role("d", me, on("role/c", "iam:DeleteRolePermissionsBoundary"))
			t.role("c", me).Boundary = t.w.Parse("bound", doc(allow("s3:*")))
			t.role("b", by("c"), on("role/c", "iam:PutRolePolicy"))
		}, "role/c allow", []string{"role/d", "role/c", "role/b"}},
		"of one who might give nothing is known": {func(t *town) {
			t.role("a", me).Unread = "not read"
			t.role("b", me)
			t.role("c", by("b"))
		}, "", nil},
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

// Of more identities than are followed nothing is said where one of them could have a
// part in what several do; where none could, there is no way, however many they are.
func TestBandOfMany(t *testing.T) {
	routes, err := reference.Routes()
	if err != nil {
		t.Fatal(err)
	}
	const root = "arn:aws:iam::" + home + ":"
	gives := strings.Replace(allow("iam:PutRolePolicy"), `"Resource":"*"`, `"Resource":"`+root+`role/closed"`, 1)
	for name, tt := range map[string]struct {
		says string // of the last of them
		want []string
	}{
		"none has a part": {allow("s3:GetObject"), nil},
		"one may have":    {gives, []string{"unknown"}},
	} {
		t.Run(name, func(t *testing.T) {
			town := newTown()
			town.role("boss", trusts("lambda.amazonaws.com"), all_)
			ada := town.user("ada")
			town.role("closed", `{"AWS":"`+root+`role/m0"}`)
			for i := range maxBand + 9 {
				says := allow("s3:GetObject")
				if i == maxBand+8 {
					says = tt.says
				}
				town.role(fmt.Sprint("m", i), `{"AWS":"`+ada.ARN+`"}`, says)
			}
			all, err := town.w.Escalations(context.Background(), routes, town)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range all {
				if e.Principal == ada.ARN && e.Gain == "full" {
					got = append(got, e.Decision.String())
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%v, want %v", got, tt.want)
			}
			climbers, err := town.w.Climbers(context.Background(), routes, town)
			if err != nil {
				t.Fatal(err)
			}
			if d, ok := climbers[ada.ARN]; ok != (tt.want != nil) || ok && d != Unknown {
				t.Errorf("climbers say %v %v, want %v", d, ok, tt.want)
			}
		})
	}
}
