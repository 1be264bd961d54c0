package iam

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// adminPolicy is the provider's own policy that allows everything; it is there
// in every account.
const adminPolicy = "arn:aws:iam::aws:policy/AdministratorAccess"

// chosen is what the caller of a step chooses: the boundary that binds nothing, the
// task that gives most. Which policy he attaches is another matter: see attachable.
var chosen = map[string][]string{
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
		if route.Target != "self" && route.Target != "group" && route.Target != "new" || route.Gain == "bounded" || !c.candidate(i, r) {
			continue
		}
		if route.Target == "new" {
			if e, ok := c.newcomer(i, r); ok {
				out = append(out, e)
			}
			continue
		}
		if route.Target == "group" {
			for _, g := range c.w.groups {
				if g.Account != p.Account || slices.Contains(p.Groups, g.ARN) {
					continue
				}
				got := c.take(p, p, route, nil, g.ARN, everyCall)
				if !got.ok {
					continue
				}
				after := *p
				after.Policies = append(slices.Clone(p.Policies), g.Policies...)
				e := edge{from: int32(i), to: -1, route: int32(r), decision: got.decision, group: g.ARN, then: -1}
				if !c.givesAll(&after) && !c.goesOn(&after, &e) {
					continue
				}
				out = append(out, e)
			}
			continue
		}
		if !c.ownGain(i, route) {
			continue
		}
		if got := c.take(p, p, route, nil, "", everyCall); got.ok {
			out = append(out, edge{from: int32(i), to: -1, route: int32(r), decision: got.decision, then: -1})
		}
	}
	if end := c.openEnds[int32(i)]; end != nil {
		e := edge{from: int32(i), to: -1, route: end.route, via: end.via, sure: true, group: end.policy, decision: Unknown, then: -1, open: end}
		if c.again(&e).ok {
			out = append(out, e)
		}
	}
	return out
}

// goesOn says that a principal who has been given a group's rights makes himself
// an administrator by them, and by which route.
func (c *climb) goesOn(after *Principal, e *edge) bool {
	all := *after
	all.Policies = append(slices.Clone(after.Policies), c.w.everything)
	if !c.givesAll(&all) {
		return false
	}
	for r := range c.routes {
		route := &c.routes[r]
		if route.Target != "self" || route.Gain != "any" && route.Gain != "attach" || route.From != "any" && route.From != "user" {
			continue
		}
		if got := c.take(after, after, route, nil, "", everyCall); got.ok {
			e.then, e.after = int32(r), after
			e.decision = weaker(e.decision, got.decision)
			return true
		}
	}
	return false
}

// ownGain says whether what a route gives its taker makes him an administrator.
func (c *climb) ownGain(i int, route *reference.Route) bool {
	p := c.people[i]
	after := *p
	switch route.Gain {
	case "any", "attach":
		return isOne(c.full[i])
	case "unbound":
		if p.Boundary == nil {
			return false
		}
		after.Boundary = nil
		return c.givesAll(&after)
	case "version":
		for _, v := range c.w.versionsOf(p) {
			after.Policies = append(slices.Clone(p.Policies), v)
			if c.givesAll(&after) {
				return true
			}
		}
	}
	return false
}

func (c *climb) givesAll(p *Principal) bool { return isOne(c.w.IsAdministrator(p)) }

func isOne(d Decision) bool { return d == Allow || d == Conditional }

// ableTo lists who of the people from a number on is allowed all calls of a route that do not hang on the
// target.
func (c *climb) ableTo(r, first int, from func(who int) bool) []able {
	route := &c.routes[r]
	if route.Target != "role" && route.Target != "user" || route.Gain == "secret" {
		return nil
	}
	var out []able
	for i := first; i < len(c.people); i++ {
		p := c.people[i]
		if isOne(c.admin[i]) || !c.candidate(i, r) || !from(i) {
			continue
		}
		if part := c.take(p, nil, route, nil, "", freeCalls); part.ok {
			out = append(out, able{int32(i), c.partyOf(int32(i), r), part})
		}
	}
	return out
}

// edgesInto are the steps by which somebody becomes a principal: all of them
// into an administrator, and the surest one of each into another.
func (c *climb) edgesInto(t int) []edge {
	return c.edges(t, func(int32) bool { return true })
}

// edges are those of the principals that from says yes of.
func (c *climb) edges(t int, from func(who int32) bool) []edge {
	target := c.people[t]
	if c.isStage(t) {
		return c.stageInto(t, from)
	}
	if target.ServiceLinked {
		return nil
	}
	one := !isOne(c.admin[t])
	if len(c.have) < len(c.people) {
		c.have = make([]stampedAt, len(c.people))
	}
	c.turn++
	out := c.room[:0]
	var answers []answer // by party
	for r := range c.routes[:c.single] {
		route := &c.routes[r]
		switch {
		case len(c.able[r]) == 0, route.Target == "role" && target.Kind != Role, route.Target == "user" && target.Kind != User:
			continue
		case one && route.Gain == "bounded", (route.Gain == "any" || route.Gain == "attach") && !isOne(c.full[t]):
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
		answers = append(answers[:0], make([]answer, len(c.shapes.parties[r].who))...)
		for k := range c.able[r] {
			a := &c.able[r][k]
			got := &answers[a.party]
			if got.asked && got.d == Deny || int(a.who) == t || !from(a.who) {
				continue
			}
			if !got.asked {
				got.asked, got.d = true, Deny
				if route.ID == "sts.assume-role" || c.people[a.who].Account == target.Account { // a party is of one account
					got.d = c.partyCalls(a.party, int32(t), r)
				}
				if got.d == Deny {
					continue
				}
			}
			at, had := 0, false
			if h := &c.have[a.who]; one && h.turn == c.turn {
				if at, had = int(h.at), true; out[at].decision == Allow {
					continue
				}
			}
			e, ok := c.edgeBy(a, t, r, carriers, sure, got.d)
			if !ok {
				continue
			}
			e.decision = weaker(e.decision, admitted)
			if had {
				if e.decision > out[at].decision {
					out[at] = e
				}
				continue
			}
			if one {
				c.have[a.who] = stampedAt{c.turn, int32(len(out))}
			}
			out = append(out, e)
		}
	}
	c.room = out
	return slices.Clone(out)
}

// stampedAt is where in the list of one turn something of somebody stands.
type stampedAt struct{ turn, at int32 }

// answer is one that may not have been given yet.
type answer struct {
	asked bool
	d     Decision
}

// edgeInto is the step of one principal by one route to one target.
func (c *climb) edgeInto(a *able, t, r int, carriers []Carrier, sure bool) (edge, bool) {
	return c.edgeBy(a, t, r, carriers, sure, c.partyCalls(a.party, int32(t), r))
}

// edgeBy is edgeInto where what is decided of the principal's party is known.
func (c *climb) edgeBy(a *able, t, r int, carriers []Carrier, sure bool, party Decision) (edge, bool) {
	p, target, route := c.people[a.who], c.people[t], &c.routes[r]
	e := edge{from: a.who, to: int32(t), route: int32(r), sure: true, then: -1}
	if party == Deny {
		return e, false
	}
	onTarget := weaker(party, c.trustCalls(a.who, int32(t), r))
	if onTarget == Deny {
		return e, false
	}
	e.decision = weaker(onTarget, a.part.decision)
	if isFull(route, target) {
		e.decision = weaker(e.decision, c.roomOnTarget(p, target, route))
	}
	switch {
	case c.shapes.direct[r]:
		return e, true
	case route.Carrier == nil:
		got := c.take(p, target, route, nil, "", heldCalls|facts)
		e.decision = weaker(e.decision, got.decision)
		return e, got.ok
	}
	for k := range carriers { // one witness for a technique
		got := c.take(p, target, route, &carriers[k], "", facts)
		if !got.ok {
			continue
		}
		held := c.carrierCalls(a.who, t, r, &carriers[k])
		if held == Deny {
			continue
		}
		e.via, e.sure = &carriers[k], sure
		e.decision = weaker(e.decision, weaker(got.decision, held))
		if !sure {
			e.decision = Unknown
		}
		return e, true
	}
	return e, false
}

// carrierCalls decides a route's calls on a resource that acts as a target,
// once for all targets if they do not tell which.
func (c *climb) carrierCalls(who int32, t, r int, carrier *Carrier) Decision {
	if carrier.every && c.shapes.apart[r] {
		m := memo(&c.shapes.any[r], who)
		if m.target == 0 {
			*m = stamped{1, Deny}
			if took := c.take(c.people[who], c.people[t], &c.routes[r], carrier, "", heldCalls); took.ok {
				m.d = took.decision
			}
		}
		return m.d
	}
	key := carriedKey{who, int32(r), carrier.ARN}
	got, ok := c.shapes.carried[key]
	if !ok || !c.shapes.apart[r] {
		got = Deny
		if took := c.take(c.people[who], c.people[t], &c.routes[r], carrier, "", heldCalls); took.ok {
			got = took.decision
		}
		c.shapes.carried[key] = got
	}
	return got
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
	key := [2]string{target.Account, route.Carrier.Type}
	of := c.shapes.carriers[key]
	if of == nil {
		known, complete := c.around.Carriers(target.Account, route.Carrier.Type)
		of = &carriersOf{complete: complete, services: carrierServices(route.Carrier.Type), byRole: map[string][]Carrier{}, all: map[string][]Carrier{}}
		for _, k := range known {
			of.byRole[k.Role] = append(of.byRole[k.Role], k)
		}
		c.shapes.carriers[key] = of
	}
	if list = of.byRole[target.ARN]; len(list) > 0 || of.complete {
		return list, true
	}
	if c.admits(c.number[target.ARN], of.services) == Deny {
		return nil, false
	}
	every := of.all[route.Carrier.Service+":"+route.Carrier.Resource]
	if every == nil {
		every = []Carrier{{ARN: resourcePattern(route.Carrier.Service, route.Carrier.Resource, target.Account), Type: route.Carrier.Type, every: true}}
		of.all[route.Carrier.Service+":"+route.Carrier.Resource] = every
	}
	return every, false
}

// carriersOf are the resources of a type in an account that act as a role.
type carriersOf struct {
	complete bool
	services []string
	byRole   map[string][]Carrier
	all      map[string][]Carrier // by service and resource: one that stands for any
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
