package admission_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"
)

// definitions are custom kinds as their projects define them, as far as it
// matters here: names, versions, and the scale subresource where there is one.
// What they hold is kept as it comes.
var definitions = []struct {
	group, version, kind, plural, scale string
	cluster                             bool
}{
	{"serving.kserve.io", "v1beta1", "InferenceService", "inferenceservices", "", false},
	{"serving.kserve.io", "v1alpha1", "LLMInferenceService", "llminferenceservices", "", false},
	{"ray.io", "v1", "RayCluster", "rayclusters", "", false},
	{"ray.io", "v1", "RayJob", "rayjobs", "", false},
	{"ray.io", "v1", "RayService", "rayservices", "", false},
	{"jobset.x-k8s.io", "v1alpha2", "JobSet", "jobsets", "", false},
	{"leaderworkerset.x-k8s.io", "v1", "LeaderWorkerSet", "leaderworkersets", ".spec.replicas", false},
	{"kubeflow.org", "v1", "PyTorchJob", "pytorchjobs", ".spec.pytorchReplicaSpecs.Worker.replicas", false},
	{"kubeflow.org", "v1", "TFJob", "tfjobs", "", false},
	{"kubeflow.org", "v1", "MPIJob", "mpijobs", "", false},
	{"trainer.kubeflow.org", "v1alpha1", "TrainJob", "trainjobs", "", false},
	{"keda.sh", "v1alpha1", "ScaledObject", "scaledobjects", "", false},
	{"keda.sh", "v1alpha1", "ScaledJob", "scaledjobs", "", false},
	{"argoproj.io", "v1alpha1", "Rollout", "rollouts", ".spec.replicas", false},
	{"serving.knative.dev", "v1", "Service", "services", "", false},
	{"karpenter.sh", "v1", "NodePool", "nodepools", "", true},
	{"kueue.x-k8s.io", "v1beta1", "ClusterQueue", "clusterqueues", "", true},
	{"example.com", "v1", "Widget", "widgets", ".spec.replicas", false},
}

// define installs the custom kinds.
func (k *cluster) define() {
	k.t.Helper()
	var all []string
	for _, d := range definitions {
		sub, scope := "", "Namespaced"
		if d.scale != "" {
			sub = fmt.Sprintf(", subresources: {scale: {specReplicasPath: %s, statusReplicasPath: .status.replicas}}", d.scale)
		}
		if d.cluster {
			scope = "Cluster"
		}
		all = append(all, fmt.Sprintf(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: %[4]s.%[1]s}
spec:
  group: %[1]s
  scope: %[6]s
  names: {kind: %[3]s, plural: %[4]s, singular: %[7]s}
  versions:
  - {name: %[2]s, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, x-kubernetes-preserve-unknown-fields: true}, status: {type: object, x-kubernetes-preserve-unknown-fields: true}}}}%[5]s}
`, d.group, d.version, d.kind, d.plural, sub, scope, strings.ToLower(d.kind)))
	}
	k.apply(strings.Join(all, "---"))
}

// pod is a pod specification.
const pod = `{containers: [{name: c, image: "img:1"}]}`

// route is a way to grow: an object within the pilot, and patches of it.
type route struct {
	resource, kind, spec string
	// grow and shrink are patches of the spec; shrink is of an object that was
	// there, as large as spec says, before the namespace was gated.
	large, grow, shrink string
}

// routes are the ways to grow other than by Deployments and autoscalers.
var routes = []route{
	{"replicasets.v1.apps", "ReplicaSet", `{replicas: 1, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: ` + pod + `}}`, `{replicas: 5}`, `{replicas: 2}`, `{replicas: 4}`},
	{"replicationcontrollers.v1.", "ReplicationController", `{replicas: 1, selector: {a: b}, template: {metadata: {labels: {a: b}}, spec: ` + pod + `}}`, `{replicas: 5}`, `{replicas: 2}`, `{replicas: 4}`},
	{"jobs.v1.batch", "Job", `{parallelism: 1, completions: 1, template: {spec: {restartPolicy: Never, containers: [{name: c, image: "img:1"}]}}}`, `{parallelism: 5}`, `{parallelism: 2}`, `{parallelism: 1}`},
	{"cronjobs.v1.batch", "CronJob", `{schedule: "@daily", jobTemplate: {spec: {parallelism: 1, completions: 1, template: {spec: {restartPolicy: Never, containers: [{name: c, image: "img:1"}]}}}}}`, `{jobTemplate: {spec: {parallelism: 5}}}`, `{jobTemplate: {spec: {parallelism: 2}}}`, `{jobTemplate: {spec: {parallelism: 1}}}`},
	{"jobsets.v1alpha2.jobset.x-k8s.io", "JobSet", `{replicatedJobs: [{name: a, replicas: 1, template: {spec: {parallelism: 1, completions: 1}}}]}`, `{replicatedJobs: [{name: a, replicas: 2, template: {spec: {parallelism: 5, completions: 5}}}, {name: b, replicas: 1}]}`,
		`{replicatedJobs: [{name: a, replicas: 1, template: {spec: {parallelism: 1, completions: 1}}}, {name: b, replicas: 1}]}`, `{replicatedJobs: [{name: a, replicas: 2, template: {spec: {parallelism: 4, completions: 5}}}]}`},
	{"leaderworkersets.v1.leaderworkerset.x-k8s.io", "LeaderWorkerSet", `{replicas: 1, leaderWorkerTemplate: {size: 1, workerTemplate: {spec: ` + pod + `}}}`, `{replicas: 3, leaderWorkerTemplate: {size: 4}}`, `{leaderWorkerTemplate: {size: 2}}`, `{leaderWorkerTemplate: {size: 3}}`},
	{"inferenceservices.v1beta1.serving.kserve.io", "InferenceService", `{predictor: {minReplicas: 1, maxReplicas: 1, model: {storageUri: "s3://b/m"}}}`, `{predictor: {minReplicas: 2, maxReplicas: 9}}`, `{predictor: {maxReplicas: 0}}`, `{predictor: {maxReplicas: 8}}`},
	{"llminferenceservices.v1alpha1.serving.kserve.io", "LLMInferenceService", `{replicas: 1}`, `{replicas: 4, prefill: {replicas: 2}}`, `{prefill: {replicas: 1}}`, `{prefill: null}`},
	{"rayclusters.v1.ray.io", "RayCluster", `{workerGroupSpecs: [{groupName: a, replicas: 1, maxReplicas: 1}]}`, `{workerGroupSpecs: [{groupName: a, replicas: 5, maxReplicas: 5}]}`, `{workerGroupSpecs: [{groupName: a, replicas: 1, maxReplicas: 1, numOfHosts: 2}]}`, `{workerGroupSpecs: [{groupName: a, replicas: 4, maxReplicas: 5}]}`},
	{"rayjobs.v1.ray.io", "RayJob", `{rayClusterSpec: {workerGroupSpecs: [{groupName: a, replicas: 1, maxReplicas: 1}]}}`, `{rayClusterSpec: {workerGroupSpecs: [{groupName: a, replicas: 5, maxReplicas: 5}]}}`, `{rayClusterSpec: {workerGroupSpecs: [{groupName: a, replicas: 1}]}}`, `{rayClusterSpec: {workerGroupSpecs: []}}`},
	{"rayservices.v1.ray.io", "RayService", `{rayClusterConfig: {workerGroupSpecs: [{groupName: a, replicas: 1, maxReplicas: 1}]}}`, `{rayClusterConfig: {workerGroupSpecs: [{groupName: a, replicas: 5, maxReplicas: 5}]}}`, `{rayClusterConfig: {workerGroupSpecs: [{groupName: b, replicas: 1, maxReplicas: 1}, {groupName: a, replicas: 1, maxReplicas: 1}]}}`, `{rayClusterConfig: {workerGroupSpecs: [{groupName: a, replicas: 5, maxReplicas: 4}]}}`},
	{"pytorchjobs.v1.kubeflow.org", "PyTorchJob", `{pytorchReplicaSpecs: {Worker: {replicas: 1}}}`, `{pytorchReplicaSpecs: {Worker: {replicas: 5}}}`, `{pytorchReplicaSpecs: {Master: {replicas: 1}}}`, `{pytorchReplicaSpecs: {Worker: {replicas: 4}}}`},
	{"tfjobs.v1.kubeflow.org", "TFJob", `{tfReplicaSpecs: {Worker: {replicas: 1}}}`, `{tfReplicaSpecs: {Worker: {replicas: 5}, PS: {replicas: 1}}}`, `{tfReplicaSpecs: {Worker: {replicas: 2}}}`, `{tfReplicaSpecs: {PS: null}}`},
	{"mpijobs.v1.kubeflow.org", "MPIJob", `{mpiReplicaSpecs: {Launcher: {replicas: 1}}}`, `{mpiReplicaSpecs: {Worker: {replicas: 5}}}`, `{mpiReplicaSpecs: {Worker: {replicas: 1}}}`, `{mpiReplicaSpecs: {Worker: {replicas: 4}}}`},
	{"trainjobs.v1alpha1.trainer.kubeflow.org", "TrainJob", `{trainer: {numNodes: 1}}`, `{trainer: {numNodes: 5}}`, `{trainer: {numNodes: 2}}`, `{trainer: {numNodes: 4}}`},
	{"scaledjobs.v1alpha1.keda.sh", "ScaledJob", `{maxReplicaCount: 1}`, `{maxReplicaCount: 9}`, `{maxReplicaCount: null}`, `{maxReplicaCount: 8}`},
	{"rollouts.v1alpha1.argoproj.io", "Rollout", `{replicas: 1}`, `{replicas: 5}`, `{replicas: 3}`, `{replicas: 4}`},
	{"services.v1.serving.knative.dev", "Service", `{template: {metadata: {annotations: {autoscaling.knative.dev/max-scale: "1"}}}}`, `{template: {metadata: {annotations: {autoscaling.knative.dev/max-scale: "9"}}}}`, `{template: {metadata: {annotations: {autoscaling.knative.dev/max-scale: null}}}}`, `{template: {metadata: {annotations: {autoscaling.knative.dev/max-scale: "8"}}}}`},
}

func (r route) client(t testing.TB, c dynamic.Interface) dynamic.ResourceInterface {
	t.Helper()
	gvr, _ := schema.ParseResourceArg(r.resource)
	return c.Resource(*gvr).Namespace("fraud")
}

func (r route) object(t testing.TB, name string) *unstructured.Unstructured {
	t.Helper()
	gvr, _ := schema.ParseResourceArg(r.resource)
	u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": gvr.GroupVersion().String(), "kind": r.kind, "metadata": map[string]any{"name": name}}}
	var spec map[string]any
	if err := yaml.Unmarshal([]byte(r.spec), &spec); err != nil {
		t.Fatalf("%s: %v", r.kind, err)
	}
	u.Object["spec"] = spec
	raw, err := u.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if err := u.UnmarshalJSON(raw); err != nil {
		t.Fatal(err)
	}
	return u
}

func patchOf(t testing.TB, spec string) []byte {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte("spec: " + spec))
	if err != nil {
		t.Fatalf("%s: %v", spec, err)
	}
	return raw
}

// Every way to grow is refused beyond the pilot and every one to shrink is open,
// with the gate running and with it down; owners that are only said to be, more
// objects, unknown kinds and quotas are no way round.
func TestGateHoldsEveryKind(t *testing.T) {
	k, p := start(t), &papers{}
	k.define()
	k.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: fraud}\n")
	dev := k.developer("dev", "fraud")
	config, err := clientcmd.BuildConfigFromFlags("", dev.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	c := dynamic.NewForConfigOrDie(config)
	ctx := t.Context()
	for _, r := range routes { // large ones that were there before the gate
		for until := time.Now().Add(settleWithin); ; time.Sleep(200 * time.Millisecond) {
			_, err := r.client(t, c).Create(ctx, r.object(t, "large"), metav1.CreateOptions{})
			if err == nil || time.Now().After(until) {
				if err != nil {
					t.Fatalf("%s: %v", r.kind, err)
				}
				break
			}
		}
		if _, err := r.client(t, c).Patch(ctx, "large", types.MergePatchType, patchOf(t, r.large), metav1.PatchOptions{}); err != nil {
			t.Fatalf("%s: %v", r.kind, err)
		}
	}
	k.apply(manifest(t, "40-webhook.yaml"))
	k.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: fraud, labels: {sevenfold.dev/gate: enforced}, annotations: {sevenfold.dev/pilots: \"200\"}}\n")
	g := k.runGate(p, "")
	k.awaitFloor(dev, "fraud")
	refusedBy := func(words string, err error) bool { return err != nil && strings.Contains(err.Error(), words) }
	for _, r := range routes {
		ri := r.client(t, c)
		var err error
		for until := time.Now().Add(settleWithin); ; time.Sleep(200 * time.Millisecond) { // until the kind has been seen
			if _, err = ri.Create(ctx, r.object(t, "small"), metav1.CreateOptions{}); err == nil || time.Now().After(until) {
				break
			}
		}
		if err != nil {
			t.Errorf("%s: the pilot is refused: %v", r.kind, err)
			continue
		}
		if _, err := ri.Patch(ctx, "small", types.MergePatchType, patchOf(t, r.grow), metav1.PatchOptions{}); !refusedBy("sevenfold gate: "+r.kind, err) {
			t.Errorf("%s %s: %v", r.kind, r.grow, err)
		}
		if _, err := ri.Patch(ctx, "small", types.MergePatchType, []byte(`{"metadata":{"labels":{"x":"y"}}}`), metav1.PatchOptions{}); err != nil {
			t.Errorf("%s: a label: %v", r.kind, err)
		}
	}
	one := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "p", "ownerReferences": []any{map[string]any{
		"apiVersion": "ray.io/v1", "kind": "RayCluster", "name": "large", "uid": "0d9e3f4c-0000-4000-8000-000000000000", "controller": true}}},
		"spec": map[string]any{"containers": []any{map[string]any{"name": "c", "image": "img:1"}}}}}
	pods := c.Resource(schema.GroupVersionResource{Version: "v1", Resource: "pods"}).Namespace("fraud")
	if _, err := pods.Create(ctx, one, metav1.CreateOptions{}); !refusedBy("only controllers the gate knows may say so", err) {
		t.Errorf("a forged owner: %v", err)
	}
	unstructured.RemoveNestedField(one.Object, "metadata", "ownerReferences")
	if _, err := pods.Create(ctx, one, metav1.CreateOptions{}); err != nil {
		t.Errorf("a bare pod within the pilots: %v", err)
	}
	k.admin.expect(t, "", "", "annotate", "--overwrite", "namespace", "fraud", "sevenfold.dev/pilots=1")
	one.SetName("q")
	for until := time.Now().Add(settleWithin); ; time.Sleep(100 * time.Millisecond) {
		_, err = pods.Create(ctx, one, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if refusedBy("what no certificate names may have 1 in the whole namespace", err) || time.Now().After(until) {
			break
		}
	}
	if err == nil {
		t.Error("more pods than the namespace may have without a certificate")
	}
	// An unknown kind that scales, quotas.
	dev.expect(t, "", "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\nspec: {replicas: 1}\n", "apply", "-f", "-")
	dev.expect(t, "no certificate can name widgets.example.com/w, whose kind the gate does not know", "", "scale", "widgets.example.com/w", "--replicas=3")
	dev.expect(t, "", "", "scale", "widgets.example.com/w", "--replicas=0")
	k.quotas(t, ctx)

	g.stop()
	for _, r := range routes {
		ri := r.client(t, c)
		if _, err := ri.Patch(ctx, "large", types.MergePatchType, patchOf(t, r.shrink), metav1.PatchOptions{}); err != nil {
			t.Errorf("%s: with the gate down it cannot shrink: %v", r.kind, err)
		}
		if _, err := ri.Patch(ctx, "small", types.MergePatchType, patchOf(t, r.grow), metav1.PatchOptions{}); err == nil || apierrors.IsNotFound(err) {
			t.Errorf("%s: with the gate down it grows: %v", r.kind, err)
		}
		if _, err := ri.Create(ctx, r.object(t, "new"), metav1.CreateOptions{}); err == nil {
			t.Errorf("%s: made with the gate down", r.kind)
		}
		if err := ri.Delete(ctx, "small", metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			t.Errorf("%s: with the gate down it cannot be deleted: %v", r.kind, err)
		}
	}
}

// quotas are lowered by anybody who may write them and raised by who governs.
func (k *cluster) quotas(t *testing.T, ctx context.Context) {
	t.Helper()
	k.apply(`
apiVersion: karpenter.sh/v1
kind: NodePool
metadata: {name: gpus, labels: {sevenfold.dev/gate: enforced}}
spec: {limits: {cpu: "100", nvidia.com/gpu: "8"}}
---
apiVersion: kueue.x-k8s.io/v1beta1
kind: ClusterQueue
metadata: {name: team, labels: {sevenfold.dev/gate: enforced}}
spec: {resourceGroups: [{coveredResources: [cpu], flavors: [{name: a, resources: [{name: cpu, nominalQuota: "10", borrowingLimit: "1"}]}]}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: quotas}
rules:
- {apiGroups: [karpenter.sh, kueue.x-k8s.io], resources: ["*"], verbs: ["*"]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: quotas}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: quotas}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: platform}
`)
	u := user{k: k, name: "platform", kubeconfig: k.server.As("platform"), namespace: "fraud"}
	patch := func(resource, name, body string) []string {
		return []string{"patch", resource, name, "--type=merge", "-p", body}
	}
	group := func(quota, borrowing string) string {
		return `{"spec":{"resourceGroups":[{"coveredResources":["cpu"],"flavors":[{"name":"a","resources":[{"name":"cpu","nominalQuota":"` + quota + `"` + borrowing + `}]}]}]}}`
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{patch("nodepools.karpenter.sh", "gpus", `{"spec":{"limits":{"nvidia.com/gpu":"16"}}}`), "NodePool/gpus may not grow"},
		{patch("nodepools.karpenter.sh", "gpus", `{"spec":{"limits":{"nvidia.com/gpu":null}}}`), "NodePool/gpus may not grow"},
		{patch("nodepools.karpenter.sh", "gpus", `{"metadata":{"labels":{"sevenfold.dev/gate":null}}}`), "NodePool/gpus may not leave the gate"},
		{patch("nodepools.karpenter.sh", "gpus", `{"spec":{"limits":{"cpu":"90000m","memory":"1Ti"}}}`), ""},
		{patch("clusterqueues.kueue.x-k8s.io", "team", group("11", `,"borrowingLimit":"1"`)), "ClusterQueue/team may not grow"},
		{patch("clusterqueues.kueue.x-k8s.io", "team", group("10", "")), "ClusterQueue/team may not grow"},
		{patch("clusterqueues.kueue.x-k8s.io", "team", `{"spec":{"cohort":"all"}}`), "ClusterQueue/team may not grow"},
		{patch("clusterqueues.kueue.x-k8s.io", "team", group("9500m", `,"borrowingLimit":"0"`)), ""},
	} {
		u.expectSoon(t, tt.want, tt.args...)
	}
	k.admin.expect(t, "", "", patch("nodepools.karpenter.sh", "gpus", `{"spec":{"limits":{"nvidia.com/gpu":"16"}}}`)...)
}
