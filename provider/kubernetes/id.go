package kubernetes

import "strings"

// builtin lists the API groups every kube-apiserver ships with: their kinds
// stand in an id without a group.
var builtin = map[string]bool{
	"": true, "apps": true, "batch": true, "autoscaling": true, "policy": true, "extensions": true,
	"admissionregistration.k8s.io": true, "apiextensions.k8s.io": true, "apiregistration.k8s.io": true,
	"authentication.k8s.io": true, "authorization.k8s.io": true, "certificates.k8s.io": true,
	"coordination.k8s.io": true, "discovery.k8s.io": true, "events.k8s.io": true,
	"flowcontrol.apiserver.k8s.io": true, "internal.apiserver.k8s.io": true, "networking.k8s.io": true,
	"node.k8s.io": true, "rbac.authorization.k8s.io": true, "resource.k8s.io": true,
	"scheduling.k8s.io": true, "storage.k8s.io": true, "storagemigration.k8s.io": true,
}

// ID returns the identifier of an object: k8s://CLUSTER/NS/KIND[.GROUP]/NAME,
// NS empty for what is cluster-scoped, GROUP left out for built-in kinds.
func ID(cluster, namespace, group, kind, name string) string {
	if !builtin[group] {
		kind += "." + group
	}
	return "k8s://" + cluster + "/" + namespace + "/" + kind + "/" + name
}

// split takes an asset's type ("apps/v1/Deployment") apart.
func split(typ string) (group, kind string) {
	parts := strings.Split(typ, "/")
	kind = parts[len(parts)-1]
	if len(parts) == 3 {
		group = parts[0]
	}
	return group, kind
}

// groupOf returns the group of an apiVersion.
func groupOf(apiVersion string) string {
	group, _, found := strings.Cut(apiVersion, "/")
	if !found {
		return ""
	}
	return group
}
