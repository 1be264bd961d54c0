package admission_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	act "github.com/sevenfold-sec/sevenfold/act/kubernetes"
)

// get asks a gate something over HTTPS.
func (g *running) get(t *testing.T, path string) (int, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}} // its certificate is its own
	r, err := client.Get("https://" + g.address() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close() //nolint:errcheck // only read from
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(text)
}

// soon waits until a gate answers with certain words.
func (g *running) soon(t *testing.T, path string, code int, words ...string) {
	t.Helper()
	var got int
	var text string
	for until := time.Now().Add(settleWithin); time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
		got, text = g.get(t, path)
		missing := got != code
		for _, w := range words {
			missing = missing || !strings.Contains(text, w)
		}
		if !missing {
			return
		}
	}
	t.Fatalf("%s: status %d, want %d and %q:\n%s", path, got, code, words, text)
}

// Two replicas answer, one writes; the other takes over. Each asks for growth
// that must be refused and says so when it is not. Break-glass opens what it
// opens and ends.
func TestGateReplicas(t *testing.T) {
	k, p := start(t), &papers{}
	k.elect = true
	k.apply(manifest(t, "40-webhook.yaml"))
	k.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: fraud, labels: {sevenfold.dev/gate: enforced}}\n")
	dev := k.developer("dev", "fraud")
	first := k.runGate(p, "")
	first.soon(t, "/metrics", 200, "sevenfold_gate_leader 1")
	k.awaitFloor(dev, "fraud")
	second := k.runGate(p, "") // registered in the first one's place
	second.soon(t, "/metrics", 200, "sevenfold_gate_leader 0")
	second.soon(t, "/selftest", 200, "a Deployment of two replicas in namespace sevenfold-selftest: refused", "a ReplicaSet of two replicas in namespace sevenfold-selftest: refused")
	first.stop()
	second.soon(t, "/metrics", 200, "sevenfold_gate_leader 1")
	dev.expect(t, "", deployment("ranker", 1), apply...)
	p.set(k.grant("fraud", "ranker", 1, 5, time.Hour))
	second.gate.Changed()
	k.awaitLimit("fraud", "Deployment/ranker", 5)
	dev.expectSoon(t, "", "scale", "deployment/ranker", "--replicas=3")

	dev.expect(t, "is changed only by who may govern", "", "annotate", "namespace", "fraud", "sevenfold.dev/break-glass=by=dev;since=2026-01-01T00:00:00Z;until=2026-01-01T01:00:00Z;reason=x")
	k.admin.expect(t, "begins with by=admin;", "", "annotate", "namespace", "fraud", "sevenfold.dev/break-glass=by=dev;since=2026-01-01T00:00:00Z;until=2026-01-01T01:00:00Z;reason=x")
	now := time.Now().UTC()
	glass := "sevenfold.dev/break-glass=by=admin;since=" + now.Format(time.RFC3339) + ";until=" + now.Add(time.Hour).Format(time.RFC3339) + ";reason=INC-7"
	dev.expect(t, "at most 5 allowed", "", "scale", "deployment/ranker", "--replicas=9")
	k.admin.expect(t, "", "", "annotate", "namespace", "fraud", glass)
	dev.expectUntil(t, "", "at most", "scale", "deployment/ranker", "--replicas=9")
	dev.expectSoon(t, "", "get", "events", "--field-selector", "reason=GrownByBreakGlass")
	k.admin.expect(t, "", "", "annotate", "namespace", "fraud", "sevenfold.dev/break-glass-")
	k.awaitLimit("fraud", "Deployment/ranker", 5)
	dev.expectUntil(t, "at most 5 allowed", "", "scale", "deployment/ranker", "--replicas=10", "--dry-run=server")

	k.admin.expect(t, "", "", "delete", "validatingwebhookconfiguration", act.WebhookName)
	second.soon(t, "/selftest", 503, "a ReplicaSet of two replicas in namespace sevenfold-selftest: LET THROUGH")
	k.admin.expectSoon(t, "", "-n", "sevenfold-selftest", "get", "events")
}

// expectUntil repeats a command that may end otherwise for a while.
func (u user) expectUntil(t testing.TB, want, meanwhile string, args ...string) {
	t.Helper()
	for until := time.Now().Add(settleWithin); ; time.Sleep(100 * time.Millisecond) {
		out, err := u.kubectl("", args...)
		why := differs(want, out, err)
		if why == "" {
			return
		}
		if time.Now().After(until) || err != nil && meanwhile != "" && !strings.Contains(out, meanwhile) {
			t.Fatalf("%s: kubectl %s: %s\n%s", u.name, strings.Join(args, " "), why, out)
		}
	}
}

// review posts an AdmissionReview to a gate: growth of a Deployment as it is.
func (g *running) review(t *testing.T, k *cluster, name string, replicas int64) (allowed bool, message string) {
	t.Helper()
	client, err := dynamic.NewForConfig(k.server.Config)
	if err != nil {
		t.Fatal(err)
	}
	u, err := client.Resource((&thing{kind: "Deployment"}).resource()).Namespace("fraud").Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	old := u.DeepCopy()
	if err := unstructured.SetNestedField(u.Object, replicas, "spec", "replicas"); err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(map[string]any{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": map[string]any{
		"uid": "u", "resource": map[string]any{"group": "apps", "version": "v1", "resource": "deployments"}, "name": name, "namespace": "fraud",
		"operation": "UPDATE", "userInfo": map[string]any{"username": "dev"}, "object": u.Object, "oldObject": old.Object}})
	if err != nil {
		t.Fatal(err)
	}
	https := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}} // its certificate is its own
	r, err := https.Post(g.url, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close() //nolint:errcheck // only read from
	var out struct {
		Response struct {
			Allowed bool
			Status  struct{ Message string }
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out.Response.Allowed, out.Response.Status.Message
}

// Two replicas asked in the same moment do not both let through the last of what
// the objects of a certificate share.
func TestGateReplicasShareALimit(t *testing.T) {
	k, p := start(t), &papers{}
	k.elect = true
	k.apply(manifest(t, "40-webhook.yaml"))
	k.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: fraud, labels: {sevenfold.dev/gate: enforced}}\n")
	dev := k.developer("dev", "fraud")
	first := k.runGate(p, "")
	k.awaitFloor(dev, "fraud")
	second := k.runGate(p, "")
	for _, name := range []string{"a", "b"} {
		dev.expect(t, "", deployment(name, 1), apply...)
	}
	g, h := k.grant("fraud", "a", 1, 6, time.Hour), k.grant("fraud", "b", 1, 6, time.Hour)
	maps.Copy(g.Limits, h.Limits)
	maps.Copy(g.Digests, h.Digests)
	g.Shared = 6
	p.set(g)
	first.gate.Changed()
	second.gate.Changed()
	k.awaitLimit("fraud", "Deployment/b", 6)
	one := 0
	for round := range 20 {
		var all sync.WaitGroup
		var a, b bool
		all.Go(func() { a, _ = first.review(t, k, "a", 5) })
		all.Go(func() { b, _ = second.review(t, k, "b", 5) })
		all.Wait()
		if a && b {
			t.Fatalf("round %d: both replicas let 5 of 6 through", round)
		}
		if a || b {
			one++
		}
		// What was let through comes to nothing: the objects are changed otherwise.
		for _, name := range []string{"a", "b"} {
			dev.expect(t, "", "", "annotate", "--overwrite", "deployment/"+name, "deployment.kubernetes.io/revision="+strconv.Itoa(round)) // no certificate speaks of it
		}
	}
	if one < 5 {
		t.Errorf("%d of 20 rounds let anything through", one)
	}
}
