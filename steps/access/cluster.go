package access

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/kubernetes"
)

const rbacTypes = "rbac.authorization.k8s.io/v1/"

// site is a namespace of a cluster; without one, the cluster as a whole.
type site struct{ cluster, namespace string }

// binding gives subjects the rules of a role.
type binding struct {
	node     estate.Node
	subjects []estate.Node
	rules    []boundRule
}

// boundRule is a rule and where it stands.
type boundRule struct {
	*rbacRule
	via string // binding, role and the rule's number
}

// wanted is a resource asked about in a site.
type wanted struct {
	site
	group, resource string
	limited         bool // rules limited to names, or else the others
}

// hit is a rule that is about what is wanted, and the binding that gives it.
type hit struct {
	binding *binding
	rule    *boundRule
}

// cluster answers for Kubernetes assets whom bindings name. Assets of a
// namespace mostly share their answer, so it is found once for each resource
// and namespace; only rules limited to names are asked of each asset.
type cluster struct {
	d        *direct
	bindings map[site][]*binding
	unread   map[site][]string       // roles that bindings name and nobody read
	defined  map[string][]definition // custom resources by group
	hits     map[wanted][]hit
	shared   map[string][]Grant
	missing  map[site][]string
}

// definition is a custom resource's, whose plural may be anything.
type definition struct {
	node         estate.Node
	kind, plural string // kind is empty until the configuration was read
}

func newCluster(d *direct) *cluster {
	return &cluster{d: d, bindings: map[site][]*binding{}, unread: map[site][]string{}, defined: map[string][]definition{},
		hits: map[wanted][]hit{}, shared: map[string][]Grant{}, missing: map[site][]string{}}
}

// note takes an asset of a cluster if it says who may do what.
func (c *cluster) note(n estate.Node, a *estate.Asset) error {
	if a.Referenced {
		return nil
	}
	switch a.Type {
	case rbacTypes + "RoleBinding", rbacTypes + "ClusterRoleBinding":
		return c.bind(n, a)
	case "apiextensions.k8s.io/v1/CustomResourceDefinition":
		if plural, group, ok := strings.Cut(a.Name, "."); ok { // the API demands such names
			c.defined[group] = append(c.defined[group], definition{node: n, plural: plural})
		}
	}
	return nil
}

// bind notes a binding with the rules of its role.
func (c *cluster) bind(n estate.Node, a *estate.Asset) error {
	at, b := site{a.Account, a.Region}, &binding{node: n}
	for e := range c.d.snap.Out(n) {
		switch e.Type {
		case estate.Grants:
			b.subjects = append(b.subjects, e.Node)
		case estate.Uses:
			if err := c.rules(b, at, e.Node, map[estate.Node]bool{}); err != nil {
				return err
			}
		}
	}
	if len(b.subjects) > 0 && len(b.rules) > 0 {
		c.bindings[at] = append(c.bindings[at], b)
	}
	return nil
}

// rules adds those of a role and of the roles it is aggregated from; a cluster
// whose controllers run has copied the latter into the former, an export of
// manifests has not.
func (c *cluster) rules(b *binding, at site, role estate.Node, seen map[estate.Node]bool) error {
	if seen[role] {
		return nil
	}
	seen[role] = true
	a := c.d.snap.Asset(role)
	if a.Referenced {
		c.unread[at] = append(c.unread[at], a.ID+" was not read: what it allows is unknown")
		return nil
	}
	config, err := c.d.snap.Config(role)
	if err != nil {
		return fmt.Errorf("role %s: %w", a.ID, err)
	}
	rules, err := rulesOf(config)
	if err != nil {
		c.d.problems = append(c.d.problems, estate.Problem{Path: a.ID + ": config.rules", Why: err.Error()})
		c.unread[at] = append(c.unread[at], a.ID+" could not be understood: what it allows is unknown")
		return nil
	}
	for i := range rules {
		via := fmt.Sprintf("%s gives %s rule %d", c.d.snap.Asset(b.node).ID, a.ID, i)
		b.rules = append(b.rules, boundRule{&rules[i], via})
	}
	for e := range c.d.snap.Out(role) {
		if e.Type == estate.Uses && c.d.snap.Asset(e.Node).Type == a.Type {
			if err := c.rules(b, at, e.Node, seen); err != nil {
				return err
			}
		}
	}
	return nil
}

// naming lists whom bindings name for an asset, sorted; the slice is shared
// with other assets. unread says what may name others.
func (c *cluster) naming(n estate.Node) (grants []Grant, unread []string) {
	a := c.d.snap.Asset(n)
	if a.Type == "" {
		return nil, []string{"nobody read it: what it is, and so who may touch it, is unknown"}
	}
	_, shared, limited := c.parts(n, a)
	if len(limited) > 0 {
		shared = append(slices.Clone(shared), limited...)
		sortGrants(shared)
	}
	return shared, c.notRead(site{a.Account, a.Region})
}

// parts lists whom bindings name for an asset: those it shares with all assets
// of the same key, and those of rules limited to its name.
func (c *cluster) parts(n estate.Node, a *estate.Asset) (key string, shared, limited []Grant) {
	qs := c.requests(n, a)
	key = a.Account
	for _, q := range qs {
		key += "|" + q.namespace + ":" + q.group + "/" + q.resource
	}
	shared, ok := c.shared[key]
	if !ok {
		shared = slices.Clip(c.grants(a.Account, qs, false))
		c.shared[key] = shared
	}
	return key, shared, c.grants(a.Account, qs, true)
}

// grants lists what rules give, those limited to names or the others.
func (c *cluster) grants(name string, qs []request, limited bool) []Grant {
	type way struct {
		hit
		actions []string
	}
	var ways []*way
	known := map[hit]*way{}
	for i := range qs {
		q := &qs[i]
		for _, at := range []site{{name, ""}, {name, q.namespace}} {
			for _, h := range c.find(wanted{at, q.group, q.resource, limited}) {
				for _, verb := range q.given(h.rule.rbacRule) {
					w := known[h]
					if w == nil {
						w = &way{hit: h}
						known[h] = w
						ways = append(ways, w)
					}
					w.actions = append(w.actions, q.action(verb))
				}
			}
			if q.namespace == "" {
				break // both are the cluster
			}
		}
	}
	var out []Grant
	for _, w := range ways {
		for _, s := range w.binding.subjects {
			out = append(out, c.d.grant(s, w.rule.via, w.actions))
		}
	}
	sortGrants(out)
	return out
}

// find lists the rules bound in a site that are about a resource.
func (c *cluster) find(w wanted) []hit {
	found, ok := c.hits[w]
	if ok {
		return found
	}
	for _, b := range c.bindings[w.site] {
		for i := range b.rules {
			if r := &b.rules[i]; len(r.Names) > 0 == w.limited && r.covers(w.group, w.resource) {
				found = append(found, hit{b, &b.rules[i]})
			}
		}
	}
	c.hits[w] = found
	return found
}

// requests are those that matter for an asset: on itself; into its pods, if it
// runs any; and in the place of what they run as.
func (c *cluster) requests(n estate.Node, a *estate.Asset) []request {
	group, kind := groupKind(a.Type)
	own := c.resource(a.Account, group, kind)
	is := func(name string) bool { return name == a.Name }
	out := []request{{group, own, a.Region, touching, is}}
	switch a.Kind {
	case estate.KindStore, estate.KindSecret, estate.KindDataset:
		return out
	}
	out = append(out, request{group, own + "/scale", a.Region, []string{"update", "patch"}, is})
	pod := is
	if kind != "Pod" { // the names of pods begin with the name of what makes them
		pod = func(name string) bool { return strings.HasPrefix(name, a.Name+"-") }
	}
	out = append(out, request{"", "pods/log", a.Region, []string{"get"}, pod},
		request{"", "pods/ephemeralcontainers", a.Region, []string{"update", "patch"}, pod})
	for _, sub := range []string{"exec", "attach", "portforward", "proxy"} {
		out = append(out, request{"", "pods/" + sub, a.Region, entering, pod})
	}
	for e := range c.d.snap.Out(n) {
		account := c.d.snap.Asset(e.Node)
		if e.Type != estate.RunsAs || account.Cloud != estate.Kubernetes {
			continue
		}
		named := func(name string) bool { return strings.HasSuffix(account.ID, "/ServiceAccount/"+name) }
		out = append(out, request{"", "serviceaccounts", a.Region, []string{"impersonate"}, named},
			request{"", "serviceaccounts/token", a.Region, []string{"create"}, named})
	}
	return out
}

// resource is the plural of a kind: as its definition says, or as the rule is.
func (c *cluster) resource(name, group, kind string) string {
	for i := range c.defined[group] {
		def := &c.defined[group][i]
		if c.d.snap.Asset(def.node).Account != name {
			continue
		}
		if def.kind == "" {
			def.kind = c.kindOf(def.node)
		}
		if def.kind == kind {
			return def.plural
		}
	}
	return plural(kind)
}

// kindOf reads the kind that a definition defines.
func (c *cluster) kindOf(n estate.Node) string {
	var def struct {
		Spec struct{ Names struct{ Kind string } }
	}
	config, err := c.d.snap.Config(n)
	if err != nil || json.Unmarshal(config, &def) != nil {
		return "?" // what it defines goes by the rule
	}
	return def.Spec.Names.Kind
}

// notRead says what in a site may name further subjects.
func (c *cluster) notRead(at site) []string {
	if out, ok := c.missing[at]; ok {
		return out
	}
	var out []string
	types := []string{"ClusterRole", "ClusterRoleBinding"}
	if at.namespace != "" {
		types = append(types, "Role", "RoleBinding")
	}
	for _, t := range types {
		namespace := at.namespace
		if strings.HasPrefix(t, "Cluster") {
			namespace = ""
		}
		if !c.d.snap.Covered(rbacTypes+t, at.cluster, namespace) {
			out = append(out, "not every "+t+" of "+cmp.Or(at.cluster, "the cluster")+" was listed")
		}
	}
	out = append(out, c.unread[site{at.cluster, ""}]...)
	if at.namespace != "" {
		out = append(out, c.unread[at]...)
	}
	slices.Sort(out)
	out = slices.Compact(out)
	c.missing[at] = out
	return out
}

// groupKind takes an asset's type ("apps/v1/Deployment") apart.
func groupKind(typ string) (group, kind string) {
	parts := strings.Split(typ, "/")
	if len(parts) == 3 {
		group = parts[0]
	}
	return group, parts[len(parts)-1]
}

// subjectClass is the class of a Kubernetes subject; empty for other assets.
func subjectClass(a *estate.Asset) string {
	switch a.Type {
	case kubernetes.GroupType:
		switch {
		case a.Name == "system:authenticated" || a.Name == "system:unauthenticated":
			return "everyone"
		case strings.HasPrefix(a.Name, "system:serviceaccounts"):
			return "machine"
		}
		return "group"
	case kubernetes.UserType:
		switch {
		case a.Name == "system:anonymous":
			return "everyone"
		case strings.HasPrefix(a.Name, "system:"):
			return "service"
		}
		return "user"
	}
	return ""
}
