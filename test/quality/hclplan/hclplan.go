// Package hclplan turns Terraform code into the JSON of a plan without
// Terraform and without a provider, so that estates that exist as code only can
// be measured. It evaluates what is literal: variables by their defaults,
// locals, count, for_each, dynamic blocks, policy documents, modules beside the
// code, and the identifiers that follow from a literal name (the ARN of a role).
// Everything else is unknown until apply, as the plan then says.
//
// What the code leaves out is null, as far as the attributes of the type are
// known; what a provider would add by default is not there.
package hclplan

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Options say what no code says.
type Options struct {
	// Account and Region of the AWS provider.
	Account, Region string
	// Schema is the file that names the attributes of the providers' resources,
	// provider/terraform/attributes.txt; empty: nobody knows them.
	Schema string
	// Variables are values for variables of the root module.
	Variables map[string]string
}

// Plan reads the Terraform code of a folder and returns a plan, in the format of
// terraform show -json, that makes all of it. Notes name what was left out. An
// error means that a file is no Terraform code.
func Plan(dir string, o Options) (plan []byte, notes []string, err error) {
	w := &writer{options: o}
	if o.Schema != "" {
		if w.schema, err = readSchema(o.Schema); err != nil {
			return nil, nil, err
		}
	}
	root := map[string]cty.Value{}
	for name, v := range o.Variables {
		root[name] = cty.StringVal(v)
	}
	config, _, err := w.module(dir, "", root, 0)
	if err != nil {
		return nil, nil, err
	}
	identity := map[string]any{"address": "data.aws_caller_identity.current", "mode": "data", "type": "aws_caller_identity", "name": "current",
		"provider_name": provider("aws_"), "values": map[string]any{"account_id": o.Account}, "sensitive_values": map[string]any{}}
	text, err := json.MarshalIndent(map[string]any{
		"format_version": "1.2", "terraform_version": "1.13.5", "complete": true, "errored": false, "applyable": true,
		"variables": map[string]any{"region": map[string]any{"value": o.Region}}, "planned_values": map[string]any{"root_module": map[string]any{}},
		"prior_state":      map[string]any{"format_version": "1.0", "values": map[string]any{"root_module": map[string]any{"resources": []any{identity}}}},
		"resource_changes": w.changes,
		"configuration": map[string]any{
			"provider_config": map[string]any{"aws": map[string]any{"name": "aws", "full_name": provider("aws_"), "expressions": map[string]any{"region": map[string]any{"constant_value": o.Region}}}},
			"root_module":     config,
		},
	}, "", " ")
	return append(text, '\n'), w.notes, err
}

// writer gathers the changes of all modules.
type writer struct {
	options Options
	schema  map[string]*attribute
	changes []any
	notes   []string
}

func (w *writer) note(format string, args ...any) {
	w.notes = append(w.notes, fmt.Sprintf(format, args...))
}

// provider names the provider of a resource type.
func provider(typ string) string {
	name, _, _ := strings.Cut(typ, "_")
	return "registry.terraform.io/hashicorp/" + name
}

// code is what the files of one module hold.
type code struct {
	dir       string
	resources []*hclsyntax.Block
	data      []*hclsyntax.Block
	modules   []*hclsyntax.Block
	variables []*hclsyntax.Block
	outputs   []*hclsyntax.Block
	locals    map[string]hclsyntax.Expression
}

// labels is how many names a block bears.
var labels = map[string]int{"resource": 2, "data": 2, "module": 1, "variable": 1, "output": 1}

// read parses the files of a folder.
func read(dir string) (*code, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.tf"))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s: no Terraform code (*.tf)", dir)
	}
	slices.Sort(paths)
	c := &code{dir: dir, locals: map[string]hclsyntax.Expression{}}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		file, diags := hclparse.NewParser().ParseHCL(text, filepath.Base(path))
		if diags.HasErrors() {
			return nil, fmt.Errorf("%s: %w", path, diags)
		}
		for _, b := range file.Body.(*hclsyntax.Body).Blocks {
			if want, ok := labels[b.Type]; ok && len(b.Labels) != want {
				return nil, fmt.Errorf("%s:%d: a %s has %d labels, not %d", path, b.TypeRange.Start.Line, b.Type, want, len(b.Labels))
			}
			switch b.Type {
			case "resource":
				c.resources = append(c.resources, b)
			case "data":
				c.data = append(c.data, b)
			case "module":
				c.modules = append(c.modules, b)
			case "variable":
				c.variables = append(c.variables, b)
			case "output":
				c.outputs = append(c.outputs, b)
			case "locals":
				for name, a := range b.Body.Attributes {
					c.locals[name] = a.Expr
				}
			}
		}
	}
	return c, nil
}

// passes bounds how often the code is evaluated: each pass knows what the one
// before found, so that a chain of references is followed that far.
const passes = 8

// module evaluates the code of a folder with the values of its variables. It
// returns the module's part of the plan's configuration and its outputs.
func (w *writer) module(dir, address string, given map[string]cty.Value, depth int) (map[string]any, cty.Value, error) {
	c, err := read(dir)
	if err != nil {
		return nil, cty.DynamicVal, err
	}
	s := newScope(w.options, c, given)
	calls := map[string]any{}
	for range passes {
		s.pass()
	}
	for _, b := range c.modules {
		name, source := b.Labels[0], ""
		if a := b.Body.Attributes["source"]; a != nil {
			if v := s.value(a.Expr, nil); v.IsKnown() && v.Type() == cty.String && !v.IsNull() {
				source = v.AsString()
			}
		}
		if !strings.HasPrefix(source, ".") || depth > 5 {
			w.note("%smodule.%s: its source %q is not beside the code", address, name, source)
			continue
		}
		inputs, expressions := map[string]cty.Value{}, map[string]any{}
		for key, a := range b.Body.Attributes {
			if key != "source" && key != "count" && key != "for_each" && key != "providers" && key != "depends_on" {
				inputs[key] = s.value(a.Expr, nil)
				expressions[key] = expression(a.Expr)
			}
		}
		for _, key := range s.instances(b.Body) {
			config, outputs, err := w.module(filepath.Join(dir, source), address+"module."+name+key.suffix+".", inputs, depth+1)
			if err != nil {
				return nil, cty.DynamicVal, err
			}
			calls[name] = map[string]any{"source": source, "module": config, "expressions": expressions}
			s.modules[name] = outputs
		}
	}
	for range 2 {
		s.pass() // with the outputs of the modules
	}
	resources := []any{}
	for _, b := range c.resources {
		resources = append(resources, w.resource(s, b, address))
	}
	outputs := map[string]cty.Value{}
	for _, b := range c.outputs {
		if a := b.Body.Attributes["value"]; a != nil {
			outputs[b.Labels[0]] = s.value(a.Expr, nil)
		}
	}
	return map[string]any{"resources": resources, "module_calls": calls}, object(outputs), nil
}

// resource adds the changes of one resource and returns its configuration.
func (w *writer) resource(s *scope, b *hclsyntax.Block, address string) map[string]any {
	typ, name := b.Labels[0], b.Labels[1]
	at := address + typ + "." + name
	for _, key := range s.instances(b.Body) {
		if key.unknown {
			w.note("%s: how many there are is not known", at)
		}
		values := s.body(b.Body, key.variables)
		after, unknown := plain(values)
		fields, _ := after.(map[string]any)
		marks, _ := unknown.(map[string]any)
		if fields == nil {
			fields = map[string]any{}
		}
		if marks == nil {
			marks = map[string]any{}
		}
		delete(fields, "id")
		marks["id"], marks["arn"] = true, true
		w.schema[typ].fill(fields, marks)
		change := map[string]any{"address": at + key.suffix, "mode": "managed", "type": typ, "name": name, "provider_name": provider(typ),
			"change": map[string]any{"actions": []any{"create"}, "before": nil, "after": fields, "after_unknown": marks, "before_sensitive": false, "after_sensitive": map[string]any{}}}
		if address != "" {
			change["module_address"] = strings.TrimSuffix(address, ".")
		}
		if key.index != nil {
			change["index"] = key.index
		}
		w.changes = append(w.changes, change)
	}
	providerName, _, _ := strings.Cut(typ, "_")
	return map[string]any{"address": typ + "." + name, "mode": "managed", "type": typ, "name": name, "provider_config_key": providerName, "expressions": expressions(b.Body)}
}

// expressions is the configuration of a body: what each attribute refers to.
func expressions(body *hclsyntax.Body) map[string]any {
	out := map[string]any{}
	for name, a := range body.Attributes {
		if name != "count" && name != "for_each" && name != "depends_on" && name != "provider" {
			out[name] = expression(a.Expr)
		}
	}
	for _, b := range body.Blocks {
		if b.Type == "lifecycle" || b.Type == "provisioner" || b.Type == "connection" {
			continue
		}
		name, inner := b.Type, b.Body
		if name == "dynamic" && len(b.Labels) == 1 {
			name = b.Labels[0]
			for _, c := range b.Body.Blocks {
				if c.Type == "content" {
					inner = c.Body
				}
			}
		}
		list, _ := out[name].([]any)
		out[name] = append(list, expressions(inner))
	}
	return out
}

// expression says what an expression refers to, or its constant.
func expression(e hclsyntax.Expression) map[string]any {
	var refs []string
	for _, t := range e.Variables() {
		parts := []string{}
		for _, step := range t {
			switch step := step.(type) {
			case hcl.TraverseRoot:
				parts = append(parts, step.Name)
			case hcl.TraverseAttr:
				parts = append(parts, step.Name)
			case hcl.TraverseIndex:
				if len(parts) > 0 {
					key, _ := plain(step.Key)
					text, _ := json.Marshal(key)
					parts[len(parts)-1] += "[" + string(text) + "]"
				}
			}
		}
		for n := len(parts); n >= 2; n-- {
			if ref := strings.Join(parts[:n], "."); !slices.Contains(refs, ref) {
				refs = append(refs, ref)
			}
		}
	}
	if len(refs) > 0 {
		return map[string]any{"references": refs}
	}
	if v, diags := e.Value(nil); !diags.HasErrors() {
		if constant, unknown := plain(v); unknown == nil {
			return map[string]any{"constant_value": constant}
		}
	}
	return map[string]any{}
}
