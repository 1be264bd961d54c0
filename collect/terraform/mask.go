package terraform

import (
	"fmt"
	"maps"
)

// masked returns values without what is sensitive, and the mask of what is not
// known. A sensitive text is replaced by what sevenfold writes for secrets; a
// sensitive number or switch becomes unknown, since no other value is true.
func masked(values map[string]any, unknown, sensitive any) (map[string]any, any) {
	if values == nil {
		values = map[string]any{}
	}
	if sensitive == nil || sensitive == false {
		return values, unknown
	}
	v, u := hide(values, unknown, sensitive)
	out, _ := v.(map[string]any)
	if out == nil {
		out = map[string]any{}
	}
	return out, u
}

// hide masks one value.
func hide(v, unknown, sensitive any) (any, any) {
	if unknown == true {
		return v, true
	}
	switch s := sensitive.(type) {
	case bool:
		if !s {
			return v, unknown
		}
		return hideAll(v, unknown)
	case map[string]any:
		m, ok := v.(map[string]any)
		if !ok || len(s) == 0 {
			return v, unknown
		}
		masks, _ := unknown.(map[string]any)
		out, outMasks := maps.Clone(m), maps.Clone(masks)
		for k, inner := range s {
			if _, has := m[k]; !has {
				continue
			}
			value, mask := hide(m[k], masks[k], inner)
			out[k] = value
			if mask != nil {
				if outMasks == nil {
					outMasks = map[string]any{}
				}
				outMasks[k] = mask
			}
		}
		if outMasks == nil {
			return out, unknown
		}
		return out, outMasks
	case []any:
		list, ok := v.([]any)
		if !ok || len(s) == 0 {
			return v, unknown
		}
		return hideList(list, unknown, func(i int) any {
			if i < len(s) {
				return s[i]
			}
			return nil
		})
	}
	return v, unknown
}

func hideList(list []any, unknown any, sensitive func(int) any) (any, any) {
	masks, _ := unknown.([]any)
	out, outMasks, any1 := make([]any, len(list)), make([]any, len(list)), false
	for i, e := range list {
		var mask any
		if i < len(masks) {
			mask = masks[i]
		}
		out[i], outMasks[i] = hide(e, mask, sensitive(i))
		any1 = any1 || outMasks[i] != nil
	}
	if !any1 {
		return out, unknown
	}
	return out, outMasks
}

// hideAll masks everything below a value; names stay.
func hideAll(v, unknown any) (any, any) {
	switch v := v.(type) {
	case nil:
		return nil, unknown
	case string:
		if v == "" {
			return v, unknown
		}
		return fmt.Sprintf("sevenfold:masked(sensitive,%d)", len(v)), unknown
	case map[string]any:
		all := make(map[string]any, len(v))
		for k := range v {
			all[k] = true
		}
		return hide(v, unknown, all)
	case []any:
		return hideList(v, unknown, func(int) any { return true })
	}
	return nil, true
}
