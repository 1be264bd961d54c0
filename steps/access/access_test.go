package access

import (
	"context"
	"encoding/json"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	provider "github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/scope/expr"
)

func TestGlob(t *testing.T) {
	tests := map[string]struct {
		pattern, s string
		want       bool
	}{
		"equal":        {"arn:aws:s3:::b", "arn:aws:s3:::b", true},
		"star":         {"*", "anything", true},
		"star_empty":   {"*", "", true},
		"question":     {"b?", "bc", true},
		"question_end": {"b?", "b", false},
		"middle":       {"arn:*:b", "arn:aws:s3:::b", true},
		"prefix_only":  {"arn:aws", "arn:aws:s3:::b", false},
		"two_stars":    {"*train*", "my-training-set", true},
		"empty":        {"", "", true},
		"empty_no":     {"", "a", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := expr.Glob(tt.pattern, tt.s); got != tt.want {
				t.Errorf("Glob(%q, %q) = %v", tt.pattern, tt.s, got)
			}
		})
	}
}

// path.Match is an oracle where no character is special to it but * and ?.
func TestGlobAgreesWithPathMatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*?]{0,8}`).Draw(t, "pattern")
		s := rapid.StringMatching(`[ab]{0,10}`).Draw(t, "s")
		want, err := path.Match(pattern, s)
		if err != nil {
			t.Fatal(err)
		}
		if got := expr.Glob(pattern, s); got != want {
			t.Fatalf("Glob(%q, %q) = %v, path.Match says %v", pattern, s, got, want)
		}
	})
}

// understood makes a snapshot of assets as the provider understands them.
func understood(t *testing.T, assets ...estate.Asset) *estate.Snapshot {
	t.Helper()
	b := estate.NewBuilder(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC))
	for _, a := range assets {
		a.Cloud, a.Account = estate.AWS, "111122223333"
		b.Asset(a)
	}
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	if s, err = s.Understood(context.Background(), provider.Understand); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDirect(t *testing.T) {
	read := func(op string) []estate.Read { return []estate.Read{{Operation: op, Status: estate.ReadOK}} }
	iamOf := read("iam:GetAccountAuthorizationDetails")
	snap := understood(t,
		estate.Asset{ID: "arn:aws:s3:::train", Type: "AWS::S3::Bucket", Name: "train", Reads: read("s3:ListBuckets"), Config: json.RawMessage(`{"Name":"train",
			"GetBucketPolicy":{"Policy":{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999988887777:root"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::train/*"}]}}}`)},
		estate.Asset{ID: "arn:aws:iam::111122223333:role/training", Type: "AWS::IAM::Role", Name: "training", Reads: iamOf, Tags: map[string]string{"owner": "ml"}, Config: json.RawMessage(`{"RoleName":"training",
			"RoleLastUsed":{"LastUsedDate":"2026-11-01T00:00:00Z"},
			"RolePolicyList":[{"PolicyName":"task","PolicyDocument":{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::train/*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}}}],
			"PermissionsBoundary":{"PermissionsBoundaryArn":"arn:aws:iam::111122223333:policy/boundary"}}`)},
		estate.Asset{ID: "arn:aws:iam::111122223333:policy/boundary", Type: "AWS::IAM::ManagedPolicy", Name: "boundary", Reads: iamOf, Config: json.RawMessage(`{"PolicyName":"boundary",
			"PolicyVersionList":[{"IsDefaultVersion":true,"VersionId":"v1","Document":{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}}]}`)},
		estate.Asset{ID: "arn:aws:iam::111122223333:policy/old", Type: "AWS::IAM::ManagedPolicy", Name: "old", Reads: iamOf, Config: json.RawMessage(`{"PolicyName":"old",
			"PolicyVersionList":[{"IsDefaultVersion":false,"VersionId":"v1","Document":{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}},
			{"IsDefaultVersion":true,"VersionId":"v2","Document":{"Statement":{"Effect":"Allow","Action":"ec2:*","Resource":"*"}}}]}`)},
		estate.Asset{ID: "arn:aws:iam::111122223333:group/team", Type: "AWS::IAM::Group", Name: "team", Reads: iamOf, Config: json.RawMessage(`{"GroupName":"team",
			"GroupPolicyList":[{"PolicyName":"all","PolicyDocument":{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}}]}`)},
		estate.Asset{ID: "arn:aws:iam::111122223333:user/ann", Type: "AWS::IAM::User", Name: "ann", Reads: iamOf, Config: json.RawMessage(`{"UserName":"ann","GroupList":["team"],
			"AttachedManagedPolicies":[{"PolicyArn":"arn:aws:iam::111122223333:policy/old","PolicyName":"old"}]}`)},
	)
	entries, problems, err := Direct(context.Background(), snap, []finding.Workload{{ID: "workload:w", Roots: []string{"arn:aws:s3:::train"}}})
	if err != nil || len(problems) > 0 || len(entries) != 1 {
		t.Fatalf("entries %v, problems %v, error %v", entries, problems, err)
	}
	got := map[string]*Grant{}
	for _, g := range entries[0].Grants {
		got[g.Principal] = g
	}
	var who []string
	for p := range got {
		who = append(who, strings.TrimPrefix(p, "arn:aws:iam::"))
	}
	if len(who) != 3 {
		t.Fatalf("named: %v; want the role, the user by her group, and the foreign account (no boundary, no old version)", who)
	}
	role := got["arn:aws:iam::111122223333:role/training"]
	want := &Grant{Principal: "arn:aws:iam::111122223333:role/training", Class: "machine", Via: "arn:aws:iam::111122223333:role/training#policy/task statement 0",
		Actions: []string{"s3:GetObject"}, Levels: []string{"read"}, Conditional: true, Owner: "ml", LastUsed: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), UsageKnown: true}
	if d := cmp.Diff(want, role); d != "" {
		t.Errorf("the role (-want +got):\n%s", d)
	}
	if g := got["arn:aws:iam::999988887777:root"]; g.Class != "account" || !strings.HasPrefix(g.Via, "arn:aws:s3:::train#statement/") {
		t.Errorf("the foreign account: %+v", g)
	}
	if g := got["arn:aws:iam::111122223333:user/ann"]; !strings.HasPrefix(g.Via, "arn:aws:iam::111122223333:group/team#policy/all") {
		t.Errorf("the user: %+v", g)
	}
}

func FuzzDocumentOf(f *testing.F) {
	f.Add([]byte(`{"PolicyDocument":{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}}`))
	f.Add([]byte(`{"PolicyVersionList":[{"IsDefaultVersion":true,"Document":"%7B%7D"}]}`))
	f.Fuzz(func(_ *testing.T, config []byte) {
		documentOf(config)
	})
}
