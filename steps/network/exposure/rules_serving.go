package exposure

import "github.com/sevenfold-sec/sevenfold/steps/network/reach"

const nvd = "https://nvd.nist.gov/vuln/detail/"

var missing = []string{"CWE-306"}

// rules are all rules. Their order is the order of what is found.
var rules = func() []Rule {
	var all []Rule
	for _, group := range [][]Rule{serving, agents, notebooks, management, pipelines, stores, clouds} {
		all = append(all, group...)
	}
	return all
}()

// serving are servers of models and gateways before them.
var serving = []Rule{
	{ID: "vllm-api", Title: "vLLM answers anyone", Systems: []string{"vLLM"}, Ports: []Port{tcp(8000, "API")}, PortAt: flags("--port"),
		Unless: words("bench", "chat", "complete", "run-batch"), Bind: Bind{At: append(flags("--host"), envs("VLLM_HOST")...)},
		On: append(flags("--api-key"), envs("VLLM_API_KEY")...), Default: No, Why: "no key is set, and without one vLLM asks for none",
		Severity: "medium", CWE: missing, Source: "https://docs.vllm.ai/en/latest/usage/security.html", Control: "k8s-vllm-without-api-key"},
	{ID: "sglang-api", Title: "SGLang answers anyone", Systems: []string{"SGLang"}, Ports: []Port{tcp(30000, "API")}, PortAt: flags("--port"),
		Bind: Bind{At: flags("--host"), Program: "127.0.0.1", Image: "127.0.0.1"}, On: flags("--api-key"), Default: No, Why: "no key is set",
		Severity: "medium", CWE: missing, Source: "https://docs.sglang.ai/advanced_features/server_arguments.html", Control: "k8s-sglang-without-api-key"},
	{ID: "tgi-api", Title: "Text generation server answers anyone", Systems: []string{"Text Generation Inference", "Text Embeddings Inference"}, Ports: []Port{tcp(80, "API")},
		PortAt: append(flags("--port"), envs("PORT")...), Bind: Bind{At: append(flags("--hostname"), envs("HOSTNAME")...)},
		On: append(flags("--api-key"), envs("API_KEY")...), Default: No, Why: "no key is set",
		Severity: "medium", CWE: missing, Source: "https://huggingface.co/docs/text-generation-inference/reference/launcher", Control: "k8s-tgi-without-api-key"},
	{ID: "triton-api", Title: "Triton answers anyone", Systems: []string{"Triton Inference Server"}, Ports: []Port{tcp(8000, "HTTP"), tcp(8001, "gRPC"), tcp(8002, "metrics")}, PortAt: flags("--http-port"),
		Bind: Bind{At: flags("--http-address")}, Decide: func(s *Service) (Auth, string) { return tritonHolds(s, "inference") }, Severity: "medium", CWE: missing,
		Source: "https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/customization_guide/deploy.html"},
	{ID: "triton-model-control", Title: "Callers may load models into Triton", Systems: []string{"Triton Inference Server"}, When: values(flags("--model-control-mode"), "explicit"),
		Ports: []Port{tcp(8000, "HTTP"), tcp(8001, "gRPC")}, PortAt: flags("--http-port"), Bind: Bind{At: flags("--http-address")}, Decide: func(s *Service) (Auth, string) { return tritonHolds(s, "model-repository") },
		Severity: "high", CVE: []string{"CVE-2023-31036"}, CWE: []string{"CWE-749", "CWE-829"}, Source: nvd + "CVE-2023-31036", Control: "k8s-triton-models-loadable"},
	{ID: "torchserve-management", Title: "Anyone may register models with TorchServe", Systems: []string{"TorchServe"}, Ports: []Port{tcp(8081, "management"), tcp(8080, "inference"), tcp(8082, "metrics")},
		Off:   append([]Setting{{Flag: "--disable-token-auth", Bare: true, Not: []string{"false"}}, {Before: []int{0, 11, 1}}}, values(envs("TS_DISABLE_TOKEN_AUTHORIZATION"), "true")...),
		Files: []string{"/home/model-server/config.properties", "/mnt/models/config/config.properties"}, FileAt: flags("--ts-config"), Default: Yes, Why: "TorchServe demands tokens since 0.11.1",
		Severity: "high", CVE: []string{"CVE-2023-43654"}, CWE: missing, Source: "https://github.com/pytorch/serve/blob/master/docs/token_authorization_api.md", Control: "k8s-torchserve-token-off"},
	{ID: "tensorflow-serving", Title: "TensorFlow Serving answers anyone", Systems: []string{"TensorFlow Serving"}, Ports: []Port{tcp(8500, "gRPC"), tcp(8501, "REST")}, PortAt: flags("--port"),
		FileAt: flags("--ssl_config_file"), Default: No, Why: "TensorFlow Serving knows no sign-in but certificates of clients", Severity: "medium", CWE: missing,
		Source: "https://github.com/tensorflow/tensorflow/blob/master/SECURITY.md"},
	{ID: "ollama-api", Title: "Ollama answers anyone", Systems: []string{"Ollama"}, Ports: []Port{tcp(11434, "API")}, Unless: words("run", "pull", "list", "ps", "create", "push"),
		Bind: Bind{At: envs("OLLAMA_HOST")}, Default: No, Why: "Ollama knows no sign-in: whoever reaches it uses, replaces and deletes models",
		Severity: "medium", CVE: []string{"CVE-2024-37032"}, CWE: missing, Source: "https://github.com/ollama/ollama/blob/main/docs/faq.md", Control: "k8s-ollama-open"},
	{ID: "llamacpp-api", Title: "llama.cpp answers anyone", Systems: []string{"llama.cpp"}, Ports: []Port{tcp(8080, "API")}, PortAt: append(flags("--port"), envs("LLAMA_ARG_PORT")...),
		Bind: Bind{At: append(flags("--host"), envs("LLAMA_ARG_HOST", "HOST")...), Program: "127.0.0.1"}, On: append(flags("--api-key", "--api-key-file"), envs("LLAMA_API_KEY", "API_KEY")...),
		Default: No, Why: "no key is set", Severity: "medium", CWE: missing, Source: "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md", Control: "k8s-llamacpp-without-api-key"},
	{ID: "localai-api", Title: "LocalAI answers anyone", Systems: []string{"LocalAI"}, Ports: []Port{tcp(8080, "API")}, Bind: Bind{At: append(flags("--address"), envs("LOCALAI_ADDRESS", "ADDRESS")...)},
		On: append(flags("--api-keys"), envs("LOCALAI_API_KEY", "API_KEY")...), Default: No, Why: "no key is set", Severity: "medium", CWE: missing,
		Source: "https://localai.io/advanced/", Control: "k8s-localai-without-api-key"},
	{ID: "nim-api", Title: "NVIDIA NIM answers anyone", Systems: []string{"NVIDIA NIM"}, Ports: []Port{tcp(8000, "API")}, PortAt: envs("NIM_SERVER_PORT", "NIM_HTTP_API_PORT"),
		On: values(envs("NIM_SSL_MODE"), "mtls"), Default: No, Why: "NIM knows no sign-in but certificates of clients", Severity: "medium", CWE: missing, Source: "https://docs.nvidia.com/nim/large-language-models/latest/configuration.html"},
	{ID: "lmdeploy-api", Title: "LMDeploy answers anyone", Systems: []string{"LMDeploy"}, Ports: []Port{tcp(23333, "API")}, PortAt: flags("--server-port"), Bind: Bind{At: flags("--server-name")},
		On: flags("--api-keys"), Default: No, Why: "no key is set", Severity: "medium", CWE: missing, Source: "https://lmdeploy.readthedocs.io/en/latest/llm/api_server.html"},
	{ID: "kserve-server", Title: "KServe's model server answers anyone", Systems: []string{"a KServe model server", "MLServer"}, Ports: []Port{tcp(8080, "HTTP"), tcp(8081, "gRPC")}, PortAt: append(flags("--http_port"), envs("MLSERVER_HTTP_PORT")...),
		Default: No, Why: "the server knows no sign-in; what stands before it may", Severity: "medium", CWE: missing, Source: "https://kserve.github.io/website/docs/concepts/architecture"},
	{ID: "kserve-inference-service", Title: "A KServe inference service answers anyone", Types: []string{"serving.kserve.io/v1beta1/InferenceService"}, Ports: []Port{tcp(80, "HTTP"), tcp(443, "HTTPS")},
		On: []Setting{{Note: "security.opendatahub.io/enable-auth", Is: []string{"true"}}}, Default: Unknown, Why: "KServe asks nobody; whether the mesh or gateway before it does is not told by the service",
		Severity: "medium", CWE: missing, Source: "https://kserve.github.io/website/docs/admin-guide/serverless/serverless"},
	{ID: "bentoml-api", Title: "BentoML answers anyone", Systems: []string{"BentoML"}, Ports: []Port{tcp(3000, "API")}, PortAt: append(flags("--port"), envs("BENTOML_PORT", "PORT")...), Bind: Bind{At: append(flags("--host"), envs("BENTOML_HOST")...)},
		Default: Unknown, Why: "BentoML knows no sign-in of its own; the service's code may", Severity: "medium", CVE: []string{"CVE-2025-27520"}, CWE: missing, Source: nvd + "CVE-2025-27520"},
	{ID: "djl-api", Title: "DJL Serving lets anyone register models", Systems: []string{"DJL Serving"}, Ports: []Port{tcp(8080, "inference and management")}, Default: No,
		Why: "the management interface stands on the inference port and knows no sign-in", Severity: "high", CWE: missing, Source: "https://docs.djl.ai/master/docs/serving/serving/docs/management_api.html"},
	{ID: "mlflow-serving", Title: "A model served by MLflow answers anyone", Systems: []string{"MLflow model serving"}, Ports: []Port{tcp(5000, "API")}, PortAt: flags("--port", "-p"), Bind: Bind{At: flags("--host", "-h"), Program: "127.0.0.1", Image: "127.0.0.1"},
		Default: No, Why: "the server knows no sign-in", Severity: "medium", CWE: missing, Source: "https://mlflow.org/docs/latest/ml/deployment/"},
	{ID: "litellm-gateway", Title: "Model gateway answers anyone", Systems: []string{"LiteLLM"}, Ports: []Port{tcp(4000, "API")}, PortAt: append(flags("--port"), envs("PORT")...), Bind: Bind{At: append(flags("--host"), envs("HOST")...)},
		On: envs("LITELLM_MASTER_KEY"), FileAt: append(flags("--config", "-c"), envs("CONFIG_FILE_PATH")...), Default: No, Why: "no master key is set: whoever reaches the gateway spends the keys it holds",
		Severity: "high", CWE: missing, Source: "https://docs.litellm.ai/docs/proxy/virtual_keys", Control: "k8s-litellm-without-master-key"},
}

// tritonHolds decides whether a group of Triton's API is held to those who have
// a key, over both protocols that are on.
func tritonHolds(s *Service, api string) (Auth, string) {
	for _, p := range []struct{ on, restricted string }{{"--allow-http", "--http-restricted-api"}, {"--allow-grpc", "--grpc-restricted-protocol"}} {
		if off, _ := (Setting{Flag: p.on, Is: []string{"false", "0"}}).holds(s); off == reach.Yes {
			continue
		}
		switch held, why := (Setting{Flag: p.restricted, Is: []string{"*" + api + "*"}}).holds(s); held {
		case reach.Unknown:
			return Unknown, why
		case reach.No:
			return No, p.restricted + " does not hold " + api + " to callers with a key"
		}
	}
	return Yes, api + " is held to callers with a key"
}

// agents are front ends and builders of agents.
var agents = []Rule{
	{ID: "open-webui", Title: "Chat front end asks nobody to sign in", Systems: []string{"Open WebUI"}, Ports: []Port{tcp(8080, "web")}, PortAt: append(flags("--port"), envs("PORT")...),
		Off: values(envs("WEBUI_AUTH"), "false", "0"), Default: Yes, Why: "it asks people to sign in unless WEBUI_AUTH is off", Severity: "high", CWE: missing,
		Source: "https://docs.openwebui.com/getting-started/env-configuration/", Control: "k8s-open-webui-auth-off"},
	{ID: "langflow", Title: "Agent builder signs everyone in", Systems: []string{"Langflow"}, Ports: []Port{tcp(7860, "web")}, PortAt: append(flags("--port"), envs("LANGFLOW_PORT")...),
		Bind: Bind{At: append(flags("--host"), envs("LANGFLOW_HOST")...)}, On: values(envs("LANGFLOW_AUTO_LOGIN"), "false", "0"), Default: No, Why: "LANGFLOW_AUTO_LOGIN is on unless it is switched off: everyone is the administrator",
		Severity: "high", CVE: []string{"CVE-2025-3248"}, CWE: []string{"CWE-306", "CWE-1188"}, Source: nvd + "CVE-2025-3248", Control: "k8s-langflow-auto-login"},
	{ID: "flowise", Title: "Agent builder asks nobody to sign in", Systems: []string{"Flowise"}, Ports: []Port{tcp(3000, "web")}, PortAt: append(flags("--PORT"), envs("PORT")...),
		On: append(envs("FLOWISE_USERNAME"), Setting{From: []int{3, 0, 1}}), Off: []Setting{{Before: []int{3, 0, 1}}}, Always: append(envs("FLOWISE_PASSWORD"), flags("--FLOWISE_PASSWORD")...), Default: Unknown,
		Why: "accounts are demanded since 3.0.1, and the image's version is not told", Severity: "high", CVE: []string{"CVE-2024-31621"}, CWE: missing, Source: "https://docs.flowiseai.com/configuration/authorization"},
	{ID: "n8n", Title: "Workflow builder asks nobody to sign in", Systems: []string{"n8n"}, Ports: []Port{tcp(5678, "web")}, PortAt: envs("N8N_PORT"), Unless: words("worker"), Bind: Bind{At: envs("N8N_LISTEN_ADDRESS")},
		Off: values(envs("N8N_USER_MANAGEMENT_DISABLED"), "true"), Default: Yes, Why: "it demands accounts; the first visitor makes himself the owner", Severity: "high", CVE: []string{"CVE-2025-68613"}, CWE: missing,
		Source: "https://docs.n8n.io/hosting/configuration/environment-variables/"},
	{ID: "gradio", Title: "A Gradio application is open", Systems: []string{"Gradio"}, Ports: []Port{tcp(7860, "web")}, PortAt: append(flags("--server-port"), envs("GRADIO_SERVER_PORT")...),
		Bind: Bind{At: append(flags("--server-name"), envs("GRADIO_SERVER_NAME")...), Program: "127.0.0.1"}, Default: Unknown, Why: "whether it asks people to sign in stands in its code (launch(auth=…))", Severity: "medium",
		CVE: []string{"CVE-2024-1561"}, CWE: missing, Source: "https://www.gradio.app/guides/sharing-your-app"},
	{ID: "streamlit", Title: "A Streamlit application is open", Systems: []string{"Streamlit"}, Ports: []Port{tcp(8501, "web")}, PortAt: append(flags("--server.port"), envs("STREAMLIT_SERVER_PORT")...),
		Bind: Bind{At: append(flags("--server.address"), envs("STREAMLIT_SERVER_ADDRESS")...)}, Default: Unknown, Why: "whether it asks people to sign in stands in its code (st.login)", Severity: "medium", CWE: missing,
		Source: "https://docs.streamlit.io/develop/concepts/connections/authentication"},
	{ID: "comfyui", Title: "ComfyUI listens to everyone", Systems: []string{"ComfyUI"}, Ports: []Port{tcp(8188, "web")}, PortAt: flags("--port"), When: []Setting{{Flag: "--listen", Bare: true}},
		Bind: Bind{At: flags("--listen")}, Default: No, Why: "ComfyUI knows no sign-in: whoever reaches it runs workflows, and with custom nodes code", Severity: "high", CWE: missing,
		Source: "https://docs.comfy.org/development/comfyui-server/startup-flags", Control: "k8s-comfyui-open"},
}
