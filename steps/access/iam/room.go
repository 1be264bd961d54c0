package iam

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// AWS attaches ten managed policies to an identity, and more only where somebody had
// the quota raised (to 25 for a role, 20 for a user; IAM User Guide, "IAM and AWS STS
// quotas"), which no policy tells. So whether one can be attached to who has ten
// already is unknown; unless the taker may detach one of them first.

// attachedTo is how many managed policies the identity has that a call attaches one to,
// and its ARN; ok is false of calls that attach none.
func (c *climb) attachedTo(p, target *Principal, n *reference.Need, resource string) (have int, arn string, ok bool) {
	if _, attaches := n.Context[policyARN]; !attaches {
		return 0, "", false
	}
	switch n.On {
	case "target":
		return target.Attached, target.ARN, true
	case "self":
		return p.Attached, p.ARN, true
	case "group", "target-group":
		if g := slices.IndexFunc(c.w.groups, func(g Group) bool { return g.ARN == resource }); g >= 0 {
			return c.w.groups[g].Attached, resource, true
		}
	}
	return 0, resource, true // of what is made
}

// roomFor says how sure it is that one more policy can be attached where there are some,
// and in words what that hangs on: why, if it is not known; first, if one is detached
// before.
func (c *climb) roomFor(p *Principal, n *reference.Need, have int, arn string) (d Decision, why, first string) {
	if have < maxTogether {
		return Allow, "", ""
	}
	detach := strings.Replace(n.Action, ":Attach", ":Detach", 1)
	if d := c.ask(Request{Principal: p, Action: detach, Resource: arn, Literal: true}); d == Allow || d == Conditional {
		return d, "", fmt.Sprintf("that one of the %d managed policies attached to %s is detached first", have, short(arn))
	}
	return Unknown, fmt.Sprintf("whether the quota of managed policies of an identity was raised: %s has %d, and AWS sets %d", short(arn), have, maxTogether), ""
}

// isFull says that a route attaches a policy to its target, who has as many as AWS
// lets without being asked.
func isFull(route *reference.Route, target *Principal) bool {
	return route.Gain == "attach" && target.Attached >= maxTogether
}

// roomOnTarget is roomFor for the calls of a route that are on its target.
func (c *climb) roomOnTarget(p, target *Principal, route *reference.Route) Decision {
	out := Allow
	for k := range route.Needs {
		n := &route.Needs[k]
		if have, arn, ok := c.attachedTo(p, target, n, target.ARN); ok && n.On == "target" {
			d, _, _ := c.roomFor(p, n, have, arn)
			out = weaker(out, d)
		}
	}
	return out
}

// attachesTo says that a route attaches a policy to an identity of a kind, as Need.On
// has it.
func attachesTo(route *reference.Route, on string) bool {
	return slices.ContainsFunc(route.Needs, func(n reference.Need) bool {
		_, attaches := n.Context[policyARN]
		return attaches && n.On == on
	})
}

// hasWay says that somebody can make himself an administrator, or raise another and
// become him, so that nothing longer is looked for: by a way that hangs on more than
// room for a policy.
func (c *climb) hasWay(i int) bool {
	return slices.ContainsFunc(append(c.ownEdges(i), c.raised[i]...), func(e edge) bool {
		route := &c.routes[e.route]
		return e.decision != Unknown || route.Gain != "attach" || c.people[i].Attached < maxTogether && (e.to < 0 || !isFull(route, c.people[e.to]))
	})
}
