package audit

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/audit/events"
)

// verbs are how the names of acts begin that make, end or change a thing.
var (
	makers   = []string{"Create", "Run", "Put", "Register", "Import", "Copy", "Allocate", "Start", "Request", "Restore"}
	enders   = []string{"Delete", "Terminate", "Deregister", "Remove", "Release", "Stop", "Schedule"}
	changers = []string{"Update", "Modify", "Put", "Set", "Change", "Attach", "Detach", "Add", "Remove", "Associate", "Disassociate", "Authorize", "Revoke",
		"Enable", "Disable", "Tag", "Untag", "Create", "Delete", "Replace", "Reset", "Grant", "Retire", "Register", "Deregister", "Start", "Stop"}
)

// acts say which act makes a change, where its name does not follow from the
// attribute's.
var acts = map[string][]string{
	"AssumeRolePolicyDocument": {"UpdateAssumeRolePolicy"},
	"RolePolicyList":           {"PutRolePolicy", "DeleteRolePolicy"},
	"UserPolicyList":           {"PutUserPolicy", "DeleteUserPolicy"},
	"GroupPolicyList":          {"PutGroupPolicy", "DeleteGroupPolicy"},
	"AttachedManagedPolicies":  {"AttachRolePolicy", "DetachRolePolicy", "AttachUserPolicy", "DetachUserPolicy", "AttachGroupPolicy", "DetachGroupPolicy"},
	"PermissionsBoundary":      {"PutRolePermissionsBoundary", "DeleteRolePermissionsBoundary", "PutUserPermissionsBoundary", "DeleteUserPermissionsBoundary"},
	"GroupList":                {"AddUserToGroup", "RemoveUserFromGroup"},
	"ListAccessKeys":           {"CreateAccessKey", "DeleteAccessKey", "UpdateAccessKey"},
	"GetLoginProfile":          {"CreateLoginProfile", "UpdateLoginProfile", "DeleteLoginProfile"},
	"PolicyVersionList":        {"CreatePolicyVersion", "SetDefaultPolicyVersion", "DeletePolicyVersion"},
	"DefaultVersionId":         {"CreatePolicyVersion", "SetDefaultPolicyVersion"},
	"IpPermissions":            {"AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress", "ModifySecurityGroupRules"},
	"IpPermissionsEgress":      {"AuthorizeSecurityGroupEgress", "RevokeSecurityGroupEgress", "ModifySecurityGroupRules"},
	"Routes":                   {"CreateRoute", "ReplaceRoute", "DeleteRoute"},
	"GetTrailStatus":           {"StopLogging", "StartLogging"},
	"GetKeyRotationStatus":     {"DisableKeyRotation", "EnableKeyRotation"},
	"KeyState":                 {"ScheduleKeyDeletion", "DisableKey", "EnableKey", "CancelKeyDeletion"},
	"EndpointConfigName":       {"UpdateEndpoint"},
	"GetPublicAccessBlock":     {"PutBucketPublicAccessBlock", "DeleteBucketPublicAccessBlock", "PutPublicAccessBlock", "DeletePublicAccessBlock", "DeleteAccountPublicAccessBlock", "PutAccountPublicAccessBlock"},
}

// fit says how well an event that is about a record's asset fits a change, c being
// nil for the record as a whole; 0: not at all. The kind of the act tells most,
// then whether the request names the very place and value, then how surely it is
// about this asset.
func fit(r *Record, c *Change, e *events.Event) int {
	sure := about(r, e)
	if sure == 0 {
		return 0
	}
	verb, said := sure, 0
	if e.Object == nil {
		verb = fitVerb(r, c, e.Action)
	} else if e.Object.Subresource == "scale" && c != nil && !strings.HasSuffix(c.Attribute, "eplicas") {
		verb = 0
	}
	if verb == 0 {
		return 0
	}
	if c != nil {
		if contradicts(c, e) {
			return 0
		}
		said = spelling(c, e)
	}
	return 100*verb + 10*said + sure
}

// placeOf takes the place of a change apart: the name of its last member, and the
// keys of the items of lists on the way, or the tag.
func placeOf(attribute string) (leaf string, keys []string) {
	if tag, ok := strings.CutPrefix(attribute, "tags."); ok {
		return "", []string{tag}
	}
	var b strings.Builder
	for rest := attribute; rest != ""; {
		i := strings.IndexByte(rest, '[')
		if i < 0 {
			b.WriteString(rest)
			break
		}
		b.WriteString(rest[:i])
		j := strings.IndexByte(rest[i:], ']')
		if j < 0 {
			break
		}
		if key := rest[i+1 : i+j]; key != "" {
			keys = append(keys, key)
		}
		rest = rest[i+j+1:]
	}
	bare := b.String()
	return bare[strings.LastIndexByte(bare, '.')+1:], keys
}

// plain is a value that a request spells like a configuration does: a word, a
// number, true or false. Names and ids may be spelt in several ways.
func plain(v json.RawMessage) (string, bool) {
	var x any
	if len(v) == 0 || json.Unmarshal(v, &x) != nil {
		return "", false
	}
	switch x := x.(type) {
	case bool, float64:
		return fmt.Sprint(x), true
	case string:
		return x, x != "" && !strings.ContainsAny(x, ":/ {")
	}
	return "", false
}

// contradicts reports whether a request sets the very member that changed, and to
// something else than it is now: who set versioning to Enabled did not suspend it.
func contradicts(c *Change, e *events.Event) bool {
	leaf, _ := placeOf(c.Attribute)
	is, ok := plain(c.After)
	if !ok || leaf == "" {
		return false
	}
	set := e.Set(leaf)
	return len(set) > 0 && !slices.ContainsFunc(set, func(v string) bool {
		return strings.EqualFold(v, is) || strings.ContainsAny(v, ":/ {")
	})
}

// spelling counts in what a request names a change: the member with its value, or the
// item or tag, or a text of the value.
func spelling(c *Change, e *events.Event) int {
	n := 0
	leaf, keys := placeOf(c.Attribute)
	if leaf != "" && len(e.Set(leaf)) > 0 {
		n += 2 // to another value it would contradict
	}
	if slices.ContainsFunc(keys, func(k string) bool { return named(e, k) }) {
		n += 2
	}
	var v any
	if json.Unmarshal(c.After, &v) == nil && sayText(v, e) {
		n++
	}
	return n
}

// sayText reports whether a request holds a text of a value.
func sayText(v any, e *events.Event) bool {
	switch v := v.(type) {
	case string:
		return named(e, v)
	case []any:
		return slices.ContainsFunc(v, func(x any) bool { return sayText(x, e) })
	case map[string]any:
		for _, x := range v {
			if sayText(x, e) {
				return true
			}
		}
	}
	return false
}

// narrowed are the members that their own acts change and nothing else.
var narrowed = []string{"AssumeRolePolicyDocument", "RolePolicyList", "UserPolicyList", "GroupPolicyList", "AttachedManagedPolicies", "PermissionsBoundary",
	"GroupList", "PolicyVersionList", "IpPermissions", "IpPermissionsEgress", "Routes", "GetKeyRotationStatus"}

// narrow reports whether an act changes one aspect of an asset and no other.
func narrow(action string) bool {
	return strings.Contains(action, "Tag") || strings.HasPrefix(action, "PutBucket") || strings.HasPrefix(action, "DeleteBucket") && action != "DeleteBucket" ||
		slices.ContainsFunc(narrowed, func(m string) bool { return slices.Contains(acts[m], action) })
}

// fitVerb says how well an act's name fits what became of an asset, or one change
// of it.
func fitVerb(r *Record, c *Change, action string) int {
	starts := func(list []string) bool {
		return slices.ContainsFunc(list, func(v string) bool { return strings.HasPrefix(action, v) })
	}
	switch {
	case r.What == WhatAdded, r.What == WhatRecreated, r.What == WhatRenamed:
		if starts(makers) {
			return 2
		}
		return 0
	case r.What == WhatRemoved:
		if starts(enders) {
			return 2
		}
		return 0
	case c == nil:
		return 0
	case strings.HasPrefix(c.Attribute, "tags."):
		if strings.Contains(action, "Tag") {
			return 6
		}
	default:
		member, _, _ := strings.Cut(strings.TrimPrefix(c.Attribute, "config."), ".")
		member, _, _ = strings.Cut(member, "[")
		if slices.Contains(acts[member], action) {
			return 6
		}
		// What GetBucketPolicy prints, PutBucketPolicy and DeleteBucketPolicy change,
		// and what GetBucketPolicyStatus does with it.
		noun := member
		for _, read := range []string{"Get", "List", "Describe"} {
			noun = strings.TrimPrefix(noun, read)
		}
		if noun != member && strings.HasSuffix(action, noun) {
			return 6
		}
		for _, write := range []string{"Put", "Delete", "Update", "Set"} {
			if did, ok := strings.CutPrefix(action, write); ok && noun != member && did != "" && did != "Bucket" && strings.HasPrefix(noun, did) {
				return 5
			}
		}
	}
	if starts(changers) && !narrow(action) {
		return 1
	}
	return 0
}
