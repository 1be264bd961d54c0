package assess

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/depsdev"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/steps/supply"
	"github.com/sevenfold-sec/sevenfold/steps/supply/parts"
	"github.com/sevenfold-sec/sevenfold/steps/supply/upkeep"
)

// Where they stand among what the step has learnt.
const (
	upkeepKey    = "upkeep"
	firstSeenKey = "firstseen"
)

// Upkeep is what supply upkeep answers: how the packages of everything that was examined
// are looked after.
type Upkeep struct {
	Taken time.Time `json:"taken"`
	// Of packages at places, Known is how many something is known of.
	Of    int `json:"of"`
	Known int `json:"known"`
	// Packages are those with a remark or of which something is not known, the worst first.
	Packages []supply.Upkept `json:"packages"`
}

// Keep takes what registries say into the state.
func (s Supply) Keep(ctx context.Context, b *upkeep.Book) error {
	old := upkeep.New()
	if err := s.read(ctx, upkeepKey, old); err != nil {
		return err
	}
	old.Merge(b)
	return s.write(ctx, upkeepKey, old)
}

// upkeep gives what is known of the packages that were examined.
func (s Supply) upkeep(ctx context.Context, k *supply.Known) error {
	if err := s.read(ctx, firstSeenKey, &k.FirstSeen); err != nil {
		return err
	}
	var b *upkeep.Book
	if err := s.read(ctx, upkeepKey, &b); err != nil || b == nil {
		return err
	}
	k.Upkeep = upkeep.New()
	for i := range k.Examined {
		if k.Examined[i].Bill == nil {
			continue
		}
		for _, p := range k.Examined[i].Bill.Parts {
			key := upkeep.Key(p.Ecosystem, p.Name)
			if x := b.Packages[key]; x != nil {
				k.Upkeep.Packages[key] = x
				if r := b.Projects[x.Repository]; r != nil {
					k.Upkeep.Projects[x.Repository] = r
				}
			}
		}
	}
	return nil
}

// seen notes when the packages of a bill were first seen here.
func (s Supply) seen(ctx context.Context, b *supply.Bill) error {
	if b == nil {
		return nil
	}
	first := map[string]time.Time{}
	if err := s.read(ctx, firstSeenKey, &first); err != nil {
		return err
	}
	before := len(first)
	for i := range b.Parts {
		if p := &b.Parts[i]; p.Kind == parts.Package {
			if k := supply.FirstSeenKey(p); first[k].IsZero() {
				first[k] = b.Taken
			}
		}
	}
	if len(first) == before {
		return nil
	}
	return s.write(ctx, firstSeenKey, first)
}

// AskDepsDev asks a server of deps.dev's API about everything that was examined. gone are
// packages that it does not know.
func (s Supply) AskDepsDev(ctx context.Context, address string, now time.Time) (b *upkeep.Book, gone []string, err error) {
	k, err := s.Known(ctx, now)
	if err != nil {
		return nil, nil, err
	}
	asked := map[depsdev.Package]bool{}
	for i := range k.Examined {
		if k.Examined[i].Bill == nil {
			continue
		}
		for _, p := range k.Examined[i].Bill.Parts {
			if sys := upkeep.SystemOf(p.Ecosystem); p.Kind == parts.Package && sys != "" {
				asked[depsdev.Package{System: sys, Name: p.Name, Version: p.Version}] = true
			}
		}
	}
	list := slices.SortedFunc(maps.Keys(asked), func(a, b depsdev.Package) int {
		return slices.Compare([]string{a.System, a.Name, a.Version}, []string{b.System, b.Name, b.Version})
	})
	b = upkeep.New()
	err = depsdev.Each(ctx, address, nil, list, func(text []byte) error { return b.Add(text, now) }, func(p depsdev.Package) { gone = append(gone, p.Name) })
	return b, gone, err
}

// UpkeepOf answers how what was examined is looked after.
func (s Supply) UpkeepOf(ctx context.Context, now time.Time) (*Upkeep, error) {
	k, err := s.Known(ctx, now)
	if err != nil {
		return nil, err
	}
	a := &Upkeep{Taken: now, Packages: []supply.Upkept{}}
	for _, u := range k.Upkept() {
		a.Of++
		if u.Unknown == "" {
			a.Known++
		}
		if u.Unknown != "" || len(u.Remarks)+len(u.Open) > 0 {
			a.Packages = append(a.Packages, u)
		}
	}
	slices.SortStableFunc(a.Packages, func(x, y supply.Upkept) int {
		switch sx, sy := x.Severity(), y.Severity(); {
		case sx == sy:
			return 0
		case sx.AtLeast(sy):
			return -1
		}
		return 1
	})
	return a, nil
}

// Exit is 1 if a remark is at or above a severity, else 3 if something is not known or
// nothing was examined, else 0.
func (a *Upkeep) Exit(failOn finding.Severity) int {
	code := 0
	if a.Of == 0 {
		code = 3
	}
	for i := range a.Packages {
		u := &a.Packages[i]
		if len(u.Remarks) > 0 && u.Severity().AtLeast(failOn) {
			return 1
		}
		if u.Unknown != "" || len(u.Open) > 0 {
			code = 3
		}
	}
	return code
}
