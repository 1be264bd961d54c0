package audit

import (
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/audit/events"
)

var eleven = time.Date(2026, 11, 20, 11, 0, 0, 0, time.UTC)

// What one act left behind, and which of several events is named for it.
func TestWho(t *testing.T) {
	bucket := Record{Asset: "arn:aws:s3:::lake", Account: "1", What: WhatChanged, Changes: []Change{{Attribute: "config.GetBucketPolicy.Policy"}}}
	role := Record{Asset: "arn:aws:iam::1:role/work", Account: "1", What: WhatChanged, Changes: []Change{{Attribute: "config.RolePolicyList[p]"}}}
	gone := Record{Asset: "arn:aws:s3:::lake", Account: "1", What: WhatRemoved}
	llm := Record{Asset: "k8s://c/ml/Deployment/llm", What: WhatChanged, Changes: []Change{{Attribute: "config.spec"}}}
	policy := Record{Asset: "k8s://c/ml/NetworkPolicy.networking.k8s.io/deny", What: WhatRemoved}
	trail := func(id, service, action, name string) events.Event {
		return events.Event{ID: id, Time: eleven, Service: service, Action: action, Account: "1", Principal: "jo", Names: []string{name}}
	}
	audit := func(id, verb, group, resource, name string) events.Event {
		return events.Event{ID: id, Time: eleven, Action: verb, Principal: "jo", Object: &events.Object{Group: group, Resource: resource, Namespace: "ml", Name: name}}
	}
	late := trail("late", "s3", "PutBucketPolicy", "lake")
	late.Time = eleven.Add(3 * time.Hour)
	foreign := trail("foreign", "s3", "PutBucketPolicy", "lake")
	foreign.Account = "2"
	for name, tt := range map[string]struct {
		r    Record
		log  []events.Event
		want string
	}{
		"the act that makes such a change":      {bucket, []events.Event{trail("tag", "s3", "PutBucketVersioning", "lake"), trail("yes", "s3", "PutBucketPolicy", "lake"), trail("other", "s3", "PutBucketAcl", "lake")}, "yes"},
		"an act by a name of its own":           {role, []events.Event{trail("yes", "iam", "PutRolePolicy", "work"), trail("no", "iam", "TagRole", "work")}, "yes"},
		"of another service":                    {role, []events.Event{trail("no", "lambda", "UpdateFunction", "work")}, ""},
		"another thing":                         {bucket, []events.Event{trail("no", "s3", "PutBucketPolicy", "lake-two")}, ""},
		"another account":                       {bucket, []events.Event{foreign}, ""},
		"after it was seen":                     {bucket, []events.Event{late}, ""},
		"what ended it":                         {gone, []events.Event{trail("no", "s3", "PutBucketPolicy", "lake"), trail("yes", "s3", "DeleteBucket", "lake")}, "yes"},
		"a patch in a cluster":                  {llm, []events.Event{audit("yes", "patch", "apps", "deployments", "llm"), audit("no", "patch", "apps", "deployments", "llm-2"), audit("no", "patch", "apps", "statefulsets", "llm")}, "yes"},
		"another group":                         {policy, []events.Event{audit("no", "delete", "crd.example", "networkpolicies", "deny"), audit("yes", "delete", "networking.k8s.io", "networkpolicies", "deny")}, "yes"},
		"all of a kind":                         {policy, []events.Event{audit("yes", "deletecollection", "networking.k8s.io", "networkpolicies", "")}, "yes"},
		"nothing":                               {bucket, nil, ""},
		"what could not be compared has no one": {Record{Asset: "arn:aws:s3:::lake", What: WhatUnseen, Status: StatusUnknown}, []events.Event{trail("no", "s3", "PutBucketPolicy", "lake")}, ""},
	} {
		tt.r.LastSame, tt.r.FirstSeen = eleven.Add(-time.Hour), eleven.Add(time.Hour)
		d := &Drift{Records: []Record{tt.r}}
		d.Who(tt.log, "nobody knows")
		got := ""
		if by := d.Records[0].By; by != nil {
			got = by.Event
		}
		if got != tt.want || (got == "") == (d.Records[0].ByWhy == "") {
			t.Errorf("%s: event %q, want %q; %q", name, got, tt.want, d.Records[0].ByWhy)
		}
	}
}
