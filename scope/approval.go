package scope

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// Loosening is a setting that lets workloads grow with less proof than the
// default asks for. Where approvers are named it counts only if one of them
// signed it: whoever is held back cannot loosen the gate himself.
type Loosening struct {
	// Setting is "pilot", "fail_on", "keys" or "signer".
	Setting string
	// Workload is the name of the workload a pilot is of; empty for the others.
	Workload string
	Value    string
}

// Text is what an approver signs.
func (l Loosening) Text() []byte {
	return fmt.Appendf(nil, "sevenfold setting 1\n%d:%s%d:%s%d:%s", len(l.Setting), l.Setting, len(l.Workload), l.Workload, len(l.Value), l.Value)
}

// Sign returns an approver's signature of the setting, as sevenfold.yaml
// spells it.
func (l Loosening) Sign(key ed25519.PrivateKey) string {
	return base64.StdEncoding.EncodeToString(ed25519.Sign(key, l.Text()))
}

// String names the setting as people do.
func (l Loosening) String() string {
	if l.Workload == "" {
		return l.Setting + ": " + l.Value
	}
	return l.Setting + " of " + l.Workload + ": " + l.Value
}

// hold takes every loosening back that no approver signed.
func (s *Scope) hold() {
	if len(s.Gate.Approvers) == 0 {
		return
	}
	for i := range s.Declared {
		d := &s.Declared[i]
		l := Loosening{"pilot", d.Name, fmt.Sprint(d.Pilot.Replicas)}
		if d.Pilot.Replicas > 1 && !s.approved(l, d.Pilot.Signature) {
			s.Held = append(s.Held, l)
			d.Pilot.Replicas = 1
		}
	}
	l := Loosening{"fail_on", "", string(s.Gate.FailOn)}
	if !finding.High.AtLeast(s.Gate.FailOn) && !s.approved(l, s.Gate.FailOnSignature) {
		s.Held = append(s.Held, l)
		s.Gate.FailOn = finding.High
	}
	s.Gate.Signers = slices.DeleteFunc(s.Gate.Signers, func(w Signer) bool {
		l := w.loosening()
		counts := w.SHA256 != "" && s.approved(l, w.Signature)
		if !counts {
			s.Held = append(s.Held, l)
		}
		return !counts
	})
	if l, ok := s.Access.Keys.loosened(); ok && !s.approved(l, s.Access.Keys.Signature) {
		s.Held = append(s.Held, l)
		const most = KeyDays * 24 * time.Hour
		k := &s.Access.Keys
		k.Age, k.Unused = min(k.Age, most), min(k.Unused, most)
	}
}

func (s *Scope) approved(l Loosening, signature string) bool {
	sig, err := base64.StdEncoding.DecodeString(signature)
	if err != nil || len(sig) != ed25519.SignatureSize {
		return false
	}
	for _, key := range s.Gate.Approvers {
		if ed25519.Verify(key, l.Text(), sig) {
			return true
		}
	}
	return false
}
