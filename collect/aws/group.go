package aws

import (
	"fmt"
	"slices"

	"github.com/sevenfold-sec/sevenfold/collect/aws/catalog"
)

// group is one listing and all types that come of it: IAM's authorization
// details give users, roles, groups and policies in one reply.
type group struct {
	service   *catalog.Service
	resources []*catalog.Resource // never empty
}

// head is the resource whose list call is made.
func (g *group) head() *catalog.Resource { return g.resources[0] }

// global reports whether the group is read once for an account.
func (g *group) global() bool { return g.head().IsGlobal() }

// key names the group within a service.
func (g *group) key() string {
	if l := g.head().List; l != nil {
		return l.Operation() + fmt.Sprint(l.Params)
	}
	return g.head().Type
}

// types lists every type the group gives, those below included.
func (g *group) types() []string { return typesOf(g.resources) }

// typesOf lists the types of resources and of what is listed below them.
func typesOf(rs []*catalog.Resource) []string {
	var out []string
	var walk func(r *catalog.Resource)
	walk = func(r *catalog.Resource) {
		if slices.Contains(out, r.Type) {
			return
		}
		out = append(out, r.Type)
		for _, c := range r.Children() {
			walk(c)
		}
	}
	for _, r := range rs {
		walk(r)
	}
	return out
}

// groups puts the top-level resources that share a listing together, in the
// catalogue's order.
func groups(c *catalog.Catalog, services []string) []*group {
	var out []*group
	for _, s := range c.Services() {
		if len(services) > 0 && !slices.Contains(services, s.Service) {
			continue
		}
		byKey := map[string]*group{}
		for _, r := range s.Resources {
			if r.Parent != "" {
				continue
			}
			g := &group{service: s, resources: []*catalog.Resource{r}}
			if have := byKey[g.key()]; have != nil && r.List != nil {
				have.resources = append(have.resources, r)
				continue
			}
			byKey[g.key()] = g
			out = append(out, g)
		}
	}
	return out
}
