package access

import (
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// Where a grant stands hangs on what was said of it, of what it says now, and on the
// day.
func TestReviewed(t *testing.T) {
	began := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	start := ReviewEntry{Kind: "start", At: began, Due: began.AddDate(0, 0, 30), Every: 90, Grants: map[string]string{"G-1": "a"}}
	said := func(kind, digest string, day int) ReviewEntry {
		return ReviewEntry{Kind: kind, At: began.AddDate(0, 0, day), By: "ann", Grant: "G-1", Digest: digest}
	}
	tests := map[string]struct {
		grant   ReviewGrant
		records []ReviewEntry
		day     int
		want    ReviewState
		why     string
	}{
		"never begun":                   {ReviewGrant{ID: "G-1", Digest: "a"}, nil, 5, ReviewOpen, "no review was ever begun"},
		"no answer yet":                 {ReviewGrant{ID: "G-1", Digest: "a"}, []ReviewEntry{start}, 5, ReviewOpen, "nobody has said"},
		"no answer by the day":          {ReviewGrant{ID: "G-1", Digest: "a"}, []ReviewEntry{start}, 31, ReviewOverdue, "nobody has said"},
		"kept":                          {ReviewGrant{ID: "G-1", Digest: "a"}, []ReviewEntry{start, said("keep", "a", 2)}, 40, ReviewKept, "kept by ann"},
		"kept, and the next is due":     {ReviewGrant{ID: "G-1", Digest: "a"}, []ReviewEntry{start, said("keep", "a", 2)}, 91, ReviewOverdue, "the next one is due"},
		"kept, then changed":            {ReviewGrant{ID: "G-1", Digest: "b"}, []ReviewEntry{start, said("keep", "a", 2)}, 5, ReviewOpen, "it changed since ann looked at it"},
		"kept, then changed, late":      {ReviewGrant{ID: "G-1", Digest: "b"}, []ReviewEntry{start, said("keep", "a", 2)}, 40, ReviewOverdue, "it changed since ann"},
		"kept after the change":         {ReviewGrant{ID: "G-1", Digest: "b"}, []ReviewEntry{start, said("keep", "a", 2), said("keep", "b", 39)}, 40, ReviewKept, "kept by ann"},
		"changed before an answer":      {ReviewGrant{ID: "G-1", Digest: "b"}, []ReviewEntry{start}, 5, ReviewOpen, "it changed since the review"},
		"made since":                    {ReviewGrant{ID: "G-2", Digest: "b"}, []ReviewEntry{start}, 5, ReviewOpen, "it was made since"},
		"revoked, and there":            {ReviewGrant{ID: "G-1", Digest: "a"}, []ReviewEntry{start, said("revoke", "a", 2)}, 5, ReviewRevoked, "there still"},
		"kept in a review before":       {ReviewGrant{ID: "G-1", Digest: "a"}, []ReviewEntry{said("keep", "a", -5), start}, 5, ReviewOpen, "nobody has said"},
		"not read, though kept":         {ReviewGrant{ID: "G-1", Unread: "its document was not read"}, []ReviewEntry{start, said("keep", "a", 2)}, 5, ReviewOpen, "was not read"},
		"not read, and nobody answered": {ReviewGrant{ID: "G-1", Unread: "its document was not read"}, []ReviewEntry{start}, 31, ReviewOverdue, "was not read"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.grant.workloads = []string{"w"}
			now := began.AddDate(0, 0, tt.day)
			items, started := Reviewed([]ReviewGrant{tt.grant}, tt.records, now)
			if len(items) != 1 || items[0].State != tt.want || !strings.Contains(items[0].Why, tt.why) || started != (tt.records != nil) {
				t.Errorf("%+v, %v", items, started)
			}
			fault, examined := ReviewFault("w", items, now)
			if late := tt.want == ReviewOverdue; (fault != "") != late || examined != 1 {
				t.Errorf("%q, %d examined", fault, examined)
			}
			if other, n := ReviewFault("another", items, now); other != "" || n != 0 {
				t.Errorf("of another workload: %q, %d", other, n)
			}
		})
	}
	revoked, _ := Reviewed([]ReviewGrant{{ID: "G-1", Digest: "a", workloads: []string{"w"}}}, []ReviewEntry{start, said("revoke", "a", 2)}, began.AddDate(0, 0, 31))
	if fault, _ := ReviewFault("w", revoked, began.AddDate(0, 0, 31)); !strings.Contains(fault, "there still") {
		t.Errorf("revoked and there after the day: %q", fault)
	}
}

// A grant's id stays when what it says changes, and its digest does not; spacing is
// no change.
func TestReviewGrantsDigest(t *testing.T) {
	list := func(statement string) []ReviewGrant {
		m := worldOf(t, nil, holder(statement))
		return grantsOf(m, nil, worldRole)
	}
	a, b, c := list(`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`), list(`{"Resource":"*",  "Action":"s3:GetObject","Effect":"Allow"}`), list(`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`)
	if len(a) != 2 || a[0].Grant != c[0].Grant || a[0].Digest != b[0].Digest || a[0].Digest == c[0].Digest {
		t.Errorf("%+v\n%+v\n%+v", a, b, c)
	}
	if a[1].Kind != "trust" || a[1].Unread == "" {
		t.Errorf("a trust policy that was not read: %+v", a[1])
	}
}

// Each kind of credential has its faults, and what was not read is unknown.
func TestKeys(t *testing.T) {
	const user = "arn:aws:iam::" + worldAccount + ":user/bot"
	day := func(n int) string { return usageNow.AddDate(0, 0, -n).Format(time.RFC3339) }
	key := func(config string, reads ...string) Key {
		a := told(user+"#access-key/AKIA1", "AWS::IAM::AccessKey", config, reads...)
		k := readKey(user, &a, a.Config)
		return k
	}
	api := func(config string) Key {
		a := told(user+"#service-credential/ACCA1", "AWS::IAM::ServiceSpecificCredential", config)
		return readKey(user, &a, a.Config)
	}
	used := func(n int) string {
		return `,"GetAccessKeyLastUsed":{"AccessKeyLastUsed":{"LastUsedDate":"` + day(n) + `"}}`
	}
	tests := map[string]struct {
		key           Key
		fault, unkown string
	}{
		"young and used":      {key(`{"AccessKeyId":"AKIA1","Status":"Active","CreateDate":"` + day(10) + `"` + used(1) + `}`), "", ""},
		"old":                 {key(`{"AccessKeyId":"AKIA1","Status":"Active","CreateDate":"` + day(100) + `"` + used(1) + `}`), "it is 100 days old, 90 are allowed", ""},
		"old, but inactive":   {key(`{"AccessKeyId":"AKIA1","Status":"Inactive","CreateDate":"` + day(100) + `"` + used(1) + `}`), "", ""},
		"stale":               {key(`{"AccessKeyId":"AKIA1","Status":"Active","CreateDate":"` + day(120) + `"` + used(100) + `}`), "it was last used on", ""},
		"never used":          {key(`{"AccessKeyId":"AKIA1","Status":"Active","CreateDate":"` + day(120) + `","GetAccessKeyLastUsed":{"AccessKeyLastUsed":{}}}`), "it was never used", ""},
		"use not read":        {key(`{"AccessKeyId":"AKIA1","Status":"Active","CreateDate":"` + day(10) + `"}`), "", "when it was last used was not read"},
		"age not read":        {key(`{"AccessKeyId":"AKIA1","Status":"Active"` + used(1) + `}`), "", "how old it is was not read"},
		"broken":              {key(`[1]`), "", "shape of the provider's reply"},
		"API key for ever":    {api(`{"ServiceName":"bedrock.amazonaws.com","Status":"Active","CreateDate":"` + day(5) + `"}`), "it never ends", ""},
		"API key that ends":   {api(`{"ServiceName":"bedrock.amazonaws.com","Status":"Active","CreateDate":"` + day(5) + `","ExpirationDate":"2027-01-01T00:00:00Z"}`), "", "when it was last used"},
		"API key that ended":  {api(`{"ServiceName":"bedrock.amazonaws.com","Status":"Active","CreateDate":"` + day(500) + `","ExpirationDate":"2026-01-01T00:00:00Z"}`), "", ""},
		"password, no MFA":    {fromCredential(&Identity{ID: user, MFA: "no"}, Credential{Type: "password", Active: true}), "no second factor", ""},
		"password, MFA":       {fromCredential(&Identity{ID: user, MFA: "yes"}, Credential{Type: "password", Active: true, MFA: true}), "", ""},
		"password, not known": {fromCredential(&Identity{ID: user}, Credential{Type: "password", Active: true}), "", "whether a second factor"},
		"token":               {fromCredential(&Identity{ID: "k8s://c/ml/ServiceAccount/t"}, Credential{Type: "token", ID: "k8s://c/ml/Secret/t", Active: true, Created: usageNow}), "it never ends", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			k := tt.key
			m := worldOf(t, nil)
			k.lastIn(nil, k.Identity, m.snap, usageNow)
			k.judge(usageNow, KeyLimitsOf(scope.Keys{}))
			if f := strings.Join(k.Faults, "; "); !strings.Contains(f, tt.fault) || tt.fault == "" && f != "" {
				t.Errorf("faults %q", f)
			}
			if u := strings.Join(k.Unknown, "; "); !strings.Contains(u, tt.unkown) || tt.unkown == "" && tt.fault == "" && u != "" {
				t.Errorf("unknown %q", u)
			}
			k.workloads = []string{"w"}
			fault, unknown, _ := KeyFault("w", []Key{k})
			if (fault != "") != (tt.fault != "") || tt.fault == "" && (unknown != "") != (tt.unkown != "") {
				t.Errorf("of the workload: %q, %q", fault, unknown)
			}
		})
	}
}

// What is wrong beside makes a criterion worse, and never better.
func TestWorsen(t *testing.T) {
	for _, was := range []finding.CriterionStatus{finding.CriterionPass, finding.CriterionUnknown, finding.CriterionFail} {
		for _, tt := range []struct{ fault, unknown string }{{"bad", ""}, {"", "dark"}, {"", ""}} {
			list := []finding.Criterion{{ID: "access.scope", Status: was, Reason: "before"}}
			worsen(list, "access.scope", tt.fault, tt.unknown, "hint")
			want := was
			switch {
			case tt.fault != "":
				want = finding.CriterionFail
			case tt.unknown != "" && was == finding.CriterionPass:
				want = finding.CriterionUnknown
			}
			if list[0].Status != want || was != finding.CriterionPass && !strings.Contains(list[0].Reason, "before") || !strings.Contains(list[0].Reason, tt.fault+tt.unknown) {
				t.Errorf("%s with %+v: %+v", was, tt, list[0])
			}
		}
	}
}
