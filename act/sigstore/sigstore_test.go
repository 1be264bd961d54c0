package sigstore

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/sigstore"
)

// The services here are doubles: they answer as the documents of Fulcio and Rekor say,
// with a certificate authority and a Merkle tree of their own. What they make is held
// against the judgement of cosign where that is found.
type double struct {
	t          *testing.T
	ca, logKey *ecdsa.PrivateKey
	caCert     *x509.Certificate
	at         time.Time
	tokens     int
	// spoil changes an answer of the log.
	spoil func(map[string]any)
	// ct is the key of a log of certificates; nil: they are in none. sct changes its word.
	ct  *ecdsa.PrivateKey
	sct func([]byte) []byte
}

const (
	identity = "release@example.com"
	issuer   = "https://issuer.example"
	token    = "e30.e30.c2ln"
)

func newDouble(t *testing.T) *double {
	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	d := &double{t: t, ca: key(), logKey: key(), at: time.Now().Add(-time.Minute)}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca", Organization: []string{"example"}}, NotBefore: d.at.Add(-time.Hour), NotAfter: d.at.Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, d.ca.Public(), d.ca)
	if err != nil {
		t.Fatal(err)
	}
	if d.caCert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *double) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Error(err)
	}
}

func (d *double) root(logs ...crypto.PublicKey) []byte {
	entries := []any{}
	for _, k := range logs {
		der, err := x509.MarshalPKIXPublicKey(k)
		d.must(err)
		id := sha256.Sum256(der)
		entries = append(entries, map[string]any{"baseUrl": "https://rekor.example", "hashAlgorithm": "SHA2_256", "logId": map[string]any{"keyId": id[:]},
			"publicKey": map[string]any{"rawBytes": der, "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": map[string]any{"start": d.at.Add(-time.Hour).UTC().Format(time.RFC3339)}}})
	}
	text, err := json.Marshal(map[string]any{"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1", "tlogs": entries, "ctlogs": []any{}, "timestampAuthorities": []any{},
		"certificateAuthorities": []any{map[string]any{"uri": "https://fulcio.example", "subject": map[string]any{"organization": "example", "commonName": "ca"},
			"certChain": map[string]any{"certificates": []any{map[string]any{"rawBytes": d.caCert.Raw}}}, "validFor": map[string]any{"start": d.at.Add(-time.Hour).UTC().Format(time.RFC3339)}}}})
	d.must(err)
	return text
}

func (d *double) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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
		if ask.Credentials.OidcIdentityToken != token {
			http.Error(w, `{"message":"the token is not known"}`, http.StatusUnauthorized)
			return
		}
		d.tokens++
		block, _ := pem.Decode(ask.Request)
		csr, err := x509.ParseCertificateRequest(block.Bytes)
		d.must(err)
		d.must(csr.CheckSignature())
		by, err := asn1.MarshalWithParams(issuer, "utf8")
		d.must(err)
		leaf := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: d.at.Add(-time.Minute), NotAfter: d.at.Add(9 * time.Minute), EmailAddresses: []string{identity},
			KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
			ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 8}, Value: by}}}
		d.publish(leaf, csr.PublicKey)
		der, err := x509.CreateCertificate(rand.Reader, leaf, d.caCert, csr.PublicKey, d.ca)
		d.must(err)
		d.must(json.NewEncoder(w).Encode(map[string]any{"signedCertificateEmbeddedSct": map[string]any{"chain": map[string]any{"certificates": []string{string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}}}}))
	case "/api/v1/log/entries":
		w.WriteHeader(http.StatusCreated)
		d.must(json.NewEncoder(w).Encode(map[string]any{"24296fb24b8ad77a": d.entry(ask.Spec.ProposedContent.Envelope, ask.Spec.ProposedContent.Verifiers[0])}))
	default:
		http.NotFound(w, r)
	}
}

func (d *double) sign(text []byte) []byte {
	sum := sha256.Sum256(text)
	sig, err := d.logKey.Sign(rand.Reader, sum[:], crypto.SHA256)
	d.must(err)
	return sig
}

// entry is the third of a tree of five.
func (d *double) entry(envelope string, verifier []byte) map[string]any {
	var e sigstore.Envelope
	d.must(json.Unmarshal([]byte(envelope), &e))
	whole, payload := sha256.Sum256([]byte(envelope)), sha256.Sum256(e.Payload)
	hash := func(sum [32]byte) map[string]string {
		return map[string]string{"algorithm": "sha256", "value": hex.EncodeToString(sum[:])}
	}
	body, err := json.Marshal(map[string]any{"apiVersion": "0.0.1", "kind": "dsse", "spec": map[string]any{"envelopeHash": hash(whole), "payloadHash": hash(payload),
		"signatures": []any{map[string]any{"signature": e.Signatures[0].Sig, "verifier": verifier}}}})
	d.must(err)
	leaf := func(b []byte) []byte { s := sha256.Sum256(append([]byte{0}, b...)); return s[:] }
	node := func(a, b []byte) []byte {
		s := sha256.Sum256(append(append([]byte{1}, a...), b...))
		return s[:]
	}
	ours, next, left, last := leaf(body), leaf([]byte("3")), node(leaf([]byte("0")), leaf([]byte("1"))), leaf([]byte("4"))
	root := node(node(left, node(ours, next)), last)
	der, err := x509.MarshalPKIXPublicKey(d.logKey.Public())
	d.must(err)
	id := sha256.Sum256(der)
	note := fmt.Sprintf("rekor.example - 1\n5\n%s\n", base64.StdEncoding.EncodeToString(root))
	promised, err := json.Marshal(map[string]any{"body": base64.StdEncoding.EncodeToString(body), "integratedTime": d.at.Unix(), "logID": hex.EncodeToString(id[:]), "logIndex": 1002})
	d.must(err)
	out := map[string]any{"body": base64.StdEncoding.EncodeToString(body), "integratedTime": d.at.Unix(), "logID": hex.EncodeToString(id[:]), "logIndex": 1002,
		"verification": map[string]any{"signedEntryTimestamp": d.sign(promised), "inclusionProof": map[string]any{"logIndex": 2, "treeSize": 5, "rootHash": hex.EncodeToString(root),
			"hashes":     []string{hex.EncodeToString(next), hex.EncodeToString(left), hex.EncodeToString(last)},
			"checkpoint": note + "\n\u2014 rekor.example " + base64.StdEncoding.EncodeToString(append(id[:4:4], d.sign([]byte(note))...)) + "\n"}}}
	if d.spoil != nil {
		d.spoil(out)
	}
	return out
}

const statementType = "application/vnd.in-toto+json"

var statement = []byte(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"w","digest":{"sha256":"` + strings.Repeat("ab", 32) + `"}}],"predicateType":"https://example.com/p","predicate":{}}`)

func (d *double) sealed() *sigstore.Bundle {
	d.t.Helper()
	server := httptest.NewServer(d)
	defer server.Close()
	b, err := Services{Fulcio: server.URL, Rekor: server.URL + "/", Token: token}.Sign(context.Background(), statementType, statement)
	if err != nil {
		d.t.Fatal(err)
	}
	return b
}

func TestKeyless(t *testing.T) {
	d := newDouble(t)
	text, err := d.sealed().Pack()
	if err != nil {
		t.Fatal(err)
	}
	root := d.root(d.logKey.Public())
	other := newDouble(t)
	tests := map[string]struct {
		root             []byte
		identity, issuer string
		now              time.Duration
		change           func(*sigstore.Bundle)
		want             string // empty: it holds
	}{
		"as signed":             {},
		"years later":           {now: 3 * 365 * 24 * time.Hour},
		"another identity":      {identity: "mallory@example.com", want: "was signed by"},
		"another issuer":        {issuer: "https://evil.example", want: "vouched for by"},
		"another root":          {root: other.root(other.logKey.Public()), want: "none of the trusted root"},
		"another authority":     {root: other.root(d.logKey.Public()), want: "leads to no authority"},
		"a clock that is slow":  {now: -time.Hour, want: "still to come"},
		"no log entry":          {change: func(b *sigstore.Bundle) { b.Material.Entries = nil }, want: "no log entry"},
		"no proof":              {change: func(b *sigstore.Bundle) { b.Material.Entries[0].Proof = nil }, want: "bears no proof"},
		"no promise":            {change: func(b *sigstore.Bundle) { b.Material.Entries[0].Promise = nil }, want: "no signed time"},
		"no time":               {change: func(b *sigstore.Bundle) { b.Material.Entries[0].Time = 0 }, want: "bears no time"},
		"another time":          {change: func(b *sigstore.Bundle) { b.Material.Entries[0].Time-- }, want: "did not sign that entry"},
		"another payload":       {change: func(b *sigstore.Bundle) { b.Envelope.Payload[3] ^= 1 }, want: "another payload"},
		"another signature":     {change: func(b *sigstore.Bundle) { b.Envelope.Signatures[0].Sig[9] ^= 1 }, want: "another payload, signature"},
		"a hash too few":        {change: func(b *sigstore.Bundle) { p := b.Material.Entries[0].Proof; p.Hashes = p.Hashes[1:] }, want: "proof"},
		"another tree":          {change: func(b *sigstore.Bundle) { b.Material.Entries[0].Proof.TreeSize = 6 }, want: "checkpoint"},
		"an index of elsewhere": {change: func(b *sigstore.Bundle) { b.Material.Entries[0].Proof.LogIndex = 3 }, want: "does not lead"},
		"another checkpoint": {change: func(b *sigstore.Bundle) {
			c := &b.Material.Entries[0].Proof.Checkpoint
			c.Envelope = c.Envelope[:len(c.Envelope)-8] + "AAAAAAA\n"
		}, want: "did not sign the checkpoint"},
		"another kind":                    {change: func(b *sigstore.Bundle) { b.Material.Entries[0].Kind.Version = "0.0.2" }, want: "dsse, 0.0.1 is read"},
		"the authority's own certificate": {change: func(b *sigstore.Bundle) { b.Material.Certificate.Raw = d.caCert.Raw }, want: "another payload"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b, err := sigstore.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			if tt.change != nil {
				tt.change(b)
			}
			if tt.root == nil {
				tt.root = root
			}
			r, err := sigstore.ParseRoot(tt.root)
			if err != nil {
				t.Fatal(err)
			}
			s := sigstore.Signer{Root: r, Identity: identity, Issuer: issuer, Now: func() time.Time { return time.Now().Add(tt.now) }}
			if tt.identity != "" {
				s.Identity = tt.identity
			}
			if tt.issuer != "" {
				s.Issuer = tt.issuer
			}
			switch err := s.Verify(b); {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// An entry that came after the certificate's end is refused, though the log signed it.
func TestExpiredCertificate(t *testing.T) {
	d := newDouble(t)
	late := newDouble(t)
	late.ca, late.caCert, late.logKey, late.at = d.ca, d.caCert, d.logKey, d.at.Add(-30*time.Minute)
	b := d.sealed()
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: b.Material.Certificate.Raw})
	server := httptest.NewServer(late)
	defer server.Close()
	e, err := Services{Rekor: server.URL}.log(context.Background(), b.Envelope, cert)
	if err != nil {
		t.Fatal(err)
	}
	b.Material.Entries = []sigstore.Entry{*e}
	r, err := sigstore.ParseRoot(d.root(d.logKey.Public()))
	if err != nil {
		t.Fatal(err)
	}
	if err := (sigstore.Signer{Root: r, Identity: identity, Issuer: issuer}).Verify(b); err == nil || !strings.Contains(err.Error(), "its certificate counted from") {
		t.Errorf("got %v", err)
	}
}

// The token goes to the host that was named and no further, and an answer that is
// something else is told.
func TestServicesThatAnswerOtherwise(t *testing.T) {
	d := newDouble(t)
	elsewhere := httptest.NewServer(d)
	defer elsewhere.Close()
	for name, h := range map[string]http.HandlerFunc{
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
		},
		"refusal": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) },
		"rubbish": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("\x00<html>")) },
		"nothing": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) },
	} {
		server := httptest.NewServer(h)
		if _, err := (Services{Fulcio: server.URL, Rekor: server.URL, Token: token}).Sign(context.Background(), statementType, statement); err == nil {
			t.Errorf("%s: signed", name)
		}
		server.Close()
	}
	if d.tokens > 0 {
		t.Error("the token followed a redirect")
	}
	for _, s := range []Services{{Fulcio: "http://fulcio.example", Rekor: "https://r", Token: token}, {Fulcio: "https://f", Rekor: "r", Token: token}, {Fulcio: "https://f", Rekor: "https://r", Token: "x"}} {
		if s.Check() == nil {
			t.Errorf("%+v can be asked", s)
		}
	}
}

// cosign comes to the same word on the same bundle, trusted root and names.
func TestCosignAgrees(t *testing.T) {
	cosign, err := exec.LookPath("cosign")
	if err != nil {
		t.Skip("no cosign is found: go install github.com/sigstore/cosign/v3/cmd/cosign@latest")
	}
	d := newDouble(t)
	text, err := d.sealed().Pack()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, b := range map[string][]byte{"b.json": text, "root.json": d.root(d.logKey.Public())} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for who, want := range map[string]bool{identity: true, "mallory@example.com": false} {
		cmd := exec.CommandContext(context.Background(), cosign, "verify-blob-attestation", "--bundle", filepath.Join(dir, "b.json"), "--trusted-root", filepath.Join(dir, "root.json"),
			"--certificate-identity", who, "--certificate-oidc-issuer", issuer, "--insecure-ignore-sct=true", "--type", "https://example.com/p", "--check-claims=false")
		cmd.Env = append(os.Environ(), "HOME="+dir)
		if out, err := cmd.CombinedOutput(); (err == nil) != want {
			t.Errorf("%s: %v\n%s", who, err, out)
		}
	}
}
