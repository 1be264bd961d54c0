package iam

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// A condition on iam:PolicyARN leaves what it leaves: AdministratorAccess, another
// policy that gives as much, one that the taker writes, one that leads on, or none
// of these.
func TestAttach(t *testing.T) {
	t.Parallel()
	routes, err := reference.Routes()
	if err != nil {
		t.Fatal(err)
	}
	const own = "arn:aws:iam::" + home + ":policy/"
	attach := func(operator, arns string, effect ...string) string {
		e := "Allow"
		if len(effect) > 0 {
			e = effect[0]
		}
		return `{"Effect":"` + e + `","Action":"iam:AttachUserPolicy","Resource":"*","Condition":{"` + operator + `":{"iam:PolicyARN":[` + arns + `]}}}`
	}
	make_ := func(action, resource string) string {
		return `{"Effect":"Allow","Action":"` + action + `","Resource":"` + resource + `"}`
	}
	tests := map[string]struct {
		own     []string
		scp     string
		managed map[string]string // of the account
		want    string            // technique; none: there is no way
		call    string            // an action of it
		steps   int
	}{
		"that one":                         {[]string{attach("ArnEquals", `"arn:aws:iam::aws:policy/AdministratorAccess"`)}, "", nil, "iam-008", "", 1},
		"a harmless one":                   {[]string{attach("ArnEquals", `"arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"`)}, "", nil, "", "", 0},
		"one of IAM":                       {[]string{attach("ArnEquals", `"arn:aws:iam::aws:policy/IAMFullAccess"`)}, "", nil, "iam-008", "", 2},
		"any but that one":                 {[]string{attach("ArnNotEquals", `"arn:aws:iam::aws:policy/AdministratorAccess"`)}, "", nil, "iam-008", "", 2},
		"any of AWS's but that one":        {[]string{allow("iam:AttachUserPolicy"), attach("ArnNotLike", `"arn:aws:iam::aws:policy/*"`, "Deny"), attach("ArnEquals", `"arn:aws:iam::aws:policy/AdministratorAccess"`, "Deny")}, "", nil, "iam-008", "", 2},
		"the account's of the team":        {[]string{attach("ArnLike", `"arn:aws:iam::*:policy/team/*"`)}, "", map[string]string{own + "team/all": all_}, "iam-008", "", 1},
		"the account's of another team":    {[]string{attach("ArnLike", `"arn:aws:iam::*:policy/team/*"`)}, "", map[string]string{own + "other/all": all_}, "", "", 0},
		"the account's, which leads on":    {[]string{attach("ArnLike", `"arn:aws:iam::*:policy/team/*"`)}, "", map[string]string{own + "team/run": allow("iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction")}, "lambda-001", "", 2},
		"one's own":                        {[]string{attach("ArnLike", `"arn:aws:iam::*:policy/team/*"`), make_("iam:CreatePolicy", "*")}, "", nil, "iam-008", "iam:CreatePolicy", 1},
		"one's own where patterns cross":   {[]string{attach("ArnLike", `"arn:aws:iam::*:policy/team/*"`), make_("iam:CreatePolicy", "arn:aws:iam::"+home+":policy/*/ml")}, "", nil, "iam-008", "iam:CreatePolicy", 1},
		"one's own elsewhere":              {[]string{attach("ArnLike", `"arn:aws:iam::*:policy/team/*"`), make_("iam:CreatePolicy", "arn:aws:iam::"+home+":policy/ml/*")}, "", nil, "", "", 0},
		"a version of one":                 {[]string{attach("ArnLike", `"arn:aws:iam::*:policy/team/*"`), make_("iam:CreatePolicyVersion", own+"team/*")}, "", map[string]string{own + "team/small": allow("s3:GetObject")}, "iam-008", "iam:CreatePolicyVersion", 1},
		"a version of another":             {[]string{attach("ArnLike", `"arn:aws:iam::*:policy/team/*"`), make_("iam:CreatePolicyVersion", own+"other/*")}, "", map[string]string{own + "team/small": allow("s3:GetObject"), own + "other/small": allow("s3:GetObject")}, "", "", 0},
		"the organisation refuses it":      {[]string{allow("iam:AttachUserPolicy")}, attach("ArnNotLike", `"arn:aws:iam::*:policy/team/*"`, "Deny"), nil, "", "", 0},
		"the organisation leaves a team's": {[]string{allow("iam:AttachUserPolicy")}, attach("ArnNotLike", `"arn:aws:iam::*:policy/team/*"`, "Deny"), map[string]string{own + "team/all": all_}, "iam-008", "", 1},
	}
	for name, tt := range tests {
		t.Run(strings.NewReplacer(" ", "_", "'", "", ",", "").Replace(name), func(t *testing.T) {
			town := newTown()
			if tt.scp != "" {
				town.w.AddAccount(&Account{ID: home, SCPs: [][]*Policy{{town.w.Parse("all", doc(all_)), town.w.Parse("scp", doc(tt.scp))}}})
			}
			town.role("boss", trusts("lambda.amazonaws.com"), all_)
			p := town.user("ada", tt.own...)
			for arn, text := range tt.managed {
				town.w.AddManaged(home, town.w.Parse(arn, doc(text)))
			}
			for _, arn := range town.w.ManagedAsked() {
				text, _ := reference.Managed(arn)
				town.w.AddManaged("", town.w.Parse(arn, text))
			}
			town.ways(t, "user/ada") // the quick search agrees
			all, err := town.w.Escalations(context.Background(), routes, town)
			if err != nil {
				t.Fatal(err)
			}
			all = slices.DeleteFunc(all, func(e Escalation) bool { return e.Gain != "full" || e.Decision == Unknown || e.Principal != p.ARN })
			if tt.want == "" {
				if len(all) > 0 {
					t.Fatalf("a way by %s: %+v", all[0].Technique, all[0].Path)
				}
				return
			}
			at := slices.IndexFunc(all, func(e Escalation) bool { return e.Path[0].Technique == tt.want || e.Technique == tt.want })
			if at < 0 {
				t.Fatalf("no way by %s among %d: %+v", tt.want, len(all), all)
			}
			e := all[at]
			said := slices.ContainsFunc(e.Path, func(s Step) bool { return slices.Contains(s.Actions, tt.call) })
			if len(e.Path) != tt.steps || tt.call != "" && !said {
				t.Errorf("the way is %+v, want %d steps and %s", e, tt.steps, tt.call)
			}
			cuts, err := town.w.Cuts(context.Background(), routes, town, []string{p.ARN})
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
