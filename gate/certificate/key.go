package certificate

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// keyPrefix begins an Ed25519 public key as sevenfold.yaml spells it, ecdsaPrefix one
// of ECDSA on P-256.
const (
	keyPrefix   = "ed25519:"
	ecdsaPrefix = "ecdsa-p256:"
)

// KeyID returns a public key as sevenfold.yaml and envelopes spell it: "ed25519:" and
// the standard base64 of its 32 bytes, or "ecdsa-p256:" and that of its
// SubjectPublicKeyInfo in DER. It is empty for any other key.
func KeyID(key crypto.PublicKey) string {
	switch key := key.(type) {
	case ed25519.PublicKey:
		return keyPrefix + base64.StdEncoding.EncodeToString(key)
	case *ecdsa.PublicKey:
		if der, err := x509.MarshalPKIXPublicKey(key); err == nil && key.Curve == elliptic.P256() {
			return ecdsaPrefix + base64.StdEncoding.EncodeToString(der)
		}
	}
	return ""
}

// ParseKey reads a key that certificates may be signed with: "ed25519:BASE64",
// "ecdsa-p256:BASE64" as KeyID writes it, or PEM of either (PUBLIC KEY).
func ParseKey(text string) (crypto.PublicKey, error) {
	text = strings.TrimSpace(text)
	var der []byte
	switch b64, ok := strings.CutPrefix(text, ecdsaPrefix); {
	case ok:
		raw, err := base64.StdEncoding.DecodeString(b64)
		if err != nil {
			return nil, errors.New("no public key: ecdsa-p256: is to be followed by the base64 of a SubjectPublicKeyInfo")
		}
		der = raw
	default:
		block, _ := pem.Decode([]byte(text))
		if block == nil || block.Type != "PUBLIC KEY" {
			return ParsePublic(text)
		}
		der = block.Bytes
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("no public key: %w", err)
	}
	if KeyID(key) == "" {
		return nil, fmt.Errorf("the public key is a %T: Ed25519 or ECDSA on P-256 is expected", key)
	}
	return key, nil
}

// ParsePublic reads a public key: "ed25519:BASE64", or PEM (PUBLIC KEY,
// RFC 5280 SubjectPublicKeyInfo).
func ParsePublic(text string) (ed25519.PublicKey, error) {
	text = strings.TrimSpace(text)
	if b64, ok := strings.CutPrefix(text, keyPrefix); ok {
		for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.RawURLEncoding} {
			if raw, err := enc.DecodeString(b64); err == nil && len(raw) == ed25519.PublicKeySize {
				return raw, nil
			}
		}
		return nil, errors.New("no public key: ed25519: is to be followed by the base64 of 32 bytes")
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("no public key: neither ed25519:BASE64 nor PEM")
	}
	if strings.Contains(block.Type, "PRIVATE") {
		return nil, errors.New("a private key stands where the public one is expected: openssl pkey -in KEY -pubout")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("no public key: %w", err)
	}
	public, ok := key.(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("the public key is a %T: Ed25519 is expected", key)
	}
	return public, nil
}

// ParsePrivate reads an Ed25519 private key in PEM (PKCS #8, RFC 8410), as
// `openssl genpkey -algorithm ed25519` writes it.
func ParsePrivate(text []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(text)
	switch {
	case block == nil:
		return nil, errors.New("no private key: PEM is expected, as openssl genpkey -algorithm ed25519 writes it")
	case block.Type == "ENCRYPTED PRIVATE KEY":
		return nil, errors.New("the private key is encrypted: decrypt it for this command (openssl pkcs8)")
	case block.Type != "PRIVATE KEY":
		return nil, fmt.Errorf("the PEM block is %q: PRIVATE KEY (PKCS #8) is expected", block.Type)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("no private key: %w", err)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("the private key is a %T: Ed25519 is expected", key)
	}
	return private, nil
}

// MarshalPrivate writes a private key as ParsePrivate reads it.
func MarshalPrivate(key ed25519.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}
