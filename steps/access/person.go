package access

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/provider/kubernetes"
)

// Kind says whether people or machines act as an identity.
type Kind string

// The kinds. Unknown is what configuration does not tell: it is no third kind.
const (
	Human       Kind = "human"
	Machine     Kind = "machine"
	KindUnknown Kind = "unknown"
)

// Credential is one long-lived way to act as an identity.
type Credential struct {
	// Type is "password", "access key", "certificate" or "token" (a Secret that
	// holds one of a service account for ever).
	Type string `json:"type"`
	// ID is an access key's id or a Secret's id; empty where it is not told.
	ID     string `json:"id,omitempty"`
	Active bool   `json:"active"`
	// MFA says that a second factor guards it; of passwords only.
	MFA bool `json:"mfa,omitempty"`
	// Created is when it was made or last changed; zero: not told.
	Created time.Time `json:"created,omitzero"`
	// AgeDays is its age in whole days when the snapshot was taken; -1: not told.
	AgeDays int `json:"ageDays"`
	// LastUsed is zero if it never was, or nobody told.
	LastUsed time.Time `json:"lastUsed,omitzero"`
	// Where it was last used: "s3 in eu-west-1".
	Where string `json:"where,omitempty"`
}

// facts is what an identity's own configuration tells.
type facts struct {
	origin, why string
	kind        Kind
	owner, from string
	noOwner     string // why it needs none
	ownerKnown  bool   // tags were read
	lastUsed    time.Time
	usedAt      string
	usageKnown  bool
	credentials []Credential
	mfa         string // yes, no, unknown; empty where it is none's question
	unread      []string
}

// ownerKeys are the tags, labels and annotations that people name owners in,
// best first. They are compared without case, and without what stands before a
// slash ("acme.example/owner").
var ownerKeys = []string{"owner", "owners", "owned-by", "ownedby", "owner-email", "technical-owner", "business-owner", "team", "squad", "contact", "maintainer", "responsible"}

var tagSigns = strings.NewReplacer("_", "-", ":", "-", ".", "-", " ", "-")

// ownerIn finds an owner among tags, labels or annotations.
func ownerIn(tags map[string]string) (owner, key string) {
	best := len(ownerKeys)
	for k, v := range tags {
		name := strings.ToLower(k[strings.LastIndexByte(k, '/')+1:])
		name = tagSigns.Replace(name)
		at := slices.Index(ownerKeys, name)
		if v = strings.TrimSpace(v); at < 0 || none(v) || at > best || at == best && key < k {
			continue
		}
		best, owner, key = at, v, k
	}
	return owner, key
}

// none reports whether a tag's value says that nobody is named.
func none(v string) bool {
	return slices.Contains([]string{"", "-", "none", "n/a", "na", "unknown", "tbd", "todo", "nobody", "?", "null"}, strings.ToLower(v))
}

// describe reads an identity.
func (v *view) describe(n estate.Node) facts {
	a := *v.snap.Asset(n)
	config, err := v.snap.Config(n)
	if err != nil {
		return facts{origin: "identity", kind: KindUnknown, why: "its configuration cannot be read back: " + err.Error()}
	}
	a.Config = config
	var f facts
	f.owner, f.from = ownerIn(a.Tags)
	f.ownerKnown = a.Tags != nil
	if f.from != "" {
		f.from = "tag " + f.from
		if a.Cloud == estate.Kubernetes {
			f.from = "label " + strings.TrimPrefix(f.from, "tag ")
		}
	}
	switch {
	case a.Type == "AWS::IAM::User" && !a.Referenced:
		v.user(n, &a, &f)
	case a.Type == "AWS::IAM::Role" && !a.Referenced:
		v.role(n, &a, &f)
	case a.Type == "AWS::Organizations::Account":
		v.root(&a, &f)
	case a.Cloud == estate.Kubernetes:
		v.subject(n, &a, &f)
	default:
		other(&a, &f)
	}
	if !a.Referenced && strings.HasPrefix(a.Type, "AWS::IAM::") {
		for _, r := range a.Reads {
			if !r.Status.Known() && r.Status != estate.ReadSkipped {
				f.unread = append(f.unread, r.Operation+" "+string(r.Status))
			}
		}
	}
	f.fromWorkload(v.runners[n])
	return f
}

// fromWorkload takes the owner of the workload that runs as an identity where
// the identity says none.
func (f *facts) fromWorkload(of []runner) {
	if f.owner != "" {
		return
	}
	for _, r := range of {
		if r.owner != "" {
			f.owner, f.from = r.owner, "owner of workload "+r.workload
			return
		}
	}
}

func (v *view) user(n estate.Node, a *estate.Asset, f *facts) {
	f.origin = "user"
	v.used(a, f)
	login := readOf(a, "iam:GetLoginProfile")
	password, keys := login == estate.ReadOK, 0
	for _, c := range f.credentials {
		password = password || c.Type == "password" && c.Active
		if c.Type == "access key" && c.Active {
			keys++
		}
	}
	reported := strings.Contains(string(a.Config), `"GetCredentialReport"`)
	switch {
	case password && keys > 0:
		f.kind, f.why = Human, "signs in to the console with a password, and has access keys"
	case password:
		f.kind, f.why = Human, "signs in to the console with a password"
	case !reported && !login.Known():
		f.kind, f.why = KindUnknown, "neither credential report nor login profile was read"
	case keys > 0:
		f.kind, f.why = Machine, "access keys and no console password"
	default:
		f.kind, f.why = Machine, "no console password; no active key was read"
	}
	f.keys(v, n)
	switch {
	case reported || readOf(a, "iam:ListMFADevices").Known():
		f.mfa = "no"
		if strings.Contains(string(a.Config), `"SerialNumber"`) || slices.ContainsFunc(f.credentials, func(c Credential) bool { return c.MFA }) {
			f.mfa = "yes"
		}
	default:
		f.mfa = "unknown"
	}
	if f.kind == Machine {
		f.mfa = ""
	}
}

// used takes what the provider reads of credentials and use.
func (v *view) used(a *estate.Asset, f *facts) {
	read := aws.ReadIdentity(a)
	f.lastUsed, f.usageKnown = read.LastUsed, read.UsageKnown
	var report struct {
		Row map[string]any `json:"GetCredentialReport"`
	}
	_ = json.Unmarshal(a.Config, &report) // a broken one is the reader's problem
	for _, c := range read.Credentials {
		one := Credential{Type: c.Type, ID: c.ID, Active: c.Active, MFA: c.MFA && c.Type == "password", Created: c.Created, LastUsed: c.LastUsed, AgeDays: v.age(c.Created)}
		if i := strings.LastIndexByte(c.Evidence, '.'); i >= 0 {
			prefix := strings.TrimSuffix(c.Evidence[i+1:], "_active")
			one.Where = where(text(report.Row[prefix+"_last_used_service"]), text(report.Row[prefix+"_last_used_region"]))
		}
		f.credentials = append(f.credentials, one)
	}
}

// keys completes access keys by what their own assets tell.
func (f *facts) keys(v *view, user estate.Node) {
	for _, n := range v.keysOf[user] {
		a := v.snap.Asset(n)
		config, err := v.snap.Config(n)
		if err != nil {
			continue
		}
		var key struct {
			AccessKeyID string `json:"AccessKeyId"`
			Status      string
			CreateDate  time.Time
			Last        struct{ AccessKeyLastUsed lastUse } `json:"GetAccessKeyLastUsed"`
		}
		if json.Unmarshal(config, &key) != nil || key.AccessKeyID == "" && a.Name == "" {
			continue
		}
		id := cmp.Or(key.AccessKeyID, a.Name)
		i := slices.IndexFunc(f.credentials, func(c Credential) bool { return c.ID == id })
		if i < 0 {
			i = len(f.credentials)
			f.credentials = append(f.credentials, Credential{Type: "access key", ID: id, Active: key.Status == "Active", Created: key.CreateDate, AgeDays: v.age(key.CreateDate)})
		}
		c := &f.credentials[i]
		if u := key.Last.AccessKeyLastUsed; u.ServiceName != "" || !u.LastUsedDate.IsZero() {
			if u.LastUsedDate.After(c.LastUsed) || c.Where == "" {
				c.Where = where(u.ServiceName, u.Region)
			}
			if u.LastUsedDate.After(c.LastUsed) {
				c.LastUsed = u.LastUsedDate
			}
			if !f.usageKnown && f.lastUsed.IsZero() {
				f.usageKnown = !u.LastUsedDate.IsZero()
			}
		}
		if c.LastUsed.After(f.lastUsed) {
			f.lastUsed = c.LastUsed
		}
	}
	for _, c := range f.credentials {
		if !c.LastUsed.IsZero() && c.LastUsed.Equal(f.lastUsed) {
			f.usedAt = c.Where
		}
	}
}

type lastUse struct {
	LastUsedDate        time.Time
	ServiceName, Region string
}

// where spells the service and region of a last use; empty where it is not told.
func where(service, region string) string {
	if none(service) || service == "no_information" {
		return ""
	}
	if none(region) || region == "no_information" {
		return service
	}
	return service + " in " + region
}

func text(v any) string { s, _ := v.(string); return s }

// age in whole days, -1 if it is not known when something was made.
func (v *view) age(made time.Time) int {
	if made.IsZero() {
		return -1
	}
	return max(0, int(v.snap.Taken().Sub(made).Hours()/24))
}

// readOf says how a read of an asset ended; empty if nobody tried.
func readOf(a *estate.Asset, operation string) estate.ReadStatus {
	for _, r := range a.Reads {
		if r.Operation == operation {
			return r.Status
		}
	}
	return ""
}

func (v *view) role(n estate.Node, a *estate.Asset, f *facts) {
	f.origin = "role"
	v.used(a, f)
	var last struct {
		RoleLastUsed struct{ Region string }
		GetRole      struct {
			RoleLastUsed struct{ Region string }
			Role         struct{ RoleLastUsed struct{ Region string } }
		}
	}
	_ = json.Unmarshal(a.Config, &last)
	if region := cmp.Or(last.RoleLastUsed.Region, last.GetRole.RoleLastUsed.Region, last.GetRole.Role.RoleLastUsed.Region); region != "" {
		f.usedAt = "in " + region
	}
	arn, _ := aws.ParseARN(a.ID)
	switch {
	case strings.HasPrefix(arn.Resource, "role/aws-service-role/"):
		service := strings.Split(arn.Resource, "/")[2]
		f.origin, f.kind, f.why, f.noOwner = "service-linked role", Machine, "only "+service+" can act as it", "AWS keeps it"
		return
	case strings.HasPrefix(arn.Resource, "role/aws-reserved/sso.amazonaws.com/"):
		set := strings.TrimPrefix(arn.Name(), "AWSReservedSSO_")
		if i := strings.LastIndexByte(set, '_'); i > 0 {
			set = set[:i]
		}
		f.origin, f.kind, f.why, f.noOwner = "single sign-on role", Human, "people take it through IAM Identity Center, permission set "+set, "who holds it is assigned in IAM Identity Center"
		return
	}
	f.kind, f.why = v.trusted(n)
}

// trusted says who takes a role.
func (v *view) trusted(role estate.Node) (Kind, string) {
	v.asked[role] = KindUnknown // roles that trust each other and nobody else
	kinds := map[Kind]bool{}
	var parts []string
	for e := range v.snap.Out(role) {
		if e.Type != estate.Trusts {
			continue
		}
		kind, why := v.taker(e.Node, v.snap.Asset(role).Account)
		kinds[kind] = true
		if !slices.Contains(parts, why) {
			parts = append(parts, why)
		}
	}
	if len(parts) == 0 {
		return KindUnknown, "nobody is named in its trust policy, or it was not read"
	}
	why := strings.Join(parts[:min(3, len(parts))], "; ")
	if len(parts) > 3 {
		why += "; and others"
	}
	for _, k := range []Kind{Human, Machine} {
		if kinds[k] && len(kinds) == 1 {
			return k, why
		}
	}
	if kinds[Human] && kinds[Machine] {
		why = "people and machines: " + why
	}
	return KindUnknown, why
}

// kind is a user's or role's, found once.
func (v *view) kind(n estate.Node) Kind {
	if k, ok := v.asked[n]; ok {
		return k
	}
	k := v.describe(n).kind
	v.asked[n] = k
	return k
}

// taker says what a principal of a trust policy is.
func (v *view) taker(n estate.Node, account string) (Kind, string) {
	a := v.snap.Asset(n)
	switch {
	case a.ID == aws.Everyone:
		return KindUnknown, "anybody may take it"
	case a.Type == aws.ServicePrincipalType:
		return Machine, "taken by the service " + a.ID
	case strings.Contains(a.ID, ":saml-provider/"):
		return Human, "people take it by SAML, " + a.ID[strings.LastIndexByte(a.ID, '/')+1:]
	case strings.Contains(a.ID, ":oidc-provider/"):
		return issuer(a.ID[strings.Index(a.ID, ":oidc-provider/")+len(":oidc-provider/"):])
	case a.Type == "AWS::FederatedPrincipal":
		return issuer(a.ID)
	case strings.HasSuffix(a.ID, ":root"):
		if a.Account == account || strings.Contains(a.ID, ":"+account+":") {
			return KindUnknown, "whoever its account permits takes it"
		}
		return KindUnknown, "whoever account " + accountOf(a) + " permits takes it"
	case strings.Contains(a.ID, ":role/"):
		return v.kind(n), "taken by role " + a.ID[strings.LastIndexByte(a.ID, '/')+1:]
	case strings.Contains(a.ID, ":user/"):
		return v.kind(n), "taken by user " + a.ID[strings.LastIndexByte(a.ID, '/')+1:]
	}
	return KindUnknown, "taken by " + a.ID
}

// issuers tell what an OpenID Connect issuer signs in, by a part of its host.
var issuers = []struct {
	part, what string
	kind       Kind
}{
	{"token.actions.githubusercontent.com", "jobs of GitHub Actions", Machine}, {"gitlab", "jobs of GitLab", Machine}, {"circleci", "jobs of CircleCI", Machine},
	{"bitbucket", "jobs of Bitbucket", Machine}, {"buildkite", "jobs of Buildkite", Machine}, {"app.terraform.io", "runs of HCP Terraform", Machine},
	{"spacelift", "runs of Spacelift", Machine}, {"vstoken.dev.azure.com", "jobs of Azure Pipelines", Machine}, {"vercel", "deployments of Vercel", Machine},
	{"oidc.eks.", "pods of an EKS cluster", Machine}, {"oidc-eks.", "pods of an EKS cluster", Machine}, {"container.googleapis.com", "pods of a GKE cluster", Machine},
	{"cognito-identity.amazonaws.com", "users of an app, by Cognito", Human}, {"accounts.google.com", "people with a Google account", Human},
	{"www.amazon.com", "people with an Amazon account", Human}, {"graph.facebook.com", "people with a Facebook account", Human},
	{"okta", "people by Okta", Human}, {"auth0", "people by Auth0", Human},
}

func issuer(host string) (Kind, string) {
	for _, i := range issuers {
		if strings.Contains(strings.ToLower(host), i.part) {
			return i.kind, "taken by " + i.what
		}
	}
	return KindUnknown, "taken by whoever " + host + " signs in"
}

func (v *view) root(a *estate.Asset, f *facts) {
	if a.Referenced {
		other(a, f)
		return
	}
	f.origin, f.kind, f.why, f.noOwner = "root user", Human, "the root user of the account", "the account's own"
	v.used(a, f)
	f.mfa = "unknown"
	if strings.Contains(string(a.Config), `"GetCredentialReport"`) {
		f.mfa = "no"
		if aws.ReadIdentity(a).MFA {
			f.mfa = "yes"
		}
	}
}

// other says what is known of principals that nobody read or could read.
func other(a *estate.Asset, f *facts) {
	f.kind = KindUnknown
	switch {
	case a.ID == aws.Everyone:
		f.origin, f.why, f.noOwner = "everyone", "anybody, signed in or not", "it is nobody's"
	case a.Type == aws.ServicePrincipalType:
		f.origin, f.kind, f.why, f.noOwner = "service", Machine, "an AWS service", "AWS keeps it"
	case a.Type == "AWS::IAM::InstanceProfile":
		f.origin, f.kind, f.why, f.noOwner = "instance profile", Machine, "instances act by it", "its role's"
	case a.Type == "AWS::IAM::OIDCProvider" || a.Type == "AWS::FederatedPrincipal":
		host := a.ID[strings.LastIndex(a.ID, ":oidc-provider/")+1:]
		f.origin, f.noOwner = "federated", "its roles'"
		f.kind, f.why = issuer(strings.TrimPrefix(host, "oidc-provider/"))
	case a.Type == "AWS::IAM::SAMLProvider" || strings.Contains(a.ID, ":saml-provider/"):
		f.origin, f.kind, f.why, f.noOwner = "federated", Human, "people by SAML", "its roles'"
	case strings.Contains(a.ID, ":oidc-provider/"):
		f.origin, f.noOwner = "federated", "its roles'"
		f.kind, f.why = issuer(a.ID[strings.Index(a.ID, ":oidc-provider/")+len(":oidc-provider/"):])
	case strings.HasSuffix(a.ID, ":root"):
		f.origin, f.why, f.noOwner = "account", "whoever account "+accountOf(a)+" permits; that account was not read", "another account's"
	case a.Type == "AWS::IAM::DeletedPrincipal":
		f.origin, f.why, f.noOwner = "deleted", "what is left of a deleted user or role: nobody can act as it", "it is gone"
	case a.Type == "AWS::S3::CanonicalUser":
		f.origin, f.why, f.noOwner = "account", "an account by its canonical user id", "another account's"
	default:
		f.origin, f.why, f.noOwner = "not read", "named in a policy; nobody read it", "its owner stands where it was not read"
	}
}

func accountOf(a *estate.Asset) string {
	if arn, ok := aws.ParseARN(a.ID); ok {
		return arn.Account
	}
	return a.Account
}

// subject reads a subject of a cluster.
func (v *view) subject(n estate.Node, a *estate.Asset, f *facts) {
	switch {
	case a.Type == kubernetes.GroupType || a.Type == kubernetes.UserType:
		v.named(a, f)
		return
	case a.Type != "v1/ServiceAccount":
		f.origin, f.kind, f.why, f.noOwner = "subject", KindUnknown, "named in a binding; nobody read it", "it was not read"
		return
	}
	f.origin, f.kind, f.why = "service account", Machine, "pods act as it"
	if a.Referenced {
		f.why, f.ownerKnown = "pods act as it; it was not read", false
	}
	var meta struct {
		Metadata struct{ Annotations map[string]string }
	}
	_ = json.Unmarshal(a.Config, &meta)
	if f.owner == "" {
		if owner, key := ownerIn(meta.Metadata.Annotations); owner != "" {
			f.owner, f.from = owner, "annotation "+key
		}
	}
	if f.owner == "" {
		if ns := v.namespaces[site{a.Account, a.Region}]; ns.owner != "" {
			f.owner, f.from = ns.owner, ns.from
		}
	}
	if a.Region == "kube-system" || a.Region == "kube-public" || a.Region == "kube-node-lease" {
		f.noOwner = "it comes with the cluster"
	}
	f.ownerKnown = f.ownerKnown || !a.Referenced
	for _, t := range v.tokens[a.ID] {
		t.AgeDays = v.age(t.Created)
		f.credentials = append(f.credentials, t)
	}
}

// named says what is known of a name that a cluster takes from elsewhere.
func (v *view) named(a *estate.Asset, f *facts) {
	f.noOwner = "a cluster keeps no object for it"
	f.kind = KindUnknown
	if a.Type == kubernetes.GroupType {
		f.origin, f.why = "group", "whoever signs people in says who is in it"
		switch {
		case a.Name == "system:authenticated" || a.Name == "system:unauthenticated":
			f.origin, f.why = "everyone", "all who have "+map[bool]string{true: "", false: "not "}[a.Name == "system:authenticated"]+"signed in to the cluster"
		case strings.HasPrefix(a.Name, "system:serviceaccounts"):
			f.kind, f.why = Machine, "all service accounts"+strings.Replace(strings.TrimPrefix(a.Name, "system:serviceaccounts"), ":", " of namespace ", 1)
		case strings.HasPrefix(a.Name, "system:nodes") || strings.HasPrefix(a.Name, "system:bootstrappers"):
			f.kind, f.why = Machine, "nodes of the cluster"
		}
		return
	}
	f.origin, f.why = "user", "the cluster knows its name alone"
	switch {
	case a.Name == "system:anonymous":
		f.origin, f.why = "everyone", "anybody who reaches the API server"
	case strings.HasPrefix(a.Name, "system:"):
		f.kind, f.why = Machine, "a component of the cluster"
	case strings.Contains(a.Name, "@"):
		f.kind, f.why = Human, "its name is an e-mail address"
	}
}
