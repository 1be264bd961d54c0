package aws

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/collect/aws/catalog"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/test/moto"
)

// accessAccount fills a moto account with what tells who may do what and
// returns the ids that moto made up.
func accessAccount(t *testing.T) (*moto.Server, map[string]string) {
	t.Helper()
	s := moto.Start(t)
	made := map[string]string{}
	if err := json.Unmarshal(s.Python(t, filepath.Join("testdata", "fill_access.py")), &made); err != nil {
		t.Fatal(err)
	}
	for _, kv := range s.Env() {
		k, v, _ := strings.Cut(kv, "=")
		t.Setenv(k, v)
	}
	return s, made
}

// at renders what stands at a path of an asset's configuration.
func at(t *testing.T, a estate.Asset, path string) string {
	t.Helper()
	v := catalog.Lookup(configOf(t, a), path)
	if s, ok := v.(string); ok {
		return s
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestWhoMayDoWhat reads from moto what an account says about access.
func TestWhoMayDoWhat(t *testing.T) {
	_, made := accessAccount(t)
	m := collect(t, Options{Regions: []string{"eu-west-1"}, Services: []string{"organizations", "sso-admin", "iam", "kms", "sqs", "sns", "secretsmanager", "ecr", "s3"}})
	const account = "123456789012"
	user, group := "arn:aws:identitystore:::user/"+made["user"], "arn:aws:identitystore:::group/"+made["group"]
	tests := []struct{ id, typ, path, want string }{
		{made["root"], "AWS::Organizations::Root", "ListAccountsForParent.Accounts[].Id", `["` + account + `"]`},
		{made["unit"], "AWS::Organizations::OrganizationalUnit", "Name", "ml"},
		{made["inner"], "AWS::Organizations::OrganizationalUnit", "ListAccountsForParent.Accounts[].Id", `["` + made["member"] + `"]`},
		{made["inner"], "AWS::Organizations::OrganizationalUnit", "ListParents.Parents[].Id", `["` + made["unit"][strings.LastIndex(made["unit"], "/")+1:] + `"]`},
		{made["unit"], "AWS::Organizations::OrganizationalUnit", "ListParents.Parents[].Type", `["ROOT"]`},
		{made["scp"], "AWS::Organizations::Policy", "ListTargetsForPolicy.Targets[].Arn", `["` + made["inner"] + `"]`},
		{made["scp"], "AWS::Organizations::Policy", "Content.Statement[0].Action", "sagemaker:*"},
		{made["rcp"], "AWS::Organizations::Policy", "PolicySummary.Type", "RESOURCE_CONTROL_POLICY"},
		{made["rcp"], "AWS::Organizations::Policy", "ListTargetsForPolicy.Targets[].Arn", `["` + made["root"] + `"]`},
		{made["instance"], "AWS::SSO::Instance", "IdentityStoreId", made["store"]},
		{made["admin"], "AWS::SSO::PermissionSet", "ListManagedPoliciesInPermissionSet.AttachedManagedPolicies[].Arn", `["arn:aws:iam::aws:policy/AdministratorAccess"]`},
		{made["reader"], "AWS::SSO::PermissionSet", "GetInlinePolicyForPermissionSet.InlinePolicy.Statement[0].Action", "sagemaker:Describe*"},
		{made["reader"], "AWS::SSO::PermissionSet", "ListCustomerManagedPolicyReferencesInPermissionSet.CustomerManagedPolicyReferences[].Path", `["/ml/"]`},
		{made["admin"], "AWS::SSO::PermissionSet", "ListAccountsForProvisionedPermissionSet.AccountIds", `["` + account + `"]`},
		{made["admin"] + "#assignment/" + account + "/GROUP/" + made["group"], "AWS::SSO::Assignment", "PrincipalType", "GROUP"},
		{made["reader"] + "#assignment/" + account + "/USER/" + made["user"], "AWS::SSO::Assignment", "AccountId", account},
		{group, "AWS::IdentityStore::Group", "ListGroupMemberships.GroupMemberships[].MemberId.UserId", `["` + made["user"] + `"]`},
		{user, "AWS::IdentityStore::User", "UserName", "ada"},
		{user, "AWS::IdentityStore::User", "Emails", "null"},
		{user, "AWS::IdentityStore::User", "PhoneNumbers", "null"},
		{user, "AWS::IdentityStore::User", "Name", "null"},
		{"arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/X", "AWS::IAM::OIDCProvider", "ClientIDList", `["sts.amazonaws.com"]`},
		{"arn:aws:iam::123456789012:saml-provider/corp", "AWS::IAM::SAMLProvider", "Arn", "arn:aws:iam::123456789012:saml-provider/corp"},
		{"arn:aws:iam::123456789012:user/key#access-key/" + made["key"], "AWS::IAM::AccessKey", "GetAccessKeyLastUsed.AccessKeyLastUsed.ServiceName", "N/A"},
		{made["kms"], "AWS::KMS::Key", "ListGrants.Grants[0].Operations", `["Decrypt"]`},
		{made["kms"], "AWS::KMS::Key", "GetKeyPolicy.Policy.Statement[0].Effect", "Allow"},
		{"arn:aws:sqs:eu-west-1:123456789012:jobs", "AWS::SQS::Queue", "GetQueueAttributes.Attributes.Policy.Statement[0].Action", "sqs:SendMessage"},
		{"arn:aws:sns:eu-west-1:123456789012:alarms", "AWS::SNS::Topic", "GetTopicAttributes.Attributes.Policy.Statement[0].Action", "sns:Publish"},
		{made["secret"], "AWS::SecretsManager::Secret", "GetResourcePolicy.ResourcePolicy.Statement[0].Action", "secretsmanager:GetSecretValue"},
		{"arn:aws:ecr:eu-west-1:123456789012:repository/serve", "AWS::ECR::Repository", "GetRepositoryPolicy.policyText.Statement[0].Action", "ecr:BatchGetImage"},
		{"arn:aws:s3:::acme-train", "AWS::S3::Bucket", "GetBucketOwnershipControls.OwnershipControls.Rules[0].ObjectOwnership", "BucketOwnerEnforced"},
	}
	for _, tt := range tests {
		a, ok := m.assets[tt.id]
		if got := at(t, a, tt.path); !ok || a.Type != tt.typ || got != tt.want {
			t.Errorf("%s (%s): %s is %s, want %s", tt.id, a.Type, tt.path, got, tt.want)
		}
	}
	var refused []string
	for _, b := range m.blind {
		refused = append(refused, b.Operation)
	}
	slices.Sort(refused)
	// What moto does not answer is said, and nothing else.
	if d := cmp.Diff([]string{"iam:ListServiceSpecificCredentials", "sso-admin:GetPermissionsBoundaryForPermissionSet"}, slices.Compact(refused)); d != "" {
		t.Errorf("blind spots (-want +got):\n%s\n%+v", d, m.blind)
	}
}

// identityCenter answers for a permission set that is provisioned in two
// accounts.
func identityCenter(more map[string]any) *fake {
	const arn, set = "arn:aws:sso:::instance/ssoins-1", "arn:aws:sso:::permissionSet/ssoins-1/ps-1"
	m := map[string]any{
		"sso-admin:ListInstances":                           map[string]any{"Instances": []any{map[string]any{"InstanceArn": arn, "IdentityStoreId": "d-1", "OwnerAccountId": "111122223333"}}},
		"sso-admin:ListPermissionSets":                      map[string]any{"PermissionSets": []any{set}},
		"sso-admin:DescribePermissionSet":                   map[string]any{"PermissionSet": map[string]any{"PermissionSetArn": set, "Name": "Admin"}},
		"sso-admin:ListAccountsForProvisionedPermissionSet": map[string]any{"AccountIds": []any{"111122223333", "444455556666"}},
		"sso-admin:ListManagedPoliciesInPermissionSet":      map[string]any{"AttachedManagedPolicies": []any{}},
		"sso-admin:ListAccountAssignments": func(req api.Request) any {
			if req.Params["InstanceArn"] != arn || req.Params["PermissionSetArn"] != set {
				return map[string]any{"AccountAssignments": []any{map[string]any{"Wrong": req.Params}}}
			}
			return map[string]any{"AccountAssignments": []any{map[string]any{"AccountId": req.Params["AccountId"], "PermissionSetArn": set, "PrincipalType": "GROUP", "PrincipalId": "g"}}}
		},
	}
	maps.Copy(m, more)
	return replies(m)
}

// TestEachAccount lists a permission set's assignments once for each account
// that has it, and says so where that is not known.
func TestEachAccount(t *testing.T) {
	o := Options{Regions: []string{"eu-west-1"}, Services: []string{"sso-admin"}}
	m, err := run(t, identityCenter(nil), o)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for id, a := range m.assets {
		if a.Type == "AWS::SSO::Assignment" {
			got = append(got, id)
		}
	}
	slices.Sort(got)
	const set = "arn:aws:sso:::permissionSet/ssoins-1/ps-1#assignment/"
	if d := cmp.Diff([]string{set + "111122223333/GROUP/g", set + "444455556666/GROUP/g"}, got); d != "" {
		t.Errorf("assignments (-want +got):\n%s", d)
	}
	covered := func(m *memory) bool {
		return slices.ContainsFunc(m.covered, func(c estate.Coverage) bool { return c.Type == "AWS::SSO::Assignment" })
	}
	if !covered(m) || len(m.blind) > 0 {
		t.Errorf("covered %v, blind spots %+v", covered(m), m.blind)
	}
	for op, in := range map[string]string{"ListAccountsForProvisionedPermissionSet": set[:len(set)-len("#assignment/")], "ListAccountAssignments": ""} {
		f := identityCenter(map[string]any{"sso-admin:" + op: denied(api.Request{Service: "sso-admin", Operation: op, Region: "eu-west-1"}, "no")})
		if m, err = run(t, f, o); err != nil {
			t.Fatal(err)
		}
		if covered(m) || !slices.ContainsFunc(m.blind, func(b estate.BlindSpot) bool { return b.Asset == in && b.Hint == "grant sso:"+op }) {
			t.Errorf("%s refused: covered %v, blind spots %+v", op, covered(m), m.blind)
		}
	}
}

// lastAccessed answers for one role of which a report is made in some steps.
func lastAccessed(states ...string) *fake {
	const role = "arn:aws:iam::111122223333:role/train"
	var made atomic.Int32
	return replies(map[string]any{
		"iam:GetAccountAuthorizationDetails": map[string]any{"RoleDetailList": []any{map[string]any{"Arn": role, "RoleName": "train"}}},
		"iam:GenerateServiceLastAccessedDetails": func(req api.Request) any {
			if req.Params["Arn"] != role || req.Params["Granularity"] != "ACTION_LEVEL" {
				return map[string]any{"JobId": ""}
			}
			return map[string]any{"JobId": "j-1"}
		},
		"iam:GetServiceLastAccessedDetails": func(req api.Request) any {
			n := int(made.Add(1)) - 1
			out := map[string]any{"JobStatus": states[min(n, len(states)-1)], "ServicesLastAccessed": []any{}, "Error": map[string]any{"Code": "x", "Message": "no such luck"}}
			if req.Params["JobId"] != "j-1" {
				out["JobStatus"] = "?"
			}
			if out["JobStatus"] == "COMPLETED" {
				out["ServicesLastAccessed"] = []any{map[string]any{"ServiceNamespace": "s3", "TrackedActionsLastAccessed": []any{map[string]any{"ActionName": "GetObject"}}}}
			}
			return out
		},
	})
}

// TestUsage has the provider report what a role used, if that is asked for.
func TestUsage(t *testing.T) {
	const role, key = "arn:aws:iam::111122223333:role/train", "GetServiceLastAccessedDetails"
	refuse := &fake{answer: func(req api.Request) (any, error) {
		if req.Operation == "GenerateServiceLastAccessedDetails" {
			return nil, denied(req, "no")
		}
		return lastAccessed("COMPLETED").answer(req)
	}}
	tests := map[string]struct {
		f      *fake
		usage  bool
		status estate.ReadStatus
		grants string
		calls  int // of the report
	}{
		"not_asked":   {lastAccessed("COMPLETED"), false, "", "", 0},
		"asked":       {lastAccessed("COMPLETED"), true, estate.ReadOK, "", 1},
		"under_way":   {lastAccessed("IN_PROGRESS", "IN_PROGRESS", "COMPLETED"), true, estate.ReadOK, "", 3},
		"cannot_be":   {lastAccessed("IN_PROGRESS", "FAILED"), true, estate.ReadFailed, "", 2},
		"not_allowed": {refuse, true, estate.ReadDenied, "iam:GenerateServiceLastAccessedDetails,iam:GetServiceLastAccessedDetails", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			o := Options{Regions: []string{"eu-west-1"}, Services: []string{"iam"}, Usage: tt.usage}
			m, err := run(t, tt.f, o)
			if err != nil {
				t.Fatal(err)
			}
			read := readOf(m.assets[role], key)
			if read.Status != tt.status || read.Grant != tt.grants {
				t.Errorf("read %+v", read)
			}
			want := "null"
			if tt.status == estate.ReadOK {
				want = `["GetObject"]`
			}
			if got := at(t, m.assets[role], key+".ServicesLastAccessed[].TrackedActionsLastAccessed[].ActionName"); got != want {
				t.Errorf("actions %s, want %s", got, want)
			}
			if n := tt.f.calls["iam:"+key]; n != tt.calls {
				t.Errorf("%d calls for the report, want %d", n, tt.calls)
			}
			said := slices.ContainsFunc(m.blind, func(b estate.BlindSpot) bool { return b.Asset == role })
			if unknown := tt.status != estate.ReadOK && tt.usage; said != unknown {
				t.Errorf("said %v: %+v", said, m.blind)
			}
			c, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			for _, op := range []string{"iam:GenerateServiceLastAccessedDetails", "iam:" + key} {
				planned := slices.ContainsFunc(c.Plan(), func(s Step) bool { return s.Operation == op })
				if granted := strings.Contains(strings.Join(c.Policy(), ""), op); planned != tt.usage || granted != tt.usage {
					t.Errorf("%s: planned %v, in the policy %v", op, planned, granted)
				}
			}
		})
	}
}

// TestServiceCredentials reads the API keys of Bedrock, which act as their user.
func TestServiceCredentials(t *testing.T) {
	f := replies(map[string]any{"iam:ListServiceSpecificCredentials": func(req api.Request) any {
		if req.Params["AllUsers"] != true {
			return nil
		}
		return map[string]any{"ServiceSpecificCredentials": []any{map[string]any{"UserName": "BedrockAPIKey-x", "ServiceName": "bedrock.amazonaws.com", "Status": "Active",
			"ServiceSpecificCredentialId": "ACCAX", "CreateDate": "2026-01-02T00:00:00Z", "ExpirationDate": "2027-01-02T00:00:00Z"}}}
	}})
	m, err := run(t, f, Options{Regions: []string{"eu-west-1"}, Services: []string{"iam"}})
	if err != nil {
		t.Fatal(err)
	}
	a := m.assets["arn:aws:iam::111122223333:user/BedrockAPIKey-x#service-credential/ACCAX"]
	if a.Type != "AWS::IAM::ServiceSpecificCredential" || a.Created.Year() != 2026 || at(t, a, "ServiceName") != "bedrock.amazonaws.com" || at(t, a, "ExpirationDate") != "2027-01-02T00:00:00Z" {
		t.Errorf("%+v %s", a, a.Config)
	}
}

// TestOwnPoliciesOfAI reads the policies that resources of AI services, and what
// they read from, have of their own.
func TestOwnPoliciesOfAI(t *testing.T) {
	const in = "eu-west-1:111122223333:"
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"x:Y","Resource":"*"}]}`
	list := func(member string, item map[string]any) map[string]any { return map[string]any{member: []any{item}} }
	f := replies(map[string]any{
		"bedrock:ListGuardrails":             list("guardrails", map[string]any{"id": "g", "arn": "arn:aws:bedrock:" + in + "guardrail/g"}),
		"bedrock:GetResourcePolicy":          map[string]any{"resourcePolicy": policy},
		"bedrock-agent:ListKnowledgeBases":   list("knowledgeBaseSummaries", map[string]any{"knowledgeBaseId": "K"}),
		"bedrock-agent:GetKnowledgeBase":     map[string]any{"knowledgeBase": map[string]any{"knowledgeBaseId": "K", "knowledgeBaseArn": "arn:aws:bedrock:" + in + "knowledge-base/K"}},
		"bedrock-agent:GetResourcePolicy":    map[string]any{"policy": policy},
		"comprehend:ListDocumentClassifiers": list("DocumentClassifierPropertiesList", map[string]any{"DocumentClassifierArn": "arn:aws:comprehend:" + in + "document-classifier/c"}),
		"comprehend:DescribeResourcePolicy":  map[string]any{"ResourcePolicy": policy},
		"lambda:ListFunctions":               list("Functions", map[string]any{"FunctionName": "f", "FunctionArn": "arn:aws:lambda:" + in + "function:f"}),
		"lambda:ListAliases":                 list("Aliases", map[string]any{"Name": "live", "AliasArn": "arn:aws:lambda:" + in + "function:f:live"}),
		"lambda:GetPolicy": func(req api.Request) any {
			if req.Params["Qualifier"] == "live" && req.Params["FunctionName"] == "f" {
				return map[string]any{"Policy": policy}
			}
			return map[string]any{"Policy": `{"Statement":[]}`}
		},
		"s3control:ListAccessPoints":     list("AccessPointList", map[string]any{"Name": "p", "Bucket": "b", "AccessPointArn": "arn:aws:s3:" + in + "accesspoint/p"}),
		"s3control:GetAccessPointPolicy": map[string]any{"Policy": policy},
	})
	m, err := run(t, f, Options{Regions: []string{"eu-west-1"}, Services: []string{"bedrock", "bedrock-agent", "comprehend", "lambda", "s3"}})
	if err != nil {
		t.Fatal(err)
	}
	for id, path := range map[string]string{
		"arn:aws:bedrock:" + in + "guardrail/g":              "GetResourcePolicy.resourcePolicy",
		"arn:aws:bedrock:" + in + "knowledge-base/K":         "GetResourcePolicy.policy",
		"arn:aws:comprehend:" + in + "document-classifier/c": "DescribeResourcePolicy.ResourcePolicy",
		"arn:aws:lambda:" + in + "function:f:live":           "GetPolicy.Policy",
		"arn:aws:s3:" + in + "accesspoint/p":                 "GetAccessPointPolicy.Policy",
	} {
		if got := at(t, m.assets[id], path); !strings.Contains(got, "x:Y") {
			t.Errorf("%s: %s is %s", id, path, got)
		}
	}
}

// TestWhoEntersClusters reads who enters a cluster of EKS and as which role its
// pods act; a cluster that takes no access entries has none.
func TestWhoEntersClusters(t *testing.T) {
	const in, role = "arn:aws:eks:eu-west-1:111122223333:", "arn:aws:iam::111122223333:role/train"
	m := map[string]any{
		"eks:ListClusters":                   map[string]any{"clusters": []any{"gpu"}},
		"eks:DescribeCluster":                map[string]any{"cluster": map[string]any{"name": "gpu", "arn": in + "cluster/gpu"}},
		"eks:ListAccessEntries":              map[string]any{"accessEntries": []any{role}},
		"eks:DescribeAccessEntry":            map[string]any{"accessEntry": map[string]any{"principalArn": role, "accessEntryArn": in + "access-entry/gpu/x", "kubernetesGroups": []any{"ml"}}},
		"eks:ListAssociatedAccessPolicies":   map[string]any{"associatedAccessPolicies": []any{map[string]any{"policyArn": "p", "accessScope": map[string]any{"type": "namespace", "namespaces": []any{"ml"}}}}},
		"eks:ListPodIdentityAssociations":    map[string]any{"associations": []any{map[string]any{"associationId": "a", "associationArn": in + "podidentityassociation/gpu/a"}}},
		"eks:DescribePodIdentityAssociation": map[string]any{"association": map[string]any{"roleArn": role, "namespace": "ml", "serviceAccount": "s", "associationArn": in + "podidentityassociation/gpu/a"}},
	}
	o := Options{Regions: []string{"eu-west-1"}, Services: []string{"eks"}}
	got, err := run(t, replies(m), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ id, path, want string }{
		{in + "access-entry/gpu/x", "ListAssociatedAccessPolicies.associatedAccessPolicies[0].accessScope.namespaces", `["ml"]`},
		{in + "access-entry/gpu/x", "kubernetesGroups", `["ml"]`},
		{in + "podidentityassociation/gpu/a", "roleArn", role},
	} {
		if v := at(t, got.assets[tt.id], tt.path); v != tt.want {
			t.Errorf("%s: %s is %s, want %s", tt.id, tt.path, v, tt.want)
		}
	}
	m["eks:ListAccessEntries"] = &api.Error{Service: "eks", Operation: "ListAccessEntries", Code: "InvalidRequestException", Status: estate.ReadFailed, Cause: api.CauseRequest}
	m["eks:ListPodIdentityAssociations"] = denied(api.Request{Service: "eks", Operation: "ListPodIdentityAssociations", Region: "eu-west-1"}, "no")
	if got, err = run(t, replies(m), o); err != nil {
		t.Fatal(err)
	}
	covered := map[string]bool{}
	for _, c := range got.covered {
		covered[c.Type] = true
	}
	if !covered["AWS::EKS::AccessEntry"] || covered["AWS::EKS::PodIdentityAssociation"] || len(got.blind) != 1 || got.blind[0].Hint != "grant eks:ListPodIdentityAssociations" {
		t.Errorf("covered %v, blind spots %+v", covered, got.blind)
	}
}
