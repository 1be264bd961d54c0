package audit

import (
	"bytes"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Differences compares two assets by themselves, outside any snapshot: the two
// sides of a plan. It is an error if a configuration is not one JSON object.
func Differences(before, after *estate.Asset) ([]Change, error) {
	if len(before.Config) == 0 || len(after.Config) == 0 {
		return nil, nil
	}
	x, err := essenceOf(before, before.Config)
	if err != nil {
		return nil, err
	}
	y, err := essenceOf(after, after.Config)
	if err != nil {
		return nil, err
	}
	was, is := x.tree, y.tree
	out := tagChanges(before, after)
	for _, now := range y.capacities {
		if then := find(x.capacities, now.Path); then == nil || then.Units != now.Units || then.Size != now.Size {
			out = append(out, Change{Attribute: "config." + now.Path, After: amount(now)})
		}
	}
	if before.Tags != nil && after.Tags != nil {
		dropTags(was)
		dropTags(is)
	}
	switch {
	case after.Cloud == estate.AWS:
		alikePolicies(was, is)
	case before.Type == after.Type && after.Type == "v1/ConfigMap":
		values(after, was, is)
	case before.Type == after.Type && after.Type == "v1/Secret":
		secretKeys(after, was, is, before.Unknown)
	}
	d := differ{cloud: after.Cloud}
	d.compare("config", any(was), any(is))
	return append(out, d.out...), nil
}

// Explains reports whether every change that was seen is one of those that were
// planned: the same place, and the same value afterwards. A place may be told
// more coarsely on one side than on the other.
func Explains(planned, seen []Change) bool {
	for _, s := range seen {
		if s.Attribute == ZoneAttribute {
			continue // it follows from the others
		}
		if !slices.ContainsFunc(planned, func(p Change) bool {
			if p.Attribute == s.Attribute {
				return bytes.Equal(p.After, s.After)
			}
			return (strings.HasPrefix(p.Attribute, s.Attribute) || strings.HasPrefix(s.Attribute, p.Attribute)) && len(p.After) > 0 && len(s.After) > 0 &&
				(bytes.Contains(p.After, s.After) || bytes.Contains(s.After, p.After))
		}) {
			return false
		}
	}
	return len(seen) > 0
}
