package aws

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// KMSKey is an asymmetric key of AWS KMS that signs: ECC_NIST_P256. It stays where it
// is; only digests go there. It implements crypto.Signer.
type KMSKey struct {
	client *Client
	ctx    context.Context //nolint:containedctx // crypto.Signer takes none
	id     string
	region string
	public *ecdsa.PublicKey
}

var _ crypto.Signer = (*KMSKey)(nil)

// KMSKey finds a key by its id, its ARN or an alias, and reads its public half. It
// needs kms:GetPublicKey and kms:Sign on the key. ctx bounds signing too.
func (c *Client) KMSKey(ctx context.Context, id string) (*KMSKey, error) {
	k := &KMSKey{client: c, ctx: ctx, id: id}
	if parts := strings.Split(id, ":"); len(parts) > 5 && parts[0] == "arn" {
		k.region = parts[3]
	}
	var out struct {
		PublicKey         []byte
		KeyUsage          string
		SigningAlgorithms []string
	}
	if err := k.call("GetPublicKey", map[string]any{"KeyId": id}, &out); err != nil {
		return nil, err
	}
	public, err := x509.ParsePKIXPublicKey(out.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("kms GetPublicKey: %w", err)
	}
	key, ok := public.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() || out.KeyUsage != "SIGN_VERIFY" {
		return nil, fmt.Errorf("the key %s is for %s with %s: one of KeySpec ECC_NIST_P256 and KeyUsage SIGN_VERIFY is needed\nhint: aws kms create-key --key-spec ECC_NIST_P256 --key-usage SIGN_VERIFY", id, out.KeyUsage, strings.Join(out.SigningAlgorithms, ", "))
	}
	k.public = key
	return k, nil
}

// Public implements crypto.Signer.
func (k *KMSKey) Public() crypto.PublicKey { return k.public }

// Sign implements crypto.Signer: a SHA-256 digest, answered in DER. What comes back is
// held against the public key.
func (k *KMSKey) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if opts.HashFunc() != crypto.SHA256 || len(digest) != crypto.SHA256.Size() {
		return nil, errors.New("kms Sign: a SHA-256 digest is signed here, nothing else")
	}
	var out struct{ Signature []byte }
	if err := k.call("Sign", map[string]any{"KeyId": k.id, "Message": digest, "MessageType": "DIGEST", "SigningAlgorithm": "ECDSA_SHA_256"}, &out); err != nil {
		return nil, err
	}
	if !ecdsa.VerifyASN1(k.public, digest, out.Signature) {
		return nil, errors.New("kms Sign: what came back is not the key's signature of what was sent")
	}
	return out.Signature, nil
}

// call makes one call of KMS's JSON protocol.
func (k *KMSKey) call(operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	reply, _, err := k.client.send(k.ctx, call{service: "kms", operation: operation, region: k.region, method: http.MethodPost, path: "/", body: body,
		header: map[string]string{"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "TrentService." + operation}})
	if err != nil {
		return err
	}
	if err := json.Unmarshal(reply, out); err != nil {
		return fmt.Errorf("kms %s: %w", operation, err)
	}
	return nil
}
