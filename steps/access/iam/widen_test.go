package iam

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// Who gives rights to another and becomes him goes on with these, by whichever way he
// becomes him, and as far as what he may give reaches: what was not read may reach
// anywhere. The cut of each way ends it.
func TestGivesOthers(t *testing.T) {
	t.Parallel()
	routes, err := reference.Routes()
	if err != nil {
		t.Fatal(err)
	}
	const (
		ada  = "arn:aws:iam::" + home + ":user/ada"
		own  = "arn:aws:iam::" + home + ":policy/"
		role = "arn:aws:iam::" + home + ":role/fn"
		user = "arn:aws:iam::" + home + ":user/bob"
		aws  = "arn:aws:iam::aws:policy/"
	)
	on := func(resource string, actions ...string) string {
		return strings.Replace(allow(actions...), `"Resource":"*"`, `"Resource":"`+resource+`"`, 1)
	}
	attach := func(arns string) string {
		return `{"Effect":"Allow","Action":["iam:AttachRolePolicy","iam:AttachUserPolicy"],"Resource":["` + role + `","` + user + `"],"Condition":{"ArnLike":{"iam:PolicyARN":[` + arns + `]}}}`
	}
	code := on("*", "lambda:UpdateFunctionCode", "lambda:InvokeFunction")
	run := allow("iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction")
	runBoss := `{"Effect":"Allow","Action":["iam:PassRole"],"Resource":"arn:aws:iam::` + home + `:role/boss"},` + allow("lambda:CreateFunction", "lambda:InvokeFunction")
	tests := map[string]struct {
		ada      []string
		fn       []string // what the role of the function may
		trust    string   // whom it trusts beside Lambda
		boundary string   // of the role
		managed  map[string]string
		version  string // of a policy the role has, not the default one
		unread   bool   // the account's policies were not listed
		want     string // a decision; none: there is no way
		first    string // the technique of the first step
		why      string // part of what an unknown one hangs on
	}{
		"a policy for the role of a function":           {ada: []string{on(role, "iam:PutRolePolicy"), code}, want: "allow", first: "iam.put-role-policy+lambda-003"},
		"a policy for another role":                     {ada: []string{on(role+"x", "iam:PutRolePolicy"), code}},
		"a policy for a role that nothing runs as":      {ada: []string{on(role, "iam:PutRolePolicy")}},
		"everything attached to it":                     {ada: []string{on(role, "iam:AttachRolePolicy"), code}, want: "allow", first: "iam.attach-role-policy+lambda-003"},
		"a new version for it":                          {ada: []string{on(own+"fn", "iam:CreatePolicyVersion"), code}, want: "allow", first: "iam.policy-version+lambda-003"},
		"a policy for a role that can be passed":        {ada: []string{on(role, "iam:PutRolePolicy", "iam:PassRole"), allow("lambda:CreateFunction", "lambda:InvokeFunction")}, want: "allow", first: "iam.put-role-policy+lambda-001"},
		"passed to a service that it does not trust":    {ada: []string{on(role, "iam:PutRolePolicy", "iam:PassRole"), allow("glue:CreateJob", "glue:StartJobRun")}},
		"a policy for a user, and a password":           {ada: []string{on(user, "iam:PutUserPolicy", "iam:CreateLoginProfile")}, want: "allow", first: "iam.put-user-policy+iam-004"},
		"within its boundary":                           {ada: []string{on(role, "iam:PutRolePolicy"), code}, boundary: run, want: "allow", first: "iam.put-role-policy+lambda-003"},
		"within a boundary that leads nowhere":          {ada: []string{on(role, "iam:PutRolePolicy"), code}, boundary: allow("s3:*")},
		"its boundary taken off":                        {ada: []string{on(role, "iam:DeleteRolePermissionsBoundary"), code}, fn: []string{run}, boundary: allow("s3:*"), want: "allow", first: "iam.drop-role-boundary+lambda-003"},
		"its boundary taken off for nothing":            {ada: []string{on(role, "iam:DeleteRolePermissionsBoundary"), code}, fn: []string{allow("s3:*")}, boundary: allow("s3:*")},
		"an older version of its policy":                {ada: []string{on(own+"fn", "iam:SetDefaultPolicyVersion"), code}, version: run, want: "allow", first: "iam.set-default-version+lambda-003"},
		"an older version that leads nowhere":           {ada: []string{on(own+"fn", "iam:SetDefaultPolicyVersion"), code}, version: allow("s3:*")},
		"one that leads on":                             {ada: []string{attach(`"` + own + `run"`), code}, managed: map[string]string{"run": run}, want: "allow", first: "iam.attach-role-policy+lambda-003"},
		"one that leads on, to a role that trusts her":  {ada: []string{attach(`"` + own + `run"`)}, trust: ada, managed: map[string]string{"run": run}, want: "allow", first: "iam-014"},
		"one that leads on, to a user":                  {ada: []string{attach(`"` + own + `run"`), on(user, "iam:CreateAccessKey")}, managed: map[string]string{"run": run}, want: "allow", first: "iam-015"},
		"one that does not":                             {ada: []string{attach(`"` + own + `run"`), code}, managed: map[string]string{"run": allow("s3:*")}},
		"one of AWS's":                                  {ada: []string{attach(`"` + aws + `IAMFullAccess"`)}, trust: ada, want: "allow", first: "iam-014"},
		"a harmless one of AWS's":                       {ada: []string{attach(`"` + aws + `AmazonS3ReadOnlyAccess"`)}, trust: ada},
		"one of AWS's that the reference does not know": {ada: []string{attach(`"` + aws + `Tomorrow"`)}, trust: ada, want: "unknown", first: "iam-014", why: "not in the reference"},
		"two that lead on together":                     {ada: []string{attach(`"` + own + `pass","` + own + `make"`), code}, managed: map[string]string{"pass": allow("iam:PassRole"), "make": allow("lambda:CreateFunction", "lambda:InvokeFunction")}, want: "allow", first: "iam.attach-role-policy+lambda-003"},
		"with what it has":                              {ada: []string{attach(`"` + own + `pass"`), code}, fn: []string{allow("lambda:CreateFunction", "lambda:InvokeFunction")}, managed: map[string]string{"pass": runBoss}, want: "allow", first: "iam.attach-role-policy+lambda-003"},
		"its own policies refuse it":                    {ada: []string{attach(`"` + own + `run"`), code}, fn: []string{deny("iam:PassRole")}, managed: map[string]string{"run": run}},
		"one that was not read":                         {ada: []string{attach(`"` + own + `dark"`), code}, managed: map[string]string{"dark": ""}, want: "unknown", first: "iam.attach-role-policy+lambda-003", why: "dark: not read"},
		"another that was not read":                     {ada: []string{attach(`"` + own + `light/*"`), code}, managed: map[string]string{"dark": ""}},
		"policies were not listed":                      {ada: []string{attach(`"` + own + `team/*"`), code}, unread: true, want: "unknown", first: "iam.attach-role-policy+lambda-003", why: "not listed"},
		"only those of AWS, others were not listed":     {ada: []string{attach(`"` + aws + `AmazonS3ReadOnlyAccess"`), code}, unread: true},
		"unlisted, to herself":                          {ada: []string{`{"Effect":"Allow","Action":"iam:AttachUserPolicy","Resource":"` + ada + `","Condition":{"ArnLike":{"iam:PolicyARN":"` + own + `team/*"}}}`}, unread: true, want: "unknown", first: "iam-008", why: "not listed"},
		"unlisted, all but the administrator's":         {ada: []string{`{"Effect":"Allow","Action":"iam:AttachUserPolicy","Resource":"` + ada + `","Condition":{"ArnNotLike":{"iam:PolicyARN":"` + aws + `*"}}}`}, unread: true, want: "unknown", first: "iam-008", why: "not listed"},
		"a new role with one that leads on":             {ada: []string{`{"Effect":"Allow","Action":["iam:CreateRole"],"Resource":"*"}`, strings.ReplaceAll(attach(`"`+own+`run"`), `["`+role+`","`+user+`"]`, `"arn:aws:iam::*:role/*"`)}, managed: map[string]string{"run": run}, want: "allow", first: "iam.new-role"},
		"a new role with one that does not":             {ada: []string{`{"Effect":"Allow","Action":["iam:CreateRole"],"Resource":"*"}`, strings.ReplaceAll(attach(`"`+own+`run"`), `["`+role+`","`+user+`"]`, `"arn:aws:iam::*:role/*"`)}, managed: map[string]string{"run": allow("s3:*")}},
		"another policy of hers refuses":                {ada: []string{on(role, "iam:PutRolePolicy"), code, deny("iam:*")}},
	}
	for name, tt := range tests {
		t.Run(strings.NewReplacer(" ", "_", "'", "", ",", "").Replace(name), func(t *testing.T) {
			town := newTown()
			town.role("boss", trusts("lambda.amazonaws.com"), all_)
			trust := trusts("lambda.amazonaws.com")
			if tt.trust != "" {
				trust = `{"Service":"lambda.amazonaws.com","AWS":"` + tt.trust + `"}`
			}
			fn := town.role("fn", trust, tt.fn...)
			fn.Customer = []string{own + "fn"}
			if tt.boundary != "" {
				fn.Boundary = town.w.Parse(own+"boundary", doc(tt.boundary))
			}
			if tt.version != "" {
				town.w.AddVersions(own+"fn", []*Policy{town.w.Parse("version", doc(tt.version))})
			}
			town.user("bob")
			town.list["AWS::Lambda::Function"] = []Carrier{{ARN: "arn:aws:lambda:eu-west-1:" + home + ":function:f", Type: "AWS::Lambda::Function", Role: role}}
			p := town.user("ada", tt.ada...)
			for name, text := range tt.managed {
				pol := Unread(own+name, "not read")
				if text != "" {
					pol = town.w.Parse(own+name, doc(text))
				}
				town.w.AddManaged(home, pol)
			}
			if tt.unread {
				town.w.ManagedUnread(home, "they were not listed")
			}
			for _, arn := range town.w.ManagedAsked() {
				text, _ := reference.Managed(arn)
				town.w.AddManaged("", town.w.Parse(arn, text))
			}
			ways := func() []Escalation {
				town.ways(t, "user/ada") // the quick search agrees
				all, err := town.w.Escalations(context.Background(), routes, town)
				if err != nil {
					t.Fatal(err)
				}
				return slices.DeleteFunc(all, func(e Escalation) bool { return e.Gain != "full" || e.Principal != ada })
			}
			all := ways()
			if tt.want == "" {
				if len(all) > 0 {
					t.Fatalf("a way by %s: %+v", all[0].Technique, all[0])
				}
				return
			}
			at := slices.IndexFunc(all, func(e Escalation) bool { return e.Path[0].Technique == tt.first })
			if at < 0 {
				t.Fatalf("no way by %s among %d: %+v", tt.first, len(all), all)
			}
			if e := all[at]; e.Decision.String() != tt.want || !strings.Contains(strings.Join(e.Unknown, ";"), tt.why) {
				t.Errorf("the way is %+v, want it to be %s for %q", e, tt.want, tt.why)
			}
			cuts, err := town.w.Cuts(context.Background(), routes, town, []string{ada})
			if err != nil || len(cuts) != 1 || cuts[0].Left != 0 {
				t.Fatalf("cuts %+v, %v", cuts, err)
			}
			p.Policies = append(p.Policies, town.w.Parse("cut", cuts[0].Document))
			if left := ways(); len(left) > 0 {
				t.Errorf("with the cut %s he goes on by %+v", cuts[0].Document, left)
			}
		})
	}
}

// Where more could be given than is weighed, that there is no way is unknown.
func TestGivesEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("a hundred thousand policies are weighed")
	}
	routes, err := reference.Routes()
	if err != nil {
		t.Fatal(err)
	}
	const root = "arn:aws:iam::" + home + ":"
	town := newTown()
	town.role("boss", trusts("lambda.amazonaws.com"), all_)
	ada := town.user("ada", `{"Effect":"Allow","Action":"iam:AttachRolePolicy","Resource":"*","Condition":{"ArnLike":{"iam:PolicyARN":"`+root+`policy/p*"}}}`)
	bob := town.user("bob", allow("iam:GetRole", "lambda:InvokeFunction"))
	for i := range 24 { // as many as are tried for one target: none of them is left out
		town.w.AddManaged(home, town.w.Parse(fmt.Sprint(root, "policy/p", i), doc(allow("lambda:InvokeFunction", "glue:StartJobRun"))))
	}
	for i := range 4100 {
		town.role(fmt.Sprint("r", i), `{"AWS":"`+ada.ARN+`","Service":["lambda.amazonaws.com","glue.amazonaws.com","ec2.amazonaws.com","sagemaker.amazonaws.com"]}`)
	}
	c, err := town.w.climb(context.Background(), routes, town)
	if err != nil {
		t.Fatal(err)
	}
	if c.attaching.given <= maxGives {
		t.Fatalf("%d weighed: the bound was not met, and nothing was tested", c.attaching.given)
	}
	got, err := c.reach()
	if err != nil {
		t.Fatal(err)
	}
	if d, ok := got[ada.ARN]; !ok || d != Unknown {
		t.Errorf("of ada it says %v, %v; want unknown", d, ok)
	}
	if d, ok := got[bob.ARN]; ok {
		t.Errorf("of bob, who gives nothing, it says %v", d)
	}
}
