package kubernetes_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/collect/kubernetes"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/test/kubetest"
)

const secretValue = "VALUE-THAT-MUST-NOT-BE-SEEN"

// sink keeps what a collector sends.
type sink struct {
	mu      sync.Mutex
	assets  map[string]estate.Asset
	blind   []estate.BlindSpot
	covered []estate.Coverage
	calls   map[string]int
}

func newSink() *sink { return &sink{assets: map[string]estate.Asset{}, calls: map[string]int{}} }

func (s *sink) Asset(a estate.Asset) { s.mu.Lock(); defer s.mu.Unlock(); s.assets[a.ID] = a }
func (s *sink) BlindSpot(b estate.BlindSpot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blind = append(s.blind, b)
}
func (s *sink) Covered(c estate.Coverage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.covered = append(s.covered, c)
}
func (s *sink) Called(op string) { s.mu.Lock(); defer s.mu.Unlock(); s.calls[op]++ }

func fixture(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func collect(t testing.TB, o kubernetes.Options) *sink {
	t.Helper()
	s := newSink()
	if err := kubernetes.New(o).Collect(context.Background(), s); err != nil {
		t.Fatal(err)
	}
	return s
}

// One server and one estate serve all tests of this file: a start costs seconds.
func TestLive(t *testing.T) {
	server := kubetest.Start(t)
	server.Apply(fixture(t, "crds.yaml"))
	server.Apply(fixture(t, "objects.yaml"))
	t.Run("everything_is_read", func(t *testing.T) { everythingIsRead(t, server) })
	t.Run("secrets_stay_in_the_server", func(t *testing.T) { secretsStay(t, server) })
	t.Run("paging_changes_nothing", func(t *testing.T) { pagingChangesNothing(t, server) })
	t.Run("manifests_give_the_same_assets", func(t *testing.T) { manifestsAgree(t, server) })
	t.Run("exports_give_the_same_assets", func(t *testing.T) { exportsAgree(t, server) })
	t.Run("few_rights_are_blind_spots", func(t *testing.T) { fewRights(t, server) })
	t.Run("policy_suffices", func(t *testing.T) { policySuffices(t, server) })
	t.Run("namespaces", func(t *testing.T) { namespaces(t, server) })
	t.Run("history", func(t *testing.T) { history(t, server) })
}

func everythingIsRead(t *testing.T, server *kubetest.Server) {
	s := collect(t, kubernetes.Options{Kubeconfig: server.Kubeconfig})
	if len(s.blind) > 0 {
		t.Errorf("blind spots: %+v", s.blind)
	}
	for id, typ := range map[string]string{
		"k8s://test//Cluster/test":                                                 "kubernetes/Cluster",
		"k8s://test//Node/ip-10-0-0-1":                                             "v1/Node",
		"k8s://test/serving/Deployment/llm":                                        "apps/v1/Deployment",
		"k8s://test/serving/Secret/hub-token":                                      "v1/Secret",
		"k8s://test/serving/InferenceService.serving.kserve.io/score":              "serving.kserve.io/v1beta1/InferenceService",
		"k8s://test/training/PyTorchJob.kubeflow.org/bert-3":                       "kubeflow.org/v1/PyTorchJob",
		"k8s://test//ClusterQueue.kueue.x-k8s.io/gpus":                             "kueue.x-k8s.io/v1beta1/ClusterQueue",
		"k8s://test/serving/HorizontalPodAutoscaler/llm":                           "autoscaling/v2/HorizontalPodAutoscaler",
		"k8s://test//ClusterRole/cluster-admin":                                    "rbac.authorization.k8s.io/v1/ClusterRole",
		"k8s://test//CustomResourceDefinition/inferenceservices.serving.kserve.io": "apiextensions.k8s.io/v1/CustomResourceDefinition",
	} {
		if a, ok := s.assets[id]; !ok || a.Type != typ {
			t.Errorf("%s: read %v, type %q, want %q", id, ok, a.Type, typ)
		}
	}
	dep := s.assets["k8s://test/serving/Deployment/llm"]
	if dep.Account != "test" || dep.Region != "serving" || dep.Name != "llm" || dep.Tags["app"] != "llm" || dep.Created.IsZero() {
		t.Errorf("deployment: %+v", dep)
	}
	if strings.Contains(string(dep.Config), "managedFields") {
		t.Error("managed fields were kept")
	}
	if !slices.Contains(s.covered, estate.Coverage{Type: "v1/Pod", Account: "test"}) {
		t.Errorf("pods are not covered: %v", s.covered)
	}
	for op := range s.calls {
		if !strings.HasPrefix(op, "kubernetes:list:") && !strings.HasPrefix(op, "kubernetes:get:/") {
			t.Errorf("called %s: a collector only gets and lists", op)
		}
	}
	for _, left := range kubernetes.LeftOut() {
		if s.calls["kubernetes:list:"+left.Resource] > 0 {
			t.Errorf("%s is to be left out and was listed", left.Resource)
		}
	}
}

func secretsStay(t *testing.T, server *kubetest.Server) {
	s := collect(t, kubernetes.Options{Kubeconfig: server.Kubeconfig})
	for id, a := range s.assets {
		if strings.Contains(string(a.Config), secretValue) || strings.Contains(string(a.Config), "VkFMVUU") {
			t.Errorf("%s holds a value: %s", id, a.Config)
		}
	}
	for id, typ := range map[string]string{"hub-token": "Opaque", "login": "kubernetes.io/basic-auth"} {
		var got struct {
			Type     string
			Metadata struct{ Annotations map[string]string }
		}
		a := s.assets["k8s://test/serving/Secret/"+id]
		if err := json.Unmarshal(a.Config, &got); err != nil || got.Type != typ {
			t.Errorf("%s: type %q, want %q (%v)", id, got.Type, typ, err)
		}
		if !slices.Contains(a.Unknown, "/data") {
			t.Errorf("%s: data is not marked unknown: %v", id, a.Unknown)
		}
	}
	var settings struct{ Data map[string]*string }
	a := s.assets["k8s://test/serving/ConfigMap/settings"]
	if err := json.Unmarshal(a.Config, &settings); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]*string{"model.yaml": nil, "a.b": nil}, settings.Data); diff != "" {
		t.Errorf("keys of the configuration map (-want +got):\n%s", diff)
	}
	if want := []string{"/binaryData/blob", "/data/a.b", "/data/model.yaml"}; !slices.Equal(a.Unknown, want) {
		t.Errorf("unknown: %v, want %v", a.Unknown, want)
	}
}

func pagingChangesNothing(t *testing.T, server *kubetest.Server) {
	whole := collect(t, kubernetes.Options{Kubeconfig: server.Kubeconfig})
	paged := collect(t, kubernetes.Options{Kubeconfig: server.Kubeconfig, Page: 3, Concurrency: 2})
	if diff := cmp.Diff(configs(whole.assets), configs(paged.assets)); diff != "" {
		t.Errorf("pages of 3 (-whole +paged):\n%s", diff)
	}
	if paged.calls["kubernetes:list:clusterroles.rbac.authorization.k8s.io"] < 5 {
		t.Errorf("cluster roles came in %d pages", paged.calls["kubernetes:list:clusterroles.rbac.authorization.k8s.io"])
	}
}

// volatile is what changes by itself on a server that serves.
var volatile = []string{"resourceVersion"}

func configs(assets map[string]estate.Asset) map[string]any {
	out := map[string]any{}
	for id, a := range assets {
		var v map[string]any
		_ = json.Unmarshal(a.Config, &v)
		if m, ok := v["metadata"].(map[string]any); ok {
			for _, k := range volatile {
				delete(m, k)
			}
		}
		if strings.HasSuffix(a.Type, "/FlowSchema") || strings.HasSuffix(a.Type, "/PriorityLevelConfiguration") || strings.HasSuffix(a.Type, "/APIService") {
			delete(v, "status")
		}
		out[id] = map[string]any{"type": a.Type, "tags": a.Tags, "name": a.Name, "account": a.Account, "region": a.Region, "unknown": a.Unknown, "config": v, "reads": a.Reads}
	}
	return out
}

func fewRights(t *testing.T, server *kubetest.Server) {
	path := server.Grant("eve", `- {apiGroups: [""], resources: [pods, namespaces], verbs: [list]}
- {apiGroups: [apps], resources: ["*"], verbs: [list]}`)
	s := collect(t, kubernetes.Options{Kubeconfig: path})
	if _, ok := s.assets["k8s://test/serving/Deployment/llm"]; !ok {
		t.Error("what may be read was not read")
	}
	byOperation := map[string]estate.BlindSpot{}
	for _, b := range s.blind {
		byOperation[b.Operation] = b
	}
	for op, want := range map[string]struct{ typ, hint string }{
		"kubernetes:list:secrets":                             {"v1/Secret", `grant list on secrets in group ""`},
		"kubernetes:list:inferenceservices.serving.kserve.io": {"serving.kserve.io/v1beta1/InferenceService", `grant list on inferenceservices in group "serving.kserve.io"`},
	} {
		b, ok := byOperation[op]
		if !ok || b.Status != estate.ReadDenied || !slices.Equal(b.Types, []string{want.typ}) || !strings.HasPrefix(b.Hint, want.hint) || b.Account != "test" {
			t.Errorf("%s: %+v", op, b)
		}
		if slices.Contains(s.covered, estate.Coverage{Type: want.typ, Account: "test"}) {
			t.Errorf("%s was refused and counts as covered", want.typ)
		}
	}
	if _, ok := byOperation["kubernetes:list:pods"]; ok {
		t.Error("pods may be listed and are a blind spot")
	}
}

// The printed role is enough, and without secrets lacks only these.
func policySuffices(t *testing.T, server *kubetest.Server) {
	for _, secrets := range []bool{true, false} {
		server.Apply(kubernetes.Policy(secrets))
		s := collect(t, kubernetes.Options{Kubeconfig: server.As("reader", "sevenfold-readers")})
		var denied []string
		for _, b := range s.blind {
			denied = append(denied, b.Operation)
		}
		var want []string
		if !secrets {
			want = []string{"kubernetes:list:secrets"}
		}
		if !slices.Equal(denied, want) {
			t.Errorf("with secrets %v: denied %v, want %v", secrets, denied, want)
		}
	}
}

func namespaces(t *testing.T, server *kubetest.Server) {
	s := collect(t, kubernetes.Options{Kubeconfig: server.Kubeconfig, Namespaces: []string{"serving"}, Cluster: "arn:aws:eks:eu-west-1:111122223333:cluster/prod"})
	for id, a := range s.assets {
		if a.Region != "" && a.Region != "serving" || a.Account != "prod" {
			t.Errorf("%s is in %s of %s", id, a.Region, a.Account)
		}
	}
	if !slices.Contains(s.covered, estate.Coverage{Type: "v1/Secret", Account: "prod", Region: "serving"}) {
		t.Error("secrets of the namespace are not covered")
	}
	if slices.Contains(s.covered, estate.Coverage{Type: "v1/Secret", Account: "prod"}) {
		t.Error("secrets of the whole cluster count as covered")
	}
}

func history(t *testing.T, server *kubetest.Server) {
	var b strings.Builder
	for i := range 12 {
		fmt.Fprintf(&b, `---
apiVersion: v1
kind: Pod
metadata:
  name: nightly-%d-x
  namespace: training
  ownerReferences: [{apiVersion: batch/v1, kind: Job, name: nightly-%d, uid: u%d, controller: true}]
spec: {restartPolicy: Never, containers: [{name: c, image: i}]}
status: {phase: %s}
`, i, i, i, map[bool]string{true: "Running", false: "Succeeded"}[i == 0])
	}
	server.Apply(b.String())
	s := collect(t, kubernetes.Options{Kubeconfig: server.Kubeconfig, History: 3})
	kept := 0
	for id := range s.assets {
		if strings.Contains(id, "/Pod/nightly-") {
			kept++
		}
	}
	if _, ok := s.assets["k8s://test/training/Pod/nightly-0-x"]; !ok || kept != 4 {
		t.Errorf("kept %d pods, the running one %v; want 3 finished ones and the running one", kept, ok)
	}
	if len(s.blind) != 1 || s.blind[0].Status != estate.ReadSkipped || !strings.HasPrefix(s.blind[0].Why, "8 finished") {
		t.Errorf("blind spots: %+v", s.blind)
	}
}
