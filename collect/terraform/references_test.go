package terraform

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReferences holds what the expressions of a configuration with modules,
// counts and outputs lead to.
func TestReferences(t *testing.T) {
	f, err := read(Options{Path: filepath.Join("testdata", "references.json")})
	if err != nil {
		t.Fatal(err)
	}
	resources := map[string]Resource{}
	for _, r := range f.sides().after {
		resources[r.Address] = r
	}
	for _, tt := range []struct{ address, path, want string }{
		{"aws_x.plain", "role_arn", "aws_iam_role.r arn"},
		{"aws_x.plain", "block.0.key", "aws_kms_key.k id"},
		{"aws_x.plain", "subnets", "aws_subnet.s[0] id, aws_subnet.s[1] id"},
		{"aws_x.plain", "splat", "aws_subnet.s[0] , aws_subnet.s[1] "},
		{"aws_x.plain", "local", "nothing"},
		{"aws_x.plain", "data", "nothing"},
		{"aws_x.plain", "from_module", `module.net["a"].aws_vpc.v id`},
		{"aws_x.plain", "whole_module", "nothing"},
		{"aws_x.plain", "root_variable", ""},
		{"aws_x.plain", "absent", "nothing"},
		{"aws_y.counted[1]", "subnet", "aws_subnet.s[1] "},
		{`module.net["a"].aws_sg.g`, "vpc", `module.net["a"].aws_vpc.v id`},
		{`module.net["b"].aws_sg.g`, "vpc", `module.net["b"].aws_vpc.v id`},
		{`module.net["b"].aws_sg.g`, "role", "aws_iam_role.r arn"},
		{`module.net["b"].aws_sg.g`, "default", ""},
		{`module.net["b"].aws_sg.g`, "part", "nothing"},
	} {
		r, ok := resources[tt.address]
		if !ok || r.References == nil {
			t.Errorf("no resource %s with a configuration", tt.address)
			continue
		}
		refs := r.References(strings.Split(tt.path, "."))
		var words []string
		for _, ref := range refs {
			words = append(words, fmt.Sprintf("%s %s", ref.Address, ref.Attribute))
		}
		got := strings.Join(words, ", ")
		if tt.want == "nothing" {
			tt.want = ""
		}
		if got != tt.want {
			t.Errorf("%s %s leads to %q, want %q", tt.address, tt.path, got, tt.want)
		}
	}
	if got := resources["aws_x.plain"].ProviderKey; got != "aws.west" {
		t.Errorf("provider key %q", got)
	}
	want := map[string]Provider{
		"aws": {Region: "eu-west-1"}, "aws.west": {Region: "us-west-2", Account: "444455556666"},
		"aws.one": {Account: "111122223333"}, "kubernetes": {Cluster: "prod"},
	}
	if diff := cmp.Diff(want, f.providers()); diff != "" {
		t.Errorf("providers (-want +got):\n%s", diff)
	}
}

func TestParts(t *testing.T) {
	for _, tt := range []struct{ address, want string }{
		{"aws_a.b", "|aws_a.b|"},
		{`aws_a.b["x.y[0]\"]"]`, `|aws_a.b|["x.y[0]\"]"]`},
		{`module.m["a.b"].module.n[0].aws_a.b[1]`, `m["a.b"] n[0] |aws_a.b|[1]`},
		{"module.m.data.aws_a.b", "m |data.aws_a.b|"},
	} {
		modules, resource, key := parts(tt.address)
		got := ""
		for _, m := range modules {
			got += m.name + m.key + " "
		}
		if got += "|" + resource + "|" + key; got != tt.want {
			t.Errorf("%s: %s, want %s", tt.address, got, tt.want)
		}
	}
}

// TestPlanOfTerraformItself reads what Terraform 1.11.4 printed of a small
// configuration: counts, splats, locals, modules with for_each, a sensitive
// variable.
func TestPlanOfTerraformItself(t *testing.T) {
	f, err := read(Options{Path: filepath.Join("testdata", "terraform-1.11.4.json")})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range f.sides().after {
		var words []string
		for _, ref := range r.References([]string{"input"}) {
			words = append(words, strings.TrimSpace(ref.Address+" "+ref.Attribute))
		}
		got[r.Address] = strings.Join(words, ", ")
		if r.ProviderKey != "terraform" || !r.Configured("input") || r.Configured("triggers_replace") {
			t.Errorf("%s: provider key %q", r.Address, r.ProviderKey)
		}
		if strings.Contains(fmt.Sprint(r.Values), "hunter2") {
			t.Errorf("%s keeps a sensitive value", r.Address)
		}
	}
	want := map[string]string{
		"terraform_data.a[0]": "", "terraform_data.a[1]": "",
		"terraform_data.b":                     "", // a local stands among its references
		"terraform_data.c":                     `module.m["z"].terraform_data.inner id`,
		`module.m["x.y"].terraform_data.inner`: "terraform_data.a[0] id",
		`module.m["z"].terraform_data.inner`:   "terraform_data.a[0] id",
		`module.m["x.y"].terraform_data.s`:     "",
		`module.m["z"].terraform_data.s`:       "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("references (-want +got):\n%s", diff)
	}
}
