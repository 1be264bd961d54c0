package modelfile

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func walked(b string) ([]string, error) {
	var out []string
	err := walkJSON([]byte(b), func(n node) { out = append(out, fmt.Sprintf("%s=%s %v", strings.Join(n.path, "."), n.value, n.isText)) })
	return out, err
}

func TestWalkJSON(t *testing.T) {
	got, err := walked(`{"a":"x\u0041","b":[1,"y",{"c":true}],"d":2.5e3,"e":null,"f":{},"g":[]} "next"`)
	want := []string{"a=xA true", "b.1=y true", "b.2.c=true false", "d=2.5e3 false", "e= false", "=next true"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	for _, bad := range []string{`{`, `{"a"`, `{"a":`, `{"a":1,}`, `[1 2]`, `"a`, `{a:1}`, `nul`, "\"a\nb\"", strings.Repeat("[", 1000)} {
		if _, err := walked(bad); err == nil {
			t.Errorf("%.20q is read as JSON", bad)
		}
	}
}

// texts are all texts of a decoded document.
func texts(v any, out []string) []string {
	switch v := v.(type) {
	case string:
		return append(out, v)
	case []any:
		for _, e := range v {
			out = texts(e, out)
		}
	case map[string]any:
		for _, e := range v {
			out = texts(e, out)
		}
	}
	return out
}

// What the library takes for JSON the walker reads to its end, with the same
// texts; where a key occurs twice it sees both.
func FuzzWalkJSON(f *testing.F) {
	f.Add([]byte(`{"a":["x\n",1,true],"b":{"c":null}}`))
	f.Add([]byte("\"\xff\xfe\\ud800\""))
	f.Fuzz(func(t *testing.T, data []byte) {
		var got []string
		err := walkJSON(data, func(n node) {
			if n.isText {
				got = append(got, n.value)
			}
		})
		var v any
		if json.Unmarshal(data, &v) != nil || strings.Count(string(data), "[")+strings.Count(string(data), "{") > maxDocumentDepth {
			return
		}
		if err != nil {
			t.Fatalf("valid JSON is refused: %v", err)
		}
		for _, s := range texts(v, nil) {
			if !slices.Contains(got, s) {
				t.Fatalf("the text %q is missed", s)
			}
		}
	})
}
