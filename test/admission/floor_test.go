package admission_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/test/race"
)

// floor is a cluster in which nothing of ours runs: what holds there are policies
// that the API server itself decides.
func floor(t *testing.T) *cluster {
	t.Helper()
	race.Skip(t, "the API server decides, and runs by itself")
	return start(t)
}

// The floor alone, nothing of ours running: kubectl is what a developer types.
func TestFloorRefusesGrowthAndLetsShrink(t *testing.T) {
	k := floor(t)
	k.gated("fraud", `{unlisted: 1, limits: {Deployment/ranker: 5}, reasons: {Deployment/ranker: certificate 7 of workload fraud-model allows 5}}`)
	dev := k.developer("dev", "fraud")
	tests := []struct {
		name  string
		args  []string
		input string
		want  string // in the refusal; empty: it goes through
	}{
		{"create_within_pilot", apply, deployment("scorer", 1), ""},
		{"create_beyond_pilot", apply, deployment("other", 3),
			"Deployment/other in namespace fraud may not grow from 0 to 3 replicas: at most 1 allowed, because no valid certificate names it"},
		{"scale", []string{"scale", "deployment/scorer", "--replicas=10"}, "",
			"Deployment/scorer in namespace fraud may not grow from 1 to 10 replicas: at most 1 allowed, because no valid certificate names it; certify the workload it belongs to: sevenfold gate certify WORKLOAD"},
		{"patch", []string{"patch", "deployment", "scorer", "-p", `{"spec":{"replicas":2}}`}, "", "may not grow from 1 to 2"},
		{"json_patch", []string{"patch", "deployment", "scorer", "--type=json", "-p", `[{"op":"replace","path":"/spec/replicas","value":2}]`}, "", "may not grow from 1 to 2"},
		{"apply", apply, deployment("scorer", 2), "may not grow from 1 to 2"},
		{"server_side_apply", []string{"apply", "--server-side", "--force-conflicts", "-f", "-"}, deployment("scorer", 2), "may not grow from 1 to 2"},
		{"replace", []string{"replace", "-f", "-"}, deployment("scorer", 2), "may not grow from 1 to 2"},
		{"replace_anew", []string{"replace", "--force", "--grace-period=0", "-f", "-"}, deployment("scorer", 2), "may not grow from 0 to 2"},
		{"create_again", apply, deployment("scorer", 1), ""},
		{"unchanged", []string{"annotate", "deployment", "scorer", "a=b"}, "", ""},
		{"certified_create", apply, deployment("ranker", 2), ""},
		{"certified_scale", []string{"scale", "deployment/ranker", "--replicas=5"}, "", ""},
		{"certified_beyond", []string{"scale", "deployment/ranker", "--replicas=6"}, "", "from 5 to 6 replicas: at most 5 allowed, because certificate 7 of workload fraud-model allows 5"},
		{"shrink", []string{"scale", "deployment/ranker", "--replicas=1"}, "", ""},
		{"to_none", []string{"scale", "deployment/scorer", "--replicas=0"}, "", ""},
		{"from_none", []string{"scale", "deployment/scorer", "--replicas=2"}, "", "may not grow from 0 to 2"},
		{"stateful_set", apply, statefulSet("store", 2), "StatefulSet/store in namespace fraud may not grow from 0 to 2"},
		{"stateful_set_pilot", apply, statefulSet("store", 1), ""},
		{"stateful_set_scale", []string{"scale", "statefulset/store", "--replicas=4"}, "", "StatefulSet/store in namespace fraud may not grow from 1 to 4"},
		{"autoscale", []string{"autoscale", "deployment", "scorer", "--max=8"}, "",
			"HorizontalPodAutoscaler/scorer in namespace fraud may not let Deployment/scorer grow to 1-8 replicas: at most 1 allowed, because no valid certificate names Deployment/scorer"},
		{"autoscaler_certified", apply, autoscaler("v2", "ranker", "apps/v1", "Deployment", "ranker", 1, 5), ""},
		{"autoscaler_grows_v1", apply, autoscaler("v1", "ranker", "apps/v1", "Deployment", "ranker", 1, 6), "grow to 1-6 replicas (before: 1-5): at most 5 allowed, because certificate 7"},
		{"autoscaler_grows_v2", []string{"patch", "hpa", "ranker", "-p", `{"spec":{"maxReplicas":6}}`}, "", "grow to 1-6"},
		{"autoscaler_pointed_elsewhere", apply, autoscaler("v2", "ranker", "apps/v1", "StatefulSet", "store", 1, 5), "let StatefulSet/store grow to 1-5 replicas: at most 1"},
		{"autoscaler_of_a_namesake", apply, autoscaler("v2", "ranker", "example.com/v1", "Deployment", "ranker", 1, 5), "at most 1 allowed"},
		{"autoscaler_lowers", []string{"patch", "hpa", "ranker", "-p", `{"spec":{"maxReplicas":3}}`}, "", ""},
		{"unknown_of_elsewhere", []string{"-n", "free", "create", "deployment", "any", "--image=x", "--replicas=9"}, "", ""},
	}
	k.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: free}\n")
	dev.bind("free")
	k.awaitFloor(dev, "fraud")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { dev.expect(t, tt.want, tt.input, tt.args...) })
	}
}

// What stands above its limit may stay, be changed and shrink step by step.
func TestFloorAboveTheLimit(t *testing.T) {
	k := floor(t)
	k.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: fraud}\n")
	dev := k.developer("dev", "fraud")
	dev.expect(t, "", deployment("ranker", 10), apply...)
	dev.expect(t, "", autoscaler("v2", "ranker", "apps/v1", "Deployment", "ranker", 2, 20), apply...)
	k.gated("fraud", `{unlisted: 1}`)
	k.awaitFloor(dev, "fraud")
	dev.expect(t, "", "", "set", "image", "deployment/ranker", "c=img:2")
	dev.expect(t, "may not grow from 10 to 11", "", "scale", "deployment/ranker", "--replicas=11")
	dev.expect(t, "", "", "scale", "deployment/ranker", "--replicas=7")
	dev.expect(t, "may not grow from 7 to 8", "", "scale", "deployment/ranker", "--replicas=8")
	dev.expect(t, "grow to 3-20 replicas (before: 2-20)", "", "patch", "hpa", "ranker", "-p", `{"spec":{"minReplicas":3}}`)
	dev.expect(t, "", "", "patch", "hpa", "ranker", "-p", `{"spec":{"minReplicas":1,"maxReplicas":15}}`)
}

// The machinery guards itself against those who may do everything within the
// namespace, the namespace object included.
func TestFloorGuardsItself(t *testing.T) {
	k := floor(t)
	k.gated("fraud", `{unlisted: 1, serials: {fraud-model: 5}}`)
	dev := k.developer("dev", "fraud")
	k.awaitFloor(dev, "fraud")
	const raise = `{"spec":{"unlisted":50}}`
	tests := []struct {
		name string
		who  user
		args []string
		want string
	}{
		{"raise_the_limit", dev, []string{"patch", "scaleverdict", "gate", "--type=merge", "-p", raise}, "the ScaleVerdict of namespace fraud is written by the gate controller"},
		{"delete_it", dev, []string{"delete", "scaleverdict", "gate"}, "is written by the gate controller"},
		{"delete_them_all", dev, []string{"delete", "scaleverdicts", "--all"}, "is written by the gate controller"},
		{"lift_the_gate", dev, []string{"label", "namespace", "fraud", "sevenfold.dev/gate-"}, "the gate of namespace fraud is lifted only by"},
		{"weaken_the_gate", dev, []string{"label", "--overwrite", "namespace", "fraud", "sevenfold.dev/gate=prepared"}, "the gate of namespace fraud is lifted only by"},
		{"lift_it_by_status", dev, []string{"patch", "namespace", "fraud", "--subresource=status", "--type=merge", "-p", `{"metadata":{"labels":{"sevenfold.dev/gate":null}}}`}, "the gate of namespace fraud is lifted only by"},
		{"raise_the_copy", dev, []string{"annotate", "--overwrite", "namespace", "fraud", "sevenfold.dev/limits=;*=50:;"}, "how far the objects of namespace fraud may grow (annotations"},
		{"drop_the_copy", dev, []string{"annotate", "namespace", "fraud", "sevenfold.dev/limits-"}, "how far the objects of namespace fraud may grow (annotations"},
		{"other_reasons", dev, []string{"annotate", "--overwrite", "namespace", "fraud", "sevenfold.dev/reasons=0 all is well"}, "how far the objects of namespace fraud may grow (annotations"},
		{"raise_it_by_status", dev, []string{"patch", "namespace", "fraud", "--subresource=status", "--type=merge", "-p", `{"metadata":{"annotations":{"sevenfold.dev/limits":";*=50:;"}}}`}, "how far the objects of namespace fraud may grow (annotations"},
		{"other_annotations", dev, []string{"annotate", "namespace", "fraud", "team=risk"}, ""},
		{"other_labels", dev, []string{"label", "namespace", "fraud", "team=risk"}, ""},
		{"second_verdict", k.admin, []string{"create", "-f", "testdata/second.yaml"}, "its name is gate"},
		{"admin_deletes", k.admin, []string{"delete", "scaleverdict", "gate"}, "remembers which certificates are outdated"},
		{"serial_falls", k.admin, []string{"patch", "scaleverdict", "gate", "--type=merge", "-p", `{"spec":{"serials":{"fraud-model":4}}}`}, "a serial may only rise and never vanish"},
		{"serial_vanishes", k.admin, []string{"patch", "scaleverdict", "gate", "--type=merge", "-p", `{"spec":{"serials":{"fraud-model":null}}}`}, "a serial may only rise and never vanish"},
		{"serials_vanish", k.admin, []string{"patch", "scaleverdict", "gate", "--type=merge", "-p", `{"spec":{"serials":null}}`}, "serials may not vanish"},
		{"serial_rises", k.admin, []string{"patch", "scaleverdict", "gate", "--type=merge", "-p", `{"spec":{"serials":{"fraud-model":6,"new":1}}}`}, ""},
		{"admin_mends_the_copy", k.admin, []string{"annotate", "--overwrite", "namespace", "fraud", "sevenfold.dev/limits=;*=2:;"}, ""},
		{"admin_mends", k.admin, []string{"patch", "scaleverdict", "gate", "--type=merge", "-p", `{"spec":{"unlisted":2}}`}, ""},
		{"admin_lifts", k.admin, []string{"label", "namespace", "fraud", "sevenfold.dev/gate-"}, ""},
		{"admin_deletes_ungated", k.admin, []string{"delete", "scaleverdict", "gate"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.who.expectSoon(t, tt.want, tt.args...) })
	}
}

// A namespace that is being deleted lets its ScaleVerdict go; the deletion
// itself needs no right of ours.
func TestFloorLetsANamespaceGo(t *testing.T) {
	k := floor(t)
	k.gated("fraud", `{unlisted: 1}`)
	cleaner := k.admin.as("system:serviceaccount:kube-system:namespace-controller")
	dev := k.developer("dev", "fraud")
	k.awaitFloor(dev, "fraud")
	cleaner.expect(t, "is written by the gate controller", "", "delete", "scaleverdict", "gate")
	k.admin.expect(t, "", "", "delete", "namespace", "fraud", "--wait=false")
	cleaner.expectSoon(t, "", "delete", "scaleverdict", "gate")
}

// Without anything that says how far, nothing grows, and everything shrinks.
func TestFloorWithoutLimits(t *testing.T) {
	k := floor(t)
	k.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: fraud}\n")
	dev := k.developer("dev", "fraud")
	dev.expect(t, "", deployment("ranker", 10), apply...)
	dev.expect(t, "", autoscaler("v2", "ranker", "apps/v1", "Deployment", "ranker", 2, 20), apply...)
	for _, says := range []string{"", `, annotations: {sevenfold.dev/limits: ";*=x:;Deployment/ranker="}`} {
		k.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: fraud, labels: {sevenfold.dev/gate: enforced}" + says + "}\n")
		k.await(dev, "fraud", refused, refused)
		dev.expect(t, "the gate", "", "scale", "deployment/ranker", "--replicas=11")
		dev.expect(t, "the gate", "", "patch", "hpa", "ranker", "-p", `{"spec":{"minReplicas":3}}`)
		dev.expect(t, "", "", "set", "image", "deployment/ranker", "c=img:2"+fmt.Sprint(len(says)))
		dev.expect(t, "", "", "scale", "deployment/ranker", "--replicas=9")
		dev.expect(t, "", "", "patch", "hpa", "ranker", "-p", `{"spec":{"maxReplicas":15}}`)
		k.admin.expect(t, "", "", "scale", "deployment/ranker", "--replicas=8")
		k.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: fraud}\n")
		k.await(dev, "fraud", admitted, admitted)
		dev.expect(t, "", "", "scale", "deployment/ranker", "--replicas=10")
		dev.expect(t, "", "", "patch", "hpa", "ranker", "-p", `{"spec":{"maxReplicas":20,"minReplicas":2}}`)
	}
}

func refused(_ string, err error) bool  { return err != nil }
func admitted(_ string, err error) bool { return err == nil }

// Bindings that are deleted and made again hold as before: with ConfigMaps as
// the policies' parameters growth was let through here.
func TestFloorHoldsAfterBindingsAreMadeAgain(t *testing.T) {
	k := floor(t)
	k.gated("fraud", `{unlisted: 1, limits: {Deployment/ranker: 3}}`)
	dev := k.developer("dev", "fraud")
	k.awaitFloor(dev, "fraud")
	dev.expect(t, "", deployment("ranker", 1), apply...)
	dev.expect(t, "", deployment("scorer", 1), apply...)
	for range 3 {
		k.admin.expect(t, "", "", "delete", "validatingadmissionpolicybinding", "sevenfold-replicas", "sevenfold-autoscalers")
		k.awaitOpen(dev, "fraud")
		k.apply(manifest(t, "30-policies.yaml"))
		k.awaitFloor(dev, "fraud")
		for range 20 {
			dev.expect(t, "at most 1 allowed", "", "scale", "deployment/scorer", "--replicas=4")
		}
		dev.expect(t, "", "", "scale", "deployment/ranker", "--replicas=3")
		dev.expect(t, "at most 3 allowed", "", "scale", "deployment/ranker", "--replicas=4")
		dev.expect(t, "", "", "scale", "deployment/ranker", "--replicas=1")
	}
}

// The floor is the API server's own: it holds from its first answer after a
// restart, and stops nobody from shrinking.
func TestFloorHoldsThroughRestarts(t *testing.T) {
	k := floor(t)
	k.gated("fraud", `{unlisted: 1}`)
	dev := k.developer("dev", "fraud")
	dev.expect(t, "", deployment("scorer", 1), apply...)
	k.awaitFloor(dev, "fraud")
	for i := range 6 {
		k.server.Restart()
		out, err := dev.kubectl("", "scale", "deployment/scorer", "--replicas=4")
		if err == nil {
			t.Fatalf("grown just after the restart: %s", out)
		}
		if !strings.Contains(out, "at most 1 allowed") {
			t.Errorf("refused for another reason: %s", out)
		}
		dev.expect(t, "", "", "scale", "deployment/scorer", fmt.Sprintf("--replicas=%d", (i+1)%2))
	}
}
