package format

import (
	"bytes"
	"encoding/json"
	"path"
	"strings"
	"unicode/utf8"
)

// headSize is how much of a file its format is told from.
const headSize = 8 << 10

// magics are the first bytes of formats. Order matters where one is another's
// beginning.
var magics = []struct{ prefix, kind string }{
	{"PAR1", "parquet"}, {"ARROW1", "arrow"}, {"FEA1", "feather1"}, {"Obj\x01", "avro"}, {"SQLite format 3\x00", "sqlite"},
	{"%PDF-", "pdf"}, {"\x93NUMPY", "npy"}, {"\x1f\x8b", "gzip"}, {"\x28\xb5\x2f\xfd", "zstd"}, {"BZh", "bzip2"},
	{"\xfd7zXZ\x00", "xz"}, {"PK\x03\x04", "zip"}, {"PK\x05\x06", "zip"}, {"ORC", "orc"}, {"\x89HDF", "hdf5"},
	{"\x89PNG", "image"}, {"\xff\xd8\xff", "image"}, {"GIF8", "image"}, {"II*\x00", "image"}, {"MM\x00*", "image"},
	{"ID3", "audio"}, {"OggS", "audio"}, {"fLaC", "audio"}, {"\x00\x00\x00\x18ftyp", "video"}, {"\x00\x00\x00\x20ftyp", "video"},
	{"\x1aE\xdf\xa3", "video"}, {"7z\xbc\xaf\x27\x1c", "7z"}, {"Rar!", "rar"}, {"\xd0\xcf\x11\xe0", "ole"},
	{"{\\rtf", "rtf"}, {"GGUF", "model"}, {"\x7fELF", "program"}, {"MZ", "program"}, {"RIFF", "media"},
}

// opaque are formats that are known and not read, with the reason.
var opaque = map[string]string{
	"feather1": "Feather version 1 is not read: write it again as Arrow or Parquet",
	"orc":      "ORC is not read",
	"hdf5":     "HDF5 is not read",
	"image":    "an image: what it shows is not read",
	"audio":    "a recording: what is said in it is not read",
	"video":    "a video: what it shows is not read",
	"media":    "a media file: what it holds is not read",
	"7z":       "7z archives are not read",
	"rar":      "RAR archives are not read",
	"ole":      "documents of Office before 2007 are not read",
	"model":    "a model's weights: what it has learnt cannot be read out",
	"program":  "a program: not data",
	"pickle":   "a pickle: reading it would mean to run it",
	"rtf":      "rich text is not read: write it again as docx or text",
}

var extensions = map[string]string{
	".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".geojson": "json",
	".ipynb": "notebook", ".html": "html", ".htm": "html", ".xml": "xml", ".svg": "xml", ".md": "markdown", ".txt": "text",
	".log": "log", ".eml": "mail", ".mbox": "mbox", ".sql": "sql", ".tfrecord": "tfrecord", ".tfrecords": "tfrecord", ".tar": "tar",
}

// detect names the format of a file from its first bytes and its name.
func detect(name string, head []byte) string {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.prefix)) && !(lettersOnly(m.prefix) && isText(head)) {
			return m.kind
		}
	}
	if len(head) > 16 && string(head[:4]) == "\xff\xff\xff\xff" && head[6] == 0 && head[7] == 0 && head[4]&7 == 0 {
		return "arrow" // a stream: a mark and the length of its schema
	}
	if len(head) > 262 && string(head[257:262]) == "ustar" {
		return "tar"
	}
	if len(head) > 16 && tfrecordHead(head) {
		return "tfrecord"
	}
	if len(head) > 2 && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5 {
		return "pickle"
	}
	ext := strings.ToLower(path.Ext(name))
	if !isText(head) {
		return "binary"
	}
	if kind, ok := extensions[ext]; ok && kind != "tfrecord" && kind != "tar" {
		return kind
	}
	return sniff(head)
}

// lettersOnly reports whether a magic could be a text's first word: ORC, MZ.
func lettersOnly(prefix string) bool {
	return len(prefix) < 5 && strings.IndexFunc(prefix, func(c rune) bool { return c < 'A' || c > 'z' }) < 0
}

// isText reports whether bytes are of a text in UTF-8, UTF-16 with its mark, or
// an eight-bit encoding: few control characters.
func isText(head []byte) bool {
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) || bytes.HasPrefix(head, []byte("\x00\x00\xfe\xff")) {
		return true
	}
	control := 0
	for _, c := range head {
		if c < 0x20 && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != 0x1b || c == 0x7f {
			control++
		}
	}
	if control*100 > len(head) {
		return false
	}
	if utf8.Valid(head) {
		return true
	}
	// An eight-bit encoding has letters beyond ASCII among many within it.
	high := 0
	for _, c := range head {
		if c >= 0x80 {
			high++
		}
	}
	return high*2 < len(head) || control == 0 && mostlyValid(head)
}

// mostlyValid reports whether a text is UTF-8 but for a cut end or a few faults.
func mostlyValid(b []byte) bool {
	bad := 0
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			bad++
		}
		i += n
	}
	return bad*50 < len(b)
}

// sniff tells apart texts whose name says nothing.
func sniff(head []byte) string {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case len(text) == 0:
		return "text"
	case text[0] == '{' || text[0] == '[':
		if line, _, more := bytes.Cut(text, []byte("\n")); json.Valid(line) || !more {
			return "jsonl"
		}
		if len(text) > 1 && strings.IndexByte("\"{[}]\n\r \t-0123456789tfn", text[1]) >= 0 {
			return "json"
		}
	case text[0] == '<':
		low := bytes.ToLower(text[:min(len(text), 200)])
		if bytes.Contains(low, []byte("<!doctype")) || bytes.Contains(low, []byte("<html")) || bytes.HasPrefix(low, []byte("<?xml")) {
			return "html"
		}
	case bytes.HasPrefix(text, []byte("From ")) && mailHead(text[bytes.IndexByte(text, '\n')+1:]):
		return "mbox"
	case mailHead(text):
		return "mail"
	}
	if d := delimiter(text); d != 0 {
		if d == '\t' {
			return "tsv"
		}
		return "csv"
	}
	return "text"
}

// mailHead reports whether a text begins with header fields of a message.
func mailHead(text []byte) bool {
	n, from := 0, false
	for line := range bytes.Lines(text[:min(len(text), 2000)]) {
		name, _, ok := bytes.Cut(line, []byte(":"))
		if !ok || bytes.ContainsAny(name, " \t") {
			if len(line) > 0 && (line[0] == ' ' || line[0] == '\t') {
				continue
			}
			break
		}
		n++
		switch strings.ToLower(string(name)) {
		case "from", "received", "message-id", "return-path":
			from = true
		}
	}
	return from && n >= 3
}

// delimiter finds the character that parts every line of a table into the same
// number of cells, or 0.
func delimiter(text []byte) byte {
	lines := bytes.Split(text, []byte("\n"))
	if len(lines) > 2 {
		lines = lines[:len(lines)-1] // the last may be cut
	}
	if len(lines) > 20 {
		lines = lines[:20]
	}
	for _, d := range []byte{'\t', ',', ';', '|'} {
		want, same := bytes.Count(lines[0], []byte{d}), 0
		if want == 0 || len(lines) < 3 {
			continue
		}
		for _, l := range lines {
			if bytes.Count(l, []byte{d}) == want {
				same++
			}
		}
		if same*10 >= len(lines)*9 {
			return d
		}
	}
	return 0
}
