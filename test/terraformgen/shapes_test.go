package terraformgen

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/provider/terraform"
)

var update = flag.Bool("update", false, "write provider/terraform/shapes.txt anew")

// TestShapes holds the shapes that plans are converted to against the models
// the live reader works by: every member a plan's asset can have is one that
// the AWS command line prints.
func TestShapes(t *testing.T) {
	const file = "../../provider/terraform/shapes.txt"
	want, err := Shapes(terraform.Types())
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(have)); diff != "" {
		t.Errorf("%s is stale (-want +have): go test ./test/terraformgen -update\n%s", file, diff)
	}
}
