package assess

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	providerKubernetes "github.com/sevenfold-sec/sevenfold/provider/kubernetes"
)

// inPlace is the side after of a plan that alters settings of what the estate knows
// and no more: nothing comes or goes, and what is made of each asset that changes
// (kind, relations, parts) is what was made of it before. That is the estate with
// these configurations in the place of the former ones, and nothing need be understood
// anew. It is nil where any of that does not hold, or cannot be told.
func (l *laying) inPlace() (*estate.Snapshot, error) {
	if l.twice {
		return nil, nil
	}
	for id := range l.gone {
		if _, ok := l.base.Find(id); ok {
			return nil, nil
		}
	}
	var changed []estate.Asset
	cluster := false
	for _, id := range slices.Sorted(maps.Keys(l.after)) {
		n, ok := l.base.Find(id)
		if !ok || strings.Contains(id, "#") {
			return nil, nil
		}
		was := l.base.Asset(n)
		if made, err := l.understood(was); made || err != nil {
			return nil, err
		}
		if same(l.before[id], l.after[id]) {
			continue
		}
		those, err := l.altered(n, was)
		if those == nil || err != nil {
			return nil, err
		}
		changed = append(changed, those...)
		cluster = cluster || was.Cloud != estate.AWS
	}
	next, err := l.base.With(changed, nil, nil)
	if err != nil || !cluster {
		return next, err
	}
	// What joins objects of a cluster reads them all.
	before, after := estate.Addition{}, estate.Addition{}
	if before.Assets, before.Relations, err = providerKubernetes.Derive(l.base); err != nil {
		return nil, fmt.Errorf("join selectors: %w", err)
	}
	if after.Assets, after.Relations, err = providerKubernetes.Derive(next); err != nil {
		return nil, fmt.Errorf("join selectors: %w", err)
	}
	if !reflect.DeepEqual(before, after) {
		return nil, nil
	}
	return next, nil
}

// altered is an asset of the estate, with its own parts, as the plan leaves it; nil if
// the plan changes more of it than settings. What others say of it stays.
func (l *laying) altered(n estate.Node, was *estate.Asset) ([]estate.Asset, error) {
	config, err := l.base.Config(n)
	if err != nil {
		return nil, err
	}
	old := raw(was, config)
	planned, err := l.patch(old, l.before[was.ID], l.after[was.ID])
	if err != nil {
		return nil, fmt.Errorf("lay the plan over %s: %w", was.ID, err)
	}
	if !maps.Equal(planned.Tags, was.Tags) {
		return nil, nil
	}
	// Configurations are understood as a snapshot spells them.
	if planned.Config, err = estate.Canonical(planned.Config); err != nil {
		return nil, nil // whoever puts the whole together says what is wrong with it
	}
	before, after := understand(&old), understand(&planned)
	parts, ok := l.partsOf(was.ID, before.Parts, after.Parts)
	before.Parts, after.Parts = nil, nil
	if !ok || !reflect.DeepEqual(before, after) {
		return nil, nil
	}
	is := *was
	is.Config, is.Unknown, is.Reads = planned.Config, planned.Unknown, planned.Reads
	return append(parts, is), nil
}

// partsOf are the parts of an asset that the plan changes. ok is false if they are not
// the same parts, or if one that changes is not the asset's alone.
func (l *laying) partsOf(id string, before, after []estate.Asset) (changed []estate.Asset, ok bool) {
	if len(before) != len(after) {
		return nil, false
	}
	byID := func(a, b estate.Asset) int { return cmp.Compare(a.ID, b.ID) }
	before, after = slices.SortedFunc(slices.Values(before), byID), slices.SortedFunc(slices.Values(after), byID)
	for i := range before {
		was, is := before[i], after[i]
		config := is.Config
		alike := string(was.Config) == string(config)
		was.Config, is.Config = nil, nil
		if !reflect.DeepEqual(was, is) {
			return nil, false
		}
		if alike {
			continue
		}
		n, found := l.base.Find(is.ID)
		if !found || config == nil || !strings.HasPrefix(is.ID, id+"#") || len(l.base.Asset(n).Reads) != len(was.Reads) {
			return nil, false
		}
		whole := *l.base.Asset(n)
		former, err := estate.Canonical(before[i].Config)
		if held, herr := l.base.Config(n); err != nil || herr != nil || string(former) != string(held) || whole.Referenced {
			return nil, false // somebody else says something of it
		}
		whole.Config = config
		changed = append(changed, whole)
	}
	return changed, true
}
