package kubernetes_test

import (
	"encoding/json"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/kubernetes"
)

// object makes an asset of YAML, in cluster c.
func object(t testing.TB, text string) *estate.Asset {
	t.Helper()
	body, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	var o struct {
		APIVersion, Kind string
		Metadata         struct {
			Name, Namespace string
			Labels          map[string]string
		}
	}
	if err := json.Unmarshal(body, &o); err != nil {
		t.Fatal(err)
	}
	group, _, found := strings.Cut(o.APIVersion, "/")
	if !found {
		group = ""
	}
	return &estate.Asset{
		ID: kubernetes.ID("c", o.Metadata.Namespace, group, o.Kind, o.Metadata.Name), Type: o.APIVersion + "/" + o.Kind, Cloud: estate.Kubernetes,
		Account: "c", Region: o.Metadata.Namespace, Name: o.Metadata.Name, Tags: o.Metadata.Labels, Config: body,
		Reads: []estate.Read{{Operation: "kubernetes:list", Status: estate.ReadOK}},
	}
}

// workload is an object of a kind with one container.
func workload(kind, container string) string {
	template := "{spec: {restartPolicy: Never, containers: [" + container + "]}}"
	switch kind {
	case "Pod":
		return "{apiVersion: v1, kind: Pod, metadata: {name: w, namespace: ml}, spec: {restartPolicy: Always, containers: [" + container + "]}}"
	case "Job":
		return "{apiVersion: batch/v1, kind: Job, metadata: {name: w, namespace: ml}, spec: {template: " + template + "}}"
	case "CronJob":
		return "{apiVersion: batch/v1, kind: CronJob, metadata: {name: w, namespace: ml}, spec: {jobTemplate: {spec: {template: " + template + "}}}}"
	}
	return "{apiVersion: apps/v1, kind: " + kind + ", metadata: {name: w, namespace: ml}, spec: {template: " + template + "}}"
}

func TestRoots(t *testing.T) {
	for _, c := range []struct {
		name, kind, container, class, why string
	}{
		{"vllm_image", "Deployment", `{name: s, image: "vllm/vllm-openai:v0.9.0"}`, estate.ClassEndpoint, "vLLM (image vllm/vllm-openai:v0.9.0)"},
		{"vllm_mirror", "Deployment", `{name: s, image: "111122223333.dkr.ecr.eu-west-1.amazonaws.com/hub/vllm/vllm-openai@sha256:ab"}`, estate.ClassEndpoint, "vLLM"},
		{"vllm_module", "StatefulSet", `{name: s, image: acme/base, command: [python3, -m, vllm.entrypoints.openai.api_server]}`, estate.ClassEndpoint, "command"},
		{"vllm_shell", "Deployment", `{name: s, image: acme/base, command: [/bin/sh, -c], args: ["set -e; export A=b; exec vllm serve acme/m --port 80"]}`, estate.ClassEndpoint, "vllm serve"},
		{"vllm_in_a_loop", "Deployment", `{name: s, image: acme/base, command: [bash, -c, "while true; do nohup vllm serve acme/m; done"]}`, estate.ClassEndpoint, "vllm serve"},
		{"vllm_weak_pair", "Deployment", `{name: s, image: acme/base, ports: [{containerPort: 8000}], env: [{name: VLLM_LOGGING_LEVEL, value: INFO}]}`, estate.ClassEndpoint, "looks like vLLM"},
		{"tgi", "Deployment", `{name: s, image: "ghcr.io/huggingface/text-generation-inference:3.0"}`, estate.ClassEndpoint, "Text Generation Inference"},
		{"triton", "Deployment", `{name: s, image: "nvcr.io/nvidia/tritonserver:24.05-py3"}`, estate.ClassEndpoint, "Triton"},
		{"ollama", "DaemonSet", `{name: s, image: ollama/ollama}`, estate.ClassEndpoint, "Ollama"},
		{"torchserve", "Deployment", `{name: s, image: "pytorch/torchserve:0.9"}`, estate.ClassEndpoint, "TorchServe"},
		{"tf_serving", "Deployment", `{name: s, image: tensorflow/serving}`, estate.ClassEndpoint, "TensorFlow Serving"},
		{"sglang", "Deployment", `{name: s, image: x/y, command: [python, -m, sglang.launch_server, --model-path, a/b]}`, estate.ClassEndpoint, "SGLang"},
		{"llama_cpp", "Pod", `{name: s, image: "ghcr.io/ggml-org/llama.cpp:server"}`, estate.ClassEndpoint, "llama.cpp"},
		{"nim", "Deployment", `{name: s, image: "nvcr.io/nim/meta/llama3-8b-instruct:1.0"}`, estate.ClassEndpoint, "NIM"},
		{"bentoml", "Deployment", `{name: s, image: x/y, args: [bentoml, serve, "."]}`, estate.ClassEndpoint, "BentoML"},
		{"litellm", "Deployment", `{name: s, image: "ghcr.io/berriai/litellm:main"}`, estate.ClassEndpoint, "LiteLLM"},
		{"langserve", "Deployment", `{name: s, image: x/y, command: [langchain, serve]}`, estate.ClassAgent, "LangServe"},
		{"mlflow", "Deployment", `{name: s, image: "ghcr.io/mlflow/mlflow:v2"}`, estate.ClassManagement, "MLflow"},
		{"mlflow_serves", "Deployment", `{name: s, image: x/y, command: [mlflow, models, serve, -m, "s3://b/m"]}`, estate.ClassEndpoint, "MLflow model serving"},
		{"jupyter", "StatefulSet", `{name: s, image: "quay.io/jupyter/scipy-notebook:2025"}`, estate.ClassNotebook, "Jupyter"},
		{"jupyter_command", "Deployment", `{name: s, image: x/y, command: [jupyter, lab, --ip=0.0.0.0]}`, estate.ClassNotebook, "Jupyter"},
		{"jupyterhub", "Deployment", `{name: s, image: "quay.io/jupyterhub/k8s-hub:4"}`, estate.ClassNotebook, "JupyterHub"},
		{"ray", "Deployment", `{name: s, image: "rayproject/ray:2.40.0-gpu"}`, estate.ClassEndpoint, "Ray"},
		{"qdrant", "StatefulSet", `{name: s, image: "qdrant/qdrant:v1.9"}`, estate.ClassPipeline, "Qdrant"},
		{"weaviate", "StatefulSet", `{name: s, image: "cr.weaviate.io/semitechnologies/weaviate:1.25"}`, estate.ClassPipeline, "Weaviate"},
		{"milvus", "Deployment", `{name: s, image: "milvusdb/milvus:v2.4"}`, estate.ClassPipeline, "Milvus"},
		{"chroma", "Deployment", `{name: s, image: chromadb/chroma}`, estate.ClassPipeline, "Chroma"},
		{"pgvector", "StatefulSet", `{name: s, image: "pgvector/pgvector:pg16"}`, estate.ClassPipeline, "pgvector"},
		{"opensearch", "StatefulSet", `{name: s, image: "opensearchproject/opensearch:2"}`, estate.ClassPipeline, "OpenSearch"},
		{"airflow", "Deployment", `{name: s, image: "apache/airflow:2.9"}`, estate.ClassPipeline, "Airflow"},
		{"prefect", "Deployment", `{name: s, image: "prefecthq/prefect:3"}`, estate.ClassPipeline, "Prefect"},
		{"dagster", "Deployment", `{name: s, image: x/y, command: [dagster-daemon, run]}`, estate.ClassPipeline, "Dagster"},
		{"spark", "Job", `{name: s, image: "apache/spark:3.5"}`, estate.ClassPipeline, "Spark"},
		{"tensorboard", "Deployment", `{name: s, image: x/y, command: [tensorboard, --logdir=/l]}`, estate.ClassManagement, "TensorBoard"},
		{"label_studio", "Deployment", `{name: s, image: heartexlabs/label-studio}`, estate.ClassPipeline, "Label Studio"},
		{"feast", "Deployment", `{name: s, image: x/y, command: [feast, serve]}`, estate.ClassPipeline, "Feast"},
		{"dvc", "Job", `{name: s, image: x/y, command: [dvc, repro]}`, estate.ClassPipeline, "DVC"},
		{"torchrun", "Job", `{name: s, image: x/y, command: [torchrun, train.py]}`, estate.ClassTraining, "torchrun"},
		{"accelerate", "CronJob", `{name: s, image: x/y, args: [accelerate, launch, t.py]}`, estate.ClassTraining, "Accelerate"},
		{"deepspeed", "Job", `{name: s, image: x/y, command: [bash, -c, "cd /w && /opt/bin/deepspeed t.py"]}`, estate.ClassTraining, "DeepSpeed"},
		{"lmdeploy", "Deployment", `{name: s, image: x/y, command: [lmdeploy, serve, api_server, m]}`, estate.ClassEndpoint, "LMDeploy"},
		{"lmdeploy_image", "Deployment", `{name: s, image: "openmmlab/lmdeploy:v0.5"}`, estate.ClassEndpoint, "LMDeploy"},
		{"open_webui", "Deployment", `{name: s, image: "ghcr.io/open-webui/open-webui:main"}`, estate.ClassAgent, "Open WebUI"},
		{"langfuse", "Deployment", `{name: s, image: "langfuse/langfuse:2"}`, estate.ClassManagement, "Langfuse"},
		{"model_client", "Deployment", `{name: s, image: corp/chatbot, env: [{name: OPENAI_API_KEY, valueFrom: {secretKeyRef: {name: a, key: b}}}]}`, estate.ClassAgent, "OPENAI_API_KEY"},
		{"mig_training", "Deployment", `{name: s, image: "corp/train:1", resources: {limits: {nvidia.com/mig-1g.5gb: 1}}}`, estate.ClassTraining, "trains"},
		{"script_training", "Deployment", `{name: s, image: corp/x, command: [python, /w/finetune_llm.py], resources: {limits: {nvidia.com/gpu: 1}}}`, estate.ClassTraining, "trains"},
		{"gpu_job", "Job", `{name: s, image: x/y, resources: {limits: {nvidia.com/gpu: 1}}}`, estate.ClassTraining, "asks for nvidia.com/gpu: 1"},
		{"gpu_deployment", "Deployment", `{name: s, image: x/y, resources: {limits: {nvidia.com/gpu: "1"}}}`, estate.ClassEndpoint, "nvidia.com/gpu"},
		{"amd", "Deployment", `{name: s, image: x/y, resources: {limits: {amd.com/gpu: 1}}}`, estate.ClassEndpoint, "amd.com/gpu"},
		{"neuron", "Deployment", `{name: s, image: x/y, resources: {limits: {aws.amazon.com/neuroncore: 2}}}`, estate.ClassEndpoint, "neuron"},
		{"tpu", "Job", `{name: s, image: x/y, resources: {limits: {google.com/tpu: 4}}}`, estate.ClassTraining, "tpu"},
		{"habana", "Job", `{name: s, image: x/y, resources: {limits: {habana.ai/gaudi: 4}}}`, estate.ClassTraining, "habana"},
		{"mig", "Deployment", `{name: s, image: x/y, resources: {requests: {nvidia.com/mig-1g.5gb: 1}}}`, estate.ClassEndpoint, "mig-1g.5gb"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := kubernetes.Understand(object(t, workload(c.kind, c.container)))
			if u.Root == nil {
				t.Fatalf("not a workload; problems %v", u.Problems)
			}
			if u.Root.Class != c.class || !strings.Contains(u.Root.Why, c.why) || !strings.HasSuffix(u.Root.Why, ".") {
				t.Errorf("got %q because %q, want %q because of %q", u.Root.Class, u.Root.Why, c.class, c.why)
			}
		})
	}
}

// Near misses: each looks like an AI system and is none.
func TestNoRoots(t *testing.T) {
	for name, c := range map[string]struct{ kind, container, because string }{
		"exporter":            {"Deployment", `{name: jupyter, image: "acme/redis-jupyter-exporter:1"}`, "the segment is not jupyter's"},
		"vllm_exporter":       {"Deployment", `{name: vllm, image: "acme/vllm-openai-exporter"}`, "a longer name"},
		"owner_called_ollama": {"Deployment", `{name: s, image: "ollama/website"}`, "the owner alone says nothing"},
		"jupyter_owner":       {"Deployment", `{name: s, image: "jupyter/docs"}`, "no notebook image"},
		"tag":                 {"Deployment", `{name: s, image: "acme/web:vllm"}`, "a tag is no image"},
		"registry":            {"Deployment", `{name: s, image: "mlflow.acme.example/web"}`, "a registry is no image"},
		"bare_object_name":    {"Deployment", `{name: vllm-server, image: nginx}`, "a container's name is any name"},
		"tensorflow_client":   {"Deployment", `{name: s, image: "acme/tensorflow-serving-client"}`, "a longer name"},
		"argument":            {"Job", `{name: s, image: x/y, command: [grep, torchrun, /log]}`, "torchrun is what is searched for"},
		"echo":                {"Job", `{name: s, image: x/y, command: [sh, -c, "echo jupyter lab"]}`, "printed, not run"},
		"flag_value":          {"Job", `{name: s, image: x/y, command: [backup, --exclude=mlflow, server]}`, "the value of a flag"},
		"client_env":          {"Deployment", `{name: s, image: x/y, env: [{name: QDRANT__URL, value: x}, {name: VLLM_URL, value: y}]}`, "a client's variables"},
		"port":                {"Deployment", `{name: s, image: x/y, ports: [{containerPort: 11434}, {containerPort: 8888}]}`, "a port alone"},
		"pair_of_two_systems": {"Deployment", `{name: s, image: x/y, ports: [{containerPort: 6333}], env: [{name: OLLAMA_HOST, value: y}]}`, "port and variable of different systems"},
		"mlflow_client":       {"Job", `{name: s, image: x/y, command: [mlflow, runs, list]}`, "a client's command"},
		"ollama_client":       {"Job", `{name: s, image: x/y, command: [ollama, list]}`, "a client's command"},
		"postgres":            {"StatefulSet", `{name: s, image: "postgres:16"}`, "no vector extension"},
		"dashboards":          {"Deployment", `{name: s, image: "opensearchproject/opensearch-dashboards:2"}`, "a user interface"},
		"zero_gpus":           {"Deployment", `{name: s, image: x/y, resources: {limits: {nvidia.com/gpu: "0"}}}`, "none asked for"},
		"gpu_lookalike":       {"Deployment", `{name: s, image: x/y, resources: {limits: {acme.com/nvidia.com-gpu: 1}}}`, "another resource"},
		"device_plugin":       {"DaemonSet", `{name: s, image: "nvcr.io/nvidia/k8s-device-plugin:v0.17"}`, "serves the node"},
		"dcgm":                {"DaemonSet", `{name: s, image: "nvcr.io/nvidia/k8s/dcgm-exporter:4"}`, "watches the node"},
		"statsd_for_airflow":  {"Deployment", `{name: s, image: "quay.io/prometheus/statsd-exporter:v0.28", args: [--statsd.mapping-config=/airflow.yml]}`, "watches another"},
		"plex":                {"Deployment", `{name: s, image: linuxserver/plex, resources: {limits: {nvidia.com/gpu: 1}}}`, "pictures"},
		"client_url":          {"Deployment", `{name: s, image: x/y, env: [{name: OPENAI_DOCS_URL, value: y}]}`, "no key of a model service"},
		"postgres_init":       {"Deployment", `{name: s, image: "nginx", env: [{name: JUPYTER_URL, value: z}]}`, "a link"},
	} {
		t.Run(name, func(t *testing.T) {
			if u := kubernetes.Understand(object(t, workload(c.kind, c.container))); u.Root != nil {
				t.Errorf("%s (%s), but: %s", u.Root.Class, u.Root.Why, c.because)
			}
		})
	}
}

func TestCustomRoots(t *testing.T) {
	for apiKind, class := range map[string]string{
		"serving.kserve.io/v1beta1 InferenceService":           estate.ClassEndpoint,
		"serving.kserve.io/v1alpha1 LLMInferenceService":       estate.ClassEndpoint,
		"kubeflow.org/v1 PyTorchJob":                           estate.ClassTraining,
		"kubeflow.org/v1 TFJob":                                estate.ClassTraining,
		"kubeflow.org/v2beta1 MPIJob":                          estate.ClassTraining,
		"trainer.kubeflow.org/v1alpha1 TrainJob":               estate.ClassTraining,
		"kubeflow.org/v1 Notebook":                             estate.ClassNotebook,
		"ray.io/v1 RayCluster":                                 estate.ClassTraining,
		"ray.io/v1 RayJob":                                     estate.ClassTraining,
		"ray.io/v1 RayService":                                 estate.ClassEndpoint,
		"argoproj.io/v1alpha1 Workflow":                        estate.ClassPipeline,
		"sparkoperator.k8s.io/v1beta2 SparkApplication":        estate.ClassPipeline,
		"machinelearning.seldon.io/v1 SeldonDeployment":        estate.ClassEndpoint,
		"mlflow.opendatahub.io/v1 MLflow":                      estate.ClassManagement,
		"inference.networking.x-k8s.io/v1alpha2 InferencePool": estate.ClassEndpoint,
		"kagent.dev/v1alpha2 Agent":                            estate.ClassAgent,
		// Definitions and neighbours that run nothing themselves.
		"serving.kserve.io/v1alpha1 ServingRuntime":            "",
		"trainer.kubeflow.org/v1alpha1 ClusterTrainingRuntime": "",
		"argoproj.io/v1alpha1 WorkflowTemplate":                "",
		"argoproj.io/v1alpha1 Application":                     "",
		"kueue.x-k8s.io/v1beta1 ClusterQueue":                  "",
		"example.com/v1 InferenceService":                      "", // another group's kind of the same name
	} {
		apiVersion, kind, _ := strings.Cut(apiKind, " ")
		u := kubernetes.Understand(object(t, "{apiVersion: "+apiVersion+", kind: "+kind+", metadata: {name: w, namespace: ml}, spec: {}}"))
		got := ""
		if u.Root != nil {
			got = u.Root.Class
		}
		if got != class {
			t.Errorf("%s: %q, want %q", apiKind, got, class)
		}
	}
}

// Templates inside custom kinds count wherever they stand.
func TestCustomTemplates(t *testing.T) {
	gpu := `{containers: [{name: w, image: acme/w, resources: {limits: {nvidia.com/gpu: 8}}}]}`
	for name, c := range map[string]struct{ text, class string }{
		"jobset":           {`{apiVersion: jobset.x-k8s.io/v1alpha2, kind: JobSet, metadata: {name: w, namespace: ml}, spec: {replicatedJobs: [{name: a, template: {spec: {template: {spec: ` + gpu + `}}}}]}}`, estate.ClassTraining},
		"lws":              {`{apiVersion: leaderworkerset.x-k8s.io/v1, kind: LeaderWorkerSet, metadata: {name: w, namespace: ml}, spec: {leaderWorkerTemplate: {workerTemplate: {spec: ` + gpu + `}}}}`, estate.ClassEndpoint},
		"knative":          {`{apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: w, namespace: ml}, spec: {template: {spec: {containers: [{image: vllm/vllm-openai}]}}}}`, estate.ClassEndpoint},
		"runtime_class":    {`{apiVersion: apps/v1, kind: Deployment, metadata: {name: w, namespace: ml}, spec: {template: {spec: {runtimeClassName: nvidia, nodeSelector: {nvidia.com/gpu.present: "true"}, containers: [{name: w, image: corp/serve}]}}}}`, estate.ClassEndpoint},
		"runtime_of_nodes": {`{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: w, namespace: ml}, spec: {template: {spec: {runtimeClassName: nvidia, containers: [{name: w, image: corp/agent}]}}}}`, ""},
		"any_other":        {`{apiVersion: example.com/v1, kind: Thing, metadata: {name: w, namespace: ml}, spec: {deep: [{x: {pod: ` + gpu + `}}]}}`, estate.ClassEndpoint},
		"no_gpu":           {`{apiVersion: example.com/v1, kind: Thing, metadata: {name: w, namespace: ml}, spec: {pod: {containers: [{name: w, image: nginx}]}}}`, ""},
		"training_runtime": {`{apiVersion: trainer.kubeflow.org/v1alpha1, kind: TrainingRuntime, metadata: {name: w, namespace: ml}, spec: {template: {spec: ` + gpu + `}}}`, ""},
	} {
		u := kubernetes.Understand(object(t, c.text))
		got := ""
		if u.Root != nil {
			got = u.Root.Class
		}
		if got != c.class {
			t.Errorf("%s: %q, want %q", name, got, c.class)
		}
		if u.Kind != estate.KindCompute {
			t.Errorf("%s: kind %q", name, u.Kind)
		}
	}
}

// What a root made is no root beside it.
func TestOwnedIsNoRoot(t *testing.T) {
	pod := func(refs string) string {
		return "{apiVersion: v1, kind: Pod, metadata: {name: w, namespace: ml, ownerReferences: " + refs + "}, spec: {containers: [{name: s, image: vllm/vllm-openai}]}}"
	}
	for refs, root := range map[string]bool{
		`[{apiVersion: apps/v1, kind: ReplicaSet, name: a, controller: true}]`:              false,
		`[{apiVersion: batch/v1, kind: Job, name: a, controller: true}]`:                    false,
		`[{apiVersion: kubeflow.org/v1, kind: PyTorchJob, name: a, controller: true}]`:      false,
		`[{apiVersion: serving.knative.dev/v1, kind: Revision, name: a, controller: true}]`: false,
		`[{apiVersion: v1, kind: Node, name: a, controller: true}]`:                         true, // a static pod
		`[{apiVersion: example.com/v1, kind: Thing, name: a, controller: true}]`:            true, // shows nothing itself
		`[{apiVersion: batch.example.com/v1, kind: Job, name: a, controller: true}]`:        true, // another group's Job
		`[{apiVersion: v1, kind: Pod, name: driver, controller: true}]`:                     false,
		`[]`: true,
	} {
		// Whether the owner was read is for the snapshot to say.
		if u := kubernetes.Understand(object(t, pod(refs))); u.Root == nil || (len(u.RootUnless) == 0) != root {
			t.Errorf("%s: root %v unless %v, want root beside its owner: %v", refs, u.Root, u.RootUnless, root)
		}
	}
	dep := `{apiVersion: apps/v1, kind: Deployment, metadata: {name: w, namespace: ml, ownerReferences: [{apiVersion: serving.kserve.io/v1beta1, kind: InferenceService, name: a, controller: true}]}, spec: {template: {spec: {containers: [{name: s, image: vllm/vllm-openai}]}}}}`
	if u := kubernetes.Understand(object(t, dep)); len(u.RootUnless) != 1 || u.RootUnless[0] != kubernetes.ID("c", "ml", "serving.kserve.io", "InferenceService", "a") {
		t.Error("a deployment of an inference service is a root beside it")
	}
}

func TestFamily(t *testing.T) {
	for name, c := range map[string]struct{ meta, want string }{
		"number":    {"name: train-17, namespace: ml", "ml/train"},
		"date":      {"name: train-20260301, namespace: ml", "ml/train"},
		"uuid":      {"name: train-0e984725-c51c-4bf4-9960-e1c80e27aba0, namespace: ml", "ml/train"},
		"version":   {"name: llama-7b-v2, namespace: ml", "ml/llama-7b-v2"},
		"generated": {"name: train-x7k2p, generateName: train-, namespace: ml", "ml/train"},
		"pipeline":  {"name: abc, namespace: ml, labels: {pipelines.kubeflow.org/pipeline-name: score}", "ml/score"},
	} {
		u := kubernetes.Understand(object(t, "{apiVersion: batch/v1, kind: Job, metadata: {"+c.meta+"}, spec: {template: {spec: {containers: [{name: s, command: [torchrun]}]}}}}"))
		if u.Root == nil || u.Root.Family != c.want {
			t.Errorf("%s: %+v, want family %q", name, u.Root, c.want)
		}
	}
}

// A pod whose ReplicaSet was not exported is shown by the Deployment whose name
// the ReplicaSet bears, if that was; names that only look alike are no such.
func TestShownByItsMaker(t *testing.T) {
	for owner, maker := range map[string]string{
		"{apiVersion: apps/v1, kind: ReplicaSet, name: llm-6d9f7c5b8, controller: true}":         "Deployment/llm",
		"{apiVersion: apps/v1, kind: ReplicaSet, name: llm-server, controller: true}":            "",
		"{apiVersion: batch/v1, kind: Job, name: nightly-28931040, controller: true}":            "CronJob/nightly",
		"{apiVersion: batch/v1, kind: Job, name: train-7, controller: true}":                     "",
		"{apiVersion: apps/v1, kind: StatefulSet, name: llm-6d9f7c5b8, controller: true}":        "",
		"{apiVersion: batch.volcano.sh/v1alpha1, kind: Job, name: a-28931040, controller: true}": "",
	} {
		u := kubernetes.Understand(object(t, "{apiVersion: v1, kind: Pod, metadata: {name: w, namespace: ml, ownerReferences: ["+owner+"]}, spec: {containers: [{name: s, image: vllm/vllm-openai}]}}"))
		got := ""
		for _, id := range u.RootUnless {
			if strings.Contains(id, "/Deployment/") || strings.Contains(id, "/CronJob/") {
				got = strings.TrimPrefix(id, "k8s://c/ml/")
			}
		}
		if got != maker {
			t.Errorf("%s: made by %q, want %q", owner, got, maker)
		}
	}
}
