package iam

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// Somebody who gives himself rights goes on with them, and who makes an identity
// becomes it; what bounds him bounds what he makes of himself too. The cut of
// each way ends it.
func TestStages(t *testing.T) {
	routes, err := reference.Routes()
	if err != nil {
		t.Fatal(err)
	}
	const ada = "arn:aws:iam::" + home + ":user/ada"
	self := func(actions ...string) string {
		return strings.Replace(allow(actions...), `"Resource":"*"`, `"Resource":"`+ada+`"`, 1)
	}
	noBoundary := `{"Effect":"Allow","Action":["iam:CreateRole","iam:AttachRolePolicy","iam:PutRolePolicy"],"Resource":"*","Condition":{"StringEquals":{"iam:PermissionsBoundary":"arn:aws:iam::` + home + `:policy/b"}}}`
	tests := map[string]struct {
		own      []string
		boundary string
		group    string // of a group that is there, and in which she is not
		version  string // of a policy she has, not the default one
		want     string // the technique of some way; none: there is no way
		steps    int    // the least that a way takes
	}{
		"boundary off, then a policy":       {[]string{self("iam:DeleteUserPermissionsBoundary", "iam:PutUserPolicy")}, allow("s3:*", "iam:*"), "", "", "iam-007", 2},
		"a policy within, then off":         {[]string{self("iam:PutUserPolicy")}, allow("s3:*", "iam:*"), "", "", "iam.drop-user-boundary", 2},
		"a wider boundary, then a policy":   {[]string{self("iam:PutUserPermissionsBoundary", "iam:AttachUserPolicy")}, allow("iam:*"), "", "", "iam-008", 2},
		"a policy within that runs things":  {[]string{self("iam:PutUserPolicy")}, allow("iam:PutUserPolicy", "iam:PassRole", "lambda:*"), "", "", "lambda-001", 2},
		"a policy within that does nothing": {[]string{self("iam:PutUserPolicy")}, allow("s3:*", "iam:PutUserPolicy"), "", "", "", 0},
		"boundary off and nothing else":     {[]string{self("iam:DeleteUserPermissionsBoundary")}, allow("s3:*", "iam:*"), "", "", "", 0},
		"the boundary leaves no way out":    {[]string{self("iam:DeleteUserPermissionsBoundary", "iam:PutUserPolicy")}, allow("s3:*"), "", "", "", 0},
		"a group that runs things":          {[]string{allow("iam:AddUserToGroup")}, "", allow("iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"), "", "lambda-001", 2},
		"a group that does nothing":         {[]string{allow("iam:AddUserToGroup")}, "", allow("s3:*"), "", "", 0},
		"an older version that runs things": {[]string{allow("iam:SetDefaultPolicyVersion")}, "", "", allow("iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"), "lambda-001", 2},
		"a new role":                        {[]string{allow("iam:CreateRole", "iam:AttachRolePolicy")}, "", "", "", "iam.new-role", 1},
		"a new role under a boundary":       {[]string{allow("iam:CreateRole", "iam:PutRolePolicy", "sts:AssumeRole")}, allow("iam:*", "sts:*"), "", "", "iam.new-role-inline", 1},
		"a new role that must be bounded":   {[]string{noBoundary}, "", "", "", "", 0},
		"a new role that is not to be had":  {[]string{allow("iam:CreateRole", "iam:AttachRolePolicy"), deny("sts:AssumeRole")}, "", "", "", "", 0},
		"a new role and another's policy":   {[]string{strings.Replace(allow("iam:CreateRole"), `"*"}`, `"arn:aws:iam::`+home+`:role/a-*"}`, 1), strings.Replace(allow("iam:AttachRolePolicy"), `"*"}`, `"arn:aws:iam::`+home+`:role/b-*"}`, 1)}, "", "", "", "", 0},
		"a new user":                        {[]string{allow("iam:CreateUser", "iam:AttachUserPolicy", "iam:CreateAccessKey"), `{"Effect":"Deny","Action":"iam:AttachUserPolicy","Resource":"` + ada + `"}`}, "", "", "", "iam.new-user", 1},
		"a new user without a key":          {[]string{strings.Replace(allow("iam:CreateUser", "iam:AttachUserPolicy"), `"*"}`, `"arn:aws:iam::`+home+`:user/n-*"}`, 1)}, "", "", "", "", 0},
	}
	for name, tt := range tests {
		t.Run(strings.NewReplacer(" ", "_", "'", "", ",", "").Replace(name), func(t *testing.T) {
			town := newTown()
			town.role("boss", trusts("lambda.amazonaws.com"), all_)
			p := town.user("ada", tt.own...)
			if tt.boundary != "" {
				p.Boundary = town.w.Parse("arn:aws:iam::"+home+":policy/b", doc(tt.boundary))
			}
			if tt.group != "" {
				town.w.AddGroup(Group{ARN: "arn:aws:iam::" + home + ":group/g", Account: home, Policies: []*Policy{town.w.Parse("g", doc(tt.group))}})
			}
			if tt.version != "" {
				arn := "arn:aws:iam::" + home + ":policy/own"
				p.Customer = []string{arn}
				town.w.AddVersions(arn, []*Policy{town.w.Parse("version", doc(tt.version))})
			}
			town.ways(t, "user/ada") // the quick search agrees
			all, err := town.w.Escalations(context.Background(), routes, town)
			if err != nil {
				t.Fatal(err)
			}
			all = slices.DeleteFunc(all, func(e Escalation) bool { return e.Gain != "full" || e.Decision == Unknown })
			if tt.want == "" {
				if len(all) > 0 {
					t.Fatalf("a way by %s: %+v", all[0].Technique, all[0].Path)
				}
				return
			}
			at := slices.IndexFunc(all, func(e Escalation) bool { return e.Technique == tt.want })
			if at < 0 {
				t.Fatalf("no way by %s among %d", tt.want, len(all))
			}
			if e := all[at]; len(e.Path) != tt.steps || e.Principal != ada || e.Path[0].From != ada {
				t.Errorf("the way is %+v, want %d steps", e, tt.steps)
			}
			cuts, err := town.w.Cuts(context.Background(), routes, town, []string{ada})
			if err != nil || len(cuts) != 1 || cuts[0].Left != 0 {
				t.Fatalf("cuts %+v, %v", cuts, err)
			}
			p.Policies = append(p.Policies, town.w.Parse("cut", cuts[0].Document))
			if ways := town.ways(t, "user/ada"); len(ways) > 0 {
				t.Errorf("with the cut %s he goes on by %v", cuts[0].Document, ways)
			}
		})
	}
}
