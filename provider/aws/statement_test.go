package aws

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/estate"
)

func TestStatements(t *testing.T) {
	tests := []struct {
		name, doc string
		want      []Statement
		problems  []string // paths
	}{
		{"nothing", ``, nil, nil},
		{"one without a list", `{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`,
			[]Statement{{Effect: "Allow", Actions: []string{"s3:*"}, Resources: []string{"*"}}}, nil},
		{"lists and negations", `{"Statement":[{"Sid":"a","Effect":"Deny","NotAction":["a:B","c:D"],"NotResource":["x"],"NotPrincipal":{"AWS":"1"}}]}`,
			[]Statement{{Sid: "a", Effect: "Deny", NotActions: []string{"a:B", "c:D"}, NotResources: []string{"x"}, NotPrincipals: []Principal{{"AWS", "1"}}}}, nil},
		{"principals", `{"Statement":[{"Effect":"Allow","Action":"*","Principal":{"Service":["b","a"],"AWS":"*"}},{"Effect":"Allow","Action":"*","Principal":"*"}]}`,
			[]Statement{{Effect: "Allow", Actions: []string{"*"}, Principals: []Principal{{"AWS", "*"}, {"Service", "b"}, {"Service", "a"}}},
				{Index: 1, Effect: "Allow", Actions: []string{"*"}, Principals: []Principal{{"*", "*"}}}}, nil},
		{"conditions", `{"Statement":[{"Effect":"Allow","Action":"*","Condition":{"Bool":{"aws:SecureTransport":false},"NumericLessThan":{"x":[1,"2"]}}}]}`,
			[]Statement{{Effect: "Allow", Actions: []string{"*"}, Conditions: []Condition{{"Bool", "aws:SecureTransport", []string{"false"}}, {"NumericLessThan", "x", []string{"1", "2"}}}}}, nil},
		{"in a string", `"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"a:B\"}]}"`, []Statement{{Effect: "Allow", Actions: []string{"a:B"}}}, nil},
		{"URL-encoded", `"%7B%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22a%3AB%22%7D%5D%7D"`, []Statement{{Effect: "Allow", Actions: []string{"a:B"}}}, nil},
		// what cannot be read whole is left out, and said
		{"broken JSON", `{`, nil, []string{""}},
		{"no statement", `{"Version":"2012-10-17"}`, nil, []string{""}},
		{"a list", `[]`, nil, []string{""}},
		{"statements that are none", `{"Statement":[1,{"Effect":"Allow","Action":"ok:Ok"},null]}`,
			[]Statement{{Index: 1, Effect: "Allow", Actions: []string{"ok:Ok"}}}, []string{"Statement[0]", "Statement[2]"}},
		{"effect in small letters", `{"Statement":[{"Effect":"allow","Action":"x"}]}`, nil, []string{"Statement[0].Effect"}},
		{"no action", `{"Statement":[{"Effect":"Deny","Resource":"*"}]}`, nil, []string{"Statement[0]"}},
		{"an action that is an object", `{"Statement":[{"Effect":"Deny","Action":[{"Ref":"x"}]}]}`, nil, []string{"Statement[0].Action[0]", "Statement[0]"}},
		{"a principal that is a word", `{"Statement":[{"Effect":"Allow","Action":"x","Principal":"root"}]}`, nil, []string{"Statement[0].Principal"}},
		{"an empty principal", `{"Statement":[{"Effect":"Allow","Action":"x","Principal":{"AWS":""}}]}`, nil, []string{"Statement[0].Principal.AWS"}},
		{"a condition that is a list", `{"Statement":[{"Effect":"Allow","Action":"x","Condition":[]}]}`, nil, []string{"Statement[0].Condition"}},
		{"a condition operator without keys", `{"Statement":[{"Effect":"Allow","Action":"x","Condition":{"Bool":"true"}}]}`, nil, []string{"Statement[0].Condition.Bool"}},
	}
	for _, tt := range tests {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			got, problems := Statements(json.RawMessage(tt.doc))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			var paths []string
			for _, p := range problems {
				paths = append(paths, p.Path)
			}
			if diff := cmp.Diff(tt.problems, paths); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnyone(t *testing.T) {
	for doc, want := range map[string]bool{
		`"*"`: true, `{"AWS":"*"}`: true, `{"AWS":["123456789012","*"]}`: true,
		`{"AWS":"123456789012"}`: false, `{"Service":"*"}`: false, `{"Federated":"*"}`: false, `{"AWS":"arn:aws:iam::*:root"}`: false,
	} {
		s, problems := Statements(json.RawMessage(`{"Statement":{"Effect":"Allow","Action":"x","Principal":` + doc + `}}`))
		if len(s) != 1 || len(problems) > 0 || s[0].Anyone() != want {
			t.Errorf("%s: %v %v, want %v", doc, s, problems, want)
		}
	}
}

func day(s string) time.Time {
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return at
}

const reportRow = `{"user":"ada","arn":"arn:aws:iam::123456789012:user/ada","password_enabled":"true","password_last_used":"2025-06-01T00:00:00+00:00",
 "password_last_changed":"2024-01-01T00:00:00+00:00","mfa_active":"false","access_key_1_active":"true","access_key_1_last_rotated":"2023-01-01T10:00:00+00:00",
 "access_key_1_last_used_date":"2025-07-01T00:00:00+00:00","access_key_2_active":"false","access_key_2_last_rotated":"N/A","cert_1_active":"false","cert_2_active":"N/A"}`

func TestReadIdentity(t *testing.T) {
	password := Credential{Type: "password", Active: true, Created: day("2024-01-01T00:00:00Z"), LastUsed: day("2025-06-01T00:00:00Z"), Evidence: "config.GetCredentialReport.password_enabled"}
	key1 := Credential{Type: "access key", Active: true, Created: day("2023-01-01T10:00:00Z"), LastUsed: day("2025-07-01T00:00:00Z"), Evidence: "config.GetCredentialReport.access_key_1_active"}
	named := key1
	named.ID = "AKIA1"
	tests := []struct {
		name, config string
		want         Identity
	}{
		{"report", `{"GetCredentialReport":` + reportRow + `}`, Identity{Credentials: []Credential{password, key1}, Reported: true, UsageKnown: true, LastUsed: day("2025-07-01T00:00:00Z")}},
		{"report and keys", `{"GetCredentialReport":` + reportRow + `,"ListAccessKeys":{"AccessKeyMetadata":[{"AccessKeyId":"AKIA1","Status":"Active","CreateDate":"2023-01-01T10:00:00+00:00"}]}}`,
			Identity{Credentials: []Credential{password, named}, Reported: true, UsageKnown: true, LastUsed: day("2025-07-01T00:00:00Z")}},
		{"a key the report does not know", `{"ListAccessKeys":{"AccessKeyMetadata":[{"AccessKeyId":"AKIA2","Status":"Inactive","CreateDate":"2025-01-01T00:00:00Z"}]}}`,
			Identity{Credentials: []Credential{{Type: "access key", ID: "AKIA2", Created: day("2025-01-01T00:00:00Z"), Evidence: "config.ListAccessKeys.AccessKeyMetadata[0]"}}, Reported: true}},
		{"root user", `{"GetCredentialReport":{"user":"<root_account>","password_enabled":"not_supported","mfa_active":"true","password_last_used":"no_information"}}`,
			Identity{Credentials: []Credential{{Type: "password", Active: true, MFA: true, Evidence: "config.GetCredentialReport.password_enabled"}}, Reported: true, MFA: true, UsageKnown: true}},
		{"role in use", `{"RoleLastUsed":{"LastUsedDate":"2025-05-05T00:00:00Z","Region":"eu-west-1"}}`, Identity{LastUsed: day("2025-05-05T00:00:00Z"), UsageKnown: true}},
		{"role never used", `{"RoleLastUsed":{}}`, Identity{UsageKnown: true}},
		{"role not said", `{"RoleName":"x"}`, Identity{}},
		{"wrong types", `{"GetCredentialReport":{"mfa_active":true},"ListAccessKeys":"none"}`,
			Identity{Reported: true, UsageKnown: true, Problems: []estate.Problem{
				{Path: "config.GetCredentialReport.mfa_active", Why: "expected a string, found a boolean"},
				{Path: "config.ListAccessKeys", Why: "expected an object, found a string"}}}},
	}
	for _, tt := range tests {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			got := ReadIdentity(&estate.Asset{ID: "x", Config: json.RawMessage(tt.config)})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if got := ReadIdentity(&estate.Asset{Config: json.RawMessage(`[`)}); len(got.Problems) != 1 {
		t.Errorf("damaged configuration: %+v", got)
	}
}

func FuzzStatements(f *testing.F) {
	f.Add([]byte(`{"Statement":[{"Effect":"Allow","Action":"s3:*","Principal":{"AWS":"*"},"Condition":{"Bool":{"a":true}}}]}`))
	f.Add([]byte(`"%7B%7D"`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		st, _ := Statements(doc)
		for _, s := range st {
			if s.Effect != "Allow" && s.Effect != "Deny" || len(s.Actions)+len(s.NotActions) == 0 {
				t.Errorf("half a statement: %+v", s)
			}
		}
	})
}

func TestPolicies(t *testing.T) {
	allow := `{"Statement":[{"Effect":"Allow","Action":"a:B"}]}`
	tests := []struct{ typ, config, want string }{
		{"AWS::IAM::Role", `{"AssumeRolePolicyDocument":` + allow + `,"RolePolicyList":[{"PolicyName":"p","PolicyDocument":` + allow + `}]}`,
			"identity p config.RolePolicyList[0].PolicyDocument 1; trust  config.AssumeRolePolicyDocument 1"},
		{"AWS::IAM::ManagedPolicy", `{"PolicyVersionList":[{"VersionId":"v1","IsDefaultVersion":false,"Document":7},{"VersionId":"v2","IsDefaultVersion":true,"Document":` + allow + `}]}`,
			"identity  config.PolicyVersionList[1].Document 1"},
		{"AWS::S3::Bucket", `{"GetBucketPolicy":{"Policy":` + allow + `}}`, "resource  config.GetBucketPolicy.Policy 1"},
		{"AWS::Organizations::Policy", `{"PolicySummary":{"Type":"SERVICE_CONTROL_POLICY"},"Content":` + allow + `}`, "control  config.Content 1"},
		{"AWS::Organizations::Policy", `{"PolicySummary":{"Type":"TAG_POLICY"},"Content":{"tags":{}}}`, ""},
		{"AWS::S3::Bucket", `{}`, ""},
		{"AWS::EC2::VPC", `{"Policy":` + allow + `}`, ""},
	}
	for _, tt := range tests {
		policies, problems := Policies(&estate.Asset{ID: "arn:aws:x:r:123456789012:y", Type: tt.typ, Config: json.RawMessage(tt.config)})
		var got []string
		for _, p := range policies {
			got = append(got, fmt.Sprintf("%s %s %s %d", p.Kind, p.Name, p.Path, len(p.Statements)))
		}
		if s := strings.Join(got, "; "); s != tt.want || len(problems) > 0 {
			t.Errorf("%s: got %q %v, want %q", tt.typ, s, problems, tt.want)
		}
	}
}

// Only statements by which a role can be taken say whom it trusts.
func TestTrust(t *testing.T) {
	for action, want := range map[string]bool{
		`"Action":"sts:AssumeRole"`: true, `"Action":"sts:assumerolewithsaml"`: true, `"Action":["sts:TagSession","sts:AssumeRoleWithWebIdentity"]`: true,
		`"Action":"*"`: true, `"Action":"sts:A?sume*"`: true, `"Action":"*Role"`: true, `"Action":"s*:*ass*role*"`: true,
		`"Action":"sts:TagSession"`: false, `"Action":["sts:SetSourceIdentity","sts:SetContext"]`: false, `"Action":"sts:AssumeRol?With"`: false, `"Action":"sts:*Saml?"`: false,
		`"NotAction":"sts:TagSession"`: true, `"NotAction":["sts:AssumeRole"]`: true, `"NotAction":"sts:Assume*"`: false, `"NotAction":"*"`: false,
	} {
		got := Understand(&estate.Asset{ID: "arn:aws:iam::123456789012:role/r", Type: "AWS::IAM::Role", Account: "123456789012",
			Config: json.RawMessage(`{"AssumeRolePolicyDocument":{"Statement":{"Effect":"Allow","Principal":{"AWS":"210987654321"},` + action + `}}}`)})
		if trusts := len(got.Relations) > 0; trusts != want || len(got.Problems) > 0 {
			t.Errorf("%s: trusts %v (%v), problems %v", action, trusts, got.Relations, got.Problems)
		}
	}
}

func TestWild(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern, text := rapid.StringMatching(`[ab?*]{0,7}`).Draw(t, "pattern"), rapid.StringMatching(`[ab]{0,7}`).Draw(t, "text")
		want := regexp.MustCompile(`^` + strings.NewReplacer("*", ".*", "?", ".").Replace(pattern) + `$`).MatchString(text)
		if got := wild(pattern, text); got != want {
			t.Fatalf("%q on %q: %v", pattern, text, got)
		}
	})
}

func TestGuess(t *testing.T) {
	for id, want := range map[string]string{
		"arn:aws:iam::123456789012:role/a/b": "AWS::IAM::Role", "arn:aws:iam::123456789012:root": "AWS::Organizations::Account",
		"arn:aws:s3:::b": "AWS::S3::Bucket", "arn:aws:s3:::b/key": "", "arn:aws:s3:::b#prefix/x": "", "arn:aws:s3:r:1:accesspoint/x": "",
		"arn:aws:ec2:r:1:transit-gateway-attachment/x": "AWS::EC2::TransitGatewayAttachment", "arn:aws:ec2:r:1:transit-gateway/x": "AWS::EC2::TransitGateway",
		"arn:aws:sagemaker:r:1:model-package-group/x": "AWS::SageMaker::ModelPackageGroup", "arn:aws:sqs:r:1:q": "AWS::SQS::Queue",
		"arn:aws:s3vectors:r:1:bucket/b/index/i": "AWS::S3Vectors::Index", "arn:aws:unheard:r:1:x": "", "sagemaker.amazonaws.com": "", "": "",
	} {
		typ, kind, ok := Guess(id)
		if typ != want || ok != (want != "") || ok && kind == estate.KindUnknown {
			t.Errorf("%s: %q %q %v, want %q", id, typ, kind, ok, want)
		}
	}
	for service, prefixes := range resourceTypes {
		for prefix, typ := range prefixes {
			if KindOf(typ) == estate.KindUnknown {
				t.Errorf("%s:%s: %s has no kind", service, prefix, typ)
			}
		}
	}
}
