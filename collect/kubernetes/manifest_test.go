package kubernetes_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/sevenfold-sec/sevenfold/collect/kubernetes"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// read gives one YAML document to a fresh format.
func read(t testing.TB, text string, doc estate.Document) (*sink, bool) {
	t.Helper()
	body, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	doc.Body, doc.Path = body, "f.yaml"
	s := newSink()
	m := &kubernetes.Manifest{}
	ok := m.Read(doc, s)
	m.Flush(s)
	return s, ok
}

func ids(s *sink) []string {
	out := []string{}
	for id := range s.assets {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

func TestManifestShapes(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		doc  estate.Document
		want []string
	}{
		"object":             {text: `{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: b}}`, want: []string{"k8s://default/b/Pod/a"}},
		"no_namespace":       {text: `{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}`, want: []string{"k8s://default/default/Deployment/a"}},
		"cluster_scoped":     {text: `{apiVersion: v1, kind: Namespace, metadata: {name: a}}`, want: []string{"k8s://default//Namespace/a"}},
		"cluster_by_account": {text: `{apiVersion: v1, kind: Node, metadata: {name: a}}`, doc: estate.Document{Account: "prod"}, want: []string{"k8s://prod//Node/a"}},
		"cloud_account":      {text: `{apiVersion: v1, kind: Node, metadata: {name: a}}`, doc: estate.Document{Account: "111122223333"}, want: []string{"k8s://default//Node/a"}},
		"list": {text: `{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Pod, metadata: {name: a}}, {apiVersion: v1, kind: Node, metadata: {name: node1}}]}`,
			want: []string{"k8s://default//Node/node1", "k8s://default/default/Pod/a"}},
		"typed_list": {text: `{apiVersion: v1, kind: PodList, items: [{metadata: {name: a, namespace: x}}]}`, want: []string{"k8s://default/x/Pod/a"}},
		"custom_typed_list": {text: `{apiVersion: serving.kserve.io/v1beta1, kind: InferenceServiceList, items: [{metadata: {name: a, namespace: x}}]}`,
			want: []string{"k8s://default/x/InferenceService.serving.kserve.io/a"}},
		"part_of_a_large_list": {text: `{apiVersion: v1, items: [{apiVersion: v1, kind: Pod, metadata: {name: a}}]}`, doc: estate.Document{Partial: true},
			want: []string{"k8s://default/default/Pod/a"}},
		"end_of_a_large_list": {text: `{apiVersion: v1, kind: List, metadata: {resourceVersion: ""}}`, doc: estate.Document{Partial: true}, want: []string{}},
		"null_list":           {text: `{apiVersion: v1, kind: PodList, metadata: {}, items: null}`, want: []string{}},
		"kind_called_list":    {text: `{apiVersion: example.com/v1, kind: AllowList, metadata: {name: a, namespace: x}}`, want: []string{"k8s://default/x/AllowList.example.com/a"}},
		"empty_list":          {text: `{apiVersion: v1, kind: List, items: []}`, want: []string{}},
		"list_of_lists":       {text: `{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: PodList, items: [{metadata: {name: a}}]}]}`, want: []string{"k8s://default/default/Pod/a"}},
		"array_of_objects":    {text: `[{apiVersion: v1, kind: Pod, metadata: {name: a}}]`, want: []string{"k8s://default/default/Pod/a"}},
		"custom_applied":      {text: `{apiVersion: example.com/v1, kind: Thing, metadata: {name: a}}`, want: []string{"k8s://default/default/Thing.example.com/a"}},
		"custom_exported":     {text: `{apiVersion: example.com/v1, kind: Thing, metadata: {name: a, uid: u}}`, want: []string{"k8s://default//Thing.example.com/a"}},
		"custom_cluster":      {text: `{apiVersion: serving.kserve.io/v1alpha1, kind: ClusterServingRuntime, metadata: {name: a}}`, want: []string{"k8s://default//ClusterServingRuntime.serving.kserve.io/a"}},
		"gateway_is_no_builtin": {text: `{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: a, namespace: x}}`,
			want: []string{"k8s://default/x/Gateway.gateway.networking.k8s.io/a"}},
		"definition_and_object": {text: `{apiVersion: v1, kind: List, items: [{apiVersion: example.com/v1, kind: Thing, metadata: {name: a}}, {apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: things.example.com}, spec: {group: example.com, scope: Cluster, names: {kind: Thing}}}]}`,
			want: []string{"k8s://default//CustomResourceDefinition/things.example.com", "k8s://default//Thing.example.com/a"}},
		// Files that look like objects and are a tool's settings.
		"kubeconfig":    {text: `{apiVersion: v1, kind: Config, clusters: []}`, want: []string{}},
		"kustomization": {text: `{apiVersion: kustomize.config.k8s.io/v1beta1, kind: Kustomization, resources: [a.yaml]}`, want: []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			s, ok := read(t, c.text, c.doc)
			if got := ids(s); !ok || !slices.Equal(got, c.want) || len(s.blind) > 0 {
				t.Errorf("understood %v, got %v, want %v; blind spots %v", ok, got, c.want, s.blind)
			}
		})
	}
}

// Documents of other formats are left to them.
func TestManifestLeavesOthers(t *testing.T) {
	for _, text := range []string{
		`{Policy: "{}"}`, `{items: [1, 2]}`, `{apiVersion: v2, name: chart}`, `{kind: storage#bucket, name: b}`, `[]`, `[1]`, `3`, `"x"`, `null`,
		`{apiVersion: "2012-10-17", Statement: []}`, `{kind: storage#buckets, items: [{kind: storage#bucket}]}`,
		`[{apiVersion: v1, kind: Pod, metadata: {name: a}}, {Other: 1}]`, `{apiVersion: v1, kind: Pod}`,
	} {
		if s, ok := read(t, text, estate.Document{}); ok || len(s.assets)+len(s.blind) > 0 {
			t.Errorf("%s: taken, %v %v", text, ids(s), s.blind)
		}
	}
}

func TestManifestDamage(t *testing.T) {
	for name, text := range map[string]string{
		"no_name":             `{apiVersion: v1, kind: Pod, metadata: {}}`,
		"metadata_is_a_list":  `{apiVersion: v1, kind: Pod, metadata: [a]}`,
		"item_is_a_number":    `{apiVersion: v1, kind: List, items: [7]}`,
		"name_with_a_slash":   `{apiVersion: v1, kind: Pod, metadata: {name: "../x"}}`,
		"namespace_with_hash": `{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: "b#c"}}`,
		"lists_without_end":   `{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: List, items: []}]}]}]}]}]}`,
	} {
		s, ok := read(t, text, estate.Document{Index: 4})
		if !ok || len(s.assets) > 0 || len(s.blind) != 1 {
			t.Errorf("%s: understood %v, %v, %v", name, ok, ids(s), s.blind)
			continue
		}
		if b := s.blind[0]; b.Status != estate.ReadMalformed || !strings.Contains(b.Operation, "f.yaml, document 4") || b.Hint == "" {
			t.Errorf("%s: %+v", name, b)
		}
	}
}

// One page of several is no list of all there is.
func TestManifestNamesCutLists(t *testing.T) {
	for text, why := range map[string]string{
		`{apiVersion: v1, kind: PodList, metadata: {continue: abc}, items: [{metadata: {name: a}}]}`:                                                  "names a next page",
		`{apiVersion: v1, kind: List, metadata: {continue: abc, remainingItemCount: 500}, items: [{apiVersion: v1, kind: Pod, metadata: {name: a}}]}`: "about 500 objects",
		`{apiVersion: v1, kind: PodList, metadata: {remainingItemCount: 7}}`:                                                                          "about 7 objects",
		`{apiVersion: v1, kind: PodList, metadata: {continue: "", remainingItemCount: 0}, items: [{metadata: {name: a}}]}`:                            "",
		`{apiVersion: v1, kind: PodList, metadata: {resourceVersion: "7"}, items: [{metadata: {name: a}}]}`:                                           "",
	} {
		s, _ := read(t, text, estate.Document{})
		switch {
		case why == "" && len(s.blind) > 0:
			t.Errorf("%s: %v", text, s.blind)
		case why != "" && (len(s.blind) != 1 || s.blind[0].Status != estate.ReadMalformed || !strings.Contains(s.blind[0].Why, why) || !strings.Contains(s.blind[0].Hint, "--chunk-size=0")):
			t.Errorf("%s: %v, want one that says %q", text, s.blind, why)
		}
	}
}

// The cluster the source names beats what looks like an account.
func TestManifestOfANamedCluster(t *testing.T) {
	s, _ := read(t, `{apiVersion: v1, kind: Pod, metadata: {name: a}}`, estate.Document{Cluster: "prod", Account: "111122223333"})
	if got := ids(s); !slices.Equal(got, []string{"k8s://prod/default/Pod/a"}) {
		t.Error(got)
	}
}

func TestManifestUnknowns(t *testing.T) {
	for text, want := range map[string][]string{
		// What is written is known; how it fares is not in the file.
		`{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}`:                     {"/status"},
		`{apiVersion: ray.io/v1, kind: RayCluster, metadata: {name: a}}`:                   {"/status"},
		`{apiVersion: v1, kind: Pod, metadata: {name: a}}`:                                 {"/status"},
		`{apiVersion: v1, kind: Pod, metadata: {name: a, uid: u}}`:                         nil,
		`{apiVersion: v1, kind: Pod, metadata: {name: a}, status: {}}`:                     nil,
		`{apiVersion: v1, kind: Secret, type: Opaque, metadata: {name: a, uid: u}}`:        {"/data", "/stringData"},
		`{apiVersion: v1, kind: Secret, metadata: {name: a, uid: u}}`:                      {"/data", "/stringData", "/type"},
		`{apiVersion: v1, kind: ConfigMap, metadata: {name: a, uid: u}, data: {"x/~": s}}`: {"/data/x~1~0"},
		`{apiVersion: v1, kind: ConfigMap, metadata: {name: a, uid: u}, data: secret}`:     {"/data"},
		// Who of IAM is who in a cluster is no secret; beside it, and elsewhere, all is.
		`{apiVersion: v1, kind: ConfigMap, metadata: {name: aws-auth, namespace: kube-system, uid: u}, data: {mapRoles: "[]", other: s}}`: {"/data/other"},
		`{apiVersion: v1, kind: ConfigMap, metadata: {name: aws-auth, namespace: ml, uid: u}, data: {mapRoles: secret}}`:                  {"/data/mapRoles"},
		`{apiVersion: example.com/v1, kind: Secret, metadata: {name: a, uid: u}, data: {k: v}}`:                                           nil, // another group's kind
	} {
		s, _ := read(t, text, estate.Document{})
		for id, a := range s.assets {
			if !slices.Equal(a.Unknown, want) {
				t.Errorf("%s: unknown %v, want %v", id, a.Unknown, want)
			}
			if strings.Contains(string(a.Config), "secret") {
				t.Errorf("%s keeps a value", a.Config)
			}
		}
	}
}

// Copies of an object in its annotations hold what its data held.
func TestCopiesAreDropped(t *testing.T) {
	long := strings.Repeat("secret", 60)
	for _, kind := range []string{"Secret", "ConfigMap"} {
		s, _ := read(t, `{apiVersion: v1, kind: `+kind+`, metadata: {name: a, uid: u, managedFields: [{x: secret}], annotations: {team: ml, number: 3, "kapp.k14s.io/original": secret, "kubectl.kubernetes.io/last-applied-configuration": secret, other: `+long+`}}}`, estate.Document{})
		config := string(s.assets["k8s://default/default/"+kind+"/a"].Config)
		if strings.Contains(config, "secret") || !strings.Contains(config, `"team":"ml"`) {
			t.Errorf("kept %s", config)
		}
	}
	s, _ := read(t, `{apiVersion: v1, kind: Pod, metadata: {name: a, uid: u, annotations: {"kapp.k14s.io/original": secret, other: `+long+`}}}`, estate.Document{})
	if config := string(s.assets["k8s://default/default/Pod/a"].Config); strings.Contains(config, "kapp") || !strings.Contains(config, long) {
		t.Errorf("kept %s", config)
	}
}

func FuzzManifest(f *testing.F) {
	for _, seed := range []string{
		`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a","annotations":{"kubectl.kubernetes.io/last-applied-configuration":"SENTINEL"}},"data":{"k":"SENTINEL"},"stringData":{"SENTINEL":"SENTINEL"}}`,
		`{"apiVersion":"v1","kind":"SecretList","items":[{"metadata":{"name":"a"},"data":"SENTINEL"}]}`,
		`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":["SENTINEL"],"binaryData":{"k":{"SENTINEL":1}}}`,
		`[{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"a"}}]`,
		`{"apiVersion":"v1","kind":"List","items":[null,{"kind":1}]}`,
		`{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"a"},"spec":{"names":[]}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		s := newSink()
		m := &kubernetes.Manifest{}
		ok := m.Read(estate.Document{Path: "f", Body: body}, s)
		m.Flush(s)
		if !ok && len(s.assets)+len(s.blind) > 0 {
			t.Fatal("sent something of a document that is not its own")
		}
		for id, a := range s.assets {
			if !strings.HasPrefix(id, "k8s://") || a.Name == "" || !json.Valid(a.Config) || len(a.Reads) != 1 {
				t.Fatalf("half an asset: %+v", a)
			}
			if a.Type == "v1/Secret" {
				var o map[string]any
				_ = json.Unmarshal(a.Config, &o)
				if o["data"] != nil || o["stringData"] != nil {
					t.Fatalf("values kept: %s", a.Config)
				}
			}
		}
	})
}
