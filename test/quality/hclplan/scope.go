package hclplan

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// scope holds what the expressions of one module may refer to, as far as it is
// known by now.
type scope struct {
	options   Options
	code      *code
	variables map[string]cty.Value
	locals    map[string]cty.Value
	// resources by type and name; an instance with count is a list.
	resources map[string]map[string]cty.Value
	data      map[string]map[string]cty.Value
	modules   map[string]cty.Value
	functions map[string]function.Function
}

func newScope(o Options, c *code, given map[string]cty.Value) *scope {
	s := &scope{options: o, code: c, variables: map[string]cty.Value{}, locals: map[string]cty.Value{}, resources: map[string]map[string]cty.Value{},
		data: map[string]map[string]cty.Value{}, modules: map[string]cty.Value{}, functions: functions(c.dir)}
	for _, b := range c.variables {
		v := cty.DynamicVal
		if a := b.Body.Attributes["default"]; a != nil {
			v = s.value(a.Expr, nil)
		}
		if g, ok := given[b.Labels[0]]; ok {
			v = g
		}
		s.variables[b.Labels[0]] = v
	}
	for _, b := range c.modules {
		s.modules[b.Labels[0]] = cty.DynamicVal
	}
	for name := range c.locals {
		s.locals[name] = cty.DynamicVal
	}
	return s
}

// pass evaluates everything once more.
func (s *scope) pass() {
	for name, e := range s.code.locals {
		s.locals[name] = s.value(e, nil)
	}
	for _, b := range s.code.data {
		put(s.data, b, s.dataSource(b))
	}
	for _, b := range s.code.resources {
		keys := s.instances(b.Body)
		all := make([]cty.Value, 0, len(keys))
		named := map[string]cty.Value{}
		for _, k := range keys {
			v := s.known(b.Labels[0], s.body(b.Body, k.variables))
			all = append(all, v)
			if text, ok := k.index.(string); ok {
				named[text] = v
			}
		}
		switch {
		case b.Body.Attributes["count"] != nil:
			put(s.resources, b, cty.TupleVal(all))
		case b.Body.Attributes["for_each"] != nil && len(named) > 0:
			put(s.resources, b, cty.ObjectVal(named))
		case b.Body.Attributes["for_each"] != nil || len(all) == 0:
			put(s.resources, b, cty.DynamicVal)
		default:
			put(s.resources, b, all[0])
		}
	}
}

func put(into map[string]map[string]cty.Value, b *hclsyntax.Block, v cty.Value) {
	if into[b.Labels[0]] == nil {
		into[b.Labels[0]] = map[string]cty.Value{}
	}
	into[b.Labels[0]][b.Labels[1]] = v
}

// value evaluates an expression; what cannot be is unknown.
func (s *scope) value(e hclsyntax.Expression, more map[string]cty.Value) cty.Value {
	names := map[string]cty.Value{"var": object(s.variables), "local": object(s.locals), "module": object(s.modules),
		"path":      cty.ObjectVal(map[string]cty.Value{"module": cty.StringVal("."), "root": cty.StringVal("."), "cwd": cty.StringVal(".")}),
		"terraform": cty.ObjectVal(map[string]cty.Value{"workspace": cty.StringVal("default")})}
	for typ, by := range s.resources {
		names[typ] = object(by)
	}
	data := map[string]cty.Value{}
	for typ, by := range s.data {
		data[typ] = object(by)
	}
	names["data"] = object(data)
	maps.Copy(names, more)
	v, diags := e.Value(&hcl.EvalContext{Variables: names, Functions: s.functions})
	if diags.HasErrors() {
		return s.partly(e, more)
	}
	return v
}

// partly evaluates the members of an object or list whose whole cannot be
// evaluated: one unknown member must not hide the others.
func (s *scope) partly(e hclsyntax.Expression, more map[string]cty.Value) cty.Value {
	switch e := e.(type) {
	case *hclsyntax.ObjectConsExpr:
		out := map[string]cty.Value{}
		for _, item := range e.Items {
			k := s.value(item.KeyExpr, more)
			if !k.IsKnown() || k.IsNull() || k.Type() != cty.String {
				return cty.DynamicVal
			}
			out[k.AsString()] = s.value(item.ValueExpr, more)
		}
		return object(out)
	case *hclsyntax.TupleConsExpr:
		out := make([]cty.Value, len(e.Exprs))
		for i, x := range e.Exprs {
			out[i] = s.value(x, more)
		}
		return cty.TupleVal(out)
	}
	return cty.DynamicVal
}

// instance is one of the things that a block makes.
type instance struct {
	suffix    string
	index     any
	variables map[string]cty.Value
	unknown   bool
}

// instances expands count and for_each; one of unknown number when that is not
// known.
func (s *scope) instances(body *hclsyntax.Body) []instance {
	if a := body.Attributes["count"]; a != nil {
		v := s.value(a.Expr, nil)
		n := 1
		if v.IsKnown() && !v.IsNull() && v.Type() == cty.Number {
			f, _ := v.AsBigFloat().Int64()
			n = int(max(0, min(f, 100)))
		}
		out := make([]instance, 0, n)
		for i := range n {
			out = append(out, instance{fmt.Sprintf("[%d]", i), i, map[string]cty.Value{"count": cty.ObjectVal(map[string]cty.Value{"index": cty.NumberIntVal(int64(i))})}, !v.IsKnown()})
		}
		return out
	}
	if a := body.Attributes["for_each"]; a != nil {
		v := s.value(a.Expr, nil)
		if !v.IsKnown() || v.IsNull() || !v.CanIterateElements() {
			return []instance{{`["?"]`, "?", map[string]cty.Value{"each": cty.ObjectVal(map[string]cty.Value{"key": cty.DynamicVal, "value": cty.DynamicVal})}, true}}
		}
		var out []instance
		for it := v.ElementIterator(); it.Next(); {
			k, e := it.Element()
			if v.Type().IsSetType() || v.Type().IsTupleType() || v.Type().IsListType() {
				k = e
			}
			key := "?"
			if k.IsKnown() && k.Type() == cty.String {
				key = k.AsString()
			}
			text, _ := json.Marshal(key)
			out = append(out, instance{"[" + string(text) + "]", key, map[string]cty.Value{"each": cty.ObjectVal(map[string]cty.Value{"key": k, "value": e})}, false})
		}
		return out
	}
	return []instance{{}}
}

// body evaluates a body: attributes, and blocks as lists.
func (s *scope) body(body *hclsyntax.Body, more map[string]cty.Value) cty.Value {
	out := map[string]cty.Value{}
	for name, a := range body.Attributes {
		switch name {
		case "count", "for_each", "depends_on", "provider":
		default:
			out[name] = s.value(a.Expr, more)
		}
	}
	lists := map[string][]cty.Value{}
	for _, b := range body.Blocks {
		switch b.Type {
		case "lifecycle", "provisioner", "connection", "timeouts":
		case "dynamic":
			s.dynamic(b, more, lists)
		default:
			lists[b.Type] = append(lists[b.Type], s.body(b.Body, more))
		}
	}
	for name, list := range lists {
		out[name] = cty.TupleVal(list)
	}
	return object(out)
}

// dynamic expands a dynamic block.
func (s *scope) dynamic(b *hclsyntax.Block, more map[string]cty.Value, lists map[string][]cty.Value) {
	each := b.Body.Attributes["for_each"]
	if each == nil || len(b.Labels) != 1 {
		return
	}
	name := b.Labels[0]
	iterator := name
	if a := b.Body.Attributes["iterator"]; a != nil {
		iterator = hcl.ExprAsKeyword(a.Expr)
	}
	v := s.value(each.Expr, more)
	for _, content := range b.Body.Blocks {
		if content.Type != "content" {
			continue
		}
		if !v.IsKnown() || v.IsNull() || !v.CanIterateElements() {
			lists[name] = append(lists[name], cty.DynamicVal)
			continue
		}
		for it := v.ElementIterator(); it.Next(); {
			k, e := it.Element()
			inner := maps.Clone(more)
			if inner == nil {
				inner = map[string]cty.Value{}
			}
			inner[iterator] = cty.ObjectVal(map[string]cty.Value{"key": k, "value": e})
			lists[name] = append(lists[name], s.body(content.Body, inner))
		}
	}
}

// object makes an object of values, of none too.
func object(of map[string]cty.Value) cty.Value {
	if len(of) == 0 {
		return cty.EmptyObjectVal
	}
	return cty.ObjectVal(of)
}

// plain is a value as JSON holds it, and which parts of it are unknown; the
// second is nil when nothing is.
func plain(v cty.Value) (known, unknown any) {
	v, _ = v.Unmark()
	switch {
	case !v.IsKnown():
		return nil, true
	case v.IsNull():
		return nil, nil
	case v.Type().IsObjectType() || v.Type().IsMapType():
		out, marks := map[string]any{}, map[string]any{}
		for it := v.ElementIterator(); it.Next(); {
			k, e := it.Element()
			value, mark := plain(e)
			if mark != true {
				out[k.AsString()] = value
			}
			if mark != nil {
				marks[k.AsString()] = mark
			}
		}
		if len(marks) > 0 {
			return out, marks
		}
		return out, nil
	case v.CanIterateElements():
		out, marks, any_ := []any{}, []any{}, false
		for it := v.ElementIterator(); it.Next(); {
			_, e := it.Element()
			value, mark := plain(e)
			out = append(out, value)
			if mark == nil {
				mark = false
			} else {
				any_ = true
			}
			marks = append(marks, mark)
		}
		if any_ {
			return out, marks
		}
		return out, nil
	}
	text, err := ctyjson.Marshal(v, v.Type())
	if err != nil {
		return nil, true
	}
	return json.RawMessage(text), nil
}

// functions are those of Terraform's that estates use.
func functions(dir string) map[string]function.Function {
	readFile := function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}}, Type: function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			path := filepath.Join(dir, args[0].AsString())
			if !filepath.IsLocal(args[0].AsString()) {
				return cty.NilVal, fmt.Errorf("%s is outside the module", args[0].AsString())
			}
			text, err := os.ReadFile(path)
			return cty.StringVal(string(text)), err
		},
	})
	same := function.New(&function.Spec{
		Params: []function.Parameter{{Name: "v", Type: cty.DynamicPseudoType, AllowUnknown: true, AllowNull: true}},
		Type:   func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
		Impl:   func(args []cty.Value, _ cty.Type) (cty.Value, error) { return args[0], nil },
	})
	return map[string]function.Function{
		"jsonencode": stdlib.JSONEncodeFunc, "jsondecode": stdlib.JSONDecodeFunc, "format": stdlib.FormatFunc, "join": stdlib.JoinFunc, "lower": stdlib.LowerFunc,
		"upper": stdlib.UpperFunc, "replace": stdlib.ReplaceFunc, "concat": stdlib.ConcatFunc, "merge": stdlib.MergeFunc, "length": stdlib.LengthFunc,
		"element": stdlib.ElementFunc, "lookup": stdlib.LookupFunc, "split": stdlib.SplitFunc, "compact": stdlib.CompactFunc, "flatten": stdlib.FlattenFunc,
		"keys": stdlib.KeysFunc, "values": stdlib.ValuesFunc, "coalesce": stdlib.CoalesceFunc, "trimspace": stdlib.TrimSpaceFunc, "substr": stdlib.SubstrFunc,
		"file": readFile, "toset": same, "tolist": same, "tostring": same, "tomap": same, "distinct": stdlib.DistinctFunc, "max": stdlib.MaxFunc, "min": stdlib.MinFunc,
	}
}
