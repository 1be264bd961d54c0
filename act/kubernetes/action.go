package kubernetes

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// responder is the field manager that containment is written under.
const responder = "sevenfold-respond"

// actionTimeout bounds one request of an action.
const actionTimeout = 30 * time.Second

// Connect makes a client for containment actions of the cluster of a context; empty
// for the current one. All is done as subject (see Subject), whatever user the kubeconfig
// has, where that may act as it; empty: as that user. It contacts nothing yet. entry is the
// kubeconfig's own name for the cluster.
func Connect(kubeconfig, name, subject string) (d dynamic.Interface, entry string, err error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: name})
	config, err := loader.ClientConfig()
	if err != nil {
		return nil, "", fmt.Errorf("kubernetes: %w\nhint: kubectl config get-contexts lists the contexts there are", err)
	}
	if raw, err := loader.RawConfig(); err == nil {
		if name == "" {
			name = raw.CurrentContext
		}
		if k := raw.Contexts[name]; k != nil {
			entry = k.Cluster
		}
	}
	config = rest.CopyConfig(config)
	config.UserAgent = responder
	config.Timeout = actionTimeout
	config.WarningHandler = rest.NoWarnings{}
	by, err := actAs(config, subject)
	if err != nil {
		return nil, "", fmt.Errorf("kubernetes: %w", err)
	}
	d, err = dynamic.NewForConfigAndClient(config, by)
	return d, entry, err
}

// object is what a target names: k8s://CLUSTER/NS/KIND[.GROUP]/NAME.
type object struct {
	cluster, namespace, kind, group, name string
}

func parseTarget(target string) (object, error) {
	rest, ok := strings.CutPrefix(target, "k8s://")
	p := strings.Split(rest, "/")
	if !ok || len(p) != 4 || p[2] == "" || p[3] == "" {
		return object{}, fmt.Errorf("%q is no object of a cluster\nhint: k8s://CLUSTER/NAMESPACE/KIND/NAME, as in k8s://prod/ml/Deployment/score", target)
	}
	kind, group, named := strings.Cut(p[2], ".")
	if !named { // of a kind that is built in the id of an asset says no group
		group = served[kind].Group
	}
	return object{p[0], p[1], kind, group, p[3]}, nil
}

// served are the kinds that actions are done to, with how the API serves them.
var served = map[string]schema.GroupVersionResource{
	"Deployment":              {Group: "apps", Version: "v1", Resource: "deployments"},
	"StatefulSet":             {Group: "apps", Version: "v1", Resource: "statefulsets"},
	"DaemonSet":               {Group: "apps", Version: "v1", Resource: "daemonsets"},
	"ReplicaSet":              {Group: "apps", Version: "v1", Resource: "replicasets"},
	"CronJob":                 {Group: "batch", Version: "v1", Resource: "cronjobs"},
	"Job":                     {Group: "batch", Version: "v1", Resource: "jobs"},
	"Pod":                     {Version: "v1", Resource: "pods"},
	"Service":                 {Version: "v1", Resource: "services"},
	"ServiceAccount":          {Version: "v1", Resource: "serviceaccounts"},
	"ConfigMap":               {Version: "v1", Resource: "configmaps"},
	"Namespace":               {Version: "v1", Resource: "namespaces"},
	"Node":                    {Version: "v1", Resource: "nodes"},
	"RoleBinding":             {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "rolebindings"},
	"ClusterRoleBinding":      {Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterrolebindings"},
	"NetworkPolicy":           {Group: "networking.k8s.io", Version: "v1", Resource: "networkpolicies"},
	"ResourceQuota":           {Version: "v1", Resource: "resourcequotas"},
	"Ingress":                 {Group: "networking.k8s.io", Version: "v1", Resource: "ingresses"},
	"HorizontalPodAutoscaler": {Group: "autoscaling", Version: "v2", Resource: "horizontalpodautoscalers"},
}

// Action is one measure on objects of some kinds. Its state is what the measure changes
// and nothing else, in JSON with sorted members. It never holds a secret: what may be
// one stays in the cluster, and the state has its digest.
type Action struct {
	id, title string
	kinds     []string
	params    map[string]string
	breaks    string
	verbs     []string
	// writes is what is written where that is not the target: "networkpolicies".
	writes string
	// lists is the kind that is listed beside the target: "ReplicaSet".
	lists string
	// get is the state of an object; c reads what stands beside it.
	get func(ctx context.Context, c *client, o object, u *unstructured.Unstructured, with map[string]string) (any, error)
	// set and put change the object in place, or through c what stands beside it, and
	// then return false.
	set func(ctx context.Context, c *client, o object, u *unstructured.Unstructured, with map[string]string, prior json.RawMessage) (write bool, err error)
	put func(ctx context.Context, c *client, o object, u *unstructured.Unstructured, with map[string]string, prior json.RawMessage) (write bool, err error)
	// holds reports whether a state is the one that set makes.
	holds func(with map[string]string, now, prior map[string]any) bool
	c     *client
}

// client is one cluster.
type client struct {
	dynamic dynamic.Interface
	name    string
}

// ID is the action's name: k8s.scale-to-zero.
func (a *Action) ID() string { return a.id }

// Title says what it does, as one clause.
func (a *Action) Title() string { return a.title }

// Target are the kinds of what it is done to.
func (a *Action) Target() string { return strings.Join(a.kinds, ", ") }

// Params are its parameters, name: what it is; a name that ends in ? may be left out.
func (a *Action) Params() map[string]string { return a.params }

// Breaks says what stops working for those who did nothing wrong.
func (a *Action) Breaks() string { return a.breaks }

// Final reports whether it cannot be taken back; none of these is.
func (a *Action) Final() bool { return false }

// Grants are the verbs it needs, by the resource that they are on, as RBAC writes them.
func (a *Action) Grants(target string, _ map[string]string) map[string][]string {
	o, err := parseTarget(target)
	if err != nil {
		o = object{kind: a.kinds[0]}
	}
	r := served[o.kind]
	on := r.Resource
	if r.Group != "" {
		on += "." + r.Group
	}
	if o.namespace != "" {
		on += " in namespace " + o.namespace
	}
	verbs := []string{"k8s:get:" + r.Group + "/" + r.Resource}
	if a.lists != "" {
		verbs = append(verbs, "k8s:list:"+served[a.lists].Group+"/"+served[a.lists].Resource)
	}
	if a.writes == "" {
		return map[string][]string{on: append(verbs, "k8s:update:"+r.Group+"/"+r.Resource)}
	}
	w := served[a.writes]
	for _, v := range a.verbs {
		verbs = append(verbs, "k8s:"+v+":"+w.Group+"/"+w.Resource)
	}
	return map[string][]string{on: verbs}
}

func (a *Action) open(target string, with map[string]string) (object, error) {
	o, err := parseTarget(target)
	if err != nil {
		return o, err
	}
	if !slices.Contains(a.kinds, o.kind) || served[o.kind].Group != o.group {
		return o, fmt.Errorf("%s is not done to a %s\nhint: its target is a %s", a.id, o.kind, a.Target())
	}
	if a.c.name != "" && a.c.name != o.cluster {
		return o, fmt.Errorf("%s is in cluster %s, and this session writes to %s", target, o.cluster, a.c.name)
	}
	for k := range with {
		if _, ok := a.params[k]; !ok {
			if _, ok = a.params[k+"?"]; !ok {
				return o, fmt.Errorf("%s has no parameter %q", a.id, k)
			}
		}
	}
	for k, what := range a.params {
		if !strings.HasSuffix(k, "?") && with[k] == "" {
			return o, fmt.Errorf("%s needs %s: %s", a.id, k, what)
		}
	}
	return o, nil
}

func (c *client) of(kind, namespace string) dynamic.ResourceInterface {
	r := c.dynamic.Resource(served[kind])
	if namespace == "" {
		return r
	}
	return r.Namespace(namespace)
}

func (c *client) read(ctx context.Context, o object) (*unstructured.Unstructured, error) {
	u, err := c.of(o.kind, o.namespace).Get(ctx, o.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		err = &GoneError{err}
	}
	return u, err
}

// GoneError says that what an action is done to is not in the cluster, or is there no more.
type GoneError struct{ err error }

// Error implements error.
func (e *GoneError) Error() string { return e.err.Error() }

// Unwrap is what the API server answered.
func (e *GoneError) Unwrap() error { return e.err }

// Gone tells playbooks that there is nothing left to change or to put back.
func (e *GoneError) Gone() bool { return true }

// Read is the state as it is.
func (a *Action) Read(ctx context.Context, target string, with map[string]string) (json.RawMessage, error) {
	o, err := a.open(target, with)
	if err != nil {
		return nil, err
	}
	u, err := a.c.read(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", target, err)
	}
	v, err := a.get(ctx, a.c, o, u, with)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", target, err)
	}
	return canonical(v)
}

// Set changes it; twice is once.
func (a *Action) Set(ctx context.Context, target string, with map[string]string, prior json.RawMessage) error {
	return a.change(ctx, target, with, prior, a.set)
}

// Put makes the state what it was before. What was made beside an object that is gone since
// is removed all the same.
func (a *Action) Put(ctx context.Context, target string, with map[string]string, prior json.RawMessage) error {
	err := a.change(ctx, target, with, prior, a.put)
	if gone := (*GoneError)(nil); a.writes == "" || !errors.As(err, &gone) {
		return err
	}
	o, err := a.open(target, with)
	if err == nil {
		_, err = a.put(ctx, a.c, o, nil, with, prior)
	}
	return err
}

// Holds reports whether a state is the one that Set makes of prior.
func (a *Action) Holds(_ string, with map[string]string, now, prior json.RawMessage) bool {
	return a.holds(with, stateOf(now), stateOf(prior))
}

// change reads, changes and updates, anew where somebody else wrote in between: an
// update carries the version that was read, so that nothing of theirs is lost.
func (a *Action) change(ctx context.Context, target string, with map[string]string, prior json.RawMessage, fn func(context.Context, *client, object, *unstructured.Unstructured, map[string]string, json.RawMessage) (bool, error)) error {
	o, err := a.open(target, with)
	if err != nil {
		return err
	}
	for range 5 {
		var u *unstructured.Unstructured
		if u, err = a.c.read(ctx, o); err != nil {
			return fmt.Errorf("%s: %w", target, err)
		}
		var write bool
		if write, err = fn(ctx, a.c, o, u, with, prior); err == nil && write {
			_, err = a.c.of(o.kind, o.namespace).Update(ctx, u, metav1.UpdateOptions{FieldManager: responder})
		}
		if !apierrors.IsConflict(err) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", target, err)
	}
	return nil
}

func canonical(v any) (json.RawMessage, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var w any
	if err := d.Decode(&w); err != nil {
		return nil, err
	}
	return json.Marshal(w)
}

func stateOf(raw json.RawMessage) map[string]any {
	var m map[string]any
	_ = json.Unmarshal(raw, &m) // canonical wrote it
	return m
}

// Actions lists what there is for a cluster, in a fixed order. name is the cluster's
// in asset ids; empty takes any.
func Actions(d dynamic.Interface, name string) []*Action {
	all := slices.Concat(fieldActions(), besideActions(), rolloutActions())
	for _, a := range all {
		a.c = &client{d, name}
	}
	return all
}

// field is an action on one member of an object.
func field(a Action, want func(with map[string]string) any, path ...string) *Action {
	a.get = func(_ context.Context, _ *client, _ object, u *unstructured.Unstructured, _ map[string]string) (any, error) {
		v, there, err := unstructured.NestedFieldCopy(u.Object, path...)
		if !there {
			v = nil
		}
		return map[string]any{"value": v, "there": there}, err
	}
	a.set = func(_ context.Context, _ *client, _ object, u *unstructured.Unstructured, with map[string]string, _ json.RawMessage) (bool, error) {
		return true, unstructured.SetNestedField(u.Object, want(with), path...)
	}
	a.put = func(_ context.Context, _ *client, _ object, u *unstructured.Unstructured, _ map[string]string, prior json.RawMessage) (bool, error) {
		p := stateOf(prior)
		if p["there"] != true {
			unstructured.RemoveNestedField(u.Object, path...)
			return true, nil
		}
		return true, unstructured.SetNestedField(u.Object, whole(p["value"]), path...)
	}
	a.holds = func(with map[string]string, now, _ map[string]any) bool {
		if l, ok := want(with).([]any); ok && len(l) == 0 && now["there"] == false {
			return true // the API server leaves empty lists out
		}
		x, err1 := canonical(now["value"])
		y, err2 := canonical(want(with))
		return err1 == nil && err2 == nil && bytes.Equal(x, y)
	}
	return &a
}

// whole makes numbers what the client takes: it refuses floats for counts.
func whole(v any) any {
	switch v := v.(type) {
	case float64:
		if v == float64(int64(v)) {
			return int64(v)
		}
		return v
	case map[string]any:
		out := map[string]any{}
		for k, w := range v {
			out[k] = whole(w)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, w := range v {
			out[i] = whole(w)
		}
		return out
	}
	return v
}

func is(v any) func(map[string]string) any { return func(map[string]string) any { return v } }

func fieldActions() []*Action {
	return []*Action{
		field(Action{id: "k8s.scale-to-zero", title: "run no pod of a workload", kinds: []string{"Deployment", "StatefulSet", "ReplicaSet"}, breaks: "whoever calls the workload; an autoscaler above it would start it again: freeze that too"}, is(int64(0)), "spec", "replicas"),
		field(Action{id: "k8s.pause-rollout", title: "hold the rollout of a deployment where it is", kinds: []string{"Deployment"}, breaks: "new versions do not roll out"}, is(true), "spec", "paused"),
		field(Action{id: "k8s.suspend-cronjob", title: "let a schedule start nothing", kinds: []string{"CronJob"}, breaks: "the pipelines that the schedule starts"}, is(true), "spec", "suspend"),
		field(Action{id: "k8s.suspend-job", title: "stop the pods of a job", kinds: []string{"Job"}, breaks: "the job; its pods end and are made anew when it is taken back"}, is(true), "spec", "suspend"),
		field(Action{id: "k8s.cordon", title: "let no new pod onto a node", kinds: []string{"Node"}, breaks: "the cluster has less room; pods there stay"}, is(true), "spec", "unschedulable"),
		field(Action{id: "k8s.withhold-token", title: "give new pods of a service account no token", kinds: []string{"ServiceAccount"}, breaks: "new pods that call the API server as the account; running ones keep their token"}, is(false), "automountServiceAccountToken"),
		field(Action{id: "k8s.detach-service", title: "send a service's traffic to nobody", kinds: []string{"Service"}, breaks: "every caller of the service; the pods stay for the investigation"}, is(map[string]any{"sevenfold.dev/detached": "true"}), "spec", "selector"),
		field(Action{id: "k8s.revoke-binding", title: "take a role from everybody a binding gives it to", kinds: []string{"RoleBinding", "ClusterRoleBinding"}, breaks: "what its subjects do by that role alone"}, is([]any{}), "subjects"),
		field(Action{id: "k8s.freeze-autoscaler", title: "hold an autoscaler's most replicas", kinds: []string{"HorizontalPodAutoscaler"}, params: map[string]string{"max": "replicas at most"}, breaks: "growth under load"}, func(with map[string]string) any {
			n := json.Number(with["max"])
			i, _ := n.Int64() // 0 is refused by the API server
			return i
		}, "spec", "maxReplicas"),
		label(),
		taint(),
	}
}

// label takes a pod out of what selects it, by its labels; they are kept under a prefix.
func label() *Action {
	return &Action{id: "k8s.quarantine-pod", title: "take a pod out of its service and its controller, and keep it running for the investigation", kinds: []string{"Pod"},
		breaks: "one replica less until the controller has made another",
		get: func(_ context.Context, _ *client, _ object, u *unstructured.Unstructured, _ map[string]string) (any, error) {
			return map[string]any{"labels": u.GetLabels()}, nil
		},
		set: func(_ context.Context, _ *client, _ object, u *unstructured.Unstructured, _ map[string]string, _ json.RawMessage) (bool, error) {
			u.SetLabels(map[string]string{"sevenfold.dev/quarantine": "true"})
			return true, nil
		},
		put: func(_ context.Context, _ *client, _ object, u *unstructured.Unstructured, _ map[string]string, prior json.RawMessage) (bool, error) {
			labels := map[string]string{}
			m, _ := stateOf(prior)["labels"].(map[string]any)
			for k, v := range m {
				labels[k] = fmt.Sprint(v)
			}
			u.SetLabels(labels)
			return true, nil
		},
		holds: func(_ map[string]string, now, _ map[string]any) bool {
			m, _ := now["labels"].(map[string]any)
			return len(m) == 1 && m["sevenfold.dev/quarantine"] == "true"
		}}
}

const taintKey = "sevenfold.dev/quarantine"

// taint drives pods from a node.
func taint() *Action {
	others := func(u *unstructured.Unstructured) ([]any, bool) {
		l, _, _ := unstructured.NestedSlice(u.Object, "spec", "taints")
		n := len(l)
		l = slices.DeleteFunc(l, func(v any) bool {
			m, _ := v.(map[string]any)
			return m["key"] == taintKey
		})
		return l, len(l) < n
	}
	return &Action{id: "k8s.taint-node", title: "drive all pods from a node", kinds: []string{"Node"}, breaks: "everything on the node, GPU jobs included: it starts anew elsewhere if there is room",
		get: func(_ context.Context, _ *client, _ object, u *unstructured.Unstructured, _ map[string]string) (any, error) {
			_, there := others(u)
			return map[string]any{"tainted": there}, nil
		},
		set: func(_ context.Context, _ *client, _ object, u *unstructured.Unstructured, _ map[string]string, _ json.RawMessage) (bool, error) {
			l, _ := others(u)
			return true, unstructured.SetNestedSlice(u.Object, append(l, map[string]any{"key": taintKey, "effect": "NoExecute"}), "spec", "taints")
		},
		put: func(_ context.Context, _ *client, _ object, u *unstructured.Unstructured, _ map[string]string, prior json.RawMessage) (bool, error) {
			if stateOf(prior)["tainted"] == true {
				return false, nil
			}
			l, _ := others(u)
			if len(l) == 0 {
				unstructured.RemoveNestedField(u.Object, "spec", "taints")
				return true, nil
			}
			return true, unstructured.SetNestedSlice(u.Object, l, "spec", "taints")
		},
		holds: func(_ map[string]string, now, _ map[string]any) bool { return now["tainted"] == true }}
}

// selectorOf are the labels by which a workload finds its pods.
func selectorOf(u *unstructured.Unstructured) (map[string]any, error) {
	path := []string{"spec", "selector", "matchLabels"}
	switch u.GetKind() {
	case "Pod":
		labels := map[string]any{}
		for k, v := range u.GetLabels() {
			labels[k] = v
		}
		if len(labels) == 0 {
			return nil, fmt.Errorf("the pod has no labels to select it by")
		}
		return labels, nil
	case "Namespace":
		return nil, nil
	case "Service":
		path = []string{"spec", "selector"}
	case "CronJob":
		path = []string{"spec", "jobTemplate", "spec", "template", "metadata", "labels"}
	}
	m, _, err := unstructured.NestedMap(u.Object, path...)
	if err == nil && len(m) == 0 {
		err = fmt.Errorf("%s %s selects its pods by no label", u.GetKind(), u.GetName())
	}
	return m, err
}

// beside is an action that makes an object of its own beside the target.
func beside(a Action, kind, name string, spec func(u *unstructured.Unstructured, with map[string]string) (map[string]any, error)) *Action {
	a.writes, a.verbs = kind, []string{"get", "create", "delete"}
	where := func(o object) (string, string) {
		namespace, n := o.namespace, name
		if o.kind == "Namespace" {
			namespace = o.name
		} else {
			n += "-" + strings.ToLower(o.kind) + "-" + o.name
		}
		return namespace, n[:min(len(n), 253)]
	}
	// wanted reports whether an object that is there is the one that is made here: one of the
	// same name may say something else.
	wanted := func(is any, u *unstructured.Unstructured, with map[string]string) bool {
		s, err := spec(u, with)
		if err != nil {
			return false
		}
		want, err1 := json.Marshal(s)
		have, err2 := json.Marshal(is)
		return err1 == nil && err2 == nil && bytes.Equal(want, have)
	}
	a.get = func(ctx context.Context, c *client, o object, u *unstructured.Unstructured, with map[string]string) (any, error) {
		namespace, n := where(o)
		is, err := c.of(kind, namespace).Get(ctx, n, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return map[string]any{"spec": nil}, nil
		}
		if err != nil {
			return nil, err
		}
		return map[string]any{"spec": is.Object["spec"], "wanted": wanted(is.Object["spec"], u, with)}, nil
	}
	a.set = func(ctx context.Context, c *client, o object, u *unstructured.Unstructured, with map[string]string, _ json.RawMessage) (bool, error) {
		namespace, n := where(o)
		s, err := spec(u, with)
		if err != nil {
			return false, err
		}
		text, err := json.Marshal(map[string]any{"apiVersion": served[kind].GroupVersion().String(), "kind": kind, "metadata": map[string]any{"name": n, "namespace": namespace, "labels": map[string]any{"app.kubernetes.io/managed-by": responder}}, "spec": s})
		if err != nil {
			return false, err
		}
		made := &unstructured.Unstructured{}
		if err := made.UnmarshalJSON(text); err != nil {
			return false, err
		}
		_, err = c.of(kind, namespace).Create(ctx, made, metav1.CreateOptions{FieldManager: responder})
		if apierrors.IsAlreadyExists(err) {
			is, err := c.of(kind, namespace).Get(ctx, n, metav1.GetOptions{})
			if err == nil && !wanted(is.Object["spec"], u, with) {
				err = fmt.Errorf("there is a %s %s/%s already, and it says something else\nhint: look who made it, and delete it", kind, namespace, n)
			}
			return false, err
		}
		return false, err
	}
	a.put = func(ctx context.Context, c *client, o object, _ *unstructured.Unstructured, _ map[string]string, prior json.RawMessage) (bool, error) {
		if stateOf(prior)["spec"] != nil {
			return false, nil
		}
		namespace, n := where(o)
		err := c.of(kind, namespace).Delete(ctx, n, metav1.DeleteOptions{})
		if apierrors.IsNotFound(err) {
			err = nil
		}
		return false, err
	}
	a.holds = func(_ map[string]string, now, _ map[string]any) bool { return now["wanted"] == true }
	return &a
}

func besideActions() []*Action {
	workloads := []string{"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod", "Service", "Namespace"}
	policy := func(types ...any) func(*unstructured.Unstructured, map[string]string) (map[string]any, error) {
		return func(u *unstructured.Unstructured, _ map[string]string) (map[string]any, error) {
			labels, err := selectorOf(u)
			selector := map[string]any{}
			if len(labels) > 0 {
				selector["matchLabels"] = labels
			}
			return map[string]any{"podSelector": selector, "policyTypes": types}, err
		}
	}
	return []*Action{
		beside(Action{id: "k8s.isolate", title: "let no connection to or from the pods of a workload", kinds: workloads, breaks: "every caller of the pods and everything they call; where the network plugin enforces NetworkPolicy, and where no other policy lets it through"}, "NetworkPolicy", "sevenfold-isolate", policy("Ingress", "Egress")),
		beside(Action{id: "k8s.deny-egress", title: "let the pods of a workload call nobody", kinds: workloads, breaks: "everything the pods call, a vendor's API included; names do not resolve either"}, "NetworkPolicy", "sevenfold-egress", policy("Egress")),
		beside(Action{id: "k8s.freeze-namespace", title: "let no new pod into a namespace", kinds: []string{"Namespace"}, breaks: "deployments, jobs and pods that are made anew; what runs goes on"}, "ResourceQuota", "sevenfold-freeze", func(*unstructured.Unstructured, map[string]string) (map[string]any, error) {
			return map[string]any{"hard": map[string]any{"pods": "0"}}, nil
		}),
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
