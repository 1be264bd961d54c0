package assess

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/access"
	"github.com/sevenfold-sec/sevenfold/store"
)

const (
	reviewType = "https://github.com/sevenfold-sec/sevenfold/attestation/access-review/v1"
	// reviewKey is where the records stand in the state; the state's head is of them
	// too.
	reviewKey = "access-review"
)

const reviewAgain = "restore the state from a copy; or look at every grant anew in a new state: sevenfold access review start --state DIR"

type reviewStatement struct {
	Type          string                `json:"_type"`
	Subject       []certificate.Subject `json:"subject"`
	PredicateType string                `json:"predicateType"`
	Predicate     access.ReviewEntry    `json:"predicate"`
}

// Reviews are the records of access reviews that a state keeps. Each is signed and
// holds the digest of the one before it, and the state's head that of the newest:
// one that was changed, added or taken away is noticed.
type Reviews struct {
	Store store.Store
	Heads Heads
	// Trusted are the keys whose records count.
	Trusted []ed25519.PublicKey
	Estate  string
}

// Records returns them, oldest first. What is not as it was written is a
// *BaselineError that names the place.
func (r Reviews) Records(ctx context.Context) ([]access.ReviewEntry, error) {
	list, _, err := r.read(ctx)
	return list, err
}

func (r Reviews) read(ctx context.Context) (list []access.ReviewEntry, prev string, err error) {
	head, err := r.Heads.read(ctx)
	if err != nil {
		return nil, "", err
	}
	if what, err := r.Heads.holds(ctx, head, reviewKey); err != nil {
		return nil, "", err
	} else if what != "" {
		return nil, "", refuse(reviewAgain, "the record of access reviews does not count: its %s", what)
	}
	_, versions, err := r.Store.Blob(ctx, auditStep, reviewKey, 0)
	var damaged *store.DamagedError
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, "", nil
	case err != nil && !errors.As(err, &damaged):
		return nil, "", err
	}
	for v := int64(1); v <= versions; v++ {
		file, _, err := r.Store.Blob(ctx, auditStep, reviewKey, v)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return nil, "", refuse(reviewAgain, "record %d of %d of the access reviews was removed", v, versions)
		case errors.As(err, &damaged):
			return nil, "", refuse(reviewAgain, "record %d of the access reviews was changed after it was written: %s", v, damaged.What)
		case err != nil:
			return nil, "", err
		}
		e, err := r.open(file, v)
		if err != nil {
			return nil, "", err
		}
		if e.Prev != prev {
			return nil, "", refuse(reviewAgain, "record %d of the access reviews does not follow record %d: one of them was changed after it was written", v, v-1)
		}
		list, prev = append(list, *e), sum(file)
	}
	return list, prev, nil
}

// open holds one record to its signature.
func (r Reviews) open(file []byte, v int64) (*access.ReviewEntry, error) {
	if len(r.Trusted) == 0 {
		return nil, refuse("name the approvers' keys under gate.approvers of sevenfold.yaml", "there is no key to check the records of access reviews with")
	}
	payload, _, err := certificate.Unseal(file, r.Trusted...)
	if err != nil {
		return nil, refuse(reviewAgain, "record %d of the access reviews: %s", v, strings.ReplaceAll(err.Error(), "certificate", "record"))
	}
	var s reviewStatement
	dec := json.NewDecoder(bytes.NewReader(payload))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return nil, refuse(reviewAgain, "record %d of the access reviews cannot be read: %s", v, atByte(payload, err))
	}
	switch {
	case s.PredicateType != reviewType:
		return nil, refuse(reviewAgain, "record %d of the access reviews states %q", v, s.PredicateType)
	case s.Predicate.Estate != r.Estate:
		return nil, refuse("use this estate's own state (--state)", "record %d of the access reviews is of estate %q, this is %q", v, s.Predicate.Estate, r.Estate)
	}
	return &s.Predicate, nil
}

// Add signs a record as the next one. Nothing is added to records that do not
// count.
func (r Reviews) Add(ctx context.Context, e access.ReviewEntry, key ed25519.PrivateKey) error {
	list, prev, err := r.read(ctx)
	if err != nil {
		return err
	}
	e.Estate, e.Prev, e.At = r.Estate, prev, e.At.UTC().Truncate(time.Second)
	payload, err := json.Marshal(reviewStatement{certificate.StatementType,
		[]certificate.Subject{{Name: "access review of estate " + r.Estate, Digest: certificate.Digest{SHA256: sum([]byte(e.Kind + e.Grant + e.Digest))}}}, reviewType, e})
	if err != nil {
		return err
	}
	file, err := certificate.Seal(payload, key)
	if err != nil {
		return fmt.Errorf("access review: %w", err)
	}
	version, err := r.Store.PutBlob(ctx, auditStep, reviewKey, file)
	if err == nil && version != int64(len(list))+1 {
		err = fmt.Errorf("the state took the record as number %d, %d was expected: another run wrote one meanwhile; look at sevenfold access review list", version, len(list)+1)
	}
	if err != nil {
		return err
	}
	h := r.Heads
	if h.Folder == "" || h.Key == nil {
		h.Key = key // a database holds no key of its own
	}
	return h.Write(ctx, e.At)
}

// ReviewItems are the grants of an estate's workloads with where they stand in the
// review, and whether one was ever begun.
func ReviewItems(ctx context.Context, snap *estate.Snapshot, sc *scope.Scope, r Reviews, now time.Time) (items []access.ReviewItem, records []access.ReviewEntry, started bool, err error) {
	grants, err := reviewGrants(ctx, snap, sc)
	if err != nil {
		return nil, nil, false, err
	}
	if records, err = r.Records(ctx); err != nil {
		return nil, nil, false, err
	}
	items, started = access.Reviewed(grants, records, now)
	return items, records, started, nil
}

func reviewGrants(ctx context.Context, snap *estate.Snapshot, sc *scope.Scope) ([]access.ReviewGrant, error) {
	workloads, err := sc.Workloads(snap)
	if err != nil {
		return nil, err
	}
	amazon, err := access.NewAmazon(ctx, snap)
	if err != nil {
		return nil, err
	}
	clusters, err := access.NewClusters(ctx, snap, amazon.World())
	if err != nil {
		return nil, err
	}
	o, err := access.Survey(ctx, snap, workloads.List)
	if err != nil {
		return nil, err
	}
	return access.ReviewGrants(ctx, amazon, clusters, workloads.List, o)
}
