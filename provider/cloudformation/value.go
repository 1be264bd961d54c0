package cloudformation

import (
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate/unborn"
)

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
func (c *conversion) value(s spot, v any, sh *unborn.Shape, code string) any {
	if o, open := v.(*Open); open {
		return c.opened(o, sh.Name, code)
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
		if m := unborn.Object(str(v)); m != nil {
			return c.object(s, m, sh)
		}
		return unfit(v)
	}
	if x := c.scalar(v, code); x != nil {
		return x
	}
	return unfit(v)
}

// unfit is what stands for a value that the member cannot hold: there is
// something, and what it becomes is not known.
func unfit(v any) any {
	if t, ok := v.(string); ok && strings.TrimSpace(t) == "" || v == nil {
		return nil
	}
	return unborn.Later{}
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
		return unborn.Later{}
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
	return unborn.Later{}
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

func (c *conversion) list(s spot, v any, sh *unborn.Shape, code string) any {
	var out []any
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if x := c.value(s, e, sh, code); x != nil {
				out = append(out, x)
			}
		}
	case map[string]any:
		if key, value := sh.Pair(); code == "{" && key != "" && s.said != nil && len(s.said.kids) == 0 {
			return c.pairs(v, key, value)
		}
		if x := c.value(s, v, sh, code); x != nil {
			out = append(out, x)
		}
	default:
		x := c.value(s, v, sh, code)
		if _, bad := x.(unborn.Later); bad {
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

// pairs spells a map as the list of pairs that a reply has in its place.
func (c *conversion) pairs(m map[string]any, key, value string) any {
	var out []any
	for _, k := range slices.Sorted(maps.Keys(m)) {
		v := any(unborn.Text(m[k]))
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

func (c *conversion) mapping(s spot, v any, sh *unborn.Shape, code string) any {
	out := map[string]any{}
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if x := c.value(s, e, sh.Unnamed(), code); x != nil {
				out[k] = x
			}
		}
	case []any: // pairs
		for _, e := range v {
			m, ok := e.(map[string]any)
			k := ""
			var value any
			for name, x := range m {
				switch unborn.Fold(name) {
				case "key", "name":
					k = c.textOf(x)
				case "value":
					value = x
				}
			}
			if !ok || k == "" {
				return unborn.Later{}
			}
			if x := c.value(s, value, sh.Unnamed(), code); x != nil {
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
func (c *conversion) object(s spot, values map[string]any, sh *unborn.Shape) map[string]any {
	out := map[string]any{}
	c.members(out, s, values, sh)
	c.unsaid(out, s, sh)
	return out
}

// members puts properties into an object.
func (c *conversion) members(out map[string]any, s spot, values map[string]any, sh *unborn.Shape) {
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
					out[head] = unborn.Later{}
				}
			}
			continue
		}
		if !renamed {
			k := member(sh, name)
			if k == nil {
				continue
			}
			target = k.Name
		}
		c.put(out, at, v, sh, target)
		if head, _, deep := strings.Cut(target, "."); deep {
			made[head] = true
		}
	}
	for head := range made {
		name, wrapped := strings.CutSuffix(head, "[]")
		if k := sh.Named(name); k != nil && !wrapped {
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
func (c *conversion) unsaidBelow(out map[string]any, s spot, sh *unborn.Shape, head string) {
	in := s.into(sh.Name)
	for _, k := range sh.Kids {
		if _, set := out[k.Name]; set {
			continue
		}
		if v, ok := s.rule.unset[in.into(k.Name).members]; ok {
			if v != (none{}) {
				out[k.Name] = v
			}
			continue
		}
		can := false
		if s.said != nil {
			for _, p := range s.said.kids {
				rest, ok := strings.CutPrefix(s.as[s.step(p.name).rel], head+".")
				next, _, _ := strings.Cut(rest, ".")
				can = can || ok && strings.TrimSuffix(next, "[]") == k.Name
			}
		}
		if !can || !s.rule.echoes {
			out[k.Name] = unborn.Later{}
		}
	}
}

// put sets the member a dotted path leads to.
func (c *conversion) put(out map[string]any, at spot, v any, sh *unborn.Shape, target string) {
	head, rest, deeper := strings.Cut(target, ".")
	name, wrap := strings.CutSuffix(head, "[]")
	k := sh.Named(name)
	if k == nil {
		return // the rules' test names it
	}
	in := at.into(name)
	if !deeper {
		if x := c.value(in, v, k, k.Code); x != nil {
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
