package scope

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// Where approvers are named, only a setting that one of them signed loosens the
// gate, and a signature of one setting serves no other.
func TestLooseningNeedsAnApprover(t *testing.T) {
	seed := make([]byte, ed25519.SeedSize)
	approver := ed25519.NewKeyFromSeed(seed)
	seed[0] = 1
	stranger := ed25519.NewKeyFromSeed(seed)
	sign := func(key ed25519.PrivateKey, setting, workload, value string) string {
		return Loosening{setting, workload, value}.Sign(key)
	}
	tests := map[string]struct {
		pilotSig, failSig string
		pilot             int
		failOn            finding.Severity
	}{
		"signed":             {sign(approver, "pilot", "w", "5"), sign(approver, "fail_on", "", "critical"), 5, finding.Critical},
		"unsigned":           {"", "", 1, finding.High},
		"by a stranger":      {sign(stranger, "pilot", "w", "5"), sign(stranger, "fail_on", "", "critical"), 1, finding.High},
		"of another":         {sign(approver, "pilot", "v", "5"), sign(approver, "pilot", "", "critical"), 1, finding.High},
		"of another value":   {sign(approver, "pilot", "w", "50"), sign(approver, "fail_on", "", "high"), 1, finding.High},
		"no base64":          {"?", "?", 1, finding.High},
		"only one is signed": {sign(approver, "pilot", "w", "5"), "", 5, finding.High},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			key := "ed25519:" + base64.StdEncoding.EncodeToString(approver.Public().(ed25519.PublicKey))
			s, err := Parse("f.yaml", fmt.Appendf(nil, "workloads:\n  - {name: w, pilot: {replicas: 5, signature: %q}}\ngate: {fail_on: critical, fail_on_signature: %q, approvers: [%q]}\n", tt.pilotSig, tt.failSig, key))
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Declared[0].Pilot.Replicas; got != tt.pilot {
				t.Errorf("pilot %d, want %d", got, tt.pilot)
			}
			if s.Gate.FailOn != tt.failOn {
				t.Errorf("fail_on %s, want %s", s.Gate.FailOn, tt.failOn)
			}
			held := 0
			for _, x := range []bool{tt.pilot == 1, tt.failOn == finding.High} {
				if x {
					held++
				}
			}
			if len(s.Held) != held {
				t.Errorf("held %v, want %d", s.Held, held)
			}
		})
	}
}

// A signer counts where an approver signed him and the root he is held against; a
// root that nothing pins could be anybody's tomorrow.
func TestSignersNeedAnApprover(t *testing.T) {
	seed := make([]byte, ed25519.SeedSize)
	approver := ed25519.NewKeyFromSeed(seed)
	key := "ed25519:" + base64.StdEncoding.EncodeToString(approver.Public().(ed25519.PublicKey))
	root, other := strings.Repeat("a", 64), strings.Repeat("b", 64)
	sign := func(value string) string { return Loosening{"signer", "", value}.Sign(approver) }
	const who = "release@example.com https://i.example "
	for name, tt := range map[string]struct {
		approvers, sha256, signature string
		counts                       bool
	}{
		"nobody approves":           {"", "", "", true},
		"signed":                    {key, root, sign(who + root), true},
		"unsigned":                  {key, root, "", false},
		"of another root":           {key, other, sign(who + root), false},
		"of another":                {key, root, sign("mallory@example.com https://i.example " + root), false},
		"as another setting":        {key, root, Loosening{"keys", "", who + root}.Sign(approver), false},
		"signed, of no root":        {key, "", sign(who), false},
		"signed by somebody else's": {key, root, "AAAA", false},
	} {
		t.Run(name, func(t *testing.T) {
			text := "gate:\n  signers:\n    - {identity: release@example.com, issuer: https://i.example, trusted_root: r.json"
			if tt.sha256 != "" {
				text += ", sha256: " + tt.sha256
			}
			text += fmt.Sprintf(", signature: %q}\n", tt.signature)
			if tt.approvers != "" {
				text += "  approvers: [" + tt.approvers + "]\n"
			}
			s, err := Parse("f.yaml", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if (len(s.Gate.Signers) == 1) != tt.counts || (len(s.Held) == 0) != tt.counts {
				t.Errorf("signers %v, held %v", s.Gate.Signers, s.Held)
			}
		})
	}
}

// A stricter fail_on and a pilot of one need nobody's word.
func TestStricterNeedsNobody(t *testing.T) {
	s, err := Parse("f.yaml", []byte("workloads:\n  - {name: w, pilot: {replicas: 1}}\n  - {name: v, pilot: {replicas: 0}}\n"+
		"gate: {fail_on: low, approvers: [\"ed25519:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Held) != 0 || s.Gate.FailOn != finding.Low || s.Declared[1].Pilot.Replicas != 0 {
		t.Errorf("held %v, fail_on %s, pilots %v", s.Held, s.Gate.FailOn, cmp.Diff(nil, s.Declared))
	}
}

func TestLimit(t *testing.T) {
	for text, ok := range map[string]bool{"limit: {replicas: 8}": true, "limit: {replicas: 0}": false, "limit: {replicas: -1}": false,
		"limit: {replicas: 3}, pilot: {replicas: 4}": false, "limit: {replicas: 4}, pilot: {replicas: 4}": true} {
		s, err := Parse("f.yaml", []byte("workloads:\n  - {name: w, "+text+"}\n"))
		if (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
		if ok && s.Declared[0].Limit == 0 {
			t.Errorf("%s: no limit is read", text)
		}
	}
}

// How old keys may become is anybody's to shorten, and an approver's to lengthen.
func TestLimitsOfKeys(t *testing.T) {
	const day = 24 * time.Hour
	approver := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	key := "ed25519:" + base64.StdEncoding.EncodeToString(approver.Public().(ed25519.PublicKey))
	signed := Loosening{"keys", "", "365d 90d"}.Sign(approver)
	tests := map[string]struct {
		text string
		want Keys
		held bool
	}{
		"shorter":                  {"{age: 30d, unused: 14d}", Keys{Age: 30 * day, Unused: 14 * day}, false},
		"longer, unsigned":         {"{age: 365d}", Keys{Age: 90 * day}, true},
		"longer, signed":           {"{age: 365d, signature: " + signed + "}", Keys{Age: 365 * day, Signature: signed}, false},
		"longer still than signed": {"{age: 366d, signature: " + signed + "}", Keys{Age: 90 * day, Signature: signed}, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := Parse("f.yaml", fmt.Appendf(nil, "access: {keys: %s}\ngate: {approvers: [%q]}\n", tt.text, key))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, s.Access.Keys); d != "" || len(s.Held) > 0 != tt.held {
				t.Errorf("(-want +got)\n%s held %v", d, s.Held)
			}
		})
	}
	for _, text := range []string{"{age: soon}", "{age: 0d}", "{unused: -3d}", "{ages: 3d}"} {
		if _, err := Parse("f.yaml", []byte("access: {keys: "+text+"}\n")); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}
