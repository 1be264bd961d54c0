package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/store"
)

func newDetectCoverage(g *globals) *cobra.Command {
	var with withRules
	cmd := &cobra.Command{
		Use:   "coverage",
		Short: "What detection has against each technique: rules, and the last proof",
		Long: `What detection has against each ATT&CK and ATLAS technique: how many rules bear it, how
many of these were matched when events were last taken in, and what became of the last
attack of the last 30 days that played it (sevenfold detect prove). That a rule bears a
technique is no proof of it. Behaviour is bound to no technique and counts in proofs
only. Exit 1 if an attack was missed, else 3 if one was never sent, else 0.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := g.wants("detect coverage", "text", "json"); err != nil {
				return err
			}
			set, err := with.load(g)
			if err != nil {
				return err
			}
			return g.watching(cmd.Context(), func(_ *session, _ store.Store, w *assess.Watch, _ *estate.Snapshot) error {
				c := w.CoverageOf(set, time.Now().UTC())
				if err := g.tell(c, func(out io.Writer) error { coverageText(out, c); return nil }); err != nil {
					return err
				}
				switch {
				case c.Missed > 0:
					return verdict(exitNotReady)
				case c.Unproved > 0 || len(c.Techniques) == 0:
					return verdict(exitUnknown)
				}
				return nil
			})
		},
	}
	cmd.Flags().StringArrayVar(&with.folders, "rules", nil, "a `FOLDER` of Sigma rules beside those that are shipped; repeats")
	cmd.Flags().StringArrayVar(&with.pipelines, "pipeline", nil, "a processing pipeline `FILE` for the rules; repeats")
	return cmd
}

func coverageText(w io.Writer, c assess.Coverage) {
	inUse := 0
	for _, t := range c.Techniques {
		proof := ""
		if t.Proof != nil {
			proof = "  sent " + t.Proof.At.Format(time.RFC3339)
			if t.Proof.Found {
				proof += fmt.Sprintf(", told after %.0f s by %s", t.Proof.Seconds, printable(t.Proof.By))
			}
		}
		if t.InUse > 0 {
			inUse++
		}
		fmt.Fprintf(w, "%-8s  %-14s  %3d in use of %s%s\n", t.Status, printable(t.Technique), t.InUse, counted(t.Rules, "rule"), proof)
	}
	fmt.Fprintf(w, "%s: rules in use bear %d; %d proved, %d missed, %d unproved\n", counted(len(c.Techniques), "technique"), inUse, c.Proved, c.Missed, c.Unproved)
	if c.Unproved > 0 {
		fmt.Fprintln(w, "do: sevenfold detect prove URL|FOLDER --principal ARN sends the attacks that can be played")
	}
}
