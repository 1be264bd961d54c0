package kubernetes

import (
	"path"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// listedKinds are the built-in kinds by the plural under which kubectl lists
// them: a list in a file of that name is what `kubectl get PLURAL -A` printed.
// Nothing in the list itself says that it is the whole cluster's; the name is
// the exporter's word for it, as the operation in the path is for AWS replies.
var listedKinds = map[string]string{
	"namespaces": "v1/Namespace", "nodes": "v1/Node", "pods": "v1/Pod", "services": "v1/Service", "secrets": "v1/Secret",
	"configmaps": "v1/ConfigMap", "serviceaccounts": "v1/ServiceAccount", "persistentvolumes": "v1/PersistentVolume",
	"persistentvolumeclaims": "v1/PersistentVolumeClaim", "replicationcontrollers": "v1/ReplicationController",
	"deployments": "apps/v1/Deployment", "statefulsets": "apps/v1/StatefulSet", "daemonsets": "apps/v1/DaemonSet", "replicasets": "apps/v1/ReplicaSet",
	"jobs": "batch/v1/Job", "cronjobs": "batch/v1/CronJob",
	"ingresses": "networking.k8s.io/v1/Ingress", "networkpolicies": "networking.k8s.io/v1/NetworkPolicy",
	"roles": "rbac.authorization.k8s.io/v1/Role", "clusterroles": "rbac.authorization.k8s.io/v1/ClusterRole",
	"rolebindings": "rbac.authorization.k8s.io/v1/RoleBinding", "clusterrolebindings": "rbac.authorization.k8s.io/v1/ClusterRoleBinding",
	"horizontalpodautoscalers": "autoscaling/v2/HorizontalPodAutoscaler",
}

// covered says that a kind was listed to its end, if the document is a list
// named after one and no page is left.
func covered(v map[string]any, doc estate.Document, sink estate.Sink) {
	if !isList(v) && !endOfList(v) {
		return
	}
	name := strings.ToLower(path.Base(doc.Path))
	name, _, _ = strings.Cut(name, ".")
	typ, known := listedKinds[name]
	meta, _ := v["metadata"].(map[string]any)
	if !known || text(meta["continue"]) != "" || meta["remainingItemCount"] != nil {
		return
	}
	kind := strings.TrimSuffix(text(v["kind"]), "List")
	if kind != "" && !strings.HasSuffix(typ, "/"+kind) {
		return // a typed list of another kind
	}
	sink.Covered(estate.Coverage{Type: typ, Account: clusterOf(doc)})
}
