package assess

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/sevenfold-sec/sevenfold/store"
)

// maskKeyKey is where the state notes which key its masks are made under.
const maskKeyKey = "mask-key"

// MaskKeys remembers which key the digests in a state's masks are made under. The
// key itself is never in the state: who reads the state could else try values until
// one has the digest that stands there. What is noted is a digest that the key
// makes of a constant text, which tells nothing of a key of 256 random bits.
type MaskKeys struct{ Store store.Store }

// MaskKeyError says that a key is not the one a state's masks are made under.
type MaskKeyError struct{ Noted, Given string }

// Error implements error.
func (e *MaskKeyError) Error() string {
	return fmt.Sprintf("mask key: it is %s, and the state's masks are made under %s, so that no value withheld could be compared", e.Given, e.Noted)
}

// Use notes the key of a state that has none yet, and refuses another one by a
// *MaskKeyError; anew notes that one instead. Without a key nothing is noted or
// refused: masks carry no digest then.
func (m MaskKeys) Use(ctx context.Context, key []byte, anew bool) error {
	noted, err := m.fits(ctx, key, anew)
	if err != nil || noted || len(key) == 0 {
		return err
	}
	_, err = m.Store.PutBlob(ctx, auditStep, maskKeyKey, []byte(maskKeyID(key)))
	return err
}

// Fits is Use without noting anything.
func (m MaskKeys) Fits(ctx context.Context, key []byte, anew bool) error {
	_, err := m.fits(ctx, key, anew)
	return err
}

// fits refuses a key, or says whether it is the one that is noted.
func (m MaskKeys) fits(ctx context.Context, key []byte, anew bool) (same bool, err error) {
	if len(key) == 0 {
		return false, nil
	}
	given := maskKeyID(key)
	noted, _, err := m.Store.Blob(ctx, auditStep, maskKeyKey, 0)
	var damaged *store.DamagedError
	switch {
	case err != nil && !errors.Is(err, store.ErrNotFound) && !(anew && errors.As(err, &damaged)):
		return false, err
	case err == nil && string(noted) == given:
		return true, nil
	case err == nil && !anew:
		return false, &MaskKeyError{Noted: string(noted), Given: given}
	}
	return false, nil
}

// maskKeyID names a key without telling it.
func maskKeyID(key []byte) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("sevenfold mask key"))
	return "hmac-sha256:" + hex.EncodeToString(h.Sum(nil)[:8])
}
