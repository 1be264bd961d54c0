package access

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	provider "github.com/sevenfold-sec/sevenfold/provider/aws"
)

// one is an identity's asset and what the overview makes of it.
func asset(id, typ, config string, tags map[string]string, reads ...string) estate.Asset {
	arn, _ := provider.ParseARN(id)
	a := estate.Asset{ID: id, Type: typ, Name: arn.Name(), Config: json.RawMessage(config), Tags: tags}
	for _, op := range append([]string{"iam:GetAccountAuthorizationDetails"}, reads...) {
		status := estate.ReadOK
		if rest, ok := strings.CutPrefix(op, "!"); ok {
			op, status = rest, estate.ReadAbsent
		} else if rest, ok := strings.CutPrefix(op, "-"); ok {
			op, status = rest, estate.ReadDenied
		}
		_, key, _ := strings.Cut(op, ":")
		a.Reads = append(a.Reads, estate.Read{Operation: op, Key: key, Status: status})
	}
	return a
}

func trusting(principal string) string {
	return `{"AssumeRolePolicyDocument":{"Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"}]}}`
}

const (
	iamOf  = "arn:aws:iam::111122223333:"
	modelA = "arn:aws:sagemaker:eu-west-1:111122223333:model/a"
)

// overviewOf makes the overview of one account's assets and a model.
func overviewOf(t *testing.T, workloads []finding.Workload, assets ...estate.Asset) *Overview {
	t.Helper()
	model := asset(modelA, "AWS::SageMaker::Model", `{"ModelName":"a"}`, nil)
	snap := understood(t, append(assets, model)...)
	o, err := Survey(context.Background(), snap, workloads)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func find(t *testing.T, o *Overview, id string) *Identity {
	t.Helper()
	for i := range o.Identities {
		if o.Identities[i].ID == id {
			return &o.Identities[i]
		}
	}
	t.Fatalf("%s is not in the overview", id)
	return nil
}

func TestKinds(t *testing.T) {
	report := func(fields string) string {
		return `{"GetCredentialReport":{"user":"u","password_enabled":"false","mfa_active":"false","access_key_1_active":"false",` + fields + `}}`
	}
	tests := map[string]struct {
		asset  estate.Asset
		kind   Kind
		why    string
		origin string
		mfa    string
		needs  bool // an owner
	}{
		"console":           {asset(iamOf+"user/u", "AWS::IAM::User", report(`"password_enabled":"true","mfa_active":"true"`), nil), Human, "password", "user", "yes", true},
		"console_no_mfa":    {asset(iamOf+"user/u", "AWS::IAM::User", report(`"password_enabled":"true"`), nil), Human, "password", "user", "no", true},
		"keys":              {asset(iamOf+"user/u", "AWS::IAM::User", report(`"access_key_1_active":"true","access_key_1_last_rotated":"2025-11-23T00:00:00+00:00"`), nil), Machine, "access keys", "user", "", true},
		"login_profile":     {asset(iamOf+"user/u", "AWS::IAM::User", `{"GetLoginProfile":{"LoginProfile":{}}}`, nil, "iam:GetLoginProfile"), Human, "password", "user", "unknown", true},
		"no_login_profile":  {asset(iamOf+"user/u", "AWS::IAM::User", `{}`, nil, "!iam:GetLoginProfile"), Machine, "no console password", "user", "", true},
		"nothing_read":      {asset(iamOf+"user/u", "AWS::IAM::User", `{}`, nil), KindUnknown, "neither", "user", "unknown", true},
		"login_refused":     {asset(iamOf+"user/u", "AWS::IAM::User", `{}`, nil, "-iam:GetLoginProfile"), KindUnknown, "neither", "user", "unknown", true},
		"service_role":      {asset(iamOf+"role/r", "AWS::IAM::Role", trusting(`{"Service":"sagemaker.amazonaws.com"}`), nil), Machine, "service sagemaker", "role", "", true},
		"github":            {asset(iamOf+"role/r", "AWS::IAM::Role", trusting(`{"Federated":"`+iamOf+`oidc-provider/token.actions.githubusercontent.com"}`), nil), Machine, "GitHub", "role", "", true},
		"irsa":              {asset(iamOf+"role/r", "AWS::IAM::Role", trusting(`{"Federated":"`+iamOf+`oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/A"}`), nil), Machine, "EKS", "role", "", true},
		"saml":              {asset(iamOf+"role/r", "AWS::IAM::Role", trusting(`{"Federated":"`+iamOf+`saml-provider/Okta"}`), nil), Human, "SAML", "role", "", true},
		"unheard_issuer":    {asset(iamOf+"role/r", "AWS::IAM::Role", trusting(`{"Federated":"`+iamOf+`oidc-provider/id.example.org"}`), nil), KindUnknown, "id.example.org", "role", "", true},
		"own_account":       {asset(iamOf+"role/r", "AWS::IAM::Role", trusting(`{"AWS":"`+iamOf+`root"}`), nil), KindUnknown, "its account", "role", "", true},
		"strange_account":   {asset(iamOf+"role/r", "AWS::IAM::Role", trusting(`{"AWS":"777788889999"}`), nil), KindUnknown, "777788889999", "role", "", true},
		"anybody":           {asset(iamOf+"role/r", "AWS::IAM::Role", trusting(`"*"`), nil), KindUnknown, "anybody", "role", "", true},
		"both":              {asset(iamOf+"role/r", "AWS::IAM::Role", trusting(`{"Service":"lambda.amazonaws.com","Federated":"`+iamOf+`saml-provider/Okta"}`), nil), KindUnknown, "people and machines", "role", "", true},
		"trusts_itself":     {asset(iamOf+"role/r", "AWS::IAM::Role", trusting(`{"AWS":"`+iamOf+`role/r"}`), nil), KindUnknown, "nobody", "role", "", true},
		"no_trust":          {asset(iamOf+"role/r", "AWS::IAM::Role", `{}`, nil), KindUnknown, "nobody is named", "role", "", true},
		"identity_centre":   {asset(iamOf+"role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_DataScientist_0123456789abcdef", "AWS::IAM::Role", trusting(`{"Federated":"`+iamOf+`saml-provider/AWSSSO_1"}`), nil), Human, "permission set DataScientist", "single sign-on role", "", false},
		"service_linked":    {asset(iamOf+"role/aws-service-role/sagemaker.amazonaws.com/AWSServiceRoleForAmazonSageMakerNotebooks", "AWS::IAM::Role", trusting(`{"Service":"sagemaker.amazonaws.com"}`), nil), Machine, "only sagemaker", "service-linked role", "", false},
		"root":              {asset(iamOf+"root", "AWS::Organizations::Account", `{"GetCredentialReport":{"user":"<root_account>","mfa_active":"false"}}`, nil), Human, "root user", "root user", "no", false},
		"root_not_reported": {asset(iamOf+"root", "AWS::Organizations::Account", `{}`, nil), Human, "root user", "root user", "unknown", false},
		"oidc_provider":     {asset(iamOf+"oidc-provider/gitlab.example.org", "AWS::IAM::OIDCProvider", `{}`, nil), Machine, "GitLab", "federated", "", false},
		"saml_provider":     {asset(iamOf+"saml-provider/Okta", "AWS::IAM::SAMLProvider", `{}`, nil), Human, "SAML", "federated", "", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			id := find(t, overviewOf(t, nil, tt.asset), tt.asset.ID)
			if id.Kind != tt.kind || !strings.Contains(id.Why, tt.why) || id.Origin != tt.origin || id.MFA != tt.mfa || (id.NoOwner == "") != tt.needs {
				t.Errorf("kind %s (%s), origin %s, second factor %q, needs no owner %q", id.Kind, id.Why, id.Origin, id.MFA, id.NoOwner)
			}
		})
	}
}

// A role that people take by another role is theirs.
func TestKindFollowsRoles(t *testing.T) {
	o := overviewOf(t, nil,
		asset(iamOf+"role/hop", "AWS::IAM::Role", trusting(`{"Federated":"`+iamOf+`saml-provider/Okta"}`), nil),
		asset(iamOf+"role/end", "AWS::IAM::Role", trusting(`{"AWS":"`+iamOf+`role/hop"}`), nil))
	if id := find(t, o, iamOf+"role/end"); id.Kind != Human || id.Why != "taken by role hop" {
		t.Errorf("%s: %s", id.Kind, id.Why)
	}
}

func TestOwners(t *testing.T) {
	inline := `"RolePolicyList":[{"PolicyName":"p","PolicyDocument":{"Statement":{"Effect":"Allow","Action":"sagemaker:*","Resource":"*"}}}]`
	role := func(tags map[string]string) estate.Asset {
		return asset(iamOf+"role/r", "AWS::IAM::Role", `{`+inline+`,`+strings.TrimPrefix(trusting(`{"Service":"sagemaker.amazonaws.com"}`), "{"), tags)
	}
	job := estate.Asset{ID: "arn:aws:sagemaker:eu-west-1:111122223333:training-job/j", Type: "AWS::SageMaker::TrainingJob", Name: "j",
		Reads: []estate.Read{{Operation: "sagemaker:DescribeTrainingJob", Status: estate.ReadOK}}, Config: json.RawMessage(`{"TrainingJobName":"j","RoleArn":"` + iamOf + `role/r"}`)}
	tests := map[string]struct {
		tags     map[string]string
		workload string // owner of the workload that runs as it
		owner    string
		from     string
		lacks    finding.Outcome // empty: no finding
	}{
		"tag":                     {map[string]string{"owner": "ann"}, "", "ann", "tag owner", ""},
		"tag_in_capitals":         {map[string]string{"Team": "ml"}, "", "ml", "tag Team", ""},
		"tag_with_prefix":         {map[string]string{"acme.example/Owner": "ann"}, "", "ann", "tag acme.example/Owner", ""},
		"best_tag_first":          {map[string]string{"team": "ml", "Owner": "ann"}, "", "ann", "tag Owner", ""},
		"spelt_with_blanks":       {map[string]string{"Business Owner": "bea"}, "", "bea", "tag Business Owner", ""},
		"workload":                {map[string]string{}, "bea", "bea", "owner of workload w", ""},
		"tag_before_workload":     {map[string]string{"owner": "ann"}, "bea", "ann", "tag owner", ""},
		"none":                    {map[string]string{"app": "x"}, "", "", "", finding.Fail},
		"a_tag_that_names_none":   {map[string]string{"owner": " TBD "}, "", "", "", finding.Fail},
		"tags_not_read":           {nil, "", "", "", finding.Unknown},
		"not_read_but_a_workload": {nil, "bea", "bea", "owner of workload w", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := finding.Workload{ID: "w", Name: "w", Owner: tt.workload, Roots: []string{job.ID}, Members: []string{job.ID}, Touches: []string{iamOf + "role/r"}}
			o := overviewOf(t, []finding.Workload{w}, role(tt.tags), job)
			id := find(t, o, iamOf+"role/r")
			if id.Owner != tt.owner || id.OwnerFrom != tt.from {
				t.Errorf("owner %q from %q", id.Owner, id.OwnerFrom)
			}
			if id.Ownerless() != (tt.lacks != "") {
				t.Fatalf("ownerless: %v", id.Ownerless())
			}
			if tt.lacks == "" {
				return
			}
			f := id.finding(o.Taken)
			if f.Status != tt.lacks || f.Severity != finding.Medium || f.ID != finding.NewID(Ownerless, iamOf+"role/r", "") || o.Workloads[0].Ownerless != 1 {
				t.Errorf("%+v; %+v", f, o.Workloads)
			}
			if tt.lacks == finding.Fail && !strings.HasPrefix(strings.Join(f.Fix.Commands, ""), "aws iam tag-role --role-name r ") {
				t.Errorf("mend: %v", f.Fix.Commands)
			}
		})
	}
}

// Nothing to touch, nothing to answer for.
func TestNoFindingWithoutReach(t *testing.T) {
	o := overviewOf(t, nil, asset(iamOf+"user/u", "AWS::IAM::User", `{}`, map[string]string{}))
	if id := find(t, o, iamOf+"user/u"); id.Ownerless() || id.May() != "nothing of AI" || len(o.Identities) != 1 {
		t.Errorf("%+v", id)
	}
}

func TestCredentials(t *testing.T) {
	user := asset(iamOf+"user/u", "AWS::IAM::User", `{"GetCredentialReport":{"user":"u","password_enabled":"false","mfa_active":"false","access_key_1_active":"true",
		"access_key_1_last_rotated":"2025-11-23T00:00:00+00:00","access_key_1_last_used_date":"2026-11-20T02:00:00+00:00","access_key_1_last_used_service":"s3","access_key_1_last_used_region":"eu-west-1"},
		"ListAccessKeys":{"AccessKeyMetadata":[{"AccessKeyId":"AKIA1","Status":"Active","CreateDate":"2025-11-23T00:00:00+00:00"},{"AccessKeyId":"AKIA2","Status":"Inactive","CreateDate":"2026-11-01T00:00:00+00:00"}]}}`, nil)
	second := asset(iamOf+"user/u#access-key/AKIA2", "AWS::IAM::AccessKey", `{"AccessKeyId":"AKIA2","Status":"Inactive","CreateDate":"2026-11-01T00:00:00Z",
		"GetAccessKeyLastUsed":{"AccessKeyLastUsed":{"LastUsedDate":"2026-11-22T00:00:00Z","ServiceName":"bedrock","Region":"us-east-1"}}}`, nil)
	second.Name = "AKIA2"
	id := find(t, overviewOf(t, nil, user, second), iamOf+"user/u")
	day := func(d string) time.Time { at, _ := time.Parse(time.RFC3339, d); return at }
	want := []Credential{
		{Type: "access key", ID: "AKIA1", Active: true, Created: day("2025-11-23T00:00:00Z"), AgeDays: 365, LastUsed: day("2026-11-20T02:00:00Z"), Where: "s3 in eu-west-1"},
		{Type: "access key", ID: "AKIA2", Created: day("2026-11-01T00:00:00Z"), AgeDays: 22, LastUsed: day("2026-11-22T00:00:00Z"), Where: "bedrock in us-east-1"},
	}
	if d := cmp.Diff(want, id.Credentials, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if id.LastUse() != "2026-11-22, bedrock in us-east-1" || !id.OldestKey().Equal(day("2025-11-23T00:00:00Z")) {
		t.Errorf("last used %s, oldest key %s", id.LastUse(), id.OldestKey())
	}
}

// What is refused, bounded or not read is said.
func TestWhatMayLeaveLess(t *testing.T) {
	all := `{"Effect":"Allow","Action":"sagemaker:*","Resource":"*"}`
	role := func(statements, more string) estate.Asset {
		return asset(iamOf+"role/r", "AWS::IAM::Role", fmt.Sprintf(`{"RolePolicyList":[{"PolicyName":"p","PolicyDocument":{"Statement":[%s]}}]%s}`, statements, more), map[string]string{})
	}
	boundary := asset(iamOf+"policy/b", "AWS::IAM::ManagedPolicy", `{"PolicyVersionList":[{"IsDefaultVersion":true,"Document":{"Statement":{"Effect":"Allow","Action":"sagemaker:Describe*","Resource":"*"}}}]}`, nil)
	bounded := `,"PermissionsBoundary":{"PermissionsBoundaryArn":"` + iamOf + `policy/b"}`
	tests := map[string]struct {
		assets []estate.Asset
		may    string
		says   string // among boundaries and what was not read
	}{
		"all":                   {[]estate.Asset{role(all, "")}, "change 1, read 1", ""},
		"condition":             {[]estate.Asset{role(`{"Effect":"Allow","Action":"sagemaker:DescribeModel","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`, "")}, "read 1 under conditions", ""},
		"deny_of_all":           {[]estate.Asset{role(all+`,{"Effect":"Deny","Action":"*","Resource":"*"}`, "")}, "nothing of AI", ""},
		"deny_of_all_with_mfa":  {[]estate.Asset{role(all+`,{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}`, "")}, "change 1 under conditions, read 1 under conditions", ""},
		"deny_of_one_action":    {[]estate.Asset{role(all+`,{"Effect":"Deny","Action":"sagemaker:DeleteModel","Resource":"*"}`, "")}, "change 1, read 1", ""},
		"deny_of_every_change":  {[]estate.Asset{role(all+`,{"Effect":"Deny","NotAction":["sagemaker:Describe*","sagemaker:List*"],"Resource":"*"}`, "")}, "read 1", ""},
		"an_action_of_no_model": {[]estate.Asset{role(`{"Effect":"Allow","Action":["sagemaker:UpdateModelPackage","sagemaker:InvokeEndpoint"],"Resource":"*"}`, "")}, "nothing of AI", ""},
		"deny_elsewhere":        {[]estate.Asset{role(all+`,{"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::x*"}`, "")}, "change 1, read 1", ""},
		"deny_without_tls":      {[]estate.Asset{role(all+`,{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`, "")}, "change 1, read 1", ""},
		"boundary":              {[]estate.Asset{role(all, bounded), boundary}, "read 1", "policy/b"},
		"boundary_not_read":     {[]estate.Asset{role(all, bounded)}, "nothing of AI; of 1 asset it could not be told", "permissions boundary " + iamOf + "policy/b was not read"},
		"policy_not_read":       {[]estate.Asset{role(all, `,"AttachedManagedPolicies":[{"PolicyArn":"`+iamOf+`policy/lost"}]`)}, "nothing of AI; of 1 asset it could not be told", "policy/lost was not read"},
		"policy_of_aws":         {[]estate.Asset{asset(iamOf+"role/r", "AWS::IAM::Role", `{"AttachedManagedPolicies":[{"PolicyArn":"arn:aws:iam::aws:policy/AmazonSageMakerReadOnly"}]}`, nil)}, "read 1", ""},
		"administrator_by_name": {[]estate.Asset{asset(iamOf+"role/r", "AWS::IAM::Role", `{"AttachedManagedPolicies":[{"PolicyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}]}`, nil)}, "change 1, read 1", ""},
		"broken_policy":         {[]estate.Asset{role(`{"Effect":"Perhaps","Action":"*","Resource":"*"}`, "")}, "nothing of AI; of 1 asset it could not be told", "could not be understood"},
		"own_policies_refused":  {[]estate.Asset{asset(iamOf+"role/r", "AWS::IAM::Role", `{}`, nil, "-iam:GetRolePolicy")}, "nothing of AI", "iam:GetRolePolicy denied"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			id := find(t, overviewOf(t, nil, tt.assets...), iamOf+"role/r")
			if id.May() != tt.may {
				t.Errorf("may %s", id.May())
			}
			said := fmt.Sprint(id.Boundaries, id.Unread)
			if tt.says == "" && said != "[] []" || !strings.Contains(said, tt.says) {
				t.Errorf("says %s", said)
			}
		})
	}
}

// Whatever an export holds, the overview ends and does not panic.
func FuzzSurvey(f *testing.F) {
	for _, seed := range []string{`{}`, `{"RolePolicyList":[{"PolicyName":"p","PolicyDocument":{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}}]}`,
		trusting(`{"AWS":"*"}`), `{"GetCredentialReport":{"user":"u","password_enabled":"true"}}`, `{"GetAccessKeyLastUsed":{"AccessKeyLastUsed":{"LastUsedDate":"x"}}}`,
		`{"metadata":{"annotations":{"owner":"x","kubernetes.io/service-account.name":"sa"}},"type":"kubernetes.io/service-account-token"}`, `[]`, `{"AssumeRolePolicyDocument":"%7B"}`} {
		f.Add([]byte(seed), "*")
	}
	f.Fuzz(func(t *testing.T, config []byte, pattern string) {
		if !json.Valid(config) {
			return
		}
		b := estate.NewBuilder(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC))
		for id, typ := range map[string]string{iamOf + "role/r": "AWS::IAM::Role", iamOf + "user/u": "AWS::IAM::User", iamOf + "user/u#access-key/A": "AWS::IAM::AccessKey", iamOf + "root": "AWS::Organizations::Account",
			iamOf + "policy/p": "AWS::IAM::ManagedPolicy", modelA: "AWS::SageMaker::Model", "arn:aws:s3:::b": "AWS::S3::Bucket", "k8s://c/n/Secret/s": "v1/Secret", "k8s://c/n/ServiceAccount/sa": "v1/ServiceAccount", "k8s://c//Namespace/n": "v1/Namespace"} {
			a := estate.Asset{ID: id, Type: typ, Cloud: estate.AWS, Account: "111122223333", Config: config}
			if strings.HasPrefix(id, "k8s:") {
				a.Cloud, a.Account, a.Region = estate.Kubernetes, "c", "n"
			}
			b.Asset(a)
		}
		snap, err := b.Build()
		if err == nil {
			snap, err = snap.Understood(context.Background(), provider.Understand)
		}
		if err != nil {
			return
		}
		if _, err := Survey(context.Background(), snap, []finding.Workload{{ID: "w", Roots: []string{modelA, "arn:aws:s3:::b", "k8s://c/n/Secret/s"}}}); err != nil {
			t.Fatal(err)
		}
		p := newPattern(pattern)
		arn, _ := provider.ParseARN(modelA)
		if got, want := p.names(&arn, modelA), len(newShelf([]object{{node: 0, id: modelA, arn: arn, account: "1"}}).matching(0, pattern)) == 1; got != want {
			t.Fatalf("%q: %v by itself, %v by the index", pattern, got, want)
		}
	})
}
