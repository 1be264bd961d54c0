package access

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	provider "github.com/sevenfold-sec/sevenfold/provider/kubernetes"
)

// BenchmarkDirectCluster asks about every Deployment, Secret and ConfigMap of a
// cluster of 100,000 objects: 1,000 namespaces with 30 of each, two roles of
// their own and one limited to a name, and 80 bindings over the whole cluster.
func BenchmarkDirectCluster(b *testing.B) {
	builder := estate.NewBuilder(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC))
	add := func(namespace, version, kind, name string, more string) string {
		group := ""
		if len(version) > 2 {
			group = version[:len(version)-3]
		}
		id := provider.ID("c", namespace, group, kind, name)
		builder.Asset(estate.Asset{ID: id, Type: version + "/" + kind, Cloud: estate.Kubernetes, Account: "c", Region: namespace, Name: name,
			Config: json.RawMessage(fmt.Sprintf(`{"apiVersion":%q,"kind":%q,"metadata":{"name":%q,"namespace":%q}%s}`, version, kind, name, namespace, more))})
		return id
	}
	const rbac = "rbac.authorization.k8s.io/v1"
	bind := func(namespace, kind, name, role string) {
		add(namespace, rbac, kind, name, fmt.Sprintf(`,"roleRef":{"kind":"ClusterRole","name":%q},"subjects":[{"kind":"User","name":%q},{"kind":"ServiceAccount","namespace":"n1","name":"sa"}]`, role, name))
	}
	for i := range 80 {
		name := fmt.Sprintf("wide%d", i)
		add("", rbac, "ClusterRole", name, `,"rules":[{"apiGroups":["*"],"resources":["secrets","pods/exec","deployments","configmaps"],"verbs":["get","create","patch"]}]`)
		bind("", "ClusterRoleBinding", name, name)
	}
	add("", rbac, "ClusterRole", "edit", `,"rules":[{"apiGroups":["","apps"],"resources":["secrets","deployments","pods/exec"],"verbs":["*"]}]`)
	add("", rbac, "ClusterRole", "one", `,"rules":[{"apiGroups":[""],"resources":["secrets"],"resourceNames":["s3"],"verbs":["get"]}]`)
	var ids []string
	for n := range 1000 {
		namespace := fmt.Sprintf("n%d", n)
		for i := range 30 {
			ids = append(ids, add(namespace, "v1", "Secret", fmt.Sprintf("s%d", i), ""), add(namespace, "v1", "ConfigMap", fmt.Sprintf("c%d", i), ""),
				add(namespace, "apps/v1", "Deployment", fmt.Sprintf("d%d", i), `,"spec":{"template":{"spec":{"serviceAccountName":"sa"}}}`))
		}
		add(namespace, "v1", "ServiceAccount", "sa", "")
		for i := range 4 {
			bind(namespace, "RoleBinding", fmt.Sprintf("b%d", i), "edit")
		}
		bind(namespace, "RoleBinding", "one", "one")
	}
	s, err := builder.Build()
	if err != nil {
		b.Fatal(err)
	}
	if s, err = s.Understood(context.Background(), provider.Understand); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		out, _, err := Direct(context.Background(), s, []finding.Workload{{ID: "w", Roots: ids}})
		if err != nil || len(out) != len(ids) || len(out[0].Grants) == 0 {
			b.Fatalf("%d entries, %v", len(out), err)
		}
	}
	b.ReportMetric(float64(s.Len()), "assets")
}
