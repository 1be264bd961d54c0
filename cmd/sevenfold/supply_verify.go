package main

import (
	"crypto/x509"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/steps/supply"
	"github.com/sevenfold-sec/sevenfold/steps/supply/signature"
)

// verifying are the flags of supply verify.
type verifying struct {
	bundle, identity, issuer, root, at, of string
	keys, roots                            []string
}

func newSupplyVerify(g *globals) *cobra.Command {
	var f verifying
	cmd := &cobra.Command{
		Use:   "verify PATH",
		Short: "Is a model what was signed: OpenSSF model-signing and cosign bundles, offline",
		Long: `Is a model what was signed: every file there is in the signature with its digest, and
every file of the signature is there. The bundle is one of OpenSSF model-signing (PATH
a folder) or of cosign sign-blob (PATH a file). Nothing is asked of any server: the
signature is held against the keys or roots you give; with --trusted-root a keyless
one against the log's signed time and its proof, too. Exit 0 verified, 1 refused, 3
could not tell.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("supply verify", "text", "json"); err != nil {
				return err
			}
			t, err := f.trust()
			if err != nil {
				return err
			}
			p, err := assess.VerifyFiles(cmd.Context(), args[0], f.bundle, t, runTime())
			if err != nil {
				return usage(printable(err.Error()), "name the folder or file, and its bundle by --signature")
			}
			if f.of != "" {
				if err := g.kept(cmd.Context(), func(_ *session, st assess.Supply) error {
					if err := st.Put(cmd.Context(), supply.Examined{Place: supply.ParsePlace(f.of), From: args[0], Proof: p}); err != nil {
						return stateFailure(err)
					}
					return nil
				}); err != nil {
					return err
				}
			}
			if err := g.tell(p, func(w io.Writer) error {
				fmt.Fprintf(w, "%s: %s", p.Verdict, printable(args[0]))
				if p.Signer != "" {
					fmt.Fprintf(w, ", %s, signed by %s", counted(p.Files, "file"), printable(p.Signer))
				}
				if p.Why != "" {
					fmt.Fprintf(w, ": %s", printable(p.Why))
				}
				fmt.Fprintln(w)
				return nil
			}); err != nil {
				return err
			}
			switch p.Verdict {
			case "verified":
				return nil
			case "refused":
				return verdict(exitNotReady)
			}
			return verdict(exitUnknown)
		},
	}
	cmd.Flags().StringVar(&f.bundle, "signature", "", "the signature's `FILE` (default model.sig in the folder, FILE.sigstore.json beside a file)")
	cmd.Flags().StringArrayVar(&f.keys, "key", nil, "public key `FILE` in PEM; repeats")
	cmd.Flags().StringArrayVar(&f.roots, "root", nil, "certificate `FILE` in PEM that signers' certificates must lead to; repeats")
	cmd.Flags().StringVar(&f.root, "trusted-root", "", "trusted_root.json `FILE` that keyless signatures are held against, with the log's proof of when they were made; with --identity and --issuer")
	cmd.Flags().StringVar(&f.issuer, "issuer", "", "the `URL` of the identity provider that vouches for --identity")
	cmd.Flags().StringVar(&f.identity, "identity", "", "the `NAME` (an address or URI) that the signer's certificate must bear")
	cmd.Flags().StringVar(&f.at, "at", "", "the `TIME` (RFC 3339) at which it was signed, where you know it, for certificates that have ended since")
	cmd.Flags().StringVar(&f.of, "of", "", placeHelp)
	return cmd
}

// maxPEM bounds a file of keys or certificates, in bytes.
const maxPEM = 1 << 20

func (f *verifying) trust() (t signature.Trust, err error) {
	t.Identity, t.At = f.identity, runTime()
	if f.at != "" {
		if t.At, err = time.Parse(time.RFC3339, f.at); err != nil {
			return t, usage("--at: "+err.Error(), "--at 2026-11-28T12:00:00Z")
		}
	}
	for _, file := range f.keys {
		text, err := readSmall(file, maxPEM)
		if err == nil {
			keys, perr := signature.ParseKeys(text)
			t.Keys, err = append(t.Keys, keys...), perr
		}
		if err != nil {
			return t, usage("--key: "+err.Error(), "give a public key in PEM")
		}
	}
	for _, file := range f.roots {
		text, err := readSmall(file, maxPEM)
		if err != nil {
			return t, usage("--root: "+err.Error(), "give certificates in PEM")
		}
		if t.Roots == nil {
			t.Roots = x509.NewCertPool()
		}
		if !t.Roots.AppendCertsFromPEM(text) {
			return t, usage("--root: no certificate in PEM is in "+file, "give certificates in PEM")
		}
	}
	if f.root != "" || f.issuer != "" {
		who := keyless{f.root, []string{f.identity}, []string{f.issuer}}
		signers, err := who.signers()
		if err != nil {
			return t, err
		}
		t.Sigstore, t.Issuer = signers[0].Root, f.issuer
	}
	if len(t.Keys) == 0 && t.Roots == nil && t.Sigstore == nil {
		return t, usage("nothing to hold the signature against is given", "--key PUBLIC.pem, --root CA.pem --identity NAME, or --trusted-root trusted_root.json --identity NAME --issuer URL")
	}
	if t.Roots != nil && t.Identity == "" {
		return t, usage("--root without --identity would take anybody's signature whom the root certifies", "--identity release@example.com")
	}
	return t, nil
}
