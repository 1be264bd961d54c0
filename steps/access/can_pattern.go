package access

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/scope/expr"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// owned notes the resources whose own policy, lists or grants count, by the
// service whose actions they count for.
func (m *Amazon) owned(resources []*iam.Resource) {
	m.own = map[string][]*iam.Resource{}
	for _, r := range resources {
		if r.Policy == nil && r.Unread == "" && len(r.Lists) == 0 && len(r.Grants) == 0 {
			continue
		}
		arn, ok := aws.ParseARN(r.ARN)
		if !ok {
			continue
		}
		service := arn.Service
		if service == "iam" {
			service = "sts" // a trust policy is about nothing but taking the role
		}
		m.own[service] = append(m.own[service], r)
	}
}

// spread lists what a question about a pattern of resources comes to: the
// pattern for all that has no policy of its own, and beside it each that has.
func (m *Amazon) spread(r iam.Request) []iam.Request {
	out := []iam.Request{r}
	if r.Literal || !strings.ContainsAny(r.Resource, "*?") || m.world.Resource(r.Resource) != nil {
		return out
	}
	forms := formsOf(r.Action)
	for _, service := range servicesOf(r.Action) {
		for _, own := range m.own[service] {
			for _, id := range within(r.Resource, own.ARN) {
				if !slices.ContainsFunc(forms, func(form string) bool { return expr.Glob(form, id) }) {
					continue
				}
				one := r
				one.Resource = id
				out = append(out, one)
			}
		}
	}
	return out
}

// servicesOf lists the services a pattern of actions covers.
func servicesOf(action string) []string {
	service, _, _ := strings.Cut(action, ":")
	if !strings.ContainsAny(service, "*?") {
		return []string{strings.ToLower(service)}
	}
	var out []string
	for _, s := range reference.Services() {
		if expr.Glob(strings.ToLower(service), s.Prefix) {
			out = append(out, s.Prefix)
		}
	}
	return out
}

// formsOf lists the forms of the ARNs that actions work on, as patterns.
func formsOf(action string) []string {
	var out []string
	for _, a := range reference.Expand(action) {
		for _, u := range a.Uses {
			out = append(out, formOf(u.Resource.ARN))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// formOf makes a pattern of a form of ARNs: ${Partition} and its like stand for
// anything.
func formOf(form string) string {
	for {
		head, rest, ok := strings.Cut(form, "${")
		if !ok {
			return form
		}
		_, tail, _ := strings.Cut(rest, "}")
		form = head + "*" + tail
	}
}

// within lists what a pattern covers of one resource: itself, and what lies in
// it.
func within(pattern, arn string) []string {
	var out []string
	if expr.Glob(pattern, arn) {
		out = append(out, arn)
	}
	if inside := arn + "/*"; expr.Glob(pattern, inside) {
		return append(out, inside)
	}
	for i, c := range pattern {
		if (c == '/' || c == ':') && i > 0 && expr.Glob(pattern[:i], arn) {
			out = append(out, arn+pattern[i:])
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// explain answers a question about one principal. Over several resources it is
// allow or deny only if it is that on each.
func (m *Amazon) explain(all []iam.Request) iam.Answer {
	if len(all) == 1 {
		return m.settled(all[0], m.world.Explain(all[0]))
	}
	var by [4]*iam.Answer
	var unknown, assumed []string
	for _, r := range all {
		d := m.world.Decide(r)
		if by[d] != nil && d != iam.Unknown {
			continue
		}
		a := m.settled(r, m.world.Explain(r))
		if a.Resource == "" && len(all) > 1 {
			a.Resource = r.Resource
		}
		unknown, assumed = append(unknown, a.Unknown...), append(assumed, a.Assumed...)
		if by[a.Decision] == nil {
			by[a.Decision] = &a
		}
	}
	out := m.joined(by, unknown)
	slices.Sort(assumed)
	out.Assumed = slices.Compact(assumed)
	return out
}

// joined is the answer over several resources.
func (m *Amazon) joined(by [4]*iam.Answer, unknown []string) iam.Answer {
	some := by[iam.Conditional]
	if some == nil {
		some = by[iam.Allow]
	}
	switch {
	case by[iam.Conditional] != nil, by[iam.Allow] != nil && by[iam.Deny] != nil:
		out := *some
		out.Decision = iam.Conditional
		if out.Witness == nil {
			out.Witness = map[string][]string{}
		}
		if by[iam.Deny] != nil {
			for _, b := range by[iam.Deny].Because {
				if b.Effect == "Deny" && !slices.Contains(out.Because, b) {
					out.Because = append(out.Because, b)
				}
			}
			out.Conditions = append(slices.Clone(out.Conditions), "the resource")
		}
		return out
	case by[iam.Unknown] != nil:
		out := *by[iam.Unknown]
		slices.Sort(unknown)
		out.Unknown = slices.Compact(unknown)
		return out
	case by[iam.Allow] != nil:
		out := *by[iam.Allow]
		out.Resource = ""
		return out
	}
	out := *by[iam.Deny]
	out.Resource = ""
	return out
}

// settled completes an engine's answer: where a resource was not found because
// listing was refused, it may have a policy of its own, and the answer is not
// known unless a deny decides it.
func (m *Amazon) settled(r iam.Request, a iam.Answer) iam.Answer {
	open := strings.ContainsAny(r.Resource, "*?") && !r.Literal
	kept := a.Assumed[:0:0]
	for _, s := range a.Assumed {
		if open && strings.HasPrefix(s, r.Resource+" is ") {
			continue // what has a policy of its own is asked about beside it
		}
		kept = append(kept, s)
	}
	a.Assumed = kept
	if r.Literal {
		return a
	}
	if p, inside := m.pointOf(r.Resource); p != nil {
		a = m.behind(p, inside, r, a)
	}
	refused := ""
	if on := m.world.Resource(r.Resource); on == nil {
		refused = m.refusedFor(r)
	} else {
		d := m.doubts[on.ARN]
		switch {
		case d.grants != "" && a.Decision == iam.Deny && strings.HasPrefix(strings.ToLower(r.Action), "kms:"):
			refused = d.grants
		case d.public != "" && a.Decision != iam.Deny && r.Principal.Kind == iam.Anonymous:
			refused = d.public
		}
	}
	if refused == "" || a.Decision == iam.Deny && slices.ContainsFunc(a.Because, func(b iam.Reason) bool { return b.Effect == "Deny" }) {
		return a
	}
	a.Decision, a.Witness, a.Conditions = iam.Unknown, nil, nil
	a.Unknown = append(a.Unknown, refused)
	return a
}

// refusedFor says that the resources of a request's service were not all listed
// where it is made, because that was refused; empty if nothing was.
func (m *Amazon) refusedFor(r iam.Request) string {
	arn, _ := aws.ParseARN(r.Resource)
	elsewhere := func(b, at string) bool { return b != "" && at != "" && b != at && !strings.ContainsAny(at, "*?") }
	for _, service := range servicesOf(r.Action) {
		for _, b := range m.unlisted[service] {
			if !elsewhere(b.Region, arn.Region) && !elsewhere(b.Account, arn.Account) {
				return "whether " + r.Resource + " has a policy of its own was not read: " + b.Operation + " " + string(b.Status)
			}
		}
	}
	return ""
}
