package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
)

func newAccessEscalations(g *globals) *cobra.Command {
	var r reading
	var principal string
	cmd := &cobra.Command{
		Use:   "escalations",
		Short: "Who can become administrator, and how: one shortest way for each principal, target and technique",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.see(cmd.Context(), "access escalations", r, func(ctx context.Context, snap *estate.Snapshot) error {
				all, err := assess.Escalations(ctx, snap)
				if err != nil {
					return err
				}
				if principal != "" {
					all = slices.DeleteFunc(all, func(e iam.Escalation) bool { return !strings.HasSuffix(e.Principal, principal) })
				}
				if err := g.write(func(w io.Writer) error {
					if g.format == "json" {
						if all == nil {
							all = []iam.Escalation{}
						}
						return writeJSON(w, struct {
							Escalations []iam.Escalation `json:"escalations"`
						}{all})
					}
					return escalationsText(w, all)
				}); err != nil {
					return err
				}
				if len(all) > 0 {
					return verdict(exitNotReady)
				}
				return nil
			})
		},
	}
	r.addTo(cmd)
	cmd.Flags().StringVar(&principal, "principal", "", "only the ways of a `PRINCIPAL`, an ARN or the end of one")
	return cmd
}

// see reads the estate and shows a snapshot of it to whoever asks.
func (g *globals) see(ctx context.Context, verb string, r reading, then func(context.Context, *estate.Snapshot) error) error {
	if err := g.wants(verb, "text", "json"); err != nil {
		return err
	}
	s, err := g.scopeOnly()
	if err != nil {
		return err
	}
	s.settleSources()
	if err := s.splitEvents(); err != nil {
		return err
	}
	return s.sight(ctx, r, func(snap *estate.Snapshot) error { return then(ctx, snap) })
}

// escalationsText writes the ways of each principal, those with the fewest
// steps first, in full for the first and in a line for the others.
func escalationsText(w io.Writer, all []iam.Escalation) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(w, "nobody who is no administrator can become one")
		return err
	}
	byPrincipal := map[string][]iam.Escalation{}
	var order []string
	for _, e := range all {
		if byPrincipal[e.Principal] == nil {
			order = append(order, e.Principal)
		}
		byPrincipal[e.Principal] = append(byPrincipal[e.Principal], e)
	}
	fmt.Fprintf(w, "%d can become administrator\n", len(order))
	for _, p := range order {
		ways := byPrincipal[p]
		slices.SortStableFunc(ways, func(a, b iam.Escalation) int {
			if d := int(b.Decision) - int(a.Decision); d != 0 {
				return d
			}
			return len(a.Path) - len(b.Path)
		})
		fmt.Fprintf(w, "\n%s\n", printable(p))
		first := ways[0]
		fmt.Fprintf(w, "  %s: %s (%s)\n", first.Decision, printable(first.Title), first.Technique)
		for i, s := range first.Path {
			fmt.Fprintf(w, "  %d. %s\n", i+1, strings.Join(s.Actions, ", "))
			if s.Via != "" {
				fmt.Fprintf(w, "     on %s\n", printable(s.Via))
			}
			if s.Waits != "" {
				fmt.Fprintf(w, "     waits until %s\n", s.Waits)
			}
			fmt.Fprintf(w, "     becomes %s\n", printable(s.To))
			for _, b := range s.Because {
				fmt.Fprintf(w, "     %-5s by %s %s (%s)\n", strings.ToLower(b.Effect), printable(b.Policy), printable(b.Statement), b.Layer)
			}
		}
		for _, u := range first.Unknown {
			fmt.Fprintf(w, "  unknown %s\n", printable(u))
		}
		for _, a := range first.Assumed {
			fmt.Fprintf(w, "  assumed %s\n", printable(a))
		}
		if len(ways) > 1 {
			var also []string
			for _, e := range ways[1:] {
				also = append(also, e.Technique)
			}
			slices.Sort(also)
			also = slices.Compact(also)
			fmt.Fprintf(w, "  and by %s\n", strings.Join(also, ", "))
		}
	}
	return nil
}
