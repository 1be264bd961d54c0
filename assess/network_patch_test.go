package assess

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/network"
)

// TestPatchOfARoute: a route that is written inside its table is taken out of it, one that
// is a resource of its own is made none of, and one of a variable is left with the reason.
func TestPatchOfARoute(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(dir))
	put(t, dir, "main.tf", `resource "aws_route_table" "inline" {
  vpc_id = aws_vpc.a.id
  route {
    cidr_block                = "10.1.0.0/16"
    vpc_peering_connection_id = "pcx-1"
  }
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = "igw-1"
  }
}

resource "aws_route_table" "open" {
  vpc_id = aws_vpc.a.id
  route {
    cidr_block                = var.lab
    vpc_peering_connection_id = "pcx-1"
  }
}
`)
	change := func(name string) string {
		return `{"address": "aws_route_table.` + name + `", "mode": "managed", "type": "aws_route_table", "name": "` + name + `", "provider_name": "registry.terraform.io/hashicorp/aws", "change": {"actions": ["create"], "before": null, "after": {"route": [{"cidr_block": "10.1.0.0/16", "vpc_peering_connection_id": "pcx-1"}]}, "after_unknown": {"id": true, "arn": true, "vpc_id": true}}}`
	}
	resource := func(name string) string {
		return `{"address": "aws_route_table.` + name + `", "mode": "managed", "type": "aws_route_table", "name": "` + name + `", "provider_config_key": "aws", "expressions": {}}`
	}
	put(t, dir, "plan.json", `{"format_version": "1.2", "terraform_version": "1.9.0", "resource_changes": [`+change("inline")+`, `+change("open")+`], "planned_values": {"root_module": {}}, "configuration": {"provider_config": {"aws": {"name": "aws", "full_name": "registry.terraform.io/hashicorp/aws"}}, "root_module": {"resources": [`+resource("inline")+`, `+resource("open")+`]}}}`)
	rule := func(name string) network.TakenRule {
		return network.TakenRule{Asset: "terraform://aws_route_table." + name, Text: "route of " + name, Route: true, Peer: "10.1.0.0/16", Target: "pcx-1"}
	}
	patches := NetworkPatches([]network.Advice{{Taken: []network.TakenRule{rule("inline"), rule("open")}}}, []string{"terraform:" + filepath.Join(dir, "plan.json")})
	if len(patches) != 1 {
		t.Fatalf("%d patches", len(patches))
	}
	p := patches[0]
	for _, want := range []string{`-    cidr_block                = "10.1.0.0/16"`, `-    vpc_peering_connection_id = "pcx-1"`} {
		if strings.Count(p.Diff, want) != 1 {
			t.Errorf("without %q:\n%s", want, p.Diff)
		}
	}
	if strings.Contains(p.Diff, "-    cidr_block = \"0.0.0.0/0\"") {
		t.Errorf("another route goes:\n%s", p.Diff)
	}
	if len(p.Left) != 1 || p.Left[0].Finding != "route of open" || !strings.Contains(p.Left[0].Why, "written out") {
		t.Errorf("left: %+v", p.Left)
	}
}
