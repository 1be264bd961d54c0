package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/sevenfold-sec/sevenfold/test/kubetest"
	"github.com/sevenfold-sec/sevenfold/test/race"
)

//go:embed testdata/respond/cluster.yaml
var respondCluster string

// TestRespondOnACluster runs testdata/respond/cluster.txt on a real API server.
func TestRespondOnACluster(t *testing.T) {
	if race.Enabled {
		t.Skip("see TestRespondOnAWS")
	}
	s := kubetest.Start(t)
	s.Apply(respondCluster)
	d, err := dynamic.NewForConfig(s.Config)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	of := func(group, resource string) dynamic.ResourceInterface {
		return d.Resource(schema.GroupVersionResource{Group: group, Version: "v1", Resource: resource}).Namespace("ml")
	}
	good, bad := "vllm/vllm-openai@sha256:"+strings.Repeat("ab", 32), "vllm/vllm-openai@sha256:"+strings.Repeat("ba", 32)
	// revision is the replica set that a controller would keep of the deployment.
	revision := func(n int, image string) {
		t.Helper()
		u, err := of("apps", "deployments").Get(ctx, "score", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		template, _, _ := unstructured.NestedMap(u.Object, "spec", "template")
		containers, _, _ := unstructured.NestedSlice(template, "spec", "containers")
		containers[0].(map[string]any)["image"] = image
		_ = unstructured.SetNestedSlice(template, containers, "spec", "containers")
		_ = unstructured.SetNestedField(template, fmt.Sprint("h", n), "metadata", "labels", "pod-template-hash")
		rs := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": map[string]any{"name": fmt.Sprint("score-h", n), "namespace": "ml",
			"annotations":     map[string]any{"deployment.kubernetes.io/revision": fmt.Sprint(n)},
			"ownerReferences": []any{map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "name": "score", "uid": string(u.GetUID()), "controller": true}}},
			"spec": map[string]any{"replicas": int64(0), "selector": map[string]any{"matchLabels": map[string]any{"app": "score", "pod-template-hash": fmt.Sprint("h", n)}}, "template": template}}}
		if _, err := of("apps", "replicasets").Create(ctx, rs, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		delete(template["metadata"].(map[string]any)["labels"].(map[string]any), "pod-template-hash")
		_ = unstructured.SetNestedMap(u.Object, template, "spec", "template")
		u.SetAnnotations(map[string]string{"deployment.kubernetes.io/revision": fmt.Sprint(n)})
		if _, err := of("apps", "deployments").Update(ctx, u, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	revision(1, good)
	model := scoring(t, func() (string, error) {
		u, err := of("apps", "deployments").Get(ctx, "score", metav1.GetOptions{})
		if err != nil {
			return "", err
		}
		text, err := json.Marshal(u.Object["spec"])
		if strings.Contains(string(text), bad) {
			return "bad", err
		}
		return "good", err
	})
	detection, roles := learntDetection(t, nil)
	onStage{detection, roles, model, []string{"KUBECONFIG=" + s.Kubeconfig}, nil}.run(t, "testdata/respond/cluster.txt", map[string]func(*testscript.TestScript, bool, []string){
		"attack": func(*testscript.TestScript, bool, []string) { revision(2, bad) },
		// remove NAME: the replica set of a revision that nobody is to go back to.
		"remove": func(ts *testscript.TestScript, _ bool, args []string) {
			ts.Check(of("apps", "replicasets").Delete(ctx, args[0], metav1.DeleteOptions{}))
		},
		// now WHAT TEXT: what is in the cluster holds it.
		"now": func(ts *testscript.TestScript, neg bool, args []string) {
			var is any
			var err error
			switch args[0] {
			case "deployment/score":
				is, err = of("apps", "deployments").Get(ctx, "score", metav1.GetOptions{})
			case "cronjob/retrain":
				is, err = of("batch", "cronjobs").Get(ctx, "retrain", metav1.GetOptions{})
			default:
				is, err = of("networking.k8s.io", args[0]).List(ctx, metav1.ListOptions{})
			}
			ts.Check(err)
			text, err := json.Marshal(is)
			ts.Check(err)
			if strings.Contains(string(text), args[1]) == neg {
				ts.Fatalf("the cluster: %s", text)
			}
		},
	})
}
