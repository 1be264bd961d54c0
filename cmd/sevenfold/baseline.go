package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/report"
	diffs "github.com/sevenfold-sec/sevenfold/steps/audit"
	"github.com/sevenfold-sec/sevenfold/store"
)

func newBaseline(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "baseline",
		Short: "Approve, show and verify a signed baseline: the state of the estate the company takes ownership of",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newBaselineApprove(g), newBaselineShow(g), newBaselineVerify(g), newBaselineDiff(g))
	return cmd
}

// ownPublic is the state's own public key, nil if it holds none.
func (s *session) ownPublic() ed25519.PublicKey {
	if s.folder() == "" || !exists(filepath.Join(s.folder(), keyFile)) {
		return nil
	}
	key, err := s.g.trustedKey("")
	if err != nil {
		return nil
	}
	return key
}

// holding says what runs of this session are held against.
func (s *session) holding(st store.Store, now time.Time, fresh bool) assess.Holding {
	return assess.Holding{Store: st, Trusted: assess.Trusted(s.scope.Gate.Approvers, s.ownPublic()), Estate: s.scope.Estate, Now: now.Truncate(time.Second), Fresh: fresh,
		Scope: s.scope, Heads: s.heads(st)}
}

// heads keeps how far the state has come, signed with its own key where it has
// one.
func (s *session) heads(st store.Store) assess.Heads {
	h := assess.Heads{Store: st, Folder: s.folder(), Estate: s.scope.Estate, Trusted: s.scope.Gate.Approvers}
	if own := s.ownPublic(); own != nil {
		h.Trusted = append([]ed25519.PublicKey{own}, h.Trusted...)
		h.Key, _ = privateKey(filepath.Join(s.folder(), keyFile)) // ownPublic read it
	}
	return h
}

// against fills in the state's baseline and what a snapshot differs from it.
func (s *session) against(ctx context.Context, st store.Store, snap *estate.Snapshot, r reading, o *assess.Options) error {
	b, err := s.holding(st, o.Now, r.snapshot == "").Against(ctx, snap)
	if err != nil {
		return stateFailure(err)
	}
	o.Baseline = b
	return nil
}

// approverKey is the key that approves: the one given, which must be an
// approver's where the scope names any, or the state's own.
func (s *session) approverKey(file string) (ed25519.PrivateKey, error) {
	approvers := s.scope.Gate.Approvers
	if file == "" && len(approvers) > 0 {
		return nil, usage("gate.approvers names keys, so that only what one of them signed counts", "--key with the private key of one of them")
	}
	key, err := s.signingKey(file)
	if err != nil {
		return nil, err
	}
	if len(approvers) > 0 {
		if err := s.g.known(key, approvers); err != nil {
			return nil, err
		}
	} else if file != "" && !key.Public().(ed25519.PublicKey).Equal(s.ownPublic()) {
		return nil, usage("the key is none of gate.approvers, so what it signs would not count", "add its public key to gate.approvers: "+certificate.KeyID(key.Public().(ed25519.PublicKey)))
	}
	return key, nil
}

// person is who runs this, where nobody is named.
func person() string {
	name := os.Getenv("USER")
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, _ := os.Hostname()
	return strings.Trim(name+"@"+host, "@")
}

func newBaselineApprove(g *globals) *cobra.Command {
	var r reading
	a := assess.Approval{Version: version}
	key, newMask := "", false
	cmd := &cobra.Command{
		Use:   "approve",
		Short: "Sign what was read now as the next version of the baseline",
		Long: "Reads the estate and signs it, with its findings, as the state the company takes ownership\n" +
			"of. What was not read (blind spots, types that no source listed, assets known by name only)\n" +
			"and open deviations are refused unless each is listed by name; a listed one still keeps its\n" +
			"criterion from passing. Where no asset was read at all there is nothing to approve (exit 3).\n" +
			"Former versions stay.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := g.wants("baseline approve", "text", "json"); err != nil {
				return err
			}
			s, err := g.open()
			if err != nil {
				return err
			}
			s.newMaskKey = newMask
			return s.with(cmd.Context(), r, func(st store.Store, o assess.Options, result *assess.Result) error {
				if a.Key, err = s.approverKey(key); err != nil {
					return err
				}
				if a.By == "" {
					a.By = person()
				}
				return s.approve(cmd.Context(), st, o, result, a)
			})
		},
	}
	r.addTo(cmd)
	cmd.Flags().StringArrayVar(&a.Accept, "accept", nil, "`ID` of something unread or of a deviation that is taken over as it is; repeats")
	cmd.Flags().BoolVar(&a.All, "accept-open", false, "take over everything unread and every deviation as it is")
	cmd.Flags().StringVar(&a.By, "owner", "", "who approves (default the user who runs this)")
	cmd.Flags().BoolVar(&newMask, "new-mask-key", false, "begin anew with the mask key there is now, or a new one, where the state's own is lost")
	cmd.Flags().StringVar(&key, "key", "", "private key `FILE` of an approver (PKCS #8 PEM, Ed25519); default: the state's own")
	return cmd
}

// openShown bounds how many open things a refusal lists.
const openShown = 20

func (s *session) approve(ctx context.Context, st store.Store, o assess.Options, result *assess.Result, a assess.Approval) error {
	a.Heads = s.heads(st)
	b, file, left, unknown, err := result.Approve(ctx, st, o, a)
	var nothing *assess.NothingReadError
	switch {
	case errors.As(err, &nothing):
		return &failure{code: exitUnknown, what: "not approved: " + printable(nothing.Error()), hint: "sevenfold assess says why a source cannot be read; nothing of what it holds can be taken over unread"}
	case err != nil:
		return stateFailure(err)
	case len(unknown) > 0:
		return usage("nothing open is called "+strings.Join(unknown, ", "), "sevenfold baseline approve lists what is open, each with its id")
	case len(left) > 0:
		return s.refuseApproval(left)
	}
	if s.g.out != "" && s.g.out != "-" {
		if err := s.g.write(func(w io.Writer) error { _, err := w.Write(file); return err }); err != nil {
			return err
		}
	}
	if s.g.format == "json" {
		return s.g.toScreen().write(func(w io.Writer) error { return writeJSON(w, b) })
	}
	fmt.Fprintf(s.g.stdout, "baseline version %d approved by %s: %d assets, %d workloads, %d open things listed\n", b.Version, printable(b.By), b.Assets, len(b.Workloads), len(b.Listed))
	return nil
}

// refuseApproval says what keeps a baseline from being approved.
func (s *session) refuseApproval(left []assess.Open) error {
	hint := "mend them, or take them over by name: sevenfold baseline approve --accept ID…, or --accept-open for all"
	if s.g.format == "json" {
		if err := s.g.toScreen().write(func(w io.Writer) error { return writeJSON(w, map[string]any{"open": left}) }); err != nil {
			return err
		}
		return verdict(exitNotReady)
	}
	fmt.Fprintf(s.g.stdout, "not approved: %d things that are unread or deviate are not listed by name\n", len(left))
	for i, x := range left {
		if i == openShown {
			fmt.Fprintf(s.g.stdout, "  and %d more; --format json lists all\n", len(left)-i)
			break
		}
		fmt.Fprintf(s.g.stdout, "  %s  %s: %s\n", x.ID, x.Kind, printable(x.What))
	}
	fmt.Fprintf(s.g.stdout, "hint: %s\n", hint)
	return verdict(exitNotReady)
}

// keptBaseline opens the state, which must be there, for what reads baselines
// only.
func (g *globals) keptBaseline(ctx context.Context, then func(*session, assess.Baselines) error) error {
	s, err := g.scopeOnly()
	if err != nil {
		return err
	}
	if s.folder() != "" && !exists(s.folder(), "sevenfold.db") {
		return usage("there is no state in "+s.folder()+": nothing is kept there yet", "sevenfold assess and sevenfold baseline approve make one; --state names another")
	}
	st, closeAll, err := s.openStore(ctx)
	if err != nil {
		return err
	}
	defer closeAll()
	return then(s, assess.Baselines{Store: st})
}

// find reads a version from the state and holds it to its signature.
func (s *session) find(ctx context.Context, kept assess.Baselines, number int64) (*assess.Baseline, error) {
	file, got, err := kept.File(ctx, number)
	if errors.Is(err, store.ErrNotFound) {
		if number == 0 {
			return nil, usage("no baseline was approved", "sevenfold baseline approve")
		}
		return nil, usage(fmt.Sprintf("there is no version %d of the baseline", number), "sevenfold baseline show says which is the newest")
	}
	if err == nil {
		var b *assess.Baseline
		if b, err = kept.Check(file, assess.Trusted(s.scope.Gate.Approvers, s.ownPublic()), s.scope.Estate, got); err == nil {
			err = s.heads(kept.Store).Baseline(ctx, b.Head)
		}
		if err == nil {
			return b, nil
		}
	}
	return nil, baselineFailure(err)
}

// baselineFailure says that a baseline does not count: that is an answer, not a
// slip of who asks.
func baselineFailure(err error) error {
	var no *assess.BaselineError
	if errors.As(err, &no) {
		return &failure{code: exitNotReady, what: no.What, hint: no.Mend}
	}
	return stateFailure(err)
}

func newBaselineShow(g *globals) *cobra.Command {
	number := int64(0)
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show a baseline: who approved what, when, and with what open",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := g.wants("baseline show", "text", "json"); err != nil {
				return err
			}
			return g.keptBaseline(cmd.Context(), func(s *session, kept assess.Baselines) error {
				b, err := s.find(cmd.Context(), kept, number)
				if err != nil {
					return err
				}
				return g.tell(b, func(w io.Writer) error {
					_, err := io.WriteString(w, baselineText(b, time.Now()))
					return err
				})
			})
		},
	}
	cmd.Flags().Int64Var(&number, "version", 0, "the version (default the newest)")
	return cmd
}

func baselineText(b *assess.Baseline, now time.Time) string {
	var t strings.Builder
	fmt.Fprintf(&t, "baseline version %d", b.Version)
	if b.Estate != "" {
		fmt.Fprintf(&t, " of %s", printable(b.Estate))
	}
	fmt.Fprintf(&t, ", approved %s by %s, %s\n", b.Approved.Format(time.RFC3339), printable(b.By), diffs.Age(now.Sub(b.Approved)))
	fmt.Fprintf(&t, "  snapshot %s of %s\n", b.Snapshot, b.Taken.Format(time.RFC3339))
	fmt.Fprintf(&t, "  %d assets in %s, %d workloads, %d open findings\n", b.Assets, orElse(printable(strings.Join(b.Accounts, ", ")), "no account"), len(b.Workloads), len(b.Findings))
	for _, s := range b.Sources {
		fmt.Fprintf(&t, "  source %s\n", printable(s))
	}
	if len(b.Listed) == 0 {
		return t.String()
	}
	fmt.Fprintf(&t, "  taken over as they were:\n")
	for i, l := range b.Listed {
		if i == 2*openShown {
			fmt.Fprintf(&t, "    and %d more; --format json lists all\n", len(b.Listed)-i)
			break
		}
		how := "by name"
		if l.All {
			how = "with all others"
		}
		fmt.Fprintf(&t, "    %s  %s: %s (%s, %s, %s)\n", l.ID, l.Kind, printable(l.What), printable(l.By), l.At.Format(time.DateOnly), how)
	}
	return t.String()
}

func newBaselineVerify(g *globals) *cobra.Command {
	number, key := int64(0), ""
	cmd := &cobra.Command{
		Use:   "verify [FILE]",
		Short: "Is a baseline as it was signed? Offline: signature, form, and every asset of its snapshot",
		Long: "Holds a baseline to its signature, its snapshot to what was signed, and the state to its head\n" +
			"(head.json in the state folder, a row in a database), which says how many versions there were.\n" +
			"It cannot notice that a whole state was replaced by an older copy of itself, nor what somebody\n" +
			"did who has its key. FILE, which baseline approve --out wrote and was kept elsewhere, shows\n" +
			"the first; gate.approvers, whose keys do not lie in the state, prevents the second.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("baseline verify", "text", "json"); err != nil {
				return err
			}
			return g.keptBaseline(cmd.Context(), func(s *session, kept assess.Baselines) error {
				b, whole, err := s.verifyBaseline(cmd.Context(), kept, args, number, key)
				if err != nil {
					return err
				}
				return g.tell(map[string]any{"version": b.Version, "snapshot": b.Snapshot, "assets": b.Assets, "holds": true}, func(w io.Writer) error {
					_, err := fmt.Fprintf(w, "baseline version %d holds: its signature, and %s as they were signed\n", b.Version, whole)
					return err
				})
			})
		},
	}
	cmd.Flags().Int64Var(&number, "version", 0, "the version in the state (default the newest)")
	cmd.Flags().StringVar(&key, "key", "", "public `KEY` it must be signed with: ed25519:BASE64 or a PEM file; default: an approver's or the state's own")
	return cmd
}

func (s *session) verifyBaseline(ctx context.Context, kept assess.Baselines, args []string, number int64, key string) (*assess.Baseline, string, error) {
	trusted := assess.Trusted(s.scope.Gate.Approvers, s.ownPublic())
	if key != "" {
		k, err := s.g.trustedKey(key)
		if err != nil {
			return nil, "", err
		}
		trusted = []ed25519.PublicKey{k}
	}
	var file []byte
	var err error
	kept2 := int64(0)
	if len(args) == 1 {
		if file, err = readSmall(args[0], certificate.MaxBytes); err != nil {
			return nil, "", usage("baseline: "+err.Error(), "sevenfold baseline approve --out FILE writes one")
		}
	} else if file, kept2, err = kept.File(ctx, number); errors.Is(err, store.ErrNotFound) {
		return nil, "", usage("no such baseline was approved", "sevenfold baseline approve")
	} else if err != nil {
		return nil, "", baselineFailure(err)
	}
	b, err := kept.Check(file, trusted, s.scope.Estate, kept2)
	if err == nil && kept2 == 0 {
		err = kept.Holds(ctx, b, file)
	}
	if err == nil {
		err = s.heads(kept.Store).Baseline(ctx, b.Head)
	}
	if err == nil {
		_, err = kept.Whole(ctx, b, true)
	}
	if err != nil {
		return nil, "", baselineFailure(err)
	}
	return b, fmt.Sprintf("%d assets with their configurations and relations", b.Assets), nil
}

func newBaselineDiff(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "diff [N [M]]",
		Short: "What differs between two versions of the baseline (default the newest and the one before)",
		Args:  cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("baseline diff", "text", "json"); err != nil {
				return err
			}
			return g.keptBaseline(cmd.Context(), func(s *session, kept assess.Baselines) error {
				from, to, err := versions(cmd.Context(), kept, args)
				if err != nil {
					return err
				}
				return s.diffBaselines(cmd.Context(), kept, from, to)
			})
		},
	}
}

// versions are the two that are compared.
func versions(ctx context.Context, kept assess.Baselines, args []string) (from, to int64, err error) {
	if to, err = kept.Last(ctx); err != nil {
		return 0, 0, stateFailure(err)
	}
	from = to - 1
	for i, at := range []*int64{&from, &to} {
		if i < len(args) {
			if *at, err = strconv.ParseInt(args[i], 10, 64); err != nil || *at < 1 {
				return 0, 0, usage(fmt.Sprintf("%q is no version of a baseline", args[i]), "sevenfold baseline diff 1 2")
			}
		}
	}
	if from < 1 {
		return 0, 0, usage("there are no two versions of the baseline to compare", "sevenfold drift compares the newest with the estate as it is")
	}
	return from, to, nil
}

func (s *session) diffBaselines(ctx context.Context, kept assess.Baselines, from, to int64) error {
	var b [2]*assess.Baseline
	for i, number := range []int64{from, to} {
		var err error
		if b[i], err = s.find(ctx, kept, number); err != nil {
			return err
		}
	}
	d, after, err := kept.Diff(ctx, b[0], b[1], s.scope)
	if err != nil {
		return baselineFailure(err)
	}
	held := &diffs.Approved{Version: b[0].Version, Approved: b[0].Approved, By: b[0].By, Now: time.Now(), Drift: d}
	doc := (&assess.Result{Seen: after}).DriftDocument(held)
	err = s.g.write(func(w io.Writer) error {
		if s.g.format == "json" {
			return report.DriftJSON(w, doc)
		}
		return report.DriftText(w, doc, s.g.textOptions(""))
	})
	if err != nil || len(doc.Records) == 0 {
		return err
	}
	return verdict(exitNotReady)
}
