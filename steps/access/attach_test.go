package access

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
)

// Managed policies that a condition on iam:PolicyARN leaves are found in what was
// read, the provider's own in its reference.
func TestAttachLimited(t *testing.T) {
	const team = "arn:aws:iam::" + worldAccount + ":policy/team/all"
	statement := func(arns string) string {
		return `{"RolePolicyList":[{"PolicyName":"p","PolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:AttachRolePolicy","Resource":"*",
			"Condition":{"ArnLike":{"iam:PolicyARN":[` + arns + `]}}}]}}],"AttachedManagedPolicies":[]}`
	}
	policy := told(team, "AWS::IAM::ManagedPolicy", `{"DefaultVersionId":"v1","PolicyVersionList":[{"VersionId":"v1","IsDefaultVersion":true,
		"Document":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}}]}`, details)
	for name, tt := range map[string]struct {
		arns  string
		steps int // none: there is no way
	}{
		"the_teams":   {`"arn:aws:iam::*:policy/team/*"`, 1},
		"of_others":   {`"arn:aws:iam::*:policy/other/*"`, 0},
		"aws_of_iam":  {`"arn:aws:iam::aws:policy/IAMFullAccess"`, 2},
		"aws_reading": {`"arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			m := worldOf(t, nil, told(worldRole, "AWS::IAM::Role", statement(tt.arns), details), policy)
			all, err := m.Escalations(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			all = slices.DeleteFunc(all, func(e iam.Escalation) bool { return e.Decision == iam.Unknown })
			if tt.steps == 0 && len(all) > 0 || tt.steps > 0 && (len(all) == 0 || len(all[0].Path) != tt.steps) {
				t.Errorf("the ways are %+v, want %d steps", all, tt.steps)
			}
		})
	}
}

// How many policies an identity has is read off it: an eleventh hangs on the account's
// quota.
func TestAttachWhereThereIsNoRoom(t *testing.T) {
	identity := func(list, action string, attached int) string {
		arns := make([]string, attached)
		for i := range arns {
			arns[i] = fmt.Sprintf(`{"PolicyArn":"arn:aws:iam::%s:policy/p%d"}`, worldAccount, i)
		}
		return `{"` + list + `":[{"PolicyName":"p","PolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"` + action + `","Resource":"*"}]}}],
			"AttachedManagedPolicies":[` + strings.Join(arns, ",") + `],"GroupList":["g"]}`
	}
	const user, group = "arn:aws:iam::" + worldAccount + ":user/ada", "arn:aws:iam::" + worldAccount + ":group/g"
	policies := func(n int) (out []estate.Asset) {
		for i := range n {
			out = append(out, told(fmt.Sprintf("arn:aws:iam::%s:policy/p%d", worldAccount, i), "AWS::IAM::ManagedPolicy", `{"DefaultVersionId":"v1","PolicyVersionList":[{"VersionId":"v1","IsDefaultVersion":true,
				"Document":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}}]}`, details))
		}
		return out
	}
	for name, tt := range map[string]struct {
		action      string
		user, group int // policies attached
		want        iam.Decision
		because     string
	}{
		"a_user_of_nine":  {"iam:AttachUserPolicy", 9, 10, iam.Allow, ""},
		"a_user_of_ten":   {"iam:AttachUserPolicy", 10, 0, iam.Unknown, "user/ada has 10"},
		"a_group_of_nine": {"iam:AttachGroupPolicy", 10, 9, iam.Allow, ""},
		"a_group_of_ten":  {"iam:AttachGroupPolicy", 0, 10, iam.Unknown, "group/g has 10"},
	} {
		t.Run(name, func(t *testing.T) {
			assets := append(policies(10), told(user, "AWS::IAM::User", identity("UserPolicyList", tt.action, tt.user), details),
				told(group, "AWS::IAM::Group", identity("GroupPolicyList", "s3:ListBucket", tt.group), details))
			all, err := worldOf(t, nil, assets...).Escalations(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if len(all) != 1 || all[0].Decision != tt.want || !strings.Contains(strings.Join(all[0].Unknown, "; "), tt.because) {
				t.Errorf("the ways are %+v, want one, %s, for %q", all, tt.want, tt.because)
			}
		})
	}
}
