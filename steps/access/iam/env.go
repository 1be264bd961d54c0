package iam

import (
	"strconv"
	"strings"
)

// state says what is known of a condition key in a request.
type state uint8

const (
	free  state = iota // not said: every value and absence are possible
	none               // absent
	known              // present, with the values given
)

// keyed is what a request says of one key.
type keyed struct {
	key    key32
	values []string
}

// env is one request, with what the world says about it.
type env struct {
	w           *World
	principal   *Principal
	from        *Account // the principal's, nil if not known
	action      action
	resource    string
	on          *Resource // nil if not known
	account     string    // the resource's; empty if not known
	owner       string    // the same, of what is known without the principal
	to          *Account
	region      string
	sessionName string
	// generic says that the question is about policies and nobody's request: only
	// the context is known.
	generic bool
	context []keyed
	through []*Policy
	// Patterns, where the request leaves action or resource open.
	actionSet, resourceSet set
	one                    [1]string
}

// value says what is known of a key. The slice is good until the next call.
func (e *env) value(k key32) (state, []string) {
	for i := range e.context {
		if e.context[i].key == k {
			if len(e.context[i].values) == 0 {
				return none, nil
			}
			return known, e.context[i].values
		}
	}
	if e.generic {
		return free, nil
	}
	if k >= wellKnownKeys {
		switch e.w.names.owner[k] {
		case principalTag:
			p := e.principal
			return e.tag(p.Tags, e.w.names.tag[k], p.TagsUnread || p.Kind != User && p.Kind != Role && p.Kind != Root, p.Kind == Role && e.w.taggable(p))
		case resourceTag:
			if e.on == nil || e.on.ARN != e.resource { // an object's tags are not its bucket's
				return free, nil
			}
			return e.tag(e.on.Tags, e.w.names.tag[k], e.on.TagsUnread, false)
		}
		return free, nil
	}
	return e.derived(k)
}

// tag is what is known of one tag; loose says that a session may bring another.
func (e *env) tag(tags map[string]string, key string, unread, loose bool) (state, []string) {
	if loose {
		return free, nil
	}
	if v, ok := tagOfAnyCase(tags, key); ok {
		return e.single(v)
	}
	if unread {
		return free, nil
	}
	return none, nil
}

// tagOfAnyCase finds a tag by its key in lower case: as keys of conditions, those
// of tags are compared without regard to it. Of several the least key counts.
func tagOfAnyCase(tags map[string]string, key string) (value string, ok bool) {
	if value, ok = tags[key]; ok {
		return value, true
	}
	least := ""
	for k, v := range tags {
		if len(k) == len(key) && lower(k) == key && (!ok || k < least) {
			least, value, ok = k, v, true
		}
	}
	return value, ok
}

func (e *env) single(v string) (state, []string) {
	e.one[0] = v
	return known, e.one[:]
}

func (e *env) singleOr(v string, otherwise state) (state, []string) {
	if v == "" {
		return otherwise, nil
	}
	return e.single(v)
}

// derived values follow from who asks, for what and where. See the User
// Guide, "AWS global condition context keys".
func (e *env) derived(k key32) (state, []string) {
	p := e.principal
	signed := p.Kind == User || p.Kind == Role || p.Kind == Root
	switch k {
	case keySession:
		if p.Kind != Role {
			return none, nil
		}
		return e.singleOr(e.sessionName, free)
	case keyPrincipalArn:
		switch {
		case signed:
			return e.single(p.ARN)
		case p.Kind == ServicePrincipal:
			return free, nil // the reference does not say
		}
		return none, nil
	case keyPrincipalAccount:
		switch {
		case signed:
			return e.singleOr(p.Account, free)
		case p.Kind == Anonymous:
			return e.single("anonymous")
		case p.Kind == ServicePrincipal:
			return free, nil
		}
		return none, nil
	case keyPrincipalOrgID:
		return e.organization(e.from, signed)
	case keyPrincipalOrgPaths:
		return e.path(e.from, signed)
	case keyPrincipalType:
		switch p.Kind {
		case User:
			return e.single("User")
		case Role:
			return e.single("AssumedRole")
		case Root:
			return e.single("Account")
		case Anonymous:
			return e.single("Anonymous")
		}
		return free, nil
	case keyPrincipalIsAWSService:
		if p.Kind == ServicePrincipal {
			return e.single("true")
		}
		return e.single("false")
	case keyPrincipalServiceName, keyPrincipalServiceNamesList:
		if p.Kind == ServicePrincipal {
			return e.single(p.ARN)
		}
		return none, nil
	case keyUsername:
		if p.Kind == User {
			return e.single(p.Name)
		}
		return none, nil
	case keyUserID:
		if p.Kind == User {
			return e.singleOr(p.ID, free)
		}
		if p.Kind == Root {
			return e.single(p.Account)
		}
		if p.Kind == Role && p.ID != "" && e.sessionName != "" {
			return e.single(p.ID + ":" + e.sessionName)
		}
		return free, nil
	}
	return e.surroundings(k)
}

// surroundings are derived values that do not tell who asks.
func (e *env) surroundings(k key32) (state, []string) {
	p := e.principal
	switch k {
	case keyResourceAccount, keyS3ResourceAccount:
		return e.singleOr(e.account, free)
	case keyResourceOrgID:
		return e.organization(e.to, true)
	case keyResourceOrgPaths:
		return e.path(e.to, true)
	case keyRequestedRegion:
		if globalServices[e.action.service] && e.actionSet == nil {
			return e.single("us-east-1")
		}
		return e.singleOr(e.region, free)
	case keyCurrentTime:
		return e.singleOr(e.w.now, free)
	case keyEpochTime:
		if f, ok := seconds(e.w.now); ok {
			return e.single(strconv.FormatInt(int64(f), 10))
		}
		return free, nil
	case keyFederatedProvider:
		if p.Kind == Federated {
			return e.single(p.ARN)
		}
		if p.Kind == User {
			return none, nil
		}
		return free, nil
	case keyCallerAccount:
		if p.Kind == User || p.Kind == Role || p.Kind == Root {
			return e.singleOr(p.Account, free)
		}
	}
	// aws:TokenIssueTime is open for users too: their keys carry no token, the
	// sessions that every one of them can have do.
	return free, nil
}

// globalServices have one endpoint, in us-east-1. Source: User Guide, "AWS
// global condition context keys", aws:RequestedRegion.
var globalServices = map[string]bool{
	"iam": true, "organizations": true, "cloudfront": true, "route53": true, "support": true,
}

// present reports whether every request of the principal carries a key, so that
// "absent" is no way for a condition on it to end.
func (e *env) present(k key32) bool {
	if alwaysPresent[k] {
		return true
	}
	if e.generic {
		return false
	}
	switch k {
	case keyTokenIssueTime:
		return e.principal.Kind == Role
	case keyUserID:
		return e.principal.Kind != Anonymous
	}
	return false
}

// domain are sets in each of which the values of a key must lie; nil if they may
// be any.
func (e *env) domain(k key32) []*values {
	switch {
	case k == keyAction && e.actionSet != nil:
		return []*values{{strings: e.actionSet}}
	case k == keyResource && e.resourceSet != nil:
		return []*values{{strings: e.resourceSet}}
	case k == keyUserID && !e.generic && e.principal.Kind == Role && e.principal.ID != "":
		return []*values{{strings: set{NewPattern(e.principal.ID+":*", false)}}}
	case k == keyTokenIssueTime:
		return e.sessionTimes()
	}
	return nil
}

func (e *env) organization(a *Account, applies bool) (state, []string) {
	switch {
	case !applies:
		return none, nil
	case a == nil:
		return free, nil
	case a.Organization != "":
		return e.single(a.Organization)
	case a.Unread != "" || a.Assumed != "":
		return free, nil
	}
	return none, nil
}

func (e *env) path(a *Account, applies bool) (state, []string) {
	if st, _ := e.organization(a, applies); st != known {
		return st, nil
	}
	return e.singleOr(a.Path, free)
}

// prepare fills the environment of a request; it must be empty.
func (e *env) prepare(w *World, r *Request, a action) {
	e.w, e.sessionName, e.through = w, r.Session, r.Through
	e.action = a
	if strings.ContainsAny(r.Action, "*?") {
		e.actionSet = set{NewPattern(r.Action, true)}
	}
	e.resource = r.Resource
	if !r.Literal && r.Resource != "*" && strings.ContainsAny(r.Resource, "*?") {
		e.resourceSet = set{NewPattern(r.Resource, false)}
	} else if !r.Literal && r.Resource == "*" && e.actionSet != nil {
		e.resourceSet = set{NewPattern("*", false)}
	}
	e.on = w.Resource(r.Resource)
	e.region, e.account = placeOf(r.Resource)
	if e.on != nil && e.on.Account != "" {
		e.account = e.on.Account
	}
	if strings.ContainsAny(e.region, "*?") {
		e.region = ""
	}
	if strings.ContainsAny(e.account, "*?") {
		e.account = ""
	}
	e.owner = e.account
	e.by(r.Principal)
	for name, values := range r.Context {
		id, ok := w.names.find(name)
		if !ok {
			continue
		}
		e.context = append(e.context, keyed{id, values})
		if id != keyCurrentTime && id != keyEpochTime {
			continue
		}
		// Both tell the time, and policies compare it by either.
		other := keyCurrentTime + keyEpochTime - id
		if !has(r.Context, w.names.text[other]) {
			e.context = append(e.context, keyed{other, values})
		}
	}
}

// by makes the request one of a principal. Nothing else of it changes.
func (e *env) by(p *Principal) {
	e.principal = p
	if e.from == nil || e.from.ID != p.Account {
		e.from = e.w.accounts[p.Account]
	}
	e.account = e.owner
	if e.account == "" && e.on == nil {
		e.account = p.Account
	}
	if e.to == nil || e.to.ID != e.account {
		e.to = e.w.accounts[e.account]
	}
}

func has(context map[string][]string, key string) bool {
	for name := range context {
		if strings.EqualFold(name, key) {
			return true
		}
	}
	return false
}

// placeOf reads region and account out of an ARN.
func placeOf(arn string) (region, account string) {
	if !strings.HasPrefix(arn, "arn:") {
		return "", ""
	}
	for range 3 {
		i := strings.IndexByte(arn, ':')
		if i < 0 {
			return "", ""
		}
		arn = arn[i+1:]
	}
	region, arn, ok := strings.Cut(arn, ":")
	if !ok {
		return "", ""
	}
	account, _, ok = strings.Cut(arn, ":")
	if !ok {
		return "", ""
	}
	return region, account
}
