package placed

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
)

// made is the time given where the API wants one and the document has none.
const made = "2026-03-01T08:30:15Z"

// elementAt is the model of the elements of the list at a path of a reply.
func elementAt(members []api.Member, path string) []api.Member {
	parts := strings.Split(strings.TrimSuffix(path, "[]"), ".")
	for i, p := range parts {
		at := slices.IndexFunc(members, func(m api.Member) bool { return m.Name == p })
		if at < 0 {
			return nil
		}
		m := members[at]
		if i == len(parts)-1 {
			if e, ok := m.Elem(); ok {
				return e.Members()
			}
			return nil
		}
		members = m.Members()
	}
	return nil
}

// membersAt is the model of what a reply wraps.
func membersAt(op api.Op, unwrap string) []api.Member {
	members := op.Outputs()
	if unwrap == "" {
		return members
	}
	if path, ok := strings.CutSuffix(unwrap, "[0]"); ok {
		return elementAt(members, path)
	}
	for p := range strings.SplitSeq(unwrap, ".") {
		at := slices.IndexFunc(members, func(m api.Member) bool { return m.Name == p })
		if at < 0 {
			return nil
		}
		members = members[at].Members()
	}
	return members
}

// known is a document without the replies of further operations and without
// what only a list shows of it.
func known(op api.Op, unwrap string, doc map[string]any) map[string]any {
	members := membersAt(op, unwrap)
	out := map[string]any{}
	for k, v := range doc {
		if slices.ContainsFunc(members, func(m api.Member) bool { return m.Name == k }) {
			out[k] = v
		}
	}
	return out
}

// shown is what a list shows of a document. Lists call the same thing by a
// shorter or longer name: a guardrail's guardrailId is the id of its summary.
// Where the list is all there is, a member that the API does not have stays, to
// be refused.
func shown(typ string, members []api.Member, doc map[string]any, all bool) map[string]any {
	out := map[string]any{}
	if all {
		for k, v := range doc {
			if !operation(k) {
				out[k] = v
			}
		}
	}
	for _, m := range members {
		if v, ok := doc[m.Name]; ok {
			out[m.Name] = v
		} else if s, ok := called(typ, m, doc); ok && !all {
			out[m.Name] = s
		}
	}
	return out
}

// called is what a document calls otherwise than the list does, best what bears
// the type's own name.
func called(typ string, m api.Member, doc map[string]any) (string, bool) {
	kind := strings.ToLower(typ[strings.LastIndex(typ, ":")+1:])
	name, found := strings.ToLower(m.Name), ""
	for _, k := range slices.Sorted(maps.Keys(doc)) {
		s, ok := doc[k].(string)
		key := strings.ToLower(k)
		if !ok || m.Type != "string" || !strings.HasSuffix(key, name) && !strings.HasSuffix(name, key) || strings.Contains(key, "kms") {
			continue
		}
		if found == "" || key == kind+name {
			found = s
		}
	}
	return found, found != ""
}

func operation(k string) bool {
	for _, verb := range []string{"Get", "List", "Describe"} {
		if rest, ok := strings.CutPrefix(k, verb); ok && rest != "" && rest[0] >= 'A' && rest[0] <= 'Z' {
			return true
		}
	}
	return false
}

// fit gives a document as it stands on the wire, with what the API requires, or
// says where it does not fit.
func fit(members []api.Member, d map[string]any) (map[string]any, error) {
	out := map[string]any{}
	for _, m := range members {
		v, ok := d[m.Name]
		if !ok || v == nil {
			if m.Required && m.Name != "NextToken" {
				if v, ok := blank(m); ok {
					out[m.Wire] = v
				}
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
		if !slices.ContainsFunc(members, func(m api.Member) bool { return m.Name == k }) {
			return nil, fmt.Errorf("%s: the model has no such member", k)
		}
	}
	return out, nil
}

// blank is a value for a required member that a document leaves out. A structure
// has none: what hangs on one shall say it.
func blank(m api.Member) (any, bool) {
	switch m.Type {
	case "string":
		if len(m.Enum) > 0 {
			return nil, false
		}
		return "placed-1", true
	case "list":
		return []any{}, true
	case "timestamp":
		v, err := moment(m, made)
		return v, err == nil
	}
	return nil, false
}

func value(m api.Member, v any) (any, error) {
	ok := false
	switch m.Type {
	case "structure":
		if d, is := v.(map[string]any); is {
			return fit(m.Members(), d)
		}
	case "list":
		return each(m, v)
	case "map":
		return eachKey(m, v)
	case "timestamp":
		return moment(m, v)
	case "document":
		return v, nil
	case "string", "blob":
		// A policy is a text on the wire; cases may spell it out.
		if d, is := v.(map[string]any); is {
			text, err := json.Marshal(d)
			return string(text), err
		}
		var s string
		if s, ok = v.(string); ok && len(m.Enum) > 0 && !slices.Contains(m.Enum, s) {
			return nil, fmt.Errorf("%q is none of %v", s, m.Enum)
		}
	case "integer", "long", "float", "double":
		_, ok = v.(float64)
	case "boolean":
		_, ok = v.(bool)
	}
	if !ok {
		return nil, fmt.Errorf("%T is no %s", v, m.Type)
	}
	return v, nil
}

func each(m api.Member, v any) (any, error) {
	elem, _ := m.Elem()
	items, ok := v.([]any)
	if !ok {
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

func eachKey(m api.Member, v any) (any, error) {
	elem, _ := m.Elem()
	d, ok := v.(map[string]any)
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
	if n, ok := v.(float64); ok {
		return n, nil
	}
	s, _ := v.(string)
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return nil, fmt.Errorf("%v is no time", v)
	}
	if m.Format == "iso8601" {
		return t.UTC().Format("2006-01-02T15:04:05.999999Z"), nil
	}
	return float64(t.UnixMilli()) / 1000, nil
}
