package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/estate"
)

func newInventory(g *globals) *cobra.Command {
	var r reading
	why, kind, all := "", "", false
	cmd := &cobra.Command{
		Use:   "inventory",
		Short: "Assets, workloads, zones, owners, and what could not be seen",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := g.wants("inventory", "text", "json"); err != nil {
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
			inv := result.Inventory()
			if kind != "" {
				inv.Assets = slices.DeleteFunc(inv.Assets, func(a assess.InventoryAsset) bool { return string(a.Kind) != kind })
			}
			if why != "" {
				return g.explainAsset(result, why)
			}
			return g.write(func(w io.Writer) error {
				if g.format == "json" {
					return writeJSON(w, inv)
				}
				return inventoryText(w, inv, all || kind != "")
			})
		},
	}
	r.addTo(cmd)
	cmd.Flags().StringVar(&why, "why", "", "say of one `ASSET` why it is (or is not) a workload, and which line corrects that")
	cmd.Flags().StringVar(&kind, "kind", "", "only assets of a `KIND`: identity, store, model, endpoint, …")
	cmd.Flags().BoolVar(&all, "all", false, "list every asset, not only counts by type")
	return cmd
}

// explainAsset answers --why.
func (g *globals) explainAsset(result *assess.Result, name string) error {
	n, err := pick(result.Snapshot, name)
	if err != nil {
		return err
	}
	why := result.Why(n)
	return g.write(func(w io.Writer) error {
		if g.format == "json" {
			return writeJSON(w, why)
		}
		_, err := io.WriteString(w, whyText(why))
		return err
	})
}

// pick finds the one asset that a name means: its id, or an unambiguous suffix
// of it, or its name.
func pick(snap *estate.Snapshot, name string) (estate.Node, error) {
	if n, ok := snap.Find(name); ok {
		return n, nil
	}
	var fits []estate.Node
	for n, a := range snap.Assets() {
		if a.Name == name || strings.HasSuffix(a.ID, "/"+name) || strings.HasSuffix(a.ID, ":"+name) || strings.HasSuffix(a.ID, "#"+name) {
			fits = append(fits, n)
		}
	}
	if len(fits) == 1 {
		return fits[0], nil
	}
	if len(fits) == 0 {
		return 0, usage(fmt.Sprintf("no asset is called %q", name), "sevenfold inventory --all lists the assets")
	}
	what := fmt.Sprintf("%d assets are called %q:", len(fits), name)
	for _, n := range fits[:min(10, len(fits))] {
		what += "\n  " + printable(snap.Asset(n).ID)
	}
	return 0, usage(what, "name one by its id")
}

func whyText(w assess.Why) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n  %s, %s\n", printable(w.Asset), printable(w.Type), orElse(string(w.Kind), "of no kind this version reads"))
	fmt.Fprintf(&b, "  %s\n", printable(w.Why))
	for _, wl := range w.Workloads {
		fmt.Fprintf(&b, "  %s %s\n", wl.As, printable(wl.Name))
	}
	for _, r := range w.Reads {
		line := r.Operation + ": " + string(r.Status)
		if r.Why != "" {
			line += ", " + r.Why
		}
		fmt.Fprintf(&b, "  read %s\n", printable(line))
	}
	fmt.Fprintf(&b, "  to correct it, in sevenfold.yaml: %s\n", printable(w.Correct))
	return b.String()
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// inventoryText writes workloads, assets (by type unless all are asked for),
// and blind spots.
func inventoryText(w io.Writer, inv assess.Inventory, all bool) error {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(tw, "%d AI workloads\n", len(inv.Workloads))
	for _, wl := range inv.Workloads {
		fmt.Fprintf(tw, "  %s\t%s\t%s\t%s\t%d assets\n", printable(wl.Name), wl.Type, orElse(wl.Zone, "unzoned"), orElse(printable(wl.Owner), "no owner"), len(wl.Members))
	}
	fmt.Fprintf(tw, "\n%d assets\n", len(inv.Assets))
	if all {
		for _, a := range inv.Assets {
			fmt.Fprintf(tw, "  %s\t%s\t%s\t%s\n", printable(a.ID), printable(a.Type), orElse(string(a.Kind), "-"), orElse(a.Zone, "-"))
		}
	} else {
		for _, t := range byType(inv.Assets) {
			fmt.Fprintf(tw, "  %d\t%s\n", t.n, printable(t.name))
		}
	}
	fmt.Fprintf(tw, "\n%d blind spots\n", len(inv.BlindSpots))
	for i, b := range inv.BlindSpots {
		if i == 20 && !all {
			fmt.Fprintf(tw, "  and %d more: sevenfold inventory --all\n", len(inv.BlindSpots)-i)
			break
		}
		fmt.Fprintf(tw, "  %s: %s\n", printable(b.What), printable(b.Why))
		if b.Hint != "" {
			fmt.Fprintf(tw, "    hint: %s\n", printable(b.Hint))
		}
	}
	return tw.Flush()
}

type typeCount struct {
	name string
	n    int
}

// byType counts assets by type, the most frequent first.
func byType(assets []assess.InventoryAsset) []typeCount {
	counts := map[string]int{}
	for _, a := range assets {
		counts[orElse(a.Type, "named by others, never read")]++
	}
	out := make([]typeCount, 0, len(counts))
	for t, n := range counts {
		out = append(out, typeCount{t, n})
	}
	slices.SortFunc(out, func(a, b typeCount) int {
		if a.n != b.n {
			return b.n - a.n
		}
		return strings.Compare(a.name, b.name)
	})
	return out
}
