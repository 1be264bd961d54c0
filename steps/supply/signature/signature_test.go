package signature

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/sigstore"
)

func sum(s string) string { h := sha256.Sum256([]byte(s)); return hex.EncodeToString(h[:]) }

// envelopeOf makes a bundle as model-signing 1.0 does.
func envelopeOf(t *testing.T, files map[string]string, order []string, sign func([]byte) []byte, certificate []byte) []byte {
	t.Helper()
	whole := sha256.New()
	var resources []map[string]string
	for _, name := range order {
		raw, _ := hex.DecodeString(strings.TrimPrefix(files[name], "sha256:"))
		whole.Write(raw)
		resources = append(resources, map[string]string{"name": name, "algorithm": "sha256", "digest": strings.TrimPrefix(files[name], "sha256:")})
	}
	statement, _ := json.Marshal(map[string]any{"_type": "https://in-toto.io/Statement/v1", "subject": []any{map[string]any{"name": "m", "digest": map[string]string{"sha256": hex.EncodeToString(whole.Sum(nil))}}},
		"predicateType": predicate, "predicate": map[string]any{"serialization": map[string]any{"method": "files", "hash_type": "sha256", "ignore_paths": []string{".git", "extra"}}, "resources": resources}})
	material := map[string]any{"publicKey": map[string]string{"hint": "x"}}
	if certificate != nil {
		material = map[string]any{"certificate": map[string]string{"rawBytes": base64.StdEncoding.EncodeToString(certificate)}}
	}
	out, _ := json.Marshal(map[string]any{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "verificationMaterial": material,
		"dsseEnvelope": map[string]any{"payload": base64.StdEncoding.EncodeToString(statement), "payloadType": inToto, "signatures": []any{map[string]string{"sig": base64.StdEncoding.EncodeToString(sign(sigstore.PreAuth(inToto, statement)))}}}})
	return out
}

func ecSigner(t *testing.T) (*ecdsa.PrivateKey, func([]byte) []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key, func(text []byte) []byte {
		h := sha256.Sum256(text)
		sig, err := ecdsa.SignASN1(rand.Reader, key, h[:])
		if err != nil {
			t.Fatal(err)
		}
		return sig
	}
}

func refused(err error) bool {
	var r *RefusedError
	return errors.As(err, &r)
}

func TestModelSigning(t *testing.T) {
	key, sign := ecSigner(t)
	files := map[string]string{"config.json": "sha256:" + sum("a"), "model.safetensors": "sha256:" + sum("b")}
	bundle := envelopeOf(t, files, []string{"config.json", "model.safetensors"}, sign, nil)
	trust := Trust{Keys: []crypto.PublicKey{key.Public()}}
	signed, err := Verify(bundle, trust)
	if err != nil {
		t.Fatal(err)
	}
	if err := signed.Match(files, "model.sig"); err != nil {
		t.Errorf("the files that were signed: %v", err)
	}
	with := maps.Clone(files)
	with["model.sig"] = "sha256:" + sum("s")
	with[".git/config"] = "sha256:" + sum("g")
	if err := signed.Match(with, "model.sig"); err != nil {
		t.Errorf("the signature itself and what git keeps: %v", err)
	}
	for name, change := range map[string]func(map[string]string){
		"another byte": func(m map[string]string) { m["model.safetensors"] = "sha256:" + sum("B") },
		"gone":         func(m map[string]string) { delete(m, "config.json") },
		"one more":     func(m map[string]string) { m["evil.pkl"] = "sha256:" + sum("x") },
		"one more where the statement looks away": func(m map[string]string) { m["extra/evil.pkl"] = "sha256:" + sum("x") },
	} {
		m := maps.Clone(files)
		change(m)
		if err := signed.Match(m, "model.sig"); !refused(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	other, _ := ecSigner(t)
	if _, err := Verify(bundle, Trust{Keys: []crypto.PublicKey{other.Public()}}); !refused(err) {
		t.Errorf("another key: %v", err)
	}
	if _, err := Verify(bundle, Trust{}); err == nil || refused(err) {
		t.Errorf("without a key nobody can tell: %v", err)
	}
}

// Whatever byte is changed, the bundle does not pass for one that was signed.
func TestFlippedBytes(t *testing.T) {
	key, sign := ecSigner(t)
	files := map[string]string{"m": "sha256:" + sum("a")}
	bundle := envelopeOf(t, files, []string{"m"}, sign, nil)
	trust := Trust{Keys: []crypto.PublicKey{key.Public()}}
	for i := range bundle {
		changed := append([]byte{}, bundle...)
		changed[i] ^= 1
		signed, err := Verify(changed, trust)
		if err == nil && signed.Match(files) != nil {
			t.Fatalf("byte %d changed what is signed, and it verified", i)
		}
	}
}

func TestCertificate(t *testing.T) {
	rootKey, _ := ecSigner(t)
	now := time.Now()
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, root, root, rootKey.Public(), rootKey)
	if err != nil {
		t.Fatal(err)
	}
	root, _ = x509.ParseCertificate(der)
	key, sign := ecSigner(t)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: now.Add(-time.Minute), NotAfter: now.Add(time.Minute), EmailAddresses: []string{"jo@example.com"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}}
	cert, err := x509.CreateCertificate(rand.Reader, leaf, root, key.Public(), rootKey)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"m": "sha256:" + sum("a")}
	bundle := envelopeOf(t, files, []string{"m"}, sign, cert)
	pool := x509.NewCertPool()
	pool.AddCert(root)
	if s, err := Verify(bundle, Trust{Roots: pool, Identity: "jo@example.com", At: now}); err != nil || s.Signer != "jo@example.com" {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := Verify(bundle, Trust{Roots: pool, Identity: "eve@example.com", At: now}); !refused(err) {
		t.Errorf("another identity: %v", err)
	}
	if _, err := Verify(bundle, Trust{Roots: x509.NewCertPool(), Identity: "jo@example.com", At: now}); !refused(err) {
		t.Errorf("no such root: %v", err)
	}
	if _, err := Verify(bundle, Trust{Roots: pool, Identity: "jo@example.com", At: now.Add(30 * time.Minute)}); err == nil || refused(err) {
		t.Errorf("after its certificate ended nobody can tell: %v", err)
	}
}

func TestBlob(t *testing.T) {
	key, _ := ecSigner(t)
	h := sha256.Sum256([]byte("blob"))
	sig, err := ecdsa.SignASN1(rand.Reader, key, h[:])
	if err != nil {
		t.Fatal(err)
	}
	bundle := fmt.Sprintf(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"x"}},"messageSignature":{"messageDigest":{"algorithm":"SHA2_256","digest":%q},"signature":%q}}`, base64.StdEncoding.EncodeToString(h[:]), base64.StdEncoding.EncodeToString(sig))
	s, err := Verify([]byte(bundle), Trust{Keys: []crypto.PublicKey{key.Public()}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Match(map[string]string{"b": "sha256:" + sum("blob")}); err != nil {
		t.Error(err)
	}
	for _, other := range []map[string]string{{"b": "sha256:" + sum("blub")}, {"a": "sha256:" + sum("blob"), "b": ""}, {}, {"b.sigstore.json": "sha256:" + sum("blob")}} {
		if err := s.Match(other, "b.sigstore.json"); !refused(err) {
			t.Errorf("%v: %v", other, err)
		}
	}
	attested, named := &Signed{Files: map[string]string{"a": "sha256:1", "b": "sha256:2"}, Attested: true}, &Signed{Files: map[string]string{"a": "sha256:1"}}
	if err := attested.MatchFile("c", "sha256:2"); err != nil {
		t.Errorf("an attested file under another name: %v", err)
	}
	for _, err := range []error{attested.MatchFile("a", "sha256:3"), attested.MatchFile("a", ""), named.MatchFile("c", "sha256:1"), named.MatchFile("a", "sha256:2"), s.MatchFile("a", "sha256:2")} {
		if !refused(err) {
			t.Error(err)
		}
	}
	// What an Ed25519 key signs is not the digest: it may have signed this.
	public, _, _ := ed25519.GenerateKey(rand.Reader)
	if _, err := Verify([]byte(bundle), Trust{Keys: []crypto.PublicKey{public}}); err == nil || refused(err) {
		t.Error(err)
	}
	both := strings.Replace(bundle, `"messageSignature"`, `"dsseEnvelope":{"payload":"e30="},"messageSignature"`, 1)
	for _, bad := range []string{both, strings.Replace(bundle, ".v0.3+", ".v0.9+", 1), strings.Replace(bundle, `"publicKey":{"hint":"x"}`, `"x509CertificateChain":{"certificates":[]}`, 1), `{"base64Signature":"AA==","cert":"AA=="}`, strings.Replace(bundle, "SHA2_256", "SHA2_384", 1)} {
		if _, err := Verify([]byte(bad), Trust{Keys: []crypto.PublicKey{key.Public()}}); err == nil || refused(err) {
			t.Errorf("%.60s: %v", bad, err)
		}
	}
}

func TestKeys(t *testing.T) {
	public, private, _ := ed25519.GenerateKey(rand.Reader)
	if !Check(public, []byte("x"), ed25519.Sign(private, []byte("x"))) || Check(public, []byte("y"), ed25519.Sign(private, []byte("x"))) {
		t.Error("Ed25519")
	}
	for _, bad := range []string{"", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"} {
		if k, err := ParseKeys([]byte(bad)); err == nil {
			t.Errorf("%q reads as %v", bad, k)
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add([]byte(`{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AA=="}]}`))
	f.Add([]byte(`{"verificationMaterial":{"certificate":{"rawBytes":"AA=="}},"messageSignature":{}}`))
	key, _, _ := ed25519.GenerateKey(rand.Reader)
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := Verify(data, Trust{Keys: []crypto.PublicKey{key}, Roots: x509.NewCertPool()}); err == nil {
			t.Error("what nobody signed verifies")
		}
	})
}
