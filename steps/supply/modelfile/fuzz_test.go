package modelfile

import (
	"bytes"
	"context"
	"slices"
	"testing"
)

// small limits keep a fuzz run from spending its time on one large input.
var small = Limits{Unpacked: 4 << 20, Memory: 64 << 10, Members: 200, Depth: 4, Header: 1 << 20, Ops: 1 << 16}

// hostile scans whatever the fuzzer makes under one name, and holds the report to
// its word: no parser falls, clean needs a format, and the verdict follows from
// the findings.
func hostile(f *testing.F, names ...string) {
	for _, s := range allSamples(f) {
		for _, n := range names {
			if (item{path: s.file}).ext() == (item{path: n}).ext() || s.file == n {
				f.Add([]byte(s.content))
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, name := range names {
			rep := Scan(context.Background(), name, bytes.NewReader(data), int64(len(data)), small)
			if slices.ContainsFunc(rep.Findings, func(f Finding) bool { return f.Rule == "internal" }) {
				t.Fatalf("%s: a parser fell: %+v", name, rep.Findings)
			}
			worst := 0
			for _, fi := range rep.Findings {
				worst = max(worst, rank(fi.Severity))
			}
			if rep.Verdict != verdicts[worst] {
				t.Fatalf("%s: verdict %s with findings %+v", name, rep.Verdict, rep.Findings)
			}
			if rep.Format == "" && rep.Verdict == Clean {
				t.Fatalf("%s: clean in no format", name)
			}
		}
	})
}

func FuzzPickleFile(f *testing.F)  { hostile(f, "a.pkl", "a.bin") }
func FuzzZip(f *testing.F)         { hostile(f, "a.zip", "a.pt", "a.npz", "a.keras", "a.skops") }
func FuzzTar(f *testing.F)         { hostile(f, "a.tar") }
func FuzzSevenZip(f *testing.F)    { hostile(f, "a.7z") }
func FuzzStreams(f *testing.F)     { hostile(f, "a.pkl.gz") }
func FuzzNpy(f *testing.F)         { hostile(f, "a.npy") }
func FuzzSafetensors(f *testing.F) { hostile(f, "a.safetensors") }
func FuzzGGUF(f *testing.F)        { hostile(f, "a.gguf") }
func FuzzONNX(f *testing.F)        { hostile(f, "a.onnx") }
func FuzzTensorFlow(f *testing.F) {
	hostile(f, "saved_model.pb", "a.pb", "a.pbtxt", "keras_metadata.pb")
}
func FuzzTFLite(f *testing.F)   { hostile(f, "a.tflite") }
func FuzzCoreML(f *testing.F)   { hostile(f, "a.mlmodel") }
func FuzzPaddle(f *testing.F)   { hostile(f, "a.pdmodel", "a.pdiparams") }
func FuzzJSON(f *testing.F)     { hostile(f, "config.json", "a.ipynb") }
func FuzzYAML(f *testing.F)     { hostile(f, "a.yaml", "MLmodel") }
func FuzzXML(f *testing.F)      { hostile(f, "a.pmml", "a.xml") }
func FuzzTemplate(f *testing.F) { hostile(f, "a.jinja") }
func FuzzUBJ(f *testing.F)      { hostile(f, "a.ubj") }
func FuzzR(f *testing.F)        { hostile(f, "a.rds") }

// FuzzBCJ holds the filter's inverse to its length: it never adds nor drops a
// byte, however the stream is cut into reads.
func FuzzBCJ(f *testing.F) {
	f.Add([]byte("\xe8\x00\x00\x00\x00\xe9\xff\xff\xff\xff\xe8\xe8\xe8\xe8\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var whole, parts bytes.Buffer
		if _, err := whole.ReadFrom(newBCJ(bytes.NewReader(data))); err != nil {
			t.Fatal(err)
		}
		if _, err := parts.ReadFrom(newBCJ(oneByte{bytes.NewReader(data)})); err != nil {
			t.Fatal(err)
		}
		if whole.Len() != len(data) || !bytes.Equal(whole.Bytes(), parts.Bytes()) {
			t.Fatalf("%d bytes became %d, or other ones when read in parts", len(data), whole.Len())
		}
	})
}

// oneByte gives one byte a read.
type oneByte struct{ r *bytes.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(1, len(p))]) }
