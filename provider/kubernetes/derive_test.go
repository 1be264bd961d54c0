package kubernetes_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/kubernetes"
)

func snapshot(t testing.TB, texts ...string) *estate.Snapshot {
	t.Helper()
	b := estate.NewBuilder(time.Unix(0, 0))
	for _, text := range texts {
		b.Asset(*object(t, text))
	}
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func derived(t testing.TB, s *estate.Snapshot) (sets []string, relations []string) {
	t.Helper()
	assets, rels, err := kubernetes.Derive(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range assets {
		if a.Type != estate.SetType {
			t.Errorf("%s has type %s", a.ID, a.Type)
		}
		sets = append(sets, a.ID)
	}
	for _, r := range rels {
		relations = append(relations, r.From+" "+string(r.Type)+" "+r.To)
	}
	slices.Sort(relations)
	return sets, relations
}

func TestDeriveJoinsByLabel(t *testing.T) {
	sets, got := derived(t, snapshot(t,
		`{apiVersion: v1, kind: Service, metadata: {name: s, namespace: ml}, spec: {selector: {app: a}}}`,
		`{apiVersion: v1, kind: Service, metadata: {name: twin, namespace: ml}, spec: {selector: {app: a}}}`,
		`{apiVersion: v1, kind: Service, metadata: {name: headless, namespace: ml}, spec: {clusterIP: None}}`,
		`{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: np, namespace: ml}, spec: {podSelector: {}}}`,
		`{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: pdb, namespace: ml}, spec: {selector: {matchExpressions: [{key: app, operator: NotIn, values: [a]}]}}}`,
		`{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: ml, labels: {app: a, tier: web}}, spec: {}}`,
		`{apiVersion: v1, kind: Pod, metadata: {name: q, namespace: ml, labels: {app: b}}, spec: {}}`,
		`{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: other, labels: {app: a}}, spec: {}}`,
		`{apiVersion: apps/v1, kind: Deployment, metadata: {name: d, namespace: ml, labels: {app: b}}, spec: {template: {metadata: {labels: {app: a}}}}}`,
	))
	a, all, not := "set://k8s/c/ml/pods?app=a", "set://k8s/c/ml/pods?", "set://k8s/c/ml/pods?app NotIn a"
	want := []string{
		"k8s://c/ml/Service/s routes-to " + a, "k8s://c/ml/Service/twin routes-to " + a,
		a + " contains k8s://c/ml/Pod/p", a + " contains k8s://c/ml/Deployment/d",
		"k8s://c/ml/NetworkPolicy/np governs " + all,
		all + " contains k8s://c/ml/Pod/p", all + " contains k8s://c/ml/Pod/q", all + " contains k8s://c/ml/Deployment/d",
		"k8s://c/ml/PodDisruptionBudget/pdb governs " + not, not + " contains k8s://c/ml/Pod/q",
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(sets) != 3 {
		t.Errorf("sets: %v", sets)
	}
}

func TestDeriveJoinsTheCloud(t *testing.T) {
	b := estate.NewBuilder(time.Unix(0, 0))
	for typ, id := range map[string]string{
		"AWS::EC2::Instance": "arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc", "AWS::EC2::Volume": "arn:aws:ec2:eu-west-1:111122223333:volume/vol-0abc",
		"AWS::EFS::FileSystem": "arn:aws:elasticfilesystem:eu-west-1:111122223333:file-system/fs-1",
	} {
		b.Asset(estate.Asset{ID: id, Type: typ, Cloud: estate.AWS, Config: []byte("{}")})
	}
	for _, text := range []string{
		`{apiVersion: v1, kind: Node, metadata: {name: n1}, spec: {providerID: "aws:///eu-west-1a/i-0abc"}}`,
		`{apiVersion: v1, kind: Node, metadata: {name: n2}, spec: {providerID: "aws:///eu-west-1a/i-unread"}}`,
		`{apiVersion: v1, kind: PersistentVolume, metadata: {name: disk}, spec: {csi: {driver: ebs.csi.aws.com, volumeHandle: vol-0abc}}}`,
		`{apiVersion: v1, kind: PersistentVolume, metadata: {name: old}, spec: {awsElasticBlockStore: {volumeID: "aws://eu-west-1a/vol-0abc"}}}`,
		`{apiVersion: v1, kind: PersistentVolume, metadata: {name: share}, spec: {csi: {driver: efs.csi.aws.com, volumeHandle: "fs-1::fsap-2", readOnly: true}}}`,
	} {
		b.Asset(*object(t, text))
	}
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	_, got := derived(t, s)
	disk := "arn:aws:ec2:eu-west-1:111122223333:volume/vol-0abc"
	want := []string{
		"k8s://c//Node/n1 uses arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc",
		"k8s://c//PersistentVolume/disk reads " + disk, "k8s://c//PersistentVolume/disk writes " + disk,
		"k8s://c//PersistentVolume/old reads " + disk, "k8s://c//PersistentVolume/old writes " + disk,
		"k8s://c//PersistentVolume/share reads arn:aws:elasticfilesystem:eu-west-1:111122223333:file-system/fs-1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

func TestDeriveAggregatedRoles(t *testing.T) {
	_, got := derived(t, snapshot(t,
		`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: admin}, aggregationRule: {clusterRoleSelectors: [{matchLabels: {to: admin}}]}}`,
		`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: more, labels: {to: admin}}}`,
		`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: other, labels: {to: view}}}`,
	))
	if want := []string{"k8s://c//ClusterRole/admin uses k8s://c//ClusterRole/more"}; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

// The graph takes what Understand and Derive give, and a service leads to the
// model its pods serve.
func TestServiceLeadsToModel(t *testing.T) {
	s, err := snapshot(t,
		`{apiVersion: v1, kind: Service, metadata: {name: s, namespace: ml}, spec: {selector: {app: a}}}`,
		`{apiVersion: apps/v1, kind: Deployment, metadata: {name: d, namespace: ml}, spec: {template: {metadata: {labels: {app: a}}, spec: {containers: [{name: c, image: vllm/vllm-openai, args: [--model, org/m]}]}}}}`,
	).Understood(context.Background(), kubernetes.Understand)
	if err != nil {
		t.Fatal(err)
	}
	assets, rels, err := kubernetes.Derive(s)
	if err != nil {
		t.Fatal(err)
	}
	if s, err = s.With(assets, rels, nil); err != nil {
		t.Fatal(err)
	}
	at, ok := s.Find("k8s://c/ml/Service/s")
	if !ok {
		t.Fatal("no service")
	}
	seen := map[estate.Node]bool{}
	var walk func(estate.Node)
	walk = func(n estate.Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		for e := range s.Out(n) {
			walk(e.Node)
		}
	}
	walk(at)
	model, ok := s.Find("hf://org/m")
	if !ok || !seen[model] {
		t.Error("the service does not lead to the model")
	}
}

// Sets cost an edge for each service and pod, not one for each pair.
func TestDeriveDoesNotMakePairs(t *testing.T) {
	const n = 100
	var texts []string
	for i := range n {
		texts = append(texts,
			fmt.Sprintf(`{apiVersion: v1, kind: Service, metadata: {name: s%d, namespace: ml}, spec: {selector: {app: a}}}`, i),
			fmt.Sprintf(`{apiVersion: v1, kind: Pod, metadata: {name: p%d, namespace: ml, labels: {app: a}}, spec: {}}`, i))
	}
	if _, got := derived(t, snapshot(t, texts...)); len(got) != 2*n {
		t.Errorf("%d relations for %d services and %d pods", len(got), n, n)
	}
}

// Adding a label to what a selector of pairs selects never removes it.
func TestSelectorProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		label := rapid.SampledFrom([]string{"a", "b", "c"})
		sel := rapid.MapOf(label, label).Draw(rt, "selector")
		labels := rapid.MapOf(label, label).Draw(rt, "labels")
		if len(sel) == 0 {
			return
		}
		want := true
		for k, v := range sel {
			got, ok := labels[k]
			want = want && ok && got == v
		}
		_, rels := derived(t, snapshot(t,
			fmt.Sprintf(`{apiVersion: v1, kind: Service, metadata: {name: s, namespace: ml}, spec: {selector: %s}}`, flow(sel)),
			fmt.Sprintf(`{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: ml, labels: %s}, spec: {}}`, flow(labels))))
		if got := len(rels) == 2; got != want {
			rt.Fatalf("selector %v, labels %v: selected %v, want %v", sel, labels, got, want)
		}
	})
}

func flow(m map[string]string) string {
	var out []string
	for k, v := range m {
		out = append(out, fmt.Sprintf("%q: %q", k, v))
	}
	slices.Sort(out)
	return "{" + strings.Join(out, ", ") + "}"
}

// A GPU given by a resource claim makes a root of what names the claim, and of
// nothing that a root made.
func TestDeriveAcceleratorsByClaim(t *testing.T) {
	pod := func(name, claim, refs string) string {
		return `{apiVersion: v1, kind: Pod, metadata: {name: ` + name + `, namespace: ml` + refs + `}, spec: {resourceClaims: [{name: g, resourceClaimTemplateName: ` + claim + `}], containers: [{name: s, image: acme/s}]}}`
	}
	s, err := snapshot(t,
		`{apiVersion: resource.k8s.io/v1, kind: ResourceClaimTemplate, metadata: {name: gpu, namespace: ml}, spec: {spec: {devices: {requests: [{name: g, exactly: {deviceClassName: gpu.nvidia.com}}]}}}}`,
		`{apiVersion: resource.k8s.io/v1, kind: ResourceClaimTemplate, metadata: {name: nic, namespace: ml}, spec: {spec: {devices: {requests: [{name: g, exactly: {deviceClassName: rdma.example.com}}]}}}}`,
		`{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: rs, namespace: ml}, spec: {}}`,
		pod("bare", "gpu", ""), pod("owned", "gpu", ", ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: rs, controller: true}]"), pod("network", "nic", ""),
	).Understood(context.Background(), kubernetes.Understand)
	if err != nil {
		t.Fatal(err)
	}
	assets, rels, err := kubernetes.Derive(s)
	if err != nil {
		t.Fatal(err)
	}
	if s, err = s.With(assets, rels, nil); err != nil {
		t.Fatal(err)
	}
	for name, root := range map[string]bool{"bare": true, "owned": false, "network": false} {
		n, _ := s.Find("k8s://c/ml/Pod/" + name)
		a := s.Asset(n)
		if (a.Root != nil) != root {
			t.Errorf("%s: root %+v, want %v", name, a.Root, root)
		}
		if config, err := s.Config(n); err != nil || len(config) == 0 || a.Kind != estate.KindCompute {
			t.Errorf("%s lost its configuration or kind: %q, %q, %v", name, config, a.Kind, err)
		}
	}
	if len(s.BlindSpots()) > 0 {
		t.Errorf("blind spots: %v", s.BlindSpots())
	}
}
