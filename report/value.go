package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// statementOrder is the order in which a policy statement is read: who, on what,
// then what they may do and when. What is shortened is the long list of actions.
var statementOrder = []string{"Sid", "Effect", "Principal", "NotPrincipal", "Resource", "NotResource", "Action", "NotAction", "Condition"}

// statementsShown is how many statements of a policy one fact shows.
const statementsShown = 3

// value writes what stood at a place in about n columns. Members without content
// are left out, policy statements are put into reading order, and what is too
// long loses its middle, so that its end can be read too.
func value(s string, n int) string {
	s = line(s)
	if !strings.HasPrefix(s, "{") && !strings.HasPrefix(s, "[") {
		return middle(s, n)
	}
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil || dec.More() {
		return middle(s, n)
	}
	if all, ok := statements(v); ok {
		shown, left := bounded(all, statementsShown)
		parts := make([]string, 0, len(shown))
		for _, st := range shown {
			parts = append(parts, statement(st, n))
		}
		if left > 0 {
			parts = append(parts, fmt.Sprintf("and %s more", many(left, "statement")))
		}
		return strings.Join(parts, "; ")
	}
	return middle(compact(full(v)), n)
}

// statements returns v as policy statements, if that is what it holds.
func statements(v any) ([]map[string]any, bool) {
	if one, ok := v.(map[string]any); ok {
		v = []any{one}
		if inner, ok := one["Statement"].([]any); ok {
			v = inner
		}
	}
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return nil, false
	}
	out := make([]map[string]any, 0, len(list))
	for _, e := range list {
		m, ok := e.(map[string]any)
		if !ok || m["Effect"] == nil {
			return nil, false
		}
		out = append(out, m)
	}
	return out, true
}

// statement writes one in reading order; each member may take a share of n.
func statement(m map[string]any, n int) string {
	var parts []string
	names := slices.Clone(statementOrder)
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if !slices.Contains(names, k) {
			names = append(names, k)
		}
	}
	for _, k := range names {
		x := full(m[k])
		if m[k] == nil || hollow(x) {
			continue
		}
		if s, ok := x.(string); ok {
			parts = append(parts, k+" "+middle(line(s), n/3))
			continue
		}
		parts = append(parts, k+" "+middle(compact(x), n/3))
	}
	return strings.Join(parts, ", ")
}

// full returns v without members that have no content; a value that has none at
// all stays as it is, because that is then what it says.
func full(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			if e = full(e); !hollow(e) {
				out[k] = e
			}
		}
		if len(out) > 0 {
			return out
		}
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = full(e)
		}
		return out
	}
	return v
}

func hollow(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case map[string]any:
		return !slices.ContainsFunc(slices.Collect(maps.Keys(v)), func(k string) bool { return !hollow(v[k]) })
	case []any:
		return len(v) == 0
	}
	return false
}

// compact is v as JSON on one line, safe to print.
func compact(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		return ""
	}
	return line(b.String())
}
