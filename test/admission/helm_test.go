package admission_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/gate/admission"
	"github.com/sevenfold-sec/sevenfold/test/kubetest"
)

// chart is where the Helm chart lies.
const chart = "../../deploy/helm/sevenfold-gate"

// helm is a new cluster, and Helm in it, run as who may do everything.
func helm(t *testing.T) (*cluster, func(args ...string) (string, error)) {
	t.Helper()
	binary, err := filepath.Abs("../helm/helm")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(binary); err != nil {
		t.Skip("make test/helm/helm builds Helm, some minutes once")
	}
	k := &cluster{t: t, server: kubetest.Start(t)}
	k.admin = user{k: k, name: "admin", kubeconfig: k.server.Kubeconfig, namespace: "fraud"}
	home := t.TempDir()
	return k, func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), binary, args...)
		cmd.Env = append(os.Environ(), "HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home, "KUBECONFIG="+k.server.Kubeconfig)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
}

// Helm itself lints the chart, installs it on a real API server, where the gate it
// installs then holds, changes it and takes it away.
func TestHelmInstallsTheGate(t *testing.T) {
	k, run := helm(t)
	must := func(args ...string) string {
		t.Helper()
		out, err := run(args...)
		if err != nil {
			t.Fatalf("helm %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return out
	}
	must("lint", "--strict", chart)
	for _, more := range [][]string{nil, {"--set", "certManager.enabled=true", "--set", "controllers={system:serviceaccount:ml:operator}", "--set", "replicas=3", "-n", "elsewhere"}} {
		out := must(append([]string{"template", "sevenfold-gate", chart, "--kube-version", "1.37.2", "--set", "cluster=prod"}, more...)...)
		for _, words := range []string{"kind: ValidatingWebhookConfiguration", "kind: ValidatingAdmissionPolicyBinding", `--cluster, "prod"`} {
			if !strings.Contains(out, words) {
				t.Errorf("helm template %q lacks %q", more, words)
			}
		}
	}
	signers := []string{"--set", "signers[0].identity=release@example.com", "--set", "signers[0].issuer=https://issuer.example", "--set", "signers[1].identity=ci@example.com", "--set", "signers[1].issuer=https://ci.example"}
	render := func(more ...string) (string, error) {
		return run(append([]string{"template", "sevenfold-gate", chart, "--kube-version", "1.37.2"}, more...)...)
	}
	const named = `--trusted-root, /etc/sevenfold/trusted-root/trusted_root.json, --identity, "release@example.com", --issuer, "https://issuer.example", --identity, "ci@example.com", --issuer, "https://ci.example"]`
	for name, tt := range map[string]struct {
		more, words, lacks []string
		refused            string
	}{
		"a key":            {nil, []string{"--certificates, /etc/sevenfold/certificates, --key, /etc/sevenfold/key/key.pub]", "name: sevenfold-key"}, []string{"--trusted-root, ", "name: trusted-root"}, ""},
		"signers and key":  {signers, []string{"--key, /etc/sevenfold/key/key.pub, " + named, "configMap: {name: sevenfold-trusted-root }"}, nil, ""},
		"signers alone":    {append(signers, "--set", "keyConfigMap=", "--set", "trustedRootConfigMap=roots"), []string{named, "configMap: {name: roots }"}, []string{"key.pub", "/etc/sevenfold/key"}, ""},
		"nobody":           {[]string{"--set", "keyConfigMap="}, nil, nil, "nobody's certificates would count"},
		"no root":          {append(signers, "--set", "trustedRootConfigMap="), nil, nil, "signers are held against a trusted root"},
		"half a signer":    {signers[:2], nil, nil, "each of signers needs an issuer"},
		"another's issuer": {signers[2:4], nil, nil, "each of signers needs an identity"},
	} {
		out, err := render(tt.more...)
		if (err != nil) != (tt.refused != "") || !strings.Contains(out, tt.refused) {
			t.Errorf("%s: %v, want %q:\n%s", name, err, tt.refused, out)
		}
		for _, w := range tt.words {
			if !strings.Contains(out, w) {
				t.Errorf("%s: helm template lacks %q", name, w)
			}
		}
		for _, w := range tt.lacks {
			if strings.Contains(out, w) {
				t.Errorf("%s: helm template has %q", name, w)
			}
		}
	}
	must("install", "sevenfold-gate", chart, "--create-namespace", "-n", "sevenfold-system", "--set", "cluster=test")
	must("upgrade", "sevenfold-gate", chart, "-n", "sevenfold-system", "--set", "cluster=test", "--set", "replicas=3")
	if out := must("-n", "sevenfold-system", "get", "manifest", "sevenfold-gate"); !strings.Contains(out, "replicas: 3") {
		t.Error("the change did not come about")
	}
	k.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: fraud, labels: {sevenfold.dev/gate: enforced}}\n")
	dev := k.developer("dev", "fraud")
	// Nothing runs the pods here: the gate runs in this process, with the rights that
	// the chart gave its service account.
	g := k.runGate(&papers{}, "")
	k.awaitFloor(dev, "fraud")
	dev.expect(t, "", deployment("ranker", 1), apply...)
	dev.expect(t, "at most 1 allowed", "", "scale", "deployment/ranker", "--replicas=2")
	g.soon(t, "/selftest", 200, "a Deployment of two replicas in namespace sevenfold-selftest: refused", "a ReplicaSet of two replicas in namespace sevenfold-selftest: refused")
	g.stop()
	must("uninstall", "sevenfold-gate", "-n", "sevenfold-system")
	dev.expectUntil(t, "", "sevenfold", "scale", "deployment/ranker", "--replicas=2")
}

// A gate that runs outside the cluster writes its URL into the registration. Helm
// goes on from there if the chart is told of it, from the beginning or afterwards;
// a gate that has to alter what Helm installed says how.
func TestHelmWithTheGateOutside(t *testing.T) {
	k, run := helm(t)
	chartOf := func(verb string, more ...string) (string, error) {
		return run(append([]string{verb, "sevenfold-gate", chart, "-n", "sevenfold-system", "--set", "cluster=test"}, more...)...)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	url := "url=https://" + address + admission.Path
	if out, err := chartOf("install", "--create-namespace"); err != nil {
		t.Fatalf("install: %v\n%s", err, out)
	}
	k.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: fraud, labels: {sevenfold.dev/gate: enforced}}\n")
	dev := k.developer("dev", "fraud")
	p := &papers{}
	g := k.runGate(p, address)
	k.awaitFloor(dev, "fraud")
	if said := strings.Join(k.said(), "\n"); !strings.Contains(said, "--set "+url) {
		t.Errorf("the gate does not say how Helm is told of its URL:\n%s", said)
	}
	if out, err := chartOf("upgrade", "--set", "pilots=7"); err == nil || !strings.Contains(out, "exactly one of url or service is required") {
		t.Fatalf("upgrade without the URL: %v\n%s", err, out) // else nothing is tested here
	}
	holds := func(when string) {
		t.Helper()
		dev.expectSoon(t, "at most 1 allowed", "create", "deployment", "big"+when, "--image=img:1", "--replicas=2")
		if out, err := k.admin.kubectl("", "get", "validatingwebhookconfiguration", "sevenfold-gate", "-o", "yaml"); err != nil || !strings.Contains(out, "caBundle: ") {
			t.Errorf("%s: whom the API server trusts is gone (%v)", when, err)
		}
		if out, err := k.admin.kubectl("", "-n", "sevenfold-system", "get", "deployment", "sevenfold-gate"); err == nil {
			t.Errorf("%s: the gate runs inside too: %s", when, out)
		}
	}
	for i, when := range []string{"told", "again"} {
		if out, err := chartOf("upgrade", "--set", url, "--set", fmt.Sprintf("pilots=%d", 8+i)); err != nil {
			t.Fatalf("upgrade %s: %v\n%s", when, err, out)
		}
		holds(when)
	}
	g.stop() // and a replica that comes back finds itself registered
	g = k.runGate(p, address)
	holds("back")
	g.stop()
	// Inside again.
	if out, err := chartOf("upgrade"); err != nil {
		t.Fatalf("upgrade to a gate inside: %v\n%s", err, out)
	}
	k.admin.expect(t, "", "", "-n", "sevenfold-system", "get", "deployment", "sevenfold-gate")
}
