package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/report"
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
				inv.Assets = slices.DeleteFunc(inv.Assets, func(a report.InventoryAsset) bool { return a.Kind != kind })
			}
			if why != "" {
				return g.explainAsset(result, why)
			}
			return g.write(func(w io.Writer) error {
				if g.format == "json" {
					return report.InventoryJSON(w, inv)
				}
				return report.InventoryText(w, inv, g.textOptions(""), all || kind != "")
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
	return g.tell(why, func(w io.Writer) error {
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
