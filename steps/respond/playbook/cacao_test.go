package playbook

import (
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schema is OASIS's own, of testdata/cacao.
func schema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	root := os.DirFS("testdata/cacao")
	err := fs.WalkDir(root, ".", func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || path.Ext(p) != ".json" {
			return err
		}
		f, err := root.Open(p)
		if err != nil {
			return err
		}
		defer f.Close()
		doc, err := jsonschema.UnmarshalJSON(f)
		if err != nil {
			return err
		}
		return c.AddResource("https://raw.githubusercontent.com/oasis-open/cacao-json-schemas/main/schemas/"+p, doc)
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("https://raw.githubusercontent.com/oasis-open/cacao-json-schemas/main/schemas/playbook.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func valid(t testing.TB, s *jsonschema.Schema, text []byte) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

// TestCACAO writes every playbook of the catalogue as CACAO, which is valid by OASIS's
// schema, reads it again, and it does the same.
func TestCACAO(t *testing.T) {
	s := schema(t)
	files, err := filepath.Glob("../catalogue/*/playbook.yaml")
	if err != nil || len(files) < 18 {
		t.Fatal(files, err)
	}
	texts := map[string]string{"killed": killed}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		texts[f] = string(text)
	}
	for name, text := range texts {
		p, err := Load(name, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		out, err := Export(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := valid(t, s, out); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		again, err := Import(name+".json", out)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		slices.SortFunc(p.Variables, func(a, b Variable) int { return strings.Compare(a.Name, b.Name) })
		if !SameGraph(p, again) {
			t.Errorf("%s does something else when it comes back", name)
		}
	}
	if err := valid(t, s, []byte(`{"type":"playbook","spec_version":"cacao-1.0"}`)); err == nil {
		t.Error("the schema takes anything")
	}
}

func TestImportedRuns(t *testing.T) {
	p, err := Load("k.yaml", []byte(killed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := Export(p)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Import("k.json", text)
	if err != nil {
		t.Fatal(err)
	}
	j, l := journal(t, filepath.Join(t.TempDir(), "j")), newLedger(t)
	if err := Begin(j, again, nil); err != nil {
		t.Fatal(err)
	}
	if out := resume(t, j, Options{Actor: l}); out.Status != Done || len(l.lines()) != killedCalls {
		t.Error(out, l.did())
	}
}

func TestWhatIsNotImported(t *testing.T) {
	p, err := Load("p.yaml", []byte(head+"- {id: a, do: x.cut}\n- {id: q, ask: see $level}\n"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := Export(p)
	if err != nil {
		t.Fatal(err)
	}
	change := func(fn func(id string, s map[string]any)) []byte {
		var doc map[string]any
		if err := json.Unmarshal(text, &doc); err != nil {
			t.Fatal(err)
		}
		for id, s := range doc["workflow"].(map[string]any) {
			fn(id, s.(map[string]any))
		}
		out, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	onAction := func(set func(s map[string]any)) []byte {
		return change(func(id string, s map[string]any) {
			if s["name"] == "a" {
				set(s)
			}
		})
	}
	for name, tt := range map[string]struct {
		text []byte
		want string
	}{
		"a shell": {onAction(func(s map[string]any) {
			delete(s, "step_extensions")
			s["commands"] = []any{map[string]any{"type": "bash", "command": "rm -rf /"}}
		}), `a command of type "bash" is not run`},
		"an unknown type":  {onAction(func(s map[string]any) { s["type"] = "teleport" }), `type "teleport" is not known`},
		"another playbook": {onAction(func(s map[string]any) { s["type"] = "playbook-action" }), "another playbook is not called"},
		"a delay":          {onAction(func(s map[string]any) { s["delay"] = 5 }), "a delay is not done"},
		"nowhere":          {onAction(func(s map[string]any) { s["on_completion"] = "end--00000000-0000-4000-8000-000000000000" }), "there is no such step"},
		"a circle": {change(func(id string, s map[string]any) {
			if s["name"] == "q" {
				for to := range mustWorkflow(text) {
					if mustWorkflow(text)[to].Name == "a" {
						s["on_completion"] = to
					}
				}
			}
		}), "run in a circle"},
		"no JSON":   {[]byte("{\n\n x"), "p.json:3"},
		"version 1": {[]byte(`{"type":"playbook","spec_version":"cacao-1.1"}`), "not those of CACAO 2.0"},
	} {
		if _, err := Import("p.json", tt.text); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

func mustWorkflow(text []byte) map[string]cacaoStep {
	var c cacaoPlaybook
	_ = json.Unmarshal(text, &c) // Export wrote it
	return c.Workflow
}

func FuzzImport(f *testing.F) {
	p, err := Load("p.yaml", []byte(killed))
	if err != nil {
		f.Fatal(err)
	}
	text, err := Export(p)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Import("p.json", text)
		if (p == nil) == (err == nil) {
			t.Fatal(p, err)
		}
	})
}
