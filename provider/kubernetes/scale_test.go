package kubernetes

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
)

func scaleAsset(typ string) *estate.Asset {
	return &estate.Asset{ID: "k8s://c/ns/x/y", Type: typ, Cloud: estate.Kubernetes, Reads: []estate.Read{{Operation: "kubernetes:list", Status: estate.ReadOK}}}
}

func said(list []estate.Capacity) []string {
	var out []string
	for _, c := range list {
		s := fmt.Sprintf("%s %g", c.Path, c.Units)
		switch {
		case c.Unknown:
			s = c.Path + " unknown"
		case c.Units == estate.NoLimit:
			s = c.Path + " no limit"
		}
		if c.Size != "" {
			s += " × " + c.Size
		}
		out = append(out, s)
	}
	return out
}

// TestScale reads one object of each kind with amounts.
func TestScale(t *testing.T) {
	covered := map[string]bool{}
	for _, tt := range []struct {
		typ, spec string
		want      []string
		essence   string
	}{
		{"apps/v1/Deployment", `{"replicas":3,"template":{"spec":{"containers":[{"image":"i:1"}]}}}`, []string{"spec.replicas 3"}, `{"template":{"spec":{"containers":[{"image":"i:1"}]}}}`},
		{"apps/v1/Deployment", `{}`, []string{"spec.replicas 1"}, `{}`},
		{"apps/v1/Deployment", `{"replicas":0}`, []string{"spec.replicas 0"}, `{}`},
		{"apps/v1/Deployment", `{"replicas":"3"}`, []string{"spec.replicas unknown"}, `{}`},
		{"apps/v1/StatefulSet", `{"replicas":2}`, []string{"spec.replicas 2"}, `{}`},
		{"apps/v1/ReplicaSet", `{"replicas":2}`, []string{"spec.replicas 2"}, `{}`},
		{"v1/ReplicationController", `{}`, []string{"spec.replicas 1"}, `{}`},
		{"argoproj.io/v1alpha1/Rollout", `{"replicas":5}`, []string{"spec.replicas 5"}, `{}`},
		{"autoscaling/v1/HorizontalPodAutoscaler", `{"maxReplicas":9,"scaleTargetRef":{"name":"d"}}`, []string{"spec.maxReplicas 9", "spec.minReplicas 1"}, `{"scaleTargetRef":{"name":"d"}}`},
		{"autoscaling/v2/HorizontalPodAutoscaler", `{"minReplicas":2,"maxReplicas":9,"metrics":[]}`, []string{"spec.maxReplicas 9", "spec.minReplicas 2"}, `{"metrics":[]}`},
		{"batch/v1/Job", `{"parallelism":4,"completions":8}`, []string{"spec.completions 8", "spec.parallelism 4"}, `{}`},
		{"batch/v1/CronJob", `{"schedule":"@daily","jobTemplate":{"spec":{"parallelism":4}}}`, []string{"spec.jobTemplate.spec.parallelism 4"}, `{"jobTemplate":{"spec":{}},"schedule":"@daily"}`},
		{"jobset.x-k8s.io/v1alpha2/JobSet", `{"replicatedJobs":[{"name":"w","replicas":2,"template":{"spec":{"parallelism":4}}}]}`, []string{"spec.replicatedJobs[w].replicas 2", "spec.replicatedJobs[w].template.spec.parallelism 4"}, `{"replicatedJobs":[{"name":"w","template":{"spec":{}}}]}`},
		{"leaderworkerset.x-k8s.io/v1/LeaderWorkerSet", `{"leaderWorkerTemplate":{"size":4}}`, []string{"spec.leaderWorkerTemplate.size 4", "spec.replicas 1"}, `{"leaderWorkerTemplate":{}}`},
		{"batch.volcano.sh/v1alpha1/Job", `{"tasks":[{"name":"w","replicas":6}]}`, []string{"spec.tasks[w].replicas 6"}, `{"tasks":[{"name":"w"}]}`},
		{"serving.kserve.io/v1beta1/InferenceService", `{"predictor":{"minReplicas":2,"maxReplicas":8,"model":{"storageUri":"s3://m"}},"transformer":{}}`,
			[]string{"spec.predictor.maxReplicas 8", "spec.predictor.minReplicas 2", "spec.transformer.maxReplicas no limit", "spec.transformer.minReplicas 1"}, `{"predictor":{"model":{"storageUri":"s3://m"}},"transformer":{}}`},
		{"serving.kserve.io/v1beta1/InferenceService", `{"predictor":{"maxReplicas":0}}`, []string{"spec.predictor.maxReplicas no limit", "spec.predictor.minReplicas 1"}, `{"predictor":{}}`},
		{"serving.kserve.io/v1alpha1/LLMInferenceService", `{"replicas":2,"prefill":{}}`, []string{"spec.prefill.replicas 1", "spec.replicas 2"}, `{"prefill":{}}`},
		{"serving.kserve.io/v1alpha1/InferenceGraph", `{"maxReplicas":3}`, []string{"spec.maxReplicas 3", "spec.minReplicas 1"}, `{}`},
		{"serving.kserve.io/v1alpha1/ServingRuntime", `{"replicas":2}`, []string{"spec.replicas 2"}, `{}`},
		{"serving.kserve.io/v1alpha1/ClusterServingRuntime", `{}`, nil, `{}`},
		{"serving.knative.dev/v1/Service", `{"template":{"metadata":{"annotations":{"autoscaling.knative.dev/min-scale":"1","autoscaling.knative.dev/maxScale":"10"}}}}`,
			[]string{"spec.template.metadata.annotations[autoscaling.knative.dev/max-scale] 10", "spec.template.metadata.annotations[autoscaling.knative.dev/min-scale] 1"}, `{"template":{"metadata":{}}}`},
		{"serving.knative.dev/v1/Configuration", `{"template":{"metadata":{"annotations":{"autoscaling.knative.dev/max-scale":"0","x":"y"}}}}`, []string{"spec.template.metadata.annotations[autoscaling.knative.dev/max-scale] no limit"}, `{"template":{"metadata":{"annotations":{"x":"y"}}}}`},
		{"machinelearning.seldon.io/v1/SeldonDeployment", `{"predictors":[{"name":"p","replicas":2,"componentSpecs":[{"hpaSpec":{"minReplicas":1,"maxReplicas":4}}]}]}`,
			[]string{"spec.predictors[p].componentSpecs[0].hpaSpec.maxReplicas 4", "spec.predictors[p].componentSpecs[0].hpaSpec.minReplicas 1", "spec.predictors[p].replicas 2"}, `{"predictors":[{"componentSpecs":[{"hpaSpec":{}}],"name":"p"}]}`},
		{"mlops.seldon.io/v1alpha1/Model", `{"minReplicas":1,"maxReplicas":4}`, []string{"spec.maxReplicas 4", "spec.minReplicas 1", "spec.replicas 1"}, `{}`},
		{"apps.nvidia.com/v1alpha1/NIMService", `{"replicas":2,"scale":{"hpa":{"maxReplicas":4}}}`, []string{"spec.replicas 2", "spec.scale.hpa.maxReplicas 4"}, `{"scale":{"hpa":{}}}`},
		{"agents.x-k8s.io/v1alpha1/Sandbox", `{"podTemplate":{}}`, []string{"spec.replicas 1"}, `{"podTemplate":{}}`},
		{"milvus.io/v1alpha1/MilvusCluster", `{"components":{"queryNode":{"replicas":3}}}`, []string{"spec.components.queryNode.replicas 3"}, `{"components":{"queryNode":{}}}`},
		{"milvus.io/v1beta1/Milvus", `{"components":{"queryNode":{"replicas":3}}}`, []string{"spec.components.queryNode.replicas 3"}, `{"components":{"queryNode":{}}}`},
		{"kubeflow.org/v1/PyTorchJob", `{"pytorchReplicaSpecs":{"Master":{},"Worker":{"replicas":7,"template":{}}},"elasticPolicy":{"maxReplicas":9}}`,
			[]string{"spec.elasticPolicy.maxReplicas 9", "spec.pytorchReplicaSpecs.Master.replicas 1", "spec.pytorchReplicaSpecs.Worker.replicas 7"}, `{"elasticPolicy":{},"pytorchReplicaSpecs":{"Master":{},"Worker":{"template":{}}}}`},
		{"kubeflow.org/v1/TFJob", `{"tfReplicaSpecs":{"PS":{"replicas":2}}}`, []string{"spec.tfReplicaSpecs.PS.replicas 2"}, `{"tfReplicaSpecs":{"PS":{}}}`},
		{"kubeflow.org/v2beta1/MPIJob", `{"mpiReplicaSpecs":{"Worker":{"replicas":2}}}`, []string{"spec.mpiReplicaSpecs.Worker.replicas 2"}, `{"mpiReplicaSpecs":{"Worker":{}}}`},
		{"kubeflow.org/v1/XGBoostJob", `{"xgbReplicaSpecs":{"Worker":{"replicas":2}}}`, []string{"spec.xgbReplicaSpecs.Worker.replicas 2"}, `{"xgbReplicaSpecs":{"Worker":{}}}`},
		{"kubeflow.org/v1/PaddleJob", `{"paddleReplicaSpecs":{"Worker":{"replicas":2}}}`, []string{"spec.paddleReplicaSpecs.Worker.replicas 2"}, `{"paddleReplicaSpecs":{"Worker":{}}}`},
		{"kubeflow.org/v1/JAXJob", `{"jaxReplicaSpecs":{"Worker":{"replicas":2}}}`, []string{"spec.jaxReplicaSpecs.Worker.replicas 2"}, `{"jaxReplicaSpecs":{"Worker":{}}}`},
		{"kubeflow.org/v1/MXJob", `{"mxReplicaSpecs":{"Worker":{"replicas":2}}}`, []string{"spec.mxReplicaSpecs.Worker.replicas 2"}, `{"mxReplicaSpecs":{"Worker":{}}}`},
		{"trainer.kubeflow.org/v1alpha1/TrainJob", `{"trainer":{"numNodes":8,"image":"i"}}`, []string{"spec.trainer.numNodes 8"}, `{"trainer":{"image":"i"}}`},
		{"trainer.kubeflow.org/v1alpha1/TrainingRuntime", `{"mlPolicy":{"numNodes":8}}`, []string{"spec.mlPolicy.numNodes 8"}, `{"mlPolicy":{}}`},
		{"trainer.kubeflow.org/v1alpha1/ClusterTrainingRuntime", `{"mlPolicy":{"numNodes":8}}`, []string{"spec.mlPolicy.numNodes 8"}, `{"mlPolicy":{}}`},
		{"kubeflow.org/v1beta1/Experiment", `{"maxTrialCount":30}`, []string{"spec.maxTrialCount 30", "spec.parallelTrialCount 3"}, `{}`},
		{"ray.io/v1/RayCluster", `{"headGroupSpec":{},"workerGroupSpecs":[{"groupName":"g","replicas":2,"minReplicas":1,"maxReplicas":5}]}`,
			[]string{"spec.workerGroupSpecs[g].maxReplicas 5", "spec.workerGroupSpecs[g].minReplicas 1", "spec.workerGroupSpecs[g].replicas 2"}, `{"headGroupSpec":{},"workerGroupSpecs":[{"groupName":"g"}]}`},
		{"ray.io/v1/RayJob", `{"rayClusterSpec":{"workerGroupSpecs":[{"groupName":"g","replicas":2}]}}`, []string{"spec.rayClusterSpec.workerGroupSpecs[g].maxReplicas no limit", "spec.rayClusterSpec.workerGroupSpecs[g].replicas 2"}, `{"rayClusterSpec":{"workerGroupSpecs":[{"groupName":"g"}]}}`},
		{"ray.io/v1/RayService", `{"rayClusterConfig":{"workerGroupSpecs":[{"groupName":"g","maxReplicas":2147483647}]}}`, []string{"spec.rayClusterConfig.workerGroupSpecs[g].maxReplicas no limit"}, `{"rayClusterConfig":{"workerGroupSpecs":[{"groupName":"g"}]}}`},
		{"ray.io/v1/RayCronJob", `{"jobTemplate":{"rayClusterSpec":{"workerGroupSpecs":[{"groupName":"g","maxReplicas":2}]}}}`, []string{"spec.jobTemplate.rayClusterSpec.workerGroupSpecs[g].maxReplicas 2"}, `{"jobTemplate":{"rayClusterSpec":{"workerGroupSpecs":[{"groupName":"g"}]}}}`},
		{"sparkoperator.k8s.io/v1beta2/SparkApplication", `{"executor":{"instances":4},"dynamicAllocation":{"enabled":true,"maxExecutors":40}}`, []string{"spec.dynamicAllocation.maxExecutors 40", "spec.executor.instances 4"}, `{"dynamicAllocation":{"enabled":true},"executor":{}}`},
		{"sparkoperator.k8s.io/v1beta2/ScheduledSparkApplication", `{"template":{"executor":{"instances":4}}}`, []string{"spec.template.executor.instances 4"}, `{"template":{"executor":{}}}`},
		{"argoproj.io/v1alpha1/Workflow", `{"parallelism":2,"entrypoint":"m"}`, []string{"spec.parallelism 2"}, `{"entrypoint":"m"}`},
		{"argoproj.io/v1alpha1/CronWorkflow", `{"workflowSpec":{}}`, []string{"spec.workflowSpec.parallelism no limit"}, `{"workflowSpec":{}}`},
		{"keda.sh/v1alpha1/ScaledObject", `{"minReplicaCount":1}`, []string{"spec.maxReplicaCount 100", "spec.minReplicaCount 1"}, `{}`},
		{"keda.sh/v1alpha1/ScaledJob", `{"maxReplicaCount":5}`, []string{"spec.maxReplicaCount 5"}, `{}`},
		{"sagemaker.services.k8s.aws/v1alpha1/EndpointConfig", `{"productionVariants":[{"variantName":"v","initialInstanceCount":2,"instanceType":"ml.g5.xlarge"}]}`, []string{"spec.productionVariants[v] 2 × ml.g5.xlarge"}, `{"productionVariants":[{"variantName":"v"}]}`},
		{"sagemaker.services.k8s.aws/v1alpha1/TrainingJob", `{"resourceConfig":{"instanceCount":2,"instanceType":"ml.g5.xlarge"}}`, []string{"spec.resourceConfig 2 × ml.g5.xlarge"}, `{"resourceConfig":{}}`},
		{"sagemaker.services.k8s.aws/v1alpha1/NotebookInstance", `{"instanceType":"ml.t3.medium","roleARN":"r"}`, []string{"spec.instanceType 1 × ml.t3.medium"}, `{"roleARN":"r"}`},
		{"apps/v1/DaemonSet", `{"template":{}}`, nil, `{"template":{}}`},
	} {
		group, kind := split(tt.typ)
		covered[kind+"."+group] = true
		got, err := Scale(scaleAsset(tt.typ), json.RawMessage(`{"kind":"K","spec":`+tt.spec+`,"status":{"replicas":7}}`))
		if err != nil {
			t.Errorf("%s: %v", tt.typ, err)
			continue
		}
		if diff := cmp.Diff(tt.want, said(got.Capacities)); diff != "" {
			t.Errorf("%s %s capacities (-want +got):\n%s", tt.typ, tt.spec, diff)
		}
		if diff := cmp.Diff(`{"kind":"K","spec":`+tt.essence+`}`, string(got.Essence)); diff != "" {
			t.Errorf("%s %s essence (-want +got):\n%s", tt.typ, tt.spec, diff)
		}
	}
	for _, alike := range []string{"Deployment.extensions", "ReplicaSet.extensions", "Revision.serving.knative.dev", "Workspace.kaito.sh"} {
		covered[alike] = true // the first three as above; the last below
	}
	for key, r := range ScaleRules() {
		if len(r.Amounts) > 0 && !covered[key] {
			t.Errorf("no case for %s", key)
		}
	}
	got, err := Scale(scaleAsset("kaito.sh/v1beta1/Workspace"), json.RawMessage(`{"resource":{"count":2,"instanceType":"Standard_NC24ads_A100_v4"}}`))
	if diff := cmp.Diff([]string{"resource 2 × Standard_NC24ads_A100_v4"}, said(got.Capacities)); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

// TestEssenceOfADeployment: what scaling, time and controllers change leaves
// the essence as it is; anything a verdict may hang on does not.
func TestEssenceOfADeployment(t *testing.T) {
	const base = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d","namespace":"n","labels":{"app":"d"},"annotations":{"owner":"ml"}},"spec":{"replicas":1,"template":{"metadata":{"labels":{"app":"d"}},"spec":{"serviceAccountName":"s","containers":[{"name":"c","image":"i:1","command":["a"],"env":[{"name":"A","value":"b"}],"securityContext":{"privileged":false},"resources":{"limits":{"nvidia.com/gpu":"1"}}}]}}}}`
	essence := func(set func(m map[string]any)) string {
		t.Helper()
		var m map[string]any
		if err := json.Unmarshal([]byte(base), &m); err != nil {
			t.Fatal(err)
		}
		set(m)
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Scale(scaleAsset("apps/v1/Deployment"), text)
		if err != nil {
			t.Fatal(err)
		}
		return string(got.Essence)
	}
	at := func(m map[string]any, path ...string) map[string]any {
		for _, p := range path {
			if m[p] == nil {
				m[p] = map[string]any{}
			}
			m = m[p].(map[string]any)
		}
		return m
	}
	first := func(m map[string]any) map[string]any {
		return at(m, "spec", "template", "spec")["containers"].([]any)[0].(map[string]any)
	}
	before := essence(func(map[string]any) {})
	for name, set := range map[string]func(map[string]any){
		"replicas":         func(m map[string]any) { at(m, "spec")["replicas"] = 50 },
		"no_replicas":      func(m map[string]any) { delete(at(m, "spec"), "replicas") },
		"status":           func(m map[string]any) { at(m, "status")["readyReplicas"] = 3 },
		"resource_version": func(m map[string]any) { at(m, "metadata")["resourceVersion"] = "77" },
		"managed_fields": func(m map[string]any) {
			at(m, "metadata")["managedFields"] = []any{map[string]any{"manager": "kubectl"}}
		},
		"applied": func(m map[string]any) {
			at(m, "metadata", "annotations")["kubectl.kubernetes.io/last-applied-configuration"] = "{}"
		},
		"revision": func(m map[string]any) { at(m, "metadata", "annotations")["deployment.kubernetes.io/revision"] = "4" },
		"restart": func(m map[string]any) {
			at(m, "spec", "template", "metadata", "annotations")["kubectl.kubernetes.io/restartedAt"] = "now"
		},
	} {
		if got := essence(set); got != before {
			t.Errorf("%s changes the essence:\n%s\n%s", name, before, got)
		}
	}
	for name, set := range map[string]func(map[string]any){
		"image":                 func(m map[string]any) { first(m)["image"] = "i:2" },
		"command":               func(m map[string]any) { first(m)["command"] = []any{"b"} },
		"env":                   func(m map[string]any) { first(m)["env"] = []any{} },
		"privileged":            func(m map[string]any) { at(first(m), "securityContext")["privileged"] = true },
		"account":               func(m map[string]any) { at(m, "spec", "template", "spec")["serviceAccountName"] = "t" },
		"host":                  func(m map[string]any) { at(m, "spec", "template", "spec")["hostNetwork"] = true },
		"label":                 func(m map[string]any) { at(m, "metadata", "labels")["app"] = "e" },
		"annotation":            func(m map[string]any) { at(m, "metadata", "annotations")["owner"] = "x" },
		"gpus":                  func(m map[string]any) { at(first(m), "resources", "limits")["nvidia.com/gpu"] = "8" },
		"template_named_status": func(m map[string]any) { at(m, "spec", "template", "status")["x"] = 1 },
	} {
		if essence(set) == before {
			t.Errorf("%s leaves the essence as it is", name)
		}
	}
}

// TestKindsHaveAmountsOrAReason: a kind that is a root by what it is, or that
// carries pods, could grow unseen if it were forgotten.
func TestKindsHaveAmountsOrAReason(t *testing.T) {
	rules := ScaleRules()
	var keys []string
	for key := range customs {
		keys = append(keys, key)
	}
	for key := range carriers {
		keys = append(keys, key)
	}
	for _, key := range keys {
		if _, reasoned := withoutScale[key]; reasoned == (len(rules[key].Amounts) > 0) {
			t.Errorf("%s: a reason for no amount %v, want exactly one of amounts and reason", key, reasoned)
		}
	}
	for key := range withoutScale {
		if !carriers[key] && customs[key].class == "" {
			t.Errorf("%s needs no reason", key)
		}
	}
}

// TestTotals: what a whole object comes to, roles, groups and parts added up and
// multiplied.
func TestTotals(t *testing.T) {
	for _, tt := range []struct {
		typ, spec string
		want      float64
	}{
		{"kubeflow.org/v1/TFJob", `{"tfReplicaSpecs":{"PS":{"replicas":2},"Worker":{"replicas":3},"Chief":{}}}`, 6},
		{"kubeflow.org/v1/PyTorchJob", `{"pytorchReplicaSpecs":{"Master":{},"Worker":{"replicas":7}}}`, 8},
		{"leaderworkerset.x-k8s.io/v1/LeaderWorkerSet", `{"replicas":2,"leaderWorkerTemplate":{"size":8}}`, 16},
		{"jobset.x-k8s.io/v1alpha2/JobSet", `{"replicatedJobs":[{"name":"a","replicas":4,"template":{"spec":{"parallelism":2}}},{"name":"b"}]}`, 9},
		{"ray.io/v1/RayCluster", `{"workerGroupSpecs":[{"groupName":"g","maxReplicas":5,"numOfHosts":4},{"groupName":"h","replicas":1,"maxReplicas":2}]}`, 22},
		{"serving.kserve.io/v1beta1/InferenceService", `{"predictor":{"maxReplicas":5},"transformer":{"maxReplicas":2}}`, 7},
		{"apps/v1/Deployment", `{"replicas":4}`, 4},
		{"autoscaling/v2/HorizontalPodAutoscaler", `{"minReplicas":2,"maxReplicas":9}`, 9},
	} {
		got, err := Scale(scaleAsset(tt.typ), json.RawMessage(`{"kind":"K","spec":`+tt.spec+`}`))
		if err != nil {
			t.Errorf("%s: %v", tt.typ, err)
			continue
		}
		if n, known := estate.Total(got.Capacities); n != tt.want || !known {
			t.Errorf("%s: %g in all (known %v), want %g", tt.typ, n, known, tt.want)
		}
	}
}
