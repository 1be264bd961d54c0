package wire

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
)

// Blank gives what stands for a required member that a document leaves out; nil
// leaves it out of the reply, too.
type Blank func(m api.Member) (any, error)

// Fit gives a document, by the API's member names, as it stands on the wire, or
// says where it does not fit: a member, an enumeration's value or a type that the
// service's own model does not have. Times are time.Time, RFC 3339 or seconds
// since 1970; a map in a text's place is written as JSON, as policies are.
func Fit(members []api.Member, doc map[string]any, blank Blank) (map[string]any, error) {
	out := map[string]any{}
	for _, m := range members {
		v := doc[m.Name]
		if v == nil && m.Required {
			var err error
			if v, err = blank(m); err != nil {
				return nil, fmt.Errorf("%s: %w", m.Name, err)
			}
		}
		if v == nil {
			continue
		}
		r, err := fitted(m, v, blank)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		out[m.Wire] = r
	}
	for k := range doc {
		if !slices.ContainsFunc(members, func(m api.Member) bool { return m.Name == k }) {
			return nil, fmt.Errorf("%s: the model has no such member", k)
		}
	}
	return out, nil
}

// fitted is one value as it stands on the wire.
func fitted(m api.Member, v any, blank Blank) (any, error) {
	ok := false
	switch m.Type {
	case "structure":
		if d, is := v.(map[string]any); is {
			return Fit(m.Members(), d, blank)
		}
	case "list":
		return each(m, v, blank)
	case "map":
		return eachKey(m, v, blank)
	case "timestamp":
		return moment(m, v)
	case "document":
		return v, nil
	case "string", "blob":
		if d, is := v.(map[string]any); is {
			text, err := json.Marshal(d)
			return string(text), err
		}
		var s string
		if s, ok = v.(string); ok && len(m.Enum) > 0 && !slices.Contains(m.Enum, s) {
			return nil, fmt.Errorf("%q is none of %v", s, m.Enum)
		}
	case "integer", "long":
		switch n := v.(type) {
		case int, int64:
			ok = true
		case float64: // as JSON decodes it
			ok = n == math.Trunc(n)
		}
	case "float", "double":
		switch v.(type) {
		case int, float64:
			ok = true
		}
	case "boolean":
		_, ok = v.(bool)
	}
	if !ok {
		return nil, fmt.Errorf("%T is no %s", v, m.Type)
	}
	return v, nil
}

func each(m api.Member, v any, blank Blank) (any, error) {
	elem, _ := m.Elem()
	var items []any
	switch v := v.(type) {
	case []any:
		items = v
	case []string:
		for _, s := range v {
			items = append(items, s)
		}
	case []map[string]any:
		for _, d := range v {
			items = append(items, d)
		}
	default:
		return nil, fmt.Errorf("%T is no list", v)
	}
	out := []any{}
	for i, e := range items {
		r, err := fitted(elem, e, blank)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
		out = append(out, r)
	}
	return out, nil
}

func eachKey(m api.Member, v any, blank Blank) (any, error) {
	elem, _ := m.Elem()
	d, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%T is no map", v)
	}
	out := map[string]any{}
	for k, e := range d {
		r, err := fitted(elem, e, blank)
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", k, err)
		}
		out[k] = r
	}
	return out, nil
}

// moment writes a time in the member's own format: seconds since 1970 unless
// the model says otherwise.
func moment(m api.Member, v any) (any, error) {
	var t time.Time
	switch v := v.(type) {
	case float64:
		return v, nil
	case time.Time:
		t = v
	case string:
		var err error
		if t, err = time.Parse(time.RFC3339, v); err != nil {
			return nil, fmt.Errorf("%q is no RFC 3339 time", v)
		}
	default:
		return nil, fmt.Errorf("%T is no time", v)
	}
	if m.Format == "iso8601" {
		return t.UTC().Format("2006-01-02T15:04:05.999999Z"), nil
	}
	return float64(t.UnixMilli()) / 1000, nil
}
