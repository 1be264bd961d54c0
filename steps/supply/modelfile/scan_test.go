package modelfile

import (
	"archive/tar"
	"archive/zip"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sample is a file and what is said of it. Clean ones are near misses: they hold
// what a careless scanner would take for an attack.
type sample struct {
	name    string // of the case
	file    string // the file's name
	content string
	format  string
	verdict Verdict
	rule    string // one that must be among the findings
}

// arrowText is a series of texts that pandas 3.1 pickled with pyarrow 25 at hand, in base64.
const arrowText = `gASV3QIAAAAAAACMBnBhbmRhc5SMBlNlcmllc5STlCmBlH2UKIwEX21ncpSMHnBhbmRhcy5jb3JlLmludGVybmFscy5tYW5hZ2Vyc5SMElNpbmdsZUJsb2NrTWFuYWdlcpSTlCmBlChdlIwYcGFuZGFzLmNvcmUuaW5kZXhlcy5iYXNllIwK
X25ld19JbmRleJSTlGgAjApSYW5nZUluZGV4lJOUfZQojARuYW1llE6MBXN0YXJ0lEsAjARzdG9wlEsCjARzdGVwlEsBdYaUUpRhXZSMDXBhbmRhcy5hcnJheXOUjBBBcnJvd1N0cmluZ0FycmF5lJOUKYGUfZQojAlfcGFfYXJyYXmUjAtw
eWFycm93LmxpYpSMDl9yZXN0b3JlX2FycmF5lJOUKGgejA50eXBlX2Zvcl9hbGlhc5STlIwMbGFyZ2Vfc3RyaW5nlIWUUpRLAksBSwBdlChoHowJcHlfYnVmZmVylJOUjAhidWlsdGluc5SMCWJ5dGVhcnJheZSTlEMBAZSFlFKUhZRSlGgo
aCtDGAAAAAAAAAAAAQAAAAAAAAABAAAAAAAAAJSFlFKUhZRSlGgoaCtDAWGUhZRSlIWUUpRlXZROdJSFlFKUjAZfZHR5cGWUaACMC1N0cmluZ0R0eXBllJOUjAdweWFycm93lEd/+AAAAAAAAIaUUpSMBl9jYWNoZZR9lHViYV2UaA1oD32U
KGgRTmgSSwBoE0sCaBRLAXWGlFKUYX2UjAYwLjE0LjGUfZQojARheGVzlGgKjAZibG9ja3OUXZR9lCiMBnZhbHVlc5RoG4wIbWdyX2xvY3OUaCmMBXNsaWNllJOUSwBLAksBh5RSlHVhdXN0lGKMBF90eXCUjAZzZXJpZXOUjAlfbWV0YWRh
dGGUXZSMBV9uYW1llGGMBWF0dHJzlH2UjAZfZmxhZ3OUfZSMF2FsbG93c19kdXBsaWNhdGVfbGFiZWxzlIhzaF1OdWIu`

func pickleSamples(tb testing.TB) []sample {
	series, err := base64.StdEncoding.DecodeString(arrowText)
	if err != nil {
		tb.Fatal(err)
	}
	elf := "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 100)
	str := func(s string) string { return le("X", uint32(len(s)), s) }
	tensor := string(legacyTorch) + "\x80\x02M\xe9\x03." + "\x80\x02}." + "\x80\x02}." + "\x80\x02]." + "\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x3f"
	evilZip := zipOf(tb, file{"archive/version", "3\n", zip.Store}, file{"archive/data.pkl", "N0" + echo, zip.Store})
	hold := func(s string) string { return "\x80\x04}" + str("payload") + le("B", uint32(len(s)), s) + "s." }
	return []sample{
		{"data", "a.pkl", plain, "pickle", Clean, ""},
		{"texts that lie in Arrow's memory", "a.pkl", string(series), "pickle", Clean, ""},
		{"a file that Arrow opens", "a.pkl", "cpyarrow.lib\nOSFile\n(S'/etc/passwd'\ntR.", "pickle", Suspicious, "pickle-unlisted-call"},
		{"a command", "a.pkl", echo, "pickle", Malicious, "pickle-dangerous-call"},
		{"own class", "a.pkl", "cmine\nThing\n)\x81.", "pickle", Suspicious, "pickle-unlisted-call"},
		{"cut", "a.pkl", "\x80\x04}", "pickle", Unknown, "pickle-cut"},
		{"text that starts as a pickle would", "a.txt", "cats and\ndogs\nR.", "text", Clean, ""},
		{"a command under a name of text", "a.txt", echo, "text", Malicious, "pickle-dangerous-call"},
		{"a command under a name of weights", "a.bin", echo, "text", Malicious, "polyglot"},
		{"a command behind many opcodes under a name of weights", "a.bin", strings.Repeat("N0", 1<<16) + echo, "text", Malicious, "polyglot"},
		{"a command behind a long text", "a.bin", "V" + strings.Repeat("a", 40_000) + "\n0" + echo, "text", Malicious, "polyglot"},
		{"HDF5 behind a zip's first bytes", "a.h5", "PK\x03\x04" + strings.Repeat("\x00", 508) + "\x89HDF\r\n\x1a\n" + strings.Repeat("\x00", 100), "zip", Suspicious, "polyglot"},
		{"two pickles", "a.pkl", plain + plain, "pickle", Clean, ""},
		{"a command behind STOP", "a.pkl", plain + echo, "pickle", Malicious, "pickle-dangerous-call"},
		{"a program behind STOP", "a.pkl", plain + elf, "pickle", Malicious, "hidden-executable"},
		{"an archive behind STOP", "a.pkl", plain + zipOf(tb, file{"x.pkl", echo, zip.Store}), "pickle", Malicious, "polyglot"},
		{"a pickle kept as bytes", "a.pkl", hold("\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x01x\x85R."), "pickle", Malicious, "nested-pickle"},
		{"a text pickle kept as bytes", "a.pkl", hold(echo), "pickle", Malicious, "nested-pickle"},
		{"a pickle kept in base64", "a.pkl", hold(base64.StdEncoding.EncodeToString([]byte(echo))), "pickle", Malicious, "nested-pickle"},
		{"a harmless pickle kept as bytes", "a.pkl", hold(plain), "pickle", Clean, ""},
		{"bytes that start as a pickle would", "a.pkl", hold("\x80\x04\x5c\x00\x01\x02\x03\x04\x05\x06"), "pickle", Clean, ""},
		{"a packed pickle kept as bytes", "a.pkl", hold(gz(tb, echo)), "pickle", Malicious, "pickle-dangerous-call"},
		{"a program kept as bytes", "a.pkl", hold(elf), "pickle", Malicious, "hidden-executable"},
		{"a command that torch loads out of bytes", "a.pkl", "\x80\x04ctorch.storage\n_load_from_bytes\n" + le("B", uint32(len(echo)+2), "N0"+echo) + "\x85R.", "pickle", Malicious, "pickle-dangerous-call"},
		{"a command that torch loads out of encoded text", "a.pkl", "\x80\x02ctorch.storage\n_load_from_bytes\nc_codecs\nencode\n" + str("\u0080\x02"+echo) + str("latin1") + "\x86R\x85R.", "pickle", Malicious, "pickle-dangerous-call"},
		{"a tensor that torch loads out of bytes", "a.pkl", "\x80\x04ctorch.storage\n_load_from_bytes\n" + le("B", uint32(len(tensor)), tensor) + "\x85R.", "pickle", Clean, ""},
		{"a command in an archive that torch loads out of bytes", "a.pkl", "\x80\x04ctorch.storage\n_load_from_bytes\n" + le("B", uint32(len(evilZip)), evilZip) + "\x85R.", "pickle", Malicious, "pickle-dangerous-call"},
		{"torch's first format", "a.pt", string(legacyTorch) + "\x80\x02M\xe9\x03." + "\x80\x02}." + echo, "torch-legacy", Malicious, "pickle-dangerous-call"},
	}
}

func archiveSamples(tb testing.TB) []sample {
	torch := func(files ...file) string {
		return zipOf(tb, append([]file{{"archive/version", "3\n", zip.Store}, {"archive/data/0", "\x01\x02\x03\x04", zip.Store}}, files...)...)
	}
	mismatch := strings.Replace(torch(file{"archive/data.pkl", plain, zip.Store}), "archive/data.pkl", "archive/data.txt", 1)
	script := func(code string) string {
		return torch(file{"archive/data.pkl", plain, zip.Store}, file{"archive/constants.pkl", "\x80\x04).", zip.Store}, file{"archive/code/__torch__.py", code, zip.Store})
	}
	link := tar.Header{Name: "a", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}
	object := npyFile("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n", echo)
	return []sample{
		{"torch", "a.pt", torch(file{"archive/data.pkl", plain, zip.Store}), "torch", Clean, ""},
		{"torch with a command", "a.pt", torch(file{"archive/data.pkl", echo, zip.Store}), "torch", Malicious, "pickle-dangerous-call"},
		{"torch deflated", "a.pt", torch(file{"archive/data.pkl", echo, zip.Deflate}), "torch", Malicious, "pickle-dangerous-call"},
		{"torch with a second pickle", "a.pt", torch(file{"archive/data.pkl", plain, zip.Store}, file{"archive/x.pkl", echo, zip.Store}), "torch", Malicious, "pickle-dangerous-call"},
		{"names that disagree", "a.pt", mismatch, "torch", Suspicious, "zip-mismatch"},
		{"cut", "a.pt", torch(file{"archive/data.pkl", plain, zip.Store})[:100], "zip", Unknown, "zip-broken"},
		{"two of a name", "a.zip", zipOf(tb, file{"a.txt", "x", zip.Store}, file{"a.txt", "y", zip.Store}), "zip", Suspicious, "zip-duplicate"},
		{"a name that leaves", "a.zip", zipOf(tb, file{"../a.txt", "x", zip.Store}), "zip", Malicious, "path-traversal"},
		{"dots inside a name", "a.zip", zipOf(tb, file{"a..b.txt", "x", zip.Store}), "zip", Clean, ""},
		{"a second archive as decoy", "a.pt", zipOf(tb, file{"data/data.pkl", echo, zip.Store}, file{"data.pkl", plain, zip.Store}), "torch", Malicious, "pickle-dangerous-call"},
		{"another case of a name", "a.pt", torch(file{"archive/DATA.PKL", echo, zip.Store}), "torch", Malicious, "pickle-dangerous-call"},
		{"TorchScript", "a.pt", script("class M(Module):\n  def forward(self, x: Tensor) -> Tensor:\n    return torch.relu(ops.aten.add(x, x))\n"), "torchscript", Clean, ""},
		{"TorchScript that writes", "a.pt", script("def f(x):\n  torch.save(x, \"/tmp/x\")\n"), "torchscript", Malicious, "torchscript-file"},
		{"TorchScript of another library", "a.pt", script("def f(x):\n  return ops.evil.run(x)\n"), "torchscript", Suspicious, "torchscript-op"},
		{"TorchServe", "a.mar", zipOf(tb, file{"MAR-INF/MANIFEST.json", "{}", zip.Store}), "torch-mar", Suspicious, "archive-code"},
		{"npy", "a.npy", npyFile("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n", "\x00\x00\x00\x00"), "npy", Clean, ""},
		{"npy with a field called O", "a.npy", npyFile("{'descr': [('Open', '<f4')], 'fortran_order': False, 'shape': (1,), }\n", "\x00\x00\x00\x00"), "npy", Clean, ""},
		{"npy of objects", "a.npy", object, "npy-object", Malicious, "pickle-dangerous-call"},
		{"npy spelt oddly", "a.npy", npyFile(`{'descr': '\x7cO', 'fortran_order': False, 'shape': (1,), }`, echo), "npy", Suspicious, "npy-header"},
		{"npy of objects beside numbers", "a.npy", npyFile("{'descr': 'i4,O', 'fortran_order': False, 'shape': (1,), }\n", echo), "npy-object", Malicious, "pickle-dangerous-call"},
		{"npz of objects", "a.npz", zipOf(tb, file{"x.npy", object, zip.Deflate}), "npz", Malicious, "pickle-dangerous-call"},
		{"tar", "a.tar", tarOf(tb, tarFile("a/b.pkl", plain)), "tar", Clean, ""},
		{"tar with a command", "a.tar.gz", gz(tb, tarOf(tb, tarFile("a/b.pkl", echo))), "tar+gzip", Malicious, "pickle-dangerous-call"},
		{"tar with a link outside", "a.tar", tarOf(tb, link), "tar", Malicious, "link-traversal"},
		{"torch's tar", "a.pt", tarOf(tb, tarFile("sys_info", plain), tarFile("pickle", echo), tarFile("storages", "\x80\x02K\x00."), tarFile("tensors", "\x80\x02K\x00.")), "torch-tar", Malicious, "pickle-dangerous-call"},
		{"NeMo", "a.nemo", gz(tb, tarOf(tb, tarFile("model_config.yaml", "target: nemo.collections.asr.Model\n"), tarFile("model_weights.ckpt", plain))), "nemo+gzip", Clean, ""},
		{"packed and cut", "a.pkl.gz", gz(tb, plain)[:20], "pickle+gzip", Unknown, "unpack"},
		{"an archive in an archive", "a.zip", zipOf(tb, file{"b.zip", zipOf(tb, file{"c.tar", tarOf(tb, tarFile("d.pkl", echo)), zip.Deflate}), zip.Deflate}), "zip", Malicious, "pickle-dangerous-call"},
		{"7z that lies", "a.7z", "7z\xbc\xaf\x27\x1c\x00\x04" + le(uint32(0), uint64(1<<60), uint64(1<<60), uint32(0)), "7z", Unknown, "7z-broken"},
	}
}

func tensorSamples(testing.TB) []sample {
	const one = `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}`
	data := strings.Repeat("\x00", 8)
	tensor := func(dims ...any) string {
		return ggufText("t") + le(append(append([]any{uint32(len(dims))}, dims...), uint32(0), uint64(0))...)
	}
	template := func(s string) string {
		return ggufFile(0, 1, ggufText("tokenizer.chat_template"), le(uint32(8)), ggufText(s))
	}
	return []sample{
		{"safetensors", "a.safetensors", tensors(one+`}`, data), "safetensors", Clean, ""},
		{"safetensors named otherwise", "a.bin", tensors(one+`,"__metadata__":{"format":"pt"}}`, data), "safetensors", Clean, ""},
		{"overlap", "a.safetensors", tensors(one+`,"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}`, data+"\x00\x00\x00\x00"), "safetensors", Suspicious, "safetensors-overlap"},
		{"appended", "a.safetensors", tensors(one+`}`, data+"x"), "safetensors", Suspicious, "safetensors-appended"},
		{"gap", "a.safetensors", tensors(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}`, data+data), "safetensors", Suspicious, "safetensors-gap"},
		{"cut", "a.safetensors", tensors(one+`}`, data[:4]), "safetensors", Unknown, "safetensors-short"},
		{"header of an exabyte", "a.safetensors", le(uint64(1<<60), "{}"), "safetensors", Malicious, "safetensors-header"},
		{"shape that overflows", "a.safetensors", tensors(`{"a":{"dtype":"F64","shape":[4611686018427387904,8],"data_offsets":[0,8]}}`, data), "safetensors", Malicious, "safetensors-overflow"},
		{"two of a name", "a.safetensors", tensors(one+`,"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, data), "safetensors", Suspicious, "safetensors-duplicate"},
		{"no JSON", "a.safetensors", tensors(`{"a":`, data), "safetensors", Unknown, "safetensors-broken"},
		{"code in metadata", "a.safetensors", tensors(one+`,"__metadata__":{"x":"import os; os.system('x')"}}`, data), "safetensors", Suspicious, "metadata-code"},
		{"prose in metadata", "a.safetensors", tensors(one+`,"__metadata__":{"x":"we import data and evaluate the system"}}`, data), "safetensors", Clean, ""},
		{"a token in metadata", "a.safetensors", tensors(one+`,"__metadata__":{"x":"AKIAABCDEFGHIJKLMNOP"}}`, data), "safetensors", Suspicious, "secret"},

		{"gguf", "a.gguf", template("{% for m in messages %}{{ m['content'] | trim }}{% endfor %}"), "gguf", Clean, ""},
		{"gguf template", "a.gguf", template("{{ ''.__class__ }}"), "gguf", Malicious, "template-injection"},
		{"gguf counts", "a.gguf", ggufFile(1<<62, 1<<62), "gguf", Malicious, "gguf-overflow"},
		{"gguf string", "a.gguf", ggufFile(0, 1, ggufText("a"), le(uint32(8), ^uint64(0))), "gguf", Malicious, "gguf-overflow"},
		{"gguf array", "a.gguf", ggufFile(0, 1, ggufText("a"), le(uint32(9), uint32(10), uint64(1<<62))), "gguf", Malicious, "gguf-overflow"},
		{"gguf dimensions", "a.gguf", ggufFile(1, 0, ggufText("t"), le(uint32(999)), strings.Repeat("\x00", 99)), "gguf", Malicious, "gguf-overflow"},
		{"gguf product", "a.gguf", ggufFile(1, 0, tensor(uint64(1<<40), uint64(1<<40))), "gguf", Malicious, "gguf-overflow"},
		{"gguf cut", "a.gguf", ggufFile(0, 1, ggufText("abc")), "gguf", Unknown, "gguf-broken"},
		{"gguf short of data", "a.gguf", ggufFile(1, 0, tensor(uint64(64))), "gguf", Unknown, "gguf-short"},
	}
}

func graphSamples(tb testing.TB) []sample {
	node := func(op, domain string, more ...string) string {
		return pb(1, pb(4, op)+pb(7, domain)+strings.Join(more, ""))
	}
	onnx := func(graph string, more ...string) string {
		return pb(1, 8) + pb(2, "pytorch") + pb(7, graph) + strings.Join(more, "")
	}
	external := func(where string) string {
		return pb(5, pb(8, "w")+pb(13, pb(1, "location")+pb(2, where))+pb(14, 1))
	}
	saved := func(op string) string {
		return pb(1, 1) + pb(2, pb(2, pb(1, pb(1, "n")+pb(2, "Add"))+pb(2, pb(1, pb(3, pb(1, "m")+pb(2, op))))))
	}
	paddle := func(op string) string { return pb(1, pb(1, 0)+pb(4, pb(3, op))) }
	return []sample{
		{"onnx", "a.onnx", onnx(node("Relu", "")), "onnx", Clean, ""},
		{"onnx of a vendor's set", "a.onnx", onnx(node("Gelu", "com.microsoft")), "onnx", Clean, ""},
		{"onnx with its own function", "a.onnx", onnx(node("Double", "own"), pb(25, pb(1, "Double")+pb(10, "own"))), "onnx", Clean, ""},
		{"onnx custom operator", "a.onnx", onnx(node("Run", "evil")), "onnx", Suspicious, "onnx-custom-op"},
		{"onnx custom operator in a branch", "a.onnx", onnx(node("If", "", pb(5, pb(1, "then")+pb(6, node("Run", "evil"))))), "onnx", Suspicious, "onnx-custom-op"},
		{"onnx Python operator", "a.onnx", onnx(node("PythonOp", "com.microsoft")), "onnx", Malicious, "onnx-custom-op"},
		{"onnx data beside it", "a.onnx", onnx(node("Relu", "") + external("weights.data")), "onnx", Clean, ""},
		{"onnx data elsewhere", "a.onnx", onnx(node("Relu", "") + external("../../etc/passwd")), "onnx", Malicious, "external-data-traversal"},
		{"onnx cut", "a.onnx", onnx(node("Relu", ""))[:10], "onnx", Unknown, "onnx-broken"},
		{"saved model", "saved_model.pb", saved("MatMul"), "savedmodel", Clean, ""},
		{"saved model that saves itself", "saved_model.pb", saved("SaveV2"), "savedmodel", Clean, ""},
		{"saved model that writes", "saved_model.pb", saved("WriteFile"), "savedmodel", Malicious, "tensorflow-op"},
		{"saved model of no operators", "saved_model.pb", pb(1, 1), "savedmodel", Unknown, "savedmodel-broken"},
		{"frozen graph that runs Python", "a.pb", pb(1, pb(1, "n")+pb(2, "PyFunc")), "tensorflow-graph", Malicious, "tensorflow-op"},
		{"graph as text", "a.pbtxt", "node {\n  op: \"ReadFile\"\n}\n", "savedmodel-text", Malicious, "tensorflow-op"},
		{"keras metadata", "keras_metadata.pb", pb(1, pb(5, `{"class_name":"Lambda","config":{"function_type":"lambda"}}`)), "savedmodel-keras-metadata", Malicious, "keras-lambda"},
		{"tflite", "a.tflite", liteFile(""), "tflite", Clean, ""},
		{"tflite detection", "a.tflite", liteFile("TFLite_Detection_PostProcess"), "tflite", Clean, ""},
		{"tflite with its labels", "a.tflite", liteFile("") + zipOf(tb, file{"labels.txt", "cat\n", zip.Store}), "tflite", Clean, ""},
		{"tflite custom", "a.tflite", liteFile("Evil"), "tflite", Suspicious, "tflite-custom-op"},
		{"tflite that writes", "a.tflite", liteFile("FlexWriteFile"), "tflite", Malicious, "tensorflow-op"},
		{"tflite cut", "a.tflite", liteFile("Evil")[:40], "tflite", Unknown, "tflite-broken"},
		{"coreml", "a.mlmodel", pb(1, 5) + pb(300, ""), "coreml", Clean, ""},
		{"coreml custom", "a.mlmodel", pb(1, 5) + pb(202, pb(1, pb(1, 5)+pb(555, ""))), "coreml", Suspicious, "coreml-custom"},
		{"paddle", "a.pdmodel", paddle("relu"), "paddle", Clean, ""},
		{"paddle Python", "a.pdmodel", paddle("py_func"), "paddle", Malicious, "paddle-op"},
		{"openvino", "a.xml", `<?xml version="1.0"?><net name="m"><layers><layer id="0" type="Relu" version="opset1"/></layers></net>`, "openvino", Clean, ""},
		{"openvino extension", "a.xml", `<?xml version="1.0"?><net name="m"><layers><layer id="0" type="X" version="extension"/></layers></net>`, "openvino", Suspicious, "openvino-extension"},
	}
}

func documentSamples(tb testing.TB) []sample {
	chat := func(t string) string { return `{"chat_template":` + quoted(t) + `}` }
	dense := `{"module":"keras.layers","class_name":"Dense","config":{"activation":"relu"},"registered_name":null}`
	rHead := "X\n" + be(2, 0x40000, 0x20300)
	return []sample{
		{"config", "config.json", `{"architectures":["LlamaForCausalLM"],"model_type":"llama"}`, "json", Clean, ""},
		{"Python's numbers", "trainer_state.json", `{"loss":NaN,"best":[Infinity,-Infinity],"x":"NaN \" Infinity"}`, "json", Clean, ""},
		{"a byte order mark", "config.json", "\xef\xbb\xbf{}", "json", Clean, ""},
		{"auto_map", "config.json", `{"auto_map":{"AutoModel":"modeling.Model"}}`, "json", Suspicious, "auto-map"},
		{"remote code asked for", "config.json", `{"trust_remote_code":true}`, "json", Suspicious, "trust-remote-code"},
		{"remote code refused", "config.json", `{"trust_remote_code":false}`, "json", Clean, ""},
		{"cut", "config.json", `{"a":[1,`, "json", Unknown, "json-broken"},
		{"template", "t.json", chat("{{ bos_token }}{% for m in messages %}{{ '<|' + m.role + '|>' ~ m['content'].strip() }}{% endfor %}"), "json", Clean, ""},
		{"template injection", "t.json", chat("{{ cycler.__init__.__globals__.os }}"), "json", Malicious, "template-injection"},
		{"template with an escaped name", "t.json", chat(`{{ x['\x5f\x5fclass'] }}`), "json", Malicious, "template-injection"},
		{"template that calls", "t.json", chat("{{ messages.run('x') }}"), "json", Suspicious, "template-call"},
		{"template that puts a name together", "t.json", chat("{{ x['_' * 2 ~ 'class'] }}"), "json", Suspicious, "template-computed"},
		{"template that builds underscores", "t.json", chat("{% set a = '-class-'|replace('-', '__'[0]) %}"), "json", Malicious, "template-injection"},
		{"template that replaces", "t.json", chat("{{ x[('-class-'|replace('-', '_'))] }}"), "json", Suspicious, "template-computed"},
		{"template that joins", "t.json", chat("{% set a = '_' ~ 'x' %}"), "json", Suspicious, "template-computed"},
		{"template from another", "t.json", chat("{% from'x' import y %}"), "json", Malicious, "template-injection"},
		{"template that splits at an underscore", "t.json", chat("{{ m.role.split('_')[0] }}"), "json", Clean, ""},
		{"template in a file", "a.jinja", "{{ self.x }}", "jinja", Malicious, "template-injection"},
		{"prose about a template", "README.md", "write {% raw %} and {{ x.__class__ }} in it", "text", Clean, ""},
		{"hydra", "a.yaml", "m:\n  _target_: torch.nn.Linear\n", "yaml", Clean, ""},
		{"hydra that runs", "a.yaml", "m:\n  _target_: os.system\n", "yaml", Malicious, "config-target"},
		{"hydra of nobody's", "a.yaml", "m:\n  _target_: mine.Thing\n", "yaml", Suspicious, "config-target"},
		{"a target of another kind", "a.yaml", "target: www.example.org\nbuild: {target: x86_64.unknown.linux}\n", "yaml", Clean, ""},
		{"a target that is a class", "a.yaml", "model:\n  target: mine.models.Net\n", "yaml", Suspicious, "config-target"},
		{"a target that runs", "a.yaml", "model:\n  target: os.system\n", "yaml", Malicious, "config-target"},
		{"yaml tag", "a.yaml", "a: !!python/object/apply:os.system [x]\n", "yaml", Malicious, "yaml-tag"},
		{"yaml tag by a directive", "a.yaml", "%TAG !p! tag:yaml.org,2002:python/\n---\na: !p!object/apply:os.system [x]\n", "yaml", Malicious, "yaml-tag"},
		{"yaml aliases that multiply", "a.yaml", "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n", "yaml", Clean, ""},
		{"yaml broken", "a.yaml", "a: [1\n", "yaml", Unknown, "yaml-broken"},
		{"mlflow", "MLmodel", "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n", "mlflow", Clean, ""},
		{"mlflow's own loader", "MLmodel", "flavors:\n  python_function:\n    loader_module: evil.loader\n", "mlflow", Suspicious, "config-target"},
		{"notebook with a key", "a.ipynb", `{"nbformat":4,"cells":[{"source":["k='AKIAABCDEFGHIJKLMNOP'"]}]}`, "notebook", Suspicious, "secret"},
		{"a class of a style sheet", "a.ipynb", `{"nbformat":4,"cells":[{"source":[".sk-estimator-doc-link-hover-and-other-words {}"]}]}`, "notebook", Clean, ""},
		{"an API key", "a.json", `{"key":"sk-proj-Ab3dEf6hIj9lMn2pQr5tUv8xYz1bCd4f"}`, "json", Suspicious, "secret"},
		{"jsonpickle", "a.json", `{"py/reduce":[{"py/function":"os.system"}]}`, "json", Malicious, "json-object"},
		{"keras", "a.keras", kerasFile(tb, dense), "keras", Clean, ""},
		{"keras Lambda", "a.keras", kerasFile(tb, `{"module":"keras.layers","class_name":"Lambda","config":{}}`), "keras", Malicious, "keras-refused"},
		{"keras other module", "a.keras", kerasFile(tb, `{"module":"os","class_name":"function","config":"system"}`), "keras", Malicious, "keras-module"},
		{"keras own class", "a.keras", kerasFile(tb, `{"module":"mine","class_name":"X","config":{},"registered_name":"mine>X"}`), "keras", Suspicious, "keras-module"},
		{"keras file", "a.keras", kerasFile(tb, `{"module":"keras.layers","class_name":"StringLookup","config":{"vocabulary":"/etc/passwd"}}`), "keras", Suspicious, "keras-file"},
		{"keras vocabulary", "a.keras", kerasFile(tb, `{"module":"keras.layers","class_name":"StringLookup","config":{"vocabulary":["a"]}}`), "keras", Clean, ""},
		{"skops", "a.skops", zipOf(tb, file{"schema.json", `{"__class__":"LogisticRegression","__module__":"sklearn.linear_model._logistic","__loader__":"ObjectNode"}`, zip.Store}), "skops", Clean, ""},
		{"skops that runs", "a.skops", zipOf(tb, file{"schema.json", `{"__class__":"Popen","__module__":"subprocess","__loader__":"ObjectNode"}`, zip.Store}), "skops", Malicious, "skops-refused"},
		{"skops operator", "a.skops", zipOf(tb, file{"schema.json", `{"__class__":"call","__module__":"builtins","__loader__":"OperatorFuncNode"}`, zip.Store}), "skops", Malicious, "skops-operator"},
		{"pmml", "a.pmml", `<?xml version="1.0"?><PMML version="4.4"></PMML>`, "pmml", Clean, ""},
		{"pmml entity", "a.pmml", `<?xml version="1.0"?><!DOCTYPE P [<!ENTITY x SYSTEM "file:///etc/passwd">]><PMML></PMML>`, "pmml", Malicious, "xml-entity"},
		{"pmml cut", "a.pmml", `<?xml version="1.0"?><PMML version="4.4">`, "pmml", Unknown, "xml-broken"},
		{"r", "a.rds", rHead + be(13, 1, 7), "r", Clean, ""},
		{"r promise", "a.rds", gz(tb, rHead+be(5, 253, 254, 254)), "r+gzip", Malicious, "r-promise"},
		{"r cut", "a.rds", rHead + be(13, 9), "r", Unknown, "r-broken"},
		{"xgboost", "a.json", `{"learner":{"objective":{"name":"reg:squarederror"}},"version":[3,2,0]}`, "xgboost", Clean, ""},
		{"xgboost binary", "a.ubj", "{L\x00\x00\x00\x00\x00\x00\x00\x01a[$d#L\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00}", "xgboost", Clean, ""},
		{"xgboost count that lies", "a.ubj", "{L\x00\x00\x00\x00\x00\x00\x00\x01a[$d#L\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00}", "xgboost", Malicious, "ubj-overflow"},
		{"lightgbm", "a.txt", "tree\nversion=v4\nend of trees\n", "lightgbm", Clean, ""},
		{"a program", "pytorch_model.bin", "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 60), "executable", Malicious, "hidden-executable"},
		{"a script", "config.txt", "#!/bin/sh\necho\n", "executable", Malicious, "hidden-executable"},
		{"a library", "op.so", "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 60), "executable", Suspicious, "executable"},
		{"source", "modeling.py", "import torch\n", "source", Unknown, "source-code"},
		{"nothing known", "a.bin", "\x01\x02\x03\xff\xfe", "", Unknown, "format-unknown"},
		{"empty weights", "a.bin", "", "empty", Unknown, "unreadable"},
		{"empty configuration", "config.json", "", "empty", Unknown, "unreadable"},
		{"empty marker", ".gitkeep", "", "empty", Clean, ""},
		{"empty module", "__init__.py", "", "empty", Clean, ""},
		{"JSON under a pickle's name", "model.pkl", `{"a":1}`, "json", Unknown, "name-mismatch"},
		{"a page of errors under a name of weights", "model.pt", "<!DOCTYPE html><html></html>", "xml", Unknown, "name-mismatch"},
		{"JSON under the name of torch's weights", "pytorch_model-00001-of-2.bin", `{"a":1}`, "json", Unknown, "name-mismatch"},
		{"a pickle under a name of JSON", "config.json", plain, "pickle", Unknown, "name-mismatch"},
		{"a pickle under a name of arrays", "a.npy", plain, "pickle", Unknown, "name-mismatch"},
		{"a pickle under a name of HDF5", "a.h5", plain, "pickle", Unknown, "name-mismatch"},
		{"a pickle under a name of nothing", "a.dat", plain, "pickle", Clean, ""},
		{"a packed pickle", "a.pkl", gz(tb, plain), "pickle+gzip", Clean, ""},
		{"Python's paths", "lib/site-packages/a.pth", "../src\n", "text", Clean, ""},
		{"code among Python's paths", "lib/site-packages/a.pth", "../src\nimport sys; exec('x')\n", "text", Unknown, "source-code"},
		{"Portuguese", "tutor.pt", "===== B e m  v i n d o =====\n", "text", Clean, ""},
		{"words under a name of weights", "a.pth", "words, words\n", "text", Unknown, "name-mismatch"},
		{"a pointer of Git LFS", "weights.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "text", Unknown, "lfs-pointer"},
	}
}

func allSamples(tb testing.TB) []sample {
	return slices.Concat(pickleSamples(tb), archiveSamples(tb), tensorSamples(tb), graphSamples(tb), documentSamples(tb))
}

func TestScan(t *testing.T) {
	for _, tt := range allSamples(t) {
		t.Run(tt.name, func(t *testing.T) {
			rep := scanBytes(t, tt.file, tt.content, Limits{})
			if rep.Format != tt.format || rep.Verdict != tt.verdict {
				t.Errorf("got %q, %s, want %q, %s; findings %+v", rep.Format, rep.Verdict, tt.format, tt.verdict, rep.Findings)
			}
			if tt.rule != "" && !slices.ContainsFunc(rep.Findings, func(f Finding) bool { return f.Rule == tt.rule }) {
				t.Errorf("%s is not among %+v", tt.rule, rep.Findings)
			}
		})
	}
}

func TestMembersBearTheirVerdicts(t *testing.T) {
	content := zipOf(t, file{"good.pkl", plain, zip.Store}, file{"in/evil.pkl", echo, zip.Deflate})
	rep := scanBytes(t, "a.zip", content, Limits{})
	want := []Member{
		{Path: "a.zip!good.pkl", Format: "pickle", Size: int64(len(plain)), Verdict: Clean},
		{Path: "a.zip!in/evil.pkl", Format: "pickle", Size: int64(len(echo)), Verdict: Malicious},
	}
	if diff := cmp.Diff(want, rep.Members); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, f := range rep.Findings {
		if f.Member != "a.zip!in/evil.pkl" {
			t.Errorf("a finding of another member: %+v", f)
		}
	}
}

func TestDigest(t *testing.T) {
	const want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	if got := scanBytes(t, "a.txt", "abc", Limits{Digest: true}).SHA256; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := scanBytes(t, "a.txt", "abc", Limits{}).SHA256; got != "" {
		t.Errorf("a digest nobody asked for: %s", got)
	}
}

// failing is a file whose medium breaks.
type failing struct {
	io.ReaderAt
	at int64
}

func (f failing) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > f.at {
		return 0, errors.New("the disk is on fire")
	}
	return f.ReaderAt.ReadAt(p, off)
}

// Whatever the file, a read error never leaves it clean.
func TestAReadErrorIsNeverClean(t *testing.T) {
	for _, tt := range allSamples(t) {
		if tt.content == "" {
			continue
		}
		for _, at := range []int64{0, 3, int64(len(tt.content)) - 1} {
			rep := Scan(context.Background(), tt.file, failing{strings.NewReader(tt.content), at}, int64(len(tt.content)), Limits{})
			if rep.Verdict == Clean {
				t.Errorf("%s failing at %d is clean: %+v", tt.name, at, rep)
			}
		}
	}
}

// A file cut anywhere is never called clean if it was not before, nor does a
// parser fall over it.
func TestCutFiles(t *testing.T) {
	for _, tt := range allSamples(t) {
		for n := range min(len(tt.content), 400) {
			rep := scanBytes(t, tt.file, tt.content[:n], Limits{})
			for _, f := range rep.Findings {
				if f.Rule == "internal" {
					t.Fatalf("%s cut at %d: %s", tt.name, n, f.Text)
				}
			}
		}
	}
}

func TestLimits(t *testing.T) {
	deep := echo
	for range 12 {
		deep = zipOf(t, file{"a.zip", deep, zip.Store})
	}
	var many []file
	for i := range 50 {
		many = append(many, file{string(rune('a'+i%26)) + strings.Repeat("x", i) + ".txt", "x", zip.Store})
	}
	bomb := gz(t, strings.Repeat("\x00", 1<<22))
	tests := []struct {
		name, file, content, rule string
		verdict                   Verdict
		lim                       Limits
	}{
		{"depth", "a.zip", deep, "limit-depth", Unknown, Limits{}},
		{"members", "a.zip", zipOf(t, many...), "limit-members", Unknown, Limits{Members: 49}},
		{"unpacked", "a.gz", bomb, "limit-unpacked", Suspicious, Limits{Unpacked: 1 << 20}},
		{"unpacked and held", "a.gz", bomb, "limit-unpacked", Suspicious, Limits{Unpacked: 1 << 20, Memory: 1 << 10}},
		{"header", "a.json", `{"a":"` + strings.Repeat("x", 5000) + `"}`, "limit-header", Unknown, Limits{Header: 1000}},
		{"opcodes", "a.pkl", "\x80\x04" + strings.Repeat("N0", 5000) + "N.", "pickle-limit-opcodes", Unknown, Limits{Ops: 100}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rep := scanBytes(t, tt.file, tt.content, tt.lim)
			if rep.Verdict != tt.verdict || !slices.ContainsFunc(rep.Findings, func(f Finding) bool { return f.Rule == tt.rule }) {
				t.Errorf("got %s %+v, want %s by %s", rep.Verdict, rep.Findings, tt.verdict, tt.rule)
			}
		})
	}
}

// Members too large to keep are read in a window, and found all the same.
func TestMembersBeyondMemory(t *testing.T) {
	long := "\x80\x04" + strings.Repeat("C\xff"+strings.Repeat("x", 255)+"0", 2000)
	for _, tt := range []struct {
		end     string
		verdict Verdict
	}{{"N.", Clean}, {echo, Malicious}} {
		rep := scanBytes(t, "a.pkl.gz", gz(t, long+tt.end), Limits{Memory: 1000})
		if rep.Verdict != tt.verdict {
			t.Errorf("got %s %+v, want %s", rep.Verdict, rep.Findings, tt.verdict)
		}
	}
}

func TestTimeOver(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, tt := range allSamples(t) {
		if rep := Scan(ctx, tt.file, strings.NewReader(tt.content), int64(len(tt.content)), Limits{}); rep.Verdict == Clean {
			t.Errorf("%s is clean though no time was given", tt.name)
		}
	}
}

// A company answers for its own classes, and for nothing that is dangerous.
func TestVouched(t *testing.T) {
	lim := Limits{Vouched: []string{"mine.Thing", "ours.*", "os.*", "bare*"}}
	tests := []struct {
		global string
		want   Verdict
	}{
		{"cmine\nThing\n", Clean},
		{"cmine\nOther\n", Suspicious},
		{"cours.deep.module\nThing\n", Clean},
		{"coursmore\nThing\n", Suspicious},
		{"cbareness\nThing\n", Suspicious},
		{"cos\nsystem\n", Malicious},
		{"cours\nos.system\n", Malicious},
	}
	for _, tt := range tests {
		if got := scanBytes(t, "a.pkl", tt.global+")\x81.", lim).Verdict; got != tt.want {
			t.Errorf("%q is %s, want %s", tt.global, got, tt.want)
		}
	}
}

func TestBesideDeclaresRawWeights(t *testing.T) {
	const raw = "\x00\x01\x02\xff\xfe\x80\x90"
	at := func(names ...string) Verdict {
		return ScanBeside(context.Background(), "model.bin", strings.NewReader(raw), int64(len(raw)), names, Limits{}).Verdict
	}
	if got := at("model.bin", "model.xml"); got != Clean {
		t.Errorf("beside its description: %s", got)
	}
	if got := at("model.bin", "other.xml"); got != Unknown {
		t.Errorf("beside another's: %s", got)
	}
}
