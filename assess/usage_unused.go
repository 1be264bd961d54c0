package assess

import (
	"context"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/access"
)

// Unused is what is granted and not used, with the credentials that live long.
type Unused struct {
	*access.Unused
	Credentials []access.Key `json:"credentials"`
}

// FindUnused looks at the identities of the workloads there are, or at one by name.
// The error is an *access.Asking if there is none of that name.
func FindUnused(ctx context.Context, snap *estate.Snapshot, sc *scope.Scope, u *access.Usage, name string) (*Unused, error) {
	workloads, err := sc.Workloads(snap)
	if err != nil {
		return nil, err
	}
	amazon, err := access.NewAmazon(ctx, snap)
	if err != nil {
		return nil, err
	}
	clusters, err := access.NewClusters(ctx, snap, amazon.World())
	if err != nil {
		return nil, err
	}
	o, err := access.Survey(ctx, snap, workloads.List)
	if err != nil {
		return nil, err
	}
	found, err := access.FindUnused(ctx, amazon, clusters, workloads.List, o, u, name)
	if err != nil {
		return nil, err
	}
	keys, err := access.Credentials(ctx, snap, workloads.List, o, u, access.KeyLimitsOf(sc.Access.Keys))
	if err != nil {
		return nil, err
	}
	out := &Unused{Unused: found, Credentials: []access.Key{}}
	asked := map[string]bool{}
	for i := range found.Identities {
		asked[found.Identities[i].ID] = true
	}
	for _, k := range keys {
		if asked[k.Identity] || name == "" && len(k.Workloads) > 0 {
			out.Credentials = append(out.Credentials, k)
		}
	}
	return out, nil
}

// Says is what an answer comes to: something is unused, nothing is, or nobody can
// tell of all.
func (u *Unused) Says() access.UseStatus {
	status := access.UseUsed
	if len(u.Identities) == 0 {
		status = access.UseUnknown
	}
	take := func(s access.UseStatus) {
		switch {
		case s == access.UseUnused || s == access.UsePartly:
			status = access.UseUnused
		case s == access.UseUnknown && status == access.UseUsed:
			status = access.UseUnknown
		}
	}
	for i := range u.Identities {
		id := &u.Identities[i]
		take(id.Status)
		if len(id.Unread) > 0 {
			take(access.UseUnknown)
		}
		for j := range id.Grants {
			take(id.Grants[j].Status)
		}
	}
	for i := range u.Leftovers {
		take(u.Leftovers[i].Status)
	}
	return status
}
