package expr

import (
	"maps"
	"slices"
	"strings"
)

// statements are a policy document's statements, each with Effect, Action,
// NotAction, Resource and NotResource as lists, Principal and NotPrincipal as a
// map of lists ("*" being {"AWS": ["*"]}), Condition as a map of operators to
// maps of keys to lists. A document that is absent has none; one that does not
// follow the policy grammar is an error.
// Grammar: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
func statements(v any) (any, error) {
	list, err := readStatements(v)
	if err != nil {
		return nil, err
	}
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out, nil
}

// principals are the ARNs, account ids, services and canonical ids a statement
// names, without their kinds.
func principals(v any) (any, error) {
	s, err := read(v)
	if err != nil {
		return nil, err
	}
	out := []string{}
	m := s["Principal"].(map[string]any)
	for _, kind := range slices.Sorted(maps.Keys(m)) {
		for _, p := range m[kind].([]any) {
			out = append(out, p.(string))
		}
	}
	return out, nil
}

// anyone reports whether a statement names every principal there is: * itself,
// or all but some (NotPrincipal).
func anyone(v any) (any, error) {
	s, err := read(v)
	if err != nil {
		return nil, err
	}
	return namesAnyone(s), nil
}

func namesAnyone(s map[string]any) bool {
	if len(s["NotPrincipal"].(map[string]any)) > 0 {
		return true
	}
	aws, _ := s["Principal"].(map[string]any)["AWS"].([]any)
	return slices.Contains(aws, any("*"))
}

// covers reports whether a statement's Action or NotAction takes in an action;
// the action may itself be a pattern, all of which must be covered.
func covers(v, action any) (any, error) {
	s, err := read(v)
	if err != nil {
		return nil, err
	}
	want := strings.ToLower(action.(string))
	match := func(p any) bool { return Glob(strings.ToLower(p.(string)), want) }
	if not := s["NotAction"].([]any); len(not) > 0 {
		return !slices.ContainsFunc(not, match), nil
	}
	return slices.ContainsFunc(s["Action"].([]any), match), nil
}

// Glob reports whether a pattern of the policy language (* any text, ? one
// character) matches s whole. It takes time linear in s for each star.
func Glob(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
