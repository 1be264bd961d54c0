package admission_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/sevenfold-sec/sevenfold/gate/admission"
)

// kueueName is who Kueue is to the API server, as its manifests have it.
const kueueName = "system:serviceaccount:kueue-system:kueue-controller-manager"

// kueueItself runs Kueue's own controller and webhooks beside the API server, with the
// rights of its manifests, for Jobs alone.
func (k *cluster) kueueItself(t *testing.T) {
	t.Helper()
	home, err := filepath.Abs("../kueue")
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(home, "kueue")
	read := func(path ...string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(append([]string{home, "components"}, path...)...))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	definitions, err := filepath.Glob(filepath.Join(home, "components", "crd", "bases", "*.yaml"))
	if err != nil || len(definitions) == 0 {
		t.Fatalf("Kueue's definitions are not beside it: %v", err)
	}
	for _, d := range definitions {
		k.apply(read("crd", "bases", filepath.Base(d)))
	}
	k.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: kueue-system}\n")
	k.apply(read("rbac", "role.yaml"))
	k.apply(strings.ReplaceAll(read("rbac", "manager_secrets_role.yaml"), "namespace: system", "namespace: kueue-system"))
	k.apply(fmt.Sprintf(`
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: kueue-manager}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: manager-role}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: %[1]q}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: kueue-manager, namespace: kueue-system}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: manager-secrets-role}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: %[1]q}]
`, kueueName))
	dir, hooks, health := t.TempDir(), freePort(t), freePort(t)
	bundle := selfSigned(t, dir)
	config := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, `
apiVersion: config.kueue.x-k8s.io/v1beta2
kind: Configuration
namespace: kueue-system
health: {healthProbeBindAddress: "127.0.0.1:%d"}
metrics: {bindAddress: "0"}
webhook: {host: 127.0.0.1, port: %d, certDir: %q}
leaderElection: {leaderElect: false}
internalCertManagement: {enable: false}
integrations: {frameworks: [batch/job]}
featureGates: {VisibilityOnDemand: false, MultiKueue: false}
`, health, hooks, dir), 0o600); err != nil {
		t.Fatal(err)
	}
	// Without its own management of certificates Kueue reads one for its metrics from a
	// place that no setting changes: it has an /etc of its own.
	const own = `mount -t tmpfs none /etc && mkdir -p /etc/kueue/metrics/certs && cp "$0"/tls.* /etc/kueue/metrics/certs/ && exec "$@"`
	cmd := exec.CommandContext(t.Context(), "unshare", "--map-root-user", "--mount", "sh", "-c", own, dir,
		binary, "--config", config, "--kubeconfig", k.server.As(kueueName, "system:serviceaccounts", "system:authenticated"))
	cmd.Stdout, cmd.Stderr = testWriter{t}, testWriter{t}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	for until := time.Now().Add(settleWithin); ; time.Sleep(200 * time.Millisecond) {
		if res, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/readyz", health)); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				break
			}
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("Kueue ended: %v", err)
		default:
		}
		if time.Now().After(until) {
			t.Fatal("Kueue is not ready")
		}
	}
	k.apply(kueueHooks(t, read("webhook", "manifests.yaml"), hooks, bundle))
}

// kueueHooks are Kueue's webhooks of its own kinds and of Jobs, called at a port of
// this machine.
func kueueHooks(t *testing.T, text string, port int, bundle []byte) string {
	t.Helper()
	var out []string
	for doc := range strings.SplitSeq(text, "\n---\n") {
		var u map[string]any
		if err := yaml.Unmarshal([]byte(doc), &u); err != nil {
			t.Fatal(err)
		}
		list, _ := u["webhooks"].([]any)
		list = slices.DeleteFunc(list, func(h any) bool {
			client, _ := h.(map[string]any)["clientConfig"].(map[string]any)
			service, _ := client["service"].(map[string]any)
			path, _ := service["path"].(string)
			delete(client, "service")
			client["url"], client["caBundle"] = fmt.Sprintf("https://127.0.0.1:%d%s", port, path), bundle
			return !strings.Contains(path, "-kueue-x-k8s-io-") && !strings.Contains(path, "-batch-v1-job")
		})
		if len(list) == 0 {
			continue
		}
		u["webhooks"] = list
		again, err := yaml.Marshal(u)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(again))
	}
	if len(out) != 2 {
		t.Fatalf("%d registrations of webhooks are Kueue's", len(out))
	}
	return strings.Join(out, "---\n")
}

// applySoon applies what is taken once Kueue answers its webhooks.
func (u user) applySoon(t *testing.T, text string) {
	t.Helper()
	for until := time.Now().Add(settleWithin); ; time.Sleep(200 * time.Millisecond) {
		out, err := u.kubectl(text, apply...)
		if err == nil {
			return
		}
		if time.Now().After(until) || !strings.Contains(out, "webhook") {
			t.Fatalf("%v: %s\n%s", err, out, text)
		}
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// selfSigned writes a certificate for this machine and its key as tls.crt and tls.key.
func selfSigned(t *testing.T, dir string) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	bundle := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, text := range map[string][]byte{"tls.crt": bundle, "tls.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return bundle
}

// workloadOf waits until what Kueue says of a job's Workload holds some words.
func (k *cluster) workloadOf(t *testing.T, ns, name, what, words string) string {
	t.Helper()
	var out, last string
	for until := time.Now().Add(settleWithin); time.Now().Before(until); time.Sleep(200 * time.Millisecond) {
		if out != last && testing.Verbose() {
			t.Logf("%s %s: %s", name, time.Now().UTC().Format(time.TimeOnly), out)
		}
		last = out
		out, _ = k.admin.kubectl("", "-n", ns, "get", "workloads.kueue.x-k8s.io", "-o",
			`jsonpath={range .items[?(@.metadata.ownerReferences[0].name=="`+name+`")]}{range .status.conditions[*]}{.type}={.status} {end}{range .status.admissionChecks[*]}{.name}:{.state} {.message} {.requeueAfterSeconds} {end}{end}`)
		if strings.Contains(out, words) {
			return out
		}
	}
	t.Fatalf("%s: the Workload of %s never said %q: %s", what, name, words, out)
	return ""
}

// Kueue itself asks the gate: a job waits while nobody certified it, starts with a
// certificate, and is held when that ends before another check let it through.
func TestKueueItself(t *testing.T) {
	if _, err := os.Stat("../kueue/kueue"); err != nil {
		t.Skip("make test/kueue/kueue builds Kueue, many minutes once")
	}
	k, p := start(t), &papers{}
	k.apply(manifest(t, "40-webhook.yaml"))
	k.kueueItself(t)
	g := k.runGate(p, "")
	k.apply(`
apiVersion: v1
kind: Namespace
metadata: {name: jobs, labels: {sevenfold.dev/gate: prepared}}
`)
	dev := k.developer("ml", "jobs")
	for _, u := range []string{"AdmissionCheck certified {controllerName: " + admission.CheckController + "}", "AdmissionCheck theirs {controllerName: example.com/other}", "ResourceFlavor any {}"} {
		f := strings.SplitN(u, " ", 3)
		k.admin.applySoon(t, fmt.Sprintf("apiVersion: kueue.x-k8s.io/v1beta2\nkind: %s\nmetadata: {name: %s}\nspec: %s\n", f[0], f[1], f[2]))
	}
	for queue, checks := range map[string]string{"q": "{name: certified}", "both": "{name: certified}, {name: theirs}"} {
		k.admin.applySoon(t, fmt.Sprintf(`
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: %[1]s}
spec:
  namespaceSelector: {}
  admissionChecksStrategy: {admissionChecks: [%[2]s]}
  resourceGroups: [{coveredResources: [cpu], flavors: [{name: any, resources: [{name: cpu, nominalQuota: 100}]}]}]
`, queue, checks))
		dev.applySoon(t, fmt.Sprintf("apiVersion: kueue.x-k8s.io/v1beta2\nkind: LocalQueue\nmetadata: {name: %[1]s}\nspec: {clusterQueue: %[1]s}\n", queue))
	}
	// Another's check is answered by who has it; here it is for us to say.
	k.admin.expect(t, "", "", "patch", "admissionchecks.kueue.x-k8s.io", "theirs", "--subresource=status", "--type=merge", "-p",
		`{"status":{"conditions":[{"type":"Active","status":"True","reason":"Test","message":"","lastTransitionTime":"2026-01-01T00:00:00Z"}]}}`)
	ask := func(name, queue string, n int) string {
		return strings.NewReplacer("suspend: true, ", "", "queue-name: q}", "queue-name: "+queue+"}", `image: "img:1"`, `image: "img:1", resources: {requests: {cpu: "1"}}`).Replace(job(name, n))
	}
	suspended := func(ns, name, want string) {
		t.Helper()
		var out string
		for until := time.Now().Add(settleWithin); time.Now().Before(until); time.Sleep(200 * time.Millisecond) {
			if out, _ = k.admin.kubectl("", "-n", ns, "get", "job", name, "-o", "jsonpath={.spec.suspend}"); out == want {
				return
			}
		}
		t.Errorf("job %s: suspended is %q, want %s", name, out, want)
	}

	dev.applySoon(t, ask("train", "q", 4))
	k.workloadOf(t, "jobs", "train", "without a certificate", "certified:Retry")
	name, err := k.admin.kubectl("", "-n", "jobs", "get", "workloads.kueue.x-k8s.io", "-o", `jsonpath={.items[?(@.metadata.ownerReferences[0].name=="train")].metadata.name}`)
	if err != nil || name == "" {
		t.Fatalf("no Workload is the job's: %v %s", err, name)
	}
	(&kueue{k: k}).told(t, "jobs", name, "GrowthHeld", "no valid certificate names it")
	suspended("jobs", "train", "true")

	p.set(k.grantJobs(t, "jobs", 1, 4, "train"))
	g.gate.Changed()
	k.awaitLimit("jobs", "Job/train", 4)
	k.workloadOf(t, "jobs", "train", "with a certificate", " Admitted=True")
	suspended("jobs", "train", "false")

	// One that another check still holds when its certificate ends.
	dev.expect(t, "", ask("late", "both", 4), apply...)
	p.set(k.grantJobs(t, "jobs", 2, 8, "train", "late"))
	g.gate.Changed()
	k.awaitLimit("jobs", "Job/late", 8)
	k.workloadOf(t, "jobs", "late", "certified, and held by another check", "certified:Ready")
	p.set(k.grantJobs(t, "jobs", 3, 8, "train"))
	g.gate.Changed()
	k.awaitLimit("jobs", "Job/late", 0)
	out := k.workloadOf(t, "jobs", "late", "revoked", "certified:Retry")
	if strings.Contains(out, "Admitted=True") {
		t.Errorf("it started without a certificate: %s", out)
	}
	suspended("jobs", "late", "true")
	suspended("jobs", "train", "false") // what has started is left alone
}
