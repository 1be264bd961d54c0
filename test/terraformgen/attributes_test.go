package terraformgen

import (
	"flag"
	"os"
	"testing"

	"github.com/sevenfold-sec/sevenfold/provider/terraform"
)

var cdktf = flag.String("cdktf", "", "with -update: the folder of the unpacked npm packages; writes provider/terraform/attributes.txt anew")

func TestWriteAttributes(t *testing.T) {
	if *cdktf == "" {
		return
	}
	text, err := Attributes(*cdktf, terraform.Resources())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("../../provider/terraform/attributes.txt", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
