package sigstore

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Skew is how far the clocks of a log and of who checks may differ.
const Skew = 5 * time.Minute

// Signer is one who signs without a key of their own: who an identity provider says
// it is, by a certificate that counts for minutes.
type Signer struct {
	Root *Root
	// Identity is the address or URI in the certificate, Issuer the provider that
	// vouched for it. Both are compared letter by letter, and neither may be empty.
	Identity, Issuer string
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// OpenError says why it cannot be told whether a bundle is a signer's: what would say so
// is not there, or is of a form that is not read. A bundle passes neither way.
type OpenError struct{ Why string }

// Error implements error.
func (e *OpenError) Error() string { return e.Why }

// Verify says why a bundle is not this signer's, nil if it is: it was entered in a log
// while the certificate counted, and the certificate and both logs are the root's. An
// *OpenError says that it may be. It is of an envelope: see VerifyBlob.
func (s Signer) Verify(b *Bundle) error {
	if b.Envelope == nil || len(b.Envelope.Signatures) != 1 {
		return &OpenError{"it bears no envelope with one signature"}
	}
	leaf, err := s.holds(b, content{envelope: b.Envelope, sig: b.Envelope.Signatures[0].Sig})
	if err != nil {
		return err
	}
	if !checks(leaf.PublicKey, PreAuth(b.Envelope.PayloadType, b.Envelope.Payload), b.Envelope.Signatures[0].Sig) {
		return errOther
	}
	return nil
}

var errOther = errors.New("its signature is not that of its certificate's key: it was changed after it was signed")

// VerifyBlob is Verify for a signature over the digest of one file, as cosign sign-blob
// makes it. It returns the file's SHA-256.
func (s Signer) VerifyBlob(b *Bundle) (sum []byte, err error) {
	m := b.Message
	if m == nil || b.Envelope != nil {
		return nil, &OpenError{"it bears no signature over a file, or an envelope beside it"}
	}
	if m.Digest.Algorithm != "SHA2_256" || len(m.Digest.Digest) != sha256.Size {
		return nil, &OpenError{fmt.Sprintf("it signs a file's %q: SHA2_256 is read", m.Digest.Algorithm)}
	}
	leaf, err := s.holds(b, content{digest: m.Digest.Digest, sig: m.Signature})
	if err != nil {
		return nil, err
	}
	ok := false
	switch key := leaf.PublicKey.(type) {
	case *ecdsa.PublicKey:
		ok = ecdsa.VerifyASN1(key, m.Digest.Digest, m.Signature)
	case *rsa.PublicKey:
		ok = rsa.VerifyPKCS1v15(key, crypto.SHA256, m.Digest.Digest, m.Signature) == nil
	default:
		return nil, &OpenError{"its certificate's key is none of ECDSA or RSA, whose signatures over files are read"}
	}
	if !ok {
		return nil, errOther
	}
	return m.Digest.Digest, nil
}

// holds holds a bundle's log entries, time stamps and certificate to the signer.
func (s Signer) holds(b *Bundle, signed content) (*x509.Certificate, error) {
	if s.Root == nil || s.Identity == "" || s.Issuer == "" {
		return nil, errors.New("no signer is named: a trusted root, an identity and an issuer are needed")
	}
	if b.Material.Certificate == nil {
		return nil, &OpenError{"it bears no certificate of who signed it"}
	}
	leaf, err := x509.ParseCertificate(b.Material.Certificate.Raw)
	if err != nil {
		return nil, fmt.Errorf("the signer's certificate cannot be read: %w", err)
	}
	if len(b.Material.Entries) == 0 {
		return nil, &OpenError{"no log entry comes with it: nothing says that it was signed while the certificate counted"}
	}
	stamps, passed, err := s.stamped(b.Material.Stamps, signed.sig)
	if err != nil {
		return nil, err
	}
	// Every entry must hold, at every time that is told: one that does not was put there
	// by somebody.
	for i := range b.Material.Entries {
		e := &b.Material.Entries[i]
		l, at, err := s.entry(e)
		if err != nil {
			return nil, err
		}
		if err := e.covers(signed, leaf); err != nil {
			return nil, err
		}
		times := slices.Clone(stamps)
		if !at.IsZero() {
			times = append(times, at)
		}
		switch {
		case len(times) == 0 && passed != nil:
			return nil, passed
		case len(times) == 0:
			return nil, &OpenError{"nothing says when it was signed: its log entry bears no signed time (inclusionPromise), and it no time stamp of an authority (timestampVerificationData)"}
		}
		for _, at := range times {
			if err := s.counted(leaf, l, at); err != nil {
				return nil, err
			}
		}
	}
	return leaf, s.named(leaf)
}

// counted says why a certificate or a log did not count at a time.
func (s Signer) counted(leaf *x509.Certificate, l *log, at time.Time) error {
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	if at.After(now().Add(Skew)) {
		return fmt.Errorf("it was logged at %s, which is still to come: set the clocks right, of the log or of this machine", stamp(at))
	}
	if !l.holds(at) {
		return fmt.Errorf("it was logged at %s, when the trusted root does not count that log", stamp(at))
	}
	return s.certified(leaf, at)
}

// PreAuth is what DSSE signs of a payload (DSSE v1.0.2, "PAE").
func PreAuth(kind string, payload []byte) []byte {
	return append([]byte("DSSEv1 "+strconv.Itoa(len(kind))+" "+kind+" "+strconv.Itoa(len(payload))+" "), payload...)
}

// checks reports whether a key signed a text: Ed25519, or ECDSA and RSA (PKCS #1) over
// its SHA-256. A longer key on a curve may sign the digest of its own length.
func checks(key crypto.PublicKey, text, sig []byte) bool {
	switch k := key.(type) {
	case ed25519.PublicKey:
		return len(k) == ed25519.PublicKeySize && ed25519.Verify(k, text, sig)
	case *ecdsa.PublicKey:
		switch k.Curve.Params().BitSize {
		case 384:
			if ecdsa.VerifyASN1(k, sum(crypto.SHA384, text), sig) {
				return true
			}
		case 521:
			if ecdsa.VerifyASN1(k, sum(crypto.SHA512, text), sig) {
				return true
			}
		}
		return ecdsa.VerifyASN1(k, sum(crypto.SHA256, text), sig)
	case *rsa.PublicKey:
		return k.N.BitLen() >= 2048 && rsa.VerifyPKCS1v15(k, crypto.SHA256, sum(crypto.SHA256, text), sig) == nil
	}
	return false
}

// The extensions of Fulcio's certificates that say who vouched: the newer holds a
// UTF8String, the older the bare text.
var (
	issuerOID    = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 8}
	oldIssuerOID = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 1}
)

// issuerOf is the identity provider in a certificate; empty: it names none.
func issuerOf(c *x509.Certificate) string {
	old := ""
	for _, e := range c.Extensions {
		switch {
		case e.Id.Equal(issuerOID):
			var text string
			if rest, err := asn1.UnmarshalWithParams(e.Value, &text, "utf8"); err == nil && len(rest) == 0 {
				return text
			}
			return ""
		case e.Id.Equal(oldIssuerOID):
			old = string(e.Value)
		}
	}
	return old
}

// identities are the names in a certificate.
func identities(c *x509.Certificate) []string {
	out := slices.Clone(c.EmailAddresses)
	for _, u := range c.URIs {
		out = append(out, u.String())
	}
	return out
}

// named holds a certificate to the identity and issuer.
func (s Signer) named(leaf *x509.Certificate) error {
	if have := identities(leaf); !slices.Contains(have, s.Identity) {
		return fmt.Errorf("it was signed by %q, not by %q", strings.Join(have, ", "), s.Identity)
	}
	if have := issuerOf(leaf); have != s.Issuer {
		return fmt.Errorf("%q is vouched for by %q, not by %q", s.Identity, have, s.Issuer)
	}
	return nil
}

// certified holds a certificate to the root's authorities at the time it signed.
func (s Signer) certified(leaf *x509.Certificate, at time.Time) error {
	if at.Before(leaf.NotBefore) || at.After(leaf.NotAfter) {
		return fmt.Errorf("it was logged at %s, and its certificate counted from %s to %s", stamp(at), stamp(leaf.NotBefore), stamp(leaf.NotAfter))
	}
	why := errors.New("no authority of the trusted root counted then")
	for _, a := range s.Root.authorities {
		if !a.holds(at) {
			continue
		}
		roots, between := x509.NewCertPool(), x509.NewCertPool()
		roots.AddCert(a.chain[len(a.chain)-1])
		for _, c := range a.chain[:len(a.chain)-1] {
			between.AddCert(c)
		}
		chains, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}})
		if err != nil {
			why = err
			continue
		}
		if len(chains[0]) < 2 {
			why = errors.New("it is an authority's own")
			continue
		}
		return s.published(leaf, chains[0][1])
	}
	return fmt.Errorf("its certificate leads to no authority of the trusted root: %w", why)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// SignerOf returns who a keyless bundle says signed it, by identity and issuer. Nobody
// checked that: see Signer.Verify.
func SignerOf(b *Bundle) (identity, issuer string, err error) {
	if b.Material.Certificate == nil {
		return "", "", errors.New("it bears no certificate of who signed it")
	}
	leaf, err := x509.ParseCertificate(b.Material.Certificate.Raw)
	if err != nil {
		return "", "", fmt.Errorf("the signer's certificate cannot be read: %w", err)
	}
	names := identities(leaf)
	if len(names) != 1 {
		return "", "", fmt.Errorf("the signer's certificate bears %d names", len(names))
	}
	return names[0], issuerOf(leaf), nil
}
