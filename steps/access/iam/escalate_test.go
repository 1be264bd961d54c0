package iam

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// town is a world that a table fills.
type town struct {
	w    *World
	list map[string][]Carrier
}

func newTown() *town {
	t := &town{w: NewWorld(), list: map[string][]Carrier{}}
	t.w.AddAccount(&Account{ID: home})
	return t
}

func (t *town) Carriers(_, kind string) ([]Carrier, bool) {
	list, ok := t.list[kind]
	return list, ok
}

func (t *town) Fact(string, *Principal, *Principal, *Carrier) (bool, bool) { return false, false }

func (t *town) user(name string, statements ...string) *Principal {
	p := &Principal{ARN: "arn:aws:iam::" + home + ":user/" + name, Kind: User, Account: home, Name: name}
	for i, s := range statements {
		p.Policies = append(p.Policies, t.w.Parse(name+"/"+string(rune('a'+i)), doc(s)))
	}
	t.w.AddPrincipal(p)
	return p
}

func (t *town) role(name, trust string, statements ...string) *Principal {
	p := t.user(name, statements...)
	t.w.principals = t.w.principals[:len(t.w.principals)-1]
	delete(t.w.byARN, p.ARN)
	p.ARN, p.Kind = "arn:aws:iam::"+home+":role/"+name, Role
	p.InstanceProfiles = []string{"arn:aws:iam::" + home + ":instance-profile/" + name}
	t.w.AddPrincipal(p)
	t.w.AddResource(&Resource{ARN: p.ARN, Account: home, Policy: t.w.Parse("trust of "+name, doc(`{"Effect":"Allow","Principal":`+trust+`,"Action":"sts:AssumeRole"}`))})
	return p
}

const all_ = `{"Effect":"Allow","Action":"*","Resource":"*"}`

func allow(actions ...string) string {
	return `{"Effect":"Allow","Action":["` + strings.Join(actions, `","`) + `"],"Resource":"*"}`
}

func deny(actions ...string) string { return strings.Replace(allow(actions...), "Allow", "Deny", 1) }

func trusts(services ...string) string {
	return `{"Service":["` + strings.Join(services, `","`) + `"]}`
}

// ways lists the escalations of one user as "target technique decision".
func (t *town) ways(tb testing.TB, name string) []string {
	tb.Helper()
	routes, err := reference.Routes()
	if err != nil {
		tb.Fatal(err)
	}
	all, err := t.w.Escalations(context.Background(), routes, t)
	if err != nil {
		tb.Fatal(err)
	}
	// The quick search finds the same people, as surely as the surest way.
	want := map[string]Decision{}
	for _, e := range all {
		if was, ok := want[e.Principal]; e.Gain == "full" && (!ok || rankOf(e.Decision) > rankOf(was)) {
			want[e.Principal] = e.Decision
		}
	}
	got, err := t.w.Climbers(context.Background(), routes, t)
	if err != nil {
		tb.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("Climbers (-ways +climbers):\n%s", diff)
	}
	var out []string
	for _, e := range all {
		if short(e.Principal) == name {
			out = append(out, short(e.Target)+" "+e.Technique+" "+e.Decision.String())
		}
	}
	return out
}

func TestEscalations(t *testing.T) {
	cases := []struct {
		name string
		fill func(t *town)
		want []string // must be among them
		none []string // must not; "" for any at all
	}{
		{"attach to oneself", func(t *town) { t.user("ada", allow("iam:AttachUserPolicy")) }, []string{"administrator iam-008 allow"}, nil},
		{"of oneself only", func(t *town) {
			t.user("ada", `{"Effect":"Allow","Action":"iam:AttachUserPolicy","Resource":"arn:aws:iam::*:user/bob"}`)
		}, nil, []string{""}},
		{"another policy denies", func(t *town) { t.user("ada", allow("iam:AttachUserPolicy"), deny("iam:*")) }, nil, []string{""}},
		{"boundary", func(t *town) {
			p := t.user("ada", allow("iam:AttachUserPolicy"))
			p.Boundary = t.w.Parse("boundary", doc(allow("s3:*")))
		}, nil, []string{""}},
		{"boundary that lets but still binds", func(t *town) {
			p := t.user("ada", allow("iam:AttachUserPolicy"))
			p.Boundary = t.w.Parse("boundary", doc(allow("iam:AttachUserPolicy", "s3:*")))
		}, nil, []string{""}},
		{"scp", func(t *town) {
			t.w.accounts[home].SCPs = [][]*Policy{{t.w.Parse("scp", doc(all_+`,`+deny("iam:*")))}}
			t.user("ada", allow("iam:AttachUserPolicy"))
		}, nil, []string{""}},
		{"which policy may be attached", func(t *town) {
			t.user("ada", `{"Effect":"Allow","Action":"iam:AttachUserPolicy","Resource":"*","Condition":{"ArnEquals":{"iam:PolicyARN":"arn:aws:iam::aws:policy/ReadOnlyAccess"}}}`)
		}, nil, []string{""}},
		{"administrators are not listed", func(t *town) { t.user("ada", all_) }, nil, []string{""}},
		{"a notebook", func(t *town) {
			t.role("boss", trusts("sagemaker.amazonaws.com"), all_)
			t.user("ada", allow("iam:PassRole", "sagemaker:CreateNotebookInstance", "sagemaker:CreatePresignedNotebookInstanceUrl"))
		}, []string{"role/boss sagemaker-001 allow"}, nil},
		{"a notebook of a role that does not trust it", func(t *town) {
			t.role("boss", trusts("lambda.amazonaws.com"), all_)
			t.user("ada", allow("iam:PassRole", "sagemaker:CreateNotebookInstance", "sagemaker:CreatePresignedNotebookInstanceUrl"))
		}, nil, []string{""}},
		{"passed to another service only", func(t *town) {
			t.role("boss", trusts("sagemaker.amazonaws.com"), all_)
			t.list["AWS::SageMaker::NotebookInstance"] = nil
			t.user("ada", `{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}}}`,
				allow("sagemaker:CreateNotebookInstance", "sagemaker:CreatePresignedNotebookInstanceUrl"))
		}, nil, []string{""}},
		{"split over policies", func(t *town) {
			t.role("boss", trusts("lambda.amazonaws.com"), all_)
			t.user("ada", allow("iam:PassRole"), allow("lambda:CreateFunction"), allow("lambda:InvokeFunction"))
		}, []string{"role/boss lambda-001 allow"}, nil},
		{"a chain", func(t *town) {
			t.role("boss", trusts("lambda.amazonaws.com"), all_)
			t.role("mate", `{"AWS":"arn:aws:iam::`+home+`:user/ada"}`, allow("iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"))
			t.user("ada")
		}, []string{"role/boss lambda-001 allow"}, nil},
		{"functions read, none of the role", func(t *town) {
			t.role("boss", trusts("lambda.amazonaws.com"), all_)
			t.list["AWS::Lambda::Function"] = nil
			t.user("ada", allow("lambda:UpdateFunctionCode"))
		}, nil, []string{""}},
		{"functions read, one of the role", func(t *town) {
			t.role("boss", trusts("lambda.amazonaws.com"), all_)
			t.list["AWS::Lambda::Function"] = []Carrier{{ARN: "arn:aws:lambda:eu-west-1:" + home + ":function:f", Role: "arn:aws:iam::" + home + ":role/boss"}}
			t.user("ada", allow("lambda:UpdateFunctionCode"))
		}, []string{"role/boss lambda-003 allow"}, nil},
		{"functions not read", func(t *town) {
			t.role("boss", trusts("lambda.amazonaws.com"), all_)
			t.user("ada", allow("lambda:UpdateFunctionCode"))
		}, []string{"role/boss lambda-003 unknown"}, nil},
		{"a new version of one's own policy", func(t *town) {
			p := t.user("ada", allow("iam:CreatePolicyVersion"))
			p.Customer = []string{"arn:aws:iam::" + home + ":policy/x"}
		}, []string{"administrator iam-001 allow"}, nil},
		{"a group of administrators", func(t *town) {
			t.w.AddGroup(Group{ARN: "arn:aws:iam::" + home + ":group/admins", Account: home, Policies: []*Policy{t.w.Parse("g", doc(all_))}})
			t.user("ada", allow("iam:AddUserToGroup"))
		}, []string{"administrator iam-013 allow"}, nil},
		{"a group that leads on", func(t *town) {
			t.w.AddGroup(Group{ARN: "arn:aws:iam::" + home + ":group/iam", Account: home, Policies: []*Policy{t.w.Parse("g", doc(allow("iam:*")))}})
			t.user("ada", allow("iam:AddUserToGroup"))
		}, []string{"administrator iam-013 allow"}, nil},
		{"a group that leads nowhere", func(t *town) {
			t.w.AddGroup(Group{ARN: "arn:aws:iam::" + home + ":group/iam", Account: home, Policies: []*Policy{t.w.Parse("g", doc(allow("iam:Get*")))}})
			t.user("ada", allow("iam:AddUserToGroup"))
		}, nil, []string{""}},
		{"another user's key", func(t *town) {
			t.user("root-ish", all_)
			t.user("ada", allow("iam:CreateAccessKey"))
		}, []string{"user/root-ish iam-002 allow"}, nil},
		{"a boundary taken off", func(t *town) {
			p := t.user("ada", all_)
			p.Boundary = t.w.Parse("boundary", doc(allow("iam:DeleteUserPermissionsBoundary", "s3:*")))
		}, []string{"administrator iam.drop-user-boundary allow"}, nil},
		{"another raised first", func(t *town) {
			t.role("mate", `{"AWS":"arn:aws:iam::`+home+`:root"}`)
			t.user("ada", allow("iam:AttachRolePolicy", "sts:AssumeRole"))
		}, []string{"role/mate iam-014 allow"}, nil},
		{"another raised first, who is bound", func(t *town) {
			p := t.role("mate", `{"AWS":"arn:aws:iam::`+home+`:root"}`)
			p.Boundary = t.w.Parse("boundary", doc(allow("s3:*")))
			t.user("ada", allow("iam:AttachRolePolicy", "sts:AssumeRole"))
		}, nil, []string{""}},
		{"only with a condition", func(t *town) {
			t.user("ada", `{"Effect":"Allow","Action":"iam:PutUserPolicy","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`)
		}, []string{"administrator iam-007 conditional"}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			town := newTown()
			c.fill(town)
			got := town.ways(t, "user/ada")
			for _, w := range c.want {
				if !slices.Contains(got, w) {
					t.Errorf("missing %q among %q", w, got)
				}
			}
			for _, n := range c.none {
				for _, g := range got {
					if strings.HasPrefix(g, n) {
						t.Errorf("false alarm: %q", g)
					}
				}
			}
		})
	}
}
