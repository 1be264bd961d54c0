package parts

import (
	"net/url"
	"slices"
	"strings"
)

// vendor is an AI service that code calls through a library of its own.
type vendor struct {
	id   string // as it stands in import paths
	name string
	host string // where its library calls unless told otherwise
	// makers are the last words of constructors; longer ones (genai.Client) need the
	// word before.
	makers []string
}

// vendors in the order in which imports are looked at. Hosts are those of the
// vendors' own client libraries.
var vendors = []vendor{
	{"openai", "OpenAI", "api.openai.com", []string{"OpenAI", "AsyncOpenAI", "ChatOpenAI", "OpenAIEmbeddings", "OpenAIModel", "createOpenAI", "OpenAIClient", "NewClient", "OpenAIEmbedding"}},
	{"azure", "Azure OpenAI", "", []string{"AzureOpenAI", "AsyncAzureOpenAI", "AzureChatOpenAI", "AzureOpenAIEmbeddings", "ChatCompletionsClient", "createAzure", "AzureOpenAIClient"}},
	{"anthropic", "Anthropic", "api.anthropic.com", []string{"Anthropic", "AsyncAnthropic", "ChatAnthropic", "createAnthropic", "AnthropicModel"}},
	{"genai", "Google Gemini", "generativelanguage.googleapis.com", []string{"genai.Client", "genai.NewClient", "GenerativeModel", "ChatGoogleGenerativeAI", "GoogleGenAI", "GoogleGenerativeAI", "createGoogleGenerativeAI", "GoogleGenerativeAIEmbeddings"}},
	{"vertexai", "Google Vertex AI", "aiplatform.googleapis.com", []string{"vertexai.init", "ChatVertexAI", "VertexAI", "createVertex", "VertexAIEmbeddings"}},
	{"mistral", "Mistral", "api.mistral.ai", []string{"Mistral", "MistralClient", "ChatMistralAI", "createMistral", "MistralAI"}},
	{"cohere", "Cohere", "api.cohere.com", []string{"cohere.Client", "cohere.ClientV2", "CohereClient", "CohereClientV2", "ChatCohere", "CohereEmbeddings", "AsyncClientV2"}},
	{"groq", "Groq", "api.groq.com", []string{"Groq", "AsyncGroq", "ChatGroq", "createGroq"}},
	{"together", "Together", "api.together.xyz", []string{"Together", "AsyncTogether", "ChatTogether", "createTogetherAI"}},
	{"fireworks", "Fireworks", "api.fireworks.ai", []string{"Fireworks", "ChatFireworks", "createFireworks"}},
	{"replicate", "Replicate", "api.replicate.com", []string{"Replicate", "replicate.run", "replicate.Client"}},
	{"perplexity", "Perplexity", "api.perplexity.ai", []string{"ChatPerplexity", "createPerplexity", "Perplexity"}},
	{"deepseek", "DeepSeek", "api.deepseek.com", []string{"ChatDeepSeek", "createDeepSeek"}},
	{"xai", "xAI", "api.x.ai", []string{"ChatXAI", "createXai"}},
	{"bedrock", "Amazon Bedrock", "bedrock-runtime.amazonaws.com", []string{"ChatBedrock", "ChatBedrockConverse", "BedrockRuntimeClient", "BedrockEmbeddings", "AnthropicBedrock", "createAmazonBedrock", "bedrockruntime.NewFromConfig"}},
	{"huggingface", "Hugging Face Inference", "router.huggingface.co", []string{"InferenceClient", "AsyncInferenceClient", "HfInference", "HuggingFaceEndpoint"}},
	{"pinecone", "Pinecone", "api.pinecone.io", []string{"Pinecone", "PineconeVectorStore"}},
	{"voyageai", "Voyage AI", "api.voyageai.com", []string{"voyageai.Client", "VoyageAIEmbeddings"}},
	{"elevenlabs", "ElevenLabs", "api.elevenlabs.io", []string{"ElevenLabs", "ElevenLabsClient"}},
	{"assemblyai", "AssemblyAI", "api.assemblyai.com", []string{"Transcriber"}},
	{"ollama", "Ollama", "", []string{"ChatOllama", "OllamaLLM", "OllamaEmbeddings", "ollama.Client", "createOllama"}},
	{"litellm", "LiteLLM", "", []string{}},
}

// hosts are the hosts of AI services, by what they end in, for base URLs in code and
// configuration.
var hosts = map[string]string{
	"openai.azure.com": "Azure OpenAI", "cognitiveservices.azure.com": "Azure AI", "services.ai.azure.com": "Azure AI", "models.inference.ai.azure.com": "GitHub Models",
	"models.github.ai": "GitHub Models", "openrouter.ai": "OpenRouter", "api-inference.huggingface.co": "Hugging Face Inference", "dashscope.aliyuncs.com": "Alibaba Model Studio",
	"dashscope-intl.aliyuncs.com": "Alibaba Model Studio", "api.moonshot.cn": "Moonshot", "api.cerebras.ai": "Cerebras", "api.sambanova.ai": "SambaNova", "api.deepinfra.com": "DeepInfra", "integrate.api.nvidia.com": "NVIDIA",
	"pinecone.io": "Pinecone", "weaviate.cloud": "Weaviate Cloud", "cloud.qdrant.io": "Qdrant Cloud", "zillizcloud.com": "Zilliz", "api.smith.langchain.com": "LangSmith", "cloud.langfuse.com": "Langfuse",
	"api.stability.ai": "Stability AI", "api.tavily.com": "Tavily", "api.x.ai": "xAI", "api.scale.com": "Scale",
}

// VendorOf names whose AI service a host is; "" if it is not known to be one.
func VendorOf(host string) string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if h, _, ok := strings.Cut(host, ":"); ok {
		host = h
	}
	if strings.HasPrefix(host, "bedrock") && strings.Contains(host, ".amazonaws.com") {
		return "Amazon Bedrock"
	}
	if strings.HasSuffix(host, "aiplatform.googleapis.com") {
		return "Google Vertex AI"
	}
	for _, v := range vendors {
		if v.host != "" && (host == v.host || strings.HasSuffix(host, "."+v.host)) {
			return v.name
		}
	}
	for end, name := range hosts {
		if host == end || strings.HasSuffix(host, "."+end) {
			return name
		}
	}
	return ""
}

// hostOf is the host of a base URL; "" if it is none.
func hostOf(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Host == "" {
		return ""
	}
	return strings.ToLower(u.Host)
}

// vendorByImport finds the vendors whose libraries a file imports.
func vendorsImported(imports map[string]int) []*vendor {
	var out []*vendor
	for i := range vendors {
		v := &vendors[i]
		for module := range imports {
			m := strings.ToLower(module)
			if strings.Contains(m, v.id) || v.id == "genai" && (strings.Contains(m, "generativeai") || strings.Contains(m, "generative-ai") || strings.Contains(m, "google_genai")) {
				out = append(out, v)
				break
			}
		}
	}
	return out
}

// made is the vendor whose constructor a chain of names is.
func made(chain string, imported []*vendor) *vendor {
	last := chain[strings.LastIndexByte(chain, '.')+1:]
	for _, v := range imported {
		for _, m := range v.makers {
			if strings.Contains(m, ".") && (chain == m || strings.HasSuffix(chain, "."+m)) || m == last && m != "NewClient" || m == "NewClient" && chain == v.id+".NewClient" {
				return v
			}
		}
	}
	if i := slices.IndexFunc(vendors, func(v vendor) bool { return v.id == "azure" }); slices.Contains(vendors[i].makers, last) && last != "ChatCompletionsClient" && len(imported) > 0 {
		return &vendors[i]
	}
	return nil
}
