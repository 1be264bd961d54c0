package parts

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"bytes"

	"go.yaml.in/yaml/v3"
)

// modelFlags are the arguments by which model servers (vLLM, TGI, TEI, Triton's
// vLLM backend, llama.cpp, SGLang) are told what to load. Sources: their own
// documentation.
var modelFlags = map[string]bool{"--model": true, "--model-id": true, "--model-path": true, "--model_name_or_path": true, "--pretrained_model_name_or_path": true, "--tokenizer": true, "--speculative-model": true, "-hf": true, "--hf-repo": true, "--served-model": true}

// modelVariables are those that do so by the environment.
var modelVariables = map[string]bool{"MODEL_ID": true, "HF_MODEL_ID": true, "MODEL_NAME": true, "MODEL": true, "HF_MODEL": true, "VLLM_MODEL": true}

// command reads the model that a model server's command line names.
func (f *file) command(words []string, line int) {
	var name, revision, by string
	trust := false
	program := ""
	for i := 0; i < len(words); i++ {
		w := strings.Trim(words[i], `"',`)
		base := w[strings.LastIndexByte(w, '/')+1:]
		flag, value, joined := strings.Cut(w, "=")
		next := func() string {
			if joined {
				return value
			}
			if i+1 < len(words) {
				return strings.Trim(words[i+1], `"',`)
			}
			return ""
		}
		switch {
		case base == "vllm" || base == "text-generation-launcher" || base == "ollama" || base == "llama-server" || base == "sglang.launch_server" || w == "vllm.entrypoints.openai.api_server" || base == "huggingface-cli" || base == "hf" || base == "text-embeddings-router":
			program = base
		case program == "vllm" && w == "serve" && i+1 < len(words) && !strings.HasPrefix(words[i+1], "-"):
			name, by = strings.Trim(words[i+1], `"',`), "vllm serve"
		case program == "ollama" && (w == "run" || w == "pull") && i+1 < len(words):
			model := strings.Trim(words[i+1], `"',`)
			f.add(Part{Kind: Model, Ecosystem: "Ollama", Name: model, Facts: map[string]string{"by": "ollama " + w}}, line)
			f.notice("floating-model", Medium, line, model, "CWE-1357", "Ollama names models by tag only: %s may be another one tomorrow", model)
		case (program == "huggingface-cli" || program == "hf") && w == "download" && i+1 < len(words):
			name, by = strings.Trim(words[i+1], `"',`), "huggingface-cli download"
		case modelFlags[flag]:
			if v := next(); v != "" && flag != "--tokenizer" {
				name, by = v, firstOf(program, "argument")+" "+flag
			}
		case flag == "--revision":
			revision = next()
		case flag == "--trust-remote-code" || flag == "--trust_remote_code":
			trust = !joined || value != "false"
		}
	}
	if trust {
		f.notice("trust-remote-code", High, line, name, "CWE-829", "--trust-remote-code runs Python of the repository %s", firstOf(name, "named elsewhere"))
	}
	if name == "" {
		return
	}
	f.served(name, revision, by, line)
}

func (f *file) served(name, revision, by string, line int) {
	switch {
	case strings.HasPrefix(name, "s3://") || strings.HasPrefix(name, "gs://") || strings.HasPrefix(name, "az://"):
		f.add(Part{Kind: Model, Name: name, Facts: map[string]string{"by": by}}, line)
	case strings.HasPrefix(name, "/") || strings.HasPrefix(name, "."):
		f.add(Part{Kind: Model, Ecosystem: "file", Name: name, Facts: map[string]string{"by": by}}, line)
	case strings.ContainsAny(name, "${}"):
		f.notice("model-named-at-run-time", Low, line, "", "", "%s is given a model that this file does not name", by)
	case hubName.MatchString(strings.TrimPrefix(name, "hf://")):
		f.hugging(Model, strings.TrimPrefix(name, "hf://"), revision, by, line)
	}
}

var imageDigest = regexp.MustCompile(`@sha256:[0-9a-f]{64}$`)

func (f *file) image(ref string, line int) {
	if ref == "" || strings.ContainsAny(ref, "${} ") {
		return
	}
	p := Part{Kind: Image, Name: ref, Pinned: imageDigest.MatchString(ref)}
	if i := strings.Index(ref, "@sha256:"); i > 0 {
		p.SHA256 = ref[i+len("@sha256:"):]
	}
	f.add(p, line)
	if !p.Pinned {
		f.notice("floating-image", Low, line, ref, "CWE-1357", "%s is named by tag: whoever may push to it changes what runs here", ref)
	}
}

var fetchedAndRun = regexp.MustCompile(`(curl|wget)[^|;&]*\|\s*(sudo\s+)?(ba|z|da)?sh\b`)

// dockerfile reads a Dockerfile: what it is made from, what it installs, and which
// model it is to load.
func dockerfile(f *file) error {
	f.registryNames(string(f.data), 0)
	stages := map[string]bool{}
	args := map[string]string{}
	carried, from := "", 0
	return f.each(func(n int, line string) {
		trimmed := strings.TrimSpace(line)
		if strings.HasPrefix(trimmed, "#") {
			return
		}
		if carried != "" {
			trimmed, n = carried+trimmed, from
			carried = ""
		}
		if strings.HasSuffix(trimmed, "\\") {
			carried, from = strings.TrimSuffix(trimmed, "\\")+" ", n
			return
		}
		words := strings.Fields(trimmed)
		if len(words) < 2 {
			return
		}
		switch strings.ToUpper(words[0]) {
		case "ARG":
			if k, v, ok := strings.Cut(words[1], "="); ok {
				args[k] = strings.Trim(v, `"'`)
			}
		case "FROM":
			words = slices.DeleteFunc(words, func(w string) bool { return strings.HasPrefix(w, "--") })
			if len(words) > 3 && strings.EqualFold(words[2], "AS") {
				stages[words[3]] = true
			}
			ref := words[min(1, len(words)-1)]
			for k, v := range args {
				ref = strings.ReplaceAll(strings.ReplaceAll(ref, "${"+k+"}", v), "$"+k, v)
			}
			if ref != "scratch" && !stages[ref] {
				f.image(ref, n)
			}
		case "RUN":
			if fetchedAndRun.MatchString(trimmed) {
				f.notice("fetched-and-run", High, n, "", "CWE-494", "a script is fetched and run without being checked")
			}
			for _, part := range regexp.MustCompile(`&&|;|\|\|`).Split(trimmed[4:], -1) {
				f.shell(part, n)
			}
		case "CMD", "ENTRYPOINT":
			f.command(shellWords(trimmed[len(words[0]):]), n)
		case "ENV":
			for _, w := range words[1:] {
				if k, v, ok := strings.Cut(w, "="); ok && modelVariables[k] {
					f.served(strings.Trim(v, `"'`), "", "ENV "+k, n)
				}
			}
			if len(words) == 3 && modelVariables[words[1]] {
				f.served(words[2], "", "ENV "+words[1], n)
			}
		}
	})
}

func (f *file) shell(command string, line int) {
	words := strings.Fields(command)
	for i, w := range words {
		switch {
		case w == "install" && i > 0 && (strings.HasSuffix(words[i-1], "pip") || strings.HasSuffix(words[i-1], "pip3") || words[i-1] == "pip"):
			f.pip(strings.Join(words[i+1:], " "), line)
			return
		case w == "ollama" || w == "huggingface-cli" || w == "hf" || w == "vllm":
			f.command(words[i:], line)
			return
		}
	}
}

func shellWords(text string) []string {
	var list []string
	if json.Unmarshal([]byte(strings.TrimSpace(text)), &list) == nil {
		return list
	}
	return strings.Fields(text)
}

// yamlFile reads manifests of Kubernetes, charts' values, compose files, and the
// configurations of AI gateways. Templates that are no YAML yet are read by lines.
func yamlFile(f *file) error {
	f.registryNames(string(f.data), 0)
	if bytes.Contains(f.data, []byte("{{")) || bytes.Contains(f.data, []byte("{%")) {
		f.template()
		return nil
	}
	d := yaml.NewDecoder(bytes.NewReader(f.data))
	for n := 0; ; n++ {
		var doc yaml.Node
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("it cannot be read as YAML: %w", err) // what it would have named is not known
		}
		if n > 10_000 {
			return errors.New("more than 10,000 documents")
		}
		f.gateways(&doc)
		f.walk(&doc, 0)
	}
}

func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func text(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}

func texts(n *yaml.Node) []string {
	if n == nil {
		return nil
	}
	if n.Kind == yaml.ScalarNode {
		return strings.Fields(n.Value)
	}
	var out []string
	for _, c := range n.Content {
		if c.Kind == yaml.ScalarNode {
			out = append(out, strings.Fields(c.Value)...)
		}
	}
	return out
}

// walk finds containers wherever they stand.
func (f *file) walk(n *yaml.Node, depth int) {
	if depth > maxDepth || n.Kind == yaml.AliasNode {
		return
	}
	if n.Kind == yaml.MappingNode {
		f.container(n)
	}
	for _, c := range n.Content {
		f.walk(c, depth+1)
	}
}

func (f *file) container(n *yaml.Node) {
	image := child(n, "image")
	switch {
	case image == nil && child(n, "storageUri") != nil:
		f.served(text(child(n, "storageUri")), "", "storageUri", child(n, "storageUri").Line)
		return
	case image == nil:
		return
	case image.Kind == yaml.MappingNode: // a chart's values: repository, tag, digest
		repo := text(child(image, "repository"))
		if registry := text(child(image, "registry")); registry != "" && repo != "" {
			repo = registry + "/" + repo
		}
		if d := text(child(image, "digest")); d != "" {
			f.image(repo+"@"+d, image.Line)
		} else if tag := text(child(image, "tag")); repo != "" {
			f.image(strings.TrimSuffix(repo+":"+tag, ":"), image.Line)
		}
	case image.Kind == yaml.ScalarNode:
		f.image(image.Value, image.Line)
	}
	words := append(texts(child(n, "command")), texts(child(n, "args"))...)
	line := image.Line
	if a := child(n, "args"); a != nil {
		line = a.Line
	}
	if strings.Contains(text(image), "vllm") && len(words) > 0 && words[0] != "vllm" {
		words = append([]string{"vllm"}, words...)
	}
	f.command(words, line)
	for _, env := range []*yaml.Node{child(n, "env"), child(n, "environment")} {
		if env == nil {
			continue
		}
		for i, e := range env.Content {
			switch {
			case env.Kind == yaml.MappingNode:
				if i%2 == 0 && i+1 < len(env.Content) {
					f.variable(e.Value, text(env.Content[i+1]), e.Line)
				}
			case e.Kind == yaml.MappingNode:
				f.variable(text(child(e, "name")), text(child(e, "value")), e.Line)
			case e.Kind == yaml.ScalarNode:
				k, v, _ := strings.Cut(e.Value, "=")
				f.variable(k, v, e.Line)
			}
		}
	}
}

// variable reads what an environment variable says: a model to load, the address of a
// service, a key.
func (f *file) variable(name, value string, line int) {
	if value == "" {
		return
	}
	if modelVariables[name] {
		f.served(value, "", "variable "+name, line)
	}
	if looksLikeKey(value) {
		f.notice("key-in-source", Critical, line, name, "CWE-798", "variable %s holds a key (%d characters, not shown)", name, len(value))
	}
	if host := hostOf(value); host != "" {
		if v := VendorOf(host); v != "" {
			f.service(v, host, line, "variable "+name, "")
		}
	}
}

var (
	templateImage = regexp.MustCompile(`^\s*-?\s*image:\s*["']?([^\s"'{}]+)["']?\s*$`)
	templateArg   = regexp.MustCompile(`^\s*-\s*["']?(--[a-z_-]+[^"']*|[A-Za-z0-9._/-]+)["']?\s*$`)
)

// template reads what can be read of a chart's template without rendering it.
func (f *file) template() {
	var words []string
	at := 0
	flush := func() {
		f.command(words, at)
		words = nil
	}
	_ = f.each(func(n int, line string) { // a line too long for the scanner ends it; a template has none
		if m := templateImage.FindStringSubmatch(line); m != nil {
			flush()
			f.image(m[1], n)
		}
		if m := templateArg.FindStringSubmatch(line); m != nil {
			if len(words) == 0 {
				at = n
			}
			words = append(words, strings.Fields(m[1])...)
		} else if len(words) > 0 {
			flush()
		}
	})
	flush()
}
