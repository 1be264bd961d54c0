package sigstore

import (
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/sigstore"
	"github.com/sevenfold-sec/sevenfold/test/fakesigstore"
)

const (
	identity = fakesigstore.Identity
	issuer   = fakesigstore.Issuer
)

const statementType = "application/vnd.in-toto+json"

var statement = []byte(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"w","digest":{"sha256":"` + strings.Repeat("ab", 32) + `"}}],"predicateType":"https://example.com/p","predicate":{}}`)

func sealed(t *testing.T, d *fakesigstore.Double) *sigstore.Bundle {
	t.Helper()
	server := httptest.NewServer(d)
	defer server.Close()
	b, err := Services{Fulcio: server.URL, Rekor: server.URL + "/", Token: fakesigstore.Token}.Sign(context.Background(), statementType, statement)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestKeyless(t *testing.T) {
	d := fakesigstore.New(t)
	text, err := sealed(t, d).Pack()
	if err != nil {
		t.Fatal(err)
	}
	root := d.Root(d.LogKey.Public())
	other := fakesigstore.New(t)
	tests := map[string]struct {
		root             []byte
		identity, issuer string
		now              time.Duration
		change           func(*sigstore.Bundle)
		want             string // empty: it holds
	}{
		"as signed":             {},
		"years later":           {now: 3 * 365 * 24 * time.Hour},
		"another identity":      {identity: "mallory@example.com", want: "was signed by"},
		"another issuer":        {issuer: "https://evil.example", want: "vouched for by"},
		"another root":          {root: other.Root(other.LogKey.Public()), want: "none of the trusted root"},
		"another authority":     {root: other.Root(d.LogKey.Public()), want: "leads to no authority"},
		"a clock that is slow":  {now: -time.Hour, want: "still to come"},
		"no log entry":          {change: func(b *sigstore.Bundle) { b.Material.Entries = nil }, want: "no log entry"},
		"no proof":              {change: func(b *sigstore.Bundle) { b.Material.Entries[0].Proof = nil }, want: "bears no proof"},
		"no promise":            {change: func(b *sigstore.Bundle) { b.Material.Entries[0].Promise = nil }, want: "nothing says when"},
		"no time":               {change: func(b *sigstore.Bundle) { b.Material.Entries[0].Time = 0 }, want: "did not sign that entry and time"},
		"another time":          {change: func(b *sigstore.Bundle) { b.Material.Entries[0].Time-- }, want: "did not sign that entry"},
		"another payload":       {change: func(b *sigstore.Bundle) { b.Envelope.Payload[3] ^= 1 }, want: "other content"},
		"another signature":     {change: func(b *sigstore.Bundle) { b.Envelope.Signatures[0].Sig[9] ^= 1 }, want: "another signature"},
		"a hash too few":        {change: func(b *sigstore.Bundle) { p := b.Material.Entries[0].Proof; p.Hashes = p.Hashes[1:] }, want: "proof"},
		"another tree":          {change: func(b *sigstore.Bundle) { b.Material.Entries[0].Proof.TreeSize = 6 }, want: "checkpoint"},
		"an index of elsewhere": {change: func(b *sigstore.Bundle) { b.Material.Entries[0].Proof.LogIndex = 3 }, want: "does not lead"},
		"another checkpoint": {change: func(b *sigstore.Bundle) {
			c := &b.Material.Entries[0].Proof.Checkpoint
			c.Envelope = c.Envelope[:len(c.Envelope)-8] + "AAAAAAA\n"
		}, want: "did not sign the checkpoint"},
		"another kind":                    {change: func(b *sigstore.Bundle) { b.Material.Entries[0].Kind.Version = "0.0.9" }, want: "dsse (0.0.1, 0.0.2)"},
		"the authority's own certificate": {change: func(b *sigstore.Bundle) { b.Material.Certificate.Raw = d.CACert.Raw }, want: "other content"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b, err := sigstore.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			if tt.change != nil {
				tt.change(b)
			}
			if tt.root == nil {
				tt.root = root
			}
			r, err := sigstore.ParseRoot(tt.root)
			if err != nil {
				t.Fatal(err)
			}
			s := sigstore.Signer{Root: r, Identity: identity, Issuer: issuer, Now: func() time.Time { return time.Now().Add(tt.now) }}
			if tt.identity != "" {
				s.Identity = tt.identity
			}
			if tt.issuer != "" {
				s.Issuer = tt.issuer
			}
			switch err := s.Verify(b); {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// An entry that came after the certificate's end is refused, though the log signed it.
func TestExpiredCertificate(t *testing.T) {
	d := fakesigstore.New(t)
	late := fakesigstore.New(t)
	late.CA, late.CACert, late.LogKey, late.At = d.CA, d.CACert, d.LogKey, d.At.Add(-30*time.Minute)
	b := sealed(t, d)
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: b.Material.Certificate.Raw})
	server := httptest.NewServer(late)
	defer server.Close()
	e, err := Services{Rekor: server.URL}.log(context.Background(), b.Envelope, cert)
	if err != nil {
		t.Fatal(err)
	}
	b.Material.Entries = []sigstore.Entry{*e}
	r, err := sigstore.ParseRoot(d.Root(d.LogKey.Public()))
	if err != nil {
		t.Fatal(err)
	}
	if err := (sigstore.Signer{Root: r, Identity: identity, Issuer: issuer}).Verify(b); err == nil || !strings.Contains(err.Error(), "its certificate counted from") {
		t.Errorf("got %v", err)
	}
}

// The token goes to the host that was named and no further, and an answer that is
// something else is told.
func TestServicesThatAnswerOtherwise(t *testing.T) {
	d := fakesigstore.New(t)
	elsewhere := httptest.NewServer(d)
	defer elsewhere.Close()
	for name, h := range map[string]http.HandlerFunc{
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
		},
		"refusal": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) },
		"rubbish": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("\x00<html>")) },
		"nothing": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) },
	} {
		server := httptest.NewServer(h)
		if _, err := (Services{Fulcio: server.URL, Rekor: server.URL, Token: fakesigstore.Token}).Sign(context.Background(), statementType, statement); err == nil {
			t.Errorf("%s: signed", name)
		}
		server.Close()
	}
	if d.Tokens > 0 {
		t.Error("the token followed a redirect")
	}
	for _, s := range []Services{{Fulcio: "http://fulcio.example", Rekor: "https://r", Token: fakesigstore.Token}, {Fulcio: "https://f", Rekor: "r", Token: fakesigstore.Token}, {Fulcio: "https://f", Rekor: "https://r", Token: "x"}} {
		if s.Check() == nil {
			t.Errorf("%+v can be asked", s)
		}
	}
}

// cosign comes to the same word on the same bundle, trusted root and names.
func TestCosignAgrees(t *testing.T) {
	cosign, err := exec.LookPath("cosign")
	if err != nil {
		t.Skip("no cosign on the PATH: make test/cosign/cosign builds it, some minutes once")
	}
	d := fakesigstore.New(t)
	text, err := sealed(t, d).Pack()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, b := range map[string][]byte{"b.json": text, "root.json": d.Root(d.LogKey.Public())} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for who, want := range map[string]bool{identity: true, "mallory@example.com": false} {
		cmd := exec.CommandContext(context.Background(), cosign, "verify-blob-attestation", "--bundle", filepath.Join(dir, "b.json"), "--trusted-root", filepath.Join(dir, "root.json"),
			"--certificate-identity", who, "--certificate-oidc-issuer", issuer, "--insecure-ignore-sct=true", "--type", "https://example.com/p", "--check-claims=false")
		cmd.Env = append(os.Environ(), "HOME="+dir)
		if out, err := cmd.CombinedOutput(); (err == nil) != want {
			t.Errorf("%s: %v\n%s", who, err, out)
		}
	}
}
