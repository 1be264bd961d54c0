package access

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// ownPolicyCalls are the calls that write a resource's own policy, by the member
// of the request that holds the document; "" makes one statement of its parts, and
// "-" takes the policy away.
var ownPolicyCalls = map[string]string{
	"s3:PutBucketPolicy": "bucketPolicy", "s3:PutAccessPointPolicy": "policy", "kms:PutKeyPolicy": "policy", "secretsmanager:PutResourcePolicy": "resourcePolicy",
	"ecr:SetRepositoryPolicy": "policyText", "sagemaker:PutModelPackageGroupPolicy": "resourcePolicy", "sqs:SetQueueAttributes": "attributes.Policy",
	"sns:SetTopicAttributes": "attributeValue", "dynamodb:PutResourcePolicy": "policy", "glue:PutResourcePolicy": "policyInJson",
	"s3:DeleteBucketPolicy": "-", "s3:DeleteAccessPointPolicy": "-", "secretsmanager:DeleteResourcePolicy": "-", "ecr:DeleteRepositoryPolicy": "-",
	"sagemaker:DeleteModelPackageGroupPolicy": "-", "dynamodb:DeleteResourcePolicy": "-", "glue:DeleteResourcePolicy": "-",
	"lambda:AddPermission": "", "sqs:AddPermission": "", "sns:AddPermission": "",
}

// mostGiven bounds what is taken of one call.
const mostGiven = 200

// ownPolicy notes whom a call gave rights by a resource's own policy. It reports
// whether the call is one of those.
func (u *Usage) ownPolicy(r *record, one *Use) bool {
	member, ok := ownPolicyCalls[one.Action]
	if !ok {
		return false
	}
	var request map[string]json.RawMessage
	if json.Unmarshal(r.Request, &request) != nil {
		return true
	}
	i := slices.IndexFunc(one.Resources, func(r string) bool { return strings.HasPrefix(r, "arn:") && !strings.HasSuffix(r, "*") })
	if i < 0 {
		return true
	}
	g := Gain{Time: one.Time, Event: one.Event, By: one.Principal, Call: one.Action, Account: one.Account, Resource: one.Resources[i]}
	var statements []aws.Statement
	if member == "" {
		statements = []aws.Statement{permission(request)}
	} else {
		doc := request[member]
		if outer, inner, nested := strings.Cut(member, "."); nested {
			var within map[string]json.RawMessage
			if json.Unmarshal(request[outer], &within) != nil {
				return true
			}
			doc = within[inner]
		}
		if one.Action == "sns:SetTopicAttributes" && wording(request["attributeName"]) != "Policy" || len(doc) == 0 && member != "-" {
			return true
		}
		statements, _ = aws.Statements(doc)
	}
	if member != "" { // what it said before is over
		u.Gains = append(u.Gains, g)
	}
	left := mostGiven // more would be no policy that a service takes
	for i := range statements {
		s := &statements[i]
		if s.Effect != "Allow" {
			continue
		}
		for _, p := range s.Principals {
			if left--; left < 0 {
				return true
			}
			one := g
			one.To, one.Grant, one.Actions = p.ID, cmp.Or(s.Sid, "#"+fmt.Sprint(s.Index)), s.Actions
			if len(one.To) == 12 && strings.Trim(one.To, "0123456789") == "" {
				one.To = "arn:aws:iam::" + one.To + ":root"
			}
			u.Gains = append(u.Gains, one)
		}
	}
	return true
}

// wording is a text; empty for what is none.
func wording(raw json.RawMessage) (s string) {
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// permission is the statement that a call of AddPermission makes.
func permission(request map[string]json.RawMessage) aws.Statement {
	s := aws.Statement{Effect: "Allow", Sid: cmp.Or(wording(request["statementId"]), wording(request["label"]))}
	add := func(to *[]string, names ...string) {
		for _, n := range names {
			var list []string
			if one := wording(request[n]); one != "" {
				list = []string{one}
			} else if json.Unmarshal(request[n], &list) != nil {
				continue
			}
			*to = append(*to, list...)
		}
	}
	var who []string
	add(&who, "principal", "aWSAccountIds", "aWSAccountId")
	add(&s.Actions, "action", "actions", "actionName")
	for _, id := range who {
		s.Principals = append(s.Principals, aws.Principal{ID: id})
	}
	return s
}

// continued leaves of the grants by resources' own policies the call since which
// each stands without a break: a policy is written as a whole, what it says
// already again.
func continued(gains []Gain) []Gain {
	calls := map[string][]string{} // resource -> events that wrote all of its policy, in time
	held := map[string]map[string]bool{}
	key := func(g *Gain) string {
		return g.Resource + "\x00" + g.To + "\x00" + g.Grant + "\x00" + strings.Join(g.Actions, " ")
	}
	event := func(g *Gain) string { return g.Event + g.Time.Format(time.RFC3339Nano) }
	for i := range gains {
		g := &gains[i]
		if g.Resource == "" || ownPolicyCalls[g.Call] == "" {
			continue
		}
		if list := calls[g.Resource]; len(list) == 0 || list[len(list)-1] != event(g) {
			calls[g.Resource] = append(list, event(g))
		}
		if held[event(g)] == nil {
			held[event(g)] = map[string]bool{}
		}
		held[event(g)][key(g)] = true
	}
	var out []Gain
	for i := range gains {
		g := &gains[i]
		if g.Resource != "" && ownPolicyCalls[g.Call] != "" {
			at := slices.Index(calls[g.Resource], event(g))
			if at > 0 && held[calls[g.Resource][at-1]][key(g)] {
				continue // it stood before
			}
			if slices.ContainsFunc(calls[g.Resource][at+1:], func(later string) bool { return !held[later][key(g)] }) {
				continue // it was taken out since
			}
		}
		out = append(out, *g)
	}
	return out
}

// standsOn reports whether a grant by a resource's own policy is there still. That
// the resource's own account is named leaves the matter to its policies.
func (m *Amazon) standsOn(g *Gain) bool {
	owner, _ := aws.ParseARN(g.Resource)
	if n, ok := m.snap.Find(g.Resource); ok && owner.Account == "" {
		owner.Account = m.snap.Asset(n).Account
	}
	if strings.HasSuffix(g.To, ":root") && strings.Contains(g.To, "::"+owner.Account+":") {
		return false
	}
	for i, raw := range m.statementsOf(g.Resource) {
		doc, err := json.Marshal(map[string]any{"Statement": raw})
		if err != nil {
			continue
		}
		list, _ := aws.Statements(doc)
		for _, s := range list {
			name := cmp.Or(s.Sid, "#"+fmt.Sprint(i))
			same := s.Effect == "Allow" && (name == g.Grant || slices.Equal(s.Actions, g.Actions))
			if same && slices.ContainsFunc(s.Principals, func(p aws.Principal) bool { return p.ID == g.To || "arn:aws:iam::"+p.ID+":root" == g.To }) {
				return true
			}
		}
	}
	return false
}

// sinceOn says whether a grant by a resource's own policy was used after a time: by
// any call of those whom it names, on the resource or in it.
func (m *Amazon) sinceOn(g *Gain, end time.Time, u *Usage, sight *Sight) (UseStatus, string) {
	arn, _ := aws.ParseARN(g.Resource)
	untold := ""
	for who, c := range u.by {
		if !calledFor(g, who, accountIn(m, g)) {
			continue
		}
		for action, d := range c.actions {
			if service, _ := cutAction(action); service != arn.Service || !d.last.After(end) {
				continue
			}
			for on, p := range d.resources {
				rest, inside := strings.CutPrefix(m.canonical(on), g.Resource)
				if p.last.After(end) && inside && (rest == "" || rest[0] == '/' || rest[0] == ':') {
					return UseUsed, ""
				}
				if on == "*" && p.last.After(end) {
					untold = action
				}
			}
			if d.untold {
				untold = action
			}
		}
	}
	if untold != "" {
		return UseUnknown, "on what " + untold + " was called since the log does not tell"
	}
	account := accountIn(m, g)
	if lacks := lateUsage(end, u).Observed(account).Lacks; lacks != "" {
		return UseUnknown, lacks
	}
	for _, pattern := range g.Actions {
		for _, a := range reference.Expand(pattern) {
			if sees, why := sight.Sees(account, a.String(), changes(a)); !sees {
				return UseUnknown, why
			}
		}
	}
	if len(g.Actions) == 0 {
		return UseUnknown, "what it allows is told by what it does not"
	}
	return UseUnused, "no log shows a call on it by whom it names since"
}

// accountIn is the account that a grant's resource is of.
func accountIn(m *Amazon, g *Gain) string {
	if n, ok := m.snap.Find(g.Resource); ok && m.snap.Asset(n).Account != "" {
		return m.snap.Asset(n).Account
	}
	return g.Account
}

// calledFor reports whether a grant by a resource's own policy names a caller, by his
// principalKey. Everyone stands for those outside of the account, whom nothing else
// lets in.
func calledFor(g *Gain, who, account string) bool {
	switch {
	case g.To == "*":
		return !strings.HasPrefix(who, account+"/") && !strings.Contains(who, "::"+account+":")
	case strings.HasSuffix(g.To, ":root"):
		arn, _ := aws.ParseARN(g.To)
		return strings.HasPrefix(who, arn.Account+"/") || strings.Contains(who, "::"+arn.Account+":")
	}
	return principalKey(g.To) == who
}
