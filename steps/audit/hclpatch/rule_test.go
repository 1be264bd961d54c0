package hclpatch

import (
	"strings"
	"testing"
)

// TestRulesOfNetworks takes one address out of one rule, and ends a resource that says one
// rule alone.
func TestRulesOfNetworks(t *testing.T) {
	const group = `resource "aws_security_group" "g" {
  ingress {
    protocol    = "tcp"
    from_port   = 22
    to_port     = 22
    cidr_blocks = ["10.0.0.0/8"]
  }
  ingress {
    protocol    = "tcp"
    from_port   = 443
    to_port     = 443
    cidr_blocks = ["10.0.0.0/8", "192.168.0.0/16"]
  }
}
`
	const rule = `resource "aws_security_group_rule" "r" {
  type        = "ingress"
  from_port   = 22
  to_port     = 22
  protocol    = "tcp"
  cidr_blocks = ["10.0.0.0/8"]
}
`
	const table = `resource "aws_route_table" "t" {
  vpc_id = aws_vpc.a.id
  route {
    cidr_block                = "10.1.0.0/16"
    vpc_peering_connection_id = aws_vpc_peering_connection.p.id
  }
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.g.id
  }
}
`
	route := func(cidr string) []Swap {
		return []Swap{{Path: "route", Where: map[string]string{"cidr_block": cidr}}}
	}
	swap := func(port, cidr string) []Swap {
		return []Swap{{Path: "ingress.cidr_blocks.*", Where: map[string]string{"protocol": "tcp", "from_port": port, "to_port": port}, Is: []string{cidr}}}
	}
	only := map[string]string{"type": "ingress", "from_port": "22", "cidr_blocks": "10.0.0.0/8"}
	tests := map[string]struct {
		source   string
		edit     Edit
		adds     []string
		without  []string
		mistaken string
	}{
		"one address of several": {group, Edit{Type: "aws_security_group", Name: "g", Swap: swap("443", "10.0.0.0/8")}, []string{`+    cidr_blocks = ["192.168.0.0/16"]`}, []string{"-    from_port"}, ""},
		"the only one":           {group, Edit{Type: "aws_security_group", Name: "g", Swap: swap("22", "10.0.0.0/8")}, []string{"-    from_port   = 22"}, []string{"192.168.0.0/16\"]\n+"}, ""},
		"a port nobody opens":    {group, Edit{Type: "aws_security_group", Name: "g", Swap: swap("80", "10.0.0.0/8")}, nil, nil, "no block that is written out says so"},
		"an address nobody has":  {group, Edit{Type: "aws_security_group", Name: "g", Swap: swap("22", "10.1.0.0/16")}, nil, nil, "no block"},
		"a variable":             {strings.ReplaceAll(group, `["10.0.0.0/8"]`, "var.lab"), Edit{Type: "aws_security_group", Name: "g", Swap: swap("22", "10.0.0.0/8")}, nil, nil, "no block"},
		"the last of a group":    {strings.Replace(group, group[strings.LastIndex(group, "  ingress"):strings.LastIndex(group, "}\n")], "", 1), Edit{Type: "aws_security_group", Name: "g", Swap: swap("22", "10.0.0.0/8")}, []string{"+  ingress = []", "-    from_port   = 22"}, nil, ""},
		"a route":                {table, Edit{Type: "aws_route_table", Name: "t", Swap: route("10.1.0.0/16")}, []string{"-    cidr_block                = \"10.1.0.0/16\"", "-    vpc_peering_connection_id"}, []string{"-    cidr_block = \"0.0.0.0/0\"", "route = []"}, ""},
		"a route nobody has":     {table, Edit{Type: "aws_route_table", Name: "t", Swap: route("10.2.0.0/16")}, nil, nil, "no block that is written out says so"},
		"a route of a variable":  {strings.ReplaceAll(table, `"10.1.0.0/16"`, "var.lab"), Edit{Type: "aws_route_table", Name: "t", Swap: route("10.1.0.0/16")}, nil, nil, "no block"},
		"the only route":         {strings.Replace(table, table[strings.Index(table, "  route {\n    cidr_block = \"0"):strings.LastIndex(table, "}\n")], "", 1), Edit{Type: "aws_route_table", Name: "t", Swap: route("10.1.0.0/16")}, []string{"+  route  = []"}, nil, ""},
		"a rule by itself":       {rule, Edit{Type: "aws_security_group_rule", Name: "r", Only: only, Set: map[string]string{"count": "0"}}, []string{"count", "0"}, nil, ""},
		"that says something else": {strings.ReplaceAll(rule, "10.0.0.0/8", "10.1.0.0/16"), Edit{Type: "aws_security_group_rule", Name: "r", Only: only, Set: map[string]string{"count": "0"}}, nil, nil,
			"cidr_blocks is not written out"},
		"that says more":          {strings.ReplaceAll(rule, `["10.0.0.0/8"]`, `["10.0.0.0/8", "10.1.0.0/16"]`), Edit{Type: "aws_security_group_rule", Name: "r", Only: only, Set: map[string]string{"count": "0"}}, nil, nil, "cidr_blocks is not written out"},
		"that is made many times": {strings.ReplaceAll(rule, "  type ", "  for_each = var.x\n  type "), Edit{Type: "aws_security_group_rule", Name: "r", Only: only, Set: map[string]string{"count": "0"}}, nil, nil, "made several times"},
	}
	for name, tt := range tests {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			d, err := Diff("main.tf", []byte(tt.source), tt.edit)
			if tt.mistaken != "" {
				if err == nil || !strings.Contains(err.Error(), tt.mistaken) {
					t.Fatalf("%v, want %q\n%s", err, tt.mistaken, d)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range tt.adds {
				if !strings.Contains(d, want) {
					t.Errorf("without %q:\n%s", want, d)
				}
			}
			for _, no := range tt.without {
				if strings.Contains(d, no) {
					t.Errorf("with %q:\n%s", no, d)
				}
			}
		})
	}
}
