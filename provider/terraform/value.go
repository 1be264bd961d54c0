package terraform

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate/unborn"
)

// null stands for a value that is there and withheld.
type null struct{}

// spot is where a value stands while it is converted.
type spot struct {
	r    *Resource
	as   map[string]string
	path []string // attributes and indexes, from the resource
	rel  string   // attributes alone, dotted
	// said is the attribute in the provider's schema; nil if it has none such.
	said *attribute
}

func (s spot) step(attribute string) spot {
	if s.rel == "" {
		s.said = schemas()[s.r.Type]
	}
	s.said = s.said.named(attribute)
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
// returns nil for what is not set, and later for what is set and does not fit.
func (c *conversion) value(s spot, v, mask any, sh *unborn.Shape, code string) any {
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
		if m := unborn.Object(str(v)); m != nil {
			return m
		}
		return unfit(v)
	}
	if x := scalar(v, mask, code); x != nil {
		return x
	}
	return unfit(v)
}

// unfit is what stands for a value that the member cannot hold: there is
// something, and what it becomes is not known.
func unfit(v any) any {
	if s, ok := v.(string); ok && strings.TrimSpace(s) == "" || !configured(v) {
		return nil
	}
	return unborn.Later{}
}

// block converts a block that may stand once.
func (c *conversion) block(s spot, list []any, mask any, sh *unborn.Shape) any {
	masks, _ := mask.([]any)
	switch {
	case len(list) == 0:
		return nil
	case len(list) > 1:
		return unborn.Later{} // which of them holds is not ours to guess
	case len(masks) > 0 && masks[0] == true:
		return unborn.Later{}
	case list[0] == nil && len(masks) == 0:
		return map[string]any{}
	}
	m, _ := list[0].(map[string]any)
	return c.object(s.at(0), m, element(masks, 0), sh)
}

func (c *conversion) list(s spot, v, mask any, sh *unborn.Shape, code string) any {
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
	case map[string]any:
		if key, value := sh.Pair(); code == "{" && s.said != nil && len(s.said.kids) == 0 && key != "" {
			return c.pairs(v, mask, key, value)
		}
		if x := c.value(s, v, mask, sh, code); x != nil {
			out = append(out, x)
		}
	default:
		x := c.value(s, v, mask, sh, code)
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
func (c *conversion) pairs(m map[string]any, mask any, key, value string) any {
	masks, _ := mask.(map[string]any)
	var out []any
	for _, k := range attributes(m, masks) {
		v := any(unborn.Text(m[k]))
		if masks[k] == true {
			v = unborn.Later{}
		}
		out = append(out, map[string]any{key: k, value: v})
	}
	if out == nil {
		return nil
	}
	return out
}

func (c *conversion) mapping(s spot, v, mask any, sh *unborn.Shape, code string) any {
	masks, _ := mask.(map[string]any)
	out := map[string]any{}
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if masks[k] == true {
				out[k] = unborn.Later{}
			} else if x := c.value(s, e, masks[k], sh, code); x != nil {
				out[k] = x
			}
		}
	default:
		if x := unfit(v); x != nil {
			return x
		}
	}
	for k, m := range masks {
		if m == true {
			out[k] = unborn.Later{}
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// object converts attributes to the members of a shape.
func (c *conversion) object(s spot, values map[string]any, mask any, sh *unborn.Shape) map[string]any {
	out := map[string]any{}
	heard := map[string]bool{}
	if c.members(out, s, values, mask, sh, func(m string) { heard[m] = true }) && s.rel != "" {
		// A later version of the provider may have renamed what the plan does not
		// mention to what nobody here knows.
		for _, k := range sh.Kids {
			if _, set := out[k.Name]; !set && !heard[k.Name] {
				out[k.Name] = unborn.Later{}
			}
		}
	}
	return out
}

// members puts attributes into an object; said hears of every member that an
// attribute stands for, set or not. It reports whether an attribute is set that
// neither the rules nor the provider's schema know.
func (c *conversion) members(out map[string]any, s spot, values map[string]any, mask any, sh *unborn.Shape, said func(member string)) (strange bool) {
	masks, _ := mask.(map[string]any)
	for _, attribute := range attributes(values, masks) {
		at := s.step(attribute)
		target, renamed := s.as[at.rel]
		if renamed && target == "" {
			continue
		}
		v, m := values[attribute], masks[attribute]
		if target == "." {
			strange = c.merge(out, at, v, m, sh, said) || strange
			continue
		}
		if !renamed {
			if k := member(sh, attribute); k != nil {
				target = k.Name
			} else {
				strange = c.unknownTo(at, v) || strange
				continue
			}
		}
		if said != nil {
			head, _, _ := strings.Cut(target, ".")
			said(strings.TrimSuffix(head, "[]"))
		}
		c.put(out, at, v, m, sh, target)
	}
	return strange
}

// merge puts a block's attributes into the object the block stands in. Of a
// block known after apply, or one that stands several times, everything is open.
func (c *conversion) merge(out map[string]any, at spot, v, mask any, sh *unborn.Shape, said func(member string)) bool {
	masks, _ := mask.([]any)
	switch block := v.(type) {
	case map[string]any:
		return c.members(out, at, block, mask, sh, said)
	case []any:
		if len(block) == 1 && element(masks, 0) != true {
			inner, _ := block[0].(map[string]any)
			return c.members(out, at.at(0), inner, element(masks, 0), sh, said)
		}
		if len(block) == 0 && mask != true && len(masks) == 0 {
			return false
		}
	case nil:
		if mask != true {
			return false
		}
	}
	if at.said != nil {
		for name := range saying(at.said.kids, at.as, at.rel, sh) {
			if _, set := out[name]; !set {
				out[name] = unborn.Later{}
			}
		}
	}
	return false
}

// unknownTo notes an attribute that is set and that the provider's schema, as
// far as it is known here, does not have.
func (c *conversion) unknownTo(at spot, v any) bool {
	if at.said != nil || schemas()[at.r.Type] == nil || !configured(v) || v == false {
		return false
	}
	if c.novel[at.r.Type] == nil {
		c.novel[at.r.Type] = map[string]string{}
	}
	if first, have := c.novel[at.r.Type][at.rel]; !have || at.r.Address < first {
		c.novel[at.r.Type][at.rel] = at.r.Address
	}
	return true
}

// put sets the member a dotted path leads to.
func (c *conversion) put(out map[string]any, at spot, v, mask any, sh *unborn.Shape, target string) {
	head, rest, deeper := strings.Cut(target, ".")
	name, wrap := strings.CutSuffix(head, "[]")
	k := sh.Named(name)
	if k == nil {
		return // the rules' test names it
	}
	if !deeper {
		if x := c.value(at, v, mask, k, k.Code); x != nil {
			out[name] = x
		}
		return
	}
	leaf := k.Follow(rest)
	if list, many := v.([]any); many && wrap && mask != true && leaf != nil && len(leaf.Kids) == 0 && leaf.Code[0] != '[' {
		c.each(out, at, list, mask, k, name, rest)
		return
	}
	if wrap && mask == true && at.said != nil && at.said.kind != "" && strings.ContainsRune("[<", rune(at.said.kind[0])) {
		out[name] = unborn.Later{} // as many as there will be
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

// each makes an object of every element of a list of plain values, where the
// reply has objects.
func (c *conversion) each(out map[string]any, at spot, list []any, mask any, sh *unborn.Shape, name, rest string) {
	masks, _ := mask.([]any)
	var all []any
	for i, e := range list {
		one := map[string]any{}
		c.put(one, at.at(i), e, element(masks, i), sh, rest)
		if len(one) > 0 {
			all = append(all, one)
		}
	}
	if all != nil {
		out[name] = all
	}
}

// unknown is what stands for a value known after apply: the resources its
// expression refers to, where the member names a thing; else later.
func (c *conversion) unknown(s spot, sh *unborn.Shape, code string) any {
	if !unborn.Identifier(sh.Name) {
		return unborn.Later{}
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
				return unborn.Later{}
			}
			whole = whole && ref.Attribute != ""
			out = append(out, c.identity(ref.Address))
		}
		if len(out) > 0 {
			if !whole { // a splat, perhaps filtered: there may be fewer or more
				out = append(out, unborn.Later{})
			}
			return out
		}
	}
	return unborn.Later{}
}

// scalar converts one value. Terraform writes "" for an attribute not set.
func scalar(v, mask any, code string) any {
	if mask != nil && mask != false && !isMap(mask) {
		return unborn.Later{}
	}
	switch code[0] {
	case 'n':
		return unborn.Number(v)
	case 'b':
		return unborn.Truth(v)
	case 'd':
		return document(v)
	case 'i': // a number, or a name or percentage
		if s, ok := v.(string); ok {
			if n, err := strconv.Atoi(s); err == nil {
				return json.Number(strconv.Itoa(n))
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
		return unborn.Text(v)
	}
	return nil
}

// document opens a string that holds a policy, as the live reader does.
func document(v any) any {
	s, ok := v.(string)
	if !ok || !strings.HasPrefix(strings.TrimSpace(s), "{") || !strings.Contains(s, `"Statement"`) {
		return v
	}
	if doc := unborn.Object(s); doc["Statement"] != nil {
		return doc
	}
	return v
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
