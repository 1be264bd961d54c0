package assess

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/sevenfold-sec/sevenfold/test/terraformgen"
)

// tfSchema is what the AWS provider's resources can say, from
// provider/terraform/attributes.txt: by the path of a resource type and of the
// blocks and attributes below it, the kind with its marks.
type tfSchema struct {
	kind  map[string]string
	kids  map[string][]string
	first map[string]string // of types that share a body, the one it is filed under
	same  map[string]string // "@": the path whose body stands here too
}

func readTFSchema(t testing.TB) *tfSchema {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "provider", "terraform", "attributes.txt"))
	if err != nil {
		t.Fatal(err)
	}
	s := &tfSchema{map[string]string{}, map[string][]string{}, map[string]string{}, map[string]string{}}
	var path []string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if types, ok := strings.CutPrefix(line, "= "); ok {
			list := strings.Fields(types)
			for _, typ := range list {
				s.first[typ] = list[0]
			}
			path = list[:1]
			continue
		}
		words := strings.Fields(line)
		if len(words) < 2 || words[0] == "#" {
			continue
		}
		depth := len(line) - len(strings.TrimLeft(line, "\t"))
		parent := strings.Join(path[:depth+1], ".")
		path = append(path[:depth+1:depth+1], words[0])
		here := strings.Join(path, ".")
		s.kids[parent] = append(s.kids[parent], words[0])
		s.kind[here] = words[1]
		if len(words) > 2 {
			s.same[here] = strings.TrimPrefix(words[2], "@")
		}
	}
	return s
}

// below is the path of a member of a body.
func (s *tfSchema) below(path, name string) string {
	path += "." + name
	for s.same[path] != "" {
		path = s.same[path]
	}
	return path
}

// isBlock reports whether what stands at a path is a block; blocks of the kind
// are lists in a plan.
func isBlock(kind string) bool { return strings.HasSuffix(strings.TrimRight(kind, "!~-"), "{") }

// wrong says what Terraform would refuse in a body: names the provider does not
// have, what only the provider can say, and what is required and not there.
func (s *tfSchema) wrong(body *hclsyntax.Body, path string) []string {
	var out []string
	has := map[string]bool{}
	for name := range body.Attributes {
		has[name] = true
		switch kind := s.kindAt(path, name); {
		case kind == "":
			out = append(out, path+"."+name+" is no attribute")
		case isBlock(kind):
			out = append(out, path+"."+name+" is a block")
		case strings.HasSuffix(kind, "-"):
			out = append(out, path+"."+name+" cannot be set")
		}
	}
	count := map[string]int{}
	for _, b := range body.Blocks {
		has[b.Type] = true
		if b.Type == "lifecycle" {
			continue
		}
		kind := s.kindAt(path, b.Type)
		if !isBlock(kind) {
			out = append(out, path+"."+b.Type+" is no block")
			continue
		}
		if count[b.Type]++; count[b.Type] > 1 && kind[0] == '{' {
			out = append(out, path+"."+b.Type+" may stand once")
		}
		out = append(out, s.wrong(b.Body, s.below(path, b.Type))...)
	}
	for _, name := range s.kids[path] {
		if strings.Contains(s.kindAt(path, name), "!") && !has[name] {
			out = append(out, path+"."+name+" is required")
		}
	}
	slices.Sort(out)
	return out
}

func (s *tfSchema) kindAt(path, name string) string { return s.kind[path+"."+name] }

// companys are the values of the variables that the fixes leave to the company,
// and of those that the faulty sources use.
var companys = map[string]cty.Value{
	"kms_key_arn":                 cty.StringVal("arn:aws:kms:eu-west-1:111122223333:key/0f0e0d0c-1111-2222-3333-444455556666"),
	"subnet_id":                   cty.StringVal("subnet-0a1b"),
	"subnet_ids":                  list("subnet-0a1b", "subnet-0c2d"),
	"security_group_ids":          list("sg-0a1b"),
	"token_audience":              cty.StringVal("agents.example.com"),
	"recording_bucket":            cty.StringVal("recordings"),
	"oauth2_return_urls":          list("https://agents.example.com/return"),
	"guardrail_id":                cty.StringVal("gr0a1b2c3d4e"),
	"guardrail_version":           cty.StringVal("1"),
	"denied_topic_name":           cty.StringVal("investment advice"),
	"denied_topic_definition":     cty.StringVal("Advice on what to invest money in."),
	"invocation_log_bucket":       cty.StringVal("prompts"),
	"documents_bucket_arn":        cty.StringVal("arn:aws:s3:::documents"),
	"encrypted_snapshot_id":       cty.StringVal("snap-0a1b"),
	"glue_security_configuration": cty.StringVal("own-key"),
	"opensearch_admin_role_arn":   cty.StringVal("arn:aws:iam::111122223333:role/search-admin"),
	"log_bucket":                  cty.StringVal("access-logs"),
	"repository_https_url":        cty.StringVal("https://git.example.com/models.git"),
	"repository_secret_arn":       cty.StringVal("arn:aws:secretsmanager:eu-west-1:111122223333:secret:git-0a1b2c"),
	"capture_s3_uri":              cty.StringVal("s3://captured/eta"),
	"alarm_name":                  cty.StringVal("errors"),
	"rotation_lambda_arn":         cty.StringVal("arn:aws:lambda:eu-west-1:111122223333:function:rotate"),
	"log_group_arn":               cty.StringVal("arn:aws:logs:eu-west-1:111122223333:log-group:runs"),
	"allowed_origins":             list("https://shop.example.com"),
	"eks_ami_type":                cty.StringVal("AL2023_x86_64_NVIDIA"),
	"emr_log_uri":                 cty.StringVal("s3://emr-logs/"),
	"emr_max_cpu":                 cty.StringVal("400 vCPU"),
	"emr_max_memory":              cty.StringVal("3000 GB"),
	"emr_security_configuration":  cty.StringVal("own-key"),
	"kubernetes_version":          cty.StringVal("1.35"),
	"lambda_runtime":              cty.StringVal("python3.13"),
	"flow_log_bucket_arn":         cty.StringVal("arn:aws:s3:::flow-logs"),
}

func list(values ...string) cty.Value {
	out := make([]cty.Value, len(values))
	for i, v := range values {
		out[i] = cty.StringVal(v)
	}
	return cty.ListVal(out)
}

// tfResource is a resource block on its way into a plan.
type tfResource struct {
	typ, name string
	body      *hclsyntax.Body
	values    map[string]any
	unknown   map[string]any
	known     cty.Value // what other resources may refer to
	gone      bool
	exists    bool
}

// planner makes plans of HCL as Terraform would show them, of what the fixes
// need: resources without modules, counts or functions but jsonencode.
type planner struct {
	schema *tfSchema
	// computed are attributes that AWS gave what exists already, by address.
	computed map[string]map[string]any
}

// plan is the plan that creates the resources of a source; those whose address
// is in computed exist already, and stay as they are. gone is the source of what
// the plan deletes.
func (p *planner) plan(t testing.TB, source, gone string) []byte {
	t.Helper()
	resources := p.blocks(t, source)
	for _, r := range p.blocks(t, gone) {
		r.gone = true
		resources = append(resources, r)
	}
	for range 3 { // what refers to what refers to something
		for _, r := range resources {
			p.evaluate(t, r, resources)
		}
	}
	changes, configured := []any{}, []any{}
	for _, r := range resources {
		address := r.typ + "." + r.name
		change := map[string]any{"actions": []any{"create"}, "before": nil, "after": r.values, "after_unknown": r.unknown, "before_sensitive": false, "after_sensitive": map[string]any{}}
		switch {
		case r.gone:
			change["actions"], change["before"], change["after"], change["after_unknown"] = []any{"delete"}, r.values, nil, map[string]any{}
		case r.exists:
			change["actions"], change["before"], change["after_unknown"] = []any{"no-op"}, r.values, map[string]any{}
		}
		changes = append(changes, map[string]any{"address": address, "mode": "managed", "type": r.typ, "name": r.name,
			"provider_name": "registry.terraform.io/hashicorp/aws", "change": change})
		if !r.gone {
			configured = append(configured, map[string]any{"address": address, "mode": "managed", "type": r.typ, "name": r.name,
				"provider_config_key": "aws", "expressions": expressions(r.body)})
		}
	}
	text, err := json.Marshal(map[string]any{
		"format_version": "1.2", "terraform_version": "1.13.5", "complete": true, "errored": false, "resource_changes": changes,
		"prior_state": map[string]any{"format_version": "1.0", "values": map[string]any{"root_module": map[string]any{"resources": []any{map[string]any{
			"address": "data.aws_caller_identity.me", "mode": "data", "type": "aws_caller_identity", "name": "me",
			"provider_name": "registry.terraform.io/hashicorp/aws", "values": map[string]any{"account_id": terraformgen.Account}, "sensitive_values": map[string]any{}}}}}},
		"configuration": map[string]any{
			"provider_config": map[string]any{"aws": map[string]any{"name": "aws", "expressions": map[string]any{"region": map[string]any{"constant_value": terraformgen.Region}}}},
			"root_module":     map[string]any{"resources": configured}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// blocks are the resources of a source, which the provider must take.
func (p *planner) blocks(t testing.TB, source string) []*tfResource {
	t.Helper()
	f, diags := hclsyntax.ParseConfig([]byte(source), "main.tf", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatalf("%v in\n%s", diags, source)
	}
	var out []*tfResource
	for _, b := range f.Body.(*hclsyntax.Body).Blocks {
		if b.Type != "resource" {
			continue
		}
		first, ok := p.schema.first[b.Labels[0]]
		if !ok {
			t.Fatalf("attributes.txt has no %s", b.Labels[0])
		}
		if wrong := p.schema.wrong(b.Body, first); len(wrong) > 0 {
			t.Fatalf("Terraform would refuse %s.%s: %s in\n%s", b.Labels[0], b.Labels[1], strings.Join(wrong, ", "), source)
		}
		out = append(out, &tfResource{typ: b.Labels[0], name: b.Labels[1], body: b.Body, known: cty.DynamicVal})
	}
	return out
}

// evaluate fills in the values of a resource by what is known of the others.
func (p *planner) evaluate(t testing.TB, r *tfResource, all []*tfResource) {
	t.Helper()
	byType := map[string]map[string]cty.Value{}
	for _, o := range all {
		if byType[o.typ] == nil {
			byType[o.typ] = map[string]cty.Value{}
		}
		byType[o.typ][o.name] = o.known
	}
	ctx := &hcl.EvalContext{Variables: map[string]cty.Value{"var": cty.ObjectVal(companys)}, Functions: map[string]function.Function{"jsonencode": stdlib.JSONEncodeFunc}}
	for typ, of := range byType {
		ctx.Variables[typ] = cty.ObjectVal(of)
	}
	computed, exists := p.computed[r.typ+"."+r.name]
	r.exists = exists && !r.gone
	r.values, r.unknown = p.body(t, ctx, r.body, p.schema.first[r.typ], computed, exists || r.gone)
	known := map[string]cty.Value{}
	for name, v := range r.values {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		typ, err := ctyjson.ImpliedType(text)
		if err != nil {
			t.Fatal(err)
		}
		if known[name], err = ctyjson.Unmarshal(text, typ); err != nil {
			t.Fatal(err)
		}
	}
	for name, mask := range r.unknown {
		if mask == true {
			known[name] = cty.UnknownVal(cty.String)
		}
	}
	r.known = cty.ObjectVal(known)
}

// body is a body's values and the mask of what is known after apply.
func (p *planner) body(t testing.TB, ctx *hcl.EvalContext, body *hclsyntax.Body, path string, computed map[string]any, exists bool) (values, unknown map[string]any) {
	t.Helper()
	values, unknown = map[string]any{}, map[string]any{}
	for _, name := range p.schema.kids[path] {
		kind := p.schema.kindAt(path, name)
		if isBlock(kind) {
			list, masks := []any{}, []any{}
			for _, b := range body.Blocks {
				if b.Type == name {
					v, m := p.body(t, ctx, b.Body, p.schema.below(path, name), nil, exists)
					list, masks = append(list, v), append(masks, m)
				}
			}
			if len(list) == 0 && strings.HasSuffix(kind, "~") && !exists {
				unknown[name] = true
				continue
			}
			values[name], unknown[name] = list, masks
			continue
		}
		if a := body.Attributes[name]; a != nil {
			v, diags := a.Expr.Value(ctx)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			if v.IsWhollyKnown() {
				values[name] = plainValue(t, v)
			} else {
				unknown[name] = true
			}
			continue
		}
		given, ok := computed[name]
		later := strings.HasSuffix(kind, "-") || name == "id" // which may be set and never is
		switch {
		case ok:
			values[name] = given
		case later && !exists:
			unknown[name] = true
		case !later:
			values[name] = nil
		}
	}
	return values, unknown
}

func plainValue(t testing.TB, v cty.Value) any {
	t.Helper()
	text, err := ctyjson.Marshal(v, v.Type())
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// expressions are what the configuration of a plan tells of a body.
func expressions(body *hclsyntax.Body) map[string]any {
	out := map[string]any{}
	for name, a := range body.Attributes {
		var refs []any
		for _, traversal := range a.Expr.Variables() {
			var words []string
			for _, step := range traversal {
				switch s := step.(type) {
				case hcl.TraverseRoot:
					words = append(words, s.Name)
				case hcl.TraverseAttr:
					words = append(words, s.Name)
				}
			}
			refs = append(refs, strings.Join(words, "."))
			if words[0] != "var" && len(words) > 2 {
				refs = append(refs, strings.Join(words[:2], "."))
			}
		}
		out[name] = map[string]any{"constant_value": "as written"}
		if len(refs) > 0 {
			out[name] = map[string]any{"references": refs}
		}
	}
	for _, b := range body.Blocks {
		list, _ := out[b.Type].([]any)
		out[b.Type] = append(list, expressions(b.Body))
	}
	return out
}

// The planner must be able to refuse, or it would prove nothing of a patch.
func TestSchemaRefuses(t *testing.T) {
	s := readTFSchema(t)
	for name, tt := range map[string]struct{ source, want string }{
		"unknown":  {`name = "n"` + "\n" + `role_arn = "r"` + "\n" + `instance_type = "t"` + "\n" + `roots = 1`, "roots is no attribute"},
		"required": {`name = "n"`, "role_arn is required"},
		"computed": {`arn = "a"`, "arn cannot be set"},
		"block":    {`instance_metadata_service_configuration = 1`, "instance_metadata_service_configuration is a block"},
		"no_block": {"root_access {\n}", "root_access is no block"},
		"twice":    {"instance_metadata_service_configuration {\n}\ninstance_metadata_service_configuration {\n}", "may stand once"},
		"within":   {"instance_metadata_service_configuration {\n  version = 1\n}", "instance_metadata_service_configuration.version is no attribute"},
	} {
		t.Run(name, func(t *testing.T) {
			f, diags := hclsyntax.ParseConfig([]byte(tt.source), "main.tf", hcl.InitialPos)
			if diags.HasErrors() {
				t.Fatal(diags)
			}
			got := strings.Join(s.wrong(f.Body.(*hclsyntax.Body), "aws_sagemaker_notebook_instance"), "\n")
			if !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if len(slices.Collect(maps.Keys(s.first))) < 100 {
		t.Error(fmt.Sprint("only ", len(s.first), " types"))
	}
}
