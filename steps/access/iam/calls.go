package iam

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// which calls of a route are weighed, as a set.
type which uint8

const (
	freeCalls   which = 1 << iota // those that do not hang on the target
	targetCalls                   // those on the target itself
	heldCalls                     // those on what is the target's, and whether a new trust lets in
	facts                         // what must hold beside the calls
	told                          // the calls are listed, with what they hang on
	everyCall   = freeCalls | targetCalls | heldCalls | facts
)

// partOf says which part of a route a call is.
func partOf(n *reference.Need, route *reference.Route) which {
	switch n.On {
	case "target":
		return targetCalls
	case "carrier", "provider", "target-group":
		return heldCalls
	case "policy":
		if route.Target != "self" {
			return heldCalls
		}
	}
	return freeCalls
}

// take weighs some calls that a route needs of one principal and one target,
// which is nil where only the free ones are.
func (c *climb) take(p, target *Principal, route *reference.Route, carrier *Carrier, group string, part which) taken {
	e := taken{decision: Allow}
	if part&facts != 0 {
		for _, fact := range route.Requires {
			if !c.fact(&e, fact, p, target, carrier) {
				return e
			}
		}
	}
	for k := range route.Needs {
		n := &route.Needs[k]
		if part&partOf(n, route) == 0 {
			continue
		}
		several := []string{group}
		if _, ok := n.Context[policyARN]; ok && strings.Contains(group, " ") {
			several = strings.Fields(group)
		}
		for _, group := range several {
			if !c.takeOne(&e, p, target, n, carrier, group, part) {
				return e
			}
		}
	}
	if part&heldCalls != 0 && target != p && rewritesTrust(route) && !c.entersByNewTrust(p, target) {
		return e
	}
	e.ok = true
	return e
}

// takeOne weighs one call; false if it is refused.
func (c *climb) takeOne(e *taken, p, target *Principal, n *reference.Need, carrier *Carrier, group string, part which) bool {
	best, bestDecision := c.best(c.requests(p, target, n, carrier, group, e.made))
	if bestDecision == Deny {
		return false
	}
	if (n.On == "new" || n.On == "any" || n.On == "carrier") && n.Resource != "" {
		if e.made == nil {
			e.made = map[string]string{}
		}
		e.made[n.Resource] = best.Resource
	}
	e.decision = weaker(e.decision, bestDecision)
	var why, first string
	if have, arn, ok := c.attachedTo(p, target, n, best.Resource); ok {
		var room Decision
		room, why, first = c.roomFor(p, n, have+e.attached, arn)
		e.decision = weaker(e.decision, room)
		e.attached++
	}
	if part&told == 0 {
		return true
	}
	if why != "" {
		e.unknown = append(e.unknown, why)
	}
	if first != "" {
		e.assumed = append(e.assumed, first)
	}
	if bestDecision == Unknown {
		e.unknown = append(e.unknown, c.whyUnknown(&best.Request)...)
	}
	if w, ok := c.written(&best.Request); ok && w.action != "" {
		e.calls, e.on = append(e.calls, w.request(p)), append(e.on, "*")
	}
	e.calls = append(e.calls, best.Request)
	on := best.Resource
	if best.anywhere || n.On == "new" || n.On == "any" {
		on = "*"
	}
	e.on = append(e.on, on)
	return true
}

// whyUnknown says on what a call hangs.
func (c *climb) whyUnknown(r *Request) []string {
	out := c.w.Explain(*r).Unknown
	if w, ok := c.written(r); ok && w.why != "" {
		out = append(out, w.why)
	}
	return out
}

// request is one that a call is taken to be.
type request struct {
	Request
	anywhere bool // any resource of the type will do
}

// best decides which of some requests is allowed most surely.
func (c *climb) best(rs []Request) (request, Decision) {
	var out request
	got := Deny
	for _, r := range rs {
		var d Decision
		wide := strings.ContainsAny(r.Resource, "*?") && !r.Literal
		if wide {
			r, d = c.somewhere(r)
		} else {
			d = c.ask(r)
		}
		d = c.withWriting(&r, d)
		if d != Deny && (got == Deny || d > got) {
			out, got = request{r, wide}, d
		}
		if d == Allow {
			break
		}
	}
	return out, got
}

// pinned is a resource chosen for a call, and what is decided of it there.
type pinned struct {
	resource string
	decision Decision
}

func rewritesTrust(route *reference.Route) bool {
	return slices.ContainsFunc(route.Needs, func(n reference.Need) bool { return n.Action == "iam:UpdateAssumeRolePolicy" })
}

// entersByNewTrust says that a principal whom a rewritten trust policy names is
// not refused the role by anything else.
func (c *climb) entersByNewTrust(p, target *Principal) bool {
	if p.Account != target.Account {
		return false
	}
	on := &Resource{ARN: target.ARN, Account: target.Account, Policy: c.w.openTrust}
	d := c.w.decision(&Request{Principal: p, Action: "sts:AssumeRole", Resource: target.ARN})
	defer d.release()
	d.on = on
	t, _ := d.weigh()
	return t != no
}

// ask decides one call, once for all who are kin.
func (c *climb) ask(r Request) Decision {
	k := c.keyOf(&r)
	if got, ok := c.answers[k]; ok {
		return got
	}
	got := c.w.Decide(r)
	c.answers[k] = got
	return got
}

// requests lists the calls of which one must be allowed.
func (c *climb) requests(p, target *Principal, n *reference.Need, carrier *Carrier, group string, made map[string]string) []Request {
	base := Request{Principal: p, Action: n.Action}
	identity := target
	var on []Request
	add := func(resource string, literal bool) {
		r := base
		r.Resource, r.Literal = resource, literal
		on = append(on, r)
	}
	switch n.On {
	case "target":
		if strings.Contains(group, ":group/") { // whom one puts oneself into
			add(group, true)
		} else {
			add(target.ARN, true)
		}
	case "self":
		identity = p
		add(p.ARN, true)
	case "group":
		for _, g := range p.Groups {
			add(g, true)
		}
	case "target-group":
		for _, g := range target.Groups {
			add(g, true)
		}
	case "policy":
		who := target
		for _, arn := range who.Customer {
			add(arn, true)
		}
	case "provider":
		if target == nil {
			break
		}
		for _, arn := range target.Providers {
			add(arn, true)
		}
	case "carrier":
		if carrier != nil {
			add(carrier.ARN, false)
		}
	default: // new, any
		if i, known := c.numbers[target]; n.On == "new" && (target == p || known && c.stages[i].what&wasMade == 0) {
			identity = nil // what is made has no boundary unless one asks for it
		}
		if at, ok := made[n.Resource]; ok && n.Resource != "" {
			add(at, !strings.ContainsAny(at, "*?"))
			break
		}
		if n.Resource == "" {
			add("*", true)
			break
		}
		service, _, _ := strings.Cut(n.Action, ":")
		k := kindOf{service, n.Resource, p.Account}
		pattern, ok := c.patterns[k]
		if !ok {
			pattern = resourcePattern(service, n.Resource, p.Account)
			c.patterns[k] = pattern
		}
		add(pattern, false)
	}
	return c.withContext(on, n, identity, target, group)
}

// withContext adds the condition keys that a call carries.
func (c *climb) withContext(rs []Request, n *reference.Need, identity, target *Principal, group string) []Request {
	if fixed, ok := c.contexts[n]; ok {
		for i := range rs {
			rs[i].Context = fixed
		}
		return rs
	}
	for _, name := range sortedKeys(n.Context) {
		values := n.Context[name]
		var options [][]string
		switch {
		case name == policyARN && len(rs) > 0 && group != "":
			options = [][]string{{group}}
		case name == policyARN && len(rs) > 0:
			options = c.attachable(rs[0].Principal)
		case len(values) == 1 && values[0] == "${any}":
			if v, ok := chosen[strings.ToLower(name)]; ok {
				options = [][]string{v}
			} else {
				continue
			}
		case len(values) == 1 && values[0] == "${boundary}":
			options = [][]string{{}}
			if identity != nil && identity.Boundary != nil {
				options = [][]string{{identity.Boundary.ID}}
			}
		case len(values) == 1 && values[0] == "${target}" && target != nil:
			options = [][]string{{target.ARN}}
		default:
			for _, v := range values {
				options = append(options, []string{v})
			}
		}
		var out []Request
		for _, r := range rs {
			for _, o := range options {
				next := r
				next.Context = map[string][]string{name: o}
				for k, v := range r.Context {
					next.Context[k] = v
				}
				out = append(out, next)
			}
		}
		rs = out
	}
	return rs
}

// fixedContext is the context that every request of a need has, where there is just
// one; ok is false if it hangs on who asks or whom.
func fixedContext(n *reference.Need) (context map[string][]string, ok bool) {
	for _, name := range sortedKeys(n.Context) {
		values := n.Context[name]
		switch {
		case len(values) != 1 || name == policyARN || values[0] == "${boundary}" || values[0] == "${target}":
			return nil, false
		case values[0] == "${any}":
			v, known := chosen[strings.ToLower(name)]
			if !known {
				continue
			}
			values = v
		}
		if context == nil {
			context = map[string][]string{}
		}
		context[name] = values
	}
	return context, true
}

// kindOf is a type of resource in an account.
type kindOf struct{ service, name, account string }

// resourcePattern is a pattern for all resources of a type in an account.
func resourcePattern(service, kind, account string) string {
	for _, r := range reference.Resources(service) {
		if r.Name != kind {
			continue
		}
		s := strings.ReplaceAll(strings.ReplaceAll(r.ARN, "${Partition}", "aws"), "${Account}", account)
		var b strings.Builder
		for s != "" {
			from := strings.Index(s, "${")
			if from < 0 {
				b.WriteString(s)
				break
			}
			to := strings.IndexByte(s[from:], '}')
			if to < 0 {
				b.WriteString(s)
				break
			}
			b.WriteString(s[:from] + "*")
			s = s[from+to+1:]
		}
		return b.String()
	}
	return "arn:aws:" + service + ":*:" + account + ":*"
}

// fact weighs a fact that a route requires beside its calls.
func (c *climb) fact(e *taken, name string, p, target *Principal, carrier *Carrier) bool {
	holds, known := true, true
	switch name {
	case "policy-attached-to-self":
		holds = len(p.Customer) > 0
	case "policy-attached-to-target":
		holds = len(target.Customer) > 0
	case "member-of-group":
		holds = len(p.Groups) > 0
	case "boundary":
		holds = p.Boundary != nil
	case "trusts-principal":
		return true // sts:AssumeRole is asked with the trust policy
	case "trusts-provider":
		holds = len(target.Providers) > 0
	case "instance-profile":
		holds = len(target.InstanceProfiles) > 0
	case "other-versions":
		holds = c.w.versionsOf(p) != nil
	default:
		holds, known = c.around.Fact(name, p, target, carrier)
	}
	if known {
		return holds
	}
	text, _ := reference.RouteFact(name)
	if softFacts[name] {
		e.assumed = append(e.assumed, "that "+text)
		return true
	}
	e.decision = Unknown
	e.unknown = append(e.unknown, "whether "+text)
	return true
}
