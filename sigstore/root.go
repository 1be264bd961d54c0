package sigstore

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Root is a trusted root: who may certify signers, whose logs count, and who may say
// when something was signed.
type Root struct {
	authorities, stampers []authority
	logs, ct              []log
}

// authority certifies signers, or stamps times; chain is its own certificate up to the root.
type authority struct {
	chain []*x509.Certificate
	during
}

// log is a log by its key.
type log struct {
	key crypto.PublicKey
	// id is what entries name it by: the SHA-256 of the key's SubjectPublicKeyInfo, where
	// the root says nothing else. hint names the key in signatures of checkpoints.
	id   [sha256.Size]byte
	hint [4]byte
	host string // of its address, with the port; empty: the root has none
	during
}

// during is when something counts, both ends within.
type during struct {
	Start *time.Time `json:"start"`
	End   *time.Time `json:"end"`
}

func (d during) holds(at time.Time) bool {
	return (d.Start == nil || !at.Before(*d.Start)) && (d.End == nil || !at.After(*d.End))
}

// MaxRoot is the longest trusted root that is read.
const MaxRoot = 4 << 20

// ParseRoot reads a trusted_root.json, as Sigstore publishes it and
// cosign trusted-root create writes it. One without an authority or without a log of
// signatures decides nothing, and is an error.
func ParseRoot(text []byte) (*Root, error) {
	var r struct {
		MediaType   string          `json:"mediaType"`
		Logs        []jsonLog       `json:"tlogs"`
		CT          []jsonLog       `json:"ctlogs"`
		Authorities []jsonAuthority `json:"certificateAuthorities"`
		Stampers    []jsonAuthority `json:"timestampAuthorities"`
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("the trusted root cannot be read: %w", err)
	}
	if r.MediaType != "" && !strings.HasPrefix(r.MediaType, "application/vnd.dev.sigstore.trustedroot") {
		return nil, fmt.Errorf("it is of type %q, and no trusted root", r.MediaType)
	}
	out := &Root{}
	for _, a := range []struct {
		name string
		from []jsonAuthority
		to   *[]authority
	}{{"certificateAuthorities", r.Authorities, &out.authorities}, {"timestampAuthorities", r.Stampers, &out.stampers}} {
		for i, x := range a.from {
			parsed, err := x.parse()
			if err != nil {
				return nil, fmt.Errorf("the trusted root: %s[%d]%w", a.name, i, err)
			}
			*a.to = append(*a.to, parsed)
		}
	}
	for _, l := range []struct {
		name string
		from []jsonLog
		to   *[]log
	}{{"tlogs", r.Logs, &out.logs}, {"ctlogs", r.CT, &out.ct}} {
		for i, x := range l.from {
			parsed, err := x.parse()
			if err != nil {
				return nil, fmt.Errorf("the trusted root: %s[%d]%w", l.name, i, err)
			}
			*l.to = append(*l.to, parsed)
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

type jsonAuthority struct {
	Chain Chain   `json:"certChain"`
	Valid *during `json:"validFor"`
}

// parse reads an authority. Without a time of its own, its certificates bound it.
func (a *jsonAuthority) parse() (authority, error) {
	var out authority
	for _, c := range a.Chain.Certificates {
		parsed, err := x509.ParseCertificate(c.Raw)
		if err != nil {
			return out, fmt.Errorf(": %w", err)
		}
		out.chain = append(out.chain, parsed)
	}
	if len(out.chain) == 0 {
		return out, errors.New(" has no certificate")
	}
	if a.Valid != nil {
		if a.Valid.Start == nil {
			return out, errStart
		}
		out.during = *a.Valid
	}
	return out, nil
}

// errStart says that something of a root counts for ever, which nobody meant.
var errStart = errors.New(" does not say since when it counts (validFor.start)")

type jsonLog struct {
	URL string `json:"baseUrl"`
	Key struct {
		Raw   []byte `json:"rawBytes"`
		Valid during `json:"validFor"`
	} `json:"publicKey"`
	ID         LogID `json:"logId"`
	Checkpoint LogID `json:"checkpointKeyId"`
}

// parse reads a log. A key has no end of its own, so that the root must say when it counts.
func (l *jsonLog) parse() (log, error) {
	key, err := x509.ParsePKIXPublicKey(l.Key.Raw)
	if err != nil {
		// The first log of certificates of Sigstore's staging has a bare RSA key.
		if bare, perr := x509.ParsePKCS1PublicKey(l.Key.Raw); perr == nil {
			key, err = bare, nil
		}
	}
	switch {
	case err != nil:
		return log{}, fmt.Errorf(": %w", err)
	case l.Key.Valid.Start == nil:
		return log{}, errStart
	}
	out := log{key: key, id: sha256.Sum256(l.Key.Raw), during: l.Key.Valid}
	switch n := len(l.ID.KeyID); n {
	case 0:
	case len(out.id):
		copy(out.id[:], l.ID.KeyID)
	default:
		return log{}, fmt.Errorf(": its logId is of %d bytes, and no SHA-256", n)
	}
	copy(out.hint[:], out.id[:])
	if n := len(l.Checkpoint.KeyID); n >= len(out.hint) {
		copy(out.hint[:], l.Checkpoint.KeyID)
	} else if n > 0 {
		return log{}, errors.New(": its checkpointKeyId is shorter than the name of a key")
	}
	if u, err := url.Parse(l.URL); err == nil {
		out.host = u.Host
	}
	return out, nil
}
