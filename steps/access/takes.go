package access

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/provider/kubernetes"
	"github.com/sevenfold-sec/sevenfold/scope/expr"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
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

// turn is one identity in whose place another may act.
type turn struct {
	node estate.Node
	tied bool // by a condition
}

// turns lists whom an identity may act as: roles that trust it, what it runs
// as, groups it is in, and roles that trust its account and that its policies
// let it assume. What a service may take is left out: it acts for its customer.
// untold are the roles of which it could not be told.
func (k *graspMaker) turns(n estate.Node) (out []turn, untold []string) {
	v := k.v
	a := v.snap.Asset(n)
	if a.Type == aws.ServicePrincipalType {
		return nil, nil
	}
	for e := range v.snap.In(n) {
		if e.Type != estate.Trusts || strings.HasSuffix(a.ID, ":root") && v.snap.Asset(e.Node).Account == accountOf(a) {
			continue // what trusts its own account is for those whom their policies let
		}
		role := v.snap.Asset(e.Node)
		p := k.principal(a)
		if p == nil { // known by a name that no request carries
			out = append(out, turn{e.Node, true})
			continue
		}
		switch k.takes(p, role.ID) {
		case iam.Allow:
			out = append(out, turn{e.Node, false})
		case iam.Conditional:
			out = append(out, turn{e.Node, true})
		case iam.Unknown:
			untold = append(untold, role.ID)
		}
	}
	for e := range v.snap.Out(n) {
		to := v.snap.Asset(e.Node)
		switch {
		case e.Type == estate.RunsAs && isIdentity(to):
			out = append(out, turn{e.Node, a.Cloud == estate.Kubernetes && v.anyTied(e.Node)})
		case e.Type == estate.MemberOf && to.Type == kubernetes.GroupType:
			out = append(out, turn{e.Node, false})
		}
	}
	if principal(a) {
		more, open := k.assumed(n, a)
		out, untold = append(out, more...), append(untold, open...)
	}
	return out, untold
}

// principal is who an asset is to the engine; nil if it makes no requests.
func (k *graspMaker) principal(a *estate.Asset) *iam.Principal {
	id := a.ID
	if a.ID == aws.Everyone {
		id = "*"
	}
	p, ok := k.m.world.Principal(id)
	if !ok {
		return nil
	}
	return p
}

// takes decides whether somebody may take a role.
func (k *graspMaker) takes(p *iam.Principal, role string) iam.Decision {
	actions := []string{"sts:AssumeRole"}
	switch p.Kind {
	case iam.Federated:
		actions = []string{"sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML"}
	case iam.Anonymous:
		actions = []string{"sts:AssumeRole", "sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML"}
	}
	best := iam.Deny
	for _, action := range actions {
		if got := k.decided(iam.Request{Principal: p, Action: action, Resource: role}); rank(got) > rank(best) {
			best = got
		}
	}
	return best
}

// assumed lists the roles that trust an account as a whole and that an
// identity's policies let it assume: the same for all of its class, unless a
// policy or a trust asks who exactly it is.
func (k *graspMaker) assumed(n estate.Node, a *estate.Asset) ([]turn, []string) {
	v := k.v
	c := v.classOf(n, a.Account)
	if len(c.roles) == 0 {
		return nil, nil
	}
	p := k.principal(a)
	if p == nil {
		return nil, nil
	}
	if k.marksOf(n)&asksWho != 0 || p.Unread != "" {
		return k.assumedBy(p, c.roles, c, true)
	}
	if !c.turned {
		c.turned = true
		c.turns, c.untold = k.assumedBy(k.oneOf(p), less(c.roles, v.pickyRoles), c, k.marksOf(n)&asksWhat != 0)
	}
	picky := meet(c.roles, v.pickyRoles)
	if len(picky) == 0 {
		return c.turns, c.untold
	}
	out, untold := k.assumedBy(p, picky, c, true)
	return append(slices.Clip(c.turns), out...), append(slices.Clip(c.untold), untold...)
}

// assumedBy decides about roles that trust an account: about each, or of those
// that the same patterns name and whose trust says the same, about one.
func (k *graspMaker) assumedBy(p *iam.Principal, on spans, c *class, each bool) (out []turn, untold []string) {
	v := k.v
	answers := map[string]iam.Decision{}
	piece := -1
	for _, r := range on {
		for i := r.lo; i < r.hi; i++ {
			if at, _ := slices.BinarySearch(c.roleCuts, i+1); at != piece {
				piece = at
				clear(answers)
			}
			o := &v.roles.all[i]
			got, known := answers[o.says]
			if !known || each {
				got = k.takes(p, o.id)
				answers[o.says] = got
			}
			switch got {
			case iam.Allow, iam.Conditional:
				if o.id != p.ARN {
					out = append(out, turn{o.node, got == iam.Conditional})
				}
			case iam.Unknown:
				untold = append(untold, o.id)
			}
		}
	}
	return out, untold
}

// anyTied reports whether a statement of a role's trust has conditions by which
// a pod takes it. What is said to other services is no matter of the pod's.
func (v *view) anyTied(role estate.Node) bool {
	if known, ok := v.anyTrust[role]; ok {
		return known
	}
	tied := false
	for e := range v.snap.Out(role) {
		if to := v.snap.Asset(e.Node); to.Type == aws.ServicePrincipalType && !strings.HasPrefix(to.ID, "pods.eks.") {
			continue
		}
		tied = tied || e.Type == estate.Trusts && v.tiedTrust[trust{role, statementIn(e.Evidence)}]
	}
	v.anyTrust[role] = tied
	return tied
}

// statementIn is the number of the statement in an evidence's path; -1 if it
// holds none.
func statementIn(evidence string) int {
	_, rest, found := strings.Cut(evidence, "Statement[")
	if !found {
		return -1
	}
	n := 0
	for _, c := range rest {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + int(c-'0')
	}
	return n
}
