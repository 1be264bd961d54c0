package audit

import (
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/audit/events"
)

// Actor is who made a difference, by the event that shows it.
type Actor struct {
	Principal string    `json:"principal"`
	Event     string    `json:"event"`  // the log's own id
	Action    string    `json:"action"` // "s3:PutBucketPolicy", "patch deployments"
	Time      time.Time `json:"time"`
	// Others counts further events in the window that fit the asset.
	Others int `json:"others,omitempty"`
}

// Actors are those who made the changes, by the names that Keys gives them.
func (d *Drift) Actors() map[string]Actor {
	out := map[string]Actor{}
	for i := range d.Records {
		if r := &d.Records[i]; r.By != nil {
			for _, key := range r.keys() {
				out[key] = *r.By
			}
		}
	}
	return out
}

// Credit names for each record who is remembered to have made it: a log is read
// once, the difference stays.
func (d *Drift) Credit(by map[string]Actor) {
	for i := range d.Records {
		r := &d.Records[i]
		for _, key := range r.keys() {
			if actor, known := by[key]; known && r.Status != StatusUnknown {
				r.By, r.ByWhy = &actor, ""
				break
			}
		}
	}
}

// clockSkew is how far the clocks of who logs and who reads may differ.
const clockSkew = 5 * time.Minute

// Who finds for each record the event that made it: an act on its asset, of the
// kind that makes such a change, between the last snapshot without it and the
// first with it. Who is remembered stays where none is found. why says, of records
// for which none is known, why not.
func (d *Drift) Who(list []events.Event, why string) {
	byTime := slices.SortedFunc(slices.Values(list), func(a, b events.Event) int { return a.Time.Compare(b.Time) })
	for i := range d.Records {
		r := &d.Records[i]
		r.ByWhy = why
		if r.Status == StatusUnknown {
			r.By, r.ByWhy = nil, "what could not be compared was done by nobody"
			continue
		}
		best, fits, unplaced := 0, 0, false
		remembered := r.By
		r.By = nil
		for j := range byTime {
			e := &byTime[j]
			if e.Time.Before(r.LastSame.Add(-clockSkew)) || e.Time.After(r.FirstSeen.Add(clockSkew)) {
				continue
			}
			score := fit(r, e)
			unplaced = unplaced || e.Object != nil && e.Cluster == "" && fitSomewhere(r, e)
			if score > 0 {
				fits++
			}
			if score > 0 && score >= best { // the latest of the best
				best = score
				action := e.Service + ":" + e.Action
				if e.Object != nil {
					action = strings.TrimSpace(e.Action + " " + e.Object.Resource)
				}
				r.By = &Actor{Principal: e.Principal, Event: e.ID, Action: action, Time: e.Time}
			}
		}
		switch {
		case r.By != nil:
			r.By.Others, r.ByWhy = fits-1, ""
		case remembered != nil:
			r.By, r.ByWhy = remembered, ""
		case unplaced:
			r.ByWhy = "an audit log tells of such an act and does not name its cluster, and there are several: --source events:PATH,cluster=NAME says whose it is"
		}
	}
}

// fit says how well an event fits a record; 0: not at all.
func fit(r *Record, e *events.Event) int {
	if e.Object != nil {
		return fitObject(r, e)
	}
	if strings.HasPrefix(r.Asset, "k8s://") || e.Account != "" && r.Account != "" && e.Account != r.Account {
		return 0
	}
	verb := fitVerb(r, e.Action)
	if verb == 0 {
		return 0
	}
	service, name := serviceOf(r.Asset), nameOf(r.Asset)
	same := service == e.Service || alias[e.Service] == service || service == ""
	switch {
	case named(e, r.Asset):
		return verb + 3
	case same && (named(e, name) || named(e, r.Asset[strings.LastIndexByte(r.Asset, ':')+1:])):
		return verb + 2
	}
	return 0
}

// alias are services whose events bear another name than their ARNs.
var alias = map[string]string{"monitoring": "cloudwatch", "bedrock": "bedrock-agent", "application-autoscaling": "autoscaling", "es": "opensearch", "elasticmapreduce": "emr"}

func serviceOf(id string) string {
	parts := strings.SplitN(id, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" {
		return ""
	}
	return parts[2]
}

func nameOf(id string) string { return id[strings.LastIndexAny(id, "/:")+1:] }

func named(e *events.Event, name string) bool {
	_, ok := slices.BinarySearch(e.Names, name)
	return ok && name != ""
}

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

// fitVerb says how well an act's name fits what became of an asset.
func fitVerb(r *Record, action string) int {
	starts := func(list []string) bool {
		return slices.ContainsFunc(list, func(v string) bool { return strings.HasPrefix(action, v) })
	}
	switch r.What {
	case WhatAdded, WhatRecreated, WhatRenamed:
		if starts(makers) {
			return 2
		}
		return 0
	case WhatRemoved:
		if starts(enders) {
			return 2
		}
		return 0
	}
	for _, c := range r.Changes {
		if strings.HasPrefix(c.Attribute, "tags.") && strings.Contains(action, "Tag") {
			return 6
		}
		member, _, _ := strings.Cut(strings.TrimPrefix(c.Attribute, "config."), ".")
		member, _, _ = strings.Cut(member, "[")
		if slices.Contains(acts[member], action) {
			return 6
		}
		// What GetBucketPolicy prints, PutBucketPolicy and DeleteBucketPolicy change.
		noun := member
		for _, read := range []string{"Get", "List", "Describe"} {
			noun = strings.TrimPrefix(noun, read)
		}
		if noun != member && strings.HasSuffix(action, noun) {
			return 6
		}
	}
	if starts(changers) {
		return 1
	}
	return 0
}

// fitObject fits an event of a cluster.
func fitObject(r *Record, e *events.Event) int {
	rest, ok := strings.CutPrefix(r.Asset, "k8s://")
	parts := strings.Split(rest, "/")
	if !ok || len(parts) != 4 || e.Cluster != parts[0] {
		return 0
	}
	kind, group, _ := strings.Cut(parts[2], ".")
	o := e.Object
	if o.Namespace != parts[1] && !(kind == "Namespace" && o.Namespace == parts[3]) || group != "" && o.Group != group || !plural(kind, o.Resource) {
		return 0
	}
	switch {
	case r.What == WhatRemoved && e.Action == "deletecollection" && o.Name == "":
		return 1
	case o.Name != parts[3]:
		return 0
	}
	switch r.What {
	case WhatAdded, WhatRecreated, WhatRenamed:
		if e.Action == "create" || e.Action == "apply" || e.Action == "patch" { // server-side apply is a patch
			return 2
		}
	case WhatRemoved:
		if e.Action == "delete" {
			return 2
		}
	default:
		if e.Action == "update" || e.Action == "patch" || e.Action == "apply" {
			return 2
		}
	}
	return 0
}

// fitSomewhere reports whether an event would fit a record if it were of its
// cluster.
func fitSomewhere(r *Record, e *events.Event) bool {
	here := *e
	rest, _ := strings.CutPrefix(r.Asset, "k8s://")
	here.Cluster, _, _ = strings.Cut(rest, "/")
	return fitObject(r, &here) > 0
}

// plural reports whether a resource's name is the plural of a kind.
func plural(kind, resource string) bool {
	k := strings.ToLower(kind)
	return slices.Contains([]string{k, k + "s", k + "es", strings.TrimSuffix(k, "y") + "ies"}, resource)
}
