package aws

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// iamTypes are IAM's and Organizations' types that declare relations.
var iamTypes = map[string]spec{
	"AWS::IAM::User": {estate.KindIdentity, slices.Concat(attachments, []edge{
		{estate.MemberOf, "GroupList[]", iamName("group/")},
		{estate.MemberOf, "ListGroupsForUser.Groups[].Arn", byARN},
		{estate.Contains, "UserPolicyList[]", inline("AWS::IAM::UserPolicy")},
		{estate.Contains, "ListMFADevices.MFADevices[].SerialNumber", ifARN},
		{estate.Attached, "GetUser.PermissionsBoundary.PermissionsBoundaryArn", byARN},
		{estate.Attached, "GetUser.User.PermissionsBoundary.PermissionsBoundaryArn", byARN},
		{estate.Attached, "ListAttachedUserPolicies.AttachedPolicies[].PolicyArn", byARN},
	}), managementRoot},
	"AWS::IAM::Group": {estate.KindIdentity, slices.Concat(attachments, []edge{
		{estate.Contains, "GroupPolicyList[]", inline("AWS::IAM::GroupPolicy")},
		{estate.Attached, "ListAttachedGroupPolicies.AttachedPolicies[].PolicyArn", byARN},
	}), managementRoot},
	"AWS::IAM::Role": {estate.KindIdentity, slices.Concat(attachments, []edge{
		{estate.Contains, "RolePolicyList[]", inline("AWS::IAM::RolePolicy")},
		{estate.Attached, "GetRole.PermissionsBoundary.PermissionsBoundaryArn", byARN},
		{estate.Attached, "GetRole.Role.PermissionsBoundary.PermissionsBoundaryArn", byARN},
		{estate.Attached, "ListAttachedRolePolicies.AttachedPolicies[].PolicyArn", byARN},
		{estate.RunsAs, "InstanceProfileList[].Arn", profileOf},
	}), func(r *reading) {
		if !r.cfg.at("AssumeRolePolicyDocument").ok() {
			r.trust("GetRole.Role.AssumeRolePolicyDocument")
			r.trust("GetRole.AssumeRolePolicyDocument")
		} else {
			r.trust("AssumeRolePolicyDocument")
		}
		managementRoot(r)
	}},
	"AWS::IAM::InstanceProfile": {estate.KindIdentity, []edge{{estate.RunsAs, "Roles[].Arn", byARN}}, nil},
	"AWS::IAM::AccessKey":       {estate.KindSecret, nil, nil},
	// A user's key of one service acts as the user, as an access key does.
	"AWS::IAM::ServiceSpecificCredential": {estate.KindSecret, nil, func(r *reading) {
		if user, _, ok := strings.Cut(r.a.ID, "#service-credential/"); ok {
			r.relate(user, estate.Contains, r.a.ID, "id")
		}
	}},
	"AWS::IAM::VirtualMFADevice": {estate.KindIdentity, []edge{{estate.MemberOf, "User.Arn", byARN}}, nil},
	"AWS::IAM::OIDCProvider":     {estate.KindIdentity, nil, nil},
	"AWS::IAM::SAMLProvider":     {estate.KindIdentity, nil, nil},
	"AWS::Organizations::Policy": {estate.KindPolicy, []edge{
		{estate.Governs, "ListTargetsForPolicy.Targets[]", policyTarget},
		{estate.Governs, "Targets[]", policyTarget},
	}, controlPolicy},
	"AWS::IAM::ManagedPolicy":                {estate.KindPolicy, nil, managedPolicy},
	"AWS::Organizations::Account":            orgMember,
	"AWS::Organizations::OrganizationalUnit": orgMember,
	"AWS::Organizations::Root":               orgMember,
	"AWS::Organizations::ResourcePolicy":     {estate.KindPolicy, []edge{{"", "Content", resourcePolicy}}, nil},
	"AWS::Organizations::Organization": {estate.KindService, []edge{
		{estate.Contains, "MasterAccountId", account},
	}, nil},
	"AWS::SSO::PermissionSet": {estate.KindPolicy, []edge{
		{estate.Attached, "ListManagedPoliciesInPermissionSet.AttachedManagedPolicies[].Arn", byARN},
		{estate.Attached, "GetPermissionsBoundaryForPermissionSet.PermissionsBoundary.ManagedPolicyArn", byARN},
	}, func(r *reading) {
		r.policyAt(IdentityPolicy, "", r.peek("GetInlinePolicyForPermissionSet.InlinePolicy"))
	}},
	// The permission set is given to somebody in an account, where it is a role.
	"AWS::SSO::Assignment": {estate.KindIdentity, []edge{
		{estate.Attached, "PermissionSetArn", byARN},
		{estate.Grants, "PrincipalId", assignee},
		{estate.Governs, "AccountId", account},
	}, nil},
	"AWS::IdentityStore::Group": {estate.KindIdentity, []edge{
		{estate.Contains, "ListGroupMemberships.GroupMemberships[].MemberId.UserId", storeMember},
	}, nil},
	"AWS::IdentityStore::User": {estate.KindIdentity, nil, nil},
	"AWS::AccessAnalyzer::Analyzer": {estate.KindService, nil, func(r *reading) {
		r.relate(r.a.ID, estate.Governs, r.accountID(), "config.arn")
	}},
}

// assignee relates an assignment of a permission set to the person or group of
// the identity store that has it.
func assignee(n node, rel estate.RelationType) {
	kind := strings.ToLower(n.r.peek("PrincipalType").words())
	if id := n.str(); id != "" && (kind == "user" || kind == "group") {
		n.relation(rel, n.r.identityStore(kind, id))
	}
}

// storeMember relates a person of the identity store to a group it is in.
func storeMember(n node, _ estate.RelationType) {
	if id := n.str(); id != "" {
		n.r.relate(n.r.identityStore("user", id), estate.MemberOf, n.r.a.ID, n.path)
	}
}

// identityStore is the id of a user or group of the identity store.
func (r *reading) identityStore(kind, id string) string {
	return ARN{r.partition(), "identitystore", "", "", kind + "/" + id}.String()
}

// orgMember is an account, a unit or the root of an organisation.
var orgMember = spec{estate.KindService, []edge{
	{estate.MemberOf, "ListParents.Parents[].Id", orgParent},
	{estate.Contains, "ListAccountsForParent.Accounts[].Id", account},
	{estate.Contains, "ListOrganizationalUnitsForParent.OrganizationalUnits[].Arn", byARN},
}, nil}

// attachments are the policies every IAM identity names alike.
var attachments = []edge{
	{estate.Attached, "AttachedManagedPolicies[].PolicyArn", byARN},
	{estate.Attached, "PermissionsBoundary.PermissionsBoundaryArn", byARN},
}

// accountID is the id of the asset's own account.
func (r *reading) accountID() string {
	if r.account() == "" {
		return ""
	}
	return r.global("iam", "root")
}

// iamName links to an IAM resource of the account by name. Its path is not
// known where only the name stands.
func iamName(prefix string) linker {
	return func(n node, rel estate.RelationType) {
		s := n.str()
		if s != "" && !isID(s) {
			s = n.r.global("iam", prefix+s)
		}
		n.relation(rel, s)
	}
}

// inline makes a part of each inline policy of an identity.
func inline(typ string) linker {
	return func(n node, _ estate.RelationType) {
		name := n.text("PolicyName")
		if name == "" {
			if n.ok() {
				n.problem("an inline policy without PolicyName")
			}
			return
		}
		id := n.r.a.ID + "#policy/" + name
		n.r.policyAt(IdentityPolicy, name, n.at("PolicyDocument"))
		n.r.ownPart(estate.Asset{ID: id, Type: typ, Kind: estate.KindPolicy, Name: name, Config: n.raw(),
			Reads: []estate.Read{{Operation: "iam:GetAccountAuthorizationDetails", Status: estate.ReadOK}}}, n.path)
		n.r.relate(n.r.a.ID, estate.Attached, id, n.path)
	}
}

// profileOf relates an instance profile, which the role's own reply names, to
// the role.
func profileOf(n node, rel estate.RelationType) {
	id := n.str()
	a, ok := ParseARN(id)
	if !ok {
		n.problem("expected an ARN")
		return
	}
	n.r.part(estate.Asset{ID: id, Type: "AWS::IAM::InstanceProfile", Kind: estate.KindIdentity, Name: a.Name(), Account: a.Account})
	n.r.relate(id, rel, n.r.a.ID, n.r.a.ID+" "+n.path)
}

// policyTarget relates an organisation's policy to a root, unit or account.
func policyTarget(n node, rel estate.RelationType) {
	id := n.text("TargetId")
	if isAccount(id) {
		account(n.at("TargetId"), rel)
		return
	}
	if arn := n.text("Arn"); arn != "" {
		n.relation(rel, arn)
		return
	}
	n.relation(rel, n.r.orgID(id))
}

// orgParent relates an account or unit to what it lies in.
func orgParent(n node, rel estate.RelationType) { n.relation(rel, n.r.orgID(n.str())) }

// orgID completes the id of a root or unit with the organisation's own, which
// stands in the ARNs of everything the organisation holds.
func (r *reading) orgID(id string) string {
	own, _ := ParseARN(firstOf(r.peek("Arn").words(), r.peek("PolicySummary.Arn").words(), r.a.ID))
	parts := strings.Split(own.Resource, "/")
	if id == "" || len(parts) < 2 || !strings.HasPrefix(parts[1], "o-") {
		return id
	}
	kind := "ou"
	if strings.HasPrefix(id, "r-") {
		kind = "root"
	}
	return ARN{own.Partition, "organizations", "", own.Account, kind + "/" + parts[1] + "/" + id}.String()
}

// words is the string that stands there, "" without a word for anything else.
func (n node) words() string {
	s, _ := n.v.(string)
	return s
}
