package iam

import (
	"testing"
)

const guide = "https://docs.aws.amazon.com/IAM/latest/UserGuide/"

// TestSemantics are rules that are easily got wrong, each with the page that
// states it. test/truth/iam has many more, in a form that others can run.
func TestSemantics(t *testing.T) {
	const (
		role  = "arn:aws:iam::" + home + ":role/ops"
		key   = "arn:aws:kms:eu-west-1:" + home + ":key/k"
		all   = `{"Effect":"Allow","Action":"*","Resource":"*"}`
		trust = "arn:aws:iam::" + home + ":role/target"
	)
	when := func(condition string) string {
		return `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{` + condition + `}}`
	}
	cases := []struct {
		name     string
		source   string
		policies []string // of the role ops
		boundary string
		session  string // the session's name
		own      string // the resource's policy
		trust    string // of the role ops itself
		tags     map[string]string
		action   string
		resource string
		context  map[string][]string
		want     Decision
	}{
		{name: "everyone in a resource policy is the session", source: guide + "reference_policies_elements_principal.html#principal-roles", boundary: `{"Effect":"Allow","Action":"ec2:*","Resource":"*"}`,
			own: `{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}`, action: "sqs:SendMessage", resource: queue + "q", want: Allow},
		{name: "the role's ARN is limited by its boundary", source: guide + "access_policies_boundaries.html", boundary: `{"Effect":"Allow","Action":"ec2:*","Resource":"*"}`,
			own: `{"Effect":"Allow","Principal":{"AWS":"` + role + `"},"Action":"sqs:*","Resource":"*"}`, action: "sqs:SendMessage", resource: queue + "q", want: Deny},
		{name: "role and session in one statement", source: guide + "access_policies_boundaries.html", boundary: `{"Effect":"Allow","Action":"ec2:*","Resource":"*"}`, session: "s",
			own: `{"Effect":"Allow","Principal":{"AWS":["` + role + `","arn:aws:sts::` + home + `:assumed-role/ops/s"]},"Action":"sqs:*","Resource":"*"}`, action: "sqs:SendMessage", resource: queue + "q", want: Allow},
		{name: "some session of the role", source: guide + "access_policies_boundaries.html",
			own: `{"Effect":"Allow","Principal":{"AWS":"arn:aws:sts::` + home + `:assumed-role/ops/s"},"Action":"sqs:*","Resource":"*"}`, action: "sqs:SendMessage", resource: queue + "q", want: Conditional},
		{name: "NotPrincipal spares who is named with account and session", source: guide + "reference_policies_elements_notprincipal.html", policies: []string{all}, session: "s",
			own: `{"Effect":"Deny","NotPrincipal":{"AWS":["` + role + `","arn:aws:sts::` + home + `:assumed-role/ops/s","` + home + `"]},"Action":"sqs:*","Resource":"*"}`, action: "sqs:SendMessage", resource: queue + "q", want: Allow},
		{name: "NotPrincipal without the session may not spare him", source: guide + "reference_policies_elements_notprincipal.html", policies: []string{all}, session: "s",
			own: `{"Effect":"Deny","NotPrincipal":{"AWS":["` + role + `","` + home + `"]},"Action":"sqs:*","Resource":"*"}`, action: "sqs:SendMessage", resource: queue + "q", want: Unknown},
		{name: "a resource policy without a Principal is refused by the service", source: guide + "reference_policies_elements_principal.html", policies: []string{all},
			own: `{"Effect":"Deny","Action":"sqs:*","Resource":"*"}`, action: "sqs:SendMessage", resource: queue + "q", want: Unknown},
		{name: "an action of KMS that has no key", source: "https://docs.aws.amazon.com/kms/latest/developerguide/kms-api-permissions-reference.html", policies: []string{all}, action: "kms:CreateKey", resource: "*", want: Allow},
		{name: "a key that was not read", source: "https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html", policies: []string{all}, action: "kms:Decrypt", resource: key, want: Unknown},
		{name: "a key that hands over to the account", source: "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html", policies: []string{all},
			own: `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + home + `:root"},"Action":"kms:*","Resource":"*"}`, action: "kms:Decrypt", resource: key, want: Allow},
		{name: "a key that does not", source: "https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html", policies: []string{all},
			own: `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + home + `:user/ada"},"Action":"kms:*","Resource":"*"}`, action: "kms:Decrypt", resource: key, want: Deny},
		{name: "a key that hands over some actions", source: "https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html", policies: []string{all},
			own: `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + home + `:root"},"Action":"kms:Describe*","Resource":"*"}`, action: "kms:Decrypt", resource: key, want: Deny},
		{name: "a role that was not read", source: guide + "id_roles_terms-and-concepts.html", policies: []string{all}, action: "sts:AssumeRole", resource: trust, want: Unknown},
		{name: "trust with an external id", source: guide + "id_roles_common-scenarios_third-party.html", policies: []string{all},
			own: `{"Effect":"Allow","Principal":{"AWS":"` + home + `"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x"}}}`, action: "sts:AssumeRole", resource: trust, want: Conditional},
		{name: "trust alone names the role of the same account", source: guide + "reference_policies_evaluation-logic_policy-eval-basics.html",
			own: `{"Effect":"Allow","Principal":{"AWS":"` + role + `"},"Action":"sts:AssumeRole"}`, action: "sts:AssumeRole", resource: trust, want: Allow},
		{name: "trust of the account alone does not", source: guide + "reference_policies_elements_principal.html",
			own: `{"Effect":"Allow","Principal":{"AWS":"` + home + `"},"Action":"sts:AssumeRole"}`, action: "sts:AssumeRole", resource: trust, want: Deny},
		{name: "anybody may ask who he is", source: "https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html", policies: []string{`{"Effect":"Deny","Action":"*","Resource":"*"}`}, action: "sts:GetCallerIdentity", resource: "*", want: Allow},
		{name: "a service-linked role is not changed", source: guide + "id_roles_create-service-linked-role.html", policies: []string{all}, action: "iam:PutRolePolicy", resource: "arn:aws:iam::" + home + ":role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX", want: Deny},
		{name: "to a session policy's role the tag of the session is open", source: guide + "id_session-tags.html", policies: []string{when(`"StringEquals":{"aws:PrincipalTag/team":"red"}`)},
			trust: `{"Effect":"Allow","Principal":{"AWS":"` + home + `"},"Action":["sts:AssumeRole","sts:TagSession"]}`, tags: map[string]string{"team": "blue"}, action: "sqs:SendMessage", resource: queue + "q", want: Conditional},
		{name: "without sts:TagSession the role's tag counts", source: guide + "id_session-tags.html", policies: []string{when(`"StringEquals":{"aws:PrincipalTag/team":"red"}`)},
			trust: `{"Effect":"Allow","Principal":{"AWS":"` + home + `"},"Action":"sts:AssumeRole"}`, tags: map[string]string{"team": "blue"}, action: "sqs:SendMessage", resource: queue + "q", want: Deny},
		{name: "tags must be alike, and the resource's is open", source: guide + "introduction_attribute-based-access-control.html", policies: []string{when(`"StringEquals":{"aws:ResourceTag/team":"${aws:PrincipalTag/team}"}`)},
			tags: map[string]string{"team": "blue"}, action: "ec2:StopInstances", resource: "arn:aws:ec2:eu-west-1:" + home + ":instance/i", want: Conditional},
		{name: "tags must be alike, and both are open", source: guide + "id_session-tags.html", policies: []string{when(`"StringEquals":{"aws:ResourceTag/team":"${aws:PrincipalTag/team}"}`)},
			trust: `{"Effect":"Allow","Principal":{"AWS":"` + home + `"},"Action":["sts:AssumeRole","sts:TagSession"]}`, action: "ec2:StopInstances", resource: "arn:aws:ec2:eu-west-1:" + home + ":instance/i", want: Conditional},
		{name: "the role's own id", source: guide + "reference_policies_condition-keys.html#condition-keys-userid", policies: []string{when(`"StringLike":{"aws:userid":"AROAOPS:*"}`)}, action: "sqs:SendMessage", resource: queue + "q", want: Allow},
		{name: "another role's id", source: guide + "reference_policies_condition-keys.html#condition-keys-userid", policies: []string{when(`"StringLike":{"aws:userid":"AROAOTHER:*"}`)}, action: "sqs:SendMessage", resource: queue + "q", want: Deny},
		{name: "IAM answers in us-east-1", source: guide + "reference_policies_condition-keys.html#condition-keys-requestedregion", policies: []string{when(`"StringEquals":{"aws:RequestedRegion":"eu-west-1"}`)}, action: "iam:ListUsers", resource: "*", want: Deny},
		{name: "the region is that of the resource", source: guide + "reference_policies_condition-keys.html#condition-keys-requestedregion", policies: []string{when(`"StringEquals":{"aws:RequestedRegion":"us-east-1"}`)}, action: "sqs:SendMessage", resource: queue + "q", want: Allow},
		{name: "a role carries an issue time", source: guide + "reference_policies_condition-keys.html#condition-keys-tokenissuetime", policies: []string{when(`"Null":{"aws:TokenIssueTime":"true"}`)}, action: "sqs:SendMessage", resource: queue + "q", want: Deny},
		{name: "no session of today is from before 2020", source: guide + "reference_policies_condition-keys.html#condition-keys-tokenissuetime", policies: []string{when(`"DateLessThan":{"aws:TokenIssueTime":"2020-01-01T00:00:01Z"}`)}, action: "sqs:SendMessage", resource: queue + "q",
			context: map[string][]string{"aws:CurrentTime": {"2026-01-01T12:00:00Z"}}, want: Deny},
		{name: "every session of today is from after 2020", source: guide + "reference_policies_condition-keys.html#condition-keys-tokenissuetime", policies: []string{when(`"DateGreaterThan":{"aws:TokenIssueTime":"2020-01-01T00:00:01Z"}`)}, action: "sqs:SendMessage", resource: queue + "q",
			context: map[string][]string{"aws:CurrentTime": {"2026-01-01T12:00:00Z"}}, want: Allow},
		{name: "sessions from before this morning are revoked", source: guide + "id_roles_use_revoke-sessions.html", policies: []string{all, `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":"2026-01-01T09:00:00Z"}}}`}, action: "sqs:SendMessage", resource: queue + "q",
			context: map[string][]string{"aws:CurrentTime": {"2026-01-01T12:00:00Z"}}, want: Conditional},
		{name: "those revoked last week have ended", source: guide + "id_roles_use_revoke-sessions.html", policies: []string{all, `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":"2025-12-25T09:00:00Z"}}}`}, action: "sqs:SendMessage", resource: queue + "q",
			context: map[string][]string{"aws:CurrentTime": {"2026-01-01T12:00:00Z"}}, want: Allow},
		{name: "no token was issued after the request", source: guide + "reference_policies_condition-keys.html#condition-keys-tokenissuetime", policies: []string{when(`"DateGreaterThan":{"aws:TokenIssueTime":"2026-01-01T12:00:01Z"}`)}, action: "sqs:SendMessage", resource: queue + "q",
			context: map[string][]string{"aws:CurrentTime": {"2026-01-01T12:00:00Z"}}, want: Deny},
		{name: "of two conditions on the token one cuts the other off", source: guide + "reference_policies_condition-keys.html#condition-keys-tokenissuetime", policies: []string{when(`"DateGreaterThan":{"aws:TokenIssueTime":"2026-01-01T11:00:00Z"},"DateNotEquals":{"aws:TokenIssueTime":"2026-01-01T12:00:00Z"},"DateGreaterThanEquals":{"aws:TokenIssueTime":"2026-01-01T12:00:00Z"}`)}, action: "sqs:SendMessage", resource: queue + "q",
			context: map[string][]string{"aws:CurrentTime": {"2026-01-01T12:00:00Z"}}, want: Deny},
		{name: "the caller's account is that of who asks", source: "https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-caller-account", own: `{"Effect":"Allow","Principal":"*","Action":"kms:Decrypt","Resource":"*","Condition":{"StringEquals":{"kms:CallerAccount":"` + home + `"}}}`, action: "kms:Decrypt", resource: key, want: Allow},
		{name: "another account is not the caller's", source: "https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-caller-account", own: `{"Effect":"Allow","Principal":"*","Action":"kms:Decrypt","Resource":"*","Condition":{"StringEquals":{"kms:CallerAccount":"999999999999"}}}`, action: "kms:Decrypt", resource: key, want: Deny},
		{name: "transport is always said", source: guide + "reference_policies_condition-keys.html#condition-keys-securetransport", policies: []string{when(`"Null":{"aws:SecureTransport":"true"}`)}, action: "sqs:SendMessage", resource: queue + "q", want: Deny},
		{name: "the year 9999", source: guide + "reference_policies_elements_condition_operators.html#Conditions_Date", policies: []string{when(`"DateLessThan":{"aws:CurrentTime":"9999-12-31T23:59:59Z"}`)}, action: "sqs:SendMessage", resource: queue + "q",
			context: map[string][]string{"aws:CurrentTime": {"2026-01-01T00:00:00Z"}}, want: Allow},
		{name: "both keys of time tell one time", source: guide + "reference_policies_condition-keys.html#condition-keys-epochtime", policies: []string{when(`"DateLessThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"},"NumericGreaterThan":{"aws:EpochTime":"1800000000"}`)}, action: "sqs:SendMessage", resource: queue + "q", want: Deny},
		{name: "epoch time from the clock", source: guide + "reference_policies_condition-keys.html#condition-keys-epochtime", policies: []string{when(`"NumericLessThan":{"aws:EpochTime":"1767225601"}`)}, action: "sqs:SendMessage", resource: queue + "q",
			context: map[string][]string{"aws:currenttime": {"2026-01-01T00:00:00Z"}}, want: Allow},
		{name: "IPv6 in another spelling", source: guide + "reference_policies_elements_condition_operators.html#Conditions_IPAddress", policies: []string{when(`"IpAddress":{"aws:SourceIp":"2001:DB8:0:0::/64"}`)}, action: "sqs:SendMessage", resource: queue + "q",
			context: map[string][]string{"aws:SourceIp": {"2001:db8::1"}}, want: Allow},
		{name: "not in all of IPv4", source: guide + "reference_policies_elements_condition_operators.html#Conditions_IPAddress", policies: []string{when(`"NotIpAddress":{"aws:SourceIp":"0.0.0.0/0"},"Null":{"aws:SourceIp":"false"}`)}, action: "sqs:SendMessage", resource: queue + "q", want: Conditional},
		{name: "an ARN of fewer parts", source: guide + "reference_policies_elements_condition_operators.html#Conditions_ARN", policies: []string{when(`"ArnLike":{"aws:SourceArn":"arn:aws:sns"}`)}, action: "sqs:SendMessage", resource: queue + "q", want: Unknown},
		{name: "a wildcard does not reach over a colon", source: guide + "reference_policies_elements_condition_operators.html#Conditions_ARN", policies: []string{when(`"ArnLike":{"aws:SourceArn":"arn:aws:*:*:x:y"}`)}, action: "sqs:SendMessage", resource: queue + "q",
			context: map[string][]string{"aws:SourceArn": {"arn:aws:sns:a:b:x:y"}}, want: Deny},
		{name: "ForAllValues of an empty text", source: guide + "reference_policies_condition-single-vs-multi-valued-context-keys.html", policies: []string{when(`"ForAllValues:StringEquals":{"aws:TagKeys":"a"}`)}, action: "sqs:SendMessage", resource: queue + "q",
			context: map[string][]string{"aws:TagKeys": {""}}, want: Allow},
		{name: "ForAllValues with Null", source: guide + "reference_policies_condition-single-vs-multi-valued-context-keys.html", policies: []string{when(`"ForAllValues:StringEquals":{"aws:TagKeys":"a"},"Null":{"aws:TagKeys":"false"}`)}, action: "sqs:SendMessage", resource: queue + "q",
			context: map[string][]string{"aws:TagKeys": {}}, want: Deny},
		{name: "one value expected and two given", source: guide + "reference_policies_condition-single-vs-multi-valued-context-keys.html", policies: []string{when(`"StringLike":{"aws:TagKeys":"a"}`)}, action: "sqs:SendMessage", resource: queue + "q",
			context: map[string][]string{"aws:TagKeys": {"a", "b"}}, want: Unknown},
		{name: "a negated operator and a variable without a value", source: guide + "reference_policies_variables.html", policies: []string{when(`"StringNotEquals":{"s3:prefix":"${aws:username}"}`)}, action: "s3:ListBucket", resource: "arn:aws:s3:::b",
			context: map[string][]string{"s3:prefix": {"x"}}, want: Unknown},
		{name: "PassRole to one service", source: guide + "id_roles_use_passrole.html", policies: []string{`{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{"iam:PassedToService":"sagemaker.amazonaws.com"}}}`}, action: "iam:PassRole", resource: trust,
			context: map[string][]string{"iam:PassedToService": {"ec2.amazonaws.com"}}, want: Deny},
		{name: "a role's longer path is another role", source: guide + "reference_identifiers.html", policies: []string{all}, action: "sts:AssumeRole", resource: role + "/other", want: Unknown},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := NewWorld()
			w.AddAccount(&Account{ID: home})
			p := &Principal{ARN: role, Kind: Role, Account: home, Name: "ops", ID: "AROAOPS", Tags: c.tags}
			for _, s := range c.policies {
				p.Policies = append(p.Policies, w.Parse("identity", doc(s)))
			}
			if c.boundary != "" {
				p.Boundary = w.Parse("boundary", doc(c.boundary))
			}
			w.AddPrincipal(p)
			if c.own != "" {
				w.AddResource(&Resource{ARN: c.resource, Account: home, Policy: w.Parse("own", doc(c.own))})
			}
			if c.trust != "" {
				w.AddResource(&Resource{ARN: role, Account: home, Policy: w.Parse("trust", doc(c.trust))})
			}
			r := Request{Principal: p, Action: c.action, Resource: c.resource, Literal: true, Session: c.session, Context: c.context}
			got := w.Explain(r)
			if got.Decision != c.want || w.Decide(r) != c.want {
				t.Errorf("%s\n got %v and %v, want %v: %+v", c.source, got.Decision, w.Decide(r), c.want, got)
			}
		})
	}
}

// TestAnswersCarryWhatWasAssumed: what was not looked for is said, and of what
// another account owns nothing is assumed.
func TestAnswersCarryWhatWasAssumed(t *testing.T) {
	w, p := lone(`{"Effect":"Allow","Action":"*","Resource":"*"}`)
	near := w.Explain(Request{Principal: p, Action: "sqs:SendMessage", Resource: queue + "q"})
	if near.Decision != Allow || len(near.Assumed) != 1 {
		t.Errorf("of the own account: %+v", near)
	}
	far := w.Explain(Request{Principal: p, Action: "sqs:SendMessage", Resource: foreign + "q"})
	if far.Decision != Unknown || len(far.Assumed) != 0 {
		t.Errorf("of another account: %+v", far)
	}
	many := w.Explain(Request{Principal: p, Action: "sqs:SendMessage", Resource: queue + "*"})
	if many.Decision != Allow || len(many.Assumed) != 1 {
		t.Errorf("of many: %+v", many)
	}
}
