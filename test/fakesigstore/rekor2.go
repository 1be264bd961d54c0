package fakesigstore

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/sevenfold-sec/sevenfold/sigstore"
)

// Rekor2 is a log as version 2 keeps it, which tells no time, and the time-stamp authority
// that tells it instead.
type Rekor2 struct {
	d   *Double
	log ed25519.PrivateKey
	// Stamper signs time stamps with its certificate, which its authority signed.
	Stamper            *ecdsa.PrivateKey
	StamperCert, above *x509.Certificate
	// At is the time that is stamped; Embed puts the stamper's certificate in.
	At    time.Time
	Embed bool
}

// Host is where the log says it is.
const Host = "log2026-1.rekor.example"

// Rekor2 makes one beside a double.
func (d *Double) Rekor2() *Rekor2 {
	r := &Rekor2{d: d, At: d.At}
	_, log, err := ed25519.GenerateKey(rand.Reader)
	d.must(err)
	above, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	d.must(err)
	stamper, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	d.must(err)
	r.log, r.Stamper = log, stamper
	issue := func(template, by *x509.Certificate, key any, sign any) *x509.Certificate {
		template.NotBefore, template.NotAfter = d.At.Add(-time.Hour), d.At.Add(time.Hour)
		der, err := x509.CreateCertificate(rand.Reader, template, by, key, sign)
		d.must(err)
		c, err := x509.ParseCertificate(der)
		d.must(err)
		return c
	}
	ca := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "stamps"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	r.above = issue(ca, ca, above.Public(), above)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62)) // two authorities are not one
	d.must(err)
	r.StamperCert = issue(&x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "stamper"}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}}, r.above, stamper.Public(), above)
	return r
}

// Root is the trusted root of the double with this log and authority alone.
func (r *Rekor2) Root() map[string]any {
	var root map[string]any
	r.d.must(json.Unmarshal(r.d.Root(r.log.Public()), &root))
	of := root["tlogs"].([]any)[0].(map[string]any)
	of["baseUrl"], of["logId"] = "https://"+Host, map[string]any{"keyId": r.id()}
	root["timestampAuthorities"] = []any{map[string]any{"validFor": map[string]any{"start": r.d.At.Add(-time.Hour).Format(time.RFC3339)},
		"certChain": map[string]any{"certificates": []any{map[string]any{"rawBytes": r.StamperCert.Raw}, map[string]any{"rawBytes": r.above.Raw}}}}}
	return root
}

// id is the log's, by its name too (C2SP, signed notes), and not by its key alone.
func (r *Rekor2) id() []byte {
	sum := sha256.Sum256(slices.Concat([]byte(Host+"\n\x01"), r.log.Public().(ed25519.PublicKey)))
	return sum[:]
}

// Forms that an envelope is logged in.
const (
	AsDSSE   = "dsse"
	AsHashed = "hashedrekord"
)

// Blob signs a file, logs and stamps that.
func (r *Rekor2) Blob(content []byte) *sigstore.Bundle {
	sum := sha256.Sum256(content)
	der, sig := r.sign(sum[:])
	m := &sigstore.Message{Signature: sig}
	m.Digest.Algorithm, m.Digest.Digest = "SHA2_256", sum[:]
	b := r.bundle(der, sig, AsHashed, hashed(der, sum[:], sig))
	b.Message = m
	return b
}

// Envelope signs an in-toto statement, logs it in one of the forms, and stamps it.
func (r *Rekor2) Envelope(statement []byte, form string) *sigstore.Bundle {
	const kind = "application/vnd.in-toto+json"
	whole, payload := sha256.Sum256(sigstore.PreAuth(kind, statement)), sha256.Sum256(statement)
	der, sig := r.sign(whole[:])
	spec := hashed(der, whole[:], sig)
	if form == AsDSSE {
		spec = map[string]any{"dsseV002": map[string]any{"payloadHash": map[string]any{"algorithm": "SHA2_256", "digest": payload[:]}, "signatures": []any{signature(der, sig)}}}
	}
	b := r.bundle(der, sig, form, spec)
	b.Envelope = &sigstore.Envelope{Payload: statement, PayloadType: kind, Signatures: []sigstore.Signature{{Sig: sig}}}
	return b
}

func signature(der, sig []byte) map[string]any {
	return map[string]any{"content": sig, "verifier": map[string]any{"keyDetails": "PKIX_ECDSA_P256_SHA_256", "x509Certificate": map[string]any{"rawBytes": der}}}
}

func hashed(der, sum, sig []byte) map[string]any {
	return map[string]any{"hashedRekordV002": map[string]any{"data": map[string]any{"algorithm": "SHA2_256", "digest": sum}, "signature": signature(der, sig)}}
}

// sign makes a key, its certificate and a signature.
func (r *Rekor2) sign(sum []byte) (der, sig []byte) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	r.d.must(err)
	sig, err = key.Sign(rand.Reader, sum, crypto.SHA256)
	r.d.must(err)
	return r.d.certify(key.Public()), sig
}

// bundle logs an entry as the second of a tree of two, and stamps the signature.
func (r *Rekor2) bundle(der, sig []byte, kind string, spec any) *sigstore.Bundle {
	body, err := json.Marshal(map[string]any{"apiVersion": "0.0.2", "kind": kind, "spec": spec})
	r.d.must(err)
	other, ours := sha256.Sum256([]byte{0, '0'}), sha256.Sum256(append([]byte{0}, body...))
	root := sha256.Sum256(slices.Concat([]byte{1}, other[:], ours[:]))
	note := fmt.Sprintf("%s\n2\n%s\n", Host, base64.StdEncoding.EncodeToString(root[:]))
	line := func(name string, id, sig []byte) string {
		return "\u2014 " + name + " " + base64.StdEncoding.EncodeToString(slices.Concat(id[:4], sig)) + "\n"
	}
	note += "\n" + line("witness.example", []byte("abcd"), make([]byte, 72)) + line(Host, r.id(), ed25519.Sign(r.log, []byte(note)))
	return &sigstore.Bundle{MediaType: sigstore.MediaType, Material: sigstore.Material{Certificate: &sigstore.Certificate{Raw: der},
		Stamps: &sigstore.Stamps{RFC3161: []sigstore.Stamp{{Signed: r.Stamp(sig)}}},
		Entries: []sigstore.Entry{{LogIndex: 1, LogID: sigstore.LogID{KeyID: r.id()}, Kind: sigstore.KindVersion{Kind: kind, Version: "0.0.2"}, Body: body,
			Proof: &sigstore.Proof{LogIndex: 1, TreeSize: 2, RootHash: root[:], Hashes: [][]byte{other[:]}, Checkpoint: sigstore.Checkpoint{Envelope: note}}}}}}
}

// Stamp is the authority's reply on a signature.
func (r *Rekor2) Stamp(sig []byte) []byte {
	m := func(v any, params ...string) []byte {
		der, err := asn1.MarshalWithParams(v, append(params, "")[0])
		r.d.must(err)
		return der
	}
	wrap := func(class, tag int, content ...[]byte) asn1.RawValue {
		return asn1.RawValue{FullBytes: m(asn1.RawValue{Class: class, Tag: tag, IsCompound: true, Bytes: slices.Concat(content...)})}
	}
	seq := func(content ...[]byte) []byte { return wrap(0, asn1.TagSequence, content...).FullBytes }
	set := func(content ...[]byte) []byte { return wrap(0, asn1.TagSet, content...).FullBytes }
	oid := func(n ...int) []byte { return m(asn1.ObjectIdentifier(n)) }
	hash := seq(oid(2, 16, 840, 1, 101, 3, 4, 2, 1))
	digest := func(b []byte) []byte { s := sha256.Sum256(b); return m(s[:]) }
	tst := oid(1, 2, 840, 113549, 1, 9, 16, 1, 4)

	info := seq(m(1), oid(1, 3, 6, 1, 4, 1, 57264, 2), seq(hash, digest(sig)), m(9), m(r.At.UTC().Truncate(time.Second), "generalized"))
	attributes := slices.Concat(
		seq(oid(1, 2, 840, 113549, 1, 9, 3), set(tst)),
		seq(oid(1, 2, 840, 113549, 1, 9, 4), set(digest(info))),
		seq(oid(1, 2, 840, 113549, 1, 9, 16, 2, 47), set(seq(seq(seq(digest(r.StamperCert.Raw)))))))
	sum := sha256.Sum256(set(attributes))
	signed, err := r.Stamper.Sign(rand.Reader, sum[:], crypto.SHA256)
	r.d.must(err)
	signer := seq(m(1), seq(r.StamperCert.RawIssuer, m(r.StamperCert.SerialNumber)), hash, wrap(2, 0, attributes).FullBytes, seq(oid(1, 2, 840, 10045, 4, 3, 2)), m(signed))
	var embedded []byte
	if r.Embed {
		embedded = wrap(2, 0, r.StamperCert.Raw).FullBytes
	}
	data := seq(m(3), set(hash), seq(tst, wrap(2, 0, m(info)).FullBytes), embedded, set(signer))
	return seq(seq(m(0)), seq(oid(1, 2, 840, 113549, 1, 7, 2), wrap(2, 0, data).FullBytes))
}
