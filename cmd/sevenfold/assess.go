package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/gate"
	"github.com/sevenfold-sec/sevenfold/report"
)

func newAssess(g *globals) *cobra.Command {
	var r reading
	dryRun := false
	cmd := &cobra.Command{
		Use:   "assess [WORKLOAD]",
		Short: "The main job: read the estate, walk the steps, give every AI workload its verdict",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("assess", "text", "json", "sarif", "html", "markdown", "patch"); err != nil {
				return err
			}
			s, err := g.open()
			if err != nil {
				return err
			}
			if dryRun {
				return s.dryRun()
			}
			r.access = g.format == "html" // the page shows who is named
			result, err := s.run(cmd.Context(), r)
			if err != nil {
				return err
			}
			s.sayLapsed(result.Lapsed)
			s.sayGlass(result)
			doc := result.Document(version, s.scope, s.controls)
			only, err := choose(doc, result.Workloads.List, args)
			if err != nil {
				return err
			}
			if err := g.report(result, doc, only); err != nil {
				return err
			}
			return verdict(gate.Exit(verdicts(doc)))
		},
	}
	r.addTo(cmd)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "list the calls it would make, and make none")
	return cmd
}

// choose narrows the document to the workload named, by name or id.
// Of several with one name it lists the assets that tell them apart.
func choose(doc *report.Document, all []finding.Workload, args []string) (string, error) {
	if len(args) == 0 {
		return "", nil
	}
	var kept []report.Workload
	for _, w := range doc.Workloads {
		if w.Name == args[0] || w.ID == args[0] {
			kept = append(kept, w)
		}
	}
	switch len(kept) {
	case 1:
		doc.Workloads = kept
		doc.Tally()
		return kept[0].ID, nil
	case 0:
		return "", usage(fmt.Sprintf("no workload is called %q", args[0]), "sevenfold inventory lists the workloads")
	default:
		what := fmt.Sprintf("%d workloads are called %q:", len(kept), args[0])
		for _, w := range kept {
			what += "\n  " + printable(w.ID) + "  " + printable(strings.Join(rootsOf(all, w.ID), ", "))
		}
		return "", usage(what, "name one by its id")
	}
}

// rootsOf gives the assets a workload was found by.
func rootsOf(all []finding.Workload, id string) []string {
	for _, w := range all {
		if w.ID == id {
			return w.Roots
		}
	}
	return nil
}

func verdicts(doc *report.Document) []finding.Verdict {
	out := make([]finding.Verdict, len(doc.Workloads))
	for i, w := range doc.Workloads {
		out[i] = w.Verdict
	}
	return out
}

// report writes the document in the format asked for.
func (g *globals) report(result *assess.Result, doc *report.Document, workload string) error {
	if len(doc.Patches) > 1 && g.format == "patch" {
		return usage(report.Diff(io.Discard, doc).Error(), "give one of them by --source; --format json holds a patch for each")
	}
	return g.write(func(w io.Writer) error {
		switch g.format {
		case "json":
			return report.JSON(w, doc)
		case "sarif":
			return report.SARIF(w, doc)
		case "markdown":
			return report.Markdown(w, doc)
		case "patch":
			return report.Diff(w, doc)
		case "html":
			return report.HTML(w, doc, result.Drawing())
		default:
			return report.Text(w, doc, g.textOptions(workload))
		}
	})
}

// textOptions are those of the terminal the text goes to, if it goes to one.
func (g *globals) textOptions(workload string) report.Options {
	opt := report.Options{Workload: workload}
	if g.out == "" && terminal(g.stdout) {
		opt.Color = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
		opt.Width, _ = strconv.Atoi(os.Getenv("COLUMNS"))
	}
	return opt
}

// sayLapsed names the waivers that do not, or no longer, count.
func (s *session) sayLapsed(lapsed []gate.Lapsed) {
	for _, w := range lapsed {
		hint := "mend what it covered, or renew it: sevenfold gate waive"
		if len(s.scope.Gate.Approvers) > 0 {
			hint += " --key with the key of an approver"
		}
		printFailure(s.g.stderr, &failure{what: fmt.Sprintf("waiver of %s for %s does not count: %s", w.Criterion, w.Workload, w.Why), where: s.file, hint: hint})
	}
}
