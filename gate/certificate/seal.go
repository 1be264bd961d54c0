package certificate

import (
	"crypto"
	"crypto/ed25519"
	"fmt"
)

// Seal signs any in-toto statement, given as JSON, and returns the envelope's
// file: what Encode does for certificates, for other statements of ours
// (baselines, acceptances). The caller keeps to one spelling of its payload.
func Seal(payload []byte, key crypto.Signer) ([]byte, error) { return KeySealer(key)(payload) }

// Unseal checks the form and the signature of what Seal wrote. It returns the
// payload and the id of the key that signed; of a file whose signature does not
// hold, the payload is returned with the error (ErrTampered, ErrSigner) so that
// the caller can say what was changed, and must not be trusted.
func Unseal(file []byte, trusted ...ed25519.PublicKey) (payload []byte, keyID string, err error) {
	keys := make([]crypto.PublicKey, len(trusted))
	for i, k := range trusted {
		keys[i] = k
	}
	return unseal(file, keys)
}

// unseal is Unseal by keys of any kind.
func unseal(file []byte, trusted []crypto.PublicKey) (payload []byte, keyID string, err error) {
	e, err := parse(file)
	if err != nil {
		return nil, "", err
	}
	signed := e.Signatures[0]
	for _, key := range trusted {
		if KeyID(key) != signed.KeyID {
			continue
		}
		if !signed.holds(preAuth(PayloadType, e.Payload), key) {
			return e.Payload, signed.KeyID, ErrTampered
		}
		return e.Payload, signed.KeyID, nil
	}
	return e.Payload, signed.KeyID, fmt.Errorf("%w: it names %s", ErrSigner, signed.KeyID)
}
