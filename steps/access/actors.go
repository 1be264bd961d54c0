package access

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// Actor is somebody who can act in a principal's place, in one step.
type Actor struct {
	Principal string // an ARN, or * for anybody
	Decision  iam.Decision
	How       string // the actions by which, in words
}

// Actors answers who can act as whom. It is not safe for use by several at once.
type Actors struct {
	m      *Amazon
	takers *iam.Takers
}

// Actors prepares the answers. An error is ctx's, or the reference's.
func (m *Amazon) Actors(ctx context.Context) (*Actors, error) {
	routes, err := reference.Routes()
	if err != nil {
		return nil, fmt.Errorf("access: %w", err)
	}
	takers, err := m.world.Takers(ctx, routes, newSurroundings(m.snap, m.world))
	if err != nil {
		return nil, err
	}
	return &Actors{m, takers}, nil
}

// For lists who can act in a principal's place: by taking it, a role, whoever they are; by
// other routes (new keys, code that runs as it) those who are no administrators. Left out
// are services, which act for their customer, the root user of the principal's own account,
// and the identity providers of clusters, whose pods run as the role. The surest way of each
// is told. Errors are those of WhoCan.
func (a *Actors) For(ctx context.Context, principal string) ([]Actor, error) {
	arn, ok := aws.ParseARN(principal)
	if !ok || arn.Service != "iam" {
		return nil, nil
	}
	best := map[string]Actor{}
	add := func(one Actor) {
		if had, ok := best[one.Principal]; !ok || rank(one.Decision) > rank(had.Decision) {
			best[one.Principal] = one
		}
	}
	for _, action := range a.takenBy(principal, arn) {
		holders, err := a.m.WhoCan(ctx, Question{Action: action, Resource: principal})
		if err != nil {
			return nil, err
		}
		for _, h := range holders {
			switch {
			case h.Decision == iam.Deny, h.Principal == principal, h.Principal != "*" && !strings.HasPrefix(h.Principal, "arn:"):
			case strings.HasSuffix(h.Principal, ":"+arn.Account+":root"), strings.Contains(h.Principal, ":oidc-provider/oidc.eks."):
			default:
				add(Actor{h.Principal, h.Decision, action})
			}
		}
	}
	others, err := a.takers.Into(ctx, principal)
	if err != nil {
		return nil, err
	}
	for _, t := range others {
		how := strings.Join(t.Actions, ", ")
		if t.Via != "" {
			how += " on " + t.Via
		}
		add(Actor{t.From, t.Decision, how})
	}
	out := make([]Actor, 0, len(best))
	for _, one := range best {
		out = append(out, one)
	}
	slices.SortFunc(out, func(x, y Actor) int { return cmp.Compare(x.Principal, y.Principal) })
	return out, nil
}

// takenBy are the actions by which a principal can be taken at all: of a role that names an
// identity provider, those of its kind too.
func (a *Actors) takenBy(principal string, arn aws.ARN) []string {
	if !strings.HasPrefix(arn.Resource, "role/") {
		return nil
	}
	out := []string{"sts:AssumeRole"}
	n, ok := a.m.snap.Find(principal)
	if !ok {
		return out
	}
	for e := range a.m.snap.Out(n) {
		if e.Type != estate.Trusts {
			continue
		}
		action := ""
		switch to := a.m.snap.Asset(e.Node); {
		case to.Type == "AWS::IAM::OIDCProvider", strings.Contains(to.ID, ":oidc-provider/"), to.Type == "AWS::FederatedPrincipal":
			action = "sts:AssumeRoleWithWebIdentity"
		case to.Type == "AWS::IAM::SAMLProvider", strings.Contains(to.ID, ":saml-provider/"):
			action = "sts:AssumeRoleWithSAML"
		case to.ID == aws.Everyone:
			action = "sts:AssumeRoleWithWebIdentity"
		}
		if action != "" && !slices.Contains(out, action) {
			out = append(out, action)
		}
	}
	return out
}
