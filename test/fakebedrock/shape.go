package fakebedrock

import (
	"errors"
	"maps"
	"slices"
	"strings"

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
func summary(d Doc, kind string, members []api.Member) Doc {
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

// render gives a document as it stands on the wire, without its hidden names, or
// says where it does not fit.
func render(members []api.Member, d Doc) (map[string]any, error) {
	shown := maps.Clone(d)
	maps.DeleteFunc(shown, func(k string, _ any) bool { return strings.HasPrefix(k, "_") })
	return wire.Fit(members, shown, func(api.Member) (any, error) { return nil, errors.New("required and not given") })
}
