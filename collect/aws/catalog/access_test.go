package catalog

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// TestAccessInExports reads exported replies that say who may do what: each is
// given to the asset it is about, under the name of its operation.
func TestAccessInExports(t *testing.T) {
	const (
		instance = "arn:aws:sso:::instance/ssoins-1"
		set      = "arn:aws:sso:::permissionSet/ssoins-1/ps-1"
		cluster  = "arn:aws:eks:eu-west-1:111122223333:cluster/gpu"
	)
	docs := []doc{
		{"sso-admin/list-instances.json", `{"Instances":[{"InstanceArn":"` + instance + `","IdentityStoreId":"d-1","OwnerAccountId":"111122223333"}]}`},
		{"sso-admin/list-permission-sets/ssoins-1.json", `{"PermissionSets":["` + set + `"]}`},
		{"sso-admin/describe-permission-set/ps-1.json", `{"PermissionSet":{"PermissionSetArn":"` + set + `","Name":"Admin"}}`},
		{"sso-admin/get-inline-policy-for-permission-set/ps-1.json", `{"InlinePolicy":"{\"Statement\":[]}"}`},
		{"sso-admin/get-permissions-boundary-for-permission-set/ps-1.json", `{"PermissionsBoundary":{"ManagedPolicyArn":"arn:aws:iam::aws:policy/X"}}`},
		{"sso-admin/list-managed-policies-in-permission-set/ps-1.json", `{"AttachedManagedPolicies":[{"Name":"A","Arn":"arn:aws:iam::aws:policy/A"}]}`},
		{"sso-admin/list-account-assignments/444455556666.json", `{"AccountAssignments":[{"AccountId":"444455556666","PermissionSetArn":"` + set + `","PrincipalType":"USER","PrincipalId":"u"}]}`},
		{"identitystore/list-users.json", `{"Users":[{"UserName":"ada","UserId":"u","IdentityStoreId":"d-1","Emails":[{"Value":"ada@example.org"}]}]}`},
		{"identitystore/list-groups.json", `{"Groups":[{"DisplayName":"ml","GroupId":"g","IdentityStoreId":"d-1"}]}`},
		{"identitystore/list-group-memberships/g.json", `{"GroupMemberships":[{"IdentityStoreId":"d-1","MembershipId":"m","GroupId":"g","MemberId":{"UserId":"u"}}]}`},
		{"iam/list-users.json", `{"Users":[{"UserName":"key","Arn":"arn:aws:iam::111122223333:user/key","CreateDate":"2026-01-01T00:00:00+00:00"}]}`},
		{"iam/list-roles.json", `{"Roles":[{"RoleName":"train","Arn":"arn:aws:iam::111122223333:role/ml/train"}]}`},
		{"iam/get-service-last-accessed-details/train.json", `{"JobStatus":"COMPLETED","JobType":"ACTION_LEVEL","ServicesLastAccessed":[{"ServiceName":"Amazon S3","ServiceNamespace":"s3","LastAuthenticated":"2026-11-20T00:00:00+00:00"}]}`},
		{"iam/list-service-specific-credentials.json", `{"ServiceSpecificCredentials":[{"UserName":"key","Status":"Active","ServiceUserName":"key-at-1","CreateDate":"2026-01-01T00:00:00+00:00","ServiceSpecificCredentialId":"ACCAX","ServiceName":"bedrock.amazonaws.com"}]}`},
		{"eks/describe-cluster/gpu.json", `{"cluster":{"name":"gpu","arn":"` + cluster + `"}}`},
		{"eks/describe-access-entry/gpu/train.json", `{"accessEntry":{"clusterName":"gpu","principalArn":"arn:aws:iam::111122223333:role/ml/train","accessEntryArn":"arn:aws:eks:eu-west-1:111122223333:access-entry/gpu/role/111122223333/train/x","kubernetesGroups":["ml"],"type":"STANDARD"}}`},
		{"eks/list-associated-access-policies/gpu/train.json", `{"clusterName":"gpu","principalArn":"arn:aws:iam::111122223333:role/ml/train","associatedAccessPolicies":[{"policyArn":"arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy","accessScope":{"type":"cluster","namespaces":[]}}]}`},
		{"eks/describe-pod-identity-association/gpu/a-1.json", `{"association":{"clusterName":"gpu","namespace":"ml","serviceAccount":"train","roleArn":"arn:aws:iam::111122223333:role/ml/train","associationArn":"arn:aws:eks:eu-west-1:111122223333:podidentityassociation/gpu/a-1","associationId":"a-1"}}`},
		{"organizations/describe-policy/p-1.json", `{"Policy":{"PolicySummary":{"Id":"p-1","Arn":"arn:aws:organizations::999988887777:policy/o-1/resource_control_policy/p-1","Name":"own","Type":"RESOURCE_CONTROL_POLICY"},"Content":"{\"Statement\":[]}"}}`},
		{"organizations/list-targets-for-policy/p-1.json", `{"Targets":[{"TargetId":"r-1","Arn":"arn:aws:organizations::999988887777:root/o-1/r-1","Name":"Root","Type":"ROOT"}]}`},
		{"lambda/list-functions.json", `{"Functions":[{"FunctionName":"f","FunctionArn":"arn:aws:lambda:eu-west-1:111122223333:function:f"}]}`},
		{"lambda/list-aliases/f.json", `{"Aliases":[{"Name":"live","AliasArn":"arn:aws:lambda:eu-west-1:111122223333:function:f:live"},{"Name":"f","AliasArn":"arn:aws:lambda:eu-west-1:111122223333:function:f:f"}]}`},
		{"lambda/get-policy/f.json", `{"Policy":"{\"Id\":\"function\",\"Statement\":[]}"}`},
		{"lambda/get-policy/f/live.json", `{"Policy":"{\"Id\":\"alias\",\"Statement\":[]}"}`},
		{"bedrock/list-guardrails.json", `{"guardrails":[{"id":"g1","arn":"arn:aws:bedrock:eu-west-1:111122223333:guardrail/g1","name":"g"}]}`},
		{"bedrock-agent/list-knowledge-bases.json", `{"knowledgeBaseSummaries":[{"knowledgeBaseId":"K1","name":"k"}]}`},
		{"bedrock-agent/get-resource-policy/K1.json", `{"resourceArn":"arn:aws:bedrock:eu-west-1:111122223333:knowledge-base/K1","policy":"{\"Statement\":[]}"}`},
		{"bedrock/get-resource-policy/g1.json", `{"resourcePolicy":"{\"Statement\":[]}"}`},
	}
	s := read(t, "111122223333", "eu-west-1", docs...)
	tests := []struct{ id, path, want string }{
		{instance, "IdentityStoreId", "d-1"},
		{set, "Name", "Admin"},
		{set, "GetInlinePolicyForPermissionSet.InlinePolicy", `{"Statement":[]}`},
		{set, "GetPermissionsBoundaryForPermissionSet.PermissionsBoundary.ManagedPolicyArn", "arn:aws:iam::aws:policy/X"},
		{set, "ListManagedPoliciesInPermissionSet.AttachedManagedPolicies[0].Arn", "arn:aws:iam::aws:policy/A"},
		{set + "#assignment/444455556666/USER/u", "AccountId", "444455556666"},
		{"arn:aws:identitystore:::user/u", "UserName", "ada"},
		{"arn:aws:identitystore:::user/u", "Emails[0].Value", ""},
		{"arn:aws:identitystore:::group/g", "ListGroupMemberships.GroupMemberships[0].MemberId.UserId", "u"},
		{"arn:aws:iam::111122223333:user/key", "UserName", "key"},
		{"arn:aws:iam::111122223333:role/ml/train", "GetServiceLastAccessedDetails.ServicesLastAccessed[0].ServiceNamespace", "s3"},
		{"arn:aws:iam::111122223333:user/key#service-credential/ACCAX", "ServiceName", "bedrock.amazonaws.com"},
		{"arn:aws:eks:eu-west-1:111122223333:access-entry/gpu/role/111122223333/train/x", "ListAssociatedAccessPolicies.associatedAccessPolicies[0].accessScope.type", "cluster"},
		{"arn:aws:eks:eu-west-1:111122223333:podidentityassociation/gpu/a-1", "roleArn", "arn:aws:iam::111122223333:role/ml/train"},
		{"arn:aws:organizations::999988887777:policy/o-1/resource_control_policy/p-1", "ListTargetsForPolicy.Targets[0].Type", "ROOT"},
		{"arn:aws:lambda:eu-west-1:111122223333:function:f", "GetPolicy.Policy.Id", "function"},
		{"arn:aws:lambda:eu-west-1:111122223333:function:f:live", "GetPolicy.Policy.Id", "alias"},
		{"arn:aws:bedrock:eu-west-1:111122223333:knowledge-base/K1", "GetResourcePolicy.policy", `{"Statement":[]}`},
		{"arn:aws:bedrock:eu-west-1:111122223333:guardrail/g1", "GetResourcePolicy.resourcePolicy", `{"Statement":[]}`},
	}
	for _, tt := range tests {
		var config any
		if err := json.Unmarshal(orNull(s.assets[tt.id].Config), &config); err != nil {
			t.Fatal(err)
		}
		v := Lookup(config, tt.path)
		got := text(v)
		if _, object := v.(map[string]any); object {
			got = string(lower(v))
		}
		if got != tt.want {
			t.Errorf("%s: %s is %q, want %q", tt.id, tt.path, got, tt.want)
		}
	}
	for _, b := range s.blind {
		t.Errorf("blind spot: %+v", b)
	}
}

func orNull(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("null")
	}
	return raw
}

// TestRefusedAccessInExports: what was refused or is not whole is unknown, on the
// asset and as a blind spot.
func TestRefusedAccessInExports(t *testing.T) {
	const set, role = "arn:aws:sso:::permissionSet/ssoins-1/ps-1", "arn:aws:iam::111122223333:role/train"
	known := []doc{
		{"sso-admin/describe-permission-set/ps-1.json", `{"PermissionSet":{"PermissionSetArn":"` + set + `","Name":"Admin"}}`},
		{"iam/list-roles.json", `{"Roles":[{"RoleName":"train","Arn":"` + role + `"}]}`},
	}
	tests := []struct {
		path, body, id, op string
		want               estate.ReadStatus
		hint               string
	}{
		{"iam/get-service-last-accessed-details/train.json", `{"JobStatus":"IN_PROGRESS","JobCreationDate":"2026-11-20T00:00:00+00:00","ServicesLastAccessed":[]}`, role, "iam:GetServiceLastAccessedDetails", estate.ReadMalformed, "run the command again"},
		{"iam/get-service-last-accessed-details/train.json", `{"JobStatus":"COMPLETED","ServicesLastAccessed":[{"ServiceNamespace":"s3"}],"IsTruncated":true,"Marker":"x"}`, role, "iam:GetServiceLastAccessedDetails", estate.ReadMalformed, "without --query and --max-items"},
		{"sso-admin/get-permissions-boundary-for-permission-set/ps-1.json", `{"Error":{"Code":"AccessDeniedException","Message":"no"}}`, set, "sso-admin:GetPermissionsBoundaryForPermissionSet", estate.ReadDenied, "grant sso:GetPermissionsBoundaryForPermissionSet"},
		{"sso-admin/get-permissions-boundary-for-permission-set/ps-1.json", `{"Error":{"Code":"ResourceNotFoundException","Message":"none"}}`, set, "sso-admin:GetPermissionsBoundaryForPermissionSet", estate.ReadAbsent, ""},
		{"sso-admin/list-managed-policies-in-permission-set/ps-1.json", `{"AttachedManagedPolicies":[],"NextToken":"x"}`, set, "sso-admin:ListManagedPoliciesInPermissionSet", estate.ReadMalformed, "export"},
	}
	for _, tt := range tests {
		s := read(t, "111122223333", "eu-west-1", append([]doc{{tt.path, tt.body}}, known...)...)
		if got := statusFor(s.assets[tt.id], tt.op); got != tt.want {
			t.Errorf("%s %s: read is %q, want %q", tt.path, tt.body, got, tt.want)
		}
		said := false
		for _, b := range s.blind {
			said = said || b.Status == tt.want && strings.Contains(b.Hint, tt.hint)
		}
		if said != (tt.want != estate.ReadAbsent) {
			t.Errorf("%s %s: said %v: %+v", tt.path, tt.body, said, s.blind)
		}
	}
}

// TestAccessData holds the list of what tells about access to the catalogue and
// to the services' models: every path in it is in some reply that is read.
func TestAccessData(t *testing.T) {
	text, err := os.ReadFile("../../../docs/access-data.md")
	if err != nil {
		t.Fatal(err)
	}
	cat, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) < 5 || !strings.HasPrefix(strings.TrimSpace(cells[1]), "AWS::") {
			continue
		}
		rows++
		typ, path := strings.TrimSpace(cells[1]), strings.TrimSpace(cells[2])
		found := false
		for _, r := range cat.Resources() {
			found = found || r.Type == typ && (checker{t, r}).resolve(path)
		}
		if !found {
			t.Errorf("%s: %s is in no reply that is read", typ, path)
		}
		for _, r := range cat.Resources() {
			for _, c := range r.AllCalls() {
				if r.Type == typ && c.Asked != "" && strings.HasPrefix(path, c.Key()+".") && !strings.Contains(line, "(asked)") {
					t.Errorf("%s: %s is read only if it is asked for, and the list does not say so", typ, path)
				}
			}
		}
	}
	if rows < 80 {
		t.Errorf("%d rows were found", rows)
	}
}
