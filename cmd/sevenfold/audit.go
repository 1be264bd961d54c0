package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/gate"
	"github.com/sevenfold-sec/sevenfold/report"
)

// auditRows is how many identities the audit's text lists.
const auditRows = 12

func newAudit(g *globals) *cobra.Command {
	var r reading
	all := false
	cmd := &cobra.Command{
		Use:   "audit [WORKLOAD]",
		Short: "What exists, how it is configured, and where it deviates",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("audit", "text", "json", "sarif", "html", "markdown", "patch"); err != nil {
				return err
			}
			listed := auditRows
			if all {
				listed = -1
			}
			return g.alone(cmd.Context(), "audit", r, args, func(doc *report.Document) { doc.Listed = listed })
		},
	}
	r.addTo(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "list every identity that may touch AI, and by what")
	return cmd
}

// stepVerb is the verb that runs one step for the chosen workloads and reports its own
// findings, with the verbs beneath it.
func (g *globals) stepVerb(step, short string, beneath ...*cobra.Command) *cobra.Command {
	var r reading
	cmd := &cobra.Command{
		Use:   step + " [WORKLOAD]",
		Short: short,
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants(step, "text", "json", "sarif", "html", "markdown"); err != nil {
				return err
			}
			return g.alone(cmd.Context(), step, r, args, func(doc *report.Document) {
				doc.Findings = slices.DeleteFunc(doc.Findings, func(f finding.Finding) bool { return f.Step != step })
			})
		},
	}
	r.addTo(cmd)
	cmd.AddCommand(beneath...)
	return cmd
}

// alone runs one step for the chosen workloads and writes its report, shaped by
// shape; how it ends follows from that step's criteria.
func (g *globals) alone(ctx context.Context, step string, r reading, args []string, shape func(*report.Document)) error {
	s, err := g.open()
	if err != nil {
		return err
	}
	r.step = step
	result, err := s.run(ctx, r)
	if err != nil {
		return err
	}
	s.sayLapsed(result.Lapsed)
	doc := result.Document(version, s.scope, s.controls)
	doc.Command = "sevenfold " + step
	shape(doc)
	narrow(doc, step) // last: it tallies
	only, err := choose(doc, result.Workloads.List, args)
	if err != nil {
		return err
	}
	if err := g.report(result, doc, only); err != nil {
		return err
	}
	return verdict(gate.Exit(verdicts(doc)))
}

// narrow leaves only one step's criteria in the document, and the verdict that
// follows from them alone. Findings stay: audit.deviations asks for all of them.
func narrow(doc *report.Document, step string) {
	for i := range doc.Workloads {
		w := &doc.Workloads[i]
		w.Criteria = slices.DeleteFunc(w.Criteria, func(c finding.Criterion) bool { return !strings.HasPrefix(c.ID, step+".") })
		w.Verdict = gate.Decide(w.Criteria)
	}
	doc.Tally()
}
