package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/data"
	"github.com/sevenfold-sec/sevenfold/store"
)

func newDataReaders(g *globals) *cobra.Command {
	var r reading
	var label string
	cmd := &cobra.Command{
		Use:   "readers",
		Short: "Who may read each labelled store, and who of them anything shows to read it",
		Long: `Who may read each labelled store, by the access step's answers, and who of them is
declared or was seen to read it (--source events:PATH). Of the others nothing shows
what their right is for.

Exit 1 if somebody may read a labelled store whom nothing shows to read it, else 3 if
who may read one is not known or no store is labelled, else 0.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			return g.dataWorld(ctx, "data readers", r, func(s *session, st store.Store, o assess.Options, w *data.World, workloads *scope.Workloads) error {
				if label != "" {
					label = scope.LabelOf(label)
				}
				all, err := w.Readers(ctx, label, assess.DataAnswers(w.Snapshot(), workloads).Read)
				if err != nil {
					return err
				}
				if err := g.tell(struct {
					Stores []data.StoreReaders `json:"stores"`
				}{all}, func(out io.Writer) error { return readersText(out, all) }); err != nil {
					return err
				}
				code := exitReady
				for _, s := range all {
					switch {
					case s.Idle > 0:
						return verdict(exitNotReady)
					case s.Unknown != "":
						code = exitUnknown
					}
				}
				if len(all) == 0 {
					code = exitUnknown
				}
				return verdict(code)
			}, "text", "json")
		},
	}
	r.addTo(cmd)
	cmd.Flags().StringVar(&label, "label", "", "of one `LABEL` only: PII, PHI, PCI, …")
	return cmd
}

func readersText(w io.Writer, all []data.StoreReaders) error {
	for _, s := range all {
		fmt.Fprintf(w, "%s (%s): %s may read it, %d of whom nothing shows to\n", printable(s.Store), strings.Join(s.Labels, ", "), counted(len(s.Readers), "principal"), s.Idle)
		for _, reads := range []bool{false, true} {
			for _, r := range s.Readers {
				if r.Reads != reads {
					continue
				}
				word, through := "may", ""
				if r.Reads {
					word, through = "reads", ", as "+printable(strings.Join(r.Through, ", "))
				}
				fmt.Fprintf(w, "  %-6s %s (%s)%s\n", word, printable(r.Principal), r.Decision, through)
			}
		}
		if s.Unknown != "" {
			fmt.Fprintf(w, "  not known: %s\n", printable(s.Unknown))
		}
	}
	if len(all) == 0 {
		fmt.Fprintln(w, "no store is labelled: sevenfold data scan looks into stores")
	}
	return nil
}
