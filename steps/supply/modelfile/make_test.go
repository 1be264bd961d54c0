package modelfile

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
)

// echo is a pickle that would run a command; plain one that makes a dict.
const (
	echo  = "cos\nsystem\n(S'echo pwned'\ntR."
	plain = "\x80\x04}\x94\x8c\x01aK\x01s."
)

func scanBytes(tb testing.TB, name, content string, lim Limits) Report {
	tb.Helper()
	return Scan(context.Background(), name, strings.NewReader(content), int64(len(content)), lim)
}

type file struct {
	name, content string
	method        uint16
}

func zipOf(tb testing.TB, files ...file) string {
	tb.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		w, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: f.method})
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write([]byte(f.content)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

func tarOf(tb testing.TB, headers ...tar.Header) string {
	tb.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		content := h.PAXRecords["content"]
		h.PAXRecords = nil
		h.Size = int64(len(content))
		if err := w.WriteHeader(&h); err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

// tarFile is a header whose content travels with it.
func tarFile(name, content string) tar.Header {
	return tar.Header{Name: name, Mode: 0o600, Typeflag: tar.TypeReg, PAXRecords: map[string]string{"content": content}}
}

func gz(tb testing.TB, content string) string {
	tb.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(content)); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

// le writes numbers of the widths they have, little-endian.
func le(values ...any) string {
	var b []byte
	for _, v := range values {
		switch v := v.(type) {
		case uint16:
			b = binary.LittleEndian.AppendUint16(b, v)
		case uint32:
			b = binary.LittleEndian.AppendUint32(b, v)
		case uint64:
			b = binary.LittleEndian.AppendUint64(b, v)
		case string:
			b = append(b, v...)
		default:
			panic("a width must be said")
		}
	}
	return string(b)
}

func be(values ...uint32) string {
	var b []byte
	for _, v := range values {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return string(b)
}

func tensors(header, data string) string {
	return le(uint64(len(header)), header, data)
}

// pb writes a protobuf field: a number, or a text or message.
func pb(num int, v any) string {
	var b []byte
	switch v := v.(type) {
	case int:
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(num)<<3), uint64(v))
	case string:
		b = append(binary.AppendUvarint(binary.AppendUvarint(b, uint64(num)<<3|2), uint64(len(v))), v...)
	}
	return string(b)
}

// ggufText is a string of GGUF; ggufFile a file of the given pairs and tensors.
func ggufText(s string) string { return le(uint64(len(s)), s) }

func ggufFile(tensors, pairs uint64, rest ...string) string {
	return "GGUF" + le(uint32(3), tensors, pairs) + strings.Join(rest, "")
}

func npyFile(header, data string) string {
	return "\x93NUMPY\x01\x00" + le(uint16(len(header))) + header + data
}

func kerasFile(tb testing.TB, layer string) string {
	tb.Helper()
	config := `{"module":"keras","class_name":"Sequential","config":{"layers":[` + layer + `]},"registered_name":null}`
	return zipOf(tb, file{"config.json", config, zip.Deflate}, file{"metadata.json", `{"keras_version":"3.5.0"}`, zip.Store})
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func unhex(s string) string {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return string(b)
}

// liteFile is a TensorFlow Lite model of one operator with a custom name; an
// empty name makes it a built-in one.
func liteFile(custom string) string {
	// Tables and their lists of fields lie one behind the other; offsets are
	// counted from where they stand.
	text := le(uint32(len(custom)), custom)
	for len(text)%4 != 0 || len(text) == 4+len(custom) {
		text += "\x00"
	}
	b := []byte(le(uint32(0)) + "TFL3")
	put := func(at int, to int) { binary.LittleEndian.PutUint32(b[at:], uint32(to-at)) }
	table := func(slots ...uint16) (at int) {
		v := len(b)
		b = binary.LittleEndian.AppendUint16(b, uint16(4+2*len(slots)))
		b = binary.LittleEndian.AppendUint16(b, uint16(4+4*len(slots)))
		for _, s := range slots {
			b = binary.LittleEndian.AppendUint16(b, s)
		}
		for len(b)%4 != 0 {
			b = append(b, 0)
		}
		at = len(b)
		b = binary.LittleEndian.AppendUint32(b, uint32(at-v))
		b = append(b, make([]byte, 4*len(slots))...)
		return at
	}
	root := table(4, 8, 12)
	binary.LittleEndian.PutUint32(b[root+4:], 3)
	put(0, root)
	codes := len(b)
	b = append(b, le(uint32(1), uint32(0))...)
	put(root+8, codes)
	subs := len(b)
	b = append(b, le(uint32(1), uint32(0))...)
	put(root+12, subs)
	sub := table()
	put(subs+4, sub)
	var code int
	if custom == "" {
		code = table(4)
	} else {
		code = table(4, 8)
		at := len(b)
		b = append(b, text...)
		put(code+8, at)
	}
	put(codes+4, code)
	return string(b)
}
