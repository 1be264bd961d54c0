package access

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// World is what an estate's configuration says that decides requests to AWS:
// accounts with their place in an organisation, users and roles with their
// policies, and resources with theirs. What was refused, not read, or is known
// only after a plan's apply stands in it as unread with the reason, and never
// as absent. An error is the store's: a configuration could not be had.
func World(ctx context.Context, snap *estate.Snapshot) (*iam.World, error) {
	a, err := NewAmazon(ctx, snap)
	if err != nil {
		return nil, err
	}
	return a.world, nil
}

// reader fills a world from a snapshot.
type reader struct {
	snap   *estate.Snapshot
	world  *iam.World
	places map[string]source
	// compiled holds what was made of each distinct document.
	compiled map[[sha256.Size]byte]*iam.Policy
	managed  map[string]*iam.Policy
	groups   map[string][]*iam.Policy // by account and name
	// groupAssets are the groups themselves, by the same.
	groupAssets map[string]groupAsset
	// refused are the operations that could not be called, by account; "" holds
	// for all.
	refused map[string]map[string]string
	seen    map[string]bool // principals added
	units   units
	doubts  map[string]doubt
	marks   map[string]mark // by policy; orders are those of organisations'
	orders  mark
	// resources are those added.
	resources []*iam.Resource
}

// source is where the document of a policy stands.
type source struct {
	node estate.Node
	path string // as provider/aws names it, "config.RolePolicyList[0].PolicyDocument"
}

// compile makes a policy of a document. Documents that say the same are
// compiled once.
func (r *reader) compile(id string, document []byte, at source) *iam.Policy {
	r.places[id] = at
	r.units.names(document)
	if m := markOf(document); m != 0 {
		r.marks[id] = m
	}
	sum := sha256.Sum256(document)
	p := r.compiled[sum]
	if p == nil {
		p = r.world.Parse(id, document)
		r.compiled[sum] = p
	}
	if p.ID == id {
		return p
	}
	q := *p // shares the compiled statements
	q.ID = id
	return &q
}

// fill reads everything. Groups and managed policies come before the
// identities that have them.
func (r *reader) fill(ctx context.Context) error {
	if err := r.policies(ctx); err != nil {
		return err
	}
	r.blind()
	if err := r.organisations(ctx); err != nil {
		return err
	}
	defer r.units.settle()
	for n, a := range r.snap.Assets() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if a.Cloud != estate.AWS && !a.Referenced {
			continue
		}
		var err error
		switch {
		case a.Referenced:
			r.named(a)
		case a.Type == "AWS::IAM::User" || a.Type == "AWS::IAM::Role":
			err = r.identity(n, a)
		case a.Type == "AWS::IAM::OIDCProvider" || a.Type == "AWS::IAM::SAMLProvider" || a.Type == "AWS::FederatedPrincipal":
			r.principal(&iam.Principal{ARN: a.ID, Kind: iam.Federated, Account: accountOf(a)})
		case a.ID == aws.Everyone:
			r.principal(&iam.Principal{ARN: "*", Kind: iam.Anonymous})
		case a.Type == aws.ServicePrincipalType:
			r.principal(&iam.Principal{ARN: a.ID, Kind: iam.ServicePrincipal})
		case a.Type == "AWS::Organizations::Account":
			r.root(a)
		default:
			err = r.resource(n, a)
		}
		if err != nil {
			return err
		}
	}
	r.unlistedPolicies()
	for _, arn := range r.world.ManagedAsked() {
		r.world.AddManaged("", r.attachedPolicy(arn))
	}
	return nil
}

func (r *reader) principal(p *iam.Principal) {
	if !r.seen[p.ARN] {
		r.seen[p.ARN] = true
		r.world.AddPrincipal(p)
	}
}

// root adds an account's root user.
func (r *reader) root(a *estate.Asset) {
	if arn, ok := aws.ParseARN(a.ID); ok && arn.Resource == "root" {
		r.principal(&iam.Principal{ARN: a.ID, Kind: iam.Root, Account: arn.Account})
		r.account(arn.Account)
	}
}

// named adds who is only known because a policy names him.
func (r *reader) named(a *estate.Asset) {
	switch {
	case a.ID == aws.Everyone:
		r.principal(&iam.Principal{ARN: "*", Kind: iam.Anonymous})
		return
	case a.Type == aws.ServicePrincipalType:
		r.principal(&iam.Principal{ARN: a.ID, Kind: iam.ServicePrincipal})
		return
	case a.Type == "AWS::FederatedPrincipal":
		r.principal(&iam.Principal{ARN: a.ID, Kind: iam.Federated})
		return
	}
	if p := stranger(a.ID); p != nil {
		r.account(p.Account)
		r.principal(p)
	}
}

// stranger is a principal of which nothing but the ARN is known; nil if the ARN
// is none of a principal.
func stranger(id string) *iam.Principal {
	arn, ok := aws.ParseARN(id)
	if !ok || arn.Service != "iam" || arn.Account == "" || strings.ContainsAny(id, "*?") {
		return nil
	}
	p := &iam.Principal{ARN: id, Account: arn.Account, Name: arn.Name(), TagsUnread: true, Unread: "nobody read it or its policies"}
	switch {
	case arn.Resource == "root":
		return &iam.Principal{ARN: id, Kind: iam.Root, Account: arn.Account}
	case strings.HasPrefix(arn.Resource, "role/"):
		p.Kind, p.ServiceLinked = iam.Role, strings.HasPrefix(arn.Resource, "role/aws-service-role/")
	case strings.HasPrefix(arn.Resource, "user/"):
		p.Kind = iam.User
	case strings.HasPrefix(arn.Resource, "oidc-provider/"), strings.HasPrefix(arn.Resource, "saml-provider/"):
		return &iam.Principal{ARN: id, Kind: iam.Federated, Account: arn.Account}
	default:
		return nil
	}
	return p
}

// policies reads the managed policies and the groups.
func (r *reader) policies(ctx context.Context) error {
	var groups []estate.Node
	for n, a := range r.snap.Assets() {
		if err := ctx.Err(); err != nil {
			return err
		}
		switch {
		case a.Referenced:
			r.attachable(a)
		case a.Type == "AWS::IAM::ManagedPolicy":
			if err := r.managedPolicy(n, a); err != nil {
				return err
			}
			r.attachable(a)
		case a.Type == "AWS::IAM::Group":
			groups = append(groups, n)
		}
	}
	for _, n := range groups {
		if err := r.group(n); err != nil {
			return err
		}
	}
	return nil
}

// managedPolicy reads a managed policy's default version.
func (r *reader) managedPolicy(n estate.Node, a *estate.Asset) error {
	config, err := r.snap.Config(n)
	if err != nil {
		return fmt.Errorf("policy %s: %w", a.ID, err)
	}
	type version struct {
		VersionId        string
		IsDefaultVersion bool
		Document         json.RawMessage
	}
	var c struct {
		DefaultVersionId  string
		PolicyVersionList []version
		PolicyVersion     version
		GetPolicyVersion  struct{ PolicyVersion version }
	}
	if json.Unmarshal(config, &c) != nil {
		r.managed[a.ID] = iam.Unread(a.ID, "its configuration does not have the shape of a managed policy")
		return nil
	}
	r.versions(a, config)
	versions := append(c.PolicyVersionList, c.PolicyVersion, c.GetPolicyVersion.PolicyVersion)
	for i, v := range versions {
		if len(v.Document) == 0 || !v.IsDefaultVersion && (v.VersionId == "" || v.VersionId != c.DefaultVersionId) {
			continue
		}
		path := fmt.Sprintf("config.PolicyVersionList[%d].Document", i)
		switch i - len(c.PolicyVersionList) {
		case 0:
			path = "config.PolicyVersion.Document"
		case 1:
			path = "config.GetPolicyVersion.PolicyVersion.Document"
		}
		if later(a, path) {
			r.managed[a.ID] = iam.Unread(a.ID, "its document is known after apply")
			return nil
		}
		r.managed[a.ID] = r.compile(a.ID, v.Document, source{n, path})
		return nil
	}
	return nil // AWS's own may be in the reference; what is not is said where it is attached
}

// attachable makes an account's own managed policy known as one that somebody could
// attach, read or not.
func (r *reader) attachable(a *estate.Asset) {
	arn, ok := aws.ParseARN(a.ID)
	if ok && arn.Service == "iam" && arn.Account != "" && arn.Account != "aws" && strings.HasPrefix(arn.Resource, "policy/") && !strings.ContainsAny(a.ID, "*?") {
		r.world.AddManaged(arn.Account, r.attachedPolicy(a.ID))
	}
}

// unlistedPolicies says of which accounts with identities the managed policies were
// not all listed: what is not seen there could be attached.
func (r *reader) unlistedPolicies() {
	asked := map[string]bool{}
	for _, p := range r.world.Principals() {
		if p.Kind != iam.User && p.Kind != iam.Role || p.Account == "" || asked[p.Account] {
			continue
		}
		asked[p.Account] = true
		if !r.snap.Covered("AWS::IAM::ManagedPolicy", p.Account, "") {
			r.world.ManagedUnread(p.Account, "they were not all listed (iam:GetAccountAuthorizationDetails or iam:ListPolicies)")
		}
	}
}

// attachedPolicy finds a managed policy by its ARN.
func (r *reader) attachedPolicy(arn string) *iam.Policy {
	if p := r.managed[arn]; p != nil {
		return p
	}
	p := iam.Unread(arn, "its document was not read")
	if doc, ok := reference.Managed(arn); ok {
		p = r.world.Parse(arn, doc)
		if m := markOf(doc); m != 0 {
			r.marks[arn] = m
		}
	}
	r.managed[arn] = p
	return p
}

// later reports whether a place of a configuration, or something in it, is
// known only after a plan's apply or was read in two ways that differ.
func later(a *estate.Asset, path string) bool {
	if len(a.Unknown) == 0 {
		return false
	}
	at := pointerOf(path)
	for _, u := range a.Unknown {
		if u == "" || u == at || strings.HasPrefix(u, at+"/") || strings.HasPrefix(at, u+"/") {
			return true
		}
	}
	return false
}

// pointerOf turns a path of provider/aws, "config.A[0].B", into the JSON
// pointer "/A/0/B".
func pointerOf(path string) string {
	return pathSigns.Replace(strings.TrimPrefix(path, "config"))
}

var pathSigns = strings.NewReplacer(".", "/", "[", "/", "]", "")

// lookup returns the JSON at a path of provider/aws; nil if nothing stands
// there.
func lookup(config json.RawMessage, path string) json.RawMessage {
	for step := range strings.SplitSeq(strings.TrimPrefix(pointerOf(path), "/"), "/") {
		config = bytes.TrimSpace(config)
		switch {
		case step == "":
		case len(config) > 0 && config[0] == '[':
			var list []json.RawMessage
			i := 0
			if _, err := fmt.Sscan(step, &i); err != nil || json.Unmarshal(config, &list) != nil || i < 0 || i >= len(list) {
				return nil
			}
			config = list[i]
		default:
			var m map[string]json.RawMessage
			if json.Unmarshal(config, &m) != nil {
				return nil
			}
			config = m[step]
		}
	}
	return config
}
