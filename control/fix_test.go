package control

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// mendable is the good control with a fix that says all a fix can say.
var mendable = strings.Replace(good, "  effort: minutes\n", `  effort: hours
  grows: callers
  disrupts: ["callers that do not sign"]
  kubernetes:
    - {in: pod, path: /hostNetwork, is: ["true"], remove: true}
    - {in: container, flag: --listen, takes: true, set: "7"}
    - {in: container, env: MODE, of: tool, set: "7"}
    - {path: /spec/replicas, set: "7"}
  terraform:
    - resource: aws_s3_bucket_versioning
      set:
        versioning_configuration.status: '"Enabled"'
        rule?.on: 'true'
      default: {expected_bucket_owner: var.owner}
    - resource: aws_s3_bucket
      append: {".": "versioning {\n}\n", "a.b?": "c {\n}\n"}
      add: |
        resource "aws_s3_bucket_versioning" "LABEL" {
        }
`, 1)

func TestFix(t *testing.T) {
	c := only(t, folder(mendable))
	want := finding.Fix{Text: "Mend it.", Effort: "hours", Grows: finding.GrowsCallers, Disrupts: []string{"callers that do not sign"}, Commands: []string{"aws mend {name} {region} {id}"}}
	if diff := cmp.Diff(want, c.Fix); diff != "" {
		t.Errorf("fix (-want +got):\n%s", diff)
	}
	fixes := []Terraform{
		{Resource: "aws_s3_bucket_versioning", Set: map[string]string{"versioning_configuration.status": `"Enabled"`, "rule?.on": "true"}, Default: map[string]string{"expected_bucket_owner": "var.owner"}},
		{Resource: "aws_s3_bucket", Append: map[string]string{".": "versioning {\n}\n", "a.b?": "c {\n}\n"}, Add: "resource \"aws_s3_bucket_versioning\" \"LABEL\" {\n}\n"},
	}
	if diff := cmp.Diff(fixes, c.Terraform); diff != "" {
		t.Errorf("terraform (-want +got):\n%s", diff)
	}
	objects := []Kubernetes{
		{In: "pod", Path: "/hostNetwork", Is: []any{true}},
		{In: "container", Flag: "--listen", Takes: true, Set: "7"},
		{In: "container", Env: "MODE", Of: "tool", Set: "7"},
		{Path: "/spec/replicas", Set: 7.0},
	}
	if diff := cmp.Diff(objects, c.Kubernetes); diff != "" {
		t.Errorf("kubernetes (-want +got):\n%s", diff)
	}
	if c := only(t, folder(good)); c.Fix.Grows != finding.GrowsNot || c.Terraform != nil {
		t.Errorf("a fix that says nothing of it grows with %q and mends %v", c.Fix.Grows, c.Terraform)
	}
}

func TestFixMistakes(t *testing.T) {
	for name, c := range map[string]struct{ from, to, want string }{
		"grows":          {"grows: callers", "grows: users", `own-fact/control.yaml:14:10: grows "users" is none of once, units, callers, data, models`},
		"effort":         {"effort: hours", "effort: weeks", `effort "weeks" is none of`},
		"resource":       {"resource: aws_s3_bucket\n", "resource: Bucket\n", `own-fact/control.yaml:27:17: "Bucket" is no type of a Terraform resource`},
		"no_resource":    {"    - resource: aws_s3_bucket\n      append", "    - append", `resource`},
		"nothing":        {"      set:\n        versioning_configuration.status: '\"Enabled\"'\n        rule?.on: 'true'\n      default: {expected_bucket_owner: var.owner}\n", "", "the fix of aws_s3_bucket_versioning neither sets nor adds anything"},
		"set_path":       {"rule?.on:", "rule.?on:", `"rule.?on" is no attribute; join the names of blocks and attribute by dots`},
		"optional_leaf":  {"rule?.on:", "rule.on?:", `"rule.on?" is no attribute`},
		"default_path":   {"default: {expected_bucket_owner:", "default: {Owner:", `"Owner" is no attribute`},
		"append_path":    {`"a.b?":`, `"a..b":`, `"a..b" is no block; join the names of blocks by dots`},
		"unknown_key":    {"      default:", "      defaults:", `unknown key "defaults"`},
		"set_is_no_map":  {"set:\n        versioning_configuration.status: '\"Enabled\"'\n        rule?.on: 'true'", "set: [a]", `where keys and values are expected`},
		"in":             {"in: pod,", "in: node,", `in "node" is neither pod nor container`},
		"pointer":        {"path: /hostNetwork", "path: hostNetwork", `"hostNetwork" is no JSON pointer`},
		"no_place":       {"in: pod, path: /hostNetwork,", "in: pod,", `a fix names a path, an env or a flag`},
		"flag_of_what":   {"in: container, flag", "in: pod, flag", `env and flag are of a container`},
		"neither":        {`is: ["true"], remove: true`, `is: ["true"]`, `a fix says either set: VALUE or remove: true`},
		"both":           {`is: ["true"], remove: true`, `set: "x", remove: true`, `a fix says either set: VALUE or remove: true`},
		"disrupts_alone": {`["callers that do not sign"]`, `{a: b}`, `list`},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(mendable, c.from, c.to, 1)
			if text == mendable {
				t.Fatal("the case changes nothing")
			}
			set, errs := Load(folder(text))
			if len(set.Controls()) != 0 || len(errs) == 0 {
				t.Fatalf("it loads; errors %v", errs)
			}
			var all []string
			for _, err := range errs {
				all = append(all, err.Error())
			}
			if got := strings.Join(all, "\n"); !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
