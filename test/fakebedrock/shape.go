package fakebedrock

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/test/wire"
)

// body is what a Get operation's document describes: the reply, or the one
// structure that the reply wraps.
func body(op api.Op) (wrapper string, members []api.Member) {
	out := op.Outputs()
	if len(out) == 1 && out[0].Type == "structure" {
		return out[0].Wire, out[0].Members()
	}
	return "", out
}

// listed finds the member of a List reply that holds the list.
func listed(op api.Op) (api.Member, bool) {
	for _, m := range op.Outputs() {
		if m.Type == "list" {
			return m, true
		}
	}
	return api.Member{}, false
}

// getterOf finds the Get operation whose plural the List operation is.
func getterOf(c wire.Call) string {
	for _, name := range api.Operations(c.Service) {
		if x, ok := strings.CutPrefix(name, "Get"); ok && "List"+plural(x) == c.Operation {
			return name
		}
	}
	return ""
}

func plural(x string) string {
	switch {
	case strings.HasSuffix(x, "y") && !strings.HasSuffix(x, "ay"):
		return strings.TrimSuffix(x, "y") + "ies"
	case strings.HasSuffix(x, "s"):
		return x + "es"
	}
	return x + "s"
}

// summary picks what a list shows of a document. Lists shorten names: a
// guardrail's guardrailId is the id of its summary.
func (d Doc) summary(kind string, members []api.Member) Doc {
	out := Doc{}
	for _, m := range members {
		long := lower(kind) + strings.ToUpper(m.Name[:1]) + m.Name[1:]
		for _, name := range []string{m.Name, "_" + m.Name, long} {
			if v, ok := d[name]; ok {
				out[m.Name] = v
				break
			}
		}
	}
	return out
}

func lower(s string) string { return strings.ToLower(s[:1]) + s[1:] }

func required(members []api.Member) []string {
	var names []string
	for _, m := range members {
		if m.Required {
			names = append(names, m.Name)
		}
	}
	return names
}

// withDefaults fills required times and states.
func withDefaults(members []api.Member, d Doc) Doc {
	out := maps.Clone(d)
	if out == nil {
		out = Doc{}
	}
	for _, m := range members {
		if _, ok := out[m.Name]; ok || !m.Required {
			continue
		}
		switch {
		case m.Type == "timestamp":
			out[m.Name] = Created
		case m.Type == "list":
			out[m.Name] = []any{}
		case strings.HasSuffix(strings.ToLower(m.Name), "status"):
			for _, s := range []string{"READY", "ACTIVE", "PREPARED", "AVAILABLE", "Active", "InService", "COMPLETED", "Completed"} {
				if slices.Contains(m.Enum, s) {
					out[m.Name] = s
					break
				}
			}
		}
	}
	return out
}

// render gives a document as it stands on the wire, or says where it does not
// fit. Hidden names are allowed at the top only.
func render(members []api.Member, d map[string]any, top bool) (map[string]any, error) {
	out := map[string]any{}
	for _, m := range members {
		v, ok := d[m.Name]
		if !ok || v == nil {
			if m.Required {
				return nil, fmt.Errorf("%s: required and not given", m.Name)
			}
			continue
		}
		r, err := value(m, v)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		out[m.Wire] = r
	}
	for k := range d {
		known := slices.ContainsFunc(members, func(m api.Member) bool { return m.Name == k })
		if !known && !(top && strings.HasPrefix(k, "_")) {
			return nil, fmt.Errorf("%s: the model has no such member", k)
		}
	}
	return out, nil
}

func value(m api.Member, v any) (any, error) {
	ok := false
	switch m.Type {
	case "structure":
		if d, isMap := object(v); isMap {
			return render(m.Members(), d, false)
		}
	case "list":
		return listOf(m, v)
	case "map":
		return mapOf(m, v)
	case "timestamp":
		return moment(m, v)
	case "document":
		return v, nil
	case "string", "blob":
		var s string
		if s, ok = v.(string); ok && len(m.Enum) > 0 && !slices.Contains(m.Enum, s) {
			return nil, fmt.Errorf("%q is none of %v", s, m.Enum)
		}
	case "integer":
		switch v.(type) {
		case int, int64:
			ok = true
		}
	case "float":
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

func object(v any) (map[string]any, bool) {
	switch v := v.(type) {
	case Doc:
		return v, true
	case map[string]any:
		return v, true
	}
	return nil, false
}

func listOf(m api.Member, v any) (any, error) {
	elem, _ := m.Elem()
	var items []any
	switch v := v.(type) {
	case []any:
		items = v
	case []string:
		for _, s := range v {
			items = append(items, s)
		}
	case []Doc:
		for _, d := range v {
			items = append(items, d)
		}
	default:
		return nil, fmt.Errorf("%T is no list", v)
	}
	out := []any{}
	for i, e := range items {
		r, err := value(elem, e)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
		out = append(out, r)
	}
	return out, nil
}

func mapOf(m api.Member, v any) (any, error) {
	elem, _ := m.Elem()
	d, ok := object(v)
	if !ok {
		return nil, fmt.Errorf("%T is no map", v)
	}
	out := map[string]any{}
	for k, e := range d {
		r, err := value(elem, e)
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
	t, ok := v.(time.Time)
	if s, isText := v.(string); isText {
		var err error
		if t, err = time.Parse(time.RFC3339, s); err != nil {
			return nil, fmt.Errorf("%q is no RFC 3339 time", s)
		}
		ok = true
	}
	switch {
	case !ok:
		return nil, fmt.Errorf("%T is no time", v)
	case m.Format == "iso8601":
		return t.UTC().Format("2006-01-02T15:04:05.999999Z"), nil
	}
	return float64(t.UnixMilli()) / 1000, nil
}
