package expr

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// extent is what a statement's actions or resources take in: those that match a
// pattern of in or, where not has patterns, all that match none of those.
type extent struct{ in, not []string }

// extentOf reads the extent of a statement: of is "Action" or "Resource".
// Upper and lower case mean the same in actions; in resources that is taken
// for granted, which makes a difference only to names that differ in nothing else.
func extentOf(s map[string]any, of string) extent {
	return extent{in: lowered(s[of].([]any)), not: lowered(s["Not"+of].([]any))}
}

func lowered(list []any) []string {
	out := make([]string, len(list))
	for i, p := range list {
		out[i] = strings.ToLower(p.(string))
	}
	return out
}

// covers reports whether e takes in all that f does. A trust policy names no
// resources: nothing covers nothing.
func (e extent) covers(f extent) bool {
	switch {
	case len(e.in)+len(e.not)+len(f.in)+len(f.not) == 0:
		return true
	case len(e.in)+len(e.not) == 0 || len(f.in)+len(f.not) == 0:
		return false
	case len(e.not) > 0 && len(f.not) > 0: // e leaves out no more than f does
		return !slices.ContainsFunc(e.not, func(p string) bool { return !matched(f.not, p) })
	case len(e.not) > 0:
		return !slices.ContainsFunc(f.in, func(p string) bool { return meets(e.not, p) })
	case len(f.not) > 0:
		// All but some of what there is: only all there is covers that. In the
		// policy of a resource, all actions are those of its service.
		return matched(e.in, "*") || slices.ContainsFunc(e.in, func(p string) bool {
			service, ok := strings.CutSuffix(p, ":*")
			return ok && !slices.ContainsFunc(f.not, func(q string) bool { return !strings.HasPrefix(q, service+":") })
		})
	}
	return !slices.ContainsFunc(f.in, func(p string) bool { return !matched(e.in, p) })
}

// matched reports whether one of the patterns takes in all that p does.
func matched(patterns []string, p string) bool {
	return slices.ContainsFunc(patterns, func(q string) bool { return Glob(q, p) })
}

// meets reports whether one of the patterns and p have anything in common.
func meets(patterns []string, p string) bool {
	return slices.ContainsFunc(patterns, func(q string) bool { return overlap(q, p) })
}

// overlap reports whether there is a text that both patterns match. It looks at
// each pair of places at most once.
func overlap(a, b string) bool {
	reach := make([]bool, len(b)+1)
	reach[0] = true
	for j := 0; j < len(b) && b[j] == '*'; j++ {
		reach[j+1] = true
	}
	for i := range len(a) {
		next := make([]bool, len(b)+1)
		next[0] = reach[0] && a[i] == '*'
		for j := range len(b) {
			switch {
			case a[i] == '*' || b[j] == '*':
				// A star stands for nothing, or takes one more of the other side.
				next[j+1] = a[i] == '*' && (reach[j+1] || next[j]) || b[j] == '*' && (next[j] || reach[j+1])
			case a[i] == '?' || b[j] == '?' || a[i] == b[j]:
				next[j+1] = reach[j]
			}
		}
		reach = next
	}
	return reach[len(b)]
}

// grantsAllVal is grantsAll on values as they stand in a document: a dozen
// questions are asked of each policy, which is read once, and each question is
// answered once.
func grantsAllVal(v, w ref.Val) ref.Val {
	action, ok := w.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(w)
	}
	at := placeOf(v)
	if at == nil {
		return apply(func(x any) (any, error) {
			list, err := readStatements(x)
			if err != nil {
				return nil, err
			}
			return grantsAll(list, string(action)), nil
		}, v)
	}
	key := memoKey{"grantsAll " + string(action), at.node}
	if out, ok := at.doc.memo[key]; ok {
		return out
	}
	list, bad := at.policy(v)
	if bad != nil {
		return bad
	}
	out := types.Bool(grantsAll(list, string(action)))
	at.doc.keep(key, out)
	return out
}

// policy is the statements of the policy that stands at this place, read once.
func (p *place) policy(v ref.Val) ([]map[string]any, ref.Val) {
	if list, ok := p.doc.policies[p.node]; ok {
		return list, nil
	}
	x, bad := p.goValue(v)
	if bad != nil {
		return nil, bad
	}
	list, err := readStatements(x)
	if err != nil {
		return nil, types.WrapErr(err)
	}
	if p.doc.policies == nil {
		p.doc.policies = map[int32][]map[string]any{}
	}
	p.doc.policies[p.node] = list
	return list, nil
}

// grantsAll reports whether a policy's statements allow an action ("iam:*") on
// everything: without a condition, or with one that is always met, and without
// a Deny statement in the same document that takes the action away again.
func grantsAll(list []map[string]any, action string) bool {
	want := extent{in: []string{strings.ToLower(action)}}
	given := slices.ContainsFunc(list, func(s map[string]any) bool {
		return s["Effect"] == "Allow" && hollow(s) && (everywhere(s, want.in[0]) || nearlyEverywhere(s)) && gives(s, want)
	})
	return given && !slices.ContainsFunc(list, func(s map[string]any) bool {
		return s["Effect"] == "Deny" && len(s["Condition"].(map[string]any)) == 0 && everywhere(s, want.in[0]) && extentOf(s, "Action").covers(want)
	})
}

// gives reports whether an Allow statement's actions take in what is wanted.
// All actions but a few do, unless the few are all that is wanted.
func gives(s map[string]any, want extent) bool {
	if not := extentOf(s, "Action").not; len(not) > 0 {
		return !matched(not, want.in[0])
	}
	return extentOf(s, "Action").covers(want)
}

// nearlyEverywhere reports whether a statement's resources are all but some.
func nearlyEverywhere(s map[string]any) bool {
	not := extentOf(s, "Resource").not
	return len(not) > 0 && !matched(not, "*")
}

// everywhere reports whether a statement's resources are all resources, or all
// of an action's service.
func everywhere(s map[string]any, action string) bool {
	service, _, _ := strings.Cut(action, ":")
	return slices.ContainsFunc(lowered(s["Resource"].([]any)), func(r string) bool { return wholeEstate(r, service) })
}

// wholeEstate reports whether a resource pattern names nothing but, at most,
// the partition, the service and the account.
func wholeEstate(pattern, service string) bool {
	if strings.Trim(pattern, "*") == "" {
		return pattern != ""
	}
	parts := strings.SplitN(pattern, ":", 6)
	for i, p := range parts {
		open := strings.Trim(p, "*?") == "" && (p != "" || i == 3 || i == 4)
		switch {
		case open:
		case i == 0 && (p == "arn" || p == "arn*"), i == 1 && strings.HasPrefix(p, "aws"), i == 2 && p == service, i == 4 && isAccount(p):
		case i == 5 && strings.Trim(p, "*?:/") == "":
		default:
			return false
		}
	}
	return strings.HasSuffix(pattern, "*")
}

// hollow reports whether a statement's conditions are met by every request that
// is made the ordinary way: there are none, or they ask for any value, or for
// an encrypted connection.
func hollow(s map[string]any) bool {
	for op, keys := range s["Condition"].(map[string]any) {
		like := strings.HasSuffix(strings.TrimSuffix(strings.ToLower(op), "ifexists"), "like") && !negative(op)
		for k, values := range keys.(map[string]any) {
			list := values.([]any)
			anything := like && slices.ContainsFunc(list, func(v any) bool { s, ok := v.(string); return ok && s != "" && strings.Trim(s, "*") == "" })
			tls := k == "aws:securetransport" && strings.HasPrefix(strings.ToLower(op), "bool") && all(list, "true")
			if !anything && !tls {
				return false
			}
		}
	}
	return true
}
