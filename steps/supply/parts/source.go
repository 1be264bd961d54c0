package parts

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// source reads what code says of the models it loads, the services it calls and the
// tools it offers.
func source(f *file) error {
	python := strings.HasPrefix(path.Ext(f.path), ".py")
	f.code(string(f.data), python, 0)
	return nil
}

// code reads code that begins offset lines into the file.
func (f *file) code(text string, python bool, offset int) {
	calls, imports, cut := callsOf(text, python)
	if cut {
		f.problem("more than %d calls: what stands behind them was not read", maxCalls)
	}
	c := &coder{file: f, offset: offset, imported: vendorsImported(imports), imports: imports, python: python}
	for i := range calls {
		c.read(&calls[i])
	}
	c.addresses(text)
	c.registryNames(text, offset)
	if python {
		c.bareTools(text)
	}
}

type coder struct {
	*file
	offset   int
	imported []*vendor
	imports  map[string]int
	python   bool
	// current is the vendor of the last client made, and its host: what model a later
	// call names is most likely asked of it.
	current *vendor
	host    string
}

func (c *coder) imports1(word string) bool {
	for m := range c.imports {
		if m == word || strings.HasPrefix(m, word+".") || strings.HasPrefix(m, word+"/") {
			return true
		}
	}
	return false
}

func (c *coder) read(x *call) {
	line := x.line + c.offset
	last := x.name[strings.LastIndexByte(x.name, '.')+1:]
	if v := made(x.name, c.imported); v != nil {
		c.client(v, x, line)
	}
	switch {
	case strings.HasPrefix(x.name, "mlflow.") && (last == "load_model" || last == "spark_udf"):
		c.loadedByMLflow(x, line)
	case last == "from_pretrained" || last == "from_config" && x.said["trust_remote_code"]:
		c.pretrained(x, line)
	case (last == "pipeline" || last == "SentenceTransformer" || last == "CrossEncoder" || last == "LLM" || last == "AsyncLLMEngine" || last == "hf_hub_download" || last == "snapshot_download" || last == "load_dataset") && c.hub():
		c.pretrained(x, line)
	case x.name == "torch.hub.load":
		c.hubModel("GitHub", x.first("repo_or_dir"), x.named["revision"], line, x)
		c.notice("torch-hub-load", High, line, x.first("repo_or_dir"), "CWE-829", "torch.hub.load runs hubconf.py of the repository named")
	case x.name == "torch.load":
		c.torchLoad(x, line)
	case slices.Contains(unpicklers, x.name) && c.imports1(strings.Split(x.name, ".")[0]):
		c.notice("unpickling", Medium, line, "", "CWE-502", "%s runs whatever the file says: scan it before, or use safetensors", x.name)
	case (x.name == "np.load" || x.name == "numpy.load") && x.named["allow_pickle"] == "true":
		c.notice("unpickling", Medium, line, "", "CWE-502", "numpy.load with allow_pickle runs whatever the file says")
	case last == "load_model" && x.named["safe_mode"] == "false":
		c.notice("keras-unsafe-mode", High, line, "", "CWE-502", "safe_mode=False lets a Keras file run code of its own")
	case x.name == "yaml.load" && !strings.Contains(x.named["Loader"], "Safe") && !x.said["Loader"] && len(x.positional) < 2:
		c.notice("yaml-load", Medium, line, "", "CWE-502", "yaml.load without a safe loader makes objects the file names")
	case (x.name == "boto3.client" || last == "client" && c.imports1("boto3")) && strings.HasPrefix(x.first("service_name"), "bedrock"):
		c.service("Amazon Bedrock", bedrockHost(x.named["region_name"]), line, x.name, x.named["region_name"])
		c.current, c.host = vendorNamed("bedrock"), bedrockHost(x.named["region_name"])
	}
	c.modelIn(x, last, line)
	c.tool(x, last, line)
}

var unpicklers = []string{"pickle.load", "pickle.loads", "pickle.Unpickler", "joblib.load", "dill.load", "dill.loads", "cloudpickle.load", "cloudpickle.loads", "pandas.read_pickle", "pd.read_pickle", "jsonpickle.decode", "shelve.open"}

func bedrockHost(region string) string {
	if region == "" {
		return "bedrock-runtime.amazonaws.com"
	}
	return "bedrock-runtime." + region + ".amazonaws.com"
}

func vendorNamed(id string) *vendor {
	i := slices.IndexFunc(vendors, func(v vendor) bool { return v.id == id })
	return &vendors[i]
}

// first is an argument by name, or the first positional one.
func (x *call) first(name string) string {
	if v := x.named[name]; v != "" {
		return v
	}
	if len(x.positional) > 0 {
		return x.positional[0]
	}
	return ""
}

// hub reports whether the file imports a library that loads from a model hub.
func (c *coder) hub() bool {
	for m := range c.imports {
		for _, lib := range []string{"transformers", "sentence_transformers", "huggingface_hub", "vllm", "datasets", "diffusers", "@huggingface", "@xenova", "peft", "langchain_huggingface"} {
			if strings.HasPrefix(m, lib) {
				return true
			}
		}
	}
	return false
}

// client is a constructor of a vendor's library.
func (c *coder) client(v *vendor, x *call, line int) {
	host := v.host
	for _, name := range []string{"base_url", "baseURL", "api_base", "azure_endpoint", "endpoint", "host", "openai_api_base", "anthropic_api_url", "baseUrl"} {
		if x.said[name] {
			host = hostOf(x.named[name])
			if host == "" {
				host = strings.ToLower(v.name) + " (address set at run time)"
			}
			if strings.HasPrefix(x.named[name], "http://") && !loopback(host) {
				c.notice("service-without-tls", High, line, host, "CWE-319", "%s is called without TLS", host)
			}
			break
		}
	}
	for _, name := range []string{"api_key", "apiKey", "openai_api_key", "token", "anthropic_api_key"} {
		if key := x.named[name]; looksLikeKey(key) {
			c.notice("key-in-source", Critical, line, host, "CWE-798", "a key of %s stands in the source (%d characters, not shown)", v.name, len(key))
		}
	}
	if host == "" {
		host = strings.ToLower(v.name) + " (address set at run time)"
	}
	c.current, c.host = v, host
	if v.id == "ollama" {
		return
	}
	c.service(v.name, host, line, x.name, x.named["region_name"])
	if m := x.first("model"); x.named["model"] != "" || x.named["model_name"] != "" || x.named["model_id"] != "" || last(x.name) == "GenerativeModel" {
		if m = firstOf(x.named["model"], x.named["model_name"], x.named["model_id"], m); m != "" {
			c.asked(v, m, line, x.name)
		}
	}
}

func last(chain string) string { return chain[strings.LastIndexByte(chain, '.')+1:] }

func firstOf(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

func loopback(host string) bool {
	h, _, _ := strings.Cut(host, ":")
	return h == "localhost" || h == "127.0.0.1" || h == "[::1]" || h == "host.docker.internal" || h == "ollama"
}

var keyForm = regexp.MustCompile(`^(sk-|sk_|hf_|gsk_|AIza|xai-|pplx-|r8_|pcsk_|nvapi-)[A-Za-z0-9_-]{16,}$`)

func looksLikeKey(s string) bool { return keyForm.MatchString(s) }

func (f *file) service(vendor, host string, line int, by, region string) {
	facts := map[string]string{"vendor": vendor, "by": by}
	if region != "" {
		facts["region"] = region
	}
	f.add(Part{Kind: Service, Name: host, Facts: facts}, line)
}

// asked is a model that a service is asked for by name.
func (c *coder) asked(v *vendor, model string, line int, by string) {
	facts := map[string]string{"by": by, "host": c.host, "vendor": v.name}
	eco := v.name
	if v.id == "ollama" {
		eco = "Ollama"
		facts = map[string]string{"by": by}
	}
	c.add(Part{Kind: Model, Ecosystem: eco, Name: model, Pinned: dated.MatchString(model), Facts: facts}, line)
}

// dated matches names of models that name one snapshot: gpt-4o-2024-08-06,
// claude-3-5-sonnet-20241022, gemini-1.5-pro-002, …-v1:0.
var dated = regexp.MustCompile(`(-20[0-9]{2}-?[0-9]{2}-?[0-9]{2}|@20[0-9]{6}|-00[0-9]|-v[0-9]+:[0-9]+|@sha256:[0-9a-f]{64}|:[0-9a-f]{64})$`)

// modelIn reads the model that a call of a client names.
func (c *coder) modelIn(x *call, last string, line int) {
	if c.current == nil && len(c.imported) == 0 {
		return
	}
	v := c.current
	if v == nil {
		v = c.imported[0]
	}
	var model string
	switch last {
	case "create", "stream", "parse", "generate_content", "generateContent", "generateContentStream", "embed_content", "completion", "acompletion", "embedding", "chat", "chat_stream", "generate", "complete", "run", "embed", "embeddings", "image_generation", "transcription", "CreateChatCompletion", "New", "chat_completion", "text_generation":
		model = x.named["model"]
		if model == "" {
			model = x.named["Model"]
		}
		if x.name == "replicate.run" && model == "" {
			model = x.first("ref")
		}
		if model == "" && x.said["model"] {
			c.notice("model-named-at-run-time", Low, line, "", "", "%s is given a model that this file does not name", x.name)
		}
	case "invoke_model", "invoke_model_with_response_stream", "converse", "converse_stream", "InvokeModelCommand", "ConverseCommand", "ConverseStreamCommand":
		model, v = x.named["modelId"], vendorNamed("bedrock")
	case "openai", "anthropic", "google", "mistral", "groq", "bedrock", "azure", "xai", "init_chat_model":
		if !c.python || last == "init_chat_model" {
			model = x.first("model")
			if i := slices.IndexFunc(vendors, func(v vendor) bool { return v.id == last }); i >= 0 && v != &vendors[i] {
				c.current, c.host, v = &vendors[i], "", &vendors[i]
			}
		}
	}
	if model == "" || strings.ContainsAny(model, " \n") {
		return
	}
	host := c.host
	if provider, rest, ok := strings.Cut(model, "/"); ok && v.id == "litellm" {
		if i := slices.IndexFunc(vendors, func(v vendor) bool { return v.id == strings.ToLower(provider) }); i >= 0 {
			v, model = &vendors[i], rest
			host = v.host
			c.service(v.name, firstOf(host, v.name), line, x.name, "")
		}
	}
	if host == "" && v.host != "" {
		host = v.host
		c.service(v.name, host, line, x.name, "")
	}
	was := c.host
	c.host = host
	c.asked(v, model, line, x.name)
	c.host = was
}

// addresses are base URLs of AI services that stand in the text as literals.
func (c *coder) addresses(text string) {
	for _, m := range urlIn.FindAllStringSubmatchIndex(text, 1000) {
		host := hostOf(text[m[0]:m[1]])
		if v := VendorOf(host); v != "" {
			c.service(v, host, lineOf([]byte(text), m[0])+c.offset, "address", "")
		}
	}
}

var urlIn = regexp.MustCompile(`https?://[A-Za-z0-9.-]+(:[0-9]+)?`)

func (c *coder) torchLoad(x *call, line int) {
	switch {
	case x.named["weights_only"] == "true":
	case x.named["weights_only"] == "false":
		c.notice("torch-load-unsafe", High, line, "torch", "CWE-502", "torch.load(weights_only=False) runs whatever the file says")
	case !x.said["weights_only"]:
		c.notice("torch-load-unsafe", Medium, line, "torch", "CWE-502", "torch.load without weights_only runs whatever the file says before torch 2.6")
	default:
		c.notice("torch-load-unsafe", Medium, line, "torch", "CWE-502", "torch.load with weights_only set at run time")
	}
}
