package certificate

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// The types a statement bears.
const (
	StatementType = "https://in-toto.io/Statement/v1"
	PredicateType = "https://github.com/sevenfold-sec/sevenfold/attestation/readiness/v1"
)

// Statement is an in-toto statement about a workload.
type Statement struct {
	Type string `json:"_type"`
	// Subject is the workload first, its digest over all members, then each
	// member.
	Subject       []Subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	Predicate     Predicate `json:"predicate"`
}

// Subject is a thing with its digest.
type Subject struct {
	Name   string `json:"name"`
	Digest Digest `json:"digest"`
}

// Digest is a SHA-256 in hexadecimal digits.
type Digest struct {
	SHA256 string `json:"sha256"`
}

// Predicate is what is said of the workload.
type Predicate struct {
	Estate   string           `json:"estate"`
	Workload Workload         `json:"workload"`
	Verdict  finding.Verdict  `json:"verdict"`
	Criteria []Criterion      `json:"criteria"`
	Waivers  []finding.Waiver `json:"waivers"` // every one that counted
	// Snapshot is the content hash of the estate judged, Taken when it was read.
	Snapshot string    `json:"snapshot"`
	Taken    time.Time `json:"taken"`
	Scale    Scale     `json:"scale"`
	// Bundle gives the SHA-256 of each file of the evidence bundle.
	Bundle map[string]string `json:"bundle"`
	Tool   Tool              `json:"tool"`
	Issued time.Time         `json:"issued"`
	// Expires is when it ends to count; no later than the first waiver does.
	Expires time.Time `json:"expires"`
	// Serial rises with every certificate of a workload: an older one that is
	// shown again is refused by whoever has seen a newer one.
	Serial int64 `json:"serial"`
}

// Workload names the workload.
type Workload struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Type  string `json:"type"`
	Zone  string `json:"zone"`
	Owner string `json:"owner"`
}

// Criterion is one line of the load table with the hash of its evidence.
type Criterion struct {
	ID     string                  `json:"id"`
	Status finding.CriterionStatus `json:"status"`
	// Evidence is the SHA-256 of the criterion as the assessment wrote it:
	// claims, findings, reason and waiver.
	Evidence string `json:"evidence"`
}

// Scale is how far the workload may grow.
type Scale struct {
	// Pilot is the size allowed without any certificate.
	Pilot int `json:"pilot"`
	// Limit is the greatest size allowed with this one; 0 is no limit.
	Limit int `json:"limit"`
}

// Tool is what judged.
type Tool struct {
	Name     string `json:"name"`
	Version  string `json:"version"`
	Controls string `json:"controls"` // SHA-256 over the controls asked
}

// Whole returns the workload's own subject.
func (s *Statement) Whole() Subject { return s.Subject[0] }

// Members returns the digests of the members by id.
func (s *Statement) Members() map[string]string {
	out := make(map[string]string, len(s.Subject)-1)
	for _, m := range s.Subject[1:] {
		out[m.Name] = m.Digest.SHA256
	}
	return out
}

// Subjects returns the subjects of a workload: the whole, then the members in
// order. members gives each member's digest by id.
func Subjects(workload string, members map[string]string) []Subject {
	out := []Subject{{Name: workload}}
	h := sha256.New()
	io.WriteString(h, "sevenfold subject 1\n") //nolint:errcheck // a hash takes all
	for id, digest := range members {
		out = append(out, Subject{Name: id, Digest: Digest{digest}})
	}
	slices.SortFunc(out[1:], func(a, b Subject) int { return strings.Compare(a.Name, b.Name) })
	for _, m := range out[1:] {
		fmt.Fprintf(h, "%d:%s %s\n", len(m.Name), m.Name, m.Digest.SHA256)
	}
	out[0].Digest.SHA256 = hex.EncodeToString(h.Sum(nil))
	return out
}

// EvidenceOf returns the hash a criterion's evidence is known by.
func EvidenceOf(c finding.Criterion) (string, error) {
	text, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

func (s *Statement) encode() ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("the statement to be signed is not whole: %w", err)
	}
	return json.Marshal(s)
}

// decode reads a payload. Members nobody knows are refused: they would be
// signed, yet mean nothing here.
func decode(payload []byte) (*Statement, error) {
	dec := json.NewDecoder(bytes.NewReader(payload))
	dec.DisallowUnknownFields()
	s := &Statement{}
	if err := dec.Decode(s); err != nil {
		return nil, fmt.Errorf("not a certificate: its statement: %w", place(payload, err))
	}
	again, err := json.Marshal(s)
	if err != nil || !bytes.Equal(again, payload) {
		return nil, fmt.Errorf("%w: its statement is not spelt as it was written%s", ErrTampered, where(again, payload))
	}
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("not a certificate: %w", err)
	}
	return s, nil
}

// check holds a statement to its form.
func (s *Statement) check() error {
	p := &s.Predicate
	switch {
	case s.Type != StatementType:
		return fmt.Errorf("its statement is of type %q, not %q", s.Type, StatementType)
	case s.PredicateType != PredicateType:
		return fmt.Errorf("it states %q, not %q", s.PredicateType, PredicateType)
	case len(s.Subject) < 2:
		return errors.New("it vouches for no member of the workload")
	case p.Workload.ID == "" || s.Subject[0].Name != p.Workload.ID:
		return fmt.Errorf("its subject is %q, its workload %q", s.Subject[0].Name, p.Workload.ID)
	case p.Serial <= 0:
		return errors.New("it has no serial")
	case !p.Expires.After(p.Issued):
		return errors.New("it expires before it is issued")
	case p.Scale.Pilot < 0 || p.Scale.Limit < 0:
		return errors.New("its scale is negative")
	}
	members := s.Members()
	if len(members) != len(s.Subject)-1 {
		return errors.New("it names a member twice")
	}
	if !slices.Equal(s.Subject, Subjects(p.Workload.ID, members)) {
		return errors.New("the digest of its workload is not that of its members")
	}
	for _, m := range s.Subject {
		if raw, err := hex.DecodeString(m.Digest.SHA256); err != nil || len(raw) != sha256.Size {
			return fmt.Errorf("the digest of %s is no SHA-256", m.Name)
		}
	}
	return nil
}
