package kubernetes

import "strings"

// DefaultCluster is the cluster that exported manifests belong to when nothing
// names another.
const DefaultCluster = "default"

// builtin lists the API groups that every kube-apiserver ships with; their
// kinds stand in an id without a group. Groups that end in .k8s.io but come
// with extensions (gateway.networking.k8s.io, metrics.k8s.io) are not here.
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

// ClusterID returns the identifier of a cluster itself.
func ClusterID(cluster string) string { return ID(cluster, "", "", "Cluster", cluster) }

// groupOf returns the group of an apiVersion ("apps/v1" has "apps", "v1" "").
func groupOf(apiVersion string) string {
	group, _, found := strings.Cut(apiVersion, "/")
	if !found {
		return ""
	}
	return group
}

// ClusterName makes a cluster's name fit an id. A name that is an EKS ARN, as
// aws eks update-kubeconfig writes it, is cut to the cluster's own name; any
// other slash becomes a dash.
func ClusterName(name string) string {
	if strings.HasPrefix(name, "arn:") {
		if _, after, found := strings.Cut(name, ":cluster/"); found {
			name = after
		}
	}
	if name = strings.ReplaceAll(name, "/", "-"); name == "" {
		return DefaultCluster
	}
	return name
}
