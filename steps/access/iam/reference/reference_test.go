package reference

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestTableIsWhole(t *testing.T) {
	if err := Check(); err != nil {
		t.Fatal(err)
	}
	if n := len(Services()); n < 450 {
		t.Errorf("%d services, want at least 450", n)
	}
	if Count() < 22000 {
		t.Errorf("%d actions, want at least 22,000", Count())
	}
	if n := len(ManagedARNs()); n < 1500 {
		t.Errorf("%d managed policies, want at least 1,500", n)
	}
	if Taken().Before(time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("taken %s", Taken())
	}
	for _, s := range Sources() {
		if len(s.SHA256) != 64 || s.Version == "" {
			t.Errorf("source %+v is not told by version and checksum", s)
		}
	}
}

func TestLookup(t *testing.T) {
	tests := []struct {
		service, name, want string
		level               Level
		uses                string // resource types, ! for required
	}{
		{"s3", "GetObject", "s3:GetObject", Read, "accesspointobject object"},
		{"S3", "getobject", "s3:GetObject", Read, "accesspointobject object"},
		{"s3", "ListAllMyBuckets", "s3:ListAllMyBuckets", List, ""},
		{"iam", "PassRole", "iam:PassRole", Permissions, "role!"},
		{"iam", "PutRolePolicy", "iam:PutRolePolicy", Permissions, "role!"},
		{"iam", "TagRole", "iam:TagRole", Tagging, "role!"},
		{"sagemaker", "CreateNotebookInstance", "sagemaker:CreateNotebookInstance", Write, "notebook-instance!"},
		{"bedrock-agentcore", "GetWorkloadAccessToken", "bedrock-agentcore:GetWorkloadAccessToken", Write, ""},
		{"sts", "AssumeRole", "sts:AssumeRole", Write, "role!"},
	}
	for _, tt := range tests {
		a, ok := Lookup(tt.service, tt.name)
		if !ok {
			t.Errorf("%s:%s is not known", tt.service, tt.name)
			continue
		}
		var uses []string
		for _, u := range a.Uses {
			name := u.Resource.Name
			if u.Required {
				name += "!"
			}
			uses = append(uses, name)
		}
		if a.String() != tt.want || a.Level != tt.level {
			t.Errorf("%s:%s = %s, %s, want %s, %s", tt.service, tt.name, a, a.Level, tt.want, tt.level)
		}
		if got := strings.Join(uses, " "); tt.uses != "" && got != tt.uses {
			t.Errorf("%s works on %q, want %q", a, got, tt.uses)
		}
	}
	for _, bad := range [][2]string{{"s3", "GetObjects"}, {"nosuch", "GetObject"}, {"", ""}, {"s3", ""}, {"s3", strings.Repeat("a", 5000)}} {
		if a, ok := Lookup(bad[0], bad[1]); ok {
			t.Errorf("%v found %s", bad, a)
		}
	}
}

// The numbers are those of the source; fewer would mean that dependencies were
// lost on the way here.
func TestPassRoleDependencies(t *testing.T) {
	got := map[string]int{}
	for _, a := range Dependents("IAM:passrole") {
		got[a.Service]++
		got["all"]++
	}
	for service, want := range map[string]int{"all": 254, "sagemaker": 37, "bedrock-agentcore": 8, "bedrock": 0, "lambda": 2} {
		if got[service] != want {
			t.Errorf("%d actions of %s depend on iam:PassRole, want %d", got[service], service, want)
		}
	}
}

func TestIDs(t *testing.T) {
	id := 0
	for _, s := range Services() {
		if s.First != id {
			t.Fatalf("%s begins at %d, want %d", s.Prefix, s.First, id)
		}
		for _, a := range Actions(s.Prefix) {
			if a.ID != id || ByID(id) != a {
				t.Fatalf("%s has ID %d, want %d", a, a.ID, id)
			}
			id++
		}
	}
	if id != Count() || ByID(-1) != nil || ByID(id) != nil {
		t.Errorf("%d IDs of %d, and some beyond", id, Count())
	}
}

func TestFindKey(t *testing.T) {
	tests := []struct {
		name, want string
		typ        Type
		many       bool
		global     bool
	}{
		{"aws:SourceIp", "aws:SourceIp", IPAddress, false, true},
		{"AWS:sourceip", "aws:SourceIp", IPAddress, false, true},
		{"aws:PrincipalTag/team", "aws:PrincipalTag/${TagKey}", String, false, true},
		{"aws:TagKeys", "aws:TagKeys", String, true, true},
		{"aws:PrincipalOrgPaths", "aws:PrincipalOrgPaths", String, true, true},
		{"aws:MultiFactorAuthPresent", "aws:MultiFactorAuthPresent", Bool, false, true},
		{"aws:MultiFactorAuthAge", "aws:MultiFactorAuthAge", Numeric, false, true},
		{"aws:CurrentTime", "aws:CurrentTime", Date, false, true},
		{"iam:PassedToService", "iam:PassedToService", String, false, false},
		{"iam:PolicyARN", "iam:PolicyARN", ARN, false, false},
		{"kms:EncryptionContext:aws:s3:arn", "kms:EncryptionContext:${EncryptionContextKey}", String, false, false},
		{"token.actions.githubusercontent.com:repository", "token.actions.githubusercontent.com:repository", String, false, false},
		{"oidc.eks.eu-west-1.amazonaws.com/id/ABC:sub", "oidc.eks.eu-west-1.amazonaws.com/id/abc:sub", String, false, false},
		{"agent.acme.buildkite.dev:pipeline_id", "agent.${Domain}.buildkite.dev:pipeline_id", String, false, false},
		{"events:metadata/a/matcher", "events:metadata/${MetadataKey}/matcher", String, false, false},
	}
	for _, tt := range tests {
		k, ok := FindKey(tt.name)
		if !ok {
			t.Errorf("%s is not known", tt.name)
			continue
		}
		if !strings.EqualFold(k.Name, tt.want) || k.Type != tt.typ || k.Many != tt.many || k.Global != tt.global {
			t.Errorf("%s = %+v, want %+v", tt.name, *k, tt)
		}
	}
	for _, bad := range []string{"", "aws:PrincipalTag/", "aws:PrincipalTag", "aws:NoSuchKey", "nosuch", "sub", ":sub", "oidc.example.com:colour"} {
		if k, ok := FindKey(bad); ok {
			t.Errorf("%q found %s", bad, k.Name)
		}
	}
}

func TestManaged(t *testing.T) {
	doc, ok := Managed("arn:aws:iam::aws:policy/AdministratorAccess")
	if want := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`; !ok || string(doc) != want {
		t.Errorf("AdministratorAccess = %s, %v, want %s", doc, ok, want)
	}
	for _, arn := range ManagedARNs() {
		p, ok := ManagedPolicy(arn)
		if !ok || p.ARN != arn || p.Version == "" || p.Created.After(p.Updated) || !json.Valid(p.Document) || !strings.Contains(string(p.Document), `"Statement"`) {
			t.Errorf("%s = %+v, %v", arn, p, ok)
		}
	}
	for _, bad := range []string{"", "arn:aws-cn:iam::aws:policy/AdministratorAccess", "arn:aws:iam::aws:policy/Administrator", "arn:aws:iam::aws:policy/zzzz", "AdministratorAccess"} {
		if _, ok := Managed(bad); ok {
			t.Errorf("%q is a managed policy", bad)
		}
	}
}

func TestResourceControl(t *testing.T) {
	for prefix, want := range map[string]bool{"s3": true, "sts": true, "kms": true, "sagemaker": false} {
		if s, ok := FindService(prefix); !ok || s.RCP != want {
			t.Errorf("resource control policies reach %s: %v (known: %v), want %v", prefix, s.RCP, ok, want)
		}
	}
}

// Expand must give what the pattern says when it is read as a regular
// expression, which is another way of asking.
func TestExpandAgreesWithRegexp(t *testing.T) {
	services := Services()
	var names []string
	for id := range Count() {
		names = append(names, strings.ToLower(ByID(id).String()))
	}
	rapid.Check(t, func(rt *rapid.T) {
		name := names[rapid.IntRange(0, len(names)-1).Draw(rt, "of")]
		pattern := []byte(name)
		for range rapid.IntRange(0, 4).Draw(rt, "edits") {
			i := rapid.IntRange(0, len(pattern)-1).Draw(rt, "at")
			switch rapid.IntRange(0, 3).Draw(rt, "edit") {
			case 0:
				pattern[i] = '*'
			case 1:
				pattern[i] = '?'
			case 2:
				pattern = append(pattern[:i:i], '*')
			default:
				j := rapid.IntRange(i, len(pattern)).Draw(rt, "to")
				pattern = append(append(pattern[:i:i], '*'), pattern[j:]...)
			}
		}
		var want []int
		if strings.Contains(string(pattern), ":") || strings.Trim(string(pattern), "*") == "" {
			prefix, rest, ok := strings.Cut(string(pattern), ":")
			if !ok {
				prefix, rest = "*", "*"
			}
			re := expression(prefix + ":" + rest)
			for id, n := range names {
				if re.MatchString(n) {
					want = append(want, id)
				}
			}
		}
		var got []int
		for _, a := range Expand(strings.ToUpper(string(pattern))) {
			got = append(got, a.ID)
		}
		if !cmp.Equal(got, want) {
			rt.Fatalf("%q covers %d actions, want %d", pattern, len(got), len(want))
		}
	})
	if got := len(Expand("*")); got != Count() {
		t.Errorf("* covers %d of %d actions in %d services", got, Count(), len(services))
	}
}

func expression(pattern string) *regexp.Regexp {
	text := regexp.QuoteMeta(pattern)
	text = strings.ReplaceAll(strings.ReplaceAll(text, `\*`, ".*"), `\?`, ".")
	return regexp.MustCompile("^" + text + "$")
}

func BenchmarkLookup(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := Lookup("sagemaker", "CreateNotebookInstance"); !ok {
			b.Fatal("not found")
		}
	}
}

func BenchmarkExpandGet(b *testing.B) {
	for b.Loop() {
		if len(Expand("s3:Get*")) == 0 {
			b.Fatal("nothing")
		}
	}
}

// BenchmarkLoadAll opens the table and unpacks every service and key.
func BenchmarkLoadAll(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		t, err := open(embedded)
		if err != nil {
			b.Fatal(err)
		}
		if len(t.expand("*")) == 0 {
			b.Fatal("nothing")
		}
	}
}

// BenchmarkLoadOne opens the table and unpacks one service, which is what a
// short command pays.
func BenchmarkLoadOne(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		t, err := open(embedded)
		if err != nil {
			b.Fatal(err)
		}
		if _, ok := t.lookup("s3", "getobject"); !ok {
			b.Fatal("nothing")
		}
	}
}

// BenchmarkLoadPolicies unpacks all managed policies.
func BenchmarkLoadPolicies(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		t, err := open(embedded)
		if err != nil {
			b.Fatal(err)
		}
		if len(t.policyARNs()) == 0 {
			b.Fatal("nothing")
		}
	}
}
