package terraformgen

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/provider/terraform"
)

var cdktf = flag.String("cdktf", "", "folder of the unpacked packages @cdktf/provider-aws (as aws) and @cdktf/provider-kubernetes (as kubernetes): write provider/terraform/attributes.txt anew")

// TestWriteAttributes writes the schemas anew when told where the packages are:
//
//	npm pack @cdktf/provider-aws @cdktf/provider-kubernetes
//	for p in aws kubernetes; do mkdir $p; tar xzf cdktf-provider-$p-*.tgz -C $p --strip-components=1; done
//	go test ./test/terraformgen -run WriteAttributes -cdktf FOLDER
//	go test ./provider/terraform -run Unplaced -update   # and look at what is new
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

// madeUp is a class file in the form of the generated ones.
const madeUp = `
function thingPartToHclTerraform(struct) {
    const attrs = {
        only_one: {
            isBlock: true,
            type: "struct",
        },
    };
}
class ThingPartOnlyOneOutputReference extends cdktf.ComplexObject {
    get size() {
        return this.getNumberAttribute('size');
    }
    set size(value) {
    }
}
class ThingPartOutputReference extends cdktf.ComplexObject {
    constructor(terraformResource, terraformAttribute) {
        // only_one - computed: false, optional: true, required: false
        this._onlyOne = new ThingPartOnlyOneOutputReference(this, "only_one");
    }
    get names() {
        return cdktf.Fn.tolist(this.getListAttribute('names'));
    }
    resetNames() {
    }
}
class ThingPartList extends cdktf.ComplexList {
    get(index) {
        return new ThingPartOutputReference(this.terraformResource, this.terraformAttribute);
    }
}
class Thing extends cdktf.TerraformResource {
    constructor(scope, id, config) {
        // part - computed: false, optional: false, required: true
        this._part = new ThingPartList(this, "part", false);
        // shown - computed: true, optional: false, required: false
        this._shown = new cdktf.StringMap(this, "shown");
    }
    // arn - computed: true, optional: false, required: false
    get arn() {
        return this.getStringAttribute('arn');
    }
    get isOn() {
        return this.getBooleanAttribute('is_on');
    }
    resetIsOn() {
    }
    get name() {
        return this.getStringAttribute('name');
    }
    synthesizeHclAttributes() {
        const attrs = {
            not_one_of_them: {
                value: this.getStringAttribute('not_one_of_them'),
            },
        };
    }
}
Thing.tfResourceType = "aws_thing";
`

// TestAttributes holds what is read out of a generated class.
func TestAttributes(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []string{"aws", "kubernetes"} {
		write(p+"/package.json", `{"version":"1.2.3","cdktf":{"provider":{"name":"registry/`+p+`","version":"4.5.6"}}}`)
	}
	write("aws/lib/thing/index.js", madeUp)
	text, err := Attributes(folder, []string{"aws_thing", "aws_none"})
	if err != nil {
		t.Fatal(err)
	}
	head, body, _ := strings.Cut(text, "\n= ")
	for _, want := range []string{"registry/aws 4.5.6, by npm @cdktf/provider-aws 1.2.3", "These types are in neither: aws_none"} {
		if !strings.Contains(head, want) {
			t.Errorf("the head lacks %q:\n%s", want, head)
		}
	}
	want := "aws_thing\narn s-\nis_on b\nname s!\npart [{!\n\tnames <s\n\tonly_one o\n\t\tsize n!\nshown (s-\n"
	if diff := cmp.Diff(want, body); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}

	write("aws/lib/other/index.js", strings.ReplaceAll(madeUp, "aws_thing", "aws_elsewhere"))
	if _, err := Attributes(folder, []string{"aws_other"}); err == nil || !strings.Contains(err.Error(), "aws_elsewhere") {
		t.Errorf("a folder of another type: %v", err)
	}
	write("aws/lib/lost/index.js", strings.ReplaceAll(strings.ReplaceAll(madeUp, "class ThingPartOnlyOneOutput", "class Gone"), "aws_thing", "aws_lost"))
	if _, err := Attributes(folder, []string{"aws_lost"}); err == nil {
		t.Error("a class that is not there was passed over")
	}
}
