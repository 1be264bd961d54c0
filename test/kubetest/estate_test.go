package kubetest_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	collect "github.com/sevenfold-sec/sevenfold/collect/kubernetes"
	"github.com/sevenfold-sec/sevenfold/estate"
	provider "github.com/sevenfold-sec/sevenfold/provider/kubernetes"
	"github.com/sevenfold-sec/sevenfold/test/kubetest"
)

// understood reads a live cluster into a snapshot, as assess does.
func understood(t *testing.T, server *kubetest.Server) *estate.Snapshot {
	t.Helper()
	ctx := context.Background()
	b := estate.NewBuilder(time.Now())
	if err := collect.New(collect.Options{Kubeconfig: server.Kubeconfig}).Collect(ctx, b); err != nil {
		t.Fatal(err)
	}
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	if s, err = s.Understood(ctx, provider.Understand); err != nil {
		t.Fatal(err)
	}
	assets, relations, err := provider.Derive(s)
	if err != nil {
		t.Fatal(err)
	}
	if s, err = s.With(assets, relations, nil); err != nil {
		t.Fatal(err)
	}
	return s
}

// Collector and provider are two packages that may not share code: a cluster
// read by the one and understood by the other is one graph only if they spell
// ids alike.
func TestClusterBecomesOneGraph(t *testing.T) {
	server := kubetest.Start(t)
	for _, name := range []string{"crds.yaml", "objects.yaml"} {
		text, err := os.ReadFile("../../collect/kubernetes/testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		server.Apply(string(text))
	}
	s := understood(t, server)

	roots := map[string]string{}
	var dangling, unread []string
	for _, a := range s.Assets() {
		if a.Root != nil {
			roots[a.ID] = a.Root.Class
		}
		switch {
		case a.Cloud == estate.Kubernetes && a.Kind == estate.KindUnknown && !a.Referenced && a.Type != estate.SetType:
			unread = append(unread, a.Type)
		case a.Referenced && strings.HasPrefix(a.ID, "k8s://test/"):
			dangling = append(dangling, a.ID)
		}
	}
	want := map[string]string{
		"k8s://test/serving/Deployment/llm":                           estate.ClassEndpoint,
		"k8s://test/serving/InferenceService.serving.kserve.io/score": estate.ClassEndpoint,
		"k8s://test/training/CronJob/retrain":                         estate.ClassTraining,
		"k8s://test/training/PyTorchJob.kubeflow.org/bert-3":          estate.ClassTraining,
		"k8s://test/training/RayCluster.ray.io/tune":                  estate.ClassTraining,
		"k8s://test/training/Notebook.kubeflow.org/ada":               estate.ClassNotebook,
		"k8s://test/training/Workflow.argoproj.io/etl-1":              estate.ClassPipeline,
	}
	for id, class := range want {
		if roots[id] != class {
			t.Errorf("%s: %q, want %q", id, roots[id], class)
		}
		delete(roots, id)
	}
	if len(roots) > 0 {
		t.Errorf("no workloads: %v", roots)
	}
	if len(unread) > 0 {
		t.Errorf("no kind for %v", slices.Compact(unread))
	}
	// No controller runs here that would make the default service accounts,
	// nor does a class name an ingress controller of its own.
	dangling = slices.DeleteFunc(dangling, func(id string) bool {
		return strings.HasSuffix(id, "/ServiceAccount/default") || strings.Contains(id, "/ServiceAccount/") && strings.Contains(id, "/kube-system/")
	})
	if len(dangling) > 0 {
		t.Errorf("related to and not read, so that collector and provider spell them differently: %v", dangling)
	}
	for _, b := range s.BlindSpots() {
		t.Errorf("blind spot: %+v", b)
	}
	leads(t, s, "k8s://test/serving/Ingress/llm", "hf://acme/fraud-7b")
	leads(t, s, "k8s://test/serving/Service/llm", "arn:aws:iam::111122223333:role/llm")
	leads(t, s, "k8s://test/training/CronJob/retrain", "k8s://test//PersistentVolume/pv-data")
	leads(t, s, "k8s://test//User/ada", "k8s://test/serving/Role/reader")
	leads(t, s, "k8s://test/serving/InferenceService.serving.kserve.io/score", "arn:aws:s3:::harbour-models")
}

// leads fails unless relations lead from one asset to another.
func leads(t *testing.T, s *estate.Snapshot, from, to string) {
	t.Helper()
	start, ok1 := s.Find(from)
	end, ok2 := s.Find(to)
	if !ok1 || !ok2 {
		t.Errorf("%s (%v) or %s (%v) is not in the graph", from, ok1, to, ok2)
		return
	}
	seen, queue := map[estate.Node]bool{start: true}, []estate.Node{start}
	for len(queue) > 0 {
		n := queue[0]
		queue = queue[1:]
		for e := range s.Out(n) {
			if !seen[e.Node] {
				seen[e.Node] = true
				queue = append(queue, e.Node)
			}
		}
	}
	if !seen[end] {
		t.Errorf("%s does not lead to %s", from, to)
	}
}

// A group whose server does not answer is a blind spot of the live cluster.
func TestBrokenGroupIsABlindSpot(t *testing.T) {
	server := kubetest.Start(t)
	server.Apply(`
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.broken.example.com}
spec:
  group: broken.example.com
  version: v1
  groupPriorityMinimum: 100
  versionPriority: 1
  insecureSkipTLSVerify: true
  service: {name: absent, namespace: default}
`)
	// The aggregator learns of it in its own time.
	for end := time.Now().Add(3 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		for _, b := range understood(t, server).BlindSpots() {
			if strings.HasPrefix(b.Operation, "kubernetes:discover:broken.example.com/v1") {
				return
			}
		}
		if time.Now().After(end) {
			t.Fatal("no blind spot for a group that does not answer")
		}
	}
}
