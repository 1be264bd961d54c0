package admission_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"

	act "github.com/sevenfold-sec/sevenfold/act/kubernetes"
	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/gate/admission"
)

// controllerName is who the gate is to the API server: it has only the rights
// of 20-rbac.yaml.
const controllerName = "system:serviceaccount:sevenfold-system:sevenfold-gate"

// papers are certificates at hand, changed by tests as they run.
type papers struct {
	mu      sync.Mutex
	grants  []admission.Grant
	refused []admission.Refused
	err     error
	now     time.Time // zero: the real clock
	skew    time.Duration
}

func (p *papers) Current(context.Context) ([]admission.Grant, []admission.Refused, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.grants, p.refused, p.err
}

func (p *papers) set(grants ...admission.Grant) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.grants = grants
}

func (p *papers) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

// off has the gate's clock run on, so much ahead of the real one.
func (p *papers) off(skew time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.skew = skew
}

// clock is what the gate takes for the time.
func (p *papers) clock() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.now.IsZero() {
		return time.Now().Add(p.skew)
	}
	return p.now
}

func (p *papers) at(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = now
}

// essence is what is certified of an object.
var essence = assess.ObjectDigest("test")

// running is a gate that runs until stopped.
type running struct {
	gate *admission.Gate
	url  string
	stop func()
}

// runGate runs webhook and controller in this process, as the service account
// and over the network as in a cluster. address "" takes a free port; the URL
// is registered under the address, so a gate that comes back takes the same.
func (k *cluster) runGate(p *papers, address string) *running {
	k.t.Helper()
	g := k.newGate(p, address)
	for until := time.Now().Add(settleWithin); !g.gate.Ready(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(until) {
			k.t.Fatal("the gate is not ready")
		}
	}
	return g
}

func (k *cluster) newGate(p *papers, address string) *running {
	k.t.Helper()
	if address == "" {
		address = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		k.t.Fatal(err)
	}
	url := "https://" + listener.Addr().String() + admission.Path
	config, err := clientcmd.BuildConfigFromFlags("", k.server.As(controllerName, "system:serviceaccounts", "system:authenticated"))
	if err != nil {
		k.t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(testWriter{k.t}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	client, err := act.New(act.Options{Config: config, URL: url, Held: assess.HeldResources(), Checks: admission.CheckController, Tell: k.note, Failed: func(what string, err error) { log.Warn(what, "err", err) }})
	if err != nil {
		k.t.Fatal(err)
	}
	var lead func(context.Context, func(context.Context)) error
	if k.elect {
		lead = func(ctx context.Context, leading func(context.Context)) error {
			return client.Lead(ctx, "sevenfold-system", "sevenfold-gate", listener.Addr().String(), leading)
		}
	}
	digest := essence
	if k.digest != nil {
		digest = k.digest
	}
	gate, err := admission.New(admission.Options{
		Cluster: assess.GateCluster(client, "sevenfold-system"), Kinds: assess.GrowingKinds(), Controllers: admission.DefaultControllers(), Pilots: 5, Grants: p, Digest: digest, Listener: listener, Hosts: []string{"127.0.0.1"}, Unlisted: 1, Now: p.clock, Log: log, SelfTest: time.Second, Lead: lead, Queues: assess.GateQueues(client),
	})
	if err != nil {
		k.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- gate.Run(ctx) }()
	r := &running{gate: gate, url: url}
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			k.t.Errorf("the gate ended: %v", err)
		}
	})
	k.t.Cleanup(r.stop)
	return r
}

// testWriter sends the gate's log to the test's.
type testWriter struct{ t testing.TB }

func (w testWriter) Write(b []byte) (int, error) {
	if testing.Verbose() {
		w.t.Log(strings.TrimSpace(string(b)))
	}
	return len(b), nil
}

// grant certifies a deployment as it is in the cluster now.
func (k *cluster) grant(ns, name string, serial int64, limit int, life time.Duration) admission.Grant {
	k.t.Helper()
	out, err := k.admin.kubectl("", "-n", ns, "get", "deployment", name, "-o", "json")
	if err != nil {
		k.t.Fatalf("%v: %s", err, out)
	}
	digest, err := essence("Deployment", ns, name, json.RawMessage(out))
	if err != nil {
		k.t.Fatal(err)
	}
	object := ns + "/Deployment/" + name
	return admission.Grant{Workload: "w-" + name, Name: name + "-model", Serial: serial, Expires: time.Now().Add(life).Truncate(time.Second),
		Limits: map[string]int{object: limit}, Digests: map[string]string{object: digest}}
}

// withGate is a cluster with floor and webhook registration, a gated namespace
// fraud, a developer, and the gate running.
func withGate(t testing.TB) (*cluster, *papers, *running, user) {
	t.Helper()
	k, p := start(t), &papers{}
	k.apply(manifest(t, "40-webhook.yaml"))
	k.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: fraud, labels: {sevenfold.dev/gate: enforced}, annotations: {sevenfold.dev/pilots: \"200\"}}\n")
	dev := k.developer("dev", "fraud")
	g := k.runGate(p, "")
	k.awaitFloor(dev, "fraud")
	return k, p, g, dev
}

func (g *running) address() string {
	return strings.TrimSuffix(strings.TrimPrefix(g.url, "https://"), admission.Path)
}

// The life of a workload: pilot, refusal, certificate, growth, change, expiry,
// replay.
func TestGateLifeOfAWorkload(t *testing.T) {
	k, p, g, dev := withGate(t)
	dev.expect(t, "", deployment("ranker", 1), apply...)
	dev.expect(t, "may not grow from 1 to 4 replicas: at most 1 allowed, because no valid certificate names it", "", "scale", "deployment/ranker", "--replicas=4")

	p.set(k.grant("fraud", "ranker", 1, 5, time.Hour))
	g.gate.Changed()
	dev.expectSoon(t, "", "scale", "deployment/ranker", "--replicas=4")
	dev.expect(t, "", autoscaler("v2", "ranker", "apps/v1", "Deployment", "ranker", 1, 5), apply...)
	dev.expect(t, "grow to 1-6", autoscaler("v2", "ranker", "apps/v1", "Deployment", "ranker", 1, 6), apply...)
	dev.expect(t, "at most 5 allowed, because certificate 1 of workload ranker-model allows 5 until", "", "scale", "deployment/ranker", "--replicas=6")

	// Made anew as it was certified, and as something else.
	dev.expect(t, "", "", "delete", "deployment", "ranker")
	dev.expect(t, "it was changed since workload ranker-model was certified", strings.Replace(deployment("ranker", 3), "img:1", "img:7", 1), apply...)
	dev.expect(t, "", deployment("ranker", 4), apply...)

	// Another image and growth in one request, then one after the other: the
	// webhook sees it before the floor can.
	dev.expect(t, "it was changed since workload ranker-model was certified; certify it again: sevenfold gate certify ranker-model", "",
		"patch", "deployment", "ranker", "-p", `{"spec":{"replicas":5,"template":{"spec":{"containers":[{"name":"c","image":"img:2"}]}}}}`)
	dev.expect(t, "", "", "set", "image", "deployment/ranker", "c=img:2")
	dev.expect(t, "it was changed since workload ranker-model was certified", "", "scale", "deployment/ranker", "--replicas=5")
	dev.expect(t, "", "", "patch", "hpa", "ranker", "-p", `{"spec":{"maxReplicas":2}}`)
	dev.expect(t, "it was changed since", "", "patch", "hpa", "ranker", "-p", `{"spec":{"maxReplicas":3}}`)
	dev.expect(t, "", "", "scale", "deployment/ranker", "--replicas=3")
	k.awaitLimit("fraud", "Deployment/ranker", 1)

	// Certified again, as it is now.
	second := k.grant("fraud", "ranker", 2, 8, time.Hour)
	p.set(second)
	g.gate.Changed()
	k.awaitLimit("fraud", "Deployment/ranker", 8)
	dev.expectSoon(t, "", "scale", "deployment/ranker", "--replicas=6")

	// The old one shown again, which allows less for another image: refused.
	old := second
	old.Serial, old.Limits = 1, map[string]int{"fraud/Deployment/ranker": 50}
	p.set(old)
	g.gate.Changed()
	k.awaitLimit("fraud", "Deployment/ranker", 1)
	dev.expect(t, "certificate 1 of workload ranker-model is older than certificate 2, which has been seen", "", "scale", "deployment/ranker", "--replicas=7")

	// Expired: the webhook refuses by itself, then the floor.
	p.set(second)
	g.gate.Changed()
	k.awaitLimit("fraud", "Deployment/ranker", 8)
	dev.expectSoon(t, "", "scale", "deployment/ranker", "--replicas=7")
	p.at(second.Expires)
	dev.expect(t, "the certificate of workload ranker-model expired on "+second.Expires.UTC().Format(time.RFC3339), "", "scale", "deployment/ranker", "--replicas=8")
	g.gate.Changed()
	k.awaitLimit("fraud", "Deployment/ranker", 1)
	dev.expect(t, "certificate 2 of workload ranker-model expired on", "", "scale", "deployment/ranker", "--replicas=8")
	dev.expect(t, "", "", "scale", "deployment/ranker", "--replicas=2")
}

// awaitLimit waits until the ScaleVerdict lists a limit; 0 that it lists none.
func (k *cluster) awaitLimit(ns, key string, want int) {
	k.t.Helper()
	var out string
	for until := time.Now().Add(settleWithin); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		out, _ = k.admin.kubectl("", "-n", ns, "get", "scaleverdict", "gate", "-o", "json")
		var v struct{ Spec admission.Verdict }
		if json.Unmarshal([]byte(out), &v) == nil && v.Spec.Limits[key] == want {
			return
		}
	}
	k.t.Fatalf("the limit of %s is not %d within %s:\n%s", key, want, settleWithin, out)
}

// Whatever is down, growth is refused and shrinking goes through.
func TestGateWithPartsDown(t *testing.T) {
	k, p, g, dev := withGate(t)
	dev.expect(t, "", deployment("ranker", 1), apply...)
	p.set(k.grant("fraud", "ranker", 7, 5, time.Hour))
	g.gate.Changed()
	dev.expectSoon(t, "", "scale", "deployment/ranker", "--replicas=3")
	down := func(t *testing.T) {
		t.Helper()
		dev.expect(t, "failed calling webhook", "", "scale", "deployment/ranker", "--replicas=4")
		dev.expect(t, "at most 1 allowed", deployment("other", 2), apply...)
		dev.expect(t, "failed calling webhook", autoscaler("v2", "ranker", "apps/v1", "Deployment", "ranker", 1, 5), apply...)
		dev.expect(t, "", "", "scale", "deployment/ranker", "--replicas=2")
		dev.expect(t, "", "", "scale", "deployment/ranker", "--replicas=0")
		dev.expect(t, "failed calling webhook", "", "scale", "deployment/ranker", "--replicas=1") // nobody can tell what else there is
	}
	up := func(t *testing.T) {
		t.Helper()
		k.awaitLimit("fraud", "Deployment/ranker", 5)
		dev.expectSoon(t, "", "scale", "deployment/ranker", "--replicas=3")
		dev.expect(t, "at most 5 allowed", "", "scale", "deployment/ranker", "--replicas=6")
	}
	t.Run("gate_stopped", func(t *testing.T) {
		g.stop()
		down(t)
		g = k.runGate(p, g.address())
		up(t)
	})
	t.Run("server_restarted", func(t *testing.T) {
		k.server.Restart()
		up(t)
	})
	t.Run("gate_stopped_then_server_restarted", func(t *testing.T) {
		g.stop()
		k.server.Restart()
		k.awaitFloor(dev, "fraud")
		down(t)
		g = k.runGate(p, g.address())
		up(t)
	})
	t.Run("registration_deleted", func(t *testing.T) {
		k.admin.expect(t, "", "", "delete", "validatingwebhookconfiguration", act.WebhookName)
		g.stop()
		dev.expect(t, "at most 5 allowed", "", "scale", "deployment/ranker", "--replicas=6")
		k.apply(manifest(t, "40-webhook.yaml"))
		g = k.runGate(p, g.address())
		up(t)
	})
	t.Run("verdict_deleted", func(t *testing.T) {
		// Nobody may; so with its guard away, as an administrator would.
		k.admin.expect(t, "", "", "delete", "validatingadmissionpolicybinding", "sevenfold-verdicts")
		g.stop()
		k.admin.expectSoon(t, "", "delete", "scaleverdict", "gate")
		down(t)
		g = k.runGate(p, g.address())
		up(t)
		k.admin.expect(t, "", "", "delete", "scaleverdict", "gate")
		up(t)
		k.apply(manifest(t, "30-policies.yaml"))
	})
	t.Run("limits_garbled", func(t *testing.T) {
		g.stop()
		k.admin.expect(t, "", "", "annotate", "--overwrite", "namespace", "fraud", admission.LimitsAnnotation+"=anything")
		dev.expectSoon(t, "at most 0 allowed", "scale", "deployment/ranker", "--replicas=5")
		dev.expect(t, "", "", "scale", "deployment/ranker", "--replicas=2")
		g = k.runGate(p, g.address())
		up(t)
		k.admin.expect(t, "", "", "annotate", "namespace", "fraud", admission.LimitsAnnotation+"-")
		up(t)
	})
	t.Run("copy_raised_by_hand", func(t *testing.T) {
		k.admin.expect(t, "", "", "annotate", "--overwrite", "namespace", "fraud", admission.LimitsAnnotation+"=;*=50:;")
		if out, err := dev.kubectl("", "scale", "deployment/ranker", "--replicas=9"); err == nil {
			t.Errorf("grown by a limit no certificate gives: %s", out)
		}
		up(t)
	})
	t.Run("limit_raised_by_hand", func(t *testing.T) {
		k.admin.expect(t, "", "", "patch", "scaleverdict", "gate", "--type=merge", "-p", `{"spec":{"limits":{"Deployment/ranker":50}}}`)
		if out, err := dev.kubectl("", "scale", "deployment/ranker", "--replicas=9"); err == nil {
			t.Errorf("grown by a limit no certificate gives: %s", out)
		}
		up(t)
	})
	t.Run("certificates_unreadable", func(t *testing.T) {
		p.mu.Lock()
		p.err = errors.New("disk on fire")
		p.mu.Unlock()
		g.stop()
		g = k.newGate(p, g.address())
		k.awaitLimit("fraud", "Deployment/ranker", 0)
		dev.expectSoon(t, "at most 1 allowed", "scale", "deployment/ranker", "--replicas=5")
		dev.expect(t, "", "", "scale", "deployment/ranker", "--replicas=1")
		if g.gate.Ready() {
			t.Error("ready though the certificates cannot be read")
		}
	})
}

// A namespace that is prepared gets its verdict before it is gated; one gated
// at once gets it in a moment.
func TestGatePreparesNamespaces(t *testing.T) {
	k, _, _, dev := withGate(t)
	for _, label := range []string{"prepared", "enforced"} {
		ns := "ns-" + label
		k.admin.expect(t, "", "", "create", "namespace", ns)
		dev.bind(ns)
		k.admin.expect(t, "", "", "label", "namespace", ns, "sevenfold.dev/gate="+label)
		k.admin.expectSoon(t, "", "-n", ns, "get", "scaleverdict", "gate")
	}
	dev.expect(t, "", deployment("a", 4), "-n", "ns-prepared", "apply", "-f", "-")
	k.admin.expect(t, "", "", "label", "--overwrite", "namespace", "ns-prepared", "sevenfold.dev/gate=enforced")
	dev.expectSoon(t, "at most 1 allowed", "-n", "ns-prepared", "scale", "deployment/a", "--replicas=5", "--current-replicas=4")
	dev.expect(t, "", "", "-n", "ns-prepared", "scale", "deployment/a", "--replicas=3")
}

// The gate's own rights: what a controller does not need it cannot do.
func TestGateCannotTouchWorkloads(t *testing.T) {
	k := start(t)
	gate := user{k: k, name: controllerName, kubeconfig: k.server.As(controllerName, "system:serviceaccounts", "system:authenticated"), namespace: "fraud"}
	for _, can := range []string{
		"create deployments", "update deployments", "patch deployments", "delete deployments", "patch statefulsets", "create pods", "get secrets", "list secrets",
		"get configmaps", "update namespaces", "delete scaleverdicts", "update validatingadmissionpolicies",
		"update validatingwebhookconfigurations", "create validatingwebhookconfigurations", "create clusterrolebindings", "escalate clusterroles",
		"impersonate users", "create serviceaccounts/token", "patch horizontalpodautoscalers",
	} {
		out, err := gate.kubectl("", append([]string{"auth", "can-i"}, strings.Fields(can)...)...)
		if err == nil || !strings.Contains(out, "no") {
			t.Errorf("the gate can %s: %s", can, out)
		}
	}
	// Its right to patch namespaces reaches no further than its annotations.
	k.gated("fraud", `{unlisted: 1}`)
	config, err := clientcmd.BuildConfigFromFlags("", gate.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	client := dynamic.NewForConfigOrDie(config).Resource(schema.GroupVersionResource{Version: "v1", Resource: "namespaces"})
	patch := func(body string, sub ...string) error {
		_, err := client.Patch(t.Context(), "fraud", types.MergePatchType, []byte(body), metav1.PatchOptions{}, sub...)
		return err
	}
	own := `{"metadata":{"annotations":{"` + admission.LimitsAnnotation + `":";*=%d:;"}}}`
	for until := time.Now().Add(settleWithin); ; time.Sleep(50 * time.Millisecond) {
		err := patch(fmt.Sprintf(own, 1))
		if err == nil {
			break
		}
		if time.Now().After(until) {
			t.Fatal(err)
		}
	}
	k.awaitFloor(k.admin, "fraud")
	for _, body := range []string{
		`{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"privileged"}}}`, `{"metadata":{"labels":{"sevenfold.dev/gate":null}}}`,
		`{"metadata":{"annotations":{"theirs":"x"}}}`, `{"metadata":{"annotations":{"` + admission.LimitsAnnotation + `":";*=3:;","theirs":"x"}}}`,
		`{"metadata":{"finalizers":["x.example/y"]}}`,
	} {
		if err := patch(body); err == nil || !strings.Contains(err.Error(), "the gate writes its own annotations of a namespace and nothing else") {
			t.Errorf("%s: %v", body, err)
		}
	}
	if err := patch(fmt.Sprintf(own, 3)); err != nil {
		t.Error(err)
	}
	for _, can := range []string{"list deployments", "create scaleverdicts", "update validatingwebhookconfigurations/sevenfold-gate"} {
		if out, err := gate.kubectl("", append([]string{"auth", "can-i"}, strings.Fields(can)...)...); err != nil {
			t.Errorf("the gate cannot %s: %s", can, fmt.Sprint(out, err))
		}
	}
}
