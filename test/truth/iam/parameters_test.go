package truth

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/test/moto"
)

// models are the folders of the provider's published API models, where they are
// not called as the prefix of the actions.
var models = map[string][]string{
	"bedrock":           {"bedrock", "bedrock-agent"},
	"bedrock-agentcore": {"bedrock-agentcore-control"},
	"elasticmapreduce":  {"emr"},
	"states":            {"stepfunctions"},
}

// shapes are the part of an API model that says what a call takes.
type shapes struct {
	Operations map[string]struct {
		Input struct{ Shape string }
	}
	Shapes map[string]struct {
		Type          string
		Members       map[string]struct{ Shape string }
		Member, Value struct{ Shape string }
	}
}

// Each call that carries a role must have the parameter that the route names, in
// the API model that the provider publishes (botocore's, set up by make setup).
func TestRolesAreCarriedByRealParameters(t *testing.T) {
	venv, err := moto.Venv()
	if err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(venv, "lib", "*", "site-packages", "botocore", "data"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no API models in %s (%v)\nhint: make setup", venv, err)
	}
	loaded := map[string]*shapes{}
	checked := 0
	for _, r := range routes(t) {
		if r.Passes == nil || r.Passes.Parameter == "" {
			continue
		}
		service, operation, _ := strings.Cut(r.Passes.Action, ":")
		folders := models[service]
		if folders == nil {
			folders = []string{service}
		}
		var why []string
		for _, f := range folders {
			if loaded[f] == nil {
				loaded[f] = readShapes(t, filepath.Join(found[0], f))
			}
			if problem := loaded[f].follow(operation, r.Passes.Parameter); problem != "" {
				why = append(why, f+": "+problem)
			}
		}
		if len(why) == len(folders) {
			t.Errorf("%s: %s has no parameter %s: %s", r.ID, r.Passes.Action, r.Passes.Parameter, strings.Join(why, "; "))
		}
		checked++
	}
	if checked < 100 {
		t.Errorf("only %d parameters were looked at", checked)
	}
}

// follow walks a parameter's path through the model and says where it ends
// without reaching a text.
func (s *shapes) follow(operation, path string) string {
	o, ok := s.Operations[operation]
	if !ok {
		return "no operation " + operation
	}
	shape := o.Input.Shape
	for _, part := range strings.Split(path, ".") {
		x := s.Shapes[shape]
		switch part {
		case "[]":
			shape = x.Member.Shape
		case "{}":
			shape = x.Value.Shape
		default:
			shape = x.Members[part].Shape
		}
		if shape == "" {
			return "no " + part
		}
	}
	if typ := s.Shapes[shape].Type; typ != "string" && path != "Parameters" {
		return "a " + typ
	}
	return ""
}

func readShapes(t *testing.T, folder string) *shapes {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*", "service-2.json.gz"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no API model in %s (%v)", filepath.Base(folder), err)
	}
	sort.Strings(paths)
	f, err := os.Open(paths[len(paths)-1])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	s := &shapes{}
	if err := json.NewDecoder(z).Decode(s); err != nil {
		t.Fatal(err)
	}
	return s
}
