package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/gate"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/test/kubetest"
)

// clusterGate drives the program itself against a real API server.
type clusterGate struct {
	t         *testing.T
	server    *kubetest.Server
	dir, url  string
	key       ed25519.PrivateKey
	process   *exec.Cmd
	log       *bytes.Buffer
	publicKey string
}

func (c *clusterGate) kubectl(input string, args ...string) (string, error) {
	cmd := exec.Command("kubectl", append([]string{"--kubeconfig", c.server.Kubeconfig, "--cache-dir", filepath.Join(c.dir, "cache")}, args...)...)
	if input == "" { // manifests name their namespaces themselves
		cmd.Args = append(cmd.Args, "-n", "fraud")
	}
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// soon retries a command until it ends as wanted: refused with want in its
// words, or well if want is empty.
func (c *clusterGate) soon(want string, args ...string) {
	c.t.Helper()
	for until := time.Now().Add(3 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		out, err := c.kubectl("", args...)
		if (err == nil) == (want == "") && strings.Contains(out, want) {
			return
		}
		if time.Now().After(until) {
			c.t.Fatalf("kubectl %s: %v, want %q:\n%s\nthe gate said:\n%s", strings.Join(args, " "), err, want, out, c.log)
		}
	}
}

// run starts the program; kill -9 ends it.
func (c *clusterGate) run() {
	c.t.Helper()
	listen := strings.TrimSuffix(strings.TrimPrefix(c.url, "https://"), "/admit")
	c.process = exec.Command("sevenfold", "gate", "admission", "--kubeconfig", c.server.Kubeconfig, "--certificates", filepath.Join(c.dir, "certificates"),
		"--key", c.publicKey, "--listen", listen, "--url", c.url)
	c.log = &bytes.Buffer{}
	c.process.Stderr = c.log
	if err := c.process.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(c.kill)
}

func (c *clusterGate) kill() {
	if c.process != nil {
		_ = c.process.Process.Kill()
		_ = c.process.Wait()
		c.process = nil
	}
}

// certify signs a certificate for the deployment as it is now.
func (c *clusterGate) certify(file string, serial int64, limit int) {
	c.t.Helper()
	out, err := c.kubectl("", "get", "deployment", "ranker", "-o", "json")
	if err != nil {
		c.t.Fatal(out)
	}
	digest, err := assess.ObjectDigest("test")("Deployment", "fraud", "ranker", json.RawMessage(out))
	if err != nil {
		c.t.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Second)
	p := certificate.Predicate{Workload: certificate.Workload{ID: "w-1", Name: "fraud-model"}, Verdict: finding.Ready, Scale: certificate.Scale{Pilot: 1, Limit: limit},
		Issued: now, Expires: now.Add(time.Hour), Taken: now, Serial: serial, Waivers: []finding.Waiver{}, Bundle: map[string]string{}}
	for _, step := range gate.Table() {
		for _, l := range step.Lines {
			p.Criteria = append(p.Criteria, certificate.Criterion{ID: l.ID, Status: finding.CriterionPass, Evidence: strings.Repeat("0", 64)})
		}
	}
	text, err := certificate.Encode(&certificate.Statement{Type: certificate.StatementType, PredicateType: certificate.PredicateType,
		Subject: certificate.Subjects("w-1", map[string]string{"k8s://test/fraud/Deployment/ranker": digest}), Predicate: p}, c.key)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(c.dir, "certificates", file), text, 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// The program as it is run: manifests applied by kubectl, a certificate put
// into the folder, kill -9, an older certificate shown again.
func TestGateAdmissionInACluster(t *testing.T) {
	c := &clusterGate{t: t, server: kubetest.Start(t), dir: t.TempDir()}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	c.key, c.publicKey = private, certificate.KeyID(public)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.url = "https://" + l.Addr().String() + "/admit"
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(c.dir, "certificates"), 0o700); err != nil {
		t.Fatal(err)
	}
	manifests, err := exec.Command("sevenfold", "gate", "admission", "--manifests", "--url", c.url).Output()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := c.kubectl(string(manifests), "apply", "-f", "-"); err != nil {
		t.Fatalf("the manifests do not apply: %s", out)
	}
	c.run()
	c.soon("", "create", "namespace", "fraud")
	c.soon("", "label", "namespace", "fraud", "sevenfold.dev/gate=enforced")
	c.soon("", "get", "scaleverdict", "gate")
	c.soon("", "create", "deployment", "ranker", "--image=img:1")
	c.soon("Deployment/ranker in namespace fraud may not grow from 1 to 4 replicas: at most 1 allowed, because no valid certificate names it; certify the workload it belongs to: sevenfold gate certify WORKLOAD",
		"scale", "deployment/ranker", "--replicas=4")

	c.certify("1.json", 1, 5)
	old, err := os.ReadFile(filepath.Join(c.dir, "certificates", "1.json"))
	if err != nil {
		t.Fatal(err)
	}
	c.soon("", "scale", "deployment/ranker", "--replicas=4")
	c.soon("at most 5 allowed, because certificate 1 of workload fraud-model allows 5", "scale", "deployment/ranker", "--replicas=6")

	c.kill()
	c.soon("failed calling webhook", "scale", "deployment/ranker", "--replicas=5")
	c.soon("", "scale", "deployment/ranker", "--replicas=2")
	c.run()
	c.soon("", "scale", "deployment/ranker", "--replicas=5")

	// The newer one allows less; the older one beside it or instead of it does
	// not bring its limit back, not even to a gate that never saw the newer one.
	c.certify("2.json", 2, 3)
	c.soon("", "scale", "deployment/ranker", "--replicas=2")
	c.soon("", "wait", "scaleverdict/gate", "--for=jsonpath={.spec.limits.Deployment/ranker}=3", "--timeout=30s")
	c.soon("at most 3 allowed, because certificate 2", "scale", "deployment/ranker", "--replicas=4")
	c.kill()
	if err := os.WriteFile(filepath.Join(c.dir, "certificates", "2.json"), old, 0o600); err != nil {
		t.Fatal(err)
	}
	c.run()
	c.soon("certificate 1 of workload fraud-model is older than certificate 2, which has been seen", "scale", "deployment/ranker", "--replicas=4")

	// One byte of the newest flipped: it no longer counts, and says so.
	c.certify("2.json", 3, 9)
	c.soon("", "scale", "deployment/ranker", "--replicas=4")
	file := filepath.Join(c.dir, "certificates", "2.json")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1 // in the middle of the payload
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	c.soon("", "wait", "scaleverdict/gate", "--for=jsonpath={.spec.limits.Deployment/ranker}=1", "--timeout=30s")
	c.soon("at most 1 allowed", "scale", "deployment/ranker", "--replicas=6")
	c.soon("", "scale", "deployment/ranker", "--replicas=0")
	if err := c.process.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := c.process.Wait(); err != nil {
		t.Errorf("stopped by an interrupt it ends with %v:\n%s", err, c.log)
	}
	said := fmt.Sprint(c.log)
	c.process = nil
	for _, words := range []string{"ready", "certificate refused"} {
		if !strings.Contains(said, words) {
			t.Errorf("the log does not say %q:\n%s", words, said)
		}
	}
}
