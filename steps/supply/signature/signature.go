// Package signature verifies, offline and with keys or roots that the caller gives,
// signatures over models: bundles of OpenSSF model-signing (a DSSE envelope with an
// in-toto statement that lists each file's digest, in a Sigstore bundle), and plain
// signatures of cosign over one blob.
//
// Why not sigstore-go: it links what an offline check with given keys does not use
// (TUF, transparency logs, OIDC). What this package does not check
// it says: a bundle of a keyless signer is verified against the certificate roots
// given and the identity asked for, and that its certificate was valid when it was
// logged is left open unless the log's key is given too, so such a bundle is unknown
// and not verified.
package signature

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Trust is what a verifier trusts.
type Trust struct {
	// Keys are public keys: *ecdsa.PublicKey, ed25519.PublicKey, *rsa.PublicKey.
	Keys []crypto.PublicKey
	// Roots sign the certificates of signers; nil: none is trusted.
	Roots *x509.CertPool
	// Identity that a certificate must bear (an address or URI); empty: any of Roots.
	Identity string
	// At is the time for which certificates must be valid.
	At time.Time
}

// RefusedError says that a signature does not fit: not that it could not be read.
type RefusedError struct{ Why string }

// Error implements error.
func (r *RefusedError) Error() string { return r.Why }

func refuse(format string, args ...any) error { return &RefusedError{fmt.Sprintf(format, args...)} }

// Signed is what a good signature covers.
type Signed struct {
	Signer string
	// Files are the digests that the statement lists, by path: "sha256:…". Of a
	// signature over one blob, one with path "".
	Files map[string]string
	// Ignored are the paths that the signer left out, as the statement says.
	Ignored []string
}

// MaxBundle is the longest bundle that is read.
const MaxBundle = 64 << 20

type envelope struct {
	Payload     string `json:"payload"`
	PayloadType string `json:"payloadType"`
	Signatures  []struct {
		Sig   string `json:"sig"`
		KeyID string `json:"keyid"`
	} `json:"signatures"`
}

type bundle struct {
	MediaType string `json:"mediaType"`
	Material  struct {
		PublicKey *struct {
			Hint string `json:"hint"`
		} `json:"publicKey"`
		Certificate *struct {
			Raw string `json:"rawBytes"`
		} `json:"certificate"`
		Chain *struct {
			Certificates []struct {
				Raw string `json:"rawBytes"`
			} `json:"certificates"`
		} `json:"x509CertificateChain"`
	} `json:"verificationMaterial"`
	Envelope *envelope `json:"dsseEnvelope"`
	Message  *struct {
		Digest struct {
			Algorithm string `json:"algorithm"`
			Digest    string `json:"digest"`
		} `json:"messageDigest"`
		Signature string `json:"signature"`
	} `json:"messageSignature"`
}

// Verify checks a bundle and returns what it covers. A *RefusedError says that the
// signature does not fit; any other error that it could not be read, which is not a
// pass either.
func Verify(text []byte, t Trust) (*Signed, error) {
	var b bundle
	if err := json.Unmarshal(text, &b); err != nil {
		return nil, fmt.Errorf("the bundle is no JSON: %w", err)
	}
	if b.Envelope == nil && b.Message == nil { // a bare DSSE envelope
		var e envelope
		if err := json.Unmarshal(text, &e); err != nil || e.Payload == "" {
			return nil, errors.New("it is neither a Sigstore bundle nor a DSSE envelope")
		}
		b.Envelope = &e
	}
	keys, names, err := b.keys(t)
	if err != nil {
		return nil, err
	}
	if b.Message != nil {
		return b.message(keys, names)
	}
	return b.Envelope.verify(keys, names)
}

// keys are those that may have signed: the ones trusted, or that of a certificate
// that leads to a trusted root.
func (b *bundle) keys(t Trust) (keys []crypto.PublicKey, names []string, err error) {
	var raws []string
	if c := b.Material.Certificate; c != nil {
		raws = append(raws, c.Raw)
	} else if c := b.Material.Chain; c != nil {
		for _, x := range c.Certificates {
			raws = append(raws, x.Raw)
		}
	}
	if len(raws) == 0 {
		if len(t.Keys) == 0 {
			return nil, nil, errors.New("it is signed by a key, and no key is given to hold it against")
		}
		for _, k := range t.Keys {
			keys, names = append(keys, k), append(names, KeyName(k))
		}
		return keys, names, nil
	}
	if t.Roots == nil {
		return nil, nil, errors.New("it is signed by a certificate, and no root is given to hold it against")
	}
	var chain []*x509.Certificate
	for _, raw := range raws {
		der, err := base64.StdEncoding.DecodeString(raw)
		if err != nil {
			return nil, nil, fmt.Errorf("its certificate cannot be read: %w", err)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, nil, fmt.Errorf("its certificate cannot be read: %w", err)
		}
		chain = append(chain, c)
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	leaf := chain[0]
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: t.Roots, Intermediates: between, CurrentTime: t.At, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}}); err != nil {
		var invalid x509.CertificateInvalidError
		if errors.As(err, &invalid) && invalid.Reason == x509.Expired {
			return nil, nil, fmt.Errorf("its certificate was valid until %s, and whether it was signed by then is for a transparency log to say, which is not read here: have it signed with a key, or give --at", leaf.NotAfter.Format(time.RFC3339))
		}
		return nil, nil, refuse("its certificate leads to no root that is given: %v", err)
	}
	identities := slices.Clone(leaf.EmailAddresses)
	for _, u := range leaf.URIs {
		identities = append(identities, u.String())
	}
	identities = append(identities, leaf.DNSNames...)
	name := leaf.Subject.CommonName
	if len(identities) > 0 {
		name = strings.Join(identities, ", ")
	}
	if t.Identity != "" && !slices.Contains(identities, t.Identity) {
		return nil, nil, refuse("it was signed by %s and not by %s", name, t.Identity)
	}
	return []crypto.PublicKey{leaf.PublicKey}, []string{name}, nil
}

// pae is what DSSE signs. Source: secure-systems-lab/dsse, protocol.md.
func pae(kind string, payload []byte) []byte {
	out := append([]byte("DSSEv1 "+strconv.Itoa(len(kind))+" "+kind+" "+strconv.Itoa(len(payload))+" "), payload...)
	return out
}

// Statement types and predicates that are understood.
const (
	inToto    = "application/vnd.in-toto+json"
	predicate = "https://model_signing/signature/v1.0"
)

func (e *envelope) verify(keys []crypto.PublicKey, names []string) (*Signed, error) {
	payload, err := decode(e.Payload)
	if err != nil {
		return nil, fmt.Errorf("its payload cannot be read: %w", err)
	}
	if len(e.Signatures) == 0 {
		return nil, refuse("it bears no signature")
	}
	signer := ""
	for _, s := range e.Signatures {
		sig, err := decode(s.Sig)
		if err != nil {
			return nil, fmt.Errorf("its signature cannot be read: %w", err)
		}
		for i, k := range keys {
			if Check(k, pae(e.PayloadType, payload), sig) {
				signer = names[i]
			}
		}
	}
	if signer == "" {
		return nil, refuse("no key that is given signed it")
	}
	if e.PayloadType != inToto {
		return nil, fmt.Errorf("it signs %q, and not an in-toto statement", e.PayloadType)
	}
	return statement(payload, signer)
}

func statement(payload []byte, signer string) (*Signed, error) {
	var s struct {
		Subject []struct {
			Name   string            `json:"name"`
			Digest map[string]string `json:"digest"`
		} `json:"subject"`
		PredicateType string `json:"predicateType"`
		Predicate     struct {
			Serialization struct {
				Method  string   `json:"method"`
				Hash    string   `json:"hash_type"`
				Ignored []string `json:"ignore_paths"`
			} `json:"serialization"`
			Resources []struct {
				Name      string `json:"name"`
				Algorithm string `json:"algorithm"`
				Digest    string `json:"digest"`
			} `json:"resources"`
		} `json:"predicate"`
	}
	if err := json.Unmarshal(payload, &s); err != nil {
		return nil, fmt.Errorf("its statement cannot be read: %w", err)
	}
	out := &Signed{Signer: signer, Files: map[string]string{}}
	if s.PredicateType != predicate {
		for _, x := range s.Subject {
			if d := x.Digest["sha256"]; d != "" {
				out.Files[x.Name] = "sha256:" + strings.ToLower(d)
			}
		}
		if len(out.Files) == 0 {
			return nil, fmt.Errorf("its statement of type %q names no file by SHA-256", s.PredicateType)
		}
		return out, nil
	}
	whole := sha256.New()
	for _, r := range s.Predicate.Resources {
		if r.Algorithm != "sha256" {
			return nil, fmt.Errorf("%s is signed by its %s, which is not read here: sign with SHA-256", r.Name, r.Algorithm)
		}
		sum, err := hex.DecodeString(r.Digest)
		if err != nil || len(sum) != sha256.Size {
			return nil, fmt.Errorf("%s has no digest of SHA-256", r.Name)
		}
		if out.Files[r.Name] != "" {
			return nil, refuse("it lists %s twice", r.Name)
		}
		whole.Write(sum)
		out.Files[r.Name] = "sha256:" + strings.ToLower(r.Digest)
	}
	if m := s.Predicate.Serialization.Method; m != "files" {
		return nil, fmt.Errorf("it is serialised by %q, and only by files is read here", m)
	}
	if len(s.Subject) != 1 || !strings.EqualFold(s.Subject[0].Digest["sha256"], hex.EncodeToString(whole.Sum(nil))) {
		return nil, refuse("its subject's digest is not that of the files it lists")
	}
	out.Ignored = s.Predicate.Serialization.Ignored
	return out, nil
}

// message is a signature over the digest of one blob.
func (b *bundle) message(keys []crypto.PublicKey, names []string) (*Signed, error) {
	sum, err := base64.StdEncoding.DecodeString(b.Message.Digest.Digest)
	if err != nil || b.Message.Digest.Algorithm != "SHA2_256" || len(sum) != sha256.Size {
		return nil, errors.New("it signs no SHA-256 of a file")
	}
	sig, err := decode(b.Message.Signature)
	if err != nil {
		return nil, fmt.Errorf("its signature cannot be read: %w", err)
	}
	for i, k := range keys {
		if checkDigest(k, sum, sig) {
			return &Signed{Signer: names[i], Files: map[string]string{"": "sha256:" + hex.EncodeToString(sum)}}, nil
		}
	}
	return nil, refuse("no key that is given signed it")
}

func decode(s string) ([]byte, error) {
	if b, err := base64.StdEncoding.DecodeString(s); err == nil {
		return b, nil
	}
	return base64.URLEncoding.DecodeString(s)
}

// Check reports whether a key signed a text.
func Check(key crypto.PublicKey, text, sig []byte) bool {
	switch k := key.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(k, text, sig)
	case *ecdsa.PublicKey:
		switch k.Curve.Params().BitSize {
		case 384:
			sum := sha512.Sum384(text)
			if ecdsa.VerifyASN1(k, sum[:], sig) {
				return true
			}
		case 521:
			sum := sha512.Sum512(text)
			if ecdsa.VerifyASN1(k, sum[:], sig) {
				return true
			}
		}
	}
	sum := sha256.Sum256(text)
	return checkDigest(key, sum[:], sig)
}

func checkDigest(key crypto.PublicKey, sum, sig []byte) bool {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(k, sum, sig)
	case *rsa.PublicKey:
		return k.N.BitLen() >= 2048 && (rsa.VerifyPKCS1v15(k, crypto.SHA256, sum, sig) == nil || rsa.VerifyPSS(k, crypto.SHA256, sum, sig, nil) == nil)
	}
	return false
}

// ParseKeys reads public keys in PEM (PKIX).
func ParseKeys(text []byte) ([]crypto.PublicKey, error) {
	var out []crypto.PublicKey
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		text = rest
		if block.Type != "PUBLIC KEY" {
			return nil, fmt.Errorf("a %s is no public key", strings.ToLower(block.Type))
		}
		k, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("a public key cannot be read: %w", err)
		}
		out = append(out, k)
	}
	if len(out) == 0 {
		return nil, errors.New("no public key in PEM is in it")
	}
	return out, nil
}

// KeyName names a key by the SHA-256 of its PKIX form.
func KeyName(k crypto.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(k)
	if err != nil {
		return "a key"
	}
	sum := sha256.Sum256(der)
	return "key sha256:" + hex.EncodeToString(sum[:])
}

// Match holds files against what a signature covers: each must be listed with its
// digest, and each that is listed must be there. ignored are paths the caller leaves
// out: the signature itself.
func (s *Signed) Match(files map[string]string, ignored ...string) error {
	if want, blob := s.Files[""]; blob && len(s.Files) == 1 {
		for name, got := range files {
			if !slices.Contains(ignored, name) && got != want {
				return refuse("%s is not what was signed: its digest is another", name)
			}
		}
		return nil
	}
	skip := func(name string) bool {
		return slices.ContainsFunc(append(slices.Clone(ignored), s.Ignored...), func(i string) bool { return name == i || strings.HasPrefix(name, strings.TrimSuffix(i, "/")+"/") })
	}
	for name, want := range s.Files {
		got, there := files[name]
		switch {
		case !there:
			return refuse("%s was signed and is not there", name)
		case got != want:
			return refuse("%s is not what was signed: its digest is another", name)
		}
	}
	for name := range files {
		if s.Files[name] == "" && slices.Contains(ignored, name) {
			continue
		}
		if s.Files[name] == "" && skip(name) && gitOnly(name) {
			continue
		}
		if s.Files[name] == "" {
			return refuse("%s is there and was not signed", name)
		}
	}
	return nil
}

// gitOnly are what signers leave out by themselves: nothing that a framework loads.
// Whatever else a statement says was ignored is unsigned all the same.
func gitOnly(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return first == ".git" || first == ".gitattributes" || first == ".gitignore" || first == ".github"
}
