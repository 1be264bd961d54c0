package iam

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// adminPolicy is the provider's own policy that allows everything; it is there
// in every account.
const adminPolicy = "arn:aws:iam::aws:policy/AdministratorAccess"

// choices is what the caller of a step chooses: he attaches the policy that
// makes an administrator.
var chosen = map[string][]string{
	"iam:policyarn":           {adminPolicy},
	"iam:permissionsboundary": {adminPolicy},
	"sts:taskpolicyarn":       {"arn:aws:iam::aws:policy/root-task/IAMDeleteRootUserCredentials"},
}

// softFacts are facts that a caller can bring about, or that nearly always
// hold: where they were not read they are taken for given, and the answer says
// so.
var softFacts = map[string]bool{
	"key-slot-free": true, "two-keys": true, "no-login-profile": true, "login-profile": true, "event-source": true,
}

// ownEdges are the ways by which a principal gives himself every right.
func (c *climb) ownEdges(i int) []edge {
	var out []edge
	p := c.people[i]
	for r := range c.routes {
		route := &c.routes[r]
		if route.Target != "self" && route.Target != "group" || route.Gain == "bounded" || !c.candidate(i, r) {
			continue
		}
		if route.Target == "group" {
			for _, g := range c.w.groups {
				if g.Account != p.Account || slices.Contains(p.Groups, g.ARN) {
					continue
				}
				after := *p
				after.Policies = append(slices.Clone(p.Policies), g.Policies...)
				if !c.givesAll(&after) {
					continue
				}
				if e, ok := c.take(i, -1, route, nil, g.ARN); ok {
					e.via = g.ARN
					out = append(out, e)
				}
			}
			continue
		}
		e, ok := c.take(i, -1, route, nil, "")
		if !ok || !c.ownGain(p, route, &e) {
			continue
		}
		out = append(out, e)
	}
	return out
}

// ownGain says whether what a route gives its taker makes him an administrator.
func (c *climb) ownGain(p *Principal, route *reference.Route, e *edge) bool {
	after := *p
	switch route.Gain {
	case "any", "attach":
		after.Policies = append(slices.Clone(p.Policies), c.w.everything)
	case "unbound":
		after.Boundary = nil
	case "version":
		versions := c.w.versionsOf(p)
		if versions == nil {
			return false
		}
		for _, v := range versions {
			after.Policies = append(slices.Clone(p.Policies), v)
			if c.givesAll(&after) {
				return true
			}
		}
		return false
	default:
		return false
	}
	return c.givesAll(&after)
}

func (c *climb) givesAll(p *Principal) bool {
	got := c.w.IsAdministrator(p)
	return got == Allow || got == Conditional
}

// edgesInto are the steps by which somebody becomes a principal.
func (c *climb) edgesInto(t int) []edge {
	var out []edge
	target := c.people[t]
	if target.ServiceLinked {
		return nil
	}
	for r := range c.routes {
		route := &c.routes[r]
		switch {
		case route.Target == "role" && target.Kind != Role, route.Target == "user" && target.Kind != User:
			continue
		case route.Target != "role" && route.Target != "user":
			continue
		case route.Gain == "secret":
			continue
		}
		admitted := Allow
		if len(route.Service) > 0 {
			admitted = c.admits(t, route.Service)
		}
		if admitted == Deny {
			continue
		}
		carriers, sure := c.carriersOf(target, route)
		if route.Carrier != nil && len(carriers) == 0 {
			continue
		}
		for i := range c.people {
			if i == t || c.admin[i] == Allow || c.admin[i] == Conditional || !c.candidate(i, r) {
				continue
			}
			if c.people[i].Account != target.Account && route.ID != "sts.assume-role" {
				continue
			}
			if route.Carrier == nil {
				if e, ok := c.take(i, t, route, nil, ""); ok {
					e.decision = weaker(e.decision, admitted)
					out = append(out, e)
				}
				continue
			}
			for k := range carriers {
				e, ok := c.take(i, t, route, &carriers[k], "")
				if !ok {
					continue
				}
				if !sure {
					e.decision = Unknown
					e.unknown = append(e.unknown, fmt.Sprintf("whether a %s runs as %s: it was not read", route.Carrier.Type, short(target.ARN)))
				} else {
					e.via = carriers[k].ARN
				}
				e.decision = weaker(e.decision, admitted)
				out = append(out, e)
				break // one witness for a technique
			}
		}
	}
	return out
}

// carriersOf lists the resources that act as a role already. If their type was
// not read, one is taken that stands for any, and sure is false.
func (c *climb) carriersOf(target *Principal, route *reference.Route) (list []Carrier, sure bool) {
	if route.Carrier == nil {
		return nil, true
	}
	if route.Carrier.Type == "AWS::IAM::InstanceProfile" {
		known, _ := c.around.Carriers(target.Account, route.Carrier.Type)
		for _, k := range known {
			if k.Role == "" { // an empty one, to put the role into
				list = append(list, k)
			}
		}
		return list, true
	}
	known, complete := c.around.Carriers(target.Account, route.Carrier.Type)
	for _, k := range known {
		if k.Role == target.ARN {
			list = append(list, k)
		}
	}
	if len(list) > 0 || complete {
		return list, true
	}
	if c.admits(c.number[target.ARN], carrierServices(route.Carrier.Type)) == Deny {
		return nil, false
	}
	return []Carrier{{ARN: resourcePattern(route.Carrier.Service, route.Carrier.Resource, target.Account), Type: route.Carrier.Type, Role: target.ARN}}, false
}

// carrierServices are the service principals that a role must trust for a
// resource of a type to act as it.
func carrierServices(cloudFormationType string) []string {
	switch cloudFormationType {
	case "AWS::EC2::Instance", "AWS::EC2::LaunchTemplate", "AWS::EMR::Cluster":
		return []string{"ec2.amazonaws.com"}
	case "AWS::ECS::Task":
		return []string{"ecs-tasks.amazonaws.com"}
	case "AWS::AppRunner::Service":
		return []string{"tasks.apprunner.amazonaws.com"}
	case "AWS::StepFunctions::StateMachine":
		return []string{"states.amazonaws.com"}
	case "AWS::EMRServerless::Application":
		return []string{"emr-serverless.amazonaws.com"}
	case "AWS::EMRContainers::Endpoint":
		return nil // trusts the cluster's identity provider
	case "AWS::Cognito::IdentityPool":
		return nil
	}
	parts := strings.Split(cloudFormationType, "::")
	switch parts[1] {
	case "BedrockAgentCore":
		return []string{"bedrock-agentcore.amazonaws.com"}
	case "KinesisAnalyticsV2", "KinesisAnalytics":
		return []string{"kinesisanalytics.amazonaws.com"}
	}
	return []string{strings.ToLower(parts[1]) + ".amazonaws.com"}
}

// admits says whether a role's trust policy lets one of some services assume
// it. No service named: anything does.
func (c *climb) admits(role int, services []string) Decision {
	if len(services) == 0 {
		return Unknown
	}
	out := Deny
	for _, s := range services {
		k := trustKey{role, s}
		got, ok := c.trusts[k]
		if !ok {
			p, _ := c.w.Principal(s)
			account := c.people[role].Account
			got = c.w.Decide(Request{Principal: p, Action: "sts:AssumeRole", Resource: c.people[role].ARN, Context: map[string][]string{
				"aws:SourceAccount": {account},
			}})
			if got == Conditional {
				got = Allow // the resource that asks is of the taker's making
			}
			c.trusts[k] = got
		}
		switch {
		case got == Allow:
			return Allow
		case got == Unknown:
			out = Unknown
		}
	}
	return out
}

// take weighs all that a route needs of one principal and one target.
func (c *climb) take(from, to int, route *reference.Route, carrier *Carrier, group string) (edge, bool) {
	e := edge{from: from, to: to, route: route, decision: Allow}
	p := c.people[from]
	target := p
	if to >= 0 {
		target = c.people[to]
	}
	for _, fact := range route.Requires {
		if !c.fact(&e, fact, p, target, carrier) {
			return e, false
		}
	}
	if to >= 0 && (route.Gain == "any" || route.Gain == "attach") {
		after := *target
		after.Policies = append(slices.Clone(target.Policies), c.w.everything)
		if c.admin[to] == Deny && !c.givesAll(&after) {
			return e, false
		}
	}
	made := map[string]string{} // the resource of each type that the calls are on
	for k := range route.Needs {
		n := &route.Needs[k]
		best, bestDecision := Request{}, Deny
		for _, r := range c.requests(p, target, n, carrier, group, made) {
			got := c.ask(from, to, r)
			if got == Deny {
				continue
			}
			if bestDecision == Deny || got > bestDecision {
				best, bestDecision = r, got
			}
			if got == Allow {
				break
			}
		}
		if bestDecision == Deny {
			return e, false
		}
		if n.On == "new" || n.On == "any" || carrier != nil && n.On == "carrier" {
			best, bestDecision = c.pin(best, bestDecision)
			made[n.Resource] = best.Resource
		}
		if bestDecision == Unknown {
			e.unknown = append(e.unknown, c.w.Explain(best).Unknown...)
		}
		e.decision = weaker(e.decision, bestDecision)
		e.actions = append(e.actions, asked{best})
	}
	if to >= 0 && rewritesTrust(route) && !c.entersByNewTrust(p, target) {
		return e, false
	}
	return e, true
}

// pin fixes the resource that a call on any resource of a type is made on.
func (c *climb) pin(r Request, got Decision) (Request, Decision) {
	if got != Conditional || !strings.ContainsAny(r.Resource, "*?") || r.Literal {
		return r, got
	}
	a := c.w.Explain(r)
	if a.Resource == "" {
		return r, got
	}
	fixed := r
	fixed.Resource = a.Resource
	if d := c.w.Decide(fixed); d != Deny {
		return fixed, d
	}
	return r, got
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

// ask decides one call, once for each pair and passed service.
func (c *climb) ask(from, to int, r Request) Decision {
	value := r.Resource
	for _, k := range []string{"iam:PassedToService", "iam:PolicyARN", "iam:PermissionsBoundary"} {
		if vs, ok := r.Context[k]; ok {
			value += "\x00" + strings.Join(vs, "\x01")
		}
	}
	k := askKey{from, to, r.Action, value}
	if got, ok := c.asks[k]; ok {
		return got
	}
	got := c.w.Decide(r)
	c.asks[k] = got
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
		if group != "" {
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
	case "policy":
		who := target
		for _, arn := range who.Customer {
			add(arn, true)
		}
	case "provider":
		for _, arn := range target.Providers {
			add(arn, true)
		}
	case "carrier":
		if carrier != nil {
			add(carrier.ARN, false)
		}
	default: // new, any
		if pinned, ok := made[n.Resource]; ok && n.Resource != "" {
			add(pinned, !strings.ContainsAny(pinned, "*?"))
			break
		}
		if n.Resource == "" {
			add("*", true)
			break
		}
		service, _, _ := strings.Cut(n.Action, ":")
		add(resourcePattern(service, n.Resource, p.Account), false)
	}
	return c.withContext(on, n, identity, target)
}

// withContext adds the condition keys that a call carries.
func (c *climb) withContext(rs []Request, n *reference.Need, identity, target *Principal) []Request {
	for _, name := range sortedKeys(n.Context) {
		values := n.Context[name]
		var options [][]string
		switch {
		case len(values) == 1 && values[0] == "${any}":
			if v, ok := chosen[strings.ToLower(name)]; ok {
				options = [][]string{v}
			} else {
				continue
			}
		case len(values) == 1 && values[0] == "${boundary}":
			options = [][]string{{}}
			if identity.Boundary != nil {
				options = [][]string{{identity.Boundary.ID}}
			}
		case len(values) == 1 && values[0] == "${target}":
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

// resourcePattern is a pattern for all resources of a type in an account.
func resourcePattern(service, kind, account string) string {
	for _, r := range reference.Resources(service) {
		if r.Name != kind {
			continue
		}
		s := strings.NewReplacer("${Partition}", "aws", "${Account}", account).Replace(r.ARN)
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
func (c *climb) fact(e *edge, name string, p, target *Principal, carrier *Carrier) bool {
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
