// Package sigstore reads and writes Sigstore bundles of DSSE envelopes, reads those of
// signatures over files, and holds keyless ones against a trusted root, offline: the certificate of the signer, the
// log that certificates stand in, the promise and proof of the log of signatures, and the
// time stamps of authorities, of which Rekor 2 leaves the time to. It makes no call.
//
// Why not sigstore-go: it links TUF, gRPC and the clients of every service for what
// a check with a root at hand does not use.
//
// # Sources
//
//   - Bundle and trusted root: https://github.com/sigstore/protobuf-specs/tree/v0.5.0/protos
//   - Certificates: https://github.com/sigstore/fulcio/blob/v1.8.0/docs/oid-info.md
//   - Promise and proof: https://github.com/sigstore/rekor/blob/v1.4.0/openapi.yaml; RFC 6962, section 2.1
//   - Rekor 2: https://github.com/sigstore/rekor-tiles/tree/v2.0.0/api/proto; checkpoints: https://c2sp.org/tlog-checkpoint
//   - Logged certificates: RFC 6962, section 3.2
//   - Time stamps: RFC 3161, RFC 5816, RFC 5652
package sigstore

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// MediaType is that of a bundle, version 0.3, as Pack writes it.
const MediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"

// mediaTypes are those that Read takes; a bare envelope bears none.
var mediaTypes = []string{"", MediaType,
	"application/vnd.dev.sigstore.bundle+json;version=0.1",
	"application/vnd.dev.sigstore.bundle+json;version=0.2",
	"application/vnd.dev.sigstore.bundle+json;version=0.3",
}

// Bundle is a DSSE envelope with what is needed to verify it, spelt as protobuf's
// JSON has it: 64-bit numbers as strings, bytes in standard base64.
type Bundle struct {
	MediaType string    `json:"mediaType"`
	Material  Material  `json:"verificationMaterial"`
	Envelope  *Envelope `json:"dsseEnvelope,omitempty"`
	// Message is a signature over the digest of a file, in the place of an envelope.
	Message *Message `json:"messageSignature,omitempty"`
}

// Material names the signer: a key by a hint, or a certificate.
type Material struct {
	PublicKey   *PublicKey   `json:"publicKey,omitempty"`
	Certificate *Certificate `json:"certificate,omitempty"`
	Chain       *Chain       `json:"x509CertificateChain,omitempty"`
	Entries     []Entry      `json:"tlogEntries,omitempty"`
	Stamps      *Stamps      `json:"timestampVerificationData,omitempty"`
}

// Stamps are the words of time-stamp authorities on when a signature was there.
type Stamps struct {
	RFC3161 []Stamp `json:"rfc3161Timestamps,omitempty"`
}

// Stamp is an authority's reply (RFC 3161, TimeStampResp) in DER.
type Stamp struct {
	Signed []byte `json:"signedTimestamp"`
}

// PublicKey says which key signed; it is not the key.
type PublicKey struct {
	Hint string `json:"hint"`
}

// Certificate is X.509 in DER.
type Certificate struct {
	Raw []byte `json:"rawBytes"`
}

// Chain is a certificate, and those that lead from it to a root.
type Chain struct {
	Certificates []Certificate `json:"certificates"`
}

// Certificates are the signer's and those that lead from it, the signer's first; nil
// where a key signed.
func (m *Material) Certificates() []Certificate {
	switch {
	case m.Certificate != nil:
		return []Certificate{*m.Certificate}
	case m.Chain != nil:
		return m.Chain.Certificates
	}
	return nil
}

// Message is a signature over the digest of a file.
type Message struct {
	Digest struct {
		Algorithm string `json:"algorithm"`
		Digest    []byte `json:"digest"`
	} `json:"messageDigest"`
	Signature []byte `json:"signature"`
}

// Envelope is a DSSE envelope.
type Envelope struct {
	Payload     []byte      `json:"payload"`
	PayloadType string      `json:"payloadType"`
	Signatures  []Signature `json:"signatures"`
}

// Signature is one over DSSE's pre-authentication encoding.
type Signature struct {
	Sig   []byte `json:"sig"`
	KeyID string `json:"keyid,omitempty"`
}

// Entry is one of a log of signatures (Rekor).
type Entry struct {
	LogIndex int64       `json:"logIndex,string"`
	LogID    LogID       `json:"logId"`
	Kind     KindVersion `json:"kindVersion"`
	// Time is when it was entered, in seconds since 1970; 0: the log does not say, as Rekor 2.
	Time    int64    `json:"integratedTime,string"`
	Promise *Promise `json:"inclusionPromise,omitempty"`
	Proof   *Proof   `json:"inclusionProof,omitempty"`
	Body    []byte   `json:"canonicalizedBody"`
}

// LogID is the SHA-256 of a log's key.
type LogID struct {
	KeyID []byte `json:"keyId"`
}

// KindVersion is the form of an entry's body.
type KindVersion struct {
	Kind    string `json:"kind"`
	Version string `json:"version"`
}

// Promise is the log's signature over an entry and its time.
type Promise struct {
	Signed []byte `json:"signedEntryTimestamp"`
}

// Proof leads from an entry to the root of the log's tree.
type Proof struct {
	LogIndex   int64      `json:"logIndex,string"`
	RootHash   []byte     `json:"rootHash"`
	TreeSize   int64      `json:"treeSize,string"`
	Hashes     [][]byte   `json:"hashes"`
	Checkpoint Checkpoint `json:"checkpoint"`
}

// Checkpoint is the log's signed word on its tree, a signed note.
type Checkpoint struct {
	Envelope string `json:"envelope"`
}

// Is reports whether a text claims to be a bundle, of whatever version.
func Is(text []byte) bool {
	var b struct {
		MediaType string `json:"mediaType"`
	}
	return json.Unmarshal(text, &b) == nil && b.MediaType != ""
}

// Read reads a bundle of any tool and version, or a bare DSSE envelope, in whatever
// spelling. It says nothing of whether there is a signature in it.
func Read(text []byte) (*Bundle, error) {
	b := &Bundle{}
	if err := json.Unmarshal(text, b); err != nil {
		return nil, fmt.Errorf("the bundle cannot be read: %w", err)
	}
	if !slices.Contains(mediaTypes, b.MediaType) {
		return nil, fmt.Errorf("it is a bundle of type %q: what a version says that is not known here is not known", b.MediaType)
	}
	if b.Envelope != nil && b.Message != nil {
		return nil, errors.New("the bundle holds an envelope and a signature over a file: which of them counts is not told")
	}
	if b.Envelope == nil && b.Message == nil {
		var old struct {
			Signature string `json:"base64Signature"`
		}
		if json.Unmarshal(text, &old) == nil && old.Signature != "" {
			return nil, errors.New("it is a bundle in cosign's own older form, which lacks the log's proof: sign again with --new-bundle-format")
		}
		var e Envelope
		if err := json.Unmarshal(text, &e); err != nil || len(e.Payload) == 0 {
			return nil, errors.New("it is neither a Sigstore bundle nor a DSSE envelope")
		}
		b.Envelope = &e
	}
	return b, nil
}

// Parse reads a bundle that Pack wrote, and no other spelling of one.
func Parse(text []byte) (*Bundle, error) {
	b := &Bundle{}
	if err := json.Unmarshal(text, b); err != nil {
		return nil, fmt.Errorf("the Sigstore bundle cannot be read: %w", err)
	}
	switch {
	case b.MediaType != MediaType:
		return nil, fmt.Errorf("it is a bundle of type %q: %q is read", b.MediaType, MediaType)
	case b.Envelope == nil || len(b.Envelope.Signatures) != 1:
		return nil, errors.New("the Sigstore bundle holds no DSSE envelope with one signature")
	case b.Message != nil || b.Material.Chain != nil:
		return nil, errors.New("the Sigstore bundle holds a signature over a file, or a chain of certificates, which are not written here")
	case (b.Material.PublicKey == nil) == (b.Material.Certificate == nil):
		return nil, errors.New("the Sigstore bundle names neither a key nor a certificate, or both")
	}
	again, err := b.Pack()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, text) {
		return nil, ErrSpelling
	}
	return b, nil
}

// ErrSpelling says that a bundle is not spelt as Pack spells it: somebody touched it,
// or another tool wrote it.
var ErrSpelling = errors.New("the Sigstore bundle is not spelt as it was written")

// Pack writes a bundle.
func (b *Bundle) Pack() ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out) // ends the line
	enc.SetEscapeHTML(false)
	err := enc.Encode(b)
	return out.Bytes(), err
}

// Hint names a key in a bundle as cosign does: the base64 of the SHA-256 of its
// SubjectPublicKeyInfo. Empty: it is no key that X.509 has a form for.
func Hint(key crypto.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(der)
	return base64.StdEncoding.EncodeToString(sum[:])
}
