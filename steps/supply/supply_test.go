package supply

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/steps/supply/modelfile"
)

// calls is a pickle that would have a shell print a word.
const calls = "cos\nsystem\n(S'echo pwned'\ntR."

type file struct {
	name, text string
	beside     []string
	err, shut  error
}

func (f file) Path() string     { return f.name }
func (f file) Beside() []string { return f.beside }
func (f file) Open() (io.ReaderAt, int64, func() error, error) {
	return bytes.NewReader([]byte(f.text)), int64(len(f.text)), func() error { return f.shut }, f.err
}

func zipped(t *testing.T, name, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	part, err := w.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(part, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestScan(t *testing.T) {
	unread := func(path, text string) Answer {
		return Answer{[]Artifact{{Path: path, Verdict: modelfile.Unknown}}, []Finding{{Path: path, Rule: "unreadable", Severity: modelfile.Undecided, Offset: -1, Text: text}}}
	}
	for _, tt := range []struct {
		name string
		f    file
		want Answer
	}{
		{"denied", file{name: "a.pkl", err: errors.New("permission denied")}, unread("a.pkl", "it was not read: permission denied")},
		{"clean, but not closed", file{name: "a.pkl", text: "K\x01.", shut: errors.New("stale")}, unread("a.pkl", "it could not be closed")},
	} {
		if diff := cmp.Diff(tt.want, Scan(context.Background(), tt.f, modelfile.Limits{})); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
	clean := Scan(context.Background(), file{name: "a.pkl", text: "K\x01."}, modelfile.Limits{Digest: true})
	if len(clean.Artifacts) != 1 || clean.Artifacts[0].Verdict != modelfile.Clean || len(clean.Artifacts[0].SHA256) != 64 || clean.Findings == nil {
		t.Errorf("clean: %+v", clean)
	}
	got := Scan(context.Background(), file{name: "in.zip", text: zipped(t, "x/data.pkl", calls)}, modelfile.Limits{Digest: true})
	if sum := sha256.Sum256([]byte(calls)); len(got.Artifacts) > 1 && got.Artifacts[1].SHA256 != hex.EncodeToString(sum[:]) {
		t.Errorf("the member's hash is %s", got.Artifacts[1].SHA256)
	}
	if len(got.Artifacts) != 2 || got.Artifacts[0].Path != "in.zip" || got.Artifacts[1].Path != "in.zip!x/data.pkl" || got.Worst() != modelfile.Malicious || got.Artifacts[0].Verdict != modelfile.Malicious {
		t.Errorf("%+v", got)
	}
	if len(got.Findings) == 0 || got.Findings[0].Path != "in.zip!x/data.pkl" {
		t.Errorf("%+v", got.Findings)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if late := Scan(ctx, file{name: "a.pkl", text: "K\x01."}, modelfile.Limits{}); late.Worst() != modelfile.Unknown {
		t.Errorf("out of time: %+v", late)
	}
}

func TestWorst(t *testing.T) {
	for _, tt := range []struct {
		all  []modelfile.Verdict
		want modelfile.Verdict
	}{
		{nil, modelfile.Unknown},
		{[]modelfile.Verdict{modelfile.Clean}, modelfile.Clean},
		{[]modelfile.Verdict{modelfile.Clean, modelfile.Unknown}, modelfile.Unknown},
		{[]modelfile.Verdict{modelfile.Suspicious, modelfile.Unknown}, modelfile.Suspicious},
		{[]modelfile.Verdict{modelfile.Malicious, modelfile.Suspicious, modelfile.Clean}, modelfile.Malicious},
		{[]modelfile.Verdict{modelfile.Clean, "a word of later"}, "a word of later"},
	} {
		var a Answer
		for _, v := range tt.all {
			a.Add(Answer{Artifacts: []Artifact{{Verdict: v}}})
		}
		if got := a.Worst(); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.all, got, tt.want)
		}
	}
}

// TestWhatEveryVerdictRestsOn: an unknown without a finding would leave a person
// with nothing to do.
func TestWhatEveryVerdictRestsOn(t *testing.T) {
	got := answer(modelfile.Report{Name: "x", Size: 7, Verdict: modelfile.Unknown})
	if len(got.Findings) != 1 || got.Findings[0].Text != "7 bytes could not be judged" {
		t.Errorf("%+v", got)
	}
}

// An empty file says nothing of the model that its name promises.
func TestEmptyModel(t *testing.T) {
	for name, want := range map[string]modelfile.Verdict{"a/model.pt": modelfile.Unknown, "model.safetensors": modelfile.Unknown, "-": modelfile.Unknown, "a/.gitkeep": modelfile.Clean, "pkg/__init__.py": modelfile.Clean} {
		rep := modelfile.Scan(context.Background(), name, strings.NewReader(""), 0, modelfile.Limits{})
		if a := AnswerOf(rep); a.Worst() != want || want == modelfile.Unknown && len(a.Findings) != 1 {
			t.Errorf("%s: %+v", name, a)
		}
	}
}
