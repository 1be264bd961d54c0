package sigstore

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// content is what was signed: an envelope, or else the SHA-256 of a file.
type content struct {
	envelope *Envelope
	digest   []byte
	sig      []byte
}

// entry holds an entry of the log to its proof and, where it bears one, its promise. It
// returns when the log says that it was entered; zero: it does not say.
func (s Signer) entry(e *Entry) (*log, time.Time, error) {
	var at time.Time
	i := slices.IndexFunc(s.Root.logs, func(l log) bool { return bytes.Equal(l.id[:], e.LogID.KeyID) })
	if i < 0 {
		return nil, at, fmt.Errorf("its log entry is of log %s, which is none of the trusted root", hex.EncodeToString(e.LogID.KeyID))
	}
	l := &s.Root.logs[i]
	if e.Promise != nil {
		// RFC 8785: members in order, no white space.
		promised, err := json.Marshal(struct {
			Body  string `json:"body"`
			Time  int64  `json:"integratedTime"`
			LogID string `json:"logID"`
			Index int64  `json:"logIndex"`
		}{base64.StdEncoding.EncodeToString(e.Body), e.Time, hex.EncodeToString(e.LogID.KeyID), e.LogIndex})
		if err != nil {
			return nil, at, err
		}
		if e.Time <= 0 || !checks(l.key, promised, e.Promise.Signed) {
			return nil, at, errors.New("the log did not sign that entry and time: its log entry was changed")
		}
		at = time.Unix(e.Time, 0)
	}
	if e.Proof == nil {
		return nil, at, &OpenError{"its log entry bears no proof that it stands in the log (inclusionProof)"}
	}
	if e.Promise == nil {
		// Nothing else holds the index and the name of a log that promises nothing.
		origin, _, _ := strings.Cut(e.Proof.Checkpoint.Envelope, "\n")
		name, _, _ := strings.Cut(origin, " - ")
		if bare, _, _ := strings.Cut(l.host, ":"); l.host != "" && name != l.host && name != bare {
			return nil, at, fmt.Errorf("the log's checkpoint is of %q, and the log of the trusted root is %q", origin, l.host)
		}
		if e.Kind.Version == "0.0.2" && e.LogIndex != e.Proof.LogIndex {
			return nil, at, fmt.Errorf("its log entry is number %d, and the log's proof is of entry %d", e.LogIndex, e.Proof.LogIndex)
		}
	}
	return l, at, e.Proof.holds(e.Body, l)
}

// Bodies of entries, of Rekor 1 and 2. What they do not name is not compared.
type (
	hexDigest struct {
		Algorithm string `json:"algorithm"`
		Value     string `json:"value"`
	}
	digest struct {
		Algorithm string `json:"algorithm"`
		Digest    []byte `json:"digest"`
	}
	signature2 struct {
		Content  []byte `json:"content"`
		Verifier struct {
			Certificate *Certificate `json:"x509Certificate"`
		} `json:"verifier"`
	}
	entryBody struct {
		Kind       string `json:"kind"`
		APIVersion string `json:"apiVersion"`
		Spec       struct {
			// hashedrekord 0.0.1
			Data struct {
				Hash hexDigest `json:"hash"`
			} `json:"data"`
			Signature struct {
				Content   []byte `json:"content"`
				PublicKey struct {
					Content []byte `json:"content"`
				} `json:"publicKey"`
			} `json:"signature"`
			// dsse 0.0.1
			PayloadHash hexDigest `json:"payloadHash"`
			Signatures  []struct {
				Signature []byte `json:"signature"`
				Verifier  []byte `json:"verifier"`
			} `json:"signatures"`
			// intoto 0.0.2
			Content struct {
				Envelope struct {
					PayloadType string `json:"payloadType"`
					Signatures  []struct {
						PublicKey []byte `json:"publicKey"`
						Sig       []byte `json:"sig"` // in base64 once more
					} `json:"signatures"`
				} `json:"envelope"`
				PayloadHash hexDigest `json:"payloadHash"`
			} `json:"content"`
			// hashedrekord 0.0.2: of a file, or of an envelope's pre-authentication encoding
			Hashed2 struct {
				Data      digest     `json:"data"`
				Signature signature2 `json:"signature"`
			} `json:"hashedRekordV002"`
			// dsse 0.0.2
			DSSE2 struct {
				PayloadHash digest       `json:"payloadHash"`
				Signatures  []signature2 `json:"signatures"`
			} `json:"dsseV002"`
		} `json:"spec"`
	}
)

// covers holds what was logged to what was signed, and by whom.
func (e *Entry) covers(signed content, leaf *x509.Certificate) error {
	form := e.Kind.Kind + ", " + e.Kind.Version
	ofFile := form == "hashedrekord, 0.0.1" || form == "hashedrekord, 0.0.2"
	ofEnvelope := form == "dsse, 0.0.1" || form == "dsse, 0.0.2" || form == "intoto, 0.0.2" || form == "hashedrekord, 0.0.2"
	switch {
	case signed.envelope == nil && !ofFile:
		return &OpenError{fmt.Sprintf("its log entry is of kind %q, version %q: hashedrekord, 0.0.1 or 0.0.2, is read of a file", e.Kind.Kind, e.Kind.Version)}
	case signed.envelope != nil && !ofEnvelope:
		return &OpenError{fmt.Sprintf("its log entry is of kind %q, version %q: dsse (0.0.1, 0.0.2), intoto 0.0.2 and hashedrekord 0.0.2 are read of an envelope", e.Kind.Kind, e.Kind.Version)}
	}
	var body entryBody
	if err := json.Unmarshal(e.Body, &body); err != nil {
		return fmt.Errorf("what was logged cannot be read: %w", err)
	}
	if body.Kind != e.Kind.Kind || body.APIVersion != e.Kind.Version {
		return fmt.Errorf("what was logged is of kind %q, version %q, and its log entry says %s", body.Kind, body.APIVersion, form)
	}
	same, spec := false, &body.Spec
	switch form {
	case "hashedrekord, 0.0.1":
		same = spec.Data.Hash.is(signed.digest) && bytes.Equal(spec.Signature.Content, signed.sig) && is(spec.Signature.PublicKey.Content, leaf)
	case "hashedrekord, 0.0.2":
		sum := signed.digest
		if env := signed.envelope; env != nil {
			of := sha256.Sum256(PreAuth(env.PayloadType, env.Payload))
			sum = of[:]
		}
		if spec.Hashed2.Data.Algorithm != "SHA2_256" {
			return &OpenError{fmt.Sprintf("what was logged is named by its %q: SHA2_256 is read", spec.Hashed2.Data.Algorithm)}
		}
		same = bytes.Equal(spec.Hashed2.Data.Digest, sum) && spec.Hashed2.Signature.is(signed.sig, leaf)
	case "dsse, 0.0.1":
		if s := spec.Signatures; len(s) == 1 {
			same = spec.PayloadHash.is(sumOf(signed.envelope.Payload)) && bytes.Equal(s[0].Signature, signed.sig) && is(s[0].Verifier, leaf)
		}
	case "dsse, 0.0.2":
		if d := spec.DSSE2; len(d.Signatures) == 1 {
			same = d.PayloadHash.Algorithm == "SHA2_256" && bytes.Equal(d.PayloadHash.Digest, sumOf(signed.envelope.Payload)) && d.Signatures[0].is(signed.sig, leaf)
		}
	case "intoto, 0.0.2":
		if c := spec.Content; len(c.Envelope.Signatures) == 1 {
			sig, err := base64.StdEncoding.DecodeString(string(c.Envelope.Signatures[0].Sig))
			same = err == nil && c.PayloadHash.is(sumOf(signed.envelope.Payload)) && c.Envelope.PayloadType == signed.envelope.PayloadType &&
				bytes.Equal(sig, signed.sig) && is(c.Envelope.Signatures[0].PublicKey, leaf)
		}
	}
	if !same {
		return errors.New("what was logged is other content, or another signature or certificate: the log entry is of something else, or it was changed after it was signed")
	}
	return nil
}

func sumOf(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:]
}

func (h hexDigest) is(sum []byte) bool {
	return h.Algorithm == "sha256" && h.Value == hex.EncodeToString(sum)
}

func (s *signature2) is(sig []byte, leaf *x509.Certificate) bool {
	c := s.Verifier.Certificate
	return c != nil && bytes.Equal(s.Content, sig) && bytes.Equal(c.Raw, leaf.Raw)
}

// is reports whether a text in PEM is a certificate.
func is(text []byte, c *x509.Certificate) bool {
	block, _ := pem.Decode(text)
	return block != nil && block.Type == "CERTIFICATE" && bytes.Equal(block.Bytes, c.Raw)
}
