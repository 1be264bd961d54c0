package access

import (
	"context"
	"slices"
	"testing"

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
