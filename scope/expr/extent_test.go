package expr

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestGrantsAll(t *testing.T) {
	for name, c := range map[string]struct{ statements, iam, sagemaker string }{
		"all":                          {`{"Effect":"Allow","Action":"*","Resource":"*"}`, "true", "true"},
		"all, by stars":                {`{"Effect":"Allow","Action":"*:*","Resource":"arn:aws:*"}`, "true", "true"},
		"all of IAM":                   {`{"Effect":"Allow","Action":"IAM:*","Resource":"*"}`, "true", "false"},
		"all of IAM by its ARN":        {`{"Effect":"Allow","Action":"iam:*","Resource":"arn:aws:iam::111122223333:*"}`, "true", "false"},
		"all roles":                    {`{"Effect":"Allow","Action":"iam:*","Resource":"arn:aws:iam::111122223333:role/*"}`, "false", "false"},
		"own user":                     {`{"Effect":"Allow","Action":"iam:*","Resource":"arn:aws:iam::*:user/${aws:username}"}`, "false", "false"},
		"reading IAM":                  {`{"Effect":"Allow","Action":["iam:Get*","iam:List*"],"Resource":"*"}`, "false", "false"},
		"of another service":           {`{"Effect":"Allow","Action":"sagemaker:*","Resource":"arn:aws:s3:::*"}`, "false", "false"},
		"all of SageMaker":             {`{"Effect":"Allow","Action":"SageMaker:*","Resource":"arn:aws:sagemaker:*:*:*"}`, "false", "true"},
		"all but one bucket":           {`{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::logs"}`, "true", "true"},
		"all but all":                  {`{"Effect":"Allow","Action":"*","NotResource":"*"}`, "false", "false"},
		"all but one action":           {`{"Effect":"Allow","NotAction":"s3:DeleteBucket","Resource":"*"}`, "true", "true"},
		"power user":                   {`{"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"}`, "false", "true"},
		"all but one IAM action":       {`{"Effect":"Allow","NotAction":"iam:CreateUser","Resource":"*"}`, "true", "true"},
		"any region":                   {`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"aws:RequestedRegion":"*"}}}`, "true", "true"},
		"by TLS":                       {`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}`, "true", "true"},
		"with second factor":           {`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`, "false", "false"},
		"no region":                    {`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringNotLike":{"aws:RequestedRegion":"*"}}}`, "false", "false"},
		"taken away":                   {`{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*"}`, "false", "false"},
		"all but SageMaker taken away": {`{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","NotAction":"sagemaker:*","Resource":"*"}`, "false", "true"},
		"taken away, one bucket":       {`{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::logs"}`, "true", "true"},
		"taken away, conditionally":    {`{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`, "true", "true"},
		"no resource":                  {`{"Effect":"Allow","Action":"*"}`, "false", "false"},
		"only a Deny":                  {`{"Effect":"Deny","Action":"*","Resource":"*"}`, "false", "false"},
	} {
		for action, want := range map[string]string{"iam:*": c.iam, "sagemaker:*": c.sagemaker} {
			if got := value(t, `grantsAll(config.P, "`+action+`")`, `{"P":{"Statement":[`+c.statements+`]}}`); got != want {
				t.Errorf("%s: grants %s on everything: %s, want %s", name, action, got, want)
			}
		}
	}
	if got := value(t, `grantsAll(config.P, "iam:*")`, `{"P":{}}`); got != "cannot be told: the policy document has no Statement" {
		t.Errorf("a document without statements: %s", got)
	}
}

// Whatever a text of either pattern's own making matches in the other shows that
// they overlap; and overlap says nothing of the order.
func TestOverlap(t *testing.T) {
	pattern := rapid.StringMatching(`[ab*?]{0,7}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := pattern.Draw(t, "a"), pattern.Draw(t, "b")
		text := rapid.StringMatching(`[ab]{0,8}`).Draw(t, "text")
		if Glob(a, text) && Glob(b, text) && !overlap(a, b) {
			t.Fatalf("%q and %q both match %q", a, b, text)
		}
		if overlap(a, b) != overlap(b, a) {
			t.Fatalf("the order of %q and %q matters", a, b)
		}
		re := regexp.MustCompile("^" + strings.NewReplacer("*", ".*", "?", ".").Replace(a) + "$")
		if !strings.ContainsAny(b, "*?") && overlap(a, b) != re.MatchString(b) {
			t.Fatalf("%q and the text %q: %v", a, b, overlap(a, b))
		}
	})
	for _, c := range []struct {
		a, b string
		want bool
	}{{"", "", true}, {"*", "", true}, {"?", "", false}, {"s3:get*", "s3:*object", true}, {"s3:*", "iam:*", false}, {"a*b", "*c", false}, {"a?", "?b", true}, {"**", "?", true}} {
		if got := overlap(c.a, c.b); got != c.want {
			t.Errorf("%q and %q overlap: %v, want %v", c.a, c.b, got, c.want)
		}
	}
}
