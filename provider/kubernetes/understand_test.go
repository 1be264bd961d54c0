package kubernetes_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/kubernetes"
)

func edges(u estate.Understanding) []string {
	var out []string
	for _, r := range u.Relations {
		if r.Tier != estate.Declared || r.Evidence == "" {
			out = append(out, "NO EVIDENCE "+r.To)
		}
		out = append(out, r.From+" "+string(r.Type)+" "+r.To)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestRelations(t *testing.T) {
	for _, c := range []struct {
		name, object string
		want         []string // all but the object's place in its namespace
	}{
		{"pod", `
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: ml, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: rs, controller: true}]}
spec:
  nodeName: node1
  serviceAccountName: runner
  imagePullSecrets: [{name: pull}]
  priorityClassName: high
  containers:
  - name: a
    image: 111122223333.dkr.ecr.eu-west-1.amazonaws.com/team/model:v1
    args: [--data, "s3://in/set", --out=s3://out/x]
    env:
    - {name: T, valueFrom: {secretKeyRef: {name: token, key: t}}}
    - {name: C, valueFrom: {configMapKeyRef: {name: conf, key: c}}}
    - {name: DIR, value: "gs://bucket/dir"}
    envFrom: [{secretRef: {name: all}}]
  volumes:
  - {name: v1, secret: {secretName: tls}}
  - {name: v2, persistentVolumeClaim: {claimName: data}}
  - {name: v3, persistentVolumeClaim: {claimName: ro, readOnly: true}}
  - {name: v4, projected: {sources: [{configMap: {name: proj}}]}}
  - {name: v5, csi: {driver: secrets-store.csi.k8s.io, volumeAttributes: {secretProviderClass: vault}}}
`, []string{
			"k8s://c/ml/ReplicaSet/rs contains ME", "ME member-of k8s://c//Node/node1", "ME runs-as k8s://c/ml/ServiceAccount/runner",
			"ME reads k8s://c/ml/Secret/pull", "ME uses k8s://c//PriorityClass/high", "ME contains ME#container/a",
			"ME#container/a loads image://111122223333.dkr.ecr.eu-west-1.amazonaws.com/team/model:v1",
			"ME loads image://111122223333.dkr.ecr.eu-west-1.amazonaws.com/team/model:v1",
			"image://111122223333.dkr.ecr.eu-west-1.amazonaws.com/team/model:v1 member-of arn:aws:ecr:eu-west-1:111122223333:repository/team/model",
			"ME reads arn:aws:s3:::in", "ME reads arn:aws:s3:::out", "ME reads //storage.googleapis.com/projects/_/buckets/bucket",
			"ME reads k8s://c/ml/Secret/token", "ME reads k8s://c/ml/ConfigMap/conf", "ME reads k8s://c/ml/Secret/all", "ME reads k8s://c/ml/Secret/tls",
			"ME reads k8s://c/ml/PersistentVolumeClaim/data", "ME writes k8s://c/ml/PersistentVolumeClaim/data", "ME reads k8s://c/ml/PersistentVolumeClaim/ro",
			"ME reads k8s://c/ml/ConfigMap/proj", "ME reads k8s://c/ml/SecretProviderClass.secrets-store.csi.x-k8s.io/vault",
		}},
		{"default_account_and_hub_image", `{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: ml}, spec: {containers: [{name: a, image: nginx}]}}`, []string{
			"ME runs-as k8s://c/ml/ServiceAccount/default", "ME contains ME#container/a",
			"ME#container/a loads image://docker.io/library/nginx:latest", "ME loads image://docker.io/library/nginx:latest"}},
		{"served_model", `{apiVersion: apps/v1, kind: Deployment, metadata: {name: d, namespace: ml}, spec: {template: {spec: {serviceAccountName: s, containers: [{name: a, args: ["--model=meta/llama"]}]}}}}`, []string{
			"ME runs-as k8s://c/ml/ServiceAccount/s", "ME contains ME#container/a", "ME serves hf://meta/llama"}},
		{"base_model_of_training", `{apiVersion: batch/v1, kind: Job, metadata: {name: d, namespace: ml}, spec: {template: {spec: {serviceAccountName: s, containers: [{name: a, args: [--model_name_or_path, meta/llama]}]}}}}`, []string{
			"ME runs-as k8s://c/ml/ServiceAccount/s", "ME contains ME#container/a", "ME loads hf://meta/llama"}},
		{"irsa", `{apiVersion: v1, kind: ServiceAccount, metadata: {name: s, namespace: ml, annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::111122223333:role/r", iam.gke.io/gcp-service-account: a@p.iam.gserviceaccount.com, azure.workload.identity/client-id: u}}}`, []string{
			"ME member-of k8s://c//Group/system:serviceaccounts", "ME member-of k8s://c//Group/system:serviceaccounts:ml", "ME member-of k8s://c//Group/system:authenticated",
			"ME runs-as arn:aws:iam::111122223333:role/r", "ME runs-as //iam.googleapis.com/projects/p/serviceAccounts/a@p.iam.gserviceaccount.com",
			"ME runs-as https://graph.microsoft.com/v1.0/servicePrincipals(appId='u')"}},
		{"binding", `{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: b, namespace: ml}, roleRef: {kind: ClusterRole, name: edit}, subjects: [{kind: ServiceAccount, name: s, namespace: other}, {kind: User, name: ada}, {kind: User, name: "system:serviceaccount:x:y"}, {kind: Group, name: g}]}`, []string{
			"ME uses k8s://c//ClusterRole/edit",
			"ME grants k8s://c/other/ServiceAccount/s", "k8s://c/other/ServiceAccount/s attached ME",
			"ME grants k8s://c//User/ada", "k8s://c//User/ada attached ME",
			"ME grants k8s://c/x/ServiceAccount/y", "k8s://c/x/ServiceAccount/y attached ME",
			"ME grants k8s://c//Group/g", "k8s://c//Group/g attached ME"}},
		{"ingress", `{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i, namespace: ml}, spec: {ingressClassName: nginx, tls: [{secretName: cert}], rules: [{http: {paths: [{backend: {service: {name: a}}}]}}], defaultBackend: {service: {name: b}}}}`, []string{
			"ME routes-to k8s://c/ml/Service/a", "ME routes-to k8s://c/ml/Service/b", "ME uses k8s://c//IngressClass/nginx", "ME reads k8s://c/ml/Secret/cert"}},
		{"gateway_route", `{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: h, namespace: ml}, spec: {parentRefs: [{name: gw, namespace: infra}], rules: [{backendRefs: [{name: a}]}]}}`, []string{
			"k8s://c/infra/Gateway.gateway.networking.k8s.io/gw routes-to ME", "ME routes-to k8s://c/ml/Service/a"}},
		{"scaler", `{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: h, namespace: ml}, spec: {scaleTargetRef: {apiVersion: serving.kserve.io/v1beta1, kind: InferenceService, name: a}}}`, []string{
			"ME scales k8s://c/ml/InferenceService.serving.kserve.io/a"}},
		{"claim", `{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: h, namespace: ml}, spec: {volumeName: pv, storageClassName: gp3, accessModes: [ReadOnlyMany]}}`, []string{
			"ME reads k8s://c//PersistentVolume/pv", "ME uses k8s://c//StorageClass/gp3"}},
		{"bucket_volume", `{apiVersion: v1, kind: PersistentVolume, metadata: {name: h}, spec: {accessModes: [ReadWriteMany], csi: {driver: s3.csi.aws.com, volumeHandle: any, volumeAttributes: {bucketName: models}}}}`, []string{
			"ME reads arn:aws:s3:::models", "ME writes arn:aws:s3:::models"}},
		{"inference_service", `{apiVersion: serving.kserve.io/v1beta1, kind: InferenceService, metadata: {name: h, namespace: ml}, spec: {predictor: {serviceAccountName: s, model: {runtime: rt, storageUri: "s3://models/a"}}}}`, []string{
			"ME runs-as k8s://c/ml/ServiceAccount/s", "ME serves s3://models/a", "ME reads arn:aws:s3:::models", "ME uses k8s://c/ml/ServingRuntime.serving.kserve.io/rt"}},
		{"train_job", `{apiVersion: trainer.kubeflow.org/v1alpha1, kind: TrainJob, metadata: {name: h, namespace: ml}, spec: {runtimeRef: {name: torch}, initializer: {dataset: {storageUri: "s3://set/a"}}, trainer: {image: "acme/t:1"}}}`, []string{
			"ME uses k8s://c//ClusterTrainingRuntime.trainer.kubeflow.org/torch", "ME reads arn:aws:s3:::set", "ME contains ME#container/trainer",
			"ME#container/trainer loads image://docker.io/acme/t:1", "ME loads image://docker.io/acme/t:1"}},
		{"azure_node", `{apiVersion: v1, kind: Node, metadata: {name: h}, spec: {providerID: "azure:///subscriptions/s/vm"}}`, []string{
			"ME member-of k8s://c//Cluster/c", "ME uses /subscriptions/s/vm"}},
		{"eks", `{apiVersion: kubernetes, kind: Cluster, metadata: {name: c}, kubeconfig: {cluster: "arn:aws:eks:eu-west-1:111122223333:cluster/c"}}`, []string{
			"arn:aws:eks:eu-west-1:111122223333:cluster/c contains ME"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := object(t, c.object)
			u := kubernetes.Understand(a)
			if len(u.Problems) > 0 {
				t.Errorf("problems: %v", u.Problems)
			}
			want := map[string]bool{}
			if a.Region != "" {
				want[a.ID+" member-of k8s://c//Namespace/ml"] = true
			}
			for _, w := range c.want {
				want[strings.ReplaceAll(w, "ME", a.ID)] = true
			}
			got := edges(u)
			for _, g := range got {
				if !want[g] {
					t.Errorf("not wanted: %s", g)
				}
				delete(want, g)
			}
			for w := range want {
				t.Errorf("missing: %s", w)
			}
		})
	}
}

// A wrong type is named with its place; the rest is still understood.
func TestProblems(t *testing.T) {
	a := object(t, `
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: ml}
spec:
  nodeName: 7
  containers: [{name: a, image: vllm/vllm-openai, args: {not: a list}, env: [3]}, "container"]
  volumes: {x: y}
`)
	u := kubernetes.Understand(a)
	var paths []string
	for _, p := range u.Problems {
		paths = append(paths, p.Path)
	}
	for _, want := range []string{"config.spec.nodeName", "config.spec.containers[0].args", "config.spec.containers[0].env[0]", "config.spec.containers[1]", "config.spec.volumes"} {
		if !slices.Contains(paths, want) {
			t.Errorf("no problem at %s: %v", want, u.Problems)
		}
	}
	if u.Root == nil {
		t.Error("what could be read makes it a workload, and was not")
	}
	if u := kubernetes.Understand(&estate.Asset{Type: "v1/Pod", Config: []byte("{")}); len(u.Problems) != 1 {
		t.Errorf("broken JSON: %v", u.Problems)
	}
	if u := kubernetes.Understand(&estate.Asset{Type: "v1/Pod", Config: []byte("[]")}); len(u.Problems) != 1 {
		t.Errorf("a list: %v", u.Problems)
	}
}

func TestKinds(t *testing.T) {
	for apiKind, want := range map[string]estate.Kind{
		"v1/Pod": estate.KindCompute, "v1/Secret": estate.KindSecret, "v1/ServiceAccount": estate.KindIdentity,
		"rbac.authorization.k8s.io/v1/ClusterRole": estate.KindPolicy, "networking.k8s.io/v1/NetworkPolicy": estate.KindPolicy,
		"v1/PersistentVolume": estate.KindStore, "serving.kserve.io/v1beta1/InferenceService": estate.KindEndpoint,
		"kubernetes/Cluster": estate.KindService, "example.com/v1/Pod": estate.KindUnknown, "v2/Gizmo": estate.KindUnknown,
	} {
		config := json.RawMessage(`{"metadata":{"name":"x"}}`)
		if got := kubernetes.Understand(&estate.Asset{ID: "x", Type: apiKind, Name: "x", Account: "c", Config: config}).Kind; got != want {
			t.Errorf("%s: %q, want %q", apiKind, got, want)
		}
	}
}

func FuzzUnderstand(f *testing.F) {
	for _, typ := range []string{"v1/Pod", "apps/v1/Deployment", "batch/v1/CronJob", "rbac.authorization.k8s.io/v1/RoleBinding", "serving.kserve.io/v1beta1/InferenceService", "argoproj.io/v1alpha1/Workflow", "example.com/v1/Thing"} {
		f.Add(typ, []byte(`{"metadata":{"name":"a","namespace":"b","ownerReferences":[{"kind":"Job","name":"j","controller":true}]},"spec":{"containers":[{"name":"c","image":"a/b:c@d","command":["sh","-c","exec vllm serve x"]}],"template":{"spec":{"containers":[null,1]}}}}`))
		f.Add(typ, []byte(`{"spec":{"predictor":{"model":{"storageUri":"pvc://a/b"}},"volumes":[{"csi":{"driver":"s3.csi.aws.com","volumeAttributes":{"bucketName":1}}}]},"subjects":[{"kind":"User","name":"system:serviceaccount:a:b"}]}`))
	}
	f.Fuzz(func(t *testing.T, typ string, config []byte) {
		a := &estate.Asset{ID: "k8s://c/ml/Kind/a", Type: typ, Cloud: estate.Kubernetes, Account: "c", Region: "ml", Name: "a", Config: config}
		u := kubernetes.Understand(a)
		for _, r := range u.Relations {
			if r.From == "" || r.To == "" || r.Type == "" || r.Tier == "" {
				t.Fatalf("half a relation: %+v", r)
			}
		}
		for _, p := range u.Parts {
			if p.ID == "" || p.Type == "" || len(p.Config) > 0 && !json.Valid(p.Config) {
				t.Fatalf("half a part: %+v", p)
			}
		}
		if u.Root != nil && (u.Root.Class == "" || u.Root.Why == "") {
			t.Fatalf("a root without reason: %+v", u.Root)
		}
	})
}
