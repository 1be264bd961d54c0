package kubernetes

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// selector is a label selector: pairs that must stand and expressions.
type selector struct {
	MatchLabels      map[string]string `json:"matchLabels"`
	MatchExpressions []requirement     `json:"matchExpressions"`
}

// requirement is one expression of a selector.
type requirement struct {
	Key      string   `json:"key"`
	Operator string   `json:"operator"`
	Values   []string `json:"values"`
}

// matches reports whether labels fit. An operator that is not known fits
// nothing.
func (s *selector) matches(labels map[string]string) bool {
	for k, v := range s.MatchLabels {
		if got, ok := labels[k]; !ok || got != v {
			return false
		}
	}
	for _, e := range s.MatchExpressions {
		if !e.matches(labels) {
			return false
		}
	}
	return true
}

func (e *requirement) matches(labels map[string]string) bool {
	got, has := labels[e.Key]
	switch e.Operator {
	case "In":
		return has && slices.Contains(e.Values, got)
	case "NotIn":
		return !has || !slices.Contains(e.Values, got)
	case "Exists":
		return has
	case "DoesNotExist":
		return !has
	}
	return false
}

// String spells a selector in one way, so that objects which select the same
// share one set.
func (s *selector) String() string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(s.MatchLabels)) {
		out = append(out, k+"="+s.MatchLabels[k])
	}
	expressions := slices.SortedFunc(slices.Values(s.MatchExpressions), func(a, b requirement) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Operator, b.Operator), slices.Compare(a.Values, b.Values))
	})
	for _, e := range expressions {
		values := slices.Sorted(slices.Values(e.Values))
		out = append(out, strings.TrimSpace(e.Key+" "+e.Operator+" "+strings.Join(values, "|")))
	}
	return strings.Join(out, ",")
}

// parseSelector reads a selector; ok is false where it is missing or is none.
func parseSelector(raw json.RawMessage) (s selector, ok bool) {
	if len(raw) == 0 || string(raw) == "null" || json.Unmarshal(raw, &s) != nil {
		return selector{}, false
	}
	return s, true
}
