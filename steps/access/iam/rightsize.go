package iam

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Call is a request that was seen.
type Call struct {
	Action   string
	Resource string // an ARN; "*" for actions that have none, or where the event names none
	Context  map[string][]string
}

// Size limits of a policy document, in characters without white space. Source:
// IAM User Guide, "IAM and AWS STS quotas".
const (
	ManagedPolicyLimit = 6144
	// ManagedPoliciesEach is how many managed policies may be attached to one
	// identity, unless the account has had it raised.
	ManagedPoliciesEach = 10
)

// Sizing is a policy that allows what was seen and little more.
type Sizing struct {
	// Policies are the documents, each within ManagedPolicyLimit.
	Policies []json.RawMessage `json:"policies"`
	// Seen is how many different calls were laid on; Kept how many of them the
	// new policies still allow: all that the old ones did.
	Seen int `json:"seen"`
	Kept int `json:"kept"`
	// Refused are calls that today's policies do not allow either, so that no
	// policy was made of them.
	Refused []string `json:"refused,omitempty"`
	// Elsewhere are calls that the resource's own policy allows.
	Elsewhere []string `json:"elsewhere,omitempty"`
	// Broader says whether the new policies allow what the old ones do not: "no",
	// since what is generalised stays within the statement that allows it.
	Broader string `json:"broader"`
	// Lost are calls that the new policies would refuse though the old ones allow
	// them. It is empty, or the policies must not be used.
	Lost []string `json:"lost,omitempty"`
	// TooLarge says that the documents do not fit what may be attached.
	TooLarge string `json:"tooLarge,omitempty"`
}

// drawn is one statement of a new policy.
type drawn struct {
	actions   []string
	resources []string
	condition string // as JSON, empty for none
}

// Rightsize makes policies of the calls that were seen of a principal: for each
// the statement that allows it today gives the bounds and the conditions, the
// calls give actions and resources. Resources that differ in their last part
// only are joined by a wildcard where there are many of them, never beyond the
// statement. Denies stay as they are. The result is proved: each call is
// decided again, and the new policies are compared with the old.
func (w *World) Rightsize(p *Principal, calls []Call) Sizing {
	out := Sizing{}
	calls = distinct(calls)
	out.Seen = len(calls)
	type place struct {
		statement *Statement
		action    string
	}
	grants := map[place][]string{}
	var kept []Call
	for _, c := range calls {
		r := c.request(p)
		s, how := w.grantOf(r)
		switch how {
		case refused:
			out.Refused = append(out.Refused, c.Action+" "+c.Resource)
			continue
		case elsewhere:
			out.Elsewhere = append(out.Elsewhere, c.Action+" "+c.Resource)
			kept = append(kept, c)
			continue
		}
		kept = append(kept, c)
		at := place{s, w.spell(c.Action)}
		grants[at] = append(grants[at], c.Resource)
	}
	for _, many := range []int{8, 4, 2, 1} {
		byShape := map[string]*drawn{}
		for at, resources := range grants {
			rs := join(resources, at.statement, many)
			condition := at.statement.conditionText()
			key := strings.Join(rs, "\n") + "\x00" + condition
			if byShape[key] == nil {
				byShape[key] = &drawn{resources: rs, condition: condition}
			}
			byShape[key].actions = append(byShape[key].actions, at.action)
		}
		out.Policies, out.TooLarge = w.render(byShape, p)
		if out.TooLarge == "" {
			break
		}
	}
	w.prove(p, kept, &out)
	return out
}

func (c *Call) request(p *Principal) Request {
	return Request{Principal: p, Action: c.Action, Resource: c.Resource, Literal: true, Context: c.Context}
}

func distinct(calls []Call) []Call {
	seen := map[string]bool{}
	var out []Call
	for _, c := range calls {
		text, err := json.Marshal(c)
		if err != nil || seen[string(text)] {
			continue
		}
		seen[string(text)] = true
		out = append(out, c)
	}
	return out
}

type granted uint8

const (
	byIdentity granted = iota
	elsewhere
	refused
)

// grantOf finds the statement of the principal's own policies that allows a
// request, the narrowest one if there are several.
func (w *World) grantOf(r Request) (*Statement, granted) {
	if w.Decide(r) == Deny {
		return nil, refused
	}
	var best *Statement
	for _, pol := range r.Principal.Policies {
		one := *r.Principal
		one.Policies = []*Policy{pol}
		d := w.decision(&Request{Principal: &one, Action: r.Action, Resource: r.Resource, Literal: true, Context: r.Context})
		for i := range pol.Statements {
			s := &pol.Statements[i]
			if s.Deny || s.wrong != "" || !s.speaksOf(&d.action) {
				continue
			}
			d.lits = d.lits[:0]
			if d.holds(pol, s) != no && (best == nil || s.width() < best.width()) {
				best = s
			}
		}
		d.release()
	}
	if best == nil {
		return nil, elsewhere
	}
	return best, byIdentity
}

// width ranks statements: those with a wildcard for everything are widest, more
// conditions are narrower.
func (s *Statement) width() int {
	n := 100 - len(s.conditions)
	if s.everything || s.notResource {
		n += 1000
	}
	if s.notAction {
		n += 2000
	}
	return n
}

// spell writes an action as the provider does, if its name is known.
func (w *World) spell(action string) string {
	if name, ok := w.spelt[lower(action)]; ok {
		return name
	}
	return action
}

// join lists the resources of one action, those of one parent joined where
// there are more than many of them and the statement covers the whole; with the
// parents joined in turn if that is not enough.
func join(resources []string, s *Statement, many int) []string {
	slices.Sort(resources)
	resources = slices.Compact(resources)
	for len(resources) > many {
		byParent := map[string][]string{}
		for _, r := range resources {
			dir := parent(r)
			byParent[dir] = append(byParent[dir], r)
		}
		var out []string
		for _, dir := range sortedKeys(byParent) {
			rs := byParent[dir]
			if wide := stem(rs, dir) + "*"; len(rs) > 1 && dir != "" && s.coversResource(wide) {
				rs = []string{wide}
			} else if alone := dir + "*"; len(rs) == 1 && dir != "" && len(byParent) > 1 && s.coversResource(alone) {
				rs = []string{alone}
			}
			out = append(out, rs...)
		}
		slices.Sort(out)
		out = slices.Compact(out)
		if slices.Equal(out, resources) {
			break
		}
		resources = out
	}
	return resources
}

// parent is the part of an ARN that resources of one folder or kind share;
// empty for what has none.
func parent(arn string) string {
	parts := strings.SplitN(arn, ":", arnParts)
	if len(parts) < arnParts {
		return ""
	}
	i := strings.LastIndexAny(strings.TrimRight(parts[arnParts-1], "*/:"), "/:")
	if i < 0 {
		return ""
	}
	return arn[:len(arn)-len(parts[arnParts-1])+i+1]
}

// stem is what the names begin with, up to a separator, at least the folder.
func stem(rs []string, dir string) string {
	common := rs[0]
	for _, r := range rs[1:] {
		for !strings.HasPrefix(r, common) {
			common = common[:len(common)-1]
		}
	}
	if len(rs) == 1 {
		return dir
	}
	if i := strings.LastIndexAny(common, "-_.:/"); i+1 > len(dir) {
		return common[:i+1]
	}
	return dir
}

// coversResource says that the statement allows every resource of a pattern,
// whatever a variable in it stands for.
func (s *Statement) coversResource(pattern string) bool {
	q := NewPattern(pattern, false)
	if s.notResource {
		for i := range s.plain {
			if s.plain[i].Meets(&q) {
				return false
			}
		}
		return len(s.resources) == 0
	}
	for i := range s.plain {
		if s.plain[i].Covers(&q) {
			return true
		}
	}
	return false
}

// conditionText is the statement's Condition as JSON, empty if it has none.
func (s *Statement) conditionText() string {
	if len(s.conditions) == 0 {
		return ""
	}
	text, err := json.Marshal(s.conditionMap())
	if err != nil {
		return ""
	}
	return string(text)
}

func (s *Statement) conditionMap() map[string]map[string][]string {
	out := map[string]map[string][]string{}
	for i := range s.conditions {
		a := &s.conditions[i]
		op, key, _ := strings.Cut(a.text, " ")
		if out[op] == nil {
			out[op] = map[string][]string{}
		}
		out[op][key] = a.list
	}
	return out
}

// written is a statement as JSON writes it.
type written struct {
	Sid         string          `json:",omitempty"`
	Effect      string          ``
	Action      []string        `json:",omitempty"`
	NotAction   []string        `json:",omitempty"`
	Resource    []string        `json:",omitempty"`
	NotResource []string        `json:",omitempty"`
	Condition   json.RawMessage `json:",omitempty"`
}

// again writes a statement of a policy as it was read.
func (w *World) again(s *Statement) written {
	out := written{Sid: s.Sid, Effect: "Allow"}
	if s.Deny {
		out.Effect = "Deny"
	}
	for i := range s.actions {
		name := w.spell(s.actions[i].String())
		if s.notAction {
			out.NotAction = append(out.NotAction, name)
		} else {
			out.Action = append(out.Action, name)
		}
	}
	var resources []string
	for i := range s.plain {
		resources = append(resources, s.plain[i].String())
	}
	for i := range s.resources {
		resources = append(resources, s.resources[i].text)
	}
	if s.notResource {
		out.NotResource = resources
	} else {
		out.Resource = resources
	}
	out.Condition = json.RawMessage(s.conditionText())
	return out
}

// render writes the statements into as many documents as the limit asks for.
func (w *World) render(shapes map[string]*drawn, p *Principal) (docs []json.RawMessage, tooLarge string) {
	var statements []written
	for _, k := range sortedKeys(shapes) {
		d := shapes[k]
		slices.Sort(d.actions)
		statements = append(statements, written{
			Effect: "Allow", Action: slices.Compact(d.actions), Resource: d.resources, Condition: json.RawMessage(d.condition),
		})
	}
	slices.SortStableFunc(statements, func(a, b written) int {
		return cmp.Or(slices.Compare(a.Action, b.Action), slices.Compare(a.Resource, b.Resource))
	})
	for _, pol := range p.Policies {
		for i := range pol.Statements {
			if s := &pol.Statements[i]; s.Deny && s.wrong == "" {
				statements = append(statements, w.again(s))
			}
		}
	}
	var in []written
	flush := func() {
		if len(in) > 0 {
			docs = append(docs, document(in))
			in = nil
		}
	}
	for _, s := range statements {
		if len(document(append(slices.Clone(in), s))) > ManagedPolicyLimit {
			flush()
		}
		in = append(in, s)
		if n := len(document(in)); n > ManagedPolicyLimit && tooLarge == "" {
			tooLarge = fmt.Sprintf("one statement takes %d characters, a policy holds %d", n, ManagedPolicyLimit)
		}
	}
	flush()
	if len(docs) > ManagedPoliciesEach && tooLarge == "" {
		tooLarge = fmt.Sprintf("%d policies, and %d may be attached", len(docs), ManagedPoliciesEach)
	}
	return docs, tooLarge
}

func document(statements []written) json.RawMessage {
	text, err := json.Marshal(struct {
		Version   string
		Statement []written
	}{"2012-10-17", statements})
	if err != nil {
		return nil
	}
	return text
}

// prove decides every call again under the new policies, and compares both.
func (w *World) prove(p *Principal, calls []Call, out *Sizing) {
	after := *p
	after.Policies = nil
	for i, doc := range out.Policies {
		after.Policies = append(after.Policies, w.Parse(fmt.Sprintf("proposed policy %d", i+1), doc))
	}
	for i := range calls {
		old, new := w.Decide(calls[i].request(p)), w.Decide(calls[i].request(&after))
		if old == new || new == Allow {
			out.Kept++
			continue
		}
		out.Lost = append(out.Lost, calls[i].Action+" "+calls[i].Resource)
	}
	out.Broader = w.Compare(p.Policies, after.Policies).Broader
}
