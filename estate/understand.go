package estate

import (
	"cmp"
	"context"
	"encoding/json"
	"reflect"
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
	return s.UnderstoodAs(ctx, func(Node, *Asset) *Understanding { return nil }, understand)
}

// UnderstoodAs is Understood where it is known of some assets what is made of
// them: known returns that, and nil for those of whom understand is to be asked.
// Only their configurations are read. known is asked from one goroutine, and what
// it returns is not changed.
func (s *Snapshot) UnderstoodAs(ctx context.Context, known func(Node, *Asset) *Understanding, understand func(*Asset) Understanding) (*Snapshot, error) {
	var mu sync.Mutex
	var assets []Asset
	var rels []Relation
	var blind []BlindSpot
	open := make([]bool, s.Len())
	for n, a := range s.Assets() {
		if a.Referenced || a.Type == SetType {
			continue
		}
		if u := known(n, a); u != nil {
			assets, rels, blind = s.apply(*a, *u, assets, rels, blind)
		} else {
			open[n] = true
		}
	}
	err := s.eachUnderstood(ctx, open, understand, func(batch []understood) {
		var as []Asset
		var rs []Relation
		var bs []BlindSpot
		for i := range batch {
			as, rs, bs = s.apply(*batch[i].asset, batch[i].made, as, rs, bs)
		}
		mu.Lock()
		defer mu.Unlock()
		assets, rels, blind = append(assets, as...), append(rels, rs...), append(blind, bs...)
	})
	if err != nil {
		return nil, err
	}
	return s.With(assets, rels, blind)
}

// UnderstoodOf is Understood for the assets that want holds of; of all others it stays
// what s says. ok is false, and there is no snapshot, where what is made of one has to be
// put together with what was made of others: where it has a part that s has beside those,
// and says something else of it.
func (s *Snapshot) UnderstoodOf(ctx context.Context, want func(*Asset) bool, understand func(*Asset) Understanding) (next *Snapshot, ok bool, err error) {
	var mu sync.Mutex
	var assets []Asset
	var rels []Relation
	var blind []BlindSpot
	open := make([]bool, s.Len())
	for n, a := range s.Assets() {
		open[n] = !a.Referenced && a.Type != SetType && want(a)
	}
	ok = true
	err = s.eachUnderstood(ctx, open, understand, func(batch []understood) {
		mu.Lock()
		defer mu.Unlock()
		for i := range batch {
			made := batch[i].made
			parts := made.Parts
			made.Parts = nil
			for _, p := range parts {
				n, there := s.Find(p.ID)
				said := there && !open[n] && s.says(n, p)
				if !said || p.Source < s.assets[n].Source {
					made.Parts = append(made.Parts, p)
				}
				ok = ok && (said || !there || open[n])
			}
			assets, rels, blind = s.apply(*batch[i].asset, made, assets, rels, blind)
		}
	})
	if err != nil || !ok {
		return nil, false, err
	}
	next, err = s.With(assets, rels, blind)
	return next, err == nil, err
}

// says reports whether an asset is what p says, by whatever source if there is no
// configuration: of several that say the same, merging names the first.
func (s *Snapshot) says(n Node, p Asset) bool {
	a := *s.assets[n]
	var config Digest
	if p.Config != nil {
		text, err := Canonical(p.Config)
		if err != nil {
			return false
		}
		config = digestOf(text)
	} else if len(a.Reads) == 0 && a.Source != "" && p.Source != "" {
		a.Source = p.Source
	}
	a.Config, p.Config = nil, nil
	return reflect.DeepEqual(a, p) && s.ConfigDigest(n) == config
}

// Understandings returns what is made of each asset that has been read, by node,
// nil for the others: what UnderstoodAs may be told of another snapshot of the same
// assets. understand is called as Understood calls it, on assets as take gives them.
func (s *Snapshot) Understandings(ctx context.Context, take func(*Asset) Asset, understand func(*Asset) Understanding) ([]*Understanding, error) {
	out := make([]*Understanding, s.Len())
	open := make([]bool, s.Len())
	for n, a := range s.Assets() {
		open[n] = !a.Referenced && a.Type != SetType
	}
	err := s.eachUnderstood(ctx, open, func(a *Asset) Understanding {
		taken := take(a)
		return understand(&taken)
	}, func(batch []understood) {
		for i := range batch {
			out[batch[i].node] = &batch[i].made // each place is one batch's
		}
	})
	return out, err
}

// understood is an asset with what was made of it.
type understood struct {
	node  Node
	asset *Asset
	made  Understanding
}

// eachUnderstood asks understand of the assets of some nodes, several at a time, and
// hands what came of them to done in batches, from several goroutines.
func (s *Snapshot) eachUnderstood(ctx context.Context, nodes []bool, understand func(*Asset) Understanding, done func([]understood)) error {
	type job struct {
		node   Node
		asset  *Asset
		config json.RawMessage
	}
	jobs := make(chan []job, 4)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for batch := range jobs {
				out := make([]understood, 0, len(batch))
				for _, j := range batch {
					a := *j.asset
					a.Config = j.config
					out = append(out, understood{j.node, j.asset, understand(&a)})
				}
				done(out)
			}
		})
	}
	const size = 256
	batch := make([]job, 0, size)
	err := s.EachOf(ctx, func(n Node, _ *Asset) bool { return nodes[n] }, func(n Node, a *Asset, config json.RawMessage) error {
		if batch = append(batch, job{n, a, config}); len(batch) == size {
			jobs <- batch
			batch = make([]job, 0, size)
		}
		return nil
	})
	jobs <- batch
	close(jobs)
	wg.Wait()
	return err
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
