package audit

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/provider/kubernetes"
)

// Compare returns what differs between two snapshots, the baseline's and a later
// one. Every record is open or unknown; FirstSeen is left to who knows the
// snapshots between them. An error is a configuration that could not be read
// back from the store.
//
// What changes by itself is left out (Volatile lists it), what a controller, an
// autoscaler or a service makes of another asset goes with that one, and what one
// of the two did not read is not compared but said to be unseen.
func Compare(ctx context.Context, before, after *estate.Snapshot) (*Drift, error) {
	c := &comparison{before: before, after: after}
	c.walk()
	c.lists()
	c.sources()
	if err := c.changes(ctx); err != nil {
		return nil, err
	}
	if err := c.providerTags(ctx); err != nil {
		return nil, err
	}
	c.fold()
	if err := c.renames(); err != nil {
		return nil, err
	}
	if err := c.consequences(ctx); err != nil {
		return nil, err
	}
	return c.drift(), nil
}

// pair is an asset that stands in both snapshots.
type pair struct{ b, a estate.Node }

// delta is one asset that differs, on its way to a record. A node of -1 says
// that the asset is not on that side.
type delta struct {
	pair
	id      string
	what    string
	changes []Change
	with    int
	paths   []string
	touches []string
	heavy   map[string]bool // tags whose change is more than words
	grade   Consequence
	lost    bool // nobody lists it now, or reads more than a part: it went, if what came is it
}

// asset returns the asset as it is, or as it was.
func (c *comparison) asset(d *delta) *estate.Asset {
	if d.a >= 0 {
		return c.after.Asset(d.a)
	}
	return c.before.Asset(d.b)
}

// comparison is one Compare in progress.
type comparison struct {
	before, after *estate.Snapshot
	suspects      []pair // both there, and their digests or their rows differ
	deltas        []*delta
	byID          map[string]*delta
	unseen        unseen
	compared      int
	noise         map[string]bool // ids that came or went by themselves
	causes        map[question]*estate.BlindSpot
	blindness     map[*estate.Snapshot]map[string]bool
	places        map[*estate.Snapshot]places
	uses          *tagUses
	netPolicies   map[territory][]string // of the baseline, by namespace
	quiet         []*delta               // tags that a provider block gives every resource
	whole         map[string]bool        // sources by whether they were read as far as before
}

// walk merges the assets of both snapshots, which are sorted by id.
func (c *comparison) walk() {
	c.byID, c.noise = map[string]*delta{}, map[string]bool{}
	i, j := 0, 0
	for i < c.before.Len() || j < c.after.Len() {
		order := 0
		switch {
		case i == c.before.Len():
			order = 1
		case j == c.after.Len():
			order = -1
		default:
			order = strings.Compare(c.before.Asset(estate.Node(i)).ID, c.after.Asset(estate.Node(j)).ID)
		}
		switch {
		case order < 0:
			c.gone(pair{estate.Node(i), -1})
			i++
		case order > 0:
			c.come(pair{-1, estate.Node(j)})
			j++
		default:
			c.both(pair{estate.Node(i), estate.Node(j)})
			i, j = i+1, j+1
		}
	}
}

// made reports whether an asset was made up from another's configuration, as a model
// is of the word for it: what it says stands there.
func made(a *estate.Asset) bool {
	return !ours(a) || len(a.Reads) == 0 && !a.Referenced || a.Type == kubernetes.ModelType && ownerOf(a.ID) == a.ID
}

func (c *comparison) gone(p pair) {
	a := c.before.Asset(p.b)
	if a.Referenced || made(a) {
		return
	}
	c.compared++
	if whole := ownerOf(a.ID); whole != a.ID {
		if at, still := c.after.Find(whole); !still || c.after.Asset(at).Referenced {
			return // it went with the whole, or is as little seen as that
		}
	} else if !c.after.Covered(a.Type, a.Account, a.Region) && !c.takenOut(p.b) || c.mayLieInDamage(a) {
		c.unseen.lost(c, a)
		return
	}
	c.add(&delta{pair: p, id: a.ID, what: WhatRemoved})
}

func (c *comparison) come(p pair) {
	a := c.after.Asset(p.a)
	if a.Referenced || made(a) {
		return
	}
	c.compared++
	if whole := ownerOf(a.ID); whole != a.ID {
		if at, was := c.before.Find(whole); !was || c.before.Asset(at).Referenced {
			return
		}
	} else if !c.before.Covered(a.Type, a.Account, a.Region) && !c.sawType(a) {
		c.unseen.gained(c, a)
		return
	}
	c.add(&delta{pair: p, id: a.ID, what: WhatAdded})
}

// sawType reports whether the baseline read assets from the source of a, so that
// one more of them is new. Folders of manifests and states of Terraform list
// nothing to the end; what is put into them is new all the same.
func (c *comparison) sawType(a *estate.Asset) bool {
	return slices.ContainsFunc(c.before.Sources(), func(s estate.SourceStatus) bool { return s.Source == a.Source && s.Status == "complete" })
}

func (c *comparison) both(p pair) {
	b, a := c.before.Asset(p.b), c.after.Asset(p.a)
	switch {
	case made(a) && made(b), b.Referenced && a.Referenced:
		return
	case b.Referenced || made(b):
		c.come(pair{-1, p.a})
		return
	case a.Referenced || made(a):
		c.gone(pair{p.b, -1})
		return
	}
	c.compared++
	if c.before.ConfigDigest(p.b) == c.after.ConfigDigest(p.a) && sameRow(b, a) {
		return
	}
	c.suspects = append(c.suspects, p)
}

// sameRow compares what does not stand in the configuration.
func sameRow(b, a *estate.Asset) bool {
	return b.Type == a.Type && (b.Tags == nil) == (a.Tags == nil) && maps.Equal(b.Tags, a.Tags) && slices.Equal(b.Reads, a.Reads) &&
		slices.Equal(b.Unknown, a.Unknown) && b.Created.Equal(a.Created)
}

func (c *comparison) add(d *delta) {
	c.deltas = append(c.deltas, d)
	c.byID[d.id] = d
}

// changes compares the configurations of the suspects, several at a time.
func (c *comparison) changes(ctx context.Context) error {
	type result struct {
		d    *delta
		lost []lostRead
		err  error
	}
	results := make([]result, len(c.suspects))
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(c.suspects) && ctx.Err() == nil; i += workers {
				r := &results[i]
				r.d, r.lost, r.err = c.change(c.suspects[i])
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, r := range results {
		if r.err != nil {
			return fmt.Errorf("compare with the baseline: %w", r.err)
		}
		for _, l := range r.lost {
			c.unseen.read(c, l)
		}
		if r.d != nil {
			c.add(r.d)
		}
	}
	return nil
}

// change compares one asset.
func (c *comparison) change(p pair) (*delta, []lostRead, error) {
	b, a := c.before.Asset(p.b), c.after.Asset(p.a)
	if still, err := c.onlyByItself(p, b, a); still || err != nil {
		return nil, nil, err
	}
	was, err := c.essence(c.before, p.b)
	if err != nil {
		return nil, nil, err
	}
	is, err := c.essence(c.after, p.a)
	if err != nil {
		return nil, nil, err
	}
	lost := reconcile(b, a, was.tree, is.tree)
	closed, err := c.illegible(p, was.tree, is.tree)
	if err != nil {
		return nil, nil, err
	}
	lost = append(lost, closed...)
	var out []Change
	if b.Type != a.Type {
		out = append(out, Change{"type", text(b.Type), text(a.Type)})
	}
	out = append(out, tagChanges(b, a)...)
	if b.Tags != nil && a.Tags != nil {
		dropTags(was.tree)
		dropTags(is.tree)
	}
	amounts, open := c.amounts(p, was.capacities, is.capacities, !slices.ContainsFunc(lost, func(l lostRead) bool { return l.root }))
	out = append(out, amounts...)
	if len(lost) == 0 { // else what was not read is why the amounts are not known
		lost = open
	}
	if a.Cloud == estate.AWS {
		alikePolicies(was.tree, is.tree)
	}
	cmp := differ{cloud: a.Cloud}
	cmp.compare("config", was.tree, is.tree)
	out = told(append(out, cmp.out...))
	d := &delta{pair: p, id: a.ID, what: WhatChanged, changes: out}
	if recreated(b, a) && provided[a.Type] != a.Name && len(lost) == 0 {
		d.what = WhatRecreated
	}
	if len(out) == 0 && d.what == WhatChanged {
		return nil, lost, nil
	}
	return d, lost, nil
}

// provided are the assets, by type and name, that every account has from the
// service itself and that nobody can delete: they are never made anew, and a time
// of creation says when the service, or a double of it, was asked first.
var provided = map[string]string{"AWS::Athena::WorkGroup": "primary", "AWS::Events::EventBus": "default", "AWS::Scheduler::ScheduleGroup": "default"}

// providedNames lists what is provided.
func providedNames() []string {
	var out []string
	for _, typ := range slices.Sorted(maps.Keys(provided)) {
		out = append(out, typ+" "+provided[typ])
	}
	return out
}

// rootVolatile are the members at the root that change by themselves, by type;
// "" for all types of AWS.
var rootVolatile = sync.OnceValue(func() map[string]map[string]bool {
	out := map[string]map[string]bool{"": {}}
	for _, name := range aws.TimeMembers() {
		out[""][name] = true
	}
	for typ, r := range aws.ScaleRules() {
		out[typ] = map[string]bool{}
		for _, place := range r.Volatile {
			out[typ][place] = true // a place with a dot is the name of no member
		}
	}
	return out
})

// onlyByItself is the short way for what changed in nothing but times and states
// at the root of its configuration, which is most of what changes.
func (c *comparison) onlyByItself(p pair, b, a *estate.Asset) (bool, error) {
	if a.Cloud != estate.AWS || !sameRow(b, a) {
		return false, nil
	}
	was, err := c.before.ConfigWhole(p.b)
	if err != nil {
		return false, err
	}
	is, err := c.after.ConfigWhole(p.a)
	if err != nil {
		return false, err
	}
	members, ok := estate.DifferingMembers(was, is)
	all := rootVolatile()
	return ok && !slices.ContainsFunc(members, func(m string) bool { return !all[""][m] && !all[a.Type][m] }), nil
}

// text is a string as JSON, nil for none.
func text(s string) json.RawMessage {
	if s == "" {
		return nil
	}
	out, _ := json.Marshal(s) // a string has a spelling
	return out
}

// drift turns the deltas into records.
func (c *comparison) drift() *Drift {
	out := &Drift{Compared: c.compared, Unseen: c.unseen.hidden()}
	for _, d := range c.deltas {
		a := c.asset(d)
		r := c.record(d)
		switch d.what {
		case WhatAdded:
			r.Changes = []Change{{After: summary(a, c.after.AssetDigest(d.a))}}
			out.New = append(out.New, d.id)
		case WhatRemoved:
			r.Changes = []Change{{Before: summary(a, estate.Digest{})}}
		case WhatRecreated:
			b := c.before.Asset(d.b)
			r.Changes = append([]Change{{Attribute: "created", Before: text(stamp(b)), After: text(stamp(a))}}, r.Changes...)
		}
		r.identify()
		out.Records = append(out.Records, r)
	}
	out.Records = append(out.Records, c.unseen.records()...)
	out.sortRecords()
	for _, d := range c.quiet {
		r := c.record(d)
		r.identify()
		out.quiet = append(out.quiet, r)
	}
	return out
}

// record is a delta as an open record without an id.
func (c *comparison) record(d *delta) Record {
	a := c.asset(d)
	return Record{Asset: d.id, Type: a.Type, Account: a.Account, Region: a.Region, What: d.what, Changes: d.changes,
		Consequence: d.grade, Paths: d.paths, With: d.with, Status: StatusOpen, touches: append([]string{d.id}, d.touches...), heavy: d.heavy}
}

// summary is what a record shows of an asset that came or went. Of one that came
// it holds a digest of the whole, so that an acceptance ends when it changes.
func summary(a *estate.Asset, whole estate.Digest) json.RawMessage {
	s := struct {
		Type   string `json:"type"`
		Name   string `json:"name,omitempty"`
		Source string `json:"source,omitempty"`
		Digest string `json:"digest,omitempty"`
	}{Type: a.Type, Name: a.Name, Source: a.Source}
	if whole != (estate.Digest{}) {
		s.Digest = "sha256:" + hex.EncodeToString(whole[:])
	}
	out, _ := json.Marshal(s) // strings only
	return out
}
