package sigstore

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	_ "crypto/sha1" //nolint:gosec // RFC 3161 names a stamp's certificate by it; the signature is not over it
	_ "crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// maxStamps is how many time stamps of a bundle are looked at; signers write one or two.
const maxStamps = 32

// errStranger says that a stamp is of an authority that the root does not name: it tells
// nothing, as if it were not there.
var errStranger = errors.New("its time stamp is of an authority that the trusted root does not name (timestampAuthorities)")

// The forms and attributes that a time stamp is made of (RFC 5652, RFC 3161, RFC 5035).
var (
	signedDataOID  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	tstInfoOID     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	contentTypeOID = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	messageOID     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	certOID        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 12}
	rsaOID         = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	cert2OID       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
)

// hashes are those of a digest, and of an ECDSA or RSA signature, by what names it.
var hashes = map[string]crypto.Hash{
	"2.16.840.1.101.3.4.2.1": crypto.SHA256, "2.16.840.1.101.3.4.2.2": crypto.SHA384, "2.16.840.1.101.3.4.2.3": crypto.SHA512,
	"1.2.840.10045.4.3.2": crypto.SHA256, "1.2.840.10045.4.3.3": crypto.SHA384, "1.2.840.10045.4.3.4": crypto.SHA512,
	"1.2.840.113549.1.1.11": crypto.SHA256, "1.2.840.113549.1.1.12": crypto.SHA384, "1.2.840.113549.1.1.13": crypto.SHA512,
}

type (
	stampReply struct {
		Status struct {
			Status int
			Text   []asn1.RawValue `asn1:"optional"`
			Fail   asn1.BitString  `asn1:"optional"`
		}
		Token struct {
			Type    asn1.ObjectIdentifier
			Content signedData `asn1:"explicit,tag:0"`
		} `asn1:"optional"`
	}
	signedData struct {
		Version int
		Digests asn1.RawValue
		Content struct {
			Type asn1.ObjectIdentifier
			Info []byte `asn1:"explicit,tag:0"`
		}
		Certificates asn1.RawValue `asn1:"optional,tag:0"`
		Revoked      asn1.RawValue `asn1:"optional,tag:1"`
		Signers      []stampSigner `asn1:"set"`
	}
	stampSigner struct {
		Version    int
		ID         asn1.RawValue
		Digest     pkix.AlgorithmIdentifier
		Attributes asn1.RawValue `asn1:"optional,tag:0"`
		Algorithm  pkix.AlgorithmIdentifier
		Signature  []byte
		Unsigned   asn1.RawValue `asn1:"optional,tag:1"`
	}
	stampInfo struct {
		Version int
		Policy  asn1.ObjectIdentifier
		Imprint struct {
			Algorithm pkix.AlgorithmIdentifier
			Sum       []byte
		}
		Serial *big.Int
		Time   time.Time `asn1:"generalized"`
	}
)

// stamped returns when authorities of the root say that a signature was there. Stamps of
// others are passed over; one of an authority of the root that does not hold is an error,
// since somebody put it there.
func (s Signer) stamped(stamps *Stamps, sig []byte) (times []time.Time, passed error, err error) {
	if stamps == nil {
		return nil, nil, nil
	}
	if len(stamps.RFC3161) > maxStamps {
		return nil, nil, &OpenError{fmt.Sprintf("it bears %d time stamps: %d are read", len(stamps.RFC3161), maxStamps)}
	}
	for _, t := range stamps.RFC3161 {
		at, err := s.stamp(t.Signed, sig)
		switch {
		case errors.Is(err, errStranger):
			passed = err
		case err != nil:
			return nil, nil, err
		default:
			times = append(times, at)
		}
	}
	return times, passed, nil
}

// stamp returns the time of one reply of an authority.
func (s Signer) stamp(der, sig []byte) (time.Time, error) {
	var reply stampReply
	if rest, err := asn1.Unmarshal(der, &reply); err != nil || len(rest) > 0 {
		return time.Time{}, &OpenError{"its time stamp cannot be read: it is no reply of a time-stamp authority in DER"}
	}
	data := &reply.Token.Content
	switch {
	case reply.Status.Status != 0 && reply.Status.Status != 1: // granted, with or without changes
		return time.Time{}, fmt.Errorf("its time stamp is a refusal, of status %d", reply.Status.Status)
	case !reply.Token.Type.Equal(signedDataOID) || !data.Content.Type.Equal(tstInfoOID) || len(data.Signers) != 1:
		return time.Time{}, errors.New("its time stamp is not one authority's signed word on a time")
	}
	var info stampInfo
	if rest, err := asn1.Unmarshal(data.Content.Info, &info); err != nil || len(rest) > 0 || info.Version != 1 {
		return time.Time{}, &OpenError{"its time stamp cannot be read: what it signs is no TSTInfo of version 1"}
	}
	signer := &data.Signers[0]
	leaf, err := s.stamper(data, signer, info.Time)
	if err != nil {
		return time.Time{}, err
	}
	if err := signer.holds(data.Content.Info, leaf); err != nil {
		return time.Time{}, err
	}
	hash := hashes[info.Imprint.Algorithm.Algorithm.String()]
	if hash == 0 {
		return time.Time{}, &OpenError{"its time stamp names the signature by a digest other than SHA-2"}
	}
	if !bytes.Equal(sum(hash, sig), info.Imprint.Sum) {
		return time.Time{}, errors.New("its time stamp is of another signature")
	}
	return info.Time, nil
}

// stamper is the certificate that a stamp was signed with, which leads to an authority of
// the root at the time it tells.
func (s Signer) stamper(data *signedData, signer *stampSigner, at time.Time) (*x509.Certificate, error) {
	why := errStranger
	for _, a := range s.Root.stampers {
		// Where the root names who stamps, nobody else does in that one's place.
		leaves := a.chain[:1]
		if a.chain[0].IsCA {
			embedded, err := x509.ParseCertificates(data.Certificates.Bytes)
			if err != nil {
				return nil, &OpenError{"the certificates of its time stamp cannot be read"}
			}
			leaves = embedded
		}
		for _, leaf := range leaves {
			if !signer.isBy(leaf) {
				continue
			}
			if !a.holds(at) {
				why = fmt.Errorf("its time stamp says %s, when the trusted root does not count its authority", stamp(at))
				continue
			}
			if len(leaf.ExtKeyUsage) != 1 || leaf.ExtKeyUsage[0] != x509.ExtKeyUsageTimeStamping { // RFC 3161, section 2.3
				why = errors.New("its time stamp was signed by a certificate that is not for stamping times alone")
				continue
			}
			roots, between := x509.NewCertPool(), x509.NewCertPool()
			roots.AddCert(a.chain[len(a.chain)-1])
			for _, c := range a.chain {
				between.AddCert(c)
			}
			if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}}); err != nil {
				// A stranger may bear the name of an authority: what it says is nothing.
				var invalid x509.CertificateInvalidError
				if errors.As(err, &invalid) {
					why = fmt.Errorf("its time stamp says %s, and the certificate of its authority does not hold then: %w", stamp(at), err)
				}
				continue
			}
			return leaf, nil
		}
	}
	return nil, why
}

// isBy reports whether a signer says that its certificate is this one.
func (s *stampSigner) isBy(c *x509.Certificate) bool {
	if s.ID.Class == asn1.ClassContextSpecific && s.ID.Tag == 0 {
		return len(c.SubjectKeyId) > 0 && bytes.Equal(s.ID.Bytes, c.SubjectKeyId)
	}
	var id struct {
		Issuer asn1.RawValue
		Serial *big.Int
	}
	rest, err := asn1.Unmarshal(s.ID.FullBytes, &id)
	return err == nil && len(rest) == 0 && bytes.Equal(id.Issuer.FullBytes, c.RawIssuer) && id.Serial.Cmp(c.SerialNumber) == 0
}

// holds says why a signer did not sign what a stamp says (RFC 5652, section 5.4).
func (s *stampSigner) holds(info []byte, leaf *x509.Certificate) error {
	hash := hashes[s.Digest.Algorithm.String()]
	if hash == 0 {
		return &OpenError{fmt.Sprintf("its time stamp is digested by %s: SHA-2 is read", s.Digest.Algorithm)}
	}
	attributes, err := s.attributes()
	if err != nil {
		return err
	}
	var kind asn1.ObjectIdentifier
	var digest []byte
	if _, err := asn1.Unmarshal(attributes[contentTypeOID.String()], &kind); err != nil || !kind.Equal(tstInfoOID) {
		return errors.New("its time stamp does not sign what kind of word it is")
	}
	if _, err := asn1.Unmarshal(attributes[messageOID.String()], &digest); err != nil || !bytes.Equal(digest, sum(hash, info)) {
		return errors.New("its time stamp was changed: its digest is of another word")
	}
	if !names(attributes, leaf) {
		return errors.New("its time stamp does not name the certificate it was signed with")
	}
	// They are signed as a SET, and stand there under a tag of their place.
	text := bytes.Clone(s.Attributes.FullBytes)
	text[0] = 0x31
	if h := hashes[s.Algorithm.Algorithm.String()]; h != 0 {
		hash = h
	}
	ok := false
	switch key := leaf.PublicKey.(type) {
	case ed25519.PublicKey:
		ok = ed25519.Verify(key, text, s.Signature)
	case *ecdsa.PublicKey:
		ok = ecdsa.VerifyASN1(key, sum(hash, text), s.Signature)
	case *rsa.PublicKey:
		if name := s.Algorithm.Algorithm; !name.Equal(rsaOID) && hashes[name.String()] == 0 {
			return &OpenError{fmt.Sprintf("its time stamp is signed by %s: of RSA, PKCS #1 with SHA-2 is read", name)}
		}
		ok = rsa.VerifyPKCS1v15(key, hash, sum(hash, text), s.Signature) == nil
	}
	if !ok {
		return errors.New("its time stamp was not signed by its authority")
	}
	return nil
}

// attributes are what is signed, by their names: each once, with one value.
func (s *stampSigner) attributes() (map[string][]byte, error) {
	out := map[string][]byte{}
	for rest := s.Attributes.Bytes; len(rest) > 0; {
		var a struct {
			Type   asn1.ObjectIdentifier
			Values []asn1.RawValue `asn1:"set"`
		}
		after, err := asn1.Unmarshal(rest, &a)
		if err != nil {
			return nil, &OpenError{"what its time stamp signs cannot be read"}
		}
		rest = after
		if name := a.Type.String(); len(a.Values) != 1 || out[name] != nil {
			return nil, errors.New("its time stamp says " + name + " not once")
		} else {
			out[name] = a.Values[0].FullBytes
		}
	}
	return out, nil
}

// names reports whether a stamp's attributes name a certificate by its digest.
func names(attributes map[string][]byte, leaf *x509.Certificate) bool {
	var list struct{ Certs []asn1.RawValue }
	for name, hash := range map[string]crypto.Hash{cert2OID.String(): crypto.SHA256, certOID.String(): crypto.SHA1} {
		if _, err := asn1.Unmarshal(attributes[name], &list); err != nil || len(list.Certs) == 0 {
			continue
		}
		// The first is its own. The digest's name is left out where it is SHA-256.
		var alg pkix.AlgorithmIdentifier
		content := list.Certs[0].Bytes
		if after, err := asn1.Unmarshal(content, &alg); err == nil && name == cert2OID.String() {
			content, hash = after, hashes[alg.Algorithm.String()]
		}
		var digest []byte
		if _, err := asn1.Unmarshal(content, &digest); err != nil || hash == 0 || !bytes.Equal(digest, sum(hash, leaf.Raw)) {
			return false
		}
		return true
	}
	return false
}

func sum(h crypto.Hash, text []byte) []byte {
	w := h.New()
	w.Write(text)
	return w.Sum(nil)
}
