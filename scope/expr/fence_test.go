package expr

import (
	"fmt"
	"strings"
	"testing"
)

// openOf says how many statements of a policy are open to strangers.
func openOf(t *testing.T, statements ...string) string {
	t.Helper()
	return value(t, `openStatements(config.P).size()`, `{"P":{"Statement":[`+strings.Join(statements, ",")+`]}}`)
}

func allowAnyone(cond string) string {
	return `{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*","Condition":{` + cond + `}}`
}

// What a stranger can meet, in an account of their own, fences nobody.
func TestFences(t *testing.T) {
	for _, c := range []struct {
		cond string
		open int
	}{
		{`"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}`, 1},
		{`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/ci-*"}`, 1},
		{`"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*"}`, 1},
		{`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::11112222333?:role/ci"}`, 1},
		{`"ArnLike":{"aws:PrincipalArn":["arn:aws:iam::111122223333:role/ci","arn:aws:iam::*:role/ci"]}`, 1},
		{`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/*"}`, 0},
		{`"ArnLike":{"aws:SourceArn":"arn:aws:execute-api:*:*:*/*/GET/x"}`, 1},
		{`"ArnLike":{"aws:SourceArn":"arn:aws:s3:::*"}`, 1},
		{`"ArnLike":{"aws:SourceArn":"arn:aws:s3:::uploads"}`, 0},
		{`"ArnEquals":{"aws:SourceVpcArn":"arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-1"}`, 0},
		{`"StringEquals":{"aws:username":"alice"}`, 1},
		{`"StringLike":{"aws:username":"data-*"}`, 1},
		{`"StringLike":{"aws:userid":"AROAEXAMPLE:*"}`, 0},
		{`"StringLike":{"aws:userid":"*:alice"}`, 1},
		{`"StringLike":{"aws:PrincipalOrgID":"o-*"}`, 1},
		{`"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-a1/r-b2/*"}`, 0},
		{`"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-*/r-b2/*"}`, 1},
		{`"StringEquals":{"aws:VpceOrgID":"o-abc"}`, 0},
		{`"StringLike":{"aws:SourceVpce":"vpce-*"}`, 1},
		{`"Bool":{"aws:PrincipalIsAWSService":"true"}`, 0},
		{`"Bool":{"aws:PrincipalIsAWSService":true}`, 0},
		{`"Bool":{"aws:PrincipalIsAWSService":"false"}`, 1},
		{`"BoolIfExists":{"aws:PrincipalIsAWSService":"true"}`, 1},
		{`"Bool":{"aws:MultiFactorAuthPresent":"true"}`, 1},
		{`"IpAddress":{"aws:SourceIp":["0.0.0.0/6","8.0.0.0/6","16.0.0.0/6","24.0.0.0/6"]}`, 1},
		{`"IpAddress":{"aws:SourceIp":["203.0.113.0/24","198.51.100.7"]}`, 0},
		{`"IpAddress":{"aws:SourceIp":"somewhere"}`, 1},
		{`"IpAddress":{"aws:VpcSourceIp":"10.0.0.0/16"}`, 1},
		{`"IpAddress":{"aws:VpcSourceIp":"10.0.0.0/16"},"StringEquals":{"aws:SourceVpc":"vpc-1"}`, 0},
	} {
		if got := openOf(t, allowAnyone(c.cond)); got != fmt.Sprint(c.open) {
			t.Errorf("%s: %s open statements, want %d", c.cond, got, c.open)
		}
	}
}

// A Deny statement keeps strangers out when it is for all of them, in all that
// is granted, whatever they send.
func TestTurnsAway(t *testing.T) {
	const org = `"StringNotEquals":{"aws:PrincipalOrgID":"o-abc"}`
	deny := func(who, what, cond string) string {
		return `{"Effect":"Deny",` + who + `,` + what + `,"Condition":{` + cond + `}}`
	}
	const all, bucket = `"Principal":"*"`, `"Action":"s3:*","Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]`
	for name, c := range map[string]struct {
		deny string
		open int
	}{
		"perimeter":                   {deny(all, bucket, `"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-abc"},"BoolIfExists":{"aws:PrincipalIsAWSService":"false"}`), 0},
		"perimeter, unsigned get by":  {deny(all, bucket, `"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-abc"},"Bool":{"aws:PrincipalIsAWSService":"false"}`), 1},
		"only AWS services":           {deny(all, bucket, `"BoolIfExists":{"aws:PrincipalIsAWSService":"true"}`), 1},
		"by way of a service":         {deny(all, bucket, org+`,"BoolIfExists":{"aws:ViaAWSService":"false"}`), 1},
		"all but own root":            {deny(`"NotPrincipal":{"AWS":"arn:aws:iam::111122223333:root"}`, bucket, ``), 0},
		"all but everybody":           {deny(`"NotPrincipal":{"AWS":"*"}`, bucket, ``), 1},
		"all but own root, no TLS":    {deny(`"NotPrincipal":{"AWS":"arn:aws:iam::111122223333:root"}`, bucket, `"Bool":{"aws:SecureTransport":"false"}`), 1},
		"one account":                 {deny(`"Principal":{"AWS":"arn:aws:iam::999988887777:root"}`, bucket, ``), 1},
		"user name":                   {deny(all, bucket, org+`,"StringNotLike":{"aws:username":"x*"}`), 1},
		"network or endpoint":         {deny(all, bucket, `"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"},"StringNotEquals":{"aws:SourceVpce":"vpce-1"}`), 0},
		"spared ranges are the world": {deny(all, bucket, `"NotIpAddress":{"aws:SourceIp":["0.0.0.0/1","128.0.0.0/1"]}`), 1},
		"spared arns are anybody's":   {deny(all, bucket, `"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}`), 1},
		"all but reading":             {deny(all, `"NotAction":"s3:GetObject","Resource":"*"`, org), 1},
		"all but writing":             {deny(all, `"NotAction":"s3:PutObject","Resource":"*"`, org), 0},
		"all but this bucket":         {deny(all, `"Action":"*","NotResource":"arn:aws:s3:::b/*"`, org), 1},
		"all but another bucket":      {deny(all, `"Action":"*","NotResource":"arn:aws:s3:::c/*"`, org), 0},
		"no resource":                 {deny(all, `"Action":"*"`, org), 1},
	} {
		if got := openOf(t, allowAnyone(""), c.deny); got != fmt.Sprint(c.open) {
			t.Errorf("%s: %s open statements, want %d", name, got, c.open)
		}
	}
}

func TestTied(t *testing.T) {
	for cond, want := range map[string]string{
		``: "false",
		`"StringEquals":{"aws:RequestedRegion":"eu-west-1"}`:                      "false",
		`"Bool":{"aws:SecureTransport":"true"}`:                                   "false",
		`"StringEquals":{"sts:ExternalId":"7Q"}`:                                  "true",
		`"StringLike":{"sts:ExternalId":"*"}`:                                     "false",
		`"Bool":{"aws:MultiFactorAuthPresent":true}`:                              "true",
		`"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}`:                    "false",
		`"Bool":{"aws:MultiFactorAuthPresent":"false"}`:                           "false",
		`"StringEquals":{"aws:PrincipalOrgID":"o-abc"}`:                           "true",
		`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/deploy"}`:             "true",
		`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}`:                  "false",
		`"StringEquals":{"aws:PrincipalTag/team":"ml"}`:                           "true",
		`"StringEqualsIfExists":{"aws:PrincipalTag/team":"ml"}`:                   "false",
		`"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}`:                                "false",
		`"StringNotEquals":{"aws:PrincipalOrgID":"o-abc"}`:                        "false",
		`"ArnLike":{"aws:PrincipalArn":["arn:aws:iam::*:role/deploy","arn:aws"]}`: "false",
	} {
		got := value(t, `tied(config.S)`, `{"S":{"Effect":"Allow","Principal":{"AWS":"999988887777"},"Action":"*","Condition":{`+cond+`}}}`)
		if got != want {
			t.Errorf("%s: tied %s, want %s", cond, got, want)
		}
	}
}

func TestAnyToken(t *testing.T) {
	const gh, eks = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com", "arn:aws:iam::111122223333:oidc-provider/oidc.eks.x/id/A"
	for _, c := range []struct{ provider, cond, want string }{
		{gh, ``, "true"},
		{gh, `"StringLike":{"G:sub":"*"}`, "true"},
		{gh, `"StringLike":{"G:sub":"repo:*"}`, "true"},
		{gh, `"StringLike":{"G:sub":"repo:*/*:ref:refs/heads/main"}`, "true"},
		{gh, `"StringLike":{"G:sub":"repo:acme*"}`, "true"},
		{gh, `"StringLike":{"G:sub":"repo:?cme/models:*"}`, "true"},
		{gh, `"StringLike":{"G:sub":["repo:acme/models:*","repo:*"]}`, "true"},
		{gh, `"StringLike":{"G:sub":"repo:acme/*"}`, "false"},
		{gh, `"StringEquals":{"G:sub":"repo:acme/models:ref:refs/heads/main"}`, "false"},
		{gh, `"StringEqualsIfExists":{"G:sub":"repo:acme/models:ref:refs/heads/main"}`, "true"},
		{gh, `"StringLike":{"G:repository":"acme/*"}`, "false"},
		{gh, `"StringLike":{"G:repository":"*/models"}`, "true"},
		{gh, `"StringEquals":{"G:repository_owner":"acme"}`, "false"},
		{gh, `"StringEquals":{"G:aud":"sts.amazonaws.com"}`, "true"},
		{gh, `"StringLike":{"G:job_workflow_ref":"acme/flows/.github/workflows/train.yml@*"}`, "false"},
		{eks, `"StringLike":{"oidc:sub":"system:serviceaccount:*:*"}`, "true"},
		{eks, `"StringLike":{"oidc:sub":"system:serviceaccount:ml*:train"}`, "true"},
		{eks, `"StringLike":{"oidc:sub":"system:serviceaccount:ml:*"}`, "false"},
		{eks, `"StringLike":{"gitlab.com:sub":"project_path:group/*:ref_type:branch:ref:main"}`, "false"},
		{eks, `"StringLike":{"app.terraform.io:sub":"organization:acme:project:*"}`, "false"},
		{"accounts.google.com", ``, "true"},
		{"accounts.google.com", `"StringEquals":{"accounts.google.com:aud":"66677788899900pro0"}`, "false"},
		{"cognito-identity.amazonaws.com", `"ForAnyValue:StringLike":{"cognito-identity.amazonaws.com:amr":"authenticated"}`, "true"},
		{"cognito-identity.amazonaws.com", `"StringEquals":{"cognito-identity.amazonaws.com:aud":"eu-west-1:0a1b"}`, "false"},
		{"arn:aws:iam::111122223333:saml-provider/corp", ``, "false"},
	} {
		got := value(t, `anyToken(config.S)`, `{"S":{"Effect":"Allow","Principal":{"Federated":"`+c.provider+`"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{`+c.cond+`}}}`)
		if got != c.want {
			t.Errorf("%s with %s: any token %s, want %s", c.provider, c.cond, got, c.want)
		}
	}
}
