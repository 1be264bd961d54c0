package software

import "github.com/sevenfold-sec/sevenfold/estate"

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
	plain    bool   // by itself no AI workload: what AI stands on, or what watches it
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

	// What is recognised so that its dangers are known, and makes no workload.
	{name: "LocalAI", plain: true, images: []string{"localai/localai", "go-skynet/local-ai", "local-ai"}, programs: []string{"local-ai", "local-ai run"}},
	{name: "ComfyUI", plain: true, images: []string{"*comfyui*"}, programs: []string{"comfy launch"}},
	{name: "n8n", plain: true, images: []string{"n8nio/n8n", "n8n-io/n8n"}, programs: []string{"n8n", "n8n start"}},
	{name: "Gradio", plain: true, programs: []string{"gradio"}, ports: []string{"7860"}, env: []string{"GRADIO_"}},
	{name: "Streamlit", plain: true, programs: []string{"streamlit run", "python -m streamlit"}, ports: []string{"8501"}, env: []string{"STREAMLIT_"}},
	{name: "Phoenix", plain: true, images: []string{"arizephoenix/phoenix"}, programs: []string{"python -m phoenix.server.main", "phoenix serve"}},
	{name: "Weights & Biases", plain: true, images: []string{"wandb/local", "wandb/megabinary"}},
	{name: "Kubeflow's dashboard", plain: true, images: []string{"central-dashboard", "centraldashboard", "dashboard/poddefaults-webhook", "kubeflow/central-dashboard"}},
	{name: "Kubeflow Pipelines' front end", plain: true, images: []string{"kfp-frontend", "kubeflow-pipelines/kfp-frontend", "ml-pipeline/frontend"}},
	{name: "Katib", plain: true, images: []string{"kubeflowkatib/katib-ui", "katib/katib-ui", "katib-ui"}},
	{name: "Argo's server", plain: true, images: []string{"argoproj/argocli", "argocli"}, programs: []string{"argo server"}},
	{name: "VS Code server", plain: true, images: []string{"codercom/code-server", "coder/code-server", "linuxserver/code-server", "code-server", "gitpod/openvscode-server", "openvscode-server", "kubeflownotebookswg/codeserver*", "notebook-servers/codeserver*"}, programs: []string{"code-server", "openvscode-server", "code serve-web"}},
	{name: "RStudio in a notebook", plain: true, images: []string{"rocker/tidyverse", "rocker/verse", "rocker/geospatial", "kubeflownotebookswg/rstudio*", "notebook-servers/rstudio*"}, programs: []string{"rserver"}},
	{name: "Zeppelin", plain: true, images: []string{"apache/zeppelin", "zeppelin"}, programs: []string{"zeppelin.sh", "zeppelin-daemon.sh"}},
	{name: "Dask", plain: true, images: []string{"dask/dask", "daskdev/dask", "daskdev/dask-notebook"}, programs: []string{"dask-scheduler", "dask scheduler", "python -m distributed.cli.dask_scheduler"}},
	{name: "Spark's master", plain: true, programs: []string{"start-master.sh", "spark-class org.apache.spark.deploy.master.Master", "run.sh master"}},
	{name: "Elasticsearch", plain: true, images: []string{"elasticsearch/elasticsearch", "library/elasticsearch", "bitnami/elasticsearch", "elasticsearch-wolfi"}, programs: []string{"elasticsearch"}},
	{name: "OpenSearch", plain: true, images: []string{"bitnami/opensearch"}, programs: []string{"opensearch"}},
	{name: "Redis", plain: true, images: []string{"library/redis", "redis", "redis-stack", "redis-stack-server", "valkey", "bitnami/redis", "bitnami/valkey", "redislabs/redisearch"}, programs: []string{"redis-server", "redis-stack-server", "valkey-server"}},
	{name: "PostgreSQL", plain: true, images: []string{"library/postgres", "postgres", "bitnami/postgresql", "supabase/postgres", "timescale/timescaledb", "timescale/timescaledb-ha", "tensorchord/pgvecto-rs", "tensorchord/vchord-postgres"}, programs: []string{"postgres"}},
	{name: "Neo4j", plain: true, images: []string{"library/neo4j", "neo4j"}},
	{name: "MinIO", plain: true, images: []string{"minio/minio", "bitnami/minio", "ml-pipeline/minio"}, programs: []string{"minio server"}},
	{name: "CNCF Distribution", plain: true, images: []string{"library/registry", "distribution/distribution", "distribution"}},
	{name: "DCGM exporter", plain: true, images: []string{"dcgm-exporter", "nvidia/dcgm-exporter", "k8s/dcgm-exporter"}, programs: []string{"dcgm-exporter"}},
}
