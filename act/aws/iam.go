package aws

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"time"
)

// The names of the policies that are put beside what a role or user has.
const (
	quarantineName = "sevenfold-quarantine"
	modelsName     = "sevenfold-no-models"
	sessionsName   = "AWSRevokeOlderSessions" // the name AWS's own console uses
)

const (
	denyAll    = `{"Version":"2012-10-17","Statement":[{"Sid":"Quarantine","Effect":"Deny","Action":"*","Resource":"*"}]}`
	denyModels = `{"Version":"2012-10-17","Statement":[{"Sid":"NoModels","Effect":"Deny","Action":["bedrock:Invoke*","bedrock:Converse*","bedrock:CreateModelInvocationJob","sagemaker:InvokeEndpoint*"],"Resource":"*"}]}`
	denyTrust  = `{"Version":"2012-10-17","Statement":[{"Sid":"Closed","Effect":"Deny","Principal":"*","Action":["sts:AssumeRole","sts:AssumeRoleWithWebIdentity","sts:AssumeRoleWithSAML"]}]}`
)

func (c *Client) iam(ctx context.Context, operation string, in map[string]string) (map[string]any, error) {
	return c.query(ctx, "iam", "", "2010-05-08", operation, in)
}

// inline is an inline policy of a role or user ("Role", "User").
func inline(of, name string, want func(in Input, had string) string, is func(in Input, state, want string) bool) pair {
	named := func(in Input) map[string]string {
		return map[string]string{of + "Name": in.name(), "PolicyName": name}
	}
	return pair{
		get: func(ctx context.Context, c *Client, in Input) (string, bool, error) {
			r, err := c.iam(ctx, "Get"+of+"Policy", named(in))
			if isCode(err, "NoSuchEntity") {
				// Of the policy, or of the role itself?
				_, err := c.iam(ctx, "Get"+of, map[string]string{of + "Name": in.name()})
				return "", false, err
			}
			if err != nil {
				return "", false, err
			}
			doc, err := url.PathUnescape(text(find(r, "Get"+of+"PolicyResult"), "PolicyDocument"))
			return doc, true, err
		},
		put: func(ctx context.Context, c *Client, in Input, value string) error {
			p := named(in)
			p["PolicyDocument"] = value
			_, err := c.iam(ctx, "Put"+of+"Policy", p)
			return err
		},
		del: func(ctx context.Context, c *Client, in Input) error {
			_, err := c.iam(ctx, "Delete"+of+"Policy", named(in))
			if isCode(err, "NoSuchEntity") {
				return nil
			}
			return err
		},
		want: want, is: is,
	}
}

func always(s string) func(Input, string) string { return func(Input, string) string { return s } }

func iamActions() []*Action {
	role := []string{"iam:GetRole", "iam:GetRolePolicy", "iam:PutRolePolicy", "iam:DeleteRolePolicy"}
	user := []string{"iam:GetUser", "iam:GetUserPolicy", "iam:PutUserPolicy", "iam:DeleteUserPolicy"}
	return []*Action{
		inline("Role", quarantineName, always(denyAll), nil).on(Action{id: "aws.iam.quarantine-role", title: "deny everything to a role", target: "AWS::IAM::Role",
			breaks: "all that runs as the role stops, its sessions included", grants: role}),
		inline("User", quarantineName, always(denyAll), nil).on(Action{id: "aws.iam.quarantine-user", title: "deny everything to a user", target: "AWS::IAM::User",
			breaks: "all that uses the user's keys or password stops", grants: user}),
		inline("Role", modelsName, always(denyModels), nil).on(Action{id: "aws.iam.deny-models-to-role", title: "deny the invocation of models to a role", target: "AWS::IAM::Role",
			breaks: "applications that call models as the role get errors; all else goes on", grants: role}),
		inline("User", modelsName, always(denyModels), nil).on(Action{id: "aws.iam.deny-models-to-user", title: "deny the invocation of models to a user", target: "AWS::IAM::User",
			breaks: "applications that call models with the user's keys get errors; all else goes on", grants: user}),
		inline("Role", sessionsName, revoke, revoked).on(Action{id: "aws.iam.revoke-sessions", title: "end the sessions of a role that are older than now", target: "AWS::IAM::Role",
			params: map[string]string{"before?": "sessions issued before this time (RFC 3339) end; now unless given"},
			breaks: "what runs as the role has to sign in anew; services do so by themselves within the hour", grants: role}),
		boundary().on(Action{id: "aws.iam.bound-role", title: "bound a role by a policy", target: "AWS::IAM::Role", params: map[string]string{"policy": "ARN of the policy that becomes its permissions boundary"},
			breaks: "what the role does beyond the policy stops", grants: []string{"iam:GetRole", "iam:PutRolePermissionsBoundary", "iam:DeleteRolePermissionsBoundary"}}),
		trust().on(Action{id: "aws.iam.close-trust", title: "let nobody assume a role", target: "AWS::IAM::Role",
			breaks: "nothing new can start as the role; sessions there are go on until they end", grants: []string{"iam:GetRole", "iam:UpdateAssumeRolePolicy"}}),
		{id: "aws.iam.disable-key", title: "make an access key inactive", target: "AWS::IAM::User", params: map[string]string{"key": "id of the access key"},
			breaks: "all that uses the key stops", grants: []string{"iam:ListAccessKeys", "iam:UpdateAccessKey"},
			read: keyStatus, set: func(ctx context.Context, c *Client, in Input, _ json.RawMessage) error {
				return setKey(ctx, c, in, "Inactive")
			},
			holds: func(_ Input, now, _ json.RawMessage) bool { return text(state(now), "status") == "Inactive" },
			put: func(ctx context.Context, c *Client, in Input, prior json.RawMessage) error {
				return setKey(ctx, c, in, text(state(prior), "status"))
			}},
		{id: "aws.iam.detach-policy", title: "take a policy from a role", target: "AWS::IAM::Role", params: map[string]string{"policy": "ARN of the attached policy"},
			breaks: "what the role may do by that policy alone stops", grants: []string{"iam:ListAttachedRolePolicies", "iam:DetachRolePolicy", "iam:AttachRolePolicy"},
			read: attachment, set: func(ctx context.Context, c *Client, in Input, _ json.RawMessage) error {
				return attach(ctx, c, in, false)
			},
			holds: func(_ Input, now, _ json.RawMessage) bool { return text(state(now), "attached") == "false" },
			put: func(ctx context.Context, c *Client, in Input, prior json.RawMessage) error {
				return attach(ctx, c, in, text(state(prior), "attached") == "true")
			}},
	}
}

// revoke is the policy that AWS documents for ending sessions.
func revoke(in Input, _ string) string {
	before := in.With["before"]
	if before == "" {
		before = time.Now().UTC().Format(time.RFC3339)
	}
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{"Sid": "RevokeOlderSessions", "Effect": "Deny", "Action": "*", "Resource": "*",
		"Condition": map[string]any{"DateLessThan": map[string]any{"aws:TokenIssueTime": before}}}}})
	if err != nil {
		return denyAll // strings alone: it cannot fail, and if it did, this is the safe side
	}
	return string(text)
}

// revoked reports whether a policy ends sessions older than the one wanted does, or
// one that was written a moment before.
func revoked(in Input, now, want string) bool {
	at := func(s string) (t time.Time) {
		var p struct {
			Statement []struct {
				Effect, Action, Resource string
				Condition                map[string]map[string]string
			}
		}
		if json.Unmarshal([]byte(s), &p) != nil || len(p.Statement) != 1 || p.Statement[0].Effect != "Deny" || p.Statement[0].Action != "*" || p.Statement[0].Resource != "*" {
			return t
		}
		t, _ = time.Parse(time.RFC3339, p.Statement[0].Condition["DateLessThan"]["aws:TokenIssueTime"])
		return t
	}
	if in.With["before"] != "" {
		return !at(now).IsZero() && !at(now).Before(at(want))
	}
	return !at(now).IsZero() && at(want).Sub(at(now)) < 15*time.Minute
}

func boundary() pair {
	return pair{
		get: func(ctx context.Context, c *Client, in Input) (string, bool, error) {
			r, err := c.iam(ctx, "GetRole", map[string]string{"RoleName": in.name()})
			if err != nil {
				return "", false, err
			}
			arn := text(find(r, "Role"), "PermissionsBoundary", "PermissionsBoundaryArn")
			return arn, arn != "", nil
		},
		put: func(ctx context.Context, c *Client, in Input, value string) error {
			_, err := c.iam(ctx, "PutRolePermissionsBoundary", map[string]string{"RoleName": in.name(), "PermissionsBoundary": value})
			return err
		},
		del: func(ctx context.Context, c *Client, in Input) error {
			_, err := c.iam(ctx, "DeleteRolePermissionsBoundary", map[string]string{"RoleName": in.name()})
			return err
		},
		want: func(in Input, _ string) string { return in.With["policy"] },
	}
}

func trust() pair {
	return pair{
		get: func(ctx context.Context, c *Client, in Input) (string, bool, error) {
			r, err := c.iam(ctx, "GetRole", map[string]string{"RoleName": in.name()})
			if err != nil {
				return "", false, err
			}
			doc, err := url.PathUnescape(text(find(r, "Role"), "AssumeRolePolicyDocument"))
			return doc, true, err
		},
		put: func(ctx context.Context, c *Client, in Input, value string) error {
			_, err := c.iam(ctx, "UpdateAssumeRolePolicy", map[string]string{"RoleName": in.name(), "PolicyDocument": value})
			return err
		},
		want: always(denyTrust),
	}
}

func keyStatus(ctx context.Context, c *Client, in Input) (any, error) {
	r, err := c.iam(ctx, "ListAccessKeys", map[string]string{"UserName": in.name()})
	if err != nil {
		return nil, err
	}
	for _, k := range items(find(r, "ListAccessKeysResult"), "AccessKeyMetadata") {
		if text(k, "AccessKeyId") == in.With["key"] {
			return map[string]any{"status": text(k, "Status")}, nil
		}
	}
	return nil, &Error{Service: "iam", Operation: "ListAccessKeys", Code: "NoSuchEntity", Message: "the user has no such key"}
}

func setKey(ctx context.Context, c *Client, in Input, status string) error {
	_, err := c.iam(ctx, "UpdateAccessKey", map[string]string{"UserName": in.name(), "AccessKeyId": in.With["key"], "Status": status})
	return err
}

func attachment(ctx context.Context, c *Client, in Input) (any, error) {
	for marker := ""; ; {
		p := map[string]string{"RoleName": in.name()}
		if marker != "" {
			p["Marker"] = marker
		}
		r, err := c.iam(ctx, "ListAttachedRolePolicies", p)
		if err != nil {
			return nil, err
		}
		r = find(r, "ListAttachedRolePoliciesResult")
		for _, a := range items(r, "AttachedPolicies") {
			if text(a, "PolicyArn") == in.With["policy"] {
				return map[string]any{"attached": true}, nil
			}
		}
		if marker = text(r, "Marker"); marker == "" || !strings.EqualFold(text(r, "IsTruncated"), "true") {
			return map[string]any{"attached": false}, nil
		}
	}
}

func attach(ctx context.Context, c *Client, in Input, yes bool) error {
	operation := "DetachRolePolicy"
	if yes {
		operation = "AttachRolePolicy"
	}
	_, err := c.iam(ctx, operation, map[string]string{"RoleName": in.name(), "PolicyArn": in.With["policy"]})
	if !yes && isCode(err, "NoSuchEntity") {
		return nil
	}
	return err
}
