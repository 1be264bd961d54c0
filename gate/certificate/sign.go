package certificate

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// pair is an ECDSA signature as ASN.1 has it (RFC 3279, section 2.2.3).
type pair struct{ R, S *big.Int }

// halfOrder is half the order of P-256: of the two signatures (r, s) and (r, -s) that
// ECDSA takes for the same, the one with the smaller s is the one spelling here.
var halfOrder = new(big.Int).Rsh(elliptic.P256().Params().N, 1)

// sign signs a message with an Ed25519 key, or an ECDSA key on P-256 over its
// SHA-256, which is what the key services of clouds take.
func sign(message []byte, key crypto.Signer) (signature, error) {
	id := KeyID(key.Public())
	switch key.Public().(type) {
	case ed25519.PublicKey:
		sig, err := key.Sign(rand.Reader, message, crypto.Hash(0))
		return signature{id, sig}, err
	case *ecdsa.PublicKey:
		if id == "" {
			break
		}
		sum := sha256.Sum256(message)
		sig, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
		if err == nil {
			sig, err = lower(sig)
		}
		return signature{id, sig}, err
	}
	return signature{}, fmt.Errorf("a key of type %T signs no certificates: Ed25519, or ECDSA on P-256, does", key.Public())
}

// lower writes a signature with the smaller s.
func lower(sig []byte) ([]byte, error) {
	var p pair
	if rest, err := asn1.Unmarshal(sig, &p); err != nil || len(rest) > 0 || p.R == nil || p.S == nil {
		return nil, errors.New("what the key service gave is no ECDSA signature in DER")
	}
	if p.S.Cmp(halfOrder) > 0 {
		p.S.Sub(elliptic.P256().Params().N, p.S)
	}
	return asn1.Marshal(p)
}

// formed reports whether a signature has the one spelling of its key's kind.
func (s signature) formed() bool {
	if !strings.HasPrefix(s.KeyID, ecdsaPrefix) {
		return len(s.Sig) == ed25519.SignatureSize
	}
	var p pair
	if rest, err := asn1.Unmarshal(s.Sig, &p); err != nil || len(rest) > 0 || p.R == nil || p.S == nil || p.S.Cmp(halfOrder) > 0 {
		return false
	}
	again, err := asn1.Marshal(p)
	return err == nil && bytes.Equal(again, s.Sig)
}

// holds reports whether a key signed a message.
func (s signature) holds(message []byte, key crypto.PublicKey) bool {
	switch key := key.(type) {
	case ed25519.PublicKey:
		return len(key) == ed25519.PublicKeySize && ed25519.Verify(key, message, s.Sig)
	case *ecdsa.PublicKey:
		sum := sha256.Sum256(message)
		return s.formed() && ecdsa.VerifyASN1(key, sum[:], s.Sig)
	}
	return false
}
