package main

import (
	"bytes"
	"cmp"
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
	"sync"
	"sync/atomic"
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

	attackers = 12 // eve0 and so on: what one did once is no more new of her
)

// aloneOnCluster is a company whose models run in a cluster, with the API server's own audit
// log sent to its detection, a responder with no rights but those that are printed, and a user
// under whom sevenfold runs, who may read, act as the responder, and nothing else.
type aloneOnCluster struct {
	*alone
	cluster  dynamic.Interface // the administrator's
	host     *rest.Config
	attacker int
	log      audits
	// asked hears of each request of sevenfold, before it reaches the API server and after,
	// under no lock; it may change anything, and one that it does not let through is lost.
	asked  atomic.Pointer[hearing]
	flying sync.RWMutex // held while a request is under way, whoever sent it lives or not
	hook   string
}

// audited gives requests the id by which the API server notes them.
type audited struct {
	http.RoundTripper
	id string
}

// RoundTrip implements http.RoundTripper.
func (a audited) RoundTrip(q *http.Request) (*http.Response, error) {
	q = q.Clone(q.Context())
	q.Header.Set("Audit-ID", a.id)
	return a.RoundTripper.RoundTrip(q)
}

type hearing func(answered bool, method, path string) (through bool)

// hears sets who hears of requests; nil: nobody.
func (c *aloneOnCluster) hears(h hearing) { c.asked.Store(&h) }

// tells tells of a request.
func (c *aloneOnCluster) tells(answered bool, q *http.Request) bool {
	h := c.asked.Load()
	return h == nil || *h == nil || (*h)(answered, q.Method, q.URL.Path)
}

// settled waits until no request is under way, of a process that was killed.
func (c *aloneOnCluster) settled() {
	c.flying.Lock()
	defer c.flying.Unlock()
}

// audits are who was told to detection to have written what.
type audits struct {
	mu    sync.Mutex
	wrote map[string]bool // user and object
}

// before notes what an audit log sends once it was taken in.
func (a *audits) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		q.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, q)
		var list struct {
			Items []struct {
				Verb             string
				User             struct{ Username string }
				ImpersonatedUser struct{ Username string }
				ObjectRef        struct{ Name string }
			}
		}
		if json.Unmarshal(body, &list) != nil {
			return
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		for _, e := range list.Items {
			if e.Verb != "get" && e.Verb != "list" {
				a.wrote[cmp.Or(e.ImpersonatedUser.Username, e.User.Username)+" "+e.ObjectRef.Name] = true
			}
		}
	})
}

// audited waits until the audit log told detection that somebody wrote an object.
func (c *aloneOnCluster) audited(who, name string) {
	c.t.Helper()
	for range 6 * 600 { // an API server sends its log in its own time
		c.log.mu.Lock()
		told := c.log.wrote[who+" "+name]
		c.log.mu.Unlock()
		if told {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	c.t.Fatalf("the audit log tells nothing of what %s did to %s", who, name)
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

// policies are the names of the network policies that containment made for a workload.
func (c *aloneOnCluster) policies(of string) (out []string) {
	c.t.Helper()
	list, err := c.of("networking.k8s.io", "v1", "networkpolicies").List(context.Background(), metav1.ListOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	for i := range list.Items {
		if strings.HasSuffix(list.Items[i].GetName(), "-"+of) {
			out = append(out, list.Items[i].GetName())
		}
	}
	return out
}

// attack changes an object as somebody who may and who never did, and waits until detection
// tells of it.
func (c *aloneOnCluster) attack(group, resource, name string) { c.attackAs("", group, resource, name) }

// attackAs is attack with an id that the attacker gives the audit event; "" for the API server's.
func (c *aloneOnCluster) attackAs(audit, group, resource, name string) {
	c.t.Helper()
	who := fmt.Sprintf("eve%d", c.attacker)
	c.attacker++
	config := rest.CopyConfig(c.host)
	config.BearerToken, config.BearerTokenFile = "token-of-"+who, ""
	if audit != "" {
		config.Wrap(func(rt http.RoundTripper) http.RoundTripper { return audited{rt, audit} })
	}
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

// attacks are the incidents of attackers, the latest first: what the responder itself did, and
// who runs sevenfold, is new to detection too, and told where the budget lets it.
func (c *aloneOnCluster) attacks() []*respond.Incident {
	c.t.Helper()
	return slices.DeleteFunc(c.incidents(), func(i *respond.Incident) bool {
		return strings.Contains(i.Title, clusterResponder) || strings.HasPrefix(i.Title, "responder did ") || strings.HasPrefix(i.Title, "runner did ")
	})
}

// last is the newest incident of an attacker, with its journals checked from their first events.
func (c *aloneOnCluster) last() *respond.Incident {
	c.t.Helper()
	i := c.attacks()[0]
	for _, run := range i.Runs {
		j, err := c.desk().Run(i.ID, run)
		if err != nil {
			c.t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			c.t.Fatal(err)
		}
	}
	return i
}

// said reports whether an incident's entries hold a text.
func said(i *respond.Incident, text string) bool {
	return slices.ContainsFunc(i.Entries, func(e respond.Entry) bool { return strings.Contains(e.Text, text) })
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
	c := &aloneOnCluster{alone: &alone{t: t, dir: t.TempDir()}, log: audits{wrote: map[string]bool{}}}
	c.detection, _ = learntDetectionOf(t, set, 100) // each case is an incident
	users := map[string]string{"token-of-runner": "runner"}
	for n := range attackers {
		users[fmt.Sprintf("token-of-eve%d", n)] = fmt.Sprintf("eve%d", n)
	}
	takesIn, err := url.Parse(c.detection)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewTLSServer(c.log.before(httputil.NewSingleHostReverseProxy(takesIn)))
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
	through.ModifyResponse = func(r *http.Response) error {
		if r.Request.Method != http.MethodGet && r.StatusCode < 300 && !strings.HasSuffix(r.Request.URL.Path, "/selfsubjectreviews") {
			c.saw(r.Request.Method + " " + r.Request.URL.Path)
		}
		c.tells(true, r.Request)
		return nil
	}
	proxy := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		c.flying.RLock()
		defer c.flying.RUnlock()
		if !c.tells(false, q) {
			panic(http.ErrAbortHandler)
		}
		// What was let through is done, as by an API server, though who asked was killed.
		whole, done := context.WithCancel(context.WithoutCancel(q.Context()))
		defer done()
		through.ServeHTTP(w, q.WithContext(whole))
	}))
	t.Cleanup(proxy.Close) // with TLS: clients send the token of a kubeconfig over nothing else
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(hook.Close)
	c.hook = hook.URL
	kubeconfig := filepath.Join(c.dir, "kubeconfig")
	for path, text := range map[string]string{
		kubeconfig: fmt.Sprintf("apiVersion: v1\nkind: Config\nclusters: [{name: test, cluster: {server: %q, certificate-authority-data: %q}}]\nusers: [{name: r, user: {token: token-of-runner}}]\ncontexts: [{name: test, context: {cluster: test, user: r}}]\ncurrent-context: test\n", proxy.URL, base64.StdEncoding.EncodeToString(certificateOf(proxy))),
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
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: runner}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: acts-as-the-responder, namespace: ml}
rules: [{apiGroups: [""], resources: [serviceaccounts], resourceNames: [responder], verbs: [impersonate]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: acts-as-the-responder, namespace: ml}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: acts-as-the-responder}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: runner}]
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
subjects: [`)
	for n := range attackers {
		fmt.Fprintf(&b, "{apiGroup: rbac.authorization.k8s.io, kind: User, name: eve%d}, ", n)
	}
	b.WriteString("]\n")
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
	for _, part := range []struct {
		name string
		run  func(*aloneOnCluster)
	}{
		{"contains", (*aloneOnCluster).contains},
		{"two_people", (*aloneOnCluster).twoPeople},
		{"target_gone", (*aloneOnCluster).targetGone},
		{"target_gone_before_apply", (*aloneOnCluster).targetGoneBeforeApply},
		{"kill_switch", (*aloneOnCluster).killSwitch},
		{"taken_over", (*aloneOnCluster).takenOver},
		{"killed", (*aloneOnCluster).killed},
		{"live_fire", (*aloneOnCluster).liveFire},
	} {
		// A company each: what one did in another is news of nobody.
		t.Run(part.name, func(t *testing.T) { part.run(onCluster(t)) })
	}
}

// The schedule is suspended, which a probe confirms, and only where the scope file says so.
func (c *aloneOnCluster) contains() {
	t := c.t
	c.config("")
	c.attack("batch", "cronjobs", "retrain-0")
	c.watch(0)
	if i := c.last(); len(c.attacks()) != 1 || i.State != respond.Detected || i.Automatic || c.suspended("retrain-0") || len(c.changed) != 0 {
		t.Fatalf("without the word for it: %+v %v", i, c.changed)
	}
	c.config(clusterSchedule)
	c.watch(0)
	i := c.last()
	if len(c.attacks()) != 1 || i.State != respond.Contained || !i.Automatic || i.Taken != "" || i.Workload != "retrain-0" || len(i.Evidence) != 1 || !c.suspended("retrain-0") {
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
	c.audited(clusterResponder, "retrain-0")
	before := i.Head
	c.watch(0)
	if len(c.attacks()) != 1 || c.last().Head != before || len(c.changed) != 1 {
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
	c.hourlyBound()
}
