package certificate

import (
	"crypto"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sevenfold-sec/sevenfold/sigstore"
)

// Sealer signs an in-toto statement, given as JSON, and returns the file that bears
// both.
type Sealer func(payload []byte) (file []byte, err error)

// errLong says that what was signed would not be read.
var errLong = errors.New("the file would be longer than what is read")

// bounded holds what is written to what is read.
func bounded(file []byte, err error) ([]byte, error) {
	if err == nil && len(file) > MaxBytes {
		return nil, fmt.Errorf("%w: %d bytes, more than %d", errLong, len(file), MaxBytes)
	}
	return file, err
}

// KeySealer signs with a key and writes a bare DSSE envelope.
func KeySealer(key crypto.Signer) Sealer {
	return func(payload []byte) ([]byte, error) {
		signed, err := sign(preAuth(PayloadType, payload), key)
		if err != nil {
			return nil, err
		}
		file, err := json.Marshal(envelope{PayloadType: PayloadType, Payload: payload, Signatures: []signature{signed}})
		return bounded(append(file, '\n'), err)
	}
}

// BundleSealer signs with a key and writes a Sigstore bundle, which
// cosign verify-blob-attestation --key reads too.
func BundleSealer(key crypto.Signer) Sealer {
	return func(payload []byte) ([]byte, error) {
		signed, err := sign(preAuth(PayloadType, payload), key)
		if err != nil {
			return nil, err
		}
		b := sigstore.Bundle{MediaType: sigstore.MediaType, Material: sigstore.Material{PublicKey: &sigstore.PublicKey{Hint: sigstore.Hint(key.Public())}},
			Envelope: &sigstore.Envelope{Payload: payload, PayloadType: PayloadType, Signatures: []sigstore.Signature{{Sig: signed.Sig}}}}
		return bounded(b.Pack())
	}
}

// Trust says whose signature counts. The zero value trusts nobody.
type Trust struct {
	Keys []crypto.PublicKey
	// Signers are who may sign without a key of their own (keyless).
	Signers []sigstore.Signer
}

// Keys trusts keys.
func Keys(keys ...crypto.PublicKey) Trust { return Trust{Keys: keys} }

// claimed is the payload of an envelope or bundle whose signature nobody checked.
func claimed(file []byte) ([]byte, error) {
	if b, err := parseBundle(file); err != nil || b != nil {
		if err != nil {
			return nil, err
		}
		return b.Envelope.Payload, nil
	}
	e, err := parse(file)
	if err != nil {
		return nil, err
	}
	return e.Payload, nil
}

// openBy returns the payload of a file that one who is trusted signed.
func openBy(file []byte, trusted Trust) ([]byte, error) {
	b, err := parseBundle(file)
	if err != nil {
		return nil, err
	}
	if b == nil {
		payload, _, err := unseal(file, trusted.Keys)
		if err != nil {
			return nil, err
		}
		return payload, nil
	}
	if b.Material.Certificate != nil {
		return openKeyless(b, trusted.Signers)
	}
	for _, key := range trusted.Keys {
		if sigstore.Hint(key) != b.Material.PublicKey.Hint {
			continue
		}
		signed := signature{KeyID(key), b.Envelope.Signatures[0].Sig}
		if !signed.formed() || !signed.holds(preAuth(PayloadType, b.Envelope.Payload), key) {
			return nil, ErrTampered
		}
		return b.Envelope.Payload, nil
	}
	return nil, fmt.Errorf("%w: it names the key of digest %s", ErrSigner, b.Material.PublicKey.Hint)
}

// openKeyless returns the payload of a bundle that one of the signers signed. Of
// several refusals the last is told.
func openKeyless(b *sigstore.Bundle, signers []sigstore.Signer) ([]byte, error) {
	if len(signers) == 0 {
		return nil, fmt.Errorf("%w: it is signed by a certificate of Sigstore, and no trusted root is given: --trusted-root FILE --identity NAME --issuer URL", ErrSigner)
	}
	var err error
	for _, s := range signers {
		if err = s.Verify(b); err == nil {
			return b.Envelope.Payload, nil
		}
	}
	return nil, fmt.Errorf("%w: %w", ErrSigner, err)
}

// parseBundle reads a Sigstore bundle; nil: the file claims to be none.
func parseBundle(file []byte) (*sigstore.Bundle, error) {
	if len(file) > MaxBytes {
		return nil, fmt.Errorf("not a certificate: %d bytes are more than the %d a certificate may have", len(file), MaxBytes)
	}
	if !sigstore.Is(file) {
		return nil, nil
	}
	b, err := sigstore.Parse(file)
	switch {
	case errors.Is(err, sigstore.ErrSpelling):
		return nil, fmt.Errorf("%w: %w", ErrTampered, err)
	case err != nil:
		return nil, fmt.Errorf("not a certificate: %w", err)
	case b.Envelope.PayloadType != PayloadType:
		return nil, fmt.Errorf("not a certificate: its payload type is %q, not %q", b.Envelope.PayloadType, PayloadType)
	}
	return b, nil
}
