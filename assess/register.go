package assess

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/store"
)

// RegisterEntry is one act on certificates. The register is appended to only: each
// entry holds the digest of the one before it, so that one which was changed or
// taken out of the middle is noticed; that the last ones were cut off, only by who
// kept a digest (sevenfold gate register prints it).
type RegisterEntry struct {
	N  int64     `json:"n"`
	At time.Time `json:"at"`
	// Act is issued or revoked.
	Act      string `json:"act"`
	Workload string `json:"workload"` // by id
	Name     string `json:"name"`
	Serial   int64  `json:"serial"`
	// Certificate is the SHA-256 of its file; of a revocation, of the file it revokes.
	Certificate string `json:"certificate"`
	Why         string `json:"why,omitempty"`
	// Prev is the SHA-256 of the entry before it as it is stored; empty in the first.
	Prev string `json:"prev,omitempty"`
}

// The acts.
const (
	actIssued  = "issued"
	actRevoked = "revoked"
)

const registerKey = "register"

// RegisterError says that the register is not as it was written.
type RegisterError struct{ What string }

// Error implements error.
func (e *RegisterError) Error() string {
	return "the register of certificates in the state does not count: " + e.What + "\nhint: restore the state from a copy; until then no certificate in it counts"
}

// Register returns every act on certificates, the earliest first, each held to the
// one before it, and the digest of the last. Its error is a *RegisterError where
// the register was altered.
func (c Certificates) Register(ctx context.Context) (acts []RegisterEntry, head string, err error) {
	_, n, err := c.Store.Blob(ctx, gateStep, registerKey, 0)
	var damaged *store.DamagedError
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, "", nil
	case err != nil && !errors.As(err, &damaged):
		return nil, "", err
	}
	for v := int64(1); v <= n; v++ {
		text, _, err := c.Store.Blob(ctx, gateStep, registerKey, v)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return nil, "", &RegisterError{fmt.Sprintf("entry %d of %d was removed", v, n)}
		case errors.As(err, &damaged):
			return nil, "", &RegisterError{fmt.Sprintf("entry %d was changed after it was written: %s", v, damaged.What)}
		case err != nil:
			return nil, "", err
		}
		var e RegisterEntry
		if err := json.Unmarshal(text, &e); err != nil {
			return nil, "", &RegisterError{fmt.Sprintf("entry %d cannot be read: %s", v, err)}
		}
		if e.Prev != head || e.N != v {
			return nil, "", &RegisterError{fmt.Sprintf("entry %d does not follow entry %d: one of them was changed after it was written", v, v-1)}
		}
		head = sum(text)
		acts = append(acts, e)
	}
	return acts, head, nil
}

// enter appends an act.
func (c Certificates) enter(ctx context.Context, e RegisterEntry) error {
	acts, head, err := c.Register(ctx)
	if err != nil {
		return err
	}
	e.N, e.Prev = int64(len(acts)+1), head
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = c.Store.PutBlob(ctx, gateStep, registerKey, text)
	return err
}

// Revocations say which certificates count no more, by workload: all up to a
// serial.
type Revocations map[string]RegisterEntry

// Why says why a certificate is revoked; empty: it is not.
func (r Revocations) Why(workload string, serial int64) string {
	e, ok := r[workload]
	if !ok || serial > e.Serial {
		return ""
	}
	return fmt.Sprintf("certificate %d was revoked on %s: %s", serial, e.At.UTC().Format(time.RFC3339), e.Why)
}

// Revocations reads them from the register.
func (c Certificates) Revocations(ctx context.Context) (Revocations, error) {
	acts, _, err := c.Register(ctx)
	if err != nil {
		return nil, err
	}
	out := Revocations{}
	for _, e := range acts {
		if e.Act == actRevoked && e.Serial >= out[e.Workload].Serial {
			out[e.Workload] = e
		}
	}
	return out, nil
}

// Entered says under which number the register has a certificate's file, 0 if it has
// not; other is set where it has another file of that workload and serial.
func (c Certificates) Entered(ctx context.Context, workload string, serial int64, file []byte) (n int64, other bool, err error) {
	acts, _, err := c.Register(ctx)
	if err != nil {
		return 0, false, err
	}
	for _, e := range acts {
		if e.Act != actIssued || e.Workload != workload || e.Serial != serial {
			continue
		}
		if e.Certificate == digestOf(file) {
			return e.N, false, nil
		}
		other = true
	}
	return 0, other, nil
}

// Revocation is a revocation as it is signed for where the state is not.
func (e RegisterEntry) Revocation() certificate.Revocation {
	return certificate.Revocation{Workload: e.Workload, Name: e.Name, Serial: e.Serial, At: e.At, Why: e.Why, Certificate: strings.TrimPrefix(e.Certificate, "sha256:")}
}

// issued enters a new certificate.
func (c Certificates) issued(ctx context.Context, workload, name string, serial int64, file []byte, at time.Time) error {
	return c.enter(ctx, RegisterEntry{At: at.UTC().Truncate(time.Second), Act: actIssued, Workload: workload, Name: name, Serial: serial, Certificate: digestOf(file)})
}

func digestOf(file []byte) string {
	d := sha256.Sum256(file)
	return "sha256:" + hex.EncodeToString(d[:])
}

// Revoke ends a workload's newest certificate. It returns its serial, and false
// where there is none that could be revoked.
func (c Certificates) Revoke(ctx context.Context, workload, name, why string, at time.Time) (serial int64, done bool, err error) {
	file, err := c.Of(ctx, workload)
	if err != nil || file == nil {
		return 0, false, err
	}
	s, err := certificate.Peek(file)
	if err != nil {
		return 0, false, fmt.Errorf("the certificate of %s in the state cannot be read: %w", name, err)
	}
	revoked, err := c.Revocations(ctx)
	if err != nil {
		return 0, false, err
	}
	serial = s.Predicate.Serial
	if revoked.Why(workload, serial) != "" {
		return serial, false, nil
	}
	return serial, true, c.enter(ctx, RegisterEntry{At: at.UTC().Truncate(time.Second), Act: actRevoked, Workload: workload, Name: name, Serial: serial, Certificate: digestOf(file), Why: why})
}

// Revoked is a certificate that an assessment ended.
type Revoked struct {
	Workload finding.Workload
	Serial   int64
	Why      string
}

// RevokeBroken ends the certificates of workloads that are not what was certified
// any more: a member differs, or a criterion fails now, an incident's among them.
// What could not be told ends nothing: growth then waits for a certificate's
// members to be read again.
//
// Whoever signed it: the state's own key need not be the one that certifies, and one
// that nobody trusts loses nothing.
func (r *Result) RevokeBroken(ctx context.Context, kept Certificates, at time.Time) ([]Revoked, error) {
	revoked, err := kept.Revocations(ctx)
	if err != nil {
		return nil, err
	}
	var out []Revoked
	for _, w := range r.Workloads.List {
		file, err := kept.Of(ctx, w.ID)
		if err != nil {
			return out, err
		}
		if file == nil {
			continue
		}
		s, err := certificate.Peek(file)
		if err != nil || !at.Before(s.Predicate.Expires) || revoked.Why(w.ID, s.Predicate.Serial) != "" {
			continue // it counts no more anyway
		}
		why, err := r.broken(w, s)
		if err != nil {
			return out, err
		}
		if why == "" {
			continue
		}
		serial, done, err := kept.Revoke(ctx, w.ID, w.Name, why, at)
		if err != nil {
			return out, err
		}
		if done {
			out = append(out, Revoked{w, serial, why})
		}
	}
	return out, nil
}

// broken says why a workload is not what was certified, "" if it is, or if that
// cannot be told.
func (r *Result) broken(w finding.Workload, s *certificate.Statement) (string, error) {
	var failing []string
	for _, c := range r.Criteria[w.ID] {
		if c.Status == finding.CriterionFail {
			failing = append(failing, c.ID)
		}
	}
	if len(failing) > 0 {
		return fmt.Sprintf("it is not ready any more: %s", strings.Join(failing, ", ")), nil
	}
	if r.Verdicts[w.ID] != finding.Ready {
		return "", nil // what differs may be but unread
	}
	members, err := Members(r.Snapshot, w)
	if err != nil {
		return "", err
	}
	changed := differing(s.Members(), members)
	if len(changed) == 0 {
		return "", nil
	}
	more := ""
	if n := len(changed) - 3; n > 0 {
		changed, more = changed[:3], fmt.Sprintf(" and %d more", n)
	}
	return "it differs from what was certified: " + strings.Join(changed, ", ") + more, nil
}
