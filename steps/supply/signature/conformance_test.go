package signature

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/sigstore"
)

// TestConformance holds the bundles of sigstore/sigstore-conformance to what that says of
// them: a folder whose name ends in _fail verifies for nobody, every other one does. SEVENFOLD_CORPORA names a
// folder with its checkout and, in that, trusted_root.json of sigstore/root-signing.
func TestConformance(t *testing.T) {
	corpora := os.Getenv("SEVENFOLD_CORPORA")
	home := filepath.Join(corpora, "sigstore-conformance")
	dirs, err := filepath.Glob(filepath.Join(home, "test", "assets", "bundle-verify", "*", "bundle.sigstore.json"))
	if corpora == "" || err != nil || len(dirs) == 0 {
		t.Skip("SEVENFOLD_CORPORA holds no sigstore-conformance")
	}
	verified, refused, open := 0, 0, 0
	for _, bundle := range dirs {
		dir := filepath.Dir(bundle)
		name := filepath.Base(dir)
		t.Run(name, func(t *testing.T) {
			or := func(name, instead string) []byte {
				if text, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
					return text
				}
				text, err := os.ReadFile(instead)
				if err != nil {
					return []byte(instead)
				}
				return text
			}
			root, rerr := sigstore.ParseRoot(or("trusted_root.json", filepath.Join(home, "trusted_root.json")))
			trust := Trust{At: time.Now(), Sigstore: root,
				Identity: strings.TrimSpace(string(or("identity", "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main"))),
				Issuer:   strings.TrimSpace(string(or("issuer", "https://token.actions.githubusercontent.com")))}
			if key, err := os.ReadFile(filepath.Join(dir, "key.pub")); err == nil {
				if trust.Keys, err = ParseKeys(key); err != nil && rerr == nil {
					rerr = err
				}
			}
			text, err := os.ReadFile(bundle)
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(or("artifact", filepath.Join(home, "test", "assets", "bundle-verify", "a.txt")))
			var signed *Signed
			if err = rerr; err == nil {
				if signed, err = Verify(text, trust); err == nil {
					err = signed.MatchFile("a.txt", "sha256:"+hex.EncodeToString(sum[:]))
				}
			}
			var no *RefusedError
			switch {
			case err == nil:
				verified++
				if strings.HasSuffix(name, "_fail") {
					t.Error("it verifies")
				}
			case errors.As(err, &no):
				refused++
				if !strings.HasSuffix(name, "_fail") {
					t.Errorf("it is refused: %v", err)
				}
			default:
				open++
				if !strings.HasSuffix(name, "_fail") {
					t.Errorf("it cannot be told: %v", err)
				}
			}
			t.Log(err)
		})
	}
	t.Logf("%d verified, %d refused, %d not known", verified, refused, open)
	if verified == 0 || refused == 0 {
		t.Error("nothing verifies, or nothing is refused: of what is only unknown nothing is shown")
	}
}
