package sources

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/test/builtin"
	"github.com/sevenfold-sec/sevenfold/test/kubetest"
)

// clusterRow is a control whose own first failing and first passing case is a
// Deployment: both are put into the cluster, the manifests, the export and a plan.
type clusterRow struct {
	control string
	ai      bool
	objects map[string]map[string]any // by twin
}

// infrastructure are the controls of clusters that are not of AI alone.
var infrastructure = []string{"k8s-secret-in-environment", "k8s-image-unpinned", "k8s-container-", "k8s-pod-", "k8s-image-", "k8s-redis-", "k8s-postgres-", "k8s-minio-",
	"k8s-registry-", "k8s-search-", "k8s-tls-", "k8s-script-", "k8s-packages-", "k8s-airflow-", "k8s-prefect-", "k8s-argo-", "k8s-dask-"}

// clusterRows makes a row of every control that has such cases and asks nothing
// of what stands around the object.
func clusterRows(t testing.TB, set *control.Set) []clusterRow {
	t.Helper()
	var out []clusterRow
	for _, c := range set.Controls() {
		if !strings.HasPrefix(c.ID, "k8s-") || len(c.Cases.Fail) == 0 || len(c.Cases.Pass) == 0 {
			continue
		}
		row := clusterRow{control: c.ID, ai: true, objects: map[string]map[string]any{}}
		for _, p := range infrastructure {
			row.ai = row.ai && !strings.HasPrefix(c.ID, p)
		}
		for twin, k := range map[string]control.Case{"faulty": c.Cases.Fail[0], "mended": c.Cases.Pass[0]} {
			if k.Behind != "" || k.Class != "" || k.Owned || len(k.Denied) > 0 {
				continue
			}
			a, err := c.Asset(k)
			if err != nil {
				t.Fatal(err)
			}
			if a.Type == "apps/v1/Deployment" {
				row.objects[twin] = named(t, a.Config, strings.TrimPrefix(c.ID, "k8s-")+"-"+twin)
			}
		}
		if len(row.objects) == 2 {
			out = append(out, row)
		}
	}
	return out
}

// named makes a Deployment that an API server takes of a case.
func named(t testing.TB, config json.RawMessage, name string) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal(config, &o); err != nil {
		t.Fatal(err)
	}
	delete(o, "status")
	in := func(m map[string]any, key string) map[string]any {
		inner, _ := m[key].(map[string]any)
		if inner == nil {
			inner = map[string]any{}
			m[key] = inner
		}
		return inner
	}
	o["metadata"] = map[string]any{"name": name, "namespace": "cells"}
	spec := in(o, "spec")
	spec["selector"] = map[string]any{"matchLabels": map[string]any{"cell": name}}
	labels := in(in(in(spec, "template"), "metadata"), "labels")
	labels["cell"] = name
	whole(in(in(spec, "template"), "spec"))
	return o
}

// whole gives a pod what an API server asks for and a case leaves out: an image,
// and the volumes that are mounted.
func whole(pod map[string]any) {
	volumes, _ := pod["volumes"].([]any)
	have := map[any]bool{}
	for _, v := range volumes {
		m, _ := v.(map[string]any)
		have[m["name"]] = true
	}
	for _, list := range []string{"initContainers", "containers"} {
		containers, _ := pod[list].([]any)
		for _, e := range containers {
			c, _ := e.(map[string]any)
			if c["image"] == nil {
				c["image"] = "registry.example/serve@sha256:0"
			}
			mounts, _ := c["volumeMounts"].([]any)
			for _, e := range mounts {
				if m, _ := e.(map[string]any); !have[m["name"]] {
					have[m["name"]] = true
					volumes = append(volumes, map[string]any{"name": m["name"], "emptyDir": map[string]any{}})
				}
			}
		}
	}
	if len(volumes) > 0 {
		pod["volumes"] = volumes
	}
}

// TestOneFaultOneAnswerInClusters holds the rows of Kubernetes.
func TestOneFaultOneAnswerInClusters(t *testing.T) {
	set := builtin.Controls(t)
	table := clusterRows(t, set)
	server := kubetest.Start(t)
	server.Apply(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"cells"}}`)
	dir := t.TempDir()
	manifests, exports := filepath.Join(dir, "manifests"), filepath.Join(dir, "exports")
	var changes []any
	for _, d := range []string{manifests, exports} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range table {
		for twin, o := range r.objects {
			text, err := json.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			server.Apply(string(text))
			name := strings.TrimPrefix(r.control, "k8s-") + "-" + twin
			if err := os.WriteFile(filepath.Join(manifests, name+".json"), text, 0o600); err != nil {
				t.Fatal(err)
			}
			changes = append(changes, map[string]any{"address": "kubernetes_manifest." + name, "mode": "managed", "type": "kubernetes_manifest", "name": name,
				"provider_name": "registry.terraform.io/hashicorp/kubernetes", "change": map[string]any{"actions": []any{"create"}, "before": nil,
					"after": map[string]any{"manifest": o}, "after_unknown": map[string]any{"object": true}, "after_sensitive": map[string]any{}}})
		}
	}
	write(t, filepath.Join(exports, "deployments.json"), exported(t, server))
	plan := filepath.Join(dir, "plan.json")
	write(t, plan, map[string]any{"format_version": "1.2", "terraform_version": "1.13.5", "complete": true, "resource_changes": changes})
	t.Setenv("KUBECONFIG", server.Kubeconfig)
	for source, r := range map[string]*reading{"live": read(t, set, "kubernetes"), "manifests": read(t, set, "dir:"+manifests), "export": read(t, set, "dir:"+exports),
		"plan": read(t, set, "terraform:"+plan)} {
		for _, row := range table {
			for twin, want := range map[string]string{"faulty": "fail", "mended": "pass"} {
				name := strings.TrimPrefix(row.control, "k8s-") + "-" + twin
				if got := r.outcome(row.control, "apps/v1/Deployment", name); got != want {
					t.Errorf("%s: %s from %s says %s, want %s", row.control, name, source, got, want)
				}
			}
		}
	}
}

// exported is what kubectl get deployments -A -o json prints.
func exported(t *testing.T, server *kubetest.Server) any {
	t.Helper()
	client, err := dynamic.NewForConfig(server.Config)
	if err != nil {
		t.Fatal(err)
	}
	l, err := client.Resource(schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}).List(context.Background(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	items := []any{}
	for _, i := range l.Items {
		items = append(items, i.Object)
	}
	return map[string]any{"apiVersion": "v1", "kind": "List", "metadata": map[string]any{"resourceVersion": ""}, "items": items}
}

func write(t testing.TB, path string, v any) {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
