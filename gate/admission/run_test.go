package admission

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"encoding/pem"
)

func TestHostsOf(t *testing.T) {
	tests := []struct {
		address string
		want    []string
	}{
		{"https://10.1.2.3:9443/admit", []string{"10.1.2.3"}},
		{"https://gate.example.com/admit", []string{"gate.example.com"}},
		{"sys/gate", []string{"gate.sys.svc", "gate.sys.svc.cluster.local"}},
		{"http://x/admit", nil}, {"https://", nil}, {"gate", nil}, {"a/b/c", nil}, {"", nil}, {"/", nil},
	}
	for _, tt := range tests {
		got, err := HostsOf(tt.address)
		if !slices.Equal(got, tt.want) || (err == nil) != (tt.want != nil) {
			t.Errorf("HostsOf(%q) = %v, %v", tt.address, got, err)
		}
	}
}

// The gate serves with a certificate made out to its hosts, renews it before it
// ends, and lets those who trusted the one before go on for its life.
func TestRunServesAndRenews(t *testing.T) {
	m := &memory{gated: []string{"fraud"}, verdicts: map[string]json.RawMessage{}, objects: map[string]json.RawMessage{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g, err := New(Options{Cluster: m, Grants: &stack{}, Digest: image, Listener: l, Hosts: []string{"gate.sys.svc", "127.0.0.1"}, Unlisted: 1})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	g.tlsNow = func() time.Time { return now }
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	for until := time.Now().Add(3 * time.Minute); !g.Ready(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("not ready")
		}
	}
	get := func(path string) (int, error) {
		pool := x509.NewCertPool()
		m.mu.Lock()
		pool.AppendCertsFromPEM(m.trusts[len(m.trusts)-1])
		m.mu.Unlock()
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "gate.sys.svc"}}
		defer tr.CloseIdleConnections()
		resp, err := (&http.Client{Transport: tr, Timeout: time.Minute}).Get("https://" + l.Addr().String() + path)
		if err != nil {
			return 0, err
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, resp.Body)
		return resp.StatusCode, nil
	}
	for path, want := range map[string]int{"/readyz": 200, "/healthz": 200, Path: 405, "/": 404} {
		if code, err := get(path); err != nil || code != want {
			t.Errorf("%s: %d, %v, want %d", path, code, err, want)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("the gate ended: %v", err)
	}
	if _, err := get("/healthz"); err == nil {
		t.Error("a gate that was stopped answers")
	}

	first := g.identity.current.Load()
	now = now.Add(identityLife/2 - time.Minute)
	if err := g.trust(t.Context()); err != nil || g.identity.current.Load() != first {
		t.Errorf("renewed before it is time, %v", err)
	}
	now = now.Add(time.Minute)
	if err := g.trust(t.Context()); err != nil || g.identity.current.Load() == first {
		t.Errorf("not renewed, %v", err)
	}
	// What the API server could not be told of is not served with.
	second := g.identity.current.Load()
	now = now.Add(identityLife)
	m.broken = io.ErrUnexpectedEOF
	if err := g.trust(t.Context()); err == nil || g.identity.current.Load() != second {
		t.Error("a certificate is served that nobody trusts")
	}
}

// A certificate made by others is taken, and taken again when it is renewed.
func TestIdentityFromFiles(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	write := func() {
		i := &identity{hosts: []string{"gate"}}
		_, use, err := i.fresh(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		use()
		pair := i.current.Load()
		der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
		if err != nil {
			t.Fatal(err)
		}
		for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, key: {Type: "PRIVATE KEY", Bytes: der}} {
			if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	write()
	m := &memory{}
	g, err := New(Options{Cluster: m, Grants: &stack{}, Digest: image, TLSCert: cert, TLSKey: key})
	if err != nil {
		t.Fatal(err)
	}
	first := g.identity.current.Load()
	if err := g.trust(t.Context()); err != nil || g.identity.current.Load() != first {
		t.Errorf("read again though it is the same, %v", err)
	}
	write()
	if err := g.trust(t.Context()); err != nil || bytes.Equal(g.identity.current.Load().Certificate[0], first.Certificate[0]) {
		t.Errorf("not read again, %v", err)
	}
	served := g.identity.current.Load()
	if err := os.WriteFile(cert, []byte("half a cert"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := g.trust(t.Context()); err == nil || g.identity.current.Load() != served {
		t.Errorf("a broken file is taken, or not reported: %v", err)
	}
	if len(m.trusts) != 0 {
		t.Error("the API server was told of a certificate that others manage")
	}
	if _, err := New(Options{TLSCert: filepath.Join(dir, "none"), TLSKey: key}); err == nil || !strings.Contains(err.Error(), "hint: give a PEM certificate") {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := New(Options{}); err == nil {
		t.Error("no certificate and no name to make one out to")
	}
}
