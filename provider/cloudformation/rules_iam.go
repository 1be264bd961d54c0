package cloudformation

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate/unborn"
)

// Asset types that policies are attached to.
const (
	roleType  = "AWS::IAM::Role"
	userType  = "AWS::IAM::User"
	groupType = "AWS::IAM::Group"
)

// holders are the asset types that policies are attached to: the property that
// names them, and the list of their inline policies.
var holders = [...]struct{ typ, property, inline string }{{roleType, "Roles", "RolePolicyList"}, {userType, "Users", "UserPolicyList"}, {groupType, "Groups", "GroupPolicyList"}}

func iamOnto(typ, property string) *onto {
	kind := strings.ToLower(strings.TrimPrefix(typ, "AWS::IAM::"))
	return &onto{typ: typ, property: property, id: "arn:{partition}:iam::{account}:" + kind + "/{}"}
}

// Properties of roles, users and groups that stand in other shapes: see holder.
var (
	roleAs = map[string]string{"ManagedPolicyArns": "", "Policies": "", "PermissionsBoundary": boundary, "Description": "", "MaxSessionDuration": ""}
	userAs = map[string]string{"ManagedPolicyArns": "", "Policies": "", "PermissionsBoundary": boundary, "Groups": "", "LoginProfile": ""}
)

const boundary = "PermissionsBoundary.PermissionsBoundaryArn"

var iamRules = []rule{
	{typ: roleType, id: "arn:{partition}:iam::{account}:role{path}{RoleName}", as: roleAs, echoes: true, unset: map[string]any{"Path": "/", "InstanceProfileList": []any{},
		"PermissionsBoundary.PermissionsBoundaryType": "Policy", "RoleLastUsed": none{}}, more: holder("RolePolicyList")},
	{typ: userType, id: "arn:{partition}:iam::{account}:user{path}{UserName}", as: userAs, echoes: true, unset: map[string]any{"Path": "/", "PermissionsBoundary.PermissionsBoundaryType": "Policy"},
		newborn: map[string]map[string]any{"GetLoginProfile": nil, "ListAccessKeys": {"AccessKeyMetadata": []any{}}, "ListMFADevices": {"MFADevices": []any{}}}, more: holder("UserPolicyList")},
	{typ: groupType, id: "arn:{partition}:iam::{account}:group{path}{GroupName}", as: map[string]string{"ManagedPolicyArns": "", "Policies": ""}, echoes: true, unset: map[string]any{"Path": "/"}, more: holder("GroupPolicyList")},
	{typ: "AWS::IAM::ManagedPolicy", id: "arn:{partition}:iam::{account}:policy{path}{ManagedPolicyName}", echoes: true,
		as:    map[string]string{"ManagedPolicyName": "PolicyName", "PolicyDocument": "PolicyVersionList[].Document", "Groups": "", "Roles": "", "Users": ""},
		unset: map[string]any{"Path": "/", "IsAttachable": true, "DefaultVersionId": "v1", "PolicyVersionList.IsDefaultVersion": true, "PolicyVersionList.VersionId": "v1"}},
	{typ: "AWS::IAM::InstanceProfile", id: "arn:{partition}:iam::{account}:instance-profile{path}{InstanceProfileName}", as: map[string]string{"Roles": ""}, unset: map[string]any{"Path": "/"}, more: profileRoles},
	{typ: "AWS::IAM::AccessKey", as: map[string]string{"Serial": ""}, unset: map[string]any{"Status": "Active"}, newborn: map[string]map[string]any{}},
	{typ: "AWS::IAM::OIDCProvider", id: "arn:{partition}:iam::{account}:oidc-provider/{Url|host}", echoes: true},
	{typ: "AWS::IAM::SAMLProvider", id: "arn:{partition}:iam::{account}:saml-provider/{Name}", echoes: true},
	{typ: "AWS::IAM::Policy", parts: []string{roleType, userType, groupType}, more: policies},
	{typ: "AWS::IAM::RolePolicy", onto: iamOnto(roleType, "RoleName"), more: inline("RolePolicyList")},
	{typ: "AWS::IAM::UserPolicy", onto: iamOnto(userType, "UserName"), more: inline("UserPolicyList")},
	{typ: "AWS::IAM::GroupPolicy", onto: iamOnto(groupType, "GroupName"), more: inline("GroupPolicyList")},
	{typ: "AWS::IAM::UserToGroupAddition", parts: []string{userType}, more: membership},
}

// holder begins the lists of policies of a role, user or group.
func holder(inlineList string) func(*conversion, *draft, *Resource) {
	return func(c *conversion, d *draft, r *Resource) {
		d.config["AttachedManagedPolicies"], d.config[inlineList] = []any{}, []any{}
		switch v := r.Properties["ManagedPolicyArns"].(type) {
		case nil:
		case []any:
			for _, e := range v {
				c.attach(d, e)
			}
		default:
			d.config["AttachedManagedPolicies"] = unborn.Later{}
		}
		switch v := r.Properties["Policies"].(type) {
		case nil:
		case []any:
			for _, e := range v {
				m, ok := e.(map[string]any)
				if !ok {
					d.add(inlineList, unborn.Later{})
					continue
				}
				d.add(inlineList, map[string]any{"PolicyName": c.text(m["PolicyName"]), "PolicyDocument": c.policy(m["PolicyDocument"])})
			}
		default:
			d.config[inlineList] = unborn.Later{}
		}
		if r.Type != userType {
			return
		}
		d.config["GroupList"] = []any{}
		switch v := r.Properties["Groups"].(type) {
		case nil:
		case []any:
			for _, e := range v {
				d.add("GroupList", c.nameIn(e))
			}
		default:
			d.config["GroupList"] = unborn.Later{}
		}
		if r.Properties["LoginProfile"] != nil {
			m, _ := r.Properties["LoginProfile"].(map[string]any)
			d.reply("GetLoginProfile", map[string]any{"LoginProfile": map[string]any{"UserName": c.text(r.Properties["UserName"]), "CreateDate": unborn.Later{},
				"PasswordResetRequired": m["PasswordResetRequired"] == true}})
		}
	}
}

// add puts an element in a list of the root; a list that is open as a whole
// stays so.
func (d *draft) add(member string, v any) {
	if _, open := d.config[member].(unborn.Later); open {
		return
	}
	list, _ := d.config[member].([]any)
	d.config[member] = append(list, v)
	if d.r == nil && len(list) == 0 { // what else it has no template says
		d.config[member] = append(d.config[member].([]any), unborn.Later{})
	}
}

// attach adds a managed policy.
func (c *conversion) attach(d *draft, v any) {
	arn := c.idOf(v)
	list, _ := d.config["AttachedManagedPolicies"].([]any)
	switch {
	case arn == "":
		d.add("AttachedManagedPolicies", unborn.Later{})
	case slices.ContainsFunc(list, func(e any) bool { m, _ := e.(map[string]any); return m["PolicyArn"] == arn }):
	case strings.HasPrefix(arn, prefix):
		d.add("AttachedManagedPolicies", map[string]any{"PolicyArn": arn, "PolicyName": unborn.Later{}})
	default:
		d.add("AttachedManagedPolicies", map[string]any{"PolicyArn": arn, "PolicyName": arn[strings.LastIndexByte(arn, '/')+1:]})
	}
}

// idOf is a value's text, or the id of the asset it refers to; "" if neither is
// known.
func (c *conversion) idOf(v any) string {
	if t := c.textOf(v); t != "" {
		return t
	}
	if o, ok := v.(*Open); ok {
		return c.thing(o)
	}
	return ""
}

// text is a value's text, nil where nothing is set, else later.
func (c *conversion) text(v any) any {
	if t := c.textOf(v); t != "" {
		return t
	}
	if v == nil {
		return nil
	}
	return unborn.Later{}
}

// nameIn is idOf, or later.
func (c *conversion) nameIn(v any) any {
	if id := c.idOf(v); id != "" {
		return id
	}
	return unborn.Later{}
}

// policy is a document with its references settled, or later.
func (c *conversion) policy(v any) any {
	switch v := v.(type) {
	case map[string]any, string:
		return c.document(v)
	case *Open:
		if t := c.settled(v); t != "" {
			return c.document(t)
		}
	}
	return unborn.Later{}
}

// spread calls what is done with the owners that a list names.
func (c *conversion) spread(r *Resource, o *onto, do func(*draft)) {
	switch v := r.Properties[o.property].(type) {
	case nil:
	case []any:
		for _, e := range v {
			if d := c.draftOf(r, o, e); d != nil {
				do(d)
			}
		}
	default:
		c.draftOf(r, o, nil) // says that it is open
	}
}

// policies adds an inline policy to all that a template's AWS::IAM::Policy names.
func policies(c *conversion, _ *draft, r *Resource) {
	for _, h := range holders {
		c.spread(r, iamOnto(h.typ, h.property), func(d *draft) { inline(h.inline)(c, d, r) })
	}
}

// inline adds an inline policy, in place of one of the same name; one that may
// not be made leaves the list open.
func inline(list string) func(*conversion, *draft, *Resource) {
	return func(c *conversion, d *draft, r *Resource) {
		if r.Doubt != "" {
			d.add(list, unborn.Later{})
			return
		}
		d.add(list, map[string]any{"PolicyName": c.text(r.Properties["PolicyName"]), "PolicyDocument": c.policy(r.Properties["PolicyDocument"])})
	}
}

// membership adds users to a group.
func membership(c *conversion, _ *draft, r *Resource) {
	group := c.nameIn(r.Properties["GroupName"])
	c.spread(r, iamOnto(userType, "Users"), func(d *draft) {
		if r.Doubt != "" {
			group = unborn.Later{}
		}
		d.add("GroupList", group)
	})
}

// profileRoles names the role of an instance profile.
func profileRoles(c *conversion, d *draft, r *Resource) {
	list, ok := r.Properties["Roles"].([]any)
	if !ok {
		if r.Properties["Roles"] != nil {
			d.config["Roles"] = unborn.Later{}
		}
		return
	}
	out := []any{}
	for _, e := range list {
		one := map[string]any{"RoleName": c.nameIn(e), "Arn": unborn.Later{}}
		if id := c.owner(r, iamOnto(roleType, "Roles"), e); id != "" {
			one["Arn"] = id
		}
		out = append(out, one)
	}
	d.config["Roles"] = out
}

// counted attaches the managed policies of a template to those they name, and
// counts for each how many they are: nobody else can know of a new one yet.
func (c *conversion) counted() {
	for i := range c.in.Resources {
		r := &c.in.Resources[i]
		if r.Type != "AWS::IAM::ManagedPolicy" {
			continue
		}
		id := c.identity(r.Address)
		for _, h := range holders {
			c.spread(r, iamOnto(h.typ, h.property), func(d *draft) {
				if r.Doubt != "" {
					d.add("AttachedManagedPolicies", unborn.Later{})
					return
				}
				c.attach(d, id)
			})
		}
	}
	count := map[string]int{}
	for _, d := range c.drafts {
		list, _ := d.config["AttachedManagedPolicies"].([]any)
		for _, e := range list {
			if m, ok := e.(map[string]any); ok {
				count[str(m["PolicyArn"])]++
			}
		}
	}
	for id, d := range c.drafts {
		if d.typ == "AWS::IAM::ManagedPolicy" && d.r != nil && len(c.loose[roleType])+len(c.loose[userType])+len(c.loose[groupType]) == 0 {
			d.config["AttachmentCount"] = jsonInt(count[id])
		}
	}
}
