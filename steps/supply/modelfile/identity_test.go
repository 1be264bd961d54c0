package modelfile

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func identify(tb testing.TB, name, content string) Identity {
	tb.Helper()
	id, rep := Identify(context.Background(), name, strings.NewReader(content), int64(len(content)), Limits{})
	if rep.Verdict != Clean {
		tb.Fatalf("%s is %s: %+v", name, rep.Verdict, rep.Findings)
	}
	return id
}

// torchOf is a torch archive of one float tensor w, transposed if asked.
func torchOf(tb testing.TB, shape, strides, data string) string {
	tb.Helper()
	text := func(s string) string { return le("X", uint32(len(s)), s) }
	p := "\x80\x02}" + text("w") + "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\nFloatStorage\n" +
		text("0") + text("cpu") + "K\x02tQK\x00" + shape + strides + "\x89ccollections\nOrderedDict\n)RtRs."
	return zipOf(tb, file{"m/data.pkl", p, zip.Store}, file{"m/data/0", data, zip.Store})
}

// One tensor bears one hash whatever format it comes in.
func TestIdentifyAcrossFormats(t *testing.T) {
	const data = "\x00\x00\x80\x3f\x00\x00\x00\x40"
	sum := sha256.Sum256([]byte(data))
	hash := hex.EncodeToString(sum[:])
	ggufHead := ggufFile(1, 0, ggufText("w"), le(uint32(1), uint64(2), uint32(0), uint64(0)))
	tests := []struct {
		name, file, content, typ string
	}{
		{"safetensors", "a.safetensors", tensors(`{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, data), "F32"},
		{"torch", "a.pt", torchOf(t, "K\x02\x85", "K\x01\x85", data), "Float"},
		{"gguf", "a.gguf", ggufHead + strings.Repeat("\x00", (32-len(ggufHead)%32)%32) + data, "ggml-0"},
		{"onnx", "a.onnx", pb(1, 8) + pb(7, pb(1, pb(4, "Relu"))+pb(5, pb(1, 2)+pb(2, 1)+pb(8, "w")+pb(9, data))), "onnx-1"},
	}
	var architecture string
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			id := identify(t, tt.file, tt.content)
			want := []Tensor{{Name: "w", Type: tt.typ, Shape: []uint64{2}, Bytes: 8, SHA256: hash}}
			if diff := cmp.Diff(want, id.Tensors); diff != "" || id.Parameters != 2 {
				t.Errorf("%d parameters (-want +got)\n%s", id.Parameters, diff)
			}
			if architecture == "" {
				architecture = id.Architecture
			}
			if id.Architecture == "" || id.Architecture != architecture {
				t.Errorf("architecture %q, want %q", id.Architecture, architecture)
			}
		})
	}
}

// A view that is no plain array has no bytes of its own to hash: none is given,
// rather than a wrong one.
func TestIdentifyViews(t *testing.T) {
	id := identify(t, "a.pt", torchOf(t, "K\x02K\x02\x86", "K\x01K\x02\x86", strings.Repeat("\x00", 16)))
	want := []Tensor{{Name: "w", Type: "Float", Shape: []uint64{2, 2}}}
	if diff := cmp.Diff(want, id.Tensors); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A state dict is an OrderedDict, and two tensors may bear one name in two layers.
func TestIdentifyStateDicts(t *testing.T) {
	content := torchOf(t, "K\x02\x85", "K\x01\x85", "12345678")
	content = strings.Replace(content, "\x80\x02}", "\x80\x02ccollections\nOrderedDict\n)R", 1)
	content = zipOf(t, file{"m/data.pkl", content[strings.Index(content, "\x80\x02") : strings.Index(content, "Rs.")+3], zip.Store}, file{"m/data/0", "12345678", zip.Store})
	if id := identify(t, "a.pt", content); len(id.Tensors) != 1 || id.Tensors[0].SHA256 == "" {
		t.Errorf("got %+v", id.Tensors)
	}
}

func TestCompare(t *testing.T) {
	model := func(a, b string, more string) Identity {
		return identify(t, "a.safetensors", tensors(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}`+more+`}`, a+b))
	}
	base := model("1", "2", "")
	tuned := model("1", "3", "")
	if diff := cmp.Diff(Kinship{SameArchitecture: true, Equal: 1, Changed: 1}, Compare(base, tuned)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	other := identify(t, "b.safetensors", tensors(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"c":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}`, "123"))
	if diff := cmp.Diff(Kinship{Reshaped: 1, OnlyFirst: 1, OnlySecond: 1}, Compare(base, other)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if k := Compare(Identity{}, Identity{}); k.SameArchitecture {
		t.Error("two files without tensors are of one architecture")
	}
}
