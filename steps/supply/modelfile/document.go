package modelfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sevenfold-sec/sevenfold/steps/supply/modelfile/pickle"
)

func (n node) key() string {
	if len(n.path) == 0 {
		return ""
	}
	return n.path[len(n.path)-1]
}

func (n node) where() string { return clip(strings.Join(n.path, "."), 120) }

// inside says whether a key of the path is k.
func (n node) inside(k string) bool {
	for _, p := range n.path {
		if p == k {
			return true
		}
	}
	return false
}

// maxYAML bounds YAML, which is held as a tree of a hundred times its size.
const maxYAML = 1 << 20

// maxTree bounds JSON that is held as a tree.
const maxTree = 8 << 20

// plainJSON blanks what Python's json writes beyond JSON: a byte order mark, and
// NaN, Infinity and -Infinity where a number stands. It works in place.
func plainJSON(b []byte) []byte {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	text := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case text && c == '\\':
			i++
		case c == '"':
			text = !text
		case text || c != 'N' && c != 'I':
		default:
			for _, word := range []string{"NaN", "Infinity"} {
				if bytes.HasPrefix(b[i:], []byte(word)) {
					b[i] = '0'
					for k := 1; k < len(word); k++ {
						b[i+k] = ' '
					}
				}
			}
		}
	}
	return b
}

// json reads a JSON file: what it is follows from its name and keys.
func (s *scanner) json(it item) string {
	if it.base() == "schema.json" && strings.Contains(it.path, "!") {
		s.skops(it)
		return "skops-schema"
	}
	format := "json"
	keras := it.role == roleKeras
	b, ok := s.whole(it)
	if !ok {
		return format
	}
	b = plainJSON(b)
	err := walkJSON(b, func(n node) {
		if len(n.path) == 1 {
			switch n.key() {
			case "nbformat":
				format = "notebook"
			case "keras_version", "backend":
				keras = keras || it.ext() == ".json" && n.inside("keras_version")
			case "class_name":
				keras = keras || n.value == "Sequential" || n.value == "Functional" || n.value == "Model"
			}
		}
		if len(n.path) >= 2 && n.path[0] == "learner" && format == "json" {
			format = "xgboost"
		}
		s.docNode(it, n)
	})
	if err != nil {
		s.find(it, "json-broken", Undecided, -1, "", "no JSON to its end: "+err.Error())
	}
	if keras && err == nil {
		s.kerasJSON(it, b)
		format = "keras-config"
	}
	return format
}

// targetRoots are packages whose classes configurations name; what of them runs
// commands or loads pickles is refused by the pickle's table all the same.
var targetRoots = wordSet("torch torchvision torchaudio torchmetrics pytorch_lightning lightning nemo transformers diffusers datasets omegaconf hydra timm monai sklearn xgboost lightgbm catboost keras accelerate peft optimum sentence_transformers builtins.dict builtins.list numpy megatron apex ignite segmentation_models_pytorch ultralytics mlflow ldm sgm cldm taming open_clip k_diffusion mmdet mmengine fairseq espnet2 speechbrain")

// docNode judges one scalar of a configuration.
func (s *scanner) docNode(it item, n node) {
	key := n.key()
	switch {
	case n.inside("auto_map") && n.isText:
		s.find(it, "auto-map", Medium, -1, "CWE-829", fmt.Sprintf("%s: loading with remote code allowed imports %.100q", n.where(), n.value))
	case key == "trust_remote_code" && n.value == "true":
		s.find(it, "trust-remote-code", Medium, -1, "CWE-829", n.where()+" asks the loader to run the repository's code")
	case key == "custom_pipelines" || n.inside("custom_pipelines") && key == "impl":
		s.find(it, "remote-code", Medium, -1, "CWE-829", n.where()+": a pipeline of the repository's own code")
	case (key == "_target_" || key == "class_path" || key == "loader_module" || key == "target" || key == "cls") && n.isText:
		s.target(it, n)
	case strings.Contains(key, "template") && n.isText && strings.Contains(n.value, "{"):
		s.jinja(it, n.where(), n.value)
	case n.inside("chat_template") && n.isText:
		s.jinja(it, n.where(), n.value)
	case (key == "#" || key == "type") && strings.Contains(n.value, "py_func"):
		s.find(it, "paddle-op", High, -1, "CWE-94", n.where()+": an operator that runs Python code of the process")
	case key == "code" && len(n.path) == 3 && n.path[0] == "flavors" && it.base() == "MLmodel" && n.value != "":
		s.find(it, "remote-code", Medium, -1, "CWE-829", fmt.Sprintf("the model brings code in %.80q, which loading it imports", n.value))
	case (key == "reduce" || key == "__reduce__" || key == "py/object" || key == "py/reduce" || key == "py/function" || key == "py/type") && n.isText:
		s.find(it, "json-object", High, -1, "CWE-502", fmt.Sprintf("%s makes the object %.100q when decoded by jsonpickle", n.where(), n.value))
	}
	if n.isText {
		s.repository(it, n)
	}
	if n.isText && len(n.value) >= 16 {
		s.secrets(it, n.where(), n.value)
	}
	if n.isText && len(n.path) == 2 && n.path[1] == "0" && it.base() == "model_index.json" && n.value != "" && !targetRoots[n.value] && !diffusersOwn[n.value] {
		s.find(it, "remote-code", Medium, -1, "CWE-829", fmt.Sprintf("component %s comes from %.80q, a module of the repository", n.path[0], n.value))
	}
}

// repository judges what the files of a repository name for their loaders to fetch or import
// beside them.
func (s *scanner) repository(it item, n node) {
	key, base := n.key(), it.base()
	switch {
	case (key == "_attn_implementation" || key == "attn_implementation" || n.inside("attn_implementation")) && strings.Contains(n.value, "/"):
		s.find(it, "remote-code", Medium, -1, "CWE-829", fmt.Sprintf("%s: kernels of %.100q are fetched from the hub and run", n.where(), n.value))
	case n.inside("auto_mapping") && key == "parent_library":
		if root, _, _ := strings.Cut(n.value, "."); !targetRoots[root] {
			s.find(it, "config-target", High, -1, "CWE-470", fmt.Sprintf("%s imports %.100q, which is no known framework's", n.where(), n.value))
		}
	case base == "modules.json" && len(n.path) == 2 && key == "type":
		if root, _, _ := strings.Cut(n.value, "."); !targetRoots[root] {
			s.find(it, "config-target", Medium, -1, "CWE-470", fmt.Sprintf("%s makes %.100q, which is no known framework's", n.where(), n.value))
		}
	case n.inside("weight_map") && strings.HasSuffix(base, ".index.json") && (escapes(n.value) || strings.Contains(n.value, "://")):
		s.find(it, "path-traversal", High, -1, "CWE-22", fmt.Sprintf("%s: weights are taken from %.100q, outside the model's folder", n.where(), n.value))
	case base == "Manifest.json" && n.inside("itemInfoEntries") && key == "path" && escapes(n.value):
		s.find(it, "path-traversal", High, -1, "CWE-22", fmt.Sprintf("%s names %.100q, outside the package", n.where(), n.value))
	case len(n.path) > 2 && n.path[0] == "learner" && n.path[1] == "attributes":
		s.metadata(it, n.where(), n.value)
	case len(n.path) > 2 && (n.path[0] == "backbone" || n.path[0] == "head") && strings.Contains(n.value, "(") && codeWords().MatchString(n.value):
		s.find(it, "config-code", High, -1, "CWE-95", n.where()+": the parser of such files evaluates this as Python")
	}
}

var diffusersOwn = wordSet("stable_diffusion onnxruntime flax flux deepfloyd_if kandinsky wuerstchen audioldm2 stable_cascade null")

// target judges a class or function that a configuration names for its loader to
// call.
func (s *scanner) target(it item, n node) {
	v := n.value
	root, _, dotted := strings.Cut(v, ".")
	if !dotted && n.key() != "_target_" && n.key() != "loader_module" || strings.ContainsAny(v, " /") {
		return
	}
	i := strings.LastIndexByte(v, '.')
	module, name := v[:max(i, 0)], v[i+1:]
	r := pickle.Judge(module, name)
	switch {
	case r.Class == pickle.Refused:
		s.find(it, "config-target", High, -1, r.CWE, fmt.Sprintf("%s calls %.100q: %s", n.where(), v, r.Reason))
	case r.Class == pickle.Allowed, targetRoots[root]:
	case (n.key() == "target" || n.key() == "cls") && (len(strings.Split(v, ".")) < 3 || name == "" || name[0] < 'A' || name[0] > 'Z'):
		// The word has other uses; a class is written with a capital.
	default:
		s.find(it, "config-target", Medium, -1, "CWE-470", fmt.Sprintf("%s calls %.100q, which is no known framework's", n.where(), v))
	}
}

// yaml reads a YAML file of any number of documents without building objects.
func (s *scanner) yaml(it item) string {
	b, ok := s.atMost(it, maxYAML)
	if !ok {
		return "yaml"
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	for {
		var root yaml.Node
		err := dec.Decode(&root)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			s.find(it, "yaml-broken", Undecided, -1, "", "no YAML to its end: "+err.Error())
			// A loader that builds objects as it reads may have met tags before.
			s.yamlTags(it, b)
			break
		}
		budget := 5_000_000
		s.yamlNode(it, &root, nil, 0, &budget)
	}
	if it.base() == "MLmodel" {
		return "mlflow"
	}
	return "yaml"
}

func (s *scanner) yamlTags(it item, b []byte) {
	for _, tag := range []string{"!!python/", "tag:yaml.org,2002:python/", "!ruby/", "!!javax."} {
		if i := bytes.Index(b, []byte(tag)); i >= 0 {
			s.find(it, "yaml-tag", High, int64(i), "CWE-502", fmt.Sprintf("the tag %.80q builds an object when loaded", b[i:min(len(b), i+60)]))
		}
	}
}

func (s *scanner) yamlNode(it item, y *yaml.Node, path []string, depth int, budget *int) {
	if *budget--; *budget < 0 || depth > maxDocumentDepth {
		s.find(it, "limit-depth", Undecided, -1, "CWE-674", "more nodes or deeper nesting than the limit")
		return
	}
	if t := y.Tag; strings.HasPrefix(t, "!") && !strings.HasPrefix(t, "!!") || strings.Contains(t, "python/") || strings.Contains(t, "java") {
		sev := Medium
		if strings.Contains(t, "python/") {
			sev = High
		}
		s.find(it, "yaml-tag", sev, -1, "CWE-502", fmt.Sprintf("line %d: the tag %.80q builds an object when loaded", y.Line, t))
	}
	switch y.Kind {
	case yaml.DocumentNode:
		for _, c := range y.Content {
			s.yamlNode(it, c, path, depth+1, budget)
		}
	case yaml.SequenceNode:
		for i, c := range y.Content {
			s.yamlNode(it, c, append(path, strconv.Itoa(i)), depth+1, budget)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(y.Content); i += 2 {
			s.yamlNode(it, y.Content[i+1], append(path, y.Content[i].Value), depth+1, budget)
		}
	case yaml.ScalarNode:
		v := y.Value
		if y.Tag == "!!null" {
			v = ""
		}
		s.docNode(it, node{path, v, y.Tag == "!!str"})
	}
}
