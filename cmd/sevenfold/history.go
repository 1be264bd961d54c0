package main

import (
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/report"
)

func newHistory(g *globals) *cobra.Command {
	since := ""
	cmd := &cobra.Command{
		Use:   "history",
		Short: "How many deviations were open over time, and how long mending took",
		Long:  "Reads the state only. A run that reads the estate and finds other deviations than the run before adds to it, and so does\nthe first of a day; runs of one day that find the same count as one.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := g.wants("history", "text", "json"); err != nil {
				return err
			}
			var from time.Time
			if since != "" {
				var err error
				if from, err = time.Parse(time.DateOnly, since); err != nil {
					return usage("since "+since+" is not a day", "--since 2026-03-03")
				}
			}
			return g.keptBaseline(cmd.Context(), func(s *session, kept assess.Baselines) error {
				h, err := assess.History{Store: kept.Store, Heads: s.heads(kept.Store)}.Report(cmd.Context(), from)
				var altered *assess.HistoryError
				if errors.As(err, &altered) {
					what, hint := splitHints(err.Error())
					return &failure{code: exitUnknown, what: what, hint: hint}
				}
				if err != nil {
					return stateFailure(err)
				}
				return g.write(func(w io.Writer) error {
					if g.format == "json" {
						return report.HistoryJSON(w, h)
					}
					return report.HistoryText(w, h, g.textOptions(""))
				})
			})
		},
	}
	cmd.Flags().StringVar(&since, "since", "", "only runs from this `DAY` on: 2026-03-03")
	return cmd
}
