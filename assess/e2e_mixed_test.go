package assess_test

import (
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// A folder of exports and a live cluster in one run are one graph: all of
// both, and what the cluster names in AWS joined to what the export holds.
func TestExportsAndClusterAreOneGraph(t *testing.T) {
	// The cluster keeps the name its kubeconfig has: two that are called
	// "default" would be taken for one.
	t.Setenv("KUBECONFIG", twin(t, "faulty").Kubeconfig)
	folder := harbour(t)
	alone := run(t, folder)
	live := run(t, options(t, "kubernetes"))
	folder.Sources = append(folder.Sources, "kubernetes")
	both := run(t, folder)
	for _, s := range both.Snapshot.Sources() {
		if s.Status != "complete" {
			t.Errorf("%s is %s", s.Source, s.Status)
		}
	}
	for name, part := range map[string]map[planted]string{"exports": fails(alone), "cluster": fails(live)} {
		got := fails(both)
		if len(part) == 0 {
			t.Errorf("the %s alone show no fault: nothing was tested", name)
		}
		for f, id := range part {
			if got[f] != id {
				t.Errorf("%s: %s on %s is lost in the whole", name, f.Control, f.Asset)
			}
		}
	}
	sources := map[string]bool{}
	for _, a := range both.Snapshot.Assets() {
		if !a.Referenced {
			sources[strings.SplitN(a.Source, ":", 2)[0]] = true
		}
	}
	if !sources["dir"] || !sources["kubernetes"] {
		t.Errorf("assets come from %v only", sources)
	}
	n, ok := both.Snapshot.Find("k8s://test/training/Deployment/mlflow")
	if !ok || both.Snapshot.Asset(n).Kind == estate.KindUnknown {
		t.Error("the cluster's MLflow is not in the graph, or not understood")
	}
	if len(both.Workloads.List) < len(alone.Workloads.List)+len(live.Workloads.List) {
		t.Errorf("%d workloads of %d and %d", len(both.Workloads.List), len(alone.Workloads.List), len(live.Workloads.List))
	}
}
