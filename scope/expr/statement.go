package expr

import (
	"encoding/json"
	"fmt"
	"strings"
)

// readStatements reads the statements of a policy document, in the form that
// statements describes.
func readStatements(v any) ([]map[string]any, error) {
	if v == nil {
		return nil, nil
	}
	if s, ok := v.(string); ok {
		if strings.TrimSpace(s) == "" {
			return nil, nil
		}
		v = nil
		if err := json.Unmarshal([]byte(s), &v); err != nil {
			return nil, fmt.Errorf("the policy document is not JSON: %w", err)
		}
	}
	doc, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the policy document is a %T, not an object", v)
	}
	raw, ok := doc["Statement"]
	if !ok {
		return nil, fmt.Errorf("the policy document has no Statement")
	}
	many, _ := listOf(raw)
	var out []map[string]any
	for i, one := range many.([]any) {
		s, err := readStatement(one)
		if err != nil {
			return nil, fmt.Errorf("statement %d: %w", i+1, err)
		}
		out = append(out, s)
	}
	return out, nil
}

func readStatement(v any) (map[string]any, error) {
	in, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("it is a %T, not an object", v)
	}
	if in["Effect"] != "Allow" && in["Effect"] != "Deny" {
		return nil, fmt.Errorf("its Effect is neither Allow nor Deny")
	}
	out := map[string]any{"Effect": in["Effect"], "Sid": in["Sid"]}
	if out["Sid"] == nil {
		out["Sid"] = ""
	}
	for _, k := range []string{"Action", "NotAction", "Resource", "NotResource"} {
		list, err := stringList(in[k])
		if err != nil {
			return nil, fmt.Errorf("its %s: %w", k, err)
		}
		out[k] = list
	}
	for _, k := range []string{"Principal", "NotPrincipal"} {
		m, err := principalMap(in[k])
		if err != nil {
			return nil, fmt.Errorf("its %s: %w", k, err)
		}
		out[k] = m
	}
	cond, err := conditionMap(in["Condition"])
	if err != nil {
		return nil, fmt.Errorf("its Condition: %w", err)
	}
	out["Condition"] = cond
	return out, nil
}

func stringList(v any) ([]any, error) {
	l, _ := listOf(v)
	for _, e := range l.([]any) {
		if _, ok := e.(string); !ok {
			return nil, fmt.Errorf("a %T stands where a string should", e)
		}
	}
	return l.([]any), nil
}

func principalMap(v any) (map[string]any, error) {
	switch v := v.(type) {
	case nil:
		return map[string]any{}, nil
	case string:
		if v != "*" {
			return nil, fmt.Errorf("%.60q is neither * nor an object", v)
		}
		return map[string]any{"AWS": []any{"*"}}, nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			l, err := stringList(x)
			if err != nil {
				return nil, err
			}
			out[k] = l
		}
		return out, nil
	}
	return nil, fmt.Errorf("a %T is neither * nor an object", v)
}

func conditionMap(v any) (map[string]any, error) {
	if v == nil {
		return map[string]any{}, nil
	}
	ops, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("a %T is not an object", v)
	}
	out := make(map[string]any, len(ops))
	for op, x := range ops {
		keys, ok := x.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s holds a %T, not an object", op, x)
		}
		lists := make(map[string]any, len(keys))
		for k, values := range keys {
			l, _ := listOf(values)
			lists[strings.ToLower(k)] = l
		}
		out[op] = lists
	}
	return out, nil
}

// read accepts a statement as statements() gives it, or as it stands in a
// document.
func read(v any) (map[string]any, error) {
	if s, ok := v.(map[string]any); ok {
		if isRead(s) {
			return s, nil
		}
		return readStatement(s)
	}
	return nil, fmt.Errorf("a %T is not a statement", v)
}

// isRead reports whether a statement has the form readStatement gives, which
// would then return it unchanged.
func isRead(s map[string]any) bool {
	if s["Effect"] != "Allow" && s["Effect"] != "Deny" {
		return false
	}
	if _, ok := s["Sid"].(string); !ok || len(s) != 9 {
		return false
	}
	for _, k := range [...]string{"Action", "NotAction", "Resource", "NotResource"} {
		if !areStrings(s[k]) {
			return false
		}
	}
	for _, k := range [...]string{"Principal", "NotPrincipal"} {
		kinds, ok := s[k].(map[string]any)
		if !ok {
			return false
		}
		for _, list := range kinds {
			if !areStrings(list) {
				return false
			}
		}
	}
	ops, ok := s["Condition"].(map[string]any)
	for _, keys := range ops {
		m, isMap := keys.(map[string]any)
		ok = ok && isMap
		for k, values := range m {
			_, isList := values.([]any)
			ok = ok && isList && k == strings.ToLower(k)
		}
	}
	return ok
}

func areStrings(v any) bool {
	list, ok := v.([]any)
	for _, e := range list {
		if _, isString := e.(string); !isString {
			return false
		}
	}
	return ok
}

// brief is a statement, or a list of them, without the members that say
// nothing, for people to read.
func brief(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = brief(e)
		}
		return out
	case map[string]any:
		if !isRead(v) {
			return v
		}
		out := map[string]any{}
		for k, e := range v {
			switch e := e.(type) {
			case string:
				if e == "" {
					continue
				}
			case []any:
				if len(e) == 0 {
					continue
				}
			case map[string]any:
				if len(e) == 0 {
					continue
				}
			}
			out[k] = e
		}
		return out
	}
	return v
}
