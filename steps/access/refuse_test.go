package access

import (
	"cmp"
	"context"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	provider "github.com/sevenfold-sec/sevenfold/provider/aws"
)

const (
	endRole = "arn:aws:iam::444455556666:role/end"
	allow   = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	mayAll  = "change 1, read 1"
)

// boundedBy gives a role a boundary and the policy that is it.
func boundedBy(role estate.Asset, statements string) []estate.Asset {
	const policy = iamOf + "policy/limit"
	role.Config = []byte(strings.TrimSuffix(string(role.Config), "}") + `,"PermissionsBoundary":{"PermissionsBoundaryArn":"` + policy + `"}}`)
	return []estate.Asset{role, asset(policy, "AWS::IAM::ManagedPolicy", `{"PolicyVersionList":[{"IsDefaultVersion":true,"Document":{"Statement":[`+statements+`]}}]}`, nil)}
}

// What bounds an identity and what is refused to it counts where it takes
// another role.
func TestBoundWhereRolesAreTaken(t *testing.T) {
	named := `{"Effect":"Allow","Principal":{"AWS":"` + iamOf + `role/a"},"Action":"sts:AssumeRole"}`
	sts := func(effect, more string) string {
		return `{"Effect":"` + effect + `","Action":"sts:AssumeRole"` + more + `}`
	}
	all, other, mfa := `,"Resource":"*"`, `,"Resource":"arn:aws:iam::*:role/other"`, `,"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}`
	tests := map[string]struct{ own, boundary, trust, may string }{
		"no_boundary":               {assumeAll, "", trustsHome, "change 1"},
		"boundary_lets":             {assumeAll, sts("Allow", all), trustsHome, "change 1"},
		"boundary_is_silent":        {assumeAll, updates, trustsHome, "nothing of AI"},
		"boundary_lets_another":     {assumeAll, sts("Allow", other), trustsHome, "nothing of AI"},
		"boundary_lets_if":          {assumeAll, sts("Allow", all+mfa), trustsHome, "change 1 under conditions"},
		"boundary_refuses":          {assumeAll, allow + "," + sts("Deny", all), trustsHome, "nothing of AI"},
		"named_boundary_is_silent":  {assumeAll, updates, named, "nothing of AI"},
		"named_boundary_lets":       {assumeAll, allow, named, "change 1"},
		"named_boundary_lets_if":    {assumeAll, sts("Allow", all+mfa), named, "change 1 under conditions"},
		"own_deny":                  {assumeAll + "," + sts("Deny", all), "", trustsHome, "nothing of AI"},
		"own_deny_named":            {sts("Deny", all), "", named, "nothing of AI"},
		"own_deny_if":               {assumeAll + "," + sts("Deny", all+mfa), "", trustsHome, "change 1 under conditions"},
		"named_abroad_needs_leave":  {updates, "", named, "nothing of AI"},
		"own_deny_named_if":         {assumeAll + "," + sts("Deny", all+mfa), "", named, "change 1 under conditions"},
		"own_deny_of_another":       {assumeAll + "," + sts("Deny", other), "", trustsHome, "change 1"},
		"own_deny_of_all_but":       {assumeAll + `,{"Effect":"Deny","Action":"sts:*","NotResource":"` + endRole + `"}`, "", trustsHome, "change 1"},
		"own_deny_with_a_variable":  {assumeAll + `,{"Effect":"Deny","Action":"sts:*","Resource":"arn:aws:iam::*:role/${aws:PrincipalTag/x}"}`, "", trustsHome, "change 1"},
		"a_grant_that_leaves_it":    {`{"Effect":"Allow","NotAction":"sts:AssumeRole","Resource":"*"}`, "", trustsHome, "nothing of AI"},
		"a_trust_that_tags_only":    {allow, "", strings.Replace(trustsHome, "sts:AssumeRole", "sts:TagSession", 1), "nothing of AI"},
		"a_trust_of_all_but_it":     {allow, "", strings.Replace(named, `"Action":"sts:AssumeRole"`, `"NotAction":"sts:*Role"`, 1), "nothing of AI"},
		"a_trust_of_nothing_of_sts": {allow, "", strings.Replace(named, `"Action":"sts:AssumeRole"`, `"NotAction":"sts:*"`, 1), "nothing of AI"},
		"a_service_has_conditions": {assumeAll, "", trustsHome + `,{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceAccount":"111122223333"}}}`,
			"change 1"},
		"the_account_has_conditions": {assumeAll, "", strings.Replace(trustsHome, `"Action"`, mfa[1:]+`,"Action"`, 1) + `,{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}`,
			"change 1 under conditions"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			assets := []estate.Asset{acting(iamOf+"role/a", tt.own, "")}
			if tt.boundary != "" {
				assets = boundedBy(assets[0], tt.boundary)
			}
			assets = append(assets, acting(endRole, updates, tt.trust), asset("arn:aws:sagemaker:eu-west-1:444455556666:model/m", "AWS::SageMaker::Model", `{}`, nil))
			if id := find(t, across(t, assets...), iamOf+"role/a"); id.May() != tt.may {
				t.Errorf("may %s, want %s", id.May(), tt.may)
			}
		})
	}
}

// A user that a trust policy of its own account names needs nobody's leave; a
// deny stands nonetheless.
func TestBoundaryOfANamedUser(t *testing.T) {
	for statements, want := range map[string]string{updates: "change 1", updates + `,{"Effect":"Deny","Action":"sts:*","Resource":"*"}`: "nothing of AI"} {
		user := asset(iamOf+"user/u", "AWS::IAM::User", `{"UserName":"u"}`, nil)
		assets := append(boundedBy(user, statements), acting(iamOf+"role/end", updates, `{"Effect":"Allow","Principal":{"AWS":"`+iamOf+`user/u"},"Action":"sts:AssumeRole"}`),
			asset(modelA, "AWS::SageMaker::Model", `{}`, nil))
		if id := find(t, across(t, assets...), iamOf+"user/u"); id.May() != want {
			t.Errorf("with %s: may %s, want %s", statements, id.May(), want)
		}
	}
}

// A permission set is nobody: who has it acts as the roles it became.
func TestPermissionSetsHoldNothing(t *testing.T) {
	const managed = iamOf + "policy/all"
	snap := understood(t, asset(managed, "AWS::IAM::ManagedPolicy", `{"PolicyVersionList":[{"IsDefaultVersion":true,"Document":{"Statement":[`+allow+`]}}]}`, nil),
		asset("arn:aws:sso:::permissionSet/ssoins-1/ps-1", "AWS::SSO::PermissionSet", `{"ListManagedPoliciesInPermissionSet":{"AttachedManagedPolicies":[{"Arn":"`+managed+`"}]}}`, nil),
		asset(iamOf+"role/a", "AWS::IAM::Role", `{"AttachedManagedPolicies":[{"PolicyArn":"`+managed+`"}]}`, nil), asset(modelA, "AWS::SageMaker::Model", `{}`, nil))
	entries, _, err := Direct(context.Background(), snap, []finding.Workload{{ID: "w", Roots: []string{modelA}}})
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || len(entries[0].Grants) != 1 || entries[0].Grants[0].Principal != iamOf+"role/a" {
		t.Errorf("entries %+v", entries)
	}
}

// A deny counts where it refuses every action of a level.
func TestDenied(t *testing.T) {
	const bucket, model, onBucket = "arn:aws:s3:::train", "AWS::SageMaker::Model", "administer 1, change 1, read 1"
	ifOnly := strings.ReplaceAll(mayAll, " 1", " 1 under conditions")
	tests := map[string]struct{ deny, on, typ, want string }{
		"a_model_by_name":           {`"Action":"sagemaker:*","Resource":"` + modelA + `"`, modelA, model, "nothing of AI"},
		"a_model_by_pattern":        {`"Action":"sagemaker:*","Resource":"arn:aws:sagemaker:*:*:model/a"`, modelA, model, "nothing of AI"},
		"another_model":             {`"Action":"sagemaker:*","Resource":"` + modelA + `b"`, modelA, model, mayAll},
		"some_actions":              {`"Action":["sagemaker:Describe*","sagemaker:List*"],"Resource":"` + modelA + `"`, modelA, model, "change 1"},
		"under_a_condition":         {`"Action":"sagemaker:*","Resource":"` + modelA + `","Condition":{"Bool":{"aws:ViaAWSService":"false"}}`, modelA, model, ifOnly},
		"every_action_but_others":   {`"NotAction":["iam:*","sts:*"],"Resource":"` + modelA + `"`, modelA, model, "nothing of AI"},
		"every_action_but_its":      {`"NotAction":["s?gemaker:DescribeModel"],"Resource":"` + modelA + `"`, modelA, model, "read 1"},
		"all_but_another":           {`"Action":"*","NotResource":"` + modelA + `b"`, modelA, model, "nothing of AI"},
		"all_but_it":                {`"Action":"*","NotResource":"arn:aws:sagemaker:*:*:model/*"`, modelA, model, mayAll},
		"a_bucket_but_its_objects":  {`"Action":"s3:*","Resource":"` + bucket + `"`, bucket, "AWS::S3::Bucket", onBucket},
		"a_bucket_and_its_objects":  {`"Action":"s3:*","Resource":["` + bucket + `","` + bucket + `/*"]`, bucket, "AWS::S3::Bucket", "nothing of AI"},
		"a_bucket_of_all_but_parts": {`"Action":"s3:*","NotResource":"` + bucket + `/public/*"`, bucket, "AWS::S3::Bucket", "administer 1 under conditions, change 1 under conditions, read 1 under conditions"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			thing := asset(tt.on, tt.typ, `{}`, nil, "!s3:GetBucketPolicy")
			snap := understood(t, acting(iamOf+"role/a", allow+`,{"Effect":"Deny",`+tt.deny+`}`, ""), thing)
			o, err := Survey(context.Background(), snap, []finding.Workload{{ID: "w", Name: "w", Roots: []string{tt.on}}})
			if err != nil {
				t.Fatal(err)
			}
			if may := find(t, o, iamOf+"role/a").May(); may != tt.want {
				t.Errorf("may %s, want %s", may, tt.want)
			}
		})
	}
}

// What the organisation leaves to an account.
func TestOrganisation(t *testing.T) {
	const (
		org    = "arn:aws:organizations::999988887777:"
		full   = "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess"
		member = iamOf + "root"
	)
	policy := func(id, typ, statements string, targets ...string) estate.Asset {
		for i, to := range targets {
			targets[i] = `{"TargetId":"` + to + `"}`
			if strings.HasPrefix(to, "arn:") {
				targets[i] = `{"TargetId":"x","Arn":"` + to + `"}`
			}
		}
		return asset(id, controlPolicyType, `{"PolicySummary":{"Type":"`+typ+`"},"Content":{"Statement":[`+statements+`]},"ListTargetsForPolicy":{"Targets":[`+strings.Join(targets, ",")+`]}}`, nil,
			"organizations:ListTargetsForPolicy")
	}
	scp := func(name, statements string, targets ...string) estate.Asset {
		return policy(org+"policy/o-1/service_control_policy/"+name, "SERVICE_CONTROL_POLICY", statements, targets...)
	}
	root, unit := org+"root/o-1/r-1", org+"ou/o-1/ou-1"
	tree := []estate.Asset{
		asset(root, "AWS::Organizations::Root", `{"Id":"r-1","ListAccountsForParent":{"Accounts":[{"Id":"999988887777"}]}}`, nil),
		asset(unit, "AWS::Organizations::OrganizationalUnit", `{"Id":"ou-1","ListAccountsForParent":{"Accounts":[{"Id":"111122223333"}]},"ListParents":{"Parents":[{"Id":"r-1"}]}}`, nil),
		asset(member, "AWS::Organizations::Account", `{"Id":"111122223333"}`, nil),
	}
	fullAt := func(targets ...string) estate.Asset { return policy(full, "SERVICE_CONTROL_POLICY", allow, targets...) }
	reads, when := `{"Effect":"Allow","Action":"sagemaker:Describe*","Resource":"*"}`, `,"Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}}`
	denies := `{"Effect":"Deny","Action":"sagemaker:*","Resource":"*"}`
	tests := map[string]struct {
		policies []estate.Asset
		partly   bool // the listing of policies broke off
		who, may string
	}{
		"all_is_allowed":           {[]estate.Asset{fullAt(root, unit, home)}, false, "", mayAll},
		"the_unit_allows_reading":  {[]estate.Asset{fullAt(root, home), scp("p-1", reads, unit)}, false, "", "read 1"},
		"the_unit_allows_there":    {[]estate.Asset{fullAt(root, home), scp("p-1", strings.TrimSuffix(allow, "}")+when, unit)}, false, "", mayAll},
		"both_at_the_unit":         {[]estate.Asset{fullAt(root, home, unit), scp("p-1", reads, unit)}, false, "", mayAll},
		"the_account_allows_other": {[]estate.Asset{fullAt(root, unit), scp("p-1", `{"Effect":"Allow","Action":"ec2:*","Resource":"*"}`, home)}, false, "", "nothing of AI"},
		"the_root_denies":          {[]estate.Asset{fullAt(root, unit, home), scp("p-1", denies, root)}, false, "", "nothing of AI"},
		"a_deny_elsewhere":         {[]estate.Asset{fullAt(root, unit, home), scp("p-1", denies, "444455556666")}, false, "", mayAll},
		"not_all_was_listed":       {[]estate.Asset{fullAt(root, home), scp("p-1", reads, unit)}, true, "", "nothing of AI; of 1 asset it could not be told"},
		"targets_were_not_read": {[]estate.Asset{fullAt(root, home), scp("p-1", reads, unit), asset(org+"policy/o-1/service_control_policy/p-2", controlPolicyType,
			`{"Content":{"Statement":[`+allow+`]}}`, nil, "-organizations:ListTargetsForPolicy")}, false, "", "nothing of AI; of 1 asset it could not be told"},
		"the_document_is_damaged": {[]estate.Asset{fullAt(root, home), scp("p-1", reads, unit), scp("p-2", `{"Effect":"Perhaps"}`, unit)}, false, "", "nothing of AI; of 1 asset it could not be told"},
		"resource_policies_allow_nobody": {[]estate.Asset{fullAt(root, unit, home), policy(org+"policy/o-1/resource_control_policy/p-R", "RESOURCE_CONTROL_POLICY",
			`{"Effect":"Deny","Principal":"*","Action":"sagemaker:*","Resource":"*"}`, root)}, false, "", mayAll},
		"service_linked":          {[]estate.Asset{fullAt(root, home), scp("p-1", reads, unit)}, false, iamOf + "role/aws-service-role/sagemaker.amazonaws.com/x", mayAll},
		"the_root_user":           {[]estate.Asset{fullAt(root, home), scp("p-1", reads, unit)}, false, member, "read 1"},
		"the_root_user_is_denied": {[]estate.Asset{fullAt(root, unit, home), scp("p-1", denies, root)}, false, member, "nothing of AI"},
		"the_management":          {[]estate.Asset{fullAt(unit, home), scp("p-1", reads, root)}, false, "arn:aws:iam::999988887777:role/a", mayAll},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := estate.NewBuilder(noon)
			for _, a := range append(append(tt.policies, tree...), acting(iamOf+"role/a", allow, ""), acting(iamOf+"role/aws-service-role/sagemaker.amazonaws.com/x", allow, ""),
				acting("arn:aws:iam::999988887777:role/a", allow, ""), asset(modelA, "AWS::SageMaker::Model", `{}`, nil), asset(strings.Replace(modelA, home, "999988887777", 1), "AWS::SageMaker::Model", `{}`, nil)) {
				arn, _ := provider.ParseARN(a.ID)
				a.Account, a.Cloud = arn.Account, estate.AWS
				b.Asset(a)
			}
			if !tt.partly {
				b.Covered(estate.Coverage{Type: controlPolicyType, Account: "999988887777"})
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
			if may := find(t, o, cmp.Or(tt.who, iamOf+"role/a")).May(); may != tt.may {
				t.Errorf("may %s, want %s", may, tt.may)
			}
		})
	}
}
