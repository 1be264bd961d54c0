package iam

import (
	"strings"
	"testing"
)

// FuzzParse holds that no document makes the parser panic, that one that is
// not understood says why, and that deciding with it ends.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`,
		`{"Version":"2012-10-17","Statement":{"Sid":"a","Effect":"Deny","NotAction":["iam:*","s?:G*"],"NotResource":["arn:aws:s3:::b/${aws:username}/*","${*}"],"Condition":{"StringEquals":{"aws:PrincipalTag/x":["a","${aws:userid, 'z'}"]},"NumericLessThan":{"n":"3"},"DateGreaterThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"},"IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"ForAllValues:StringLike":{"k":"a*"},"Null":{"k":"true"},"BoolIfExists":{"b":"false"},"ArnLike":{"aws:SourceArn":"arn:aws:*:*:*:x*"}}}}`,
		`{"Version":"2008-10-17","Id":"x","Statement":[{"Effect":"Allow","Principal":{"AWS":["111122223333","*","arn:aws:sts::111122223333:assumed-role/r/s"],"Service":"a.amazonaws.com","Federated":"f","CanonicalUser":"c"},"Action":"*","Resource":"*"}]}`,
		`%7B%22Version%22%3A%222012-10-17%22%7D`, `"{\"Statement\":[]}"`, `null`, `[]`, `{"Statement":[{"Effect":1}]}`, `{"a":1,"a":2}`,
	} {
		f.Add([]byte(s), "s3:GetObject", "arn:aws:s3:::b/ada/x", false)
	}
	f.Add([]byte(`{}`), "s3:*", "arn:aws:s3:::*", true)
	f.Fuzz(func(t *testing.T, doc []byte, action, resource string, literal bool) {
		w := NewWorld()
		w.AddAccount(&Account{ID: home})
		policy := w.Parse("p", doc)
		if policy.unread != "" && len(policy.Problems) == 0 {
			t.Fatal("not understood and says nothing")
		}
		for i := range policy.Statements {
			if policy.Statements[i].wrong != "" && len(policy.Problems) == 0 {
				t.Fatal("a statement is not understood and the policy says nothing")
			}
		}
		p := &Principal{ARN: "arn:aws:iam::" + home + ":role/ada", Kind: Role, Account: home, Name: "ada", Policies: []*Policy{policy}}
		w.AddPrincipal(p)
		w.AddResource(&Resource{ARN: resource, Account: home, Policy: policy})
		r := Request{Principal: p, Action: action, Resource: resource, Literal: literal}
		start := processor()
		got := w.Explain(r)
		if took := processor() - start; took > 5 {
			t.Fatalf("took %.1f s", took)
		}
		if d := w.Decide(r); d != got.Decision {
			t.Fatalf("Decide says %v, Explain %v", d, got.Decision)
		}
		if got.Decision == Unknown && len(got.Unknown) == 0 {
			t.Fatal("unknown without a reason")
		}
		if policy.unread != "" && got.Decision == Allow {
			t.Fatal("allowed by a policy that was not understood")
		}
		p.Boundary = policy
		w.Decide(r)
		w.Compare([]*Policy{policy}, []*Policy{policy})
	})
}

// FuzzPatterns holds matching, covering and meeting against each other and
// against the plain way of matching.
func FuzzPatterns(f *testing.F) {
	f.Add("a*b?", "a*", "axxb1", false)
	f.Add("*a*", "b*a?c", "bac", true)
	f.Add("**", "?", "", false)
	f.Add("S3:Get*", "s3:*", "s3:getobject", true)
	f.Fuzz(func(t *testing.T, a, b, s string, fold bool) {
		if len(a)+len(b)+len(s) > 200 || !ascii(a+b+s) {
			return
		}
		p, q := NewPattern(a, fold), NewPattern(b, fold)
		plain := func(pattern string) bool {
			if fold {
				return glob(strings.ToLower(collapse(pattern)), strings.ToLower(s))
			}
			return glob(collapse(pattern), s)
		}
		if strings.Count(a, "*") < 6 && p.Match(s) != plain(a) {
			t.Fatalf("%q matches %q: %v", a, s, p.Match(s))
		}
		if p.Match(s) && q.Match(s) && !p.Meets(&q) {
			t.Fatalf("%q and %q meet in %q", a, b, s)
		}
		if p.Covers(&q) && q.Match(s) && !p.Match(s) {
			t.Fatalf("%q does not cover %q: %q", a, b, s)
		}
		if p.Covers(&q) && !p.Meets(&q) {
			t.Fatalf("%q covers %q and does not meet it", a, b)
		}
		budget := maxWork
		if w, found, err := search([]set{{p}}, []set{{q}}, &budget); err == nil && found && (!p.Match(w) || q.Match(w)) {
			t.Fatalf("%q is no witness that %q is not covered by %q", w, a, b)
		} else if err == nil && found == q.Covers(&p) {
			t.Fatalf("search and Covers disagree on %q in %q", a, b)
		}
	})
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// collapse takes doubled stars out, by which the plain way would take for ever.
func collapse(s string) string {
	for strings.Contains(s, "**") {
		s = strings.ReplaceAll(s, "**", "*")
	}
	return s
}
