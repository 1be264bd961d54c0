package sigstore

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/sigstore"
)

// publish puts the word of a log of certificates into one that is about to be signed: the
// log signs what it will be without that word (RFC 6962, section 3.2).
func (d *double) publish(leaf *x509.Certificate, key any) {
	if d.ct == nil {
		return
	}
	before, err := x509.CreateCertificate(rand.Reader, leaf, d.caCert, key, d.ca)
	d.must(err)
	parsed, err := x509.ParseCertificate(before)
	d.must(err)
	at := binary.BigEndian.AppendUint64(nil, uint64(d.at.UnixMilli())) //nolint:gosec // after 1970
	tbs, by := parsed.RawTBSCertificate, sha256.Sum256(d.caCert.RawSubjectPublicKeyInfo)
	text := slices.Concat([]byte{0, 0}, at, []byte{0, 1}, by[:], []byte{byte(len(tbs) >> 16), byte(len(tbs) >> 8), byte(len(tbs))}, tbs, []byte{0, 0})
	sum := sha256.Sum256(text)
	sig, err := d.ct.Sign(rand.Reader, sum[:], crypto.SHA256)
	d.must(err)
	der, err := x509.MarshalPKIXPublicKey(d.ct.Public())
	d.must(err)
	id := sha256.Sum256(der)
	sct := slices.Concat([]byte{0}, id[:], at, []byte{0, 0, 4, 3}, binary.BigEndian.AppendUint16(nil, uint16(len(sig))), sig) //nolint:gosec // some 70 bytes
	if d.sct != nil {
		sct = d.sct(sct)
	}
	list := binary.BigEndian.AppendUint16(nil, uint16(len(sct))) //nolint:gosec // some 120 bytes
	list = append(list, sct...)
	list = append(binary.BigEndian.AppendUint16(nil, uint16(len(list))), list...) //nolint:gosec // some 120 bytes
	value, err := asn1.Marshal(list)
	d.must(err)
	leaf.ExtraExtensions = append(leaf.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}, Value: value})
}

// rootWithCT is the double's trusted root that names a log of certificates.
func (d *double) rootWithCT(key crypto.PublicKey) []byte {
	var root, logs map[string]any
	d.must(json.Unmarshal(d.root(d.logKey.Public()), &root))
	d.must(json.Unmarshal(d.root(key), &logs))
	root["ctlogs"] = logs["tlogs"]
	text, err := json.Marshal(root)
	d.must(err)
	return text
}

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
			d := newDouble(t)
			d.ct, d.sct = tt.ct, tt.sct
			b, root := d.sealed(), d.rootWithCT(ct.Public())
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
