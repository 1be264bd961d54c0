package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/gate"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/store"
)

// bundleSuffix is added to a certificate's file name for the folder of its
// evidence, where no other is named.
const bundleSuffix = ".bundle"

// maxTTL bounds a certificate's life: what was judged changes, and nobody can
// call a certificate back.
const maxTTL = 366 * 24 * time.Hour

func newGateCertify(g *globals) *cobra.Command {
	var r reading
	var key, bundle string
	var sealed sealing
	ttl := assess.TTL
	cmd := &cobra.Command{
		Use:   "certify WORKLOAD --out FILE",
		Short: "Sign a ready workload's verdict, with the evidence to judge it again",
		Long: "Reads the estate, and if the workload is ready signs that as an in-toto statement in a\n" +
			"DSSE envelope. The evidence goes into a folder beside it (FILE" + bundleSuffix + "), the certificate\n" +
			"into the state too, where gate plan and gate admission find it.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("gate certify", "text", "json"); err != nil {
				return err
			}
			switch {
			case ttl > maxTTL:
				return usage(fmt.Sprintf("a certificate of %s outlives what it rests on: at most %s", ttl, maxTTL), "--ttl 168h, and certify again")
			case ttl < time.Minute:
				return usage(fmt.Sprintf("a certificate of %s expires before anyone can use it", ttl), "--ttl 168h")
			case bundle == "" && (g.out == "" || g.out == "-"):
				return usage("it is not said where the certificate and its evidence go", "--out FILE, or --bundle DIR for the evidence where the certificate goes to standard output")
			case bundle == "":
				bundle = g.out + bundleSuffix
			}
			s, err := g.open()
			if err != nil {
				return err
			}
			return s.with(cmd.Context(), r, func(st store.Store, o assess.Options, result *assess.Result) error {
				return s.certify(cmd.Context(), assess.Certificates{Store: st}, o, result, args[0],
					assess.Certify{TTL: ttl, Bundle: bundle, Version: version, Own: s.ownControls()}, key, sealed)
			})
		},
	}
	r.addTo(cmd)
	cmd.Flags().StringVar(&key, "key", "", "private key `FILE` (PKCS #8 PEM, Ed25519) to sign with, or awskms:KEY; default: the state's own")
	sealed.addTo(cmd)
	cmd.Flags().StringVar(&bundle, "bundle", "", "folder `DIR` for the evidence (default FILE"+bundleSuffix+")")
	cmd.Flags().DurationVar(&ttl, "ttl", ttl, "how long it counts; it ends no later than the first waiver it rests on")
	return cmd
}

func (s *session) certify(ctx context.Context, kept assess.Certificates, o assess.Options, result *assess.Result, name string, c assess.Certify, key string, sealed sealing) error {
	s.sayLapsed(result.Lapsed)
	w, err := workloadOf(result.Workloads.List, name)
	if err != nil {
		return err
	}
	if c.Seal, err = sealed.sealer(ctx, s.g, func() (crypto.Signer, error) { return s.certificateSigner(ctx, key) }); err != nil {
		return err
	}
	if c.Serial, err = kept.Next(ctx, w.ID, o.Now); err != nil {
		return stateFailure(err)
	}
	file, d, err := result.Certify(ctx, w, o, c)
	if f := (*failure)(nil); errors.As(err, &f) {
		return f
	}
	if err != nil {
		return &failure{code: exitInternal, what: err.Error(), hint: "give --bundle a folder you may write to, with space"}
	}
	if file == nil {
		return s.g.toScreen().decide(d, "workload "+w.Name+" is not certified")
	}
	if err := s.g.write(func(w io.Writer) error { _, err := w.Write(file); return err }); err != nil {
		return err
	}
	if err := kept.Save(ctx, w.ID, w.Name, c.Serial, file, o.Now); err != nil {
		return stateFailure(err)
	}
	st, err := certificate.Peek(file)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.g.stderr, "certified %s: serial %d, until %s, %d members, %d waivers; evidence in %s\n", printable(w.Name), c.Serial,
		st.Predicate.Expires.Format(time.RFC3339), len(st.Subject)-1, len(st.Predicate.Waivers), c.Bundle)
	return nil
}

// toScreen is g without --out: what refuses to write a file still says why.
func (g *globals) toScreen() *globals {
	plain := *g
	plain.out = ""
	return &plain
}

func newGateVerify(g *globals) *cobra.Command {
	var key, bundle, workload string
	var by keyless
	cmd := &cobra.Command{
		Use:   "verify CERTIFICATE",
		Short: "Does a certificate still count? Offline: signature, subject, time, serial, and the evidence judged again",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("gate verify", "text", "json"); err != nil {
				return err
			}
			s, err := g.scopeOnly()
			if err != nil {
				return err
			}
			trusted, err := g.trust(key, by, s.scope)
			if err != nil {
				return err
			}
			file, err := readSmall(args[0], certificate.MaxBytes)
			if err != nil {
				return usage("certificate: "+err.Error(), "sevenfold gate certify WORKLOAD --out FILE makes one")
			}
			if bundle == "" && exists(args[0]+bundleSuffix) {
				bundle = args[0] + bundleSuffix
			}
			check := certificate.Check{Trusted: trusted, Now: time.Now().UTC(), Workload: workload}
			if s.file != "" {
				check.Approvers, check.Estate = s.scope.Gate.Approvers, s.scope.Estate
			}
			return g.verify(cmd.Context(), file, bundle, check)
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "public `KEY` it must be signed with: ed25519:BASE64, ecdsa-p256:BASE64 or a PEM file; default: the state's own")
	by.addTo(cmd)
	cmd.Flags().StringVar(&bundle, "bundle", "", "folder `DIR` of its evidence, to judge it again (default CERTIFICATE"+bundleSuffix+" if it is there)")
	cmd.Flags().StringVar(&workload, "workload", "", "the `WORKLOAD` it must be of, by name or id")
	return cmd
}

func (g *globals) verify(ctx context.Context, file []byte, bundle string, check certificate.Check) error {
	kept, closeAll, err := g.keptCertificates(ctx)
	if err != nil {
		return err
	}
	defer closeAll()
	if kept.Store != nil {
		seen, err := kept.Seen(ctx)
		if err != nil {
			return stateFailure(err)
		}
		check.Seen = func(workload string) int64 { return seen[workload] }
		revoked, err := kept.Revocations(ctx)
		if err != nil {
			return stateFailure(err)
		}
		check.Revoked = revoked.Why
	}
	st, reasons := certificate.Verify(file, check)
	entered := ""
	if st != nil && kept.Store != nil {
		n, other, err := kept.Entered(ctx, st.Predicate.Workload.ID, st.Predicate.Serial, file)
		switch {
		case err != nil:
			return registerFailure(err)
		case other:
			reasons = append(reasons, gate.Reason{Workload: st.Predicate.Workload.Name, Text: fmt.Sprintf("the register of this state knows another certificate of serial %d", st.Predicate.Serial)})
		case n > 0:
			entered = fmt.Sprintf("; entry %d of the register", n)
		default:
			entered = "; it is not in the register of this state, which did not issue it"
		}
	}
	d := gate.Refused(reasons)
	if st == nil {
		return g.decide(d, "the certificate")
	}
	p := st.Predicate
	if bundle != "" {
		more, err := assess.Recheck(ctx, st, bundle, version, func(own fs.FS) (*control.Set, error) { return g.loadControls(own) })
		if err != nil {
			return err
		}
		d = gate.Refused(append(reasons, more...))
	}
	if d.Decision == gate.Admit {
		if kept.Store != nil {
			if err := kept.See(ctx, p.Workload.ID, p.Serial); err != nil {
				return stateFailure(err)
			}
		}
		text := fmt.Sprintf("signature, subject, time, serial and criteria hold; it counts until %s, with %d waivers", p.Expires.Format(time.RFC3339), len(p.Waivers)) + entered
		if bundle == "" {
			text += "; its evidence was not judged again: give it by --bundle"
		} else {
			text += "; judged again from its evidence, the verdict is the same"
		}
		d.Reasons = append(d.Reasons, gate.Reason{Workload: p.Workload.Name, Text: text})
	}
	return g.decide(d, fmt.Sprintf("the certificate of %s, serial %d", p.Workload.Name, p.Serial))
}

// keptCertificates opens the state if there is one: verifying makes none.
func (g *globals) keptCertificates(ctx context.Context) (assess.Certificates, func(), error) {
	s := session{g: g}
	if s.folder() != "" {
		if _, err := os.Stat(filepath.Join(s.folder(), "sevenfold.db")); errors.Is(err, fs.ErrNotExist) {
			return assess.Certificates{}, func() {}, nil
		}
	}
	st, closeAll, err := s.openStore(ctx)
	return assess.Certificates{Store: st}, closeAll, err
}
