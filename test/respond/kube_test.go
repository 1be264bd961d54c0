package respond

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	_ "embed"

	actkube "github.com/sevenfold-sec/sevenfold/act/kubernetes"
	"github.com/sevenfold-sec/sevenfold/steps/respond"
	"github.com/sevenfold-sec/sevenfold/steps/respond/playbook"
	"github.com/sevenfold-sec/sevenfold/test/kubetest"
)

//go:embed testdata/cluster.yaml
var clusterYAML string

// onCluster says what each action of a cluster is tried on.
var onCluster = map[string]struct {
	target string
	with   map[string]string
}{
	"k8s.scale-to-zero":     {"ml/Deployment.apps/score", nil},
	"k8s.pause-rollout":     {"ml/Deployment.apps/score", nil},
	"k8s.suspend-cronjob":   {"ml/CronJob/retrain", nil},
	"k8s.suspend-job":       {"ml/Job.batch/ingest", nil},
	"k8s.cordon":            {"/Node/gpu-1", nil},
	"k8s.taint-node":        {"/Node/gpu-1", nil},
	"k8s.withhold-token":    {"ml/ServiceAccount/trainer", nil},
	"k8s.detach-service":    {"ml/Service/score", nil},
	"k8s.revoke-binding":    {"ml/RoleBinding.rbac.authorization.k8s.io/trainers", nil},
	"k8s.freeze-autoscaler": {"ml/HorizontalPodAutoscaler.autoscaling/score", map[string]string{"max": "2"}},
	"k8s.quarantine-pod":    {"ml/Pod/odd", nil},
	"k8s.isolate":           {"ml/Deployment/score", nil},
	"k8s.deny-egress":       {"ml/Deployment.apps/score", nil},
	"k8s.freeze-namespace":  {"/Namespace/ml", nil},
	"k8s.undo-rollout":      {"ml/Deployment.apps/score", map[string]string{"revision": "1"}},
	"k8s.pin-image":         {"ml/Deployment.apps/score", map[string]string{"container": "server", "image": "registry.example/score@sha256:" + strings.Repeat("ab", 32)}},
	"k8s.remove-tool":       {"ml/ConfigMap/agent", map[string]string{"file": "mcp.json", "tool": "payments"}},
}

// cluster is a real API server with testdata/cluster.yaml in it. Nothing in it runs
// controllers: the replica sets they would keep are put there.
func cluster(t *testing.T) (dynamic.Interface, respond.Actions) {
	t.Helper()
	s := kubetest.Start(t)
	s.Apply(clusterYAML)
	d, err := dynamic.NewForConfig(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	apps := func(r string) dynamic.ResourceInterface {
		return d.Resource(schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: r}).Namespace("ml")
	}
	u, err := apps("deployments").Get(ctx, "score", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i <= 2; i++ {
		template, _, _ := unstructured.NestedMap(u.Object, "spec", "template")
		containers, _, _ := unstructured.NestedSlice(template, "spec", "containers")
		containers[0].(map[string]any)["image"] = fmt.Sprintf("registry.example/score:%d", i)
		_ = unstructured.SetNestedSlice(template, containers, "spec", "containers")
		_ = unstructured.SetNestedField(template, fmt.Sprint("h", i), "metadata", "labels", "pod-template-hash")
		rs := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": map[string]any{"name": fmt.Sprint("score-h", i), "namespace": "ml",
			"annotations":     map[string]any{"deployment.kubernetes.io/revision": fmt.Sprint(i)},
			"ownerReferences": []any{map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "name": "score", "uid": string(u.GetUID()), "controller": true}}},
			"spec": map[string]any{"replicas": int64(0), "selector": map[string]any{"matchLabels": map[string]any{"app": "score", "pod-template-hash": fmt.Sprint("h", i)}}, "template": template}}}
		if _, err := apps("replicasets").Create(ctx, rs, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	var list []respond.Action
	for _, a := range actkube.Actions(d, "test") {
		list = append(list, a)
	}
	return d, respond.NewActions(list...)
}

// dump is everything in the cluster that the actions could change, without what the
// server counts and stamps by itself.
func dump(t *testing.T, d dynamic.Interface) []byte {
	t.Helper()
	out := map[string]any{}
	for _, r := range []string{"/v1/namespaces", "/v1/nodes", "/v1/pods", "/v1/services", "/v1/serviceaccounts", "/v1/configmaps", "/v1/resourcequotas", "apps/v1/deployments", "apps/v1/replicasets", "batch/v1/jobs", "batch/v1/cronjobs",
		"networking.k8s.io/v1/networkpolicies", "rbac.authorization.k8s.io/v1/rolebindings", "autoscaling/v2/horizontalpodautoscalers"} {
		p := strings.Split(r, "/")
		list, err := d.Resource(schema.GroupVersionResource{Group: p[0], Version: p[1], Resource: p[2]}).List(context.Background(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range list.Items {
			if strings.HasPrefix(u.GetNamespace(), "kube-") {
				continue
			}
			u.SetManagedFields(nil)
			u.SetResourceVersion("")
			u.SetGeneration(0)
			out[u.GetKind()+"/"+u.GetNamespace()+"/"+u.GetName()] = u.Object
		}
	}
	text, err := json.MarshalIndent(out, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestActionsOnACluster(t *testing.T) {
	d, actions := cluster(t)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	before := dump(t, d)
	for _, id := range actions.IDs() {
		what, ok := onCluster[id]
		if !ok {
			t.Errorf("%s is tried on nothing", id)
			continue
		}
		c := playbook.Call{Action: id, Target: "k8s://test/" + what.target, With: what.with}
		prior, err := actions.Prepare(ctx, c)
		if err != nil {
			t.Errorf("%s: read: %v", id, err)
			continue
		}
		if bytes.Contains(prior, []byte("not-told")) {
			t.Errorf("%s: its state tells a secret: %s", id, prior)
		}
		if yes, _, err := actions.Applied(ctx, c, prior); err != nil || yes {
			t.Errorf("%s: holds before it was done: %v %s", id, err, prior)
		}
		for range 2 {
			if _, err := actions.Apply(ctx, c, prior); err != nil {
				t.Errorf("%s: apply: %v", id, err)
			}
		}
		if err := actions.Verify(ctx, c, prior); err != nil {
			now, _ := actions.Prepare(ctx, c)
			t.Errorf("%s: verify: %v\nbefore %s\nnow %s", id, err, prior, now)
		}
		during := dump(t, d)
		if bytes.Equal(before, during) {
			t.Errorf("%s changed nothing", id)
		}
		if err := actions.Undo(ctx, c, prior); err != nil {
			t.Errorf("%s: undo: %v", id, err)
		}
		if diff := cmp.Diff(string(before), string(dump(t, d))); diff != "" {
			t.Errorf("%s: after it was taken back:\n%s", id, diff)
		}
	}
}

// TestUndoLeavesTheWorkOfOthers: somebody scales by hand what was scaled to zero.
func TestUndoLeavesTheWorkOfOthers(t *testing.T) {
	_, actions := cluster(t)
	ctx := context.Background()
	c := playbook.Call{Action: "k8s.scale-to-zero", Target: "k8s://test/ml/Deployment.apps/score"}
	prior, err := actions.Prepare(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := actions.Apply(ctx, c, prior); err != nil {
		t.Fatal(err)
	}
	if err := actions[c.Action].Put(ctx, c.Target, nil, json.RawMessage(`{"there":true,"value":1}`)); err != nil {
		t.Fatal(err)
	}
	if err := actions.Undo(ctx, c, prior); err == nil || !strings.Contains(err.Error(), "somebody changed it since") {
		t.Error(err)
	}
	for target, want := range map[string]string{"k8s://test/ml/Deployment.apps/none": "not found", "k8s://other/ml/Deployment.apps/score": "this session writes to test", "k8s://test/ml/Pod/odd": "not done to a Pod", "score": "no object of a cluster"} {
		if _, err := actions.Prepare(ctx, playbook.Call{Action: c.Action, Target: target}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", target, err, want)
		}
	}
}

// TestAnotherPolicyOfTheSameName: one that somebody made before, and that lets everything
// through, is not taken for isolation.
func TestAnotherPolicyOfTheSameName(t *testing.T) {
	d, actions := cluster(t)
	ctx := context.Background()
	policies := d.Resource(schema.GroupVersionResource{Group: "networking.k8s.io", Version: "v1", Resource: "networkpolicies"}).Namespace("ml")
	open := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": map[string]any{"name": "sevenfold-isolate-deployment-score"},
		"spec": map[string]any{"podSelector": map[string]any{}, "ingress": []any{map[string]any{}}, "egress": []any{map[string]any{}}, "policyTypes": []any{"Ingress", "Egress"}}}}
	if _, err := policies.Create(ctx, open, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	call := playbook.Call{Action: "k8s.isolate", Target: "k8s://test/ml/Deployment/score"}
	prior, err := actions.Prepare(ctx, call)
	if err != nil {
		t.Fatal(err)
	}
	if there, _, err := actions.Applied(ctx, call, prior); err != nil || there {
		t.Error("what lets everything through isolates", err)
	}
	if _, err := actions.Apply(ctx, call, prior); err == nil || !strings.Contains(err.Error(), "says something else") {
		t.Error(err)
	}
	if err := actions.Undo(ctx, call, prior); err != nil { // nothing was changed
		t.Error(err)
	}
}
