package access

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
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

// BenchmarkOverview makes the overview of one account with as many roles as a
// hundredth of its AI assets, each with policies of its own: a tenth may do
// everything, the others name their own by wildcards, half deny something.
// Three sizes show that time grows with roles and assets, not with their product.
func BenchmarkOverview(b *testing.B) {
	for _, size := range []struct{ roles, assets int }{{100, 1000}, {1000, 10000}, {10000, 100000}} {
		b.Run(fmt.Sprintf("%d_identities_%d_assets", size.roles, size.assets), func(b *testing.B) {
			s, workloads := manyModels(b, size.roles, size.assets)
			b.ReportAllocs()
			for b.Loop() {
				o, err := Survey(context.Background(), s, workloads)
				if err != nil || len(o.Identities) < size.roles {
					b.Fatalf("%d identities, %v", len(o.Identities), err)
				}
			}
		})
	}
}

// manyModels is one account with roles and the models of as many applications,
// each role with policies of its own: see BenchmarkOverview.
func manyModels(tb testing.TB, roles, assets int) (*estate.Snapshot, []finding.Workload) {
	tb.Helper()
	builder := estate.NewBuilder(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC))
	send := func(id, typ, config string) {
		builder.Asset(estate.Asset{ID: id, Type: typ, Cloud: estate.AWS, Account: "111122223333", Config: json.RawMessage(config), Tags: map[string]string{},
			Reads: []estate.Read{{Operation: "iam:GetAccountAuthorizationDetails", Status: estate.ReadOK}}})
	}
	workloads := make([]finding.Workload, 0, assets/20)
	for i := range assets {
		id := fmt.Sprintf("arn:aws:sagemaker:eu-west-1:111122223333:model/app-%d-%d", i%roles, i)
		send(id, "AWS::SageMaker::Model", `{}`)
		if i%20 == 0 {
			workloads = append(workloads, finding.Workload{ID: id, Name: id, Roots: []string{id}, Members: []string{id}})
		}
	}
	for i := range roles {
		allow := fmt.Sprintf(`{"Effect":"Allow","Action":["sagemaker:Describe*","sagemaker:Update*"],"Resource":"arn:aws:sagemaker:*:*:model/app-%d-*"}`, i)
		switch {
		case i%10 == 0:
			allow = `{"Effect":"Allow","Action":"*","Resource":"*"}`
		case i%2 == 0:
			allow += fmt.Sprintf(`,{"Effect":"Deny","Action":"sagemaker:*","Resource":"arn:aws:sagemaker:*:*:model/app-%d-1*"}`, i)
		}
		trusted := `{"Service":"sagemaker.amazonaws.com"}`
		if i%50 == 0 {
			trusted = `{"AWS":"arn:aws:iam::111122223333:root"}`
		}
		send(fmt.Sprintf("arn:aws:iam::111122223333:role/r%d", i), "AWS::IAM::Role", fmt.Sprintf(`{"RolePolicyList":[{"PolicyName":"p","PolicyDocument":{"Statement":[%s]}}],
			"AssumeRolePolicyDocument":{"Statement":{"Effect":"Allow","Principal":%s,"Action":"sts:AssumeRole"}}}`, allow, trusted))
	}
	s, err := builder.Build()
	if err == nil {
		s, err = s.Understood(context.Background(), aws.Understand)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return s, workloads
}

// BenchmarkCriteria decides the access criteria of the workloads of the same
// account, the ways to administrator aside.
func BenchmarkCriteria(b *testing.B) {
	for _, size := range []struct{ roles, assets int }{{100, 1000}, {1000, 10000}, {10000, 100000}} {
		b.Run(fmt.Sprintf("%d_identities_%d_assets", size.roles, size.assets), func(b *testing.B) {
			s, workloads := manyModels(b, size.roles, size.assets)
			m, err := NewAmazon(context.Background(), s)
			if err != nil {
				b.Fatal(err)
			}
			v := newView(s, workloads)
			if _, err := v.survey(context.Background()); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				g, err := v.newGrasps(m).all(context.Background())
				if err != nil || len(g) < size.roles {
					b.Fatalf("%d identities, %v", len(g), err)
				}
			}
		})
	}
}
