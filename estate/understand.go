package estate

import (
	"cmp"
	"context"
	"encoding/json"
	"runtime"
	"slices"
	"sync"
)

// Understood returns the next snapshot with what a provider makes of every
// asset: kinds, names, tags, creation times, roots, relations, parts and, for
// what could not be understood, blind spots. understand is called from several
// goroutines, once for each asset that has been read, with Config filled in; it
// must not keep or change the asset.
func (s *Snapshot) Understood(ctx context.Context, understand func(*Asset) Understanding) (*Snapshot, error) {
	type job struct {
		asset  *Asset
		config json.RawMessage
	}
	jobs := make(chan []job, 4)
	var mu sync.Mutex
	var assets []Asset
	var rels []Relation
	var blind []BlindSpot
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for batch := range jobs {
				var as []Asset
				var rs []Relation
				var bs []BlindSpot
				for _, j := range batch {
					a := *j.asset
					a.Config = j.config
					as, rs, bs = s.apply(a, understand(&a), as, rs, bs)
				}
				mu.Lock()
				assets, rels, blind = append(assets, as...), append(rels, rs...), append(blind, bs...)
				mu.Unlock()
			}
		})
	}
	const size = 256
	batch := make([]job, 0, size)
	err := s.Each(ctx, func(_ Node, a *Asset, config json.RawMessage) error {
		if a.Referenced || a.Type == SetType {
			return nil
		}
		if batch = append(batch, job{a, config}); len(batch) == size {
			jobs <- batch
			batch = make([]job, 0, size)
		}
		return nil
	})
	jobs <- batch
	close(jobs)
	wg.Wait()
	if err != nil {
		return nil, err
	}
	return s.With(assets, rels, blind)
}

// apply adds to the three lists what u says of a. The asset itself goes on
// without its configuration, and so does a part that is an asset read for
// itself: With then keeps the configuration that was read.
func (s *Snapshot) apply(a Asset, u Understanding, as []Asset, rs []Relation, bs []BlindSpot) ([]Asset, []Relation, []BlindSpot) {
	for _, p := range u.Problems {
		bs = append(bs, BlindSpot{Source: a.Source, Account: a.Account, Region: a.Region, Operation: p.Path, Asset: a.ID,
			Status: ReadMalformed, Why: p.Why, Hint: "look at this place of the configuration; if it is right, report it"})
	}
	a.Config = nil
	a.Kind = cmp.Or(u.Kind, a.Kind)
	a.Name = cmp.Or(u.Name, a.Name)
	if u.Tags != nil {
		a.Tags = u.Tags
	}
	if !u.Created.IsZero() {
		a.Created = u.Created
	}
	if u.Root != nil && !slices.ContainsFunc(u.RootUnless, s.read) {
		a.Root = u.Root
	}
	as = append(as, a)
	for _, p := range u.Parts {
		if n, ok := s.Find(p.ID); ok && !s.assets[n].Referenced {
			p.Config = nil
		}
		as = append(as, p)
	}
	return as, append(rs, u.Relations...), bs
}

// read reports whether an asset has been read and is not known by name only.
func (s *Snapshot) read(id string) bool {
	n, ok := s.Find(id)
	return ok && !s.assets[n].Referenced
}
