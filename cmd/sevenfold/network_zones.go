package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/network"
)

func newNetworkZones(g *globals) *cobra.Command {
	var r reading
	cmd := &cobra.Command{
		Use:   "zones",
		Short: "What stands in which zone, which addresses zones share, and what can cross between them",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.wire(cmd.Context(), "network zones", r, func(_ context.Context, w *network.World, s *scope.Scope, workloads *scope.Workloads) error {
				z := w.ZonesOf(s, workloads)
				z.Hold(s, workloads)
				if err := g.write(func(out io.Writer) error {
					if g.format == "json" {
						return writeJSON(out, z)
					}
					return zonesText(out, z)
				}); err != nil {
					return err
				}
				return verdict(z.Exit())
			})
		},
	}
	r.addTo(cmd)
	return cmd
}

// mostListed bounds how many things of one kind a text lists for a person.
const mostListed = 50

// unreadText says what was not read and may hold anything.
func unreadText(w io.Writer, unread []string) {
	for k, u := range unread {
		if k == mostListed {
			fmt.Fprintf(w, "not read: %d more; --format json lists them\n", len(unread)-k)
			return
		}
		fmt.Fprintf(w, "not read: %s\n", printable(u))
	}
}

// zonesText writes zones for a person.
func zonesText(w io.Writer, z *network.Zones) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "ZONE\tTHINGS\tADDRESSES")
	for _, one := range z.List {
		fmt.Fprintf(t, "%s\t%d\t%s\n", one.Name, one.Things, network.Few(one.Addresses, 6))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	unreadText(w, z.Unread)
	for _, o := range z.Overlaps {
		fmt.Fprintf(w, "shared: %s and %s both have addresses from %s\n", o.Zones[0], o.Zones[1], network.Few(o.Addresses, 6))
	}
	for k, u := range z.Unzoned {
		if k == mostListed {
			fmt.Fprintf(w, "in no zone: %d more; --format json lists them\n", len(z.Unzoned)-k)
			break
		}
		fmt.Fprintf(w, "in no zone: %s\n", printable(u))
	}
	for k, u := range z.Undecided {
		if k == mostListed {
			fmt.Fprintf(w, "zone not known: of %d more; --format json lists them\n", len(z.Undecided)-k)
			break
		}
		fmt.Fprintf(w, "zone not known: %s: %s\n", printable(u.Asset), printable(u.Why))
	}
	for _, c := range z.Crossings {
		if c.Reachable == "no" && c.Verdict == "" {
			continue
		}
		fmt.Fprintf(w, "\n%s -> %s: %s", c.From, c.To, c.Reachable)
		if len(c.Ports) > 0 {
			fmt.Fprintf(w, " on %s", strings.Join(c.Ports, ", "))
		}
		if c.Verdict != "" {
			fmt.Fprintf(w, "  [%s: %s]", c.Verdict, c.Intent)
		}
		fmt.Fprintln(w)
		for _, h := range c.Path {
			fmt.Fprintf(w, "  by      %s\n", printable(strings.TrimSpace(h.Name+"  "+h.Rule)))
		}
		for _, b := range c.Because {
			fmt.Fprintf(w, "  because %s\n", printable(b))
		}
	}
	intentsText(w, z.Intents)
	return nil
}

// intentsText says which intents are broken, or may be, that speak of more than zones.
func intentsText(w io.Writer, intents []network.Crossing) {
	for _, c := range intents {
		fmt.Fprintf(w, "\nintent %s is %s: %s -> %s", printable(c.Intent), map[string]string{"violated": "violated", "unknown": "not told"}[c.Verdict], printable(c.From), printable(c.To))
		if len(c.Ports) > 0 {
			fmt.Fprintf(w, " on %s", network.Few(c.Ports, 6))
		}
		fmt.Fprintln(w)
		for _, h := range c.Path {
			fmt.Fprintf(w, "  by      %s\n", printable(strings.TrimSpace(h.Name+"  "+h.Rule)))
		}
		for _, b := range c.Because {
			fmt.Fprintf(w, "  because %s\n", printable(b))
		}
	}
}
