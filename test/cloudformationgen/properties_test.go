package cloudformationgen

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/provider/cloudformation"
	"github.com/sevenfold-sec/sevenfold/test/moto"
	"github.com/sevenfold-sec/sevenfold/test/terraformgen"
)

var update = flag.Bool("update", false, "write provider/cloudformation's shapes.txt and properties.txt anew")

// TestTables holds the shapes that templates are converted to against the models
// the live reader works by, and the properties against CloudFormation's own
// schemas. A type that joins the catalogue joins both by -update.
func TestTables(t *testing.T) {
	venv, err := moto.Venv()
	if err != nil {
		t.Fatal(err)
	}
	folder, err := Schemas(venv)
	if err != nil {
		t.Fatal(err)
	}
	index, err := Index(folder)
	if err != nil {
		t.Fatal(err)
	}
	live, err := Live(index)
	if err != nil {
		t.Fatal(err)
	}
	shapes, err := terraformgen.Shapes(live)
	if err != nil {
		t.Fatal(err)
	}
	all := slices.Concat(live, cloudformation.Parts())
	slices.Sort(all)
	properties, err := Properties(folder, slices.Compact(all))
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"shapes.txt": shapes, "properties.txt": properties} {
		path := "../../provider/cloudformation/" + file
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		have, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(string(have), "\n")); diff != "" {
			t.Errorf("%s is stale (-want +have): go test ./test/cloudformationgen -update && go test ./provider/cloudformation -update\n%s", path, diff)
		}
	}
}

// TestProperties holds what is read out of a schema.
func TestProperties(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(dir+"/"+name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{"providers", "resources"} {
		if err := os.Mkdir(dir+"/"+d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write("version.json", `{"schema_date":"2026-01-01"}`)
	write("providers/us-east-1.json", `{"AWS::Made::Up":"a","AWS::Broken::One":"b"}`)
	write("resources/a.json", `{"primaryIdentifier":["/properties/Name"],"readOnlyProperties":["/properties/Arn","/properties/Parts/*/State"],
"definitions":{"Part":{"type":"object","properties":{"State":{"type":"string"},"More":{"$ref":"#/definitions/Part"}}}},
"properties":{"Name":{"type":"string"},"Arn":{"type":"string"},"Size":{"type":"integer"},"On":{"type":"boolean"},"Policy":{"type":["object","string"]},
"Parts":{"type":"array","items":{"$ref":"#/definitions/Part"}},"Map":{"type":"object","patternProperties":{".*":{"type":"string"}}},
"Either":{"oneOf":[{"type":"object","properties":{"A":{"type":"string"}}},{"type":"object","properties":{"B":{"type":"number"}}}]}}}`)
	write("resources/b.json", `{`)
	text, err := Properties(dir, []string{"AWS::Made::Up"})
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(text, "\n= ")
	want := "AWS::Made::Up\n@ id Name\nArn s -\nEither {\n\tA s\n\tB n\nMap (s\nName s\nOn b\nParts [{\n\tMore {\n\tState s -\nPolicy ?\nSize n\n"
	if diff := cmp.Diff(want, body); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, typ := range []string{"AWS::None::Such", "AWS::Broken::One"} {
		if _, err := Properties(dir, []string{typ}); err == nil {
			t.Errorf("%s was passed over", typ)
		}
	}
}
