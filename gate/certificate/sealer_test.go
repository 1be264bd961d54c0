package certificate

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/sevenfold-sec/sevenfold/sigstore"
	"github.com/sevenfold-sec/sevenfold/test/race"
)

// A certificate as a Sigstore bundle counts as a bare one does, and not one byte of it
// can be changed. Where cosign is found, it reads it too, and refuses another key's.
func TestSigstoreBundle(t *testing.T) {
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, k := range map[string]crypto.Signer{"ed25519": key(1), "ecdsa": p256} {
		t.Run(name, func(t *testing.T) {
			file, err := EncodeBy(statement(), BundleSealer(k))
			if err != nil {
				t.Fatal(err)
			}
			if s, reasons := Verify(file, Check{Trusted: Keys(public(key(9)), k.Public()), Now: issued}); s == nil || len(reasons) > 0 {
				t.Fatalf("refused: %v", reasons)
			}
			if _, err := Open(file, Keys(public(key(9)))); !errors.Is(err, ErrSigner) {
				t.Errorf("another key: %v", err)
			}
			if _, err := Open(file, Trust{Signers: []sigstore.Signer{{}}}); !errors.Is(err, ErrSigner) {
				t.Errorf("keyless trust takes a key's bundle: %v", err)
			}
			for i := 0; i < len(file); i += race.Size(1, 97) {
				if !race.Enabled && i%7 > 0 && len(file) > 4000 && i > 400 && i < len(file)-400 {
					continue // of the long payload every seventh byte
				}
				changed := bytes.Clone(file)
				changed[i] ^= 1
				if _, reasons := Verify(changed, Check{Trusted: Keys(k.Public()), Now: issued}); len(reasons) == 0 {
					t.Fatalf("byte %d of %d can be changed", i, len(file))
				}
			}
			t.Run("cosign", func(t *testing.T) { cosignReads(t, file, k.Public()) })
		})
	}
}

func cosignReads(t *testing.T, file []byte, public crypto.PublicKey) {
	cosign, err := exec.LookPath("cosign")
	if err != nil {
		t.Skip("no cosign on the PATH: make test/cosign/cosign builds it, some minutes once")
	}
	dir := t.TempDir()
	write := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pemOf := func(k crypto.PublicKey) []byte {
		der, err := x509.MarshalPKIXPublicKey(k)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	}
	bundle := write("c.json", file)
	ask := func(k crypto.PublicKey) ([]byte, error) {
		cmd := exec.CommandContext(context.Background(), cosign, "verify-blob-attestation", "--key", write("k.pub", pemOf(k)), "--bundle", bundle,
			"--insecure-ignore-tlog=true", "--type", PredicateType, "--check-claims=false")
		cmd.Env = append(os.Environ(), "HOME="+dir)
		return cmd.CombinedOutput()
	}
	if out, err := ask(public); err != nil {
		t.Errorf("cosign refuses it: %v\n%s", err, out)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := ask(other.Public()); err == nil {
		t.Errorf("cosign takes another key's:\n%s", out)
	}
}
