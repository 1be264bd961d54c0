package reference

import (
	"slices"
	"sort"
	"strings"
)

func (t *table) expand(pattern string) []*Action {
	pattern = strings.ToLower(pattern)
	prefix, name, ok := strings.Cut(pattern, ":")
	if !ok {
		if strings.Trim(pattern, "*") != "" || pattern == "" {
			return nil // no action has no service
		}
		prefix, name = "*", "*"
	}
	if !strings.ContainsAny(prefix, "*?") {
		if s := t.service(prefix); s != nil {
			return s.expand(name, nil)
		}
		return nil
	}
	var out []*Action
	for _, s := range t.services {
		if glob(prefix, strings.ToLower(s.Prefix)) && t.load(s) == nil {
			out = s.expand(name, out)
		}
	}
	return out
}

// expand appends the actions whose name a lower-case pattern covers. Those with
// the pattern's literal beginning lie together.
func (s *service) expand(pattern string, out []*Action) []*Action {
	head := len(pattern)
	if i := strings.IndexAny(pattern, "*?"); i >= 0 {
		head = i
	}
	if head == len(pattern) {
		if a, ok := s.byName[pattern]; ok {
			out = append(out, a)
		}
		return out
	}
	begin := pattern[:head]
	from := sort.SearchStrings(s.low, begin)
	all := strings.Trim(pattern[head:], "*") == ""
	for i, name := range s.low[from:] {
		if !strings.HasPrefix(name, begin) {
			break
		}
		if all || glob(pattern[head:], name[head:]) {
			out = append(out, s.actions[from+i])
		}
	}
	return out
}

// glob reports whether text matches pattern, * for any run of bytes and ? for
// one. It goes back to the last star only, so it takes no more than
// len(pattern) × len(text) steps.
func glob(pattern, text string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// Dependents lists the actions that need another one as well, for some resource
// or for all: Dependents("iam:PassRole") are those that hand a role to a service.
// AWS's list is not whole: Bedrock's actions, for one, are missing from it.
func Dependents(action string) []*Action {
	var out []*Action
	for _, a := range Expand("*") {
		if a.needs(action) {
			out = append(out, a)
		}
	}
	return out
}

func (a *Action) needs(action string) bool {
	is := func(d string) bool { return strings.EqualFold(d, action) }
	return slices.ContainsFunc(a.Depends, is) || slices.ContainsFunc(a.Uses, func(u Use) bool { return slices.ContainsFunc(u.Depends, is) })
}
