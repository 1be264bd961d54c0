package kubernetes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// maxNesting bounds lists within lists.
const maxNesting = 4

// Manifest reads Kubernetes objects from files: what kubectl get prints as
// JSON or YAML, raw replies of the API server, and manifests as they are
// applied. Its zero value is ready to use.
//
// Objects belong to the cluster that Document.Cluster or else Document.Account
// names, else to DefaultCluster; an account of twelve digits is a cloud's and names none. An
// object of a namespaced kind without a namespace is taken for one in
// namespace "default", as kubectl apply would. Custom objects whose scope only
// their definition tells are sent by Flush.
type Manifest struct {
	mu      sync.Mutex
	cluster map[string]bool // kind.group: cluster-scoped, by a definition seen
	pending []pending
	lists   []listedIn              // the kinds that files list
	torn    map[string]bool         // files that were not read whole, by path
	lost    []lostList              // what such files would have listed, by their names
	customs []customIn              // lists of kinds that only a definition names
	defined map[string][]definition // by cluster
}

type pending struct {
	obj     map[string]any
	cluster string
	doc     estate.Document
}

var _ estate.Format = (*Manifest)(nil)

// Read implements estate.Format.
func (m *Manifest) Read(doc estate.Document, sink estate.Sink) bool {
	var v any
	dec := json.NewDecoder(bytes.NewReader(doc.Body))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return false
	}
	switch v := v.(type) {
	case map[string]any:
		if !looksLike(v) {
			return false
		}
		if cutList(v, doc) {
			// The last item may be half of one: it would look safer than it is.
			v["items"] = v["items"].([]any)[:len(v["items"].([]any))-1]
			m.blindFile(doc, "the list ends without its kind, so it was cut short; its last item is left out", sink)
		}
		m.object(v, doc, sink, 0)
		m.covered(v, doc)
		return true
	case []any:
		if len(v) == 0 {
			return false
		}
		for _, e := range v {
			if o, ok := e.(map[string]any); !ok || !looksLike(o) {
				return false
			}
		}
		for _, e := range v {
			m.object(e.(map[string]any), doc, sink, 0)
		}
		return true
	}
	return false
}

// looksLike tells an object or list of objects from any other document: other
// formats also have members called kind or items.
func looksLike(v map[string]any) bool {
	if isList(v) {
		return true
	}
	if text(v["apiVersion"]) == "" || text(v["kind"]) == "" {
		return false
	}
	_, hasMetadata := v["metadata"]
	return hasMetadata || configuration(v) || endOfList(v)
}

// endOfList recognises a list without items: an empty one, or what stands
// around the items of one that was cut into parts.
func endOfList(v map[string]any) bool {
	meta, _ := v["metadata"].(map[string]any)
	return strings.HasSuffix(text(v["kind"]), "List") && v["items"] == nil && text(meta["name"]) == ""
}

// isList recognises lists, and the parts of a large one, whose kind may stand
// behind the items and so be missing.
func isList(v map[string]any) bool {
	items, ok := v["items"].([]any)
	if !ok || text(v["apiVersion"]) == "" {
		return false
	}
	if strings.HasSuffix(text(v["kind"]), "List") {
		return true
	}
	if text(v["kind"]) != "" || len(items) == 0 {
		return false
	}
	first, _ := items[0].(map[string]any)
	return text(first["apiVersion"]) != "" && text(first["kind"]) != ""
}

// configuration recognises files that look like objects and never are one in
// a cluster: settings of tools.
func configuration(v map[string]any) bool {
	group := groupOf(text(v["apiVersion"]))
	if text(v["apiVersion"]) == "v1" && text(v["kind"]) == "Config" {
		return true // a kubeconfig
	}
	for _, tool := range []string{"kustomize.config.k8s.io", "kubeadm.k8s.io", "kind.x-k8s.io", "kubelet.config.k8s.io",
		"kubeproxy.config.k8s.io", "client.authentication.k8s.io", "apiserver.config.k8s.io", "audit.k8s.io", "eksctl.io", "skaffold"} {
		if group == tool {
			return true
		}
	}
	return false
}

func (m *Manifest) object(v map[string]any, doc estate.Document, sink estate.Sink, depth int) {
	if configuration(v) {
		return
	}
	if isList(v) || endOfList(v) {
		cutShort(v, doc, sink)
		if isList(v) {
			m.list(v, doc, sink, depth)
		}
		return
	}
	kind, group := text(v["kind"]), groupOf(text(v["apiVersion"]))
	meta, _ := v["metadata"].(map[string]any)
	if kind == "CustomResourceDefinition" {
		m.define(v, clusterOf(doc))
	}
	if meta != nil && text(meta["namespace"]) == "" && !clusterScoped[kind+"."+group] {
		switch {
		case builtin[group]:
			meta["namespace"] = "default"
		case text(meta["uid"]) != "":
			// From a server, which names the namespace wherever there is one.
		default:
			m.mu.Lock()
			m.pending = append(m.pending, pending{v, clusterOf(doc), estate.Document{Path: doc.Path, Index: doc.Index, Source: doc.Source}})
			m.mu.Unlock()
			return
		}
	}
	m.send(v, clusterOf(doc), doc, sink)
}

// list sends the items of a list. Items of a typed list (PodList) do not say
// what they are: the list does.
func (m *Manifest) list(v map[string]any, doc estate.Document, sink estate.Sink, depth int) {
	itemKind := strings.TrimSuffix(text(v["kind"]), "List")
	for i, e := range v["items"].([]any) {
		item, ok := e.(map[string]any)
		if !ok || depth >= maxNesting {
			m.blindFile(doc, fmt.Sprintf("items[%d] is not an object", i), sink)
			continue
		}
		if text(item["kind"]) == "" && itemKind != "" {
			item["kind"] = itemKind
			if text(item["apiVersion"]) == "" {
				item["apiVersion"] = v["apiVersion"]
			}
		}
		m.object(item, doc, sink, depth+1)
	}
}

// cutShort names a list that says of itself that more objects follow: one page
// of several, of which nothing tells whether the others were exported too.
func cutShort(v map[string]any, doc estate.Document, sink estate.Sink) {
	meta, _ := v["metadata"].(map[string]any)
	left := meta["remainingItemCount"]
	if text(meta["continue"]) == "" && (left == nil || fmt.Sprint(left) == "0") {
		return
	}
	why := "the list is cut: it names a next page"
	if left != nil {
		why = fmt.Sprintf("the list is cut: about %.20s objects are left", fmt.Sprint(left))
	}
	sink.BlindSpot(estate.BlindSpot{
		Source: doc.Source, Account: clusterOf(doc), Operation: fmt.Sprintf("%s, document %d", doc.Path, doc.Index),
		Status: estate.ReadMalformed, Why: why, Hint: "export it whole: kubectl get KIND -A -o yaml --chunk-size=0",
	})
}

// define remembers a custom kind: its scope, and under which name it is listed.
func (m *Manifest) define(crd map[string]any, cluster string) {
	spec, _ := crd["spec"].(map[string]any)
	names, _ := spec["names"].(map[string]any)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cluster == nil {
		m.cluster = map[string]bool{}
	}
	m.cluster[text(names["kind"])+"."+text(spec["group"])] = text(spec["scope"]) == "Cluster"
	d := definition{plural: text(names["plural"]), group: text(spec["group"]), kind: text(names["kind"])}
	list, _ := spec["versions"].([]any)
	for _, one := range list {
		if o, ok := one.(map[string]any); ok && o["served"] != false && text(o["name"]) != "" {
			d.versions = append(d.versions, text(o["name"]))
		}
	}
	if m.defined == nil {
		m.defined = map[string][]definition{}
	}
	m.defined[cluster] = append(m.defined[cluster], d)
}

// Flush sends the objects whose scope was open until all definitions had been
// seen, and says which kinds were listed to their end. Where none tells, a kind
// called Cluster… is cluster-scoped and any
// other is in namespace "default".
func (m *Manifest) Flush(sink estate.Sink) {
	m.mu.Lock()
	pending, scopes := m.pending, maps.Clone(m.cluster)
	m.pending = nil
	m.mu.Unlock()
	for _, p := range pending {
		kind := text(p.obj["kind"])
		cluster, defined := scopes[kind+"."+groupOf(text(p.obj["apiVersion"]))]
		if !defined {
			cluster = strings.HasPrefix(kind, "Cluster") && kind != "Cluster"
		}
		if !cluster {
			p.obj["metadata"].(map[string]any)["namespace"] = "default"
		}
		m.send(p.obj, p.cluster, p.doc, sink)
	}
	m.cover(sink)
}

// cutList reports whether a list that stands whole in its document lacks its
// kind, which is printed behind the items: YAML that was cut short is YAML still.
func cutList(v map[string]any, doc estate.Document) bool {
	name := strings.TrimSuffix(strings.ToLower(doc.Path), ".gz")
	isYAML := strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
	return isYAML && !doc.Partial && isList(v) && text(v["kind"]) == ""
}

func (m *Manifest) send(v map[string]any, cluster string, doc estate.Document, sink estate.Sink) {
	meta, _ := v["metadata"].(map[string]any)
	fromServer := text(meta["uid"]) != ""
	a, err := assetOf(cluster, v, estate.Read{Operation: readOperation, Status: estate.ReadOK})
	if err != nil {
		m.blindFile(doc, err.Error(), sink)
		return
	}
	a.Source = doc.Source
	if _, has := v["status"]; !has && !fromServer {
		a.Unknown = append(a.Unknown, "/status") // as applied: how it fares is not in the file
	}
	sink.Asset(a)
}

// blindFile says that something in a file makes no sense, and that the file so was
// not read whole.
func (m *Manifest) blindFile(doc estate.Document, why string, sink estate.Sink) {
	m.Cut(doc)
	sink.BlindSpot(estate.BlindSpot{
		Source: doc.Source, Operation: fmt.Sprintf("%s, document %d", doc.Path, doc.Index),
		Status: estate.ReadMalformed, Why: why,
		Hint: "export it again: kubectl get KIND -A -o yaml",
	})
}

// clusterOf is the cluster a document belongs to.
func clusterOf(doc estate.Document) string {
	if doc.Cluster != "" {
		return ClusterName(doc.Cluster)
	}
	if len(doc.Account) == 12 && strings.Trim(doc.Account, "0123456789") == "" {
		return DefaultCluster
	}
	return ClusterName(doc.Account)
}

// clusterScoped lists the cluster-scoped kinds of the built-in groups (kind,
// dot, group), and those custom ones whose definition is seldom exported.
var clusterScoped = map[string]bool{
	"Namespace.": true, "Node.": true, "PersistentVolume.": true, "ComponentStatus.": true,
	"ClusterRole.rbac.authorization.k8s.io": true, "ClusterRoleBinding.rbac.authorization.k8s.io": true,
	"StorageClass.storage.k8s.io": true, "CSIDriver.storage.k8s.io": true, "CSINode.storage.k8s.io": true,
	"VolumeAttachment.storage.k8s.io": true, "VolumeAttributesClass.storage.k8s.io": true,
	"IngressClass.networking.k8s.io": true, "IPAddress.networking.k8s.io": true, "ServiceCIDR.networking.k8s.io": true,
	"PriorityClass.scheduling.k8s.io": true, "RuntimeClass.node.k8s.io": true,
	"CustomResourceDefinition.apiextensions.k8s.io":                 true,
	"APIService.apiregistration.k8s.io":                             true,
	"MutatingWebhookConfiguration.admissionregistration.k8s.io":     true,
	"ValidatingWebhookConfiguration.admissionregistration.k8s.io":   true,
	"ValidatingAdmissionPolicy.admissionregistration.k8s.io":        true,
	"ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io": true,
	"MutatingAdmissionPolicy.admissionregistration.k8s.io":          true,
	"MutatingAdmissionPolicyBinding.admissionregistration.k8s.io":   true,
	"CertificateSigningRequest.certificates.k8s.io":                 true,
	"ClusterTrustBundle.certificates.k8s.io":                        true,
	"FlowSchema.flowcontrol.apiserver.k8s.io":                       true,
	"PriorityLevelConfiguration.flowcontrol.apiserver.k8s.io":       true,
	"ResourceSlice.resource.k8s.io":                                 true,
	"DeviceClass.resource.k8s.io":                                   true,
	"DeviceTaintRule.resource.k8s.io":                               true,
	"StorageVersionMigration.storagemigration.k8s.io":               true,
	"StorageVersion.internal.apiserver.k8s.io":                      true,
	"PodSecurityPolicy.policy":                                      true,
	"GatewayClass.gateway.networking.k8s.io":                        true,
	"ResourceFlavor.kueue.x-k8s.io":                                 true,
	"Topology.kueue.x-k8s.io":                                       true,
	"Profile.kubeflow.org":                                          true,
	"Queue.scheduling.volcano.sh":                                   true,
	"NodePool.karpenter.sh":                                         true,
	"NodeClaim.karpenter.sh":                                        true,
	"EC2NodeClass.karpenter.k8s.aws":                                true,
	"VolumeSnapshotClass.snapshot.storage.k8s.io":                   true,
	"VolumeSnapshotContent.snapshot.storage.k8s.io":                 true,
}
