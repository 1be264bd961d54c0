package iam

import (
	"slices"
	"strings"
)

// delegates says that the resource decides alone unless its policy hands the
// decision to the account: a KMS key, and a role that is to be assumed.
func (d *decision) delegates() bool {
	return d.action.service == "kms" && (isKey(d.resource) || d.on != nil && d.on.Policy != nil) || d.action.service == "sts" && isRole(d.resource)
}

// isKey says that an ARN or a pattern is one of KMS keys.
func isKey(arn string) bool {
	return strings.HasPrefix(arn, "arn:") && strings.Contains(arn, ":kms:") && strings.Contains(arn, ":key/")
}

// resourcePolicy weighs the policy of the resource, where the action is one of
// the resource's own service.
func (d *decision) resourcePolicy() {
	r := d.on
	service := d.action.service
	if service == "sts" && !isRole(d.resource) {
		return
	}
	if r == nil {
		d.missingResource()
		return
	}
	if isRole(r.ARN) && service != "sts" {
		return // a trust policy is about assuming the role and nothing else
	}
	if r.Unread != "" {
		for _, g := range []*gate{&d.direct, &d.deny} {
			word := " (what it allows)"
			if g == &d.deny {
				word = " (what it denies)"
			}
			g.may(conj{lits: []lit{d.unknown(r.ARN + ": " + r.Unread + word)}})
		}
		if service == "kms" || service == "sts" {
			d.delegated.may(conj{lits: []lit{d.unknown(r.ARN + ": " + r.Unread + " (what it allows)")}})
		}
	}
	switch {
	case r.Policy != nil:
		d.ownPolicy(r)
	case r.Unread == "" && d.delegates():
		why := r.ARN + " has a policy of its own, which was not given"
		for _, g := range []*gate{&d.direct, &d.delegated, &d.deny} {
			g.may(conj{lits: []lit{d.unknown(why)}})
		}
	}
	d.keyGrants(r)
	d.lists(r)
}

// missingResource weighs a resource that is not in the world. What surely has a
// policy of its own, and what another account owns, hangs on that policy. All
// else is taken to have none, which the answer says.
func (d *decision) missingResource() {
	foreign := d.account != "" && d.principal.Account != "" && d.account != d.principal.Account
	if d.resourceSet != nil && !foreign {
		d.delegated.t = yes // of many resources; assumptions says so
		return
	}
	if !d.delegates() && !foreign {
		return
	}
	why := d.resource + " is not in the estate, and its own policy is not known"
	d.direct.may(conj{lits: []lit{d.unknown(why + " (what it allows)")}})
	d.deny.may(conj{lits: []lit{d.unknown(why + " (what it denies)")}})
	if d.delegates() {
		d.delegated.may(conj{lits: []lit{d.unknown(why + " (what it allows)")}})
	}
}

func isRole(arn string) bool {
	return strings.Contains(arn, ":iam::") && strings.Contains(arn, ":role/")
}

func (d *decision) ownPolicy(r *Resource) {
	restricted := r.RestrictPublic && d.action.service == "s3" && d.outsider() && r.Policy.public()
	p := r.Policy
	d.unreadPolicy(p, &d.direct, &d.deny)
	if p.unread != "" && d.delegates() {
		d.delegated.may(conj{lits: []lit{d.unknown(p.ID + ": " + p.unread + " (what it allows)")}, policy: p})
	}
	d.eachOf(p, func(s *Statement) bool {
		m := d.named(s)
		if m == noMatch {
			return true
		}
		sure := m &^ (bySession | notSure)
		if s.Deny || s.noEffect {
			if sure != 0 {
				d.put(p, s, &d.deny, yes)
			} else {
				d.put(p, s, &d.deny, open)
			}
		}
		if s.Deny || restricted {
			return true
		}
		if m&(bySession|notSure) != 0 && sure&directly == 0 {
			d.put(p, s, &d.direct, open)
		}
		if m&(directly|byEveryone) != 0 { // "*" is the session itself, as the guide says under Principal
			d.put(p, s, &d.direct, yes)
			return true
		}
		if m&byRole != 0 {
			d.put(p, s, &d.role, yes)
		}
		if m&byAccount != 0 || m&notSure != 0 {
			d.put(p, s, &d.delegated, of2(m&byAccount != 0))
		}
		return true
	})
}

func of2(sure bool) truth {
	if sure {
		return yes
	}
	return open
}

// outsider says that a request comes from outside the bucket's account and is
// no service's own.
func (d *decision) outsider() bool {
	return d.principal.Kind == Anonymous || d.principal.Kind != ServicePrincipal && d.principal.Account != d.account
}

// keyGrants weighs a KMS key's grants, which allow beside its policy.
func (d *decision) keyGrants(r *Resource) {
	if d.action.service != "kms" {
		return
	}
	for i := range r.Grants {
		g := &r.Grants[i]
		if g.Grantee != d.principal.ARN {
			account, role, session := sessionOf(g.Grantee)
			if account != d.principal.Account || role != d.principal.Name || session == "" || d.sessionName != "" && d.sessionName != session {
				continue
			}
		}
		for _, op := range g.Operations {
			if "kms:"+lower(op) != d.action.full {
				continue
			}
			p := &Policy{ID: r.ARN + " grant " + g.ID}
			if g.Context {
				d.direct.may(conj{lits: []lit{d.unknown(p.ID + " serves requests with its encryption context only")}, policy: p})
				continue
			}
			d.direct.settle(p, nil)
		}
	}
}

// lists weighs S3's access control lists.
func (d *decision) lists(r *Resource) {
	if d.action.service != "s3" {
		return
	}
	for i := range r.Lists {
		l := &r.Lists[i]
		if !l.Everyone && (!l.Signed || d.principal.Kind == Anonymous) {
			continue
		}
		if slices.ContainsFunc(l.Actions, func(a string) bool { return strings.EqualFold(a, d.action.full) }) {
			d.direct.settle(&Policy{ID: r.ARN + " access control list (" + l.Permission + ")"}, nil)
		}
	}
}
