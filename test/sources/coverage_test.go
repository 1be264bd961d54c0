package sources

import (
	"slices"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/provider/cloudformation"
	"github.com/sevenfold-sec/sevenfold/test/builtin"
	"github.com/sevenfold-sec/sevenfold/test/cloudformationgen"
	"github.com/sevenfold-sec/sevenfold/test/moto"
)

// notMapped are types that controls ask of and templates cannot give, though
// CloudFormation has them, with the reason.
var notMapped = map[string]string{}

// TestControlTypesHaveATemplate holds that every AWS type a control is asked of
// is converted from templates, where CloudFormation has it at all. What it does
// not have is listed by the test's log: jobs that end, settings of an account,
// copies, what a console makes.
func TestControlTypesHaveATemplate(t *testing.T) {
	set := builtin.Controls(t)
	venv, err := moto.Venv()
	if err != nil {
		t.Fatal(err)
	}
	folder, err := cloudformationgen.Schemas(venv)
	if err != nil {
		t.Fatal(err)
	}
	index, err := cloudformationgen.Index(folder)
	if err != nil {
		t.Fatal(err)
	}
	mapped := cloudformation.Mains()
	asked := map[string]bool{}
	for _, c := range set.Controls() {
		for _, typ := range c.Types {
			asked[typ] = strings.HasPrefix(typ, "AWS::")
		}
	}
	var none []string
	covered := 0
	for typ, aws := range asked {
		switch {
		case !aws:
		case slices.Contains(mapped, typ):
			covered++
			if notMapped[typ] != "" {
				t.Errorf("%s is converted: take it off the list", typ)
			}
		case index[typ] == "":
			none = append(none, typ)
		case notMapped[typ] == "":
			t.Errorf("%s: controls ask of it, CloudFormation has it, and provider/cloudformation does not convert it: go test ./test/cloudformationgen -update", typ)
		}
	}
	slices.Sort(none)
	t.Logf("%d types that controls ask of are converted; CloudFormation has none of these: %s", covered, strings.Join(none, " "))
	if covered < 40 {
		t.Errorf("%d types are converted", covered)
	}
}

// TestTableIsWide holds the size of the table.
func TestTableIsWide(t *testing.T) {
	asked, ai := map[string]bool{}, map[string]bool{}
	for _, r := range rows(t) {
		asked[r.Control] = true
		if r.AI {
			ai[r.Control] = true
		}
	}
	set := builtin.Controls(t)
	clusters := clusterRows(t, set)
	for _, r := range clusters {
		asked[r.control] = true
		if r.ai {
			ai[r.control] = true
		}
	}
	t.Logf("%d controls, %d of them of AI, %d of clusters", len(asked), len(ai), len(clusters))
	if len(asked) < 120 || len(ai) < 80 || len(clusters) < 40 {
		t.Errorf("the table has shrunk: %d controls, %d of them of AI, %d of clusters", len(asked), len(ai), len(clusters))
	}
}
