package sources

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/sevenfold-sec/sevenfold/test/fakebedrock"
)

// reply is one reply of Bedrock's: which operation gives it, and what stands in
// it on each twin.
type reply struct {
	Service, Operation  string
	Both, Faulty, Clean fakebedrock.Doc
}

// bedrock reads testdata/bedrock.json, of which the fake Bedrock is made.
func bedrock(t testing.TB, twin string) []reply {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "bedrock.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list, out []reply
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		more := r.Clean
		if twin == "faulty" {
			more = r.Faulty
		}
		if r.Both == nil && more == nil {
			continue // it answers nothing on this twin
		}
		if r.Both == nil {
			r.Both = fakebedrock.Doc{}
		}
		maps.Copy(r.Both, more)
		integers(r.Both)
		out = append(out, r)
	}
	return out
}

// integers gives whole numbers the type that the fake asks for.
func integers(doc map[string]any) {
	for k, v := range doc {
		switch v := v.(type) {
		case float64:
			if v == float64(int(v)) {
				doc[k] = int(v)
			}
		case map[string]any:
			integers(v)
		}
	}
}
