package sources

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// resource is one line of testdata/terraform.yaml.
type resource struct {
	On         string         `yaml:"on"`
	Only       string         `yaml:"only"`
	Attributes map[string]any `yaml:"attributes"`
	Faulty     map[string]any `yaml:"faulty"`
	Clean      map[string]any `yaml:"clean"`
	State      map[string]any `yaml:"state"`
	ARN        string         `yaml:"arn"`
	// Refs are the attributes that refer to another resource, known after apply
	// in the plan; State says what they are.
	Refs map[string]string `yaml:"refs"`
}

// values are the attributes on one twin.
func (r *resource) values(twin string) map[string]any {
	out := maps.Clone(r.Attributes)
	if out == nil {
		out = map[string]any{}
	}
	more := r.Clean
	if twin == "faulty" {
		more = r.Faulty
	}
	maps.Copy(out, more)
	return out
}

// schemaOf lists the attributes at the root of each resource type, as the
// provider's schema has them: name and kind, "-" behind what is computed only.
func schemaOf(t testing.TB) map[string]map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "provider", "terraform", "attributes.txt"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]string{}
	var at map[string]string
	for line := range strings.SplitSeq(string(text), "\n") {
		if types, ok := strings.CutPrefix(line, "= "); ok {
			at = map[string]string{}
			for _, tf := range strings.Fields(types) {
				out[tf] = at
			}
		} else if name, kind, ok := strings.Cut(line, " "); ok && at != nil && line[0] != '\t' {
			at[name] = kind
		}
	}
	return out
}

// terraform writes a plan that makes the estate and the state once it is made,
// both from one description. What a resource is not given is null, as Terraform
// prints it, but what only the provider knows: that is known after apply, and in
// the state where the description says what it is.
func terraform(t testing.TB, dir, twin string) (plan, state string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "terraform.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var list []resource
	if err := yaml.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	schema := schemaOf(t)
	var changes, kept, configured []any
	for _, r := range list {
		if r.Only != "" && r.Only != twin {
			continue
		}
		typ, name, _ := strings.Cut(r.On, ".")
		if schema[typ] == nil {
			t.Fatalf("%s: the provider has no such type", r.On)
		}
		given := r.values(twin)
		unknown, after := map[string]any{}, maps.Clone(given)
		applied := maps.Clone(given)
		for attribute, kind := range schema[typ] {
			if _, set := given[attribute]; set {
				continue
			}
			_, told := r.State[attribute]
			switch {
			case strings.HasSuffix(kind, "-"), attribute == "arn", attribute == "id", told:
				unknown[attribute] = true
			case strings.HasPrefix(kind, "{"), strings.HasPrefix(kind, "[{"), strings.HasPrefix(kind, "<{"):
				after[attribute], applied[attribute] = []any{}, []any{}
			default:
				after[attribute], applied[attribute] = nil, nil
			}
		}
		maps.Copy(applied, r.State)
		if r.ARN != "" {
			applied["arn"] = r.ARN
		}
		expressions := map[string]any{}
		for attribute, to := range r.Refs {
			i := strings.LastIndexByte(to, '.')
			expressions[attribute] = map[string]any{"references": []any{to, to[:i]}}
		}
		configured = append(configured, map[string]any{"address": r.On, "mode": "managed", "type": typ, "name": name, "provider_config_key": "aws", "expressions": expressions})
		const provider = "registry.terraform.io/hashicorp/aws"
		changes = append(changes, map[string]any{"address": r.On, "mode": "managed", "type": typ, "name": name, "provider_name": provider,
			"change": map[string]any{"actions": []any{"create"}, "before": nil, "after": after, "after_unknown": unknown, "before_sensitive": false, "after_sensitive": map[string]any{}}})
		kept = append(kept, map[string]any{"mode": "managed", "type": typ, "name": name, "provider": `provider["` + provider + `"]`,
			"instances": []any{map[string]any{"attributes": applied}}})
	}
	write := func(name string, v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("plan.json", map[string]any{"format_version": "1.2", "terraform_version": "1.13.5", "complete": true, "resource_changes": changes,
			"configuration": map[string]any{"provider_config": map[string]any{"aws": map[string]any{"name": "aws"}}, "root_module": map[string]any{"resources": configured}}}),
		write("state.tfstate", map[string]any{"version": 4, "terraform_version": "1.13.5", "resources": kept})
}
