// Package fakesigstore is a double of Sigstore's services: it answers as the documents of
// Fulcio and Rekor say, with a certificate authority, a Merkle tree and a log of
// certificates of its own. What it makes is held against the judgement of cosign where
// that is found.
package fakesigstore

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/sigstore"
)

// What the double certifies, by whose word, and the token it takes for that.
const (
	Identity = "release@example.com"
	Issuer   = "https://issuer.example"
	Token    = "e30.e30.c2ln"
)

// Double is Fulcio at /api/v2 and Rekor at /api/v1.
type Double struct {
	t testing.TB
	// CA signs certificates, LogKey what is logged.
	CA, LogKey *ecdsa.PrivateKey
	CACert     *x509.Certificate
	// At is when everything happens.
	At time.Time
	// Tokens counts those that were taken.
	Tokens int
	// Spoil changes an answer of the log.
	Spoil func(map[string]any)
	// CT is the key of the log of certificates; nil: they are in none. SCT changes its word.
	CT  *ecdsa.PrivateKey
	SCT func([]byte) []byte
}

// New makes one whose everything happens a minute ago.
func New(t testing.TB) *Double {
	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	d := &Double{t: t, CA: key(), LogKey: key(), At: time.Now().Add(-time.Minute)}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca", Organization: []string{"example"}}, NotBefore: d.At.Add(-time.Hour), NotAfter: d.At.Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, d.CA.Public(), d.CA)
	if err != nil {
		t.Fatal(err)
	}
	if d.CACert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *Double) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Error(err)
	}
}

// Root is the trusted root of the double, with logs by their keys.
func (d *Double) Root(logs ...crypto.PublicKey) []byte {
	entries := []any{}
	for _, k := range logs {
		der, err := x509.MarshalPKIXPublicKey(k)
		d.must(err)
		id := sha256.Sum256(der)
		entries = append(entries, map[string]any{"baseUrl": "https://rekor.example", "hashAlgorithm": "SHA2_256", "logId": map[string]any{"keyId": id[:]},
			"publicKey": map[string]any{"rawBytes": der, "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": map[string]any{"start": d.At.Add(-time.Hour).UTC().Format(time.RFC3339)}}})
	}
	text, err := json.Marshal(map[string]any{"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1", "tlogs": entries, "ctlogs": []any{}, "timestampAuthorities": []any{},
		"certificateAuthorities": []any{map[string]any{"uri": "https://fulcio.example", "subject": map[string]any{"organization": "example", "commonName": "ca"},
			"certChain": map[string]any{"certificates": []any{map[string]any{"rawBytes": d.CACert.Raw}}}, "validFor": map[string]any{"start": d.At.Add(-time.Hour).UTC().Format(time.RFC3339)}}}})
	d.must(err)
	return text
}

// ServeHTTP implements http.Handler.
func (d *Double) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Credentials struct{ OidcIdentityToken string }
		Request     []byte `json:"certificateSigningRequest"`
		Spec        struct {
			ProposedContent struct {
				Envelope  string
				Verifiers [][]byte
			}
		}
	}
	d.must(json.NewDecoder(r.Body).Decode(&ask))
	switch r.URL.Path {
	case "/api/v2/signingCert":
		if ask.Credentials.OidcIdentityToken != Token {
			http.Error(w, `{"message":"the token is not known"}`, http.StatusUnauthorized)
			return
		}
		d.Tokens++
		block, _ := pem.Decode(ask.Request)
		csr, err := x509.ParseCertificateRequest(block.Bytes)
		d.must(err)
		d.must(csr.CheckSignature())
		der := d.certify(csr.PublicKey)
		d.must(json.NewEncoder(w).Encode(map[string]any{"signedCertificateEmbeddedSct": map[string]any{"chain": map[string]any{"certificates": []string{string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}}}}))
	case "/api/v1/log/entries":
		w.WriteHeader(http.StatusCreated)
		d.must(json.NewEncoder(w).Encode(map[string]any{"24296fb24b8ad77a": d.entry(ask.Spec.ProposedContent.Envelope, ask.Spec.ProposedContent.Verifiers[0])}))
	default:
		http.NotFound(w, r)
	}
}

// certify makes the certificate of a key.
func (d *Double) certify(key any) []byte {
	by, err := asn1.MarshalWithParams(Issuer, "utf8")
	d.must(err)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: d.At.Add(-time.Minute), NotAfter: d.At.Add(9 * time.Minute), EmailAddresses: []string{Identity},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 8}, Value: by}}}
	d.publish(leaf, key)
	der, err := x509.CreateCertificate(rand.Reader, leaf, d.CACert, key, d.CA)
	d.must(err)
	return der
}

// Blob signs a file as cosign sign-blob does, and enters that in the log.
func (d *Double) Blob(content []byte) *sigstore.Bundle {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	d.must(err)
	der := d.certify(key.Public())
	sum := sha256.Sum256(content)
	sig, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
	d.must(err)
	m := &sigstore.Message{Signature: sig}
	m.Digest.Algorithm, m.Digest.Digest = "SHA2_256", sum[:]
	body, err := json.Marshal(map[string]any{"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": map[string]any{
		"data":      map[string]any{"hash": map[string]string{"algorithm": "sha256", "value": hex.EncodeToString(sum[:])}},
		"signature": map[string]any{"content": sig, "publicKey": map[string]any{"content": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}}}})
	d.must(err)
	var e struct {
		LogID        string
		Verification struct {
			SignedEntryTimestamp []byte
			InclusionProof       struct {
				RootHash, Checkpoint string
				Hashes               []string
			}
		}
	}
	text, err := json.Marshal(d.enter(body))
	d.must(err)
	d.must(json.Unmarshal(text, &e))
	raw := func(s string) []byte {
		b, err := hex.DecodeString(s)
		d.must(err)
		return b
	}
	in := e.Verification.InclusionProof
	proof := &sigstore.Proof{LogIndex: 2, TreeSize: 5, RootHash: raw(in.RootHash), Checkpoint: sigstore.Checkpoint{Envelope: in.Checkpoint}}
	for _, h := range in.Hashes {
		proof.Hashes = append(proof.Hashes, raw(h))
	}
	return &sigstore.Bundle{MediaType: sigstore.MediaType, Message: m, Material: sigstore.Material{Certificate: &sigstore.Certificate{Raw: der}, Entries: []sigstore.Entry{{
		LogIndex: 1002, LogID: sigstore.LogID{KeyID: raw(e.LogID)}, Kind: sigstore.KindVersion{Kind: "hashedrekord", Version: "0.0.1"}, Time: d.At.Unix(),
		Promise: &sigstore.Promise{Signed: e.Verification.SignedEntryTimestamp}, Proof: proof, Body: body}}}}
}

func (d *Double) sign(text []byte) []byte {
	sum := sha256.Sum256(text)
	sig, err := d.LogKey.Sign(rand.Reader, sum[:], crypto.SHA256)
	d.must(err)
	return sig
}

// entry is that of an envelope.
func (d *Double) entry(envelope string, verifier []byte) map[string]any {
	var e sigstore.Envelope
	d.must(json.Unmarshal([]byte(envelope), &e))
	whole, payload := sha256.Sum256([]byte(envelope)), sha256.Sum256(e.Payload)
	hash := func(sum [32]byte) map[string]string {
		return map[string]string{"algorithm": "sha256", "value": hex.EncodeToString(sum[:])}
	}
	body, err := json.Marshal(map[string]any{"apiVersion": "0.0.1", "kind": "dsse", "spec": map[string]any{"envelopeHash": hash(whole), "payloadHash": hash(payload),
		"signatures": []any{map[string]any{"signature": e.Signatures[0].Sig, "verifier": verifier}}}})
	d.must(err)
	return d.enter(body)
}

// enter makes an entry the third of a tree of five.
func (d *Double) enter(body []byte) map[string]any {
	leaf := func(b []byte) []byte { s := sha256.Sum256(append([]byte{0}, b...)); return s[:] }
	node := func(a, b []byte) []byte {
		s := sha256.Sum256(append(append([]byte{1}, a...), b...))
		return s[:]
	}
	ours, next, left, last := leaf(body), leaf([]byte("3")), node(leaf([]byte("0")), leaf([]byte("1"))), leaf([]byte("4"))
	root := node(node(left, node(ours, next)), last)
	der, err := x509.MarshalPKIXPublicKey(d.LogKey.Public())
	d.must(err)
	id := sha256.Sum256(der)
	note := fmt.Sprintf("rekor.example - 1\n5\n%s\n", base64.StdEncoding.EncodeToString(root))
	promised, err := json.Marshal(map[string]any{"body": base64.StdEncoding.EncodeToString(body), "integratedTime": d.At.Unix(), "logID": hex.EncodeToString(id[:]), "logIndex": 1002})
	d.must(err)
	out := map[string]any{"body": base64.StdEncoding.EncodeToString(body), "integratedTime": d.At.Unix(), "logID": hex.EncodeToString(id[:]), "logIndex": 1002,
		"verification": map[string]any{"signedEntryTimestamp": d.sign(promised), "inclusionProof": map[string]any{"logIndex": 2, "treeSize": 5, "rootHash": hex.EncodeToString(root),
			"hashes":     []string{hex.EncodeToString(next), hex.EncodeToString(left), hex.EncodeToString(last)},
			"checkpoint": note + "\n\u2014 rekor.example " + base64.StdEncoding.EncodeToString(append(id[:4:4], d.sign([]byte(note))...)) + "\n"}}}
	if d.Spoil != nil {
		d.Spoil(out)
	}
	return out
}

// publish puts the word of a log of certificates into one that is about to be signed: the
// log signs what it will be without that word (RFC 6962, section 3.2).
func (d *Double) publish(leaf *x509.Certificate, key any) {
	if d.CT == nil {
		return
	}
	before, err := x509.CreateCertificate(rand.Reader, leaf, d.CACert, key, d.CA)
	d.must(err)
	parsed, err := x509.ParseCertificate(before)
	d.must(err)
	at := binary.BigEndian.AppendUint64(nil, uint64(d.At.UnixMilli())) //nolint:gosec // after 1970
	tbs, by := parsed.RawTBSCertificate, sha256.Sum256(d.CACert.RawSubjectPublicKeyInfo)
	text := slices.Concat([]byte{0, 0}, at, []byte{0, 1}, by[:], []byte{byte(len(tbs) >> 16), byte(len(tbs) >> 8), byte(len(tbs))}, tbs, []byte{0, 0})
	sum := sha256.Sum256(text)
	sig, err := d.CT.Sign(rand.Reader, sum[:], crypto.SHA256)
	d.must(err)
	der, err := x509.MarshalPKIXPublicKey(d.CT.Public())
	d.must(err)
	id := sha256.Sum256(der)
	sct := slices.Concat([]byte{0}, id[:], at, []byte{0, 0, 4, 3}, binary.BigEndian.AppendUint16(nil, uint16(len(sig))), sig) //nolint:gosec // some 70 bytes
	if d.SCT != nil {
		sct = d.SCT(sct)
	}
	list := binary.BigEndian.AppendUint16(nil, uint16(len(sct))) //nolint:gosec // some 120 bytes
	list = append(list, sct...)
	list = append(binary.BigEndian.AppendUint16(nil, uint16(len(list))), list...) //nolint:gosec // some 120 bytes
	value, err := asn1.Marshal(list)
	d.must(err)
	leaf.ExtraExtensions = append(leaf.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}, Value: value})
}

// RootWithCT is the double's trusted root that names a log of certificates.
func (d *Double) RootWithCT(key crypto.PublicKey) []byte {
	var root, logs map[string]any
	d.must(json.Unmarshal(d.Root(d.LogKey.Public()), &root))
	d.must(json.Unmarshal(d.Root(key), &logs))
	root["ctlogs"] = logs["tlogs"]
	text, err := json.Marshal(root)
	d.must(err)
	return text
}
