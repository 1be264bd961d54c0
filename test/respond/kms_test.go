package respond

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/test/moto"
)

// kms asks moto's key service for something that no code of ours may do.
func kms(t *testing.T, url, operation, body string) map[string]any {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "TrentService."+operation)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=testing/20261128/eu-west-1/kms/aws4_request, SignedHeaders=host, Signature=x")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v %s", operation, err, text)
	}
	out := map[string]any{}
	_ = json.Unmarshal(text, &out) // some answer nothing
	return out
}

// A key of AWS KMS signs: what moto's signs holds offline with the public key alone.
// Moto takes a digest for a message; test/moto/more.py mends that.
func TestKMSSigns(t *testing.T) {
	s := moto.Start(t, moto.More())
	made := func(spec string) string {
		m := kms(t, s.URL, "CreateKey", `{"KeySpec":"`+spec+`","KeyUsage":"SIGN_VERIFY"}`)["KeyMetadata"].(map[string]any)
		return m["Arn"].(string)
	}
	arn := made("ECC_NIST_P256")
	id := arn[strings.LastIndexByte(arn, '/')+1:]
	kms(t, s.URL, "CreateAlias", `{"AliasName":"alias/gate","TargetKeyId":"`+id+`"}`)
	for _, name := range []string{arn, id, "alias/gate"} {
		k, err := client(s.URL).KMSKey(t.Context(), name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		file, err := certificate.EncodeRevocation(certificate.Revocation{Workload: "w", Name: "w", Serial: 3, Why: "a test", Certificate: strings.Repeat("ab", 32)}, k)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		public, err := certificate.ParseKey(certificate.KeyID(k.Public()))
		if err != nil {
			t.Fatal(err)
		}
		if r, err := certificate.OpenRevocation(file, certificate.Keys(public)); err != nil || r.Serial != 3 {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		sum := sha256.Sum256([]byte("m"))
		if _, err := k.Sign(rand.Reader, sum[:], crypto.SHA512); err == nil {
			t.Error("signed by another hash")
		}
	}
	for _, spec := range []string{"RSA_2048", "ECC_NIST_P384"} {
		if _, err := client(s.URL).KMSKey(t.Context(), made(spec)); err == nil || !strings.Contains(err.Error(), "ECC_NIST_P256") {
			t.Errorf("a key of %s: %v", spec, err)
		}
	}
	if _, err := client(s.URL).KMSKey(t.Context(), "alias/none"); err == nil || !strings.Contains(err.Error(), "NotFound") {
		t.Errorf("a key that is not there: %v", err)
	}
}
