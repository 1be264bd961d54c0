package audit

import (
	"strings"
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
		return events.Event{ID: id, Time: eleven, Action: verb, Principal: "jo", Cluster: "c", Object: &events.Object{Group: group, Resource: resource, Namespace: "ml", Name: name}}
	}
	late := trail("late", "s3", "PutBucketPolicy", "lake")
	late.Time = eleven.Add(3 * time.Hour)
	foreign := trail("foreign", "s3", "PutBucketPolicy", "lake")
	foreign.Account = "2"
	elsewhere, anywhere := audit("elsewhere", "patch", "apps", "deployments", "llm"), audit("anywhere", "patch", "apps", "deployments", "llm")
	elsewhere.Cluster, anywhere.Cluster = "d", ""
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
		"in another cluster":                    {llm, []events.Event{elsewhere}, ""},
		"in a cluster nobody names":             {llm, []events.Event{anywhere}, ""},
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

// Who is remembered stays until a log tells better, and is nobody of what could
// not be compared.
func TestWhoIsRemembered(t *testing.T) {
	bucket := Record{ID: "D-1", Asset: "arn:aws:s3:::lake", Account: "1", What: WhatChanged, Status: StatusOpen,
		Changes: []Change{{Attribute: "config.GetBucketPolicy.Policy"}}, LastSame: eleven.Add(-time.Hour), FirstSeen: eleven.Add(time.Hour)}
	hidden := Record{Asset: "arn:aws:s3:::lost", What: WhatUnseen, Status: StatusUnknown}
	act := events.Event{ID: "e1", Time: eleven, Service: "s3", Action: "PutBucketPolicy", Account: "1", Principal: "jo", Names: []string{"lake"}}
	first := &Drift{Records: []Record{bucket, hidden}}
	first.Who([]events.Event{act}, "")
	kept := first.Actors()
	if len(kept) != 1 {
		t.Fatalf("%d differences have somebody, want 1: %v", len(kept), kept)
	}
	for key, actor := range kept {
		kept[hidden.keys()[0]] = actor
		_ = key
	}
	for name, log := range map[string][]events.Event{
		"no log":                  nil,
		"a log that says nothing": {{ID: "e2", Time: eleven, Service: "s3", Action: "PutBucketPolicy", Account: "1", Principal: "mo", Names: []string{"other"}}},
	} {
		again := &Drift{Records: []Record{bucket, hidden}}
		again.Credit(kept)
		again.Who(log, "nobody knows")
		if by := again.Records[0].By; by == nil || by.Event != "e1" || again.Records[0].ByWhy != "" {
			t.Errorf("%s: by %+v, %q", name, by, again.Records[0].ByWhy)
		}
		if r := again.Records[1]; r.By != nil || r.ByWhy == "" {
			t.Errorf("%s: what could not be compared has somebody: %+v", name, r.By)
		}
	}
	act.ID, act.Principal, act.Time = "e3", "mo", eleven.Add(time.Minute)
	again := &Drift{Records: []Record{bucket}}
	again.Credit(kept)
	again.Who([]events.Event{act}, "nobody knows")
	if by := again.Records[0].By; by == nil || by.Principal != "mo" {
		t.Errorf("a log that tells does not count: %+v", by)
	}
}

// A log without a cluster names nobody, and says what would mend that.
func TestWhoNeedsTheCluster(t *testing.T) {
	llm := Record{Asset: "k8s://c/ml/Deployment/llm", What: WhatChanged, Changes: []Change{{Attribute: "config.spec"}}, LastSame: eleven.Add(-time.Hour), FirstSeen: eleven.Add(time.Hour)}
	d := &Drift{Records: []Record{llm}}
	d.Who([]events.Event{{ID: "e", Time: eleven, Action: "patch", Principal: "jo", Object: &events.Object{Group: "apps", Resource: "deployments", Namespace: "ml", Name: "llm"}}}, "nobody knows")
	if r := d.Records[0]; r.By != nil || !strings.Contains(r.ByWhy, "cluster=NAME") {
		t.Errorf("by %+v, %q", r.By, r.ByWhy)
	}
}
