package assess

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/local"
	"github.com/sevenfold-sec/sevenfold/steps/supply"
	"github.com/sevenfold-sec/sevenfold/steps/supply/modelfile"
	"github.com/sevenfold-sec/sevenfold/steps/supply/signature"
)

// TestVerifyFiles: testdata/signed was signed by model_signing 1.1.1 (PyPI) with
// `model_signing sign key model --private_key … --signature model/model.sig`; the private
// key was thrown away.
func TestVerifyFiles(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "signed", "signer.pem"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	trust := signature.Trust{Keys: []crypto.PublicKey{key}}
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name    string
		change  func(dir string) error
		verdict string
		why     string
	}{
		{"as it was signed", func(string) error { return nil }, "verified", ""},
		{"a flipped byte", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "sub", "weights.txt"), []byte("weightz"), 0o600)
		}, "refused", "sub/weights.txt is not what was signed"},
		{"a file more", func(dir string) error { return os.WriteFile(filepath.Join(dir, "x.bin"), []byte("x"), 0o600) }, "refused", "x.bin is there and was not signed"},
		{"a file less", func(dir string) error { return os.Remove(filepath.Join(dir, "config.json")) }, "refused", "config.json was signed and is not there"},
		{"a changed statement", func(dir string) error {
			sig, err := os.ReadFile(filepath.Join(dir, "model.sig"))
			if err != nil {
				return err
			}
			at := strings.Index(string(sig), `"payload":"`) + 400
			sig[at] ^= 1
			return os.WriteFile(filepath.Join(dir, "model.sig"), sig, 0o600)
		}, "refused", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "signed", "model"))); err != nil {
				t.Fatal(err)
			}
			if err := tt.change(dir); err != nil {
				t.Fatal(err)
			}
			p, err := VerifyFiles(context.Background(), dir, "", trust, now)
			if err != nil || p.Verdict != tt.verdict || !strings.Contains(p.Why, tt.why) {
				t.Fatalf("%+v, %v; want %s: %s", p, err, tt.verdict, tt.why)
			}
			if tt.verdict != "verified" {
				return
			}
			// What is examined, the bundle among it, is what the signature covers.
			looked, err := LookAt(context.Background(), []string{dir}, local.Options{}, modelfile.Limits{Digest: true}, false)
			if err != nil {
				t.Fatal(err)
			}
			files := supply.FilesOf(looked[0].Artifacts, now)
			if len(files.Sums) != 3 || strings.Join(files.Sums, " ") != strings.Join(p.Sums, " ") {
				t.Errorf("examined %v, signed %v", files.Sums, p.Sums)
			}
		})
	}
}
