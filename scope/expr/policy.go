package expr

import (
	"maps"
	"net/netip"
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

// pinned are the condition keys (in lower case) that hold a request to named
// values: a positive operator that fails when the key is absent, none of whose
// values stands for everything.
func pinned(v any) (any, error) {
	s, err := read(v)
	if err != nil {
		return nil, err
	}
	out := []string{}
	for op, keys := range s["Condition"].(map[string]any) {
		if !positive(op) {
			continue
		}
		for k, values := range keys.(map[string]any) {
			if narrow(op, values.([]any)) {
				out = append(out, k)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// positive reports whether a condition operator can only be met by a request
// that bears the key. ForAllValues and ...IfExists are met without it.
func positive(op string) bool {
	op = strings.ToLower(op)
	op = strings.TrimPrefix(op, "foranyvalue:")
	switch op {
	case "stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "ipaddress":
		return true
	}
	return false
}

func narrow(op string, values []any) bool {
	for _, x := range values {
		s, ok := x.(string)
		if !ok || strings.Trim(s, "*?") == "" {
			return false
		}
		if strings.Contains(strings.ToLower(op), "ipaddress") {
			if p, err := netip.ParsePrefix(s); err == nil && p.Bits() <= 4 {
				return false
			}
		} else if strings.Contains(strings.ToLower(op), "arn") && wildARN(s) {
			return false
		}
	}
	return len(values) > 0
}

// wildARN reports whether a pattern leaves both account and resource open.
func wildARN(s string) bool {
	parts := strings.SplitN(s, ":", 6)
	return len(parts) == 6 && strings.Trim(parts[4], "*?") == "" && strings.Trim(parts[5], "*?") == ""
}

// fences are the condition keys that say who asks or where from: held to named
// values they keep strangers out. After AWS's own meaning of "public":
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
var fences = []string{
	"aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:principalorgpaths",
	"aws:sourceaccount", "aws:sourcearn", "aws:sourceip", "aws:sourceorgid", "aws:sourceorgpaths", "aws:sourceowner",
	"aws:sourcevpc", "aws:sourcevpce", "aws:userid", "aws:username", "aws:vpcsourceip",
	"kms:calleraccount", "s3:dataaccesspointaccount", "s3:dataaccesspointarn",
}

// openStatements are the Allow statements of a policy through which a stranger
// comes in: they name anyone, no condition holds them to known callers or
// places, and no Deny statement turns away whoever is not known.
func openStatements(v any) (any, error) {
	all, err := readStatements(v)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, s := range all {
		if s["Effect"] != "Allow" || !namesAnyone(s) {
			continue
		}
		keys, err := pinned(s)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(keys.([]string), func(k string) bool { return slices.Contains(fences, k) }) {
			continue
		}
		if !slices.ContainsFunc(all, func(d map[string]any) bool { return turnsAway(d, s) }) {
			out = append(out, s)
		}
	}
	return out, nil
}

// turnsAway reports whether Deny statement d refuses every stranger what Allow
// statement s grants: its conditions are only of the kind "is not one of ours".
func turnsAway(d, s map[string]any) bool {
	if d["Effect"] != "Deny" || !namesAnyone(d) || len(d["NotPrincipal"].(map[string]any)) > 0 {
		return false
	}
	conds := d["Condition"].(map[string]any)
	for op, keys := range conds {
		if !negative(op) {
			return false
		}
		for k, values := range keys.(map[string]any) {
			if !slices.Contains(fences, k) || !narrow(strings.TrimPrefix(strings.ToLower(op), "not"), values.([]any)) {
				return false
			}
		}
	}
	return coversAll(d["Action"].([]any), s["Action"].([]any)) && coversAll(d["Resource"].([]any), s["Resource"].([]any))
}

func negative(op string) bool {
	op = strings.TrimSuffix(strings.ToLower(op), "ifexists")
	switch op {
	case "stringnotequals", "stringnotequalsignorecase", "stringnotlike", "arnnotequals", "arnnotlike", "notipaddress":
		return true
	}
	return false
}

// coversAll reports whether each of the patterns in narrow matches one in wide.
// A trust policy names no resources: nothing covers nothing.
func coversAll(wide, narrow []any) bool {
	if len(wide) == 0 && len(narrow) == 0 {
		return true
	}
	for _, n := range narrow {
		if !slices.ContainsFunc(wide, func(w any) bool { return Glob(strings.ToLower(w.(string)), strings.ToLower(n.(string))) }) {
			return false
		}
	}
	return len(narrow) > 0
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
