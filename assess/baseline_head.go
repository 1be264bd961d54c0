package assess

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/store"
)

// Head says, under a signature, how far the state's records of baselines and
// deviations had come: the version and the digest of the newest of each. It is
// kept apart from them, so that one that is taken away, put back or written over
// is noticed, however well it is signed.
//
// In a state folder it is a file beside the database, signed with the state's own
// key after every run. In a database it is a row, signed by who approves or
// accepts. Two things it cannot show: that a whole state, head and all, was
// replaced by an older copy of itself, and what somebody changed who has its
// key as well. For the first keep what baseline approve --out wrote elsewhere and
// hold the state to it (baseline verify FILE); for the second name approvers.
type Head struct {
	Estate string `json:"estate"`
	// Serial rises by one with every head.
	Serial int64     `json:"serial"`
	At     time.Time `json:"at"`
	// Marks are by the name of what they are of.
	Marks map[string]Mark `json:"marks"`
}

// Mark is the newest version of something the state keeps, from 1, and the
// SHA-256 of it.
type Mark struct {
	Version int64  `json:"version"`
	SHA256  string `json:"sha256"`
}

const headType = "https://github.com/sevenfold-sec/sevenfold/attestation/state-head/v1"

// headFile is the head's name in a state folder, headKey its place in a database.
const (
	headFile = "head.json"
	headKey  = "head"
)

// marked are what a head is of.
var marked = []string{baselineKey, historyKey, ledgerKey, reviewKey}

type headStatement struct {
	Type          string                `json:"_type"`
	Subject       []certificate.Subject `json:"subject"`
	PredicateType string                `json:"predicateType"`
	Predicate     Head                  `json:"predicate"`
}

// Heads reads and writes the head of a state.
type Heads struct {
	Store store.Store
	// Folder is the state's; empty for a database.
	Folder string
	Estate string
	// Key signs; nil: nothing is written.
	Key ed25519.PrivateKey
	// Trusted are the keys whose heads count: the state's own and the approvers'.
	Trusted []ed25519.PublicKey
}

// read returns the head, nil if there is none. A head that does not count is a
// *BaselineError.
func (h Heads) read(ctx context.Context) (*Head, error) {
	if h.Store == nil {
		return nil, nil
	}
	var file []byte
	var err error
	if h.Folder != "" {
		file, err = os.ReadFile(filepath.Join(h.Folder, headFile))
	} else {
		file, _, err = h.Store.Blob(ctx, auditStep, headKey, 0)
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, refuse(headAgain, "the state's head cannot be read: %s", err)
	}
	payload, _, err := certificate.Unseal(file, h.Trusted...)
	if err != nil {
		return nil, refuse(headAgain, "the state's head does not count: %s", strings.ReplaceAll(err.Error(), "certificate", "head"))
	}
	var s headStatement
	dec := json.NewDecoder(bytes.NewReader(payload))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return nil, refuse(headAgain, "the state's head cannot be read: %s", atByte(payload, err))
	}
	if s.PredicateType != headType {
		return nil, refuse(headAgain, "the state's head states %q", s.PredicateType)
	}
	return &s.Predicate, nil
}

const headAgain = "restore the state from a copy; if it is as it should be, look at the estate and approve it again: sevenfold baseline approve, which writes a new head"

// holds says what is not as the head says of one thing the state keeps, empty for
// nothing. What came after the head counts: a run may have been killed before it
// wrote one.
func (h Heads) holds(ctx context.Context, head *Head, key string) (string, error) {
	if head == nil {
		return "", nil
	}
	mark, has := head.Marks[key]
	if !has {
		return "", nil
	}
	file, _, err := h.Store.Blob(ctx, auditStep, key, mark.Version)
	var damaged *store.DamagedError
	says := fmt.Sprintf("the state's head of %s says", head.At.Format(time.RFC3339))
	switch {
	case errors.Is(err, store.ErrNotFound):
		_, last, err := h.Store.Blob(ctx, auditStep, key, 0)
		if errors.Is(err, store.ErrNotFound) || err == nil || errors.As(err, &damaged) {
			now := fmt.Sprintf("now that is version %d", last)
			if last == 0 {
				now = "now there is none"
			}
			return fmt.Sprintf("version %d was removed from the state: %s that it was the newest, %s", mark.Version, says, now), nil
		}
		return "", err
	case errors.As(err, &damaged):
		return err.Error(), nil
	case err != nil:
		return "", err
	case sum(file) != mark.SHA256:
		return fmt.Sprintf("version %d in the state is another than %s", mark.Version, says), nil
	}
	return "", nil
}

// Baseline says what is not as the head says of the baselines, as a
// *BaselineError; nil if all is. marks says that the newest baseline was
// approved with a head, so that one that is missing was taken away.
func (h Heads) Baseline(ctx context.Context, marks bool) error {
	head, err := h.read(ctx)
	if err != nil {
		return err
	}
	if head == nil && marks && h.Store != nil {
		return refuse(headAgain, "the state's head is missing: the baseline was approved with one, so it was taken away, and with it maybe a newer baseline")
	}
	what, err := h.holds(ctx, head, baselineKey)
	if err == nil && what != "" {
		return refuse(approveAgain, "the baseline's %s", what)
	}
	return err
}

// Write brings the head up to date. Without a key it does nothing; nothing is
// written either where nothing changed, or where the state is not what its head
// says: a head must not bless what it was made to show.
func (h Heads) Write(ctx context.Context, now time.Time) error { return h.write(ctx, now, false) }

// Anew is Write after an approval: whoever approves has looked at the state as it
// is, so that a head that did not count gives way.
func (h Heads) Anew(ctx context.Context, now time.Time) error { return h.write(ctx, now, true) }

func (h Heads) write(ctx context.Context, now time.Time, anew bool) error {
	if h.Key == nil || h.Store == nil {
		return nil
	}
	old, err := h.read(ctx)
	var no *BaselineError
	if errors.As(err, &no) {
		if !anew {
			return nil
		}
		old, err = nil, nil
	}
	if err != nil {
		return err
	}
	if old == nil && !anew && h.promised(ctx) {
		return nil
	}
	next := Head{Estate: h.Estate, Serial: 1, At: now.UTC().Truncate(time.Second), Marks: map[string]Mark{}}
	for _, key := range marked {
		if what, err := h.holds(ctx, old, key); err != nil || what != "" && !anew {
			return err
		}
		file, version, err := h.Store.Blob(ctx, auditStep, key, 0)
		var damaged *store.DamagedError
		switch {
		case errors.Is(err, store.ErrNotFound), errors.As(err, &damaged):
		case err != nil:
			return err
		default:
			next.Marks[key] = Mark{version, sum(file)}
		}
	}
	if old != nil {
		if next.Serial = old.Serial + 1; maps.Equal(old.Marks, next.Marks) && !anew {
			return nil
		}
	}
	payload, err := json.Marshal(headStatement{certificate.StatementType,
		[]certificate.Subject{{Name: "state of " + h.Estate, Digest: certificate.Digest{SHA256: next.digest()}}}, headType, next})
	if err != nil {
		return err
	}
	file, err := certificate.Seal(payload, h.Key)
	if err != nil {
		return fmt.Errorf("head of the state: %w", err)
	}
	if h.Folder == "" {
		_, err = h.Store.PutBlob(ctx, auditStep, headKey, file)
		return err
	}
	return replace(filepath.Join(h.Folder, headFile), file)
}

// promised reports whether the newest baseline says that the state has a head. Its
// signature is not asked: a head that is held back for a forged one does no harm.
func (h Heads) promised(ctx context.Context) bool {
	file, _, err := h.Store.Blob(ctx, auditStep, baselineKey, 0)
	if err != nil {
		return false
	}
	payload, _, _ := certificate.Unseal(file) // trusts nobody, and returns what stands there
	var s struct {
		Predicate struct {
			Head bool `json:"head"`
		} `json:"predicate"`
	}
	return json.Unmarshal(payload, &s) == nil && s.Predicate.Head
}

// digest is the SHA-256 of the marks.
func (h *Head) digest() string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(h.Marks)) {
		fmt.Fprintf(&b, "%s %d %s\n", k, h.Marks[k].Version, h.Marks[k].SHA256)
	}
	return sum([]byte(b.String()))
}

// replace writes a file whole or not at all.
func replace(path string, text []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".head-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) //nolint:errcheck // it is gone where all went well
	_, err = tmp.Write(text)
	if err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	return err
}
