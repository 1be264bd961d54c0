package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/steps/supply"
)

func newSupplyReview(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "review",
		Short: "A person's word on a component as it is today: approve, reject, list",
		Long: `A person's word on a component as it is today. A model, an image, a code base and a
library go the same way: what was examined of PLACE is approved or rejected as it is,
signed, with who, when and why; a new version opens it again. PLACE as for --of of
supply scan and bom, a package URL with its version (pkg:pypi/torch@2.5.1), or
service:NAME of a service whose fingerprint was taken.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newSupplySay(g, "approve", "approved"), newSupplySay(g, "reject", "rejected"), newSupplyReviews(g))
	return cmd
}

func newSupplySay(g *globals, verb, decision string) *cobra.Command {
	var by, reason, until, key string
	cmd := &cobra.Command{
		Use: verb + " PLACE", Short: strings.ToUpper(verb[:1]) + verb[1:] + " what is there today", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("supply review "+verb, "text", "json"); err != nil {
				return err
			}
			if reason == "" {
				return usage("a review needs a reason", "--reason 'what was looked at, and what it showed'")
			}
			return g.kept(cmd.Context(), func(s *session, st assess.Supply) error {
				r := supply.Review{Subject: supply.ParsePlace(args[0]), Decision: decision, By: orElse(by, person()), Reason: reason, Taken: runTime()}
				if until != "" {
					d, err := time.Parse(time.DateOnly, until)
					if err != nil || d.Before(r.Taken) {
						return usage(fmt.Sprintf("--until %q is no day to come", until), "--until 2027-05-01")
					}
					r.Until = d.AddDate(0, 0, 1).Add(-time.Second)
				}
				private, err := s.approverKey(key)
				if err != nil {
					return err
				}
				if err := st.Say(cmd.Context(), r, private); err != nil {
					var no *assess.NotExaminedError
					if errors.As(err, &no) {
						if strings.HasPrefix(r.Subject, "service:") {
							return usage(printable(no.Error()), "take its fingerprint first: sevenfold supply services fingerprint")
						}
						return usage(printable(no.Error()), "examine it first: sevenfold supply bom PATH --of "+r.Subject)
					}
					return stateFailure(err)
				}
				return g.tell(r, func(w io.Writer) error {
					_, err := fmt.Fprintf(w, "%s: %s by %s; it counts until something there changes\n", printable(r.Subject), r.Decision, printable(r.By))
					return err
				})
			})
		},
	}
	cmd.Flags().StringVar(&by, "by", "", "who says it (default the user who runs this)")
	cmd.Flags().StringVar(&reason, "reason", "", "what was looked at, and what it showed")
	cmd.Flags().StringVar(&until, "until", "", "the last `DAY` it counts")
	cmd.Flags().StringVar(&key, "key", "", "private key `FILE` of an approver (PKCS #8 PEM, Ed25519); default: the state's own")
	return cmd
}

func newSupplyReviews(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Every review, and whether what it is of has changed since", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := g.wants("supply review list", "text", "json"); err != nil {
				return err
			}
			return g.kept(cmd.Context(), func(_ *session, st assess.Supply) error { return g.reviews(cmd.Context(), st) })
		},
	}
}

// reviewLine is one review and where it stands.
type reviewLine struct {
	supply.Review
	Stands string `json:"stands"` // holds | changed | ended | not counted
}

func (g *globals) reviews(ctx context.Context, st assess.Supply) error {
	k, err := st.Known(ctx, runTime())
	if err != nil {
		return stateFailure(err)
	}
	lines := []reviewLine{}
	open := false
	for _, r := range k.Reviews {
		l := reviewLine{r, k.Stands(&r)}
		open = open || l.Stands != "holds"
		lines = append(lines, l)
	}
	if err := g.tell(map[string]any{"reviews": lines}, func(w io.Writer) error {
		for _, l := range lines {
			fmt.Fprintf(w, "%-8s %s %s by %s on %s: %s\n", l.Stands, printable(l.Subject), l.Decision, printable(l.By), l.Taken.Format(time.DateOnly), printable(l.Reason))
		}
		if len(lines) == 0 {
			fmt.Fprintln(w, "nothing was reviewed yet")
		}
		return nil
	}); err != nil {
		return err
	}
	if open {
		return verdict(exitUnknown)
	}
	return nil
}
