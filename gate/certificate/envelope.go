// Package certificate is the signed word of the gate: an in-toto statement that
// a workload, as its digests say, was ready when it was issued, in a DSSE
// envelope signed with Ed25519, or ECDSA on P-256 as key services of clouds do.
//
// # What is refused
//
// A certificate has exactly one spelling. What Encode would not write byte for
// byte is not read, so that a file somebody touched never passes for one nobody
// did, even where the signature does not cover the byte (the key's name, the
// white space between members).
//
// # Sources
//
//   - DSSE v1.0.2: https://github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md
//   - in-toto Statement v1: https://github.com/in-toto/attestation/blob/v1.0/spec/v1/statement.md
//   - Ed25519: RFC 8032; ECDSA: FIPS 186-5, in DER as RFC 3279 has it
package certificate

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// PayloadType is the media type of the payload.
const PayloadType = "application/vnd.in-toto+json"

// MaxBytes bounds a certificate's file. One line for each member of a workload
// of ten thousand is some two megabytes.
const MaxBytes = 16 << 20

// envelope is a DSSE envelope in JSON.
type envelope struct {
	PayloadType string      `json:"payloadType"`
	Payload     []byte      `json:"payload"` // standard base64
	Signatures  []signature `json:"signatures"`
}

type signature struct {
	KeyID string `json:"keyid"`
	Sig   []byte `json:"sig"`
}

// preAuth is the pre-authentication encoding, what is signed (DSSE, "PAE").
func preAuth(payloadType string, payload []byte) []byte {
	b := []byte("DSSEv1 ")
	b = append(strconv.AppendInt(b, int64(len(payloadType)), 10), ' ')
	b = append(append(b, payloadType...), ' ')
	b = append(strconv.AppendInt(b, int64(len(payload)), 10), ' ')
	return append(b, payload...)
}

// Encode signs a statement and returns the certificate's file.
func Encode(s *Statement, key crypto.Signer) ([]byte, error) { return EncodeBy(s, KeySealer(key)) }

// EncodeBy is Encode by whatever signs.
func EncodeBy(s *Statement, seal Sealer) ([]byte, error) {
	payload, err := s.encode()
	if err != nil {
		return nil, err
	}
	file, err := seal(payload)
	if errors.Is(err, errLong) {
		return nil, fmt.Errorf("%w: declare smaller workloads", err)
	}
	return file, err
}

// Errors of Decode and Open, for errors.Is. Every other error of theirs says
// that the file is no certificate.
var (
	// ErrTampered says that the file is not, byte for byte, what was signed.
	ErrTampered = errors.New("the certificate was changed after it was signed")
	// ErrSigner says that none of the trusted keys signed it.
	ErrSigner = errors.New("the certificate is not signed by a trusted key")
)

// Open checks a certificate's form and signature and returns what it states. A
// signature by one that is trusted is needed.
func Open(file []byte, trusted Trust) (*Statement, error) {
	payload, err := openBy(file, trusted)
	if err != nil {
		return nil, err
	}
	return decode(payload)
}

// Peek returns what a certificate states without any trust in it: nobody's
// signature was checked.
func Peek(file []byte) (*Statement, error) {
	payload, err := claimed(file)
	if err != nil {
		return nil, err
	}
	return decode(payload)
}

// parse reads an envelope with one signature, in its one spelling.
func parse(file []byte) (*envelope, error) {
	if len(file) > MaxBytes {
		return nil, fmt.Errorf("not a certificate: %d bytes are more than the %d a certificate may have", len(file), MaxBytes)
	}
	e := &envelope{}
	if err := json.Unmarshal(file, e); err != nil {
		return nil, fmt.Errorf("not a certificate: %w", place(file, err))
	}
	if e.PayloadType != PayloadType {
		return nil, fmt.Errorf("not a certificate: its payload type is %q, not %q", e.PayloadType, PayloadType)
	}
	if len(e.Signatures) != 1 || !e.Signatures[0].formed() {
		return nil, fmt.Errorf("not a certificate: it bears %d signatures; one of Ed25519, or of ECDSA on P-256 with the smaller s, is expected", len(e.Signatures))
	}
	again, err := json.Marshal(e)
	if err != nil || !bytes.Equal(append(again, '\n'), file) {
		return nil, fmt.Errorf("%w: its envelope is not spelt as it was written%s", ErrTampered, where(append(again, '\n'), file))
	}
	return e, nil
}

// where names the first byte that differs.
func where(want, got []byte) string {
	for i := range min(len(want), len(got)) {
		if want[i] != got[i] {
			return fmt.Sprintf(" (from byte %d on)", i)
		}
	}
	return fmt.Sprintf(" (%d bytes, %d expected)", len(got), len(want))
}

// place adds the byte at which JSON could not be read.
func place(text []byte, err error) error {
	var syntax *json.SyntaxError
	var typed *json.UnmarshalTypeError
	var b64 base64.CorruptInputError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("byte %d of %d: %w", syntax.Offset, len(text), err)
	case errors.As(err, &typed):
		return fmt.Errorf("byte %d: %w", typed.Offset, err)
	case errors.As(err, &b64):
		return fmt.Errorf("base64: %w", err)
	}
	return err
}
