package hclpatch

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

const notebook = `# the team's notebook
resource "aws_sagemaker_notebook_instance" "nb" {
  name          = "nb" # do not rename
  instance_type = "ml.t3.medium"
  root_access   = "Enabled"

  instance_metadata_service_configuration {
    minimum_instance_metadata_service_version = "1"
  }
}

resource "aws_s3_bucket" "models" { bucket = "models" }
`

// patched applies a diff with git, as a reader would.
func patched(t *testing.T, source, diff string) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "main.tf")
	if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("git", "apply", "-")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(diff)
	cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git apply: %v: %s\n%s", err, out, diff)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

func TestDiff(t *testing.T) {
	nb := Edit{Type: "aws_sagemaker_notebook_instance", Name: "nb"}
	with := func(e Edit, set map[string]string, add string) Edit {
		e.Set, e.Add = set, add
		return e
	}
	bucket := Edit{Type: "aws_s3_bucket", Name: "models"}
	tests := map[string]struct {
		source string
		edits  []Edit
		want   string // the file after; empty: no diff
		err    string
	}{
		"attribute": {notebook, []Edit{with(nb, map[string]string{"root_access": `"Disabled"`}, "")},
			strings.Replace(notebook, `"Enabled"`, `"Disabled"`, 1), ""},
		"new_attribute": {notebook, []Edit{with(nb, map[string]string{"kms_key_id": "var.key_arn"}, "")},
			strings.Replace(notebook, "  }\n}", "  }\n  kms_key_id = var.key_arn\n}", 1), ""},
		"within_a_block": {notebook, []Edit{with(nb, map[string]string{"instance_metadata_service_configuration.minimum_instance_metadata_service_version": `"2"`}, "")},
			strings.Replace(notebook, `"1"`, `"2"`, 1), ""},
		"new_block": {"resource \"a\" \"b\" {\n  x = 1\n}\n", []Edit{{Type: "a", Name: "b", Set: map[string]string{"c.d": "true"}}},
			"resource \"a\" \"b\" {\n  x = 1\n\n  c {\n    d = true\n  }\n}\n", ""},
		"each_block": {"resource \"a\" \"b\" {\n  c {\n    d = 1\n  }\n  c {\n  }\n}\n", []Edit{{Type: "a", Name: "b", Set: map[string]string{"c.d": "2"}}},
			"resource \"a\" \"b\" {\n  c {\n    d = 2\n  }\n  c {\n    d = 2\n  }\n}\n", ""},
		"said_already": {notebook, []Edit{with(nb, map[string]string{"name": `"nb"`}, "")}, "", ""},
		"added_behind": {notebook, []Edit{with(nb, nil, "resource \"x\" \"LABEL\" {\n  of = aws_sagemaker_notebook_instance.LABEL.id\n}")},
			strings.Replace(notebook, "  }\n}\n", "  }\n}\n\nresource \"x\" \"nb\" {\n  of = aws_sagemaker_notebook_instance.nb.id\n}\n", 1), ""},
		"added_at_the_end": {strings.TrimSuffix(notebook, "\n"), []Edit{with(bucket, nil, `resource "x" "LABEL" {}`)},
			notebook + "\nresource \"x\" \"models\" {}\n", ""},
		"two": {notebook, []Edit{with(nb, map[string]string{"root_access": `"Disabled"`}, ""), with(bucket, nil, `resource "x" "LABEL" {}`)},
			strings.Replace(notebook, `"Enabled"`, `"Disabled"`, 1) + "\nresource \"x\" \"models\" {}\n", ""},
		"added_already": {notebook + "resource \"x\" \"nb\" {}\n", []Edit{with(nb, nil, `resource "x" "LABEL" {}`)}, "", "is in the file already"},
		"dynamic":       {"resource \"a\" \"b\" {\n  dynamic \"c\" {\n    for_each = []\n  }\n}\n", []Edit{{Type: "a", Name: "b", Set: map[string]string{"c.d": "1"}}}, "", "c is made by a dynamic block"},
		"no_block":      {"resource \"a\" \"b\" {\n  c = {}\n}\n", []Edit{{Type: "a", Name: "b", Set: map[string]string{"c.d": "1"}}}, "", "is an attribute here"},
		// What is not aligned elsewhere stays so, and what says it already takes no
		// diff however it is aligned.
		"unaligned": {"locals {\n a=1\n   bbb = 2\n}\n# of mine\nresource \"a\" \"b\" {\n x=1 # one\n}\nresource \"a\" \"c\" {\n  d   =1\n}\n", []Edit{{Type: "a", Name: "b", Set: map[string]string{"x": "2", "yy": "3"}}},
			"locals {\n a=1\n   bbb = 2\n}\n# of mine\nresource \"a\" \"b\" {\n  x  = 2 # one\n  yy = 3\n}\nresource \"a\" \"c\" {\n  d   =1\n}\n", ""},
		"unaligned_already": {"resource \"a\" \"b\" {\n x=1\n   yy=2\n}\n", []Edit{{Type: "a", Name: "b", Set: map[string]string{"x": "1"}}}, "", ""},
		"only_where_it_is": {"resource \"a\" \"b\" {\n  c {\n    d = 1\n  }\n}\n", []Edit{{Type: "a", Name: "b", Set: map[string]string{"c?.d": "2", "e?.f.g": "2"}}},
			"resource \"a\" \"b\" {\n  c {\n    d = 2\n  }\n}\n", ""},
		"default": {"resource \"a\" \"b\" {\n  c = 1\n}\n", []Edit{{Type: "a", Name: "b", Default: map[string]string{"c": "2", "d": "3"}}},
			"resource \"a\" \"b\" {\n  c = 1\n  d = 3\n}\n", ""},
		"default_in_each_block": {"resource \"a\" \"b\" {\n  c {\n    d = 1\n  }\n  c {\n  }\n}\n", []Edit{{Type: "a", Name: "b", Default: map[string]string{"c.d": "2"}}},
			"resource \"a\" \"b\" {\n  c {\n    d = 1\n  }\n  c {\n    d = 2\n  }\n}\n", ""},
		"append": {"resource \"a\" \"b\" {\n  c {\n    d {\n      type = \"X\"\n    }\n  }\n}\n", []Edit{{Type: "a", Name: "b", Append: map[string]string{"c": "d {\n  type = \"Y\"\n}\n"}}},
			"resource \"a\" \"b\" {\n  c {\n    d {\n      type = \"X\"\n    }\n\n    d {\n      type = \"Y\"\n    }\n  }\n}\n", ""},
		"append_to_new_block": {"resource \"a\" \"b\" {\n}\n", []Edit{{Type: "a", Name: "b", Append: map[string]string{"c": "d {\n  x = 1\n}\ne {\n}\n"}}},
			"resource \"a\" \"b\" {\n\n  c {\n\n    d {\n      x = 1\n    }\n\n    e {\n    }\n  }\n}\n", ""},
		"append_to_resource": {"resource \"a\" \"b\" {\n  x = 1\n}\n", []Edit{{Type: "a", Name: "b", Append: map[string]string{".": "d {\n}\n"}}},
			"resource \"a\" \"b\" {\n  x = 1\n\n  d {\n  }\n}\n", ""},
		"append_twice": {"resource \"a\" \"b\" {\n  d {\n    type = \"X\"\n  }\n}\n", []Edit{{Type: "a", Name: "b", Append: map[string]string{".": "d {\n  type = \"X\"\n}\n"}}}, "", "is there already and says something else"},
		"append_what_is_missing": {"resource \"a\" \"b\" {\n  d {\n    type = \"X\"\n  }\n}\n", []Edit{{Type: "a", Name: "b", Append: map[string]string{".": "d {\n  type = \"X\"\n}\nd {\n  type = \"Y\"\n}\n"}}},
			"resource \"a\" \"b\" {\n  d {\n    type = \"X\"\n  }\n\n  d {\n    type = \"Y\"\n  }\n}\n", ""},
		"append_dynamic": {"resource \"a\" \"b\" {\n  dynamic \"d\" {\n    for_each = []\n  }\n}\n", []Edit{{Type: "a", Name: "b", Append: map[string]string{".": "d {\n}\n"}}}, "", "d is made by a dynamic block"},
		"append_no_hcl":  {notebook, []Edit{{Type: nb.Type, Name: nb.Name, Append: map[string]string{".": "d {"}}}, "", "is no HCL"},
		"no_attribute":   {"resource \"a\" \"b\" {\n  c {\n  }\n}\n", []Edit{{Type: "a", Name: "b", Set: map[string]string{"c": "1"}}}, "", "is a block here"},
		"swap": {"resource \"a\" \"b\" {\n  c {\n    d = true\n  }\n  c {\n    d = var.d\n  }\n  e = \"X\"\n}\n", []Edit{{Type: "a", Name: "b", Swap: []Swap{{Path: "c.d", Is: []string{"TRUE"}}, {Path: "e", Is: []string{"x"}, To: `"Y"`}, {Path: "f.g"}, {Path: "c", To: "1"}}}},
			"resource \"a\" \"b\" {\n  c {\n  }\n  c {\n    d = var.d\n  }\n  e = \"Y\"\n}\n", ""},
		"swap_elements": {"resource \"a\" \"b\" {\n  l = [\"A\", \"B\", \"c\"]\n  m = [var.x]\n}\n", []Edit{{Type: "a", Name: "b", Swap: []Swap{{Path: "l.*", Is: []string{"a", "C"}}, {Path: "m.*"}, {Path: "n.*"}}}},
			"resource \"a\" \"b\" {\n  l = [\"B\"]\n  m = [var.x]\n}\n", ""},
		"swap_named": {"resource \"a\" \"b\" {\n  env {\n    name  = \"A\"\n    value = \"1\"\n  }\n  env {\n    name  = \"B\"\n    value = \"1\"\n  }\n  env {\n    name = \"A\"\n  }\n}\n", []Edit{{Type: "a", Name: "b", Swap: []Swap{{Path: "env", Name: "A", Is: []string{"1"}}, {Path: "env", Name: "B", To: `"2"`}}}},
			"resource \"a\" \"b\" {\n  env {\n    name  = \"B\"\n    value = \"2\"\n  }\n  env {\n    name = \"A\"\n  }\n}\n", ""},
		"swap_nothing":  {"resource \"a\" \"b\" {\n  e = \"X\"\n}\n", []Edit{{Type: "a", Name: "b", Swap: []Swap{{Path: "e", Is: []string{"z"}}}}}, "", ""},
		"not_there":     {notebook, []Edit{{Type: "a", Name: "b"}}, "", "it is written 0 times in this file"},
		"twice":         {"resource \"a\" \"b\" {}\nresource \"a\" \"b\" {}\n", []Edit{{Type: "a", Name: "b"}}, "", "written 2 times"},
		"one_line":      {"resource \"a\" \"b\" { c = 1 }", []Edit{{Type: "a", Name: "b", Set: map[string]string{"d": "1"}}}, "", "on one line"},
		"no_hcl":        {"resource {{{", []Edit{nb}, "", "it is no HCL"},
		"no_expression": {notebook, []Edit{with(nb, map[string]string{"x": "1\ny = 2"}, "")}, "", "more than an expression"},
		"huge":          {strings.Repeat("#", maxSource+1), []Edit{nb}, "", "larger than 4 MiB"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			diff, err := Diff("main.tf", []byte(tt.source), tt.edits...)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("got %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == "" {
				if diff != "" {
					t.Errorf("a diff of nothing:\n%s", diff)
				}
				return
			}
			if d := cmp.Diff(tt.want, patched(t, tt.source, diff)); d != "" {
				t.Errorf("%s\n%s", d, diff)
			}
		})
	}
}

// Whatever stands in the file, a diff leaves it HCL, and what it sets is set.
func FuzzDiff(f *testing.F) {
	f.Add([]byte(notebook), "root_access", `"Disabled"`)
	f.Add([]byte("resource \"aws_sagemaker_notebook_instance\" \"nb\" {\n  a = <<E\nx\nE\n}"), "a.b", "1")
	f.Add([]byte("resource \"aws_sagemaker_notebook_instance\" \"nb\" { a = 1 }"), "b", "[1, 2]")
	f.Fuzz(func(t *testing.T, source []byte, path, expression string) {
		e := Edit{Type: "aws_sagemaker_notebook_instance", Name: "nb", Set: map[string]string{path: expression}, Default: map[string]string{"z." + path: expression},
			Append: map[string]string{"y": "x {\n  " + path + " = " + expression + "\n}\n"}}
		after, err := e.apply("main.tf", source)
		if err != nil {
			return
		}
		if _, diags := hclsyntax.ParseConfig(after, "main.tf", hcl.InitialPos); diags.HasErrors() {
			t.Fatalf("%q with %s = %q is no HCL any more: %v\n%q", source, path, expression, diags, after)
		}
		start, end, err := e.find("main.tf", source)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(after, source[:start]) || !bytes.HasSuffix(after, source[end:]) {
			t.Fatalf("%q changes outside of the resource\n%q", source, after)
		}
	})
}

// Nothing beside the resource that changes is shown: it may be a secret under
// any name.
func TestDiffShowsTheResourceAlone(t *testing.T) {
	const secret = "correct horse battery staple"
	neighbour := "locals {\n  pw = \"" + secret + "\"\n}\n"
	block := "resource \"a\" \"b\" {\n  x = 1\n}\n"
	for name, source := range map[string]string{
		"around": neighbour + block + neighbour, "spaced": neighbour + "\n" + block + "\n" + neighbour, "one_line": "locals { pw = \"" + secret + "\" }\n" + block + "locals { pw = \"" + secret + "\" }\n",
		"comment": "# " + secret + "\n" + block + "# " + secret + "\n",
	} {
		for kind, e := range map[string]Edit{
			"set": {Type: "a", Name: "b", Set: map[string]string{"x": "2"}}, "new": {Type: "a", Name: "b", Set: map[string]string{"y": "2"}},
			"block": {Type: "a", Name: "b", Set: map[string]string{"c.d": "2"}}, "add": {Type: "a", Name: "b", Add: "resource \"x\" \"LABEL\" {}"},
		} {
			t.Run(name+"_"+kind, func(t *testing.T) {
				diff, err := Diff("main.tf", []byte(source), e)
				if strings.Contains(diff, secret) {
					t.Fatalf("it shows the neighbours:\n%s", diff)
				}
				if err != nil {
					if kind != "add" {
						t.Fatal(err)
					}
					return
				}
				if got := patched(t, source, diff); !strings.Contains(got, "= 2") && kind != "add" || strings.Count(got, secret) != strings.Count(source, secret) {
					t.Errorf("the patch makes\n%s", got)
				}
			})
		}
	}
}
