package cloudformation

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// later stands in a configuration for a value that is not known before birth.
type later struct{}

// spot is where a value stands while it is converted.
type spot struct {
	r   *Resource
	as  map[string]string
	rel string // properties, dotted, without indexes
	// said is the property in the type's schema; nil if it has none such.
	said *property
	// rule and members tell what stands where nothing is said.
	rule    *rule
	members string // members, dotted, without indexes
}

func (s spot) step(name string) spot {
	if s.rel != "" {
		s.rel += "."
	}
	s.rel += name
	s.said = s.said.named(name)
	return s
}

func (s spot) into(member string) spot {
	if s.members != "" {
		s.members += "."
	}
	s.members += member
	return s
}

// value converts v to a member of a shape. It returns nil for what is not set,
// and later for what is not known or does not fit.
func (c *conversion) value(s spot, v any, sh *shape, code string) any {
	if o, open := v.(*Open); open {
		return c.opened(o, sh.name, code)
	}
	if v == nil {
		return nil
	}
	switch code[0] {
	case '[':
		return c.list(s, v, sh, code[1:])
	case '(':
		return c.mapping(s, v, sh, code[1:])
	case '{':
		if m, ok := v.(map[string]any); ok {
			return c.object(s, m, sh)
		}
		if m := parsed(v); m != nil {
			return c.object(s, m, sh)
		}
		return unfit(v)
	}
	if x := c.scalar(v, code); x != nil {
		return x
	}
	return unfit(v)
}

// parsed opens a text that holds a JSON object.
func parsed(v any) map[string]any {
	t, ok := v.(string)
	if !ok || !strings.HasPrefix(strings.TrimSpace(t), "{") {
		return nil
	}
	var m map[string]any
	dec := json.NewDecoder(strings.NewReader(t))
	dec.UseNumber()
	if dec.Decode(&m) != nil {
		return nil
	}
	return m
}

// unfit is what stands for a value that the member cannot hold: there is
// something, and what it becomes is not known.
func unfit(v any) any {
	if t, ok := v.(string); ok && strings.TrimSpace(t) == "" || v == nil {
		return nil
	}
	return later{}
}

// opened is what stands for an open value: its text, where all it refers to is
// known; the asset it refers to, where the member names a thing; else later.
func (c *conversion) opened(o *Open, member, code string) any {
	if t := c.settled(o); t != "" {
		if code[0] == '[' && strings.TrimLeft(code, "[") != "{" {
			return []any{t}
		}
		if x := c.scalar(t, code); x != nil {
			return x
		}
		return later{}
	}
	if id := c.thing(o); id != "" && identifier(member) {
		switch strings.TrimLeft(code, "[") {
		case "s":
			if code[0] == '[' {
				return []any{id}
			}
			return id
		}
	}
	return later{}
}

// thing is the id of the asset that an open value as a whole refers to.
func (c *conversion) thing(o *Open) string {
	if len(o.Parts) != 1 || o.Parts[0].Resource == "" || !names(o.Parts[0].Attribute) {
		return ""
	}
	if rule := c.rules[c.typeOf(o.Parts[0].Resource)]; rule == nil || rule.onto != nil || rule.parts != nil {
		return ""
	}
	return c.identity(o.Parts[0].Resource)
}

func (c *conversion) list(s spot, v any, sh *shape, code string) any {
	var out []any
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if x := c.value(s, e, sh, code); x != nil {
				out = append(out, x)
			}
		}
	case map[string]any:
		if key, value := pair(sh); code == "{" && key != "" && s.said != nil && len(s.said.kids) == 0 {
			return c.pairs(v, key, value)
		}
		if x := c.value(s, v, sh, code); x != nil {
			out = append(out, x)
		}
	default:
		x := c.value(s, v, sh, code)
		if _, bad := x.(later); bad {
			return x
		}
		if x != nil {
			out = append(out, x)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// pair names the two members of an object that is a key and its value; "" if it
// is no such object.
func pair(sh *shape) (key, value string) {
	for _, k := range sh.kids {
		switch fold(k.name) {
		case "key", "tagkey", "name":
			key = k.name
		case "value", "tagvalue":
			value = k.name
		}
	}
	if value == "" {
		return "", ""
	}
	return key, value
}

// pairs spells a map as the list of pairs that a reply has in its place.
func (c *conversion) pairs(m map[string]any, key, value string) any {
	var out []any
	for _, k := range slices.Sorted(maps.Keys(m)) {
		v := any(scalarText(m[k]))
		if o, open := m[k].(*Open); open {
			v = c.opened(o, "", "s")
		}
		out = append(out, map[string]any{key: k, value: v})
	}
	if out == nil {
		return nil
	}
	return out
}

func (c *conversion) mapping(s spot, v any, sh *shape, code string) any {
	out := map[string]any{}
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if x := c.value(s, e, &shape{name: "", code: sh.code, kids: sh.kids, by: sh.by}, code); x != nil {
				out[k] = x
			}
		}
	case []any: // pairs
		for _, e := range v {
			m, ok := e.(map[string]any)
			k := ""
			var value any
			for name, x := range m {
				switch fold(name) {
				case "key", "name":
					k = c.textOf(x)
				case "value":
					value = x
				}
			}
			if !ok || k == "" {
				return later{}
			}
			if x := c.value(s, value, &shape{code: sh.code, kids: sh.kids, by: sh.by}, code); x != nil {
				out[k] = x
			}
		}
	default:
		if x := unfit(v); x != nil {
			return x
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// object converts properties to the members of a shape, and settles those that
// nothing is said of.
func (c *conversion) object(s spot, values map[string]any, sh *shape) map[string]any {
	out := map[string]any{}
	c.members(out, s, values, sh)
	c.unsaid(out, s, sh)
	return out
}

// members puts properties into an object.
func (c *conversion) members(out map[string]any, s spot, values map[string]any, sh *shape) {
	made := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		at, v := s.step(name), values[name]
		target, renamed := s.as[at.rel]
		switch {
		case at.said == nil && s.said != nil:
			c.novel(at)
			if !renamed {
				continue
			}
		case renamed && target == "":
			continue
		}
		if target == "." {
			if m, ok := v.(map[string]any); ok {
				c.members(out, at, m, sh)
			} else if v != nil {
				for head := range c.sayable(at, sh) {
					out[head] = later{}
				}
			}
			continue
		}
		if !renamed {
			k := sh.member(name)
			if k == nil {
				continue
			}
			target = k.name
		}
		c.put(out, at, v, sh, target)
		if head, _, deep := strings.Cut(target, "."); deep {
			made[head] = true
		}
	}
	for head := range made {
		name, wrapped := strings.CutSuffix(head, "[]")
		if k := sh.named(name); k != nil && !wrapped {
			if inner, ok := out[name].(map[string]any); ok {
				c.unsaidBelow(inner, s, k, head)
			}
		} else if list, ok := out[name].([]any); ok && k != nil && len(list) == 1 {
			if inner, ok := list[0].(map[string]any); ok {
				c.unsaidBelow(inner, s, k, head)
			}
		}
	}
}

// unsaidBelow is unsaid for an object that several properties make up by their
// paths.
func (c *conversion) unsaidBelow(out map[string]any, s spot, sh *shape, head string) {
	in := s.into(sh.name)
	for _, k := range sh.kids {
		if _, set := out[k.name]; set {
			continue
		}
		if v, ok := s.rule.unset[in.into(k.name).members]; ok {
			if v != (none{}) {
				out[k.name] = v
			}
			continue
		}
		can := false
		if s.said != nil {
			for _, p := range s.said.kids {
				rest, ok := strings.CutPrefix(s.as[s.step(p.name).rel], head+".")
				next, _, _ := strings.Cut(rest, ".")
				can = can || ok && strings.TrimSuffix(next, "[]") == k.name
			}
		}
		if !can || !s.rule.echoes {
			out[k.name] = later{}
		}
	}
}

// put sets the member a dotted path leads to.
func (c *conversion) put(out map[string]any, at spot, v any, sh *shape, target string) {
	head, rest, deeper := strings.Cut(target, ".")
	name, wrap := strings.CutSuffix(head, "[]")
	k := sh.named(name)
	if k == nil {
		return // the rules' test names it
	}
	in := at.into(name)
	if !deeper {
		if x := c.value(in, v, k, k.code); x != nil {
			out[name] = x
		}
		return
	}
	if many, ok := v.([]any); ok && wrap {
		var all []any
		for _, e := range many {
			one := map[string]any{}
			c.put(one, in, e, k, rest)
			c.unsaid(one, in, k)
			all = append(all, one)
		}
		if all != nil {
			out[name] = all
		}
		return
	}
	inner, _ := out[name].(map[string]any)
	if old, ok := out[name].([]any); ok && wrap && len(old) > 0 {
		inner, _ = old[0].(map[string]any)
	}
	if inner == nil {
		inner = map[string]any{}
	}
	c.put(inner, in, v, k, rest)
	if len(inner) == 0 {
		return
	}
	if wrap {
		out[name] = []any{inner}
	} else {
		out[name] = inner
	}
}
