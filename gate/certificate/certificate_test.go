package certificate

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/gate"
	"github.com/sevenfold-sec/sevenfold/test/race"
)

var issued = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func key(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(append(make([]byte, ed25519.SeedSize-1), seed))
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

const digest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// statement is one that counts: every line passes but the network's, which are
// waived.
func statement() *Statement {
	s := &Statement{Type: StatementType, PredicateType: PredicateType,
		Subject: Subjects("workload:w", map[string]string{"arn:aws:s3:::b": digest, "k8s://c/n/Deployment/d": digest}),
		Predicate: Predicate{Workload: Workload{ID: "workload:w", Name: "w", Type: "model endpoint", Owner: "o"}, Verdict: finding.Ready,
			Waivers:  []finding.Waiver{{Criterion: "network.*", Workload: "w", Reason: "r", Owner: "o", Expires: "2026-12-31"}},
			Snapshot: "sha256:" + digest, Taken: issued.Add(-time.Minute), Scale: Scale{Pilot: 1, Limit: 8},
			Bundle: map[string]string{SnapshotFile: digest}, Tool: Tool{"sevenfold", "1", digest},
			Issued: issued, Expires: issued.Add(7 * 24 * time.Hour), Serial: 7}}
	for _, step := range gate.Table() {
		for _, l := range step.Lines {
			c := Criterion{l.ID, finding.CriterionPass, digest}
			if step.ID == "network" {
				c.Status = finding.CriterionWaived
			}
			s.Predicate.Criteria = append(s.Predicate.Criteria, c)
		}
	}
	return s
}

func encode(t *testing.T, s *Statement, k ed25519.PrivateKey) []byte {
	t.Helper()
	file, err := Encode(s, k)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestWhatWasSignedIsRead(t *testing.T) {
	file := encode(t, statement(), key(1))
	got, reasons := Verify(file, Check{Trusted: Keys(public(key(2)), public(key(1))), Now: issued.Add(time.Hour), Workload: "w",
		Seen: func(string) int64 { return 7 }})
	if len(reasons) > 0 {
		t.Fatalf("refused: %v", reasons)
	}
	if d := cmp.Diff(statement(), got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	// Anybody's tool can read it: it is a DSSE envelope around an in-toto
	// statement.
	var plain struct {
		PayloadType string
		Payload     string
		Signatures  []struct{ KeyID, Sig string }
	}
	if err := json.Unmarshal(file, &plain); err != nil {
		t.Fatal(err)
	}
	payload, err := base64.StdEncoding.DecodeString(plain.Payload)
	if err != nil {
		t.Fatal(err)
	}
	sig, _ := base64.StdEncoding.DecodeString(plain.Signatures[0].Sig)
	if pae := "DSSEv1 28 application/vnd.in-toto+json " + itoa(len(payload)) + " " + string(payload); !ed25519.Verify(public(key(1)), []byte(pae), sig) {
		t.Error("the signature is not over DSSE's pre-authentication encoding")
	}
	for _, member := range []string{`"_type":"https://in-toto.io/Statement/v1"`, `"criteria":[{"id":"audit.inventory","status":"pass"`, `"verdict":"ready"`, `"expires":"2026-12-05T12:00:00Z"`, `"serial":7`} {
		if !strings.Contains(string(payload), member) {
			t.Errorf("the payload lacks %s", member)
		}
	}
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

// Whatever byte is changed, whichever way, cut off or added: it is refused.
func TestNoByteCanBeChanged(t *testing.T) {
	file := encode(t, statement(), key(1))
	check := Check{Trusted: Keys(public(key(1))), Now: issued}
	refused := func(what string, changed []byte) {
		t.Helper()
		if _, reasons := Verify(changed, check); len(reasons) == 0 {
			t.Errorf("%s: admitted", what)
		}
	}
	for i := 0; i < len(file); i += race.Size(1, 97) {
		flips := []byte{0x01, 0x20, 0x80, 0xff}
		for _, flip := range flips[:race.Size(len(flips), 1)] {
			changed := append([]byte{}, file...)
			changed[i] ^= flip
			refused("byte "+itoa(i)+" flipped", changed)
		}
		if i%race.Size(97, 384) == 0 {
			refused("cut at byte "+itoa(i), file[:i])
			refused("a blank at byte "+itoa(i), append(append(append([]byte{}, file[:i]...), ' '), file[i:]...))
		}
	}
	refused("a line more", append(append([]byte{}, file...), '\n'))
	refused("twice", append(append([]byte{}, file...), file...))
	refused("nothing", nil)
}

func TestVerifyRefuses(t *testing.T) {
	trusted := Keys(public(key(1)))
	tests := map[string]struct {
		change func(*Statement)
		check  Check
		want   string
	}{
		"expired":                  {nil, Check{Now: issued.Add(7 * 24 * time.Hour)}, "expired on 2026-12-05"},
		"issued in the future":     {nil, Check{Now: issued.Add(-Skew - time.Second)}, "still to come"},
		"another workload":         {nil, Check{Now: issued, Workload: "v"}, "is of w (workload:w), not of v"},
		"an older one":             {nil, Check{Now: issued, Seen: func(string) int64 { return 8 }}, "serial 7, and serial 8 has been seen"},
		"another key":              {nil, Check{Now: issued, Trusted: Keys(public(key(2)))}, "not signed by a trusted key"},
		"no key":                   {nil, Check{Now: issued, Trusted: Trust{Keys: []crypto.PublicKey{}}}, "not signed by a trusted key"},
		"not ready":                {func(s *Statement) { s.Predicate.Verdict = finding.NotReady }, Check{Now: issued}, "says not-ready"},
		"a failing line":           {func(s *Statement) { s.Predicate.Criteria[2].Status = finding.CriterionFail }, Check{Now: issued}, "audit.deviations was fail"},
		"an unknown line":          {func(s *Statement) { s.Predicate.Criteria[2].Status = finding.CriterionUnknown }, Check{Now: issued}, "audit.deviations was unknown"},
		"a line of no such status": {func(s *Statement) { s.Predicate.Criteria[2].Status = "fine" }, Check{Now: issued}, "its criteria say unknown"},
		"a line is missing":        {func(s *Statement) { s.Predicate.Criteria = s.Predicate.Criteria[1:] }, Check{Now: issued}, "says nothing of audit.inventory"},
		"a line twice":             {func(s *Statement) { s.Predicate.Criteria = append(s.Predicate.Criteria, s.Predicate.Criteria[0]) }, Check{Now: issued}, "twice"},
		"waived by nobody":         {func(s *Statement) { s.Predicate.Waivers = nil }, Check{Now: issued}, "no waiver in the certificate covers network.zones"},
		"waived for another":       {func(s *Statement) { s.Predicate.Waivers[0].Workload = "v" }, Check{Now: issued}, "no waiver in the certificate covers"},
		"the waiver ended":         {func(s *Statement) { s.Predicate.Waivers[0].Expires = "2026-11-27" }, Check{Now: issued}, "ended on 2026-11-27"},
		"no approver signed":       {nil, Check{Now: issued, Approvers: []ed25519.PublicKey{public(key(3))}}, "not signed by an approver"},
		"an approver signed others": {func(s *Statement) {
			w := gate.SignWaiver(s.Predicate.Waivers[0], key(3))
			w.Reason = "other"
			s.Predicate.Waivers[0] = w
		}, Check{Now: issued, Approvers: []ed25519.PublicKey{public(key(3))}}, "not signed by an approver"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := statement()
			if tt.change != nil {
				tt.change(s)
			}
			if tt.check.Trusted.Keys == nil {
				tt.check.Trusted = trusted
			}
			_, reasons := Verify(encode(t, s, key(1)), tt.check)
			var texts []string
			for _, r := range reasons {
				texts = append(texts, r.Text)
				if r.Workload != "w" {
					t.Errorf("reason of workload %q", r.Workload)
				}
			}
			if !strings.Contains(strings.Join(texts, "\n"), tt.want) {
				t.Errorf("got %q, want %q", texts, tt.want)
			}
		})
	}
	s := statement()
	s.Predicate.Waivers[0] = gate.SignWaiver(s.Predicate.Waivers[0], key(3))
	if _, reasons := Verify(encode(t, s, key(1)), Check{Trusted: trusted, Now: issued.Add(-Skew), Approvers: []ed25519.PublicKey{public(key(3))}}); len(reasons) > 0 {
		t.Errorf("signed by an approver, within the clocks' difference: %v", reasons)
	}
}

func TestEncodeRefusesWhatIsNotWhole(t *testing.T) {
	for name, change := range map[string]func(*Statement){
		"no members":        func(s *Statement) { s.Subject = s.Subject[:1] },
		"no workload":       func(s *Statement) { s.Predicate.Workload.ID = "" },
		"another subject":   func(s *Statement) { s.Subject[0].Name = "workload:v" },
		"a wrong whole":     func(s *Statement) { s.Subject[0].Digest.SHA256 = strings.Repeat("0", 64) },
		"a member twice":    func(s *Statement) { s.Subject = append(s.Subject, s.Subject[1]) },
		"no serial":         func(s *Statement) { s.Predicate.Serial = 0 },
		"expired when made": func(s *Statement) { s.Predicate.Expires = s.Predicate.Issued },
		"a short digest":    func(s *Statement) { s.Subject = Subjects("workload:w", map[string]string{"a": "00"}) },
		"a negative limit":  func(s *Statement) { s.Predicate.Scale.Limit = -1 },
		"another type":      func(s *Statement) { s.Type = "x" },
		"another predicate": func(s *Statement) { s.PredicateType = "x" },
	} {
		s := statement()
		change(s)
		if _, err := Encode(s, key(1)); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
}

func TestKeys(t *testing.T) {
	k := key(1)
	private, err := MarshalPrivate(k)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParsePrivate(private); err != nil || !got.Equal(k) {
		t.Errorf("private key: %v", err)
	}
	der, _ := x509.MarshalPKIXPublicKey(k.Public())
	for _, text := range []string{KeyID(public(k)), " " + KeyID(public(k)) + "\n", "ed25519:" + base64.RawURLEncoding.EncodeToString(public(k)),
		string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))} {
		if got, err := ParsePublic(text); err != nil || !got.Equal(public(k)) {
			t.Errorf("%q: %v", text, err)
		}
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaPublic, _ := x509.MarshalPKIXPublicKey(other.Public())
	rsaPrivate, _ := x509.MarshalPKCS8PrivateKey(other)
	for text, want := range map[string]string{
		"":              "neither",
		"ed25519:AAAA":  "32 bytes",
		"ed25519:????":  "32 bytes",
		string(private): "a private key stands",
		string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: rsaPublic})):    "Ed25519 is expected",
		string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("no")})): "no public key",
	} {
		if _, err := ParsePublic(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	for text, want := range map[string]string{
		"": "no private key",
		string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: rsaPrivate})): "is encrypted",
		string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: rsaPrivate})):       "PKCS #8",
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: rsaPrivate})):           "Ed25519 is expected",
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("no")})):         "no private key",
	} {
		if _, err := ParsePrivate([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestBundle(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "b")
	files := map[string][]byte{SnapshotFile: []byte("s"), ScopeFile: []byte("y"), "controls/c/control.yaml": []byte("c")}
	s := statement()
	var err error
	if s.Predicate.Bundle, err = WriteBundle(dir, files); err != nil {
		t.Fatal(err)
	}
	b, err := s.OpenBundle(dir)
	if err != nil || !b.Has(ScopeFile) || b.Has(VersionsFile) || b.Controls() == nil {
		t.Fatalf("%v %+v", err, b)
	}
	refused := func(file, why string) {
		t.Helper()
		var wrong *BundleError
		if _, err := s.OpenBundle(dir); !errors.As(err, &wrong) || wrong.File != file || !strings.Contains(wrong.Why, why) {
			t.Errorf("got %v, want %s %s", err, file, why)
		}
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name := range files {
		write(name, string(files[name])+" ")
		refused(name, "was changed")
		write(name, string(files[name]))
	}
	write("controls/c/more.yaml", "m")
	refused("controls/c/more.yaml", "is not named")
	if err := os.Remove(filepath.Join(dir, "controls/c/more.yaml")); err != nil {
		t.Fatal(err)
	}
	write("notes.txt", "no part of it")
	if _, err := s.OpenBundle(dir); err != nil {
		t.Errorf("a file beside the bundle's: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, ScopeFile)); err != nil {
		t.Fatal(err)
	}
	refused(ScopeFile, "is missing")
	s.Predicate.Bundle = map[string]string{SnapshotFile: digest, "../../x": digest}
	refused("../../x", "is no path")
	s.Predicate.Bundle = map[string]string{ScopeFile: digest}
	refused(SnapshotFile, "is not named")
}

func FuzzOpen(f *testing.F) {
	good, err := Encode(statement(), key(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"keyid":"","sig":""}]}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		s, err := Open(file, Keys(public(key(1))))
		if err == nil && string(file) != string(good) {
			t.Fatalf("a file nobody signed is opened: %+v", s)
		}
		if peeked, err := Peek(file); err == nil {
			peeked.refusals(Check{Now: issued})
			peeked.Members()
		}
	})
}
