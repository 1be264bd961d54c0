package iam

import "slices"

// match says how a statement of a resource policy names the principal of a
// request; what that is worth depends on where principal and resource are.
type match uint8

const (
	noMatch match = iota
	// byAccount names the principal's account, which hands the decision to that
	// account's identity policies.
	byAccount
	// byRole names the role; boundary and session policies of the role still
	// limit its sessions.
	byRole
	// directly names the user, the session, the root user, the service or the
	// identity provider.
	directly
	// byEveryone is "*".
	byEveryone
	// bySession names one session of the role, of which the request does not
	// say whether it is that one.
	bySession
	// notSure is a match that the policy language leaves open.
	notSure
)

// named says how a statement names the request's principal.
func (d *decider) named(s *Statement) match {
	if !s.hasPrincipal {
		return noMatch // no statement of a resource policy
	}
	ps := &s.principals
	if ps.not {
		return d.notNamed(ps)
	}
	p := d.principal
	best := noMatch
	if ps.everyone {
		best = byEveryone
	}
	switch p.Kind {
	case ServicePrincipal:
		if slices.Contains(ps.services, p.ARN) {
			return directly
		}
		return best
	case Federated:
		if slices.Contains(ps.federated, p.ARN) {
			return directly
		}
		return best
	case Anonymous:
		return best
	}
	switch {
	case slices.Contains(ps.arns, p.ARN):
		if p.Kind == Role {
			return byRole
		}
		return directly
	case p.ID != "" && slices.Contains(ps.other, p.ID):
		if p.Kind == Role {
			return byRole
		}
		return directly
	case p.Kind == Root && slices.Contains(ps.accounts, p.Account):
		return directly
	}
	if p.Kind == Role && best == noMatch {
		for _, arn := range ps.arns {
			account, role, session := sessionOf(arn)
			if role != p.Name || account != p.Account {
				continue
			}
			if d.sessionName == session {
				return directly
			}
			if d.sessionName == "" {
				best = bySession
			}
		}
	}
	if best == noMatch && slices.Contains(ps.accounts, p.Account) {
		return byAccount
	}
	if best == noMatch && len(ps.canonical) > 0 && d.account != p.Account {
		return notSure // a canonical id stands for an account, and does not say which
	}
	return best
}

// notNamed is named for NotPrincipal. Whether a principal is spared takes his
// whole chain: account, user or role, and session. The User Guide warns that
// naming a part of it may not spare him, so that is left open.
func (d *decider) notNamed(ps *principals) match {
	p := d.principal
	if ps.everyone {
		return noMatch
	}
	switch p.Kind {
	case ServicePrincipal:
		if slices.Contains(ps.services, p.ARN) {
			return noMatch
		}
		return byEveryone
	case Federated:
		if slices.Contains(ps.federated, p.ARN) {
			return noMatch
		}
		return byEveryone
	case Anonymous:
		return byEveryone
	}
	own := slices.Contains(ps.arns, p.ARN)
	account := slices.Contains(ps.accounts, p.Account)
	if p.Kind == Role {
		for _, arn := range ps.arns {
			if a, role, session := sessionOf(arn); role == p.Name && a == p.Account && (d.sessionName == "" || d.sessionName == session) {
				own = true
			}
		}
	}
	switch {
	case own && account, p.Kind == Root && account:
		return noMatch
	case own, account, len(ps.canonical) > 0:
		return notSure
	}
	return byEveryone
}

// sessionOf cuts the ARN of a role's session.
func sessionOf(arn string) (account, role, session string) {
	const kind = ":assumed-role/"
	for i := 0; i+len(kind) <= len(arn); i++ {
		if arn[i:i+len(kind)] != kind {
			continue
		}
		rest := arn[i+len(kind):]
		_, account := placeOf(arn)
		for j := range rest {
			if rest[j] == '/' {
				return account, rest[:j], rest[j+1:]
			}
		}
	}
	return "", "", ""
}

// principalLits are the open conditions of a statement that is for one session
// of a role, or that leaves open whom it is for.
func (d *decider) principalLits(p *Policy, s *Statement) []lit {
	if d.generic {
		return []lit{{key: keyPrincipal, ask: anyIn, not: s.principals.not, plain: true, values: principalValues(&s.principals)}}
	}
	if s.principals.not {
		return []lit{d.unknown(p.ID + " " + s.Name() + ": NotPrincipal names a part of the principal's account, role and session")}
	}
	var names set
	for _, arn := range s.principals.arns {
		if account, role, session := sessionOf(arn); role == d.principal.Name && account == d.principal.Account {
			names = append(names, newLiteral(session, false))
		}
	}
	if len(names) == 0 {
		return []lit{d.unknown(p.ID + " " + s.Name() + ": names a canonical user, which may be the principal's account")}
	}
	return []lit{{key: keySession, ask: anyIn, plain: true, values: &values{strings: names}}}
}
