package supply

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/supply/parts"
)

// Review is a person's word on one component or place as it was on a day. A new
// digest or version reopens it.
type Review struct {
	// Subject is a place, or a package URL.
	Subject string `json:"subject"`
	// Digest of what was looked at: of files or bill, of a service's fingerprint; of a
	// package its version.
	Digest   string    `json:"digest"`
	Decision string    `json:"decision"` // approved | rejected
	By       string    `json:"by"`
	Reason   string    `json:"reason,omitempty"`
	Taken    time.Time `json:"taken"`
	Until    time.Time `json:"until,omitzero"`
	// Signature of an approver, or of the state's own key, in standard base64.
	Signature string `json:"signature,omitempty"`
}

// reviewPrefix keeps a signature over a review from being one over anything else.
const reviewPrefix = "sevenfold supply review 1\n"

func (r Review) payload() ([]byte, error) {
	r.Signature = ""
	text, err := json.Marshal(r)
	return append([]byte(reviewPrefix), text...), err
}

// Sign signs a review.
func (r *Review) Sign(key ed25519.PrivateKey) error {
	text, err := r.payload()
	if err == nil {
		r.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(key, text))
	}
	return err
}

// Check returns why a review does not count; nil if one of the keys signed it.
func (r *Review) Check(trusted []ed25519.PublicKey) error {
	text, err := r.payload()
	if err != nil {
		return err
	}
	sig, err := base64.StdEncoding.DecodeString(r.Signature)
	if err != nil || len(sig) == 0 {
		return errors.New("it is not signed")
	}
	for _, k := range trusted {
		if ed25519.Verify(k, text, sig) {
			return nil
		}
	}
	return errors.New("no key that counts signed it")
}

// review is the last word on a subject, and whether it holds for a digest today.
func (k *Known) review(subject, digest string) (last *Review, holds bool) {
	for i := range k.Reviews {
		r := &k.Reviews[i]
		if r.Subject == subject && (last == nil || !r.Taken.Before(last.Taken)) {
			last = r
		}
	}
	return last, last != nil && last.Digest == digest && (last.Until.IsZero() || !k.Now.After(last.Until))
}

// Digest is what a review of a place is bound to.
func (e *Examined) Digest() string {
	var names []string
	if e.Files != nil {
		names = append(names, e.Files.Digest)
	}
	if e.Bill != nil {
		names = append(names, e.Bill.Digest)
	}
	return digestOf(names)
}

// DigestOf is what a review of a subject is bound to today; "" if nothing is known
// of it. Of a package URL it is its version.
func (k *Known) DigestOf(subject string) string {
	if _, _, version, ok := parts.ParsePURL(subject); ok {
		return version
	}
	if name, ok := strings.CutPrefix(subject, servicePrefix); ok {
		if f := k.fingerprint(name); f != nil {
			return f.Digest()
		}
		return ""
	}
	if e := k.find(subject); e != nil {
		return e.Digest()
	}
	return ""
}

// Stands says where a review stands: it holds, what it is of has changed, or it has
// ended.
func (k *Known) Stands(r *Review) string {
	switch {
	case !r.Until.IsZero() && k.Now.After(r.Until):
		return "ended"
	case k.DigestOf(r.Subject) != r.Digest:
		return "changed"
	}
	return "holds"
}
