package assess

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/endpoint"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/data"
	"github.com/sevenfold-sec/sevenfold/steps/supply"
	"github.com/sevenfold-sec/sevenfold/steps/supply/osv"
	"github.com/sevenfold-sec/sevenfold/store"
)

// Supply keeps in the state what the supply step knows: what was examined, the
// vulnerability records, and the reviews.
type Supply struct {
	Store store.Store
	// Stale is how old records may be.
	Stale time.Duration
	// Trusted are the keys whose signatures on reviews count.
	Trusted []ed25519.PublicKey
}

// Where they stand among what the steps have learnt.
const (
	supplyStep      = "supply"
	placesKey       = "places"
	stocksKey       = "stocks"
	priorityKey     = "priority"
	supplyReviewKey = "reviews"
	probesKey       = "probes"
	printsKey       = "fingerprints"
	calledKey       = "called"
)

func placeKey(place string) string {
	sum := sha256.Sum256([]byte(place))
	return "place/" + hex.EncodeToString(sum[:16])
}

func shardKey(ecosystem string, n int) string { return fmt.Sprintf("osv/%s/%d", ecosystem, n) }

// read decodes a blob into what v points to, which it leaves as it is if there is
// none.
func (s Supply) read(ctx context.Context, key string, v any) error {
	text, _, err := s.Store.Blob(ctx, supplyStep, key, 0)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("what the state keeps of the supply chain (%s) cannot be read: %w: examine and import again", key, err)
	}
	return nil
}

func (s Supply) write(ctx context.Context, key string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = s.Store.PutBlob(ctx, supplyStep, key, text)
	return err
}

// Known reads all of it, and decides which vulnerabilities what was examined has.
func (s Supply) Known(ctx context.Context, now time.Time) (*supply.Known, error) {
	k := &supply.Known{Now: now}
	var places []string
	if err := s.read(ctx, placesKey, &places); err != nil {
		return nil, err
	}
	for _, p := range places {
		e := supply.Examined{}
		if err := s.read(ctx, placeKey(p), &e); err != nil {
			return nil, err
		}
		if e.Place != "" {
			k.Put(e)
		}
	}
	if err := s.read(ctx, probesKey, &k.Probes); err != nil {
		return nil, err
	}
	if err := s.read(ctx, printsKey, &k.Fingerprints); err != nil {
		return nil, err
	}
	if err := s.read(ctx, calledKey, &k.Called); err != nil {
		return nil, err
	}
	var err error
	if k.Reviews, err = s.reviews(ctx); err != nil {
		return nil, err
	}
	if len(k.Examined) == 0 {
		return k, nil
	}
	if err := s.upkeep(ctx, k); err != nil {
		return nil, err
	}
	r, err := s.records(ctx)
	if err != nil {
		return nil, err
	}
	return k, k.Watch(ctx, r, s.Stale)
}

// Reviewed is what the state knows of reviews alone.
func (s Supply) Reviewed(ctx context.Context, now time.Time) (*supply.Known, error) {
	list, err := s.reviews(ctx)
	return &supply.Known{Now: now, Reviews: list}, err
}

// reviews are those that somebody signed who counts.
func (s Supply) reviews(ctx context.Context) ([]supply.Review, error) {
	var all []supply.Review
	err := s.read(ctx, supplyReviewKey, &all)
	return slices.DeleteFunc(all, func(r supply.Review) bool { return r.Check(s.Trusted) != nil }), err
}

// Put keeps what was examined of a place beside what was known of it.
func (s Supply) Put(ctx context.Context, e supply.Examined) error {
	k := supply.Known{}
	old := supply.Examined{}
	if err := s.read(ctx, placeKey(e.Place), &old); err != nil {
		return err
	}
	if old.Place != "" {
		k.Put(old)
	}
	k.Put(e)
	if err := s.write(ctx, placeKey(e.Place), k.Examined[0]); err != nil {
		return err
	}
	if err := s.seen(ctx, e.Bill); err != nil {
		return err
	}
	var places []string
	if err := s.read(ctx, placesKey, &places); err != nil {
		return err
	}
	if slices.Contains(places, e.Place) {
		return nil
	}
	places = append(places, e.Place)
	slices.Sort(places)
	return s.write(ctx, placesKey, places)
}

// Import keeps the records that a builder gathered: of each ecosystem it has, all
// that was there before is replaced. said is the day up to which whoever brought them
// says they go; zero: nobody says.
func (s Supply) Import(ctx context.Context, b *osv.Builder, said time.Time) ([]*osv.Stock, error) {
	var old []*osv.Stock
	if err := s.read(ctx, stocksKey, &old); err != nil {
		return nil, err
	}
	fresh, shards := b.Build()
	for _, x := range fresh {
		for _, o := range old {
			if o.Ecosystem == x.Ecosystem && x.Records < o.Records/2 {
				return nil, &ShrunkError{x.Ecosystem, o.Records, x.Records}
			}
		}
	}
	for _, x := range fresh {
		x.Said = said
		var before *osv.Stock
		for _, o := range old {
			if o.Ecosystem == x.Ecosystem {
				before = o
			}
		}
		for n := range osv.Shards {
			if before != nil && before.Shards[n] == x.Shards[n] {
				continue // the same bytes: not written again
			}
			if _, err := s.Store.PutBlob(ctx, supplyStep, shardKey(x.Ecosystem, n), shards[x.Ecosystem][n]); err != nil {
				return nil, err
			}
		}
		old = slices.DeleteFunc(old, func(o *osv.Stock) bool { return o.Ecosystem == x.Ecosystem })
		old = append(old, x)
	}
	slices.SortFunc(old, func(a, b *osv.Stock) int { return strings.Compare(a.Ecosystem, b.Ecosystem) })
	return old, s.write(ctx, stocksKey, old)
}

// ShrunkError says that an import would lose most of what the state has of an
// ecosystem: part of a database would pass for all of it.
type ShrunkError struct {
	Ecosystem string
	Had, Has  int
}

// Error implements error.
func (e *ShrunkError) Error() string {
	return fmt.Sprintf("the state has %d records of %s, and these are %d: an import replaces all of an ecosystem's", e.Had, e.Ecosystem, e.Has)
}

// Priority is what EPSS and KEV say.
type Priority struct {
	EPSS map[string]float64 `json:"epss,omitempty"`
	KEV  map[string]bool    `json:"kev,omitempty"`
	Date string             `json:"date,omitempty"`
}

// Prioritise keeps it; what is nil stays as it was.
func (s Supply) Prioritise(ctx context.Context, p Priority) error {
	var old Priority
	if err := s.read(ctx, priorityKey, &old); err != nil {
		return err
	}
	if p.EPSS == nil {
		p.EPSS = old.EPSS
	}
	if p.KEV == nil {
		p.KEV = old.KEV
	}
	p.Date = cmp.Or(p.Date, old.Date)
	return s.write(ctx, priorityKey, p)
}

// Review adds a person's word.
func (s Supply) Review(ctx context.Context, r supply.Review) error {
	var all []supply.Review
	if err := s.read(ctx, supplyReviewKey, &all); err != nil {
		return err
	}
	return s.write(ctx, supplyReviewKey, append(all, r))
}

// Probe keeps what a probe of an endpoint saw, in the place of what an earlier one did.
func (s Supply) Probe(ctx context.Context, p supply.Probe) error {
	var all []supply.Probe
	if err := s.read(ctx, probesKey, &all); err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(o supply.Probe) bool { return o.Host == p.Host })
	return s.write(ctx, probesKey, append(all, p))
}

// Fingerprint keeps what a service was known by when it was asked, beside what it was
// known by when it was last approved, and returns both.
func (s Supply) Fingerprint(ctx context.Context, r *scope.Service, prints []endpoint.Print, now time.Time) (*supply.Fingerprint, error) {
	var all []supply.Fingerprint
	if err := s.read(ctx, printsKey, &all); err != nil {
		return nil, err
	}
	k, err := s.Reviewed(ctx, now)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(o supply.Fingerprint) bool { return o.Service == r.Name })
	if i < 0 {
		i, all = len(all), append(all, supply.Fingerprint{Service: r.Name})
	}
	seen := make([]supply.AskPrint, 0, len(prints))
	for _, p := range prints {
		seen = append(seen, supply.AskPrint{Name: p.Name, Asked: p.Asked, Now: p.Marks, Err: p.Err})
	}
	all[i].Update(r, seen, now, k.Approved(&all[i]))
	return &all[i], s.write(ctx, printsKey, all)
}

// supplyStepOf is the step, with what the state knows of the supply chain and of data.
func supplyStepOf(o Options) *supply.Step {
	return supply.New(o.Scope).With(o.Supply).Labelled(func(ctx context.Context, snap *estate.Snapshot) (supply.Labels, error) {
		return data.NewWorld(ctx, snap, o.Scope, o.Data)
	})
}

// supplyRecords implements supply.Records on the state.
type supplyRecords struct {
	ctx      context.Context
	s        Supply
	stocks   []*osv.Stock
	priority Priority
}

func (s Supply) records(ctx context.Context) (*supplyRecords, error) {
	r := &supplyRecords{ctx: ctx, s: s}
	if err := s.read(ctx, stocksKey, &r.stocks); err != nil {
		return nil, err
	}
	return r, s.read(ctx, priorityKey, &r.priority)
}

// Stocks implements supply.Records.
func (r *supplyRecords) Stocks() []*osv.Stock { return r.stocks }

// Shard implements supply.Records. What is not as its stock says is an error: an empty
// shard in the place of a full one would free everything of its vulnerabilities.
func (r *supplyRecords) Shard(ecosystem string, n int) ([]byte, error) {
	want := ""
	for _, s := range r.stocks {
		if s.Ecosystem == ecosystem {
			want = s.Shards[n]
		}
	}
	if want == "" {
		return nil, nil
	}
	data, _, err := r.s.Store.Blob(r.ctx, supplyStep, shardKey(ecosystem, n), 0)
	if err == nil {
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:8]) != want {
			err = errors.New("they are not what was imported")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("vulnerability records of %s: %w: import them again with sevenfold supply watch --osv", ecosystem, err)
	}
	return data, nil
}

// Priority implements supply.Records.
func (r *supplyRecords) Priority(name string) (float64, bool) {
	epss, ok := r.priority.EPSS[name]
	if !ok {
		epss = -1
	}
	return epss, r.priority.KEV[name]
}

// supplyEvidence adds to a bundle what the supply criteria rest on beside the
// snapshot.
func supplyEvidence(files map[string][]byte, k *supply.Known) error {
	if k == nil || len(k.Examined)+len(k.Reviews)+len(k.Probes)+len(k.Fingerprints)+len(k.Called) == 0 && k.Refused == "" {
		return nil
	}
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	if err := json.NewEncoder(zip).Encode(k); err != nil {
		return err
	}
	if err := zip.Close(); err != nil {
		return err
	}
	files[certificate.SupplyFile] = packed.Bytes()
	return nil
}

// supplyAgain reads it; where there is none, only the time of the run is known.
func supplyAgain(b certificate.Bundle, now time.Time) (*supply.Known, error) {
	k := &supply.Known{Now: now}
	if !b.Has(certificate.SupplyFile) {
		return k, nil
	}
	f, err := os.Open(b.Path(certificate.SupplyFile))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err == nil {
		err = json.NewDecoder(newBounded(zip, maxEvidence)).Decode(k)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", certificate.SupplyFile, err)
	}
	return k, nil
}

// joined makes one of criteria that two steps decided: what fails goes before what is
// not known, that before what passes; evidence and findings are both's.
func joined(list []finding.Criterion) []finding.Criterion {
	rank := map[finding.CriterionStatus]int{finding.CriterionFail: 3, finding.CriterionUnknown: 2, finding.CriterionPass: 1}
	var out []finding.Criterion
	for _, c := range list {
		i := slices.IndexFunc(out, func(o finding.Criterion) bool { return o.ID == c.ID })
		if i < 0 {
			out = append(out, c)
			continue
		}
		a, b := out[i], c
		if rank[b.Status] > rank[a.Status] {
			a, b = b, a
		}
		if a.Status == b.Status && b.Reason != "" {
			a.Reason += "; " + b.Reason
		}
		a.Hint = cmp.Or(a.Hint, b.Hint)
		a.Evidence = slices.Concat(a.Evidence, b.Evidence)
		a.Findings = slices.Concat(a.Findings, b.Findings)
		slices.Sort(a.Findings)
		a.Findings = slices.Compact(a.Findings)
		out[i] = a
	}
	return out
}
