package access

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
)

// inlinePolicy is an element of UserPolicyList and its like.
type inlinePolicy struct {
	PolicyName     string
	PolicyDocument json.RawMessage
}

// boundary is where a permissions boundary stands.
type boundary struct{ PermissionsBoundaryArn string }

// holding is what the configuration of a user, group or role says that decides.
type holding struct {
	AssumeRolePolicyDocument json.RawMessage
	AttachedManagedPolicies  []struct{ PolicyArn string }
	UserPolicyList           []inlinePolicy
	GroupPolicyList          []inlinePolicy
	RolePolicyList           []inlinePolicy
	GroupList                []string
	PermissionsBoundary      boundary
	UserId, RoleId, GroupId  string

	GetRole struct {
		AssumeRolePolicyDocument json.RawMessage
		PermissionsBoundary      boundary
		Role                     struct {
			AssumeRolePolicyDocument json.RawMessage
			PermissionsBoundary      boundary
		}
	}
	GetUser struct {
		PermissionsBoundary boundary
		User                struct{ PermissionsBoundary boundary }
	}
	// has are the names of the members that are there.
	has map[string]bool
}

// details is the operation that tells everything of identities at once.
const details = "iam:GetAccountAuthorizationDetails"

// holdingOf decodes an identity's configuration.
func (r *reader) holdingOf(n estate.Node, a *estate.Asset) (*holding, string, error) {
	config, err := r.snap.Config(n)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", a.ID, err)
	}
	h := &holding{has: map[string]bool{}}
	var members map[string]json.RawMessage
	if len(config) > 0 && json.Unmarshal(config, &members) != nil {
		return h, "its configuration is no JSON object", nil
	}
	for name := range members {
		h.has[name] = true
	}
	if len(config) > 0 && json.Unmarshal(config, h) != nil {
		return &holding{has: h.has}, "its configuration does not have the shape of the provider's reply", nil
	}
	return h, "", nil
}

// held puts together the policies of an identity. why says that they may not be
// all.
func (r *reader) held(n estate.Node, a *estate.Asset, h *holding, list string, inline []inlinePolicy) (out []*iam.Policy, why string) {
	whole := readOf(a, details) == estate.ReadOK
	var missing []string
	lacks := func(member, what string) {
		switch {
		case !h.has[member] && !whole:
			missing = append(missing, what+" were not read")
		case later(a, "config."+member):
			if !slices.ContainsFunc(a.Unknown, func(u string) bool { return strings.HasPrefix(u, "/"+member+"/") }) {
				missing = append(missing, what+" are known after apply")
			}
		}
	}
	lacks("AttachedManagedPolicies", "the policies attached to it")
	lacks(list, "its inline policies")
	for i, p := range h.AttachedManagedPolicies {
		at := fmt.Sprintf("config.AttachedManagedPolicies[%d]", i)
		switch {
		case p.PolicyArn == "" || later(a, at+".PolicyArn"):
			missing = append(missing, "which policy is attached to it is known after apply")
		default:
			out = append(out, r.attachedPolicy(p.PolicyArn))
		}
	}
	for i, p := range inline {
		at := fmt.Sprintf("config.%s[%d].PolicyDocument", list, i)
		id := a.ID + "#policy/" + p.PolicyName
		switch {
		case later(a, at):
			out = append(out, iam.Unread(id, "its document is known after apply"))
		case len(p.PolicyDocument) == 0:
			out = append(out, iam.Unread(id, "its document was not read"))
		default:
			out = append(out, r.compile(id, p.PolicyDocument, source{n, at}))
		}
	}
	return out, strings.Join(slices.Compact(missing), "; ")
}

// group reads a group's policies, which its members have.
func (r *reader) group(n estate.Node) error {
	a := r.snap.Asset(n)
	h, why, err := r.holdingOf(n, a)
	if err != nil {
		return err
	}
	policies, missing := r.held(n, a, h, "GroupPolicyList", h.GroupPolicyList)
	if why = join2(why, missing); why != "" {
		policies = append(policies, iam.Unread(a.ID, why))
	}
	r.groups[accountOf(a)+"/"+nameOf(a)] = policies
	r.joinable(a, h, policies)
	return nil
}

func join2(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

// nameOf is an identity's name without its path.
func nameOf(a *estate.Asset) string {
	if arn, ok := aws.ParseARN(a.ID); ok {
		return arn.Name()
	}
	return a.Name
}

// identity adds a user or role, and a role also as what may be assumed.
func (r *reader) identity(n estate.Node, a *estate.Asset) error {
	h, why, err := r.holdingOf(n, a)
	if err != nil {
		return err
	}
	p := &iam.Principal{ARN: a.ID, Account: accountOf(a), Name: nameOf(a), Tags: a.Tags, TagsUnread: a.Tags == nil || later(a, "config.Tags")}
	r.account(p.Account)
	list, inline := "UserPolicyList", h.UserPolicyList
	if a.Type == "AWS::IAM::Role" {
		p.Kind, p.ID = iam.Role, h.RoleId
		p.ServiceLinked = strings.Contains(a.ID, ":role/aws-service-role/")
		list, inline = "RolePolicyList", h.RolePolicyList
	} else {
		p.Kind, p.ID = iam.User, h.UserId
	}
	var missing string
	p.Policies, missing = r.held(n, a, h, list, inline)
	why = join2(why, missing)
	if p.Kind == iam.User {
		why = join2(why, r.groupsOf(a, h, p))
	}
	p.Unread = why
	r.bound(a, h, p)
	if err := r.ladderOf(n, a, h, p); err != nil {
		return err
	}
	r.principal(p)
	if p.Kind == iam.Role {
		r.trust(n, a, h, p)
	}
	return nil
}

// groupsOf adds the policies of a user's groups. The result says what is not
// known of them.
func (r *reader) groupsOf(a *estate.Asset, h *holding, p *iam.Principal) string {
	switch {
	case !h.has["GroupList"] && readOf(a, details) != estate.ReadOK:
		return "its groups were not read"
	case later(a, "config.GroupList"):
		return "which groups it is in is known after apply"
	}
	for _, g := range h.GroupList {
		name := g
		if arn, ok := aws.ParseARN(g); ok {
			name = arn.Name()
		}
		policies, ok := r.groups[p.Account+"/"+name]
		if !ok {
			policies = []*iam.Policy{iam.Unread("group "+name, "the group was not read")}
		}
		p.Policies = append(p.Policies, policies...)
	}
	return ""
}

// bound sets the permissions boundary.
func (r *reader) bound(a *estate.Asset, h *holding, p *iam.Principal) {
	for _, b := range []boundary{h.PermissionsBoundary, h.GetRole.PermissionsBoundary, h.GetRole.Role.PermissionsBoundary, h.GetUser.PermissionsBoundary, h.GetUser.User.PermissionsBoundary} {
		if b.PermissionsBoundaryArn != "" {
			p.Boundary = r.attachedPolicy(b.PermissionsBoundaryArn)
			return
		}
	}
	switch {
	case later(a, "config.PermissionsBoundary"):
		p.Boundary = iam.Unread(a.ID+" permissions boundary", "which it is, if any, is known after apply")
	case readOf(a, details) == estate.ReadOK, readOf(a, "iam:GetRole") == estate.ReadOK, readOf(a, "iam:GetUser") == estate.ReadOK:
	default: // lists of users and roles do not tell
		p.Boundary = iam.Unread(a.ID+" permissions boundary", "whether it has one was not read")
	}
}

// trust adds a role as a resource, whose policy is its trust policy.
func (r *reader) trust(n estate.Node, a *estate.Asset, h *holding, p *iam.Principal) {
	t := &iam.Resource{ARN: a.ID, Account: p.Account, Tags: a.Tags, TagsUnread: p.TagsUnread}
	r.world.AddResource(t)
	r.resources = append(r.resources, t)
	for _, d := range []struct {
		document json.RawMessage
		path     string
	}{
		{h.AssumeRolePolicyDocument, "config.AssumeRolePolicyDocument"},
		{h.GetRole.AssumeRolePolicyDocument, "config.GetRole.AssumeRolePolicyDocument"},
		{h.GetRole.Role.AssumeRolePolicyDocument, "config.GetRole.Role.AssumeRolePolicyDocument"},
	} {
		switch {
		case len(d.document) == 0 || string(d.document) == "null":
			if !later(a, d.path) {
				continue
			}
			fallthrough
		case later(a, d.path):
			t.Policy = iam.Unread(a.ID, "its trust policy is known after apply")
		default:
			t.Policy = r.compile(a.ID, d.document, source{n, d.path})
		}
		return
	}
	t.Unread = "its trust policy was not read"
}
