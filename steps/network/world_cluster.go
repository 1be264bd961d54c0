package network

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach/kube"
)

// cluster is one Kubernetes cluster of the estate.
type cluster struct {
	name     string
	objects  *kube.Cluster
	engine   *kube.Engine
	nodes    map[string][]netip.Addr // node -> its addresses
	hosts    map[string]string       // node -> EC2 instance id, by its provider's id
	pods     map[string]*kube.Pod    // by NAMESPACE/NAME
	doors    map[string]kube.Door
	spaces   []string            // namespaces read
	policies map[string][]string // namespace -> NetworkPolicies read
	fronts   map[string][]string // pod -> what leads to it from outside
	// elsewhere are nodes that run at another provider.
	elsewhere map[string]bool
	parted    *bool // see World.parted, once it is asked for

	// Answers without ways and reasons: what a class of pods opens to a stretch of
	// addresses outside, what that opens to it, and the doors by which it gets to a pod.
	out, in map[[2]int]Link
	detours map[detour][]kube.Result
}

// detour is what comes to a pod from a stretch of addresses outside.
type detour struct {
	pod     string
	stretch int
}

// clusterKinds are the groups whose objects decide what reaches what; those of a
// custom group are asked for a pod template.
var clusterKinds = map[string]bool{
	"": true, "apps": true, "batch": true, "networking.k8s.io": true, "extensions": true, "policy.networking.k8s.io": true, "cilium.io": true, "projectcalico.org": true,
	"crd.projectcalico.org": true, "crd.antrea.io": true, "k8s.ovn.org": true, "security.istio.io": true, "networking.istio.io": true, "networking.k8s.aws": true, "networking.gke.io": true,
	"gateway.networking.k8s.io": true, "discovery.k8s.io": true, "route.openshift.io": true,
}

// coreKinds are the kinds of the core group that matter here.
var coreKinds = map[string]bool{"Pod": true, "Namespace": true, "Node": true, "Service": true, "Endpoints": true, "ReplicationController": true}

// decidingTypes are those of every cluster's types by which it is decided who reaches whom.
// Of all but the first, whoever exported some in another way than as their list has
// exported them.
var decidingTypes = []string{"networking.k8s.io/v1/NetworkPolicy", "v1/Service", "networking.k8s.io/v1/Ingress"}

// enforcers are what runs in a cluster whose network is decided by policies of kinds that
// not every cluster has, by a part of its image, and those kinds.
var enforcers = map[string][]string{
	"cilium/cilium:":           {"cilium.io/v2/CiliumNetworkPolicy", "cilium.io/v2/CiliumClusterwideNetworkPolicy"},
	"calico/node:":             {"crd.projectcalico.org/v1/NetworkPolicy", "crd.projectcalico.org/v1/GlobalNetworkPolicy"},
	"antrea/antrea-agent":      {"crd.antrea.io/v1beta1/NetworkPolicy", "crd.antrea.io/v1beta1/ClusterNetworkPolicy"},
	"antrea/antrea-controller": {"crd.antrea.io/v1beta1/NetworkPolicy", "crd.antrea.io/v1beta1/ClusterNetworkPolicy"},
	"istio/pilot":              {"security.istio.io/v1/AuthorizationPolicy", "security.istio.io/v1/PeerAuthentication"},
}

// object is one object of a cluster, as it is fed to its engine.
type object struct {
	node  estate.Node
	asset *estate.Asset
	body  map[string]any
}

// readClusters fills an engine for each cluster.
func (w *World) readClusters(context.Context) error {
	made := map[string]bool{} // NAMESPACE/KIND/NAME of what live pods were made from
	var templates []object
	for n, a := range w.snap.Assets() {
		if a.Cloud != estate.Kubernetes || a.Referenced || a.Type == estate.SetType || strings.Contains(a.ID, "#") {
			continue
		}
		group, kind := groupKind(a.Type)
		if !clusterKinds[group] && !strings.Contains(group, ".") || group == "" && !coreKinds[kind] {
			continue
		}
		custom := !clusterKinds[group] && !kube.Decides(group, kind)
		config, err := w.snap.Config(n)
		if err != nil {
			return err
		}
		if custom && !mayHoldPods(config) {
			continue
		}
		var body map[string]any
		if err := json.Unmarshal(config, &body); err != nil {
			w.problem("%s: %v", a.ID, err)
			continue
		}
		o := object{n, a, body}
		c := w.cluster(a.Account)
		switch {
		case kind == "Pod" && group == "":
			c.pod(w, o, made)
		case custom, templated[kind]:
			templates = append(templates, o)
		default:
			switch {
			case kind == "Node":
				c.node(o)
			case kind == "Namespace":
				c.spaces = append(c.spaces, a.Name)
			case kind == "NetworkPolicy" && group == "networking.k8s.io":
				c.policies[a.Region] = append(c.policies[a.Region], a.Name)
			}
			if err := c.objects.Add(a.ID, body); err != nil {
				w.problem("%v", err)
			}
		}
	}
	for _, o := range templates {
		w.clusters[o.asset.Account].template(w, o, made)
	}
	for _, c := range w.clusters {
		w.unreadPolicies(c)
	}
	return nil
}

// templated are the kinds that make pods.
var templated = map[string]bool{"Deployment": true, "ReplicaSet": true, "StatefulSet": true, "DaemonSet": true, "ReplicationController": true, "Job": true, "CronJob": true}

// groupKind takes a type apart: "apps/v1/Deployment", "v1/Pod".
func groupKind(typ string) (group, kind string) {
	parts := strings.Split(typ, "/")
	if len(parts) == 3 {
		return parts[0], parts[2]
	}
	return "", parts[len(parts)-1]
}

// mayHoldPods reports cheaply whether a custom object could hold a pod template.
func mayHoldPods(config json.RawMessage) bool {
	return strings.Contains(string(config), `"containers"`)
}

func (w *World) cluster(name string) *cluster {
	c := w.clusters[name]
	if c == nil {
		c = &cluster{name: name, objects: kube.NewCluster(), nodes: map[string][]netip.Addr{}, hosts: map[string]string{}, pods: map[string]*kube.Pod{}, policies: map[string][]string{}, elsewhere: map[string]bool{}}
		w.clusters[name] = c
	}
	return c
}

// finish compiles the cluster.
func (c *cluster) finish() {
	for _, p := range c.objects.Pods() {
		c.pods[p.ID()] = p
	}
	c.engine = kube.New(c.objects)
}

func (c *cluster) problems() []string {
	var out []string
	for _, p := range c.objects.Problems() {
		out = append(out, "cluster "+c.name+": "+p)
	}
	return out
}

// pod adds a live pod, and remembers what made it.
func (c *cluster) pod(w *World, o object, made map[string]bool) {
	if err := c.objects.Add(o.asset.ID, o.body); err != nil {
		w.problem("%v", err)
		return
	}
	phase, _ := member(o.body, "status", "phase").(string)
	if phase == "Succeeded" || phase == "Failed" {
		return
	}
	id := o.asset.Region + "/" + o.asset.Name
	w.stands(o.node, podPlace{c.name, id})
	for kind, name := range ownersOf(o.asset, o.body) {
		made[c.name+" "+o.asset.Region+"/"+kind+"/"+name] = true
		if n, ok := w.find(c.name, o.asset.Region, kind, name); ok {
			w.stands(n, podPlace{c.name, id})
			w.made[o.node] = w.made[o.node] || w.places[n] != nil
		}
	}
}

// stands adds a pod to where a thing stands.
func (w *World) stands(n estate.Node, p podPlace) {
	s := w.places[n]
	if w.snap.Asset(n).Referenced {
		return // it was never read: what is known are its pods
	}
	if s == nil {
		s = &standing{why: "its pods"}
		w.places[n] = s
	}
	if _, known := w.atPod[p]; !known {
		w.atPod[p] = n
	}
	if !slices.Contains(s.pods, p) {
		s.pods = append(s.pods, p)
	}
}

// find looks up an object of a built-in kind, or of any group with that kind.
func (w *World) find(cluster, namespace, kind, name string) (estate.Node, bool) {
	group := map[string]string{"Deployment": ".apps", "ReplicaSet": ".apps", "StatefulSet": ".apps", "DaemonSet": ".apps", "Job": ".batch", "CronJob": ".batch"}[kind]
	for _, id := range []string{fmt.Sprintf("k8s://%s/%s/%s/%s", cluster, namespace, kind, name), fmt.Sprintf("k8s://%s/%s/%s%s/%s", cluster, namespace, kind, group, name)} {
		if n, ok := w.snap.Find(id); ok {
			return n, true
		}
	}
	return 0, false
}

// ownersOf are the objects that made a pod: its controller, and what made that in
// turn where its name tells: a Deployment's replica sets bear its name and a hash,
// a CronJob's jobs its name and a number.
func ownersOf(a *estate.Asset, body map[string]any) map[string]string {
	out := map[string]string{}
	owners, _ := member(body, "metadata", "ownerReferences").([]any)
	for _, o := range owners {
		kind, _ := member(o, "kind").(string)
		name, _ := member(o, "name").(string)
		if kind == "" || name == "" {
			continue
		}
		out[kind] = name
		switch hash := a.Tags["pod-template-hash"]; {
		case kind == "ReplicaSet" && hash != "" && strings.HasSuffix(name, "-"+hash):
			out["Deployment"] = strings.TrimSuffix(name, "-"+hash)
		case kind == "Job":
			if i := strings.LastIndexByte(name, '-'); i > 0 && strings.Trim(name[i+1:], "0123456789") == "" {
				out["CronJob"] = name[:i]
			}
		}
	}
	return out
}

func member(v any, path ...string) any {
	for _, p := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[p]
	}
	return v
}

func (c *cluster) node(o object) {
	addrs, _ := member(o.body, "status", "addresses").([]any)
	for _, a := range addrs {
		text, _ := member(a, "address").(string)
		if one := addr(text); one.IsValid() {
			c.nodes[o.asset.Name] = append(c.nodes[o.asset.Name], one)
		}
	}
	switch id, _ := member(o.body, "spec", "providerID").(string); {
	case strings.HasPrefix(id, "aws://"):
		c.hosts[o.asset.Name] = id[strings.LastIndexByte(id, '/')+1:]
	case id != "":
		c.elsewhere[o.asset.Name] = true
	}
}

// template adds the pods that an object will make, unless pods it has made were
// read: they are what runs.
func (c *cluster) template(w *World, o object, made map[string]bool) {
	_, kind := groupKind(o.asset.Type)
	if made[c.name+" "+o.asset.Region+"/"+kind+"/"+o.asset.Name] {
		return
	}
	if owners, _ := member(o.body, "metadata", "ownerReferences").([]any); len(owners) > 0 && templated[kind] {
		return // its maker stands for it
	}
	if templated[kind] {
		if err := c.objects.Add(o.asset.ID, o.body); err != nil {
			w.problem("%v", err)
			return
		}
		w.stands(o.node, podPlace{c.name, o.asset.Region + "/" + kind + "/" + o.asset.Name})
		return
	}
	for i, t := range podTemplates(o.body["spec"], 12) {
		name := fmt.Sprintf("%s.%s.%d", kind, o.asset.Name, i)
		body := map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": name, "namespace": o.asset.Region},
			"spec": map[string]any{"replicas": json.Number("1"), "template": t}}
		delete(body["spec"].(map[string]any), "replicas")
		if err := c.objects.Add(o.asset.ID, body); err != nil {
			w.problem("%v", err)
			continue
		}
		w.stands(o.node, podPlace{c.name, o.asset.Region + "/Deployment/" + name})
	}
}

// podTemplates finds the pod templates in a custom object: objects whose spec has
// a list of containers.
func podTemplates(v any, depth int) []map[string]any {
	if depth == 0 {
		return nil
	}
	var out []map[string]any
	switch v := v.(type) {
	case map[string]any:
		if list, ok := member(v, "spec", "containers").([]any); ok && len(list) > 0 {
			return []map[string]any{v}
		}
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			out = append(out, podTemplates(v[k], depth-1)...)
		}
	case []any:
		for _, e := range v {
			out = append(out, podTemplates(e, depth-1)...)
		}
	}
	return out
}

// unreadPolicies says of a cluster whose policies were not all listed that nothing
// is sure there. A cluster of which only manifests are known is taken as they say
// it: what else is applied there no manifest tells.
func (w *World) unreadPolicies(c *cluster) {
	if w.listed(c.name) {
		for _, typ := range decidingTypes {
			if !w.snap.Covered(typ, c.name, "") && (typ == decidingTypes[0] || !w.someOf(typ, c.name)) {
				group, kind := groupKind(typ)
				c.objects.Unread(group, kind, "", "they were not all listed")
			}
		}
		for typ, image := range w.enforced(c.name) {
			group, kind := groupKind(typ)
			c.objects.Unread(group, kind, "", "they were not all listed, and "+image+" runs there, which enforces them")
		}
	}
	for _, b := range w.snap.BlindSpots() {
		if b.Account != c.name || b.Asset != "" {
			continue
		}
		for _, t := range b.Types {
			group, kind := groupKind(t)
			c.objects.Unread(group, kind, b.Region, b.Why)
		}
	}
}

// enforced are the kinds of policies that a cluster which was exported must have, by what
// runs in it, and that were not listed in any version; with the image that says so. A live
// read lists every kind there is.
func (w *World) enforced(cluster string) map[string]string {
	out := map[string]string{}
	for n, a := range w.snap.Assets() {
		if a.Account != cluster || a.Referenced || a.Type != "apps/v1/DaemonSet" && a.Type != "apps/v1/Deployment" && a.Type != "v1/Pod" || !strings.HasPrefix(a.Source, "dir:") {
			continue
		}
		config, err := w.snap.Config(n)
		if err != nil {
			continue
		}
		for _, m := range imageOf.FindAllSubmatch(config, -1) {
			for part, types := range enforcers {
				if !strings.Contains(string(m[1])+":", part) {
					continue
				}
				for _, typ := range types {
					if !w.coveredInAnyVersion(typ, cluster) {
						out[typ] = string(m[1])
					}
				}
			}
		}
	}
	return out
}

// someOf reports whether an object of a type was read of a cluster.
func (w *World) someOf(typ, cluster string) bool {
	for _, a := range w.snap.Assets() {
		if a.Type == typ && a.Account == cluster && !a.Referenced {
			return true
		}
	}
	return false
}

// coveredInAnyVersion reports whether a type was listed to its end in one of the versions
// of its group's API.
func (w *World) coveredInAnyVersion(typ, cluster string) bool {
	group, kind := groupKind(typ)
	return slices.ContainsFunc(w.snap.Coverage(), func(c estate.Coverage) bool {
		g, k := groupKind(c.Type)
		return c.Account == cluster && k == kind && (g == group || "crd."+g == group) // Calico's own API server drops the crd.
	})
}

// listed reports whether anything of a cluster was listed to the end: it was read
// live, or exported as lists.
func (w *World) listed(cluster string) bool {
	for _, c := range w.snap.Coverage() {
		if c.Account == cluster && strings.Contains(c.Type, "/") {
			return true
		}
	}
	return false
}

// behind names what leads to a pod from outside its cluster, so that pods behind
// different doors are told apart.
func (w *World) behind(p podPlace) []string {
	c := w.clusters[p.cluster]
	if c.fronts == nil {
		c.fronts = map[string][]string{}
	}
	if known, ok := c.fronts[p.id]; ok {
		return known
	}
	var out []string
	if ways, err := c.engine.Detours(kube.Internet(), kube.PodEnd(p.id), reach.Ports{}); err == nil {
		for _, r := range ways {
			out = append(out, strings.Join(append(r.Via, r.Ports.String(), r.Maybe.String()), " "))
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	c.fronts[p.id] = out
	return out
}
