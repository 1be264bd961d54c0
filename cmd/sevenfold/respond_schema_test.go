package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sevenfold-sec/sevenfold/steps/respond"
)

var updateSchemas = flag.Bool("update-respond-schemas", false, "write docs/schema/respond-*.schema.json from the structs")

// respondSchemas are the documents of the respond verbs: schema file, title, what it says,
// and the value.
var respondSchemas = []struct {
	file, title, says string
	of                any
}{
	{"respond-scenarios", "sevenfold respond scenarios", "What can befall each workload, and whether it would be seen and contained: `sevenfold respond scenarios --format json`. Exit 1 one is red, 3 one is not known.", struct {
		Scenarios []scenarioRow `json:"scenarios"`
	}{}},
	{"respond-plan", "sevenfold respond plan", "What each procedure would do: `sevenfold respond plan --format json`. Exit 1 a problem, 3 not rehearsed.", struct {
		Procedures []plannedRow `json:"procedures"`
	}{}},
	{"respond-incident", "sevenfold respond incident", "An incident or exercise as its journal tells it: `sevenfold respond incident show ID --format json`. Durations are nanoseconds.", respond.Incident{}},
	{"respond-tabletop", "sevenfold respond exercise tabletop", "A tabletop with what was decided: `sevenfold respond exercise tabletop --format json`. Exit 1 with gaps. Durations are nanoseconds of exercise time.", respond.Played{}},
	{"respond-records", "sevenfold respond exercise list", "Rehearsals and exercises with their gaps: `sevenfold respond exercise list --format json`. Exit 1 a gap is open. Durations are nanoseconds.", struct {
		Records []respond.Record `json:"records"`
	}{}},
	{"respond-metrics", "sevenfold respond exercise metrics", "Median times by scenario: `sevenfold respond exercise metrics --format json`. Durations are nanoseconds; 0: none came to that.", struct {
		Metrics []respond.Metrics `json:"metrics"`
		Damaged []string          `json:"damaged,omitempty"`
	}{}},
}

// shape is the schema of a type, as encoding/json writes it.
func shape(t reflect.Type) map[string]any {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[json.RawMessage]():
		return map[string]any{}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return map[string]any{"anyOf": []any{shape(t.Elem()), map[string]any{"type": "null"}}}
	case reflect.Slice:
		return map[string]any{"type": []any{"array", "null"}, "items": shape(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": []any{"object", "null"}, "additionalProperties": shape(t.Elem())}
	case reflect.Struct:
		properties, required := map[string]any{}, []any{}
		fields(t, properties, &required)
		return map[string]any{"type": "object", "additionalProperties": false, "properties": properties, "required": required}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	}
	return map[string]any{"type": "integer"}
}

func fields(t reflect.Type, properties map[string]any, required *[]any) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported():
		case f.Anonymous && name == "":
			fields(f.Type, properties, required)
		default:
			if name == "" {
				name = f.Name
			}
			properties[name] = shape(f.Type)
			if !strings.Contains(options, "omit") {
				*required = append(*required, name)
			}
		}
	}
}

func respondSchemaFile(name string) string {
	return filepath.Join("..", "..", "docs", "schema", name+".schema.json")
}

// The schemas of the respond verbs follow the structs.
func TestRespondSchemasFollowStructs(t *testing.T) {
	for _, s := range respondSchemas {
		doc := shape(reflect.TypeOf(s.of))
		doc["$schema"], doc["$id"] = "https://json-schema.org/draft/2020-12/schema", "https://sevenfold.example/schema/"+s.file+".schema.json"
		doc["title"], doc["description"] = s.title, s.says
		want, err := json.MarshalIndent(doc, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, '\n')
		if *updateSchemas {
			if err := os.WriteFile(respondSchemaFile(s.file), want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(respondSchemaFile(s.file)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is stale (%v); run: go test ./cmd/sevenfold -run RespondSchemas -update-respond-schemas", s.file, err)
		}
	}
}

// fitsRespond SCHEMA FILE: the document fits it.
func fitsRespond(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: fitsrespond schema file")
	}
	text, err := os.ReadFile(respondSchemaFile(args[0]))
	ts.Check(err)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	ts.Check(err)
	c := jsonschema.NewCompiler()
	ts.Check(c.AddResource("s.json", doc))
	s, err := c.Compile("s.json")
	ts.Check(err)
	said, err := jsonschema.UnmarshalJSON(strings.NewReader(ts.ReadFile(args[1])))
	ts.Check(err)
	if err := s.Validate(said); err != nil {
		ts.Fatalf("%s: %v", args[0], err)
	}
}
