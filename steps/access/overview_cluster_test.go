package access

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/finding"
)

const overviewCluster = `apiVersion: apps/v1
kind: Deployment
metadata: {name: llm, namespace: serving}
spec:
  selector: {matchLabels: {app: llm}}
  template:
    metadata: {labels: {app: llm}}
    spec:
      serviceAccountName: runner
      containers: [{name: m, image: vllm/vllm-openai, envFrom: [{secretRef: {name: token}}]}]
---
apiVersion: v1
kind: Secret
metadata: {name: token, namespace: serving}
---
apiVersion: v1
kind: Secret
type: kubernetes.io/service-account-token
metadata: {name: ci-forever, namespace: build, creationTimestamp: "2025-11-23T00:00:00Z", annotations: {kubernetes.io/service-account.name: ci}}
---
apiVersion: v1
kind: Namespace
metadata: {name: serving, labels: {team: inference}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: runner, namespace: serving}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: ci, namespace: build}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: named, namespace: build, annotations: {acme.example/owner: ann}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: admin-of-all}
rules: [{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: admins}
roleRef: {kind: ClusterRole, name: admin-of-all}
subjects: [{kind: User, name: ann@acme.example}, {kind: ServiceAccount, name: ci, namespace: build}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: see, namespace: serving}
rules: [{apiGroups: [apps], resources: [deployments], verbs: [get, list]}, {apiGroups: [""], resources: [secrets], resourceNames: [token], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: see, namespace: serving}
roleRef: {kind: Role, name: see}
subjects: [{kind: Group, name: "system:serviceaccounts:build"}, {kind: Group, name: ml}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: enter, namespace: serving}
rules: [{apiGroups: [""], resources: [pods/exec], verbs: [create]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: enter, namespace: serving}
roleRef: {kind: Role, name: enter}
subjects: [{kind: ServiceAccount, name: named, namespace: build}]`

func TestOverviewOfACluster(t *testing.T) {
	snap := objects(t, overviewCluster, "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
	w := finding.Workload{ID: "w", Name: "llm", Roots: []string{"k8s://c/serving/Deployment/llm"}, Members: []string{"k8s://c/serving/Deployment/llm"}, Touches: []string{"k8s://c/serving/Secret/token"}}
	o, err := Survey(context.Background(), snap, []finding.Workload{w})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range o.Identities {
		id := &o.Identities[i]
		s := fmt.Sprintf("%s: %s, %s", strings.TrimPrefix(id.ID, "k8s://c/"), id.Kind, id.May())
		if id.Owner != "" {
			s += ", owner " + id.Owner + " (" + id.OwnerFrom + ")"
		}
		if id.Ownerless() {
			s += ", ownerless"
		}
		for _, c := range id.Credentials {
			s += fmt.Sprintf(", %s of %d days", c.Type, c.AgeDays)
		}
		got = append(got, s)
	}
	want := []string{
		"/User/ann@acme.example: human, administer 2, change 2, run 2, read 2",
		"build/ServiceAccount/ci: machine, administer 2, change 2, run 2, read 2, ownerless, token of 365 days",
		"build/ServiceAccount/named: machine, run 1, read 2, owner ann (annotation acme.example/owner)",
		"/Group/ml: unknown, read 2",
		"/Group/system:serviceaccounts:build: machine, read 2",
		"serving/ServiceAccount/runner: machine, nothing of AI, owner inference (label team of namespace serving)",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if len(o.Unread) > 0 {
		t.Errorf("unread: %v", o.Unread)
	}
	if d := cmp.Diff([]WorkloadSum{{ID: "w", Name: "llm", Assets: 2, Human: 1, Machine: 3, Unknown: 1, Ownerless: 1,
		Strongest: []string{"k8s://c//User/ann@acme.example", "k8s://c/build/ServiceAccount/ci", "k8s://c/build/ServiceAccount/named", "k8s://c//Group/ml", "k8s://c//Group/system:serviceaccounts:build"}}}, o.Workloads); d != "" {
		t.Errorf("workloads (-want +got):\n%s", d)
	}
	f := find(t, o, "k8s://c/build/ServiceAccount/ci").finding(o.Taken)
	if f.Severity != finding.High || len(f.Fix.Commands) != 1 || f.Fix.Commands[0] != "kubectl -n build label serviceaccount ci owner=TEAM" {
		t.Errorf("%+v", f)
	}
}

// Lists that are not there may name others, which is said.
func TestOverviewOfAClusterHalfRead(t *testing.T) {
	snap := objects(t, overviewCluster, "ClusterRole")
	o, err := Survey(context.Background(), snap, []finding.Workload{{ID: "w", Roots: []string{"k8s://c/serving/Deployment/llm"}}})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(o.Unread, "\n"), "not every ClusterRoleBinding of c was listed") {
		t.Errorf("unread: %q", o.Unread)
	}
}
