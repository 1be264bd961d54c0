package control_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"

	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/controls"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
)

var mendTime = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// Reasons why a fault of an object of Kubernetes has no command.
const (
	inAShell    = "it stands in the text of a shell, which nobody can change safely"
	aSecret     = "a key or password has to be made first, and given to the callers"
	whoNeedsIt  = "whom or what to name only the company knows"
	howMuch     = "how much is needed only the company knows"
	inTheImage  = "the image has to be built otherwise"
	certificate = "a certificate has to be made first"
	another     = "what mends it is another object, or a part of the pod, with choices of its own"
	otherValues = "the value has more in it, of which only the company knows what to keep"
)

// unmended are the controls on Kubernetes without a command, with the reason.
var unmended = map[string]string{
	"k8s-accelerator-shared-without-walls": another, "k8s-accelerator-taken-unasked": howMuch, "k8s-batch-queue-unbounded": howMuch, "k8s-chroma-open": another,
	"k8s-cluster-admin-bound": whoNeedsIt, "k8s-container-root": inTheImage, "k8s-container-without-memory-limit": howMuch, "k8s-dask-scheduler-open": certificate,
	"k8s-experiment-without-end": howMuch, "k8s-image-unpinned": whoNeedsIt, "k8s-inferencegraph-leaves-in-clear": certificate, "k8s-inferenceservice-growth-unbounded": howMuch,
	"k8s-inferenceservice-payload-logged-in-clear": certificate, "k8s-ingress-ai-tool-without-sign-in": another, "k8s-ingress-clear-text": certificate, "k8s-jupyterhub-anyone": another,
	"k8s-litellm-without-master-key": aSecret, "k8s-llamacpp-without-api-key": aSecret, "k8s-localai-without-api-key": aSecret, "k8s-mesh-policy-lets-everyone-in": whoNeedsIt,
	"k8s-milvus-without-sign-in": inAShell, "k8s-minio-default-credentials": aSecret, "k8s-mlflow-without-auth": aSecret, "k8s-model-fetched-in-clear": certificate,
	"k8s-model-store-unverified": certificate, "k8s-model-unpinned": whoNeedsIt, "k8s-network-policy-lets-everything-out": whoNeedsIt, "k8s-ollama-open": another,
	"k8s-packages-installed-at-start": inTheImage, "k8s-phoenix-without-sign-in": aSecret, "k8s-pod-host-path": another, "k8s-poddefault-for-every-pod": whoNeedsIt,
	"k8s-postgres-trust": aSecret, "k8s-prefect-without-password": aSecret, "k8s-profile-owned-by-everyone": whoNeedsIt, "k8s-profile-without-quota": howMuch,
	"k8s-qdrant-without-api-key": aSecret, "k8s-queue-for-every-namespace": whoNeedsIt, "k8s-ray-dashboard-open": aSecret, "k8s-ray-growth-unbounded": howMuch,
	"k8s-ray-store-without-password": aSecret, "k8s-redis-without-password": aSecret, "k8s-registry-open": aSecret, "k8s-role-everything": whoNeedsIt,
	"k8s-role-reads-all-secrets": whoNeedsIt, "k8s-sandbox-shares-kernel": another, "k8s-script-run-from-network": inTheImage, "k8s-secret-in-environment": aSecret,
	"k8s-served-model-writable": another, "k8s-service-ai-port-open": another, "k8s-service-model-in-clear": certificate, "k8s-service-notebook-in-clear": certificate, "k8s-sglang-without-api-key": aSecret,
	"k8s-tgi-without-api-key": aSecret, "k8s-vllm-without-api-key": aSecret, "k8s-weaviate-anonymous": aSecret, "k8s-workflow-artifacts-in-clear": certificate,
	"k8s-workflow-default-account": whoNeedsIt, "k8s-workflow-secret-in-parameters": aSecret,
}

// TestEveryFaultInKubernetesHasACommand holds that a control on Kubernetes has a
// command or a patch, or that the reason why not stands here, and no longer.
func TestEveryFaultInKubernetesHasACommand(t *testing.T) {
	set, problems := control.Load(controls.FS)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	used := map[string]bool{}
	for _, c := range set.Controls() {
		if strings.HasPrefix(c.Types[0], "AWS::") {
			continue
		}
		if mended := len(c.Kubernetes)+len(c.Fix.Commands) > 0; mended == (unmended[c.ID] != "") {
			t.Errorf("%s has a command: %v; reason why not: %q", c.ID, mended, unmended[c.ID])
		}
		used[c.ID] = true
	}
	for id := range unmended {
		if !used[id] {
			t.Errorf("unmended[%q]: there is no such control", id)
		}
	}
}

// unpatchedCases are failing cases of controls that have a fix for Kubernetes
// which does not reach them, with the reason.
var unpatchedCases = map[string]string{
	"k8s-graph-store-without-sign-in none.json": aSecret,
	"k8s-jupyter-without-token shell.json":      inAShell,
	"k8s-mlflow-any-origin variable.json":       otherValues,
	"k8s-ollama-any-origin any-secure.json":     otherValues,
	"k8s-tls-verification-off flag.json":        inAShell,
}

// TestKubernetesPatches holds each fix for Kubernetes against what it promises:
// of every failing case the patch is applied by a library that knows nothing of
// ours, and the control passes the result, while no other control that passed
// before fails.
func TestKubernetesPatches(t *testing.T) {
	set, problems := control.Load(controls.FS)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	unused := map[string]bool{}
	for key := range unpatchedCases {
		unused[key] = true
	}
	for _, c := range set.Controls() {
		if len(c.Kubernetes) == 0 {
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			made := 0
			for _, k := range c.Cases.Fail {
				a, err := c.Asset(k)
				if err != nil {
					t.Fatal(err)
				}
				text := c.KubernetesPatch(a, a.Config, mendTime)
				if text == "" {
					key := c.ID + " " + k.File
					delete(unused, key)
					if unpatchedCases[key] == "" {
						t.Errorf("%s: no patch of\n%s", k.File, a.Config)
					}
					continue
				}
				made++
				patch, err := jsonpatch.DecodePatch([]byte(text))
				if err != nil {
					t.Fatal(err)
				}
				after, err := patch.Apply(a.Config)
				if err != nil {
					t.Fatalf("%s: %v\n%s", k.File, err, text)
				}
				was := failing(set, a.Type, a.Config, c, k)
				is := failing(set, a.Type, after, c, k)
				if slices.Contains(is, c.ID) {
					t.Errorf("%s: it fails after %s", k.File, text)
				}
				for _, id := range is {
					if !slices.Contains(was, id) {
						t.Errorf("%s: the patch opens %s: %s", k.File, id, text)
					}
				}
				// Of an object that has changed since it must not apply.
				if _, err := patch.Apply([]byte(`{"kind":"Other"}`)); err == nil {
					t.Errorf("%s: the patch goes with anything: %s", k.File, text)
				}
			}
			if made == 0 {
				t.Error("no failing case takes a patch")
			}
		})
	}
	for key := range unused {
		t.Errorf("unpatchedCases[%q] is not needed any more", key)
	}
}

// failing are the controls that fail on a configuration.
func failing(set *control.Set, typ string, config json.RawMessage, c *control.Control, k control.Case) []string {
	a, err := c.Asset(k)
	if err != nil {
		return nil
	}
	a.Type, a.Config = typ, config
	var out []string
	for _, r := range set.JudgeIn(control.Context{Now: mendTime}, a, config) {
		if r.Outcome == finding.Fail {
			out = append(out, r.Control.ID)
		}
	}
	return out
}

// Whatever an object says, a patch of it can be applied, and the control has
// nothing against what comes of it.
func FuzzKubernetesPatch(f *testing.F) {
	set, problems := control.Load(controls.FS)
	if len(problems) > 0 {
		f.Fatal(problems)
	}
	var mends []*control.Control
	for _, c := range set.Controls() {
		if len(c.Kubernetes) == 0 {
			continue
		}
		mends = append(mends, c)
		for _, k := range c.Cases.Fail {
			if a, err := c.Asset(k); err == nil {
				f.Add(a.Type, []byte(a.Config))
			}
		}
	}
	f.Add("v1/Pod", []byte(`{"kind":"Pod","apiVersion":"v1","spec":{"containers":[{"env":{"name":1},"args":["--listen"]},3,null]}}`))
	f.Fuzz(func(t *testing.T, typ string, config []byte) {
		for _, c := range mends {
			if !slices.Contains(c.Types, typ) {
				continue
			}
			a := &estate.Asset{ID: "k8s://c/ns/X/x", Type: typ, Cloud: estate.Kubernetes, Config: config, Reads: []estate.Read{{Operation: "kubernetes:get", Status: estate.ReadOK}}}
			text := c.KubernetesPatch(a, config, mendTime)
			if text == "" {
				continue
			}
			patch, err := jsonpatch.DecodePatch([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			after, err := patch.Apply(config)
			if err != nil {
				t.Fatalf("%s: %v\n%s\n%s", c.ID, err, text, config)
			}
			a.Config = after
			for _, r := range set.JudgeIn(control.Context{Now: mendTime}, a, after) {
				if r.Control == c && r.Outcome == finding.Fail {
					t.Fatalf("%s fails after %s on %s", c.ID, text, config)
				}
			}
		}
	})
}
