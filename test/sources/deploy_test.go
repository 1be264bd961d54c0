package sources

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/sevenfold-sec/sevenfold/collect/cloudformation"
	"github.com/sevenfold-sec/sevenfold/test/moto"
)

// template is the estate as a template; parameters the file of one twin's.
var template = filepath.Join("testdata", "estate.yaml")

func parameters(t testing.TB, twin string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "parameters.json")
	if err := os.WriteFile(path, []byte(`[{"ParameterKey":"Twin","ParameterValue":"`+twin+`"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// deploy makes what the template says in the double at url, by the services' own
// calls, and writes an export of it into a folder.
func deploy(t *testing.T, server *moto.Server, twin, url string) (exports string) {
	t.Helper()
	in, _, err := cloudformation.Read(context.Background(), cloudformation.Options{Path: template, Parameters: parameters(t, twin), Account: moto.Account, Region: region})
	if err != nil {
		t.Fatal(err)
	}
	var list []any
	for _, r := range in.Resources {
		list = append(list, map[string]any{"address": r.Address, "type": r.Type, "properties": referring(r.Properties)})
	}
	text, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "resources.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	exports = t.TempDir()
	server.Python(t, filepath.Join("testdata", "deploy.py"), path, twin, url, exports, filepath.Join("..", "moto"))
	return exports
}

// referring writes open values as deploy.py reads them.
func referring(v any) any {
	switch v := v.(type) {
	case *cloudformation.Open:
		if len(v.Parts) == 0 {
			return nil // a secret that is read when the stack is made
		}
		var parts []any
		for _, p := range v.Parts {
			if p.Resource == "" {
				parts = append(parts, p.Text)
			} else {
				parts = append(parts, map[string]any{"$ref": p.Resource, "attribute": p.Attribute})
			}
		}
		if len(parts) == 1 {
			return parts[0]
		}
		return map[string]any{"$join": parts}
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			out[k] = referring(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = referring(e)
		}
		return out
	}
	return v
}
