package catalog

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// Scope is where a call goes and what templates may name.
type Scope struct {
	Partition, Account, Region string
	// Parent is the configuration of the asset below which items are listed.
	// Below makes it; its member "parent" is the parent's own.
	Parent map[string]any
}

// Below is the scope of what is listed below an asset.
func (d *Draft) Below() Scope {
	s := d.Scope
	s.Parent = d.Config
	if d.Scope.Parent != nil {
		s.Parent = maps.Clone(d.Config)
		s.Parent["parent"] = d.Scope.Parent
	}
	return s
}

// Sets are the parameter sets that a list is made with one after the other:
// its variants, or one for each value that Each finds in the parent.
func (c *Call) Sets(s Scope) []map[string]any {
	if len(c.Each) == 0 {
		if len(c.Variants) == 0 {
			return []map[string]any{nil}
		}
		return c.Variants
	}
	var out []map[string]any
	for param, path := range c.Each {
		values, _ := Lookup(s.Parent, path).([]any)
		for _, v := range values {
			out = append(out, map[string]any{param: v})
		}
	}
	return out
}

// Lookup follows a path into a decoded JSON value. A path that meets nothing
// gives nil; a flattened path gives []any.
func Lookup(v any, path string) any {
	if path == "" || path == "." {
		return v
	}
	seg, rest, _ := strings.Cut(path, ".")
	name, bracket := seg, ""
	if i := strings.IndexByte(seg, '['); i >= 0 {
		name, bracket = seg[:i], seg[i:]
	}
	if name != "" {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	switch {
	case bracket == "":
		return Lookup(v, rest)
	case bracket == "[]":
		return flatten(v, rest)
	}
	n, err := strconv.Atoi(strings.Trim(bracket, "[]"))
	list, ok := v.([]any)
	if err != nil || !ok || n >= len(list) {
		return nil
	}
	return Lookup(list[n], rest)
}

// flatten applies the rest of a path to every element of an array (or every
// value of an object) and joins what comes back.
func flatten(v any, rest string) any {
	list, ok := v.([]any)
	if !ok {
		return nil
	}
	if rest == "" {
		return list
	}
	var out []any
	for _, e := range list {
		switch got := Lookup(e, rest).(type) {
		case nil:
		case []any:
			out = append(out, got...)
		default:
			out = append(out, got)
		}
	}
	return out
}

// lookupIn follows a path that may begin with "parent.".
func (s Scope) lookupIn(item map[string]any, path string) any {
	if rest, ok := strings.CutPrefix(path, "parent."); ok {
		return Lookup(s.Parent, rest)
	}
	return Lookup(item, path)
}

// String evaluates a path or template to a string; ok is false if any part of
// it is missing.
func (s Scope) String(item map[string]any, expr string) (string, bool) {
	if lit, ok := strings.CutPrefix(expr, "="); ok {
		return lit, true
	}
	if !strings.Contains(expr, "{") {
		str := text(s.lookupIn(item, expr))
		return str, str != ""
	}
	return s.template(item, expr)
}

// template fills the braces of a template.
func (s Scope) template(item map[string]any, expr string) (string, bool) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(expr, "{")
		b.WriteString(before)
		if !found {
			return b.String(), true
		}
		name, rest, closed := strings.Cut(after, "}")
		if !closed {
			return "", false
		}
		val, ok := s.variable(item, name)
		if !ok {
			return "", false
		}
		b.WriteString(val)
		expr = rest
	}
}

// variable evaluates what stands in one pair of braces.
func (s Scope) variable(item map[string]any, name string) (string, bool) {
	switch name {
	case "partition":
		return s.Partition, s.Partition != ""
	case "account":
		return s.Account, s.Account != ""
	case "region":
		return s.Region, s.Region != ""
	}
	name, last := strings.CutSuffix(name, "|last")
	val := ""
	for path := range strings.SplitSeq(name, ",") {
		if val = text(s.lookupIn(item, path)); val != "" {
			break
		}
	}
	if last {
		val = val[strings.LastIndexAny(val, "/:")+1:]
	}
	return val, val != ""
}

// text renders a scalar; anything else is empty.
func text(v any) string {
	switch t := v.(type) {
	case string:
		return t
	case json.Number:
		return t.String()
	case bool:
		return strconv.FormatBool(t)
	case float64, int, int64:
		return fmt.Sprint(t)
	}
	return ""
}

// Value evaluates a parameter expression: a string as path, template or
// literal, lists and objects element by element. ok is false if a part of it
// is missing, in which case the call cannot be made.
func (s Scope) Value(item map[string]any, expr any) (any, bool) {
	switch e := expr.(type) {
	case string:
		if strings.HasPrefix(e, "=") || strings.Contains(e, "{") {
			return s.String(item, e)
		}
		v := s.lookupIn(item, e)
		return v, v != nil && v != ""
	case []any:
		out := make([]any, 0, len(e))
		for _, x := range e {
			v, ok := s.Value(item, x)
			if !ok {
				return nil, false
			}
			out = append(out, v)
		}
		return out, true
	case map[string]any:
		out := make(map[string]any, len(e))
		for k, x := range e {
			v, ok := s.Value(item, x)
			if !ok {
				return nil, false
			}
			out[k] = v
		}
		return out, true
	}
	return expr, true
}

// fixed fills the templates in fixed parameters.
func (s Scope) fixed(v any) any {
	switch t := v.(type) {
	case string:
		if strings.Contains(t, "{") {
			if out, ok := s.template(nil, t); ok {
				return out
			}
		}
		return t
	case []any:
		out := make([]any, len(t))
		for i, x := range t {
			out[i] = s.fixed(x)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(t))
		for k, x := range t {
			out[k] = s.fixed(x)
		}
		return out
	}
	return v
}

// Parameters returns the parameters of a call for one item (nil for a list or
// a single setting). missing names the parameter that cannot be filled.
func (c *Call) Parameters(s Scope, item map[string]any) (params map[string]any, missing string) {
	params = make(map[string]any, len(c.Params)+len(c.With))
	for k, v := range c.Params {
		params[k] = s.fixed(v)
	}
	for k, expr := range c.With {
		v, ok := s.Value(item, expr)
		if !ok {
			return nil, k
		}
		params[k] = v
	}
	return params, ""
}

// matches reports whether the item has, at each path, one of the values; "*"
// stands for any value that is neither missing nor empty.
func (s Scope) matches(item map[string]any, where map[string][]string) bool {
	for path, values := range where {
		v := s.lookupIn(item, path)
		got := text(v)
		ok := false
		for _, want := range values {
			switch {
			case want == "*":
				ok = ok || !empty(v)
			case want == "{account}":
				// Where nothing says whose the reply is, nothing is left out.
				ok = ok || s.Account == "" || got == s.Account
			default:
				ok = ok || got == want
			}
		}
		if !ok {
			return false
		}
	}
	return true
}

func empty(v any) bool {
	switch t := v.(type) {
	case nil:
		return true
	case string:
		return t == ""
	case []any:
		return len(t) == 0
	case map[string]any:
		return len(t) == 0
	}
	return false
}
