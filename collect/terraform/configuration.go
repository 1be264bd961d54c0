package terraform

import (
	"regexp"
	"strconv"
	"strings"
)

// configuration is the part of a plan that holds what was written, with what
// each expression refers to.
type configuration struct {
	Providers map[string]struct {
		Name        string         `json:"name"`
		Expressions map[string]any `json:"expressions"`
	} `json:"provider_config"`
	Root configModule `json:"root_module"`
}

type configModule struct {
	Resources []configResource        `json:"resources"`
	Calls     map[string]configCall   `json:"module_calls"`
	Outputs   map[string]configOutput `json:"outputs"`
	Variables map[string]struct {
		Default any `json:"default"`
	} `json:"variables"`

	byAddress map[string]*configResource
}

type configResource struct {
	Address     string         `json:"address"`
	ProviderKey string         `json:"provider_config_key"`
	Expressions map[string]any `json:"expressions"`
	// Provisioners are commands that run when the resource is made or destroyed.
	Provisioners []struct {
		Type string `json:"type"`
	} `json:"provisioners"`
}

type configCall struct {
	Expressions map[string]any `json:"expressions"`
	Module      configModule   `json:"module"`
	Count       any            `json:"count_expression"`
	ForEach     any            `json:"for_each_expression"`
}

type configOutput struct {
	Expression any `json:"expression"`
}

// step is one module on the way to a resource, with the key of its instance.
type step struct{ name, key string }

// parts takes an instance's address apart: the modules it stands in, the
// resource within its module ("aws_s3_bucket.b"), and the instance's key
// ("[0]", or empty).
func parts(address string) (modules []step, resource, key string) {
	names := split(address)
	for len(names) > 2 && names[0] == "module" {
		name, k := cutKey(names[1])
		modules = append(modules, step{name, k})
		names = names[2:]
	}
	last := len(names) - 1
	if last < 0 {
		return modules, "", ""
	}
	names[last], key = cutKey(names[last])
	return modules, strings.Join(names, "."), key
}

// split cuts an address or reference at its dots, but not within a key.
func split(address string) []string {
	var out []string
	var quoted bool
	depth, start := 0, 0
	for i := 0; i < len(address); i++ {
		switch c := address[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[':
			depth++
		case c == ']':
			depth--
		case c == '.' && depth == 0:
			out = append(out, address[start:i])
			start = i + 1
		}
	}
	return append(out, address[min(start, len(address)):])
}

func cutKey(s string) (name, key string) {
	if i := strings.IndexByte(s, '['); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// prefix is the address that instances in the modules begin with.
func prefix(modules []step) string {
	var b strings.Builder
	for _, m := range modules {
		b.WriteString("module." + m.name + m.key + ".")
	}
	return b.String()
}

// in finds the module that a way leads to.
func (c *configuration) in(modules []step) *configModule {
	m := &c.Root
	for _, s := range modules {
		call, ok := m.Calls[s.name]
		if !ok {
			return nil
		}
		m = &call.Module
	}
	return m
}

// index files a module's resources, and those of the modules it calls.
func (m *configModule) index() {
	m.byAddress = make(map[string]*configResource, len(m.Resources))
	for i := range m.Resources {
		m.byAddress[m.Resources[i].Address] = &m.Resources[i]
	}
	for name, call := range m.Calls {
		call.Module.index()
		m.Calls[name] = call
	}
}

// resolver finds the resources behind expressions.
type resolver struct {
	config *configuration
	// instances are the keys there are of each resource ("module.m[0].aws_x.y").
	instances map[string][]string
}

// maxHops bounds the way of an expression through variables and outputs.
const maxHops = 32

// resource finds the configuration of an instance.
func (r *resolver) resource(address string) *configResource {
	if r == nil || r.config == nil {
		return nil
	}
	modules, resource, _ := parts(address)
	m := r.config.in(modules)
	if m == nil {
		return nil
	}
	return m.byAddress[resource]
}

// references are the resources that the expression at a path of an instance's
// attributes refers to; nil if it refers to anything else that may be unknown.
func (r *resolver) references(address string, path []string) []Reference {
	c := r.resource(address)
	if c == nil || len(path) == 0 {
		return nil
	}
	expression, ok := at(c.Expressions, path)
	if !ok {
		return nil
	}
	modules, _, key := parts(address)
	out, ok := r.resolve(modules, key, expression, maxHops)
	if !ok {
		return nil
	}
	return out
}

// at walks expressions along a path: blocks are lists or objects of
// expressions, and a nested attribute's expression stands for all of it.
func at(expressions map[string]any, path []string) (map[string]any, bool) {
	var v any = expressions
	for _, p := range path {
		switch t := v.(type) {
		case map[string]any:
			if isExpression(t) {
				return t, true
			}
			if _, err := strconv.Atoi(p); err == nil && t[p] == nil {
				continue // a block that stands once is an object
			}
			v = t[p]
		case []any:
			i, err := strconv.Atoi(p)
			if err != nil || i < 0 || i >= len(t) {
				return nil, false
			}
			v = t[i]
		default:
			return nil, false
		}
	}
	e, ok := v.(map[string]any)
	return e, ok && isExpression(e)
}

func isExpression(m map[string]any) bool {
	_, refers := m["references"].([]any)
	_, constant := m["constant_value"]
	return refers || constant
}

// resolve lists the resources an expression refers to. It reports false if the
// expression also refers to what cannot be followed.
func (r *resolver) resolve(modules []step, key string, expression any, hops int) ([]Reference, bool) {
	e, ok := expression.(map[string]any)
	if !ok || hops == 0 {
		return nil, false
	}
	list, _ := e["references"].([]any)
	texts := make([]string, 0, len(list))
	for _, v := range list {
		if s, ok := v.(string); ok {
			texts = append(texts, s)
		}
	}
	counted := false
	for _, t := range texts {
		counted = counted || t == "count.index" || t == "each.key"
	}
	var out []Reference
	for i, t := range texts {
		// Terraform lists a reference and then what it begins with.
		if i > 0 && (strings.HasPrefix(texts[i-1], t+".") || strings.HasPrefix(texts[i-1], t+"[")) {
			continue
		}
		found, ok := r.follow(modules, key, t, counted, hops)
		if !ok {
			return nil, false
		}
		out = append(out, found...)
	}
	return out, true
}

// follow resolves one reference.
func (r *resolver) follow(modules []step, key, text string, counted bool, hops int) ([]Reference, bool) {
	names := split(text)
	head, _ := cutKey(names[0])
	switch head {
	case "count", "path", "terraform", "self":
		return nil, true
	case "each":
		return nil, len(names) > 1 && names[1] == "key"
	case "local", "data", "ephemeral":
		return nil, false
	case "var":
		if len(names) < 2 {
			return nil, false
		}
		if len(modules) == 0 {
			return nil, true // a root variable is known
		}
		name, _ := cutKey(names[1])
		last := modules[len(modules)-1]
		outer := r.config.in(modules[:len(modules)-1])
		if outer == nil {
			return nil, false
		}
		expression, set := outer.Calls[last.name].Expressions[name]
		if !set {
			return nil, true // its default is known
		}
		found, ok := r.resolve(modules[:len(modules)-1], last.key, expression, hops-1)
		return narrow(found, ok, len(names) > 2 || names[1] != name)
	case "module":
		if len(names) < 3 {
			return nil, false
		}
		name, callKey := cutKey(names[1])
		m := r.config.in(modules)
		if m == nil {
			return nil, false
		}
		call, known := m.Calls[name]
		if !known {
			return nil, false
		}
		if callKey == "" && (call.Count != nil || call.ForEach != nil) {
			if !counted || key == "" {
				return nil, false
			}
			callKey = key
		}
		output, outputKey := cutKey(names[2])
		inner := append(modules[:len(modules):len(modules)], step{name, callKey})
		found, ok := r.resolve(inner, "", call.Module.Outputs[output].Expression, hops-1)
		return narrow(found, ok, len(names) > 3 || outputKey != "")
	}
	return r.instance(modules, key, names, counted)
}

// narrow refuses a part of a value that refers to several resources: which of
// them the part is, nobody says.
func narrow(found []Reference, ok, part bool) ([]Reference, bool) {
	if part && len(found) > 1 {
		return nil, false
	}
	return found, ok
}

// instance resolves a reference to a resource of the module.
func (r *resolver) instance(modules []step, key string, names []string, counted bool) ([]Reference, bool) {
	if len(names) < 2 {
		return nil, false
	}
	name, own := cutKey(names[1])
	attribute := ""
	if len(names) > 2 {
		attribute = strings.Join(names[2:], ".")
		attribute = trailingIndex.ReplaceAllString(attribute, "")
	}
	base := prefix(modules) + names[0] + "." + name
	if own != "" {
		return []Reference{{base + own, attribute}}, true
	}
	keys := r.instances[base]
	switch {
	case len(keys) == 1 && keys[0] == "":
		return []Reference{{base, attribute}}, true
	case counted && key != "":
		return []Reference{{base + key, attribute}}, true
	case len(keys) == 0:
		return nil, false
	}
	var out []Reference
	for _, k := range keys { // all of them: a splat
		out = append(out, Reference{base + k, ""})
	}
	return out, true
}

var trailingIndex = regexp.MustCompile(`(\[[^\]]*\])+$`)

// constant is the value of an expression that is one, or of a root variable it
// refers to alone.
func (f *file) constant(expression any) any {
	e, ok := expression.(map[string]any)
	if !ok {
		return nil
	}
	if v, ok := e["constant_value"]; ok {
		return v
	}
	list, _ := e["references"].([]any)
	if len(list) != 1 {
		return nil
	}
	ref, _ := list[0].(string)
	name, ok := strings.CutPrefix(ref, "var.")
	if !ok {
		return nil
	}
	if v, ok := f.variables[name]; ok {
		return v.Value
	}
	return f.config.Root.Variables[name].Default
}

// providers says what the providers' configurations hold that is constant.
func (f *file) providers() map[string]Provider {
	out := map[string]Provider{}
	if f.config == nil {
		return out
	}
	for key, p := range f.config.Providers {
		one := Provider{}
		one.Region, _ = f.constant(p.Expressions["region"]).(string)
		one.Cluster, _ = f.constant(p.Expressions["config_context_cluster"]).(string)
		if one.Cluster == "" {
			one.Cluster, _ = f.constant(p.Expressions["config_context"]).(string)
		}
		if list, ok := f.constant(p.Expressions["allowed_account_ids"]).([]any); ok && len(list) == 1 {
			one.Account, _ = list[0].(string)
		}
		for _, role := range blocks(p.Expressions["assume_role"]) {
			if arn, ok := f.constant(role["role_arn"]).(string); ok {
				if a := strings.SplitN(arn, ":", 6); len(a) == 6 {
					one.Account = a[4]
				}
			}
		}
		out[key] = one
	}
	return out
}

// blocks are the blocks of an expression, be they one object or a list.
func blocks(v any) []map[string]any {
	switch v := v.(type) {
	case map[string]any:
		return []map[string]any{v}
	case []any:
		var out []map[string]any
		for _, e := range v {
			if m, ok := e.(map[string]any); ok {
				out = append(out, m)
			}
		}
		return out
	}
	return nil
}
