// Package signature verifies, offline and with keys or roots that the caller gives,
// signatures over models: bundles of OpenSSF model-signing (a DSSE envelope with an
// in-toto statement that lists each file's digest, in a Sigstore bundle), and plain
// signatures of cosign over one blob.
//
// Keyless bundles are held against a trusted root by the room sigstore, with the
// promise and the proof of the log. Against bare certificate roots, whether one whose
// certificate has ended was signed before that is left open, so that it is unknown and
// not verified.
package signature

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/sigstore"
)

// Trust is what a verifier trusts.
type Trust struct {
	// Keys are public keys: *ecdsa.PublicKey, ed25519.PublicKey, *rsa.PublicKey.
	Keys []crypto.PublicKey
	// Roots sign the certificates of signers; nil: none is trusted.
	Roots *x509.CertPool
	// Identity that a certificate must bear (an address or URI); empty: any of Roots.
	Identity string
	// Sigstore is a trusted root that keyless signatures are held against, with the log
	// that says when they were made; nil: Roots alone. Issuer must have vouched for
	// Identity then.
	Sigstore *sigstore.Root
	Issuer   string
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
	// Attested says that it is a statement of in-toto on artifacts, and none on the files
	// of a model: its names are no more than told.
	Attested bool
	// Ignored are the paths that the signer left out, as the statement says.
	Ignored []string
}

// MaxBundle is the longest bundle that is read.
const MaxBundle = 64 << 20

// Verify checks a bundle and returns what it covers. A *RefusedError says that the
// signature does not fit; any other error that it could not be read, which is not a
// pass either.
func Verify(text []byte, t Trust) (*Signed, error) {
	b, err := sigstore.Read(text)
	if err != nil {
		return nil, err
	}
	if t.Sigstore != nil && len(b.Material.Certificates()) > 0 {
		return keyless(b, t)
	}
	keys, names, err := keysOf(b, t)
	if err != nil {
		return nil, err
	}
	if b.Message != nil {
		return message(b.Message, keys, names)
	}
	return verify(b.Envelope, keys, names)
}

// keyless holds a bundle against a trusted root: when it was signed is for the log to
// say, by its promise and by the proof that leads to its signed tree.
func keyless(b *sigstore.Bundle, t Trust) (*Signed, error) {
	if chain := b.Material.Certificates(); b.Material.Certificate == nil {
		// So bundles of versions 0.1 and 0.2 spell it. What leads from it to a root is the
		// trusted root's to say, and what comes along is not looked at, but that nobody may
		// bring a root of their own.
		for _, raw := range chain[1:] {
			c, err := x509.ParseCertificate(raw.Raw)
			if err != nil {
				return nil, fmt.Errorf("a certificate of its chain cannot be read: %w", err)
			}
			if bytes.Equal(c.RawIssuer, c.RawSubject) {
				return nil, refuse("it brings a root of its own (%s) along: what is a root, the trusted root says", c.Subject)
			}
		}
		b.Material.Certificate, b.Material.Chain = &chain[0], nil
	}
	s := sigstore.Signer{Root: t.Sigstore, Identity: t.Identity, Issuer: t.Issuer}
	if !t.At.IsZero() {
		s.Now = func() time.Time { return t.At }
	}
	var sum []byte
	var err error
	if b.Message != nil {
		sum, err = s.VerifyBlob(b)
	} else {
		err = s.Verify(b)
	}
	var open *sigstore.OpenError
	switch {
	case errors.As(err, &open):
		return nil, err
	case err != nil:
		return nil, refuse("%v", err)
	case b.Message != nil:
		return blob(t.Identity, sum), nil
	}
	return signed(b.Envelope, t.Identity)
}

func blob(signer string, sum []byte) *Signed {
	return &Signed{Signer: signer, Files: map[string]string{"": "sha256:" + hex.EncodeToString(sum)}}
}

// keys are those that may have signed: the ones trusted, or that of a certificate
// that leads to a trusted root.
func keysOf(b *sigstore.Bundle, t Trust) (keys []crypto.PublicKey, names []string, err error) {
	raws := b.Material.Certificates()
	if b.Material.Chain != nil && len(raws) == 0 {
		return nil, nil, errors.New("its chain of certificates is empty: nothing says who signed it")
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
		c, err := x509.ParseCertificate(raw.Raw)
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
			return nil, nil, fmt.Errorf("its certificate was valid until %s, and whether it was signed by then is for a transparency log to say: give --trusted-root, or --at", leaf.NotAfter.Format(time.RFC3339))
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

// Statement types and predicates that are understood.
const (
	inToto    = "application/vnd.in-toto+json"
	predicate = "https://model_signing/signature/v1.0"
)

func verify(e *sigstore.Envelope, keys []crypto.PublicKey, names []string) (*Signed, error) {
	if len(e.Signatures) == 0 {
		return nil, refuse("it bears no signature")
	}
	signer := ""
	for _, s := range e.Signatures {
		for i, k := range keys {
			if Check(k, sigstore.PreAuth(e.PayloadType, e.Payload), s.Sig) {
				signer = names[i]
			}
		}
	}
	if signer == "" {
		return nil, refuse("no key that is given signed it")
	}
	return signed(e, signer)
}

// signed is what an envelope covers whose signature holds.
func signed(e *sigstore.Envelope, signer string) (*Signed, error) {
	if e.PayloadType != inToto {
		return nil, fmt.Errorf("it signs %q, and not an in-toto statement", e.PayloadType)
	}
	return statement(e.Payload, signer)
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
		out.Attested = true
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
func message(m *sigstore.Message, keys []crypto.PublicKey, names []string) (*Signed, error) {
	sum := m.Digest.Digest
	if m.Digest.Algorithm != "SHA2_256" || len(sum) != sha256.Size {
		return nil, errors.New("it signs no SHA-256 of a file")
	}
	for i, k := range keys {
		if checkDigest(k, sum, m.Signature) {
			return blob(names[i], sum), nil
		}
	}
	for _, k := range keys {
		if _, edwards := k.(ed25519.PublicKey); edwards {
			return nil, errors.New("whether a key of Ed25519 that is given signed it cannot be told: such a key signs the file and not its SHA-256")
		}
	}
	return nil, refuse("no key that is given signed it")
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

// MatchFile holds one file against what a signature covers. In-toto's statements are
// matched by digest alone (in-toto attestation v1, "subject"), so that the file may bear
// another name by now.
func (s *Signed) MatchFile(name, sum string) error {
	if !s.Attested {
		return s.Match(map[string]string{name: sum})
	}
	for _, want := range s.Files {
		if sum == want {
			return nil
		}
	}
	return refuse("%s is not what was signed: its digest is another", name)
}

// Match holds files against what a signature covers: each must be listed with its
// digest, and each that is listed must be there. ignored are paths the caller leaves
// out: the signature itself.
func (s *Signed) Match(files map[string]string, ignored ...string) error {
	if want, blob := s.Files[""]; blob && len(s.Files) == 1 {
		there := false
		for name, got := range files {
			switch {
			case slices.Contains(ignored, name):
			case got != want:
				return refuse("%s is not what was signed: its digest is another", name)
			default:
				there = true
			}
		}
		if !there {
			return refuse("the file that was signed is not there")
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
