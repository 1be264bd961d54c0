package main

import (
	"context"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/sevenfold-sec/sevenfold/steps/respond"
	"github.com/sevenfold-sec/sevenfold/test/kubetest"
	"github.com/sevenfold-sec/sevenfold/test/race"
)

const (
	clusterResponder = "system:serviceaccount:ml:responder"
	clusterSchedule  = "training-pipeline-poisoned" // of the catalogue: suspends the schedule
	clusterServer    = "server-taken"               // of the company: three measures
)

// aloneOnCluster is a company whose models run in a cluster, with the API server's own audit
// log sent to its detection, and a responder with no rights but those that are printed.
type aloneOnCluster struct {
	*alone
	cluster  dynamic.Interface // the administrator's
	host     *rest.Config
	attacker int
	hook     string
}

func (c *aloneOnCluster) of(group, version, resource string) dynamic.ResourceInterface {
	return c.cluster.Resource(schema.GroupVersionResource{Group: group, Version: version, Resource: resource}).Namespace("ml")
}

// at is one field of an object, nil if there is none.
func (c *aloneOnCluster) at(group, resource, name string, path ...string) any {
	c.t.Helper()
	u, err := c.of(group, "v1", resource).Get(context.Background(), name, metav1.GetOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	v, _, err := unstructured.NestedFieldCopy(u.Object, path...)
	if err != nil {
		c.t.Fatal(err)
	}
	return v
}

func (c *aloneOnCluster) suspended(name string) bool {
	return c.at("batch", "cronjobs", name, "spec", "suspend") == true
}

// attack changes an object as somebody who may and who never did, and waits until detection
// tells of it.
func (c *aloneOnCluster) attack(group, resource, name string) {
	c.t.Helper()
	who := fmt.Sprintf("eve%d", c.attacker)
	c.attacker++
	config := rest.CopyConfig(c.host)
	config.BearerToken, config.BearerTokenFile = "token-of-"+who, ""
	d, err := dynamic.NewForConfig(config)
	if err != nil {
		c.t.Fatal(err)
	}
	_, err = d.Resource(schema.GroupVersionResource{Group: group, Version: "v1", Resource: resource}).Namespace("ml").
		Patch(context.Background(), name, types.MergePatchType, []byte(`{"metadata":{"annotations":{"changed-by":"`+who+`"}}}`), metav1.PatchOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	c.told(who)
}

// watch looks once, and wants it to end as said.
func (c *aloneOnCluster) watch(want int) string {
	c.t.Helper()
	_, errs, code := c.sevenfold("respond", "watch", "--once", "--detection", c.detection)
	if code != want {
		c.t.Fatalf("respond watch: %d, want %d: %s", code, want, errs)
	}
	return errs
}

// do runs a verb on an incident.
func (c *aloneOnCluster) do(want int, args ...string) string {
	c.t.Helper()
	out, errs, code := c.sevenfold(append([]string{"respond", "incident"}, args...)...)
	if code != want {
		c.t.Fatalf("%v: %d, want %d: %s%s", args, code, want, out, errs)
	}
	return out + errs
}

// last is the newest incident, with its journals checked from their first events.
func (c *aloneOnCluster) last() *respond.Incident {
	c.t.Helper()
	i := c.incidents()[0]
	for _, run := range i.Runs {
		j, err := respond.Desk{Folder: filepath.Join(c.dir, ".sevenfold", "respond", "incidents")}.Run(i.ID, run)
		if err != nil {
			c.t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			c.t.Fatal(err)
		}
	}
	return i
}

// config writes the scope file: the scenarios that may act by themselves, and more.
func (c *aloneOnCluster) config(automatic string, more ...string) {
	c.t.Helper()
	c.configure(c.scope(automatic, more...))
}

func (c *aloneOnCluster) scope(automatic string, more ...string) string {
	workloads := "workloads:\n"
	for n := range 6 {
		workloads += fmt.Sprintf("  - {name: retrain-%[1]d, match: 'name == \"retrain-%[1]d\" && type == \"batch/v1/CronJob\"', owner: ana, deputy: bo}\n  - {name: score-%[1]d, match: 'name == \"score-%[1]d\" && type == \"apps/v1/Deployment\"', owner: ana, deputy: bo}\n", n)
	}
	return `estate: acme
sources: ["kubernetes:test"]
` + workloads + `respond:
  responder: ` + clusterResponder + `
  people: [{name: ana, roles: [lead, owner], contact: "webhook:` + c.hook + `"}, {name: bo, contact: "webhook:` + c.hook + `"}]
  automatic: [` + automatic + `]
` + strings.Join(more, "\n") + "\n"
}

// onCluster makes the company.
func onCluster(t *testing.T) *aloneOnCluster {
	t.Helper()
	set, err := (&withRules{}).load(&globals{stderr: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	c := &aloneOnCluster{alone: &alone{t: t, dir: t.TempDir()}}
	c.detection, _ = learntDetection(t, set)
	users := map[string]string{"token-of-responder": clusterResponder}
	for n := range 12 {
		users[fmt.Sprintf("token-of-eve%d", n)] = fmt.Sprintf("eve%d", n)
	}
	takesIn, err := url.Parse(c.detection)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewTLSServer(httputil.NewSingleHostReverseProxy(takesIn))
	t.Cleanup(front.Close)
	s := kubetest.Start(t, kubetest.Audited(front.URL+"/events", certificateOf(front), detectionToken), kubetest.Users(users))
	s.Apply(automaticCluster())
	c.host = s.Config
	if c.cluster, err = dynamic.NewForConfig(s.Config); err != nil {
		t.Fatal(err)
	}
	transport, err := rest.TransportFor(rest.AnonymousClientConfig(s.Config)) // each request brings its own token
	if err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(s.Config.Host)
	if err != nil {
		t.Fatal(err)
	}
	through := httputil.NewSingleHostReverseProxy(to)
	through.Transport = transport
	proxy := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		through.ServeHTTP(w, q)
		if q.Method != http.MethodGet {
			c.saw(q.Method + " " + q.URL.Path)
		}
	}))
	t.Cleanup(proxy.Close) // with TLS: clients send the token of a kubeconfig over nothing else
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(hook.Close)
	c.hook = hook.URL
	kubeconfig := filepath.Join(c.dir, "kubeconfig")
	for path, text := range map[string]string{
		kubeconfig: fmt.Sprintf("apiVersion: v1\nkind: Config\nclusters: [{name: test, cluster: {server: %q, certificate-authority-data: %q}}]\nusers: [{name: r, user: {token: token-of-responder}}]\ncontexts: [{name: test, context: {cluster: test, user: r}}]\ncurrent-context: test\n", proxy.URL, base64.StdEncoding.EncodeToString(certificateOf(proxy))),
		filepath.Join(c.dir, "scenarios", clusterServer, "scenario.yaml"): serverTaken,
		filepath.Join(c.dir, "scenarios", clusterServer, "playbook.yaml"): serverTakenPlaybook,
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c.env = []string{"KUBECONFIG=" + kubeconfig}
	c.config("")
	if _, errs, code := c.sevenfold("baseline", "approve", "--accept-open"); code != 0 {
		t.Fatalf("%d %s", code, errs)
	}
	s.Apply(c.granted())
	return c
}

// certificateOf is a server's, as PEM.
func certificateOf(s *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

//go:embed testdata/respond/automatic/scenario.yaml
var serverTaken string

//go:embed testdata/respond/automatic/playbook.yaml
var serverTakenPlaybook string

// automaticCluster are schedules and servers, each for one case, those who attack them, and
// what whoever reads the cluster may read.
func automaticCluster() string {
	var b strings.Builder
	b.WriteString(`apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reads}
rules: [{apiGroups: ["*"], resources: ["*"], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: reads}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reads}
subjects: [{kind: ServiceAccount, name: responder, namespace: ml}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: edits, namespace: ml}
rules: [{apiGroups: [apps, batch], resources: [deployments, cronjobs], verbs: [get, patch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: edits, namespace: ml}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: edits}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:authenticated"}]
`)
	for n := range 6 {
		fmt.Fprintf(&b, `---
apiVersion: batch/v1
kind: CronJob
metadata: {name: retrain-%[1]d, namespace: ml, labels: {app: retrain-%[1]d}}
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        metadata: {labels: {app: retrain-%[1]d}}
        spec:
          restartPolicy: Never
          containers: [{name: fit, image: "acme/train@sha256:cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd", command: ["torchrun", "fit.py"], resources: {limits: {nvidia.com/gpu: "1"}}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: score-%[1]d, namespace: ml, labels: {app: score-%[1]d}}
spec:
  replicas: 3
  selector: {matchLabels: {app: score-%[1]d}}
  template:
    metadata: {labels: {app: score-%[1]d}}
    spec:
      containers: [{name: server, image: "vllm/vllm-openai@sha256:abababababababababababababababababababababababababababababababab", args: ["--model", "acme/score"], ports: [{containerPort: 8000}], resources: {limits: {nvidia.com/gpu: "1"}}}]
`, n)
	}
	return b.String()
}

// granted is what plan --grants prints, as roles of the responder.
func (c *aloneOnCluster) granted() string {
	c.t.Helper()
	rules := map[string]map[string]bool{} // group/resource -> verbs
	for _, scenario := range []string{clusterSchedule, clusterServer} {
		out, errs, _ := c.sevenfold("respond", "plan", "--scenario", scenario, "--snapshot", "latest", "--grants")
		var printed struct {
			Kubernetes []struct {
				On          string
				Permissions []string
			}
		}
		if err := json.Unmarshal([]byte(out), &printed); err != nil || len(printed.Kubernetes) == 0 {
			c.t.Fatalf("grants of %s: %v %s%s", scenario, err, out, errs)
		}
		for _, k := range printed.Kubernetes {
			for _, p := range k.Permissions {
				f := strings.SplitN(p, ":", 3) // k8s:VERB:GROUP/RESOURCE
				if rules[f[2]] == nil {
					rules[f[2]] = map[string]bool{}
				}
				rules[f[2]][f[1]] = true
			}
		}
	}
	text := "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: responds, namespace: ml}\nrules:\n"
	for _, of := range sortedNames(rules) {
		group, resource, _ := strings.Cut(of, "/")
		text += fmt.Sprintf("- {apiGroups: [%q], resources: [%q], verbs: [%s]}\n", group, resource, strings.Join(sortedNames(rules[of]), ", "))
	}
	return text + `---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: responds, namespace: ml}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: responds}
subjects: [{kind: ServiceAccount, name: responder, namespace: ml}]
`
}

// TestRespondAutomaticOnACluster: a change by somebody on a real API server, its audit log,
// detection, incident and containment, each by its real way.
func TestRespondAutomaticOnACluster(t *testing.T) {
	if race.Enabled {
		t.Skip("see TestRespondOnAWS")
	}
	onCluster(t).contains()
}

// The schedule is suspended, which a probe confirms, and only where the scope file says so.
func (c *aloneOnCluster) contains() {
	t := c.t
	c.config("")
	c.attack("batch", "cronjobs", "retrain-0")
	c.watch(0)
	if i := c.last(); len(c.incidents()) != 1 || i.State != respond.Detected || i.Automatic || c.suspended("retrain-0") || len(c.changed) != 0 {
		t.Fatalf("without the word for it: %+v %v", i, c.changed)
	}
	c.config(clusterSchedule)
	c.watch(0)
	i := c.last()
	if len(c.incidents()) != 1 || i.State != respond.Contained || !i.Automatic || i.Taken != "" || i.Workload != "retrain-0" || len(i.Evidence) != 1 || !c.suspended("retrain-0") {
		t.Fatalf("%+v", i)
	}
	if want := []string{"PUT /apis/batch/v1/namespaces/ml/cronjobs/retrain-0"}; !slices.Equal(c.changed, want) {
		t.Errorf("changed %v, want %v", c.changed, want)
	}
	if len(i.Changes) != 1 || i.Changes[0].Stands != "verified" || i.Changes[0].Target != "k8s://test/ml/CronJob/retrain-0" {
		t.Errorf("%+v", i.Changes)
	}
	if !i.At[respond.Preserved].Before(i.At[respond.Contained]) || !strings.Contains(i.Next, "eradicate") {
		t.Errorf("evidence at %s, contained at %s, next %s", i.At[respond.Preserved], i.At[respond.Contained], i.Next)
	}
	// What the responder did is in the audit log too, and is no attack.
	time.Sleep(time.Second)
	before := i.Head
	c.watch(0)
	if len(c.incidents()) != 1 || c.last().Head != before || len(c.changed) != 1 {
		t.Errorf("it acts again, or on itself: %v", c.changed)
	}
	c.do(0, "undo", i.ID, "--by", "bo", "--note", "the change was ours")
	if c.suspended("retrain-0") {
		t.Error("it cannot be taken back")
	}
	c.watch(0)
	if c.suspended("retrain-0") || c.last().Taken != "bo" {
		t.Error("what a person took back is done anew")
	}
}
