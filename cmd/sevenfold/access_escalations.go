package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/access"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
)

func newAccessEscalations(g *globals) *cobra.Command {
	var r reading
	var principal string
	var cut bool
	cmd := &cobra.Command{
		Use:   "escalations",
		Short: "Who can become administrator, and how: one shortest way for each principal, target and technique",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.see(cmd.Context(), "access escalations", r, func(ctx context.Context, snap *estate.Snapshot) error {
				found, err := assess.Escalations(ctx, snap, principal, cut)
				if err != nil {
					return err
				}
				if err := g.tell(found, func(w io.Writer) error { return escalationsText(w, found) }); err != nil {
					return err
				}
				switch {
				case slices.ContainsFunc(found.Escalations, func(e iam.Escalation) bool { return e.Decision != iam.Unknown }):
					return verdict(exitNotReady)
				case len(found.Escalations)+len(found.Untold) > 0:
					return verdict(exitUnknown)
				}
				return nil
			})
		},
	}
	r.addTo(cmd)
	cmd.Flags().StringVar(&principal, "principal", "", "only the ways of a `PRINCIPAL`, an ARN or the end of one")
	cmd.Flags().BoolVar(&cut, "cut", false, "also find what to refuse each of them, and prove that no way is left then")
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

// escalationsText writes the ways of each principal: the surest and shortest in
// full, the others by name.
func escalationsText(w io.Writer, found *access.Ways) error {
	byPrincipal := map[string][]iam.Escalation{}
	for _, e := range found.Escalations {
		byPrincipal[e.Principal] = append(byPrincipal[e.Principal], e)
	}
	for _, ways := range byPrincipal {
		slices.SortStableFunc(ways, func(a, b iam.Escalation) int {
			return cmp.Or(cmp.Compare(a.Gain, b.Gain)*-1, -cmp.Compare(a.Decision, b.Decision), cmp.Compare(len(a.Path), len(b.Path)))
		})
	}
	order := slices.SortedFunc(maps.Keys(byPrincipal), func(a, b string) int {
		return cmp.Or(-cmp.Compare(byPrincipal[a][0].Decision, byPrincipal[b][0].Decision), cmp.Compare(a, b))
	})
	if len(order) == 0 {
		fmt.Fprintln(w, "nobody who is no administrator is seen to become one")
	} else {
		fmt.Fprintf(w, "%d can or may become administrator\n", len(order))
	}
	for _, p := range order {
		wayText(w, p, byPrincipal[p])
	}
	if n := len(found.Untold); n > 0 {
		fmt.Fprintf(w, "\n%d of which it cannot be told, since they, their policies or whom they trust were not read:\n", n)
		for i, arn := range found.Untold {
			if i == 10 {
				fmt.Fprintf(w, "  and %d more\n", n-i)
				break
			}
			fmt.Fprintf(w, "  %s\n", printable(arn))
		}
	}
	return cutsText(w, found.Cuts)
}

// wayText writes the ways of one principal, best first.
func wayText(w io.Writer, principal string, ways []iam.Escalation) {
	first := ways[0]
	fmt.Fprintf(w, "\n%s\n  %s: %s (%s)\n", printable(principal), first.Decision, printable(first.Title), first.Technique)
	for i, s := range first.Path {
		fmt.Fprintf(w, "  %d. %s\n", i+1, strings.Join(s.Actions, ", "))
		if s.Via != "" {
			fmt.Fprintf(w, "     on %s\n", printable(s.Via))
		}
		if s.Waits != "" {
			fmt.Fprintf(w, "     waits until %s\n", s.Waits)
		}
		fmt.Fprintf(w, "     becomes %s\n", printable(s.To))
		var said []string
		for _, b := range s.Because {
			line := fmt.Sprintf("%-5s by %s %s (%s)", strings.ToLower(b.Effect), b.Policy, b.Statement, b.Layer)
			if b.Policy != "" && !slices.Contains(said, line) {
				said = append(said, line)
				fmt.Fprintf(w, "     %s\n", printable(line))
			}
		}
	}
	for _, u := range first.Unknown {
		fmt.Fprintf(w, "  unknown %s\n", printable(u))
	}
	for _, a := range first.Assumed {
		fmt.Fprintf(w, "  assumed %s\n", printable(a))
	}
	var also []string
	for _, e := range ways[1:] {
		if !slices.Contains(also, e.Technique) && e.Technique != first.Technique {
			also = append(also, e.Technique)
		}
	}
	const shown = 6
	switch n := len(also); {
	case n > shown:
		fmt.Fprintf(w, "  and by %s, and %d more techniques: --format json lists them\n", strings.Join(also[:shown], ", "), n-shown)
	case n > 0:
		fmt.Fprintf(w, "  and by %s\n", strings.Join(also, ", "))
	}
}

// cutsText writes what to refuse each principal, as commands.
func cutsText(w io.Writer, cuts []iam.Cut) error {
	for _, c := range cuts {
		fmt.Fprintf(w, "\ncut %s\n", printable(c.Principal))
		for _, d := range c.Denies {
			fmt.Fprintf(w, "  refuse %s\n", printable(d))
		}
		switch c.Left {
		case 0:
			fmt.Fprintln(w, "  with these cuts no way is left: sought again with them in place")
		default:
			fmt.Fprintf(w, "  with these cuts %d ways are left\n", c.Left)
		}
		fmt.Fprintf(w, "  %s\n", printable(access.CutCommand(c)))
	}
	return nil
}
