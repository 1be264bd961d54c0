package access

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
)

// shared are the types of resources, by service and the beginning of what follows
// the account in their ARNs, that AWS RAM shares with other accounts without a
// policy that the resource itself shows. Source: AWS RAM User Guide, "Shareable
// AWS resources".
var shared = map[string][]string{
	"sagemaker": {"feature-group/", "hub/", "model-card/", "model-package-group/", "model-package/", "pipeline/", "partner-app/", "mlflow-"},
	"bedrock":   {"custom-model/"},
	"glue":      {"catalog", "database/", "table/"},
}

const (
	shareType      = "AWS::RAM::ResourceShare"
	permissionType = "AWS::RAM::Permission"
)

// share is a resource as one share of AWS RAM holds it.
type share struct {
	arn    string
	with   []guest
	open   string // with whom it shares, if that was not read
	typ    string // of the resource, as RAM spells it: "sagemaker:ModelPackageGroup"
	allows []allowance
	// unread says why what it lets do is not known; empty if it is.
	unread string
}

// guest is with whom a share shares.
type guest struct {
	id string // an account, or the ARN of a user, role, unit or organisation
	// inside says that AWS RAM calls it one of the owner's organisation, whom nobody
	// has to accept for.
	inside bool
}

// allowance names one permission of a share, in the version that it uses.
type allowance struct{ arn, version, typ string }

// share reads one share.
func (m *Amazon) share(n estate.Node, a *estate.Asset) error {
	config, err := m.snap.Config(n)
	if err != nil {
		return fmt.Errorf("%s: %w", a.ID, err)
	}
	var c struct {
		Status        string
		ListResources *struct {
			Resources []struct{ Arn, Type, Status string }
		}
		ListPrincipals *struct {
			Principals []struct {
				ID       string
				External *bool
			}
		}
		ListResourceSharePermissions *struct {
			Permissions []struct{ Arn, Version, ResourceType string }
		}
	}
	if json.Unmarshal(config, &c) != nil || c.ListResources == nil {
		m.sharesUnread = append(m.sharesUnread, sharesOf{a.Account, a.Region, "what " + a.ID + " shares was not read"})
		return nil
	}
	if c.Status == "DELETED" || c.Status == "DELETING" {
		return nil
	}
	one := share{arn: a.ID}
	if c.ListPrincipals == nil {
		one.open = "with whom " + a.ID + " shares was not read"
	} else {
		for _, p := range c.ListPrincipals.Principals {
			one.with = append(one.with, guest{p.ID, p.External != nil && !*p.External})
		}
	}
	if c.ListResourceSharePermissions == nil {
		one.unread = "what the permissions of " + a.ID + " let do was not read (ram:ListResourceSharePermissions)"
	} else {
		for _, p := range c.ListResourceSharePermissions.Permissions {
			one.allows = append(one.allows, allowance{p.Arn, p.Version, p.ResourceType})
		}
	}
	for _, r := range c.ListResources.Resources {
		if r.Status == "UNAVAILABLE" {
			continue
		}
		one.typ = r.Type
		m.shares[r.Arn] = append(m.shares[r.Arn], one)
	}
	return nil
}

// sharesOf says of an account and region what of its shares was not read.
type sharesOf struct{ account, region, why string }

// shareable reports whether AWS RAM may give a resource to other accounts.
func shareable(resource string) (aws.ARN, bool) {
	arn, ok := aws.ParseARN(resource)
	return arn, ok && arn.Account != "" && slices.ContainsFunc(shared[arn.Service], func(head string) bool { return strings.HasPrefix(arn.Resource, head) })
}

// byRAM weighs what AWS RAM may have given to another account: a share is a policy
// of the resource, made of the permission's template and of those it shares with.
// The account's own policies must let it all the same.
func (m *Amazon) byRAM(r iam.Request, a iam.Answer) iam.Answer {
	arn, ok := shareable(r.Resource)
	who := r.Principal.Account
	if !ok || a.Decision != iam.Deny || who == "" || who == arn.Account ||
		slices.ContainsFunc(a.Because, func(b iam.Reason) bool { return b.Effect == "Deny" || b.Effect == "none" && b.Layer == "identity" }) {
		return a
	}
	open := func(why string) {
		a.Decision = iam.Unknown
		a.Unknown = append(a.Unknown, why)
	}
	for _, held := range holdersOf(arn, r.Resource) {
		for i := range m.shares[held] {
			got, why := m.byShare(r, arn, held, &m.shares[held][i])
			switch {
			case why != "":
				open(why)
			case got.Decision == iam.Allow || got.Decision == iam.Conditional && a.Decision != iam.Allow:
				a = got
			case got.Decision == iam.Unknown && a.Decision == iam.Deny:
				a = got
			}
			if a.Decision == iam.Allow {
				return a
			}
		}
	}
	if a.Decision != iam.Deny {
		return a
	}
	for _, u := range m.sharesUnread {
		if u.account == arn.Account && (u.region == "" || u.region == arn.Region) {
			open(u.why)
			return a
		}
	}
	if !m.snap.Covered(shareType, arn.Account, arn.Region) {
		open("whether " + r.Resource + " is shared with account " + who + " by AWS RAM is not read (ram:GetResourceShares)")
	}
	return a
}

// sharesTo says of a resource with whom AWS RAM shares it, or that this was not read.
func (m *Amazon) sharesTo(arn aws.ARN, resource string) []string {
	if _, ok := shareable(resource); !ok {
		return nil
	}
	var out []string
	for _, held := range holdersOf(arn, resource) {
		for i := range m.shares[held] {
			s := &m.shares[held][i]
			if s.open != "" {
				out = append(out, held+": "+s.open)
			}
			for _, g := range s.with {
				if g.id != arn.Account {
					out = append(out, held+" with "+g.id)
				}
			}
		}
	}
	for _, u := range m.sharesUnread {
		if u.account == arn.Account && (u.region == "" || u.region == arn.Region) {
			out = append(out, u.why)
		}
	}
	return out
}

// holdersOf lists the resource and those whose share it comes with: a model package
// with its group, a table with its database and catalog.
func holdersOf(arn aws.ARN, resource string) []string {
	out := []string{resource}
	head := strings.TrimSuffix(resource, arn.Resource)
	kind, rest, _ := strings.Cut(arn.Resource, "/")
	switch {
	case arn.Service == "sagemaker" && kind == "model-package":
		if name, _, versioned := strings.Cut(rest, "/"); versioned {
			out = append(out, head+"model-package-group/"+name)
		}
	case arn.Service == "glue" && kind == "table":
		database, _, _ := strings.Cut(rest, "/")
		out = append(out, head+"database/"+database, head+"catalog")
	case arn.Service == "glue" && kind == "database":
		out = append(out, head+"catalog")
	}
	return out
}

// byShare weighs one share. why says on what it hangs, if that is not known.
func (m *Amazon) byShare(r iam.Request, arn aws.ARN, held string, s *share) (got iam.Answer, why string) {
	got.Decision = iam.Deny
	if s.open != "" {
		return got, s.open
	}
	principals, where, names, waits := s.guestsFor(r.Principal)
	if len(names) == 0 {
		return got, ""
	}
	says := held + " is shared with " + strings.Join(names, ", ") + " by " + s.arn + ": "
	policy, why := m.policyOf(s, arn, principals, where)
	if why != "" {
		return got, says + why
	}
	got = m.world.ExplainOn(r, &iam.Resource{ARN: r.Resource, Account: arn.Account, Policy: m.sharePolicy(s.arn, policy)})
	on, from := m.world.Resource(r.Resource), m.world.Account(r.Principal.Account)
	switch {
	case got.Decision == iam.Deny:
	case len(principals) == 0 && (from == nil || from.Path == "" && (from.Organization != "" || from.Unread != "" || from.Assumed != "")):
		return got, says + "where account " + r.Principal.Account + " is in an organisation was not read"
	case arn.Service == "glue":
		return got, says + "what Lake Formation gives there is not read"
	case on != nil && (on.Policy != nil || on.Unread != ""):
		return got, says + "what its own policy refuses beside that is not weighed"
	case waits:
		return got, says + "whether that account accepted is not read"
	}
	return got, ""
}

// sharePolicy compiles the policy that a share amounts to, once.
func (m *Amazon) sharePolicy(arn string, document []byte) *iam.Policy {
	p := m.sharePolicies[string(document)]
	if p == nil || p.ID != arn {
		p = m.world.Parse(arn, document)
		m.sharePolicies[string(document)] = p
	}
	return p
}

// guestsFor lists with whom a share shares that may be somebody: accounts and ARNs,
// and patterns of places in organisations; names are all as RAM has them. waits says that none of them is of the
// owner's organisation, so that somebody had to accept.
func (s *share) guestsFor(p *iam.Principal) (principals, where, names []string, waits bool) {
	waits = true
	for _, g := range s.with {
		parts := strings.Split(g.id, ":")
		switch {
		case g.id == p.Account || g.id == p.ARN:
			principals = append(principals, g.id)
		case len(parts) == 6 && parts[0] == "arn" && parts[2] == "organizations":
			kind, rest, _ := strings.Cut(parts[5], "/")
			organisation, unit, _ := strings.Cut(rest, "/")
			switch kind {
			case "organization":
				where = append(where, organisation+"/*")
			case "ou":
				where = append(where, organisation+"/*/"+unit+"/*")
			default:
				continue
			}
		default:
			continue
		}
		names = append(names, g.id)
		waits = waits && !g.inside
	}
	return principals, where, names, waits
}

// policyOf makes a policy of the permissions of a share for a type of resource. why
// says what of them is not known.
func (m *Amazon) policyOf(s *share, arn aws.ARN, principals, where []string) (document []byte, why string) {
	if s.unread != "" {
		return nil, s.unread
	}
	var statements []map[string]any
	for _, p := range s.allows {
		if s.typ != "" && p.typ != "" && !strings.EqualFold(p.typ, s.typ) {
			continue
		}
		templates, why := m.templatesOf(p)
		if why != "" {
			return nil, why
		}
		for _, t := range templates {
			for _, one := range principalsOf(principals, where) {
				st := map[string]any{"Resource": "*"}
				for name, v := range t {
					st[name] = v
				}
				st["Principal"] = one.principal
				if one.paths != nil {
					if st["Condition"], why = withPaths(t["Condition"], one.paths); why != "" {
						return nil, p.arn + ": " + why
					}
				}
				statements = append(statements, st)
			}
		}
	}
	if len(statements) == 0 {
		return nil, "it has no permission for " + s.typ
	}
	document, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		return nil, err.Error()
	}
	return document, ""
}

// principalOf is a Principal element, with the places to which it is bound.
type principalOf struct {
	principal any
	paths     []string
}

func principalsOf(principals, where []string) []principalOf {
	var out []principalOf
	if len(principals) > 0 {
		out = append(out, principalOf{map[string]any{"AWS": principals}, nil})
	}
	if len(where) > 0 {
		out = append(out, principalOf{"*", where})
	}
	return out
}

// withPaths adds to a condition that the caller's account is at one of some places of
// an organisation.
func withPaths(condition any, paths []string) (out map[string]any, why string) {
	out = map[string]any{}
	if condition != nil {
		old, ok := condition.(map[string]any)
		if !ok {
			return nil, "its condition is no object"
		}
		for op, keys := range old {
			out[op] = keys
		}
	}
	const op = "ForAnyValue:StringLike"
	if _, taken := out[op]; taken {
		return nil, "its condition and the place in the organisation are not put together"
	}
	out[op] = map[string]any{"aws:PrincipalOrgPaths": paths}
	return out, ""
}

// templatesOf reads the statements of a permission.
func (m *Amazon) templatesOf(p allowance) (statements []map[string]any, why string) {
	unread := "what " + p.arn + " lets do was not read (ram:GetPermission)"
	n, ok := m.snap.Find(p.arn)
	if !ok {
		return nil, unread
	}
	config, err := m.snap.Config(n)
	if err != nil {
		return nil, unread
	}
	var c struct {
		GetPermission struct {
			Permission struct{ Version, Permission, FeatureSet string }
		}
	}
	if json.Unmarshal(config, &c) != nil || c.GetPermission.Permission.Permission == "" {
		return nil, unread
	}
	got := c.GetPermission.Permission
	if p.version != "" && got.Version != p.version {
		return nil, "version " + p.version + " of " + p.arn + " was not read, but version " + got.Version
	}
	var top any
	if json.Unmarshal([]byte(got.Permission), &top) != nil {
		return nil, p.arn + " is not JSON"
	}
	if whole, ok := top.(map[string]any); ok && whole["Statement"] != nil {
		top = whole["Statement"]
	}
	list, ok := top.([]any)
	if !ok {
		list = []any{top}
	}
	for _, item := range list {
		template, ok := item.(map[string]any)
		if !ok {
			return nil, p.arn + " does not have the shape of a permission"
		}
		st := map[string]any{}
		for name, v := range template {
			switch strings.ToLower(name) {
			case "effect":
				name = "Effect"
				if text, ok := v.(string); ok && v != "" {
					v = strings.ToUpper(text[:1]) + strings.ToLower(text[1:])
				}
			case "action", "actions":
				name = "Action"
			case "condition":
				name = "Condition"
			case "sid":
				name = "Sid"
			default:
				return nil, p.arn + " holds " + name + ", which is no element of a permission"
			}
			st[name] = v
		}
		if strings.Contains(fmt.Sprint(st), "${ram:") {
			return nil, p.arn + " has parameters, which are not weighed"
		}
		statements = append(statements, st)
	}
	return statements, ""
}

// guests are the principals of other accounts to whom AWS RAM may give a resource,
// with the answer, beside those who have it already.
func (m *Amazon) guests(ctx context.Context, r iam.Request, have []Holder, explain bool) ([]Holder, error) {
	arn, ok := shareable(r.Resource)
	if !ok {
		return nil, nil
	}
	var out []Holder
	for _, p := range m.world.Principals() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if p.Account == "" || p.Account == arn.Account || p.Kind == iam.Federated || slices.ContainsFunc(have, func(h Holder) bool { return h.Principal == p.ARN }) {
			continue
		}
		r.Principal = p
		if a := m.byRAM(r, m.world.Explain(r)); a.Decision != iam.Deny {
			out = append(out, m.holder(p, m.answer(a, explain)))
		}
	}
	return out, nil
}

// holder puts an answer about a principal in the form of a list.
func (m *Amazon) holder(p *iam.Principal, a Answer) Holder {
	one := Holder{Principal: p.ARN, Decision: a.Decision, Because: a.Because, Conditions: a.Conditions, Unknown: a.Unknown}
	if n, ok := m.snap.Find(p.ARN); ok {
		who := m.claims.who(n)
		one.Class, one.Owner = who.class, who.owner
	}
	if p.Kind == iam.Root {
		one.Class = "account"
	}
	return one
}
