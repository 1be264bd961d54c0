package terraform

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// later stands in a configuration for a value that is known after apply.
type later struct{}

// null stands for a value that is there and withheld.
type null struct{}

// spot is where a value stands while it is converted.
type spot struct {
	r    *Resource
	as   map[string]string
	path []string // attributes and indexes, from the resource
	rel  string   // attributes alone, dotted
}

func (s spot) step(attribute string) spot {
	s.path = append(slices.Clip(s.path), attribute)
	if s.rel != "" {
		s.rel += "."
	}
	s.rel += attribute
	return s
}

func (s spot) at(i int) spot {
	s.path = append(slices.Clip(s.path), strconv.Itoa(i))
	return s
}

// value converts v, of which mask is known later, to a member of a shape. It
// returns nil for what is not set.
func (c *conversion) value(s spot, v, mask any, sh *shape, code string) any {
	if mask == true {
		return c.unknown(s, sh, code)
	}
	switch code[0] {
	case '[':
		return c.list(s, v, mask, sh, code[1:])
	case '(':
		return c.mapping(s, v, mask, sh, code[1:])
	case '{':
		if list, ok := v.([]any); ok {
			return c.block(s, list, mask, sh)
		}
		if m, ok := v.(map[string]any); ok || isMap(mask) {
			return c.object(s, m, mask, sh)
		}
		if text := str(v); strings.HasPrefix(strings.TrimSpace(text), "{") {
			var m map[string]any
			if json.Unmarshal([]byte(text), &m) == nil {
				return m
			}
		}
		return nil
	}
	return scalar(v, mask, code)
}

// block converts a block that may stand once.
func (c *conversion) block(s spot, list []any, mask any, sh *shape) any {
	masks, _ := mask.([]any)
	switch {
	case len(list) == 0:
		return nil
	case len(list) > 1:
		return later{} // which of them holds is not ours to guess
	case len(masks) > 0 && masks[0] == true:
		return later{}
	case list[0] == nil && len(masks) == 0:
		return map[string]any{}
	}
	m, _ := list[0].(map[string]any)
	return c.object(s.at(0), m, element(masks, 0), sh)
}

func (c *conversion) list(s spot, v, mask any, sh *shape, code string) any {
	var out []any
	masks, _ := mask.([]any)
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		for i, e := range v {
			if x := c.value(s.at(i), e, element(masks, i), sh, code); x != nil {
				out = append(out, x)
			}
		}
	default:
		if x := c.value(s, v, mask, sh, code); x != nil {
			out = append(out, x)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func (c *conversion) mapping(s spot, v, mask any, sh *shape, code string) any {
	masks, _ := mask.(map[string]any)
	out := map[string]any{}
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if masks[k] == true {
				out[k] = later{}
			} else if x := c.value(s, e, masks[k], sh, code); x != nil {
				out[k] = x
			}
		}
	case nil:
	default:
		return later{}
	}
	for k, m := range masks {
		if m == true {
			out[k] = later{}
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// object converts attributes to the members of a shape.
func (c *conversion) object(s spot, values map[string]any, mask any, sh *shape) map[string]any {
	out := map[string]any{}
	c.members(out, s, values, mask, sh, nil)
	return out
}

// members puts attributes into an object; said hears of every member that an
// attribute stands for, set or not.
func (c *conversion) members(out map[string]any, s spot, values map[string]any, mask any, sh *shape, said func(member string)) {
	masks, _ := mask.(map[string]any)
	for _, attribute := range attributes(values, masks) {
		at := s.step(attribute)
		target, renamed := s.as[at.rel]
		if renamed && target == "" {
			continue
		}
		v, m := values[attribute], masks[attribute]
		if target == "." {
			switch block := v.(type) {
			case map[string]any:
				c.members(out, at, block, m, sh, said)
			case []any:
				if len(block) == 1 {
					inner, _ := block[0].(map[string]any)
					ms, _ := m.([]any)
					c.members(out, at.at(0), inner, element(ms, 0), sh, said)
				}
			}
			continue
		}
		if !renamed {
			if k := sh.member(attribute); k != nil {
				target = k.name
			} else {
				continue
			}
		}
		if said != nil {
			head, _, _ := strings.Cut(target, ".")
			said(strings.TrimSuffix(head, "[]"))
		}
		c.put(out, at, v, m, sh, target)
	}
}

// put sets the member a dotted path leads to.
func (c *conversion) put(out map[string]any, at spot, v, mask any, sh *shape, target string) {
	head, rest, deeper := strings.Cut(target, ".")
	name, wrap := strings.CutSuffix(head, "[]")
	k := sh.named(name)
	if k == nil {
		return // the rules' test names it
	}
	if !deeper {
		if x := c.value(at, v, mask, k, k.code); x != nil {
			out[name] = x
		}
		return
	}
	inner := map[string]any{}
	if old, ok := out[name].(map[string]any); ok {
		inner = old
	} else if old, ok := out[name].([]any); ok && wrap && len(old) > 0 {
		inner, _ = old[0].(map[string]any)
	}
	c.put(inner, at, v, mask, k, rest)
	if len(inner) == 0 {
		return
	}
	if wrap {
		out[name] = []any{inner}
	} else {
		out[name] = inner
	}
}

// unknown is what stands for a value known after apply: the resources its
// expression refers to, where the member names a thing; else later.
func (c *conversion) unknown(s spot, sh *shape, code string) any {
	if !identifier(sh.name) {
		return later{}
	}
	switch code {
	case "s":
		if refs := c.refs(s.r, s.path); len(refs) == 1 && names(refs[0].Attribute) {
			return c.identity(refs[0].Address)
		}
	case "[s":
		var out []any
		refs := c.refs(s.r, s.path)
		whole := len(refs) > 0
		for _, ref := range refs {
			if ref.Attribute != "" && !names(ref.Attribute) {
				return later{}
			}
			whole = whole && ref.Attribute != ""
			out = append(out, c.identity(ref.Address))
		}
		if len(out) > 0 {
			if !whole { // a splat, perhaps filtered: there may be fewer or more
				out = append(out, later{})
			}
			return out
		}
	}
	return later{}
}

// scalar converts one value. Terraform writes "" for an attribute not set.
func scalar(v, mask any, code string) any {
	if mask != nil && mask != false && !isMap(mask) {
		return later{}
	}
	switch code[0] {
	case 'n':
		switch v := v.(type) {
		case json.Number, float64, int, int64:
			return v
		case string:
			if _, err := strconv.ParseFloat(v, 64); err == nil {
				return json.Number(v)
			}
		}
		return nil
	case 'b':
		switch v := v.(type) {
		case bool:
			return v
		case string:
			if b, err := strconv.ParseBool(v); err == nil {
				return b
			}
		}
		return nil
	case 'd':
		return document(v)
	case 'i': // a number, or a name or percentage
		if s, ok := v.(string); ok {
			if _, err := strconv.Atoi(s); err == nil {
				return json.Number(s)
			}
		}
	}
	switch v := v.(type) {
	case string:
		if v == "" {
			return nil
		}
		return document(v)
	case bool, json.Number, float64:
		return scalarText(v)
	}
	return nil
}

// document opens a string that holds a policy, as the live reader does.
func document(v any) any {
	s, ok := v.(string)
	if !ok || !strings.HasPrefix(strings.TrimSpace(s), "{") || !strings.Contains(s, `"Statement"`) {
		return v
	}
	var doc map[string]any
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil || doc["Statement"] == nil {
		return v
	}
	return doc
}

func scalarText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return v.String()
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case int:
		return strconv.Itoa(v)
	}
	return ""
}

func isMap(v any) bool {
	_, ok := v.(map[string]any)
	return ok
}

func element(masks []any, i int) any {
	if i < len(masks) {
		return masks[i]
	}
	return nil
}

// attributes are the names of both maps, sorted.
func attributes(values, masks map[string]any) []string {
	out := make([]string, 0, len(values)+len(masks))
	for k := range values {
		out = append(out, k)
	}
	for k := range masks {
		if _, dup := values[k]; !dup {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}
