package iam

import (
	"slices"
	"strings"
)

// match says how a statement of a resource policy names the principal of a
// request; what that is worth depends on where principal and resource are. A
// statement may name him in several ways, so they are bits.
type match uint8

const (
	// byAccount names the principal's account, which hands the decision to that
	// account's identity policies.
	byAccount match = 1 << iota
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

	noMatch match = 0
)

// named says how a statement names the request's principal.
func (d *decider) named(s *Statement) match {
	if !s.hasPrincipal || s.wrongPrincipal {
		return notSure // the service refuses such a policy, so it was misread
	}
	ps := &s.principals
	if ps.not {
		return d.notNamed(ps)
	}
	p := d.principal
	var got match
	if ps.everyone {
		got = byEveryone
	}
	switch p.Kind {
	case ServicePrincipal:
		if slices.Contains(ps.services, lower(p.ARN)) {
			got |= directly
		}
		return got
	case Federated:
		if slices.Contains(ps.federated, p.ARN) {
			got |= directly
		}
		return got
	case Anonymous:
		return got
	}
	own := slices.Contains(ps.arns, p.ARN) || p.ID != "" && slices.Contains(ps.other, p.ID)
	account := p.Account != "" && slices.Contains(ps.accounts, p.Account)
	switch {
	case own && p.Kind == Role:
		got |= byRole
	case own, account && p.Kind == Root:
		got |= directly
	}
	if account {
		got |= byAccount
	}
	if p.Kind == Role {
		for _, arn := range ps.arns {
			account, role, session := sessionOf(arn)
			switch {
			case role != p.Name || account != p.Account:
			case d.sessionName == session:
				got |= directly
			case d.sessionName == "":
				got |= bySession
			}
		}
	}
	if got == noMatch && len(ps.canonical) > 0 {
		return notSure // a canonical id stands for an account, and does not say which
	}
	if got == noMatch && p.ID == "" && slices.ContainsFunc(ps.other, func(id string) bool { return mayBe(id, p.Kind) }) {
		return notSure // the unique id may be this principal's, which was not read
	}
	return got
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
		if slices.Contains(ps.services, lower(p.ARN)) {
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
	session, someSession := p.Kind != Role, false
	if p.Kind == Role {
		for _, arn := range ps.arns {
			if a, role, name := sessionOf(arn); role == p.Name && a == p.Account {
				session = session || name == d.sessionName
				someSession = someSession || d.sessionName == ""
			}
		}
	}
	switch {
	case own && account && session, p.Kind == Root && account:
		return noMatch
	case own, account, session && p.Kind == Role, someSession, len(ps.canonical) > 0, len(ps.other) > 0:
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
		if role, session, ok := strings.Cut(rest, "/"); ok {
			return account, role, session
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
	switch {
	case s.wrongPrincipal:
		return nil // holds leaves the statement open for it
	case !s.hasPrincipal:
		return []lit{d.unknown(p.ID + " " + s.Name() + ": names no Principal, which the service refuses")}
	case s.principals.not:
		return []lit{d.unknown(p.ID + " " + s.Name() + ": NotPrincipal names a part of the principal's account, role and session")}
	}
	var names set
	for _, arn := range s.principals.arns {
		if account, role, session := sessionOf(arn); role == d.principal.Name && account == d.principal.Account {
			names = append(names, newLiteral(session, false))
		}
	}
	switch {
	case len(names) > 0:
		return []lit{{key: keySession, ask: anyIn, plain: true, values: &values{strings: names}}}
	case len(s.principals.canonical) > 0:
		return []lit{d.unknown(p.ID + " " + s.Name() + ": names a canonical user, which may be the principal's account")}
	}
	return []lit{d.unknown(p.ID + " " + s.Name() + ": names a unique id, which may be the principal's")}
}

// mayBe reports whether a unique id can be that of a principal of a kind. Source:
// User Guide, "IAM identifiers", unique ID prefixes.
func mayBe(id string, k Kind) bool {
	switch {
	case strings.HasPrefix(id, "AROA"):
		return k == Role
	case strings.HasPrefix(id, "AIDA"):
		return k == User
	}
	return k == User || k == Role
}
