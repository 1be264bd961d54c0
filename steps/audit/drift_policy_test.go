package audit

import (
	"encoding/json"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/estate"
)

func tree(t interface{ Fatal(...any) }, text string) map[string]any {
	out := map[string]any{}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&out); err != nil {
		t.Fatal(err, text)
	}
	return out
}

// between is what differs between two configurations of AWS.
func between(t interface{ Fatal(...any) }, was, is string) []Change {
	b, a := tree(t, was), tree(t, is)
	alikePolicies(b, a)
	d := differ{cloud: estate.AWS}
	d.compare("config", any(b), any(a))
	return told(d.out)
}

// Two ways to say one thing, and near misses that say another.
func TestPoliciesThatSayTheSame(t *testing.T) {
	policy := func(statement string) string {
		return `{"Policy":{"Version":"2012-10-17","Statement":[` + statement + `]}}`
	}
	for name, tt := range map[string]struct {
		was, is string
		differ  bool
	}{
		"an action as a list":              {policy(`{"Effect":"Allow","Action":"s3:Get*"}`), policy(`{"Effect":"Allow","Action":["s3:Get*"]}`), false},
		"another order":                    {policy(`{"Effect":"Allow","Action":["a:B","a:C"],"Resource":["x","y"]}`), policy(`{"Effect":"Allow","Action":["a:C","a:B"],"Resource":["y","x"]}`), false},
		"twice":                            {policy(`{"Effect":"Allow","Action":["a:B"],"Resource":"x"}`), policy(`{"Effect":"Allow","Action":["a:B","a:B"],"Resource":["x","x"]}`), false},
		"actions in another case":          {policy(`{"Effect":"Allow","Action":"s3:GetObject"}`), policy(`{"Effect":"Allow","Action":"S3:getobject"}`), false},
		"a resource in another case":       {policy(`{"Effect":"Allow","Action":"a:B","Resource":"x"}`), policy(`{"Effect":"Allow","Action":"a:B","Resource":"X"}`), true},
		"everyone":                         {policy(`{"Effect":"Allow","Action":"a:B","Principal":"*"}`), policy(`{"Effect":"Allow","Action":"a:B","Principal":{"AWS":["*"]}}`), false},
		"everyone, and every service":      {policy(`{"Effect":"Allow","Action":"a:B","Principal":"*"}`), policy(`{"Effect":"Allow","Action":"a:B","Principal":{"Service":"*"}}`), true},
		"an account by its number":         {policy(`{"Effect":"Allow","Action":"a:B","Principal":{"AWS":"111122223333"}}`), policy(`{"Effect":"Allow","Action":"a:B","Principal":{"AWS":["arn:aws:iam::111122223333:root"]}}`), false},
		"another account":                  {policy(`{"Effect":"Allow","Action":"a:B","Principal":{"AWS":"111122223333"}}`), policy(`{"Effect":"Allow","Action":"a:B","Principal":{"AWS":["111122223334"]}}`), true},
		"a value of a condition":           {policy(`{"Effect":"Deny","Action":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`), policy(`{"Effect":"Deny","Action":"*","Condition":{"Bool":{"aws:SecureTransport":[false]}}}`), false},
		"another value of a condition":     {policy(`{"Effect":"Deny","Action":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`), policy(`{"Effect":"Deny","Action":"*","Condition":{"Bool":{"aws:SecureTransport":true}}}`), true},
		"one statement, not in a list":     {`{"Policy":{"Statement":{"Effect":"Allow","Action":"a:B"}}}`, `{"Policy":{"Statement":[{"Effect":"Allow","Action":"a:B"}]}}`, false},
		"a statement twice":                {policy(`{"Effect":"Allow","Action":"a:B"}`), policy(`{"Effect":"Allow","Action":"a:B"},{"Effect":"Allow","Action":["a:B"]}`), false},
		"an effect":                        {policy(`{"Effect":"Allow","Action":"a:B"}`), policy(`{"Effect":"Deny","Action":"a:B"}`), true},
		"not an action":                    {policy(`{"Effect":"Allow","Action":"a:B"}`), policy(`{"Effect":"Allow","NotAction":"a:B"}`), true},
		"a policy as text":                 {`{"Policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"a:B\"}]}"}`, `{"Policy":"{ \"Statement\": {\"Effect\":\"Allow\",\"Action\":[\"a:B\"]}}"}`, false},
		"an action more, as text":          {`{"Policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"a:B\"}]}"}`, `{"Policy":"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"a:B\",\"a:C\"]}]}"}`, true},
		"what is called Statement only":    {`{"Statement":["a"]}`, `{"Statement":["a","a"]}`, true},
		"a list that is no policy's":       {`{"Action":"a"}`, `{"Action":["a"]}`, true},
		"text that begins like one":        {`{"Note":"{\"Statement\": see below"}`, `{"Note":"{\"Statement\":  see below"}`, true},
		"an empty list of actions is none": {policy(`{"Effect":"Allow","Action":[]}`), policy(`{"Effect":"Allow","Action":["a:B"]}`), true},
	} {
		if got := between(t, tt.was, tt.is); (len(got) > 0) != tt.differ {
			t.Errorf("%s: differ %v, want %v: %s", name, len(got) > 0, tt.differ, spell(got))
		}
	}
}

// respelt says the same as a policy in another way.
func respelt(v any, r *rand.Rand, within bool) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			v[k] = respelt(x, r, within || k == "Action" || k == "Resource" || k == "Condition" || k == "AWS")
		}
	case []any:
		for i := range v {
			if _, isText := v[i].(string); !isText {
				v[i] = respelt(v[i], r, within)
			}
		}
		r.Shuffle(len(v), func(i, j int) { v[i], v[j] = v[j], v[i] })
		if len(v) > 0 && r.Intn(2) == 0 {
			v = append(v, v[r.Intn(len(v))])
		}
		if len(v) == 1 && within && r.Intn(2) == 0 {
			return v[0]
		}
		return v
	case string:
		if within && r.Intn(3) == 0 {
			return []any{v, v}[:1+r.Intn(2)]
		}
	}
	return v
}

// However a policy is spelt, it says the same; and one value more or less does not.
func TestPoliciesRespelt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		some := func(label string, of ...string) []string {
			return rapid.SliceOfNDistinct(rapid.SampledFrom(of), 1, 3, rapid.ID).Draw(t, label)
		}
		var statements []any
		for i := range rapid.IntRange(1, 4).Draw(t, "statements") {
			statements = append(statements, map[string]any{"Effect": rapid.SampledFrom([]string{"Allow", "Deny"}).Draw(t, "effect"), "Action": some("action", "s3:GetObject", "s3:Put*", "iam:PassRole"),
				"Resource": some("resource", "*", "arn:aws:s3:::lake/*", "arn:aws:s3:::lake"), "Principal": map[string]any{"AWS": some("who", "*", "arn:aws:iam::111122223333:role/r", "444455556666")},
				"Condition": map[string]any{"StringEquals": map[string]any{"aws:PrincipalOrgID": some("org", "o-1", "o-2", "o-3"), "k" + string(rune('a'+i)): "v"}}})
		}
		text := spell(map[string]any{"GetBucketPolicy": map[string]any{"Policy": map[string]any{"Version": "2012-10-17", "Statement": statements}}})
		r := rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed")))
		same := spell(respelt(tree(t, text), r, false))
		if got := between(t, text, same); len(got) > 0 {
			t.Fatalf("%s\nand\n%s\ndiffer in %s", text, same, spell(got))
		}
		more := strings.Replace(same, `"o-1"`, `"o-9"`, 1)
		if strings.Contains(same, `"o-1"`) && strings.Count(same, `"o-1"`) == 1 && len(between(t, text, more)) == 0 {
			t.Fatalf("%s\nand\n%s\ndiffer in nothing", text, more)
		}
	})
}

// A change that a further reply repeats is told once, where it was made; one that
// only looks alike stays.
func TestToldOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		was, is string
		want    []string
	}{
		"a role's trust": {
			`{"Trust":{"A":"1"},"GetRole":{"Role":{"Trust":{"A":"1"}}}}`, `{"Trust":{"A":"2"},"GetRole":{"Role":{"Trust":{"A":"2"}}}}`, []string{"config.Trust.A"}},
		"without a name between":   {`{"A":"1","DescribeX":{"A":"1"}}`, `{"A":"2","DescribeX":{"A":"2"}}`, []string{"config.A"}},
		"another value":            {`{"A":"1","DescribeX":{"A":"1"}}`, `{"A":"2","DescribeX":{"A":"3"}}`, []string{"config.A", "config.DescribeX.A"}},
		"a setting of another one": {`{"Enabled":"1","Logs":{"Enabled":"1"}}`, `{"Enabled":"2","Logs":{"Enabled":"2"}}`, []string{"config.Enabled", "config.Logs.Enabled"}},
	} {
		var got []string
		for _, c := range between(t, tt.was, tt.is) {
			got = append(got, c.Attribute)
		}
		if slices.Sort(got); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

// FuzzPolicies: whatever stands in a configuration, it does not differ from itself.
func FuzzPolicies(f *testing.F) {
	f.Add(`{"Policy":{"Statement":[{"Effect":"Allow","Action":["a:B"],"Principal":"*","Condition":{"Bool":{"k":true}}}]}}`)
	f.Add(`{"Policy":"{\"Statement\":{\"Action\":null}}"}`)
	f.Add(`{"Statement":[{"Effect":1,"Principal":{"AWS":[["x"]]},"Condition":{"a":{"b":{"c":[]}}}}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var was map[string]any
		if json.Unmarshal([]byte(text), &was) != nil || was == nil {
			return
		}
		again := spell(was)
		if got := between(t, again, again); len(got) > 0 {
			t.Errorf("%s differs from itself in %s", again, spell(got))
		}
	})
}

func TestFileOf(t *testing.T) {
	for _, tt := range []struct {
		path, operation string
		want            bool
	}{
		{"1/sagemaker/describe-endpoint/eta.json", "sagemaker:DescribeEndpoint", true},
		{"list-buckets.json", "s3:ListBuckets", true},
		{"iam/get-account-authorization-details.json.gz", "iam:GetAccountAuthorizationDetails", true},
		{"rds/describe-db-instances.json", "rds:DescribeDBInstances", true},
		{"sagemaker/describe-endpoint-config/eta.json", "sagemaker:DescribeEndpoint", false},
		{"s3:ListBuckets", "s3:ListBuckets", false},
		{"a.json", "read", false},
	} {
		if got := fileOf(tt.path, tt.operation); got != tt.want {
			t.Errorf("%s of %s: %v", tt.path, tt.operation, got)
		}
	}
}
