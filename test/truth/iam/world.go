package truth

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
)

// World makes of a case what the policy engine is asked with.
func (c *Case) World() (*iam.World, iam.Request, error) {
	w := iam.NewWorld()
	parse := func(where string, docs []json.RawMessage) []*iam.Policy {
		var out []*iam.Policy
		for i, d := range docs {
			out = append(out, w.Parse(fmt.Sprintf("%s/%d", where, i), d))
		}
		return out
	}
	levels := func(where string, list [][]json.RawMessage) [][]*iam.Policy {
		var out [][]*iam.Policy
		for i, level := range list {
			out = append(out, parse(fmt.Sprintf("%s/%d", where, i), level))
		}
		return out
	}
	unread := map[string]bool{}
	for _, u := range c.Unread {
		unread[u] = true
	}

	p, session := c.principal(w)
	if p == nil {
		return nil, iam.Request{}, fmt.Errorf("case %s: no principal of the form %s", c.Name, c.Request.Principal)
	}
	p.TagsUnread = c.Request.Open
	p.Policies = parse("identity", c.IdentityPolicies)
	if unread["identityPolicies"] {
		p.Unread = "not read"
	}
	if c.Boundary != nil {
		p.Boundary = w.Parse("boundary", c.Boundary)
	} else if unread["boundary"] {
		p.Boundary = iam.Unread("boundary", "not read")
	}
	p.Session = parse("session", c.Session)
	if unread["session"] {
		p.Session = append(p.Session, iam.Unread("session", "not read"))
	}
	w.AddPrincipal(p)

	on := &iam.Resource{ARN: c.Request.Resource, Account: c.resourceAccount(p.Account)}
	if c.ResourcePolicy != nil {
		on.Policy = w.Parse("resource", c.ResourcePolicy)
	}
	if unread["resourcePolicy"] {
		on.Unread = "not read"
	}
	w.AddResource(on)

	own := &iam.Account{ID: p.Account, Management: c.ManagementAccount, SCPs: levels("scp", c.SCPs)}
	far := own
	if on.Account != p.Account {
		far = &iam.Account{ID: on.Account}
	}
	far.RCPs = levels("rcp", c.RCPs)
	if unread["scps"] {
		own.Unread = "not read"
	}
	if unread["rcps"] {
		far.Unread = "not read"
	}
	for _, a := range []*iam.Account{own, far} {
		if a.ID != "" {
			w.AddAccount(a)
		}
	}

	r := iam.Request{Principal: p, Action: c.Request.Action, Resource: c.Request.Resource, Literal: true, Session: session, Context: map[string][]string{}}
	if !c.Request.Open {
		for _, k := range c.keys() {
			r.Context[strings.ToLower(k)] = nil
		}
	}
	for k, v := range c.Request.Context {
		r.Context[strings.ToLower(k)] = v
	}
	return w, r, nil
}

func (c *Case) resourceAccount(own string) string {
	if c.Request.ResourceAccount != "" {
		return c.Request.ResourceAccount
	}
	if parts := strings.SplitN(c.Request.Resource, ":", 6); len(parts) == 6 && parts[4] != "" {
		return parts[4]
	}
	return own
}

// principal makes the principal of a case, and names its session.
func (c *Case) principal(w *iam.World) (p *iam.Principal, session string) {
	arn := c.Request.Principal
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		known, _ := w.Principal(arn)
		return known, ""
	}
	kind, name, _ := strings.Cut(parts[5], "/")
	p = &iam.Principal{ARN: arn, Account: parts[4], Name: name[strings.LastIndexByte(name, '/')+1:]}
	switch kind {
	case "user", "federated-user": // a policy that names either grants to it directly
		p.Kind = iam.User
	case "role":
		p.Kind = iam.Role
	case "assumed-role":
		p.Kind = iam.Role
		p.Name, session, _ = strings.Cut(name, "/")
		p.ARN = "arn:" + parts[1] + ":iam::" + parts[4] + ":role/" + p.Name
		if c.Request.Role != "" {
			p.ARN = c.Request.Role
			p.ServiceLinked = strings.Contains(c.Request.Role, ":role/aws-service-role/")
		}
	case "root":
		p.Kind = iam.Root
	case "oidc-provider", "saml-provider":
		p.Kind = iam.Federated
	default:
		return nil, ""
	}
	return p, session
}
