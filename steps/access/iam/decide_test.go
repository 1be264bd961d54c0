package iam

import (
	"fmt"
	"testing"
)

const home = "111122223333"

func doc(statements string) []byte {
	return []byte(`{"Version":"2012-10-17","Statement":[` + statements + `]}`)
}

// lone is a world of one account with one user of the given policies.
func lone(policies ...string) (*World, *Principal) {
	w := NewWorld()
	w.AddAccount(&Account{ID: home})
	p := &Principal{ARN: "arn:aws:iam::" + home + ":user/ada", Kind: User, Account: home, Name: "ada"}
	for i, s := range policies {
		p.Policies = append(p.Policies, w.Parse(fmt.Sprintf("policy/%d", i), doc(s)))
	}
	w.AddPrincipal(p)
	return w, p
}

func TestIdentityPolicies(t *testing.T) {
	cases := []struct {
		name      string
		statement string
		action    string
		resource  string
		context   map[string][]string
		want      Decision
	}{
		{"named", `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`, "s3:GetObject", "arn:aws:s3:::b/k", nil, Allow},
		{"action case", `{"Effect":"Allow","Action":"S3:getOBJECT","Resource":"*"}`, "s3:GetObject", "arn:aws:s3:::b/k", nil, Allow},
		{"resource case", `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::B/*"}`, "s3:GetObject", "arn:aws:s3:::b/k", nil, Deny},
		{"other", `{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}`, "s3:PutObject", "arn:aws:s3:::b/k", nil, Deny},
		{"not action", `{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`, "s3:PutObject", "arn:aws:s3:::b/k", nil, Allow},
		{"variable", `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username}/*"}`, "s3:PutObject", "arn:aws:s3:::b/ada/x", nil, Allow},
		{"variable of another", `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username}/*"}`, "s3:PutObject", "arn:aws:s3:::b/bob/x", nil, Deny},
		{"open variable", `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${saml:sub}/*"}`, "s3:PutObject", "arn:aws:s3:::b/bob/x", nil, Conditional},
		{"open key", `{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}`, "s3:PutObject", "arn:aws:s3:::b/x", nil, Conditional},
		{"given key", `{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}`, "s3:PutObject", "arn:aws:s3:::b/x", map[string][]string{"aws:sourceip": {"10.1.1.1"}}, Allow},
		{"given absent", `{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}`, "s3:PutObject", "arn:aws:s3:::b/x", map[string][]string{"aws:sourceip": {}}, Deny},
		{"contradiction", `{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"s3:prefix":"a"},"StringLike":{"s3:prefix":"b*"}}}`, "s3:PutObject", "arn:aws:s3:::b/x", nil, Deny},
		{"tautology", `{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"k":"a"}}},{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringNotEquals":{"k":"a"}}}`, "s3:PutObject", "arn:aws:s3:::b/x", nil, Allow},
		{"deny covers", `{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringLike":{"k":"ab*"}}},{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"StringLike":{"k":"a*"}}}`, "s3:PutObject", "arn:aws:s3:::b/x", nil, Deny},
		{"deny leaves some", `{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringLike":{"k":"a*"}}},{"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"StringLike":{"k":"ab*"}}}`, "s3:PutObject", "arn:aws:s3:::b/x", nil, Conditional},
		{"unknown operator", `{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringMatches":{"k":"a"}}}`, "s3:PutObject", "arn:aws:s3:::b/x", nil, Unknown},
		{"unknown operator elsewhere", `{"Effect":"Allow","Action":"sqs:*","Resource":"*","Condition":{"StringMatches":{"k":"a"}}},{"Effect":"Allow","Action":"s3:*","Resource":"*"}`, "s3:PutObject", "arn:aws:s3:::b/x", nil, Allow},
		{"unknown does not matter", `{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringMatches":{"k":"a"}}},{"Effect":"Deny","Action":"s3:*","Resource":"*"}`, "s3:PutObject", "arn:aws:s3:::b/x", nil, Deny},
		{"resource pattern", `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/a*"}`, "s3:PutObject", "arn:aws:s3:::b/*", nil, Conditional},
		{"resource pattern within", `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/a*"}`, "s3:PutObject", "arn:aws:s3:::b/ab*", nil, Allow},
		{"resource pattern denied", `{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::b/a*"}`, "s3:PutObject", "arn:aws:s3:::b/ab*", nil, Deny},
		{"action pattern", `{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}`, "s3:*", "arn:aws:s3:::b/ab", nil, Conditional},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w, p := lone(c.statement)
			r := Request{Principal: p, Action: c.action, Resource: c.resource, Context: c.context}
			if got := w.Decide(r); got != c.want {
				t.Errorf("Decide: got %v, want %v: %+v", got, c.want, w.Explain(r))
			}
			if got := w.Explain(r).Decision; got != c.want {
				t.Errorf("Explain: got %v, want %v", got, c.want)
			}
		})
	}
}

// A unique id that a policy names is a role's or a user's, as its prefix says,
// and never the root user's.
func TestUniqueIDs(t *testing.T) {
	const trusting = "arn:aws:iam::" + home + ":role/trusting"
	tests := map[string]struct {
		kind Kind
		id   string
		want Decision
	}{
		"a role's for a role not read": {Role, "AROAGONE", Unknown},
		"a role's for a user":          {User, "AROAGONE", Deny},
		"a user's for a user not read": {User, "AIDAGONE", Unknown},
		"a user's for the root user":   {Root, "AIDAGONE", Deny},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := NewWorld()
			w.AddAccount(&Account{ID: home})
			p := &Principal{ARN: "arn:aws:iam::" + home + ":x/x", Kind: tt.kind, Account: home, Name: "x"}
			w.AddResource(&Resource{ARN: trusting, Account: home, Policy: w.Parse("trust", doc(`{"Effect":"Allow","Principal":{"AWS":"`+tt.id+`"},"Action":"sts:AssumeRole"}`))})
			if got := w.Decide(Request{Principal: p, Action: "sts:AssumeRole", Resource: trusting}); got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}
