package expr

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// value evaluates a function over a JSON text and shows its value.
func value(t *testing.T, source, config string) string {
	t.Helper()
	e, err := CompileValue(source)
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	s := NewSubject(asset(config, rootOK), nil, nil, clock)
	defer s.Release()
	return e.Show(s)
}

func TestStatements(t *testing.T) {
	for name, c := range map[string]struct{ doc, want string }{
		"one":           {`{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}}`, `[{"Action":["s3:*"],"Effect":"Allow","Principal":{"AWS":["*"]},"Resource":["*"]}]`},
		"text":          {`"{\"Statement\":[]}"`, `[]`},
		"empty text":    {`""`, `[]`},
		"no statement":  {`{"Version":"2012-10-17"}`, `cannot be told: the policy document has no Statement`},
		"not JSON":      {`"{"`, `cannot be told: the policy document is not JSON: unexpected end of JSON input`},
		"bad effect":    {`{"Statement":[{"Effect":"Permit"}]}`, `cannot be told: statement 1: its Effect is neither Allow nor Deny`},
		"bad action":    {`{"Statement":[{"Effect":"Allow","Action":7}]}`, `cannot be told: statement 1: its Action: a int64 stands where a string should`},
		"bad principal": {`{"Statement":[{"Effect":"Allow","Principal":"arn:x"}]}`, `cannot be told: statement 1: its Principal: "arn:x" is neither * nor an object`},
		"bad condition": {`{"Statement":[{"Effect":"Allow","Condition":{"Bool":true}}]}`, `cannot be told: statement 1: its Condition: Bool holds a bool, not an object`},
		"a number":      {`7`, `cannot be told: the policy document is a int64, not an object`},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			got := value(t, `statements(config.P)`, `{"P":`+c.doc+`}`)
			if !strings.HasPrefix(c.want, strings.TrimSuffix(got, "…")) {
				t.Errorf("got %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestOpenStatements(t *testing.T) {
	anyone := func(cond string) string {
		if cond != "" {
			cond = `,"Condition":{` + cond + `}`
		}
		return `{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"` + cond + `}`
	}
	deny := func(action, cond string) string {
		return `{"Effect":"Deny","Principal":"*","Action":"` + action + `","Resource":"*","Condition":{` + cond + `}}`
	}
	for name, c := range map[string]struct {
		statements string
		open       int
	}{
		"anyone":                    {anyone(""), 1},
		"not some":                  {`{"Effect":"Allow","NotPrincipal":{"AWS":"x"},"Action":"*","Resource":"*"}`, 1},
		"one account":               {`{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"*","Resource":"*"}`, 0},
		"service":                   {`{"Effect":"Allow","Principal":{"Service":"x.amazonaws.com"},"Action":"*","Resource":"*"}`, 0},
		"organisation":              {anyone(`"StringEquals":{"aws:PrincipalOrgID":"o-1"}`), 0},
		"organisation, any case":    {anyone(`"stringequals":{"AWS:principalorgid":["o-1","o-2"]}`), 0},
		"organisation, star":        {anyone(`"StringLike":{"aws:PrincipalOrgID":"*"}`), 1},
		"one of two is a star":      {anyone(`"StringLike":{"aws:PrincipalOrgID":["o-1","*"]}`), 1},
		"if exists":                 {anyone(`"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-1"}`), 1},
		"for all values":            {anyone(`"ForAllValues:StringEquals":{"aws:PrincipalOrgPaths":"o-1/*"}`), 1},
		"for any value":             {anyone(`"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-1/*"}`), 0},
		"negative":                  {anyone(`"StringNotEquals":{"aws:PrincipalOrgID":"o-1"}`), 1},
		"transport only":            {anyone(`"Bool":{"aws:SecureTransport":"true"}`), 1},
		"referer":                   {anyone(`"StringLike":{"aws:Referer":"https://x/*"}`), 1},
		"address":                   {anyone(`"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}`), 0},
		"every address":             {anyone(`"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}`), 1},
		"half of all addresses":     {anyone(`"IpAddress":{"aws:SourceIp":["0.0.0.0/1","128.0.0.0/1"]}`), 1},
		"source arn":                {anyone(`"ArnLike":{"aws:SourceArn":"arn:aws:cloudfront::111122223333:distribution/E1"}`), 0},
		"any source arn":            {anyone(`"ArnLike":{"aws:SourceArn":"arn:aws:s3:*:*:*"}`), 1},
		"fenced by deny":            {anyone("") + "," + deny("s3:*", `"StringNotEquals":{"aws:PrincipalOrgID":"o-1"}`), 0},
		"deny of another action":    {anyone("") + "," + deny("s3:PutObject", `"StringNotEquals":{"aws:PrincipalOrgID":"o-1"}`), 1},
		"deny with another reason":  {anyone("") + "," + deny("s3:*", `"StringNotEquals":{"aws:PrincipalOrgID":"o-1"},"Bool":{"aws:SecureTransport":"false"}`), 1},
		"deny of transport":         {anyone("") + "," + deny("s3:*", `"Bool":{"aws:SecureTransport":"false"}`), 1},
		"deny of all but a network": {anyone("") + "," + deny("*", `"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}`), 0},
	} {
		t.Run(strings.NewReplacer(" ", "_", ",", "").Replace(name), func(t *testing.T) {
			got := value(t, `openStatements(config.P).size()`, `{"P":{"Statement":[`+c.statements+`]}}`)
			if got != fmt.Sprint(c.open) {
				t.Errorf("open statements %s, want %d", got, c.open)
			}
		})
	}
}

func TestIsSecret(t *testing.T) {
	for _, c := range []struct {
		name, value string
		want        bool
	}{
		{"DB_PASSWORD", "correct-horse", true}, {"dbPassword", "correct-horse", true}, {"HF_TOKEN", "abcdefgh", true}, {"API_KEY", "12345678", true},
		{"ANYTHING", "sk-ant-" + strings.Repeat("x9", 20), true}, {"DATABASE_URL", "postgres://app:pw@db/x", true}, {"X", "sevenfold:masked(token,3)", true},
		{"KEY", "-----BEGIN RSA PRIVATE KEY-----\nabc", true}, {"api.key", "abcd1234", true},
		{"MAX_TOKENS", "4096", false}, {"TOKENIZER", "bert-base", false}, {"PASSWORD_FILE", "/run/pw", false}, {"DB_SECRET", "arn:aws:secretsmanager:x", false},
		{"DB_PASSWORD", "${DB_PASSWORD}", false}, {"DB_PASSWORD", "$(DB_PASSWORD)", false}, {"DB_PASSWORD", "", false}, {"OPENAI_API_KEY", "EMPTY", false}, {"USE_TOKEN", "true", false}, {"TOKEN_URL", "https://idp/token", false},
		{"API_KEY", "{{resolve:secretsmanager:x}}", false}, {"DATABASE_URL", "postgres://app@db/x", false}, {"DATABASE_URL", "postgres://app:$PW@db/x", false}, {"AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE", false},
	} {
		if got := IsSecret(c.name, c.value); got != c.want {
			t.Errorf("%s=%s: %v, want %v", c.name, c.value, got, c.want)
		}
	}
}

func TestKubernetesFacts(t *testing.T) {
	pod := func(c string) string {
		return `{"kind":"Pod","spec":{"containers":[` + c + `],"initContainers":[{"name":"i"}]}}`
	}
	for source, c := range map[string]struct{ config, want string }{
		`containers(config).map(c, c.name)`:                                                        {pod(`{"name":"a"}`), `["a","i"]`},
		`words(config.spec.containers[0])`:                                                         {pod(`{"command":["sh","-c","exec vllm serve 'm' --host=0.0.0.0"],"args":["--x y"]}`), `["sh","-c","exec","vllm","serve","m","--host=0.0.0.0","--x y"]`},
		`flag(config.spec.containers[0], "--host")`:                                                {pod(`{"args":["--host","a","--host=b"]}`), `b`},
		`flag(config.spec.containers[0], "--dry-run")`:                                             {pod(`{"args":["--dry_run","--x"]}`), ``},
		`flag(config.spec.containers[0], "--no")`:                                                  {pod(`{"args":["--nope"]}`), `not set`},
		`containers(config).size()`:                                                                {`{"kind":"Rocket"}`, `cannot be told: where kind "Rocket" of group "" describes its pods is not known`},
		`podSpecs(config).size()`:                                                                  {`{"apiVersion":"ray.io/v1","kind":"RayCluster","spec":{"headGroupSpec":{"template":{"spec":{}}},"workerGroupSpecs":[{"template":{"spec":{}}},{"template":{"spec":{}}}]}}`, `3`},
		`podSpecs(config).map(s, s.nodeName)`:                                                      {`{"apiVersion":"kubeflow.org/v1","kind":"PyTorchJob","spec":{"pytorchReplicaSpecs":{"Worker":{"template":{"spec":{"nodeName":"w"}}},"Master":{"template":{"spec":{"nodeName":"m"}}}}}}`, `["m","w"]`},
		`podSpecs(config)[0].restartPolicy`:                                                        {`{"apiVersion":"batch/v1","kind":"CronJob","spec":{"jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never"}}}}}}`, `Never`},
		`containers(config).map(c, c.storageUri)`:                                                  {`{"apiVersion":"serving.kserve.io/v1beta1","kind":"InferenceService","spec":{"predictor":{"model":{"storageUri":"s3://m"}}}}`, `["s3://m"]`},
		`podSpecs(config)`:                                                                         {`{"apiVersion":"apps/v1","kind":"Deployment","spec":{"template":[]}}`, `cannot be told: what should hold spec is a list, not an object`},
		`containers(config).map(c, c.image)`:                                                       {`{"apiVersion":"batch.volcano.sh/v1alpha1","kind":"Job","spec":{"tasks":[{"template":{"spec":{"containers":[{"image":"a"}]}}}]}}`, `["a"]`},
		`podSpecs(config).map(s, s.hostNetwork)`:                                                   {`{"apiVersion":"jobset.x-k8s.io/v1alpha2","kind":"JobSet","spec":{"replicatedJobs":[{"template":{"spec":{"template":{"spec":{"hostNetwork":true}}}}}]}}`, `[true]`},
		`containers(config).exists(c, true)`:                                                       {`{"apiVersion":"batch.example.com/v1","kind":"Job","spec":{"template":{"spec":{}}}}`, `cannot be told: where kind "Job" of group "batch.example.com" describes its pods is not known`},
		`secretArguments(config.spec.containers[0])`:                                               {pod(`{"command":["serve","--api-key","sevenfold:masked(token,9)","--token=$(TOKEN)","--max-tokens","4096","--password=correct-horse"],"args":["sh","-c","export HF_TOKEN=abcdefgh && run"]}`), `["api-key","password","HF_TOKEN"]`},
		`secretArguments(config.spec.containers[1])`:                                               {`{"kind":"Pod","spec":{"containers":[{},{"args":["clone","https://x:pw12@git/a"]}]}}`, `["argument"]`},
		`world("0.0.0.0/0") && world("::/0") && !world("10.0.0.0/8")`:                              {`{}`, `true`},
		`accountOf("arn:aws:iam::111122223333:root") + accountOf("222233334444") + accountOf("x")`: {`{}`, `111122223333222233334444`},
		`stamp(1700000000) == stamp("2023-11-14T22:13:20+00:00") && stamp(1700000000.5) > stamp("2023-11-14T22:13:20Z")`: {`{}`, `true`},
		`stamp("soon")`: {`{}`, `cannot be told: "soon" is not a time`},
	} {
		t.Run("", func(t *testing.T) {
			if got := value(t, source, c.config); got != c.want {
				t.Errorf("%s: got %s, want %s", source, got, c.want)
			}
		})
	}
}

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"*", "", true}, {"s3:*", "s3:get", true}, {"s3:get?bject", "s3:getobject", true}, {"*a*b*c", "xxaxxbxxc", true}, {"*a*b*c", "xxaxxbxx", false}, {"a", "ab", false}, {"", "", true}, {"**", "x", true}, {"a?", "a", false},
	} {
		if got := Glob(c.pattern, c.s); got != c.want {
			t.Errorf("Glob(%q, %q) = %v", c.pattern, c.s, got)
		}
	}
	if Glob(strings.Repeat("a*", 200)+"b", strings.Repeat("a", 20_000)) {
		t.Error("matched")
	}
}

func TestShowHidesSecrets(t *testing.T) {
	config := `{"Env":{"DB_PASSWORD":"correct-horse","PLAIN":"x"},"List":[{"name":"API_KEY","value":"abcd1234"}],"Url":"postgres://a:pw@db/x"}`
	got := value(t, `config`, config)
	for _, secret := range []string{"correct-horse", "abcd1234", "pw@"} {
		if strings.Contains(got, secret) {
			t.Errorf("%s shows %s", got, secret)
		}
	}
	if !strings.Contains(got, "PLAIN") {
		t.Errorf("nothing is left of %s", got)
	}
	long, _ := json.Marshal(map[string]string{"A": strings.Repeat("é", 1000)})
	if n := len([]rune(value(t, `config.A`, string(long)))); n != maxShown {
		t.Errorf("%d characters are shown", n)
	}
	if d := cmp.Diff("not set", value(t, `config.Nothing`, `{}`)); d != "" {
		t.Error(d)
	}
}
