// Package admission tests the gate of a cluster as a whole: manifests, policies,
// webhook and controller on the real API server, driven by kubectl and clients.
package admission_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	deploy "github.com/sevenfold-sec/sevenfold/deploy/kubernetes"
	"github.com/sevenfold-sec/sevenfold/gate/admission"
	"github.com/sevenfold-sec/sevenfold/test/kubetest"
)

// settleWithin bounds waits for what the API server takes up by itself.
const settleWithin = 3 * time.Minute

var apply = []string{"apply", "-f", "-"}

// cluster is an API server with the gate's manifests, the webhook's apart.
type cluster struct {
	t      testing.TB
	server *kubetest.Server
	admin  user
	elect  bool             // gates that are run are replicas of one
	digest admission.Digest // of the gates that are run; nil: as certificates have it

	mu    sync.Mutex
	notes []string // what gates said is to be done
}

func (k *cluster) note(what string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.notes = append(k.notes, what)
}

func (k *cluster) said() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.notes)
}

// user is someone with a kubeconfig and a namespace of habit.
type user struct {
	k          *cluster
	name       string
	kubeconfig string
	namespace  string
}

func start(t testing.TB) *cluster {
	t.Helper()
	k := &cluster{t: t, server: kubetest.Start(t)}
	k.admin = user{k: k, name: "admin", kubeconfig: k.server.Kubeconfig, namespace: "fraud"}
	for _, name := range []string{"00-namespace.yaml", "10-scaleverdict.yaml", "20-rbac.yaml", "25-reads.yaml", "30-policies.yaml"} {
		k.apply(manifest(t, name))
	}
	return k
}

func manifest(t testing.TB, name string) string {
	t.Helper()
	text, err := deploy.FS.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (k *cluster) apply(text string) { k.t.Helper(); k.server.Apply(text) }

// gated makes a namespace that is gated, with its verdict and the copy of it.
func (k *cluster) gated(ns, spec string) {
	k.t.Helper()
	var v admission.Verdict
	if err := yaml.Unmarshal([]byte(spec), &v); err != nil {
		k.t.Fatal(err)
	}
	annotations, err := json.Marshal(v.Annotations())
	if err != nil {
		k.t.Fatal(err)
	}
	k.apply(fmt.Sprintf(`
apiVersion: v1
kind: Namespace
metadata: {name: %[1]s, annotations: %[3]s}
---
apiVersion: sevenfold.dev/v1alpha1
kind: ScaleVerdict
metadata: {name: gate, namespace: %[1]s}
spec: %[2]s
---
apiVersion: v1
kind: Namespace
metadata: {name: %[1]s, labels: {sevenfold.dev/gate: enforced}, annotations: %[3]s}
`, ns, spec, annotations))
}

// developer is someone who may do everything within a namespace and nothing
// outside.
func (k *cluster) developer(name, ns string) user {
	k.t.Helper()
	u := user{k: k, name: name, kubeconfig: k.server.As(name), namespace: ns}
	u.bind(ns)
	return u
}

// bind gives u every right within a namespace.
func (u user) bind(ns string) {
	u.k.t.Helper()
	u.k.apply(fmt.Sprintf(`
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: all, namespace: %[1]s}
rules:
- {apiGroups: ["*"], resources: ["*"], verbs: ["*"]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: all-%[2]s, namespace: %[1]s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: all}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: %[2]s}
`, ns, u.name))
}

// as acts as a service account with the groups those have, bound to all rights
// within the namespace of habit.
func (u user) as(name string) user {
	u.k.t.Helper()
	v := user{k: u.k, name: name, kubeconfig: u.k.server.As(name, "system:serviceaccounts", "system:authenticated"), namespace: u.namespace}
	v.k.apply(fmt.Sprintf(`
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: test-cleaner}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: system:controller:namespace-controller}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: %q}
`, name))
	return v
}

// kubectl runs a command and returns all it printed.
func (u user) kubectl(input string, args ...string) (string, error) {
	cmd := exec.Command("kubectl", append([]string{"--kubeconfig", u.kubeconfig, "-n", u.namespace, "--cache-dir", u.kubeconfig + ".cache"}, args...)...)
	cmd.Stdin = strings.NewReader(input)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// expect runs a command that is refused with want in its words, or goes
// through if want is empty.
func (u user) expect(t testing.TB, want, input string, args ...string) {
	t.Helper()
	out, err := u.kubectl(input, args...)
	if why := differs(want, out, err); why != "" {
		t.Errorf("%s: kubectl %s: %s\n%s", u.name, strings.Join(args, " "), why, out)
	}
}

// expectSoon is expect for what the API server takes up within a while.
func (u user) expectSoon(t testing.TB, want string, args ...string) {
	t.Helper()
	for until := time.Now().Add(settleWithin); ; time.Sleep(100 * time.Millisecond) {
		out, err := u.kubectl("", args...)
		why := differs(want, out, err)
		if why == "" {
			return
		}
		if want != "" && err == nil || time.Now().After(until) {
			t.Fatalf("%s: kubectl %s: %s\n%s", u.name, strings.Join(args, " "), why, out)
		}
	}
}

func differs(want, out string, err error) string {
	switch {
	case want == "" && err != nil:
		return "refused"
	case want != "" && err == nil:
		return "went through, want a refusal: " + want
	case !strings.Contains(out, want):
		return "want the words: " + want
	}
	return ""
}

// awaitFloor waits until the API server has taken up the policies: until then
// nothing of the floor is there to test. It takes up each of them on its own, so
// those that guard the floor itself are asked too, of all who may not govern it.
func (k *cluster) awaitFloor(u user, ns string) {
	k.t.Helper()
	k.await(u, ns, func(out string, err error) bool { return err != nil && strings.Contains(out, "at most 1 allowed") },
		func(out string, err error) bool { return err != nil && strings.Contains(out, "at most 1 allowed") })
	if u == k.admin {
		return
	}
	for _, probe := range []struct {
		want string
		args []string
	}{
		{"is written by the gate controller", []string{"patch", "scaleverdict", "gate", "--type=merge", "-p", `{"spec":{"unlisted":50}}`}},
		{"is lifted only by", []string{"label", "namespace", ns, "sevenfold.dev/gate-"}},
	} {
		var last string
		for until := time.Now().Add(settleWithin); ; time.Sleep(50 * time.Millisecond) {
			out, err := u.kubectl("", append([]string{"-n", ns, "--dry-run=server"}, probe.args...)...)
			if last = differs(probe.want, out, err); last == "" {
				break
			}
			if time.Now().After(until) {
				k.t.Fatalf("the policies are not as wanted within %s: %s: %s\n%s", settleWithin, strings.Join(probe.args, " "), last, out)
			}
		}
	}
}

// awaitOpen waits until the API server has let go of the policies.
func (k *cluster) awaitOpen(u user, ns string) {
	k.t.Helper()
	k.await(u, ns, admitted, admitted)
}

// await asks, without storing, for growth by replicas and by autoscaler until
// both answers are as wanted.
func (k *cluster) await(u user, ns string, replicas, autoscalers func(string, error) bool) {
	k.t.Helper()
	var last string
	for until := time.Now().Add(settleWithin); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		a, errA := u.kubectl(deployment("probe", 2), "-n", ns, "create", "--dry-run=server", "-f", "-")
		b, errB := u.kubectl(autoscaler("v2", "probe", "apps/v1", "Deployment", "probe", 1, 2), "-n", ns, "create", "--dry-run=server", "-f", "-")
		if replicas(a, errA) && autoscalers(b, errB) {
			return
		}
		last = a + b
	}
	k.t.Fatalf("the policies are not as wanted within %s:\n%s", settleWithin, last)
}

func deployment(name string, replicas int) string { return workload("Deployment", name, "", replicas) }

func statefulSet(name string, replicas int) string {
	return workload("StatefulSet", name, "serviceName: x, ", replicas)
}

func workload(kind, name, more string, replicas int) string {
	return fmt.Sprintf(`
apiVersion: apps/v1
kind: %s
metadata: {name: %[2]s}
spec: {%[3]sreplicas: %[4]d, selector: {matchLabels: {a: %[2]s}}, template: {metadata: {labels: {a: %[2]s}}, spec: {containers: [{name: c, image: "img:1"}]}}}
`, kind, name, more, replicas)
}

func autoscaler(version, name, targetVersion, kind, target string, least, most int) string {
	return fmt.Sprintf(`
apiVersion: autoscaling/%s
kind: HorizontalPodAutoscaler
metadata: {name: %s}
spec: {minReplicas: %d, maxReplicas: %d, scaleTargetRef: {apiVersion: %s, kind: %s, name: %s}}
`, version, name, least, most, targetVersion, kind, target)
}
