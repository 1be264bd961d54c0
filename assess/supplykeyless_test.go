package assess

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	actsigstore "github.com/sevenfold-sec/sevenfold/act/sigstore"
	"github.com/sevenfold-sec/sevenfold/sigstore"
	"github.com/sevenfold-sec/sevenfold/steps/supply/signature"
	"github.com/sevenfold-sec/sevenfold/test/fakesigstore"
)

// TestKeylessModel: a model that somebody signed without a key of their own, whose
// certificate ended minutes later, is verified by what the log says and refused where
// that does not hold.
func TestKeylessModel(t *testing.T) {
	d := fakesigstore.New(t)
	server := httptest.NewServer(d)
	defer server.Close()
	sum := sha256.Sum256([]byte("weights"))
	whole := sha256.Sum256(sum[:])
	statement := fmt.Sprintf(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"m","digest":{"sha256":%q}}],"predicateType":"https://model_signing/signature/v1.0",
		"predicate":{"serialization":{"method":"files","hash_type":"sha256"},"resources":[{"name":"model.safetensors","algorithm":"sha256","digest":%q}]}}`, hex.EncodeToString(whole[:]), hex.EncodeToString(sum[:]))
	made, err := actsigstore.Services{Fulcio: server.URL, Rekor: server.URL, Token: fakesigstore.Token}.Sign(t.Context(), "application/vnd.in-toto+json", []byte(statement))
	if err != nil {
		t.Fatal(err)
	}
	text, err := made.Pack()
	if err != nil {
		t.Fatal(err)
	}
	root := func(d *fakesigstore.Double) *sigstore.Root {
		r, err := sigstore.ParseRoot(d.Root(d.LogKey.Public()))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	trust := signature.Trust{Sigstore: root(d), Identity: fakesigstore.Identity, Issuer: fakesigstore.Issuer, At: time.Now().Add(24 * time.Hour)}
	tests := []struct {
		name, weights string
		bundle        func(*sigstore.Bundle)
		trust         func(*signature.Trust)
		verdict, why  string
	}{
		{"signed, a day ago", "weights", nil, nil, "verified", ""},
		{"another file", "weight5", nil, nil, "refused", "its digest is another"},
		{"another signer", "weights", nil, func(t *signature.Trust) { t.Identity = "eve@example.com" }, "refused", "not by \"eve@example.com\""},
		{"another provider", "weights", nil, func(t *signature.Trust) { t.Issuer = "https://eve.example" }, "refused", "vouched for"},
		{"another root", "weights", nil, func(s *signature.Trust) { s.Sigstore = root(fakesigstore.New(t)) }, "refused", "none of the trusted root"},
		{"before it was logged", "weights", nil, func(s *signature.Trust) { s.At = d.At.Add(-time.Hour) }, "refused", "still to come"},
		{"a proof that leads elsewhere", "weights", func(b *sigstore.Bundle) { b.Material.Entries[0].Proof.Hashes[0][3] ^= 1 }, nil, "refused", "does not lead"},
		{"a tree that nobody signed", "weights", func(b *sigstore.Bundle) {
			c := &b.Material.Entries[0].Proof.Checkpoint
			c.Envelope = c.Envelope[:strings.Index(c.Envelope, "\n\n")+2]
		}, nil, "refused", "did not sign the checkpoint"},
		{"an entry of something else", "weights", func(b *sigstore.Bundle) { b.Envelope.Payload[9] ^= 1 }, nil, "refused", "other content"},
		{"no proof", "weights", func(b *sigstore.Bundle) { b.Material.Entries[0].Proof = nil }, nil, "unknown", "bears no proof"},
		{"no entry", "weights", func(b *sigstore.Bundle) { b.Material.Entries = nil }, nil, "unknown", "no log entry"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, err := sigstore.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			if tt.bundle != nil {
				tt.bundle(b)
			}
			with := trust
			if tt.trust != nil {
				tt.trust(&with)
			}
			// Another tool's spelling is read as well as our own.
			spelt, err := json.MarshalIndent(b, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			for name, content := range map[string][]byte{"model.safetensors": []byte(tt.weights), "model.sig": spelt} {
				if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			p, err := VerifyFiles(t.Context(), dir, "", with, time.Now())
			if err != nil || p.Verdict != tt.verdict || !strings.Contains(p.Why, tt.why) {
				t.Errorf("%+v, %v, want %s: %s", p, err, tt.verdict, tt.why)
			}
		})
	}
}

// TestKeylessBlob: one file that cosign sign-blob signed, its bundle beside it.
func TestKeylessBlob(t *testing.T) {
	d := fakesigstore.New(t)
	root, err := sigstore.ParseRoot(d.Root(d.LogKey.Public()))
	if err != nil {
		t.Fatal(err)
	}
	other := d.Blob([]byte("others"))
	tests := []struct {
		name, weights string
		bundle        func(*sigstore.Bundle)
		identity      string
		verdict, why  string
	}{
		{"signed, a day ago", "weights", nil, fakesigstore.Identity, "verified", ""},
		{"another file", "weight5", nil, fakesigstore.Identity, "refused", "its digest is another"},
		{"another signer", "weights", nil, "eve@example.com", "refused", "not by \"eve@example.com\""},
		{"another file's digest put in", "others", func(b *sigstore.Bundle) { b.Message.Digest = other.Message.Digest }, fakesigstore.Identity, "refused", "other content"},
		{"another file's entry put in", "weights", func(b *sigstore.Bundle) { b.Material.Entries = other.Material.Entries }, fakesigstore.Identity, "refused", "other content"},
		{"another file's certificate put in", "weights", func(b *sigstore.Bundle) { b.Material.Certificate = other.Material.Certificate }, fakesigstore.Identity, "refused", "certificate"},
		{"a time that the log did not sign", "weights", func(b *sigstore.Bundle) { b.Material.Entries[0].Time-- }, fakesigstore.Identity, "refused", "did not sign"},
		{"no entry", "weights", func(b *sigstore.Bundle) { b.Material.Entries = nil }, fakesigstore.Identity, "unknown", "no log entry"},
		{"no proof", "weights", func(b *sigstore.Bundle) { b.Material.Entries[0].Proof = nil }, fakesigstore.Identity, "unknown", "bears no proof"},
		{"an entry of another kind", "weights", func(b *sigstore.Bundle) { b.Material.Entries[0].Kind.Version = "0.0.2" }, fakesigstore.Identity, "refused", "of kind"},
		{"another hash", "weights", func(b *sigstore.Bundle) { b.Message.Digest.Algorithm = "SHA2_512" }, fakesigstore.Identity, "unknown", "SHA2_256 is read"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := d.Blob([]byte("weights"))
			if tt.bundle != nil {
				tt.bundle(b)
			}
			text, err := json.MarshalIndent(b, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			model := filepath.Join(t.TempDir(), "model.safetensors")
			for name, content := range map[string][]byte{model: []byte(tt.weights), model + ".sigstore.json": text} {
				if err := os.WriteFile(name, content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			p, err := VerifyFiles(t.Context(), model, "", signature.Trust{Sigstore: root, Identity: tt.identity, Issuer: fakesigstore.Issuer, At: time.Now().Add(24 * time.Hour)}, time.Now())
			if err != nil || p.Verdict != tt.verdict || !strings.Contains(p.Why, tt.why) {
				t.Errorf("%+v, %v, want %s: %s", p, err, tt.verdict, tt.why)
			}
		})
	}
}
