package placed

import (
	"maps"
	"slices"
	"strings"

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

// blank is a value for a required member that a document leaves out. A structure
// has none, nor has one of several words: what hangs on one shall say it.
func blank(m api.Member) (any, error) {
	switch {
	case m.Name == "NextToken", m.Type == "string" && len(m.Enum) > 0:
	case m.Type == "string":
		return "placed-1", nil
	case m.Type == "list":
		return []any{}, nil
	case m.Type == "timestamp":
		return made, nil
	}
	return nil, nil
}
