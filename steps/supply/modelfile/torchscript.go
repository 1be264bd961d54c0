package modelfile

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// TorchScript is a subset of Python that torch compiles itself: it can call
// torch's operators and the archive's own classes, nothing else of Python.
var (
	scriptOps   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\bops\.(\w+)\.(\w+)`) })
	scriptCalls = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`\b(?:torch|aten|prim)\.(save|load|from_file|_load_for_\w+|hub\w*|open\w*|_?import\w*)\s*\(`)
	})
	scriptImport = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?m)^\s*(?:import|from)\s+([\w.]+)`) })
)

// scriptClasses are the libraries of classes that torch itself brings.
var (
	scriptClass   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\b(?:__torch__\.)?torch\.classes\.(\w+)\.(\w+)`) })
	scriptPython  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\^[A-Za-z_]\w*\(`) })
	scriptClasses = wordSet("quantized xnnpack rnn sparse mkldnn metal vulkan profiler dist_c10d dist_rpc tensorexpr onednn _nnapi torchaudio torchvision")
)

// scriptNamespaces are operator libraries that torch and torchvision bring.
var scriptNamespaces = wordSet("aten prim quantized prepacked torchvision torchaudio _c10d_functional profiler xnnpack mkldnn mkldnn_prepacked sparse image _quantized quantized_decomposed static_runtime tensorexpr onednn cuda inductor")

// scriptCode reads the source inside a TorchScript archive.
func (s *scanner) scriptCode(it item) string {
	if strings.HasSuffix(it.path, ".debug_pkl") {
		return s.pickleFile(it)
	}
	b, ok := s.whole(it)
	if !ok {
		return "torchscript-code"
	}
	for _, m := range scriptOps().FindAllSubmatch(b, -1) {
		if ns := string(m[1]); !scriptNamespaces[ns] {
			s.find(it, "torchscript-op", Medium, -1, "CWE-829", fmt.Sprintf("calls ops.%.40s.%.40s, an operator of another library", ns, m[2]))
		} else if ns == "aten" && (string(m[2]) == "save" || string(m[2]) == "from_file") || ns == "image" && strings.Contains(string(m[2]), "file") {
			s.find(it, "torchscript-file", High, -1, "CWE-73", fmt.Sprintf("calls ops.%s.%s, which touches files", ns, m[2]))
		}
	}
	for _, m := range scriptCalls().FindAllSubmatch(b, -1) {
		s.find(it, "torchscript-file", High, -1, "CWE-73", fmt.Sprintf("calls torch.%s, which touches files", m[1]))
	}
	for _, m := range scriptImport().FindAllSubmatch(b, -1) {
		if name := string(m[1]); name != "__torch__" && name != "torch" && !strings.HasPrefix(name, "__torch__.") {
			s.find(it, "torchscript-import", High, -1, "CWE-829", fmt.Sprintf("imports %.60s, which TorchScript has no way to", name))
		}
	}
	for _, m := range scriptClass().FindAllSubmatch(b, -1) {
		if ns := string(m[1]); !scriptClasses[ns] {
			s.find(it, "torchscript-class", Medium, -1, "CWE-829", fmt.Sprintf("makes torch.classes.%.40s.%.40s, a class of another library", ns, m[2]))
		}
	}
	if m := scriptPython().Find(b); m != nil {
		s.find(it, "torchscript-python", Medium, -1, "CWE-94", fmt.Sprintf("calls %.60q, a function of Python's", m))
	}
	s.secrets(it, "code", string(b))
	return "torchscript-code"
}
