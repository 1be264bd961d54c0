package kubernetes_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"github.com/sevenfold-sec/sevenfold/collect/kubernetes"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/test/kubetest"
)

// A manifest as applied gives the same assets as the cluster it was applied
// to: same ids, types, places and tags, and each member of its configuration
// stands in the cluster's, which adds defaults, status and what the server
// notes (uid, resourceVersion, generation, creationTimestamp).
func manifestsAgree(t *testing.T, server *kubetest.Server) {
	live := collect(t, kubernetes.Options{Kubeconfig: server.Kubeconfig})
	files := newSink()
	m := &kubernetes.Manifest{}
	for _, name := range []string{"objects.yaml", "crds.yaml"} { // definitions last, on purpose
		for i, text := range strings.Split(fixture(t, name), "\n---\n") {
			body, err := yaml.YAMLToJSON([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if !m.Read(estate.Document{Path: name, Index: i, Body: body, Account: "test"}, files) {
				t.Errorf("%s, document %d: not understood", name, i)
			}
		}
	}
	m.Flush(files)
	if len(files.blind) > 0 || len(files.assets) < 25 {
		t.Errorf("%d assets, blind spots %v", len(files.assets), files.blind)
	}
	for id, f := range files.assets {
		l, ok := live.assets[id]
		if !ok {
			t.Errorf("%s is in no cluster", id)
			continue
		}
		if f.Type != l.Type || f.Name != l.Name || f.Region != l.Region || f.Account != l.Account {
			t.Errorf("%s: %s %s/%s, live %s %s/%s", id, f.Type, f.Region, f.Name, l.Type, l.Region, l.Name)
		}
		var fc, lc any
		_, _ = json.Unmarshal(f.Config, &fc), json.Unmarshal(l.Config, &lc)
		if where := missing(fc, lc, "config"); where != "" {
			t.Errorf("%s: %s is in the manifest and not in the cluster", id, where)
		}
	}
}

// missing names the first place of a that b does not have.
func missing(a, b any, path string) string {
	switch a := a.(type) {
	case map[string]any:
		bm, ok := b.(map[string]any)
		if !ok {
			return path
		}
		for k, v := range a {
			bv, has := bm[k]
			if !has {
				return path + "." + k
			}
			if where := missing(v, bv, path+"."+k); where != "" {
				return where
			}
		}
		return ""
	case []any:
		bl, ok := b.([]any)
		if !ok || len(bl) != len(a) {
			return path
		}
		for i := range a {
			if where := missing(a[i], bl[i], fmt.Sprintf("%s[%d]", path, i)); where != "" {
				return where
			}
		}
		return ""
	}
	if !cmp.Equal(a, b) {
		return path
	}
	return ""
}

// An export of the same cluster gives the same assets in full.
func exportsAgree(t *testing.T, server *kubetest.Server) {
	live := collect(t, kubernetes.Options{Kubeconfig: server.Kubeconfig})
	client, err := dynamic.NewForConfig(server.Config)
	if err != nil {
		t.Fatal(err)
	}
	files := newSink()
	m := &kubernetes.Manifest{}
	want := map[string]estate.Asset{}
	for _, r := range []schema.GroupVersionResource{
		{Version: "v1", Resource: "secrets"}, {Version: "v1", Resource: "configmaps"}, {Version: "v1", Resource: "namespaces"},
		{Version: "v1", Resource: "nodes"}, {Version: "v1", Resource: "services"}, {Group: "apps", Version: "v1", Resource: "deployments"},
		{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterroles"}, {Group: "kueue.x-k8s.io", Version: "v1beta1", Resource: "clusterqueues"},
		{Group: "kubeflow.org", Version: "v1", Resource: "pytorchjobs"},
	} {
		l, err := client.Resource(r).List(context.Background(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		list, err := l.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		var typed map[string]any
		if err := json.Unmarshal(list, &typed); err != nil {
			t.Fatal(err)
		}
		for _, item := range typed["items"].([]any) {
			o := item.(map[string]any)
			meta := o["metadata"].(map[string]any)
			ns, _ := meta["namespace"].(string)
			id := kubernetes.ID("test", ns, r.Group, o["kind"].(string), meta["name"].(string))
			want[id] = live.assets[id]
			delete(o, "kind") // as the API server itself sends typed lists
			delete(o, "apiVersion")
		}
		body, err := json.Marshal(typed)
		if err != nil {
			t.Fatal(err)
		}
		if !m.Read(estate.Document{Path: r.Resource + ".json", Body: body, Account: "test"}, files) {
			t.Errorf("%s: list not understood", r.Resource)
		}
	}
	m.Flush(files)
	if diff := cmp.Diff(configs(want), configs(files.assets)); diff != "" {
		t.Errorf("(-live +export):\n%s", diff)
	}
}
