package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/access"
	"github.com/sevenfold-sec/sevenfold/store"
)

// reviewing are the flags of access review's verbs.
type reviewing struct {
	reading
	due, every      string
	by, reason, key string
	open            bool
}

// reviewed is what a verb of access review works on.
type reviewed struct {
	s       *session
	reviews assess.Reviews
	items   []access.ReviewItem
	records []access.ReviewEntry
	started bool
	now     time.Time
}

func newAccessReview(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "review",
		Short: "Each grant on a workload to its owner, to keep or revoke: start, list, keep, revoke, show",
		Long: `A review puts every grant to the identities that run a workload, or can change it,
before its owner: keep it or revoke it, with a reason. A grant that changes after
somebody kept it is open again. What has no answer by the review's day fails
access.scope. The records are signed, each holds the digest of the one before it,
and none can be taken away or changed unnoticed.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newReviewStart(g), newReviewList(g), newReviewSay(g, "keep"), newReviewSay(g, "revoke"), newReviewShow(g))
	return cmd
}

// review opens the state, reads the estate and shows where the review stands.
func (g *globals) review(ctx context.Context, verb string, f *reviewing, then func(context.Context, *reviewed) error) error {
	if err := g.wants(verb, "text", "json"); err != nil {
		return err
	}
	s, err := g.withLogs()
	if err != nil {
		return err
	}
	return s.opened(ctx, &f.reading, func(st store.Store, o assess.Options) error {
		snap, err := s.snapshot(ctx, st, f.reading, o)
		if err != nil {
			return err
		}
		r := &reviewed{s: s, now: o.Now}
		if err := r.read(ctx, st, snap); err != nil {
			return err
		}
		return then(ctx, r)
	})
}

func (r *reviewed) read(ctx context.Context, st store.Store, snap *estate.Snapshot) (err error) {
	s := r.s
	r.reviews = assess.Reviews{Store: st, Heads: s.heads(st), Trusted: assess.Trusted(s.scope.Gate.Approvers, s.ownPublic()), Estate: s.scope.Estate}
	r.items, r.records, r.started, err = assess.ReviewItems(ctx, snap, s.scope, r.reviews, r.now)
	return err
}

// days reads a number of days written 30d.
func days(flag, text string) (int, error) {
	d, err := assess.ParseWindow(text)
	if err != nil || d%(24*time.Hour) != 0 {
		return 0, usage(fmt.Sprintf("%s: %q is no number of days", flag, text), flag+" 30d")
	}
	return int(d / (24 * time.Hour)), nil
}

func newReviewStart(g *globals) *cobra.Command {
	var f reviewing
	cmd := &cobra.Command{
		Use: "start", Short: "Begin a review: every grant there is needs an answer by the day it is due", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			due, err := days("--due", f.due)
			if err != nil {
				return err
			}
			every, err := days("--every", f.every)
			if err != nil {
				return err
			}
			return g.review(cmd.Context(), "access review start", &f, func(ctx context.Context, r *reviewed) error {
				if len(r.items) == 0 {
					return &failure{code: exitUnknown, what: "there is no grant on a workload to review", hint: "sevenfold inventory lists the workloads there are"}
				}
				e := access.ReviewEntry{Kind: "start", At: r.now, By: orElse(f.by, person()), Due: r.now.AddDate(0, 0, due).UTC().Truncate(time.Second), Every: every, Grants: map[string]string{}}
				for i := range r.items {
					e.Grants[r.items[i].ID] = orElse(r.items[i].Digest, "unread")
				}
				if err := r.add(ctx, e, f.key); err != nil {
					return err
				}
				r.records = append(r.records, e)
				var grants []access.ReviewGrant
				for i := range r.items {
					grants = append(grants, r.items[i].ReviewGrant)
				}
				r.items, r.started = access.Reviewed(grants, r.records, r.now)
				return r.write(false)
			})
		},
	}
	f.addTo(cmd)
	cmd.Flags().StringVar(&f.due, "due", "30d", "by when each grant must have an answer: `DAYS`")
	cmd.Flags().StringVar(&f.every, "every", "90d", "after how long the next review is due: `DAYS`")
	cmd.Flags().StringVar(&f.by, "by", "", "who begins it (default the user who runs this)")
	f.keyTo(cmd)
	return cmd
}

func (f *reviewing) keyTo(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.key, "key", "", "private key `FILE` of an approver (PKCS #8 PEM, Ed25519); default: the state's own")
}

// add signs a record with the key that counts.
func (r *reviewed) add(ctx context.Context, e access.ReviewEntry, file string) error {
	key, err := r.s.approverKey(file)
	if err != nil {
		return err
	}
	// The state's own key may have been made just now.
	r.reviews.Trusted, r.reviews.Heads = assess.Trusted(r.s.scope.Gate.Approvers, r.s.ownPublic()), r.s.heads(r.reviews.Store)
	return r.reviews.Add(ctx, e, key)
}

func newReviewList(g *globals) *cobra.Command {
	var f reviewing
	cmd := &cobra.Command{
		Use: "list", Short: "Every grant with its owner and where it stands; exit 1 while one is overdue", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.review(cmd.Context(), "access review list", &f, func(_ context.Context, r *reviewed) error {
				if err := r.write(f.open); err != nil {
					return err
				}
				switch {
				case !r.started:
					return verdict(exitUnknown)
				case slices.ContainsFunc(r.items, func(i access.ReviewItem) bool {
					return i.State == access.ReviewOverdue || i.State == access.ReviewRevoked && r.now.After(i.Due)
				}):
					return verdict(exitNotReady)
				}
				return nil
			})
		},
	}
	f.addTo(cmd)
	cmd.Flags().BoolVar(&f.open, "open", false, "only those that have no answer")
	return cmd
}

// write lists the grants.
func (r *reviewed) write(open bool) error {
	items := []access.ReviewItem{}
	for _, i := range r.items {
		if !open || i.State != access.ReviewKept {
			items = append(items, i)
		}
	}
	return r.s.g.tell(map[string]any{"started": r.started, "grants": items}, func(w io.Writer) error {
		if !r.started {
			fmt.Fprintln(w, "no review was begun: sevenfold access review start")
		}
		owner := "\x00"
		for i := range items {
			it := &items[i]
			if it.Owner != owner {
				owner = it.Owner
				fmt.Fprintf(w, "%s\n", orElse(printable(owner), "nobody answers for these: name an owner"))
			}
			due := ""
			if !it.Due.IsZero() {
				due = ", due " + it.Due.Format(time.DateOnly)
			}
			fmt.Fprintf(w, "  %s  %-8s%s %s of %s%s\n      %s\n      %s; workloads %s\n", it.ID, it.State, it.Kind, printable(it.Grant), printable(it.Identity), due,
				printable(it.Says), printable(it.Why), printable(strings.Join(it.Workloads, ", ")))
		}
		return nil
	})
}

// find is the grant of an id.
func (r *reviewed) find(id string) (*access.ReviewItem, error) {
	for i := range r.items {
		if r.items[i].ID == id {
			return &r.items[i], nil
		}
	}
	return nil, usage(fmt.Sprintf("no grant is called %q now", id), "sevenfold access review list shows them")
}

func newReviewSay(g *globals, kind string) *cobra.Command {
	var f reviewing
	short := map[string]string{"keep": "A grant stays, by whose word and why", "revoke": "A grant goes, by whose word and why; prints the commands"}[kind]
	cmd := &cobra.Command{
		Use: kind + " GRANT", Short: short, Args: wordsOf("GRANT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case strings.TrimSpace(f.by) == "":
				return usage("somebody must answer for it by name", "--by NAME")
			case strings.TrimSpace(f.reason) == "":
				return usage("an answer needs a reason", "--reason 'why it stays, or goes'")
			}
			return g.review(cmd.Context(), "access review "+kind, &f, func(ctx context.Context, r *reviewed) error {
				it, err := r.find(args[0])
				switch {
				case err != nil:
					return err
				case !r.started:
					return usage("no review was begun", "sevenfold access review start")
				case it.Unread != "" && kind == "keep":
					return &failure{code: exitUnknown, what: "what nobody has read cannot be kept: " + it.Unread, where: it.Grant, hint: "let it be read, and look at it again"}
				}
				e := access.ReviewEntry{Kind: kind, At: r.now, By: f.by, Grant: it.ID, Digest: it.Digest, Identity: it.Identity, What: it.Grant, Owner: it.Owner, Reason: f.reason}
				if err := r.add(ctx, e, f.key); err != nil {
					return err
				}
				return g.tell(map[string]any{"record": e, "revoke": it.Revoke}, func(w io.Writer) error {
					fmt.Fprintf(w, "%s %s: %s %s of %s, by %s: %s\n", map[string]string{"keep": "kept", "revoke": "revoked"}[kind], it.ID, it.Kind, printable(it.Grant), printable(it.Identity), printable(f.by), printable(f.reason))
					if f.by != it.Owner && it.Owner != "" {
						fmt.Fprintf(w, "  note    its owner is %s (%s)\n", printable(it.Owner), printable(it.From))
					}
					if kind == "revoke" {
						for _, c := range it.Revoke {
							fmt.Fprintf(w, "  $ %s\n", printable(c))
						}
						if it.Kind == "trust" {
							fmt.Fprintln(w, "  the trust policy must be edited: aws iam update-assume-role-policy")
						}
					}
					return nil
				})
			})
		},
	}
	f.addTo(cmd)
	cmd.Flags().StringVar(&f.by, "by", "", "who answers for it: `NAME`")
	cmd.Flags().StringVar(&f.reason, "reason", "", "why: `TEXT`")
	f.keyTo(cmd)
	return cmd
}

func newReviewShow(g *globals) *cobra.Command {
	var f reviewing
	cmd := &cobra.Command{
		Use: "show [GRANT]", Short: "The record of reviews, or of one grant, checked from the first entry on", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.review(cmd.Context(), "access review show", &f, func(_ context.Context, r *reviewed) error {
				var item *access.ReviewItem
				records := []access.ReviewEntry{}
				for _, e := range r.records {
					if len(args) == 0 || e.Grant == args[0] || e.Grants[args[0]] != "" {
						records = append(records, e)
					}
				}
				if len(args) == 1 {
					var err error
					if item, err = r.find(args[0]); err != nil && len(records) == 0 {
						return err
					}
				}
				return g.tell(map[string]any{"grant": item, "records": records}, func(w io.Writer) error {
					if item != nil {
						fmt.Fprintf(w, "%s  %s %s of %s: %s\n  %s\n", item.ID, item.Kind, printable(item.Grant), printable(item.Identity), item.State, printable(item.Says))
					}
					for _, e := range records {
						fmt.Fprintf(w, "%s  %-7s%s", e.At.Format(time.RFC3339), e.Kind, printable(e.By))
						switch e.Kind {
						case "start":
							fmt.Fprintf(w, ": %d grants, due %s", len(e.Grants), e.Due.Format(time.DateOnly))
						default:
							fmt.Fprintf(w, ": %s %s of %s: %s", e.Grant, printable(e.What), printable(e.Identity), printable(e.Reason))
						}
						fmt.Fprintln(w)
					}
					if len(records) == 0 {
						fmt.Fprintln(w, "no record")
					}
					return nil
				})
			})
		},
	}
	f.addTo(cmd)
	return cmd
}
