package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/gate"
	"github.com/sevenfold-sec/sevenfold/steps/access"
)

func newAccess(g *globals) *cobra.Command {
	r := reading{access: true}
	cmd := &cobra.Command{
		Use:   "access",
		Short: "Who direct policy names for each workload and store (first cut: names, not decisions)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := g.wants("access", "text", "json"); err != nil {
				return err
			}
			s, err := g.open()
			if err != nil {
				return err
			}
			result, err := s.run(cmd.Context(), r)
			if err != nil {
				return err
			}
			if err := g.write(func(w io.Writer) error { return g.accessList(w, result) }); err != nil {
				return err
			}
			doc := result.Document(version, s.scope, s.controls)
			narrow(doc, "access")
			return verdict(gate.Exit(verdicts(doc)))
		},
	}
	r.addTo(cmd)
	for _, sub := range unbuiltAccess {
		cmd.AddCommand(notBuilt("sevenfold access", sub, ""))
	}
	return cmd
}

// accessList writes the entries, one table for each asset.
func (g *globals) accessList(w io.Writer, result *assess.Result) error {
	if g.format == "json" {
		entries := result.Access
		if entries == nil {
			entries = []access.Entry{}
		}
		return writeJSON(w, map[string]any{"access": entries})
	}
	names := map[string]string{}
	for _, wl := range result.Workloads.List {
		names[wl.ID] = wl.Name
	}
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, e := range result.Access {
		fmt.Fprintf(tw, "%s  (%s)\n", printable(e.Asset), printable(names[e.Workload]))
		if len(e.Grants) == 0 {
			fmt.Fprintf(tw, "  no policy that was read names anybody for it\n")
		}
		for _, u := range e.Unread {
			fmt.Fprintf(tw, "  perhaps others: %s\n", printable(u))
		}
		for _, n := range e.Grants {
			fmt.Fprintf(tw, "  %s\t%s\t%s\t%s\t%s\n", printable(n.Principal), n.Class, lastUse(n), keyAge(n, result.Snapshot.Taken()), printable(via(n)))
		}
	}
	fmt.Fprintf(tw, "\nNames in policies, not decisions: conditions, boundaries, organisation policies and denies are not weighed yet.\n")
	return tw.Flush()
}

func via(n access.Grant) string {
	s := n.Via
	if n.Owner != "" {
		s = "owner " + n.Owner + "; " + s
	}
	if n.Conditional {
		s += " (with conditions)"
	}
	return s
}

func lastUse(n access.Grant) string {
	switch {
	case !n.LastUsed.IsZero():
		return "used " + n.LastUsed.Format(time.DateOnly)
	case n.UsageKnown:
		return "never used"
	default:
		return "use not read"
	}
}

func keyAge(n access.Grant, now time.Time) string {
	if n.OldestKey.IsZero() {
		return ""
	}
	return fmt.Sprintf("key %d days old", int(now.Sub(n.OldestKey).Hours()/24))
}

// printable keeps names that somebody else chose from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '�'
		}
		return r
	}, s)
}
