package report

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sevenfold-sec/sevenfold/finding"
)

func schema(t *testing.T, path string) *jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("mem:///"+filepath.Base(path), doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("mem:///" + filepath.Base(path))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return s
}

func validate(s *jsonschema.Schema, text string) error {
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

const reportSchema = "../docs/schema/report-v1.schema.json"

func TestJSONFitsItsSchema(t *testing.T) {
	s := schema(t, reportSchema)
	for name, doc := range samples() {
		if name == "hostile" { // holds values no step gives: statuses, severities
			continue
		}
		if err := validate(s, render(t, "json", doc)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A schema that lets everything through proves nothing.
func TestSchemaRefuses(t *testing.T) {
	s := schema(t, reportSchema)
	tests := map[string]func(map[string]any){
		"unknown_member":    func(d map[string]any) { d["extra"] = 1 },
		"missing_counts":    func(d map[string]any) { delete(d, "counts") },
		"other_schema":      func(d map[string]any) { d["schema"] = "sevenfold/report/v2" },
		"null_list":         func(d map[string]any) { d["sources"] = nil },
		"bad_time":          func(d map[string]any) { d["taken"] = "yesterday" },
		"bad_verdict":       func(d map[string]any) { d["workloads"].([]any)[0].(map[string]any)["verdict"] = "fine" },
		"member_in_finding": func(d map[string]any) { d["findings"].([]any)[0].(map[string]any)["secret"] = "x" },
		"risk_over_100": func(d map[string]any) {
			d["findings"].([]any)[0].(map[string]any)["risk"] = map[string]any{"score": 101, "path": []any{}, "factors": []any{}}
		},
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			var d map[string]any
			if err := json.Unmarshal([]byte(render(t, "json", harbour())), &d); err != nil {
				t.Fatal(err)
			}
			spoil(d)
			text, err := json.Marshal(d)
			if err != nil {
				t.Fatal(err)
			}
			if validate(s, string(text)) == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestJSONHoldsRiskAndWaiver(t *testing.T) {
	doc := harbour()
	doc.Findings[0].Risk = &finding.Risk{Score: 71}
	doc.Findings[1].Waiver = &finding.Waiver{Criterion: "audit.deviations", Workload: "eta-train", Reason: "r", Owner: "o", Expires: "2027-01-31"}
	out := render(t, "json", doc)
	if err := validate(schema(t, reportSchema), out); err != nil {
		t.Error(err)
	}
	for _, want := range []string{`"score": 71`, `"path": []`, `"expires": "2027-01-31"`} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s", want)
		}
	}
}

// An empty document has every list, so that a consumer can iterate unasked.
func TestJSONHasNoNullLists(t *testing.T) {
	out := render(t, "json", &Document{Workloads: []Workload{{Criteria: []finding.Criterion{{}}}}, Findings: []finding.Finding{{}}, BlindSpots: []BlindSpot{{}}})
	for _, l := range strings.Split(out, "\n") {
		if strings.Contains(l, "null") && !strings.Contains(l, `"risk"`) && !strings.Contains(l, `"waiver"`) {
			t.Errorf("null: %s", l)
		}
	}
	for _, want := range []string{`"commands": []`, `"disrupts": []`, `"evidence": []`, `"criteria": []`, `"kinds": {}`, `"taken": "0001-01-01T00:00:00Z"`} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in %s", want, out)
		}
	}
}

func TestSARIFFitsTheStandard(t *testing.T) {
	s := schema(t, "testdata/sarif-schema-2.1.0.json")
	for name, doc := range samples() {
		if err := validate(s, render(t, "sarif", doc)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if validate(s, strings.Replace(render(t, "sarif", harbour()), `"kind": "review"`, `"kind": "perhaps"`, 1)) == nil {
		t.Error("the schema accepts a kind the standard does not have")
	}
}

func TestInventoryFitsItsSchema(t *testing.T) {
	s := schema(t, "../docs/schema/inventory.schema.json")
	for name, inv := range map[string]*Inventory{"empty": {}, "some": someInventory(3), "nulls": {Workloads: []InventoryWorkload{{}}, BlindSpots: []BlindSpot{{}}}} {
		var buf bytes.Buffer
		if err := InventoryJSON(&buf, inv); err != nil {
			t.Fatal(err)
		}
		if err := validate(s, buf.String()); err != nil {
			t.Errorf("%s: %v\n%s", name, err, buf.String())
		}
	}
	if validate(s, `{"assets":[{"id":"a"}],"workloads":[],"blindspots":[]}`) == nil {
		t.Error("accepted an asset without type")
	}
}
