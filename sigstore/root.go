package sigstore

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Root is a trusted root: who may certify signers, and whose logs count.
type Root struct {
	authorities []authority
	logs, ct    []log
}

// authority certifies signers; chain is its own certificate up to the root.
type authority struct {
	chain []*x509.Certificate
	during
}

// log is a log by its key.
type log struct {
	key crypto.PublicKey
	id  [sha256.Size]byte // SHA-256 of the key's SubjectPublicKeyInfo
	during
}

// during is when something counts; a zero time is no bound.
type during struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

func (d during) holds(at time.Time) bool {
	return !at.Before(d.Start) && (d.End.IsZero() || !at.After(d.End))
}

// MaxRoot is the longest trusted root that is read.
const MaxRoot = 4 << 20

// ParseRoot reads a trusted_root.json, as Sigstore publishes it and
// cosign trusted-root create writes it. One without an authority or without a log of
// signatures decides nothing, and is an error.
func ParseRoot(text []byte) (*Root, error) {
	type jsonLog struct {
		Key struct {
			Raw   []byte `json:"rawBytes"`
			Valid during `json:"validFor"`
		} `json:"publicKey"`
	}
	var r struct {
		MediaType   string    `json:"mediaType"`
		Logs        []jsonLog `json:"tlogs"`
		CT          []jsonLog `json:"ctlogs"`
		Authorities []struct {
			Chain struct {
				Certificates []Certificate `json:"certificates"`
			} `json:"certChain"`
			Valid during `json:"validFor"`
		} `json:"certificateAuthorities"`
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("the trusted root cannot be read: %w", err)
	}
	out := &Root{}
	for i, a := range r.Authorities {
		var chain []*x509.Certificate
		for _, c := range a.Chain.Certificates {
			parsed, err := x509.ParseCertificate(c.Raw)
			if err != nil {
				return nil, fmt.Errorf("the trusted root: certificateAuthorities[%d]: %w", i, err)
			}
			chain = append(chain, parsed)
		}
		if len(chain) == 0 {
			return nil, fmt.Errorf("the trusted root: certificateAuthorities[%d] has no certificate", i)
		}
		out.authorities = append(out.authorities, authority{chain, a.Valid})
	}
	for _, l := range []struct {
		name string
		from []jsonLog
		to   *[]log
	}{{"tlogs", r.Logs, &out.logs}, {"ctlogs", r.CT, &out.ct}} {
		for i, x := range l.from {
			key, err := x509.ParsePKIXPublicKey(x.Key.Raw)
			if err != nil {
				return nil, fmt.Errorf("the trusted root: %s[%d]: %w", l.name, i, err)
			}
			*l.to = append(*l.to, log{key, sha256.Sum256(x.Key.Raw), x.Key.Valid})
		}
	}
	switch {
	case len(out.authorities) == 0:
		return nil, errors.New("the trusted root names no certificateAuthorities: nobody's certificate would count")
	case len(out.logs) == 0:
		return nil, errors.New("the trusted root names no tlogs: nothing would say when something was signed")
	}
	return out, nil
}
