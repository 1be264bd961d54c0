package sigstore

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// real is where make test/sigstore/fulcio puts Fulcio.
const real = "../../test/sigstore"

// issuerOf plays who vouches for people by OpenID tokens: all that Fulcio asks of one.
type issuerOf struct {
	*httptest.Server
	key *rsa.PrivateKey
}

func newIssuer(t *testing.T) *issuerOf {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i, mux := &issuerOf{key: key}, http.NewServeMux()
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	answer := func(path string, what any) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(what) // who asked will say that nothing came
		})
	}
	answer("/.well-known/openid-configuration", map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/keys", "response_types_supported": []string{"id_token"},
		"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"RS256"}})
	raw := base64.RawURLEncoding
	answer("/keys", map[string]any{"keys": []any{map[string]string{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "k",
		"n": raw.EncodeToString(key.N.Bytes()), "e": raw.EncodeToString(big.NewInt(int64(key.E)).Bytes())}}})
	return i
}

// token is one for a person, with some claims changed.
func (i *issuerOf) token(t *testing.T, change map[string]any) string {
	t.Helper()
	now := time.Now()
	claims := map[string]any{"iss": i.URL, "sub": "42", "aud": "sigstore", "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "email": identity, "email_verified": true}
	for k, v := range change {
		claims[k] = v
	}
	body, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","kid":"k","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(rand.Reader, i.key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// program runs a service until the test ends.
func program(t *testing.T, name string, args ...string) {
	t.Helper()
	binary, err := filepath.Abs(filepath.Join(real, name))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = t.TempDir(), &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			text := out.String()
			t.Logf("%s: %s", name, text[max(0, len(text)-3000):])
		}
	})
}

// port is one that is free now.
func port(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, p, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// fetched is what a service answers, once it does.
func fetched(t *testing.T, url string) []byte {
	t.Helper()
	var last any
	for until := time.Now().Add(time.Minute); time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
		res, err := http.Get(url)
		if err != nil {
			last = err
			continue
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if last = fmt.Sprint(res.Status, err, string(text)); err == nil && res.StatusCode == http.StatusOK {
			return text
		}
	}
	t.Fatalf("%s: %v", url, last)
	return nil
}

// fulcio runs Fulcio with an authority of its own, and returns where, and its root.
func fulcio(t *testing.T, i *issuerOf) (at string, root *x509.Certificate) {
	t.Helper()
	config := filepath.Join(t.TempDir(), "fulcio.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "oidc-issuers:\n  %[1]s: {issuer-url: %[1]q, client-id: sigstore, type: email}\n", i.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	p := port(t)
	program(t, "fulcio", "serve", "--config-path", config, "--ca", "ephemeralca", "--ct-log-url", "", "--host", "127.0.0.1", "--port", p,
		"--grpc-host", "127.0.0.1", "--grpc-port", port(t), "--metrics-port", port(t), "--legacy-unix-domain-socket", "@sevenfold-fulcio-"+p)
	at = "http://127.0.0.1:" + p
	var bundle struct {
		Chains []struct{ Certificates []string }
	}
	if err := json.Unmarshal(fetched(t, at+"/api/v2/trustBundle"), &bundle); err != nil || len(bundle.Chains) != 1 {
		t.Fatalf("%v: %v", bundle, err)
	}
	block, _ := pem.Decode([]byte(bundle.Chains[0].Certificates[0]))
	if block == nil {
		t.Fatal("the authority's certificate is no PEM")
	}
	root, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return at, root
}

// Fulcio itself certifies who its issuer vouches for, and nobody else.
func TestFulcioItself(t *testing.T) {
	if _, err := os.Stat(filepath.Join(real, "fulcio")); err != nil {
		t.Skip("make test/sigstore/fulcio builds Fulcio, some minutes once")
	}
	i := newIssuer(t)
	at, authority := fulcio(t, i)
	stranger := newIssuer(t)
	for name, tt := range map[string]struct {
		token string
		want  string // empty: a certificate
	}{
		"vouched for":     {i.token(t, nil), ""},
		"expired":         {i.token(t, map[string]any{"exp": time.Now().Add(-time.Minute).Unix()}), "400 Bad Request"},
		"for others":      {i.token(t, map[string]any{"aud": "another"}), "400 Bad Request"},
		"not verified":    {i.token(t, map[string]any{"email_verified": false}), "400 Bad Request"},
		"unknown issuer":  {stranger.token(t, nil), "400 Bad Request"},
		"another's words": {stranger.token(t, map[string]any{"iss": i.URL}), "400 Bad Request"},
	} {
		t.Run(name, func(t *testing.T) {
			key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			leaf, err := Services{Fulcio: at, Rekor: at, Token: tt.token}.certificate(context.Background(), key)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), tt.token) {
					t.Errorf("got %v, want %q", err, tt.want)
				}
				return
			}
			if err != nil || leaf.CheckSignatureFrom(authority) != nil || len(leaf.EmailAddresses) != 1 || leaf.EmailAddresses[0] != identity {
				t.Errorf("%v: %v", leaf, err)
			}
		})
	}
}
