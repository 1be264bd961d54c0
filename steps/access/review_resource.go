package access

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
)

// resourceGrants lists what the policies of the things that workloads are made of
// or touch grant by themselves, and the grants of keys. Trust policies stand with
// the roles.
func resourceGrants(m *Amazon, workloads []finding.Workload, owners map[string][2]string) []ReviewGrant {
	held := map[string]*manager{}
	for i := range workloads {
		w := &workloads[i]
		for _, id := range slices.Concat(w.Roots, w.Members, w.Touches) {
			who := held[id]
			if who == nil {
				who = &manager{}
				held[id] = who
			}
			if !slices.Contains(who.workloads, w.ID) {
				who.names, who.workloads = append(who.names, w.Name), append(who.workloads, w.ID)
			}
		}
	}
	named := map[string]string{}
	for i := range workloads {
		named[workloads[i].ID] = workloads[i].Owner
	}
	for _, id := range ordered(held) { // an access point gives what lies in its bucket
		if n, ok := m.snap.Find(id); ok {
			for _, point := range pointsOf(m.snap, n) {
				if held[point] == nil {
					held[point] = held[id]
				}
			}
		}
	}
	var out []ReviewGrant
	for _, id := range ordered(held) {
		r, who := m.world.Resource(id), held[id]
		if r == nil || r.ARN != id || strings.Contains(id, ":role/") {
			continue
		}
		owner, from := ownerOfGrant(who, named, owners[id])
		for _, g := range m.ownGrants(r) {
			g.ID = "G-" + strings.TrimPrefix(finding.NewID(g.Kind, id, g.Grant), "F-")
			g.Identity, g.Workloads, g.workloads, g.Owner, g.From = id, append([]string{}, who.names...), who.workloads, owner, from
			if g.Revoke == nil {
				g.Revoke = []string{}
			}
			out = append(out, g)
		}
	}
	return out
}

// ownGrants lists what a resource's own policy allows, a statement each, and the
// grants of a key.
func (m *Amazon) ownGrants(r *iam.Resource) (out []ReviewGrant) {
	if r.Policy == nil && r.Unread != "" {
		out = append(out, ReviewGrant{Kind: "resource", Grant: r.ARN, Says: "not known", Unread: r.Unread})
	}
	if r.Policy != nil {
		statements := m.statementsOf(r.ARN)
		if statements == nil {
			out = append(out, ReviewGrant{Kind: "resource", Grant: r.ARN, Says: "not known", Unread: "its policy was not read"})
		}
		for i, raw := range statements {
			if g, ok := statementGrant(r.ARN, i, raw); ok {
				out = append(out, g)
			}
		}
	}
	for _, k := range r.Grants {
		g := ReviewGrant{Kind: "resource", Grant: r.ARN + " grant " + k.ID, Says: strings.Join(k.Operations, ", ") + " for " + k.Grantee,
			Revoke: []string{"aws kms revoke-grant --key-id " + word(r.ARN) + " --grant-id " + word(k.ID)}}
		text, err := json.Marshal(k)
		if err != nil {
			g.Unread = err.Error()
		}
		g.Digest = digestOf(text)
		out = append(out, g)
	}
	return out
}

// statementGrant is an allowing statement of a resource's policy as a grant. What
// a key's policy hands to its own account is its policies' matter and none.
func statementGrant(arn string, i int, raw json.RawMessage) (ReviewGrant, bool) {
	var s struct {
		Sid, Effect                     string
		Principal, NotPrincipal, Action json.RawMessage
		NotAction, Condition            json.RawMessage
	}
	id := fmt.Sprintf("%s #%d", arn, i)
	if json.Unmarshal(raw, &s) != nil {
		return ReviewGrant{Kind: "resource", Grant: id, Says: "not known", Unread: "the statement was not understood"}, true
	}
	owner, _ := aws.ParseARN(arn)
	if s.Effect == "Deny" || strings.HasPrefix(arn, "arn:aws:kms:") && string(s.Principal) == `{"AWS":"arn:aws:iam::`+owner.Account+`:root"}` {
		return ReviewGrant{}, false
	}
	if s.Sid != "" {
		id = arn + " " + s.Sid
	}
	who, what := spoken(s.Principal), spoken(s.Action)
	if len(s.NotPrincipal) > 0 {
		who = "all but " + spoken(s.NotPrincipal)
	}
	if len(s.NotAction) > 0 {
		what = "all but " + spoken(s.NotAction)
	}
	says := what + " for " + who
	if len(s.Condition) > 0 {
		says += " under conditions"
	}
	return ReviewGrant{Kind: "resource", Grant: id, Digest: digestOf(raw), Says: shorten(says), Revoke: revokeOwn(arn, s.Sid)}, true
}

// spoken is a value of the policy language in words.
func spoken(raw json.RawMessage) string {
	return strings.Trim(strings.NewReplacer(`"`, "", "[", "", "]", "", "{", "", "}", "", ",", ", ").Replace(string(raw)), " ")
}

// revokeOwn are the commands by which a statement of a resource's policy is taken
// away.
func revokeOwn(id, sid string) []string {
	arn, _ := aws.ParseARN(id)
	switch arn.Service {
	case "lambda":
		if sid != "" {
			return []string{"aws lambda remove-permission --function-name " + word(id) + " --statement-id " + word(sid)}
		}
	case "sns", "sqs":
		if sid != "" {
			target := " --topic-arn " + word(id)
			if arn.Service == "sqs" {
				target = " --queue-url $(aws sqs get-queue-url --queue-name " + word(arn.Resource) + " --query QueueUrl --output text)"
			}
			return []string{"aws " + arn.Service + " remove-permission" + target + " --label " + word(sid)}
		}
	case "s3":
		if strings.HasPrefix(arn.Resource, "accesspoint/") {
			return []string{"aws s3control put-access-point-policy --account-id " + word(arn.Account) + " --name " + word(strings.TrimPrefix(arn.Resource, "accesspoint/")) + " --policy file://policy.json   (without the statement)"}
		}
		return []string{"aws s3api put-bucket-policy --bucket " + word(arn.Resource) + " --policy file://policy.json   (without the statement)"}
	case "kms":
		return []string{"aws kms put-key-policy --key-id " + word(id) + " --policy-name default --policy file://policy.json   (without the statement)"}
	case "secretsmanager":
		return []string{"aws secretsmanager put-resource-policy --secret-id " + word(id) + " --resource-policy file://policy.json   (without the statement)"}
	}
	return nil
}
