package kubernetes

import (
	"path"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// signature is how one system is recognised in a container.
//
// images are patterns on the last segments of an image's repository path, each
// segment matched whole: "vllm/vllm-openai" fits registry/mirror/vllm/vllm-openai
// and not acme/vllm-openai-exporter. programs are the words a command begins
// with. ports and env are weak: both must fit, and neither is enough alone,
// since a client of a system has its variables and any program may take a port.
type signature struct {
	name     string
	class    string // empty: by what runs it
	images   []string
	programs []string
	ports    []string
	env      []string // prefixes of variable names
}

// signatures in order of precedence: where a pod holds several systems, the
// first is what the pod is for.
var signatures = []signature{
	{name: "vLLM", class: estate.ClassEndpoint, images: []string{"vllm", "vllm-openai", "vllm-cpu", "vllm-openai-rocm", "vllm-openai-cpu", "rocm/vllm", "vllm-tpu"},
		programs: []string{"vllm serve", "python -m vllm.entrypoints.openai.api_server", "python -m vllm.entrypoints.api_server"}, ports: []string{"8000"}, env: []string{"VLLM_"}},
	{name: "Text Generation Inference", class: estate.ClassEndpoint, images: []string{"text-generation-inference", "huggingface-pytorch-tgi-inference"}, programs: []string{"text-generation-launcher"}},
	{name: "Text Embeddings Inference", class: estate.ClassEndpoint, images: []string{"text-embeddings-inference"}, programs: []string{"text-embeddings-router"}},
	{name: "Triton Inference Server", class: estate.ClassEndpoint, images: []string{"tritonserver"}, programs: []string{"tritonserver"}},
	{name: "Ollama", class: estate.ClassEndpoint, images: []string{"ollama"}, programs: []string{"ollama serve", "ollama run"}, ports: []string{"11434"}, env: []string{"OLLAMA_"}},
	{name: "TorchServe", class: estate.ClassEndpoint, images: []string{"torchserve", "torchserve-kfs"}, programs: []string{"torchserve"}},
	{name: "TensorFlow Serving", class: estate.ClassEndpoint, images: []string{"tensorflow/serving", "tensorflow-serving"}, programs: []string{"tensorflow_model_server"}},
	{name: "SGLang", class: estate.ClassEndpoint, images: []string{"sglang"}, programs: []string{"python -m sglang.launch_server"}},
	{name: "llama.cpp", class: estate.ClassEndpoint, images: []string{"llama.cpp", "llama-cpp-python"}, programs: []string{"llama-server", "python -m llama_cpp.server"}},
	{name: "NVIDIA NIM", class: estate.ClassEndpoint, images: []string{"nvcr.io/nim/*/*"}},
	{name: "DJL Serving", class: estate.ClassEndpoint, images: []string{"djl-serving", "djl-inference"}},
	{name: "a framework's inference image", class: estate.ClassEndpoint, images: []string{"pytorch-inference", "tensorflow-inference", "huggingface-pytorch-inference", "pytorch-inference-neuronx", "huggingface-pytorch-inference-neuronx"}},
	{name: "a KServe model server", class: estate.ClassEndpoint, images: []string{"kserve/huggingfaceserver", "kserve/sklearnserver", "kserve/xgbserver", "kserve/lgbserver", "kserve/pmmlserver", "kserve/paddleserver"}},
	{name: "LMDeploy", class: estate.ClassEndpoint, images: []string{"openmmlab/lmdeploy", "lmdeploy"}, programs: []string{"lmdeploy serve"}},
	{name: "MLServer", class: estate.ClassEndpoint, images: []string{"seldonio/mlserver"}, programs: []string{"mlserver start"}},
	{name: "BentoML", class: estate.ClassEndpoint, images: []string{"bentoml/yatai-image-builder"}, programs: []string{"bentoml serve", "bentoml serve-grpc"}, ports: []string{"3000"}, env: []string{"BENTOML_"}},
	{name: "LiteLLM", class: estate.ClassEndpoint, images: []string{"berriai/litellm", "litellm-database", "litellm"}, programs: []string{"litellm"}, ports: []string{"4000"}, env: []string{"LITELLM_"}},
	{name: "LangServe", class: estate.ClassAgent, images: []string{"langserve", "langgraph-api"}, programs: []string{"langchain serve", "langgraph up", "langgraph dev"}},
	{name: "Flowise", class: estate.ClassAgent, images: []string{"flowiseai/flowise"}},
	{name: "Langflow", class: estate.ClassAgent, images: []string{"langflowai/langflow", "langflow-backend"}, programs: []string{"langflow run"}},
	{name: "Dify", class: estate.ClassAgent, images: []string{"langgenius/dify-api"}},
	{name: "Open WebUI", class: estate.ClassAgent, images: []string{"open-webui/open-webui", "open-webui"}, programs: []string{"open-webui serve"}},
	{name: "PyTorch's launcher", class: estate.ClassTraining, programs: []string{"torchrun", "python -m torch.distributed.run", "python -m torch.distributed.launch"}},
	{name: "Accelerate", class: estate.ClassTraining, programs: []string{"accelerate launch"}},
	{name: "DeepSpeed", class: estate.ClassTraining, images: []string{"deepspeed/deepspeed"}, programs: []string{"deepspeed"}},
	{name: "Horovod", class: estate.ClassTraining, images: []string{"horovod/horovod"}, programs: []string{"horovodrun"}},
	{name: "Axolotl", class: estate.ClassTraining, images: []string{"axolotlai/axolotl", "winglian/axolotl"}, programs: []string{"axolotl train"}},
	{name: "a framework's training image", class: estate.ClassTraining, images: []string{"pytorch-training", "tensorflow-training", "huggingface-pytorch-training", "pytorch-training-neuronx", "huggingface-pytorch-training-neuronx"}},
	{name: "JupyterHub", class: estate.ClassNotebook, images: []string{"jupyterhub/jupyterhub", "jupyterhub/k8s-hub", "jupyterhub"}, programs: []string{"jupyterhub"}},
	{name: "Jupyter", class: estate.ClassNotebook, images: []string{"jupyter/*notebook", "jupyterhub/singleuser", "jupyterhub/k8s-singleuser-sample", "jupyterlab", "jupyter-notebook", "notebook-servers/jupyter*", "kubeflownotebookswg/jupyter*", "scipy-notebook", "datascience-notebook", "minimal-notebook", "tensorflow-notebook", "pytorch-notebook"},
		programs: []string{"jupyter lab", "jupyter notebook", "jupyter server", "jupyter-lab", "jupyter-notebook", "jupyterhub-singleuser", "start-notebook.sh", "start-notebook.py", "start-singleuser.sh", "start-singleuser.py"}, ports: []string{"8888"}, env: []string{"JUPYTER_"}},
	{name: "RStudio", class: estate.ClassNotebook, images: []string{"rocker/rstudio", "rocker/ml"}},
	{name: "Ray", images: []string{"rayproject/ray", "rayproject/ray-ml", "rayproject/ray-llm"}, programs: []string{"ray start", "serve run"}, ports: []string{"10001", "8265"}, env: []string{"RAY_"}},
	{name: "MLflow", class: estate.ClassManagement, images: []string{"mlflow", "mlflow-server"}, programs: []string{"mlflow server", "mlflow ui"}, ports: []string{"5000"}, env: []string{"MLFLOW_BACKEND_STORE_URI", "MLFLOW_DEFAULT_ARTIFACT_ROOT"}},
	{name: "MLflow model serving", class: estate.ClassEndpoint, programs: []string{"mlflow models serve"}},
	{name: "TensorBoard", class: estate.ClassManagement, images: []string{"tensorboard"}, programs: []string{"tensorboard"}, ports: []string{"6006"}, env: []string{"TENSORBOARD_"}},
	{name: "Kubeflow Pipelines", class: estate.ClassManagement, images: []string{"kubeflow-pipelines/kfp-api-server", "kfp-api-server", "ml-pipeline/api-server"}},
	{name: "Langfuse", class: estate.ClassManagement, images: []string{"langfuse/langfuse", "langfuse/langfuse-worker"}},
	{name: "ClearML", class: estate.ClassManagement, images: []string{"allegroai/clearml"}},
	{name: "Qdrant", class: estate.ClassPipeline, images: []string{"qdrant", "qdrant-unprivileged"}, programs: []string{"qdrant"}, ports: []string{"6333", "6334"}, env: []string{"QDRANT__"}},
	{name: "Weaviate", class: estate.ClassPipeline, images: []string{"weaviate"}, programs: []string{"weaviate"}, ports: []string{"8080"}, env: []string{"DEFAULT_VECTORIZER_MODULE"}},
	{name: "Milvus", class: estate.ClassPipeline, images: []string{"milvus"}, programs: []string{"milvus run"}, ports: []string{"19530"}, env: []string{"MILVUS_"}},
	{name: "Chroma", class: estate.ClassPipeline, images: []string{"chromadb/chroma", "chroma-core/chroma"}, programs: []string{"chroma run"}, ports: []string{"8000"}, env: []string{"CHROMA_SERVER_"}},
	{name: "pgvector", class: estate.ClassPipeline, images: []string{"pgvector", "ankane/pgvector"}},
	{name: "OpenSearch with its k-NN plug-in", class: estate.ClassPipeline, images: []string{"opensearchproject/opensearch"}},
	{name: "LanceDB", class: estate.ClassPipeline, images: []string{"lancedb/lancedb"}},
	{name: "Vespa", class: estate.ClassPipeline, images: []string{"vespaengine/vespa"}},
	{name: "Feast", class: estate.ClassPipeline, images: []string{"feastdev/feature-server", "feature-server"}, programs: []string{"feast serve", "feast serve_offline", "feast materialize", "feast apply", "feast materialize-incremental"}},
	{name: "Label Studio", class: estate.ClassPipeline, images: []string{"heartexlabs/label-studio", "label-studio"}, programs: []string{"label-studio", "label-studio start"}},
	{name: "DVC", class: estate.ClassPipeline, images: []string{"iterativeai/cml"}, programs: []string{"dvc repro", "dvc pull", "dvc exp run"}},
	{name: "Airflow", class: estate.ClassPipeline, images: []string{"apache/airflow", "airflow"}, programs: []string{"airflow scheduler", "airflow webserver", "airflow celery", "airflow standalone", "airflow tasks run", "airflow api-server"}},
	{name: "Prefect", class: estate.ClassPipeline, images: []string{"prefecthq/prefect"}, programs: []string{"prefect server start", "prefect worker start", "prefect agent start"}},
	{name: "Dagster", class: estate.ClassPipeline, images: []string{"dagster/dagster-k8s", "dagster/dagster-celery-k8s", "dagster/user-code-example"}, programs: []string{"dagster-webserver", "dagster-daemon run", "dagster api grpc", "dagster job execute"}},
	{name: "Argo Workflows", class: estate.ClassPipeline, images: []string{"argoproj/workflow-controller"}},
	{name: "Spark", class: estate.ClassPipeline, images: []string{"apache/spark", "apache/spark-py", "bitnami/spark"}, programs: []string{"spark-submit"}},
}

// image reports whether one of a signature's patterns fits a reference.
func (s *signature) image(i image) bool {
	full := append([]string{i.registry}, strings.Split(i.path, "/")...)
	for _, pattern := range s.images {
		want := strings.Split(pattern, "/")
		if len(want) > len(full) {
			continue
		}
		tail := full[len(full)-len(want):]
		if slices.EqualFunc(want, tail, func(p, segment string) bool {
			ok, err := path.Match(p, segment)
			return ok && err == nil
		}) {
			return true
		}
	}
	return false
}

// program returns the command by which a container runs the system, "" if none.
func (s *signature) program(commands [][]string) string {
	for _, words := range commands {
		for _, p := range s.programs {
			want := strings.Fields(p)
			if len(words) >= len(want) && slices.EqualFunc(want, words[:len(want)], sameWord) {
				return p
			}
		}
	}
	return ""
}

func sameWord(want, word string) bool {
	word = base(word)
	return word == want || want == "python" && (word == "python3" || strings.HasPrefix(word, "python3."))
}

// weak returns the port and variable by which a container looks like the
// system; both or nothing.
func (s *signature) weak(c *container) (port, variable string) {
	for _, p := range c.ports {
		if slices.Contains(s.ports, p) {
			port = p
		}
	}
	for name := range c.env {
		for _, prefix := range s.env {
			if strings.HasPrefix(name, prefix) && (variable == "" || name < variable) {
				variable = name
			}
		}
	}
	if port == "" || variable == "" {
		return "", ""
	}
	return port, variable
}

// base is a program's name without its folder.
func base(word string) string { return word[strings.LastIndex(word, "/")+1:] }

// splitWords takes shell scripts given as one argument apart.
func splitWords(words []string) []string {
	var out []string
	for _, w := range words {
		if strings.ContainsAny(w, " \n\t;|&") {
			w = strings.NewReplacer("\\\n", " ", ";", " ; ", "&&", " ; ", "||", " ; ", "|", " ; ", "&", " ; ", "\n", " ; ").Replace(w)
			for _, f := range strings.Fields(w) {
				out = append(out, strings.Trim(f, `"'`))
			}
			continue
		}
		out = append(out, w)
	}
	return out
}

// wrappers run the program that follows them.
var wrappers = []string{"exec", "nohup", "time", "env", "sudo", "tini", "dumb-init", "uv", "run", "poetry", "nice", "--", "-g", "-s", "-c", "-lc", "-ec", "-xc", "-euc", "-exc", "sh", "bash", "ash", "set", "do", "then", "else", "if", "while", "until", "{", "(", "!", "command", "-e", "-x", "-u", "-ex", "-eu", "-eux", "opentelemetry-instrument"}

// commands cuts a container's words into the commands they run, each beginning
// with its program.
func commands(c *container) [][]string {
	var out [][]string
	var now []string
	for _, w := range append(splitWords(c.words), ";") {
		if w == ";" {
			if len(now) > 0 {
				out = append(out, now)
			}
			now = nil
			continue
		}
		if len(now) == 0 && (slices.Contains(wrappers, w) || slices.Contains(wrappers, base(w)) || strings.Contains(w, "=") && !strings.HasPrefix(w, "-")) {
			continue
		}
		now = append(now, w)
	}
	return out
}
