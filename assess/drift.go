package assess

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/audit"
	"github.com/sevenfold-sec/sevenfold/store"
)

// Holding says what a run is held against.
type Holding struct {
	Store store.Store
	// Trusted are the keys whose signature on baselines and acceptances counts.
	Trusted []ed25519.PublicKey
	Estate  string
	Now     time.Time
	// Fresh says that the snapshot was just read, so that what is seen first in it
	// is noted in the state.
	Fresh bool
	// Scope says which zone an asset is in; nil: zones are not compared.
	Scope *scope.Scope
	// Heads says how far the state had come; the zero value does not know.
	Heads Heads
}

// Trusted are the keys whose word on baselines counts: the approvers, or else the
// state's own.
func Trusted(approvers []ed25519.PublicKey, own ed25519.PublicKey) []ed25519.PublicKey {
	if len(approvers) > 0 {
		return approvers
	}
	if own == nil {
		return nil
	}
	return []ed25519.PublicKey{own}
}

// Against returns the state's newest baseline with what a snapshot differs from
// it, nil if none was ever approved. A baseline that does not count is said to be
// refused; an error is a fault of the state or of ours.
func (h Holding) Against(ctx context.Context, snap *estate.Snapshot) (*audit.Approved, error) {
	kept := Baselines{h.Store}
	file, version, err := kept.File(ctx, 0)
	if errors.Is(err, store.ErrNotFound) {
		if err := h.Heads.Baseline(ctx, false); err != nil { // there was one
			return refused(&audit.Approved{Now: h.Now}, err)
		}
		return nil, nil
	}
	out := &audit.Approved{Version: version, Now: h.Now, Papers: audit.Papers{File: file, Keys: keyIDs(h.Trusted), Version: version}}
	var b *Baseline
	if err == nil {
		b, err = kept.Check(file, h.Trusted, h.Estate, version)
	}
	if err == nil {
		err = h.Heads.Baseline(ctx, b.Head)
	}
	if err == nil {
		// Every configuration is read: one that is damaged would else count, or end
		// the run where it is compared.
		out.Snapshot, err = kept.Whole(ctx, b, true)
	}
	if err == nil {
		err = sameEstate(b, snap)
	}
	if err != nil {
		return refused(out, err)
	}
	if err := hold(ctx, out, b, snap); err != nil || out.Refused != "" {
		return out, err
	}
	if err := h.explain(ctx, out, snap); err != nil {
		return nil, err
	}
	return out, nil
}

func keyIDs(keys []ed25519.PublicKey) []string {
	out := []string{}
	for _, k := range keys {
		out = append(out, certificate.KeyID(k))
	}
	return out
}

// refused says of a baseline that it does not count, if err says so.
func refused(out *audit.Approved, err error) (*audit.Approved, error) {
	var no *BaselineError
	if !errors.As(err, &no) {
		return nil, err
	}
	out.Refused, out.Hint, out.Snapshot = no.What, no.Mend, nil
	out.Papers.Refused, out.Papers.Hint = no.What, no.Mend
	return out, nil
}

// hold fills in what a baseline says and what a snapshot differs from it.
func hold(ctx context.Context, out *audit.Approved, b *Baseline, snap *estate.Snapshot) error {
	out.Version, out.Approved, out.By, out.Listed = b.Version, b.Approved, b.By, len(b.Listed)
	out.Findings, out.Workloads = map[string]bool{}, map[string]bool{}
	for _, f := range b.Findings {
		out.Findings[f.ID] = true
	}
	for _, w := range b.Workloads {
		out.Workloads[w.ID] = true
	}
	var err error
	out.Drift, err = audit.Compare(ctx, out.Snapshot, snap)
	if errors.Is(err, estate.ErrAltered) {
		_, err = refused(out, refuse(approveAgain, "the snapshot of baseline version %d was changed in the state: %s", b.Version, err))
	}
	return err
}

// sameEstate refuses the baseline of another estate: one that has no account and
// no cluster in common.
func sameEstate(b *Baseline, snap *estate.Snapshot) error {
	now := accountsOf(snap)
	if len(b.Accounts) == 0 || len(now) == 0 || slices.ContainsFunc(now, func(a string) bool { return slices.Contains(b.Accounts, a) }) {
		return nil
	}
	return refuse("use this estate's own state (--state), or approve a baseline for it: sevenfold baseline approve",
		"the baseline is of another estate: it is of %s, this is %s", strings.Join(b.Accounts, ", "), strings.Join(now, ", "))
}

// explain adds to each difference since when it is seen and who accepted it.
func (h Holding) explain(ctx context.Context, b *audit.Approved, snap *estate.Snapshot) error {
	seen, by, err := h.firstSeen(ctx, b, snap)
	if err != nil {
		return err
	}
	b.Drift.Seen(seen)
	b.Drift.Credit(by)
	files, err := h.acceptances(ctx)
	if err != nil {
		return err
	}
	b.Papers.Seen, b.Papers.By, b.Papers.Acceptances = seen, by, files
	if err := zones(h.Scope, b.Drift, b.Snapshot, snap); err != nil {
		return err
	}
	b.Drift.Accept(h.readAcceptances(files), h.Now)
	return nil
}

// zones tells of each asset that differs whether another zone claims it now, by
// the zones as they are declared today.
func zones(sc *scope.Scope, d *audit.Drift, before, after *estate.Snapshot) error {
	if sc == nil || len(sc.Zones) == 0 || !d.MayMove() {
		return nil
	}
	of := func(s *estate.Snapshot) (audit.ZoneOf, error) {
		w, err := sc.Workloads(s)
		if err != nil {
			return nil, err
		}
		return func(asset string) (string, string) {
			zone, known := w.ZoneOf(asset)
			if known {
				return zone, ""
			}
			return zone, w.ZoneWhy(asset)
		}, nil
	}
	was, err := of(before)
	if err != nil {
		return err
	}
	is, err := of(after)
	if err != nil {
		return err
	}
	d.Zones(was, is)
	return nil
}

// ledgerKey is where the state keeps since when each difference is seen.
const ledgerKey = "drift-seen"

// maxLookback bounds how many snapshots between two runs are compared to find
// the first that differs.
const maxLookback = 64

// ledger is since when each difference from a baseline is seen.
type ledger struct {
	// Baseline is the version the differences are from, Last the snapshot the list
	// is of.
	Baseline int64                   `json:"baseline"`
	Last     time.Time               `json:"last"`
	Seen     map[string]audit.Window `json:"seen"`
	// By is who made each difference, where an event showed it.
	By map[string]audit.Actor `json:"by,omitempty"`
}

// ledger reads the list of the state. One that cannot be read, that is of another
// baseline or is not as the state's head says is made again: since when a
// difference is seen the snapshots tell too, and who made it the logs.
func (h Holding) ledger(ctx context.Context, b *audit.Approved) (ledger, error) {
	var l ledger
	again := ledger{Baseline: b.Version, Last: b.Snapshot.Taken()}
	head, err := h.Heads.read(ctx)
	if err != nil {
		return again, nil //nolint:nilerr // the head is told of with the baseline
	}
	if what, err := h.Heads.holds(ctx, head, ledgerKey); err != nil || what != "" {
		return again, err
	}
	text, _, err := h.Store.Blob(ctx, auditStep, ledgerKey, 0)
	if err == nil {
		err = json.Unmarshal(text, &l)
	}
	if err != nil || l.Baseline != b.Version {
		return again, ctx.Err()
	}
	return l, nil
}

// Remember keeps who made the differences, so that a log need be read once.
func (h Holding) Remember(ctx context.Context, b *audit.Approved) error {
	if b == nil || b.Drift == nil || !h.Fresh {
		return nil
	}
	l, err := h.ledger(ctx, b)
	if err != nil {
		return err
	}
	by := maps.Clone(l.By)
	for key, actor := range b.Drift.Actors() {
		if _, seen := l.Seen[key]; !seen {
			continue
		}
		if by == nil {
			by = map[string]audit.Actor{}
		}
		by[key] = actor
	}
	if maps.EqualFunc(by, l.By, func(a, b audit.Actor) bool { return reflect.DeepEqual(a, b) }) {
		return nil
	}
	l.By = by
	return h.keep(ctx, l)
}

func (h Holding) keep(ctx context.Context, l ledger) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	_, err = h.Store.PutBlob(ctx, auditStep, ledgerKey, text)
	return err
}

// firstSeen finds since when each difference is seen, and who is remembered to
// have made it: from the list in the state, or by comparing the snapshots that were
// stored since.
func (h Holding) firstSeen(ctx context.Context, b *audit.Approved, snap *estate.Snapshot) (map[string]audit.Window, map[string]audit.Actor, error) {
	l, err := h.ledger(ctx, b)
	if err != nil {
		return nil, nil, err
	}
	now, by := map[string]audit.Window{}, map[string]audit.Actor{}
	missing := map[string]bool{}
	for _, key := range b.Drift.Keys() {
		if w, ok := l.Seen[key]; ok && (h.Fresh || !w.First.After(snap.Taken())) { // a clock that went back forgets nothing
			now[key] = w
			if actor, known := l.By[key]; known {
				by[key] = actor
			}
		} else {
			missing[key] = true
		}
	}
	if len(missing) > 0 {
		if err := h.lookBack(ctx, b, snap, missing, now); err != nil {
			return nil, nil, err
		}
	}
	if h.Fresh && !(maps.Equal(now, l.Seen) && l.Baseline == b.Version && len(now) > 0) && (len(now) > 0 || len(l.Seen) > 0) {
		return now, by, h.keep(ctx, ledger{b.Version, snap.Taken(), now, by})
	}
	return now, by, nil
}

// lookBack goes through the snapshots stored between the baseline's and this one,
// the latest first, until none of the differences is in one.
func (h Holding) lookBack(ctx context.Context, b *audit.Approved, snap *estate.Snapshot, missing map[string]bool, now map[string]audit.Window) error {
	since := b.Snapshot.Taken()
	if since.After(snap.Taken()) {
		since = snap.Taken() // the clock went back: nobody knows since when
	}
	for key := range missing {
		now[key] = audit.Window{First: snap.Taken(), Same: since}
	}
	list, err := h.Store.List(ctx)
	if err != nil {
		return err
	}
	open := maps.Clone(missing)
	tried := 0
	for _, info := range list {
		if !info.Taken.Before(snap.Taken()) || info.Hash == snap.Hash() && info.Taken.Equal(snap.Taken()) {
			continue
		}
		if !info.Taken.After(b.Snapshot.Taken()) || len(open) == 0 || tried == maxLookback {
			break
		}
		tried++
		in := map[string]bool{}
		if info.Hash != b.Snapshot.Hash() {
			keys, err := h.keysAsOf(ctx, b, snap, info)
			if err != nil {
				return err
			}
			for _, k := range keys {
				in[k] = true
			}
		}
		for key := range open {
			w := now[key]
			if in[key] {
				w.First = info.Taken
			} else {
				w.Same = info.Taken
				delete(open, key)
			}
			now[key] = w
		}
	}
	return nil
}

// keysAsOf are the differences of an earlier snapshot. One that cannot be read is
// said to have none: its damage is told where it is asked for.
func (h Holding) keysAsOf(ctx context.Context, b *audit.Approved, snap *estate.Snapshot, info store.Info) ([]string, error) {
	if info.Hash == snap.Hash() {
		return b.Drift.Keys(), nil
	}
	then, err := h.Store.AsOf(ctx, info.Taken)
	if err != nil {
		return nil, ctx.Err()
	}
	d, err := audit.Compare(ctx, b.Snapshot, then)
	if err != nil {
		return nil, ctx.Err()
	}
	return d.Keys(), nil
}

// The form of a signed acceptance.
const acceptanceType = "https://github.com/sevenfold-sec/sevenfold/attestation/drift-acceptance/v1"

const acceptanceKey = "drift-accept"

type acceptanceStatement struct {
	Type          string                `json:"_type"`
	Subject       []certificate.Subject `json:"subject"`
	PredicateType string                `json:"predicateType"`
	Predicate     acceptance            `json:"predicate"`
}

type acceptance struct {
	Estate string `json:"estate"`
	audit.Acceptance
}

// AcceptDrift signs the acceptance of one difference and keeps it in the state.
func AcceptDrift(ctx context.Context, st store.Store, estateName string, r *audit.Record, a audit.Acceptance, key ed25519.PrivateKey) error {
	a.Record, a.Asset = r.ID, r.Asset
	payload, err := json.Marshal(acceptanceStatement{certificate.StatementType,
		[]certificate.Subject{{Name: r.ID, Digest: certificate.Digest{SHA256: sum([]byte(r.ID))}}}, acceptanceType, acceptance{estateName, a}})
	if err != nil {
		return err
	}
	file, err := certificate.Seal(payload, key)
	if err != nil {
		return err
	}
	_, err = st.PutBlob(ctx, auditStep, acceptanceKey, file)
	return err
}

// acceptances returns all that were ever signed, the latest first.
func (h Holding) acceptances(ctx context.Context) ([][]byte, error) {
	_, last, err := h.Store.Blob(ctx, auditStep, acceptanceKey, 0)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	var damaged *store.DamagedError
	if err != nil && !errors.As(err, &damaged) {
		return nil, err
	}
	var out [][]byte
	for v := last; v > 0; v-- {
		file, _, err := h.Store.Blob(ctx, auditStep, acceptanceKey, v)
		if err == nil { // a damaged one accepts nothing
			out = append(out, file)
		}
	}
	return out, ctx.Err()
}

// readAcceptances reads acceptances; one that does not count is kept with the
// reason.
func (h Holding) readAcceptances(files [][]byte) []audit.Signed {
	var out []audit.Signed
	for _, file := range files {
		if s, ok := h.readAcceptance(file); ok {
			out = append(out, s)
		}
	}
	return out
}

// readAcceptance reads one acceptance; ok is false for what says nothing at all.
func (h Holding) readAcceptance(file []byte) (out audit.Signed, ok bool) {
	payload, keyID, err := certificate.Unseal(file, h.Trusted...)
	if payload == nil {
		return out, false
	}
	s := &acceptanceStatement{}
	dec := json.NewDecoder(bytes.NewReader(payload))
	dec.DisallowUnknownFields()
	if dec.Decode(s) != nil || s.PredicateType != acceptanceType {
		return out, false
	}
	out.Acceptance, out.Key = s.Predicate.Acceptance, keyID
	switch {
	case errors.Is(err, certificate.ErrTampered):
		out.Refused = "it was changed after it was signed"
	case err != nil:
		out.Refused = "it is not signed by a key that counts (" + keyID + ")"
	case s.Predicate.Estate != h.Estate:
		out.Refused = fmt.Sprintf("it is of estate %q", s.Predicate.Estate)
	}
	return out, true
}
