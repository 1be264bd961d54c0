package assess

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/controls"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
)

const kubeObjects = `apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: "it's"}
spec:
  template:
    spec:
      hostNetwork: true
      serviceAccountName: chat
      containers:
        - {name: c, image: "registry.example/chat@sha256:0", securityContext: {privileged: true}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: train, namespace: ml}
spec:
  template:
    spec:
      hostPID: true
      serviceAccountName: train
      containers: [{name: c, image: "registry.example/train@sha256:0"}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: anybody}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: "system:anonymous"}]
`

// The commands that mend an object of Kubernetes name it as kubectl does, change
// only what is wrong, and make anew what cannot be changed.
func TestKubernetesCommands(t *testing.T) {
	set, problems := control.Load(controls.FS)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "objects.yaml"), []byte(kubeObjects), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Run(context.Background(), Options{Scope: scope.Default(), Controls: set, Sources: []string{"dir:" + dir}, Now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), MaskKey: []byte("test")})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"k8s-pod-host-namespaces chat":  `kubectl patch Deployment.v1.apps chat --namespace 'it'\''s' --type json --patch '[{"op":"test","path":"/spec/template/spec/hostNetwork","value":true},{"op":"remove","path":"/spec/template/spec/hostNetwork"}]'`,
		"k8s-container-privileged chat": `kubectl patch Deployment.v1.apps chat --namespace 'it'\''s' --type json --patch '[{"op":"test","path":"/spec/template/spec/containers/0/name","value":"c"},{"op":"replace","path":"/spec/template/spec/containers/0/securityContext/privileged","value":false}]'`,
		"k8s-pod-host-namespaces train": `kubectl get Job.v1.batch train --namespace ml --output yaml | kubectl patch --local --filename - --type json --patch '[{"op":"test","path":"/spec/template/spec/hostPID","value":true},{"op":"remove","path":"/spec/template/spec/hostPID"}]' --output yaml | kubectl replace --force --filename -`,
		"k8s-anonymous-bound anybody":   `kubectl delete ClusterRoleBinding.v1.rbac.authorization.k8s.io anybody`,
	}
	for _, f := range r.Findings {
		key := f.Control + " " + f.Asset[strings.LastIndexByte(f.Asset, '/')+1:]
		if want[key] == "" || f.Status != finding.Fail {
			continue
		}
		if got := strings.Join(f.Fix.Commands, "\n"); got != want[key] {
			t.Errorf("%s:\n%s\nwant\n%s", key, got, want[key])
		}
		delete(want, key)
	}
	for key := range want {
		t.Errorf("%s is not found", key)
	}
}
