package main

import (
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/store"
)

func newGateRegister(g *globals) *cobra.Command {
	var dir, key string
	cmd := &cobra.Command{
		Use:   "register",
		Short: "Every certificate that was issued or revoked, each entry held to the one before it",
		Long: "Reads the state only. The digest at the end is that of the last entry: keep it elsewhere, and who shows\n" +
			"a register that does not lead to it has cut it off.\n\n--revocations writes every revocation that holds into a folder, signed: laid beside the certificates of a\n" +
			"cluster, or of gate ask, it ends them there.\n\nExit codes: 0 the register is whole, 2 there is no state, 3 it was altered.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := g.wants("gate register", "text", "json"); err != nil {
				return err
			}
			kept, closeAll, err := g.keptCertificates(cmd.Context())
			if err != nil {
				return err
			}
			defer closeAll()
			out := registered{Entries: []assess.RegisterEntry{}}
			if kept.Store == nil {
				return usage(fmt.Sprintf("no state lies in %s: whether certificates were issued is not known", printable((&session{g: g}).folder())), "--state names the folder or address that sevenfold gate certify wrote to")
			}
			acts, head, err := kept.Register(cmd.Context())
			if err != nil {
				return registerFailure(err)
			}
			out.Entries, out.Head = append(out.Entries, acts...), head
			if dir != "" {
				if err := g.writeRevocations(cmd.Context(), kept, dir, key); err != nil {
					return err
				}
			}
			return g.tell(out, func(w io.Writer) error { return registerText(w, out) })
		},
	}
	cmd.Flags().StringVar(&dir, "revocations", "", "folder `DIR` to write the revocations to, one file a workload")
	cmd.Flags().StringVar(&key, "key", "", "private key `FILE` (PKCS #8 PEM, Ed25519) to sign them with, or awskms:KEY; default: the state's own")
	return cmd
}

// writeRevocations signs every revocation that holds and writes it to a folder.
func (g *globals) writeRevocations(ctx context.Context, kept assess.Certificates, dir, key string) error {
	revoked, err := kept.Revocations(ctx)
	if err != nil {
		return registerFailure(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return usage("revocations: "+err.Error(), "--revocations names a folder you may write to")
	}
	private, err := (&session{g: g}).certificateSigner(ctx, key)
	if err != nil {
		return err
	}
	for _, e := range revoked {
		if err := writeRevocation(filepath.Join(dir, revocationName(e)), e, private); err != nil {
			return err
		}
	}
	fmt.Fprintf(g.stderr, "%s in %s\n", counted(len(revoked), "revocation"), dir)
	return nil
}

// revocationName is the file of a workload's revocation: ids hold what no file's
// name may.
func revocationName(e assess.RegisterEntry) string {
	sum := sha256.Sum256([]byte(e.Workload))
	return "revoked-" + hex.EncodeToString(sum[:8])
}

func writeRevocation(path string, e assess.RegisterEntry, key crypto.Signer) error {
	file, err := certificate.EncodeRevocation(e.Revocation(), key)
	if err == nil {
		err = os.WriteFile(path, file, 0o644)
	}
	if err != nil {
		return usage("revocation: "+err.Error(), "name a place you may write to")
	}
	return nil
}

// registered is what gate register prints.
type registered struct {
	Entries []assess.RegisterEntry `json:"entries"`
	Head    string                 `json:"head"`
}

func registerText(w io.Writer, r registered) error {
	if len(r.Entries) == 0 {
		_, err := fmt.Fprintln(w, "No certificate was issued from this state.")
		return err
	}
	var b strings.Builder
	for _, e := range r.Entries {
		fmt.Fprintf(&b, "%4d  %s  %-7s  %s, serial %d", e.N, e.At.UTC().Format(time.RFC3339), e.Act, printable(e.Name), e.Serial)
		if e.Why != "" {
			b.WriteString(": " + printable(e.Why))
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "whole; last entry %s\n", r.Head)
	_, err := io.WriteString(w, b.String())
	return err
}

// registerFailure tells an altered register from a state that cannot be read.
func registerFailure(err error) error {
	var altered *assess.RegisterError
	if errors.As(err, &altered) {
		what, hint := splitHints(err.Error())
		return &failure{code: exitUnknown, what: what, hint: hint}
	}
	return stateFailure(err)
}

func newGateRevoke(g *globals) *cobra.Command {
	var why, key string
	cmd := &cobra.Command{
		Use:   "revoke WORKLOAD",
		Short: "End a workload's certificate before its time",
		Long: "assess does so by itself when a certified workload is not what was certified any more: a member differs, or\n" +
			"a criterion fails. --out writes the signed revocation: beside a certificate that was copied into a cluster's\n" +
			"folder, it ends it there, and what was seen of it stays seen (gate register --revocations writes all).",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("gate revoke", "text"); err != nil {
				return err
			}
			if strings.TrimSpace(why) == "" {
				return usage("it is not said why", "--reason 'the model is withdrawn'")
			}
			kept, closeAll, err := g.keptCertificates(cmd.Context())
			if err != nil {
				return err
			}
			defer closeAll()
			if kept.Store == nil {
				return usage("there is no state that keeps certificates", "--state names it")
			}
			acts, _, err := kept.Register(cmd.Context())
			if err != nil {
				return registerFailure(err)
			}
			for i := len(acts) - 1; i >= 0; i-- {
				if e := acts[i]; e.Name == args[0] || e.Workload == args[0] {
					serial, done, err := kept.Revoke(cmd.Context(), e.Workload, e.Name, why, time.Now())
					if err != nil {
						return registerFailure(err)
					}
					if !done {
						fmt.Fprintf(g.stderr, "certificate %d of %s is revoked already\n", serial, printable(e.Name))
					} else {
						fmt.Fprintf(g.stderr, "certificate %d of %s is revoked; clusters and pipelines that have a copy of it must be told (--out FILE, gate register --revocations DIR)\n", serial, printable(e.Name))
					}
					if g.out == "" || g.out == "-" {
						return nil
					}
					revoked, err := kept.Revocations(cmd.Context())
					if err != nil {
						return registerFailure(err)
					}
					private, err := (&session{g: g}).certificateSigner(cmd.Context(), key)
					if err != nil {
						return err
					}
					return writeRevocation(g.out, revoked[e.Workload], private)
				}
			}
			return usage(fmt.Sprintf("%s has no certificate in this state", printable(args[0])), "sevenfold gate register lists them")
		},
	}
	cmd.Flags().StringVar(&why, "reason", "", "why it ends")
	cmd.Flags().StringVar(&key, "key", "", "private key `FILE` (PKCS #8 PEM, Ed25519) to sign the revocation with, or awskms:KEY; default: the state's own")
	return cmd
}

// revokeBroken ends the certificates of what is not as it was certified any more,
// after a run over the whole estate as it is configured.
func (s *session) revokeBroken(ctx context.Context, st store.Store, r reading, o assess.Options, result *assess.Result) error {
	if r.snapshot != "" || r.step != "" || o.Step != "" || len(s.g.sources) > 0 {
		return nil
	}
	ended, err := result.RevokeBroken(ctx, assess.Certificates{Store: st}, o.Now)
	for _, e := range ended {
		fmt.Fprintf(s.g.stderr, "certificate %d of %s is revoked: %s\n", e.Serial, printable(e.Workload.Name), printable(e.Why))
	}
	if err != nil {
		return registerFailure(err)
	}
	return nil
}
