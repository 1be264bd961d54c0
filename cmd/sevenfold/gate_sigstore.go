package main

import (
	"context"
	"crypto"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	act "github.com/sevenfold-sec/sevenfold/act/sigstore"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/sigstore"
)

// keyless are the flags that say who may sign without a key of their own.
type keyless struct {
	root                string
	identities, issuers []string
}

func (k *keyless) addTo(cmd *cobra.Command) {
	cmd.Flags().StringVar(&k.root, "trusted-root", "", "trusted_root.json `FILE` that keyless signatures of Sigstore are held against, offline")
	cmd.Flags().StringArrayVar(&k.identities, "identity", nil, "the `NAME` (address or URI) in the certificate of who signs keylessly; repeats")
	cmd.Flags().StringArrayVar(&k.issuers, "issuer", nil, "the `URL` of the identity provider that vouches for it; repeats, or one for all")
}

// none reports that the flags name nobody.
func (k *keyless) none() bool { return k.root == "" && len(k.identities) == 0 && len(k.issuers) == 0 }

// signers are those the flags name; none where no flag was given.
func (k *keyless) signers() ([]sigstore.Signer, error) {
	if k.none() {
		return nil, nil
	}
	if k.root == "" || len(k.identities) == 0 || len(k.issuers) == 0 || slices.Contains(k.identities, "") || slices.Contains(k.issuers, "") {
		return nil, usage("--trusted-root, --identity and --issuer belong together: a root alone would take anybody's signature", "--trusted-root trusted_root.json --identity release@example.com --issuer https://accounts.example.com")
	}
	if len(k.issuers) != 1 && len(k.issuers) != len(k.identities) {
		return nil, usage(fmt.Sprintf("%d identities and %d issuers cannot be told together", len(k.identities), len(k.issuers)), "one --issuer for all, or one for each --identity in the same order")
	}
	root, err := trustedRoot(k.root, "")
	if err != nil {
		return nil, err
	}
	var out []sigstore.Signer
	for i, identity := range k.identities {
		out = append(out, sigstore.Signer{Root: root, Identity: identity, Issuer: k.issuers[min(i, len(k.issuers)-1)]})
	}
	return out, nil
}

// configured are those that gate.signers of a scope's file names.
func configured(s *scope.Scope) ([]sigstore.Signer, error) {
	var out []sigstore.Signer
	for _, w := range s.Gate.Signers {
		file := w.TrustedRoot
		if !filepath.IsAbs(file) {
			file = filepath.Join(filepath.Dir(s.File), file)
		}
		root, err := trustedRoot(file, w.SHA256)
		if err != nil {
			return nil, err
		}
		out = append(out, sigstore.Signer{Root: root, Identity: w.Identity, Issuer: w.Issuer})
	}
	return out, nil
}

// trustedRoot reads a trusted root, which must have the digest given unless that is
// empty.
func trustedRoot(file, sum string) (*sigstore.Root, error) {
	const hint = "cosign trusted-root create writes one of services of your own"
	text, err := readSmall(file, sigstore.MaxRoot)
	if err != nil {
		return nil, usage("trusted root: "+err.Error(), hint)
	}
	if is := fmt.Sprintf("%x", sha256.Sum256(text)); sum != "" && is != sum {
		return nil, &failure{code: exitUsage, what: "the trusted root is not the one that gate.signers names: its SHA-256 is " + is, where: file, hint: "if it is meant to be another, write its digest; where approvers are named one of them signs it anew: sevenfold gate waive signer=…"}
	}
	root, err := sigstore.ParseRoot(text)
	if err != nil {
		return nil, &failure{code: exitUsage, what: err.Error(), where: file, hint: hint}
	}
	return root, nil
}

// trust is whose certificates count: who signs keylessly as the flags say, and a key:
// the one given. Where no flag names anybody it is who gate.signers of the
// configuration names, and where nobody does, the state's own key. configuration may
// be nil.
func (g *globals) trust(key string, k keyless, configuration *scope.Scope) (certificate.Trust, error) {
	signers, err := k.signers()
	if key == "" && k.none() && configuration != nil {
		signers, err = configured(configuration)
	}
	if err != nil {
		return certificate.Trust{}, err
	}
	t := certificate.Trust{Signers: signers}
	if key == "" && len(signers) > 0 {
		return t, nil
	}
	public, err := g.certificateKey(key)
	if err != nil {
		return certificate.Trust{}, err
	}
	t.Keys = []crypto.PublicKey{public}
	return t, nil
}

// trustIfAny is trust where nobody need be named: nobody's certificates count then.
func (g *globals) trustIfAny(key string, k keyless, configuration *scope.Scope) (certificate.Trust, error) {
	t, err := g.trust(key, k, configuration)
	if err != nil && key == "" && k.none() && len(configuration.Gate.Signers) == 0 {
		return certificate.Trust{}, nil
	}
	return t, err
}

// sealing are the flags of gate certify that ask for a Sigstore bundle.
type sealing struct {
	bundle                     bool
	fulcio, rekor, token, root string
}

func (f *sealing) addTo(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.bundle, "sigstore", false, "write a Sigstore bundle, which cosign verify-blob-attestation reads too")
	cmd.Flags().StringVar(&f.fulcio, "fulcio", "", "sign keylessly, by a certificate of Fulcio at `URL`")
	cmd.Flags().StringVar(&f.rekor, "rekor", "", "log the keyless signature in Rekor at `URL`")
	cmd.Flags().StringVar(&f.token, "identity-token", "", "OpenID token of who signs keylessly: a `FILE`, or env:NAME")
	cmd.Flags().StringVar(&f.root, "trusted-root", "", "trusted_root.json `FILE` that what the services answer is held against")
}

// sealer is how a certificate is signed; nil: by the key, in a bare envelope.
func (f sealing) sealer(ctx context.Context, g *globals, key func() (crypto.Signer, error)) (certificate.Sealer, error) {
	if f.fulcio == "" && f.rekor == "" && f.token == "" && f.root == "" {
		k, err := key()
		if err != nil || !f.bundle {
			return certificate.KeySealer(k), err
		}
		return certificate.BundleSealer(k), nil
	}
	if f.fulcio == "" || f.rekor == "" || f.token == "" || f.root == "" {
		return nil, usage("signing keylessly needs both services, who you are, and what their answers are held against", "--fulcio URL --rekor URL --identity-token FILE --trusted-root FILE")
	}
	root, err := trustedRoot(f.root, "")
	if err != nil {
		return nil, err
	}
	token, err := identityToken(f.token)
	if err != nil {
		return nil, err
	}
	services := act.Services{Fulcio: f.fulcio, Rekor: f.rekor, Token: token}
	if err := services.Check(); err != nil {
		return nil, usage(err.Error(), "--fulcio https://HOST --rekor https://HOST --identity-token FILE")
	}
	return func(payload []byte) ([]byte, error) {
		b, err := services.Sign(ctx, certificate.PayloadType, payload)
		if err != nil {
			return nil, &failure{code: exitUnknown, what: err.Error(), hint: "nothing was written; tokens count for minutes: ask for another, and again"}
		}
		identity, issuer, err := sigstore.SignerOf(b)
		if err == nil {
			err = sigstore.Signer{Root: root, Identity: identity, Issuer: issuer}.Verify(b)
		}
		if err != nil {
			return nil, &failure{code: exitUnknown, what: fmt.Sprintf("what the services answered does not hold against %s: %v", f.root, err), hint: "nothing was written; is it the trusted root of these services?"}
		}
		fmt.Fprintf(g.stderr, "signed by %s, for whom %s vouches\n", printable(identity), printable(issuer))
		return b.Pack()
	}, nil
}

// identityToken reads a token from a file or a variable; it is never an argument, which
// others on the machine could see.
func identityToken(given string) (string, error) {
	text, hint := "", "--identity-token FILE or env:NAME; tokens count for minutes"
	if name, ok := strings.CutPrefix(given, "env:"); ok {
		text = os.Getenv(name)
	} else {
		raw, err := readSmall(given, maxKeyFile)
		if err != nil {
			return "", usage("identity token: "+err.Error(), hint)
		}
		text = string(raw)
	}
	if text = strings.TrimSpace(text); text == "" {
		return "", usage("the identity token is empty", hint)
	}
	return text, nil
}
