package supply

import (
	"path"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/supply/modelfile"
)

// modelFiles are the extensions under which models are kept, dataFiles those of data
// sets.
var (
	modelFiles = map[string]bool{".pt": true, ".pth": true, ".ckpt": true, ".safetensors": true, ".gguf": true, ".ggml": true, ".onnx": true, ".h5": true, ".hdf5": true, ".keras": true, ".pkl": true, ".pickle": true,
		".joblib": true, ".dill": true, ".npy": true, ".npz": true, ".pb": true, ".tflite": true, ".mlmodel": true, ".pdmodel": true, ".pdparams": true, ".ubj": true, ".bst": true, ".cbm": true, ".skops": true,
		".pmml": true, ".rds": true, ".nemo": true, ".mar": true, ".llamafile": true, ".engine": true, ".bin": true, ".model": true}
	dataFiles = map[string]bool{".parquet": true, ".arrow": true, ".feather": true, ".jsonl": true, ".tfrecord": true, ".csv": true, ".tsv": true, ".avro": true, ".orc": true}
)

// ModelFile reports whether a file is kept under a name that models have. Of .bin,
// only names that models have.
func ModelFile(name string) bool {
	base := strings.ToLower(path.Base(name))
	ext := path.Ext(base)
	switch {
	case ext == ".bin":
		return strings.Contains(base, "model") || strings.Contains(base, "adapter") || strings.Contains(base, "weights") || strings.HasPrefix(base, "consolidated") || strings.HasPrefix(base, "ggml")
	case ext == ".gz" || ext == ".tgz" || ext == ".zip":
		return strings.Contains(base, "model")
	case ext == ".model":
		return strings.Contains(base, "tokenizer") || strings.Contains(base, "spiece") || strings.Contains(base, "sentencepiece") || base == "model.model" || strings.Contains(base, "xgb")
	case ext == ".pb":
		return strings.Contains(base, "model") || strings.Contains(base, "graph") || strings.Contains(base, "fingerprint")
	}
	return modelFiles[ext]
}

// DataFile reports whether a file is kept under a name that data sets have.
func DataFile(name string) bool { return dataFiles[strings.ToLower(path.Ext(name))] }

// AnswerOf is the word on one file as its report has it.
func AnswerOf(rep modelfile.Report) Answer { return answer(rep) }

// Unread is the word on a file that could not be read.
func Unread(path, why string) Answer { return answer(unread(path, "it was not read: "+why)) }
