package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A policy can say one thing in many ways: one action as a text or as a list of
// one, in any order, twice, an account by its number or by its root. Two policies
// that say the same are no difference, so both are brought to one form before
// they are compared. The rules are those of the policies' grammar:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html

// policyForm brings policies to one form. spelt holds how actions are spelt
// already, by their lower case: services take any case, people read one.
type policyForm struct{ spelt map[string]string }

// alikePolicies brings the policies in two configurations to one form, wherever
// in them they stand. Of actions that differ in case only, the earlier spelling
// stays.
func alikePolicies(was, is map[string]any) {
	f := policyForm{map[string]string{}}
	f.within(was)
	f.within(is)
}

// within brings every policy below v to the form, and returns v or what takes its
// place: a policy that stands there as text is decoded.
func (f policyForm) within(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if statements := statementsOf(v); statements != nil {
			v["Statement"] = f.statements(statements)
		}
		for k, x := range v {
			v[k] = f.within(x)
		}
		return v
	case []any:
		for i := range v {
			v[i] = f.within(v[i])
		}
		return v
	case string:
		if p := policyText(v); p != nil {
			return f.within(p)
		}
	}
	return v
}

// statementsOf are the statements of a policy, nil for what is none.
func statementsOf(m map[string]any) []any {
	list, ok := m["Statement"].([]any)
	if one, single := m["Statement"].(map[string]any); single {
		list, ok = []any{one}, true
	}
	if !ok || len(list) == 0 {
		return nil
	}
	for _, s := range list {
		o, ok := s.(map[string]any)
		if !ok || o["Effect"] == nil && o["Action"] == nil && o["NotAction"] == nil {
			return nil
		}
	}
	return list
}

// policyText decodes a policy that stands in a member as text, nil for any other
// text.
func policyText(s string) map[string]any {
	if !strings.HasPrefix(strings.TrimSpace(s), "{") || !strings.Contains(s, `"Statement"`) {
		return nil
	}
	var out map[string]any
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	if dec.Decode(&out) != nil || dec.More() || statementsOf(out) == nil {
		return nil
	}
	return out
}

func (f policyForm) statements(list []any) []any {
	out := make([]any, 0, len(list))
	seen := map[string]bool{}
	for _, x := range list {
		s, _ := x.(map[string]any) // statementsOf saw to that
		for _, name := range []string{"Action", "NotAction"} {
			f.member(s, name, f.action)
		}
		for _, name := range []string{"Resource", "NotResource"} {
			f.member(s, name, nil)
		}
		for _, name := range []string{"Principal", "NotPrincipal"} {
			f.principal(s, name)
		}
		f.conditions(s)
		if key := asSet(s); !seen[key] {
			seen[key] = true
			out = append(out, s)
		}
	}
	return out
}

// member makes a member a list in which each value stands once.
func (f policyForm) member(m map[string]any, name string, spell func(string) string) {
	if v, has := m[name]; has && v != nil {
		m[name] = once(v, spell)
	}
}

// once is a value or a list of them as a list with each once; spell may bring
// texts to one spelling.
func once(v any, spell func(string) string) []any {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	out := make([]any, 0, len(list))
	seen := map[string]bool{}
	for _, x := range list {
		if s, isText := x.(string); isText && spell != nil {
			x = spell(s)
		}
		if key := asSet(x); !seen[key] {
			seen[key] = true
			out = append(out, x)
		}
	}
	return out
}

// action is the spelling under which an action was met first.
func (f policyForm) action(s string) string {
	lower := strings.ToLower(s)
	if f.spelt[lower] == "" {
		f.spelt[lower] = s
	}
	return f.spelt[lower]
}

var accountID = regexp.MustCompile(`^[0-9]{12}$`)

// principal brings who a statement is about to the form: everyone as AWS: *, an
// account as its root.
func (f policyForm) principal(s map[string]any, name string) {
	if s[name] == "*" {
		s[name] = map[string]any{"AWS": "*"}
	}
	who, ok := s[name].(map[string]any)
	if !ok {
		return
	}
	for kind := range who {
		f.member(who, kind, func(id string) string {
			if kind == "AWS" && accountID.MatchString(id) {
				return "arn:aws:iam::" + id + ":root"
			}
			return id
		})
	}
}

// conditions makes the values of every condition a list of texts: services take
// true and "true", 7 and "7" for the same.
func (f policyForm) conditions(s map[string]any) {
	operators, _ := s["Condition"].(map[string]any)
	for _, x := range operators {
		keys, _ := x.(map[string]any)
		for key, v := range keys {
			if v == nil {
				continue
			}
			list, ok := v.([]any)
			if !ok {
				list = []any{v}
			}
			texts := make([]any, 0, len(list))
			for _, one := range list {
				switch one := one.(type) {
				case bool, json.Number:
					texts = append(texts, fmt.Sprint(one))
				default:
					texts = append(texts, one)
				}
			}
			keys[key] = once(texts, nil)
		}
	}
}

// told drops what a further reply repeats of the change of the root: one edit of
// a role's trust stands in the list of roles and in GetRole's reply, and is one
// change.
func told(list []Change) []Change {
	at := map[string]Change{}
	for _, c := range list {
		at[c.Attribute] = c
	}
	return slices.DeleteFunc(list, func(c Change) bool {
		rest, ok := strings.CutPrefix(c.Attribute, "config.")
		if !ok || !reply(rest) {
			return false
		}
		// The reply's name, or that and the name of the object in it, stand before.
		for range 2 {
			if _, rest, ok = strings.Cut(rest, "."); !ok {
				return false
			}
			if o, has := at["config."+rest]; has && bytes.Equal(o.Before, c.Before) && bytes.Equal(o.After, c.After) {
				return true
			}
		}
		return false
	})
}

// reply reports whether a path begins with the name of an operation: what it
// leads to stands in a further reply.
func reply(path string) bool {
	return slices.ContainsFunc([]string{"Get", "List", "Describe"}, func(verb string) bool { return strings.HasPrefix(path, verb) })
}
