package certificate

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/test/race"
)

func ecdsaKey(t *testing.T, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// A certificate signed with ECDSA counts like one signed with Ed25519, in one
// spelling only: the other signature that ECDSA takes for the same is refused.
func TestECDSA(t *testing.T) {
	k, other := ecdsaKey(t, elliptic.P256()), ecdsaKey(t, elliptic.P256())
	for range race.Size(20, 6) { // half of the signatures come with the larger s
		file, err := Encode(statement(), k)
		if err != nil {
			t.Fatal(err)
		}
		if s, reasons := Verify(file, Check{Trusted: Keys(public(key(1)), other.Public(), k.Public()), Now: issued}); s == nil || len(reasons) > 0 {
			t.Fatalf("%+v", reasons)
		}
		if _, err := Open(file, Keys(other.Public())); !errors.Is(err, ErrSigner) {
			t.Errorf("another key: %v", err)
		}
		var e envelope
		if err := json.Unmarshal(file, &e); err != nil {
			t.Fatal(err)
		}
		var p pair
		if _, err := asn1.Unmarshal(e.Signatures[0].Sig, &p); err != nil || p.S.Cmp(halfOrder) > 0 {
			t.Fatalf("s is not the smaller one: %v", err)
		}
		spell := func(sig []byte) []byte {
			changed := e
			changed.Signatures = []signature{{e.Signatures[0].KeyID, sig}}
			text, err := json.Marshal(changed)
			if err != nil {
				t.Fatal(err)
			}
			return append(text, '\n')
		}
		p.S.Sub(elliptic.P256().Params().N, p.S)
		larger, err := asn1.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		for name, sig := range map[string][]byte{"the larger s": larger, "something after it": append(bytes.Clone(e.Signatures[0].Sig), 0), "none": nil, "an Ed25519 one": make([]byte, 64)} {
			if _, err := Open(spell(sig), Keys(k.Public())); err == nil {
				t.Errorf("%s is taken", name)
			}
		}
	}
	file, err := Encode(statement(), k)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(file); i += race.Size(1, 97) {
		changed := bytes.Clone(file)
		changed[i] ^= 1
		if _, err := Open(changed, Keys(k.Public())); err == nil {
			t.Fatalf("byte %d changed", i)
		}
	}
}

func TestKeysOfOtherKinds(t *testing.T) {
	strong, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, k := range map[string]crypto.Signer{"P-384": ecdsaKey(t, elliptic.P384()), "RSA": strong} {
		if _, err := Encode(statement(), k); err == nil || !strings.Contains(err.Error(), "signs no certificates") {
			t.Errorf("%s: %v", name, err)
		}
		der, err := x509.MarshalPKIXPublicKey(k.Public())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseKey(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))); err == nil {
			t.Errorf("%s is read as a key", name)
		}
	}
	k := ecdsaKey(t, elliptic.P256())
	der, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"id": KeyID(k.Public()), "PEM": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))} {
		if got, err := ParseKey(text); err != nil || !k.PublicKey.Equal(got) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if got, err := ParseKey(KeyID(public(key(1)))); err != nil || !public(key(1)).Equal(got) {
		t.Errorf("Ed25519: %v, %v", got, err)
	}
	for _, text := range []string{"", "ecdsa-p256:", "ecdsa-p256:AAAA", "ecdsa-p256:%", "ecdsa-p256:" + strings.TrimPrefix(KeyID(public(key(1))), "ed25519:"), "rsa:x"} {
		if _, err := ParseKey(text); err == nil {
			t.Errorf("%q is read as a key", text)
		}
	}
	// What a broken key service gives is no signature.
	for _, sig := range [][]byte{nil, {1, 2}, make([]byte, 70)} {
		if _, err := lower(sig); err == nil {
			t.Errorf("%x is taken for a signature", sig)
		}
	}
	if (signature{ecdsaPrefix + "x", mustPair(t, big.NewInt(-1), big.NewInt(-1))}).holds([]byte("m"), k.Public()) {
		t.Error("negative numbers are a signature")
	}
}

func mustPair(t *testing.T, r, s *big.Int) []byte {
	t.Helper()
	out, err := asn1.Marshal(pair{r, s})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
