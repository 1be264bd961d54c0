package iam

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// Whether an identity with as many managed policies as AWS lets gets one more is
// unknown, unless one of them may be detached first, or another has room.
func TestRoomForPolicies(t *testing.T) {
	t.Parallel()
	routes, err := reference.Routes()
	if err != nil {
		t.Fatal(err)
	}
	const root = "arn:aws:iam::" + home + ":"
	by := func(name string) string { return `{"AWS":"` + root + name + `"}` }
	on := func(name, action string) string {
		return `{"Effect":"Allow","Action":"` + action + `","Resource":"` + root + name + `"}`
	}
	when := func(action, arns string) string {
		return strings.TrimSuffix(allow(action), "}") + `,"Condition":{"ArnLike":{"iam:PolicyARN":"` + arns + `"}}}`
	}
	team := func(t *town) {
		t.w.AddManaged(home, t.w.Parse(root+"policy/team/pass", doc(allow("iam:PassRole"))))
		t.w.AddManaged(home, t.w.Parse(root+"policy/team/run", doc(allow("lambda:CreateFunction", "lambda:InvokeFunction"))))
	}
	tests := map[string]struct {
		fill func(t *town)
		want Decision // of the surest way; Deny: there is none
		says string   // what is unknown of it, or assumed
	}{
		"nine of ten": {func(t *town) { t.user("ada", allow("iam:AttachUserPolicy")).Attached = 9 }, Allow, ""},
		"ten":         {func(t *town) { t.user("ada", allow("iam:AttachUserPolicy")).Attached = 10 }, Unknown, "whether the quota of managed policies of an identity was raised: user/ada has 10, and AWS sets 10"},
		"ten, one detached": {func(t *town) { t.user("ada", allow("iam:AttachUserPolicy", "iam:DetachUserPolicy")).Attached = 12 }, Allow,
			"that one of the 12 managed policies attached to user/ada is detached first"},
		"ten, some detached": {func(t *town) {
			t.user("ada", allow("iam:AttachUserPolicy"), when("iam:DetachUserPolicy", "arn:aws:iam::*:policy/team/*")).Attached = 10
		}, Conditional, "is detached first"},
		"ten, written inline": {func(t *town) { t.user("ada", allow("iam:AttachUserPolicy", "iam:PutUserPolicy")).Attached = 10 }, Allow, ""},
		"ten, another's": {func(t *town) {
			t.user("ada", allow("iam:AttachRolePolicy", "sts:AssumeRole")).Attached = 10
			t.role("a", by("user/ada"))
		}, Allow, ""},
		"another has ten": {func(t *town) {
			t.user("ada", allow("iam:AttachRolePolicy", "sts:AssumeRole"))
			t.role("a", by("user/ada")).Attached = 10
		}, Unknown, "role/a has 10"},
		"a second has room": {func(t *town) {
			t.user("ada", allow("iam:AttachRolePolicy", "sts:AssumeRole"))
			t.role("a", by("user/ada")).Attached = 10
			t.role("b", by("user/ada")).Attached = 9
		}, Allow, ""},
		"a group of ten": {func(t *town) {
			p := t.user("ada", allow("iam:AttachGroupPolicy"))
			p.Groups = []string{root + "group/g"}
			t.w.AddGroup(Group{ARN: root + "group/g", Account: home, Attached: 10})
		}, Unknown, "group/g has 10"},
		"two onto eight": {func(t *town) {
			t.user("ada", when("iam:AttachUserPolicy", "arn:aws:iam::*:policy/team/*")).Attached = 8
			team(t)
		}, Allow, ""},
		"two onto nine": {func(t *town) {
			t.user("ada", when("iam:AttachUserPolicy", "arn:aws:iam::*:policy/team/*")).Attached = 9
			team(t)
		}, Unknown, "more policies can be attached than were followed"},
		"together, nine": {func(t *town) {
			t.user("ada")
			t.role("a", by("user/ada"), on("role/c", "iam:AttachRolePolicy"))
			t.role("b", by("user/ada"))
			t.role("c", by("role/b")).Attached = 9
		}, Allow, ""},
		"together, ten": {func(t *town) {
			t.user("ada")
			t.role("a", by("user/ada"), on("role/c", "iam:AttachRolePolicy"))
			t.role("b", by("user/ada"))
			t.role("c", by("role/b")).Attached = 10
		}, Unknown, "role/c has 10"},
		"together, one detached": {func(t *town) {
			t.user("ada")
			t.role("a", by("user/ada"), on("role/c", "iam:AttachRolePolicy"), on("role/c", "iam:DetachRolePolicy"))
			t.role("b", by("user/ada"))
			t.role("c", by("role/b")).Attached = 10
		}, Allow, "role/c is detached first"},
		"together, the second of two onto nine": {func(t *town) {
			t.user("ada")
			t.role("a", by("user/ada"), strings.Replace(when("iam:AttachRolePolicy", "arn:aws:iam::*:policy/team/*"), `"*"`, `"`+root+`role/c"`, 1))
			t.role("b", by("user/ada"))
			t.role("c", by("role/b")).Attached = 9
			t.w.AddManaged(home, t.w.Parse(root+"policy/team/idle", doc(allow("iam:CreateRole", "iam:CreateUser", "iam:DeleteLoginProfile"))))
			t.w.AddManaged(home, t.w.Parse(root+"policy/team/run", doc(allow("iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"))))
		}, Allow, ""},
		"together, two onto nine": {func(t *town) {
			t.user("ada")
			t.role("a", by("user/ada"), strings.Replace(when("iam:AttachRolePolicy", "arn:aws:iam::*:policy/team/*"), `"*"`, `"`+root+`role/c"`, 1))
			t.role("b", by("user/ada"))
			t.role("c", by("role/b")).Attached = 9
			team(t)
		}, Unknown, "quota"},
	}
	for name, tt := range tests {
		t.Run(strings.NewReplacer(" ", "_", "'", "", ",", "").Replace(name), func(t *testing.T) {
			town := newTown()
			town.role("boss", trusts("lambda.amazonaws.com"), all_)
			tt.fill(town)
			all, err := town.w.Escalations(context.Background(), routes, town)
			if err != nil {
				t.Fatal(err)
			}
			all = slices.DeleteFunc(all, func(e Escalation) bool { return e.Gain != "full" || e.Principal != root+"user/ada" })
			slices.SortStableFunc(all, func(a, b Escalation) int { return rankOf(b.Decision) - rankOf(a.Decision) })
			got, said := Deny, ""
			if len(all) > 0 {
				got, said = all[0].Decision, fmt.Sprint(all[0].Unknown, all[0].Assumed)
			}
			if got != tt.want || !strings.Contains(said, tt.says) || tt.says == "" && said != "[] []" {
				t.Errorf("%v, saying %s; want %v, %q", got, said, tt.want, tt.says)
			}
			climbers, err := town.w.Climbers(context.Background(), routes, town)
			if err != nil {
				t.Fatal(err)
			}
			if d, ok := climbers[root+"user/ada"]; !ok || d != tt.want {
				t.Errorf("climbers say %v %v, want %v", d, ok, tt.want)
			}
		})
	}
}
