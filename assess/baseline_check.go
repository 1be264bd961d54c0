package assess

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/audit"
	"github.com/sevenfold-sec/sevenfold/store"
)

// BaselineError is a baseline that does not count: why, with the place, and what
// mends it.
type BaselineError struct{ What, Mend string }

// Error implements error.
func (e *BaselineError) Error() string { return e.What }

// Hint is the mend.
func (e *BaselineError) Hint() string { return e.Mend }

// Config says that what was given is at fault.
func (*BaselineError) Config() bool { return true }

const approveAgain = "restore the state from a copy, or look at the estate and approve it again: sevenfold baseline approve"

func refuse(mend, format string, args ...any) *BaselineError {
	return &BaselineError{fmt.Sprintf(format, args...), mend}
}

// Last returns the version of the newest baseline, 0 for none.
func (k Baselines) Last(ctx context.Context) (int64, error) {
	_, version, err := k.Store.Blob(ctx, auditStep, baselineKey, 0)
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	var damaged *store.DamagedError
	if errors.As(err, &damaged) {
		return version, nil // it is there, whatever it holds
	}
	return version, err
}

// File returns the file of a version as it was signed; 0 is the newest. The
// error is store.ErrNotFound where there is none.
func (k Baselines) File(ctx context.Context, version int64) (file []byte, got int64, err error) {
	file, got, err = k.Store.Blob(ctx, auditStep, baselineKey, version)
	var damaged *store.DamagedError
	if errors.As(err, &damaged) {
		return nil, got, refuse(approveAgain, "%s", err)
	}
	return file, got, err
}

// Check reads a baseline's file and holds it to its signature. trusted are the
// keys that count; estate is the name in sevenfold.yaml, version the one that it
// is kept under, 0 for a file that is not kept. Its error is a *BaselineError.
func (Baselines) Check(file []byte, trusted []ed25519.PublicKey, estateName string, version int64) (*Baseline, error) {
	if len(trusted) == 0 {
		return nil, refuse("name the approvers' keys under gate.approvers of sevenfold.yaml, or give --key", "there is no key to check the baseline with")
	}
	payload, _, err := certificate.Unseal(file, trusted...)
	words := func(err error) string { return strings.ReplaceAll(err.Error(), "certificate", "baseline") }
	switch {
	case errors.Is(err, certificate.ErrSigner):
		return nil, refuse("let one whose key counts approve it: sevenfold baseline approve --key FILE", "%s; it does not count", words(err))
	case errors.Is(err, certificate.ErrTampered) && payload != nil:
		return nil, refuse(approveAgain, "%s: %s", words(err), changedPart(payload))
	case err != nil:
		return nil, refuse(approveAgain, "%s", words(err))
	}
	s, err := decodeBaseline(payload)
	if err != nil {
		return nil, err
	}
	b := &s.Predicate
	switch {
	case estateName != b.Estate:
		return nil, refuse("use this estate's own state (--state), or approve a baseline for it", "the baseline is of estate %q, this is %q", b.Estate, estateName)
	case version != 0 && version != b.Version:
		return nil, refuse(approveAgain, "the state keeps the baseline as version %d, it says version %d: an older one was put in its place", version, b.Version)
	}
	return b, nil
}

// Holds says, as a *BaselineError, where the state does not keep a baseline of
// which somebody has the file: it was removed since, or another took its place.
func (k Baselines) Holds(ctx context.Context, b *Baseline, file []byte) error {
	kept, _, err := k.Store.Blob(ctx, auditStep, baselineKey, b.Version)
	var damaged *store.DamagedError
	switch {
	case errors.Is(err, store.ErrNotFound):
		last, err := k.Last(ctx)
		if err != nil {
			return err
		}
		return refuse("use the state it was approved in (--state), or restore that from a copy", "the state does not hold version %d of the baseline, its newest is version %d: a newer one was removed, or it is another state", b.Version, last)
	case errors.As(err, &damaged):
		return refuse(approveAgain, "%s", err)
	case err != nil:
		return err
	case !bytes.Equal(bytes.TrimSpace(kept), bytes.TrimSpace(file)):
		return refuse(approveAgain, "version %d of the baseline in the state is another than this file", b.Version)
	}
	return nil
}

// decodeBaseline reads a payload in its one spelling.
func decodeBaseline(payload []byte) (*baselineStatement, error) {
	var kind struct {
		PredicateType string `json:"predicateType"`
	}
	if err := json.Unmarshal(payload, &kind); err != nil {
		return nil, refuse(approveAgain, "the baseline cannot be read: %s", atByte(payload, err))
	}
	if kind.PredicateType != BaselineType {
		if v, ok := strings.CutPrefix(kind.PredicateType, baselineTypes); ok {
			return nil, refuse("approve it again with this version: sevenfold baseline approve; the former one stays in the state",
				"the baseline is of schema %s, this sevenfold reads v1", v)
		}
		return nil, refuse("give a file that sevenfold baseline approve --out wrote", "no baseline: it states %q", kind.PredicateType)
	}
	s := &baselineStatement{}
	dec := json.NewDecoder(bytes.NewReader(payload))
	dec.DisallowUnknownFields()
	if err := dec.Decode(s); err != nil {
		return nil, refuse(approveAgain, "the baseline cannot be read: %s", atByte(payload, err))
	}
	again, err := json.Marshal(s)
	if err != nil || !bytes.Equal(again, payload) {
		return nil, refuse(approveAgain, "the baseline is not spelt as it was written")
	}
	return s, nil
}

func atByte(text []byte, err error) string {
	var syntax *json.SyntaxError
	var typed *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("byte %d of %d of its statement: %s", syntax.Offset, len(text), err)
	case errors.As(err, &typed):
		return fmt.Sprintf("%s, byte %d of its statement: %s", typed.Field, typed.Offset, err)
	}
	return err.Error()
}

// changedPart says which part of a statement whose signature does not hold is
// not as its own digests say.
func changedPart(payload []byte) string {
	s := &baselineStatement{}
	if err := json.Unmarshal(payload, s); err != nil {
		return "from " + atByte(payload, err)
	}
	now := s.Predicate.sections()
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if s.Predicate.Sections[name] != now[name] {
			if name == "head" {
				name = "version, snapshot, times, approver or tool"
			}
			return "its " + name
		}
	}
	return "its subject, its signature or the digests of its sections"
}

// Whole loads the snapshot of a baseline and holds every asset in it to the
// digests that were signed. deep reads every configuration and every relation
// too; without it, configurations are checked where they are read. Its error is
// a *BaselineError that names the place, or that of ctx.
func (k Baselines) Whole(ctx context.Context, b *Baseline, deep bool) (*estate.Snapshot, error) {
	table, _, err := k.Store.Blob(ctx, auditStep, tableKey+"/"+b.Table, 0)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, refuse(approveAgain, "the list of the digests of baseline version %d cannot be read: %s", b.Version, err)
	case sum(table) != b.Table:
		return nil, refuse(approveAgain, "the list of the digests of baseline version %d was changed after it was signed", b.Version)
	}
	snap, err := k.Store.Load(ctx, b.Snapshot)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, store.ErrNotFound):
		return nil, refuse("use the state it was approved in (--state), or approve again: sevenfold baseline approve", "snapshot %s of baseline version %d is not in the state", b.Snapshot, b.Version)
	case err != nil:
		return nil, refuse(approveAgain, "the snapshot of baseline version %d cannot be read: %s", b.Version, err)
	}
	if place := differs(table, tableOf(snap)); place != "" {
		return nil, refuse(approveAgain, "the snapshot of baseline version %d was changed in the state: %s", b.Version, place)
	}
	if !deep {
		return snap, nil
	}
	hash, err := snap.Recheck(ctx)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, refuse(approveAgain, "the snapshot of baseline version %d was changed in the state: %s", b.Version, err)
	case hash != b.Snapshot:
		return nil, refuse(approveAgain, "the snapshot of baseline version %d was changed in the state: its relations, blind spots, coverage or sources", b.Version)
	}
	return snap, nil
}

// differs names the first asset of which two lists of digests do not say the
// same.
func differs(want, got []byte) string {
	if bytes.Equal(want, got) {
		return ""
	}
	w, g := bytes.SplitAfter(want, []byte("\n")), bytes.SplitAfter(got, []byte("\n"))
	for i := range max(len(w), len(g)) {
		var x, y string
		if i < len(w) {
			_, x, _ = strings.Cut(strings.TrimSpace(string(w[i])), " ")
		}
		if i < len(g) {
			_, y, _ = strings.Cut(strings.TrimSpace(string(g[i])), " ")
		}
		switch {
		case x == y && i < len(w) && i < len(g) && bytes.Equal(w[i], g[i]):
		case x == y:
			return "asset " + x + " is not as it was approved"
		case y == "" || x != "" && x < y:
			return "asset " + x + " is missing"
		default:
			return "asset " + y + " was added"
		}
	}
	return "the order of its assets"
}

// Diff compares two versions of the baseline, that of from with that of to. Both
// must count: see Check. sc says which zone an asset is in, nil for no zones. The
// error is a *BaselineError or one of the state.
func (k Baselines) Diff(ctx context.Context, from, to *Baseline, sc *scope.Scope) (d *audit.Drift, after *estate.Snapshot, err error) {
	before, err := k.Whole(ctx, from, false)
	if err == nil {
		after, err = k.Whole(ctx, to, false)
	}
	if err == nil {
		d, err = audit.Compare(ctx, before, after)
	}
	if err != nil {
		return nil, nil, err
	}
	window := audit.Window{First: after.Taken(), Same: before.Taken()}
	if window.Same.After(window.First) {
		window.Same = window.First
	}
	seen := map[string]audit.Window{}
	for _, key := range d.Keys() {
		seen[key] = window
	}
	d.Seen(seen)
	d.Who(nil, "two baselines are compared; sevenfold drift names who, while a difference is open")
	return d, after, zones(sc, d, before, after)
}
