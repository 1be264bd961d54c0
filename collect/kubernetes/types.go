package kubernetes

import (
	"cmp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Left is a type that is left out on purpose, and why.
type Left struct {
	// Resource is the plural name with its group, as kubectl spells it.
	Resource string
	Why      string
}

// LeftOut lists the types that are never read: they hold what happens, what
// follows from other objects, or history, and can be larger than all the rest.
func LeftOut() []Left {
	return []Left{
		{"events", "what happened, not what is configured"},
		{"events.events.k8s.io", "what happened, not what is configured"},
		{"leases.coordination.k8s.io", "heartbeats of components"},
		{"leasecandidates.coordination.k8s.io", "heartbeats of components"},
		{"endpoints", "follows from services and pods"},
		{"endpointslices.discovery.k8s.io", "follows from services and pods"},
		{"componentstatuses", "deprecated, and says nothing on managed clusters"},
		{"controllerrevisions.apps", "history of controllers"},
		{"pods.metrics.k8s.io", "a sample of load"},
		{"nodes.metrics.k8s.io", "a sample of load"},
		{"packagemanifests.packages.operators.coreos.com", "a catalogue of what could be installed"},
		{"storageversions.internal.apiserver.k8s.io", "the server's own bookkeeping"},
		{"ciliumendpoints.cilium.io", "follows from pods"},
		{"ciliumidentities.cilium.io", "follows from pods"},
		{"reports.wgpolicyk8s.io", "results of another tool"},
		{"policyreports.wgpolicyk8s.io", "results of another tool"},
		{"clusterpolicyreports.wgpolicyk8s.io", "results of another tool"},
		{"ephemeralreports.reports.kyverno.io", "results of another tool"},
		{"clusterephemeralreports.reports.kyverno.io", "results of another tool"},
		{"vulnerabilityreports.aquasecurity.github.io", "results of another tool"},
		{"configauditreports.aquasecurity.github.io", "results of another tool"},
	}
}

// listable is one type to be listed.
type listable struct {
	schema.GroupVersionResource
	kind       string
	namespaced bool
}

// name is the plural with its group, as kubectl spells it.
func (l listable) name() string { return l.GroupResource().String() }

// typ is the type of its assets.
func (l listable) typ() string { return l.GroupVersion().String() + "/" + l.kind }

// operation is the call that lists it.
func (l listable) operation() string { return "kubernetes:list:" + l.name() }

// hint names the RBAC rule whose absence makes a list forbidden.
func (l listable) hint() string {
	return `grant list on ` + l.Resource + ` in group "` + l.Group + `": {apiGroups: ["` + l.Group +
		`"], resources: [` + l.Resource + `], verbs: [list]} in a ClusterRole (sevenfold init prints the whole role)`
}

// listables picks what can be listed from a discovery reply, sorted by name.
func listables(lists []*metav1.APIResourceList) []listable {
	skip := map[string]bool{}
	for _, l := range LeftOut() {
		skip[l.Resource] = true
	}
	seen := map[string]bool{}
	var out []listable
	for _, list := range lists {
		if list == nil {
			continue
		}
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue // such a group cannot be asked for anything
		}
		for _, r := range list.APIResources {
			l := listable{GroupVersionResource: gv.WithResource(r.Name), kind: r.Kind, namespaced: r.Namespaced}
			if strings.Contains(r.Name, "/") || !slices.Contains(r.Verbs, "list") || skip[l.name()] || seen[l.name()] {
				continue
			}
			seen[l.name()] = true
			out = append(out, l)
		}
	}
	slices.SortFunc(out, func(a, b listable) int { return cmp.Compare(a.name(), b.name()) })
	return out
}
