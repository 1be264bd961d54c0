package access

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
	provider "github.com/sevenfold-sec/sevenfold/provider/aws"
)

// across makes the overview of assets whose account stands in their ARN; those
// that name none are the home account's.
func across(t *testing.T, assets ...estate.Asset) *Overview {
	t.Helper()
	b := estate.NewBuilder(noon)
	for _, a := range assets {
		arn, _ := provider.ParseARN(a.ID)
		if a.Account = arn.Account; a.Account == "" {
			a.Account = home
		}
		a.Cloud = estate.AWS
		b.Asset(a)
	}
	snap, err := b.Build()
	if err == nil {
		snap, err = snap.Understood(context.Background(), provider.Understand)
	}
	if err != nil {
		t.Fatal(err)
	}
	o, err := Survey(context.Background(), snap, nil)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func acting(id, statement, trust string) estate.Asset {
	config := `{"RolePolicyList":[{"PolicyName":"p","PolicyDocument":{"Statement":[` + statement + `]}}]`
	if trust != "" {
		config += `,"AssumeRolePolicyDocument":{"Statement":[` + trust + `]}`
	}
	return asset(id, "AWS::IAM::Role", config+"}", map[string]string{})
}

const (
	assumeAll  = `{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}`
	updates    = `{"Effect":"Allow","Action":"sagemaker:DeleteModel","Resource":"*"}`
	trustsHome = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"}`
	group      = "arn:aws:sagemaker:eu-west-1:111122223333:model-package-group/eta"
	packages   = "AWS::SageMaker::ModelPackageGroup"
)

// Who may act as whom, and what that gives.
func TestTurns(t *testing.T) {
	end := acting("arn:aws:iam::444455556666:role/end", updates, trustsHome)
	model := asset("arn:aws:sagemaker:eu-west-1:444455556666:model/m", "AWS::SageMaker::Model", `{}`, nil)
	tests := map[string]struct {
		assets []estate.Asset
		who    string
		may    string
		by     string // a grant
	}{
		"role_that_trusts_the_account": {[]estate.Asset{acting(iamOf+"role/a", assumeAll, ""), end, model}, iamOf + "role/a", "change 1", "in the place of arn:aws:iam::444455556666:role/end"},
		"without_a_grant_to_assume_it": {[]estate.Asset{acting(iamOf+"role/a", updates, ""), end, model}, iamOf + "role/a", "nothing of AI", ""},
		"a_grant_under_a_condition": {[]estate.Asset{acting(iamOf+"role/a", `{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`, ""), end, model},
			iamOf + "role/a", "change 1 under conditions", "role/end"},
		"two_roles_in_turn": {[]estate.Asset{acting(iamOf+"role/a", assumeAll, ""), acting(iamOf+"role/b", assumeAll, trustsHome), end, model}, iamOf + "role/a", "change 1", "role/end"},
		"another_role_is_meant": {[]estate.Asset{acting(iamOf+"role/a", `{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::444455556666:role/other"}`, ""), end, model},
			iamOf + "role/a", "nothing of AI", ""},
		"federated": {[]estate.Asset{asset(iamOf+"oidc-provider/token.actions.githubusercontent.com", "AWS::IAM::OIDCProvider", `{}`, nil),
			acting("arn:aws:iam::444455556666:role/end", updates, `{"Effect":"Allow","Principal":{"Federated":"`+iamOf+`oidc-provider/token.actions.githubusercontent.com"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"x:sub":"y"}}}`), model},
			iamOf + "oidc-provider/token.actions.githubusercontent.com", "change 1 under conditions", "role/end"},
		"instance_profile": {[]estate.Asset{asset("arn:aws:iam::444455556666:role/end", "AWS::IAM::Role", `{"InstanceProfileList":[{"Arn":"arn:aws:iam::444455556666:instance-profile/p","InstanceProfileName":"p"}],
			"RolePolicyList":[{"PolicyName":"p","PolicyDocument":{"Statement":[`+updates+`]}}]}`, nil), model}, "arn:aws:iam::444455556666:instance-profile/p", "change 1", "role/end"},
		"a_service_takes_nothing_for_itself": {[]estate.Asset{acting("arn:aws:iam::444455556666:role/end", updates, `{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}`), model},
			"arn:aws:iam::444455556666:role/end", "change 1", "statement 0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o := across(t, tt.assets...)
			id := find(t, o, tt.who)
			if id.May() != tt.may || tt.by != "" && !slices.ContainsFunc(id.Grants, func(w Way) bool { return strings.Contains(w.Via, tt.by) }) {
				t.Errorf("may %s by %+v", id.May(), id.Grants)
			}
			if i := slices.IndexFunc(o.Identities, func(i Identity) bool { return i.Origin == "service" }); i >= 0 {
				t.Errorf("%s has a line", o.Identities[i].ID)
			}
		})
	}
}

// What an asset's own policy gives to an account as a whole, the account's
// identities have if their own policies say so too; and what it refuses stands.
func TestOwnPolicies(t *testing.T) {
	held := func(statements string) estate.Asset {
		return asset(group, packages, `{"GetModelPackageGroupPolicy":{"ResourcePolicy":{"Statement":[`+statements+`]}}}`, nil, "sagemaker:GetModelPackageGroupPolicy")
	}
	abroadMay := `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:root"},"Action":"sagemaker:Describe*","Resource":"*"}`
	guest := acting("arn:aws:iam::444455556666:role/guest", `{"Effect":"Allow","Action":"sagemaker:*","Resource":"*"}`, "")
	tests := map[string]struct {
		policy string
		may    string
		grants []Way
	}{
		"shared":       {abroadMay, "read 1", []Way{{Via: "arn:aws:iam::444455556666:role/guest#policy/p statement 0", Levels: []string{"read"}, Assets: 1}}},
		"not_shared":   {`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999988887777:root"},"Action":"sagemaker:Describe*","Resource":"*"}`, "nothing of AI", []Way{}},
		"own_deny":     {abroadMay + `,{"Effect":"Deny","Principal":"*","Action":"sagemaker:DescribeModelPackageGroup","Resource":"*","Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"o-1"}}}`, "read 1 under conditions", []Way{{Via: "arn:aws:iam::444455556666:role/guest#policy/p statement 0", Levels: []string{"read"}, Assets: 1}}},
		"named_itself": {`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:role/guest"},"Action":"sagemaker:DeleteModelPackageGroup","Resource":"*"}`, "change 1", []Way{{Via: group + "#statement/0", Levels: []string{"change"}, Assets: 1}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			// Another model of the home account, which nobody shares, is not touched.
			o := across(t, held(tt.policy), guest, asset(modelA, "AWS::SageMaker::Model", `{}`, nil))
			id := find(t, o, "arn:aws:iam::444455556666:role/guest")
			if id.May() != tt.may {
				t.Errorf("may %s", id.May())
			}
			if d := cmp.Diff(tt.grants, id.Grants); d != "" {
				t.Errorf("grants (-want +got):\n%s", d)
			}
			if len(o.Unread) > 0 {
				t.Errorf("unread: %v", o.Unread)
			}
		})
	}
	o := across(t, asset(group, packages, `{}`, nil, "-sagemaker:GetModelPackageGroupPolicy"), guest)
	if d := cmp.Diff([]string{"own policy of 1 AI asset was not read (sagemaker:GetModelPackageGroupPolicy): whom it names is unknown"}, o.Unread); d != "" {
		t.Errorf("unread (-want +got):\n%s", d)
	}
}
