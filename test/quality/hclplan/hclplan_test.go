package hclplan

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// after plans one file and returns what each address will be, with what is
// unknown of it under "?".
func after(t *testing.T, files map[string]string) map[string]any {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, _, err := Plan(dir, Options{Account: "111122223333", Region: "eu-west-1", Variables: map[string]string{"given": "by hand"}})
	if err != nil {
		t.Fatal(err)
	}
	var plan struct {
		Changes []struct {
			Address string `json:"address"`
			Change  struct {
				After   map[string]any `json:"after"`
				Unknown map[string]any `json:"after_unknown"`
			} `json:"change"`
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal(text, &plan); err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	for _, c := range plan.Changes {
		delete(c.Change.Unknown, "id")
		delete(c.Change.Unknown, "arn")
		if len(c.Change.Unknown) > 0 {
			c.Change.After["?"] = c.Change.Unknown
		}
		out[c.Address] = c.Change.After
	}
	return out
}

func TestPlan(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  map[string]any
	}{
		"literal, default and given": {map[string]string{"m.tf": `
variable "size" { default = 3 }
variable "given" {}
variable "asked" {}
locals { name = "a-${var.size}" }
resource "x_y" "z" {
  name  = local.name
  given = var.given
  asked = "${var.asked}!"
}`}, map[string]any{"x_y.z": map[string]any{"name": "a-3", "given": "by hand", "?": map[string]any{"asked": true}}}},
		"ARN from a name, and none without": {map[string]string{"m.tf": `
resource "aws_s3_bucket" "a" { bucket = "data" }
resource "aws_s3_bucket" "b" { bucket_prefix = "data" }
resource "x_y" "z" {
  a = "${aws_s3_bucket.a.arn}/*"
  b = aws_s3_bucket.b.arn
}`}, map[string]any{
			"aws_s3_bucket.a": map[string]any{"bucket": "data"}, "aws_s3_bucket.b": map[string]any{"bucket_prefix": "data"},
			"x_y.z": map[string]any{"a": "arn:aws:s3:::data/*", "?": map[string]any{"b": true}}}},
		"count, for_each, dynamic": {map[string]string{"m.tf": `
resource "x_y" "none" { count = 0 }
resource "x_y" "two" {
  count = 2
  n     = count.index
}
resource "x_y" "each" {
  for_each = toset(["a", "b"])
  n        = each.value
}
resource "x_y" "dyn" {
  dynamic "rule" {
    for_each = [1, 2]
    content { port = rule.value }
  }
  block { name = "x" }
}`}, map[string]any{
			"x_y.two[0]": map[string]any{"n": 0.0}, "x_y.two[1]": map[string]any{"n": 1.0}, `x_y.each["a"]`: map[string]any{"n": "a"}, `x_y.each["b"]`: map[string]any{"n": "b"},
			"x_y.dyn": map[string]any{"rule": []any{map[string]any{"port": 1.0}, map[string]any{"port": 2.0}}, "block": []any{map[string]any{"name": "x"}}}}},
		"a policy document": {map[string]string{"m.tf": `
data "aws_iam_policy_document" "d" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceVpc"
      values   = ["vpc-1"]
    }
  }
}
resource "x_y" "z" { policy = data.aws_iam_policy_document.d.json }`}, map[string]any{"x_y.z": map[string]any{
			"policy": `{"Statement":[{"Action":["s3:GetObject"],"Condition":{"StringEquals":{"aws:SourceVpc":["vpc-1"]}},"Effect":"Allow","Principal":{"AWS":["*"]},"Resource":["*"]}],"Version":"2012-10-17"}`}}},
		"a module, and what it gives back": {map[string]string{"m.tf": `
module "m" {
  source = "./in"
  name   = "n"
}
resource "x_y" "z" { got = module.m.out }`, "in/m.tf": `
variable "name" {}
resource "x_y" "inner" { name = var.name }
output "out" { value = "${var.name}-out" }`}, map[string]any{"module.m.x_y.inner": map[string]any{"name": "n"}, "x_y.z": map[string]any{"got": "n-out"}}},
		"one unknown member hides no other": {map[string]string{"m.tf": `
resource "x_y" "z" { tags = { a = "1", b = nothing.there.id } }`}, map[string]any{"x_y.z": map[string]any{"tags": map[string]any{"a": "1"}, "?": map[string]any{"tags": map[string]any{"b": true}}}}},
	} {
		if d := cmp.Diff(c.want, after(t, c.files)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestPlanRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := Plan(dir, Options{}); err == nil || !strings.Contains(err.Error(), "no Terraform code") {
		t.Errorf("an empty folder: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "m.tf"), []byte(`resource "x" {`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Plan(dir, Options{}); err == nil || !strings.Contains(err.Error(), "m.tf") {
		t.Errorf("half a file: %v", err)
	}
}

// The plan of the labelled estate is what its code says.
func TestMeridianIsPlanned(t *testing.T) {
	got, _, err := Plan(filepath.Join("..", "meridian"), Options{Account: "333344445555", Region: "eu-west-1", Schema: filepath.Join("..", "..", "..", "provider", "terraform", "attributes.txt")})
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join("..", "meridian", "plan.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("meridian/plan.json is not the plan of meridian/main.tf: go run ./test/quality -plan test/quality/meridian > test/quality/meridian/plan.json")
	}
}

func FuzzPlan(f *testing.F) {
	f.Add(`resource "aws_s3_bucket" "a" { bucket = "x" }`)
	f.Add("locals { a = local.b, b = local.a }\nresource \"x\" \"y\" {\n count = local.a\n dynamic \"z\" {\n for_each = {}\n content {}\n }\n}")
	f.Add(`data "aws_iam_policy_document" "d" { statement { principals { type = "*" } } }`)
	f.Fuzz(func(t *testing.T, text string) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "m.tf"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		plan, _, err := Plan(dir, Options{Account: "111122223333", Region: "eu-west-1"})
		if err == nil && !json.Valid(plan) {
			t.Errorf("no JSON: %s", plan)
		}
	})
}
