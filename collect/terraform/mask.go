package terraform

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"maps"
)

// masker hides what is sensitive. With a key, the mask of a text holds its keyed
// digest, as those of secrets do (collect/redact): one value is told from another.
type masker struct{ key []byte }

// masked returns values without what is sensitive, and the mask of what is not
// known. A sensitive text is replaced by what sevenfold writes for secrets; a
// sensitive number or switch becomes unknown, since no other value is true.
func (k masker) masked(values map[string]any, unknown, sensitive any) (map[string]any, any) {
	if values == nil {
		values = map[string]any{}
	}
	if sensitive == nil || sensitive == false {
		return values, unknown
	}
	v, u := k.hide(values, unknown, sensitive)
	out, _ := v.(map[string]any)
	if out == nil {
		out = map[string]any{}
	}
	return out, u
}

// hide masks one value.
func (k masker) hide(v, unknown, sensitive any) (any, any) {
	if unknown == true {
		return v, true
	}
	switch s := sensitive.(type) {
	case bool:
		if !s {
			return v, unknown
		}
		return k.hideAll(v, unknown)
	case map[string]any:
		m, ok := v.(map[string]any)
		if !ok || len(s) == 0 {
			return v, unknown
		}
		masks, _ := unknown.(map[string]any)
		out, outMasks := maps.Clone(m), maps.Clone(masks)
		for name, inner := range s {
			if _, has := m[name]; !has {
				continue
			}
			value, mask := k.hide(m[name], masks[name], inner)
			out[name] = value
			if mask != nil {
				if outMasks == nil {
					outMasks = map[string]any{}
				}
				outMasks[name] = mask
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
		return k.hideList(list, unknown, func(i int) any {
			if i < len(s) {
				return s[i]
			}
			return nil
		})
	}
	return v, unknown
}

func (k masker) hideList(list []any, unknown any, sensitive func(int) any) (any, any) {
	masks, _ := unknown.([]any)
	out, outMasks, any1 := make([]any, len(list)), make([]any, len(list)), false
	for i, e := range list {
		var mask any
		if i < len(masks) {
			mask = masks[i]
		}
		out[i], outMasks[i] = k.hide(e, mask, sensitive(i))
		any1 = any1 || outMasks[i] != nil
	}
	if !any1 {
		return out, unknown
	}
	return out, outMasks
}

// hideAll masks everything below a value; names stay.
func (k masker) hideAll(v, unknown any) (any, any) {
	switch v := v.(type) {
	case nil:
		return nil, unknown
	case string:
		if v == "" {
			return v, unknown
		}
		if len(k.key) == 0 {
			return fmt.Sprintf("sevenfold:masked(sensitive,%d)", len(v)), unknown
		}
		// The digest of the digest, as of a value of a configuration map that was
		// withheld: one value has one, wherever it was read.
		sum := sha256.Sum256([]byte(v))
		h := hmac.New(sha256.New, k.key)
		fmt.Fprintf(h, "sha256:%x", sum)
		return fmt.Sprintf("sevenfold:masked(sensitive,%d,%x)", len(v), h.Sum(nil)[:4]), unknown
	case map[string]any:
		all := make(map[string]any, len(v))
		for name := range v {
			all[name] = true
		}
		return k.hide(v, unknown, all)
	case []any:
		return k.hideList(v, unknown, func(int) any { return true })
	}
	return nil, true
}
