package main

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"

	act "github.com/sevenfold-sec/sevenfold/act/aws"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
)

// keyFile is the signing key in a state folder.
const keyFile = "gate.key"

// maxKeyFile bounds what is read as a key.
const maxKeyFile = 64 << 10

// signingKey reads the private key of a file, or the state's own, which is made
// on first use.
func (s *session) signingKey(file string) (ed25519.PrivateKey, error) {
	if file != "" {
		return privateKey(file)
	}
	if s.folder() == "" {
		return nil, usage("a state in a database keeps no signing key", "openssl genpkey -algorithm ed25519 -out gate.pem, then --key gate.pem")
	}
	path := filepath.Join(s.folder(), keyFile)
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return newKey(path)
	}
	return privateKey(path)
}

// newKey makes a key where none is. It appears whole or not at all, and no
// other run's is replaced.
func newKey(path string) (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	text, err := certificate.MarshalPrivate(key)
	if err != nil {
		return nil, err
	}
	err = createSecret(path, text)
	if errors.Is(err, fs.ErrExist) {
		return privateKey(path)
	}
	if err != nil {
		return nil, stateFailure(err)
	}
	return key, nil
}

// privateKey reads a key that nobody else may read.
func privateKey(path string) (ed25519.PrivateKey, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, usage("signing key: "+err.Error(), "openssl genpkey -algorithm ed25519 -out gate.pem")
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, &failure{code: exitUsage, what: fmt.Sprintf("signing key: others may read it (mode %04o)", info.Mode().Perm()), where: path, hint: "chmod 600 " + path}
	}
	text, err := readSmall(path, maxKeyFile)
	if err != nil {
		return nil, usage("signing key: "+err.Error(), "openssl genpkey -algorithm ed25519 -out gate.pem")
	}
	key, err := certificate.ParsePrivate(text)
	if err != nil {
		return nil, &failure{code: exitUsage, what: "signing key: " + err.Error(), where: path, hint: "openssl genpkey -algorithm ed25519 -out gate.pem"}
	}
	return key, nil
}

// kmsPrefix begins a signing key that lies in AWS KMS: awskms:KEYID, awskms:alias/NAME
// or awskms:ARN.
const kmsPrefix = "awskms:"

// certificateSigner is the key certificates and their revocations are signed with: one
// in a file, in AWS KMS, or the state's own.
func (s *session) certificateSigner(ctx context.Context, given string) (crypto.Signer, error) {
	id, inKMS := strings.CutPrefix(given, kmsPrefix)
	if !inKMS {
		key, err := s.signingKey(given)
		if err != nil {
			return nil, err
		}
		return key, nil
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, usage("AWS configuration: "+err.Error(), "set AWS_PROFILE, or AWS_REGION and credentials")
	}
	key, err := act.New(cfg).KMSKey(ctx, id)
	if err != nil {
		what, hint := splitHints(err.Error())
		if hint == "" || strings.Contains(hint, "respond plan") {
			hint = "the key policy, or a policy of who certifies, must allow kms:GetPublicKey and kms:Sign on it"
		}
		return nil, usage("signing key: "+what, hint)
	}
	fmt.Fprintf(s.g.stderr, "signing with %s, whose public key is %s\n", printable(given), certificate.KeyID(key.Public()))
	return key, nil
}

// certificateKey is the public key that certificates must be signed with: given as
// ed25519:BASE64, ecdsa-p256:BASE64 or a PEM file, or else that of the state's own.
func (g *globals) certificateKey(given string) (crypto.PublicKey, error) {
	const hint = "--key with the public key of who certifies: ed25519:BASE64, ecdsa-p256:BASE64, or a PEM file (openssl pkey -in gate.pem -pubout)"
	switch {
	case strings.HasPrefix(given, "ed25519:"), strings.HasPrefix(given, "ecdsa-p256:"):
		key, err := certificate.ParseKey(given)
		if err != nil {
			return nil, usage(err.Error(), hint)
		}
		return key, nil
	case given != "":
		text, err := readSmall(given, maxKeyFile)
		if err != nil {
			return nil, usage("public key: "+err.Error(), hint)
		}
		key, err := certificate.ParseKey(string(text))
		if err != nil {
			return nil, &failure{code: exitUsage, what: err.Error(), where: given, hint: hint}
		}
		return key, nil
	}
	s := session{g: g}
	path := filepath.Join(s.folder(), keyFile)
	if s.folder() == "" || !exists(path) {
		return nil, usage("no key to check the certificate with: the state holds none", hint)
	}
	private, err := privateKey(path)
	if err != nil {
		return nil, err
	}
	return private.Public(), nil
}

// trustedKey is certificateKey for what is signed with Ed25519 alone.
func (g *globals) trustedKey(given string) (ed25519.PublicKey, error) {
	key, err := g.certificateKey(given)
	if err != nil {
		return nil, err
	}
	own, ok := key.(ed25519.PublicKey)
	if !ok {
		return nil, usage("the public key is none of Ed25519, which this is signed with", "--key ed25519:BASE64, or a PEM file (openssl pkey -in gate.pem -pubout)")
	}
	return own, nil
}

// readSmall reads a file that should be no larger than limit bytes.
func readSmall(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode()&fs.ModeNamedPipe != 0 && !strings.HasPrefix(path, "/dev/") && !strings.HasPrefix(path, "/proc/") {
		return nil, fmt.Errorf("%s is a pipe, which would be waited for: name a file", path) // a shell's <(…) is below /dev
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%s has %d bytes, more than %d: it is something else", path, info.Size(), limit)
	}
	return os.ReadFile(path)
}
