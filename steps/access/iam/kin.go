package iam

import (
	"encoding/binary"
	"slices"
	"strings"
)

// Most principals of a large account are alike for any one call: they hold the
// same statements that speak of it, and nothing asks who exactly they are. What
// is decided of one of them is decided of all. They are kin for that action.

// kin numbers the principals by what decides one action for them.
type kin struct {
	of    []int32 // by principal; -1: not asked yet
	known map[string]int32
	all   []clan
}

// clan are the principals of one number.
type clan struct {
	// alone says that the clan is one principal: something asks who he is.
	alone bool
	// untold says that not all his policies are known; unread that of some policy
	// nothing is. Either is decided alike, and told by the name of whose it is.
	untold, unread bool
	// allows are the statements by which they may be allowed the action; nil
	// stands for a policy of which nothing is known.
	allows []*Statement
	// on are whom they name, once drawn; everywhere says that it may be anybody.
	drawn, everywhere bool
	on                []*drawing
	sight             sight
}

// said is what one policy says of one action.
type said struct {
	speaks bool // at all
	asks   bool // some statement asks who exactly makes the request
	allows []*Statement
	names  []*Statement // those that are about some resources and not others
	near   bool         // some statement looks at more of a target than its ARN
}

type saidKey struct {
	policy *Policy
	action int32
}

// kinOf is a principal's number for an action, which is one of c.bits.
func (c *climb) kinOf(who, action int32) int32 {
	k := &c.kins[action]
	if k.known == nil {
		k.known = map[string]int32{}
	}
	if n := len(c.people) - len(k.of); n > 0 {
		k.of = append(k.of, slices.Repeat([]int32{-1}, n)...)
	}
	if k.of[who] < 0 {
		k.of[who] = c.newKin(k, c.people[who], action)
	}
	return k.of[who]
}

func (c *climb) newKin(k *kin, p *Principal, action int32) int32 {
	var made clan
	key := c.key[:0]
	add := func(pol *Policy) *said {
		s := c.said(pol, action)
		made.alone = made.alone || s.asks
		c.sees(&made.sight, s)
		switch {
		case s.speaks && pol.unread != "" && len(pol.Statements) == 0: // all such say the same
			key, made.unread = binary.AppendUvarint(key, uint64(c.policyNumber(nil))), true
		case s.speaks:
			key = binary.AppendUvarint(key, uint64(c.policyNumber(pol)))
		}
		return s
	}
	for _, pol := range p.Policies {
		made.allows = append(made.allows, add(pol).allows...)
	}
	key = append(key, 0) // no policy's number
	if p.Boundary != nil {
		key = append(key, 1)
		add(p.Boundary)
	}
	if a := c.w.accounts[p.Account]; a != nil && !p.ServiceLinked {
		for _, level := range a.SCPs {
			for _, pol := range level {
				s := c.said(pol, action)
				made.alone = made.alone || s.asks
				c.sees(&made.sight, s)
			}
		}
	}
	// Resource control policies may ask who somebody is too.
	made.untold = p.Unread != ""
	made.alone = made.alone || c.attaches[action] && c.asksPolicy(p) || rcpServices[c.named[action].service] || len(p.Session) > 0 || p.Kind != User && p.Kind != Role
	// What was not read may allow and deny anything, of whomever it was not read.
	flags := byte(0)
	if p.ServiceLinked {
		flags |= 1
	}
	if made.untold {
		flags |= 2
	}
	key = append(append(key, 0, byte(p.Kind), flags), p.Account...)
	c.key = key
	if n, ok := k.known[string(key)]; ok && !made.alone {
		return n
	}
	n := int32(len(k.all))
	if !made.alone {
		k.known[string(key)] = n
	}
	k.all = append(k.all, made)
	return n
}

// policyNumber numbers policies, from 1; nil stands for all of which nothing is known.
func (c *climb) policyNumber(p *Policy) int32 {
	n, ok := c.policies[p]
	if !ok {
		n = int32(len(c.policies)) + 1
		c.policies[p] = n
	}
	return n
}

// said reads a policy for one action, once.
func (c *climb) said(p *Policy, action int32) *said {
	k := saidKey{p, action}
	if got, ok := c.sayings[k]; ok {
		return got
	}
	out := &said{}
	if p.unread != "" {
		out.speaks, out.allows = true, append(out.allows, nil)
	}
	p.each(&c.named[action], func(s *Statement) bool {
		out.speaks, out.asks, out.near = true, out.asks || s.asksWho(c.w.names), out.near || s.looksNear(c.w.names)
		if !s.everything && len(s.plain) > 0 {
			out.names = append(out.names, s)
		}
		if !s.Deny || s.wrong != "" {
			out.allows = append(out.allows, s)
		}
		return true
	})
	c.sayings[k] = out
	return out
}

// asksWho says that whether an identity policy's statement holds may differ
// between two principals of one account and kind.
func (s *Statement) asksWho(n *names) bool {
	if len(s.resources) > 0 { // with variables
		return true
	}
	for i := range s.conditions {
		a := &s.conditions[i]
		if len(a.values.vars) > 0 {
			return true
		}
		if a.key >= wellKnownKeys {
			if n.owner[a.key] == principalTag {
				return true
			}
			continue
		}
		switch a.key {
		case keyPrincipalAccount, keyPrincipalOrgID, keyPrincipalOrgPaths, keyPrincipalType, keyPrincipalIsAWSService,
			keyResourceAccount, keyS3ResourceAccount, keyResourceOrgID, keyResourceOrgPaths, keyRequestedRegion,
			keyCurrentTime, keyEpochTime, keySecureTransport, keyViaAWSService, keyMFAPresent:
		default:
			return true
		}
	}
	return false
}

// indifferent says that no policy of a resource's own tells one principal of an
// account from another in a call of a service.
func (c *climb) indifferent(service, resource string) bool {
	r := c.w.Resource(resource)
	switch {
	case r == nil:
		return true
	case isRole(r.ARN):
		return service != "sts"
	}
	return r.Policy == nil && r.Unread == "" && len(r.Grants)+len(r.Lists) == 0
}

// keyOf is what a request's answer is remembered by: for all kin of its
// principal, unless its resource's own policy may tell them apart.
func (c *climb) keyOf(r *Request) askKey {
	k := askKey{principal: r.Principal, action: r.Action, value: r.Resource}
	for _, name := range sortedKeys(r.Context) {
		k.value += "\x00" + name + "\x01" + strings.Join(r.Context[name], "\x01")
	}
	who, known := c.numbers[r.Principal]
	action, asked := c.bits[r.Action]
	if !known || !asked {
		return k
	}
	if n := c.kinOf(who, int32(action)); !c.kins[action].all[n].alone && c.indifferent(c.named[action].service, r.Resource) {
		k.principal, k.kin = nil, n
	}
	return k
}

// replace puts another in a principal's place, for a question about him. Only
// what is asked by his number is asked of the other.
func (c *climb) replace(i int, p *Principal) {
	c.people[i] = p
	for a := range c.kins {
		if c.kins[a].of != nil {
			c.kins[a].of[i] = -1
		}
	}
}

// accountNumber numbers accounts.
func (c *climb) accountNumber(id string) int32 {
	n, ok := c.accounts[id]
	if !ok {
		n = int32(len(c.accounts))
		c.accounts[id] = n
	}
	return n
}
