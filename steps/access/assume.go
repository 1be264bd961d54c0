package access

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/scope/expr"
)

// assumeRole is the action by which roles are taken, in lower case.
const assumeRole = "sts:assumerole"

// concerns reports whether a statement's actions are, among others, one given in
// lower case.
func concerns(s *aws.Statement, action string) bool {
	fits := func(p string) bool { return expr.Glob(strings.ToLower(p), action) }
	if len(s.Actions) > 0 {
		return slices.ContainsFunc(s.Actions, fits)
	}
	return !slices.ContainsFunc(s.NotActions, fits)
}

// assumes returns the roles (of v.roles) that statements let an account's
// identities assume. Denies among them are not weighed.
func (v *view) assumes(statements []aws.Statement, account string) *reach {
	out := &reach{}
	if len(v.roles.of[account]) == 0 {
		return out
	}
	for i := range statements {
		s := &statements[i]
		if s.Effect != "Allow" || !concerns(s, assumeRole) {
			continue
		}
		for _, b := range v.roles.of[account] {
			out.add(Run, v.roles.resources(b, s), len(s.Conditions) > 0)
		}
	}
	return out
}

// refusing returns the statements that refuse to assume something.
func refusing(statements []aws.Statement) []*aws.Statement {
	var out []*aws.Statement
	for i := range statements {
		if s := &statements[i]; s.Effect == "Deny" && concerns(s, assumeRole) && !transport(s) {
			out = append(out, s)
		}
	}
	return out
}

// fence takes away from the roles that a class may assume what the organisation
// does not allow and what is refused; what may be refused is tied.
func (v *view) fence(c *class, account string) {
	for i := range c.order.rungs {
		c.sts = c.sts.bounded(v.assumes(c.order.rungs[i].statements, account))
	}
	i := bit(Run)
	for _, s := range c.refusals {
		for _, b := range v.roles.of[account] {
			on := v.roles.resources(b, s)
			if len(s.Conditions) == 0 {
				c.sts.without(v.roles.surely(b, s))
			}
			doubtful := meet(c.sts.sure[i], on)
			c.sts.sure[i], c.sts.tied[i] = less(c.sts.sure[i], doubtful), join(c.sts.tied[i], doubtful)
		}
	}
}

// permitted reports whether an identity may take a role whose trust policy
// names it: what bounds it and what is refused to it count there too. tied says
// that it hangs on conditions.
func (v *view) permitted(n, role estate.Node) (may, tied bool) {
	a, r := v.snap.Asset(n), v.snap.Asset(role)
	arn, ok := aws.ParseARN(r.ID)
	if !ok || !principal(a) {
		return true, false
	}
	c := v.classOf(n, a.Account)
	for _, s := range c.refusals {
		switch {
		case len(s.Conditions) == 0 && namesOne(s, &arn, r.ID, true):
			return false, false
		case namesOne(s, &arn, r.ID, false):
			tied = true
		}
	}
	var fences [][]aws.Statement
	// Within an account, what a trust policy gives to a user by name is not bounded
	// by what the user's boundary leaves unsaid; what it gives to a role is.
	if a.Type == "AWS::IAM::Role" || a.Account != arn.Account {
		fences = c.fences
	}
	for i := range c.order.rungs {
		fences = append(fences[:len(fences):len(fences)], c.order.rungs[i].statements)
	}
	for _, statements := range fences {
		may, sure := lets(statements, &arn, r.ID)
		if !may {
			return false, false
		}
		tied = tied || !sure
	}
	return true, tied
}

// lets reports whether some statement allows to assume a role, and whether one
// does without a condition.
func lets(statements []aws.Statement, arn *aws.ARN, id string) (may, sure bool) {
	for i := range statements {
		if s := &statements[i]; s.Effect == "Allow" && concerns(s, assumeRole) && namesOne(s, arn, id, false) {
			may, sure = true, sure || len(s.Conditions) == 0
		}
	}
	return may, sure
}

// namesOne reports whether a statement's resources name an asset itself:
// whatever stands in for variables if it must be sure, else for some value of
// them.
func namesOne(s *aws.Statement, arn *aws.ARN, id string, sure bool) bool {
	fits := func(text string, sure bool) bool {
		p := newPattern(text)
		return (!sure || p.text == text) && p.fits(arn, id)
	}
	if len(s.Resources) > 0 {
		return slices.ContainsFunc(s.Resources, func(p string) bool { return fits(p, sure) })
	}
	return !slices.ContainsFunc(s.NotResources, func(p string) bool { return fits(p, !sure) })
}
