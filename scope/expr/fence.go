package expr

import (
	"slices"
	"strings"
)

// pinned are the condition keys (in lower case) that hold a request to named
// values: a positive operator that fails when the key is absent, none of whose
// values leaves open whose they are.
func pinned(v any) (any, error) {
	s, err := read(v)
	if err != nil {
		return nil, err
	}
	out := []string{}
	for op, keys := range s["Condition"].(map[string]any) {
		for k, values := range keys.(map[string]any) {
			if positive(op) && narrow(op, k, values.([]any)) || demands(op, k, values.([]any)) {
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

// demands reports whether a condition demands a truth about the caller that no
// stranger can bring about: being an AWS service, or a second factor.
func demands(op, key string, values []any) bool {
	if !strings.EqualFold(op, "Bool") || key != "aws:principalisawsservice" && key != "aws:multifactorauthpresent" {
		return false
	}
	return all(values, "true")
}

// all reports whether there are values and each reads like want.
func all(values []any, want string) bool {
	for _, v := range values {
		b, isBool := v.(bool)
		s, isString := v.(string)
		if !(isBool && b == (want == "true") || isString && strings.EqualFold(s, want)) {
			return false
		}
	}
	return len(values) > 0
}

// narrow reports whether values hold a key to somebody named.
func narrow(op, key string, values []any) bool {
	texts := make([]string, 0, len(values))
	for _, x := range values {
		s, ok := x.(string)
		if !ok || strings.Trim(s, "*?") == "" {
			return false
		}
		texts = append(texts, s)
	}
	if strings.Contains(strings.ToLower(op), "ipaddress") {
		wide, err := worldOf(texts)
		return err == nil && !wide && len(texts) > 0
	}
	return len(texts) > 0 && !slices.ContainsFunc(texts, func(s string) bool { return anybodys(key, s) })
}

// anybodys reports whether a pattern for a key is met by things of accounts
// nobody named: an ARN whose account is open, an id whose own text is open. What
// an ARN without account names (a bucket) must be named itself.
func anybodys(key, pattern string) bool {
	switch {
	case strings.HasSuffix(key, "arn"):
		parts := strings.SplitN(pattern, ":", 6)
		if len(parts) < 6 || strings.ContainsAny(parts[4], "*?") {
			return true
		}
		return parts[4] == "" && strings.HasPrefix(strings.TrimLeft(parts[5], "?"), "*")
	case strings.HasPrefix(key, "aws:") || strings.HasPrefix(key, "kms:") || strings.HasPrefix(key, "s3:"):
		if !slices.Contains(fences, key) {
			return false
		}
		first, _, _ := strings.Cut(pattern, "/")
		if key == "aws:userid" {
			first, _, _ = strings.Cut(pattern, ":")
		}
		return strings.ContainsAny(first, "*?")
	}
	return false
}

// fences are the condition keys that say who asks or where from, in words that
// mean the same in every account: held to named values they keep strangers out.
// A user's name is none of them, since every account may have a user of that
// name, nor is an address inside a network, which every network may have. After AWS's own meaning of "public":
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
var fences = []string{
	"aws:principalaccount", "aws:principalarn", "aws:principalisawsservice", "aws:principalorgid", "aws:principalorgpaths",
	"aws:sourceaccount", "aws:sourcearn", "aws:sourceip", "aws:sourceorgid", "aws:sourceorgpaths", "aws:sourceowner",
	"aws:sourcevpc", "aws:sourcevpcarn", "aws:sourcevpce", "aws:userid",
	"aws:vpceaccount", "aws:vpceorgid", "aws:vpceorgpaths",
	"kms:calleraccount", "s3:dataaccesspointaccount", "s3:dataaccesspointarn",
}

// fenced reports whether a statement's conditions hold its callers to named
// ones: at least one key of fences is held.
func fenced(v any) (any, error) {
	keys, err := pinned(v)
	if err != nil {
		return nil, err
	}
	return slices.ContainsFunc(keys.([]string), func(k string) bool { return slices.Contains(fences, k) }), nil
}

// tied reports whether a grant to a named account is held to something that
// account cannot do by itself or by mistake: a fence, an external id, a second
// factor, or a principal of it, by name or tag.
func tied(v any) (any, error) {
	s, err := read(v)
	if err != nil {
		return nil, err
	}
	for op, keys := range s["Condition"].(map[string]any) {
		for k, values := range keys.(map[string]any) {
			list := values.([]any)
			switch {
			case demands(op, k, list):
				return true, nil
			case !positive(op):
			case k == "aws:principalarn" && namesResource(list):
				return true, nil
			case !narrow(op, k, list):
			case slices.Contains(fences, k), k == "sts:externalid", k == "aws:username", strings.HasPrefix(k, "aws:principaltag/"):
				return true, nil
			}
		}
	}
	return false, nil
}

// namesResource reports whether each ARN names at least part of its resource
// beyond the kind: role/train-*.
func namesResource(values []any) bool {
	for _, v := range values {
		s, _ := v.(string)
		parts := strings.SplitN(s, ":", 6)
		if len(parts) < 6 {
			return false
		}
		if _, name, ok := strings.Cut(parts[5], "/"); !ok || strings.Trim(name, "*?") == "" {
			return false
		}
	}
	return len(values) > 0
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
		if held, err := fenced(s); err != nil {
			return nil, err
		} else if held.(bool) {
			continue
		}
		if !slices.ContainsFunc(all, func(d map[string]any) bool { return turnsAway(d, s) }) {
			out = append(out, s)
		}
	}
	return out, nil
}

// turnsAway reports whether Deny statement d refuses every stranger what Allow
// statement s grants: it is for anyone, or for all but named ones, and its
// conditions are only of the kind "is not one of ours".
func turnsAway(d, s map[string]any) bool {
	if d["Effect"] != "Deny" || !refusesStrangers(d) {
		return false
	}
	for op, keys := range d["Condition"].(map[string]any) {
		for k, values := range keys.(map[string]any) {
			if !holdsForStrangers(op, k, values.([]any)) {
				return false
			}
		}
	}
	return extentOf(d, "Action").covers(extentOf(s, "Action")) && extentOf(d, "Resource").covers(extentOf(s, "Resource"))
}

// refusesStrangers reports whether a Deny statement names every stranger.
func refusesStrangers(d map[string]any) bool {
	spared := d["NotPrincipal"].(map[string]any)
	if len(spared) == 0 {
		return namesAnyone(d)
	}
	for _, list := range spared {
		for _, p := range list.([]any) {
			if strings.ContainsAny(p.(string), "*?") {
				return false
			}
		}
	}
	return true
}

// holdsForStrangers reports whether a condition of a Deny statement is met by
// every request of a stranger. Only with IfExists does "is no AWS service" take
// in requests without signature, which do not bear the key.
func holdsForStrangers(op, key string, values []any) bool {
	if key == "aws:principalisawsservice" {
		return strings.EqualFold(op, "BoolIfExists") && all(values, "false")
	}
	return negative(op) && slices.Contains(fences, key) && narrow(op, key, values)
}

func negative(op string) bool {
	op = strings.TrimSuffix(strings.ToLower(op), "ifexists")
	switch op {
	case "stringnotequals", "stringnotequalsignorecase", "stringnotlike", "arnnotequals", "arnnotlike", "notipaddress":
		return true
	}
	return false
}
