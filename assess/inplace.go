package assess

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	providerKubernetes "github.com/sevenfold-sec/sevenfold/provider/kubernetes"
)

// lean is a side of a plan that adds to what a snapshot says, alters settings there, and
// no more: nothing goes, and what is made of each asset that changes (kind, relations,
// parts) is what was made of it before. That is the snapshot with these configurations in
// the place of the former ones, and what was added understood by itself: all else need
// not be understood anew. on is the estate, or the side before. It is nil where any of
// that does not hold, or cannot be told.
func (l *laying) lean(ctx context.Context, on *estate.Snapshot, planned bool) (*estate.Snapshot, error) {
	side := l.before
	if planned {
		side = l.after
	}
	for id := range l.gone {
		if _, ok := on.Find(id); planned && ok {
			return nil, nil
		}
	}
	var changed, anew []estate.Asset
	cluster := false
	for _, id := range slices.Sorted(maps.Keys(side)) {
		n, found := on.Find(id)
		if strings.Contains(id, "#") {
			return nil, nil
		}
		if !found || on.Asset(n).Referenced {
			if !planned || !l.gone[id] {
				anew = append(anew, raw(side[id], side[id].Config))
			}
			continue
		}
		was := on.Asset(n)
		if made, err := l.understood(was); made || err != nil {
			return nil, err
		}
		if !planned || l.unchanged(id) {
			continue
		}
		those, err := l.altered(on, n)
		if those == nil || err != nil {
			return nil, err
		}
		changed = append(changed, those...)
		cluster = cluster || was.Cloud != estate.AWS
	}
	next, err := on.With(slices.Concat(changed, anew), nil, nil)
	if err == nil && len(anew) > 0 {
		next, err = l.joined(ctx, on, next, byID(anew))
	}
	if err != nil || next == nil || !cluster && len(anew) == 0 {
		return next, err
	}
	return rejoined(on, next)
}

// unchanged reports whether the plan leaves an asset of the side before as it is.
func (l *laying) unchanged(id string) bool {
	before, after := l.before[id], l.after[id]
	return same(before, after) && (l.knows(id) || reflect.DeepEqual(raw(before, nil), raw(after, nil)))
}

// joined has what was added to a snapshot understood; nil if it makes something else of
// what was there.
func (l *laying) joined(ctx context.Context, on, next *estate.Snapshot, anew map[string]*estate.Asset) (*estate.Snapshot, error) {
	type where struct {
		cloud   estate.Cloud
		account string
	}
	accounts := map[where]bool{}
	for _, a := range anew {
		accounts[where{a.Cloud, a.Account}] = true
	}
	for n, a := range on.Assets() {
		if a.Root == nil || a.Referenced || !accounts[where{a.Cloud, a.Account}] {
			continue
		}
		config, err := on.Config(n)
		if err != nil {
			return nil, err
		}
		whole := raw(a, config)
		if slices.ContainsFunc(understand(&whole).RootUnless, func(id string) bool { return anew[id] != nil }) {
			return nil, nil // it belongs to another now
		}
	}
	next, ok, err := next.UnderstoodOf(ctx, func(a *estate.Asset) bool { return anew[a.ID] != nil }, understand)
	if !ok {
		return nil, err
	}
	return next, err
}

// rejoined adds to a side what joins its objects of clusters with one another, which
// reads them all; nil if something that was joined no longer is.
func rejoined(on, next *estate.Snapshot) (*estate.Snapshot, error) {
	before, after := estate.Addition{}, estate.Addition{}
	var err error
	if before.Assets, before.Relations, err = providerKubernetes.Derive(on); err != nil {
		return nil, fmt.Errorf("join selectors: %w", err)
	}
	if after.Assets, after.Relations, err = providerKubernetes.Derive(next); err != nil {
		return nil, fmt.Errorf("join selectors: %w", err)
	}
	relations, sets := make(map[estate.Relation]bool, len(after.Relations)), byID(after.Assets)
	for _, r := range after.Relations {
		relations[r] = true
	}
	for _, r := range before.Relations {
		if !relations[r] {
			return nil, nil
		}
	}
	for _, r := range before.Relations {
		delete(relations, r)
	}
	for _, a := range before.Assets {
		if is := sets[a.ID]; is == nil || !reflect.DeepEqual(a, *is) {
			return nil, nil
		}
		delete(sets, a.ID)
	}
	further := estate.Addition{Relations: slices.Collect(maps.Keys(relations))}
	for _, a := range sets {
		further.Assets = append(further.Assets, *a)
	}
	if len(further.Assets)+len(further.Relations) > 0 {
		if next, err = next.With(further.Assets, further.Relations, nil); err != nil {
			return nil, err
		}
	}
	return next.With(guessed(next), nil, nil)
}

// altered is an asset of the side before, with its own parts, as the plan leaves it; nil
// if the plan changes more of it than settings. What others say of it stays.
func (l *laying) altered(on *estate.Snapshot, n estate.Node) ([]estate.Asset, error) {
	was := on.Asset(n)
	config, err := on.Config(n)
	if err != nil {
		return nil, err
	}
	old := raw(was, config)
	planned := old
	if l.knows(was.ID) {
		if planned, err = l.patch(old, l.before[was.ID], l.after[was.ID]); err != nil {
			return nil, fmt.Errorf("lay the plan over %s: %w", was.ID, err)
		}
	} else if l.before[was.ID] == nil {
		return nil, nil
	} else {
		// The plan alone knows it: each side is what the plan says it is.
		before, after := raw(l.before[was.ID], nil), raw(l.after[was.ID], nil)
		after.Unknown, after.Reads = before.Unknown, before.Reads
		if !reflect.DeepEqual(before, after) {
			return nil, nil
		}
		planned.Config, planned.Unknown, planned.Reads = l.after[was.ID].Config, l.after[was.ID].Unknown, l.after[was.ID].Reads
	}
	if !maps.Equal(planned.Tags, was.Tags) {
		return nil, nil
	}
	// Configurations are understood as a snapshot spells them.
	if planned.Config, err = estate.Canonical(planned.Config); err != nil {
		return nil, nil // whoever puts the whole together says what is wrong with it
	}
	before, after := understand(&old), understand(&planned)
	parts, ok := l.partsOf(on, was.ID, before.Parts, after.Parts)
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
func (l *laying) partsOf(on *estate.Snapshot, id string, before, after []estate.Asset) (changed []estate.Asset, ok bool) {
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
		n, found := on.Find(is.ID)
		if !found || config == nil || !strings.HasPrefix(is.ID, id+"#") || len(on.Asset(n).Reads) != len(was.Reads) {
			return nil, false
		}
		whole := *on.Asset(n)
		former, err := estate.Canonical(before[i].Config)
		if held, herr := on.Config(n); err != nil || herr != nil || string(former) != string(held) || whole.Referenced {
			return nil, false // somebody else says something of it
		}
		whole.Config = config
		changed = append(changed, whole)
	}
	return changed, true
}
