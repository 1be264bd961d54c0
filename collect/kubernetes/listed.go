package kubernetes

import (
	"path"
	"slices"
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
	"horizontalpodautoscalers": "autoscaling/v2/HorizontalPodAutoscaler", "poddisruptionbudgets": "policy/v1/PodDisruptionBudget",
	"resourcequotas": "v1/ResourceQuota", "limitranges": "v1/LimitRange", "storageclasses": "storage.k8s.io/v1/StorageClass",
	"ingressclasses": "networking.k8s.io/v1/IngressClass", "priorityclasses": "scheduling.k8s.io/v1/PriorityClass", "runtimeclasses": "node.k8s.io/v1/RuntimeClass",
	"customresourcedefinitions":         "apiextensions.k8s.io/v1/CustomResourceDefinition",
	"validatingwebhookconfigurations":   "admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration",
	"mutatingwebhookconfigurations":     "admissionregistration.k8s.io/v1/MutatingWebhookConfiguration",
	"validatingadmissionpolicies":       "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy",
	"validatingadmissionpolicybindings": "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicyBinding",
}

// covered notes that a kind was listed, if the document is a list named after
// one; Flush says so unless a page of it is left or its file was not read whole,
// which a later part of the list may tell.
func (m *Manifest) covered(v map[string]any, doc estate.Document) {
	if !isList(v) && !endOfList(v) {
		return
	}
	name := strings.ToLower(path.Base(doc.Path))
	name, _, _ = strings.Cut(name, ".")
	typ, known := listedKinds[name]
	meta, _ := v["metadata"].(map[string]any)
	if !known {
		m.custom(v, doc)
		return
	}
	if text(meta["continue"]) != "" || meta["remainingItemCount"] != nil {
		m.Cut(doc)
		return
	}
	kind := strings.TrimSuffix(text(v["kind"]), "List")
	if kind != "" && !strings.HasSuffix(typ, "/"+kind) {
		return // a typed list of another kind
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lists = append(m.lists, listedIn{estate.Coverage{Type: typ, Account: clusterOf(doc)}, doc.Path})
}

// listedIn is a kind's list and the file that holds it.
type listedIn struct {
	what estate.Coverage
	path string
}

// Cut notes a file that was not read whole: no list in it was read to its end.
func (m *Manifest) Cut(doc estate.Document) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.torn == nil {
		m.torn = map[string]bool{}
	}
	m.torn[doc.Path] = true
	name, _, _ := strings.Cut(strings.ToLower(path.Base(doc.Path)), ".")
	if typ, known := listedKinds[name]; known {
		m.lost = append(m.lost, lostList{estate.Coverage{Type: typ, Account: clusterOf(doc)}, doc.Path, doc.Source})
	}
}

// lostList is a kind of which a file, by its name, should have listed all.
type lostList struct {
	what         estate.Coverage
	path, source string
}

// cover sends the lists that lack nothing, and names the others. A kind of which
// one of several files was not read whole is not covered.
func (m *Manifest) cover(sink estate.Sink) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.lists {
		if !m.torn[l.path] && !slices.ContainsFunc(m.lost, func(t lostList) bool { return t.what == l.what }) {
			sink.Covered(l.what)
		}
	}
	for i := range m.customs {
		m.coverCustom(&m.customs[i], sink)
	}
	m.customs = nil
	for i, l := range m.lost {
		if slices.Contains(m.lost[:i], l) {
			continue
		}
		sink.BlindSpot(estate.BlindSpot{
			Source: l.source, Account: l.what.Account, Operation: l.path, Types: []string{l.what.Type}, Status: estate.ReadMalformed,
			Why: "the file was not read whole, so that objects may be missing of it", Hint: "export it again: kubectl get KIND -A -o json",
		})
	}
	m.lists, m.lost = nil, nil
}
