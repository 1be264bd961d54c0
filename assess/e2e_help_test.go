package assess_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/data"
	"github.com/sevenfold-sec/sevenfold/steps/network"
	"github.com/sevenfold-sec/sevenfold/steps/respond"
	"github.com/sevenfold-sec/sevenfold/steps/supply"
	"github.com/sevenfold-sec/sevenfold/test/builtin"
	"github.com/sevenfold-sec/sevenfold/test/kubetest"
)

// noon is the time of the runs.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// planted is a fault: the control that must find it, and where.
type planted struct {
	Control string `json:"control"`
	Asset   string `json:"asset"`
}

// options are those of a run without a configuration.
func options(t testing.TB, sources ...string) assess.Options {
	t.Helper()
	set := builtin.Controls(t)
	return assess.Options{Scope: scope.Default(), Controls: set, Sources: sources, Now: noon, MaskKey: []byte("test")}
}

// run assesses and fails the test on an error.
func run(t testing.TB, o assess.Options) *assess.Result {
	t.Helper()
	r, err := assess.Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// ofStep reports whether a finding is one that the network, data, supply or respond
// step gives by itself: it hangs on who can reach whom, on what was examined, or on
// how a thing is named, and no control asks it. Those steps' tests hold them; the
// labels of the twins are of controls.
func ofStep(f finding.Finding) bool {
	own := slices.Concat(network.Rules(), data.Rules(), supply.Rules(), respond.Rules())
	return slices.ContainsFunc(own, func(r finding.Rule) bool { return r.ID == f.Control })
}

// fails gives the failing findings and their ids, but for the steps' own.
func fails(r *assess.Result) map[planted]string {
	out := map[planted]string{}
	for _, f := range r.Findings {
		if f.Status == finding.Fail && !ofStep(f) {
			out[planted{f.Control, f.Asset}] = f.ID
		}
	}
	return out
}

// plantedIn reads the table of an estate's faults.
func plantedIn(t testing.TB, path string) map[planted]bool {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var list []planted
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	out := map[planted]bool{}
	for _, f := range list {
		out[f] = true
	}
	return out
}

// sameFaults compares what was found with what was planted.
func sameFaults(t *testing.T, got map[planted]string, want map[planted]bool) {
	t.Helper()
	for f := range want {
		if _, ok := got[f]; !ok {
			t.Errorf("planted and not found: %s on %s", f.Control, f.Asset)
		}
	}
	for f := range got {
		if !want[f] {
			t.Errorf("found and not planted: %s on %s", f.Control, f.Asset)
		}
	}
}

// sameFindings compares two results, statuses and ids.
func sameFindings(t *testing.T, got, want *assess.Result) {
	t.Helper()
	if d := cmp.Diff(want.Findings, got.Findings, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("findings (-want +got):\n%s", d)
	}
	if d := cmp.Diff(want.Criteria, got.Criteria, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("criteria (-want +got):\n%s", d)
	}
	if d := cmp.Diff(want.Verdicts, got.Verdicts, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("verdicts (-want +got):\n%s", d)
	}
}

// criterion gives one criterion of every workload; none is a failed test.
func criterion(t testing.TB, r *assess.Result, id string) map[string]finding.Criterion {
	t.Helper()
	out := map[string]finding.Criterion{}
	for w, cs := range r.Criteria {
		for _, c := range cs {
			if c.ID == id {
				out[w] = c
			}
		}
	}
	if len(out) == 0 {
		t.Fatalf("no workload has a criterion %s: nothing was tested", id)
	}
	return out
}

// unknownInventory fails unless audit.inventory of every workload is unknown
// and says the words.
func unknownInventory(t testing.TB, r *assess.Result, words ...string) {
	t.Helper()
	for w, c := range criterion(t, r, "audit.inventory") {
		if c.Status != finding.CriterionUnknown {
			t.Errorf("%s: audit.inventory is %s: %s", w, c.Status, c.Reason)
		}
		for _, word := range words {
			if !strings.Contains(c.Reason+" "+c.Hint, word) {
				t.Errorf("%s: audit.inventory does not say %q: %s (hint %s)", w, word, c.Reason, c.Hint)
			}
		}
	}
}

// source gives the status of the only source.
func source(t testing.TB, r *assess.Result) string {
	t.Helper()
	s := r.Snapshot.Sources()
	if len(s) != 1 {
		t.Fatalf("%d sources, want 1", len(s))
	}
	return s[0].Status
}

// hole says the first blind spot of the snapshot that holds a text.
func hole(r *assess.Result, text string) string {
	for _, b := range r.Snapshot.BlindSpots() {
		all := strings.Join([]string{b.Region, b.Operation, string(b.Status), b.Why, b.Hint}, " ")
		if strings.Contains(all, text) {
			return all
		}
	}
	return ""
}

// useCluster points the program at a kubeconfig whose cluster is called
// "default", as that of exports without a name is.
func useCluster(t testing.TB, path string) {
	t.Helper()
	c, err := clientcmd.LoadFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range c.Contexts {
		c.Clusters = map[string]*clientcmdapi.Cluster{"default": c.Clusters[k.Cluster]}
		k.Cluster = "default"
	}
	path = filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*c, path); err != nil {
		t.Fatal(err)
	}
	setenv(t, "KUBECONFIG", path)
}

// setenv works for any testing.TB.
func setenv(t testing.TB, name, value string) {
	t.Helper()
	if t, ok := t.(interface{ Setenv(string, string) }); ok {
		t.Setenv(name, value)
	}
}

// twin starts a cluster and applies one twin of the estate to it.
func twin(t *testing.T, name string) *kubetest.Server {
	t.Helper()
	s := kubetest.Start(t)
	for _, text := range manifests(t, name) {
		s.Apply(text)
	}
	useCluster(t, s.Kubeconfig)
	return s
}

// estates is where the manifests of the twins are.
var estates = filepath.Join("..", "test", "kubetest", "estates")

// manifests gives the definitions and objects of one twin in order.
func manifests(t testing.TB, name string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(estates, name, "*.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no manifests of the %s twin: %v", name, err)
	}
	var out []string
	for _, p := range append([]string{filepath.Join(estates, "definitions.yaml")}, paths...) {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(text))
	}
	return out
}
