package sigstore

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/sigstore"
	"github.com/sevenfold-sec/sevenfold/test/fakesigstore"
)

// Where the trusted root names logs of certificates, one of them has to have signed for the
// signer's; cosign, where it is found, comes to the same word.
func TestPublishedCertificate(t *testing.T) {
	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	ct := key()
	cosign, _ := exec.LookPath("cosign")
	for name, tt := range map[string]struct {
		ct   *ecdsa.PrivateKey
		sct  func([]byte) []byte
		want string
	}{
		"published":         {ct: ct},
		"in no log":         {want: "bears no word of a certificate log"},
		"in another log":    {ct: key(), want: "no certificate log"},
		"another signature": {ct: ct, sct: func(b []byte) []byte { b[len(b)-3] ^= 1; return b }, want: "no certificate log"},
		"another time":      {ct: ct, sct: func(b []byte) []byte { b[40] ^= 1; return b }, want: "no certificate log"},
		"another version":   {ct: ct, sct: func(b []byte) []byte { b[0] = 1; return b }, want: "no certificate log"},
		"before the log's":  {ct: ct, sct: func(b []byte) []byte { b[33], b[34], b[35] = 0, 0, 0; return b }, want: "no certificate log"},
		"cut":               {ct: ct, sct: func(b []byte) []byte { return b[:44] }, want: "no certificate log"},
		"empty":             {ct: ct, sct: func([]byte) []byte { return nil }, want: "no certificate log"},
	} {
		t.Run(name, func(t *testing.T) {
			d := fakesigstore.New(t)
			d.CT, d.SCT = tt.ct, tt.sct
			b, root := sealed(t, d), d.RootWithCT(ct.Public())
			r, err := sigstore.ParseRoot(root)
			if err != nil {
				t.Fatal(err)
			}
			err = sigstore.Signer{Root: r, Identity: identity, Issuer: issuer}.Verify(b)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if cosign == "" {
				return
			}
			dir := t.TempDir()
			text, err := b.Pack()
			if err != nil {
				t.Fatal(err)
			}
			for file, content := range map[string][]byte{"b.json": text, "root.json": root} {
				if err := os.WriteFile(filepath.Join(dir, file), content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.CommandContext(context.Background(), cosign, "verify-blob-attestation", "--bundle", filepath.Join(dir, "b.json"), "--trusted-root", filepath.Join(dir, "root.json"),
				"--certificate-identity", identity, "--certificate-oidc-issuer", issuer, "--type", "https://example.com/p", "--check-claims=false")
			cmd.Env = append(os.Environ(), "HOME="+dir)
			if out, err := cmd.CombinedOutput(); (err == nil) != (tt.want == "") {
				t.Errorf("cosign: %v\n%s", err, out)
			}
		})
	}
}
