package terraform

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/sevenfold-sec/sevenfold/estate/unborn"

	appsv1 "k8s.io/api/apps/v1"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	batchv1 "k8s.io/api/batch/v1"

	corev1 "k8s.io/api/core/v1"

	networkingv1 "k8s.io/api/networking/v1"

	policyv1 "k8s.io/api/policy/v1"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// kubernetesKind is the kind of object a resource of the Kubernetes provider is.
type kubernetesKind struct {
	apiVersion, kind string
	// cluster is set for kinds without namespace.
	cluster bool
	// model is the API's own type: its fields are the object's shape.
	model any
	// as spells what the provider names otherwise.
	as map[string]string
}

// autoscaler is a HorizontalPodAutoscaler as an API server of today answers,
// whichever version of the API the resource speaks.
var autoscaler = kubernetesKind{apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", model: autoscalingv2.HorizontalPodAutoscaler{}}

// kubernetesKinds are the kinds of the Kubernetes provider; both spellings of a
// name that has a version are the same.
var kubernetesKinds = versions(map[string]kubernetesKind{
	"kubernetes_deployment_v1":                     {apiVersion: "apps/v1", kind: "Deployment", model: appsv1.Deployment{}, as: podAs("spec.template.spec", nil)},
	"kubernetes_stateful_set_v1":                   {apiVersion: "apps/v1", kind: "StatefulSet", model: appsv1.StatefulSet{}, as: podAs("spec.template.spec", nil)},
	"kubernetes_daemon_set_v1":                     {apiVersion: "apps/v1", kind: "DaemonSet", model: appsv1.DaemonSet{}, as: podAs("spec.template.spec", map[string]string{"spec.strategy": "updateStrategy"})},
	"kubernetes_daemonset":                         {apiVersion: "apps/v1", kind: "DaemonSet", model: appsv1.DaemonSet{}, as: podAs("spec.template.spec", map[string]string{"spec.strategy": "updateStrategy"})},
	"kubernetes_job_v1":                            {apiVersion: "batch/v1", kind: "Job", model: batchv1.Job{}, as: podAs("spec.template.spec", nil)},
	"kubernetes_cron_job_v1":                       {apiVersion: "batch/v1", kind: "CronJob", model: batchv1.CronJob{}, as: podAs("spec.job_template.spec.template.spec", nil)},
	"kubernetes_pod_v1":                            {apiVersion: "v1", kind: "Pod", model: corev1.Pod{}, as: podAs("spec", nil)},
	"kubernetes_service_v1":                        {apiVersion: "v1", kind: "Service", model: corev1.Service{}},
	"kubernetes_namespace_v1":                      {apiVersion: "v1", kind: "Namespace", cluster: true, model: corev1.Namespace{}},
	"kubernetes_service_account_v1":                {apiVersion: "v1", kind: "ServiceAccount", model: corev1.ServiceAccount{}, as: map[string]string{"secret": "secrets", "image_pull_secret": "imagePullSecrets"}},
	"kubernetes_config_map_v1":                     {apiVersion: "v1", kind: "ConfigMap", model: corev1.ConfigMap{}},
	"kubernetes_secret_v1":                         {apiVersion: "v1", kind: "Secret", model: corev1.Secret{}, as: map[string]string{"data": "", "binary_data": "", "data_wo": "", "binary_data_wo": ""}},
	"kubernetes_persistent_volume_v1":              {apiVersion: "v1", kind: "PersistentVolume", cluster: true, model: corev1.PersistentVolume{}, as: volumeAs("spec.persistent_volume_source", map[string]string{"spec.persistent_volume_source": "."})},
	"kubernetes_persistent_volume_claim_v1":        {apiVersion: "v1", kind: "PersistentVolumeClaim", model: corev1.PersistentVolumeClaim{}},
	"kubernetes_resource_quota_v1":                 {apiVersion: "v1", kind: "ResourceQuota", model: corev1.ResourceQuota{}},
	"kubernetes_limit_range_v1":                    {apiVersion: "v1", kind: "LimitRange", model: corev1.LimitRange{}},
	"kubernetes_horizontal_pod_autoscaler":         autoscaler,
	"kubernetes_horizontal_pod_autoscaler_v1":      autoscaler,
	"kubernetes_horizontal_pod_autoscaler_v2":      autoscaler,
	"kubernetes_horizontal_pod_autoscaler_v2beta2": autoscaler,
	"kubernetes_role_v1":                           {apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", model: rbacv1.Role{}, as: map[string]string{"rule": "rules"}},
	"kubernetes_cluster_role_v1":                   {apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", cluster: true, model: rbacv1.ClusterRole{}, as: map[string]string{"rule": "rules"}},
	"kubernetes_role_binding_v1":                   {apiVersion: "rbac.authorization.k8s.io/v1", kind: "RoleBinding", model: rbacv1.RoleBinding{}, as: map[string]string{"subject": "subjects"}},
	"kubernetes_cluster_role_binding_v1":           {apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRoleBinding", cluster: true, model: rbacv1.ClusterRoleBinding{}, as: map[string]string{"subject": "subjects"}},
	"kubernetes_network_policy_v1":                 {apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", model: networkingv1.NetworkPolicy{}},
	"kubernetes_ingress_v1":                        {apiVersion: "networking.k8s.io/v1", kind: "Ingress", model: networkingv1.Ingress{}},
	"kubernetes_pod_disruption_budget_v1":          {apiVersion: "policy/v1", kind: "PodDisruptionBudget", model: policyv1.PodDisruptionBudget{}},
	"kubernetes_manifest":                          {},
})

// volumeNames are the members of volumes that the provider names otherwise.
var volumeNames = map[string]string{"azure_disk.data_disk_uri": "diskURI", "glusterfs.endpoints_name": "endpoints", "rbd.ceph_monitors": "monitors",
	"rbd.rbd_image": "image", "rbd.rbd_pool": "pool", "rbd.rados_user": "user"}

// podAs spells the pods under a path, and what else is given.
func podAs(path string, more map[string]string) map[string]string {
	return volumeAs(path+".volume", more)
}

// volumeAs spells the volumes under a path, and what else is given.
func volumeAs(path string, more map[string]string) map[string]string {
	out := maps.Clone(more)
	if out == nil {
		out = map[string]string{}
	}
	for attribute, member := range volumeNames {
		out[path+"."+attribute] = member
	}
	return out
}

// versions adds the names without a version.
func versions(in map[string]kubernetesKind) map[string]kubernetesKind {
	out := maps.Clone(in)
	for tf, k := range in {
		if plain, ok := strings.CutSuffix(tf, "_v1"); ok {
			if _, have := out[plain]; !have && plain != "kubernetes_ingress" && plain != "kubernetes_daemon_set" { // of an older API; not there at all
				out[plain] = k
			}
		}
	}
	return out
}

// typeShapes keeps the shapes of API types.
var typeShapes sync.Map

// shapeOf is the shape of a Go type of the Kubernetes API, by its JSON names.
func shapeOf(t reflect.Type, depth int) *unborn.Shape {
	if s, ok := typeShapes.Load(t); ok {
		return s.(*unborn.Shape)
	}
	s := &unborn.Shape{Code: "{"}
	if depth > 24 { // JSONSchemaProps and its like hold themselves
		return s
	}
	fields(s, t, depth)
	s.Index()
	typeShapes.Store(t, s)
	return s
}

func fields(s *unborn.Shape, t reflect.Type, depth int) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" && (f.Anonymous || strings.Contains(options, "inline")) && f.Type.Kind() == reflect.Struct {
			fields(s, f.Type, depth)
			continue
		}
		if name == "" || name == "-" {
			continue
		}
		code, below := codeOf(f.Type, depth+1)
		s.Kids = append(s.Kids, below.As(name, code))
	}
}

// codeOf is the code of a Go type and, of an object, its shape.
func codeOf(t reflect.Type, depth int) (string, *unborn.Shape) {
	switch t.Kind() {
	case reflect.Pointer:
		return codeOf(t.Elem(), depth)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "s", nil
		}
		c, below := codeOf(t.Elem(), depth)
		return "[" + c, below
	case reflect.Map:
		c, below := codeOf(t.Elem(), depth)
		return "(" + c, below
	case reflect.String:
		return "s", nil
	case reflect.Bool:
		return "b", nil
	case reflect.Struct:
		switch t.Name() {
		case "IntOrString":
			return "i", nil
		case "Quantity", "Time", "MicroTime", "Duration":
			return "s", nil
		}
		return "{", shapeOf(t, depth)
	}
	return "n", nil
}

// kubernetesID is the id of the object a resource is, "" if its name is not
// known yet.
func (c *conversion) kubernetesID(r *Resource, k kubernetesKind) string {
	apiVersion, kind, namespace, name := k.apiVersion, k.kind, "", ""
	if k.kind == "" {
		obj, _ := r.Values["manifest"].(map[string]any)
		meta, _ := obj["metadata"].(map[string]any)
		apiVersion, kind, namespace, name = str(obj["apiVersion"]), str(obj["kind"]), str(meta["namespace"]), str(meta["name"])
		k.cluster = clusterKinds[kind]
	} else {
		meta, ok := only(r.Values["metadata"])
		if !ok {
			return ""
		}
		namespace, name = str(meta["namespace"]), str(meta["name"])
		if masks, _ := maskOf(r, "metadata").([]any); len(masks) > 0 {
			m, _ := masks[0].(map[string]any)
			if m["namespace"] == true {
				return ""
			}
		}
	}
	if name == "" || kind == "" || strings.HasPrefix(name, maskPrefix) {
		return ""
	}
	switch {
	case k.cluster:
		namespace = ""
	case namespace == "":
		namespace = "default"
	}
	if group, _, has := strings.Cut(apiVersion, "/"); has && !builtinGroups[group] {
		kind += "." + group
	}
	return "k8s://" + c.cluster(r) + "/" + namespace + "/" + kind + "/" + name
}

// builtinGroups are those whose kinds stand in an id without a group.
var builtinGroups = map[string]bool{"apps": true, "batch": true, "autoscaling": true, "policy": true, "extensions": true,
	"admissionregistration.k8s.io": true, "apiextensions.k8s.io": true, "apiregistration.k8s.io": true, "authentication.k8s.io": true,
	"authorization.k8s.io": true, "certificates.k8s.io": true, "coordination.k8s.io": true, "discovery.k8s.io": true, "events.k8s.io": true,
	"flowcontrol.apiserver.k8s.io": true, "internal.apiserver.k8s.io": true, "networking.k8s.io": true, "node.k8s.io": true,
	"rbac.authorization.k8s.io": true, "resource.k8s.io": true, "scheduling.k8s.io": true, "storage.k8s.io": true, "storagemigration.k8s.io": true}

// clusterKinds are the kinds without namespace that manifests hold.
var clusterKinds = map[string]bool{"Namespace": true, "Node": true, "PersistentVolume": true, "ClusterRole": true, "ClusterRoleBinding": true,
	"StorageClass": true, "CustomResourceDefinition": true, "PriorityClass": true, "RuntimeClass": true, "IngressClass": true, "APIService": true,
	"MutatingWebhookConfiguration": true, "ValidatingWebhookConfiguration": true, "ValidatingAdmissionPolicy": true, "ValidatingAdmissionPolicyBinding": true,
	"CSIDriver": true, "NodePool": true, "EC2NodeClass": true, "ClusterPolicy": true, "ClusterIssuer": true, "ResourceFlavor": true, "ClusterQueue": true, "DeviceClass": true}

// cluster names the cluster of a resource: the provider's, else the source's
// option, else the one exports without a name belong to. A second configuration
// of the provider is another cluster.
func (c *conversion) cluster(r *Resource) string {
	if name := c.in.Providers[r.ProviderKey].Cluster; name != "" && c.in.Cluster == "" {
		return clusterName(name)
	}
	_, alias, aliased := strings.Cut(r.ProviderKey[strings.LastIndexByte(r.ProviderKey, ':')+1:], ".")
	if aliased {
		return clusterName(alias)
	}
	return clusterName(cmp.Or(c.in.Cluster, "default"))
}

// clusterName makes a cluster's name fit an id, as the live reader does.
func clusterName(name string) string {
	if strings.HasPrefix(name, "arn:") {
		if _, after, found := strings.Cut(name, ":cluster/"); found {
			name = after
		}
	}
	return strings.ReplaceAll(name, "/", "-")
}

// kubernetes makes the object of a resource of the Kubernetes provider.
func (c *conversion) kubernetes(r *Resource, k kubernetesKind) {
	id := c.identity(r.Address)
	var obj map[string]any
	if k.kind == "" {
		obj = c.manifest(r)
		if obj == nil {
			c.out.Unconverted[r.Address] = Unconverted{Why: "its manifest is known only after apply"}
			c.blind(r, estate.ReadFailed, "the manifest is known only after apply", "assess the cluster after apply (--source kubernetes)")
			return
		}
	} else {
		obj = c.object(spot{r: r, as: k.as}, r.Values, r.Unknown, shapeOf(reflect.TypeOf(k.model), 0))
		obj["apiVersion"], obj["kind"] = k.apiVersion, k.kind
		if k.kind == autoscaler.kind {
			c.cpuTarget(r, obj)
		}
	}
	if other := c.drafts[id]; other != nil {
		c.blind(r, estate.ReadMalformed, fmt.Sprintf("%s is said twice in the plan", id),
			"remove one of the two from the configuration; of two clusters, give each provider an alias or a config_context")
		c.out.Unconverted[r.Address] = Unconverted{Why: "another resource of the plan is the same object, " + id}
		return
	}
	meta, _ := obj["metadata"].(map[string]any)
	if meta == nil {
		meta = map[string]any{"name": unborn.Later{}}
		obj["metadata"] = meta
	}
	a := &estate.Asset{ID: id, Type: str(obj["apiVersion"]) + "/" + str(obj["kind"]), Cloud: estate.Kubernetes, Account: c.cluster(r),
		Name: str(meta["name"]), Source: c.in.Source, Reads: []estate.Read{{Operation: "kubernetes:list", Status: estate.ReadOK}}}
	if !k.cluster && !clusterKinds[str(obj["kind"])] {
		a.Region = cmp.Or(str(meta["namespace"]), "default")
		if _, open := meta["namespace"].(unborn.Later); !open {
			meta["namespace"] = a.Region
		} else {
			a.Region = ""
		}
	}
	a.Tags = map[string]string{}
	switch labels := meta["labels"].(type) {
	case map[string]any:
		for name, v := range labels {
			a.Tags[name] = str(v)
			if _, open := v.(unborn.Later); open {
				a.Tags = nil
				break
			}
		}
	case unborn.Later:
		a.Tags = nil
	}
	var unknown []string
	if k.kind == "Secret" { // its values are no attributes of the object's
		for _, attribute := range [...]string{"data", "binary_data"} {
			obj[attribute] = open(r.Values[attribute], maskOf(r, attribute))
			if r.Values[attribute+"_wo_revision"] != nil { // what is only written no plan or state holds
				obj[attribute] = unborn.Later{}
			}
		}
	}
	withhold(obj, str(obj["apiVersion"]), str(obj["kind"]))
	plain, _ := take(obj, &unknown, &unknown).(map[string]any)
	unsaid := []string{"/status"}
	for _, m := range [...]string{"creationTimestamp", "generation", "resourceVersion", "uid"} {
		if meta[m] == nil {
			unsaid = append(unsaid, "/metadata/"+m)
		}
	}
	for _, p := range unsaid {
		if !slices.Contains(unknown, p) && plain[strings.TrimPrefix(p, "/")] == nil {
			unknown = append(unknown, p)
		}
	}
	slices.Sort(unknown)
	a.Unknown = slices.Compact(unknown)
	body, err := json.Marshal(plain)
	if err != nil {
		body = []byte("{}")
	}
	a.Config = body
	c.drafts[id] = &draft{id: id, typ: a.Type, r: r, asset: a, unsaid: unsaid, config: map[string]any{}, reads: map[string]estate.Read{}, said: map[string]bool{}, live: &unborn.Live{}}
	c.out.Of[r.Address] = append(c.out.Of[r.Address], id)
}

// cpuTarget spells the one target of an older autoscaler as the metric it is.
func (c *conversion) cpuTarget(r *Resource, obj map[string]any) {
	written, ok := only(r.Values["spec"])
	spec, _ := obj["spec"].(map[string]any)
	n := number(written["target_cpu_utilization_percentage"])
	if !ok || spec == nil || spec["metrics"] != nil || n == "" || n == "0" {
		return
	}
	spec["metrics"] = []any{map[string]any{"type": "Resource", "resource": map[string]any{"name": "cpu",
		"target": map[string]any{"type": "Utilization", "averageUtilization": json.Number(n)}}}}
}

// manifest is the object of a kubernetes_manifest; nil if what it is is not
// known.
func (c *conversion) manifest(r *Resource) map[string]any {
	obj, ok := open(r.Values["manifest"], maskOf(r, "manifest")).(map[string]any)
	if !ok || str(obj["apiVersion"]) == "" || str(obj["kind"]) == "" {
		return nil
	}
	return obj
}

// open puts later wherever the mask says so.
func open(v, mask any) any {
	switch m := mask.(type) {
	case bool:
		if m {
			return unborn.Later{}
		}
	case map[string]any:
		obj, _ := v.(map[string]any)
		out := make(map[string]any, len(obj))
		for k, e := range obj {
			out[k] = e
		}
		for k, inner := range m {
			if x := open(out[k], inner); x != nil {
				out[k] = x
			}
		}
		return out
	case []any:
		list, _ := v.([]any)
		out := make([]any, max(len(list), len(m)))
		copy(out, list)
		for i, inner := range m {
			out[i] = open(out[i], inner)
		}
		return out
	}
	return v
}

// withhold takes away what the live reader does not keep either: the values of
// secrets and of configuration maps. What it leaves of them is left here too: a
// digest of each value of a configuration map, the names of a secret's keys.
func withhold(obj map[string]any, apiVersion, kind string) {
	if apiVersion != "v1" {
		return
	}
	switch kind {
	case "Secret":
		keysOf(obj)
		obj["data"], obj["stringData"] = unborn.Later{}, unborn.Later{}
		if obj["type"] == nil {
			obj["type"] = "Opaque"
		}
	case "ConfigMap":
		digests := map[string]any{}
		for _, member := range [...]string{"data", "binaryData"} {
			if values, ok := obj[member].(map[string]any); ok {
				kept, of := map[string]any{}, map[string]any{}
				for key, v := range values {
					kept[key] = null{}
					if d := digestOf(v); d != "" {
						of[key] = d
					}
				}
				obj[member] = kept
				if len(of) > 0 {
					digests[member] = of
				}
			}
		}
		delete(obj, "valueDigests")
		if len(digests) > 0 {
			obj["valueDigests"] = digests
		}
	}
}

// keysOf notes the number and the names of a secret's keys, or that they are not
// known: a server adds its own to the token of an account.
func keysOf(obj map[string]any) {
	obj["dataKeys"], obj["keyNames"] = unborn.Later{}, unborn.Later{}
	known := obj["type"] != "kubernetes.io/service-account-token"
	keys := map[string]bool{}
	for _, member := range [...]string{"data", "stringData", "binary_data"} {
		switch values := obj[member].(type) {
		case nil:
		case map[string]any:
			for key := range values {
				keys[key] = true
			}
		default:
			known = false
		}
	}
	delete(obj, "binary_data")
	if !known {
		return
	}
	names := make([]any, 0, len(keys))
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		names = append(names, key)
	}
	obj["dataKeys"], obj["keyNames"] = len(names), names
}

// digestOf tells one value of a configuration map from another, "" where that is
// not known. What Terraform holds for sensitive was digested by its reader, and
// has its mask's own digest, or none.
func digestOf(v any) string {
	s, ok := v.(string)
	if !ok {
		return ""
	}
	if rest, masked := strings.CutPrefix(s, "sevenfold:masked(sensitive,"); masked {
		_, hash, digested := strings.Cut(rest, ",")
		if !digested {
			return ""
		}
		return fmt.Sprintf("sevenfold:masked(value,%d,%s", len("sha256:")+2*sha256.Size, hash)
	}
	sum := sha256.Sum256([]byte(s))
	return "sha256:" + hex.EncodeToString(sum[:])
}
