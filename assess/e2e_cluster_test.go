package assess_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/test/kubetest"
)

// classes are the workloads of both twins, but for those in the namespace wide,
// which hold one object a control each.
var classes = map[string]string{
	"serving/Deployment/llm":                           estate.ClassEndpoint,
	"serving/Deployment/triton":                        estate.ClassEndpoint,
	"serving/Deployment/ollama":                        estate.ClassEndpoint,
	"serving/InferenceService.serving.kserve.io/score": estate.ClassEndpoint,
	"serving/StatefulSet/qdrant":                       estate.ClassPipeline,
	"training/Deployment/mlflow":                       estate.ClassManagement,
	"training/Job/fraud-train":                         estate.ClassTraining,
	"training/CronJob/features":                        estate.ClassPipeline,
	"training/RayCluster.ray.io/tune":                  estate.ClassTraining,
	"lab/StatefulSet/jupyter":                          estate.ClassNotebook,
	"lab/Notebook.kubeflow.org/ada":                    estate.ClassNotebook,
}

func TestFaultyCluster(t *testing.T) {
	server := twin(t, "faulty")
	want := plantedIn(t, filepath.Join(estates, "faulty", "faults.json"))
	live := run(t, options(t, "kubernetes"))
	t.Run("every fault is found and nothing else", func(t *testing.T) { sameFaults(t, fails(live), want) })
	t.Run("every control of Kubernetes has a fault", func(t *testing.T) {
		for _, c := range options(t).Controls.Controls() {
			if strings.HasPrefix(c.ID, "k8s-") && !slices.ContainsFunc(keys(want), func(f planted) bool { return f.Control == c.ID }) {
				t.Errorf("%s: no fault is planted for it", c.ID)
			}
		}
	})
	t.Run("workloads and why", func(t *testing.T) { workloadsAndWhy(t, live) })
	t.Run("the same from exports", func(t *testing.T) { sameFromExports(t, server, live) })
	t.Run("no value of a secret or setting is kept", func(t *testing.T) { noSecrets(t, live) })
	t.Run("the same from the manifests as applied", func(t *testing.T) {
		dir := t.TempDir()
		writeManifests(t, dir, "faulty")
		sameFaults(t, fails(run(t, options(t, "dir:"+dir))), want)
	})
}

// writeManifests puts the manifests of a twin into a folder.
func writeManifests(t *testing.T, dir, name string) {
	t.Helper()
	for i, text := range manifests(t, name) {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.yaml", i)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func keys[K comparable, V any](m map[K]V) []K {
	var out []K
	for k := range m {
		out = append(out, k)
	}
	return out
}

// workloadsAndWhy checks classes, and what inventory --why says.
func workloadsAndWhy(t *testing.T, r *assess.Result) {
	got := map[string]string{}
	for _, w := range r.Workloads.List {
		for _, root := range w.Roots {
			if name := strings.TrimPrefix(root, "k8s://default/"); !strings.HasPrefix(name, "wide/") {
				got[name] = w.Type
			}
		}
	}
	if d := cmp.Diff(classes, got); d != "" {
		t.Errorf("workloads (-want +got):\n%s", d)
	}
	for asset, want := range map[string][]string{
		"serving/Deployment/llm":         {"the root of a " + estate.ClassEndpoint, "vllm/vllm-openai:v0.9.0", "nvidia.com/gpu"},
		"training/Job/fraud-train":       {"the root of a " + estate.ClassTraining, "torchrun"},
		"lab/Notebook.kubeflow.org/ada":  {"the root of a " + estate.ClassNotebook, "Notebook"},
		"serving/ServiceAccount/llm":     {"belongs to a workload"},
		"/ClusterRole/view":              {"no AI workload has anything to do with it"},
		"lab/ServiceAccount/nobody-here": nil,
	} {
		n, ok := r.Snapshot.Find("k8s://default/" + asset)
		if !ok {
			if want != nil {
				t.Errorf("%s is not in the graph", asset)
			}
			continue
		}
		w := r.Why(n)
		for _, text := range want {
			if !strings.Contains(w.Why, text) {
				t.Errorf("%s: %q does not say %q", asset, w.Why, text)
			}
		}
		if strings.HasPrefix(w.Why, "the root") && (!strings.Contains(w.Correct, "ignore: true") || !strings.Contains(w.Correct, asset)) {
			t.Errorf("%s: the line that corrects it is %q", asset, w.Correct)
		}
	}
}

// sameFromExports exports the cluster and compares.
func sameFromExports(t *testing.T, server *kubetest.Server, live *assess.Result) {
	dir := export(t, server)
	exported := run(t, options(t, "dir:"+dir))
	if d := cmp.Diff(fails(live), fails(exported)); d != "" {
		t.Errorf("findings (-live +export):\n%s", d)
	}
	roots := func(r *assess.Result) []string {
		var out []string
		for _, w := range r.Workloads.List {
			out = append(out, w.ID+" "+w.Type)
		}
		slices.Sort(out)
		return out
	}
	if d := cmp.Diff(roots(live), roots(exported)); d != "" {
		t.Errorf("workloads (-live +export):\n%s", d)
	}
	noSecrets(t, exported)
}

// export writes a file for each type as kubectl get -A -o json prints it.
func export(t *testing.T, server *kubetest.Server) string {
	t.Helper()
	disco, err := discovery.NewDiscoveryClientForConfig(server.Config)
	if err != nil {
		t.Fatal(err)
	}
	lists, err := discovery.ServerPreferredResources(disco)
	if err != nil {
		t.Fatal(err)
	}
	client, err := dynamic.NewForConfig(server.Config)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list.APIResources {
			if strings.Contains(r.Name, "/") || !slices.Contains(r.Verbs, "list") || slices.Contains([]string{"events", "componentstatuses", "endpoints"}, r.Name) {
				continue
			}
			l, err := client.Resource(gv.WithResource(r.Name)).List(context.Background(), metav1.ListOptions{})
			if err != nil {
				t.Fatalf("%s: %v", r.Name, err)
			}
			items := []any{}
			for _, i := range l.Items {
				items = append(items, i.Object)
			}
			text, err := json.MarshalIndent(map[string]any{"apiVersion": "v1", "kind": "List", "metadata": map[string]any{"resourceVersion": ""}, "items": items}, "", "    ")
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, r.Name+"."+gv.Group+".json"), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// noSecrets fails if a planted value is anywhere in the snapshot.
func noSecrets(t *testing.T, r *assess.Result) {
	t.Helper()
	err := r.Snapshot.Each(context.Background(), func(_ estate.Node, a *estate.Asset, config json.RawMessage) error {
		for _, secret := range []string{"planted-secret-value", "cGxhbnRlZC1zZWNyZXQ", "planted-prompt-text", "planted-password-in-clear", "hf_PlantedToken"} {
			if strings.Contains(string(config), secret) {
				t.Errorf("%s holds %s", a.ID, secret)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCleanCluster(t *testing.T) {
	server := twin(t, "clean")
	live := run(t, options(t, "kubernetes"))
	t.Run("nothing is found", func(t *testing.T) { sameFaults(t, fails(live), nil) })
	t.Run("workloads and why", func(t *testing.T) { workloadsAndWhy(t, live) })
	t.Run("nothing is unknown", func(t *testing.T) {
		for _, f := range live.Findings {
			if ofStep(f) {
				continue
			}
			t.Errorf("%s %s on %s: %v", f.Status, f.Control, f.Asset, f.Evidence)
		}
		for w, c := range criterion(t, live, "audit.inventory") {
			if c.Status != finding.CriterionPass || len(c.Evidence) == 0 {
				t.Errorf("%s: audit.inventory is %s: %s", w, c.Status, c.Reason)
			}
		}
	})
	t.Run("nor in its export", func(t *testing.T) { sameFromExports(t, server, live) })
	t.Run("one list refused", func(t *testing.T) { refusals(t, server) })
}

// refusals refuses one list permission each and asks what came of it.
func refusals(t *testing.T, server *kubetest.Server) {
	everything := func(but string) string {
		var rules strings.Builder
		for _, r := range []struct{ group, resources string }{
			{"", "pods services serviceaccounts namespaces nodes persistentvolumes persistentvolumeclaims limitranges podtemplates replicationcontrollers resourcequotas configmaps secrets"},
			{"apps", "deployments statefulsets daemonsets replicasets"}, {"batch", "jobs cronjobs"},
			{"rbac.authorization.k8s.io", "roles rolebindings clusterroles clusterrolebindings"},
			{"serving.kserve.io", "inferenceservices inferencegraphs"}, {"ray.io", "rayclusters"},
			{"kubeflow.org", "notebooks pytorchjobs profiles poddefaults experiments"},
		} {
			names := slices.DeleteFunc(strings.Fields(r.resources), func(n string) bool { return n == but })
			if len(names) > 0 {
				fmt.Fprintf(&rules, "- {apiGroups: [%q], resources: [%s], verbs: [list]}\n", r.group, strings.Join(names, ", "))
			}
		}
		for _, g := range []string{"networking.k8s.io", "storage.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "admissionregistration.k8s.io",
			"autoscaling", "policy", "certificates.k8s.io", "flowcontrol.apiserver.k8s.io", "node.k8s.io", "scheduling.k8s.io", "resource.k8s.io", "coordination.k8s.io", "discovery.k8s.io", "storagemigration.k8s.io", "internal.apiserver.k8s.io",
			"agents.x-k8s.io", "apps.nvidia.com", "argoproj.io", "kueue.x-k8s.io", "milvus.io", "nvidia.com", "policy.sigstore.dev", "scheduling.volcano.sh", "security.istio.io"} {
			fmt.Fprintf(&rules, "- {apiGroups: [%q], resources: [\"*\"], verbs: [list]}\n", g)
		}
		return rules.String()
	}
	for _, refused := range []struct{ resource, group string }{
		{"deployments", "apps"}, {"secrets", ""}, {"clusterrolebindings", "rbac.authorization.k8s.io"}, {"rayclusters", "ray.io"}, {"", ""},
	} {
		t.Run("no "+refused.resource, func(t *testing.T) {
			useCluster(t, server.Grant("reader-"+refused.resource+"x", everything(refused.resource)))
			r := run(t, options(t, "kubernetes"))
			if refused.resource == "" {
				for w, c := range criterion(t, r, "audit.inventory") {
					if c.Status != finding.CriterionPass {
						t.Errorf("%s: with everything granted audit.inventory is %s: %s", w, c.Status, c.Reason)
					}
				}
				return
			}
			unknownInventory(t, r, fmt.Sprintf(`{apiGroups: [%q], resources: [%s], verbs: [list]}`, refused.group, refused.resource))
			if got := source(t, r); got != "partial" {
				t.Errorf("the source is %s, want partial", got)
			}
			for _, w := range r.Workloads.List {
				if r.Verdicts[w.ID] == finding.Ready {
					t.Errorf("%s is ready though %s were not read", w.Name, refused.resource)
				}
			}
		})
	}
}

// A cluster that does not answer, in each of the ways it can.
func TestSilentCluster(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for name, address := range map[string]string{"nobody listens": closed.Addr().String(), "never an answer": silent.Addr().String()} {
		t.Run(name, func(t *testing.T) {
			c := clientcmdapi.NewConfig()
			c.Clusters["c"] = &clientcmdapi.Cluster{Server: "http://" + address}
			c.AuthInfos["u"] = &clientcmdapi.AuthInfo{Token: "t"}
			c.Contexts["x"] = &clientcmdapi.Context{Cluster: "c", AuthInfo: "u"}
			c.CurrentContext = "x"
			path := filepath.Join(t.TempDir(), "kubeconfig")
			if err := clientcmd.WriteToFile(*c, path); err != nil {
				t.Fatal(err)
			}
			t.Setenv("KUBECONFIG", path)
			// A folder beside it, so that there is a workload to be undecided on.
			dir := t.TempDir()
			writeManifests(t, dir, "clean")
			o := options(t, "kubernetes", "dir:"+dir)
			o.Within = 3 * time.Second
			ended := make(chan *assess.Result, 1)
			go func() {
				r, err := assess.Run(context.Background(), o)
				if err != nil {
					t.Error(err)
				}
				ended <- r
			}()
			select {
			case r := <-ended:
				if r == nil {
					t.FailNow()
				}
				for _, s := range r.Snapshot.Sources() {
					if want := map[bool]string{true: "failed", false: "complete"}[s.Source == "kubernetes"]; s.Status != want {
						t.Errorf("%s is %s, want %s", s.Source, s.Status, want)
					}
				}
				unknownInventory(t, r, "kubernetes is failed")
				if hole(r, "read kubernetes") == "" {
					t.Errorf("no blind spot says why: %+v", r.Snapshot.BlindSpots())
				}
			case <-time.After(5 * time.Minute):
				t.Fatal("the run hangs")
			}
		})
	}
}
