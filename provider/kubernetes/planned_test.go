package kubernetes

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPlanned(t *testing.T) {
	for _, tt := range []struct {
		typ, object string
		want        []string
	}{
		{"v1/Pod", `{"spec":{}}`, []string{"the pod 1"}},
		{"v1/Pod", `{"metadata":{"ownerReferences":[{"controller":true}]},"spec":{}}`, nil},
		{"v1/Pod", `{"metadata":{"ownerReferences":[{"kind":"ConfigMap"}]},"spec":{}}`, []string{"the pod 1"}},
		{"apps/v1/DaemonSet", `{"spec":{"template":{"spec":{"nodeSelector":{"a":"b"}}}}}`, []string{`the nodes it runs on no limit × nodes by nodeSelector {"a":"b"}`}},
		{"apps/v1/DaemonSet", `{"spec":{},"status":{"desiredNumberScheduled":4}}`, []string{"the nodes it runs on 4 × nodes"}},
		{"apps/v1/Deployment", `{"spec":{"replicas":2,"template":{"spec":{"containers":[{"name":"c","resources":{"limits":{"cpu":"1","nvidia.com/gpu":8}}},{"resources":{"limits":{"nvidia.com/mig-1g.5gb":"2"}}}],"resourceClaims":[{"name":"r"}]}}}}`,
			[]string{"spec.template.spec.containers[1].resources.limits[nvidia.com/mig-1g.5gb] 2", "spec.template.spec.containers[c].resources.limits[nvidia.com/gpu] 8", "spec.template.spec.resourceClaims[r] 1"}},
		{"apps/v1/Deployment", `{"spec":{"template":{"spec":{"containers":[{"name":"c","resources":{"limits":{"nvidia.com/gpu":"8k"}}}]}}}}`, []string{"spec.template.spec.containers[c].resources.limits[nvidia.com/gpu] unknown"}},
		{"karpenter.sh/v1/NodePool", `{"spec":{"limits":{"cpu":"9","nvidia.com/gpu":"8"}}}`, []string{"spec.limits[nvidia.com/gpu] 8"}},
		{"kueue.x-k8s.io/v1beta1/ClusterQueue", `{"spec":{"resourceGroups":[{"flavors":[{"name":"a","resources":[{"name":"cpu","nominalQuota":1},{"name":"nvidia.com/gpu","nominalQuota":"8","borrowingLimit":2}]}]}]}}`,
			[]string{"spec.resourceGroups[0].flavors[a].resources[nvidia.com/gpu].borrowingLimit[nvidia.com/gpu] 2", "spec.resourceGroups[0].flavors[a].resources[nvidia.com/gpu].nominalQuota[nvidia.com/gpu] 8"}},
		{"v1/ConfigMap", `{"data":{"containers":"x"}}`, nil},
		{"v1/Pod", `[]`, nil},
	} {
		if diff := cmp.Diff(tt.want, said(Planned(scaleAsset(tt.typ), json.RawMessage(tt.object)))); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", tt.typ, tt.object, diff)
		}
	}
}

func TestUntold(t *testing.T) {
	for _, tt := range []struct {
		typ, object, want string
		devices           bool
	}{
		{"example.com/v1/Trainer", `{"spec":{"a":{"containers":[{"resources":{"limits":{"nvidia.com/gpu":1}}}]}}}`, "asks for devices", true},
		{"example.com/v1/Trainer", `{"spec":{"deep":[{"replicas":3}]}}`, "spec.deep[0].replicas", false},
		{"example.com/v1/Trainer", `{"spec":{"pod":{"containers":[{"name":"c"}]}}}`, "is to run containers (spec.pod.containers[c])", false},
		{"example.com/v1/Trainer", `{"spec":{"replicas":0,"text":"replicas"}}`, "", false},
		{"apps/v1/Deployment", `{"spec":{"replicas":3}}`, "", false},
		{"kubeflow.org/v1/TFJob", `{"spec":{"replicas":3}}`, "", false},
		{"kubeflow.org/v1/NewJob", `{"spec":{"replicas":3}}`, "spec.replicas", false},
		{"v1/Service", `{"spec":{"replicas":3}}`, "", false},
		{"networking.k8s.io/v1/Ingress", `{"spec":{"replicas":3}}`, "", false},
	} {
		why, devices := Untold(scaleAsset(tt.typ), json.RawMessage(tt.object))
		if devices != tt.devices || !strings.Contains(why, tt.want) || (why == "") != (tt.want == "") {
			t.Errorf("%s %s: %q, devices %v", tt.typ, tt.object, why, devices)
		}
	}
}

// Whatever stands in an object, what is read of it is ordered, of one path each and
// never negative.
func FuzzPlanned(f *testing.F) {
	f.Add(`{"spec":{"containers":[{"name":"c","resources":{"limits":{"a/b":1}}}],"replicas":2}}`)
	f.Add(`{"spec":{"limits":{"a/b":-1}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, typ := range []string{"v1/Pod", "apps/v1/DaemonSet", "karpenter.sh/v1/NodePool", "kueue.x-k8s.io/v1beta1/ClusterQueue", "example.com/v1/X"} {
			var paths []string
			for _, c := range Planned(scaleAsset(typ), json.RawMessage(text)) {
				if paths = append(paths, c.Path); c.Units < 0 {
					t.Errorf("%s %s: %s is %g", typ, text, c.Path, c.Units)
				}
			}
			if !slices.IsSorted(paths) || len(slices.Compact(slices.Clone(paths))) != len(paths) {
				t.Errorf("%s %s: %q", typ, text, paths)
			}
			Untold(scaleAsset(typ), json.RawMessage(text))
		}
	})
}
