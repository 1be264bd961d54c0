// Package sigstore asks the services of Sigstore that the user names: Fulcio for a
// certificate of who the user is, Rekor for an entry of what was signed. Nothing is
// asked that was not named, and no address is known here.
//
// Sources: https://github.com/sigstore/fulcio/blob/v1.8.0/fulcio.proto (CreateSigningCertificate);
// https://github.com/sigstore/rekor/blob/v1.4.0/openapi.yaml (POST /api/v1/log/entries, kind dsse 0.0.1)
package sigstore

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/sigstore"
)

// Services are those that the user named.
type Services struct {
	// Fulcio and Rekor are URLs, without the paths of their APIs.
	Fulcio, Rekor string
	// Token is the OpenID token that says who signs.
	Token string
}

// maxAnswer bounds what a service may answer.
const maxAnswer = 32 << 20

// Check says which of them cannot be asked.
func (s Services) Check() error {
	for _, x := range []struct{ name, at string }{{"Fulcio", s.Fulcio}, {"Rekor", s.Rekor}} {
		u, err := url.Parse(x.at)
		if err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) || u.User != nil {
			return fmt.Errorf("%s: %q is no https URL without a password in it", x.name, x.at)
		}
	}
	if strings.Count(s.Token, ".") != 2 || strings.ContainsAny(s.Token, " \t\r\n") {
		return errors.New("the identity token is no JSON Web Token of three parts")
	}
	return nil
}

func loopback(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }

// Sign signs a payload keylessly: a key is made, certified, used once and forgotten.
// What comes back is not yet trusted: hold it against a root.
func (s Services) Sign(ctx context.Context, payloadType string, payload []byte) (*sigstore.Bundle, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	leaf, err := s.certificate(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("Fulcio at %s: %w", s.Fulcio, err)
	}
	sum := sha256.Sum256(sigstore.PreAuth(payloadType, payload))
	sig, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	b := &sigstore.Bundle{MediaType: sigstore.MediaType, Material: sigstore.Material{Certificate: &sigstore.Certificate{Raw: leaf.Raw}},
		Envelope: &sigstore.Envelope{Payload: payload, PayloadType: payloadType, Signatures: []sigstore.Signature{{Sig: sig}}}}
	entry, err := s.log(ctx, b.Envelope, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw}))
	if err != nil {
		return nil, fmt.Errorf("Rekor at %s: %w", s.Rekor, err)
	}
	b.Material.Entries = []sigstore.Entry{*entry}
	return b, nil
}

// certificate asks for one of a key, which signs the request.
func (s Services) certificate(ctx context.Context, key *ecdsa.PrivateKey) (*x509.Certificate, error) {
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return nil, err
	}
	ask := map[string]any{"credentials": map[string]string{"oidcIdentityToken": s.Token},
		"certificateSigningRequest": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr})}
	type chained struct {
		Chain struct {
			Certificates []string `json:"certificates"`
		} `json:"chain"`
	}
	var got struct {
		Embedded *chained `json:"signedCertificateEmbeddedSct"`
		Detached *chained `json:"signedCertificateDetachedSct"`
	}
	if err := s.post(ctx, s.Fulcio, "/api/v2/signingCert", ask, &got); err != nil {
		return nil, err
	}
	c := got.Embedded
	if c == nil {
		c = got.Detached // its log's word is not in it: a root with ctlogs refuses it
	}
	if c == nil || len(c.Chain.Certificates) == 0 {
		return nil, errors.New("it answered without a certificate")
	}
	block, _ := pem.Decode([]byte(c.Chain.Certificates[0]))
	if block == nil {
		return nil, errors.New("its certificate is no PEM")
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("its certificate cannot be read: %w", err)
	}
	if !key.PublicKey.Equal(leaf.PublicKey) {
		return nil, errors.New("it certified another key than it was asked for")
	}
	return leaf, nil
}

// log enters an envelope.
func (s Services) log(ctx context.Context, e *sigstore.Envelope, verifier []byte) (*sigstore.Entry, error) {
	text, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	ask := map[string]any{"apiVersion": "0.0.1", "kind": "dsse",
		"spec": map[string]any{"proposedContent": map[string]any{"envelope": string(text), "verifiers": [][]byte{verifier}}}}
	var got map[string]struct {
		Body     []byte `json:"body"`
		Time     int64  `json:"integratedTime"`
		LogID    string `json:"logID"`
		LogIndex int64  `json:"logIndex"`
		Verified struct {
			Promise []byte `json:"signedEntryTimestamp"`
			Proof   *struct {
				Checkpoint string   `json:"checkpoint"`
				Hashes     []string `json:"hashes"`
				LogIndex   int64    `json:"logIndex"`
				RootHash   string   `json:"rootHash"`
				TreeSize   int64    `json:"treeSize"`
			} `json:"inclusionProof"`
		} `json:"verification"`
	}
	if err := s.post(ctx, s.Rekor, "/api/v1/log/entries", ask, &got); err != nil {
		return nil, err
	}
	if len(got) != 1 {
		return nil, fmt.Errorf("it answered with %d entries", len(got))
	}
	for _, x := range got {
		id, err := hex.DecodeString(x.LogID)
		p := x.Verified.Proof
		if err != nil || p == nil {
			return nil, errors.New("its entry bears no id of the log, or no proof")
		}
		out := &sigstore.Entry{LogIndex: x.LogIndex, LogID: sigstore.LogID{KeyID: id}, Kind: sigstore.KindVersion{Kind: "dsse", Version: "0.0.1"}, Time: x.Time,
			Promise: &sigstore.Promise{Signed: x.Verified.Promise}, Body: x.Body,
			Proof: &sigstore.Proof{LogIndex: p.LogIndex, TreeSize: p.TreeSize, Hashes: [][]byte{}, Checkpoint: sigstore.Checkpoint{Envelope: p.Checkpoint}}}
		if out.Proof.RootHash, err = hex.DecodeString(p.RootHash); err != nil {
			return nil, fmt.Errorf("its proof: %w", err)
		}
		for _, h := range p.Hashes {
			raw, err := hex.DecodeString(h)
			if err != nil {
				return nil, fmt.Errorf("its proof: %w", err)
			}
			out.Proof.Hashes = append(out.Proof.Hashes, raw)
		}
		return out, nil
	}
	return nil, nil // not reached: there is one
}

// post asks, follows nothing, and reads the answer.
func (s Services) post(ctx context.Context, base, path string, ask, answer any) error {
	text, err := json.Marshal(ask)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(base, "/")+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	// The token goes to the host that was named and to no other.
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // only read from
	got, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return err
	case len(got) > maxAnswer:
		return fmt.Errorf("it answered with more than %d bytes", maxAnswer)
	case res.StatusCode != http.StatusOK && res.StatusCode != http.StatusCreated:
		return fmt.Errorf("it answered %s: %s", res.Status, strconv.QuoteToASCII(string(got[:min(len(got), 300)])))
	}
	if err := json.Unmarshal(got, answer); err != nil {
		return fmt.Errorf("its answer cannot be read: %w", err)
	}
	return nil
}
