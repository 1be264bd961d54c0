package admission_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/gate/admission"
)

// KueueVariable names a folder with Kueue's own definitions (config/components/crd/bases).
const KueueVariable = "SEVENFOLD_KUEUE"

// kueue plays Kueue, which TestKueueItself runs: it gives quota and asks its checks.
type kueue struct {
	k       *cluster
	version string
}

func (k *cluster) kueue(t *testing.T) *kueue {
	t.Helper()
	out, files := &kueue{k: k, version: "v1beta1"}, []string{filepath.Join("testdata", "kueue.yaml")}
	if dir := os.Getenv(KueueVariable); dir != "" {
		files, out.version = []string{filepath.Join(dir, "kueue.x-k8s.io_admissionchecks.yaml"), filepath.Join(dir, "kueue.x-k8s.io_workloads.yaml")}, "v1beta2"
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		k.apply(string(text))
	}
	for name, controller := range map[string]string{"certified": admission.CheckController, "theirs": "example.com/other"} {
		k.apply(fmt.Sprintf("apiVersion: kueue.x-k8s.io/%s\nkind: AdmissionCheck\nmetadata: {name: %s}\nspec: {controllerName: %s}\n", out.version, name, controller))
	}
	return out
}

// queue has a job's Workload, made for an owner with some UID ("" for its own), get
// its quota, and its checks asked (anew).
func (q *kueue) queue(t *testing.T, ns, kind, name, uid string) {
	t.Helper()
	owners := "[]"
	if kind != "" {
		if uid == "" {
			out, err := q.k.admin.kubectl("", "-n", ns, "get", strings.ToLower(kind), name, "-o", "jsonpath={.metadata.uid}")
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			uid = out
		}
		group := map[string]string{"Job": "batch/v1", "Widget": "example.com/v1"}[kind]
		owners = fmt.Sprintf("[{apiVersion: %s, kind: %s, name: %s, uid: %q, controller: true}]", group, kind, name, uid)
	}
	q.k.apply(fmt.Sprintf(`
apiVersion: kueue.x-k8s.io/%s
kind: Workload
metadata: {name: %s, namespace: %s, ownerReferences: %s}
spec:
  podSets: [{name: main, count: 1, template: {spec: {restartPolicy: Never, containers: [{name: c, image: "img:1"}]}}}]
`, q.version, name, ns, owners))
	q.ask(t, ns, name, `{"type":"Admitted","status":"False"}`)
}

// ask resets the checks of a Workload that has quota.
func (q *kueue) ask(t *testing.T, ns, name string, more ...string) {
	t.Helper()
	now := time.Now().UTC().Format(time.RFC3339)
	conditions := []map[string]string{{"type": "QuotaReserved", "status": "True"}}
	for _, m := range more {
		var c map[string]string
		if err := json.Unmarshal([]byte(m), &c); err != nil {
			t.Fatal(err)
		}
		conditions = append(conditions, c)
	}
	for _, c := range conditions {
		c["reason"], c["message"], c["lastTransitionTime"] = "Test", "", now
	}
	text, err := json.Marshal(map[string]any{"status": map[string]any{"conditions": conditions, "admissionChecks": []map[string]string{
		{"name": "certified", "state": "Pending", "message": "", "lastTransitionTime": now}, {"name": "theirs", "state": "Pending", "message": "", "lastTransitionTime": now}}}})
	if err != nil {
		t.Fatal(err)
	}
	q.k.admin.expect(t, "", "", "-n", ns, "patch", "workloads.kueue.x-k8s.io", name, "--subresource=status", "--type=merge", "-p", string(text))
}

// state reads what was said of a check.
func (q *kueue) state(ns, name, check string) (state, message, after string) {
	out, _ := q.k.admin.kubectl("", "-n", ns, "get", "workloads.kueue.x-k8s.io", name, "-o", "json")
	var w struct {
		Status struct {
			AdmissionChecks []struct {
				Name, State, Message string
				RequeueAfterSeconds  json.Number
			}
		}
	}
	if json.Unmarshal([]byte(out), &w) != nil {
		return "", out, ""
	}
	for _, c := range w.Status.AdmissionChecks {
		if c.Name == check {
			return c.State, c.Message, c.RequeueAfterSeconds.String()
		}
	}
	return "", out, ""
}

// answered waits for an answer.
func (q *kueue) answered(t *testing.T, ns, name, want, words string) {
	t.Helper()
	var state, message, after string
	for until := time.Now().Add(settleWithin); time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
		if state, message, after = q.state(ns, name, "certified"); state == want && strings.Contains(message, words) {
			if want == "Retry" && after != "60" {
				t.Errorf("%s is to be brought again after %q seconds", name, after)
			}
			return
		}
	}
	t.Errorf("%s: %s %q, want %s %q", name, state, message, want, words)
}

// told waits for an event about a Workload.
func (q *kueue) told(t *testing.T, ns, name, what, words string) {
	t.Helper()
	var out string
	for until := time.Now().Add(settleWithin); time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
		out, _ = q.k.admin.kubectl("", "-n", ns, "get", "events", "--field-selector=involvedObject.kind=Workload,involvedObject.name="+name+",reason="+what, "-o", "jsonpath={.items[*].message}")
		if strings.Contains(out, words) {
			return
		}
	}
	t.Errorf("no event %s of %s says %q: %s", what, name, words, out)
}

func job(name string, parallelism int) string {
	return fmt.Sprintf(`
apiVersion: batch/v1
kind: Job
metadata: {name: %s, labels: {kueue.x-k8s.io/queue-name: q}}
spec: {suspend: true, parallelism: %[2]d, completions: %[2]d, template: {spec: {restartPolicy: Never, containers: [{name: c, image: "img:1"}]}}}
`, name, parallelism)
}

// grantJobs certifies jobs as they are now, with one limit for all of them.
func (k *cluster) grantJobs(t *testing.T, ns string, serial int64, limit int, names ...string) admission.Grant {
	t.Helper()
	g := admission.Grant{Workload: "w-jobs", Name: "nightly", Serial: serial, Expires: time.Now().Add(time.Hour).Truncate(time.Second), Shared: limit, Limits: map[string]int{}, Digests: map[string]string{}}
	for _, name := range names {
		out, err := k.admin.kubectl("", "-n", ns, "get", "job", name, "-o", "json")
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		object := ns + "/Job/" + name
		if g.Digests[object], err = essence("Job", ns, name, json.RawMessage(out)); err != nil {
			t.Fatal(err)
		}
		g.Limits[object] = limit
	}
	return g
}

// Kueue's jobs wait until they are certified, give their quota back meanwhile, and
// are held again if the certificate ends before they start.
func TestKueueWaitsForCertificates(t *testing.T) {
	k, p := start(t), &papers{}
	k.apply(manifest(t, "40-webhook.yaml"))
	q := k.kueue(t) // where it comes later it is seen within a minute
	g := k.runGate(p, "")
	k.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: jobs, labels: {sevenfold.dev/gate: prepared}}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: open}\n")
	dev := k.developer("ml", "jobs")
	k.admin.expectSoon(t, "", "-n", "jobs", "get", "scaleverdict", "gate")
	for until := time.Now().Add(settleWithin); ; time.Sleep(100 * time.Millisecond) {
		out, _ := k.admin.kubectl("", "get", "admissionchecks.kueue.x-k8s.io", "-o", `jsonpath={range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Active")].status} {end}`)
		if strings.Contains(out, "certified=True") && strings.Contains(out, "theirs= ") {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("the checks are not as they should be: %s", out)
		}
	}
	dev.expect(t, "", job("train", 4), apply...)
	q.queue(t, "jobs", "Job", "train", "")
	q.answered(t, "jobs", "train", "Retry", "Job/train in namespace jobs may not grow from 0 to 4 replicas: at most 1 allowed, because no valid certificate names it")
	if state, message, _ := q.state("jobs", "train", "theirs"); state != "Pending" || message != "" {
		t.Errorf("another controller's check was answered: %s %q", state, message)
	}
	q.told(t, "jobs", "train", "GrowthHeld", "no valid certificate names it")

	p.set(k.grantJobs(t, "jobs", 1, 4, "train"))
	g.gate.Changed()
	k.awaitLimit("jobs", "Job/train", 4)
	q.ask(t, "jobs", "train")
	q.answered(t, "jobs", "train", "Ready", "Job/train may have 4 replicas")
	q.told(t, "jobs", "train", "GrowthAllowed", "may have 4 replicas")
	// It ends before the job starts, for another check still waits.
	p.at(time.Now().Add(2 * time.Hour))
	q.answered(t, "jobs", "train", "Retry", "expired on")
	p.at(time.Time{})
	g.gate.Changed()
	k.awaitLimit("jobs", "Job/train", 4)
	q.ask(t, "jobs", "train")
	q.answered(t, "jobs", "train", "Ready", "may have 4")
	// What has started is not stopped.
	q.ask(t, "jobs", "train", `{"type":"Admitted","status":"True"}`)
	p.set()
	g.gate.Changed()
	k.awaitLimit("jobs", "Job/train", 0)
	time.Sleep(5 * time.Second)
	if state, _, _ := q.state("jobs", "train", "certified"); state != "Pending" {
		t.Errorf("a job that has started was answered again: %s", state)
	}
	dev.expect(t, "", "", "patch", "job", "train", "-p", `{"spec":{"suspend":false}}`) // as Kueue does

	// Those that wait do not stand in each other's way, and share what there is.
	dev.expect(t, "", job("a", 3), apply...)
	dev.expect(t, "", job("b", 3), apply...)
	p.set(k.grantJobs(t, "jobs", 2, 4, "a", "b"))
	g.gate.Changed()
	k.awaitLimit("jobs", "Job/b", 4)
	q.queue(t, "jobs", "Job", "a", "")
	q.answered(t, "jobs", "a", "Ready", "may have 3")
	q.queue(t, "jobs", "Job", "b", "")
	q.answered(t, "jobs", "b", "Retry", "allows 4 in all, and 1 other objects of it have 3")

	for _, x := range []struct{ name, ns, kind, uid, words string }{
		{"ungated", "open", "Job", "", "namespace open is not gated"},
		{"strange", "jobs", "Widget", "u-1", "nobody can tell how much Widget.example.com/strange asks for"},
		{"nobodys", "jobs", "", "", "Kueue does not say which one object it is"},
		{"another", "jobs", "Job", "u-2", "is not the object any more that it was queued for"},
	} {
		if x.kind == "Job" {
			dev.kubectl(job(x.name, 1), "apply", "-f", "-") //nolint:errcheck // what is not there is found below
			k.admin.expect(t, "", job(x.name, 1), "-n", x.ns, "apply", "-f", "-")
		}
		q.queue(t, x.ns, x.kind, x.name, x.uid)
		q.answered(t, x.ns, x.name, "Retry", x.words)
	}
}

// Jobs without a certificate start within the namespace's allowance, one after
// another, however many wait.
func TestKueuePilots(t *testing.T) {
	k := start(t)
	k.apply(manifest(t, "40-webhook.yaml"))
	q := k.kueue(t)
	k.runGate(&papers{}, "")
	k.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: jobs, labels: {sevenfold.dev/gate: prepared}, annotations: {sevenfold.dev/pilots: \"3\"}}\n")
	dev := k.developer("ml", "jobs")
	k.admin.expectSoon(t, "", "-n", "jobs", "get", "scaleverdict", "gate")
	for i := range 5 {
		dev.expect(t, "", job(fmt.Sprintf("p%d", i), 1), apply...)
	}
	for i := range 3 {
		q.queue(t, "jobs", "Job", fmt.Sprintf("p%d", i), "")
		q.answered(t, "jobs", fmt.Sprintf("p%d", i), "Ready", "may have 1")
	}
	q.queue(t, "jobs", "Job", "p3", "")
	q.answered(t, "jobs", "p3", "Retry", "what no certificate names may have 3 in the whole namespace, and 3 is there")
	// One ends: the next may start.
	k.admin.expect(t, "", "", "-n", "jobs", "delete", "job", "p0")
	k.admin.expect(t, "", "", "-n", "jobs", "delete", "workloads.kueue.x-k8s.io", "p0")
	time.Sleep(2 * time.Second)
	q.ask(t, "jobs", "p3")
	q.answered(t, "jobs", "p3", "Ready", "may have 1")
}
