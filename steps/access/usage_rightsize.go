package access

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// Sized is a proposal for the policies of one identity: what it is allowed today,
// less what it was not seen to use, with the proof and the way there.
type Sized struct {
	Principal string   `json:"principal"`
	Observed  Observed `json:"observed"`
	// Decision is "proved": every call seen that is allowed today stays allowed, and
	// nothing is allowed that is not today; "refused": the proposal must not be
	// used, Problems say why; "unknown": nobody can tell what it uses.
	Decision string `json:"decision"`
	// Policies are the documents, each within what AWS takes; Names are those they
	// are made under.
	Policies []json.RawMessage `json:"policies"`
	Names    []string          `json:"names"`
	// Calls is how many calls the log shows of it, Different how many of them
	// differ; Seen of those and of what is kept unseen were laid on, Kept of them are
	// allowed by the proposal as by today's policies.
	Calls     int `json:"calls"`
	Different int `json:"different"`
	Seen      int `json:"seen"`
	Kept      int `json:"kept"`
	// Unseen are actions that it may use without any log showing it; they are kept
	// as they are granted. Unless that was not wanted (Strict), then Dropped has them.
	Unseen  []Hidden `json:"unseen"`
	Dropped []Hidden `json:"dropped,omitempty"`
	// Wide are actions of which the log does not tell the resource: kept on all that
	// is granted.
	Wide []string `json:"wide"`
	// Refused are calls seen that today's policies do not allow any more, Elsewhere
	// those that a resource's own policy allows, Denied those that were refused when
	// they were made.
	Refused   []string       `json:"refused"`
	Elsewhere []string       `json:"elsewhere"`
	Denied    map[string]int `json:"denied"`
	// Unmapped counts calls of which it is not known what action they are.
	Unmapped map[string]int `json:"unmapped"`
	// Lost are calls that the proposal would refuse; Broader is "no" unless it allows
	// what is not allowed today.
	Lost     []string `json:"lost"`
	Broader  string   `json:"broader"`
	Problems []string `json:"problems"`
	// Stages are the two steps of the change, each with what cancels it.
	Stages []Stage `json:"stages"`
	// Files are the documents that the commands name, by file name.
	Files map[string]json.RawMessage `json:"files"`
	// Sources say where the policies of today stand that the proposal replaces.
	Sources []string `json:"sources"`
}

// Hidden is an action that logs do not show, and why.
type Hidden struct {
	Action string `json:"action"`
	Why    string `json:"why"`
}

// Stage is one step of a change with the exact commands.
type Stage struct {
	Name     string   `json:"name"` // schedule or remove
	When     string   `json:"when"`
	Check    []string `json:"check,omitempty"` // before it
	Commands []string `json:"commands"`
	Cancel   []string `json:"cancel"`
	Notes    []string `json:"notes,omitempty"`
}

// Sizer are the terms of a proposal.
type Sizer struct {
	Usage *Usage
	Sight *Sight
	// Strict drops what no log would show too.
	Strict bool
	// After is how many days lie between the two stages.
	After int
	// Reason stands in the tags.
	Reason string
}

// maxHidden is how many actions may be kept without any log that could show them.
const maxHidden = 400

// Rightsize proposes policies for an identity. The error is an *Asking if it names
// none whose policies can be changed.
func (m *Amazon) Rightsize(ctx context.Context, name string, z Sizer) (*Sized, error) {
	p, _, err := m.who(name)
	if err != nil {
		return nil, err
	}
	if p.Kind != iam.Role && p.Kind != iam.User || p.ServiceLinked {
		return nil, &Asking{What: p.ARN + " has no policies of its own that could be changed", Mend: "name a role or a user; of a root user, a service or a service-linked role AWS decides"}
	}
	out := &Sized{Principal: p.ARN, Observed: z.Usage.Observed(p.Account), Policies: []json.RawMessage{}, Names: []string{}, Unseen: []Hidden{}, Wide: []string{}, Refused: []string{},
		Elsewhere: []string{}, Denied: map[string]int{}, Unmapped: map[string]int{}, Lost: []string{}, Problems: []string{}, Stages: []Stage{}, Files: map[string]json.RawMessage{}, Sources: []string{}}
	statements, unread := m.allows(p)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, pol := range p.Policies {
		out.Sources = append(out.Sources, pol.ID)
	}
	calls := m.calls(p, statements, z, out)
	switch c := z.Usage.by[principalKey(p.ARN)]; {
	case len(unread) > 0:
		return out.unknown("not all of its policies are known: " + strings.Join(unread, "; ")), nil
	case z.Usage.Empty():
		return out.unknown("no log shows an event: --source events:PATH reads CloudTrail's"), nil
	case len(out.Unseen) > maxHidden:
		return out.unknown(fmt.Sprintf("of %d actions that it is granted no log would show a use: %s", len(out.Unseen), out.Unseen[0].Why)), nil
	case c == nil || len(c.actions) == 0:
		return out.unknown(fmt.Sprintf("no log shows a call of it in the time from %s to %s: one that is not used at all is not made smaller but removed, see sevenfold access unused", day(out.Observed.From), day(out.Observed.To))), nil
	}
	s := m.world.Rightsize(p, calls)
	out.Policies, out.Seen, out.Kept, out.Broader = append(out.Policies, s.Policies...), s.Seen, s.Kept, s.Broader
	out.Refused, out.Elsewhere, out.Lost = m.really(s.Refused, out), append(out.Elsewhere, s.Elsewhere...), append(out.Lost, s.Lost...)
	out.Decision = "proved"
	for _, bad := range []struct {
		is   bool
		what string
	}{
		{len(s.Lost) > 0, fmt.Sprintf("%d calls would be refused", len(s.Lost))},
		{s.Broader != "no", "whether it allows more than today: " + s.Broader},
		{s.TooLarge != "", "it does not fit what AWS takes: " + s.TooLarge},
	} {
		if bad.is {
			out.Decision = "refused"
			out.Problems = append(out.Problems, bad.what)
		}
	}
	if out.Observed.Lacks != "" {
		out.Problems = append(out.Problems, out.Observed.Lacks+": what is used more seldom than that is not in the proposal")
	}
	m.stages(p, z, out)
	return out, nil
}

func (s *Sized) unknown(why string) *Sized {
	s.Decision, s.Broader = "unknown", "unknown"
	s.Problems = append(s.Problems, why)
	return s
}

// really are the refusals that are no consequence of a resource that the log does
// not tell.
func (m *Amazon) really(refused []string, out *Sized) []string {
	list := []string{}
	for _, r := range refused {
		if action, on, _ := strings.Cut(r, " "); on != "*" || !slices.Contains(out.Wide, action) {
			list = append(list, r)
		}
	}
	return list
}

// calls are what is laid on: the calls seen, on resources as the world knows them;
// for those whose resource the log does not tell, or tells in a way that today's
// policies do not allow, all that is granted; and what no log would show.
func (m *Amazon) calls(p *iam.Principal, statements []given1, z Sizer, out *Sized) (calls []iam.Call) {
	c := z.Usage.by[principalKey(p.ARN)]
	if c == nil {
		c = &caller{}
	}
	out.Denied, out.Unmapped = copied(c.refused), copied(c.unmapped)
	for _, action := range ordered(c.actions) {
		d := c.actions[action]
		if !d.derived {
			out.Calls += d.count
		}
		wide := d.untold
		for _, resource := range ordered(d.resources) {
			at := m.canonical(resource)
			for _, call := range d.resources[resource].calls(action, at) {
				calls = append(calls, call)
				out.Different++
				wide = wide || m.world.Decide(iam.Request{Principal: p, Action: action, Resource: at, Literal: true, Context: call.Context}) == iam.Deny
			}
		}
		if !wide {
			continue
		}
		if all := asGranted(statements, action); len(all) > 0 {
			calls = append(calls, all...)
			out.Wide = append(out.Wide, action)
		}
	}
	for _, h := range m.hidden(p, statements, z) {
		if z.Strict {
			out.Dropped = append(out.Dropped, h)
			continue
		}
		out.Unseen = append(out.Unseen, h)
		calls = append(calls, asGranted(statements, h.Action)...)
	}
	return calls
}

func copied(m map[string]int) map[string]int {
	out := map[string]int{}
	for k, v := range m {
		out[k] = v
	}
	return out
}

// calls are the different calls of one action on one resource.
func (p *place1) calls(action, resource string) (out []iam.Call) {
	for _, k := range ordered(p.contexts) {
		out = append(out, iam.Call{Action: action, Resource: resource, Context: p.contexts[k]})
	}
	if p.open || len(out) == 0 {
		out = append(out, iam.Call{Action: action, Resource: resource})
	}
	return out
}

// asGranted are calls that stand for all that statements grant of an action.
func asGranted(statements []given1, action string) (out []iam.Call) {
	for i := range statements {
		g := &statements[i]
		if !g.grantsAction(action) {
			continue
		}
		if len(g.st.Resources) == 0 {
			out = append(out, iam.Call{Action: action, Resource: "*"})
		}
		for _, r := range g.st.Resources {
			out = append(out, iam.Call{Action: action, Resource: r})
		}
	}
	return out
}

// canonical gives a role or user the path that the log does not tell.
func (m *Amazon) canonical(resource string) string {
	a, ok := aws.ParseARN(resource)
	if !ok || a.Service != "iam" || strings.Count(a.Resource, "/") != 1 {
		return resource
	}
	if _, known := m.world.Principal(resource); known {
		return resource
	}
	if name, ok := strings.CutPrefix(a.Resource, "role/"); ok {
		if p, ok := m.world.Principal("arn:" + a.Partition + ":sts::" + a.Account + ":assumed-role/" + name + "/x"); ok {
			return p.ARN
		}
	}
	return resource
}

// hidden lists the granted actions whose use no log would show. Those of a service
// that IAM knows not to have been used are left out. That an action was seen on one
// resource does not show that it is logged on all of them.
func (m *Amazon) hidden(p *iam.Principal, statements []given1, z Sizer) (out []Hidden) {
	last := m.lastAccessed(p.ARN)
	seen := map[string]bool{}
	look := func(a *reference.Action) {
		action := a.String()
		if seen[action] {
			return
		}
		seen[action] = true
		if used, known := last.action(a, z.Usage.From); known && !used {
			return
		}
		if sees, why := z.Sight.Sees(p.Account, action, changes(a)); !sees {
			out = append(out, Hidden{action, why})
		}
	}
	if z.Sight.limited(p.Account) {
		for i := range statements {
			for _, a := range statements[i].actions() {
				look(a)
			}
		}
	}
	for i := range planes {
		for _, name := range planes[i].names {
			for _, a := range reference.Expand(planes[i].service + ":" + name) {
				if slices.ContainsFunc(statements, func(g given1) bool { return g.grantsAction(a.String()) }) {
					look(a)
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b Hidden) int { return cmp.Compare(a.Action, b.Action) })
	return out
}

// changes reports whether an action is logged as one that changes something.
func changes(a *reference.Action) bool { return a.Level != reference.List && a.Level != reference.Read }
