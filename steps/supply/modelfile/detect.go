package modelfile

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// reading is how one format is recognised and read. Its scan returns the name of
// the format, which may be finer than what was recognised (a zip may be torch).
type reading struct {
	name string
	is   func(head []byte, it item) bool
	scan func(*scanner, item) string
}

// magic recognises a format by its first bytes.
func magic(prefixes ...string) func([]byte, item) bool {
	return func(head []byte, _ item) bool {
		for _, p := range prefixes {
			if len(head) >= len(p) && string(head[:len(p)]) == p {
				return true
			}
		}
		return false
	}
}

// named recognises a format by its extension, for those without a magic.
func named(exts ...string) func([]byte, item) bool {
	return func(_ []byte, it item) bool {
		e := it.ext()
		for _, x := range exts {
			if e == x {
				return true
			}
		}
		return false
	}
}

var (
	formatsOnce sync.Once
	formatsMade []reading
)

// formats are the readings, made once. (A variable with an initialiser would
// depend on itself, since archives dispatch their members.)
func formats() []reading {
	formatsOnce.Do(func() { formatsMade = readings() })
	return formatsMade
}

// readings are the formats known. They are tried in this order; the first that fits reads the file.
func readings() []reading {
	return []reading{
		{"zip", magic("PK\x03\x04", "PK\x05\x06"), (*scanner).zip},
		{"safetensors", isSafetensors, (*scanner).safetensors},
		{"gguf", magic("GGUF", "FUGG"), (*scanner).gguf},
		{"hdf5", isHDF5, (*scanner).hdf5},
		{"npy", magic("\x93NUMPY"), (*scanner).npy},
		{"7z", magic("7z\xbc\xaf\x27\x1c"), (*scanner).sevenZip},
		{"gzip", magic("\x1f\x8b"), (*scanner).gzip},
		{"bzip2", isBzip2, (*scanner).bzip2},
		{"xz", magic("\xfd7zXZ\x00"), (*scanner).xz},
		{"zstd", isZstd, (*scanner).zstd},
		{"lz4", magic("\x04\x22\x4d\x18"), (*scanner).lz4},
		{"lzma", isLZMA, (*scanner).lzma},
		{"tar", isTar, (*scanner).tar},
		{"executable", isExecutable, (*scanner).executable},
		{"tflite", func(h []byte, _ item) bool { return len(h) >= 8 && string(h[4:8]) == "TFL3" }, (*scanner).tflite},
		{"zlib", isZlib, (*scanner).zlib},
		{"pickle", isPickle, (*scanner).pickleFile},
		{"catboost", magic("CBM1"), func(s *scanner, it item) string { return "catboost" }},
		{"lightgbm", magic("tree\nversion="), (*scanner).lightgbm},
		{"xgboost", isXGBoostBinary, (*scanner).xgboostBinary},
		{"r", isR, (*scanner).rData},
		{"parquet", magic("PAR1"), opaque("parquet")},
		{"arrow", magic("ARROW1", "FEA1"), opaque("arrow")},
		{"tfrecord", named(".tfrecord", ".tfrecords"), opaque("tfrecord")},
		{"fasttext", magic("\xba\x16\x4f\x2f"), opaque("fasttext")},
		{"image", magic("\x89PNG\r\n\x1a\n", "\xff\xd8\xff", "GIF8"), opaque("image")},
		{"tensorflow-checkpoint", isCheckpoint, (*scanner).checkpoint},
		{"savedmodel", isSavedModel, (*scanner).savedModel},
		{"onnx", isONNX, (*scanner).onnx},
		{"coreml", named(".mlmodel"), (*scanner).coreML},
		{"paddle", named(".pdmodel"), (*scanner).paddleProgram},
		{"paddle-params", isPaddleParams, (*scanner).paddleParams},
		{"xml", isXML, (*scanner).xml},
		{"json", isJSON, (*scanner).json},
		{"xgboost-ubj", isUBJ, (*scanner).ubj},
		{"yaml", isYAML, (*scanner).yaml},
		{"template", named(".jinja", ".jinja2", ".j2", ".template"), (*scanner).template},
		{"torchscript-code", func(_ []byte, it item) bool { return it.role == roleCode }, (*scanner).scriptCode},
		{"source", named(".py", ".pyc", ".sh", ".js", ".r", ".lua", ".ipy", ".jl"), (*scanner).source},
		{"sentencepiece", isSentencePiece, opaque("sentencepiece")},
		{"text", isText, (*scanner).text},
	}
}

// opaque is a format that holds data only and has no loader that runs anything.
func opaque(name string) func(*scanner, item) string {
	return func(*scanner, item) string { return name }
}

// dispatch recognises an item, reads it and returns its format.
func (s *scanner) dispatch(it item) string {
	if it.size == 0 {
		return s.empty(it)
	}
	if it.size < 0 {
		s.find(it, "unreadable", Undecided, -1, "", "its size is not known")
		return ""
	}
	head := narrow(s.head(it, 0, 4096))
	if len(head) == 0 {
		s.find(it, "unreadable", Undecided, -1, "", "nothing of it could be read")
		return ""
	}
	if it.role == roleTensor {
		return s.tensorBytes(it, head)
	}
	for _, r := range formats() {
		if r.is(head, it) {
			s.misnamed(it, head, r.name)
			s.polyglot(it, head, r.name)
			return r.scan(s, it)
		}
	}
	return s.unrecognised(it, head)
}

// tensorBytes are bytes that the container's loader copies into a tensor: they
// are nothing else, unless somebody hides a whole program or archive in them.
func (s *scanner) tensorBytes(it item, head []byte) string {
	if isExecutable(head, it) && head[0] != '#' {
		s.executable(it)
	}
	return "tensor"
}

// unrecognised is a file in no format known here. A loader that unpickles
// whatever it is given would still run it, so it is tried as a pickle.
func (s *scanner) unrecognised(it item, head []byte) string {
	if pickleName(it) || it.role == rolePickle {
		return s.pickleFile(it)
	}
	s.polyglot(it, head, "")
	if it.siblings != nil && s.rawBeside(it) {
		return "raw"
	}
	s.find(it, "format-unknown", Undecided, 0, "", "no format known here; what a loader makes of it cannot be said")
	return ""
}

// rawBeside says whether a file that lies beside this one declares it to be raw
// weights: OpenVINO's .xml does so for the .bin of the same name, an ONNX model
// for its external data.
func (s *scanner) rawBeside(it item) bool {
	base := it.base()
	stem := base[:len(base)-len(it.ext())]
	switch it.ext() {
	case ".bin":
		return slices.Contains(it.siblings, stem+".xml")
	case ".data", ".onnx_data", ".weight", ".weights":
		return slices.ContainsFunc(it.siblings, func(n string) bool { return strings.HasSuffix(n, ".onnx") })
	}
	return false
}

func pickleName(it item) bool {
	switch it.ext() {
	case ".pkl", ".pickle", ".pk", ".p", ".dill", ".joblib", ".pt", ".pth", ".ckpt", ".sav", ".pt2", ".pkl2", ".mar":
		return true
	}
	return it.role == rolePickle
}

func isPickle(head []byte, it item) bool {
	if len(head) >= 2 && head[0] == 0x80 && head[1] >= 1 && head[1] <= 5 {
		return true
	}
	return pickleName(it) && (!isText8(head) || looksProtocol0(head) && !pathsOfPython(it))
}

// looksProtocol0 says whether text starts as a text pickle may.
func looksProtocol0(head []byte) bool {
	return len(head) > 0 && bytes.IndexByte([]byte("(.012FIJKLMNPQRSTUVXabcdeghijlopqrstu]})GBC\x80"), head[0]) >= 0
}

func isBzip2(h []byte, _ item) bool {
	return len(h) > 10 && string(h[:3]) == "BZh" && h[3] >= '1' && h[3] <= '9' && (string(h[4:10]) == "1AY&SY" || string(h[4:8]) == "\x17\x72\x45\x38")
}

func isZstd(h []byte, _ item) bool {
	return len(h) >= 4 && binary.LittleEndian.Uint32(h) == 0xFD2FB528
}

// isLZMA recognises the old .lzma container: properties 0x5d and a plausible
// dictionary size.
func isLZMA(h []byte, _ item) bool {
	if len(h) < 13 || h[0] != 0x5d || h[1] != 0 || h[2] != 0 {
		return false
	}
	n := binary.LittleEndian.Uint64(h[5:])
	return n == ^uint64(0) || n < 1<<38
}

func isZlib(h []byte, it item) bool {
	if len(h) < 6 || h[0] != 0x78 || (uint(h[0])<<8|uint(h[1]))%31 != 0 || h[1]&0x20 != 0 {
		return false
	}
	// 'x' starts text as well; a deflate block of a reserved type is no zlib.
	return h[2]>>1&3 != 3 && !isText8(h)
}

func isText(head []byte, _ item) bool { return isText8(head) }

// isText8 says whether the head is UTF-8 without control characters.
func isText8(head []byte) bool {
	b := head
	if len(b) > 3 { // a rune may be cut at the end
		for i := 0; i < 3 && len(b) > 0 && !utf8.RuneStart(b[len(b)-1]); i++ {
			b = b[:len(b)-1]
		}
		if len(b) > 0 && b[len(b)-1] >= utf8.RuneSelf {
			b = b[:len(b)-1]
		}
	}
	if !utf8.Valid(b) {
		return false
	}
	for _, c := range b {
		if c < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != 0x1b || c == 0x7f {
			return false
		}
	}
	return true
}

func firstByte(head []byte) byte {
	h := bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	h = bytes.TrimLeft(h, " \t\r\n")
	if len(h) == 0 {
		return 0
	}
	return h[0]
}

func isJSON(head []byte, it item) bool {
	c := firstByte(head)
	switch it.ext() {
	case ".json", ".ipynb", ".index", ".jsonl":
		return c == '{' || c == '[' || it.ext() == ".json"
	}
	if c == '{' && isText8(head) {
		h := bytes.TrimLeft(bytes.TrimLeft(head, " \t\r\n")[1:], " \t\r\n")
		return len(h) > 0 && (h[0] == '"' || h[0] == '}')
	}
	return false
}

func isXML(head []byte, it item) bool {
	return firstByte(head) == '<' && (it.ext() == ".xml" || it.ext() == ".pmml" || bytes.Contains(head, []byte("<?xml")) || bytes.Contains(head, []byte("<!DOCTYPE")) || bytes.Contains(head, []byte("<PMML")) || bytes.Contains(head, []byte("<net ")))
}

func isYAML(head []byte, it item) bool {
	switch it.ext() {
	case ".yaml", ".yml":
		return true
	}
	return it.base() == "MLmodel"
}

// isSentencePiece recognises the protobuf of a SentencePiece vocabulary: its
// first field is a piece with the text "<unk>" or alike.
func isSentencePiece(h []byte, it item) bool {
	return len(h) > 8 && h[0] == 0x0a && h[2] == 0x0a && (it.ext() == ".model" || it.ext() == ".spm") && bytes.Contains(h[:min(len(h), 256)], []byte("<unk>"))
}
