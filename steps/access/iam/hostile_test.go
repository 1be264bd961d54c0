package iam

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
)

// Documents made to be misread or to take for ever. None may panic, pass for
// understood where it is not, or take long.
func TestHostileDocuments(t *testing.T) {
	cases := []struct {
		name string
		doc  string
		want Decision
		says string // in a problem of the policy; empty: it has none
	}{
		{"member twice", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}]}`, Unknown, `"Effect" stands twice`},
		{"member twice, one escaped", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","\u0045ffect":"Allow","Action":"*","Resource":"*"}]}`, Unknown, `"Effect" stands twice`},
		{"statement twice", `{"Version":"2012-10-17","Statement":[],"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`, Unknown, `"Statement" stands twice`},
		{"key twice", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"k":"a","k":"b"}}}]}`, Unknown, `"k" stands twice`},
		{"key twice in other case", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:k":"a","AWS:K":"b"}}}]}`, Unknown, "letter case"},
		{"same name in two objects", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"k":"a"},"StringNotLike":{"k":"b"}}}]}`, Conditional, ""},
		{"brace in a text", `{"Version":"2012-10-17","Statement":[{"Sid":"}{\"Sid\":","Effect":"Allow","Action":"*","Resource":"*"}]}`, Allow, ""},
		{"element in lower case", `{"Version":"2012-10-17","Statement":[{"effect":"Allow","Effect":"Allow","Action":"*","Resource":"*"}]}`, Unknown, "effect"},
		{"unknown element", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Actions":"x"}]}`, Unknown, "Actions"},
		{"effect of no kind", `{"Version":"2012-10-17","Statement":[{"Effect":"ALLOW","Action":"*","Resource":"*"}]}`, Unknown, "Effect"},
		{"no effect, other action", `{"Version":"2012-10-17","Statement":[{"Action":"ec2:*","Resource":"*"},{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`, Allow, "Effect"},
		{"null statement", `{"Version":"2012-10-17","Statement":null}`, Unknown, "Statement"},
		{"statement of nulls", `{"Version":"2012-10-17","Statement":[null]}`, Unknown, "not an object"},
		{"null", `null`, Unknown, "not a JSON object"},
		{"empty", ``, Unknown, "not a JSON object"},
		{"no resource", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*"}]}`, Unknown, ""},
		{"resource of none", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":[]}]}`, Unknown, "Resource"},
		{"principal in an identity policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`, Unknown, ""},
		{"both resources", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","NotResource":"*"}]}`, Unknown, "beside"},
		{"condition null", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":null}]}`, Unknown, "Condition"},
		{"operator null", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":null}}]}`, Unknown, "Condition"},
		{"nested", strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000), Unknown, "not a JSON object"},
		{"ten megabytes", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"` + strings.Repeat("a", 10<<20) + `"}]}`, Unknown, "larger than"},
		{"kelvin sign for a k", "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:Get\u212Aey\",\"Resource\":\"*\"}]}", Deny, ""},
		{"dotless i", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:L` + "\u0131" + `stBucket","Resource":"*"}]}`, Deny, ""},
		{"zero width space", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get` + "\u200b" + `Key","Resource":"*"}]}`, Deny, ""},
		{"full-width colon", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3` + "\uff1a" + `*","Resource":"*"}]}`, Unknown, "names no service"},
		{"full-width star", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:` + "\uff0a" + `","Resource":"*"}]}`, Deny, ""},
		{"kelvin sign in an operator", "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"StringLi\u212Ae\":{\"k\":\"a\"}}}]}", Unknown, "operator"},
		{"letters whose case the service does not tell", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEqualsIgnoreCase":{"k":"` + "straße" + `"}}}]}`, Unknown, "beyond A to Z"},
		{"private use characters are no wildcards", "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"arn:aws:s3:::${aws:username}\uE02A\"}]}", Deny, ""},
		{"byte order mark", "\ufeff" + `{"Version":"2012-10-17","Statement":[]}`, Unknown, "not a JSON object"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			start := processor()
			w := NewWorld()
			p := &Principal{ARN: "arn:aws:iam::" + home + ":user/ada", Kind: User, Account: home, Name: "ada"}
			policy := w.Parse("p", []byte(c.doc))
			p.Policies = []*Policy{policy}
			w.AddPrincipal(p)
			r := Request{Principal: p, Action: "s3:GetKey", Resource: "arn:aws:s3:::ada*", Literal: true}
			if got := w.Explain(r); got.Decision != c.want {
				t.Errorf("got %v, want %v: %+v %v", got.Decision, c.want, got, policy.Problems)
			}
			said := strings.Join(policy.Problems, "\n")
			if c.says == "" && said != "" || !strings.Contains(said, c.says) {
				t.Errorf("problems %q, want %q", said, c.says)
			}
			if took := processor() - start; took > 2 {
				t.Errorf("took %.3f s of processor time", took)
			}
		})
	}
}

// Policies that are read well and made to take for ever. They end soon, with
// the true answer or with Unknown, and never with another.
func TestHostileWork(t *testing.T) {
	long := strings.Repeat("a", 2000)
	stars := strings.Repeat("*a", 200)
	list := func(n int, f func(i int) string) string {
		out := make([]string, n)
		for i := range out {
			out[i] = f(i)
		}
		return strings.Join(out, ",")
	}
	allow := func(rest string) string { return `{"Effect":"Allow","Action":"*","Resource":"*"` + rest + `}` }
	cases := []struct {
		name      string
		statement string
		resource  string
		true_     Decision
	}{
		{"stars against a long text", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::` + stars + `b"}`, "arn:aws:s3:::" + long, Deny},
		{"stars within the parts of an ARN", allow(`,"Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:` + stars + `b:x:y:z"}}`), "arn:aws:s3:::x", Conditional},
		{"many stars that must not meet", allow(`,"Condition":{"StringLike":{"k":"`+stars+`"}}`) + `,{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringLike":{"k":[` + list(100, func(i int) string { return `"` + strings.Repeat("*a", i+1) + `*b*"` }) + `]}}}`, "arn:aws:s3:::x", Conditional},
		{"texts that must lie in a hundred sets", allow(`,"Condition":{"StringLike":{"k":"*a*b*c*d*e*f*"}}`) + "," + list(100, func(i int) string {
			return `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringNotLike":{"k":"*` + strings.Repeat("?", i%7+1) + fmt.Sprint(i) + `*"}}}`
		}), "arn:aws:s3:::x", Conditional},
		{"numbers without end", allow(`,"Condition":{"NumericEquals":{"n":[` + list(20_000, func(i int) string { return fmt.Sprintf(`"%d"`, i) }) + `]},"NumericNotEquals":{"n":[` + list(20_000, func(i int) string { return fmt.Sprintf(`"%d"`, i) }) + `]}}`), "arn:aws:s3:::x", Deny},
		{"choices that contradict each other", allow("") + "," + list(40, func(i int) string {
			return fmt.Sprintf(`{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"k%d":"a","k%d":"b"}}}`, i, i+1)
		}), "arn:aws:s3:::x", Conditional},
		{"more pigeons than holes", allow(list(0, nil)) + "," + list(9, func(i int) string { // nine keys of eight values, no two alike
			return fmt.Sprintf(`{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"ForAllValues:StringNotEquals":{"k%d":[%s]}}}`, i, list(8, func(j int) string { return fmt.Sprintf(`"%d"`, j) }))
		}) + "," + list(8*36, func(n int) string {
			v, pair := n%8, n/8
			a, b := 0, 1
			for range pair {
				if b++; b == 9 {
					a, b = a+1, a+2
				}
			}
			return fmt.Sprintf(`{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"ForAnyValue:StringEquals":{"k%d":"%d","k%d":"%d"}}}`, a, v, b, v)
		}), "arn:aws:s3:::x", Deny},
		{"a variable in a long resource", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::*${saml:sub}*${saml:sub}*"}`, "arn:aws:s3:::" + long, Conditional},
		{"twenty thousand statements", list(20_000, func(i int) string {
			return fmt.Sprintf(`{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"k":"%d"}}}`, i)
		}) + "," + allow(""), "arn:aws:s3:::x", Conditional},
		{"a thousand patterns asked with a pattern", `{"Effect":"Allow","Action":"*","Resource":[` + list(1000, func(i int) string { return fmt.Sprintf(`"arn:aws:s3:::*%d*a*b*c"`, i) }) + `]}`, "arn:aws:s3:::*a*b*c", Conditional},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w, p := lone(c.statement)
			if len(p.Policies[0].Problems) > 0 {
				t.Fatalf("%.300q", p.Policies[0].Problems)
			}
			start := processor()
			got := w.Decide(Request{Principal: p, Action: "s3:GetObject", Resource: c.resource})
			took := processor() - start
			t.Logf("%v in %.3f s", got, took)
			if got != c.true_ && got != Unknown {
				t.Errorf("got %v, want %v or unknown", got, c.true_)
			}
			if took > 1 { // a fraction of that on an idle machine
				t.Errorf("took %.3f s of processor time", took)
			}
			if got == Unknown {
				if a := w.Explain(Request{Principal: p, Action: "s3:GetObject", Resource: c.resource}); len(a.Unknown) == 0 {
					t.Error("no reason given")
				}
			}
		})
	}
}

// processor is the time that the test's threads have run, in seconds: on a busy
// machine the clock says little.
func processor() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
