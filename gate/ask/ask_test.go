package ask

import (
	"crypto/ed25519"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/gate"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
)

var issued = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func key(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(append(make([]byte, ed25519.SeedSize-1), seed))
}

// signed is a certificate of a workload that counts.
func signed(t *testing.T, name string, serial int64, limit int, k ed25519.PrivateKey, change func(*certificate.Predicate)) []byte {
	t.Helper()
	const digest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	p := certificate.Predicate{Estate: "acme", Workload: certificate.Workload{ID: "workload:" + name, Name: name, Type: "model endpoint", Owner: "o"}, Verdict: finding.Ready,
		Waivers: []finding.Waiver{}, Snapshot: "sha256:" + digest, Taken: issued, Scale: certificate.Scale{Pilot: 1, Limit: limit},
		Bundle: map[string]string{certificate.SnapshotFile: digest}, Tool: certificate.Tool{Name: "sevenfold", Version: "1", Controls: digest},
		Issued: issued, Expires: issued.Add(time.Hour), Serial: serial}
	for _, step := range gate.Table() {
		for _, l := range step.Lines {
			p.Criteria = append(p.Criteria, certificate.Criterion{ID: l.ID, Status: finding.CriterionPass, Evidence: digest})
		}
	}
	if change != nil {
		change(&p)
	}
	file, err := certificate.Encode(&certificate.Statement{Type: certificate.StatementType, PredicateType: certificate.PredicateType,
		Subject: certificate.Subjects(p.Workload.ID, map[string]string{"arn:aws:s3:::b": digest}), Predicate: p}, k)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// revocation ends the certificates of workload fraud up to a serial.
func revocation(t *testing.T, serial int64, k ed25519.PrivateKey) []byte {
	t.Helper()
	file, err := certificate.EncodeRevocation(certificate.Revocation{Workload: "workload:fraud", Name: "fraud", Serial: serial, At: issued, Why: "withdrawn", Certificate: strings.Repeat("ab", 32)}, k)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestMay(t *testing.T) {
	good := signed(t, "fraud", 7, 12, key(1), nil)
	for name, tt := range map[string]struct {
		files map[string][]byte
		n     int
		at    time.Duration
		pilot int
		want  gate.Word
		says  string
	}{
		"within_the_pilot":        {n: 1, want: gate.Admit, says: "pilot of 1"},
		"within_a_wider_pilot":    {n: 3, pilot: 3, want: gate.Admit, says: "pilot of 3"},
		"none":                    {n: 2, want: gate.Refuse, says: "has none"},
		"certified":               {files: map[string][]byte{"a": good}, n: 12, want: gate.Admit, says: "certificate 7"},
		"beyond_the_limit":        {files: map[string][]byte{"a": good}, n: 13, want: gate.Refuse, says: "to 12, not to 13"},
		"no_limit":                {files: map[string][]byte{"a": signed(t, "fraud", 7, 0, key(1), nil)}, n: 1000, want: gate.Admit},
		"expired":                 {files: map[string][]byte{"a": good}, n: 2, at: 2 * time.Hour, want: gate.Refuse, says: "expired"},
		"of_another":              {files: map[string][]byte{"a": signed(t, "other", 7, 0, key(1), nil)}, n: 2, want: gate.Refuse, says: "has none"},
		"another_estate":          {files: map[string][]byte{"a": signed(t, "fraud", 7, 0, key(1), func(p *certificate.Predicate) { p.Estate = "test" })}, n: 2, want: gate.Refuse, says: "estate"},
		"another_key":             {files: map[string][]byte{"a": signed(t, "fraud", 7, 0, key(2), nil)}, n: 2, want: gate.Refuse, says: "trusted key"},
		"forged_hides_nothing":    {files: map[string][]byte{"a": good, "b": signed(t, "fraud", 99, 0, key(2), nil)}, n: 2, want: gate.Admit},
		"changed":                 {files: map[string][]byte{"a": []byte(strings.Replace(string(good), "payload", "payloaD", 1))}, n: 2, want: gate.Refuse},
		"the_newest_counts":       {files: map[string][]byte{"a": good, "b": signed(t, "fraud", 8, 4, key(1), nil)}, n: 5, want: gate.Refuse, says: "certificate 8"},
		"a_newer_one_that_failed": {files: map[string][]byte{"a": good, "b": signed(t, "fraud", 8, 0, key(1), func(p *certificate.Predicate) { p.Expires = issued.Add(time.Minute) })}, n: 2, at: 30 * time.Minute, want: gate.Refuse, says: "expired"},
		"revoked":                 {files: map[string][]byte{"a": good, "b": revocation(t, 7, key(1))}, n: 2, want: gate.Refuse, says: "was revoked on 2026-"},
		"an_older_one_revoked":    {files: map[string][]byte{"a": good, "b": revocation(t, 6, key(1))}, n: 2, want: gate.Admit},
		"certified_again":         {files: map[string][]byte{"a": good, "b": revocation(t, 7, key(1)), "c": signed(t, "fraud", 8, 12, key(1), nil)}, n: 2, want: gate.Admit},
		"a_stranger_revokes":      {files: map[string][]byte{"a": good, "b": revocation(t, 7, key(2))}, n: 2, want: gate.Admit},
		"rubbish_beside":          {files: map[string][]byte{"a": good, "b": []byte("{"), ".c": []byte("x")}, n: 2, want: gate.Admit},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for n, text := range tt.files {
				if err := os.WriteFile(filepath.Join(dir, n), text, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Mkdir(filepath.Join(dir, "sub"), 0o700); err != nil {
				t.Fatal(err)
			}
			g := Gate{Dir: dir, Trusted: certificate.Keys(key(1).Public()), Estate: "acme", Pilot: tt.pilot, Now: func() time.Time { return issued.Add(time.Minute + tt.at) }}
			d, err := g.May("fraud", tt.n)
			if err != nil {
				t.Fatal(err)
			}
			if d.Decision != tt.want || len(d.Reasons) != 1 || !strings.Contains(d.Reasons[0].Text, tt.says) {
				t.Errorf("%+v", d)
			}
		})
	}
	if _, err := (Gate{Dir: filepath.Join(t.TempDir(), "nowhere")}).May("fraud", 2); err == nil {
		t.Error("a folder that is not there was asked")
	}
	if _, err := (Gate{}).May("fraud", -1); err == nil {
		t.Error("fewer than none")
	}
}
