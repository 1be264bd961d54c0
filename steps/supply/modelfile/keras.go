package modelfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/supply/modelfile/hdf5"
	"github.com/sevenfold-sec/sevenfold/steps/supply/modelfile/pickle"
)

// Keras writes a model's architecture as JSON: each object names its module and
// class, and the loader imports and makes them. Version 3 asks the module for
// the name; version 2 looks the name up among its own and the user's classes.

// kerasModules are modules whose classes are layers, losses and the like. Others
// of Keras (utils, saving, models' loaders, config) hold functions that fetch
// and load.
var kerasModules = wordSet(`
	keras keras.layers keras.models keras.initializers keras.regularizers keras.constraints keras.activations keras.losses keras.metrics keras.optimizers keras.optimizers.schedules keras.optimizers.legacy
	keras.dtype_policies keras.random keras.quantizers keras.engine.functional keras.engine.sequential keras.engine.training keras.src.models.functional keras.src.models.sequential keras.src.engine.functional keras.src.engine.sequential keras.src.ops.numpy
	keras.src.ops.nn keras.src.ops.math keras.src.ops.core keras.src.ops.image keras.src.losses.losses keras.src.metrics.metrics keras.src.backend.common.variables keras.src.backend.common.dtype_policies keras.src.dtype_policies.dtype_policy
	tf_keras.layers tf_keras.models tf_keras.initializers tf_keras.regularizers tf_keras.constraints tf_keras.activations tf_keras.losses tf_keras.metrics tf_keras.optimizers tf_keras.optimizers.schedules tf_keras.optimizers.legacy tf_keras.src.engine.functional tf_keras.src.engine.sequential tf_keras
	keras.src.backend.common.keras_tensor keras.src.layers keras.src.optimizers keras.src.saving.serialization_lib`)

// kerasRefused are classes and functions that run code or read files whatever
// module they come from.
var kerasRefused = map[string]string{
	"Lambda": "runs Python code kept in the file", "__lambda__": "is Python code kept in the file", "TFSMLayer": "loads a saved model from a path, its operators included",
	"TorchModuleWrapper": "unpickles a torch module", "FlaxLayer": "runs a function of another library", "JaxLayer": "runs a function of another library",
	"get_file": "downloads a file", "load_model": "loads a further model", "load_weights": "loads a file", "enable_unsafe_deserialization": "switches Keras's own protection off",
	"deserialize_keras_object": "makes any object", "load_img": "reads a file", "save_model": "writes a file", "TFOpLambda": "", "SlicingOpLambda": "",
}

type kerasObject struct {
	Module     json.RawMessage `json:"module"`
	Class      json.RawMessage `json:"class_name"`
	Registered json.RawMessage `json:"registered_name"`
	Config     json.RawMessage `json:"config"`
}

func text(raw json.RawMessage) string {
	var v string
	_ = json.Unmarshal(raw, &v)
	return v
}

// kerasJSON judges an architecture.
func (s *scanner) kerasJSON(it item, b []byte) {
	if len(bytes.TrimSpace(b)) == 0 {
		return
	}
	if len(b) > 2*maxTree {
		s.find(it, "limit-header", Undecided, -1, "CWE-400", fmt.Sprintf("an architecture of %d bytes; the limit is %d", len(b), 2*maxTree))
		return
	}
	s.kerasValue(it, b, 0)
}

func (s *scanner) kerasValue(it item, raw json.RawMessage, depth int) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || raw[0] != '{' && raw[0] != '[' {
		return
	}
	if s.ctx.Err() != nil {
		return
	}
	if depth > 128 {
		s.find(it, "limit-depth", Undecided, -1, "CWE-674", "the architecture is nested deeper than 128")
		return
	}
	if raw[0] == '[' {
		var all []json.RawMessage
		if err := json.Unmarshal(raw, &all); err != nil {
			s.find(it, "keras-broken", Undecided, -1, "", "the architecture is no JSON: "+err.Error())
			return
		}
		for _, v := range all {
			s.kerasValue(it, v, depth+1)
		}
		return
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		s.find(it, "keras-broken", Undecided, -1, "", "the architecture is no JSON: "+err.Error())
		return
	}
	if class, ok := all["class_name"]; ok {
		s.kerasClass(it, kerasObject{Module: all["module"], Class: class, Registered: all["registered_name"], Config: all["config"]})
	}
	for k, v := range all {
		if k == "function_type" && text(v) == "lambda" {
			s.find(it, "keras-lambda", High, -1, "CWE-94", "a function kept as Python bytecode")
		}
		s.kerasValue(it, v, depth+1)
	}
}

func (s *scanner) kerasClass(it item, o kerasObject) {
	class, module, registered := text(o.Class), text(o.Module), text(o.Registered)
	name := class
	if class == "function" || class == "builtin" {
		// A function object: its name is the configuration.
		name = text(o.Config)
		if registered != "" && registered != "function" {
			name = registered
		}
	}
	full := strings.Trim(module+"."+name, ".")
	if why, bad := kerasRefused[lastName(name)]; bad {
		if why != "" {
			s.find(it, "keras-refused", High, -1, "CWE-94", fmt.Sprintf("%.80q %s", full, why))
			if class == "Lambda" && bytes.Contains(o.Config, []byte("function_type")) {
				s.find(it, "keras-lambda", High, -1, "CWE-94", "a Lambda layer: Python code that the loader runs")
			}
		}
		return
	}
	switch {
	case module == "builtins" && (class == "function" || class == "type"):
		s.find(it, "keras-function", Medium, -1, "CWE-470", fmt.Sprintf("the function %.80q is the user's own or Python's", name))
	case module != "" && module != "null" && !kerasModules[module] && !strings.HasPrefix(module, "keras.src.layers.") && !strings.HasPrefix(module, "keras.src.optimizers.") && !strings.HasPrefix(module, "keras.src.initializers.") && !strings.HasPrefix(module, "keras.src.ops."):
		sev, why := Medium, "no module of Keras's own classes"
		if r := pickle.Judge(module, name); r.Class == pickle.Refused {
			sev, why = High, r.Reason
		}
		s.find(it, "keras-module", sev, -1, "CWE-470", fmt.Sprintf("the loader imports %.100q: %s", full, why))
	case strings.Contains(registered, ">") && !strings.HasPrefix(registered, "keras>") && !strings.HasPrefix(registered, "Keras>"):
		s.find(it, "keras-custom", Medium, -1, "CWE-470", fmt.Sprintf("the class %.80q is registered by code outside Keras", registered))
	case module == "" && strings.Contains(class, ">") && !strings.HasPrefix(class, "Keras>"):
		s.find(it, "keras-custom", Medium, -1, "CWE-470", fmt.Sprintf("the class %.80q is registered by code outside Keras", class))
	}
	s.kerasFiles(it, class, o.Config)
}

func lastName(n string) string { return n[strings.LastIndexAny(n, ".>")+1:] }

// kerasFiles flags layers that read their vocabulary from a path (CVE-2025-12058).
func (s *scanner) kerasFiles(it item, class string, config json.RawMessage) {
	switch class {
	case "StringLookup", "IntegerLookup", "TextVectorization", "IndexLookup", "Hashing":
	default:
		return
	}
	var c struct {
		Vocabulary json.RawMessage `json:"vocabulary"`
	}
	if json.Unmarshal(config, &c) == nil {
		if p := text(c.Vocabulary); p != "" {
			s.find(it, "keras-file", Medium, -1, "CWE-73", fmt.Sprintf("the layer %s reads the file %.100q", class, p))
		}
	}
}

func isHDF5(h []byte, it item) bool {
	if len(h) >= 8 && string(h[:8]) == hdf5.Signature {
		return true
	}
	if hdf5At(h) > 0 {
		return true
	}
	switch it.ext() {
	case ".h5", ".hdf5", ".keras":
		return it.size > 8 && bytes.Contains(h, []byte(hdf5.Signature))
	}
	return false
}

// hdf5At finds the signature behind a user block: at 512, 1024, 2048 and so on.
func hdf5At(h []byte) int {
	for at := 512; at+8 <= len(h); at *= 2 {
		if string(h[at:at+8]) == hdf5.Signature {
			return at
		}
	}
	return -1
}

// hdf5 reads Keras 2 models and weights.
func (s *scanner) hdf5(it item) string {
	format := "hdf5"
	err := hdf5.Walk(s.ctx, it.r, it.size, func(e hdf5.Entry) {
		switch e.Kind {
		case hdf5.Attribute:
			switch e.Name {
			case "model_config", "training_config":
				format = "keras-h5"
				s.kerasJSON(it, e.Value)
			case "keras_version", "backend", "layer_names", "weight_names":
			default:
				if len(e.Value) > 0 && isText8(e.Value) {
					s.metadata(it, e.Name, string(e.Value))
				}
			}
		case hdf5.ExternalLink:
			s.find(it, "hdf5-external", High, e.Offset, "CWE-73", fmt.Sprintf("%.80q is a link into the file %.120q", e.Path, e.Value))
		case hdf5.ExternalData:
			s.find(it, "hdf5-external", High, e.Offset, "CWE-73", fmt.Sprintf("the data of %.80q lies in another file: %.120q", e.Path, e.Value))
		case hdf5.VirtualData:
			s.find(it, "hdf5-external", Medium, e.Offset, "CWE-73", fmt.Sprintf("the data of %.80q is put together from other files", e.Path))
		case hdf5.Unread:
			s.find(it, "hdf5-unread", Undecided, e.Offset, "", fmt.Sprintf("%.80s: %s", e.Path, e.Value))
		}
	})
	if err != nil {
		s.find(it, "hdf5-broken", Undecided, -1, "", err.Error())
	}
	return format
}
