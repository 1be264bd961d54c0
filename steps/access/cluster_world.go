package access

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/kubernetes"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
	"github.com/sevenfold-sec/sevenfold/steps/access/rbac"
)

// Clusters decides questions about Kubernetes ("k8s:VERB:GROUP/RESOURCE[/SUB]"),
// for every cluster of a snapshot, and knows how they hang together with AWS:
// who of IAM is who in a cluster, and which roles pods act as.
type Clusters struct {
	snap   *estate.Snapshot
	byName map[string]*rbac.World
	names  []string // sorted
	// plurals are the resources that kinds of custom objects are, by cluster,
	// group and kind.
	plurals  map[[3]string]string
	problems []estate.Problem
	claims   *direct
	// untied say, by cluster, why its service accounts may act as roles that are
	// not known; unlet, why there may be more of IAM who are let in.
	untied, unlet map[string]string
}

var _ Evaluator = (*Clusters)(nil)

// NewClusters reads the clusters of a snapshot. With cloud, the world of the same
// snapshot, links to roles are decided by the roles' trust; without it they are
// unknown. An error is the store's.
func NewClusters(ctx context.Context, snap *estate.Snapshot, cloud *iam.World) (*Clusters, error) {
	c := &Clusters{snap: snap, byName: map[string]*rbac.World{}, plurals: map[[3]string]string{}, claims: &direct{snap: snap, people: map[estate.Node]identity{}},
		untied: map[string]string{}, unlet: map[string]string{}}
	for n, a := range snap.Assets() {
		if a.Cloud != estate.Kubernetes || a.Referenced || a.Account == "" || strings.Contains(a.ID, "#") {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := c.add(n, a); err != nil {
			return nil, err
		}
	}
	for name := range c.byName {
		c.names = append(c.names, name)
	}
	slices.Sort(c.names)
	blind := snap.BlindSpots()
	for _, name := range c.names {
		c.unread(name, blind)
	}
	if err := c.join(ctx, cloud); err != nil {
		return nil, err
	}
	for _, name := range c.names {
		w := c.byName[name]
		w.Seal()
		for _, p := range w.Problems() {
			c.problems = append(c.problems, estate.Problem{Path: c.id(name, p.Object) + ": config." + p.Path, Why: p.Why})
		}
	}
	return c, nil
}

// Names lists the clusters, sorted.
func (c *Clusters) Names() []string { return c.names }

// World is what decides for a cluster; nil if there is none of that name. It
// must not be changed.
func (c *Clusters) World(name string) *rbac.World { return c.byName[name] }

// Problems lists what of roles and bindings could not be understood, and roles
// that are not as the cluster's controllers would have them.
func (c *Clusters) Problems() []estate.Problem { return c.problems }

// add takes an object if it says anything of rights.
func (c *Clusters) add(n estate.Node, a *estate.Asset) error {
	w := c.byName[a.Account]
	if w == nil {
		w = rbac.NewWorld()
		c.byName[a.Account] = w
	}
	group, kind := groupKind(a.Type)
	if !rbac.Reads(group, kind) {
		return nil
	}
	config, err := c.snap.Config(n)
	if err != nil {
		return fmt.Errorf("configuration of %s: %w", a.ID, err)
	}
	if len(config) == 0 {
		return nil
	}
	if err := w.AddObject(group, kind, config); err != nil && !strings.HasPrefix(err.Error(), kind+" ") {
		// A problem within an object is kept by the world; what was no object at all
		// is said here.
		c.problems = append(c.problems, estate.Problem{Path: a.ID, Why: err.Error()})
	}
	if group == "apiextensions.k8s.io" {
		c.plural(a, config)
	}
	for _, pointer := range a.Unknown {
		for _, part := range []string{"/rules", "/aggregationRule", "/subjects", "/roleRef"} {
			if group == rbac.Group && (strings.HasPrefix(pointer, part) || pointer == "") {
				w.Doubt(rbac.Ref{Kind: kind, Namespace: a.Region, Name: a.Name}, "what it says at "+pointer+" is known only after apply")
			}
		}
	}
	return nil
}

// plural notes which resource a custom kind is.
func (c *Clusters) plural(a *estate.Asset, config []byte) {
	plural, group, ok := strings.Cut(a.Name, ".") // the API demands such names
	if kind := kindDefined(config); ok && kind != "" {
		c.plurals[[3]string{a.Account, group, kind}] = plural
	}
}

// counted are the types that decisions and ways rest on.
var counted = []struct{ typ, kind string }{
	{rbacTypes + "ClusterRole", "ClusterRole"}, {rbacTypes + "ClusterRoleBinding", "ClusterRoleBinding"},
	{rbacTypes + "Role", "Role"}, {rbacTypes + "RoleBinding", "RoleBinding"},
	{"v1/ServiceAccount", "ServiceAccount"}, {"v1/Namespace", "Namespace"}, {"v1/Pod", "Pod"}, {"v1/Secret", "Secret"}, {"v1/Node", "Node"},
	{"v1/ReplicationController", "ReplicationController"}, {"apps/v1/Deployment", "Deployment"}, {"apps/v1/ReplicaSet", "ReplicaSet"},
	{"apps/v1/StatefulSet", "StatefulSet"}, {"apps/v1/DaemonSet", "DaemonSet"}, {"batch/v1/CronJob", "CronJob"},
	{"apiextensions.k8s.io/v1/CustomResourceDefinition", "CustomResourceDefinition"},
}

// unread says of each type that was not listed to its end why. A list of some
// namespaces counts for those.
func (c *Clusters) unread(cluster string, blind []estate.BlindSpot) {
	w := c.byName[cluster]
	for _, t := range counted {
		if c.snap.Covered(t.typ, cluster, "") {
			continue
		}
		why := "not every " + t.kind + " of cluster " + cluster + " was listed"
		for i := range blind {
			b := &blind[i]
			if cmp.Or(b.Account, cluster) == cluster && slices.Contains(b.Types, t.typ) && b.Why != "" {
				why += " (" + b.Why + ")"
				break
			}
		}
		w.Unread(t.kind, "", why)
		for _, cover := range c.snap.Coverage() {
			if cover.Type == t.typ && cover.Account == cluster && cover.Region != "" {
				w.Read(t.kind, cover.Region)
			}
		}
	}
}

// id spells something of a cluster as an asset's id.
func (c *Clusters) id(cluster string, r rbac.Ref) string {
	switch r.Kind {
	case rbac.KindCloud:
		return r.Name
	case rbac.KindAdministrator:
		return "k8s://" + cluster + "//" + iam.Administrator
	case rbac.KindNamespaceAdmin:
		return "k8s://" + cluster + "/" + cmp.Or(r.Namespace, "*") + "/" + iam.Administrator
	case rbac.KindNode:
		return kubernetes.ID(cluster, "", "", r.Kind, cmp.Or(r.Name, "*"))
	case rbac.KindUser, rbac.KindGroup, "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding":
		return kubernetes.ID(cluster, r.Namespace, rbac.Group, r.Kind, r.Name)
	case accessPolicy, accessEntry:
		return r.Name
	case "Bound":
		return "k8s://" + cluster + "/" + r.Namespace + "/" + strings.ReplaceAll(r.Name, " ", "/")
	case "Container":
		pod, name, _ := strings.Cut(r.Name, "/")
		return kubernetes.ID(cluster, r.Namespace, "", "Pod", pod) + "#container/" + name
	}
	return kubernetes.ID(cluster, r.Namespace, "", r.Kind, r.Name)
}

// ref reads an asset's id of a cluster; ok is false if it is none.
func ref(id string) (cluster string, r rbac.Ref, ok bool) {
	rest, found := strings.CutPrefix(id, "k8s://")
	parts := strings.Split(rest, "/")
	if !found || len(parts) < 4 {
		return "", rbac.Ref{}, false
	}
	return parts[0], rbac.Ref{Kind: parts[2], Namespace: parts[1], Name: strings.Join(parts[3:], "/")}, true
}

// ClusterStep is one step of a way in clusters and from them into a cloud, or back.
type ClusterStep struct {
	From      string       `json:"from"`
	To        string       `json:"to"`
	Technique string       `json:"technique"`
	Decision  iam.Decision `json:"decision"`
	Actions   []string     `json:"actions"`
	Because   []Reason     `json:"because"`
	// Why says what the step hangs on if it is not certain.
	Why []string `json:"why,omitempty"`
}

// ClusterWay is one way by which somebody in a cluster can become more than he is.
type ClusterWay struct {
	Principal string        `json:"principal"`
	Target    string        `json:"target"`
	Technique string        `json:"technique"`
	Decision  iam.Decision  `json:"decision"`
	Path      []ClusterStep `json:"path"`
	Why       []string      `json:"why,omitempty"`
}
