package certificate

import (
	"bytes"
	"crypto"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// RevocationType is the predicate type of a revocation.
const RevocationType = "https://github.com/sevenfold-sec/sevenfold/attestation/revocation/v1"

// Revocation is the signed word that certificates of a workload count no more: an
// in-toto statement whose subject is the certificate it ends. It lies where
// certificates lie that were copied away from the state that knows of it.
type Revocation struct {
	// Workload is the workload's id, Name how people call it.
	Workload string `json:"workload"`
	Name     string `json:"name"`
	// Serial is that of the certificate revoked; those before it are revoked with it.
	Serial int64     `json:"serial"`
	At     time.Time `json:"at"`
	Why    string    `json:"why"`
	// Certificate is the SHA-256 of the certificate's file, in hexadecimal digits.
	Certificate string `json:"-"`
}

// revocationStatement is a revocation as it is signed.
type revocationStatement struct {
	Type          string     `json:"_type"`
	Subject       []Subject  `json:"subject"`
	PredicateType string     `json:"predicateType"`
	Predicate     Revocation `json:"predicate"`
}

// Says is the revocation as people read it.
func (r *Revocation) Says() string {
	return fmt.Sprintf("certificate %d was revoked on %s: %s", r.Serial, r.At.UTC().Format(time.RFC3339), r.Why)
}

// EncodeRevocation signs a revocation and returns its file.
func EncodeRevocation(r Revocation, key crypto.Signer) ([]byte, error) {
	return EncodeRevocationBy(r, KeySealer(key))
}

// EncodeRevocationBy is EncodeRevocation by whatever signs.
func EncodeRevocationBy(r Revocation, seal Sealer) ([]byte, error) {
	s := revocationStatement{StatementType, []Subject{{Name: r.Workload, Digest: Digest{r.Certificate}}}, RevocationType, r}
	s.Predicate.At = r.At.UTC().Truncate(time.Second)
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("the revocation to be signed is not whole: %w", err)
	}
	payload, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return seal(payload)
}

// IsRevocation reports whether a file claims to be a revocation, whoever signed it.
func IsRevocation(file []byte) bool {
	payload, err := claimed(file)
	if err != nil {
		return false
	}
	var s struct {
		PredicateType string `json:"predicateType"`
	}
	return json.Unmarshal(payload, &s) == nil && s.PredicateType == RevocationType
}

// OpenRevocation checks a revocation's form and signature. Its errors are those of
// Open.
func OpenRevocation(file []byte, trusted Trust) (*Revocation, error) {
	payload, err := openBy(file, trusted)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(payload))
	dec.DisallowUnknownFields()
	s := &revocationStatement{}
	if err := dec.Decode(s); err != nil {
		return nil, fmt.Errorf("not a revocation: %w", place(payload, err))
	}
	again, err := json.Marshal(s)
	if err != nil || !bytes.Equal(again, payload) {
		return nil, fmt.Errorf("%w: its statement is not spelt as it was written%s", ErrTampered, where(again, payload))
	}
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("not a revocation: %w", err)
	}
	s.Predicate.Certificate = s.Subject[0].Digest.SHA256
	return &s.Predicate, nil
}

// check holds a revocation to its form.
func (s *revocationStatement) check() error {
	p := &s.Predicate
	switch {
	case s.Type != StatementType || s.PredicateType != RevocationType:
		return fmt.Errorf("it states %q of type %q", s.PredicateType, s.Type)
	case len(s.Subject) != 1 || p.Workload == "" || s.Subject[0].Name != p.Workload:
		return errors.New("its subject is not its workload")
	case p.Serial <= 0 || p.Serial >= 1<<62:
		return errors.New("it names no serial that a certificate could have")
	}
	if raw, err := hex.DecodeString(s.Subject[0].Digest.SHA256); err != nil || len(raw) != 32 {
		return errors.New("the digest of the certificate it revokes is no SHA-256")
	}
	return nil
}

// Revocations are those that were found, by workload id: of several of one workload
// the one that reaches furthest.
type Revocations map[string]*Revocation

// Add enters one.
func (rs Revocations) Add(r *Revocation) {
	if had := rs[r.Workload]; had == nil || r.Serial > had.Serial {
		rs[r.Workload] = r
	}
}

// Why says why a workload's certificate of a serial is revoked; empty: it is not.
func (rs Revocations) Why(workload string, serial int64) string {
	if r := rs[workload]; r != nil && serial <= r.Serial {
		return r.Says()
	}
	return ""
}
