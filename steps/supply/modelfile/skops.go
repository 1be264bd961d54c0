package modelfile

import (
	"encoding/json"
	"fmt"

	"github.com/sevenfold-sec/sevenfold/steps/supply/modelfile/pickle"
)

// skopsLoaders are the kinds of nodes of a skops file that keep data; what the
// others make is judged by its name.
var skopsLoaders = wordSet("ReduceNode TreeNode LossNode DictNode DefaultDictNode ListNode SetNode TupleNode FunctionNode PartialNode TypeNode SliceNode ConstructorFromReduceNode ObjectNode MethodNode JsonNode BytesNode BytearrayNode OperatorFuncNode SparseMatrixNode QuantileForestNode NdArrayNode MaskedArrayNode RandomStateNode RandomGeneratorNode DTypeNode CachedNode DatetimeNode SGDNode")

// skops reads the schema of a skops file: a tree of nodes, each naming the class
// that its loader makes.
func (s *scanner) skops(it item) {
	b, ok := s.atMost(it, 2*maxTree)
	if !ok {
		return
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		s.find(it, "json-broken", Undecided, -1, "", "the schema is no JSON: "+err.Error())
		return
	}
	s.skopsNode(it, v, 0)
}

func (s *scanner) skopsNode(it item, v any, depth int) {
	if depth > maxDocumentDepth {
		s.find(it, "limit-depth", Undecided, -1, "CWE-674", "the schema is nested too deep")
		return
	}
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			s.skopsNode(it, e, depth+1)
		}
	case map[string]any:
		loader, _ := v["__loader__"].(string)
		class, _ := v["__class__"].(string)
		module, _ := v["__module__"].(string)
		if loader != "" && !skopsLoaders[loader] {
			s.find(it, "skops-loader", Medium, -1, "CWE-502", fmt.Sprintf("the kind of node %.60q is not known", loader))
		}
		if class != "" {
			s.skopsClass(it, loader, module, class, v)
		}
		for _, e := range v {
			s.skopsNode(it, e, depth+1)
		}
	}
}

func (s *scanner) skopsClass(it item, loader, module, class string, v map[string]any) {
	if loader == "FunctionNode" {
		// The function's name is the content.
		if c, ok := v["content"].(map[string]any); ok {
			if m, ok := c["module_path"].(string); ok {
				module = m
			}
			if f, ok := c["function"].(string); ok {
				class = f
			}
		}
	}
	if loader == "OperatorFuncNode" && (module != "operator" && module != "_operator" || class != "itemgetter" && class != "attrgetter") {
		s.find(it, "skops-operator", High, -1, "CWE-502", fmt.Sprintf("a node that says it is an operator makes %.60s.%.60s", module, class))
		return
	}
	if loader == "MethodNode" {
		s.find(it, "skops-method", Medium, -1, "CWE-502", fmt.Sprintf("a method of %.60s.%.60s is reached by name", module, class))
		return
	}
	if module == "builtins" || module == "" {
		module = "builtins"
	}
	r := pickle.Judge(module, class)
	switch r.Class {
	case pickle.Allowed, pickle.Guarded:
	case pickle.Refused:
		s.find(it, "skops-refused", High, -1, r.CWE, fmt.Sprintf("makes %.60s.%.60s: %s", module, class, r.Reason))
	default:
		if s.vouched(module, class) {
			return
		}
		if !skopsData[loader] || module != "numpy" && module != "scipy.sparse" && module != "datetime" {
			s.find(it, "skops-unlisted", Medium, -1, "CWE-502", fmt.Sprintf("makes %.60s.%.60s, which no framework's own files need", module, class))
		}
	}
}

var skopsData = wordSet("NdArrayNode MaskedArrayNode DTypeNode SparseMatrixNode DatetimeNode UfuncNode RandomStateNode RandomGeneratorNode")
