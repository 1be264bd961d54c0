package terraform

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate/unborn"
)

// iamOnto is a resource that adds to a role, user or group named by attribute.
func iamOnto(typ, attribute string) *onto {
	kind := strings.ToLower(strings.TrimPrefix(typ, "AWS::IAM::"))
	return &onto{typ: typ, attribute: attribute, id: "arn:{partition}:iam::{account}:" + kind + "/{}", last: true}
}

const (
	roleType  = "AWS::IAM::Role"
	userType  = "AWS::IAM::User"
	groupType = "AWS::IAM::Group"
)

var iamRules = []rule{
	{tf: "aws_iam_role", typ: roleType, id: "arn:{partition}:iam::{account}:role{path}{name}",
		as: map[string]string{"name": "RoleName", "unique_id": "RoleId", "assume_role_policy": "AssumeRolePolicyDocument", "create_date": "CreateDate",
			"permissions_boundary": "PermissionsBoundary.PermissionsBoundaryArn"}, more: holder("RolePolicyList")},
	{tf: "aws_iam_user", typ: userType, id: "arn:{partition}:iam::{account}:user{path}{name}",
		as: map[string]string{"name": "UserName", "unique_id": "UserId",
			"permissions_boundary": "PermissionsBoundary.PermissionsBoundaryArn"}, more: holder("UserPolicyList"),
		newborn: map[string]map[string]any{"GetLoginProfile": nil, "ListAccessKeys": {"AccessKeyMetadata": []any{}}, "ListMFADevices": {"MFADevices": []any{}}}},
	{tf: "aws_iam_group", typ: groupType, id: "arn:{partition}:iam::{account}:group{path}{name}",
		as: map[string]string{"name": "GroupName", "unique_id": "GroupId"}, more: holder("GroupPolicyList")},
	{tf: "aws_iam_role_policy", typ: roleType, onto: iamOnto(roleType, "role"), more: inline("RolePolicyList"), less: lessInline("RolePolicyList")},
	{tf: "aws_iam_user_policy", typ: userType, onto: iamOnto(userType, "user"), more: inline("UserPolicyList"), less: lessInline("UserPolicyList")},
	{tf: "aws_iam_group_policy", typ: groupType, onto: iamOnto(groupType, "group"), more: inline("GroupPolicyList"), less: lessInline("GroupPolicyList")},
	{tf: "aws_iam_role_policy_attachment", typ: roleType, onto: iamOnto(roleType, "role"), more: attach, less: detach},
	{tf: "aws_iam_user_policy_attachment", typ: userType, onto: iamOnto(userType, "user"), more: attach, less: detach},
	{tf: "aws_iam_group_policy_attachment", typ: groupType, onto: iamOnto(groupType, "group"), more: attach, less: detach},
	{tf: "aws_iam_policy_attachment", typ: roleType, more: attach, less: detach,
		spread: []*onto{iamOnto(roleType, "roles"), iamOnto(userType, "users"), iamOnto(groupType, "groups")}},
	{tf: "aws_iam_user_group_membership", typ: userType, onto: iamOnto(userType, "user"), more: groups},
	{tf: "aws_iam_user_login_profile", typ: userType, onto: &onto{typ: userType, attribute: "user", id: "arn:{partition}:iam::{account}:user/{}", key: "GetLoginProfile"},
		as: map[string]string{"user": "LoginProfile.UserName", "password_reset_required": "LoginProfile.PasswordResetRequired"}},
	{tf: "aws_iam_policy", typ: "AWS::IAM::ManagedPolicy", id: "arn:{partition}:iam::{account}:policy{path}{name}",
		as: map[string]string{"name": "PolicyName", "policy": "PolicyVersionList[].Document"}, more: managed},
	{tf: "aws_iam_instance_profile", typ: "AWS::IAM::InstanceProfile", id: "arn:{partition}:iam::{account}:instance-profile{path}{name}",
		as: map[string]string{"name": "InstanceProfileName", "unique_id": "InstanceProfileId", "role": ""}, more: profileRole},
	{tf: "aws_iam_access_key", typ: "AWS::IAM::AccessKey", composed: true, id: "arn:{partition}:iam::{account}:user/{user}#access-key/{id}",
		as: map[string]string{"user": "UserName", "id": "AccessKeyId"}, with: map[string]any{"Status": "Active"}},
	{tf: "aws_iam_openid_connect_provider", typ: "AWS::IAM::OIDCProvider", id: "arn:{partition}:iam::{account}:oidc-provider/{url|host}"},
	{tf: "aws_iam_saml_provider", typ: "AWS::IAM::SAMLProvider", id: "arn:{partition}:iam::{account}:saml-provider/{name}"},
	{tf: "aws_iam_account_password_policy", typ: "AWS::IAM::AccountPasswordPolicy", composed: true,
		id: "arn:{partition}:iam::{account}:account-password-policy",
		as: map[string]string{"minimum_password_length": "MinimumPasswordLength", "password_reuse_prevention": "PasswordReusePrevention"}},
}

// holder begins the lists of policies of a role, user or group: empty for a new
// one, else as the resource shows them, else open.
func holder(inlineList string) func(*conversion, *draft, *Resource) {
	return func(c *conversion, d *draft, r *Resource) {
		if d.config["Path"] == nil {
			d.config["Path"], d.said["Path"] = "/", true
		}
		for _, l := range [...]struct{ attribute, member string }{{"inline_policy", inlineList}, {"managed_policy_arns", "AttachedManagedPolicies"}} {
			list, shown := r.Values[l.attribute].([]any)
			d.said[l.member] = true
			out := []any{}
			for _, e := range list {
				if arn, ok := e.(string); ok {
					out = append(out, attached(arn))
				} else if p, ok := e.(map[string]any); ok && str(p["name"]) != "" {
					out = append(out, map[string]any{"PolicyName": p["name"], "PolicyDocument": document(p["policy"])})
				}
			}
			d.config[l.member] = out
			if !shown && !r.Born {
				d.open(l.member)
			}
		}
		if r.Type == "aws_iam_role" && r.Born {
			d.config["InstanceProfileList"] = []any{}
			d.said["InstanceProfileList"] = true
		}
		if r.Type == "aws_iam_user" {
			d.config["GroupList"] = []any{}
			if !r.Born {
				d.open("GroupList")
			}
		}
	}
}

// open says that a list holds only what this plan adds.
func (d *draft) open(member string) {
	at := "/" + unborn.Pointer(member)
	for _, have := range d.partial {
		if have == at {
			return
		}
	}
	d.partial = append(d.partial, at)
}

// add puts an element in a list of the root, in place of one that is the same
// thing. A thing the plan does not manage keeps what else it has.
func (d *draft) add(member string, v any, same func(any) bool) {
	if _, open := d.config[member].(unborn.Later); open && (d.r == nil || !d.r.Born) {
		return // all of the list is known after apply, this among it
	}
	list, _ := d.config[member].([]any)
	for i, e := range list {
		if same != nil && same(e) {
			list[i] = v
			return
		}
	}
	d.config[member] = append(list, v)
	d.said[member] = true
	if d.r == nil {
		d.open(member)
	}
}

// drop takes elements out of a list of the root.
func (d *draft) drop(member string, same func(any) bool) {
	list, ok := d.config[member].([]any)
	if !ok {
		return
	}
	kept := []any{}
	for _, e := range list {
		if !same(e) {
			kept = append(kept, e)
		}
	}
	d.config[member] = kept
}

// field tests a member of an element.
func field(member string, value any) func(any) bool {
	return func(e any) bool {
		m, _ := e.(map[string]any)
		return value != nil && value != "" && m[member] == value
	}
}

func attached(arn string) map[string]any {
	if strings.HasPrefix(arn, prefix) {
		return map[string]any{"PolicyArn": arn, "PolicyName": unborn.Later{}}
	}
	return map[string]any{"PolicyArn": arn, "PolicyName": arn[strings.LastIndexByte(arn, '/')+1:]}
}

// text is an attribute's value, the id of the one resource it refers to, or
// later.
func (c *conversion) text(r *Resource, attribute string) any {
	if v := c.known(r, attribute); v != "" {
		return v
	}
	if refs := c.refs(r, []string{attribute}); len(refs) == 1 && names(refs[0].Attribute) {
		return c.identity(refs[0].Address)
	}
	if masks, ok := r.Unknown.(map[string]any); ok && masks[attribute] != nil && masks[attribute] != false {
		return unborn.Later{}
	}
	if r.Values[attribute] != nil && r.Values[attribute] != "" {
		return unborn.Later{} // masked
	}
	return nil
}

// inline adds an inline policy.
func inline(list string) func(*conversion, *draft, *Resource) {
	return func(c *conversion, d *draft, r *Resource) {
		name := c.text(r, "name")
		if name == nil {
			name = unborn.Later{}
		}
		policy := c.policy(r, "policy")
		d.add(list, map[string]any{"PolicyName": name, "PolicyDocument": policy}, field("PolicyName", c.known(r, "name")))
	}
}

// policy is the document of an attribute, or later.
func (c *conversion) policy(r *Resource, attribute string) any {
	if v := c.known(r, attribute); v != "" {
		return document(v)
	}
	return unborn.Later{}
}

func lessInline(list string) func(*conversion, *draft, *Resource) {
	return func(c *conversion, d *draft, r *Resource) {
		if !c.still(r, "name") {
			d.drop(list, field("PolicyName", c.known(r, "name")))
		}
	}
}

// still reports whether another part of this side says the same of the owner.
func (c *conversion) still(gone *Resource, attribute string) bool {
	for i := range c.in.Resources {
		r := &c.in.Resources[i]
		rule := c.rules[r.Type]
		if r.Type == gone.Type && r.Mode != "data" && rule.onto != nil && c.known(r, attribute) == c.known(gone, attribute) && c.owner(r, rule.onto) == c.owner(gone, rule.onto) {
			return true
		}
	}
	return false
}

// attach adds a managed policy.
func attach(c *conversion, d *draft, r *Resource) {
	arn, ok := c.text(r, "policy_arn").(string)
	if !ok {
		d.add("AttachedManagedPolicies", unborn.Later{}, nil)
		return
	}
	d.add("AttachedManagedPolicies", attached(arn), field("PolicyArn", arn))
}

func detach(c *conversion, d *draft, r *Resource) {
	arn := c.known(r, "policy_arn")
	for i := range c.in.Resources { // another resource may say the same, in another way
		other := &c.in.Resources[i]
		if other.Mode == "data" || !strings.HasSuffix(other.Type, "policy_attachment") || c.known(other, "policy_arn") != arn {
			continue
		}
		rule := c.rules[other.Type]
		if rule == nil {
			continue
		}
		if rule.onto != nil && c.owner(other, rule.onto) == d.id {
			return
		}
		for _, o := range rule.spread {
			if slices.Contains(c.owners(other, o), d.id) {
				return
			}
		}
	}
	d.drop("AttachedManagedPolicies", field("PolicyArn", arn))
}

// groups adds a user's groups.
func groups(c *conversion, d *draft, r *Resource) {
	list, _ := r.Values["groups"].([]any)
	for _, g := range list {
		d.add("GroupList", g, func(e any) bool { return e == g })
	}
	if masks, ok := r.Unknown.(map[string]any); ok && masks["groups"] != nil {
		d.add("GroupList", unborn.Later{}, nil)
	}
}

// managed completes a managed policy: Terraform makes its document the default
// version.
func managed(c *conversion, d *draft, r *Resource) {
	if d.config["Path"] == nil {
		d.config["Path"], d.said["Path"] = "/", true
	}
	versions, _ := d.config["PolicyVersionList"].([]any)
	if len(versions) != 1 {
		return
	}
	v := versions[0].(map[string]any)
	v["IsDefaultVersion"] = true
	v["VersionId"], v["CreateDate"] = unborn.Later{}, unborn.Later{}
	if r.Born {
		v["VersionId"], d.config["DefaultVersionId"], d.said["DefaultVersionId"] = "v1", "v1", true
	}
	if r.Born {
		d.config["IsAttachable"], d.said["IsAttachable"] = true, true
	}
}

// profileRole names the role of an instance profile.
func profileRole(c *conversion, d *draft, r *Resource) {
	d.said["Roles"] = true
	role := c.text(r, "role")
	if role == nil {
		d.config["Roles"] = []any{}
		return
	}
	one := map[string]any{"RoleName": role, "Arn": unborn.Later{}}
	if id := c.owner(r, iamOnto(roleType, "role")); id != "" {
		one["Arn"] = id
	}
	d.config["Roles"] = []any{one}
}
