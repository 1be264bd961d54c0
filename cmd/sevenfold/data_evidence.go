package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/data"
	"github.com/sevenfold-sec/sevenfold/store"
)

func newDataEvidence(g *globals) *cobra.Command {
	var r reading
	cmd := &cobra.Command{
		Use:   "evidence",
		Short: "Tables an auditor reads: GDPR articles 5, 30, 32, 35 and HIPAA 164.312, each line with what it rests on",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("format") {
				g.format = "markdown"
			}
			return g.dataWorld(cmd.Context(), "data evidence", r, func(_ *session, _ store.Store, _ assess.Options, w *data.World, workloads *scope.Workloads) error {
				e := w.Evidence(workloads)
				return g.write(func(out io.Writer) error {
					if g.format == "json" {
						return writeJSON(out, e)
					}
					return e.Markdown(out)
				})
			}, "markdown", "json")
		},
	}
	r.addTo(cmd)
	return cmd
}
