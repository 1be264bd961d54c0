package access

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
)

func day(t time.Time) string { return t.Format(time.DateOnly) }

// removal puts together the two stages by which a proposal takes the place of
// today's policies: first what is not needed is refused and can be had back by one
// command, then it is removed.
type removal struct {
	m         *Amazon
	p         *iam.Principal
	z         Sizer
	out       *Sized
	kind      string // role or user
	name      string
	arn       aws.ARN
	attached  []string // ARNs of managed policies
	inline    []string // names
	groups    []string // names of groups that policies come from
	due       string
	first     Stage
	second    Stage
	denyLarge bool
}

func (m *Amazon) stages(p *iam.Principal, z Sizer, out *Sized) {
	arn, ok := aws.ParseARN(p.ARN)
	if !ok || out.Decision != "proved" {
		return
	}
	r := &removal{m: m, p: p, z: z, out: out, kind: "role", name: arn.Name(), arn: arn, due: day(z.Usage.To.AddDate(0, 0, z.After))}
	if p.Kind == iam.User {
		r.kind = "user"
	}
	for _, pol := range p.Policies {
		own, isPart := strings.CutPrefix(pol.ID, p.ARN+"#policy/")
		switch group, _, inGroup := strings.Cut(pol.ID, "#policy/"); {
		case isPart:
			r.inline = append(r.inline, own)
		case inGroup:
			if g, ok := aws.ParseARN(group); ok {
				r.groups = append(r.groups, g.Name())
			}
		case r.m.attachedTo(p.ARN, pol.ID):
			r.attached = append(r.attached, pol.ID)
		default:
			r.groups = append(r.groups, "") // a managed policy of a group's
		}
	}
	r.schedule()
	r.remove()
	out.Stages = []Stage{r.first, r.second}
}

// attachedTo reports whether a managed policy is attached to an identity itself.
func (m *Amazon) attachedTo(identity, policy string) bool {
	n, ok := m.snap.Find(identity)
	if !ok {
		return false
	}
	config, err := m.snap.Config(n)
	if err != nil {
		return false
	}
	var h holding
	if json.Unmarshal(config, &h) != nil {
		return false
	}
	return slices.ContainsFunc(h.AttachedManagedPolicies, func(a struct{ PolicyArn string }) bool { return a.PolicyArn == policy })
}

func (r *removal) policyARN(name string) string {
	return "arn:" + r.arn.Partition + ":iam::" + r.arn.Account + ":policy/" + name
}

// call is a command of the IAM command line on the identity.
func (r *removal) call(verb, what string, rest ...string) string {
	words := []string{"aws", "iam", verb + "-" + r.kind + "-" + what, "--" + r.kind + "-name", word(r.name)}
	return strings.Join(append(words, rest...), " ")
}

func (r *removal) tags() string {
	reason := cmp.Or(r.z.Reason, "not used from "+day(r.out.Observed.From)+" to "+day(r.out.Observed.To))
	return "--tags " + word("Key=sevenfold:removal,Value="+r.due) + " " + word("Key=sevenfold:reason,Value="+tagValue(reason))
}

// tagValue leaves what IAM takes in a tag's value. Source: IAM User Guide, "Tag
// naming conventions".
func tagValue(s string) string {
	s = strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune(" _.:/=+-@", c) {
			return c
		}
		return ' '
	}, s)
	return s[:min(len(s), 256)]
}

// schedule is the first stage: the proposal is attached, and what it does not
// allow is refused by a policy of its own.
func (r *removal) schedule() {
	s := &r.first
	s.Name, s.When = "schedule", "now"
	for i, doc := range r.out.Policies {
		name := fmt.Sprintf("sevenfold-%s-%d", r.name, i+1)
		r.out.Names = append(r.out.Names, name)
		r.out.Files[name+".json"] = doc
		s.Commands = append(s.Commands,
			"aws iam create-policy --policy-name "+word(name)+" --policy-document "+word("file://"+name+".json")+" "+r.tags(),
			r.call("attach", "policy", "--policy-arn", word(r.policyARN(name))))
		s.Cancel = append(s.Cancel, r.call("detach", "policy", "--policy-arn", word(r.policyARN(name))), "aws iam delete-policy --policy-arn "+word(r.policyARN(name)))
	}
	deny := r.deny()
	r.denyLarge = len(deny) > iam.ManagedPolicyLimit
	if !r.denyLarge {
		name := r.denyName()
		r.out.Files[name+".json"] = deny
		s.Commands = append(s.Commands,
			"aws iam create-policy --policy-name "+word(name)+" --policy-document "+word("file://"+name+".json")+" "+r.tags(),
			r.call("attach", "policy", "--policy-arn", word(r.policyARN(name))))
		s.Cancel = append([]string{r.call("detach", "policy", "--policy-arn", word(r.policyARN(name))), "aws iam delete-policy --policy-arn " + word(r.policyARN(name))}, s.Cancel...)
		s.Notes = append(s.Notes, "from now on whatever else it calls is refused and stands in the log as AccessDenied; what is narrowed to some resources or conditions is refused from the second stage on only")
	} else {
		s.Notes = append(s.Notes, "the list of what is kept does not fit one policy, so that nothing is refused before the second stage: watch that one")
	}
	if n := len(r.attached) + len(r.out.Policies) + 1; n > iam.ManagedPoliciesEach {
		s.Notes = append(s.Notes, fmt.Sprintf("%d policies would be attached meanwhile, AWS allows %d unless the account has had it raised: ask for a raise, or keep some in line", n, iam.ManagedPoliciesEach))
	}
}

func (r *removal) denyName() string { return "sevenfold-" + r.name + "-scheduled-removal" }

// deny refuses all actions but those that are kept.
func (r *removal) deny() json.RawMessage {
	kept := map[string]bool{}
	if c := r.z.Usage.by[principalKey(r.p.ARN)]; c != nil {
		for action := range c.actions {
			kept[action] = true
		}
	}
	for _, h := range r.out.Unseen {
		kept[h.Action] = true
	}
	text, err := json.Marshal(struct {
		Version   string
		Statement []any
	}{"2012-10-17", []any{struct {
		Sid, Effect string
		NotAction   []string
		Resource    string
	}{"NotUsedRemovedOn" + strings.ReplaceAll(r.due, "-", ""), "Deny", ordered(kept), "*"}}})
	if err != nil {
		return nil
	}
	return text
}

// remove is the second stage: today's policies go, and the refusal with them.
func (r *removal) remove() {
	s := &r.second
	s.Name, s.When = "remove", "on "+r.due+", if nothing it needs was refused"
	s.Check = []string{"sevenfold access rightsize " + word(r.p.ARN) + fmt.Sprintf(" --window %dd", max(1, r.z.After)) + "   (denied must name nothing that it needs)"}
	var back []string
	for _, arn := range r.attached {
		s.Commands = append(s.Commands, r.call("detach", "policy", "--policy-arn", word(arn)))
		back = append(back, r.call("attach", "policy", "--policy-arn", word(arn)))
	}
	for _, name := range r.inline {
		file := "before-" + r.name + "-" + name + ".json"
		r.out.Files[file] = r.m.document(r.p.ARN + "#policy/" + name)
		s.Commands = append(s.Commands, r.call("delete", "policy", "--policy-name", word(name)))
		back = append(back, r.call("put", "policy", "--policy-name", word(name), "--policy-document", word("file://"+file)))
	}
	slices.Sort(r.groups)
	for _, g := range slices.Compact(r.groups) {
		if g == "" {
			s.Notes = append(s.Notes, "policies of its groups stay as they are: take it out of the groups for the proposal to count (aws iam list-groups-for-user --user-name "+word(r.name)+")")
			continue
		}
		s.Commands = append(s.Commands, "aws iam remove-user-from-group --user-name "+word(r.name)+" --group-name "+word(g))
		back = append(back, "aws iam add-user-to-group --user-name "+word(r.name)+" --group-name "+word(g))
	}
	if !r.denyLarge {
		arn := r.policyARN(r.denyName())
		s.Commands = append(s.Commands, r.call("detach", "policy", "--policy-arn", word(arn)), "aws iam delete-policy --policy-arn "+word(arn))
	}
	s.Cancel = back
}
