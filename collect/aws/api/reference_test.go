package api_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/test/moto"
)

// answer is what boto3 got, in the command line's spelling, or the code it was
// refused with.
type answer struct {
	Reply any
	Code  string
}

// reference asks boto3, which reads the same service models by a program that
// shares nothing with this package.
func reference(t *testing.T, s *moto.Server, list []one) []answer {
	t.Helper()
	file := filepath.Join(t.TempDir(), "calls.json")
	b, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	var out []answer
	if err := json.Unmarshal(s.Python(t, filepath.Join("testdata", "reference.py"), file), &out); err != nil {
		t.Fatal(err)
	}
	if len(out) != len(list) {
		t.Fatalf("boto3 answered %d of %d calls", len(out), len(list))
	}
	return out
}

func compare(t *testing.T, got json.RawMessage, err error, want answer) {
	t.Helper()
	var e *api.Error
	if errors.As(err, &e) || want.Code != "" {
		if e == nil || e.Code != want.Code {
			t.Fatalf("error %v, want code %q", err, want.Code)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	var g any
	if err := json.Unmarshal(got, &g); err != nil {
		t.Fatalf("the reply is no JSON: %v\n%s", err, got)
	}
	still := cmp.FilterPath(func(p cmp.Path) bool { // moto says "now" here
		s := p.GoString()
		return strings.Contains(s, "LatestRestorableTime") || strings.Contains(s, `["SizeInBytes"].(map[string]any)["Timestamp"]`)
	}, cmp.Ignore())
	if d := cmp.Diff(want.Reply, g, still); d != "" {
		t.Errorf("reply differs from boto3's (-boto3 +ours):\n%s", d)
	}
}
