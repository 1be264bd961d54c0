package iam

import (
	"slices"
	"strings"
	"time"
)

// World is what decisions rest on. Fill it, then ask it: it must not change
// while it is asked.
type World struct {
	now string // the time of requests that say none; empty leaves it open

	names      *names
	actions    []string          // real action names, folded: witnesses prefer them
	spelt      map[string]string // the same as the provider writes them
	accounts   map[string]*Account
	principals []*Principal
	byARN      map[string]*Principal
	byRole     map[string]*Principal // roles, by account and name
	resources  map[string]*Resource
	groups     []Group
	versions   map[string][]*Policy
	managed    map[string][]*Policy // by account; of "" the provider's own
	unlisted   map[string]string    // by account: why not all of its own are known
	// Policies of an imagined step: one that allows everything, and a trust
	// policy that admits anybody.
	everything, openTrust *Policy
}

// NewWorld returns an empty world.
func NewWorld() *World {
	w := &World{
		names: newNames(), accounts: map[string]*Account{},
		byARN: map[string]*Principal{}, byRole: map[string]*Principal{}, resources: map[string]*Resource{}, versions: map[string][]*Policy{}, managed: map[string][]*Policy{}, unlisted: map[string]string{},
	}
	w.everything = w.Parse("the policy that the step before gave", []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`))
	w.openTrust = w.Parse("a rewritten trust policy", []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:*"}]}`))
	return w
}

// Account is what an account's place in an organisation does to its requests.
type Account struct {
	// ID of twelve digits.
	ID string
	// Organization is the organisation's id (o-…); empty if the account is in
	// none, or if Unread says that this is not known.
	Organization string
	// Path is the account's aws:PrincipalOrgPaths value, "o-…/r-…/ou-…/";
	// empty if not known.
	Path string
	// Management says that it is the organisation's management account, which
	// no control policy binds.
	Management bool
	// SCPs and RCPs hold the policies of each level, from the root to the
	// account itself. Each level must allow. No level: there are none.
	SCPs, RCPs [][]*Policy
	// Unread says why the organisation's policies are not known; empty if they
	// are, or if nothing says that the account is in an organisation. UnreadSCPs
	// and UnreadRCPs say it of one kind of them.
	Unread, UnreadSCPs, UnreadRCPs string
	// Assumed says in words what was taken for absent without having been looked
	// for. It is shown with answers.
	Assumed string
}

// Kind of a principal.
type Kind uint8

// The kinds of principals that make requests.
const (
	User Kind = iota
	Role
	Root
	ServicePrincipal
	Federated // an identity provider, with whose word roles are assumed
	Anonymous
)

// Principal is somebody who can make requests, with what binds him.
type Principal struct {
	// ARN, or a service's name, or a provider's ARN; "*" for Anonymous.
	ARN     string
	Kind    Kind
	Account string
	// Name without the path, of users and roles.
	Name string
	// ID is the unique id (AIDA…, AROA…); empty if not known.
	ID string
	// Tags of the principal; TagsUnread if they were not read.
	Tags       map[string]string
	TagsUnread bool
	// Policies attached, inline, and of groups.
	Policies []*Policy
	// Boundary is the permissions boundary; nil if there is none.
	Boundary *Policy
	// Session policies limit one session of a role; nil if there are none.
	Session []*Policy
	// ServiceLinked says that the role is a service's own, which control
	// policies do not bind.
	ServiceLinked bool
	// Unread says why the principal's policies are not all known; empty if they
	// are.
	Unread string
	// Groups are the ARNs of the groups a user is in; their policies stand in
	// Policies too.
	Groups []string
	// Customer are the ARNs of the account's own managed policies among Policies.
	Customer []string
	// Attached is how many managed policies are attached to the principal himself;
	// those of groups are not his.
	Attached int
	// Providers are the ARNs of the identity providers that a role trusts.
	Providers []string
	// InstanceProfiles are the ARNs of those that hold the role.
	InstanceProfiles []string
}

// Group is a group of users.
type Group struct {
	ARN      string
	Account  string
	Policies []*Policy
	// Attached is how many of them are managed policies.
	Attached int
}

// Resource is something that requests are made on, with its own policy.
type Resource struct {
	ARN     string
	Account string
	// Policy is the resource's own policy, a role's trust policy included; nil
	// if it has none.
	Policy *Policy
	// Tags of the resource; TagsUnread if they were not read.
	Tags       map[string]string
	TagsUnread bool
	// RestrictPublic is S3's RestrictPublicBuckets of bucket or account: a
	// public policy then serves the bucket's own account and services only.
	RestrictPublic bool
	// Grants are a KMS key's grants.
	Grants []KeyGrant
	// Lists are S3's access control lists, where they count.
	Lists []ListGrant
	// Unread says why the resource's policy is not known; empty if it is.
	Unread string

	tagging bool // a role whose sessions may bring tags of their own
}

// KeyGrant is one grant of a KMS key.
type KeyGrant struct {
	// ID of the grant.
	ID string
	// Grantee is the principal's ARN.
	Grantee string
	// Operations as the API names them, without "kms:".
	Operations []string
	// Context says that the grant is bound to an encryption context, so that
	// it serves some requests only.
	Context bool
}

// ListGrant is one entry of an S3 access control list.
type ListGrant struct {
	// Everyone or, with Signed, everyone who has signed in.
	Everyone, Signed bool
	// Actions that the permission allows, "s3:ListBucket" and the like.
	Actions []string
	// Permission as the API names it.
	Permission string
}

// At sets the time that requests are made at unless they say another.
func (w *World) At(t time.Time) { w.now = t.UTC().Format(time.RFC3339) }

// AddAccount makes an account known.
func (w *World) AddAccount(a *Account) { w.accounts[a.ID] = a }

// AddPrincipal makes a principal known. A second one of the same ARN replaces
// the first.
func (w *World) AddPrincipal(p *Principal) {
	if old, ok := w.byARN[p.ARN]; ok {
		w.principals[slices.Index(w.principals, old)] = p
	} else {
		w.principals = append(w.principals, p)
	}
	w.byARN[p.ARN] = p
	if p.Kind == Role {
		w.byRole[p.Account+"/"+p.Name] = p
	}
}

// AddResource makes a resource known.
func (w *World) AddResource(r *Resource) {
	r.tagging = isRole(r.ARN) && (r.Unread != "" || r.Policy.allowsTagging())
	w.resources[r.ARN] = r
}

// AddGroup makes a group known, for the question who may put himself into it.
func (w *World) AddGroup(g Group) { w.groups = append(w.groups, g) }

// AddVersions makes the versions of an account's own managed policy known that
// are not its default.
func (w *World) AddVersions(arn string, versions []*Policy) {
	if len(versions) > 0 {
		w.versions[arn] = versions
	}
}

// versionsOf lists the versions that a principal's policies could be set back
// to.
func (w *World) versionsOf(p *Principal) []*Policy {
	var out []*Policy
	for _, arn := range p.Customer {
		out = append(out, w.versions[arn]...)
	}
	return out
}

// allowsTagging says that a trust policy may allow sessions with tags of their
// own, which override those of the role.
func (p *Policy) allowsTagging() bool {
	if p == nil {
		return false
	}
	a := newAction("sts:TagSession")
	for i := range p.Statements {
		s := &p.Statements[i]
		if (!s.Deny || s.noEffect) && (s.whole || s.speaksOf(&a)) {
			return true
		}
	}
	return p.unread != ""
}

// taggable says that a session of the role may bring tags of its own.
func (w *World) taggable(p *Principal) bool {
	r, ok := w.resources[p.ARN]
	return ok && r.tagging
}

// Account returns a known account, or nil.
func (w *World) Account(id string) *Account { return w.accounts[id] }

// Principals returns the principals in the order they were added.
func (w *World) Principals() []*Principal { return w.principals }

// Principal finds one by ARN, a role also by the ARN of one of its sessions
// (arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION), a root user by his account,
// and makes one for a service's name.
func (w *World) Principal(arn string) (*Principal, bool) {
	if p, ok := w.byARN[arn]; ok {
		return p, true
	}
	switch {
	case arn == "*":
		return &Principal{ARN: "*", Kind: Anonymous}, true
	case strings.HasSuffix(arn, ".amazonaws.com") && !strings.Contains(arn, ":"):
		return &Principal{ARN: arn, Kind: ServicePrincipal}, true
	}
	parts := strings.SplitN(arn, ":", arnParts)
	if len(parts) != arnParts {
		return nil, false
	}
	switch {
	case parts[5] == "root" && isAccount(parts[4]):
		return &Principal{ARN: arn, Kind: Root, Account: parts[4]}, true
	case strings.HasPrefix(parts[5], "oidc-provider/"), strings.HasPrefix(parts[5], "saml-provider/"):
		return &Principal{ARN: arn, Kind: Federated, Account: parts[4]}, true
	case strings.HasPrefix(parts[5], "assumed-role/"):
		name, _, _ := strings.Cut(strings.TrimPrefix(parts[5], "assumed-role/"), "/")
		if p, ok := w.byRole[parts[4]+"/"+name]; ok {
			return p, true
		}
	}
	return nil, false
}

// Resource finds what a request is made on: the resource of that ARN, or the
// one it lies in, as an object lies in its bucket. nil if neither is known.
func (w *World) Resource(arn string) *Resource {
	if r, ok := w.resources[arn]; ok {
		return r
	}
	if !holders[serviceOfARN(arn)] {
		return nil
	}
	for i := len(arn) - 1; i > 0; i-- {
		if arn[i] != '/' && arn[i] != ':' {
			continue
		}
		if r, ok := w.resources[arn[:i]]; ok {
			return r
		}
	}
	return nil
}

// holders are the services whose resources lie in others that have the policy:
// an object in its bucket, an index in its table. Elsewhere a longer ARN is
// another resource: the role a/b is none of the role a.
var holders = map[string]bool{
	"s3": true, "s3express": true, "s3-outposts": true, "s3-object-lambda": true, "s3tables": true, "s3vectors": true,
	"dynamodb": true, "es": true, "logs": true, "lambda": true, "kinesis": true, "execute-api": true, "sns": true,
	"events": true, "backup": true, "glacier": true, "codeartifact": true, "vpc-lattice": true,
}

func serviceOfARN(arn string) string {
	_, rest, ok := strings.Cut(arn, ":")
	if !ok {
		return ""
	}
	_, rest, _ = strings.Cut(rest, ":")
	service, _, _ := strings.Cut(rest, ":")
	return service
}

// Decision on a request.
type Decision uint8

// The four answers.
const (
	// Unknown: it hangs on something that was not read or not understood.
	Unknown Decision = iota
	// Deny: every completion of the request is refused.
	Deny
	// Conditional: some completions are allowed and some refused.
	Conditional
	// Allow: every completion is allowed.
	Allow
)

// String is the decision as answers spell it.
func (d Decision) String() string {
	return [...]string{"unknown", "deny", "conditional", "allow"}[d]
}

// MarshalText is String.
func (d Decision) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// Request asks whether somebody may do something.
type Request struct {
	Principal *Principal
	// Action as the provider writes it, "s3:GetObject", or a pattern.
	Action string
	// Resource is an ARN or a pattern; "*" for actions that have none.
	Resource string
	// Literal says that the characters * and ? in Resource stand for themselves,
	// as in the resource "*" of actions that have none.
	Literal bool
	// Session is the name of the role's session, where one is asked about.
	Session string
	// Context holds the values of condition keys. A key that is there with no
	// value is absent from the request; one that is not there is open.
	Context map[string][]string
	// Through are policies of what the request passes, as a network's endpoint:
	// each of them must allow it too, as it names principals.
	Through []*Policy
}

// Reason is a statement that decides.
type Reason struct {
	// Policy is the policy's ID.
	Policy string `json:"policy"`
	// Statement is its Sid, or its number after "#".
	Statement string `json:"statement"`
	// Effect is "Allow", "Deny", or "none" where nothing allows.
	Effect string `json:"effect"`
	// Layer is where the policy stands: identity, resource, boundary, session,
	// scp, rcp, trust, grant, list.
	Layer string `json:"layer,omitempty"`
}

// Answer to a request, with what decided it.
type Answer struct {
	Decision Decision `json:"decision"`
	// Because names the statements that decide.
	Because []Reason `json:"because"`
	// Conditions are the open conditions that a conditional answer hangs on,
	// as "operator key".
	Conditions []string `json:"conditions,omitempty"`
	// Witness is a smallest completion that is allowed: values of condition
	// keys, nil for a key that must be absent.
	Witness map[string][]string `json:"witness,omitempty"`
	// Action and Resource are those of the witness where the request left them
	// open.
	Action   string `json:"action,omitempty"`
	Resource string `json:"resource,omitempty"`
	// Unknown says what the answer hangs on if it is Unknown.
	Unknown []string `json:"unknown,omitempty"`
	// Assumed says what was taken for absent without having been looked for.
	Assumed []string `json:"assumed,omitempty"`
}

// Actions makes real action names known, which witnesses of patterns prefer.
func (w *World) Actions(names []string) {
	w.actions, w.spelt = make([]string, len(names)), make(map[string]string, len(names))
	for i, n := range names {
		w.actions[i] = lower(n)
		w.spelt[w.actions[i]] = n
	}
}
