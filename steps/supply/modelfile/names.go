package modelfile

import (
	"bytes"
	"slices"
	"strings"
)

// Readings that several names may stand for.
var (
	asPacked = []string{"zip", "tar", "7z", "gzip", "bzip2", "xz", "zstd", "lz4", "lzma", "zlib"}
	asPickle = append([]string{"pickle"}, asPacked...)
	asR      = []string{"r", "gzip", "bzip2", "xz"}
	asImage  = []string{"image"}
)

// claims are the readings that a name says its content has. Names that say less are not
// here: .bin may be anything, and prose may look like many things.
var claims = map[string][]string{
	".pkl": asPickle, ".pickle": asPickle, ".pkl2": asPickle, ".dill": asPickle, ".joblib": asPickle,
	".pt": asPickle, ".pth": asPickle, ".pt2": asPickle, ".mar": asPickle,
	".ckpt":        append([]string{"tensorflow-checkpoint"}, asPickle...),
	".safetensors": {"safetensors"}, ".gguf": {"gguf"}, ".onnx": {"onnx"}, ".tflite": {"tflite"},
	".h5": {"hdf5"}, ".hdf5": {"hdf5"}, ".keras": {"zip", "hdf5"}, ".skops": {"zip"},
	".npy": {"npy"}, ".npz": {"zip"}, ".nemo": {"tar", "gzip", "zip"},
	".mlmodel": {"coreml"}, ".pdmodel": {"paddle"}, ".cbm": {"catboost"}, ".ubj": {"xgboost-ubj"},
	".pmml": {"xml"}, ".rds": asR, ".rdata": asR,
	".json": {"json"}, ".ipynb": {"json"},
	".parquet": {"parquet"}, ".arrow": {"arrow"}, ".feather": {"arrow"},
	".png": asImage, ".jpg": asImage, ".jpeg": asImage, ".gif": asImage,
	".zip": {"zip"}, ".whl": {"zip"}, ".jar": {"zip"}, ".7z": {"7z"}, ".tar": {"tar"},
	".gz": {"gzip"}, ".tgz": {"gzip", "tar"}, ".bz2": {"bzip2"}, ".xz": {"xz"}, ".zst": {"zstd"}, ".lz4": {"lz4"},
}

// claimed are the readings that an item's name says it has, nil where it says nothing.
func claimed(it item) []string {
	name := strings.ToLower(it.base())
	if strings.HasSuffix(name, ".bin") && (strings.HasPrefix(name, "pytorch_model") || strings.HasPrefix(name, "adapter_model") || strings.HasPrefix(name, "training_args")) {
		return asPickle
	}
	return claims[it.ext()]
}

// misnamed tells of content that is not what the name says. Who goes by the name and who
// looks inside would make two things of it, and what was examined is one of them.
func (s *scanner) misnamed(it item, head []byte, is string) {
	if bytes.HasPrefix(head, []byte("version https://git-lfs.github.com/spec/")) {
		s.find(it, "lfs-pointer", Undecided, 0, "", "a pointer of Git LFS lies where the file should: fetch it (git lfs pull)")
		return
	}
	if is == "text" && it.ext() == ".pt" {
		return // so ends the name of texts in Portuguese, too; as a pickle it was tried
	}
	if is == "text" && pathsOfPython(it) {
		for line := range strings.Lines(string(head)) {
			if strings.HasPrefix(line, "import ") || strings.HasPrefix(line, "import\t") {
				s.find(it, "source-code", Undecided, -1, "CWE-829", "a line of it is code that Python runs each time it starts: "+clip(strings.TrimSpace(line), 80))
				return
			}
		}
		return
	}
	says := claimed(it)
	// An executable, under whatever name, is a finding of its own.
	if says == nil || slices.Contains(says, is) || is == "executable" {
		return
	}
	if is == "pickle" && says[0] == "npy" {
		s.find(it, "name-mismatch", Undecided, 0, "CWE-436", "its name says npy and its content is a pickle, which numpy.load runs where allow_pickle is set")
		return
	}
	s.find(it, "name-mismatch", Undecided, 0, "CWE-436", "its name says "+says[0]+" and its content is "+is+": what a loader of the one makes of the other cannot be said")
}

// pathsOfPython says whether a .pth is one of Python's lists of paths, and no weights.
func pathsOfPython(it item) bool {
	return it.ext() == ".pth" && (strings.Contains(it.path, "site-packages/") || strings.Contains(it.path, "dist-packages/") || strings.Contains(it.path, ".whl!"))
}

// empty is a file without a byte. Nothing in it can be loaded, and nothing of it run; but
// where the name says a format that no empty file has, something else was meant to lie there.
func (s *scanner) empty(it item) string {
	if it.role != roleTensor && (claimed(it) != nil || it.ext() == ".bin") {
		s.find(it, "unreadable", Undecided, -1, "", "it is empty: a download or copy broke off")
	}
	return "empty"
}
