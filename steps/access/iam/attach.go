package iam

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// Whoever attaches a managed policy chooses which, and AdministratorAccess is there
// in every account. Where some condition asks for iam:PolicyARN that one may be
// refused and others not: one of the account's own that gives as much, one that the
// taker writes himself, or one that gives less and leads on.

// policyARN is the condition key of the managed policy that is attached.
const policyARN = "iam:PolicyARN"

// maxWrites bounds how many policies that somebody can write are tried,
// maxAttached how many of those that lead on, and maxTogether how many policies one
// identity is given at once: the quota that AWS sets unless one asks for more.
const (
	maxWrites   = 32
	maxAttached = 24
	maxTogether = 10
)

// attaching is what is known of managed policies that could be attached.
type attaching struct {
	asks   map[*Policy]bool
	giving map[string][]string // by account: its own that give everything
	writes map[*Principal][]write
	given  int // how often it was weighed whether somebody gives another less than everything
}

// write is a call by which somebody decides what a managed policy says; or, where
// why is set, a policy that may say anything, since it was not read.
type write struct {
	arn, action string
	decision    Decision
	why         string
}

// AddManaged makes a managed policy known that could be attached to identities of
// an account; account is empty for the provider's own, which are there in all. The
// policy's ID is its ARN.
func (w *World) AddManaged(account string, p *Policy) {
	w.managed[account] = append(w.managed[account], p)
}

// ManagedUnread says that an account may have managed policies beside those that
// AddManaged makes known, and why that is not known.
func (w *World) ManagedUnread(account, why string) { w.unlisted[account] = why }

// ManagedAsked lists the provider's managed policies that some condition on
// iam:PolicyARN in the world lets somebody attach instead of AdministratorAccess.
// AddManaged makes them known.
func (w *World) ManagedAsked() []string {
	key, ok := w.names.find(policyARN)
	if !ok {
		return nil
	}
	out := map[string]bool{}
	read := map[*Policy]bool{}
	read1 := func(p *Policy) {
		if p == nil || read[p] {
			return
		}
		read[p] = true
		for i := range p.Statements {
			s := &p.Statements[i]
			for k := range s.conditions {
				a := &s.conditions[k]
				if a.key != key {
					continue
				}
				for _, arn := range reference.ManagedARNs() {
					if len(a.values.vars) > 0 || a.wrong != "" || a.values.strings.match(arn) != (a.not != s.Deny) {
						out[arn] = true
					}
				}
			}
		}
	}
	for _, p := range w.principals {
		for _, pol := range slices.Concat(p.Policies, p.Session) {
			read1(pol)
		}
		read1(p.Boundary)
	}
	for _, a := range w.accounts {
		for _, level := range a.SCPs {
			for _, pol := range level {
				read1(pol)
			}
		}
	}
	delete(out, adminPolicy)
	return sortedKeys(out)
}

// asksPolicy says that some statement that binds a principal asks which policy is
// attached.
func (c *climb) asksPolicy(p *Principal) bool {
	key, ok := c.w.names.find(policyARN)
	if !ok {
		return false
	}
	asks := func(pol *Policy) bool {
		got, ok := c.attaching.asks[pol]
		if !ok {
			got = slices.ContainsFunc(pol.Statements, func(s Statement) bool {
				return slices.ContainsFunc(s.conditions, func(a atom) bool { return a.key == key })
			})
			c.attaching.asks[pol] = got
		}
		return got
	}
	if slices.ContainsFunc(p.Policies, asks) || slices.ContainsFunc(p.Session, asks) || p.Boundary != nil && asks(p.Boundary) {
		return true
	}
	a := c.w.accounts[p.Account]
	return a != nil && !p.ServiceLinked && slices.ContainsFunc(a.SCPs, func(level []*Policy) bool { return slices.ContainsFunc(level, asks) })
}

// attachable lists the values of iam:PolicyARN by which somebody gives everything.
func (c *climb) attachable(p *Principal) [][]string {
	out := [][]string{{adminPolicy}}
	if !c.asksPolicy(p) {
		return out
	}
	for _, arn := range c.givingAll(p.Account) {
		out = append(out, []string{arn})
	}
	for _, w := range c.writes(p) {
		out = append(out, []string{w.arn})
	}
	return out
}

// givingAll lists an account's own managed policies that make an administrator.
func (c *climb) givingAll(account string) []string {
	got, ok := c.attaching.giving[account]
	if !ok {
		for _, pol := range c.w.managed[account] {
			if c.givesAll(&Principal{Kind: Role, Account: account, Name: "new", ARN: "arn:aws:iam::" + account + ":role/new", Policies: []*Policy{pol}}) {
				got = append(got, pol.ID)
			}
		}
		c.attaching.giving[account] = got
	}
	return got
}

// writes lists managed policies whose text somebody can write: new ones, one for
// each two patterns of what he may make and what a condition lets him attach, and
// those of which he can make a version.
func (c *climb) writes(p *Principal) []write {
	got, ok := c.attaching.writes[p]
	if ok {
		return got
	}
	add := func(arn, action string) {
		known := slices.ContainsFunc(got, func(w write) bool { return w.arn == arn }) || slices.Contains(c.givingAll(p.Account), arn)
		if known || len(got) == maxWrites {
			return
		}
		if d := c.ask(Request{Principal: p, Action: action, Resource: arn, Literal: true}); d != Deny {
			got = append(got, write{arn: arn, action: action, decision: d})
		}
	}
	kind := NewPattern("arn:aws:iam::"+p.Account+":policy/*", false)
	for _, arn := range c.newPolicies(p, &kind) {
		add(arn, "iam:CreatePolicy")
	}
	for _, pol := range c.w.managed[p.Account] {
		add(pol.ID, "iam:CreatePolicyVersion")
	}
	for _, u := range c.unreadPolicies(p, &kind) {
		if !slices.ContainsFunc(got, func(w write) bool { return w.arn == u.arn }) {
			got = append(got, u)
		}
	}
	c.attaching.writes[p] = got
	return got
}

// unreadPolicies lists managed policies of which nobody knows what they say: those of
// the account that were not read, one for each pattern that a condition lets
// through where they were not listed, and those of AWS that a condition names and
// the reference does not have.
func (c *climb) unreadPolicies(p *Principal, kind *Pattern) []write {
	var out []write
	for _, pol := range c.w.managed[p.Account] {
		if pol.unread != "" {
			out = append(out, write{arn: pol.ID, why: pol.ID + ": " + pol.unread})
		}
	}
	named, refused := c.policiesNamed(p)
	for i := range named {
		arn := named[i].String()
		if _, known := reference.Managed(arn); !known && named[i].shape == exact && strings.Contains(arn, ":iam::aws:policy/") {
			out = append(out, write{arn: arn, why: arn + ": AWS's policy of that name is not in the reference"})
		}
	}
	why := c.w.unlisted[p.Account]
	if why == "" {
		return out
	}
	add := func(in, not []set) {
		budget := maxWork
		arn, found, err := search(in, not, &budget)
		if err == nil && !found || len(out) >= maxWrites {
			return
		}
		if err != nil {
			arn = kind.sample("any")
		}
		if !slices.ContainsFunc(c.w.managed[p.Account], func(pol *Policy) bool { return pol.ID == arn }) {
			out = append(out, write{arn: arn, why: "which managed policies account " + p.Account + " has: " + why})
		}
	}
	for i := range named {
		add([]set{{*kind}, named[i : i+1]}, refused)
		add([]set{{*kind}, named[i : i+1]}, nil)
	}
	add([]set{{*kind}}, refused)
	return out
}

// newPolicies lists ARNs of policies that somebody's statements may let him make,
// those first that conditions on iam:PolicyARN name.
func (c *climb) newPolicies(p *Principal, kind *Pattern) []string {
	a := newAction("iam:CreatePolicy")
	var where []set
	open := p.Unread != ""
	for _, pol := range p.Policies {
		open = open || pol.unread != ""
		pol.each(&a, func(s *Statement) bool {
			switch {
			case s.Deny && s.wrong == "":
			case s.wrong != "", s.everything, s.notResource, len(s.resources) > 0:
				open = true
			default:
				where = append(where, s.plain)
			}
			return true
		})
	}
	if open {
		where = append(where, set{*kind})
	}
	if len(where) == 0 {
		return nil
	}
	var out []string
	find := func(in, not []set) {
		budget := maxWork
		if arn, found, err := search(in, not, &budget); err == nil && found && !slices.Contains(out, arn) {
			out = append(out, arn)
		}
	}
	named, refused := c.policiesNamed(p)
	for _, s := range where {
		for i := range named {
			find([]set{{*kind}, s, named[i : i+1]}, nil)
		}
		find([]set{{*kind}, s}, refused)
	}
	return out
}

// policiesNamed are the patterns that conditions on iam:PolicyARN ask for, and the
// sets that they exclude.
func (c *climb) policiesNamed(p *Principal) (named set, refused []set) {
	key, _ := c.w.names.find(policyARN)
	read := func(pol *Policy) {
		for i := range pol.Statements {
			for k := range pol.Statements[i].conditions {
				a := &pol.Statements[i].conditions[k]
				switch {
				case a.key != key:
				case a.not != pol.Statements[i].Deny:
					refused = append(refused, a.values.strings)
				default:
					named = append(named, a.values.strings...)
				}
			}
		}
	}
	for _, pol := range slices.Concat(p.Policies, p.Session) {
		read(pol)
	}
	if p.Boundary != nil {
		read(p.Boundary)
	}
	if a := c.w.accounts[p.Account]; a != nil {
		for _, level := range a.SCPs {
			for _, pol := range level {
				read(pol)
			}
		}
	}
	return named, refused
}

// written is the call by which the policy that a request attaches came to say what
// it says; ok is false if it needs none.
func (c *climb) written(r *Request) (w write, ok bool) {
	arn := r.Context[policyARN]
	if len(arn) != 1 || arn[0] == adminPolicy {
		return write{}, false
	}
	list := c.attaching.writes[r.Principal]
	at := slices.IndexFunc(list, func(w write) bool { return w.arn == arn[0] })
	if at < 0 {
		return write{}, false
	}
	return list[at], true
}

// withWriting is a decision on a call, with the one that it needs before.
func (c *climb) withWriting(r *Request, d Decision) Decision {
	if w, ok := c.written(r); ok {
		return weaker(d, w.decision)
	}
	return d
}

// request is the call that writes.
func (w write) request(p *Principal) Request {
	return Request{Principal: p, Action: w.action, Resource: w.arn, Literal: true}
}

// leadingOn lists managed policies that say something of a route's calls which
// somebody's own do not, those first that say most of IAM, by which everything is
// to be had, and then most of all.
func (c *climb) leadingOn(i int) []*Policy { return c.leading(c.people[i].Account, c.may[i]) }

// leading is leadingOn of somebody whose policies speak of may.
func (c *climb) leading(account string, may bitset) []*Policy {
	type speaker struct {
		*Policy
		of bitset
		n  int
	}
	var all []speaker
	for _, pol := range slices.Concat(c.w.managed[account], c.w.managed[""]) {
		of := c.speaks(pol)
		if pol.unread != "" || may.covers(of) { // what was not read may give everything: see unreadPolicies
			continue
		}
		n := 0
		for k := range c.named {
			switch {
			case !of.has(k):
			case c.named[k].service == "iam":
				n += len(c.named)
			default:
				n++
			}
		}
		all = append(all, speaker{pol, of, n})
	}
	slices.SortStableFunc(all, func(a, b speaker) int { return b.n - a.n })
	var out []*Policy
	for _, s := range all {
		out = append(out, s.Policy)
	}
	return out
}

// attached lists what somebody makes of himself by a route that attaches a policy,
// where none that gives everything may be had.
func (c *climb) attached(i, r int, add func(got taken, ids string, more ...*Policy)) {
	p := c.people[i]
	if c.isStage(i) || !c.asksPolicy(p) {
		return
	}
	left := c.lesser(c.leadingOn(i), p.Attached, func(ids string, more ...*Policy) bool {
		got := c.take(p, p, &c.routes[r], nil, ids, everyCall)
		if got.ok {
			add(got, ids, more...)
		}
		return got.ok
	})
	if left != nil {
		c.openEnds[int32(i)] = &openEnd{route: int32(r), target: int32(i), policy: left.ID, why: "more policies can be attached than were followed: the first that was not is " + left.ID}
	}
}

// lesser tries policies that lead on, one by one, and those that refuse nothing all
// together, as far as an identity that has some can have them. left is the first that
// may be attached and was not tried; nil if all were.
func (c *climb) lesser(leading []*Policy, has int, try func(ids string, more ...*Policy) bool) (left *Policy) {
	n := 0
	var together []*Policy
	var ids []string
	for _, pol := range leading {
		if !strings.HasPrefix(pol.ID, "arn:") {
			continue
		}
		if n == maxAttached {
			left = pol
			break
		}
		if !try(pol.ID, pol) {
			continue
		}
		n++
		if !slices.ContainsFunc(pol.Statements, func(s Statement) bool { return s.Deny }) {
			if len(together) >= max(1, maxTogether-has) {
				left = pol
				continue
			}
			together, ids = append(together, pol), append(ids, pol.ID)
		}
	}
	if len(together) > 1 {
		try(strings.Join(ids, " "), together...)
	}
	return left
}
