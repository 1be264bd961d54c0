package assess_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/assess"
	deploy "github.com/sevenfold-sec/sevenfold/deploy/kubernetes"
	"github.com/sevenfold-sec/sevenfold/gate/admission"
	"github.com/sevenfold-sec/sevenfold/provider/kubernetes"
)

var updateManifests = flag.Bool("update", false, "write the generated manifests of deploy/kubernetes anew")

// The manifests that are made from the table of kinds are made from it as it is.
func TestGateManifests(t *testing.T) {
	for name, want := range map[string]string{
		"25-reads.yaml":   admission.Rights(assess.GrowingKinds()),
		"40-webhook.yaml": admission.Registration(assess.GrowingKinds()),
	} {
		if *updateManifests {
			if err := os.WriteFile(filepath.Join("..", "deploy", "kubernetes", name), []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := deploy.FS.ReadFile(name)
		if err != nil || string(got) != want {
			t.Errorf("deploy/kubernetes/%s is not made from the table as it is (%v): go test ./assess -run TestGateManifests -update", name, err)
		}
	}
}

// Every kind with an amount is held, or it is said why not.
func TestEveryAmountIsHeld(t *testing.T) {
	held := map[string]bool{}
	for _, g := range kubernetes.Growth() {
		key := g.Kind
		if !slices.Contains([]rune(key), '.') {
			key += "." + g.Group
		}
		held[key] = true
		if g.Resource == "" || len(g.Versions) == 0 {
			t.Errorf("%s has no resource or no version", key)
		}
	}
	why := kubernetes.Ungated()
	for key, rule := range kubernetes.ScaleRules() {
		if len(rule.Amounts) > 0 && !held[key] && why[key] == "" {
			t.Errorf("%s has an amount and nothing holds it: add it to provider/kubernetes/growth.go", key)
		}
		if held[key] && why[key] != "" {
			t.Errorf("%s is held, and it is said why not", key)
		}
	}
}

// The floor leaves to the webhook what the same controllers make that the
// webhook knows.
func TestFloorKnowsTheControllers(t *testing.T) {
	text, err := deploy.FS.ReadFile("30-policies.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if want := admission.ControllersExpression(admission.DefaultControllers()); strings.Count(string(text), want) != 2 {
		t.Errorf("deploy/kubernetes/30-policies.yaml has other controllers than\n%s", want)
	}
}
